/* Checkpoints on any number of ranks: what is written is read again by any tiling, damage is never loaded, and a
 * failed write leaves the old file.
 *
 *     test_checkpoint                     the tests, in TAP
 *     test_checkpoint write FILE TILING   writes the model of the tests, for scripts that compare files;
 *                                         prints the message and ends with 1 when that fails
 *
 * timeout: 900 (a thousand reads, and writes that are synced to a disk)
 */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/hash.h"
#include "io/model/checkpoint.h"
#include "tests/report.h"

enum { TILINGS = 4, MAX_RUNS = 4096, TRUNCATIONS = 50, FLIPS = 300 };

static const ein_vit_shape shape = {.leads = 3,
                                    .samples = 60,
                                    .patch = 6,
                                    .width = 96,
                                    .depth = 5,
                                    .heads = 3,
                                    .mlp = 512,
                                    .dec_width = 40,
                                    .dec_depth = 2,
                                    .dec_heads = 2,
                                    .dec_mlp = 90};

static ein_comm *comm;
static int rank, size;
static char folder[64];

/* One line for all ranks: passes if it holds on every one. */
static bool check(bool mine, const char *what) {
    int here = mine, all = 0;
    MPI_Allreduce(&here, &all, 1, MPI_INT, MPI_LAND, ein_comm_mpi(comm));
    if (!mine) fprintf(stderr, "# rank %d: %s; last message: %s\n", rank, what, ein_error_message());
    return rank == 0 ? report(all, "%s", what) : all;
}

/* Every rank has this status and the same message. */
static bool refused(ein_status got, ein_status expected, const char *part, const char *what) {
    char message[2048] = "";
    memcpy(message, ein_error_message(), strnlen(ein_error_message(), sizeof message - 1));
    MPI_Bcast(message, sizeof message, MPI_BYTE, 0, ein_comm_mpi(comm));
    bool same = !strcmp(message, ein_error_message());
    return check(got == expected && same && strstr(message, part), what);
}

