/* scores.h5. Columns of everything are kept until the end: about 400 bytes and 8 for each column a record. */
#include <stdlib.h>
#include <string.h>

#include "io/hdf5/h5.h"
#include "jobs/score/outputs.h"

enum { TEXTS = EIN_SCORE_FIXED_COLUMNS - 1 }; /* quality is a number */

struct ein_score_h5 {
    const ein_score_models *models;
    ein_texts text[TEXTS];
    uint32_t *quality;
    double *value;
    int64_t n, room;
};

ein_status ein_score_h5_new(const ein_score_models *models, ein_score_h5 **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    (*out)->models = models;
    return EIN_OK;
}

static ein_status grow(ein_score_h5 *h) {
    if (h->n < h->room) return EIN_OK;
    const int64_t room = h->room ? 2 * h->room : 1024;
    uint32_t *quality = realloc(h->quality, (size_t)room * sizeof *quality);
    if (quality) h->quality = quality;
    double *value = realloc(h->value, (size_t)(room * (h->models->n_columns + 1)) * sizeof *value);
    if (value) h->value = value;
    if (!quality || !value)
        return ein_error(
            EIN_NOMEM, "no memory for scores.h5 of %lld records; without it: --set score.formats=csv,sqlite",
            (long long)h->n);
    h->room = room;
    return EIN_OK;
}

ein_status ein_score_h5_put(ein_score_h5 *h, const ein_score_line *line) {
    const int columns = h->models->n_columns;
    EIN_TRY(grow(h));
    for (int i = 0; i < TEXTS; i++) EIN_TRY(ein_texts_add(&h->text[i], line->text[i]));
    h->quality[h->n] = line->flags;
    memcpy(h->value + h->n * columns, line->value, (size_t)columns * sizeof *h->value);
    h->n++;
    return EIN_OK;
}

static ein_status fill(const ein_score_h5 *h, hid_t file, const char *header) {
    static const char *const names[TEXTS] = {"record_id", "source", "sha256", "status", "reason"};
    ein_texts columns = {0};
    ein_status status = ein_h5_put_text(file, "format", "einthoven scores");
    if (status == EIN_OK) status = ein_h5_put_i64(file, "version", 2);
    if (status == EIN_OK) status = ein_h5_put_text(file, "header", header);
    for (int i = 0; status == EIN_OK && i < TEXTS && h->n > 0; i++)
        status = ein_h5_write_texts(file, names[i], &h->text[i]);
    for (int i = 0; status == EIN_OK && i < h->models->n_columns; i++)
        status = ein_texts_add(&columns, h->models->column[i].name);
    if (status == EIN_OK) status = ein_h5_write_texts(file, "column", &columns);
    if (status == EIN_OK && h->n > 0)
        status = ein_h5_write_column(file, "quality", H5T_STD_U32LE, h->n, 0, h->quality);
    if (status == EIN_OK && h->n > 0)
        status = ein_h5_write_column(file, "value", H5T_IEEE_F64LE, h->n, h->models->n_columns, h->value);
    if (status == EIN_OK) status = ein_h5_put_i64(file, "complete", 1);
    ein_texts_free(&columns);
    return status;
}

ein_status ein_score_h5_finish(ein_score_h5 *h, const char *path, const char *header, ein_status mine) {
    ein_h5_draft *draft = NULL;
    ein_status status = mine;
    if (status == EIN_OK) status = ein_h5_draft_new(&draft);
    if (status == EIN_OK) status = fill(h, ein_h5_draft_file(draft), header);
    if (draft) status = ein_h5_draft_save(draft, path, status);
    for (int i = 0; i < TEXTS; i++) ein_texts_free(&h->text[i]);
    free(h->quality);
    free(h->value);
    free(h);
    return status;
}
