/* The training engine against a plain serial computation of the same step: every slot one after the other, gradients
 * added by recursion over the tree, AdamW over the whole arena. Any number of ranks and threads must give the
 * same bytes. */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/nn/adamw.h"
#include "core/nn/init.h"
#include "mpi/comm.h"
#include "mpi/engine.h"
#include "mpi/slots.h"
#include "tests/report.h"
#include "tests/seed.h"

static const ein_vit_shape shape = {.leads = 2,
                                    .samples = 60,
                                    .patch = 6,
                                    .width = 24,
                                    .depth = 3,
                                    .heads = 3,
                                    .mlp = 50,
                                    .dec_width = 12,
                                    .dec_depth = 2,
                                    .dec_heads = 2,
                                    .dec_mlp = 20};
static ein_layout *layout;
enum { STEPS = 3 };
#define RATE 1e-2

/* Sends and receives of the program pass here: the largest tag is kept. Every MPI has at least those up to 32767. */
static int largest_tag;

int MPI_Isend(const void *buffer, int count, MPI_Datatype type, int to, int tag, MPI_Comm comm,
              MPI_Request *request) {
    if (tag > largest_tag) largest_tag = tag;
    return PMPI_Isend(buffer, count, type, to, tag, comm, request);
}

int MPI_Irecv(void *buffer, int count, MPI_Datatype type, int from, int tag, MPI_Comm comm,
              MPI_Request *request) {
    if (tag > largest_tag) largest_tag = tag;
    return PMPI_Irecv(buffer, count, type, from, tag, comm, request);
}

/* What the job does to slot `bad_slot` at step `bad_step`: an infinite gradient. */
static int bad_slot = -1;

/* A gradient that depends on slot and parameters, with magnitudes that make the order of additions visible. */
static float pseudo_gradient(int slot, int64_t i, float p) {
    const ein_philox_block draw = ein_philox(test_seed(17), EIN_DRAW_TEST, (uint64_t)slot, (uint32_t)i);
    const float scale = (float)(1 + draw.v[1] % 1000);
    return (float)(ein_uniform(draw.v[0]) - 0.5) * scale + p;
}

static void compute(void *job, int thread, int slot, const float *param, float *grad, double *loss,
                    ein_engine_stage done, void *context) {
    (void)job;
    (void)thread;
    *loss = 0.125 * (slot + 1) / 3.0 + param[0];
    for (int stage = layout->stages - 1; stage >= 0; stage--) {
        for (int t = 0; t < layout->n_tensors; t++) {
            const ein_tensor *tensor = &layout->tensors[t];
            if (tensor->stage != stage) continue;
            for (int64_t i = tensor->offset; i < tensor->offset + tensor->count; i++)
                grad[i] = pseudo_gradient(slot, i, param[i]);
            if (slot == bad_slot) grad[tensor->offset] = INFINITY;
        }
        if (done) done(context, stage);
    }
}

/* --- the plain computation ---------------------------------------------------------------------------------- */

static void tree_gradient(float *sum, double *loss, const float *param, int first, int count) {
    if (count == 1) {
        compute(NULL, 0, first, param, sum, loss, NULL, NULL);
        return;
    }
    float *right = calloc((size_t)layout->arena, sizeof *right);
    double right_loss;
    tree_gradient(sum, loss, param, first, count / 2);
    tree_gradient(right, &right_loss, param, first + count / 2, count / 2);
    for (int64_t i = 0; i < layout->arena; i++) sum[i] += right[i];
    *loss += right_loss;
    free(right);
}

static void serial_steps(float *param, int slots, double clip, double *last_loss, double *last_norm) {
    const size_t n = (size_t)layout->arena;
    float *g = calloc(n, sizeof *g), *m = calloc(n, sizeof *m), *v = calloc(n, sizeof *v);
    for (int step = 1; step <= STEPS; step++) {
        const ein_adamw adamw = {.lr = RATE, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.1};
        tree_gradient(g, last_loss, param, 0, slots);
        double square = 0;
        for (size_t i = 0; i < n; i++) square += (double)g[i] * g[i];
        *last_norm = sqrt(square);
        if (clip > 0)
            for (size_t i = 0; i < n; i++) g[i] = (float)(g[i] * (clip / *last_norm));
        ein_adamw_range(param, m, v, g, layout, 0, layout->arena, &adamw, step);
    }
    free(g);
    free(m);
    free(v);
}

/* --- cases ---------------------------------------------------------------------------------------------------- */

typedef struct {
    int slots, threads;
    ein_exchange_kind exchange;
    int64_t bucket_values;
    double clip;
} engine_case;

