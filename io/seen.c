#include "io/seen.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/contract_hash.h"

enum { KEY_BYTES = 8 };
#define VARIANT sodium_base64_VARIANT_ORIGINAL

void ein_seen_free(ein_seen *seen) {
    if (!seen) return;
    free(seen->key);
    *seen = (ein_seen){0};
}

/* --- sets -------------------------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_unique(ein_seen *s) {
    int64_t n = 0;
    qsort(s->key, (size_t)s->n, sizeof *s->key, compare_keys);
    for (int64_t i = 0; i < s->n; i++)
        if (i == 0 || s->key[i] != s->key[i - 1]) s->key[n++] = s->key[i];
    s->n = n;
}

static ein_status check_size(int64_t n) {
    if (n <= EIN_SEEN_MAX) return EIN_OK;
    return ein_error(EIN_RANGE, "%" PRId64 " training records; a model keeps up to %d of them", n,
                     EIN_SEEN_MAX);
}

static uint64_t number_at(const uint8_t *bytes) {
    uint64_t value = 0;
    for (int i = KEY_BYTES - 1; i >= 0; i--) value = value << 8 | bytes[i];
    return value;
}

static uint64_t key_of(const char *sha256, const char *record_id) {
    uint8_t digest[EIN_HASH_BYTES];
    const ein_bytes parts[] = {{"id:", 3}, {record_id, strlen(record_id)}};
    if (sha256[0])
        ein_hash(sha256, strlen(sha256), digest);
    else
        ein_hash_parts(parts, 2, digest);
    return number_at(digest);
}

ein_status ein_seen_make(ein_corpus *corpus, const int64_t *index, int64_t n, ein_seen *out) {
    char *sha256;
    int64_t stride;
    *out = (ein_seen){0};
    EIN_TRY(check_size(n));
    EIN_TRY(ein_corpus_texts(corpus, "source_sha256", &sha256, &stride));
    ein_status status = EIN_NEW(out->key, n + 1);
    for (int64_t i = 0; i < n && status == EIN_OK; i++)
        out->key[i] = key_of(sha256 + index[i] * stride, ein_corpus_record_id(corpus, index[i]));
    free(sha256);
    EIN_TRY(status);
    out->n = n;
    sort_unique(out);
    return EIN_OK;
}

ein_status ein_seen_merge(ein_seen *seen, const ein_seen *other) {
    uint64_t *more = realloc(seen->key, (size_t)(seen->n + other->n + 1) * sizeof *more);
    if (!more) return ein_error(EIN_NOMEM, "no memory for the records of two models");
    seen->key = more;
    if (other->n > 0) memcpy(more + seen->n, other->key, (size_t)other->n * sizeof *more);
    seen->n += other->n;
    sort_unique(seen);
    return check_size(seen->n);
}

bool ein_seen_has(const ein_seen *seen, uint64_t key) {
    return seen->n > 0 && bsearch(&key, seen->key, (size_t)seen->n, sizeof key, compare_keys) != NULL;
}

/* --- text -------------------------------------------------------------------------------------------------- */

ein_status ein_seen_encode(const ein_seen *seen, char **text) {
    char head[40];
    uint8_t *bytes;
    *text = NULL;
    EIN_TRY(check_size(seen->n));
    const size_t n = (size_t)seen->n * KEY_BYTES, room = sodium_base64_encoded_len(n, VARIANT);
    const int used = snprintf(head, sizeof head, "1 %" PRId64 " ", seen->n);
    EIN_TRY(EIN_NEW(bytes, n + 1));
    for (int64_t i = 0; i < seen->n; i++)
        for (int b = 0; b < KEY_BYTES; b++) bytes[i * KEY_BYTES + b] = (uint8_t)(seen->key[i] >> (8 * b));
    const ein_status status = EIN_NEW(*text, (int64_t)room + used);
    if (status == EIN_OK) {
        memcpy(*text, head, (size_t)used);
        sodium_bin2base64(*text + used, room, bytes, n, VARIANT);
    }
    free(bytes);
    return status;
}

