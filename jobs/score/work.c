/* A worker: claims blocks, sends them through the pipeline, publishes them. */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/run/run.h"
#include "jobs/score/run.h"
#include "mpi/stop.h"
#include "mpi/watchdog.h"

static const double look_s = 0.5; /* how often signals and others are looked after while waiting */

/* What is known of the blocks. */
typedef enum { UNKNOWN, OURS, DONE, OTHERS, OTHERS_ALIVE } block_state;

typedef struct {
    ein_score *s;
    ein_score_pipeline *pipeline;
    uint8_t *state; /* (blocks) */
    int64_t next;   /* where to look next */
    int under_way;
    ein_progress *progress;
    double begin_s;
} worker;

/* Whether a block is one of this --part. */
static bool is_mine(const ein_score *s, int64_t block) {
    return s->parts == 0 || block % s->parts == s->part - 1;
}

void ein_score_done(const ein_score *s, int64_t *blocks, int64_t *inputs) {
    *blocks = *inputs = 0;
    for (int64_t b = 0; b < s->plan.blocks; b++) {
        char path[4096];
        int64_t first, n;
        ein_claims_block_path(s->out, b, path, sizeof path);
        if (access(path, F_OK) != 0) continue;
        ein_score_part_block(ein_score_plan_part(&s->plan, b), b, &first, &n);
        *inputs += n;
        ++*blocks;
    }
}

/* --- dealing --------------------------------------------------------------------------------------------- */

/* Claim the next block that can be had; -1: none now. */
static ein_status claim(worker *w, int64_t *out) {
    const int64_t n = w->s->plan.blocks;
    *out = -1;
    for (int64_t tried = 0; tried < n; tried++) {
        const int64_t b = w->next;
        ein_claim_state state;
        bool alive;
        w->next = (w->next + 1) % n;
        if (w->state[b] == OURS || w->state[b] == DONE || !is_mine(w->s, b)) continue;
        EIN_TRY(ein_claims_take(w->s->claims, b, &state, &alive));
        w->state[b] = state == EIN_CLAIM_OURS   ? OURS
                      : state == EIN_CLAIM_DONE ? DONE
                      : alive                   ? OTHERS_ALIVE
                                                : OTHERS;
        if (state != EIN_CLAIM_OURS) continue;
        *out = b;
        return EIN_OK;
    }
    return EIN_OK;
}

/* Whether some block is in the hands of a worker of which nothing shows that it lives. */
static bool must_watch(const worker *w) {
    for (int64_t b = 0; b < w->s->plan.blocks; b++)
        if (w->state[b] == OTHERS) return true;
    return false;
}

static ein_status fill(worker *w) {
    int64_t block = 0;
    while (w->under_way < ein_score_pipeline_most(w->pipeline) && block >= 0) {
        EIN_TRY(claim(w, &block));
        if (block < 0) break;
        EIN_TRY(ein_score_pipeline_put(w->pipeline, block));
        w->under_way++;
    }
    return EIN_OK;
}

/* --- publishing ------------------------------------------------------------------------------------------ */

/* A disk that is full, or not there, for a while: try again, with pauses, for score.retry_s. */
static ein_status publish_patiently(worker *w, int64_t number, const char *data, size_t bytes) {
    const double begin = ein_clock_s(), patience = ein_config_real(w->s->job->config, "score.retry_s");
    for (double pause_s = 0.1;; pause_s = pause_s < 5 ? 2 * pause_s : pause_s) {
        const ein_status status = ein_claims_publish(w->s->claims, number, data, bytes);
        const double spent = ein_clock_s() - begin;
        if (status == EIN_OK) return EIN_OK;
        if (!(spent < patience) || ein_stop_signals(NULL) > 0)
            return ein_error(
                status,
                "%s (tried for %.0f s, score.retry_s); when that is well again, start the same command: "
                "what is done stays done",
                ein_error_message(), spent);
        if (w->s->rank == 0 && pause_s < 0.2)
            fprintf(stderr, "einthoven score: warning: %s; trying again for %.0f s\n", ein_error_message(),
                    patience);
        const struct timespec pause = {(time_t)pause_s, (long)((pause_s - (double)(time_t)pause_s) * 1e9)};
        nanosleep(&pause, NULL);
    }
}

