#include "jobs/options/split_options.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FOLDS = 1024 };

const ein_option ein_table_split[] = {
    {"split.by", EIN_OPT_CHOICE, NULL, EIN_UNBOUNDED, "hash|fold|kfold", "",
     "hash: fractions of patients; fold: a column of folds; kfold: cross-validation over patients; unset: "
     "hash, or in pretrain data.validation_fraction alone"},
    {"split.column", EIN_OPT_STRING, "strat_fold", EIN_UNBOUNDED, NULL, "",
     "fold: label column with the folds"},
    {"split.valid", EIN_OPT_LIST, "9", EIN_UNBOUNDED, NULL, "", "fold: folds to validate on"},
    {"split.test", EIN_OPT_LIST, "10", EIN_UNBOUNDED, NULL, "", "fold: folds to test on; the others train"},
    {"split.without_fold", EIN_OPT_CHOICE, "none", EIN_UNBOUNDED, "none|train", "",
     "fold: what records without a fold are for"},
    {"split.k", EIN_OPT_INT, "5", 2, 1000, NULL, "folds", "kfold: number of folds"},
    {"split.fold", EIN_OPT_INT, "0", 0, 999, NULL, "", "kfold: the fold to test on, from 0"},
    {"split.valid_fraction", EIN_OPT_REAL, "0.1", 0, 0.9, NULL, "",
     "hash: of patients, to validate on; kfold: of those that are not tested"},
    {"split.test_fraction", EIN_OPT_REAL, "0.2", 0, 0.9, NULL, "", "hash: of patients, to test on"},
    {"split.seed", EIN_OPT_INT, "1", 0, 9.0e15, NULL, "", "key of the split; train.seed does not move it"},
    {"split.label_fraction", EIN_OPT_REAL, "1", 1e-9, 1, NULL, "",
     "of the training patients that are used; smaller fractions are parts of larger ones"},
    {"split.label_fraction_valid", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "the same fraction of the patients to validate on"},
    {0},
};

/* --- options ----------------------------------------------------------------------------------------------- */

static bool is_by(const ein_config *config, const char *by) {
    const char *given = ein_config_string(config, "split.by");
    return strcmp(given ? given : "hash", by) == 0;
}

static ein_status read_folds(const ein_config *config, const char *key, int64_t *out, int *n) {
    *n = ein_config_list_count(config, key);
    if (*n > MAX_FOLDS) return ein_error(EIN_USAGE, "%s: %d folds; at most %d", key, *n, MAX_FOLDS);
    for (int i = 0; i < *n; i++) {
        const char *text = ein_config_list_item(config, key, i);
        char *end;
        out[i] = strtoll(text, &end, 10);
        if (end == text || *end || out[i] < -1000000 || out[i] > 1000000)
            return ein_error(EIN_USAGE, "%s: '%.40s' is not a fold: folds are whole numbers", key, text);
    }
    return EIN_OK;
}

/* Two records by their ids, where core knows their places only. */
static ein_status name_pair(const ein_config *config, const ein_corpus *corpus, const uint8_t *part,
                            const int64_t pair[2]) {
    return ein_error(EIN_MISMATCH,
                     "records %s (%s) and %s (%s) of %s are of one patient, but column %s puts them into two "
                     "parts; split.by=hash splits by patient",
                     ein_corpus_record_id(corpus, pair[0]), ein_split_part_name(part[pair[0]]),
                     ein_corpus_record_id(corpus, pair[1]), ein_split_part_name(part[pair[1]]),
                     ein_corpus_path(corpus), ein_config_string(config, "split.column"));
}

/* A fold that no record has is a slip, and a run that tests on nothing would end without a word. */
static ein_status check_filled(const ein_config *config, const uint8_t *part, int64_t N, const char *key,
                               ein_split_part which, int n_folds) {
    if (n_folds == 0) return EIN_OK;
    for (int64_t i = 0; i < N; i++)
        if (part[i] == which) return EIN_OK;
    return ein_error(EIN_USAGE, "%s: no record has such a fold in column %s; %s=[] for none", key,
                     ein_config_string(config, "split.column"), key);
}

static ein_status split_by_fold(const ein_config *config, ein_corpus *corpus, ein_split_options *o,
                                uint8_t *part) {
    const int64_t N = ein_corpus_records(corpus);
    const uint64_t *patient = ein_corpus_patients(corpus);
    int64_t valid[MAX_FOLDS], test[MAX_FOLDS], pair[2];
    float *folds;
    EIN_TRY(read_folds(config, "split.valid", valid, &o->n_valid_folds));
    EIN_TRY(read_folds(config, "split.test", test, &o->n_test_folds));
    o->valid_folds = valid;
    o->test_folds = test;
    o->without_fold_trains = strcmp(ein_config_string(config, "split.without_fold"), "train") == 0;
    EIN_TRY(EIN_NEW(folds, N));
    o->folds = folds;
    ein_status status = ein_corpus_label(corpus, ein_config_string(config, "split.column"), folds);
    if (status == EIN_NOTFOUND) status = ein_error_context(EIN_USAGE, "split.column");
    if (status == EIN_OK) status = ein_error_context(ein_split(part, patient, N, o), "split.by=fold");
    if (status == EIN_MISMATCH && ein_split_check(part, patient, N, pair) == EIN_MISMATCH)
        status = name_pair(config, corpus, part, pair);
    free(folds);
    if (status == EIN_OK)
        status = check_filled(config, part, N, "split.valid", EIN_SPLIT_VALID, o->n_valid_folds);
    if (status == EIN_OK)
        status = check_filled(config, part, N, "split.test", EIN_SPLIT_TEST, o->n_test_folds);
    return status;
}

