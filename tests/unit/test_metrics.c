/* Statistics of a label: fixture S1 against the figures of R and scikit-learn, everything that is not estimable, what
 * is left out, order of input, and the three outputs. */
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "io/formats/json.h"
#include "jobs/metrics/metrics.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static s1_data s;
static char ids[S1_N][16];
static const char *id[S1_N];
static const char *const names[] = {"A", "B"};
static const double *const probabilities[] = {s.prob_a, s.prob_b};
static const char *const sites[] = {"0", "1", "2", "3"}, *const sexes[] = {"f", "m"};
static const ein_metrics_variable variables[] = {{"site", 4, sites, s.site}, {"sex", 2, sexes, s.sex}};
static const double at_2[] = {0.2, 0.2}, at_5[] = {0.5, 0.5}, at_8[] = {0.8, 0.8};
static const ein_metrics_threshold thresholds[] = {{"0.2", at_2}, {"0.5", at_5}, {"0.8", at_8}};

static ein_metrics_input s1_input(void) {
    return (ein_metrics_input){.task = "task",
                               .label_name = "y",
                               .cohort = "s1",
                               .n = S1_N,
                               .record = id,
                               .cluster = s.patient,
                               .n_models = 2,
                               .model = names,
                               .score = probabilities,
                               .label = s.label,
                               .n_variables = 2,
                               .variable = variables,
                               .n_thresholds = 3,
                               .threshold = thresholds};
}

static ein_metrics_options few_replicates(void) {
    ein_metrics_options o = EIN_METRICS_DEFAULTS;
    o.replicates = 200;
    return o;
}

static ein_metrics *compute(const ein_metrics_input *in, ein_metrics_options options) {
    ein_metrics *m;
    check_ok(ein_metrics_binary(&m, NULL, in, &options));
    return m;
}

static const ein_metric *row_of(const ein_metrics *m, const char *model, const char *group,
                                const char *metric) {
    const ein_metric *row = ein_metrics_find(m, model, group, metric);
    if (!row) ck_abort_msg("no row \"%s\" \"%s\" \"%s\"", model, group, metric);
    return row;
}

/* --- the figures of S1 ------------------------------------------------------------------------------------- */

typedef enum { VALUE, SE, LOWER, UPPER, P, STATISTIC, VARIANCE } field;

typedef struct {
    const char *model, *group, *metric;
    field what;
    double expected, tolerance; /* 0: 1e-10 */
} expectation;

static double field_of(const ein_metric *row, field what) {
    switch (what) {
    case VALUE:
        return row->estimate.value;
    case SE:
        return row->estimate.se;
    case LOWER:
        return row->estimate.lower;
    case UPPER:
        return row->estimate.upper;
    case P:
        return row->test.p;
    case STATISTIC:
        return row->test.statistic;
    default:
        return row->estimate.variance;
    }
}

static void check_all(const ein_metrics *m, const expectation *e, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const double value = field_of(row_of(m, e[i].model, e[i].group, e[i].metric), e[i].what);
        const double tolerance = e[i].tolerance > 0 ? e[i].tolerance : 1e-10;
        if (!(fabs(value - e[i].expected) <= tolerance * fmax(fabs(e[i].expected), 1e-300)))
            ck_abort_msg("%s %s %s field %d: %.17g, expected %.17g", e[i].model, e[i].group, e[i].metric,
                         (int)e[i].what, value, e[i].expected);
    }
}
#define CHECK_ALL(m, list) check_all(m, list, sizeof(list) / sizeof *(list))

