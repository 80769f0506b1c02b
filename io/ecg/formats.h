/* The formats of single files that are read, one row each: to add one is to write its reader and its row in formats.c.
 *
 * A file is recognised by its first bytes, XML by its first element, never by its name.  WFDB is no row: its headers
 * are text of which only parsing tells what it is, and a record has other files; io/ecg/reader.h tries it where no row
 * fits.
 */
#ifndef EIN_IO_ECG_FORMATS_H
#define EIN_IO_ECG_FORMATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"
#include "io/formats/xml_text.h"

enum { EIN_FORMAT_START_BYTES = EIN_XML_SNIFF_BYTES };

typedef struct {
    const char *name;  /* "GE MUSE XML", for lists of what is read */
    const char *kind;  /* "MUSE XML": what a single file is called */
    const char *roots; /* XML: the names that its first element may have, with blanks between; else NULL */
    /* Other files: whether one that begins with these bytes (EIN_FORMAT_START_BYTES, or all) is of the format. */
    bool (*is)(const uint8_t *start, size_t bytes);
    int64_t max_bytes; /* of a file that is read */
    /* As ein_muse_read: EIN_OK, or an error with a message and `ecg` empty. Not collective; any number of threads. */
    ein_status (*read)(const ein_content *file, ein_ecg *ecg);
} ein_format;

/* The format of a file that begins with these bytes; NULL if it is none of these. */
const ein_format *ein_format_find(const void *start, size_t bytes);

/* "WFDB headers (.hea), GE MUSE XML, ... and ...", valid until the thread calls it again. */
const char *ein_format_list(void);

#endif
