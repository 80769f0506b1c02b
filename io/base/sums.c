#include "io/base/sums.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/hash.h"

enum { MAX_LIST_BYTES = 1 << 16, READ_BYTES = 1 << 16, DIGITS = EIN_HASH_TEXT_BYTES - 1 };

ein_status ein_sums_of_file(const char *path, char out[EIN_HASH_TEXT_BYTES]) {
    uint8_t buffer[READ_BYTES], digest[EIN_HASH_BYTES];
    crypto_generichash_blake2b_state state;
    EIN_BUG_IF(sodium_init() < 0);
    crypto_generichash_blake2b_init(&state, NULL, 0, sizeof digest);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) return ein_error(EIN_CORRUPT, "%s is gone", path);
    if (fd < 0) return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    ssize_t n = 1;
    while (n > 0 || (n < 0 && errno == EINTR)) {
        n = read(fd, buffer, sizeof buffer);
        if (n > 0) crypto_generichash_blake2b_update(&state, buffer, (size_t)n);
    }
    const int error = errno;
    close(fd);
    if (n < 0) return ein_error(EIN_IO, "%s: %s", path, strerror(error));
    crypto_generichash_blake2b_final(&state, digest, sizeof digest);
    ein_hex(digest, sizeof digest, out);
    return EIN_OK;
}

static ein_status check_file(const char *list, const char *sum, const char *name) {
    char path[PATH_MAX], found[EIN_HASH_TEXT_BYTES];
    const char *slash = strrchr(list, '/');
    const int folder = slash ? (int)(slash - list) + 1 : 0;
    if (!name[0] || strchr(name, '/') ||
        snprintf(path, sizeof path, "%.*s%s", folder, list, name) >= PATH_MAX)
        return ein_error(EIN_FORMAT, "%s: '%.60s' names no file beside it", list, name);
    EIN_TRY(ein_sums_of_file(path, found));
    if (strncmp(found, sum, DIGITS) == 0) return EIN_OK;
    return ein_error(
        EIN_CORRUPT,
        "%s is not as it was written: it was damaged or edited since (its sum is not that in %s)", path,
        slash ? slash + 1 : list);
}

static ein_status check_line(const char *list, const char *line, const char *name, char *run, bool *found) {
    if (line[0] == '#') {
        if (run && strncmp(line, "# run ", 6) == 0) snprintf(run, EIN_SUMS_RUN_BYTES, "%s", line + 6);
        return EIN_OK;
    }
    if (strspn(line, "0123456789abcdef") != DIGITS || strncmp(line + DIGITS, "  ", 2) != 0)
        return ein_error(EIN_FORMAT, "%s: '%.40s' is no sum and name of a file", list, line);
    if (name && strcmp(line + DIGITS + 2, name) != 0) return EIN_OK;
    *found = true;
    return check_file(list, line, line + DIGITS + 2);
}

ein_status ein_sums_check(const char *list, const char *name, char *run) {
    char *text = NULL;
    size_t bytes = 0;
    bool found = false;
    if (run) run[0] = '\0';
    EIN_TRY(ein_file_read(list, MAX_LIST_BYTES, &text, &bytes));
    ein_status status = EIN_OK;
    char *rest = text;
    for (char *line = strsep(&rest, "\n"); line && status == EIN_OK; line = strsep(&rest, "\n"))
        if (line[0]) status = check_line(list, line, name, run, &found);
    free(text);
    if (status != EIN_OK || found) return status;
    return ein_error(EIN_CORRUPT, "%s: %s%sis not in the list", list, name ? name : "a file ",
                     name ? " " : "");
}
