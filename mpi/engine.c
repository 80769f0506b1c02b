#include "mpi/engine.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/kernels.h"
#include "mpi/threads.h"

/* What one thread does in a step: its leaves in order, each into the buffer at its stack depth, followed by
 * the additions that the tree then allows. */
typedef struct {
    int slot;
    int depth;    /* buffer of the thread's stack that takes the gradient */
    int n_merges; /* additions: depth-1 += depth, depth-2 += depth-1, ... */
} leaf_plan;

typedef struct {
    int n_leaves;
    leaf_plan *leaf;
    int n_buffers;
    float **buffer; /* (n_buffers) flat arenas */
    int n_pieces;   /* buffers 0..n_pieces-1 hold subtrees at the end */
    ein_subtree piece[EIN_MAX_PIECES];
    double end; /* when its last slot of the step was done */
} worker;

struct ein_engine {
    ein_comm *comm;
    const ein_layout *layout;
    ein_engine_options options;
    int threads;
    int first_slot, n_slots;
    worker *worker;
    /* Additions between the threads' pieces, then the buffers that hold this rank's roots. */
    int n_pieces, n_merges;
    float **piece;
    ein_merge *merge;
    float **root;
    int n_roots;
    int64_t *stage_offset, *stage_count; /* (stages) */
    atomic_int *arrived;                 /* (stages): threads whose last leaf is through this stage */
    atomic_int *ready;                   /* (stages): this rank's sum is complete */
    int next_bucket;                     /* first bucket not yet on the wire; thread 0 only */
    ein_status exchange_status;          /* of thread 0's calls during the backward pass */

    ein_exchange *exchange;
    float *param, *m, *v;
    ein_packed *packed; /* of param */
    bool packed_is_old; /* param has changed since */
    int n_blocks;       /* of all slices of all ranks */
    double *reduction;  /* losses (slots), squares (blocks), flags, ranks with an error */
    int reduction_count;
    double *slot_loss;
};

/* --- plan ---------------------------------------------------------------------------------------------- */

/* Fill in the leaves of a thread that owns [first, first + count); returns the deepest stack. */
static int plan_leaves(leaf_plan *leaf, int first, int count) {
    ein_subtree stack[EIN_MAX_PIECES + 1];
    int top = 0, deepest = 0;
    for (int i = 0; i < count; i++) {
        leaf_plan plan = {first + i, top, 0};
        stack[top++] = (ein_subtree){first + i, 1};
        if (top > deepest) deepest = top;
        while (top >= 2 && ein_are_siblings(stack[top - 2], stack[top - 1])) {
            stack[top - 2].count *= 2;
            top--;
            plan.n_merges++;
        }
        if (leaf) leaf[i] = plan;
    }
    return deepest;
}

/* Threads that get leaves, and the buffers that they need together. */
static int count_buffers(int first_slot, int n_slots, int threads) {
    int buffers = 0;
    for (int t = 0; t < threads; t++) {
        int64_t first, count;
        ein_share(n_slots, t, threads, &first, &count);
        buffers += plan_leaves(NULL, first_slot + ein_int(first), ein_int(count));
    }
    return buffers;
}

ein_engine_bytes ein_engine_plan(const ein_layout *layout, const ein_engine_options *options, int rank,
                                 int size) {
    int64_t first, count;
    ein_share(options->slots, rank, size, &first, &count);
    const int threads = options->threads < count ? options->threads : ein_int(count);
    const int64_t arena = layout->arena * (int64_t)sizeof(float);
    ein_engine_bytes bytes = {0};
    bytes.gradient_buffers = count_buffers(ein_int(first), ein_int(count), threads);
    bytes.parameters = arena;
    bytes.copies = ein_packed_bytes(layout, true);
    bytes.gradients = arena * bytes.gradient_buffers;
    bytes.moments = 2 * (options->exchange == EIN_EXCHANGE_TREE ? arena / size : arena);
    bytes.exchange = ein_exchange_bytes(layout, options->slots, rank, size, options->exchange);
    return bytes;
}

