/* audit: what a model that travels tells of its training patients, from scores of members and non-members. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/membership.h"
#include "core/stats/roc.h"
#include "io/base/outputs.h"
#include "io/formats/json.h"
#include "jobs/cli/command.h"
#include "jobs/options/score_columns.h"

static const ein_option table_audit[] = {
    {"audit.scores", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "CSV table: one row per record, members of the training data and others of the same kind"},
    {"audit.member", EIN_OPT_STRING, "member", EIN_UNBOUNDED, NULL, "",
     "column: 1 the model was trained on it, 0 not"},
    {"audit.label", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "column of labels, 1 or 0"},
    {"audit.score", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "column of the model's probabilities"},
    {"audit.cluster", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column of patients; unset: every record is one"},
    {"audit.shadow", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "", "columns of probabilities of shadow models"},
    {"audit.shadow_member", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "columns, in the same order: 1 the shadow model was trained on it, 0 not"},
    {"audit.level", EIN_OPT_REAL, "0.95", 0.5, 0.9999, NULL, "", "of all intervals"},
    {"audit.json", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "write everything to this JSON file"},
    {"audit.overwrite", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "replace an existing JSON file"},
    {0},
};

static const ein_option *const tables[] = {table_audit, NULL};
static const ein_flag flags[] = {{"--scores", "TABLE.csv", "audit.scores"},
                                 {"--member", "COL", "audit.member"},
                                 {"--label", "COL", "audit.label"},
                                 {"--score", "COL", "audit.score"},
                                 {"--cluster", "COL", "audit.cluster"},
                                 {"--shadow", "COL,...", "audit.shadow"},
                                 {"--shadow-member", "COL,...", "audit.shadow_member"},
                                 {"--json", "FILE", "audit.json"},
                                 {"--overwrite", NULL, "audit.overwrite"},
                                 {0}};

enum { MOST_SHADOWS = 1024 };

typedef struct {
    const ein_config *config;
    ein_score_table table;
    int64_t n, left_out;
    double level;
    int8_t *member, *label;
    double *score, *attack;
    uint64_t *cluster;
    int n_shadows;
    double **shadow;
    uint8_t **in;
    json_t *root;
} audit;

/* --- the table
 * ------------------------------------------------------------------------------------------------------- */

static ein_status read_labels(const audit *a, const char *key, int8_t *out) {
    const char *name = ein_config_string(a->config, key);
    int column;
    if (!name) return ein_error(EIN_USAGE, "%s names a column; it is not set", key);
    EIN_TRY(ein_score_table_column(&a->table, name, key, &column));
    return ein_score_table_labels(&a->table, column, out);
}

static ein_status read_cluster(audit *a) {
    const char *name = ein_config_string(a->config, "audit.cluster");
    int column;
    if (!name) {
        for (int64_t i = 0; i < a->table.rows; i++) a->cluster[i] = (uint64_t)i;
        return EIN_OK;
    }
    EIN_TRY(ein_score_table_column(&a->table, name, "--cluster", &column));
    for (int64_t i = 0; i < a->table.rows; i++) {
        const char *text = ein_csv_cell(a->table.csv, i, column);
        uint64_t hash = 0xcbf29ce484222325u; /* FNV-1a */
        for (const char *c = text; *c; c++) hash = (hash ^ (uint8_t)*c) * 0x100000001b3u;
        a->cluster[i] = ein_cell_is_missing(text) ? (uint64_t)i : hash | (uint64_t)1 << 63;
    }
    return EIN_OK;
}

