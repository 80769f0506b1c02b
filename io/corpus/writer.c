/* Writing a corpus.
 *
 * Appended records form one stream in global order. Only whole blocks are written: those of a call are dealt
 * to the ranks in contiguous runs, the records travel to the rank that writes them, and the remainder of
 * less than one block waits on rank 0. So each chunk is written once, by one rank, with its checksum,
 * whatever the number of ranks. All that is not signal gathers on rank 0 (some hundred bytes per record) and
 * is written by it alone, at the end, through the serial driver: parallel HDF5 has no use there.
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/signal/quantise.h"
#include "io/base/durable.h"
#include "io/base/utf8.h"
#include "io/corpus/corpus.h"
#include "io/corpus/head.h"
#include "io/hdf5/h5.h"
#include "io/hdf5/probe.h"
#include "mpi/gather.h"

enum { RESERVE_BYTES = 1 << 20 };
enum { WRITE_BYTES = 256 << 20 }; /* per rank and collective call; MPI counts stay far below 2^31 */

/* A growing array. */
typedef struct {
    void *data;
    int64_t n, room;
} vector;

enum {
    TEXT_RECORD_ID,
    TEXT_PATIENT,
    TEXT_COHORT,
    TEXT_SITE,
    TEXT_ACQUIRED,
    TEXT_SOURCE_FILE,
    TEXT_SOURCE_SHA256,
    TEXT_SAME_AS,
    TEXT_COUNT
};
static const char *const text_names[TEXT_COUNT] = {"record_id", "patient",     "cohort",        "site",
                                                   "acquired",  "source_file", "source_sha256", "same_as"};
enum { REJECTED_PATH, REJECTED_ID, REJECTED_REASON, REJECTED_COUNT };
static const char *const rejected_names[REJECTED_COUNT] = {"rejected/path", "rejected/record_id",
                                                           "rejected/reason"};

struct ein_corpus_writer {
    ein_comm *comm;
    int rank, size;
    char *path, *partial, *program, *config, *patient_ids;
    ein_contract contract;
    int64_t leads, values, block; /* values: samples of a record, all leads */
    int compress, n_labels, n_texts;
    char **label_name, **text_name;
    hid_t file, signal;
    MPI_Datatype record;
    int64_t n, blocks; /* records appended, blocks written; equal on all ranks */
    int16_t *carry;    /* rank 0: the n - blocks * block records that wait */
    float *carry_scale;
    /* Rank 0 only. */
    ein_texts text[TEXT_COUNT], rejected[REJECTED_COUNT], *extra;
    vector signal_key, sketch, sketch_anchors;
    vector age, sex, patient_key, quality, lead_quality, scale, checksum, label;
    int64_t valid;
    double sum, sum_squares; /* mV, mV^2 */
};

static ein_status push(vector *v, const void *items, int64_t count, int64_t item_bytes) {
    if (count == 0) return EIN_OK;
    EIN_TRY(ein_grow(&v->data, &v->room, v->n + count, item_bytes, "corpus columns"));
    memcpy((char *)v->data + v->n * item_bytes, items, (size_t)(count * item_bytes));
    v->n += count;
    return EIN_OK;
}
#define PUSH(v, items, count) push(&(v), (items), (count), (int64_t)sizeof *(items))

/* --- begin ----------------------------------------------------------------------------------------- */

static ein_status copy_text(char **out, const char *text) {
    *out = strdup(text);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "corpus: no memory for a text");
}

static ein_status copy_names(char ***out, const char *const *names, int n, const char *what) {
    if (n < 0 || n > EIN_CORPUS_MAX_COLUMNS)
        return ein_error(EIN_RANGE, "%d %s columns; at most %d are kept", n, what, EIN_CORPUS_MAX_COLUMNS);
    EIN_TRY(EIN_NEW(*out, n));
    for (int i = 0; i < n; i++) {
        size_t bytes = strlen(names[i]);
        if (bytes == 0 || bytes > EIN_CORPUS_MAX_NAME_BYTES || strchr(names[i], '/') ||
            strcmp(names[i], ".") == 0)
            return ein_error(EIN_USAGE,
                             "'%.200s' cannot name a %s column: 1 to %d bytes without '/' are needed",
                             names[i], what, EIN_CORPUS_MAX_NAME_BYTES);
        for (int j = 0; j < i; j++)
            if (strcmp(names[i], names[j]) == 0)
                return ein_error(EIN_USAGE, "%s column '%s' is named twice", what, names[i]);
        EIN_TRY(copy_text(&(*out)[i], names[i]));
    }
    return EIN_OK;
}

