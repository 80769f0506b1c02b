#include "io/ecg/mfer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/elementary.h"
#include "io/ecg/counts.h"
#include "io/ecg/person.h"
#include "io/ecg/xml_person.h"

enum {
    MAX_CHANNELS = 256,
    MAX_DEPTH = 8,
    VALUE_BYTES = 8,
    TEXT_BYTES = 256,
    DOMINANT_BEAT = 9,
    UNIT_VOLT = 0
};

/* Tags. */
enum {
    ORDER = 0x01,
    BLOCK = 0x04,
    CHANNELS = 0x05,
    SEQUENCES = 0x06,
    KIND = 0x08,
    LEAD = 0x09,
    TYPE = 0x0a,
    INTERVAL = 0x0b,
    SENSITIVITY = 0x0c,
    OFFSET = 0x0d,
    COMPRESSION = 0x0e,
    FILTER = 0x11,
    MISSING_MARK = 0x12,
    DEVICE = 0x17,
    WAVE = 0x1e,
    CHANNEL = 0x3f,
    PREAMBLE = 0x40,
    GROUP = 0x67,
    END = 0x80,
    PATIENT = 0x82,
    AGE = 0x83,
    SEX = 0x84,
    TIME = 0x85
};

/* A definition, as it stands in the file; bytes -1: not there. */
typedef struct {
    int bytes;
    uint8_t value[VALUE_BYTES];
    char text[EIN_LEAD_NAME_BYTES]; /* of a lead */
    bool big_endian;
} definition;

enum {
    D_BLOCK,
    D_SEQUENCES,
    D_KIND,
    D_LEAD,
    D_TYPE,
    D_INTERVAL,
    D_SENSITIVITY,
    D_OFFSET,
    D_MISSING,
    DEFINITIONS
};
static const uint8_t tags[DEFINITIONS] = {BLOCK,    SEQUENCES,   KIND,   LEAD,        TYPE,
                                          INTERVAL, SENSITIVITY, OFFSET, MISSING_MARK};

typedef struct {
    definition of[DEFINITIONS];
} definitions;

/* How a channel's samples stand in a frame. */
typedef struct {
    int64_t block, sequences; /* sequences 0: as many as there are */
    int type;
    int lead; /* index of the recording's, -1: left out */
} layout;

typedef struct {
    const char *path;
    const uint8_t *file;
    size_t bytes;
    bool big_endian, has_layout;
    definitions all;
    definitions *channel; /* (MAX_CHANNELS), owned */
    int n_channels;
    layout *layout; /* (MAX_CHANNELS), owned */
    int n_layout;
    int64_t frames_passed;
    double high_pass, low_pass, notch;
    bool missing_set[EIN_MAX_LEADS];
    int64_t missing[EIN_MAX_LEADS];
    ein_counts counts;
    ein_ecg_person person; /* what was said of it */
    ein_xml_date birth, when;
} reader;

/* --- definitions ----------------------------------------------------------------------------------------- */

static ein_status damaged(const reader *r, const uint8_t *at, const char *what) {
    return ein_error(EIN_CORRUPT, "%s: byte %zu: %s; damaged or cut", r->path, (size_t)(at - r->file), what);
}

static int64_t number(const uint8_t *b, int bytes, bool big_endian, bool is_signed) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value = value << 8 | b[big_endian ? i : bytes - 1 - i];
    const uint64_t sign = bytes > 0 && bytes < 8 ? UINT64_C(1) << (8 * bytes - 1) : 0;
    return is_signed ? (int64_t)((value ^ sign) - sign) : (int64_t)value;
}

static int64_t number_of(const definition *d, bool is_signed) {
    return number(d->value, d->bytes, d->big_endian, is_signed);
}

