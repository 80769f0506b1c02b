#include "jobs/train/finetune.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "io/base/durable.h"
#include "io/formats/csv.h"
#include "jobs/options/model_options.h"
#include "jobs/options/rows.h"
#include "jobs/options/seen_options.h"
#include "jobs/options/split_options.h"
#include "jobs/options/task_library.h"
#include "mpi/stop.h"

const ein_option ein_table_finetune[] = {
    EIN_ROW_CORPUS("corpus with labels (made by ingest)"),
    EIN_ROW_MEMORY("for a rank's records and what frozen blocks make of them"),
    {"finetune.tasks", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "tasks by name (ptbxl/superclass, study, ...) or YAML files; a model each"},
    {"finetune.shared", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "one model for all tasks together"},
    {"finetune.from", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "pretrained model (.safetensors), or scratch (train everything from random weights), or random-frozen "
     "(a random encoder "
     "that stays as it is)"},
    {"finetune.source_heads", EIN_OPT_INT, "0", 0, 65536, NULL, "",
     "attention heads of a pretrained model whose file does not say; 0: 8, as published"},
    {"finetune.mode", EIN_OPT_STRING, "top:4", EIN_UNBOUNDED, NULL, "",
     "what is trained: top:K (last K blocks and head), full, linear (head alone), attentive (one learned "
     "query and head), "
     "lora:R (adapters of rank R and head)"},
    {"finetune.seeds", EIN_OPT_INT, "1", 1, 10000, NULL, "",
     "models per task and arm, seeds train.seed, train.seed + 1, ..."},
    {"finetune.controls", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "beside it, the same from scratch and a probe of a random frozen encoder"},
    {"finetune.scratch_lr", EIN_OPT_REAL, "1e-3", 0, 10, NULL, "",
     "peak learning rate of the control from scratch"},
    {"finetune.probe_lr", EIN_OPT_REAL, "1e-3", 0, 10, NULL, "",
     "peak learning rate of the random-frozen control; if not given, that of a linear probe by train.recipe"},
    {"finetune.patience", EIN_OPT_INT, "10", 0, 1000000, NULL, "epochs",
     "stop after so many without a better validation value; 0: never; if not given, by train.recipe"},
    {"finetune.calibration", EIN_OPT_CHOICE, "auto", EIN_UNBOUNDED, "auto|none|temperature|platt|isotonic",
     "",
     "map from logit to probability that is fitted on validation records and kept in the model; auto: platt "
     "where it has "
     "at least 20 positives and 20 negatives, else none"},
    {"finetune.domain_records", EIN_OPT_INT, "4096", 0, 1000000, NULL, "records",
     "training records, and as many for validation, by whose embeddings the model tells how far a record is "
     "from them; 0: it "
     "does not"},
    {"finetune.keep", EIN_OPT_BOOL, "true", EIN_UNBOUNDED, NULL, "",
     "keep in memory what frozen blocks make of the records, if data.memory_mib allows; false: compute it every epoch"},
    {"finetune.cell", EIN_OPT_INT, "-1", -1, 1000000, NULL, "",
     "only this one of the models, counted from 0 as --dry-run lists them (for job arrays); -1: all"},
    {0},
};

/* --- arms ------------------------------------------------------------------------------------------------ */

static ein_status parse_number(const char *mode, const char *text, int least, int most, int *out) {
    char *end;
    const long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < least || value > most)
        return ein_error(EIN_USAGE, "finetune.mode %s: a number from %d to %d must follow the colon", mode,
                         least, most);
    *out = (int)value;
    return EIN_OK;
}

