/* Splits of made-up patients: disjoint, stable, nested, and what must be refused. */
#include "core/records/split.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/philox.h"
#include "tests/report.h"
#include "tests/seed.h"

enum { N = 20000, PATIENTS = 12000 };

static uint64_t patient[N];
static uint8_t part[N], other[N];

/* One to several records per patient, those of a patient scattered. */
static void make_patients(void) {
    for (int i = 0; i < N; i++) {
        const uint64_t who = i < PATIENTS
                                 ? (uint64_t)i
                                 : ein_philox(test_seed(3), EIN_DRAW_TEST, (uint64_t)i, 0).v[0] % PATIENTS;
        const ein_philox_block key = ein_philox(test_seed(4), EIN_DRAW_TEST, who, 0);
        patient[i] = (uint64_t)key.v[0] << 32 | key.v[1];
    }
}

static ein_split_options hash_options(double valid, double test) {
    return (ein_split_options){.kind = EIN_SPLIT_HASH,
                               .seed = 1,
                               .valid_fraction = valid,
                               .test_fraction = test,
                               .label_fraction = 1};
}
static ein_split_options kfold_options(int k, int fold) {
    return (ein_split_options){
        .kind = EIN_SPLIT_KFOLD, .seed = 7, .k = k, .fold = fold, .valid_fraction = 0.1, .label_fraction = 1};
}

static int64_t count(const uint8_t *of, ein_split_part which) {
    int64_t n = 0;
    for (int i = 0; i < N; i++) n += of[i] == which;
    return n;
}

static ein_split_counts counts_of(const uint8_t *of) {
    ein_split_counts c = {0};
    EIN_BUG_IF(ein_split_count(of, patient, N, &c) != EIN_OK);
    return c;
}

/* |share - fraction| within five standard deviations of a binomial share of `patients`. */
static bool near(int64_t found, int64_t patients, double fraction) {
    const double share = (double)found / (double)patients;
    return fabs(share - fraction) <= 5 * sqrt(fraction * (1 - fraction) / (double)patients);
}

/* Without ein_split_check, which sorts: every pair of one patient by brute force over a part of the records. */
static bool disjoint(const uint8_t *of) {
    for (int i = 0; i < N; i += 7)
        for (int j = 0; j < N; j++)
            if (patient[i] == patient[j] && of[i] != of[j]) return false;
    return true;
}

static void by_hash(void) {
    ein_split_options o = hash_options(0.1, 0.2);
    report(ein_split(part, patient, N, &o) == EIN_OK && disjoint(part),
           "hash: a patient's records fall on one side");
    const ein_split_counts c = counts_of(part);
    report(near(c.patients[EIN_SPLIT_VALID], PATIENTS, 0.1) &&
               near(c.patients[EIN_SPLIT_TEST], PATIENTS, 0.2) &&
               c.patients[EIN_SPLIT_TRAIN] + c.patients[EIN_SPLIT_VALID] + c.patients[EIN_SPLIT_TEST] ==
                   PATIENTS &&
               c.records[EIN_SPLIT_NONE] == 0 && c.records[EIN_SPLIT_TRAIN] == count(part, EIN_SPLIT_TRAIN),
           "hash: fractions of patients, everybody in a part (%lld, %lld of %d)",
           (long long)c.patients[EIN_SPLIT_VALID], (long long)c.patients[EIN_SPLIT_TEST], PATIENTS);

    o = hash_options(0.025, 0);
    bool good = ein_split(part, patient, N, &o) == EIN_OK;
    for (int i = 0; i < N; i++)
        good =
            good && part[i] == (ein_split_place(1, patient[i]) < 0.025 ? EIN_SPLIT_VALID : EIN_SPLIT_TRAIN);
    report(good, "hash: without a test part it is the split by ein_split_place");

    ein_split_options a = hash_options(0.1, 0.2), b = hash_options(0.4, 0.2);
    good = ein_split(part, patient, N, &a) == EIN_OK && ein_split(other, patient, N, &b) == EIN_OK;
    for (int i = 0; i < N; i++) good = good && (part[i] == EIN_SPLIT_TEST) == (other[i] == EIN_SPLIT_TEST);
    report(good && count(other, EIN_SPLIT_VALID) > count(part, EIN_SPLIT_VALID),
           "hash: the test part does not depend on the valid fraction");

    good = ein_split(part, patient, N, &a) == EIN_OK && ein_split(other, patient, N / 3, &a) == EIN_OK;
    report(good && memcmp(part, other, N / 3) == 0, "hash: records that are added move nobody");

    b = a;
    b.seed = 2;
    good = ein_split(other, patient, N, &b) == EIN_OK;
    int64_t both = 0;
    for (int i = 0; i < N; i++) both += part[i] == EIN_SPLIT_TEST && other[i] == EIN_SPLIT_TEST;
    report(good && both > 0 && both < count(part, EIN_SPLIT_TEST) / 2, "hash: another seed tests others");
}

