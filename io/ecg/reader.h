/* Reading one ECG recording from a file, whatever its format; formats are detected by content.
 *
 * Files are untrusted: every length, count and path is bounded and checked. A header cannot reach
 * outside the folder it lies in.
 */
#ifndef EIN_IO_ECG_READER_H
#define EIN_IO_ECG_READER_H

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "core/signal/lead_names.h"
#include "io/base/input.h"
#include "io/ecg/file_hash.h"

/* Read a recording. `path` is a WFDB header (.hea, with or without the extension; io/ecg/wfdb.h) or a file of one of
 * the formats of io/ecg/formats.h. What a file is follows from its first bytes, for XML from its first element, not by
 * its name. EIN_OTHER, with the kind by name, for what is whole but no ECG of these.
 * On error `ecg` is empty and the message names file, line or byte, value and cause. Not collective; any number of
 * threads. */
ein_status ein_reader_read(const char *path, ein_ecg *ecg);

/* What a site may say of its files. */
typedef struct {
    ein_lead_names lead_names; /* its own names of leads, over the table of core/signal/lead_names.h */
    ein_place place;           /* where files are */
} ein_reader_options;

/* The same with options; NULL: none. */
ein_status ein_reader_read_with(const char *path, const ein_reader_options *options, ein_ecg *ecg);

/* The same, with what the recording is known by (io/ecg/source_hash.h); `error` if it cannot be made, which the
 * recording read does not mind. */
typedef struct {
    char sha256[EIN_SHA256_TEXT_BYTES];
    uint64_t stamp; /* io/ecg/source_stamp.h, of the files as they were read; 0: they are in no folder */
    ein_kept_error error;
} ein_reader_source;
ein_status ein_reader_read_source(const char *path, const ein_reader_options *options, ein_ecg *ecg,
                                  ein_reader_source *source);

/* Walk folders (and single files) and list what may be a recording, sorted bytewise by path and each once, as paths
 * to give to ein_reader_read: regular files whose name ends in .hea or .xml in any case; every other file that is an
 * ECG or may hold some (io/ecg/kind.h), also of a kind that is not read, so that it can be said; and every file that is
 * a root itself. Not listed are the other files of a record: those with the name of a .hea beside them, or that stand
 * in one, and headers of segments that another header of their folder names. What plainly is no recording is counted by
 * kind in `passed`. A root "x/100" or "x/100.dat" stands for "x/100.hea" if that exists, unless it is XML. That a .hea
 * is no WFDB header, or an .xml no ECG, shows when it is read.
 *
 * A root that does not exist, an unreadable folder, a path that is too long, a pipe or device that is named or has a
 * name of ours are not fatal: each is reported in `problem`. Symbolic links to folders and files are followed by the
 * rule of io/base/links.h, others are problems; a root that is itself a link to a folder is followed. A folder reached
 * twice, by a loop or otherwise, is walked once, at the first place in the order of names. Only EIN_NOMEM is fatal.
 * Free with ein_reader_list_free. Not collective. */
typedef struct {
    char *path, *reason;
} ein_reader_problem;
enum { EIN_READER_MAX_PASSED = 32 };
typedef struct {
    const char *kind; /* "tables", "images", ... */
    int64_t count;
    char *first; /* path */
} ein_reader_passed;
typedef struct {
    char **path;
    int64_t count;
    ein_reader_problem *problem;
    int64_t n_problems;
    ein_reader_passed passed[EIN_READER_MAX_PASSED]; /* most frequent first */
    int n_passed;
} ein_reader_list;
ein_status ein_reader_find(const char *const *roots, int n_roots, const ein_links *links,
                           ein_reader_list *out);

/* The same of a place that has a store (io/archive/archive.h): archives are looked into, and their recordings take
 * their place in the list, in the order of the archive. What in them is not read is a problem each. */
ein_status ein_reader_find_in(const char *const *roots, int n_roots, const ein_place *place,
                              ein_reader_list *out);
void ein_reader_list_free(ein_reader_list *list);

#endif
