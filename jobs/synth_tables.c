#include "jobs/synth_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/csv.h"
#include "io/durable.h"
#include "jobs/command.h"

enum { PATH_BYTES = 4096, RECORDS_PER_FOLDER = 1000 };

void ein_synth_record_name(int64_t record, char *out, size_t room) {
    snprintf(out, room, "syn%07lld", (long long)record);
}

void ein_synth_record_folder(int64_t record, char *out, size_t room) {
    snprintf(out, room, "records/%07lld", (long long)(record - record % RECORDS_PER_FOLDER));
}

static ein_status path_of(const ein_synth_cohort *cohort, const char *file, char *out) {
    const int n = snprintf(out, PATH_BYTES, "%s/%s", cohort->out, file);
    if (n > 0 && n < PATH_BYTES) return EIN_OK;
    return ein_error(EIN_USAGE, "synth.out: the path is longer than %d bytes", PATH_BYTES - 64);
}

/* --- labels.csv ---------------------------------------------------------------------------------------- */

/* Findings under their usual column names; what the generator has no row for is never present. */
static const struct {
    const char *column;
    uint32_t bits;
} findings[] = {
    {"AF", EIN_SC_BIT(EIN_SC_AF)},
    {"AFL", EIN_SC_BIT(EIN_SC_AFL)},
    {"SB", EIN_SC_BIT(EIN_SC_SB)},
    {"ST", EIN_SC_BIT(EIN_SC_ST)},
    {"IAVB", EIN_SC_BIT(EIN_SC_IAVB)},
    {"RBBB", EIN_SC_BIT(EIN_SC_RBBB)},
    {"IRBBB", EIN_SC_BIT(EIN_SC_IRBBB)},
    {"LBBB", EIN_SC_BIT(EIN_SC_LBBB)},
    {"LAFB", EIN_SC_BIT(EIN_SC_LAFB)},
    {"LVH", EIN_SC_BIT(EIN_SC_LVH)},
    {"PVC", EIN_SC_BIT(EIN_SC_PVC)},
    {"PAC", EIN_SC_BIT(EIN_SC_PAC)},
    {"MI", EIN_SC_ANY_MI},
    {"PACE", 0},
    {"IMI", EIN_SC_BIT(EIN_SC_MI_INFERIOR)},
    {"AMI", EIN_SC_BIT(EIN_SC_MI_ANTERIOR)},
    {"LMI", EIN_SC_BIT(EIN_SC_MI_LATERAL)},
};
enum { FINDINGS = sizeof findings / sizeof *findings };

static const char *const before[] = {"cohort",    "record",  "path", "format", "fs",
                                     "n_samples", "subject", "age",  "sex",    "unit_or_gain"};
static const char *const after[] = {"strat_fold",     "synthetic", "visit",        "acquired",  "bmi",
                                    "heart_rate_bpm", "pr_ms",     "qrs_ms",       "qt_ms",     "n_beats",
                                    "n_pvc",          "n_pac",     "missing_lead", "flat_lead", "gap_s"};
enum { BEFORE = sizeof before / sizeof *before, AFTER = sizeof after / sizeof *after };

static void put_rounded(ein_csv_writer *csv, double value, const char *format) {
    char text[64];
    if (isnan(value)) {
        ein_csv_put(csv, NULL);
        return;
    }
    snprintf(text, sizeof text, strcmp(format, "%.1f") == 0 ? "%.1f" : "%.3f", value);
    ein_csv_put(csv, text);
}

static void put_row(ein_csv_writer *csv, const ein_synth_cohort *cohort, const ein_synth_person *person) {
    const ein_synth_acquisition *a = &person->acquisition;
    char name[64], folder[64], path[160], subject[64], gain[64];
    ein_synth_record_name(person->record, name, sizeof name);
    ein_synth_record_folder(person->record, folder, sizeof folder);
    snprintf(path, sizeof path, "%s/%s%s", folder, name, ein_synth_format_ending(cohort->format));
    snprintf(subject, sizeof subject, "synp%07lld", (long long)person->patient);
    snprintf(gain, sizeof gain, "%g/mV", cohort->counts_per_mv);
    ein_csv_put(csv, cohort->cohort);
    ein_csv_put(csv, name);
    ein_csv_put(csv, path);
    ein_csv_put(csv, ein_synth_format_label(cohort->format));
    ein_csv_put_real(csv, cohort->config.p[EIN_SP_FS_HZ]);
    ein_csv_put_int(csv, ein_synth_samples(&cohort->config));
    ein_csv_put(csv, subject);
    ein_csv_put_int(csv, (int64_t)floor(person->age_years));
    ein_csv_put(csv, person->sex == EIN_SEX_MALE ? "M" : "F");
    ein_csv_put(csv, gain);
    for (int i = 0; i < FINDINGS; i++) ein_csv_put_int(csv, (person->labels & findings[i].bits) != 0);
    ein_csv_put_int(csv, person->fold);
    ein_csv_put_int(csv, 1);
    ein_csv_put_int(csv, person->visit);
    ein_csv_put(csv, person->acquired);
    put_rounded(csv, person->bmi, "%.1f");
    put_rounded(csv, person->rate_bpm, "%.1f");
    put_rounded(csv, person->pr_ms, "%.1f");
    put_rounded(csv, person->qrs_ms, "%.1f");
    put_rounded(csv, person->qt_ms, "%.1f");
    ein_csv_put_int(csv, person->n_beats);
    ein_csv_put_int(csv, person->n_pvc);
    ein_csv_put_int(csv, person->n_pac);
    ein_csv_put(csv, a->missing_lead >= 0 ? ein_lead_name((ein_lead)a->missing_lead) : NULL);
    ein_csv_put(csv, a->flat_lead >= 0 ? ein_lead_name((ein_lead)a->flat_lead) : NULL);
    put_rounded(csv, a->gap_length_s, "%.3f");
    ein_csv_end_row(csv);
}

