/* Making the plan of a work folder, or going on with the one that is there. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/signal/quality.h"
#include "io/base/durable.h"
#include "io/base/lock.h"
#include "io/base/map.h"
#include "io/base/trouble.h"
#include "io/base/utf8.h"
#include "io/ecg/formats.h"
#include "io/ecg/source_stamp.h"
#include "jobs/score/rows.h"
#include "jobs/score/run.h"
#include "jobs/score/source.h"
#include "mpi/stop.h"

enum { PROBLEMS_TOLD = 10 };

/* --- identity -------------------------------------------------------------------------------------------- */

static ein_status hash_program(char out[EIN_HASH_TEXT_BYTES]) {
    char *bytes = NULL;
    size_t n = 0;
    EIN_TRY(ein_error_context(ein_file_read("/proc/self/exe", INT64_C(1) << 32, &bytes, &n), "this program"));
    ein_hash_text(bytes, n, out);
    free(bytes);
    return EIN_OK;
}

ein_status ein_score_identity(const ein_score *s, char **out) {
    static const char *const keys[] = {"ingest.follow_links", "ingest.units"};
    const ein_config *c = s->job->config;
    char program[EIN_HASH_TEXT_BYTES], contract[EIN_HASH_TEXT_BYTES], flags[512] = "",
                                                                      text[EIN_CONTRACT_TEXT_BYTES];
    size_t bytes = 0;
    EIN_TRY(hash_program(program));
    EIN_TRY(ein_contract_text(&s->models->contract, text));
    ein_hash_string(text, contract);
    FILE *f = open_memstream(out, &bytes);
    if (!f) return ein_error(EIN_NOMEM, "no memory for the plan");
    fprintf(f, "program: einthoven %s\nprogram_blake2b: %s\ncontract_blake2b: %s\n", ein_version(), program,
            contract);
    fprintf(f, "products: %s\n", s->products);
    for (int i = 0; i < s->models->n; i++) fprintf(f, "model: %s\n", s->models->model[i].hash);
    if (s->models->embedding_width > 0)
        fprintf(f, "embedding: %s\n", ein_embedding_name(s->models->embedding));
    fprintf(f, "ingest.min_seconds: %.17g\ningest.max_mv: %.17g\ningest.max_missing_leads: %d\n",
            s->policy.min_seconds, s->policy.max_mv, s->policy.max_missing_leads);
    if (s->policy.reject_flags) ein_quality_text(s->policy.reject_flags, flags, sizeof flags);
    fprintf(f, "ingest.reject_flags: %s\n", flags);
    fprintf(f, "%s: %s\n", keys[0], ein_config_bool(c, keys[0]) ? "true" : "false");
    fprintf(f, "%s: %s\n", keys[1], ein_config_string(c, keys[1]));
    for (int i = 0; i < ein_config_list_count(c, "ingest.lead_names"); i++) {
        char shown[256];
        fprintf(f, "ingest.lead_names: %s\n",
                ein_utf8_show(ein_config_list_item(c, "ingest.lead_names", i), shown, sizeof shown));
    }
    return fclose(f) == 0 ? EIN_OK : ein_error(EIN_NOMEM, "no memory for the plan");
}

/* --- an earlier plan ------------------------------------------------------------------------------------- */

/* Everything of an earlier plan goes to FOLDER/earlier-N. */
static ein_status set_aside(const ein_score *s) {
    static const char *const names[] = {
        "blocks",      "claims",        "problems",       "scores.csv",
        "scores.h5",   "scores.sqlite", "embeddings.npy", "embeddings.npy.json",
        "scores.json", "embeddings.h5", "MADE-BY"};
    char to[PATH_MAX], from[PATH_MAX], below[PATH_MAX + 64];
    int n = 1;
    do snprintf(to, sizeof to, "%s/earlier-%d", s->out, n++);
    while (mkdir(to, 0777) != 0 && errno == EEXIST);
    /* The plan last: as long as it stands, a start after a kill finds the old one and begins here again. */
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(from, sizeof from, "%s/%s", s->out, names[i]);
        snprintf(below, sizeof below, "%s/%s", to, names[i]);
        if (rename(from, below) != 0 && errno != ENOENT)
            return ein_error(EIN_IO, "%s: %s", from, strerror(errno));
    }
    for (int i = s->plan.n; i >= 1; i--) {
        snprintf(from, sizeof from, "%s/plan-%04d", s->out, i);
        snprintf(below, sizeof below, "%s/plan-%04d", to, i);
        if (rename(from, below) != 0) return ein_error(EIN_IO, "%s: %s", from, strerror(errno));
    }
    printf("what was scored before stands in %s\n", to);
    return ein_durable_sync_folder(from);
}

