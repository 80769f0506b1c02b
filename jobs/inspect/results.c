/* inspect: what evaluate writes: a folder, or one of its files. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/sums.h"
#include "io/formats/csv.h"
#include "io/formats/json.h"
#include "io/hdf5/h5.h"
#include "jobs/inspect/inspect.h"

enum { TEXT_BYTES = 1 << 16 };

/* Compare with MADE-BY: a short list of files that are mostly small, so it is done without --verify too. */
static ein_status put_sums(json_t *out, const char *list, const char *name) {
    char run[EIN_SUMS_RUN_BYTES];
    const ein_status status = ein_sums_check(list, name, run);
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        ein_put_text(
            out, "note",
            "there is no MADE-BY beside it (an earlier version made it, or it was moved): it cannot be told whether "
            "it is as it was written");
        return EIN_OK;
    }
    if (run[0]) ein_put_text(out, "run", run);
    if (status == EIN_OK) ein_put_bool(out, "as_written", true);
    return status;
}

ein_status ein_inspect_results(ein_inspection *look) {
    char list[PATH_MAX];
    ein_put_text(look->out, "kind", "results of an evaluation");
    if (snprintf(list, sizeof list, "%s/MADE-BY", look->path) >= PATH_MAX)
        return ein_error(EIN_IO, "%s: name too long", look->path);
    return put_sums(look->out, list, NULL);
}

static ein_status list_beside(const char *path, char list[PATH_MAX], const char **name) {
    const char *slash = strrchr(path, '/');
    *name = slash ? slash + 1 : path;
    if (snprintf(list, PATH_MAX, "%.*sMADE-BY", slash ? (int)(slash - path) + 1 : 0, path) < PATH_MAX)
        return EIN_OK;
    return ein_error(EIN_IO, "%s: name too long", path);
}

static ein_status put_rows(json_t *out, const char *path) {
    ein_csv *csv;
    EIN_TRY(ein_csv_open(path, &csv));
    ein_put_int(out, "columns", ein_csv_columns(csv));
    ein_put_int(out, "rows", ein_csv_rows(csv));
    ein_csv_close(csv);
    return EIN_OK;
}

bool ein_is_result(const char *path) {
    static const char *const names[] = {"scores.csv", "metrics.csv", "metrics.json", "metrics.txt"};
    char list[PATH_MAX];
    const char *name;
    bool known = false;
    if (list_beside(path, list, &name) != EIN_OK) return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) known = known || strcmp(name, names[i]) == 0;
    return known && access(list, F_OK) == 0;
}

ein_status ein_inspect_result(ein_inspection *look) {
    char list[PATH_MAX];
    const char *name;
    EIN_TRY(list_beside(look->path, list, &name));
    ein_put_text(look->out, "kind", "result of an evaluation");
    EIN_TRY(put_sums(look->out, list, name));
    const size_t n = strlen(name);
    return n > 4 && strcmp(name + n - 4, ".csv") == 0 ? put_rows(look->out, look->path) : EIN_OK;
}

static void put_attribute(json_t *out, hid_t file, const char *name, const char *key) {
    char *text = NULL;
    if (ein_h5_get_text(file, name, TEXT_BYTES, &text) == EIN_OK)
        ein_put_text(out, key, text);
    else
        ein_error_clear();
    free(text);
}

bool ein_is_scores(const char *path) {
    hid_t file;
    char *format = NULL;
    if (ein_h5_open_read(path, &file) != EIN_OK) {
        ein_error_clear();
        return false;
    }
    const bool scores = ein_h5_get_text(file, "format", TEXT_BYTES, &format) == EIN_OK &&
                        strcmp(format, "einthoven scores") == 0;
    if (!scores) ein_error_clear();
    free(format);
    H5Fclose(file);
    return scores;
}

/* How many texts a column has and, with `list`, which; their bytes are checked. */
static ein_status put_column(json_t *out, hid_t file, const char *name, const char *key, bool list) {
    const int64_t any[EIN_H5_MAX_RANK] = {-1};
    int64_t n[EIN_H5_MAX_RANK] = {0}, stride;
    hid_t data;
    char *texts;
    EIN_TRY(ein_h5_open_dataset(file, name, -1, 1, any, n, &data));
    H5Dclose(data);
    EIN_TRY(ein_h5_read_texts(file, name, n[0], &texts, &stride));
    json_t *all = json_array();
    for (int64_t i = 0; i < n[0] && list; i++) json_array_append_new(all, ein_json_text(texts + i * stride));
    free(texts);
    if (list)
        json_object_set_new(out, key, all);
    else
        ein_put_int(out, key, n[0]);
    if (!list) json_decref(all);
    return EIN_OK;
}

ein_status ein_inspect_scores(ein_inspection *look) {
    char list[PATH_MAX];
    const char *name;
    hid_t file;
    EIN_TRY(list_beside(look->path, list, &name));
    ein_put_text(look->out, "kind", "scores");
    EIN_TRY(put_sums(look->out, list, name));
    EIN_TRY(ein_h5_open_read(look->path, &file));
    put_attribute(look->out, file, "program", "program");
    put_attribute(look->out, file, "contract_hash", "contract_hash");
    ein_status status = put_column(look->out, file, "record_id", "records", false);
    int64_t version = 1;
    if (status == EIN_OK) status = ein_h5_get_i64(file, "version", &version);
    if (status == EIN_OK &&
        version >= 2) { /* of score: one column per model and target (jobs/score/outputs.h) */
        status = put_column(look->out, file, "column", "columns", true);
    } else {
        if (status == EIN_OK) status = put_column(look->out, file, "model", "models", true);
        if (status == EIN_OK) status = put_column(look->out, file, "target", "targets", true);
    }
    H5Fclose(file);
    return ein_error_context(status, "%s", look->path);
}
