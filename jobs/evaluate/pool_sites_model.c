/* One model of one task over all sites. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/calibration.h"
#include "core/stats/site_histograms.h"
#include "core/stats/special.h"
#include "core/stats/threshold.h"
#include "io/formats/json.h"
#include "jobs/evaluate/pool_sites.h"
#include "jobs/sites/recalibration.h"

/* The sites that sent bins of this model. */
typedef struct {
    const ein_pool_sites *s;
    int task, model, n, n_common, *common;
    int *site;                    /* (n) index into results */
    ein_site_histogram *h;        /* (n) */
    int64_t *positive, *negative; /* (n_common) over all sites */
    bool noisy;                   /* a site's counts bear noise */
} bins;

static const ein_result_model *model_of(const bins *x, int i) {
    return &x->s->result[x->site[i]].task[x->task].model[x->model];
}

static void bins_free(bins *x) {
    free(x->common);
    free(x->site);
    free(x->h);
    free(x->positive);
    free(x->negative);
}

static ein_status add_common(bins *x) {
    int64_t *own;
    EIN_TRY(EIN_NEW(own, x->n_common + 1));
    for (int i = 0; i < x->n; i++)
        for (int y = 0; y < 2; y++) {
            ein_site_histograms_counts(own, y ? x->h[i].positive : x->h[i].negative, &x->h[i], x->common,
                                       x->n_common);
            for (int b = 0; b < x->n_common; b++) (y ? x->positive : x->negative)[b] += own[b];
        }
    free(own);
    return EIN_OK;
}

static ein_status bins_new(bins *x, const ein_pool_sites *s, int task, int model) {
    const int most = s->plan->task[task].n_edges + 1;
    *x = (bins){.s = s, .task = task, .model = model};
    EIN_TRY(EIN_NEW(x->site, s->n));
    EIN_TRY(EIN_NEW(x->h, s->n));
    EIN_TRY(EIN_NEW(x->common, most));
    EIN_TRY(EIN_NEW(x->positive, most));
    EIN_TRY(EIN_NEW(x->negative, most));
    for (int i = 0; i < s->n; i++) {
        const ein_result_model *m = &s->result[i].task[task].model[model];
        if (m->n_bins == 0) continue;
        x->site[x->n] = i;
        x->noisy |= s->result[i].noise_rate > 0;
        x->h[x->n++] = (ein_site_histogram){m->n_bins,   m->first,       m->positive,
                                            m->negative, m->auroc.value, s->result[i].noise_rate};
    }
    if (x->n == 0) return EIN_OK;
    x->n_common = ein_site_histograms_common(x->common, x->h, x->n);
    return add_common(x);
}

/* --- AUROC of all records ----------------------------------------------------------------------------------------- */

/* Without site `left_out`, -1: with all. */
static ein_status pooled_auc(ein_stats_value *auc, ein_stats_value *bound, const bins *x, int left_out) {
    ein_site_histogram *h;
    int n = 0;
    EIN_TRY(EIN_NEW(h, x->n + 1));
    for (int i = 0; i < x->n; i++)
        if (i != left_out) h[n++] = x->h[i];
    ein_site_histograms_auc(auc, bound, h, n);
    const ein_status status = x->noisy ? ein_site_histograms_noisy_bound(bound, h, n, x->s->level) : EIN_OK;
    free(h);
    return status;
}