static const expectation always[] = {
    {"A", "", "auroc", VALUE, 0.664941818556276, 0},
    {"B", "", "auroc", VALUE, 0.633946040572547, 0},
    {"A", "", "mann_whitney_u", VALUE, 25829, 0},
    {"A", "", "average_precision", VALUE, 0.580587038074011, 0},
    {"B", "", "average_precision", VALUE, 0.537860881403383, 0},
    {"A", "", "pr_trapezoid", VALUE, 0.577168150871968, 0},
    {"B", "", "pr_trapezoid", VALUE, 0.534388694721639, 0},
    {"A", "", "brier", VALUE, 0.253862057722497, 0},
    {"B", "", "brier", VALUE, 0.248413192851105, 0},
    {"A", "", "log_loss", VALUE, 0.760320140915202, 0},
    {"B", "", "log_loss", VALUE, 0.717483337179527, 0},
    {"A", "", "prevalence", VALUE, 0.415, 0},
    {"A", "", "mean_probability", VALUE, 0.502934065934066, 0},
    {"A", "", "ece_width_10", VALUE, 0.166491758241758, 0},
    {"A", "", "mce_width_10", VALUE, 0.301263736263736, 0},
    {"A", "", "ece_width_15", VALUE, 0.167714285714286, 0},
    {"A", "", "ece_mass_10", VALUE, 0.166912087912088, 0},
    {"A", "", "ece_mass_15", VALUE, 0.169280219780220, 0},
    {"A", "", "calibration_intercept", VALUE, -0.378586298663788, 1e-9},
    {"A", "", "calibration_slope", VALUE, 0.335487747903346, 1e-9},
    {"A", "", "calibration_in_the_large", VALUE, -0.532193606658235, 1e-9},
    {"A", "", "nagelkerke_r2", VALUE, -0.239003549725, 1e-8},
    {"A", "", "discrimination_d", VALUE, -0.165886756919, 1e-8},
    {"A", "", "unreliability_u", VALUE, 0.234929368366, 1e-8},
    {"A", "", "quality_q", VALUE, -0.400816125285, 1e-8},
    {"A", "", "emax", VALUE, 0.273372426757, 1e-6},
    {"A", "", "e90", VALUE, 0.248827773471, 1e-6},
    {"A", "", "ici", VALUE, 0.158263215358, 1e-6},
    {"A", "", "spiegelhalter_z", VALUE, 9.56960936131, 1e-10},
    {"A", "", "spiegelhalter_z", P, 1.0731e-21, 1e-4},
    {"A", "", "true_positive@0.2", VALUE, 145, 0},
    {"A", "", "false_positive@0.2", VALUE, 175, 0},
    {"A", "", "false_negative@0.2", VALUE, 21, 0},
    {"A", "", "true_negative@0.2", VALUE, 59, 0},
    {"A", "", "net_benefit@0.2", VALUE, .253125, 0},
    {"A", "", "net_benefit_treat_all@0.2", VALUE, .26875, 0},
    {"A", "", "f1@0.2", VALUE, .596707818930, 1e-9},
    {"A", "", "mcc@0.2", VALUE, .154752568743, 1e-9},
    {"A", "", "net_benefit@0.5", VALUE, .03, 0},
    {"A", "", "net_benefit_treat_all@0.5", VALUE, -.17, 0},
    {"A", "", "sensitivity@0.5", VALUE, .638554216867, 1e-9},
    {"A", "", "specificity@0.5", VALUE, .598290598291, 1e-9},
    {"A", "", "ppv@0.5", VALUE, .53, 0},
    {"A", "", "npv@0.5", VALUE, .70, 0},
    {"A", "", "f1@0.5", VALUE, .579234972678, 1e-9},
    {"A", "", "mcc@0.5", VALUE, .233397316793, 1e-9},
    {"A", "", "sensitivity_exact@0.5", LOWER, .560496152636, 1e-9},
    {"A", "", "sensitivity_exact@0.5", UPPER, .711567693136, 1e-9},
    {"A", "", "true_positive@0.8", VALUE, 54, 0},
    {"A", "", "true_negative@0.8", VALUE, 205, 0},
    {"A", "", "net_benefit@0.8", VALUE, -.155, 0},
    {"A", "", "mcc@0.8", VALUE, .244673627938, 1e-9},
    {"A - B", "", "positive_calls_only_first@0.5", VALUE, 30, 0},
    {"A - B", "", "positive_calls_only_second@0.5", VALUE, 33, 0},
    {"A - B", "", "positive_calls_mcnemar_chi2@0.5", STATISTIC, 0.06349206349206, 1e-9},
    {"A - B", "", "positive_calls_mcnemar_chi2@0.5", P, .80105937087, 1e-9},
    {"A - B", "", "positive_calls_mcnemar_exact_p@0.5", P, .801306492504069, 0},
    {"A", "site=0", "auroc", VALUE, 0.568144499178982, 0},
    {"A", "site=1", "auroc", VALUE, 0.657061688311688, 0},
    {"A", "site=2", "auroc", VALUE, 0.703208556149733, 0},
    {"A", "site=3", "auroc", VALUE, 0.740740740740741, 0},
    {"A", "sex=f", "auroc", VALUE, 0.672167968750000, 0},
    {"A", "sex=m", "auroc", VALUE, 0.656208863536639, 0},
};

static const expectation clustered[] = {
    {"A", "", "auroc", VARIANCE, 2.513067557150056e-03, 0},
    {"B", "", "auroc", VARIANCE, 2.132839811000169e-03, 0},
    {"A", "", "auroc", SE, 0.0501305052550350, 1e-9},
    {"A - B", "", "auroc_covariance", VALUE, 2.260293297150313e-03, 0},
    {"A - B", "", "auroc_difference", STATISTIC, 2.768796309942, 1e-9},
    {"A", "", "calibration_slope_unclustered", SE, .0646688502428, 1e-8},
    {"A", "", "calibration_intercept_unclustered", SE, .1060137962195, 1e-8},
    {"A", "", "calibration_in_the_large_unclustered", SE, .1241188418823, 1e-8},
    {"A", "", "calibration_in_the_large", SE, 0.2884012473423416, 1e-9},
    {"A", "", "brier", SE, 0.023597109824845575, 1e-10},
    {"A - B", "", "brier_difference", VALUE, 0.005448864871392348, 1e-10},
    {"A - B", "", "brier_difference", SE, 0.008896061599054428, 1e-10},
    {"A", "", "sensitivity_wilson@0.5", LOWER, .563101006830, 1e-9},
    {"A", "", "sensitivity_wilson@0.5", UPPER, .707739813305, 1e-9},
};

/* The same as if every record were a patient. */
static const expectation independent[] = {
    {"A", "", "auroc", VARIANCE, 7.653216516711348e-04, 0},
    {"B", "", "auroc", VARIANCE, 8.041683761669434e-04, 0},
    {"A", "", "auroc", LOWER, 0.610720497939011, 0},
    {"A", "", "auroc", UPPER, 0.719163139173542, 0},
    {"B", "", "auroc", LOWER, 0.578365651027764, 0},
    {"B", "", "auroc", UPPER, 0.689526430117329, 0},
    {"A - B", "", "auroc_covariance", VALUE, 6.570882610907530e-04, 0},
    {"A - B", "", "auroc_difference", STATISTIC, 1.939838823883221, 0},
    {"A - B", "", "auroc_difference", P, 0.0523992807314459, 0},
    {"A - B", "", "auroc_difference", LOWER, -0.000321570536648, 1e-8},
    {"A - B", "", "auroc_difference", UPPER, 0.062313126504107, 0},
    {"A", "", "calibration_slope", SE, .0646688502428, 1e-8},
    {"A", "", "calibration_intercept", SE, .1060137962195, 1e-8},
    {"A", "", "calibration_in_the_large", SE, .1241188418823, 1e-8},
    {"A", "", "sensitivity@0.5", LOWER, .563101006830, 1e-9},
    {"A", "", "sensitivity@0.5", UPPER, .707739813305, 1e-9},
    {"A", "site=0", "auroc", VARIANCE, 3.493668132121084e-03, 0},
    {"A", "site=1", "auroc", VARIANCE, 2.934502657994514e-03, 0},
    {"A", "site=2", "auroc", VARIANCE, 3.409840361140084e-03, 0},
    {"A", "site=3", "auroc", VARIANCE, 2.837698297702575e-03, 0},
    {"A", "sex=f", "auroc", VARIANCE, 1.514860535504442e-03, 0},
    {"A", "sex=m", "auroc", VARIANCE, 1.596857849577629e-03, 0},
    {"A", "sex=f - m", "auroc_difference", STATISTIC, 0.286093766252563, 0},
    {"A", "sex=f - m", "auroc_difference", P, 0.774955817570433, 0},
};

