/* inspect --out: a recording drawn on ECG paper. */
#include "jobs/inspect/draw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/quality.h"
#include "io/base/outputs.h"
#include "io/corpus/recording.h"
#include "io/ecg/reader.h"
#include "io/picture/ecg_sheet.h"
#include "jobs/options/reconstruct.h"
#include "jobs/options/sniff.h"

enum { LINE_BYTES = 512 };

/* What stands above the paper. */
typedef struct {
    char title[LINE_BYTES], note[LINE_BYTES], warning[LINE_BYTES];
} captions;

static void add(char line[LINE_BYTES], const char *text) {
    const size_t n = strlen(line);
    snprintf(line + n, LINE_BYTES - n, "%s%s", n ? "    " : "", text);
}

static void add_person(char line[LINE_BYTES], double age_years, int sex) {
    char text[64];
    if (sex == EIN_SEX_MALE || sex == EIN_SEX_FEMALE) add(line, sex == EIN_SEX_MALE ? "male" : "female");
    if (!isfinite(age_years)) return;
    snprintf(text, sizeof text, "%.0f years", age_years);
    add(line, text);
}

/* --- a corpus ---------------------------------------------------------------------------------------------- */

static ein_status find_record(const ein_corpus *corpus, const char *id, int64_t *out) {
    const int64_t n = ein_corpus_records(corpus);
    if (!id)
        return ein_error(EIN_USAGE,
                         "%s holds %lld records: name the one to draw with --draw ID, for example --draw %s",
                         ein_corpus_path(corpus), (long long)n, n ? ein_corpus_record_id(corpus, 0) : "ID");
    for (*out = 0; *out < n; ++*out)
        if (strcmp(ein_corpus_record_id(corpus, *out), id) == 0) return EIN_OK;
    return ein_error(EIN_NOTFOUND, "%s has no record %s; its %lld records begin with %s",
                     ein_corpus_path(corpus), id, (long long)n, n ? ein_corpus_record_id(corpus, 0) : "none");
}

static void caption_record(const ein_corpus *corpus, int64_t record, captions *c) {
    const uint32_t quality = ein_corpus_quality(corpus)[record];
    const ein_contract *contract = ein_corpus_contract(corpus);
    char text[128];
    snprintf(c->title, sizeof c->title, "%s", ein_corpus_record_id(corpus, record));
    add_person(c->note, (double)ein_corpus_age(corpus)[record], ein_corpus_sex(corpus)[record]);
    if (contract->band_high_hz > 0) {
        snprintf(text, sizeof text, "band %g to %g Hz", contract->band_low_hz, contract->band_high_hz);
        add(c->note, text);
    }
    if (contract->notch_hz > 0) {
        snprintf(text, sizeof text, "notch %g Hz", contract->notch_hz);
        add(c->note, text);
    }
    add(c->note, "as in the corpus");
    for (int bit = 0; bit < EIN_QUALITY_BITS; bit++)
        if (quality >> bit & 1) add(c->warning, ein_quality_name(bit));
}

/* Collective. The signal is read on rank 0. */
static ein_status take_corpus(ein_comm *comm, const ein_config *config, const char *path, ein_ecg *ecg,
                              captions *c, float **predicted) {
    const char *id = ein_config_string(config, "draw.record"),
               *model = ein_config_string(config, "draw.model");
    ein_corpus *corpus;
    int64_t record = 0;
    EIN_TRY(ein_corpus_open(comm, path, &corpus));
    ein_status status = EIN_OK;
    if (ein_comm_rank(comm) == 0) {
        status = find_record(corpus, id, &record);
        if (status == EIN_OK) status = ein_corpus_recording(corpus, record, ecg);
        if (status == EIN_OK) caption_record(corpus, record, c);
        if (status == EIN_OK && model) status = EIN_NEW(*predicted, ecg->n_leads * ecg->n_samples);
        if (status == EIN_OK && model)
            status =
                ein_reconstruct(model, corpus, record, ein_config_real(config, "draw.hide"), 1, *predicted);
    }
    ein_corpus_close(corpus);
    return ein_comm_share(comm, status);
}

/* --- a recording -------------------------------------------------------------------------------------------- */

