/* Progress of long work: done, rate, elapsed and remaining time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/run/folder.h"
#include "io/run/run.h"

enum { LINE_BYTES = 512 };
static const double terminal_interval_s = 0.2;

struct ein_progress {
    ein_run *run; /* may be NULL: terminal only */
    char what[64], unit[32];
    int64_t total, first, done;
    double interval_s, start_s, terminal_s, log_s; /* when the last line went there */
    bool begun, terminal;
};

ein_progress *ein_progress_new(ein_run *run, const char *what, const char *unit, int64_t total,
                               double interval_s) {
    if (run && !run->writes) return NULL;
    ein_progress *p = calloc(1, sizeof *p);
    if (!p) return NULL; /* work goes on unwatched */
    p->run = run;
    snprintf(p->what, sizeof p->what, "%s", what);
    snprintf(p->unit, sizeof p->unit, "%s", unit);
    p->total = total;
    p->interval_s = interval_s;
    p->terminal = isatty(STDERR_FILENO) != 0;
    p->start_s = p->log_s = ein_clock_s();
    return p;
}

/* "1,234,567" */
static void print_count(char *out, size_t room, int64_t value) {
    char digits[32];
    int n = snprintf(digits, sizeof digits, "%lld", (long long)value), lead = digits[0] == '-';
    size_t at = 0;
    for (int i = 0; i < n && at + 2 < room; i++) {
        if (i > lead && (n - i) % 3 == 0) out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

static void print_line(const ein_progress *p, double now, const char *detail, char *out) {
    char done[40], total[40], rate[40], elapsed[32], left[32];
    double spent = now - p->start_s, per_s = spent > 0 ? (double)(p->done - p->first) / spent : 0;
    print_count(done, sizeof done, p->done);
    print_count(total, sizeof total, p->total);
    if (per_s >= 100)
        print_count(rate, sizeof rate, (int64_t)(per_s + 0.5));
    else
        snprintf(rate, sizeof rate, "%.3g", per_s);
    ein_format_duration(spent, elapsed, sizeof elapsed);
    ein_format_duration(per_s > 0 ? (double)(p->total - p->done) / per_s : -1, left, sizeof left);
    double percent = p->total > 0 ? 100.0 * (double)p->done / (double)p->total : 100.0;
    snprintf(out, LINE_BYTES, "%s: %s of %s %s (%.1f %%), %s %s/s, elapsed %s, left %s%s%s", p->what, done,
             total, p->unit, percent, rate, p->unit, elapsed, left, detail && detail[0] ? ", " : "",
             detail ? detail : "");
}

/* Rewrite the terminal's last line, cut to its width: a wrapped line cannot be taken back. */
static void show(ein_progress *p, char *line) {
    struct winsize window = {0};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) == 0 && window.ws_col > 1 && strlen(line) >= window.ws_col)
        line[window.ws_col - 1] = '\0';
    fprintf(stderr, "\r\033[K%s", line);
    fflush(stderr);
    if (p->run) p->run->progress_shown = true;
}

static void log_line(ein_progress *p, const char *line) {
    if (p->run && p->terminal)
        ein_run_log_file(p->run, line); /* the terminal has its own line */
    else if (p->run)
        ein_run_log(p->run, "%s", line);
    else if (!p->terminal)
        fprintf(stderr, "%s\n", line);
}

void ein_progress_update(ein_progress *p, int64_t done, const char *detail) {
    if (!p) return;
    if (!p->begun) { /* what was done before, by an earlier life of the run, does not count for the rate */
        p->begun = true;
        p->first = done;
    }
    p->done = done;
    double now = ein_clock_s();
    bool to_terminal = p->terminal && now - p->terminal_s >= terminal_interval_s;
    bool to_log = now - p->log_s >= p->interval_s;
    if (!to_terminal && !to_log) return;
    char line[LINE_BYTES];
    print_line(p, now, detail, line);
    if (to_log) {
        log_line(p, line);
        p->log_s = now;
    }
    if (to_terminal) {
        show(p, line);
        p->terminal_s = now;
    }
}

void ein_progress_finish(ein_progress *p) {
    if (!p) return;
    char line[LINE_BYTES], done[40], elapsed[32];
    double spent = ein_clock_s() - p->start_s;
    print_count(done, sizeof done, p->done - p->first);
    ein_format_duration(spent, elapsed, sizeof elapsed);
    snprintf(line, sizeof line, "%s: %s %s in %s (%.4g %s/s)", p->what, done, p->unit, elapsed,
             spent > 0 ? (double)(p->done - p->first) / spent : 0.0, p->unit);
    if (p->run)
        ein_run_log(p->run, "%s", line);
    else
        fprintf(stderr, "%s%s\n", p->terminal ? "\r\033[K" : "", line);
    free(p);
}