/* A length: a byte, or a byte that says of how many it is; -1: until two zeros. */
static ein_status take_length(const reader *r, const uint8_t **at, const uint8_t *end, int64_t *out) {
    if (*at == end) return damaged(r, *at, "a length is missing");
    const int first = *(*at)++;
    *out = first;
    if (first < 0x80) return EIN_OK;
    const int bytes = first & 0x7f;
    *out = -1;
    if (bytes == 0) return EIN_OK;
    if (bytes > 4 || bytes > end - *at) return damaged(r, *at, "a length that is no length");
    *out = number(*at, bytes, true, false);
    *at += bytes;
    return EIN_OK;
}

/* One definition: its tag, the channel it is of, its value; the cursor moves behind it. */
typedef struct {
    int tag, channel;
    const uint8_t *value, *end;
} item;

static ein_status take_item(const reader *r, const uint8_t **at, const uint8_t *end, int depth, item *out);

/* Move behind the two zeros that end a value without a length. */
static ein_status skip_value(const reader *r, const uint8_t **at, const uint8_t *end, int depth,
                             const uint8_t **stop) {
    if (depth > MAX_DEPTH) return damaged(r, *at, "definitions too deep within each other");
    while (end - *at >= 2) {
        item inside;
        if ((*at)[0] == 0 && (*at)[1] == 0) {
            *stop = *at;
            *at += 2;
            return EIN_OK;
        }
        if ((*at)[0] == 0)
            ++*at;
        else
            EIN_TRY(take_item(r, at, end, depth + 1, &inside));
    }
    return damaged(r, *at, "a value without an end");
}

static ein_status take_item(const reader *r, const uint8_t **at, const uint8_t *end, int depth, item *out) {
    int64_t length = 0;
    out->tag = *(*at)++;
    out->channel = -1;
    if (out->tag == CHANNEL) {
        int64_t channel = 0;
        do {
            if (*at == end) return damaged(r, *at, "the number of a channel is missing");
            channel = (channel << 7 | (**at & 0x7f)) & 0xffffff;
        } while (*(*at)++ & 0x80);
        out->channel = channel < MAX_CHANNELS ? (int)channel : MAX_CHANNELS;
    }
    EIN_TRY(take_length(r, at, end, &length));
    out->value = *at;
    if (length < 0) return skip_value(r, at, end, depth, &out->end);
    if (length > end - *at) return damaged(r, *at, "a value that reaches beyond the end");
    *at += length;
    out->end = *at;
    return EIN_OK;
}

static void define(reader *r, int which, const item *i, int channel) {
    definition *d = &(channel < 0 ? &r->all : &r->channel[channel])->of[which];
    const size_t n = (size_t)(i->end - i->value);
    memset(d, 0, sizeof *d);
    d->big_endian = r->big_endian;
    d->bytes = n == 0 ? -1 : n < VALUE_BYTES ? (int)n : VALUE_BYTES;
    memcpy(d->value, i->value, n < VALUE_BYTES ? n : VALUE_BYTES);
    if (which != D_LEAD && which != D_KIND) return;
    if (n > 2) ein_person_text(i->value + 2, n - 2, d->text, sizeof d->text);
    if (d->bytes > 2) d->bytes = 2;
}

static void forget_channels(reader *r) {
    for (int c = 0; c < MAX_CHANNELS; c++)
        for (int k = 0; k < DEFINITIONS; k++) r->channel[c].of[k].bytes = -1;
}

/* What holds for a channel: its own, else that of all; a lead's name of all is that of the first channel. */
static const definition *effective(const reader *r, int channel, int which) {
    const definition *own = &r->channel[channel].of[which], *all = &r->all.of[which];
    if (own->bytes >= 0) return own;
    return all->bytes >= 0 && (which != D_LEAD || channel == 0) ? all : NULL;
}

/* --- leads ----------------------------------------------------------------------------------------------- */

static const struct {
    int bytes;
    bool is_signed, read;
} types[] = {{2, true, true}, {2, false, true}, {4, true, true},   {1, false, true}, {2, false, false},
             {1, true, true}, {4, false, true}, {4, false, false}, {8, false, false}};

