/* What programs that measure share: a preset's model, and an end on errors. */
#ifndef EIN_TESTS_BENCH_PRESET_H
#define EIN_TESTS_BENCH_PRESET_H

#include <stdio.h>
#include <stdlib.h>

#include "core/nn/layout.h"
#include "io/config/config.h"
#include "jobs/cli/embedded.h"
#include "jobs/options/model_options.h"
#include "jobs/options/tables.h"

static void bench_check(ein_status status) {
    if (status == EIN_OK) return;
    fprintf(stderr, "%s\n", ein_error_message());
    exit(1);
}

/* The model that is pretrained, or with `outputs` > 0 the classifier of so many. Ends the program on errors. */
static ein_layout *bench_preset(const char *preset, int outputs) {
    static const ein_option *const tables[] = {ein_table_model, ein_table_contract, ein_table_train, NULL};
    char path[128];
    ein_config *config;
    ein_contract contract;
    ein_vit_shape shape;
    ein_layout *layout;
    snprintf(path, sizeof path, "jobs/presets/%s.yaml", preset);
    const ein_embedded *file = ein_embedded_find(path);
    if (!file) bench_check(ein_error(EIN_USAGE, "no preset %s", preset));
    bench_check(ein_config_new(tables, &config));
    bench_check(ein_config_load_preset(config, path, file->begin, (size_t)(file->end - file->begin)));
    bench_check(ein_contract_from_config(config, &contract));
    bench_check(ein_shape_from_config(config, &contract, 0, &shape));
    if (outputs > 0) {
        shape.dec_width = shape.dec_depth = shape.dec_heads = shape.dec_mlp = 0;
        shape.classes = outputs;
    }
    bench_check(ein_layout_new(&shape, outputs > 0 ? EIN_PART_CLASSIFY : EIN_PART_PRETRAIN, &layout));
    ein_config_destroy(config);
    return layout;
}

#endif