static ein_status plan_workers(ein_engine *e) {
    EIN_TRY(EIN_NEW(e->worker, e->threads));
    for (int t = 0; t < e->threads; t++) {
        worker *w = &e->worker[t];
        int64_t first, count;
        ein_share(e->n_slots, t, e->threads, &first, &count);
        const int from = e->first_slot + ein_int(first);
        w->n_leaves = ein_int(count);
        EIN_TRY(EIN_NEW(w->leaf, count));
        w->n_buffers = plan_leaves(w->leaf, from, w->n_leaves);
        EIN_TRY(EIN_NEW(w->buffer, w->n_buffers));
        w->n_pieces = ein_subtrees(from, w->n_leaves, w->piece);
        e->n_pieces += w->n_pieces;
    }
    return EIN_OK;
}

/* Workers are dealt out as the iterations of a loop here and in run_threads. */
static ein_status new_gradients_of(void *self, int thread) {
    const ein_engine *e = self;
    const size_t bytes = (size_t)e->layout->arena * sizeof(float);
    worker *w = &e->worker[thread];
    for (int i = 0; i < w->n_buffers; i++) {
        void *memory;
        if (posix_memalign(&memory, 64, bytes) != 0)
            return ein_error(
                EIN_NOMEM,
                "no memory for gradient buffers of %zu bytes each; use fewer threads or more ranks", bytes);
        w->buffer[i] = memory;
        memset(w->buffer[i], 0, bytes);
    }
    return EIN_OK;
}

static ein_status plan_roots(ein_engine *e) {
    ein_subtree *list = NULL, *roots = NULL;
    int *root_buffer = NULL, n = 0;
    ein_status status;
    EIN_TRY(EIN_NEW(e->piece, e->n_pieces));
    EIN_TRY(EIN_NEW(e->merge, e->n_pieces));
    EIN_TRY(EIN_NEW(e->root, e->n_pieces));
    EIN_TRY_GOTO(status, EIN_NEW(list, e->n_pieces), done);
    EIN_TRY_GOTO(status, EIN_NEW(roots, e->n_pieces), done);
    EIN_TRY_GOTO(status, EIN_NEW(root_buffer, e->n_pieces), done);
    for (int t = 0; t < e->threads; t++)
        for (int i = 0; i < e->worker[t].n_pieces; i++) {
            list[n] = e->worker[t].piece[i];
            e->piece[n++] = e->worker[t].buffer[i];
        }
    e->n_merges = ein_merge_plan(list, n, e->merge, roots, root_buffer, &e->n_roots);
    EIN_BUG_IF(e->n_roots != ein_exchange_roots(e->exchange));
    for (int i = 0; i < e->n_roots; i++) e->root[i] = e->piece[root_buffer[i]];
done:
    free(list);
    free(roots);
    free(root_buffer);
    return status;
}

static ein_status plan_stages(ein_engine *e) {
    const ein_layout *l = e->layout;
    EIN_TRY(EIN_NEW(e->stage_offset, l->stages));
    EIN_TRY(EIN_NEW(e->stage_count, l->stages));
    EIN_TRY(EIN_NEW(e->arrived, l->stages));
    EIN_TRY(EIN_NEW(e->ready, l->stages));
    for (int i = l->n_tensors - 1; i >= 0; i--) e->stage_offset[l->tensors[i].stage] = l->tensors[i].offset;
    for (int s = 0; s < l->stages; s++)
        e->stage_count[s] = (s + 1 < l->stages ? e->stage_offset[s + 1] : l->arena) - e->stage_offset[s];
    return EIN_OK;
}

static ein_status new_state(ein_engine *e) {
    EIN_TRY(EIN_NEW(e->m, e->layout->arena));
    EIN_TRY(EIN_NEW(e->v, e->layout->arena));
    e->n_blocks = ein_exchange_blocks(e->exchange);
    e->reduction_count = e->options.slots + e->n_blocks + EIN_ENGINE_FLAGS + 1;
    EIN_TRY(EIN_NEW(e->reduction, e->reduction_count));
    EIN_TRY(ein_packed_new(e->layout, true, &e->packed));
    e->packed_is_old = true;
    return EIN_NEW(e->slot_loss, e->options.slots);
}

