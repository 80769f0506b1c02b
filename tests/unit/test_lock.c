/* Locks: a second process, the dead, those who only look, file systems without locks. The system's answers to flock()
 * and gethostname() are put in by this program. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/base/lock.h"
#include "tests/report.h"

static char folder[] = "/tmp/einthoven-lock.XXXXXX";
static char lock_path[512], claim_path[600];
static int flock_error;             /* 0: the system's own locks */
static const char *host = "node-a"; /* what this process takes for its host */

int flock(int fd, int operation) {
    if (flock_error == 0) return (int)syscall(SYS_flock, fd, operation);
    errno = flock_error;
    return -1;
}

int gethostname(char *name, size_t room) {
    snprintf(name, room, "%s", host);
    return 0;
}

static bool exists(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0;
}

static bool says(const char *text) {
    const bool found = strstr(ein_error_message(), text) != NULL;
    if (!found) printf("#   message: %s\n", ein_error_message());
    return found;
}

static ein_lock *take(void) {
    ein_lock *lock = NULL;
    if (ein_lock_take(lock_path, "output x", &lock, NULL) != EIN_OK) return NULL;
    return lock;
}

static void forget(void) {
    unlink(lock_path);
    unlink(claim_path);
}

/* --- another process ------------------------------------------------------------------------------------- */

typedef struct {
    pid_t pid;
    int to;
} peer;

/* Takes the lock, and holds it until it is killed or told to leave. */
static peer new_holder(const char *its_host) {
    int to[2], from[2];
    char byte = 0;
    peer p = {-1, -1};
    if (pipe(to) != 0 || pipe(from) != 0) return p;
    p.pid = fork();
    if (p.pid == 0) {
        close(to[1]);
        host = its_host;
        ein_lock *lock = take();
        if (write(from[1], lock ? "y" : "n", 1) == 1 && read(to[0], &byte, 1) == 1)
            ein_lock_release(lock, false);
        _exit(0);
    }
    close(to[0]);
    close(from[1]);
    p.to = to[1];
    if (read(from[0], &byte, 1) != 1 || byte != 'y') printf("#   the other process has no lock\n");
    close(from[0]);
    return p;
}

static void end(peer *p, bool in_order) {
    if (!in_order) kill(p->pid, SIGKILL);
    if (in_order && write(p->to, "x", 1) != 1) printf("#   no pipe\n");
    waitpid(p->pid, NULL, 0);
    close(p->to);
}

/* --- tests ----------------------------------------------------------------------------------------------- */

static void check_locked(void) {
    forget();
    report(!ein_lock_is_held(lock_path), "what is not there is not held");
    peer p = new_holder("node-a");
    char expected[64];
    snprintf(expected, sizeof expected, "process %ld on node-a", (long)p.pid);
    report(!take() && says("output x is in use by") && says(expected),
           "a second process is refused, the first is named");
    report(ein_lock_is_held(lock_path), "it is held");
    end(&p, false);
    report(!ein_lock_is_held(lock_path), "by nobody once the process is dead");
    ein_lock_owner left = {0};
    ein_lock *lock = NULL;
    report(ein_lock_take(lock_path, "output x", &lock, &left) == EIN_OK && left.pid == (long)p.pid,
           "it is taken over, and the dead owner named");
    report(!take(), "a second time in the same process is refused");
    ein_lock_release(lock, false);
    report(exists(lock_path) && !ein_lock_is_held(lock_path), "given back, the file stays, empty");
    lock = take();
    ein_lock_release(lock, true);
    report(lock && !exists(lock_path), "or goes");
    ein_lock_release(NULL, true);
}

/* Somebody who looks, again and again, while the lock of a dead process is taken. */
static void check_lookers(void) {
    forget();
    peer p = new_holder("node-z"); /* a host that cannot be looked at: only the lock tells */
    end(&p, false);
    const pid_t looker = fork();
    if (looker == 0)
        for (;;) {
            const int fd = open(lock_path, O_RDONLY);
            (void)syscall(SYS_flock, fd, LOCK_SH | LOCK_NB);
            usleep(2000); /* a thousand times longer than looking takes */
            close(fd);
            usleep(500);
        }
    const int fd = open(lock_path, O_RDWR);
    while (syscall(SYS_flock, fd, LOCK_EX | LOCK_NB) == 0)
        (void)syscall(SYS_flock, fd, LOCK_UN); /* until it looks */
    close(fd);
    int good = 0;
    for (int i = 0; i < 10; i++) {
        ein_lock *lock = take();
        good += lock != NULL;
        ein_lock_release(lock, false);
    }
    report(good == 10, "a look at the lock does not keep anybody from taking it (%d of 10)", good);
    kill(looker, SIGKILL);
    waitpid(looker, NULL, 0);
}

