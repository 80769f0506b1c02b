/* Run folders: making them, the lock, STATE. */
#include "io/run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "io/durable.h"
#include "io/run_folder.h"

enum { SMALL_FILE_BYTES = 4096 };

static const char *const state_words[] = {[EIN_STATE_NONE] = "none",
                                          [EIN_STATE_RUNNING] = "running",
                                          [EIN_STATE_STOPPED] = "stopped",
                                          [EIN_STATE_DONE] = "done",
                                          [EIN_STATE_FAILED] = "failed"};

double ein_clock_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

void ein_run_time(char *out) {
    time_t now = time(NULL);
    struct tm utc;
    gmtime_r(&now, &utc);
    strftime(out, EIN_RUN_TIME_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc);
}

ein_status ein_run_path(const ein_run *run, const char *name, char **out) {
    size_t room = strlen(run->folder) + strlen(name) + 2;
    EIN_TRY(ein_calloc((void **)out, (int64_t)room, 1, "path"));
    snprintf(*out, room, "%s/%s", run->folder, name);
    return EIN_OK;
}

static const char *slurm_job(void) {
    const char *job = getenv("SLURM_JOB_ID");
    return job && job[0] ? job : "none";
}

/* --- lock ------------------------------------------------------------------------------------------ */

typedef struct {
    char host[256], job[64], start[64];
    long pid;
} holder;

/* What a LOCK file says; empty when nobody holds it or it says nothing. */
static void read_holder(int fd, holder *who) {
    char text[SMALL_FILE_BYTES];
    memset(who, 0, sizeof *who);
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = '\0';
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        sscanf(line, "host: %255s", who->host);
        sscanf(line, "job: %63s", who->job);
        sscanf(line, "start: %63s", who->start);
        sscanf(line, "pid: %ld", &who->pid);
    }
}

static ein_status busy(const ein_run *run, const holder *who) {
    if (!who->host[0])
        return ein_error(EIN_EXISTS,
                         "run folder %s is in use by another process (its LOCK does not say which)",
                         run->folder);
    return ein_error(
        EIN_EXISTS,
        "run folder %s is in use by process %ld on %s (Slurm job %s) since %s; wait for it, stop it, or "
        "use another folder",
        run->folder, who->pid, who->host, who->job, who->start);
}

static void write_holder(const ein_run *run) {
    char text[SMALL_FILE_BYTES], start[EIN_RUN_TIME_BYTES];
    ein_run_time(start);
    int n = snprintf(text, sizeof text, "host: %.250s\npid: %ld\njob: %.60s\nstart: %s\n",
                     ein_comm_host(run->comm), (long)getpid(), slurm_job(), start);
    /* The lock holds without its text; on a full disk only the message of a second process is poorer. */
    if (ftruncate(run->lock_fd, 0) == 0 && pwrite(run->lock_fd, text, (size_t)n, 0) == n) fsync(run->lock_fd);
}