static ein_status parse_mode(const char *mode, ein_finetune_arm *arm) {
    if (strncmp(mode, "top:", 4) == 0) {
        arm->mode = EIN_ADAPT_TOP;
        EIN_TRY(parse_number(mode, mode + 4, 0, 1024, &arm->top_k));
        snprintf(arm->name, sizeof arm->name, "top-%d", arm->top_k);
        return EIN_OK;
    }
    if (strncmp(mode, "lora:", 5) == 0) {
        arm->mode = EIN_ADAPT_LORA;
        EIN_TRY(parse_number(mode, mode + 5, 1, 4096, &arm->lora));
        snprintf(arm->name, sizeof arm->name, "lora-%d", arm->lora);
        return EIN_OK;
    }
    static const struct {
        const char *name;
        ein_adapt_mode mode;
    } plain[] = {{"full", EIN_ADAPT_FULL}, {"linear", EIN_ADAPT_LINEAR}, {"attentive", EIN_ADAPT_ATTENTIVE}};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(mode, plain[i].name) == 0) {
            arm->mode = plain[i].mode;
            snprintf(arm->name, sizeof arm->name, "%s", mode);
            return EIN_OK;
        }
    return ein_error(EIN_USAGE, "finetune.mode %s: top:K, full, linear, attentive or lora:R were expected",
                     mode);
}

static ein_finetune_arm scratch_arm(const ein_finetune *f) {
    return (ein_finetune_arm){.name = "scratch",
                              .mode = EIN_ADAPT_FULL,
                              .lr = ein_config_real(f->job->config, "finetune.scratch_lr")};
}

/* The probe that tells what pretraining adds to a random encoder: with the head of the arm beside it. */
static ein_finetune_arm random_arm(ein_adapt_mode mode) {
    return (ein_finetune_arm){.name = "random-frozen",
                              .mode = mode == EIN_ADAPT_ATTENTIVE ? mode : EIN_ADAPT_LINEAR,
                              .probe = true,
                              .lr = NAN};
}

static ein_status make_arms(ein_finetune *f) {
    const ein_config *c = f->job->config;
    const char *from = ein_config_string(c, "finetune.from");
    const int controls = ein_config_bool(c, "finetune.controls");
    ein_finetune_arm first = {0};
    EIN_TRY(parse_mode(ein_config_string(c, "finetune.mode"), &first));
    if (!from)
        return ein_error(EIN_USAGE,
                         "nothing to start from: give --from MODEL.safetensors, --from scratch or --from "
                         "random-frozen");
    if (strcmp(from, "scratch") == 0) {
        f->arm[f->n_arms++] = scratch_arm(f);
        if (ein_config_is_set(c, "train.lr")) f->arm[0].lr = ein_config_real(c, "train.lr");
    } else if (strcmp(from, "random-frozen") == 0) {
        f->arm[f->n_arms++] = random_arm(first.mode);
        if (ein_config_is_set(c, "train.lr")) f->arm[0].lr = ein_config_real(c, "train.lr");
    } else {
        first.from = from;
        first.lr = NAN;
        f->arm[f->n_arms++] = first;
    }
    if (!controls) return EIN_OK;
    if (strcmp(from, "scratch") != 0) f->arm[f->n_arms++] = scratch_arm(f);
    if (strcmp(from, "random-frozen") != 0) f->arm[f->n_arms++] = random_arm(first.mode);
    return EIN_OK;
}

/* --- what all cells share -------------------------------------------------------------------------------- */

/* What the file of others does not say, and what is done instead. */
static void warn_of_source(const ein_finetune *f, const char *path) {
    if (f->source.heads_assumed)
        fprintf(
            stderr,
            "einthoven finetune: warning: %s: it does not say its number of heads, which no shape shows; taken as "
            "published (%d); if it has others, say finetune.source_heads\n",
            path, f->source.shape.heads);
    if (!f->source.contract_text[0])
        fprintf(
            stderr,
            "einthoven finetune: warning: %s: it does not say its preprocessing (leads, rate, length, filters, "
            "normalisation); taken as the corpus's\n",
            path);
}

static ein_status describe_source(ein_finetune *f) {
    const char *path = f->arm[0].from;
    if (!path) return EIN_OK;
    const int heads = (int)ein_config_int(f->job->config, "finetune.source_heads");
    const ein_vit_shape told = {.heads = heads, .dec_heads = 1}; /* the decoder is not used */
    EIN_TRY(ein_model_describe(path, &told, &f->source));
    if (ein_comm_rank(f->job->comm) == 0) warn_of_source(f, path);
    EIN_TRY(ein_model_hash(path, f->source_hash));
    return EIN_OK;
}

