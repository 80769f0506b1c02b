#include "io/model/info.h"

#include <stdlib.h>
#include <string.h>

void ein_model_info_free(ein_model_info *info) {
    if (!info) return;
    free(info->config_yaml);
    free(info->training);
    free(info->training_records);
    free(info->tasks);
    free(info->domain);
    free(info->licence);
    free(info->program);
    memset(info, 0, sizeof *info);
}
