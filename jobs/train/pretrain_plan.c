#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/nn/init.h"
#include "core/nn/products.h"
#include "jobs/options/model_options.h"
#include "jobs/options/rows.h"
#include "jobs/options/tables.h"
#include "jobs/train/pretrain.h"

const ein_option ein_table_pretrain[] = {
    EIN_ROW_CORPUS("corpus to learn from (made by ingest)"),
    {"data.validation_fraction", EIN_OPT_REAL, "0.025", 0, 0.9, NULL, "",
     "of patients held out for the validation loss"},
    EIN_ROW_MEMORY("records that a rank keeps in memory; more are streamed"),
    {"train.mask_ratio", EIN_OPT_REAL, "0.6", 0.01, 0.99, NULL, "",
     "of the patches that are hidden from the encoder"},
    {"model.from", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "start from the weights of this .safetensors model"},
    {0},
};

static ein_status adopt_corpus(ein_pretrain *p) {
    const ein_contract *theirs = ein_corpus_contract(p->data.corpus);
    char difference[1024];
    /* Normalisation constants come with the corpus; the rest must be what the configuration says. */
    if (ein_contract_compare(&p->plan.contract, theirs, 1, difference, sizeof difference) != 0)
        return ein_error(
            EIN_USAGE,
            "%s was made under another contract than this configuration asks for: %s; set contract.* (or "
            "model.preset) to the corpus's, or ingest again",
            ein_corpus_path(p->data.corpus), difference);
    p->plan.contract = *theirs;
    return EIN_OK;
}

static ein_status plan_from_config(ein_pretrain *p) {
    const ein_config *c = p->job->config;
    ein_pretrain_plan *plan = &p->plan;
    EIN_TRY(ein_contract_from_config(c, &plan->contract));
    if (p->data.corpus) EIN_TRY(adopt_corpus(p));
    EIN_TRY(ein_shape_from_config(c, &plan->contract, 0, &plan->shape));
    EIN_TRY(ein_layout_new(&plan->shape, EIN_PART_PRETRAIN, &plan->layout));
    plan->patches = ein_vit_patches(&plan->shape);
    plan->mask_ratio = ein_config_real(c, "train.mask_ratio");
    plan->visible = ein_mask_visible(plan->patches, plan->mask_ratio);
    if (plan->visible < 1 || plan->visible >= plan->patches)
        return ein_error(EIN_USAGE, "train.mask_ratio %g leaves %d of %d patches visible; 1 to %d must be",
                         plan->mask_ratio, plan->visible, plan->patches, plan->patches - 1);
    plan->seed = (uint64_t)ein_config_int(c, "train.seed");
    plan->epochs = ein_config_int(c, "train.epochs");
    plan->batch = ein_config_int(c, "train.batch");
    plan->shuffle.run = (int)ein_config_int(c, "train.shuffle_run");
    plan->shuffle.window = (int)ein_config_int(c, "train.shuffle_window");
    if (plan->shuffle.window % plan->shuffle.run != 0)
        return ein_error(EIN_USAGE, "train.shuffle_window %d is not a multiple of train.shuffle_run %d",
                         plan->shuffle.window, plan->shuffle.run);
    plan->adamw = (ein_adamw){.beta1 = ein_config_real(c, "train.beta1"),
                              .beta2 = ein_config_real(c, "train.beta2"),
                              .eps = ein_config_real(c, "train.eps"),
                              .weight_decay = ein_config_real(c, "train.weight_decay")};
    EIN_TRY(
        ein_engine_from_config(c, plan->visible + 1, p->threads, ein_comm_size(p->job->comm), &plan->engine));
    plan->per_slot = (int)(plan->batch / plan->engine.slots);
    return EIN_OK;
}

ein_status ein_pretrain_plan_make(ein_pretrain *p) {
    EIN_TRY(ein_threads_from_config(p->job->comm, p->job->config, &p->threads));
    EIN_TRY(ein_comm_agree(p->job->comm, plan_from_config(p)));
    /* A thread without a slot would only hold memory. */
    int64_t first, slots;
    ein_share(p->plan.engine.slots, ein_comm_rank(p->job->comm), ein_comm_size(p->job->comm), &first, &slots);
    if (p->threads > slots) p->threads = (int)slots;
    p->plan.engine.threads = p->threads;
    return EIN_OK;
}

