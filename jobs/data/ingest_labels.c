#include "jobs/data/ingest_labels.h"

#include <stdlib.h>
#include <string.h>

static ein_status list_of(const ein_config *config, const char *key, const char ***out, int *n) {
    *n = ein_config_list_count(config, key);
    EIN_TRY(EIN_NEW(*out, *n));
    for (int i = 0; i < *n; i++) (*out)[i] = ein_config_list_item(config, key, i);
    return EIN_OK;
}

/* The tables that are named, else those that are found. `*paths` is to be freed. */
static ein_status choose_tables(const ein_config *config, const ein_ingest_roots *roots, ein_texts *found,
                                const char ***paths, int *n) {
    EIN_TRY(list_of(config, "ingest.labels", paths, n));
    if (*n > 0 || !ein_config_bool(config, "ingest.find_tables")) return EIN_OK;
    EIN_TRY(ein_ingest_find_tables(roots, found));
    free(*paths);
    *n = (int)found->n;
    EIN_TRY(EIN_NEW(*paths, *n));
    for (int i = 0; i < *n; i++) (*paths)[i] = ein_texts_get(found, i);
    return EIN_OK;
}

/* `auto` among the label columns: those that would be taken without the option, and the others that it names. */
static void take_auto(ein_labels_options *o, const char **values) {
    int n = 0;
    for (int i = 0; i < o->n_values; i++) {
        if (strcmp(values[i], "auto") == 0)
            o->all_numeric = true;
        else
            values[n++] = values[i];
    }
    o->n_values = n;
}

static ein_status load_labels(const ein_config *config, ein_labels_options *o, ein_labels **out) {
    o->encoding = ein_config_string(config, "ingest.label_encoding");
    o->key = ein_config_string(config, "ingest.label_key");
    o->patient = ein_config_string(config, "ingest.patient_column");
    o->age = ein_config_string(config, "ingest.age_column");
    o->sex = ein_config_string(config, "ingest.sex_column");
    o->cohort = ein_config_string(config, "ingest.cohort_column");
    o->site = ein_config_string(config, "ingest.site_column");
    if (o->n_paths == 0 && (o->n_values || o->n_texts || o->n_sex_codes || o->key || o->patient || o->age ||
                            o->sex || o->cohort || o->site))
        return ein_error(EIN_USAGE, "columns of a label table are named but no table is: give ingest.labels");
    return ein_labels_load(o, out);
}

ein_status ein_ingest_labels_open(const ein_config *config, const ein_ingest_roots *roots, ein_texts *found,
                                  ein_labels **out) {
    ein_labels_options o = {0};
    const char **paths = NULL, **values = NULL, **texts = NULL, **codes = NULL;
    ein_status status = choose_tables(config, roots, found, &paths, &o.n_paths);
    if (status == EIN_OK) status = list_of(config, "ingest.label_columns", &values, &o.n_values);
    if (status == EIN_OK) status = list_of(config, "ingest.text_columns", &texts, &o.n_texts);
    if (status == EIN_OK) status = list_of(config, "ingest.sex_codes", &codes, &o.n_sex_codes);
    o.path = paths;
    o.value = values;
    o.text = texts;
    o.sex_code = codes;
    o.all_numeric = !ein_config_is_set(config, "ingest.label_columns");
    if (status == EIN_OK) take_auto(&o, values);
    if (status == EIN_OK) status = load_labels(config, &o, out);
    free(paths);
    free(values);
    free(texts);
    free(codes);
    return status;
}
