/* WFDB records in FLAC (formats 508, 516, 524), made by libFLAC's encoder: read, cut, damaged, of another shape. */
#include <FLAC/stream_encoder.h>

#include "io/ecg/source_hash.h"
#include "tests/ecg_file.h"

enum { N = 20000, BYTES = 1 << 20, BLOCK = 1152 };

static uint8_t out[BYTES];
static size_t n_out, end_out;
static int32_t x[2][N];

static FLAC__StreamEncoderWriteStatus write_bytes(const FLAC__StreamEncoder *e, const FLAC__byte b[],
                                                  size_t n, uint32_t samples, uint32_t frame, void *client) {
    (void)e, (void)samples, (void)frame, (void)client;
    memcpy(out + n_out, b, n);
    n_out += n;
    if (n_out > end_out) end_out = n_out;
    return FLAC__STREAM_ENCODER_WRITE_STATUS_OK;
}

static FLAC__StreamEncoderSeekStatus seek_to(const FLAC__StreamEncoder *e, FLAC__uint64 at, void *client) {
    (void)e, (void)client;
    n_out = at;
    return FLAC__STREAM_ENCODER_SEEK_STATUS_OK;
}

static FLAC__StreamEncoderTellStatus tell(const FLAC__StreamEncoder *e, FLAC__uint64 *at, void *client) {
    (void)e, (void)client;
    *at = n_out;
    return FLAC__STREAM_ENCODER_TELL_STATUS_OK;
}

static void encode(unsigned bits) {
    const FLAC__int32 *channels[] = {x[0], x[1]};
    FLAC__StreamEncoder *e = FLAC__stream_encoder_new();
    n_out = end_out = 0;
    FLAC__stream_encoder_set_channels(e, 2);
    FLAC__stream_encoder_set_bits_per_sample(e, bits);
    FLAC__stream_encoder_set_sample_rate(e, 96000);
    FLAC__stream_encoder_set_blocksize(e, BLOCK);
    if (FLAC__stream_encoder_init_stream(e, write_bytes, seek_to, tell, NULL, NULL) !=
            FLAC__STREAM_ENCODER_INIT_STATUS_OK ||
        !FLAC__stream_encoder_process(e, channels, N) || !FLAC__stream_encoder_finish(e))
        abort();
    FLAC__stream_encoder_delete(e);
}

static void name(char *path, size_t room, const char *what) {
    snprintf(path, room, "%s/%s", ecg_folder, what);
}

static void put_signal(const uint8_t *bytes, size_t n) {
    char path[160];
    name(path, sizeof path, "x.dat");
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) abort();
}

static void put_header(int format, int per_frame, const char *more, int frames) {
    char text[256];
    unsigned sum[2] = {0, 0};
    for (int l = 0; l < 2; l++)
        for (int t = 0; t < N; t++) sum[l] += (unsigned)x[l][t];
    snprintf(text, sizeof text,
             "x 2 500 %d\nx.dat %dx%d%s 1000/mV 0 0 0 %u 0 I\nx.dat %dx%d%s 1000/mV 0 0 0 %u 0 V1\n", frames,
             format, per_frame, more, sum[0] & 0xffff, format, per_frame, more, sum[1] & 0xffff);
    put_text(text);
}

static bool same(const ein_ecg *ecg, int from, int to) {
    for (int l = 0; l < 2; l++)
        for (int t = from; t < to; t++)
            if (!(ecg->mv[l * ecg->n_samples + t] == (float)(x[l][t] / 1000.0))) return false;
    return true;
}

/* That the hash made while reading is that of the files. */
static bool same_hash(void) {
    char whole[EIN_SHA256_TEXT_BYTES];
    ein_reader_source source;
    ein_ecg ecg;
    if (ein_reader_read_source(ecg_path, NULL, &ecg, &source) != EIN_OK) return false;
    ein_ecg_free(&ecg);
    return ein_source_hash(ecg_path, whole) == EIN_OK && strcmp(whole, source.sha256) == 0;
}

static void check_read(void) {
    static const struct { int format, bits; } formats[] = {{508, 8}, {516, 16}, {524, 24}};
    ein_ecg ecg;
    for (int i = 0; i < 3; i++) {
        for (int t = 0; t < N; t++) {
            x[0][t] = (t * 7 % 199 - 99) * (1 << (formats[i].bits - 8));
            x[1][t] = 50 - t % 100;
        }
        encode((unsigned)formats[i].bits);
        put_signal(out, end_out);
        put_header(formats[i].format, 1, "", N);
        bool good = open_ecg(&ecg);
        report(good && ecg.n_samples == N && same(&ecg, 0, N) && ecg.notes == 0,
               "format %d, every checksum right", formats[i].format);
        ein_ecg_free(&ecg);
    }
    encode(24);
    put_signal(out, end_out);
    put_header(524, 4, "", N / 4);
    report(open_ecg(&ecg) && ecg.fs_hz == 2000 && ecg.n_samples == N && same(&ecg, 0, N) && ecg.notes == 0,
           "four samples per frame");
    ein_ecg_free(&ecg);
    report(same_hash(), "the hash made while reading is that of the files");
    memmove(out + 100, out, end_out);
    put_signal(out, end_out + 100);
    put_header(524, 1, "+100", 0);
    report(open_ecg(&ecg) && ecg.n_samples == N && same(&ecg, 0, N),
           "behind 100 bytes, of a length that is not stated");
    ein_ecg_free(&ecg);
}

static void check_damage(void) {
    ein_ecg ecg;
    for (int t = 0; t < N; t++) x[0][t] = t * 7 % 199 - 99, x[1][t] = 50 - t % 100;
    encode(16);
    put_header(516, 1, "", N);
    put_signal(out, end_out / 2);
    bool good = open_ecg(&ecg);
    report(good && (ecg.notes & EIN_NOTE_TRUNCATED) && ecg.n_samples == N && isnan(ecg.mv[N - 1]) &&
               same(&ecg, 0, N / 4),
           "a stream that was cut: the rest is missing");
    ein_ecg_free(&ecg);
    out[end_out / 2] ^= 0x10;
    put_signal(out, end_out);
    good = open_ecg(&ecg);
    int missing = 0;
    for (int t = 0; good && t < N; t++) missing += isnan(ecg.mv[t]);
    report(good && (ecg.notes & EIN_NOTE_CHECKSUM) && missing > 0 && missing <= 2 * BLOCK &&
               same(&ecg, 0, N / 4) && same(&ecg, 3 * N / 4, N),
           "a damaged block is missing (%d samples), and what follows in its place", missing);
    ein_ecg_free(&ecg);
    encode(24);
    put_signal(out, end_out);
    refused("bits that are not the header's", EIN_FORMAT, "not 2 channels of 16 bits");
    put_signal((const uint8_t *)"nothing of this kind", 20);
    refused("no FLAC stream", EIN_CORRUPT, "no FLAC stream, or damaged");
}

int main(void) {
    char path[160];
    ecg_file_begin("x.hea");
    check_read();
    check_damage();
    name(path, sizeof path, "x.dat");
    unlink(path);
    return ecg_file_end();
}
