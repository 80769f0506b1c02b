/* What a run must keep from one life to the next: the text that its checkpoints carry and are compared by. */
#ifndef EIN_JOBS_TRAIN_IDENTITY_H
#define EIN_JOBS_TRAIN_IDENTITY_H

#include <stdint.h>

#include "core/base/status.h"
#include "io/corpus/corpus.h"

/* The last line of an identity: "# content: signals 0123456789abcdef, split ..., labels ...", the beginnings of the
 * hashes of the corpus's signals, of part (N), and of value (n; 0 without labels). Counts alone do not tell a corpus
 * with other values in it. A checkpoint of an earlier version has no such line and is taken without. */
enum { EIN_CONTENT_BYTES = 128 };
void ein_identity_content(const ein_corpus *corpus, const uint8_t *part, const float *value, int64_t n,
                          char out[EIN_CONTENT_BYTES]);

/* The part of a resolved configuration that must not change between lives of a run: `yaml` without the sections run
 * and probe and without the keys in `changeable` (NULL-terminated, each with its colon), followed by `more`. free()
 * it. */
ein_status ein_identity_text(const char *yaml, const char *const *changeable, const char *more, char **out);

#endif
