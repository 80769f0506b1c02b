/* libFuzzer target: a block of scores that somebody edited. Its hash is made right in most inputs, so that they get to
 * the records; a block that reads packs to the same bytes again. */
#include "io/base/hash.h"
#include "jobs/score/block.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE = 24, HEAD = LINE + EIN_HASH_BYTES, PLAN = EIN_HASH_TEXT_BYTES - 1, SIZES = HEAD + PLAN };

/* What whoever reads a block expects of it, here mostly what it says itself, where that is something to expect. */
static void expect(const uint8_t *data, size_t size, int64_t n[2]) {
    n[0] = n[1] = 3;
    if (size < SIZES + 2 * sizeof *n) return;
    memcpy(n, data + SIZES, 2 * sizeof *n);
    for (int i = 0; i < 2; i++)
        if (n[i] < 0 || n[i] > 1000) n[i] = 3;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[256], plan[PLAN + 1] = "", *packed = NULL;
    size_t bytes = 0;
    ein_score_block block;
    int64_t n[2];
    expect(data, size, n);
    uint8_t *own = malloc(size + 1);
    if (!own) abort();
    memcpy(own, data, size);
    if (size >= HEAD && data[size - 1] % 8 != 0) ein_hash(own + HEAD, size - HEAD, own + LINE);
    if (size >= SIZES) memcpy(plan, own + HEAD, PLAN);
    fuzz_write("block", (fuzz_part){own, size});
    snprintf(path, sizeof path, "%s/block", fuzz_folder());
    const ein_status status = ein_score_block_read(path, plan, n[0], n[1], &block);
    if (status != EIN_OK && (block.record || block.value)) abort();
    if (status == EIN_OK) {
        for (int64_t i = 0; i < block.n; i++)
            if (block.record[i].status >= EIN_SCORE_STATUS_COUNT) abort();
        if (ein_score_block_pack(&block, plan, &packed, &bytes) != EIN_OK) abort();
        if (bytes != size || memcmp(packed, own, size) != 0) abort();
        free(packed);
        ein_score_block_free(&block);
    }
    free(own);
    return 0;
}
