/* Five sites against all their rows together: the second round exactly, the first within its printed bound in 1,000
 * random draws. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/components.h"
#include "core/stats/released_bins.h"
#include "core/stats/roc.h"
#include "core/stats/site_histograms.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

enum { SITES = 5, BINS = 64, MOST = 6000 };

typedef struct {
    int n;
    double a[MOST], b[MOST];
    int8_t label[MOST];
    uint64_t patient[MOST];
    int site[MOST];
} cohort;

static uint64_t state;
static double uniform(void) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return ((double)(state >> 11) + 0.5) / 9007199254740992.0;
}
static double normal(void) {
    return sqrt(-2 * log(uniform())) * cos(2 * 3.14159265358979323846 * uniform());
}
static double logistic(double x) {
    return 1 / (1 + exp(-x));
}

/* Patients with one to four ECGs, whose label may change; sites of different sizes and prevalence. */
static void draw(cohort *c, uint64_t seed, int persons, double effect) {
    state = seed * 977 + 5;
    c->n = 0;
    for (int p = 0; p < persons; p++) {
        const int site = (int)(uniform() * uniform() * SITES), ecgs = 1 + (int)(uniform() * uniform() * 4);
        const int ill = uniform() < 0.15 + 0.05 * site;
        const double own = normal();
        for (int k = 0; k < ecgs && c->n < MOST; k++, c->n++) {
            const int y = uniform() < 0.9 ? ill : !ill;
            c->label[c->n] = (int8_t)y;
            c->patient[c->n] = (uint64_t)p;
            c->site[c->n] = site;
            c->a[c->n] = logistic(effect * y + 0.6 * own + 0.8 * normal() - 1);
            c->b[c->n] = logistic(0.8 * effect * y + 0.5 * own + normal() - 1);
        }
    }
}

/* --- the second round ---------- */

START_TEST(test_exact) {
    static cohort c;
    static double qa[MOST], qb[MOST];
    static int ba[MOST], bb[MOST];
    int64_t pa[BINS] = {0}, na[BINS] = {0}, pb[BINS] = {0}, nb[BINS] = {0};
    draw(&c, 3, 2500, 1.2);
    for (int i = 0; i < c.n; i++) {
        ba[i] = (int)(c.a[i] * BINS);
        bb[i] = (int)(c.b[i] * BINS);
        qa[i] = ba[i];
        qb[i] = bb[i];
        (c.label[i] ? pa : na)[ba[i]]++;
        (c.label[i] ? pb : nb)[bb[i]]++;
    }
    ein_placement_sums a = {0}, b = {0}, d = {0};
    for (int s = 0; s < SITES; s++) {
        static double score_a[MOST], score_b[MOST], apart[MOST];
        static int8_t label[MOST];
        static uint64_t patient[MOST];
        static int bin[2][MOST];
        int n = 0;
        ein_placement_sums one;
        for (int i = 0; i < c.n; i++) {
            if (c.site[i] != s) continue;
            label[n] = c.label[i];
            patient[n] = c.patient[i];
            bin[0][n] = ba[i];
            bin[1][n++] = bb[i];
        }
        check_ok(ein_components_place(score_a, pa, na, BINS, bin[0], label, n));
        check_ok(ein_components_place(score_b, pb, nb, BINS, bin[1], label, n));
        for (int i = 0; i < n; i++) apart[i] = score_a[i] - score_b[i];
        check_ok(ein_components_sum(&one, score_a, label, patient, n));
        ein_placement_sums_add(&a, &one);
        check_ok(ein_components_sum(&one, score_b, label, patient, n));
        ein_placement_sums_add(&b, &one);
        check_ok(ein_components_sum(&one, apart, label, patient, n));
        ein_placement_sums_add(&d, &one);
    }
    const ein_components_result ra = ein_components_result_of(&a), rb = ein_components_result_of(&b),
                                rd = ein_components_result_of(&d);
    static const ein_roc_variance kind[] = {EIN_ROC_DELONG, EIN_ROC_CLUSTERED};
    for (int k = 0; k < 2; k++) {
        ein_roc_comparison all;
        ein_roc_options options = EIN_ROC_DEFAULTS;
        options.variance = kind[k];
        check_ok(ein_roc_compare_paired(&all, qa, qb, c.label, c.patient, c.n, options));
        check_close(ra.value, all.first.auc.value, 1e-12);
        check_close(rb.value, all.second.auc.value, 1e-12);
        check_close(rd.value, all.difference.value, 1e-12);
        check_close(k ? ra.clustered : ra.delong, all.first.auc.variance, 1e-12);
        check_close(k ? rb.clustered : rb.delong, all.second.auc.variance, 1e-12);
        check_close(k ? rd.clustered : rd.delong, all.difference.variance, 1e-12);
        check_close(rd.value / sqrt(k ? rd.clustered : rd.delong), all.test.statistic, 1e-12);
    }
}
END_TEST