static ein_status check_identity(ein_score *s, int others) {
    char difference[800];
    if (s->plan.n == 0) return EIN_OK;
    ein_score_plan_difference(s->plan.part[s->plan.n - 1].identity, s->identity, difference,
                              sizeof difference);
    if (!difference[0]) return EIN_OK;
    if (!ein_config_bool(s->job->config, "score.rescore"))
        return ein_error(
            EIN_MISMATCH,
            "%s was scored under another plan: %s. Scores of both would not be comparable: --rescore scores "
            "everything again and keeps the old in an earlier-N folder; or name another --out",
            s->out, difference);
    if (others > 0)
        return ein_error(EIN_EXISTS,
                         "%s: %d other processes work there under another plan (%s); stop them first", s->out,
                         others, difference);
    EIN_TRY(set_aside(s));
    ein_score_plan_free(&s->plan);
    return ein_claims_prepare(s->out);
}

/* Whether all roots of this command were looked through for the plan; a list may have millions. */
static ein_status compare_roots(const ein_score_plan *plan, const ein_texts *roots, bool *known) {
    ein_map *map = NULL;
    EIN_TRY(ein_map_new(&map));
    ein_status status = EIN_OK;
    for (int p = 0; p < plan->n; p++)
        for (int64_t i = 0; i < plan->part[p].roots.n && status == EIN_OK; i++)
            status = ein_map_put(map, ein_texts_get(&plan->part[p].roots, i), 1);
    *known = true;
    for (int64_t i = 0; i < roots->n && *known; i++)
        *known = ein_map_get(map, ein_texts_get(roots, i), 0) != 0;
    ein_map_destroy(map);
    return status;
}

/* --- changes --------------------------------------------------------------------------------------------- */

/* Whether a file that was scored is another one now: it is there, looks otherwise, and has another hash. */
static bool has_changed(const ein_place *place, const char *path, int64_t record, const ein_score_record *r) {
    char sha256[EIN_SHA256_TEXT_BYTES];
    if (ein_source_stamp(path) == r->stamp) return false;
    if (!ein_input_is_there(place, path)) return false;
    if (record >= 0 || r->sha256[0] == '\0' || r->status == EIN_SCORE_GONE) return true;
    const ein_status status = ein_score_source_hash(place, path, sha256);
    ein_error_clear();
    return status == EIN_OK ? strcmp(sha256, r->sha256) != 0 : !ein_trouble_is(status);
}

/* Sources of blocks that are done whose files have changed since, and the first of them. */
static ein_status find_changed(const ein_score *s, ein_map *changed, char *first, size_t room) {
    char path[PATH_MAX];
    for (int64_t b = 0; b < s->plan.blocks; b++) {
        const ein_score_part *part = ein_score_plan_part(&s->plan, b);
        ein_score_block block;
        int64_t begin, n;
        ein_claims_block_path(s->out, b, path, sizeof path);
        ein_score_part_block(part, b, &begin, &n);
        const ein_status status = ein_score_block_read(path, part->hash, n, s->models->values, &block);
        if (status == EIN_NOTFOUND) continue;
        if (status == EIN_CORRUPT || status == EIN_MISMATCH) {
            printf("%s; it is done again\n", ein_error_message());
            if (unlink(path) != 0) return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
            continue;
        }
        EIN_TRY(status);
        for (int64_t i = 0; i < n; i++) {
            int64_t record;
            const char *source = ein_score_part_input(part, begin + i, &record);
            const int later = (int)(part - s->plan.part) + 1;
            if (record > 0 || ein_score_plan_has(&s->plan, later, source)) continue;
            if (!has_changed(&s->policy.read.place, source, record, &block.record[i])) continue;
            if (ein_map_count(changed) == 0) snprintf(first, room, "%s", source);
            const ein_status put = ein_map_put(changed, source, part - s->plan.part);
            if (put != EIN_OK) {
                ein_score_block_free(&block);
                return put;
            }
        }
        ein_score_block_free(&block);
    }
    ein_error_clear();
    return EIN_OK;
}

