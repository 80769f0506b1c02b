/* Prints this project's statistics for the data sets of tests/data/stats_agreement.py; see there.
 *
 * Input, as text: "set ID n" and n lines "label score_a score_b cluster", or "meta ID k" and k lines "y v".
 * Output: one line "ID name value" per statistic with 17 digits, or "ID name none:STATE".
 */
#include <stdio.h>
#include <stdlib.h>

#include "core/stats/bootstrap.h"
#include "core/stats/calibration.h"
#include "core/stats/regression.h"
#include "core/stats/roc.h"
#include "core/stats/small_study.h"
#include "core/stats/threshold.h"

static long id;

static void put(const char *name, double value, ein_stats_state state) {
    if (state == EIN_STATS_ESTIMABLE)
        printf("%ld %s %.17g\n", id, name, value);
    else
        printf("%ld %s none:%s\n", id, name, ein_stats_state_name(state));
}

static void put_value(const char *name, ein_stats_value v) {
    put(name, v.value, v.state);
}

static void put_interval(const char *name, ein_stats_interval v) {
    char full[64];
    put(name, v.value, v.state);
    const char *part[] = {"se", "lower", "upper"};
    const double value[] = {v.se, v.lower, v.upper};
    for (int i = 0; i < 3; i++) {
        snprintf(full, sizeof full, "%s.%s", name, part[i]);
        put(full, value[i], v.interval_state);
    }
}

static void put_test(const char *name, ein_stats_test t) {
    char full[64];
    snprintf(full, sizeof full, "%s.stat", name);
    put(full, t.statistic, t.state);
    snprintf(full, sizeof full, "%s.p", name);
    put(full, t.p, t.state);
}

static void stop_on(ein_status status) {
    if (status == EIN_OK) return;
    fprintf(stderr, "set %ld: %s\n", id, ein_error_message());
    exit(1);
}

typedef struct {
    double *a, *b;
    int8_t *label;
    uint64_t *cluster;
    int64_t n;
} records;

static void print_roc(const records *r) {
    ein_roc_options naive = EIN_ROC_DEFAULTS, clustered = EIN_ROC_DEFAULTS;
    naive.variance = EIN_ROC_DELONG;
    clustered.variance = EIN_ROC_CLUSTERED;
    ein_roc_comparison c, u, k;
    stop_on(ein_roc_compare_paired(&c, r->a, r->b, r->label, NULL, r->n, naive));
    put_interval("auc_a", c.first.auc);
    put_interval("auc_b", c.second.auc);
    put_value("auc_cov", c.covariance);
    put_test("paired", c.test);
    put("paired.lower", c.difference.lower, c.difference.interval_state);
    put("paired.upper", c.difference.upper, c.difference.interval_state);
    stop_on(ein_roc_compare_unpaired(&u, &c.first, &c.second, 0.95));
    put_test("unpaired", u.test);
    put("unpaired.df", u.test.df, u.test.state);
    stop_on(ein_roc_compare_paired(&k, r->a, r->b, r->label, r->cluster, r->n, clustered));
    put("clustered_a.se", k.first.auc.se, k.first.auc.interval_state);
    put("clustered_b.se", k.second.auc.se, k.second.auc.interval_state);
    put_value("clustered_cov", k.covariance);
    int64_t *order;
    stop_on(EIN_NEW(order, r->n + 1));
    stop_on(ein_stats_order(order, r->a, r->n));
    const ein_roc_pr pr = ein_roc_weighted_pr(order, r->a, r->label, NULL, r->n);
    free(order);
    put_value("average_precision", pr.average_precision);
    put_value("pr_trapezoid", pr.trapezoid);
}

static void put_proportion(const char *name, const ein_proportion *p) {
    const char *part[] = {"", ".wilson_lower", ".wilson_upper", ".exact_lower", ".exact_upper"};
    const double value[] = {p->value, p->wilson_lower, p->wilson_upper, p->exact_lower, p->exact_upper};
    for (int i = 0; i < 5; i++) {
        char full[64];
        snprintf(full, sizeof full, "%s%s", name, part[i]);
        put(full, value[i], p->state);
    }
}

