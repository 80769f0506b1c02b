/* The corpus file on made-up records: round trip on any number of ranks, bad files, damage.
 *
 *     test_corpus                          the suite
 *     test_corpus write PATH COMPRESS      write the made-up corpus, for comparing what numbers of ranks give
 */
#include "io/corpus/corpus.h"
#include "io/hdf5/h5.h"

#include <hdf5.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/philox.h"
#include "core/signal/quantise.h"
#include "io/base/durable.h"
#include "io/corpus/head.h"
#include "tests/report.h"
#include "tests/seed.h"

enum { N = 75, L = 3, S = 40, VALUES = L * S, BLOCK = 8, LABELS = 2 };

static ein_comm *world;
static int rank, size;
static char folder[256];
static bool here_good; /* of the case that runs; agreed by check_all */

/* Report a case whose result every rank must have seen. */
static void check_all(bool good, const char *name) {
    int mine = good, all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, ein_comm_mpi(world));
    if (!good) fprintf(stderr, "# rank %d: %s: %s\n", rank, name, ein_error_message());
    report(all == 1, "%s", name);
}

/* A made-up value, addressed, so that every rank can know every record. */
static uint32_t draw(int64_t record, int64_t item) {
    ein_philox_block block = ein_philox(test_seed(17), EIN_DRAW_TEST, (uint64_t)record, (uint32_t)item);
    return block.v[0];
}

static int16_t made_count(int64_t record, int64_t item) {
    uint32_t d = draw(record, item);
    return d % 50 == 0 ? EIN_CORPUS_MISSING : (int16_t)(d % 4001 - 2000);
}
static float made_scale(int64_t record) {
    return 0.001f * (float)(1 + record % 3);
}
static float made_label(int64_t record, int k) {
    return draw(record, 1000 + k) % 4 ? (float)(record % 2 + k) : NAN;
}
static uint64_t made_patient(int64_t record) {
    return UINT64_C(0x9000000000000000) + (uint64_t)(record / 2);
}

static void made_contract(ein_contract *c, bool own_statistics) {
    memset(c, 0, sizeof *c);
    c->n_leads = L;
    c->lead[0] = EIN_LEAD_I;
    c->lead[1] = EIN_LEAD_II;
    c->lead[2] = EIN_LEAD_V1;
    c->fs_hz = 100;
    c->n_samples = S;
    c->mean_mv = own_statistics ? NAN : 0.01;
    c->sd_mv = own_statistics ? NAN : 0.25;
}

/* One record's entry with its texts. */
typedef struct {
    char id[32], patient[32], cohort[32], file[64], note[64];
    const char *text[1];
    float label[LABELS];
    uint32_t lead_quality[L];
    ein_sketch sketch;
} made;

static void made_entry(int64_t i, made *m, ein_corpus_entry *e) {
    snprintf(m->id, sizeof m->id, "rec-%05lld", (long long)i);
    snprintf(m->patient, sizeof m->patient, "p%lld", (long long)(i / 2));
    snprintf(m->cohort, sizeof m->cohort, "%s", i < N / 2 ? "alpha" : "beta");
    snprintf(m->file, sizeof m->file, "a/%lld/rec.hea", (long long)i);
    snprintf(m->note, sizeof m->note, "%s", i % 3 ? "" : "sinus|\xc3\xa9");
    m->text[0] = m->note;
    for (int k = 0; k < LABELS; k++) m->label[k] = made_label(i, k);
    for (int l = 0; l < L; l++) m->lead_quality[l] = (uint32_t)(i * L + l) & 0xff;
    m->sketch = (ein_sketch){.n = (int32_t)(i % (EIN_SKETCH_ANCHORS + 1))};
    for (int a = 0; a < m->sketch.n; a++)
        for (int f = 0; f < EIN_SKETCH_FEATURES; f++) m->sketch.feature[a][f] = (int8_t)(i + 7 * a + f - 100);
    *e = (ein_corpus_entry){.record_id = m->id,
                            .patient = m->patient,
                            .cohort = m->cohort,
                            .site = "site",
                            .acquired = "2020-01-02T03:04:05",
                            .source_file = m->file,
                            .source_sha256 = "00ff",
                            .same_as = i == 9 ? "rec-00003" : NULL,
                            .patient_key = made_patient(i),
                            .signal_key = (uint64_t)i << 40,
                            .sketch = i % 2 ? &m->sketch : NULL,
                            .age = i % 5 ? (float)i : NAN,
                            .sex = (int8_t)(i % 3 - 1),
                            .quality = (uint32_t)i,
                            .lead_quality = m->lead_quality,
                            .label = m->label,
                            .text = m->text};
}

static ein_corpus_options made_options(const char *path, int compress) {
    static const char *const labels[LABELS] = {"AF", "age at visit"};
    static const char *const texts[1] = {"statements"};
    ein_corpus_options o = {.path = path,
                            .program = "test 1",
                            .config_yaml = "ingest:\n  a: 1\n",
                            .patient_ids = "kept",
                            .compress = compress,
                            .block_records = BLOCK,
                            .n_labels = LABELS,
                            .n_texts = 1,
                            .label_name = labels,
                            .text_name = texts};
    made_contract(&o.contract, true);
    return o;
}

