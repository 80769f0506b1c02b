#include "io/ecg/wfdb_flac.h"

#include <FLAC/stream_decoder.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *path;
    ein_input *file;
    int signals, bits, per_frame;
    int64_t begin, at;     /* bytes of the file */
    int64_t most, room, n; /* samples per signal: wanted, with memory, decoded */
    int32_t missing;
    int32_t *values;                     /* (n / per_frame, signals, per_frame) */
    bool damaged, wrong_shape, silenced; /* silenced: the next frame is zeros instead of what was damaged */
    ein_status status;                   /* of what went wrong within a callback */
} stream;

/* --- callbacks ------------------------------------------------------------------------------------------- */

static FLAC__StreamDecoderReadStatus read_bytes(const FLAC__StreamDecoder *decoder, FLAC__byte buffer[],
                                                size_t *bytes, void *client) {
    stream *s = client;
    int64_t n;
    (void)decoder;
    s->status = ein_input_read(s->file, buffer, (int64_t)*bytes, s->at, &n);
    if (s->status != EIN_OK) return FLAC__STREAM_DECODER_READ_STATUS_ABORT;
    *bytes = (size_t)n;
    s->at += n;
    return n == 0 ? FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM
                  : FLAC__STREAM_DECODER_READ_STATUS_CONTINUE;
}

static int64_t place(const stream *s, int signal, int64_t t) {
    return (t / s->per_frame * s->signals + signal) * s->per_frame + t % s->per_frame;
}

/* Room for `n` samples of each signal, whole frames. */
static bool make_room(stream *s, int64_t n) {
    if (n <= s->room) return true;
    int64_t room = s->room ? 2 * s->room : 65536;
    if (room < n) room = n;
    room = (room + s->per_frame - 1) / s->per_frame * s->per_frame;
    int32_t *grown = NULL;
    if (room <= 2 * EIN_WFDB_FLAC_MAX_VALUES / s->signals)
        grown = realloc(s->values, (size_t)(room * s->signals) * sizeof *grown);
    if (!grown) {
        s->status = ein_error(EIN_NOMEM, "%s: no memory for %lld samples of %d signals", s->path,
                              (long long)room, s->signals);
        return false;
    }
    s->values = grown;
    s->room = room;
    return true;
}

static FLAC__StreamDecoderWriteStatus take_frame(const FLAC__StreamDecoder *decoder, const FLAC__Frame *frame,
                                                 const FLAC__int32 *const buffer[], void *client) {
    stream *s = client;
    const FLAC__FrameHeader *h = &frame->header;
    int64_t first = (int64_t)h->number.sample_number, n = h->blocksize;
    const bool silenced = s->silenced;
    (void)decoder;
    s->silenced = false;
    s->wrong_shape = (int)h->channels != s->signals || (int)h->bits_per_sample != s->bits;
    if (s->wrong_shape) return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    if (first < s->n || first >= s->most) { /* backwards: damage; behind the end: not wanted */
        s->damaged = s->damaged || first < s->n;
        return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
    }
    /* A jump over more than the rest of the file could hold is damage as well. */
    if (first - s->n > EIN_WFDB_FLAC_MAX_VALUES / s->signals / 16) {
        s->damaged = true;
        return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
    }
    if (first + n > s->most) n = s->most - first;
    if (!make_room(s, first + n)) return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
    for (int k = 0; k < s->signals; k++) {
        for (int64_t t = s->n; t < first; t++) s->values[place(s, k, t)] = s->missing;
        for (int64_t t = 0; t < n; t++)
            s->values[place(s, k, first + t)] = silenced ? s->missing : buffer[k][t];
    }
    s->damaged = s->damaged || first > s->n;
    s->n = first + n;
    return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

static void note_error(const FLAC__StreamDecoder *decoder, FLAC__StreamDecoderErrorStatus error,
                       void *client) {
    stream *s = client;
    (void)decoder;
    s->damaged = true;
    s->silenced = s->silenced || error == FLAC__STREAM_DECODER_ERROR_STATUS_FRAME_CRC_MISMATCH;
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static void decode(stream *s, FLAC__StreamDecoder *decoder) {
    while (s->status == EIN_OK && !s->wrong_shape && s->n < s->most) {
        if (!FLAC__stream_decoder_process_single(decoder)) break;
        if (FLAC__stream_decoder_get_state(decoder) >= FLAC__STREAM_DECODER_END_OF_STREAM) break;
    }
    const bool all = FLAC__stream_decoder_get_state(decoder) == FLAC__STREAM_DECODER_END_OF_STREAM;
    const int64_t stated = (int64_t)FLAC__stream_decoder_get_total_samples(decoder);
    /* A stream that was cut has another MD5; that it is short is said by its length. */
    if (!FLAC__stream_decoder_finish(decoder) && all && (stated == 0 || s->n == stated)) s->damaged = true;
}

static ein_status judge(const stream *s) {
    if (s->status != EIN_OK) return s->status;
    if (s->wrong_shape)
        return ein_error(EIN_FORMAT,
                         "%s: a FLAC stream that has not %d channels of %d bits, as the header says", s->path,
                         s->signals, s->bits);
    if (s->n < s->per_frame)
        return ein_error(EIN_CORRUPT,
                         "%s: no samples can be decoded from byte %lld on; no FLAC stream, or damaged",
                         s->path, (long long)s->begin);
    if (s->n >= EIN_WFDB_FLAC_MAX_VALUES / s->signals)
        return ein_error(EIN_RANGE, "%s: more than %lld samples in a FLAC stream", s->path,
                         (long long)EIN_WFDB_FLAC_MAX_VALUES);
    return EIN_OK;
}

ein_status ein_wfdb_flac_read(ein_input *file, int64_t offset, int signals, int bits, int per_frame,
                              int64_t most, int32_t missing, ein_wfdb_flac *out) {
    const char *path = file->path;
    const int64_t limit = EIN_WFDB_FLAC_MAX_VALUES / signals;
    stream s = {.path = path,
                .file = file,
                .signals = signals,
                .bits = bits,
                .per_frame = per_frame,
                .begin = offset,
                .at = offset,
                .missing = missing};
    s.most = most > 0 && most < limit / per_frame ? most * per_frame : limit;
    memset(out, 0, sizeof *out);
    if (signals > 8)
        return ein_error(EIN_FORMAT, "%s: %d signals in a FLAC file, which holds 8 at most", path, signals);
    FLAC__StreamDecoder *decoder = FLAC__stream_decoder_new();
    if (!decoder) return ein_error(EIN_NOMEM, "%s: no memory for a FLAC decoder", path);
    FLAC__stream_decoder_set_md5_checking(decoder, true);
    if (FLAC__stream_decoder_init_stream(decoder, read_bytes, NULL, NULL, NULL, NULL, take_frame, NULL,
                                         note_error, &s) == FLAC__STREAM_DECODER_INIT_STATUS_OK)
        decode(&s, decoder);
    else
        s.status = ein_error(EIN_NOMEM, "%s: the FLAC decoder does not start", path);
    FLAC__stream_decoder_delete(decoder);
    const ein_status status = judge(&s);
    if (status == EIN_OK) *out = (ein_wfdb_flac){s.values, s.n / per_frame, s.damaged};
    if (status != EIN_OK) free(s.values);
    return status;
}