ein_status ein_pretrain_plan_steps(ein_pretrain *p) {
    ein_pretrain_plan *plan = &p->plan;
    const int64_t smallest_shard = p->data.n_train / plan->engine.slots;
    plan->steps_per_epoch = smallest_shard / plan->per_slot;
    if (plan->steps_per_epoch < 1)
        return ein_error(EIN_USAGE,
                         "%" PRId64 " training records make %d shards of %" PRId64
                         ", too few for %d records per slot "
                         "and update; use a smaller train.batch or fewer train.slots",
                         p->data.n_train, plan->engine.slots, smallest_shard, plan->per_slot);
    plan->total_steps = plan->epochs * plan->steps_per_epoch;
    const double warmup =
        ein_config_real(p->job->config, "train.warmup_epochs") * (double)plan->steps_per_epoch;
    plan->schedule = (ein_schedule){.lr = ein_config_real(p->job->config, "train.lr"),
                                    .warmup_lr = ein_config_real(p->job->config, "train.warmup_lr"),
                                    .warmup = (int64_t)llround(warmup),
                                    .total = plan->total_steps,
                                    .k = ein_config_real(p->job->config, "train.k_decay")};
    if (plan->schedule.warmup >= plan->total_steps)
        return ein_error(EIN_USAGE,
                         "train.warmup_epochs %g is not shorter than the run of %" PRId64 " epochs",
                         ein_config_real(p->job->config, "train.warmup_epochs"), plan->epochs);
    return EIN_OK;
}

/* --- dry run --------------------------------------------------------------------------------------------- */

