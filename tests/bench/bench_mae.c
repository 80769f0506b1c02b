/* Speed of pretraining: optimiser steps of a preset through the real engine, beside the machine's own limit.
 *
 *     mpirun -n RANKS bench_mae PRESET [--input FILE] [--batch N] [--slots N] [--threads N] [--steps N] [--exchange
 *     KIND]
 *                               [--bucket VALUES] [--network NAME] [--products own|blas]
 *
 * FILE is what torch_mae.py --write-input writes (weights, x, noise), so that both programs do the same work and their
 * losses can be compared; without it weights and a batch are drawn. The conversion of counts to input and the drawing
 * of masks are done in either case, as in a real run. One line of JSON on stdout:
 *
 *   records_per_s, step_s     by the median step of rank 0
 *   sgemm_gflops              of a large product on all threads of all ranks at once, the best of several
 *   share_of_sgemm            the step's floating point operations, by that rate
 *   peak_gflops               of loops of fused multiply-adds on all threads of all ranks at once, the best of several
 *   share_of_peak             the step's floating point operations, by that rate
 *   mean_s and the phases     of the middle half of the steps by duration; each phase is the mean over ranks (and
 *                             threads), so input + forward + backward + imbalance + wait + add + norm + reduce + adamw
 *                             + share + rest = mean_s
 *   window_s, compute_max_s   from the first bucket's start until all had arrived; the slowest rank's slots
 *   compute_sd_s              spread of a rank's time for its slots over the steps: interquartile range / 1.349
 *   buckets                   values of each, in the order of the backward pass
 */
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "core/nn/blas.h"
#include "core/nn/init.h"
#include "core/nn/mae.h"
#include "core/nn/products.h"
#include "io/config/config.h"
#include "io/corpus/store.h"
#include "io/model/safetensors.h"
#include "jobs/cli/embedded.h"
#include "jobs/options/model_options.h"
#include "jobs/options/tables.h"
#include "mpi/engine.h"
#include "tests/bench/peak.h"

enum { MAX_STEPS = 256, WARM_UP = 2 };

typedef struct {
    const char *preset, *input, *exchange, *network;
    int64_t batch, bucket;
    int slots, threads, steps;
} settings;

/* Workspace of a thread, and what it has measured since the last look. */
typedef struct {
    ein_mae *mae;
    double *loss;   /* (per) */
    float *x;       /* (per, L, S) */
    int32_t *order; /* (per, N) */
    double input_s, forward_s, backward_s;
} worker;

/* Phases of a step, in the order in which they are printed. */
enum {
    INPUT,
    FORWARD,
    BACKWARD,
    IMBALANCE,
    WAIT,
    ADD,
    NORM,
    REDUCE,
    ADAMW,
    SHARE,
    REST,
    N_PHASES,
    WINDOW = N_PHASES,
    COMPUTE,
    N_TIMES
};
static const char *const time_names[N_TIMES] = {"input", "forward", "backward", "imbalance", "wait",
                                                "add",   "norm",    "reduce",   "adamw",     "share",
                                                "rest",  "window",  "compute"};

typedef struct {
    settings set;
    ein_vit_shape shape;
    ein_layout *layout;
    int N, K, per;
    float *param, *x; /* weights; (batch, L, S) */
    int32_t *order;   /* (batch, N) */
    int16_t *counts;  /* (batch, L, S) */
    double peak;      /* arithmetic_peak, before or after the steps */
    worker *worker;   /* (threads) */
    ein_engine *engine;
} bench;

_Noreturn static void die(const char *what) {
    fprintf(stderr, "bench_mae: %s: %s\n", what, ein_error_message());
    MPI_Abort(MPI_COMM_WORLD, 1);
    exit(1);
}

