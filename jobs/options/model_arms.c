#include "jobs/options/model_arms.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "io/base/utf8.h"
#include "io/config/table.h"

ein_status ein_model_arm_parse(const char *key, const char *spec, char arm[EIN_ARM_NAME_BYTES],
                               const char **path) {
    const char *equals = strchr(spec, '='), *slash = strchr(spec, '/');
    if (equals && slash && slash < equals) equals = NULL;
    *path = equals ? equals + 1 : spec;
    snprintf(arm, EIN_ARM_NAME_BYTES, "model");
    if (!equals) return EIN_OK;
    const size_t length = (size_t)(equals - spec);
    bool fit = length > 0 && length < EIN_ARM_NAME_BYTES;
    for (size_t i = 0; i < length; i++) fit = fit && spec[i] > ' ' && spec[i] < 127;
    if (fit) snprintf(arm, EIN_ARM_NAME_BYTES, "%.*s", (int)length, spec);
    if (fit) return EIN_OK;
    char shown[EIN_CONFIG_SHOWN_BYTES];
    return ein_error(EIN_USAGE,
                     "%s: '%s': the name of an arm, before '=', must be 1 to %d letters, digits and "
                     "signs of ASCII without blanks",
                     key, ein_utf8_show(spec, shown, sizeof shown), EIN_ARM_NAME_BYTES - 1);
}
