#include "jobs/evaluate/pool_values.h"

#include <stdio.h>

#include "io/formats/json.h"

const char *ein_pool_number_text(char out[EIN_POOL_TEXT_BYTES], ein_stats_value x, int decimals) {
    if (x.state == EIN_STATS_ESTIMABLE)
        snprintf(out, EIN_POOL_TEXT_BYTES, "%.*f", decimals, x.value);
    else
        snprintf(out, EIN_POOL_TEXT_BYTES, "%s", ein_stats_state_text(x.state));
    return out;
}

const char *ein_pool_interval_text(char out[EIN_POOL_TEXT_BYTES], ein_stats_interval x, int decimals,
                                   const char *note) {
    if (x.state != EIN_STATS_ESTIMABLE)
        snprintf(out, EIN_POOL_TEXT_BYTES, "%s", ein_stats_state_text(x.state));
    else if (x.interval_state != EIN_STATS_ESTIMABLE)
        snprintf(out, EIN_POOL_TEXT_BYTES, "%.*f (interval %s)", decimals, x.value,
                 ein_stats_state_text(x.interval_state));
    else
        snprintf(out, EIN_POOL_TEXT_BYTES, "%.*f (%.4f to %.4f%s%s)", decimals, x.value, x.lower, x.upper,
                 note ? ", " : "", note ? note : "");
    return out;
}

static void put_state(json_t *into, const char *key, const char *of, ein_stats_state state) {
    char name[80];
    if (state == EIN_STATS_ESTIMABLE) return;
    snprintf(name, sizeof name, "%s%s_state", key, of);
    json_object_set_new(into, name, json_string(ein_stats_state_name(state)));
    snprintf(name, sizeof name, "%s%s_reason", key, of);
    json_object_set_new(into, name, json_string(ein_stats_state_text(state)));
}

void ein_pool_put_value(json_t *into, const char *key, ein_stats_value x) {
    json_object_set_new(into, key, ein_json_number(x.value));
    put_state(into, key, "", x.state);
}

void ein_pool_put_interval(json_t *into, const char *key, ein_stats_interval x) {
    json_object_set_new(into, key, ein_json_number(x.value));
    put_state(into, key, "", x.state);
    if (x.state == EIN_STATS_ESTIMABLE) put_state(into, key, "_interval", x.interval_state);
}

void ein_pool_put_none(json_t *into, const char *key, const char *reason) {
    char name[80];
    json_object_set_new(into, key, json_null());
    snprintf(name, sizeof name, "%s_reason", key);
    json_object_set_new(into, name, json_string(reason));
}
