/* Inside of an evaluation of models on a corpus: for evaluate_model.c and the files evaluation_*.c only.
 *
 * evaluate_model.c goes through the steps: models and probes (evaluation_models.c), the records that they are judged by
 * (evaluation_records.c), groups of them (evaluation_groups.c), scores and their files (evaluation_scores.c),
 * statistics and their files (evaluation_report.c). Every rank holds the same; rank 0 prints and writes.
 */
#ifndef EIN_JOBS_EVALUATE_EVALUATION_H
#define EIN_JOBS_EVALUATE_EVALUATION_H

#include "io/base/hash.h"
#include "io/corpus/corpus.h"
#include "io/model/model.h"
#include "io/tasks/targets.h"
#include "jobs/cli/command.h"
#include "jobs/evaluate/evaluate_folder.h"
#include "jobs/metrics/metrics.h"
#include "jobs/options/model_arms.h"
#include "jobs/options/model_tasks.h"

enum { EIN_EVALUATION_MOST_VARIABLES = 16 };

/* A model, or a linear probe on features, that is evaluated. */
typedef struct {
    char arm[EIN_ARM_NAME_BYTES];
    char name[80]; /* unique: the arm, or "arm.2" for its second model */
    const char *path;
    ein_model_info info;
    char hash[EIN_HASH_TEXT_BYTES];
    ein_layout *layout;
    float *param;
    ein_contract contract;
    ein_model_tasks *meaning;
    double *logit, *score; /* (n, targets) */
    bool calibrated;       /* a target has a map */
    /* (N, targets) of all records: of a probe on features; NULL: of a model, to be computed. */
    double *all_logits;
} ein_evaluation_model;

/* A variable that divides records into groups. */
typedef struct {
    ein_metrics_variable variable;
    int32_t *group; /* (n) */
    char **name;    /* (n_groups) */
} ein_evaluation_variable;

typedef struct {
    ein_job *job;
    ein_comm *comm;
    const char *out;
    int n_models, n_arms;
    ein_evaluation_model model[EIN_METRICS_MOST_MODELS];
    char arm_name[EIN_METRICS_MOST_MODELS][EIN_ARM_NAME_BYTES];
    int arm[EIN_METRICS_MOST_MODELS];
    ein_corpus *corpus;
    uint8_t *part;
    bool allow_seen;
    int64_t seen, alike, unknown_patients; /* of the records evaluated; rank 0 */
    ein_targets targets;
    int64_t n;
    int64_t *record; /* (n) in the corpus's order */
    int64_t *by_id;  /* (n) indices into `record` in the order of record ids, as statistics take them */
    bool lead_present[EIN_MAX_LEADS];
    bool all_leads;
    int threads;
    int n_variables;
    ein_evaluation_variable variable[EIN_EVALUATION_MOST_VARIABLES];
    char *cohort;
    ein_evaluate_folder *folder; /* rank 0 */
    char run[33];
} ein_evaluation;

static inline bool ein_evaluation_is_root(const ein_evaluation *e) {
    return ein_comm_rank(e->comm) == 0;
}

/* --- models and probes ------------------------------------------------------------------------------------- */

/* Read evaluate.models, which must be of the same tasks. Not collective. */
ein_status ein_evaluation_load_models(ein_evaluation *e);

/* Fit a linear probe on each of evaluate.features, which needs the corpus. Collective. */
ein_status ein_evaluation_load_probes(ein_evaluation *e);

/* EIN_MISMATCH unless the corpus was made under the model's contract. Not collective. */
ein_status ein_evaluation_check_contract(const ein_evaluation *e, const ein_evaluation_model *m);

/* --- records: in this order, on every rank, not collective --------------------------------------------------- */

/* Part: EIN_SPLIT_TEST is what is evaluated from here on. */
ein_status ein_evaluation_choose_part(ein_evaluation *e);

/* The list of records, and their order by ids. EIN_USAGE if there is none. */
ein_status ein_evaluation_choose_records(ein_evaluation *e);

/* EIN_MISMATCH if records were used to train or select a model, unless evaluate.allow_seen. Warns of the same recording
 * twice. */
ein_status ein_evaluation_check_seen(ein_evaluation *e);

/* Leads that models get: evaluate.leads. */
ein_status ein_evaluation_choose_leads(ein_evaluation *e);

/* The variables of evaluate.subgroup. */
ein_status ein_evaluation_make_groups(ein_evaluation *e);

/* Labels and values of the models' targets. Collective. */
ein_status ein_evaluation_build_targets(ein_evaluation *e);

/* --- scores ------------------------------------------------------------------------------------------------ */

/* Scores and logits of the records, on every rank. Collective. */
ein_status ein_evaluation_score(ein_evaluation *e, ein_evaluation_model *m);

/* The probability of record i after the model's calibration of a target; NaN if it has none. */
double ein_evaluation_calibrated(const ein_evaluation_model *m, int64_t i, int target);

/* A name of what was evaluated and of what came out, which all files of a folder share; then scores.csv and scores.h5.
 * Rank 0. */
ein_status ein_evaluation_name_run(ein_evaluation *e);
ein_status ein_evaluation_write_csv(const ein_evaluation *e);
ein_status ein_evaluation_write_h5(const ein_evaluation *e);

/* --- statistics -------------------------------------------------------------------------------------------- */

/* metrics.json, metrics.csv, metrics.txt: arms beside each other, then every target. Collective. */
ein_status ein_evaluation_report(ein_evaluation *e);

#endif
