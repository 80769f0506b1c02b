/* A site's run: verified before anything runs, then the site's own figures, then what may be sent. */
#include "jobs/sites/site.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/stats/noise.h"
#include "io/base/durable.h"
#include "io/corpus/corpus.h"
#include "io/model/model.h"
#include "jobs/sites/acro.h"
#include "jobs/sites/build.h"

/* clang-format off */
const ein_option ein_table_site[] = {
    {"evaluate.plan", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "a coordinator's plan for sites: computes what it asks for, and prepares the one file to send"},
    {"evaluate.coordinator", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "public key that the plan must be signed by (compare its fingerprint by telephone)"},
    {"evaluate.site", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "name of this site in the plan"},
    {"evaluate.site_key", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "this site's secret key (einthoven keys); the ledger of releases lies beside it"},
    {"evaluate.minimum_cell", EIN_OPT_INT, "0", 0, 100000, NULL, "patients",
     "least number of patients of a cell that leaves, if more than the plan's"},
    {"evaluate.epsilon", EIN_OPT_REAL, NULL, 0.001, 100, NULL, "",
     "noise on every count, for differential privacy of the whole result; lowers the plan's epsilon, or adds noise to "
     "a plan of one round that has none"},
    {"evaluate.today", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "date to take for today, where a machine's clock is wrong; unset: the clock's, in UTC"},
    {0},
};
/* clang-format on */

struct ein_site {
    ein_job *job;
    const ein_option *const *tables;
    ein_plan *plan;
    ein_config *config; /* of the run that was asked for last */
    ein_site_key key;   /* rank 0 */
    ein_site_people people;
    char out[4096], today[11], contract_hash[EIN_HASH_TEXT_BYTES];
    const char *name;
    ein_plan_noise noise;
    int binary[EIN_PLAN_MOST_TASKS], n_binary;
    bool of_table, root;
};

/* Where a file of a folder lies. */
static void path_in(char out[EIN_SITE_PATH_BYTES], const char *folder, const char *name) {
    snprintf(out, EIN_SITE_PATH_BYTES, "%s/%s", folder, name);
}

void ein_site_ledger_path(char out[EIN_SITE_PATH_BYTES], const char *key_path) {
    snprintf(out, EIN_SITE_PATH_BYTES, "%.4000s.ledger", key_path);
}

ein_status ein_site_today(const ein_config *c, const char *key, char out[11]) {
    const char *given = ein_config_string(c, key);
    ein_date_today(out);
    if (!given) return EIN_OK;
    EIN_TRY(ein_date_check(given));
    snprintf(out, 11, "%s", given);
    return EIN_OK;
}

/* --- verification ----------------------------------------------------------------------------------------------- */

ein_status ein_site_check_plan(const ein_plan *plan, const char *coordinator, const char *today) {
    uint8_t key[EIN_PUBLIC_KEY_BYTES];
    char wanted[EIN_FINGERPRINT_BYTES], got[EIN_FINGERPRINT_BYTES];
    if (!coordinator)
        return ein_error(EIN_USAGE,
                         "whose plan is it? --coordinator FILE.pub names the coordinator's public key");
    EIN_TRY(ein_public_key_read(coordinator, key));
    ein_fingerprint(key, wanted);
    ein_fingerprint(plan->file.public_key, got);
    if (memcmp(key, plan->file.public_key, sizeof key) != 0)
        return ein_error(EIN_MISMATCH,
                         "the plan was signed by the key %s, not by %s (%s): it is not this coordinator's",
                         got, coordinator, wanted);
    if (strcmp(today, plan->expires) <= 0) return EIN_OK;
    return ein_error(EIN_USAGE, "the plan \"%.60s\" expired on %s, and today is %s; ask for a new one",
                     plan->name, plan->expires, today);
}

static ein_status check_site(ein_site *s) {
    const ein_config *c = s->job->config;
    const char *key_path = ein_config_string(c, "evaluate.site_key");
    char own[2 * EIN_PUBLIC_KEY_BYTES + 1];
    if (!s->name || !key_path)
        return ein_error(EIN_USAGE, "a plan is run by a site: --site NAME and --site-key FILE say by which");
    const char *key = ein_plan_site_key(s->plan, s->name);
    if (!key) return ein_error(EIN_MISMATCH, "the plan has no site \"%.60s\"", s->name);
    EIN_TRY(ein_site_key_read(key_path, &s->key));
    ein_hex(s->key.public_key, sizeof s->key.public_key, own);
    if (!strcmp(key, own)) return EIN_OK;
    return ein_error(EIN_MISMATCH,
                     "the plan knows another key of site %s than %s; send the coordinator %s.pub", s->name,
                     key_path, key_path);
}

