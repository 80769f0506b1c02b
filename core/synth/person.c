#include "core/synth/person.h"

#include <math.h>
#include <string.h>

const ein_synth_parameter_info ein_synth_parameters[EIN_SP_COUNT] = {
#define X(id, key, column, snomed, prevalence, age_odds, male_odds, text) \
    {"prevalence." key, prevalence, 0, 1, "", "share of recordings with " text},
    EIN_SYNTH_CONDITIONS(X)
#undef X
#define X(id, key, column, snomed, prevalence, age_odds, male_odds, text) \
    {"age_odds." key, age_odds, 0.05, 20, "", "odds ratio per decade of age for " text},
        EIN_SYNTH_CONDITIONS(X)
#undef X
#define X(id, key, column, snomed, prevalence, age_odds, male_odds, text) \
    {"male_odds." key, male_odds, 0.05, 20, "", "odds ratio of men against women for " text},
            EIN_SYNTH_CONDITIONS(X)
#undef X
#define X(id, key, initial, min, max, unit, help) {key, initial, min, max, unit, help},
                EIN_SYNTH_PARAMETERS(X)
#undef X
};

const ein_synth_condition_info ein_synth_conditions[EIN_SC_COUNT] = {
#define X(id, key, column, snomed, prevalence, age_odds, male_odds, text) {key, column, snomed, text},
    EIN_SYNTH_CONDITIONS(X)
#undef X
};

void ein_synth_config_default(ein_synth_config *config) {
    memset(config, 0, sizeof *config);
    for (int i = 0; i < EIN_SP_COUNT; i++) config->p[i] = ein_synth_parameters[i].initial;
}

int64_t ein_synth_samples(const ein_synth_config *config) {
    return (int64_t)llround(config->p[EIN_SP_FS_HZ] * config->p[EIN_SP_DURATION_S]);
}