static void name_of(const definition *d, char *out, size_t room) {
    static const struct {
        int number;
        const char *name;
    } leads[] = {{1, "I"},    {2, "II"},    {3, "V1"},      {4, "V2"},      {5, "V3"},      {6, "V4"},
                 {7, "V5"},   {8, "V6"},    {9, "V7"},      {11, "V3R"},    {12, "V4R"},    {13, "V5R"},
                 {14, "V6R"}, {15, "V7R"},  {16, "X"},      {17, "Y"},      {18, "Z"},      {19, "CC5"},
                 {20, "CM5"}, {31, "NASA"}, {61, "III"},    {62, "aVR"},    {63, "aVL"},    {64, "aVF"},
                 {66, "V8"},  {67, "V9"},   {4166, "ECG1"}, {4167, "ECG2"}, {4168, "ECG3"}, {4169, "ECG4"}};
    out[0] = '\0';
    if (!d) return;
    const int64_t number = number_of(d, false);
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++)
        if (leads[i].number == number) snprintf(out, room, "%s", leads[i].name);
    if (!out[0] && ein_lead_parse(d->text) != EIN_LEAD_UNKNOWN) snprintf(out, room, "%s", d->text);
}

/* "unit, exponent, mantissa": the number; false for another unit. */
static double scaled(const definition *d) {
    if (d->bytes < 3) return 0;
    return (double)number(d->value + 2, d->bytes - 2, d->big_endian, true) * ein_ten_to((int8_t)d->value[1]);
}

static ein_status rate_of(const reader *r, const definition *d, double *hz) {
    const double value = d ? scaled(d) : 0;
    if (!(value > 0) || d->value[0] > 1)
        return ein_error(EIN_FORMAT,
                         "%s: no interval of samples in Hz or seconds: the sampling rate is not known",
                         r->path);
    *hz = d->value[0] == 0 ? value : 1 / value;
    if (fabs(*hz - rint(*hz)) < 1e-9 * *hz) *hz = rint(*hz);
    return EIN_OK;
}

static ein_status add_lead(reader *r, int channel, const char *name, int type, int *lead) {
    double hz = 0;
    const definition *s = effective(r, channel, D_SENSITIVITY), *zero = effective(r, channel, D_OFFSET),
                     *missing = effective(r, channel, D_MISSING);
    if (r->counts.n_leads == EIN_MAX_LEADS)
        return ein_error(EIN_FORMAT, "%s: more than %d leads", r->path, EIN_MAX_LEADS);
    const int i = *lead = r->counts.n_leads++;
    ein_counts_lead *l = &r->counts.lead[i];
    snprintf(l->name, sizeof l->name, "%s", name);
    l->notes = EIN_NOTE_NO_CHECKSUM;
    l->mv_per_count = scaled(s) * 1000;
    l->zero = zero ? -(double)number_of(zero, types[type].is_signed) : 0;
    r->missing_set[i] = missing != NULL;
    if (missing) r->missing[i] = number_of(missing, types[type].is_signed);
    EIN_TRY(rate_of(r, effective(r, channel, D_INTERVAL), &hz));
    if (i > 0 && hz != r->counts.fs_hz)
        return ein_error(EIN_FORMAT,
                         "%s: lead %s has %g Hz, others %g Hz; leads of different rates are not read",
                         r->path, name, hz, r->counts.fs_hz);
    r->counts.fs_hz = hz;
    return EIN_OK;
}