static ein_engine_options options_of(const engine_case *c) {
    return (ein_engine_options){.slots = c->slots,
                                .threads = c->threads,
                                .exchange = c->exchange,
                                .bucket_values = c->bucket_values,
                                .clip_norm = c->clip,
                                .compute = compute};
}

static float *start_weights(void) {
    float *param = calloc((size_t)layout->arena, sizeof *param);
    ein_vit_init(param, layout, EIN_SCHEME_PRETRAIN, 5);
    return param;
}

/* One line on rank 0 for a fact that must hold on every rank. */
static void report_all(ein_comm *comm, bool good, const char *what, const engine_case *c) {
    int64_t bad = !good;
    if (ein_comm_sum_i64(comm, &bad, 1) != EIN_OK) bad = 1;
    if (ein_comm_rank(comm) == 0)
        report(bad == 0, "%s: %d slots, %d threads, buckets of %lld, clip %g", what, c->slots, c->threads,
               (long long)c->bucket_values, c->clip);
}

/* Another order of adding `slots` gradients changes a sum by up to slots 2^-24 of the sizes of its terms. AdamW moves a
 * value by at most the rate, and by something else only if its sum is not much larger than that change, which holds for
 * about a share of 4 slots 2^-24 of the values. In the Euclidean norm, as a share of the parameters'. */
static double allreduce_bound(const float *param, int slots) {
    double square = 0;
    for (int64_t i = 0; i < layout->arena; i++) square += (double)param[i] * param[i];
    return STEPS * RATE * sqrt(4 * slots * 0x1p-24 * (double)layout->arena / square);
}

static void run_case(ein_comm *comm, const engine_case *c) {
    const size_t bytes = (size_t)layout->arena * sizeof(float);
    float *expected = start_weights(), *param = start_weights();
    double loss = 0, norm = 0;
    serial_steps(expected, c->slots, c->clip, &loss, &norm);

    const ein_engine_options options = options_of(c);
    ein_engine *engine;
    ein_step_result r = {0};
    ein_status status = ein_engine_new(comm, layout, &options, param, &engine);
    int64_t flags[EIN_ENGINE_FLAGS] = {1, ein_comm_rank(comm)};
    for (int step = 1; status == EIN_OK && step <= STEPS; step++) {
        const ein_adamw adamw = {.lr = RATE, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8, .weight_decay = 0.1};
        status = ein_engine_step(engine, EIN_OK, &adamw, step, flags, &r);
    }
    report_all(comm, status == EIN_OK && r.applied, "steps are applied", c);
    if (c->exchange == EIN_EXCHANGE_TREE)
        report_all(comm, memcmp(param, expected, bytes) == 0,
                   "parameters equal the serial ones byte for byte", c);
    else
        report_all(comm,
                   relative_error_f(expected, param, (size_t)layout->arena) <=
                       allreduce_bound(expected, c->slots),
                   "allreduce: parameters near the serial ones", c);
    report_all(comm, r.loss == loss, "the loss is the tree's sum", c);
    report_all(comm, fabs(r.grad_norm / norm - 1) <= c->slots * 0x1p-24, "the norm is the gradient's", c);
    const int size = ein_comm_size(comm);
    report_all(comm, r.flags[0] == size && r.flags[1] == size * (size - 1) / 2, "flags are summed over ranks",
               c);
    if (status == EIN_OK) ein_engine_destroy(engine);
    free(expected);
    free(param);
}

/* More buckets than there are tags. */
static void run_deep(ein_comm *comm) {
    const ein_vit_shape deep = {.leads = 1,
                                .samples = 4,
                                .patch = 2,
                                .width = 2,
                                .depth = 700,
                                .heads = 1,
                                .mlp = 1,
                                .dec_width = 2,
                                .dec_depth = 400,
                                .dec_heads = 1,
                                .dec_mlp = 1};
    const engine_case c = {4, 1, EIN_EXCHANGE_TREE, 1, 0};
    ein_layout *usual = layout;
    if (ein_layout_new(&deep, EIN_PART_PRETRAIN, &layout) != EIN_OK) exit(1);
    largest_tag = 0;
    run_case(comm, &c);
    const bool many = ein_comm_size(comm) == 1 || largest_tag > 30000;
    report_all(comm, many && largest_tag <= 32767, "1,100 blocks deep: no tag above what every MPI has", &c);
    ein_layout_destroy(layout);
    layout = usual;
}

