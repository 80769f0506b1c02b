#include "io/ecg/wfdb.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/signal/gain.h"
#include "io/ecg/person.h"
#include "io/ecg/wfdb_flac.h"
#include "io/ecg/wfdb_format.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/wfdb_segments.h"

enum {
    BLOCK_VALUES = 65536,      /* samples unpacked at a time: fits the second-level cache */
    UNIT_LCM = 6,              /* frames of a block come in sixes, so blocks end where units of 2 and 3 end */
    MAT_HEADER_BYTES = 24,     /* MATLAB level 4 header and the name "val" */
    BELIEVED_VALUES = 1 << 20, /* promises up to here cost little even if broken */
    BELIEVED_FACTOR = 16
};

/* Signals that share a file: their samples alternate, frame by frame. */
typedef struct {
    int first, n_signals;
    const ein_wfdb_format *format;
    int frame; /* samples of all its signals in one frame */
    int64_t offset;
    int64_t frames; /* whole frames that the file holds */
    bool wanted;    /* holds a signal that we keep */
    char *path;     /* of the file; owned */
    ein_input input;
    ein_wfdb_flac flac; /* decoded, for the formats that are FLAC streams */
} group;

typedef struct {
    const char *path; /* of the header */
    const ein_place *place;
    ein_file_hash *hash; /* NULL: none is wanted */
    ein_wfdb_header header;
    int lead_of[EIN_MAX_LEADS]; /* signal -> lead of the recording, -1: left out */
    int n_leads;
    int per_frame;    /* of the signals we keep */
    int64_t n_frames; /* of the recording */
    group groups[EIN_MAX_LEADS];
    int n_groups;
} reader;

static ein_status bad_line(const reader *r, const ein_wfdb_signal *s, const char *what) {
    return ein_error(EIN_FORMAT, "%s:%d: %s", r->path, s->line, what);
}

/* --- what to read -------------------------------------------------------------------------------------- */

static ein_lead lead_of_description(const ein_wfdb_signal *s) {
    return ein_lead_parse(s->description);
}

static ein_status choose_signals(reader *r) {
    const ein_wfdb_header *h = &r->header;
    r->per_frame = 0;
    for (int i = 0; i < h->n_signals; ++i)
        if (h->signal[i].mv_per_unit != 0 && h->signal[i].per_frame > r->per_frame)
            r->per_frame = h->signal[i].per_frame;
    if (r->per_frame == 0)
        return ein_error(EIN_OTHER, "%s: none of the %d signals is in volts: no ECG (first: \"%s\" in %s)",
                         r->path, h->n_signals, h->signal[0].description, h->signal[0].units);
    for (int i = 0; i < h->n_signals; ++i) {
        const ein_wfdb_signal *s = &h->signal[i];
        bool keep = s->mv_per_unit != 0 && s->per_frame == r->per_frame;
        if (s->mv_per_unit != 0 && !keep && lead_of_description(s) != EIN_LEAD_UNKNOWN)
            return ein_error(EIN_FORMAT,
                             "%s:%d: lead \"%s\" has %d samples per frame, another signal %d; ECG leads "
                             "of different rates are not read",
                             r->path, s->line, s->description, s->per_frame, r->per_frame);
        r->lead_of[i] = keep ? r->n_leads++ : -1;
    }
    return EIN_OK;
}

static ein_status start_group(reader *r, int i) {
    const ein_wfdb_signal *s = &r->header.signal[i];
    for (int k = 0; k < r->n_groups; ++k)
        if (strcmp(r->header.signal[r->groups[k].first].file, s->file) == 0)
            return ein_error(EIN_FORMAT, "%s:%d: signals of file %s are not listed together", r->path,
                             s->line, s->file);
    const ein_wfdb_format *format = ein_wfdb_format_find(s->format);
    if (!format)
        return ein_error(EIN_OTHER, "%s:%d: signal format %d is not read; these are: %s", r->path, s->line,
                         s->format, ein_wfdb_format_list());
    r->groups[r->n_groups++] =
        (group){.first = i, .format = format, .offset = s->offset, .input = {.fd = -1}};
    return EIN_OK;
}

static ein_status group_signals(reader *r) {
    const ein_wfdb_header *h = &r->header;
    for (int i = 0; i < h->n_signals; ++i) {
        const ein_wfdb_signal *s = &h->signal[i];
        if (i == 0 || strcmp(s->file, h->signal[i - 1].file) != 0) EIN_TRY(start_group(r, i));
        group *g = &r->groups[r->n_groups - 1];
        if (s->format != g->format->format || s->offset != g->offset)
            return bad_line(r, s, "format or offset differ from those of another signal in the same file");
        g->n_signals++;
        g->frame += s->per_frame;
        if (g->frame > EIN_WFDB_MAX_FRAME) return bad_line(r, s, "too many samples per frame");
        if (r->lead_of[i] >= 0) g->wanted = true;
    }
    return EIN_OK;
}

