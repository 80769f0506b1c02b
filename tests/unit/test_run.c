/* Run folders: lock against a second process, left-behind lock, STATE, log, metrics, progress. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/base/durable.h"
#include "io/run/run.h"
#include "tests/report.h"

static char folder[] = "/tmp/einthoven-run.XXXXXX";
static ein_comm *comm;

static const char *in_folder(const char *name) {
    static char paths[64][512]; /* as many as one test may hold */
    static int at;
    at = (at + 1) % 64;
    snprintf(paths[at], sizeof paths[at], "%s/%s", folder, name);
    return paths[at];
}

/* The file's text in static memory; "" if there is none. */
static const char *text_of(const char *path) {
    static char *text;
    size_t bytes = 0;
    free(text);
    text = NULL;
    if (ein_file_read(path, 1 << 20, &text, &bytes) != EIN_OK) return "";
    return text;
}

static ein_run *open_run(const char *name) {
    ein_run *run = NULL;
    if (ein_run_open(comm, in_folder(name), &run) != EIN_OK) {
        printf("#   %s\n", ein_error_message());
        return NULL;
    }
    return run;
}

/* --- another process that holds a run folder; forked before MPI starts in this one ----------------------- */

typedef struct {
    pid_t pid;
    int to, from;
} peer;

/* Wait for a byte, open the folder, tell how it went, wait for another byte or death, close. */
static void hold(int in, int out) {
    char byte = 0;
    ein_run *run = NULL;
    int argc = 0;
    if (read(in, &byte, 1) != 1) _exit(0);
    setenv("SLURM_JOB_ID", "4711", 1);
    bool good = ein_comm_start(&argc, NULL, &comm) == EIN_OK &&
                ein_run_open(comm, in_folder("locked"), &run) == EIN_OK &&
                ein_run_set_state(run, EIN_STATE_RUNNING, 12, "working") == EIN_OK;
    if (write(out, good ? "y" : "n", 1) != 1) _exit(1);
    if (read(in, &byte, 1) == 1) ein_run_close(run);
    _exit(0);
}

static peer new_peer(void) {
    int to[2], from[2];
    peer p = {-1, -1, -1};
    if (pipe(to) != 0 || pipe(from) != 0) return p;
    p.pid = fork();
    if (p.pid == 0) {
        close(to[1]);
        close(from[0]);
        hold(to[0], from[1]);
    }
    close(to[0]);
    close(from[1]);
    p.to = to[1];
    p.from = from[0];
    return p;
}

static bool tell(peer *p) {
    char answer = 'n';
    return write(p->to, "x", 1) == 1 && read(p->from, &answer, 1) == 1 && answer == 'y';
}

static void check_lock(peer *p) {
    char expected[64];
    report(tell(p), "another process takes the folder");
    ein_run *run = NULL;
    bool refused = ein_run_open(comm, in_folder("locked"), &run) == EIN_EXISTS && !run;
    report(refused, "a second process is refused");
    snprintf(expected, sizeof expected, "process %ld on %s", (long)p->pid, ein_comm_host(comm));
    bool named = strstr(ein_error_message(), expected) && strstr(ein_error_message(), "Slurm job 4711") &&
                 strstr(ein_error_message(), "since 20") && strstr(ein_error_message(), in_folder("locked"));
    if (!report(named, "the message names process, host, job, time and folder"))
        printf("#   %s\n", ein_error_message());
    kill(p->pid, SIGKILL);
    waitpid(p->pid, NULL, 0);
    run = open_run("locked");
    report(run != NULL, "the lock of a killed process is taken over");
    report(run && ein_run_previous_state(run) == EIN_STATE_RUNNING, "its STATE is found: running");
    report(strstr(text_of(in_folder("locked/log.txt")), "was left behind; taken over"),
           "and the log names it");
    snprintf(expected, sizeof expected, "pid: %ld\n", (long)getpid());
    report(strstr(text_of(in_folder("locked/LOCK")), expected), "LOCK names this process now");
    ein_run_close(run);
    report(strcmp(text_of(in_folder("locked/LOCK")), "") == 0, "LOCK is empty after an orderly end");
    run = open_run("locked");
    const char *log = text_of(in_folder("locked/log.txt"));
    const char *first = strstr(log, "left behind");
    report(run && first && !strstr(first + 1, "left behind"),
           "an orderly end is not taken for a dead process");
    ein_run_close(run);
}

/* --- STATE and log ---------------------------------------------------------------------------------------- */

