#include "io/corpus/seen.h"

#include <inttypes.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/elementary.h"
#include "core/stats/special.h"
#include "io/base/hash.h"
#include "io/base/key_file.h"

enum { NAMED = 5, SOURCE_AND_SIGNAL = 2 };
#define TAG_MASK ((UINT64_C(1) << EIN_SEEN_TAG_BITS) - 1)
/* How likely one recording has so many anchors of another at least: twice what was measured (io/corpus/seen.h). */
static const double chance[EIN_SKETCH_STORED + 2] = {1, 5e-6, 2.4e-7, 4e-8, 1.2e-8, 0};

void ein_seen_free(ein_seen *seen) {
    if (!seen) return;
    for (int i = 0; i < seen->n_parts; i++) free(seen->part[i].key);
    *seen = (ein_seen){0};
}

ein_status ein_seen_secret_read(const char *path, ein_seen_secret *out) {
    uint8_t key[EIN_KEY_BYTES], digest[EIN_HASH_BYTES];
    *out = (ein_seen_secret){.id = EIN_SEEN_OPEN};
    if (!path) return EIN_OK;
    EIN_TRY(ein_key_file_read(path, key));
    ein_hash(key, sizeof key, digest);
    memcpy(out->secret, digest, sizeof out->secret);
    /* The name tells nothing of the secret: it is a hash of a hash. */
    ein_hash(digest, sizeof digest, digest);
    ein_hex(digest, (EIN_SEEN_ID_BYTES - 1) / 2, out->id);
    sodium_memzero(key, sizeof key);
    return EIN_OK;
}

/* --- keys -------------------------------------------------------------------------------------------------- */

static bool is_open(const ein_seen_secret *secret) {
    return strcmp(secret->id, EIN_SEEN_OPEN) == 0;
}

static uint64_t key_of(const ein_seen_secret *secret, char kind, const void *data, size_t n) {
    uint8_t bytes[256], digest[EIN_SEEN_KEY_BYTES];
    EIN_BUG_IF(n + 1 > sizeof bytes);
    bytes[0] = (uint8_t)kind;
    memcpy(bytes + 1, data, n);
    crypto_shorthash(digest, bytes, n + 1, secret->secret);
    return ein_seen_number_at(digest);
}

static uint64_t source_key(const ein_seen_secret *secret, const char *sha256, const char *record_id) {
    uint8_t digest[EIN_HASH_BYTES];
    const ein_bytes parts[] = {{"id:", 3}, {record_id, strlen(record_id)}};
    if (sha256[0])
        ein_hash(sha256, strlen(sha256), digest);
    else
        ein_hash_parts(parts, 2, digest);
    return is_open(secret) ? ein_seen_number_at(digest) : key_of(secret, 's', digest, sizeof digest);
}

static uint64_t signal_key(const ein_seen_secret *secret, uint64_t key) {
    uint8_t bytes[EIN_SEEN_KEY_BYTES];
    for (int i = 0; i < EIN_SEEN_KEY_BYTES; i++) bytes[i] = (uint8_t)(key >> (8 * i));
    return key_of(secret, 'x', bytes, sizeof bytes);
}

static uint64_t anchor_key(const ein_seen_secret *secret, const int8_t cells[EIN_SKETCH_FEATURES]) {
    return key_of(secret, 'a', cells, EIN_SKETCH_FEATURES);
}

/* What the anchors of one record have in common. */
static uint64_t tag_of(const ein_seen_secret *secret, uint64_t source) {
    uint8_t bytes[EIN_SEEN_KEY_BYTES];
    for (int i = 0; i < EIN_SEEN_KEY_BYTES; i++) bytes[i] = (uint8_t)(source >> (8 * i));
    return key_of(secret, 't', bytes, sizeof bytes) & TAG_MASK;
}

/* --- sets -------------------------------------------------------------------------------------------------- */