static ein_status tell_pooled(const bins *x, json_t *into) {
    const ein_pool_sites *s = x->s;
    ein_stats_value auc, bound;
    ein_histogram_result binned;
    json_t *object = json_object(), *without = json_array();
    EIN_TRY(pooled_auc(&auc, &bound, x, -1));
    EIN_TRY(ein_histogram_auc(&binned, x->positive, x->negative, x->n_common, s->level));
    fprintf(
        s->out,
        "AUROC of all records of %d site%s together, from their bins: %.4f, off by at most %.4f\n"
        "  in the %d bins that all have: %.4f (%.4f to %.4f, records as independent), off by at most %.4f\n",
        x->n, x->n == 1 ? "" : "s", auc.value, bound.value, x->n_common, binned.auc.value, binned.auc.lower,
        binned.auc.upper, binned.bound.value);
    if (x->noisy)
        fprintf(
            s->out,
            "  counts bear noise: the first bound holds with a probability of at least %.9g; the second is without "
            "noise\n",
            s->level);
    for (int i = 0; x->n > 1 && i < x->n; i++) {
        ein_stats_value a, e;
        EIN_TRY(pooled_auc(&a, &e, x, i));
        fprintf(s->out, "  without %s: %.4f, off by at most %.4f\n", s->result[x->site[i]].site, a.value,
                e.value);
        json_array_append_new(without,
                              json_pack("{s:s, s:o, s:o}", "site", s->result[x->site[i]].site, "auroc",
                                        ein_json_number(a.value), "bound", ein_json_number(e.value)));
    }
    json_object_set_new(object, "auroc", ein_json_number(auc.value));
    json_object_set_new(object, "bound", ein_json_number(bound.value));
    json_object_set_new(object, "noisy", json_boolean(x->noisy));
    json_object_set_new(object, "sites", json_integer(x->n));
    json_object_set_new(object, "common_bins", json_integer(x->n_common));
    json_object_set_new(object, "binned_auroc", ein_json_number(binned.auc.value));
    json_object_set_new(object, "binned_variance", ein_json_number(binned.auc.variance));
    json_object_set_new(object, "without", without);
    json_object_set_new(into, "histograms", object);
    return EIN_OK;
}

static ein_status tell_bins(const bins *x, json_t *into) {
    const ein_pool_sites *s = x->s;
    for (int i = 0; i < s->n; i++) {
        const ein_result_task *t = &s->result[i].task[x->task];
        if (!t->withheld && t->model[x->model].withheld)
            fprintf(s->out, "no bins of %s: %s\n", s->result[i].site, t->model[x->model].withheld);
    }
    if (x->n == 0) {
        fprintf(s->out, "no site sent bins of scores\n");
        return EIN_OK;
    }
    return s->plan->round == 1 ? tell_pooled(x, into) : EIN_OK;
}

/* --- exact -------------------------------------------------------------------------------------------------------- */

static ein_status tell_exact(const bins *x, json_t *into) {
    const ein_pool_sites *s = x->s;
    ein_placement_sums all = {0};
    int n = 0, clustered = 0;
    for (int i = 0; i < s->n; i++) {
        const ein_result_sums *r = &s->result[i].task[x->task].model[x->model].sums;
        if (!r->has_sums) {
            fprintf(s->out, "no sums of %s\n", s->result[i].site);
            continue;
        }
        ein_placement_sums_add(&all, &r->sums);
        n++;
        clustered += r->has_clusters;
    }
    ein_components_result e = ein_components_result_of(&all);
    ein_histogram_result binned = {0};
    for (int i = 0; i < s->plan->n_pooled; i++) {
        const ein_plan_pooled *q = &s->plan->pooled[i];
        if (q->task == x->task && q->model == x->model)
            EIN_TRY(ein_histogram_auc(&binned, q->positive, q->negative, q->n_bins, s->level));
    }
    const int64_t p = binned.n_positive, q = binned.n_negative;
    if (n == 0) return EIN_OK;
    if (p != all.n_positive || q != all.n_negative) {
        fprintf(s->out,
                "NOT exact: the plan's counts are of %lld positives and %lld negatives, the sums of %lld and "
                "%lld: a site is missing\n",
                (long long)p, (long long)q, (long long)all.n_positive, (long long)all.n_negative);
        return EIN_OK;
    }
    if (clustered < n) e.clustered = NAN;
    const double variance = isfinite(e.clustered) ? e.clustered : e.delong;
    const ein_stats_interval ci = ein_stats_wald(e.value, variance, INFINITY, s->level, 0, 1);
    fprintf(
        s->out,
        "Exact in the plan's %d joined bins, over %d sites: AUROC %.6f (%.4f to %.4f, %s), DeLong SE %.6f%s\n",
        x->n_common, n, e.value, ci.lower, ci.upper,
        isfinite(e.clustered) ? "clustered by patient" : "DeLong, records as independent", sqrt(e.delong),
        isfinite(e.clustered) ? "" : "; a site could not send sums over patients");
    fprintf(
        s->out,
        "  (scores rounded down to these bins; the AUROC of the scores themselves differs by at most %.4f)\n",
        binned.bound.value);
    json_object_set_new(into, "exact",
                        json_pack("{s:o, s:o, s:o, s:o, s:i}", "auroc", ein_json_number(e.value), "bound",
                                  ein_json_number(binned.bound.value), "delong_variance",
                                  ein_json_number(e.delong), "clustered_variance",
                                  ein_json_number(e.clustered), "sites", n));
    return EIN_OK;
}

