#include "jobs/score/claims.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "io/base/durable.h"

enum { TEXT = EIN_OWNER_TEXT_BYTES };

/* The heartbeat of a claim that was looked at before. */
typedef struct {
    int64_t number;
    struct timespec beat;
} seen;

struct ein_claims {
    char folder[PATH_MAX], name[EIN_CLAIMS_NAME_BYTES], file[PATH_MAX + EIN_CLAIMS_NAME_BYTES + 64];
    double heartbeat_s, stale_s;
    pthread_t beat;
    pthread_mutex_t lock;
    pthread_cond_t stop;
    bool beating, stopped;
    seen *seen;
    int n_seen;
    int64_t room_seen;
};

/* --- names and folders ----------------------------------------------------------------------------------- */

ein_status ein_claims_prepare(const char *folder) {
    static const char *const below[] = {"workers", "claims", "blocks"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof below / sizeof below[0]; i++) {
        if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, below[i]) >= sizeof path)
            return ein_error(EIN_IO, "%s: the name is too long", folder);
        EIN_TRY(ein_make_folders(path));
    }
    return EIN_OK;
}

void ein_claims_block_path(const char *folder, int64_t number, char *out, size_t room) {
    snprintf(out, room, "%s/blocks/%06" PRId64, folder, number);
}

static void claim_path(const ein_claims *c, int64_t number, char out[PATH_MAX + 64]) {
    snprintf(out, PATH_MAX + 64, "%s/claims/%06" PRId64, c->folder, number);
}

/* --- heartbeat ------------------------------------------------------------------------------------------- */

