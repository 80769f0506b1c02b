/* convert: checkpoint or model in, model or checkpoint out. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/nn/init.h"
#include "io/base/outputs.h"
#include "io/corpus/seen.h"
#include "io/model/checkpoint.h"
#include "io/model/model.h"
#include "io/model/safetensors.h"
#include "jobs/cli/command.h"
#include "jobs/options/sniff.h"

enum { NAMES_TOLD = 8, MISSING_BYTES = 1024 };

static const ein_option table_convert[] = {
    {"convert.encoder", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "keep the encoder alone: drop decoder and mask token"},
    {"convert.classes", EIN_OPT_INT, "0", 0, 65536, NULL, "outputs",
     "make a classifier with a fresh head of so many outputs; 0: leave the head as it is"},
    {"convert.seed", EIN_OPT_INT, "1", 0, 9.0e15, NULL, "", "draws the fresh head"},
    {"convert.heads", EIN_OPT_INT, "0", 0, 65536, NULL, "",
     "attention heads, for files that do not say; 0: 8 as published"},
    {"convert.decoder_heads", EIN_OPT_INT, "0", 0, 65536, NULL, "",
     "heads of the decoder, for files that do not say; 0: 16 as published"},
    {"convert.licence", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "licence of the weights to state; unset: as in the source"},
    {"convert.training_records", EIN_OPT_CHOICE, "keep", EIN_UNBOUNDED, "keep|none", "",
     "the list of training records in a model: as in the source, or left out, so that nobody can tell or check whether "
     "a recording is among them"},
    {"convert.overwrite", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "replace an existing file"},
    {0},
};

static const ein_option *const tables[] = {table_convert, NULL};

static const ein_flag flags[] = {{"--encoder", NULL, "convert.encoder"},
                                 {"--classes", "N", "convert.classes"},
                                 {"--heads", "N", "convert.heads"},
                                 {"--decoder-heads", "N", "convert.decoder_heads"},
                                 {"--licence", "TEXT", "convert.licence"},
                                 {"--training-records", "keep|none", "convert.training_records"},
                                 {"--overwrite", NULL, "convert.overwrite"},
                                 {0}};

/* A model in memory, on every rank. */
typedef struct {
    ein_layout *layout;
    float *param;
    ein_model_info info;
    char *blas;
} loaded;

static void loaded_free(loaded *x) {
    ein_layout_destroy(x->layout);
    free(x->param);
    free(x->blas);
    ein_model_info_free(&x->info);
}

/* --- in ------------------------------------------------------------------------------------------------ */

static ein_status set_text(char **out, const char *text) {
    char *copy = strdup(text);
    if (!copy) return ein_error(EIN_NOMEM, "no memory for a text of %zu bytes", strlen(text));
    free(*out);
    *out = copy;
    return EIN_OK;
}

static ein_status summarise(const ein_train_state *state, char **out) {
    char text[256], best[32] = "null";
    if (isfinite(state->best_value)) snprintf(best, sizeof best, "%.9g", state->best_value);
    snprintf(text, sizeof text,
             "{\"updates\": %lld, \"epochs\": %lld, \"best_validation_loss\": %s, \"best_update\": %lld}",
             (long long)state->step, (long long)state->epoch, best, (long long)state->best_step);
    return set_text(out, text);
}

/* Collective. */
static ein_status load_checkpoint(ein_comm *comm, const char *path, loaded *x) {
    ein_checkpoint_info head;
    ein_train_state state;
    char *contract = NULL;
    ein_status status = ein_checkpoint_describe(path, false, &head);
    if (status == EIN_OK) status = ein_layout_new(&head.shape, head.parts, &x->layout);
    if (status == EIN_OK) status = EIN_NEW(x->param, x->layout->arena);
    EIN_TRY(ein_comm_agree(comm, status));
    x->info.parts = head.parts;
    ein_checkpoint c = {.layout = x->layout, .param = x->param, .state = &state};
    EIN_TRY(ein_checkpoint_read(comm, path, &c, &x->info.config_yaml, &contract, &x->blas));
    if (strlen(contract) >= sizeof x->info.contract_text)
        status = ein_error(EIN_FORMAT, "%s: its contract is too long", path);
    else
        memcpy(x->info.contract_text, contract, strlen(contract) + 1);
    free(contract);
    if (status == EIN_OK) status = summarise(&state, &x->info.training);
    return ein_comm_agree(comm, status);
}