START_TEST(s1_by_patients) {
    const ein_metrics_input in = s1_input();
    ein_metrics *m = compute(&in, few_replicates());
    CHECK_ALL(m, always);
    CHECK_ALL(m, clustered);
    const ein_metrics_counts c = ein_metrics_counted(m);
    ck_assert(c.clustered && c.n_clusters == 100 && c.largest_cluster == 4 && c.n_positive == 166);
    /* Wilson's interval with the design effect is wider than that of independent records. */
    const ein_metric *own = row_of(m, "A", "", "sensitivity@0.5"),
                     *plain = row_of(m, "A", "", "sensitivity_wilson@0.5");
    ck_assert(own->estimate.lower < plain->estimate.lower && own->estimate.upper > plain->estimate.upper);
    ck_assert_int_eq(own->n, 166); /* the denominators */
    ck_assert_int_eq(row_of(m, "A", "", "ppv@0.5")->n, 200);
    ck_assert_int_eq(row_of(m, "A - B", "", "specificity_difference@0.5")->n, 234);
    ck_assert_int_eq(row_of(m, "A - B", "", "specificity_difference@0.5")->n_positive, 0);
    ein_metrics_destroy(m);
}
END_TEST

START_TEST(s1_by_records) {
    ein_metrics_input in = s1_input();
    in.cluster = NULL;
    ein_metrics *m = compute(&in, few_replicates());
    CHECK_ALL(m, always);
    CHECK_ALL(m, independent);
    ck_assert(!ein_metrics_counted(m).clustered && ein_metrics_counted(m).n_clusters == S1_N);
    ck_assert(ein_metrics_find(m, "A", "", "calibration_slope_unclustered") == NULL);
    ein_metrics_destroy(m);
    /* Asked for by name, DeLong is had although patients repeat. */
    ein_metrics_options o = few_replicates();
    o.variance = EIN_ROC_DELONG;
    in.cluster = s.patient;
    m = compute(&in, o);
    check_exact(row_of(m, "A", "", "auroc")->estimate.variance, 7.653216516711348e-04);
    ein_metrics_destroy(m);
}
END_TEST

/* 4,000 patient resamples: standard error .0506 and .0463 as with another generator; the naive one is .0277. */
START_TEST(s1_bootstrap) {
    const ein_metrics_input in = s1_input();
    ein_metrics_options o = EIN_METRICS_DEFAULTS;
    o.replicates = 4000;
    ein_metrics *m = compute(&in, o);
    const ein_metric *a = row_of(m, "A", "", "auroc_percentile"), *bca = row_of(m, "A", "", "auroc_bca");
    check_close(a->estimate.se, 0.0506, 0.03);
    check_close(row_of(m, "B", "", "auroc_percentile")->estimate.se, 0.0463, 0.03);
    ck_assert(a->replicates == 4000 && a->undefined == 0);
    ck_assert(bca->estimate.lower < a->estimate.value && a->estimate.value < bca->estimate.upper);
    ck_assert(bca->estimate.lower != a->estimate.lower);
    /* sd of the difference: root of var A + var B - 2 cov, clustered */
    check_close(row_of(m, "A - B", "", "auroc_difference_percentile")->estimate.se, sqrt(1.2532007e-04),
                0.06);
    const ein_metric *f1 = row_of(m, "A", "", "f1@0.5");
    ck_assert(f1->has_interval && f1->estimate.lower < 0.579 && f1->estimate.upper > 0.580 &&
              f1->replicates == 4000);
    const ein_metric *benefit = row_of(m, "A", "", "net_benefit@0.5");
    ck_assert(benefit->estimate.lower < 0.03 && benefit->estimate.upper > 0.03);
    const ein_metric *ap = row_of(m, "A", "", "average_precision");
    ck_assert(ap->estimate.lower < 0.5 && ap->estimate.upper > 0.65 && ap->estimate.upper < 0.74);
    const double lower = a->estimate.lower;
    ein_metrics_destroy(m);
    o.seed = 2;
    m = compute(&in, o);
    ck_assert(row_of(m, "A", "", "auroc_percentile")->estimate.lower != lower);
    ein_metrics_destroy(m);
}
END_TEST

/* --- order of input ---------------------------------------------------------------------------------------- */

static char *json_of(const ein_metrics *m) {
    json_t *object;
    check_ok(ein_metrics_json(m, 1000, &object));
    char *text = json_dumps(object, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    json_decref(object);
    ck_assert_ptr_nonnull(text);
    return text;
}

START_TEST(any_order_of_input) {
    static s1_data t, holes;
    static const char *shuffled_id[S1_N];
    static const ein_metrics_variable shuffled[] = {{"site", 4, sites, t.site}, {"sex", 2, sexes, t.sex}};
    const double *const score[] = {t.prob_a, t.prob_b}, *const holed[] = {holes.prob_a, holes.prob_b};
    holes = s;
    holes.label[17] = holes.label[230] = EIN_LABEL_MISSING;
    holes.prob_b[99] = NAN;
    for (int i = 0; i < S1_N; i++) {
        const int j = (i * 173 + 71) % S1_N; /* a permutation: 173 and 400 share no factor */
        t.prob_a[i] = holes.prob_a[j];
        t.prob_b[i] = holes.prob_b[j];
        t.label[i] = holes.label[j];
        t.patient[i] = holes.patient[j];
        t.site[i] = holes.site[j];
        t.sex[i] = holes.sex[j];
        shuffled_id[i] = id[j];
    }
    ein_metrics_input in = s1_input(), other = s1_input();
    in.score = holed;
    in.label = holes.label;
    other.record = shuffled_id;
    other.score = score;
    other.label = t.label;
    other.cluster = t.patient;
    other.variable = shuffled;
    ein_metrics *a = compute(&in, few_replicates()), *b = compute(&other, few_replicates());
    char *first = json_of(a), *second = json_of(b);
    ck_assert_str_eq(first, second);
    ck_assert_int_gt((int)strlen(first), 20000);
    free(first);
    free(second);
    ein_metrics_destroy(a);
    ein_metrics_destroy(b);
}
END_TEST

/* Everything but what records are called: the table and the page. */
static char *outputs_of(const ein_metrics *m) {
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);
    for (int64_t i = 0; i < ein_metrics_count(m); i++) {
        const ein_metric *r = ein_metrics_row(m, i);
        fprintf(stream, "%s|%s|%s|%.17g %.17g %.17g %.17g %.17g %.17g %.17g %lld\n", r->model, r->group_text,
                r->metric, r->estimate.value, r->estimate.lower, r->estimate.upper, r->estimate.se,
                r->test.statistic, r->test.p, r->adjusted_p.value, (long long)r->n);
    }
    ein_metrics_print(m, stream);
    ein_metrics_print_methods(m, stream);
    fclose(stream);
    return text;
}

