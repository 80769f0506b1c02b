#include "jobs/score/source.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/archive/archive.h"
#include "io/base/durable.h"
#include "io/base/trouble.h"
#include "io/corpus/corpus.h"
#include "io/ecg/source_stamp.h"

/* --- corpora --------------------------------------------------------------------------------------------- */

typedef struct {
    ein_corpus *corpus;
    char *sha;
    int64_t sha_stride;
    uint64_t stamp;
} open_corpus;

struct ein_score_corpora {
    const ein_contract *contract;
    pthread_mutex_t lock;
    open_corpus *open;
    int n;
};

ein_status ein_score_corpora_new(const ein_contract *contract, ein_score_corpora **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    (*out)->contract = contract;
    pthread_mutex_init(&(*out)->lock, NULL);
    return EIN_OK;
}

void ein_score_corpora_destroy(ein_score_corpora *c) {
    if (!c) return;
    for (int i = 0; i < c->n; i++) {
        ein_corpus_close(c->open[i].corpus);
        free(c->open[i].sha);
    }
    pthread_mutex_destroy(&c->lock);
    free(c->open);
    free(c);
}

static ein_status check_contract(const ein_score_corpora *c, const ein_corpus *corpus) {
    char difference[1024];
    if (ein_contract_compare(c->contract, ein_corpus_contract(corpus), 1, difference, sizeof difference) == 0)
        return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "the models were made under another contract than %s: %s; score its recordings from their files, "
        "or ingest them again under the models' contract",
        ein_corpus_path(corpus), difference);
}

static ein_status find_corpus(ein_score_corpora *c, const char *path, open_corpus **out) {
    for (int i = 0; i < c->n; i++) {
        *out = &c->open[i];
        if (strcmp(ein_corpus_path(c->open[i].corpus), path) == 0) return EIN_OK;
    }
    open_corpus fresh = {.stamp = ein_source_stamp(path)};
    open_corpus *more = realloc(c->open, ((size_t)c->n + 1) * sizeof *more);
    if (!more) return ein_error(EIN_NOMEM, "%s: no memory", path);
    c->open = more;
    EIN_TRY(ein_corpus_open_alone(path, &fresh.corpus));
    ein_status status = check_contract(c, fresh.corpus);
    if (status == EIN_OK)
        status = ein_corpus_texts(fresh.corpus, "source_sha256", &fresh.sha, &fresh.sha_stride);
    if (status != EIN_OK) {
        ein_corpus_close(fresh.corpus);
        return status;
    }
    c->open[c->n] = fresh;
    *out = &c->open[c->n++];
    return EIN_OK;
}

static ein_status read_record(ein_score_corpora *c, const char *path, int64_t record, int16_t *counts,
                              float *scale, ein_score_record *out) {
    open_corpus *from = NULL;
    EIN_TRY(find_corpus(c, path, &from));
    if (record >= ein_corpus_records(from->corpus))
        return ein_error(EIN_MISMATCH,
                         "%s has %lld records, fewer than when the plan was made; --rescore plans anew", path,
                         (long long)ein_corpus_records(from->corpus));
    EIN_TRY(ein_corpus_read(from->corpus, record, 1, counts, scale));
    out->status = EIN_SCORE_OK;
    out->stamp = from->stamp;
    out->quality = ein_corpus_quality(from->corpus)[record];
    snprintf(out->id, sizeof out->id, "%s", ein_corpus_record_id(from->corpus, record));
    snprintf(out->sha256, sizeof out->sha256, "%s", from->sha + record * from->sha_stride);
    return EIN_OK;
}

/* --- recordings ------------------------------------------------------------------------------------------ */

struct ein_score_reader {
    ein_ingest_worker *worker;
    ein_ingest_result result;
    ein_score_corpora *corpora;
    const ein_place *place;
    double corpus_s;
};

ein_status ein_score_reader_new(const ein_contract *contract, const ein_ingest_policy *policy,
                                ein_score_corpora *corpora, ein_score_reader **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    (*out)->corpora = corpora;
    (*out)->place = &policy->read.place;
    return ein_ingest_worker_new(contract, policy, &(*out)->worker);
}

void ein_score_reader_destroy(ein_score_reader *r) {
    if (!r) return;
    ein_ingest_worker_destroy(r->worker);
    free(r);
}

static ein_score_status status_of(int cause) {
    static const ein_score_status of[EIN_CAUSE_COUNT] = {
        [EIN_CAUSE_NONE] = EIN_SCORE_OK,
        [EIN_CAUSE_FOLDER] = EIN_SCORE_UNREADABLE,
        [EIN_CAUSE_OTHER] = EIN_SCORE_UNSUPPORTED,
        [EIN_CAUSE_INCOMPLETE] = EIN_SCORE_INCOMPLETE,
        [EIN_CAUSE_MALFORMED] = EIN_SCORE_MALFORMED,
        [EIN_CAUSE_UNREADABLE] = EIN_SCORE_UNREADABLE,
        [EIN_CAUSE_SHORT] = EIN_SCORE_SHORT,
        [EIN_CAUSE_LEADS] = EIN_SCORE_LEADS,
        [EIN_CAUSE_RATE] = EIN_SCORE_RATE,
        [EIN_CAUSE_AMPLITUDE] = EIN_SCORE_AMPLITUDE,
        [EIN_CAUSE_FLAGGED] = EIN_SCORE_FLAGGED,
        [EIN_CAUSE_DUPLICATE] = EIN_SCORE_OK,
    };
    return of[cause];
}

