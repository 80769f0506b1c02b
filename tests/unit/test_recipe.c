/* What a training run takes when it is not told: few and many records, what is given, the resolved configuration. */
#include <stdlib.h>
#include <string.h>

#include "jobs/options/model_options.h"
#include "jobs/options/recipe.h"
#include "jobs/train/finetune.h"
#include "jobs/train/pretrain.h"
#include "tests/tap.h"
#include "tests/unit/stats_fixture.h"

static const ein_option *const pretrain_tables[] = {ein_table_train, NULL}, *const adapt_tables[] = {
                                                                                ein_table_finetune,
                                                                                ein_table_adapt, NULL};

/* A configuration with the preset's batch of 256, as tiny has it, and settings "key=value" apart by blanks. */
static ein_config *config_of(const ein_option *const *tables, const char *settings) {
    static const char preset[] = "train: {batch: 256}\n";
    ein_config *c;
    char text[256], *rest = NULL;
    check_ok(ein_config_new(tables, &c));
    if (tables == pretrain_tables) check_ok(ein_config_load_preset(c, "preset", preset, strlen(preset)));
    snprintf(text, sizeof text, "%s", settings);
    for (char *one = strtok_r(text, " ", &rest); one; one = strtok_r(NULL, " ", &rest))
        check_ok(ein_config_set(c, one));
    return c;
}

static ein_recipe pretrain_of(const char *settings, int64_t records) {
    ein_config *c = config_of(pretrain_tables, settings);
    ein_recipe r;
    ein_recipe_pretrain(&r, c, records);
    ein_config_destroy(c);
    return r;
}

static ein_recipe adapt_of(const char *settings, int64_t records, ein_recipe_kind kind) {
    ein_config *c = config_of(adapt_tables, settings);
    ein_recipe r;
    ein_recipe_adapt(&r, c, records, kind);
    ein_config_destroy(c);
    return r;
}

/* With many records, and with train.recipe=study, nothing but the study's numbers. */
START_TEST(many_records_take_the_studys) {
    static const char *const settings[] = {"", "train.recipe=study"};
    static const int64_t records[] = {6400, 20};
    for (int k = 0; k < 2; k++) {
        const ein_recipe top = adapt_of(settings[k], records[k], EIN_RECIPE_TOP);
        ck_assert(top.batch == 256 && top.epochs == 100 && top.patience == 10 && top.slots == 0);
        ck_assert(top.warmup_epochs == 5);
        ck_assert(top.lr == 5e-5 && top.probe_lr == 1e-3);
        ck_assert(adapt_of(settings[k], records[k], EIN_RECIPE_LINEAR).lr == 1e-3);
        ck_assert(adapt_of(settings[k], records[k], EIN_RECIPE_LORA).lr == 5e-4);
        const ein_recipe pre = pretrain_of(settings[k], k ? 20 : 12800);
        ck_assert(pre.batch == 256 && pre.epochs == 300 && pre.slots == 0 && pre.lr == 1e-3 &&
                  pre.warmup_epochs == 5 && pre.beta2 == 0.999);
    }
    ck_assert(strstr(pretrain_of("train.recipe=study", 20).reason, "as asked for") != NULL);
    ck_assert(pretrain_of("", -1).batch == 256); /* no corpus: a dry run of shapes */
}
END_TEST

/* 1,800 records at a batch of 256 make 8 updates an epoch, of which patience waits for 80. */
START_TEST(few_records_get_updates) {
    const ein_recipe top = adapt_of("", 1800, EIN_RECIPE_TOP), head = adapt_of("", 1800, EIN_RECIPE_LINEAR),
                     pre = pretrain_of("", 1800);
    ck_assert(top.batch == 64 && top.lr == 3e-4 && top.epochs == 100 && top.patience == 10 && top.slots == 8);
    ck_assert(head.lr == 5e-3 && head.probe_lr == 5e-3 && top.probe_lr == 5e-3);
    const ein_recipe query = adapt_of("", 1800, EIN_RECIPE_ATTENTIVE);
    ck_assert(query.lr == 1e-3 && query.probe_lr == 1e-3 && adapt_of("", 1800, EIN_RECIPE_LORA).lr == 5e-4);
    ck_assert(pre.batch == 32 && pre.beta2 == 0.95 && pre.epochs == 300 && pre.slots == 4);
    ck_assert(strstr(top.reason, "1800 training records make 29 updates of up to 64") != NULL);
    ck_assert(strstr(top.reason, "train.recipe=study") != NULL);
    ck_assert(strstr(pre.reason, "56 updates of 32 an epoch, 16800 in all; beta2 0.95") != NULL);
    for (int64_t n = 1; n < 20000; n += n < 700 ? 1 : 97) {
        const ein_recipe a = adapt_of("", n, EIN_RECIPE_TOP), p = pretrain_of("", n);
        const int64_t updates = (n + a.batch - 1) / a.batch;
        ck_assert(a.batch >= 1 && a.batch <= 256 && (a.batch <= n || n >= 6400) &&
                  a.batch % (a.slots ? a.slots : 1) == 0);
        ck_assert(updates * a.epochs >= 2000 && updates * a.patience >= 250);
        ck_assert(p.batch >= 1 && p.batch <= 256 && p.batch <= n && p.batch % (p.slots ? p.slots : 1) == 0);
        ck_assert(n / p.batch * p.epochs >= 4000 || n / p.batch >= 50);
    }
}
END_TEST

