#include "jobs/study/plan.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/lock.h"
#include "io/base/sums.h"
#include "io/base/trouble.h"
#include "jobs/cli/shell_word.h"

enum { MAX_WORDS = 1024, STATE_BYTES = 1 << 16, COMMAND_BYTES = 1 << 24 };

const char *const ein_study_stage_name[EIN_STUDY_STAGES] = {"synth",    "ingest", "pretrain", "finetune",
                                                            "evaluate", "score",  "table"};

/* --- building cells -------------------------------------------------------------------------------------- */

/* The first failure is kept, so that a command is put together without a check per word. */
typedef struct {
    ein_study_plan *plan;
    ein_study_cell *cell;
    ein_status status;
} builder;

EIN_PRINTF(2, 0) static char *text_of(builder *b, const char *format, va_list args) {
    char *text = NULL;
    if (b->status == EIN_OK && vasprintf(&text, format, args) < 0) {
        text = NULL;
        b->status = ein_error(EIN_NOMEM, "no memory for the plan of a study");
    }
    return text;
}

EIN_PRINTF(2, 3) static char *text(builder *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    char *out = text_of(b, format, args);
    va_end(args);
    return out;
}

EIN_PRINTF(2, 3) static void word(builder *b, const char *format, ...) {
    va_list args;
    ein_study_cell *c = b->cell;
    if (b->status == EIN_OK && c->n_words == MAX_WORDS)
        b->status = ein_error(EIN_USAGE, "the command of %s has more than %d words", c->id, MAX_WORDS);
    va_start(args, format);
    char *out = text_of(b, format, args);
    va_end(args);
    if (out) c->word[c->n_words++] = out;
}

static void set(builder *b, const char *key, const char *value) {
    word(b, "--set");
    word(b, "%s=%s", key, value);
}

static void set_all(builder *b, const ein_study_settings *settings) {
    for (int i = 0; i < settings->n; i++) {
        word(b, "--set");
        word(b, "%s", settings->assignment[i]);
    }
}

/* A new cell with its id; `words` 0 for none. */
EIN_PRINTF(3, 4)
static void begin(builder *b, ein_study_stage stage, const char *format, ...) {
    ein_study_plan *p = b->plan;
    va_list args;
    if (b->status != EIN_OK) return;
    b->cell = &p->cell[p->n++];
    b->cell->stage = stage;
    b->cell->task = b->cell->cohort = b->cell->arm = b->cell->seed = -1;
    for (int i = 0; i < p->n - 1; i++) b->cell->index += p->cell[i].stage == stage;
    va_start(args, format);
    const int n = vsnprintf(b->cell->id, sizeof b->cell->id, format, args);
    va_end(args);
    EIN_BUG_IF(n < 0 || n >= (int)sizeof b->cell->id);
    b->status = EIN_NEW(b->cell->word, MAX_WORDS);
    b->cell->folder = text(b, "%s/cells/%s/%s", p->folder, ein_study_stage_name[stage], b->cell->id);
}

static void need(builder *b, const ein_study_cell *cell) {
    ein_study_cell *c = b->cell;
    if (b->status != EIN_OK) return;
    b->status = EIN_GROW(c->need, c->need_room, c->n_needs + 1);
    if (b->status == EIN_OK) c->need[c->n_needs++] = (int)(cell - b->plan->cell);
}

/* A folder that is moved keeps what is in it, so its name does not count. */
static void print_without(FILE *stream, const char *w, const char *folder) {
    const size_t n = strlen(folder);
    for (const char *at; (at = strstr(w, folder)) != NULL; w = at + n)
        fprintf(stream, "%.*s@", (int)(at - w), w);
    fprintf(stream, "%s\n", w);
}