/* Splits are part of results: these are the parts of patients 0 to 39 with seed 1, for ever. */
static void pinned(void) {
    uint64_t few[40];
    uint8_t found[40];
    char text[41] = "";
    for (int i = 0; i < 40; i++) few[i] = (uint64_t)i;
    const ein_split_options hash = hash_options(0.25, 0.25);
    bool good = ein_split(found, few, 40, &hash) == EIN_OK;
    for (int i = 0; i < 40; i++) text[i] = "-tvx"[found[i]];
    report(good && strcmp(text, "vxxxttvvxtxvttttxvtxvtvtxvvtttvxvtttttvt") == 0, "hash: pinned parts: %s",
           text);
    ein_split_options kfold = {
        .kind = EIN_SPLIT_KFOLD, .seed = 1, .k = 4, .fold = 2, .valid_fraction = 0.25, .label_fraction = 0.5};
    good = ein_split(found, few, 40, &kfold) == EIN_OK;
    for (int i = 0; i < 40; i++) text[i] = "-tvx"[found[i]];
    report(good && strcmp(text, "-vvtx-ttvvtvt-xv--xt-v-v-vvxtttv--xxtxtx") == 0, "kfold: pinned parts: %s",
           text);
}

static void by_kfold(void) {
    static int tested[N];
    bool good = true, apart = true;
    int64_t smallest = N;
    for (int fold = 0; fold < 5; fold++) {
        const ein_split_options o = kfold_options(5, fold);
        good = good && ein_split(part, patient, N, &o) == EIN_OK;
        for (int i = 0; i < N; i++) tested[i] += part[i] == EIN_SPLIT_TEST;
        apart = apart && disjoint(part);
        const ein_split_counts c = counts_of(part);
        good = good && near(c.patients[EIN_SPLIT_VALID], PATIENTS - c.patients[EIN_SPLIT_TEST], 0.1);
        if (c.patients[EIN_SPLIT_TEST] < smallest) smallest = c.patients[EIN_SPLIT_TEST];
    }
    bool once = true;
    for (int i = 0; i < N; i++) once = once && tested[i] == 1;
    report(once, "kfold: over the folds every record is tested once");
    report(good && apart && near(smallest, PATIENTS, 0.2),
           "kfold: folds of a fifth, a tenth of the others to validate, "
           "patients on one side");
    const ein_split_options o = kfold_options(5, 4);
    report(ein_split(other, patient, N / 2, &o) == EIN_OK && memcmp(part, other, N / 2) == 0,
           "kfold: records that are added move nobody");
}