static ein_status copy_options(ein_corpus_writer *w, const ein_corpus_options *o) {
    const ein_contract *c = &o->contract;
    EIN_BUG_IF(o->compress < 0 || o->compress > 9 || o->block_records < 0 ||
               o->block_records > EIN_CORPUS_MAX_BLOCK_RECORDS);
    if (c->n_leads < 1 || c->n_leads > EIN_MAX_LEADS || c->n_samples < 1 ||
        c->n_samples > EIN_CORPUS_MAX_RECORD_BYTES / 2 / c->n_leads)
        return ein_error(EIN_USAGE,
                         "records of %d leads x %lld samples; a corpus takes up to %d bytes a record",
                         c->n_leads, (long long)c->n_samples, EIN_CORPUS_MAX_RECORD_BYTES);
    w->contract = *c;
    w->leads = c->n_leads;
    w->values = w->leads * c->n_samples;
    w->block = o->block_records ? o->block_records : ein_corpus_block_records_for(w->leads, c->n_samples);
    if (w->block * w->values * 2 > EIN_CORPUS_MAX_RECORD_BYTES)
        return ein_error(EIN_USAGE, "blocks of %lld records exceed %d bytes", (long long)w->block,
                         EIN_CORPUS_MAX_RECORD_BYTES);
    w->compress = o->compress;
    w->n_labels = o->n_labels;
    w->n_texts = o->n_texts;
    EIN_TRY(copy_text(&w->path, o->path));
    EIN_TRY(ein_durable_partial_name(o->path, &w->partial));
    EIN_TRY(copy_text(&w->program, o->program));
    EIN_TRY(copy_text(&w->config, o->config_yaml));
    EIN_TRY(copy_text(&w->patient_ids, o->patient_ids));
    EIN_TRY(copy_names(&w->label_name, o->label_name, o->n_labels, "label"));
    EIN_TRY(copy_names(&w->text_name, o->text_name, o->n_texts, "text"));
    EIN_TRY(EIN_NEW(w->extra, w->n_texts));
    if (w->rank != 0) return EIN_OK;
    EIN_TRY(EIN_NEW(w->carry, w->block * w->values));
    return EIN_NEW(w->carry_scale, w->block);
}