/* Every model of the plan is given, by its name, and is the very file. */
static ein_status check_models(const ein_site *s) {
    const ein_config *c = s->job->config;
    const int n = ein_config_list_count(c, "evaluate.models");
    if (s->of_table)
        return s->plan->model[0].hash
                   ? ein_error(
                         EIN_USAGE,
                         "the plan names model files: give --model NAME=FILE and --corpus, not --scores")
                   : EIN_OK;
    for (int m = 0; m < s->plan->n_models; m++) {
        const ein_plan_model *wanted = &s->plan->model[m];
        const char *path = NULL;
        char hash[EIN_HASH_TEXT_BYTES];
        for (int i = 0; i < n; i++) {
            const char *spec = ein_config_list_item(c, "evaluate.models", i), *equals = strchr(spec, '=');
            if (equals && strlen(wanted->name) == (size_t)(equals - spec) &&
                !strncmp(spec, wanted->name, (size_t)(equals - spec)))
                path = equals + 1;
        }
        if (!wanted->hash)
            return ein_error(EIN_USAGE, "the plan wants scores in a table: give --scores TABLE.csv");
        if (!path || n != s->plan->n_models)
            return ein_error(EIN_USAGE, "the plan has %d models; give each as --model %s=FILE",
                             s->plan->n_models, wanted->name);
        EIN_TRY(ein_model_hash(path, hash));
        if (strcmp(hash, wanted->hash) != 0)
            return ein_error(EIN_MISMATCH,
                             "%s is not the plan's model %s: its content hash is %s, the plan's %s", path,
                             wanted->name, hash, wanted->hash);
    }
    return EIN_OK;
}

/* Rank 0 reads for all. Collective. */
static ein_status share_plan(ein_site *s, const char *path) {
    char *text = NULL;
    size_t bytes = 0;
    int64_t n = 0;
    EIN_TRY(ein_comm_share(s->job->comm,
                           s->root ? ein_file_read(path, (int64_t)ein_signed_plan.max_bytes, &text, &bytes)
                                   : EIN_OK));
    n = (int64_t)bytes;
    ein_status status = ein_comm_check(MPI_Bcast(&n, 1, MPI_INT64_T, 0, ein_comm_mpi(s->job->comm)),
                                       "sharing the size of a plan");
    if (status == EIN_OK && !s->root) status = ein_calloc(&text, n + 1, 1, "a plan");
    status = ein_comm_agree(s->job->comm, status);
    if (status == EIN_OK)
        status = ein_comm_check(MPI_Bcast(text, ein_int(n), MPI_BYTE, 0, ein_comm_mpi(s->job->comm)),
                                "sharing a plan");
    if (status == EIN_OK) status = ein_plan_parse(path, text, (size_t)n, &s->plan);
    free(text);
    return ein_comm_agree(s->job->comm, status);
}

/* --- the private folder ------------------------------------------------------------------------------------------ */

static ein_status make_folder(ein_site *s) {
    const char *out = ein_config_string(s->job->config, "evaluate.out");
    char path[EIN_SITE_PATH_BYTES];
    if (!out) return ein_error(EIN_USAGE, "no folder for the results: give --out FOLDER");
    snprintf(s->out, sizeof s->out, "%.3900s/site-private", out);
    EIN_TRY(ein_make_folders(out));
    if (mkdir(s->out, 0700) != 0 && errno != EEXIST)
        return ein_error(EIN_IO, "%s: cannot make the folder: %s", s->out, strerror(errno));
    if (chmod(s->out, 0700) != 0)
        return ein_error(EIN_IO, "%s: cannot close it to others: %s", s->out, strerror(errno));
    path_in(path, s->out, "candidate.json");
    if (access(path, F_OK) == 0 && !ein_config_bool(s->job->config, "evaluate.overwrite"))
        return ein_error(EIN_EXISTS, "%s holds results; --overwrite replaces them", s->out);
    return EIN_OK;
}

