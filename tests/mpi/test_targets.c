/* Targets, splits and seen records of a made-up corpus, on any number of ranks. */
#include "io/tasks/targets.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/corpus/seen.h"
#include "io/formats/csv.h"
#include "jobs/options/split_options.h"
#include "jobs/options/task_library.h"
#include "tests/mpi/made_corpus.h"
#include "tests/report.h"

enum { N = 12 };
#define MISSING NAN

static ein_comm *world;
static int rank;
static char folder[256];
static ein_corpus *corpus;

static const char *const id[N] = {"r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8", "r9", "r10", "r11"};
static const char *const file[N] = {"a/0.hea", "a/1.hea", "a/2.hea", "a/3.hea", "b/4.hea",  "b/5.hea",
                                    "b/6.hea", "b/7.hea", "b/8.hea", "b/9.hea", "b/10.hea", "b/11.hea"};
static const char *const sha256[N] = {"aa", "ab", "ac", "ad", "ae", "af", "", "b1", "b2", "b3", "b4", "b5"};
static const char *const cohort[N] = {"", "", "", "", "", "", "", "", "", "cx", "", ""};
static const uint64_t patient[N] = {1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6};
static const float age[N] = {20, 30, 40, 50, 60, 70, 80, 90, MISSING, 33, 44, 55};
static const int8_t sex[N] = {0, 1, 0, 1, 0, 1, -1, -1, 1, 1, 1, 0};
enum { LABELS = 6 };
static const char *const label_name[LABELS] = {"AF", "empty", "fold", "grade", "leak", "lvef"};
static const float label[LABELS * N] = {
    /* AF */ 0,
    1,
    0,
    1,
    MISSING,
    0,
    0,
    0,
    1,
    0,
    0,
    0,
    /* empty */ MISSING,
    MISSING,
    MISSING,
    MISSING,
    MISSING,
    MISSING,
    MISSING,
    MISSING,
    MISSING,
    MISSING,
    MISSING,
    MISSING,
    /* fold */ 1,
    1,
    2,
    2,
    3,
    3,
    9,
    9,
    10,
    10,
    MISSING,
    MISSING,
    /* grade */ 0,
    1,
    2,
    3,
    4,
    5,
    0,
    1,
    -7,
    MISSING,
    1,
    0,
    /* leak */ 1,
    1,
    2,
    9,
    3,
    3,
    9,
    9,
    10,
    10,
    1,
    1,
    /* lvef */ 30,
    35,
    34.9f,
    MISSING,
    60,
    400,
    10,
    55,
    20,
    35.1f,
    MISSING,
    34};
static const char *const text_name[2] = {"codes", "st"};
static const char *const text[2 * N] = {
    /* codes */ "{'A': 100.0}",
    "{'B': 80, 'A': 0.0}",
    "{'B': 20.0}",
    "{}",
    "",
    "{'C': 50}",
    "{'A': 30, 'B': 60}",
    "{broken",
    "{'A': 49.9}",
    "{'B': 50}",
    "{'C': 1}",
    "{'A': 100, 'C': 100}",
    /* st */ "A",
    "A|B",
    "B",
    "",
    "",
    "C",
    " B | A ",
    "D",
    "A",
    "B",
    "C",
    "A|C"};

static void check_all(bool good, const char *name) {
    int mine = good, all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, ein_comm_mpi(world));
    if (!good) fprintf(stderr, "# rank %d: %s: %s\n", rank, name, ein_error_message());
    report_quiet = rank != 0;
    report(all == 1, "%s", name);
}

static char *path_of(const char *name) {
    static char path[4][512];
    static int next;
    char *out = path[next++ % 4];
    snprintf(out, 512, "%s/%s", folder, name);
    return out;
}

/* Build the targets of one description. */
static ein_status build_with(const char *yaml, const uint8_t *part, const ein_targets_tables *tables,
                             ein_targets *out) {
    ein_tasks tasks;
    EIN_BUG_IF(ein_tasks_parse("test", yaml, strlen(yaml), ein_task_library(), &tasks) != EIN_OK);
    const ein_status status = ein_targets_build(world, &tasks, corpus, part, tables, out);
    ein_tasks_free(&tasks);
    return status;
}
static ein_status build(const char *yaml, ein_targets *out) {
    return build_with(yaml, NULL, NULL, out);
}

/* Whether column j is this, NaN equal to NaN. */
static bool is(const ein_targets *t, int j, const float expected[N]) {
    for (int r = 0; r < N; r++) {
        const float found = t->value[r * t->n_targets + j];
        if (isnan(expected[r]) ? !isnan(found) : found != expected[r]) {
            ein_error(EIN_NUMERIC, "record %d, target %d: %g instead of %g", r, j, (double)found,
                      (double)expected[r]);
            return false;
        }
    }
    return true;
}
static bool counts_are(const ein_target_counts *c, int64_t positive, int64_t negative, int64_t missing) {
    if (c->positive == positive && c->negative == negative && c->missing == missing) return true;
    ein_error(EIN_NUMERIC, "%lld positive, %lld negative, %lld missing", (long long)c->positive,
              (long long)c->negative, (long long)c->missing);
    return false;
}

