#include "io/model/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/model/checkpoint_hdf5.h"
#include "io/model/checkpoint_head.h"
#include "mpi/gather.h"

/* Parameters travel between ranks in pieces of 64 MiB. */
enum { EXCHANGE_VALUES = 1 << 24 };

/* --- ownership --------------------------------------------------------------------------------------- */

static int by_offset(const void *a, const void *b) {
    const ein_range *x = a, *y = b;
    if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
    return x->count < y->count ? -1 : x->count > y->count;
}

/* Sorted, the runs must follow each other from 0 to the arena's end. */
static ein_status check_sorted(const ein_range *runs, int n, int64_t arena) {
    int64_t at = 0;
    for (int i = 0; i < n; i++) {
        if (runs[i].count == 0) continue;
        if (runs[i].offset != at)
            return ein_error(EIN_RANGE,
                             "owned runs do not tile the arena: one starts at %lld where %lld was due",
                             (long long)runs[i].offset, (long long)at);
        at += runs[i].count;
    }
    if (at == arena) return EIN_OK;
    return ein_error(EIN_RANGE, "owned runs do not tile the arena: they end at %lld of %lld", (long long)at,
                     (long long)arena);
}

static ein_status check_own(const ein_checkpoint *c) {
    for (int i = 0; i < c->n_owned; i++) {
        const ein_range *r = &c->owned[i];
        if (r->offset < 0 || r->count < 0 || r->count > c->layout->arena ||
            r->offset > c->layout->arena - r->count)
            return ein_error(EIN_RANGE, "owned run %d, %lld values from %lld on, leaves the arena of %lld", i,
                             (long long)r->count, (long long)r->offset, (long long)c->layout->arena);
    }
    return EIN_OK;
}

/* Gather all runs on rank 0, which checks them. `counts` has room for one of each rank. Collective. */
static ein_status check_gathered(ein_comm *comm, const ein_checkpoint *c, int64_t *counts, int64_t total,
                                 ein_range *all) {
    static const char what[] = "gathering owned runs";
    EIN_TRY(ein_gather_counts(comm, c->n_owned, counts, what));
    EIN_TRY(ein_gather(comm, c->owned, all, counts, 0, (int64_t)sizeof *all, what));
    if (ein_comm_rank(comm) != 0) return EIN_OK;
    qsort(all, (size_t)total, sizeof *all, by_offset);
    return check_sorted(all, ein_int(total), c->layout->arena);
}

/* What all ranks own together is every value once: a value that nobody writes would be 0 in the file. Collective. */
static ein_status check_tiling(ein_comm *comm, const ein_checkpoint *c) {
    int64_t total = c->n_owned;
    EIN_TRY(ein_comm_agree(comm, check_own(c)));
    EIN_TRY(ein_comm_sum_i64(comm, &total, 1));
    ein_range *all = NULL;
    int64_t *counts = NULL;
    ein_status status = EIN_OK;
    if (total > INT32_MAX / (int64_t)sizeof *all)
        status = ein_error(EIN_RANGE, "%lld owned runs", (long long)total);
    if (status == EIN_OK && ein_comm_rank(comm) == 0) status = EIN_NEW(all, total);
    if (status == EIN_OK) status = EIN_NEW(counts, ein_comm_size(comm));
    status = ein_comm_agree(comm, status);
    if (status == EIN_OK) status = ein_comm_agree(comm, check_gathered(comm, c, counts, total, all));
    free(counts);
    free(all);
    return status;
}

/* --- hashing together -------------------------------------------------------------------------------- */

/* Each rank hashes its share of the blocks; all learn all digests. `fd` may be -1 if `mine` holds the reason.
 * Collective. */
static ein_status hash_together(ein_comm *comm, const char *path, int fd, int64_t bytes, ein_status mine,
                                uint8_t root[EIN_HASH_BYTES]) {
    int64_t blocks = ein_checkpoint_blocks(bytes), first, count;
    uint8_t *digests = NULL;
    ein_share(blocks, ein_comm_rank(comm), ein_comm_size(comm), &first, &count);
    if (mine == EIN_OK) mine = EIN_NEW(digests, blocks * EIN_HASH_BYTES);
    if (mine == EIN_OK)
        mine = ein_checkpoint_hash_blocks(path, fd, bytes, first, count, digests + first * EIN_HASH_BYTES);
    mine = ein_comm_agree(comm, mine);
    if (mine == EIN_OK)
        mine = ein_gather_everywhere(comm, digests, NULL, blocks, EIN_HASH_BYTES, "sharing block digests");
    if (mine == EIN_OK) ein_checkpoint_hash_root(digests, bytes, root);
    free(digests);
    return mine;
}