/* Names in the file that this model has no place for. */
static ein_status tell_left_out(const char *path, const loaded *x) {
    ein_safetensors *file;
    int left = 0;
    EIN_TRY(ein_safetensors_open(path, &file));
    size_t skip = strlen(x->info.prefix);
    for (int i = 0; i < ein_safetensors_count(file); i++) {
        const char *name = ein_safetensors_tensor(file, i)->name;
        if (ein_layout_find(x->layout, name + skip) >= 0) continue;
        if (left++ < NAMES_TOLD)
            fprintf(stderr, "%s: tensor %s is not part of this model; left out\n", path, name);
    }
    if (left > NAMES_TOLD) fprintf(stderr, "%s: and %d more\n", path, left - NAMES_TOLD);
    ein_safetensors_close(file);
    return EIN_OK;
}

static ein_status load_model(const ein_job *job, const char *path, loaded *x) {
    ein_vit_shape told = {.heads = (int)ein_config_int(job->config, "convert.heads"),
                          .dec_heads = (int)ein_config_int(job->config, "convert.decoder_heads")};
    char missing[MISSING_BYTES];
    EIN_TRY(ein_model_describe(path, &told, &x->info));
    EIN_TRY(ein_layout_new(&x->info.shape, x->info.parts, &x->layout));
    EIN_TRY(EIN_NEW(x->param, x->layout->arena));
    EIN_TRY(ein_model_load(path, x->layout, x->param, 0, missing, sizeof missing));
    if (missing[0]) return ein_error(EIN_CORRUPT, "%s: changed while it was read", path);
    if (ein_comm_rank(job->comm) != 0) return EIN_OK;
    if (x->info.heads_assumed)
        fprintf(stderr,
                "%s: does not say its number of heads; taken as published (%d, decoder %d): see --heads\n",
                path, x->info.shape.heads, x->info.shape.dec_heads);
    return tell_left_out(path, x);
}

/* --- between ------------------------------------------------------------------------------------------- */

static ein_status target_parts(const ein_job *job, const loaded *x, ein_vit_shape *shape,
                               ein_vit_parts *parts) {
    int classes = (int)ein_config_int(job->config, "convert.classes");
    bool encoder = ein_config_bool(job->config, "convert.encoder");
    *shape = x->layout->shape;
    *parts = x->layout->parts;
    if (encoder && classes > 0)
        return ein_error(EIN_USAGE, "--encoder and --classes ask for two different models");
    if (encoder && *parts == EIN_PART_CLASSIFY)
        return ein_error(EIN_USAGE,
                         "--encoder: the source is a classifier, which has no final norm of the encoder");
    if (encoder) *parts = EIN_PART_ENCODER;
    if (classes > 0) {
        *parts = EIN_PART_CLASSIFY;
        shape->classes = classes;
    }
    if (*parts != EIN_PART_PRETRAIN)
        shape->dec_width = shape->dec_depth = shape->dec_heads = shape->dec_mlp = 0;
    return EIN_OK;
}