/* A folder that is not there, or is empty, is one that was not mounted rather than one whose files were all removed. */
static bool has_folder(const char *path) {
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash) *(slash == folder ? slash + 1 : slash) = '\0';
    DIR *dir = opendir(slash ? folder : ".");
    int entries = 0;
    while (dir && entries < 3 && readdir(dir)) entries++;
    if (dir) closedir(dir);
    return entries > 2; /* more than "." and ".." */
}

/* The recording itself, which was listed, is not there. */
static ein_status take_gone(const char *path, ein_score_record *out) {
    if (!has_folder(path))
        return ein_error(EIN_SYSTEM,
                         "%s: its folder is gone or empty: is the file system that holds it mounted?", path);
    out->status = EIN_SCORE_GONE;
    snprintf(out->reason, sizeof out->reason, "it was there when it was listed, and is not any more");
    return EIN_OK;
}

ein_status ein_score_source_hash(const ein_place *place, const char *path, char out[EIN_SHA256_TEXT_BYTES]) {
    ein_file_hash alone;
    ein_status status = ein_source_hash_in(place, path, out);
    if (status == EIN_OK || ein_trouble_is(status)) return status;
    ein_file_hash_begin(&alone);
    ein_file_hash_file(&alone, place, path);
    return ein_file_hash_end(&alone, out);
}

/* The hash of what was not accepted tells as well which file that is; none where it cannot be read. */
static ein_status hash_rejected(const ein_place *place, const char *path, ein_score_record *out) {
    const ein_status status = ein_score_source_hash(place, path, out->sha256);
    if (status != EIN_OK) out->sha256[0] = '\0';
    if (ein_trouble_is(status)) return status;
    ein_error_clear();
    return EIN_OK;
}

/* The stamp is of the files as they were opened to be read. Of what was not read to its end it is taken before, so that
 * a change meanwhile shows: that is read again, which is soon done. */
static ein_status read_and_stamp(ein_score_reader *r, const char *path, int16_t *counts, uint64_t *stamp) {
    ein_ingest_one(r->worker, path, counts, &r->result);
    *stamp = r->result.stamp;
    if (*stamp != 0 || r->result.cause == EIN_CAUSE_SYSTEM) return EIN_OK;
    *stamp = ein_source_stamp(path);
    if (*stamp == 0) return ein_error(EIN_SYSTEM, "%s: cannot be looked at now: %s", path, strerror(errno));
    if (r->result.cause != EIN_CAUSE_NONE) ein_ingest_one(r->worker, path, counts, &r->result);
    return EIN_OK;
}

static ein_status read_recording(ein_score_reader *r, const char *path, int16_t *counts, float *scale,
                                 ein_score_record *out) {
    struct stat info;
    char file[PATH_MAX];
    ein_archive_of(path, file);
    if (stat(file, &info) != 0) {
        const int error = errno;
        if (error == ENOENT || error == ENOTDIR) return take_gone(file, out);
        if (ein_trouble_status(error) == EIN_SYSTEM)
            return ein_error(EIN_SYSTEM, "%s: %s", path, strerror(error));
    }
    EIN_TRY(read_and_stamp(r, path, counts, &out->stamp));
    if (r->result.cause == EIN_CAUSE_SYSTEM) return ein_error(EIN_SYSTEM, "%s: %s", path, r->result.reason);
    /* A signal file that is not there, because its whole folder went away in between; or an archive that is another. */
    if (r->result.cause == EIN_CAUSE_INCOMPLETE && !ein_input_is_there(r->place, path))
        return take_gone(file, out);
    out->status = (uint8_t)status_of(r->result.cause);
    out->quality = r->result.quality;
    snprintf(out->id, sizeof out->id, "%s", r->result.record_id);
    snprintf(out->sha256, sizeof out->sha256, "%s", r->result.source_sha256);
    snprintf(out->reason, sizeof out->reason, "%s", r->result.reason);
    *scale = r->result.scale;
    return out->status == EIN_SCORE_OK ? EIN_OK : hash_rejected(r->place, path, out);
}

ein_status ein_score_reader_read(ein_score_reader *r, const char *path, int64_t record, int16_t *counts,
                                 float *scale, ein_score_record *out) {
    memset(out, 0, sizeof *out);
    if (record < 0) return read_recording(r, path, counts, scale, out);
    pthread_mutex_lock(&r->corpora->lock);
    const double begin = ein_clock_s();
    const ein_status status = read_record(r->corpora, path, record, counts, scale, out);
    r->corpus_s += ein_clock_s() - begin;
    pthread_mutex_unlock(&r->corpora->lock);
    return status;
}

void ein_score_reader_spent(ein_score_reader *r, double *read_s, double *prepare_s) {
    *read_s += r->corpus_s;
    r->corpus_s = 0;
    ein_ingest_worker_spent(r->worker, read_s, prepare_s);
}