ein_status ein_engine_new(ein_comm *comm, const ein_layout *layout, const ein_engine_options *options,
                          float *param, ein_engine **out) {
    ein_engine *e;
    *out = NULL;
    ein_status status = EIN_NEW(e, 1);
    status = ein_comm_agree(comm, status);
    if (status != EIN_OK) return status;
    e->comm = comm;
    e->layout = layout;
    e->options = *options;
    e->param = param;
    EIN_TRY_GOTO(status,
                 ein_exchange_new(comm, layout, options->slots, options->exchange, options->bucket_values,
                                  &e->exchange),
                 fail);
    ein_exchange_run(e->exchange, &e->first_slot, &e->n_slots);
    e->threads = options->threads < e->n_slots ? options->threads : e->n_slots;
    status = plan_stages(e);
    if (status == EIN_OK) status = plan_workers(e);
    if (status == EIN_OK) status = ein_threads_each(e->threads, new_gradients_of, e);
    if (status == EIN_OK) status = plan_roots(e);
    if (status == EIN_OK) status = new_state(e);
    status = ein_comm_agree(comm, status);
    if (status != EIN_OK) goto fail;
    *out = e;
    return EIN_OK;
fail:
    ein_engine_destroy(e);
    return status;
}

void ein_engine_destroy(ein_engine *e) {
    /* With peers lost, messages that are under way still use the gradients: the process is about to end. */
    if (!e || ein_comm_alive() != EIN_OK) return;
    for (int t = 0; e->worker && t < e->threads; t++) {
        for (int i = 0; e->worker[t].buffer && i < e->worker[t].n_buffers; i++) free(e->worker[t].buffer[i]);
        free(e->worker[t].buffer);
        free(e->worker[t].leaf);
    }
    free(e->worker);
    free(e->piece);
    free(e->merge);
    free(e->root);
    free(e->stage_offset);
    free(e->stage_count);
    free(e->arrived);
    free(e->ready);
    free(e->m);
    free(e->v);
    free(e->reduction);
    free(e->slot_loss);
    ein_packed_destroy(e->packed);
    ein_exchange_destroy(e->exchange);
    free(e);
}

int ein_engine_threads(const ein_engine *e) {
    return e->threads;
}
const double *ein_engine_slot_losses(const ein_engine *e) {
    return e->slot_loss;
}
float *ein_engine_m(ein_engine *e) {
    return e->m;
}
float *ein_engine_v(ein_engine *e) {
    return e->v;
}
const ein_exchange *ein_engine_exchange(const ein_engine *e) {
    return e->exchange;
}

/* --- gradients ----------------------------------------------------------------------------------------- */

/* What a thread carries through one leaf. */
typedef struct {
    ein_engine *engine;
    worker *worker;
    const leaf_plan *leaf;
    int thread;
    bool last;
} leaf_context;

/* Thread 0 puts every complete bucket on the wire and lets MPI move. */
static void start_ready_buckets(ein_engine *e) {
    while (e->exchange_status == EIN_OK && e->next_bucket < ein_exchange_buckets(e->exchange)) {
        const ein_bucket *b = ein_exchange_bucket(e->exchange, e->next_bucket);
        if (!atomic_load_explicit(&e->ready[b->last_stage], memory_order_acquire)) break;
        e->exchange_status = ein_exchange_start(e->exchange, e->next_bucket, e->root);
        e->next_bucket++;
    }
    if (e->exchange_status == EIN_OK) e->exchange_status = ein_exchange_progress(e->exchange);
}

static void stage_done(void *context, int stage) {
    leaf_context *c = context;
    ein_engine *e = c->engine;
    const int64_t offset = e->stage_offset[stage], count = e->stage_count[stage];
    for (int i = 0; i < c->leaf->n_merges; i++) {
        const int from = c->leaf->depth - i;
        vector_add(c->worker->buffer[from - 1] + offset, c->worker->buffer[from] + offset, (size_t)count);
    }
    if (c->last && atomic_fetch_add_explicit(&e->arrived[stage], 1, memory_order_acq_rel) + 1 == e->threads) {
        for (int i = 0; i < e->n_merges; i++)
            vector_add(e->piece[e->merge[i].into] + offset, e->piece[e->merge[i].from] + offset,
                       (size_t)count);
        atomic_store_explicit(&e->ready[stage], 1, memory_order_release);
    }
    if (c->last && c->thread == 0) start_ready_buckets(e);
}

static void run_leaves(ein_engine *e, int thread) {
    worker *w = &e->worker[thread];
    for (int i = 0; i < w->n_leaves; i++) {
        const leaf_plan *leaf = &w->leaf[i];
        leaf_context context = {e, w, leaf, thread, i == w->n_leaves - 1};
        e->options.compute(e->options.job, thread, leaf->slot, e->param, w->buffer[leaf->depth],
                           &e->slot_loss[leaf->slot], stage_done, &context);
    }
}

