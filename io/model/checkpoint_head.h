/* Inside of the checkpoint: its first 512 bytes and the hash tree over the rest (format: io/model/checkpoint.h).
 * For checkpoint.c only. */
#ifndef EIN_IO_MODEL_CHECKPOINT_HEAD_H
#define EIN_IO_MODEL_CHECKPOINT_HEAD_H

#include "core/base/status.h"
#include "io/model/checkpoint_data.h"

/* Plain data: it is broadcast as bytes. */
typedef struct {
    int64_t bytes, step;
    char program[EIN_CHECKPOINT_PROGRAM_BYTES];
    ein_vit_shape shape;
    ein_vit_parts parts;
    int tensors; /* 0: all of the model's */
    uint8_t tree[EIN_HASH_BYTES];
} ein_checkpoint_head;

/* The 512 bytes of a head, and back; `path` stands in messages. EIN_FORMAT, EIN_CORRUPT, EIN_MISMATCH. */
void ein_checkpoint_head_render(const ein_checkpoint_head *head, char out[EIN_CHECKPOINT_HEAD_BYTES]);
ein_status ein_checkpoint_head_parse(const char *path, const char in[EIN_CHECKPOINT_HEAD_BYTES],
                                     ein_checkpoint_head *head);

/* Open `path`, check its head against its length. `*fd` stays open for hashing (close()). Not collective. */
ein_status ein_checkpoint_head_read(const char *path, ein_checkpoint_head *head, int *fd);

/* Number of blocks of a file of `bytes`, head included. */
int64_t ein_checkpoint_blocks(int64_t bytes);

/* Digests of blocks [first, first + count) of the file. Not collective. */
ein_status ein_checkpoint_hash_blocks(const char *path, int fd, int64_t bytes, int64_t first, int64_t count,
                                      uint8_t *digests);

/* Combine all digests to the root. */
void ein_checkpoint_hash_root(const uint8_t *digests, int64_t bytes, uint8_t root[EIN_HASH_BYTES]);

#endif
