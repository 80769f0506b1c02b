/* Figures of pool as text and as JSON: a number, or in its place why there is none. Inside of pool*.c only. */
#ifndef EIN_JOBS_EVALUATE_POOL_VALUES_H
#define EIN_JOBS_EVALUATE_POOL_VALUES_H

#include <jansson.h>

#include "core/stats/common.h"

enum { EIN_POOL_TEXT_BYTES = 200 };

/* "0.8123", or "not estimable: ..." */
const char *ein_pool_number_text(char out[EIN_POOL_TEXT_BYTES], ein_stats_value x, int decimals);

/* "0.8123 (0.7 to 0.9)", with a note in the brackets if there is one; "0.8123 (no interval: ...)". */
const char *ein_pool_interval_text(char out[EIN_POOL_TEXT_BYTES], ein_stats_interval x, int decimals,
                                   const char *note);

/* The number under `key`; or null, with the state's name and text under KEY_state and KEY_reason. */
void ein_pool_put_value(json_t *into, const char *key, ein_stats_value x);

/* The interval's value as above; state and reason under KEY_interval_state, ... if only the interval is missing. */
void ein_pool_put_interval(json_t *into, const char *key, ein_stats_interval x);

/* null under `key`, and the reason in words. */
void ein_pool_put_none(json_t *into, const char *key, const char *reason);

#endif
