/* libFuzzer target: plan and list of problems of a work folder of `score`, in this order, that somebody edited. The
 * plan's hash is made right in most inputs; what reads is walked through as the tables are made. */
#include "io/base/hash.h"
#include "jobs/score/rows.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char first_line[] = "einthoven score plan 1\n";

static void walk(const ein_score_plan *plan) {
    ein_score_rows *rows = NULL;
    ein_score_row row;
    bool more = true;
    char difference[200];
    int64_t n = 0;
    ein_score_plan_difference(plan->part[0].identity, "key: value\n", difference, sizeof difference);
    for (int64_t b = 0; b < plan->blocks && b < 64; b++) {
        int64_t first, count, record;
        const ein_score_part *part = ein_score_plan_part(plan, b);
        ein_score_part_block(part, b, &first, &count);
        for (int64_t i = first; i < first + count && n < 4096; i++, n++)
            if (!ein_score_part_input(part, i, &record)) abort();
    }
    if (ein_score_rows_open(fuzz_folder(), plan, -1, &rows) != EIN_OK) return;
    for (n = 0; more && n < 4096; n++)
        if (ein_score_rows_next(rows, &row, &more) != EIN_OK || (more && !row.path)) break;
    ein_score_rows_close(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const fuzz_part whole = fuzz_cut(data, size, 0);
    const size_t line = strlen(first_line), head = line + EIN_HASH_TEXT_BYTES;
    ein_score_plan plan;
    uint8_t *own = malloc(whole.bytes + 1);
    if (!own) abort();
    memcpy(own, whole.data, whole.bytes);
    if (whole.bytes > head && own[whole.bytes - 1] % 8 != 1) {
        char hash[EIN_HASH_TEXT_BYTES];
        ein_hash_text((char *)own + head, whole.bytes - head, hash);
        memcpy(own + line, hash, EIN_HASH_TEXT_BYTES - 1);
    }
    fuzz_write("plan-0001", (fuzz_part){own, whole.bytes});
    fuzz_write("problems", fuzz_cut(data, size, 1));
    if (ein_score_plan_read(fuzz_folder(), &plan) == EIN_OK && plan.n > 0) walk(&plan);
    ein_score_plan_free(&plan);
    free(own);
    return 0;
}
