/* einthoven study: a whole study from its description, in one process or cell by cell. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/base/durable.h"
#include "io/run/run.h"
#include "io/tasks/tasks.h"
#include "jobs/cli/cmdline.h"
#include "jobs/cli/embedded.h"
#include "jobs/options/task_library.h"
#include "jobs/study/plan.h"
#include "jobs/study/show.h"
#include "jobs/study/table.h"
#include "mpi/stop.h"

enum { PATH_BYTES = 4096 };

static const ein_option study_options[] = {
    {"study.folder", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "folder of everything that is made; unset: the description's own"},
    {"study.scale", EIN_OPT_REAL, "1", 0.0001, 1000, NULL, "",
     "factor on the number of records of synthetic cohorts, within each one's limits"},
    {"study.run", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "run everything that is not done"},
    {"study.status", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "how far every stage is"},
    {"study.cells", EIN_OPT_CHOICE, "none", EIN_UNBOUNDED,
     "none|synth|ingest|pretrain|finetune|evaluate|score|table", "",
     "list a stage's cells for programs: index, id, state, needs, reason, folder, with tabs between"},
    {"study.stage", EIN_OPT_CHOICE, "all", EIN_UNBOUNDED,
     "all|synth|ingest|pretrain|finetune|evaluate|score|table", "", "run only this stage"},
    {"study.cell", EIN_OPT_INT, "-1", -1, 1000000, NULL, "", "run only this cell of the stage; -1: all"},
    {"study.show", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "let the steps print here, not into their cell's output.txt (always so with --cell)"},
    {"study.page", EIN_OPT_BOOL, "true", EIN_UNBOUNDED, NULL, "",
     "when everything is run and done, make FOLDER/report.html (report) and name it"},
    {"study.corpora", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "folder with copies of the corpora, such as a node's own disk, that models are trained from; the same on every "
     "node"},
    {"study.max_walltime_minutes", EIN_OPT_REAL, "0", 0, 10000000, NULL, "min",
     "stop, resumable, in time before so many minutes have passed; 0: no limit"},
    {0},
};
static const ein_option *const tables[] = {study_options, NULL};

static const ein_flag flags[] = {
    {"--out", "FOLDER", "study.folder"},
    {"--scale", "X", "study.scale"},
    {"--run", NULL, "study.run"},
    {"--status", NULL, "study.status"},
    {"--cells", "STAGE", "study.cells"},
    {"--stage", "STAGE", "study.stage"},
    {"--cell", "N", "study.cell"},
    {"--show", NULL, "study.show"},
    {"--max-walltime", "MINUTES", "study.max_walltime_minutes"},
    {0},
};

typedef struct {
    ein_job *job;
    ein_study *study;
    ein_study_plan *plan;
    char folder[PATH_BYTES / 2];
    char *text; /* of the description */
    int64_t text_bytes;
    double started_s, limit_s; /* limit_s 0: none */
    int n_failed, n_waiting, n_stopped, n_made;
} studying;

static bool speaks(const studying *s) {
    return ein_comm_rank(s->job->comm) == 0;
}

/* --- reading --------------------------------------------------------------------------------------------- */

/* The description: a file, or one that is part of the binary by its name ("demo"). */
static ein_status read_text(studying *s, const char *name) {
    char path[PATH_BYTES];
    ein_status status = EIN_OK;
    snprintf(path, sizeof path, "jobs/study/%.200s.yaml", name);
    const ein_embedded *file = strchr(name, '/') || strchr(name, '.') ? NULL : ein_embedded_find(path);
    if (file) {
        s->text_bytes = file->end - file->begin;
        EIN_TRY(EIN_NEW(s->text, s->text_bytes + 1));
        memcpy(s->text, file->begin, (size_t)s->text_bytes);
        return EIN_OK;
    }
    if (speaks(s)) {
        size_t bytes = 0;
        status = ein_file_read(name, EIN_STUDY_MAX_BYTES, &s->text, &bytes);
        s->text_bytes = (int64_t)bytes;
        if (status == EIN_NOTFOUND)
            status = ein_error(
                EIN_USAGE,
                "no study %s: give a description (.yaml), or demo or synthetic, which are built in", name);
    }
    EIN_TRY(ein_comm_share(s->job->comm, status));
    return ein_comm_bcast_bytes(s->job->comm, (void **)&s->text, &s->text_bytes);
}

