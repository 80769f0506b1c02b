#include "jobs/options/recipe.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Records per update that leave so many updates in an epoch; fewer learn too slowly, more cost time without use. */
enum { PRETRAIN_UPDATES = 50, ADAPT_UPDATES = 20 };
enum { PRETRAIN_LEAST_BATCH = 32, ADAPT_LEAST_BATCH = 16 };
/* A run is given so many updates, and waits for so many, however few records an epoch has. */
enum { PRETRAIN_LENGTH = 4000, ADAPT_LENGTH = 2000, ADAPT_PATIENCE = 250 };
/* Slots of a batch made smaller: efficient products want many records in one, many ranks want many slots. */
enum { SLOT_RECORDS = 8, LEAST_SLOTS = 4 };

static bool is_auto(const ein_config *c) {
    return strcmp(ein_config_string(c, "train.recipe"), "auto") == 0;
}

static int64_t most(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t rounded_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* The largest power of two up to `value`; at least 1. */
static int64_t power_below(int64_t value) {
    int64_t power = 1;
    while (2 * power <= value) power *= 2;
    return power;
}

/* A batch that `records` fill `updates` times, from `least` to `usual`; never more than there are records. */
static int64_t batch_for(int64_t records, int64_t updates, int64_t least, int64_t usual) {
    if (records / updates >= usual) return usual;
    const int64_t batch = most(power_below(records / updates), least);
    return batch <= usual ? (batch <= most(records, 1) ? batch : power_below(records)) : usual;
}

static int64_t slots_for(int64_t batch) {
    const int64_t slots = most(batch / SLOT_RECORDS, LEAST_SLOTS);
    return slots < batch ? slots : batch;
}

/* Slots that are given must find a batch that they divide. */
static void take_given(ein_recipe *r, const ein_config *c) {
    if (ein_config_is_given(c, "train.batch")) r->batch = ein_config_int(c, "train.batch");
    if (!ein_config_is_given(c, "train.slots") && !ein_config_is_given(c, "train.batch")) return;
    r->slots = ein_config_int(c, "train.slots");
    if (!ein_config_is_given(c, "train.batch") && r->batch < r->slots) r->batch = r->slots;
}

static int64_t given_or(const ein_config *c, const char *key, int64_t value) {
    return ein_config_is_given(c, key) ? ein_config_int(c, key) : value;
}

static double given_real_or(const ein_config *c, const char *key, double value) {
    return ein_config_is_given(c, key) ? ein_config_real(c, key) : value;
}

/* A warm-up that is not given is shorter than the run, however short that is. */
static double warmup_for(const ein_config *c, int64_t epochs) {
    const double usual = ein_config_real(c, "train.warmup_epochs");
    return usual < (double)epochs || ein_config_is_given(c, "train.warmup_epochs") ? usual
                                                                                   : 0.2 * (double)epochs;
}

/* --- pretraining ----------------------------------------------------------------------------------------- */

void ein_recipe_pretrain(ein_recipe *r, const ein_config *c, int64_t records) {
    const int64_t usual = ein_config_int(c, "train.batch");
    *r = (ein_recipe){.batch = usual,
                      .epochs = ein_config_int(c, "train.epochs"),
                      .slots = ein_config_int(c, "train.slots"),
                      .warmup_epochs = ein_config_real(c, "train.warmup_epochs"),
                      .lr = ein_config_real(c, "train.lr"),
                      .beta2 = ein_config_real(c, "train.beta2")};
    if (!is_auto(c) || records < 0) {
        snprintf(r->reason, sizeof r->reason, "%s",
                 is_auto(c) ? "study: without a corpus the number of records is not known"
                            : "study, as asked for");
        return;
    }
    const int64_t batch = batch_for(records, PRETRAIN_UPDATES, PRETRAIN_LEAST_BATCH, usual);
    const bool few = batch < usual && !ein_config_is_given(c, "train.batch");
    if (few) {
        r->batch = batch;
        r->slots = slots_for(r->batch);
    }
    take_given(r, c);
    const int64_t updates = most(records / r->batch, 1);
    r->epochs = given_or(c, "train.epochs", most(r->epochs, rounded_up(PRETRAIN_LENGTH, updates)));
    r->warmup_epochs = warmup_for(c, r->epochs);
    if (few) r->beta2 = given_real_or(c, "train.beta2", 0.95);
    snprintf(r->reason, sizeof r->reason,
             "auto: %" PRId64 " training records make %" PRId64 " updates of %" PRId64 " an epoch, %" PRId64
             " in all%s; train.recipe=study takes that of Moody et al.",
             records, updates, r->batch, updates * r->epochs, few ? "; beta2 0.95 suits small batches" : "");
}

/* --- adaptation ------------------------------------------------------------------------------------------ */

/* Rates by number of records and what is trained. The first row is the study's for top and full; the last was chosen on
 * validation records of PTB-XL, the one between lies between. */
static const struct {
    int64_t records, batch;
    double rate[4]; /* by ein_recipe_kind */
} adapt_rows[] = {{6400, 256, {5e-5, 1e-3, 1e-3, 5e-4}},
                  {3200, 128, {1.5e-4, 2.5e-3, 1e-3, 5e-4}},
                  {0, 64, {3e-4, 5e-3, 1e-3, 5e-4}}};

void ein_recipe_adapt(ein_recipe *r, const ein_config *c, int64_t records, ein_recipe_kind kind) {
    const bool study = !is_auto(c) || records < 0;
    int row = 0;
    while (!study && records < adapt_rows[row].records) row++;
    const double *rate = adapt_rows[row].rate;
    *r =
        (ein_recipe){.batch = ein_config_int(c, "train.batch"),
                     .epochs = ein_config_int(c, "train.epochs"),
                     .patience = ein_config_int(c, "finetune.patience"),
                     .slots = ein_config_int(c, "train.slots"),
                     .warmup_epochs = ein_config_real(c, "train.warmup_epochs"),
                     .lr = ein_config_is_set(c, "train.lr") ? ein_config_real(c, "train.lr") : rate[kind],
                     .probe_lr = given_real_or(c, "finetune.probe_lr",
                                               rate[kind == EIN_RECIPE_ATTENTIVE ? kind : EIN_RECIPE_LINEAR]),
                     .beta2 = ein_config_real(c, "train.beta2")};
    if (study) {
        snprintf(r->reason, sizeof r->reason, "study, as asked for");
        return;
    }
    if (row > 0 && !ein_config_is_given(c, "train.batch")) {
        r->batch = batch_for(records, ADAPT_UPDATES, ADAPT_LEAST_BATCH, adapt_rows[row].batch);
        r->slots = slots_for(r->batch);
    }
    take_given(r, c);
    const int64_t updates = rounded_up(records, r->batch);
    r->epochs = given_or(c, "train.epochs", most(r->epochs, rounded_up(ADAPT_LENGTH, updates)));
    r->warmup_epochs = warmup_for(c, r->epochs);
    r->patience = given_or(c, "finetune.patience", most(r->patience, rounded_up(ADAPT_PATIENCE, updates)));
    snprintf(r->reason, sizeof r->reason,
             "auto: %" PRId64 " training records make %" PRId64 " updates of up to %" PRId64
             " an epoch; %" PRId64 " at most, stop after %" PRId64 " without a better value%s",
             records, updates, r->batch, updates * r->epochs, updates * r->patience,
             row > 0 ? "; train.recipe=study takes that of Moody et al., which suits many records" : "");
}

/* --- the resolved configuration -------------------------------------------------------------------------- */

/* What is as it should be stays as it was written. */
static ein_status set_int(ein_config *c, const char *key, int64_t value) {
    char text[32];
    if (ein_config_int(c, key) == value) return EIN_OK;
    snprintf(text, sizeof text, "%" PRId64, value);
    return ein_config_set_key(c, "train.recipe", key, text);
}

static ein_status set_real(ein_config *c, const char *key, double value) {
    char text[40];
    if (isnan(value) || (ein_config_is_set(c, key) && ein_config_real(c, key) == value)) return EIN_OK;
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    return ein_config_set_key(c, "train.recipe", key, text);
}

static ein_status set_numbers(ein_config *c, const ein_recipe *r, bool adapt, bool rates) {
    EIN_TRY(set_int(c, "train.batch", r->batch));
    EIN_TRY(set_int(c, "train.epochs", r->epochs));
    EIN_TRY(set_int(c, "train.slots", r->slots));
    EIN_TRY(set_real(c, "train.warmup_epochs", r->warmup_epochs));
    if (rates) EIN_TRY(set_real(c, "train.lr", r->lr));
    if (!adapt) return set_real(c, "train.beta2", r->beta2);
    if (rates) EIN_TRY(set_real(c, "finetune.probe_lr", r->probe_lr));
    return set_int(c, "finetune.patience", r->patience);
}

ein_status ein_recipe_resolve(const ein_recipe *recipe, const ein_config *config,
                              const ein_option *const *tables, bool adapt, bool rates, ein_config **out) {
    char *yaml = NULL;
    *out = NULL;
    ein_status status = ein_config_to_yaml(config, &yaml);
    if (status == EIN_OK) status = ein_config_new(tables, out);
    if (status == EIN_OK) status = ein_config_load_text(*out, "the configuration", yaml, strlen(yaml));
    if (status == EIN_OK) status = set_numbers(*out, recipe, adapt, rates);
    free(yaml);
    if (status != EIN_OK) {
        ein_config_destroy(*out);
        *out = NULL;
    }
    return status;
}
