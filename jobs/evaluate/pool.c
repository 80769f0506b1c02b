/* pool: read the studies, analyse them, print and write. Rank 0 works; others wait for its outcome. */
#include "jobs/evaluate/pool.h"

#include <stdlib.h>
#include <string.h>

#include "io/base/outputs.h"
#include "io/formats/json.h"
#include "jobs/cli/command.h"
#include "jobs/evaluate/pool_sites.h"
#include "jobs/options/score_columns.h"

enum { MOST_STUDIES = 100000, MOST_LEVELS = EIN_META_MOST_COEFFICIENTS };

/* clang-format off */
static const ein_option table_pool[] = {
    {"pool.studies", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "CSV table of studies, one row each"},
    {"pool.name", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column of study names; unset: \"study\" if there is one, else the lines of the table"},
    {"pool.estimate", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column of estimates; unset: \"estimate\", unless --auroc is given or found"},
    {"pool.auroc", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column of AUROCs, pooled on the logit scale; unset: \"auroc\" if there is no column \"estimate\""},
    {"pool.variance", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column of the estimates' (AUROCs') variances; unset: \"variance\" if there is one"},
    {"pool.se", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column of their standard errors; unset: \"se\" if there is no variance"},
    {"pool.moderator", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "columns of study properties for a meta-regression: numbers, or words that become groups"},
    {"pool.method", EIN_OPT_CHOICE, "REML", EIN_UNBOUNDED, "REML|DL|ML|PM|EB|SJ|HE|HS|FE", "",
     "estimator of the variance between studies; FE: fixed effect, none"},
    {"pool.scale", EIN_OPT_CHOICE, "as_given", EIN_UNBOUNDED, "as_given|exp|logistic", "",
     "how to show results: exp for logarithms of ratios, logistic for logits"},
    {"pool.knapp_hartung", EIN_OPT_CHOICE, "plain", EIN_UNBOUNDED, "plain|truncated", "",
     "factor q on the variance: as it comes, or max(1, q), which is never narrower than the normal interval"},
    {"pool.level", EIN_OPT_REAL, "0.95", 0.5, 0.9999, NULL, "", "of all intervals"},
    {"pool.plan", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "plan whose sites' results, the operands, are pooled"},
    {"pool.coordinator", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "public key that the plan must be signed by"},
    {"pool.json", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "write everything to this JSON file"},
    {"pool.overwrite", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "replace an existing JSON file"},
    {0},
};
/* clang-format on */

static const ein_option *const tables[] = {table_pool, NULL};

static const ein_flag flags[] = {{"--studies", "TABLE.csv", "pool.studies"},
                                 {"--name", "COL", "pool.name"},
                                 {"--estimate", "COL", "pool.estimate"},
                                 {"--auroc", "COL", "pool.auroc"},
                                 {"--variance", "COL", "pool.variance"},
                                 {"--se", "COL", "pool.se"},
                                 {"--moderator", "COL,...", "pool.moderator"},
                                 {"--method", "NAME", "pool.method"},
                                 {"--plan", "PLAN.json", "pool.plan"},
                                 {"--coordinator", "FILE.pub", "pool.coordinator"},
                                 {"--json", "FILE", "pool.json"},
                                 {"--overwrite", NULL, "pool.overwrite"},
                                 {0}};

/* --- which columns ----------------------------------------------------------------------------------------- */

typedef struct {
    const ein_config *config;
    ein_score_table table;
    int name, estimate, spread; /* columns; name -1: lines */
    bool is_se;
    char **line_name; /* (rows) where there is no column of names */
} input;

/* The column an option names, or `usual` if that exists, or -1. */
static ein_status find_column(const input *in, const char *key, const char *flag, const char *usual,
                              int *out) {
    const char *name = ein_config_string(in->config, key);
    *out = ein_csv_column(in->table.csv, usual);
    return name ? ein_score_table_column(&in->table, name, flag, out) : EIN_OK;
}

