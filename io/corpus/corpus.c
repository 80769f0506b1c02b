/* Reading a corpus. Writing is in writer.c. */
#include "io/corpus/corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/nearest.h"
#include "io/corpus/head.h"
#include "io/hdf5/h5.h"

enum { MAX_TEXT_ATTRIBUTE = 1 << 20, CACHED_CHUNKS = 4 };

/* The scalars of a corpus, sent to all ranks as they are. */
typedef struct {
    int64_t version, n, leads, samples, block, rejected, valid;
    double mean, sd;
    int64_t id_stride;
} head;

struct ein_corpus {
    head h;
    char *path;
    hid_t file, signal;
    ein_contract contract;
    char *contract_text, *contract_hash, *program, *config, *patient_ids;
    char *ids; /* (n, id_stride) */
    uint64_t *patient_key;
    float *scale, *age;
    int8_t *sex;
    uint32_t *quality;
    uint8_t *checksum; /* (blocks, EIN_HASH_BYTES) */
    ein_texts labels, texts;
    uint8_t *verified; /* (blocks) */
    int16_t *scratch;  /* one block */
};

int64_t ein_corpus_block_records_for(int64_t n_leads, int64_t n_samples) {
    int64_t record_bytes = n_leads * n_samples * (int64_t)sizeof(int16_t), block = 1;
    while (block < EIN_CORPUS_MAX_BLOCK_RECORDS && 2 * block * record_bytes <= EIN_CORPUS_BLOCK_BYTES)
        block *= 2;
    return block;
}

void ein_corpus_block_hash(const int16_t *counts, const float *scale, int64_t records, int64_t values,
                           uint8_t out[EIN_HASH_BYTES]) {
    const ein_bytes parts[2] = {{counts, (size_t)(records * values) * sizeof *counts},
                                {scale, (size_t)records * sizeof *scale}};
    ein_hash_parts(parts, 2, out);
}

static int64_t values_per_record(const ein_corpus *c) {
    return c->h.leads * c->h.samples;
}

int64_t ein_corpus_blocks(const ein_corpus *c) {
    return (c->h.n + c->h.block - 1) / c->h.block;
}

/* --- opening --------------------------------------------------------------------------------------- */

static ein_status check_identity(ein_corpus *c) {
    char *format = NULL;
    ein_status status = ein_h5_get_text(c->file, "format", MAX_TEXT_ATTRIBUTE, &format);
    bool ours = status == EIN_OK && strcmp(format, EIN_CORPUS_FORMAT) == 0;
    /* The attributes are written at the end: a file without them but with a signal was interrupted. */
    bool begun = status != EIN_OK && H5Lexists(c->file, "signal", H5P_DEFAULT) > 0;
    if (status == EIN_OK && !ours) ein_error(EIN_FORMAT, "its format is '%.60s'", format);
    free(format);
    if (begun)
        return ein_error(EIN_CORRUPT, "incomplete: the ingest that wrote it was interrupted; run it again");
    if (!ours) return ein_error_context(EIN_FORMAT, "not a corpus");
    int64_t version = 0, complete = 0;
    EIN_TRY(ein_h5_get_i64(c->file, "version", &version));
    if (version < EIN_CORPUS_OLDEST_VERSION || version > EIN_CORPUS_VERSION)
        return ein_error(EIN_MISMATCH, "corpus format version %lld; this program reads versions %d to %d",
                         (long long)version, EIN_CORPUS_OLDEST_VERSION, EIN_CORPUS_VERSION);
    c->h.version = version;
    if (ein_h5_get_i64(c->file, "complete", &complete) != EIN_OK || complete != 1)
        return ein_error(EIN_CORRUPT, "incomplete: the ingest that wrote it was interrupted; run it again");
    return EIN_OK;
}

