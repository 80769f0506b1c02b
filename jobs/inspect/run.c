/* inspect: run folders. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/formats/csv.h"
#include "io/model/checkpoint.h"
#include "io/model/model.h"
#include "jobs/inspect/inspect.h"

enum { PATH_BYTES = 4096, STATE_BYTES = 65536, MAX_CHECKPOINTS = 100000 };

static ein_status join(char *out, const char *folder, const char *name) {
    if (snprintf(out, PATH_BYTES, "%s/%s", folder, name) < PATH_BYTES) return EIN_OK;
    return ein_error(EIN_IO, "%s/%s: name too long", folder, name);
}

/* --- STATE and metrics ----------------------------------------------------------------------------------- */

/* "stopped" and "key: value" lines. */
static ein_status parse_state(json_t *out, const char *path, char *text) {
    static const char *const words[] = {"running", "stopped", "done", "failed"};
    char *rest = text, *line = strsep(&rest, "\n");
    bool known = false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) known = known || !strcmp(line, words[i]);
    if (!known)
        return ein_error(EIN_FORMAT, "%s: its first line is not running, stopped, done or failed", path);
    ein_put_text(out, "state", line);
    json_t *details = json_object();
    while (rest && (line = strsep(&rest, "\n"))) {
        char *value = strstr(line, ": ");
        if (!value) continue;
        *value = '\0';
        ein_put_text(details, line, value + 2);
    }
    json_object_set_new(out, "state_details", details);
    return EIN_OK;
}

static ein_status put_state(json_t *out, const char *folder) {
    char path[PATH_BYTES], *text;
    size_t bytes;
    EIN_TRY(join(path, folder, "STATE"));
    ein_status status = ein_file_read(path, STATE_BYTES, &text, &bytes);
    if (status == EIN_NOTFOUND) {
        ein_put_text(out, "state", "none");
        return EIN_OK;
    }
    if (status != EIN_OK) return status;
    status = parse_state(out, path, text);
    free(text);
    return status;
}

static ein_status put_last_metrics(json_t *out, const char *folder) {
    char path[PATH_BYTES];
    ein_csv *csv;
    EIN_TRY(join(path, folder, "metrics.csv"));
    ein_status status = ein_csv_open(path, &csv);
    if (status == EIN_NOTFOUND) return EIN_OK;
    EIN_TRY(status);
    int64_t rows = ein_csv_rows(csv);
    json_t *last = json_object();
    for (int c = 0; c < ein_csv_columns(csv) && rows > 0; c++) {
        const char *cell = ein_csv_cell(csv, rows - 1, c);
        char *end;
        double value = strtod(cell, &end);
        if (!cell[0]) continue; /* measured in other rows only */
        if (*end)
            ein_put_text(last, ein_csv_column_name(csv, c), cell);
        else if (strchr(cell, '.') || strpbrk(cell, "eEnN"))
            ein_put_real(last, ein_csv_column_name(csv, c), value);
        else
            ein_put_int(last, ein_csv_column_name(csv, c), strtoll(cell, NULL, 10));
    }
    ein_put_int(out, "metrics_rows", rows);
    json_object_set_new(out, "last_metrics", last);
    ein_csv_close(csv);
    return EIN_OK;
}

/* --- checkpoints and models -------------------------------------------------------------------------------- */

static int wanted(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return n > 3 && !strcmp(entry->d_name + n - 3, ".h5");
}

static int leftover(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return n > 8 && !strcmp(entry->d_name + n - 8, ".partial");
}

/* Names in a folder, sorted; none if there is no such folder. */
static ein_status list(const char *folder, int (*filter)(const struct dirent *), struct dirent ***names,
                       int *n) {
    *names = NULL;
    *n = scandir(folder, names, filter, alphasort);
    if (*n >= 0) return EIN_OK;
    *n = 0;
    return errno == ENOENT ? EIN_OK : ein_error(EIN_IO, "%s: %s", folder, strerror(errno));
}

