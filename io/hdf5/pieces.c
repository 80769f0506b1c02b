/* Columns in pieces: whole chunks one after the other, as HDF5 takes those of a column that is written at once. */
#include <stdlib.h>
#include <string.h>

#include "io/base/hash.h"
#include "io/hdf5/column.h"
#include "io/hdf5/h5.h"

struct ein_h5_pieces {
    hid_t dataset, type;
    const char *name; /* of the caller, which outlives it */
    ein_hasher *hash;
    char *chunk;
    int64_t n, width, rows; /* of a chunk */
    int64_t row_bytes, written, held;
};

int64_t ein_h5_pieces_at_most(int64_t n, int64_t row_bytes) {
    enum { PER_CHUNK = 64, REST = 1 << 16 }; /* its place in the index; heads, attributes */
    if (n == 0) return REST;
    const int64_t rows = (int64_t)ein_h5_chunk_rows((hsize_t)n, (uint64_t)row_bytes);
    return REST + (n + rows - 1) / rows * (rows * row_bytes + PER_CHUNK);
}

ein_status ein_h5_pieces_new(hid_t file, const char *name, hid_t type, int64_t n, int64_t width,
                             ein_h5_pieces **out) {
    const hsize_t dims[2] = {(hsize_t)n, (hsize_t)width};
    ein_h5_pieces *p;
    *out = NULL;
    EIN_TRY(EIN_NEW(p, 1));
    *p = (ein_h5_pieces){.dataset = -1, .type = type, .name = name, .n = n, .width = width};
    p->row_bytes = width * (int64_t)H5Tget_size(type);
    p->rows = (int64_t)ein_h5_chunk_rows(dims[0], (uint64_t)p->row_bytes);
    ein_status status = ein_calloc((void **)&p->chunk, p->rows + 1, p->row_bytes, name);
    if (status == EIN_OK) status = ein_hasher_new(&p->hash);
    if (status == EIN_OK) status = ein_h5_column_create(file, name, type, 2, dims, &p->dataset);
    if (status == EIN_OK) {
        *out = p;
        return EIN_OK;
    }
    ein_hasher_end(p->hash, NULL);
    free(p->chunk);
    free(p);
    return status;
}

static ein_status write_chunk(ein_h5_pieces *p) {
    const hsize_t from[2] = {(hsize_t)p->written, 0}, count[2] = {(hsize_t)p->held, (hsize_t)p->width};
    const hid_t there = H5Dget_space(p->dataset), here = H5Screate_simple(2, count, NULL);
    const bool good = there >= 0 && here >= 0 &&
                      H5Sselect_hyperslab(there, H5S_SELECT_SET, from, NULL, count, NULL) >= 0 &&
                      H5Dwrite(p->dataset, p->type, here, there, H5P_DEFAULT, p->chunk) >= 0;
    const ein_status status = good ? EIN_OK : ein_h5_error(EIN_IO, "writing /%s", p->name);
    if (there >= 0) H5Sclose(there);
    if (here >= 0) H5Sclose(here);
    ein_hasher_add(p->hash, p->chunk, (size_t)(p->held * p->row_bytes));
    p->written += p->held;
    p->held = 0;
    return status;
}

ein_status ein_h5_pieces_put(ein_h5_pieces *p, const void *data, int64_t rows) {
    const char *from = data;
    if (rows > p->n - p->written - p->held)
        return ein_error(EIN_RANGE, "/%s: more than %lld rows came", p->name, (long long)p->n);
    while (rows > 0) {
        const int64_t room = p->rows - p->held, now = rows < room ? rows : room;
        memcpy(p->chunk + p->held * p->row_bytes, from, (size_t)(now * p->row_bytes));
        from += now * p->row_bytes;
        rows -= now;
        p->held += now;
        if (p->held == p->rows || p->written + p->held == p->n) EIN_TRY(write_chunk(p));
    }
    return EIN_OK;
}

ein_status ein_h5_pieces_finish(ein_h5_pieces *p, ein_status mine) {
    char hash[EIN_HASH_TEXT_BYTES];
    ein_status status = mine;
    if (status == EIN_OK && p->written != p->n)
        status = ein_error(EIN_RANGE, "/%s: %lld rows came, not %lld", p->name, (long long)p->written,
                           (long long)p->n);
    ein_hasher_end(p->hash, hash);
    if (status == EIN_OK)
        status = ein_h5_column_finish(p->dataset, p->name, hash);
    else
        H5Dclose(p->dataset);
    free(p->chunk);
    free(p);
    return status;
}