/* --- writing ----------------------------------------------------------------------------------------- */

/* Have the disk full now rather than after an hour of writing. Not every file system can reserve. */
static ein_status reserve(const char *partial, int fd, int64_t bytes) {
    int failure = fallocate(fd, 0, 0, bytes) == 0 ? 0 : errno;
    if (failure != ENOSPC && failure != EDQUOT && failure != EFBIG) return EIN_OK;
    return ein_error(EIN_IO, "%s: no room for %lld bytes: %s", partial, (long long)bytes, strerror(failure));
}

static int64_t text_length(const char *text) {
    return text ? (int64_t)strlen(text) : 0;
}

/* A fresh PATH.partial with room for about what will come: HDF5 had better not meet the full disk, because what it
 * holds in memory by then cannot be given up cleanly. */
static ein_status probe(const char *path, const char *partial, const ein_checkpoint *c) {
    EIN_TRY(ein_durable_begin(path));
    int fd = open(partial, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return ein_error(EIN_IO, "%s: %s", partial, strerror(errno));
    int64_t bytes =
        3 * (c->layout->parameters * (int64_t)sizeof(float) + (int64_t)c->layout->n_tensors * 1024) + 65536 +
        text_length(c->config_yaml) + text_length(c->contract_text) + text_length(c->blas);
    ein_status status = reserve(partial, fd, bytes);
    close(fd);
    return status;
}

static ein_status reserve_all(const char *partial, int64_t *bytes) {
    struct stat about;
    ein_status status = EIN_OK;
    int fd = open(partial, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &about) != 0) status = ein_error(EIN_IO, "%s: %s", partial, strerror(errno));
    if (status == EIN_OK) {
        *bytes = (int64_t)about.st_size;
        status = reserve(partial, fd, *bytes);
    }
    if (fd >= 0) close(fd);
    return status;
}

/* Rank 0 lays out the file. `*bytes` is its length on every rank. Collective. */
static ein_status create_together(ein_comm *comm, const char *path, const char *partial,
                                  const ein_checkpoint *c, int64_t *bytes) {
    ein_status status = EIN_OK;
    *bytes = 0;
    if (ein_comm_rank(comm) == 0) {
        status = probe(path, partial, c);
        if (status == EIN_OK) status = ein_checkpoint_create(partial, c);
        if (status == EIN_OK) status = reserve_all(partial, bytes);
    }
    EIN_TRY(ein_comm_share(comm, status));
    return ein_comm_check(MPI_Bcast(bytes, 1, MPI_INT64_T, 0, ein_comm_mpi(comm)),
                          "sharing the file's length");
}

static ein_status write_owned(hid_t file, const ein_checkpoint *c) {
    EIN_TRY(ein_checkpoint_transfer(file, "param", c->layout, c->owned, c->n_owned, c->param, true));
    EIN_TRY(ein_checkpoint_transfer(file, "m", c->layout, c->owned, c->n_owned, c->m, true));
    return ein_checkpoint_transfer(file, "v", c->layout, c->owned, c->n_owned, c->v, true);
}

static ein_status write_alone(const char *partial, const ein_checkpoint *c) {
    hid_t file = -1;
    EIN_TRY(ein_checkpoint_open(partial, true, &file));
    ein_status status = ein_error_context(write_owned(file, c), "%s", partial);
    return ein_checkpoint_close(partial, file, true, status);
}

/* What a rank wrote may still be in the memory of its node: all sync before any reads what others wrote. Collective. */
static ein_status sync_together(ein_comm *comm, const char *partial) {
    int fd = open(partial, O_RDWR | O_CLOEXEC);
    ein_status status = EIN_OK;
    if (fd < 0 || fsync(fd) != 0) status = ein_error(EIN_IO, "%s: fsync: %s", partial, strerror(errno));
    if (fd >= 0 && close(fd) != 0 && status == EIN_OK)
        status = ein_error(EIN_IO, "%s: closing: %s", partial, strerror(errno));
    return ein_comm_agree(comm, status);
}

