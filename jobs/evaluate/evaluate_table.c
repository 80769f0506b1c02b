/* Statistics of the scores in a table: rank 0 reads it, all ranks share the bootstrap. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "io/ecg/source_hash.h"
#include "io/formats/json.h"
#include "jobs/evaluate/evaluate.h"
#include "jobs/options/score_columns.h"

enum { MOST_VARIABLES = 32, MOST_TEXT_GROUPS = 20, MOST_BANDS = 20, NAME_BYTES = 256, PROBLEMS_IN_JSON = 20 };

/* A variable with groups of its own. */
typedef struct {
    char *name;
    int n_groups;
    char *group_name[EIN_METRICS_MOST_GROUPS];
    int32_t *group; /* (rows) */
} variable;

typedef struct {
    const ein_config *config;
    ein_score_table table;
    char **id;         /* (rows) */
    uint64_t *cluster; /* (rows) NULL: none */
    uint8_t *alone;    /* (rows) of no known patient; NULL with cluster */
    int64_t n_no_patient;
    int n_variables;
    variable variable[MOST_VARIABLES];
    int n_models;
    const char *model[EIN_METRICS_MOST_MODELS];
    double *score[EIN_METRICS_MOST_MODELS]; /* (rows) */
    int n_thresholds;
    char *threshold_name[EIN_METRICS_MOST_THRESHOLDS];
    double *threshold[EIN_METRICS_MOST_THRESHOLDS]; /* (n_models) */
} loaded;

static void loaded_free(loaded *x) {
    for (int64_t i = 0; x->id && i < x->table.rows; i++) free(x->id[i]);
    free(x->id);
    free(x->cluster);
    free(x->alone);
    for (int v = 0; v < x->n_variables; v++) {
        free(x->variable[v].name);
        free(x->variable[v].group);
        for (int g = 0; g < x->variable[v].n_groups; g++) free(x->variable[v].group_name[g]);
    }
    for (int k = 0; k < EIN_METRICS_MOST_MODELS; k++) free(x->score[k]);
    for (int t = 0; t < x->n_thresholds; t++) {
        free(x->threshold_name[t]);
        free(x->threshold[t]);
    }
    ein_score_table_close(&x->table);
}

static ein_status copy_text(char **out, const char *text) {
    *out = strdup(text);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a text of %zu bytes", strlen(text));
}

/* --- ids and patients -------------------------------------------------------------------------------------- */

typedef struct {
    const char *text;
    int64_t row;
    bool alone; /* nothing is known: behind all others */
} text_key;

static int compare_texts(const void *left, const void *right) {
    const text_key *a = left, *b = right;
    if (a->alone != b->alone) return a->alone ? 1 : -1;
    return strverscmp(a->text, b->text);
}

/* Whole ids, so a duplicate can be named with both its lines. */
static ein_status check_ids(const loaded *x) {
    text_key *key;
    EIN_TRY(EIN_NEW(key, x->table.rows));
    for (int64_t i = 0; i < x->table.rows; i++) key[i] = (text_key){x->id[i], i, false};
    qsort(key, (size_t)x->table.rows, sizeof *key, compare_texts);
    ein_status status = EIN_OK;
    for (int64_t i = 1; i < x->table.rows && status == EIN_OK; i++) {
        if (strcmp(key[i].text, key[i - 1].text) != 0) continue;
        const int64_t a = key[i - 1].row, b = key[i].row;
        status = ein_error(EIN_FORMAT,
                           "%s: record id \"%.60s\" stands in lines %lld and %lld; each record counts once",
                           x->table.path, key[i].text, (long long)ein_csv_line(x->table.csv, a < b ? a : b),
                           (long long)ein_csv_line(x->table.csv, a < b ? b : a));
    }
    free(key);
    return status;
}

