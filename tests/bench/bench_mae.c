/* Speed of pretraining: optimiser steps of a preset through the real engine, beside the machine's own limit.
 *
 *     mpirun -n RANKS bench_mae PRESET [--input FILE] [--batch N] [--slots N] [--threads N] [--steps N] [--exchange KIND]
 *
 * FILE is what torch_mae.py --write-input writes (weights, x, noise), so that both programs do the same work and their
 * losses can be compared; without it weights and a batch are drawn. One line of JSON on stdout: records per second
 * (median step), phases of a step, the rate of a large matrix product on all threads of all ranks at once, and the share of
 * it that the step reaches.
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/blas.h"
#include "core/init.h"
#include "core/mae.h"
#include "core/philox.h"
#include "io/config.h"
#include "io/safetensors.h"
#include "jobs/embedded.h"
#include "jobs/model_options.h"
#include "jobs/tables.h"
#include "mpi/engine.h"

enum { MAX_STEPS = 256, WARM_UP = 2 };

typedef struct {
    const char *preset, *input, *exchange;
    int64_t batch;
    int slots, threads, steps;
} settings;

typedef struct {
    settings set;
    ein_vit_shape shape;
    ein_layout *layout;
    int N, K, per;
    float *param, *x; /* weights; (batch, L, S) */
    int32_t *order;   /* (batch, N) */
    ein_mae **mae;    /* (threads) */
    double **loss;
} bench;

static void die(const char *what) {
    fprintf(stderr, "bench_mae: %s: %s\n", what, ein_error_message());
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static settings parse(int argc, char **argv) {
    settings s = {.preset = argc > 1 ? argv[1] : "tiny", .exchange = "tree", .threads = 1, .steps = 8};
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--input")) s.input = argv[i + 1];
        if (!strcmp(argv[i], "--exchange")) s.exchange = argv[i + 1];
        if (!strcmp(argv[i], "--batch")) s.batch = atoll(argv[i + 1]);
        if (!strcmp(argv[i], "--slots")) s.slots = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--threads")) s.threads = atoi(argv[i + 1]);
        if (!strcmp(argv[i], "--steps")) s.steps = atoi(argv[i + 1]);
    }
    if (s.steps > MAX_STEPS - WARM_UP) s.steps = MAX_STEPS - WARM_UP;
    return s;
}

static void load_preset(bench *b) {
    static const ein_option *const tables[] = {ein_table_model, ein_table_contract, ein_table_train, NULL};
    char path[128];
    ein_config *config;
    ein_contract contract;
    snprintf(path, sizeof path, "jobs/presets/%s.yaml", b->set.preset);
    const ein_embedded *file = ein_embedded_find(path);
    if (!file) die("no such preset");
    if (ein_config_new(tables, &config) ||
        ein_config_load_preset(config, path, file->begin, (size_t)(file->end - file->begin)) ||
        ein_contract_from_config(config, &contract) ||
        ein_shape_from_config(config, &contract, 0, &b->shape) ||
        ein_layout_new(&b->shape, EIN_PART_PRETRAIN, &b->layout))
        die(path);
    if (b->set.batch == 0) b->set.batch = ein_config_int(config, "train.batch");
    ein_config_destroy(config);
    b->N = ein_vit_patches(&b->shape);
    b->K = ein_mask_visible(b->N, 0.6);
    if (b->set.slots == 0) b->set.slots = ein_slots_default(b->set.batch, b->K + 1);
    b->per = (int)(b->set.batch / b->set.slots);
}

static void read_tensor(ein_safetensors *file, const char *name, float *out, int64_t count) {
    const int index = ein_safetensors_find(file, name);
    if (index < 0 || ein_safetensors_tensor(file, index)->count < count) die(name);
    float *all = malloc((size_t)ein_safetensors_tensor(file, index)->count * sizeof *all);
    if (!all || ein_safetensors_read(file, index, all)) die(name);
    memcpy(out, all, (size_t)count * sizeof *out);
    free(all);
}

