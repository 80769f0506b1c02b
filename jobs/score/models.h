/* The models that score: several tasks and seeds, each encoder once.
 *
 * Models whose weights are the same but for fc_norm and head, as linear probes of one encoder, share its pass: it is
 * kept and run once. The bits of a record's scores depend on nothing but the record; they are those of
 * jobs/options/scoring.h.
 *
 * Columns of the results, for each model M and target T: logit:M:T, probability:M:T (by the calibration that the model
 * carries; without one the logistic of the logit) and positive:M:T (1 or 0: whether that logistic is at least the
 * model's own threshold; empty if it has none), or value:M:T of a regression; for each arm A of several models of the
 * same tasks: mean:A:T and sd:A:T over them, of probabilities or values.
 */
#ifndef EIN_JOBS_SCORE_MODELS_H
#define EIN_JOBS_SCORE_MODELS_H

#include <stdbool.h>

#include "core/nn/classify.h"
#include "io/model/model.h"
#include "jobs/options/domain.h"
#include "jobs/options/embedding.h"
#include "jobs/options/model_arms.h"
#include "jobs/options/model_tasks.h"

enum { EIN_SCORE_MOST_MODELS = 256, EIN_SCORE_COLUMN_BYTES = 400 };

typedef struct {
    char arm[EIN_ARM_NAME_BYTES], name[EIN_ARM_NAME_BYTES + 16];
    const char *path; /* not owned */
    char hash[EIN_HASH_TEXT_BYTES];
    ein_model_info info;
    ein_contract contract;
    ein_model_tasks *meaning; /* NULL: no head */
    ein_domain domain;        /* width 0: not known */
    ein_layout *layout, *top; /* all of it; fc_norm and head */
    float *top_param;
    double *score, *logit; /* (targets) of the row that is being made */
    int encoder, arm_index;
    int64_t first_value;    /* of its outputs among the values of a record */
    int64_t distance_value; /* of its distance there, if the domain is known */
} ein_score_model;

typedef enum {
    EIN_COLUMN_LOGIT,
    EIN_COLUMN_PROBABILITY,
    EIN_COLUMN_POSITIVE,
    EIN_COLUMN_VALUE,
    EIN_COLUMN_DISTANCE,
    EIN_COLUMN_PERCENTILE,
    EIN_COLUMN_MEAN,
    EIN_COLUMN_SD
} ein_score_column_kind;

typedef struct {
    char name[EIN_SCORE_COLUMN_BYTES];
    ein_score_column_kind kind;
    int model, target; /* of a mean or SD: the first model of the arm */
} ein_score_column;

typedef struct {
    int n, n_encoders, n_columns;
    ein_score_model *model;
    struct {
        float *param;
        ein_packed *packed; /* its weights as products read them, for the rooms of all threads */
        double mean_mv, sd_mv;
        char hash[EIN_HASH_TEXT_BYTES];
        int model; /* whose layout it has */
    } * encoder;
    ein_score_column *column;
    int64_t values; /* of a record: outputs and distances of all models, embedding */
    int64_t embedding_value;
    int embedding_width; /* 0: none is wanted */
    ein_embedding embedding;
    ein_contract contract; /* that of the first; the others differ in normalisation at most */
    bool closest;          /* which threshold: nearest to perfect instead of Youden's */
} ein_score_models;

typedef struct {
    bool closest;          /* label by the threshold nearest to perfect instead of Youden's */
    const char *embedding; /* "mean", "cls" or "attentive"; NULL: none */
} ein_score_models_options;

/* Load models named FILE or ARM=FILE. EIN_MISMATCH, naming both, if contracts differ in more than normalisation;
 * EIN_USAGE if an embedding is wanted of several encoders. */
ein_status ein_score_models_load(const char *const *specs, int n, const ein_score_models_options *options,
                                 ein_score_models **out);
void ein_score_models_destroy(ein_score_models *models); /* NULL is fine */

/* Targets of a model; none without a head. */
int ein_score_model_targets(const ein_score_model *model);

/* The columns of a record, in order, from its values; NaN where there is none. One thread at a time. */
void ein_score_models_row(ein_score_models *models, const float *value, double *row);

/* A record on its way through the models. */
typedef struct {
    const int16_t *counts; /* (L,S) */
    float scale;
    float *value; /* (values) what comes out */
    bool finite;  /* whether all of them are finite */
} ein_score_item;

/* One thread's working memory, and the values of n records from their counts. Products want ein_score_room_batch
 * records at once; how many there are, and which, changes no bit (jobs/options/scoring.h). */
typedef struct ein_score_room ein_score_room;
ein_status ein_score_room_new(const ein_score_models *models, ein_score_room **out);
void ein_score_room_destroy(ein_score_room *room);
int ein_score_room_batch(const ein_score_room *room);
void ein_score_room_run(ein_score_room *room, ein_score_item *item, int n);

#endif