static ein_status find_columns(input *in, ein_pool *p) {
    int estimate, auroc, variance, se;
    const bool says_estimate = ein_config_is_set(in->config, "pool.estimate");
    const bool says_auroc = ein_config_is_set(in->config, "pool.auroc");
    const bool says_variance = ein_config_is_set(in->config, "pool.variance");
    const bool says_se = ein_config_is_set(in->config, "pool.se");
    if (says_estimate && says_auroc) return ein_error(EIN_USAGE, "--estimate and --auroc exclude each other");
    if (says_variance && says_se) return ein_error(EIN_USAGE, "--variance and --se exclude each other");
    EIN_TRY(find_column(in, "pool.name", "--name", "study", &in->name));
    EIN_TRY(find_column(in, "pool.estimate", "--estimate", "estimate", &estimate));
    EIN_TRY(find_column(in, "pool.auroc", "--auroc", "auroc", &auroc));
    EIN_TRY(find_column(in, "pool.variance", "--variance", "variance", &variance));
    EIN_TRY(find_column(in, "pool.se", "--se", "se", &se));
    p->auroc = says_auroc || (!says_estimate && estimate < 0 && auroc >= 0);
    in->estimate = p->auroc ? auroc : estimate;
    in->is_se = says_se || (!says_variance && variance < 0);
    in->spread = in->is_se ? se : variance;
    if (in->estimate < 0)
        return ein_error(EIN_USAGE,
                         "%s: no column \"estimate\" or \"auroc\"; name one with --estimate or --auroc",
                         in->table.path);
    if (in->spread < 0)
        return ein_error(EIN_USAGE, "%s: no column \"variance\" or \"se\"; name one with --variance or --se",
                         in->table.path);
    return EIN_OK;
}

static ein_status read_options(ein_pool *p, const ein_config *config) {
    const char *method = ein_config_string(config, "pool.method"),
               *scale = ein_config_string(config, "pool.scale");
    p->level = ein_config_real(config, "pool.level");
    p->truncated = strcmp(ein_config_string(config, "pool.knapp_hartung"), "truncated") == 0;
    for (int i = 0; i < EIN_META_METHOD_COUNT; i++)
        if (!strcmp(ein_meta_method_name(i), method)) p->method = i;
    if (!strcmp(method, "FE")) p->method = EIN_META_FIXED;
    p->scale = !strcmp(scale, "exp")        ? EIN_POOL_EXP
               : !strcmp(scale, "logistic") ? EIN_POOL_LOGISTIC
                                            : EIN_POOL_AS_GIVEN;
    if (p->auroc && p->scale == EIN_POOL_EXP)
        return ein_error(EIN_USAGE,
                         "pool.scale=exp: AUROCs are pooled on the logit scale and shown as AUROCs");
    if (p->auroc) p->scale = EIN_POOL_LOGISTIC;
    return EIN_OK;
}

/* --- studies ----------------------------------------------------------------------------------------------- */

static ein_status name_lines(input *in) {
    EIN_TRY(EIN_NEW(in->line_name, in->table.rows));
    for (int64_t i = 0; i < in->table.rows; i++)
        if (asprintf(&in->line_name[i], "line %lld", (long long)ein_csv_line(in->table.csv, i)) < 0) {
            in->line_name[i] = NULL;
            return ein_error(EIN_NOMEM, "no memory for the names of %lld studies", (long long)in->table.rows);
        }
    return EIN_OK;
}

static const char *study_name(const input *in, int64_t row) {
    return in->name >= 0 ? ein_csv_cell(in->table.csv, row, in->name) : in->line_name[row];
}

/* Fill y and v of the analysis; the reason why there are none, or NULL. */
static const char *convert(const ein_pool *p, double estimate, double variance, double *y, double *v) {
    if (isnan(estimate)) return p->auroc ? "no AUROC" : "no estimate";
    if (isnan(variance)) return "no variance or standard error";
    if (!(variance > 0)) return "variance or standard error is 0: its weight would be infinite";
    if (!isfinite(estimate) || !isfinite(variance)) return "estimate or variance is infinite";
    *y = estimate;
    *v = variance;
    if (!p->auroc) return NULL;
    ein_stats_value logit, spread;
    ein_meta_logit_auc(&logit, &spread, estimate, variance);
    if (logit.state != EIN_STATS_ESTIMABLE) return "AUROC is 0 or 1: its logit is infinite";
    *y = logit.value;
    *v = spread.value;
    return NULL;
}

static ein_status check_row(const input *in, const ein_pool *p, int64_t row, double estimate, double spread) {
    const long long line = ein_csv_line(in->table.csv, row);
    if (p->auroc && (estimate < 0 || estimate > 1))
        return ein_error(EIN_FORMAT, "%s:%lld: AUROC %.9g; it must lie in 0..1 (is it in percent?)",
                         in->table.path, line, estimate);
    if (spread < 0)
        return ein_error(EIN_FORMAT, "%s:%lld: %s %.9g is negative", in->table.path, line,
                         in->is_se ? "standard error" : "variance", spread);
    return EIN_OK;
}