static ein_status create_signal(ein_corpus_writer *w) {
    hsize_t none[3] = {0, (hsize_t)w->leads, (hsize_t)w->contract.n_samples};
    hsize_t most[3] = {H5S_UNLIMITED, none[1], none[2]}, chunk[3] = {(hsize_t)w->block, none[1], none[2]};
    hid_t space = H5Screate_simple(3, none, most), list = H5Pcreate(H5P_DATASET_CREATE);
    bool good = space >= 0 && list >= 0 && H5Pset_chunk(list, 3, chunk) >= 0 &&
                H5Pset_obj_track_times(list, false) >= 0 &&
                /* Every chunk is written whole; filling it first would double the traffic. */
                H5Pset_fill_time(list, H5D_FILL_TIME_NEVER) >= 0;
    if (good && w->compress > 0)
        good = H5Pset_shuffle(list) >= 0 && H5Pset_deflate(list, (unsigned)w->compress) >= 0;
    if (good) w->signal = H5Dcreate2(w->file, "signal", H5T_STD_I16LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    ein_status status = w->signal < 0 ? ein_h5_error(EIN_IO, "%s: creating /signal", w->partial) : EIN_OK;
    if (space >= 0) H5Sclose(space);
    if (list >= 0) H5Pclose(list);
    return status;
}

static ein_status create_file(ein_corpus_writer *w) {
    hid_t access = ein_h5_access_serial(), create = H5Pcreate(H5P_FILE_CREATE);
    bool good = access >= 0 && create >= 0 && H5Pset_obj_track_times(create, false) >= 0 &&
                H5Pset_fapl_mpio(access, ein_comm_mpi(w->comm), MPI_INFO_NULL) >= 0 &&
                H5Pset_coll_metadata_write(access, true) >= 0;
    if (good) w->file = H5Fcreate(w->partial, H5F_ACC_TRUNC, create, access);
    ein_status status = w->file < 0 ? ein_h5_error(EIN_IO, "%s: cannot be created", w->partial) : EIN_OK;
    if (access >= 0) H5Pclose(access);
    if (create >= 0) H5Pclose(create);
    return status;
}

static void writer_free(ein_corpus_writer *w) {
    for (int i = 0; i < TEXT_COUNT; i++) ein_texts_free(&w->text[i]);
    for (int i = 0; i < REJECTED_COUNT; i++) ein_texts_free(&w->rejected[i]);
    for (int i = 0; w->extra && i < w->n_texts; i++) ein_texts_free(&w->extra[i]);
    for (int i = 0; w->label_name && i < w->n_labels; i++) free(w->label_name[i]);
    for (int i = 0; w->text_name && i < w->n_texts; i++) free(w->text_name[i]);
    void *owned[] = {w->path,
                     w->partial,
                     w->program,
                     w->config,
                     w->patient_ids,
                     w->label_name,
                     w->text_name,
                     w->extra,
                     w->carry,
                     w->carry_scale,
                     w->age.data,
                     w->sex.data,
                     w->patient_key.data,
                     w->signal_key.data,
                     w->sketch.data,
                     w->sketch_anchors.data,
                     w->quality.data,
                     w->lead_quality.data,
                     w->scale.data,
                     w->checksum.data,
                     w->label.data};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    if (w->record != MPI_DATATYPE_NULL) MPI_Type_free(&w->record);
    free(w);
}

/* Close what is open, on all ranks. */
static ein_status close_file(ein_corpus_writer *w) {
    ein_status status = EIN_OK;
    if (w->signal >= 0 && H5Dclose(w->signal) < 0) status = ein_h5_error(EIN_IO, "%s: closing", w->partial);
    w->signal = -1;
    if (w->file >= 0 && H5Fclose(w->file) < 0 && status == EIN_OK)
        status = ein_h5_error(EIN_IO, "%s: closing (a full disk is the usual cause)", w->partial);
    w->file = -1;
    return status;
}

void ein_corpus_abandon(ein_corpus_writer *w) {
    if (!w) return;
    ein_kept_error cause = {.status = EIN_OK}; /* which closing must not hide; its status is the caller's */
    ein_error_keep(&cause, EIN_IO);
    /* HDF5 crashes later if closing fails, which on a full disk it would: the space is given back first. */
    if (w->rank == 0 && w->partial && truncate(w->partial, 0) != 0) ein_error_clear();
    /* Closing the file waits for all ranks: with a peer lost it is left to the end of the process. */
    if (ein_comm_alive() != EIN_OK) {
        if (w->rank == 0 && w->path) ein_durable_discard(w->path);
        (void)ein_error_kept(&cause);
        return;
    }
    ein_comm_barrier(w->comm);
    close_file(w);
    ein_comm_barrier(w->comm);
    if (w->rank == 0 && w->path) ein_durable_discard(w->path);
    ein_comm_barrier(w->comm); /* gone for every rank that returns */
    writer_free(w);
    (void)ein_error_kept(&cause);
}

ein_status ein_corpus_create(ein_comm *comm, const ein_corpus_options *options, ein_corpus_writer **out) {
    *out = NULL;
    ein_corpus_writer *w = NULL;
    ein_h5_quiet();
    ein_status status = ein_comm_agree(comm, EIN_NEW(w, 1));
    if (status != EIN_OK) {
        free(w);
        return status;
    }
    w->comm = comm;
    w->rank = ein_comm_rank(comm);
    w->size = ein_comm_size(comm);
    w->file = w->signal = -1;
    w->record = MPI_DATATYPE_NULL;
    status = copy_options(w, options);
    if (status == EIN_OK && w->rank == 0) status = ein_durable_begin(w->path); /* with its permissions */
    if (status == EIN_OK)
        status =
            ein_comm_check(MPI_Type_contiguous(ein_int(w->values), MPI_INT16_T, &w->record), "record type");
    if (status == EIN_OK) status = ein_comm_check(MPI_Type_commit(&w->record), "record type");
    EIN_TRY_GOTO(status, ein_comm_agree(comm, status), failed);
    EIN_TRY_GOTO(status, ein_comm_agree(comm, create_file(w)), failed);
    EIN_TRY_GOTO(status, ein_comm_agree(comm, create_signal(w)), failed);
    *out = w;
    return EIN_OK;
failed:
    ein_corpus_abandon(w);
    return status;
}

/* --- moving records to the ranks that write them --------------------------------------------------- */

/* A run [first, first + count) of the records of one call, counted from the first one that waited. */
typedef struct {
    int64_t first, count;
} run;

static int64_t overlap(run a, run b, int64_t *first) {
    int64_t begin = a.first > b.first ? a.first : b.first;
    int64_t end = a.first + a.count < b.first + b.count ? a.first + a.count : b.first + b.count;
    *first = begin;
    return end > begin ? end - begin : 0;
}

/* Give every rank its run of `want`, from the runs that ranks `have`. Collective. */
static ein_status exchange(ein_corpus_writer *w, const run *have, const run *want, MPI_Datatype type,
                           const void *mine, void *out) {
    int *table = NULL, size = w->size;
    ein_status status = ein_comm_agree(w->comm, EIN_NEW(table, 4 * size));
    if (status != EIN_OK) {
        free(table);
        return status;
    }
    int *send = table, *send_at = table + size, *receive = table + 2 * size, *receive_at = table + 3 * size;
    for (int r = 0; r < size; r++) {
        int64_t first;
        send[r] = ein_int(overlap(have[w->rank], want[r], &first));
        send_at[r] = send[r] ? ein_int(first - have[w->rank].first) : 0;
        receive[r] = ein_int(overlap(have[r], want[w->rank], &first));
        receive_at[r] = receive[r] ? ein_int(first - want[w->rank].first) : 0;
    }
    int code =
        MPI_Alltoallv(mine, send, send_at, type, out, receive, receive_at, type, ein_comm_mpi(w->comm));
    free(table);
    return ein_comm_check(code, "moving records to their writers");
}

/* Everything that one call of append holds. */
typedef struct {
    int64_t total, waiting, full,
        left;                  /* records of all ranks; records that waited; whole blocks; remainder */
    run *have, *want, *remain; /* (size) each; one allocation */
    int16_t *mine;             /* rank 0: what waited, then its own records */
    float *mine_scale;
    const int16_t *records; /* own records, contiguous */
    const float *scale;
    int16_t *blocks; /* the records of the blocks this rank writes */
    float *blocks_scale;
    uint8_t *hash;        /* of these blocks; on rank 0, of all */
    ein_count_sums *sums; /* of own records; on rank 0, of all */
    float *all_scale;     /* rank 0: of all new records */
    int64_t *counts;      /* (size) */
} batch;

static void batch_free(batch *b) {
    void *owned[] = {b->have, b->mine, b->mine_scale, b->blocks, b->blocks_scale,
                     b->hash, b->sums, b->all_scale,  b->counts};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
}

static void batch_plan(const ein_corpus_writer *w, batch *b) {
    int64_t at = b->waiting;
    b->full = (b->waiting + b->total) / w->block;
    b->left = b->waiting + b->total - b->full * w->block;
    for (int r = 0; r < w->size; r++) {
        int64_t first, count;
        b->have[r] = (run){at, b->counts[r]};
        at += b->counts[r];
        ein_share(b->full, r, w->size, &first, &count);
        b->want[r] = (run){first * w->block, count * w->block};
        b->remain[r] = (run){b->full * w->block, r == 0 ? b->left : 0};
    }
    b->have[0] = (run){0, b->waiting + b->counts[0]};
}

static ein_status batch_alloc(const ein_corpus_writer *w, batch *b, int64_t count, const int16_t *counts,
                              const float *scale) {
    run want = b->want[w->rank];
    int64_t hashes = w->rank == 0 ? b->full : want.count / w->block;
    b->records = counts;
    b->scale = scale;
    if (w->rank == 0 && b->waiting > 0) {
        int64_t n = b->waiting + count;
        EIN_TRY(EIN_NEW(b->mine, n * w->values));
        EIN_TRY(EIN_NEW(b->mine_scale, n));
        memcpy(b->mine, w->carry, (size_t)(b->waiting * w->values) * sizeof *b->mine);
        memcpy(b->mine_scale, w->carry_scale, (size_t)b->waiting * sizeof *b->mine_scale);
        memcpy(b->mine + b->waiting * w->values, counts, (size_t)(count * w->values) * sizeof *b->mine);
        memcpy(b->mine_scale + b->waiting, scale, (size_t)count * sizeof *b->mine_scale);
        b->records = b->mine;
        b->scale = b->mine_scale;
    }
    EIN_TRY(EIN_NEW(b->blocks, want.count * w->values));
    EIN_TRY(EIN_NEW(b->blocks_scale, want.count));
    EIN_TRY(EIN_NEW(b->hash, hashes * EIN_HASH_BYTES));
    EIN_TRY(EIN_NEW(b->sums, w->rank == 0 ? b->total : count));
    return EIN_NEW(b->all_scale, w->rank == 0 ? b->total : 0);
}

static ein_status batch_begin(ein_corpus_writer *w, batch *b, int64_t count, const int16_t *counts,
                              const float *scale) {
    ein_status status = EIN_NEW(b->counts, w->size);
    if (status == EIN_OK) status = EIN_NEW(b->have, 3 * (int64_t)w->size);
    EIN_TRY(ein_comm_agree(w->comm, status));
    b->want = b->have + w->size;
    b->remain = b->want + w->size;
    EIN_TRY(ein_gather_counts(w->comm, count, b->counts, "counting records"));
    for (int r = 0; r < w->size; r++) b->total += b->counts[r];
    b->waiting = w->n - w->blocks * w->block;
    if (w->n + b->total > EIN_CORPUS_MAX_RECORDS)
        return ein_error(EIN_RANGE, "more than %lld records", (long long)EIN_CORPUS_MAX_RECORDS);
    batch_plan(w, b);
    return ein_comm_agree(w->comm, batch_alloc(w, b, count, counts, scale));
}

/* --- writing blocks -------------------------------------------------------------------------------- */

/* Write `count` records that begin at record `first` of the file; a rank without any takes part. */
static ein_status write_run(ein_corpus_writer *w, int64_t first, int64_t count, const int16_t *records) {
    hsize_t start[3] = {(hsize_t)first, 0, 0};
    hsize_t extent[3] = {(hsize_t)(count ? count : 1), (hsize_t)w->leads, (hsize_t)w->contract.n_samples};
    hid_t file_space = H5Dget_space(w->signal), memory = H5Screate_simple(3, extent, NULL);
    hid_t transfer = H5Pcreate(H5P_DATASET_XFER);
    bool good = file_space >= 0 && memory >= 0 && transfer >= 0 &&
                H5Pset_dxpl_mpio(transfer, H5FD_MPIO_COLLECTIVE) >= 0 &&
                /* Chunks are large and whole, so there is nothing to aggregate; and Open MPI's aggregating
                 * writes lose a failure (seen with 4.1.4 on a full disk: the call returned success). */
                H5Pset_dxpl_mpio_collective_opt(transfer, H5FD_MPIO_INDIVIDUAL_IO) >= 0;
    if (good && count > 0)
        good = H5Sselect_hyperslab(file_space, H5S_SELECT_SET, start, NULL, extent, NULL) >= 0;
    else if (good)
        good = H5Sselect_none(file_space) >= 0 && H5Sselect_none(memory) >= 0;
    ein_status status = good ? EIN_OK : ein_h5_error(EIN_NOMEM, "%s: preparing to write", w->partial);
    int16_t nothing = 0;
    EIN_TRY_GOTO(status, ein_comm_agree(w->comm, status), done);
    if (H5Dwrite(w->signal, H5T_STD_I16LE, memory, file_space, transfer, count ? records : &nothing) < 0)
        status = ein_h5_error(EIN_IO, "%s: writing records (a full disk is the usual cause)", w->partial);
    status = ein_comm_agree(w->comm, status);
done:
    if (file_space >= 0) H5Sclose(file_space);
    if (memory >= 0) H5Sclose(memory);
    if (transfer >= 0) H5Pclose(transfer);
    return status;
}

/* Ask the file system for the room of `records` more, on rank 0. Once HDF5 has made the file longer than the
 * disk allows, it can neither shrink nor close it (it crashes when MPI ends); so the disk is asked first. A
 * file system that cannot be asked says so by EOPNOTSUPP, and errors then show when writing. */
static ein_status reserve_records(const ein_corpus_writer *w, int64_t records) {
    struct stat about = {0};
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    int64_t bytes = records * w->values * (int64_t)sizeof(int16_t);
    bytes += bytes / 512 + RESERVE_BYTES; /* deflate may lengthen a little; indexes */
    int fd = open(w->partial, O_WRONLY | O_CLOEXEC);
    int error = fd < 0 || fstat(fd, &about) != 0 || getrlimit(RLIMIT_FSIZE, &limit) != 0 ? errno : 0;
    off_t end = about.st_size + (off_t)bytes;
    if (error == 0 && limit.rlim_cur != RLIM_INFINITY && (rlim_t)end > limit.rlim_cur) error = EFBIG;
    if (error == 0 && fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, end) != 0) error = errno;
    if (fd >= 0) close(fd);
    if (error == 0 || error == EOPNOTSUPP || error == ENOSYS) return EIN_OK;
    return ein_error(EIN_IO, "%s: %s (after %.0f MB; up to %.0f MB more are wanted)", w->partial,
                     strerror(error), (double)about.st_size / 1e6, (double)bytes / 1e6);
}

