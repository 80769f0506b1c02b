/* metrics.csv: one row per step, whole rows only, cut to where a resumed run starts. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/run/folder.h"
#include "io/run/run.h"

enum { MAX_COLUMNS = 256, VALUE_BYTES = 32, HEADER_BYTES = 16384 };

static ein_status make_header(const char *const *columns, int n_columns, char *out) {
    size_t at = 0;
    EIN_BUG_IF(n_columns < 1 || n_columns > MAX_COLUMNS || strcmp(columns[0], "step") != 0);
    for (int i = 0; i < n_columns; i++) {
        size_t n = strlen(columns[i]);
        EIN_BUG_IF(at + n + 2 > HEADER_BYTES || strpbrk(columns[i], ",\"\r\n"));
        memcpy(out + at, columns[i], n);
        at += n;
        out[at++] = i + 1 < n_columns ? ',' : '\n';
    }
    out[at] = '\0';
    return EIN_OK;
}

/* Bytes of the header and of the whole rows with step <= keep_through. Rows come in order of steps, and only
 * the last line can be torn by a kill. */
static ein_status measure(FILE *stream, const char *path, const char *header, int64_t keep_through,
                          int64_t *keep) {
    char *line = NULL;
    size_t room = 0;
    int64_t number = 0;
    ein_status status = EIN_OK;
    *keep = 0;
    for (ssize_t n; status == EIN_OK && (n = getline(&line, &room, stream)) > 0;) {
        number++;
        if (line[n - 1] != '\n') break;
        char *end = line;
        long long step = number == 1 ? 0 : strtoll(line, &end, 10);
        if (number == 1 && strcmp(line, header) != 0) {
            line[strcspn(line, "\r\n")] = '\0';
            status = ein_error(
                EIN_MISMATCH,
                "%s: its columns are not those of this run (\"%s\" against \"%.*s\"); start in a fresh "
                "folder or move the file away",
                path, line, (int)strlen(header) - 1, header);
        } else if (number > 1 && (end == line || (*end != ',' && *end != '\n'))) {
            status = ein_error(EIN_CORRUPT, "%s:%lld: the row does not start with a step", path,
                               (long long)number);
        } else if (number > 1 && step > keep_through) {
            break;
        } else {
            *keep += n;
        }
    }
    if (status == EIN_OK && ferror(stream))
        status = ein_error(EIN_IO, "%s: reading: %s", path, strerror(errno));
    free(line);
    return status;
}

/* The bytes of an existing file that stay; 0 to start it anew. */
static ein_status measure_file(const char *path, const char *header, int64_t keep_through, int64_t *keep) {
    *keep = 0;
    if (keep_through < 0) return EIN_OK;
    FILE *stream = fopen(path, "re");
    if (!stream && errno == ENOENT) return EIN_OK;
    if (!stream) return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    ein_status status = measure(stream, path, header, keep_through, keep);
    fclose(stream);
    return status;
}

/* Hash the first `bytes` bytes as far as they are there; *have of them are. */
static ein_status hash_file(ein_run *run, const char *path, int64_t bytes, int64_t *have) {
    char block[1 << 16];
    *have = 0;
    if (!run->metrics_hash) run->metrics_hash = aligned_alloc(64, (sizeof *run->metrics_hash + 63) / 64 * 64);
    if (!run->metrics_hash) return ein_error(EIN_NOMEM, "no memory for a checksum");
    crypto_generichash_init(run->metrics_hash, NULL, 0, EIN_HASH_BYTES);
    FILE *stream = fopen(path, "re");
    if (!stream && errno == ENOENT) return EIN_OK;
    if (!stream) return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    while (*have < bytes) {
        const int64_t left = bytes - *have;
        const size_t n = fread(block, 1, left < (int64_t)sizeof block ? (size_t)left : sizeof block, stream);
        if (n == 0) break;
        crypto_generichash_update(run->metrics_hash, (const unsigned char *)block, n);
        *have += (int64_t)n;
    }
    const ein_status status =
        ferror(stream) ? ein_error(EIN_IO, "%s: reading: %s", path, strerror(errno)) : EIN_OK;
    fclose(stream);
    return status;
}

