#include "io/picture/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/durable.h"
#include "io/picture/parts.h"

ein_status ein_picture_new(double width, double height, ein_picture_unit unit, const char *title,
                           const char *description, ein_picture **out) {
    ein_picture *p;
    *out = NULL;
    EIN_TRY(EIN_NEW(p, 1));
    p->width = width;
    p->height = height;
    p->unit = unit;
    p->title = strdup(title);
    p->description = strdup(description);
    p->failed = !p->title || !p->description;
    *out = p;
    return EIN_OK;
}

void ein_picture_free(ein_picture *p) {
    if (!p) return;
    for (int64_t i = 0; i < p->n_shapes; i++) free(p->shape[i].text);
    free(p->shape);
    free(p->point);
    free(p->title);
    free(p->description);
    free(p);
}

/* A new shape, or NULL. */
static ein_shape *add(ein_picture *p, ein_shape_kind kind, ein_ink ink, const char *text) {
    if (p->failed) return NULL;
    if (EIN_GROW(p->shape, p->room_shapes, p->n_shapes + 1) != EIN_OK) {
        p->failed = true;
        return NULL;
    }
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy) {
        p->failed = true;
        return NULL;
    }
    ein_shape *s = &p->shape[p->n_shapes++];
    *s = (ein_shape){.kind = kind, .ink = ink, .first = p->n_points, .text = copy};
    return s;
}

void ein_picture_path(ein_picture *p, ein_ink ink, const char *label) {
    add(p, EIN_SHAPE_PATH, ink, label);
}

void ein_picture_to(ein_picture *p, double x, double y) {
    if (p->failed) return;
    if (ein_grow(&p->point, &p->room_points, p->n_points + 1, 2 * sizeof *p->point, "points") != EIN_OK) {
        p->failed = true;
        return;
    }
    const bool lifted = !isfinite(x) || !isfinite(y);
    p->point[2 * p->n_points] = lifted ? (double)NAN : x;
    p->point[2 * p->n_points + 1] = lifted ? (double)NAN : y;
    p->n_points++;
    p->shape[p->n_shapes - 1].n++;
}

void ein_picture_lift(ein_picture *p) {
    ein_picture_to(p, (double)NAN, (double)NAN);
}

void ein_picture_line(ein_picture *p, ein_ink ink, double x1, double y1, double x2, double y2) {
    ein_picture_path(p, ink, NULL);
    ein_picture_to(p, x1, y1);
    ein_picture_to(p, x2, y2);
}

void ein_picture_rectangle(ein_picture *p, ein_ink ink, double x, double y, double width, double height,
                           const char *label) {
    ein_picture_path(p, ink, label);
    ein_picture_to(p, x, y);
    ein_picture_to(p, x + width, y);
    ein_picture_to(p, x + width, y + height);
    ein_picture_to(p, x, y + height);
}

void ein_picture_circle(ein_picture *p, ein_ink ink, double x, double y, double radius, const char *label) {
    ein_shape *s = isfinite(x) && isfinite(y) ? add(p, EIN_SHAPE_CIRCLE, ink, label) : NULL;
    if (!s) return;
    s->x = x;
    s->y = y;
    s->size = radius;
}

void ein_picture_text(ein_picture *p, ein_ink ink, double x, double y, ein_anchor anchor, double size,
                      const char *text) {
    ein_shape *s = add(p, EIN_SHAPE_TEXT, ink, text ? text : "");
    if (!s) return;
    s->x = x;
    s->y = y;
    s->anchor = anchor;
    s->size = size;
}

/* --- files ----------------------------------------------------------------------------------------------- */

static bool ends_in(const char *path, const char *extension) {
    const size_t n = strlen(path), m = strlen(extension);
    return n > m && strcasecmp(path + n - m, extension) == 0;
}

ein_status ein_picture_check_name(const char *path) {
    if (ends_in(path, ".svg") || ends_in(path, ".png") || ends_in(path, ".pdf")) return EIN_OK;
    return ein_error(EIN_USAGE, "%s: a picture's name ends in .svg, .png or .pdf", path);
}

ein_status ein_picture_save(const ein_picture *p, const char *path) {
    EIN_TRY(ein_picture_check_name(path));
    if (ends_in(path, ".svg")) {
        ein_markup svg = {0};
        ein_status status = ein_picture_svg(p, false, 0, &svg);
        if (status == EIN_OK) status = ein_durable_write(path, svg.text, svg.bytes);
        ein_markup_free(&svg);
        return status;
    }
    unsigned char *bytes = NULL;
    size_t n = 0;
    ein_status status =
        ends_in(path, ".png") ? ein_picture_png(p, &bytes, &n) : ein_picture_pdf(p, &bytes, &n);
    if (status == EIN_OK) status = ein_durable_write(path, bytes, n);
    free(bytes);
    return status;
}