static ein_status read_attributes(ein_corpus *c) {
    head *h = &c->h;
    EIN_TRY(ein_h5_get_i64(c->file, "records", &h->n));
    EIN_TRY(ein_h5_get_i64(c->file, "block_records", &h->block));
    EIN_TRY(ein_h5_get_i64(c->file, "rejected", &h->rejected));
    EIN_TRY(ein_h5_get_i64(c->file, "valid_samples", &h->valid));
    EIN_TRY(ein_h5_get_f64(c->file, "mean_mv", &h->mean));
    EIN_TRY(ein_h5_get_f64(c->file, "sd_mv", &h->sd));
    EIN_TRY(ein_h5_get_text(c->file, "program", MAX_TEXT_ATTRIBUTE, &c->program));
    EIN_TRY(ein_h5_get_text(c->file, "config", MAX_TEXT_ATTRIBUTE, &c->config));
    EIN_TRY(ein_h5_get_text(c->file, "patient_ids", MAX_TEXT_ATTRIBUTE, &c->patient_ids));
    EIN_TRY(ein_h5_get_text(c->file, "contract", EIN_CONTRACT_TEXT_BYTES - 1, &c->contract_text));
    EIN_TRY(ein_h5_get_text(c->file, "contract_hash", EIN_HASH_TEXT_BYTES - 1, &c->contract_hash));
    if (h->n < 1 || h->n > EIN_CORPUS_MAX_RECORDS || h->rejected < 0 || h->rejected > EIN_CORPUS_MAX_RECORDS)
        return ein_error(EIN_FORMAT, "%lld records and %lld rejected ones are not possible", (long long)h->n,
                         (long long)h->rejected);
    if (h->block < 1 || h->block > EIN_CORPUS_MAX_BLOCK_RECORDS)
        return ein_error(EIN_FORMAT, "block_records is %lld; 1 to %d are possible", (long long)h->block,
                         EIN_CORPUS_MAX_BLOCK_RECORDS);
    char hash[EIN_HASH_TEXT_BYTES];
    ein_hash_string(c->contract_text, hash);
    if (strcmp(hash, c->contract_hash) != 0)
        return ein_error(EIN_CORRUPT, "the contract does not match its hash: the file was damaged or edited");
    return EIN_OK;
}

/* Open /signal of (n, leads, samples) and check that its chunks are the blocks, all of them there: after this
 * check n is bounded by the size of the file. */
static ein_status open_signal(ein_corpus *c) {
    const int64_t want[3] = {c->h.n, c->h.leads, c->h.samples};
    EIN_TRY(ein_h5_open_dataset(c->file, "signal", H5T_STD_I16LE, 3, want, NULL, &c->signal));
    hsize_t chunk[3] = {0}, chunks = 0;
    hid_t list = H5Dget_create_plist(c->signal), space = H5Dget_space(c->signal);
    bool blocks = list >= 0 && H5Pget_layout(list) == H5D_CHUNKED && H5Pget_chunk(list, 3, chunk) == 3 &&
                  chunk[0] == (hsize_t)c->h.block && chunk[1] == (hsize_t)c->h.leads &&
                  chunk[2] == (hsize_t)c->h.samples;
    bool filtered = list >= 0 && H5Pget_nfilters(list) > 0;
    bool all = blocks && space >= 0 && H5Dget_num_chunks(c->signal, space, &chunks) >= 0 &&
               chunks == (hsize_t)ein_corpus_blocks(c);
    if (list >= 0) H5Pclose(list);
    if (space >= 0) H5Sclose(space);
    if (!blocks)
        return ein_h5_error(EIN_FORMAT, "/signal is not chunked in blocks of %lld records",
                            (long long)c->h.block);
    if (!all)
        return ein_h5_error(EIN_CORRUPT, "/signal holds %llu of %lld blocks", (unsigned long long)chunks,
                            (long long)ein_corpus_blocks(c));
    /* A cache helps only where a chunk must be decompressed as a whole to give a part. */
    size_t cache = filtered ? (size_t)(CACHED_CHUNKS * c->h.block * values_per_record(c) * 2) : 0;
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    H5Dclose(c->signal);
    c->signal = -1;
    if (access >= 0 && H5Pset_chunk_cache(access, 521, cache, 1.0) >= 0)
        c->signal = H5Dopen2(c->file, "signal", access);
    if (access >= 0) H5Pclose(access);
    return c->signal < 0 ? ein_h5_error(EIN_CORRUPT, "/signal cannot be opened") : EIN_OK;
}