#define NA MISSING

static void numbers(void) {
    ein_targets t;
    bool good =
        build("name: low\nkind: binary\ngroup: clinical\nrule: lvef < 35\nvalid: [0, 100]\n", &t) == EIN_OK;
    /* 35 is not below 35; 34.9 is; 400 is an error; what is missing is no negative */
    static const float low[N] = {1, 0, 1, NA, 0, NA, 1, 0, 1, 0, NA, 1};
    check_all(good && t.n_targets == 1 && t.n_outputs == 2 && is(&t, 0, low) && t.invalid[0] == 1 &&
                  strstr(t.first_invalid, "record r5, task low, low: 400 is outside 0 to 100") &&
                  counts_are(&t.count[0], 5, 4, 0) && t.included[3] == 0 && t.included[0] == 1 &&
                  t.task[0].smoothing == 0.001 && !t.task[0].positive_weight,
              "a rule: missing and impossible values are neither positive nor negative");
    ein_targets_free(&t);

    good = build("name: af\nkind: multilabel\ngroup: ecg\ncolumns: [AF, grade]\n", &t) == EIN_OK;
    static const float af[N] = {0, 1, 0, 1, NA, 0, 0, 0, 1, 0, 0, 0},
                       grade[N] = {0, 1, NA, NA, NA, NA, 0, 1, NA, NA, 1, 0};
    check_all(
        good && is(&t, 0, af) && is(&t, 1, grade) && t.invalid[1] == 5 &&
            strstr(t.first_invalid, "record r2, task af, grade: 2 is neither 0 nor 1") &&
            t.included[4] == 0 && t.included[5] == 1 && counts_are(&t.count[0], 3, 8, 0) &&
            counts_are(&t.count[1], 3, 3, 5),
        "columns: 1 and 0, other values are errors; a record of which nothing is known is not included");
    ein_targets_free(&t);

    good = build("name: g\nkind: multilabel\ngroup: ecg\ncolumns: [grade, AF]\npositive: \"value in [2, "
                 "3]\"\nwhere: [age >= 40, lvef > 0]\n",
                 &t) == EIN_OK;
    static const float in[N] = {NA, NA, 1, NA, 0, 0, 0, 0, NA, NA, NA, 0};
    check_all(good && is(&t, 0, in) && t.invalid[0] == 0 && t.included[3] == 0 && t.included[8] == 0 &&
                  t.included[2] == 1,
              "positive values of a set; where: rules that hold, which a missing value does not");
    ein_targets_free(&t);

    good =
        build("tasks:\n  - {name: age, kind: regression, group: demographic, columns: age, unit: years}\n"
              "  - {name: sex, kind: binary, group: demographic, columns: sex, positive_weight: balanced}\n"
              "  - {name: ef, kind: regression, group: clinical, columns: [lvef, grade], valid: [0, 100]}\n"
              "  - {name: af, kind: multilabel, group: ecg, columns: [AF], positive_weight: 3, weight: 2}\n",
              &t) == EIN_OK;
    static const float sexes[N] = {0, 1, 0, 1, 0, 1, NA, NA, 1, 1, 1, 0};
    static const float ef[N] = {30, 35, 34.9f, NA, 60, NA, 10, 55, 20, 35.1f, NA, 34};
    check_all(good && t.n_tasks == 4 && t.n_targets == 5 && t.n_outputs == 6 && t.task[1].first_target == 1 &&
                  t.task[1].first_output == 1 && t.task[2].first_target == 2 && t.task[2].first_output == 3 &&
                  t.task[2].n_outputs == 2 && is(&t, 0, age) && is(&t, 1, sexes) && is(&t, 2, ef) &&
                  counts_are(&t.count[0], 11, 0, 0) && strcmp(t.target_name[1], "sex") == 0 &&
                  strcmp(t.target_name[3], "grade") == 0 && t.task[3].weight == 2 &&
                  t.task[3].positive_weight[0] == 3 && t.task[0].mean == t.mean && !t.task[3].mean,
              "several tasks: columns, outputs and names; age and sex are the corpus's");

    uint8_t part[N] = {1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 0, 0};
    good = good && ein_targets_fit(&t, part) == EIN_OK;
    /* of 20..70: mean 45, SD sqrt(1750 / 5); of 30, 35, 34.9f, 60 */
    const double m = (30 + 35 + (double)34.9f + 60) / 4;
    const double s = sqrt(((30 - m) * (30 - m) + (35 - m) * (35 - m) +
                           ((double)34.9f - m) * ((double)34.9f - m) + (60 - m) * (60 - m)) /
                          3);
    check_all(good && t.task[0].mean[0] == 45 && fabs(t.task[0].sd[0] - sqrt(350)) < 1e-12 &&
                  fabs(t.task[2].mean[0] - m) < 1e-12 && fabs(t.task[2].sd[0] - s) < 1e-12 &&
                  t.task[1].positive_weight[0] == 1 && t.task[3].positive_weight[0] == 3,
              "mean, SD and balance are those of the train part");
    ein_target_counts c[5];
    ein_targets_count(&t, part, EIN_SPLIT_TEST, c);
    check_all(counts_are(&c[0], 1, 0, 0) && counts_are(&c[1], 2, 0, 0) && counts_are(&c[4], 1, 1, 0),
              "counts of the test part");
    memset(part, EIN_SPLIT_TEST, N);
    memset(part, EIN_SPLIT_TRAIN, 3);
    check_all(ein_targets_fit(&t, part) == EIN_OK && t.task[1].positive_weight[0] == 2,
              "a balanced weight is negatives over positives");
    part[1] = part[2] = EIN_SPLIT_TEST;
    good = ein_targets_fit(&t, part) == EIN_NUMERIC &&
           strstr(ein_error_message(), "task age: 'age' has 1 values");
    part[2] = part[4] = EIN_SPLIT_TRAIN;
    good = good && ein_targets_fit(&t, part) == EIN_NUMERIC &&
           strstr(ein_error_message(), "task sex: 'sex' has 0 positives and 3 negatives");
    check_all(good, "one value has no SD, one class no balance");
    ein_targets_free(&t);
}

