/* Files that are whole or absent: full disks, kills, leftovers, readers at the same time. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "tests/report.h"

static char folder[] = "/tmp/einthoven-durable.XXXXXX";

static const char *in_folder(const char *name) {
    static char paths[64][512]; /* as many as one test may hold */
    static int at;
    at = (at + 1) % 64;
    snprintf(paths[at], sizeof paths[at], "%s/%s", folder, name);
    return paths[at];
}

/* Whether the file holds exactly `text`. */
static bool holds(const char *path, const char *text) {
    char *data = NULL;
    size_t bytes = 0;
    bool same = ein_file_read(path, 1 << 20, &data, &bytes) == EIN_OK && bytes == strlen(text) &&
                memcmp(data, text, bytes) == 0;
    free(data);
    return same;
}

static bool exists(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0;
}

static void check_write(void) {
    const char *path = in_folder("a");
    report(ein_durable_write(path, "one", 3) == EIN_OK && holds(path, "one"), "a small file is written");
    report(ein_durable_write(path, "", 0) == EIN_OK && holds(path, ""), "an empty one replaces it");
    report(!exists(in_folder("a.partial")), "no partial file is left");
    report(ein_durable_write(in_folder("no/such/x"), "one", 3) == EIN_IO &&
               strstr(ein_error_message(), "no/such/x"),
           "a missing folder is named");
    report(ein_durable_write("", "one", 3) == EIN_USAGE && ein_durable_write("a/", "one", 3) == EIN_USAGE,
           "refused: an empty name, a folder's name");
    mkdir(in_folder("dir"), 0777);
    report(ein_durable_write(in_folder("dir"), "one", 3) == EIN_IO && !exists(in_folder("dir.partial")),
           "a folder in the way: error, nothing left");
}

static void check_stream(void) {
    const char *path = in_folder("s");
    FILE *stream = NULL;
    ein_durable_write(path, "old", 3);
    bool good =
        ein_durable_fopen(path, &stream) == EIN_OK && fputs("new", stream) >= 0 && fflush(stream) == 0;
    report(good && holds(path, "old") && holds(in_folder("s.partial"), "new"),
           "the old file stands while writing");
    report(ein_durable_fclose(stream, path, true) == EIN_OK && holds(path, "new") &&
               !exists(in_folder("s.partial")),
           "closing publishes");
    good = ein_durable_fopen(path, &stream) == EIN_OK && fputs("third", stream) >= 0;
    report(good && ein_durable_fclose(stream, path, false) == EIN_OK && holds(path, "new") &&
               !exists(in_folder("s.partial")),
           "discarding leaves the old file and no partial one");
}

static void check_leftovers(void) {
    const char *path = in_folder("l"), *partial = in_folder("l.partial");
    FILE *stream = fopen(partial, "w");
    fputs("a longer leftover of a killed run", stream);
    fclose(stream);
    report(ein_durable_write(path, "x", 1) == EIN_OK && holds(path, "x"), "a leftover is overwritten");
    ein_durable_write(in_folder("victim"), "safe", 4);
    bool linked = symlink(in_folder("victim"), partial) == 0;
    report(linked && ein_durable_write(path, "y", 1) == EIN_OK && holds(in_folder("victim"), "safe") &&
               holds(path, "y"),
           "a link under the partial name is not followed");
    stream = fopen(partial, "w");
    fclose(stream);
    ein_durable_discard(path);
    report(!exists(partial) && holds(path, "y"), "discard removes only the partial file");
    ein_durable_discard(path);
    report(holds(path, "y"), "discard of nothing is fine");
}

static void check_commit(void) {
    const char *path = in_folder("c");
    report(ein_durable_commit(path) == EIN_IO && strstr(ein_error_message(), "c.partial"),
           "commit without a partial file fails");
    FILE *stream = fopen(in_folder("c.partial"), "w");
    fputs("by a library", stream);
    fclose(stream);
    report(ein_durable_commit(path) == EIN_OK && holds(path, "by a library"), "commit publishes");
}

static mode_t mode_of(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 ? info.st_mode & 0777 : 0;
}