/* Append records [first, first + total), this rank giving its share. */
static ein_status append_made(ein_corpus_writer *w, int64_t first, int64_t total, int uneven) {
    static int16_t counts[N * VALUES];
    static float scale[N];
    static made texts[N];
    static ein_corpus_entry entry[N];
    int64_t mine, count;
    ein_share(total, rank, size, &mine, &count);
    if (uneven) { /* the last rank has all of it */
        mine = rank == size - 1 ? 0 : total;
        count = rank == size - 1 ? total : 0;
    }
    for (int64_t i = 0; i < count; i++) {
        for (int64_t k = 0; k < VALUES; k++) counts[i * VALUES + k] = made_count(first + mine + i, k);
        scale[i] = made_scale(first + mine + i);
    }
    for (int64_t i = 0; rank == 0 && i < total; i++) made_entry(first + i, &texts[i], &entry[i]);
    return ein_corpus_append(w, count, counts, scale, rank == 0 ? entry : NULL);
}

/* In calls of odd sizes: less than a block, nothing, several blocks, all from one rank. */
static ein_status write_made(const char *path, int compress) {
    static const int64_t part[] = {3, 0, 5, 1, 31, 20, 15};
    ein_corpus_options options = made_options(path, compress);
    ein_corpus_writer *w = NULL;
    EIN_TRY(ein_corpus_create(world, &options, &w));
    int64_t at = 0;
    for (size_t i = 0; i < sizeof part / sizeof part[0]; i++) {
        ein_status status = append_made(w, at, part[i], i % 2);
        if (status != EIN_OK) {
            ein_corpus_abandon(w);
            return status;
        }
        at += part[i];
    }
    EIN_BUG_IF(at != N);
    if (rank == 0) {
        EIN_TRY(ein_corpus_reject(w, "b/bad.hea", "", "no such file"));
        EIN_TRY(ein_corpus_reject(w, "b/dup.hea", "rec-00001", "same record id as a/1/rec.hea"));
    }
    return ein_corpus_finish(w);
}

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* --- what was written is what is read -------------------------------------------------------------- */

static bool range_equal(ein_corpus *c, int64_t first, int64_t count) {
    int16_t *counts = malloc((size_t)(count * VALUES) * sizeof *counts + 1);
    float *scale = malloc((size_t)count * sizeof *scale + 1);
    bool good = ein_corpus_read(c, first, count, counts, scale) == EIN_OK;
    for (int64_t i = 0; good && i < count; i++) {
        good = scale[i] == made_scale(first + i);
        for (int64_t k = 0; good && k < VALUES; k++)
            good = counts[i * VALUES + k] == made_count(first + i, k);
    }
    free(counts);
    free(scale);
    return good;
}

static bool columns_equal(ein_corpus *c) {
    float label[N];
    uint32_t lead_quality[N * L];
    char *text = NULL;
    int64_t stride = 0;
    bool good = ein_corpus_records(c) == N && ein_corpus_label_count(c) == LABELS &&
                strcmp(ein_corpus_label_name(c, 1), "age at visit") == 0 && ein_corpus_text_count(c) == 1 &&
                ein_corpus_rejected(c) == 2 && strcmp(ein_corpus_config(c), "ingest:\n  a: 1\n") == 0 &&
                strcmp(ein_corpus_patient_ids(c), "kept") == 0 &&
                ein_corpus_lead_quality(c, lead_quality) == EIN_OK;
    for (int64_t i = 0; good && i < N; i++) {
        made m;
        ein_corpus_entry e;
        made_entry(i, &m, &e);
        float age = ein_corpus_age(c)[i];
        good = strcmp(ein_corpus_record_id(c, i), e.record_id) == 0 && ein_corpus_sex(c)[i] == e.sex &&
               (age == e.age || (isnan(age) && isnan(e.age))) && ein_corpus_patients(c)[i] == e.patient_key &&
               ein_corpus_quality(c)[i] == e.quality &&
               memcmp(lead_quality + i * L, e.lead_quality, sizeof e.lead_quality[0] * L) == 0;
    }
    for (int k = 0; good && k < LABELS; k++) {
        good = ein_corpus_label(c, k ? "age at visit" : "AF", label) == EIN_OK;
        for (int64_t i = 0; good && i < N; i++)
            good = label[i] == made_label(i, k) || (isnan(label[i]) && isnan(made_label(i, k)));
    }
    good = good && ein_corpus_texts(c, "text/statements", &text, &stride) == EIN_OK &&
           strcmp(text + 3 * stride, "sinus|\xc3\xa9") == 0 && strcmp(text + 4 * stride, "") == 0;
    free(text);
    text = NULL;
    good = good && ein_corpus_texts(c, "rejected/reason", &text, &stride) == EIN_OK &&
           strcmp(text + stride, "same record id as a/1/rec.hea") == 0;
    free(text);
    return good;
}

static bool identities_equal(ein_corpus *c) {
    static ein_sketch sketch[N];
    uint64_t key[N];
    char *text = NULL;
    int64_t stride = 0;
    bool good =
        ein_corpus_identities(c, key, sketch) == EIN_OK && ein_corpus_version(c) == EIN_CORPUS_VERSION;
    for (int64_t i = 0; good && i < N; i++) {
        static const ein_sketch none;
        made m;
        ein_corpus_entry e;
        made_entry(i, &m, &e);
        const ein_sketch *want = e.sketch ? e.sketch : &none;
        good = key[i] == e.signal_key && sketch[i].n == want->n &&
               memcmp(sketch[i].feature, want->feature, sizeof want->feature) == 0;
    }
    good = good && ein_corpus_texts(c, "same_as", &text, &stride) == EIN_OK &&
           strcmp(text + 9 * stride, "rec-00003") == 0 && strcmp(text + 3 * stride, "") == 0;
    free(text);
    return good;
}

