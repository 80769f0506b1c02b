/* Released tables, told apart by keys of records and patients, and the overlap of two of them. */
#ifndef EIN_CORE_STATS_OVERLAP_TABLES_H
#define EIN_CORE_STATS_OVERLAP_TABLES_H

#include "core/stats/overlap.h"

/* n records, each in a cell 0 .. n_cells - 1; ascending by record key, each once. Records that are not here are
 * outside. */
typedef struct {
    int n_cells;
    int64_t n;
    uint64_t *record, *patient;
    int32_t *cell;
} ein_overlap_table;

/* A table of n records in any order, copied; records of cell -1 are left out. EIN_RANGE for a record twice. */
ein_status ein_overlap_table_new(ein_overlap_table *out, int n_cells, const uint64_t *record,
                                 const uint64_t *patient, const int32_t *cell, int64_t n);
void ein_overlap_table_free(ein_overlap_table *table);

/* weight ((first->n_cells + 1), (second->n_cells + 1)): weights of the records of either, 1/m with m the number of a
 * patient's records among them. */
ein_status ein_overlap_weights(double *weight, const ein_overlap_table *first,
                               const ein_overlap_table *second);

/* Whether both may be known; the least group that their difference shows in *least (INFINITY: none). */
ein_status ein_overlap_judge(ein_release *verdict, double *least, const ein_overlap_table *first,
                             const ein_overlap_table *second, ein_release_rules rules);

#endif
