#include "io/base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { TRIES = 100, PAUSE_MS = 10 };

struct ein_lock {
    char *path, *claim; /* claim: PATH.owner */
    int fd;
    bool claimed; /* PATH.owner is ours */
};

static ein_status busy(const char *what, const ein_lock_owner *who) {
    if (!who->host[0])
        return ein_error(EIN_EXISTS, "%s is in use by another process (its lock file does not say which)",
                         what);
    return ein_error(
        EIN_EXISTS,
        "%s is in use by process %ld on %s (Slurm job %s) since %s; wait for it, stop it, or use another",
        what, who->pid, who->host, who->job, who->start);
}

/* What cannot be told without locks is for a person to decide. */
static ein_status claimed_elsewhere(const ein_lock *lock, const char *what, const ein_lock_owner *who) {
    if (!who->host[0])
        return ein_error(
            EIN_EXISTS,
            "%s: the file system has no locks, and %s does not say who has it; if no process uses it, "
            "release it: rm -f '%s' '%s'",
            what, lock->claim, lock->claim, lock->path);
    return ein_error(
        EIN_EXISTS,
        "%s: the file system has no locks, and process %ld on %s (Slurm job %s) has it since %s; it cannot "
        "be seen from here whether that lives. If it is gone (squeue, or ps there), release it: rm -f '%s' "
        "'%s'",
        what, who->pid, who->host, who->job, who->start, lock->claim, lock->path);
}

/* --- files ----------------------------------------------------------------------------------------------- */

/* Open a lock file that is no link, pipe or device. */
static ein_status open_file(const char *path, int flags, int *fd) {
    struct stat about;
    *fd = open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
    if (*fd < 0)
        return ein_error(errno == ENOENT ? EIN_NOTFOUND : EIN_IO, "lock file %s: %s", path,
                         errno == ELOOP ? "is a link; a lock is not taken through one" : strerror(errno));
    if (fstat(*fd, &about) == 0 && S_ISREG(about.st_mode)) return EIN_OK;
    close(*fd);
    *fd = -1;
    return ein_error(EIN_IO, "lock file %s is not a regular file; remove it", path);
}

static bool has_no_locks(int error) {
    return error == ENOLCK || error == ENOSYS || error == EOPNOTSUPP;
}

static void put_owner(int fd) {
    const ein_lock_owner me = ein_owner_self();
    char text[EIN_OWNER_TEXT_BYTES];
    const int n = ein_owner_text(&me, text);
    /* A lock holds without its text; on a full disk only the message of a second process is poorer. */
    if (ftruncate(fd, 0) == 0 && pwrite(fd, text, (size_t)n, 0) == n) fsync(fd);
}

/* Whether `path` is still the file behind `fd`: whoever released it may have removed it. */
static bool is_same_file(int fd, const char *path) {
    struct stat ours, named;
    return fstat(fd, &ours) == 0 && stat(path, &named) == 0 && ours.st_dev == named.st_dev &&
           ours.st_ino == named.st_ino;
}

static void rest_a_little(void) {
    const struct timespec pause = {0, PAUSE_MS * 1000000L};
    nanosleep(&pause, NULL);
}

/* --- taking ---------------------------------------------------------------------------------------------- */

/* flock of the file that `path` names; *locked is false where there are no locks. A refusal by somebody who only looks
 * passes within microseconds, so it is asked again, unless the file names a process that is seen to live. */
static ein_status lock_file(ein_lock *lock, const char *what, bool *locked) {
    for (int tries = 0;; tries++) {
        EIN_TRY(open_file(lock->path, O_RDWR | O_CREAT, &lock->fd));
        const int error = flock(lock->fd, LOCK_EX | LOCK_NB) == 0 ? 0 : errno;
        *locked = error == 0;
        if ((*locked && is_same_file(lock->fd, lock->path)) || has_no_locks(error)) return EIN_OK;
        const ein_lock_owner who = ein_owner_read(lock->fd);
        close(lock->fd);
        lock->fd = -1;
        if (error != 0 && error != EWOULDBLOCK && error != EINTR)
            return ein_error(EIN_IO, "lock file %s: flock: %s", lock->path, strerror(error));
        if (tries >= TRIES || (error == EWOULDBLOCK && ein_owner_judge(&who) == EIN_OWNER_ALIVE))
            return busy(what, &who);
        rest_a_little();
    }
}

/* What PATH.owner says of a process that had no locks; EIN_OWNER_NOBODY if there is none. */
static ein_owner_state look_at_claim(const char *claim, ein_lock_owner *who) {
    int fd;
    memset(who, 0, sizeof *who);
    if (open_file(claim, O_RDONLY, &fd) == EIN_NOTFOUND) return EIN_OWNER_NOBODY;
    if (fd < 0) return EIN_OWNER_ELSEWHERE;
    *who = ein_owner_read(fd);
    close(fd);
    const ein_owner_state j = ein_owner_judge(who);
    return j == EIN_OWNER_NOBODY ? EIN_OWNER_ELSEWHERE
                                 : j; /* just being made, or cut short: it is somebody's */
}

