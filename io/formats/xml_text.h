/* XML files that nobody vouches for; the one place that knows libxml2.
 *
 * What is read: well-formed XML of at most 64 MiB, elements at most 64 deep, at most 250,000 elements and as many
 * attributes, as many comments and CDATA sections together, 1,000 processing instructions and 1,000 declarations of
 * namespaces, tags of at most 64 KiB, in UTF-8, UTF-16 (by byte order mark or by its zero bytes), US-ASCII, ISO-8859-x
 * (also as "ISO8859-1", as CardioSoft writes it) or windows-125x.  The encoding that a file declares is believed only
 * within these: a file that says UTF-8 or nothing, and is not, is made UTF-8 as io/base/utf8.h does.
 *
 * What is refused: every declaration of an entity, element, attribute or notation within the file, and every
 * reference to an entity but the five of XML itself.  So nothing expands, whatever was nested ("billion laughs").
 * An external DTD may be named (MUSE files name restecg.dtd); it is never opened.  No other file is, and no network.
 * Comments and processing instructions are passed over; CDATA is text.
 *
 * Names are compared without namespace.  A node lives as long as its document.  Every function that takes a node takes
 * NULL as well, and finds nothing there.  Errors are EIN_FORMAT with file and line, or EIN_IO, EIN_NOTFOUND, EIN_NOMEM.
 * Not collective; any number of threads, each with its own documents.
 *
 * Memory: the file, its text in UTF-8, and about 120 bytes per element or attribute.
 */
#ifndef EIN_IO_FORMATS_XML_TEXT_H
#define EIN_IO_FORMATS_XML_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/input.h"
#include "io/base/utf8.h"

#define EIN_XML_MAX_BYTES (INT64_C(64) << 20)
enum {
    EIN_XML_MAX_DEPTH = 64,
    EIN_XML_MAX_ELEMENTS = 250000,
    EIN_XML_MAX_NAMESPACES = 1000,
    EIN_XML_MAX_INSTRUCTIONS = 1000,
    EIN_XML_MAX_TAG_BYTES = 65536,
    EIN_XML_NAME_BYTES = 64,
    EIN_XML_SNIFF_BYTES = 4096
};

/* True if a file that begins with these bytes claims to be XML; `root` (EIN_XML_NAME_BYTES) is then the name of its
 * first element without prefix, "" if that does not begin within the bytes. EIN_XML_SNIFF_BYTES suffice. */
bool ein_xml_sniff(const void *start, size_t bytes, char *root);

/* The same for a file; false for what cannot be read as a file. No error message. */
bool ein_xml_sniff_file(const char *path, char *root);

/* "2.9.14": the library that this is built with. */
const char *ein_xml_library(void);

typedef struct ein_xml ein_xml;
typedef struct ein_xml_node ein_xml_node;

/* Parse a file, or what was read of one (at most EIN_XML_MAX_BYTES). */
ein_status ein_xml_open(const char *path, ein_xml **out);
ein_status ein_xml_parse(const ein_content *file, ein_xml **out);
void ein_xml_close(ein_xml *xml); /* NULL is fine */

/* What had to be done to make the text UTF-8 that was said to be. */
ein_utf8_repair ein_xml_repair(const ein_xml *xml);

const ein_xml_node *ein_xml_root(const ein_xml *xml);
bool ein_xml_is(const ein_xml_node *node, const char *name);
/* The first child element of that name, the next sibling of that name; NULL if there is none. */
const ein_xml_node *ein_xml_child(const ein_xml_node *node, const char *name);
const ein_xml_node *ein_xml_next(const ein_xml_node *node, const char *name);
/* ein_xml_child along "A/B/C", always the first. */
const ein_xml_node *ein_xml_find(const ein_xml_node *node, const char *path);
const ein_xml_node *ein_xml_parent(const ein_xml_node *node); /* NULL for the root */
bool ein_xml_is_empty(const ein_xml_node *node); /* true if there is nothing but blanks in its own text */

/* Set EIN_FORMAT with "path:line: " before the text; the line is the node's, or none for NULL. */
ein_status ein_xml_error(const ein_xml *xml, const ein_xml_node *node, const char *format, ...)
    EIN_PRINTF(3, 4);

/* The node's own text, trimmed, blanks within joined to one, without control characters, cut at a whole character
 * where it does not fit. `out` is "" and the result false if there is no text. */
bool ein_xml_text(const ein_xml_node *node, char *out, size_t room);
/* The same for an attribute; its name is compared without case. */
bool ein_xml_attribute(const ein_xml_node *node, const char *name, char *out, size_t room);

/* The node's own text as it stands (UTF-8), NUL-terminated at text[bytes]. `*owned` is to be freed; it may be NULL. */
ein_status ein_xml_content(const ein_xml_node *node, const char **text, size_t *bytes, char **owned);

/* The decimal number in child `name` of `parent`. EIN_FORMAT with the line, the name and what stands there if it is
 * missing, not a number, or outside [min, max]. */
ein_status ein_xml_real(const ein_xml *xml, const ein_xml_node *parent, const char *name, double min,
                        double max, double *out);
ein_status ein_xml_int(const ein_xml *xml, const ein_xml_node *parent, const char *name, int64_t min,
                       int64_t max, int64_t *out);
/* The same, but `*out` keeps its value if the child is missing or empty. */
ein_status ein_xml_int_if_there(const ein_xml *xml, const ein_xml_node *parent, const char *name, int64_t min,
                                int64_t max, int64_t *out);

#endif
