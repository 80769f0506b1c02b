/* Inside of columns: what one that is written at once (h5.c) and one in pieces (pieces.c) have in common. */
#ifndef EIN_IO_HDF5_COLUMN_H
#define EIN_IO_HDF5_COLUMN_H

#include <hdf5.h>
#include <stdint.h>

#include "core/base/status.h"

/* Rows of a chunk of a column of n. */
hsize_t ein_h5_chunk_rows(hsize_t n, uint64_t row_bytes);

/* The dataset, empty; and its checksum, after which it is closed. */
ein_status ein_h5_column_create(hid_t file, const char *name, hid_t type, int rank, const hsize_t *dims,
                                hid_t *out);
ein_status ein_h5_column_finish(hid_t dataset, const char *name, const char *hash);

#endif
