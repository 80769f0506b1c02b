/* Which records a model has been trained on, as the text of io/corpus/seen.h. */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/corpus/seen.h"

#define VARIANT sodium_base64_VARIANT_ORIGINAL

static ein_status print_part(FILE *stream, const ein_seen_part *p) {
    uint8_t *bytes;
    char *text;
    EIN_TRY(ein_seen_check_size(p->n));
    const size_t n = (size_t)p->n * EIN_SEEN_KEY_BYTES, room = sodium_base64_encoded_len(n, VARIANT);
    EIN_TRY(EIN_NEW(bytes, n + 1));
    for (int64_t i = 0; i < p->n; i++)
        for (int b = 0; b < EIN_SEEN_KEY_BYTES; b++)
            bytes[i * EIN_SEEN_KEY_BYTES + b] = (uint8_t)(p->key[i] >> (8 * b));
    const ein_status status = EIN_NEW(text, room);
    if (status == EIN_OK)
        fprintf(stream, "%d %s %" PRId64 " %" PRId64 " %s\n", p->loose ? 2 : 3, p->id, p->records, p->n,
                sodium_bin2base64(text, room, bytes, n, VARIANT));
    free(status == EIN_OK ? text : NULL);
    free(bytes);
    return status;
}

ein_status ein_seen_encode(const ein_seen *seen, char **text) {
    size_t bytes = 0;
    ein_status status = EIN_OK;
    *text = NULL;
    FILE *stream = open_memstream(text, &bytes);
    if (!stream) return ein_error(EIN_NOMEM, "no memory for a list of records");
    for (int i = 0; i < seen->n_parts && status == EIN_OK; i++) status = print_part(stream, &seen->part[i]);
    const bool failed = ferror(stream);
    if ((fclose(stream) != 0 || failed) && status == EIN_OK)
        status = ein_error(EIN_NOMEM, "no memory for a list of records");
    if (status == EIN_OK) return EIN_OK;
    free(*text);
    *text = NULL;
    return status;
}

/* A count and the space behind it. */
static ein_status read_count(const char **at, int64_t most, int64_t *out) {
    char *end;
    const long long count = **at >= '0' && **at <= '9' ? strtoll(*at, &end, 10) : -1;
    if (count < 0 || *end != ' ' || count > most)
        return ein_error(EIN_FORMAT, "training_records: a count of '%.20s'; at most %" PRId64, *at, most);
    *out = count;
    *at = end + 1;
    return EIN_OK;
}

static ein_status read_keys(const char *text, size_t length, ein_seen_part *out) {
    uint8_t *bytes;
    size_t used = 0;
    const size_t wanted = (size_t)out->n * EIN_SEEN_KEY_BYTES;
    /* Memory is taken by the length of the text, not by what it claims. */
    if (length + 1 != sodium_base64_encoded_len(wanted, VARIANT))
        return ein_error(EIN_FORMAT, "training_records: %zu bytes of base64 for %" PRId64 " numbers", length,
                         out->n);
    EIN_TRY(EIN_NEW(bytes, wanted + 1));
    ein_status status = EIN_NEW(out->key, out->n + 1);
    if (status == EIN_OK &&
        (sodium_base642bin(bytes, wanted, text, length, NULL, &used, NULL, VARIANT) != 0 || used != wanted))
        status =
            ein_error(EIN_FORMAT, "training_records: expected the base64 of %" PRId64 " numbers", out->n);
    for (int64_t i = 0; i < out->n && status == EIN_OK; i++) {
        out->key[i] = ein_seen_number_at(bytes + i * EIN_SEEN_KEY_BYTES);
        if (i > 0 && out->key[i] <= out->key[i - 1])
            status =
                ein_error(EIN_FORMAT, "training_records: number %" PRId64 " is not above the one before", i);
    }
    free(bytes);
    return status;
}

static bool is_id(const char *id) {
    return strcmp(id, EIN_SEEN_OPEN) == 0 || strcmp(id, EIN_SEEN_NONE) == 0 ||
           (strlen(id) == EIN_SEEN_ID_BYTES - 1 && strspn(id, "0123456789abcdef") == strlen(id));
}

/* One line, without its end; `at` stands behind the version. */
static ein_status read_part(const char *at, size_t length, bool loose, ein_seen *out) {
    ein_seen_part *p = &out->part[out->n_parts];
    const char *end = at + length;
    const size_t id = strcspn(at, " \n");
    if (out->n_parts == EIN_SEEN_PARTS)
        return ein_error(EIN_FORMAT, "training_records: more than %d parts", EIN_SEEN_PARTS);
    *p = (ein_seen_part){.loose = loose};
    out->n_parts++;
    if (id < sizeof p->id) memcpy(p->id, at, id);
    if (!is_id(p->id) || at[id] != ' ')
        return ein_error(EIN_FORMAT, "training_records: '%.20s' names no part", at);
    for (int i = 0; i < out->n_parts - 1; i++)
        if (ein_seen_is_same_part(&out->part[i], p))
            return ein_error(EIN_FORMAT, "training_records: part %s is there twice", p->id);
    at += id + 1;
    EIN_TRY(read_count(&at, INT64_MAX / 16, &p->records));
    EIN_TRY(read_count(&at, EIN_SEEN_MAX, &p->n));
    return read_keys(at, at < end ? (size_t)(end - at) : 0, p);
}

static ein_status read_first_version(const char *text, ein_seen *out) {
    ein_seen_part *p = &out->part[0];
    out->n_parts = 1;
    snprintf(p->id, sizeof p->id, "%s", EIN_SEEN_OPEN);
    p->loose = true;
    EIN_TRY(read_count(&text, EIN_SEEN_MAX, &p->n));
    p->records = p->n;
    return read_keys(text, strlen(text), p);
}

static ein_status read_text(const char *text, ein_seen *out) {
    if (strncmp(text, "1 ", 2) == 0) return read_first_version(text + 2, out);
    if (!text[0]) return ein_error(EIN_FORMAT, "training_records: not a list of records");
    for (size_t n; *text; text += n + 1) {
        n = strcspn(text, "\n");
        if ((strncmp(text, "2 ", 2) != 0 && strncmp(text, "3 ", 2) != 0) || text[n] != '\n')
            return ein_error(EIN_FORMAT, "training_records: not a list of records, or of a later version");
        EIN_TRY(read_part(text + 2, n - 2, text[0] == '2', out));
    }
    return EIN_OK;
}

ein_status ein_seen_decode(const char *text, ein_seen *out) {
    *out = (ein_seen){0};
    if (!text) return EIN_OK;
    const ein_status status = read_text(text, out);
    if (status != EIN_OK) ein_seen_free(out);
    return status;
}
