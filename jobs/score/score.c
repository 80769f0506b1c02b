/* score: models and an archive of recordings -> one row of scores per recording.
 *
 * Every rank is a worker that takes blocks of inputs from a shared folder, as is every other process that was started
 * with the same command: dealing, restart and merging go through files (jobs/score/claims.h), not through MPI. Ranks
 * meet at the beginning, when rank 0 has made the plan, and at the end.
 */
#include "jobs/score/run.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/nn/products.h"
#include "io/base/durable.h"
#include "io/formats/json.h"
#include "io/run/run.h"
#include "jobs/data/ingest_policy.h"
#include "jobs/options/tables.h"
#include "jobs/score/outputs.h"
#include "jobs/score/watch.h"
#include "mpi/stop.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

static const ein_option table_score[] = {
    {"score.models", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "adapted models (.safetensors), as FILE or ARM=FILE; models of one arm and the same tasks are its seeds"},
    {"score.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "work folder: plan, blocks, and in the end the scores; shared by all processes that work on it"},
    {"score.lists", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "files with a path per line, relative to the file's folder, as RECORDS of PhysioNet; -: standard input"},
    {"score.part", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "I/N: take only every N-th block, beginning with the I-th; for job arrays"},
    {"score.formats", EIN_OPT_LIST, "csv,h5,sqlite", EIN_UNBOUNDED, NULL, "",
     "tables to make: csv, h5, sqlite"},
    {"score.threshold", EIN_OPT_CHOICE, "youden", EIN_UNBOUNDED, "youden|closest", "",
     "which of the model's own thresholds, chosen on validation records, makes a label"},
    {"score.embedding", EIN_OPT_CHOICE, "none", EIN_UNBOUNDED, "none|mean|cls|attentive", "",
     "also write the embeddings of what is scored: the mean of the patch tokens, the CLS token, or what the "
     "learned query "
     "of an attentive model makes of them; models without a head are then taken too"},
    {"score.embedding_format", EIN_OPT_CHOICE, "h5", EIN_UNBOUNDED, "h5|npy", "",
     "embeddings.h5, or embeddings.npy with embeddings.npy.json beside it"},
    {"score.rescore", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "score again what was scored under another plan, or whose files have changed"},
    {"score.verify", EIN_OPT_INT, "0", 0, 1e12, NULL, "inputs",
     "score so many inputs again, drawn at random, and compare them with what stands there, byte for byte"},
    {"score.state", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "file that says how this job stands: running, done (nothing is left for it), stopped or failed"},
    {"score.block", EIN_OPT_INT, "256", 1, 1000000, NULL, "inputs",
     "done at a time: what a worker takes, and what a kill loses; does not show in the scores"},
    {"score.threads", EIN_OPT_INT, "0", 0, 4096, NULL, "threads",
     "of one rank that run the models; 0: the processors it may use"},
    {"score.readers", EIN_OPT_INT, "0", 0, 4096, NULL, "threads",
     "of one rank that read and prepare, beside them; 0: as many. More hide a file system that answers slowly"},
    {"score.retry_s", EIN_OPT_REAL, "300", 0, 1e7, NULL, "s",
     "how long trouble of the machine (I/O errors, a full disk, a folder that is gone) is waited out"},
    {"score.heartbeat_s", EIN_OPT_REAL, "10", 0.01, 3600, NULL, "s", "interval of a worker's signs of life"},
    {"score.stale_s", EIN_OPT_REAL, "120", 0.1, 1e6, NULL, "s",
     "a worker of another host without sign of life for so long is gone, and its blocks are taken over"},
    {"run.dry_run", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "count, look at some inputs, write nothing"},
    {"run.log_seconds", EIN_OPT_REAL, "30", 0.1, 86400, NULL, "s", "interval of progress lines"},
    {0},
};

static const ein_option *const tables[] = {table_score, ein_table_watch, ein_table_ingest_policy, NULL};

static const ein_flag flags[] = {{"--model", "FILE,...", "score.models"},
                                 {"--out", "FOLDER", "score.out"},
                                 {"--list", "FILE", "score.lists"},
                                 {"--watch", "FOLDER,...", "watch.folders"},
                                 {"--part", "I/N", "score.part"},
                                 {"--formats", "csv,h5,sqlite", "score.formats"},
                                 {"--lead-names", "NAME=LEAD,...", "ingest.lead_names"},
                                 {"--follow-links", NULL, "ingest.follow_links"},
                                 {"--embedding", "KIND", "score.embedding"},
                                 {"--rescore", NULL, "score.rescore"},
                                 {"--verify", "N", "score.verify"},
                                 {"--dry-run", NULL, "run.dry_run"},
                                 {0}};

/* --- the plan -------------------------------------------------------------------------------------------- */

static ein_status read_part(ein_score *s) {
    const char *text = ein_config_string(s->job->config, "score.part");
    int used = 0;
    if (!text || !text[0]) return EIN_OK;
    if (sscanf(text, "%d/%d%n", &s->part, &s->parts, &used) == 2 && !text[used] && s->part >= 1 &&
        s->part <= s->parts)
        return EIN_OK;
    return ein_error(EIN_USAGE, "score.part: '%s'; wanted is I/N with I from 1 to N", text);
}

static ein_status check_formats(const ein_config *c) {
    for (int i = 0; i < ein_config_list_count(c, "score.formats"); i++) {
        const char *name = ein_config_list_item(c, "score.formats", i);
        if (strcmp(name, "csv") != 0 && strcmp(name, "h5") != 0 && strcmp(name, "sqlite") != 0)
            return ein_error(EIN_USAGE, "score.formats: '%s'; there are csv, h5 and sqlite", name);
    }
    return EIN_OK;
}

static bool wants(const ein_config *c, const char *format) {
    for (int i = 0; i < ein_config_list_count(c, "score.formats"); i++)
        if (strcmp(ein_config_list_item(c, "score.formats", i), format) == 0) return true;
    return false;
}

/* What every rank finds for itself. */
static ein_status plan_here(ein_score *s) {
    const ein_config *c = s->job->config;
    const int n = ein_config_list_count(c, "score.models");
    const char **spec = NULL;
    s->out = ein_config_string(c, "score.out");
    EIN_TRY(read_part(s));
    EIN_TRY(check_formats(c));
    if (!s->out || !s->out[0])
        return ein_error(EIN_USAGE, "no folder for the scores is named: give --out FOLDER");
    EIN_TRY(EIN_NEW(spec, n));
    for (int i = 0; i < n; i++) spec[i] = ein_config_list_item(c, "score.models", i);
    const char *embedding = ein_config_string(c, "score.embedding");
    const ein_score_models_options o = {.closest =
                                            strcmp(ein_config_string(c, "score.threshold"), "closest") == 0,
                                        .embedding = strcmp(embedding, "none") == 0 ? NULL : embedding};
    const ein_status status = ein_score_models_load(spec, n, &o, &s->models);
    free(spec);
    EIN_TRY(status);
    EIN_TRY(ein_ingest_policy_from_config(c, s->models->contract.n_leads, &s->policy));
    s->policy.without_identity = true;
    EIN_TRY(ein_archives_new(&s->archives));
    s->policy.read.place.store = ein_archives_store(s->archives);
    s->products = ein_products_text();
    return ein_score_identity(s, &s->identity);
}

/* Links may lead to all places that were named. */
static ein_status allow_links(ein_score *s) {
    const char **root = NULL;
    int n = 0, total = 0;
    for (int p = 0; p < s->plan.n; p++) total += ein_int(s->plan.part[p].roots.n);
    EIN_TRY(EIN_NEW(root, total));
    for (int p = 0; p < s->plan.n; p++)
        for (int64_t i = 0; i < s->plan.part[p].roots.n; i++)
            root[n++] = ein_texts_get(&s->plan.part[p].roots, i);
    const ein_status status =
        ein_links_new(root, n, ein_config_bool(s->job->config, "ingest.follow_links"), &s->links);
    free(root);
    s->policy.read.place.links = s->links;
    return status;
}

/* What every rank takes from the plan that is there now. */
static ein_status enter(ein_score *s) {
    const ein_config *c = s->job->config;
    if (s->rank != 0) EIN_TRY(ein_score_plan_read(s->out, &s->plan));
    EIN_TRY(allow_links(s));
    if (s->rank == 0) return EIN_OK;
    return ein_claims_enter(s->out, ein_config_real(c, "score.heartbeat_s"),
                            ein_config_real(c, "score.stale_s"), &s->claims);
}

static ein_status verify(ein_score *s) {
    EIN_TRY(ein_score_plan_here(s));
    EIN_TRY(allow_links(s));
    return ein_score_verify(s, ein_config_int(s->job->config, "score.verify"));
}

/* --- the end --------------------------------------------------------------------------------------------- */

static void put_model(ein_json_builder *b, json_t *list, const ein_score_models *all,
                      const ein_score_model *m) {
    json_t *o = ein_json_put_object(b, list, NULL);
    char text[300];
    const char *slash = strrchr(m->path, '/');
    ein_json_put_text(b, o, "name", m->name);
    ein_json_put_text(b, o, "arm", m->arm);
    ein_json_put_text(b, o, "file", slash ? slash + 1 : m->path);
    ein_json_put_text(b, o, "blake2b", m->hash);
    ein_json_put_text(b, o, "encoder_blake2b", all->encoder[m->encoder].hash);
    ein_json_put_text(b, o, "program", m->info.program);
    ein_json_put_text(b, o, "licence", m->info.licence);
    json_t *targets = ein_json_put_array(b, o, "targets");
    for (int t = 0; t < ein_score_model_targets(m); t++) {
        const ein_model_threshold *threshold = &m->meaning->threshold[t];
        json_t *target = ein_json_put_object(b, targets, NULL);
        ein_json_put_text(b, target, "name", ein_model_tasks_label(m->meaning, t, text, sizeof text));
        ein_json_put_text(b, target, "calibration",
                          ein_calibration_text(&m->meaning->calibration[t], text, sizeof text));
        ein_json_put_real(b, target, "threshold", all->closest ? threshold->closest : threshold->youden);
    }
}

/* What stands over the scores: nothing of who made them, when, and on how many machines. */
static ein_status make_header(const ein_score *s, json_t **out) {
    ein_json_builder b = {false};
    char contract[EIN_CONTRACT_TEXT_BYTES], program[64];
    *out = json_object();
    EIN_TRY(ein_contract_text(&s->models->contract, contract));
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    ein_json_put_text(&b, *out, "format", "einthoven scores");
    ein_json_put_int(&b, *out, "version", 2);
    ein_json_put_text(&b, *out, "program", program);
    if (s->models->embedding_width > 0)
        ein_json_put_text(&b, *out, "embedding", ein_embedding_name(s->models->embedding));
    ein_json_put_text(&b, *out, "threshold", s->models->closest ? "closest" : "youden");
    json_t *identity = ein_json_put_array(&b, *out, "identity");
    for (const char *line = s->identity; *line;) {
        const size_t n = strcspn(line, "\n");
        ein_json_put(&b, identity, NULL, json_stringn(line, n));
        line += n + (line[n] == '\n');
    }
    ein_json_put_text(&b, *out, "contract", contract);
    json_t *models = ein_json_put_array(&b, *out, "models");
    for (int i = 0; i < s->models->n; i++) put_model(&b, models, s->models, &s->models->model[i]);
    return ein_json_done(&b, "the header of the scores");
}

static void print_statuses(const int64_t *tally) {
    int64_t all = 0;
    printf("%12s  %-12s\n", "inputs", "status");
    for (int i = 0; i < EIN_SCORE_STATUS_COUNT; i++) {
        if (tally[i] > 0)
            printf("%12" PRId64 "  %-12s %s\n", tally[i], ein_score_status_word(i), ein_score_status_text(i));
        all += tally[i];
    }
    printf("%12" PRId64 "  in all\n", all);
}

/* Rank 0, all blocks are done: the tables, made by one process; another that came first is waited for. */
static ein_status make_tables(ein_score *s) {
    const ein_config *c = s->job->config;
    ein_score_outputs o = {.csv = wants(c, "csv"),
                           .h5 = wants(c, "h5"),
                           .sqlite = wants(c, "sqlite"),
                           .npy = strcmp(ein_config_string(c, "score.embedding_format"), "npy") == 0};
    int64_t tally[EIN_SCORE_STATUS_COUNT];
    bool fresh = false;
    ein_status status;
    for (bool told = false;;) {
        status = make_header(s, &o.header);
        if (status == EIN_OK) status = ein_score_outputs_make(s->out, &s->plan, s->models, &o, tally, &fresh);
        json_decref(o.header);
        if (status != EIN_EXISTS || ein_stop_signals(NULL) > 0) break;
        if (!told) fprintf(stderr, "einthoven score: waiting: %s\n", ein_error_message());
        told = true;
        const struct timespec pause = {0, 200000000L};
        nanosleep(&pause, NULL);
    }
    EIN_TRY(status);
    ein_claims_sweep(s->out);
    printf("scores: %s/scores.*%s\n", s->out, fresh ? "" : " (made before)");
    print_statuses(tally);
    return EIN_OK;
}

static ein_status finish(ein_score *s) {
    int64_t blocks, inputs;
    ein_score_done(s, &blocks, &inputs);
    if (blocks == s->plan.blocks) return make_tables(s);
    printf("%" PRId64 " of %" PRId64 " inputs are done, in %" PRId64 " of %" PRId64 " blocks", inputs,
           s->plan.inputs, blocks, s->plan.blocks);
    if (s->stopped)
        printf("; stopped by a signal: start the same command again to go on\n");
    else
        printf("; the others are for %s. Whoever finishes the last makes the scores\n",
               s->parts ? "other parts, or in the hands of other processes"
                        : "other processes, which have them in hand");
    return EIN_OK;
}

/* For batch scripts, which cannot tell a stop from an end by exit codes. Rank 0. */
static ein_status note_state(const ein_score *s, const char *word, const char *reason) {
    const char *path = ein_config_string(s->job->config, "score.state");
    char text[1200];
    if (s->rank != 0 || !path || !path[0]) return EIN_OK;
    const int n = snprintf(text, sizeof text, "%s\n%s%.1000s%s", word, reason[0] ? "reason: " : "", reason,
                           reason[0] ? "\n" : "");
    return ein_durable_write(path, text, (size_t)n);
}

static ein_status work_together(ein_score *s) {
    const double begin = ein_clock_s();
    EIN_TRY(ein_comm_agree(s->comm, ein_stop_install()));
    EIN_TRY(ein_comm_share(s->comm, note_state(s, "running", "")));
    EIN_TRY(ein_usage_begin(s->comm, &s->usage));
    EIN_TRY(ein_comm_share(s->comm, s->rank == 0 ? ein_score_prepare(s) : EIN_OK));
    EIN_TRY(ein_comm_agree(s->comm, enter(s)));
    EIN_TRY(ein_comm_agree(s->comm, ein_score_work(s)));
    EIN_TRY(ein_score_report(s, ein_clock_s() - begin));
    return ein_comm_share(s->comm, s->rank == 0 ? finish(s) : EIN_OK);
}

static ein_status score(ein_score *s) {
    const ein_config *c = s->job->config;
    EIN_TRY(ein_comm_agree(s->comm, plan_here(s)));
    EIN_TRY(ein_threads_choose(s->comm, (int)ein_config_int(c, "score.threads"), &s->threads));
    s->readers = (int)ein_config_int(c, "score.readers");
    if (s->readers == 0) s->readers = s->threads;
    if (ein_config_list_count(c, "watch.folders") > 0) return ein_comm_agree(s->comm, ein_score_watch(s));
    if (ein_config_bool(c, "run.dry_run"))
        return ein_comm_share(s->comm, s->rank == 0 ? ein_score_dry_run(s) : EIN_OK);
    if (ein_config_int(c, "score.verify") > 0)
        return ein_comm_share(s->comm, s->rank == 0 ? verify(s) : EIN_OK);
    const ein_status status = work_together(s);
    if (status == EIN_COMM) return status;
    char reason[1000];
    snprintf(reason, sizeof reason, "%s",
             status == EIN_OK ? s->stopped ? "a signal" : "" : ein_error_message());
    const ein_status noted = note_state(s,
                                        status != EIN_OK ? "failed"
                                        : s->stopped     ? "stopped"
                                                         : "done",
                                        reason);
    if (status != EIN_OK) return ein_error(status, "%s", reason);
    EIN_TRY(ein_comm_share(s->comm, noted));
    int64_t stopped = s->stopped;
    EIN_TRY(ein_comm_max_i64(s->comm, &stopped, 1));
    return stopped ? EIN_STOPPED : EIN_OK;
}

static ein_status run(ein_job *job) {
    ein_score s = {
        .job = job, .comm = job->comm, .rank = ein_comm_rank(job->comm), .size = ein_comm_size(job->comm)};
    const ein_status status = score(&s);
    ein_claims_leave(s.claims);
    ein_score_plan_free(&s.plan);
    ein_links_destroy(s.links);
    ein_archives_destroy(s.archives);
    ein_score_models_destroy(s.models);
    free(s.identity);
    return status;
}

const ein_command ein_command_score = {
    .name = "score",
    .summary = "models and an archive of recordings -> a row of scores per recording",
    .operands = "FOLDER|FILE|CORPUS.h5|- ...",
    .description =
        "Scores every recording below the folders, in the files, lists and corpora named, and writes one row for each\n"
        "into scores.csv, scores.h5 and scores.sqlite: its scores, or the reason why it has none. Readers, "
        "contract and\n"
        "what is rejected are those of ingest; a score is the same, bit for bit, in any order, block, "
        "thread and process.\n"
        "\n"
        "  einthoven score archive/ --model finetuned/model.safetensors --out scored\n"
        "  find archive -name '*.hea' | einthoven score - --model a=m1.safetensors,a=m2.safetensors --out scored\n"
        "\n"
        "Killed or stopped, the same command goes on. Started several times, on any machines that share the "
        "folder, under\n"
        "mpirun, as a job array (--part I/N) or by hand, the processes share the work; whoever finishes the "
        "last block\n"
        "writes the tables. Files that were added since are scored too; files that changed, other models, options or\n"
        "programs are refused unless --rescore is given.\n"
        "\n"
        "--watch FOLDER scores recordings as they arrive, one line of JSON each, until a signal.\n"
        "\n"
        "Trouble of the machine (I/O errors, a full disk, a folder that vanishes) rejects nothing: it is "
        "waited out for\n"
        "score.retry_s, then the job ends and the next start goes on.",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = -1,
    .run = run,
};