/* Only regular files are replaced, and keep what others may do with them. */
static void check_replacing(void) {
    const char *path = in_folder("m"), *pipe_path = in_folder("pipe.out"), *link_path = in_folder("link");
    const mode_t before = umask(022);
    FILE *stream = NULL;
    ein_durable_write(path, "old", 3);
    chmod(path, 0600);
    bool good = ein_durable_fopen(path, &stream) == EIN_OK && mode_of(in_folder("m.partial")) == 0600;
    report(good && ein_durable_fclose(stream, path, true) == EIN_OK && mode_of(path) == 0600,
           "a private file stays private, also while it is written");
    chmod(path, 0444);
    report(ein_durable_write(path, "new", 3) == EIN_OK && mode_of(path) == 0444 && holds(path, "new"),
           "one that nobody may write keeps that");
    umask(077);
    report(ein_durable_write(in_folder("fresh"), "x", 1) == EIN_OK && mode_of(in_folder("fresh")) == 0600,
           "a new one follows the umask");
    umask(before);
    report(mkfifo(pipe_path, 0600) == 0 && ein_durable_write(pipe_path, "x", 1) == EIN_IO &&
               strstr(ein_error_message(), "named pipe") && exists(pipe_path) &&
               !exists(in_folder("pipe.out.partial")),
           "a pipe is not replaced");
    report(symlink(path, link_path) == 0 && ein_durable_write(link_path, "x", 1) == EIN_IO &&
               strstr(ein_error_message(), "symbolic link") && holds(path, "new"),
           "a link is neither followed nor replaced");
    report(ein_durable_write("/dev/null", "x", 1) == EIN_IO &&
               strstr(ein_error_message(), "character device"),
           "a device is not replaced");
}

/* Publication that is put off, and one that replaces nothing. */
static void check_staged(void) {
    const char *path = in_folder("st"), *partial = in_folder("st.partial");
    report(ein_durable_stage(path) == EIN_OK && ein_durable_stage(path) == EIN_EXISTS,
           "a name is staged once");
    report(ein_durable_write(path, "one", 3) == EIN_OK && !exists(path) && holds(partial, "one"),
           "what is staged is not published");
    report(ein_durable_publish(path, false) == EIN_OK && holds(path, "one") && !exists(partial),
           "until it is said");
    ein_durable_write(path, "two", 3);
    report(ein_durable_publish(path, false) == EIN_EXISTS && holds(path, "one") && holds(partial, "two"),
           "and then over nothing, unless");
    report(ein_durable_publish(path, true) == EIN_OK && holds(path, "two"), "it may replace");
    ein_durable_unstage(path);
    report(ein_durable_write(path, "three", 5) == EIN_OK && holds(path, "three"), "afterwards as ever");
}

/* Killed in the middle of writing: what was there before is what is there after. */
static void check_kill(void) {
    const char *path = in_folder("k");
    ein_durable_write(path, "before", 6);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        FILE *stream = NULL;
        if (ein_durable_fopen(path, &stream) != EIN_OK) _exit(1);
        fputs("half", stream);
        fflush(stream);
        kill(getpid(), SIGKILL);
    }
    int status = 0;
    waitpid(child, &status, 0);
    report(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && holds(path, "before") &&
               holds(in_folder("k.partial"), "half"),
           "SIGKILL while writing leaves the old file");
    report(ein_durable_write(path, "after", 5) == EIN_OK && holds(path, "after") &&
               !exists(in_folder("k.partial")),
           "and the next run writes over the leftover");
}

/* A reader sees one whole version or the other, never a mixture or nothing. */
static void check_concurrent_reader(void) {
    enum { BYTES = 50000, ROUNDS = 300 };
    static char text[BYTES];
    const char *path = in_folder("r");
    memset(text, 'a', BYTES);
    ein_durable_write(path, text, BYTES);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < ROUNDS; i++) {
            memset(text, 'a' + i % 2, BYTES);
            if (ein_durable_write(path, text, BYTES) != EIN_OK) _exit(1);
        }
        _exit(0);
    }
    bool whole = true;
    int status = 0, seen = 0;
    while (waitpid(child, &status, WNOHANG) == 0) {
        char *data = NULL;
        size_t bytes = 0;
        whole = whole && ein_file_read(path, BYTES, &data, &bytes) == EIN_OK && bytes == BYTES;
        for (size_t i = 1; whole && i < bytes; i++) whole = data[i] == data[0];
        free(data);
        seen++;
    }
    report(whole && status == 0 && seen > 0, "a reader sees whole files while they are replaced");
}