/* A worker's file that somebody removed comes back: without it, others would take this worker for gone. */
static ein_status write_worker(const ein_claims *c) {
    char text[TEXT];
    const ein_owner me = ein_owner_self();
    const int n = ein_owner_text(&me, text),
              fd = open(c->file, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return ein_error(EIN_IO, "%s: %s", c->file, strerror(errno));
    const bool written = pwrite(fd, text, (size_t)n, 0) == n;
    const int error = written ? 0 : errno ? errno : EIO;
    close(fd);
    return written ? EIN_OK : ein_error(EIN_IO, "%s: %s", c->file, strerror(error));
}

static void *beat(void *context) {
    ein_claims *c = context;
    pthread_mutex_lock(&c->lock);
    while (!c->stopped) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        const double at = (double)until.tv_nsec * 1e-9 + c->heartbeat_s;
        until.tv_sec += (time_t)at;
        until.tv_nsec = (long)((at - (double)(time_t)at) * 1e9);
        pthread_cond_timedwait(&c->stop, &c->lock, &until);
        if (c->stopped) break;
        /* The file server's own clock sets the time. */
        if (utimensat(AT_FDCWD, c->file, NULL, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) write_worker(c);
    }
    pthread_mutex_unlock(&c->lock);
    return NULL;
}

ein_status ein_claims_enter(const char *folder, double heartbeat_s, double stale_s, ein_claims **out) {
    ein_claims *c = NULL;
    const ein_owner me = ein_owner_self();
    *out = NULL;
    EIN_TRY(EIN_NEW(c, 1));
    snprintf(c->folder, sizeof c->folder, "%s", folder);
    snprintf(c->name, sizeof c->name, "%s-%ld-%llu", me.host, me.pid, me.begun);
    snprintf(c->file, sizeof c->file, "%s/workers/%s", c->folder, c->name);
    c->heartbeat_s = heartbeat_s;
    c->stale_s = stale_s;
    pthread_mutex_init(&c->lock, NULL);
    pthread_cond_init(&c->stop, NULL);
    ein_status status = write_worker(c);
    if (status == EIN_OK && pthread_create(&c->beat, NULL, beat, c) != 0)
        status = ein_error(EIN_SYSTEM, "no thread for the heartbeat of %s", c->file);
    c->beating = status == EIN_OK;
    if (status != EIN_OK) ein_claims_leave(c);
    if (status == EIN_OK) *out = c;
    return status;
}

void ein_claims_leave(ein_claims *c) {
    if (!c) return;
    if (c->beating) {
        pthread_mutex_lock(&c->lock);
        c->stopped = true;
        pthread_cond_signal(&c->stop);
        pthread_mutex_unlock(&c->lock);
        pthread_join(c->beat, NULL);
    }
    unlink(c->file);
    pthread_mutex_destroy(&c->lock);
    pthread_cond_destroy(&c->stop);
    free(c->seen);
    free(c);
}

/* --- judging others -------------------------------------------------------------------------------------- */

static double seconds_between(const struct timespec *from, const struct timespec *to) {
    return (double)(to->tv_sec - from->tv_sec) + (double)(to->tv_nsec - from->tv_nsec) * 1e-9;
}

/* The file system's clock: the time that it gives to a file that is touched now. */
static ein_status clock_of(const char *folder, struct timespec *now) {
    char path[PATH_MAX + 64];
    struct stat info;
    const ein_owner me = ein_owner_self();
    snprintf(path, sizeof path, "%s/workers/.clock-%.200s-%ld", folder, me.host, me.pid);
    const int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    const bool good = futimens(fd, NULL) == 0 && fstat(fd, &info) == 0;
    const int error = errno;
    close(fd);
    unlink(path);
    if (!good) return ein_error(EIN_IO, "%s: %s", path, strerror(error));
    *now = info.st_mtim;
    return EIN_OK;
}

/* Whether the worker of a file is gone, and whether it is seen to live. */
static ein_status judge_file(const char *folder, const char *path, double stale_s, struct timespec *last,
                             bool *gone, bool *alive, ein_owner *who) {
    struct stat info;
    struct timespec now;
    *gone = *alive = false;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return errno == ENOENT ? EIN_OK : ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    *who = ein_owner_read(fd);
    const bool good = fstat(fd, &info) == 0;
    close(fd);
    if (!good) return EIN_OK;
    const ein_owner_state state = ein_owner_judge(who);
    *gone = state == EIN_OWNER_DEAD;
    *alive = state == EIN_OWNER_ALIVE;
    if (*gone || *alive) return EIN_OK;
    EIN_TRY(clock_of(folder, &now));
    *gone = !(seconds_between(&info.st_mtim, &now) < stale_s);
    if (!*gone && last && (last->tv_sec || last->tv_nsec)) *alive = seconds_between(last, &info.st_mtim) > 0;
    if (last) *last = info.st_mtim;
    return EIN_OK;
}

ein_status ein_claims_others(const char *folder, const ein_claims *self, double stale_s, int *n,
                             ein_owner *first) {
    char path[PATH_MAX], file[2 * PATH_MAX];
    *n = 0;
    snprintf(path, sizeof path, "%s/workers", folder);
    DIR *dir = opendir(path);
    if (!dir) return errno == ENOENT ? EIN_OK : ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    ein_status status = EIN_OK;
    for (struct dirent *e; status == EIN_OK && (e = readdir(dir)) != NULL;) {
        bool gone, alive;
        ein_owner who;
        if (e->d_name[0] == '.' || (self && strcmp(e->d_name, self->name) == 0)) continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        status = judge_file(folder, file, stale_s, NULL, &gone, &alive, &who);
        if (status != EIN_OK) break;
        if (gone) unlink(file);
        if (!gone && (*n)++ == 0 && first) *first = who;
    }
    closedir(dir);
    return status;
}

/* --- claims ---------------------------------------------------------------------------------------------- */

/* 0, or errno; EEXIST: somebody has it. */
static int make_claim(const ein_claims *c, const char *path) {
    char copy[PATH_MAX + 2 * EIN_CLAIMS_NAME_BYTES], text[TEXT];
    if (link(c->file, path) == 0) return 0;
    if (errno == ENOENT && write_worker(c) == EIN_OK && link(c->file, path) == 0) return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK) return errno;
    const ein_owner me = ein_owner_self();
    const int n = ein_owner_text(&me, text);
    snprintf(copy, sizeof copy, "%s/workers/.claim-%s", c->folder, c->name);
    const int fd = open(copy, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (fd < 0) return errno;
    int error = write(fd, text, (size_t)n) == n ? 0 : errno;
    close(fd);
    if (error == 0 && renameat2(AT_FDCWD, copy, AT_FDCWD, path, RENAME_NOREPLACE) != 0) error = errno;
    if (error != 0) unlink(copy);
    return error;
}

/* A claim without links has no heartbeat of its own: that of the worker whom it names. */
static void heartbeat_file(const ein_claims *c, const char *claim, char out[PATH_MAX + 1024]) {
    struct stat info;
    snprintf(out, PATH_MAX + 1024, "%s", claim);
    const int fd = open(claim, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return;
    if (fstat(fd, &info) == 0 && info.st_nlink == 1) {
        char file[PATH_MAX + 1024];
        const ein_owner who = ein_owner_read(fd);
        snprintf(file, sizeof file, "%s/workers/%s-%ld-%llu", c->folder, who.host, who.pid, who.begun);
        if (access(file, F_OK) == 0) memcpy(out, file, sizeof file);
    }
    close(fd);
}

static struct timespec *last_beat(ein_claims *c, int64_t number) {
    for (int i = 0; i < c->n_seen; i++)
        if (c->seen[i].number == number) return &c->seen[i].beat;
    if (EIN_GROW(c->seen, c->room_seen, c->n_seen + 1) != EIN_OK) return NULL;
    c->seen[c->n_seen] = (seen){.number = number};
    return &c->seen[c->n_seen++].beat;
}

ein_status ein_claims_take(ein_claims *c, int64_t number, ein_claim_state *state, bool *alive) {
    char block[PATH_MAX + 64], claim[PATH_MAX + 64], file[PATH_MAX + 1024], aside[PATH_MAX + 1024];
    ein_claims_block_path(c->folder, number, block, sizeof block);
    claim_path(c, number, claim);
    snprintf(aside, sizeof aside, "%s/workers/.stale-%s", c->folder, c->name);
    if (alive) *alive = false;
    for (int tries = 0; tries < 100; tries++) {
        bool gone = false, lives = false;
        ein_owner who;
        if (access(block, F_OK) == 0) {
            *state = EIN_CLAIM_DONE;
            return EIN_OK;
        }
        const int error = make_claim(c, claim);
        if (error != 0 && error != EEXIST) return ein_error(EIN_IO, "%s: %s", claim, strerror(error));
        *state = error == 0 ? EIN_CLAIM_OURS : EIN_CLAIM_OTHERS;
        /* It may have been published, and its claim removed, between the two. */
        if (error == 0 && access(block, F_OK) == 0) {
            unlink(claim);
            *state = EIN_CLAIM_DONE;
        }
        if (error == 0) return EIN_OK;
        heartbeat_file(c, claim, file);
        EIN_TRY(judge_file(c->folder, file, c->stale_s, last_beat(c, number), &gone, &lives, &who));
        if (alive) *alive = lives;
        if (access(claim, F_OK) == 0 && !gone) return EIN_OK;
        if (gone && rename(claim, aside) == 0) unlink(aside);
    }
    return EIN_OK;
}

void ein_claims_release(ein_claims *c, int64_t number) {
    char claim[PATH_MAX + 64];
    claim_path(c, number, claim);
    unlink(claim);
}

ein_status ein_claims_publish(ein_claims *c, int64_t number, const void *data, size_t bytes) {
    char path[PATH_MAX + 64], mine[PATH_MAX + 1024];
    ein_claims_block_path(c->folder, number, path, sizeof path);
    /* Made under a name that no other worker has. */
    snprintf(mine, sizeof mine, "%s/workers/.block-%s-%06" PRId64, c->folder, c->name, number);
    EIN_TRY(ein_durable_write(mine, data, bytes));
    if (rename(mine, path) != 0) {
        const int error = errno;
        unlink(mine);
        return ein_error(EIN_IO, "%s: %s", path, strerror(error));
    }
    return ein_durable_sync_folder(path);
}

/* Remove the files of a folder, those whose names begin with a dot or the others. */
static void sweep(const char *folder, const char *below, bool hidden) {
    char path[PATH_MAX], file[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder, below);
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir)) != NULL;) {
        if ((e->d_name[0] == '.') != hidden || strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        unlink(file);
    }
    if (dir) closedir(dir);
}

void ein_claims_sweep(const char *folder) {
    sweep(folder, "claims", false);
    sweep(folder, "workers", true); /* halves of blocks; a slow worker who still writes one begins again */
}
