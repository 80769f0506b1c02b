/* Locks of HDF5 files, whose failures HDF5 cannot tell from damage.
 *
 * HDF5 takes a shared flock on what it reads and an exclusive one on what it writes. Where the file system has none
 * (NFS without lockd: ENOLCK; Lustre: ENOSYS) it refuses the file, and so it does while another program has it open
 * for writing. The first is no obstacle: files of ours get their name when they are whole and do not change
 * afterwards, so they are read without locks, and what this program itself writes has an owner (io/base/outputs.h,
 * io/run/run.h) and needs none. The second is one: what changes under a reader would look damaged.
 */
#ifndef EIN_IO_HDF5_LOCKS_H
#define EIN_IO_HDF5_LOCKS_H

#include <hdf5.h>

#include "core/base/status.h"

/* The message, with the path, of a file whose bytes may change while they are read. */
#define EIN_H5_IN_USE \
    "%s: another program has it open for writing (HDFView, h5py with 'r+'): close it there, then try again"

/* Before `path` is opened for reading: turn locks off in `access` where there are none. EIN_NOTFOUND; EIN_IO with the
 * system's reason, or when another program has the file open for writing. HDF5_USE_FILE_LOCKING=FALSE reads it even
 * then. */
ein_status ein_h5_set_locks(const char *path, hid_t access);

/* The error of a file that HDF5 did not open although it could be read. */
ein_status ein_h5_not_opened(const char *path);

#endif