static const char *file_in(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* --- the model of the tests --------------------------------------------------------------------------- */

typedef struct {
    ein_layout *layout;
    float *param, *m, *v;
    ein_range owned[MAX_RUNS];
    ein_train_state state;
    ein_checkpoint checkpoint;
} model;

/* A value that tells array and place; padding is 0. */
static float value_at(const ein_layout *layout, int array, int64_t at) {
    for (int i = 0; i < layout->n_tensors; i++) {
        const ein_tensor *t = &layout->tensors[i];
        if (at >= t->offset && at < t->offset + t->count) return (float)(array + 1) + (float)at * 1e-6f;
    }
    return 0;
}

/* The expected values of all three arrays, once. */
static float *expected[3];
static void expect(const ein_layout *layout) {
    for (int a = 0; a < 3; a++) {
        expected[a] = calloc((size_t)layout->arena, sizeof(float));
        for (int i = 0; i < layout->n_tensors; i++) {
            const ein_tensor *t = &layout->tensors[i];
            for (int64_t k = 0; k < t->count; k++)
                expected[a][t->offset + k] = value_at(layout, a, t->offset + k);
        }
    }
}

/* Tilings: 0 even shares; 1 round-robin runs of 7,777 values; 2 one tensor per rank in turn; 3 rank 0 nothing. */
static int tile(const ein_layout *layout, int tiling, ein_range *out) {
    int n = 0;
    int64_t arena = layout->arena, first, count;
    if (tiling == 0) {
        ein_share(arena, rank, size, &out[0].offset, &out[0].count);
        return 1;
    }
    if (tiling == 1) {
        for (int64_t at = 0, k = 0; at < arena; at += 7777, k++)
            if (k % size == rank) out[n++] = (ein_range){at, arena - at < 7777 ? arena - at : 7777};
        return n;
    }
    if (tiling == 2) {
        for (int i = 0; i < layout->n_tensors; i++) {
            int64_t end = i + 1 < layout->n_tensors ? layout->tensors[i + 1].offset : arena;
            if (i % size == rank)
                out[n++] = (ein_range){layout->tensors[i].offset, end - layout->tensors[i].offset};
        }
        return n;
    }
    if (size == 1) {
        out[0] = (ein_range){0, arena};
        return 1;
    }
    if (rank == 0) return 0;
    ein_share(arena, rank - 1, size - 1, &first, &count);
    out[0] = (ein_range){first + count / 2, count - count / 2}; /* out of order on purpose */
    out[1] = (ein_range){first, count / 2};
    return 2;
}

static void model_open(model *x, const ein_vit_shape *s, int tiling) {
    memset(x, 0, sizeof *x);
    if (ein_layout_new(s, EIN_PART_PRETRAIN, &x->layout) != EIN_OK) exit(1);
    size_t n = (size_t)x->layout->arena;
    x->param = malloc(n * sizeof(float));
    x->m = malloc(n * sizeof(float));
    x->v = malloc(n * sizeof(float));
    x->checkpoint = (ein_checkpoint){
        .layout = x->layout, .param = x->param, .m = x->m, .v = x->v, .owned = x->owned, .state = &x->state};
    x->checkpoint.n_owned = tile(x->layout, tiling, x->owned);
    for (size_t i = 0; i < n; i++) x->param[i] = x->m[i] = x->v[i] = NAN;
}

static void model_close(model *x) {
    free(x->param);
    free(x->m);
    free(x->v);
    ein_layout_destroy(x->layout);
}

static bool owns(const model *x, int64_t at) {
    for (int i = 0; i < x->checkpoint.n_owned; i++)
        if (at >= x->owned[i].offset && at < x->owned[i].offset + x->owned[i].count) return true;
    return false;
}

/* Fills what this rank must have to write: all parameters, its own moments; the rest stays NaN. */
static void model_fill(model *x) {
    memcpy(x->param, expected[0], (size_t)x->layout->arena * sizeof(float));
    for (int i = 0; i < x->checkpoint.n_owned; i++) {
        size_t bytes = (size_t)x->owned[i].count * sizeof(float);
        memcpy(x->m + x->owned[i].offset, expected[1] + x->owned[i].offset, bytes);
        memcpy(x->v + x->owned[i].offset, expected[2] + x->owned[i].offset, bytes);
    }
    x->state = (ein_train_state){.step = 2031,
                                 .epoch = 3,
                                 .step_in_epoch = 17,
                                 .seed = UINT64_C(0xfedcba9876543210),
                                 .best_value = 0.75,
                                 .best_step = 2000,
                                 .skipped_steps = 4,
                                 .validated_epochs = 5};
    x->checkpoint.config_yaml = "model:\n  width: 96\n";
    x->checkpoint.contract_text = "fs_hz = 100\n";
    x->checkpoint.blas = "OpenBLAS 0.3.21 Haswell";
    x->checkpoint.program = "einthoven 0.1.0";
}

static bool model_holds(const model *x) {
    for (int64_t i = 0; i < x->layout->arena; i++) {
        if (x->param[i] != expected[0][i]) return false;
        bool mine = owns(x, i);
        if (mine && (x->m[i] != expected[1][i] || x->v[i] != expected[2][i])) return false;
        if (!mine && !(isnan(x->m[i]) && isnan(x->v[i]))) return false;
    }
    return true;
}

static ein_status write_model(const char *path, int tiling) {
    model x;
    model_open(&x, &shape, tiling);
    model_fill(&x);
    ein_status status = ein_checkpoint_write(comm, path, &x.checkpoint);
    model_close(&x);
    return status;
}

static ein_status try_read(const char *path) {
    model x;
    model_open(&x, &shape, 0);
    ein_status status = ein_checkpoint_read(comm, path, &x.checkpoint, NULL, NULL, NULL);
    if (status != EIN_OK && !isnan(x.param[0])) status = EIN_OK; /* touched all the same: counts as loaded */
    model_close(&x);
    return status;
}

/* --- tests -------------------------------------------------------------------------------------------- */

static bool same_bits(const ein_train_state *a, const ein_train_state *b) {
    return a->step == b->step && a->epoch == b->epoch && a->step_in_epoch == b->step_in_epoch &&
           a->seed == b->seed && !memcmp(&a->best_value, &b->best_value, sizeof a->best_value) &&
           a->best_step == b->best_step && a->skipped_steps == b->skipped_steps &&
           a->validated_epochs == b->validated_epochs;
}

static void round_trips(const char *path) {
    for (int w = 0; w < TILINGS; w++) {
        char what[96];
        snprintf(what, sizeof what, "tiling %d is written", w);
        check(write_model(path, w) == EIN_OK, what);
        for (int r = 0; r < TILINGS; r++) {
            model x;
            model_open(&x, &shape, r);
            ein_status status = ein_checkpoint_read(comm, path, &x.checkpoint, NULL, NULL, NULL);
            snprintf(what, sizeof what, "tiling %d is read by tiling %d", w, r);
            check(status == EIN_OK && model_holds(&x), what);
            model_close(&x);
        }
    }
}

static void state_and_texts(const char *path) {
    model x, y;
    char *config = NULL, *contract = NULL, *blas = NULL;
    model_open(&x, &shape, 0);
    model_open(&y, &shape, 0);
    model_fill(&x);
    ein_status status = ein_checkpoint_read(comm, path, &y.checkpoint, &config, &contract, &blas);
    check(status == EIN_OK && same_bits(&x.state, &y.state), "every rank has the training state");
    check(status == EIN_OK && !strcmp(config, x.checkpoint.config_yaml) &&
              !strcmp(contract, x.checkpoint.contract_text) && !strcmp(blas, x.checkpoint.blas),
          "every rank has the texts");
    free(config);
    free(contract);
    free(blas);
    x.state.best_value = NAN;
    x.state.metrics_bytes = 443;
    for (int i = 0; i < EIN_HASH_BYTES; i++) x.state.metrics_hash[i] = (uint8_t)(7 * i + 200);
    x.checkpoint.config_yaml = x.checkpoint.blas = "";
    x.checkpoint.contract_text = NULL;
    x.checkpoint.program = "two\nlines and far too long for the head of a checkpoint";
    config = contract = NULL;
    status = ein_checkpoint_write(comm, file_in("empty.h5"), &x.checkpoint);
    if (status == EIN_OK)
        status = ein_checkpoint_read(comm, file_in("empty.h5"), &y.checkpoint, &config, &contract, NULL);
    check(status == EIN_OK && !strcmp(config, "") && !strcmp(contract, "") && isnan(y.state.best_value),
          "empty texts, no best value yet and a wild program name survive");
    check(status == EIN_OK && y.state.metrics_bytes == 443 &&
              !memcmp(y.state.metrics_hash, x.state.metrics_hash, EIN_HASH_BYTES),
          "what it says of the metrics survives");
    free(config);
    free(contract);
    model_close(&y);
    model_close(&x);
}

static void parameters_alone(const char *path) {
    model x;
    model_open(&x, &shape, 0);
    ein_checkpoint only = {.layout = x.layout, .param = x.param};
    ein_status status = ein_checkpoint_read(comm, path, &only, NULL, NULL, NULL);
    check(status == EIN_OK && !memcmp(x.param, expected[0], (size_t)x.layout->arena * sizeof(float)),
          "parameters are read without moments and state");
    model_close(&x);
}

static void describes(const char *path) {
    ein_checkpoint_info info;
    ein_status status = ein_checkpoint_describe(path, false, &info);
    check(status == EIN_OK && info.state.step == 2031 && info.shape.width == 96 &&
              info.parts == EIN_PART_PRETRAIN && !strcmp(info.program, "einthoven 0.1.0") && !info.verified &&
              !info.config_yaml,
          "the head alone tells step, shape and program");
    ein_checkpoint_info_free(&info);
    status = ein_checkpoint_describe(path, true, &info);
    check(status == EIN_OK && info.verified && info.state.skipped_steps == 4 && info.config_yaml &&
              !strcmp(info.config_yaml, "model:\n  width: 96\n"),
          "verified, it tells everything");
    ein_checkpoint_info_free(&info);
}

static void wrong_models(const char *path) {
    static const struct {
        const char *what, *part;
        ein_vit_shape shape;
    } cases[] = {
        {"another width is refused by tensor and shapes",
         "tensor cls_token has shape (1, 1, 96) in the file and (1, 1, 36) in the model",
         {3, 60, 6, 36, 5, 3, 512, 40, 2, 2, 90, 0, 0, 0, 0}},
        {"another MLP is refused by tensor and shapes",
         "tensor blocks.0.mlp.fc1.weight has shape (512, 96) in the file and (100, 96) in the model",
         {3, 60, 6, 96, 5, 3, 100, 40, 2, 2, 90, 0, 0, 0, 0}},
        {"a deeper model is refused",
         "tensor blocks.5.norm1.weight of the model, of shape (96), is not in the file",
         {3, 60, 6, 96, 6, 3, 512, 40, 2, 2, 90, 0, 0, 0, 0}},
        {"a shallower model is refused",
         "tensor decoder_blocks.1.norm1.weight of the file is not in the model",
         {3, 60, 6, 96, 5, 3, 512, 40, 1, 2, 90, 0, 0, 0, 0}},
        {"another number of heads is refused",
         "heads: 3 in the file, 4 in the model",
         {3, 60, 6, 96, 5, 4, 512, 40, 2, 2, 90, 0, 0, 0, 0}},
        {"another number of decoder heads is refused",
         "decoder_heads: 2 in the file, 4 in the model",
         {3, 60, 6, 96, 5, 3, 512, 40, 2, 4, 90, 0, 0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        model x;
        model_open(&x, &cases[i].shape, 0);
        refused(ein_checkpoint_read(comm, path, &x.checkpoint, NULL, NULL, NULL), EIN_MISMATCH, cases[i].part,
                cases[i].what);
        model_close(&x);
    }
}

/* --- a selection of a model's tensors --------------------------------------------------------------------- */

static const ein_vit_shape adapted = {3, 60, 6, 12, 3, 3, 20, 0, 0, 0, 0, 4, EIN_POOL_ATTENTIVE, 2, 0};

/* Every third tensor from `first` on of the adapted model, filled from `seed`. */
static ein_layout *select_tensors(int first) {
    bool chosen[128];
    ein_layout *full, *selected;
    if (ein_layout_new(&adapted, EIN_PART_CLASSIFY, &full) != EIN_OK) exit(1);
    for (int i = 0; i < full->n_tensors; i++) chosen[i] = i >= first && (i - first) % 3 == 0;
    if (ein_layout_select(full, chosen, &selected) != EIN_OK) exit(1);
    ein_layout_destroy(full);
    return selected;
}

/* The whole arena on this rank, owned in equal shares; arrays hold 3 arenas. */
static ein_checkpoint selection_of(const ein_layout *layout, float *arrays, ein_range *owned,
                                   ein_train_state *state) {
    ein_share(layout->arena, rank, size, &owned->offset, &owned->count);
    return (ein_checkpoint){.layout = layout,
                            .param = arrays,
                            .m = arrays + layout->arena,
                            .v = arrays + 2 * layout->arena,
                            .owned = owned,
                            .n_owned = 1,
                            .state = state};
}

static bool selection_holds(const ein_layout *layout, const float *arrays, ein_range owned) {
    for (int i = 0; i < layout->n_tensors; i++)
        for (int64_t k = 0; k < layout->tensors[i].count; k++) {
            const int64_t at = layout->tensors[i].offset + k;
            const bool mine = at >= owned.offset && at < owned.offset + owned.count;
            if (arrays[at] != (float)at) return false;
            if (mine && arrays[layout->arena + at] != (float)-at) return false;
            if (mine && arrays[2 * layout->arena + at] != (float)at / 2) return false;
        }
    return true;
}

static void selections(const char *path) {
    ein_layout *layout = select_tensors(1), *other = select_tensors(2), *full;
    ein_train_state state = {.step = 7, .best_value = 0.5};
    ein_checkpoint_info info;
    ein_range owned;
    const int64_t n = layout->arena;
    float *arrays = calloc((size_t)(6 * n + 6 * other->arena), sizeof *arrays);
    for (int i = 0; i < layout->n_tensors; i++)
        for (int64_t k = layout->tensors[i].offset, end = k + layout->tensors[i].count; k < end; k++) {
            arrays[k] = (float)k;
            arrays[n + k] = (float)-k;
            arrays[2 * n + k] = (float)k / 2;
        }
    ein_checkpoint c = selection_of(layout, arrays, &owned, &state);
    check(ein_checkpoint_write(comm, path, &c) == EIN_OK, "the trained tensors of a model are written");
    c = selection_of(layout, arrays + 3 * n, &owned, &state);
    check(ein_checkpoint_read(comm, path, &c, NULL, NULL, NULL) == EIN_OK &&
              selection_holds(layout, arrays + 3 * n, owned) && state.step == 7,
          "and read, every value");
    for (int verify = 0; verify < 2; verify++) {
        const ein_status status = ein_checkpoint_describe(path, verify, &info);
        check(status == EIN_OK && info.tensors == layout->n_tensors && info.parts == EIN_PART_CLASSIFY &&
                  !memcmp(&info.shape, &adapted, sizeof adapted),
              verify ? "verified, it says what it is" : "it says what it is");
        if (status == EIN_OK) ein_checkpoint_info_free(&info);
    }
    c = selection_of(other, arrays + 6 * n, &owned, &state);
    refused(ein_checkpoint_read(comm, path, &c, NULL, NULL, NULL), EIN_MISMATCH, other->tensors[0].name,
            "for other tensors of that model it is refused by the first name");
    if (ein_layout_new(&adapted, EIN_PART_CLASSIFY, &full) != EIN_OK) exit(1);
    float *whole = calloc((size_t)(3 * full->arena), sizeof *whole);
    c = selection_of(full, whole, &owned, &state);
    refused(ein_checkpoint_read(comm, path, &c, NULL, NULL, NULL), EIN_MISMATCH, "cls_token",
            "for the whole model too");
    check(ein_checkpoint_write(comm, path, &c) == EIN_OK &&
              ein_checkpoint_read(comm, path, &c, NULL, NULL, NULL) == EIN_OK &&
              ein_checkpoint_describe(path, true, &info) == EIN_OK && info.tensors == 0 &&
              !memcmp(&info.shape, &adapted, sizeof adapted),
          "the whole of it, with attentive pooling and adapters, comes back");
    ein_checkpoint_info_free(&info);
    full->shape.positions = EIN_POSITIONS_SINCOS;
    check(ein_checkpoint_write(comm, path, &c) == EIN_OK &&
              ein_checkpoint_describe(path, true, &info) == EIN_OK &&
              info.shape.positions == EIN_POSITIONS_SINCOS && info.shape.lora == adapted.lora,
          "so does what positions started as");
    ein_checkpoint_info_free(&info);
    free(whole);
    free(arrays);
    ein_layout_destroy(full);
    ein_layout_destroy(other);
    ein_layout_destroy(layout);
}

static void wrong_tilings(void) {
    model x;
    model_open(&x, &shape, 0);
    model_fill(&x);
    const ein_range whole = x.owned[0];
    const char *path = file_in("tiling.h5");
    if (rank == size - 1) x.owned[0].count--;
    refused(ein_checkpoint_write(comm, path, &x.checkpoint), EIN_RANGE, "do not tile",
            "a gap at the end is refused");
    x.owned[0] = whole;
    if (rank == 0) x.owned[0] = (ein_range){whole.offset + 1, whole.count - 1};
    refused(ein_checkpoint_write(comm, path, &x.checkpoint), EIN_RANGE, "do not tile",
            "a gap at the front is refused");
    x.owned[0] = whole;
    x.owned[1] = (ein_range){0, 16};
    x.checkpoint.n_owned = rank == size - 1 ? 2 : 1;
    refused(ein_checkpoint_write(comm, path, &x.checkpoint), EIN_RANGE, "do not tile",
            "runs that overlap are refused");
    x.owned[1] = (ein_range){x.layout->arena - 8, 16};
    refused(ein_checkpoint_write(comm, path, &x.checkpoint), EIN_RANGE, "leaves the arena",
            "a run beyond the arena is refused");
    check(access(path, F_OK) != 0 && access(file_in("tiling.h5.partial"), F_OK) != 0,
          "nothing was left behind");
    model_close(&x);
}

/* --- damage ------------------------------------------------------------------------------------------- */

static uint64_t random_state = 88172645463325252ull;
static int64_t random_below(int64_t n) {
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (int64_t)(random_state % (uint64_t)n);
}

static int64_t length_of(const char *path) {
    struct stat about;
    return stat(path, &about) == 0 ? (int64_t)about.st_size : -1;
}

/* Changes one byte of a file by XOR; rank 0 acts, all wait. */
static void flip(const char *path, int64_t at, unsigned char mask) {
    MPI_Barrier(ein_comm_mpi(comm));
    if (rank == 0) {
        unsigned char byte = 0;
        int fd = open(path, O_RDWR);
        if (fd < 0 || pread(fd, &byte, 1, at) != 1) exit(1);
        byte ^= mask;
        if (pwrite(fd, &byte, 1, at) != 1) exit(1);
        close(fd);
    }
    MPI_Barrier(ein_comm_mpi(comm));
}

static void set_length(const char *path, int64_t bytes) {
    MPI_Barrier(ein_comm_mpi(comm));
    if (rank == 0 && truncate(path, bytes) != 0) exit(1);
    MPI_Barrier(ein_comm_mpi(comm));
}

static void flips(const char *path) {
    int64_t bytes = length_of(path);
    int loaded = 0, described = 0;
    for (int i = 0; i < FLIPS; i++) {
        int64_t at = random_below(bytes);
        unsigned char mask = (unsigned char)(1u << random_below(8));
        flip(path, at, mask);
        loaded += try_read(path) == EIN_OK;
        flip(path, at, mask);
    }
    check(loaded == 0, "300 single bits flipped at random places: never loaded");
    loaded = 0;
    for (int at = 0; at < EIN_CHECKPOINT_HEAD_BYTES; at++) {
        unsigned char mask = (unsigned char)(1 + random_below(255));
        ein_checkpoint_info info;
        flip(path, at, mask);
        loaded += try_read(path) == EIN_OK;
        described += ein_checkpoint_describe(path, false, &info) == EIN_OK;
        flip(path, at, mask);
        flip(path, at, 0x20); /* the case of a letter, which a lenient reader of hex would not see */
        loaded += try_read(path) == EIN_OK;
        flip(path, at, 0x20);
    }
    check(loaded == 0, "every byte of the head changed, twice: never loaded");
    check(described == 0, "every byte of the head changed: never described as whole");
    check(try_read(path) == EIN_OK, "with everything put back it loads");
}

static void truncations(const char *path) {
    int64_t bytes = length_of(path);
    char copy[160];
    snprintf(copy, sizeof copy, "%s/cut.h5", folder);
    int loaded = 0;
    for (int i = 0; i < TRUNCATIONS; i++) {
        int64_t keep = i < 4 ? (int64_t[]){0, 20, 511, 512}[i] : i == 4 ? bytes - 1 : random_below(bytes);
        if (rank == 0) {
            char command[400];
            snprintf(command, sizeof command, "cp '%s' '%s'", path, copy);
            if (system(command) != 0) exit(1);
        }
        set_length(copy, keep);
        loaded += try_read(copy) == EIN_OK;
        set_length(copy, bytes); /* the right length again, with zeros where data were */
        loaded += keep < bytes - 64 && try_read(copy) == EIN_OK; /* the last bytes may be zeros */
    }
    check(loaded == 0, "cut at 50 lengths, and padded again with zeros: never loaded");
    if (rank == 0) unlink(copy);
    set_length(path, bytes + 1);
    refused(try_read(path), EIN_CORRUPT, "appended", "one byte too many is refused");
    set_length(path, bytes);
}

static void put_file(const char *path, const char *text, size_t bytes) {
    if (rank == 0) {
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(text, 1, bytes, f) != bytes || fclose(f) != 0) exit(1);
    }
    MPI_Barrier(ein_comm_mpi(comm));
}

static void other_files(void) {
    static char zeros[4096];
    char path[160];
    snprintf(path, sizeof path, "%s", file_in("other"));
    refused(try_read(path), EIN_NOTFOUND, "No such file", "a missing file is refused");
    put_file(path, "", 0);
    refused(try_read(path), EIN_CORRUPT, "0 bytes", "an empty file is refused");
    put_file(path, zeros, sizeof zeros);
    refused(try_read(path), EIN_CORRUPT, "unfinished",
            "a file whose head was never written is called unfinished");
    memset(zeros, 'x', sizeof zeros);
    put_file(path, zeros, sizeof zeros);
    refused(try_read(path), EIN_FORMAT, "not a checkpoint", "a file of another kind is refused");
    refused(try_read(folder), EIN_IO, "not a regular file", "a folder is refused");
}

/* --- failing writes ----------------------------------------------------------------------------------- */

static void digest_of(const char *path, char out[EIN_HASH_TEXT_BYTES]) {
    FILE *f = fopen(path, "rb");
    static char bytes[1 << 25];
    size_t n = f ? fread(bytes, 1, sizeof bytes, f) : 0;
    if (f) fclose(f);
    ein_hash_text(bytes, n, out);
}

/* `who` may not write beyond `limit` bytes of a file: what a quota or a full disk does to one node. */
static void failing_write(const char *path, int who, double share, const char *what) {
    char before[EIN_HASH_TEXT_BYTES], after[EIN_HASH_TEXT_BYTES], partial[160];
    struct rlimit old, low;
    int64_t bytes = length_of(path);
    digest_of(path, before);
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = (rlim_t)((double)bytes * share);
    if (rank == who) setrlimit(RLIMIT_FSIZE, &low);
    ein_status status = write_model(path, 0);
    if (rank == who) setrlimit(RLIMIT_FSIZE, &old);
    refused(status, EIN_IO, "", what);
    MPI_Barrier(ein_comm_mpi(comm));
    digest_of(path, after);
    snprintf(partial, sizeof partial, "%s.partial", path);
    check(!strcmp(before, after) && access(partial, F_OK) != 0,
          "  the file before is as it was, nothing is left beside it");
    check(try_read(path) == EIN_OK, "  and loads");
}

static void failing_writes(const char *path) {
    signal(SIGXFSZ, SIG_IGN);
    failing_write(path, 0, 0.0, "rank 0 cannot write a single byte: the same status on all ranks");
    failing_write(path, 0, 0.001, "rank 0 fails while it lays out the file");
    failing_write(path, 0, 0.5, "rank 0 cannot reserve the space");
    failing_write(path, size - 1, 0.5, "the last rank cannot write its data");
    failing_write(path, size - 1, 0.95, "the last rank cannot write the last of its data");
    if (rank == 0) mkdir(file_in("folder.h5"), 0777);
    MPI_Barrier(ein_comm_mpi(comm));
    refused(write_model(file_in("folder.h5"), 0), EIN_IO, "folder.h5",
            "a folder in the place of the file is refused");
    check(access(file_in("folder.h5.partial"), F_OK) != 0, "  without a leftover");
    refused(write_model(file_in("none/x.h5"), 0), EIN_IO, "none/x.h5", "a missing folder is refused");
    if (rank == 0) rmdir(file_in("folder.h5"));
}

/* --- main --------------------------------------------------------------------------------------------- */

static void run_tests(void) {
    char path[128];
    snprintf(path, sizeof path, "%s", file_in("a.h5"));
    round_trips(path);
    state_and_texts(path);
    parameters_alone(path);
    describes(path);
    wrong_models(path);
    selections(file_in("part.h5"));
    wrong_tilings();
    check(length_of(path) > 2 * (int64_t)EIN_CHECKPOINT_BLOCK_BYTES, "the file has several blocks");
    truncations(path);
    flips(path);
    other_files();
    failing_writes(path);
}

static void remove_folder(void) {
    static const char *const names[] = {"a.h5", "empty.h5", "other", "part.h5"};
    MPI_Barrier(ein_comm_mpi(comm));
    for (size_t i = 0; i < sizeof names / sizeof *names && rank == 0; i++) unlink(file_in(names[i]));
    if (rank == 0) report(rmdir(folder) == 0, "no other file was left in the folder");
}

static int write_for_script(const char *path, const char *tiling) {
    signal(SIGXFSZ, SIG_IGN);
    ein_status status = write_model(path, atoi(tiling));
    if (status != EIN_OK) printf("%s\n", ein_error_message());
    return status == EIN_OK ? 0 : 1;
}

int main(int argc, char **argv) {
    if (ein_comm_start(&argc, &argv, &comm) != EIN_OK) return 1;
    rank = ein_comm_rank(comm);
    size = ein_comm_size(comm);
    ein_layout *layout;
    if (ein_layout_new(&shape, EIN_PART_PRETRAIN, &layout) != EIN_OK) return 1;
    expect(layout);
    int code = 0;
    if (argc == 4) {
        code = write_for_script(argv[2], argv[3]);
    } else {
        snprintf(folder, sizeof folder, "/tmp/ein-checkpoint-XXXXXX");
        if (rank == 0 && !mkdtemp(folder)) return 1;
        MPI_Bcast(folder, sizeof folder, MPI_BYTE, 0, ein_comm_mpi(comm));
        run_tests();
        remove_folder();
        if (rank == 0) code = report_end();
        MPI_Bcast(&code, 1, MPI_INT, 0, ein_comm_mpi(comm));
    }
    for (int a = 0; a < 3; a++) free(expected[a]);
    ein_layout_destroy(layout);
    ein_comm_finish(comm);
    return code;
}
