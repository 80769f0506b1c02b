/* A pooled analysis for people, with a forest plot in letters. */
#include <string.h>

#include "core/base/elementary.h"
#include "io/base/utf8.h"
#include "io/base/wrap.h"
#include "jobs/evaluate/pool.h"

enum { NAME_WIDTH = 22, CELL_WIDTH = 26, PLOT_WIDTH = 41, LABEL_WIDTH = 26 };

static double shown(const ein_pool *p, double x) {
    switch (p->scale) {
    case EIN_POOL_EXP:
        return ein_exp(x);
    case EIN_POOL_LOGISTIC:
        return ein_logistic(x);
    default:
        return x;
    }
}

ein_stats_interval ein_pool_shown_interval(const ein_pool *p, ein_stats_interval x) {
    if (p->scale == EIN_POOL_AS_GIVEN) return x;
    if (p->scale == EIN_POOL_LOGISTIC) return ein_meta_inverse_logit(x);
    x.variance = x.se = NAN;
    if (x.state == EIN_STATS_ESTIMABLE) x.value = shown(p, x.value);
    if (x.interval_state == EIN_STATS_ESTIMABLE) {
        x.lower = shown(p, x.lower);
        x.upper = shown(p, x.upper);
    }
    return x;
}

const char *ein_pool_scale_text(const ein_pool *p) {
    if (p->auroc)
        return "AUROCs are pooled on the logit scale, variances by the delta method, se^2 / (A (1 - A))^2, "
               "and shown as "
               "AUROCs.";
    return p->scale == EIN_POOL_EXP        ? "Logarithms are pooled as given and shown as ratios (exp)."
           : p->scale == EIN_POOL_LOGISTIC ? "Logits are pooled as given and shown as proportions (logistic)."
                                           : "Estimates are pooled and shown as given.";
}

/* --- texts ------------------------------------------------------------------------------------------------- */

/* Safe for a terminal, cut and filled to `width` columns. */
static void print_name(const char *text, int width, FILE *stream) {
    const int columns = ein_utf8_print(text, width - 1, stream);
    fprintf(stream, "%*s", width - columns, "");
}

static const char *state_words(char *out, size_t room, ein_stats_state state) {
    snprintf(out, room, "%s", ein_stats_state_name(state));
    for (char *c = out; *c; c++)
        if (*c == '_') *c = ' ';
    return out;
}

static const char *interval_text(char *out, size_t room, ein_stats_interval x) {
    char words[64];
    if (x.state != EIN_STATS_ESTIMABLE)
        snprintf(out, room, "- (%s)", state_words(words, sizeof words, x.state));
    else if (x.interval_state != EIN_STATS_ESTIMABLE)
        snprintf(out, room, "%.3f (%s)", x.value, state_words(words, sizeof words, x.interval_state));
    else
        snprintf(out, room, "%.3f (%.3f to %.3f)", x.value, x.lower, x.upper);
    return out;
}

static void print_p(double p, FILE *stream) {
    if (!(p >= 0.001))
        fputs("p <0.001", stream);
    else
        fprintf(stream, p < 0.0995 ? "p %.3f" : "p %.2f", p);
}

static void print_test(const char *label, const char *symbol, ein_stats_test t, FILE *stream) {
    char words[64];
    print_name(label, LABEL_WIDTH, stream);
    if (t.state != EIN_STATS_ESTIMABLE) {
        fprintf(stream, "- (%s)\n", state_words(words, sizeof words, t.state));
        return;
    }
    fputs(symbol, stream);
    if (isfinite(t.df)) fprintf(stream, "(%g)", t.df);
    fprintf(stream, " = %.3f, ", t.statistic);
    print_p(t.p, stream);
    fputc('\n', stream);
}

static ein_stats_interval study_interval(const ein_pool *p, const ein_pool_study *s) {
    return ein_stats_wald(s->y, s->v, INFINITY, p->level, -INFINITY, INFINITY);
}

