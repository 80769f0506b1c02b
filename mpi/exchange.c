#include "mpi/exchange.h"

#include <stdlib.h>
#include <string.h>

#include "core/nn/kernels.h"

/* One rank's part of the tree, and where its subtrees stand in the list of all roots. */
typedef struct {
    int first_root, n_roots;
} rank_roots;

struct ein_exchange {
    ein_comm *owner;
    MPI_Comm comm;
    int rank, size, slots;
    ein_exchange_kind kind;
    int n_buckets;
    ein_bucket *bucket;
    int n_slices;
    ein_slice *slice; /* one per bucket in which this rank owns something, in order of buckets */
    int *slice_of;    /* (n_buckets): index in `slice`, or -1 */
    int first_slot, n_slots;

    int n_all; /* roots of all ranks */
    rank_roots *of_rank;
    ein_merge *merge;
    int n_merges, result; /* the sum ends in root `result` */

    float *inbox;         /* all receive buffers */
    float **source;       /* (n_slices, n_all): where root r's part of a slice lies */
    MPI_Request *request; /* receives, then sends */
    int n_receives, n_requests, max_requests;
    MPI_Request *share;          /* (n_buckets) */
    int *counts, *displacements; /* (n_buckets, size): one set per bucket, alive while it is on the wire */
    const float **sum;           /* (n_slices) */
    double window_start;
    ein_exchange_cost cost;
};

static int blocks_of(const ein_bucket *b) {
    return ein_int((b->count + EIN_BLOCK - 1) / EIN_BLOCK);
}

/* Slice of `rank` in a bucket, in values. Blocks are shared out; the last block may be short. ein_share gives the
 * larger shares to the first places, so place 0 goes to the rank behind the one that had the last of these before. */
static void slice_bounds(const ein_bucket *b, int rank, int size, int64_t *offset, int64_t *count) {
    int64_t first, blocks;
    const int place = (rank + size - b->first_block % size) % size;
    ein_share(blocks_of(b), place, size, &first, &blocks);
    const int64_t begin = first * EIN_BLOCK, end = (first + blocks) * EIN_BLOCK;
    *offset = b->offset + (begin < b->count ? begin : b->count);
    *count = b->offset + (end < b->count ? end : b->count) - *offset;
}

/* Cut the arena into buckets, from the highest stage down; each is one contiguous run. */
static ein_status cut_buckets(ein_exchange *x, const ein_layout *layout, int64_t bucket_values) {
    EIN_TRY(EIN_NEW(x->bucket, layout->stages));
    int64_t end = layout->arena;
    int blocks = 0;
    int stage = layout->n_tensors ? layout->tensors[layout->n_tensors - 1].stage : 0;
    for (int i = layout->n_tensors - 1; i >= 0; i--) {
        const ein_tensor *t = &layout->tensors[i];
        EIN_BUG_IF(t->stage > stage); /* tensors of a stage lie together, later stages behind */
        stage = t->stage;
        const int stage_ends = i == 0 || layout->tensors[i - 1].stage != stage;
        if (stage_ends && (end - t->offset >= bucket_values || i == 0)) {
            const ein_bucket bucket = {t->offset, end - t->offset, stage, blocks};
            x->bucket[x->n_buckets++] = bucket;
            blocks += blocks_of(&bucket);
            end = t->offset;
        }
    }
    return EIN_OK;
}

static ein_status find_slices(ein_exchange *x) {
    EIN_TRY(EIN_NEW(x->slice, x->n_buckets));
    EIN_TRY(EIN_NEW(x->slice_of, x->n_buckets));
    for (int b = 0; b < x->n_buckets; b++) {
        ein_slice s = {.bucket = b};
        x->slice_of[b] = -1;
        if (x->kind == EIN_EXCHANGE_ALLREDUCE) {
            s.offset = x->bucket[b].offset;
            s.count = x->bucket[b].count;
        } else {
            slice_bounds(&x->bucket[b], x->rank, x->size, &s.offset, &s.count);
        }
        if (s.count == 0) continue;
        x->slice_of[b] = x->n_slices;
        x->slice[x->n_slices++] = s;
    }
    return EIN_OK;
}

