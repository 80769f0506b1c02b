#include "jobs/data/synth_tables.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/synth/draw.h"
#include "io/base/durable.h"
#include "io/base/nearest.h"
#include "io/formats/csv.h"
#include "jobs/cli/command.h"

enum { PATH_BYTES = 4096, RECORDS_PER_FOLDER = 1000 };
#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

const ein_option ein_synth_table_options[] = {
    {"synth.first_record", EIN_OPT_INT, "0", 0, 9999999, NULL, "",
     "number of the first recording; cohorts of one seed that share no block of 128 share no patient"},
    {"synth.prefix", EIN_OPT_STRING, "syn", EIN_UNBOUNDED, NULL, "",
     "begins the names of recordings and patients: letters and digits, at most 16, another for each cohort"},
    {"synth.lead_order", EIN_OPT_CHOICE, "standard", EIN_UNBOUNDED, "standard|mimic", "",
     "mimic: aVF stands before aVL, as in MIMIC-IV-ECG"},
    {"synth.columns", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, NULL, "",
     "columns of labels.csv beside those that say which recording it is; empty: all"},
    {"synth.missing_labels", EIN_OPT_REAL, "0", 0, 1, NULL, "",
     "share of label cells that are empty, drawn for each recording and column"},
    {"synth.table", EIN_OPT_CHOICE, "labels", EIN_UNBOUNDED, "labels|ptbxl", "",
     "ptbxl: ptbxl_database.csv too, with scp_codes as PTB-XL has them"},
    {0},
};

void ein_synth_record_name(const ein_synth_cohort *cohort, int64_t record, char *out, size_t room) {
    snprintf(out, room, "%s%07lld", cohort->prefix, (long long)record);
}

static void patient_name(const ein_synth_cohort *cohort, int64_t patient, char *out, size_t room) {
    snprintf(out, room, "%sp%07lld", cohort->prefix, (long long)patient);
}

void ein_synth_record_folder(int64_t record, char *out, size_t room) {
    snprintf(out, room, "records/%07lld", (long long)(record - record % RECORDS_PER_FOLDER));
}

static void swap_leads(ein_ecg *ecg, int a, int b) {
    float *x = ecg->mv + a * ecg->n_samples, *y = ecg->mv + b * ecg->n_samples;
    const ein_lead lead = ecg->lead[a];
    char name[sizeof ecg->lead_name[0]];
    for (int64_t t = 0; t < ecg->n_samples; t++) {
        const float kept = x[t];
        x[t] = y[t];
        y[t] = kept;
    }
    memcpy(name, ecg->lead_name[a], sizeof name);
    memcpy(ecg->lead_name[a], ecg->lead_name[b], sizeof name);
    memcpy(ecg->lead_name[b], name, sizeof name);
    ecg->lead[a] = ecg->lead[b];
    ecg->lead[b] = lead;
}

void ein_synth_dress(const ein_synth_cohort *cohort, const ein_synth_person *person, ein_ecg *ecg) {
    ein_synth_record_name(cohort, person->record, ecg->person.record_id, sizeof ecg->person.record_id);
    patient_name(cohort, person->patient, ecg->person.patient_id, sizeof ecg->person.patient_id);
    if (cohort->mimic_order) swap_leads(ecg, EIN_LEAD_AVL, EIN_LEAD_AVF);
}

static ein_status path_of(const ein_synth_cohort *cohort, const char *file, char *out) {
    const int n = snprintf(out, PATH_BYTES, "%s/%s", cohort->out, file);
    if (n > 0 && n < PATH_BYTES) return EIN_OK;
    return ein_error(EIN_USAGE, "synth.out: the path is longer than %d bytes", PATH_BYTES - 64);
}

/* --- statements ------------------------------------------------------------------------------------------ */

typedef struct {
    char *out;
    size_t room, used;
    int diagnoses;
} statement_list;

static void say(statement_list *list, bool drawn, const char *statement) {
    if (!drawn || list->used >= list->room) return;
    list->used += (size_t)snprintf(list->out + list->used, list->room - list->used, "%s%s",
                                   list->used ? "|" : "", statement);
}

static void say_label(statement_list *list, const ein_synth_person *person, ein_synth_condition condition,
                      const char *statement) {
    const bool drawn = (person->labels & EIN_SC_BIT(condition)) != 0;
    list->diagnoses += drawn;
    say(list, drawn, statement);
}