static ein_status keep_plan(const ein_site *s) {
    char path[EIN_SITE_PATH_BYTES], *text;
    size_t bytes;
    EIN_TRY(ein_file_read(ein_config_string(s->job->config, "evaluate.plan"),
                          (int64_t)ein_signed_plan.max_bytes, &text, &bytes));
    path_in(path, s->out, "plan.json");
    const ein_status status = ein_durable_write(path, text, bytes);
    free(text);
    return status;
}

/* --- the site's own figures ----------------------------------------------------------------------------------------
 * */

/* The cohort's rows with all their columns, so that the site's figures are about those whom the plan is about. */
static ein_status write_cohort(const ein_site *s, const ein_site_rows *rows) {
    char path[EIN_SITE_PATH_BYTES];
    const ein_csv *csv = rows->table.csv;
    const int n = ein_csv_columns(csv);
    const char **names;
    ein_csv_writer *writer = NULL;
    EIN_TRY(EIN_NEW(names, n + 1));
    for (int k = 0; k < n; k++) names[k] = ein_csv_column_name(csv, k);
    path_in(path, s->out, "cohort.csv");
    const ein_status status = ein_csv_create(path, names, n, &writer);
    free(names);
    EIN_TRY(status);
    for (int64_t i = 0; i < rows->table.rows; i++) {
        if (!rows->eligible[i]) continue;
        for (int k = 0; k < n; k++) ein_csv_put(writer, ein_csv_cell(csv, i, k));
        ein_csv_end_row(writer);
    }
    return ein_csv_finish(writer, true);
}

static ein_status prepare_cohort(ein_site *s) {
    ein_site_rows rows;
    EIN_TRY(keep_plan(s));
    if (!s->of_table) return EIN_OK;
    EIN_TRY(ein_site_rows_read(&rows, s->plan, ein_config_string(s->job->config, "evaluate.scores"), &s->key,
                               NULL));
    const ein_status status = write_cohort(s, &rows);
    ein_site_rows_free(&rows);
    return status;
}

int ein_site_runs(const ein_site *s) {
    return s->of_table ? s->plan->n_tasks : 1;
}

bool ein_site_of_table(const ein_site *s) {
    return s->of_table;
}

static ein_status set(ein_config *c, const char *key, const char *value) {
    return ein_config_set_key(c, "the plan", key, value);
}

static ein_status set_table(const ein_site *s, ein_config *c, int task) {
    const ein_plan_task *t = &s->plan->task[task];
    char path[EIN_SITE_PATH_BYTES], name[64], number[40];
    EIN_TRY(set(c, "evaluate.out", "null"));
    path_in(path, s->out, "cohort.csv");
    EIN_TRY(set(c, "evaluate.scores", path));
    EIN_TRY(ein_config_add_key(c, "the plan", t->quantity ? "evaluate.target" : "evaluate.label", t->label));
    for (int m = 0; m < s->plan->n_models; m++)
        EIN_TRY(ein_config_add_key(c, "the plan", "evaluate.score", t->score[m]));
    EIN_TRY(set(c, "evaluate.id", s->plan->record));
    EIN_TRY(set(c, "evaluate.cluster", s->plan->patient));
    for (int k = 0; k < t->n_thresholds; k++) {
        snprintf(number, sizeof number, "%.17g", t->edge[t->threshold[k]]);
        EIN_TRY(ein_config_add_key(c, "the plan", "evaluate.threshold", number));
    }
    for (int g = 0; g < s->plan->n_groupings && !t->quantity; g++)
        if (s->plan->grouping[g].n_cuts == 0)
            EIN_TRY(ein_config_add_key(c, "the plan", "evaluate.subgroup", s->plan->grouping[g].column));
    snprintf(name, sizeof name, "task-%d.json", task + 1);
    path_in(path, s->out, name);
    EIN_TRY(set(c, "evaluate.json", path));
    snprintf(name, sizeof name, "task-%d.csv", task + 1);
    path_in(path, s->out, name);
    return set(c, "evaluate.csv", path);
}

ein_status ein_site_config(ein_site *s, int index, const ein_config **out) {
    char *yaml = NULL, path[EIN_SITE_PATH_BYTES];
    ein_config_destroy(s->config);
    s->config = NULL;
    EIN_TRY(ein_config_to_yaml(s->job->config, &yaml));
    ein_status status = ein_config_new(s->tables, &s->config);
    if (status == EIN_OK) status = ein_config_load_text(s->config, "the configuration", yaml, strlen(yaml));
    free(yaml);
    EIN_TRY(status);
    *out = s->config;
    if (s->of_table) return set_table(s, s->config, index);
    path_in(path, s->out, "evaluation");
    return set(s->config, "evaluate.out", path);
}

