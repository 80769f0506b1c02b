/* Studies: what a description says, the cells that follow from it, and what must be refused where. */
#include <stdlib.h>
#include <string.h>

#include "jobs/cli/embedded.h"
#include "jobs/study/plan.h"
#include "tests/report.h"

#define HEAD "study: s\npreset: tiny\ncohorts:\n  a: {records: 100, synth: {synth.seed: 1}}\n"

static const char whole[] =
    "study: s\ntitle: T\nfolder: out\npreset: tiny\n"
    "cohorts:\n"
    "  u: {records: 1000, most: 40000, least: 50, synth: {cohort: {age_mean: 62}, synth.columns: [age, sex]}}\n"
    "  a: {records: 100, synth: {synth.seed: 2}, split: {split.by: hash}}\n"
    "  b: {files: [/data/b, '/data/b two'], ingest: {ingest.site: x}}\n"
    "pretrain: {cohort: u, set: {train.epochs: 3}}\n"
    "finetune:\n"
    "  seeds: 2\n"
    "  set: {train.batch: 32}\n"
    "  arms:\n"
    "    ssl: {from: pretrained, mode: 'top:2', set: {train.lr: 1e-4}}\n"
    "    de-novo: {from: scratch}\n"
    "  tasks: {a: [study/age, study/sex]}\n"
    "evaluate:\n"
    "  set: {evaluate.replicates: 10}\n"
    "  cohorts: {a: [study/age], b: [study/age, study/sex]}\n";

static ein_study *parse(const char *text) {
    ein_study *study = NULL;
    return ein_study_parse("s.yaml", text, strlen(text), &study) == EIN_OK ? study : NULL;
}

static void description(void) {
    ein_study *s = parse(whole);
    if (!report(s != NULL, "a whole description is read: %s", s ? "" : ein_error_message())) return;
    report(s->n_cohorts == 3 && s->n_arms == 2 && s->n_tasks == 2 && s->n_evaluations == 3 && s->seeds == 2,
           "cohorts, arms, tasks, evaluations, seeds are counted");
    report(s->cohort[0].synth.n == 2 && strcmp(s->cohort[0].synth.assignment[0], "cohort.age_mean=62") == 0 &&
               strcmp(s->cohort[0].synth.assignment[1], "synth.columns=age,sex") == 0,
           "nested settings and lists become assignments");
    report(!s->cohort[2].synthetic && s->cohort[2].n_files == 2 &&
               strcmp(s->cohort[2].file[1], "/data/b two") == 0,
           "files of a cohort that is there");
    report(ein_study_is_synthetic(s), "a study with a synthetic cohort is synthetic");
    const ein_study_cohort *u = &s->cohort[0];
    report(ein_study_records(u, 1) == 1000 && ein_study_records(u, 0.5004) == 500 &&
               ein_study_records(u, 0.001) == 50 && ein_study_records(u, 1000) == 40000,
           "scales: rounded, not below least, not above most");
    report(ein_study_records(&s->cohort[1], 7) == 100, "without most a cohort does not grow");
    ein_study_free(s);
}

static bool needs(const ein_study_plan *p, const ein_study_cell *c, ein_study_stage stage, int index) {
    for (int k = 0; k < c->n_needs; k++)
        if (p->cell[c->need[k]].stage == stage && p->cell[c->need[k]].index == index) return true;
    return false;
}

static bool has_word(const ein_study_cell *c, const char *word) {
    for (int i = 0; i < c->n_words; i++)
        if (strcmp(c->word[i], word) == 0) return true;
    return false;
}

