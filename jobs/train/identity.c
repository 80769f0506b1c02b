#include "jobs/train/identity.h"

#include <stdio.h>
#include <string.h>

#include "io/base/hash.h"

static int is_changeable(const char *line, const char *const *keys) {
    for (; *keys; keys++)
        if (strncmp(line, *keys, strlen(*keys)) == 0) return 1;
    return 0;
}

ein_status ein_identity_text(const char *yaml, const char *const *changeable, const char *more, char **out) {
    size_t at = 0;
    int outside = 0;
    EIN_TRY(EIN_NEW(*out, (int64_t)(strlen(yaml) + strlen(more)) + 1));
    for (const char *line = yaml; *line;) {
        const size_t length = strcspn(line, "\n"), n = length + (line[length] == '\n');
        if (line[0] != ' ') outside = strncmp(line, "run:", 4) == 0 || strncmp(line, "probe:", 6) == 0;
        if (!outside && !is_changeable(line + strspn(line, " "), changeable)) {
            memcpy(*out + at, line, n);
            at += n;
        }
        line += n;
    }
    memcpy(*out + at, more, strlen(more) + 1);
    return EIN_OK;
}

static void short_hash(const void *data, size_t bytes, char out[17]) {
    uint8_t digest[EIN_HASH_BYTES];
    ein_hash(data, bytes, digest);
    ein_hex(digest, 8, out);
}

void ein_identity_content(const ein_corpus *corpus, const uint8_t *part, const float *value, int64_t n,
                          char out[EIN_CONTENT_BYTES]) {
    uint8_t digest[EIN_HASH_BYTES];
    char signals[17], split[17], labels[17] = "none";
    ein_corpus_signal_hash(corpus, digest);
    ein_hex(digest, 8, signals);
    short_hash(part, (size_t)ein_corpus_records(corpus), split);
    if (n > 0) short_hash(value, (size_t)n * sizeof *value, labels);
    snprintf(out, EIN_CONTENT_BYTES, "# content: signals %s, split %s, labels %s\n", signals, split, labels);
}