/* "1 COUNT ", and where the base64 begins. */
static ein_status read_head(const char *text, int64_t *n, const char **rest) {
    char *end;
    if (strncmp(text, "1 ", 2) != 0 || text[2] < '0' || text[2] > '9')
        return ein_error(EIN_FORMAT, "training_records: not a list of records, or of a later version");
    const long long count = strtoll(text + 2, &end, 10);
    if (*end != ' ' || count > EIN_SEEN_MAX)
        return ein_error(EIN_FORMAT, "training_records: a count of %.20s; at most %d", text + 2,
                         EIN_SEEN_MAX);
    *n = count;
    *rest = end + 1;
    return EIN_OK;
}

static ein_status read_keys(const char *text, int64_t n, ein_seen *out) {
    uint8_t *bytes;
    size_t used = 0;
    const char *end = NULL;
    const size_t wanted = (size_t)n * KEY_BYTES;
    EIN_TRY(EIN_NEW(bytes, wanted + 1));
    ein_status status = EIN_NEW(out->key, n + 1);
    if (status == EIN_OK &&
        (sodium_base642bin(bytes, wanted, text, strlen(text), NULL, &used, &end, VARIANT) != 0 ||
         used != wanted || *end != '\0'))
        status = ein_error(EIN_FORMAT, "training_records: expected the base64 of %" PRId64 " numbers", n);
    for (int64_t i = 0; i < n && status == EIN_OK; i++) {
        out->key[i] = number_at(bytes + i * KEY_BYTES);
        if (i > 0 && out->key[i] <= out->key[i - 1])
            status =
                ein_error(EIN_FORMAT, "training_records: number %" PRId64 " is not above the one before", i);
    }
    out->n = n;
    free(bytes);
    return status;
}

ein_status ein_seen_decode(const char *text, ein_seen *out) {
    const char *rest = NULL;
    int64_t n = 0;
    *out = (ein_seen){0};
    if (!text) return EIN_OK;
    EIN_TRY(read_head(text, &n, &rest));
    /* Memory is taken by the length of the text, not by what it claims. */
    if (strlen(rest) + 1 != sodium_base64_encoded_len((size_t)n * KEY_BYTES, VARIANT))
        return ein_error(EIN_FORMAT, "training_records: %zu bytes of base64 for %" PRId64 " numbers",
                         strlen(rest), n);
    const ein_status status = read_keys(rest, n, out);
    if (status != EIN_OK) ein_seen_free(out);
    return status;
}

/* --- leaks ------------------------------------------------------------------------------------------------- */

enum { NAMED = 5 };

static ein_status find_seen(const ein_seen *seen, ein_corpus *corpus, const uint8_t *part, int64_t *n,
                            int64_t *tested, char *names, size_t room) {
    char *sha256;
    int64_t stride;
    EIN_TRY(ein_corpus_texts(corpus, "source_sha256", &sha256, &stride));
    for (int64_t r = 0; r < ein_corpus_records(corpus); r++) {
        if (part[r] != EIN_SPLIT_TEST) continue;
        ++*tested;
        const char *id = ein_corpus_record_id(corpus, r);
        if (!ein_seen_has(seen, key_of(sha256 + r * stride, id))) continue;
        const size_t used = strlen(names);
        if (*n < NAMED) snprintf(names + used, room - used, "%s%.60s", *n ? ", " : "", id);
        ++*n;
    }
    free(sha256);
    return EIN_OK;
}

ein_status ein_seen_check(const char *training_records, const char *model, ein_corpus *corpus,
                          const uint8_t *part, int64_t *n_found) {
    char names[NAMED * 64] = "";
    int64_t n = 0, tested = 0;
    ein_seen seen;
    if (n_found) *n_found = 0;
    ein_status status = ein_seen_decode(training_records, &seen);
    if (status == EIN_OK && seen.n > 0)
        status = find_seen(&seen, corpus, part, &n, &tested, names, sizeof names);
    ein_seen_free(&seen);
    EIN_TRY(ein_error_context(status, "%s", model));
    if (n_found) *n_found = n;
    if (n == 0) return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "%s was trained on %" PRId64 " of the %" PRId64 " test records of %s (%s%s), so its figures "
        "there would be too good; pretrain without them (split.* of pretrain), or test on others",
        model, n, tested, ein_corpus_path(corpus), names, n > NAMED ? ", ..." : "");
}