static bool statistics_equal(ein_corpus *c) {
    double sum = 0, squares = 0, mean, sd;
    int64_t valid = 0, found;
    for (int64_t i = 0; i < N; i++)
        for (int64_t k = 0; k < VALUES; k++) {
            if (made_count(i, k) == EIN_CORPUS_MISSING) continue;
            double mv = made_count(i, k) * (double)made_scale(i);
            sum += mv;
            squares += mv * mv;
            valid++;
        }
    double want_mean = sum / (double)valid, want_sd = sqrt(squares / (double)valid - want_mean * want_mean);
    ein_corpus_statistics(c, &mean, &sd, &found);
    const ein_contract *contract = ein_corpus_contract(c);
    return found == valid && fabs(mean - want_mean) <= 1e-12 && fabs(sd - want_sd) <= 1e-12 &&
           contract->mean_mv == mean && contract->sd_mv == sd;
}

static void round_trip(int compress) {
    char name[64];
    const char *path = path_of(compress ? "packed.h5" : "plain.h5");
    ein_corpus *c = NULL;
    snprintf(name, sizeof name, "compress %d: written in parts", compress);
    check_all(write_made(path, compress) == EIN_OK, name);
    here_good = ein_corpus_open(world, path, &c) == EIN_OK;
    snprintf(name, sizeof name, "compress %d: opens", compress);
    check_all(here_good, name);
    if (!here_good) return;
    /* Different ranges on different ranks, parts of blocks before whole ones. */
    bool good = range_equal(c, 9 + rank, 3) && range_equal(c, 0, N) && range_equal(c, N - 1, 1) &&
                range_equal(c, BLOCK, BLOCK) && range_equal(c, 5, 40) && range_equal(c, N, 0);
    snprintf(name, sizeof name, "compress %d: all ranges read back equal", compress);
    check_all(good, name);
    snprintf(name, sizeof name, "compress %d: columns read back equal", compress);
    check_all(columns_equal(c), name);
    snprintf(name, sizeof name, "compress %d: so does what records are known by", compress);
    check_all(identities_equal(c), name);
    snprintf(name, sizeof name, "compress %d: mean and SD as computed sample by sample", compress);
    check_all(statistics_equal(c), name);
    int64_t damaged = -1;
    snprintf(name, sizeof name, "compress %d: every block matches its checksum", compress);
    check_all(ein_corpus_verify(c, 0, ein_corpus_blocks(c), &damaged) == EIN_OK && damaged == 0, name);
    int16_t counts[VALUES];
    float scale[1], label[N];
    check_all(ein_corpus_read(c, N, 1, counts, scale) == EIN_RANGE &&
                  ein_corpus_read(c, -1, 1, counts, scale) == EIN_RANGE &&
                  ein_corpus_read(c, INT64_MAX, 1, counts, scale) == EIN_RANGE,
              "records that do not exist are refused");
    check_all(ein_corpus_label(c, "AFF", label) == EIN_NOTFOUND && strstr(ein_error_message(), "'AF'"),
              "an unknown label names the nearest");
    ein_corpus_close(c);
}

/* --- bad files ------------------------------------------------------------------------------------- */

static void copy_file(const char *from, const char *to, int64_t keep, int64_t flip_at) {
    MPI_Barrier(ein_comm_mpi(world)); /* nobody reads the one before any more */
    if (rank == 0) {
        char *bytes = NULL;
        size_t n = 0;
        EIN_BUG_IF(ein_file_read(from, 1 << 26, &bytes, &n) != EIN_OK);
        if (keep >= 0 && (size_t)keep < n) n = (size_t)keep;
        if (flip_at >= 0) bytes[flip_at] ^= (char)(1 << (flip_at % 8));
        FILE *f = fopen(to, "wb");
        EIN_BUG_IF(!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0);
        free(bytes);
    }
    MPI_Barrier(ein_comm_mpi(world));
}

static int64_t file_bytes(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 ? (int64_t)about.st_size : -1;
}

/* All that is not loaded when the file is opened. */
static ein_status read_columns(ein_corpus *c) {
    static const char *const names[] = {
        "patient",         "cohort",         "site",          "acquired",
        "source_file",     "source_sha256",  "rejected/path", "rejected/record_id",
        "rejected/reason", "text/statements"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char *text = NULL;
        int64_t stride = 0;
        EIN_TRY(ein_corpus_texts(c, names[i], &text, &stride));
        free(text);
    }
    float label[N];
    uint32_t lead_quality[N * L];
    for (int k = 0; k < ein_corpus_label_count(c); k++)
        EIN_TRY(ein_corpus_label(c, ein_corpus_label_name(c, k), label));
    return ein_corpus_lead_quality(c, lead_quality);
}

/* What a user meets: open, read everything. */
static ein_status use(const char *path, bool *equal) {
    ein_corpus *c = NULL;
    *equal = false;
    EIN_TRY(ein_corpus_open(world, path, &c));
    ein_status status = EIN_OK;
    int64_t n = ein_corpus_records(c),
            values = ein_corpus_contract(c)->n_leads * ein_corpus_contract(c)->n_samples;
    int16_t *counts = malloc((size_t)(n * values) * 2);
    float *scale = malloc((size_t)n * sizeof *scale);
    status = ein_corpus_read(c, 0, n, counts, scale);
    if (status == EIN_OK && n == N) status = read_columns(c);
    if (status == EIN_OK) *equal = n == N && range_equal(c, 0, N) && columns_equal(c) && statistics_equal(c);
    free(counts);
    free(scale);
    ein_corpus_close(c);
    return status;
}