static ein_status extend(ein_corpus_writer *w, int64_t records, int64_t more) {
    hsize_t extent[3] = {(hsize_t)records, (hsize_t)w->leads, (hsize_t)w->contract.n_samples};
    ein_status status = EIN_OK;
    EIN_TRY(ein_comm_agree(w->comm, w->rank == 0 ? reserve_records(w, more) : EIN_OK));
    if (H5Dset_extent(w->signal, extent) < 0)
        status = ein_h5_error(EIN_IO, "%s: growing to %lld records (a full disk is the usual cause)",
                              w->partial, (long long)records);
    return ein_comm_agree(w->comm, status);
}

static ein_status write_blocks(ein_corpus_writer *w, const batch *b) {
    if (b->full == 0) return EIN_OK;
    EIN_TRY(extend(w, (w->blocks + b->full) * w->block, b->full * w->block));
    run mine = b->want[w->rank];
    int64_t step = WRITE_BYTES / 2 / w->values / w->block * w->block;
    if (step < w->block) step = w->block;
    /* Rank 0 has as many blocks as any. */
    for (int64_t at = 0; at < b->want[0].count; at += step) {
        int64_t count = mine.count - at < step ? mine.count - at : step;
        if (count < 0) count = 0;
        EIN_TRY(write_run(w, w->blocks * w->block + mine.first + at, count, b->blocks + at * w->values));
    }
    return EIN_OK;
}