static ein_status check_changed(const ein_score *s, ein_map *changed) {
    char first[PATH_MAX] = "", shown[PATH_MAX];
    EIN_TRY(find_changed(s, changed, first, sizeof first));
    const int64_t n = ein_map_count(changed);
    if (n == 0 || ein_config_bool(s->job->config, "score.rescore")) return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "%" PRId64
        " of the files that were scored have changed since (first: %s); --rescore scores these again",
        n, ein_utf8_show(first, shown, sizeof shown));
}

/* --- new inputs ------------------------------------------------------------------------------------------ */

/* All sources of the plan, with the number of records that the latest part says. */
static ein_status note_known(const ein_score_plan *plan, ein_map *known) {
    for (int p = 0; p < plan->n; p++)
        for (int64_t i = 0; i < plan->part[p].sources.path.n; i++)
            EIN_TRY(ein_map_put(known, ein_texts_get(&plan->part[p].sources.path, i),
                                plan->part[p].sources.count[i]));
    return EIN_OK;
}

static ein_status choose_new(const ein_score_inputs *in, const ein_map *known, const ein_map *changed,
                             ein_score_sources *out) {
    for (int64_t i = 0; i < in->sources.path.n; i++) {
        const char *path = ein_texts_get(&in->sources.path, i);
        const int64_t count = in->sources.count[i];
        if (ein_map_get(known, path, -1) == count && ein_map_get(changed, path, -1) < 0) continue;
        EIN_TRY(ein_score_sources_add(out, path, count));
    }
    return EIN_OK;
}

static void tell_found(const ein_score *s, const ein_score_inputs *in, int64_t fresh) {
    printf("inputs: %" PRId64 " found, %" PRId64 " new; plan %s: %" PRId64 " inputs in %" PRId64 " blocks\n",
           in->inputs, fresh, s->out, s->plan.inputs, s->plan.blocks);
    if (in->found.n_passed > 0) printf("passed over as no recordings:\n");
    for (int i = 0; i < in->found.n_passed; i++) {
        char shown[512];
        printf("  %" PRId64 " %s (first: %s)\n", in->found.passed[i].count, in->found.passed[i].kind,
               ein_utf8_show(in->found.passed[i].first, shown, sizeof shown));
    }
    for (int64_t i = 0; i < in->found.n_problems && i < PROBLEMS_TOLD; i++) {
        char shown[PATH_MAX];
        fprintf(stderr, "einthoven score: warning: %s: %s\n",
                ein_utf8_show(in->found.problem[i].path, shown, sizeof shown), in->found.problem[i].reason);
    }
    if (in->found.n_problems > PROBLEMS_TOLD)
        fprintf(stderr, "einthoven score: warning: %" PRId64 " more folders or files cannot be read\n",
                in->found.n_problems - PROBLEMS_TOLD);
}

static ein_status add_part(ein_score *s, ein_score_inputs *in) {
    ein_map *known = NULL, *changed = NULL;
    ein_score_sources fresh = {0};
    bool known_roots = false;
    const int64_t block = ein_config_int(s->job->config, "score.block");
    ein_status status = ein_map_new(&known);
    if (status == EIN_OK) status = ein_map_new(&changed);
    if (status == EIN_OK) status = check_changed(s, changed);
    if (status == EIN_OK)
        status = ein_score_inputs_find(in, ein_config_bool(s->job->config, "ingest.follow_links"),
                                       s->policy.read.place.store);
    if (status == EIN_OK) status = note_known(&s->plan, known);
    if (status == EIN_OK) status = choose_new(in, known, changed, &fresh);
    if (status == EIN_OK) status = ein_score_problems_write(s->out, &in->found);
    if (status == EIN_OK) status = compare_roots(&s->plan, &in->roots, &known_roots);
    if (status == EIN_OK && (fresh.path.n > 0 || !known_roots))
        status = ein_score_plan_write(s->out, s->plan.n + 1, s->identity, &in->roots, &fresh, s->plan.blocks,
                                      block);
    const int64_t n_fresh = fresh.path.n;
    ein_score_sources_free(&fresh);
    ein_map_destroy(known);
    ein_map_destroy(changed);
    ein_score_plan_free(&s->plan);
    if (status == EIN_OK) status = ein_score_plan_read(s->out, &s->plan);
    if (status == EIN_OK) tell_found(s, in, n_fresh);
    if (status == EIN_OK && s->plan.inputs == 0 && in->found.n_problems == 0)
        status =
            ein_error(EIN_NOTFOUND, "no recordings in %s%s: %s are looked for", ein_texts_get(&in->roots, 0),
                      in->roots.n > 1 ? " and the other places" : "", ein_format_list());
    return status;
}

