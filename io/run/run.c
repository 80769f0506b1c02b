/* Run folders: making them, the lock, STATE. */
#include "io/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/base/durable.h"
#include "io/run/folder.h"

enum { SMALL_FILE_BYTES = 4096 };

static const char *const state_words[] = {[EIN_STATE_NONE] = "none",
                                          [EIN_STATE_RUNNING] = "running",
                                          [EIN_STATE_STOPPED] = "stopped",
                                          [EIN_STATE_DONE] = "done",
                                          [EIN_STATE_FAILED] = "failed"};

static const char *slurm_job(void) {
    const char *job = getenv("SLURM_JOB_ID");
    return job && job[0] ? job : "none";
}

/* Take the lock; `left` tells whose lock was left behind by a process that died, if any. */
static ein_status take_lock(ein_run *run, ein_lock_owner *left) {
    char *path = NULL, *what = NULL;
    EIN_TRY(ein_run_path(run, "LOCK", &path));
    ein_status status = asprintf(&what, "run folder %s", run->folder) < 0
                            ? ein_error(EIN_NOMEM, "no memory for the name of a lock")
                            : ein_lock_take(path, what, &run->lock, left);
    free(what);
    free(path);
    return status;
}

/* --- STATE ----------------------------------------------------------------------------------------- */

/* The step of the newest checkpoint, as STATE tells it. Where it has no such line, it was written by a version that
 * knew only the step: that of a checkpoint, unless the run failed. */
static int64_t checkpoint_of_state(const char *text) {
    const char *line = strstr(text, "\ncheckpoint: ");
    if (line) return strtoll(line + strlen("\ncheckpoint: "), NULL, 10);
    if (strncmp(text, "failed", strlen("failed")) == 0) return 0;
    line = strstr(text, "\nstep: ");
    return line ? strtoll(line + strlen("\nstep: "), NULL, 10) : 0;
}

/* State and newest checkpoint as the earlier life left them. A STATE that cannot be read is an error: what it says
 * is not known. */
static ein_status read_state(ein_run *run) {
    char *path = NULL, *text = NULL;
    size_t bytes = 0;
    EIN_TRY(ein_run_path(run, "STATE", &path));
    ein_status status = ein_run_check_file(path);
    if (status == EIN_OK) status = ein_file_read(path, SMALL_FILE_BYTES, &text, &bytes);
    free(path);
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        return EIN_OK;
    }
    EIN_TRY(status);
    run->previous_checkpoint = checkpoint_of_state(text);
    text[strcspn(text, "\r\n")] = '\0';
    for (int s = EIN_STATE_RUNNING; s <= EIN_STATE_FAILED; s++)
        if (strcmp(text, state_words[s]) == 0) run->previous = (ein_run_state)s;
    free(text);
    return EIN_OK;
}

ein_status ein_run_set_state(ein_run *run, ein_run_state state, int64_t step, const char *reason) {
    if (!run->writes) return EIN_OK;
    EIN_BUG_IF(state <= EIN_STATE_NONE || state > EIN_STATE_FAILED);
    char text[SMALL_FILE_BYTES], one_line[1024], now[EIN_CLOCK_TIME_BYTES];
    ein_clock_time(now);
    snprintf(one_line, sizeof one_line, "%s", reason ? reason : "");
    for (char *s = one_line; *s; s++)
        if (*s == '\n' || *s == '\r') *s = ' ';
    int n = snprintf(
        text, sizeof text,
        "%s\nstep: %lld\nreason: %s\ncheckpoint: %lld\njob: %.60s\nhost: %.250s\npid: %ld\ntime: %s\n",
        state_words[state], (long long)step, one_line, (long long)run->checkpoint, slurm_job(),
        ein_comm_host(run->comm), (long)getpid(), now);
    if (state == EIN_STATE_FAILED) {
        char line[sizeof one_line + 16];
        snprintf(line, sizeof line, "failed: %s", one_line);
        ein_run_log_file(run, line);
    }
    char *path = NULL;
    EIN_TRY(ein_run_path(run, "STATE", &path));
    ein_status status = ein_durable_write(path, text, (size_t)n);
    free(path);
    return status;
}

/* --- open and close -------------------------------------------------------------------------------- */

ein_status ein_run_check_file(const char *path) {
    struct stat about;
    if (lstat(path, &about) != 0)
        return ein_error(errno == ENOENT ? EIN_NOTFOUND : EIN_IO, "%s: %s", path, strerror(errno));
    if (S_ISREG(about.st_mode)) return EIN_OK;
    return ein_error(EIN_IO, "%s is %s; the files of a run folder are regular files: move it away", path,
                     S_ISLNK(about.st_mode)    ? "a link"
                     : S_ISFIFO(about.st_mode) ? "a named pipe"
                     : S_ISDIR(about.st_mode)  ? "a folder"
                                               : "a device or socket");
}

