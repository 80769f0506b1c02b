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
#include "jobs/evaluate/pool_values.h"
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

/* How many bins all have, without site `left_out`; -1: with all. */
static ein_status count_common(int *out, const bins *x, int left_out) {
    ein_site_histogram *h = NULL;
    int n = 0, *first = NULL;
    ein_status status = EIN_NEW(h, x->n + 1);
    if (status == EIN_OK) status = EIN_NEW(first, x->s->plan->task[x->task].n_edges + 1);
    for (int i = 0; status == EIN_OK && i < x->n; i++)
        if (i != left_out) h[n++] = x->h[i];
    *out = status == EIN_OK && n > 0 ? ein_site_histograms_common(first, h, n) : 0;
    free(h);
    free(first);
    return status;
}

static ein_status tell_without(const bins *x, json_t *list) {
    char text[EIN_POOL_TEXT_BYTES];
    for (int i = 0; x->n > 1 && i < x->n; i++) {
        const char *name = x->s->result[x->site[i]].site;
        ein_stats_value auc, bound;
        json_t *one = json_object();
        int common;
        json_array_append_new(list, one);
        EIN_TRY(pooled_auc(&auc, &bound, x, i));
        EIN_TRY(count_common(&common, x, i));
        fprintf(x->s->out, "  without %s: %s, off by at most %.4f; %d bin%s in common\n", name,
                ein_pool_number_text(text, auc, 4), bound.value, common, common == 1 ? "" : "s");
        json_object_set_new(one, "site", json_string(name));
        ein_pool_put_value(one, "auroc", auc);
        ein_pool_put_value(one, "bound", bound);
        json_object_set_new(one, "common_bins", json_integer(common));
    }
    return EIN_OK;
}

static ein_status tell_pooled(const bins *x, json_t *into) {
    const ein_pool_sites *s = x->s;
    ein_stats_value auc, bound;
    ein_histogram_result binned;
    char text[EIN_POOL_TEXT_BYTES];
    json_t *object = json_object(), *without = json_array();
    json_object_set_new(into, "histograms", object);
    json_object_set_new(object, "without", without);
    EIN_TRY(pooled_auc(&auc, &bound, x, -1));
    EIN_TRY(ein_histogram_auc(&binned, x->positive, x->negative, x->n_common, s->level));
    fprintf(s->out, "AUROC of all records of %d site%s together, from their bins: %s, off by at most %.4f\n",
            x->n, x->n == 1 ? "" : "s", ein_pool_number_text(text, auc, 4), bound.value);
    fprintf(s->out, "  in the %d bin%s that all have: %s, off by at most %.4f\n", x->n_common,
            x->n_common == 1 ? "" : "s",
            ein_pool_interval_text(text, binned.auc, 4, "records as independent"), binned.bound.value);
    if (x->noisy)
        fprintf(
            s->out,
            "  counts bear noise: the first bound holds with a probability of at least %.9g; the second is without "
            "noise\n",
            s->level);
    ein_pool_put_value(object, "auroc", auc);
    ein_pool_put_value(object, "bound", bound);
    json_object_set_new(object, "noisy", json_boolean(x->noisy));
    json_object_set_new(object, "sites", json_integer(x->n));
    json_object_set_new(object, "common_bins", json_integer(x->n_common));
    ein_pool_put_interval(object, "binned_auroc", binned.auc);
    json_object_set_new(object, "binned_variance", ein_json_number(binned.auc.variance));
    return tell_without(x, without);
}

