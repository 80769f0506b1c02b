/* ingest: folders of ECG files and label tables -> one corpus.
 *
 * Rank 0 lists the recordings; their order is the order of the corpus. They are taken in rounds of fixed
 * size: in each, every rank reads and prepares its contiguous share with its threads, rank 0 decides what
 * only it can know (duplicates, labels, patients), and the accepted ones are appended collectively, which
 * fixes their positions. So memory is bounded by a round, all ranks meet a few times per round, and neither
 * the number of ranks nor that of threads can be seen in the result.
 */
#include "jobs/data/ingest.h"

#include <limits.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "io/base/utf8.h"
#include "io/ecg/formats.h"
#include "io/run/run.h"
#include "jobs/data/ingest_offer.h"
#include "jobs/data/ingest_policy.h"
#include "jobs/options/rows.h"
#include "jobs/options/tables.h"
#include "mpi/gather.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

enum { ROUND_BYTES = 128 << 20, MIN_ROUND = 64, MAX_ROUND = 4096, MAX_PROBLEMS_TOLD = 10 };

static const ein_option table_preset[] = {
    EIN_ROW_PRESET("contract of a known model; contract.* overrides it"),
    {0},
};

static const ein_option table_ingest[] = {
    {"ingest.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "the corpus to write (.h5)"},
    {"ingest.folders", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "folders and files to take, if none are operands"},
    {"ingest.overwrite", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "replace an existing corpus"},
    {"ingest.compress", EIN_OPT_INT, "0", 0, 9, NULL, "", "deflate level of the signal; 0: none"},
    {"ingest.labels", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "label tables (.csv); unset: those of PTB-XL and MIMIC-IV-ECG where they lie in a folder"},
    {"ingest.find_tables", EIN_OPT_BOOL, "true", EIN_UNBOUNDED, NULL, "", "look for such tables"},
    {"ingest.label_encoding", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "encoding of the tables (latin1, cp1251, ...); unset: UTF-8, else what is evident"},
    {"ingest.label_key", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "their column that holds record ids or paths; unset: the first"},
    {"ingest.label_columns", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "columns kept as numbers; auto: those of numbers that look like labels, not like identifiers or dates; "
     "unset: auto"},
    {"ingest.text_columns", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "", "columns kept as texts"},
    {"ingest.patient_column", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column with the patient, over what files say"},
    {"ingest.age_column", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "column with the age in years"},
    {"ingest.sex_column", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "column with the sex, in words or by ISO 5218 (1 male, 2 female)"},
    {"ingest.sex_codes", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "",
     "what its codes mean where they are others, for example male=0,female=1"},
    {"ingest.cohort_column", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "column with the cohort"},
    {"ingest.site_column", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "column with the site"},
    {"ingest.cohort", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "cohort of all records; unset: their folder's name"},
    {"ingest.site", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "site of all records"},
    {"ingest.record_id", EIN_OPT_CHOICE, "name", EIN_UNBOUNDED, "name|path", "",
     "what names a record: the recording's own name, or its path"},
    {"ingest.keep_ids", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "keep patient ids as they are"},
    {"ingest.patient_key_file", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "file of random bytes: patient ids become keyed hashes, equal in all corpora made with it"},
    {"ingest.threads", EIN_OPT_INT, "0", 0, 4096, NULL, "threads",
     "of one rank; 0: the processors it may use"},
    {"ingest.round", EIN_OPT_INT, "0", 0, 1000000, NULL, "recordings",
     "taken at a time by all ranks together; 0: about 128 MiB of signal"},
    EIN_ROW_DRY_RUN("list and estimate, write nothing"),
    EIN_ROW_LOG_SECONDS,
    {0},
};

static const ein_option *const tables[] = {
    table_preset, ein_table_contract, table_ingest, ein_table_ingest_policy, ein_table_peer, NULL};

static const ein_flag flags[] = {{"--out", "FILE", "ingest.out"},
                                 {"--labels", "TABLE.csv", "ingest.labels"},
                                 {"--label-key", "COLUMN", "ingest.label_key"},
                                 {"--label-encoding", "NAME", "ingest.label_encoding"},
                                 {"--label-columns", "A,B,...", "ingest.label_columns"},
                                 {"--text-columns", "A,B,...", "ingest.text_columns"},
                                 {"--patient-column", "COLUMN", "ingest.patient_column"},
                                 {"--age-column", "COLUMN", "ingest.age_column"},
                                 {"--sex-column", "COLUMN", "ingest.sex_column"},
                                 {"--sex-codes", "male=1,female=2", "ingest.sex_codes"},
                                 {"--cohort-column", "COLUMN", "ingest.cohort_column"},
                                 {"--site-column", "COLUMN", "ingest.site_column"},
                                 {"--cohort", "NAME", "ingest.cohort"},
                                 {"--site", "NAME", "ingest.site"},
                                 {"--lead-names", "NAME=LEAD,...", "ingest.lead_names"},
                                 {"--follow-links", NULL, "ingest.follow_links"},
                                 {"--keep-ids", NULL, "ingest.keep_ids"},
                                 {"--patient-key-file", "FILE", "ingest.patient_key_file"},
                                 {"--overwrite", NULL, "ingest.overwrite"},
                                 {"--dry-run", NULL, "run.dry_run"},
                                 {0}};

/* --- the plan -------------------------------------------------------------------------------------- */

static int64_t choose_round(const ein_ingest *in) {
    int64_t round = ein_config_int(in->job->config, "ingest.round");
    if (round > 0) return round;
    round = ROUND_BYTES / 2 / in->values;
    return round < MIN_ROUND ? MIN_ROUND : round > MAX_ROUND ? MAX_ROUND : round;
}

static ein_status list_roots(ein_ingest *in) {
    const ein_config *config = in->job->config;
    int n = in->job->n_operands, from_config = n == 0;
    if (from_config) n = ein_config_list_count(config, "ingest.folders");
    if (n == 0) return ein_error(EIN_USAGE, "no folder is named: einthoven ingest FOLDER... --out FILE.h5");
    EIN_TRY(EIN_NEW(in->roots, n));
    in->n_roots = n;
    for (int i = 0; i < n; i++)
        in->roots[i] = from_config ? ein_config_list_item(config, "ingest.folders", i) : in->job->operands[i];
    return EIN_OK;
}

/* What all ranks find for themselves. */
static ein_status plan_here(ein_ingest *in) {
    const ein_config *config = in->job->config;
    EIN_TRY(ein_contract_from_config(config, &in->contract));
    EIN_TRY(ein_ingest_policy_from_config(config, in->contract.n_leads, &in->policy));
    in->out = ein_config_string(config, "ingest.out");
    if (!in->out || !in->out[0]) return ein_error(EIN_USAGE, "no corpus is named: give --out FILE.h5");
    in->values = in->contract.n_leads * in->contract.n_samples;
    if (in->values > EIN_CORPUS_MAX_RECORD_BYTES / 2)
        return ein_error(EIN_USAGE,
                         "contract: %d leads x %lld samples are %lld bytes a record; a corpus takes up to %d",
                         in->contract.n_leads, (long long)in->contract.n_samples, (long long)in->values * 2,
                         EIN_CORPUS_MAX_RECORD_BYTES);
    in->round = choose_round(in);
    EIN_TRY(list_roots(in));
    EIN_TRY(
        ein_links_new(in->roots, in->n_roots, ein_config_bool(config, "ingest.follow_links"), &in->links));
    in->policy.read.place.links = in->links;
    EIN_TRY(ein_archives_new(&in->archives));
    in->policy.read.place.store = ein_archives_store(in->archives);
    return EIN_OK;
}

void ein_ingest_print_passed(const ein_reader_list *found) {
    if (found->n_passed > 0) printf("passed over as no recordings:\n");
    for (int i = 0; i < found->n_passed; i++)
        printf("  %lld %s (first: %s)\n", (long long)found->passed[i].count, found->passed[i].kind,
               found->passed[i].first);
}

/* What rank 0 finds for all. */
static ein_status plan_first(ein_ingest *in) {
    const bool overwrite = ein_config_bool(in->job->config, "ingest.overwrite");
    if (!overwrite && access(in->out, F_OK) == 0)
        return ein_error(EIN_EXISTS, "%s exists; --overwrite replaces it", in->out);
    if (!ein_config_bool(in->job->config, "run.dry_run"))
        EIN_TRY(ein_outputs_begin(&in->out, 1, NULL, overwrite, &in->output));
    EIN_TRY(ein_ledger_new(in->job->config, in->roots, in->n_roots, &in->ledger));
    EIN_TRY(ein_reader_find_in(in->roots, in->n_roots, &in->policy.read.place, &in->found));
    in->total = in->found.count;
    for (int64_t i = 0; i < in->found.n_problems && i < MAX_PROBLEMS_TOLD; i++) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s", in->found.problem[i].path);
        ein_make_printable(path, false);
        fprintf(stderr, "einthoven ingest: warning: %s: %s\n", path, in->found.problem[i].reason);
    }
    if (in->found.n_problems > MAX_PROBLEMS_TOLD)
        fprintf(stderr, "einthoven ingest: warning: %lld more folders or files cannot be read\n",
                (long long)in->found.n_problems - MAX_PROBLEMS_TOLD);
    if (in->total == 0) ein_ingest_print_passed(&in->found);
    if (in->total == 0)
        return ein_error(EIN_NOTFOUND, "no recordings in %s%s: %s are looked for", in->roots[0],
                         in->n_roots > 1 ? " and the other folders" : "", ein_format_list());
    return ein_ledger_check_labels(in->ledger, &in->found, &in->joined);
}

/* --- rounds ---------------------------------------------------------------------------------------- */

/* Memory of the rounds. */
typedef struct {
    ein_ingest_worker **workers; /* (threads) */
    int16_t *counts;             /* (share, values) */
    ein_ingest_result *results;  /* own share; on rank 0, of the whole round */
    float *scale;                /* (share) */
    uint8_t *accepted;           /* (round) */
    const char **paths;          /* (round), into `text` */
    char *text;
} rounds;

static ein_status rounds_new(const ein_ingest *in, rounds *r) {
    int64_t share = (in->round + in->size - 1) / in->size;
    EIN_TRY(EIN_NEW(r->workers, in->threads));
    for (int t = 0; t < in->threads; t++)
        EIN_TRY(ein_ingest_worker_new(&in->contract, &in->policy, &r->workers[t]));
    EIN_TRY(EIN_NEW(r->counts, share * in->values));
    EIN_TRY(EIN_NEW(r->results, in->rank == 0 ? in->round : share));
    EIN_TRY(EIN_NEW(r->scale, share));
    EIN_TRY(EIN_NEW(r->accepted, in->round));
    return EIN_NEW(r->paths, in->round);
}

static void rounds_free(const ein_ingest *in, rounds *r) {
    for (int t = 0; r->workers && t < in->threads; t++) ein_ingest_worker_destroy(r->workers[t]);
    void *owned[] = {r->workers, r->counts, r->results, r->scale, r->accepted, r->paths, r->text};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
}

/* Rank 0 gives everybody the paths of a round: only it holds the whole list. */
static ein_status share_paths(const ein_ingest *in, rounds *r, int64_t first, int64_t n) {
    int64_t bytes = 0;
    ein_status status = EIN_OK;
    free(r->text);
    r->text = NULL;
    if (in->rank == 0) {
        for (int64_t i = 0; i < n; i++) bytes += (int64_t)strlen(in->found.path[first + i]) + 1;
        status = EIN_NEW(r->text, bytes);
        char *at = r->text;
        for (int64_t i = 0; status == EIN_OK && i < n; i++) at = stpcpy(at, in->found.path[first + i]) + 1;
    }
    EIN_TRY(ein_comm_agree(in->comm, status));
    EIN_TRY(ein_comm_bcast_bytes(in->comm, (void **)&r->text, &bytes));
    const char *at = r->text;
    for (int64_t i = 0; i < n; i++) {
        r->paths[i] = at;
        at += strlen(at) + 1;
    }
    return EIN_OK;
}

/* Read and prepare recordings [first, first + count) of the round. */
static void read_share(const ein_ingest *in, rounds *r, int64_t first, int64_t count) {
    int threads = count < in->threads ? (int)(count > 0 ? count : 1) : in->threads;
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
    for (int64_t i = 0; i < count; i++) {
        ein_watchdog_beat("reading recordings");
        ein_ingest_one(r->workers[omp_get_thread_num()], r->paths[first + i], r->counts + i * in->values,
                       &r->results[i]);
    }
}

static ein_status gather_results(const ein_ingest *in, rounds *r, int64_t n) {
    return ein_gather(in->comm, r->results, r->results, NULL, n, (int64_t)sizeof *r->results,
                      "gathering what was read");
}

/* Rank 0: trouble of a machine is no property of a recording, and a corpus without it would be another one. */
static ein_status check_trouble(const rounds *r, int64_t n) {
    for (int64_t i = 0; i < n; i++)
        if (r->results[i].cause == EIN_CAUSE_SYSTEM)
            return ein_error(
                EIN_SYSTEM,
                "%s: %s; that is no fault of the recording, so it is not left out and no corpus is "
                "written: try again when the machine and the file system are well; if it can never be read again, "
                "take it out of the folder",
                r->paths[i], r->results[i].reason);
    return EIN_OK;
}

/* Rank 0: who is in, who is out and why. */
static ein_status judge(const ein_ingest *in, rounds *r, ein_corpus_writer *writer, int64_t n,
                        const ein_corpus_entry **entries) {
    int64_t n_entries = 0;
    EIN_TRY(check_trouble(r, n));
    EIN_TRY(ein_ledger_take(in->ledger, n, r->paths, r->results, entries, &n_entries));
    for (int64_t i = 0; i < n; i++) {
        const ein_ingest_result *one = &r->results[i];
        char source[4096];
        r->accepted[i] = one->cause == EIN_CAUSE_NONE;
        if (r->accepted[i]) continue;
        EIN_TRY(ein_corpus_reject(writer, ein_ledger_source(in->ledger, r->paths[i], source, sizeof source),
                                  one->record_id, one->reason));
    }
    return EIN_OK;
}

static ein_status one_round(const ein_ingest *in, rounds *r, ein_corpus_writer *writer, int64_t begin,
                            int64_t n) {
    int64_t first, count, kept = 0;
    const ein_corpus_entry *entries = NULL;
    ein_share(n, in->rank, in->size, &first, &count);
    EIN_TRY(share_paths(in, r, begin, n));
    read_share(in, r, first, count);
    for (int64_t i = 0; i < count; i++) r->scale[i] = r->results[i].scale;
    EIN_TRY(gather_results(in, r, n));
    EIN_TRY(ein_comm_agree(in->comm, in->rank == 0 ? judge(in, r, writer, n, &entries) : EIN_OK));
    int code = MPI_Bcast(r->accepted, ein_int(n), MPI_UINT8_T, 0, ein_comm_mpi(in->comm));
    EIN_TRY(ein_comm_check(code, "sharing what is accepted"));
    for (int64_t i = 0; i < count; i++) {
        if (!r->accepted[first + i]) continue;
        if (kept < i)
            memcpy(r->counts + kept * in->values, r->counts + i * in->values,
                   (size_t)in->values * sizeof *r->counts);
        r->scale[kept++] = r->scale[i];
    }
    return ein_corpus_append(writer, kept, r->counts, r->scale, entries);
}

static ein_status all_rounds(const ein_ingest *in, rounds *r, ein_corpus_writer *writer) {
    double interval = ein_config_real(in->job->config, "run.log_seconds");
    ein_progress *progress =
        in->rank == 0 ? ein_progress_new(NULL, "ingest", "recordings", in->total, interval) : NULL;
    ein_status status = EIN_OK;
    ein_progress_update(progress, 0, NULL);
    for (int64_t at = 0; at < in->total && status == EIN_OK; at += in->round) {
        int64_t n = in->total - at < in->round ? in->total - at : in->round;
        status = one_round(in, r, writer, at, n);
        if (status != EIN_OK || in->rank != 0) continue;
        char detail[96];
        snprintf(detail, sizeof detail, "%lld accepted, %lld rejected",
                 (long long)ein_ledger_accepted(in->ledger), (long long)ein_ledger_rejected(in->ledger));
        ein_progress_update(progress, at + n, detail);
    }
    ein_progress_finish(progress);
    return status;
}

/* --- from beginning to end ------------------------------------------------------------------------- */

/* The configuration with the folders, which are operands, as a comment. */
static ein_status describe_run(const ein_ingest *in, char **out) {
    char *yaml = NULL;
    size_t bytes = 0;
    EIN_TRY(ein_config_to_yaml(in->job->config, &yaml));
    FILE *f = open_memstream(out, &bytes);
    if (f) {
        for (int i = 0; i < in->n_roots; i++) {
            char name[4096];
            ein_utf8_make(in->roots[i], strlen(in->roots[i]), name, sizeof name, NULL);
            fputs("# folder: ", f); /* a name may hold a line end, which would begin a key */
            for (const char *c = name; *c; c++) fputc((unsigned char)*c < ' ' ? '?' : *c, f);
            fputc('\n', f);
        }
        fputs(yaml, f);
    }
    free(yaml);
    if (!f || fclose(f) != 0) return ein_error(EIN_NOMEM, "no memory for the configuration");
    return EIN_OK;
}

/* A disk that is too small shows itself hours later otherwise. */
static void warn_of_space(const ein_ingest *in) {
    struct statvfs disk;
    char folder[4096];
    snprintf(folder, sizeof folder, "%s", in->out);
    char *slash = strrchr(folder, '/');
    if (slash) slash[1] = '\0';
    if (statvfs(slash ? folder : ".", &disk) != 0) return;
    double free_bytes = (double)disk.f_bavail * (double)disk.f_frsize;
    double need = (double)in->total * (double)in->values * 2;
    if (need > free_bytes && ein_config_int(in->job->config, "ingest.compress") == 0)
        fprintf(stderr, "einthoven ingest: warning: %s: %.0f MB are free, %.0f MB may be needed\n",
                slash ? folder : ".", free_bytes / 1e6, need / 1e6);
}

static ein_status create(const ein_ingest *in, ein_corpus_writer **writer) {
    ein_corpus_options o = {.path = in->out,
                            .program = "",
                            .config_yaml = "",
                            .patient_ids = "",
                            .contract = in->contract,
                            .compress = (int)ein_config_int(in->job->config, "ingest.compress")};
    char program[64], *yaml = NULL;
    ein_status status = EIN_OK;
    if (in->rank == 0) {
        snprintf(program, sizeof program, "einthoven %s", ein_version());
        const ein_labels *labels = ein_ledger_labels(in->ledger);
        o.program = program;
        o.patient_ids = ein_ledger_patient_ids(in->ledger);
        o.n_labels = ein_labels_n_values(labels);
        o.label_name = ein_labels_value_names(labels);
        o.text_name = ein_ledger_text_names(in->ledger, &o.n_texts);
        status = describe_run(in, &yaml);
        if (status == EIN_OK) o.config_yaml = yaml;
        warn_of_space(in);
    }
    status = ein_comm_agree(in->comm, status);
    if (status == EIN_OK) status = ein_corpus_create(in->comm, &o, writer);
    free(yaml);
    return status;
}

static ein_status reject_folders(const ein_ingest *in, ein_corpus_writer *writer) {
    for (int64_t i = 0; in->rank == 0 && i < in->found.n_problems; i++) {
        const ein_reader_problem *problem = &in->found.problem[i];
        char source[PATH_MAX];
        EIN_TRY(ein_corpus_reject(writer, ein_ledger_source(in->ledger, problem->path, source, sizeof source),
                                  "", problem->reason));
        ein_ledger_count_folder(in->ledger);
    }
    return EIN_OK;
}

/* Rank 0: an ingest that accepted nothing has failed. */
static ein_status none_accepted(const ein_ingest *in) {
    char causes[1200];
    if (ein_ledger_accepted(in->ledger) > 0) return EIN_OK;
    ein_ledger_top_causes(in->ledger, causes, sizeof causes);
    return ein_error(EIN_FORMAT, "none of %lld recordings was accepted: %s", (long long)in->total, causes);
}

static ein_status write_corpus(const ein_ingest *in) {
    ein_corpus_writer *writer = NULL;
    rounds r = {0};
    ein_status status = ein_comm_agree(in->comm, rounds_new(in, &r));
    if (status == EIN_OK) status = create(in, &writer);
    if (status == EIN_OK) status = ein_comm_agree(in->comm, reject_folders(in, writer));
    /* Not before: one rank alone may look through folders for long. */
    if (status == EIN_OK) status = ein_watch_peers(in->comm, in->job->config);
    if (status == EIN_OK) status = all_rounds(in, &r, writer);
    if (status == EIN_OK) status = ein_comm_agree(in->comm, in->rank == 0 ? none_accepted(in) : EIN_OK);
    rounds_free(in, &r);
    if (status == EIN_OK && in->rank == 0) ein_ledger_correct(in->ledger, writer);
    if (status == EIN_OK)
        status = ein_corpus_finish(writer);
    else
        ein_corpus_abandon(writer);
    if (status == EIN_OK)
        status = ein_comm_agree(in->comm, in->rank == 0 ? ein_outputs_publish(in->output) : EIN_OK);
    ein_watchdog_stop();
    return status;
}

static void print_summary(const ein_ingest *in, double seconds) {
    printf("corpus: %s\n", in->out);
    ein_ledger_summary(in->ledger, stdout);
    if (ein_ledger_unknown_patients(in->ledger) > 0)
        ein_offer_print(in->roots, in->n_roots, &in->found, ein_ledger_labels(in->ledger), stdout);
    ein_ingest_print_passed(&in->found);
    printf("time: %.1f s, %.0f recordings/s on %d ranks x %d threads\n", seconds, (double)in->total / seconds,
           in->size, in->threads);
}

static ein_status ingest(ein_ingest *in) {
    double begin = ein_clock_s();
    EIN_TRY(ein_comm_agree(in->comm, plan_here(in)));
    EIN_TRY(
        ein_threads_choose(in->comm, (int)ein_config_int(in->job->config, "ingest.threads"), &in->threads));
    EIN_TRY(ein_comm_agree(in->comm, in->rank == 0 ? plan_first(in) : EIN_OK));
    int code = MPI_Bcast(&in->total, 1, MPI_INT64_T, 0, ein_comm_mpi(in->comm));
    EIN_TRY(ein_comm_check(code, "sharing the number of recordings"));
    if (ein_config_bool(in->job->config, "run.dry_run"))
        return ein_comm_agree(in->comm, in->rank == 0 ? ein_ingest_dry_run(in) : EIN_OK);
    EIN_TRY(write_corpus(in));
    if (in->rank == 0) print_summary(in, ein_clock_s() - begin);
    return EIN_OK;
}

static ein_status run(ein_job *job) {
    ein_ingest in = {
        .job = job, .comm = job->comm, .rank = ein_comm_rank(job->comm), .size = ein_comm_size(job->comm)};
    const ein_status status = ingest(&in);
    ein_outputs_end(in.output);
    ein_ledger_destroy(in.ledger);
    ein_reader_list_free(&in.found);
    ein_archives_destroy(in.archives);
    ein_links_destroy(in.links);
    free(in.roots);
    return status;
}

const ein_command ein_command_ingest = {
    .name = "ingest",
    .summary = "folders of ECG files and label tables -> one corpus",
    .operands = "FOLDER...",
    .description =
        "Reads every recording below the folders (WFDB, and the formats of carts: einthoven help ecg), recognised by\n"
        "content, brings it to the contract (leads, rate, length, filters), and writes one corpus (HDF5; "
        "its format is\n"
        "specified in io/corpus/format.h) that holds signals, quality flags, ids, labels, and the reason "
        "for every file\n"
        "that was rejected.\n"
        "The file is the same on any number of ranks.\n"
        "\n"
        "  einthoven ingest data/ptbxl --out ptbxl.h5 --set model.preset=tiny\n"
        "  mpirun -n 8 einthoven ingest study.yaml data/a data/b --out study.h5\n"
        "  einthoven ingest data --out all.h5 --labels data/labels.csv --label-key path \\\n"
        "      --patient-column subject --age-column age --sex-column sex --cohort-column cohort\n"
        "\n"
        "The tables of PTB-XL and MIMIC-IV-ECG are found in their folders and joined. Of other tables name the key "
        "and the\n"
        "patient: a recording whose patient is not known counts as a patient of its own. Columns of numbers become "
        "labels\n"
        "but for those that look like identifiers or dates; the summary names every column, and why it was left "
        "out.\n"
        "\n"
        "Missing samples, flat leads and the like are flagged, not rejected; ingest.reject_flags changes "
        "that.\n"
        "Patient ids are replaced by pseudonyms unless --keep-ids, or by keyed hashes with "
        "--patient-key-file.\n"
        "Record ids and source paths are kept: look at them before a corpus leaves the house.",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = -1,
    .run = run,
};
