/* What the fuzz targets of several text files at once share: the input is cut at lines "=====" into up to N parts. */
#ifndef EIN_TESTS_FUZZ_TEXT_FILE_H
#define EIN_TESTS_FUZZ_TEXT_FILE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FUZZ_CUT "\n=====\n"

typedef struct {
    const uint8_t *data;
    size_t bytes;
} fuzz_part;

/* Part `index` of the input; empty if there are fewer. */
static inline fuzz_part fuzz_cut(const uint8_t *data, size_t size, int index) {
    const size_t cut = strlen(FUZZ_CUT);
    for (;;) {
        const uint8_t *end = size ? memmem(data, size, FUZZ_CUT, cut) : NULL;
        const size_t bytes = end ? (size_t)(end - data) : size;
        if (index-- == 0) return (fuzz_part){data, bytes};
        if (!end) return (fuzz_part){data, 0};
        data += bytes + cut;
        size -= bytes + cut;
    }
}

/* A folder of this process, made once. */
static char fuzz_made[64];

static inline void fuzz_remove(void) {
    char command[96];
    snprintf(command, sizeof command, "rm -rf '%s'", fuzz_made);
    if (system(command) != 0) fprintf(stderr, "%s stays\n", fuzz_made);
}

static inline const char *fuzz_folder(void) {
    if (!fuzz_made[0]) {
        strcpy(fuzz_made, "/tmp/einthoven-fuzz-XXXXXX");
        if (!mkdtemp(fuzz_made)) exit(1);
        atexit(fuzz_remove);
    }
    return fuzz_made;
}

static inline void fuzz_write(const char *name, fuzz_part part) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(part.data, 1, part.bytes, f) != part.bytes || fclose(f) != 0) exit(1);
}

#endif
