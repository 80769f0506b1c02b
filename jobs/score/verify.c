/* score --verify N: score some inputs again and compare with what stands in the blocks, byte for byte. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "io/base/utf8.h"
#include "jobs/score/run.h"
#include "jobs/score/source.h"

enum { TOLD = 10 };

typedef struct {
    const ein_score *s;
    ein_score_corpora *corpora;
    ein_score_reader *reader;
    ein_score_room *room;
    int16_t *counts;
    float *value;
    ein_score_block block;
    int64_t loaded; /* number of that block; -1: none */
    int64_t compared, missing, different;
} verification;

static ein_status load(verification *v, int64_t number, bool *there) {
    const ein_score_part *part = ein_score_plan_part(&v->s->plan, number);
    char path[4096];
    int64_t first, n;
    *there = true;
    if (v->loaded == number) return EIN_OK;
    ein_score_block_free(&v->block);
    v->loaded = -1;
    ein_claims_block_path(v->s->out, number, path, sizeof path);
    ein_score_part_block(part, number, &first, &n);
    const ein_status status = ein_score_block_read(path, part->hash, n, v->s->models->values, &v->block);
    *there = status == EIN_OK;
    if (status == EIN_OK) v->loaded = number;
    if (status != EIN_NOTFOUND) return status;
    ein_error_clear();
    return EIN_OK;
}

/* Texts and numbers alike; the stamp is of files, not of scores. */
static bool are_equal(const verification *v, const ein_score_record *a, const ein_score_record *b,
                      const float *value) {
    return a->status == b->status && a->quality == b->quality && strcmp(a->id, b->id) == 0 &&
           strcmp(a->sha256, b->sha256) == 0 && strcmp(a->reason, b->reason) == 0 &&
           (a->status != EIN_SCORE_OK ||
            memcmp(value, v->value, (size_t)v->block.values * sizeof *value) == 0);
}

static ein_status verify_one(verification *v, int64_t number, int64_t within) {
    const ein_score_part *part = ein_score_plan_part(&v->s->plan, number);
    ein_score_record again;
    int64_t first, n, record;
    float scale;
    bool there;
    ein_score_part_block(part, number, &first, &n);
    const char *path = ein_score_part_input(part, first + within, &record);
    if (ein_score_plan_has(&v->s->plan, (int)(part - v->s->plan.part) + 1, path)) return EIN_OK;
    EIN_TRY(load(v, number, &there));
    v->missing += !there;
    if (!there) return EIN_OK;
    EIN_TRY(ein_score_reader_read(v->reader, path, record, v->counts, &scale, &again));
    /* One by one: in a batch it was scored before. */
    ein_score_item item = {.counts = v->counts, .scale = scale, .value = v->value};
    if (again.status == EIN_SCORE_OK) ein_score_room_run(v->room, &item, 1);
    if (again.status == EIN_SCORE_OK && !item.finite) {
        again.status = EIN_SCORE_NOT_FINITE;
        memcpy(again.reason, v->block.record[within].reason, sizeof again.reason);
    }
    v->compared++;
    if (are_equal(v, &again, &v->block.record[within], v->block.value + within * v->block.values))
        return EIN_OK;
    char shown[300];
    if (v->different++ < TOLD)
        printf("  differs: %s: %s, was %s\n", ein_utf8_show(path, shown, sizeof shown),
               ein_score_status_word(again.status), ein_score_status_word(v->block.record[within].status));
    return EIN_OK;
}

static int ascending(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* `n` inputs of the plan, counted over its blocks, drawn anew each time; all of them if there are no more. */
static ein_status draw(const ein_score_plan *plan, int64_t n, int64_t *out) {
    for (int64_t i = 0; i < n; i++) {
        uint64_t word;
        if (getrandom(&word, sizeof word, 0) != sizeof word)
            return ein_error(EIN_SYSTEM, "no random numbers");
        out[i] = n == plan->inputs ? i : (int64_t)(word % (uint64_t)plan->inputs);
    }
    qsort(out, (size_t)n, sizeof *out, ascending);
    return EIN_OK;
}

static ein_status verify_all(verification *v, const int64_t *input, int64_t n) {
    int part = 0;
    int64_t before = 0; /* inputs of the parts before */
    for (int64_t i = 0; i < n; i++) {
        while (input[i] - before >= v->s->plan.part[part].inputs) before += v->s->plan.part[part++].inputs;
        const ein_score_part *p = &v->s->plan.part[part];
        EIN_TRY(
            verify_one(v, p->first_block + (input[i] - before) / p->block, (input[i] - before) % p->block));
    }
    return EIN_OK;
}

ein_status ein_score_verify(ein_score *s, int64_t wanted) {
    const ein_contract *c = &s->models->contract;
    verification v = {.s = s, .loaded = -1};
    const int64_t n = wanted < s->plan.inputs ? wanted : s->plan.inputs;
    int64_t *input = NULL;
    ein_status status = EIN_NEW(input, n);
    if (status == EIN_OK) status = ein_score_corpora_new(c, &v.corpora);
    if (status == EIN_OK) status = ein_score_reader_new(c, &s->policy, v.corpora, &v.reader);
    if (status == EIN_OK) status = ein_score_room_new(s->models, &v.room);
    if (status == EIN_OK) status = EIN_NEW(v.counts, c->n_leads * c->n_samples);
    if (status == EIN_OK) status = EIN_NEW(v.value, s->models->values);
    if (status == EIN_OK) status = draw(&s->plan, n, input);
    if (status == EIN_OK) status = verify_all(&v, input, n);
    ein_score_block_free(&v.block);
    ein_score_room_destroy(v.room);
    ein_score_reader_destroy(v.reader);
    ein_score_corpora_destroy(v.corpora);
    free(v.counts);
    free(v.value);
    free(input);
    EIN_TRY(status);
    printf("verified: %" PRId64 " inputs scored again, %" PRId64 " differ; %" PRId64
           " drawn that are not scored yet\n",
           v.compared, v.different, v.missing);
    if (v.different == 0) return EIN_OK;
    return ein_error(EIN_CORRUPT,
                     "%" PRId64 " of %" PRId64
                     " inputs have other scores now: files that changed (--rescore), another "
                     "kind of processor, or a fault of this machine or of the one that scored them",
                     v.different, v.compared);
}
