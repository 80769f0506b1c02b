/* The numbered terms of the hand-written gradients.
 *
 * In the double build a test can plant a relative error in any one of them and must then see the gradient
 * check fail; in the float build the factors vanish.
 */
#ifndef EIN_CORE_NN_TERMS_H
#define EIN_CORE_NN_TERMS_H

#include "core/base/real.h"

#define EIN_TERMS(X) EIN_TERMS_PRETRAIN(X) EIN_TERMS_CLASSIFY(X)

/* Of the kernels and the masked autoencoder. */
#define EIN_TERMS_PRETRAIN(X) \
    X(LINEAR_DIN)             \
    X(LINEAR_DW)              \
    X(LINEAR_DBIAS)           \
    X(NORM_DW)                \
    X(NORM_DB)                \
    X(NORM_DX_DIRECT)         \
    X(NORM_DX_MEAN)           \
    X(NORM_DX_VARIANCE)       \
    X(GELU_CDF)               \
    X(GELU_PDF)               \
    X(GELU_CHAIN)             \
    X(ATTENTION_DV)           \
    X(ATTENTION_DP)           \
    X(ATTENTION_DS_MEAN)      \
    X(ATTENTION_DQ)           \
    X(ATTENTION_DK)           \
    X(MAE_LOSS)               \
    X(MAE_DECODER_POSITION)   \
    X(MAE_DECODER_CLS)        \
    X(MAE_VISIBLE)            \
    X(MAE_MASK_TOKEN)         \
    X(MAE_CLS)                \
    X(MAE_POSITION)           \
    X(MAE_CLS_POSITION)       \
    X(MAE_EMBED)

/* Of losses, pooling, adapters and the classifier. */
#define EIN_TERMS_CLASSIFY(X) \
    X(HEAD_BINARY)            \
    X(HEAD_MULTILABEL)        \
    X(HEAD_REGRESSION)        \
    X(POOL_MEAN)              \
    X(POOL_DV)                \
    X(POOL_DP)                \
    X(POOL_DS_MEAN)           \
    X(POOL_DK)                \
    X(POOL_DQUERY)            \
    X(LORA_DB)                \
    X(LORA_DHIDDEN)           \
    X(LORA_DA)                \
    X(LORA_DIN)               \
    X(CLASSIFY_CLS)           \
    X(CLASSIFY_POSITION)      \
    X(CLASSIFY_EMBED)

#define EIN_TERM_ENUM(name) TERM_##name,
enum {
    EIN_TERMS_PRETRAIN(EIN_TERM_ENUM) TERM_FIRST_CLASSIFY,
    TERM_BEFORE_CLASSIFY = TERM_FIRST_CLASSIFY - 1,
    EIN_TERMS_CLASSIFY(EIN_TERM_ENUM) TERM_COUNT
};

#ifdef EIN_REAL_DOUBLE
extern double ein_term_factor[TERM_COUNT]; /* all 1 */
#define EIN_TERM(name) (ein_term_factor[TERM_##name])
#else
#define EIN_TERM(name) ((real)1)
#endif

#endif