static ein_status choose_channel(reader *r, int c) {
    char name[EIN_LEAD_NAME_BYTES];
    const definition *type = effective(r, c, D_TYPE), *block = effective(r, c, D_BLOCK),
                     *sequences = effective(r, c, D_SEQUENCES), *s = effective(r, c, D_SENSITIVITY);
    layout *out = &r->layout[c];
    out->type = type ? type->value[0] : 0;
    out->block = block ? number_of(block, false) : 1;
    out->sequences = sequences ? number_of(sequences, false) : 0;
    out->lead = -1;
    if (out->type >= (int)(sizeof types / sizeof types[0]))
        return ein_error(EIN_OTHER, "%s: channel %d: samples of type %d, which are not read", r->path, c + 1,
                         out->type);
    if (out->block < 1 || out->block > EIN_ECG_MAX_SAMPLES || out->sequences < 0 ||
        out->sequences > EIN_ECG_MAX_SAMPLES)
        return ein_error(EIN_CORRUPT, "%s: channel %d: %lld blocks of %lld samples; damaged", r->path, c + 1,
                         (long long)out->sequences, (long long)out->block);
    name_of(effective(r, c, D_LEAD), name, sizeof name);
    if (!name[0] || (s && s->bytes >= 3 && s->value[0] != UNIT_VOLT)) return EIN_OK;
    if (!s || !(scaled(s) > 0))
        return ein_error(EIN_FORMAT, "%s: lead %s has no sensitivity: its scale is not known", r->path, name);
    if (!types[out->type].read)
        return ein_error(EIN_OTHER, "%s: lead %s: samples of type %d, which are not read", r->path, name,
                         out->type);
    return add_lead(r, c, name, out->type, &out->lead);
}

static ein_status choose_leads(reader *r) {
    for (int c = 0; c < r->n_channels; c++) EIN_TRY(choose_channel(r, c));
    r->n_layout = r->n_channels;
    r->has_layout = true;
    if (r->counts.n_leads > 0) return EIN_OK;
    return ein_error(EIN_OTHER, "%s: none of its %d channels is an ECG lead in volts", r->path,
                     r->n_channels);
}

/* --- frames ---------------------------------------------------------------------------------------------- */

static ein_status same_layout(const reader *r) {
    if (r->n_channels == r->n_layout) return EIN_OK;
    return ein_error(EIN_OTHER, "%s: frames of %d and of %d channels: a recording in pieces is not read",
                     r->path, r->n_layout, r->n_channels);
}

static ein_status make_room(ein_counts_lead *l, int64_t more) {
    int32_t *grown = realloc(l->count, (size_t)(l->n + more) * sizeof *grown);
    if (!grown) return ein_error(EIN_NOMEM, "no memory for %lld samples", (long long)(l->n + more));
    l->count = grown;
    return EIN_OK;
}

static void take_block(const reader *r, const layout *c, const uint8_t *at, ein_counts_lead *l) {
    const int bytes = types[c->type].bytes;
    for (int64_t t = 0; t < c->block; t++, at += bytes, l->n++) {
        const int64_t value = number(at, bytes, r->big_endian, types[c->type].is_signed);
        const bool missing = (r->missing_set[c->lead] && value == r->missing[c->lead]) ||
                             value <= INT32_MIN || value > INT32_MAX;
        l->count[l->n] = missing ? EIN_COUNT_MISSING : (int32_t)value;
    }
}

static ein_status read_frame(reader *r, const item *frame) {
    const definition *kind = effective(r, 0, D_KIND);
    const size_t bytes = (size_t)(frame->end - frame->value);
    int64_t sequence_bytes = 0, stated = 0;
    if (kind && number_of(kind, false) == DOMINANT_BEAT) {
        r->frames_passed++;
        return EIN_OK;
    }
    if (!r->has_layout) EIN_TRY(choose_leads(r));
    EIN_TRY(same_layout(r));
    for (int c = 0; c < r->n_layout; c++) {
        sequence_bytes += r->layout[c].block * types[r->layout[c].type].bytes;
        if (r->layout[c].sequences != r->layout[0].sequences ||
            (r->layout[c].lead >= 0 && r->layout[c].block != r->layout[0].block))
            return ein_error(EIN_OTHER,
                             "%s: channels of different lengths within a frame, which are not read", r->path);
    }
    const int64_t held = (int64_t)bytes / sequence_bytes;
    stated = r->layout[0].sequences ? r->layout[0].sequences : held;
    if (held > stated || held == 0)
        return damaged(r, frame->value, "a frame that is not of the stated length");
    for (int c = 0; c < r->n_layout; c++)
        if (r->layout[c].lead >= 0)
            EIN_TRY(make_room(&r->counts.lead[r->layout[c].lead], held * r->layout[c].block));
    const bool cut = held < stated || (int64_t)bytes % sequence_bytes != 0;
    const uint8_t *at = frame->value;
    for (int64_t s = 0; s < held; s++)
        for (int c = 0; c < r->n_layout; c++) {
            const layout *l = &r->layout[c];
            if (l->lead >= 0) take_block(r, l, at, &r->counts.lead[l->lead]);
            at += l->block * types[l->type].bytes;
        }
    for (int i = 0; cut && i < r->counts.n_leads; i++) r->counts.lead[i].notes |= EIN_NOTE_TRUNCATED;
    return EIN_OK;
}

