/* Any model file as an encoder: pretrained, adapted, or of others; a head is kept where there is one, and not used. */
#ifndef EIN_JOBS_OPTIONS_ENCODER_H
#define EIN_JOBS_OPTIONS_ENCODER_H

#include <stdbool.h>

#include "core/nn/layout.h"
#include "core/signal/contract.h"
#include "io/model/info.h"

typedef struct {
    ein_model_info info;
    ein_layout *layout; /* EIN_PART_CLASSIFY, as core/nn/classify.h takes it */
    float *param;       /* its arena */
    bool has_contract;  /* files of others may have none */
    ein_contract contract;
    char hash[EIN_HASH_TEXT_BYTES]; /* content hash of the file */
} ein_encoder;

/* Read `path`. `heads` > 0: attention heads of a file of others that does not say. EIN_MISMATCH if tensors of the
 * encoder are missing; otherwise errors as of io/model/model.h. Not collective. */
ein_status ein_encoder_open(const char *path, int heads, ein_encoder *out);
/* Whether a list of tensors that a file lacks ("norm.weight, blocks.0...", ein_model_load) names any but the last
 * norm's, which comes after what a head or an embedding takes. */
bool ein_encoder_lacks(const char *missing);

void ein_encoder_free(ein_encoder *encoder); /* zeroes; NULL is fine */

#endif