static ein_status tell_bins(const bins *x, json_t *into) {
    const ein_pool_sites *s = x->s;
    for (int i = 0; i < s->n; i++) {
        const ein_result_task *t = &s->result[i].task[x->task];
        if (!t->withheld && t->model[x->model].withheld)
            fprintf(s->out, "no bins of %s: %s\n", s->result[i].site, t->model[x->model].withheld);
    }
    if (x->n == 0) {
        fprintf(s->out, "AUROC of all records together: not estimable: no site sent bins of scores\n");
        if (s->plan->round == 1) ein_pool_put_none(into, "histograms", "no site sent bins of scores");
        return EIN_OK;
    }
    return s->plan->round == 1 ? tell_pooled(x, into) : EIN_OK;
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
    char reason[EIN_POOL_TEXT_BYTES], ece[EIN_POOL_TEXT_BYTES], brier[EIN_POOL_TEXT_BYTES];
    for (int i = 0; i < x->n; i++)
        if (!model_of(x, i)->has_calibration) {
            snprintf(reason, sizeof reason, "%.100s sent no sums of scores", x->s->result[x->site[i]].site);
            fprintf(x->s->out, "no calibration over all sites: %s\n", reason);
            ein_pool_put_none(into, "calibration", reason);
            return EIN_OK;
        }
    EIN_TRY(EIN_NEW(bin, x->n_common + 1));
    const ein_status status = fill_calibration(x, bin);
    ein_calibration_binned c = ein_calibration_from_bins(bin, x->n_common);
    free(bin);
    EIN_TRY(status);
    /* In one bin over- and underestimates cancel: what is left is not the error of calibration. */
    if (x->n_common < 2 && c.ece.state == EIN_STATS_ESTIMABLE) c.ece = ein_stats_unknown(EIN_STATS_ONE_BIN);
    fprintf(x->s->out,
            "Calibration: prevalence %.4f, mean prediction %.4f, Brier score %s, ECE in %d bin%s %s\n",
            c.prevalence.value, c.mean_probability.value, ein_pool_number_text(brier, c.brier, 5),
            x->n_common, x->n_common == 1 ? "" : "s", ein_pool_number_text(ece, c.ece, 4));
    json_t *object = json_object();
    json_object_set_new(into, "calibration", object);
    ein_pool_put_value(object, "prevalence", c.prevalence);
    ein_pool_put_value(object, "mean_prediction", c.mean_probability);
    ein_pool_put_value(object, "brier", c.brier);
    ein_pool_put_value(object, "ece", c.ece);
    return EIN_OK;
}

/* --- thresholds --------------------------------------------------------------------------------------------------- */

static void tell_proportions(const ein_pool_sites *s, const ein_threshold_metrics *r, double threshold,
                             int n) {
    const ein_proportion *const all[] = {&r->sensitivity, &r->specificity, &r->ppv, &r->npv};
    static const char *const names[] = {"sensitivity", "specificity", "PPV", "NPV"};
    fprintf(s->out, "At %.9g (%d sites):", threshold, n);
    for (int i = 0; i < 4; i++) {
        fprintf(s->out, "%s %s ", i ? "," : "", names[i]);
        if (all[i]->state != EIN_STATS_ESTIMABLE)
            fputs(ein_stats_state_text(all[i]->state), s->out);
        else if (i < 2)
            fprintf(s->out, "%.4f (%.4f to %.4f)", all[i]->value, all[i]->wilson_lower, all[i]->wilson_upper);
        else
            fprintf(s->out, "%.4f", all[i]->value);
    }
    fputc('\n', s->out);
}

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
    if (n == 0) {
        fprintf(x->s->out, "At %.9g: not estimable: no site's bins have an edge there\n",
                t->edge[t->threshold[k]]);
        json_array_append_new(list, json_pack("{s:f, s:i, s:s}", "threshold", t->edge[t->threshold[k]],
                                              "sites", 0, "reason", "no site's bins have an edge there"));
        return EIN_OK;
    }
    EIN_TRY(ein_threshold_from_counts(&r, c, t->edge[t->threshold[k]], x->s->level));
    tell_proportions(x->s, &r, t->edge[t->threshold[k]], n);
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
    const char *const none = r.sites == 0 ? "no site sent sums"
                             : !isfinite(r.step)
                                 ? "the information of all sites is singular: the scores do not vary"
                             : !isfinite(r.intercept_se) ? "the information of all sites is not positive"
                                                         : NULL;
    if (none) {
        fprintf(s->out, "Recalibration: not estimable: %s\n", none);
        ein_pool_put_none(into, "recalibration", none);
        return EIN_OK;
    }
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
    if (s->plan->pooled) return ein_pool_sites_exact(s, x->task, x->model, into);
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