/* --- calibration -------------------------------------------------------------------------------------------------- */

static ein_status fill_calibration(const bins *x, ein_calibration_bin *bin) {
    double *own;
    int64_t *count;
    ein_status status = EIN_NEW(own, x->n_common + 1);
    EIN_TRY(status);
    status = EIN_NEW(count, x->n_common + 1);
    for (int i = 0; status == EIN_OK && i < x->n; i++) {
        const ein_result_model *m = model_of(x, i);
        for (int y = 0; y < 2; y++) {
            ein_site_histograms_counts(count, y ? m->positive : m->negative, &x->h[i], x->common,
                                       x->n_common);
            for (int b = 0; b < x->n_common; b++) {
                bin[b].n += count[b];
                bin[b].positives += y ? count[b] : 0;
            }
        }
        double *const sum[] = {m->p, m->p2, m->py};
        for (int k = 0; k < 3; k++) {
            ein_site_histograms_sums(own, sum[k], &x->h[i], x->common, x->n_common);
            for (int b = 0; b < x->n_common; b++)
                *(k == 0 ? &bin[b].sum_p : k == 1 ? &bin[b].sum_p2 : &bin[b].sum_py) += own[b];
        }
    }
    free(own);
    free(count);
    return status;
}

static ein_status tell_calibration(const bins *x, json_t *into) {
    ein_calibration_bin *bin;
    for (int i = 0; i < x->n; i++)
        if (!model_of(x, i)->has_calibration) {
            fprintf(x->s->out, "no calibration over all sites: %s sent no sums of scores\n",
                    x->s->result[x->site[i]].site);
            return EIN_OK;
        }
    EIN_TRY(EIN_NEW(bin, x->n_common + 1));
    const ein_status status = fill_calibration(x, bin);
    const ein_calibration_binned c = ein_calibration_from_bins(bin, x->n_common);
    if (status == EIN_OK) {
        fprintf(x->s->out,
                "Calibration: prevalence %.4f, mean prediction %.4f, Brier score %.5f, ECE in %d bins %.4f\n",
                c.prevalence.value, c.mean_probability.value, c.brier.value, x->n_common, c.ece.value);
        json_object_set_new(into, "calibration",
                            json_pack("{s:o, s:o, s:o, s:o}", "prevalence",
                                      ein_json_number(c.prevalence.value), "mean_prediction",
                                      ein_json_number(c.mean_probability.value), "brier",
                                      ein_json_number(c.brier.value), "ece", ein_json_number(c.ece.value)));
    }
    free(bin);
    return status;
}

/* --- thresholds --------------------------------------------------------------------------------------------------- */

/* Counts at the threshold over the sites whose bins have its edge. */
static ein_status tell_threshold(const bins *x, int k, json_t *list) {
    const ein_plan_task *t = &x->s->plan->task[x->task];
    ein_confusion c = {0};
    ein_threshold_metrics r;
    int n = 0;
    for (int i = 0; i < x->n; i++) {
        const ein_site_histogram *h = &x->h[i];
        bool found = false;
        for (int b = 0; b < h->n_bins; b++) found |= h->first[b] == t->threshold[k] + 1;
        if (!found) continue;
        n++;
        for (int b = 0; b < h->n_bins; b++) {
            const bool above = h->first[b] > t->threshold[k];
            *(above ? &c.true_positive : &c.false_negative) += h->positive[b];
            *(above ? &c.false_positive : &c.true_negative) += h->negative[b];
        }
    }
    if (n == 0) return EIN_OK;
    EIN_TRY(ein_threshold_from_counts(&r, c, t->edge[t->threshold[k]], x->s->level));
    fprintf(
        x->s->out,
        "At %.9g (%d sites): sensitivity %.4f (%.4f to %.4f), specificity %.4f (%.4f to %.4f), PPV %.4f, NPV %.4f\n",
        t->edge[t->threshold[k]], n, r.sensitivity.value, r.sensitivity.wilson_lower,
        r.sensitivity.wilson_upper, r.specificity.value, r.specificity.wilson_lower,
        r.specificity.wilson_upper, r.ppv.value, r.npv.value);
    json_array_append_new(
        list, json_pack("{s:f, s:i, s:I, s:I, s:I, s:I}", "threshold", t->edge[t->threshold[k]], "sites", n,
                        "true_positive", (json_int_t)c.true_positive, "false_positive",
                        (json_int_t)c.false_positive, "false_negative", (json_int_t)c.false_negative,
                        "true_negative", (json_int_t)c.true_negative));
    return EIN_OK;
}