static void cells(void) {
    ein_study *s = parse(whole);
    ein_study_plan *p = NULL;
    if (!report(s && ein_study_plan_new(s, "F", 1, &p) == EIN_OK, "a plan is made")) return;
    int n[EIN_STUDY_STAGES] = {0};
    bool ordered = true, stamped = true;
    for (int i = 0; i < p->n; i++) {
        ordered = ordered && n[p->cell[i].stage] == p->cell[i].index;
        n[p->cell[i].stage]++;
        for (int k = 0; k < p->cell[i].n_needs; k++) ordered = ordered && p->cell[i].need[k] < i;
        for (int k = 0; k < i; k++) stamped = stamped && strcmp(p->cell[i].stamp, p->cell[k].stamp) != 0;
        stamped = stamped && strlen(p->cell[i].stamp) == 2 * EIN_HASH_BYTES;
    }
    report(
        n[EIN_STUDY_SYNTH] == 2 && n[EIN_STUDY_INGEST] == 3 && n[EIN_STUDY_PRETRAIN] == 1 &&
            n[EIN_STUDY_FINETUNE] == 8 && n[EIN_STUDY_EVALUATE] == 3 && n[EIN_STUDY_TABLE] == 1,
        "cells: two synthetic cohorts, three corpora, one pretraining, 2 x 2 x 2 models, three evaluations");
    report(ordered, "every cell comes after what it needs, with the next index of its stage");
    report(stamped, "every cell has a stamp of its own");
    const ein_study_cell *ssl = ein_study_find(p, EIN_STUDY_FINETUNE, 1),
                         *scratch = ein_study_find(p, EIN_STUDY_FINETUNE, 2);
    report(strcmp(ssl->id, "age/ssl-s2") == 0 && needs(p, ssl, EIN_STUDY_PRETRAIN, 0) &&
               needs(p, ssl, EIN_STUDY_INGEST, 1) && ssl->n_needs == 2,
           "a model from the pretrained one needs it and its corpus");
    report(strcmp(scratch->id, "age/de-novo-s1") == 0 && scratch->n_needs == 1 &&
               needs(p, scratch, EIN_STUDY_INGEST, 1),
           "a model from scratch needs its corpus alone");
    report(strcmp(ssl->output, "F/finetune/age/ssl-s2/age/top-2-s2/model.safetensors") == 0,
           "where finetune puts a model");
    const ein_study_cell *own = ein_study_find(p, EIN_STUDY_EVALUATE, 0),
                         *other = ein_study_find(p, EIN_STUDY_EVALUATE, 1);
    report(has_word(own, "--part") && has_word(own, "split.by=hash") && !has_word(other, "--part"),
           "the cohort trained on is evaluated on its test part, others on all");
    report(own->n_needs == 5 && needs(p, own, EIN_STUDY_FINETUNE, 0) &&
               needs(p, own, EIN_STUDY_FINETUNE, 3) && !needs(p, own, EIN_STUDY_FINETUNE, 4),
           "an evaluation needs the models of its task and its corpus");
    report(has_word(ein_study_find(p, EIN_STUDY_INGEST, 1), "--labels") &&
               !has_word(ein_study_find(p, EIN_STUDY_INGEST, 0), "--labels"),
           "labels of a cohort that is only pretrained on are left alone");
    char *line = NULL;
    report(ein_study_command_line(ein_study_find(p, EIN_STUDY_INGEST, 2), &line) == EIN_OK &&
               strstr(line, " /data/b '/data/b two' "),
           "a command line quotes what a shell would take apart");
    free(line);
    ein_study_plan_free(p);
    ein_study_free(s);
}

static const char *stamp_of(ein_study_plan *p, ein_study_stage stage, int index) {
    return ein_study_find(p, stage, index)->stamp;
}

/* What changes upstream makes everything after it stale, and nothing else. */
static void stamps(void) {
    char other[sizeof whole];
    memcpy(other, whole, sizeof whole);
    char *epochs = strstr(other, "train.epochs: 3");
    EIN_BUG_IF(!epochs);
    epochs[strlen("train.epochs: ")] = '4';
    ein_study *s = parse(whole), *t = parse(other);
    ein_study_plan *p = NULL, *q = NULL, *moved = NULL;
    if (!report(s && t && ein_study_plan_new(s, "F", 1, &p) == EIN_OK &&
                    ein_study_plan_new(t, "F", 1, &q) == EIN_OK &&
                    ein_study_plan_new(s, "/else/where", 1, &moved) == EIN_OK,
                "two studies that differ in the epochs of pretraining"))
        return;
    report(strcmp(stamp_of(p, EIN_STUDY_INGEST, 0), stamp_of(q, EIN_STUDY_INGEST, 0)) == 0 &&
               strcmp(stamp_of(p, EIN_STUDY_PRETRAIN, 0), stamp_of(q, EIN_STUDY_PRETRAIN, 0)) != 0,
           "corpora stay, the pretraining is another");
    report(strcmp(stamp_of(p, EIN_STUDY_FINETUNE, 0), stamp_of(q, EIN_STUDY_FINETUNE, 0)) != 0 &&
               strcmp(stamp_of(p, EIN_STUDY_FINETUNE, 2), stamp_of(q, EIN_STUDY_FINETUNE, 2)) == 0,
           "models made from it are others, those from scratch stay");
    report(strcmp(stamp_of(p, EIN_STUDY_EVALUATE, 0), stamp_of(q, EIN_STUDY_EVALUATE, 0)) != 0,
           "and evaluations follow");
    bool same = true;
    for (int i = 0; i < p->n; i++) same = same && strcmp(p->cell[i].stamp, moved->cell[i].stamp) == 0;
    report(same, "a folder that is moved keeps all of it");
    ein_study_plan_free(p);
    ein_study_plan_free(q);
    ein_study_plan_free(moved);
    ein_study_free(s);
    ein_study_free(t);
}

