/* What an earlier attempt left in a run folder, kept aside. */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/run/folder.h"
#include "io/run/run.h"

enum { MOST = 100000 };

/* A folder that cannot be listed may hold anything. */
static bool is_empty(const char *folder) {
    DIR *d = opendir(folder);
    bool empty = d != NULL;
    for (struct dirent *entry; empty && (entry = readdir(d)) != NULL;)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (d) closedir(d);
    return empty;
}

/* Whether there is something of that name that is worth keeping: a file, or for "NAME/" a folder that is not empty. */
static bool holds_something(const char *path) {
    struct stat about;
    const bool folder = path[strlen(path) - 1] == '/';
    if (lstat(path, &about) != 0) return false; /* with the slash it is that of what a link leads to */
    return folder ? S_ISDIR(about.st_mode) && !is_empty(path) : S_ISREG(about.st_mode);
}

/* "NAME/" that is a link: a folder for checkpoints on another file system. */
static bool is_linked_folder(const char *path) {
    struct stat about;
    const size_t n = strlen(path) - 1;
    char *name = path[n] == '/' ? strndup(path, n) : NULL;
    const bool linked = name && lstat(name, &about) == 0 && S_ISLNK(about.st_mode);
    free(name);
    return linked;
}

/* The link stays; where it leads there is an empty folder now, and beside that the old one as TARGET.earlier-N. */
static ein_status move_target(ein_run *run, const char *path) {
    char target[PATH_MAX], *kept = NULL;
    struct stat about;
    if (!realpath(path, target) || stat(target, &about) != 0)
        return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    for (int n = 1; n < MOST && !kept; n++) {
        if (asprintf(&kept, "%s.earlier-%d", target, n) < 0)
            return ein_error(EIN_NOMEM, "no memory for the name of a folder");
        if (access(kept, F_OK) != 0 && errno == ENOENT) break;
        free(kept);
        kept = NULL;
    }
    if (!kept) return ein_error(EIN_IO, "%s: there are %d earlier ones; remove some", target, MOST);
    ein_status status = EIN_OK;
    if (rename(target, kept) != 0)
        status = ein_error(EIN_IO, "keeping %s as %s: %s", target, kept, strerror(errno));
    else if (mkdir(target, about.st_mode & 0777) != 0)
        status = ein_error(EIN_IO, "%s: cannot make the folder: %s", target, strerror(errno));
    else
        ein_run_log(run, "what an earlier attempt left in %s is kept in %s", path, kept);
    free(kept);
    return status;
}

/* Make "FOLDER/earlier-N" with the first N that is free. */
static ein_status make_earlier(const ein_run *run, char **folder) {
    for (int n = 1; n < MOST; n++) {
        char name[32];
        snprintf(name, sizeof name, "earlier-%d", n);
        EIN_TRY(ein_run_path(run, name, folder));
        if (mkdir(*folder, 0777) == 0) return EIN_OK;
        const int error = errno;
        ein_status status = error == EEXIST ? EIN_OK : ein_error(EIN_IO, "%s: %s", *folder, strerror(error));
        free(*folder);
        *folder = NULL;
        EIN_TRY(status);
    }
    return ein_error(EIN_IO, "%s holds %d earlier attempts; remove some", run->folder, MOST);
}

static ein_status move_into(const ein_run *run, const char *name, const char *folder) {
    char *from = NULL, *to = NULL;
    ein_status status = ein_run_path(run, name, &from);
    if (status == EIN_OK && asprintf(&to, "%s/%s", folder, name) < 0)
        status = ein_error(EIN_NOMEM, "no memory for the name of a file");
    if (status == EIN_OK && rename(from, to) != 0 && errno != ENOENT)
        status = ein_error(EIN_IO, "keeping %s as %s: %s", from, to, strerror(errno));
    free(from);
    free(to);
    return status;
}

/* `folder` is made when the first thing is moved there; `list` (room) is what was. */
static ein_status set_aside(ein_run *run, const char *name, char **folder, char *list, size_t room) {
    char *path;
    ein_status status = EIN_OK;
    EIN_TRY(ein_run_path(run, name, &path));
    if (!holds_something(path)) {
        /* nothing to do */
    } else if (is_linked_folder(path)) {
        status = move_target(run, path);
    } else {
        if (!*folder) status = make_earlier(run, folder);
        if (status == EIN_OK) status = move_into(run, name, *folder);
        snprintf(list + strlen(list), room - strlen(list), "%s%s", list[0] ? ", " : "", name);
    }
    free(path);
    return status;
}

ein_status ein_run_set_aside(ein_run *run, const char *const *names) {
    char *folder = NULL, list[256] = "";
    ein_status status = EIN_OK;
    if (!run->writes) return EIN_OK;
    for (; *names && status == EIN_OK; names++) status = set_aside(run, *names, &folder, list, sizeof list);
    if (status == EIN_OK && folder)
        ein_run_log(run, "what an earlier attempt left is kept in %s: %s", folder, list);
    free(folder);
    return status;
}