static void texts(void) {
    ein_targets t;
    bool good =
        build("name: s\nkind: multilabel\ngroup: ecg\ntext: [none, st, codes]\nstatements: {A: [A], B: [B], "
              "any: [B, C]}\n",
              &t) == EIN_OK;
    static const float a[N] = {1, 1, 0, NA, NA, 0, 1, 0, 1, 0, 0, 1},
                       b[N] = {0, 1, 1, NA, NA, 0, 1, 0, 0, 1, 0, 0},
                       any[N] = {0, 1, 1, NA, NA, 1, 1, 0, 0, 1, 1, 1};
    check_all(good && is(&t, 0, a) && is(&t, 1, b) && is(&t, 2, any) && t.included[7] == 1 &&
                  t.included[3] == 0 && counts_are(&t.count[0], 5, 5, 0),
              "statements between separators; an empty cell is not known; targets of several statements");
    ein_targets_free(&t);

    good = build("name: s\nkind: multilabel\ngroup: ecg\ntext: st\nstatements: [A, B]\ninclude: positive\n",
                 &t) == EIN_OK;
    static const float pa[N] = {1, 1, 0, NA, NA, NA, 1, NA, 1, 0, NA, 1};
    check_all(good && is(&t, 0, pa) && t.included[5] == 0 && t.included[7] == 0 &&
                  counts_are(&t.count[0], 5, 2, 0),
              "include: positive leaves out records with none of the statements");
    ein_targets_free(&t);

    good = build("name: s\nkind: binary\ngroup: ecg\ntext: st\nstatements: [A, C]\nempty: negative\n", &t) ==
           EIN_OK;
    static const float ac[N] = {1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1};
    check_all(good && t.n_targets == 1 && is(&t, 0, ac), "empty: negative, if the task says so");
    ein_targets_free(&t);

    good = build("name: s\nkind: multilabel\ngroup: ecg\ntext: codes\nstatements: {A: [A], any: [A, "
                 "B]}\nminimum_likelihood: 50\n",
                 &t) == EIN_OK;
    /* r1 has A at 0 but B at 80; r8 has A at 49.9; r7 is broken; r3 and r4 are empty */
    static const float la[N] = {1, NA, 0, NA, NA, 0, NA, NA, NA, 0, 0, 1},
                       lany[N] = {1, 1, NA, NA, NA, 0, 1, NA, NA, 1, 0, 1};
    check_all(good && is(&t, 0, la) && is(&t, 1, lany) && t.invalid[0] == 1 &&
                  strstr(t.first_invalid, "record r7, task s, A: byte 1: expected"),
              "likelihoods: one below the least makes a target unknown; a broken cell too");
    ein_targets_free(&t);
    good = build("name: s\nkind: multilabel\ngroup: ecg\ntext: codes\nstatements: [A, B]\n", &t) == EIN_OK;
    static const float za[N] = {1, 1, 0, NA, NA, 0, 1, NA, 1, 0, 0, 1};
    check_all(good && is(&t, 0, za), "a statement counts at any likelihood if none is asked for");
    ein_targets_free(&t);
    check_all(
        build("name: s\nkind: multilabel\ngroup: ecg\ntext: st\nstatements: [A]\nminimum_likelihood: 50\n",
              &t) == EIN_MISMATCH &&
            !t.value,
        "a likelihood that a column does not hold is refused");

    const uint8_t part[N] = {1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 0, 1};
    static const char all[] =
        "name: s\nkind: multilabel\ngroup: ecg\ntext: st\nstatements: all\nminimum_count: 2\n";
    good = build_with(all, part, NULL, &t) == EIN_OK;
    check_all(good && t.n_targets == 3 && strcmp(t.target_name[0], "A") == 0 &&
                  strcmp(t.target_name[2], "C") == 0 && is(&t, 0, a) && !t.tasks.task[0].all_statements,
              "all statements that are frequent in the train part, in order");
    char *kept = NULL;
    ein_targets u = {0};
    good = good && ein_tasks_to_yaml(&t.tasks, &kept) == EIN_OK && build(kept, &u) == EIN_OK &&
           u.n_targets == 3 && memcmp(u.included, t.included, N) == 0;
    check_all(good && is(&u, 0, a),
              "and what a model keeps of them gives the same targets without a train part");
    free(kept);
    ein_targets_free(&u);
    ein_targets_free(&t);
    check_all(build(all, &t) == EIN_USAGE, "all statements need a train part");
    check_all(
        build_with("name: s\nkind: multilabel\ngroup: ecg\ntext: st\nstatements: all\nminimum_count: 5\n",
                   part, NULL, &t) == EIN_RANGE,
        "no statement is frequent enough: an error");
}