static ein_status publish(worker *w, int64_t number, ein_score_block *block) {
    char *data = NULL;
    size_t bytes = 0;
    const double begin = ein_clock_s();
    const ein_score_part *part = ein_score_plan_part(&w->s->plan, number);
    ein_status status = ein_score_block_pack(block, part->hash, &data, &bytes);
    if (status == EIN_OK) status = publish_patiently(w, number, data, bytes);
    w->s->scored += status == EIN_OK ? block->n : 0;
    free(data);
    ein_score_block_free(block);
    if (status == EIN_OK) {
        w->state[number] = DONE;
        ein_claims_release(w->s->claims, number);
    }
    w->s->write_s += ein_clock_s() - begin;
    return status;
}

static void show(worker *w) {
    int64_t blocks, inputs;
    char detail[96];
    ein_score_pipeline_counts counts;
    if (!w->progress) return;
    ein_score_done(w->s, &blocks, &inputs);
    ein_score_pipeline_count(w->pipeline, &counts);
    snprintf(detail, sizeof detail, "%lld rejected%s here, %lld tries again", (long long)counts.rejected,
             w->s->size > 1 || w->s->parts ? "" : "", (long long)counts.retries);
    ein_progress_update(w->progress, inputs, detail);
}

static ein_status give_up(ein_score_block *block, ein_status status) {
    ein_score_block_free(block);
    return status;
}

/* --- the loop -------------------------------------------------------------------------------------------- */

static ein_status loop(worker *w) {
    for (;;) {
        if (ein_stop_signals(NULL) > 0) {
            w->s->stopped = true;
            return EIN_OK;
        }
        EIN_TRY(fill(w));
        if (w->under_way > 0) {
            int64_t number;
            ein_score_block block;
            ein_watchdog_beat("scoring inputs");
            EIN_TRY(ein_score_pipeline_take(w->pipeline, look_s, &number, &block));
            if (number < 0) continue;
            w->under_way--;
            const ein_status status = fill(w); /* so that the others have work meanwhile */
            EIN_TRY(status == EIN_OK ? publish(w, number, &block) : give_up(&block, status));
            show(w);
        } else {
            /* Blocks of those who live will be done; those of others are looked at until they move or are stale. */
            if (!must_watch(w)) return EIN_OK;
            const struct timespec pause = {0, (long)(look_s * 1e9)};
            nanosleep(&pause, NULL);
        }
    }
}

/* Workers begin at different places, so that they seldom ask for the same block. */
static int64_t first_block(const ein_score *s) {
    return s->plan.blocks * s->rank / s->size;
}

ein_status ein_score_work(ein_score *s) {
    worker w = {.s = s, .next = s->plan.blocks > 0 ? first_block(s) : 0, .begin_s = ein_clock_s()};
    const ein_score_pipeline_options o = {.plan = &s->plan,
                                          .models = s->models,
                                          .policy = &s->policy,
                                          .threads = s->threads,
                                          .readers = s->readers,
                                          .retry_s = ein_config_real(s->job->config, "score.retry_s")};
    if (s->plan.blocks == 0) return EIN_OK;
    ein_status status = EIN_NEW(w.state, s->plan.blocks);
    if (status == EIN_OK) status = ein_score_pipeline_new(&o, &w.pipeline);
    if (status == EIN_OK && s->rank == 0)
        w.progress = ein_progress_new(NULL, "score", "inputs", s->plan.inputs,
                                      ein_config_real(s->job->config, "run.log_seconds"));
    if (status == EIN_OK) show(&w);
    if (status == EIN_OK) status = loop(&w);
    s->work_s = ein_clock_s() - w.begin_s;
    ein_progress_finish(w.progress);
    if (w.pipeline) ein_score_pipeline_count(w.pipeline, &s->counts);
    ein_score_pipeline_destroy(w.pipeline);
    /* What was not finished is for others. */
    for (int64_t b = 0; w.state && b < s->plan.blocks; b++)
        if (w.state[b] == OURS) ein_claims_release(s->claims, b);
    free(w.state);
    return status;
}
