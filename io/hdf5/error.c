#include "io/hdf5/error.h"

#include <hdf5.h>
#include <stdarg.h>
#include <stdio.h>

enum { REASON_BYTES = 512 };

void ein_h5_quiet(void) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    H5PLset_loading_state(0); /* a filter that a file names is no reason to load code */
}

/* The entry pushed first is the innermost: the reason. */
static herr_t first_entry(unsigned n, const H5E_error2_t *entry, void *out) {
    if (n == 0) snprintf(out, REASON_BYTES, "%s", entry->desc ? entry->desc : entry->func_name);
    return 1;
}

ein_status ein_h5_error(ein_status status, const char *format, ...) {
    char text[1024], reason[REASON_BYTES] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, first_entry, reason);
    H5Eclear2(H5E_DEFAULT);
    for (char *c = reason; *c; c++)
        if (*c == '\n') *c = ' ';
    return reason[0] ? ein_error(status, "%s (HDF5: %s)", text, reason) : ein_error(status, "%s", text);
}