/* Names of tasks are looked up now, so that a slip does not show after hours of pretraining. */
static ein_status check_tasks(studying *s) {
    for (int t = 0; t < s->study->n_tasks; t++) {
        ein_study_task *task = &s->study->task[t];
        const char *name = task->reference;
        ein_tasks tasks = {0};
        ein_status status = ein_tasks_load(s->job->comm, ein_task_library(), &name, 1, &tasks);
        if (status == EIN_OK && (tasks.n != 1 || strcmp(tasks.task[0].name, task->name) != 0))
            status = ein_error(
                EIN_USAGE, "%s holds %d tasks, the first of them %s; a study wants them one by one, as %s/%s",
                name, tasks.n, tasks.task[0].name, name, tasks.task[0].name);
        ein_tasks_free(&tasks);
        if (status == EIN_NOTFOUND) status = ein_error(EIN_USAGE, "%s", ein_error_message());
        EIN_TRY(ein_error_context(status, "task %s", name));
    }
    return EIN_OK;
}

static ein_status open_study(studying *s) {
    const ein_config *c = s->job->config;
    const char *name = s->job->operands[0], *folder = ein_config_string(c, "study.folder");
    EIN_TRY(read_text(s, name));
    EIN_TRY(ein_comm_agree(s->job->comm, ein_study_parse(name, s->text, (size_t)s->text_bytes, &s->study)));
    EIN_TRY(check_tasks(s));
    if (!folder) folder = s->study->folder;
    if (!folder) return ein_error(EIN_USAGE, "no folder: give --out FOLDER, or `folder:` in %s", name);
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/') n--;
    if (n >= sizeof s->folder)
        return ein_error(EIN_USAGE, "the folder's name is longer than %zu bytes", sizeof s->folder - 1);
    snprintf(s->folder, sizeof s->folder, "%.*s", (int)n, folder);
    if (strchr(s->folder, ','))
        return ein_error(EIN_USAGE,
                         "the folder %s has a comma in its name, which would cut the lists of models apart; "
                         "choose another with --out",
                         s->folder);
    return ein_comm_agree(
        s->job->comm, ein_study_plan_new(s->study, s->folder, ein_config_real(c, "study.scale"), &s->plan));
}

/* --- running --------------------------------------------------------------------------------------------- */

/* Where a step's own output goes while it runs. */
typedef struct {
    int out, messages; /* the terminal's; -1: not taken away */
} diverted;

/* The copy of a descriptor that was not taken away after all. */
static void leave(int *copy) {
    close(*copy);
    *copy = -1;
}

static diverted divert(const studying *s, const ein_study_cell *cell) {
    char path[PATH_BYTES];
    int fd;
    diverted d = {-1, -1};
    if (cell->stage == EIN_STUDY_TABLE || ein_config_bool(s->job->config, "study.show") ||
        ein_config_int(s->job->config, "study.cell") >= 0)
        return d;
    snprintf(path, sizeof path, "%s/output.txt", cell->folder);
    if (ein_run_append(path, O_CREAT, &fd) != EIN_OK) {
        ein_error_clear(); /* then it prints here */
        return d;
    }
    fflush(stdout);
    fflush(stderr);
    /* What cannot be brought back is not taken away. */
    d.out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0);
    d.messages = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 0);
    if (d.out >= 0 && dup2(fd, STDOUT_FILENO) < 0) leave(&d.out);
    /* The long stages say how far they are; many small models would only fill the screen. */
    if (d.messages >= 0 && (cell->stage == EIN_STUDY_FINETUNE || cell->stage == EIN_STUDY_EVALUATE) &&
        dup2(fd, STDERR_FILENO) < 0)
        leave(&d.messages);
    close(fd);
    return d;
}

static void bring_back(diverted d) {
    fflush(stdout);
    fflush(stderr);
    if (d.out >= 0) {
        dup2(d.out, STDOUT_FILENO);
        close(d.out);
    }
    if (d.messages >= 0) {
        dup2(d.messages, STDERR_FILENO);
        close(d.messages);
    }
}