static ein_status check_scale(const ein_corpus *c) {
    for (int64_t i = 0; i < c->h.n; i++)
        if (!(c->scale[i] > 0) || !isfinite(c->scale[i]))
            return ein_error(EIN_FORMAT, "/scale of record %lld is %g; a positive number is needed",
                             (long long)i, (double)c->scale[i]);
    return EIN_OK;
}

/* Attributes and the names of columns have no checksum of HDF5's own. */
static ein_status check_head(const ein_corpus *c) {
    char *said = NULL, hash[EIN_HASH_TEXT_BYTES];
    const head *h = &c->h;
    const ein_corpus_head whole = {(int)h->version,  c->program, c->config, c->contract_text,
                                   c->contract_hash, h->n,       h->block,  h->rejected,
                                   h->valid,         h->mean,    h->sd,     c->patient_ids,
                                   &c->labels,       &c->texts};
    EIN_TRY(ein_corpus_head_hash(&whole, hash));
    EIN_TRY(ein_h5_get_text(c->file, "head_hash", EIN_HASH_TEXT_BYTES - 1, &said));
    bool same = strcmp(said, hash) == 0;
    free(said);
    return same ? EIN_OK
                : ein_error(EIN_CORRUPT,
                            "the attributes or the names of columns do not match their checksum: the "
                            "file was damaged or edited");
}

static ein_status read_columns(ein_corpus *c) {
    int64_t n = c->h.n, blocks = ein_corpus_blocks(c);
    EIN_TRY(ein_h5_load_column(c->file, "scale", H5T_IEEE_F32LE, n, 0, (void **)&c->scale));
    EIN_TRY(ein_h5_load_column(c->file, "age", H5T_IEEE_F32LE, n, 0, (void **)&c->age));
    EIN_TRY(ein_h5_load_column(c->file, "sex", H5T_STD_I8LE, n, 0, (void **)&c->sex));
    EIN_TRY(ein_h5_load_column(c->file, "quality", H5T_STD_U32LE, n, 0, (void **)&c->quality));
    EIN_TRY(ein_h5_load_column(c->file, "patient_key", H5T_STD_U64LE, n, 0, (void **)&c->patient_key));
    EIN_TRY(
        ein_h5_load_column(c->file, "checksum", H5T_STD_U8LE, blocks, EIN_HASH_BYTES, (void **)&c->checksum));
    EIN_TRY(ein_h5_read_texts(c->file, "record_id", n, &c->ids, &c->h.id_stride));
    EIN_TRY(ein_h5_members(c->file, "labels", &c->labels));
    EIN_TRY(ein_h5_members(c->file, "text", &c->texts));
    if (c->labels.n > EIN_CORPUS_MAX_COLUMNS || c->texts.n > EIN_CORPUS_MAX_COLUMNS)
        return ein_error(EIN_FORMAT, "%lld labels and %lld text columns; at most %d are read",
                         (long long)c->labels.n, (long long)c->texts.n, EIN_CORPUS_MAX_COLUMNS);
    EIN_TRY(check_scale(c));
    return check_head(c);
}

/* Everything that rank 0 reads for all. */
static ein_status read_all(ein_corpus *c) {
    EIN_TRY(ein_h5_open_read(c->path, &c->file));
    EIN_TRY(check_identity(c));
    EIN_TRY(read_attributes(c));
    EIN_TRY(ein_contract_parse(c->contract_text, &c->contract));
    c->h.leads = c->contract.n_leads;
    c->h.samples = c->contract.n_samples;
    if (c->h.samples < 1 || c->h.leads < 1 || c->h.leads * 2 > EIN_CORPUS_MAX_RECORD_BYTES / c->h.samples)
        return ein_error(EIN_FORMAT, "records of %lld x %lld samples are beyond what is read",
                         (long long)c->h.leads, (long long)c->h.samples);
    EIN_TRY(open_signal(c));
    return read_columns(c);
}