static void check_state(void) {
    ein_run *run = open_run("state/deep/er");
    report(run && ein_run_previous_state(run) == EIN_STATE_NONE, "a fresh folder is made and has no state");
    static const char *const words[] = {"none", "running", "stopped", "done", "failed"};
    for (int s = EIN_STATE_RUNNING; s <= EIN_STATE_FAILED; s++) {
        bool good = ein_run_set_state(run, (ein_run_state)s, 7 * s, "two\nlines") == EIN_OK;
        ein_run_close(run);
        const char *text = text_of(in_folder("state/deep/er/STATE"));
        char expected[64];
        snprintf(expected, sizeof expected, "%s\nstep: %d\nreason: two lines\n", words[s], 7 * s);
        good = good && strncmp(text, expected, strlen(expected)) == 0 && strstr(text, "\ntime: 20");
        run = open_run("state/deep/er");
        report(good && run && ein_run_previous_state(run) == (ein_run_state)s,
               "state %s is written and found", words[s]);
    }
    ein_run_close(run);
    ein_durable_write(in_folder("state/deep/er/STATE"), "nonsense\n", 9);
    run = open_run("state/deep/er");
    report(run && ein_run_previous_state(run) == EIN_STATE_NONE, "a STATE without meaning is no state");
    ein_run_close(run);
    ein_durable_write(in_folder("file"), "", 0);
    report(ein_run_open(comm, in_folder("file"), &run) == EIN_EXISTS && !run,
           "a file in the way is an error");
    ein_run_close(NULL);
}

/* stderr goes to `path` until restore_stderr. */
static int saved_stderr = -1;
static void capture_stderr(const char *path) {
    fflush(stderr);
    saved_stderr = dup(STDERR_FILENO);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(fd, STDERR_FILENO);
    close(fd);
}
static void restore_stderr(void) {
    fflush(stderr);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
}

static int count_of(const char *text, const char *part) {
    int n = 0;
    for (const char *s = text; (s = strstr(s, part)); s += strlen(part)) n++;
    return n;
}

static void check_log(void) {
    const char *terminal = in_folder("stderr");
    ein_run *run = open_run("log");
    capture_stderr(terminal);
    ein_run_log(run, "step %d of %s\nand more", 3, "many");
    ein_run_warn(run, "disk at %d %%", 97);
    ein_run_warn(run, "disk at %d %%", 97);
    ein_run_close(run);
    restore_stderr();
    const char *log = text_of(in_folder("log/log.txt"));
    report(log[4] == '-' && log[10] == 'T' && log[19] == 'Z' && log[20] == ' ',
           "log lines start with UTC time");
    report(count_of(log, "step 3 of many and more\n") == 1, "a message is one line");
    report(count_of(log, "*** WARNING: disk at 97 %") == 3 && strstr(log, "(2 times)"),
           "warnings come once more at the end, equal ones counted");
    char *copy = strdup(log);
    report(strcmp(copy, text_of(terminal)) == 0, "the terminal, if it is a file, gets the same lines");
    free(copy);
}

