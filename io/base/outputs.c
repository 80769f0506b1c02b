#include "io/base/outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/hash.h"
#include "io/base/lock.h"
#include "io/base/sums.h"

/* Names that nobody gives to a file of his own: what is found under them is moved and removed. */
#define ASIDE ".being-replaced"
#define MARK  ".being-published"

typedef struct {
    char *path, *partial, *previous;
    ein_lock *lock; /* NULL: one lock for all */
    bool staged;
} output;

struct ein_outputs {
    int n;
    output *file;
    ein_lock *lock; /* for all; or NULL */
    bool replace;
    char *mark; /* stands while several files get their names */
};

static bool stands(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0;
}

static ein_status move(const char *from, const char *to) {
    if (rename(from, to) == 0) return EIN_OK;
    return ein_error(EIN_IO, "renaming %s to %s: %s", from, to, strerror(errno));
}

/* --- claims ----------------------------------------------------------------------------------------------- */

/* The folder of a file, with the slash, or "."; returns its name in there. */
static const char *split(const char *path, char folder[PATH_MAX]) {
    const char *slash = strrchr(path, '/');
    snprintf(folder, PATH_MAX, "%.*s", slash ? (int)(slash - path) + 1 : 1, slash ? path : ".");
    return slash ? slash + 1 : path;
}

static bool are_one(const char *a, const char *b) {
    char folder_a[PATH_MAX], folder_b[PATH_MAX];
    struct stat in_a, in_b;
    return strcmp(split(a, folder_a), split(b, folder_b)) == 0 && stat(folder_a, &in_a) == 0 &&
           stat(folder_b, &in_b) == 0 && in_a.st_dev == in_b.st_dev && in_a.st_ino == in_b.st_ino;
}

/* Before a lock is made beside it: a lock beside /dev/null would be one more file in /dev. */
static ein_status check_kind(const char *path) {
    struct stat about;
    char folder[PATH_MAX];
    if (!split(path, folder)[0]) return ein_error(EIN_USAGE, "'%s' is not the name of a file", path);
    if (lstat(path, &about) == 0) return S_ISREG(about.st_mode) ? EIN_OK : ein_durable_check(path);
    if (stat(folder, &about) != 0)
        return ein_error(EIN_IO, "%s: cannot be written: folder %s: %s", path, folder, strerror(errno));
    return EIN_OK;
}

static ein_status name_file(output *f, const char *path) {
    f->path = strdup(path);
    if (!f->path || asprintf(&f->previous, "%s" ASIDE, path) < 0) {
        f->previous = NULL;
        return ein_error(EIN_NOMEM, "no memory for the name of a file");
    }
    return ein_durable_partial_name(path, &f->partial);
}

static ein_status lock_file(output *f) {
    char *path, *what;
    if (asprintf(&path, "%s.lock", f->path) < 0)
        return ein_error(EIN_NOMEM, "no memory for the name of a lock");
    if (asprintf(&what, "output %s", f->path) < 0) {
        free(path);
        return ein_error(EIN_NOMEM, "no memory for the name of a lock");
    }
    const ein_status status = ein_lock_take(path, what, &f->lock, NULL);
    free(path);
    free(what);
    return status;
}

/* --- publication ------------------------------------------------------------------------------------------ */

