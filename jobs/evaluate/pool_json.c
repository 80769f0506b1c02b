/* A pooled analysis as JSON. */
#include <stdlib.h>

#include "io/formats/json.h"
#include "jobs/cli/command.h"
#include "jobs/evaluate/pool.h"

typedef struct {
    ein_json_builder json;
    const ein_pool *p;
} writer;

static void put_state(writer *w, json_t *into, const char *prefix, ein_stats_state state) {
    char key[40];
    if (state == EIN_STATS_ESTIMABLE) return;
    snprintf(key, sizeof key, "%sstate", prefix);
    ein_json_put_text(&w->json, into, key, ein_stats_state_name(state));
    snprintf(key, sizeof key, "%sreason", prefix);
    ein_json_put_text(&w->json, into, key, ein_stats_state_text(state));
}

static void put_value(writer *w, json_t *into, const char *key, ein_stats_value x) {
    json_t *object = ein_json_put_object(&w->json, into, key);
    ein_json_put_real(&w->json, object, "value", x.value);
    put_state(w, object, "", x.state);
}

static json_t *put_interval(writer *w, json_t *into, const char *key, ein_stats_interval x) {
    json_t *object = ein_json_put_object(&w->json, into, key);
    ein_json_put_real(&w->json, object, "value", x.value);
    ein_json_put_real(&w->json, object, "lower", x.lower);
    ein_json_put_real(&w->json, object, "upper", x.upper);
    if (isfinite(x.se)) ein_json_put_real(&w->json, object, "se", x.se);
    put_state(w, object, "", x.state);
    if (x.state == EIN_STATS_ESTIMABLE) put_state(w, object, "interval_", x.interval_state);
    return object;
}

static void put_test(writer *w, json_t *into, const char *key, ein_stats_test x) {
    json_t *object = ein_json_put_object(&w->json, into, key);
    ein_json_put_real(&w->json, object, "statistic", x.statistic);
    if (isfinite(x.df)) ein_json_put_real(&w->json, object, "df", x.df);
    ein_json_put_real(&w->json, object, "p", x.p);
    put_state(w, object, "", x.state);
}

/* An effect on the scale of the analysis, and as it is shown. */
static void put_effect(writer *w, json_t *into, const char *key, ein_stats_interval x) {
    json_t *object = put_interval(w, into, key, x);
    if (w->p->scale != EIN_POOL_AS_GIVEN) put_interval(w, object, "shown", ein_pool_shown_interval(w->p, x));
}

static ein_stats_interval study_interval(const ein_pool_study *s, double level) {
    return ein_stats_wald(s->y, s->v, INFINITY, level, -INFINITY, INFINITY);
}

static void put_studies(writer *w, json_t *into) {
    const ein_pool *p = w->p;
    json_t *list = ein_json_put_array(&w->json, into, "studies");
    for (int64_t i = 0; i < p->k; i++) {
        const ein_pool_study *s = &p->study[i];
        json_t *object = ein_json_put_object(&w->json, list, NULL);
        ein_json_put_text(&w->json, object, "study", s->name);
        ein_json_put_int(&w->json, object, "line", s->line);
        put_effect(w, object, "estimate", study_interval(s, p->level));
        ein_json_put_real(&w->json, object, "variance", s->v);
        for (int m = 0; m < p->n_moderators; m++)
            ein_json_put_real(&w->json, object, p->moderator_name[m], p->moderator[i * p->n_moderators + m]);
        if (p->n_moderators) continue;
        ein_json_put_real(&w->json, object, "weight_percent", s->weight);
        json_t *without = ein_json_put_object(&w->json, object, "left_out");
        put_effect(w, without, "z", s->without.z[0]);
        put_effect(w, without, "knapp_hartung", s->without.knapp_hartung[0]);
        put_value(w, without, "tau2", s->without.tau2);
        put_value(w, without, "i2_percent", s->without.i2);
    }
    json_t *left_out = ein_json_put_array(&w->json, into, "studies_not_used");
    for (int64_t i = 0; i < p->n_left_out; i++) {
        json_t *object = ein_json_put_object(&w->json, left_out, NULL);
        ein_json_put_text(&w->json, object, "study", p->left_out[i].name);
        ein_json_put_int(&w->json, object, "line", p->left_out[i].line);
        ein_json_put_text(&w->json, object, "reason", p->left_out[i].reason);
    }
}