static ein_status share(ein_comm *comm, void *data, int64_t bytes) {
    return ein_comm_bcast_bytes(comm, data, &bytes);
}

static ein_status share_texts(ein_comm *comm, ein_texts *texts) {
    int64_t counts[3] = {texts->n, texts->used, texts->longest};
    int64_t *shared = counts, bytes = (int64_t)sizeof counts;
    EIN_TRY(ein_comm_bcast_bytes(comm, (void **)&shared, &bytes));
    if (shared != counts) {
        texts->n = texts->n_room = shared[0];
        texts->used = texts->room = shared[1];
        texts->longest = shared[2];
        free(shared);
    }
    EIN_TRY(share(comm, (void **)&texts->bytes, texts->used));
    return share(comm, (void **)&texts->start, texts->n * (int64_t)sizeof *texts->start);
}

static ein_status share_text(ein_comm *comm, char **text) {
    return share(comm, (void **)text, *text ? (int64_t)strlen(*text) + 1 : 0);
}

static ein_status share_all(ein_comm *comm, ein_corpus *c) {
    head *shared = &c->h;
    int64_t bytes = (int64_t)sizeof *shared;
    EIN_TRY(ein_comm_bcast_bytes(comm, (void **)&shared, &bytes));
    if (shared != &c->h) {
        c->h = *shared;
        free(shared);
    }
    int64_t n = c->h.n;
    EIN_TRY(share_text(comm, &c->contract_text));
    EIN_TRY(share_text(comm, &c->contract_hash));
    EIN_TRY(share_text(comm, &c->program));
    EIN_TRY(share_text(comm, &c->config));
    EIN_TRY(share_text(comm, &c->patient_ids));
    EIN_TRY(share(comm, (void **)&c->scale, n * (int64_t)sizeof *c->scale));
    EIN_TRY(share(comm, (void **)&c->age, n * (int64_t)sizeof *c->age));
    EIN_TRY(share(comm, (void **)&c->sex, n * (int64_t)sizeof *c->sex));
    EIN_TRY(share(comm, (void **)&c->quality, n * (int64_t)sizeof *c->quality));
    EIN_TRY(share(comm, (void **)&c->patient_key, n * (int64_t)sizeof *c->patient_key));
    EIN_TRY(share(comm, (void **)&c->checksum, ein_corpus_blocks(c) * EIN_HASH_BYTES));
    EIN_TRY(share(comm, (void **)&c->ids, n * c->h.id_stride));
    EIN_TRY(share_texts(comm, &c->labels));
    return share_texts(comm, &c->texts);
}

/* A rank other than 0 opens the file for itself, so that it can read any range at any time. */
static ein_status open_here(ein_corpus *c, bool opened) {
    if (!opened) {
        EIN_TRY(ein_contract_parse(c->contract_text, &c->contract));
        EIN_TRY(ein_h5_open_tried(c->path, &c->file));
        EIN_TRY(open_signal(c));
    }
    EIN_TRY(EIN_NEW(c->verified, ein_corpus_blocks(c)));
    return EIN_NEW(c->scratch, c->h.block * values_per_record(c));
}

static ein_status corpus_new(const char *path, ein_corpus **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    (*out)->file = (*out)->signal = -1;
    (*out)->path = strdup(path);
    return (*out)->path ? EIN_OK : ein_error(EIN_NOMEM, "%s: no memory", path);
}

ein_status ein_corpus_open(ein_comm *comm, const char *path, ein_corpus **out) {
    *out = NULL;
    ein_corpus *c = NULL;
    bool first = ein_comm_rank(comm) == 0;
    ein_status status = ein_comm_agree(comm, corpus_new(path, &c));
    if (status != EIN_OK) goto failed;
    if (first) status = ein_error_context(read_all(c), "%s", path);
    EIN_TRY_GOTO(status, ein_comm_agree(comm, status), failed);
    EIN_TRY_GOTO(status, share_all(comm, c), failed);
    status = ein_error_context(open_here(c, first), "%s", path);
    EIN_TRY_GOTO(status, ein_comm_agree(comm, status), failed);
    *out = c;
    return EIN_OK;
failed:
    ein_corpus_close(c);
    return status;
}