/* Tensors that the source has are copied, fc_norm starts as the identity, a head is drawn as for a fresh start. */
static void fill(const ein_job *job, const loaded *from, loaded *to) {
    uint64_t seed = (uint64_t)ein_config_int(job->config, "convert.seed");
    bool fresh_head = ein_config_int(job->config, "convert.classes") > 0;
    for (int i = 0; i < to->layout->n_tensors; i++) {
        const ein_tensor *t = &to->layout->tensors[i];
        int index = ein_layout_find(from->layout, t->name);
        if (index < 0 || (fresh_head && !strncmp(t->name, "head.", 5)))
            ein_tensor_init(to->param + t->offset, t, i, EIN_SCHEME_SCRATCH, seed);
        else
            memcpy(to->param + t->offset, from->param + from->layout->tensors[index].offset,
                   (size_t)t->count * sizeof *to->param);
    }
}

/* Replace the tensors of `x` by those asked for. */
static ein_status reshape(const ein_job *job, loaded *x) {
    ein_vit_shape shape;
    ein_vit_parts parts;
    loaded to = {0};
    EIN_TRY(target_parts(job, x, &shape, &parts));
    ein_status status = ein_layout_new(&shape, parts, &to.layout);
    if (status == EIN_OK) status = EIN_NEW(to.param, to.layout->arena);
    if (status == EIN_OK) {
        fill(job, x, &to);
        ein_layout_destroy(x->layout);
        free(x->param);
        x->layout = to.layout;
        x->param = to.param;
        to = (loaded){0};
    }
    loaded_free(&to);
    return status;
}

/* --- out ------------------------------------------------------------------------------------------------ */

static bool ends_in(const char *path, const char *ending) {
    size_t n = strlen(path), m = strlen(ending);
    return n > m && !strcmp(path + n - m, ending);
}

/* Collective. */
static ein_status write_checkpoint(const ein_job *job, const char *path, const loaded *x,
                                   const char *program) {
    int rank = ein_comm_rank(job->comm);
    ein_range owned;
    ein_share(x->layout->arena, rank, ein_comm_size(job->comm), &owned.offset, &owned.count);
    float *zeros; /* both moments; untouched pages of it cost no memory */
    EIN_TRY(ein_comm_agree(job->comm, EIN_NEW(zeros, x->layout->arena)));
    ein_train_state state = {.best_value = NAN};
    ein_checkpoint c = {.layout = x->layout,
                        .param = x->param,
                        .m = zeros,
                        .v = zeros,
                        .owned = &owned,
                        .n_owned = 1,
                        .state = &state,
                        .config_yaml = x->info.config_yaml,
                        .contract_text = x->info.contract_text,
                        .blas = x->blas,
                        .program = program};
    ein_status status = ein_checkpoint_write(job->comm, path, &c);
    free(zeros);
    return status;
}

/* It says that the list is left out, as models do that were made without one. */
static ein_status leave_out_records(ein_model_info *info) {
    ein_seen none;
    char *text;
    ein_seen_leave_out(&none);
    EIN_TRY(ein_seen_encode(&none, &text));
    free(info->training_records);
    info->training_records = text;
    return EIN_OK;
}

/* Collective; rank 0 writes. */
static ein_status write_model(const ein_job *job, const char *path, loaded *x, const char *program) {
    const char *licence = ein_config_string(job->config, "convert.licence");
    const bool leave_out = strcmp(ein_config_string(job->config, "convert.training_records"), "none") == 0;
    ein_status status = EIN_OK;
    if (ein_comm_rank(job->comm) == 0) {
        status = set_text(&x->info.program, program);
        if (status == EIN_OK && licence) status = set_text(&x->info.licence, licence);
        if (status == EIN_OK && leave_out) status = leave_out_records(&x->info);
        if (status == EIN_OK) status = ein_model_write(path, x->layout, x->param, &x->info);
    }
    return ein_comm_share(job->comm, status);
}

/* --- the job ---------------------------------------------------------------------------------------------- */