static void put_coefficients(writer *w, json_t *into) {
    const ein_pool *p = w->p;
    json_t *list = ein_json_put_array(&w->json, into, "coefficients");
    for (int c = 0; c <= p->n_moderators; c++) {
        json_t *object = ein_json_put_object(&w->json, list, NULL);
        ein_json_put_text(&w->json, object, "name", c ? p->moderator_name[c - 1] : "intercept");
        put_interval(w, object, "z", p->fit.z[c]);
        put_interval(w, object, "knapp_hartung", p->fit.knapp_hartung[c]);
    }
    put_test(w, into, "moderators", p->fit.moderators);
    put_test(w, into, "moderators_knapp_hartung", p->fit.moderators_knapp_hartung);
}

static void put_pooled(writer *w, json_t *into) {
    const ein_pool *p = w->p;
    json_t *pooled = ein_json_put_object(&w->json, into, "pooled");
    put_effect(w, pooled, "z", p->fit.z[0]);
    put_effect(w, pooled, "knapp_hartung", p->fit.knapp_hartung[0]);
    json_t *prediction = ein_json_put_array(&w->json, into, "prediction");
    for (int i = 0; i < EIN_META_PREDICT_COUNT; i++) {
        json_t *object = ein_json_put_object(&w->json, prediction, NULL);
        ein_json_put_text(&w->json, object, "rule", ein_meta_predict_name(i));
        put_effect(w, object, "interval", p->fit.prediction[i]);
    }
    json_t *small = ein_json_put_object(&w->json, into, "small_study_effects");
    put_test(w, small, "egger_mixed", p->egger.mixed);
    put_test(w, small, "egger_classical", p->egger.classical);
    put_effect(w, small, "egger_limit", p->egger.limit);
    put_value(w, small, "begg_tau", p->begg.tau);
    put_test(w, small, "begg", p->begg.test);
}

static void put_heterogeneity(writer *w, json_t *into) {
    const ein_pool *p = w->p;
    json_t *object =
        ein_json_put_object(&w->json, into, p->n_moderators ? "residual_heterogeneity" : "heterogeneity");
    put_test(w, object, "q", p->fit.q);
    put_value(w, object, "tau2_se", p->fit.tau2_se);
    if (p->n_moderators) {
        put_value(w, object, "tau2", p->fit.tau2);
        put_value(w, object, "i2_percent", p->fit.i2);
        put_value(w, object, "h2", p->fit.h2);
        return;
    }
    ein_json_put_text(&w->json, object, "limits", "Q-profile (Viechtbauer 2007)");
    put_interval(w, object, "tau2", p->heterogeneity.tau2);
    put_interval(w, object, "i2_percent", p->heterogeneity.i2);
    put_interval(w, object, "h2", p->heterogeneity.h2);
}

ein_status ein_pool_json(const ein_pool *p, const ein_config *config, json_t **out) {
    writer w = {.p = p};
    char program[64], *yaml = NULL;
    EIN_TRY(ein_config_to_yaml(config, &yaml));
    json_t *object = json_object();
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    ein_json_put_text(&w.json, object, "format", "einthoven pooled studies");
    ein_json_put_int(&w.json, object, "version", 1);
    ein_json_put_bool(&w.json, object, "complete", true);
    ein_json_put_text(&w.json, object, "program", program);
    ein_json_put_text(&w.json, object, "configuration", yaml);
    ein_json_put_text(&w.json, object, "table", p->path);
    ein_json_put_text(&w.json, object, "scale", ein_pool_scale_text(p));
    ein_json_put_text(&w.json, object, "method", ein_meta_method_name(p->method));
    ein_json_put_real(&w.json, object, "level", p->level);
    put_value(&w, object, "knapp_hartung_q", p->fit.knapp_hartung_q);
    ein_json_put_text(&w.json, object, "knapp_hartung_factor", p->truncated ? "max(1, q)" : "q");
    ein_json_put_int(&w.json, object, "k", p->k);
    if (p->n_moderators)
        put_coefficients(&w, object);
    else
        put_pooled(&w, object);
    put_heterogeneity(&w, object);
    put_studies(&w, object);
    free(yaml);
    *out = NULL;
    const ein_status status = ein_json_done(&w.json, "the pooled analysis as JSON");
    if (status == EIN_OK)
        *out = object;
    else
        json_decref(object);
    return status;
}