/* order = stable argsort of the noise of each record. */
static void order_of(int32_t *order, const float *noise, int N) {
    for (int i = 0; i < N; i++) {
        int at = i;
        while (at > 0 && noise[order[at - 1]] > noise[i]) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
}

static void load_input(bench *b) {
    const int64_t values = (int64_t)b->shape.leads * b->shape.samples, B = b->set.batch;
    b->param = calloc((size_t)b->layout->arena, sizeof *b->param);
    b->x = malloc((size_t)(B * values) * sizeof *b->x);
    b->order = malloc((size_t)(B * b->N) * sizeof *b->order);
    ein_vit_init(b->param, b->layout, EIN_SCHEME_PRETRAIN, 1);
    if (!b->set.input) {
        for (int64_t i = 0; i < B * values; i++) {
            const ein_philox_block draw = ein_philox(1, EIN_DRAW_TEST, (uint64_t)i, 0);
            b->x[i] = (float)(2 * ein_uniform(draw.v[0]) - 1);
        }
        for (int64_t r = 0; r < B; r++) ein_mask_draw(b->order + r * b->N, b->N, 1, 0, r);
        return;
    }
    ein_safetensors *file;
    if (ein_safetensors_open(b->set.input, &file)) die(b->set.input);
    for (int i = 0; i < b->layout->n_tensors; i++) {
        const ein_tensor *t = &b->layout->tensors[i];
        read_tensor(file, t->name, b->param + t->offset, t->count);
    }
    float *noise = malloc((size_t)(B * b->N) * sizeof *noise);
    read_tensor(file, "x", b->x, B * values);
    read_tensor(file, "noise", noise, B * b->N);
    for (int64_t r = 0; r < B; r++) order_of(b->order + r * b->N, noise + r * b->N, b->N);
    free(noise);
    ein_safetensors_close(file);
}

static void compute(void *job, int thread, int slot, const float *param, float *grad, double *loss,
                    ein_engine_stage done, void *context) {
    bench *b = job;
    const int64_t first = (int64_t)slot * b->per, values = (int64_t)b->shape.leads * b->shape.samples;
    ein_mae_forward(b->mae[thread], b->loss[thread], param, b->x + first * values, b->order + first * b->N);
    *loss = 0;
    for (int r = 0; r < b->per; r++) *loss += b->loss[thread][r] / (double)b->set.batch;
    ein_mae_backward(b->mae[thread], grad, param, 1.0 / (double)b->set.batch, done, context);
}

/* GFLOP/s of a 2048-cubed product on every thread of every rank at once. */
static double sgemm_rate(ein_comm *comm, int threads) {
    enum { SIZE = 2048, REPEATS = 5 };
    const size_t values = (size_t)SIZE * SIZE;
    double best = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double slowest = 0;
        MPI_Barrier(ein_comm_mpi(comm));
#pragma omp parallel num_threads(threads) reduction(max : slowest)
        {
            float *m = malloc(3 * values * sizeof *m);
            for (size_t i = 0; i < 3 * values; i++) m[i] = (float)(i % 17) * 0.1f;
#pragma omp barrier
            const double start = omp_get_wtime();
            gemm_nn(m + 2 * values, m, m + values, SIZE, SIZE, SIZE, 1);
            slowest = omp_get_wtime() - start;
            free(m);
        }
        MPI_Allreduce(MPI_IN_PLACE, &slowest, 1, MPI_DOUBLE, MPI_MAX, ein_comm_mpi(comm));
        const double rate = 2e-9 * SIZE * (double)values * threads * ein_comm_size(comm) / slowest;
        if (rate > best) best = rate;
    }
    return best;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, int n) {
    qsort(x, (size_t)n, sizeof *x, ascending);
    return n % 2 ? x[n / 2] : 0.5 * (x[n / 2 - 1] + x[n / 2]);
}