/* --- age and sex of a corpus ------------------------------------------------------------------------------------- */

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* Rank 0. Ids are sorted with their index behind them, then taken apart. */
static ein_status take_people(ein_site_people *p, ein_corpus *corpus) {
    const float *age = ein_corpus_age(corpus);
    const int8_t *sex = ein_corpus_sex(corpus);
    const int64_t n = ein_corpus_records(corpus);
    EIN_TRY(EIN_NEW(p->record, n + 1));
    EIN_TRY(EIN_NEW(p->age, n + 1));
    EIN_TRY(EIN_NEW(p->sex, n + 1));
    for (p->n = 0; p->n < n; p->n++) {
        const char *id = ein_corpus_record_id(corpus, p->n);
        const size_t bytes = strlen(id) + 1;
        EIN_TRY(ein_calloc(&p->record[p->n], (int64_t)(bytes + sizeof(int64_t)), 1, "record ids"));
        memcpy(p->record[p->n], id, bytes);
        memcpy(p->record[p->n] + bytes, &p->n, sizeof p->n);
    }
    qsort(p->record, (size_t)n, sizeof *p->record, compare_texts);
    for (int64_t i = 0; i < n; i++) {
        int64_t at;
        memcpy(&at, p->record[i] + strlen(p->record[i]) + 1, sizeof at);
        p->age[i] = age[at];
        p->sex[i] = sex[at] == 1 ? "female" : sex[at] == 0 ? "male" : "";
    }
    return EIN_OK;
}

/* Collective. */
static ein_status read_people(ein_site *s) {
    ein_corpus *corpus;
    EIN_TRY(ein_corpus_open(s->job->comm, ein_config_string(s->job->config, "data.corpus"), &corpus));
    snprintf(s->contract_hash, sizeof s->contract_hash, "%s", ein_corpus_contract_hash(corpus));
    const ein_status status =
        ein_comm_share(s->job->comm, s->root ? take_people(&s->people, corpus) : EIN_OK);
    ein_corpus_close(corpus);
    EIN_TRY(status);
    if (!s->plan->contract_hash || !strcmp(s->plan->contract_hash, s->contract_hash)) return EIN_OK;
    return ein_error(EIN_MISMATCH,
                     "the corpus has the contract %s, the plan wants %s; ingest again under the model's",
                     s->contract_hash, s->plan->contract_hash);
}

/* --- what may be sent ----------------------------------------------------------------------------------------------
 * */

static void tell_noise(const ein_site_build *b) {
    int64_t numerator, denominator, spent, budget;
    const bool kept = ein_ledger_budget(b->ledger, &spent, &budget);
    if (kept && !ein_site_is_noisy(b))
        fprintf(
            b->sheet,
            "\nNO NOISE: this site keeps a privacy budget (%.9g of %.9g spent), which exact counts are outside of.\n",
            (double)spent / 1000, (double)budget / 1000);
    if (!ein_site_is_noisy(b)) return;
    ein_plan_noise_rate(&numerator, &denominator, b->plan, b->noise);
    fprintf(
        b->sheet,
        "\nNoise: every count that is sent bears discrete Laplace noise. Epsilon of the whole result is %.9g, under "
        "adding or\nremoving a patient, of whose records %lld %s counted; each of %lld tables gets an equal part, so "
        "a count is off by\n%.1f (standard deviation). Which bins were joined, and what is withheld, follows from "
        "exact counts and is not covered.\n",
        (double)b->noise.thousandths / 1000, (long long)b->noise.records,
        b->noise.records == 1 ? "is" : "are", (long long)ein_plan_noise_tables(b->plan),
        sqrt(ein_noise_variance((double)numerator / (double)denominator)));
    if (kept)
        fprintf(b->sheet, "Of this site's privacy budget of %.9g, %.9g were spent before.\n",
                (double)budget / 1000, (double)spent / 1000);
    else
        fprintf(b->sheet, "This site has no privacy budget yet: the first release sets it (--budget).\n");
}