static ein_status write_head(const char *partial, const ein_checkpoint_head *head) {
    char text[EIN_CHECKPOINT_HEAD_BYTES];
    ein_checkpoint_head_render(head, text);
    int fd = open(partial, O_WRONLY | O_CLOEXEC);
    ein_status status = EIN_OK;
    errno = 0;
    if (fd < 0 || pwrite(fd, text, sizeof text, 0) != (ssize_t)sizeof text)
        status =
            ein_error(EIN_IO, "%s: writing the head: %s", partial, errno ? strerror(errno) : "cut short");
    if (fd >= 0 && close(fd) != 0 && status == EIN_OK)
        status = ein_error(EIN_IO, "%s: closing: %s", partial, strerror(errno));
    return status;
}

/* The head is lines of text, so the program's name must be one printable line. */
static void set_program(ein_checkpoint_head *head, const char *program) {
    int n = 0;
    for (const char *p = program ? program : "unknown"; *p && n < EIN_CHECKPOINT_PROGRAM_BYTES - 1; p++)
        head->program[n++] = *p >= 0x20 && *p <= 0x7e ? *p : '?';
    head->program[n] = '\0';
}

static ein_status hash_partial(ein_comm *comm, const char *partial, ein_checkpoint_head *head) {
    int fd = open(partial, O_RDONLY | O_CLOEXEC);
    ein_status status = fd < 0 ? ein_error(EIN_IO, "%s: %s", partial, strerror(errno)) : EIN_OK;
    status = hash_together(comm, partial, fd, head->bytes, status, head->tree);
    if (fd >= 0) close(fd);
    return status;
}

static ein_status write_all(ein_comm *comm, const char *path, const char *partial, const ein_checkpoint *c) {
    const ein_layout *l = c->layout;
    ein_checkpoint_head head = {.step = c->state->step,
                                .shape = l->shape,
                                .parts = l->parts,
                                .tensors = l->n_tensors < l->whole ? l->n_tensors : 0};
    set_program(&head, c->program);
    EIN_TRY(check_tiling(comm, c));
    EIN_TRY(create_together(comm, path, partial, c, &head.bytes));
    EIN_TRY(ein_comm_agree(comm, write_alone(partial, c)));
    EIN_TRY(sync_together(comm, partial));
    EIN_TRY(hash_partial(comm, partial, &head));
    ein_status status = EIN_OK;
    if (ein_comm_rank(comm) == 0) {
        status = write_head(partial, &head);
        if (status == EIN_OK) status = ein_durable_commit(path);
    }
    return ein_comm_share(comm, status);
}

ein_status ein_checkpoint_write(ein_comm *comm, const char *path, const ein_checkpoint *checkpoint) {
    char *partial = NULL;
    EIN_TRY(ein_comm_agree(comm, ein_durable_partial_name(path, &partial)));
    ein_status status = write_all(comm, path, partial, checkpoint);
    if (status != EIN_OK && ein_comm_rank(comm) == 0) ein_durable_discard(path);
    free(partial);
    return ein_error_context(status, "checkpoint %s", path);
}

/* --- reading ----------------------------------------------------------------------------------------- */

static ein_status check_root(const char *path, const uint8_t *found, const uint8_t *stated) {
    if (!memcmp(found, stated, EIN_HASH_BYTES)) return EIN_OK;
    return ein_error(
        EIN_CORRUPT,
        "%s: the data do not match their checksum: the file was damaged; use an older checkpoint", path);
}

/* Rank 0 reads the head, all ranks verify the rest. Collective. */
static ein_status verify_together(ein_comm *comm, const char *path, ein_checkpoint_head *head) {
    uint8_t root[EIN_HASH_BYTES];
    int fd = -1;
    ein_status status = EIN_OK;
    if (ein_comm_rank(comm) == 0) status = ein_checkpoint_head_read(path, head, &fd);
    EIN_TRY(ein_comm_share(comm, status));
    int code = MPI_Bcast(head, ein_int((int64_t)sizeof *head), MPI_BYTE, 0, ein_comm_mpi(comm));
    if (ein_comm_rank(comm) != 0 && (fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) < 0)
        status = ein_error(EIN_IO, "%s: %s; is the folder shared by all nodes?", path, strerror(errno));
    if (code != MPI_SUCCESS) status = ein_comm_check(code, "sharing a checkpoint's head");
    status = hash_together(comm, path, fd, head->bytes, status, root);
    if (fd >= 0) close(fd);
    return status != EIN_OK ? status : check_root(path, root, head->tree);
}