/* --- the person ------------------------------------------------------------------------------------------ */

static void take_device(const item *i, ein_ecg_person *person) {
    char text[TEXT_BYTES];
    if (person->device[0] || !ein_person_text(i->value, (size_t)(i->end - i->value), text, sizeof text))
        return;
    char *end = text; /* manufacturer ^ model ^ version ^ serial number, which is nobody's business */
    for (int k = 0; k < 3 && end; k++) {
        end = strchr(end, '^');
        if (end && k < 2) *end++ = ' ';
    }
    if (end) *end = '\0';
    ein_person_add_device(text, person);
}

static void take_filter(reader *r, const item *i) {
    char text[TEXT_BYTES];
    if (!ein_person_text(i->value, (size_t)(i->end - i->value), text, sizeof text)) return;
    const char *value = strchr(text, '=');
    if (!value) return;
    if (strncasecmp(text, "HPF", 3) == 0) r->high_pass = strtod(value + 1, NULL);
    if (strncasecmp(text, "LPF", 3) == 0) r->low_pass = strtod(value + 1, NULL);
    if (strncasecmp(text, "BEF", 3) == 0) r->notch = strtod(value + 1, NULL);
}

static ein_status take_patient(reader *r, const item *i) {
    char text[2 * EIN_ECG_TEXT_BYTES];
    ein_person_text(i->value, (size_t)(i->end - i->value), text, sizeof text);
    text[strcspn(text, "^")] = '\0';
    if (strlen(text) >= sizeof r->person.patient_id)
        return ein_error(EIN_FORMAT, "%s: a patient id of %zu bytes or more; up to %zu are read", r->path,
                         strlen(text), sizeof r->person.patient_id - 1);
    memcpy(r->person.patient_id, text, strlen(text) + 1);
    return EIN_OK;
}

