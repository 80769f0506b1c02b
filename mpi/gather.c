#include "mpi/gather.h"

#include <stdlib.h>

/* How many items of each rank, where they begin, and what an item is for MPI. */
typedef struct {
    int *count, *start; /* (size), one allocation */
    MPI_Datatype item;  /* a type of its own: bytes of many items may be more than an int can count */
} places;

static ein_status places_new(ein_comm *comm, places *p, const int64_t *counts, int64_t total,
                             int64_t item_bytes, const char *what) {
    const int size = ein_comm_size(comm);
    int64_t first = 0, count;
    EIN_TRY(ein_comm_agree(comm, EIN_NEW(p->count, 2 * (int64_t)size)));
    p->start = p->count + size;
    for (int r = 0; r < size; r++) {
        if (counts)
            count = counts[r];
        else
            ein_share(total, r, size, &first, &count);
        p->count[r] = ein_int(count);
        p->start[r] = ein_int(first);
        first += count;
    }
    ein_status status =
        ein_comm_check(MPI_Type_contiguous(ein_int(item_bytes), MPI_BYTE, &p->item), "describing items");
    if (status == EIN_OK) {
        status = ein_comm_check(MPI_Type_commit(&p->item), "describing items");
        if (status == EIN_OK) return EIN_OK;
        MPI_Type_free(&p->item);
    }
    free(p->count);
    return ein_error_context(status, "%s", what);
}

static void places_free(places *p) {
    MPI_Type_free(&p->item);
    free(p->count);
}

ein_status ein_gather_counts(ein_comm *comm, int64_t mine, int64_t *counts, const char *what) {
    EIN_TRY(ein_comm_alive());
    return ein_comm_check(MPI_Allgather(&mine, 1, MPI_INT64_T, counts, 1, MPI_INT64_T, ein_comm_mpi(comm)),
                          what);
}

ein_status ein_gather(ein_comm *comm, const void *mine, void *all, const int64_t *counts, int64_t total,
                      int64_t item_bytes, const char *what) {
    const int rank = ein_comm_rank(comm);
    places p;
    EIN_TRY(places_new(comm, &p, counts, total, item_bytes, what));
    const void *from = rank == 0 && mine == all ? MPI_IN_PLACE : mine;
    const int code =
        MPI_Gatherv(from, p.count[rank], p.item, all, p.count, p.start, p.item, 0, ein_comm_mpi(comm));
    places_free(&p);
    return ein_comm_check(code, what);
}

ein_status ein_gather_everywhere(ein_comm *comm, void *all, const int64_t *counts, int64_t total,
                                 int64_t item_bytes, const char *what) {
    places p;
    EIN_TRY(places_new(comm, &p, counts, total, item_bytes, what));
    const int code =
        MPI_Allgatherv(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, all, p.count, p.start, p.item, ein_comm_mpi(comm));
    places_free(&p);
    return ein_comm_check(code, what);
}