static ein_status load_tasks(ein_finetune *f) {
    enum { MOST = 256 };
    const ein_config *c = f->job->config;
    const int n = ein_config_list_count(c, "finetune.tasks");
    const char *names[MOST];
    if (n == 0)
        return ein_error(
            EIN_USAGE,
            "no task: give --tasks NAME,... (ptbxl/superclass, findings, study, ... or a YAML file)");
    if (n > MOST) return ein_error(EIN_USAGE, "finetune.tasks: %d names, at most %d are taken", n, MOST);
    for (int i = 0; i < n; i++) names[i] = ein_config_list_item(c, "finetune.tasks", i);
    const ein_status status = ein_tasks_load(f->job->comm, ein_task_library(), names, n, &f->tasks);
    /* A name that is not known is wrong use, like any other wrong value of a key. */
    return ein_error_context(status == EIN_NOTFOUND ? EIN_USAGE : status, "finetune.tasks");
}

/* A record that the source was pretrained on may train and validate, but must not be tested with. */
static ein_status check_leak(ein_finetune *f) {
    if (!f->arm[0].from) return EIN_OK;
    ein_seen_secret secret;
    EIN_TRY(ein_seen_secret_from_config(f->job->config, &secret));
    if (ein_comm_rank(f->job->comm) == 0)
        ein_seen_warn("finetune", f->arm[0].from, f->source.training_records, &secret);
    ein_seen_match match;
    EIN_TRY(ein_seen_check(f->source.training_records, f->arm[0].from, f->corpus, f->part, &secret, &match));
    if (ein_comm_rank(f->job->comm) == 0) ein_seen_warn_alike("finetune", f->arm[0].from, &match);
    return EIN_OK;
}

static ein_status prepare(ein_finetune *f) {
    const ein_config *c = f->job->config;
    const char *corpus = ein_config_string(c, "data.corpus");
    if (!corpus) return ein_error(EIN_USAGE, "no corpus: give --corpus FILE (einthoven ingest makes one)");
    if (!ein_config_string(c, "run.folder")) return ein_error(EIN_USAGE, "no run folder: give --run FOLDER");
    EIN_TRY(make_arms(f));
    EIN_TRY(load_tasks(f));
    EIN_TRY(ein_threads_from_config(f->job->comm, c, &f->threads));
    EIN_TRY(ein_comm_agree(f->job->comm, describe_source(f)));
    EIN_TRY(ein_corpus_open(f->job->comm, corpus, &f->corpus));
    ein_status status = ein_split_from_config(c, f->corpus, &f->part);
    if (status == EIN_OK) status = ein_label_tables(c, &f->tables);
    if (status == EIN_OK) status = check_leak(f);
    EIN_TRY(ein_comm_agree(f->job->comm, status));
    if (ein_comm_rank(f->job->comm) == 0) status = ein_split_print(stdout, c, f->corpus, f->part);
    return ein_comm_agree(f->job->comm, status);
}

/* --- cells ----------------------------------------------------------------------------------------------- */

typedef struct {
    ein_finetune_outcome outcome;
    ein_kept_error error;
} finished_cell;

static const char *state_of(const finished_cell *cell) {
    return cell->error.status != EIN_OK ? "failed" : cell->outcome.stopped ? "stopped" : "done";
}

/* A table of all cells of this command, for people and as FOLDER/summary.csv; of one cell of a job array, whose jobs
 * run at the same time, as FOLDER/summary-CELL.csv. Rank 0. */
