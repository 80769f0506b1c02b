/* libFuzzer target: a block of scores that somebody edited. Its hash is made right in most inputs, so that they get to
 * the records; a block that reads packs to the same bytes again. */
#include "io/base/hash.h"
#include "jobs/score/block.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINE = 24, HEAD = LINE + EIN_HASH_BYTES, PLAN = EIN_HASH_TEXT_BYTES - 1, SIZES = HEAD + PLAN };

/* Values that nobody gave take no memory from the file: what a hash vouches for is not asked for here. */
static bool is_large(const uint8_t *data, size_t size) {
    int64_t n[2];
    if (size < SIZES + sizeof n) return false;
    memcpy(n, data + SIZES, sizeof n);
    return n[0] > (1 << 16) || n[1] > (1 << 16) || (n[0] > 0 && n[1] > 0 && n[0] * n[1] > (1 << 20));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char path[256], plan[PLAN + 1] = "", *packed = NULL;
    size_t bytes = 0;
    ein_score_block block;
    if (is_large(data, size)) return 0;
    uint8_t *own = malloc(size + 1);
    if (!own) abort();
    memcpy(own, data, size);
    if (size >= HEAD && data[size - 1] % 8 != 0) ein_hash(own + HEAD, size - HEAD, own + LINE);
    if (size >= SIZES) memcpy(plan, own + HEAD, PLAN);
    fuzz_write("block", (fuzz_part){own, size});
    snprintf(path, sizeof path, "%s/block", fuzz_folder());
    const ein_status status = ein_score_block_read(path, plan, &block);
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