/* An infinite gradient in one slot: no rank changes anything, and the next step works again. */
static void run_bad_step(ein_comm *comm) {
    const engine_case c = {4, 2, EIN_EXCHANGE_TREE, 1000, 0};
    const ein_engine_options options = options_of(&c);
    const ein_adamw adamw = {.lr = 1e-2, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8};
    const int64_t flags[EIN_ENGINE_FLAGS] = {0};
    const size_t bytes = (size_t)layout->arena * sizeof(float);
    float *param = start_weights(), *before = start_weights();
    ein_engine *engine;
    ein_step_result r = {0};
    if (ein_engine_new(comm, layout, &options, param, &engine) != EIN_OK) exit(1);
    bad_slot = 3;
    const bool ran = ein_engine_step(engine, EIN_OK, &adamw, 1, flags, &r) == EIN_OK;
    report_all(comm, ran && !r.applied && memcmp(param, before, bytes) == 0,
               "an infinite gradient changes nothing", &c);
    bad_slot = -1;
    const bool again = ein_engine_step(engine, EIN_OK, &adamw, 1, flags, &r) == EIN_OK;
    report_all(comm, again && r.applied && memcmp(param, before, bytes) != 0, "the step after it is applied",
               &c);
    ein_engine_destroy(engine);
    free(param);
    free(before);
}

/* An error of one rank before a step, and of another: nobody changes anything, all get the lowest rank's message, and a
 * later step works as if nothing had been. */
static void run_failed_step(ein_comm *comm, ein_exchange_kind kind) {
    const engine_case c = {8, 2, kind, 1000, 0};
    const ein_engine_options options = options_of(&c);
    const ein_adamw adamw = {.lr = 1e-2, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8};
    const int64_t flags[EIN_ENGINE_FLAGS] = {0};
    const size_t bytes = (size_t)layout->arena * sizeof(float);
    const int rank = ein_comm_rank(comm), size = ein_comm_size(comm);
    float *param = start_weights(), *before = start_weights(), *undisturbed = start_weights();
    ein_engine *engine, *other;
    ein_step_result r = {0};
    if (ein_engine_new(comm, layout, &options, param, &engine) != EIN_OK ||
        ein_engine_new(comm, layout, &options, undisturbed, &other) != EIN_OK)
        exit(1);
    /* The last rank fails, and the one before it too, if there are three or more. */
    const int lowest = size > 2 ? size - 2 : size - 1;
    const ein_status mine =
        rank >= lowest ? ein_error(rank == lowest ? EIN_IO : EIN_NOMEM, "trouble of rank %d", rank) : EIN_OK;
    const ein_status got = ein_engine_step(engine, mine, &adamw, 1, flags, &r);
    char expected[64];
    snprintf(expected, sizeof expected, "trouble of rank %d", lowest);
    report_all(comm, got == EIN_IO && strstr(ein_error_message(), expected) != NULL,
               "an error brought along is everybody's, with the lowest rank's message", &c);
    report_all(comm, !r.applied && memcmp(param, before, bytes) == 0, "and nothing is changed", &c);
    const bool again = ein_engine_step(engine, EIN_OK, &adamw, 1, flags, &r) == EIN_OK;
    const bool plain = ein_engine_step(other, EIN_OK, &adamw, 1, flags, &r) == EIN_OK;
    report_all(comm, again && plain && r.applied && memcmp(param, undisturbed, bytes) == 0,
               "a step after it gives what it would have given", &c);
    ein_engine_destroy(engine);
    ein_engine_destroy(other);
    free(param);
    free(before);
    free(undisturbed);
}

/* Blocks are dealt out evenly over all buckets, however small buckets are. */
static void check_owners(ein_comm *comm) {
    static const int64_t bucket_values[] = {1, 5000, 20000, 1000000};
    for (size_t i = 0; i < sizeof bucket_values / sizeof *bucket_values; i++) {
        const engine_case c = {4, 1, EIN_EXCHANGE_TREE, bucket_values[i], 0};
        ein_exchange *x;
        if (ein_exchange_new(comm, layout, c.slots, c.exchange, c.bucket_values, &x) != EIN_OK) exit(1);
        int64_t own = 0, values = 0, most[2];
        for (int s = 0; s < ein_exchange_slices(x); s++) {
            own += (ein_exchange_slice(x, s)->count + EIN_BLOCK - 1) / EIN_BLOCK;
            values += ein_exchange_slice(x, s)->count;
        }
        int64_t total[2] = {own, values};
        most[0] = own;
        most[1] = -own;
        const bool told =
            ein_comm_max_i64(comm, most, 2) == EIN_OK && ein_comm_sum_i64(comm, total, 2) == EIN_OK;
        report_all(comm, told && total[1] == layout->arena && total[0] == ein_exchange_blocks(x),
                   "every value has one owner", &c);
        report_all(comm, told && most[0] + most[1] <= 1, "no rank owns more than a block more than another",
                   &c);
        ein_exchange_destroy(x);
    }
}