ein_status ein_run_append(const char *path, int create, int *fd) {
    struct stat about;
    *fd = -1;
    const ein_status found = ein_run_check_file(path);
    if (found != EIN_OK && !(found == EIN_NOTFOUND && create)) return found;
    ein_error_clear();
    /* Whatever takes the file's place meanwhile is not waited for, not followed, not written to. */
    *fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | create, 0666);
    if (*fd < 0) return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    if (fstat(*fd, &about) == 0 && S_ISREG(about.st_mode)) return EIN_OK;
    close(*fd);
    *fd = -1;
    return ein_error(EIN_IO, "%s is not a regular file; move it away", path);
}

ein_status ein_run_append_whole(const char *path, const void *data, size_t bytes) {
    struct stat about;
    int fd, error = 0;
    EIN_TRY(ein_run_append(path, O_CREAT, &fd));
    const off_t before = fstat(fd, &about) == 0 ? about.st_size : -1;
    if (before < 0) error = errno;
    for (size_t done = 0; done < bytes && error == 0;) {
        const ssize_t n = write(fd, (const char *)data + done, bytes - done);
        if (n > 0) done += (size_t)n;
        if (n == 0 || (n < 0 && errno != EINTR)) error = n < 0 ? errno : EIO;
    }
    if (error == 0 && fsync(fd) != 0) error = errno;
    const bool torn = error != 0 && before >= 0 && ftruncate(fd, before) != 0;
    close(fd);
    if (error == 0) return EIN_OK;
    return ein_error(EIN_IO, "%s: %s%s", path, strerror(error),
                     torn ? "; what it ends with may be half a line" : "");
}

static ein_status open_log(ein_run *run) {
    char *path = NULL;
    EIN_TRY(ein_run_path(run, "log.txt", &path));
    const ein_status status = ein_run_append(path, O_CREAT, &run->log_fd);
    free(path);
    return status;
}

/* What rank 0 does for all. */
static ein_status open_folder(ein_run *run) {
    ein_lock_owner left = {0};
    EIN_TRY(ein_make_folders(run->folder));
    EIN_TRY(take_lock(run, &left));
    EIN_TRY(read_state(run));
    EIN_TRY(open_log(run));
    if (left.host[0])
        ein_run_log(run, "lock of process %ld on %s (Slurm job %s, since %s) was left behind; taken over",
                    left.pid, left.host, left.job, left.start);
    return EIN_OK;
}

/* Release everything without talking to other ranks. */
static void release(ein_run *run) {
    ein_run_metrics_close(run);
    for (int i = 0; i < run->n_warnings; i++) free(run->warning[i]);
    if (run->log_fd >= 0) close(run->log_fd);
    ein_lock_release(run->lock, false);
    free(run->folder);
    free(run);
}

/* The struct of this rank; NULL on error. */
static ein_status new_run(ein_comm *comm, const char *folder, ein_run **out) {
    ein_run *run = NULL;
    EIN_TRY(EIN_NEW(run, 1));
    run->comm = comm;
    run->log_fd = run->metrics_fd = -1;
    run->writes = ein_comm_rank(comm) == 0;
    run->folder = strdup(folder);
    if (!run->folder) {
        free(run);
        return ein_error(EIN_NOMEM, "no memory for a folder name");
    }
    *out = run;
    return EIN_OK;
}

ein_status ein_run_open(ein_comm *comm, const char *folder, ein_run **out) {
    *out = NULL;
    ein_run *run = NULL;
    ein_status status = ein_comm_agree(comm, new_run(comm, folder, &run));
    if (!run) return status;
    if (status == EIN_OK) status = ein_comm_share(comm, run->writes ? open_folder(run) : EIN_OK);
    int64_t before[2] = {(int64_t)run->previous,
                         run->previous_checkpoint}; /* others know of none, the least */
    if (status == EIN_OK) status = ein_comm_max_i64(comm, before, 2);
    if (status != EIN_OK) {
        release(run);
        return status;
    }
    run->previous = (ein_run_state)before[0];
    run->previous_checkpoint = before[1];
    *out = run;
    return EIN_OK;
}

void ein_run_close(ein_run *run) {
    if (!run) return;
    ein_comm *comm = run->comm;
    if (run->writes) ein_run_log_summary(run);
    release(run);
    ein_comm_barrier(comm); /* when this returns, the lock is free, whichever rank looks */
}

const char *ein_run_folder(const ein_run *run) {
    return run->folder;
}

ein_run_state ein_run_previous_state(const ein_run *run) {
    return run->previous;
}

int64_t ein_run_previous_checkpoint(const ein_run *run) {
    return run->previous_checkpoint;
}

void ein_run_note_checkpoint(ein_run *run, int64_t step) {
    run->checkpoint = step;
}
