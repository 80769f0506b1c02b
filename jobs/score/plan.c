#include "jobs/score/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"

static const char first_line[] = "einthoven score plan 1\n";
enum { HASH_LINE = EIN_HASH_TEXT_BYTES, LIMIT_GIB = 64 };

static void part_free(ein_score_part *p) {
    free(p->identity);
    free(p->first);
    ein_texts_free(&p->roots);
    ein_score_sources_free(&p->sources);
    memset(p, 0, sizeof *p);
}

void ein_score_plan_free(ein_score_plan *plan) {
    for (int i = 0; i < plan->n; i++) part_free(&plan->part[i]);
    free(plan->part);
    *plan = (ein_score_plan){0};
}

static void part_path(const char *folder, int number, char out[PATH_MAX]) {
    snprintf(out, PATH_MAX, "%s/plan-%04d", folder, number);
}

/* --- writing --------------------------------------------------------------------------------------------- */

static int64_t count_inputs(const ein_score_sources *s) {
    int64_t n = 0;
    for (int64_t i = 0; i < s->path.n; i++) n += s->count[i] > 0 ? s->count[i] : 1;
    return n;
}

static void put_texts(FILE *f, const ein_texts *texts) {
    for (int64_t i = 0; i < texts->n; i++) {
        fputs(ein_texts_get(texts, i), f);
        fputc('\0', f);
    }
}

static void put_body(FILE *f, const char *identity, const ein_texts *roots, const ein_score_sources *s,
                     int64_t first_block, int64_t block) {
    fprintf(f, "%zu %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n", strlen(identity),
            roots->n, s->path.n, count_inputs(s), first_block, block);
    fputs(identity, f);
    put_texts(f, roots);
    for (int64_t i = 0; i < s->path.n; i++) {
        fputs(ein_texts_get(&s->path, i), f);
        fputc('\0', f);
        if (s->count[i] > 0) fprintf(f, "%" PRId64, s->count[i]);
        fputc('\0', f);
    }
}

ein_status ein_score_plan_write(const char *folder, int number, const char *identity, const ein_texts *roots,
                                const ein_score_sources *sources, int64_t first_block, int64_t block) {
    char path[PATH_MAX], hash[EIN_HASH_TEXT_BYTES], *body = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&body, &bytes), *file = NULL;
    if (!f) return ein_error(EIN_NOMEM, "no memory for the plan");
    put_body(f, identity, roots, sources, first_block, block);
    if (fclose(f) != 0) {
        free(body);
        return ein_error(EIN_NOMEM, "no memory for the plan");
    }
    ein_hash_text(body, bytes, hash);
    part_path(folder, number, path);
    ein_status status = ein_durable_fopen(path, &file);
    if (status == EIN_OK) {
        fprintf(file, "%s%s\n", first_line, hash);
        fwrite(body, 1, bytes, file);
        status = ein_durable_fclose(file, path, true);
    }
    free(body);
    return status;
}

/* --- reading --------------------------------------------------------------------------------------------- */

/* The text at *at, which ends in NUL before `end`; NULL if there is none. */
static const char *next_text(const char **at, const char *end) {
    const char *text = *at, *nul = text < end ? memchr(text, '\0', (size_t)(end - text)) : NULL;
    if (nul) *at = nul + 1;
    return nul ? text : NULL;
}

static ein_status take_sources(ein_score_part *p, const char **at, const char *end, int64_t roots,
                               int64_t sources) {
    for (int64_t i = 0; i < roots; i++) {
        const char *root = next_text(at, end);
        if (!root) return ein_error(EIN_CORRUPT, "is cut short");
        EIN_TRY(ein_texts_add(&p->roots, root));
    }
    EIN_TRY(EIN_NEW(p->first, sources + 1));
    for (int64_t i = 0; i < sources; i++) {
        const char *path = next_text(at, end), *count = next_text(at, end);
        if (!path || !count) return ein_error(EIN_CORRUPT, "is cut short");
        const int64_t n = count[0] ? strtoll(count, NULL, 10) : 0;
        EIN_TRY(ein_score_sources_add(&p->sources, path, n));
        p->first[i + 1] = p->first[i] + (n > 0 ? n : 1);
    }
    return *at == end ? EIN_OK : ein_error(EIN_CORRUPT, "is longer than it says");
}

