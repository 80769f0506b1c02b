/* Each part of the description has one function; names are resolved as they are met, so cohorts come first. */
#include "jobs/study/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/nearest.h"
#include "io/formats/yaml_tree.h"

enum { MAX_SETTINGS = 256, MAX_FILES = 256, MAX_PAIRS = EIN_STUDY_MAX_TASKS * EIN_STUDY_MAX_COHORTS };

typedef struct {
    const char *file;
    ein_study *study;
} reader;

#define WRONG(r, node, ...) \
    ein_error_context(ein_error(EIN_USAGE, __VA_ARGS__), "%s:%d", (r)->file, (node)->line)

/* --- values ---------------------------------------------------------------------------------------------- */

static ein_status need_map(const reader *r, const ein_yaml_node *v, const char *what) {
    return v->kind == EIN_YAML_MAP ? EIN_OK : WRONG(r, v, "%s: expected a map", what);
}

static ein_status take_text(const reader *r, const ein_yaml_node *v, const char *what, char **out) {
    if (v->kind != EIN_YAML_SCALAR || ein_yaml_is_null(v) || v->text[0] == '\0')
        return WRONG(r, v, "%s: expected a text", what);
    free(*out);
    *out = strdup(v->text);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a study");
}

/* Names become folders, job names and columns. */
static ein_status take_name(const reader *r, const ein_yaml_node *v, const char *what,
                            char out[EIN_STUDY_NAME_BYTES]) {
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    const size_t n = v->kind == EIN_YAML_SCALAR ? strlen(v->text) : 0;
    if (n == 0 || n >= EIN_STUDY_NAME_BYTES || strspn(v->text, letters) != n || v->text[0] == '-')
        return WRONG(r, v, "%s: expected 1 to %d letters, digits, _ or -", what, EIN_STUDY_NAME_BYTES - 1);
    memcpy(out, v->text, n + 1);
    return EIN_OK;
}

static ein_status take_count(const reader *r, const ein_yaml_node *v, const char *what, int64_t most,
                             int64_t *out) {
    char *end = NULL;
    if (v->kind == EIN_YAML_SCALAR && v->text[0] >= '0' && v->text[0] <= '9') {
        const long long value = strtoll(v->text, &end, 10);
        if (*end == '\0' && value >= 1 && value <= most) {
            *out = value;
            return EIN_OK;
        }
    }
    return WRONG(r, v, "%s: expected a number from 1 to %lld", what, (long long)most);
}

/* Give the child of `map` under each known key to its place; any other key is an error. */
typedef struct {
    const char *key;
    const ein_yaml_node **value;
} known_key;