static void truncated(const char *whole) {
    char cut[512];
    snprintf(cut, sizeof cut, "%s", path_of("cut.h5"));
    int64_t bytes = file_bytes(whole);
    int found = 0;
    enum { CUTS = 30 };
    for (int i = 0; i < CUTS; i++) {
        int64_t keep = i == 0 ? 0 : i == 1 ? bytes - 1 : (int64_t)(draw(900, i) % (uint64_t)bytes);
        bool equal;
        copy_file(whole, cut, keep, -1);
        if (use(cut, &equal) != EIN_OK && strstr(ein_error_message(), "cut.h5")) found++;
    }
    if (found != CUTS) fprintf(stderr, "# %d of %d cuts found\n", found, CUTS);
    check_all(found == CUTS, "a corpus cut at any of 30 lengths is refused, by name");
}

/* Where a record of /signal begins in the file, from HDF5 itself. */
static int64_t signal_offset(const char *path, int64_t block) {
    hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT), d = H5Dopen2(file, "signal", H5P_DEFAULT);
    hsize_t at[3] = {(hsize_t)(block * BLOCK), 0, 0}, bytes = 0;
    unsigned mask = 0;
    haddr_t address = HADDR_UNDEF;
    herr_t code = H5Dget_chunk_info_by_coord(d, at, &mask, &address, &bytes);
    H5Dclose(d);
    H5Fclose(file);
    return code < 0 ? -1 : (int64_t)address;
}

static void flipped_signal(const char *whole) {
    char bad[512];
    snprintf(bad, sizeof bad, "%s", path_of("flip.h5"));
    int found = 0, others = 0;
    enum { FLIPS = 40 };
    for (int i = 0; i < FLIPS; i++) {
        int64_t block = draw(901, i) % (N / BLOCK), byte = draw(902, i) % (BLOCK * VALUES * 2);
        copy_file(whole, bad, -1, signal_offset(whole, block) + byte);
        ein_corpus *c = NULL;
        int16_t counts[BLOCK * VALUES];
        float scale[BLOCK];
        char records[64];
        int64_t damaged = 0;
        snprintf(records, sizeof records, "records %lld to %lld", (long long)(block * BLOCK),
                 (long long)(block * BLOCK + BLOCK - 1));
        if (ein_corpus_open(world, bad, &c) != EIN_OK) continue;
        /* One record of the block is enough to notice. */
        if (ein_corpus_read(c, block * BLOCK + i % BLOCK, 1, counts, scale) == EIN_CORRUPT &&
            strstr(ein_error_message(), records) && strstr(ein_error_message(), "flip.h5"))
            found++;
        if (range_equal(c, (block + 1) % (N / BLOCK) * BLOCK, BLOCK) &&
            ein_corpus_verify(c, 0, ein_corpus_blocks(c), &damaged) == EIN_CORRUPT && damaged == 1)
            others++;
        ein_corpus_close(c);
    }
    check_all(found == FLIPS,
              "a flipped bit in /signal is found when its block is read, and the records named");
    check_all(others == FLIPS, "the other blocks stay readable, and verify counts one damaged block");
}

/* A flipped bit anywhere: an error, or nothing that is read changed. */
static void flipped_anywhere(const char *whole, const char *name) {
    char bad[512];
    snprintf(bad, sizeof bad, "%s", path_of("flip2.h5"));
    int64_t bytes = file_bytes(whole);
    int silent = 0, noticed = 0;
    for (int i = 0; i < 300; i++) {
        bool equal;
        copy_file(whole, bad, -1, draw(903, i) % bytes);
        if (use(bad, &equal) != EIN_OK)
            noticed++;
        else if (!equal) {
            silent++;
            if (rank == 0) fprintf(stderr, "# not noticed: byte %lld\n", (long long)(draw(903, i) % bytes));
        }
    }
    if (silent || !noticed) fprintf(stderr, "# %d noticed, %d silent\n", noticed, silent);
    check_all(silent == 0 && noticed > 0, name);
}

typedef void (*edit)(hid_t file);