static ein_status check_paths(const ein_job *job, ein_file_kind *kind, ein_outputs **output) {
    const char *in = job->operands[0], *out = job->operands[1];
    bool to_model = ends_in(out, ".safetensors");
    EIN_TRY(ein_sniff(in, kind));
    if (*kind != EIN_FILE_CHECKPOINT && *kind != EIN_FILE_SAFETENSORS)
        return ein_error(EIN_FORMAT, "%s: %s; convert takes checkpoints and .safetensors files", in,
                         ein_file_kind_name(*kind));
    if (!to_model && !ends_in(out, ".h5"))
        return ein_error(EIN_USAGE, "%s: the name must end in .safetensors (a model) or .h5 (a checkpoint)",
                         out);
    if (*kind == EIN_FILE_CHECKPOINT && !to_model)
        return ein_error(
            EIN_USAGE,
            "%s: a checkpoint already; to copy it use cp, to get its model name a .safetensors file", in);
    return ein_outputs_begin(&out, 1, NULL, ein_config_bool(job->config, "convert.overwrite"), output);
}

/* Collective; only rank 0 has the output. */
static ein_status convert(ein_job *job, ein_file_kind kind, ein_outputs *output, loaded *x) {
    const char *in = job->operands[0], *out = job->operands[1];
    char program[64];
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    if (kind == EIN_FILE_CHECKPOINT)
        EIN_TRY(load_checkpoint(job->comm, in, x));
    else
        EIN_TRY(ein_comm_agree(job->comm, load_model(job, in, x)));
    EIN_TRY(ein_comm_agree(job->comm, reshape(job, x)));
    if (ends_in(out, ".h5"))
        EIN_TRY(write_checkpoint(job, out, x, program));
    else
        EIN_TRY(write_model(job, out, x, program));
    EIN_TRY(ein_comm_share(job->comm, output ? ein_outputs_publish(output) : EIN_OK));
    if (ein_comm_rank(job->comm) == 0)
        printf("%s: %s, %lld parameters in %d tensors\n", out, ein_vit_parts_name(x->layout->parts),
               (long long)x->layout->parameters, x->layout->n_tensors);
    return EIN_OK;
}

static ein_status run(ein_job *job) {
    ein_file_kind kind = EIN_FILE_OTHER;
    int shared = 0;
    ein_outputs *output = NULL;
    ein_status status = ein_comm_rank(job->comm) == 0 ? check_paths(job, &kind, &output) : EIN_OK;
    EIN_TRY(ein_comm_share(job->comm, status));
    shared = (int)kind;
    loaded x = {0};
    status = ein_comm_check(MPI_Bcast(&shared, 1, MPI_INT, 0, ein_comm_mpi(job->comm)),
                            "sharing the kind of the file");
    if (status == EIN_OK) status = convert(job, (ein_file_kind)shared, output, &x);
    loaded_free(&x);
    ein_outputs_end(output);
    return status;
}

const ein_command ein_command_convert = {
    .name = "convert",
    .summary = "checkpoint or .safetensors in, model or checkpoint out",
    .operands = "IN OUT",
    .description = "IN is a checkpoint of a run or a .safetensors model, ours or of others with the\n"
                   "tensor names of timm's ViT and the MAE code; its content tells which. OUT is a\n"
                   "model (.safetensors) or a checkpoint (.h5: no updates yet, zero moments, to start\n"
                   "from). Everything in IN is kept unless --encoder or --classes asks for less or\n"
                   "else. Files of others come out with our order of tensors, without a prefix of\n"
                   "names, and with metadata.\n\n"
                   "    einthoven convert results/a/ckpt/step-000002000.h5 model.safetensors\n"
                   "    einthoven convert theirs.safetensors mine.safetensors --encoder\n"
                   "    einthoven convert model.safetensors start.safetensors --classes 44\n"
                   "    einthoven convert trained.safetensors public.safetensors --training-records none\n"
                   "    mpirun -n 4 einthoven convert theirs.safetensors start.h5",
    .tables = tables,
    .flags = flags,
    .min_operands = 2,
    .max_operands = 2,
    .run = run,
};
