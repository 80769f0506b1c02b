/* Intervals as bars of characters. */
#include "jobs/metrics/bar.h"

#include <math.h>
#include <string.h>

#include "tests/tap.h"

START_TEST(test_bars) {
    char bar[EIN_BAR_WIDTH + 1];
    ein_bar(bar, 0.6, 0.7, 0.8, 0.5, 0, 1);
    ck_assert_str_eq(bar, "                    |   ----o----        ");
    ein_bar(bar, -0.5, 0.1, 2, 0.5, 0, 1);
    ck_assert_str_eq(bar, "<---o---------------|------------------->");
    ein_bar(bar, -1, 0, 1, 0, -1, 1);
    ck_assert_str_eq(bar, "--------------------O--------------------");
    ein_bar(bar, (double)NAN, 0.5, 1, 0, 0, 1);
    ck_assert_str_eq(bar, "");
    ein_bar(bar, 0, 0, 0, (double)NAN, 0, 0);
    ck_assert_str_eq(bar, "");
}
END_TEST

int main(void) {
    Suite *suite = suite_create("bar");
    ein_tap_add(suite, "bars", test_bars);
    return ein_tap_main(suite);
}