/* Roots of all ranks in order of slots, and the additions that make one sum of them. */
static ein_status plan_tree(ein_exchange *x) {
    ein_subtree pieces[EIN_MAX_PIECES], *list = NULL, *roots = NULL;
    int *root_buffer = NULL, n_roots;
    ein_status status = EIN_OK;
    EIN_TRY(EIN_NEW(x->of_rank, x->size));
    const int64_t bound = (int64_t)x->size * EIN_MAX_PIECES;
    EIN_TRY_GOTO(status, EIN_NEW(list, bound), done);
    EIN_TRY_GOTO(status, EIN_NEW(roots, bound), done);
    EIN_TRY_GOTO(status, EIN_NEW(root_buffer, bound), done);
    EIN_TRY_GOTO(status, EIN_NEW(x->merge, bound), done);
    for (int r = 0; r < x->size; r++) {
        int64_t first, count;
        ein_share(x->slots, r, x->size, &first, &count);
        const int n = ein_subtrees(ein_int(first), ein_int(count), pieces);
        x->of_rank[r] = (rank_roots){x->n_all, n};
        memcpy(list + x->n_all, pieces, (size_t)n * sizeof *pieces);
        x->n_all += n;
        if (r == x->rank) {
            x->first_slot = ein_int(first);
            x->n_slots = ein_int(count);
        }
    }
    x->n_merges = ein_merge_plan(list, x->n_all, x->merge, roots, root_buffer, &n_roots);
    EIN_BUG_IF(n_roots != 1); /* all slots together are the whole tree */
    x->result = root_buffer[0];
done:
    free(list);
    free(roots);
    free(root_buffer);
    return status;
}

static int64_t inbox_values(const ein_exchange *x) {
    int64_t values = 0;
    for (int s = 0; s < x->n_slices; s++) values += x->slice[s].count;
    if (x->kind == EIN_EXCHANGE_ALLREDUCE) return x->size > 1 ? values : 0;
    return values * (x->n_all - x->of_rank[x->rank].n_roots);
}

static ein_status new_buffers(ein_exchange *x) {
    EIN_TRY(EIN_NEW(x->inbox, inbox_values(x)));
    EIN_TRY(EIN_NEW(x->source, (int64_t)x->n_slices * x->n_all));
    EIN_TRY(EIN_NEW(x->sum, x->n_slices));
    const int64_t mine = x->of_rank[x->rank].n_roots;
    x->max_requests = ein_int((int64_t)x->n_slices * x->n_all + (int64_t)x->n_buckets * mine * x->size);
    EIN_TRY(EIN_NEW(x->request, x->max_requests));
    EIN_TRY(EIN_NEW(x->share, x->n_buckets));
    EIN_TRY(EIN_NEW(x->counts, (int64_t)x->n_buckets * x->size));
    EIN_TRY(EIN_NEW(x->displacements, (int64_t)x->n_buckets * x->size));
    for (int b = 0; b < x->n_buckets; b++) {
        x->share[b] = MPI_REQUEST_NULL;
        for (int r = 0; r < x->size; r++) {
            int64_t offset, count;
            slice_bounds(&x->bucket[b], r, x->size, &offset, &count);
            x->counts[(int64_t)b * x->size + r] = ein_int(count);
            x->displacements[(int64_t)b * x->size + r] = ein_int(offset - x->bucket[b].offset);
        }
    }
    return EIN_OK;
}

ein_status ein_exchange_new(ein_comm *comm, const ein_layout *layout, int slots, ein_exchange_kind kind,
                            int64_t bucket_values, ein_exchange **out) {
    ein_exchange *x;
    *out = NULL;
    ein_status status = EIN_NEW(x, 1);
    if (status == EIN_OK) {
        x->owner = comm;
        x->comm = MPI_COMM_NULL;
        x->rank = ein_comm_rank(comm);
        x->size = ein_comm_size(comm);
        x->slots = slots;
        x->kind = kind;
        status = cut_buckets(x, layout, bucket_values);
        if (status == EIN_OK) status = find_slices(x);
        if (status == EIN_OK) status = plan_tree(x);
        if (status == EIN_OK) status = new_buffers(x);
    }
    status = ein_comm_agree(comm, status);
    if (status == EIN_OK) status = ein_comm_check(MPI_Comm_dup(ein_comm_mpi(comm), &x->comm), "MPI_Comm_dup");
    if (status != EIN_OK) {
        ein_exchange_destroy(x);
        return status;
    }
    *out = x;
    return EIN_OK;
}

void ein_exchange_destroy(ein_exchange *x) {
    if (!x) return;
    /* Freeing a communicator waits for the others; messages that are under way still use the buffers. */
    if (ein_comm_alive() != EIN_OK) return;
    if (x->comm != MPI_COMM_NULL) MPI_Comm_free(&x->comm);
    free(x->bucket);
    free(x->slice);
    free(x->slice_of);
    free(x->of_rank);
    free(x->merge);
    free(x->inbox);
    free(x->source);
    free(x->sum);
    free(x->request);
    free(x->share);
    free(x->counts);
    free(x->displacements);
    free(x);
}

