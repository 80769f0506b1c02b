#include "io/hdf5/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/hdf5/error.h"
#include "io/hdf5/open.h"
#include "io/hdf5/walk.h"

extern char **environ;

#define ARGUMENT "--probe-hdf5"
#define PROGRAM  "/proc/self/exe" /* still this program after an upgrade replaced its file */
#define GOOD     "good"
#define UNOPENED "unopened"
#define REFUSED  "refused: "

enum { VERDICT_BYTES = 1024, REMEMBERED = 64, CPU_SECONDS = 30, GRACE_SECONDS = 5, MAX_ENVIRONMENT = 16384 };
static const int64_t memory_bytes = INT64_C(768) << 20;

static bool can_probe = false;

/* --- the child ----------------------------------------------------------------------------------------- */

static void limit(int what, int64_t soft, int64_t hard) {
    struct rlimit was;
    if (getrlimit((__rlimit_resource_t)what, &was) != 0) return;
    if (was.rlim_max != RLIM_INFINITY && (int64_t)was.rlim_max < hard) hard = (int64_t)was.rlim_max;
    if (soft > hard) soft = hard;
    setrlimit((__rlimit_resource_t)what, &(struct rlimit){(rlim_t)soft, (rlim_t)hard});
}

/* What this process holds now, in bytes: all of its addresses, and its own data. */
static bool held(int64_t *addresses, int64_t *data) {
    FILE *f = fopen("/proc/self/statm", "r");
    long long pages[6] = {0};
    const int n = f ? fscanf(f, "%lld %lld %lld %lld %lld %lld", &pages[0], &pages[1], &pages[2], &pages[3],
                             &pages[4], &pages[5])
                    : 0;
    if (f) fclose(f);
    *addresses = pages[0] * sysconf(_SC_PAGESIZE);
    *data = pages[5] * sysconf(_SC_PAGESIZE);
    return n == 6;
}

/* Sanitizers reserve terabytes and have bounds of their own. */
static void limit_memory(int64_t file_bytes) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
    int64_t addresses, data;
    if (!held(&addresses, &data)) return;
    const int64_t more = memory_bytes + file_bytes / 64;
    limit(RLIMIT_AS, addresses + more, addresses + more);
    limit(RLIMIT_DATA, data + more, data + more);
#else
    (void)file_bytes;
    (void)held;
    (void)memory_bytes;
#endif
}

static void give_up_privileges(int64_t file_bytes) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
#ifdef SYS_close_range
    syscall(SYS_close_range, 3U, ~0U, 0U);
#endif
    limit(RLIMIT_CORE, 0, 0);
    limit(RLIMIT_FSIZE, 0, 0);
    limit(RLIMIT_NPROC, 0, 0);
    const int64_t seconds = CPU_SECONDS + (file_bytes >> 28);
    limit(RLIMIT_CPU, seconds, seconds + GRACE_SECONDS);
    limit_memory(file_bytes);
}

/* Whether the whole verdict went out; without it the parent has the exit code. */
static bool say(const char *verdict, const char *reason) {
    char text[VERDICT_BYTES];
    const int n = snprintf(text, sizeof text, "%s%s\n", verdict, reason);
    return n > 0 && write(STDOUT_FILENO, text, strlen(text)) == (ssize_t)strlen(text);
}

static int try_file(const char *path) {
    struct stat about;
    hid_t file = -1;
    give_up_privileges(stat(path, &about) == 0 ? (int64_t)about.st_size : 0);
    if (ein_h5_open_tried(path, &file) != EIN_OK) return !say(UNOPENED, "");
    limit(RLIMIT_NOFILE, 0, 0); /* nothing else is opened from here on, whatever the file refers to */
    ein_status status = ein_h5_walk(file);
    if (H5Fclose(file) < 0 && status == EIN_OK) status = ein_h5_error(EIN_CORRUPT, "closing it");
    char reason[VERDICT_BYTES / 2];
    snprintf(reason, sizeof reason, "%s", ein_error_message());
    H5close(); /* what a broken file left behind is freed here */
    return status == EIN_OK ? !say(GOOD, "") : !say(REFUSED, reason);
}

int ein_h5_probe_serve(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], ARGUMENT)) return try_file(argv[2]);
    can_probe = true;
    return -1;
}

/* --- files that were tried ------------------------------------------------------------------------------ */

typedef struct {
    dev_t device;
    ino_t inode;
    off_t bytes;
    struct timespec modified, changed;
} identity;

static identity known[REMEMBERED];
static int64_t n_known = 0;

static identity identity_of(const struct stat *about) {
    return (identity){about->st_dev, about->st_ino, about->st_size, about->st_mtim, about->st_ctim};
}

