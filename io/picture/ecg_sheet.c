#include "io/picture/ecg_sheet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/limb.h"

/* Millimetres. */
enum {
    PAGE_WIDTH = 297,
    PAGE_HEIGHT = 210,
    GRID_LEFT = 16,
    GRID_TOP = 20,
    GRID_WIDTH = 265,
    GRID_HEIGHT = 180,
    CALIBRATION = 15,
    MM_PER_S = 25,
    MM_PER_MV = 10,
    PAGE_S = 10,
    NOTES = 512
};

typedef struct {
    const ein_ecg *ecg;
    const ein_sheet *sheet;
    ein_picture *picture;
    int rows, columns;
    bool strip;
    double row_mm, column_s;
    int64_t first;
    char computed[NOTES], beyond[NOTES]; /* notes below the paper */
} drawing;

/* --- a lead's samples -------------------------------------------------------------------------------------- */

typedef struct {
    char name[EIN_LEAD_NAME_BYTES];
    const float *mv, *predicted; /* (n_samples); NULL: none */
    const float *share;          /* (n_samples / stretch); NULL: none */
    float *owned;
} trace;

static void add_note(char notes[NOTES], const char *name) {
    const size_t n = strlen(notes);
    snprintf(notes + n, NOTES - n, "%s%s", n ? ", " : "", name);
}

static const float *samples(const ein_ecg *ecg, const float *mv, int lead) {
    return mv ? mv + (int64_t)lead * ecg->n_samples : NULL;
}

static const float *shares(const drawing *d, int lead) {
    const ein_sheet *s = d->sheet;
    return s->share ? s->share + (int64_t)lead * (d->ecg->n_samples / s->stretch) : NULL;
}

static bool has_signal(const ein_ecg *ecg, int lead) {
    const float *mv = samples(ecg, ecg->mv, lead);
    for (int64_t i = 0; i < ecg->n_samples; i++)
        if (isfinite(mv[i])) return true;
    return false;
}

/* A limb lead from two others. */
static ein_status compute(drawing *d, ein_lead lead, trace *out) {
    const ein_ecg *ecg = d->ecg;
    bool usable[EIN_MAX_LEADS];
    double alpha, beta;
    int a, b;
    for (int i = 0; i < ecg->n_leads; i++) usable[i] = has_signal(ecg, i);
    if (!ein_limb_sources(ecg, usable, lead, &a, &b) ||
        !ein_limb_weights(lead, ecg->lead[a], ecg->lead[b], &alpha, &beta))
        return EIN_OK;
    EIN_TRY(EIN_NEW(out->owned, ecg->n_samples));
    ein_limb_combine(alpha, samples(ecg, ecg->mv, a), beta, samples(ecg, ecg->mv, b), ecg->n_samples,
                     out->owned);
    out->mv = out->owned;
    if (!strstr(d->computed, out->name)) add_note(d->computed, out->name);
    return EIN_OK;
}

static ein_status find(drawing *d, ein_lead lead, trace *out) {
    const int at = ein_ecg_find_lead(d->ecg, lead);
    *out = (trace){.mv = NULL};
    snprintf(out->name, sizeof out->name, "%s", ein_lead_name(lead));
    if (at < 0 || !has_signal(d->ecg, at)) return compute(d, lead, out);
    out->mv = samples(d->ecg, d->ecg->mv, at);
    out->predicted = samples(d->ecg, d->sheet->predicted, at);
    out->share = shares(d, at);
    return EIN_OK;
}

static trace recorded(const drawing *d, int at) {
    const ein_ecg *ecg = d->ecg;
    trace t = {.mv = samples(ecg, ecg->mv, at),
               .predicted = samples(ecg, d->sheet->predicted, at),
               .share = shares(d, at)};
    const char *known = ecg->lead[at] == EIN_LEAD_UNKNOWN ? NULL : ein_lead_name(ecg->lead[at]);
    snprintf(t.name, sizeof t.name, "%s", known ? known : ecg->lead_name[at]);
    return t;
}

/* --- drawing ----------------------------------------------------------------------------------------------- */