int ein_exchange_buckets(const ein_exchange *x) {
    return x->n_buckets;
}
const ein_bucket *ein_exchange_bucket(const ein_exchange *x, int index) {
    return &x->bucket[index];
}
int ein_exchange_blocks(const ein_exchange *x) {
    const ein_bucket *last = &x->bucket[x->n_buckets - 1];
    return last->first_block + blocks_of(last);
}
int ein_exchange_slices(const ein_exchange *x) {
    return x->n_slices;
}
const ein_slice *ein_exchange_slice(const ein_exchange *x, int index) {
    return &x->slice[index];
}
int ein_exchange_roots(const ein_exchange *x) {
    return x->of_rank[x->rank].n_roots;
}
const float *ein_exchange_sum(const ein_exchange *x, int index) {
    return x->sum[index];
}
const ein_exchange_cost *ein_exchange_last_cost(const ein_exchange *x) {
    return &x->cost;
}

void ein_exchange_run(const ein_exchange *x, int *first, int *count) {
    *first = x->first_slot;
    *count = x->n_slots;
}

int64_t ein_exchange_bytes(const ein_layout *layout, int slots, int rank, int size, ein_exchange_kind kind) {
    if (size == 1) return 0;
    const int64_t P = layout->arena;
    if (kind == EIN_EXCHANGE_ALLREDUCE) return P * (int64_t)sizeof(float);
    int64_t others = 0;
    for (int r = 0; r < size; r++) {
        ein_subtree pieces[EIN_MAX_PIECES];
        int64_t first, count;
        ein_share(slots, r, size, &first, &count);
        if (r != rank) others += ein_subtrees(ein_int(first), ein_int(count), pieces);
    }
    return P / size * others * (int64_t)sizeof(float);
}

/* --- one step ------------------------------------------------------------------------------------------- */

/* Tags above 32767 are not every MPI's, and a deep model has more buckets than that allows. Messages of two ranks under
 * one tag are received in the order in which they were sent, and buckets are sent and received in order, so that their
 * numbers may come round again. */
static int message_tag(int bucket, int root_of_rank) {
    enum { MOST_TAGS = 32767 + 1 };
    return bucket % (MOST_TAGS / EIN_MAX_PIECES) * EIN_MAX_PIECES + root_of_rank;
}

static ein_status post(ein_exchange *x, int code, const char *what) {
    EIN_TRY(ein_comm_check(code, what));
    x->n_requests++;
    EIN_BUG_IF(x->n_requests > x->max_requests);
    return EIN_OK;
}

ein_status ein_exchange_begin(ein_exchange *x) {
    x->n_requests = 0;
    x->window_start = 0;
    x->cost = (ein_exchange_cost){0};
    if (x->kind == EIN_EXCHANGE_TREE) {
        float *next = x->inbox;
        for (int s = 0; s < x->n_slices; s++)
            for (int r = 0; r < x->size; r++) {
                if (r == x->rank) continue;
                for (int k = 0; k < x->of_rank[r].n_roots; k++) {
                    const int64_t count = x->slice[s].count;
                    x->source[(int64_t)s * x->n_all + x->of_rank[r].first_root + k] = next;
                    EIN_TRY(
                        post(x,
                             MPI_Irecv(next, ein_int(count), MPI_FLOAT, r, message_tag(x->slice[s].bucket, k),
                                       x->comm, &x->request[x->n_requests]),
                             "receiving gradients"));
                    x->cost.received_bytes += count * (int64_t)sizeof(float);
                    next += count;
                }
            }
    }
    x->n_receives = x->n_requests;
    return EIN_OK;
}

static ein_status start_tree(ein_exchange *x, int b, float *const *roots) {
    for (int k = 0; k < ein_exchange_roots(x); k++) {
        if (x->slice_of[b] >= 0) {
            const ein_slice *own = &x->slice[x->slice_of[b]];
            x->source[(int64_t)x->slice_of[b] * x->n_all + x->of_rank[x->rank].first_root + k] =
                roots[k] + own->offset;
        }
        /* Starting behind our own rank spreads the load over the receivers. */
        for (int i = 1; i < x->size; i++) {
            const int r = (x->rank + i) % x->size;
            const int64_t count = x->counts[(int64_t)b * x->size + r];
            if (count == 0) continue;
            const float *from = roots[k] + x->bucket[b].offset + x->displacements[(int64_t)b * x->size + r];
            EIN_TRY(post(x,
                         MPI_Isend(from, ein_int(count), MPI_FLOAT, r, message_tag(b, k), x->comm,
                                   &x->request[x->n_requests]),
                         "sending gradients"));
            x->cost.sent_bytes += count * (int64_t)sizeof(float);
        }
    }
    return EIN_OK;
}

