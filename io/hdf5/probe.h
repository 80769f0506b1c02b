/* Trying an HDF5 file of strangers in a process of its own, before this one opens it.
 *
 * No release of the HDF5 library is known to survive every crafted file: 1.10.8 (Debian bookworm) and the others up to
 * 1.14.6 have published faults, and a changed byte in an object header with a repaired checksum is enough to end the
 * process in a wild free. So the first opening of a file that this process did not try before is left to a child: this
 * very program, started again with --probe-hdf5 PATH (never a fork of it, which MPI, RDMA and threads do not forgive).
 * The child has no other files open, no new privileges, cannot write a byte to a file or start a process, and has
 * bounds on memory and processor time. It walks all metadata: groups, links, attributes, types, extents, filters, every
 * chunk's address and size; reads each attribute and the first chunk of each dataset. If it dies, the file is refused
 * by name.
 *
 * Only rank 0 tries a file, and shares the outcome, before other ranks open it. A file is tried once per process: known
 * by device, inode, size and times. It costs 20 to 30 ms of
 * processor time: `inspect --verify` of a corpus of 2,000 records takes 1.14 times as much with it, of a checkpoint of
 * the preset tiny 1.4 times.
 *
 * Programs that never called ein_h5_probe_serve (unit tests, fuzz targets) try nothing.
 */
#ifndef EIN_IO_HDF5_PROBE_H
#define EIN_IO_HDF5_PROBE_H

#include "core/base/status.h"

/* The variable that, set to 1, leaves the trial out: for systems where no process can be started, and files that are
 * one's own. */
#define EIN_H5_TRUST_VARIABLE "EINTHOVEN_TRUST_HDF5"

/* First call of main(). -1: go on; from now on ein_h5_probe may start this program again. Else this process is a trial
 * and is over: leave with that code at once, through _exit. Not collective. */
int ein_h5_probe_serve(int argc, char **argv);

/* Try `path`. EIN_OK: it was walked from end to end, or cannot be opened, of which opening tells the reason.
 * EIN_CORRUPT: the walk failed, died, or took too long. EIN_IO: no process could be started, or something outside ended
 * it. Not collective; rank 0 calls it. */
ein_status ein_h5_probe(const char *path);

/* `path` as it stands was written by this process and needs no trial. Not collective. */
void ein_h5_probe_own(const char *path);

#endif
