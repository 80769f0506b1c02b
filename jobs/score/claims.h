/* Claims: who works on which block, among any number of processes on any machines that share a folder.
 *
 *     FOLDER/workers/HOST-PID-BEGUN   names a worker (io/base/owner.h); its time of change is its heartbeat
 *     FOLDER/claims/000042            a hard link to the file of the worker that has block 42
 *     FOLDER/blocks/000042            the block, whole (jobs/score/block.h); then the claim is removed
 *
 * A link is made by one process only, and it shows the worker's heartbeat, being the same file. Where there are no
 * links, the claim is a copy that is renamed without replacing, and the heartbeat is that of the worker's own file.
 *
 * A claim is stale if its worker is of this host and gone, or of another and without a heartbeat for `stale_s`, by the
 * clock of the file system. It is taken over by renaming it away. A claim spares work twice, no more: should two
 * workers ever have the same block, they write the same bytes, each whole, so nothing can be lost or mixed.
 *
 * One thread of the process calls these functions. Nothing here is collective.
 */
#ifndef EIN_JOBS_SCORE_CLAIMS_H
#define EIN_JOBS_SCORE_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/owner.h"

typedef struct ein_claims ein_claims;

enum { EIN_CLAIMS_NAME_BYTES = 400 };

/* Make the folders. */
ein_status ein_claims_prepare(const char *folder);

/* Enter as a worker, and let a thread give signs of life until ein_claims_leave, which removes the worker's file.
 * NULL is fine. */
ein_status ein_claims_enter(const char *folder, double heartbeat_s, double stale_s, ein_claims **out);
void ein_claims_leave(ein_claims *claims);

typedef enum {
    EIN_CLAIM_OURS,  /* taken now */
    EIN_CLAIM_DONE,  /* its block is there */
    EIN_CLAIM_OTHERS /* of a worker that lives, or may live */
} ein_claim_state;

/* Take block `number`, also over a stale claim. `alive` (may be NULL) tells with EIN_CLAIM_OTHERS whether the other was
 * seen to live: a process of this host, or one whose heartbeat has moved since it was last looked at. EIN_IO. */
ein_status ein_claims_take(ein_claims *claims, int64_t number, ein_claim_state *state, bool *alive);

/* Give a block back, done or not. */
void ein_claims_release(ein_claims *claims, int64_t number);

/* Publish a block: whole under its name, or not at all. EIN_IO. Any thread. */
ein_status ein_claims_publish(ein_claims *claims, int64_t number, const void *data, size_t bytes);

/* All blocks are done: remove what workers that were killed left behind. */
void ein_claims_sweep(const char *folder);

/* "FOLDER/blocks/000042" in `out`. */
void ein_claims_block_path(const char *folder, int64_t number, char *out, size_t room);

/* How many workers but `self` (may be NULL) have entered and live, or may live; `first` (may be NULL) is one of them.
 * Files of workers that are gone are removed. */
ein_status ein_claims_others(const char *folder, const ein_claims *self, double stale_s, int *n,
                             ein_owner *first);

#endif
