#include "jobs/explain/output.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/common.h"
#include "io/corpus/recording.h"
#include "io/formats/csv.h"
#include "io/picture/ecg_sheet.h"

static ein_explain_row row_of(const ein_explained *e, int64_t i) {
    const ein_vit_shape *s = &e->model->layout->shape;
    return ein_explain_row_at(e->values + i * ein_explain_row_values(s), s);
}

static int leads_of(const ein_explained *e) {
    return e->model->layout->shape.leads;
}

static int times_of(const ein_explained *e) {
    return ein_vit_patches(&e->model->layout->shape);
}

/* --- tables ------------------------------------------------------------------------------------------------ */

static void print_names(const ein_explained *e, const char *first, int width) {
    printf("%-*s", width, first);
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++)
        if (e->model->wanted[k]) printf("  %10s", ein_explain_method_name((ein_explain_method)k));
    putchar('\n');
}

static void print_number(double value, int decimals) {
    if (isfinite(value))
        printf("  %10.*f", decimals, value);
    else
        printf("  %10s", "-");
}

/* Share of the sum of magnitudes. */
static double lead_share(const ein_explained *e, int method, int lead) {
    const int64_t cells = (int64_t)leads_of(e) * times_of(e);
    double own = 0, all = 0;
    if (method == EIN_EXPLAIN_ROLLOUT) return NAN;
    for (int64_t i = 0; i < e->n; i++) {
        const double *cell = row_of(e, i).cell + method * cells;
        for (int64_t c = 0; c < cells; c++) {
            all += fabs(cell[c]);
            if (c / times_of(e) == lead) own += fabs(cell[c]);
        }
    }
    return all > 0 ? own / all : NAN;
}

static void print_leads(const ein_explained *e) {
    const ein_contract *contract = ein_corpus_contract(e->corpus);
    puts("\nshare of each lead in the sum of magnitudes");
    print_names(e, "lead", 10);
    for (int lead = 0; lead < leads_of(e); lead++) {
        printf("%-10s", ein_lead_name(contract->lead[lead]));
        for (int k = 0; k < EIN_EXPLAIN_METHODS; k++)
            if (e->model->wanted[k]) print_number(lead_share(e, k, lead), 3);
        putchar('\n');
    }
}

/* Median of `value` (n), NaN left out; sorts it. */
static ein_status median(double *value, int64_t n, double *out, double *greatest) {
    int64_t known = 0, *order;
    *out = *greatest = NAN;
    for (int64_t i = 0; i < n; i++)
        if (isfinite(value[i])) value[known++] = value[i];
    if (known == 0) return EIN_OK;
    double *sorted;
    EIN_TRY(EIN_NEW(order, known));
    ein_status status = EIN_NEW(sorted, known);
    if (status == EIN_OK) status = ein_stats_order(order, value, known);
    for (int64_t i = 0; i < known && status == EIN_OK; i++) sorted[i] = value[order[i]];
    if (status == EIN_OK) *out = ein_stats_quantile(sorted, known, 0.5), *greatest = sorted[known - 1];
    free(order);
    free(sorted);
    return status;
}

/* How far a curve runs on the good side of the one of random orders, as a mean over its points. */
static double above_random(const double *curve, int method, double sign) {
    const double *own = curve + method * EIN_EXPLAIN_POINTS,
                 *random = curve + EIN_EXPLAIN_METHODS * EIN_EXPLAIN_POINTS;
    double sum = 0;
    for (int p = 0; p < EIN_EXPLAIN_POINTS; p++) sum += sign * (own[p] - random[p]);
    return sum / EIN_EXPLAIN_POINTS;
}

static void print_curve(const ein_explained *e, const char *name, bool insertion) {
    double mean[EIN_EXPLAIN_METHODS] = {0}, better[EIN_EXPLAIN_METHODS] = {0};
    for (int64_t i = 0; i < e->n; i++) {
        const ein_explain_row row = row_of(e, i);
        for (int k = 0; k < EIN_EXPLAIN_METHODS; k++) {
            const double gain = above_random(insertion ? row.insertion : row.deletion, k, insertion ? 1 : -1);
            mean[k] += gain / (double)e->n;
            better[k] += (gain > 0) / (double)e->n;
        }
    }
    printf("%-44s", name);
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++)
        if (e->model->wanted[k]) print_number(mean[k], 3);
    printf("\n%-44s", "    in so many of the records");
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++)
        if (e->model->wanted[k]) print_number(better[k], 2);
    putchar('\n');
}

