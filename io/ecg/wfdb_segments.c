#include "io/ecg/wfdb_segments.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/file_name.h"
#include "io/base/utf8.h"
#include "io/ecg/person.h"

enum { WORD_BYTES = EIN_WFDB_FILE_BYTES, BELIEVED_VALUES = 1 << 20, BELIEVED_FACTOR = 4096 };
static const char blanks[] = " \t\r";

/* --- text ------------------------------------------------------------------------------------------------ */

/* The next line that is neither blank nor a comment; comments are offered to `person` (may be NULL). NULL at the
 * end. */
static const char *next_line(const char **at, int *number, ein_ecg_person *person) {
    while (**at) {
        const char *line = *at;
        const size_t n = strcspn(line, "\n");
        *at = line + n + (line[n] == '\n');
        ++*number;
        line += strspn(line, blanks);
        if (*line == '#' && person) {
            char text[EIN_ECG_DX_BYTES], made[3 * EIN_ECG_DX_BYTES];
            snprintf(text, sizeof text, "%.*s", (int)strcspn(line + 1, "\r\n"), line + 1);
            ein_utf8_make(text, strlen(text), made, sizeof made, NULL);
            ein_make_printable(made, false);
            ein_wfdb_comment(made, person);
        }
        if (*line != '#' && *line && *line != '\n') return line;
    }
    return NULL;
}

/* The next word of a line, which moves behind it; "" at the end. */
static void take_word(const char **line, char *out, size_t room) {
    *line += strspn(*line, blanks);
    const size_t n = strcspn(*line, " \t\r\n");
    snprintf(out, room, "%.*s", (int)(n < room ? n : room - 1), *line);
    *line += n;
}

static bool take_count(const char **line, int64_t max, int64_t *out) {
    char word[32];
    take_word(line, word, sizeof word);
    if (!word[0] || word[strspn(word, "0123456789")] || strlen(word) > 18) return false;
    *out = strtoll(word, NULL, 10);
    return *out <= max;
}

bool ein_wfdb_is_segmented(const char *text) {
    int number = 0;
    char word[WORD_BYTES];
    const char *line = next_line(&text, &number, NULL);
    if (!line) return false;
    take_word(&line, word, sizeof word);
    return strchr(word, '/') != NULL;
}

static ein_status bad(const char *path, int line, const char *what) {
    return ein_error(EIN_FORMAT, "%s:%d: %s", path, line, what);
}

static ein_status parse_record(const char *path, int number, const char *line, ein_wfdb_segments *out,
                               int64_t *n) {
    char word[WORD_BYTES];
    int64_t signals;
    take_word(&line, word, sizeof word);
    const char *count = strchr(word, '/') + 1;
    if (!*count || count[strspn(count, "0123456789")] || strlen(count) > 9)
        return bad(path, number, "what follows '/' is not a number of segments");
    *n = strtoll(count, NULL, 10);
    if (*n < 1 || *n > EIN_WFDB_MAX_SEGMENTS) return bad(path, number, "1 to 8192 segments are read");
    if (!take_count(&line, EIN_MAX_LEADS, &signals))
        return bad(path, number, "no number of signals from 0 to 64");
    out->fs_hz = 250;
    take_word(&line, word, sizeof word);
    if (!word[0]) return EIN_OK;
    char *end;
    out->fs_hz = strtod(word, &end);
    if ((*end && *end != '/') || !(out->fs_hz > 0 && out->fs_hz <= 1e6))
        return bad(path, number, "no sampling frequency from above 0 to 1e6 Hz");
    if (!line[strspn(line, " \t\r")] || line[strspn(line, " \t\r")] == '\n') return EIN_OK;
    if (!take_count(&line, EIN_ECG_MAX_SAMPLES, &out->n_frames))
        return bad(path, number, "no number of samples that is read");
    return EIN_OK;
}

static ein_status parse_segment(const char *path, int number, const char *line, ein_wfdb_segment *s) {
    take_word(&line, s->name, sizeof s->name);
    s->line = number;
    if (!take_count(&line, EIN_ECG_MAX_SAMPLES, &s->frames))
        return bad(path, number, "a segment without a number of samples");
    if (strlen(s->name) + 5 >= sizeof s->name || strpbrk(s->name, "/\\") || s->name[0] == '.')
        return bad(path, number, "a segment's name that is not plain: it must lie in the header's folder");
    if (strcmp(s->name, "~") == 0) s->name[0] = '\0';
    return EIN_OK;
}

