/* Inside of a picture, for the files of this folder that write it. */
#ifndef EIN_IO_PICTURE_PARTS_H
#define EIN_IO_PICTURE_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/picture/ink.h"

typedef enum { EIN_SHAPE_PATH, EIN_SHAPE_CIRCLE, EIN_SHAPE_TEXT } ein_shape_kind;

typedef struct {
    ein_shape_kind kind;
    ein_ink ink;
    int64_t first, n; /* points of a path */
    double x, y, size;
    ein_anchor anchor;
    char *text; /* label of a path or circle, or NULL; the text */
} ein_shape;

struct ein_picture {
    double width, height;
    ein_picture_unit unit;
    char *title, *description;
    bool failed;
    int64_t n_shapes, room_shapes;
    ein_shape *shape;
    int64_t n_points, room_points;
    double *point; /* x, y of each; NaN: the pen is lifted */
};

/* As bytes of a PNG or PDF file (free()). */
ein_status ein_picture_png(const struct ein_picture *picture, unsigned char **out, size_t *bytes);
ein_status ein_picture_pdf(const struct ein_picture *picture, unsigned char **out, size_t *bytes);

#endif