/* Findings that are diagnostic statements of PTB-XL. */
static const struct {
    ein_synth_condition condition;
    const char *statement;
} diagnostic[] = {
    {EIN_SC_MI_INFERIOR, "IMI"},
    {EIN_SC_MI_ANTERIOR, "ASMI"},
    {EIN_SC_MI_LATERAL, "LMI"},
    {EIN_SC_MI_POSTERIOR, "PMI"},
    {EIN_SC_LVH, "LVH"},
    {EIN_SC_RVH, "RVH"},
    {EIN_SC_LBBB, "CLBBB"},
    {EIN_SC_RBBB, "CRBBB"},
    {EIN_SC_IRBBB, "IRBBB"},
    {EIN_SC_LAFB, "LAFB"},
    {EIN_SC_LPFB, "LPFB"},
    {EIN_SC_IAVB, "1AVB"},
    {EIN_SC_AVB3, "3AVB"},
    {EIN_SC_INJURY, "INJAS"},
    {EIN_SC_ISC_ANTERIOR, "ISCAL"},
    {EIN_SC_ISC_INFERIOR, "ISCIN"},
    {EIN_SC_ISC_LATERAL, "ISCLA"},
    {EIN_SC_LONG_QT, "LNGQT"},
    {EIN_SC_NDT, "NDT"},
    {EIN_SC_NST, "NST_"},
};
/* ... rhythm statements; the first that is there, else sinus rhythm. */
static const struct {
    ein_synth_condition condition;
    const char *statement;
} rhythm[] = {
    {EIN_SC_AF, "AFIB"},   {EIN_SC_AFL, "AFLT"}, {EIN_SC_SVT, "SVTAC"},
    {EIN_SC_PACE, "PACE"}, {EIN_SC_SB, "SBRAD"}, {EIN_SC_ST, "STACH"},
};

static bool has(const ein_synth_person *person, uint64_t bits) {
    return (person->labels & bits) != 0;
}

static void print_statements(const ein_synth_person *person, char *out, size_t room) {
    enum { BROAD_MS = 120 };
    statement_list list = {.out = out, .room = room};
    const int signs = person->heart.signs;
    const uint64_t second = EIN_SC_BIT(EIN_SC_MOBITZ1) | EIN_SC_BIT(EIN_SC_AVB2);
    const uint64_t broad =
        EIN_SC_BIT(EIN_SC_LBBB) | EIN_SC_BIT(EIN_SC_RBBB) | EIN_SC_BIT(EIN_SC_PACE) | EIN_SC_BIT(EIN_SC_AVB3);
    const bool ivcd = person->qrs_ms >= BROAD_MS && !has(person, broad);
    out[0] = '\0';
    for (size_t i = 0; i < sizeof diagnostic / sizeof *diagnostic; i++)
        say_label(&list, person, diagnostic[i].condition, diagnostic[i].statement);
    say(&list, has(person, second), "2AVB");
    say(&list, ivcd, "IVCD");
    const bool abnormal = list.diagnoses > 0 || has(person, second) || ivcd || signs != 0 ||
                          has(person, EIN_SC_BIT(EIN_SC_PACE) | EIN_SC_BIT(EIN_SC_LOW_VOLTAGE));
    say(&list, !abnormal, "NORM");
    say(&list, has(person, EIN_SC_BIT(EIN_SC_IAVB)), "LPR");
    say(&list, has(person, EIN_SC_BIT(EIN_SC_LOW_VOLTAGE)), "LVOLT");
    say(&list, has(person, EIN_SC_BIT(EIN_SC_PVC)), "PVC");
    say(&list, has(person, EIN_SC_BIT(EIN_SC_PAC)), "PAC");
    say(&list, (signs & EIN_SIGN_ST_ELEVATION) != 0, "STE_");
    say(&list, (signs & EIN_SIGN_ST_DEPRESSION) != 0, "STD_");
    say(&list, (signs & EIN_SIGN_T_INVERSION) != 0, "INVT");
    say(&list, has(person, EIN_SC_BIT(EIN_SC_BIGEMINY)), "BIGU");
    const char *beats = "SR";
    for (size_t i = sizeof rhythm / sizeof *rhythm; i-- > 0;)
        if (has(person, EIN_SC_BIT(rhythm[i].condition))) beats = rhythm[i].statement;
    say(&list, true, beats);
}