static void absent(void) {
    ein_targets t;
    bool good = build("name: x\nkind: binary\ngroup: clinical\nrule: lvfe < 35\n", &t) == EIN_NOTFOUND &&
                strstr(ein_error_message(), "task x") && strstr(ein_error_message(), "the nearest is 'lvef'");
    check_all(good, "a column that is nowhere is named with the nearest");
    good = build("name: x\nkind: multilabel\ngroup: ecg\ntext: [cods, sst]\nstatements: [A]\n", &t) ==
               EIN_NOTFOUND &&
           strstr(ein_error_message(), "column of texts 'cods'");
    check_all(good, "a text column too");
    good = build("name: x\nkind: binary\ngroup: ecg\ncolumns: AF\nwhere: [wher > 3]\n", &t) == EIN_NOTFOUND;
    check_all(good, "and the column of a condition");
    check_all(build("name: x\nkind: regression\ngroup: ecg\ncolumns: empty\n", &t) == EIN_NUMERIC &&
                  strstr(ein_error_message(), "nothing is known of 'empty'"),
              "a task of which nothing is known is refused");
    const ein_targets_tables some = {.absent_ok = true};
    good = build_with("tasks:\n  - {name: x, kind: binary, group: ecg, rule: lvfe < 35}\n  - {name: y, kind: "
                      "multilabel, group: ecg, text: nowhere, statements: [A]}\n"
                      "  - {name: z, kind: binary, group: ecg, columns: AF}\n",
                      NULL, &some, &t) == EIN_OK;
    static const float nothing[N] = {NA, NA, NA, NA, NA, NA, NA, NA, NA, NA, NA, NA};
    check_all(good && is(&t, 0, nothing) && is(&t, 1, nothing) && counts_are(&t.count[0], 0, 0, 0) &&
                  t.count[2].positive == 3,
              "unless a site may lack labels: then they are not known");
    ein_targets_free(&t);
}

static void put(const char *name, const char *content) {
    if (rank == 0) EIN_BUG_IF(ein_durable_write(path_of(name), content, strlen(content)) != EIN_OK);
    MPI_Barrier(ein_comm_mpi(world));
}