/* 101 records of S1 of 30 patients of whom every fifth is not known, scores rounded until most are equal, in the order
 * j = (i * step) mod 101. */
enum { NAMELESS = 101 };
typedef struct {
    s1_data d;
    double mean[S1_N];
    uint8_t alone[S1_N];
    const double *score[2];
    ein_metrics_variable variable[2];
} nameless;

static ein_metrics_input nameless_input(nameless *x, int step, bool patients) {
    for (int i = 0; i < NAMELESS; i++) {
        const int j = i * step % NAMELESS;
        x->d.prob_a[i] = round(12 * s.prob_a[j]) / 12;
        x->d.prob_b[i] = round(8 * s.prob_b[j]) / 8;
        x->d.label[i] = s.label[j];
        x->d.patient[i] = (uint64_t)(j % 30);
        x->d.site[i] = s.site[j];
        x->d.sex[i] = s.sex[j];
        x->alone[i] = j % 30 % 5 == 0;
        x->mean[i] = s.a[j] + 0.1 * s.b[j];
        if (x->alone[i]) x->d.patient[i] = 0;
    }
    x->score[0] = x->d.prob_a;
    x->score[1] = x->d.prob_b;
    x->variable[0] = (ein_metrics_variable){"site", 4, sites, x->d.site};
    x->variable[1] = (ein_metrics_variable){"sex", 2, sexes, x->d.sex};
    ein_metrics_input in = s1_input();
    in.n = NAMELESS;
    in.record = NULL;
    in.score = x->score;
    in.label = x->d.label;
    in.target = x->mean;
    in.variable = x->variable;
    in.cluster = patients ? x->d.patient : NULL;
    in.alone = patients ? x->alone : NULL;
    return in;
}

/* Without ids nothing but the content can put records into an order: the same rows in another order are the same. */
START_TEST(records_without_names_may_stand_in_any_order) {
    static nameless x;
    for (int patients = 0; patients < 2; patients++)
        for (int regression = 0; regression < 2; regression++) {
            char *first = NULL;
            for (int step = 1; step < NAMELESS; step += 49) {
                const ein_metrics_input in = nameless_input(&x, step, patients);
                ein_metrics_options o = few_replicates();
                o.replicates = 50;
                ein_metrics *m;
                check_ok(regression ? ein_metrics_regression(&m, NULL, &in, &o)
                                    : ein_metrics_binary(&m, NULL, &in, &o));
                char *now = outputs_of(m);
                if (!first)
                    first = now;
                else {
                    ck_assert_str_eq(first, now);
                    free(now);
                }
                ein_metrics_destroy(m);
            }
            free(first);
        }
}
END_TEST

/* Other names, the same records: whatever is not drawn at random stays, up to rounding of sums. */
START_TEST(names_decide_nothing_but_draws) {
    static nameless x;
    static const char *renamed[NAMELESS];
    ein_metrics_input in = nameless_input(&x, 1, true);
    for (int i = 0; i < NAMELESS; i++) renamed[i] = id[(i * 17 + 71) % NAMELESS];
    ein_metrics_options o = few_replicates();
    o.replicates = 0;
    in.record = id;
    ein_metrics *a = compute(&in, o);
    in.record = renamed;
    ein_metrics *b = compute(&in, o);
    ck_assert_int_eq((int)ein_metrics_count(a), (int)ein_metrics_count(b));
    for (int64_t i = 0; i < ein_metrics_count(a); i++) {
        const ein_metric *p = ein_metrics_row(a, i), *q = ein_metrics_row(b, i);
        const double value[] = {p->estimate.value, p->estimate.lower, p->estimate.se, p->test.p},
                     other[] = {q->estimate.value, q->estimate.lower, q->estimate.se, q->test.p};
        for (int k = 0; k < 4; k++)
            if (!(isnan(value[k]) && isnan(other[k])) && !(fabs(value[k] - other[k]) <= 1e-11))
                ck_abort_msg("%s %s %s: %.17g with other names %.17g", p->model, p->group_text, p->metric,
                             value[k], other[k]);
    }
    ein_metrics_destroy(a);
    ein_metrics_destroy(b);
}
END_TEST

/* --- what is left out -------------------------------------------------------------------------------------- */

