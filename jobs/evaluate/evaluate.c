/* evaluate: options and outputs; what is evaluated is a table of scores or a model. */
#include "jobs/evaluate/evaluate.h"

#include <string.h>

#include "io/formats/json.h"
#include "jobs/options/seen_options.h"
#include "jobs/options/split_options.h"
#include "jobs/options/tables.h"
#include "jobs/options/task_library.h"
#include "jobs/sites/site.h"
#include "mpi/watchdog.h"

/* clang-format off */
static const ein_option table_evaluate[] = {
    {"evaluate.scores", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "CSV table of scores, one row per record"},
    {"evaluate.label", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "columns of labels: 1 or 0; empty or NA where not known"},
    {"evaluate.target", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "columns of measured quantities, for scores that predict a number"},
    {"evaluate.score", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "columns of scores, one per model; {label} in a name stands for the label's or target's column"},
    {"evaluate.id", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column of record ids, each once; unset: records have no names, messages say the line"},
    {"evaluate.cluster", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column of patients: intervals follow patients, not records; unset: every record is a patient"},
    {"evaluate.subgroup", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "columns whose values are subgroups"},
    {"evaluate.bands", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "cut numbers into subgroups: \"age:50,65,80\"; several apart by ';'"},
    {"evaluate.threshold", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "thresholds chosen on other records: 0.5 for all scores, or COLUMN:0.42 for one"},
    {"evaluate.cohort", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "what to call these records in outputs"},
    {"evaluate.level", EIN_OPT_REAL, "0.95", 0.5, 0.9999, NULL, "", "of all intervals"},
    {"evaluate.variance", EIN_OPT_CHOICE, "auto", EIN_UNBOUNDED, "auto|delong|clustered", "",
     "of AUROCs; auto: clustered by patient as soon as one repeats; delong: records as independent"},
    {"evaluate.replicates", EIN_OPT_INT, "2000", 0, 1000000, NULL, "",
     "resamples of patients in the bootstrap; 0: none"},
    {"evaluate.seed", EIN_OPT_INT, "1", 0, 9.0e15, NULL, "", "draws the bootstrap"},
    {"evaluate.probabilities", EIN_OPT_CHOICE, "auto", EIN_UNBOUNDED, "auto|yes|no", "",
     "are scores probabilities, to be judged by their calibration; auto: if all lie in 0..1"},
    {"evaluate.adjust", EIN_OPT_CHOICE, "holm", EIN_UNBOUNDED, "holm|hochberg|hommel|bh|by|bonferroni|none", "",
     "adjusts the p values of several comparisons"},
    {"evaluate.minimum", EIN_OPT_INT, "10", 1, 1000000, NULL, "records",
     "positives, and negatives, below which a subgroup is suppressed, and a target left out of averages"},
    {"evaluate.json", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "write everything to this JSON file"},
    {"evaluate.csv", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "write one row per statistic to this table"},
    {"evaluate.excluded", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "write the records that had to be left out, and why, to this table"},
    {"evaluate.overwrite", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "replace earlier results"},
    {"evaluate.listed", EIN_OPT_INT, "1000", 0, 1000000000, NULL, "records",
     "left-out records named in the JSON file; 0 keeps record ids out of it"},
    {0},
};
/* clang-format on */

static ein_adjust_method adjust_method(const char *name) {
    for (int i = 0; i < EIN_ADJUST_COUNT; i++)
        if (!strcmp(ein_adjust_name(i), name)) return i;
    ein_bug(__FILE__, __LINE__, "a choice without method");
}

ein_metrics_options ein_evaluate_options(const ein_config *config) {
    ein_metrics_options o = EIN_METRICS_DEFAULTS;
    const char *variance = ein_config_string(config, "evaluate.variance");
    const char *probabilities = ein_config_string(config, "evaluate.probabilities");
    o.level = ein_config_real(config, "evaluate.level");
    o.variance = !strcmp(variance, "delong")      ? EIN_ROC_DELONG
                 : !strcmp(variance, "clustered") ? EIN_ROC_CLUSTERED
                                                  : EIN_ROC_AUTO;
    o.replicates = ein_config_int(config, "evaluate.replicates");
    o.seed = (uint64_t)ein_config_int(config, "evaluate.seed");
    o.probabilities = !strcmp(probabilities, "yes")  ? EIN_METRICS_YES
                      : !strcmp(probabilities, "no") ? EIN_METRICS_NO
                                                     : EIN_METRICS_AUTO;
    o.adjust = adjust_method(ein_config_string(config, "evaluate.adjust"));
    o.minimum = ein_config_int(config, "evaluate.minimum");
    return o;
}

/* --- outputs ----------------------------------------------------------------------------------------------- */

static ein_status begin_json(ein_evaluate_output *out, json_t *source) {
    ein_json_builder b = {false};
    char program[64], *yaml = NULL;
    EIN_TRY(ein_config_to_yaml(out->config, &yaml));
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    out->root = json_object();
    ein_json_put_text(&b, out->root, "format", "einthoven evaluation");
    ein_json_put_int(&b, out->root, "version", 1);
    ein_json_put_bool(&b, out->root, "complete", true);
    ein_json_put_text(&b, out->root, "program", program);
    if (source) ein_json_put(&b, out->root, "source", json_incref(source));
    ein_json_put_text(&b, out->root, "configuration", yaml);
    free(yaml);
    out->results = ein_json_put_array(&b, out->root, "results");
    return ein_json_done(&b, "the evaluation as JSON");
}

ein_status ein_evaluate_open(ein_evaluate_output *out, const ein_config *config, json_t *source) {
    static const char *const excluded_columns[] = {"label", "cohort", "record", "reason"};
    const char *csv = ein_config_string(config, "evaluate.csv");
    const char *excluded = ein_config_string(config, "evaluate.excluded");
    const char *const paths[] = {ein_config_string(config, "evaluate.json"), csv, excluded};
    *out = (ein_evaluate_output){.config = config};
    ein_status status = begin_json(out, source);
    json_decref(source);
    if (status == EIN_OK)
        status =
            ein_outputs_begin(paths, 3, NULL, ein_config_bool(config, "evaluate.overwrite"), &out->files);
    if (status == EIN_OK && csv)
        status = ein_csv_create(csv, ein_metrics_columns, EIN_METRICS_COLUMNS, &out->csv);
    if (status == EIN_OK && excluded) status = ein_csv_create(excluded, excluded_columns, 4, &out->excluded);
    return status;
}

static void put_excluded(ein_evaluate_output *out, const ein_metrics *m) {
    for (int64_t i = 0; i < ein_metrics_excluded_count(m); i++) {
        unsigned reason;
        const char *record = ein_metrics_excluded(m, i, &reason);
        ein_csv_put(out->excluded, ein_metrics_label_name(m));
        ein_csv_put(out->excluded, ein_metrics_cohort(m));
        ein_csv_put(out->excluded, record);
        ein_csv_put(out->excluded, ein_metrics_reason_text(m, reason));
        ein_csv_end_row(out->excluded);
    }
}

ein_status ein_evaluate_put(ein_evaluate_output *out, const ein_metrics *m) {
    json_t *object;
    ein_json_builder b = {false};
    ein_metrics_print(m, stdout);
    ein_metrics_print_methods(m, stdout);
    if (out->csv) ein_metrics_csv(m, out->csv);
    EIN_TRY(ein_metrics_json(m, ein_config_int(out->config, "evaluate.listed"), &object));
    if (out->excluded) put_excluded(out, m);
    ein_json_put(&b, out->results, NULL, object);
    return ein_json_done(&b, "the evaluation as JSON");
}

ein_status ein_evaluate_close(ein_evaluate_output *out, bool keep) {
    const char *json = ein_config_string(out->config, "evaluate.json");
    ein_status status = ein_csv_finish(out->csv, keep);
    const ein_status more = ein_csv_finish(out->excluded, keep && status == EIN_OK);
    if (status == EIN_OK) status = more;
    if (status == EIN_OK && keep && json) status = ein_json_write(json, out->root);
    if (status == EIN_OK && keep && out->files) status = ein_outputs_publish(out->files);
    ein_outputs_end(out->files);
    json_decref(out->root);
    *out = (ein_evaluate_output){0};
    return status;
}

/* --- the job ----------------------------------------------------------------------------------------------- */

static bool is_given(const ein_config *c, const char *key) {
    const ein_option *o = table_evaluate;
    while (o->key && strcmp(o->key, key) != 0) o++;
    const bool of_model = !strcmp(key, "evaluate.models") || !strcmp(key, "evaluate.features");
    const bool list = !o->key ? of_model : o->type == EIN_OPT_LIST;
    return list ? ein_config_list_count(c, key) > 0 : ein_config_is_set(c, key);
}

/* An option of the other kind of evaluation would be passed over without a word. */
static ein_status check_kind(const ein_config *c, bool table) {
    static const char *const of_table[] = {"evaluate.label",     "evaluate.target",   "evaluate.score",
                                           "evaluate.id",        "evaluate.cluster",  "evaluate.bands",
                                           "evaluate.threshold", "evaluate.cohort",   "evaluate.json",
                                           "evaluate.csv",       "evaluate.excluded", NULL};
    static const char *const of_model[] = {"evaluate.models", "evaluate.features", "data.corpus",
                                           "evaluate.out", NULL};
    for (const char *const *key = table ? of_model : of_table; *key; key++) {
        if (!is_given(c, *key)) continue;
        return table
                   ? ein_error(
                         EIN_USAGE,
                         "%s is for the evaluation of a model, evaluate.scores for a table; give one of them",
                         *key)
                   : ein_error(
                         EIN_USAGE,
                         "%s is for a table of scores (--scores); with --model, labels and patients come from the "
                         "corpus, thresholds from the model, and everything is written to --out FOLDER",
                         *key);
    }
    return EIN_OK;
}

static const ein_option *const tables[] = {
    ein_table_evaluate_model, ein_table_seen_secret, ein_table_labels, table_evaluate,
    ein_table_site,           ein_table_split,       ein_table_peer,   NULL};

/* A plan's tables or models, one run after the other, then what may be sent. Collective. */
static ein_status run_plan(ein_job *job, const ein_option *const *all) {
    ein_site *site = NULL;
    ein_status status = ein_site_begin(job, all, &site);
    for (int i = 0; status == EIN_OK && i < ein_site_runs(site); i++) {
        ein_job one = *job;
        status = ein_comm_agree(job->comm, ein_site_config(site, i, &one.config));
        if (status == EIN_OK)
            status = ein_site_of_table(site) ? ein_evaluate_table(&one) : ein_evaluate_model(&one);
    }
    if (status == EIN_OK) status = ein_site_finish(site);
    ein_site_end(site);
    return status;
}

static ein_status run(ein_job *job) {
    const bool table = ein_config_is_set(job->config, "evaluate.scores");
    const bool plan = ein_config_is_set(job->config, "evaluate.plan");
    if (!plan &&
        (table || is_given(job->config, "evaluate.models") || is_given(job->config, "evaluate.features")))
        EIN_TRY(check_kind(job->config, table));
    EIN_TRY(ein_watch_peers(job->comm, job->config));
    const ein_status status = plan    ? run_plan(job, tables)
                              : table ? ein_evaluate_table(job)
                                      : ein_evaluate_model(job);
    ein_watchdog_stop();
    return status;
}

static const ein_flag flags[] = {{"--model", "[ARM=]FILE,...", "evaluate.models"},
                                 {"--features", "[ARM=]FILE,...", "evaluate.features"},
                                 {"--tasks", "NAME,...", "evaluate.tasks"},
                                 {"--corpus", "FILE", "data.corpus"},
                                 {"--part", "PART", "evaluate.part"},
                                 {"--records-key", "FILE", "run.records_key"},
                                 {"--out", "FOLDER", "evaluate.out"},
                                 {"--leads", "LEAD,...", "evaluate.leads"},
                                 {"--labels", "TABLE.csv", "data.labels"},
                                 {"--label-key", "COLUMN", "data.label_key"},
                                 {"--sex-codes", "male=1,female=2", "data.sex_codes"},
                                 {"--scores", "TABLE.csv", "evaluate.scores"},
                                 {"--label", "COL,...", "evaluate.label"},
                                 {"--target", "COL,...", "evaluate.target"},
                                 {"--score", "COL,...", "evaluate.score"},
                                 {"--id", "COL", "evaluate.id"},
                                 {"--cluster", "COL", "evaluate.cluster"},
                                 {"--subgroup", "COL,...", "evaluate.subgroup"},
                                 {"--threshold", "X,...", "evaluate.threshold"},
                                 {"--json", "FILE", "evaluate.json"},
                                 {"--csv", "FILE", "evaluate.csv"},
                                 {"--excluded", "FILE", "evaluate.excluded"},
                                 {"--overwrite", NULL, "evaluate.overwrite"},
                                 {"--plan", "FILE", "evaluate.plan"},
                                 {"--coordinator", "FILE.pub", "evaluate.coordinator"},
                                 {"--site", "NAME", "evaluate.site"},
                                 {"--site-key", "FILE", "evaluate.site_key"},
                                 {"--epsilon", "E", "evaluate.epsilon"},
                                 {0}};

const ein_command ein_command_evaluate = {
    .name = "evaluate",
    .summary = "scores and statistics with intervals: of models on a corpus, or of anybody's scores",
    .operands = "",
    .description =
        "Models that finetune made score the records of a corpus; labels come from the corpus or from label "
        "tables, by the\n"
        "tasks that stand in the model; thresholds are those of the model, chosen on validation records. "
        "Records that were\n"
        "used to train or select a model are refused. Models of one arm (ARM=FILE) are its seeds; arms are "
        "compared by patient\n"
        "bootstrap. scores.csv holds the corpus's pseudonymous patient keys, so that clustered intervals follow\n"
        "from it; evaluate.patient_keys=false leaves them out.\n\n"
        "    einthoven evaluate --model run/superclass/top-4-s1/model.safetensors --corpus other.h5 --out "
        "results/other\n"
        "    einthoven evaluate --model ssl=a.safetensors,scratch=b.safetensors --corpus corpus.h5 --part test \\\n"
        "        --subgroup sex,age --leads I,II --out results/limb\n\n"
        "Linear probes on embeddings (see embed) are evaluated in the same way, alone or beside models:\n\n"
        "    einthoven evaluate --features mean=mean.h5,cls=cls.h5 --tasks study/sex --corpus corpus.h5 \\\n"
        "        --set split.by=hash --part test --out results/probes\n\n"
        "The scores of any other model: a table has one row per record (ECG): labels, scores of one or more "
        "models, and, if there\n"
        "are any, record ids, patients and variables that make subgroups. Out come discrimination,\n"
        "calibration, decisions at given thresholds, comparisons of all pairs of models and of\n"
        "subgroups, each with its interval or the reason why there is none, and a description of\n"
        "the methods. With --cluster intervals follow patients, as they must when a patient has\n"
        "several ECGs. Records without label or score are counted and listed. The result has the\n"
        "same bytes on any number of ranks.\n\n"
        "    einthoven evaluate --scores scores.csv --label af --score ours,theirs \\\n"
        "        --id ecg --cluster patient --subgroup sex --threshold 0.3 --json af.json\n"
        "    einthoven evaluate --scores s.csv --label af,lvh --score '{label}_p' --csv all.csv\n"
        "    einthoven evaluate --scores s.csv --target ef --score ef_predicted --cluster patient\n"
        "    einthoven evaluate --scores s.csv --label af --score p \\\n"
        "        --set evaluate.bands=\"age:50,65,80\"",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
