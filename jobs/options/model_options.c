#include "jobs/options/model_options.h"

#include <stdio.h>
#include <string.h>

#include "core/nn/blas.h"
#include "core/nn/products.h"
#include "jobs/options/rows.h"
#include "mpi/threads.h"

const ein_option ein_table_model[] = {
    EIN_ROW_PRESET("shape, contract and batch of a known model; other keys override it"),
    {"model.patch", EIN_OPT_INT, "25", 1, 65536, NULL, "samples",
     "length of a patch; one token spans all leads"},
    {"model.width", EIN_OPT_INT, "128", 1, 65536, NULL, "", "width of the encoder"},
    {"model.depth", EIN_OPT_INT, "4", 1, 1024, NULL, "", "blocks of the encoder"},
    {"model.heads", EIN_OPT_INT, "4", 1, 65536, NULL, "", "attention heads of the encoder"},
    {"model.mlp", EIN_OPT_INT, "512", 1, 262144, NULL, "", "width of the encoder's MLP"},
    {"model.decoder_width", EIN_OPT_INT, "64", 1, 65536, NULL, "", "width of the decoder (pretraining only)"},
    {"model.decoder_depth", EIN_OPT_INT, "2", 1, 1024, NULL, "", "blocks of the decoder"},
    {"model.decoder_heads", EIN_OPT_INT, "4", 1, 65536, NULL, "", "attention heads of the decoder"},
    {"model.decoder_mlp", EIN_OPT_INT, "256", 1, 262144, NULL, "", "width of the decoder's MLP"},
    {"model.positions", EIN_OPT_CHOICE, "learned", EIN_UNBOUNDED, "learned|sincos", "",
     "what the learned positions of patches start as: learned: noise of 0.02, as Moody et al.; sincos: sines and "
     "cosines of amplitude 1, which ends the masked loss's plateau"},
    {0},
};

/* clang-format off */

/* The options of a recipe; pretraining and adaptation differ in their defaults. */
#define TRAIN_OPTIONS(EPOCHS, BATCH, LR, K_DECAY, WEIGHT_DECAY, SHUFFLE_RUN, BUCKET) \
    {"train.epochs", EIN_OPT_INT, EPOCHS, 1, 1000000, NULL, "epochs", "length of the run; the schedule follows it"}, \
    {"train.batch", EIN_OPT_INT, BATCH, 1, 16777216, NULL, "records", "global batch of one update"}, \
    {"train.lr", EIN_OPT_REAL, LR, 0, 10, NULL, "", \
     "peak learning rate; of fine-tuning, if unset: 5e-5 for top:K and full, 1e-3 for linear and attentive, 5e-4 for " \
     "lora"}, \
    {"train.warmup_epochs", EIN_OPT_REAL, "5", 0, 1000000, NULL, "epochs", "linear warm-up"}, \
    {"train.warmup_lr", EIN_OPT_REAL, "1e-5", 0, 10, NULL, "", "learning rate at the start of the warm-up"}, \
    {"train.k_decay", EIN_OPT_REAL, K_DECAY, 0.01, 100, NULL, "", \
     "exponent k of the cosine schedule cos(pi (t/T)^k)"}, \
    {"train.weight_decay", EIN_OPT_REAL, WEIGHT_DECAY, 0, 10, NULL, "", \
     "AdamW's decay, on tensors of more than one dimension"}, \
    {"train.beta1", EIN_OPT_REAL, "0.9", 0, 0.999999, NULL, "", "AdamW"}, \
    {"train.beta2", EIN_OPT_REAL, "0.999", 0, 0.99999999, NULL, "", "AdamW"}, \
    {"train.eps", EIN_OPT_REAL, "1e-8", 1e-30, 1, NULL, "", "AdamW"}, \
    {"train.clip_norm", EIN_OPT_REAL, "0", 0, 1e30, NULL, "", "scale gradients down to this norm; 0: never"}, \
    {"train.seed", EIN_OPT_INT, "1", 0, 9.0e15, NULL, "", "key of every random draw"}, \
    {"train.shuffle_run", EIN_OPT_INT, SHUFFLE_RUN, 1, 1048576, NULL, "records", "neighbours read together"}, \
    {"train.shuffle_window", EIN_OPT_INT, "1024", 1, 1048576, NULL, "records", \
     "records shuffled together; a multiple of the run"}, \
    {"train.slots", EIN_OPT_INT, "0", 0, 65536, NULL, "slots", \
     "parts of the batch, a power of two: bounds ranks x threads and fixes the order of sums; 0: from the batch"}, \
    {"train.threads", EIN_OPT_INT, "0", 0, 4096, NULL, "threads", "of one rank; 0: the processors it may use"}, \
    {"train.exchange", EIN_OPT_CHOICE, "tree", EIN_UNBOUNDED, "tree|allreduce", "", \
     "tree: same bits on any number of ranks; allreduce: MPI's own order"}, \
    {"train.products", EIN_OPT_CHOICE, "own", EIN_UNBOUNDED, "own|blas", "", \
     "matrix products: own: same bits on any processor; blas: those of the BLAS that is linked"}, \
    {"train.bucket_values", EIN_OPT_INT, BUCKET, 1, 1073741824, NULL, "values", "least size of one exchange"}

#define RECIPE_OPTION                                                                                          \
    {"train.recipe", EIN_OPT_CHOICE, "auto", EIN_UNBOUNDED, "auto|study", "",                                  \
     "batch, length, rate that are not given: study: as below and as Moody et al.; auto: where records are "   \
     "few, a smaller batch, a higher rate, and as many updates as learning takes"}

