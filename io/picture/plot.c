/* Curves with bands, points with whiskers, a histogram below. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "io/picture/axis.h"
#include "io/picture/chart.h"

/* Pixels. */
enum {
    WIDTH = 400,
    WIDE = 560,
    HEIGHT = 340,
    LEFT = 58,
    RIGHT = 14,
    TOP = 14,
    BOTTOM = 46,
    LINE = 18,
    BARS = 46,
    FONT = 13
};

typedef struct {
    const ein_plot *plot;
    ein_picture *picture;
    ein_axis x, y;
    double bottom; /* of the panel with the curves */
} drawing;

static void draw_x_ticks(const drawing *d, double bottom) {
    char text[32];
    for (double v = ein_axis_first(&d->x); v <= d->x.max + d->x.step * 1e-6; v += d->x.step) {
        const double x = ein_axis_place(&d->x, v);
        ein_axis_text(&d->x, v, text, sizeof text);
        ein_picture_line(d->picture, EIN_INK_TICKS, x, TOP, x, d->bottom);
        ein_picture_text(d->picture, EIN_INK_NOTE, x, bottom + 16, EIN_ANCHOR_MIDDLE, FONT - 1, text);
    }
}

static void draw_y_ticks(const drawing *d) {
    char text[32];
    for (double v = ein_axis_first(&d->y); v <= d->y.max + d->y.step * 1e-6; v += d->y.step) {
        const double y = ein_axis_place(&d->y, v);
        ein_axis_text(&d->y, v, text, sizeof text);
        ein_picture_line(d->picture, EIN_INK_TICKS, LEFT, y, d->x.to, y);
        ein_picture_text(d->picture, EIN_INK_NOTE, LEFT - 7, y + 4, EIN_ANCHOR_END, FONT - 1, text);
    }
}

static double within(const ein_axis *a, double value) {
    return ein_axis_place(a, fmin(fmax(value, a->min), a->max));
}

static void draw_band(const drawing *d, const ein_series *s) {
    ein_picture_path(d->picture, ein_ink_of_series(EIN_INK_BAND, s->ink), NULL);
    for (int i = 0; i < s->n; i++)
        if (isfinite(s->upper[i]))
            ein_picture_to(d->picture, within(&d->x, s->x[i]), within(&d->y, s->upper[i]));
    for (int i = s->n - 1; i >= 0; i--)
        if (isfinite(s->lower[i]))
            ein_picture_to(d->picture, within(&d->x, s->x[i]), within(&d->y, s->lower[i]));
}

/* What lies outside the panel is not drawn. */
static void draw_line(const drawing *d, const ein_series *s) {
    const double slack = 1e-9 * (d->y.max - d->y.min);
    ein_picture_path(d->picture, ein_ink_of_series(EIN_INK_SERIES, s->ink), s->name);
    for (int i = 0; i < s->n; i++)
        if (s->y[i] >= d->y.min - slack && s->y[i] <= d->y.max + slack)
            ein_picture_to(d->picture, ein_axis_place(&d->x, s->x[i]), ein_axis_place(&d->y, s->y[i]));
        else
            ein_picture_lift(d->picture);
}

static void draw_dots(const drawing *d, const ein_series *s) {
    for (int i = 0; i < s->n; i++) {
        const double x = ein_axis_place(&d->x, s->x[i]);
        if (!isfinite(s->y[i])) continue;
        if (s->lower && isfinite(s->lower[i]) && isfinite(s->upper[i]))
            ein_picture_line(d->picture, ein_ink_of_series(EIN_INK_SERIES, s->ink), x,
                             within(&d->y, s->lower[i]), x, within(&d->y, s->upper[i]));
        ein_picture_circle(d->picture, ein_ink_of_series(EIN_INK_DOT, s->ink), x, within(&d->y, s->y[i]), 3.6,
                           NULL);
    }
}

static void draw_series(const drawing *d) {
    const ein_plot *p = d->plot;
    for (int k = 0; k < p->n_series; k++)
        if (p->series[k].lower && !p->series[k].dots) draw_band(d, &p->series[k]);
    if (p->diagonal) ein_picture_line(d->picture, EIN_INK_REFERENCE, d->x.from, d->y.from, d->x.to, d->y.to);
    if (isfinite(p->reference))
        ein_picture_line(d->picture, EIN_INK_REFERENCE, d->x.from, within(&d->y, p->reference), d->x.to,
                         within(&d->y, p->reference));
    for (int k = p->n_series - 1; k >= 0; k--) {
        if (p->series[k].line) draw_line(d, &p->series[k]);
        if (p->series[k].dots) draw_dots(d, &p->series[k]);
    }
}

