/* What a pretrained model makes of the patches of a record that are hidden from it.
 *
 * The model predicts each hidden patch z-scored over all leads (core/nn/patch.h). To be drawn, the prediction gets the
 * recording's own mean and spread of that patch: the picture shows the predicted shape, not the predicted height.
 */
#ifndef EIN_JOBS_OPTIONS_RECONSTRUCT_H
#define EIN_JOBS_OPTIONS_RECONSTRUCT_H

#include "io/corpus/corpus.h"

#define EIN_RECONSTRUCT_LEGEND \
    "blue: predicted from the rest; shaded: hidden from the model; mean and spread of each hidden stretch as recorded"

/* Hide a share of the patches, the same ones for equal `seed`, and predict them: mv (L,S), NaN where nothing was
 * hidden.
 * EIN_MISMATCH for a model without decoder, or under another contract than the corpus's. Not collective. */
ein_status ein_reconstruct(const char *model, ein_corpus *corpus, int64_t record, double mask_ratio,
                           uint64_t seed, float *mv);

#endif
