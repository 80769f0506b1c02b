/* Meta-analyses of what sites sent, differences of models, subgroups, quantities. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/formats/json.h"
#include "jobs/evaluate/pool.h"
#include "jobs/evaluate/pool_sites.h"
#include "jobs/evaluate/pool_values.h"

/* --- one meta-analysis ----------------------------------------------------------------------------------------------
 * */

/* Why an estimate cannot be pooled; NULL if it can. y and v are on the scale of the analysis. */
static const char *convert(ein_stats_value *y, ein_stats_value *v, bool auroc, double estimate,
                           double variance) {
    *y = ein_stats_known(estimate);
    *v = ein_stats_known(variance);
    if (!isfinite(estimate)) return "it sent no estimate";
    if (!isfinite(variance)) return "its estimate has no variance";
    if (!(variance > 0))
        return !auroc ? "the variance of its difference is 0: the models are alike there"
               : estimate == 0 || estimate == 1 ? "its AUROC is 0 or 1, of which no variance follows"
                                                : "the variance of its AUROC is 0";
    if (!auroc) return NULL;
    ein_meta_logit_auc(y, v, estimate, variance);
    return y->state == EIN_STATS_ESTIMABLE && v->state == EIN_STATS_ESTIMABLE
               ? NULL
               : "its AUROC is 0 or 1, whose logit is infinite";
}

static void take(ein_pool *p, const char *const *name, const double *estimate, const double *variance,
                 int n) {
    for (int i = 0; i < n; i++) {
        ein_stats_value y, v;
        const char *reason = convert(&y, &v, p->auroc, estimate[i], variance[i]);
        if (reason)
            p->left_out[p->n_left_out++] = (ein_pool_left_out){.name = name[i], .reason = reason};
        else
            p->study[p->k++] = (ein_pool_study){.name = name[i], .y = y.value, .v = v.value, .weight = NAN};
    }
}

static void tell_short(const ein_pool *p, const ein_pool_sites *s, const char *what,
                       const ein_stats_interval *ci) {
    char text[EIN_POOL_TEXT_BYTES], tau2[EIN_POOL_TEXT_BYTES];
    fprintf(s->out, "  %s: %s, %lld sites, tau2 %s\n", what, ein_pool_interval_text(text, *ci, 4, NULL),
            (long long)p->k, ein_pool_number_text(tau2, p->fit.tau2, 4));
}

/* In words only where no table of studies does. */
static void tell_left_out(const ein_pool *p, const ein_pool_sites *s, bool in_words, json_t *object) {
    json_t *list = json_array();
    for (int64_t i = 0; i < p->n_left_out; i++) {
        if (in_words) fprintf(s->out, "  without %s: %s\n", p->left_out[i].name, p->left_out[i].reason);
        json_array_append_new(
            list, json_pack("{s:s, s:s}", "site", p->left_out[i].name, "reason", p->left_out[i].reason));
    }
    json_object_set_new(object, "not_used", list);
}

static ein_status analyse(ein_pool *p, const ein_pool_sites *s, const char *what, bool forest, json_t *into) {
    json_t *full, *object = json_object();
    json_object_set_new(into, "random_effects", object);
    tell_left_out(p, s, !forest || p->k < 2, object);
    json_object_set_new(object, "sites", json_integer((json_int_t)p->k));
    if (p->k < 2) {
        fprintf(s->out, "%s: not estimable: fewer than two sites, no meta-analysis\n", what);
        ein_pool_put_none(object, "value", "fewer than two sites");
        return EIN_OK;
    }
    EIN_TRY(ein_pool_analyse(p));
    const ein_stats_interval ci = ein_pool_shown_interval(p, p->fit.knapp_hartung[0]);
    if (forest) {
        fprintf(s->out, "\n%s: random effects\n", what);
        ein_pool_print(p, s->out);
        EIN_TRY(ein_pool_json(p, s->config, &full));
        json_object_set_new(into, "meta_analysis", full);
    } else {
        tell_short(p, s, what, &ci);
    }
    ein_pool_put_interval(object, "value", ci);
    json_object_set_new(object, "lower", ein_json_number(ci.lower));
    json_object_set_new(object, "upper", ein_json_number(ci.upper));
    ein_pool_put_value(object, "tau2", p->fit.tau2);
    return EIN_OK;
}

