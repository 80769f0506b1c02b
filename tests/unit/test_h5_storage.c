/* Datasets that state more than they hold, in ways that their extents do not show. */
#include "io/hdf5/storage.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/hdf5/h5.h"
#include "tests/report.h"

static char path[] = "/tmp/ein-storage-XXXXXX";

/* What the check says of a dataset of `n` bytes in chunks of `chunk`, filled by `fill`. */
static void judge(const char *what, hsize_t n, hsize_t chunk, bool deflate, void (*fill)(hid_t dataset),
                  ein_status status, const char *says) {
    const hid_t access = ein_h5_access_serial();
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    const hid_t space = H5Screate_simple(1, &n, NULL), list = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(list, 1, &chunk);
    if (deflate) H5Pset_deflate(list, 9);
    hid_t dataset = H5Dcreate2(file, "column", H5T_STD_U8LE, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (fill) fill(dataset);
    H5Dclose(dataset);
    H5Pclose(list);
    H5Sclose(space);
    H5Fclose(file);
    file = H5Fopen(path, H5F_ACC_RDONLY, access);
    dataset = H5Dopen2(file, "column", H5P_DEFAULT);
    const ein_status got = ein_h5_check_storage(dataset, "column");
    report(got == status && (status == EIN_OK || strstr(ein_error_message(), says)), "%s: %s", what,
           got == EIN_OK ? "good" : ein_error_message());
    H5Dclose(dataset);
    H5Fclose(file);
    H5Pclose(access);
}

static void zeros(hid_t dataset) {
    const hid_t space = H5Dget_space(dataset);
    void *bytes = calloc((size_t)H5Sget_simple_extent_npoints(space), 1);
    H5Dwrite(dataset, H5T_STD_U8LE, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes);
    free(bytes);
    H5Sclose(space);
}

/* Chunks as they stand in the file, whatever is in them. */
static void raw(hid_t dataset, hsize_t at, size_t bytes) {
    void *chunk = calloc(bytes, 1);
    H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, &at, bytes, chunk);
    free(chunk);
}

static void long_chunk(hid_t dataset) {
    raw(dataset, 0, 100);
    raw(dataset, 1000, 100000);
}

static void short_chunk(hid_t dataset) {
    raw(dataset, 0, 100);
}

static void tiny_chunks(hid_t dataset) {
    raw(dataset, 0, 8);
}

int main(void) {
    const int fd = mkstemp(path);
    if (fd < 0) return 1;
    close(fd);
    ein_h5_quiet();
    judge("a column", 2000, 1000, false, zeros, EIN_OK, NULL);
    judge("a compressed column", 2000, 1000, true, zeros, EIN_OK, NULL);
    judge("an extent that is no multiple of the chunk", 1999, 1000, true, zeros, EIN_OK, NULL);
    judge("60 MB of zeros", 60 << 20, 1 << 20, true, zeros, EIN_OK, NULL);
    judge("100 MB of zeros in 100 kB", 100 << 20, 1 << 20, true, zeros, EIN_CORRUPT,
          "no column of this format");
    judge("nothing stored", 2000, 1000, true, NULL, EIN_CORRUPT, "holds 0 of 2 blocks");
    judge("half of it stored", 2000, 1000, true, short_chunk, EIN_CORRUPT, "holds 1 of 2 blocks");
    judge("a chunk that is longer than what it holds", 2000, 1000, true, long_chunk, EIN_CORRUPT,
          "a block of 1000 bytes is stored in 100000");
    judge("8 bytes that cannot become a megabyte", 1 << 20, 1 << 20, true, tiny_chunks, EIN_CORRUPT,
          "only 8 bytes");
    unlink(path);
    return report_end();
}
