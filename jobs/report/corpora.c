/* Counting a study's corpora: who is in them, what was left out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/signal/quality.h"
#include "io/corpus/corpus.h"
#include "io/formats/json.h"
#include "jobs/options/split_options.h"
#include "jobs/report/report.h"

enum { MAX_LABELS = 200 };

static void count_one(json_t *counts, const char *key) {
    json_t *name = ein_json_text(key);
    const char *text = json_string_value(name);
    if (text)
        json_object_set_new(counts, text,
                            json_integer(json_integer_value(json_object_get(counts, text)) + 1));
    json_decref(name);
}

static int by_value(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static ein_status count_patients(ein_report_corpus *c, ein_corpus *corpus) {
    uint64_t *key;
    EIN_TRY(ein_patients_unknown(corpus, &c->unknown_patients));
    EIN_TRY(EIN_NEW(key, c->records));
    memcpy(key, ein_corpus_patients(corpus), (size_t)c->records * sizeof *key);
    qsort(key, (size_t)c->records, sizeof *key, by_value);
    for (int64_t i = 0; i < c->records; i++) c->patients += i == 0 || key[i] != key[i - 1];
    free(key);
    return EIN_OK;
}

static void count_persons(ein_report_corpus *c, const ein_corpus *corpus) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < c->records; i++) {
        const int8_t sex = ein_corpus_sex(corpus)[i];
        const double age = (double)ein_corpus_age(corpus)[i];
        c->male += sex == EIN_SEX_MALE;
        c->female += sex == EIN_SEX_FEMALE;
        c->sex_unknown += sex != EIN_SEX_MALE && sex != EIN_SEX_FEMALE;
        if (!isfinite(age)) continue;
        if (c->ages == 0 || age < c->age_min) c->age_min = age;
        if (c->ages == 0 || age > c->age_max) c->age_max = age;
        sum += age;
        c->ages++;
    }
    c->age_mean = c->ages ? sum / (double)c->ages : (double)NAN;
    for (int64_t i = 0; i < c->records; i++) {
        const double age = (double)ein_corpus_age(corpus)[i];
        if (isfinite(age)) squares += (age - c->age_mean) * (age - c->age_mean);
    }
    c->age_sd = c->ages > 1 ? sqrt(squares / (double)(c->ages - 1)) : (double)NAN;
}

static void count_flags(ein_report_corpus *c, const ein_corpus *corpus) {
    for (int64_t i = 0; i < c->records; i++) {
        const uint32_t flags = ein_corpus_quality(corpus)[i] & ~(uint32_t)EIN_QUALITY_DERIVED;
        c->flagged += flags != 0;
        c->duplicates += (flags & EIN_QUALITY_DUPLICATE) != 0;
        for (int bit = 0; bit < EIN_QUALITY_BITS; bit++)
            if (flags >> bit & 1) count_one(c->flags, ein_quality_name(bit));
    }
}

/* Columns of numbers: how many are known, how many are 1 where there is nothing but 0 and 1, else mean and SD. */
static ein_status count_label(ein_report_corpus *c, ein_corpus *corpus, const char *name, float *value) {
    int64_t n = 0, ones = 0;
    bool two_valued = true;
    double sum = 0, squares = 0;
    EIN_TRY(ein_corpus_label(corpus, name, value));
    for (int64_t i = 0; i < c->records; i++) {
        const double v = (double)value[i];
        if (!isfinite(v)) continue;
        n++;
        ones += value[i] >= 1 && value[i] <= 1;
        two_valued = two_valued && ((value[i] >= 0 && value[i] <= 0) || (value[i] >= 1 && value[i] <= 1));
        sum += v;
    }
    const double mean = n ? sum / (double)n : (double)NAN;
    for (int64_t i = 0; i < c->records; i++)
        if (isfinite(value[i])) squares += ((double)value[i] - mean) * ((double)value[i] - mean);
    ein_json_builder b = {0};
    json_t *x = ein_json_put_object(&b, c->labels, name);
    ein_json_put_int(&b, x, "n", n);
    ein_json_put_int(&b, x, "ones", ones);
    ein_json_put_bool(&b, x, "two_valued", two_valued);
    ein_json_put_real(&b, x, "mean", mean);
    ein_json_put_real(&b, x, "sd", n > 1 ? sqrt(squares / (double)(n - 1)) : (double)NAN);
    return ein_json_done(&b, "the counts of a corpus");
}

