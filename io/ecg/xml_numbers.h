/* Lists of whole numbers in XML, as formats that do not pack their samples have them. */
#ifndef EIN_IO_ECG_XML_NUMBERS_H
#define EIN_IO_ECG_XML_NUMBERS_H

#include <stdint.h>

#include "core/base/status.h"
#include "io/formats/xml_text.h"

/* The numbers of a node's text, with blanks between and at most nine digits each; "NaN" and "-" are EIN_COUNT_MISSING
 * (io/ecg/counts.h). `*count` (`*n`) is the caller's to free. EIN_FORMAT with the line, `what` and the value. */
ein_status ein_xml_numbers(const ein_xml *xml, const ein_xml_node *node, const char *what, int32_t **count,
                           int64_t *n);

#endif