static ein_status read_shadows(audit *a) {
    const int n = ein_config_list_count(a->config, "audit.shadow");
    int column;
    int8_t *in;
    if (n != ein_config_list_count(a->config, "audit.shadow_member") || n > MOST_SHADOWS)
        return ein_error(EIN_USAGE, "--shadow and --shadow-member: as many columns each, at most %d",
                         MOST_SHADOWS);
    if (n == 0) return EIN_OK;
    EIN_TRY(EIN_NEW(a->shadow, n));
    EIN_TRY(EIN_NEW(a->in, n));
    EIN_TRY(EIN_NEW(in, a->table.rows + 1));
    ein_status status = EIN_OK;
    for (int s = 0; status == EIN_OK && s < n; s++, a->n_shadows = s) {
        status = EIN_NEW(a->shadow[s], a->table.rows + 1);
        if (status == EIN_OK) status = EIN_NEW(a->in[s], a->table.rows + 1);
        if (status == EIN_OK)
            status = ein_score_table_column(&a->table, ein_config_list_item(a->config, "audit.shadow", s),
                                            "--shadow", &column);
        if (status == EIN_OK) status = ein_score_table_numbers(&a->table, column, a->shadow[s]);
        if (status == EIN_OK)
            status =
                ein_score_table_column(&a->table, ein_config_list_item(a->config, "audit.shadow_member", s),
                                       "--shadow-member", &column);
        if (status == EIN_OK) status = ein_score_table_labels(&a->table, column, in);
        for (int64_t i = 0; status == EIN_OK && i < a->table.rows; i++) a->in[s][i] = in[i] == 1;
    }
    free(in);
    return status;
}

/* Records that say everything move to the front. */
static void sift(audit *a) {
    for (int64_t i = 0; i < a->table.rows; i++) {
        bool good =
            a->member[i] != EIN_LABEL_MISSING && a->label[i] != EIN_LABEL_MISSING && isfinite(a->score[i]);
        for (int s = 0; s < a->n_shadows; s++) good = good && isfinite(a->shadow[s][i]);
        if (!good) {
            a->left_out++;
            continue;
        }
        a->member[a->n] = a->member[i];
        a->label[a->n] = a->label[i];
        a->score[a->n] = a->score[i];
        a->cluster[a->n] = a->cluster[i];
        for (int s = 0; s < a->n_shadows; s++) {
            a->shadow[s][a->n] = a->shadow[s][i];
            a->in[s][a->n] = a->in[s][i];
        }
        a->n++;
    }
}

static ein_status load(audit *a) {
    const char *path = ein_config_string(a->config, "audit.scores"),
               *score = ein_config_string(a->config, "audit.score");
    int column;
    if (!path || !score)
        return ein_error(EIN_USAGE, "--scores TABLE.csv and --score COLUMN say what is audited");
    EIN_TRY(ein_score_table_open(&a->table, path));
    ein_score_table_tell_problems(&a->table);
    const int64_t rows = a->table.rows + 1;
    EIN_TRY(EIN_NEW(a->member, rows));
    EIN_TRY(EIN_NEW(a->label, rows));
    EIN_TRY(EIN_NEW(a->score, rows));
    EIN_TRY(EIN_NEW(a->attack, rows));
    EIN_TRY(EIN_NEW(a->cluster, rows));
    EIN_TRY(read_labels(a, "audit.member", a->member));
    EIN_TRY(read_labels(a, "audit.label", a->label));
    EIN_TRY(ein_score_table_column(&a->table, score, "--score", &column));
    EIN_TRY(ein_score_table_numbers(&a->table, column, a->score));
    EIN_TRY(read_cluster(a));
    EIN_TRY(read_shadows(a));
    sift(a);
    return EIN_OK;
}

static void audit_free(audit *a) {
    free(a->member);
    free(a->label);
    free(a->score);
    free(a->attack);
    free(a->cluster);
    for (int s = 0; s < a->n_shadows; s++) {
        free(a->shadow[s]);
        free(a->in[s]);
    }
    free(a->shadow);
    free(a->in);
    json_decref(a->root);
    ein_score_table_close(&a->table);
}

/* --- figures
 * --------------------------------------------------------------------------------------------------------- */

static json_t *interval_json(const ein_stats_interval *x) {
    return json_pack("{s:o, s:o, s:o, s:s}", "value", ein_json_number(x->value), "lower",
                     ein_json_number(x->lower), "upper", ein_json_number(x->upper), "state",
                     ein_stats_state_name(x->state != EIN_STATS_ESTIMABLE ? x->state : x->interval_state));
}

static void print_interval(const char *what, const ein_stats_interval *x) {
    if (x->state != EIN_STATS_ESTIMABLE)
        printf("  %-42s %s\n", what, ein_stats_state_text(x->state));
    else
        printf("  %-42s %8.4f (%.4f to %.4f)\n", what, x->value, x->lower, x->upper);
}