static ein_status split(const ein_config *config, ein_corpus *corpus, uint8_t *part) {
    ein_split_options o = {.kind = is_by(config, "fold")    ? EIN_SPLIT_FOLD
                                   : is_by(config, "kfold") ? EIN_SPLIT_KFOLD
                                                            : EIN_SPLIT_HASH,
                           .seed = (uint64_t)ein_config_int(config, "split.seed"),
                           .valid_fraction = ein_config_real(config, "split.valid_fraction"),
                           .test_fraction = ein_config_real(config, "split.test_fraction"),
                           .k = (int)ein_config_int(config, "split.k"),
                           .fold = (int)ein_config_int(config, "split.fold"),
                           .label_fraction = ein_config_real(config, "split.label_fraction"),
                           .label_fraction_valid = ein_config_bool(config, "split.label_fraction_valid")};
    if (o.kind == EIN_SPLIT_FOLD) return split_by_fold(config, corpus, &o, part);
    return ein_error_context(ein_split(part, ein_corpus_patients(corpus), ein_corpus_records(corpus), &o),
                             "split.by=%s", is_by(config, "kfold") ? "kfold" : "hash");
}

ein_status ein_split_from_config(const ein_config *config, ein_corpus *corpus, uint8_t **part) {
    EIN_TRY(EIN_NEW(*part, ein_corpus_records(corpus)));
    const ein_status status = split(config, corpus, *part);
    if (status == EIN_OK) return EIN_OK;
    free(*part);
    *part = NULL;
    return status;
}

bool ein_split_is_default(const ein_config *config) {
    for (const ein_option *o = ein_table_split; o->key; o++) {
        if (o->type == EIN_OPT_REAL && ein_config_real(config, o->key) != strtod(o->initial, NULL))
            return false;
        if (o->type == EIN_OPT_INT && ein_config_int(config, o->key) != strtoll(o->initial, NULL, 10))
            return false;
        if (o->type == EIN_OPT_STRING && strcmp(ein_config_string(config, o->key), o->initial) != 0)
            return false;
        if (o->type == EIN_OPT_BOOL && ein_config_bool(config, o->key)) return false;
        if (o->type == EIN_OPT_CHOICE &&
            strcmp(o->initial ? o->initial : "",
                   ein_config_string(config, o->key) ? ein_config_string(config, o->key) : "") != 0)
            return false;
        if (o->type == EIN_OPT_LIST && (ein_config_list_count(config, o->key) != 1 ||
                                        strcmp(ein_config_list_item(config, o->key, 0), o->initial) != 0))
            return false;
    }
    return true;
}

/* --- summary ----------------------------------------------------------------------------------------------- */

static void print_rule(FILE *stream, const ein_config *config) {
    if (is_by(config, "fold"))
        fprintf(stream, "split                by column %s\n", ein_config_string(config, "split.column"));
    else if (is_by(config, "kfold"))
        fprintf(stream,
                "split                fold %" PRId64 " of %" PRId64 " (0 to %" PRId64
                ") over patients, seed %" PRId64 "\n",
                ein_config_int(config, "split.fold"), ein_config_int(config, "split.k"),
                ein_config_int(config, "split.k") - 1, ein_config_int(config, "split.seed"));
    else
        fprintf(stream, "split                %g of patients to validate, %g to test, seed %" PRId64 "\n",
                ein_config_real(config, "split.valid_fraction"),
                ein_config_real(config, "split.test_fraction"), ein_config_int(config, "split.seed"));
    if (ein_config_real(config, "split.label_fraction") < 1)
        fprintf(stream, "                     %g of the training patients%s\n",
                ein_config_real(config, "split.label_fraction"),
                ein_config_bool(config, "split.label_fraction_valid") ? " and of those to validate on" : "");
}

ein_status ein_patients_unknown(ein_corpus *corpus, int64_t *unknown) {
    char *patient = NULL;
    int64_t stride = 0;
    *unknown = 0;
    EIN_TRY(ein_corpus_texts(corpus, "patient", &patient, &stride));
    for (int64_t i = 0; i < ein_corpus_records(corpus); i++) *unknown += patient[i * stride] == '\0';
    free(patient);
    return EIN_OK;
}

ein_status ein_patients_warning(ein_corpus *corpus, char *out, size_t room) {
    int64_t unknown = 0;
    out[0] = '\0';
    EIN_TRY(ein_patients_unknown(corpus, &unknown));
    if (unknown > 0)
        snprintf(
            out, room,
            "WARNING: the patient of %" PRId64 " of %" PRId64
            " records is not known; each of them counts as a patient of its own, so that one person may stand on "
            "both sides of a split and results look better than they are (einthoven ingest --patient-column)",
            unknown, ein_corpus_records(corpus));
    return EIN_OK;
}

ein_status ein_split_print(FILE *stream, const ein_config *config, ein_corpus *corpus, const uint8_t *part) {
    static const ein_split_part order[] = {EIN_SPLIT_TRAIN, EIN_SPLIT_VALID, EIN_SPLIT_TEST, EIN_SPLIT_NONE};
    ein_split_counts c;
    EIN_TRY(ein_split_count(part, ein_corpus_patients(corpus), ein_corpus_records(corpus), &c));
    print_rule(stream, config);
    for (int i = 0; i < EIN_SPLIT_PARTS; i++)
        fprintf(stream, "                     %-6s %10" PRId64 " records of %" PRId64 " patients\n",
                order[i] == EIN_SPLIT_NONE ? "unused" : ein_split_part_name(order[i]), c.records[order[i]],
                c.patients[order[i]]);
    char warning[400];
    EIN_TRY(ein_patients_warning(corpus, warning, sizeof warning));
    if (warning[0]) fprintf(stream, "%s\n", warning);
    return EIN_OK;
}