static void begin_sheet(const ein_site *s, const ein_site_build *b) {
    fprintf(
        b->sheet,
        "RELEASE SHEET of site %s, %s\nPlan \"%s\" (%s), round %d\n\n"
        "Every number below was judged before any rounding: at least %.9g patients in every cell, in every difference\n"
        "of two cells, and beside all that this site has released before (%d in the ledger); sums of which "
        "two patients\n"
        "make 90 %%, statistics with fewer than %lld free patients, zeros, least and greatest values are not sent.\n",
        s->name, s->today, s->plan->name, s->plan->file.hash, s->plan->round, b->rules.minimum,
        b->ledger->n_releases, (long long)b->rules.degrees);
}

static ein_status write_sheet(const ein_site *s, const char *text, const char *hash) {
    char path[EIN_SITE_PATH_BYTES], *whole;
    if (asprintf(
            &whole,
            "%s\nNothing else is sent: no record, no score of a person. Read site-private/candidate.json, which holds\n"
            "exactly the bytes that would be signed. Their BLAKE2b-256 is\n\n    %s\n\n"
            "To approve these bytes and no others:\n\n"
            "    einthoven release %s --key %s --by NAME --approve %.16s\n",
            text, hash, ein_config_string(s->job->config, "evaluate.out"),
            ein_config_string(s->job->config, "evaluate.site_key"), hash) < 0)
        return ein_error(EIN_NOMEM, "no memory for the release sheet");
    printf("\n%s", whole);
    path_in(path, s->out, "RELEASE-SHEET.txt");
    const ein_status status = ein_durable_write(path, whole, strlen(whole));
    free(whole);
    return status;
}

static ein_status write_candidate(const ein_site *s, const ein_site_build *b, const json_t *body,
                                  const char *sheet) {
    char path[EIN_SITE_PATH_BYTES], hash[EIN_HASH_TEXT_BYTES], *text;
    EIN_TRY(ein_signed_canonical(body, &text));
    ein_hash_text(text, strlen(text), hash);
    path_in(path, s->out, "tables.csv");
    ein_status status = ein_site_tables_write(path, &b->tables);
    path_in(path, s->out, "candidate.json");
    if (status == EIN_OK) status = ein_durable_write(path, text, strlen(text));
    free(text);
    return status == EIN_OK ? write_sheet(s, sheet, hash) : status;
}

static ein_status build(const ein_site *s, const ein_site_rows *rows, const ein_ledger *ledger) {
    const int64_t own = ein_config_int(s->job->config, "evaluate.minimum_cell");
    char *sheet = NULL, program[64], folder[EIN_SITE_PATH_BYTES];
    size_t bytes = 0;
    json_t *body = NULL;
    ein_site_build b = {
        .plan = s->plan, .rows = rows, .rules = EIN_RELEASE_DEFAULTS, .noise = s->noise, .ledger = ledger};
    b.rules.minimum = (double)(own > s->plan->minimum_cell ? own : s->plan->minimum_cell);
    b.sheet = open_memstream(&sheet, &bytes);
    if (!b.sheet) return ein_error(EIN_NOMEM, "no memory for the release sheet");
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    begin_sheet(s, &b);
    tell_noise(&b);
    ein_status status =
        ein_site_body(&body, &b, s->name, program, s->today, s->contract_hash[0] ? s->contract_hash : NULL);
    fclose(b.sheet);
    path_in(folder, s->out, "acro");
    if (status == EIN_OK) status = ein_site_acro(folder, s->plan, body, program, s->today);
    if (status == EIN_OK) status = write_candidate(s, &b, body, sheet);
    ein_site_tables_free(&b.tables);
    json_decref(body);
    free(sheet);
    return status;
}

static ein_status finish(ein_site *s) {
    char path[EIN_SITE_PATH_BYTES];
    ein_ledger ledger;
    ein_site_rows rows;
    ein_site_ledger_path(path, ein_config_string(s->job->config, "evaluate.site_key"));
    EIN_TRY(ein_ledger_read(path, &ledger));
    ein_status status = EIN_OK;
    if (s->of_table)
        snprintf(path, sizeof path, "%s", ein_config_string(s->job->config, "evaluate.scores"));
    else
        path_in(path, s->out, "evaluation/scores.csv");
    if (status == EIN_OK)
        status = ein_site_rows_read(&rows, s->plan, path, &s->key, s->of_table ? NULL : &s->people);
    if (status == EIN_OK) {
        rows.most_records = s->noise.records;
        status = build(s, &rows, &ledger);
        ein_site_rows_free(&rows);
    }
    ein_ledger_free(&ledger);
    return status;
}

ein_status ein_site_finish(ein_site *s) {
    if (!s->of_table) EIN_TRY(read_people(s));
    return ein_comm_share(s->job->comm, s->root ? finish(s) : EIN_OK);
}