static ein_status load_ids(loaded *x) {
    const char *name = ein_config_string(x->config, "evaluate.id");
    int column = -1;
    if (name) EIN_TRY(ein_score_table_column(&x->table, name, "--id", &column));
    EIN_TRY(EIN_NEW(x->id, x->table.rows));
    for (int64_t i = 0; i < x->table.rows; i++) {
        char line[40];
        const long long number = ein_csv_line(x->table.csv, i);
        snprintf(line, sizeof line, "line %lld", number);
        const char *text = name ? ein_csv_cell(x->table.csv, i, column) : line;
        if (!*text)
            return ein_error(EIN_FORMAT, "%s:%lld: no record id in column \"%s\"", x->table.path, number,
                             name);
        EIN_TRY(copy_text(&x->id[i], text));
    }
    return name ? check_ids(x) : EIN_OK;
}

/* Patients are numbered in the order of their names, so that the order of rows does not matter to the bootstrap. */
static ein_status load_patients(loaded *x) {
    const char *name = ein_config_string(x->config, "evaluate.cluster");
    int column;
    text_key *key;
    if (!name) return EIN_OK;
    EIN_TRY(ein_score_table_column(&x->table, name, "--cluster", &column));
    EIN_TRY(EIN_NEW(x->cluster, x->table.rows));
    EIN_TRY(EIN_NEW(x->alone, x->table.rows));
    EIN_TRY(EIN_NEW(key, x->table.rows));
    for (int64_t i = 0; i < x->table.rows; i++) {
        const char *text = ein_csv_cell(x->table.csv, i, column);
        x->alone[i] = ein_cell_is_missing(text);
        x->n_no_patient += x->alone[i];
        key[i] = (text_key){text, i, x->alone[i]};
    }
    qsort(key, (size_t)x->table.rows, sizeof *key, compare_texts);
    uint64_t number = 0;
    for (int64_t i = 0; i < x->table.rows && !key[i].alone; i++) {
        if (i > 0 && compare_texts(&key[i], &key[i - 1]) != 0) number++;
        x->cluster[key[i].row] = number;
    }
    free(key);
    return EIN_OK;
}

/* --- subgroups --------------------------------------------------------------------------------------------- */

static ein_status new_variable(loaded *x, const char *name, variable **out) {
    for (int v = 0; v < x->n_variables; v++)
        if (!strcmp(x->variable[v].name, name))
            return ein_error(EIN_USAGE, "subgroup column \"%s\" is named twice", name);
    if (x->n_variables == MOST_VARIABLES)
        return ein_error(EIN_USAGE, "more than %d subgroup columns", MOST_VARIABLES);
    variable *v = &x->variable[x->n_variables];
    EIN_TRY(EIN_NEW(v->group, x->table.rows));
    x->n_variables++;
    *out = v;
    return copy_text(&v->name, name);
}

static ein_status too_many_groups(const loaded *x, const char *name, int64_t n) {
    return ein_error(
        EIN_USAGE,
        "%s: column \"%s\" has %lld different values; at most %d subgroups are compared. If it is a number, "
        "cut it into bands: --set evaluate.bands=\"%s:50,65,80\"",
        x->table.path, name, (long long)n, MOST_TEXT_GROUPS, name);
}

static ein_status name_groups(const loaded *x, variable *v, const text_key *key) {
    int64_t n = 0;
    for (int64_t i = 0; i < x->table.rows && !key[i].alone; i++)
        n += i == 0 || compare_texts(&key[i], &key[i - 1]) != 0;
    if (n > MOST_TEXT_GROUPS) return too_many_groups(x, v->name, n);
    if (n == 0)
        return ein_error(EIN_FORMAT, "%s: column \"%s\" is empty: no subgroups", x->table.path, v->name);
    for (int64_t i = 0; i < x->table.rows; i++) {
        v->group[key[i].row] = -1;
        if (key[i].alone) continue;
        if (i == 0 || compare_texts(&key[i], &key[i - 1]) != 0) {
            EIN_TRY(copy_text(&v->group_name[v->n_groups], key[i].text));
            v->n_groups++;
        }
        v->group[key[i].row] = v->n_groups - 1;
    }
    return EIN_OK;
}