ein_status ein_corpus_open_alone(const char *path, ein_corpus **out) {
    ein_corpus *c = NULL;
    *out = NULL;
    ein_status status = corpus_new(path, &c);
    if (status == EIN_OK) status = ein_error_context(read_all(c), "%s", path);
    if (status == EIN_OK) status = ein_error_context(open_here(c, true), "%s", path);
    if (status == EIN_OK)
        *out = c;
    else
        ein_corpus_close(c);
    return status;
}

void ein_corpus_close(ein_corpus *c) {
    if (!c) return;
    if (c->signal >= 0) H5Dclose(c->signal);
    if (c->file >= 0) H5Fclose(c->file);
    ein_texts_free(&c->labels);
    ein_texts_free(&c->texts);
    void *owned[] = {c->path,    c->contract_text, c->contract_hash, c->program, c->config,
                     c->ids,     c->patient_key,   c->scale,         c->age,     c->sex,
                     c->quality, c->checksum,      c->verified,      c->scratch, c->patient_ids};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    free(c);
}

/* --- what is in it --------------------------------------------------------------------------------- */

const char *ein_corpus_path(const ein_corpus *c) {
    return c->path;
}
int ein_corpus_version(const ein_corpus *c) {
    return (int)c->h.version;
}
int64_t ein_corpus_records(const ein_corpus *c) {
    return c->h.n;
}
int64_t ein_corpus_block_records(const ein_corpus *c) {
    return c->h.block;
}
const ein_contract *ein_corpus_contract(const ein_corpus *c) {
    return &c->contract;
}
const char *ein_corpus_contract_text(const ein_corpus *c) {
    return c->contract_text;
}
const char *ein_corpus_contract_hash(const ein_corpus *c) {
    return c->contract_hash;
}
const char *ein_corpus_program(const ein_corpus *c) {
    return c->program;
}
const char *ein_corpus_config(const ein_corpus *c) {
    return c->config;
}
const char *ein_corpus_patient_ids(const ein_corpus *c) {
    return c->patient_ids;
}
int64_t ein_corpus_rejected(const ein_corpus *c) {
    return c->h.rejected;
}
void ein_corpus_signal_hash(const ein_corpus *c, uint8_t out[EIN_HASH_BYTES]) {
    ein_hash(c->checksum, (size_t)ein_corpus_blocks(c) * EIN_HASH_BYTES, out);
}
const uint64_t *ein_corpus_patients(const ein_corpus *c) {
    return c->patient_key;
}
const uint32_t *ein_corpus_quality(const ein_corpus *c) {
    return c->quality;
}
const float *ein_corpus_age(const ein_corpus *c) {
    return c->age;
}
const int8_t *ein_corpus_sex(const ein_corpus *c) {
    return c->sex;
}
const float *ein_corpus_scale(const ein_corpus *c) {
    return c->scale;
}
int ein_corpus_label_count(const ein_corpus *c) {
    return ein_int(c->labels.n);
}
int ein_corpus_text_count(const ein_corpus *c) {
    return ein_int(c->texts.n);
}
const char *ein_corpus_label_name(const ein_corpus *c, int i) {
    return ein_texts_get(&c->labels, i);
}
const char *ein_corpus_text_name(const ein_corpus *c, int i) {
    return ein_texts_get(&c->texts, i);
}

void ein_corpus_statistics(const ein_corpus *c, double *mean_mv, double *sd_mv, int64_t *valid_samples) {
    if (mean_mv) *mean_mv = c->h.mean;
    if (sd_mv) *sd_mv = c->h.sd;
    if (valid_samples) *valid_samples = c->h.valid;
}

const char *ein_corpus_record_id(const ein_corpus *c, int64_t index) {
    EIN_BUG_IF(index < 0 || index >= c->h.n);
    return c->ids + index * c->h.id_stride;
}