static ein_status count_labels(ein_report_corpus *c, ein_corpus *corpus) {
    /* What a recording or a table tells of itself, not of the person. */
    static const char *const passed[] = {"fs", "n_samples", "synthetic", "visit", "strat_fold"};
    float *value;
    ein_status status = EIN_OK;
    EIN_TRY(EIN_NEW(value, c->records));
    for (int k = 0; k < ein_corpus_label_count(corpus) && k < MAX_LABELS && status == EIN_OK; k++) {
        const char *name = ein_corpus_label_name(corpus, k);
        bool pass = false;
        for (size_t i = 0; i < sizeof passed / sizeof *passed; i++)
            pass = pass || strcmp(name, passed[i]) == 0;
        if (!pass) status = count_label(c, corpus, name, value);
    }
    free(value);
    return status;
}

static ein_status count_rejected(ein_report_corpus *c, ein_corpus *corpus) {
    char *reason;
    int64_t stride;
    c->rejected = ein_corpus_rejected(corpus);
    if (c->rejected == 0) return EIN_OK;
    EIN_TRY(ein_corpus_texts(corpus, "rejected/reason", &reason, &stride));
    for (int64_t i = 0; i < c->rejected; i++) count_one(c->reasons, reason + i * stride);
    free(reason);
    return EIN_OK;
}

static ein_status count(ein_report_corpus *c, ein_corpus *corpus) {
    c->records = ein_corpus_records(corpus);
    EIN_TRY(count_patients(c, corpus));
    count_persons(c, corpus);
    count_flags(c, corpus);
    EIN_TRY(count_labels(c, corpus));
    return count_rejected(c, corpus);
}

/* Names of files, each with its NUL, for all ranks. */
static ein_status list_paths(ein_report *r, char **out, int64_t *bytes) {
    *bytes = 0;
    EIN_TRY(EIN_NEW(r->corpus, r->study ? r->study->n_cohorts + 1 : 1));
    if (!r->study) return EIN_OK;
    for (int i = 0; i < r->plan->n; i++)
        if (r->plan->cell[i].stage == EIN_STUDY_INGEST)
            *bytes += (int64_t)strlen(r->plan->cell[i].output) + 1;
    EIN_TRY(EIN_NEW(*out, *bytes + 1));
    char *at = *out;
    for (int i = 0; i < r->plan->n; i++) {
        const ein_study_cell *cell = &r->plan->cell[i];
        if (cell->stage != EIN_STUDY_INGEST || cell->cohort < 0) continue;
        const ein_study_cohort *cohort = &r->study->cohort[cell->cohort];
        ein_report_corpus *c = &r->corpus[r->n_corpora++];
        snprintf(c->name, sizeof c->name, "%s", cohort->name);
        c->title = cohort->title;
        c->labels = json_object();
        c->reasons = json_object();
        c->flags = json_object();
        at = stpcpy(at, cell->output) + 1;
    }
    return EIN_OK;
}

/* Count; and draw records of the first corpus that the model was not pretrained on. */
static ein_status look(ein_report *r, int i, ein_corpus *corpus) {
    const ein_report_corpus *c = &r->corpus[i];
    const int pretrained = r->study->pretrain_cohort;
    EIN_TRY(count(&r->corpus[i], corpus));
    if (pretrained < 0 || strcmp(r->study->cohort[pretrained].name, c->name) == 0) return EIN_OK;
    return ein_report_reconstruct(r, corpus, c->name);
}

/* The current message without the rank that found it, so that the page does not depend on how many there are. */
static char *why_not(void) {
    const char *message = ein_error_message(),
               *behind = strncmp(message, "rank ", 5) == 0 ? strstr(message, ": ") : NULL;
    return strdup(behind ? behind + 2 : message);
}

ein_status ein_report_count_corpora(ein_report *r) {
    const bool root = ein_comm_rank(r->comm) == 0;
    char *paths = NULL;
    int64_t bytes = 0;
    ein_status status = ein_comm_share(r->comm, root ? list_paths(r, &paths, &bytes) : EIN_OK);
    if (status == EIN_OK) status = ein_comm_bcast_bytes(r->comm, &paths, &bytes);
    int i = 0;
    for (const char *path = paths; status == EIN_OK && path && path < paths + bytes;
         path += strlen(path) + 1, i++) {
        ein_corpus *corpus;
        ein_status opened = ein_corpus_open(r->comm, path, &corpus);
        if (opened == EIN_OK) {
            opened = root ? look(r, i, corpus) : EIN_OK;
            opened = ein_comm_share(r->comm, opened);
            ein_corpus_close(corpus);
        }
        if (opened == EIN_COMM || opened == EIN_NOMEM) status = opened;
        if (opened != EIN_OK && status == EIN_OK && root) r->corpus[i].why = why_not();
    }
    free(paths);
    return status;
}