static void remove_complete(hid_t f) {
    H5Adelete(f, "complete");
}
static void remove_format(hid_t f) {
    H5Adelete(f, "format");
}
static void remove_labels(hid_t f) {
    H5Ldelete(f, "labels", H5P_DEFAULT);
}
static void remove_scale(hid_t f) {
    H5Ldelete(f, "scale", H5P_DEFAULT);
}
static void set_i64(hid_t f, const char *name, int64_t value) {
    hid_t a = H5Aopen(f, name, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_INT64, &value);
    H5Aclose(a);
}
static void newer_version(hid_t f) {
    set_i64(f, "version", 3);
}
static void many_records(hid_t f) {
    set_i64(f, "records", INT64_C(1) << 60);
}
static void more_records(hid_t f) {
    set_i64(f, "records", N + 1);
}
static void no_records(hid_t f) {
    set_i64(f, "records", 0);
}
static void other_block(hid_t f) {
    set_i64(f, "block_records", BLOCK * 2);
}
static void zero_block(hid_t f) {
    set_i64(f, "block_records", 0);
}
static void many_rejected(hid_t f) {
    set_i64(f, "rejected", -5);
}
static void sparse_signal(hid_t f) {
    H5Ldelete(f, "signal", H5P_DEFAULT);
    hid_t space = H5Screate_simple(3, (hsize_t[]){N, L, S}, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 3, (hsize_t[]){BLOCK, L, S});
    H5Dclose(H5Dcreate2(f, "signal", H5T_STD_I16LE, space, H5P_DEFAULT, list, H5P_DEFAULT));
    H5Pclose(list);
    H5Sclose(space);
}
static void other_contract(hid_t f) {
    hid_t a = H5Aopen(f, "contract", H5P_DEFAULT), t = H5Aget_type(a);
    char text[EIN_CONTRACT_TEXT_BYTES] = "";
    H5Aread(a, t, text);
    char *at = strstr(text, "fs_hz = 1");
    if (at) at[8] = '2';
    H5Awrite(a, t, text);
    H5Tclose(t);
    H5Aclose(a);
}
static void replace(hid_t f, const char *name, hid_t type, int n, const hsize_t *dims) {
    H5Ldelete(f, name, H5P_DEFAULT);
    hid_t space = H5Screate_simple(n, dims, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    if (dims[0] <= 2 * N) H5Pset_alloc_time(list, H5D_ALLOC_TIME_EARLY);
    H5Dclose(H5Dcreate2(f, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT));
    H5Pclose(list);
    H5Sclose(space);
}
/* A dataset of any extent of which no value is stored. */
static void sparse(hid_t f, const char *name, hid_t type, hsize_t extent) {
    H5Ldelete(f, name, H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, &extent, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 1, &extent);
    H5Pset_deflate(list, 9);
    H5Dclose(H5Dcreate2(f, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT));
    H5Pclose(list);
    H5Sclose(space);
}
static void sparse_scale(hid_t f) {
    sparse(f, "scale", H5T_IEEE_F32LE, N);
}
static void unstored_sex(hid_t f) {
    H5Ldelete(f, "sex", H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, (hsize_t[]){N}, NULL);
    H5Dclose(H5Dcreate2(f, "sex", H5T_STD_I8LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT));
    H5Sclose(space);
}
static void sparse_ids(hid_t f) {
    hid_t t = H5Tcopy(H5T_C_S1);
    H5Tset_size(t, EIN_H5_MAX_TEXT);
    sparse(f, "record_id", t, N);
    H5Tclose(t);
}
static void float_signal(hid_t f) {
    replace(f, "signal", H5T_NATIVE_FLOAT, 3, (hsize_t[]){N, L, S});
}
static void contiguous_signal(hid_t f) {
    replace(f, "signal", H5T_STD_I16LE, 3, (hsize_t[]){N, L, S});
}
static void short_scale(hid_t f) {
    replace(f, "scale", H5T_IEEE_F32LE, 1, (hsize_t[]){N - 1});
}
static void long_age(hid_t f) {
    replace(f, "age", H5T_IEEE_F32LE, 1, (hsize_t[]){(hsize_t)1 << 50});
}
static void flat_quality(hid_t f) {
    replace(f, "quality", H5T_STD_U32LE, 2, (hsize_t[]){N, 1});
}
static void unsummed_sex(hid_t f) {
    replace(f, "sex", H5T_STD_I8LE, 1, (hsize_t[]){N});
}
static void variable_ids(hid_t f) {
    hid_t t = H5Tcopy(H5T_C_S1);
    H5Tset_size(t, H5T_VARIABLE);
    replace(f, "record_id", t, 1, (hsize_t[]){N});
    H5Tclose(t);
}
static void other_mean(hid_t f) {
    hid_t attribute = H5Aopen(f, "mean_mv", H5P_DEFAULT);
    H5Awrite(attribute, H5T_NATIVE_DOUBLE, &(double){0.5});
    H5Aclose(attribute);
}
static void renamed_label(hid_t f) {
    H5Lmove(f, "labels/AF", f, "labels/AFL", H5P_DEFAULT, H5P_DEFAULT);
}
static void other_age(hid_t f) {
    float ages[N] = {0};
    hid_t dataset = H5Dopen2(f, "age", H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, ages);
    H5Dclose(dataset);
}
static void other_label(hid_t f) {
    float values[N] = {0};
    hid_t dataset = H5Dopen2(f, "labels/AF", H5P_DEFAULT);
    H5Dwrite(dataset, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(dataset);
}
static void linked_age(hid_t f) {
    H5Ldelete(f, "age", H5P_DEFAULT);
    H5Lcreate_external("plain.h5", "/age", f, "age", H5P_DEFAULT, H5P_DEFAULT);
}
static void soft_scale(hid_t f) {
    H5Ldelete(f, "scale", H5P_DEFAULT);
    H5Lcreate_soft("/age", f, "scale", H5P_DEFAULT, H5P_DEFAULT);
}
static void external_age(hid_t f) {
    H5Ldelete(f, "age", H5P_DEFAULT);
    hid_t space = H5Screate_simple(1, (hsize_t[]){N}, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(list, "/etc/passwd", 0, N * 4);
    H5Dclose(H5Dcreate2(f, "age", H5T_IEEE_F32LE, space, H5P_DEFAULT, list, H5P_DEFAULT));
    H5Pclose(list);
    H5Sclose(space);
}

static void edited(const char *plain) {
    static const struct {
        edit change;
        ein_status status;
        const char *says;
    } cases[] = {{remove_complete, EIN_CORRUPT, "incomplete"},
                 {remove_format, EIN_CORRUPT, "incomplete"},
                 {remove_labels, EIN_FORMAT, "/labels is missing"},
                 {remove_scale, EIN_FORMAT, "/scale is missing"},
                 {newer_version, EIN_MISMATCH, "version 3"},
                 {many_records, EIN_FORMAT, "not possible"},
                 {more_records, EIN_FORMAT, "/signal has extent 75"},
                 {no_records, EIN_FORMAT, "not possible"},
                 {other_block, EIN_FORMAT, "blocks of 16"},
                 {zero_block, EIN_FORMAT, "block_records is 0"},
                 {many_rejected, EIN_FORMAT, "not possible"},
                 {sparse_signal, EIN_CORRUPT, "holds 0 of 10 blocks"},
                 {sparse_scale, EIN_CORRUPT, "/scale holds 0 of 1 blocks"},
                 {sparse_ids, EIN_CORRUPT, "/record_id holds 0 of 1 blocks"},
                 {unstored_sex, EIN_CORRUPT, "/sex states 75 bytes, and only 0 are stored"},
                 {other_contract, EIN_CORRUPT, "contract does not match"},
                 {float_signal, EIN_FORMAT, "/signal is not of the type"},
                 {contiguous_signal, EIN_FORMAT, "/signal is not chunked"},
                 {short_scale, EIN_FORMAT, "/scale has extent 74"},
                 {long_age, EIN_FORMAT, "/age has extent"},
                 {flat_quality, EIN_FORMAT, "/quality has 2 dimensions"},
                 {unsummed_sex, EIN_FORMAT, "'blake2b' is missing"},
                 {variable_ids, EIN_FORMAT, "/record_id is not of the type"},
                 {other_mean, EIN_CORRUPT, "attributes or the names of columns"},
                 {renamed_label, EIN_CORRUPT, "attributes or the names of columns"},
                 {other_age, EIN_CORRUPT, "/age does not match its checksum"},
                 {other_label, EIN_CORRUPT, "/labels/AF does not match its checksum"},
                 {linked_age, EIN_FORMAT, "/age is missing"},
                 {soft_scale, EIN_FORMAT, "/scale is missing"},
                 {external_age, EIN_FORMAT, "/age is stored in a way"}};
    char bad[512];
    snprintf(bad, sizeof bad, "%s", path_of("edited.h5"));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        copy_file(plain, bad, -1, -1);
        if (rank == 0) {
            hid_t list = H5Pcreate(H5P_FILE_ACCESS);
            H5Pset_libver_bounds(list, H5F_LIBVER_V110, H5F_LIBVER_V110);
            hid_t f = H5Fopen(bad, H5F_ACC_RDWR, list);
            cases[i].change(f);
            H5Fclose(f);
            H5Pclose(list);
        }
        MPI_Barrier(ein_comm_mpi(world));
        bool equal;
        char name[128];
        ein_status status = use(bad, &equal);
        snprintf(name, sizeof name, "an edited file is refused: %s", cases[i].says);
        check_all(status == cases[i].status && strstr(ein_error_message(), cases[i].says) &&
                      strstr(ein_error_message(), "edited.h5"),
                  name);
    }
}

/* Make version 1 of a corpus (collective): without what it had not, and with its own checksum of the attributes. */
static void to_first_version(const char *path) {
    ein_corpus *c = NULL;
    ein_texts labels = {0}, texts = {0};
    char hash[EIN_HASH_TEXT_BYTES];
    double mean, sd;
    int64_t valid;
    EIN_BUG_IF(ein_corpus_open(world, path, &c) != EIN_OK);
    for (int i = 0; i < ein_corpus_label_count(c); i++)
        EIN_BUG_IF(ein_texts_add(&labels, ein_corpus_label_name(c, i)) != EIN_OK);
    for (int i = 0; i < ein_corpus_text_count(c); i++)
        EIN_BUG_IF(ein_texts_add(&texts, ein_corpus_text_name(c, i)) != EIN_OK);
    ein_corpus_statistics(c, &mean, &sd, &valid);
    const ein_corpus_head head = {1,
                                  ein_corpus_program(c),
                                  ein_corpus_config(c),
                                  ein_corpus_contract_text(c),
                                  ein_corpus_contract_hash(c),
                                  ein_corpus_records(c),
                                  ein_corpus_block_records(c),
                                  ein_corpus_rejected(c),
                                  valid,
                                  mean,
                                  sd,
                                  ein_corpus_patient_ids(c),
                                  &labels,
                                  &texts};
    EIN_BUG_IF(ein_corpus_head_hash(&head, hash) != EIN_OK);
    ein_corpus_close(c);
    ein_texts_free(&labels);
    ein_texts_free(&texts);
    MPI_Barrier(ein_comm_mpi(world));
    if (rank != 0) return;
    hid_t list = H5Pcreate(H5P_FILE_ACCESS);
    H5Pset_libver_bounds(list, H5F_LIBVER_V110, H5F_LIBVER_V110);
    hid_t f = H5Fopen(path, H5F_ACC_RDWR, list);
    static const char *const gone[] = {"signal_key", "sketch", "sketch_anchors", "same_as"};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++) H5Ldelete(f, gone[i], H5P_DEFAULT);
    set_i64(f, "version", 1);
    hid_t a = H5Aopen(f, "head_hash", H5P_DEFAULT), type = H5Aget_type(a);
    H5Awrite(a, type, hash);
    H5Tclose(type);
    H5Aclose(a);
    H5Fclose(f);
    H5Pclose(list);
}

static void first_version(const char *plain) {
    char old[512];
    ein_corpus *c = NULL;
    uint64_t key[N];
    static ein_sketch sketch[N];
    snprintf(old, sizeof old, "%s", path_of("old.h5"));
    copy_file(plain, old, -1, -1);
    to_first_version(old);
    MPI_Barrier(ein_comm_mpi(world));
    here_good = ein_corpus_open(world, old, &c) == EIN_OK;
    check_all(here_good, "a corpus of version 1 opens");
    if (!here_good) return;
    check_all(ein_corpus_version(c) == 1 && range_equal(c, 0, N) && columns_equal(c), "and is read as ever");
    memset(key, 1, sizeof key);
    bool good = ein_corpus_identities(c, key, sketch) == EIN_OK;
    for (int i = 0; good && i < N; i++) good = key[i] == 0 && sketch[i].n == 0;
    check_all(good, "without what it does not know of its records");
    ein_corpus_close(c);
}

static void foreign(void) {
    bool equal;
    const char *path = path_of("foreign.h5");
    check_all(use(path, &equal) == EIN_NOTFOUND, "a file that is not there");
    check_all(use(folder, &equal) == EIN_FORMAT, "a folder");
    if (rank == 0) EIN_BUG_IF(ein_durable_write(path, "hello", 5) != EIN_OK);
    MPI_Barrier(ein_comm_mpi(world));
    check_all(use(path, &equal) == EIN_CORRUPT && strstr(ein_error_message(), "not a readable HDF5 file"),
              "a text file");
    if (rank == 0) H5Fclose(H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT));
    MPI_Barrier(ein_comm_mpi(world));
    check_all(use(path, &equal) == EIN_FORMAT && strstr(ein_error_message(), "not a corpus"),
              "an HDF5 file that is no corpus");
}

