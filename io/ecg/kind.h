/* What kind of file something is, by its first bytes, and by its name where those do not tell.
 *
 * The question is whether a file in a folder of ECGs is a recording, so that none is passed over without a word:
 *
 *   EIN_KIND_READ     an ECG of a kind that is read, whatever its name: a row of io/ecg/formats.h
 *   EIN_KIND_ECG      an ECG of a kind that is not read, by content: HL7 version 2 and others in kind.c; or by name:
 *                     .scp, .dcm, .ecg, .mwf and their like
 *   EIN_KIND_HOLDER   what may hold recordings and is not looked into: HDF5, MATLAB, NumPy, Parquet, 7z, FLAC;
 *                     and signal files (.dat, .mat), which need a WFDB header
 *   EIN_KIND_ARCHIVE  what io/archive opens: ZIP, tar, and files compressed by gzip, xz, zstd or bzip2
 *   EIN_KIND_OTHER    plainly no recording: tables, texts, checksums, images, documents, programs, models, files of
 *                     this program, empty files, and binary data of which nothing tells what they are
 */
#ifndef EIN_IO_ECG_KIND_H
#define EIN_IO_ECG_KIND_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/input.h"
#include "io/ecg/formats.h"

typedef enum {
    EIN_KIND_READ,
    EIN_KIND_ECG,
    EIN_KIND_HOLDER,
    EIN_KIND_ARCHIVE,
    EIN_KIND_OTHER
} ein_kind_class;

typedef struct {
    ein_kind_class class;
    const char *name; /* "an SCP-ECG file", "images"; not owned */
} ein_kind;

/* Look at a regular file. EIN_IO if it cannot be opened or read. Not collective. */
ein_status ein_kind_of_file(const char *path, ein_kind *out);

/* The same of a file that is open; `*format` is the row that reads it, NULL unless it is EIN_KIND_READ. */
ein_status ein_kind_of_input(ein_input *file, ein_kind *out, const ein_format **format);

/* Whether the name alone, by its extension, is that of an ECG file that stands for itself: "100.edf" beside "100.hea"
 * is no signal file of it. */
bool ein_kind_is_ecg_name(const char *path);

/* Whether nothing but the name says so. */
bool ein_kind_is_by_name_only(const ein_kind *kind);

#endif
