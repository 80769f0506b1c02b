/* ingest on recordings made here, each of a kind that must be met: what comes in, what is refused and why,
 * and whether the corpus holds what the recordings hold.
 *
 *     test_ingest                         the suite
 *     test_ingest make FOLDER             write the recordings and their label table
 *     test_ingest check CORPUS ROOT STEP  compare every STEP-th record with its source, prepared anew
 *     test_ingest same A B                whether two corpora hold the same data
 *     test_ingest rejected CORPUS         print what was rejected, and why
 *     test_ingest texts CORPUS COLUMN     print a column of texts, record by record
 */
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/signal/prepare.h"
#include "core/signal/quantise.h"
#include "io/base/durable.h"
#include "io/corpus/corpus.h"
#include "io/ecg/reader.h"
#include "io/ecg/source_hash.h"
#include "jobs/cli/command.h"
#include "tests/report.h"

enum { FS = 500, SAMPLES = 5000, ADC_MISSING = -32768 };

static ein_comm *world;
static int rank, size;
static char folder[256];

static void check_all(bool good, const char *name) {
    int mine = good, all = 0;
    MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, ein_comm_mpi(world));
    if (!good) fprintf(stderr, "# rank %d: %s: %s\n", rank, name, ein_error_message());
    report(all == 1, "%s", name);
}

static void barrier(void) {
    MPI_Barrier(ein_comm_mpi(world));
}

/* --- made-up recordings ---------------------------------------------------------------------------- */

typedef struct {
    const char *name;  /* "a/r00" */
    const char *leads; /* comma separated */
    int samples, seed;
    double gain, gain_step; /* of lead l: gain, and from the seventh lead on gain + l * gain_step */
    const char *comments;
    int keep_bytes; /* of the signal file; -1: all; -2: no file */
} recording;

static const char twelve[] = "I,II,III,aVR,aVL,aVF,V1,V2,V3,V4,V5,V6";

/* A smooth signal, different for every seed and lead. Limb leads obey Einthoven's law on the integers. */
static int wave(int seed, int lead, int t) {
    return (int)lrint(400 * sin(t * 0.011 * (seed % 7 + 1) + lead) + 150 * sin(t * 0.13 + seed + 2 * lead) +
                      (t % (350 + seed) == 20 * (seed % 5) ? 900 : 0));
}

static int adc(const recording *r, const char *lead, int t) {
    int one = wave(r->seed, 0, t), two = wave(r->seed, 1, t);
    if (strcmp(lead, "I") == 0) return one;
    if (strcmp(lead, "II") == 0) return two;
    if (strcmp(lead, "III") == 0) return two - one;
    if (strcmp(lead, "aVR") == 0) return -(one + two) / 2;
    if (strcmp(lead, "aVL") == 0) return one - two / 2;
    if (strcmp(lead, "aVF") == 0) return two - one / 2;
    int chest = atoi(lead + 1);
    if (strstr(r->name, "nanlead") && chest == 3) return ADC_MISSING;
    if (strstr(r->name, "nans") && chest == 4 && t % 100 < 3) return ADC_MISSING;
    if (strstr(r->name, "flat") && chest == 2) return 0;
    return wave(r->seed, chest + 5, t);
}

static void write_recording(const char *root, const recording *r) {
    char path[512], list[128], *lead[16], *save = NULL;
    int n = 0;
    snprintf(list, sizeof list, "%s", r->leads);
    for (char *word = strtok_r(list, ",", &save); word; word = strtok_r(NULL, ",", &save)) lead[n++] = word;
    const char *base = strrchr(r->name, '/') + 1;
    snprintf(path, sizeof path, "%s/%s.hea", root, r->name);
    FILE *f = fopen(path, "w");
    EIN_BUG_IF(!f);
    fprintf(f, "%s %d %d %d\n", base, n, FS, r->samples);
    for (int l = 0; l < n; l++) {
        unsigned sum = 0;
        for (int t = 0; t < r->samples; t++) sum += (unsigned)adc(r, lead[l], t);
        fprintf(f, "%s.dat 16 %g(0)/mV 16 0 %d %d 0 %s\n", base, l < 6 ? r->gain : r->gain + l * r->gain_step,
                adc(r, lead[l], 0), (int)(int16_t)(sum & 0xffff), lead[l]);
    }
    fputs(r->comments, f);
    EIN_BUG_IF(fclose(f) != 0);
    if (r->keep_bytes == -2) return;
    snprintf(path, sizeof path, "%s/%s.dat", root, r->name);
    f = fopen(path, "wb");
    EIN_BUG_IF(!f);
    for (int t = 0; t < r->samples; t++)
        for (int l = 0; l < n; l++) {
            int16_t value = (int16_t)adc(r, lead[l], t);
            EIN_BUG_IF(fwrite(&value, 2, 1, f) != 1);
        }
    EIN_BUG_IF(fclose(f) != 0 || (r->keep_bytes >= 0 && truncate(path, r->keep_bytes) != 0));
}

