/* inspect: checkpoints and .safetensors files. */
#include <math.h>
#include <string.h>

#include "io/model/checkpoint.h"
#include "io/model/model.h"
#include "io/model/safetensors.h"
#include "jobs/inspect/inspect.h"
#include "jobs/options/domain.h"
#include "jobs/options/model_tasks.h"

ein_status ein_inspect_checkpoint(ein_inspection *look) {
    ein_checkpoint_info info;
    json_t *out = look->out;
    ein_put_text(out, "kind", "checkpoint");
    EIN_TRY(ein_checkpoint_describe(look->path, look->verify, &info));
    ein_put_int(out, "version", EIN_CHECKPOINT_VERSION);
    ein_put_text(out, "program", info.program);
    ein_put_int(out, "bytes", info.bytes);
    ein_put_int(out, "step", info.state.step);
    ein_put_shape(out, &info.shape, info.parts);
    if (info.verified) {
        char seed[24];
        snprintf(seed, sizeof seed, "%llu", (unsigned long long)info.state.seed);
        ein_put_int(out, "epoch", info.state.epoch);
        ein_put_int(out, "step_in_epoch", info.state.step_in_epoch);
        ein_put_text(out, "seed", seed); /* JSON numbers end at 2^53 in many programs */
        ein_put_real(out, "best_value", info.state.best_value);
        ein_put_int(out, "best_step", info.state.best_step);
        ein_put_int(out, "skipped_steps", info.state.skipped_steps);
        ein_put_int(out, "validated_epochs", info.state.validated_epochs);
        ein_put_text(out, "blas", info.blas);
        ein_put_text(out, "contract", info.contract_text);
        ein_put_text(out, "config", info.config_yaml);
    }
    ein_checkpoint_info_free(&info);
    return EIN_OK;
}

static void list_tensors(json_t *out, const ein_safetensors *file) {
    json_t *list = json_array();
    for (int i = 0; i < ein_safetensors_count(file); i++) {
        const ein_st_tensor *t = ein_safetensors_tensor(file, i);
        char text[EIN_ST_NAME_BYTES + 200], shape[180];
        snprintf(text, sizeof text, "%s %s %s", t->name, t->dtype,
                 ein_shape_text(t->ndim, t->shape, shape, sizeof shape));
        json_array_append_new(list, ein_json_text(text));
    }
    json_object_set_new(out, "tensor_list", list);
}

/* The map as a line, and its numbers for programs. */
static void put_calibration(json_t *object, const ein_calibration *c) {
    char text[400];
    if (!ein_calibration_text(c, text, sizeof text)[0]) return;
    ein_put_text(object, "calibration", text);
    if (c->map.kind == EIN_RECALIBRATE_ISOTONIC) {
        json_object_set_new(object, "calibration_map", ein_calibration_json(c));
    } else if (ein_calibrated(c)) {
        ein_put_real(object, "calibration_slope", c->map.slope);
        ein_put_real(object, "calibration_intercept", c->map.intercept);
    }
}

/* What an adapted model's outputs mean, with thresholds; a description that cannot be read is said to be so. */
static ein_status put_tasks(json_t *out, const char *path, const char *text) {
    ein_model_tasks *tasks;
    EIN_TRY(ein_model_tasks_parse(path, text, &tasks));
    json_t *list = json_array();
    for (int j = 0; j < tasks->n_targets; j++) {
        const ein_model_threshold *t = &tasks->threshold[j];
        const ein_task *task = &tasks->tasks.task[tasks->task_of[j]];
        json_t *object = json_object();
        char label[300];
        ein_put_text(object, "target", ein_model_tasks_label(tasks, j, label, sizeof label));
        ein_put_text(object, "kind", ein_head_kind_name(task->kind));
        ein_put_int(object, "validation_positive", t->positive);
        ein_put_int(object, "validation_negative", t->negative);
        if (task->kind == EIN_HEAD_REGRESSION) {
            ein_put_text(object, "unit", task->unit);
        } else {
            ein_put_real(object, "validation_auroc", t->auroc);
            ein_put_real(object, "threshold_youden", t->youden);
            ein_put_real(object, "threshold_closest", t->closest);
            put_calibration(object, &tasks->calibration[j]);
        }
        json_array_append_new(list, object);
    }
    json_object_set_new(out, "targets", list);
    ein_model_tasks_destroy(tasks);
    return EIN_OK;
}

/* What is near to the training records, without the matrix. */
static ein_status put_domain(json_t *out, const char *path, const char *text) {
    ein_domain d;
    EIN_TRY(ein_domain_parse(path, text, &d));
    json_t *object = json_object();
    ein_put_int(object, "records", d.records);
    ein_put_int(object, "held_out", d.held_out);
    ein_put_real(object, "shrinkage", d.shrinkage);
    ein_put_real(object, "distance_5", d.quantile[5]);
    ein_put_real(object, "distance_50", d.quantile[50]);
    ein_put_real(object, "distance_95", d.quantile[95]);
    ein_put_real(object, "distance_100", d.quantile[100]);
    json_object_set_new(out, "domain", object);
    ein_domain_free(&d);
    return EIN_OK;
}

static void put_model(json_t *out, const ein_model_info *info) {
    ein_put_text(out, "program", info->program);
    ein_put_shape(out, &info->shape, info->parts);
    if (info->heads_assumed)
        ein_put_text(out, "note", "the file does not say its number of heads; the published one is shown");
    if (info->prefix[0]) ein_put_text(out, "prefix", info->prefix);
    ein_put_text(out, "licence", info->licence);
    ein_put_text(out, "training", info->training);
    if (info->contract_text[0]) ein_put_text(out, "contract", info->contract_text);
    ein_put_text(out, "config", info->config_yaml);
    if (info->hash[0]) ein_put_text(out, "content_blake2b", info->hash);
}

/* A file of ours must be a model; one of others may hold any tensors. */
static ein_status describe(ein_inspection *look, const ein_safetensors *file) {
    ein_model_info info;
    json_t *out = look->out;
    bool ours = ein_safetensors_metadata(file, "einthoven.format") != NULL;
    ein_put_int(out, "tensors", ein_safetensors_count(file));
    ein_status status = ein_model_describe(look->path, NULL, &info);
    if (status == EIN_OK) {
        ours = info.ours;
        ein_put_text(out, "kind", ours ? "model" : "model of others");
        put_model(out, &info);
        if (info.tasks) status = put_tasks(out, look->path, info.tasks);
        if (status == EIN_OK && info.domain) status = put_domain(out, look->path, info.domain);
        ein_model_info_free(&info);
    } else if (!ours && (status == EIN_FORMAT || status == EIN_USAGE)) {
        ein_put_text(out, "note", ein_error_message());
        status = EIN_OK;
    }
    if (status == EIN_OK && ours && look->verify) status = ein_model_verify(look->path);
    if (status == EIN_OK && !ours && look->verify)
        ein_put_text(out, "checksum", "none: files of others carry none");
    return status;
}

ein_status ein_inspect_safetensors(ein_inspection *look) {
    ein_safetensors *file;
    ein_put_text(look->out, "kind", "safetensors");
    EIN_TRY(ein_safetensors_open(look->path, &file));
    ein_status status = describe(look, file);
    if (status == EIN_OK && look->tensors) list_tensors(look->out, file);
    ein_safetensors_close(file);
    return status;
}
