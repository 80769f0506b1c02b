#include "io/ecg/wfdb_header.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "io/formats/values.h"
#include "io/formats/year.h"

/* One line of the header, and where the parser stands in it. */
typedef struct {
    const char *path;
    int number;
    char *p;
} line;

enum { MAX_PER_FRAME = 10000, MAX_SKEW = 1 << 20 };
#define MAX_OFFSET (INT64_C(1) << 40)

static ein_status bad(const line *l, const char *format, ...) EIN_PRINTF(2, 3);
static ein_status bad(const line *l, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* The message quotes the file, and a terminal must not obey what stands there. */
    for (char *p = text; *p; ++p)
        if (*p < ' ' || *p > '~') *p = '?';
    return ein_error(EIN_FORMAT, "%s:%d: %s", l->path, l->number, text);
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t';
}

/* The next word of a line, cut out in place; NULL at the end. */
static char *next_word(line *l) {
    while (is_blank(*l->p)) ++l->p;
    if (!*l->p) return NULL;
    char *word = l->p;
    while (*l->p && !is_blank(*l->p)) ++l->p;
    if (*l->p) *l->p++ = '\0';
    return word;
}

/* An integer at *p within [min, max]; *p moves behind it. */
static bool take_integer(char **p, int64_t min, int64_t max, int64_t *out) {
    char *end;
    if (isspace((unsigned char)**p)) return false;
    errno = 0;
    long long value = strtoll(*p, &end, 10);
    if (end == *p || errno || value < min || value > max) return false;
    *p = end;
    *out = value;
    return true;
}

/* A finite decimal number at *p. strtod alone would also take "nan", "inf" and hexadecimal. */
static bool take_real(char **p, double *out) {
    size_t n = strspn(*p, "+-0123456789.eE");
    char text[64], *end;
    if (n == 0 || n >= sizeof text) return false;
    memcpy(text, *p, n);
    text[n] = '\0';
    *out = strtod(text, &end);
    if (end == text || !isfinite(*out)) return false;
    *p += end - text;
    return true;
}

/* UTF-8 without control characters, cut at a whole character, without blanks at the end. */
static void copy_printable(char *out, size_t bytes, const char *text) {
    size_t used = ein_utf8_clean(text, out, bytes);
    while (used > 0 && out[used - 1] == ' ') used--;
    out[used] = '\0';
}

/* The same of text in whatever encoding. */
static void copy_text(char *out, size_t bytes, const char *text, ein_utf8_repair *repair) {
    char made[3 * EIN_ECG_DX_BYTES];
    ein_utf8_make(text, strlen(text), made, sizeof made, repair);
    copy_printable(out, bytes, made);
}

/* --- record line --------------------------------------------------------------------------------------- */

static ein_status parse_record_name(const line *l, char *word, ein_wfdb_header *out) {
    char *slash = strchr(word, '/');
    if (slash) {
        char *p = slash + 1;
        int64_t segments = 0;
        if (!take_integer(&p, 1, INT32_MAX, &segments) || *p)
            return bad(l, "record name \"%.64s\": what follows '/' is not a number of segments", word);
        (void)bad(l, "multi-segment record (%lld segments); read the segments' own headers instead",
                  (long long)segments);
        return EIN_OTHER;
    }
    copy_text(out->record, sizeof out->record, word, &out->text_repair);
    return EIN_OK;
}

/* fs[/counter[(base)]]: the counter is of no use to us but must be well-formed. */
static ein_status parse_rate(const line *l, const char *word, ein_wfdb_header *out) {
    char *p = (char *)word;
    double counter, base;
    if (!take_real(&p, &out->fs_hz) || (*p && *p != '/'))
        return bad(l, "sampling frequency \"%.32s\" is not a number", word);
    if (*p == '/') {
        ++p;
        bool ok = take_real(&p, &counter);
        if (ok && *p == '(') {
            ++p;
            ok = take_real(&p, &base) && *p == ')';
            if (ok) ++p;
        }
        if (!ok || *p) return bad(l, "counter frequency in \"%.32s\" cannot be read", word);
    }
    if (!(out->fs_hz > 0 && out->fs_hz <= 1e6))
        return bad(l, "sampling frequency %g Hz; above 0 and up to 1e6 is possible", out->fs_hz);
    return EIN_OK;
}