static ein_status take_studies(ein_pool *p, const input *in, const double *estimate, const double *spread,
                               const uint8_t *no_moderator, int64_t *row) {
    for (int64_t i = 0; i < in->table.rows; i++) {
        ein_pool_study s = {study_name(in, i), ein_csv_line(in->table.csv, i), 0, 0, NAN, {0}};
        EIN_TRY(check_row(in, p, i, estimate[i], spread[i]));
        const char *reason =
            convert(p, estimate[i], in->is_se ? spread[i] * spread[i] : spread[i], &s.y, &s.v);
        if (!reason && no_moderator[i]) reason = "a moderator is not known";
        if (reason) {
            p->left_out[p->n_left_out++] = (ein_pool_left_out){s.name, s.line, reason};
            continue;
        }
        for (int64_t j = 0; j < p->k; j++)
            if (!strcmp(p->study[j].name, s.name)) {
                p->n_repeated++;
                break;
            }
        row[p->k] = i;
        p->study[p->k++] = s;
    }
    return EIN_OK;
}

/* --- moderators -------------------------------------------------------------------------------------------- */

/* One column of the table as one number, or as words: each level but the first makes a 0/1 number. */
typedef struct {
    int column;
    bool numeric;
    const char *level[MOST_LEVELS]; /* sorted */
    int n_levels;
    double *value; /* (rows) if numeric */
} moderator;

static int compare_words(const void *left, const void *right) {
    return strverscmp(*(const char *const *)left, *(const char *const *)right);
}

static ein_status find_levels(moderator *m, const input *in, const char *name) {
    for (int64_t i = 0; i < in->table.rows; i++) {
        const char *text = ein_csv_cell(in->table.csv, i, m->column);
        bool known = ein_cell_is_missing(text);
        for (int l = 0; l < m->n_levels && !known; l++) known = !strcmp(m->level[l], text);
        if (known) continue;
        if (m->n_levels == MOST_LEVELS)
            return ein_error(EIN_USAGE, "%s: moderator \"%s\" has more than %d different words",
                             in->table.path, name, MOST_LEVELS);
        m->level[m->n_levels++] = text;
    }
    qsort(m->level, (size_t)m->n_levels, sizeof *m->level, compare_words);
    return EIN_OK;
}

static ein_status read_moderator(moderator *m, const input *in, const char *name) {
    EIN_TRY(ein_score_table_column(&in->table, name, "--moderator", &m->column));
    EIN_TRY(EIN_NEW(m->value, in->table.rows));
    const ein_status status = ein_score_table_numbers(&in->table, m->column, m->value);
    m->numeric = status == EIN_OK;
    if (status == EIN_FORMAT) ein_error_clear();
    if (status != EIN_OK && status != EIN_FORMAT) return status;
    return m->numeric ? EIN_OK : find_levels(m, in, name);
}

static ein_status add_columns(ein_pool *p, const moderator *m, const char *name) {
    const int more = m->numeric ? 1 : m->n_levels - 1;
    if (p->n_moderators + more > EIN_META_MOST_COEFFICIENTS - 1)
        return ein_error(EIN_USAGE, "moderator \"%s\" makes more than %d coefficients", name,
                         EIN_META_MOST_COEFFICIENTS - 1);
    for (int l = 0; l < more; l++) {
        char **to = &p->moderator_name[p->n_moderators];
        const int bytes =
            m->numeric ? asprintf(to, "%s", name) : asprintf(to, "%s=%s", name, m->level[l + 1]);
        if (bytes < 0) {
            *to = NULL;
            return ein_error(EIN_NOMEM, "no memory for the name of a moderator");
        }
        p->n_moderators++;
    }
    return EIN_OK;
}

static double moderator_value(const moderator *m, const input *in, int64_t row, int column) {
    if (m->numeric) return m->value[row];
    return !strcmp(ein_csv_cell(in->table.csv, row, m->column), m->level[column + 1]);
}

/* The design of the studies taken: moderator (k, n_moderators). */
static void fill_design(ein_pool *p, const moderator *m, int n, const input *in, const int64_t *row) {
    for (int64_t i = 0; i < p->k; i++) {
        int at = 0;
        for (int j = 0; j < n; j++)
            for (int c = 0; c < (m[j].numeric ? 1 : m[j].n_levels - 1); c++)
                p->moderator[i * p->n_moderators + at++] = moderator_value(&m[j], in, row[i], c);
    }
}