/* Whoever takes memory for the model takes no more than the file could fill. */
static ein_status check_room(const char *path, const ein_checkpoint_head *head, ein_layout **layout) {
    const int64_t bytes = 3 * (*layout)->parameters * (int64_t)sizeof(float);
    if (bytes <= head->bytes) return EIN_OK;
    ein_layout_destroy(*layout);
    *layout = NULL;
    return ein_error(EIN_CORRUPT, "%s: %lld bytes; the shape in its head needs %lld", path,
                     (long long)head->bytes, (long long)bytes);
}

/* The layout of a file whose checksums hold. */
static ein_status layout_of(const char *path, const ein_checkpoint_head *head, ein_layout **out) {
    ein_layout *full;
    *out = NULL;
    EIN_TRY(ein_error_context(ein_layout_new(&head->shape, head->parts, &full), "%s: head", path));
    if (head->tensors == 0) {
        *out = full;
        return check_room(path, head, out);
    }
    ein_status status = ein_checkpoint_selection(path, full, out);
    ein_layout_destroy(full);
    if (status == EIN_OK) status = check_room(path, head, out);
    if (status != EIN_OK || (*out)->n_tensors == head->tensors) return status;
    status = ein_error(EIN_CORRUPT, "%s: %d tensors in the head, %d of the model in the file", path,
                       head->tensors, (*out)->n_tensors);
    ein_layout_destroy(*out);
    *out = NULL;
    return status;
}

static void info_from_head(ein_checkpoint_info *info, const ein_checkpoint_head *head) {
    memset(info, 0, sizeof *info);
    info->bytes = head->bytes;
    info->shape = head->shape;
    info->parts = head->parts;
    info->tensors = head->tensors;
    info->state.step = head->step;
    memcpy(info->program, head->program, sizeof info->program);
}

/* Everything that one rank can check and read by itself, against `wanted` if that is not NULL. Not collective. */
static ein_status inspect_verified(const char *path, const ein_checkpoint_head *head,
                                   const ein_layout *wanted, ein_checkpoint_info *info) {
    ein_layout *found = NULL;
    info_from_head(info, head);
    EIN_TRY(layout_of(path, head, &found));
    ein_status status = EIN_OK;
    if (wanted) status = ein_error_context(ein_layout_compare(found, wanted), "%s", path);
    if (status == EIN_OK) status = ein_checkpoint_inspect(path, found, info);
    if (status == EIN_OK && info->state.step != head->step)
        status = ein_error(EIN_CORRUPT, "%s: step %lld in the head, %lld in the file", path,
                           (long long)head->step, (long long)info->state.step);
    ein_layout_destroy(found);
    info->verified = status == EIN_OK;
    if (status != EIN_OK) ein_checkpoint_info_free(info);
    return status;
}

/* Give rank 0's text, which may be NULL (none), to all ranks; `*text` of the others is replaced. All ranks enter, also
 * where there is no text. Collective. */
static ein_status share_text(ein_comm *comm, char **text) {
    int64_t bytes = *text ? (int64_t)strlen(*text) + 1 : 0;
    void *data = *text;
    EIN_TRY(ein_comm_bcast_bytes(comm, &data, &bytes));
    *text = data;
    return EIN_OK;
}

static ein_status share_info(ein_comm *comm, ein_checkpoint_info *info) {
    int code = MPI_Bcast(&info->state, ein_int((int64_t)sizeof info->state), MPI_BYTE, 0, ein_comm_mpi(comm));
    EIN_TRY(ein_comm_check(code, "sharing the training state"));
    EIN_TRY(share_text(comm, &info->config_yaml));
    EIN_TRY(share_text(comm, &info->contract_text));
    return share_text(comm, &info->blas);
}

static ein_status read_runs(hid_t file, const char *group, const ein_layout *layout, const ein_range *runs,
                            int n, float *arena) {
    for (int i = 0; i < n; i++) memset(arena + runs[i].offset, 0, (size_t)runs[i].count * sizeof *arena);
    return ein_checkpoint_transfer(file, group, layout, runs, n, arena, false);
}

