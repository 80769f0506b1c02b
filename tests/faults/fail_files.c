/* Put under a program by LD_PRELOAD: files whose name ends in $FAIL_NAME cannot be opened ($FAIL_OPEN: errno), read
 * ($FAIL_READ) or locked; $FAIL_FLOCK: no file can be locked. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

static int asked(const char *variable) {
    const char *text = getenv(variable);
    return text ? atoi(text) : 0;
}

static int is_named(const char *path) {
    const char *name = getenv("FAIL_NAME");
    const size_t n = name ? strlen(name) : 0, length = strlen(path);
    return n > 0 && length >= n && strcmp(path + length - n, name) == 0;
}

static int is_file(int fd) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    if (n <= 0) return 0;
    path[n] = '\0';
    return is_named(path);
}

static int fail(int error) {
    errno = error;
    return -1;
}

int open(const char *path, int flags, ...) {
    static int (*real)(const char *, int, ...);
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "open");
    return asked("FAIL_OPEN") && is_named(path) ? fail(asked("FAIL_OPEN")) : real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    va_list args;
    va_start(args, flags);
    const mode_t mode = flags & O_CREAT ? va_arg(args, mode_t) : 0;
    va_end(args);
    return open(path, flags, mode);
}

int __open_2(const char *path, int flags) {
    return open(path, flags);
}

int __open64_2(const char *path, int flags) {
    return open(path, flags);
}

ssize_t pread(int fd, void *out, size_t bytes, off_t offset) {
    static ssize_t (*real)(int, void *, size_t, off_t);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "pread");
    return asked("FAIL_READ") && is_file(fd) ? fail(asked("FAIL_READ")) : real(fd, out, bytes, offset);
}

ssize_t pread64(int fd, void *out, size_t bytes, off64_t offset) {
    return pread(fd, out, bytes, offset);
}

ssize_t __pread_chk(int fd, void *out, size_t bytes, off_t offset, size_t room) {
    (void)room;
    return pread(fd, out, bytes, offset);
}

ssize_t __pread64_chk(int fd, void *out, size_t bytes, off64_t offset, size_t room) {
    (void)room;
    return pread(fd, out, bytes, offset);
}

int flock(int fd, int operation) {
    static int (*real)(int, int);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "flock");
    return asked("FAIL_FLOCK") ? fail(asked("FAIL_FLOCK")) : real(fd, operation);
}
