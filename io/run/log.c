/* Lines for people: log.txt and the terminal. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/run/folder.h"
#include "io/run/run.h"

enum { LINE_BYTES = 4096 };

/* The whole of `text` or nothing is what counts: a short write on a full disk leaves a torn line, and the
 * next line starts on a fresh one. */
static bool write_whole(int fd, const char *text, size_t n) {
    return write(fd, text, n) == (ssize_t)n;
}

void ein_run_log_file(ein_run *run, const char *line) {
    if (run->log_fd < 0) return;
    char text[LINE_BYTES + 128], now[EIN_CLOCK_TIME_BYTES];
    ein_clock_time(now);
    if (run->lost_lines > 0) {
        int n = snprintf(text, sizeof text, "\n%s %lld lines were lost here: log.txt could not be written\n",
                         now, (long long)run->lost_lines);
        if (write_whole(run->log_fd, text, (size_t)n)) run->lost_lines = 0;
    }
    int n = snprintf(text, sizeof text, "%s %s\n", now, line);
    /* A full disk must not end a run because of its diary. */
    if (run->lost_lines > 0 || !write_whole(run->log_fd, text, (size_t)n)) run->lost_lines++;
}

static void print_terminal(ein_run *run, const char *line) {
    char now[EIN_CLOCK_TIME_BYTES];
    if (isatty(STDERR_FILENO)) {
        fprintf(stderr, "%s%s\n", run->progress_shown ? "\r\033[K" : "", line);
        run->progress_shown = false;
    } else {
        ein_clock_time(now);
        fprintf(stderr, "%s %s\n", now, line);
    }
    fflush(stderr);
}

/* A message is one line: line ends become blanks. */
EIN_PRINTF(4, 0)
static void format_line(char *out, size_t room, const char *prefix, const char *format, va_list args) {
    size_t n = strlen(prefix);
    memcpy(out, prefix, n + 1);
    vsnprintf(out + n, room - n, format, args);
    for (char *s = out; *s; s++)
        if (*s == '\n' || *s == '\r') *s = ' ';
}

void ein_run_log(ein_run *run, const char *format, ...) {
    if (!run->writes) return;
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    format_line(line, sizeof line, "", format, args);
    va_end(args);
    ein_run_log_file(run, line);
    print_terminal(run, line);
}

/* Keep a warning for the summary, the same one once with a count. */
static void remember(ein_run *run, const char *line) {
    for (int i = 0; i < run->n_warnings; i++)
        if (strcmp(run->warning[i], line) == 0) {
            run->warning_count[i]++;
            return;
        }
    char *copy = run->n_warnings < EIN_RUN_MAX_WARNINGS ? strdup(line) : NULL;
    if (!copy) {
        run->more_warnings++;
        return;
    }
    run->warning_count[run->n_warnings] = 1;
    run->warning[run->n_warnings++] = copy;
}

void ein_run_warn(ein_run *run, const char *format, ...) {
    if (!run->writes) return;
    char line[LINE_BYTES];
    va_list args;
    va_start(args, format);
    format_line(line, sizeof line, "*** WARNING: ", format, args);
    va_end(args);
    remember(run, line);
    ein_run_log_file(run, line);
    print_terminal(run, line);
}

void ein_run_log_summary(ein_run *run) {
    if (run->n_warnings == 0) return;
    ein_run_log(run, "warnings of this run, once more:");
    for (int i = 0; i < run->n_warnings; i++) {
        if (run->warning_count[i] > 1)
            ein_run_log(run, "%s (%lld times)", run->warning[i], (long long)run->warning_count[i]);
        else
            ein_run_log(run, "%s", run->warning[i]);
    }
    if (run->more_warnings > 0)
        ein_run_log(run, "*** and %lld more, further up in log.txt", (long long)run->more_warnings);
}