static ein_status tell_rates(const audit *a, const double *attack, const int8_t *member, int64_t n,
                             json_t *into) {
    static const double rates[] = {0.001, 0.01, 0.1};
    json_t *list = json_array();
    json_object_set_new(into, "rates", list);
    for (size_t k = 0; k < sizeof rates / sizeof *rates; k++) {
        ein_membership_rate r;
        char what[64];
        EIN_TRY(ein_membership_at(&r, attack, member, n, rates[k], a->level));
        snprintf(what, sizeof what, "true-positive rate at false-positive %.1f %%", 100 * rates[k]);
        if (r.state == EIN_STATS_ESTIMABLE)
            printf("  %-42s %8.4f (%.4f to %.4f), %.2f times chance\n", what, r.value, r.lower, r.upper,
                   r.times_chance);
        else
            printf("  %-42s not estimable: needs %.0f non-members, there are %lld\n", what, 1 / rates[k],
                   (long long)r.n_others);
        json_array_append_new(list, json_pack("{s:f, s:o, s:o, s:o, s:I, s:I}", "false_positive_rate",
                                              rates[k], "value", ein_json_number(r.value), "lower",
                                              ein_json_number(r.lower), "upper", ein_json_number(r.upper),
                                              "true_positive", (json_int_t)r.true_positive, "false_positive",
                                              (json_int_t)r.false_positive));
    }
    return EIN_OK;
}

/* One attack; records without a number are left out of it. */
static ein_status tell_attack(const audit *a, const char *name, const char *key) {
    int8_t *member = NULL;
    double *attack = NULL;
    uint64_t *cluster = NULL;
    ein_roc_result roc;
    int64_t n = 0;
    json_t *object = json_object();
    ein_roc_options options = EIN_ROC_DEFAULTS;
    options.level = a->level;
    json_object_set_new(a->root, key, object);
    ein_status status = EIN_NEW(member, a->n + 1);
    if (status == EIN_OK) status = EIN_NEW(attack, a->n + 1);
    if (status == EIN_OK) status = EIN_NEW(cluster, a->n + 1);
    for (int64_t i = 0; status == EIN_OK && i < a->n; i++) {
        if (isnan(a->attack[i])) continue;
        member[n] = a->member[i];
        cluster[n] = a->cluster[i];
        attack[n++] = a->attack[i];
    }
    if (status == EIN_OK) status = ein_roc_auc(&roc, attack, member, cluster, n, options);
    if (status == EIN_OK) {
        printf("\n%s, %lld records\n", name, (long long)n);
        print_interval("attack AUROC (0.5 is chance)", &roc.auc);
        json_object_set_new(object, "records", json_integer(n));
        json_object_set_new(object, "auroc", interval_json(&roc.auc));
        status = tell_rates(a, attack, member, n, object);
    }
    free(member);
    free(attack);
    free(cluster);
    return status;
}

/* AUROC of the model itself on members or others. */
static ein_status own_auroc(const audit *a, int8_t which, ein_roc_result *out) {
    double *score = NULL;
    int8_t *label = NULL;
    uint64_t *cluster = NULL;
    int64_t n = 0;
    ein_roc_options options = EIN_ROC_DEFAULTS;
    options.level = a->level;
    ein_status status = EIN_NEW(score, a->n + 1);
    if (status == EIN_OK) status = EIN_NEW(label, a->n + 1);
    if (status == EIN_OK) status = EIN_NEW(cluster, a->n + 1);
    for (int64_t i = 0; status == EIN_OK && i < a->n; i++) {
        if (a->member[i] != which) continue;
        score[n] = a->score[i];
        label[n] = a->label[i];
        cluster[n++] = a->cluster[i];
    }
    if (status == EIN_OK) status = ein_roc_auc(out, score, label, cluster, n, options);
    free(score);
    free(label);
    free(cluster);
    return status;
}

