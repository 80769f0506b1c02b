/* A picture as PNG and PDF: the one place that knows Cairo. */
#include <cairo-pdf.h>
#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "io/base/utf8.h"
#include "io/picture/parts.h"
#include "io/picture/picture.h"

#define MM_PER_INCH 25.4
#define PX_PER_INCH 96.0
#define PNG_DPI     200.0

static double units_per_inch(const ein_picture *p) {
    return p->unit == EIN_UNIT_MM ? MM_PER_INCH : PX_PER_INCH;
}

static void set_colour(cairo_t *c, const ein_look *look) {
    cairo_set_source_rgba(c, (look->light >> 16) / 255.0, (look->light >> 8 & 0xff) / 255.0,
                          (look->light & 0xff) / 255.0, look->kind == EIN_LOOK_AREA ? look->opacity : 1);
}

static void paint(cairo_t *c, const ein_look *look) {
    set_colour(c, look);
    if (look->kind != EIN_LOOK_LINE) {
        cairo_fill(c);
        return;
    }
    const double dash[2] = {look->dash, look->dash * 0.75};
    cairo_set_dash(c, dash, look->dash > 0 ? 2 : 0, 0);
    cairo_set_line_width(c, look->width);
    cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
    cairo_stroke(c);
}

static void draw_path(cairo_t *c, const ein_picture *p, const ein_shape *s) {
    bool down = false;
    for (int64_t i = s->first; i < s->first + s->n; i++) {
        const double x = p->point[2 * i], y = p->point[2 * i + 1];
        if (!isfinite(x)) {
            down = false;
            continue;
        }
        if (down)
            cairo_line_to(c, x, y);
        else
            cairo_move_to(c, x, y);
        down = true;
    }
}

static void draw_text(cairo_t *c, const ein_shape *s) {
    const ein_look *look = &ein_looks[s->ink];
    char text[1024]; /* Cairo takes nothing but UTF-8 */
    cairo_text_extents_t size;
    ein_utf8_show(s->text, text, sizeof text);
    cairo_select_font_face(c, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                           look->bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, s->size);
    cairo_text_extents(c, text, &size);
    set_colour(c, look);
    cairo_move_to(c, s->x - 0.5 * (int)s->anchor * size.x_advance, s->y);
    cairo_show_text(c, text);
    cairo_new_path(c);
}

static void draw(cairo_t *c, const ein_picture *p) {
    cairo_set_source_rgb(c, 1, 1, 1);
    cairo_paint(c);
    for (int64_t i = 0; i < p->n_shapes; i++) {
        const ein_shape *s = &p->shape[i];
        cairo_new_path(c);
        if (s->kind == EIN_SHAPE_TEXT) {
            draw_text(c, s);
            continue;
        }
        if (s->kind == EIN_SHAPE_PATH)
            draw_path(c, p, s);
        else
            cairo_arc(c, s->x, s->y, s->size, 0, 2 * 3.14159265358979323846);
        paint(c, &ein_looks[s->ink]);
    }
}

/* --- bytes of a file ------------------------------------------------------------------------------------- */

typedef struct {
    unsigned char *bytes;
    size_t n;
} written;

static cairo_status_t take(void *to, const unsigned char *data, unsigned int n) {
    written *w = to;
    unsigned char *more = realloc(w->bytes, w->n + n);
    if (!more) return CAIRO_STATUS_NO_MEMORY;
    memcpy(more + w->n, data, n);
    w->bytes = more;
    w->n += n;
    return CAIRO_STATUS_SUCCESS;
}

static ein_status finish(const ein_picture *p, cairo_status_t status, written *w, unsigned char **out,
                         size_t *bytes) {
    if (p->failed) status = CAIRO_STATUS_NO_MEMORY;
    *out = NULL;
    *bytes = 0;
    if (status != CAIRO_STATUS_SUCCESS) {
        free(w->bytes);
        return ein_error(status == CAIRO_STATUS_NO_MEMORY ? EIN_NOMEM : EIN_RANGE, "drawing: %s",
                         cairo_status_to_string(status));
    }
    *out = w->bytes;
    *bytes = w->n;
    return EIN_OK;
}

static void put_big_endian(unsigned char *at, uint32_t value) {
    for (int i = 0; i < 4; i++) at[i] = (unsigned char)(value >> (24 - 8 * i));
}

/* Say how large a pixel is (pHYs), behind the first chunk (signature 8, IHDR 25 bytes): a print has the right size. */
static cairo_status_t put_resolution(written *w) {
    enum { AT = 33, CHUNK = 21 };
    unsigned char chunk[CHUNK] = {0, 0, 0, 9, 'p', 'H', 'Y', 's'}, *more;
    const uint32_t per_metre = (uint32_t)lround(PNG_DPI / MM_PER_INCH * 1000);
    put_big_endian(chunk + 8, per_metre);
    put_big_endian(chunk + 12, per_metre);
    chunk[16] = 1; /* the unit is the metre */
    put_big_endian(chunk + 17, (uint32_t)crc32_z(0, chunk + 4, 13));
    if (w->n < AT) return CAIRO_STATUS_WRITE_ERROR;
    more = realloc(w->bytes, w->n + CHUNK);
    if (!more) return CAIRO_STATUS_NO_MEMORY;
    memmove(more + AT + CHUNK, more + AT, w->n - AT);
    memcpy(more + AT, chunk, CHUNK);
    w->bytes = more;
    w->n += CHUNK;
    return CAIRO_STATUS_SUCCESS;
}

ein_status ein_picture_png(const ein_picture *p, unsigned char **out, size_t *bytes) {
    const double scale = PNG_DPI / units_per_inch(p);
    written w = {NULL, 0};
    cairo_surface_t *surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, (int)ceil(p->width * scale),
                                                          (int)ceil(p->height * scale));
    cairo_t *c = cairo_create(surface);
    cairo_scale(c, scale, scale);
    draw(c, p);
    cairo_status_t status = cairo_status(c);
    cairo_destroy(c);
    if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_write_to_png_stream(surface, take, &w);
    cairo_surface_destroy(surface);
    if (status == CAIRO_STATUS_SUCCESS) status = put_resolution(&w);
    return finish(p, status, &w, out, bytes);
}

ein_status ein_picture_pdf(const ein_picture *p, unsigned char **out, size_t *bytes) {
    const double scale = 72 / units_per_inch(p);
    char title[512];
    written w = {NULL, 0};
    cairo_surface_t *surface =
        cairo_pdf_surface_create_for_stream(take, &w, p->width * scale, p->height * scale);
    ein_utf8_show(p->title ? p->title : "", title, sizeof title);
    cairo_pdf_surface_set_metadata(surface, CAIRO_PDF_METADATA_TITLE, title);
    cairo_t *c = cairo_create(surface);
    cairo_scale(c, scale, scale);
    draw(c, p);
    cairo_show_page(c);
    cairo_status_t status = cairo_status(c);
    cairo_destroy(c);
    cairo_surface_finish(surface);
    if (status == CAIRO_STATUS_SUCCESS) status = cairo_surface_status(surface);
    cairo_surface_destroy(surface);
    return finish(p, status, &w, out, bytes);
}