START_TEST(what_is_given_wins) {
    ein_recipe r =
        adapt_of("train.batch=256 train.epochs=7 finetune.patience=3 train.lr=1e-2 finetune.probe_lr=2e-2",
                 500, EIN_RECIPE_TOP);
    ck_assert(r.batch == 256 && r.epochs == 7 && r.patience == 3 && r.lr == 1e-2 && r.probe_lr == 2e-2);
    ck_assert(r.slots == 0);
    r = adapt_of("train.slots=2", 1800, EIN_RECIPE_TOP);
    ck_assert(r.batch == 64 && r.slots == 2);
    r = adapt_of("train.slots=128", 1800, EIN_RECIPE_TOP); /* as many ranks as before */
    ck_assert(r.batch == 128 && r.slots == 128);
    r = adapt_of("train.batch=16", 1800, EIN_RECIPE_TOP); /* the rest follows from it */
    ck_assert(r.batch == 16 && r.slots == 0 && r.epochs == 100 && r.lr == 3e-4);
    r = pretrain_of("train.batch=256 train.beta2=0.99", 1800);
    ck_assert(r.batch == 256 && r.beta2 == 0.99 && r.epochs == 572);
    r = pretrain_of("train.beta2=0.99 train.epochs=2", 1800);
    ck_assert(r.batch == 32 && r.beta2 == 0.99 && r.epochs == 2);
    ck_assert(r.warmup_epochs == 0.4 && adapt_of("train.epochs=6", 300, EIN_RECIPE_TOP).warmup_epochs == 5);
    ck_assert(adapt_of("train.epochs=3 train.warmup_epochs=5", 300, EIN_RECIPE_TOP).warmup_epochs == 5);
    /* Given as the default is given, too. */
    r = adapt_of("train.batch=256 train.epochs=100 finetune.patience=10", 300, EIN_RECIPE_TOP);
    ck_assert(r.batch == 256 && r.epochs == 100 && r.patience == 10);
}
END_TEST

/* The resolved configuration holds numbers, and taken as a configuration gives the same run again. */
START_TEST(resolved_is_the_same_again) {
    ein_config *c = config_of(adapt_tables, "finetune.tasks=a,b finetune.from=x"), *once, *again;
    ein_recipe r, second;
    char *first_text, *second_text;
    ein_recipe_adapt(&r, c, 1800, EIN_RECIPE_TOP);
    check_ok(ein_recipe_resolve(&r, c, adapt_tables, true, true, &once));
    ck_assert(ein_config_int(once, "train.batch") == 64 && ein_config_real(once, "train.lr") == 3e-4);
    ck_assert(ein_config_list_count(once, "finetune.tasks") == 2);
    check_ok(ein_config_to_yaml(once, &first_text));
    ck_assert_ptr_nonnull(strstr(first_text, "batch: 64\n"));
    ein_recipe_adapt(&second, once, 1800, EIN_RECIPE_TOP);
    check_ok(ein_recipe_resolve(&second, once, adapt_tables, true, true, &again));
    check_ok(ein_config_to_yaml(again, &second_text));
    ck_assert_str_eq(first_text, second_text);
    free(first_text);
    free(second_text);
    ein_config_destroy(once);
    ein_config_destroy(again);
    ein_config_destroy(c);

    /* The study's numbers leave every byte of a configuration as it was. */
    c = config_of(pretrain_tables, "train.recipe=study");
    ein_recipe_pretrain(&r, c, 100);
    check_ok(ein_recipe_resolve(&r, c, pretrain_tables, false, false, &once));
    check_ok(ein_config_to_yaml(c, &first_text));
    check_ok(ein_config_to_yaml(once, &second_text));
    ck_assert_str_eq(first_text, second_text);
    free(first_text);
    free(second_text);
    ein_config_destroy(once);
    ein_config_destroy(c);
}
END_TEST

int main(void) {
    Suite *suite = suite_create("recipe");
    ein_tap_add(suite, "many records take the study's", many_records_take_the_studys);
    ein_tap_add(suite, "few records get updates", few_records_get_updates);
    ein_tap_add(suite, "what is given wins", what_is_given_wins);
    ein_tap_add(suite, "the resolved configuration gives the same again", resolved_is_the_same_again);
    return ein_tap_main(suite);
}
