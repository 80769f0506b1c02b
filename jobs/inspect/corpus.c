/* inspect: HDF5 files, which are corpora or not ours. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/quality.h"
#include "io/corpus/corpus.h"
#include "jobs/inspect/inspect.h"
#include "jobs/options/split_options.h"

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* -1 when there is no memory for a copy of the keys. */
static int64_t count_patients(const ein_corpus *corpus) {
    int64_t n = ein_corpus_records(corpus), different = 0;
    uint64_t *keys = malloc((size_t)n * sizeof *keys);
    if (!keys) return -1;
    memcpy(keys, ein_corpus_patients(corpus), (size_t)n * sizeof *keys);
    qsort(keys, (size_t)n, sizeof *keys, by_value);
    for (int64_t i = 0; i < n; i++) different += i == 0 || keys[i] != keys[i - 1];
    free(keys);
    return different;
}

static void put_quality(json_t *out, const ein_corpus *corpus) {
    const uint32_t *flags = ein_corpus_quality(corpus);
    int64_t n = ein_corpus_records(corpus), clean = 0;
    json_t *counts = json_object();
    for (int64_t i = 0; i < n; i++) clean += flags[i] == 0;
    ein_put_int(counts, "none", clean);
    for (int bit = 0; bit < EIN_QUALITY_BITS; bit++) {
        const char *name = ein_quality_name(bit);
        int64_t with = 0;
        for (int64_t i = 0; i < n; i++) with += flags[i] >> bit & 1;
        if (name && with > 0) ein_put_int(counts, name, with);
    }
    json_object_set_new(out, "records_by_quality_flag", counts);
}

static void put_names(json_t *out, const char *key, const ein_corpus *corpus, int n,
                      const char *(*name)(const ein_corpus *, int)) {
    json_t *list = json_array();
    for (int i = 0; i < n; i++) json_array_append_new(list, ein_json_text(name(corpus, i)));
    json_object_set_new(out, key, list);
}

static void put_statistics(json_t *out, const ein_corpus *corpus) {
    double mean, sd;
    int64_t valid;
    json_t *s = json_object();
    ein_corpus_statistics(corpus, &mean, &sd, &valid);
    ein_put_real(s, "mean_mv", mean);
    ein_put_real(s, "sd_mv", sd);
    ein_put_int(s, "valid_samples", valid);
    json_object_set_new(out, "statistics", s);
}

static ein_status put_persons(json_t *out, ein_corpus *corpus) {
    int64_t n = ein_corpus_records(corpus), sexes[3] = {0}, ages = 0;
    int64_t unknown = 0;
    double sum = 0;
    char warning[400];
    EIN_TRY(ein_patients_unknown(corpus, &unknown));
    EIN_TRY(ein_patients_warning(corpus, warning, sizeof warning));
    json_t *p = json_object();
    for (int64_t i = 0; i < n; i++) {
        int8_t sex = ein_corpus_sex(corpus)[i];
        float age = ein_corpus_age(corpus)[i];
        sexes[sex == 0 ? 0 : sex == 1 ? 1 : 2]++;
        if (isfinite(age)) {
            sum += (double)age;
            ages++;
        }
    }
    ein_put_int(p, "patients", count_patients(corpus));
    ein_put_int(p, "records_of_unknown_patients", unknown);
    ein_put_text(p, "patient_ids", ein_corpus_patient_ids(corpus));
    ein_put_int(p, "male", sexes[0]);
    ein_put_int(p, "female", sexes[1]);
    ein_put_int(p, "sex_not_known", sexes[2]);
    ein_put_real(p, "mean_age", ages ? sum / (double)ages : NAN);
    json_object_set_new(out, "persons", p);
    ein_put_text(out, "patients_warning", warning[0] ? warning : NULL);
    return EIN_OK;
}

/* Cohort names with their number of records, in the order of their first record. */
static ein_status put_cohorts(json_t *out, ein_corpus *corpus) {
    char *texts;
    int64_t stride;
    EIN_TRY(ein_corpus_texts(corpus, "cohort", &texts, &stride));
    json_t *counts = json_object();
    for (int64_t i = 0; i < ein_corpus_records(corpus); i++) {
        const char *name = texts + i * stride;
        int64_t before = json_integer_value(json_object_get(counts, name));
        ein_put_int(counts, name, before + 1);
    }
    json_object_set_new(out, "records_by_cohort", counts);
    free(texts);
    return EIN_OK;
}

/* How many records have something in each text column. */
static ein_status put_text_counts(json_t *out, ein_corpus *corpus) {
    json_t *counts = json_object();
    ein_status status = EIN_OK;
    for (int k = 0; k < ein_corpus_text_count(corpus) && status == EIN_OK; k++) {
        char column[EIN_CORPUS_MAX_NAME_BYTES + 8], *texts;
        int64_t stride, with = 0;
        snprintf(column, sizeof column, "text/%s", ein_corpus_text_name(corpus, k));
        status = ein_corpus_texts(corpus, column, &texts, &stride);
        if (status != EIN_OK) break;
        for (int64_t i = 0; i < ein_corpus_records(corpus); i++) with += texts[i * stride] != '\0';
        ein_put_int(counts, ein_corpus_text_name(corpus, k), with);
        free(texts);
    }
    json_object_set_new(out, "records_with_text", counts);
    return status;
}