static void tables(void) {
    ein_targets t;
    /* r0 by id, a/1 by path, r9 by its cohort and path, r2 twice, r3 without a key in the row, one row of nobody, one
     * row too short */
    put("one.csv",
        "key,lvef,note,st,age,sex\nr0,50,x,Q,99,F\na/1.hea,,x,,98,F\nr2,1,,,,\nr2,2,,,,\n,3,,,,\n"
        "nobody,4,,,,\nr6,word,,B,35,M\nshort,1\n./b/7,20,,D,,\nr8,NA,,,300,\ncx/b/9.hea,77,,,,\n");
    put("two.csv", "key,AF,st\nr0,1,R\nr4,1,Q\n");
    const char *paths[2];
    char first[512], second[512], out[512];
    snprintf(first, sizeof first, "%s", path_of("one.csv"));
    snprintf(second, sizeof second, "%s", path_of("two.csv"));
    snprintf(out, sizeof out, "%s", path_of("unjoined.csv"));
    paths[0] = first;
    paths[1] = second;
    const ein_targets_tables joined = {.n_tables = 2, .table = paths, .key = "key", .unjoined_csv = out};
    static const char yaml[] =
        "tasks:\n  - {name: ef, kind: regression, group: clinical, columns: [lvef]}\n"
        "  - {name: af, kind: binary, group: ecg, columns: AF}\n"
        "  - {name: s, kind: multilabel, group: ecg, text: st, statements: [Q, R, A]}\n"
        "  - {name: age, kind: regression, group: demographic, columns: age}\n"
        "  - {name: sex, kind: binary, group: demographic, columns: sex}\n";
    bool good = build_with(yaml, NULL, &joined, &t) == EIN_OK;
    static const float ef[N] = {50, 35, 34.9f, NA, 60, 400, 10, 20, 20, 77, NA, 34}; /* table, then corpus */
    static const float af[N] = {1, 1, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0};
    static const float q[N] = {1, 0, 0, NA, 1, 0, 0, 0, 0, 0, 0, 0},
                       r[N] = {0, 0, 0, NA, 0, 0, 0, 0, 0, 0, 0, 0};
    static const float ages[N] = {20, 30, 40, 50, 60, 70,
                                  80, 90, 90, 33, 44, 55}; /* the corpus, then the table: 300 is 90 */
    static const float sexes[N] = {0, 1, 0, 1, 0, 1, 0, NA, 1, 1, 1, 0};
    check_all(good && is(&t, 0, ef) && is(&t, 1, af),
              "a value of a table goes before the corpus's, a missing one does not");
    check_all(good && is(&t, 2, q) && is(&t, 3, r), "texts too, of the first table that has one");
    check_all(good && is(&t, 5, ages) && is(&t, 6, sexes),
              "age and sex are the corpus's where it knows them, else the table's in its codes");
    check_all(good && t.join.rows == 11 && t.join.unused == 1 && t.join.ambiguous == 2 &&
                  t.join.malformed == 2 && t.join.not_numeric == 1 && t.join.without_row == N - 7 &&
                  t.join.first[0],
              "rows that did not join are counted");
    check_all(good && t.join.ages == 1 && t.join.sexes == 1 && t.join.ages_differ >= 2 &&
                  t.join.sexes_differ >= 1,
              "and from where ages and sexes are, and that the two say something else");
    ein_targets_free(&t);
    ein_csv *csv = NULL;
    good = true;
    if (rank == 0) {
        static const char *const expected[][4] = {{"4", "r2", "several"},
                                                  {"5", "r2", "several"},
                                                  {"6", "", "no key"},
                                                  {"7", "nobody", "no such"},
                                                  {"", "", "one.csv:9: "}};
        good = ein_csv_open(out, &csv) == EIN_OK && ein_csv_rows(csv) == 5;
        for (int i = 0; good && i < 5; i++)
            good = strcmp(ein_csv_cell(csv, i, 1), expected[i][0]) == 0 &&
                   strcmp(ein_csv_cell(csv, i, 2), expected[i][1]) == 0 &&
                   strstr(ein_csv_cell(csv, i, 3), expected[i][2]) &&
                   strcmp(ein_csv_cell(csv, i, 0), first) == 0;
        ein_csv_close(csv);
    }
    check_all(good, "and listed with table, line, key and reason");

    put("none.csv", "key,lvef\nz1,3\nz2,4\n");
    snprintf(first, sizeof first, "%s", path_of("none.csv"));
    const ein_targets_tables strangers = {.n_tables = 1, .table = paths};
    good = build_with("name: ef\nkind: regression\ngroup: clinical\ncolumns: [lvef]\n", NULL, &strangers,
                      &t) == EIN_MISMATCH &&
           strstr(ein_error_message(), "'z1'") && strstr(ein_error_message(), "'r0'");
    check_all(good, "a table of which no row joins is refused, with both spellings");
    const ein_targets_tables wrong_key = {.n_tables = 1, .table = paths, .key = "kye"};
    check_all(build_with("name: ef\nkind: regression\ngroup: clinical\ncolumns: [lvef]\n", NULL, &wrong_key,
                         &t) == EIN_USAGE,
              "a key column that is not there is refused");
    put("sex.csv", "key,sex\nr6,1\n");
    snprintf(first, sizeof first, "%s", path_of("sex.csv"));
    check_all(build_with("name: sex\nkind: binary\ngroup: demographic\ncolumns: sex\n", NULL, &strangers,
                         &t) == EIN_FORMAT,
              "a sex of which only 1 is seen is refused");
    static const char *const code[] = {"female=1"};
    const ein_targets_tables declared = {.n_tables = 1, .table = paths, .n_sex_codes = 1, .sex_code = code};
    good = build_with("name: sex\nkind: binary\ngroup: demographic\ncolumns: sex\n", NULL, &declared, &t) ==
           EIN_OK;
    check_all(good, "and read as it is declared");
    if (good) ein_targets_free(&t);
}

/* --- loading by name --------------------------------------------------------------------------------------- */

