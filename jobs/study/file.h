/* A study's description: cohorts, one pretraining, tasks with arms and seeds, cohorts that they are evaluated on.
 *
 *     study: synthetic                     # name; letters, digits, _ and -
 *     title: SYNTHETIC study ...           # stands above every table
 *     folder: results/synthetic            # everything that is made
 *     preset: tiny                         # contract and shape, as model.preset
 *     cohorts:
 *       mimic:
 *         title: unlabelled ECGs
 *         records: 17022                   # at scale 1; times --scale,
 *         most: 800035                     #   but never more (default: records)
 *         least: 100                       #   and never fewer (default: 1)
 *         synth: {cohort.age_mean: 62}     # settings of `einthoven synth`: the files are made, or
 *         files: [/data/mimic]             # they are there
 *         ingest: {ingest.text_columns: [scp_statements]}
 *         split: {split.by: hash}          # of a cohort that models are trained on
 *     pretrain: {cohort: mimic, set: {train.epochs: 20}}
 *     finetune:
 *       seeds: 1
 *       set: {train.batch: 32}             # for all arms
 *       arms:                              # the first two are compared
 *         ssl: {from: pretrained, mode: "top:4", set: {train.lr: 3e-4}}
 *         de-novo: {from: scratch}         # or random-frozen, or MODEL.safetensors
 *       tasks:
 *         clinical: [study/lvef_below_35, study/age]     # cohort: tasks trained on it
 *     evaluate:
 *       set: {evaluate.replicates: 1000}
 *       cohorts:
 *         clinical: [study/age]            # a cohort trained on: its test part
 *         ukb: [study/age]
 *     score:                               # recordings without labels: a row each, by the models of all these tasks
 *       set: {score.formats: [csv]}
 *       cohorts:
 *         archive: [study/age, study/sex]  # read from its files; ingested only if something else needs that
 *
 * Settings are keys of the subcommand's own list, as "a.b: v" or as nested maps. The text is untrusted:
 * io/formats/yaml_tree.h; errors are EIN_USAGE with file:line. Nothing here is collective.
 */
#ifndef EIN_JOBS_STUDY_FILE_H
#define EIN_JOBS_STUDY_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"

enum {
    EIN_STUDY_MAX_BYTES = 1 << 20,
    EIN_STUDY_NAME_BYTES = 48,
    EIN_STUDY_MAX_COHORTS = 32,
    EIN_STUDY_MAX_ARMS = 8,
    EIN_STUDY_MAX_TASKS = 64
};

/* "key=value" each, as --set takes them. */
typedef struct {
    int n;
    char **assignment;
} ein_study_settings;

typedef struct {
    char name[EIN_STUDY_NAME_BYTES];
    char *title; /* NULL: none */
    int line;
    bool synthetic; /* made by synth; else `files` */
    int64_t records, most, least;
    int n_files;
    char **file;
    ein_study_settings synth, ingest, split;
} ein_study_cohort;

typedef struct {
    char name[EIN_STUDY_NAME_BYTES];
    char *from; /* "pretrained", "scratch", "random-frozen" or a model file */
    char *mode; /* NULL: finetune's own default */
    ein_study_settings set;
} ein_study_arm;

/* A task as given ("study/age"), and its own name ("age"), which names folders. */
typedef struct {
    char *reference;
    char name[EIN_STUDY_NAME_BYTES];
    int cohort; /* that it is trained on */
} ein_study_task;

typedef struct {
    int task, cohort; /* `task` of ein_study.task */
} ein_study_pair;

typedef struct {
    char name[EIN_STUDY_NAME_BYTES];
    char *title, *folder, *preset; /* `folder`, `title`: may be NULL */
    int n_cohorts, n_arms, n_tasks, n_evaluations, n_scorings;
    ein_study_cohort cohort[EIN_STUDY_MAX_COHORTS];
    ein_study_arm arm[EIN_STUDY_MAX_ARMS];
    ein_study_task task[EIN_STUDY_MAX_TASKS];
    ein_study_pair *evaluation, *scoring;
    int pretrain_cohort; /* -1: no pretraining */
    int seeds;
    ein_study_settings pretrain, finetune, evaluate, score;
} ein_study;

/* Read a description; `name` stands in messages. */
ein_status ein_study_parse(const char *name, const char *text, size_t bytes, ein_study **out);
void ein_study_free(ein_study *study); /* NULL is fine */

/* Whether any of its cohorts is synthetic. */
bool ein_study_is_synthetic(const ein_study *study);

#endif