START_TEST(records_left_out_are_counted_and_named) {
    s1_data t = s;
    const double *const score[] = {t.prob_a, t.prob_b};
    ein_metrics_input in = s1_input();
    in.score = score;
    in.label = t.label;
    t.label[3] = EIN_LABEL_MISSING;
    t.prob_a[10] = NAN;
    t.prob_b[2] = NAN;
    t.label[2] = EIN_LABEL_MISSING;
    ein_metrics *m = compute(&in, few_replicates());
    const ein_metrics_counts c = ein_metrics_counted(m);
    ck_assert_int_eq(c.screening.n_total, 400);
    ck_assert_int_eq(c.screening.n_kept, 397);
    ck_assert_int_eq(c.screening.n_missing_label, 2);
    ck_assert_int_eq(c.screening.n_nan_score, 2);
    ck_assert_int_eq(ein_metrics_excluded_count(m), 3);
    static const char *const expected[3][2] = {
        {"ecg2", "no label and no score"}, {"ecg3", "no label"}, {"ecg10", "no score"}};
    for (int i = 0; i < 3; i++) {
        unsigned reason;
        ck_assert_str_eq(ein_metrics_excluded(m, i, &reason), expected[i][0]);
        ck_assert_str_eq(ein_metrics_reason_text(m, reason), expected[i][1]);
    }
    ck_assert_int_eq(row_of(m, "A", "", "auroc")->n, 397);
    json_t *object;
    check_ok(ein_metrics_json(m, 1, &object));
    json_t *records = json_object_get(object, "records");
    ck_assert_int_eq(json_array_size(json_object_get(records, "left_out")), 1);
    ck_assert_int_eq(json_integer_value(json_object_get(records, "left_out_not_named")), 2);
    json_decref(object);
    ein_metrics_destroy(m);
}
END_TEST

/* --- not estimable ----------------------------------------------------------------------------------------- */

static const double four[] = {0.1, 0.4, 0.35, 0.8};
static const double *const four_scores[] = {four, four};

static ein_metrics_input small_input(const int8_t *label, int64_t n) {
    return (ein_metrics_input){
        .label_name = "y", .n = n, .n_models = 2, .model = names, .score = four_scores, .label = label};
}

START_TEST(one_class_and_nothing) {
    static const int8_t zeros[4] = {0}, none[4] = {-1, -1, -1, -1};
    ein_metrics_input in = small_input(zeros, 4);
    in.n_thresholds = 1;
    in.threshold = &thresholds[1];
    ein_metrics *m = compute(&in, few_replicates());
    check_none(row_of(m, "A", "", "auroc")->estimate, EIN_STATS_ONE_CLASS);
    check_none(row_of(m, "A", "", "auroc_logit")->estimate, EIN_STATS_ONE_CLASS);
    check_none(row_of(m, "A", "", "average_precision")->estimate, EIN_STATS_ONE_CLASS);
    check_none(row_of(m, "A", "", "calibration_slope")->estimate, EIN_STATS_ONE_CLASS);
    check_state(row_of(m, "A - B", "", "auroc_difference")->test.state, EIN_STATS_ONE_CLASS);
    check_state(row_of(m, "A", "", "sensitivity@0.5")->estimate.state, EIN_STATS_ZERO_DENOMINATOR);
    check_exact(row_of(m, "A", "", "specificity@0.5")->estimate.value, 0.75);
    check_state(row_of(m, "A", "", "descriptive_youden_threshold")->estimate.state, EIN_STATS_ONE_CLASS);
    ck_assert(isfinite(row_of(m, "A", "", "brier")->estimate.value));
    char *text = json_of(m);
    ck_assert_ptr_nonnull(strstr(text, "\"value\": null,\n       \"state\": \"one_class\",\n"
                                       "       \"reason\": \"not estimable: only one class is present\""));
    ck_assert(!strstr(text, "nan") && !strstr(text, "inf,"));
    free(text);
    ein_metrics_destroy(m);

    in = small_input(none, 4);
    m = compute(&in, few_replicates());
    check_none(row_of(m, "A", "", "auroc")->estimate, EIN_STATS_NO_RECORDS);
    ck_assert_int_eq(ein_metrics_excluded_count(m), 4);
    ein_metrics_destroy(m);
    in = small_input(none, 0);
    m = compute(&in, few_replicates());
    check_none(row_of(m, "A", "", "auroc")->estimate, EIN_STATS_NO_RECORDS);
    ein_metrics_destroy(m);
}
END_TEST

START_TEST(identical_perfect_and_hard_decisions) {
    static const int8_t label[4] = {0, 0, 1, 1}, perfect[4] = {0, 1, 0, 1};
    ein_metrics_input in = small_input(label, 4);
    ein_metrics *m = compute(&in, few_replicates());
    const ein_metric *d = row_of(m, "A - B", "", "auroc_difference");
    check_state(d->test.state, EIN_STATS_IDENTICAL);
    check_no_interval(d->estimate, EIN_STATS_IDENTICAL);
    ck_assert(d->estimate.value == 0 && isnan(d->test.p));
    check_state(row_of(m, "A - B", "", "brier_difference")->test.state, EIN_STATS_IDENTICAL);
    check_exact(row_of(m, "A", "", "auroc")->estimate.value, 0.75);
    ein_metrics_destroy(m);

    in = small_input(perfect, 4);
    m = compute(&in, few_replicates());
    ck_assert(row_of(m, "A", "", "auroc")->estimate.value == 1);
    check_no_interval(row_of(m, "A", "", "auroc")->estimate, EIN_STATS_BOUNDARY);
    check_state(row_of(m, "A", "", "auroc_logit")->estimate.interval_state, EIN_STATS_BOUNDARY);
    check_state(row_of(m, "A", "", "calibration_slope")->estimate.state, EIN_STATS_SEPARATED);
    ein_metrics_destroy(m);

    static const double constant[] = {0.5, 0.5, 0.5, 0.5};
    static const double *const constants[] = {constant, four};
    in = small_input(label, 4);
    in.score = constants;
    m = compute(&in, few_replicates());
    check_exact(row_of(m, "A", "", "auroc")->estimate.value, 0.5);
    check_no_interval(row_of(m, "A", "", "auroc")->estimate, EIN_STATS_ZERO_VARIANCE);
    check_no_interval(row_of(m, "A", "", "brier")->estimate, EIN_STATS_ZERO_VARIANCE);
    check_state(row_of(m, "A", "", "calibration_slope")->estimate.state, EIN_STATS_ZERO_VARIANCE);
    check_state(row_of(m, "A - B", "", "auroc_difference")->test.state, EIN_STATS_ZERO_VARIANCE);
    ein_metrics_destroy(m);

    static const double hard[] = {0, 1, 1, 1}, backwards[] = {1, 0.5, 0.2, 0};
    static const double *const scores[] = {hard, backwards};
    in = small_input(label, 4);
    in.score = scores;
    m = compute(&in, few_replicates());
    check_exact(row_of(m, "A", "", "auroc")->estimate.value, 0.75);
    check_state(row_of(m, "A", "", "calibration_slope")->estimate.state, EIN_STATS_SATURATED);
    check_exact(row_of(m, "A", "", "ece_width_10")->estimate.value, 0.25);
    ck_assert(row_of(m, "B", "", "auroc")->estimate.value == 0); /* never flipped */
    ein_metrics_destroy(m);
}
END_TEST

