#include "jobs/train/probe_sums.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/base/hash.h"

enum { MAX_BYTES = 1 << 28 };

/* The update of a row "epoch,step,...". */
static int64_t step_of(const char *row) {
    const char *comma = strchr(row, ',');
    return comma ? strtoll(comma + 1, NULL, 10) : -1;
}

ein_status ein_probe_sums_write(const char *csv, const char *sums) {
    char *table, *text = NULL;
    size_t bytes, length = 0;
    EIN_TRY(ein_file_read(csv, MAX_BYTES, &table, &bytes));
    FILE *stream = open_memstream(&text, &length);
    if (!stream) {
        free(table);
        return ein_error(EIN_NOMEM, "no memory for %s", sums);
    }
    const char *header = strchr(table, '\n'), *row = header ? header + 1 : table + bytes;
    while (*row) {
        const char *end = strchr(row, '\n'), *next = end ? end + 1 : table + bytes;
        if (*next == '\0' || step_of(next) != step_of(row)) {
            char hash[EIN_HASH_TEXT_BYTES];
            ein_hash_text(table, (size_t)(next - table), hash);
            fprintf(stream, "%" PRId64 " %td %s\n", step_of(row), next - table, hash);
        }
        row = next;
    }
    free(table);
    ein_status status = fclose(stream) == 0 ? EIN_OK : ein_error(EIN_NOMEM, "no memory for %s", sums);
    if (status == EIN_OK) status = ein_durable_write(sums, text, length);
    free(text);
    return status;
}

/* The last line of `sums` of an update up to `step`: length and hash; 0 bytes if there is none. */
static void find_line(const char *sums, int64_t step, int64_t *bytes, char hash[EIN_HASH_TEXT_BYTES]) {
    *bytes = 0;
    for (const char *line = sums; line && *line; line = strchr(line, '\n'), line = line ? line + 1 : NULL) {
        int64_t of_step, of_bytes;
        char of_hash[EIN_HASH_TEXT_BYTES];
        if (sscanf(line, "%" SCNd64 " %" SCNd64 " %64s", &of_step, &of_bytes, of_hash) != 3 || of_step > step)
            break;
        *bytes = of_bytes;
        memcpy(hash, of_hash, sizeof of_hash);
    }
}

static ein_status compare(const char *csv, int64_t bytes, const char *hash) {
    char *table, found[EIN_HASH_TEXT_BYTES] = "";
    size_t have;
    const ein_status status = ein_file_read(csv, MAX_BYTES, &table, &have);
    if (status == EIN_NOTFOUND) return ein_error(EIN_CORRUPT, "it is gone");
    EIN_TRY(status);
    if ((int64_t)have >= bytes) ein_hash_text(table, (size_t)bytes, found);
    free(table);
    if (strcmp(found, hash) == 0) return EIN_OK;
    return ein_error(EIN_CORRUPT, "%s %" PRId64 " bytes",
                     (int64_t)have < bytes ? "it was cut short, from" : "something was changed in its first",
                     bytes);
}

ein_status ein_probe_sums_check(const char *csv, const char *sums, int64_t step) {
    char *text, hash[EIN_HASH_TEXT_BYTES];
    size_t length;
    int64_t bytes;
    const ein_status status = ein_file_read(sums, MAX_BYTES, &text, &length);
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        return EIN_OK;
    }
    EIN_TRY(status);
    find_line(text, step, &bytes, hash);
    free(text);
    return bytes > 0 ? compare(csv, bytes, hash) : EIN_OK;
}
