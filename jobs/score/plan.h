/* The plan of a work folder: what is scored, by which models, under which contract and program.
 *
 *     FOLDER/plan-0001, plan-0002, ...
 *
 * Each is written once, by whoever comes first under a lock, and never changed. The first lists all inputs found;
 * inputs that appear later, or have changed and shall be scored again, get a plan of their own, whose blocks follow.
 * A file is
 *
 *     einthoven score plan 1\n
 *     HASH\n                      BLAKE2b-256 of all that follows, 64 hexadecimal digits
 *     BYTES ROOTS SOURCES INPUTS FIRST BLOCK\n   sizes: of the identity, numbers of roots, sources and inputs, number
 *                                 of the first block, inputs per block
 *     identity                    lines "key: value": program, contract, models, options: what makes a score what it is
 *     roots                       absolute paths, each with a NUL
 *     sources                     absolute paths, each with a NUL, then the number of records of a corpus as text, or
 *                                 nothing for a recording by itself, and a NUL
 *
 * Block b of the folder holds the inputs [(b - FIRST) * BLOCK, ...) of its plan. Nothing here is collective.
 */
#ifndef EIN_JOBS_SCORE_PLAN_H
#define EIN_JOBS_SCORE_PLAN_H

#include "io/base/hash.h"
#include "jobs/score/inputs.h"

typedef struct {
    char hash[EIN_HASH_TEXT_BYTES];
    char *identity;
    ein_texts roots;
    ein_score_sources sources;
    int64_t *first; /* (sources + 1) input with which a source begins */
    int64_t inputs, first_block, blocks, block;
} ein_score_part;

typedef struct {
    ein_score_part *part;
    int n;
    int64_t blocks, inputs; /* of all parts */
} ein_score_plan;

/* Read the plan of a folder; without any part if there is none. EIN_CORRUPT, EIN_IO. */
ein_status ein_score_plan_read(const char *folder, ein_score_plan *out);
void ein_score_plan_free(ein_score_plan *plan);

/* Write part number `number` (from 1), durably. */
ein_status ein_score_plan_write(const char *folder, int number, const char *identity, const ein_texts *roots,
                                const ein_score_sources *sources, int64_t first_block, int64_t block);

/* The part that a block belongs to. */
const ein_score_part *ein_score_plan_part(const ein_score_plan *plan, int64_t block);

/* First input of a block within its part, and their number. */
void ein_score_part_block(const ein_score_part *part, int64_t block, int64_t *first, int64_t *n);

/* Path of an input, and its record within a corpus; -1: a recording by itself. */
const char *ein_score_part_input(const ein_score_part *part, int64_t input, int64_t *record);

/* Whether a source stands in one of the parts from number `from` (from 0) on: what it says there counts. */
bool ein_score_plan_has(const ein_score_plan *plan, int from, const char *path);

/* The first line in which two identities differ, as "key: A against B"; "" if they are equal. */
void ein_score_plan_difference(const char *have, const char *want, char *out, size_t room);

#endif
