/* The shipped tasks on the labels of the real development set, against counts that tests/data/targets_expected.py
 * computed from its tables alone. Signals are not looked at: the corpora are made of the tables' keys. */
#include "io/tasks/targets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/formats/csv.h"
#include "jobs/options/task_library.h"
#include "tests/mpi/made_corpus.h"
#include "tests/report.h"

enum { PATH_BYTES = 4096, MAX_RECORDS = 4000 };
static ein_comm *world;
static int rank;
static char root[PATH_BYTES], folder[256];
static ein_csv *expected;

static void find_root(void) {
    const char *data = getenv("EINTHOVEN_DATA"), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (data && data[0])
        snprintf(root, sizeof root, "%s", data);
    else if (cache && cache[0])
        snprintf(root, sizeof root, "%s/einthoven", cache);
    else
        snprintf(root, sizeof root, "%s/.cache/einthoven", home ? home : "");
}

static void check_all(bool good, const char *name) {
    int mine = good, all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, ein_comm_mpi(world));
    if (!good) fprintf(stderr, "# rank %d: %s: %s\n", rank, name, ein_error_message());
    report_quiet = rank != 0;
    report(all == 1, "%s", name);
}

static const char *cell(const ein_csv *csv, int64_t row, const char *column) {
    const int at = ein_csv_column(csv, column);
    EIN_BUG_IF(at < 0);
    return ein_csv_cell(csv, row, at);
}

/* A corpus of the records that a table names, with their patients and folds and nothing else. */
static ein_status open_made(const char *table, const char *key, const char *person, ein_corpus **out) {
    static const char *id[MAX_RECORDS];
    static uint64_t patient[MAX_RECORDS];
    static float fold[MAX_RECORDS];
    static const char *const names[] = {"strat_fold"};
    char path[512];
    ein_csv *csv;
    EIN_TRY(ein_csv_open(table, &csv));
    const int64_t N = ein_csv_rows(csv);
    EIN_BUG_IF(N > MAX_RECORDS);
    for (int64_t r = 0; r < N; r++) {
        const char *who = cell(csv, r, person), *number = cell(csv, r, "strat_fold");
        id[r] = cell(csv, r, key);
        fold[r] = number[0] ? strtof(number, NULL) : NAN;
        patient[r] = UINT64_C(14695981039346656037); /* FNV-1a */
        for (const char *c = who[0] ? who : id[r]; *c; c++)
            patient[r] = (patient[r] ^ (uint8_t)*c) * UINT64_C(1099511628211);
    }
    const made_corpus m = {
        .N = N, .id = id, .patient = patient, .n_labels = 1, .label_name = names, .label = fold};
    snprintf(path, sizeof path, "%s/made.h5", folder);
    const ein_status status = made_open(world, path, &m, out);
    ein_csv_close(csv);
    return status;
}

static double sum_of(const ein_targets *t, int j, const uint8_t *part) {
    double sum = 0;
    for (int64_t r = 0; r < t->N; r++) {
        const float value = t->value[r * t->n_targets + j];
        if ((!part || part[r] == EIN_SPLIT_TEST) && !isnan(value)) sum += (double)value;
    }
    return sum;
}

static int64_t included_of(const ein_targets *t, int task, const uint8_t *part) {
    int64_t n = 0;
    for (int64_t r = 0; r < t->N; r++)
        n += t->included[task * t->N + r] && (!part || part[r] == EIN_SPLIT_TEST);
    return n;
}

/* Column of a target, and its task; false if there is none. */
static bool find_target(const ein_targets *t, const char *task, const char *name, int *index, int *j) {
    for (*index = 0; *index < t->n_tasks; ++*index) {
        const ein_task *of = &t->tasks.task[*index];
        for (int k = 0; strcmp(of->name, task) == 0 && k < of->n_targets; k++) {
            *j = t->task[*index].first_target + k;
            if (strcmp(of->target[k].name, name) == 0) return true;
        }
    }
    return false;
}

/* One row of the expectations; `diagnostic50` is a task of ours. */
static bool row_agrees(const ein_targets *t, const uint8_t *test, int64_t row) {
    const uint8_t *part = strcmp(cell(expected, row, "part"), "test") == 0 ? test : NULL;
    const char *sum = cell(expected, row, "sum");
    int task, j;
    if (!find_target(t, cell(expected, row, "task"), cell(expected, row, "target"), &task, &j)) return false;
    static ein_target_counts count[1024];
    EIN_BUG_IF(t->n_targets > 1024);
    ein_targets_count(t, part, EIN_SPLIT_TEST, count);
    return included_of(t, task, part) == atoll(cell(expected, row, "included")) &&
           count[j].positive == atoll(cell(expected, row, "positive")) &&
           count[j].negative == atoll(cell(expected, row, "negative")) &&
           count[j].missing == atoll(cell(expected, row, "missing")) &&
           (!sum[0] || fabs(sum_of(t, j, part) - strtod(sum, NULL)) <= 1e-3);
}