static ein_status unknown_label(const ein_corpus *c, const char *name) {
    const char **names = NULL;
    int n = ein_int(c->labels.n);
    EIN_TRY(EIN_NEW(names, n));
    for (int i = 0; i < n; i++) names[i] = ein_texts_get(&c->labels, i);
    const char *near = ein_nearest(name, names, n);
    ein_status status = ein_error(EIN_NOTFOUND, "%s: no label '%s' among its %d labels%s%s%s", c->path, name,
                                  n, near ? "; the nearest is '" : "", near ? near : "", near ? "'" : "");
    free(names);
    return status;
}

ein_status ein_corpus_label(ein_corpus *c, const char *name, float *out) {
    for (int64_t i = 0; i < c->labels.n; i++) {
        if (strcmp(ein_texts_get(&c->labels, i), name) != 0) continue;
        char path[EIN_CORPUS_MAX_NAME_BYTES + 16];
        if (strlen(name) > EIN_CORPUS_MAX_NAME_BYTES)
            return ein_error(EIN_FORMAT, "%s: the name of a label has more than %d bytes", c->path,
                             EIN_CORPUS_MAX_NAME_BYTES);
        strcpy(path, "labels/");
        strcat(path, name);
        ein_status status = ein_h5_read_column(c->file, path, H5T_IEEE_F32LE, c->h.n, 0, out);
        return ein_error_context(status, "%s", c->path);
    }
    return unknown_label(c, name);
}

ein_status ein_corpus_texts(ein_corpus *c, const char *name, char **out, int64_t *stride) {
    int64_t n = strncmp(name, "rejected/", 9) == 0 ? c->h.rejected : c->h.n;
    return ein_error_context(ein_h5_read_texts(c->file, name, n, out, stride), "%s", c->path);
}

static ein_status read_sketches(ein_corpus *c, ein_sketch *out) {
    enum { ALL = EIN_SKETCH_ANCHORS * EIN_SKETCH_FEATURES };
    int8_t *features = NULL, *anchors = NULL;
    ein_status status = EIN_NEW(features, c->h.n * ALL);
    if (status == EIN_OK) status = EIN_NEW(anchors, c->h.n);
    if (status == EIN_OK) status = ein_h5_read_column(c->file, "sketch", H5T_STD_I8LE, c->h.n, ALL, features);
    if (status == EIN_OK)
        status = ein_h5_read_column(c->file, "sketch_anchors", H5T_STD_I8LE, c->h.n, 0, anchors);
    for (int64_t i = 0; i < c->h.n && status == EIN_OK; i++) {
        if (anchors[i] < 0 || anchors[i] > EIN_SKETCH_ANCHORS)
            status = ein_error(EIN_FORMAT, "record %lld: a sketch of %d anchors; at most %d are possible",
                               (long long)i, anchors[i], EIN_SKETCH_ANCHORS);
        out[i].n = anchors[i];
        memcpy(out[i].feature, features + i * ALL, ALL);
    }
    free(features);
    free(anchors);
    return status;
}

ein_status ein_corpus_identities(ein_corpus *c, uint64_t *signal_key, ein_sketch *sketch) {
    ein_status status = EIN_OK;
    if (c->h.version < 2) {
        if (signal_key) memset(signal_key, 0, (size_t)c->h.n * sizeof *signal_key);
        if (sketch) memset(sketch, 0, (size_t)c->h.n * sizeof *sketch);
        return EIN_OK;
    }
    if (signal_key) status = ein_h5_read_column(c->file, "signal_key", H5T_STD_U64LE, c->h.n, 0, signal_key);
    if (sketch && status == EIN_OK) status = read_sketches(c, sketch);
    return ein_error_context(status, "%s", c->path);
}

ein_status ein_corpus_lead_quality(ein_corpus *c, uint32_t *out) {
    ein_status status = ein_h5_read_column(c->file, "lead_quality", H5T_STD_U32LE, c->h.n, c->h.leads, out);
    return ein_error_context(status, "%s", c->path);
}

/* --- signal ---------------------------------------------------------------------------------------- */