/* From here on there is no way back: every new file is whole, and no old one stands under its name. */
static ein_status set_mark(const ein_outputs *o) {
    const int fd = open(o->mark, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    const int error = fd < 0 ? errno : fsync(fd) == 0 ? 0 : errno;
    if (fd >= 0) close(fd);
    return error ? ein_error(EIN_IO, "%s: %s", o->mark, strerror(error)) : EIN_OK;
}

/* All files have their names: nothing is left to tell of. */
static ein_status forget(const ein_outputs *o) {
    for (int i = 0; i < o->n; i++) unlink(o->file[i].previous);
    if (unlink(o->mark) == 0 || errno == ENOENT) return EIN_OK;
    return ein_error(EIN_IO, "%s: removing it: %s", o->mark, strerror(errno));
}

/* After a kill in the middle. Where the mark stands, all new files were whole and their turn had come: they follow.
 * Else those that stand aside go back. */
static ein_status settle(ein_outputs *o) {
    const bool begun = stands(o->mark);
    for (int i = 0; i < o->n; i++) {
        const output *f = &o->file[i];
        if (begun && stands(f->partial) && !stands(f->path)) EIN_TRY(ein_durable_publish(f->path, false));
        if (!begun && stands(f->previous) && !stands(f->path)) EIN_TRY(move(f->previous, f->path));
    }
    return forget(o);
}

/* A single file is never set aside. */
static bool was_interrupted(const ein_outputs *o) {
    if (o->n < 2) return false;
    for (int i = 0; i < o->n; i++)
        if (stands(o->file[i].previous)) return true;
    return stands(o->mark);
}

static ein_status publish_several(ein_outputs *o) {
    for (int i = 0; i < o->n; i++)
        if (stands(o->file[i].path)) {
            EIN_TRY(ein_durable_check(o->file[i].path));
            if (!o->replace)
                return ein_error(EIN_EXISTS, "%s appeared while it was made here, and was left as it is",
                                 o->file[i].path);
        }
    for (int i = 0; i < o->n; i++)
        if (stands(o->file[i].path)) {
            EIN_TRY(ein_durable_like(o->file[i].path));
            EIN_TRY(move(o->file[i].path, o->file[i].previous));
        }
    EIN_TRY(set_mark(o));
    for (int i = 0; i < o->n; i++)
        if (stands(o->file[i].partial)) EIN_TRY(ein_durable_publish(o->file[i].path, false));
    return forget(o);
}

ein_status ein_outputs_publish(ein_outputs *o) {
    ein_kept_error error = {.status = EIN_OK};
    if (o->n == 0) return EIN_OK;
    if (o->n == 1)
        return stands(o->file[0].partial) ? ein_durable_publish(o->file[0].path, o->replace) : EIN_OK;
    ein_status status = publish_several(o);
    if (status == EIN_OK || !was_interrupted(o)) return status;
    ein_error_keep(&error, status);
    if (settle(o) == EIN_OK) return ein_error_kept(&error);
    return ein_error(status, "%s; the earlier files are those that end in " ASIDE, error.message);
}

/* --- what was written ------------------------------------------------------------------------------------- */

static ein_status print_sums(const ein_outputs *o, const char *path, FILE *stream) {
    char hash[EIN_HASH_TEXT_BYTES];
    for (int i = 0; i < o->n; i++) {
        const char *name = strrchr(o->file[i].path, '/');
        if (strcmp(o->file[i].path, path) == 0 || !stands(o->file[i].partial)) continue;
        EIN_TRY(ein_sums_of_file(o->file[i].partial, hash));
        fprintf(stream, "%s  %s\n", hash, name ? name + 1 : o->file[i].path);
    }
    return EIN_OK;
}

ein_status ein_outputs_write_sums(ein_outputs *o, const char *path, const char *head) {
    FILE *stream;
    EIN_TRY(ein_durable_fopen(path, &stream));
    fputs(head, stream);
    const ein_status status = print_sums(o, path, stream),
                     closed = ein_durable_fclose(stream, path, status == EIN_OK);
    return status != EIN_OK ? status : closed;
}

/* --- begin and end ---------------------------------------------------------------------------------------- */

void ein_outputs_end(ein_outputs *o) {
    ein_kept_error cause = {.status = EIN_OK}; /* its status is the caller's */
    if (!o) return;
    ein_error_keep(&cause, EIN_IO);
    for (int i = 0; i < o->n; i++) {
        output *f = &o->file[i];
        if (f->staged) {
            ein_durable_discard(f->path);
            ein_durable_unstage(f->path);
        }
        ein_lock_release(f->lock, true);
        free(f->path);
        free(f->partial);
        free(f->previous);
    }
    ein_lock_release(o->lock, true);
    free(o->mark);
    free(o->file);
    free(o);
    (void)ein_error_kept(&cause);
}

static ein_status claim(ein_outputs *o) {
    for (int i = 0; i < o->n && !o->lock; i++) EIN_TRY(lock_file(&o->file[i]));
    if (was_interrupted(o)) EIN_TRY(settle(o));
    for (int i = 0; i < o->n; i++) ein_durable_discard(o->file[i].path); /* leftovers of a killed one */
    for (int i = 0; i < o->n; i++) {
        output *f = &o->file[i];
        if (!o->replace && stands(f->path))
            return ein_error(EIN_EXISTS, "%s exists; --overwrite replaces it", f->path);
        EIN_TRY(ein_durable_stage(f->path));
        f->staged = true;
    }
    return EIN_OK;
}

static ein_status begin(ein_outputs *o, const char *const *paths, int n, const char *lock) {
    EIN_TRY(EIN_NEW(o->file, n));
    for (int i = 0; i < n; i++) {
        if (!paths[i]) continue;
        EIN_TRY(check_kind(paths[i]));
        for (int k = 0; k < i; k++)
            if (paths[k] && are_one(paths[k], paths[i]))
                return ein_error(EIN_USAGE, "%s is named for two outputs; each needs a file of its own",
                                 paths[i]);
        EIN_TRY(name_file(&o->file[o->n++], paths[i]));
    }
    if (o->n > 0 && asprintf(&o->mark, "%s" MARK, o->file[0].path) < 0) {
        o->mark = NULL;
        return ein_error(EIN_NOMEM, "no memory for the name of a file");
    }
    if (lock) EIN_TRY(ein_lock_take(lock, o->n ? o->file[0].path : lock, &o->lock, NULL));
    return claim(o);
}

ein_status ein_outputs_begin(const char *const *paths, int n, const char *lock, bool replace,
                             ein_outputs **out) {
    ein_outputs *o;
    *out = NULL;
    EIN_TRY(EIN_NEW(o, 1));
    o->replace = replace;
    const ein_status status = begin(o, paths, n, lock);
    if (status == EIN_OK)
        *out = o;
    else
        ein_outputs_end(o);
    return status;
}
