#include "io/ecg/edf.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/ecg/counts.h"
#include "io/ecg/person.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/xml_person.h"
#include "io/formats/year.h"

enum {
    HEADER_BYTES = 256,
    MAX_SIGNALS = 512,
    FIELD_BYTES = 81,
    MAX_PER_RECORD = 1 << 24,
    BELIEVED_FACTOR = 16
};
static const char bdf_mark[] = "\xff"
                               "BIOSEMI";

typedef struct {
    char label[17], unit[9], filters[FIELD_BYTES];
    double physical_min, physical_max, digital_min, digital_max;
    int64_t per_record, at; /* samples; bytes within a record */
    bool annotations, wanted;
} signal;

typedef struct {
    const char *path;
    const uint8_t *file;
    size_t bytes;
    int width; /* bytes of a sample */
    char patient[FIELD_BYTES], recording[FIELD_BYTES], date[9], time[9], reserved[45];
    int64_t header_bytes, stated, held, record_bytes;
    double duration_s;
    signal *signals; /* owned */
    int n_signals;
    int64_t *begin, n_samples; /* of each record in samples of the leads, owned; of the recording */
    int64_t per_record;
    ein_counts counts;
} reader;

/* --- header ---------------------------------------------------------------------------------------------- */

bool ein_edf_is(const uint8_t *start, size_t bytes) {
    if (bytes < HEADER_BYTES) return false;
    if (memcmp(start, bdf_mark, 8) != 0 && memcmp(start, "0       ", 8) != 0) return false;
    /* A table that begins with 0 would have a line end among these. */
    for (size_t i = 8; i < HEADER_BYTES; i++)
        if (start[i] < ' ') return false;
    return true;
}

/* A field of fixed width, without blanks at its ends. */
static void field(const reader *r, size_t at, size_t width, char *out, size_t room) {
    ein_person_text(r->file + at, width, out, room);
}

static ein_status number(const reader *r, size_t at, size_t width, const char *what, double min, double max,
                         double *out) {
    char text[FIELD_BYTES], *end;
    field(r, at, width, text, sizeof text);
    *out = strtod(text, &end);
    if (end != text && !*end && !text[strspn(text, "+-.0123456789eE")] && *out >= min && *out <= max)
        return EIN_OK;
    return ein_error(EIN_FORMAT, "%s: byte %zu: %s is \"%s\"; a number from %g to %g is possible", r->path,
                     at, what, text, min, max);
}

static ein_status whole(const reader *r, size_t at, size_t width, const char *what, double min, double max,
                        int64_t *out) {
    double value;
    EIN_TRY(number(r, at, width, what, min, max, &value));
    if (value != floor(value))
        return ein_error(EIN_FORMAT, "%s: byte %zu: %s is %g, not whole", r->path, at, what, value);
    *out = (int64_t)value;
    return EIN_OK;
}

static ein_status read_main(reader *r) {
    int64_t n;
    if (!ein_edf_is(r->file, r->bytes)) return ein_error(EIN_FORMAT, "%s: not an EDF or BDF file", r->path);
    r->width = r->file[0] == 0xff ? 3 : 2;
    field(r, 8, 80, r->patient, sizeof r->patient);
    field(r, 88, 80, r->recording, sizeof r->recording);
    field(r, 168, 8, r->date, sizeof r->date);
    field(r, 176, 8, r->time, sizeof r->time);
    field(r, 192, 44, r->reserved, sizeof r->reserved);
    EIN_TRY(whole(r, 252, 4, "number of signals", 1, MAX_SIGNALS, &n));
    EIN_TRY(whole(r, 184, 8, "bytes of the header", 0, 1e8, &r->header_bytes));
    EIN_TRY(whole(r, 236, 8, "number of records", -1, 1e8, &r->stated));
    EIN_TRY(number(r, 244, 8, "duration of a record", 0, 1e6, &r->duration_s));
    r->n_signals = (int)n;
    if (r->header_bytes != HEADER_BYTES * (n + 1))
        return ein_error(EIN_FORMAT, "%s: a header of %lld bytes for %d signals; it would have %lld", r->path,
                         (long long)r->header_bytes, r->n_signals, (long long)(HEADER_BYTES * (n + 1)));
    if ((int64_t)r->bytes >= r->header_bytes) return EIN_OK;
    return ein_error(EIN_CORRUPT, "%s: ends at byte %zu, within its header", r->path, r->bytes);
}