/* The stamp: this command, and everything before it. */
static void end(builder *b) {
    ein_study_cell *c = b->cell;
    char *all = NULL;
    size_t bytes = 0;
    if (b->status != EIN_OK) return;
    FILE *stream = open_memstream(&all, &bytes);
    for (int i = 0; stream && i < c->n_words; i++) print_without(stream, c->word[i], b->plan->folder);
    for (int i = 0; stream && i < c->n_needs; i++) fprintf(stream, "%s\n", b->plan->cell[c->need[i]].stamp);
    if (!stream || fclose(stream) != 0)
        b->status = ein_error(EIN_NOMEM, "no memory for the plan of a study");
    else
        ein_hash_text(all, bytes, c->stamp);
    free(all);
}

static ein_study_cell *cell_of_cohort(builder *b, ein_study_stage stage, int cohort) {
    for (int i = 0; i < b->plan->n; i++)
        if (b->plan->cell[i].stage == stage && b->plan->cell[i].cohort == cohort) return &b->plan->cell[i];
    return NULL;
}

int64_t ein_study_records(const ein_study_cohort *cohort, double scale) {
    const double wanted = round((double)cohort->records * scale);
    if (wanted >= (double)cohort->most) return cohort->most;
    return wanted <= (double)cohort->least ? cohort->least : (int64_t)wanted;
}

static void plan_synth(builder *b, int cohort) {
    const ein_study_cohort *c = &b->plan->study->cohort[cohort];
    begin(b, EIN_STUDY_SYNTH, "%s", c->name);
    if (b->status != EIN_OK) return;
    b->cell->cohort = cohort;
    word(b, "synth");
    word(b, "--out");
    word(b, "%s/cohorts/%s", b->plan->folder, c->name);
    word(b, "--set");
    word(b, "synth.records=%lld", (long long)ein_study_records(c, b->plan->scale));
    set(b, "synth.cohort", c->name);
    set_all(b, &c->synth);
    b->cell->output = text(b, "%s/cohorts/%s/MANIFEST.json", b->plan->folder, c->name);
    end(b);
}

/* Whether anything is learnt from, or judged by, a cohort's labels. */
static bool is_labelled(const ein_study *study, int cohort) {
    for (int t = 0; t < study->n_tasks; t++)
        if (study->task[t].cohort == cohort) return true;
    for (int e = 0; e < study->n_evaluations; e++)
        if (study->evaluation[e].cohort == cohort) return true;
    return false;
}

static void plan_ingest(builder *b, int cohort) {
    const ein_study_cohort *c = &b->plan->study->cohort[cohort];
    begin(b, EIN_STUDY_INGEST, "%s", c->name);
    if (b->status != EIN_OK) return;
    b->cell->cohort = cohort;
    word(b, "ingest");
    if (c->synthetic) word(b, "%s/cohorts/%s", b->plan->folder, c->name);
    for (int i = 0; i < c->n_files; i++) word(b, "%s", c->file[i]);
    b->cell->output = text(b, "%s/corpora/%s.h5", b->plan->folder, c->name);
    word(b, "--out");
    word(b, "%s", b->cell->output);
    word(b, "--overwrite");
    set(b, "model.preset", b->plan->study->preset);
    set(b, "ingest.cohort", c->name);
    if (c->synthetic && is_labelled(b->plan->study, cohort)) {
        word(b, "--labels");
        word(b, "%s/cohorts/%s/labels.csv", b->plan->folder, c->name);
        word(b, "--label-key");
        word(b, "path");
    }
    if (c->synthetic) need(b, cell_of_cohort(b, EIN_STUDY_SYNTH, cohort));
    set_all(b, &c->ingest);
    end(b);
}

static void plan_pretrain(builder *b) {
    const ein_study *s = b->plan->study;
    const ein_study_cohort *c = &s->cohort[s->pretrain_cohort];
    begin(b, EIN_STUDY_PRETRAIN, "%s", c->name);
    if (b->status != EIN_OK) return;
    b->cell->cohort = s->pretrain_cohort;
    word(b, "pretrain");
    word(b, "--corpus");
    word(b, "%s/corpora/%s.h5", b->plan->folder, c->name);
    word(b, "--run");
    word(b, "%s/pretrain", b->plan->folder);
    set(b, "model.preset", s->preset);
    set_all(b, &c->split);
    set_all(b, &s->pretrain);
    b->cell->run_folder = text(b, "%s/pretrain", b->plan->folder);
    b->cell->output = text(b, "%s/pretrain/model.safetensors", b->plan->folder);
    need(b, cell_of_cohort(b, EIN_STUDY_INGEST, s->pretrain_cohort));
    end(b);
}