int main(int argc, char **argv) {
    ein_comm *comm;
    if (ein_comm_start(&argc, &argv, &comm)) return 1;
    const char *blas = ein_blas_start();
    bench b = {.set = parse(argc, argv)};
    load_preset(&b);
    load_input(&b);
    ein_engine_options options = {.slots = b.set.slots,
                                  .threads = b.set.threads,
                                  .bucket_values = 262144,
                                  .exchange = strcmp(b.set.exchange, "tree") ? EIN_EXCHANGE_ALLREDUCE
                                                                             : EIN_EXCHANGE_TREE,
                                  .compute = compute,
                                  .job = &b};
    ein_engine *engine;
    if (ein_slots_check(b.set.batch, b.set.slots, ein_comm_size(comm)) ||
        ein_engine_new(comm, b.layout, &options, b.param, &engine))
        die("engine");
    const int threads = ein_engine_threads(engine);
    b.mae = calloc((size_t)threads, sizeof *b.mae);
    b.loss = calloc((size_t)threads, sizeof *b.loss);
#pragma omp parallel num_threads(threads)
    {
        const int t = omp_get_thread_num();
        if (ein_mae_new(b.layout, b.per, b.K, &b.mae[t])) die("workspace");
        b.loss[t] = calloc((size_t)b.per, sizeof **b.loss);
    }
    const double before = sgemm_rate(comm, threads);
    static double seconds[MAX_STEPS], losses[MAX_STEPS], computed[MAX_STEPS], exposed[MAX_STEPS],
        window[MAX_STEPS], shared[MAX_STEPS], updated[MAX_STEPS], reduced[MAX_STEPS];
    const int64_t flags[EIN_ENGINE_FLAGS] = {0};
    for (int step = 0; step < WARM_UP + b.set.steps; step++) {
        const ein_adamw adamw = {.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 2e-5};
        ein_step_result r;
        MPI_Barrier(ein_comm_mpi(comm));
        const double start = MPI_Wtime();
        if (ein_engine_step(engine, &adamw, step + 1, flags, &r)) die("step");
        const int i = step - WARM_UP;
        losses[step] = r.loss;
        if (i < 0) continue;
        seconds[i] = MPI_Wtime() - start;
        computed[i] = r.compute_s;
        exposed[i] = r.exchange.exposed_s;
        window[i] = r.exchange.window_s;
        shared[i] = r.exchange.share_s;
        updated[i] = r.update_s;
        reduced[i] = r.reduce_s;
    }
    const double after = sgemm_rate(comm, threads), peak = before > after ? before : after;
    if (ein_comm_rank(comm) == 0) {
        const int n = b.set.steps;
        const double step = median(seconds, n), rate = (double)b.set.batch / step,
                     gflops = rate * ein_mae_gflop(&b.shape, b.K);
        const double wait = median(exposed, n), wire = median(window, n);
        printf(
            "{\"program\": \"einthoven\", \"preset\": \"%s\", \"ranks\": %d, \"threads\": %d, \"slots\": %d, \"batch\": %lld, "
            "\"blas\": \"%s\", \"records_per_s\": %.4g, \"step_s\": %.5g, \"compute_s\": %.5g, \"exchange_exposed_s\": %.4g, "
            "\"exchange_window_s\": %.4g, \"share_s\": %.4g, \"reduce_s\": %.4g, \"adamw_s\": %.4g, \"gflops\": %.4g, "
            "\"sgemm_gflops\": %.4g, \"share_of_sgemm\": %.3f, \"losses\": [",
            b.set.preset, ein_comm_size(comm), threads, b.set.slots, (long long)b.set.batch, blas, rate, step,
            median(computed, n), wait, wire, median(shared, n), median(reduced, n), median(updated, n),
            gflops, peak, gflops / peak);
        for (int i = 0; i < WARM_UP + n; i++) printf("%s%.9g", i ? ", " : "", losses[i]);
        printf("]}\n");
    }
    ein_engine_destroy(engine);
    ein_comm_finish(comm);
    return 0;
}