/* Where a corpus is read: as planned, or a copy of it with the same name. Which is no part of what a cell is. */
static char *nearest_copy(const studying *s, const ein_study_cell *cell, char *corpus, char *copy,
                          size_t room) {
    const char *folder = ein_config_string(s->job->config, "study.corpora"), *name = strrchr(corpus, '/');
    if (!folder || !cell->run_folder) return corpus;
    snprintf(copy, room, "%s/%s", folder, name ? name + 1 : corpus);
    return copy;
}

/* The words of a cell as a command line of this program. A time limit is handed on to what can keep one; it is no part
 * of what a cell is. */
static ein_status run_command(studying *s, const ein_study_cell *cell) {
    enum { MORE = 4 };
    char copy[PATH_BYTES], minutes[64], program[] = "einthoven", limit[] = "--max-walltime", **argv;
    ein_cmdline line;
    int argc = 1;
    EIN_TRY(ein_comm_agree(s->job->comm, EIN_NEW(argv, cell->n_words + MORE)));
    argv[0] = program;
    for (int i = 0; i < cell->n_words; i++)
        argv[argc++] = i > 0 && strcmp(cell->word[i - 1], "--corpus") == 0
                           ? nearest_copy(s, cell, cell->word[i], copy, sizeof copy)
                           : cell->word[i];
    if (s->limit_s > 0 && cell->run_folder) {
        const double left = s->limit_s - (ein_clock_s() - s->started_s);
        snprintf(minutes, sizeof minutes, "%.4f", left > 1 ? left / 60 : 1.0 / 60);
        argv[argc++] = limit;
        argv[argc++] = minutes;
    }
    ein_status status = ein_comm_agree(s->job->comm, ein_cmdline_parse(ein_commands, argc, argv, &line));
    if (status == EIN_OK) status = ein_cmdline_run(s->job->comm, &line);
    ein_cmdline_free(&line);
    free(argv);
    return status;
}

/* A run that ends without an error and without its output was stopped, and has no failure to report. Rank 0. */
static ein_status was_stopped(const ein_study_cell *cell, ein_status status, int64_t *stopped) {
    bool there = true;
    if (status == EIN_OK) EIN_TRY(ein_study_output(cell, &there));
    *stopped = status == EIN_STOPPED || !there;
    return EIN_OK;
}

static ein_status write_command(const ein_study_cell *cell) {
    char path[PATH_BYTES], *line = NULL, *text = NULL;
    EIN_TRY(ein_study_command_line(cell, &line));
    const int n = asprintf(&text, "command: einthoven %s\nstamp: %s\n", line, cell->stamp);
    free(line);
    if (n < 0) return ein_error(EIN_NOMEM, "no memory for a command");
    snprintf(path, sizeof path, "%s/COMMAND", cell->folder);
    const ein_status status = ein_durable_write(path, text, (size_t)n);
    free(text);
    return status;
}

/* A pretraining or a model of an older description would be refused by its own identity, key by key. */
static ein_status run_locked(studying *s, ein_study_cell *cell, ein_run *run) {
    EIN_TRY(ein_comm_share(s->job->comm, ein_run_set_state(run, EIN_STATE_RUNNING, 0, "")));
    const diverted d = divert(s, cell);
    ein_status status = cell->stage == EIN_STUDY_TABLE
                            ? ein_comm_share(s->job->comm, speaks(s) ? ein_study_table(s->plan) : EIN_OK)
                            : run_command(s, cell);
    bring_back(d);
    if (status == EIN_COMM) return status;
    int64_t stopped = 0;
    EIN_TRY(ein_comm_share(s->job->comm, speaks(s) ? was_stopped(cell, status, &stopped) : EIN_OK));
    EIN_TRY(ein_comm_max_i64(s->job->comm, &stopped, 1));
    cell->state = stopped ? EIN_STATE_STOPPED : status == EIN_OK ? EIN_STATE_DONE : EIN_STATE_FAILED;
    snprintf(cell->reason, sizeof cell->reason, "%s",
             stopped            ? "asked to stop; goes on from there"
             : status == EIN_OK ? ""
                                : ein_error_message());
    ein_status written = EIN_OK;
    if (speaks(s) && cell->state == EIN_STATE_DONE) written = write_command(cell);
    if (written == EIN_OK) written = ein_run_set_state(run, cell->state, 0, cell->reason);
    return ein_comm_share(s->job->comm, written);
}