/* --- begin and end
 * --------------------------------------------------------------------------------------------------- */

/* Round 2 is about what this site has released in round 1. */
static ein_status check_round(const ein_site *s) {
    char path[EIN_SITE_PATH_BYTES];
    ein_ledger ledger;
    if (s->plan->round == 1) return EIN_OK;
    ein_site_ledger_path(path, ein_config_string(s->job->config, "evaluate.site_key"));
    EIN_TRY(ein_ledger_read(path, &ledger));
    const bool found = ein_ledger_has_plan(&ledger, s->plan->previous);
    ein_ledger_free(&ledger);
    if (found) return EIN_OK;
    return ein_error(EIN_MISMATCH, "round 2 of a plan whose round 1 this site has not released (ledger %s)",
                     path);
}

/* The plan's noise, or more of it; and whether the budget has room for it. */
static ein_status choose_noise(ein_site *s) {
    char path[EIN_SITE_PATH_BYTES];
    ein_ledger ledger;
    int64_t spent, budget;
    s->noise = s->plan->noise;
    if (ein_config_is_set(s->job->config, "evaluate.epsilon")) {
        const double own = ein_config_real(s->job->config, "evaluate.epsilon");
        const int64_t thousandths = llround(1000 * own);
        if (s->plan->rounds > 1)
            return ein_error(
                EIN_USAGE,
                "--epsilon: the plan \"%.60s\" has %d rounds, which need exact counts; ask for one of one "
                "round",
                s->plan->name, s->plan->rounds);
        if (s->noise.thousandths && thousandths > s->noise.thousandths)
            return ein_error(EIN_USAGE, "--epsilon %.9g: less noise than the plan wants (%.9g)", own,
                             (double)s->noise.thousandths / 1000);
        if (ein_plan_noise_tables(s->plan) == 0)
            return ein_error(EIN_USAGE, "--epsilon: the plan has no task of counts");
        s->noise = (ein_plan_noise){thousandths, s->noise.records ? s->noise.records : 1};
    }
    ein_site_ledger_path(path, ein_config_string(s->job->config, "evaluate.site_key"));
    EIN_TRY(ein_ledger_read(path, &ledger));
    const bool kept = ein_ledger_budget(&ledger, &spent, &budget);
    ein_ledger_free(&ledger);
    if (!kept || !s->noise.thousandths || spent + s->noise.thousandths <= budget) return EIN_OK;
    return ein_error(EIN_USAGE, "epsilon %.9g: of this site's privacy budget of %.9g, %.9g are spent (%s)",
                     (double)s->noise.thousandths / 1000, (double)budget / 1000, (double)spent / 1000, path);
}

static ein_status verify(ein_site *s) {
    EIN_TRY(
        ein_site_check_plan(s->plan, ein_config_string(s->job->config, "evaluate.coordinator"), s->today));
    EIN_TRY(check_site(s));
    EIN_TRY(check_models(s));
    EIN_TRY(check_round(s));
    EIN_TRY(choose_noise(s));
    EIN_TRY(make_folder(s));
    return prepare_cohort(s);
}

ein_status ein_site_begin(ein_job *job, const ein_option *const *tables, ein_site **out) {
    ein_site *s;
    EIN_TRY(EIN_NEW(s, 1));
    *out = s;
    s->job = job;
    s->tables = tables;
    s->root = ein_comm_rank(job->comm) == 0;
    s->of_table = ein_config_is_set(job->config, "evaluate.scores");
    s->name = ein_config_string(job->config, "evaluate.site");
    EIN_TRY(ein_site_today(job->config, "evaluate.today", s->today));
    EIN_TRY(share_plan(s, ein_config_string(job->config, "evaluate.plan")));
    const char *given = ein_config_string(job->config, "evaluate.out");
    if (given) snprintf(s->out, sizeof s->out, "%.3900s/site-private", given);
    return ein_comm_share(job->comm, s->root ? verify(s) : EIN_OK);
}

void ein_site_end(ein_site *s) {
    if (!s) return;
    for (int64_t i = 0; s->people.record && i < s->people.n; i++) free(s->people.record[i]);
    free(s->people.record);
    free(s->people.age);
    free(s->people.sex);
    ein_site_key_wipe(&s->key);
    ein_config_destroy(s->config);
    ein_plan_free(s->plan);
    free(s);
}
