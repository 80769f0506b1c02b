/* Forest plots: a row per comparison, its interval drawn and written. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/picture/axis.h"
#include "io/picture/chart.h"

/* Pixels. */
enum {
    WIDTH = 760,
    PANEL_LEFT = 230,
    PANEL_RIGHT = 570,
    ROW = 24,
    MORE = 17,
    TOP = 34,
    BOTTOM = 62,
    LINE = 18,
    FONT = 13
};

static ein_axis axis_of(const ein_forest *f) {
    double min = INFINITY, max = -INFINITY;
    for (int i = 0; i < f->n; i++) {
        const double ends[] = {f->row[i].value, f->row[i].lower, f->row[i].upper};
        for (int k = 0; k < 3; k++)
            if (isfinite(ends[k])) {
                min = fmin(min, ends[k]);
                max = fmax(max, ends[k]);
            }
    }
    if (isfinite(f->reference)) {
        min = fmin(min, f->reference);
        max = fmax(max, f->reference);
    }
    return ein_axis_round(min, max, PANEL_LEFT, PANEL_RIGHT, 6);
}

static double height_of(const ein_forest *f) {
    double height = 0;
    for (int i = 0; i < f->n; i++) height += f->row[i].label ? ROW : MORE;
    return height;
}

static void write_interval(const ein_forest_row *r, bool sign, char *out, size_t room) {
    if (!isfinite(r->value))
        snprintf(out, room, "%s", r->why ? r->why : "not estimable");
    else if (!isfinite(r->lower) || !isfinite(r->upper))
        snprintf(out, room, sign ? "%+.3f" : "%.3f", r->value);
    else
        snprintf(out, room, sign ? "%+.3f (%+.3f to %+.3f)" : "%.3f (%.3f to %.3f)", r->value, r->lower,
                 r->upper);
}

static void draw_row(ein_picture *p, const ein_forest *f, const ein_axis *x, const ein_forest_row *r,
                     double y) {
    char text[96];
    write_interval(r, f->sign, text, sizeof text);
    if (r->label) ein_picture_text(p, EIN_INK_TEXT, PANEL_LEFT - 14, y + 4, EIN_ANCHOR_END, FONT, r->label);
    ein_picture_text(p, EIN_INK_TEXT, PANEL_RIGHT + 14, y + 4, EIN_ANCHOR_START, FONT - 1, text);
    if (!isfinite(r->value)) return;
    if (isfinite(r->lower) && isfinite(r->upper))
        ein_picture_line(p, ein_ink_of_series(EIN_INK_SERIES, r->ink), ein_axis_place(x, r->lower), y,
                         ein_axis_place(x, r->upper), y);
    ein_picture_circle(p, ein_ink_of_series(EIN_INK_DOT, r->ink), ein_axis_place(x, r->value), y, 4.2, text);
}

static void draw_axis(ein_picture *p, const ein_forest *f, const ein_axis *x, double bottom) {
    char text[32];
    for (double v = ein_axis_first(x); v <= x->max + x->step * 1e-6; v += x->step) {
        ein_axis_text(x, v, text, sizeof text);
        ein_picture_line(p, EIN_INK_TICKS, ein_axis_place(x, v), TOP - 8, ein_axis_place(x, v), bottom);
        ein_picture_text(p, EIN_INK_NOTE, ein_axis_place(x, v), bottom + 16, EIN_ANCHOR_MIDDLE, FONT - 1,
                         text);
    }
    ein_picture_line(p, EIN_INK_AXIS, PANEL_LEFT, bottom, PANEL_RIGHT, bottom);
    if (isfinite(f->reference))
        ein_picture_line(p, EIN_INK_REFERENCE, ein_axis_place(x, f->reference), TOP - 8,
                         ein_axis_place(x, f->reference), bottom);
    ein_picture_text(p, EIN_INK_TEXT, (PANEL_LEFT + PANEL_RIGHT) / 2.0, bottom + 36, EIN_ANCHOR_MIDDLE, FONT,
                     f->x_label);
}

ein_status ein_forest_draw(const ein_forest *f, ein_picture **out) {
    ein_picture *p;
    const double bottom = TOP + height_of(f);
    const ein_axis x = axis_of(f);
    EIN_TRY(ein_picture_new(WIDTH, bottom + BOTTOM - 14 + f->n_names * LINE, EIN_UNIT_PX, f->title,
                            f->description, &p));
    draw_axis(p, f, &x, bottom);
    const double middle = ein_axis_place(&x, isfinite(f->reference) ? f->reference : x.min);
    if (f->left) ein_picture_text(p, EIN_INK_NOTE, middle - 8, 16, EIN_ANCHOR_END, FONT - 1, f->left);
    if (f->right) ein_picture_text(p, EIN_INK_NOTE, middle + 8, 16, EIN_ANCHOR_START, FONT - 1, f->right);
    double y = TOP - 6;
    for (int i = 0; i < f->n; i++) {
        y += f->row[i].label ? ROW : MORE;
        draw_row(p, f, &x, &f->row[i], y - ROW / 2.0 + 6);
    }
    for (int k = 0; k < f->n_names; k++) {
        const double at = bottom + BOTTOM + k * LINE - 6;
        ein_picture_circle(p, ein_ink_of_series(EIN_INK_DOT, k), PANEL_LEFT + 8, at - 4, 4.2, NULL);
        ein_picture_text(p, EIN_INK_TEXT, PANEL_LEFT + 20, at, EIN_ANCHOR_START, FONT, f->name[k]);
    }
    *out = p;
    return EIN_OK;
}