static settings parse(int argc, char **argv) {
    settings s = {.preset = argc > 1 ? argv[1] : "tiny",
                  .exchange = "tree",
                  .network = "shared memory",
                  .bucket = 262144,
                  .threads = 1,
                  .steps = 8};
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!strcmp(argv[i], "--input")) s.input = argv[i + 1];
        if (!strcmp(argv[i], "--exchange")) s.exchange = argv[i + 1];
        if (!strcmp(argv[i], "--network")) s.network = argv[i + 1];
        if (!strcmp(argv[i], "--products")) ein_products_use(strcmp(argv[i + 1], "own") == 0);
        if (!strcmp(argv[i], "--bucket")) s.bucket = atoll(argv[i + 1]);
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
    b->counts = malloc((size_t)(B * values) * sizeof *b->counts);
    for (int64_t i = 0; i < B * values; i++)
        b->counts[i] = (int16_t)(ein_philox(1, EIN_DRAW_TEST, (uint64_t)i, 0).v[0] % 32768);
    ein_vit_init(b->param, b->layout, EIN_SCHEME_PRETRAIN, 1);
    if (!b->set.input) return;
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
    worker *w = &b->worker[thread];
    const int64_t first = (int64_t)slot * b->per, values = (int64_t)b->shape.leads * b->shape.samples;
    const double start = omp_get_wtime();
    for (int64_t r = 0; r < b->per; r++) {
        ein_counts_input(w->x + r * values, b->counts + (first + r) * values, 1.0f / 16384, 1, 1, values);
        ein_mask_draw(w->order + r * b->N, b->N, 1, 0, first + r);
    }
    const double filled = omp_get_wtime();
    const int given = b->set.input != NULL;
    ein_mae_weights(w->mae, ein_engine_packed(b->engine));
    ein_mae_forward(w->mae, w->loss, param, given ? b->x + first * values : w->x,
                    given ? b->order + first * b->N : w->order);
    *loss = 0;
    for (int r = 0; r < b->per; r++) *loss += w->loss[r] / (double)b->set.batch;
    const double forward = omp_get_wtime();
    ein_mae_backward(w->mae, grad, param, 1.0 / (double)b->set.batch, done, context);
    w->input_s += filled - start;
    w->forward_s += forward - filled;
    w->backward_s += omp_get_wtime() - forward;
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