static ein_status summarise(const ein_finetune *f, const finished_cell *cell, int n) {
    static const char *const columns[] = {"cell", "state", "value", "best", "epoch", "reason"};
    char path[4200];
    ein_csv_writer *csv;
    const int64_t only = ein_config_int(f->job->config, "finetune.cell");
    const char *folder = ein_config_string(f->job->config, "run.folder");
    if (only >= 0)
        snprintf(path, sizeof path, "%s/summary-%" PRId64 ".csv", folder, only);
    else
        snprintf(path, sizeof path, "%s/summary.csv", folder);
    EIN_TRY(ein_make_folders(folder));
    EIN_TRY(ein_csv_create(path, columns, 6, &csv));
    printf("\n%-44s %-8s %-17s %8s %6s\n", "model", "state", "value", "best", "epoch");
    for (int i = 0; i < n; i++) {
        const ein_finetune_outcome *o = &cell[i].outcome;
        printf("%-44s %-8s %-17s %8.4f %6" PRId64 "%s%s\n", o->name, state_of(&cell[i]), o->value_name,
               o->value, o->epoch, cell[i].error.message[0] ? "  " : "", cell[i].error.message);
        ein_csv_put(csv, o->name);
        ein_csv_put(csv, state_of(&cell[i]));
        ein_csv_put(csv, o->value_name);
        ein_csv_put_real(csv, o->value);
        ein_csv_put_int(csv, o->epoch);
        ein_csv_put(csv, cell[i].error.message);
        ein_csv_end_row(csv);
    }
    return ein_csv_finish(csv, true);
}

/* Whether the command was asked to stop, now that a model is done and before the next begins. Collective. */
static ein_status asked_to_stop(const ein_finetune *f, int64_t *stop) {
    const double limit = 60 * ein_config_real(f->job->config, "run.max_walltime_minutes");
    *stop = ein_stop_signals(NULL) > 0;
    if (ein_comm_rank(f->job->comm) == 0)
        *stop = *stop || (limit > 0 && ein_clock_s() - f->started_s >= limit) ||
                ein_stop_file(ein_config_string(f->job->config, "run.folder"), "STOP");
    return ein_comm_max_i64(f->job->comm, stop, 1);
}

static ein_status note_stop(const ein_finetune *f, int n_cells) {
    if (ein_comm_rank(f->job->comm) == 0)
        fprintf(
            stderr,
            "einthoven finetune: asked to stop after %d model%s; the same command goes on with the others\n",
            n_cells, n_cells == 1 ? "" : "s");
    return EIN_OK;
}

static ein_status run_cells(ein_finetune *f, finished_cell *cell, int *n_cells) {
    const ein_config *c = f->job->config;
    const int shared = ein_config_bool(c, "finetune.shared"), dry = ein_config_bool(c, "run.dry_run");
    const int per_model = shared ? f->tasks.n : 1, seeds = (int)ein_config_int(c, "finetune.seeds");
    const int64_t only = ein_config_int(c, "finetune.cell");
    int64_t number = -1;
    for (int t = 0; t < f->tasks.n; t += per_model)
        for (int a = 0; a < f->n_arms; a++)
            for (int s = 0; s < seeds; s++) {
                finished_cell *now = &cell[*n_cells];
                int64_t stop = 0;
                number++;
                if (only >= 0 && number != only) continue;
                if (*n_cells > 0 && !dry) EIN_TRY(asked_to_stop(f, &stop));
                if (stop) return note_stop(f, *n_cells);
                if (dry && ein_comm_rank(f->job->comm) == 0) printf("%" PRId64 ": ", number);
                const uint64_t seed = (uint64_t)(ein_config_int(c, "train.seed") + s);
                const ein_status status =
                    ein_finetune_cell_run(f, &f->arm[a], t, per_model, seed, &now->outcome);
                (*n_cells)++;
                if (status == EIN_COMM) return status;
                ein_error_keep(&now->error, status); /* one model's failure is its own; the others go on */
                if (status != EIN_OK && ein_comm_rank(f->job->comm) == 0)
                    fprintf(stderr, "einthoven finetune: %s: %s\n", now->outcome.name, now->error.message);
                if (now->outcome.stopped && !now->outcome.at_max_steps) return note_stop(f, *n_cells);
            }
    if (*n_cells == 0)
        return ein_error(EIN_USAGE, "finetune.cell %" PRId64 ": there are %" PRId64 " models, counted from 0",
                         only, number + 1);
    return EIN_OK;
}