/* The first reasons, so that a look tells what went wrong; the file has all. */
static ein_status put_rejected(json_t *out, ein_corpus *corpus, int64_t shown) {
    int64_t n = ein_corpus_rejected(corpus), stride, path_stride;
    char *reasons, *paths;
    ein_put_int(out, "rejected", n);
    if (n == 0) return EIN_OK;
    EIN_TRY(ein_corpus_texts(corpus, "rejected/reason", &reasons, &stride));
    ein_status status = ein_corpus_texts(corpus, "rejected/path", &paths, &path_stride);
    json_t *list = json_array();
    for (int64_t i = 0; i < n && i < shown && status == EIN_OK; i++) {
        json_t *item = json_object();
        ein_put_text(item, "path", paths + i * path_stride);
        ein_put_text(item, "reason", reasons + i * stride);
        json_array_append_new(list, item);
    }
    json_object_set_new(out, "first_rejected", list);
    if (shown < n) {
        ein_put_int(out, "rejected_not_shown", n - shown);
        ein_put_text(out, "rejected_more", "--rejected all lists every one");
    }
    if (status == EIN_OK) free(paths);
    free(reasons);
    return status;
}

static ein_status describe(json_t *out, ein_corpus *corpus, int64_t rejected_shown) {
    ein_put_text(out, "kind", "corpus");
    ein_put_text(out, "program", ein_corpus_program(corpus));
    ein_put_int(out, "records", ein_corpus_records(corpus));
    EIN_TRY(put_persons(out, corpus));
    put_statistics(out, corpus);
    put_quality(out, corpus);
    put_names(out, "labels", corpus, ein_corpus_label_count(corpus), ein_corpus_label_name);
    put_names(out, "texts", corpus, ein_corpus_text_count(corpus), ein_corpus_text_name);
    ein_put_text(out, "contract", ein_corpus_contract_text(corpus));
    ein_put_int(out, "format_version", ein_corpus_version(corpus));
    ein_put_text(out, "contract_hash", ein_corpus_contract_hash(corpus));
    ein_put_text(out, "config", ein_corpus_config(corpus));
    EIN_TRY(put_cohorts(out, corpus));
    EIN_TRY(put_text_counts(out, corpus));
    return put_rejected(out, corpus, rejected_shown);
}

/* --- verifying ------------------------------------------------------------------------------------------- */

static ein_status check_texts(ein_corpus *corpus, const char *name) {
    char *texts;
    int64_t stride;
    EIN_TRY(ein_corpus_texts(corpus, name, &texts, &stride));
    free(texts);
    return EIN_OK;
}

/* Columns that opening does not read; reading checks them. */
static ein_status check_columns(ein_corpus *corpus) {
    static const char *const fixed[] = {"patient",  "cohort",      "site",
                                        "acquired", "source_file", "source_sha256"};
    static const char *const rejected[] = {"rejected/path", "rejected/record_id", "rejected/reason"};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) EIN_TRY(check_texts(corpus, fixed[i]));
    for (size_t i = 0; i < sizeof rejected / sizeof *rejected && ein_corpus_rejected(corpus) > 0; i++)
        EIN_TRY(check_texts(corpus, rejected[i]));
    for (int i = 0; i < ein_corpus_text_count(corpus); i++) {
        char name[EIN_CORPUS_MAX_NAME_BYTES + 8];
        snprintf(name, sizeof name, "text/%s", ein_corpus_text_name(corpus, i));
        EIN_TRY(check_texts(corpus, name));
    }
    int64_t n = ein_corpus_records(corpus), leads = ein_corpus_contract(corpus)->n_leads;
    float *label;
    uint32_t *quality;
    EIN_TRY(EIN_NEW(label, n));
    ein_status status = EIN_OK;
    for (int i = 0; i < ein_corpus_label_count(corpus) && status == EIN_OK; i++)
        status = ein_corpus_label(corpus, ein_corpus_label_name(corpus, i), label);
    free(label);
    EIN_TRY(status);
    EIN_TRY(EIN_NEW(quality, n * leads));
    status = ein_corpus_lead_quality(corpus, quality);
    free(quality);
    return status;
}

/* Every rank checks its share of the blocks. Collective. */
static ein_status verify(ein_inspection *look, ein_corpus *corpus) {
    int64_t first, count, damaged = 0;
    int rank = ein_comm_rank(look->comm);
    ein_share(ein_corpus_blocks(corpus), rank, ein_comm_size(look->comm), &first, &count);
    ein_status status = ein_corpus_verify(corpus, first, count, &damaged);
    EIN_TRY(ein_comm_agree(look->comm, status == EIN_CORRUPT ? EIN_OK : status));
    EIN_TRY(ein_comm_sum_i64(look->comm, &damaged, 1));
    if (rank == 0) ein_put_int(look->out, "damaged_blocks", damaged);
    EIN_TRY(ein_comm_agree(look->comm, status));
    return ein_comm_share(look->comm, rank == 0 ? check_columns(corpus) : EIN_OK);
}

ein_status ein_inspect_hdf5(ein_inspection *look) {
    ein_corpus *corpus;
    int rank = ein_comm_rank(look->comm);
    int64_t scores = rank == 0 && ein_is_scores(look->path);
    EIN_TRY(ein_comm_max_i64(look->comm, &scores, 1));
    if (scores) return ein_comm_share(look->comm, rank == 0 ? ein_inspect_scores(look) : EIN_OK);
    int64_t embeddings = rank == 0 && ein_is_embeddings(look->path);
    EIN_TRY(ein_comm_max_i64(look->comm, &embeddings, 1));
    if (embeddings) return ein_comm_share(look->comm, rank == 0 ? ein_inspect_embeddings(look) : EIN_OK);
    if (rank == 0) ein_put_text(look->out, "kind", "HDF5 file");
    EIN_TRY(ein_corpus_open(look->comm, look->path, &corpus));
    ein_status status =
        ein_comm_share(look->comm, rank == 0 ? describe(look->out, corpus, look->rejected) : EIN_OK);
    if (status == EIN_OK && look->verify) status = verify(look, corpus);
    ein_corpus_close(corpus);
    return status;
}