static ein_status read_run(ein_corpus *c, int64_t first, int64_t count, int16_t *out) {
    hsize_t start[3] = {(hsize_t)first, 0, 0};
    hsize_t extent[3] = {(hsize_t)count, (hsize_t)c->h.leads, (hsize_t)c->h.samples};
    hid_t file_space = H5Dget_space(c->signal), memory = H5Screate_simple(3, extent, NULL);
    ein_status status = EIN_OK;
    if (file_space < 0 || memory < 0 ||
        H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, extent, NULL) < 0 ||
        H5Dread(c->signal, H5T_STD_I16LE, memory, file_space, H5P_DEFAULT, out) < 0)
        status = ein_h5_error(EIN_CORRUPT, "%s: reading records %lld to %lld", c->path, (long long)first,
                              (long long)(first + count - 1));
    if (file_space >= 0) H5Sclose(file_space);
    if (memory >= 0) H5Sclose(memory);
    return status;
}

static int64_t block_count(const ein_corpus *c, int64_t block) {
    int64_t left = c->h.n - block * c->h.block;
    return left < c->h.block ? left : c->h.block;
}

/* Read a whole block and compare it with its checksum. */
static ein_status read_block(ein_corpus *c, int64_t block, int16_t *out) {
    int64_t first = block * c->h.block, count = block_count(c, block);
    EIN_TRY(read_run(c, first, count, out));
    uint8_t hash[EIN_HASH_BYTES];
    ein_corpus_block_hash(out, c->scale + first, count, values_per_record(c), hash);
    if (memcmp(hash, c->checksum + block * EIN_HASH_BYTES, EIN_HASH_BYTES) != 0)
        return ein_error(
            EIN_CORRUPT,
            "%s: records %lld to %lld do not match their checksum: the file was damaged; restore "
            "it from a copy or ingest again",
            c->path, (long long)first, (long long)(first + count - 1));
    c->verified[block] = 1;
    return EIN_OK;
}

ein_status ein_corpus_read(ein_corpus *c, int64_t first, int64_t count, int16_t *counts, float *scale) {
    if (first < 0 || count < 0 || first > c->h.n - count)
        return ein_error(EIN_RANGE, "%s: %lld records from record %lld on; there are %lld", c->path,
                         (long long)count, (long long)first, (long long)c->h.n);
    int64_t values = values_per_record(c), end = first + count;
    for (int64_t at = first; at < end;) {
        int64_t block = at / c->h.block, begin = block * c->h.block;
        int64_t stop = begin + block_count(c, block) < end ? begin + block_count(c, block) : end;
        int16_t *out = counts + (at - first) * values;
        if (c->verified[block]) {
            while (stop < end && c->verified[stop / c->h.block]) {
                int64_t next = stop + block_count(c, stop / c->h.block);
                stop = next < end ? next : end;
            }
            EIN_TRY(read_run(c, at, stop - at, out));
        } else if (stop - at == block_count(c, block)) {
            EIN_TRY(read_block(c, block, out));
        } else {
            EIN_TRY(read_block(c, block, c->scratch));
            memcpy(out, c->scratch + (at - begin) * values, (size_t)((stop - at) * values) * sizeof *out);
        }
        at = stop;
    }
    memcpy(scale, c->scale + first, (size_t)count * sizeof *scale);
    return EIN_OK;
}

ein_status ein_corpus_verify(ein_corpus *c, int64_t first_block, int64_t count, int64_t *damaged) {
    *damaged = 0;
    if (first_block < 0 || count < 0 || first_block > ein_corpus_blocks(c) - count)
        return ein_error(EIN_RANGE, "%s: %lld blocks from block %lld on; there are %lld", c->path,
                         (long long)count, (long long)first_block, (long long)ein_corpus_blocks(c));
    ein_kept_error first = {.status = EIN_OK};
    for (int64_t b = first_block; b < first_block + count; b++) {
        if (read_block(c, b, c->scratch) == EIN_OK) continue;
        c->verified[b] = 0;
        ++*damaged;
        ein_error_keep(&first, EIN_CORRUPT);
    }
    return ein_error_kept(&first);
}
