/* score --dry-run: what would be done, from a look at some inputs. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/clock.h"
#include "io/base/utf8.h"
#include "io/run/run.h"
#include "jobs/score/run.h"
#include "jobs/score/source.h"

enum { SAMPLED = 300, SHOWN = 5, LINE_BYTES = 240 };

/* By name, as formats are told before files are read. */
enum { WFDB, XML, CORPUS, OTHER, FORMATS };
static int format_of(const char *path, bool corpus) {
    const char *dot = strrchr(path, '.');
    if (corpus) return CORPUS;
    if (dot && strcasecmp(dot, ".hea") == 0) return WFDB;
    return dot && strcasecmp(dot, ".xml") == 0 ? XML : OTHER;
}

static void count_formats(const ein_score_inputs *in) {
    static const char *const names[FORMATS] = {"WFDB headers", "XML files", "records of corpora",
                                               "other files that may be ECGs"};
    for (int f = 0; f < FORMATS; f++) {
        int64_t n = 0;
        for (int64_t i = 0; i < in->sources.path.n; i++) {
            const int64_t count = in->sources.count[i];
            if (format_of(ein_texts_get(&in->sources.path, i), count > 0) == f) n += count > 0 ? count : 1;
        }
        if (n > 0) printf("  %" PRId64 " %s\n", n, names[f]);
    }
    for (int i = 0; i < in->found.n_passed; i++)
        printf("  passed over: %" PRId64 " %s\n", in->found.passed[i].count, in->found.passed[i].kind);
    if (in->found.n_problems > 0)
        printf("  %" PRId64 " folders or files that cannot be read (first: %s)\n", in->found.n_problems,
               in->found.problem[0].reason);
}

/* What a look at some inputs found. */
typedef struct {
    int64_t n, rejected, status[EIN_SCORE_STATUS_COUNT];
    double read_s, model_s;
} sample;

/* What looking takes. */
typedef struct {
    ein_score_corpora *corpora;
    ein_score_reader *reader;
    ein_score_room *room;
    int16_t *counts;      /* (batch, record) */
    float *value;         /* (batch, values) */
    ein_score_item *item; /* (batch) those that were read and wait for the models */
    int waiting;
} looker;

static ein_status looker_new(const ein_score *s, looker *l) {
    const ein_contract *c = &s->models->contract;
    EIN_TRY(ein_score_corpora_new(c, &l->corpora));
    EIN_TRY(ein_score_reader_new(c, &s->policy, l->corpora, &l->reader));
    EIN_TRY(ein_score_room_new(s->models, &l->room));
    const int batch = ein_score_room_batch(l->room);
    EIN_TRY(EIN_NEW(l->counts, batch * c->n_leads * c->n_samples));
    EIN_TRY(EIN_NEW(l->value, batch * s->models->values));
    return EIN_NEW(l->item, batch);
}

static void looker_free(looker *l) {
    ein_score_room_destroy(l->room);
    ein_score_reader_destroy(l->reader);
    ein_score_corpora_destroy(l->corpora);
    free(l->counts);
    free(l->value);
    free(l->item);
}

/* Those that wait, through the models: in batches, as a job does it. */
static void run_waiting(looker *l, sample *out) {
    const double begin = ein_clock_s();
    ein_score_room_run(l->room, l->item, l->waiting);
    out->model_s += ein_clock_s() - begin;
    for (int i = 0; i < l->waiting; i++)
        out->status[l->item[i].finite ? EIN_SCORE_OK : EIN_SCORE_NOT_FINITE]++;
    l->waiting = 0;
}

