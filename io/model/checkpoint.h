/* Checkpoints of a training run: parallel HDF5, the same bytes for any number of ranks.
 *
 * File format "einthoven checkpoint", version 1
 * =============================================
 * Bytes 0..511: the head, plain text, so that `head -c 512` tells what a file is. It is the HDF5 user block;
 * the HDF5 file begins at byte 512 and h5dump, h5py and every HDF5 >= 1.8 read it as it stands.
 *
 *     EINTHOVEN CHECKPOINT
 *     HDF5 follows at byte 512.
 *     version: 1
 *     program: einthoven 0.1.0
 *     bytes: 1192147456                          length of the whole file
 *     step: 2031
 *     parts: pretrain                            or encoder, classify
 *     shape: 8 5000 50 800 12 8 3200 256 8 16 1024 0   (the fields of ein_vit_shape in their order; pool and lora
 *                                                only if one of the last three, positions only if it, is not 0)
 *     tensors: 52                                how many of the model's tensors it holds; only if not all
 *     tree-blake2b-256: <64 hex digits>
 *     complete: yes
 *     head-blake2b-256: <64 hex digits>
 *     (line feeds up to byte 512)
 *
 * head-blake2b-256 is BLAKE2b-256 of the head's bytes before its own line. tree-blake2b-256 is BLAKE2b-256
 * of: the text "EINTHOVEN CHECKPOINT TREE 1" and a line feed, the number of bytes after the head as uint64
 * little-endian, and the BLAKE2b-256 of each block of 4 MiB (the last one shorter) after the head in order.
 * The head is accepted only if writing its fields again gives the same 512 bytes. So a file that was cut at any
 * length or changed in any byte is refused, and it is refused before HDF5 parses anything. The head is written
 * last; while a file is unfinished its head is zero and its name ends in .partial.
 *
 * Root group, attributes (text: fixed-length UTF-8; int64 and double little-endian):
 *     format "einthoven checkpoint", version 1, program, parts (text),
 *     leads samples patch width depth heads mlp dec_width dec_depth dec_heads dec_mlp classes (int64), pool, lora and
 *     positions (as in the head),
 *     step epoch step_in_epoch seed best_step skipped_steps validated_epochs (int64; seed: the bits of a uint64),
 *     best_value (double, NaN before the first validation),
 *     metrics_bytes (int64) and metrics_blake2b_256 (text): length and BLAKE2b-256 of metrics.csv at this step; absent
 *     where there is none, and in older files
 * Datasets:
 *     param/NAME, m/NAME, v/NAME   float32, true shapes of the tensors: parameters and AdamW's first and second
 *                                  moments; contiguous, unfiltered. Of a selection (ein_layout_select: the trained
 *                                  tensors of a fine-tuned model) those of the selection alone
 *     config, contract, blas       one fixed-length text each, NUL-padded: the resolved configuration, the
 *                                  preprocessing contract in canonical form, the kernel set that made these bits
 *
 * No object has time stamps; all space is allocated in the order of the tensor table when one rank
 * creates the file, before others write into it: the bytes of the file depend on the content alone.
 *
 * Writing: rank 0 creates PATH.partial with every dataset in place (and reserves the disk space where the file
 * system can); then every rank opens it by itself through MPI-IO and writes hyperslabs of what it owns,
 * independently, so that no rank waits inside HDF5 for one that failed; all ranks sync, all ranks hash (each its
 * share of the blocks), the head is written, the file synced, renamed, its folder synced. Between these steps the
 * ranks agree on their status. Reading runs the other way round.
 */
#ifndef EIN_IO_MODEL_CHECKPOINT_H
#define EIN_IO_MODEL_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/nn/layout.h"
#include "io/model/checkpoint_data.h"
#include "mpi/comm.h"

/* Write durably to `path` (through PATH.partial). Collective. On failure every rank returns the same
 * status and no file of that name appears or changes; EIN_IO for what the system refuses (a full disk),
 * EIN_RANGE if the owned runs do not tile the arena. Texts that are NULL are written empty. Needs no second
 * copy of the arenas: 4 MiB and 32 bytes per block beside them. */
ein_status ein_checkpoint_write(ein_comm *comm, const char *path, const ein_checkpoint *checkpoint);

/* Read and verify: every checksum, every shape and name against `layout`. All ranks receive all of `param`; `m` and
 * `v` are filled inside `owned` only (any tiling, any number of ranks; n_owned 0 and NULL arenas to read parameters
 * alone). Padding reads as 0. `state` may be NULL. config_yaml, contract_text and blas are returned in fresh memory
 * through the arguments (any may be NULL). Collective; all ranks return the same status: EIN_NOTFOUND, EIN_IO (it
 * could not be read, or another program has it open for writing: nothing is known of what it holds), EIN_FORMAT (not
 * a checkpoint), EIN_CORRUPT (cut, changed or unfinished), EIN_MISMATCH (another version; another model: the message
 * names the tensor and both shapes). The arenas are touched only after every checksum has been verified. */
ein_status ein_checkpoint_read(ein_comm *comm, const char *path, ein_checkpoint *checkpoint,
                               char **config_yaml, char **contract_text, char **blas);

/* Describe a checkpoint without a layout. Reads the head and the file's length only; with `verify` every
 * checksum, every dataset against the shape in the head, and the rest of `info`. Errors as for reading. `info`
 * need not be initialised and is to be freed on success only. Not collective. */
ein_status ein_checkpoint_describe(const char *path, bool verify, ein_checkpoint_info *info);

/* Whether the first bytes of a file (at least 21) are those of a checkpoint, whole or not. */
bool ein_checkpoint_recognise(const char *bytes, int64_t count);

#endif
