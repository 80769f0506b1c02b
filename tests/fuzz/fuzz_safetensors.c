/* Fuzz target: any bytes as a .safetensors file; what opens is read, described as a model and hashed.
 *
 *     clang -fsanitize=fuzzer,address,undefined ... tests/fuzz/fuzz_safetensors.c   (libFuzzer)
 *     corpus to start from: tests/data/dtypes.safetensors, tests/data/mae_small.safetensors
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "io/model/model.h"
#include "io/model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_everything(const ein_safetensors *file) {
    for (int i = 0; i < ein_safetensors_count(file); i++) {
        const ein_st_tensor *t = ein_safetensors_tensor(file, i);
        if (ein_safetensors_find(file, t->name) < 0) abort();
        float *values = malloc((size_t)t->count * sizeof *values + 1);
        if (values && ein_safetensors_read(file, i, values) > EIN_STATUS_COUNT) abort();
        free(values);
    }
    for (int i = 0; i < ein_safetensors_metadata_count(file); i++)
        if (!ein_safetensors_metadata(file, ein_safetensors_metadata_key(file, i))) abort();
}

static void load_model(const char *path, const ein_model_info *info) {
    ein_layout *layout;
    char missing[64];
    if (ein_layout_new(&info->shape, info->parts, &layout) != EIN_OK) abort();
    float *param = malloc((size_t)layout->arena * sizeof *param);
    if (param) ein_model_load(path, layout, param, 0, missing, sizeof missing);
    free(param);
    ein_layout_destroy(layout);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static int fd = -1;
    static char path[64];
    ein_safetensors *file;
    ein_model_info info;
    char hash[EIN_HASH_TEXT_BYTES];
    if (fd < 0) {
        fd = memfd_create("safetensors", 0);
        snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, size, 0) != (ssize_t)size) return 0;
    if (ein_safetensors_open(path, &file) != EIN_OK) return 0;
    read_everything(file);
    ein_safetensors_close(file);
    if (ein_model_hash(path, hash) != EIN_OK) abort();
    if (ein_model_describe(path, NULL, &info) != EIN_OK) return 0;
    load_model(path, &info);
    ein_model_info_free(&info);
    return 0;
}