START_TEST(undefined_replicates_are_counted) {
    /* One positive patient of five: about a third of the resamples lack him. */
    static const double score[] = {0.9, 0.1, 0.2, 0.3, 0.95};
    static const double *const scores[] = {score};
    static const int8_t label[] = {1, 0, 0, 0, 0};
    ein_metrics_input in = {
        .label_name = "y", .n = 5, .n_models = 1, .model = names, .score = scores, .label = label};
    ein_metrics *m = compute(&in, few_replicates());
    const ein_metric *row = row_of(m, "A", "", "auroc_percentile");
    ck_assert(row->undefined > 30 && row->undefined < 110);
    check_no_interval(row->estimate, EIN_STATS_UNDEFINED_PARTS);
    check_exact(row->estimate.value, 0.75);
    ein_metrics_destroy(m);
}
END_TEST

/* --- probabilities ----------------------------------------------------------------------------------------- */

START_TEST(which_scores_are_probabilities) {
    static const double above[] = {0.1, 0.4, 0.35, 1.0000001}, logits[] = {-2, 1, 0.5, INFINITY};
    static const double *const scores[] = {above, logits};
    static const int8_t label[4] = {0, 0, 1, 1};
    ein_metrics_options o = few_replicates();
    ein_metrics_input in = small_input(label, 4), whole = s1_input();
    in.score = scores;
    ein_metrics *m = compute(&in, o);
    ck_assert_ptr_nonnull(ein_metrics_find(m, "A", "", "brier")); /* 1.0000001 is brought back */
    ck_assert_ptr_null(ein_metrics_find(m, "B", "", "brier"));
    ck_assert_ptr_null(ein_metrics_find(m, "A - B", "", "brier_difference"));
    check_exact(row_of(m, "B", "", "auroc")->estimate.value, 0.75);
    ck_assert_ptr_null(ein_metrics_find(m, "B", "", "descriptive_youden_threshold"));
    ck_assert_int_eq(ein_metrics_counted(m).screening.n_infinite_score, 1);
    ein_metrics_destroy(m);
    o.probabilities = EIN_METRICS_YES;
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_RANGE, "B: -2 is no probability");
    ck_assert_ptr_null(m);
    o.probabilities = EIN_METRICS_NO;
    m = compute(&whole, o);
    ck_assert_ptr_null(ein_metrics_find(m, "A", "", "brier"));
    ck_assert_ptr_null(ein_metrics_find(m, "A", "", "net_benefit@0.5"));
    ck_assert_ptr_nonnull(ein_metrics_find(m, "A", "", "mcc@0.5"));
    ein_metrics_destroy(m);
}
END_TEST

/* --- families ---------------------------------------------------------------------------------------------- */

START_TEST(families_are_adjusted_and_small_groups_hidden) {
    static double third[S1_N];
    static const char *const three[] = {"A", "B", "C"};
    const double *const scores[] = {s.prob_a, s.prob_b, third};
    for (int i = 0; i < S1_N; i++) third[i] = s.prob_a[(i * 7) % S1_N];
    ein_metrics_input in = s1_input();
    in.n_models = 3;
    in.model = three;
    in.score = scores;
    in.n_thresholds = 0;
    ein_metrics_options o = few_replicates();
    o.replicates = 0;
    o.minimum = 43;
    ein_metrics *m = compute(&in, o);
    const ein_metric *pair[3] = {row_of(m, "A - B", "", "auroc_difference"),
                                 row_of(m, "A - C", "", "auroc_difference"),
                                 row_of(m, "B - C", "", "auroc_difference")};
    double p[3], least = 1;
    for (int i = 0; i < 3; i++) {
        p[i] = pair[i]->test.p;
        least = fmin(least, p[i]);
    }
    for (int i = 0; i < 3; i++) { /* Holm, written out for three */
        double expected = fmin(1, 3 * least);
        int smaller = 0;
        for (int j = 0; j < 3; j++) smaller += p[j] < p[i];
        for (int j = 0; j < 3; j++) {
            int below = 0;
            for (int k = 0; k < 3; k++) below += p[k] < p[j];
            if (below <= smaller) expected = fmax(expected, fmin(1, (3 - below) * p[j]));
        }
        ck_assert(pair[i]->has_adjusted);
        check_exact(pair[i]->adjusted_p.value, expected);
    }
    /* 42, 44, 34, 46 positives: sites 0 and 2 are below 43. */
    check_none(row_of(m, "A", "site=0", "auroc")->estimate, EIN_STATS_SUPPRESSED);
    ck_assert_int_eq(row_of(m, "A", "site=0", "auroc")->n, -1);
    check_state(row_of(m, "A", "site=0 - 1", "auroc_difference")->test.state, EIN_STATS_SUPPRESSED);
    const ein_metric *only = row_of(m, "A", "site=1 - 3", "auroc_difference");
    check_exact(only->adjusted_p.value, only->test.p); /* the only test of its family */
    ck_assert_int_eq(only->n_positive, 90);
    char *text = json_of(m);
    ck_assert_ptr_nonnull(strstr(text, "\"state\": \"suppressed\""));
    free(text);
    ein_metrics_destroy(m);
}
END_TEST