/* Create PATH.owner. False: another process was first. */
static ein_status create_claim(ein_lock *lock, bool *first) {
    const int fd = open(lock->claim, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    *first = fd >= 0;
    if (fd < 0 && errno == EEXIST) return EIN_OK;
    if (fd < 0) return ein_error(EIN_IO, "lock file %s: %s", lock->claim, strerror(errno));
    put_owner(fd);
    close(fd);
    lock->claimed = true;
    return EIN_OK;
}

/* Remove the claim of a dead process. Two that find it at the same time must not remove each other's:
 * PATH.owner.old, which only one can create, is held meanwhile. */
static ein_status bury(const ein_lock *lock) {
    char *guard = NULL;
    ein_lock_owner who;
    if (asprintf(&guard, "%s.old", lock->claim) < 0)
        return ein_error(EIN_NOMEM, "no memory for the name of a lock");
    const int fd = open(guard, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    const int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        if (look_at_claim(lock->claim, &who) == EIN_OWNER_DEAD) unlink(lock->claim);
        close(fd);
        unlink(guard);
    }
    ein_status status = EIN_OK;
    if (error == EEXIST)
        status =
            ein_error(EIN_EXISTS,
                      "another process is taking over %s at this moment; if none is, remove %s and try again",
                      lock->path, guard);
    else if (error != 0)
        status = ein_error(EIN_IO, "lock file %s: %s", guard, strerror(error));
    free(guard);
    return status;
}

/* The stand-in for a lock, and, with the lock in hand, the check that nobody holds by the stand-in. */
static ein_status settle_claim(ein_lock *lock, const char *what, bool locked, ein_lock_owner *left) {
    ein_lock_owner who;
    for (int tries = 0; tries < TRIES; tries++) {
        const ein_owner_state found = look_at_claim(lock->claim, &who);
        bool first = false;
        if (found == EIN_OWNER_ALIVE) return busy(what, &who);
        if (found == EIN_OWNER_ELSEWHERE) return claimed_elsewhere(lock, what, &who);
        if (found == EIN_OWNER_DEAD) {
            *left = who;
            EIN_TRY(bury(lock));
            continue;
        }
        if (locked) return EIN_OK;
        EIN_TRY(create_claim(lock, &first));
        if (first) return EIN_OK;
    }
    return busy(what, &who);
}

/* A lock file without a claim beside it: left by a process that had locks, or by a version without claims. */
static ein_status check_text(const ein_lock *lock, const char *what, bool locked, ein_lock_owner *left) {
    const ein_lock_owner who = ein_owner_read(lock->fd);
    const ein_owner_state found = ein_owner_judge(&who);
    if (!locked && found == EIN_OWNER_ALIVE) return busy(what, &who);
    if (!locked && found == EIN_OWNER_ELSEWHERE) return claimed_elsewhere(lock, what, &who);
    if (who.host[0]) *left = who;
    return EIN_OK;
}

static ein_status take(ein_lock *lock, const char *what, ein_lock_owner *left) {
    bool locked = false;
    EIN_TRY(lock_file(lock, what, &locked));
    EIN_TRY(check_text(lock, what, locked, left));
    EIN_TRY(settle_claim(lock, what, locked, left));
    put_owner(lock->fd);
    return EIN_OK;
}

static void destroy(ein_lock *lock) {
    if (lock->fd >= 0) close(lock->fd); /* also unlocks */
    free(lock->path);
    free(lock->claim);
    free(lock);
}

ein_status ein_lock_take(const char *path, const char *what, ein_lock **out, ein_lock_owner *left) {
    ein_lock *lock;
    ein_lock_owner before = {0};
    *out = NULL;
    EIN_TRY(EIN_NEW(lock, 1));
    lock->fd = -1;
    lock->path = strdup(path);
    if (asprintf(&lock->claim, "%s.owner", path) < 0) lock->claim = NULL;
    ein_status status = lock->path && lock->claim ? take(lock, what, &before)
                                                  : ein_error(EIN_NOMEM, "no memory for the name of a lock");
    if (status != EIN_OK) {
        destroy(lock);
        return status;
    }
    if (left) *left = before;
    *out = lock;
    return EIN_OK;
}

void ein_lock_release(ein_lock *lock, bool remove) {
    if (!lock) return;
    /* The file goes, or is emptied, while the lock is held: a process that waits finds out (is_same_file). */
    if (remove)
        unlink(lock->path);
    else if (ftruncate(lock->fd, 0) == 0)
        fsync(lock->fd);
    if (lock->claimed) unlink(lock->claim);
    destroy(lock);
}

bool ein_lock_is_held(const char *path) {
    ein_lock_owner who, by_claim;
    char *claim = NULL;
    int fd;
    const ein_status status = open_file(path, O_RDONLY, &fd);
    ein_error_clear();
    if (status != EIN_OK) return false;
    /* Shared, so that those who look do not see each other. */
    const int error = flock(fd, LOCK_SH | LOCK_NB) == 0 ? 0 : errno;
    who = ein_owner_read(fd);
    close(fd);
    if (error == EWOULDBLOCK) return true;
    if (error != 0 && ein_owner_judge(&who) >= EIN_OWNER_ALIVE) return true;
    if (asprintf(&claim, "%s.owner", path) < 0) return false;
    const ein_owner_state found = look_at_claim(claim, &by_claim);
    ein_error_clear();
    free(claim);
    return found >= EIN_OWNER_ALIVE;
}
