/* Names of files and of records as texts: ASCII only, whatever the locale. */
#ifndef EIN_IO_BASE_FILE_NAME_H
#define EIN_IO_BASE_FILE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/* Whether a name ends in `end` (".hea"), in upper or lower case; also if it is nothing else. */
bool ein_file_name_ends(const char *name, const char *end);

/* A to Z as a to z, in place. */
void ein_file_name_lower(char *name);

/* Bytes of the folder of a path, with its slash: 0 if it has none. */
size_t ein_file_name_folder(const char *path);

/* Bytes of a path without the extension of its last name: "a.b/c.dat" has 5. */
size_t ein_file_name_stem(const char *path);

#endif
