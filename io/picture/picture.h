/* A picture as a list of lines, areas and texts, each drawn with an ink; written as SVG, PNG or PDF.
 *
 * Coordinates count from the top left corner, in millimetres (paper) or pixels of 1/96 inch (charts). Texts are of any
 * bytes and stay texts: SVG has them escaped (io/picture/markup.h), to be searched and read aloud. What an ink looks
 * like stands in one table (ink.c), from which also the style sheet of a page comes: colours of charts are CSS
 * custom properties with values for light and dark, colours of ECG paper are those of paper.
 *
 * A picture keeps its first failure (memory), which writing it reports. Nothing here is collective.
 */
#ifndef EIN_IO_PICTURE_PICTURE_H
#define EIN_IO_PICTURE_PICTURE_H

#include <stddef.h>

#include "core/base/status.h"
#include "io/picture/ink.h"
#include "io/picture/markup.h"

typedef struct ein_picture ein_picture;

/* `title` names it and `description` says in words what it shows, for those who cannot see it; both are copied. */
ein_status ein_picture_new(double width, double height, ein_picture_unit unit, const char *title,
                           const char *description, ein_picture **out);
void ein_picture_free(ein_picture *picture); /* NULL is fine */

/* Begin a line or area, with a label that is shown when one points at it (NULL: none), then give its points. A point
 * with a NaN lifts the pen. */
void ein_picture_path(ein_picture *picture, ein_ink ink, const char *label);
void ein_picture_to(ein_picture *picture, double x, double y);
void ein_picture_lift(ein_picture *picture);

void ein_picture_line(ein_picture *picture, ein_ink ink, double x1, double y1, double x2, double y2);
void ein_picture_rectangle(ein_picture *picture, ein_ink ink, double x, double y, double width, double height,
                           const char *label);
void ein_picture_circle(ein_picture *picture, ein_ink ink, double x, double y, double radius,
                        const char *label);

/* A line of text with its baseline at y; `size` is the height of its font. */
void ein_picture_text(ein_picture *picture, ein_ink ink, double x, double y, ein_anchor anchor, double size,
                      const char *text);

/* As SVG: a file of its own with its styles, or with `inside_page` an element for a page that has
 * ein_picture_styles. `number` makes ids unique within a page. */
ein_status ein_picture_svg(const ein_picture *picture, bool inside_page, int number, ein_markup *out);

/* Rules of CSS for every ink; the custom properties with their values for light and dark. */
void ein_picture_styles(ein_markup *out);

/* Write `path` by its extension: .svg, .png (200 dots per inch, and it says so) or .pdf. EIN_USAGE for another one.
 * The file is whole or absent (io/base/durable.h). */
ein_status ein_picture_save(const ein_picture *picture, const char *path);

/* EIN_USAGE, naming those that are known, unless `path` ends in one of them. */
ein_status ein_picture_check_name(const char *path);

#endif