/* --- the first round ---------- */

/* Whether bins of all sites give the AUROC of all rows within the bound. Returns how many sites had any. */
static int within(const cohort *c, bool own_known, double *error, double *limit) {
    static int first[SITES][BINS], bin[MOST];
    static int64_t positive[SITES][BINS], negative[SITES][BINS], raw[2][BINS];
    static double weight[2][BINS], score[MOST], kept[MOST];
    static int8_t label[MOST], kept_label[MOST];
    static uint64_t patient[MOST];
    double w[MOST];
    ein_site_histogram h[SITES];
    int sites = 0, n_kept = 0;
    for (int s = 0; s < SITES; s++) {
        uint8_t keep[BINS - 1];
        int n = 0, joined;
        memset(raw, 0, sizeof raw);
        memset(weight, 0, sizeof weight);
        for (int i = 0; i < c->n; i++) {
            if (c->site[i] != s) continue;
            score[n] = c->a[i];
            label[n] = c->label[i];
            patient[n] = c->patient[i];
            bin[n++] = (int)(c->a[i] * BINS);
        }
        check_ok(ein_release_weights(w, patient, n));
        for (int i = 0; i < n; i++) {
            raw[label[i]][bin[i]]++;
            weight[label[i]][bin[i]] += w[i];
        }
        check_ok(ein_released_bins_join(keep, &joined, &weight[0][0], 2, BINS, NULL,
                                        (ein_release_rules)EIN_RELEASE_DEFAULTS));
        if (joined == 0) continue;
        ein_released_bins_apply(negative[sites], first[sites], keep, raw[0], BINS);
        ein_released_bins_apply(positive[sites], NULL, keep, raw[1], BINS);
        for (int b = 0; b < joined; b++) ck_assert(positive[sites][b] >= 11 && negative[sites][b] >= 11);
        ein_roc_result r;
        check_ok(ein_roc_auc(&r, score, label, NULL, n, EIN_ROC_DEFAULTS));
        h[sites] = (ein_site_histogram){
            joined, first[sites], positive[sites], negative[sites], own_known ? r.auc.value : NAN, 0};
        memcpy(kept + n_kept, score, (size_t)n * sizeof *score);
        memcpy(kept_label + n_kept, label, (size_t)n);
        n_kept += n;
        sites++;
    }
    if (sites == 0) return 0;
    ein_stats_value auc, bound;
    ein_roc_result all;
    ein_site_histograms_auc(&auc, &bound, h, sites);
    check_ok(ein_roc_auc(&all, kept, kept_label, NULL, n_kept, EIN_ROC_DEFAULTS));
    /* Where no pair of records is in order by the bins nothing is told: any AUROC is possible. */
    if (auc.state == EIN_STATS_ONE_BIN) {
        ck_assert(!own_known && isnan(auc.value) && bound.value == 0.5);
        return 0;
    }
    check_state(auc.state, EIN_STATS_ESTIMABLE);
    *error = fabs(auc.value - all.auc.value);
    *limit = bound.value;
    return sites;
}

START_TEST(test_bound) {
    static cohort c;
    int drawn = 0, several = 0;
    double worst = 0;
    for (int i = 0; i < 1500 && drawn < 1000; i++) {
        double error, limit;
        draw(&c, (uint64_t)i, 150 + i % 700, 0.2 + 0.003 * (i % 900));
        const int sites = within(&c, i % 2 == 0, &error, &limit);
        if (sites == 0) continue;
        drawn++;
        several += sites > 1;
        worst = fmax(worst, error / fmax(limit, 1e-15));
        ck_assert_msg(error <= limit + 1e-12, "draw %d: off by %g, bound %g", i, error, limit);
    }
    ck_assert_msg(drawn == 1000 && several > 700 && worst > 0.05, "%d draws, %d of several sites, worst %g",
                  drawn, several, worst);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("site pooling");
    ein_tap_add(suite, "exact", test_exact);
    ein_tap_add(suite, "bound", test_bound);
    return ein_tap_main(suite);
}