enum { PLAIN = 20 };
static const recording special[] = {
    {"a/big", twelve, SAMPLES, 51, 1, 0, "", -1},     /* counts as mV: hundreds of mV */
    {"a/few", "V1,V2", SAMPLES, 52, 1000, 0, "", -1}, /* six wanted leads absent */
    {"a/flat", twelve, SAMPLES, 53, 1000, 0, "", -1},
    {"a/gain200", twelve, SAMPLES, 54, 200, 0, "", -1},
    {"a/limb", "III,I,V1,V2,V3,V4,V5,V6", SAMPLES, 55, 1000, 0, "", -1}, /* II = I + III */
    {"a/mixed", twelve, SAMPLES, 56, 1000, 50, "", -1},
    {"a/nanlead", twelve, SAMPLES, 57, 1000, 0, "", -1},
    {"a/nans", twelve, SAMPLES, 58, 1000, 0, "", -1},
    {"a/nodat", twelve, SAMPLES, 59, 1000, 0, "", -2},
    {"a/short2", twelve, 1000, 60, 1000, 0, "", -1},
    {"a/short7", twelve, 3500, 61, 1000, 0, "", -1},
    {"a/swapped", "V6,aVR,aVF,aVL,II,I,III,V1,V2,V3,V4,V5", SAMPLES, 62, 1000, 0, "", -1},
    {"a/trunc", twelve, SAMPLES, 63, 1000, 0, "", 90000},
    {"b/copy", twelve, SAMPLES, 5, 1000, 0, "", -1}, /* the signal of a/r05 */
    {"b/r03", twelve, SAMPLES, 64, 1000, 0, "", -1}, /* the id of a/r03 */
};
enum { SPECIAL = sizeof special / sizeof special[0] };
/* Of PLAIN + SPECIAL + one header of rubbish; rejected: big, few, nodat, short2, b/r03, rubbish. */
enum { FOUND = PLAIN + SPECIAL + 1, REJECTED = 6, ACCEPTED = FOUND - REJECTED };

static void make_table(const char *root) {
    char path[512];
    snprintf(path, sizeof path, "%s/labels.csv", root);
    FILE *f = fopen(path, "w");
    EIN_BUG_IF(!f);
    fputs("path,subject,age,sex,centre,AF,LVH,note,mixed\n", f);
    for (int i = 0; i < PLAIN - 1; i++) /* r19 has no row */
        fprintf(f, "a/r%02d,P-%d,%s,%s,centre %d,%d,%s,\"sinus|%d, quoted\",%s\n", i, i / 2,
                i == 4   ? "300"
                : i == 6 ? ""
                         : "61.5",
                i % 2 ? "M" : "F", i % 3, i % 2, i % 4 ? "1" : "", i, i == 8 ? "high" : "1");
    fputs("a/flat,P-flat,40,F,centre 9,1,0,first,1\na/flat,P-flat,40,F,centre 9,0,0,second,1\n",
          f);                                         /* ambiguous */
    fputs("z/none,P-none,40,F,centre 9,1,0,,1\n", f); /* no record */
    fputs("a/gain200,short row\n", f);                /* malformed */
    EIN_BUG_IF(fclose(f) != 0);
}

static void make(const char *root) {
    char path[512];
    snprintf(path, sizeof path, "%s/a", root);
    EIN_BUG_IF(ein_make_folders(path) != EIN_OK);
    snprintf(path, sizeof path, "%s/b", root);
    EIN_BUG_IF(ein_make_folders(path) != EIN_OK);
    for (int i = 0; i < PLAIN; i++) {
        char name[32], comments[64];
        snprintf(name, sizeof name, "a/r%02d", i);
        snprintf(comments, sizeof comments, "# Age: %d\n# Sex: %s\n# <subject_id>: H%d\n", 30 + i,
                 i % 2 ? "F" : "M", i / 2);
        recording r = {name, twelve, SAMPLES, i, 1000, 0, comments, -1};
        write_recording(root, &r);
    }
    for (int i = 0; i < SPECIAL; i++) write_recording(root, &special[i]);
    snprintf(path, sizeof path, "%s/b/rubbish.hea", root);
    EIN_BUG_IF(ein_durable_write(path, "\x01\x02 nothing\n", 11) != EIN_OK);
    make_table(root);
}