/* --- files --------------------------------------------------------------------------------------------- */

static ein_status open_signal_file(const reader *r, group *g) {
    char path[PATH_MAX];
    const char *file = r->header.signal[g->first].file;
    const ein_status status = ein_wfdb_open_signal(r->place, r->path, file, path, sizeof path, &g->input);
    if ((g->path = strdup(path)) == NULL) return ein_error(EIN_NOMEM, "%s: no memory for a path", r->path);
    g->input.path = g->path;
    if (status == EIN_OK || status == EIN_FORMAT) return status;
    snprintf(path, sizeof path, "%s", ein_error_message());
    return ein_error(status, "%s: signal file %s", r->path, path);
}

static int32_t little_endian(const uint8_t *b) {
    return (int32_t)((uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24);
}

/* A .mat file whose own header contradicts the text header would be read as noise. */
static ein_status check_mat(const reader *r, group *g) {
    const char *path = g->path;
    size_t n = strlen(path);
    uint8_t b[MAT_HEADER_BYTES];
    if (n < 4 || strcasecmp(path + n - 4, ".mat") != 0 || g->input.size < MAT_HEADER_BYTES) return EIN_OK;
    EIN_TRY(ein_input_read(&g->input, b, sizeof b, 0, NULL));
    if (memcmp(b, "MATLAB", 6) == 0)
        return ein_error(EIN_FORMAT,
                         "%s: a MATLAB file of level 5 or later; WFDB needs level 4 (save with -v4)", path);
    if (g->offset != MAT_HEADER_BYTES || g->format->format != 16) return EIN_OK;
    int32_t type = little_endian(b), rows = little_endian(b + 4), imaginary = little_endian(b + 12);
    if (type != 30 || imaginary != 0)
        return ein_error(EIN_FORMAT, "%s: not a real int16 matrix of MATLAB level 4 (type %d)", path, type);
    if (rows != g->frame)
        return ein_error(EIN_FORMAT, "%s: a matrix of %d rows, but %s puts %d samples into a frame", path,
                         rows, r->path, g->frame);
    return EIN_OK;
}

/* Samples of a FLAC stream follow each other signal by signal, so all signals have as many in a frame. */
static ein_status decode_flac(const reader *r, group *g) {
    const ein_wfdb_signal *first = &r->header.signal[g->first];
    int64_t skew = 0;
    for (int i = g->first; i < g->first + g->n_signals; ++i) {
        const ein_wfdb_signal *s = &r->header.signal[i];
        if (s->per_frame != first->per_frame)
            return bad_line(r, s, "signals of one FLAC file have different numbers of samples per frame");
        if (s->skew > skew) skew = s->skew;
    }
    const int64_t most = r->header.n_frames > 0 ? r->header.n_frames + skew : 0;
    EIN_TRY(ein_wfdb_flac_read(&g->input, g->offset, g->n_signals, g->format->bits, first->per_frame, most,
                               ein_wfdb_format_missing(g->format), &g->flac));
    g->frames = g->flac.frames;
    return EIN_OK;
}

static ein_status open_groups(reader *r) {
    for (int k = 0; k < r->n_groups; ++k) {
        group *g = &r->groups[k];
        if (!g->wanted) continue;
        EIN_TRY(open_signal_file(r, g));
        EIN_TRY(check_mat(r, g));
        if (g->format->unpack)
            g->frames = ein_wfdb_format_values(g->format, g->input.size - g->offset) / g->frame;
        else
            EIN_TRY(decode_flac(r, g));
    }
    return EIN_OK;
}

/* The recording's length, before anything is allocated for it. */
static ein_status decide_length(reader *r) {
    int64_t stated = r->header.n_frames, longest = 0;
    for (int k = 0; k < r->n_groups; ++k)
        if (r->groups[k].frames > longest) longest = r->groups[k].frames;
    if (longest == 0)
        return ein_error(EIN_CORRUPT, "%s: the signal files hold no sample (%lld per signal are stated)",
                         r->path, (long long)stated);
    r->n_frames = stated > 0 ? stated : longest;
    double values = (double)r->n_frames * r->per_frame * r->n_leads;
    if (values > BELIEVED_VALUES && longest < r->n_frames / BELIEVED_FACTOR)
        return ein_error(EIN_CORRUPT,
                         "%s: %lld samples per signal are stated, the files hold %lld; damaged or not "
                         "completely copied",
                         r->path, (long long)r->n_frames, (long long)longest);
    if (r->n_frames > EIN_ECG_MAX_SAMPLES / r->per_frame)
        return ein_error(EIN_RANGE, "%s: %lld frames of %d samples per lead; at most %lld samples are read",
                         r->path, (long long)r->n_frames, r->per_frame, (long long)EIN_ECG_MAX_SAMPLES);
    return EIN_OK;
}

/* --- samples ------------------------------------------------------------------------------------------- */

/* One signal's samples within a block: values[f * stride + j], f < frames, j < per_frame. */
typedef struct {
    const int32_t *values;
    int64_t stride, first_frame, frames;
} block;

/* Format 8 stores differences; the running value goes on from block to block. Sums wrap, as a hostile file
 * may overflow them. */
static void integrate(int32_t *values, int64_t stride, int64_t frames, int per_frame, int32_t *state) {
    uint32_t value = (uint32_t)*state;
    for (int64_t f = 0; f < frames; ++f)
        for (int j = 0; j < per_frame; ++j) {
            value += (uint32_t)values[f * stride + j];
            values[f * stride + j] = (int32_t)value;
        }
    *state = (int32_t)value;
}

static uint32_t checksum(const block *b, int per_frame, int64_t stated_frames) {
    uint32_t sum = 0;
    int64_t end = stated_frames - b->first_frame < b->frames ? stated_frames - b->first_frame : b->frames;
    for (int64_t f = 0; f < end; ++f)
        for (int j = 0; j < per_frame; ++j) sum += (uint32_t)b->values[f * b->stride + j];
    return sum;
}

/* Counts to mV; frames that skew moves before the start or behind the end are dropped. */
static void convert(const block *b, const ein_wfdb_signal *s, const ein_wfdb_format *format, int64_t n_frames,
                    float *mv) {
    int64_t missing = format->has_missing ? ein_wfdb_format_missing(format) : INT64_MIN;
    int64_t begin = s->skew - b->first_frame, end = n_frames + s->skew - b->first_frame;
    if (begin < 0) begin = 0;
    if (end > b->frames) end = b->frames;
    float *out = mv + (b->first_frame + begin - s->skew) * s->per_frame;
    for (int64_t f = begin; f < end; ++f)
        for (int j = 0; j < s->per_frame; ++j, ++out) {
            int32_t v = b->values[f * b->stride + j];
            *out = v == missing ? NAN : (float)((v - s->baseline) / s->gain * s->mv_per_unit);
        }
}

static int64_t last_frame_wanted(const reader *r, const group *g) {
    int64_t skew = 0;
    for (int i = g->first; i < g->first + g->n_signals; ++i)
        if (r->lead_of[i] >= 0 && r->header.signal[i].skew > skew) skew = r->header.signal[i].skew;
    int64_t last = r->n_frames + skew;
    return last < g->frames ? last : g->frames;
}

/* What the reader keeps per signal of a group while its blocks go by. */
typedef struct {
    int32_t value[EIN_MAX_LEADS]; /* running value of differences */
    uint32_t sum[EIN_MAX_LEADS];
} running;

static void take_block(const reader *r, const group *g, int32_t *values, int64_t first_frame, int64_t frames,
                       running *run, ein_ecg *ecg) {
    int64_t samples = ecg->n_samples;
    for (int k = 0, at = 0; k < g->n_signals; at += r->header.signal[g->first + k].per_frame, ++k) {
        const ein_wfdb_signal *s = &r->header.signal[g->first + k];
        int lead = r->lead_of[g->first + k];
        if (lead < 0) continue;
        if (g->format->differences) integrate(values + at, g->frame, frames, s->per_frame, &run->value[k]);
        block b = {values + at, g->frame, first_frame, frames};
        run->sum[k] += checksum(&b, s->per_frame, r->n_frames);
        convert(&b, s, g->format, r->n_frames, ecg->mv + lead * samples);
    }
}

static void finish_signal(const reader *r, const group *g, int k, const running *run, ein_ecg *ecg) {
    const ein_wfdb_signal *s = &r->header.signal[g->first + k];
    int lead = r->lead_of[g->first + k];
    if (lead < 0) return;
    int64_t held = g->frames > s->skew ? g->frames - s->skew : 0;
    uint32_t *notes = &ecg->lead_notes[lead];
    for (int64_t t = held * s->per_frame; t < ecg->n_samples; ++t) ecg->mv[lead * ecg->n_samples + t] = NAN;
    if (g->frames < r->n_frames)
        *notes |= EIN_NOTE_TRUNCATED;
    else if (!s->has_checksum || r->header.n_frames == 0)
        *notes |= EIN_NOTE_NO_CHECKSUM;
    else if ((run->sum[k] & 0xffff) != s->checksum)
        *notes |= EIN_NOTE_CHECKSUM;
    if (g->flac.damaged) *notes |= EIN_NOTE_CHECKSUM;
    if (!s->gain_stated) *notes |= EIN_NOTE_GAIN_SUSPECT;
    ecg->notes |= *notes;
}

static ein_status read_blocks(const reader *r, group *g, int64_t block_frames, uint8_t *bytes,
                              int32_t *values, ein_ecg *ecg) {
    running run = {{0}, {0}};
    for (int k = 0; k < g->n_signals; ++k)
        run.value[k] = (int32_t)(uint32_t)r->header.signal[g->first + k].initial;
    int64_t end = last_frame_wanted(r, g);
    for (int64_t f = 0; f < end; f += block_frames) {
        int64_t frames = end - f < block_frames ? end - f : block_frames, n = frames * g->frame;
        int64_t at = g->offset + ein_wfdb_format_bytes(g->format, f * g->frame);
        const int64_t size = ein_wfdb_format_bytes(g->format, n);
        ein_status status = ein_input_read(&g->input, bytes, size, at, NULL);
        if (status != EIN_OK) return ein_error_context(status, "%s", r->path);
        if (r->hash) ein_file_hash_take(r->hash, &g->input, bytes, size, at);
        ein_wfdb_format_unpack(g->format, bytes, n, values);
        take_block(r, g, values, f, frames, &run, ecg);
    }
    for (int k = 0; k < g->n_signals; ++k) finish_signal(r, g, k, &run, ecg);
    return EIN_OK;
}

/* All of a FLAC stream is there already. */
static void take_flac(const reader *r, const group *g, ein_ecg *ecg) {
    running run = {{0}, {0}};
    take_block(r, g, g->flac.values, 0, last_frame_wanted(r, g), &run, ecg);
    for (int k = 0; k < g->n_signals; ++k) finish_signal(r, g, k, &run, ecg);
}

static ein_status read_group(const reader *r, group *g, ein_ecg *ecg) {
    if (!g->format->unpack) {
        take_flac(r, g, ecg);
        return EIN_OK;
    }
    int64_t end = last_frame_wanted(r, g), frames = BLOCK_VALUES / g->frame / UNIT_LCM * UNIT_LCM;
    if (frames < UNIT_LCM) frames = UNIT_LCM;
    if (frames > end) frames = end > 0 ? end : 1; /* a single block: where it ends no longer matters */
    uint8_t *bytes = malloc((size_t)ein_wfdb_format_bytes(g->format, frames * g->frame));
    int32_t *values = malloc((size_t)(frames * g->frame) * sizeof *values);
    ein_status status = bytes && values ? read_blocks(r, g, frames, bytes, values, ecg)
                                        : ein_error(EIN_NOMEM, "%s: no memory to unpack samples", r->path);
    free(bytes);
    free(values);
    return status;
}

/* --- the record ---------------------------------------------------------------------------------------- */

static void describe(const reader *r, ein_ecg *ecg, ein_gain *gain) {
    ecg->fs_hz = r->header.fs_hz * r->per_frame;
    ecg->person = r->header.person;
    ecg->text_converted = r->header.text_repair.converted;
    ecg->text_replaced = r->header.text_repair.replaced;
    ein_person_record_id(r->path, "hea", &ecg->person);
    for (int i = 0; i < r->header.n_signals; ++i) {
        const ein_wfdb_signal *s = &r->header.signal[i];
        int lead = r->lead_of[i];
        if (lead < 0) continue;
        ecg->lead[lead] = lead_of_description(s);
        ein_utf8_make(s->description, strlen(s->description), ecg->lead_name[lead],
                      sizeof ecg->lead_name[lead], NULL);
        gain->per_mv[lead] = s->gain / s->mv_per_unit;
        gain->baseline[lead] = s->baseline;
    }
}

/* A gain that was replaced is 1000 per mV in all leads (core/signal/gain.h). */
static double common_gain(const ein_ecg *ecg, const ein_gain *gain) {
    if (ecg->notes & EIN_NOTE_GAIN_FIXED) return 1000;
    for (int i = 1; i < ecg->n_leads; ++i)
        if (gain->per_mv[i] != gain->per_mv[0]) return 0;
    return gain->per_mv[0];
}

/* What of a file is in no sample of ours: other signals' files, and what stands before and behind samples. */
static void hash_rest(const reader *r, group *g) {
    const char *file = r->header.signal[g->first].file;
    char path[PATH_MAX];
    if (g->wanted)
        ein_file_hash_rest(r->hash, &g->input);
    else if (ein_wfdb_signal_path(r->place, r->path, file, path, sizeof path) == EIN_OK)
        ein_file_hash_file(r->hash, r->place, path);
}

static ein_status read_samples(reader *r, ein_ecg *ecg) {
    ein_gain gain;
    EIN_TRY(ein_ecg_alloc(ecg, r->n_leads, r->n_frames * r->per_frame));
    describe(r, ecg, &gain);
    for (int k = 0; k < r->n_groups; ++k) {
        group *g = &r->groups[k];
        if (r->hash) ein_file_hash_next(r->hash);
        if (g->wanted) EIN_TRY(read_group(r, g, ecg));
        if (r->hash) hash_rest(r, g);
    }
    ein_gain_review(ecg, &gain);
    ecg->gain_per_mv = common_gain(ecg, &gain);
    return EIN_OK;
}

static ein_status read_header(reader *r, const ein_content *header) {
    if (r->hash) ein_file_hash_whole(r->hash, header->bytes, header->n);
    return ein_wfdb_header_parse(r->path, (const char *)header->bytes, header->n, &r->header);
}

/* A record of one segment, whose header holds `text`. */
static ein_status read_record(const ein_content *header, const ein_place *place, ein_file_hash *hash,
                              ein_ecg *ecg) {
    memset(ecg, 0, sizeof *ecg);
    reader *r;
    EIN_TRY(EIN_NEW(r, 1));
    r->path = header->path;
    r->place = place;
    r->hash = hash;
    ein_status status = read_header(r, header);
    if (status == EIN_OK) status = choose_signals(r);
    if (status == EIN_OK) status = group_signals(r);
    if (status == EIN_OK) status = open_groups(r);
    if (status == EIN_OK) status = decide_length(r);
    if (status == EIN_OK) status = read_samples(r, ecg);
    for (int k = 0; k < r->n_groups; ++k) {
        ein_input_close(&r->groups[k].input);
        free(r->groups[k].path);
        free(r->groups[k].flac.values);
    }
    free(r);
    if (status != EIN_OK) ein_ecg_free(ecg);
    return status;
}

/* --- records of several segments ------------------------------------------------------------------------- */

/* What the segments of a record share. */
typedef struct {
    const ein_place *place;
    ein_file_hash *hash;
} segment_context;

/* A header that another one names obeys the rule for signal files. */
static ein_status read_segment(const char *path, void *context, ein_ecg *ecg) {
    const segment_context *c = context;
    ein_input input;
    ein_content header;
    ein_status status = ein_input_open_named(c->place, path, &input);
    if (status == EIN_OK) status = ein_input_whole(&input, EIN_WFDB_MAX_HEADER_BYTES, &header);
    if (status == EIN_OK) status = read_record(&header, c->place, c->hash, ecg);
    ein_input_close(&input);
    return status;
}

static ein_status read_segments(const ein_content *header, segment_context *context, ein_ecg *ecg) {
    ein_wfdb_segments segments;
    EIN_TRY(ein_wfdb_segments_parse(header->path, (const char *)header->bytes, &segments));
    const ein_status status = ein_wfdb_segments_read(header->path, &segments, context, read_segment, ecg);
    ein_wfdb_segments_free(&segments);
    return status;
}

ein_status ein_wfdb_read_text(const ein_content *header, const ein_place *place, ein_file_hash *hash,
                              ein_ecg *ecg) {
    segment_context context = {place, hash};
    memset(ecg, 0, sizeof *ecg);
    if (!ein_wfdb_is_segmented((const char *)header->bytes)) return read_record(header, place, hash, ecg);
    if (hash) ein_file_hash_whole(hash, header->bytes, header->n);
    return read_segments(header, &context, ecg);
}

ein_status ein_wfdb_read(const char *path, ein_ecg *ecg) {
    ein_input input;
    ein_content header;
    memset(ecg, 0, sizeof *ecg);
    ein_status status = ein_input_open(NULL, path, &input);
    if (status == EIN_OK) status = ein_input_whole(&input, EIN_WFDB_MAX_HEADER_BYTES, &header);
    if (status == EIN_OK) status = ein_wfdb_read_text(&header, NULL, NULL, ecg);
    ein_input_close(&input);
    return status;
}
