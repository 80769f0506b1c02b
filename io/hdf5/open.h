/* Opening an HDF5 file as files of ours are opened. */
#ifndef EIN_IO_HDF5_OPEN_H
#define EIN_IO_HDF5_OPEN_H

#include <hdf5.h>

#include "core/base/status.h"

/* Access list of a file that one process opens by itself: format HDF5 1.10, file locks only where the file
 * system has them. Negative on failure; H5Pclose. */
hid_t ein_h5_access_serial(void);

/* Open for reading without a trial (io/hdf5/probe.h): for a file that rank 0 has tried, after the ranks agreed on the
 * outcome. Errors as ein_h5_open_read (io/hdf5/h5.h). */
ein_status ein_h5_open_tried(const char *path, hid_t *out);

#endif
