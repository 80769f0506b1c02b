#include "io/model/checkpoint_data.h"

#include <stdlib.h>
#include <string.h>

void ein_checkpoint_info_free(ein_checkpoint_info *info) {
    if (!info) return;
    free(info->config_yaml);
    free(info->contract_text);
    free(info->blas);
    memset(info, 0, sizeof *info);
}