/* --- together -------------------------------------------------------------------------------------------- */

/* One process at a time makes the plan; the others wait for it. */
static ein_status lock_plan(const ein_score *s, ein_lock **lock) {
    char path[PATH_MAX], what[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/plan.lock", s->out);
    snprintf(what, sizeof what, "the plan of %.4000s", s->out);
    for (bool told = false;;) {
        const ein_status status = ein_lock_take(path, what, lock, NULL);
        if (status != EIN_EXISTS || ein_stop_signals(NULL) > 0) return status;
        if (!told) fprintf(stderr, "einthoven score: waiting: %s\n", ein_error_message());
        told = true;
        const struct timespec pause = {0, 200000000L};
        nanosleep(&pause, NULL);
    }
}

static ein_status prepare(ein_score *s, ein_score_inputs *in) {
    const double stale_s = ein_config_real(s->job->config, "score.stale_s");
    int others = 0;
    ein_owner first;
    EIN_TRY(ein_score_plan_read(s->out, &s->plan));
    EIN_TRY(ein_claims_others(s->out, NULL, stale_s, &others, &first));
    EIN_TRY(check_identity(s, others));
    bool known_roots = false;
    EIN_TRY(compare_roots(&s->plan, &in->roots, &known_roots));
    if (others > 0 && s->plan.n > 0 && known_roots) {
        printf("joining %d other processes (first: %ld on %s) in %s: %" PRId64 " inputs in %" PRId64
               " blocks\n",
               others, first.pid, first.host, s->out, s->plan.inputs, s->plan.blocks);
    } else {
        EIN_TRY(add_part(s, in));
    }
    return ein_claims_enter(s->out, ein_config_real(s->job->config, "score.heartbeat_s"), stale_s,
                            &s->claims);
}

ein_status ein_score_inputs_named(const ein_job *job, ein_score_inputs *out) {
    const int n = ein_config_list_count(job->config, "score.lists");
    const char **lists = NULL;
    EIN_TRY(EIN_NEW(lists, n));
    for (int i = 0; i < n; i++) lists[i] = ein_config_list_item(job->config, "score.lists", i);
    const ein_status status = ein_score_inputs_roots(job->operands, job->n_operands, lists, n, out);
    free(lists);
    return status;
}

ein_status ein_score_plan_here(ein_score *s) {
    char difference[800];
    EIN_TRY(ein_score_plan_read(s->out, &s->plan));
    if (s->plan.n == 0) return ein_error(EIN_NOTFOUND, "%s: nothing was scored there", s->out);
    ein_score_plan_difference(s->plan.part[s->plan.n - 1].identity, s->identity, difference,
                              sizeof difference);
    if (!difference[0]) return EIN_OK;
    return ein_error(EIN_MISMATCH, "%s was scored under another plan: %s", s->out, difference);
}

ein_status ein_score_prepare(ein_score *s) {
    ein_score_inputs in = {0};
    ein_lock *lock = NULL;
    ein_status status = ein_score_inputs_named(s->job, &in);
    if (status == EIN_OK) status = ein_claims_prepare(s->out);
    if (status == EIN_OK) status = lock_plan(s, &lock);
    if (status == EIN_OK) status = prepare(s, &in);
    ein_lock_release(lock, true);
    ein_score_inputs_free(&in);
    return status;
}