static ein_status load_texts(loaded *x, const char *name) {
    int column;
    variable *v;
    text_key *key;
    EIN_TRY(ein_score_table_column(&x->table, name, "--subgroup", &column));
    EIN_TRY(new_variable(x, name, &v));
    EIN_TRY(EIN_NEW(key, x->table.rows));
    for (int64_t i = 0; i < x->table.rows; i++) {
        const char *text = ein_csv_cell(x->table.csv, i, column);
        key[i] = (text_key){text, i, ein_cell_is_missing(text)};
    }
    qsort(key, (size_t)x->table.rows, sizeof *key, compare_texts);
    const ein_status status = name_groups(x, v, key);
    free(key);
    return status;
}

/* "50,65,80" into cuts. */
static ein_status parse_cuts(const char *name, const char *text, double cut[MOST_BANDS], int *n) {
    for (*n = 0; *text;) {
        char *end;
        if (*n == MOST_BANDS)
            return ein_error(EIN_USAGE, "evaluate.bands: more than %d cuts of %s", MOST_BANDS, name);
        cut[*n] = strtod(text, &end);
        end += strspn(end, " ");
        if (end == text || !isfinite(cut[*n]) || (*end && *end != ','))
            return ein_error(EIN_USAGE, "evaluate.bands: \"%.40s\" is no list of numbers for %s", text, name);
        if (*n > 0 && !(cut[*n] > cut[*n - 1]))
            return ein_error(EIN_USAGE, "evaluate.bands: the cuts of %s must ascend, %g follows %g", name,
                             cut[*n], cut[*n - 1]);
        ++*n;
        text = *end ? end + 1 : end;
    }
    return *n > 0 ? EIN_OK : ein_error(EIN_USAGE, "evaluate.bands: no cuts for %s", name);
}

static ein_status name_bands(variable *v, const double *cut, int n) {
    char text[80];
    for (int g = 0; g <= n; g++) {
        if (g == 0)
            snprintf(text, sizeof text, "<%.9g", cut[0]);
        else if (g == n)
            snprintf(text, sizeof text, ">=%.9g", cut[n - 1]);
        else
            snprintf(text, sizeof text, "%.9g to <%.9g", cut[g - 1], cut[g]);
        EIN_TRY(copy_text(&v->group_name[g], text));
        v->n_groups = g + 1;
    }
    return EIN_OK;
}

static ein_status load_bands(loaded *x, const char *name, const char *cuts) {
    double cut[MOST_BANDS], *value;
    int n, column;
    variable *v;
    EIN_TRY(parse_cuts(name, cuts, cut, &n));
    EIN_TRY(ein_score_table_column(&x->table, name, "evaluate.bands", &column));
    EIN_TRY(new_variable(x, name, &v));
    EIN_TRY(name_bands(v, cut, n));
    EIN_TRY(EIN_NEW(value, x->table.rows));
    const ein_status status = ein_score_table_numbers(&x->table, column, value);
    for (int64_t i = 0; status == EIN_OK && i < x->table.rows; i++) {
        v->group[i] = isnan(value[i]) ? -1 : 0;
        for (int c = 0; c < n; c++) v->group[i] += value[i] >= cut[c];
    }
    free(value);
    return status;
}

/* "age:50,65,80;bmi:25,30" */
static ein_status load_all_bands(loaded *x) {
    const char *text = ein_config_string(x->config, "evaluate.bands");
    if (!text) return EIN_OK;
    char *copy, *rest = NULL;
    EIN_TRY(copy_text(&copy, text));
    ein_status status = EIN_OK;
    for (char *part = strtok_r(copy, ";", &rest); part && status == EIN_OK;
         part = strtok_r(NULL, ";", &rest)) {
        char *colon = strrchr(part, ':');
        part += strspn(part, " ");
        if (!colon || colon <= part) {
            status = ein_error(EIN_USAGE, "evaluate.bands: \"%.60s\" is not COLUMN:CUT,CUT,...", part);
        } else {
            *colon = 0;
            status = load_bands(x, part, colon + 1);
        }
    }
    free(copy);
    return status;
}

