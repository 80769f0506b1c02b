/* Reading one ECG recording from a file, whatever its format; formats are detected by content.
 *
 * Files are untrusted: every length, count and path is bounded and checked. A header cannot reach
 * outside the folder it lies in.
 */
#ifndef EIN_IO_READER_H
#define EIN_IO_READER_H

#include "core/ecg.h"
#include "core/status.h"

/* Read a recording. `path` is a WFDB header (.hea, with or without the extension); later formats add
 * themselves here. On error `ecg` is empty and the message names file, line or byte, value and cause. */
ein_status ein_reader_read(const char *path, ein_ecg *ecg);

/* Walk folders (and single files) and list the recordings found, sorted bytewise by path, as paths to
 * give to ein_reader_read. Unreadable folders are not fatal: each is reported in `problems` as
 * "path\treason". Free with ein_reader_list_free. Symbolic link loops are survived. */
typedef struct {
    char **path;
    int64_t count;
    char **problem;
    int64_t n_problems;
} ein_reader_list;
ein_status ein_reader_find(const char *const *roots, int n_roots, ein_reader_list *out);
void ein_reader_list_free(ein_reader_list *list);

#endif