static void print_thresholds(const records *r) {
    ein_threshold_metrics m;
    stop_on(ein_threshold_evaluate(&m, r->a, r->label, NULL, r->n, 0.5, 0.95));
    put_proportion("sensitivity", &m.sensitivity);
    put_proportion("specificity", &m.specificity);
    put_proportion("ppv", &m.ppv);
    put_proportion("npv", &m.npv);
    put_value("f1", m.f1);
    put_value("mcc", m.mcc);
    put_value("net_benefit", m.net_benefit);
    const ein_threshold_rule rule[] = {EIN_THRESHOLD_YOUDEN, EIN_THRESHOLD_CLOSEST};
    const char *name[] = {"youden_threshold", "closest_threshold"};
    for (int i = 0; i < 2; i++) {
        ein_threshold_choice c;
        stop_on(ein_threshold_choose(&c, r->a, r->label, r->n, rule[i]));
        put(name[i], c.threshold, c.state);
    }
    uint8_t *call = calloc((size_t)r->n, 2);
    if (!call) exit(1);
    for (int64_t i = 0; i < r->n; i++) {
        call[i] = r->a[i] >= 0.5;
        call[r->n + i] = r->b[i] >= 0.5;
    }
    ein_mcnemar k;
    stop_on(ein_mcnemar_test(&k, call, call + r->n, NULL, r->n));
    put_test("mcnemar", k.chi2);
    put_value("mcnemar_exact.p", k.exact_p);
    free(call);
}

static void print_calibration(const records *r) {
    ein_calibration_scores s;
    ein_calibration_fit f;
    ein_calibration_smooth c;
    ein_calibration_bin bin[15];
    stop_on(ein_calibration_score(&s, r->a, r->label, NULL, r->n, 0.95));
    put_interval("brier", s.brier);
    put_value("log_loss", (ein_stats_value){s.log_loss.value, s.log_loss.state});
    put_test("spiegelhalter", s.spiegelhalter);
    const char *ece[2][2] = {{"ece_width10", "ece_width15"}, {"ece_mass10", "ece_mass15"}};
    for (int k = 0; k < 4; k++) {
        const int n_bins = k % 2 ? 15 : 10;
        stop_on(
            ein_calibration_fill(bin, n_bins, k < 2 ? EIN_BINS_WIDTH : EIN_BINS_MASS, r->a, r->label, r->n));
        put_value(ece[k / 2][k % 2], ein_calibration_from_bins(bin, n_bins).ece);
    }
    stop_on(ein_calibration_logistic(&f, r->a, NULL, r->label, NULL, r->n, 0.95));
    put_interval("cal_intercept", f.intercept);
    put_interval("cal_slope", f.slope);
    put_interval("cal_large", f.in_the_large);
    put_value("val_r2", f.r2);
    put_value("val_d", f.d);
    put_value("val_u", f.u);
    put_value("val_q", f.q);
    stop_on(ein_calibration_curve(&c, NULL, r->a, r->label, r->n));
    put_value("val_eavg", c.ici);
    put_value("val_e90", c.e90);
    put_value("val_emax", c.emax);
    put_value("val_e50", c.e50);
}

static void print_regression(const records *r) {
    ein_regression_fit f;
    ein_bland_altman b;
    ein_correlations c;
    stop_on(ein_regression_evaluate(&f, r->a, r->b, NULL, r->n, 0.95));
    put_value("mae", (ein_stats_value){f.mae.value, f.mae.state});
    put_value("rmse", (ein_stats_value){f.rmse.value, f.rmse.state});
    put_value("r2", f.r2);
    put_interval("slope", f.slope);
    put_interval("intercept", f.intercept);
    stop_on(ein_bland_altman_limits(&b, r->a, r->b, NULL, r->n, 0.95));
    put_interval("bias", b.bias);
    put_interval("loa", b.lower);
    stop_on(ein_correlate(&c, r->a, r->b, r->n, false, 0.95));
    put_interval("pearson", c.pearson);
    put_test("pearson", c.pearson_test);
    put_value("spearman", (ein_stats_value){c.spearman.value, c.spearman.state});
    put_value("kendall", (ein_stats_value){c.kendall.value, c.kendall.state});
    put_test("kendall", c.kendall_test);
}