static bool same_time(struct timespec a, struct timespec b) {
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool is_known(const identity *file) {
    for (int64_t i = 0; i < n_known && i < REMEMBERED; i++) {
        const identity *k = &known[i];
        if (k->device == file->device && k->inode == file->inode && k->bytes == file->bytes &&
            same_time(k->modified, file->modified) && same_time(k->changed, file->changed))
            return true;
    }
    return false;
}

/* --- the parent ------------------------------------------------------------------------------------------ */

/* Freed memory is overwritten in the child, so that a wild pointer shows there rather than here; no plugins are loaded;
 * and nobody starts threads. The first of two entries of one name counts. */
static ein_status environment(char ***out) {
    static const char *const ours[] = {
        "MALLOC_PERTURB_=165", "HDF5_PLUGIN_PRELOAD=::", "OPENBLAS_NUM_THREADS=1", "OMP_NUM_THREADS=1"};
    const size_t mine = sizeof ours / sizeof *ours;
    size_t n = 0;
    while (n < MAX_ENVIRONMENT && environ[n]) n++;
    EIN_TRY(EIN_NEW(*out, (int64_t)(n + mine + 1)));
    memcpy(*out, ours, sizeof ours);
    memcpy(*out + mine, environ, n * sizeof *environ);
    return EIN_OK;
}

/* Signals that stop a job reach all of its processes; the trial is over in a moment and must not look like a crash. */
static int spawn_quietly(const char *path, int to, char **environment_of_child, pid_t *child) {
    char *arguments[] = {(char *)(uintptr_t) "einthoven", (char *)(uintptr_t)ARGUMENT,
                         (char *)(uintptr_t)path, NULL};
    static const int held_back[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGQUIT, SIGALRM, SIGTSTP};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t blocked;
    sigemptyset(&blocked);
    for (size_t i = 0; i < sizeof held_back / sizeof *held_back; i++) sigaddset(&blocked, held_back[i]);
    if (posix_spawn_file_actions_init(&actions) != 0) return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    int error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    if (!error) error = posix_spawnattr_setsigmask(&attributes, &blocked);
    if (!error) error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    if (!error) error = posix_spawn_file_actions_adddup2(&actions, to, 1);
    if (!error) error = posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    if (!error) error = posix_spawn(child, PROGRAM, &actions, &attributes, arguments, environment_of_child);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static void read_verdict(int from, char verdict[VERDICT_BYTES]) {
    size_t n = 0;
    while (n < VERDICT_BYTES - 1) {
        const ssize_t got = read(from, verdict + n, VERDICT_BYTES - 1 - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    verdict[n] = '\0';
    char *end = strchr(verdict, '\n');
    if (end) *end = '\0';
    for (char *c = verdict; *c; c++)
        if ((unsigned char)*c < 0x20 || (unsigned char)*c > 0x7e) *c = '?';
}

static ein_status cannot_start(const char *path, const char *why) {
    return ein_error(
        EIN_IO,
        "%s: no process can be started to try it (%s). HDF5 files are first opened by a process of their "
        "own, because a crafted one crashes the library. Allow this job more processes (ulimit -u) or "
        "memory; or set " EIN_H5_TRUST_VARIABLE "=1 if all HDF5 files that it reads are your own",
        path, why);
}

static ein_status died(const char *path, int code) {
    if (WIFSIGNALED(code) && WTERMSIG(code) == SIGXCPU)
        return ein_error(
            EIN_CORRUPT,
            "%s: refused: reading its HDF5 structure takes more than %d s of processor time: it is damaged "
            "or was made to do harm; get it anew from where it was made",
            path, CPU_SECONDS);
    if (WIFSIGNALED(code) && WTERMSIG(code) != SIGKILL)
        return ein_error(
            EIN_CORRUPT,
            "%s: refused: reading its HDF5 structure crashes the HDF5 library (%s, in a process that was "
            "started to try it): it is damaged or was made to do harm; get it anew from where it was made",
            path, strsignal(WTERMSIG(code)));
    if (WIFSIGNALED(code))
        return ein_error(EIN_IO, "%s: the process that tries it was killed: is the node out of memory?",
                         path);
    return ein_error(
        EIN_IO, "%s: the process that tries it ended with code %d and without a word; does %s --version run?",
        path, WIFEXITED(code) ? WEXITSTATUS(code) : code, PROGRAM);
}

static ein_status judge(const char *path, const char *verdict, int code) {
    if (!strcmp(verdict, GOOD) || !strcmp(verdict, UNOPENED)) return EIN_OK;
    if (!strncmp(verdict, REFUSED, strlen(REFUSED)))
        return ein_error(EIN_CORRUPT, "%s: refused: its HDF5 structure is broken: %s", path,
                         verdict + strlen(REFUSED));
    return died(path, code);
}

static ein_status run_child(const char *path, char verdict[VERDICT_BYTES], int *code) {
    char **variables = NULL;
    int ends[2];
    pid_t child;
    if (pipe2(ends, O_CLOEXEC) != 0) return cannot_start(path, strerror(errno));
    ein_status status = environment(&variables);
    if (status == EIN_OK) {
        const int error = spawn_quietly(path, ends[1], variables, &child);
        if (error) status = cannot_start(path, strerror(error));
    }
    close(ends[1]);
    if (status == EIN_OK) {
        read_verdict(ends[0], verdict);
        while (waitpid(child, code, 0) < 0 && errno == EINTR) continue;
    }
    close(ends[0]);
    free(variables);
    return status;
}

void ein_h5_probe_own(const char *path) {
    struct stat about;
    if (stat(path, &about) == 0) known[n_known++ % REMEMBERED] = identity_of(&about);
}

ein_status ein_h5_probe(const char *path) {
    struct stat about;
    char verdict[VERDICT_BYTES] = "";
    const char *trust = getenv(EIN_H5_TRUST_VARIABLE);
    int code = 0;
    if (!can_probe || (trust && !strcmp(trust, "1")) || stat(path, &about) != 0) return EIN_OK;
    const identity file = identity_of(&about);
    if (is_known(&file)) return EIN_OK;
    EIN_TRY(run_child(path, verdict, &code));
    EIN_TRY(judge(path, verdict, code));
    if (!strcmp(verdict, GOOD)) known[n_known++ % REMEMBERED] = file;
    return EIN_OK;
}