static void take_times(reader *r, const item *i) {
    const uint8_t *b = i->value;
    const int64_t n = i->end - i->value;
    if (i->tag == AGE && n >= 1 && b[0] > 0 && b[0] <= 125) r->person.age_years = b[0];
    if (i->tag == AGE && n >= 7)
        r->birth = (ein_xml_date){(int)number(b + 3, 2, r->big_endian, false), b[5], b[6], -1, -1, -1};
    if (i->tag == TIME && n >= 7)
        r->when = (ein_xml_date){(int)number(b, 2, r->big_endian, false), b[2], b[3], b[4], b[5], b[6]};
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_status take_one(reader *r, const item *i, int channel, int depth);

static ein_status walk(reader *r, const uint8_t *at, const uint8_t *end, int channel, int depth) {
    if (depth > MAX_DEPTH) return damaged(r, at, "definitions too deep within each other");
    while (at < end) {
        item i;
        if (*at == 0) {
            at++;
            continue;
        }
        if (*at == END) return EIN_OK;
        EIN_TRY(take_item(r, &at, end, depth, &i));
        EIN_TRY(take_one(r, &i, channel, depth));
    }
    return EIN_OK;
}

static ein_status take_one(reader *r, const item *i, int channel, int depth) {
    const int64_t n = i->end - i->value;
    for (int k = 0; k < DEFINITIONS; k++)
        if (tags[k] == i->tag) define(r, k, i, channel);
    switch (i->tag) {
    case ORDER:
        r->big_endian = n == 0 || i->value[0] == 0;
        return EIN_OK;
    case CHANNELS: {
        const int64_t count = n == 0 ? 1 : n <= 4 ? number(i->value, (int)n, r->big_endian, false) : 0;
        if (count < 1 || count > MAX_CHANNELS)
            return ein_error(EIN_FORMAT, "%s: %lld channels; 1 to %d are read", r->path, (long long)count,
                             MAX_CHANNELS);
        r->n_channels = (int)count;
        forget_channels(r);
        return EIN_OK;
    }
    case CHANNEL:
        if (channel >= 0) return damaged(r, i->value, "a channel within a channel");
        return i->channel < r->n_channels ? walk(r, i->value, i->end, i->channel, depth + 1) : EIN_OK;
    case GROUP:
        return walk(r, i->value, i->end, channel, depth + 1);
    case COMPRESSION:
        if (n >= 2 && number(i->value, 2, r->big_endian, false) != 0)
            return ein_error(EIN_OTHER, "%s: MFER with compressed samples, which are not read", r->path);
        return EIN_OK;
    case WAVE:
        return read_frame(r, i);
    case PATIENT:
        return take_patient(r, i);
    case DEVICE:
        take_device(i, &r->person);
        return EIN_OK;
    case FILTER:
        take_filter(r, i);
        return EIN_OK;
    case SEX:
        if (n >= 1 && i->value[0] == 1) r->person.sex = EIN_SEX_MALE;
        if (n >= 1 && i->value[0] == 2) r->person.sex = EIN_SEX_FEMALE;
        return EIN_OK;
    case AGE:
    case TIME:
        take_times(r, i);
        return EIN_OK;
    default:
        return EIN_OK;
    }
}

bool ein_mfer_is(const uint8_t *start, size_t bytes) {
    return bytes >= 6 && start[0] == PREAMBLE && memcmp(start + 2, "MFR", 3) == 0;
}

static ein_status read_all(reader *r, ein_ecg *ecg) {
    const size_t bytes = r->bytes;
    if (!ein_mfer_is(r->file, bytes)) return ein_error(EIN_FORMAT, "%s: not an MFER file", r->path);
    EIN_TRY(EIN_NEW(r->channel, MAX_CHANNELS));
    EIN_TRY(EIN_NEW(r->layout, MAX_CHANNELS));
    for (int k = 0; k < DEFINITIONS; k++) r->all.of[k].bytes = -1;
    forget_channels(r);
    EIN_TRY(walk(r, r->file, r->file + bytes, -1, 0));
    if (!r->has_layout)
        return ein_error(EIN_OTHER, "%s: MFER without a rhythm (%lld frames of averaged beats)", r->path,
                         (long long)r->frames_passed);
    EIN_TRY(ein_counts_to_ecg(r->path, &r->counts, ecg));
    ein_xml_acquired(&r->when, &r->person);
    ein_xml_age_from_birth(&r->birth, &r->when, &r->person);
    ein_person_add_filters(r->high_pass, r->low_pass, r->notch, &r->person);
    ein_person_record_id(r->path, "mwf mfer mfr", &r->person);
    ecg->person = r->person;
    return EIN_OK;
}

ein_status ein_mfer_read(const ein_content *file, ein_ecg *ecg) {
    reader *r = NULL;
    memset(ecg, 0, sizeof *ecg);
    EIN_TRY(EIN_NEW(r, 1));
    r->path = file->path;
    r->file = file->bytes;
    r->bytes = file->n;
    r->big_endian = true;
    r->n_channels = 1;
    r->person.age_years = NAN;
    r->person.sex = EIN_SEX_UNKNOWN;
    r->birth = r->when = (ein_xml_date){-1, -1, -1, -1, -1, -1};
    ein_status status = read_all(r, ecg);
    ein_counts_free(&r->counts);
    free(r->channel);
    free(r->layout);
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}
