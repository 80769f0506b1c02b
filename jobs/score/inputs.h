/* What is to be scored: recordings below folders, single files, lists of paths, corpora; in one order.
 *
 * Paths are made absolute and real, so that the same file has one name however and wherever it was named. The order is
 * bytewise by path, also of members of an archive, the records of a corpus in its order: it depends neither on the
 * order of the operands nor on who lists them. Nothing here is collective.
 */
#ifndef EIN_JOBS_SCORE_INPUTS_H
#define EIN_JOBS_SCORE_INPUTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/texts.h"
#include "io/ecg/reader.h"

/* Paths of sources, bytewise ascending, each once. count: records of a corpus; 0: a recording by itself. */
typedef struct {
    ein_texts path;
    int64_t *count; /* (path.n) */
    int64_t room;
} ein_score_sources;
ein_status ein_score_sources_add(ein_score_sources *sources, const char *path, int64_t count);
void ein_score_sources_free(ein_score_sources *sources);

typedef struct {
    ein_score_sources sources;
    ein_texts roots;       /* absolute */
    int64_t named;         /* the first so many of them are operands, the others come from lists */
    ein_reader_list found; /* what cannot be read (problem), and what was passed over */
    int64_t inputs;        /* recordings, and records of corpora */
} ein_score_inputs;

/* Make the names in `operands` and the lines of `lists` roots. A list holds a path per line, as PhysioNet's RECORDS,
 * relative to the folder of the list; "-" is standard input, relative to the current folder. EIN_NOTFOUND for an
 * operand or list that is not there; a path of a list that is not there is a problem of its own. */
ein_status ein_score_inputs_roots(const char *const *operands, int n_operands, const char *const *lists,
                                  int n_lists, ein_score_inputs *out);

/* Walk the roots, and look into the archives that `store` opens (io/archive/archive.h). EIN_SYSTEM if the machine is in
 * trouble. */
ein_status ein_score_inputs_find(ein_score_inputs *inputs, bool follow_links, const ein_store *store);
void ein_score_inputs_free(ein_score_inputs *inputs);

#endif