const ein_packed *ein_engine_packed(ein_engine *e) {
    if (e->packed_is_old) {
#pragma omp parallel for num_threads(e->threads) schedule(static, 1)
        for (int t = 0; t < e->threads; t++) ein_packed_fill(e->packed, e->param, t, e->threads);
        e->packed_is_old = false;
    }
    return e->packed;
}

/* All slots of this rank on its threads; the exchange goes on meanwhile. */
static void run_threads(ein_engine *e, ein_step_result *result) {
    const double start = MPI_Wtime();
    double waited = 0;
    ein_engine_packed(e);
    /* Iteration 0 is the first of the first thread, which alone may call MPI. */
#pragma omp parallel for num_threads(e->threads) schedule(static, 1)
    for (int thread = 0; thread < e->threads; thread++) {
        run_leaves(e, thread);
        e->worker[thread].end = MPI_Wtime();
    }
    const double end = MPI_Wtime();
    for (int t = 0; t < e->threads; t++) waited += end - e->worker[t].end;
    result->compute_s = end - start;
    result->imbalance_s = waited / e->threads;
}

/* A rank with an error sends what its buffers hold: the others wait for the messages, and nobody uses the sums. */
static ein_status compute_gradients(ein_engine *e, bool skip, ein_step_result *result) {
    const int stages = e->layout->stages;
    for (int s = 0; s < stages; s++) {
        atomic_store_explicit(&e->arrived[s], 0, memory_order_relaxed);
        atomic_store_explicit(&e->ready[s], skip, memory_order_relaxed);
    }
    memset(e->slot_loss, 0, (size_t)e->options.slots * sizeof *e->slot_loss);
    e->next_bucket = 0;
    e->exchange_status = ein_exchange_begin(e->exchange);
    if (!skip) run_threads(e, result);
    start_ready_buckets(e);
    if (e->exchange_status != EIN_OK) return e->exchange_status;
    EIN_BUG_IF(e->next_bucket != ein_exchange_buckets(e->exchange));
    return ein_exchange_finish(e->exchange, e->threads);
}

/* --- one reduction, then the update -------------------------------------------------------------------- */

/* Squares of the summed gradient per block of 4096 values, into the places of the blocks that this rank owns. Blocks
 * are numbered over buckets, so a block's number does not depend on who owns it. */
static void block_squares(ein_engine *e, double *squares) {
    for (int s = 0; s < ein_exchange_slices(e->exchange); s++) {
        const ein_slice *slice = ein_exchange_slice(e->exchange, s);
        const ein_bucket *bucket = ein_exchange_bucket(e->exchange, slice->bucket);
        const float *g = ein_exchange_sum(e->exchange, s);
        double *out = squares + bucket->first_block + (slice->offset - bucket->offset) / EIN_BLOCK;
#pragma omp parallel for num_threads(e->threads) schedule(static)
        for (int64_t first = 0; first < slice->count; first += EIN_BLOCK) {
            const int64_t n = slice->count - first < EIN_BLOCK ? slice->count - first : EIN_BLOCK;
            /* Eight running sums, added in order: fixed whatever the compiler does with vectors. */
            double sum[8] = {0};
            int64_t i = 0;
            for (; i + 8 <= n; i += 8)
                for (int k = 0; k < 8; k++) sum[k] += (double)g[first + i + k] * (double)g[first + i + k];
            for (; i < n; i++) sum[i % 8] += (double)g[first + i] * (double)g[first + i];
            out[first / EIN_BLOCK] =
                ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
        }
    }
}

/* Sum of n doubles along the same binary tree that gradients use, for any n. */
static double tree_sum(const double *x, int n) {
    if (n <= 0) return 0;
    if (n == 1) return x[0];
    int half = 1;
    while (2 * half < n) half *= 2;
    return tree_sum(x, half) + tree_sum(x + half, n - half);
}

/* Every entry of the vector is non-zero on one rank only (flags excepted, small integers), so the order in
 * which MPI adds cannot change a bit. With `allreduce` all ranks hold all squares, and rank 0's count. *failed: ranks
 * with an error. */