/* What is known of records to rank 0, in place there; rank order is global order. */
static ein_status gather_columns(ein_corpus_writer *w, batch *b, int64_t count, const int16_t *counts,
                                 const float *scale) {
    run mine = b->want[w->rank];
    for (int64_t i = 0; i < mine.count / w->block; i++)
        ein_corpus_block_hash(b->blocks + i * w->block * w->values, b->blocks_scale + i * w->block, w->block,
                              w->values, b->hash + i * EIN_HASH_BYTES);
    for (int64_t i = 0; i < count; i++) b->sums[i] = ein_count_sum(counts + i * w->values, w->values);
    static const char what[] = "gathering what is known of records";
    EIN_TRY(ein_gather(w->comm, b->hash, b->hash, NULL, b->full, EIN_HASH_BYTES, what)); /* batch_plan */
    EIN_TRY(ein_gather(w->comm, b->sums, b->sums, b->counts, 0, (int64_t)sizeof *b->sums, what));
    return ein_gather(w->comm, scale, b->all_scale, b->counts, 0, (int64_t)sizeof *b->all_scale, what);
}

/* --- appending ------------------------------------------------------------------------------------- */

/* The file says that its texts are UTF-8, whatever the sources wrote; what a terminal or a table would obey stays out
 * of it. */
static ein_status add_text(ein_texts *texts, const char *text, bool lines) {
    char made[EIN_H5_MAX_TEXT + 1];
    const size_t n = strlen(text);
    if (!ein_utf8_is(text, n)) {
        ein_utf8_make(text, n, made, sizeof made, NULL);
        text = made;
    }
    EIN_TRY(ein_texts_add(texts, text));
    ein_make_printable(texts->bytes + texts->start[texts->n - 1], lines);
    return EIN_OK;
}

static ein_status push_identity(ein_corpus_writer *w, const ein_corpus_entry *e) {
    static const ein_sketch none;
    const ein_sketch *sketch = e->sketch ? e->sketch : &none;
    const int8_t anchors = (int8_t)sketch->n;
    EIN_TRY(PUSH(w->signal_key, &e->signal_key, 1));
    EIN_TRY(PUSH(w->sketch_anchors, &anchors, 1));
    return PUSH(w->sketch, sketch->feature[0], EIN_SKETCH_ANCHORS * EIN_SKETCH_FEATURES);
}