/* The texts around the grid are those of paper, also on a dark page. */
static void draw_grid(ein_picture *p) {
    ein_picture_rectangle(p, EIN_INK_SHEET, 0, 0, PAGE_WIDTH, PAGE_HEIGHT, NULL);
    ein_picture_rectangle(p, EIN_INK_PAPER, GRID_LEFT, GRID_TOP, GRID_WIDTH, GRID_HEIGHT, NULL);
    for (int coarse = 0; coarse < 2; coarse++) {
        ein_picture_path(p, coarse ? EIN_INK_GRID_5MM : EIN_INK_GRID_1MM, NULL);
        for (int x = 0; x <= GRID_WIDTH; x++) {
            if ((x % 5 == 0) != (coarse == 1)) continue;
            ein_picture_to(p, GRID_LEFT + x, GRID_TOP);
            ein_picture_to(p, GRID_LEFT + x, GRID_TOP + GRID_HEIGHT);
            ein_picture_lift(p);
        }
        for (int y = 0; y <= GRID_HEIGHT; y++) {
            if ((y % 5 == 0) != (coarse == 1)) continue;
            ein_picture_to(p, GRID_LEFT, GRID_TOP + y);
            ein_picture_to(p, GRID_LEFT + GRID_WIDTH, GRID_TOP + y);
            ein_picture_lift(p);
        }
    }
}

static void draw_calibration(ein_picture *p, double baseline) {
    static const double x[] = {3, 5, 5, 10, 10, 12}, mv[] = {0, 0, 1, 1, 0, 0};
    ein_picture_path(p, EIN_INK_TRACE, "calibration: 1 mV, 0.2 s");
    for (int i = 0; i < 6; i++) ein_picture_to(p, GRID_LEFT + x[i], baseline - MM_PER_MV * mv[i]);
}

/* Samples [from, to) as a line that begins at x. Returns how many lie beyond the grid. */
static int64_t draw_line(const drawing *d, const float *mv, ein_ink ink, const char *label, double x,
                         double baseline, int64_t from, int64_t to) {
    const double step = MM_PER_S / d->ecg->fs_hz;
    int64_t beyond = 0;
    ein_picture_path(d->picture, ink, label);
    for (int64_t i = from; i < to; i++) {
        const double y = baseline - MM_PER_MV * (double)mv[i];
        const bool outside = y < GRID_TOP || y > GRID_TOP + GRID_HEIGHT;
        beyond += outside;
        if (isfinite(y) && !outside)
            ein_picture_to(d->picture, x + (double)(i - from) * step, y);
        else
            ein_picture_lift(d->picture);
    }
    return beyond;
}

/* Areas where samples are missing, or (with `predicted`) where some are predicted. */
static void draw_areas(const drawing *d, const float *mv, bool predicted, double x, double baseline,
                       int64_t from, int64_t to) {
    const double step = MM_PER_S / d->ecg->fs_hz, half = fmin(d->row_mm / 2 - 1, 10);
    for (int64_t i = from; i < to; i++) {
        if (isfinite(mv[i]) != predicted) continue;
        int64_t end = i;
        while (end < to && isfinite(mv[end]) == predicted) end++;
        ein_picture_rectangle(d->picture, predicted ? EIN_INK_HIDDEN : EIN_INK_GAP,
                              x + (double)(i - from) * step, baseline - half, (double)(end - i) * step,
                              2 * half, predicted ? "hidden from the model" : "no signal");
        i = end;
    }
}

/* The ink of a share, or EIN_INKS if it is too small to be shown. */
static ein_ink ink_of_share(double share) {
    static const double from[] = {0.1, 0.25, 0.5, 0.75};
    int level = -1;
    while (level < 3 && fabs(share) >= from[level + 1]) level++;
    if (level < 0) return EIN_INKS;
    return (ein_ink)((share > 0 ? (int)EIN_INK_FOR : (int)EIN_INK_AGAINST) + level);
}

static void draw_shares(const drawing *d, const trace *t, double x, double baseline, int64_t from,
                        int64_t to) {
    const double fs = d->ecg->fs_hz, step = MM_PER_S / fs, half = fmin(d->row_mm / 2 - 1, 10);
    const int64_t stretch = d->sheet->stretch;
    char label[96];
    for (int64_t k = from / stretch; k * stretch < to && k < d->ecg->n_samples / stretch; k++) {
        const int64_t first = k * stretch < from ? from : k * stretch,
                      end = (k + 1) * stretch > to ? to : (k + 1) * stretch;
        const double share = (double)t->share[k];
        const ein_ink ink = ink_of_share(share);
        if (ink == EIN_INKS) continue;
        snprintf(label, sizeof label, "%s, %g to %g s: %+.2f", t->name, (double)(k * stretch) / fs,
                 (double)((k + 1) * stretch) / fs, share);
        ein_picture_rectangle(d->picture, ink, x + (double)(first - from) * step, baseline - half,
                              (double)(end - first) * step, 2 * half, label);
    }
}

