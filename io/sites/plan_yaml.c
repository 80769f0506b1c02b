/* A coordinator's description in YAML becomes the body of a plan. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/formats/yaml_tree.h"
#include "io/sites/plan.h"

enum { MOST_BYTES = 1 << 20, PATH_BYTES = 4200, MOST_BINS = 1000 };

typedef struct {
    const char *path;
    ein_plan_hash_model hash_model;
} description;

static ein_status fault(const description *d, const ein_yaml_node *node, const char *what) {
    return ein_error(EIN_USAGE, "%s:%d: %s", d->path, node ? node->line : 1, what);
}

/* --- values ------------------------------------------------------------------------------------------------ */

static json_t *scalar(const ein_yaml_node *node) {
    char *end;
    if (node->quoted) return json_string(node->text);
    if (!strcmp(node->text, "true") || !strcmp(node->text, "false"))
        return json_boolean(node->text[0] == 't');
    errno = 0;
    const long long whole = strtoll(node->text, &end, 10);
    if (*node->text && !*end && !errno) return json_integer(whole);
    const double real = strtod(node->text, &end);
    if (*node->text && !*end && isfinite(real) && strspn(node->text, "0123456789+-.eE") == strlen(node->text))
        return json_real(real);
    return json_string(node->text);
}

/* A tree as JSON, numbers as numbers. */
static json_t *convert(const ein_yaml_node *node) {
    if (node->kind == EIN_YAML_SCALAR) return scalar(node);
    json_t *made = node->kind == EIN_YAML_LIST ? json_array() : json_object();
    for (int i = 0; i < node->n; i++) {
        json_t *item = convert(node->item[i]);
        if (node->kind == EIN_YAML_LIST)
            json_array_append_new(made, item);
        else
            json_object_set_new(made, node->key[i]->text, item);
    }
    return made;
}

/* What is to be text although it looks like a number: names of columns, values of cells. */
static void make_text(json_t *object, const char *key) {
    const json_t *value = json_object_get(object, key);
    if (!value || json_is_string(value) || json_is_array(value) || json_is_object(value)) return;
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    json_object_set_new(object, key, json_string(text ? text : ""));
    free(text);
}

static void make_texts(json_t *list) {
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (json_is_string(json_array_get(list, i))) continue;
        char *text = json_dumps(json_array_get(list, i), JSON_ENCODE_ANY);
        json_array_set_new(list, i, json_string(text ? text : ""));
        free(text);
    }
}

static void set_default(json_t *object, const char *key, json_t *value) {
    if (json_object_get(object, key))
        json_decref(value);
    else
        json_object_set_new(object, key, value);
}

/* A path of the description, taken from its folder. */
static void beside(const description *d, const char *path, char out[PATH_BYTES]) {
    const char *slash = strrchr(d->path, '/');
    const int folder = path[0] == '/' || !slash ? 0 : (int)(slash - d->path) + 1;
    snprintf(out, PATH_BYTES, "%.*s%s", folder, d->path, path);
}

/* --- parts -------------------------------------------------------------------------------------------------- */

static ein_status complete_models(const description *d, json_t *body) {
    size_t i;
    json_t *one;
    char path[PATH_BYTES], hash[EIN_HASH_TEXT_BYTES];
    json_array_foreach(json_object_get(body, "models"), i, one) {
        const char *file = json_string_value(json_object_get(one, "file"));
        make_text(one, "name");
        set_default(one, "probabilities", json_true());
        if (file) {
            beside(d, file, path);
            EIN_TRY(d->hash_model(path, hash));
            json_object_set_new(one, "hash", json_string(hash));
            json_object_del(one, "file");
        }
        set_default(one, "hash", json_null());
    }
    return EIN_OK;
}

static ein_status complete_sites(const description *d, json_t *body) {
    size_t i;
    json_t *one;
    char path[PATH_BYTES], hex[2 * EIN_PUBLIC_KEY_BYTES + 1];
    uint8_t key[EIN_PUBLIC_KEY_BYTES];
    json_array_foreach(json_object_get(body, "sites"), i, one) {
        make_text(one, "name");
        make_text(one, "key");
        const char *text = json_string_value(json_object_get(one, "key"));
        if (!text || ein_public_key_parse(text, key) == EIN_OK) continue;
        ein_error_clear();
        beside(d, text, path);
        EIN_TRY(ein_public_key_read(path, key));
        ein_hex(key, sizeof key, hex);
        json_object_set_new(one, "key", json_string(hex));
    }
    return EIN_OK;
}