static ein_status take_keys(const reader *r, const ein_yaml_node *map, const char *what,
                            const known_key *known, int n_known) {
    const char *names[16];
    EIN_TRY(need_map(r, map, what));
    for (int k = 0; k < n_known; k++) names[k] = known[k].key;
    for (int i = 0; i < map->n; i++) {
        int k = 0;
        while (k < n_known && strcmp(known[k].key, map->key[i]->text) != 0) k++;
        if (k < n_known) {
            *known[k].value = map->item[i];
            continue;
        }
        const char *near = ein_nearest(map->key[i]->text, names, n_known);
        return WRONG(r, map->key[i], "%s has no key '%.60s'%s%s%s", what, map->key[i]->text,
                     near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
    }
    return EIN_OK;
}

/* --- settings -------------------------------------------------------------------------------------------- */

static ein_status add_setting(const reader *r, const ein_yaml_node *v, ein_study_settings *to,
                              const char *key, const char *value) {
    char **more;
    if (to->n == MAX_SETTINGS) return WRONG(r, v, "more than %d settings", MAX_SETTINGS);
    if (to->n == 0) EIN_TRY(EIN_NEW(to->assignment, MAX_SETTINGS));
    more = &to->assignment[to->n];
    const size_t bytes = strlen(key) + strlen(value) + 2;
    EIN_TRY(EIN_NEW(*more, bytes));
    snprintf(*more, bytes, "%s=%s", key, value);
    to->n++;
    return EIN_OK;
}

/* A list as --set reads it: items with commas between. */
static ein_status join_list(const reader *r, const ein_yaml_node *list, char **out) {
    size_t bytes = 1;
    for (int i = 0; i < list->n; i++) {
        const ein_yaml_node *item = list->item[i];
        if (item->kind != EIN_YAML_SCALAR || strpbrk(item->text, ",[]"))
            return WRONG(r, item, "lists of settings hold single values without commas or brackets");
        bytes += strlen(item->text) + 1;
    }
    EIN_TRY(EIN_NEW(*out, bytes));
    for (int i = 0; i < list->n; i++) {
        if (i) strcat(*out, ",");
        strcat(*out, list->item[i]->text);
    }
    return EIN_OK;
}

static ein_status take_settings_below(const reader *r, const ein_yaml_node *map, const char *prefix,
                                      ein_study_settings *to) {
    char key[512];
    for (int i = 0; i < map->n; i++) {
        const ein_yaml_node *v = map->item[i];
        const int n = snprintf(key, sizeof key, "%s%s%s", prefix, prefix[0] ? "." : "", map->key[i]->text);
        if (n >= (int)sizeof key) return WRONG(r, v, "the key is too long");
        if (v->kind == EIN_YAML_MAP) {
            EIN_TRY(take_settings_below(r, v, key, to));
        } else if (v->kind == EIN_YAML_LIST) {
            char *joined = NULL;
            ein_status status = join_list(r, v, &joined);
            if (status == EIN_OK) status = add_setting(r, v, to, key, joined);
            free(joined);
            EIN_TRY(status);
        } else {
            EIN_TRY(add_setting(r, v, to, key, ein_yaml_is_null(v) ? "null" : v->text));
        }
    }
    return EIN_OK;
}

static ein_status take_settings(const reader *r, const ein_yaml_node *v, const char *what,
                                ein_study_settings *to) {
    if (!v) return EIN_OK;
    EIN_TRY(need_map(r, v, what));
    return take_settings_below(r, v, "", to);
}

/* --- cohorts --------------------------------------------------------------------------------------------- */

static ein_status take_files(const reader *r, const ein_yaml_node *v, ein_study_cohort *cohort) {
    if (v->kind == EIN_YAML_MAP || (v->kind == EIN_YAML_LIST && (v->n == 0 || v->n > MAX_FILES)))
        return WRONG(r, v, "files: expected 1 to %d folders or files", MAX_FILES);
    const int n = v->kind == EIN_YAML_LIST ? v->n : 1;
    EIN_TRY(EIN_NEW(cohort->file, n));
    for (; cohort->n_files < n; cohort->n_files++)
        EIN_TRY(take_text(r, v->kind == EIN_YAML_LIST ? v->item[cohort->n_files] : v, "files",
                          &cohort->file[cohort->n_files]));
    return EIN_OK;
}

static ein_status take_cohort(const reader *r, const ein_yaml_node *name, const ein_yaml_node *v) {
    enum { MOST_RECORDS = 9999999 };
    ein_study_cohort *c = &r->study->cohort[r->study->n_cohorts];
    const ein_yaml_node *title = NULL, *records = NULL, *most = NULL, *least = NULL, *synth = NULL,
                        *files = NULL, *ingest = NULL, *split = NULL;
    const known_key keys[] = {{"title", &title},   {"records", &records}, {"most", &most},
                              {"least", &least},   {"synth", &synth},     {"files", &files},
                              {"ingest", &ingest}, {"split", &split}};
    c->line = name->line;
    EIN_TRY(take_name(r, name, "the name of a cohort", c->name));
    r->study->n_cohorts++;
    EIN_TRY(take_keys(r, v, "a cohort", keys, sizeof keys / sizeof *keys));
    if (title) EIN_TRY(take_text(r, title, "title", &c->title));
    if (!synth == !files)
        return WRONG(r, name,
                     "cohort %s: give either synth (settings; the files are made) or files (folders)",
                     c->name);
    c->synthetic = synth != NULL;
    if (files) EIN_TRY(take_files(r, files, c));
    if (synth && !records) return WRONG(r, name, "cohort %s: how many records? (records: 1000)", c->name);
    if (!synth && (records || most || least))
        return WRONG(r, name, "cohort %s: records, most and least are for synthetic cohorts", c->name);
    if (records) EIN_TRY(take_count(r, records, "records", MOST_RECORDS, &c->records));
    c->most = c->records;
    c->least = 1;
    if (most) EIN_TRY(take_count(r, most, "most", MOST_RECORDS, &c->most));
    if (least) EIN_TRY(take_count(r, least, "least", MOST_RECORDS, &c->least));
    if (c->least > c->most && synth) return WRONG(r, name, "cohort %s: least is more than most", c->name);
    EIN_TRY(take_settings(r, synth, "synth", &c->synth));
    EIN_TRY(take_settings(r, ingest, "ingest", &c->ingest));
    return take_settings(r, split, "split", &c->split);
}

static ein_status take_cohorts(const reader *r, const ein_yaml_node *v) {
    EIN_TRY(need_map(r, v, "cohorts"));
    if (v->n == 0 || v->n > EIN_STUDY_MAX_COHORTS)
        return WRONG(r, v, "cohorts: 1 to %d are read", EIN_STUDY_MAX_COHORTS);
    for (int i = 0; i < v->n; i++) EIN_TRY(take_cohort(r, v->key[i], v->item[i]));
    return EIN_OK;
}

static ein_status find_cohort(const reader *r, const ein_yaml_node *v, int *out) {
    const char *names[EIN_STUDY_MAX_COHORTS];
    const ein_study *s = r->study;
    for (*out = 0; *out < s->n_cohorts; ++*out) {
        names[*out] = s->cohort[*out].name;
        if (v->kind == EIN_YAML_SCALAR && strcmp(v->text, names[*out]) == 0) return EIN_OK;
    }
    if (v->kind != EIN_YAML_SCALAR) return WRONG(r, v, "expected the name of a cohort");
    const char *near = ein_nearest(v->text, names, s->n_cohorts);
    return WRONG(r, v, "no cohort '%.60s'%s%s%s", v->text, near ? "; did you mean " : "", near ? near : "",
                 near ? "?" : "");
}

/* --- training -------------------------------------------------------------------------------------------- */

static ein_status take_pretraining(const reader *r, const ein_yaml_node *v) {
    const ein_yaml_node *cohort = NULL, *set = NULL;
    const known_key keys[] = {{"cohort", &cohort}, {"set", &set}};
    EIN_TRY(take_keys(r, v, "pretrain", keys, 2));
    if (!cohort) return WRONG(r, v, "pretrain: on which cohort? (cohort: NAME)");
    EIN_TRY(find_cohort(r, cohort, &r->study->pretrain_cohort));
    return take_settings(r, set, "set", &r->study->pretrain);
}

static ein_status take_arm(const reader *r, const ein_yaml_node *name, const ein_yaml_node *v) {
    ein_study_arm *arm = &r->study->arm[r->study->n_arms];
    const ein_yaml_node *from = NULL, *mode = NULL, *set = NULL;
    const known_key keys[] = {{"from", &from}, {"mode", &mode}, {"set", &set}};
    EIN_TRY(take_name(r, name, "the name of an arm", arm->name));
    r->study->n_arms++;
    EIN_TRY(take_keys(r, v, "an arm", keys, 3));
    if (!from)
        return WRONG(r, name, "arm %s: from what? (from: pretrained, scratch, random-frozen or a model)",
                     arm->name);
    EIN_TRY(take_text(r, from, "from", &arm->from));
    if (strcmp(arm->from, "pretrained") == 0 && r->study->pretrain_cohort < 0)
        return WRONG(r, from, "arm %s starts from pretrained, but the study has no pretrain", arm->name);
    if (mode) EIN_TRY(take_text(r, mode, "mode", &arm->mode));
    return take_settings(r, set, "set", &arm->set);
}

/* The last part of a reference: "age" of "study/age" and of "my/tasks/age.yaml". */
static ein_status name_task(const reader *r, const ein_yaml_node *v, ein_study_task *task) {
    const char *slash = strrchr(task->reference, '/');
    const char *last = slash ? slash + 1 : task->reference;
    const size_t n = strcspn(last, ".");
    if (n == 0 || n >= EIN_STUDY_NAME_BYTES)
        return WRONG(r, v, "'%.60s' does not name a task", task->reference);
    memcpy(task->name, last, n);
    task->name[n] = '\0';
    return EIN_OK;
}

static int find_task(const ein_study *s, const char *reference) {
    for (int t = 0; t < s->n_tasks; t++)
        if (strcmp(s->task[t].reference, reference) == 0) return t;
    return -1;
}

static ein_status take_task(const reader *r, const ein_yaml_node *v, int cohort) {
    ein_study *s = r->study;
    if (s->n_tasks == EIN_STUDY_MAX_TASKS) return WRONG(r, v, "more than %d tasks", EIN_STUDY_MAX_TASKS);
    ein_study_task *task = &s->task[s->n_tasks++];
    task->cohort = cohort;
    EIN_TRY(take_text(r, v, "a task", &task->reference));
    EIN_TRY(name_task(r, v, task));
    for (int t = 0; t < s->n_tasks - 1; t++)
        if (strcmp(s->task[t].name, task->name) == 0)
            return WRONG(r, v, "task %s is trained twice, which one folder cannot hold", task->name);
    return EIN_OK;
}

static ein_status take_tasks(const reader *r, const ein_yaml_node *v) {
    EIN_TRY(need_map(r, v, "tasks"));
    for (int i = 0; i < v->n; i++) {
        int cohort;
        EIN_TRY(find_cohort(r, v->key[i], &cohort));
        const ein_yaml_node *list = v->item[i];
        if (list->kind != EIN_YAML_LIST) return WRONG(r, list, "expected a list of tasks");
        for (int t = 0; t < list->n; t++) EIN_TRY(take_task(r, list->item[t], cohort));
    }
    return r->study->n_tasks ? EIN_OK : WRONG(r, v, "tasks: none is given");
}

static ein_status take_finetuning(const reader *r, const ein_yaml_node *v) {
    const ein_yaml_node *seeds = NULL, *set = NULL, *arms = NULL, *tasks = NULL;
    const known_key keys[] = {{"seeds", &seeds}, {"set", &set}, {"arms", &arms}, {"tasks", &tasks}};
    int64_t n = 1;
    EIN_TRY(take_keys(r, v, "finetune", keys, 4));
    if (!arms || !tasks) return WRONG(r, v, "finetune needs arms and tasks");
    if (seeds) EIN_TRY(take_count(r, seeds, "seeds", 1000, &n));
    r->study->seeds = (int)n;
    EIN_TRY(take_settings(r, set, "set", &r->study->finetune));
    EIN_TRY(need_map(r, arms, "arms"));
    if (arms->n == 0 || arms->n > EIN_STUDY_MAX_ARMS)
        return WRONG(r, arms, "arms: 1 to %d are read", EIN_STUDY_MAX_ARMS);
    for (int i = 0; i < arms->n; i++) EIN_TRY(take_arm(r, arms->key[i], arms->item[i]));
    return take_tasks(r, tasks);
}

/* A task and a cohort for `evaluate` or `score`. */
static ein_status take_pair(const reader *r, const ein_yaml_node *v, const char *done, int cohort,
                            ein_study_pair *pair, int *n) {
    const ein_study *s = r->study;
    const int task = v->kind == EIN_YAML_SCALAR ? find_task(s, v->text) : -1;
    if (task < 0)
        return WRONG(r, v, "'%.60s' is none of the tasks that are trained",
                     v->kind == EIN_YAML_SCALAR ? v->text : "?");
    for (int e = 0; e < *n; e++)
        if (pair[e].task == task && pair[e].cohort == cohort)
            return WRONG(r, v, "%s is %s twice on %s", s->task[task].name, done, s->cohort[cohort].name);
    pair[(*n)++] = (ein_study_pair){task, cohort};
    return EIN_OK;
}

static ein_status take_pairs(const reader *r, const ein_yaml_node *v, const char *what, const char *done,
                             ein_study_settings *settings, ein_study_pair **pair, int *n) {
    const ein_yaml_node *set = NULL, *cohorts = NULL;
    const known_key keys[] = {{"set", &set}, {"cohorts", &cohorts}};
    EIN_TRY(take_keys(r, v, what, keys, 2));
    if (!cohorts) return WRONG(r, v, "%s: on which cohorts?", what);
    EIN_TRY(take_settings(r, set, "set", settings));
    EIN_TRY(need_map(r, cohorts, "cohorts"));
    EIN_TRY(EIN_NEW(*pair, MAX_PAIRS));
    for (int i = 0; i < cohorts->n; i++) {
        int cohort;
        EIN_TRY(find_cohort(r, cohorts->key[i], &cohort));
        const ein_yaml_node *list = cohorts->item[i];
        if (list->kind != EIN_YAML_LIST) return WRONG(r, list, "expected a list of tasks");
        for (int t = 0; t < list->n; t++) EIN_TRY(take_pair(r, list->item[t], done, cohort, *pair, n));
    }
    return EIN_OK;
}

static ein_status take_study(const reader *r, const ein_yaml_node *root) {
    ein_study *s = r->study;
    const ein_yaml_node *name = NULL, *title = NULL, *folder = NULL, *preset = NULL, *cohorts = NULL,
                        *pretrain = NULL, *finetune = NULL, *evaluate = NULL, *score = NULL;
    const known_key keys[] = {{"study", &name},        {"title", &title},       {"folder", &folder},
                              {"preset", &preset},     {"cohorts", &cohorts},   {"pretrain", &pretrain},
                              {"finetune", &finetune}, {"evaluate", &evaluate}, {"score", &score}};
    s->pretrain_cohort = -1;
    EIN_TRY(take_keys(r, root, "a study", keys, sizeof keys / sizeof *keys));
    if (!name || !preset || !cohorts)
        return WRONG(r, root, "a study has at least the keys study (its name), preset and cohorts");
    EIN_TRY(take_name(r, name, "study", s->name));
    EIN_TRY(take_text(r, preset, "preset", &s->preset));
    if (title) EIN_TRY(take_text(r, title, "title", &s->title));
    if (folder) EIN_TRY(take_text(r, folder, "folder", &s->folder));
    EIN_TRY(take_cohorts(r, cohorts));
    if (pretrain) EIN_TRY(take_pretraining(r, pretrain));
    if (finetune) EIN_TRY(take_finetuning(r, finetune));
    if (evaluate)
        EIN_TRY(take_pairs(r, evaluate, "evaluate", "evaluated", &s->evaluate, &s->evaluation,
                           &s->n_evaluations));
    return score ? take_pairs(r, score, "score", "scored", &s->score, &s->scoring, &s->n_scorings) : EIN_OK;
}

ein_status ein_study_parse(const char *name, const char *text, size_t bytes, ein_study **out) {
    ein_yaml_node *root = NULL;
    ein_study *study = NULL;
    *out = NULL;
    EIN_TRY(ein_yaml_parse(name, text, bytes, EIN_STUDY_MAX_BYTES, &root));
    ein_status status = root ? EIN_NEW(study, 1) : ein_error(EIN_USAGE, "%s: the study is empty", name);
    if (status == EIN_OK) {
        const reader r = {name, study};
        status = take_study(&r, root);
    }
    ein_yaml_free(root);
    if (status != EIN_OK) {
        ein_study_free(study);
        return status;
    }
    *out = study;
    return EIN_OK;
}

/* --- the rest -------------------------------------------------------------------------------------------- */

static void free_settings(ein_study_settings *s) {
    for (int i = 0; i < s->n; i++) free(s->assignment[i]);
    free(s->assignment);
}

static void free_cohort(ein_study_cohort *c) {
    free(c->title);
    for (int i = 0; i < c->n_files; i++) free(c->file[i]);
    free(c->file);
    free_settings(&c->synth);
    free_settings(&c->ingest);
    free_settings(&c->split);
}

void ein_study_free(ein_study *s) {
    if (!s) return;
    free(s->title);
    free(s->folder);
    free(s->preset);
    for (int i = 0; i < s->n_cohorts; i++) free_cohort(&s->cohort[i]);
    for (int i = 0; i < s->n_arms; i++) {
        free(s->arm[i].from);
        free(s->arm[i].mode);
        free_settings(&s->arm[i].set);
    }
    for (int i = 0; i < s->n_tasks; i++) free(s->task[i].reference);
    free(s->evaluation);
    free(s->scoring);
    free_settings(&s->pretrain);
    free_settings(&s->finetune);
    free_settings(&s->evaluate);
    free_settings(&s->score);
    free(s);
}

bool ein_study_is_synthetic(const ein_study *study) {
    for (int i = 0; i < study->n_cohorts; i++)
        if (study->cohort[i].synthetic) return true;
    return false;
}