static void compare(const char *source, const ein_targets *t, const uint8_t *test) {
    int64_t rows = 0, wrong = 0;
    for (int64_t row = 0; row < ein_csv_rows(expected); row++) {
        if (strcmp(cell(expected, row, "source"), source) != 0) continue;
        rows++;
        if (row_agrees(t, test, row)) continue;
        if (wrong++ < 5)
            fprintf(stderr, "# %s: task %s, target %s, part %s differs\n", source,
                    cell(expected, row, "task"), cell(expected, row, "target"), cell(expected, row, "part"));
    }
    char name[160];
    snprintf(name, sizeof name, "%s: included, positive, negative and missing of %lld targets and parts",
             source, (long long)rows);
    check_all(wrong == 0 && rows == 2 * t->n_targets, name);
}

static void check_source(const char *source, const char *table_name, const char *key, const char *person,
                         const char *const *names, int n_names) {
    char table[PATH_BYTES + 64];
    snprintf(table, sizeof table, "%s/%s", root, table_name);
    const char *tables[] = {table};
    const ein_targets_tables joined = {.n_tables = 1, .table = tables, .key = key};
    static const int64_t valid[] = {9}, ten[] = {10};
    ein_corpus *corpus = NULL;
    ein_tasks tasks = {0};
    ein_targets t = {0};
    uint8_t *part = NULL;
    float *fold = NULL;
    ein_status status = open_made(table, key, person, &corpus);
    if (status == EIN_OK) status = EIN_NEW(part, ein_corpus_records(corpus));
    if (status == EIN_OK) status = EIN_NEW(fold, ein_corpus_records(corpus));
    if (status == EIN_OK) status = ein_corpus_label(corpus, "strat_fold", fold);
    const ein_split_options split = {.kind = EIN_SPLIT_FOLD,
                                     .folds = fold,
                                     .valid_folds = valid,
                                     .n_valid_folds = 1,
                                     .test_folds = ten,
                                     .n_test_folds = 1,
                                     .label_fraction = 1};
    if (status == EIN_OK)
        status = ein_split(part, ein_corpus_patients(corpus), ein_corpus_records(corpus), &split);
    check_all(status == EIN_OK, "folds of the real set part its patients");
    if (status == EIN_OK) status = ein_tasks_load(world, ein_task_library(), names, n_names, &tasks);
    if (status == EIN_OK) status = ein_targets_build(world, &tasks, corpus, part, &joined, &t);
    check_all(status == EIN_OK && t.join.unused == 0 && t.join.without_row == 0 && t.join.not_numeric == 0 &&
                  t.first_invalid[0] == '\0',
              "every row joins, every value is what its column should hold");
    if (status == EIN_OK) compare(source, &t, part);
    ein_targets_free(&t);
    ein_tasks_free(&tasks);
    ein_corpus_close(corpus);
    free(part);
    free(fold);
}

/* A shipped task with another least likelihood, in a file of the test's own. */
static const char *write_own(void) {
    static char path[512];
    snprintf(path, sizeof path, "%s/own.yaml", folder);
    if (rank != 0) return path;
    FILE *f = fopen(path, "w");
    EIN_BUG_IF(!f);
    fputs("tasks:\n  - name: diagnostic50\n    kind: multilabel\n    group: ecg\n    text: scp_codes\n    "
          "include: positive\n    minimum_likelihood: 50\n    statements: [",
          f);
    ein_tasks tasks;
    for (const ein_tasks_file *file = ein_task_library(); file->name; file++) {
        if (strcmp(file->name, "ptbxl") != 0) continue;
        EIN_BUG_IF(ein_tasks_parse(file->name, file->text, file->bytes, NULL, &tasks) != EIN_OK);
        const ein_task *t = &tasks.task[1];
        for (int j = 0; j < t->n_targets; j++) fprintf(f, "%s%s", j ? ", " : "", t->target[j].name);
        ein_tasks_free(&tasks);
    }
    fputs("]\n", f);
    EIN_BUG_IF(fclose(f) != 0);
    return path;
}

int main(int argc, char **argv) {
    char labels[PATH_BYTES + 16];
    struct stat info;
    if (ein_comm_start(&argc, &argv, &world) != EIN_OK) return 1;
    rank = ein_comm_rank(world);
    report_quiet = rank != 0;
    find_root();
    snprintf(labels, sizeof labels, "%s/labels.csv", root);
    if (stat(labels, &info) != 0) {
        if (rank == 0) printf("1..0 # SKIP no real recordings in %s (EINTHOVEN_DATA)\n", root);
        ein_comm_finish(world);
        return 0;
    }
    snprintf(folder, sizeof folder, "/tmp/einthoven-targets.XXXXXX");
    if (rank == 0 && !mkdtemp(folder)) return 1;
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, ein_comm_mpi(world));
    check_all(ein_csv_open("tests/data/targets_expected.csv", &expected) == EIN_OK, "the expectations open");
    const char *of_labels[] = {"ptbxl", "findings", "study/sex", "study/age"};
    const char *of_ptbxl[] = {"ptbxl", write_own(), "study/sex", "study/age"};
    check_source("labels", "labels.csv", "path", "subject", of_labels, 4);
    check_source("ptbxl", "ptbxl/ptbxl_database.csv", "filename_hr", "patient_id", of_ptbxl, 4);
    ein_csv_close(expected);
    MPI_Barrier(ein_comm_mpi(world));
    if (rank == 0) {
        char path[512];
        snprintf(path, sizeof path, "%s/made.h5", folder);
        unlink(path);
        unlink(write_own());
        rmdir(folder);
    }
    const int code = rank == 0 ? report_end() : 0;
    ein_comm_finish(world);
    return code;
}