static void draw_trace(drawing *d, const trace *t, int row, double x, double begin_s, double length_s) {
    const double baseline = GRID_TOP + (row + 0.5) * d->row_mm, fs = d->ecg->fs_hz;
    const int64_t from = d->first + llround(begin_s * fs);
    int64_t to = d->first + llround((begin_s + length_s) * fs);
    char label[96];
    if (to > d->ecg->n_samples) to = d->ecg->n_samples;
    if (begin_s > 0) ein_picture_line(d->picture, EIN_INK_TRACE, x, baseline - 5, x, baseline + 5);
    ein_picture_text(d->picture, EIN_INK_PAPER_TITLE, x + 1, baseline - fmin(d->row_mm / 2 - 3.5, 13),
                     EIN_ANCHOR_START, 3.6, t->name);
    if (!t->mv) {
        ein_picture_text(d->picture, EIN_INK_PAPER_NOTE, x + 8, baseline, EIN_ANCHOR_START, 3,
                         "not recorded");
        return;
    }
    snprintf(label, sizeof label, "%s, %g to %g s", t->name, (double)from / fs, (double)to / fs);
    draw_areas(d, t->mv, false, x, baseline, from, to);
    if (t->predicted) draw_areas(d, t->predicted, true, x, baseline, from, to);
    if (t->share) draw_shares(d, t, x, baseline, from, to);
    int64_t beyond = draw_line(d, t->mv, EIN_INK_TRACE, label, x, baseline, from, to);
    if (t->predicted)
        beyond += draw_line(d, t->predicted, EIN_INK_PREDICTED, d->sheet->legend, x, baseline, from, to);
    if (beyond > 0 && !strstr(d->beyond, t->name)) add_note(d->beyond, t->name);
}

static ein_status draw_leads(drawing *d) {
    const int n = d->rows * d->columns;
    ein_status status = EIN_OK;
    for (int row = 0; row < d->rows + (d->strip ? 1 : 0); row++)
        draw_calibration(d->picture, GRID_TOP + (row + 0.5) * d->row_mm);
    for (int i = 0; i < n && status == EIN_OK; i++) {
        trace t = {.mv = NULL};
        const int column = i / d->rows;
        if (d->sheet->layout == EIN_SHEET_RECORDED)
            t = recorded(d, i);
        else
            status = find(d, (ein_lead)i, &t);
        if (status == EIN_OK)
            draw_trace(d, &t, i % d->rows, GRID_LEFT + CALIBRATION + column * d->column_s * MM_PER_S,
                       column * d->column_s, d->column_s);
        free(t.owned);
    }
    if (!d->strip || status != EIN_OK) return status;
    trace t;
    status = find(d, d->sheet->rhythm, &t);
    if (status == EIN_OK) draw_trace(d, &t, d->rows, GRID_LEFT + CALIBRATION, 0, d->column_s * d->columns);
    free(t.owned);
    return status;
}

/* "against" four steps of blue, four of orange "for". */
static void draw_share_legend(ein_picture *p) {
    const double right = GRID_LEFT + GRID_WIDTH, y = 13, width = 5;
    double x = right - 6;
    ein_picture_text(p, EIN_INK_PAPER_TEXT, right, y, EIN_ANCHOR_END, 3.2, "for");
    for (int i = 7; i >= 0; i--) {
        const ein_ink ink = (ein_ink)(i < 4 ? (int)EIN_INK_AGAINST + 3 - i : (int)EIN_INK_FOR + i - 4);
        x -= width;
        ein_picture_rectangle(p, ink, x, y - 2.8, width, 3.4, NULL);
    }
    ein_picture_text(p, EIN_INK_PAPER_TEXT, x - 1, y, EIN_ANCHOR_END, 3.2, "against");
}

