/* The ledger: what a site has released, so that the next release can be judged beside it. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/formats/json.h"
#include "io/formats/json_read.h"
#include "io/sites/tables.h"

enum { PATH_BYTES = 4400, MOST_RELEASES = 9999, MOST_BYTES = 1 << 20 };

static int is_about(const struct dirent *entry) {
    const char *end = strrchr(entry->d_name, '.');
    return entry->d_name[0] != '.' && end && !strcmp(end, ".json");
}

void ein_ledger_free(ein_ledger *l) {
    json_decref(l->releases);
    ein_site_tables_free(&l->tables);
    *l = (ein_ledger){0};
}

static ein_status read_release(const char *folder, const char *name, ein_ledger *out) {
    char path[PATH_BYTES], before[64], *text;
    size_t bytes;
    json_t *about;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    EIN_TRY(ein_file_read(path, MOST_BYTES, &text, &bytes));
    const ein_status status = ein_json_parse(path, text, bytes, MOST_BYTES, &about);
    free(text);
    EIN_TRY(status);
    json_array_append_new(out->releases, about);
    snprintf(before, sizeof before, "release %d: ", ++out->n_releases);
    snprintf(path, sizeof path, "%s/%.*s.csv", folder, (int)(strlen(name) - 5), name);
    if (access(path, R_OK) != 0)
        return ein_error(
            EIN_CORRUPT,
            "%s: a release without its table of cells (%s); without it nothing can be judged beside it", path,
            strerror(errno));
    return ein_site_tables_read(path, before, &out->tables);
}

ein_status ein_ledger_read(const char *folder, ein_ledger *out) {
    struct dirent **entry = NULL;
    *out = (ein_ledger){.releases = json_array()};
    const int n = scandir(folder, &entry, is_about, alphasort);
    if (n < 0 && errno == ENOENT) return EIN_OK;
    ein_status status = n < 0 ? ein_error(EIN_IO, "%s: %s", folder, strerror(errno)) : EIN_OK;
    for (int i = 0; i < n; i++) {
        if (status == EIN_OK) status = read_release(folder, entry[i]->d_name, out);
        free(entry[i]);
    }
    free(entry);
    if (status != EIN_OK) ein_ledger_free(out);
    return status;
}

bool ein_ledger_has_plan(const ein_ledger *l, const char *plan_hash) {
    size_t i;
    json_t *one;
    json_array_foreach(l->releases, i, one) {
        const char *hash = json_string_value(json_object_get(one, "plan"));
        if (hash && !strcmp(hash, plan_hash)) return true;
    }
    return false;
}

bool ein_ledger_budget(const ein_ledger *l, int64_t *spent, int64_t *budget) {
    size_t i;
    json_t *one;
    bool found = false;
    *spent = *budget = 0;
    json_array_foreach(l->releases, i, one) {
        const json_t *limit = json_object_get(one, "budget_thousandths");
        *spent += json_integer_value(json_object_get(one, "epsilon_thousandths"));
        if (!json_is_integer(limit)) continue;
        if (!found || json_integer_value(limit) < *budget) *budget = json_integer_value(limit);
        found = true;
    }
    return found;
}

ein_status ein_ledger_add(const char *folder, const ein_ledger *l, const json_t *about,
                          const ein_site_tables *tables) {
    char path[PATH_BYTES];
    const char *plan = json_string_value(json_object_get(about, "plan"));
    if (l->n_releases >= MOST_RELEASES)
        return ein_error(EIN_RANGE, "%s: more than %d releases", folder, MOST_RELEASES);
    if (mkdir(folder, 0700) != 0 && errno != EEXIST)
        return ein_error(EIN_IO, "%s: cannot make the ledger: %s", folder, strerror(errno));
    /* The table first: a table without a release is passed over, a release without a table is a fault. */
    snprintf(path, sizeof path, "%s/%04d-%.16s.csv", folder, l->n_releases + 1, plan);
    EIN_TRY(ein_site_tables_write(path, tables));
    snprintf(path, sizeof path, "%s/%04d-%.16s.json", folder, l->n_releases + 1, plan);
    return ein_json_write(path, about);
}
