/* Agreement, sharing, broadcast and sums on any number of ranks. */
#include "mpi/gather.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/tap.h"

static ein_comm *comm;
static int rank, size;

START_TEST(all_ok) {
    ein_error_clear();
    ck_assert_int_eq(ein_comm_agree(comm, EIN_OK), EIN_OK);
    ck_assert_str_eq(ein_error_message(), "");
}
END_TEST

/* One rank holds an error: all get its status and message, with its name in front. */
START_TEST(one_fails) {
    for (int who = 0; who < size; who++) {
        char expected[64];
        snprintf(expected, sizeof expected, "file of rank %d is cut short", who);
        ein_error_clear();
        ein_status mine = rank == who ? ein_error(EIN_CORRUPT, "%s", expected) : EIN_OK;
        ck_assert_int_eq(ein_comm_agree(comm, mine), EIN_CORRUPT);
        const char *message = ein_error_message();
        if (size == 1) {
            ck_assert_str_eq(message, expected);
        } else {
            char start[64];
            snprintf(start, sizeof start, "rank %d on ", who);
            ck_assert_msg(strncmp(message, start, strlen(start)) == 0, "%s", message);
            ck_assert_msg(strstr(message, expected) != NULL, "%s", message);
        }
    }
}
END_TEST

/* Several, with different errors: the lowest rank speaks. */
START_TEST(several_fail) {
    ein_status mine = rank == 0 ? EIN_OK : ein_error(rank % 2 ? EIN_IO : EIN_NUMERIC, "fault %d", rank);
    ein_status agreed = ein_comm_agree(comm, mine);
    ck_assert_int_eq(agreed, size == 1 ? EIN_OK : EIN_IO);
    if (size > 1) ck_assert_msg(strstr(ein_error_message(), "fault 1") != NULL, "%s", ein_error_message());
}
END_TEST

START_TEST(all_fail) {
    ein_status mine = ein_error(rank == 0 ? EIN_USAGE : EIN_IO, "width of rank %d is impossible", rank);
    ck_assert_int_eq(ein_comm_agree(comm, mine), EIN_USAGE);
    ck_assert_str_eq(ein_error_message(), "width of rank 0 is impossible");
}
END_TEST