/* Whether the file still begins with what it was when the mark was made. */
static ein_status check_mark(ein_run *run, const char *path, const ein_file_mark *mark) {
    int64_t have;
    EIN_TRY(hash_file(run, path, mark->bytes, &have));
    const ein_file_mark found = ein_run_metrics_mark(run);
    if (have == mark->bytes && memcmp(found.hash, mark->hash, EIN_HASH_BYTES) == 0) return EIN_OK;
    return ein_error(EIN_CORRUPT, "%s is not what it was when the checkpoint was written: %s%lld bytes", path,
                     have == 0            ? "it is gone or empty, where it had "
                     : have < mark->bytes ? "it was cut short, from "
                                          : "something was changed in its first ",
                     (long long)mark->bytes);
}

static ein_status find_keep(ein_run *run, const char *path, const char *header, int64_t keep_through,
                            const ein_file_mark *mark, int64_t *keep) {
    *keep = 0;
    const ein_status found = ein_run_check_file(path);
    if (found != EIN_OK && found != EIN_NOTFOUND) return found;
    ein_error_clear();
    if (keep_through >= 0 && mark && mark->bytes > 0) {
        EIN_TRY(check_mark(run, path, mark));
        *keep = mark->bytes;
        return EIN_OK;
    }
    return measure_file(path, header, keep_through, keep);
}

ein_status ein_run_metrics_open(ein_run *run, const char *const *columns, int n_columns, int64_t keep_through,
                                const ein_file_mark *mark) {
    if (!run->writes) return EIN_OK;
    ein_run_metrics_close(run);
    char header[HEADER_BYTES + 1];
    EIN_TRY(make_header(columns, n_columns, header));
    EIN_TRY(ein_run_path(run, "metrics.csv", &run->metrics_path));
    const char *path = run->metrics_path;
    int64_t keep = 0, have;
    EIN_TRY(find_keep(run, path, header, keep_through, mark, &keep));
    if (keep == 0) {
        EIN_TRY(ein_durable_write(path, header, strlen(header)));
        keep = (int64_t)strlen(header);
    }
    EIN_TRY(hash_file(run, path, keep, &have));
    EIN_TRY(ein_run_append(path, 0, &run->metrics_fd));
    if (ftruncate(run->metrics_fd, keep) != 0 || fsync(run->metrics_fd) != 0)
        return ein_error(EIN_IO, "%s: cutting to %lld bytes: %s", path, (long long)keep, strerror(errno));
    run->metrics_bytes = keep;
    run->n_columns = n_columns;
    return EIN_OK;
}

ein_status ein_run_metrics_row(ein_run *run, const double *values, int n_values) {
    if (!run->writes) return EIN_OK;
    EIN_BUG_IF(run->metrics_fd < 0 || n_values != run->n_columns);
    char row[MAX_COLUMNS * VALUE_BYTES];
    size_t at = (size_t)snprintf(row, VALUE_BYTES, "%lld", (long long)values[0]);
    for (int i = 1; i < n_values; i++) {
        row[at++] = ',';
        if (!isnan(values[i])) at += (size_t)snprintf(row + at, VALUE_BYTES, "%.9g", values[i]);
    }
    row[at++] = '\n';
    errno = 0;
    ssize_t written = write(run->metrics_fd, row, at);
    if (written == (ssize_t)at) {
        run->metrics_bytes += written;
        crypto_generichash_update(run->metrics_hash, (const unsigned char *)row, at);
        return EIN_OK;
    }
    int error = written < 0 ? errno : ENOSPC; /* a short write to a file is a disk that just filled up */
    if (ftruncate(run->metrics_fd, run->metrics_bytes) != 0) error = errno;
    return ein_error(EIN_IO, "%s: writing the row of step %lld: %s", run->metrics_path, (long long)values[0],
                     strerror(error));
}

ein_status ein_run_metrics_sync(ein_run *run) {
    if (!run->writes || run->metrics_fd < 0 || fsync(run->metrics_fd) == 0) return EIN_OK;
    return ein_error(EIN_IO, "%s: fsync: %s", run->metrics_path, strerror(errno));
}

ein_file_mark ein_run_metrics_mark(const ein_run *run) {
    ein_file_mark mark = {.bytes = run->metrics_bytes};
    if (!run->metrics_hash) return (ein_file_mark){0};
    crypto_generichash_state so_far = *run->metrics_hash;
    crypto_generichash_final(&so_far, mark.hash, EIN_HASH_BYTES);
    return mark;
}

void ein_run_metrics_close(ein_run *run) {
    if (run->metrics_fd >= 0) {
        fsync(run->metrics_fd);
        close(run->metrics_fd);
    }
    run->metrics_fd = -1;
    free(run->metrics_path);
    free(run->metrics_hash);
    run->metrics_path = NULL;
    run->metrics_hash = NULL;
}
