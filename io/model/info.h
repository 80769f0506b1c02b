/* What a model file says of itself (format: io/model/model.h). */
#ifndef EIN_IO_MODEL_INFO_H
#define EIN_IO_MODEL_INFO_H

#include <stdbool.h>

#include "core/nn/layout.h"
#include "core/signal/contract.h"
#include "io/base/hash.h"

#define EIN_MODEL_FORMAT "einthoven model"
enum { EIN_MODEL_VERSION = 1, EIN_MODEL_PREFIX_BYTES = 16 };

typedef struct {
    ein_vit_shape shape;
    ein_vit_parts parts;
    char contract_text[EIN_CONTRACT_TEXT_BYTES]; /* "" if the file does not say (others' checkpoints) */
    char *config_yaml;                           /* configuration that made it; NULL if unknown */
    char *training;                              /* training summary, one JSON object as text; NULL if none */
    char *training_records;                      /* NULL if not known */
    char *tasks;                                 /* NULL if none */
    char *domain;                                /* what lies near the training records; NULL if not known */
    char *licence;                               /* NULL if not stated */
    char *program;                               /* "einthoven 0.1.0"; NULL if unknown */
    /* Set by ein_model_describe, ignored when writing. */
    bool ours;                           /* has metadata of ours */
    bool heads_assumed;                  /* the number of heads came from nowhere but the published model */
    char hash[EIN_HASH_TEXT_BYTES];      /* content hash as stated in the file; "" for others' files */
    char prefix[EIN_MODEL_PREFIX_BYTES]; /* prefix of all names, "" if none */
} ein_model_info;
void ein_model_info_free(ein_model_info *info); /* zeroes; NULL is fine */

#endif
