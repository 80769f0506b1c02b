#include "jobs/options/sniff.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/model/checkpoint.h"
#include "io/model/safetensors.h"

enum { HEAD_BYTES = 512, SHOWN_BYTES = 24, PATH_BYTES = 4096 };

static bool exists_in(const char *folder, const char *name) {
    char path[PATH_BYTES];
    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && access(path, F_OK) == 0;
}

static ein_status read_head(const char *path, unsigned char *head, ssize_t *bytes, int64_t *length) {
    struct stat about;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return ein_error(EIN_IO, "%s: cannot open: %s", path, strerror(errno));
    ein_status status = EIN_OK;
    if (fstat(fd, &about) != 0 || (*bytes = pread(fd, head, HEAD_BYTES, 0)) < 0)
        status = ein_error(EIN_IO, "%s: cannot read: %s", path, strerror(errno));
    else
        *length = (int64_t)about.st_size;
    close(fd);
    return status;
}

static bool is_safetensors(const unsigned char *head, ssize_t bytes, int64_t length) {
    uint64_t header = 0;
    if (bytes < 9 || head[8] != '{') return false;
    for (int i = 7; i >= 0; i--) header = header << 8 | head[i];
    /* A header longer than the file is a file that was cut: still of this kind. */
    return header >= 2 && header <= (uint64_t)EIN_ST_MAX_HEADER_BYTES && length > 0;
}

static ein_file_kind kind_of(const unsigned char *head, ssize_t bytes, int64_t length) {
    static const char hdf5[] = "\x89HDF\r\n\x1a\n";
    ssize_t zeros = 0;
    while (zeros < bytes && head[zeros] == 0) zeros++;
    if (bytes == 0) return EIN_FILE_EMPTY;
    if (zeros == bytes) return EIN_FILE_UNFINISHED;
    if (ein_checkpoint_recognise((const char *)head, bytes)) return EIN_FILE_CHECKPOINT;
    if (bytes >= 8 && !memcmp(head, hdf5, 8)) return EIN_FILE_HDF5;
    return is_safetensors(head, bytes, length) ? EIN_FILE_SAFETENSORS : EIN_FILE_OTHER;
}

ein_status ein_sniff(const char *path, ein_file_kind *out) {
    struct stat about;
    unsigned char head[HEAD_BYTES];
    ssize_t bytes = 0;
    int64_t length = 0;
    *out = EIN_FILE_OTHER;
    if (stat(path, &about) != 0)
        return ein_error(errno == ENOENT ? EIN_NOTFOUND : EIN_IO, "%s: %s", path, strerror(errno));
    if (S_ISDIR(about.st_mode)) {
        *out = EIN_FOLDER_OTHER;
        if (exists_in(path, "MADE-BY") || (exists_in(path, "metrics.json") && exists_in(path, "scores.csv")))
            *out = EIN_FOLDER_RESULTS;
        if (exists_in(path, "STATE") || exists_in(path, "config.resolved.yaml")) *out = EIN_FOLDER_RUN;
        return EIN_OK;
    }
    if (!S_ISREG(about.st_mode)) return ein_error(EIN_FORMAT, "%s: neither a file nor a folder", path);
    EIN_TRY(read_head(path, head, &bytes, &length));
    *out = kind_of(head, bytes, length);
    return EIN_OK;
}

const char *ein_file_kind_name(ein_file_kind kind) {
    switch (kind) {
    case EIN_FILE_EMPTY:
        return "an empty file";
    case EIN_FILE_UNFINISHED:
        return "an unfinished file (it begins with zeros)";
    case EIN_FILE_CHECKPOINT:
        return "a checkpoint";
    case EIN_FILE_HDF5:
        return "an HDF5 file";
    case EIN_FILE_SAFETENSORS:
        return "a .safetensors file";
    case EIN_FOLDER_RUN:
        return "a run folder";
    case EIN_FOLDER_RESULTS:
        return "results of an evaluation";
    case EIN_FOLDER_OTHER:
        return "a folder";
    default:
        return "not a file of ours";
    }
}

void ein_sniff_text(const char *path, char *out, size_t room) {
    unsigned char head[HEAD_BYTES];
    ssize_t bytes = 0;
    int64_t length = 0;
    size_t at = 0;
    out[0] = '\0';
    if (read_head(path, head, &bytes, &length) != EIN_OK) return;
    for (ssize_t i = 0; i < bytes && i < SHOWN_BYTES && at + 5 < room; i++)
        at += (size_t)snprintf(out + at, room - at, head[i] >= 0x20 && head[i] < 0x7f ? "%c" : "\\x%02x",
                               head[i]);
}