START_TEST(long_message) {
    char text[6000];
    memset(text, 'm', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int last = size - 1;
    ein_status mine = rank == last ? ein_error(EIN_FORMAT, "%s", text) : EIN_OK;
    ck_assert_int_eq(ein_comm_agree(comm, mine), EIN_FORMAT);
    size_t n = strlen(ein_error_message());
    ck_assert_msg(n > 1900 && n < sizeof text, "%zu bytes", n);
    ck_assert_int_eq(ein_error_message()[n - 1], 'm');
}
END_TEST

/* A message is text, not a format. */
START_TEST(percent_signs) {
    ein_status mine = rank == 0 ? ein_error(EIN_IO, "%s", "100 %s %n %d") : EIN_OK;
    ck_assert_int_eq(ein_comm_agree(comm, mine), EIN_IO);
    ck_assert_msg(strstr(ein_error_message(), "100 %s %n %d") != NULL, "%s", ein_error_message());
}
END_TEST

/* After a failure the next agreement starts afresh, and agreeing on the agreed changes nothing. */
START_TEST(again) {
    ein_status agreed = ein_comm_agree(comm, rank == size - 1 ? ein_error(EIN_IO, "once") : EIN_OK);
    char first[256];
    snprintf(first, sizeof first, "%s", ein_error_message());
    ck_assert_int_eq(ein_comm_agree(comm, agreed), EIN_IO);
    ck_assert_str_eq(ein_error_message(), first);
    ck_assert_int_eq(ein_comm_agree(comm, EIN_OK), EIN_OK);
}
END_TEST

START_TEST(share) {
    ck_assert_int_eq(ein_comm_share(comm, EIN_OK), EIN_OK);
    ein_status mine = rank == 0 ? ein_error(EIN_EXISTS, "folder is in use") : EIN_OK;
    ck_assert_int_eq(ein_comm_share(comm, mine), EIN_EXISTS);
    ck_assert_str_eq(ein_error_message(), "folder is in use");
    /* What others hold does not matter. */
    ck_assert_int_eq(ein_comm_share(comm, rank == 0 ? EIN_OK : EIN_IO), EIN_OK);
}
END_TEST

START_TEST(broadcast) {
    static const int64_t lengths[] = {0, 1, 3, 4096, 1000003};
    for (int l = 0; l < 5; l++) {
        void *data = NULL;
        int64_t bytes = -1;
        if (rank == 0) {
            bytes = lengths[l];
            data = malloc((size_t)bytes + 1);
            for (int64_t i = 0; i < bytes; i++) ((unsigned char *)data)[i] = (unsigned char)(i * 7 + l);
        }
        ck_assert_int_eq(ein_comm_bcast_bytes(comm, &data, &bytes), EIN_OK);
        ck_assert_int_eq(bytes, lengths[l]);
        ck_assert_ptr_nonnull(data);
        int64_t wrong = 0;
        for (int64_t i = 0; i < bytes; i++) wrong += ((unsigned char *)data)[i] != (unsigned char)(i * 7 + l);
        ck_assert_int_eq(wrong, 0);
        free(data);
    }
}
END_TEST

/* A size that no rank but the first can hold is an error on all ranks, and nothing leaks or hangs. */
START_TEST(broadcast_without_memory) {
    void *data = NULL;
    int64_t bytes = INT64_MAX;
    ein_status status = size == 1 ? EIN_NOMEM : ein_comm_bcast_bytes(comm, &data, &bytes);
    ck_assert_int_eq(status, EIN_NOMEM);
    ck_assert_ptr_null(data);
}
END_TEST

START_TEST(sums) {
    int64_t values[3] = {rank, 1, INT64_C(1) << 40};
    ck_assert_int_eq(ein_comm_sum_i64(comm, values, 3), EIN_OK);
    ck_assert_int_eq(values[0], (int64_t)size * (size - 1) / 2);
    ck_assert_int_eq(values[1], size);
    ck_assert_int_eq(values[2], size * (INT64_C(1) << 40));
    int64_t extremes[2] = {rank, -rank};
    ck_assert_int_eq(ein_comm_max_i64(comm, extremes, 2), EIN_OK);
    ck_assert_int_eq(extremes[0], size - 1);
    ck_assert_int_eq(extremes[1], 0);
    /* More than goes into one piece. */
    const int64_t n = 2 * (INT64_C(1) << 20) + 3;
    double *many = malloc((size_t)n * sizeof *many);
    ck_assert_ptr_nonnull(many);
    for (int64_t i = 0; i < n; i++) many[i] = (double)(i + rank);
    ck_assert_int_eq(ein_comm_sum_f64(comm, many, n), EIN_OK);
    for (int64_t i = 0; i < n; i++)
        if (!(many[i] == (double)(size * i + size * (size - 1) / 2)))
            ck_abort_msg("number %lld", (long long)i);
    free(many);
}
END_TEST

/* MPI's error codes become statuses, with MPI's words: errors are returned, not fatal. */
START_TEST(errors_are_returned) {
    int value = 0;
    int code = MPI_Send(&value, 1, MPI_INT, size + 5, 0, ein_comm_mpi(comm));
    ck_assert_int_eq(ein_comm_check(code, "sending to nobody"), EIN_COMM);
    ck_assert_msg(strstr(ein_error_message(), "sending to nobody: MPI_ERR_RANK") != NULL, "%s",
                  ein_error_message());
    ck_assert_int_eq(ein_comm_check(MPI_SUCCESS, "nothing"), EIN_OK);
    ck_assert_int_gt(strlen(ein_comm_host(comm)), 0);
    int wide = 0;
    MPI_Comm_size(MPI_COMM_WORLD, &wide);
    ck_assert_int_eq(wide, size);
    /* It is remembered: nothing is entered any more, not even by this rank alone. */
    if (rank == 0) {
        int64_t number = 1;
        ein_comm_barrier(comm);
        ck_assert_int_eq(ein_comm_agree(comm, EIN_OK), EIN_COMM);
        ck_assert_int_eq(ein_comm_share(comm, EIN_OK), EIN_COMM);
        ck_assert_int_eq(ein_comm_sum_i64(comm, &number, 1), EIN_COMM);
        ck_assert_int_eq(ein_comm_max_i64(comm, &number, 1), EIN_COMM);
        ck_assert_msg(strstr(ein_error_message(), "sending to nobody") != NULL, "%s", ein_error_message());
    }
}
END_TEST

START_TEST(shares) {
    static const int64_t totals[] = {0, 1, 2, 3, 7, 100, INT64_C(1) << 50};
    for (int t = 0; t < 7; t++)
        for (int ranks = 1; ranks <= 9; ranks++) {
            int64_t next = 0, largest = 0, smallest = INT64_MAX, before = INT64_MAX;
            for (int r = 0; r < ranks; r++) {
                int64_t first = -1, count = -1;
                ein_share(totals[t], r, ranks, &first, &count);
                ck_assert_int_eq(first, next);
                ck_assert_int_ge(before, count);
                next = first + count;
                largest = count > largest ? count : largest;
                smallest = count < smallest ? count : smallest;
                before = count;
            }
            ck_assert_int_eq(next, totals[t]);
            ck_assert_int_le(largest - smallest, 1);
        }
}
END_TEST

/* An item says its place and whose it is, and holds a sign that a sum would lose. */
typedef struct {
    int32_t index, owner;
    float zero;
} item;

static item item_of(int64_t index, int owner) {
    return (item){(int32_t)index, owner, -0.0f};
}

static void check_items(const item *all, const int64_t *counts, int64_t total) {
    int64_t at = 0;
    for (int r = 0; r < size; r++) {
        int64_t first = at, count = counts ? counts[r] : 0;
        if (!counts) ein_share(total, r, size, &first, &count);
        ck_assert_int_eq(first, at);
        for (int64_t i = 0; i < count; i++, at++) {
            const item expected = item_of(at, r);
            ck_assert_mem_eq(&all[at], &expected, sizeof expected);
        }
    }
}

/* Counts of each rank, shares of a total, in place or not, nobody or somebody with nothing. */
START_TEST(gathering) {
    enum { MOST = 64 };
    static const char what[] = "gathering items";
    int64_t counts[16], own = rank == 1 ? 0 : 3 + rank;
    ck_assert_int_eq(ein_gather_counts(comm, own, counts, what), EIN_OK);
    int64_t before = 0, total = 0;
    for (int r = 0; r < size; r++) {
        ck_assert_int_eq(counts[r], r == 1 ? 0 : 3 + r);
        if (r < rank) before += counts[r];
        total += counts[r];
    }
    item mine[MOST], all[MOST];
    for (int64_t i = 0; i < own; i++) mine[i] = item_of(before + i, rank);
    ck_assert_int_eq(ein_gather(comm, mine, rank == 0 ? all : NULL, counts, 0, sizeof *all, what), EIN_OK);
    if (rank == 0) check_items(all, counts, total);
    ck_assert_int_eq(ein_gather(comm, mine, mine, counts, 0, sizeof *all, what), EIN_OK);
    if (rank == 0) check_items(mine, counts, total);
    static const int64_t totals[] = {0, 1, 2, 7, 50};
    for (int t = 0; t < 5; t++) {
        int64_t first, count;
        ein_share(totals[t], rank, size, &first, &count);
        memset(all, 0x55, sizeof all);
        for (int64_t i = first; i < first + count; i++) all[i] = item_of(i, rank);
        ck_assert_int_eq(ein_gather_everywhere(comm, all, NULL, totals[t], sizeof *all, what), EIN_OK);
        check_items(all, NULL, totals[t]);
    }
}
END_TEST

int main(int argc, char **argv) {
    if (ein_comm_start(&argc, &argv, &comm) != EIN_OK) return 1;
    rank = ein_comm_rank(comm);
    size = ein_comm_size(comm);
    Suite *suite = suite_create("comm");
    ein_tap_add(suite, "all ok", all_ok);
    ein_tap_add(suite, "one fails", one_fails);
    ein_tap_add(suite, "several fail", several_fail);
    ein_tap_add(suite, "all fail", all_fail);
    ein_tap_add(suite, "a long message", long_message);
    ein_tap_add(suite, "percent signs", percent_signs);
    ein_tap_add(suite, "agreeing again", again);
    ein_tap_add(suite, "sharing rank 0's status", share);
    ein_tap_add(suite, "broadcast", broadcast);
    ein_tap_add(suite, "broadcast without memory", broadcast_without_memory);
    ein_tap_add(suite, "sums, maximum, prefix sums", sums);
    ein_tap_add(suite, "contiguous shares", shares);
    ein_tap_add(suite, "what each holds a part of, put together", gathering);
    ein_tap_add(suite, "MPI errors are returned, and remembered",
                errors_are_returned); /* nothing works after it */
    int bad = ein_tap_main_mpi(suite, ein_comm_mpi(comm));
    ein_comm_finish(comm);
    MPI_Finalize(); /* not done with an error in hand */
    return bad;
}
