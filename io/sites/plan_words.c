/* A plan in words. */
#include <math.h>
#include <string.h>

#include "io/sites/plan.h"

static void print_models(const ein_plan *p, FILE *out) {
    for (int m = 0; m < p->n_models; m++) {
        if (p->model[m].hash)
            fprintf(out, "Model %s: the file with content hash %s; any other is refused.\n", p->model[m].name,
                    p->model[m].hash);
        else
            fprintf(out, "Model %s: scores that the site brings in a table.\n", p->model[m].name);
    }
}

static void print_cohort(const ein_plan *p, FILE *out) {
    fprintf(out, "Whom it is about: %s\n", p->cohort[0] ? p->cohort : "all records that the site has chosen");
    for (int i = 0; i < p->n_criteria; i++) {
        const ein_plan_criterion *c = &p->criterion[i];
        fprintf(out, "  column %s", c->column);
        if (c->values) fprintf(out, " is");
        for (size_t k = 0; k < json_array_size(c->values); k++)
            fprintf(out, "%s \"%s\"", k ? " or" : "", json_string_value(json_array_get(c->values, k)));
        if (!isnan(c->at_least)) fprintf(out, " at least %.9g", c->at_least);
        if (!isnan(c->below)) fprintf(out, " below %.9g", c->below);
        fprintf(out, "\n");
    }
    fprintf(out, "Record ids are read from column %s, patients from %s; neither leaves the site.\n",
            p->record, p->patient);
}

static void print_task(const ein_plan *p, const ein_plan_task *t, FILE *out) {
    fprintf(out, "Task %s: %s in column %s, against", t->name, t->quantity ? "a measured quantity" : "1 or 0",
            t->label);
    for (int m = 0; m < p->n_models; m++) fprintf(out, " %s%s", t->score[m], m + 1 < p->n_models ? "," : ".");
    if (!t->quantity)
        fprintf(out, " Scores are counted in %d bins from %.9g to %.9g, fixed by the plan", t->n_edges + 1,
                t->edge[0], t->edge[t->n_edges - 1]);
    for (int i = 0; i < t->n_thresholds; i++)
        fprintf(out, "%s %.9g", i ? "," : "; thresholds", t->edge[t->threshold[i]]);
    fprintf(out, "%s\n", t->quantity ? "" : ".");
}

static void print_groupings(const ein_plan *p, FILE *out) {
    for (int i = 0; i < p->n_groupings; i++) {
        const ein_plan_grouping *g = &p->grouping[i];
        fprintf(out, "Subgroups by %s:", g->column);
        for (int k = 0; k < g->n_cuts; k++) fprintf(out, "%s %.9g", k ? "," : " cut at", g->cut[k]);
        for (int k = 0; g->n_cuts == 0 && k < g->n_groups; k++)
            fprintf(out, "%s %s", k ? "," : "", g->value[k]);
        fprintf(out, "; those that are too small are joined.\n");
    }
}

static void print_sites(const ein_plan *p, FILE *out) {
    const json_t *list = json_object_get(p->file.body, "sites"), *one;
    size_t i;
    uint8_t key[EIN_PUBLIC_KEY_BYTES];
    char print[EIN_FINGERPRINT_BYTES] = "";
    json_array_foreach(list, i, one) {
        if (ein_public_key_parse(json_string_value(json_object_get(one, "key")), key) == EIN_OK)
            ein_fingerprint(key, print);
        fprintf(out, "Site %s, key %s\n", json_string_value(json_object_get(one, "name")), print);
    }
}

void ein_plan_words(const ein_plan *p, FILE *out) {
    char print[EIN_FINGERPRINT_BYTES];
    ein_fingerprint(p->file.public_key, print);
    fprintf(out, "Plan \"%s\", round %d of %d, made on %s, void after %s.\n", p->name, p->round, p->rounds,
            json_string_value(json_object_get(p->file.body, "created")), p->expires);
    if (p->purpose[0]) fprintf(out, "%s\n", p->purpose);
    fprintf(out, "Signed by the key %s: compare this with the coordinator, by telephone.\n", print);
    print_models(p, out);
    print_cohort(p, out);
    for (int t = 0; t < p->n_tasks; t++) print_task(p, &p->task[t], out);
    print_groupings(p, out);
    fprintf(
        out,
        "What leaves: counts and sums over at least %lld patients of each class, after you have read and approved "
        "them; no record, no score of a\n"
        "person, no least or greatest value. Bins with fewer are joined; an AUROC whose bins had to be joined so far "
        "that it may be wrong by\n"
        "more than %.9g is not sent. You may raise the %lld.\n",
        (long long)p->minimum_cell, p->largest_bound, (long long)p->minimum_cell);
    if (p->noise.thousandths)
        fprintf(
            out,
            "Counts bear noise, and nothing but counts is sent: epsilon %.9g for the whole result, of which each of "
            "%lld tables\ngets an equal part; of a patient %lld record%s counted. You may lower epsilon.\n",
            (double)p->noise.thousandths / 1000, (long long)ein_plan_noise_tables(p),
            (long long)p->noise.records, p->noise.records == 1 ? " is" : "s are");
    for (int i = 0; i < p->n_recalibration; i++)
        fprintf(
            out,
            "Recalibration of %s, task %s: five sums at intercept %.9g and slope %.9g of the logit are sent.\n",
            p->model[p->recalibration[i].model].name, p->task[p->recalibration[i].task].name,
            p->recalibration[i].intercept, p->recalibration[i].slope);
    if (p->pooled)
        fprintf(
            out,
            "Round 2: with the counts of all sites, which the plan carries, sums for exact variances are sent.\n");
    print_sites(p, out);
}