static void refused(void) {
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"", "the study is empty"},
        {"study: s\npreset: tiny\n", "at least the keys"},
        {"study: 'a b'\npreset: tiny\ncohorts: {a: {files: x}}", "s.yaml:1: study: expected 1 to 47 letters"},
        {HEAD "pretain: {cohort: a}\n", "s.yaml:5: a study has no key 'pretain'; did you mean pretrain?"},
        {HEAD "pretrain: {cohort: b}\n", "s.yaml:5: no cohort 'b'"},
        {"study: s\npreset: tiny\ncohorts: {a: {records: 5}}", "give either synth"},
        {"study: s\npreset: tiny\ncohorts: {a: {files: x, synth: {}}}", "give either synth"},
        {"study: s\npreset: tiny\ncohorts: {a: {synth: {}}}", "how many records?"},
        {"study: s\npreset: tiny\ncohorts: {a: {files: x, records: 3}}", "are for synthetic cohorts"},
        {"study: s\npreset: tiny\ncohorts: {a: {records: 0, synth: {}}}", "a number from 1 to"},
        {"study: s\npreset: tiny\ncohorts: {a: {records: 5, least: 6, synth: {}}}",
         "least is more than most"},
        {"study: s\npreset: tiny\ncohorts: {../a: {files: x}}", "letters, digits, _ or -"},
        {"study: s\npreset: tiny\ncohorts: {a: {files: []}}", "files: expected 1 to"},
        {"study: s\npreset: tiny\ncohorts: {a: {records: 5, synth: {x: ['1,2']}}}", "without commas"},
        {HEAD "finetune: {arms: {x: {from: scratch}}}\n", "finetune needs arms and tasks"},
        {HEAD "finetune: {arms: {x: {from: pretrained}}, tasks: {a: [study/age]}}\n",
         "the study has no pretrain"},
        {HEAD "finetune: {arms: {x: {mode: full}}, tasks: {a: [study/age]}}\n", "from what?"},
        {HEAD "finetune: {arms: {x: {from: scratch}}, tasks: {a: [study/age, my/age]}}\n", "trained twice"},
        {HEAD "finetune: {arms: {x: {from: scratch}}, tasks: {a: []}}\n", "none is given"},
        {HEAD
         "finetune: {arms: {x: {from: scratch}}, tasks: {a: [study/age]}}\nevaluate: {cohorts: {a: [study/sex]}}\n",
         "none of the tasks that are trained"},
        {HEAD "finetune: {arms: {x: {from: scratch}}, tasks: {a: [study/age]}}\nevaluate: {cohorts: {a: "
              "[study/age, study/age]}}\n",
         "evaluated twice"},
        {"study: s\npreset: tiny\ncohorts: &x {a: {files: x}}", "s.yaml:3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ein_study *study = NULL;
        const ein_status status = ein_study_parse("s.yaml", cases[i].text, strlen(cases[i].text), &study);
        report(status == EIN_USAGE && !study && strstr(ein_error_message(), cases[i].message),
               "refused: %s (%s)", cases[i].message, ein_error_message());
        ein_error_clear();
    }
}

/* One task with many seeds: an evaluation that needs more models than any table is long. */
static void many_seeds(void) {
    ein_study *s = parse(
        HEAD
        "finetune: {seeds: 1000, arms: {x: {from: scratch}, y: {from: scratch}}, tasks: {a: [study/age]}}\n"
        "evaluate: {cohorts: {a: [study/age]}}\n");
    ein_study_plan *p = NULL;
    if (!report(s && ein_study_plan_new(s, "F", 1, &p) == EIN_OK, "a thousand seeds")) return;
    const ein_study_cell *c = ein_study_find(p, EIN_STUDY_EVALUATE, 0);
    report(c->n_needs == 2001 && needs(p, c, EIN_STUDY_FINETUNE, 0) && needs(p, c, EIN_STUDY_FINETUNE, 1999),
           "an evaluation needs all their models");
    ein_study_plan_free(p);
    ein_study_free(s);
}

static void built_in(const char *path) {
    const ein_embedded *file = ein_embedded_find(path);
    ein_study *study = NULL;
    const bool good =
        file && ein_study_parse(path, file->begin, (size_t)(file->end - file->begin), &study) == EIN_OK;
    report(good, "%s is read: %s", path, good ? "" : ein_error_message());
    if (good) report(study->n_tasks == 12 && study->n_cohorts == 8, "it has twelve tasks and eight cohorts");
    ein_study_free(study);
}

int main(void) {
    description();
    cells();
    stamps();
    refused();
    many_seeds();
    built_in("jobs/study/demo.yaml");
    built_in("jobs/study/synthetic.yaml");
    return report_end();
}
