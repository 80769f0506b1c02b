/* einthoven synth: cohort description -> synthetic 12-lead ECGs with labels, as files of a cart. */
#include <dirent.h>
#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "core/synth/synth.h"
#include "io/base/durable.h"
#include "io/base/lock.h"
#include "io/ecg/wfdb_write.h"
#include "io/run/run.h"
#include "jobs/cli/command.h"
#include "jobs/data/synth_format.h"
#include "jobs/data/synth_tables.h"
#include "jobs/options/rows.h"
#include "jobs/options/tables.h"
#include "mpi/watchdog.h"

enum { PATH_BYTES = 4096, CONFIG_BYTES_MOST = 1 << 20 };

static const ein_option synth_options[] = {
    {"synth.records", EIN_OPT_INT, "1000", 1, 9999999, NULL, "records", "how many recordings"},
    {"synth.seed", EIN_OPT_INT, "1", 0, 9.0e15, NULL, "",
     "key of every random draw; record i of a seed is always the same"},
    {"synth.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "folder to write; made if needed"},
    {"synth.cohort", EIN_OPT_STRING, "synthetic", EIN_UNBOUNDED, NULL, "",
     "name of the cohort in labels.csv"},
    {"synth.format", EIN_OPT_CHOICE, "wfdb", EIN_UNBOUNDED, EIN_SYNTH_FORMAT_CHOICES, "",
     "of the recordings: WFDB, GE MUSE XML, CardioSoft XML"},
    {"synth.counts_per_mv", EIN_OPT_REAL, NULL, 10, 100000, NULL, "1/mV",
     "gain of the files; unset: the format's, 1000, 1 per 4.88 uV, 1 per 5 uV"},
    {"synth.threads", EIN_OPT_INT, "0", 0, 4096, NULL, "threads",
     "of one rank; 0: all processors for one rank alone, else 1"},
    EIN_ROW_DRY_RUN("say what would be made, and stop"),
    {0},
};

/* The parameters of core/synth/parameters.h, as options. */
static const ein_option synth_parameter_options[] = {
#define X(id, key, column, snomed, prevalence, age_odds, male_odds, text) \
    {"prevalence." key, EIN_OPT_REAL, #prevalence, 0, 1, NULL, "", "share of recordings with " text},
    EIN_SYNTH_CONDITIONS(X)
#undef X
#define X(id, key, column, snomed, prevalence, age_odds, male_odds, text) \
    {"age_odds." key, EIN_OPT_REAL, #age_odds, 0.05, 20, NULL, "", "odds ratio per decade of age for " text},
        EIN_SYNTH_CONDITIONS(X)
#undef X
#define X(id, key, column, snomed, prevalence, age_odds, male_odds, text) \
    {"male_odds." key,                                                    \
     EIN_OPT_REAL,                                                        \
     #male_odds,                                                          \
     0.05,                                                                \
     20,                                                                  \
     NULL,                                                                \
     "",                                                                  \
     "odds ratio of men against women for " text},
            EIN_SYNTH_CONDITIONS(X)
#undef X
#define X(id, key, initial, min, max, unit, help) {key, EIN_OPT_REAL, #initial, min, max, NULL, unit, help},
                EIN_SYNTH_PARAMETERS(X)
#undef X
                    {0},
};

static const ein_option *const tables[] = {synth_options, ein_synth_table_options, synth_parameter_options,
                                           ein_table_peer, NULL};

static const ein_flag flags[] = {
    {"--out", "FOLDER", "synth.out"},
    {"--dry-run", NULL, "run.dry_run"},
    {NULL, NULL, NULL},
};

static ein_status read_cohort(const ein_config *config, ein_synth_cohort *cohort) {
    memset(cohort, 0, sizeof *cohort);
    cohort->out = ein_config_string(config, "synth.out");
    if (!cohort->out || !cohort->out[0])
        return ein_error(EIN_USAGE, "synth.out is not set: say where to write, with --out FOLDER");
    if (strlen(cohort->out) > PATH_BYTES - 128)
        return ein_error(EIN_USAGE, "synth.out: the path is longer than %d bytes", PATH_BYTES - 128);
    cohort->records = ein_config_int(config, "synth.records");
    cohort->seed = (uint64_t)ein_config_int(config, "synth.seed");
    cohort->format = ein_synth_format_find(ein_config_string(config, "synth.format"));
    cohort->counts_per_mv = ein_config_is_set(config, "synth.counts_per_mv")
                                ? ein_config_real(config, "synth.counts_per_mv")
                                : ein_synth_format_counts_per_mv(cohort->format);
    cohort->cohort = ein_config_string(config, "synth.cohort");
    EIN_TRY(ein_synth_table_read(config, cohort));
    ein_synth_config_default(&cohort->config);
    for (int i = 0; i < EIN_SP_COUNT; i++)
        cohort->config.p[i] = ein_config_real(config, ein_synth_parameters[i].key);
    return ein_synth_config_ready(&cohort->config);
}

static int64_t bytes_per_record(const ein_synth_cohort *cohort) {
    return ein_synth_format_bytes(cohort->format, EIN_SYNTH_LEADS, ein_synth_samples(&cohort->config));
}

static void print_plan(const ein_synth_cohort *cohort, int ranks, int threads) {
    const int64_t bytes = cohort->records * bytes_per_record(cohort);
    struct statvfs disk;
    printf("synthetic cohort \"%s\" in %s\n", cohort->cohort, cohort->out);
    printf("  records   %lld of 12 leads x %lld samples at %g Hz, about %.0f patients, seed %llu\n",
           (long long)cohort->records, (long long)ein_synth_samples(&cohort->config),
           cohort->config.p[EIN_SP_FS_HZ], (double)cohort->records / cohort->config.p[EIN_SP_ECGS],
           (unsigned long long)cohort->seed);
    printf("  files     %lld (%s) in %lld folders, %.2f GB\n",
           (long long)(ein_synth_format_files(cohort->format) * cohort->records),
           ein_synth_format_text(cohort->format), (long long)((cohort->records + 999) / 1000),
           (double)bytes / 1e9);
    if (statvfs(cohort->out, &disk) == 0)
        printf("  free      %.2f GB there\n", (double)disk.f_bavail * (double)disk.f_frsize / 1e9);
    printf("  memory    %.1f MB per thread, %d threads on each of %d ranks\n",
           (double)ein_synth_samples(&cohort->config) * 12 * 6 / 1e6, threads, ranks);
    for (int c = 0; c < EIN_SC_COUNT; c++)
        if (cohort->config.p[EIN_SP_PREVALENCE + c] > 0)
            printf("  %-9s %5.1f %%  %s\n", ein_synth_conditions[c].column,
                   100 * cohort->config.p[EIN_SP_PREVALENCE + c], ein_synth_conditions[c].text);
}

/* --- the folder ---------------------------------------------------------------------------------------- */

/* The configuration without what does not change the data: where, how many threads. */
static ein_status identity_text(const ein_config *config, char **out) {
    static const char *const passed_over[] = {"out:", "threads:", "dry_run:", "peer_timeout_s:"};
    char *yaml;
    EIN_TRY(ein_config_to_yaml(config, &yaml));
    char *to = yaml;
    for (char *line = yaml; *line;) {
        char *end = strchr(line, '\n');
        const size_t length = end ? (size_t)(end - line) + 1 : strlen(line);
        const char *key = line + strspn(line, " ");
        bool keep = true;
        for (size_t i = 0; i < sizeof passed_over / sizeof *passed_over; i++)
            if (strncmp(key, passed_over[i], strlen(passed_over[i])) == 0) keep = false;
        if (keep) {
            memmove(to, line, length);
            to += length;
        }
        line += length;
    }
    *to = '\0';
    *out = yaml;
    return EIN_OK;
}

/* The first line in which two texts differ, for a message. */
static void first_difference(const char *a, const char *b, char *line_a, char *line_b, size_t room) {
    while (*a && *b) {
        const size_t n = strcspn(a, "\n"), m = strcspn(b, "\n");
        if (n != m || memcmp(a, b, n) != 0) break;
        a += n + (a[n] == '\n');
        b += m + (b[m] == '\n');
    }
    snprintf(line_a, room, "%.*s", (int)strcspn(a + strspn(a, " "), "\n"), a + strspn(a, " "));
    snprintf(line_b, room, "%.*s", (int)strcspn(b + strspn(b, " "), "\n"), b + strspn(b, " "));
}

static ein_status compare_identity(const char *path, const char *found, const char *wanted) {
    char there[160], here[160];
    if (strcmp(found, wanted) == 0) return EIN_OK;
    first_difference(found, wanted, there, here, sizeof there);
    return ein_error(EIN_EXISTS,
                     "%s: the folder holds another cohort (\"%s\" there, \"%s\" here); choose another --out, "
                     "or remove the folder",
                     path, there, here);
}

/* Files but for our own and those that begin with a dot; the configuration is the first that another start writes. */
static bool holds_files(const char *folder) {
    DIR *dir = opendir(folder);
    if (!dir) return false;
    bool any = false;
    for (const struct dirent *entry; (entry = readdir(dir)) && !any;)
        any = entry->d_name[0] != '.' && strcmp(entry->d_name, "config.resolved.yaml.partial") != 0;
    closedir(dir);
    return any;
}

/* Make the folder, or find that it holds this very cohort, begun or complete. Nothing is written into a
 * folder that is not ours. */
static ein_status look_at_folder(const ein_synth_cohort *cohort, const char *identity, bool *begun,
                                 bool *complete) {
    char path[PATH_BYTES], *found = NULL;
    size_t bytes = 0;
    *begun = *complete = false;
    EIN_TRY(ein_make_folders(cohort->out));
    const bool foreign =
        holds_files(cohort->out); /* before: another start may make the configuration meanwhile */
    snprintf(path, sizeof path, "%s/config.resolved.yaml", cohort->out);
    ein_status status = ein_file_read(path, CONFIG_BYTES_MOST, &found, &bytes);
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        if (!foreign) return EIN_OK;
        return ein_error(EIN_EXISTS,
                         "%s: holds files that are not a synthetic cohort; choose an empty folder",
                         cohort->out);
    }
    if (status == EIN_OK) status = compare_identity(path, found, identity);
    free(found);
    if (status != EIN_OK) return status;
    snprintf(path, sizeof path, "%s/MANIFEST.json", cohort->out);
    *begun = true;
    *complete = access(path, F_OK) == 0;
    return EIN_OK;
}

/* One process group at a time writes a folder. */
static ein_status lock_folder(const ein_synth_cohort *cohort, ein_lock **lock) {
    char path[PATH_BYTES], what[PATH_BYTES + 16];
    snprintf(path, sizeof path, "%s/.lock", cohort->out);
    snprintf(what, sizeof what, "cohort %s", cohort->out);
    return ein_lock_take(path, what, lock, NULL);
}

/* --- records ------------------------------------------------------------------------------------------- */

/* Make record `i`, unless an earlier run did. */
static ein_status make_record(const ein_synth_cohort *cohort, int64_t i, bool look, ein_ecg *ecg) {
    char folder[PATH_BYTES], below[64], name[64];
    ein_synth_person person;
    const int64_t record = cohort->first + i;
    ein_synth_record_folder(record, below, sizeof below);
    ein_synth_record_name(cohort, record, name, sizeof name);
    snprintf(folder, sizeof folder, "%s/%s", cohort->out, below);
    if (look && ein_synth_format_is_whole(cohort->format, folder, name, EIN_SYNTH_LEADS,
                                          ein_synth_samples(&cohort->config)))
        return EIN_OK;
    EIN_TRY(ein_synth_draw_person(&cohort->config, cohort->seed, record, &person));
    EIN_TRY(ein_synth_render(&cohort->config, &person, cohort->seed, record, ecg));
    ein_synth_dress(cohort, &person, ecg);
    const ein_status status =
        ein_synth_format_write(cohort->format, folder, name, ecg, cohort->counts_per_mv);
    return ein_error_context(status, "record %lld of %lld (run the same command again to go on)",
                             (long long)i, (long long)cohort->records);
}

/* Records [first, first + count) on this rank's threads. The error of the lowest record is kept. */
static ein_status make_records(const ein_synth_cohort *cohort, int64_t first, int64_t count, bool look,
                               int threads, ein_ecg *ecgs) {
    ein_kept_error error = {.status = EIN_OK};
#pragma omp parallel for num_threads(threads) schedule(dynamic, 4)
    for (int64_t i = first; i < first + count; i++) {
        ein_watchdog_beat("making recordings");
        ein_error_keep_lowest(&error, i, make_record(cohort, i, look, &ecgs[omp_get_thread_num()]));
    }
    return ein_error_kept(&error);
}

static ein_status make_record_folders(const ein_synth_cohort *cohort) {
    char path[PATH_BYTES], below[64];
    const int64_t end = cohort->first + cohort->records;
    for (int64_t i = cohort->first - cohort->first % 1000; i < end; i += 1000) {
        ein_synth_record_folder(i, below, sizeof below);
        snprintf(path, sizeof path, "%s/%s", cohort->out, below);
        EIN_TRY(ein_make_folders(path));
    }
    return EIN_OK;
}

/* All records, in rounds after which the ranks agree: a full disk on one stops all. Collective. */
static ein_status make_all(ein_comm *comm, const ein_synth_cohort *cohort, bool look, int threads,
                           ein_ecg *ecgs) {
    enum { ROUND = 128 };
    int64_t first, count, rounds;
    ein_share(cohort->records, ein_comm_rank(comm), ein_comm_size(comm), &first, &count);
    rounds = (cohort->records / ein_comm_size(comm) + 1 + ROUND - 1) / ROUND;
    ein_progress *progress =
        ein_comm_rank(comm) == 0 ? ein_progress_new(NULL, "synth", "records", cohort->records, 10) : NULL;
    ein_progress_update(progress, 0, NULL);
    ein_status status = EIN_OK;
    int64_t done = 0;
    for (int64_t round = 0; round < rounds && status == EIN_OK; round++) {
        const int64_t n = count - done < ROUND ? count - done : ROUND;
        status = ein_comm_agree(comm, make_records(cohort, first + done, n, look, threads, ecgs));
        done += n;
        int64_t total = done;
        if (status == EIN_OK) status = ein_comm_sum_i64(comm, &total, 1);
        ein_progress_update(progress, total, NULL);
    }
    ein_progress_finish(progress);
    return status;
}

/* Labels and README by rank 0; then everything to disk; then the mark of completeness. Collective. */
static ein_status finish(ein_comm *comm, const ein_synth_cohort *cohort) {
    ein_status status = EIN_OK;
    ein_watchdog_beat("writing labels and flushing all to the disk");
    if (ein_comm_rank(comm) == 0) {
        status = ein_synth_write_labels(cohort);
        if (status == EIN_OK) status = ein_synth_write_readme(cohort);
    }
    if (status == EIN_OK) status = ein_wfdb_sync(cohort->out);
    EIN_TRY(ein_comm_agree(comm, status));
    if (ein_comm_rank(comm) == 0) status = ein_synth_write_manifest(cohort);
    return ein_comm_share(comm, status);
}

static ein_status make_cohort(ein_comm *comm, const ein_synth_cohort *cohort, bool look, int threads) {
    ein_ecg *ecgs = NULL;
    ein_status status = EIN_NEW(ecgs, threads);
    if (status == EIN_OK && ein_comm_rank(comm) == 0) status = make_record_folders(cohort);
    status = ein_comm_agree(comm, status);
    if (status == EIN_OK) status = make_all(comm, cohort, look, threads, ecgs);
    for (int i = 0; ecgs && i < threads; i++) ein_ecg_free(&ecgs[i]);
    free(ecgs);
    return status == EIN_OK ? finish(comm, cohort) : status;
}

/* What rank 0 finds and does: state[0] begun, state[1] complete. */
static ein_status open_folder(const ein_config *config, const ein_synth_cohort *cohort, ein_lock **lock,
                              int64_t *state) {
    char path[PATH_BYTES], *identity = NULL;
    bool begun = false, complete = false;
    EIN_TRY(identity_text(config, &identity));
    /* A lock is not put into a folder that is not ours; what is there is looked at again when nobody else can
     * change it. */
    ein_status status = look_at_folder(cohort, identity, &begun, &complete);
    if (status == EIN_OK) status = lock_folder(cohort, lock);
    if (status == EIN_OK) status = look_at_folder(cohort, identity, &begun, &complete);
    if (status == EIN_OK && !begun) {
        snprintf(path, sizeof path, "%s/config.resolved.yaml", cohort->out);
        status = ein_durable_write(path, identity, strlen(identity));
    }
    free(identity);
    state[0] = begun;
    state[1] = complete;
    return status;
}

static ein_status make(ein_job *job) {
    ein_synth_cohort cohort;
    EIN_TRY(read_cohort(job->config, &cohort));
    int threads = (int)ein_config_int(job->config, "synth.threads");
    if (threads == 0) threads = ein_comm_size(job->comm) == 1 ? omp_get_max_threads() : 1;
    const bool speaks = ein_comm_rank(job->comm) == 0;
    if (ein_config_bool(job->config, "run.dry_run")) {
        if (speaks) print_plan(&cohort, ein_comm_size(job->comm), threads);
        return EIN_OK;
    }
    ein_lock *lock = NULL;
    int64_t state[2] = {0, 0};
    ein_status status =
        ein_comm_share(job->comm, speaks ? open_folder(job->config, &cohort, &lock, state) : EIN_OK);
    if (status == EIN_OK) status = ein_comm_max_i64(job->comm, state, 2);
    const bool begun = state[0] != 0, complete = state[1] != 0;
    if (status == EIN_OK && !complete) status = make_cohort(job->comm, &cohort, begun, threads);
    ein_lock_release(lock, true);
    if (status == EIN_OK && speaks)
        printf("%lld SYNTHETIC recordings in %s%s\n", (long long)cohort.records, cohort.out,
               complete ? " (complete already, nothing to do)" : "");
    return status;
}

static ein_status run(ein_job *job) {
    EIN_TRY(ein_watch_peers(job->comm, job->config));
    const ein_status status = make(job);
    ein_watchdog_stop();
    return status;
}

const ein_command ein_command_synth = {
    .name = "synth",
    .summary = "make synthetic 12-lead ECGs with labels, as WFDB or cart XML",
    .operands = "",
    .description =
        "Makes ECGs of people who do not exist, from a moving dipole with findings, noise and the truth "
        "about both, as WFDB,\n"
        "GE MUSE XML or CardioSoft XML files in folders of 1000, with labels.csv. Record i of a seed is the "
        "same on any number\n"
        "of ranks and whatever else is made. A run that was stopped goes on where it was when the same "
        "command is given\n"
        "again; a folder with other content is never touched. Everything written says that it is synthetic.\n\n"
        "    einthoven synth --out cohort --set synth.records=2000\n"
        "    mpirun -n 4 einthoven synth cohort.yaml --out cohort --set prevalence.af=0.2\n"
        "    einthoven synth --out carts --set synth.format=muse\n",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