static bool parse_time(const char *word, int *hour, int *minute, double *second) {
    char *p = (char *)word;
    int64_t h, m;
    if (!take_integer(&p, 0, 24, &h) || *p++ != ':' || !take_integer(&p, 0, 59, &m)) return false;
    *second = 0;
    if (*p == ':') {
        ++p;
        if (!take_real(&p, second) || !(*second >= 0 && *second < 61)) return false;
    }
    *hour = (int)h;
    *minute = (int)m;
    return *p == '\0';
}

/* "23/07/2180" as WFDB has it, "05-May-2020" as the CinC headers. */
static bool parse_date(const char *word, int *year, int *month, int *day) {
    static const char *const months[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                         "jul", "aug", "sep", "oct", "nov", "dec"};
    char *p = (char *)word;
    int64_t d, m = 0, y;
    if (!take_integer(&p, 1, 31, &d) || (*p != '/' && *p != '-')) return false;
    char separator = *p++;
    for (int i = 0; i < 12 && !m; ++i)
        if (strncasecmp(p, months[i], 3) == 0) m = i + 1;
    if (m)
        p += 3;
    else if (!take_integer(&p, 1, 12, &m))
        return false;
    if (*p++ != separator) return false;
    const char *year_text = p;
    if (!take_integer(&p, 0, 9999, &y) || *p) return false;
    if (p - year_text == 2) y = ein_year_of_two((int)y, 0);
    if (y == 0) return false;
    *day = (int)d;
    *month = (int)m;
    *year = (int)y;
    return true;
}

/* Time and date in either order; what is neither is no reason to refuse a recording. Without a date the time
 * alone is no ISO 8601 moment, and is dropped. */
static void parse_moment(line *l, ein_wfdb_header *out) {
    int hour = 0, minute = 0, year = 0, month = 0, day = 0;
    double second = 0;
    bool has_time = false, has_date = false;
    for (char *word; (word = next_word(l)) != NULL;) {
        if (!has_time && parse_time(word, &hour, &minute, &second))
            has_time = true;
        else if (!has_date && parse_date(word, &year, &month, &day))
            has_date = true;
    }
    if (has_date && has_time)
        snprintf(out->person.acquired, sizeof out->person.acquired, "%04d-%02d-%02dT%02d:%02d:%02d", year,
                 month, day, hour, minute, (int)second);
    else if (has_date)
        snprintf(out->person.acquired, sizeof out->person.acquired, "%04d-%02d-%02d", year, month, day);
}

static ein_status parse_record_line(line *l, ein_wfdb_header *out) {
    char *word = next_word(l);
    EIN_TRY(parse_record_name(l, word, out));
    int64_t signals = 0;
    word = next_word(l);
    if (!word) return bad(l, "record line without a number of signals; is this a WFDB header?");
    char *p = word;
    if (!take_integer(&p, 0, INT32_MAX, &signals) || *p)
        return bad(l, "number of signals \"%.32s\" is not a number; is this a WFDB header?", word);
    if (signals == 0) return bad(l, "the record has no signals");
    if (signals > EIN_MAX_LEADS)
        return bad(l, "%lld signals; at most %d are read", (long long)signals, EIN_MAX_LEADS);
    out->n_signals = (int)signals;
    out->fs_hz = 250;
    if ((word = next_word(l)) == NULL) return EIN_OK;
    EIN_TRY(parse_rate(l, word, out));
    if ((word = next_word(l)) == NULL) return EIN_OK;
    p = word;
    if (!take_integer(&p, 0, INT64_MAX, &out->n_frames) || *p)
        return bad(l, "number of samples \"%.32s\" is not a number of 0 or more", word);
    if (out->n_frames > EIN_ECG_MAX_SAMPLES)
        return bad(l, "%lld samples per signal; at most %lld are read", (long long)out->n_frames,
                   (long long)EIN_ECG_MAX_SAMPLES);
    parse_moment(l, out);
    return EIN_OK;
}

/* --- signal lines -------------------------------------------------------------------------------------- */