/* Where field `offset` (bytes per signal before it) of signal `i` stands. */
static size_t place(const reader *r, int i, size_t offset, size_t width) {
    return HEADER_BYTES + offset * (size_t)r->n_signals + width * (size_t)i;
}

static ein_status read_signal(reader *r, int i) {
    signal *s = &r->signals[i];
    field(r, place(r, i, 0, 16), 16, s->label, sizeof s->label);
    field(r, place(r, i, 96, 8), 8, s->unit, sizeof s->unit);
    field(r, place(r, i, 136, 80), 80, s->filters, sizeof s->filters);
    EIN_TRY(whole(r, place(r, i, 216, 8), 8, "samples of a record", 0, MAX_PER_RECORD, &s->per_record));
    s->at = r->record_bytes;
    r->record_bytes += s->per_record * r->width;
    s->annotations = strstr(s->label, " Annotations") != NULL;
    if (s->annotations || ein_wfdb_mv_per_unit(s->unit) == 0) return EIN_OK;
    EIN_TRY(number(r, place(r, i, 104, 8), 8, "physical minimum", -1e12, 1e12, &s->physical_min));
    EIN_TRY(number(r, place(r, i, 112, 8), 8, "physical maximum", -1e12, 1e12, &s->physical_max));
    EIN_TRY(number(r, place(r, i, 120, 8), 8, "digital minimum", -8388608, 8388607, &s->digital_min));
    EIN_TRY(number(r, place(r, i, 128, 8), 8, "digital maximum", -8388608, 8388607, &s->digital_max));
    if (s->digital_max > s->digital_min && s->physical_max != s->physical_min) return EIN_OK;
    return ein_error(EIN_FORMAT,
                     "%s: signal %d (%s): digital range %g to %g, physical range %g to %g: no scale", r->path,
                     i + 1, s->label, s->digital_min, s->digital_max, s->physical_min, s->physical_max);
}

static ein_status read_header(reader *r) {
    EIN_TRY(read_main(r));
    EIN_TRY(EIN_NEW(r->signals, r->n_signals));
    for (int i = 0; i < r->n_signals; i++) EIN_TRY(read_signal(r, i));
    if (r->record_bytes == 0) return ein_error(EIN_FORMAT, "%s: records without samples", r->path);
    r->held = ((int64_t)r->bytes - r->header_bytes) / r->record_bytes;
    if (r->stated < 0) r->stated = r->held;
    if (r->held > r->stated) r->held = r->stated;
    if (r->held == 0)
        return ein_error(EIN_CORRUPT, "%s: no whole record of %lld", r->path, (long long)r->stated);
    return EIN_OK;
}

/* --- leads ----------------------------------------------------------------------------------------------- */

static const char *lead_name(const signal *s) {
    const char *p = s->label;
    if ((strncasecmp(p, "ECG ", 4) == 0 || strncasecmp(p, "EKG ", 4) == 0) && p[4]) p += 4;
    return p;
}

static bool is_ecg(const signal *s) {
    return ein_lead_parse(lead_name(s)) != EIN_LEAD_UNKNOWN || strncasecmp(s->label, "ECG", 3) == 0 ||
           strncasecmp(s->label, "EKG", 3) == 0;
}

static bool is_voltage(const signal *s) {
    return !s->annotations && s->per_record > 0 && ein_wfdb_mv_per_unit(s->unit) != 0;
}

static ein_status choose_leads(reader *r) {
    int first = -1;
    for (int i = 0; i < r->n_signals; i++)
        if (is_voltage(&r->signals[i]) && is_ecg(&r->signals[i]) && r->signals[i].per_record > r->per_record)
            r->per_record = r->signals[first = i].per_record;
    if (first < 0)
        return ein_error(EIN_OTHER,
                         "%s: none of the %d signals is an ECG in volts (the first: \"%s\" in \"%s\")",
                         r->path, r->n_signals, r->signals[0].label, r->signals[0].unit);
    for (int i = 0; i < r->n_signals; i++) {
        signal *s = &r->signals[i];
        if (!is_voltage(s) || !is_ecg(s)) continue;
        if (s->per_record != r->per_record)
            return ein_error(EIN_FORMAT,
                             "%s: signal %d (%s) has %lld samples per record, %s %lld; leads of different "
                             "rates are not read",
                             r->path, i + 1, s->label, (long long)s->per_record, r->signals[first].label,
                             (long long)r->per_record);
        if (r->counts.n_leads == EIN_MAX_LEADS)
            return ein_error(EIN_FORMAT, "%s: more than %d leads", r->path, EIN_MAX_LEADS);
        const double per_count = (s->physical_max - s->physical_min) / (s->digital_max - s->digital_min);
        ein_counts_lead *l = &r->counts.lead[r->counts.n_leads++];
        snprintf(l->name, sizeof l->name, "%s", lead_name(s));
        /* A physical range upside down is a negative gain: counts of the other sign. */
        l->mv_per_count = fabs(per_count) * ein_wfdb_mv_per_unit(s->unit);
        l->zero = s->digital_min - s->physical_min / per_count;
        if (per_count < 0) l->zero = -l->zero;
        l->notes = EIN_NOTE_NO_CHECKSUM | (r->held < r->stated ? EIN_NOTE_TRUNCATED : 0u);
        s->wanted = true;
    }
    if (r->duration_s == 0)
        return ein_error(EIN_FORMAT, "%s: records last 0 s: the sampling rate is not known", r->path);
    r->counts.fs_hz = (double)r->per_record / r->duration_s;
    return EIN_OK;
}

