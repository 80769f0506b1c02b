/* libFuzzer target: a checkpoint. What its checksums and the trial let pass is described and read. Most mutants have
 * HDF5's checksums and those of the head right, so that they get to the readers.
 *
 * EIN_FUZZ_WRITE=FILE build/fuzz/fuzz_checkpoint -runs=2     writes a whole checkpoint of a selection, to begin with
 */
#include <string.h>

#include "io/model/checkpoint.h"
#include "io/model/checkpoint_head.h"
#include "tests/fuzz/fuzz_h5.h"
#include "tests/fuzz/hdf5_mutate.h"

enum { HEAD = EIN_CHECKPOINT_HEAD_BYTES };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);

/* --- a file to begin with ------------------------------------------------------------------------------- */

static void write_seed(const char *path) {
    const ein_vit_shape shape = {
        .leads = 1, .samples = 8, .patch = 4, .width = 4, .depth = 1, .heads = 1, .mlp = 4, .classes = 2};
    ein_layout *full, *some;
    ein_train_state state = {.step = 3, .epoch = 1, .seed = 7};
    if (ein_layout_new(&shape, EIN_PART_CLASSIFY, &full) != EIN_OK) abort();
    bool *chosen = calloc((size_t)full->n_tensors, sizeof *chosen);
    for (int i = 0; i < full->n_tensors; i++) chosen[i] = i >= full->n_tensors - 4;
    if (ein_layout_select(full, chosen, &some) != EIN_OK) abort();
    float *arena = calloc((size_t)some->arena, sizeof *arena);
    const ein_range all = {0, some->arena};
    const ein_checkpoint c = {.layout = some,
                              .param = arena,
                              .m = arena,
                              .v = arena,
                              .owned = &all,
                              .n_owned = 1,
                              .state = &state,
                              .config_yaml = "train:\n",
                              .contract_text = "x",
                              .blas = "none",
                              .program = "fuzz"};
    if (ein_checkpoint_write(fuzz_comm, path, &c) != EIN_OK) {
        fprintf(stderr, "%s\n", ein_error_message());
        exit(1);
    }
    free(arena);
    free(chosen);
    ein_layout_destroy(some);
    ein_layout_destroy(full);
}

/* --- the target ------------------------------------------------------------------------------------------ */

static void read_whole(const char *path, const ein_layout *layout) {
    float *arena[3];
    ein_train_state state;
    for (int i = 0; i < 3; i++) arena[i] = calloc((size_t)layout->arena + 1, sizeof **arena);
    const ein_range all = {0, layout->arena};
    ein_checkpoint c = {.layout = layout,
                        .param = arena[0],
                        .m = arena[1],
                        .v = arena[2],
                        .owned = &all,
                        .n_owned = 1,
                        .state = &state};
    char *config = NULL, *contract = NULL, *blas = NULL;
    if (ein_checkpoint_read(fuzz_comm, path, &c, &config, &contract, &blas) > EIN_STATUS_COUNT) abort();
    free(config);
    free(contract);
    free(blas);
    for (int i = 0; i < 3; i++) free(arena[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_checkpoint_info info;
    ein_layout *full;
    static bool written = false;
    if (!written && size > 0 && getenv("EIN_FUZZ_WRITE")) write_seed(getenv("EIN_FUZZ_WRITE"));
    written = true;
    const char *path = fuzz_file(data, size);
    if (ein_checkpoint_describe(path, false, &info) != EIN_OK) return 0;
    ein_checkpoint_info_free(&info);
    if (!fuzz_survives(path) || ein_checkpoint_describe(path, true, &info) != EIN_OK) return 0;
    if (!info.tensors && ein_layout_new(&info.shape, info.parts, &full) == EIN_OK) {
        /* A file that verifies holds its model three times over. */
        if (full->parameters * 12 > (int64_t)size) abort();
        read_whole(path, full);
        ein_layout_destroy(full);
    }
    ein_checkpoint_info_free(&info);
    return 0;
}

/* --- mutants --------------------------------------------------------------------------------------------- */

static void change_head(ein_checkpoint_head *head, uint32_t *state) {
    int *fields[] = {&head->shape.leads, &head->shape.samples, &head->shape.patch,
                     &head->shape.width, &head->shape.depth,   &head->shape.heads,
                     &head->shape.mlp,   &head->shape.classes, &head->tensors};
    static const int values[] = {0, 1, 2, 3, 8, 64, 4096, 100000, INT32_MAX, -1};
    *fields[h5_draw(state, 9)] = values[h5_draw(state, 10)];
    if (h5_draw(state, 4) == 0) head->step = (int64_t)h5_draw(state, 9) - 2;
}

/* Hash what stands after the head anew, and write the head. */
static void seal(uint8_t *data, size_t size, ein_checkpoint_head *head) {
    const char *path = fuzz_file(data, size);
    uint8_t digests[EIN_HASH_BYTES * 4];
    const int fd = open(path, O_RDONLY);
    head->bytes = (int64_t)size;
    if (fd >= 0 && ein_checkpoint_blocks(head->bytes) <= 4 &&
        ein_checkpoint_hash_blocks(path, fd, head->bytes, 0, ein_checkpoint_blocks(head->bytes), digests) ==
            EIN_OK) {
        ein_checkpoint_hash_root(digests, head->bytes, head->tree);
        ein_checkpoint_head_render(head, (char *)data);
    }
    if (fd >= 0) close(fd);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    ein_checkpoint_head head;
    uint32_t state = seed * 2654435761u + 3u;
    if (seed % 8 == 0 || size <= HEAD ||
        ein_checkpoint_head_parse("mutant", (const char *)data, &head) != EIN_OK)
        return LLVMFuzzerMutate(data, size, max_size);
    if (seed % 8 == 1 && state)
        change_head(&head, &state);
    else
        h5_mutate(data + HEAD, size - HEAD, seed / 8);
    seal(data, size, &head);
    return size;
}
