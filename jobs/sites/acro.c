#include "jobs/sites/acro.h"

#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/formats/csv.h"
#include "io/formats/json.h"

enum { PATH_BYTES = 4600 };

typedef struct {
    const char *folder, *program, *today;
    const ein_plan *plan;
    int64_t minimum;
    json_t *results;
} acro;

static ein_status checksum(const char *path, char out[65]) {
    char *text;
    size_t bytes;
    uint8_t digest[crypto_hash_sha256_BYTES];
    EIN_TRY(ein_file_read(path, 64 << 20, &text, &bytes));
    crypto_hash_sha256(digest, (const uint8_t *)text, bytes);
    ein_hex(digest, sizeof digest, out);
    free(text);
    return EIN_OK;
}

/* One output: a table that may leave (`file`), or one that may not and why. */
static ein_status put(acro *a, const char *file, const char *what, const char *type, const char *withheld) {
    char uid[32], path[PATH_BYTES], sum[65] = "", summary[600], command[300];
    json_t *files = json_array();
    snprintf(uid, sizeof uid, "output_%zu", json_object_size(a->results));
    if (file) {
        snprintf(path, sizeof path, "%s/%s", a->folder, file);
        EIN_TRY(checksum(path, sum));
        json_array_append_new(files, json_pack("{s:s, s:s, s:{}}", "name", file, "checksum", sum, "sdc"));
    }
    snprintf(summary, sizeof summary, "%s%s",
             withheld ? "fail; suppressed: " : "pass; joined cells, none below the minimum",
             withheld ? withheld : "");
    snprintf(command, sizeof command, "einthoven evaluate --plan: %s", what);
    json_t *one = json_pack("{s:s, s:s, s:s, s:{s:s, s:I}, s:o, s:{}, s:s, s:s, s:s, s:s, s:[s]}", "uid", uid,
                            "status", withheld ? "fail" : "pass", "type", type, "properties", "method", what,
                            "minimum_cell", (json_int_t)a->minimum, "files", files, "outcome", "command",
                            command, "summary", summary, "exception", "", "timestamp", a->today, "comments",
                            withheld ? "not part of the file to send" : "part of the file to send");
    if (!one) return ein_error(EIN_NOMEM, "no memory for an output");
    json_object_set_new(a->results, uid, one);
    return EIN_OK;
}

static ein_status write_bins(const acro *a, const char *file, const ein_plan_task *t, const json_t *model) {
    static const char *const names[] = {"from", "positive", "negative"};
    const json_t *first = json_object_get(model, "first");
    char path[PATH_BYTES];
    ein_csv_writer *csv;
    snprintf(path, sizeof path, "%s/%s", a->folder, file);
    EIN_TRY(ein_csv_create(path, names, 3, &csv));
    for (size_t b = 0; b < json_array_size(first); b++) {
        const int edge = (int)json_integer_value(json_array_get(first, b)) - 1;
        ein_csv_put_real(csv, edge < 0 ? NAN : t->edge[edge]);
        ein_csv_put_int(csv, json_integer_value(json_array_get(json_object_get(model, "positive"), b)));
        ein_csv_put_int(csv, json_integer_value(json_array_get(json_object_get(model, "negative"), b)));
        ein_csv_end_row(csv);
    }
    return ein_csv_finish(csv, true);
}

static ein_status write_groups(const acro *a, const char *file, const json_t *column) {
    static const char *const names[] = {"group", "positive", "negative"};
    const json_t *one;
    size_t i;
    char path[PATH_BYTES];
    ein_csv_writer *csv;
    snprintf(path, sizeof path, "%s/%s", a->folder, file);
    EIN_TRY(ein_csv_create(path, names, 3, &csv));
    json_array_foreach(json_object_get(column, "groups"), i, one) {
        ein_csv_put(csv, json_string_value(json_object_get(one, "name")));
        ein_csv_put_int(csv, json_integer_value(json_object_get(one, "n_positive")));
        ein_csv_put_int(csv, json_integer_value(json_object_get(one, "n_negative")));
        ein_csv_end_row(csv);
    }
    return ein_csv_finish(csv, true);
}

static const ein_plan_task *find_task(const ein_plan *p, const char *name) {
    for (int t = 0; t < p->n_tasks; t++)
        if (!strcmp(p->task[t].name, name)) return &p->task[t];
    return NULL;
}

static ein_status put_model(acro *a, int task, const ein_plan_task *t, const json_t *model) {
    char file[64], what[300];
    const char *withheld = json_string_value(json_object_get(model, "withheld"));
    snprintf(what, sizeof what, "counts of scores, task %.100s, model %.64s", t->name,
             json_string_value(json_object_get(model, "name")));
    snprintf(file, sizeof file, "task%d_output%zu.csv", task + 1, json_object_size(a->results));
    if (!withheld && !t->quantity) EIN_TRY(write_bins(a, file, t, model));
    EIN_TRY(put(a, withheld || t->quantity ? NULL : file, what, "table", withheld));
    if (!json_is_object(json_object_get(model, "auroc"))) return EIN_OK;
    snprintf(what, sizeof what, "AUROC with variances, task %.100s, model %.64s", t->name,
             json_string_value(json_object_get(model, "name")));
    return put(a, NULL, what, "custom", NULL);
}

static ein_status put_task(acro *a, int index, const json_t *task) {
    const ein_plan_task *t = find_task(a->plan, json_string_value(json_object_get(task, "name")));
    const char *withheld = json_string_value(json_object_get(task, "withheld"));
    const json_t *one;
    size_t i;
    char file[64], what[400];
    if (withheld) return put(a, NULL, t->name, "table", withheld);
    json_array_foreach(json_object_get(task, "models"), i, one) EIN_TRY(put_model(a, index, t, one));
    json_array_foreach(json_object_get(task, "subgroups"), i, one) {
        const char *reason = json_string_value(json_object_get(one, "withheld"));
        snprintf(what, sizeof what, "counts and AUROCs by %.100s, task %.100s",
                 json_string_value(json_object_get(one, "column")), t->name);
        snprintf(file, sizeof file, "task%d_output%zu.csv", index + 1, json_object_size(a->results));
        if (!reason) EIN_TRY(write_groups(a, file, one));
        EIN_TRY(put(a, reason ? NULL : file, what, "table", reason));
    }
    return EIN_OK;
}

ein_status ein_site_acro(const char *folder, const ein_plan *plan, const json_t *body, const char *program,
                         const char *today) {
    const json_t *one;
    size_t i;
    char path[PATH_BYTES];
    acro a = {.folder = folder,
              .program = program,
              .today = today,
              .plan = plan,
              .results = json_object(),
              .minimum = json_integer_value(json_object_get(body, "minimum_cell"))};
    ein_status status = ein_make_folders(folder);
    json_array_foreach(json_object_get(body, "tasks"), i, one) {
        if (status == EIN_OK) status = put_task(&a, (int)i, one);
    }
    json_t *root = json_pack("{s:s, s:o}", "version", program, "results", a.results);
    if (!root) return ein_error(EIN_NOMEM, "no memory for results.json");
    snprintf(path, sizeof path, "%s/results.json", folder);
    if (status == EIN_OK) status = ein_json_write(path, root);
    json_decref(root);
    return status;
}
