/* Where the values of an HDF5 dataset lie: checked before memory is taken for them.
 *
 * A few bytes of metadata can state any extent. So a dataset is read only if its values are there: every chunk has its
 * place, what is stored lies within the size of the file, and nothing is longer than deflate can make of it (1032 bytes
 * of one). A column (one or two dimensions), which is read whole, has at most 64 MiB or 128 times the size of the file;
 * a block of it or of the signal takes what it states, and while it is read at most 1032 times that.
 */
#ifndef EIN_IO_HDF5_STORAGE_H
#define EIN_IO_HDF5_STORAGE_H

#include <hdf5.h>

#include "core/base/status.h"

enum {
    EIN_H5_MAX_RANK = 4, /* of a dataset */
    EIN_H5_MAX_CHUNK_BYTES = 1 << 28,
    EIN_H5_INFLATION = 1032,
    EIN_H5_WHOLE_BYTES = 64 << 20, /* of a column, whatever the size of the file */
    EIN_H5_WHOLE_RATIO = 128       /* of a larger column to the size of the file */
};

/* EIN_OK for a dataset, chunked or contiguous in this very file, filtered by nothing but shuffle and deflate, of which
 * all values are stored. EIN_FORMAT for another storage, EIN_CORRUPT for missing or impossible values; `name` is for
 * the message. Not collective. */
ein_status ein_h5_check_storage(hid_t dataset, const char *name);

#endif