static ein_status push_entry(ein_corpus_writer *w, const ein_corpus_entry *e) {
    const char *const texts[TEXT_COUNT] = {
        e->record_id, e->patient,     e->cohort,        e->site,
        e->acquired,  e->source_file, e->source_sha256, e->same_as ? e->same_as : ""};
    for (int i = 0; i < TEXT_COUNT; i++) {
        if (strlen(texts[i]) > EIN_H5_MAX_TEXT)
            return ein_error(EIN_RANGE, "%s: its %s has more than %d bytes", e->source_file, text_names[i],
                             EIN_H5_MAX_TEXT);
        EIN_TRY(add_text(&w->text[i], texts[i], false));
    }
    for (int i = 0; i < w->n_texts; i++) EIN_TRY(add_text(&w->extra[i], e->text[i], true));
    EIN_TRY(push_identity(w, e));
    EIN_TRY(PUSH(w->age, &e->age, 1));
    EIN_TRY(PUSH(w->sex, &e->sex, 1));
    EIN_TRY(PUSH(w->patient_key, &e->patient_key, 1));
    EIN_TRY(PUSH(w->quality, &e->quality, 1));
    EIN_TRY(PUSH(w->lead_quality, e->lead_quality, w->leads));
    return w->n_labels ? PUSH(w->label, e->label, w->n_labels) : EIN_OK;
}

static ein_status push_batch(ein_corpus_writer *w, const batch *b, const ein_corpus_entry *entry) {
    EIN_TRY(PUSH(w->scale, b->all_scale, b->total));
    EIN_TRY(PUSH(w->checksum, b->hash, b->full * EIN_HASH_BYTES));
    for (int64_t i = 0; i < b->total; i++) {
        double scale = (double)b->all_scale[i];
        if (!(scale > 0) || !isfinite(scale))
            return ein_error(EIN_RANGE, "%s: scale %g is not positive", entry[i].source_file, scale);
        w->valid += b->sums[i].valid;
        w->sum += (double)b->sums[i].sum * scale;
        w->sum_squares += (double)b->sums[i].sum_squares * scale * scale;
        EIN_TRY(push_entry(w, &entry[i]));
    }
    return EIN_OK;
}

static ein_status append(ein_corpus_writer *w, batch *b, int64_t count, const int16_t *counts,
                         const float *scale, const ein_corpus_entry *entry) {
    EIN_TRY(batch_begin(w, b, count, counts, scale));
    EIN_TRY(exchange(w, b->have, b->want, w->record, b->records, b->blocks));
    EIN_TRY(exchange(w, b->have, b->want, MPI_FLOAT, b->scale, b->blocks_scale));
    EIN_TRY(exchange(w, b->have, b->remain, w->record, b->records, w->carry));
    EIN_TRY(exchange(w, b->have, b->remain, MPI_FLOAT, b->scale, w->carry_scale));
    EIN_TRY(write_blocks(w, b));
    EIN_TRY(gather_columns(w, b, count, counts, scale));
    EIN_TRY(ein_comm_agree(w->comm, w->rank == 0 ? push_batch(w, b, entry) : EIN_OK));
    w->blocks += b->full;
    w->n += b->total;
    return EIN_OK;
}

ein_status ein_corpus_append(ein_corpus_writer *w, int64_t count, const int16_t *counts, const float *scale,
                             const ein_corpus_entry *entry) {
    batch b = {0};
    ein_status status = append(w, &b, count, counts, scale, entry);
    batch_free(&b);
    return status;
}

ein_status ein_corpus_reject(ein_corpus_writer *w, const char *path, const char *record_id,
                             const char *reason) {
    EIN_BUG_IF(w->rank != 0);
    const char *const texts[REJECTED_COUNT] = {path, record_id, reason};
    for (int i = 0; i < REJECTED_COUNT; i++) {
        char kept[EIN_H5_MAX_TEXT + 1];
        ein_utf8_make(texts[i], strlen(texts[i]), kept, sizeof kept, NULL);
        EIN_TRY(add_text(&w->rejected[i], kept, false));
    }
    return EIN_OK;
}

void ein_corpus_set_patient_key(ein_corpus_writer *w, int64_t record, uint64_t patient_key) {
    EIN_BUG_IF(w->rank != 0 || record < 0 || record >= w->patient_key.n);
    ((uint64_t *)w->patient_key.data)[record] = patient_key;
}

/* --- the end --------------------------------------------------------------------------------------- */

static ein_status write_remainder(ein_corpus_writer *w) {
    int64_t left = w->n - w->blocks * w->block;
    if (left == 0) return EIN_OK;
    EIN_TRY(extend(w, w->n, w->block));
    EIN_TRY(write_run(w, w->blocks * w->block, w->rank == 0 ? left : 0, w->carry));
    if (w->rank != 0) return EIN_OK;
    uint8_t hash[EIN_HASH_BYTES];
    ein_corpus_block_hash(w->carry, w->carry_scale, left, w->values, hash);
    return PUSH(w->checksum, hash, EIN_HASH_BYTES);
}

static ein_status write_labels(ein_corpus_writer *w, hid_t file) {
    float *column = NULL;
    EIN_TRY(EIN_NEW(column, w->n));
    ein_status status = EIN_OK;
    for (int k = 0; k < w->n_labels && status == EIN_OK; k++) {
        char name[EIN_CORPUS_MAX_NAME_BYTES + 16];
        snprintf(name, sizeof name, "labels/%s", w->label_name[k]);
        const float *table = w->label.data;
        for (int64_t i = 0; i < w->n; i++) column[i] = table[i * w->n_labels + k];
        status = ein_h5_write_column(file, name, H5T_IEEE_F32LE, w->n, 0, column);
    }
    free(column);
    return status;
}