/* --- the forest -------------------------------------------------------------------------------------------- */

typedef struct {
    double low, high; /* of the axis, as shown */
    double null;      /* no effect; NaN if there is none */
    const ein_pool *p;
} axis;

/* Covers the intervals of all studies, but goes beyond the estimates by no more than their range and six typical
 * standard errors: one very uncertain study must not squeeze the others. */
static axis make_axis(const ein_pool *p) {
    axis a = {INFINITY, -INFINITY, p->scale == EIN_POOL_LOGISTIC && !p->auroc ? NAN : 0, p};
    double least = INFINITY, greatest = -INFINITY, precision = 0;
    for (int64_t i = 0; i < p->k; i++) {
        const ein_pool_study *s = &p->study[i];
        const ein_stats_interval x = study_interval(p, s);
        least = fmin(least, s->y);
        greatest = fmax(greatest, s->y);
        a.low = fmin(a.low, x.lower);
        a.high = fmax(a.high, x.upper);
        precision += 1 / s->v / (double)p->k;
    }
    const double room = greatest - least + 6 / sqrt(precision);
    a.low = fmax(a.low, least - room);
    a.high = fmin(a.high, greatest + room);
    return a;
}

static int place(const axis *a, double x) {
    const double at = (x - a->low) / (a->high - a->low) * (PLOT_WIDTH - 1);
    if (!(at > 0)) return 0;
    return at >= PLOT_WIDTH - 1 ? PLOT_WIDTH - 1 : (int)(at + 0.5);
}

static void print_plot(const axis *a, ein_stats_interval x, char mark, FILE *stream) {
    char text[PLOT_WIDTH + 1];
    memset(text, ' ', PLOT_WIDTH);
    text[PLOT_WIDTH] = 0;
    if (a->null >= a->low && a->null <= a->high) text[place(a, a->null)] = ':';
    if (x.interval_state == EIN_STATS_ESTIMABLE) {
        for (int i = place(a, x.lower); i <= place(a, x.upper); i++) text[i] = mark == '#' ? '=' : '-';
        if (x.lower < a->low) text[0] = '<';
        if (x.upper > a->high) text[PLOT_WIDTH - 1] = '>';
    }
    if (x.state == EIN_STATS_ESTIMABLE) text[place(a, x.value)] = mark;
    for (int i = PLOT_WIDTH; i > 0 && text[i - 1] == ' '; i--) text[i - 1] = 0;
    fprintf(stream, "%s\n", text);
}

static void print_row(const axis *a, const char *name, ein_stats_interval x, double weight, char mark,
                      FILE *stream) {
    char cell[96];
    print_name(name, NAME_WIDTH, stream);
    interval_text(cell, sizeof cell, ein_pool_shown_interval(a->p, x));
    print_name(cell, CELL_WIDTH, stream);
    if (isfinite(weight))
        fprintf(stream, "%5.1f %%  ", weight);
    else
        fprintf(stream, "%9s", "");
    print_plot(a, x, mark, stream);
}

static void print_studies(const ein_pool *p, FILE *stream) {
    const axis a = make_axis(p);
    fputc('\n', stream);
    print_name("Study", NAME_WIDTH, stream);
    print_name(p->auroc ? "AUROC" : "Estimate", CELL_WIDTH, stream);
    fprintf(stream, "%s\n", p->n_moderators ? "" : "Weight");
    for (int64_t i = 0; i < p->k; i++) {
        const ein_pool_study *s = &p->study[i];
        print_row(&a, s->name, study_interval(p, s), s->weight, 'o', stream);
    }
    if (p->n_moderators == 0) print_row(&a, "Pooled, z", p->fit.z[0], NAN, '#', stream);
    if (p->n_moderators == 0)
        print_row(&a, "Pooled, Knapp-Hartung", p->fit.knapp_hartung[0], NAN, '#', stream);
    if (isfinite(a.low) && isfinite(a.high) && a.low < a.high)
        fprintf(stream, "%*s%-*.3g%*.3g\n", NAME_WIDTH + CELL_WIDTH + 9, "", PLOT_WIDTH / 2, shown(p, a.low),
                PLOT_WIDTH - PLOT_WIDTH / 2, shown(p, a.high));
}

