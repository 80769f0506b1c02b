/* A walk over everything that an HDF5 file says of itself: what the trial of a file does (io/hdf5/probe.h). */
#ifndef EIN_IO_HDF5_WALK_H
#define EIN_IO_HDF5_WALK_H

#include <hdf5.h>

#include "core/base/status.h"

enum { EIN_H5_MAX_OBJECTS = 100000 };

/* Visit every group, link, dataset, type and attribute; read attributes of fixed-length types and the first chunk of
 * each dataset whose storage is plain. EIN_CORRUPT if the library fails anywhere, if there are more than
 * EIN_H5_MAX_OBJECTS objects, or if the datasets together claim more bytes than the file has. Not collective. */
ein_status ein_h5_walk(hid_t file);

#endif
