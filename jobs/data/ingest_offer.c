#include "jobs/data/ingest_offer.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "io/base/map.h"
#include "io/formats/csv.h"
#include "io/labels/labels.h"
#include "jobs/cli/shell_word.h"

enum { MAX_BYTES = 64 << 20, MAX_TABLES = 20, MAX_RECORDINGS = 2000, MAX_ROWS = 5000 };

/* Column of the first name that the table has, whatever its case; -1: none. */
static int column_named(const ein_csv *csv, const char *const *names) {
    for (int i = 0; names[i]; i++)
        for (int c = 0; c < ein_csv_columns(csv); c++)
            if (strcasecmp(ein_csv_column_name(csv, c), names[i]) == 0) return c;
    return -1;
}

static int patient_column(const ein_csv *csv) {
    static const char *const names[] = {"patient_id", "patientid", "patient",  "subject_id", "subjectid",
                                        "subject",    "person_id", "personid", "person",     "pid",
                                        "mrn",        "ptid",      "eid",      NULL};
    return column_named(csv, names);
}

/* --- what recordings are called ----------------------------------------------------------------------- */

static ein_status add_spelling(ein_map *called, const char *text) {
    char key[PATH_MAX];
    ein_labels_normalise(text, key, sizeof key);
    return key[0] ? ein_map_put(called, key, 1) : EIN_OK;
}

/* Its name, its path below the root, and with the root's own name before that. */
static ein_status add_recording(ein_map *called, const char *root, const char *path) {
    char real[PATH_MAX], named[2 * PATH_MAX];
    const char *slash = strrchr(path, '/');
    const size_t n = strlen(root);
    if (slash) EIN_TRY(add_spelling(called, slash + 1));
    if (strncmp(path, root, n) != 0 || !realpath(root, real)) return EIN_OK;
    const char *below = path + n + strspn(path + n, "/"), *name = strrchr(real, '/');
    EIN_TRY(add_spelling(called, below));
    if (!name || snprintf(named, sizeof named, "%s/%s", name + 1, below) >= PATH_MAX) return EIN_OK;
    return add_spelling(called, named);
}

static ein_status know_recordings(const char *const *roots, int n_roots, const ein_reader_list *found,
                                  ein_map *called) {
    for (int64_t i = 0; i < found->count && i < MAX_RECORDINGS; i++)
        for (int r = 0; r < n_roots; r++) EIN_TRY(add_recording(called, roots[r], found->path[i]));
    return EIN_OK;
}

/* --- tables ------------------------------------------------------------------------------------------- */

/* The column of which most cells are what a recording is called; -1: none. */
static int key_column(const ein_csv *csv, const ein_map *called) {
    int best = -1;
    int64_t most = 0;
    for (int c = 0; c < ein_csv_columns(csv); c++) {
        int64_t hits = 0;
        for (int64_t i = 0; i < ein_csv_rows(csv) && i < MAX_ROWS; i++) {
            char key[PATH_MAX];
            ein_labels_normalise(ein_csv_cell(csv, i, c), key, sizeof key);
            hits += ein_map_get(called, key, 0);
        }
        if (hits > most) {
            most = hits;
            best = c;
        }
    }
    return best;
}

static void print_option(FILE *stream, const char *option, const ein_csv *csv, int column) {
    if (column < 0) return;
    fprintf(stream, " %s ", option);
    ein_print_shell_word(stream, ein_csv_column_name(csv, column));
}

/* True if the table was offered. */
static bool offer(const char *path, const ein_map *called, bool first, FILE *stream) {
    static const char *const ages[] = {"age", NULL}, *const sexes[] = {"sex", "gender", NULL};
    ein_csv *csv = NULL;
    if (ein_csv_open(path, &csv) != EIN_OK) return false;
    const int patient = patient_column(csv), key = patient < 0 ? -1 : key_column(csv, called);
    if (key >= 0) {
        if (first) fputs("Tables that say whose recordings these are; give one of:\n", stream);
        fputs("  --labels ", stream);
        ein_print_shell_word(stream, path);
        print_option(stream, "--label-key", csv, key);
        print_option(stream, "--patient-column", csv, patient);
        print_option(stream, "--age-column", csv, column_named(csv, ages));
        print_option(stream, "--sex-column", csv, column_named(csv, sexes));
        fputc('\n', stream);
    }
    ein_csv_close(csv);
    return key >= 0;
}

static int is_table(const struct dirent *entry) {
    const size_t n = strlen(entry->d_name);
    return n > 4 && strcasecmp(entry->d_name + n - 4, ".csv") == 0;
}

static bool is_small_file(const char *path) {
    struct stat about;
    return lstat(path, &about) == 0 && S_ISREG(about.st_mode) && about.st_size <= MAX_BYTES;
}

static int offer_folder(const char *folder, const ein_map *called, const ein_map *seen, int offered,
                        FILE *stream) {
    struct dirent **entry = NULL;
    const int n = scandir(folder, &entry, is_table, alphasort);
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        const int used = snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
        if (i < MAX_TABLES && used > 0 && used < PATH_MAX && is_small_file(path) &&
            ein_map_get(seen, path, 0) == 0)
            offered += offer(path, called, offered == 0, stream);
        free(entry[i]);
    }
    free(entry);
    return offered;
}

/* Note the tables that are joined, so that they are not offered. */
static ein_status know_tables(const ein_labels *joined, ein_map *seen) {
    for (int t = 0; t < ein_labels_n_tables(joined); t++) {
        ein_labels_table table;
        char real[PATH_MAX];
        ein_labels_table_at(joined, t, &table);
        if (realpath(table.path, real)) EIN_TRY(ein_map_put(seen, real, 1));
    }
    return EIN_OK;
}

/* The folder of a root and the one above, each once. */
static void offer_around(const char *const *roots, int n_roots, const ein_map *called, ein_map *seen,
                         FILE *stream) {
    int offered = 0;
    for (int r = 0; r < n_roots; r++) {
        char folder[PATH_MAX];
        if (!realpath(roots[r], folder)) continue;
        for (int up = 0; up < 2 && folder[0]; up++) {
            if (ein_map_get(seen, folder, 0) == 0)
                offered = offer_folder(folder, called, seen, offered, stream);
            if (ein_map_put(seen, folder, 1) != EIN_OK) break;
            char *slash = strrchr(folder, '/');
            if (slash) *slash = '\0';
        }
    }
}

void ein_offer_print(const char *const *roots, int n_roots, const ein_reader_list *found,
                     const ein_labels *joined, FILE *stream) {
    ein_map *called = NULL, *seen = NULL;
    ein_status status = ein_map_new(&called);
    if (status == EIN_OK) status = ein_map_new(&seen);
    if (status == EIN_OK) status = know_tables(joined, seen);
    if (status == EIN_OK) status = know_recordings(roots, n_roots, found, called);
    if (status == EIN_OK) offer_around(roots, n_roots, called, seen, stream);
    ein_map_destroy(called);
    ein_map_destroy(seen);
    ein_error_clear();
}