static ein_status parse_all(const char *path, const char *text, ein_wfdb_segments *out) {
    int number = 0;
    int64_t n, sum = 0;
    const char *line = next_line(&text, &number, &out->person);
    EIN_BUG_IF(!line); /* ein_wfdb_is_segmented was before */
    EIN_TRY(parse_record(path, number, line, out, &n));
    EIN_TRY(EIN_NEW(out->segment, n));
    while ((line = next_line(&text, &number, &out->person)) != NULL) {
        if (out->n_segments == n) return bad(path, number, "a line after the segments that are announced");
        ein_wfdb_segment *s = &out->segment[out->n_segments++];
        EIN_TRY(parse_segment(path, number, line, s));
        if (s->frames == 0 && out->n_segments > 1) return bad(path, number, "a segment of no samples");
        sum += s->frames;
        if (sum > EIN_ECG_MAX_SAMPLES) return bad(path, number, "more samples than are read");
    }
    if (out->n_segments != n) return bad(path, number, "fewer segments than are announced");
    if (out->n_frames != 0 && sum != out->n_frames)
        return ein_error(EIN_FORMAT, "%s: %lld samples are stated, its segments have %lld", path,
                         (long long)out->n_frames, (long long)sum);
    out->n_frames = sum;
    return sum > 0 ? EIN_OK : bad(path, number, "segments of no samples");
}

ein_status ein_wfdb_segments_parse(const char *path, const char *text, ein_wfdb_segments *out) {
    memset(out, 0, sizeof *out);
    out->person.age_years = NAN;
    out->person.sex = EIN_SEX_UNKNOWN;
    const ein_status status = parse_all(path, text, out);
    if (status != EIN_OK) ein_wfdb_segments_free(out);
    return status;
}

void ein_wfdb_segments_free(ein_wfdb_segments *segments) {
    free(segments->segment);
    memset(segments, 0, sizeof *segments);
}

ein_status ein_wfdb_segment_path(const char *path, const ein_wfdb_segment *segment, char *out, size_t room) {
    const int n = snprintf(out, room, "%.*s%s.hea", (int)ein_file_name_folder(path), path, segment->name);
    return n > 0 && (size_t)n < room ? EIN_OK : ein_error(EIN_IO, "%.64s...: path too long", path);
}

/* --- joining --------------------------------------------------------------------------------------------- */

static int lead_of(ein_ecg *all, const char *name) {
    int i = 0;
    while (i < all->n_leads && strcmp(all->lead_name[i], name) != 0) i++;
    return i;
}

/* Note the names of a segment's leads in `all`, which holds no samples yet. */
static ein_status note_leads(const char *path, const ein_wfdb_segment *s, const ein_ecg *part, ein_ecg *all) {
    bool seen[EIN_MAX_LEADS] = {false};
    for (int i = 0; i < part->n_leads; i++) {
        const int at = lead_of(all, part->lead_name[i]);
        if (at == EIN_MAX_LEADS || (at < all->n_leads && seen[at]))
            return ein_error(EIN_FORMAT, "%s:%d: segment %s: %s", path, s->line, s->name,
                             at == EIN_MAX_LEADS ? "more leads than are read"
                                                 : "two leads of one name cannot be told apart");
        seen[at] = true;
        if (at == all->n_leads) strcpy(all->lead_name[all->n_leads++], part->lead_name[i]);
    }
    return EIN_OK;
}

static void take_part(const ein_ecg *part, int64_t begin, ein_ecg *all) {
    for (int i = 0; i < part->n_leads; i++) {
        const int at = lead_of(all, part->lead_name[i]);
        memcpy(all->mv + at * all->n_samples + begin, part->mv + i * part->n_samples,
               (size_t)part->n_samples * sizeof *all->mv);
        all->lead[at] = part->lead[i];
        all->lead_notes[at] |= part->lead_notes[i];
    }
    all->notes |= part->notes;
    all->text_converted += part->text_converted;
    all->text_replaced += part->text_replaced;
    if (all->gain_per_mv != part->gain_per_mv) all->gain_per_mv = 0;
}

