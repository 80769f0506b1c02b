/* What a training run takes when it is not told: batch, length, rates and patience from the number of training records.
 *
 * Updates decide what is learned, not epochs. The recipe of Moody et al. was made for many thousands of records; with a
 * batch of 256 a few hundred records make an update or two an epoch, so its 100 epochs end, or its patience of 10 gives
 * up, before anything was learned. train.recipe chooses:
 *
 *   study   the recipe of Moody et al. whatever the data, with the batch of model.preset in pretraining
 *   auto    the same for many records; for few a smaller batch, a higher rate, and a length and a patience that are
 *           counted in updates
 *
 * A key that the file or the command line gives wins. What comes out is written to config.resolved.yaml as numbers.
 *
 *   pretraining, n records:   batch 2^k <= n / 50, 32 at least, the preset's at most; epochs 300 or 4,000 updates,
 *                             whichever is more; with a smaller batch than the preset's beta2 0.95
 *   fine-tuning, n records:   n >= 6,400  batch 256, rates 5e-5 (top, full), 1e-3 (linear)
 *                             n >= 3,200  batch 128, rates 1.5e-4, 2.5e-3
 *                             fewer       batch 2^k <= n / 20, 16 to 64, rates 3e-4, 5e-3
 *                             attentive 1e-3 and LoRA 5e-4 for any n
 *                             epochs 100 or 2,000 updates, patience 10 epochs or 250 updates, whichever is more
 *
 * A warm-up that is not given and would outlast the run is a fifth of it.
 * A batch made smaller has slots of 8 records, but at least 4 slots, so that so many ranks or threads are of use;
 * train.slots makes the batch as large as it says.
 */
#ifndef EIN_JOBS_OPTIONS_RECIPE_H
#define EIN_JOBS_OPTIONS_RECIPE_H

#include <stdbool.h>
#include <stdint.h>

#include "io/config/config.h"

typedef struct {
    int64_t batch, epochs, patience, slots; /* slots 0: from the batch */
    double lr, warmup_epochs;
    double probe_lr;  /* of the random-frozen control; fine-tuning only */
    double beta2;     /* pretraining only */
    char reason[320]; /* one line for people: what was chosen and why */
} ein_recipe;

/* For `records` training records; -1: not known, which gives the study's. The configuration holds ein_table_train. */
void ein_recipe_pretrain(ein_recipe *out, const ein_config *config, int64_t records);

typedef enum { EIN_RECIPE_TOP, EIN_RECIPE_LINEAR, EIN_RECIPE_ATTENTIVE, EIN_RECIPE_LORA } ein_recipe_kind;

/* The same for adaptation: ein_table_adapt and ein_table_finetune. `kind` is what is trained. */
void ein_recipe_adapt(ein_recipe *out, const ein_config *config, int64_t records, ein_recipe_kind kind);

/* A configuration like `config` but with the recipe's numbers, so that whoever reads it finds them; every key counts as
 * given in it. `adapt`: for fine-tuning. `rates`: also the learning rates, unless NaN. ein_config_destroy frees it. */
ein_status ein_recipe_resolve(const ein_recipe *recipe, const ein_config *config,
                              const ein_option *const *tables, bool adapt, bool rates, ein_config **out);

#endif