/* --- gaps ------------------------------------------------------------------------------------------------ */

/* The time at which a record begins: its first annotation, "+12.5" up to byte 20 and without a text. */
static bool take_onset(const uint8_t *list, int64_t bytes, double *out) {
    char text[32], *end;
    size_t n = 0;
    while (n < (size_t)bytes && n + 1 < sizeof text && list[n] != 20 && list[n] != 21) n++;
    memcpy(text, list, n);
    text[n] = '\0';
    if (n == 0 || (*text != '+' && *text != '-') || text[strspn(text, "+-.0123456789")]) return false;
    *out = strtod(text, &end);
    return !*end && end != text + 1;
}

static ein_status place_records(reader *r) {
    const signal *s = r->signals;
    while (s < r->signals + r->n_signals && !s->annotations) s++;
    EIN_TRY(EIN_NEW(r->begin, r->held));
    const bool gaps = strncmp(r->reserved, "EDF+D", 5) == 0 || strncmp(r->reserved, "BDF+D", 5) == 0;
    if (gaps && s == r->signals + r->n_signals)
        return ein_error(EIN_FORMAT, "%s: EDF+D without annotations: where its records belong is not known",
                         r->path);
    double first = 0, onset;
    for (int64_t k = 0; k < r->held; k++) {
        r->begin[k] = k * r->per_record;
        if (!gaps) continue;
        const uint8_t *list = r->file + r->header_bytes + k * r->record_bytes + s->at;
        if (!take_onset(list, s->per_record * r->width, &onset))
            return ein_error(EIN_FORMAT, "%s: record %lld says no time: where it belongs is not known",
                             r->path, (long long)k + 1);
        if (k == 0) first = onset;
        const double at = rint((onset - first) * r->counts.fs_hz);
        const int64_t end = k > 0 ? r->begin[k - 1] + r->per_record : 0;
        if (!(at >= (double)end) || at > (double)EIN_ECG_MAX_SAMPLES)
            return ein_error(EIN_FORMAT,
                             "%s: record %lld begins at %g s, which does not follow the record before it",
                             r->path, (long long)k + 1, onset);
        r->begin[k] = (int64_t)at;
    }
    /* What is stated and not there is missing at the end. */
    r->n_samples = r->begin[r->held - 1] + (r->stated - r->held + 1) * r->per_record;
    if (r->n_samples <= EIN_ECG_MAX_SAMPLES && r->n_samples / BELIEVED_FACTOR <= r->held * r->per_record)
        return EIN_OK;
    return ein_error(EIN_CORRUPT, "%s: %lld samples per lead by records and times, %lld are there; damaged",
                     r->path, (long long)r->n_samples, (long long)(r->held * r->per_record));
}

/* --- samples --------------------------------------------------------------------------------------------- */

static int32_t value_at(const uint8_t *b, int width) {
    if (width == 2) return (int16_t)(uint16_t)(b[0] | b[1] << 8);
    return (int32_t)((uint32_t)b[0] << 8 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 24) / 256;
}

static ein_status read_lead(reader *r, const signal *s, ein_counts_lead *l) {
    const bool upside_down = s->physical_max < s->physical_min;
    EIN_TRY(EIN_NEW(l->count, r->n_samples));
    l->n = r->n_samples;
    for (int64_t t = 0; t < l->n; t++) l->count[t] = EIN_COUNT_MISSING;
    for (int64_t k = 0; k < r->held; k++) {
        const uint8_t *b = r->file + r->header_bytes + k * r->record_bytes + s->at;
        for (int64_t t = 0; t < r->per_record; t++, b += r->width)
            l->count[r->begin[k] + t] = upside_down ? -value_at(b, r->width) : value_at(b, r->width);
    }
    return EIN_OK;
}