static void check_slots(void) {
    ein_subtree t[EIN_MAX_PIECES];
    const int n = ein_subtrees(5, 5, t);
    report(n == 3 && t[0].first == 5 && t[0].count == 1 && t[1].first == 6 && t[1].count == 2 &&
               t[2].first == 8 && t[2].count == 2,
           "slots 5..9 are the subtrees 5, 6-7, 8-9");
    report(ein_slots_default(384, 41) == 64 && ein_slots_default(256, 17) == 16 &&
               ein_slots_default(256, 41) == 32 && ein_slots_default(7, 17) == 1,
           "default slots: 64 for paper, 16 for tiny, 32 for small, 1 for an odd batch");
    report(ein_slots_check(384, 64, 64) == EIN_OK && ein_slots_check(384, 48, 1) == EIN_USAGE &&
               ein_slots_check(100, 8, 1) == EIN_USAGE && ein_slots_check(384, 64, 65) == EIN_USAGE,
           "slots must be a power of two that divides the batch, and ranks no more than slots");
}

/* What an epoch of `records` in updates of at most slots * per_slot looks like: every record once and in order, updates
 * and slots of one equal to a record, none above its room. */
static int is_even(int64_t records, int slots, int per_slot) {
    const int64_t largest = (records + slots - 1) / slots, steps = (largest + per_slot - 1) / per_slot;
    int fine = 1;
    for (int s = 0; s < slots; s++) {
        int64_t first, count;
        ein_share(records, s, slots, &first, &count);
        fine = fine && ein_slots_cut(records, slots, steps, 0, s) == 0 &&
               ein_slots_cut(records, slots, steps, steps, s) == count;
    }
    for (int64_t k = 0; k < steps; k++) {
        int64_t sum = 0, least = INT64_MAX, most = 0;
        for (int s = 0; s < slots; s++) {
            const int64_t n =
                ein_slots_cut(records, slots, steps, k + 1, s) - ein_slots_cut(records, slots, steps, k, s);
            sum += n;
            least = n < least ? n : least;
            most = n > most ? n : most;
        }
        fine = fine && least >= 0 && most <= per_slot && most - least <= 1 &&
               (sum == records / steps || sum == records / steps + 1);
    }
    return fine;
}

static void check_cuts(void) {
    int fine = 1;
    for (int slots = 1; slots <= 16; slots *= 2)
        for (int per_slot = 1; per_slot <= 16; per_slot += 3)
            for (int64_t records = 1; records < 600; records += 7)
                fine = fine && is_even(records, slots, per_slot);
    report(fine, "every record of an epoch is in one update, updates are equal to a record, slots hold them");
    report(is_even(1802, 16, 16) && is_even(INT64_C(1000000007), 64, 5000000),
           "1,802 records at a batch of 256 make 8 updates of 225 or 226, none of 10");
    for (int64_t k = 0; k <= 7; k++)
        for (int s = 0; s < 16; s++) fine = fine && ein_slots_cut(7 * 256, 16, 7, k, s) == 16 * k;
    report(fine, "a multiple of the batch is cut into whole batches");
}

int main(int argc, char **argv) {
    static const engine_case cases[] = {
        {4, 1, EIN_EXCHANGE_TREE, 1, 0},       {4, 3, EIN_EXCHANGE_TREE, 100000, 0},
        {8, 2, EIN_EXCHANGE_TREE, 5000, 0},    {16, 1, EIN_EXCHANGE_TREE, 2000, 0},
        {16, 2, EIN_EXCHANGE_TREE, 1, 0},      {16, 3, EIN_EXCHANGE_TREE, 9000, 0},
        {64, 5, EIN_EXCHANGE_TREE, 4000, 0},   {8, 2, EIN_EXCHANGE_ALLREDUCE, 5000, 0},
        {16, 1, EIN_EXCHANGE_ALLREDUCE, 1, 0},
    };
    ein_comm *comm;
    if (ein_comm_start(&argc, &argv, &comm) != EIN_OK ||
        ein_layout_new(&shape, EIN_PART_PRETRAIN, &layout) != EIN_OK)
        return 1;
    if (ein_comm_rank(comm) == 0) check_slots();
    if (ein_comm_rank(comm) == 0) check_cuts();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) run_case(comm, &cases[i]);
    run_deep(comm);
    run_bad_step(comm);
    run_failed_step(comm, EIN_EXCHANGE_TREE);
    run_failed_step(comm, EIN_EXCHANGE_ALLREDUCE);
    check_owners(comm);
    ein_layout_destroy(layout);
    const int code = ein_comm_rank(comm) == 0 ? report_end() : 0;
    ein_comm_finish(comm);
    return code;
}