/* --- labels.csv ---------------------------------------------------------------------------------------- */

typedef enum {
    OF_RECORD,  /* which recording it is: always there */
    OF_PERSON,  /* age, sex, bmi */
    OF_FINDING, /* 0 or 1 */
    OF_STATEMENTS,
    OF_STATE,
    OF_SIGNAL /* what only the generator knows */
} column_kind;

/* Columns under their usual names. */
static const struct {
    const char *name;
    column_kind kind;
    uint64_t bits;
} columns[] = {
    {"cohort", OF_RECORD, 0},
    {"record", OF_RECORD, 0},
    {"path", OF_RECORD, 0},
    {"format", OF_RECORD, 0},
    {"fs", OF_RECORD, 0},
    {"n_samples", OF_RECORD, 0},
    {"subject", OF_RECORD, 0},
    {"age", OF_PERSON, 0},
    {"sex", OF_PERSON, 0},
    {"unit_or_gain", OF_RECORD, 0},
#define FINDING(column, condition) \
    { column, OF_FINDING, EIN_SC_BIT(EIN_SC_##condition) }
    FINDING("AF", AF),
    FINDING("AFL", AFL),
    FINDING("SB", SB),
    FINDING("ST", ST),
    FINDING("IAVB", IAVB),
    FINDING("RBBB", RBBB),
    FINDING("IRBBB", IRBBB),
    FINDING("LBBB", LBBB),
    FINDING("LAFB", LAFB),
    FINDING("LVH", LVH),
    FINDING("PVC", PVC),
    FINDING("PAC", PAC),
    {"MI", OF_FINDING, EIN_SC_ANY_MI},
    FINDING("PACE", PACE),
    FINDING("IMI", MI_INFERIOR),
    FINDING("AMI", MI_ANTERIOR),
    FINDING("LMI", MI_LATERAL),
    FINDING("PMI", MI_POSTERIOR),
    FINDING("SVT", SVT),
    {"IIAVB", OF_FINDING, EIN_SC_BIT(EIN_SC_MOBITZ1) | EIN_SC_BIT(EIN_SC_AVB2)},
    FINDING("MOBITZ1", MOBITZ1),
    FINDING("IIIAVB", AVB3),
    FINDING("RVH", RVH),
    FINDING("LPFB", LPFB),
    FINDING("INJ", INJURY),
    FINDING("ISCAL", ISC_ANTERIOR),
    FINDING("ISCIN", ISC_INFERIOR),
    FINDING("ISCLA", ISC_LATERAL),
    FINDING("LQT", LONG_QT),
    FINDING("LVOLT", LOW_VOLTAGE),
    FINDING("NDT", NDT),
    FINDING("NST", NST),
    FINDING("BIGU", BIGEMINY),
#undef FINDING
    {"scp_statements", OF_STATEMENTS, 0},
    {"lvef", OF_STATE, 0},
    {"mfr", OF_STATE, 0},
    {"rest_mbf", OF_STATE, 0},
    {"stress_mbf", OF_STATE, 0},
    {"tpd", OF_STATE, 0},
    {"strat_fold", OF_RECORD, 0},
    {"synthetic", OF_RECORD, 0},
    {"visit", OF_RECORD, 0},
    {"acquired", OF_RECORD, 0},
    {"bmi", OF_PERSON, 0},
    {"heart_rate_bpm", OF_SIGNAL, 0},
    {"pr_ms", OF_SIGNAL, 0},
    {"qrs_ms", OF_SIGNAL, 0},
    {"qt_ms", OF_SIGNAL, 0},
    {"n_beats", OF_SIGNAL, 0},
    {"n_pvc", OF_SIGNAL, 0},
    {"n_pac", OF_SIGNAL, 0},
    {"missing_lead", OF_SIGNAL, 0},
    {"flat_lead", OF_SIGNAL, 0},
    {"gap_s", OF_SIGNAL, 0},
    {"arms_reversed", OF_SIGNAL, 0},
};
enum { COLUMNS = sizeof columns / sizeof *columns, CELL_BYTES = EIN_SYNTH_STATEMENT_BYTES };
_Static_assert((int)COLUMNS <= (int)EIN_SYNTH_COLUMNS_MOST, "as many columns as a cohort can choose from");

static ein_status choose_column(const char *name, ein_synth_cohort *cohort) {
    const char *names[COLUMNS];
    for (int i = 0; i < COLUMNS; i++) {
        names[i] = columns[i].name;
        if (strcmp(name, names[i]) == 0) {
            cohort->column[i] = true;
            return EIN_OK;
        }
    }
    const char *nearest = ein_nearest(name, names, COLUMNS);
    return ein_error(EIN_USAGE, "synth.columns: there is no column \"%s\"%s%s%s", name,
                     nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

ein_status ein_synth_table_read(const ein_config *config, ein_synth_cohort *cohort) {
    const char *prefix = ein_config_string(config, "synth.prefix");
    const int chosen = ein_config_list_count(config, "synth.columns");
    const size_t length = prefix ? strlen(prefix) : 0;
    if (length < 1 || length >= EIN_SYNTH_PREFIX_BYTES || prefix[strspn(prefix, ALPHANUMERIC)])
        return ein_error(EIN_USAGE, "synth.prefix: \"%s\" is not 1 to 16 letters and digits",
                         prefix ? prefix : "");
    snprintf(cohort->prefix, sizeof cohort->prefix, "%s", prefix);
    cohort->first = ein_config_int(config, "synth.first_record");
    cohort->mimic_order = strcmp(ein_config_string(config, "synth.lead_order"), "mimic") == 0;
    cohort->ptbxl_table = strcmp(ein_config_string(config, "synth.table"), "ptbxl") == 0;
    cohort->missing_labels = ein_config_real(config, "synth.missing_labels");
    for (int i = 0; i < COLUMNS; i++) cohort->column[i] = chosen == 0 || columns[i].kind == OF_RECORD;
    for (int i = 0; i < chosen; i++)
        EIN_TRY(choose_column(ein_config_list_item(config, "synth.columns", i), cohort));
    return EIN_OK;
}

static void print_real(char *out, double value, const char *format) {
    if (isnan(value))
        out[0] = '\0';
    else if (strcmp(format, "%.1f") == 0)
        snprintf(out, CELL_BYTES, "%.1f", value);
    else
        snprintf(out, CELL_BYTES, "%.3f", value);
}

static void record_cell(const char *name, const ein_synth_cohort *cohort, const ein_synth_person *person,
                        char *out) {
    char record[64], folder[64];
    ein_synth_record_name(cohort, person->record, record, sizeof record);
    ein_synth_record_folder(person->record, folder, sizeof folder);
    const struct {
        const char *name, *text;
    } texts[] = {{"cohort", cohort->cohort},
                 {"record", record},
                 {"format", ein_synth_format_label(cohort->format)},
                 {"synthetic", "1"},
                 {"acquired", person->acquired}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (strcmp(name, texts[i].name) == 0) snprintf(out, CELL_BYTES, "%s", texts[i].text);
    if (strcmp(name, "path") == 0)
        snprintf(out, CELL_BYTES, "%s/%s%s", folder, record, ein_synth_format_ending(cohort->format));
    if (strcmp(name, "fs") == 0) snprintf(out, CELL_BYTES, "%.12g", cohort->config.p[EIN_SP_FS_HZ]);
    if (strcmp(name, "n_samples") == 0)
        snprintf(out, CELL_BYTES, "%lld", (long long)ein_synth_samples(&cohort->config));
    if (strcmp(name, "subject") == 0) patient_name(cohort, person->patient, out, CELL_BYTES);
    if (strcmp(name, "unit_or_gain") == 0) snprintf(out, CELL_BYTES, "%g/mV", cohort->counts_per_mv);
    if (strcmp(name, "strat_fold") == 0) snprintf(out, CELL_BYTES, "%d", person->fold);
    if (strcmp(name, "visit") == 0) snprintf(out, CELL_BYTES, "%d", person->visit);
}

static void number_cell(const char *name, const ein_synth_person *person, char *out) {
    const ein_synth_acquisition *a = &person->acquisition;
    const ein_synth_state *state = &person->state;
    const struct {
        const char *name, *format;
        double value;
    } numbers[] = {
        {"bmi", "%.1f", person->bmi},
        {"lvef", "%.1f", state->lvef},
        {"mfr", "%.3f", state->mfr},
        {"rest_mbf", "%.3f", state->rest_mbf},
        {"stress_mbf", "%.3f", state->stress_mbf},
        {"tpd", "%.1f", state->tpd},
        {"heart_rate_bpm", "%.1f", person->rate_bpm},
        {"pr_ms", "%.1f", person->pr_ms},
        {"qrs_ms", "%.1f", person->qrs_ms},
        {"qt_ms", "%.1f", person->qt_ms},
        {"gap_s", "%.3f", a->gap_length_s},
    };
    const struct {
        const char *name;
        int value;
    } counts[] = {{"age", (int)floor(person->age_years)},
                  {"n_beats", person->n_beats},
                  {"n_pvc", person->n_pvc},
                  {"n_pac", person->n_pac},
                  {"arms_reversed", a->reversed}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(name, numbers[i].name) == 0) print_real(out, numbers[i].value, numbers[i].format);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        if (strcmp(name, counts[i].name) == 0) snprintf(out, CELL_BYTES, "%d", counts[i].value);
    if (strcmp(name, "sex") == 0) snprintf(out, CELL_BYTES, "%s", person->sex == EIN_SEX_MALE ? "M" : "F");
    if (strcmp(name, "missing_lead") == 0 && a->missing_lead >= 0)
        snprintf(out, CELL_BYTES, "%s", ein_lead_name((ein_lead)a->missing_lead));
    if (strcmp(name, "flat_lead") == 0 && a->flat_lead >= 0)
        snprintf(out, CELL_BYTES, "%s", ein_lead_name((ein_lead)a->flat_lead));
}

/* Nobody looked: drawn for each recording and column, so that choosing columns moves no gaps. */
static bool is_missing(const ein_synth_cohort *cohort, const ein_synth_person *person, int column) {
    if (columns[column].kind == OF_RECORD || !(cohort->missing_labels > 0)) return false;
    const ein_philox_block block =
        ein_philox(cohort->seed, EIN_SYNTH_PURPOSE(EIN_DRAW_SYNTH_PERSON, EIN_SYNTH_DRAW_TABLE),
                   (uint64_t)person->record, (uint32_t)column / 4);
    return ein_uniform(block.v[column % 4]) < cohort->missing_labels;
}

static void cell_text(const ein_synth_cohort *cohort, const ein_synth_person *person, int column, char *out) {
    const char *name = columns[column].name;
    out[0] = '\0';
    if (is_missing(cohort, person, column)) return;
    switch (columns[column].kind) {
    case OF_RECORD:
        record_cell(name, cohort, person, out);
        break;
    case OF_FINDING:
        snprintf(out, CELL_BYTES, "%d", has(person, columns[column].bits));
        break;
    case OF_STATEMENTS:
        print_statements(person, out, CELL_BYTES);
        break;
    case OF_PERSON:
    case OF_STATE:
    case OF_SIGNAL:
        number_cell(name, person, out);
        break;
    }
}

static void put_row(ein_csv_writer *csv, const ein_synth_cohort *cohort, const ein_synth_person *person) {
    char text[CELL_BYTES];
    for (int i = 0; i < COLUMNS; i++) {
        if (!cohort->column[i]) continue;
        cell_text(cohort, person, i, text);
        ein_csv_put(csv, text[0] ? text : NULL);
    }
    ein_csv_end_row(csv);
}

/* --- ptbxl_database.csv --------------------------------------------------------------------------------- */

static const char *const ptbxl_columns[] = {"ecg_id",    "patient_id",     "age",
                                            "sex",       "recording_date", "report",
                                            "scp_codes", "strat_fold",     "filename_hr"};

/* "NORM|SR" as PTB-XL writes it: diagnoses with a likelihood, form and rhythm with 0, which means unknown. */
static void statements_as_dict(const ein_synth_person *person, char *out, size_t room) {
    static const char *const without[] = {"LPR",  "LVOLT", "PVC",   "PAC",  "STE_",  "STD_",  "INVT", "BIGU",
                                          "AFIB", "AFLT",  "SVTAC", "PACE", "SBRAD", "STACH", "SR"};
    char text[EIN_SYNTH_STATEMENT_BYTES], *rest = text;
    size_t used = (size_t)snprintf(out, room, "{");
    print_statements(person, text, sizeof text);
    for (const char *word; (word = strsep(&rest, "|")) && used < room;) {
        bool likely = true;
        for (size_t i = 0; i < sizeof without / sizeof *without; i++)
            if (strcmp(word, without[i]) == 0) likely = false;
        used += (size_t)snprintf(out + used, room - used, "%s'%s': %s", used > 1 ? ", " : "", word,
                                 likely ? "100.0" : "0.0");
    }
    if (used < room) snprintf(out + used, room - used, "}");
}

static void put_ptbxl_row(ein_csv_writer *csv, const ein_synth_cohort *cohort,
                          const ein_synth_person *person) {
    char text[2 * EIN_SYNTH_STATEMENT_BYTES], name[64], folder[64];
    ein_synth_record_name(cohort, person->record, name, sizeof name);
    ein_synth_record_folder(person->record, folder, sizeof folder);
    ein_csv_put_int(csv, person->record);
    patient_name(cohort, person->patient, text, sizeof text);
    ein_csv_put(csv, text);
    ein_csv_put_int(csv, (int64_t)floor(person->age_years));
    ein_csv_put_int(csv, person->sex == EIN_SEX_FEMALE);
    ein_csv_put(csv, person->acquired);
    ein_csv_put(csv, "SYNTHETIC");
    statements_as_dict(person, text, sizeof text);
    ein_csv_put(csv, text);
    ein_csv_put_int(csv, person->fold);
    snprintf(text, sizeof text, "%s/%s", folder, name);
    ein_csv_put(csv, text);
    ein_csv_end_row(csv);
}

/* --- both ----------------------------------------------------------------------------------------------- */

static ein_status open_tables(const ein_synth_cohort *cohort, ein_csv_writer **labels,
                              ein_csv_writer **ptbxl) {
    char path[PATH_BYTES];
    const char *names[COLUMNS];
    int n = 0;
    for (int i = 0; i < COLUMNS; i++)
        if (cohort->column[i]) names[n++] = columns[i].name;
    EIN_TRY(path_of(cohort, "labels.csv", path));
    EIN_TRY(ein_csv_create(path, names, n, labels));
    if (!cohort->ptbxl_table) return EIN_OK;
    EIN_TRY(path_of(cohort, "ptbxl_database.csv", path));
    return ein_csv_create(path, ptbxl_columns, (int)(sizeof ptbxl_columns / sizeof *ptbxl_columns), ptbxl);
}

ein_status ein_synth_write_labels(const ein_synth_cohort *cohort) {
    ein_csv_writer *labels = NULL, *ptbxl = NULL;
    ein_status status = open_tables(cohort, &labels, &ptbxl);
    for (int64_t i = 0; i < cohort->records && status == EIN_OK; i++) {
        ein_synth_person person;
        status = ein_synth_draw_person(&cohort->config, cohort->seed, cohort->first + i, &person);
        if (status != EIN_OK) break;
        put_row(labels, cohort, &person);
        if (ptbxl) put_ptbxl_row(ptbxl, cohort, &person);
    }
    const bool keep = status == EIN_OK;
    const ein_status first = ein_csv_finish(labels, keep), second = ein_csv_finish(ptbxl, keep);
    return status != EIN_OK ? status : first != EIN_OK ? first : second;
}

/* --- README.txt, MANIFEST.json --------------------------------------------------------------------------- */

ein_status ein_synth_write_readme(const ein_synth_cohort *cohort) {
    char path[PATH_BYTES], files[64], *text = NULL;
    EIN_TRY(path_of(cohort, "README.txt", path));
    snprintf(files, sizeof files, "records/NNNNNNN/%sNNNNNNN%s", cohort->prefix,
             cohort->format == EIN_SYNTH_WFDB ? ".hea, .dat" : ".xml      ");
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
        "How the signals are made, and from which sources: core/synth/synth.h of the program.\n",
        (long long)cohort->records, cohort->config.p[EIN_SP_DURATION_S], cohort->config.p[EIN_SP_FS_HZ],
        ein_version(), (unsigned long long)cohort->seed, files, ein_synth_format_text(cohort->format),
        cohort->counts_per_mv);
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