static ein_status start_allreduce(ein_exchange *x, int b, float *const *roots) {
    const ein_bucket *bucket = &x->bucket[b];
    float *own = roots[0] + bucket->offset;
    for (int k = 1; k < ein_exchange_roots(x); k++)
        vector_add(own, roots[k] + bucket->offset, (size_t)bucket->count);
    x->sum[b] = own;
    if (x->size == 1) return EIN_OK;
    float *out = x->inbox + (x->bucket[0].offset + x->bucket[0].count - bucket->offset - bucket->count);
    x->sum[b] = out;
    x->cost.sent_bytes += bucket->count * (int64_t)sizeof(float);
    x->cost.received_bytes += bucket->count * (int64_t)sizeof(float);
    return post(x,
                MPI_Iallreduce(own, out, ein_int(bucket->count), MPI_FLOAT, MPI_SUM, x->comm,
                               &x->request[x->n_requests]),
                "summing gradients");
}

ein_status ein_exchange_start(ein_exchange *x, int b, float *const *roots) {
    if (x->window_start == 0) x->window_start = MPI_Wtime();
    return x->kind == EIN_EXCHANGE_TREE ? start_tree(x, b, roots) : start_allreduce(x, b, roots);
}

ein_status ein_exchange_progress(ein_exchange *x) {
    int flag;
    if (x->n_requests == 0) return EIN_OK;
    return ein_comm_check(MPI_Testall(x->n_requests, x->request, &flag, MPI_STATUSES_IGNORE),
                          "exchanging gradients");
}

ein_status ein_exchange_finish(ein_exchange *x, int threads) {
    const double before = MPI_Wtime();
    EIN_TRY(
        ein_comm_check(MPI_Waitall(x->n_requests, x->request, MPI_STATUSES_IGNORE), "exchanging gradients"));
    const double after = MPI_Wtime();
    x->cost.exposed_s = after - before;
    x->cost.window_s = after - x->window_start;
    if (x->kind == EIN_EXCHANGE_ALLREDUCE) return EIN_OK;
    for (int s = 0; s < x->n_slices; s++) {
        float **source = x->source + (int64_t)s * x->n_all;
        const int64_t count = x->slice[s].count;
        /* Block by block all additions of the tree, so that a block is added up while it is in cache. */
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t first = 0; first < count; first += EIN_BLOCK) {
            const int64_t n = count - first < EIN_BLOCK ? count - first : EIN_BLOCK;
            for (int m = 0; m < x->n_merges; m++)
                vector_add(source[x->merge[m].into] + first, source[x->merge[m].from] + first, (size_t)n);
        }
        x->sum[s] = source[x->result];
    }
    x->cost.add_s = MPI_Wtime() - after;
    return EIN_OK;
}

ein_status ein_exchange_share_start(ein_exchange *x, int b, float *param) {
    if (x->size == 1 || x->kind == EIN_EXCHANGE_ALLREDUCE) return EIN_OK;
    const double before = MPI_Wtime();
    const ein_status status = ein_comm_check(
        MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, param + x->bucket[b].offset,
                        x->counts + (int64_t)b * x->size, x->displacements + (int64_t)b * x->size, MPI_FLOAT,
                        x->comm, &x->share[b]),
        "sharing parameters");
    const int64_t own = x->counts[(int64_t)b * x->size + x->rank];
    x->cost.sent_bytes += own * (x->size - 1) * (int64_t)sizeof(float);
    x->cost.received_bytes += (x->bucket[b].count - own) * (int64_t)sizeof(float);
    x->cost.share_s += MPI_Wtime() - before;
    return status;
}

ein_status ein_exchange_share_finish(ein_exchange *x) {
    const double before = MPI_Wtime();
    const ein_status status =
        ein_comm_check(MPI_Waitall(x->n_buckets, x->share, MPI_STATUSES_IGNORE), "sharing parameters");
    x->cost.share_s += MPI_Wtime() - before;
    return status;
}