/* Take the lock; `who` tells whose lock was left behind by a process that died, if any. */
static ein_status take_lock(ein_run *run, holder *who) {
    char *path = NULL;
    EIN_TRY(ein_run_path(run, "LOCK", &path));
    run->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    int error = errno;
    ein_status status = EIN_OK;
    if (run->lock_fd < 0) status = ein_error(EIN_IO, "%s: %s", path, strerror(error));
    free(path);
    EIN_TRY(status);
    int refused = flock(run->lock_fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
    read_holder(run->lock_fd, who);
    if (refused == EWOULDBLOCK) return busy(run, who);
    /* A file system without flock leaves only the holder's word; on this host it can be checked. */
    bool here = strcmp(who->host, ein_comm_host(run->comm)) == 0;
    if (refused && here && who->pid > 0 && kill((pid_t)who->pid, 0) == 0) return busy(run, who);
    write_holder(run);
    return EIN_OK;
}

/* --- STATE ----------------------------------------------------------------------------------------- */

static ein_run_state read_state(const ein_run *run) {
    char *path = NULL, *text = NULL;
    size_t bytes = 0;
    ein_run_state state = EIN_STATE_NONE;
    if (ein_run_path(run, "STATE", &path) != EIN_OK) return state;
    if (ein_file_read(path, SMALL_FILE_BYTES, &text, &bytes) == EIN_OK) {
        text[strcspn(text, "\r\n")] = '\0';
        for (int s = EIN_STATE_RUNNING; s <= EIN_STATE_FAILED; s++)
            if (strcmp(text, state_words[s]) == 0) state = (ein_run_state)s;
    }
    ein_error_clear();
    free(text);
    free(path);
    return state;
}

ein_status ein_run_set_state(ein_run *run, ein_run_state state, int64_t step, const char *reason) {
    if (!run->writes) return EIN_OK;
    EIN_BUG_IF(state <= EIN_STATE_NONE || state > EIN_STATE_FAILED);
    char text[SMALL_FILE_BYTES], one_line[1024], now[EIN_RUN_TIME_BYTES];
    ein_run_time(now);
    snprintf(one_line, sizeof one_line, "%s", reason ? reason : "");
    for (char *s = one_line; *s; s++)
        if (*s == '\n' || *s == '\r') *s = ' ';
    int n = snprintf(text, sizeof text,
                     "%s\nstep: %lld\nreason: %s\njob: %.60s\nhost: %.250s\npid: %ld\ntime: %s\n",
                     state_words[state], (long long)step, one_line, slurm_job(), ein_comm_host(run->comm),
                     (long)getpid(), now);
    char *path = NULL;
    EIN_TRY(ein_run_path(run, "STATE", &path));
    ein_status status = ein_durable_write(path, text, (size_t)n);
    free(path);
    return status;
}

/* --- open and close -------------------------------------------------------------------------------- */

static ein_status open_log(ein_run *run) {
    char *path = NULL;
    EIN_TRY(ein_run_path(run, "log.txt", &path));
    run->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    ein_status status = run->log_fd >= 0 ? EIN_OK : ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    free(path);
    return status;
}

/* What rank 0 does for all. */
static ein_status open_folder(ein_run *run) {
    holder left = {0};
    EIN_TRY(ein_make_folders(run->folder));
    EIN_TRY(take_lock(run, &left));
    run->previous = read_state(run);
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
    if (run->lock_fd >= 0) close(run->lock_fd); /* also unlocks */
    free(run->folder);
    free(run);
}

/* The struct of this rank; NULL on error. */
static ein_status new_run(ein_comm *comm, const char *folder, ein_run **out) {
    ein_run *run = NULL;
    EIN_TRY(EIN_NEW(run, 1));
    run->comm = comm;
    run->lock_fd = run->log_fd = run->metrics_fd = -1;
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
    int64_t state = status == EIN_OK && run->writes ? (int64_t)run->previous : 0;
    if (status == EIN_OK) status = ein_comm_max_i64(comm, &state, 1);
    if (status != EIN_OK) {
        release(run);
        return status;
    }
    run->previous = (ein_run_state)state;
    *out = run;
    return EIN_OK;
}

void ein_run_close(ein_run *run) {
    if (!run) return;
    ein_comm *comm = run->comm;
    if (run->writes) {
        ein_run_log_summary(run);
        /* An empty LOCK means a holder that left in order. It is not removed: a process that waits with the
         * file open would then lock a file that nobody else can see. */
        if (ftruncate(run->lock_fd, 0) == 0) fsync(run->lock_fd);
    }
    release(run);
    MPI_Barrier(ein_comm_mpi(comm)); /* when this returns, the lock is free, whichever rank looks */
}

const char *ein_run_folder(const ein_run *run) {
    return run->folder;
}

ein_run_state ein_run_previous_state(const ein_run *run) {
    return run->previous;
}
