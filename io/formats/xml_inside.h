/* Inside of the reader of XML: for the files xml_*.c of this room only. */
#ifndef EIN_IO_FORMATS_XML_INSIDE_H
#define EIN_IO_FORMATS_XML_INSIDE_H

#include <libxml/tree.h>

#include "io/formats/xml_text.h"

struct ein_xml {
    char *path;
    xmlDocPtr doc;
    ein_utf8_repair repair;
};

/* How a file writes its characters. XML begins with '<' or blanks, so that UTF-16 without a mark shows by its zero
 * bytes. `*mark` is how many bytes a byte order mark has. */
typedef enum { EIN_XML_BYTES, EIN_XML_UTF16_LE, EIN_XML_UTF16_BE } ein_xml_code_units;
ein_xml_code_units ein_xml_units(const uint8_t *b, size_t n, size_t *mark);

bool ein_xml_is_blank(char c);
const char *ein_xml_skip_blanks(const char *p);

/* Behind the next `mark`, or NULL. */
const char *ein_xml_behind(const char *p, const char *mark);

/* Behind one declaration, instruction or comment; NULL if it does not end here. */
const char *ein_xml_skip_markup(const char *p);

/* The first line of a text, NULL is none, as ein_utf8_show makes it. */
void ein_xml_show_line(const char *text, char *out, size_t room);

#endif