/* finetune's own name for an arm is part of where it puts the model. */
static void name_of_arm(const ein_study_arm *arm, char *out, size_t room) {
    if (strcmp(arm->from, "scratch") == 0 || strcmp(arm->from, "random-frozen") == 0) {
        snprintf(out, room, "%s", arm->from);
        return;
    }
    snprintf(out, room, "%s", arm->mode ? arm->mode : "top:4");
    for (char *p = out; *p; p++)
        if (*p == ':') *p = '-';
}

static void plan_model(builder *b, int task, int arm, int seed) {
    const ein_study *s = b->plan->study;
    const ein_study_task *t = &s->task[task];
    const ein_study_arm *a = &s->arm[arm];
    const bool pretrained = strcmp(a->from, "pretrained") == 0;
    char name[96];
    begin(b, EIN_STUDY_FINETUNE, "%s/%s-s%d", t->name, a->name, seed);
    if (b->status != EIN_OK) return;
    b->cell->task = task;
    b->cell->arm = arm;
    b->cell->seed = seed;
    word(b, "finetune");
    word(b, "--corpus");
    word(b, "%s/corpora/%s.h5", b->plan->folder, s->cohort[t->cohort].name);
    word(b, "--tasks");
    word(b, "%s", t->reference);
    word(b, "--from");
    if (pretrained)
        word(b, "%s/pretrain/model.safetensors", b->plan->folder);
    else
        word(b, "%s", a->from);
    if (a->mode) {
        word(b, "--mode");
        word(b, "%s", a->mode);
    }
    b->cell->run_folder = text(b, "%s/finetune/%s/%s-s%d", b->plan->folder, t->name, a->name, seed);
    word(b, "--run");
    word(b, "%s", b->cell->run_folder);
    set(b, "model.preset", s->preset);
    set_all(b, &s->cohort[t->cohort].split);
    set_all(b, &s->finetune);
    set_all(b, &a->set);
    word(b, "--set");
    word(b, "train.seed=%d", seed);
    name_of_arm(a, name, sizeof name);
    b->cell->output = text(b, "%s/%s/%s-s%d/model.safetensors", b->cell->run_folder, t->name, name, seed);
    need(b, cell_of_cohort(b, EIN_STUDY_INGEST, t->cohort));
    if (pretrained) need(b, cell_of_cohort(b, EIN_STUDY_PRETRAIN, s->pretrain_cohort));
    end(b);
}

static void plan_models(builder *b) {
    const ein_study *s = b->plan->study;
    for (int t = 0; t < s->n_tasks; t++)
        for (int a = 0; a < s->n_arms; a++)
            for (int seed = 1; seed <= s->seeds; seed++) plan_model(b, t, a, seed);
}

/* --model ssl=FILE,ssl=FILE,de-novo=FILE, and the models as needs: of the tasks that `pair` has for a cohort. */
static void models_of_tasks(builder *b, const ein_study_pair *pair, int n, int cohort) {
    char *list = NULL;
    for (int i = 0; i < b->plan->n && b->status == EIN_OK; i++) {
        const ein_study_cell *model = &b->plan->cell[i];
        bool wanted = false;
        for (int k = 0; k < n; k++)
            wanted = wanted || (pair[k].cohort == cohort && pair[k].task == model->task);
        if (model->stage != EIN_STUDY_FINETUNE || !wanted) continue;
        char *longer = text(b, "%s%s%s=%s", list ? list : "", list ? "," : "",
                            b->plan->study->arm[model->arm].name, model->output);
        free(list);
        list = longer;
        need(b, model);
    }
    word(b, "--model");
    word(b, "%s", list ? list : "");
    free(list);
}

