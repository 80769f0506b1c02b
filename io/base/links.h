/* One rule for symbolic links in folders that others filled: a link is followed where it ends inside a folder that
 * was named, else only on request.
 *
 * A name in a folder of recordings may lead anywhere: to a header that is no header, whose first line an error
 * message would repeat, or to the signals of somebody else. So headers, signal files, XML files and folders are
 * taken through a link only if its target lies in the real folder of a root (for a root that is a file: the folder
 * it stands in). Trees that are made of links (DataLad, git-annex, folders of chosen recordings) are read with
 * --follow-links. Nothing here is collective.
 */
#ifndef EIN_IO_BASE_LINKS_H
#define EIN_IO_BASE_LINKS_H

#include <stdbool.h>

#include "core/base/status.h"

typedef struct ein_links ein_links;

/* The rule for these roots; a root that does not exist allows nothing. EIN_NOMEM. */
ein_status ein_links_new(const char *const *roots, int n_roots, bool follow, ein_links **out);
void ein_links_destroy(ein_links *links); /* NULL is fine */

/* Whether the real path `target` (of realpath) may be read. NULL allows nothing. */
bool ein_links_allow(const ein_links *links, const char *target);

/* Whether `target` lies in the real folder `folder` or below. */
bool ein_path_within(const char *target, const char *folder);

#endif
