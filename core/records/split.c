#include "core/records/split.h"

#include <math.h>
#include <stdlib.h>

#include "core/base/philox.h"

/* Blocks of a patient's draws. */
enum { BLOCK_PLACE = 0, BLOCK_VALID = 1, BLOCK_LABELS = 2 };

typedef struct {
    double draw;
    uint64_t patient;
} placed;

typedef struct {
    uint64_t patient;
    int64_t record;
} owned;

const char *ein_split_part_name(ein_split_part part) {
    static const char *const names[EIN_SPLIT_PARTS] = {"none", "train", "valid", "test"};
    return names[part];
}

static double draw_of(uint64_t seed, uint64_t patient, uint32_t block) {
    const ein_philox_block draw = ein_philox(seed, EIN_DRAW_SPLIT, patient, block);
    return ein_uniform52(draw.v[0], draw.v[1]);
}

double ein_split_place(uint64_t seed, uint64_t patient) {
    return draw_of(seed, patient, BLOCK_PLACE);
}

/* --- options --------------------------------------------------------------------------------------------- */

static bool is_listed(const int64_t *list, int n, int64_t fold) {
    for (int i = 0; i < n; i++)
        if (list[i] == fold) return true;
    return false;
}

static ein_status check_fractions(const ein_split_options *o) {
    if (!(o->valid_fraction >= 0 && o->valid_fraction < 1))
        return ein_error(EIN_USAGE, "a valid fraction of %g; 0 to less than 1 is possible",
                         o->valid_fraction);
    if (o->kind == EIN_SPLIT_KFOLD) return EIN_OK;
    if (!(o->test_fraction >= 0 && o->test_fraction < 1))
        return ein_error(EIN_USAGE, "a test fraction of %g; 0 to less than 1 is possible", o->test_fraction);
    if (!(o->valid_fraction + o->test_fraction < 1))
        return ein_error(EIN_USAGE, "fractions of %g to validate and %g to test leave nobody to train",
                         o->valid_fraction, o->test_fraction);
    return EIN_OK;
}

static ein_status check_options(const ein_split_options *o) {
    if (!(o->label_fraction > 0 && o->label_fraction <= 1))
        return ein_error(EIN_USAGE, "a label fraction of %g; more than 0 up to 1 is possible",
                         o->label_fraction);
    if (o->kind == EIN_SPLIT_KFOLD && (o->k < 2 || o->fold < 0 || o->fold >= o->k))
        return ein_error(EIN_USAGE, "fold %d of %d: folds count from 0 and there are at least 2", o->fold,
                         o->k);
    if (o->kind != EIN_SPLIT_FOLD) return check_fractions(o);
    for (int i = 0; i < o->n_valid_folds; i++)
        if (is_listed(o->test_folds, o->n_test_folds, o->valid_folds[i]))
            return ein_error(EIN_USAGE, "fold %lld is to validate and to test; it can be on one list only",
                             (long long)o->valid_folds[i]);
    return EIN_OK;
}

/* --- parts ----------------------------------------------------------------------------------------------- */

static ein_status part_by_fold(const ein_split_options *o, int64_t record, uint8_t *part) {
    enum { GREATEST = 1000000 };
    const float fold = o->folds[record];
    if (isnan(fold)) {
        *part = o->without_fold_trains ? EIN_SPLIT_TRAIN : EIN_SPLIT_NONE;
        return EIN_OK;
    }
    if (!(fabsf(fold) <= GREATEST) || fold != floorf(fold))
        return ein_error(EIN_FORMAT,
                         "record %lld has fold %g; folds are whole numbers: is this their column?",
                         (long long)record, (double)fold);
    *part = is_listed(o->test_folds, o->n_test_folds, (int64_t)fold)     ? EIN_SPLIT_TEST
            : is_listed(o->valid_folds, o->n_valid_folds, (int64_t)fold) ? EIN_SPLIT_VALID
                                                                         : EIN_SPLIT_TRAIN;
    return EIN_OK;
}

static uint8_t part_by_hash(const ein_split_options *o, uint64_t patient) {
    const double place = ein_split_place(o->seed, patient);
    if (place < o->valid_fraction) return EIN_SPLIT_VALID;
    return place >= 1 - o->test_fraction ? EIN_SPLIT_TEST : EIN_SPLIT_TRAIN;
}

static uint8_t part_by_kfold(const ein_split_options *o, uint64_t patient) {
    /* The place is below 1 by 2^-53, but its product with k may round up to k. */
    const int fold = (int)(ein_split_place(o->seed, patient) * o->k);
    if ((fold < o->k ? fold : o->k - 1) == o->fold) return EIN_SPLIT_TEST;
    return draw_of(o->seed, patient, BLOCK_VALID) < o->valid_fraction ? EIN_SPLIT_VALID : EIN_SPLIT_TRAIN;
}

/* --- few labels ------------------------------------------------------------------------------------------ */

static int compare_placed(const void *a, const void *b) {
    const placed *x = a, *y = b;
    if (x->draw != y->draw) return x->draw < y->draw ? -1 : 1;
    return x->patient < y->patient ? -1 : x->patient > y->patient;
}