static bool has_bands(const loaded *x, const char *name) {
    for (int v = 0; v < x->n_variables; v++)
        if (!strcmp(x->variable[v].name, name)) return true;
    return false;
}

static ein_status load_subgroups(loaded *x) {
    EIN_TRY(load_all_bands(x));
    for (int i = 0; i < ein_config_list_count(x->config, "evaluate.subgroup"); i++) {
        const char *name = ein_config_list_item(x->config, "evaluate.subgroup", i);
        if (!has_bands(x, name)) EIN_TRY(load_texts(x, name));
    }
    return EIN_OK;
}

/* --- models and thresholds --------------------------------------------------------------------------------- */

static const char label_mark[] = "{label}";

/* The column of a score: its name with {label} replaced. */
static ein_status column_of(const char *pattern, const char *label, char out[NAME_BYTES]) {
    const char *at = strstr(pattern, label_mark);
    const int before = at ? (int)(at - pattern) : (int)strlen(pattern);
    const int bytes = snprintf(out, NAME_BYTES, "%.*s%s%s", before, pattern, at ? label : "",
                               at ? at + strlen(label_mark) : "");
    return bytes < NAME_BYTES ? EIN_OK
                              : ein_error(EIN_USAGE, "score column \"%.60s...\" is too long a name", out);
}

static ein_status name_models(loaded *x) {
    x->n_models = ein_config_list_count(x->config, "evaluate.score");
    if (x->n_models > EIN_METRICS_MOST_MODELS)
        return ein_error(EIN_USAGE, "%d score columns; at most %d are compared", x->n_models,
                         EIN_METRICS_MOST_MODELS);
    for (int k = 0; k < x->n_models; k++) {
        x->model[k] = ein_config_list_item(x->config, "evaluate.score", k);
        for (int j = 0; j < k; j++)
            if (!strcmp(x->model[j], x->model[k]))
                return ein_error(EIN_USAGE, "score column \"%s\" is named twice", x->model[k]);
        EIN_TRY(EIN_NEW(x->score[k], x->table.rows));
    }
    return EIN_OK;
}

static ein_status load_scores(loaded *x, const char *label) {
    for (int k = 0; k < x->n_models; k++) {
        char name[NAME_BYTES];
        int column;
        EIN_TRY(column_of(x->model[k], label, name));
        EIN_TRY(ein_score_table_column(&x->table, name, "--score", &column));
        EIN_TRY(ein_score_table_numbers(&x->table, column, x->score[k]));
    }
    return EIN_OK;
}

static ein_status new_threshold(loaded *x, const char *name, double **out) {
    if (x->n_thresholds == EIN_METRICS_MOST_THRESHOLDS)
        return ein_error(EIN_USAGE, "more than %d thresholds", EIN_METRICS_MOST_THRESHOLDS);
    const int t = x->n_thresholds;
    EIN_TRY(EIN_NEW(x->threshold[t], x->n_models));
    x->n_thresholds++;
    for (int k = 0; k < x->n_models; k++) x->threshold[t][k] = NAN;
    *out = x->threshold[t];
    return copy_text(&x->threshold_name[t], name);
}

static ein_status parse_threshold(const char *item, const char *text, double *out) {
    char *end;
    *out = strtod(text, &end);
    if (end == text || *end || !isfinite(*out))
        return ein_error(EIN_USAGE, "--threshold \"%s\": a finite number, or SCORE_COLUMN:number, is needed",
                         item);
    return EIN_OK;
}

/* "COLUMN:0.42": all of these together are one rule, each model at its own threshold. */
static ein_status own_threshold(loaded *x, const char *item, const char *colon, double **own) {
    double value;
    EIN_TRY(parse_threshold(item, colon + 1, &value));
    if (!*own) EIN_TRY(new_threshold(x, "own", own));
    for (int k = 0; k < x->n_models; k++) {
        if (strlen(x->model[k]) != (size_t)(colon - item) ||
            strncmp(x->model[k], item, (size_t)(colon - item)) != 0)
            continue;
        if (!isnan((*own)[k]))
            return ein_error(EIN_USAGE, "--threshold \"%s\": two thresholds for one score", item);
        (*own)[k] = value;
        return EIN_OK;
    }
    return ein_error(EIN_USAGE, "--threshold \"%s\": no such score among those of --score", item);
}