ein_status ein_synth_write_labels(const ein_synth_cohort *cohort) {
    char path[PATH_BYTES];
    const char *columns[BEFORE + FINDINGS + AFTER];
    ein_csv_writer *csv;
    for (int i = 0; i < BEFORE; i++) columns[i] = before[i];
    for (int i = 0; i < FINDINGS; i++) columns[BEFORE + i] = findings[i].column;
    for (int i = 0; i < AFTER; i++) columns[BEFORE + FINDINGS + i] = after[i];
    EIN_TRY(path_of(cohort, "labels.csv", path));
    EIN_TRY(ein_csv_create(path, columns, BEFORE + FINDINGS + AFTER, &csv));
    ein_status status = EIN_OK;
    for (int64_t i = 0; i < cohort->records && status == EIN_OK; i++) {
        ein_synth_person person;
        status = ein_synth_draw_person(&cohort->config, cohort->seed, i, &person);
        if (status == EIN_OK) put_row(csv, cohort, &person);
    }
    const ein_status finished = ein_csv_finish(csv, status == EIN_OK);
    return status != EIN_OK ? status : finished;
}

/* --- README.txt, MANIFEST.json --------------------------------------------------------------------------- */

ein_status ein_synth_write_readme(const ein_synth_cohort *cohort) {
    char path[PATH_BYTES], *text = NULL;
    EIN_TRY(path_of(cohort, "README.txt", path));
    const int n = asprintf(
        &text,
        "SYNTHETIC ECGs. Nobody in this folder exists; nothing here may be used as evidence about "
        "patients.\n\n"
        "%lld recordings of 12 leads, %g s at %g Hz, made by einthoven %s synth with seed %llu.\n\n"
        "%s  %s, %g counts per mV; 1000 recordings in a folder\n"
        "labels.csv                            one row per recording: who, findings, and the truth that only "
        "a\n"
        "                                      generator knows (beats, intervals, lost leads)\n"
        "config.resolved.yaml                  every parameter; with it and the program above the same "
        "bytes\n"
        "                                      are made again, on any number of ranks\n"
        "MANIFEST.json                         present only when everything above is complete\n\n"
        "Split by `subject` (or strat_fold), never by record: people come with several recordings.\n"
        "How the signals are made, and from which sources: core/synth.h of the program.\n",
        (long long)cohort->records, cohort->config.p[EIN_SP_DURATION_S], cohort->config.p[EIN_SP_FS_HZ],
        ein_version(), (unsigned long long)cohort->seed,
        cohort->format == EIN_SYNTH_WFDB ? "records/NNNNNNN/synNNNNNNN.hea, .dat"
                                         : "records/NNNNNNN/synNNNNNNN.xml      ",
        ein_synth_format_text(cohort->format), cohort->counts_per_mv);
    if (n < 0) return ein_error(EIN_NOMEM, "%s: no memory for its text", path);
    const ein_status status = ein_durable_write(path, text, (size_t)n);
    free(text);
    return status;
}

ein_status ein_synth_write_manifest(const ein_synth_cohort *cohort) {
    char path[PATH_BYTES], text[512];
    EIN_TRY(path_of(cohort, "MANIFEST.json", path));
    const int n =
        snprintf(text, sizeof text,
                 "{\"format\": \"einthoven synthetic cohort\", \"version\": 1, \"synthetic\": true, "
                 "\"complete\": true, \"program\": \"%s\", \"records\": %lld, \"seed\": %llu}\n",
                 ein_version(), (long long)cohort->records, (unsigned long long)cohort->seed);
    return ein_durable_write(path, text, (size_t)n);
}