/* Keep the patients of one part with the smallest draws. Equal patients have equal draws, so they stand together. */
static ein_status keep_labels(uint8_t *part, const uint64_t *patient, int64_t N, const ein_split_options *o,
                              ein_split_part which) {
    placed *of;
    int64_t n = 0, patients = 0, kept = 0;
    EIN_TRY(EIN_NEW(of, N));
    for (int64_t i = 0; i < N; i++)
        if (part[i] == which)
            of[n++] = (placed){.draw = draw_of(o->seed, patient[i], BLOCK_LABELS), .patient = patient[i]};
    qsort(of, (size_t)n, sizeof *of, compare_placed);
    for (int64_t i = 0; i < n; i++) patients += i == 0 || of[i].patient != of[i - 1].patient;
    const int64_t wanted = llround(o->label_fraction * (double)patients);
    int64_t last = 0; /* so the first patient is kept also if none is wanted */
    for (int64_t i = 0; i < n && kept <= wanted; i++) {
        kept += i == 0 || of[i].patient != of[i - 1].patient;
        if (kept <= wanted) last = i;
    }
    for (int64_t i = 0; i < N; i++) {
        if (part[i] != which) continue;
        const placed mine = {.draw = draw_of(o->seed, patient[i], BLOCK_LABELS), .patient = patient[i]};
        if (compare_placed(&mine, &of[last]) > 0) part[i] = EIN_SPLIT_NONE;
    }
    free(of);
    return EIN_OK;
}

ein_status ein_split(uint8_t *part, const uint64_t *patient, int64_t N, const ein_split_options *options) {
    const ein_split_options *o = options;
    EIN_TRY(check_options(o));
    for (int64_t i = 0; i < N; i++) {
        if (o->kind == EIN_SPLIT_FOLD)
            EIN_TRY(part_by_fold(o, i, &part[i]));
        else
            part[i] = o->kind == EIN_SPLIT_HASH ? part_by_hash(o, patient[i]) : part_by_kfold(o, patient[i]);
    }
    EIN_TRY(ein_split_check(part, patient, N, NULL));
    if (o->label_fraction < 1) {
        EIN_TRY(keep_labels(part, patient, N, o, EIN_SPLIT_TRAIN));
        if (o->label_fraction_valid) EIN_TRY(keep_labels(part, patient, N, o, EIN_SPLIT_VALID));
    }
    return EIN_OK;
}

/* --- looking at a split ---------------------------------------------------------------------------------- */

static int compare_owned(const void *a, const void *b) {
    const owned *x = a, *y = b;
    if (x->patient != y->patient) return x->patient < y->patient ? -1 : 1;
    return x->record < y->record ? -1 : x->record > y->record;
}

/* Records by patient, those of a patient in their order. */
static ein_status by_patient(const uint64_t *patient, int64_t N, owned **out) {
    EIN_TRY(EIN_NEW(*out, N));
    for (int64_t i = 0; i < N; i++) (*out)[i] = (owned){.patient = patient[i], .record = i};
    qsort(*out, (size_t)N, sizeof **out, compare_owned);
    return EIN_OK;
}

ein_status ein_split_check(const uint8_t *part, const uint64_t *patient, int64_t N, int64_t pair[2]) {
    owned *of;
    int64_t first = -1, found[2] = {-1, -1};
    EIN_TRY(by_patient(patient, N, &of));
    for (int64_t i = 0; i < N; i++) {
        if (i == 0 || of[i].patient != of[i - 1].patient) first = -1;
        const int64_t record = of[i].record;
        if (part[record] == EIN_SPLIT_NONE) continue;
        if (first < 0) first = record;
        if (part[record] != part[first] && (found[0] < 0 || first < found[0])) {
            found[0] = first;
            found[1] = record;
        }
    }
    free(of);
    if (found[0] < 0) return EIN_OK;
    if (pair) {
        pair[0] = found[0];
        pair[1] = found[1];
    }
    return ein_error(
        EIN_MISMATCH,
        "records %lld and %lld are of one patient, but one is in the %s part and the other in the "
        "%s part; split by patient",
        (long long)found[0], (long long)found[1], ein_split_part_name(part[found[0]]),
        ein_split_part_name(part[found[1]]));
}

ein_status ein_split_count(const uint8_t *part, const uint64_t *patient, int64_t N, ein_split_counts *out) {
    *out = (ein_split_counts){0};
    owned *of;
    EIN_TRY(by_patient(patient, N, &of));
    bool counted[EIN_SPLIT_PARTS] = {false};
    for (int64_t i = 0; i < N; i++) {
        const uint8_t mine = part[of[i].record];
        if (i == 0 || of[i].patient != of[i - 1].patient)
            for (int p = 0; p < EIN_SPLIT_PARTS; p++) counted[p] = false;
        out->records[mine]++;
        out->patients[mine] += !counted[mine];
        counted[mine] = true;
    }
    free(of);
    return EIN_OK;
}

int64_t ein_split_list(const uint8_t *part, int64_t N, ein_split_part which, int64_t *index) {
    int64_t n = 0;
    for (int64_t i = 0; i < N; i++)
        if (part[i] == which) index[n++] = i;
    return n;
}
