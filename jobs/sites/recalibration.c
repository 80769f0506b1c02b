/* The coordinator's side of recalibration. */
#include "jobs/sites/recalibration.h"

#include <math.h>
#include <string.h>

#include "core/base/elementary.h"

enum { MOST_ROUNDS = 64, MOST_INTERCEPT = 50, MOST_SLOPE = 20 };

static void add_sums(ein_logistic_sums *into, const ein_logistic_sums *from, double times) {
    into->n += from->n;
    for (int k = 0; k < 2; k++) into->gradient[k] += times * from->gradient[k];
    for (int k = 0; k < 3; k++) into->information[k] += times * from->information[k];
}

void ein_sites_recalibrated(ein_recalibrated *out, const ein_plan *p, const ein_result *r, int n, int task,
                            int model) {
    const ein_plan_coefficients *at = ein_plan_coefficients_of(p, task, model);
    ein_logistic_sums all = {0};
    *out = (ein_recalibrated){0, NAN, NAN, NAN, NAN, NAN, false};
    for (int i = 0; at && i < n; i++) {
        const ein_result_model *m = &r[i].task[task].model[model];
        if (!m->has_logistic) continue;
        add_sums(&all, &m->logistic, 1);
        out->sites++;
    }
    if (out->sites == 0) return;
    double coefficient[2] = {at->intercept, at->slope};
    const double *v = all.information, determinant = v[0] * v[2] - v[1] * v[1];
    out->step = ein_logistic_step(coefficient, &all);
    out->intercept = coefficient[0];
    out->slope = coefficient[1];
    out->intercept_se = sqrt(v[2] / determinant);
    out->slope_se = sqrt(v[0] / determinant);
    out->converged = out->step <= EIN_RECALIBRATION_LAST_STEP;
}

/* Add what the records of a site's bins give if each were at its bin's mean probability. */
static void add_bins(ein_logistic_sums *into, const ein_result_model *m, const double coefficient[2]) {
    for (int b = 0; b < m->n_bins; b++) {
        const double n = (double)(m->positive[b] + m->negative[b]);
        const double mean = fmin(fmax(m->p[b] / n, 1e-6), 1 - 1e-6), logit = ein_logit(mean);
        for (int8_t y = 0; y < 2; y++) {
            ein_logistic_sums one = {0};
            ein_logistic_accumulate(&one, &logit, &y, 1, coefficient[0], coefficient[1]);
            add_sums(into, &one, (double)(y ? m->positive[b] : m->negative[b]));
        }
    }
}

/* Where to begin: the fit to the bins; (0, 1) where that leads nowhere. False if no site sent sums of scores. */
static bool begin(double out[2], const ein_result *r, int n, int task, int model) {
    bool found = false;
    out[0] = 0;
    out[1] = 1;
    for (int i = 0; i < n; i++) found |= r[i].task[task].model[model].has_calibration;
    for (int k = 0; found && k < 50; k++) {
        ein_logistic_sums all = {0};
        for (int i = 0; i < n; i++)
            if (r[i].task[task].model[model].has_calibration)
                add_bins(&all, &r[i].task[task].model[model], out);
        if (ein_logistic_step(out, &all) <= 1e-9) return true;
        if (!(fabs(out[0]) <= MOST_INTERCEPT && fabs(out[1]) <= MOST_SLOPE)) break;
    }
    out[0] = 0;
    out[1] = 1;
    return found;
}

static ein_status next_one(json_t *into, const ein_plan *p, const ein_result *r, int n, int task, int model) {
    double at[2];
    if (p->task[task].quantity || !p->model[model].probabilities) return EIN_OK;
    if (p->recalibration) {
        ein_recalibrated step;
        ein_sites_recalibrated(&step, p, r, n, task, model);
        if (step.sites == 0 || step.converged) return EIN_OK;
        at[0] = step.intercept;
        at[1] = step.slope;
        if (!isfinite(step.step) || fabs(at[0]) > MOST_INTERCEPT || fabs(at[1]) > MOST_SLOPE)
            return ein_error(
                EIN_NUMERIC,
                "recalibration of %s, task %s: no finite maximum is near (intercept %.4g, slope %.4g): "
                "the classes may be separated",
                p->model[model].name, p->task[task].name, at[0], at[1]);
    } else if (!begin(at, r, n, task, model)) {
        return EIN_OK;
    }
    json_array_append_new(into, json_pack("{s:s, s:s, s:f, s:f}", "task", p->task[task].name, "model",
                                          p->model[model].name, "intercept", at[0], "slope", at[1]));
    return EIN_OK;
}

ein_status ein_plan_recalibration(json_t **body, const ein_plan *p, const ein_result *r, int n,
                                  const char *today) {
    json_t *list = json_array();
    ein_status status = EIN_OK;
    *body = NULL;
    if (p->pooled || p->noise.thousandths || p->round >= MOST_ROUNDS)
        status = ein_error(
            EIN_USAGE,
            "recalibration goes on from a plan of round 1 without noise, or from one of recalibration "
            "(at most %d rounds); \"%.60s\" is neither",
            MOST_ROUNDS, p->name);
    for (int t = 0; t < p->n_tasks; t++)
        for (int m = 0; status == EIN_OK && m < p->n_models; m++) status = next_one(list, p, r, n, t, m);
    if (status == EIN_OK && json_array_size(list) == 0)
        status =
            ein_error(EIN_USAGE, "nothing is left to recalibrate: all have converged, or no site sent sums");
    if (status == EIN_OK) {
        *body = json_deep_copy(p->file.body);
        json_object_set_new(*body, "round", json_integer(p->round + 1));
        if (p->rounds < p->round + 1) json_object_set_new(*body, "rounds", json_integer(p->round + 1));
        json_object_set_new(*body, "created", json_string(today));
        json_object_set_new(*body, "previous", json_string(p->file.hash));
        json_object_set(*body, "recalibration", list);
    }
    json_decref(list);
    return status;
}
