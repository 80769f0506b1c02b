/* What the HDF5 files of ours have in common: error text, attributes, columns with checksums.
 *
 * HDF5 here is not thread-safe: one thread of a process calls these functions.  None is collective.
 * Files are untrusted when read: a dataset must be hard-linked, chunked or contiguous in this very file
 * (no external or virtual storage), of the expected type and extents, filtered by nothing but shuffle and
 * deflate, with all of its values stored (io/hdf5/storage.h), before memory is taken for them.  All data are
 * little-endian in files and in memory.
 */
#ifndef EIN_IO_HDF5_H5_H
#define EIN_IO_HDF5_H5_H

#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/texts.h"
#include "io/hdf5/error.h"
#include "io/hdf5/open.h"
#include "io/hdf5/storage.h"

enum { EIN_H5_MAX_TEXT = 4096 };

/* Open for reading by this process alone, after a trial in a process of its own (io/hdf5/probe.h). EIN_NOTFOUND,
 * EIN_IO, or EIN_CORRUPT for a file that is no HDF5 file, was cut, or did not survive the trial. */
ein_status ein_h5_open_read(const char *path, hid_t *out);

/* HDF5 1.10 does not survive a full disk: once it could not flush or close a file, it crashes when the library ends. So
 * a file of ours is either a draft (below), or has its space reserved right after it was made, before anything is
 * written.
 *
 * Reserve `bytes` for a new file of the default driver. EIN_IO if there is not so much room, or a limit on the size of
 * files (ulimit -f) is lower; what is in memory of the file then goes nowhere, and it is closed without danger. */
ein_status ein_h5_reserve(hid_t file, int64_t bytes);

/* What is in memory of a file of the default driver, which is given up, goes nowhere. */
void ein_h5_abandon(hid_t file);

/* Close a file that this process alone wrote, after everything inside it is closed. `mine` is what the caller holds
 * already and is returned if set; else EIN_IO. A file that cannot be flushed stays open. */
ein_status ein_h5_close_written(hid_t file, ein_status mine);

/* A new file in memory, without time stamps: nothing that a disk does can fail inside HDF5, where it would end in a
 * crash. ein_h5_draft_save frees it. */
typedef struct ein_h5_draft ein_h5_draft;
ein_status ein_h5_draft_new(ein_h5_draft **out);
hid_t ein_h5_draft_file(const ein_h5_draft *draft);

/* Write a draft to `path`, whole or not at all (io/base/durable.h), if `mine` is EIN_OK; close it in any case, after
 * everything inside it is closed. `mine` is returned if set. */
ein_status ein_h5_draft_save(ein_h5_draft *draft, const char *path, ein_status mine);

/* A new file on disk, for what is too large for a draft: PATH.partial with room for `bytes`, without time stamps.
 * Written in the same order it has the bytes of a draft. EIN_IO as of ein_h5_reserve. */
ein_status ein_h5_large_new(const char *path, int64_t bytes, hid_t *out);

/* Close it and let PATH be it, whole, or not at all, if `mine` is EIN_OK; discard it otherwise. `mine` is returned if
 * set. */
ein_status ein_h5_large_save(hid_t file, const char *path, ein_status mine);

/* Attributes: UTF-8 text, int64, double. Reading text: at most `limit` bytes, in fresh memory (free()). */
ein_status ein_h5_put_text(hid_t object, const char *name, const char *text);
ein_status ein_h5_put_i64(hid_t object, const char *name, int64_t value);
ein_status ein_h5_put_f64(hid_t object, const char *name, double value);
ein_status ein_h5_get_text(hid_t object, const char *name, int64_t limit, char **out);
ein_status ein_h5_get_i64(hid_t object, const char *name, int64_t *out);
ein_status ein_h5_get_f64(hid_t object, const char *name, double *out);

/* Open dataset `name` (may be a path "labels/AF") after the checks above. `type` is the file type, or
 * negative for fixed-length text. `extent[i]` -1 accepts any. `found` (may be NULL) receives the extents. */
ein_status ein_h5_open_dataset(hid_t file, const char *name, hid_t type, int rank, const int64_t *extent,
                               int64_t *found, hid_t *out);

/* A column: (n) values, or (n, width) with width > 0, of a little-endian `type`; written with shuffle and
 * deflate and the BLAKE2b-256 of its bytes in the attribute "blake2b", which reading verifies. */
ein_status ein_h5_write_column(hid_t file, const char *name, hid_t type, int64_t n, int64_t width,
                               const void *data);

/* A column of (n, width) values in pieces of any number of rows, one after the other; what is held is one chunk. It has
 * the bytes of one that is written at once. `finish` frees in any case; EIN_RANGE unless n rows came, `mine` if set.
 * `at_most`: bytes that it takes of a file. */
typedef struct ein_h5_pieces ein_h5_pieces;
ein_status ein_h5_pieces_new(hid_t file, const char *name, hid_t type, int64_t n, int64_t width,
                             ein_h5_pieces **out);
ein_status ein_h5_pieces_put(ein_h5_pieces *pieces, const void *data, int64_t rows);
ein_status ein_h5_pieces_finish(ein_h5_pieces *pieces, ein_status mine);
int64_t ein_h5_pieces_at_most(int64_t n, int64_t row_bytes);

ein_status ein_h5_read_column(hid_t file, const char *name, hid_t type, int64_t n, int64_t width, void *data);

/* The same into fresh memory (free()), taken only after the dataset was checked. */
ein_status ein_h5_load_column(hid_t file, const char *name, hid_t type, int64_t n, int64_t width, void *out);

/* A column of texts: fixed-length UTF-8, NUL-padded, as long as the longest (at least 1). */
ein_status ein_h5_write_texts(hid_t file, const char *name, const ein_texts *texts);

/* Read (n) texts: text i begins at (*out) + i * (*stride) and ends in NUL (free()). */
ein_status ein_h5_read_texts(hid_t file, const char *name, int64_t n, char **out, int64_t *stride);

/* Names of the members of group `name`, in bytewise order; only hard-linked datasets count. */
ein_status ein_h5_members(hid_t file, const char *name, ein_texts *out);

#endif