static ein_status parse(const char *text, size_t bytes, ein_score_part *p) {
    const size_t head = sizeof first_line - 1;
    char hash[EIN_HASH_TEXT_BYTES];
    int64_t identity, roots, sources, inputs;
    int used = 0;
    if (bytes < head + HASH_LINE || memcmp(text, first_line, head) != 0)
        return ein_error(EIN_CORRUPT, "is no plan of this version");
    const char *at = text + head + HASH_LINE, *end = text + bytes;
    ein_hash_text(at, (size_t)(end - at), hash);
    if (memcmp(hash, text + head, HASH_LINE - 1) != 0)
        return ein_error(EIN_CORRUPT, "is damaged: its hash differs");
    memcpy(p->hash, hash, sizeof hash);
    if (sscanf(at, "%" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 " %" SCNd64 "%n", &identity,
               &roots, &sources, &inputs, &p->first_block, &p->block, &used) != 6 ||
        at[used] != '\n' || identity < 0 || identity > end - at - used - 1 || p->block < 1 || roots < 0 ||
        sources < 0)
        return ein_error(EIN_CORRUPT, "has impossible sizes");
    at += used + 1;
    p->identity = strndup(at, (size_t)identity);
    if (!p->identity) return ein_error(EIN_NOMEM, "no memory for the plan");
    at += identity;
    EIN_TRY(take_sources(p, &at, end, roots, sources));
    p->inputs = p->first[sources];
    p->blocks = (p->inputs + p->block - 1) / p->block;
    return p->inputs == inputs ? EIN_OK : ein_error(EIN_CORRUPT, "has another number of inputs than it says");
}

ein_status ein_score_plan_read(const char *folder, ein_score_plan *out) {
    char path[PATH_MAX], *text = NULL;
    size_t bytes = 0;
    *out = (ein_score_plan){0};
    ein_status status = EIN_OK;
    for (;;) {
        part_path(folder, out->n + 1, path);
        status = ein_file_read(path, (int64_t)LIMIT_GIB << 30, &text, &bytes);
        if (status != EIN_OK) break;
        ein_score_part *more = realloc(out->part, ((size_t)out->n + 1) * sizeof *more);
        if (more) {
            out->part = more;
            ein_score_part *p = &out->part[out->n++];
            memset(p, 0, sizeof *p);
            status = ein_error_context(parse(text, bytes, p), "%s", path);
            if (status == EIN_OK && p->first_block != out->blocks)
                status = ein_error(EIN_CORRUPT, "%s: does not follow the plan before it", path);
            out->blocks += p->blocks;
            out->inputs += p->inputs;
        } else {
            status = ein_error(EIN_NOMEM, "no memory for the plan");
        }
        free(text);
        text = NULL;
        if (status != EIN_OK) break;
    }
    if (status == EIN_NOTFOUND) {
        ein_error_clear();
        return EIN_OK;
    }
    ein_score_plan_free(out);
    return status;
}

/* --- questions ------------------------------------------------------------------------------------------- */

const ein_score_part *ein_score_plan_part(const ein_score_plan *plan, int64_t block) {
    int i = plan->n - 1;
    while (i > 0 && plan->part[i].first_block > block) i--;
    return &plan->part[i];
}

void ein_score_part_block(const ein_score_part *p, int64_t block, int64_t *first, int64_t *n) {
    *first = (block - p->first_block) * p->block;
    *n = p->inputs - *first < p->block ? p->inputs - *first : p->block;
}

const char *ein_score_part_input(const ein_score_part *p, int64_t input, int64_t *record) {
    int64_t low = 0, high = p->sources.path.n - 1; /* the last source that begins at or before the input */
    while (low < high) {
        const int64_t middle = low + (high - low + 1) / 2;
        if (p->first[middle] <= input)
            low = middle;
        else
            high = middle - 1;
    }
    *record = p->sources.count[low] > 0 ? input - p->first[low] : -1;
    return ein_texts_get(&p->sources.path, low);
}

static bool has_source(const ein_score_part *p, const char *path) {
    int64_t low = 0, high = p->sources.path.n;
    while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const int order = strcmp(ein_texts_get(&p->sources.path, middle), path);
        if (order == 0) return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

bool ein_score_plan_has(const ein_score_plan *plan, int from, const char *path) {
    for (int i = from; i < plan->n; i++)
        if (has_source(&plan->part[i], path)) return true;
    return false;
}

void ein_score_plan_difference(const char *have, const char *want, char *out, size_t room) {
    while (*have || *want) {
        const size_t a = strcspn(have, "\n"), b = strcspn(want, "\n");
        if (a != b || memcmp(have, want, a) != 0) {
            const size_t key = strcspn(want, ":\n");
            const bool same_key = key < a && memcmp(have, want, key + 1) == 0;
            snprintf(out, room, "%.*s against %.*s", (int)(a < 300 ? a : 300), a ? have : "nothing",
                     (int)(same_key ? b - key - 2 : b),
                     same_key ? want + key + 2
                     : b      ? want
                              : "nothing");
            return;
        }
        have += a + (have[a] == '\n');
        want += b + (want[b] == '\n');
    }
    out[0] = '\0';
}