static ein_status load_thresholds(loaded *x) {
    double *own = NULL;
    for (int i = 0; i < ein_config_list_count(x->config, "evaluate.threshold"); i++) {
        const char *item = ein_config_list_item(x->config, "evaluate.threshold", i);
        const char *colon = strrchr(item, ':');
        double value, *to;
        if (colon) {
            EIN_TRY(own_threshold(x, item, colon, &own));
            continue;
        }
        EIN_TRY(parse_threshold(item, item, &value));
        for (int t = 0; t < x->n_thresholds; t++)
            if (!strcmp(x->threshold_name[t], item))
                return ein_error(EIN_USAGE, "--threshold %s is given twice", item);
        EIN_TRY(new_threshold(x, item, &to));
        for (int k = 0; k < x->n_models; k++) to[k] = value;
    }
    return EIN_OK;
}

/* --- the whole table --------------------------------------------------------------------------------------- */

static ein_status load(loaded *x, const ein_config *config) {
    const char *path = ein_config_string(config, "evaluate.scores");
    x->config = config;
    EIN_TRY(ein_score_table_open(&x->table, path));
    ein_score_table_tell_problems(&x->table);
    EIN_TRY(load_ids(x));
    EIN_TRY(load_patients(x));
    EIN_TRY(load_subgroups(x));
    EIN_TRY(name_models(x));
    return load_thresholds(x);
}

static ein_status describe(const loaded *x, json_t **out) {
    ein_json_builder b = {false};
    char hash[EIN_SHA256_TEXT_BYTES];
    const int64_t problems = ein_csv_problems(x->table.csv);
    EIN_TRY(ein_source_hash(x->table.path, hash));
    *out = json_object();
    ein_json_put_text(&b, *out, "table", x->table.path);
    ein_json_put_text(&b, *out, "sha256", hash);
    ein_json_put_int(&b, *out, "rows", x->table.rows);
    ein_json_put_int(&b, *out, "rows_not_read", problems);
    json_t *list = ein_json_put_array(&b, *out, "rows_not_read_first");
    for (int64_t i = 0; i < problems && i < PROBLEMS_IN_JSON; i++)
        ein_json_put_text(&b, list, NULL, ein_csv_problem(x->table.csv, i));
    ein_json_put_int(&b, *out, "rows_without_patient", x->n_no_patient);
    return ein_json_done(&b, "a description of the table");
}

static void print_source(const loaded *x) {
    printf("%s: %lld rows", x->table.path, (long long)x->table.rows);
    const int64_t problems = ein_csv_problems(x->table.csv);
    if (problems) printf("; %lld more could not be read and are LEFT OUT", (long long)problems);
    if (x->n_no_patient)
        printf("; %lld without a patient count as patients of their own", (long long)x->n_no_patient);
    printf("\n\n");
}

/* --- one label --------------------------------------------------------------------------------------------- */

typedef struct {
    ein_metrics_input in;
    int8_t *label;
    double *target;
    ein_metrics_variable variable[MOST_VARIABLES];
    ein_metrics_threshold threshold[EIN_METRICS_MOST_THRESHOLDS];
} request;

