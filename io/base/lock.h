/* Locks: the one owner of a run folder or of an output file, by a lock file beside it that names the owner.
 *
 * A lock file holds "key: value" lines (host, pid, begun, job, restart, start) while a process has it, and is empty, or
 * gone, after one that left in order. The lock itself is flock(2): it ends with its process, however that dies, and
 * what a dead process left is taken over. Where flock reaches over hosts (NFSv4, Lustre with -o flock, GPFS) so does
 * the lock.
 *
 * Where the file system has no locks (ENOLCK, ENOSYS, ...), a second file, PATH.owner, that only one process can create
 * stands for the lock. It outlives a process that is killed, so its owner is judged by what the file says: one of this
 * host whose process is gone, or an earlier life of this very Slurm job, is dead and gives way; one of another host may
 * live and is not taken over. The message then says how to release it by hand.
 *
 * How to use it for an output FILE: take "FILE.lock" before anything is written (rank 0, then ein_comm_share), give the
 * name of the output for messages, release with `remove` after the rename or on failure. Nothing here is collective.
 */
#ifndef EIN_IO_BASE_LOCK_H
#define EIN_IO_BASE_LOCK_H

#include <stdbool.h>

#include "core/base/status.h"
#include "io/base/owner.h"

typedef struct ein_lock ein_lock;

/* Who holds a lock, or left it behind. */
typedef ein_owner ein_lock_owner;

/* Take the lock file `path`, made if needed; its folder exists. `what` names what it protects, for messages ("run
 * folder X"). `left` (may be NULL) tells whose lock was left behind and taken over. EIN_EXISTS names the owner; EIN_IO
 * where the file cannot be opened, is no regular file, or the system refuses for another reason. Somebody who merely
 * looks (ein_lock_is_held) does not make this fail. */
ein_status ein_lock_take(const char *path, const char *what, ein_lock **out, ein_lock_owner *left);

/* Give it back: the file is emptied, or removed. NULL is fine. */
void ein_lock_release(ein_lock *lock, bool remove);

/* Whether a process holds `path`, or may hold it where that cannot be told. Nothing is changed. */
bool ein_lock_is_held(const char *path);

#endif
