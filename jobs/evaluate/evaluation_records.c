/* The records that models are judged by: part of the split, not seen in training, leads, labels. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/config/table.h"
#include "io/corpus/seen.h"
#include "jobs/evaluate/evaluation.h"
#include "jobs/options/seen_options.h"
#include "jobs/options/split_options.h"
#include "jobs/options/task_library.h"

ein_status ein_evaluation_choose_part(ein_evaluation *e) {
    static const char *const names[] = {"train", "valid", "test"};
    static const ein_split_part parts[] = {EIN_SPLIT_TRAIN, EIN_SPLIT_VALID, EIN_SPLIT_TEST};
    const char *wanted = ein_config_string(e->job->config, "evaluate.part");
    const int64_t N = ein_corpus_records(e->corpus);
    if (strcmp(wanted, "all") == 0) {
        EIN_TRY(EIN_NEW(e->part, N));
        memset(e->part, EIN_SPLIT_TEST, (size_t)N);
        char warning[400] = "";
        if (ein_evaluation_is_root(e)) EIN_TRY(ein_patients_warning(e->corpus, warning, sizeof warning));
        if (warning[0]) puts(warning);
        return EIN_OK;
    }
    EIN_TRY(ein_split_from_config(e->job->config, e->corpus, &e->part));
    /* The split that finetune printed must stand here again: nothing else tells that its keys were given again. */
    if (ein_evaluation_is_root(e)) EIN_TRY(ein_split_print(stdout, e->job->config, e->corpus, e->part));
    for (int i = 0; i < 3; i++) {
        if (strcmp(wanted, names[i]) != 0) continue;
        /* From here on "test" means: what is evaluated. */
        for (int64_t r = 0; r < N; r++) e->part[r] = e->part[r] == parts[i] ? EIN_SPLIT_TEST : EIN_SPLIT_NONE;
    }
    return EIN_OK;
}

/* The same recording twice among those that are scored, as of two cohorts, counts twice in every figure. */
static ein_status warn_of_copies(ein_evaluation *e) {
    char *same;
    int64_t stride, n = 0, first = -1;
    if (ein_corpus_version(e->corpus) < 2) return EIN_OK;
    EIN_TRY(ein_corpus_texts(e->corpus, "same_as", &same, &stride));
    for (int64_t r = 0; r < ein_corpus_records(e->corpus); r++) {
        if (e->part[r] != EIN_SPLIT_TEST || !same[r * stride]) continue;
        if (n++ == 0) first = r;
    }
    if (n > 0)
        fprintf(
            stderr,
            "einthoven evaluate: warning: %" PRId64
            " of the records are the same recording as another of the corpus (first: %s is %s), so they are no "
            "evidence of their own\n",
            n, ein_corpus_record_id(e->corpus, first), same + first * stride);
    free(same);
    return EIN_OK;
}

ein_status ein_evaluation_check_seen(ein_evaluation *e) {
    ein_seen_secret secret;
    EIN_TRY(ein_seen_secret_from_config(e->job->config, &secret));
    if (ein_evaluation_is_root(e)) EIN_TRY(warn_of_copies(e));
    for (int m = 0; m < e->n_models; m++) {
        ein_seen_match match;
        const char *text = e->model[m].info.training_records;
        if (ein_evaluation_is_root(e)) ein_seen_warn("evaluate", e->model[m].path, text, &secret);
        const ein_status status = ein_seen_check(text, e->model[m].path, e->corpus, e->part, &secret, &match);
        if (match.found > e->seen) e->seen = match.found;
        if (match.alike > e->alike) e->alike = match.alike;
        if (ein_evaluation_is_root(e)) ein_seen_warn_alike("evaluate", e->model[m].path, &match);
        if (status == EIN_OK || (status == EIN_MISMATCH && e->allow_seen)) continue;
        return status;
    }
    return EIN_OK;
}

ein_status ein_evaluation_choose_leads(ein_evaluation *e) {
    const ein_config *c = e->job->config;
    const ein_contract *contract = ein_corpus_contract(e->corpus);
    const int n = ein_config_list_count(c, "evaluate.leads");
    e->all_leads = n == 0;
    for (int l = 0; l < contract->n_leads; l++) e->lead_present[l] = n == 0;
    for (int i = 0; i < n; i++) {
        const char *name = ein_config_list_item(c, "evaluate.leads", i);
        int found = 0;
        for (int l = 0; l < contract->n_leads; l++)
            if (strcasecmp(ein_lead_name(contract->lead[l]), name) == 0) {
                e->lead_present[l] = true;
                found = 1;
            }
        if (!found) return ein_error(EIN_USAGE, "evaluate.leads: the corpus has no lead %s", name);
    }
    return EIN_OK;
}

static int compare_ids(const void *left, const void *right, void *context) {
    const ein_evaluation *e = context;
    const int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    const int order = strverscmp(ein_corpus_record_id(e->corpus, e->record[a]),
                                 ein_corpus_record_id(e->corpus, e->record[b]));
    return order ? order : (a > b) - (a < b);
}

/* All models and probes are judged by the same records. */
static void drop_without_features(ein_evaluation *e) {
    int64_t kept = 0;
    for (int64_t i = 0; i < e->n; i++) {
        bool has = true;
        for (int m = 0; m < e->n_models; m++) {
            const double *logit = e->model[m].all_logits;
            if (logit) has = has && !isnan(logit[e->record[i] * e->model[m].meaning->n_targets]);
        }
        if (has)
            e->record[kept++] = e->record[i];
        else
            e->part[e->record[i]] = EIN_SPLIT_NONE;
    }
    e->n = kept;
}

ein_status ein_evaluation_choose_records(ein_evaluation *e) {
    const int64_t N = ein_corpus_records(e->corpus);
    EIN_TRY(EIN_NEW(e->record, N));
    e->n = ein_split_list(e->part, N, EIN_SPLIT_TEST, e->record);
    drop_without_features(e);
    if (e->n == 0)
        return ein_error(EIN_USAGE, "evaluate.part %s: no record of %s is in it",
                         ein_config_string(e->job->config, "evaluate.part"), ein_corpus_path(e->corpus));
    EIN_TRY(EIN_NEW(e->by_id, e->n));
    for (int64_t i = 0; i < e->n; i++) e->by_id[i] = i;
    qsort_r(e->by_id, (size_t)e->n, sizeof *e->by_id, compare_ids, e);
    return EIN_OK;
}

ein_status ein_evaluation_build_targets(ein_evaluation *e) {
    ein_targets_tables tables;
    EIN_TRY(ein_label_tables(e->job->config, &tables));
    tables.absent_ok = true;
    const ein_status status =
        ein_targets_build(e->comm, &e->model[0].meaning->tasks, e->corpus, e->part, &tables, &e->targets);
    ein_label_tables_free(&tables);
    return status;
}