/* A header that names files outside its folder is refused before any file is touched. */
static ein_status check_file_name(const line *l, const char *name) {
    if (strcmp(name, "~") == 0) return bad(l, "null signal file '~': a layout header holds no samples");
    if (strcmp(name, "-") == 0) return bad(l, "signal file '-' (standard input) is not read");
    if (strlen(name) >= EIN_WFDB_FILE_BYTES)
        return bad(l, "signal file name of %zu bytes; at most %d are read", strlen(name),
                   EIN_WFDB_FILE_BYTES - 1);
    if (strchr(name, '/') || strchr(name, '\\') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return bad(l, "signal file \"%.64s\" is not a plain name: it must lie in the header's folder", name);
    return EIN_OK;
}

/* format[xSPF][:skew][+offset] */
static ein_status parse_format(const line *l, const char *word, ein_wfdb_signal *s) {
    char *p = (char *)word;
    int64_t format, per_frame = 1;
    if (!isdigit((unsigned char)*p) || !take_integer(&p, 0, 9999, &format))
        return bad(l, "format \"%.32s\" is not a number", word);
    while (*p) {
        char kind = *p++;
        bool ok = kind == 'x'   ? take_integer(&p, 1, MAX_PER_FRAME, &per_frame)
                  : kind == ':' ? take_integer(&p, 0, MAX_SKEW, &s->skew)
                  : kind == '+' ? take_integer(&p, 0, MAX_OFFSET, &s->offset)
                                : false;
        if (!ok)
            return bad(l, "format \"%.32s\": expected xSPF (1 to %d), :skew (0 to %d) or +offset", word,
                       MAX_PER_FRAME, MAX_SKEW);
    }
    s->format = (int)format;
    s->per_frame = (int)per_frame;
    return EIN_OK;
}

/* [gain][(baseline)][/units], the latter two in either order. */
static ein_status parse_gain(const line *l, const char *word, ein_wfdb_signal *s, bool *has_baseline) {
    char *p = (char *)word;
    double gain = 0;
    bool starts_late = *p == '(' || *p == '/';
    if (!starts_late && !take_real(&p, &gain)) return bad(l, "gain \"%.32s\" is not a number", word);
    while (*p) {
        if (*p == '(' && !*has_baseline) {
            ++p;
            if (!take_real(&p, &s->baseline) || *p != ')' || !(fabs(s->baseline) <= 9007199254740992.0))
                return bad(l, "baseline in \"%.32s\" cannot be read", word);
            ++p;
            *has_baseline = true;
        } else if (*p == '/' && !s->units[0]) {
            size_t n = strcspn(++p, "(");
            if (n == 0 || n >= sizeof s->units) return bad(l, "units in \"%.32s\" cannot be read", word);
            memcpy(s->units, p, n);
            p += n;
        } else {
            return bad(l, "gain \"%.32s\": expected gain(baseline)/units", word);
        }
    }
    s->gain_stated = gain != 0;
    if (s->gain_stated) s->gain = gain;
    if (!(fabs(s->gain) >= 1e-12 && fabs(s->gain) <= 1e12))
        return bad(l, "gain %g; 1e-12 to 1e12 is possible", s->gain);
    return EIN_OK;
}

/* bits zero initial checksum block: each is optional, but a word in its place must be an integer. */
static ein_status parse_integers(line *l, ein_wfdb_signal *s, bool has_baseline) {
    static const char *const what[] = {"ADC resolution", "ADC zero", "initial value", "checksum",
                                       "block size"};
    int64_t value[5] = {0, 0, 0, 0, 0};
    int n = 0;
    for (char *word; n < 5 && (word = next_word(l)) != NULL; ++n) {
        char *p = word;
        if (!take_integer(&p, -(INT64_C(1) << 40), INT64_C(1) << 40, &value[n]) || *p)
            return bad(l, "%s \"%.32s\" is not an integer", what[n], word);
    }
    if (!has_baseline) s->baseline = (double)value[1];
    s->initial = n > 2 ? value[2] : value[1];
    s->has_checksum = n > 3;
    s->checksum = (uint16_t)((uint64_t)value[3] & 0xffff); /* stored signed or unsigned in real files */
    return EIN_OK;
}

static ein_status parse_signal_line(line *l, ein_wfdb_signal *s, ein_utf8_repair *repair) {
    bool has_baseline = false;
    s->line = l->number;
    s->gain = 200;
    char *word = next_word(l);
    EIN_TRY(check_file_name(l, word));
    strcpy(s->file, word);
    if ((word = next_word(l)) == NULL) return bad(l, "signal line without a format");
    EIN_TRY(parse_format(l, word, s));
    if ((word = next_word(l)) != NULL) EIN_TRY(parse_gain(l, word, s, &has_baseline));
    EIN_TRY(parse_integers(l, s, has_baseline));
    if (!s->units[0]) strcpy(s->units, "mV");
    s->mv_per_unit = ein_wfdb_mv_per_unit(s->units);
    while (is_blank(*l->p)) ++l->p;
    copy_text(s->description, sizeof s->description, l->p, repair);
    return EIN_OK;
}

double ein_wfdb_mv_per_unit(const char *units) {
    static const struct {
        const char *spelling;
        double mv;
    } table[] = {
        {"mV", 1},           {"millivolt", 1},     {"millivolts", 1},   {"uV", 1e-3},
        {"microvolt", 1e-3}, {"microvolts", 1e-3}, {"\xc2\xb5V", 1e-3}, {"\xce\xbcV", 1e-3},
        {"\xb5V", 1e-3},     {"nV", 1e-6},         {"nanovolt", 1e-6},  {"nanovolts", 1e-6},
        {"V", 1e3},          {"volt", 1e3},        {"volts", 1e3},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; ++i)
        if (strcasecmp(units, table[i].spelling) == 0) return table[i].mv;
    return 0;
}

/* --- comments ------------------------------------------------------------------------------------------ */

/* The first `words` words of the value; up to the next "<key>:" of the bracketed style. */
static bool age_of_words(const char *value, int words, double *age) {
    char text[32];
    size_t n = 0;
    while (is_blank(*value)) ++value;
    for (; words > 0 && value[n] && value[n] != '<' && n + 1 < sizeof text; ++n)
        if (is_blank(value[n]) && !is_blank(value[n + 1])) --words;
    snprintf(text, sizeof text, "%.*s", (int)n, value);
    return ein_value_age(text, age);
}

/* Whether the second word is a single letter, which may be a unit of time or the sex. */
static bool has_letter(const char *value) {
    while (is_blank(*value)) ++value;
    while (*value && !is_blank(*value)) ++value;
    while (is_blank(*value)) ++value;
    return value[0] && strchr("mMwWdDhH", value[0]) && (is_blank(value[1]) || !value[1]);
}

/* "63", "6 months", "063Y", "63 something else". */
static void take_age(const char *value, ein_ecg_person *person) {
    double age;
    if (!isnan(person->age_years)) return;
    if (age_of_words(value, 2, &age) || (!has_letter(value) && age_of_words(value, 1, &age)))
        person->age_years = age;
}

static void take_sex(const char *value, ein_ecg_person *person) {
    size_t n = 0;
    while (isalpha((unsigned char)value[n])) ++n;
    if (person->sex != EIN_SEX_UNKNOWN || n == 0) return;
    if ((n == 1 && tolower((unsigned char)*value) == 'm') || (n == 4 && strncasecmp(value, "male", 4) == 0))
        person->sex = EIN_SEX_MALE;
    if ((n == 1 && tolower((unsigned char)*value) == 'f') || (n == 6 && strncasecmp(value, "female", 6) == 0))
        person->sex = EIN_SEX_FEMALE;
}

/* The first word, for identifiers; codes keep everything but blanks. */
static void take_text(const char *value, bool whole, char *out, size_t bytes) {
    if (out[0]) return;
    size_t n = 0;
    for (; *value && n + 1 < bytes; ++value) {
        if (is_blank(*value)) {
            if (whole) continue;
            break;
        }
        out[n++] = (unsigned char)*value > ' ' && *value != 0x7f ? *value : '?';
    }
    out[n] = '\0';
    while (n > 0 && !ein_utf8_is(out, n)) out[--n] = '\0'; /* a character that was cut */
    /* A list cut in the middle of a code would state another code. */
    if (whole && *value)
        while (n > 0 && out[n - 1] != ',') out[--n] = '\0';
    if (whole && n > 0 && out[n - 1] == ',') out[n - 1] = '\0';
    if (strcasecmp(out, "unknown") == 0) out[0] = '\0';
}

/* Manufacturer, model, device, whichever are there, in the order of the file. */
static void add_device(const char *value, ein_ecg_person *person) {
    size_t used = strlen(person->device);
    if (!*value) return;
    if (used > 0 && used + 2 < sizeof person->device) person->device[used++] = ' ';
    copy_printable(person->device + used, sizeof person->device - used, value);
}

static void take_value(const char *key, const char *value, ein_ecg_person *person) {
    if (strcasecmp(key, "age") == 0)
        take_age(value, person);
    else if (strcasecmp(key, "sex") == 0 || strcasecmp(key, "gender") == 0)
        take_sex(value, person);
    else if (strcasecmp(key, "dx") == 0)
        take_text(value, true, person->dx, sizeof person->dx);
    else if (strcasecmp(key, "subject_id") == 0 || strcasecmp(key, "patient_id") == 0)
        take_text(value, false, person->patient_id, sizeof person->patient_id);
    else if (strcasecmp(key, "device") == 0 || strcasecmp(key, "manufacturer") == 0 ||
             strcasecmp(key, "model") == 0)
        add_device(value, person);
}

void ein_wfdb_comment(const char *text, ein_ecg_person *person) {
    while (is_blank(*text)) ++text;
    if (isdigit((unsigned char)*text)) { /* MIT-BIH: "69 M 1085 1629 x1" */
        char *p = (char *)text;
        double age;
        if (take_real(&p, &age) && is_blank(*p) && p[1] && strchr("MF", p[1]) && (is_blank(p[2]) || !p[2])) {
            if (isnan(person->age_years) && age >= 0 && age <= 125) person->age_years = age;
            take_sex(p + 1, person);
        }
        return;
    }
    bool bracketed = *text == '<';
    for (const char *p = text; *p;) {
        char key[32];
        if (bracketed) ++p;
        size_t n = strcspn(p, bracketed ? ">" : ":");
        if (!p[n] || n >= sizeof key) return;
        memcpy(key, p, n);
        while (n > 0 && is_blank(key[n - 1])) --n;
        key[n] = '\0';
        p = strchr(p, ':');
        if (!p) return;
        do ++p;
        while (is_blank(*p));
        take_value(key, p, person);
        /* Only the bracketed style puts several on one line. */
        if (!bracketed || (p = strchr(p, '<')) == NULL) return;
    }
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static ein_status parse_line(line *l, int *n_parsed, ein_wfdb_header *out) {
    while (is_blank(*l->p)) ++l->p;
    if (*l->p == '#') {
        char text[3 * EIN_ECG_DX_BYTES];
        ein_utf8_make(l->p + 1, strlen(l->p + 1), text, sizeof text, &out->text_repair);
        ein_wfdb_comment(text, &out->person);
        return EIN_OK;
    }
    if (!*l->p) return EIN_OK;
    int index = (*n_parsed)++ - 1;
    if (index < 0) return parse_record_line(l, out);
    if (index < out->n_signals) return parse_signal_line(l, &out->signal[index], &out->text_repair);
    return bad(l, "a line after the %d signals that the record line announces", out->n_signals);
}

ein_status ein_wfdb_header_parse(const char *path, const char *text, size_t bytes, ein_wfdb_header *out) {
    memset(out, 0, sizeof *out);
    out->person.age_years = NAN;
    out->person.sex = EIN_SEX_UNKNOWN;
    if (bytes > EIN_WFDB_MAX_HEADER_BYTES)
        return ein_error(EIN_FORMAT, "%s: %zu bytes; a header has at most %d", path, bytes,
                         EIN_WFDB_MAX_HEADER_BYTES);
    const char *nul = memchr(text, '\0', bytes);
    if (nul) return ein_error(EIN_FORMAT, "%s: byte %td is NUL: not a text header", path, nul - text);
    char *copy = strndup(text, bytes);
    if (!copy) return ein_error(EIN_NOMEM, "%s: no memory for %zu bytes of header", path, bytes);
    ein_status status = EIN_OK;
    int parsed = 0, number = 0;
    for (char *p = copy; *p && status == EIN_OK;) {
        char *end = p + strcspn(p, "\r\n");
        bool crlf = end[0] == '\r' && end[1] == '\n';
        char *next = *end ? end + (crlf ? 2 : 1) : end;
        *end = '\0';
        line l = {path, ++number, p};
        status = parse_line(&l, &parsed, out);
        p = next;
    }
    free(copy);
    EIN_TRY(status);
    if (parsed == 0) return ein_error(EIN_FORMAT, "%s: no record line; the header is empty", path);
    if (parsed - 1 < out->n_signals)
        return ein_error(EIN_FORMAT, "%s: ends after %d of %d signal lines", path, parsed - 1,
                         out->n_signals);
    return EIN_OK;
}

/* --- signal files ---------------------------------------------------------------------------------------- */

typedef enum { AS_WRITTEN, SMALL, CAPITALS, OF_HEADER, SPELLINGS } spelling;

static void spell(char *text, size_t n, spelling how, const char *header) {
    for (size_t i = 0; i < n; ++i) {
        const unsigned char c = (unsigned char)text[i];
        if (how == SMALL) text[i] = (char)tolower(c);
        if (how == CAPITALS) text[i] = (char)toupper(c);
        if (how == OF_HEADER && header) text[i] = header[i];
    }
}

/* `file` in the folder of `header` (up to `name` of it) in the one other spelling that is there. A few are tried: to
 * list the folder for every missing file would take a time that grows with its square. */
static void find_spelling(const ein_place *place, const char *header, const char *name, const char *file,
                          char *out, size_t room) {
    char other[EIN_WFDB_FILE_BYTES], found[EIN_WFDB_FILE_BYTES] = "";
    const char *dot = strrchr(file, '.');
    const size_t n = strlen(file), stem = dot ? (size_t)(dot - file) : n;
    const int folder = (int)(name - header);
    if (n >= sizeof other) return;
    const bool of_header = strncasecmp(name, file, stem) == 0;
    for (int i = 0; i < (of_header ? SPELLINGS : OF_HEADER) * OF_HEADER; ++i) {
        memcpy(other, file, n + 1);
        spell(other, stem, (spelling)(i / OF_HEADER), name);
        spell(other + stem, n - stem, (spelling)(i % OF_HEADER), NULL);
        snprintf(out, room, "%.*s%s", folder, header, other);
        if (strcmp(other, found) == 0 || !ein_input_is_there(place, out)) continue;
        if (found[0]) memcpy(other, file, n + 1); /* two: neither */
        memcpy(found, other, n + 1);
        if (strcmp(found, file) == 0) break;
    }
    snprintf(out, room, "%.*s%s", folder, header, found[0] ? found : file);
}

ein_status ein_wfdb_signal_path(const ein_place *place, const char *header_path, const char *file, char *out,
                                size_t room) {
    const char *slash = strrchr(header_path, '/'), *name = slash ? slash + 1 : header_path;
    const int n = snprintf(out, room, "%.*s%s", (int)(name - header_path), header_path, file);
    if (n < 0 || (size_t)n >= room)
        return ein_error(EIN_IO, "%.64s...: path of the signal file is too long", header_path);
    if (!ein_input_is_there(place, out)) find_spelling(place, header_path, name, file, out, room);
    return EIN_OK;
}

ein_status ein_wfdb_open_signal(const ein_place *place, const char *header_path, const char *file, char *path,
                                size_t room, ein_input *out) {
    const char *slash = strrchr(header_path, '/');
    const int n =
        snprintf(path, room, "%.*s%s", slash ? (int)(slash - header_path) + 1 : 0, header_path, file);
    *out = (ein_input){.fd = -1};
    if (n < 0 || (size_t)n >= room)
        return ein_error(EIN_IO, "%.64s...: path of the signal file is too long", header_path);
    ein_status status = ein_input_open_named(place, path, out);
    if (status != EIN_NOTFOUND) return status;
    EIN_TRY(ein_wfdb_signal_path(place, header_path, file, path, room));
    return ein_input_open_named(place, path, out);
}