static void by_column(void) {
    static const int64_t valid[] = {9}, test[] = {10, -1};
    static float folds[N];
    ein_split_options o = {.kind = EIN_SPLIT_FOLD,
                           .folds = folds,
                           .valid_folds = valid,
                           .n_valid_folds = 1,
                           .test_folds = test,
                           .n_test_folds = 2,
                           .label_fraction = 1};
    for (int i = 0; i < N; i++) {
        const int f = (int)(patient[i] % 12);
        folds[i] = f == 11 ? NAN : f == 0 ? -1 : (float)f;
    }
    bool good = ein_split(part, patient, N, &o) == EIN_OK;
    for (int i = 0; i < N; i++) {
        const int f = (int)(patient[i] % 12);
        good = good && part[i] == (f == 11             ? EIN_SPLIT_NONE
                                   : f == 9            ? EIN_SPLIT_VALID
                                   : f == 10 || f == 0 ? EIN_SPLIT_TEST
                                                       : EIN_SPLIT_TRAIN);
    }
    report(good, "fold: listed folds validate and test, others train, without a fold no part");
    o.without_fold_trains = true;
    good = ein_split(part, patient, N, &o) == EIN_OK;
    for (int i = 0; i < N; i++)
        good = good && (part[i] != EIN_SPLIT_NONE) && (!isnan(folds[i]) || part[i] == EIN_SPLIT_TRAIN);
    report(good, "fold: without a fold they train on request");

    folds[5] = 2.5f;
    report(ein_split(part, patient, N, &o) == EIN_FORMAT &&
               strstr(ein_error_message(), "record 5 has fold 2.5"),
           "fold: 2.5 is no fold: %s", ein_error_message());
    folds[5] = INFINITY;
    report(ein_split(part, patient, N, &o) == EIN_FORMAT, "fold: infinity is no fold");
    folds[5] = 1;
    patient[5] = 1; /* a patient of records 5 and 6 only, in two folds */
    patient[6] = 1;
    folds[6] = 10;
    int64_t pair[2] = {0};
    good = ein_split(part, patient, N, &o) == EIN_MISMATCH &&
           strstr(ein_error_message(), "records 5 and 6 are of one");
    report(good && ein_split_check(part, patient, N, pair) == EIN_MISMATCH && pair[0] == 5 && pair[1] == 6,
           "fold: a patient in two parts is refused and named: %s", ein_error_message());
    part[6] = EIN_SPLIT_NONE;
    report(ein_split_check(part, patient, N, pair) == EIN_OK, "a record of no part is on no side");
    make_patients();
}

static void few_labels(void) {
    static uint8_t at[3][N];
    static const double fraction[3] = {0.01, 0.1, 1};
    bool good = true, nested = true, exact = true;
    ein_split_options o = hash_options(0.1, 0.2);
    ein_split_counts whole = {0};
    for (int k = 2; k >= 0; k--) {
        o.label_fraction = fraction[k];
        good = good && ein_split(at[k], patient, N, &o) == EIN_OK;
        const ein_split_counts c = counts_of(at[k]);
        if (k == 2) whole = c;
        exact = exact &&
                c.patients[EIN_SPLIT_TRAIN] == llround(fraction[k] * (double)whole.patients[EIN_SPLIT_TRAIN]);
        exact = exact && c.records[EIN_SPLIT_VALID] == whole.records[EIN_SPLIT_VALID] &&
                c.records[EIN_SPLIT_TEST] == whole.records[EIN_SPLIT_TEST];
    }
    for (int i = 0; i < N; i++) {
        for (int k = 0; k < 2; k++)
            nested = nested && (at[k][i] != EIN_SPLIT_TRAIN || at[k + 1][i] == EIN_SPLIT_TRAIN);
        nested =
            nested && (at[0][i] == at[2][i] || (at[0][i] == EIN_SPLIT_NONE && at[2][i] == EIN_SPLIT_TRAIN));
    }
    report(good && nested, "labels: 1 %% is in 10 %% is in all, the rest belongs to no part");
    report(exact && disjoint(at[1]),
           "labels: that share of the training patients, whole; valid and test stay");

    o.label_fraction = 0.1;
    o.label_fraction_valid = true;
    good = ein_split(part, patient, N, &o) == EIN_OK;
    const ein_split_counts c = counts_of(part);
    report(good && c.patients[EIN_SPLIT_VALID] == llround(0.1 * (double)whole.patients[EIN_SPLIT_VALID]) &&
               c.patients[EIN_SPLIT_TRAIN] == llround(0.1 * (double)whole.patients[EIN_SPLIT_TRAIN]) &&
               c.records[EIN_SPLIT_TEST] == whole.records[EIN_SPLIT_TEST],
           "labels: the valid part too, on request");
    o.label_fraction = 1e-9;
    good = ein_split(part, patient, N, &o) == EIN_OK;
    report(good && counts_of(part).patients[EIN_SPLIT_TRAIN] == 1 &&
               counts_of(part).patients[EIN_SPLIT_VALID] == 1,
           "labels: at least one patient is left");
    o.label_fraction = 0.1;
    o.label_fraction_valid = false;
    o.seed = 2;
    good = ein_split(part, patient, N, &o) == EIN_OK;
    int64_t same = 0;
    for (int i = 0; i < N; i++) same += part[i] == EIN_SPLIT_TRAIN && at[1][i] == EIN_SPLIT_TRAIN;
    report(good && same < count(part, EIN_SPLIT_TRAIN) / 2, "labels: another seed keeps others");
    uint8_t none[1] = {0};
    o = hash_options(0.999, 0);
    o.label_fraction = 0.5;
    report(ein_split(none, patient, 1, &o) == EIN_OK && none[0] == EIN_SPLIT_VALID,
           "labels: a train part of nobody is no fault");
}

