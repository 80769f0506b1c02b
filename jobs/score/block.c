#include "jobs/score/block.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/base/hash.h"

static const char first_line[] = "einthoven score block 1\n";
/* Of a record: status, quality, stamp and three texts. */
enum { LEAST_RECORD = 1 + 4 + 8 + 3 };
enum { FIRST = sizeof first_line - 1, PLAN = EIN_HASH_TEXT_BYTES - 1, HEAD = FIRST + EIN_HASH_BYTES };
#define MOST_BYTES INT64_C(4000000000)

static const struct {
    const char *word, *text;
} status_names[EIN_SCORE_STATUS_COUNT] = {
    {"ok", "scored"},
    {"unsupported", "no ECG, or of a kind that is not read"},
    {"incomplete", "without signal file"},
    {"malformed", "damaged or malformed"},
    {"unreadable", "the system refuses it"},
    {"gone", "listed, and not there any more"},
    {"short", "too short"},
    {"leads", "leads missing"},
    {"rate", "sampling rate"},
    {"amplitude", "amplitudes that no ECG has"},
    {"flagged", "a quality flag that is refused"},
    {"not_finite", "the model gave no number"},
};

const char *ein_score_status_word(int status) {
    return status >= 0 && status < EIN_SCORE_STATUS_COUNT ? status_names[status].word : "unknown";
}

const char *ein_score_status_text(int status) {
    return status >= 0 && status < EIN_SCORE_STATUS_COUNT ? status_names[status].text : "unknown";
}

ein_status ein_score_block_new(int64_t n, int64_t values, ein_score_block *out) {
    *out = (ein_score_block){.n = n, .values = values};
    ein_status status = EIN_NEW(out->record, n);
    if (status == EIN_OK) status = EIN_NEW(out->value, n * values);
    if (status != EIN_OK) ein_score_block_free(out);
    return status;
}

void ein_score_block_free(ein_score_block *b) {
    free(b->record);
    free(b->value);
    *b = (ein_score_block){0};
}

/* --- writing --------------------------------------------------------------------------------------------- */

ein_status ein_score_block_pack(const ein_score_block *b, const char *plan, char **out, size_t *bytes) {
    uint8_t hash[EIN_HASH_BYTES] = {0};
    const int64_t sizes[2] = {b->n, b->values};
    *out = NULL;
    FILE *f = open_memstream(out, bytes);
    if (!f) return ein_error(EIN_NOMEM, "no memory for a block of scores");
    fwrite(first_line, 1, FIRST, f);
    fwrite(hash, 1, sizeof hash, f);
    fwrite(plan, 1, PLAN, f);
    fwrite(sizes, 1, sizeof sizes, f);
    for (int64_t i = 0; i < b->n; i++) {
        const ein_score_record *r = &b->record[i];
        fputc(r->status, f);
        fwrite(&r->quality, sizeof r->quality, 1, f);
        fwrite(&r->stamp, sizeof r->stamp, 1, f);
        fwrite(r->id, 1, strlen(r->id) + 1, f);
        fwrite(r->sha256, 1, strlen(r->sha256) + 1, f);
        fwrite(r->reason, 1, strlen(r->reason) + 1, f);
        if (r->status == EIN_SCORE_OK)
            fwrite(b->value + i * b->values, sizeof *b->value, (size_t)b->values, f);
    }
    if (fclose(f) != 0) {
        free(*out);
        *out = NULL;
        return ein_error(EIN_NOMEM, "no memory for a block of scores");
    }
    ein_hash(*out + HEAD, *bytes - HEAD, hash);
    memcpy(*out + FIRST, hash, sizeof hash);
    return EIN_OK;
}

/* --- reading --------------------------------------------------------------------------------------------- */

static bool take(const char **at, const char *end, void *out, size_t bytes) {
    if ((size_t)(end - *at) < bytes) return false;
    memcpy(out, *at, bytes);
    *at += bytes;
    return true;
}

static bool take_text(const char **at, const char *end, char *out, size_t room) {
    const char *nul = memchr(*at, '\0', (size_t)(end - *at));
    return nul && (size_t)(nul - *at) < room && take(at, end, out, (size_t)(nul - *at) + 1);
}

static bool take_record(const char **at, const char *end, ein_score_block *b, int64_t i) {
    ein_score_record *r = &b->record[i];
    return take(at, end, &r->status, 1) && r->status < EIN_SCORE_STATUS_COUNT &&
           take(at, end, &r->quality, sizeof r->quality) && take(at, end, &r->stamp, sizeof r->stamp) &&
           take_text(at, end, r->id, sizeof r->id) && take_text(at, end, r->sha256, sizeof r->sha256) &&
           take_text(at, end, r->reason, sizeof r->reason) &&
           (r->status != EIN_SCORE_OK ||
            take(at, end, b->value + i * b->values, (size_t)b->values * sizeof *b->value));
}

static ein_status unpack(const char *text, size_t bytes, const char *plan, int64_t n, int64_t values,
                         ein_score_block *out) {
    uint8_t hash[EIN_HASH_BYTES];
    int64_t sizes[2];
    if (bytes < HEAD + PLAN + sizeof sizes || memcmp(text, first_line, FIRST) != 0)
        return ein_error(EIN_CORRUPT, "is no block of scores of this version");
    ein_hash(text + HEAD, bytes - HEAD, hash);
    if (memcmp(hash, text + FIRST, sizeof hash) != 0)
        return ein_error(EIN_CORRUPT, "is damaged: its hash differs");
    if (memcmp(text + HEAD, plan, PLAN) != 0) return ein_error(EIN_MISMATCH, "belongs to another plan");
    const char *at = text + HEAD + PLAN, *end = text + bytes;
    if (!take(&at, end, sizes, sizeof sizes) || sizes[0] != n || sizes[1] != values)
        return ein_error(EIN_CORRUPT,
                         "says that it holds %lld records of %lld values, instead of %lld of %lld",
                         (long long)sizes[0], (long long)sizes[1], (long long)n, (long long)values);
    if (n > (end - at) / LEAST_RECORD)
        return ein_error(EIN_CORRUPT, "is too short for %lld records", (long long)n);
    EIN_TRY(ein_score_block_new(n, values, out));
    bool good = true;
    for (int64_t i = 0; i < out->n && good; i++) good = take_record(&at, end, out, i);
    if (good && at == end) return EIN_OK;
    ein_score_block_free(out);
    return ein_error(EIN_CORRUPT, "is cut short, or longer than it says");
}

ein_status ein_score_block_read(const char *path, const char *plan, int64_t n, int64_t values,
                                ein_score_block *out) {
    char *text = NULL;
    size_t bytes = 0;
    *out = (ein_score_block){0};
    EIN_TRY(ein_file_read(path, MOST_BYTES, &text, &bytes));
    const ein_status status = ein_error_context(unpack(text, bytes, plan, n, values, out), "%s", path);
    free(text);
    return status;
}