static int compare_keys(const void *a, const void *b) {
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void sort_unique(ein_seen_part *s) {
    int64_t n = 0;
    if (s->n == 0) return;
    qsort(s->key, (size_t)s->n, sizeof *s->key, compare_keys);
    for (int64_t i = 0; i < s->n; i++)
        if (i == 0 || s->key[i] != s->key[i - 1]) s->key[n++] = s->key[i];
    s->n = n;
}

/* Beyond the bound the smallest keys stay, which are any, whatever was added in which order: fewer records are found,
 * and the set says so. */
static ein_status bound_part(ein_seen *seen, int i) {
    int none = 0;
    if (seen->part[i].n <= EIN_SEEN_MAX) return EIN_OK;
    seen->part[i].n = EIN_SEEN_MAX;
    while (none < seen->n_parts && strcmp(seen->part[none].id, EIN_SEEN_NONE) != 0) none++;
    if (none == EIN_SEEN_PARTS)
        return ein_error(EIN_RANGE, "training records under more than %d secrets", EIN_SEEN_PARTS - 1);
    if (none == seen->n_parts) {
        seen->part[none] = (ein_seen_part){.loose = true};
        snprintf(seen->part[none].id, sizeof seen->part[none].id, "%s", EIN_SEEN_NONE);
        seen->n_parts++;
    }
    return EIN_OK;
}

/* What a corpus knows its records by. */
typedef struct {
    char *sha256;
    int64_t stride;
    uint64_t *signal;
    ein_sketch *sketch;
} identities;

static void identities_free(identities *d) {
    free(d->sha256);
    free(d->signal);
    free(d->sketch);
}

static ein_status identities_read(ein_corpus *corpus, identities *d) {
    const int64_t n = ein_corpus_records(corpus);
    *d = (identities){0};
    ein_status status = ein_corpus_texts(corpus, "source_sha256", &d->sha256, &d->stride);
    if (status == EIN_OK) status = EIN_NEW(d->signal, n);
    if (status == EIN_OK) status = EIN_NEW(d->sketch, n);
    if (status == EIN_OK) status = ein_corpus_identities(corpus, d->signal, d->sketch);
    if (status != EIN_OK) identities_free(d);
    return status;
}

/* Keys per record that a set of n can have; a single anchor would be of no use. */
static int keys_per_record(int64_t n) {
    int per = SOURCE_AND_SIGNAL + EIN_SKETCH_STORED;
    while (per > 1 && n * per > EIN_SEEN_MAX) per--;
    return per < SOURCE_AND_SIGNAL + EIN_SKETCH_ENOUGH && per > SOURCE_AND_SIGNAL ? SOURCE_AND_SIGNAL : per;
}

static void add_keys(ein_seen_part *p, const identities *d, ein_corpus *corpus, int64_t r, int per,
                     const ein_seen_secret *secret) {
    int8_t cells[EIN_SKETCH_FEATURES];
    const ein_sketch *s = &d->sketch[r];
    const uint64_t source = source_key(secret, d->sha256 + r * d->stride, ein_corpus_record_id(corpus, r));
    const uint64_t tag = tag_of(secret, source);
    p->key[p->n++] = source;
    if (per > 1 && d->signal[r]) p->key[p->n++] = signal_key(secret, d->signal[r]);
    for (int a = 0; a < s->n && a < per - SOURCE_AND_SIGNAL && s->n >= EIN_SKETCH_ENOUGH; a++) {
        ein_sketch_cells(s->feature[a], cells);
        p->key[p->n++] = (anchor_key(secret, cells) & ~TAG_MASK) | tag;
    }
}

ein_status ein_seen_make(ein_corpus *corpus, const int64_t *index, int64_t n, const ein_seen_secret *secret,
                         ein_seen *out) {
    identities d;
    ein_seen_part *p = &out->part[0];
    *out = (ein_seen){0};
    const int per = keys_per_record(n);
    EIN_TRY(EIN_NEW(p->key, n * per + 1));
    out->n_parts = 1;
    p->records = n;
    memcpy(p->id, secret->id, sizeof p->id);
    const ein_status status = identities_read(corpus, &d);
    if (status != EIN_OK) {
        ein_seen_free(out);
        return status;
    }
    for (int64_t i = 0; i < n; i++) add_keys(p, &d, corpus, index[i], per, secret);
    identities_free(&d);
    sort_unique(p);
    return bound_part(out, 0);
}

void ein_seen_leave_out(ein_seen *out) {
    *out = (ein_seen){.n_parts = 1, .part = {{.loose = true}}};
    snprintf(out->part[0].id, sizeof out->part[0].id, "%s", EIN_SEEN_NONE);
}

static ein_status merge_part(ein_seen *seen, const ein_seen_part *other) {
    int i = 0;
    while (i < seen->n_parts && !ein_seen_is_same_part(&seen->part[i], other)) i++;
    if (i == EIN_SEEN_PARTS)
        return ein_error(EIN_RANGE, "training records under more than %d secrets", EIN_SEEN_PARTS);
    ein_seen_part *p = &seen->part[i];
    uint64_t *more = realloc(p->key, (size_t)(p->n + other->n + 1) * sizeof *more);
    if (!more) return ein_error(EIN_NOMEM, "no memory for the records of two models");
    p->key = more;
    if (i == seen->n_parts) seen->n_parts++;
    memcpy(p->id, other->id, sizeof p->id);
    p->loose = other->loose;
    if (other->n > 0) memcpy(more + p->n, other->key, (size_t)other->n * sizeof *more);
    p->n += other->n;
    p->records += other->records;
    sort_unique(p);
    return bound_part(seen, i);
}

ein_status ein_seen_merge(ein_seen *seen, const ein_seen *other) {
    for (int i = 0; i < other->n_parts; i++) EIN_TRY(merge_part(seen, &other->part[i]));
    return EIN_OK;
}

/* The first key that is not below `key`. Hashes lie evenly, so a place is guessed from the value; every other step
 * halves, for keys that somebody chose. */
static int64_t place_of(const ein_seen_part *p, uint64_t key) {
    int64_t low = 0, high = p->n; /* it stands in [low, high] */
    for (bool guess = true; low < high; guess = !guess) {
        const uint64_t first = p->key[low], last = p->key[high - 1];
        if (key <= first) return low;
        if (key > last) return high;
        const double part = (double)(key - first) / (double)(last - first);
        int64_t at = guess ? low + (int64_t)(part * (double)(high - 1 - low)) : low + (high - low) / 2;
        if (at >= high) at = high - 1;
        if (p->key[at] < key)
            low = at + 1;
        else
            high = at;
    }
    return low;
}

static bool has(const ein_seen_part *p, uint64_t key) {
    const int64_t at = place_of(p, key);
    return at < p->n && p->key[at] == key;
}

/* --- leaks ------------------------------------------------------------------------------------------------- */

/* Records of the set with an anchor that was looked for, and with how many. */
enum { MOST = 256 };
typedef struct {
    uint64_t tag;
    int anchors, last; /* the last that was counted */
} candidate;

/* Count anchor `a` for the records that have it. More than MOST is no ECG's: the rest is left. */
static void count_tags(const ein_seen_part *p, uint64_t key, int a, candidate *found, int *n) {
    const uint64_t base = key & ~TAG_MASK;
    int seen = 0;
    for (int64_t i = place_of(p, base); i < p->n && (p->key[i] & ~TAG_MASK) == base && seen < MOST;
         i++, seen++) {
        const uint64_t tag = p->key[i] & TAG_MASK;
        int k = 0;
        while (k < *n && found[k].tag != tag) k++;
        if (k == MOST) continue;
        if (k == *n) found[(*n)++] = (candidate){tag, 0, -1};
        found[k].anchors += found[k].last != a;
        found[k].last = a;
    }
}

/* How many anchors of a sketch one record of the part has; in a loose part, all records together. */
static int count_anchors(const ein_seen_part *p, const ein_sketch *s, const ein_seen_secret *secret) {
    int8_t probe[EIN_SKETCH_MAX_PROBES][EIN_SKETCH_FEATURES];
    candidate found[MOST];
    int n_found = 0, best = 0;
    for (int a = 0; a < s->n; a++) {
        const int n = ein_sketch_probes(s->feature[a], probe);
        int i = 0;
        if (p->loose) {
            while (i < n && !has(p, anchor_key(secret, probe[i]))) i++;
            best += i < n;
            continue;
        }
        for (; i < n; i++) count_tags(p, anchor_key(secret, probe[i]), a, found, &n_found);
    }
    for (int k = 0; k < n_found; k++)
        if (found[k].anchors > best) best = found[k].anchors;
    return best < EIN_SKETCH_STORED ? best : EIN_SKETCH_STORED;
}

/* By what a record is known; sums of anchors lie above. */
enum { UNKNOWN, BY_ANCHORS, BY_SIGNAL = BY_ANCHORS + EIN_SKETCH_STORED, BY_FILES };

static int how_known(const ein_seen_part *p, const identities *d, ein_corpus *corpus, int64_t r,
                     const ein_seen_secret *secret) {
    if (has(p, source_key(secret, d->sha256 + r * d->stride, ein_corpus_record_id(corpus, r))))
        return BY_FILES;
    if (d->signal[r] && has(p, signal_key(secret, d->signal[r]))) return BY_SIGNAL;
    const int anchors = count_anchors(p, &d->sketch[r], secret);
    return anchors < EIN_SKETCH_ENOUGH ? UNKNOWN : BY_ANCHORS - 1 + anchors;
}

static bool can_check(const ein_seen_part *p, const ein_seen_secret *secret) {
    return strcmp(p->id, EIN_SEEN_OPEN) == 0 || strcmp(p->id, secret->id) == 0;
}

static int best_known(const ein_seen *seen, const identities *d, ein_corpus *corpus, int64_t r,
                      const ein_seen_secret *secret) {
    static const ein_seen_secret open = {.id = EIN_SEEN_OPEN};
    int how = UNKNOWN;
    for (int k = 0; k < seen->n_parts && how != BY_FILES; k++) {
        const ein_seen_part *p = &seen->part[k];
        if (!can_check(p, secret)) continue;
        const int now = how_known(p, d, corpus, r, strcmp(p->id, EIN_SEEN_OPEN) == 0 ? &open : secret);
        if (now > how) how = now;
    }
    return how;
}

/* The probability that a recording which is not in the part has `anchors` there. In a loose part they are a sum over
 * records of one anchor, two, ... each: compound Poisson, by Panjer's recursion. */
static double chance_of(const ein_seen_part *p, int anchors) {
    double mass[EIN_SKETCH_STORED], less = 0;
    const double records = (double)p->records;
    if (!p->loose) return -ein_expm1(-records * chance[anchors]);
    for (int n = 0; n < anchors; n++) {
        mass[n] = n == 0 ? ein_exp(-records * chance[1]) : 0;
        for (int j = 1; j <= n; j++) mass[n] += j * records * (chance[j] - chance[j + 1]) * mass[n - j] / n;
        less += mass[n];
    }
    return less < 1 ? 1 - less : 0;
}

/* Of how many of n records chance gives `anchors` or more. */
static double expected(const ein_seen *seen, const ein_seen_secret *secret, int64_t n, int anchors) {
    double sum = 0;
    for (int k = 0; k < seen->n_parts; k++)
        if (can_check(&seen->part[k], secret)) sum += chance_of(&seen->part[k], anchors);
    return sum * (double)n;
}

/* Whether there are more records alike, by 2, 3 or 4 anchors, than chance explains. */
static bool beyond_chance(const ein_seen *seen, const ein_seen_secret *secret, const uint8_t *how,
                          int64_t n) {
    for (int anchors = EIN_SKETCH_ENOUGH; anchors <= EIN_SKETCH_STORED; anchors++) {
        int64_t count = 0;
        for (int64_t i = 0; i < n; i++) count += how[i] >= BY_ANCHORS - 1 + anchors && how[i] < BY_SIGNAL;
        if (count > 0 &&
            ein_gamma_lower((double)count, expected(seen, secret, n, anchors)) < EIN_SEEN_CERTAIN)
            return true;
    }
    return false;
}

static void add_name(char *list, size_t room, int64_t before, const char *id) {
    const size_t used = strlen(list);
    if (before < NAMED) snprintf(list + used, room - used, "%s%.60s", used ? ", " : "", id);
}

static void note_match(ein_seen_match *m, int how, bool certain, const char *id) {
    if (how == UNKNOWN) return;
    if (how >= BY_SIGNAL || certain) {
        add_name(m->first, sizeof m->first, m->found++, id);
        m->by_signal += how != BY_FILES;
    } else {
        add_name(m->first_alike, sizeof m->first_alike, m->alike++, id);
    }
}

ein_status ein_seen_find(const ein_seen *seen, ein_corpus *corpus, const int64_t *index, int64_t n,
                         const ein_seen_secret *secret, ein_seen_match *out) {
    identities d;
    uint8_t *how;
    *out = (ein_seen_match){0};
    if (seen->n_parts == 0) return EIN_OK;
    EIN_TRY(EIN_NEW(how, n + 1));
    const ein_status status = identities_read(corpus, &d);
    if (status != EIN_OK) {
        free(how);
        return status;
    }
    for (int64_t i = 0; i < n; i++) how[i] = (uint8_t)best_known(seen, &d, corpus, index[i], secret);
    identities_free(&d);
    const bool certain = beyond_chance(seen, secret, how, n);
    for (int64_t i = 0; i < n; i++) note_match(out, how[i], certain, ein_corpus_record_id(corpus, index[i]));
    free(how);
    out->chance = expected(seen, secret, n, EIN_SKETCH_ENOUGH);
    for (int k = 0; k < seen->n_parts; k++)
        if (can_check(&seen->part[k], secret)) out->known += seen->part[k].records;
    return EIN_OK;
}

void ein_seen_unknown(const char *training_records, const ein_seen_secret *secret, char *out, size_t room) {
    ein_seen seen;
    out[0] = '\0';
    if (!training_records) {
        snprintf(out, room, "it does not say what it was trained on");
        return;
    }
    if (ein_seen_decode(training_records, &seen) != EIN_OK) ein_error_clear();
    for (int i = 0; i < seen.n_parts && !out[0]; i++) {
        const ein_seen_part *p = &seen.part[i];
        if (strcmp(p->id, EIN_SEEN_NONE) == 0)
            snprintf(out, room, "not all records that it was trained on are known, or they are left out");
        else if (!can_check(p, secret))
            snprintf(out, room,
                     "%" PRId64 " of its training records are kept under secret %s (run.records_key)",
                     p->records, p->id);
    }
    ein_seen_free(&seen);
}

static ein_status test_records(ein_corpus *corpus, const uint8_t *part, int64_t **index, int64_t *n) {
    const int64_t N = ein_corpus_records(corpus);
    EIN_TRY(EIN_NEW(*index, N));
    *n = ein_split_list(part, N, EIN_SPLIT_TEST, *index);
    return EIN_OK;
}

static ein_status refuse(const ein_seen_match *match, const char *model, int64_t n, const char *corpus) {
    char how[160] = "";
    if (match->found == 0) return EIN_OK;
    if (match->by_signal)
        snprintf(how, sizeof how,
                 "; %" PRId64 " of them are known by their signal, their files are others now",
                 match->by_signal);
    return ein_error(
        EIN_MISMATCH,
        "%s was trained on %" PRId64 " of the %" PRId64
        " test records of %s (%s%s%s), so its figures there would be too good; pretrain without them "
        "(split.* of pretrain), or test on others",
        model, match->found, n, corpus, match->first, match->found > NAMED ? ", ..." : "", how);
}

ein_status ein_seen_check(const char *training_records, const char *model, ein_corpus *corpus,
                          const uint8_t *part, const ein_seen_secret *secret, ein_seen_match *out) {
    ein_seen seen;
    int64_t *index = NULL, n = 0;
    *out = (ein_seen_match){0};
    ein_status status = ein_seen_decode(training_records, &seen);
    if (status == EIN_OK) status = test_records(corpus, part, &index, &n);
    if (status == EIN_OK) status = ein_seen_find(&seen, corpus, index, n, secret, out);
    free(index);
    ein_seen_free(&seen);
    EIN_TRY(ein_error_context(status, "%s", model));
    return refuse(out, model, n, ein_corpus_path(corpus));
}

void ein_seen_alike(const ein_seen_match *match, char *out, size_t room) {
    out[0] = '\0';
    if (match->alike == 0) return;
    snprintf(
        out, room,
        "%" PRId64 " of the test records are like one of the %" PRId64
        " training records by their signal (%s%s), which chance explains (up to %.2g expected), so they stay; "
        "if the cohorts may share recordings, look at these, and leave out those that are copies",
        match->alike, match->known, match->first_alike, match->alike > NAMED ? ", ..." : "", match->chance);
}