static void check_without_locks(int error, const char *name) {
    forget();
    flock_error = error;
    peer p = new_holder("node-a");
    report(exists(claim_path), "%s: a second file stands for the lock", name);
    report(!take() && says("in use by process"), "%s: a live process of this host is not taken over", name);
    report(ein_lock_is_held(lock_path), "%s: and is seen", name);
    host = "node-b";
    report(!take() && says("no locks") && says("rm -f") && says(claim_path) && says("on node-a"),
           "%s: nor one of another host, and the message says how to release it", name);
    report(ein_lock_is_held(lock_path), "%s: which may hold it", name);
    end(&p, false);
    report(!take() && says("on node-a"), "%s: from another host a dead one cannot be told from a live one",
           name);
    flock_error = 0;
    report(!take(), "%s: not even where the other host has locks", name);
    flock_error = error;
    host = "node-a";
    report(!ein_lock_is_held(lock_path), "%s: its own host knows that it is dead", name);
    ein_lock *lock = take();
    report(lock && !take(), "%s: and takes over", name);
    ein_lock_release(lock, false);
    report(!exists(claim_path), "%s: nothing is left when it leaves in order", name);
    p = new_holder("node-a");
    end(&p, true);
    host = "node-b";
    lock = take();
    report(lock != NULL, "%s: what was left in order is free for every host", name);
    ein_lock_release(lock, false);
    host = "node-a";
    flock_error = 0;
}

/* A job that Slurm put back into the queue comes up on another node: its earlier life is dead. */
static void check_requeued(void) {
    forget();
    flock_error = ENOLCK;
    setenv("SLURM_JOB_ID", "4711", 1);
    peer p = new_holder("node-a");
    end(&p, false);
    host = "node-b";
    report(!take(), "another process of the same life of a job is not taken over");
    setenv("SLURM_RESTART_COUNT", "1", 1);
    ein_lock *lock = take();
    report(lock != NULL, "the next life of the same job takes over, on whatever node");
    ein_lock_release(lock, false);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    host = "node-a";
    flock_error = 0;
}

/* Many processes at once, where there are no locks: one gets it. */
static void check_race(void) {
    enum { N = 12 };
    int to[2], from[2], got = 0;
    char byte;
    forget();
    flock_error = ENOSYS;
    peer dead = new_holder("node-a");
    end(&dead, false);
    if (pipe(to) != 0 || pipe(from) != 0) return;
    pid_t pid[N];
    for (int i = 0; i < N; i++) {
        pid[i] = fork();
        if (pid[i] != 0) continue;
        close(to[1]);
        if (read(to[0], &byte, 1) < 0) _exit(1);
        ein_lock *lock = take();
        if (write(from[1], lock ? "y" : "n", 1) != 1) _exit(1);
        pause(); /* with the lock */
    }
    close(to[0]);
    close(to[1]); /* go */
    for (int i = 0; i < N; i++)
        if (read(from[0], &byte, 1) == 1) got += byte == 'y';
    report(got == 1, "of %d processes that want what a dead one left, one gets it (%d)", N, got);
    for (int i = 0; i < N; i++) {
        kill(pid[i], SIGKILL);
        waitpid(pid[i], NULL, 0);
    }
    flock_error = 0;
}

static void check_other_errors(void) {
    forget();
    flock_error = EIO;
    report(!take() && says("Input/output error"), "another error of the system is one");
    flock_error = 0;
    forget();
    if (mkfifo(lock_path, 0600) == 0)
        report(!take() && says("regular"), "a named pipe is refused, and not waited for");
    report(!ein_lock_is_held(lock_path), "nor when looking");
    forget();
    if (symlink("/tmp/einthoven-elsewhere", lock_path) == 0)
        report(!take() && says("link"), "a link is not followed");
    report(!exists("/tmp/einthoven-elsewhere"), "nothing appears behind it");
    forget();
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    snprintf(lock_path, sizeof lock_path, "%s/x.lock", folder);
    snprintf(claim_path, sizeof claim_path, "%s.owner", lock_path);
    check_locked();
    check_lookers();
    check_without_locks(ENOLCK, "ENOLCK");
    check_without_locks(ENOSYS, "ENOSYS");
    check_without_locks(EOPNOTSUPP, "EOPNOTSUPP");
    check_requeued();
    check_race();
    check_other_errors();
    forget();
    rmdir(folder);
    return report_end();
}