static bool is_unknown(const moderator *m, const input *in, int64_t row) {
    return m->numeric ? !isfinite(m->value[row])
                      : ein_cell_is_missing(ein_csv_cell(in->table.csv, row, m->column));
}

static ein_status read_moderators(moderator *m, int n, ein_pool *p, const input *in, uint8_t *unknown) {
    for (int j = 0; j < n; j++) {
        const char *name = ein_config_list_item(in->config, "pool.moderator", j);
        EIN_TRY(read_moderator(&m[j], in, name));
        EIN_TRY(add_columns(p, &m[j], name));
        for (int64_t i = 0; i < in->table.rows; i++) unknown[i] |= is_unknown(&m[j], in, i);
    }
    return EIN_OK;
}

/* --- the table --------------------------------------------------------------------------------------------- */

typedef struct {
    double *estimate, *spread;
    uint8_t *unknown;
    int64_t *row;
    moderator *m;
    int n;
} scratch;

static void scratch_free(scratch *s) {
    for (int j = 0; s->m && j < s->n; j++) free(s->m[j].value);
    free(s->m);
    free(s->estimate);
    free(s->spread);
    free(s->unknown);
    free(s->row);
}

static ein_status fill(ein_pool *p, input *in, scratch *s) {
    const int64_t rows = in->table.rows;
    EIN_TRY(EIN_NEW(s->estimate, rows));
    EIN_TRY(EIN_NEW(s->spread, rows));
    EIN_TRY(EIN_NEW(s->unknown, rows));
    EIN_TRY(EIN_NEW(s->row, rows));
    EIN_TRY(EIN_NEW(p->study, rows));
    EIN_TRY(EIN_NEW(p->left_out, rows));
    EIN_TRY(ein_score_table_numbers(&in->table, in->estimate, s->estimate));
    EIN_TRY(ein_score_table_numbers(&in->table, in->spread, s->spread));
    s->n = ein_config_list_count(in->config, "pool.moderator");
    if (s->n) EIN_TRY(EIN_NEW(s->m, s->n));
    EIN_TRY(read_moderators(s->m, s->n, p, in, s->unknown));
    EIN_TRY(take_studies(p, in, s->estimate, s->spread, s->unknown, s->row));
    if (p->n_moderators == 0) return EIN_OK;
    EIN_TRY(EIN_NEW(p->moderator, p->k * p->n_moderators + 1));
    fill_design(p, s->m, s->n, in, s->row);
    return EIN_OK;
}

static ein_status read_studies(ein_pool *p, input *in) {
    scratch s = {0};
    p->path = ein_config_string(in->config, "pool.studies");
    EIN_TRY(ein_score_table_open(&in->table, p->path));
    ein_score_table_tell_problems(&in->table);
    if (in->table.rows > MOST_STUDIES)
        return ein_error(EIN_FORMAT, "%s: %lld studies; at most %d are pooled", p->path,
                         (long long)in->table.rows, MOST_STUDIES);
    EIN_TRY(find_columns(in, p));
    EIN_TRY(read_options(p, in->config));
    if (in->name < 0) EIN_TRY(name_lines(in));
    const ein_status status = fill(p, in, &s);
    scratch_free(&s);
    return status;
}

/* --- analysis ---------------------------------------------------------------------------------------------- */

static ein_status analyse_plain(ein_pool *p, const double *y, const double *v, double *weight,
                                ein_meta_fit *without) {
    EIN_TRY(ein_meta_q_profile(&p->heterogeneity, y, v, p->k, p->method, p->level));
    EIN_TRY(ein_meta_egger_test(&p->egger, y, v, p->k, p->method, p->level));
    EIN_TRY(ein_meta_begg_test(&p->begg, y, v, p->k));
    if (p->fit.tau2.state == EIN_STATS_ESTIMABLE) ein_meta_weights(weight, v, p->k, p->fit.tau2.value);
    EIN_TRY(ein_meta_leave_one_out(without, y, v, p->k, p->method, p->level));
    for (int64_t i = 0; i < p->k; i++) {
        if (p->truncated) ein_meta_truncate(&without[i], p->level);
        p->study[i].weight = p->fit.tau2.state == EIN_STATS_ESTIMABLE ? weight[i] : NAN;
        p->study[i].without = without[i];
    }
    return EIN_OK;
}