/* This rank's share of the parameters and what it owns of the moments. */
static ein_status read_alone(const char *path, const ein_checkpoint *c, ein_range share) {
    hid_t file = -1;
    EIN_TRY(ein_checkpoint_open(path, false, &file));
    ein_status status = read_runs(file, "param", c->layout, &share, 1, c->param);
    if (status == EIN_OK && c->m) status = read_runs(file, "m", c->layout, c->owned, c->n_owned, c->m);
    if (status == EIN_OK && c->v) status = read_runs(file, "v", c->layout, c->owned, c->n_owned, c->v);
    return ein_checkpoint_close(path, file, false, ein_error_context(status, "%s", path));
}

/* Every rank gives its share of the parameters to all. Collective. */
static ein_status exchange_parameters(ein_comm *comm, const ein_checkpoint *c) {
    for (int r = 0; r < ein_comm_size(comm); r++) {
        int64_t first, count;
        ein_share(c->layout->arena, r, ein_comm_size(comm), &first, &count);
        for (int64_t at = 0; at < count; at += EXCHANGE_VALUES) {
            int64_t n = count - at < EXCHANGE_VALUES ? count - at : EXCHANGE_VALUES;
            int code = MPI_Bcast(c->param + first + at, ein_int(n), MPI_FLOAT, r, ein_comm_mpi(comm));
            EIN_TRY(ein_comm_check(code, "sharing parameters"));
        }
    }
    return EIN_OK;
}

static ein_status read_all(ein_comm *comm, const char *path, ein_checkpoint *c, ein_checkpoint_info *info) {
    ein_checkpoint_head head = {0};
    ein_range share;
    ein_status status = EIN_OK;
    EIN_TRY(ein_comm_agree(comm, check_own(c)));
    c->verified = false;
    EIN_TRY(verify_together(comm, path, &head));
    c->verified = true;
    if (ein_comm_rank(comm) == 0) status = inspect_verified(path, &head, c->layout, info);
    EIN_TRY(ein_comm_share(comm, status));
    EIN_TRY(share_info(comm, info));
    ein_share(c->layout->arena, ein_comm_rank(comm), ein_comm_size(comm), &share.offset, &share.count);
    EIN_TRY(ein_comm_agree(comm, read_alone(path, c, share)));
    return exchange_parameters(comm, c);
}

static void hand_over(char **out, char **text) {
    if (!out) return;
    *out = *text;
    *text = NULL;
}

ein_status ein_checkpoint_read(ein_comm *comm, const char *path, ein_checkpoint *checkpoint,
                               char **config_yaml, char **contract_text, char **blas) {
    char **outs[3] = {config_yaml, contract_text, blas};
    for (int i = 0; i < 3; i++)
        if (outs[i]) *outs[i] = NULL;
    ein_checkpoint_info info = {0};
    ein_status status = read_all(comm, path, checkpoint, &info);
    if (status == EIN_OK) {
        if (checkpoint->state) *checkpoint->state = info.state;
        hand_over(config_yaml, &info.config_yaml);
        hand_over(contract_text, &info.contract_text);
        hand_over(blas, &info.blas);
    }
    ein_checkpoint_info_free(&info);
    return ein_error_context(status, "checkpoint");
}

static ein_status verify_alone(const char *path, int fd, const ein_checkpoint_head *head) {
    uint8_t *digests, root[EIN_HASH_BYTES];
    int64_t blocks = ein_checkpoint_blocks(head->bytes);
    EIN_TRY(EIN_NEW(digests, blocks * EIN_HASH_BYTES));
    ein_status status = ein_checkpoint_hash_blocks(path, fd, head->bytes, 0, blocks, digests);
    if (status == EIN_OK) ein_checkpoint_hash_root(digests, head->bytes, root);
    free(digests);
    return status != EIN_OK ? status : check_root(path, root, head->tree);
}

ein_status ein_checkpoint_describe(const char *path, bool verify, ein_checkpoint_info *info) {
    ein_checkpoint_head head;
    int fd = -1;
    memset(info, 0, sizeof *info);
    EIN_TRY(ein_checkpoint_head_read(path, &head, &fd));
    ein_status status = verify ? verify_alone(path, fd, &head) : EIN_OK;
    close(fd);
    if (status != EIN_OK) return status;
    if (verify) return inspect_verified(path, &head, NULL, info);
    info_from_head(info, &head);
    return EIN_OK;
}

bool ein_checkpoint_recognise(const char *bytes, int64_t count) {
    int64_t length = (int64_t)strlen(EIN_CHECKPOINT_FIRST_LINE);
    return count >= length && !memcmp(bytes, EIN_CHECKPOINT_FIRST_LINE, (size_t)length);
}