/* The states of `n` cells from `first`, as rank 0 finds them, on all ranks. Collective. */
static ein_status look(studying *s, ein_study_cell *first, int n) {
    int64_t *state;
    EIN_TRY(ein_comm_agree(s->job->comm, EIN_NEW(state, n)));
    ein_status status = EIN_OK;
    for (int i = 0; i < n && speaks(s) && status == EIN_OK; i++) {
        status = ein_study_look(&first[i]);
        state[i] = first[i].state;
    }
    status = ein_comm_share(s->job->comm, status);
    if (status == EIN_OK) status = ein_comm_max_i64(s->job->comm, state, n); /* others hold none, the least */
    for (int i = 0; i < n; i++) first[i].state = (ein_run_state)state[i];
    free(state);
    return status;
}

/* Another start may have made the cell between the look and the lock: then there is nothing left to do. */
static ein_status run_cell(studying *s, ein_study_cell *cell, bool *made) {
    ein_run *run;
    EIN_TRY(ein_run_open(s->job->comm, cell->folder, &run));
    ein_status status = look(s, cell, 1);
    *made = status == EIN_OK && (cell->state != EIN_STATE_DONE || cell->stage == EIN_STUDY_TABLE);
    if (*made) status = run_locked(s, cell, run);
    ein_run_close(run);
    return status;
}

/* The first need that is not done, or NULL. The table is made of what there is. */
static const ein_study_cell *unmet(const ein_study_plan *plan, const ein_study_cell *cell) {
    for (int k = 0; k < cell->n_needs && cell->stage != EIN_STUDY_TABLE; k++)
        if (plan->cell[cell->need[k]].state != EIN_STATE_DONE) return &plan->cell[cell->need[k]];
    return NULL;
}

static bool wanted(const studying *s, const ein_study_cell *cell) {
    const char *stage = ein_config_string(s->job->config, "study.stage");
    const int64_t only = ein_config_int(s->job->config, "study.cell");
    if (strcmp(stage, "all") != 0 && strcmp(stage, ein_study_stage_name[cell->stage]) != 0) return false;
    return only < 0 || cell->index == only;
}

static ein_status asked_to_stop(const studying *s, int64_t *stop) {
    *stop = ein_stop_signals(NULL) > 0;
    if (speaks(s))
        *stop = *stop || (s->limit_s > 0 && ein_clock_s() - s->started_s >= s->limit_s) ||
                ein_stop_file(s->folder, "STOP");
    return ein_comm_max_i64(s->job->comm, stop, 1);
}

static void say(const studying *s, const char *what, const ein_study_cell *cell, double seconds) {
    if (!speaks(s)) return;
    int number = 1 + (int)(cell - s->plan->cell);
    printf("[%*d/%d] %-8s %-32s %s", s->plan->n > 99 ? 3 : 2, number, s->plan->n,
           ein_study_stage_name[cell->stage], cell->id, what);
    if (seconds >= 0) printf(" in %.1f s", seconds);
    if (cell->reason[0] && cell->state != EIN_STATE_DONE) printf(": %s", cell->reason);
    printf("\n");
    fflush(stdout);
}

/* One cell: passed over, waiting for another, or run. Collective; an error is one of all ranks. */
static ein_status one_cell(studying *s, ein_study_cell *cell) {
    const bool only = ein_config_int(s->job->config, "study.cell") >= 0;
    EIN_TRY(look(s, cell, 1));
    if (cell->state == EIN_STATE_DONE && cell->stage != EIN_STUDY_TABLE) {
        if (only) say(s, "done already", cell, -1);
        return EIN_OK;
    }
    const ein_study_cell *missing = unmet(s->plan, cell);
    if (missing) {
        snprintf(cell->reason, sizeof cell->reason, "needs %s %s, which is not done",
                 ein_study_stage_name[missing->stage], missing->id);
        cell->state = EIN_STATE_NONE;
        s->n_waiting++;
        if (only)
            return ein_error(EIN_NOTFOUND, "%s %s %s", ein_study_stage_name[cell->stage], cell->id,
                             cell->reason);
        say(s, "passed over", cell, -1);
        return EIN_OK;
    }
    const double begun = ein_clock_s();
    if (speaks(s) && cell->stage <= EIN_STUDY_PRETRAIN) {
        printf("[%*d/%d] %-8s %-32s ...\n", s->plan->n > 99 ? 3 : 2, 1 + (int)(cell - s->plan->cell),
               s->plan->n, ein_study_stage_name[cell->stage], cell->id);
        fflush(stdout);
    }
    bool made;
    EIN_TRY(run_cell(s, cell, &made));
    s->n_made += made && cell->stage != EIN_STUDY_TABLE;
    s->n_failed += cell->state == EIN_STATE_FAILED;
    s->n_stopped += cell->state == EIN_STATE_STOPPED;
    if (made)
        say(s, ein_study_state_name(cell->state), cell, ein_clock_s() - begun);
    else
        say(s, "done meanwhile by another process", cell, -1);
    if (only && cell->state == EIN_STATE_FAILED)
        return ein_error(EIN_RANGE, "%s %s: %s", ein_study_stage_name[cell->stage], cell->id, cell->reason);
    return EIN_OK;
}