/* --- heterogeneity and prediction -------------------------------------------------------------------------- */

static void print_measure(const char *label, ein_stats_interval x, int decimals, const char *unit,
                          FILE *stream) {
    char words[64];
    print_name(label, LABEL_WIDTH, stream);
    if (x.state != EIN_STATS_ESTIMABLE)
        fprintf(stream, "- (%s)\n", state_words(words, sizeof words, x.state));
    else if (x.interval_state != EIN_STATS_ESTIMABLE)
        fprintf(stream, "%.*f%s (%s)\n", decimals, x.value, unit,
                state_words(words, sizeof words, x.interval_state));
    else
        fprintf(stream, "%.*f%s (%.*f to %.*f, Q-profile)\n", decimals, x.value, unit, decimals, x.lower,
                decimals, x.upper);
}

static ein_stats_interval bare(ein_stats_value x) {
    return (ein_stats_interval){x.value, NAN, NAN, NAN, NAN, x.state, EIN_STATS_ESTIMABLE};
}

static void print_bare(const char *label, ein_stats_value x, int decimals, const char *unit, FILE *stream) {
    char words[64];
    print_name(label, LABEL_WIDTH, stream);
    if (bare(x).state != EIN_STATS_ESTIMABLE)
        fprintf(stream, "- (%s)\n", state_words(words, sizeof words, x.state));
    else
        fprintf(stream, "%.*f%s\n", decimals, x.value, unit);
}

static void print_heterogeneity(const ein_pool *p, FILE *stream) {
    fprintf(stream, "\n%s\n", p->n_moderators ? "Residual heterogeneity" : "Heterogeneity");
    print_test("  Cochran's Q", "Q", p->fit.q, stream);
    if (p->n_moderators) {
        print_bare("  tau2", p->fit.tau2, 4, "", stream);
        print_bare("  I2", p->fit.i2, 1, " %", stream);
        print_bare("  H2", p->fit.h2, 2, "", stream);
        return;
    }
    print_measure("  tau2", p->heterogeneity.tau2, 4, "", stream);
    if (p->fit.tau2_se.state == EIN_STATS_ESTIMABLE)
        fprintf(stream, "%*sstandard error %.4f\n", LABEL_WIDTH, "", p->fit.tau2_se.value);
    print_measure("  I2", p->heterogeneity.i2, 1, " %", stream);
    print_measure("  H2", p->heterogeneity.h2, 2, "", stream);
}

static void print_prediction(const ein_pool *p, FILE *stream) {
    char cell[96];
    fprintf(stream, "\nEffect in a new study, %g %% prediction interval by rule\n", 100 * p->level);
    for (int i = 0; i < EIN_META_PREDICT_COUNT; i++) {
        const ein_stats_interval x = ein_pool_shown_interval(p, p->fit.prediction[i]);
        fprintf(stream, "  %-26s%s\n", interval_text(cell, sizeof cell, x), ein_meta_predict_name(i));
    }
}

static void print_leave_one_out(const ein_pool *p, FILE *stream) {
    char cell[96];
    fprintf(stream, "\nWithout                 Pooled, Knapp-Hartung      tau2\n");
    for (int64_t i = 0; i < p->k; i++) {
        const ein_meta_fit *f = &p->study[i].without;
        fputs("  ", stream);
        print_name(p->study[i].name, NAME_WIDTH, stream);
        print_name(interval_text(cell, sizeof cell, ein_pool_shown_interval(p, f->knapp_hartung[0])),
                   CELL_WIDTH + 1, stream);
        if (f->tau2.state == EIN_STATS_ESTIMABLE)
            fprintf(stream, "%.4f\n", f->tau2.value);
        else
            fputs("-\n", stream);
    }
}