/* --- writing that fails ---------------------------------------------------------------------------- */

static bool nothing_left(const char *path) {
    char partial[600];
    snprintf(partial, sizeof partial, "%s.partial", path);
    return access(path, F_OK) != 0 && access(partial, F_OK) != 0;
}

static void failures(void) {
    char path[512];
    snprintf(path, sizeof path, "%s", path_of("none.h5"));
    ein_corpus_writer *w = NULL;
    ein_corpus_options o = made_options(path, 0);
    bool good = ein_corpus_create(world, &o, &w) == EIN_OK && append_made(w, 0, 20, 0) == EIN_OK;
    if (good) ein_corpus_abandon(w);
    check_all(good && nothing_left(path), "an abandoned corpus leaves no file");

    good = ein_corpus_create(world, &o, &w) == EIN_OK && ein_corpus_finish(w) == EIN_RANGE;
    check_all(good && nothing_left(path), "a corpus of no records is refused and leaves no file");

    int16_t flat[VALUES] = {0};
    float scale[1] = {0.001f};
    made m;
    ein_corpus_entry e;
    made_entry(0, &m, &e);
    good = ein_corpus_create(world, &o, &w) == EIN_OK &&
           ein_corpus_append(w, rank == 0, flat, scale, &e) == EIN_OK &&
           ein_corpus_finish(w) == EIN_NUMERIC && strstr(ein_error_message(), "contract.sd_mv");
    check_all(good && nothing_left(path), "records without spread ask for contract.sd_mv");

    made_contract(&o.contract, false);
    ein_corpus *c = NULL;
    good = ein_corpus_create(world, &o, &w) == EIN_OK &&
           ein_corpus_append(w, rank == 0, flat, scale, &e) == EIN_OK && ein_corpus_finish(w) == EIN_OK &&
           ein_corpus_open(world, path, &c) == EIN_OK && ein_corpus_contract(c)->sd_mv == 0.25;
    if (c) ein_corpus_close(c);
    check_all(good, "and constants that are set are kept");

    o.path = path_of("no/such/folder.h5");
    check_all(ein_corpus_create(world, &o, &w) == EIN_IO && w == NULL, "a folder that is not there");
    o.path = path;
    const char *const twice[2] = {"a", "a"}, *const slash[1] = {"a/b"};
    o.label_name = twice;
    check_all(ein_corpus_create(world, &o, &w) == EIN_USAGE && w == NULL, "a label named twice is refused");
    o.label_name = slash;
    o.n_labels = 1;
    check_all(ein_corpus_create(world, &o, &w) == EIN_USAGE && w == NULL, "a label with '/' is refused");
}

