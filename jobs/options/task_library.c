#include "jobs/options/task_library.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/cli/embedded.h"

enum { MAX_FILES = 64, NAME_BYTES = 64 };

const ein_tasks_file *ein_task_library(void) {
    static const char folder[] = "jobs/tasks/", extension[] = ".yaml";
    static ein_tasks_file files[MAX_FILES + 1];
    static char names[MAX_FILES][NAME_BYTES];
    const size_t before = sizeof folder - 1, behind = sizeof extension - 1;
    if (files[0].name) return files;
    int n = 0;
    for (const ein_embedded *file = ein_embedded_files; file->path && n < MAX_FILES; file++) {
        if (strncmp(file->path, folder, before) != 0) continue;
        const int length = (int)(strlen(file->path) - before - behind);
        snprintf(names[n], sizeof names[n], "%.*s", length, file->path + before);
        files[n] = (ein_tasks_file){names[n], file->begin, (size_t)(file->end - file->begin)};
        n++;
    }
    return files;
}

const ein_option ein_table_labels[] = {
    {"data.labels", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "label tables (.csv) beside the corpus's own columns"},
    {"data.label_key", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "their column that holds record ids or paths; unset: the first"},
    {"data.sex_codes", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "what the codes of their column sex mean, for example male=0,female=1; unset: words, or ISO 5218 (1 male, 2 "
     "female)"},
    {"data.unjoined", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "write rows of the tables that fit no record to this .csv"},
    {0},
};

ein_status ein_label_tables(const ein_config *config, ein_targets_tables *out) {
    const char **table, **code;
    const int n = ein_config_list_count(config, "data.labels"),
              n_codes = ein_config_list_count(config, "data.sex_codes");
    *out = (ein_targets_tables){0};
    EIN_TRY(EIN_NEW(table, n + n_codes));
    code = table + n;
    for (int i = 0; i < n_codes; i++) code[i] = ein_config_list_item(config, "data.sex_codes", i);
    for (int i = 0; i < n; i++) table[i] = ein_config_list_item(config, "data.labels", i);
    *out = (ein_targets_tables){.n_tables = n,
                                .table = table,
                                .key = ein_config_string(config, "data.label_key"),
                                .n_sex_codes = n_codes,
                                .sex_code = code,
                                .unjoined_csv = ein_config_string(config, "data.unjoined")};
    return EIN_OK;
}

void ein_label_tables_free(ein_targets_tables *tables) {
    free((void *)tables->table);
    *tables = (ein_targets_tables){0};
}

void ein_join_text(const ein_targets_join *j, char *out, size_t room) {
    out[0] = '\0';
    if (j->rows == 0 && j->malformed == 0) return;
    const int used = snprintf(out, room,
                              "label tables: %" PRId64 " rows; %" PRId64 " fit no record, %" PRId64
                              " have a key that occurs twice, %" PRId64 " are malformed; %" PRId64
                              " cells could not be read; %" PRId64 " records have no row%s%s",
                              j->rows, j->unused, j->ambiguous, j->malformed, j->not_numeric, j->without_row,
                              j->first[0] ? "; the first of these: " : "", j->first);
    if (used < 0 || (size_t)used >= room || j->ages + j->sexes + j->ages_differ + j->sexes_differ == 0)
        return;
    snprintf(out + used, room - (size_t)used,
             "; the corpus knows ages and sexes first: of the tables are %" PRId64 " ages and %" PRId64
             " sexes, and %" PRId64 " ages and %" PRId64 " sexes say something else than the corpus",
             j->ages, j->sexes, j->ages_differ, j->sexes_differ);
}
