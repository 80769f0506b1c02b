/* What HDF5 says when it fails, in messages of ours. */
#ifndef EIN_IO_HDF5_ERROR_H
#define EIN_IO_HDF5_ERROR_H

#include "core/base/status.h"

/* Stop HDF5 from printing its error stack; messages come through ein_h5_error. */
void ein_h5_quiet(void);

/* Record a message with HDF5's innermost reason in brackets, and return `status`. */
ein_status ein_h5_error(ein_status status, const char *format, ...) EIN_PRINTF(2, 3);

#endif