ein_status ein_pool_analyse(ein_pool *p) {
    double *y;
    ein_meta_fit *without = NULL;
    EIN_TRY(EIN_NEW(y, 3 * p->k + 1));
    double *v = y + p->k;
    for (int64_t i = 0; i < p->k; i++) {
        y[i] = p->study[i].y;
        v[i] = p->study[i].v;
    }
    ein_status status =
        ein_meta_analyse(&p->fit, y, v, p->k, p->moderator, p->n_moderators, p->method, p->level);
    if (status == EIN_OK && p->truncated) ein_meta_truncate(&p->fit, p->level);
    if (status == EIN_OK && p->n_moderators == 0) {
        status = EIN_NEW(without, p->k + 1);
        if (status == EIN_OK) status = analyse_plain(p, y, v, v + p->k, without);
    }
    free(without);
    free(y);
    return status;
}

static void tell_repeated(const ein_pool *p) {
    if (p->n_repeated)
        fprintf(
            stderr,
            "%s: %lld studies have the name of an earlier one; estimates that share patients must not be pooled as "
            "if independent\n",
            p->path, (long long)p->n_repeated);
}

static ein_status write_json(const ein_pool *p, const ein_config *config) {
    const char *path = ein_config_string(config, "pool.json");
    json_t *object;
    if (!path) return EIN_OK;
    EIN_TRY(ein_pool_json(p, config, &object));
    const ein_status status = ein_json_write(path, object);
    json_decref(object);
    return status;
}

static ein_status pool(const ein_config *config) {
    ein_pool p = {0};
    input in = {.config = config};
    ein_outputs *output;
    const char *const json = ein_config_string(config, "pool.json");
    EIN_TRY(ein_outputs_begin(&json, 1, NULL, ein_config_bool(config, "pool.overwrite"), &output));
    ein_status status = read_studies(&p, &in);
    if (status == EIN_OK) status = ein_pool_analyse(&p);
    if (status == EIN_OK) {
        tell_repeated(&p);
        ein_pool_print(&p, stdout);
        status = write_json(&p, config);
    }
    if (status == EIN_OK) status = ein_outputs_publish(output);
    ein_outputs_end(output);
    for (int64_t i = 0; in.line_name && i < in.table.rows; i++) free(in.line_name[i]);
    free(in.line_name);
    for (int m = 0; m < p.n_moderators; m++) free(p.moderator_name[m]);
    free(p.study);
    free(p.left_out);
    free(p.moderator);
    ein_score_table_close(&in.table);
    return status;
}

static ein_status run(ein_job *job) {
    const bool plan = ein_config_is_set(job->config, "pool.plan");
    if (plan == ein_config_is_set(job->config, "pool.studies") || (!plan && job->n_operands > 0))
        return ein_error(
            EIN_USAGE,
            "give a table of studies (--studies TABLE.csv), or a plan with its sites' results (--plan PLAN.json "
            "--coordinator KEY.pub RESULT.json...)");
    if (plan)
        return ein_comm_share(job->comm, ein_comm_rank(job->comm) == 0
                                             ? ein_pool_results(job->config, job->operands, job->n_operands)
                                             : EIN_OK);
    return ein_comm_share(job->comm, ein_comm_rank(job->comm) == 0 ? pool(job->config) : EIN_OK);
}

const ein_command ein_command_pool = {
    .name = "pool",
    .summary = "meta-analysis of studies or sites; sites' results of a plan together",
    .operands = "[RESULT.json...]",
    .description =
        "A table has one row per study (site): a name, an estimate with its variance or standard\n"
        "error, or an AUROC with one. AUROCs are pooled on the logit scale (variance by the delta\n"
        "method) and shown as AUROCs. Out come the pooled effect with normal and with\n"
        "Knapp-Hartung intervals, heterogeneity with Q-profile intervals, prediction intervals by\n"
        "three named rules, the studies with weights and a forest plot, each study left out in\n"
        "turn, and tests for small-study effects. With --moderator a meta-regression.\n\n"
        "With --plan, results that sites sent are verified against the plan and pooled: the AUROC of all records from\n"
        "their joined bins with its bound, in round 2 exactly with clustered variance and paired tests, "
        "meta-analysis of\n"
        "the sites' AUROCs, calibration, thresholds, subgroups, each site left out, and who ran what.\n\n"
        "    einthoven pool --plan plan.json --coordinator coordinator.key.pub *.result.json --json pooled.json\n"
        "    einthoven pool --studies sites.csv --auroc auroc --se se --json pooled.json\n"
        "    einthoven pool --studies trials.csv --estimate log_rr --variance v --set pool.scale=exp\n"
        "    einthoven pool --studies trials.csv --estimate log_rr --se se --moderator year,design",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = -1,
    .run = run,
};