/* --- refusals ---------------------------------------------------------------------------------------------- */

START_TEST(wrong_input_is_refused) {
    static const char *const twice[] = {"A", "A"}, *const same_id[] = {"x", "y", "x", "z"};
    static const int8_t label[4] = {0, 0, 1, 1}, wrong[4] = {0, 0, 1, 2};
    ein_metrics_options o = few_replicates();
    ein_metrics *m;
    ein_metrics_input in = small_input(label, 4);
    in.record = same_id;
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_FORMAT, "record id \"x\" stands twice");
    in = small_input(label, 4);
    in.model = twice;
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_RANGE, "two models are named \"A\"");
    in = small_input(wrong, 4);
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_RANGE, "label of record number 4 is 2");
    in = small_input(label, 4);
    in.n_models = 0;
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_RANGE, "0 models");
    in = small_input(label, 4);
    o.level = 1;
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_RANGE, "confidence level 1");
    o = few_replicates();
    o.minimum = 0;
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_RANGE, "minimum of 0");
    o = few_replicates();
    in.target = four;
    static const double infinite[] = {0, 1, 2, INFINITY};
    static const double *const scores[] = {four, infinite};
    in.score = scores;
    check_fails(ein_metrics_regression(&m, NULL, &in, &o), EIN_NUMERIC, "record number 4 is infinite");
    /* An id is quoted as it is: "ecg12" and the place 7 must not become "ecg127". */
    static const char *const own_id[] = {"ecg10", "ecg11", "ecg13", "ecg12"};
    in.record = own_id;
    check_fails(ein_metrics_regression(&m, NULL, &in, &o), EIN_NUMERIC, "record ecg12 is infinite");
    static const int32_t group[4] = {0, 1, 1, 4};
    static const ein_metrics_variable sites_of[] = {{"site", 4, sites, group}};
    in = small_input(label, 4);
    in.n_variables = 1;
    in.variable = sites_of;
    in.record = own_id;
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_RANGE, "record ecg12 is in group 4 of 4 of site");
    in = small_input(wrong, 4);
    in.record = own_id;
    check_fails(ein_metrics_binary(&m, NULL, &in, &o), EIN_RANGE, "label of record ecg12 is 2");
}
END_TEST

/* --- regression -------------------------------------------------------------------------------------------- */

/* numpy and scipy on S1: measured A, predicted B. */
static const expectation agreement[] = {
    {"B", "", "mae", VALUE, 121.4325, 0},
    {"B", "", "mae", SE, 4.116158806546108, 0},
    {"B", "", "rmse", VALUE, 148.91746875366906, 0},
    {"B", "", "bias", VALUE, -0.3725, 0},
    {"B", "", "bias", SE, 9.489049706414658, 0},
    {"B", "", "difference_sd", VALUE, 149.10349887642803, 0},
    {"B", "", "r2", VALUE, 0.6787190820804032, 0},
    {"B", "", "slope", VALUE, 0.59873335, 1e-7},
    {"B", "", "intercept", VALUE, 183.07457259, 1e-9},
    {"B", "", "pearson", VALUE, 0.8312970373781599, 0},
    {"B", "", "spearman", VALUE, 0.837480679640, 1e-9},
    {"B", "", "kendall", VALUE, 0.627468672526, 1e-9},
    {"B", "", "limit_of_agreement_lower", VALUE, -292.6099877667074, 0},
    {"B", "", "limit_of_agreement_upper", VALUE, 291.8649877667074, 0},
    {"B - mean", "", "mae_difference", VALUE, -106.0175, 0},
    {"B - mean", "", "mae_difference", SE, 10.465102258955907, 0},
};

START_TEST(regression_of_s1) {
    static const char *const predictors[] = {"B", "mean"};
    static double mean[S1_N], target[S1_N + 1];
    const double *const scores[] = {s.b, mean};
    double sum = 0;
    for (int i = 0; i < S1_N; i++) sum += s.a[i];
    for (int i = 0; i < S1_N; i++) mean[i] = sum / S1_N;
    memcpy(target, s.a, sizeof s.a);
    ein_metrics_input in = s1_input();
    in.model = predictors;
    in.score = scores;
    in.target = target;
    const ein_metrics_options o = few_replicates();
    ein_metrics *m;
    check_ok(ein_metrics_regression(&m, NULL, &in, &o));
    CHECK_ALL(m, agreement);
    /* Patients repeat: where a formula needs independent records the bootstrap stands in its place. */
    const ein_metric *pearson = row_of(m, "B", "", "pearson");
    ck_assert(pearson->replicates == 200 && pearson->has_interval && pearson->estimate.lower > 0.78);
    ck_assert(!pearson->has_test);
    const ein_metric *other = row_of(m, "mean", "", "mae_percentile");
    ck_assert(other->estimate.lower < other->estimate.value && other->estimate.value < other->estimate.upper);
    check_state(row_of(m, "mean", "", "pearson")->estimate.state, EIN_STATS_ZERO_VARIANCE);
    check_exact(row_of(m, "mean", "", "r2")->estimate.value + 1, 1);
    ein_metrics_destroy(m);
    in.cluster = NULL;
    target[7] = NAN;
    check_ok(ein_metrics_regression(&m, NULL, &in, &o));
    ck_assert_int_eq(ein_metrics_excluded_count(m), 1);
    ck_assert(row_of(m, "B", "", "pearson")->has_test && row_of(m, "B", "", "pearson")->replicates == -1);
    ein_metrics_destroy(m);
}
END_TEST

/* --- outputs ----------------------------------------------------------------------------------------------- */

