/* Pictures: no text becomes markup; an ECG read off the paper is the ECG that was drawn. */
#include <cairo.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/picture/ecg_sheet.h"
#include "io/picture/markup.h"
#include "io/picture/parts.h"
#include "tests/tap.h"

enum { FS = 500, SAMPLES = 10 * FS };

/* --- markup ------------------------------------------------------------------------------------------------ */

START_TEST(test_escaping) {
    static const struct {
        const char *text, *markup;
    } cases[] = {
        {"V1", "V1"},
        {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
        {"\" onload='x' & more", "&quot; onload=&#39;x&#39; &amp; more"},
        {"]]>", "]]&gt;"},
        {"a\x01\x1b[2J\x7f", "a\xef\xbf\xbd\xef\xbf\xbd[2J\xef\xbf\xbd"},
        {"\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xc2\x85\xe2\x80\xae"
         "gnp.exe",
         "\xef\xbf\xbd\xef\xbf\xbdgnp.exe"},
        {"\xef\xbf\xbf\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"M\xc3\xbcller \xf0\x9f\xab\x80", "M\xc3\xbcller \xf0\x9f\xab\x80"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ein_markup m = {0};
        ein_markup_put(&m, "%s", cases[i].text);
        ck_assert_str_eq(m.text, cases[i].markup);
        ein_markup_free(&m);
    }
}
END_TEST

START_TEST(test_values) {
    ein_markup m = {0};
    ein_markup_put(&m, "<p a=\"%d\">%ld %lld %zu %.2f %g %s%%</p>", -3, 4L, 5LL, (size_t)6, 1.005, 0.5, "<");
    ein_markup_number(&m, -0.001, 2);
    ein_markup_put(&m, " ");
    ein_markup_number(&m, 12.5, 3);
    ein_markup_put(&m, " %.1f", (double)NAN);
    ein_markup_text(&m, NULL);
    ck_assert_str_eq(m.text, "<p a=\"-3\">4 5 6 1.00 0.5 &lt;%</p>0 12.5 -");
    ck_assert_int_eq(ein_markup_done(&m, "it"), EIN_OK);
    ein_markup_free(&m);
}
END_TEST

/* --- an ECG ------------------------------------------------------------------------------------------------ */

/* Beats whose peaks differ from lead to lead and from beat to beat, so that nothing fits by accident. */
static float wave(int lead, int i) {
    const double t = (double)i / FS, beat = floor(t / 0.8), in = t - 0.8 * beat - 0.4;
    return (float)((0.4 + 0.1 * lead + 0.05 * beat) * exp(-in * in / 0.0004) * (lead == 3 ? -1 : 1) +
                   0.15 * exp(-(in - 0.25) * (in - 0.25) / 0.003));
}

static void make_ecg(ein_ecg *ecg, int n_leads) {
    *ecg = (ein_ecg){0};
    ck_assert_int_eq(ein_ecg_alloc(ecg, n_leads, SAMPLES), EIN_OK);
    ecg->fs_hz = FS;
    for (int l = 0; l < n_leads; l++) {
        ecg->lead[l] = (ein_lead)l;
        for (int i = 0; i < SAMPLES; i++) ecg->mv[l * SAMPLES + i] = wave(l, i);
    }
}

static char *svg_of(const ein_ecg *ecg, const ein_sheet *sheet) {
    ein_picture *picture;
    ein_markup svg = {0};
    ck_assert_int_eq(ein_sheet_draw(ecg, sheet, &picture), EIN_OK);
    ck_assert_int_eq(ein_picture_svg(picture, false, 0, &svg), EIN_OK);
    ein_picture_free(picture);
    return svg.text;
}

/* The points of the path whose label is `label`, as a reader of the file finds them; a move begins a new piece. */
typedef struct {
    double x[SAMPLES], y[SAMPLES];
    int n, pieces;
} path;

static void read_path(const char *svg, const char *label, path *out) {
    char title[128];
    *out = (path){.n = 0};
    snprintf(title, sizeof title, "<title>%s</title></path>", label);
    const char *end = strstr(svg, title);
    ck_assert_msg(end != NULL, "no path %s", label);
    const char *c = end;
    while (strncmp(c, " d=\"", 4) != 0) c--;
    for (c += 4; *c != '"';) {
        char *next;
        if (*c == 'M') {
            out->pieces++;
            c++;
        }
        out->x[out->n] = strtod(c, &next);
        out->y[out->n++] = strtod(next, &next);
        c = next;
        while (*c == ' ' || *c == 'Z') c++;
    }
}

/* Read amplitude and time of ten peaks off the paper: 25 mm are a second; what a mV is, and where zero, the calibration
 * pulse of the row tells. */
static void check_peaks(ein_sheet_layout layout, const char *label, int lead, int begin, const path *pulse) {
    static path p;
    ein_ecg ecg;
    make_ecg(&ecg, 12);
    char *svg = svg_of(&ecg, &(ein_sheet){.layout = layout, .rhythm = EIN_LEAD_II, .title = "x"});
    read_path(svg, label, &p);
    ck_assert_int_eq(p.pieces, 1);
    const double zero = pulse->y[0], mv = pulse->y[0] - pulse->y[2];
    ck_assert(fabs(mv - 10) < 1e-9 && fabs(pulse->x[3] - pulse->x[1] - 5) < 1e-9);
    for (int i = begin; i < begin + p.n; i++) {
        const double amplitude = (zero - p.y[i - begin]) / mv, time = (p.x[i - begin] - p.x[0]) / 25;
        ck_assert_msg(fabs(amplitude - (double)wave(lead, i)) < 0.0011, "%s: %g mV", label, amplitude);
        ck_assert_msg(fabs(time - (double)(i - begin) / FS) < 0.0005, "%s: %g s", label, time);
    }
    free(svg);
    ein_ecg_free(&ecg);
}

START_TEST(test_read_off) {
    static path all;
    path *pulse = calloc(1, sizeof *pulse);
    ein_ecg ecg;
    make_ecg(&ecg, 12);
    char *svg = svg_of(&ecg, &(ein_sheet){.layout = EIN_SHEET_3X4, .rhythm = EIN_LEAD_II, .title = "x"});
    const char *at = svg;
    /* Rows of leads I, II, III, the strip: the pulses come in this order. */
    static const char *const label[] = {"I, 0 to 2.5 s", "aVL, 2.5 to 5 s", "V3, 5 to 7.5 s",
                                        "II, 0 to 10 s"};
    static const int lead[] = {EIN_LEAD_I, EIN_LEAD_AVL, EIN_LEAD_V3, EIN_LEAD_II},
                     begin[] = {0, 1250, 2500, 0};
    for (int row = 0; row < 4; row++) {
        read_path(at, "calibration: 1 mV, 0.2 s", pulse);
        at = strstr(at, "calibration") + 1;
        check_peaks(EIN_SHEET_3X4, label[row], lead[row], begin[row], pulse);
    }
    /* The strip holds twelve R waves: their times and heights, one by one. */
    read_path(svg, "II, 0 to 10 s", &all);
    ck_assert_int_eq(all.n, SAMPLES);
    for (int beat = 0; beat < 12; beat++) {
        int top = beat * 400;
        for (int i = beat * 400; i < beat * 400 + 400; i++)
            if (all.y[i] < all.y[top]) top = i;
        ck_assert_msg(fabs((all.x[top] - all.x[0]) / 25 - (0.8 * beat + 0.4)) < 0.0021, "beat %d", beat);
        ck_assert_msg(fabs((pulse->y[0] - all.y[top]) / 10 - (0.5 + 0.05 * beat)) < 0.01, "beat %d", beat);
    }
    free(svg);
    free(pulse);
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(test_gaps) {
    static path p;
    ein_ecg ecg;
    make_ecg(&ecg, 12);
    for (int i = 1000; i < 1500; i++) ecg.mv[1 * SAMPLES + i] = NAN; /* II, 2 to 3 s */
    for (int i = 0; i < SAMPLES; i++) ecg.mv[6 * SAMPLES + i] = NAN; /* V1 */
    ecg.mv[7 * SAMPLES + 2600] = 100;                                /* V2 */
    char *svg = svg_of(&ecg, &(ein_sheet){.layout = EIN_SHEET_12X1, .title = "x"});
    read_path(svg, "II, 0 to 10 s", &p);
    ck_assert_int_eq(p.pieces, 2);
    ck_assert_int_eq(p.n, SAMPLES - 500);
    ck_assert(fabs(p.x[1000] - p.x[999] - 501 * 0.05) < 0.011);
    read_path(svg, "no signal", &p); /* the grey area covers the gap */
    ck_assert(fabs(p.x[1] - p.x[0] - 25) < 0.011);
    ck_assert(strstr(svg, "<path class=\"ein-sheet\" d=\"M0 0 297 0 297 210 0 210Z\"/>") != NULL);
    ck_assert(strstr(svg, ">V1</text>") && strstr(svg, ">not recorded</text>"));
    ck_assert(strstr(svg, "V2 partly beyond the paper") != NULL);
    free(svg);
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(test_computed_and_short) {
    ein_ecg ecg;
    make_ecg(&ecg, 2);
    ecg.n_samples = SAMPLES / 2; /* 5 s: columns of 1.25 s; lead II then begins in the middle of I */
    char *svg = svg_of(&ecg, &(ein_sheet){.layout = EIN_SHEET_3X4, .rhythm = EIN_LEAD_II, .title = "x"});
    ck_assert(strstr(svg, "III, aVR, aVL, aVF computed from other limb leads") != NULL);
    ck_assert(strstr(svg, "aVF, 1.25 to 2.5 s") != NULL);
    ck_assert(strstr(svg, "not recorded") != NULL);
    free(svg);
    ein_picture *picture;
    ck_assert_int_eq(ein_sheet_draw(&ecg, &(ein_sheet){.from_s = 5, .title = "x"}, &picture), EIN_RANGE);
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(test_hostile) {
    static const char bad[] = "\"/><script>alert(1)</script>\x1b]0;\xff & '";
    ein_ecg ecg;
    make_ecg(&ecg, 1);
    ecg.lead[0] = EIN_LEAD_UNKNOWN;
    snprintf(ecg.lead_name[0], sizeof ecg.lead_name[0], "<img src=x>");
    char *svg = svg_of(&ecg, &(ein_sheet){.layout = EIN_SHEET_RECORDED,
                                          .title = bad,
                                          .note = bad,
                                          .warning = bad,
                                          .predicted = ecg.mv,
                                          .legend = bad});
    ck_assert_ptr_null(strstr(svg, "<script"));
    ck_assert_ptr_null(strstr(svg, "<img"));
    for (const char *c = svg; *c; c++) ck_assert(*c == '\n' || (unsigned char)*c >= 0x20);
    ck_assert(strstr(svg, "&lt;script&gt;") && strstr(svg, "&lt;img src=x&gt;"));
    free(svg);
    ein_ecg_free(&ecg);
}
END_TEST

/* --- an explanation ---------------------------------------------------------------------------------------- */

/* A stretch lies where its samples lie, in its lead alone; what is small is not drawn. */
START_TEST(test_shares) {
    static float share[12 * 10]; /* stretches of 1 s */
    static path p, line;
    ein_ecg ecg;
    make_ecg(&ecg, 12);
    share[6 * 10 + 5] = 1;      /* V1, 5 to 6 s */
    share[6 * 10 + 7] = -0.3F;  /* V1, 7 to 8 s: half of it is in the next column */
    share[1 * 10 + 2] = 0.099F; /* II */
    char *svg = svg_of(&ecg, &(ein_sheet){.layout = EIN_SHEET_3X4,
                                          .rhythm = EIN_LEAD_II,
                                          .title = "x",
                                          .legend = "what it is",
                                          .share = share,
                                          .stretch = FS});
    read_path(svg, "V1, 5 to 6 s: +1.00", &p);
    read_path(svg, "V1, 5 to 7.5 s", &line);
    ck_assert(fabs(p.x[0] - line.x[0]) < 1e-3 && fabs(p.x[1] - p.x[0] - 25) < 1e-3);
    read_path(svg, "V1, 7 to 8 s: -0.30", &p);
    ck_assert(fabs(p.x[0] - line.x[0] - 50) < 1e-3 && fabs(p.x[1] - p.x[0] - 12.5) < 1e-3);
    ck_assert(strstr(svg, "II, 2 to 3 s:") == NULL);
    ck_assert(strstr(svg, ">against</text>") && strstr(svg, ">what it is</text>"));
    free(svg);
    ein_ecg_free(&ecg);
}
END_TEST

/* --- files ------------------------------------------------------------------------------------------------- */

typedef struct {
    const unsigned char *bytes;
    size_t n, at;
} source;

static cairo_status_t give(void *from, unsigned char *data, unsigned int n) {
    source *s = from;
    if (s->n - s->at < n) return CAIRO_STATUS_READ_ERROR;
    memcpy(data, s->bytes + s->at, n);
    s->at += n;
    return CAIRO_STATUS_SUCCESS;
}

/* The darkest row of pixels in a column, in mm from the top, within a band. */
static double darkest(cairo_surface_t *image, double x_mm, double from_mm, double to_mm) {
    const double per_mm = 200 / 25.4;
    const int stride = cairo_image_surface_get_stride(image), x = (int)floor(x_mm * per_mm);
    int least = 1000, found = 0;
    for (int y = (int)(from_mm * per_mm); y < (int)(to_mm * per_mm); y++) {
        const unsigned char *pixel = cairo_image_surface_get_data(image) + y * stride + 4 * x;
        if (pixel[0] + pixel[1] + pixel[2] < least) {
            least = pixel[0] + pixel[1] + pixel[2];
            found = y;
        }
    }
    return (found + 0.5) / per_mm;
}

START_TEST(test_png) {
    ein_ecg ecg;
    ein_picture *picture;
    unsigned char *bytes;
    size_t n;
    make_ecg(&ecg, 12);
    for (int l = 0; l < 12; l++)
        for (int i = 0; i < SAMPLES; i++) ecg.mv[l * SAMPLES + i] = i < 2500 ? 0.5F : -0.5F;
    ck_assert_int_eq(ein_sheet_draw(&ecg, &(ein_sheet){.layout = EIN_SHEET_12X1, .title = "x"}, &picture),
                     EIN_OK);
    ck_assert_int_eq(ein_picture_png(picture, &bytes, &n), EIN_OK);
    ck_assert_int_eq(memcmp(bytes, "\x89PNG\r\n\x1a\n", 8), 0);
    ck_assert_int_eq(memcmp(bytes + 37, "pHYs\0\0\x1e\xc2\0\0\x1e\xc2\x01", 13), 0); /* 7874 per metre */
    source s = {bytes, n, 0};
    cairo_surface_t *image = cairo_image_surface_create_from_png_stream(give, &s);
    ck_assert_int_eq(cairo_surface_status(image), CAIRO_STATUS_SUCCESS);
    ck_assert_int_eq(cairo_image_surface_get_width(image), (int)ceil(297 * 200 / 25.4));
    /* Lead I is in the first row of 15 mm: its zero lies 7.5 mm below the upper edge of the grid at 20 mm. */
    ck_assert(fabs(darkest(image, 16 + 15 + 50, 20, 35) - 22.5) < 0.2);
    ck_assert(fabs(darkest(image, 16 + 15 + 200, 20, 35) - 32.5) < 0.2);
    cairo_surface_destroy(image);
    free(bytes);
    ck_assert_int_eq(ein_picture_pdf(picture, &bytes, &n), EIN_OK);
    ck_assert_int_eq(memcmp(bytes, "%PDF-", 5), 0);
    free(bytes);
    ein_picture_free(picture);
    ein_ecg_free(&ecg);
}
END_TEST

START_TEST(test_names) {
    static const char *const good[] = {"a.svg", "b/c.PNG", "x.y.pdf"}, *const bad[] = {"a", ".svg", "a.jpg",
                                                                                       "svg"};
    for (int i = 0; i < 3; i++) ck_assert_int_eq(ein_picture_check_name(good[i]), EIN_OK);
    for (int i = 0; i < 4; i++) ck_assert_int_eq(ein_picture_check_name(bad[i]), EIN_USAGE);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("picture");
    ein_tap_add(suite, "texts are escaped", test_escaping);
    ein_tap_add(suite, "values of every kind", test_values);
    ein_tap_add(suite, "amplitudes and times read off the paper", test_read_off);
    ein_tap_add(suite, "gaps are gaps", test_gaps);
    ein_tap_add(suite, "computed leads and short recordings", test_computed_and_short);
    ein_tap_add(suite, "an explanation lies where it belongs", test_shares);
    ein_tap_add(suite, "hostile names", test_hostile);
    ein_tap_add(suite, "PNG and PDF", test_png);
    ein_tap_add(suite, "names of files", test_names);
    return ein_tap_main(suite);
}