static void plan_evaluation(builder *b, const ein_study_pair *e) {
    const ein_study *s = b->plan->study;
    const ein_study_task *t = &s->task[e->task];
    begin(b, EIN_STUDY_EVALUATE, "%s/%s", t->name, s->cohort[e->cohort].name);
    if (b->status != EIN_OK) return;
    b->cell->task = e->task;
    b->cell->cohort = e->cohort;
    word(b, "evaluate");
    models_of_tasks(b, e, 1, e->cohort);
    word(b, "--corpus");
    word(b, "%s/corpora/%s.h5", b->plan->folder, s->cohort[e->cohort].name);
    word(b, "--out");
    word(b, "%s/evaluate/%s/%s", b->plan->folder, t->name, s->cohort[e->cohort].name);
    word(b, "--overwrite");
    if (e->cohort == t->cohort) {
        word(b, "--part");
        word(b, "test");
        set_all(b, &s->cohort[e->cohort].split);
    }
    set_all(b, &s->evaluate);
    b->cell->output =
        text(b, "%s/evaluate/%s/%s/metrics.json", b->plan->folder, t->name, s->cohort[e->cohort].name);
    b->cell->sums = text(b, "%s/evaluate/%s/%s/MADE-BY", b->plan->folder, t->name, s->cohort[e->cohort].name);
    need(b, cell_of_cohort(b, EIN_STUDY_INGEST, e->cohort));
    end(b);
}

/* Whether something needs the corpus of a cohort: what is only scored is read from its files. */
static bool is_only_scored(const ein_study *s, int cohort) {
    bool scored = false, other = is_labelled(s, cohort) || cohort == s->pretrain_cohort;
    for (int i = 0; i < s->n_scorings; i++) scored = scored || s->scoring[i].cohort == cohort;
    return scored && !other;
}

/* A folder of scores that was made by other models is set aside, and files that have changed are scored again: that the
 * cell is out of date was decided before. */
static void plan_scoring(builder *b, int cohort) {
    const ein_study *s = b->plan->study;
    const ein_study_cohort *c = &s->cohort[cohort];
    begin(b, EIN_STUDY_SCORE, "%s", c->name);
    if (b->status != EIN_OK) return;
    b->cell->cohort = cohort;
    word(b, "score");
    if (c->synthetic) word(b, "%s/cohorts/%s", b->plan->folder, c->name);
    for (int i = 0; i < c->n_files; i++) word(b, "%s", c->file[i]);
    models_of_tasks(b, s->scoring, s->n_scorings, cohort);
    word(b, "--out");
    word(b, "%s/score/%s", b->plan->folder, c->name);
    word(b, "--rescore");
    set_all(b, &s->score);
    b->cell->output = text(b, "%s/score/%s/scores.json", b->plan->folder, c->name);
    b->cell->sums = text(b, "%s/score/%s/MADE-BY", b->plan->folder, c->name);
    if (c->synthetic) need(b, cell_of_cohort(b, EIN_STUDY_SYNTH, cohort));
    end(b);
}

static void plan_scorings(builder *b) {
    const ein_study *s = b->plan->study;
    for (int c = 0; c < s->n_cohorts; c++) {
        bool scored = false;
        for (int i = 0; i < s->n_scorings; i++) scored = scored || s->scoring[i].cohort == c;
        if (scored) plan_scoring(b, c);
    }
}

static void plan_table(builder *b) {
    begin(b, EIN_STUDY_TABLE, "table");
    if (b->status != EIN_OK) return;
    b->cell->output = text(b, "%s/table.csv", b->plan->folder);
    b->cell->sums = text(b, "%s/table.made-by", b->plan->folder);
    for (int i = 0; i < b->plan->n; i++)
        if (b->plan->cell[i].stage == EIN_STUDY_EVALUATE) need(b, &b->plan->cell[i]);
    end(b);
}