static ein_status make_group(hid_t file, const char *name) {
    hid_t list = H5Pcreate(H5P_GROUP_CREATE);
    hid_t group = list < 0 || H5Pset_obj_track_times(list, false) < 0
                      ? -1
                      : H5Gcreate2(file, name, H5P_DEFAULT, list, H5P_DEFAULT);
    ein_status status = group < 0 ? ein_h5_error(EIN_IO, "creating /%s", name) : EIN_OK;
    if (group >= 0) H5Gclose(group);
    if (list >= 0) H5Pclose(list);
    return status;
}

static ein_status write_columns(ein_corpus_writer *w, hid_t file) {
    EIN_TRY(ein_h5_write_column(file, "scale", H5T_IEEE_F32LE, w->n, 0, w->scale.data));
    for (int i = 0; i < TEXT_COUNT; i++) EIN_TRY(ein_h5_write_texts(file, text_names[i], &w->text[i]));
    EIN_TRY(ein_h5_write_column(file, "patient_key", H5T_STD_U64LE, w->n, 0, w->patient_key.data));
    EIN_TRY(ein_h5_write_column(file, "signal_key", H5T_STD_U64LE, w->n, 0, w->signal_key.data));
    EIN_TRY(ein_h5_write_column(file, "sketch", H5T_STD_I8LE, w->n, EIN_SKETCH_ANCHORS * EIN_SKETCH_FEATURES,
                                w->sketch.data));
    EIN_TRY(ein_h5_write_column(file, "sketch_anchors", H5T_STD_I8LE, w->n, 0, w->sketch_anchors.data));
    EIN_TRY(ein_h5_write_column(file, "age", H5T_IEEE_F32LE, w->n, 0, w->age.data));
    EIN_TRY(ein_h5_write_column(file, "sex", H5T_STD_I8LE, w->n, 0, w->sex.data));
    EIN_TRY(ein_h5_write_column(file, "quality", H5T_STD_U32LE, w->n, 0, w->quality.data));
    EIN_TRY(ein_h5_write_column(file, "lead_quality", H5T_STD_U32LE, w->n, w->leads, w->lead_quality.data));
    EIN_TRY(ein_h5_write_column(file, "checksum", H5T_STD_U8LE, w->checksum.n / EIN_HASH_BYTES,
                                EIN_HASH_BYTES, w->checksum.data));
    EIN_TRY(make_group(file, "labels"));
    EIN_TRY(write_labels(w, file));
    EIN_TRY(make_group(file, "text"));
    for (int i = 0; i < w->n_texts; i++) {
        char name[EIN_CORPUS_MAX_NAME_BYTES + 16];
        snprintf(name, sizeof name, "text/%s", w->text_name[i]);
        EIN_TRY(ein_h5_write_texts(file, name, &w->extra[i]));
    }
    EIN_TRY(make_group(file, "rejected"));
    for (int i = 0; i < REJECTED_COUNT; i++)
        EIN_TRY(ein_h5_write_texts(file, rejected_names[i], &w->rejected[i]));
    return EIN_OK;
}

static ein_status write_attributes(ein_corpus_writer *w, hid_t file) {
    double mean = w->valid ? w->sum / (double)w->valid : NAN;
    double variance = w->valid ? w->sum_squares / (double)w->valid - mean * mean : NAN;
    double sd = variance > 0 ? sqrt(variance) : variance;
    bool own = isnan(w->contract.mean_mv) || isnan(w->contract.sd_mv);
    if (own && !(variance > 0))
        return ein_error(
            EIN_NUMERIC,
            "the records have no spread to normalise by (%lld valid samples); set contract.mean_mv "
            "and contract.sd_mv",
            (long long)w->valid);
    if (isnan(w->contract.mean_mv)) w->contract.mean_mv = mean;
    if (isnan(w->contract.sd_mv)) w->contract.sd_mv = sd;
    char text[EIN_CONTRACT_TEXT_BYTES], hash[EIN_HASH_TEXT_BYTES];
    EIN_TRY(ein_contract_text(&w->contract, text));
    ein_hash_string(text, hash);
    EIN_TRY(ein_h5_put_text(file, "format", EIN_CORPUS_FORMAT));
    EIN_TRY(ein_h5_put_i64(file, "version", EIN_CORPUS_VERSION));
    EIN_TRY(ein_h5_put_text(file, "program", w->program));
    EIN_TRY(ein_h5_put_text(file, "config", w->config));
    EIN_TRY(ein_h5_put_text(file, "contract", text));
    EIN_TRY(ein_h5_put_text(file, "contract_hash", hash));
    EIN_TRY(ein_h5_put_i64(file, "records", w->n));
    EIN_TRY(ein_h5_put_i64(file, "block_records", w->block));
    EIN_TRY(ein_h5_put_i64(file, "rejected", w->rejected[0].n));
    EIN_TRY(ein_h5_put_i64(file, "valid_samples", w->valid));
    EIN_TRY(ein_h5_put_f64(file, "mean_mv", mean));
    EIN_TRY(ein_h5_put_f64(file, "sd_mv", sd));
    EIN_TRY(ein_h5_put_text(file, "patient_ids", w->patient_ids));
    ein_texts labels = {0}, texts = {0};
    const ein_corpus_head whole = {
        EIN_CORPUS_VERSION, w->program, w->config, text, hash,           w->n,    w->block,
        w->rejected[0].n,   w->valid,   mean,      sd,   w->patient_ids, &labels, &texts};
    ein_status status = ein_h5_members(file, "labels", &labels);
    if (status == EIN_OK) status = ein_h5_members(file, "text", &texts);
    char head_hash[EIN_HASH_TEXT_BYTES];
    if (status == EIN_OK) status = ein_corpus_head_hash(&whole, head_hash);
    ein_texts_free(&labels);
    ein_texts_free(&texts);
    EIN_TRY(status);
    return ein_h5_put_text(file, "head_hash", head_hash);
}