static void free_list(struct dirent **names, int n) {
    for (int i = 0; i < n; i++) free(names[i]);
    free(names);
}

/* The status of one checkpoint goes into its entry; the first fault is kept as the folder's. */
static ein_status put_checkpoint(json_t *array, const char *path, const char *name, bool verify) {
    ein_checkpoint_info info;
    json_t *entry = json_object();
    ein_status status = ein_checkpoint_describe(path, verify, &info);
    ein_put_text(entry, "file", name);
    ein_put_bool(entry, "whole", status == EIN_OK);
    if (status == EIN_OK) {
        ein_put_int(entry, "step", info.state.step);
        ein_put_bool(entry, "verified", info.verified);
        ein_checkpoint_info_free(&info);
    } else {
        ein_put_text(entry, "reason", ein_error_message());
    }
    json_array_append_new(array, entry);
    return status;
}

static ein_status put_checkpoints(const ein_inspection *look) {
    char folder[PATH_BYTES], path[PATH_BYTES];
    struct dirent **names;
    int n;
    ein_kept_error fault = {.status = EIN_OK};
    EIN_TRY(join(folder, look->path, "ckpt"));
    EIN_TRY(list(folder, wanted, &names, &n));
    json_t *array = json_array();
    for (int i = 0; i < n && i < MAX_CHECKPOINTS; i++) {
        ein_status status = join(path, folder, names[i]->d_name);
        if (status == EIN_OK) status = put_checkpoint(array, path, names[i]->d_name, look->verify);
        ein_error_keep(&fault, status);
    }
    json_object_set_new(look->out, "checkpoints", array);
    free_list(names, n);
    if (list(folder, leftover, &names, &n) == EIN_OK) {
        if (n > 0) ein_put_int(look->out, "unfinished_checkpoints", n);
        free_list(names, n);
    }
    return ein_error_kept(&fault);
}

static int is_model(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return n > 12 && !strcmp(entry->d_name + n - 12, ".safetensors");
}

static ein_status put_model(json_t *array, const char *path, const char *name, bool verify) {
    ein_model_info info;
    json_t *entry = json_object();
    ein_status status = ein_model_describe(path, NULL, &info);
    ein_put_text(entry, "file", name);
    if (status == EIN_OK && verify) status = ein_model_verify(path);
    ein_put_bool(entry, "whole", status == EIN_OK);
    if (status == EIN_OK) {
        ein_put_bool(entry, "verified", verify);
        ein_put_text(entry, "content_blake2b", info.hash);
    } else {
        ein_put_text(entry, "reason", ein_error_message());
    }
    ein_model_info_free(&info);
    json_array_append_new(array, entry);
    return status;
}

static ein_status put_models(const ein_inspection *look) {
    char path[PATH_BYTES];
    struct dirent **names;
    int n;
    ein_kept_error fault = {.status = EIN_OK};
    EIN_TRY(list(look->path, is_model, &names, &n));
    json_t *array = json_array();
    for (int i = 0; i < n; i++) {
        ein_status status = join(path, look->path, names[i]->d_name);
        if (status == EIN_OK) status = put_model(array, path, names[i]->d_name, look->verify);
        ein_error_keep(&fault, status);
    }
    json_object_set_new(look->out, "models", array);
    free_list(names, n);
    return ein_error_kept(&fault);
}

/* What is broken does not keep the rest from being shown; the first fault is the folder's. */
ein_status ein_inspect_run(ein_inspection *look) {
    ein_kept_error fault = {.status = EIN_OK};
    ein_put_text(look->out, "kind", "run folder");
    for (int part = 0; part < 4; part++) {
        ein_status status = part == 0   ? put_state(look->out, look->path)
                            : part == 1 ? put_last_metrics(look->out, look->path)
                            : part == 2 ? put_checkpoints(look)
                                        : put_models(look);
        ein_error_keep(&fault, status);
    }
    return ein_error_kept(&fault);
}