/* Cells of a job array begin at the same time: each process writes a name of its own, and the last rename stays. */
static ein_status keep_description(const studying *s) {
    char path[PATH_BYTES], own[PATH_BYTES + 300];
    EIN_TRY(ein_make_folders(s->folder));
    snprintf(path, sizeof path, "%s/corpora", s->folder);
    EIN_TRY(ein_make_folders(path));
    snprintf(path, sizeof path, "%s/study.yaml", s->folder);
    snprintf(own, sizeof own, "%s.%.255s-%ld", path, ein_comm_host(s->job->comm), (long)getpid());
    EIN_TRY(ein_durable_write(own, s->text, (size_t)s->text_bytes));
    if (rename(own, path) == 0) return EIN_OK;
    return ein_error(EIN_IO, "renaming %s to %s: %s", own, path, strerror(errno));
}

static ein_status run_cells(studying *s) {
    int n = 0;
    EIN_TRY(ein_stop_install());
    EIN_TRY(ein_comm_share(s->job->comm, speaks(s) ? keep_description(s) : EIN_OK));
    EIN_TRY(look(s, s->plan->cell, s->plan->n)); /* also of what is not run here, for needs */
    for (int i = 0; i < s->plan->n; i++) {
        int64_t stop = 0;
        if (!wanted(s, &s->plan->cell[i])) continue;
        if (n++ > 0) EIN_TRY(asked_to_stop(s, &stop));
        if (stop || s->n_stopped) {
            if (speaks(s)) printf("stopped before %s; the same command goes on\n", s->plan->cell[i].id);
            s->n_stopped++;
            break;
        }
        EIN_TRY(one_cell(s, &s->plan->cell[i]));
    }
    if (n == 0)
        return ein_error(EIN_USAGE, "there is no cell %" PRId64 " of stage %s (--cells STAGE lists them)",
                         ein_config_int(s->job->config, "study.cell"),
                         ein_config_string(s->job->config, "study.stage"));
    if (s->n_failed)
        return ein_error(
            EIN_RANGE,
            "%d cell%s failed, %d could not begin for want of others; --status says why; the same "
            "command tries again",
            s->n_failed, s->n_failed == 1 ? "" : "s", s->n_waiting);
    return s->n_waiting && !s->n_stopped
               ? ein_error(EIN_NOTFOUND, "%d cells could not begin: what they need is not done", s->n_waiting)
               : EIN_OK;
}

/* --- the page ---------------------------------------------------------------------------------------------- */

/* Whether FOLDER/report.html is to be made: something is new, or it is not there. */
static ein_status page_wanted(const studying *s, int64_t *wanted_page) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/report.html", s->folder);
    *wanted_page = speaks(s) && (s->n_made > 0 || access(path, F_OK) != 0);
    if (speaks(s) && !*wanted_page) printf("%s\n", path);
    return ein_comm_max_i64(s->job->comm, wanted_page, 1);
}

static ein_status run_report(const studying *s) {
    char program[] = "einthoven", report[] = "report", folder[PATH_BYTES],
         *argv[] = {program, report, folder};
    ein_cmdline line;
    snprintf(folder, sizeof folder, "%s", s->folder);
    ein_status status = ein_comm_agree(s->job->comm, ein_cmdline_parse(ein_commands, 3, argv, &line));
    if (status == EIN_OK) status = ein_cmdline_run(s->job->comm, &line);
    ein_cmdline_free(&line);
    return status;
}