static ein_status reduce_scalars(ein_engine *e, bool skip, const int64_t flags[EIN_ENGINE_FLAGS],
                                 ein_step_result *result, int *failed) {
    const double start = MPI_Wtime();
    double *loss = e->reduction, *squares = loss + e->options.slots, *shared = squares + e->n_blocks;
    memset(e->reduction, 0, (size_t)e->reduction_count * sizeof *e->reduction);
    for (int i = 0; i < e->n_slots; i++) loss[e->first_slot + i] = e->slot_loss[e->first_slot + i];
    if (e->options.exchange == EIN_EXCHANGE_TREE || ein_comm_rank(e->comm) == 0) block_squares(e, squares);
    result->norm_s = MPI_Wtime() - start;
    for (int f = 0; f < EIN_ENGINE_FLAGS; f++) shared[f] = (double)flags[f];
    shared[EIN_ENGINE_FLAGS] = skip;
    EIN_TRY(ein_comm_check(MPI_Allreduce(MPI_IN_PLACE, e->reduction, e->reduction_count, MPI_DOUBLE, MPI_SUM,
                                         ein_comm_mpi(e->comm)),
                           "reducing losses and norms"));
    memcpy(e->slot_loss, loss, (size_t)e->options.slots * sizeof *loss);
    result->loss = tree_sum(loss, e->options.slots);
    result->grad_norm = sqrt(tree_sum(squares, e->n_blocks));
    for (int f = 0; f < EIN_ENGINE_FLAGS; f++) result->flags[f] = (int64_t)shared[f];
    *failed = (int)shared[EIN_ENGINE_FLAGS];
    result->reduce_s = MPI_Wtime() - start;
    return EIN_OK;
}

static void update_slice(ein_engine *e, int s, const ein_adamw *adamw, int64_t update, double factor) {
    const ein_slice *slice = ein_exchange_slice(e->exchange, s);
    /* The sum lies in a buffer of ours or in the inbox: scaling it in place is fine. */
    float *g = (float *)(uintptr_t)ein_exchange_sum(e->exchange, s);
#pragma omp parallel for num_threads(e->threads) schedule(static)
    for (int64_t first = 0; first < slice->count; first += EIN_BLOCK) {
        const int64_t n = slice->count - first < EIN_BLOCK ? slice->count - first : EIN_BLOCK;
        if (factor < 1.0)
            for (int64_t i = 0; i < n; i++) g[first + i] = (float)(g[first + i] * factor);
        ein_adamw_range(e->param, e->m, e->v, g + first, e->layout, slice->offset + first, n, adamw, update);
    }
}

/* Slices lie in the order of buckets: a bucket is on its way to the others while the next one is updated. */
static ein_status update_parameters(ein_engine *e, const ein_adamw *adamw, int64_t update, double factor,
                                    ein_step_result *result) {
    const int slices = ein_exchange_slices(e->exchange);
    e->packed_is_old = true;
    for (int b = 0, s = 0; b < ein_exchange_buckets(e->exchange); b++) {
        const double start = MPI_Wtime();
        for (; s < slices && ein_exchange_slice(e->exchange, s)->bucket == b; s++)
            update_slice(e, s, adamw, update, factor);
        result->update_s += MPI_Wtime() - start;
        EIN_TRY(ein_exchange_share_start(e->exchange, b, e->param));
    }
    return ein_exchange_share_finish(e->exchange);
}

ein_status ein_engine_step(ein_engine *e, ein_status mine, const ein_adamw *adamw, int64_t update,
                           const int64_t flags[EIN_ENGINE_FLAGS], ein_step_result *result) {
    int failed = 0;
    memset(result, 0, sizeof *result);
    EIN_TRY(ein_comm_alive());
    EIN_TRY(compute_gradients(e, mine != EIN_OK, result));
    EIN_TRY(reduce_scalars(e, mine != EIN_OK, flags, result, &failed));
    if (failed > 0) return ein_comm_agree(e->comm, mine);
    result->applied = isfinite(result->loss) && isfinite(result->grad_norm);
    if (result->applied) {
        const double clip = e->options.clip_norm;
        const double factor = clip > 0 && result->grad_norm > clip ? clip / result->grad_norm : 1.0;
        EIN_TRY(update_parameters(e, adamw, update, factor, result));
    }
    result->exchange = *ein_exchange_last_cost(e->exchange);
    return EIN_OK;
}
