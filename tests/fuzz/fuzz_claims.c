/* libFuzzer target: what other workers of `score` left in a shared folder, or somebody edited there: the claim of a
 * block, which is also a worker's file, and a worker's file alone. Counting the others and taking the block must end in
 * one of the documented ways, and a block that was taken can be given back and taken again. */
#include <sys/stat.h>

#include "jobs/score/claims.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static ein_claims *enter(void) {
    ein_claims *claims = NULL;
    if (ein_claims_prepare(fuzz_folder()) != EIN_OK) abort();
    if (ein_claims_enter(fuzz_folder(), 3600, 3600, &claims) != EIN_OK) abort();
    return claims;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static ein_claims *claims;
    ein_claim_state state;
    bool alive;
    int others = -1;
    ein_owner first;
    if (!claims) claims = enter();
    fuzz_write("claims/000000", fuzz_cut(data, size, 0));
    fuzz_write("workers/elsewhere-1-1", fuzz_cut(data, size, 1));
    if (ein_claims_others(fuzz_folder(), claims, 3600, &others, &first) == EIN_OK && others < 0) abort();
    const ein_status status = ein_claims_take(claims, 0, &state, &alive);
    if (status != EIN_OK && status != EIN_IO) abort();
    if (status == EIN_OK && state != EIN_CLAIM_OURS && state != EIN_CLAIM_OTHERS) abort();
    if (status == EIN_OK && state == EIN_CLAIM_OURS) {
        ein_claims_release(claims, 0);
        if (ein_claims_take(claims, 0, &state, NULL) != EIN_OK || state != EIN_CLAIM_OURS) abort();
        ein_claims_release(claims, 0);
    }
    return 0;
}
