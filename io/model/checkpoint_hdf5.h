/* Inside of the checkpoint: its HDF5 part (format: io/model/checkpoint.h). For checkpoint.c only. */
#ifndef EIN_IO_MODEL_CHECKPOINT_HDF5_H
#define EIN_IO_MODEL_CHECKPOINT_HDF5_H

#include <hdf5.h>

#include "core/base/status.h"
#include "io/model/checkpoint_data.h"

/* Create `partial` with all groups, attributes, texts and datasets in place, the data of the tensors unwritten.
 * Not collective: one rank, and before any other opens the file. */
ein_status ein_checkpoint_create(const char *partial, const ein_checkpoint *checkpoint);

/* Read attributes and texts into `info` and check that the file holds exactly the datasets of `layout` in each
 * of param, m and v. `info` is filled as far as it went; the caller frees it. Not collective. */
ein_status ein_checkpoint_inspect(const char *path, const ein_layout *layout, ein_checkpoint_info *info);

/* The layout of the tensors of `full` that the file holds. Caller destroys. Not collective. */
ein_status ein_checkpoint_selection(const char *path, const ein_layout *full, ein_layout **out);

/* Open an existing file, which other ranks hold too, for data of existing datasets only. Not collective. */
ein_status ein_checkpoint_open(const char *path, bool write, hid_t *file);

/* Close; `mine` is what this rank holds already and is returned if set. Not collective. */
ein_status ein_checkpoint_close(const char *path, hid_t file, bool write, ein_status mine);

/* Write or read the values of `group` ("param", "m", "v") that lie in the given runs of `arena`. Independent:
 * not collective. */
ein_status ein_checkpoint_transfer(hid_t file, const char *group, const ein_layout *layout,
                                   const ein_range *runs, int n_runs, float *arena, bool write);

#endif