enum { FEW_STUDIES = 10 };

static void print_small_studies(const ein_pool *p, FILE *stream) {
    fputs("\nSmall-study effects\n", stream);
    print_test("  Egger, random effects", "z", p->egger.mixed, stream);
    print_test("  Egger, classical", "t", p->egger.classical, stream);
    print_name("  Begg, rank correlation", LABEL_WIDTH, stream);
    if (p->begg.tau.state == EIN_STATS_ESTIMABLE && p->begg.test.state == EIN_STATS_ESTIMABLE) {
        fprintf(stream, "tau = %.3f, ", p->begg.tau.value);
        print_p(p->begg.test.p, stream);
        fputs(isnan(p->begg.test.df) ? " (exact)\n" : "\n", stream);
    } else {
        char words[64];
        const ein_stats_state s = p->begg.tau.state ? p->begg.tau.state : p->begg.test.state;
        fprintf(stream, "- (%s)\n", state_words(words, sizeof words, s));
    }
    if (p->k < FEW_STUDIES)
        fprintf(stream, "  Fewer than %d studies: these tests have little power.\n", FEW_STUDIES);
}

/* --- meta-regression --------------------------------------------------------------------------------------- */

static void print_f_test(const ein_pool *p, FILE *stream) {
    char words[64];
    const ein_stats_test t = p->fit.moderators_knapp_hartung;
    print_name("  Knapp-Hartung", LABEL_WIDTH, stream);
    if (t.state != EIN_STATS_ESTIMABLE) {
        fprintf(stream, "- (%s)\n", state_words(words, sizeof words, t.state));
        return;
    }
    fprintf(stream, "F(%d, %g) = %.3f, ", p->n_moderators, t.df, t.statistic);
    print_p(t.p, stream);
    fputc('\n', stream);
}

static void print_coefficients(const ein_pool *p, FILE *stream) {
    char cell[96];
    fputs("\nCoefficient               z                         Knapp-Hartung\n", stream);
    for (int c = 0; c <= p->n_moderators; c++) {
        print_name(c ? p->moderator_name[c - 1] : "intercept", LABEL_WIDTH, stream);
        print_name(interval_text(cell, sizeof cell, p->fit.z[c]), CELL_WIDTH, stream);
        fprintf(stream, "%s\n", interval_text(cell, sizeof cell, p->fit.knapp_hartung[c]));
    }
    print_test("All moderators", "chi2", p->fit.moderators, stream);
    print_f_test(p, stream);
}

/* --- methods ----------------------------------------------------------------------------------------------- */

static void print_interval_methods(const ein_pool *p, FILE *stream) {
    char q[64] = "", text[512];
    if (p->fit.knapp_hartung_q.state == EIN_STATS_ESTIMABLE)
        snprintf(q, sizeof q, "q = %.3g", p->fit.knapp_hartung_q.value);
    snprintf(
        text, sizeof text,
        "Intervals z: normal quantile. Knapp-Hartung: variance from the weighted residuals, t with k - p "
        "degrees of freedom, %s%s%s; to be preferred with few studies. Intervals of single studies: normal "
        "quantile. Plot: o study, # pooled, < > goes on, : no effect.",
        p->truncated ? "factor truncated to max(1, q)" : "not truncated", *q ? ", " : "", q);
    fputs("  ", stream);
    ein_print_wrapped(stream, 2, 4, text);
}