ein_status ein_pool_sites_meta(const ein_pool_sites *s, const char *what, bool auroc, bool forest,
                               const char *const *name, const double *estimate, const double *variance, int n,
                               json_t *into) {
    ein_pool p = {.path = "sites",
                  .auroc = auroc,
                  .scale = auroc ? EIN_POOL_LOGISTIC : EIN_POOL_AS_GIVEN,
                  .method = EIN_META_REML,
                  .level = s->level};
    ein_status status = EIN_NEW(p.study, n + 1);
    if (status == EIN_OK) status = EIN_NEW(p.left_out, n + 1);
    if (status == EIN_OK) {
        take(&p, name, estimate, variance, n);
        status = analyse(&p, s, what, forest, into);
    }
    free(p.study);
    free(p.left_out);
    return status;
}

/* --- differences of models
 * ------------------------------------------------------------------------------------------- */

static ein_status meta_pair(const ein_pool_sites *s, int task, int pair, const char *what, json_t *into) {
    const char **name = NULL;
    double *value = NULL;
    ein_status status = EIN_NEW(name, s->n);
    if (status == EIN_OK) status = EIN_NEW(value, 2 * s->n);
    for (int i = 0; status == EIN_OK && i < s->n; i++) {
        const ein_result_task *t = &s->result[i].task[task];
        const ein_result_auroc a = t->withheld ? (ein_result_auroc){NAN, NAN, NAN} : t->pair[pair].difference;
        name[i] = s->result[i].site;
        value[i] = a.value;
        value[s->n + i] = isfinite(a.clustered) ? a.clustered : a.delong;
    }
    if (status == EIN_OK)
        status = ein_pool_sites_meta(s, what, false, false, name, value, value + s->n, s->n, into);
    free(name);
    free(value);
    return status;
}

ein_status ein_pool_sites_pairs(const ein_pool_sites *s, int task, json_t *into) {
    json_t *list = json_array();
    char what[200];
    json_object_set_new(into, "pairs", list);
    for (int i = 0, at = 0; i < s->plan->n_models; i++)
        for (int k = i + 1; k < s->plan->n_models; k++, at++) {
            json_t *one = json_object();
            json_array_append_new(list, one);
            snprintf(what, sizeof what, "AUROC of %s minus %s", s->plan->model[i].name,
                     s->plan->model[k].name);
            json_object_set_new(one, "first", json_string(s->plan->model[i].name));
            json_object_set_new(one, "second", json_string(s->plan->model[k].name));
            fprintf(s->out, "\n%s\n", what);
            if (s->plan->pooled)
                EIN_TRY(ein_pool_sites_exact_pair(s, task, at, i, k, one));
            else
                EIN_TRY(meta_pair(s, task, at, "random effects", one));
        }
    return EIN_OK;
}

/* --- subgroups
 * ------------------------------------------------------------------------------------------------------- */

/* The group of this name in one site's column, or NULL. */
static const json_t *find_group(const ein_result_task *t, const char *column, const char *group) {
    size_t i, k;
    const json_t *one, *g;
    json_array_foreach(t->subgroups, i, one) {
        if (strcmp(json_string_value(json_object_get(one, "column")), column) != 0) continue;
        json_array_foreach(json_object_get(one, "groups"), k, g) {
            if (!strcmp(json_string_value(json_object_get(g, "name")), group)) return g;
        }
    }
    return NULL;
}

static ein_status meta_group(const ein_pool_sites *s, int task, int model, const char *column,
                             const char *group, json_t *list) {
    const char **name = NULL;
    double *value = NULL;
    char what[400];
    int n = 0;
    ein_status status = EIN_NEW(name, s->n);
    if (status == EIN_OK) status = EIN_NEW(value, 2 * s->n);
    for (int i = 0; status == EIN_OK && i < s->n; i++) {
        const json_t *g = find_group(&s->result[i].task[task], column, group);
        const json_t *m = json_array_get(json_object_get(g, "models"), (size_t)model),
                     *a = json_object_get(m, "auroc");
        const json_t *clustered = json_object_get(a, "clustered"), *delong = json_object_get(a, "delong");
        if (!g) continue;
        name[n] = s->result[i].site;
        value[n] = json_is_object(a) ? json_number_value(json_object_get(a, "value")) : NAN;
        value[s->n + n++] = json_is_number(clustered) ? json_number_value(clustered)
                            : json_is_number(delong)  ? json_number_value(delong)
                                                      : NAN;
    }
    if (status == EIN_OK && n > 0) {
        json_t *one = json_pack("{s:s, s:s, s:s}", "model", s->plan->model[model].name, "column", column,
                                "group", group);
        json_array_append_new(list, one);
        snprintf(what, sizeof what, "%s, %.100s %.150s", s->plan->model[model].name, column, group);
        status = ein_pool_sites_meta(s, what, true, false, name, value, value + s->n, n, one);
    }
    free(name);
    free(value);
    return status;
}