static void draw_texts(const drawing *d) {
    const ein_sheet *s = d->sheet;
    const double last = d->column_s * d->columns, bottom = GRID_TOP + GRID_HEIGHT;
    char text[3 * NOTES];
    ein_picture_text(d->picture, EIN_INK_PAPER_TITLE, GRID_LEFT, 8, EIN_ANCHOR_START, 5, s->title);
    ein_picture_text(d->picture, EIN_INK_PAPER_TEXT, GRID_LEFT, 13, EIN_ANCHOR_START, 3.4, s->note);
    ein_picture_text(d->picture, EIN_INK_PAPER_NOTE, GRID_LEFT, 17.5, EIN_ANCHOR_START, 3, s->warning);
    snprintf(text, sizeof text, "25 mm/s    10 mm/mV    %g Hz    %.2f to %.2f s%s", d->ecg->fs_hz, s->from_s,
             s->from_s + last, d->columns > 1 ? "    columns follow each other in time" : "");
    ein_picture_text(d->picture, EIN_INK_PAPER_TEXT, GRID_LEFT, bottom + 4.5, EIN_ANCHOR_START, 3.2, text);
    if (s->share) draw_share_legend(d->picture);
    if ((s->predicted || s->share) && s->legend)
        ein_picture_text(d->picture, EIN_INK_PAPER_TEXT, GRID_LEFT + GRID_WIDTH, 17.5, EIN_ANCHOR_END, 3.2,
                         s->legend);
    snprintf(text, sizeof text, "%s%s%s%s%s", d->computed,
             d->computed[0] ? " computed from other limb leads" : "",
             d->computed[0] && d->beyond[0] ? "; " : "", d->beyond,
             d->beyond[0] ? " partly beyond the paper, not drawn there" : "");
    ein_picture_text(d->picture, EIN_INK_PAPER_NOTE, GRID_LEFT, bottom + 8.3, EIN_ANCHOR_START, 3, text);
}

static ein_status lay_out(drawing *d) {
    const ein_ecg *ecg = d->ecg;
    static const int rows[] = {3, 6, 12}, columns[] = {4, 2, 1};
    const bool recorded_leads = d->sheet->layout == EIN_SHEET_RECORDED;
    const double begin = d->sheet->from_s * ecg->fs_hz;
    if (!(ecg->fs_hz > 0) || ecg->n_leads < 1 || !(begin >= 0 && begin < (double)ecg->n_samples))
        return ein_error(EIN_RANGE, "nothing to draw at %g s: the recording has %d leads and is %g s long",
                         d->sheet->from_s, ecg->n_leads, (double)ecg->n_samples / ecg->fs_hz);
    d->first = llround(begin);
    d->rows = recorded_leads ? ecg->n_leads : rows[d->sheet->layout];
    d->columns = recorded_leads ? 1 : columns[d->sheet->layout];
    d->strip = d->sheet->layout == EIN_SHEET_3X4 && d->sheet->rhythm != EIN_LEAD_UNKNOWN;
    d->row_mm = GRID_HEIGHT / (double)(d->rows + (d->strip ? 1 : 0));
    d->column_s = fmin(PAGE_S, (double)(ecg->n_samples - d->first) / ecg->fs_hz) / d->columns;
    return EIN_OK;
}

static ein_status describe(drawing *d) {
    static const char *const layout[] = {"three rows of four leads", "six rows of two leads", "twelve leads",
                                         "its own leads"};
    char text[256];
    snprintf(
        text, sizeof text,
        "Electrocardiogram on paper, %s, %.2f s at %g Hz, 25 mm/s, 10 mm/mV; grey where there is no signal.",
        layout[d->sheet->layout], d->column_s * d->columns, d->ecg->fs_hz);
    return ein_picture_new(PAGE_WIDTH, PAGE_HEIGHT, EIN_UNIT_MM, d->sheet->title ? d->sheet->title : "ECG",
                           text, &d->picture);
}

ein_status ein_sheet_draw(const ein_ecg *ecg, const ein_sheet *sheet, ein_picture **out) {
    drawing d = {.ecg = ecg, .sheet = sheet};
    *out = NULL;
    EIN_TRY(lay_out(&d));
    EIN_TRY(describe(&d));
    draw_grid(d.picture);
    const ein_status status = draw_leads(&d);
    if (status != EIN_OK) {
        ein_picture_free(d.picture);
        return status;
    }
    draw_texts(&d);
    *out = d.picture;
    return EIN_OK;
}