static ein_status tell_gap(const audit *a) {
    ein_roc_result in, out;
    ein_roc_comparison difference;
    ein_stats_interval loss;
    EIN_TRY(own_auroc(a, 1, &in));
    EIN_TRY(own_auroc(a, 0, &out));
    EIN_TRY(ein_roc_compare_unpaired(&difference, &in, &out, a->level));
    EIN_TRY(ein_membership_gap(&loss, a->attack, a->member, a->cluster, a->n, a->level));
    printf("\nGeneralisation gap\n");
    print_interval("AUROC on members", &in.auc);
    print_interval("AUROC on others", &out.auc);
    print_interval("difference", &difference.difference);
    print_interval("mean log p(y), members minus others", &loss);
    json_object_set_new(a->root, "gap",
                        json_pack("{s:o, s:o, s:o, s:o}", "auroc_members", interval_json(&in.auc),
                                  "auroc_others", interval_json(&out.auc), "auroc_difference",
                                  interval_json(&difference.difference), "log_probability",
                                  interval_json(&loss)));
    return EIN_OK;
}

static ein_status tell(audit *a) {
    char program[64];
    int64_t members = 0;
    for (int64_t i = 0; i < a->n; i++) members += a->member[i];
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    a->root =
        json_pack("{s:s, s:i, s:b, s:s, s:f, s:I, s:I, s:I}", "format", "einthoven privacy audit", "version",
                  1, "complete", 1, "program", program, "level", a->level, "members", (json_int_t)members,
                  "others", (json_int_t)(a->n - members), "left_out", (json_int_t)a->left_out);
    if (!a->root) return ein_error(EIN_NOMEM, "no memory for the audit");
    printf("%s: %lld members, %lld others", a->table.path, (long long)members, (long long)(a->n - members));
    if (a->left_out)
        printf("; %lld records without label, membership or score are LEFT OUT", (long long)a->left_out);
    printf("\n");
    EIN_TRY(ein_membership_loss(a->attack, a->score, a->label, a->n));
    EIN_TRY(tell_gap(a));
    EIN_TRY(tell_attack(a, "Membership by loss (one threshold for all)", "loss"));
    if (a->n_shadows > 0) {
        EIN_TRY(ein_membership_shadow(a->attack, a->score, (const double *const *)a->shadow,
                                      (const uint8_t *const *)a->in, a->n_shadows, a->label, a->n));
        EIN_TRY(tell_attack(a, "Membership by shadow models (LiRA)", "shadow"));
    }
    printf(
        "\nAttacks know the true label and the score. Intervals of AUROCs follow patients where they are "
        "given; those of\n"
        "rates are Clopper and Pearson's at the threshold found. Others must be like the members in all but "
        "membership:\n"
        "what differs else, such as the hospital, is told as membership. An attack that fails proves no safety.\n");
    return EIN_OK;
}

static ein_status run_audit(const ein_config *config) {
    audit a = {.config = config, .level = ein_config_real(config, "audit.level")};
    const char *const json = ein_config_string(config, "audit.json");
    ein_outputs *output;
    EIN_TRY(ein_outputs_begin(&json, 1, NULL, ein_config_bool(config, "audit.overwrite"), &output));
    ein_status status = load(&a);
    if (status == EIN_OK) status = tell(&a);
    if (status == EIN_OK && json) status = ein_json_write(json, a.root);
    if (status == EIN_OK) status = ein_outputs_publish(output);
    ein_outputs_end(output);
    audit_free(&a);
    return status;
}

static ein_status run(ein_job *job) {
    return ein_comm_share(job->comm, ein_comm_rank(job->comm) == 0 ? run_audit(job->config) : EIN_OK);
}

const ein_command ein_command_audit = {
    .name = "audit",
    .summary = "what a model tells of its training patients: membership inference from scores",
    .operands = "",
    .description =
        "A fine-tuned model carries traces of the patients that it was trained on. The table has their "
        "scores and those of\n"
        "others of the same kind (evaluate on the train and on the test part of a split). Out come the "
        "AUROC of attacks\n"
        "that guess membership, their true-positive rates at low false-positive rates, which is what hurts "
        "single patients,\n"
        "and the generalisation gap, with intervals. Shadow models, trained on other halves of the data, "
        "make the stronger\n"
        "attack possible.\n\n"
        "    einthoven audit --scores scores.csv --member train --label af --score p --cluster patient "
        "--json audit.json\n"
        "    einthoven audit --scores s.csv --label af --score p --shadow s1,s2,s3,s4 --shadow-member m1,m2,m3,m4",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