static ein_status ask(request *q, loaded *x, const char *name, bool regression) {
    int column;
    const char *cohort = ein_config_string(x->config, "evaluate.cohort");
    EIN_TRY(ein_score_table_column(&x->table, name, regression ? "--target" : "--label", &column));
    if (regression) {
        EIN_TRY(EIN_NEW(q->target, x->table.rows));
        EIN_TRY(ein_score_table_numbers(&x->table, column, q->target));
    } else {
        EIN_TRY(EIN_NEW(q->label, x->table.rows));
        EIN_TRY(ein_score_table_labels(&x->table, column, q->label));
    }
    EIN_TRY(load_scores(x, name));
    for (int v = 0; v < x->n_variables; v++)
        q->variable[v] =
            (ein_metrics_variable){x->variable[v].name, x->variable[v].n_groups,
                                   (const char *const *)x->variable[v].group_name, x->variable[v].group};
    for (int t = 0; t < x->n_thresholds; t++)
        q->threshold[t] = (ein_metrics_threshold){x->threshold_name[t], x->threshold[t]};
    q->in = (ein_metrics_input){.task = name,
                                .label_name = name,
                                .cohort = cohort,
                                .n = x->table.rows,
                                .record = (const char *const *)x->id,
                                .by_content = !ein_config_is_set(x->config, "evaluate.id"),
                                .cluster = x->cluster,
                                .alone = x->alone,
                                .n_models = x->n_models,
                                .model = x->model,
                                .score = (const double *const *)x->score,
                                .label = q->label,
                                .target = q->target,
                                .n_variables = x->n_variables,
                                .variable = q->variable,
                                .n_thresholds = x->n_thresholds,
                                .threshold = q->threshold};
    return EIN_OK;
}

/* Collective. `x` and `out` are looked at on rank 0 only. */
static ein_status evaluate_one(ein_job *job, loaded *x, ein_evaluate_output *out, const char *name,
                               bool regression) {
    const bool first = ein_comm_rank(job->comm) == 0;
    const ein_metrics_options options = ein_evaluate_options(job->config);
    request q = {0};
    ein_metrics *m = NULL;
    ein_status status = ein_comm_share(job->comm, first ? ask(&q, x, name, regression) : EIN_OK);
    if (status == EIN_OK)
        status = regression ? ein_metrics_regression(&m, job->comm, &q.in, &options)
                            : ein_metrics_binary(&m, job->comm, &q.in, &options);
    if (status == EIN_OK) status = ein_comm_share(job->comm, first ? ein_evaluate_put(out, m) : EIN_OK);
    ein_metrics_destroy(m);
    free(q.label);
    free(q.target);
    return status == EIN_OK ? EIN_OK : ein_error_context(status, "%s", name);
}

static ein_status evaluate_list(ein_job *job, loaded *x, ein_evaluate_output *out, const char *key,
                                bool regression) {
    for (int i = 0; i < ein_config_list_count(job->config, key); i++) {
        if (ein_comm_rank(job->comm) == 0 && json_array_size(out->results)) printf("\n\n");
        EIN_TRY(evaluate_one(job, x, out, ein_config_list_item(job->config, key, i), regression));
    }
    return EIN_OK;
}

static ein_status open_all(loaded *x, ein_evaluate_output *out, const ein_config *config) {
    json_t *source = NULL;
    EIN_TRY(load(x, config));
    ein_status status = describe(x, &source);
    if (status == EIN_OK)
        status = ein_evaluate_open(out, config, source);
    else
        json_decref(source);
    if (status == EIN_OK) print_source(x);
    return status;
}

ein_status ein_evaluate_table(ein_job *job) {
    const bool first = ein_comm_rank(job->comm) == 0;
    loaded x = {0};
    ein_evaluate_output out = {.config = job->config};
    if (!ein_config_list_count(job->config, "evaluate.label") &&
        !ein_config_list_count(job->config, "evaluate.target"))
        return ein_error(EIN_USAGE, "--label (or --target) names the columns to judge the scores by");
    if (!ein_config_list_count(job->config, "evaluate.score"))
        return ein_error(EIN_USAGE, "--score names the columns of scores");
    ein_status status = ein_comm_share(job->comm, first ? open_all(&x, &out, job->config) : EIN_OK);
    if (status == EIN_OK) status = evaluate_list(job, &x, &out, "evaluate.label", false);
    if (status == EIN_OK) status = evaluate_list(job, &x, &out, "evaluate.target", true);
    if (first) {
        const ein_status closed = ein_evaluate_close(&out, status == EIN_OK);
        if (status == EIN_OK) status = closed;
        loaded_free(&x);
    }
    return ein_comm_share(job->comm, status);
}
