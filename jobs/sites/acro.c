#include "jobs/sites/acro.h"

#include <math.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/formats/csv.h"
#include "io/formats/json.h"

enum { PATH_BYTES = 4600, MOST_NUMBERS = 32 };

/* Of the form, which ACRO's reader compares with its own; the program that wrote stands under "tool". */
static const char acro_version[] = "1.0.2";

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

/* One output: a file that is part of what may leave; or, withheld, the reason why it is not. */
typedef struct {
    const char *what, *type, *withheld;
    const char *dependent;   /* column, NULL: several */
    const char *independent; /* column, NULL: none */
    char file[64];
} output;

/* "output_3.csv", or ".txt" for what is withheld: ACRO's reader wants a file of every output. */
static void name_output(const acro *a, output *o, const char *extension) {
    snprintf(o->file, sizeof o->file, "output_%zu.%s", json_object_size(a->results), extension);
}

static ein_status write_reason(const acro *a, const output *o) {
    char path[PATH_BYTES], text[800];
    snprintf(path, sizeof path, "%s/%s", a->folder, o->file);
    const int n = snprintf(text, sizeof text, "%.380s: not sent: %.380s\n", o->what, o->withheld);
    return ein_durable_write(path, text, (size_t)n);
}

/* The checks that were made, as ACRO names them: 0 cells fail in what leaves. */
static json_t *checks_json(const output *o) {
    return json_pack("{s:{s:b, s:i, s:i, s:i, s:i}, s:{}}", "summary", "suppressed", o->withheld != NULL,
                     "MinimumThresholdCheck", o->withheld ? 1 : 0, "PresenceOfZeroCheck", 0, "NKCheck", 0,
                     "PresenceOfLinkedTableCheck", 0, "cells");
}

static json_t *fair_json(const output *o) {
    json_t *columns = json_array();
    if (o->independent) json_array_append_new(columns, json_string(o->independent));
    return json_pack("{s:s, s:s?, s:o}", "analysis_name", o->what, "dependent", o->dependent, "independent",
                     columns);
}

static ein_status keep_checksum(const acro *a, const char *file, char sum[65]) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", a->folder, file);
    EIN_TRY(checksum(path, sum));
    snprintf(path, sizeof path, "%s/checksums/%s.txt", a->folder, file);
    return ein_durable_write(path, sum, strlen(sum));
}

static ein_status put(acro *a, const output *o) {
    char uid[32], sum[65] = "", summary[600], command[500];
    snprintf(uid, sizeof uid, "output_%zu", json_object_size(a->results));
    EIN_TRY(keep_checksum(a, o->file, sum));
    snprintf(summary, sizeof summary, "%s%s",
             o->withheld ? "fail; suppressed: " : "pass; joined cells, none below the minimum",
             o->withheld ? o->withheld : "");
    snprintf(command, sizeof command, "einthoven evaluate --plan: %s", o->what);
    json_t *one = json_pack(
        "{s:s, s:s, s:s, s:{s:s, s:I}, s:[{s:s, s:o, s:s}], s:{}, s:s, s:s, s:s, s:[s], s:s, s:o}", "uid",
        uid, "status", o->withheld ? "fail" : "pass", "type", o->type, "properties", "method", o->what,
        "minimum_cell", (json_int_t)a->minimum, "files", "name", o->file, "sdc", checks_json(o), "checksum",
        sum, "outcome", "command", command, "summary", summary, "timestamp", a->today, "comments",
        o->withheld ? "not part of the file to send" : "part of the file to send", "exception", "", "fair",
        fair_json(o));
    if (!one) return ein_error(EIN_NOMEM, "no memory for an output");
    json_object_set_new(a->results, uid, one);
    return EIN_OK;
}

static ein_status put_withheld(acro *a, output o) {
    o.type = "custom";
    name_output(a, &o, "txt");
    EIN_TRY(write_reason(a, &o));
    return put(a, &o);
}