/* A leftover that is a link must not lead the writer to another file. */
static void leftover_link(void) {
    char path[512], partial[600], victim[512];
    snprintf(path, sizeof path, "%s", path_of("link.h5"));
    snprintf(partial, sizeof partial, "%s.partial", path);
    snprintf(victim, sizeof victim, "%s", path_of("victim"));
    if (rank == 0)
        EIN_BUG_IF(ein_durable_write(victim, "keep me", 7) != EIN_OK || symlink(victim, partial) != 0);
    MPI_Barrier(ein_comm_mpi(world));
    bool good = write_made(path, 0) == EIN_OK;
    check_all(good && file_bytes(victim) == 7, "a leftover that is a link is removed, not followed");
}

/* --- small parts ----------------------------------------------------------------------------------- */

static void hashes(void) {
    char text[EIN_HASH_TEXT_BYTES], again[EIN_HASH_TEXT_BYTES];
    uint8_t digest[EIN_HASH_BYTES];
    ein_hash_text("abc", 3, text);
    report(strcmp(text, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319") == 0,
           "BLAKE2b-256 of abc, published value");
    const ein_bytes parts[3] = {{"a", 1}, {"", 0}, {"bc", 2}};
    ein_hash_parts(parts, 3, digest);
    ein_hex(digest, sizeof digest, again);
    report(strcmp(text, again) == 0, "and in parts");
    ein_contract a, b;
    made_contract(&a, false);
    b = a;
    b.sd_mv = 0.26;
    char canonical[EIN_CONTRACT_TEXT_BYTES];
    bool good = ein_contract_text(&a, canonical) == EIN_OK;
    ein_hash_string(canonical, text);
    good = good && ein_contract_text(&b, canonical) == EIN_OK;
    ein_hash_string(canonical, again);
    report(good && strcmp(text, again) != 0, "contracts that differ have different hashes");
}

static void quantising(void) {
    float mv[6] = {0.005f, -1.235f, NAN, 3.0f, 0, 32.765f}, scale;
    int16_t counts[6];
    bool good = ein_quantise(mv, 6, 200, counts, &scale) == EIN_OK && scale == 0.005f && counts[0] == 1 &&
                counts[1] == -247 && counts[2] == EIN_COUNT_MISSING && counts[3] == 600 && counts[5] == 6553;
    report(good, "a source's own counts come back with scale 1/gain");
    mv[0] = 0.0051f;
    good = ein_quantise(mv, 6, 200, counts, &scale) == EIN_OK && scale == 0.001f && counts[0] == 5 &&
           counts[1] == -1235 && counts[5] == 32765;
    report(good, "a value between counts falls back to 1 uV");
    mv[1] = -40;
    good = ein_quantise(mv, 6, 1000, counts, &scale) == EIN_OK && scale > 0.001f && counts[1] == -32767;
    for (int i = 0; i < 6; i++)
        good = good && (i == 2 || fabsf((float)counts[i] * scale - mv[i]) <= 0.5f * scale + 4e-6f);
    report(good, "beyond 32.767 mV the scale grows and the error stays within half a count");
    float all[3] = {NAN, NAN, NAN};
    report(ein_quantise(all, 3, 0, counts, &scale) == EIN_OK && scale == 0.001f &&
               counts[1] == EIN_COUNT_MISSING,
           "no valid sample at all");
    mv[4] = -INFINITY;
    report(ein_quantise(mv, 6, 0, counts, &scale) == EIN_NUMERIC, "an infinite sample is refused");
    float huge[2] = {3.4e38f, -1};
    report(ein_quantise(huge, 2, 0, counts, &scale) == EIN_OK && isfinite(scale) && counts[0] == 32767,
           "the largest float still has a scale");
    const int16_t some[4] = {-3, 5, EIN_COUNT_MISSING, 32767};
    ein_count_sums sums = ein_count_sum(some, 4);
    report(sums.valid == 3 && sums.sum == 32769 && sums.sum_squares == 9 + 25 + INT64_C(32767) * 32767,
           "sums pass over what is missing");
    report(ein_corpus_block_records_for(8, 5000) == 16 && ein_corpus_block_records_for(8, 1000) == 128 &&
               ein_corpus_block_records_for(12, 400000) == 1 && ein_corpus_block_records_for(1, 1) == 4096,
           "blocks of at most 2 MiB, at least one record, at most 4096");
}

static void suite(void) {
    if (rank == 0) {
        snprintf(folder, sizeof folder, "%s/ein-corpus-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        EIN_BUG_IF(!mkdtemp(folder));
    }
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, ein_comm_mpi(world));
    char plain[512], packed[512];
    snprintf(plain, sizeof plain, "%s/plain.h5", folder);
    snprintf(packed, sizeof packed, "%s/packed.h5", folder);
    hashes();
    quantising();
    round_trip(0);
    round_trip(6);
    failures();
    leftover_link();
    foreign();
    edited(plain);
    first_version(plain);
    truncated(plain);
    truncated(packed);
    flipped_signal(plain);
    flipped_anywhere(plain, "a flipped bit anywhere is noticed, or changes nothing that is read");
    flipped_anywhere(packed, "the same in a compressed corpus");
    if (rank == 0) {
        char command[512];
        snprintf(command, sizeof command, "rm -rf '%s'", folder);
        EIN_BUG_IF(system(command) != 0);
    }
}

int main(int argc, char **argv) {
    if (ein_comm_start(&argc, &argv, &world) != EIN_OK) return 1;
    rank = ein_comm_rank(world);
    size = ein_comm_size(world);
    int code = 0;
    if (argc == 4 && strcmp(argv[1], "write") == 0) {
        ein_status status = write_made(argv[2], atoi(argv[3]));
        if (status != EIN_OK) fprintf(stderr, "%s\n", ein_error_message());
        code = status != EIN_OK;
    } else {
        report_quiet = rank != 0;
        suite();
        if (rank == 0) code = report_end();
    }
    ein_comm_finish(world);
    return code;
}