/* The order of records is nothing but their order. */
static void by_order(void) {
    static uint64_t turned[N];
    ein_split_options o = kfold_options(3, 1);
    o.label_fraction = 0.3;
    for (int i = 0; i < N; i++) turned[i] = patient[N - 1 - i];
    bool good = ein_split(part, patient, N, &o) == EIN_OK && ein_split(other, turned, N, &o) == EIN_OK;
    for (int i = 0; i < N; i++) good = good && part[i] == other[N - 1 - i];
    report(good, "the order of records does not matter");
    int64_t *index = calloc(N, sizeof *index);
    const int64_t n = ein_split_list(part, N, EIN_SPLIT_TEST, index);
    good = index && n == count(part, EIN_SPLIT_TEST);
    for (int64_t i = 0; i < n; i++)
        good = good && part[index[i]] == EIN_SPLIT_TEST && (i == 0 || index[i] > index[i - 1]);
    report(good, "the list of a part ascends and is complete");
    free(index);
}

static void refused(void) {
    static const int64_t nine[] = {9};
    static const float folds[1] = {1};
    const struct {
        ein_split_options o;
        const char *says;
    } cases[] = {
        {{.kind = EIN_SPLIT_HASH, .valid_fraction = 0.5, .test_fraction = 0.5, .label_fraction = 1},
         "nobody"},
        {{.kind = EIN_SPLIT_HASH, .valid_fraction = -0.1, .label_fraction = 1}, "valid fraction"},
        {{.kind = EIN_SPLIT_HASH, .test_fraction = 1, .label_fraction = 1}, "test fraction"},
        {{.kind = EIN_SPLIT_HASH, .test_fraction = NAN, .label_fraction = 1}, "test fraction"},
        {{.kind = EIN_SPLIT_HASH, .label_fraction = 0}, "label fraction"},
        {{.kind = EIN_SPLIT_HASH, .label_fraction = NAN}, "label fraction"},
        {{.kind = EIN_SPLIT_HASH, .label_fraction = 1.01}, "label fraction"},
        {{.kind = EIN_SPLIT_KFOLD, .k = 1, .label_fraction = 1}, "at least 2"},
        {{.kind = EIN_SPLIT_KFOLD, .k = 5, .fold = 5, .label_fraction = 1}, "fold 5 of 5"},
        {{.kind = EIN_SPLIT_KFOLD, .k = 5, .fold = -1, .label_fraction = 1}, "fold -1"},
        {{.kind = EIN_SPLIT_KFOLD, .k = 5, .valid_fraction = 1, .label_fraction = 1}, "valid fraction"},
        {{.kind = EIN_SPLIT_FOLD,
          .folds = folds,
          .valid_folds = nine,
          .n_valid_folds = 1,
          .test_folds = nine,
          .n_test_folds = 1,
          .label_fraction = 1},
         "fold 9"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        report(ein_split(part, patient, 1, &cases[i].o) == EIN_USAGE &&
                   strstr(ein_error_message(), cases[i].says),
               "refused: %s", ein_error_message());
}

int main(void) {
    make_patients();
    by_hash();
    pinned();
    by_kfold();
    by_column();
    few_labels();
    by_order();
    refused();
    return report_end();
}