/* The file-size limit plays the full disk: RLIMIT_FSIZE fails writes behind `bytes`. */
static struct rlimit unlimited;
static void limit_files(rlim_t bytes) {
    getrlimit(RLIMIT_FSIZE, &unlimited);
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit small = {bytes, unlimited.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
}
static void unlimit_files(void) {
    setrlimit(RLIMIT_FSIZE, &unlimited);
}

static void check_log_on_full_disk(void) {
    ein_run *run = open_run("fulllog");
    ein_run_log(run, "before");
    capture_stderr("/dev/null");
    limit_files(16);
    for (int i = 0; i < 5; i++) ein_run_log(run, "lost %d", i);
    unlimit_files();
    ein_run_log(run, "after");
    restore_stderr();
    const char *log = text_of(in_folder("fulllog/log.txt"));
    report(strstr(log, "before") && !strstr(log, "lost 0") && strstr(log, "5 lines were lost here") &&
               strstr(log, "Z after\n"),
           "a log that cannot be written loses lines, counts them, goes on");
    ein_run_close(run);
}

/* --- metrics ------------------------------------------------------------------------------------------------ */

static const char *const columns[] = {"step", "loss", "rate"};

static ein_run *write_metrics(const char *name, int64_t keep_through, int first, int last) {
    ein_run *run = open_run(name);
    if (!run || ein_run_metrics_open(run, columns, 3, keep_through, NULL) != EIN_OK) {
        printf("#   %s\n", ein_error_message());
        return run;
    }
    for (int step = first; step <= last; step++) {
        double row[3] = {step, 1.0 / step, step % 2 ? NAN : 0.25};
        if (ein_run_metrics_row(run, row, 3) != EIN_OK) printf("#   %s\n", ein_error_message());
    }
    return run;
}

static void check_metrics(void) {
    ein_run_close(write_metrics("whole", -1, 1, 20));
    char *whole = strdup(text_of(in_folder("whole/metrics.csv")));
    report(strncmp(whole, "step,loss,rate\n1,1,\n2,0.5,0.25\n3,0.333333333,\n", 46) == 0,
           "rows are as promised");
    ein_run_close(write_metrics("pieces", -1, 1, 13));
    ein_run_close(write_metrics("pieces", 9, 10, 17));
    ein_run_close(write_metrics("pieces", 17, 18, 20));
    report(strcmp(whole, text_of(in_folder("pieces/metrics.csv"))) == 0,
           "a run in pieces, set back to step 9 and resumed at 17, has the same bytes");
    ein_run_close(write_metrics("pieces", 0, 1, 20));
    report(strcmp(whole, text_of(in_folder("pieces/metrics.csv"))) == 0,
           "set back to step 0: only the header stays");
    ein_run_close(write_metrics("pieces", -1, 1, 20));
    report(strcmp(whole, text_of(in_folder("pieces/metrics.csv"))) == 0, "started anew");
    ein_run_close(write_metrics("pieces", 100, 21, 20));
    report(strcmp(whole, text_of(in_folder("pieces/metrics.csv"))) == 0, "nothing to cut");
    ein_durable_write(in_folder("torn/x"), "", 0);
    ein_make_folders(in_folder("torn"));
    ein_durable_write(in_folder("torn/metrics.csv"), whole, strlen(whole) - 3);
    ein_run_close(write_metrics("torn", 100, 20, 20));
    report(strcmp(whole, text_of(in_folder("torn/metrics.csv"))) == 0, "a torn last row is cut off");
    free(whole);
}

static void check_metrics_refused(void) {
    ein_run *run = open_run("whole");
    static const char *const others[] = {"step", "loss"};
    report(ein_run_metrics_open(run, others, 2, 5, NULL) == EIN_MISMATCH &&
               strstr(ein_error_message(), "step,loss,rate"),
           "other columns are refused when resuming");
    report(ein_run_metrics_open(run, others, 2, -1, NULL) == EIN_OK, "and taken when starting anew");
    ein_run_close(run);
    const char *text = "step,loss,rate\n1,2,3\nabc,2,3\n4,5,6\n";
    ein_durable_write(in_folder("whole/metrics.csv"), text, strlen(text));
    run = open_run("whole");
    report(ein_run_metrics_open(run, columns, 3, 9, NULL) == EIN_CORRUPT &&
               strstr(ein_error_message(), "metrics.csv:3"),
           "a row without a step is corruption, with its line");
    ein_run_close(run);
}

static void check_metrics_on_full_disk(void) {
    ein_run *run = write_metrics("fullmetrics", -1, 1, 3);
    char *before = strdup(text_of(in_folder("fullmetrics/metrics.csv")));
    double row[3] = {4, 0.123456789, 0.987654321};
    limit_files(strlen(before) + 5); /* the row fits in part */
    ein_status status = ein_run_metrics_row(run, row, 3);
    unlimit_files();
    report(status == EIN_IO && strstr(ein_error_message(), "step 4"), "a row that does not fit is an error");
    report(strcmp(before, text_of(in_folder("fullmetrics/metrics.csv"))) == 0, "and leaves no half row");
    report(ein_run_metrics_row(run, row, 3) == EIN_OK && ein_run_metrics_sync(run) == EIN_OK &&
               strstr(text_of(in_folder("fullmetrics/metrics.csv")), "\n4,0.123456789,0.987654321\n"),
           "with space again, rows go on");
    free(before);
    ein_run_close(run);
}

/* --- progress ------------------------------------------------------------------------------------------------- */

static void check_progress_in_log(void) {
    ein_run *run = open_run("progress");
    capture_stderr("/dev/null");
    ein_progress *p = ein_progress_new(run, "pretrain", "records", 1234567, 0.0);
    ein_progress_update(p, 1000, NULL);
    ein_progress_update(p, 2000, "loss 0.5");
    ein_progress_finish(p);
    p = ein_progress_new(run, "quiet", "steps", 10, 1e9);
    for (int i = 0; i < 1000; i++) ein_progress_update(p, i, NULL);
    ein_progress_finish(p);
    restore_stderr();
    ein_progress_update(NULL, 3, NULL);
    ein_progress_finish(NULL);
    const char *log = text_of(in_folder("progress/log.txt"));
    report(strstr(log, "pretrain: 1,000 of 1,234,567 records (0.1 %)") && strstr(log, "elapsed 0:"),
           "progress in a log tells done, total, share, time");
    report(strstr(log, "pretrain: 2,000 of") && strstr(log, ", loss 0.5\n") && strstr(log, "records/s"),
           "and rate and detail");
    report(strstr(log, "pretrain: 1,000 records in 0:00:0"),
           "what an earlier life did does not count for the rate");
    report(count_of(log, "quiet:") == 1, "within an interval there is no line but the last");
    ein_run_close(run);
}

/* All that was written to a terminal whose other end is closed. The kernel hands it over in pieces, so one read may
 * bring only the first. */
static void read_terminal(int terminal, char *text, size_t size) {
    size_t used = 0;
    ssize_t n;
    while (used < size - 1 && (n = read(terminal, text + used, size - 1 - used)) > 0) used += (size_t)n;
    text[used] = '\0';
}

static void check_progress_on_terminal(void) {
    int terminal = posix_openpt(O_RDWR | O_NOCTTY), slave = -1;
    if (terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0)
        slave = open(ptsname(terminal), O_RDWR | O_NOCTTY);
    if (slave < 0) {
        report(true, "progress on a terminal # SKIP no pseudo-terminal: %s", strerror(errno));
        return;
    }
    ein_run *run = open_run("terminal");
    fflush(stderr);
    int saved = dup(STDERR_FILENO);
    dup2(slave, STDERR_FILENO);
    ein_progress *p = ein_progress_new(run, "ingest", "records", 10, 1e9);
    ein_progress_update(p, 5, NULL);
    ein_run_log(run, "a message");
    ein_progress_finish(p);
    fflush(stderr);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(slave);
    char text[4096];
    read_terminal(terminal, text, sizeof text);
    report(strstr(text, "\r\033[Kingest: 5 of 10 records (50.0 %)") != NULL,
           "a terminal's line is rewritten in place");
    report(strstr(text, "\r\033[Ka message") != NULL, "a message takes the place of the progress line");
    const char *log = text_of(in_folder("terminal/log.txt"));
    report(strstr(log, "a message") && !strstr(log, "5 of 10") && !strstr(log, "\033"),
           "the log stays plain");
    close(terminal);
    ein_run_close(run);
}

static bool has(const char *path, const char *name) {
    char full[600];
    snprintf(full, sizeof full, "%s/%s", path, name);
    return access(full, F_OK) == 0;
}

/* Checkpoints may lie on another file system, where a link in the run folder leads. */
static void check_aside(void) {
    static const char *const names[] = {"metrics.csv", "ckpt/", NULL};
    char command[1200], run_folder[300];
    ein_run *run = NULL;
    snprintf(run_folder, sizeof run_folder, "%s/aside", folder);
    snprintf(command, sizeof command,
             "mkdir -p '%s/scratch/ckpt' '%s' && cd '%s' && ln -s ../scratch/ckpt ckpt", folder, run_folder,
             run_folder);
    bool good = system(command) == 0 && ein_run_open(comm, run_folder, &run) == EIN_OK;
    ein_status status = good ? ein_run_set_aside(run, names) : EIN_IO;
    report(status == EIN_OK && has(run_folder, "ckpt/.") && !has(run_folder, "earlier-1"),
           "an empty folder behind a link is nothing to keep: %s", ein_error_message());
    for (int i = 1; good && i <= 2; i++) {
        char kept[64];
        snprintf(kept, sizeof kept, "scratch/ckpt.earlier-%d/step", i);
        snprintf(command, sizeof command, "cd '%s' && echo x > ckpt/step && echo x > metrics.csv",
                 run_folder);
        good = system(command) == 0 && ein_run_set_aside(run, names) == EIN_OK;
        report(good && has(folder, kept) && has(run_folder, "ckpt/.") && !has(run_folder, "ckpt/step"),
               "what it holds is kept beside it (%d): %s", i, good ? "" : ein_error_message());
    }
    report(has(run_folder, "earlier-2/metrics.csv"), "files in the run folder");
    if (run) ein_run_close(run);
}

static void check_durations(void) {
    static const struct {
        double seconds;
        const char *text;
    } cases[] = {{0, "0:00:00"},     {59.4, "0:00:59"},       {59.6, "0:01:00"},
                 {3600, "1:00:00"},  {360001, "100:00:01"},   {-1, "?"},
                 {(double)NAN, "?"}, {(double)INFINITY, "?"}, {4e9, "?"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[32];
        ein_format_duration(cases[i].seconds, text, sizeof text);
        report(strcmp(text, cases[i].text) == 0, "%g s is %s", cases[i].seconds, cases[i].text);
    }
}

int main(void) {
    unsetenv("SLURM_JOB_ID");
    if (!mkdtemp(folder)) return 1;
    peer holder = new_peer();
    int argc = 0;
    if (ein_comm_start(&argc, NULL, &comm) != EIN_OK) return 1;
    check_lock(&holder);
    check_state();
    check_log();
    check_log_on_full_disk();
    check_metrics();
    check_metrics_refused();
    check_metrics_on_full_disk();
    check_progress_in_log();
    check_progress_on_terminal();
    check_aside();
    check_durations();
    char command[300];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    report(system(command) == 0, "clean up");
    ein_comm_finish(comm);
    return report_end();
}
