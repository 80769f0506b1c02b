/* Results that are not as they were written are noticed, by their name, before anybody uses them. */
#include "io/base/sums.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/hash.h"
#include "jobs/study/plan.h"
#include "tests/report.h"

static char folder[64], list[96], metrics[96];

static void put(const char *path, const char *text) {
    EIN_BUG_IF(ein_durable_write(path, text, strlen(text)) != EIN_OK);
}

/* A list of one file, with the sum of `text`. */
static void put_list(const char *name, const char *text) {
    char hash[EIN_HASH_TEXT_BYTES], lines[256];
    ein_hash_text(text, strlen(text), hash);
    snprintf(lines, sizeof lines, "# einthoven evaluate 0.1.0\n# run 6b1f0c\n%s  %s\n", hash, name);
    put(list, lines);
}

static void lists(void) {
    char run[EIN_SUMS_RUN_BYTES];
    static const char figures[] = "{\"R2\": -0.974}";
    report(ein_sums_check(list, NULL, run) == EIN_NOTFOUND, "no list: %s", ein_error_message());
    put(metrics, figures);
    put_list("metrics.json", figures);
    report(ein_sums_check(list, "metrics.json", run) == EIN_OK && strcmp(run, "6b1f0c") == 0,
           "a file as it was written");
    report(ein_sums_check(list, NULL, NULL) == EIN_OK, "all files");
    report(ein_sums_check(list, "scores.csv", run) == EIN_CORRUPT &&
               strstr(ein_error_message(), "scores.csv"),
           "a file that is not in the list: %s", ein_error_message());
    put(metrics, "{\"R2\": 0.974}");
    report(ein_sums_check(list, "metrics.json", run) == EIN_CORRUPT &&
               strstr(ein_error_message(), "damaged or edited"),
           "a sign that was flipped: %s", ein_error_message());
    put(metrics, "");
    report(ein_sums_check(list, NULL, run) == EIN_CORRUPT, "a file that was emptied");
    unlink(metrics);
    report(ein_sums_check(list, NULL, run) == EIN_CORRUPT && strstr(ein_error_message(), "is gone"),
           "one that is gone: %s", ein_error_message());
    static const char *const bad[] = {"", "# run x\n", "x\n", "00  metrics.json\n", "../../../etc/passwd\n"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        put(list, bad[i]);
        const ein_status status = ein_sums_check(list, NULL, run);
        report(status == EIN_FORMAT || status == EIN_CORRUPT, "no list: '%s': %s", bad[i],
               ein_error_message());
    }
    put_list("../metrics.json", figures);
    report(ein_sums_check(list, NULL, run) == EIN_FORMAT, "a name elsewhere: %s", ein_error_message());
}

/* A cell of a study whose output was edited is not done. */
static void cells(void) {
    char state[96], command[96];
    snprintf(state, sizeof state, "%s/STATE", folder);
    snprintf(command, sizeof command, "%s/COMMAND", folder);
    put(state, "done\n");
    put(command, "stamp: 00ff\n");
    put(metrics, "{\"R2\": -0.974}");
    unlink(list);
    ein_study_cell c = {.folder = folder, .output = metrics, .sums = list, .stamp = "00ff"};
    report(ein_study_look(&c) == EIN_OK && c.state == EIN_STATE_DONE && c.unverified,
           "a cell without a list is done, and not verified");
    put_list("metrics.json", "{\"R2\": -0.974}");
    report(ein_study_look(&c) == EIN_OK && c.state == EIN_STATE_DONE && !c.unverified,
           "with the right sum it is done");
    put(metrics, "{\"R2\": 0.974}");
    report(ein_study_look(&c) == EIN_OK && c.state == EIN_STATE_NONE && strstr(c.reason, "damaged or edited"),
           "an edited one is to be done again: %s", c.reason);
    c.sums = NULL;
    report(ein_study_look(&c) == EIN_OK && c.state == EIN_STATE_DONE,
           "cells with outputs that check themselves have no list");
    unlink(state);
    unlink(command);
}

int main(void) {
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.30s/sums-XXXXXX", tmp ? tmp : "/tmp");
    if (!mkdtemp(folder)) return 1;
    snprintf(list, sizeof list, "%s/MADE-BY", folder);
    snprintf(metrics, sizeof metrics, "%s/metrics.json", folder);
    lists();
    cells();
    unlink(list);
    unlink(metrics);
    rmdir(folder);
    return report_end();
}