static void take_person(const char *path, const ein_ecg_person *said, const ein_ecg_person *first,
                        ein_ecg_person *out) {
    *out = *first;
    if (said->patient_id[0]) memcpy(out->patient_id, said->patient_id, sizeof out->patient_id);
    if (said->device[0]) memcpy(out->device, said->device, sizeof out->device);
    if (said->dx[0]) memcpy(out->dx, said->dx, sizeof out->dx);
    if (!isnan(said->age_years)) out->age_years = said->age_years;
    if (said->sex != EIN_SEX_UNKNOWN) out->sex = said->sex;
    ein_person_record_id(path, "hea", out);
}

static ein_status check_part(const char *path, const ein_wfdb_segments *list, const ein_wfdb_segment *s,
                             const ein_ecg *part, const ein_ecg *first) {
    const double times = part->fs_hz / list->fs_hz;
    if (part->fs_hz != first->fs_hz || times != floor(times))
        return ein_error(EIN_FORMAT, "%s:%d: segment %s has %g Hz, %s %g Hz", path, s->line, s->name,
                         part->fs_hz, times != floor(times) ? "the header" : "the first",
                         times != floor(times) ? list->fs_hz : first->fs_hz);
    if ((double)part->n_samples == (double)s->frames * times) return EIN_OK;
    return ein_error(EIN_FORMAT, "%s:%d: segment %s has %lld samples, %.0f are stated", path, s->line,
                     s->name, (long long)part->n_samples, (double)s->frames * times);
}

static ein_status join(const char *path, const ein_wfdb_segments *list, ein_ecg *parts, ein_ecg *all) {
    const ein_ecg *first = NULL;
    ein_ecg names = {0};
    int64_t held = 0;
    for (int i = 0; i < list->n_segments; i++) {
        if (!parts[i].mv) continue;
        if (!first) first = &parts[i];
        EIN_TRY(check_part(path, list, &list->segment[i], &parts[i], first));
        EIN_TRY(note_leads(path, &list->segment[i], &parts[i], &names));
        held += parts[i].n_samples * parts[i].n_leads;
    }
    if (!first) return ein_error(EIN_OTHER, "%s: nothing but gaps", path);
    const int64_t times = (int64_t)(first->fs_hz / list->fs_hz), n = list->n_frames * times;
    if (n > EIN_ECG_MAX_SAMPLES ||
        (n * names.n_leads > BELIEVED_VALUES && held < n * names.n_leads / BELIEVED_FACTOR))
        return ein_error(EIN_CORRUPT,
                         "%s: %lld samples are stated, its segments hold %lld in all leads; damaged", path,
                         (long long)n, (long long)held);
    EIN_TRY(ein_ecg_alloc(all, names.n_leads, n));
    memcpy(all->lead_name, names.lead_name, sizeof all->lead_name);
    for (int64_t t = 0; t < n * all->n_leads; t++) all->mv[t] = NAN;
    all->fs_hz = first->fs_hz;
    all->gain_per_mv = first->gain_per_mv;
    take_person(path, &list->person, &first->person, &all->person);
    int64_t begin = 0;
    for (int i = 0; i < list->n_segments; i++) {
        if (parts[i].mv) take_part(&parts[i], begin, all);
        begin += list->segment[i].frames * times;
    }
    return EIN_OK;
}

ein_status ein_wfdb_segments_read(const char *path, const ein_wfdb_segments *list, void *context,
                                  ein_status (*read)(const char *path, void *context, ein_ecg *ecg),
                                  ein_ecg *ecg) {
    ein_ecg *parts = NULL;
    char header[PATH_MAX];
    ein_status status = EIN_NEW(parts, list->n_segments);
    for (int i = 0; status == EIN_OK && i < list->n_segments; i++) {
        const ein_wfdb_segment *s = &list->segment[i];
        if (!s->name[0] || s->frames == 0) continue; /* a gap, or a layout */
        status = ein_wfdb_segment_path(path, s, header, sizeof header);
        if (status == EIN_OK) status = read(header, context, &parts[i]);
        if (status != EIN_OK) ein_error_context(status, "%s:%d", path, s->line);
    }
    if (status == EIN_OK) status = join(path, list, parts, ecg);
    for (int i = 0; parts && i < list->n_segments; i++) ein_ecg_free(&parts[i]);
    free(parts);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