static ein_status look_at(const ein_score *s, looker *l, const char *path, int64_t record, sample *out) {
    const int64_t values = s->models->contract.n_leads * s->models->contract.n_samples;
    ein_score_item *item = &l->item[l->waiting];
    int16_t *counts = l->counts + l->waiting * values;
    ein_score_record r;
    const double begin = ein_clock_s();
    *item = (ein_score_item){.counts = counts, .value = l->value + l->waiting * s->models->values};
    EIN_TRY(ein_score_reader_read(l->reader, path, record, counts, &item->scale, &r));
    out->read_s += ein_clock_s() - begin;
    out->n++;
    if (r.status == EIN_SCORE_OK) {
        if (++l->waiting == ein_score_room_batch(l->room)) run_waiting(l, out);
        return EIN_OK;
    }
    out->status[r.status]++;
    if (++out->rejected <= SHOWN) {
        char line[LINE_BYTES];
        printf("  %s: %s\n", ein_score_status_word(r.status), ein_utf8_show(r.reason, line, sizeof line));
    }
    return EIN_OK;
}

/* Inputs spread evenly over the list. */
static ein_status look(const ein_score *s, const ein_score_inputs *in, sample *out) {
    looker l = {0};
    const int64_t n = in->sources.path.n, wanted = n < SAMPLED ? n : SAMPLED;
    ein_status status = looker_new(s, &l);
    for (int64_t i = 0; status == EIN_OK && i < wanted; i++) {
        const int64_t at = i * n / wanted;
        status =
            look_at(s, &l, ein_texts_get(&in->sources.path, at), in->sources.count[at] > 0 ? 0 : -1, out);
    }
    if (status == EIN_OK) run_waiting(&l, out);
    looker_free(&l);
    return status;
}

static void estimate(const ein_score *s, const ein_score_inputs *in, const sample *found) {
    const double n = (double)in->inputs, looked = found->n > 0 ? (double)found->n : 1;
    const double work_s = n * (found->read_s + found->model_s) / looked;
    const double row = 250 + 18.0 * s->models->n_columns;
    char duration[32];
    printf("expected of %" PRId64 " inputs, by %" PRId64 " that were looked at:\n", in->inputs, found->n);
    for (int i = 0; i < EIN_SCORE_STATUS_COUNT; i++)
        if (found->status[i] > 0)
            printf("  about %.0f %s (%s)\n", n * (double)found->status[i] / looked, ein_score_status_word(i),
                   ein_score_status_text(i));
    ein_format_duration(work_s / s->size / s->threads, duration, sizeof duration);
    printf(
        "time: about %s on %d ranks x %d threads, %.2f core-hours; a thread takes %.1f ms to read and prepare one, "
        "%.1f ms to score it\n",
        duration, s->size, s->threads, work_s / 3600, 1e3 * found->read_s / looked,
        1e3 * found->model_s / looked);
    printf("disk: about %.1f MB of blocks and %.1f MB of tables in %s\n",
           n * (200 + 4.0 * (double)s->models->values) / 1e6, n * 3 * row / 1e6, s->out);
}

ein_status ein_score_dry_run(ein_score *s) {
    ein_score_inputs in = {0};
    sample found = {0};
    const char **root = NULL;
    EIN_TRY(ein_score_inputs_named(s->job, &in));
    ein_status status = ein_score_inputs_find(&in, ein_config_bool(s->job->config, "ingest.follow_links"),
                                              s->policy.read.place.store);
    if (status == EIN_OK) status = EIN_NEW(root, in.roots.n);
    for (int64_t i = 0; status == EIN_OK && i < in.roots.n; i++) root[i] = ein_texts_get(&in.roots, i);
    if (status == EIN_OK)
        status = ein_links_new(root, ein_int(in.roots.n),
                               ein_config_bool(s->job->config, "ingest.follow_links"), &s->links);
    s->policy.read.place.links = s->links;
    free(root);
    if (status == EIN_OK) {
        printf("inputs: %" PRId64 "\n", in.inputs + in.found.n_problems);
        count_formats(&in);
        printf("models: %d, with %d encoders; %d columns\n", s->models->n, s->models->n_encoders,
               s->models->n_columns);
        status = look(s, &in, &found);
    }
    if (status == EIN_OK) estimate(s, &in, &found);
    ein_score_inputs_free(&in);
    return status;
}
