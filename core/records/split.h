/* Which part of the records trains, validates and tests a model.
 *
 * Everything is a function of patients, so a patient's records never fall on two sides, and adding records to a corpus
 * moves nobody.  A record without a patient has a key of its own (io/corpus/corpus.h) and is split by that.  With u(p)
 * the place of patient p in (0, 1), ein_split_place(seed, p), and v(p) a second one independent of it:
 *
 *     hash   u < valid_fraction: valid; u >= 1 - test_fraction: test; else train.  So the test part does not depend on
 *            valid_fraction, and with test_fraction 0 this is the split of pretraining
 *     fold   by a column of whole numbers: test if in test_folds, valid if in valid_folds, else train; a record without
 *            a fold belongs to no part, or trains if `without_fold_trains`. One patient in two parts is EIN_MISMATCH
 *     kfold  cross-validation: test if floor(u k) == fold; of the others valid if v < valid_fraction; else train. Over
 *            fold = 0..k-1 every record is in the test part once
 *
 * label_fraction f < 1 then keeps, of the n patients of the train part, the max(1, round(f n)) with the smallest
 * w(p), a third draw of the same seed; the others' records belong to no part.  So of one split the patients of 1 % are
 * among those of 10 %.
 */
#ifndef EIN_CORE_RECORDS_SPLIT_H
#define EIN_CORE_RECORDS_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"

/* Part of a record; stored as uint8_t. */
typedef enum { EIN_SPLIT_NONE, EIN_SPLIT_TRAIN, EIN_SPLIT_VALID, EIN_SPLIT_TEST } ein_split_part;
enum { EIN_SPLIT_PARTS = 4 };

typedef enum { EIN_SPLIT_HASH, EIN_SPLIT_FOLD, EIN_SPLIT_KFOLD } ein_split_kind;

typedef struct {
    ein_split_kind kind;
    uint64_t seed;
    double valid_fraction, test_fraction; /* of patients; kfold: valid_fraction of those not tested */
    int k, fold;                          /* kfold: 0 <= fold < k */
    const float *folds;                   /* fold: (N) the column, NaN: not known */
    const int64_t *valid_folds, *test_folds;
    int n_valid_folds, n_test_folds;
    bool without_fold_trains;
    double label_fraction;     /* in (0, 1]; 1: all */
    bool label_fraction_valid; /* the same of the valid part, by the same draw */
} ein_split_options;

/* A patient's place in [0, 1): with a fraction f held out, patients below f are. All recordings of a patient fall on
 * one side, and adding recordings to a corpus moves nobody. */
double ein_split_place(uint64_t seed, uint64_t patient);

/* "none", "train", "valid", "test" */
const char *ein_split_part_name(ein_split_part part);

/* part (N) from the patients' keys (N). EIN_USAGE for options out of range or a fold on both lists, EIN_MISMATCH as
 * ein_split_check, which is always called. */
ein_status ein_split(uint8_t *part, const uint64_t *patient, int64_t N, const ein_split_options *options);

/* Whether two records of one patient stand in different parts among train, valid and test (none counts as no part):
 * EIN_MISMATCH, and their indices in `pair` (may be NULL). The lowest such pair. */
ein_status ein_split_check(const uint8_t *part, const uint64_t *patient, int64_t N, int64_t pair[2]);

typedef struct {
    int64_t records[EIN_SPLIT_PARTS], patients[EIN_SPLIT_PARTS];
} ein_split_counts;
ein_status ein_split_count(const uint8_t *part, const uint64_t *patient, int64_t N, ein_split_counts *out);

/* Ascending indices of the records of one part into index (room for N, or as many as ein_split_count says); returns how
 * many. */
int64_t ein_split_list(const uint8_t *part, int64_t N, ein_split_part which, int64_t *index);

#endif