/* Bytes that the columns take at most, with generous room for HDF5's own. */
static int64_t columns_bytes(const ein_corpus_writer *w) {
    int64_t per_record = 4 + 8 + 4 + 1 + 4 + 8 + 1 + EIN_SKETCH_ANCHORS * EIN_SKETCH_FEATURES, bytes = 0;
    per_record += 4 * w->leads + 4 * w->n_labels;
    for (int i = 0; i < TEXT_COUNT; i++) per_record += w->text[i].longest + 1;
    for (int i = 0; i < w->n_texts; i++) per_record += w->extra[i].longest + 1;
    for (int i = 0; i < REJECTED_COUNT; i++) bytes += w->rejected[i].n * (w->rejected[i].longest + 1);
    bytes += w->n * per_record + w->checksum.n + (int64_t)strlen(w->config);
    return bytes + bytes / 8 + (1 << 20) + (64 << 10) * (int64_t)(w->n_labels + w->n_texts);
}

/* Make the file longer by what is still to come, so that a full disk shows before HDF5 closes the file: it
 * does not survive a failed close. Closing cuts the file to its true length again. */
static ein_status reserve_columns(const ein_corpus_writer *w) {
    struct stat about;
    int fd = open(w->partial, O_WRONLY | O_CLOEXEC);
    int error =
        fd < 0 || fstat(fd, &about) != 0 ? errno : posix_fallocate(fd, about.st_size, columns_bytes(w));
    if (fd >= 0 && close(fd) != 0 && error == 0) error = errno;
    if (error == 0) return EIN_OK;
    return ein_error(EIN_IO, "%s: %s (%.1f MB more are needed to finish it)", w->partial, strerror(error),
                     (double)columns_bytes(w) / 1e6);
}

/* Rank 0 alone: all but the signal, through the serial driver. */
static ein_status write_rest(ein_corpus_writer *w) {
    EIN_TRY(reserve_columns(w));
    hid_t access = ein_h5_access_serial(), file = -1;
    /* It has an owner, so it needs no lock, which not every file system has. */
    if (access >= 0 && H5Pset_file_locking(access, false, true) >= 0)
        file = H5Fopen(w->partial, H5F_ACC_RDWR, access);
    if (access >= 0) H5Pclose(access);
    if (file < 0) return ein_h5_error(EIN_IO, "%s: opening it again", w->partial);
    ein_status status = write_columns(w, file);
    if (status == EIN_OK) status = write_attributes(w, file);
    if (status == EIN_OK && H5Fflush(file, H5F_SCOPE_LOCAL) < 0)
        status = ein_h5_error(EIN_IO, "flushing (a full disk is the usual cause)");
    if (status == EIN_OK) status = ein_h5_put_i64(file, "complete", 1);
    return ein_error_context(ein_h5_close_written(file, status), "%s", w->partial);
}

/* Read everything back before the file gets its name: what was not written well is not published. */
static ein_status verify_written(ein_corpus_writer *w) {
    ein_corpus *c = NULL;
    int64_t first, count, damaged = 0;
    ein_h5_probe_own(w->partial);
    EIN_TRY(ein_corpus_open(w->comm, w->partial, &c));
    ein_share(ein_corpus_blocks(c), w->rank, w->size, &first, &count);
    ein_status status = ein_corpus_verify(c, first, count, &damaged);
    ein_corpus_close(c);
    return ein_comm_agree(w->comm, status);
}

ein_status ein_corpus_finish(ein_corpus_writer *w) {
    ein_status status = EIN_OK;
    if (w->n == 0) EIN_TRY_GOTO(status, ein_error(EIN_RANGE, "%s: no record to write", w->path), done);
    EIN_TRY_GOTO(status, ein_comm_agree(w->comm, write_remainder(w)), done);
    EIN_TRY_GOTO(status, ein_comm_agree(w->comm, close_file(w)), done);
    EIN_TRY_GOTO(status, ein_comm_agree(w->comm, w->rank == 0 ? write_rest(w) : EIN_OK), done);
    EIN_TRY_GOTO(status, verify_written(w), done);
    status = ein_comm_agree(w->comm, w->rank == 0 ? ein_durable_commit(w->path) : EIN_OK);
done:
    if (status != EIN_OK) {
        ein_corpus_abandon(w);
        return status;
    }
    writer_free(w);
    return EIN_OK;
}