static int compare(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* "bins" and "thresholds" as edges: sorted, each once. */
static ein_status complete_edges(const description *d, json_t *task) {
    const json_t *bins = json_object_get(task, "bins"), *thresholds = json_object_get(task, "thresholds");
    const bool even = json_is_integer(bins);
    const json_int_t count = even ? json_integer_value(bins) : (json_int_t)json_array_size(bins) + 1;
    const size_t more = json_array_size(thresholds);
    if (count < 2 || count > MOST_BINS || more > MOST_BINS)
        return ein_error(EIN_USAGE, "%s: task %s: bins: a number from 2 to %d, or a list of inner edges",
                         d->path, json_string_value(json_object_get(task, "name")), MOST_BINS);
    double *edge;
    EIN_TRY(EIN_NEW(edge, (size_t)count + more));
    size_t n = 0;
    for (json_int_t b = 1; b < count; b++)
        edge[n++] = even ? (double)b / (double)count : json_number_value(json_array_get(bins, (size_t)b - 1));
    for (size_t t = 0; t < more; t++) edge[n++] = json_number_value(json_array_get(thresholds, t));
    qsort(edge, n, sizeof *edge, compare);
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        if (i == 0 || edge[i] > edge[i - 1]) json_array_append_new(list, json_real(edge[i]));
    free(edge);
    json_object_set_new(task, "edges", list);
    return EIN_OK;
}

static ein_status complete_tasks(const description *d, json_t *body) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(body, "tasks"), i, one) {
        make_text(one, "name");
        make_text(one, "label");
        set_default(one, "kind", json_string("binary"));
        set_default(one, "thresholds", json_array());
        const char *kind = json_string_value(json_object_get(one, "kind"));
        if (kind && !strcmp(kind, "quantity"))
            set_default(one, "edges", json_array());
        else if (!json_object_get(one, "edges"))
            EIN_TRY(complete_edges(d, one));
        json_object_del(one, "bins");
        make_texts(json_object_get(one, "scores"));
    }
    return EIN_OK;
}

static void complete_columns(json_t *body) {
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(body, "subgroups"), i, one) {
        make_text(one, "column");
        make_texts(json_object_get(one, "values"));
    }
    json_array_foreach(json_object_get(json_object_get(body, "cohort"), "require"), i, one) {
        make_text(one, "column");
        make_texts(json_object_get(one, "values"));
    }
}

static ein_status complete(const description *d, json_t *body, const char *program, const char *today) {
    json_t *cohort = json_object_get(body, "cohort");
    if (!cohort) json_object_set_new(body, "cohort", cohort = json_object());
    set_default(cohort, "text", json_string(""));
    set_default(cohort, "require", json_array());
    make_text(body, "name");
    make_text(body, "record");
    make_text(body, "patient");
    json_object_set_new(body, "format", json_string(ein_signed_plan.format));
    json_object_set_new(body, "schema_version", json_integer(ein_signed_plan.version));
    json_object_set_new(body, "program", json_string(program));
    json_object_set_new(body, "created", json_string(today));
    json_object_set_new(body, "round", json_integer(1));
    json_object_set_new(body, "previous", json_null());
    json_object_set_new(body, "pooled", json_null());
    set_default(body, "purpose", json_string(""));
    set_default(body, "rounds", json_integer(1));
    set_default(body, "minimum_cell", json_integer(11));
    set_default(body, "largest_bound", json_real(0.05));
    set_default(body, "contract_hash", json_null());
    set_default(body, "record", json_string("record"));
    set_default(body, "patient", json_string("patient"));
    set_default(body, "subgroups", json_array());
    if (json_is_object(json_object_get(body, "noise")))
        set_default(json_object_get(body, "noise"), "records", json_integer(1));
    EIN_TRY(complete_models(d, body));
    EIN_TRY(complete_sites(d, body));
    EIN_TRY(complete_tasks(d, body));
    complete_columns(body);
    return ein_plan_check_body(d->path, body);
}

ein_status ein_plan_from_yaml(const char *path, const char *program, const char *today,
                              ein_plan_hash_model hash_model, json_t **body) {
    const description d = {path, hash_model};
    char *text;
    size_t bytes;
    ein_yaml_node *tree = NULL;
    *body = NULL;
    EIN_TRY(ein_file_read(path, MOST_BYTES, &text, &bytes));
    ein_status status = ein_yaml_parse(path, text, bytes, MOST_BYTES, &tree);
    if (status == EIN_OK && (!tree || tree->kind != EIN_YAML_MAP))
        status = fault(&d, tree, "a map of what the plan says is needed");
    if (status == EIN_OK) {
        *body = convert(tree);
        status = complete(&d, *body, program, today);
    }
    ein_yaml_free(tree);
    free(text);
    if (status == EIN_OK) return EIN_OK;
    json_decref(*body);
    *body = NULL;
    return status;
}