static ein_status build(ein_study_plan *plan) {
    const ein_study *s = plan->study;
    builder b = {.plan = plan, .status = EIN_OK};
    for (int c = 0; c < s->n_cohorts; c++)
        if (s->cohort[c].synthetic) plan_synth(&b, c);
    for (int c = 0; c < s->n_cohorts; c++)
        if (!is_only_scored(s, c)) plan_ingest(&b, c);
    if (s->pretrain_cohort >= 0) plan_pretrain(&b);
    plan_models(&b);
    for (int e = 0; e < s->n_evaluations; e++) plan_evaluation(&b, &s->evaluation[e]);
    plan_scorings(&b);
    if (s->n_evaluations) plan_table(&b);
    return b.status;
}

ein_status ein_study_plan_new(const ein_study *study, const char *folder, double scale,
                              ein_study_plan **out) {
    ein_study_plan *plan;
    *out = NULL;
    EIN_TRY(EIN_NEW(plan, 1));
    plan->study = study;
    plan->folder = folder;
    plan->scale = scale;
    const int64_t most = 3 * (int64_t)study->n_cohorts + 2 +
                         (int64_t)study->n_tasks * study->n_arms * study->seeds + study->n_evaluations;
    ein_status status = EIN_NEW(plan->cell, most);
    if (status == EIN_OK) status = build(plan);
    if (status != EIN_OK) {
        ein_study_plan_free(plan);
        return status;
    }
    *out = plan;
    return EIN_OK;
}

void ein_study_plan_free(ein_study_plan *plan) {
    if (!plan) return;
    for (int i = 0; i < plan->n; i++) {
        ein_study_cell *c = &plan->cell[i];
        for (int k = 0; k < c->n_words; k++) free(c->word[k]);
        free(c->word);
        free(c->need);
        free(c->folder);
        free(c->output);
        free(c->run_folder);
        free(c->sums);
    }
    free(plan->cell);
    free(plan);
}

ein_study_cell *ein_study_find(ein_study_plan *plan, ein_study_stage stage, int64_t index) {
    for (int i = 0; i < plan->n; i++)
        if (plan->cell[i].stage == stage && plan->cell[i].index == index) return &plan->cell[i];
    return NULL;
}

/* --- as text --------------------------------------------------------------------------------------------- */

ein_status ein_study_command_line(const ein_study_cell *cell, char **out) {
    size_t bytes = 0;
    *out = NULL;
    FILE *stream = open_memstream(out, &bytes);
    if (!stream) return ein_error(EIN_NOMEM, "no memory for a command");
    for (int i = 0; i < cell->n_words; i++) {
        if (i) fputc(' ', stream);
        ein_print_shell_word(stream, cell->word[i]);
    }
    if (fclose(stream) == 0) return EIN_OK;
    free(*out);
    *out = NULL;
    return ein_error(EIN_NOMEM, "no memory for a command");
}

/* --- states ---------------------------------------------------------------------------------------------- */

const char *ein_study_state_name(ein_run_state state) {
    static const char *const names[] = {"missing", "running", "stopped", "done", "failed"};
    return names[state];
}

/* The value of "key: value" in `all`, up to the line's end. */
static void value_of(const char *all, const char *key, char *out, size_t room) {
    const size_t n = strlen(key);
    out[0] = '\0';
    for (const char *line = all; line; line = strchr(line, '\n'), line = line ? line + 1 : NULL)
        if (strncmp(line, key, n) == 0 && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " ");
            snprintf(out, room, "%.*s", (int)strcspn(line, "\n"), line);
            return;
        }
}

/* A file of the folder, or NULL if there is none. */
static ein_status read_small(const char *folder, const char *name, int64_t limit, char **all) {
    char path[4352];
    size_t bytes = 0;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    const ein_status status = ein_file_read(path, limit, all, &bytes);
    if (status != EIN_NOTFOUND) return status;
    ein_error_clear();
    return EIN_OK;
}

