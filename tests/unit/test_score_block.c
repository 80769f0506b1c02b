/* Blocks of scores: what is packed is read again, and a file takes no memory for records and values that nobody expects
 * of it, or that it has no room for, whatever its hash says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/hash.h"
#include "jobs/score/block.h"
#include "tests/tap.h"

#define check_ok(call) ck_assert_msg((call) == EIN_OK, "%s", ein_error_message())

enum { N = 3, VALUES = 4, FIRST = 24, SIZES = FIRST + EIN_HASH_BYTES + EIN_HASH_TEXT_BYTES - 1 };

static char plan[EIN_HASH_TEXT_BYTES], path[] = "/tmp/einthoven-block.XXXXXX";

/* Two records are scored, the middle one is not. */
static void pack(char **packed, size_t *bytes) {
    ein_score_block block;
    check_ok(ein_score_block_new(N, VALUES, &block));
    for (int i = 0; i < N; i++) {
        snprintf(block.record[i].id, sizeof block.record[i].id, "record %d", i);
        block.record[i].status = i == 1 ? EIN_SCORE_SHORT : EIN_SCORE_OK;
        for (int j = 0; j < VALUES; j++) block.value[i * VALUES + j] = (float)(10 * i + j);
    }
    check_ok(ein_score_block_pack(&block, plan, packed, bytes));
    ein_score_block_free(&block);
}

static void store(char *packed, size_t bytes) {
    uint8_t hash[EIN_HASH_BYTES];
    ein_hash(packed + FIRST + EIN_HASH_BYTES, bytes - FIRST - EIN_HASH_BYTES, hash);
    memcpy(packed + FIRST, hash, sizeof hash);
    check_ok(ein_durable_write(path, packed, bytes));
}

static bool is_refused(int64_t n, int64_t values, const char *why) {
    ein_score_block block;
    const ein_status status = ein_score_block_read(path, plan, n, values, &block);
    return status == EIN_CORRUPT && !block.record && !block.value && strstr(ein_error_message(), why);
}

START_TEST(what_is_packed_is_read_again) {
    ein_score_block block;
    char *packed;
    size_t bytes;
    pack(&packed, &bytes);
    store(packed, bytes);
    check_ok(ein_score_block_read(path, plan, N, VALUES, &block));
    ck_assert_str_eq(block.record[2].id, "record 2");
    ck_assert_int_eq(block.record[1].status, EIN_SCORE_SHORT);
    ck_assert(block.value[2 * VALUES + 3] == 23 && block.value[3] == 3);
    ein_score_block_free(&block);
    free(packed);
}
END_TEST

START_TEST(sizes_are_those_expected) {
    const int64_t many[2] = {N, 1 << 28}, long_ones[2] = {1 << 20, VALUES};
    char *packed;
    size_t bytes;
    pack(&packed, &bytes);
    store(packed, bytes);
    ck_assert(is_refused(N + 1, VALUES, "3 records of 4 values, instead of 4 of 4"));
    ck_assert(is_refused(N, VALUES - 1, "instead of 3 of 3"));
    memcpy(packed + SIZES, many, sizeof many);
    store(packed, bytes);
    ck_assert(is_refused(N, VALUES, "instead of 3 of 4"));
    memcpy(packed + SIZES, long_ones, sizeof long_ones);
    store(packed, bytes);
    ck_assert(is_refused(1 << 20, VALUES, "too short for 1048576 records"));
    free(packed);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("score block");
    memset(plan, 'a', sizeof plan - 1);
    const int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    ein_tap_add(suite, "what is packed is read again", what_is_packed_is_read_again);
    ein_tap_add(suite, "sizes are those expected", sizes_are_those_expected);
    const int bad = ein_tap_main(suite);
    unlink(path);
    return bad;
}
