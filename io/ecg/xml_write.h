/* What the writers of XML recordings (io/ecg/muse_write.h, io/ecg/cardiosoft_write.h) share: options, text, and files
 * that are whole.
 *
 * A file ends, behind its root element, in the comment
 *
 *     <!-- CRC-32 of all above: 1234abcd -->
 *
 * (zlib's, over every byte before that line).  NAME.xml appears by rename when it is complete.  Nothing is
 * synced here, for the reasons that io/ecg/wfdb_write.h gives; after a power failure ein_xml_is_whole tells which files
 * survived.
 *
 * Samples become whole counts of `uv_per_count`; a missing one (NaN) becomes -32768, which the readers take as missing
 * (neither format defines a mark of its own), a value beyond +-32767 counts the nearest of them.  Text is UTF-8; beyond
 * ASCII it is written as numbers (&#252;).  The same recording and options give the same bytes.
 */
#ifndef EIN_IO_ECG_XML_WRITE_H
#define EIN_IO_ECG_XML_WRITE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"

typedef struct {
    double uv_per_count;
    const char *last_name;       /* of the person; NULL: none */
    const char *const *comments; /* one line each, without "--"; as comments and as statements */
    int n_comments;
} ein_xml_write_options;

/* EIN_RANGE for what cannot be written: a name (letters, digits and '_'), a unit, no samples, text that is not UTF-8 or
 * holds control characters, a comment with "--". */
ein_status ein_xml_write_check(const char *name, const ein_ecg *ecg, const ein_xml_write_options *options);

/* XML declaration (ISO-8859-1), `doctype` if it is not "", comments. */
void ein_xml_put_start(FILE *out, const char *doctype, const ein_xml_write_options *options);
/* Text with everything escaped that must be. */
void ein_xml_put_text(FILE *out, const char *text);
/* "<name>text</name>" behind `before`, with a line end. */
void ein_xml_put_element(FILE *out, const char *before, const char *name, const char *text);

int16_t ein_xml_count(float mv, double uv_per_count);

/* The parts of "2150-05-06T14:50:55"; false for any other text. */
typedef struct {
    unsigned year, month, day, hour, minute, second;
} ein_xml_time;
bool ein_xml_take_time(const char *acquired, ein_xml_time *out);

/* The statements of `dx`, one at a time: begin with *at = dx; false at the end. */
bool ein_xml_next_statement(const char **at, char *out, size_t room);

/* Write FOLDER/NAME.xml of what was printed to `out` (open_memstream over *text, *bytes), closing it and freeing *text,
 * whatever happens. Replaces a regular file of that name. EIN_IO with the file and the system's reason; then no
 * NAME.xml is left by this. */
ein_status ein_xml_write_file(const char *folder, const char *name, FILE *out, char **text, size_t *bytes);

/* True if FOLDER/NAME.xml is as it was written, by its last line. Missing and damaged files are simply not whole. */
bool ein_xml_is_whole(const char *folder, const char *name);

#endif
