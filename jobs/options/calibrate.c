#include "jobs/options/calibrate.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ein_calibration_free(ein_calibration *c) {
    ein_recalibration_free(&c->map);
    memset(c, 0, sizeof *c);
}

/* --- choice ---------------------------------------------------------------------------------------------- */

static void tell_reason(ein_calibration *c, ein_recalibrate_kind kind, ein_recalibrate_outcome outcome,
                        int64_t positives, int64_t negatives) {
    const int64_t least = ein_recalibrate_minimum(kind);
    const char *name = ein_recalibrate_name(kind);
    if (kind == EIN_RECALIBRATE_NONE)
        snprintf(c->reason, sizeof c->reason, "not asked for");
    else if (outcome == EIN_RECALIBRATE_FEW)
        snprintf(c->reason, sizeof c->reason,
                 "%" PRId64 " positives and %" PRId64 " negatives for validation; %s takes at least %" PRId64
                 " of each",
                 positives, negatives, name, least);
    else if (outcome == EIN_RECALIBRATE_FLAT)
        snprintf(c->reason, sizeof c->reason,
                 "logits of validation records do not rise with the outcome (%" PRId64 " positives, %" PRId64
                 " negatives), so %s has no map",
                 positives, negatives, name);
    else
        snprintf(c->reason, sizeof c->reason,
                 "fitted on %" PRId64 " positives and %" PRId64 " negatives for validation", positives,
                 negatives);
}

ein_status ein_calibration_choose(ein_calibration *c, const char *asked, const double *logit,
                                  const double *label, int64_t n) {
    ein_recalibrate_kind kind = EIN_RECALIBRATE_PLATT;
    ein_recalibrate_outcome outcome = EIN_RECALIBRATE_FITTED;
    double *known = NULL;
    int8_t *is = NULL;
    int64_t count = 0, positives = 0;
    memset(c, 0, sizeof *c);
    if (strcmp(asked, "auto") != 0) EIN_TRY(ein_recalibrate_parse(asked, &kind));
    ein_status status = EIN_NEW(known, n + 1);
    if (status == EIN_OK) status = EIN_NEW(is, n + 1);
    for (int64_t i = 0; status == EIN_OK && i < n; i++) {
        if (isnan(label[i])) continue;
        known[count] = logit[i];
        is[count] = label[i] > 0.5;
        positives += is[count++];
    }
    if (status == EIN_OK) status = ein_recalibrate_fit(&c->map, &outcome, kind, known, is, count);
    if (status == EIN_OK) tell_reason(c, kind, outcome, positives, count - positives);
    free(known);
    free(is);
    return status;
}

const char *ein_calibration_text(const ein_calibration *c, char *out, size_t room) {
    const ein_recalibration *m = &c->map;
    const char *name = ein_recalibrate_name(m->kind);
    out[0] = '\0';
    if (m->kind == EIN_RECALIBRATE_ISOTONIC)
        snprintf(out, room, "%s: %d knots, probabilities %.4g to %.4g; %s", name, m->n_knots,
                 m->probability[0], m->probability[m->n_knots - 1], c->reason);
    else if (m->kind != EIN_RECALIBRATE_NONE)
        snprintf(out, room, "%s: logistic(%.6g + %.6g logit); %s", name, m->intercept, m->slope, c->reason);
    else if (c->reason[0])
        snprintf(out, room, "%s: %s", name, c->reason);
    return out;
}

/* --- JSON ------------------------------------------------------------------------------------------------ */

static json_t *reals(const double *x, int n) {
    json_t *list = json_array();
    int bad = !list;
    for (int i = 0; i < n && !bad; i++) bad = json_array_append_new(list, json_real(x[i])) != 0;
    if (!bad) return list;
    json_decref(list);
    return NULL;
}

json_t *ein_calibration_json(const ein_calibration *c) {
    const ein_recalibration *m = &c->map;
    const char *name = ein_recalibrate_name(m->kind);
    if (m->kind == EIN_RECALIBRATE_ISOTONIC)
        return json_pack("{s:s, s:o, s:o, s:s}", "kind", name, "logit", reals(m->logit, m->n_knots),
                         "probability", reals(m->probability, m->n_knots), "reason", c->reason);
    if (m->kind == EIN_RECALIBRATE_NONE) return json_pack("{s:s, s:s}", "kind", name, "reason", c->reason);
    return json_pack("{s:s, s:f, s:f, s:s}", "kind", name, "slope", m->slope, "intercept", m->intercept,
                     "reason", c->reason);
}

static double number(const json_t *value) {
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static ein_status parse_knots(const json_t *object, ein_recalibration *m) {
    const json_t *logit = json_object_get(object, "logit"),
                 *probability = json_object_get(object, "probability");
    const size_t n = json_array_size(logit);
    if (n == 0 || n > INT32_MAX || json_array_size(probability) != n)
        return ein_error(EIN_FORMAT, "an isotonic map needs logit and probability, two lists of one length");
    EIN_TRY(EIN_NEW(m->logit, n));
    EIN_TRY(EIN_NEW(m->probability, n));
    m->n_knots = (int)n;
    for (size_t k = 0; k < n; k++) {
        m->logit[k] = number(json_array_get(logit, k));
        m->probability[k] = number(json_array_get(probability, k));
    }
    return EIN_OK;
}

static ein_status parse(const json_t *object, ein_calibration *c) {
    const char *kind = json_string_value(json_object_get(object, "kind"));
    const char *reason = json_string_value(json_object_get(object, "reason"));
    if (!kind) return ein_error(EIN_FORMAT, "a calibration without kind");
    EIN_TRY(ein_recalibrate_parse(kind, &c->map.kind));
    if (reason && strlen(reason) >= sizeof c->reason)
        return ein_error(EIN_FORMAT, "a calibration with a reason of %zu bytes; at most %zu are read",
                         strlen(reason), sizeof c->reason - 1);
    snprintf(c->reason, sizeof c->reason, "%s", reason ? reason : "");
    if (c->map.kind == EIN_RECALIBRATE_ISOTONIC) {
        EIN_TRY(parse_knots(object, &c->map));
    } else if (c->map.kind != EIN_RECALIBRATE_NONE) {
        c->map.slope = number(json_object_get(object, "slope"));
        c->map.intercept = number(json_object_get(object, "intercept"));
    }
    return ein_recalibration_check(&c->map);
}

ein_status ein_calibration_parse(const json_t *object, ein_calibration *c) {
    memset(c, 0, sizeof *c);
    if (!object) return EIN_OK;
    const ein_status status = parse(object, c);
    if (status == EIN_OK) return EIN_OK;
    ein_calibration_free(c);
    /* In a file a wrong name or number is a wrong file. */
    return status == EIN_NOMEM ? status : ein_error(EIN_FORMAT, "%s", ein_error_message());
}
