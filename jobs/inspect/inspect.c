/* inspect: any file of ours -> what it is, whole or broken. */
#include "jobs/inspect/inspect.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/cli/command.h"
#include "jobs/inspect/card.h"
#include "jobs/inspect/draw.h"
#include "jobs/options/sniff.h"

static const ein_option table_inspect[] = {
    {"inspect.verify", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "check every checksum: reads the whole file"},
    {"inspect.json", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "print JSON: an object, or a list of them for several paths"},
    {"inspect.card", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "print a model card in Markdown; what only its authors can say is marked missing"},
    {"inspect.texts", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "print configurations and contracts in full"},
    {"inspect.rejected", EIN_OPT_STRING, "5", EIN_UNBOUNDED, NULL, "",
     "how many rejected recordings of a corpus to list: a number, or all"},
    {"inspect.tensors", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "list the tensors of .safetensors files"},
    {0},
};

static const ein_option table_draw[] = {
    {"draw.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "draw a recording on ECG paper into this file: .svg, .png or .pdf"},
    {"draw.record", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "id of the record to draw; a corpus needs it, a file of one recording does not"},
    {"draw.paper", EIN_OPT_CHOICE, "3x4", EIN_UNBOUNDED, "3x4|6x2|12x1|recorded", "",
     "rows and columns of leads; recorded: the leads of the recording, one below the other"},
    {"draw.rhythm", EIN_OPT_STRING, "II", EIN_UNBOUNDED, NULL, "", "lead of the strip below 3x4, or none"},
    {"draw.model", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "pretrained model that predicts hidden stretches of the record, drawn over it"},
    {"draw.hide", EIN_OPT_REAL, "0.6", 0.01, 0.99, NULL, "",
     "share of the record that is hidden from the model"},
    {"draw.from_s", EIN_OPT_REAL, "0", 0, 1e7, NULL, "s", "where the 10 s of the sheet begin"},
    {0},
};

static const ein_option *const tables[] = {table_inspect, table_draw, NULL};

static const ein_flag flags[] = {{"--verify", NULL, "inspect.verify"},
                                 {"--json", NULL, "inspect.json"},
                                 {"--texts", NULL, "inspect.texts"},
                                 {"--rejected", "N|all", "inspect.rejected"},
                                 {"--tensors", NULL, "inspect.tensors"},
                                 {"--card", NULL, "inspect.card"},
                                 {"--draw", "RECORD", "draw.record"},
                                 {"--out", "PICTURE", "draw.out"},
                                 {"--paper", "LAYOUT", "draw.paper"},
                                 {"--reconstruct", "MODEL", "draw.model"},
                                 {0}};

/* --- describers ------------------------------------------------------------------------------------------- */

static ein_status describe_other(ein_inspection *look) {
    char text[128];
    ein_file_kind kind;
    EIN_TRY(ein_sniff(look->path, &kind));
    if (kind == EIN_FILE_OTHER && ein_is_site_file(look->path)) return ein_inspect_site_file(look);
    if (kind == EIN_FILE_OTHER && ein_is_result(look->path)) return ein_inspect_result(look);
    if (kind == EIN_FILE_OTHER && ein_is_embeddings(look->path)) return ein_inspect_embeddings(look);
    if (kind == EIN_FILE_OTHER && ein_is_archive(look->path)) return ein_inspect_archive(look);
    ein_put_text(look->out, "kind", ein_file_kind_name(kind));
    if (kind != EIN_FILE_OTHER) return ein_error(EIN_FORMAT, "%s: %s", look->path, ein_file_kind_name(kind));
    ein_sniff_text(look->path, text, sizeof text);
    return ein_error(EIN_FORMAT, "%s: not a file of ours: it starts with \"%s\"", look->path, text);
}

typedef struct {
    ein_file_kind kind;
    bool collective; /* all ranks call it; else rank 0 alone */
    ein_status (*describe)(ein_inspection *look);
} describer;

/* The last one takes what no other does. */
static const describer describers[] = {
    {EIN_FILE_CHECKPOINT, false, ein_inspect_checkpoint},
    {EIN_FILE_SAFETENSORS, false, ein_inspect_safetensors},
    {EIN_FILE_HDF5, true, ein_inspect_hdf5},
    {EIN_FOLDER_RUN, false, ein_inspect_run},
    {EIN_FOLDER_RESULTS, false, ein_inspect_results},
    {EIN_FILE_OTHER, false, describe_other},
};

static const describer *describer_of(ein_file_kind kind) {
    const describer *d = describers;
    while (d->kind != kind && d->kind != EIN_FILE_OTHER) d++;
    return d;
}

/* --- one path after the other ------------------------------------------------------------------------------ */

/* Collective. */
static ein_status look_at(ein_inspection *look) {
    int rank = ein_comm_rank(look->comm), shared = 0;
    ein_file_kind kind = EIN_FILE_OTHER;
    ein_status status = rank == 0 ? ein_sniff(look->path, &kind) : EIN_OK;
    EIN_TRY(ein_comm_share(look->comm, status));
    shared = (int)kind;
    EIN_TRY(ein_comm_check(MPI_Bcast(&shared, 1, MPI_INT, 0, ein_comm_mpi(look->comm)),
                           "sharing the kind of a file"));
    const describer *d = describer_of((ein_file_kind)shared);
    if (d->collective) return ein_comm_agree(look->comm, d->describe(look));
    return ein_comm_share(look->comm, rank == 0 ? d->describe(look) : EIN_OK);
}

/* Look, and put the verdict after what was found. Collective. */
static ein_status judge(ein_inspection *look) {
    ein_status status = look_at(look);
    if (!look->out) return status;
    ein_put_bool(look->out, "whole", status == EIN_OK);
    ein_put_bool(look->out, "verified", status == EIN_OK && look->verify);
    if (status != EIN_OK) {
        ein_put_text(look->out, "error", ein_status_name(status));
        ein_put_text(look->out, "reason", ein_error_message());
    }
    return status;
}

static ein_status print_json(const json_t *all, int n) {
    const json_t *shown = n == 1 ? json_array_get(all, 0) : all;
    char *text = json_dumps(shown, JSON_INDENT(2));
    if (!text) return ein_error(EIN_NOMEM, "no memory for the output");
    puts(text);
    free(text);
    return EIN_OK;
}

/* On rank 0 only. */
static ein_status print_all(const ein_job *job, const json_t *all) {
    size_t i;
    json_t *object;
    if (ein_config_bool(job->config, "inspect.json")) return print_json(all, job->n_operands);
    if (ein_config_bool(job->config, "inspect.card")) {
        json_array_foreach(all, i, object) EIN_TRY(ein_inspect_card(object, stdout));
        return EIN_OK;
    }
    json_array_foreach(all, i, object) {
        if (i > 0) putchar('\n');
        ein_render(object, ein_config_bool(job->config, "inspect.texts"), stdout);
    }
    return EIN_OK;
}

static ein_status read_rejected(const ein_job *job, int64_t *out) {
    const char *text = ein_config_string(job->config, "inspect.rejected");
    char *end;
    *out = INT64_MAX;
    if (strcmp(text, "all") == 0) return EIN_OK;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (end != text && !*end && !errno && *out >= 0) return EIN_OK;
    return ein_error(EIN_USAGE, "inspect.rejected: '%.40s' is neither a number nor 'all'", text);
}

static ein_status run(ein_job *job) {
    int64_t rejected;
    if (ein_config_string(job->config, "draw.out") || ein_config_string(job->config, "draw.record"))
        return ein_inspect_draw(job);
    EIN_TRY(read_rejected(job, &rejected));
    bool root = ein_comm_rank(job->comm) == 0;
    json_t *all = root ? json_array() : NULL;
    ein_kept_error first = {.status = EIN_OK};
    int broken = 0;
    for (int i = 0; i < job->n_operands; i++) {
        ein_inspection look = {.comm = job->comm,
                               .path = job->operands[i],
                               .verify = ein_config_bool(job->config, "inspect.verify"),
                               .tensors = ein_config_bool(job->config, "inspect.tensors"),
                               .rejected = rejected,
                               .out = root ? json_object() : NULL};
        if (root) ein_put_text(look.out, "path", look.path);
        ein_status status = judge(&look);
        if (root) json_array_append_new(all, look.out);
        if (status == EIN_OK) continue;
        broken++;
        ein_error_keep(&first, status);
    }
    ein_status printed = root ? print_all(job, all) : EIN_OK;
    json_decref(all);
    EIN_TRY(ein_comm_share(job->comm, printed));
    if (first.status == EIN_OK || job->n_operands == 1) return ein_error_kept(&first);
    return ein_error(first.status, "%d of %d are not whole; the first: %s", broken, job->n_operands,
                     first.message);
}

const ein_command ein_command_inspect = {
    .name = "inspect",
    .summary = "say what a file of ours is, whole or broken",
    .operands = "PATH...",
    .description =
        "PATH is a corpus, a checkpoint, a model (.safetensors, also of others), an archive\n"
        "of recordings (.zip, .tar.gz, ...) or a run folder; its content tells which.\n"
        "Without --verify, lengths, marks of completeness and tables are checked; with it, every checksum.\n"
        "A run folder shows its state, last metrics and the checkpoints with their validity.\n\n"
        "Exit code 0: all are whole. 1: one is broken, unfinished, or not a file of ours;\n"
        "the reason is printed.\n\n"
        "With --out PICTURE, a recording is drawn on ECG paper instead: of a file of one recording\n"
        "(WFDB, MUSE, CardioSoft), or with --draw RECORD of a corpus.\n\n"
        "    einthoven inspect results/a\n"
        "    einthoven inspect --draw 00001_hr corpus.h5 --out ecg.pdf\n"
        "    einthoven inspect --verify --json corpus.h5 model.safetensors",
    .tables = tables,
    .flags = flags,
    .min_operands = 1,
    .max_operands = -1,
    .run = run,
};