static ein_status take_recording(const char *path, const char *id, ein_ecg *ecg, captions *c) {
    EIN_TRY(ein_reader_read(path, ecg));
    const ein_ecg_person *person = &ecg->person;
    if (id && strcmp(id, person->record_id) != 0)
        return ein_error(EIN_NOTFOUND, "%s is the recording %s, not %s", path, person->record_id, id);
    snprintf(c->title, sizeof c->title, "%s", person->record_id);
    add_person(c->note, person->age_years, person->sex);
    if (person->acquired[0]) add(c->note, person->acquired);
    add(c->note, "as recorded, no filter of ours");
    if (ecg->notes & EIN_NOTE_CHECKSUM) add(c->warning, "a checksum does not match");
    if (ecg->notes & EIN_NOTE_TRUNCATED) add(c->warning, "shorter than its header says");
    if (ecg->notes & EIN_NOTE_GAIN_SUSPECT) add(c->warning, "gain suspect");
    if (ecg->notes & EIN_NOTE_GAIN_FIXED) add(c->warning, "a wrong gain was replaced");
    return EIN_OK;
}

/* --- the picture -------------------------------------------------------------------------------------------- */

static ein_sheet_layout layout_of(const char *name) {
    static const char *const names[] = {"3x4", "6x2", "12x1"};
    for (int i = 0; i < 3; i++)
        if (strcmp(name, names[i]) == 0) return (ein_sheet_layout)i;
    return EIN_SHEET_RECORDED;
}

static ein_status write_picture(const ein_picture *picture, const char *path) {
    ein_outputs *files;
    EIN_TRY(ein_outputs_begin(&path, 1, NULL, true, &files));
    ein_status status = ein_picture_save(picture, path);
    if (status == EIN_OK) status = ein_outputs_publish(files);
    ein_outputs_end(files);
    return status;
}

static ein_status draw(const ein_config *config, const ein_ecg *ecg, const float *predicted,
                       const captions *c, const char *path) {
    const char *strip = ein_config_string(config, "draw.rhythm");
    ein_sheet sheet = {.layout = layout_of(ein_config_string(config, "draw.paper")),
                       .rhythm = ein_lead_parse(strip),
                       .from_s = ein_config_real(config, "draw.from_s"),
                       .title = c->title,
                       .note = c->note,
                       .warning = c->warning,
                       .predicted = predicted,
                       .legend = EIN_RECONSTRUCT_LEGEND};
    ein_picture *picture;
    if (sheet.rhythm == EIN_LEAD_UNKNOWN && strcmp(strip, "none") != 0)
        return ein_error(EIN_USAGE, "draw.rhythm: '%.40s' is no lead that is known, nor none", strip);
    EIN_TRY(ein_sheet_draw(ecg, &sheet, &picture));
    const ein_status status = write_picture(picture, path);
    ein_picture_free(picture);
    return status;
}

ein_status ein_inspect_draw(ein_job *job) {
    const ein_config *config = job->config;
    const char *path = job->operands[0], *out = ein_config_string(config, "draw.out"),
               *id = ein_config_string(config, "draw.record");
    const bool root = ein_comm_rank(job->comm) == 0;
    ein_file_kind kind = EIN_FILE_OTHER;
    if (!out) return ein_error(EIN_USAGE, "--draw: where to? --out PICTURE.svg, .png or .pdf");
    EIN_TRY(ein_picture_check_name(out));
    if (job->n_operands != 1)
        return ein_error(EIN_USAGE, "--out draws one recording; %d paths were given", job->n_operands);
    EIN_TRY(ein_comm_share(job->comm, root ? ein_sniff(path, &kind) : EIN_OK));
    int64_t is_corpus = kind == EIN_FILE_HDF5;
    EIN_TRY(ein_comm_max_i64(job->comm, &is_corpus, 1));
    ein_ecg ecg = {0};
    captions c = {.title = ""};
    ein_status status = EIN_OK;
    float *predicted = NULL;
    if (is_corpus)
        status = take_corpus(job->comm, config, path, &ecg, &c, &predicted);
    else if (ein_config_string(config, "draw.model"))
        status = ein_error(EIN_USAGE,
                           "--reconstruct: %s is no corpus; ingest the recording under the model's contract",
                           path);
    else if (root)
        status = take_recording(path, id, &ecg, &c);
    if (root && status == EIN_OK) status = draw(config, &ecg, predicted, &c, out);
    free(predicted);
    ein_ecg_free(&ecg);
    status = ein_comm_share(job->comm, status);
    if (root && status == EIN_OK) printf("%s: %s\n", out, c.title);
    return status;
}