/* --- recalibration ------------------------------------------------------------------------------------------------ */

static ein_status tell_recalibration(const bins *x, json_t *into) {
    const ein_pool_sites *s = x->s;
    ein_recalibrated r;
    if (!ein_plan_coefficients_of(s->plan, x->task, x->model)) {
        fprintf(s->out, "no recalibration in this round\n");
        return EIN_OK;
    }
    for (int i = 0; i < s->n; i++)
        if (!s->result[i].task[x->task].model[x->model].has_logistic)
            fprintf(s->out, "no sums of %s\n", s->result[i].site);
    ein_sites_recalibrated(&r, s->plan, s->result, s->n, x->task, x->model);
    if (r.sites == 0) return EIN_OK;
    const double z = ein_normal_quantile(0.5 + s->level / 2);
    fprintf(
        s->out,
        "Recalibration over %d sites, after this step: intercept %.9g (%.4f to %.4f), slope %.9g (%.4f to "
        "%.4f)\n  %s (largest step %.2g)\n",
        r.sites, r.intercept, r.intercept - z * r.intercept_se, r.intercept + z * r.intercept_se, r.slope,
        r.slope - z * r.slope_se, r.slope + z * r.slope_se,
        r.converged ? "converged" : "NOT converged: einthoven plan --from makes the next round", r.step);
    json_object_set_new(into, "recalibration",
                        json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:b}", "sites", r.sites, "intercept",
                                  ein_json_number(r.intercept), "intercept_se",
                                  ein_json_number(r.intercept_se), "slope", ein_json_number(r.slope),
                                  "slope_se", ein_json_number(r.slope_se), "step", ein_json_number(r.step),
                                  "converged", r.converged));
    return EIN_OK;
}

/* --- all ------------------------------------------------------------------------------------------------------------
 * */

static ein_status meta(const bins *x, json_t *into) {
    const ein_pool_sites *s = x->s;
    const char **name = NULL;
    double *value = NULL;
    ein_status status = EIN_NEW(name, s->n);
    if (status == EIN_OK) status = EIN_NEW(value, 2 * s->n);
    for (int i = 0; status == EIN_OK && i < s->n; i++) {
        const ein_result_task *t = &s->result[i].task[x->task];
        const ein_result_auroc a = t->withheld ? (ein_result_auroc){NAN, NAN, NAN} : t->model[x->model].auroc;
        name[i] = s->result[i].site;
        value[i] = a.value;
        value[s->n + i] = isfinite(a.clustered) ? a.clustered : a.delong;
    }
    if (status == EIN_OK)
        status = ein_pool_sites_meta(s, "AUROC of the sites, each by itself (variances clustered by patient)",
                                     true, true, name, value, value + s->n, s->n, into);
    free(name);
    free(value);
    return status;
}

static ein_status tell_all(const bins *x, json_t *into) {
    const ein_pool_sites *s = x->s;
    fprintf(s->out, "\n--- Model %s\n", s->plan->model[x->model].name);
    if (s->plan->recalibration) return tell_recalibration(x, into);
    EIN_TRY(tell_bins(x, into));
    if (s->plan->pooled) return tell_exact(x, into);
    if (x->n > 0) EIN_TRY(tell_calibration(x, into));
    json_t *thresholds = json_array();
    json_object_set_new(into, "thresholds", thresholds);
    for (int k = 0; x->n > 0 && k < s->plan->task[x->task].n_thresholds; k++)
        EIN_TRY(tell_threshold(x, k, thresholds));
    return meta(x, into);
}

ein_status ein_pool_sites_model(const ein_pool_sites *s, int task, int model, json_t *into) {
    bins x;
    ein_status status = bins_new(&x, s, task, model);
    if (status == EIN_OK) status = tell_all(&x, into);
    bins_free(&x);
    return status;
}