static ein_status write_bins(const acro *a, const char *file, const ein_plan_task *t, const json_t *model) {
    static const char *const names[] = {"from", "positive", "negative", "p", "p2", "py"};
    const json_t *first = json_object_get(model, "first"), *sums = json_object_get(model, "calibration");
    const int n = json_is_object(sums) ? 6 : 3;
    char path[PATH_BYTES];
    ein_csv_writer *csv;
    snprintf(path, sizeof path, "%s/%s", a->folder, file);
    EIN_TRY(ein_csv_create(path, names, n, &csv));
    for (size_t b = 0; b < json_array_size(first); b++) {
        const int edge = (int)json_integer_value(json_array_get(first, b)) - 1;
        ein_csv_put_real(csv, edge < 0 ? NAN : t->edge[edge]);
        ein_csv_put_int(csv, json_integer_value(json_array_get(json_object_get(model, "positive"), b)));
        ein_csv_put_int(csv, json_integer_value(json_array_get(json_object_get(model, "negative"), b)));
        for (int k = 3; k < n; k++)
            ein_csv_put_real(csv, json_number_value(json_array_get(json_object_get(sums, names[k]), b)));
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

static const char *text_of(const json_t *object, const char *key) {
    return json_string_value(json_object_get(object, key));
}

typedef struct {
    int n;
    char name[MOST_NUMBERS][48];
    double value[MOST_NUMBERS];
} numbers;

/* Numbers in an object, in those within it, and in lists, each under a name of its own. */
static void gather(numbers *all, const char *name, const json_t *value) {
    const char *key;
    json_t *one;
    char inner[64];
    if (json_is_object(value)) {
        json_object_foreach((json_t *)(uintptr_t)value, key, one) {
            gather(all, key, one);
        }
    } else if (json_is_array(value)) {
        for (size_t i = 0; i < json_array_size(value); i++) {
            snprintf(inner, sizeof inner, "%.36s_%zu", name, i + 1);
            gather(all, inner, json_array_get(value, i));
        }
    } else if (json_is_number(value) && all->n < MOST_NUMBERS) {
        snprintf(all->name[all->n], sizeof all->name[0], "%.47s", name);
        all->value[all->n++] = json_number_value(value);
    }
}

/* One row: what is sent beside counts. */
static ein_status write_numbers(const acro *a, const char *file, const json_t *object) {
    numbers all = {0};
    const char *names[MOST_NUMBERS];
    char path[PATH_BYTES];
    ein_csv_writer *csv;
    gather(&all, "", object);
    for (int i = 0; i < all.n; i++) names[i] = all.name[i];
    snprintf(path, sizeof path, "%s/%s", a->folder, file);
    EIN_TRY(ein_csv_create(path, names, all.n, &csv));
    for (int i = 0; i < all.n; i++) ein_csv_put_real(csv, all.value[i]);
    ein_csv_end_row(csv);
    return ein_csv_finish(csv, true);
}

static ein_status put_numbers(acro *a, const char *kind, const ein_plan_task *t, const char *whose,
                              const json_t *object) {
    char what[400];
    output o = {.what = what, .type = "table", .dependent = t->label};
    if (!json_is_object(object)) return EIN_OK;
    snprintf(what, sizeof what, "%s, task %.100s, %.180s", kind, t->name, whose);
    name_output(a, &o, "csv");
    EIN_TRY(write_numbers(a, o.file, object));
    return put(a, &o);
}

static ein_status put_model(acro *a, const ein_plan_task *t, const json_t *model) {
    char what[300];
    output o = {.what = what, .type = "table", .dependent = t->label, .withheld = text_of(model, "withheld")};
    snprintf(what, sizeof what, "%s, task %.100s, model %.64s", t->quantity ? "sums" : "counts of scores",
             t->name, text_of(model, "name"));
    if (o.withheld) {
        EIN_TRY(put_withheld(a, o));
    } else if (!t->quantity && json_array_size(json_object_get(model, "first")) > 0) {
        name_output(a, &o, "csv");
        EIN_TRY(write_bins(a, o.file, t, model));
        EIN_TRY(put(a, &o));
    }
    EIN_TRY(
        put_numbers(a, "AUROC with variances", t, text_of(model, "name"), json_object_get(model, "auroc")));
    EIN_TRY(put_numbers(a, "sums for exact variances", t, text_of(model, "name"),
                        json_object_get(model, "sums")));
    EIN_TRY(put_numbers(a, "sums for recalibration", t, text_of(model, "name"),
                        json_object_get(model, "recalibration")));
    return put_numbers(a, "sums over a measured quantity", t, text_of(model, "name"),
                       json_object_get(model, "quantity"));
}

static ein_status put_pair(acro *a, const ein_plan_task *t, const json_t *pair) {
    char whose[200];
    snprintf(whose, sizeof whose, "%.64s minus %.64s", text_of(pair, "first"), text_of(pair, "second"));
    EIN_TRY(
        put_numbers(a, "difference of AUROCs with variances", t, whose, json_object_get(pair, "difference")));
    return put_numbers(a, "sums for exact variances", t, whose, json_object_get(pair, "sums"));
}

static ein_status put_groups(acro *a, const ein_plan_task *t, const json_t *column) {
    char what[400];
    output o = {.what = what,
                .type = "table",
                .dependent = t->label,
                .independent = text_of(column, "column"),
                .withheld = text_of(column, "withheld")};
    snprintf(what, sizeof what, "counts and AUROCs by %.100s, task %.100s", o.independent, t->name);
    if (o.withheld) return put_withheld(a, o);
    name_output(a, &o, "csv");
    EIN_TRY(write_groups(a, o.file, column));
    return put(a, &o);
}

static ein_status put_task(acro *a, const json_t *task) {
    const ein_plan_task *t = find_task(a->plan, text_of(task, "name"));
    const json_t *one;
    size_t i;
    const output whole = {.what = t->name, .dependent = t->label, .withheld = text_of(task, "withheld")};
    if (whole.withheld) return put_withheld(a, whole);
    json_array_foreach(json_object_get(task, "models"), i, one) EIN_TRY(put_model(a, t, one));
    json_array_foreach(json_object_get(task, "pairs"), i, one) EIN_TRY(put_pair(a, t, one));
    json_array_foreach(json_object_get(task, "subgroups"), i, one) EIN_TRY(put_groups(a, t, one));
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
    snprintf(path, sizeof path, "%s/checksums", folder);
    ein_status status = ein_make_folders(path);
    json_array_foreach(json_object_get(body, "tasks"), i, one) {
        if (status == EIN_OK) status = put_task(&a, one);
    }
    json_t *root =
        json_pack("{s:s, s:{s:s, s:s, s:s}, s:o}", "version", acro_version, "tool", "@type",
                  "SoftwareApplication", "name", "einthoven", "version", program, "results", a.results);
    if (!root) return ein_error(EIN_NOMEM, "no memory for results.json");
    snprintf(path, sizeof path, "%s/results.json", folder);
    if (status == EIN_OK) status = ein_json_write(path, root);
    json_decref(root);
    return status;
}
