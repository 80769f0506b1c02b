/* Whose fault an error of the system is: the file's, or this machine's at this moment.
 *
 * A recording that cannot be read is rejected and listed; which those are must not depend on the machine that
 * reads. So errors that say nothing about the file (memory, descriptors, a disk or file server in trouble) are
 * EIN_SYSTEM, which ends a job; the others are the file's own: EIN_NOTFOUND, or EIN_IO as for missing permission,
 * loops of links, names that are too long. Every reader of input asks here.
 */
#ifndef EIN_IO_BASE_TROUBLE_H
#define EIN_IO_BASE_TROUBLE_H

#include <stdbool.h>

#include "core/base/status.h"

/* EIN_NOTFOUND, EIN_IO or EIN_SYSTEM for an errno of open, stat, read and the like on an input. */
ein_status ein_trouble_status(int error);

/* Whether a status says nothing about the file that was read. */
bool ein_trouble_is(ein_status status);

/* open(2) for reading, close-on-exec and without waiting for the writer of a pipe. What may pass by itself (EINTR,
 * EAGAIN, ESTALE, ETIMEDOUT, too many open files, ...) is tried again for about a second. -1 with errno. Any
 * thread. */
int ein_trouble_open(const char *path, int more_flags);

#endif