/* What all threads of all ranks do at once in loops of fused multiply-adds (tests/bench/peak.h), in GFLOP/s. */
static double arithmetic_peak(ein_comm *comm, int threads) {
    enum { REPEATS = 9 };
    double best = 0;
    for (int repeat = 0; repeat < REPEATS; repeat++) {
        double sum = 0;
        MPI_Barrier(ein_comm_mpi(comm));
#pragma omp parallel num_threads(threads) reduction(+ : sum)
        sum += bench_peak_gflops(omp_get_wtime);
        MPI_Allreduce(MPI_IN_PLACE, &sum, 1, MPI_DOUBLE, MPI_SUM, ein_comm_mpi(comm));
        if (sum > best) best = sum;
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

/* An engine, and workspaces that each thread touches first. */
static ein_engine *new_engine(bench *b, ein_comm *comm) {
    const int64_t values = (int64_t)b->shape.leads * b->shape.samples;
    const ein_engine_options options = {.slots = b->set.slots,
                                        .threads = b->set.threads,
                                        .bucket_values = b->set.bucket,
                                        .exchange = strcmp(b->set.exchange, "tree") ? EIN_EXCHANGE_ALLREDUCE
                                                                                    : EIN_EXCHANGE_TREE,
                                        .compute = compute,
                                        .job = b};
    ein_engine *engine;
    if (ein_slots_check(b->set.batch, b->set.slots, ein_comm_size(comm)) ||
        ein_engine_new(comm, b->layout, &options, b->param, &engine))
        die("engine");
    const int threads = ein_engine_threads(engine);
    b->worker = calloc((size_t)threads, sizeof *b->worker);
#pragma omp parallel num_threads(threads)
    {
        worker *w = &b->worker[omp_get_thread_num()];
        if (ein_mae_new(b->layout, b->per, b->K, &w->mae)) die("workspace");
        w->loss = calloc((size_t)b->per, sizeof *w->loss);
        w->x = calloc((size_t)(b->per * values), sizeof *w->x);
        w->order = calloc((size_t)(b->per * b->N), sizeof *w->order);
    }
    return engine;
}

/* The times of this rank's step; means over its threads. */
static void note_times(bench *b, int threads, const ein_step_result *r, double step_s, double t[N_TIMES]) {
    memset(t, 0, N_TIMES * sizeof *t);
    for (int i = 0; i < threads; i++) {
        worker *w = &b->worker[i];
        t[INPUT] += w->input_s / threads;
        t[FORWARD] += w->forward_s / threads;
        t[BACKWARD] += w->backward_s / threads;
        w->input_s = w->forward_s = w->backward_s = 0;
    }
    t[IMBALANCE] = r->imbalance_s;
    t[WAIT] = r->exchange.exposed_s;
    t[ADD] = r->exchange.add_s;
    t[NORM] = r->norm_s;
    t[REDUCE] = r->reduce_s - r->norm_s;
    t[ADAMW] = r->update_s;
    t[SHARE] = r->exchange.share_s;
    t[REST] = step_s;
    for (int k = 0; k < REST; k++) t[REST] -= t[k];
    t[WINDOW] = r->exchange.window_s;
    t[COMPUTE] = r->compute_s;
}

typedef struct {
    int n; /* steps */
    double seconds[MAX_STEPS], mean[MAX_STEPS][N_TIMES], slowest[MAX_STEPS], losses[WARM_UP + MAX_STEPS];
    double own[MAX_STEPS]; /* this rank's slots */
} measured;

static void run_steps(bench *b, ein_comm *comm, ein_engine *engine, measured *m) {
    const int64_t flags[EIN_ENGINE_FLAGS] = {0};
    const ein_adamw adamw = {.lr = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 2e-5};
    m->n = b->set.steps;
    for (int step = 0; step < WARM_UP + m->n; step++) {
        ein_step_result r;
        double t[N_TIMES];
        MPI_Barrier(ein_comm_mpi(comm));
        const double start = MPI_Wtime();
        if (ein_engine_step(engine, EIN_OK, &adamw, step + 1, flags, &r)) die("step");
        double seconds = MPI_Wtime() - start;
        note_times(b, ein_engine_threads(engine), &r, seconds, t);
        m->losses[step] = r.loss;
        const int i = step - WARM_UP;
        if (i < 0) continue;
        m->seconds[i] = seconds;
        m->own[i] = m->slowest[i] = t[COMPUTE];
        MPI_Allreduce(MPI_IN_PLACE, &m->slowest[i], 1, MPI_DOUBLE, MPI_MAX, ein_comm_mpi(comm));
        MPI_Allreduce(t, m->mean[i], N_TIMES, MPI_DOUBLE, MPI_SUM, ein_comm_mpi(comm));
        for (int k = 0; k < N_TIMES; k++) m->mean[i][k] /= ein_comm_size(comm);
    }
}

/* Spread of a rank's compute time over the steps, mean over ranks. */
static double compute_spread(ein_comm *comm, const measured *m) {
    double x[MAX_STEPS];
    memcpy(x, m->own, sizeof x);
    qsort(x, (size_t)m->n, sizeof *x, ascending);
    double spread = (x[m->n - 1 - m->n / 4] - x[m->n / 4]) / 1.349;
    MPI_Allreduce(MPI_IN_PLACE, &spread, 1, MPI_DOUBLE, MPI_SUM, ein_comm_mpi(comm));
    return spread / ein_comm_size(comm);
}

/* Means of the middle half of the steps by duration: steady against disturbances, and still adding up. */
static void middle(const measured *m, double t[N_TIMES], double *slowest) {
    double sorted[MAX_STEPS];
    memcpy(sorted, m->seconds, sizeof sorted);
    qsort(sorted, (size_t)m->n, sizeof *sorted, ascending);
    const int drop = (m->n + 1) / 4;
    int n = 0;
    memset(t, 0, N_TIMES * sizeof *t);
    *slowest = 0;
    for (int i = 0; i < m->n; i++) {
        if (!(m->seconds[i] >= sorted[drop] && m->seconds[i] <= sorted[m->n - 1 - drop])) continue;
        for (int k = 0; k < N_TIMES; k++) t[k] += m->mean[i][k];
        *slowest += m->slowest[i];
        n++;
    }
    for (int k = 0; k < N_TIMES; k++) t[k] /= n;
    *slowest /= n;
}

static void print_json(const bench *b, ein_comm *comm, const ein_engine *engine, measured *m, double peak,
                       double spread) {
    double t[N_TIMES], slowest, total = 0;
    middle(m, t, &slowest);
    const double step = median(m->seconds, m->n), rate = (double)b->set.batch / step,
                 gflops = rate * ein_mae_gflop(&b->shape, b->K);
    printf(
        "{\"program\": \"einthoven\", \"preset\": \"%s\", \"network\": \"%s\", \"ranks\": %d, \"threads\": %d, "
        "\"slots\": %d, \"batch\": %lld, \"blas\": \"%s\", \"records_per_s\": %.4g, \"step_s\": %.5g, "
        "\"gflops\": %.4g, \"sgemm_gflops\": %.4g, \"share_of_sgemm\": %.3f, "
        "\"peak_gflops\": %.4g, \"share_of_peak\": %.3f",
        b->set.preset, b->set.network, ein_comm_size(comm), ein_engine_threads(engine), b->set.slots,
        (long long)b->set.batch, ein_products_text(), rate, step, gflops, peak, gflops / peak, b->peak,
        b->peak > 0 ? gflops / b->peak : 0.0);
    for (int k = 0; k < N_PHASES; k++) total += t[k];
    printf(", \"mean_s\": %.6g", total);
    for (int k = 0; k < N_TIMES; k++) printf(", \"%s_s\": %.5g", time_names[k], t[k]);
    printf(", \"compute_max_s\": %.5g, \"compute_sd_s\": %.4g, \"buckets\": [", slowest, spread);
    const ein_exchange *x = ein_engine_exchange(engine);
    for (int i = 0; i < ein_exchange_buckets(x); i++)
        printf("%s%lld", i ? ", " : "", (long long)ein_exchange_bucket(x, i)->count);
    printf("], \"losses\": [");
    for (int i = 0; i < WARM_UP + m->n; i++) printf("%s%.9g", i ? ", " : "", m->losses[i]);
    printf("]}\n");
}

int main(int argc, char **argv) {
    ein_comm *comm;
    static measured m;
    if (ein_comm_start(&argc, &argv, &comm)) return 1;
    ein_blas_start();
    bench b = {.set = parse(argc, argv)};
    load_preset(&b);
    load_input(&b);
    ein_engine *engine = b.engine = new_engine(&b, comm);
    const double before = sgemm_rate(comm, ein_engine_threads(engine));
    const double peak_before = arithmetic_peak(comm, ein_engine_threads(engine));
    run_steps(&b, comm, engine, &m);
    const double peak_after = arithmetic_peak(comm, ein_engine_threads(engine));
    b.peak = peak_before > peak_after ? peak_before : peak_after;
    const double after = sgemm_rate(comm, ein_engine_threads(engine)), spread = compute_spread(comm, &m);
    if (ein_comm_rank(comm) == 0) print_json(&b, comm, engine, &m, before > after ? before : after, spread);
    ein_engine_destroy(engine);
    ein_comm_finish(comm);
    return 0;
}
