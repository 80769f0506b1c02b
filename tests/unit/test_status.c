/* Errors that are carried over other calls and threads, and arrays that grow. */
#include "core/base/status.h"

#include <stdlib.h>
#include <string.h>

#include "tests/report.h"

static void first_counts(void) {
    ein_kept_error kept = {.status = EIN_OK};
    report(ein_error_kept(&kept) == EIN_OK, "nothing is kept at first");
    ein_error_keep(&kept, EIN_OK);
    report(kept.status == EIN_OK, "no error is nothing to keep");
    ein_error_keep(&kept, ein_error(EIN_IO, "the disk is full"));
    ein_error_keep(&kept, ein_error(EIN_FORMAT, "closing went wrong too"));
    ein_error_clear();
    report(ein_error_kept(&kept) == EIN_IO && strcmp(ein_error_message(), "the disk is full") == 0,
           "the first error comes back: %s", ein_error_message());
}

static void longest_message(void) {
    char text[EIN_ERROR_BYTES + 100];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ein_kept_error kept = {.status = EIN_OK};
    ein_error_keep(&kept, ein_error(EIN_IO, "%s", text));
    ein_error_clear();
    report(ein_error_kept(&kept) == EIN_IO && strlen(ein_error_message()) == EIN_ERROR_BYTES - 1,
           "a message of full length is kept whole");
}

/* Whatever thread is first, the message that comes back is that of the lowest record. */
static void lowest_counts(void) {
    ein_kept_error kept = {.status = EIN_OK};
#pragma omp parallel for num_threads(4) schedule(static, 1)
    for (int64_t i = 199; i >= 0; i--)
        if (i % 7 == 3)
            ein_error_keep_lowest(&kept, i, ein_error(EIN_RANGE, "record %lld", (long long)i));
        else
            ein_error_keep_lowest(&kept, i, EIN_OK);
    report(ein_error_kept(&kept) == EIN_RANGE && strcmp(ein_error_message(), "record 3") == 0,
           "of a team's errors that of the lowest record: %s", ein_error_message());
}

static void growing(void) {
    int64_t *item = NULL, room = 0, steps = 0;
    bool good = true;
    for (int64_t n = 0; n < 100000; n++) {
        const int64_t before = room;
        good = good && EIN_GROW(item, room, n + 1) == EIN_OK && room > n;
        steps += room != before;
        item[n] = n;
    }
    for (int64_t n = 0; n < 100000; n++) good = good && item[n] == n;
    report(good && steps < 20, "100000 items, one by one, in %lld steps", (long long)steps);
    const int64_t *where = item, had = room;
    report(EIN_GROW(item, room, 17) == EIN_OK && item == where && room == had,
           "what has room stays where it is");
    report(EIN_GROW(item, room, INT64_MAX) == EIN_NOMEM && item == where && room == had &&
               item[99999] == 99999,
           "more than there can be: %s", ein_error_message());
    free(item);
}

int main(void) {
    first_counts();
    longest_message();
    lowest_counts();
    growing();
    return report_end();
}
