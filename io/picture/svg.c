/* A picture as SVG. */
#include <math.h>

#include "io/picture/parts.h"
#include "io/picture/picture.h"

/* 0.01 mm is 1 uV on ECG paper; 0.01 px is nothing. */
enum { DECIMALS = 2 };

static void put_points(ein_markup *out, const ein_picture *p, const ein_shape *s, bool closed) {
    bool down = false;
    for (int64_t i = s->first; i < s->first + s->n; i++) {
        const double x = p->point[2 * i], y = p->point[2 * i + 1];
        if (!isfinite(x)) {
            if (down && closed) ein_markup_put(out, "Z");
            down = false;
            continue;
        }
        /* Points that follow a move are lines. */
        ein_markup_put(out, down ? " " : "M");
        ein_markup_number(out, x, DECIMALS);
        ein_markup_put(out, " ");
        ein_markup_number(out, y, DECIMALS);
        down = true;
    }
    if (down && closed) ein_markup_put(out, "Z");
}

static void put_end(ein_markup *out, const ein_shape *s, const char *element) {
    if (s->text)
        ein_markup_put(out, "\"><title>%s</title></%s>\n", s->text, element);
    else
        ein_markup_put(out, "\"/>\n");
}

static void put_shape(ein_markup *out, const ein_picture *p, const ein_shape *s) {
    static const char *const anchor[] = {"start", "middle", "end"};
    const ein_look *look = &ein_looks[s->ink];
    switch (s->kind) {
    case EIN_SHAPE_PATH:
        ein_markup_put(out, "<path class=\"ein-%s\" d=\"", look->name);
        put_points(out, p, s, look->kind == EIN_LOOK_AREA);
        put_end(out, s, "path");
        break;
    case EIN_SHAPE_CIRCLE:
        ein_markup_put(out, "<circle class=\"ein-%s\" cx=\"%.2f\" cy=\"%.2f\" r=\"%.2f", look->name, s->x,
                       s->y, s->size);
        put_end(out, s, "circle");
        break;
    case EIN_SHAPE_TEXT:
        ein_markup_put(
            out,
            "<text class=\"ein-%s\" x=\"%.2f\" y=\"%.2f\" font-size=\"%.2f\" text-anchor=\"%s\">%s</text>\n",
            look->name, s->x, s->y, s->size, anchor[s->anchor], s->text);
        break;
    }
}

static void put_colours(ein_markup *out, bool dark) {
    for (int i = 0; i < EIN_INKS; i++) {
        const uint32_t c = dark ? ein_looks[i].dark : ein_looks[i].light;
        if (dark && ein_looks[i].dark == ein_looks[i].light) continue;
        ein_markup_put(out, "--ein-%s:rgb(%d,%d,%d);", ein_looks[i].name, (int)(c >> 16),
                       (int)(c >> 8 & 0xff), (int)(c & 0xff));
    }
}

static void put_rule(ein_markup *out, const ein_look *look) {
    ein_markup_put(out, ".ein-%s{", look->name);
    if (look->kind == EIN_LOOK_LINE) {
        ein_markup_put(out, "fill:none;stroke:var(--ein-%s);stroke-width:%gpx;stroke-linejoin:round;",
                       look->name, look->width);
        if (look->dash > 0) ein_markup_put(out, "stroke-dasharray:%g %g;", look->dash, look->dash * 0.75);
        if (look->crisp) ein_markup_put(out, "shape-rendering:crispEdges;");
    } else {
        ein_markup_put(out, "fill:var(--ein-%s);", look->name);
        if (look->opacity < 1) ein_markup_put(out, "fill-opacity:%g;", look->opacity);
        if (look->bold) ein_markup_put(out, "font-weight:600;");
    }
    ein_markup_put(out, "}\n");
}

void ein_picture_styles(ein_markup *out) {
    ein_markup_put(out, ":root{");
    put_colours(out, false);
    ein_markup_put(out, "}\n@media screen and (prefers-color-scheme:dark){:root{");
    put_colours(out, true);
    ein_markup_put(out, "}}\n.ein-picture text{font-family:system-ui,\"Helvetica Neue\",Arial,sans-serif;"
                        "font-variant-numeric:tabular-nums}\n");
    for (int i = 0; i < EIN_INKS; i++) put_rule(out, &ein_looks[i]);
}

ein_status ein_picture_svg(const ein_picture *p, bool inside_page, int number, ein_markup *out) {
    const char *unit = p->unit == EIN_UNIT_MM ? "mm" : "px";
    if (!inside_page) ein_markup_put(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    ein_markup_put(out, "<svg class=\"ein-picture\"");
    if (!inside_page)
        ein_markup_put(out, " xmlns=\"http://www.w3.org/2000/svg\" width=\"%g%s\" height=\"%g%s\"", p->width,
                       unit, p->height, unit);
    ein_markup_put(out,
                   " viewBox=\"0 0 %g %g\" role=\"img\" aria-labelledby=\"ein-t%d ein-d%d\">\n"
                   "<title id=\"ein-t%d\">%s</title>\n<desc id=\"ein-d%d\">%s</desc>\n",
                   p->width, p->height, number, number, number, p->title, number, p->description);
    if (!inside_page) {
        ein_markup_put(out, "<style>\n");
        ein_picture_styles(out);
        ein_markup_put(out, "</style>\n");
    }
    for (int64_t i = 0; i < p->n_shapes; i++) put_shape(out, p, &p->shape[i]);
    ein_markup_put(out, "</svg>\n");
    if (p->failed) return ein_error(EIN_NOMEM, "no memory for a picture");
    return ein_markup_done(out, "a picture");
}