/* What was studied is done whether or not there is a page of it: no page is a warning. Two starts at once make one
 * after the other. Collective. */
static ein_status make_page(const studying *s) {
    char folder[PATH_BYTES];
    int64_t make = 0;
    ein_run *run;
    EIN_TRY(page_wanted(s, &make));
    if (!make) return EIN_OK;
    snprintf(folder, sizeof folder, "%s/cells/page", s->folder);
    ein_status status = ein_run_open(s->job->comm, folder, &run);
    if (status == EIN_OK) {
        status = run_report(s);
        ein_run_close(run);
    }
    if (status == EIN_OK) return EIN_OK;
    if (speaks(s)) fprintf(stderr, "einthoven study: warning: no page: %s\n", ein_error_message());
    ein_error_clear();
    return EIN_OK;
}

/* Everything that was asked for is done, and it was everything. */
static bool page_follows(const studying *s) {
    const ein_config *c = s->job->config;
    return ein_config_bool(c, "study.page") && strcmp(ein_config_string(c, "study.stage"), "all") == 0 &&
           s->n_stopped == 0 && s->plan->n > 0 && s->plan->cell[s->plan->n - 1].stage == EIN_STUDY_TABLE &&
           s->plan->cell[s->plan->n - 1].state == EIN_STATE_DONE;
}

static ein_status show(studying *s) {
    const ein_config *c = s->job->config;
    const char *cells = ein_config_string(c, "study.cells");
    if (!speaks(s)) return EIN_OK;
    EIN_TRY(ein_study_look_all(s->plan));
    if (strcmp(cells, "none") != 0) {
        ein_study_show_cells(s->plan, cells);
        return EIN_OK;
    }
    if (!ein_config_bool(c, "study.status"))
        return ein_study_show_plan(s->study, s->plan, s->folder, s->job->operands[0]);
    ein_study_show_status(s->study, s->plan, s->folder);
    return EIN_OK;
}

static ein_status run(ein_job *job) {
    studying s = {.job = job, .started_s = ein_clock_s()};
    const ein_config *c = job->config;
    const bool some = strcmp(ein_config_string(c, "study.stage"), "all") != 0;
    s.limit_s = 60 * ein_config_real(c, "study.max_walltime_minutes");
    ein_status status = EIN_OK;
    if (ein_config_int(c, "study.cell") >= 0 && !some)
        status = ein_error(EIN_USAGE, "--cell N needs --stage STAGE");
    if (status == EIN_OK) status = open_study(&s);
    if (status == EIN_OK)
        status =
            ein_config_bool(c, "study.run") || some ? run_cells(&s) : ein_comm_share(job->comm, show(&s));
    if (status == EIN_OK && ein_config_bool(c, "study.run") && page_follows(&s)) status = make_page(&s);
    ein_study_plan_free(s.plan);
    ein_study_free(s.study);
    free(s.text);
    return status;
}

const ein_command ein_command_study = {
    .name = "study",
    .summary = "a whole study from one description: cohorts, pretraining, models, evaluation, table",
    .operands = "STUDY.yaml",
    .description =
        "Plans the cells of a study (one command of this program each) and says how far they are; with "
        "--run it runs them\n"
        "in order on the ranks of this process, with --stage and --cell one of them (for job arrays; "
        "slurm/study submits\n"
        "them all). What is done, by the command that the plan has for it, is passed over, so the same "
        "command goes on\n"
        "after a stop or a failure. A failed cell stops only those that need it. Ctrl-C, SIGTERM, SIGUSR1, "
        "the time limit\n"
        "or a file FOLDER/STOP stops in order.\n\n"
        "STUDY.yaml is described in jobs/study/file.h; demo and synthetic are built in.\n\n"
        "  einthoven study demo\n"
        "  mpirun -n 2 einthoven study demo --run\n"
        "  einthoven study my.yaml --status\n"
        "  srun einthoven study my.yaml --stage finetune --cell $SLURM_ARRAY_TASK_ID",
    .tables = tables,
    .flags = flags,
    .min_operands = 1,
    .max_operands = 1,
    .yaml_is_operand = true,
    .run = run,
};