static void loading(void) {
    ein_tasks tasks;
    put("mine.yaml", "tasks: [findings, {name: mine, kind: binary, group: ecg, rule: x > 1}]\n");
    const char *names[] = {"ptbxl/form", path_of("mine.yaml"), "study/lvef_below_35"};
    bool good = ein_tasks_load(world, ein_task_library(), names, 3, &tasks) == EIN_OK && tasks.n == 4 &&
                strcmp(tasks.task[0].name, "form") == 0 && tasks.task[0].n_targets == 19 &&
                strcmp(tasks.task[2].name, "mine") == 0 &&
                strcmp(tasks.task[3].target[0].column, "lvef") == 0;
    check_all(good, "tasks are loaded by name, by part of a file, and from a file");
    ein_tasks_free(&tasks);
    const char *whole[] = {"study"};
    good = ein_tasks_load(world, ein_task_library(), whole, 1, &tasks) == EIN_OK && tasks.n == 12 &&
           strcmp(tasks.task[11].name, "superclass") == 0;
    check_all(good, "the study's twelve");
    ein_tasks_free(&tasks);
    const char *part[] = {"study/form"};
    good = ein_tasks_load(world, ein_task_library(), part, 1, &tasks) == EIN_OK && tasks.n == 1;
    check_all(good, "one that a file takes from another");
    ein_tasks_free(&tasks);
    const char *bad[][1] = {{"ptblx/form"}, {"ptbxl/forms"}, {"nothing.yaml"}, {""}, {"/"}};
    for (int i = 0; i < 5; i++) {
        good = ein_tasks_load(world, ein_task_library(), bad[i], 1, &tasks) == EIN_NOTFOUND && tasks.n == 0;
        check_all(good, "a name that is none is refused on all ranks");
    }
    check_all(ein_tasks_load(world, ein_task_library(), bad[0], 0, &tasks) == EIN_USAGE,
              "no name at all too");
}

/* --- splits and leaks -------------------------------------------------------------------------------------- */

static ein_config *configure(const char *const *settings) {
    static const ein_option *const split_tables[] = {ein_table_split, NULL};
    ein_config *c;
    EIN_BUG_IF(ein_config_new(split_tables, &c) != EIN_OK);
    for (; *settings; settings++) EIN_BUG_IF(ein_config_set(c, *settings) != EIN_OK);
    return c;
}