static ein_status all_cells(ein_finetune *f) {
    const ein_config *c = f->job->config;
    finished_cell *cell;
    int n = 0, failed = -1;
    ein_status status = ein_comm_agree(
        f->job->comm, EIN_NEW(cell, (int64_t)f->tasks.n * f->n_arms * ein_config_int(c, "finetune.seeds")));
    if (status == EIN_OK) status = run_cells(f, cell, &n);
    if (status == EIN_OK && !ein_config_bool(c, "run.dry_run")) {
        if (ein_comm_rank(f->job->comm) == 0) status = summarise(f, cell, n);
        status = ein_comm_agree(f->job->comm, status);
    }
    for (int i = n - 1; i >= 0; i--)
        if (cell[i].error.status != EIN_OK) failed = i;
    if (status == EIN_OK && failed >= 0)
        status = ein_error(cell[failed].error.status, "%s: %s", cell[failed].outcome.name,
                           cell[failed].error.message);
    free(cell);
    return status;
}

static ein_status run(ein_job *job) {
    ein_finetune f = {.job = job, .started_s = ein_clock_s()};
    snprintf(f.program, sizeof f.program, "einthoven %s", ein_version());
    ein_products_from_config(job->config);
    ein_status status = prepare(&f);
    if (status == EIN_OK) status = all_cells(&f);
    ein_label_tables_free(&f.tables);
    free(f.part);
    ein_tasks_free(&f.tasks);
    ein_model_info_free(&f.source);
    ein_corpus_close(f.corpus);
    return status;
}

const ein_option *const ein_finetune_tables[] = {
    ein_table_finetune, ein_table_labels, ein_table_split, ein_table_adapt,
    ein_table_model,    ein_table_run,    ein_table_seen,  NULL};

static const ein_flag flags[] = {
    {"--corpus", "FILE", "data.corpus"},
    {"--tasks", "NAME,...", "finetune.tasks"},
    {"--from", "MODEL", "finetune.from"},
    {"--mode", "MODE", "finetune.mode"},
    {"--run", "FOLDER", "run.folder"},
    {"--training-records", "hashed|none", "run.training_records"},
    {"--records-key", "FILE", "run.records_key"},
    {"--seeds", "N", "finetune.seeds"},
    {"--controls", NULL, "finetune.controls"},
    {"--shared", NULL, "finetune.shared"},
    {"--labels", "TABLE.csv", "data.labels"},
    {"--label-key", "COLUMN", "data.label_key"},
    {"--sex-codes", "male=1,female=2", "data.sex_codes"},
    {"--cell", "N", "finetune.cell"},
    {"--resume", "MODE", "run.resume"},
    {"--max-walltime", "MINUTES", "run.max_walltime_minutes"},
    {"--dry-run", NULL, "run.dry_run"},
    {0},
};

const ein_command ein_command_finetune = {
    .name = "finetune",
    .summary = "adapt a pretrained model to tasks, with controls beside it",
    .operands = "",
    .description =
        "Trains one model per task, arm and seed, each in FOLDER/TASK/ARM-sSEED: early stopping on the "
        "validation part, "
        "the best\n"
        "epoch kept, thresholds chosen on the validation part and stored in the model. The test part of the "
        "split is never\n"
        "touched; `einthoven evaluate` is for that. Weights do not depend on the number of ranks or threads; the same "
        "command\n"
        "goes on after a stop or a kill and passes over what is done. A signal, the time limit or a file "
        "FOLDER/STOP stops\n"
        "all models; run.max_steps counts for each. FOLDER/summary.csv lists how they ended (with --cell N:\n"
        "summary-N.csv).\n\n"
        "With many records the defaults are the recipe of Moody et al. (NEJM AI 2025): last 4 blocks and head at rate\n"
        "5e-5, from scratch at 1e-3, batch 256, at most 100 epochs, patience 10. With fewer than 6,400 records\n"
        "batches are smaller and rates higher (--dry-run says which); train.recipe=study takes the study's always.\n\n"
        "  einthoven finetune --corpus corpus.h5 --tasks ptbxl/superclass --from model.safetensors --run results/sc\n"
        "  einthoven finetune --corpus corpus.h5 --tasks findings --from model.safetensors --mode linear --seeds 5 \\\n"
        "      --controls --set split.test_fraction=0.2 --run results/findings\n"
        "  einthoven finetune ... --cell $SLURM_ARRAY_TASK_ID",
    .tables = ein_finetune_tables,
    .flags = flags,
    .preset_without = "train.",
    .run = run,
};
