/* libFuzzer target: an archive of any kind; what is found in it is read, from its last recording to the first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/archive/archive.h"
#include "io/ecg/reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_up(const char *what) {
    fprintf(stderr, "fuzz: %s: %s\n", what, ein_error_message());
    abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[96];
    const char *roots[] = {path};
    ein_archives *archives = NULL;
    ein_reader_list list;
    snprintf(path, sizeof path, "/dev/shm/einthoven-fuzz-%ld", (long)getpid());
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(data, 1, size, f) != size || fclose(f) != 0) give_up(path);
    if (ein_archives_new(&archives) != EIN_OK) give_up("memory");
    const ein_reader_options options = {.place = {.store = ein_archives_store(archives)}};
    if (ein_reader_find_in(roots, 1, &options.place, &list) != EIN_OK) give_up("an archive ends the walk");
    for (int64_t i = list.count - 1; i >= 0 && i > list.count - 20; i--) {
        ein_ecg ecg;
        const ein_status status = ein_reader_read_with(list.path[i], &options, &ecg);
        if (status == EIN_OK)
            ein_ecg_free(&ecg);
        else if (!ein_error_message()[0] || status == EIN_SYSTEM)
            give_up("an error of another kind");
    }
    ein_reader_list_free(&list);
    ein_archives_destroy(archives);
    unlink(path);
    return 0;
}
