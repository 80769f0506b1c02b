/* HDF5 files on a disk that fills up: the failure is told, and the process ends in order.
 *
 * The limit on file sizes stands for the full disk. Each case runs in a child, because what is tested includes what
 * HDF5 does when the process ends. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/hdf5/h5.h"
#include "tests/report.h"

static char path[] = "/tmp/einthoven-h5-full.XXXXXX";

static void limit_files(rlim_t bytes) {
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static hid_t create(void) {
    const hid_t access = ein_h5_access_serial();
    ein_h5_quiet();
    const hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, access);
    H5Pclose(access);
    return file;
}

/* Many contiguous datasets, so that there is much that only a flush writes: the case of a checkpoint. 0: all as
 * expected. */
static int close_on_full_disk(rlim_t room, ein_status mine, ein_status expected) {
    const hsize_t n = 64;
    char name[32];
    const hid_t file = create(), space = H5Screate_simple(1, &n, NULL);
    if (file < 0 || space < 0) return 10;
    limit_files(room);
    const ein_status reserved = ein_h5_reserve(file, 1 << 20);
    if (reserved != (room == RLIM_INFINITY ? EIN_OK : EIN_IO)) return 18;
    if (mine == EIN_OK) mine = reserved;
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "tensor%d", i);
        const hid_t set =
            H5Dcreate2(file, name, H5T_IEEE_F32LE, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
        if (set < 0 || H5Dclose(set) < 0) return 11;
    }
    H5Sclose(space);
    if (ein_h5_close_written(file, mine) != expected) return 12;
    if (expected == EIN_IO && !strstr(ein_error_message(), "1.0 MB are needed")) return 13;
    limit_files(RLIM_INFINITY); /* room again: nothing of the file may come back when the process ends */
    if (H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) != 0) return 14;
    return H5close() < 0 ? 15 : 0;
}

/* Chunked columns in a draft: the case of scores. */
static int save_on_full_disk(rlim_t room, ein_status mine, ein_status expected) {
    int64_t column[64];
    char name[32];
    hid_t file;
    ein_h5_draft *draft;
    for (int i = 0; i < 64; i++) column[i] = i;
    if (ein_h5_draft_new(&draft) != EIN_OK) return 10;
    limit_files(room);
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "column%d", i);
        if (ein_h5_write_column(ein_h5_draft_file(draft), name, H5T_STD_I64LE, 64, 0, column) != EIN_OK)
            return 11;
    }
    if (ein_h5_draft_save(draft, path, mine) != expected) return 12;
    limit_files(RLIM_INFINITY);
    if (H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) != 0) return 13;
    if (expected == EIN_OK) {
        int64_t found[64] = {0};
        if (ein_h5_open_read(path, &file) != EIN_OK) return 14;
        if (ein_h5_read_column(file, "column199", H5T_STD_I64LE, 64, 0, found) != EIN_OK) return 15;
        if (memcmp(found, column, sizeof found) != 0) return 16;
        H5Fclose(file);
    }
    return H5close() < 0 ? 17 : 0;
}

/* A column in pieces of a large file: its space is reserved, or (`late`) the disk fills up all the same. */
static int save_large(rlim_t room, bool late, ein_status mine, ein_status expected) {
    static float value[1000 * 64];
    char partial[64];
    hid_t file;
    ein_h5_pieces *pieces;
    uint32_t noise = 1; /* which no filter makes small */
    for (int i = 0; i < 1000 * 64; i++)
        value[i] = (float)((noise = noise * 1664525u + 1013904223u) >> 8) * 0x1p-24f;
    snprintf(partial, sizeof partial, "%s.partial", path);
    if (!late) limit_files(room);
    ein_status status = ein_h5_large_new(path, ein_h5_pieces_at_most(10000, 256), &file);
    if (!late && status != (room == RLIM_INFINITY ? EIN_OK : EIN_IO)) return 10;
    if (late) limit_files(room);
    if (status == EIN_OK) {
        if (ein_h5_pieces_new(file, "value", H5T_IEEE_F32LE, 10000, 64, &pieces) != EIN_OK) return 11;
        for (int i = 0; i < 10 && status == EIN_OK; i++) status = ein_h5_pieces_put(pieces, value, 1000);
        status = ein_h5_pieces_finish(pieces, status == EIN_OK ? mine : status);
        status = ein_h5_large_save(file, path, status);
    }
    if (status != expected) return 12;
    limit_files(RLIM_INFINITY);
    if (access(partial, F_OK) == 0) return 13;
    if (H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL) != 0) return 14;
    return H5close() < 0 ? 15 : 0;
}
static int large_at_once(rlim_t room, ein_status mine, ein_status expected) {
    return save_large(room, false, mine, expected);
}
static int large_later(rlim_t room, ein_status mine, ein_status expected) {
    return save_large(room, true, mine, expected);
}

/* How a child ended: its exit code, or 100 + signal. */
static int in_child(int (*what)(rlim_t, ein_status, ein_status), rlim_t room, ein_status mine,
                    ein_status expected) {
    int how = 0;
    fflush(stdout);
    const pid_t child = fork();
    if (child == 0) exit(what(room, mine, expected));
    waitpid(child, &how, 0);
    return WIFEXITED(how) ? WEXITSTATUS(how) : 100 + WTERMSIG(how);
}

int main(void) {
    signal(SIGXFSZ, SIG_IGN);
    const int fd = mkstemp(path);
    report(fd >= 0, "a file to write to");
    close(fd);
    report(in_child(close_on_full_disk, RLIM_INFINITY, EIN_OK, EIN_OK) == 0, "with room a file is closed");
    report(in_child(save_on_full_disk, RLIM_INFINITY, EIN_OK, EIN_OK) == 0,
           "with room a draft is saved and read back");
    const rlim_t rooms[] = {0, 100, 4096, 20000};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        const int closed = in_child(close_on_full_disk, rooms[i], EIN_OK, EIN_IO);
        report(closed == 0, "room for %llu bytes: closing tells an error and the process ends in order (%d)",
               (unsigned long long)rooms[i], closed);
        const int saved = in_child(save_on_full_disk, rooms[i], EIN_OK, EIN_IO);
        report(saved == 0, "room for %llu bytes: so does saving a draft (%d)", (unsigned long long)rooms[i],
               saved);
        const int large = in_child(large_at_once, rooms[i], EIN_OK, EIN_IO);
        report(large == 0, "room for %llu bytes: so does a large file (%d)", (unsigned long long)rooms[i],
               large);
        const int later = in_child(large_later, 40 * rooms[i], EIN_OK, EIN_IO);
        report(later == 0, "room for %llu bytes: so does one whose space was not kept for it (%d)",
               (unsigned long long)(40 * rooms[i]), later);
    }
    report(in_child(close_on_full_disk, 100, EIN_CORRUPT, EIN_CORRUPT) == 0,
           "an error that was there before is kept");
    report(in_child(save_on_full_disk, 100, EIN_CORRUPT, EIN_CORRUPT) == 0, "by a draft too");
    report(in_child(large_later, 100, EIN_CORRUPT, EIN_IO) == 0, "an error of a large file");
    report(in_child(large_at_once, RLIM_INFINITY, EIN_CORRUPT, EIN_CORRUPT) == 0,
           "one that was there before");
    report(in_child(large_at_once, RLIM_INFINITY, EIN_OK, EIN_OK) == 0, "with room it is saved");
    unlink(path);
    return report_end();
}