static void print_set(int64_t n) {
    records r = {malloc((size_t)n * sizeof(double)), malloc((size_t)n * sizeof(double)), malloc((size_t)n),
                 malloc((size_t)n * sizeof(uint64_t)), n};
    if (!r.a || !r.b || !r.label || !r.cluster) exit(1);
    for (int64_t i = 0; i < n; i++) {
        int label;
        unsigned long long cluster;
        if (scanf("%d %lf %lf %llu", &label, &r.a[i], &r.b[i], &cluster) != 4) exit(1);
        r.label[i] = (int8_t)label;
        r.cluster[i] = cluster;
    }
    print_roc(&r);
    print_thresholds(&r);
    print_calibration(&r);
    print_regression(&r);
    free(r.a);
    free(r.b);
    free(r.label);
    free(r.cluster);
}

static void put_of(ein_meta_method method, const char *name, double value, ein_stats_state state) {
    char full[64];
    snprintf(full, sizeof full, "%s.%s", ein_meta_method_name(method), name);
    put(full, value, state);
}

static void print_method(const double *y, const double *v, int64_t k, ein_meta_method m) {
    ein_meta_fit f;
    stop_on(ein_meta_analyse(&f, y, v, k, NULL, 0, m, 0.95));
    const ein_stats_interval z = f.z[0], kh = f.knapp_hartung[0], pi_z = f.prediction[EIN_META_PREDICT_Z],
                             pi_kh = f.prediction[EIN_META_PREDICT_KNAPP_HARTUNG];
    put_of(m, "tau2", f.tau2.value, f.tau2.state);
    put_of(m, "i2", f.i2.value, f.i2.state);
    put_of(m, "mu", z.value, z.state);
    put_of(m, "se", z.se, z.interval_state);
    put_of(m, "lower", z.lower, z.interval_state);
    put_of(m, "kh.se", kh.se, kh.interval_state);
    put_of(m, "kh.lower", kh.lower, kh.interval_state);
    put_of(m, "pi_z.lower", pi_z.lower, pi_z.interval_state);
    put_of(m, "pi_kh.upper", pi_kh.upper, pi_kh.interval_state);
    if (m == EIN_META_DL) put_test("q", f.q);
}

static void print_meta(int64_t k) {
    double *y = malloc((size_t)k * sizeof *y), *v = malloc((size_t)k * sizeof *v);
    if (!y || !v) exit(1);
    for (int64_t i = 0; i < k; i++)
        if (scanf("%lf %lf", &y[i], &v[i]) != 2) exit(1);
    for (int m = EIN_META_DL; m < EIN_META_METHOD_COUNT; m++) print_method(y, v, k, (ein_meta_method)m);
    ein_meta_heterogeneity h;
    ein_meta_egger e;
    ein_meta_begg b;
    stop_on(ein_meta_q_profile(&h, y, v, k, EIN_META_DL, 0.95));
    put("qprofile.lower", h.tau2.lower, h.tau2.interval_state);
    put("qprofile.upper", h.tau2.upper, h.tau2.interval_state);
    stop_on(ein_meta_egger_test(&e, y, v, k, EIN_META_REML, 0.95));
    put_test("egger", e.mixed);
    put_test("egger_classical", e.classical);
    stop_on(ein_meta_begg_test(&b, y, v, k));
    put_value("begg_tau", b.tau);
    put("begg.p", b.test.p, b.test.state);
    free(y);
    free(v);
}

int main(void) {
    char kind[8];
    long n;
    while (scanf("%7s %ld %ld", kind, &id, &n) == 3) {
        if (n < 1 || n > 10000000) return 1;
        if (kind[0] == 's')
            print_set(n);
        else
            print_meta(n);
    }
    return 0;
}