/* Every group that the first site to have it names. */
static ein_status pool_column(const ein_pool_sites *s, int task, const char *column, json_t *list) {
    for (int i = 0; i < s->n; i++) {
        size_t c, k;
        const json_t *one, *g;
        json_array_foreach(s->result[i].task[task].subgroups, c, one) {
            if (strcmp(json_string_value(json_object_get(one, "column")), column) != 0) continue;
            json_array_foreach(json_object_get(one, "groups"), k, g) {
                const char *group = json_string_value(json_object_get(g, "name"));
                bool before = false;
                for (int j = 0; j < i; j++)
                    before |= find_group(&s->result[j].task[task], column, group) != NULL;
                for (int m = 0; !before && m < s->plan->n_models; m++)
                    EIN_TRY(meta_group(s, task, m, column, group, list));
            }
        }
    }
    return EIN_OK;
}

ein_status ein_pool_sites_subgroups(const ein_pool_sites *s, int task, json_t *into) {
    json_t *list = json_array();
    json_object_set_new(into, "subgroups", list);
    if (s->plan->n_groupings > 0)
        fprintf(s->out,
                "\nSubgroups (AUROC, random effects; groups that sites had to join stand under their joined "
                "names)\n");
    for (int g = 0; g < s->plan->n_groupings; g++)
        EIN_TRY(pool_column(s, task, s->plan->grouping[g].column, list));
    return EIN_OK;
}

/* --- quantities
 * ------------------------------------------------------------------------------------------------------ */

ein_status ein_pool_sites_quantity(const ein_pool_sites *s, int task, int model, json_t *into) {
    static const char *const keys[] = {"measured",   "measured2", "predicted",
                                       "predicted2", "product",   "absolute"};
    double sum[6] = {0}, n = 0;
    int sites = 0;
    for (int i = 0; i < s->n; i++) {
        const json_t *q = s->result[i].task[task].model[model].quantity;
        if (!q) continue;
        sites++;
        n += (double)json_integer_value(json_object_get(q, "n"));
        for (int k = 0; k < 6; k++) sum[k] += json_number_value(json_object_get(q, keys[k]));
    }
    fprintf(s->out, "\n--- Model %s\n", s->plan->model[model].name);
    if (sites == 0 || !(n > 1)) {
        fprintf(s->out, "not estimable: no site sent sums\n");
        ein_pool_put_none(into, "quantity", "no site sent sums");
        return EIN_OK;
    }
    const double squares = sum[1] - 2 * sum[4] + sum[3], spread = sum[1] - sum[0] * sum[0] / n,
                 spread_p = sum[3] - sum[2] * sum[2] / n, together = sum[4] - sum[0] * sum[2] / n;
    const double bias = (sum[2] - sum[0]) / n, mae = sum[5] / n, rmse = sqrt(fmax(squares, 0) / n);
    /* What is left of a sum of squares by rounding is no variance. */
    const bool varies = spread > 1e-12 * sum[1], varies_p = spread_p > 1e-12 * sum[3];
    const ein_stats_value none = ein_stats_unknown(EIN_STATS_ZERO_VARIANCE);
    const ein_stats_value r2 = varies ? ein_stats_known(1 - squares / spread) : none;
    const ein_stats_value r = varies && varies_p ? ein_stats_known(together / sqrt(spread * spread_p)) : none;
    char r2_text[EIN_POOL_TEXT_BYTES], r_text[EIN_POOL_TEXT_BYTES];
    fprintf(s->out, "%.0f records of %d sites: bias %.6g, MAE %.6g, RMSE %.6g, R2 %s, correlation %s\n", n,
            sites, bias, mae, rmse, ein_pool_number_text(r2_text, r2, 4), ein_pool_number_text(r_text, r, 4));
    json_t *object =
        json_pack("{s:f, s:i, s:o, s:o, s:o}", "n", n, "sites", sites, "bias", ein_json_number(bias), "mae",
                  ein_json_number(mae), "rmse", ein_json_number(rmse));
    json_object_set_new(into, "quantity", object);
    ein_pool_put_value(object, "r2", r2);
    ein_pool_put_value(object, "correlation", r);
    return EIN_OK;
}