/* Fill `path` until it fails; the old content must stand and nothing half-written remain. */
static bool full_disk_is_told(const char *path, const char *partial, const char *cause) {
    size_t bytes = 1 << 20;
    char *data = calloc(1, bytes);
    bool good = ein_durable_write(path, data, bytes) == EIN_IO && strstr(ein_error_message(), path) &&
                strstr(ein_error_message(), cause) && holds(path, "old") && !exists(partial);
    if (!good) printf("#   write: %s\n", ein_error_message());
    FILE *stream = NULL;
    bool opened = ein_durable_fopen(path, &stream) == EIN_OK;
    if (opened) {
        fwrite(data, 1, bytes, stream); /* its result is for fclose to find */
        good = good && ein_durable_fclose(stream, path, true) == EIN_IO && holds(path, "old") &&
               !exists(partial);
        if (!good) printf("#   stream: %s\n", ein_error_message());
    }
    free(data);
    return good && opened;
}

static void check_file_limit(void) {
    struct rlimit before, small = {0};
    getrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_IGN);
    small.rlim_cur = 4096;
    small.rlim_max = before.rlim_max;
    const char *path = in_folder("f"), *partial = in_folder("f.partial");
    ein_durable_write(path, "old", 3);
    setrlimit(RLIMIT_FSIZE, &small);
    bool good = full_disk_is_told(path, partial, "File too large");
    setrlimit(RLIMIT_FSIZE, &before);
    report(good, "a file-size limit: told, old file stands, no partial file");
}

static void check_full_disk(void) {
    const char *mount_point = in_folder("small");
    mkdir(mount_point, 0777);
    if (mount("tmpfs", mount_point, "tmpfs", 0, "size=64k") != 0) {
        report(true, "a full disk # SKIP mounting a small tmpfs: %s", strerror(errno));
        return;
    }
    const char *path = in_folder("small/f"), *partial = in_folder("small/f.partial");
    bool good =
        ein_durable_write(path, "old", 3) == EIN_OK && full_disk_is_told(path, partial, "No space left");
    report(good, "a full disk: told, old file stands, no partial file");
    umount(mount_point);
}

static void check_read(void) {
    char *data = NULL;
    size_t bytes = 0;
    const char *path = in_folder("read");
    ein_durable_write(path, "a\0b", 3);
    report(ein_file_read(path, 3, &data, &bytes) == EIN_OK && bytes == 3 && memcmp(data, "a\0b", 4) == 0,
           "reading to the limit, NUL behind the end");
    free(data);
    report(ein_file_read(path, 2, &data, &bytes) == EIN_FORMAT && !data, "refused: a byte over the limit");
    report(ein_file_read(in_folder("none"), 9, &data, &bytes) == EIN_NOTFOUND, "a missing file");
    report(ein_file_read(folder, 9, &data, &bytes) == EIN_IO && strstr(ein_error_message(), "folder"),
           "a folder");
    report(mkfifo(in_folder("pipe"), 0600) == 0 &&
               ein_file_read(in_folder("pipe"), 9, &data, &bytes) == EIN_IO,
           "a named pipe is refused, not waited for");
    report(ein_file_read("/dev/zero", 9, &data, &bytes) == EIN_IO, "an endless device is refused");
    if (access("/proc/self/status", R_OK) == 0)
        report(ein_file_read("/proc/self/status", 1 << 20, &data, &bytes) == EIN_OK && bytes > 100,
               "a file whose length is not known beforehand");
    free(data);
}

static void check_folders(void) {
    report(ein_make_folders(in_folder("x/y/z")) == EIN_OK && exists(in_folder("x/y/z")), "folders are made");
    report(ein_make_folders(in_folder("x/y//z/")) == EIN_OK, "existing folders are fine, slashes too");
    ein_durable_write(in_folder("x/file"), "", 0);
    report(ein_make_folders(in_folder("x/file/y")) == EIN_EXISTS && strstr(ein_error_message(), "x/file"),
           "a file in the way is named");
    report(ein_make_folders("") == EIN_USAGE, "refused: an empty name");
    report(ein_make_folders("/") == EIN_OK, "the root exists");
    if (chdir(folder) == 0) report(ein_make_folders("p/q") == EIN_OK && exists("p/q"), "a relative path");
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    check_write();
    check_stream();
    check_leftovers();
    check_commit();
    check_replacing();
    check_staged();
    check_kill();
    check_concurrent_reader();
    check_file_limit();
    check_full_disk();
    check_read();
    check_folders();
    char command[300];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    report(system(command) == 0, "clean up");
    return report_end();
}
