/* inspect --card: a model card in Markdown from what a model file says of itself. */
#ifndef EIN_JOBS_INSPECT_CARD_H
#define EIN_JOBS_INSPECT_CARD_H

#include <jansson.h>
#include <stdio.h>

#include "core/base/status.h"

/* `look` is what inspect found (jobs/inspect/model.c). What only the authors know is marked missing. EIN_USAGE for what
 * is no model of ours. */
ein_status ein_inspect_card(const json_t *look, FILE *stream);

#endif
