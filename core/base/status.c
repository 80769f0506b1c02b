#include "core/base/status.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local char message[EIN_ERROR_BYTES];

static const char *const status_names[EIN_STATUS_COUNT] = {
    [EIN_OK] = "ok",
    [EIN_USAGE] = "usage",
    [EIN_NOMEM] = "out of memory",
    [EIN_IO] = "io",
    [EIN_FORMAT] = "format",
    [EIN_CORRUPT] = "corrupt",
    [EIN_MISMATCH] = "mismatch",
    [EIN_RANGE] = "range",
    [EIN_NOTFOUND] = "not found",
    [EIN_EXISTS] = "exists",
    [EIN_COMM] = "communication",
    [EIN_NUMERIC] = "numeric",
    [EIN_STOPPED] = "stopped",
    [EIN_OTHER] = "of another kind",
    [EIN_SYSTEM] = "system",
};

void ein_make_printable(char *text, bool lines) {
    for (unsigned char *c = (unsigned char *)text; *c; c++) {
        if (lines && (*c == '\n' || *c == '\t')) continue;
        bool c1 = c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0;
        if (c1) c[1] = '?';
        if (c1 || *c < ' ' || *c == 0x7f) *c = '?';
    }
}

ein_status ein_error(ein_status status, const char *format, ...) {
    /* The arguments may point into the current message, so it is built aside. */
    char text[EIN_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    ein_make_printable(text, true);
    memcpy(message, text, sizeof message);
    return status;
}

/* As much of `more` as there is room for. */
static void append(char text[EIN_ERROR_BYTES], const char *more) {
    const size_t at = strlen(text), n = strnlen(more, EIN_ERROR_BYTES - 1 - at);
    memcpy(text + at, more, n);
    text[at + n] = '\0';
}

ein_status ein_error_context(ein_status status, const char *format, ...) {
    if (status == EIN_OK) return EIN_OK;
    char text[EIN_ERROR_BYTES];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n < 0) text[0] = '\0';
    append(text, ": ");
    ein_make_printable(text, true);
    if (strncmp(message, text, strlen(text)) == 0) return status;
    append(text, message);
    ein_make_printable(text, true);
    memcpy(message, text, sizeof message);
    return status;
}

const char *ein_error_message(void) {
    return message;
}

void ein_error_clear(void) {
    message[0] = '\0';
}

void ein_error_keep(ein_kept_error *kept, ein_status status) {
    if (status == EIN_OK || kept->status != EIN_OK) return;
    kept->status = status;
    memcpy(kept->message, message, sizeof message);
}

void ein_error_keep_lowest(ein_kept_error *kept, int64_t at, ein_status status) {
    if (status == EIN_OK) return;
#pragma omp critical(ein_error_keep)
    if (kept->status == EIN_OK || at < kept->at) {
        kept->status = EIN_OK;
        kept->at = at;
        ein_error_keep(kept, status);
    }
}

ein_status ein_error_kept(const ein_kept_error *kept) {
    if (kept->status != EIN_OK) memcpy(message, kept->message, sizeof message);
    return kept->status;
}

const char *ein_status_name(ein_status status) {
    if ((int)status < 0 || status >= EIN_STATUS_COUNT) return "unknown";
    return status_names[status];
}

int ein_status_exit_code(ein_status status) {
    if (status == EIN_OK || status == EIN_STOPPED) return 0;
    return status == EIN_USAGE ? 2 : 1;
}

void ein_bug(const char *file, int line, const char *condition) {
    fprintf(stderr, "einthoven: bug at %s:%d: %s\n", file, line, condition);
    abort();
}

int ein_int(int64_t value) {
    EIN_BUG_IF(value < INT_MIN || value > INT_MAX);
    return (int)value;
}

/* What cannot be allocated in this process, for tests. Read before any thread runs. */
static const char *missing_memory;

__attribute__((constructor)) static void read_injection(void) {
    missing_memory = getenv("EINTHOVEN_INJECT_NOMEM");
}

ein_status ein_calloc(void *out, int64_t count, int64_t size, const char *what) {
    void *fresh = NULL;
    memcpy(out, &fresh, sizeof fresh);
    if (count < 0 || size < 0 || (size > 0 && count > INT64_MAX / size))
        return ein_error(EIN_NOMEM, "%s: impossible size %lld x %lld bytes", what, (long long)count,
                         (long long)size);
    if (count == 0 || size == 0) count = size = 1;
    if (!missing_memory || strcmp(missing_memory, what) != 0) fresh = calloc((size_t)count, (size_t)size);
    if (!fresh)
        return ein_error(EIN_NOMEM, "%s: no memory for %lld x %lld bytes", what, (long long)count,
                         (long long)size);
    memcpy(out, &fresh, sizeof fresh);
    return EIN_OK;
}

ein_status ein_grow(void *array, int64_t *room, int64_t need, int64_t size, const char *what) {
    enum { LEAST = 16 };
    if (need <= *room) return EIN_OK;
    int64_t more = *room > LEAST ? *room : LEAST;
    while (more < need && more <= INT64_MAX / 2 / size) more *= 2;
    void *old, *fresh = NULL;
    memcpy(&old, array, sizeof old);
    if (more >= need && (!missing_memory || strcmp(missing_memory, what) != 0))
        fresh = realloc(old, (size_t)(more * size));
    if (!fresh)
        return ein_error(EIN_NOMEM, "%s: no memory for %lld x %lld bytes", what, (long long)more,
                         (long long)size);
    memcpy(array, &fresh, sizeof fresh);
    *room = more;
    return EIN_OK;
}