static void splitting(void) {
    static const struct {
        const char *set[8];
        ein_status status;
        const char *says; /* or the parts, one letter per record */
    } cases[] = {
        {{"split.by=fold", "split.column=fold"}, EIN_OK, "ttttttvvxx--"},
        {{"split.by=fold", "split.column=fold", "split.without_fold=train"}, EIN_OK, "ttttttvvxxtt"},
        {{"split.by=fold", "split.column=fold", "split.valid=3,9", "split.test=[]"}, EIN_OK, "ttttvvvvtt--"},
        {{"split.by=fold", "split.column=fold", "split.test=11"}, EIN_USAGE, "split.test: no record"},
        {{"split.by=fold", "split.column=fold", "split.test=ten"}, EIN_USAGE, "'ten' is not a fold"},
        {{"split.by=fold", "split.column=fold", "split.test=9"},
         EIN_USAGE,
         "fold 9 is to validate and to test"},
        {{"split.by=fold", "split.column=folds"}, EIN_USAGE, "split.column"},
        {{"split.by=fold", "split.column=lvef"}, EIN_FORMAT, "whole numbers"},
        {{"split.by=fold", "split.column=leak"}, EIN_MISMATCH, "records r2 (train) and r3 (valid)"},
        {{"split.by=kfold", "split.k=5", "split.fold=5"}, EIN_USAGE, "fold 5 of 5"},
        {{"split.valid_fraction=0.5", "split.test_fraction=0.6"}, EIN_USAGE, "nobody"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ein_config *c = configure(cases[i].set);
        uint8_t *part = NULL;
        const ein_status status = ein_split_from_config(c, corpus, &part);
        bool good = status == cases[i].status && (status == EIN_OK) == (part != NULL);
        for (int r = 0; good && part && r < N; r++) good = "-tvx"[part[r]] == cases[i].says[r];
        if (good && !part) good = strstr(ein_error_message(), cases[i].says) != NULL;
        char name[256];
        snprintf(name, sizeof name, "split: %s %s: %s", cases[i].set[0],
                 cases[i].set[1] ? cases[i].set[1] : "", part ? cases[i].says : ein_error_message());
        check_all(good, name);
        free(part);
        ein_config_destroy(c);
    }
    static const char *const nothing[] = {NULL}, *const seeded[] = {"split.seed=3", NULL},
                             *const half[] = {"split.label_fraction=0.5", NULL},
                             *const folded[] = {"split.valid=8", NULL};
    ein_config *a = configure(nothing), *b = configure(seeded), *c = configure(half), *d = configure(folded);
    check_all(ein_split_is_default(a) && !ein_split_is_default(b) && !ein_split_is_default(c) &&
                  !ein_split_is_default(d),
              "whether a split was asked for");
    uint8_t *part = NULL;
    char *shown = NULL;
    size_t bytes;
    FILE *stream = open_memstream(&shown, &bytes);
    static const char *const by_fold[] = {"split.by=fold", "split.column=fold", NULL};
    ein_config *e = configure(by_fold);
    bool good = stream && ein_split_from_config(e, corpus, &part) == EIN_OK &&
                ein_split_print(stream, e, corpus, part) == EIN_OK;
    good = fclose(stream) == 0 && good;
    check_all(good && strstr(shown, "by column fold") &&
                  strstr(shown, "train           6 records of 3 patients") &&
                  strstr(shown, "unused          2 records of 1 patients"),
              "the summary counts records and patients");
    free(shown);
    free(part);
    ein_config_destroy(a);
    ein_config_destroy(b);
    ein_config_destroy(c);
    ein_config_destroy(d);
    ein_config_destroy(e);
}

static void leaks(void) {
    const int64_t train[] = {0, 1, 6, 9}, more[] = {9, 10};
    uint8_t part[N] = {1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 3, 3};
    ein_seen seen, others;
    char *text_of = NULL;
    ein_seen_match n;
    const ein_seen_secret open = {.id = "open"};
    bool good = ein_seen_make(corpus, train, 4, &open, &seen) == EIN_OK && seen.part[0].n == 4 &&
                ein_seen_make(corpus, more, 2, &open, &others) == EIN_OK;
    good = good && ein_seen_merge(&seen, &others) == EIN_OK && seen.part[0].n == 5 &&
           ein_seen_encode(&seen, &text_of) == EIN_OK;
    check_all(good, "records of a corpus make a set");
    good =
        ein_seen_check(text_of, "model.safetensors", corpus, part, &open, &n) == EIN_MISMATCH && n.found == 2;
    check_all(good &&
                  strstr(ein_error_message(), "model.safetensors was trained on 2 of the 4 test records") &&
                  strstr(ein_error_message(), "(r9, r10)"),
              "test records that were trained on are named");
    part[9] = part[10] = EIN_SPLIT_TRAIN;
    check_all(ein_seen_check(text_of, "m", corpus, part, &open, &n) == EIN_OK && n.found == 0,
              "none are: no message");
    part[6] = EIN_SPLIT_TEST; /* has no hash of its source: known by its id */
    check_all(ein_seen_check(text_of, "m", corpus, part, &open, &n) == EIN_MISMATCH &&
                  strstr(ein_error_message(), "(r6)"),
              "a record without a hash of its source is known by its id");
    check_all(ein_seen_check(NULL, "m", corpus, part, &open, &n) == EIN_OK && n.found == 0,
              "a model that does not say is not checked");
    check_all(ein_seen_check("1 1 x", "m.safetensors", corpus, part, &open, &n) == EIN_FORMAT &&
                  strstr(ein_error_message(), "m.safetensors"),
              "a damaged list is refused by the model's name");
    free(text_of);
    ein_seen_free(&seen);
    ein_seen_free(&others);
}

/* Records that are like training records: 0..199 train, 200..299 are others, and what stands below is like some. */
enum {
    ALIKE_TRAIN = 200,
    ALIKE_OTHERS = 300,
    TWO = 300,
    OF_TWO = 301,
    MANY = 302,
    FOUR = 332,
    SIGNAL = 334,
    ALIKE = 335
};
static ein_sketch alike_sketch[ALIKE];
static uint64_t alike_signal[ALIKE], alike_patient[ALIKE];

static void take_anchors(int64_t r, int first, int64_t from, int n) {
    for (int a = first; a < first + n; a++)
        memcpy(alike_sketch[r].feature[a], alike_sketch[from].feature[a], EIN_SKETCH_FEATURES);
}

static void make_alike(void) {
    uint32_t state = 1;
    for (int64_t r = 0; r < ALIKE; r++) {
        alike_sketch[r].n = EIN_SKETCH_ANCHORS;
        alike_signal[r] = 1000 + (uint64_t)(r == SIGNAL ? 9 : r);
        alike_patient[r] = (uint64_t)r;
        for (int k = 0; k < EIN_SKETCH_ANCHORS * EIN_SKETCH_FEATURES; k++) {
            state = state * 1664525 + 1013904223; /* in the middle of a cell */
            alike_sketch[r].feature[k / EIN_SKETCH_FEATURES][k % EIN_SKETCH_FEATURES] =
                (int8_t)((int)(state >> 28) * EIN_SKETCH_CELL - 128 + EIN_SKETCH_CELL / 2);
        }
    }
    take_anchors(TWO, 0, 3, 2);
    take_anchors(OF_TWO, 0, 3, 1);
    take_anchors(OF_TWO, 1, 5, 1);
    for (int64_t r = MANY; r < FOUR; r++) take_anchors(r, 1, r - MANY, 2);
    for (int64_t r = FOUR; r < SIGNAL; r++) take_anchors(r, 0, r - FOUR, 4);
}

/* Check with the others and records `first` to `last` as test part. */
static ein_status check_alike(ein_corpus *c, const char *set, int first, int last, ein_seen_match *out) {
    const ein_seen_secret open = {.id = "open"};
    uint8_t part[ALIKE];
    for (int r = 0; r < ALIKE; r++)
        part[r] = r < ALIKE_TRAIN                                 ? EIN_SPLIT_TRAIN
                  : r < ALIKE_OTHERS || (r >= first && r <= last) ? EIN_SPLIT_TEST
                                                                  : EIN_SPLIT_NONE;
    return ein_seen_check(set, "m", c, part, &open, out);
}

/* What chance explains is told, what it does not is refused. */
static void alike(void) {
    static char name[ALIKE][8];
    const char *names[ALIKE];
    const ein_seen_secret open = {.id = "open"};
    int64_t train[ALIKE_TRAIN];
    ein_seen seen = {0};
    ein_seen_match m;
    ein_corpus *c;
    char *set = NULL, said[512];
    make_alike();
    for (int i = 0; i < ALIKE; i++) {
        snprintf(name[i], sizeof name[i], "a%d", i);
        names[i] = name[i];
        if (i < ALIKE_TRAIN) train[i] = i;
    }
    const made_corpus made = {.N = ALIKE,
                              .id = names,
                              .patient = alike_patient,
                              .signal_key = alike_signal,
                              .sketch = alike_sketch};
    bool good = made_open(world, path_of("alike.h5"), &made, &c) == EIN_OK &&
                ein_seen_make(c, train, ALIKE_TRAIN, &open, &seen) == EIN_OK &&
                ein_seen_encode(&seen, &set) == EIN_OK;
    check_all(good && strncmp(set, "3 open 200 1200 ", 16) == 0, "a set with sketches");
    check_all(check_alike(c, set, 0, -1, &m) == EIN_OK && m.alike == 0, "others are others");
    good = check_alike(c, set, TWO, TWO, &m) == EIN_OK && m.found == 0 && m.alike == 1;
    ein_seen_alike(&m, said, sizeof said);
    check_all(
        good &&
            strstr(said,
                   "1 of the test records are like one of the 200 training records by their signal (a300)"),
        "one record of two anchors may be chance: it is told, and is no hindrance");
    check_all(check_alike(c, set, OF_TWO, OF_TWO, &m) == EIN_OK && m.alike == 0,
              "anchors of two training records are none of either");
    good = check_alike(c, set, MANY, FOUR - 1, &m) == EIN_MISMATCH && m.found == 30 && m.alike == 0;
    check_all(good && strstr(ein_error_message(), "30 of the 130 test records") &&
                  strstr(ein_error_message(), "30 of them are known by their signal"),
              "thirty of them are not chance, but another form of what was trained on");
    check_all(check_alike(c, set, FOUR, FOUR, &m) == EIN_OK && m.alike == 1, "one of four anchors may be");
    check_all(check_alike(c, set, FOUR, FOUR + 1, &m) == EIN_MISMATCH && m.found == 2, "two of four may not");
    check_all(check_alike(c, set, SIGNAL, SIGNAL, &m) == EIN_MISMATCH && m.found == 1 && m.by_signal == 1 &&
                  m.alike == 0,
              "the same samples are refused at once");
    /* What version 2 kept of records 3 and 5; then as if they were of very many. */
#define LOOSE_KEYS                                                     \
    "vBvw87hqVQFSaTCmC+d+K+OBH8u02HAwBXBM7F3yFV8bW//IxjlWYWWPGSF2m5Fx" \
    "906GfynvYnLOKoHJ5YpqlK4UCcDwSfrNVux677uJX+MGY4m86NOc9+OOwIU/lcf3"
    check_all(check_alike(c, "2 open 2 12 " LOOSE_KEYS "\n", OF_TWO, OF_TWO, &m) == EIN_MISMATCH &&
                  m.found == 1,
              "in a set of version 2 anchors of any records count");
    check_all(check_alike(c, "2 open 2000 12 " LOOSE_KEYS "\n", OF_TWO, OF_TWO, &m) == EIN_OK &&
                  m.alike == 1 && m.chance > 0.05 && m.chance < 0.06,
              "with the chance of that");
    check_all(check_alike(c, "2 open 100000 12 " LOOSE_KEYS "\n", OF_TWO, OF_TWO, &m) == EIN_OK &&
                  m.alike == 1 && m.chance > 10 && m.chance < 12,
              "which is larger than of single records in large sets");
    free(set);
    ein_seen_free(&seen);
    ein_corpus_close(c);
}

int main(int argc, char **argv) {
    const made_corpus m = {.N = N,
                           .id = id,
                           .source_file = file,
                           .sha256 = sha256,
                           .cohort = cohort,
                           .patient = patient,
                           .age = age,
                           .sex = sex,
                           .n_labels = LABELS,
                           .n_texts = 2,
                           .label_name = label_name,
                           .text_name = text_name,
                           .label = label,
                           .text = text};
    if (ein_comm_start(&argc, &argv, &world) != EIN_OK) return 1;
    rank = ein_comm_rank(world);
    report_quiet = rank != 0;
    snprintf(folder, sizeof folder, "/tmp/einthoven-targets.XXXXXX");
    if (rank == 0 && !mkdtemp(folder)) return 1;
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, ein_comm_mpi(world));
    check_all(made_open(world, path_of("made.h5"), &m, &corpus) == EIN_OK, "a made-up corpus");
    numbers();
    texts();
    absent();
    tables();
    loading();
    splitting();
    leaks();
    alike();
    ein_corpus_close(corpus);
    MPI_Barrier(ein_comm_mpi(world));
    if (rank == 0) {
        char command[512];
        snprintf(command, sizeof command, "rm -rf '%s'", folder);
        if (system(command) != 0) return 1;
    }
    int code = rank == 0 ? report_end() : 0;
    ein_comm_finish(world);
    return code;
}