/* Digits in groups of three, for numbers that people compare with papers. */
static const char *grouped(int64_t value, char *out) {
    char digits[32];
    const int n = snprintf(digits, sizeof digits, "%" PRId64, value);
    int at = 0;
    for (int i = 0; i < n; i++) {
        if (i > 0 && (n - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static ein_status parameters_of(const ein_vit_shape *shape, ein_vit_parts parts, int classes, int64_t *out) {
    ein_vit_shape s = *shape;
    ein_layout *layout;
    s.classes = classes;
    EIN_TRY(ein_layout_new(&s, parts, &layout));
    *out = layout->parameters;
    ein_layout_destroy(layout);
    return EIN_OK;
}

static ein_status print_parameters(const ein_pretrain *p) {
    enum { PTB_XL_DIAGNOSTIC = 44 };
    int64_t encoder, with_head;
    char a[40], b[40], c[40];
    EIN_TRY(parameters_of(&p->plan.shape, EIN_PART_ENCODER, 0, &encoder));
    EIN_TRY(parameters_of(&p->plan.shape, EIN_PART_CLASSIFY, PTB_XL_DIAGNOSTIC, &with_head));
    printf("parameters           %s pretraining model, %s encoder, %s with a %d-label head\n",
           grouped(p->plan.layout->parameters, a), grouped(encoder, b), grouped(with_head, c),
           PTB_XL_DIAGNOSTIC);
    return EIN_OK;
}

static void print_shape(const ein_pretrain *p) {
    const ein_vit_shape *s = &p->plan.shape;
    printf("input                %d leads x %d samples at %g Hz, patches of %d samples: %d tokens of %d "
           "values\n",
           s->leads, s->samples, p->plan.contract.fs_hz, s->patch, p->plan.patches, ein_vit_patch_values(s));
    printf("encoder              width %d, depth %d, heads %d, MLP %d; sees %d of %d patches and CLS\n",
           s->width, s->depth, s->heads, s->mlp, p->plan.visible, p->plan.patches);
    printf("decoder              width %d, depth %d, heads %d, MLP %d\n", s->dec_width, s->dec_depth,
           s->dec_heads, s->dec_mlp);
}

static void print_memory(const ein_pretrain *p) {
    const int rank = ein_comm_rank(p->job->comm), size = ein_comm_size(p->job->comm);
    const ein_engine_bytes e = ein_engine_plan(p->plan.layout, &p->plan.engine, rank, size);
    const int64_t acts = (int64_t)sizeof(float) * p->threads *
                         (ein_mae_values(p->plan.layout, p->plan.per_slot, p->plan.visible) +
                          (int64_t)p->plan.per_slot * p->plan.shape.leads * p->plan.shape.samples);
    const ein_feed_options feed = ein_pretrain_data_feed(p);
    int streaming = 0;
    int64_t data = 0;
    if (p->data.corpus)
        data =
            ein_feed_bytes(&feed, p->plan.shape.leads, p->plan.shape.samples, &streaming) +
            ein_store_bytes((p->data.n_valid + size - 1) / size, p->plan.shape.leads, p->plan.shape.samples);
    const int64_t total = e.parameters + e.copies + e.moments + e.gradients + acts + e.exchange + data;
    char text[16], note[64];
    const struct {
        const char *kind;
        int64_t bytes;
        const char *note;
    } rows[] = {{"parameters", e.parameters, ""},
                {"copies", e.copies, e.copies ? "of weights, for products" : ""},
                {"AdamW moments", e.moments, ""},
                {"gradients", e.gradients, note},
                {"activations", acts, ""},
                {"exchange", e.exchange, ""},
                {"records", data, streaming ? "streamed" : ""},
                {"together", total, ""}};
    snprintf(note, sizeof note, "%d buffers: tree of sums with %d threads", e.gradient_buffers, p->threads);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf("%-20s %-15s %12s  %s\n", i ? "" : "memory per rank", rows[i].kind,
               ein_bytes_text(rows[i].bytes, text, sizeof text), rows[i].note);
    const int64_t wire = size > 1 ? 2 * e.parameters / size * (size - 1) : 0;
    printf("on the wire          %s sent and received per rank and update (2 P floats less the own slice)\n",
           ein_bytes_text(wire, text, sizeof text));
}

/* Time one slot, forward and backward, on random input. */
static ein_status measure_slot(ein_pretrain *p, double *seconds) {
    ein_pretrain_worker w = {0};
    float *param = NULL, *grad = NULL;
    const int per = p->plan.per_slot;
    const int64_t values = (int64_t)per * p->plan.shape.leads * p->plan.shape.samples;
    ein_status status = ein_pretrain_worker_new(&p->plan, &w);
    if (status == EIN_OK) status = EIN_NEW(param, p->plan.layout->arena);
    if (status == EIN_OK) status = EIN_NEW(grad, p->plan.layout->arena);
    if (status == EIN_OK) {
        for (int64_t i = 0; i < values; i++) w.x[i] = (float)(i % 101) * 0.02f - 1.0f;
        for (int b = 0; b < per; b++)
            ein_mask_draw(w.mask + (int64_t)b * p->plan.patches, p->plan.patches, p->plan.seed, 0, b);
        ein_vit_init(param, p->plan.layout, EIN_SCHEME_PRETRAIN, p->plan.seed);
        for (int turn = 0; turn < 2; turn++) { /* the first touches memory */
            const double start = ein_clock_s();
            ein_mae_forward(w.mae, w.record_loss, param, w.x, w.mask);
            ein_mae_backward(w.mae, grad, param, 1.0 / (double)p->plan.batch, NULL, NULL);
            *seconds = ein_clock_s() - start;
        }
    }
    ein_pretrain_worker_free(&w);
    free(param);
    free(grad);
    return status;
}

static ein_status print_time(ein_pretrain *p) {
    double slot_s = 0;
    EIN_TRY(measure_slot(p, &slot_s));
    int64_t first, slots;
    ein_share(p->plan.engine.slots, 0, ein_comm_size(p->job->comm), &first, &slots);
    const int64_t rounds = (slots + p->threads - 1) / p->threads;
    const double step_s = slot_s * (double)rounds;
    printf("measured here        one slot of %d records: %.3f s, %.1f GFLOP/s on one thread\n",
           p->plan.per_slot, slot_s,
           ein_mae_gflop(&p->plan.shape, p->plan.visible) * p->plan.per_slot / slot_s);
    printf(
        "update               about %.2f s of compute with %d threads on each of %d ranks: %.1f records/s\n",
        step_s, p->threads, ein_comm_size(p->job->comm), (double)p->plan.batch / step_s);
    if (p->plan.total_steps > 0) {
        char text[32];
        ein_format_duration(step_s * (double)p->plan.total_steps, text, sizeof text);
        printf("run                  %" PRId64 " updates, about %s (h:mm:ss) plus exchange and checkpoints\n",
               p->plan.total_steps, text);
    }
    return EIN_OK;
}

ein_status ein_pretrain_plan_print(ein_pretrain *p) {
    ein_status status = EIN_OK;
    if (ein_comm_rank(p->job->comm) == 0) {
        print_shape(p);
        status = print_parameters(p);
        printf("cost                 %.2f GFLOP per record, forward and backward\n",
               ein_mae_gflop(&p->plan.shape, p->plan.visible));
        printf("recipe               %s\n", p->recipe.reason);
        printf("batch                %" PRId64
               " records in %d slots of %d: at most %d ranks x threads are of use\n",
               p->plan.batch, p->plan.engine.slots, p->plan.per_slot, p->plan.engine.slots);
        if (p->data.corpus)
            printf("records              %" PRId64 " for training, %" PRId64
                   " held out (by patient); %" PRId64 " updates an epoch, %" PRId64 " epochs\n",
                   p->data.n_train, p->data.n_valid, p->plan.steps_per_epoch, p->plan.epochs);
        else
            printf("records              no data.corpus given: steps and time of the run are not known\n");
        print_memory(p);
        printf("matrix products      %s\n", ein_products_text());
        if (status == EIN_OK) status = print_time(p);
    }
    return ein_comm_agree(p->job->comm, status);
}
