/* Variables that divide the records into subgroups. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/config/table.h"
#include "jobs/evaluate/evaluation.h"

static ein_status new_variable(ein_evaluation *e, const char *name, int n_groups,
                               ein_evaluation_variable **out) {
    if (e->n_variables == EIN_EVALUATION_MOST_VARIABLES)
        return ein_error(EIN_USAGE, "evaluate.subgroup: at most %d variables are taken",
                         EIN_EVALUATION_MOST_VARIABLES);
    ein_evaluation_variable *v = &e->variable[e->n_variables++];
    EIN_TRY(EIN_NEW(v->group, e->n));
    EIN_TRY(EIN_NEW(v->name, n_groups));
    v->variable = (ein_metrics_variable){name, n_groups, (const char *const *)v->name, v->group};
    *out = v;
    return EIN_OK;
}

static ein_status name_group(ein_evaluation_variable *v, int group, const char *name) {
    v->name[group] = strdup(name);
    return v->name[group] ? EIN_OK : ein_error(EIN_NOMEM, "no memory for names of subgroups");
}

static ein_status group_by_sex(ein_evaluation *e) {
    ein_evaluation_variable *v;
    const int8_t *sex = ein_corpus_sex(e->corpus);
    EIN_TRY(new_variable(e, "sex", 2, &v));
    EIN_TRY(name_group(v, 0, "male"));
    EIN_TRY(name_group(v, 1, "female"));
    for (int64_t i = 0; i < e->n; i++) v->group[i] = sex[e->record[i]];
    return EIN_OK;
}

static ein_status group_by_age(ein_evaluation *e) {
    static const double bound[] = {50, 65, 80};
    static const char *const name[] = {"under 50", "50 to 64", "65 to 79", "80 and over"};
    ein_evaluation_variable *v;
    const float *age = ein_corpus_age(e->corpus);
    EIN_TRY(new_variable(e, "age", 4, &v));
    for (int g = 0; g < 4; g++) EIN_TRY(name_group(v, g, name[g]));
    for (int64_t i = 0; i < e->n; i++) {
        const float a = age[e->record[i]];
        v->group[i] = isnan(a) ? -1 : (a >= bound[0]) + (a >= bound[1]) + (a >= bound[2]);
    }
    return EIN_OK;
}

static int compare_names(const void *left, const void *right) {
    return strverscmp(*(char *const *)left, *(char *const *)right);
}

static ein_status find_group_names(ein_evaluation *e, ein_evaluation_variable *v, const char *name,
                                   const char *text, int64_t stride) {
    int n = 0;
    for (int64_t i = 0; i < e->n; i++) {
        const char *value = text + e->record[i] * stride;
        int g = 0;
        while (g < n && strcmp(v->name[g], value) != 0) g++;
        if (!*value || g < n) continue;
        if (n == EIN_METRICS_MOST_GROUPS)
            return ein_error(EIN_USAGE, "evaluate.subgroup %s: more than %d values; too many for subgroups",
                             name, EIN_METRICS_MOST_GROUPS);
        EIN_TRY(name_group(v, n, value));
        v->variable.n_groups = ++n;
    }
    qsort(v->name, (size_t)n, sizeof *v->name, compare_names);
    return EIN_OK;
}

/* Groups of a text column in the order of their names; "" is not known. */
static ein_status group_by_text(ein_evaluation *e, const char *name) {
    char *text, path[300];
    int64_t stride;
    ein_evaluation_variable *v = NULL;
    const bool builtin = strcmp(name, "site") == 0 || strcmp(name, "cohort") == 0;
    snprintf(path, sizeof path, "%s%.250s", builtin ? "" : "text/", name);
    EIN_TRY(ein_corpus_texts(e->corpus, path, &text, &stride));
    ein_status status = new_variable(e, name, EIN_METRICS_MOST_GROUPS, &v);
    if (status == EIN_OK) {
        v->variable.n_groups = 0;
        status = find_group_names(e, v, name, text, stride);
    }
    for (int64_t i = 0; status == EIN_OK && i < e->n; i++) {
        v->group[i] = v->variable.n_groups - 1;
        while (v->group[i] >= 0 && strcmp(v->name[v->group[i]], text + e->record[i] * stride) != 0)
            v->group[i]--;
    }
    free(text);
    return status;
}

ein_status ein_evaluation_make_groups(ein_evaluation *e) {
    const ein_config *c = e->job->config;
    const int n = ein_config_list_count(c, "evaluate.subgroup");
    for (int i = 0; i < n; i++) {
        const char *name = ein_config_list_item(c, "evaluate.subgroup", i);
        if (strcmp(name, "sex") == 0)
            EIN_TRY(group_by_sex(e));
        else if (strcmp(name, "age") == 0)
            EIN_TRY(group_by_age(e));
        else
            EIN_TRY(group_by_text(e, name));
    }
    return EIN_OK;
}