static void draw_bars(const drawing *d, double bottom) {
    const ein_plot *p = d->plot;
    const double width = (d->x.to - d->x.from) / p->n_bars;
    double most = 0;
    for (int i = 0; i < p->n_bars; i++) most = fmax(most, p->bar[i]);
    for (int i = 0; i < p->n_bars && most > 0; i++) {
        const double height = (BARS - 8) * p->bar[i] / most;
        if (height > 0)
            ein_picture_rectangle(d->picture, EIN_INK_DOT, d->x.from + i * width + 1, bottom - height,
                                  width - 2, height, NULL);
    }
    ein_picture_line(d->picture, EIN_INK_AXIS, d->x.from, bottom, d->x.to, bottom);
}

static void draw_legend(const drawing *d, double y) {
    for (int k = 0; k < d->plot->n_series; k++) {
        const ein_series *s = &d->plot->series[k];
        if (!s->name) continue;
        if (s->line)
            ein_picture_line(d->picture, ein_ink_of_series(EIN_INK_SERIES, s->ink), LEFT, y - 4, LEFT + 22,
                             y - 4);
        if (s->dots)
            ein_picture_circle(d->picture, ein_ink_of_series(EIN_INK_DOT, s->ink), LEFT + 11, y - 4, 3.6,
                               NULL);
        ein_picture_text(d->picture, EIN_INK_TEXT, LEFT + 30, y, EIN_ANCHOR_START, FONT, s->name);
        y += LINE;
    }
}

ein_status ein_plot_draw(const ein_plot *p, ein_picture **out) {
    int named = 0;
    for (int k = 0; k < p->n_series; k++) named += p->series[k].name != NULL;
    const double width = p->square ? WIDTH : WIDE, bars = p->n_bars ? BARS : 0, bottom = HEIGHT - BOTTOM;
    drawing d = {.plot = p, .bottom = p->square ? TOP + (width - LEFT - RIGHT) : bottom};
    const double low = d.bottom + bars;
    EIN_TRY(ein_picture_new(width, low + BOTTOM + named * LINE, EIN_UNIT_PX, p->title, p->description,
                            &d.picture));
    d.x = ein_axis_new(p->x_min, p->x_max, LEFT, width - RIGHT, p->square ? 5 : 6);
    d.y = ein_axis_new(p->y_min, p->y_max, d.bottom, TOP, 5);
    draw_x_ticks(&d, low);
    draw_y_ticks(&d);
    ein_picture_line(d.picture, EIN_INK_AXIS, LEFT, d.bottom, width - RIGHT, d.bottom);
    ein_picture_line(d.picture, EIN_INK_AXIS, LEFT, TOP, LEFT, d.bottom);
    if (p->n_bars) draw_bars(&d, low);
    draw_series(&d);
    ein_picture_text(d.picture, EIN_INK_TEXT, (LEFT + width - RIGHT) / 2, low + 35, EIN_ANCHOR_MIDDLE, FONT,
                     p->x_label);
    ein_picture_text(d.picture, EIN_INK_TEXT, LEFT + 6, TOP + 12, EIN_ANCHOR_START, FONT, p->y_label);
    draw_legend(&d, low + BOTTOM + 8);
    *out = d.picture;
    return EIN_OK;
}

static void widen(double value, double *min, double *max) {
    if (!isfinite(value)) return;
    *min = fmin(*min, value);
    *max = fmax(*max, value);
}

void ein_plot_range(ein_plot *p) {
    double x0 = INFINITY, x1 = -INFINITY, y0 = INFINITY, y1 = -INFINITY;
    for (int k = 0; k < p->n_series; k++)
        for (int i = 0; i < p->series[k].n; i++) {
            const ein_series *s = &p->series[k];
            widen(s->x[i], &x0, &x1);
            widen(s->y[i], &y0, &y1);
            if (s->lower) widen(s->lower[i], &y0, &y1);
            if (s->upper) widen(s->upper[i], &y0, &y1);
        }
    const ein_axis x = ein_axis_round(x0, x1, 0, 1, 6), y = ein_axis_round(y0, y1, 0, 1, 5);
    p->x_min = x.min;
    p->x_max = x.max;
    p->y_min = y.min;
    p->y_max = y.max;
}