static ein_status print_gap(const ein_explained *e, double *value) {
    double middle, greatest;
    for (int64_t i = 0; i < e->n; i++) {
        const ein_explain_row row = row_of(e, i);
        value[i] = 100 * fabs(row.gap) / fabs(row.f - row.empty);
    }
    EIN_TRY(median(value, e->n, &middle, &greatest));
    printf(
        "integrated gradients add up to the difference of logits but for %.2f %% (median; most %.2f %%), %d steps\n",
        middle, greatest, e->model->steps);
    return EIN_OK;
}

static ein_status print_checks(const ein_explained *e, double *value) {
    puts("\nchecks");
    if (e->model->wanted[EIN_EXPLAIN_INTEGRATED]) EIN_TRY(print_gap(e, value));
    if (!e->model->checks) return EIN_OK;
    print_names(e, "", 44);
    printf("%-44s", "rank correlation with random weights");
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++) {
        double middle, greatest;
        if (!e->model->wanted[k]) continue;
        for (int64_t i = 0; i < e->n; i++) value[i] = row_of(e, i).alike[k];
        EIN_TRY(median(value, e->n, &middle, &greatest));
        print_number(middle, 3);
    }
    putchar('\n');
    print_curve(e, "deletion: logit below random order by", false);
    print_curve(e, "insertion: logit above random order by", true);
    return EIN_OK;
}

ein_status ein_explain_print(const ein_explained *e) {
    double *value;
    EIN_TRY(EIN_NEW(value, e->n));
    printf("%s by %s: %" PRId64 " records of %s, %d leads x %d times\n", e->target, e->model_path, e->n,
           ein_corpus_path(e->corpus), leads_of(e), times_of(e));
    print_leads(e);
    const ein_status status = print_checks(e, value);
    free(value);
    return status;
}

static void print_hits(const char *name, const double *share) {
    printf("%-44s", name);
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++) print_number(share[k], 3);
    putchar('\n');
}

void ein_explain_print_planted(const ein_explain_planted *p) {
    printf(
        "\na wave planted in one of %d cells (%d leads x %d times) of %d SYNTHETIC records, and a small model that\n"
        "finds it in %.1f %% of new ones; with random labels the same model is right in %.1f %%\n",
        p->cells, p->leads, p->times, p->records, 100 * p->accuracy, 100 * p->random_accuracy);
    printf("%-44s", "share in which the planted one ranks first");
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++)
        printf("  %10s", ein_explain_method_name((ein_explain_method)k));
    putchar('\n');
    print_hits("lead and time", p->cell);
    print_hits("lead", p->lead);
    print_hits("time", p->time);
    print_hits("with random labels: lead and time, or time", p->random_cell);
}

/* --- a table as a file ------------------------------------------------------------------------------------- */

typedef struct {
    const ein_explained *e;
    ein_csv_writer *csv;
    int64_t record;
} table;

/* lead or time -1: all. */
static void put_row(const table *t, int method, int lead, int time, double value) {
    const ein_contract *c = ein_corpus_contract(t->e->corpus);
    const double patch_s = t->e->model->layout->shape.patch / c->fs_hz;
    ein_csv_put(t->csv, ein_corpus_record_id(t->e->corpus, t->record));
    ein_csv_put(t->csv, t->e->target);
    ein_csv_put(t->csv, ein_explain_method_name((ein_explain_method)method));
    ein_csv_put(t->csv, lead < 0 ? NULL : ein_lead_name(c->lead[lead]));
    if (time < 0)
        ein_csv_put(t->csv, NULL);
    else
        ein_csv_put_int(t->csv, time);
    ein_csv_put_real(t->csv, time < 0 ? 0 : time * patch_s);
    ein_csv_put_real(t->csv, (time < 0 ? times_of(t->e) : time + 1) * patch_s);
    ein_csv_put_real(t->csv, value);
    ein_csv_end_row(t->csv);
}