const ein_option ein_table_train[] = {RECIPE_OPTION,
                                      TRAIN_OPTIONS("300", "384", "1e-3", "7", "2e-5", "32", "262144"), {0}};
const ein_option ein_table_adapt[] = {RECIPE_OPTION,
                                      TRAIN_OPTIONS("100", "256", NULL, "1", "0", "1", "262144"), {0}};
/* clang-format on */

const ein_option ein_table_run[] = {
    {"run.folder", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "run folder: configuration, log, metrics, checkpoints, model"},
    {"run.resume", EIN_OPT_CHOICE, "auto", EIN_UNBOUNDED, "auto|must|none", "",
     "auto: go on from the newest valid checkpoint if there is one; must: only that; none: start afresh "
     "and keep what there is in earlier-N"},
    {"run.metrics", EIN_OPT_CHOICE, "must", EIN_UNBOUNDED, "must|aside", "",
     "a metrics.csv that is not what the checkpoint says of it: must: stop; aside: keep it in earlier-N and "
     "begin a new one"},
    EIN_ROW_DRY_RUN("open the data, print the plan, do nothing"),
    {"run.max_steps", EIN_OPT_INT, "0", 0, 9.0e15, NULL, "updates",
     "stop, resumable, after this many updates in all; 0: no limit"},
    {"run.max_walltime_minutes", EIN_OPT_REAL, "0", 0, 1e7, NULL, "min",
     "stop, resumable, in time before so many minutes have passed; 0: no limit"},
    {"run.checkpoint_steps", EIN_OPT_INT, "0", 0, 9.0e15, NULL, "updates",
     "a checkpoint every so many updates; 0: by time only"},
    {"run.checkpoint_minutes", EIN_OPT_REAL, "30", 0, 1e6, NULL, "min",
     "a checkpoint after so much time; 0: never by time"},
    {"run.keep_last", EIN_OPT_INT, "2", 1, 1000000, NULL, "", "newest checkpoints that are kept"},
    {"run.keep_every", EIN_OPT_INT, "0", 0, 1000000, NULL, "",
     "every m-th checkpoint is kept for good; 0: none"},
    EIN_ROW_PEER_TIMEOUT("900"),
    EIN_ROW_LOG_SECONDS,
    {0},
};

ein_status ein_shape_from_config(const ein_config *config, const ein_contract *contract, int classes,
                                 ein_vit_shape *s) {
    *s = (ein_vit_shape){.leads = contract->n_leads,
                         .samples = ein_int(contract->n_samples),
                         .patch = (int)ein_config_int(config, "model.patch"),
                         .width = (int)ein_config_int(config, "model.width"),
                         .depth = (int)ein_config_int(config, "model.depth"),
                         .heads = (int)ein_config_int(config, "model.heads"),
                         .mlp = (int)ein_config_int(config, "model.mlp"),
                         .dec_width = (int)ein_config_int(config, "model.decoder_width"),
                         .dec_depth = (int)ein_config_int(config, "model.decoder_depth"),
                         .dec_heads = (int)ein_config_int(config, "model.decoder_heads"),
                         .dec_mlp = (int)ein_config_int(config, "model.decoder_mlp"),
                         .classes = classes};
    ein_vit_positions positions;
    EIN_TRY(ein_vit_positions_parse(ein_config_string(config, "model.positions"), &positions));
    s->positions = positions;
    return ein_vit_shape_check(s);
}

void ein_products_from_config(const ein_config *config) {
    ein_products_use(strcmp(ein_config_string(config, "train.products"), "own") == 0);
    if (!ein_products_own()) ein_blas_start();
}

ein_status ein_threads_from_config(ein_comm *comm, const ein_config *config, int *out) {
    int asked = (int)ein_config_int(config, "train.threads");
    if (!ein_products_own() && !ein_blas_thread_safe()) {
        if (asked > 1)
            return ein_error(
                EIN_USAGE,
                "train.threads %d: this BLAS (%s) may not be called by several threads at once; use "
                "more ranks, or own products (train.products=own), or link OpenBLAS built with threads "
                "(Debian: libopenblas-pthread-dev)",
                asked, ein_blas_start());
        asked = 1;
    }
    return ein_threads_choose(comm, asked, out);
}

ein_status ein_engine_from_config(const ein_config *config, int tokens, int threads, int ranks,
                                  ein_engine_options *o) {
    const int64_t batch = ein_config_int(config, "train.batch");
    memset(o, 0, sizeof *o);
    o->slots = (int)ein_config_int(config, "train.slots");
    if (o->slots == 0) o->slots = ein_slots_default(batch, tokens);
    EIN_TRY(ein_slots_check(batch, o->slots, ranks));
    o->threads = threads;
    o->exchange = strcmp(ein_config_string(config, "train.exchange"), "tree") == 0 ? EIN_EXCHANGE_TREE
                                                                                   : EIN_EXCHANGE_ALLREDUCE;
    o->bucket_values = ein_config_int(config, "train.bucket_values");
    o->clip_norm = ein_config_real(config, "train.clip_norm");
    return EIN_OK;
}

const char *ein_bytes_text(int64_t bytes, char *out, int room) {
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int u = 0;
    while (value >= 1024 && u < 4) {
        value /= 1024;
        u++;
    }
    snprintf(out, (size_t)room, u ? "%.1f %s" : "%.0f %s", value, unit[u]);
    return out;
}