/* Whether a process has the lock of a cell's folder; of a lock that may not be read nobody can tell. */
static ein_status look_at_lock(const char *folder, bool *held) {
    char path[4352];
    snprintf(path, sizeof path, "%s/LOCK", folder);
    const int fd = ein_trouble_open(path, 0);
    if (fd < 0 && errno != ENOENT)
        return ein_error(ein_trouble_status(errno), "%s: %s", path, strerror(errno));
    if (fd >= 0) close(fd);
    *held = ein_lock_is_held(path);
    return EIN_OK;
}

static void out_of_date(ein_study_cell *c, const char *why) {
    c->state = EIN_STATE_NONE;
    snprintf(c->reason, sizeof c->reason, "%s", why);
}

/* Whether the output is as it was written. */
static ein_status check_output(ein_study_cell *c) {
    const char *slash = strrchr(c->output, '/');
    if (!c->sums) return EIN_OK;
    const ein_status status = ein_sums_check(c->sums, slash ? slash + 1 : c->output, NULL);
    if (status != EIN_OK && status != EIN_NOTFOUND && status != EIN_CORRUPT && status != EIN_FORMAT)
        return status;
    c->unverified = status == EIN_NOTFOUND;
    if (status != EIN_OK && status != EIN_NOTFOUND) out_of_date(c, ein_error_message());
    if (status != EIN_OK) ein_error_clear();
    return EIN_OK;
}

ein_status ein_study_output(const ein_study_cell *cell, bool *there) {
    *there = access(cell->output, F_OK) == 0;
    if (*there || ein_trouble_status(errno) == EIN_NOTFOUND) return EIN_OK;
    return ein_error(ein_trouble_status(errno), "%s: %s", cell->output, strerror(errno));
}

/* A cell that says that it is done: whether it is, for this plan. */
static ein_status check_done(ein_study_cell *c, const char *stamp) {
    bool there = false;
    if (strcmp(stamp, c->stamp) != 0) {
        out_of_date(c, "made by another command, or from what another command made");
        return EIN_OK;
    }
    EIN_TRY(ein_study_output(c, &there));
    if (there) return check_output(c);
    out_of_date(c, "its output is gone");
    return EIN_OK;
}

static ein_status look(ein_study_cell *c, const char *state, const char *command) {
    char first[64], stamp[EIN_HASH_TEXT_BYTES + 16] = "";
    bool held = false;
    if (!state) return EIN_OK;
    snprintf(first, sizeof first, "%.*s", (int)strcspn(state, "\r\n"), state);
    for (int s = EIN_STATE_RUNNING; s <= EIN_STATE_FAILED; s++)
        if (strcmp(first, ein_study_state_name((ein_run_state)s)) == 0) c->state = (ein_run_state)s;
    value_of(state, "reason", c->reason, sizeof c->reason);
    if (command) value_of(command, "stamp", stamp, sizeof stamp);
    if (c->state == EIN_STATE_RUNNING) EIN_TRY(look_at_lock(c->folder, &held));
    if (c->state == EIN_STATE_RUNNING && !held) {
        c->state = EIN_STATE_STOPPED;
        snprintf(c->reason, sizeof c->reason, "its process is gone");
    }
    return c->state == EIN_STATE_DONE ? check_done(c, stamp) : EIN_OK;
}

ein_status ein_study_look(ein_study_cell *c) {
    char *state = NULL, *command = NULL;
    c->state = EIN_STATE_NONE;
    c->reason[0] = '\0';
    c->unverified = false;
    ein_status status = read_small(c->folder, "STATE", STATE_BYTES, &state);
    if (status == EIN_OK) status = read_small(c->folder, "COMMAND", COMMAND_BYTES, &command);
    if (status == EIN_OK) status = look(c, state, command);
    free(state);
    free(command);
    return ein_error_context(status,
                             "%s %s: nobody can tell whether it is done; make it readable, or try again",
                             ein_study_stage_name[c->stage], c->id);
}

ein_status ein_study_look_all(ein_study_plan *plan) {
    for (int i = 0; i < plan->n; i++) EIN_TRY(ein_study_look(&plan->cell[i]));
    return EIN_OK;
}