START_TEST(json_holds_every_bit) {
    const ein_metrics_input in = s1_input();
    ein_metrics *m = compute(&in, few_replicates());
    json_t *object, *back;
    check_ok(ein_metrics_json(m, 10, &object));
    check_ok(ein_json_write("metrics.json", object));
    json_error_t error;
    back = json_load_file("metrics.json", JSON_REJECT_DUPLICATES, &error);
    ck_assert_msg(back != NULL, "%s", error.text);
    json_t *a = json_object_get(json_object_get(back, "models"), "A");
    json_t *auroc = json_object_get(json_object_get(a, "statistics"), "auroc");
    const ein_metric *row = row_of(m, "A", "", "auroc");
    ck_assert(json_real_value(json_object_get(auroc, "value")) == row->estimate.value);
    ck_assert(json_real_value(json_object_get(auroc, "upper")) == row->estimate.upper);
    json_t *at = json_object_get(json_object_get(json_object_get(a, "thresholds"), "0.5"), "statistics");
    ck_assert(json_real_value(json_object_get(json_object_get(at, "true_positive"), "value")) == 106);
    json_t *pair = json_array_get(json_object_get(back, "comparisons"), 0);
    ck_assert_str_eq(json_string_value(json_object_get(pair, "second")), "B");
    json_t *bins = json_object_get(a, "calibration_bins_mass");
    int64_t n = 0;
    for (size_t i = 0; i < json_array_size(bins); i++)
        n += json_integer_value(json_object_get(json_array_get(bins, i), "n"));
    ck_assert_int_eq(n, 400);
    ck_assert_int_eq(json_array_size(json_object_get(back, "subgroups")), 4);
    json_decref(back);
    json_decref(object);
    ein_metrics_destroy(m);
    unlink("metrics.json");
}
END_TEST

START_TEST(csv_holds_every_row) {
    const ein_metrics_input in = s1_input();
    ein_metrics *m = compute(&in, few_replicates());
    ein_csv_writer *writer;
    ein_csv *csv;
    check_ok(ein_csv_create("metrics.csv", ein_metrics_columns, EIN_METRICS_COLUMNS, &writer));
    ein_metrics_csv(m, writer);
    check_ok(ein_csv_finish(writer, true));
    check_ok(ein_csv_open("metrics.csv", &csv));
    ck_assert_int_eq(ein_csv_rows(csv), ein_metrics_count(m));
    ck_assert_int_eq(ein_csv_problems(csv), 0);
    for (int64_t i = 0; i < ein_csv_rows(csv); i++) {
        const ein_metric *row = ein_metrics_row(m, i);
        ck_assert_str_eq(ein_csv_cell(csv, i, ein_csv_column(csv, "metric")), row->metric);
        ck_assert_str_eq(ein_csv_cell(csv, i, ein_csv_column(csv, "label")), "y");
        if (row->estimate.state == EIN_STATS_ESTIMABLE)
            ck_assert(strtod(ein_csv_cell(csv, i, ein_csv_column(csv, "value")), NULL) ==
                      row->estimate.value);
        else
            ck_assert_str_eq(ein_csv_cell(csv, i, ein_csv_column(csv, "value")), "");
        /* One row per statistic of one thing. */
        ck_assert_ptr_eq(ein_metrics_find(m, row->model, row->group_text, row->metric), row);
    }
    ein_csv_close(csv);
    ein_metrics_destroy(m);
    unlink("metrics.csv");
}
END_TEST

START_TEST(the_printed_table_shows_no_control_character) {
    static const char *const evil[] = {"A\033[2J", "B"};
    ein_metrics_input in = s1_input();
    in.model = evil;
    ein_metrics *m = compute(&in, few_replicates());
    char *text = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&text, &bytes);
    ein_metrics_print(m, stream);
    ein_metrics_print_methods(m, stream);
    fclose(stream);
    ck_assert_ptr_null(strchr(text, '\033'));
    ck_assert_ptr_nonnull(strstr(text, "A?[2J"));
    ck_assert_ptr_nonnull(
        strstr(text, "y, cohort s1: 400 records of 100 patients, 166 positive (41.5 %), 234 negative"));
    ck_assert_ptr_nonnull(strstr(text, "0.665 (0.567 to 0.763)"));
    ck_assert_ptr_nonnull(strstr(text, "63.9 % ("));
    ck_assert_ptr_nonnull(strstr(text, "clustered by patient (Obuchowski 1997)"));
    free(text);
    ein_metrics_destroy(m);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("metrics");
    s1_make(&s);
    for (int i = 0; i < S1_N; i++) {
        snprintf(ids[i], sizeof ids[i], "ecg%d", i);
        id[i] = ids[i];
    }
    ein_tap_add(suite, "S1 with patients: figures of R and scikit-learn", s1_by_patients);
    ein_tap_add(suite, "S1 with records as independent", s1_by_records);
    ein_tap_add(suite, "S1's bootstrap", s1_bootstrap);
    ein_tap_add(suite, "any order of input gives the same bytes", any_order_of_input);
    ein_tap_add(suite, "without ids any order of rows gives the same bytes",
                records_without_names_may_stand_in_any_order);
    ein_tap_add(suite, "names decide nothing but draws", names_decide_nothing_but_draws);
    ein_tap_add(suite, "records left out are counted and named", records_left_out_are_counted_and_named);
    ein_tap_add(suite, "one class, nothing", one_class_and_nothing);
    ein_tap_add(suite, "identical, perfect, hard decisions, backwards", identical_perfect_and_hard_decisions);
    ein_tap_add(suite, "undefined replicates are counted", undefined_replicates_are_counted);
    ein_tap_add(suite, "which scores are probabilities", which_scores_are_probabilities);
    ein_tap_add(suite, "families are adjusted, small groups hidden",
                families_are_adjusted_and_small_groups_hidden);
    ein_tap_add(suite, "wrong input is refused", wrong_input_is_refused);
    ein_tap_add(suite, "regression of S1", regression_of_s1);
    ein_tap_add(suite, "JSON holds every bit", json_holds_every_bit);
    ein_tap_add(suite, "CSV holds every row", csv_holds_every_row);
    ein_tap_add(suite, "the printed table is safe and says it", the_printed_table_shows_no_control_character);
    return ein_tap_main(suite);
}