/* --- running the subcommand ------------------------------------------------------------------------ */

/* Run ingest as the program would; what it prints goes to FOLDER/summary. Collective. */
static ein_status ingest(const char *const *settings, const char *const *roots, int n_roots) {
    ein_config *config = NULL;
    EIN_BUG_IF(ein_config_new(ein_command_ingest.tables, &config) != EIN_OK);
    for (int i = 0; settings[i]; i++) EIN_BUG_IF(ein_config_set(config, settings[i]) != EIN_OK);
    ein_job job = {config, world, n_roots, roots};
    char path[300];
    snprintf(path, sizeof path, rank == 0 ? "%s/summary" : "/dev/null", folder);
    fflush(stdout);
    int kept = dup(STDOUT_FILENO);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    dup2(fd, STDOUT_FILENO);
    ein_status status = ein_command_ingest.run(&job);
    fflush(stdout);
    dup2(kept, STDOUT_FILENO);
    close(kept);
    close(fd);
    ein_config_destroy(config);
    barrier();
    return status;
}

static char *path_of(const char *name) {
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static bool summary_says(const char *line) {
    char *text = NULL;
    size_t n = 0;
    if (ein_file_read(path_of("summary"), 1 << 20, &text, &n) != EIN_OK) return false;
    bool found = strstr(text, line) != NULL;
    if (!found && rank == 0) fprintf(stderr, "# the summary lacks '%s':\n%s\n", line, text);
    free(text);
    return found;
}

static char set_out[600], set_labels[600];
static const char *const with_labels[] = {set_out,
                                          set_labels,
                                          "ingest.label_key=path",
                                          "ingest.patient_column=subject",
                                          "ingest.age_column=age",
                                          "ingest.sex_column=sex",
                                          "ingest.site_column=centre",
                                          "ingest.text_columns=note,mixed",
                                          "contract.fs_hz=500",
                                          "contract.samples=5000",
                                          "ingest.round=7",
                                          "ingest.threads=2",
                                          NULL};

static int64_t find(const ein_corpus *c, const char *id) {
    for (int64_t i = 0; i < ein_corpus_records(c); i++)
        if (strcmp(ein_corpus_record_id(c, i), id) == 0) return i;
    return -1;
}

/* --- what a corpus must hold ----------------------------------------------------------------------- */

/* Compare record `i` with its source, read and prepared anew. `worst` in counts. */
static ein_status compare(ein_corpus *c, ein_prepare_plan *plan, const char *root, const char *source,
                          int64_t i, double *worst, bool *exact) {
    const ein_contract *contract = ein_corpus_contract(c);
    int64_t values = contract->n_leads * contract->n_samples;
    char path[4096];
    ein_ecg ecg;
    snprintf(path, sizeof path, "%s/%s", root, source);
    EIN_TRY(ein_reader_read(path, &ecg));
    float *mv = malloc((size_t)values * sizeof *mv), scale;
    int16_t *counts = malloc((size_t)values * sizeof *counts);
    ein_status status = ein_prepare(plan, &ecg, mv, NULL, NULL);
    if (status == EIN_OK) status = ein_corpus_read(c, i, 1, counts, &scale);
    *exact = ecg.gain_per_mv > 0 && ecg.fs_hz == contract->fs_hz;
    for (int64_t k = 0; status == EIN_OK && k < values; k++) {
        bool missing = counts[k] == EIN_CORPUS_MISSING;
        double error = missing ? 0 : fabs((double)mv[k] / (double)scale - counts[k]);
        if (missing != (isnan(mv[k]) != 0) || isnan(error)) error = INFINITY;
        if (!(error <= *worst)) *worst = error;
        if (!missing && counts[k] != (int16_t)lrint((double)mv[k] * ecg.gain_per_mv)) *exact = false;
    }
    free(mv);
    free(counts);
    ein_ecg_free(&ecg);
    return status;
}

typedef struct {
    double worst; /* largest error in counts */
    int64_t compared, exact, hashed;
} comparison;

static ein_status compare_all(ein_corpus *c, const char *root, int64_t step, comparison *out) {
    char *source = NULL, *hash = NULL;
    int64_t stride = 0, hash_stride = 0;
    ein_prepare_plan *plan = NULL;
    memset(out, 0, sizeof *out);
    EIN_TRY(ein_corpus_texts(c, "source_file", &source, &stride));
    EIN_TRY(ein_corpus_texts(c, "source_sha256", &hash, &hash_stride));
    EIN_TRY(ein_prepare_plan_new(ein_corpus_contract(c), NULL, &plan));
    ein_status status = EIN_OK;
    for (int64_t i = 0; i < ein_corpus_records(c) && status == EIN_OK; i += step) {
        bool exact = false;
        char path[4096], again[EIN_SHA256_TEXT_BYTES];
        status = compare(c, plan, root, source + i * stride, i, &out->worst, &exact);
        snprintf(path, sizeof path, "%s/%s", root, source + i * stride);
        if (status == EIN_OK) status = ein_source_hash(path, again);
        if (status == EIN_OK) out->hashed += strcmp(again, hash + i * hash_stride) == 0;
        out->compared++;
        out->exact += exact;
    }
    ein_prepare_plan_destroy(plan);
    free(source);
    free(hash);
    return status;
}

static void contents(ein_corpus *c) {
    comparison found;
    check_all(compare_all(c, path_of("data"), 1, &found) == EIN_OK && found.compared == ACCEPTED &&
                  found.worst <= 0.5 + 1e-3,
              "every record is its source, prepared, within half a count");
    /* All but the one with mixed gains. */
    check_all(found.exact == ACCEPTED - 1, "records at the contract's rate hold the converter's own counts");
    check_all(found.hashed == ACCEPTED, "every source hash is that of header and signal file");
    int64_t i = find(c, "gain200");
    check_all(i >= 0 && ein_corpus_scale(c)[i] == 0.005f, "scale is 1 / gain");
    static int16_t counts[8 * SAMPLES];
    float scale;
    i = find(c, "swapped");
    bool good = i >= 0 && ein_corpus_read(c, i, 1, counts, &scale) == EIN_OK;
    for (int t = 0; good && t < SAMPLES; t++)
        good = counts[t] == adc(&special[11], "I", t) && counts[SAMPLES + t] == adc(&special[11], "II", t) &&
               counts[7 * SAMPLES + t] == adc(&special[11], "V6", t);
    check_all(good, "leads are taken by name, whatever their order in the file");
    i = find(c, "limb");
    good = i >= 0 && ein_corpus_read(c, i, 1, counts, &scale) == EIN_OK;
    for (int t = 0; good && t < SAMPLES; t++) good = counts[SAMPLES + t] == adc(&special[4], "II", t);
    check_all(good, "a limb lead that is absent is derived");
    i = find(c, "short7");
    good = i >= 0 && ein_corpus_read(c, i, 1, counts, &scale) == EIN_OK;
    check_all(good && counts[3499] != EIN_CORPUS_MISSING && counts[3500] == EIN_CORPUS_MISSING,
              "a short recording is padded as missing");
}

static bool has_flag(const ein_corpus *c, const char *id, uint32_t flag) {
    int64_t i = find(c, id);
    return i >= 0 && (ein_corpus_quality(c)[i] & flag) != 0;
}

static void quality(ein_corpus *c) {
    check_all(has_flag(c, "flat", EIN_QUALITY_FLAT) && has_flag(c, "nanlead", EIN_QUALITY_MISSING) &&
                  has_flag(c, "nans", EIN_QUALITY_NAN) && has_flag(c, "short7", EIN_QUALITY_SHORT) &&
                  has_flag(c, "trunc", EIN_QUALITY_TRUNCATED),
              "flat, missing, NaN, short and truncated are flagged, not rejected");
    check_all(has_flag(c, "copy", EIN_QUALITY_DUPLICATE) && !has_flag(c, "r05", EIN_QUALITY_DUPLICATE),
              "an equal signal under another name is flagged");
    check_all(ein_corpus_quality(c)[find(c, "r00")] == 0, "a sound record has no flag");
    uint32_t lead[ACCEPTED * 8];
    int64_t i = find(c, "flat");
    check_all(ein_corpus_lead_quality(c, lead) == EIN_OK && (lead[i * 8 + 3] & EIN_QUALITY_FLAT) &&
                  !(lead[i * 8 + 2] & EIN_QUALITY_FLAT),
              "the flat lead is the one that is flagged");
}

static bool rejected(ein_corpus *c, const char *path, const char *reason) {
    char *paths = NULL, *reasons = NULL;
    int64_t stride = 0, reason_stride = 0;
    bool found = false;
    if (ein_corpus_texts(c, "rejected/path", &paths, &stride) == EIN_OK &&
        ein_corpus_texts(c, "rejected/reason", &reasons, &reason_stride) == EIN_OK)
        for (int64_t i = 0; i < ein_corpus_rejected(c); i++)
            found = found ||
                    (strcmp(paths + i * stride, path) == 0 && strstr(reasons + i * reason_stride, reason) &&
                     !strstr(reasons + i * reason_stride, folder));
    free(paths);
    free(reasons);
    if (!found) ein_error(EIN_NOTFOUND, "%s is not rejected for '%s'", path, reason);
    return found;
}

static void rejections(ein_corpus *c) {
    check_all(ein_corpus_records(c) == ACCEPTED && ein_corpus_rejected(c) == REJECTED,
              "every recording is in or out");
    check_all(rejected(c, "a/short2.hea", "2 s long"), "too short");
    check_all(rejected(c, "a/few.hea", "6 of 8 wanted leads have no sample: I,II,V3,V4,V5,V6"),
              "leads missing, named");
    check_all(rejected(c, "a/big.hea", "gain or units are wrong"), "impossible amplitude");
    check_all(rejected(c, "a/nodat.hea", "nodat.dat"), "no signal file, named without the folder");
    check_all(rejected(c, "b/rubbish.hea", "rubbish.hea:1"), "no header");
    check_all(rejected(c, "b/r03.hea", "record id 'r03' was used before by a/r03.hea"),
              "a record id used before, naming the first");
    check_all(summary_says("accepted: 30 records") && summary_says("rejected: 6") &&
                  summary_says("1 record id used before") && summary_says("1 without signal file") &&
                  summary_says("1 damaged or malformed"),
              "the summary counts by reason");
}

static void labels(ein_corpus *c) {
    float af[ACCEPTED], lvh[ACCEPTED], none[ACCEPTED];
    char *note = NULL, *site = NULL, *patient = NULL;
    int64_t note_stride = 0, site_stride = 0, patient_stride = 0;
    int64_t r00 = find(c, "r00"), r01 = find(c, "r01"), r04 = find(c, "r04"), r06 = find(c, "r06"),
            r19 = find(c, "r19"), flat = find(c, "flat");
    check_all(ein_corpus_label_count(c) == 2 && ein_corpus_label(c, "mixed", none) == EIN_NOTFOUND,
              "all columns of numbers become labels, others do not");
    bool good = ein_corpus_label(c, "AF", af) == EIN_OK && ein_corpus_label(c, "LVH", lvh) == EIN_OK;
    check_all(good && af[r00] == 0 && af[r01] == 1 && lvh[r01] == 1 && isnan(lvh[r00]) && isnan(lvh[r04]),
              "labels follow the record; an empty cell is missing");
    check_all(good && isnan(af[r19]) && isnan(af[flat]), "no row, or two, is missing");
    check_all(ein_corpus_age(c)[r00] == 61.5f && ein_corpus_age(c)[r04] == 90 &&
                  ein_corpus_age(c)[r06] == 36 && ein_corpus_age(c)[r19] == 49 &&
                  isnan(ein_corpus_age(c)[flat]),
              "age: the table's, 300 as over 89, else the file's, else missing");
    check_all(ein_corpus_sex(c)[r00] == 1 && ein_corpus_sex(c)[r01] == 0 && ein_corpus_sex(c)[r19] == 1 &&
                  ein_corpus_sex(c)[flat] == -1,
              "sex: the table's before the file's");
    good = ein_corpus_texts(c, "text/note", &note, &note_stride) == EIN_OK &&
           ein_corpus_texts(c, "site", &site, &site_stride) == EIN_OK &&
           ein_corpus_texts(c, "patient", &patient, &patient_stride) == EIN_OK;
    check_all(good && strcmp(note + r01 * note_stride, "sinus|1, quoted") == 0 &&
                  strcmp(note + r19 * note_stride, "") == 0 &&
                  strcmp(site + r01 * site_stride, "centre 1") == 0,
              "texts and sites follow the record");
    const uint64_t *key = ein_corpus_patients(c);
    check_all(key[r00] == key[r01] && key[r00] != key[r04] && key[r19] != key[find(c, "r18")] &&
                  key[flat] != key[find(c, "nans")],
              "records of one patient share a key, others do not");
    check_all(good && strcmp(patient + r00 * patient_stride, patient + r01 * patient_stride) == 0 &&
                  strlen(patient + r00 * patient_stride) == 32 &&
                  !strstr(patient + r00 * patient_stride, "P-0"),
              "the patient's id is hidden");
    check_all(summary_says("19 of 30 records have a row") && summary_says("fit no accepted record") &&
                  summary_says("2 rows share their key") && summary_says("1 rows are malformed"),
              "what did not join is counted");
    free(note);
    free(site);
    free(patient);
}

/* --- the settings ---------------------------------------------------------------------------------- */

/* Ingest with these settings on top of a small contract; open the result. */
static ein_corpus *ingest_as(const char *name, const char *one, const char *two, const char *root) {
    static char out[600];
    ein_corpus *c = NULL;
    snprintf(out, sizeof out, "ingest.out=%s", path_of(name));
    const char *settings[] = {out, "ingest.threads=1", one ? one : "ingest.round=0",
                              two ? two : "ingest.round=0", NULL};
    if (ingest(settings, &root, 1) != EIN_OK || ein_corpus_open(world, path_of(name), &c) != EIN_OK)
        return NULL;
    return c;
}

static char *patient_of(ein_corpus *c, const char *id) {
    static char text[2][64];
    static int next;
    char *all = NULL, *out = text[next++ % 2];
    int64_t stride = 0;
    out[0] = '\0';
    if (c && find(c, id) >= 0 && ein_corpus_texts(c, "patient", &all, &stride) == EIN_OK)
        snprintf(out, sizeof text[0], "%s", all + find(c, id) * stride);
    free(all);
    return out;
}

static void settings(void) {
    char *data = strdup(path_of("data")), key[600];
    ein_corpus *kept = ingest_as("kept.h5", "ingest.keep_ids=true", NULL, data);
    check_all(kept && strcmp(patient_of(kept, "r06"), "H3") == 0 &&
                  strcmp(ein_corpus_patient_ids(kept), "kept") == 0,
              "keep_ids keeps the patient's id");
    check_all(kept && ein_corpus_contract(kept)->fs_hz == 100 && strcmp(patient_of(kept, "flat"), "") == 0,
              "a record without a patient has none");
    comparison found;
    check_all(kept && compare_all(kept, data, 1, &found) == EIN_OK && found.worst <= 0.5 + 1e-3 &&
                  found.compared == ACCEPTED,
              "resampled records are within half a count too");
    snprintf(key, sizeof key, "ingest.patient_key_file=%s", path_of("key"));
    if (rank == 0)
        EIN_BUG_IF(ein_durable_write(path_of("key"), "0123456789abcdef0123456789abcdef", 32) != EIN_OK);
    barrier();
    ein_corpus *all = ingest_as("keyed.h5", key, NULL, data),
               *part = ingest_as("part.h5", key, "ingest.min_seconds=8", path_of("data/a"));
    check_all(all && part && strcmp(patient_of(all, "r06"), patient_of(part, "r06")) == 0 &&
                  strlen(patient_of(all, "r06")) == 32 &&
                  ein_corpus_patients(all)[find(all, "r06")] == ein_corpus_patients(part)[find(part, "r06")],
              "a site's key gives a patient the same hash in two corpora");
    check_all(kept && all &&
                  ein_corpus_patients(kept)[find(kept, "r06")] != ein_corpus_patients(all)[find(all, "r06")],
              "which is not the hash without the key");
    check_all(part && find(part, "short7") < 0, "min_seconds rejects");
    ein_corpus_close(kept);
    ein_corpus_close(all);
    ein_corpus_close(part);
    ein_corpus *strict =
        ingest_as("strict.h5", "ingest.reject_flags=flat,missing", "ingest.record_id=path", data);
    check_all(strict && find(strict, "a/flat") < 0 && find(strict, "a/nanlead") < 0 &&
                  find(strict, "a/nans") >= 0,
              "reject_flags rejects what bears them");
    check_all(strict && find(strict, "a/r03") >= 0 && find(strict, "b/r03") >= 0,
              "record_id=path tells equal names apart");
    ein_corpus_close(strict);
    ein_corpus *fixed = ingest_as("fixed.h5", "contract.mean_mv=0.01", "contract.sd_mv=0.3", data);
    double sd = 0;
    if (fixed) ein_corpus_statistics(fixed, NULL, &sd, NULL);
    check_all(fixed && ein_corpus_contract(fixed)->mean_mv == 0.01 &&
                  ein_corpus_contract(fixed)->sd_mv == 0.3 && sd > 0 && sd != 0.3,
              "constants that are set are kept beside the data's own");
    ein_corpus_close(fixed);
    free(data);
}

static bool fails(ein_status want, const char *says, const char *one, const char *root) {
    static char out[600];
    snprintf(out, sizeof out, "ingest.out=%s", path_of("fail.h5"));
    const char *set[] = {out, one ? one : "ingest.round=0", NULL};
    ein_status status = ingest(set, &root, root != NULL);
    bool clean = access(path_of("fail.h5"), F_OK) != 0 && access(path_of("fail.h5.partial"), F_OK) != 0;
    return status == want && strstr(ein_error_message(), says) && clean;
}

static void refusals(void) {
    char *data = strdup(path_of("data")), set[700];
    check_all(fails(EIN_USAGE, "no folder is named", NULL, NULL), "no folder");
    check_all(fails(EIN_NOTFOUND, "no recordings in", NULL, path_of("absent")), "a folder that is not there");
    check_all(fails(EIN_USAGE, "no flag 'round'", "ingest.reject_flags=round", data), "an unknown flag");
    check_all(fails(EIN_USAGE, "the nearest is 'V1'", "contract.leads=I,VV1", data), "an unknown lead");
    check_all(fails(EIN_USAGE, "0 < low < high", "contract.band_low_hz=5", data), "an impossible filter");
    check_all(fails(EIN_FORMAT, "none of 36 recordings was accepted", "ingest.min_seconds=100", data),
              "nothing accepted");
    check_all(strstr(ein_error_message(), "34 too short (first: a/big.hea: 10 s long") != NULL,
              "with the first reasons");
    snprintf(set, sizeof set, "ingest.labels=%s", path_of("absent.csv"));
    check_all(fails(EIN_NOTFOUND, "absent.csv", set, data), "a label table that is not there");
    check_all(fails(EIN_USAGE, "no table is", "ingest.age_column=age", data), "columns without a table");
    free(data);
}

static void suite(void) {
    if (rank == 0) {
        snprintf(folder, sizeof folder, "%s/ein-ingest-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
        EIN_BUG_IF(!mkdtemp(folder));
        make(path_of("data"));
    }
    MPI_Bcast(folder, sizeof folder, MPI_CHAR, 0, ein_comm_mpi(world));
    barrier();
    snprintf(set_out, sizeof set_out, "ingest.out=%s", path_of("corpus.h5"));
    snprintf(set_labels, sizeof set_labels, "ingest.labels=%s", path_of("data/labels.csv"));
    const char *root = path_of("data");
    check_all(ingest(with_labels, &root, 1) == EIN_OK, "ingest runs");
    ein_corpus *c = NULL;
    check_all(ein_corpus_open(world, path_of("corpus.h5"), &c) == EIN_OK, "its corpus opens");
    if (c) {
        rejections(c);
        contents(c);
        quality(c);
        labels(c);
        ein_corpus_close(c);
    }
    check_all(ingest(with_labels, &root, 1) == EIN_EXISTS, "an existing corpus is not overwritten");
    settings();
    refusals();
    if (rank == 0) {
        char command[512];
        snprintf(command, sizeof command, "rm -rf '%s'", folder);
        EIN_BUG_IF(system(command) != 0);
    }
}

/* --- for the shell tests --------------------------------------------------------------------------- */

static int check(const char *path, const char *root, int64_t step) {
    ein_corpus *c = NULL;
    comparison found;
    if (ein_corpus_open(world, path, &c) != EIN_OK || compare_all(c, root, step, &found) != EIN_OK) {
        fprintf(stderr, "%s\n", ein_error_message());
        return 1;
    }
    printf("compared %lld, exact %lld, hashed %lld, worst %.6f counts\n", (long long)found.compared,
           (long long)found.exact, (long long)found.hashed, found.worst);
    ein_corpus_close(c);
    return !(found.worst <= 0.5 + 1e-3) || found.hashed != found.compared;
}

static bool texts_same(ein_corpus *a, ein_corpus *b, const char *name) {
    char *one = NULL, *two = NULL;
    int64_t stride = 0, other = 0,
            n = strncmp(name, "rejected", 8) ? ein_corpus_records(a) : ein_corpus_rejected(a);
    bool same = ein_corpus_texts(a, name, &one, &stride) == EIN_OK &&
                ein_corpus_texts(b, name, &two, &other) == EIN_OK && stride == other &&
                memcmp(one, two, (size_t)(n * stride)) == 0;
    free(one);
    free(two);
    return same;
}

static bool signals_same(ein_corpus *a, ein_corpus *b) {
    int64_t n = ein_corpus_records(a),
            values = ein_corpus_contract(a)->n_leads * ein_corpus_contract(a)->n_samples;
    int16_t *one = malloc((size_t)values * 2), *two = malloc((size_t)values * 2);
    bool same = true;
    for (int64_t i = 0; i < n && same; i++) {
        float x, y;
        same = ein_corpus_read(a, i, 1, one, &x) == EIN_OK && ein_corpus_read(b, i, 1, two, &y) == EIN_OK &&
               x == y && memcmp(one, two, (size_t)values * 2) == 0;
    }
    free(one);
    free(two);
    return same;
}

static int same(const char *first, const char *second) {
    static const char *const names[] = {
        "patient",        "cohort",        "site",          "acquired",
        "source_file",    "source_sha256", "rejected/path", "rejected/record_id",
        "rejected/reason"};
    ein_corpus *a = NULL, *b = NULL;
    if (ein_corpus_open(world, first, &a) != EIN_OK || ein_corpus_open(world, second, &b) != EIN_OK) {
        fprintf(stderr, "%s\n", ein_error_message());
        return 1;
    }
    int64_t n = ein_corpus_records(a);
    bool good = n == ein_corpus_records(b) && ein_corpus_rejected(a) == ein_corpus_rejected(b) &&
                strcmp(ein_corpus_contract_text(a), ein_corpus_contract_text(b)) == 0;
    good = good && memcmp(ein_corpus_patients(a), ein_corpus_patients(b), (size_t)n * 8) == 0 &&
           memcmp(ein_corpus_quality(a), ein_corpus_quality(b), (size_t)n * 4) == 0 &&
           memcmp(ein_corpus_age(a), ein_corpus_age(b), (size_t)n * 4) == 0 &&
           memcmp(ein_corpus_sex(a), ein_corpus_sex(b), (size_t)n) == 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) good = good && texts_same(a, b, names[i]);
    good = good && signals_same(a, b);
    ein_corpus_close(a);
    ein_corpus_close(b);
    return !good;
}

static int print_rejected(const char *path) {
    ein_corpus *c = NULL;
    char *paths = NULL, *reasons = NULL;
    int64_t stride = 0, reason_stride = 0;
    if (ein_corpus_open(world, path, &c) != EIN_OK ||
        ein_corpus_texts(c, "rejected/path", &paths, &stride) != EIN_OK ||
        ein_corpus_texts(c, "rejected/reason", &reasons, &reason_stride) != EIN_OK) {
        fprintf(stderr, "%s\n", ein_error_message());
        return 1;
    }
    for (int64_t i = 0; i < ein_corpus_rejected(c); i++)
        printf("%s\t%s\n", paths + i * stride, reasons + i * reason_stride);
    free(paths);
    free(reasons);
    ein_corpus_close(c);
    return 0;
}

static int print_texts(const char *path, const char *column) {
    ein_corpus *c = NULL;
    char *texts = NULL;
    int64_t stride = 0;
    if (ein_corpus_open(world, path, &c) != EIN_OK ||
        ein_corpus_texts(c, column, &texts, &stride) != EIN_OK) {
        fprintf(stderr, "%s\n", ein_error_message());
        ein_corpus_close(c);
        return 1;
    }
    for (int64_t i = 0; i < ein_corpus_records(c); i++)
        printf("%s\t%s\n", ein_corpus_record_id(c, i), texts + i * stride);
    free(texts);
    ein_corpus_close(c);
    return 0;
}

int main(int argc, char **argv) {
    if (ein_comm_start(&argc, &argv, &world) != EIN_OK) return 1;
    rank = ein_comm_rank(world);
    size = ein_comm_size(world);
    int code = 0;
    if (argc == 3 && strcmp(argv[1], "make") == 0) {
        make(argv[2]);
    } else if (argc == 5 && strcmp(argv[1], "check") == 0) {
        code = check(argv[2], argv[3], atoll(argv[4]));
    } else if (argc == 4 && strcmp(argv[1], "same") == 0) {
        code = same(argv[2], argv[3]);
    } else if (argc == 3 && strcmp(argv[1], "rejected") == 0) {
        code = print_rejected(argv[2]);
    } else if (argc == 4 && strcmp(argv[1], "texts") == 0) {
        code = print_texts(argv[2], argv[3]);
    } else {
        report_quiet = rank != 0;
        suite();
        if (rank == 0) code = report_end();
    }
    ein_comm_finish(world);
    return code;
}