static void print_methods(const ein_pool *p, FILE *stream) {
    static const char *const tau[EIN_META_METHOD_COUNT] = {
        [EIN_META_FIXED] = "Fixed effect: studies are taken to estimate one and the same effect.",
        [EIN_META_DL] = "Random effects, tau2 by DerSimonian & Laird 1986.",
        [EIN_META_REML] = "Random effects, tau2 by restricted maximum likelihood (REML).",
        [EIN_META_ML] = "Random effects, tau2 by maximum likelihood.",
        [EIN_META_PM] = "Random effects, tau2 by Paule & Mandel 1982.",
        [EIN_META_EB] = "Random effects, tau2 by empirical Bayes (Morris 1983).",
        [EIN_META_SJ] = "Random effects, tau2 by Sidik & Jonkman 2005.",
        [EIN_META_HE] = "Random effects, tau2 by Hedges & Olkin 1985.",
        [EIN_META_HS] = "Random effects, tau2 by Hunter & Schmidt."};
    fputs("\nMethods\n  ", stream);
    ein_print_wrapped(stream, 2, 4, tau[p->method]);
    fputs("  ", stream);
    ein_print_wrapped(stream, 2, 4, ein_pool_scale_text(p));
    print_interval_methods(p, stream);
}

static void print_head(const ein_pool *p, FILE *stream) {
    fprintf(stream, "%s of %lld studies, %s, %g %% intervals\n",
            p->n_moderators ? "Meta-regression" : "Meta-analysis", (long long)p->k,
            ein_meta_method_name(p->method), 100 * p->level);
    for (int64_t i = 0; i < p->n_left_out; i++) {
        if (p->left_out[i].line)
            fprintf(stream, "Not used, line %lld: ", (long long)p->left_out[i].line);
        else
            fputs("Not used: ", stream);
        print_name(p->left_out[i].name, NAME_WIDTH, stream);
        fprintf(stream, "%s\n", p->left_out[i].reason);
    }
}

/* The words in brackets, spelt out. */
static void print_states(const ein_pool *p, FILE *stream) {
    const ein_stats_state all[] = {p->fit.z[0].state,
                                   p->fit.z[0].interval_state,
                                   p->fit.knapp_hartung[0].interval_state,
                                   p->fit.tau2.state,
                                   p->fit.q.state,
                                   p->heterogeneity.tau2.interval_state,
                                   p->fit.prediction[EIN_META_PREDICT_RILEY].interval_state,
                                   p->egger.mixed.state,
                                   p->egger.classical.state,
                                   p->begg.test.state};
    bool seen[EIN_STATS_STATE_COUNT] = {false};
    char words[64];
    const char *separator = "\nIn brackets";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) seen[all[i]] = true;
    for (int s = EIN_STATS_ESTIMABLE + 1; s < EIN_STATS_STATE_COUNT; s++) {
        if (!seen[s]) continue;
        fprintf(stream, "%s, %s: %s", separator, state_words(words, sizeof words, s),
                ein_stats_state_text(s));
        separator = "\n           ";
    }
    if (separator[1] == ' ') fputc('\n', stream);
}

/* An interval that is narrow because few studies happen to agree is said to be so where it stands. */
static void print_narrow(const ein_pool *p, FILE *stream) {
    bool narrow = false;
    for (int c = 0; c <= p->n_moderators; c++) narrow = narrow || ein_meta_is_narrow(&p->fit, c);
    if (!narrow) return;
    fputs("\nNote: ", stream);
    ein_print_wrapped(
        stream, 6, 6,
        "Knapp-Hartung is narrower than the normal interval here, because the studies differ less than their "
        "variances let expect. With few studies that is chance as a rule: pool.knapp_hartung=truncated takes "
        "the factor max(1, q).");
}

void ein_pool_print(const ein_pool *p, FILE *stream) {
    print_head(p, stream);
    print_studies(p, stream);
    if (p->n_moderators) print_coefficients(p, stream);
    print_narrow(p, stream);
    print_heterogeneity(p, stream);
    if (!p->n_moderators) {
        print_prediction(p, stream);
        print_small_studies(p, stream);
        print_leave_one_out(p, stream);
    }
    print_states(p, stream);
    print_methods(p, stream);
}