/* --- the person ------------------------------------------------------------------------------------------ */

/* "04-MAR-1961" */
static void take_day(const char *text, ein_xml_date *d) {
    static const char months[] = "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC";
    int day, year, used = 0;
    char name[4];
    if (sscanf(text, "%2d-%3[A-Za-z]-%4d%n", &day, name, &year, &used) != 3 || text[used] ||
        strlen(name) != 3)
        return;
    for (int i = 0; i < 12; i++)
        if (strncasecmp(name, months + 3 * (size_t)i, 3) == 0)
            *d = (ein_xml_date){year, i + 1, day, d->hour, d->minute, d->second};
}

/* "dd.mm.yy": years from 85 on are of the last century. */
static void read_start(const reader *r, ein_xml_date *when) {
    int day, month, year, used = 0;
    if (sscanf(r->date, "%2d.%2d.%2d%n", &day, &month, &year, &used) == 3 && !r->date[used])
        *when = (ein_xml_date){year >= 85 ? 1900 + year : 2000 + year, month, day, -1, -1, -1};
    if (sscanf(r->time, "%2d.%2d.%2d", &day, &month, &year) == 3) {
        when->hour = day;
        when->minute = month;
        when->second = year;
    }
}

static void read_filters(const reader *r, ein_ecg_person *person) {
    const signal *s = r->signals;
    while (!s->wanted) s++;
    const char *high = strcasestr(s->filters, "HP:"), *low = strcasestr(s->filters, "LP:"),
               *notch = strcasestr(s->filters, "N:");
    if (notch && notch > s->filters && isalnum((unsigned char)notch[-1])) notch = NULL;
    ein_person_add_filters(high ? strtod(high + 3, NULL) : 0, low ? strtod(low + 3, NULL) : 0,
                           notch ? strtod(notch + 2, NULL) : 0, person);
}

static void read_person(reader *r, ein_ecg_person *person) {
    ein_xml_date when = {-1, -1, -1, -1, -1, -1}, birth = when;
    char *save, *word;
    ein_person_record_id(r->path, "edf bdf rec", person);
    read_start(r, &when);
    const bool plus = strncmp(r->reserved + 1, "DF+", 3) == 0;
    word = plus ? strtok_r(r->patient, " ", &save) : NULL;
    for (int i = 0; word && i < 3; i++, word = strtok_r(NULL, " ", &save)) {
        if (i == 0 && strcmp(word, "X") != 0)
            snprintf(person->patient_id, sizeof person->patient_id, "%s", word);
        if (i == 1 && strcasecmp(word, "M") == 0) person->sex = EIN_SEX_MALE;
        if (i == 1 && strcasecmp(word, "F") == 0) person->sex = EIN_SEX_FEMALE;
        if (i == 2) take_day(word, &birth);
    }
    word = plus ? strtok_r(r->recording, " ", &save) : NULL;
    for (int i = 0; word; i++, word = strtok_r(NULL, " ", &save)) {
        if (i == 1) take_day(word, &when);
        for (char *p = word; *p; p++)
            if (*p == '_') *p = ' ';
        if (i == 4 && strcmp(word, "X") != 0) ein_person_add_device(word, person);
    }
    ein_xml_acquired(&when, person);
    ein_xml_age_from_birth(&birth, &when, person);
    read_filters(r, person);
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status read_all(reader *r, ein_ecg *ecg) {
    EIN_TRY(read_header(r));
    EIN_TRY(choose_leads(r));
    EIN_TRY(place_records(r));
    for (int i = 0, lead = 0; i < r->n_signals; i++)
        if (r->signals[i].wanted) EIN_TRY(read_lead(r, &r->signals[i], &r->counts.lead[lead++]));
    EIN_TRY(ein_counts_to_ecg(r->path, &r->counts, ecg));
    read_person(r, &ecg->person);
    return EIN_OK;
}

ein_status ein_edf_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    r->path = file->path;
    r->file = file->bytes;
    r->bytes = file->n;
    ein_status status = read_all(r, ecg);
    ein_counts_free(&r->counts);
    free(r->begin);
    free(r->signals);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