static void put_method(const table *t, const ein_explain_row *row, int method) {
    const int L = leads_of(t->e), N = times_of(t->e);
    const double *cell = row->cell + (int64_t)method * L * N;
    if (method == EIN_EXPLAIN_ROLLOUT) {
        for (int n = 0; n < N; n++) put_row(t, method, -1, n, cell[n] * L);
        return;
    }
    for (int lead = 0; lead < L; lead++)
        for (int n = 0; n < N; n++) put_row(t, method, lead, n, cell[lead * N + n]);
    if (method != EIN_EXPLAIN_OCCLUSION) return;
    for (int lead = 0; lead < L; lead++) put_row(t, method, lead, -1, row->lead[lead]);
    for (int n = 0; n < N; n++) put_row(t, method, -1, n, row->time[n]);
}

ein_status ein_explain_write(const ein_explained *e, const char *path) {
    static const char *const columns[] = {"record", "target", "method", "lead",
                                          "patch",  "from_s", "to_s",   "attribution"};
    table t = {.e = e};
    EIN_TRY(ein_csv_create(path, columns, 8, &t.csv));
    for (int64_t i = 0; i < e->n; i++) {
        const ein_explain_row row = row_of(e, i);
        t.record = e->record[i];
        for (int k = 0; k < EIN_EXPLAIN_METHODS; k++)
            if (e->model->wanted[k]) put_method(&t, &row, k);
    }
    return ein_csv_finish(t.csv, true);
}

/* --- a picture --------------------------------------------------------------------------------------------- */

static ein_sheet_layout layout_of(const char *name) {
    static const char *const names[] = {"3x4", "6x2", "12x1"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) return (ein_sheet_layout)i;
    return EIN_SHEET_RECORDED;
}

static const char *words_of(ein_explain_method method) {
    static const char *const words[] = {"occlusion", "gradient x input", "integrated gradients",
                                        "attention rollout, of times alone"};
    return words[method];
}

static ein_status draw(const ein_explained *e, ein_explain_method method, const char *layout,
                       const ein_ecg *ecg, float *share, const char *path) {
    const int64_t cells = (int64_t)leads_of(e) * times_of(e);
    const ein_explain_row row = row_of(e, 0);
    const double *cell = row.cell + method * cells;
    char note[512], legend[256];
    double most = 0;
    for (int64_t c = 0; c < cells; c++) most = fmax(most, fabs(cell[c]));
    for (int64_t c = 0; c < cells; c++) share[c] = most > 0 ? (float)(cell[c] / most) : 0;
    snprintf(note, sizeof note, "%s: %s %.3g, without signal %.3g", e->target,
             e->kind == EIN_HEAD_REGRESSION ? "estimate" : "logit", row.f, row.empty);
    snprintf(legend, sizeof legend, "%s, in shares of the greatest cell, %.3g", words_of(method), most);
    const ein_sheet sheet = {.layout = layout_of(layout),
                             .rhythm = EIN_LEAD_II,
                             .title = ein_corpus_record_id(e->corpus, e->record[0]),
                             .note = note,
                             .legend = legend,
                             .share = share,
                             .stretch = e->model->layout->shape.patch};
    ein_picture *picture;
    EIN_TRY(ein_sheet_draw(ecg, &sheet, &picture));
    const ein_status status = ein_picture_save(picture, path);
    ein_picture_free(picture);
    return status;
}

ein_status ein_explain_draw(const ein_explained *e, ein_explain_method method, const char *layout,
                            const char *path) {
    ein_ecg ecg = {0};
    float *share = NULL;
    ein_status status = ein_corpus_recording(e->corpus, e->record[0], &ecg);
    if (status == EIN_OK) status = EIN_NEW(share, (int64_t)leads_of(e) * times_of(e));
    if (status == EIN_OK) status = draw(e, method, layout, &ecg, share, path);
    free(share);
    ein_ecg_free(&ecg);
    return status;
}
