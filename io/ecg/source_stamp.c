#include "io/ecg/source_stamp.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "io/archive/archive.h"
#include "io/base/durable.h"
#include "io/base/hash.h"
#include "io/base/trouble.h"
#include "io/ecg/wfdb_header.h"

static bool look(const char *path, ein_file_look *out) {
    struct stat info;
    *out = (ein_file_look){-1, 0, 0};
    if (stat(path, &info) != 0) return ein_trouble_status(errno) != EIN_SYSTEM;
    *out = (ein_file_look){info.st_size, info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
    return true;
}

/* The signal files of a header, after its own. */
static bool look_at_signals(const char *path, ein_file_look *out, int *n) {
    ein_wfdb_header *header = NULL;
    char *text = NULL, name[PATH_MAX];
    size_t bytes = 0;
    ein_status status = ein_file_read(path, EIN_WFDB_MAX_HEADER_BYTES, &text, &bytes);
    if (status == EIN_OK) status = EIN_NEW(header, 1);
    if (status == EIN_OK) status = ein_wfdb_header_parse(path, text, bytes, header);
    bool good = !ein_trouble_is(status);
    for (int i = 0; status == EIN_OK && good && i < header->n_signals; i++) {
        bool before = false;
        for (int j = 0; j < i; j++)
            before = before || strcmp(header->signal[i].file, header->signal[j].file) == 0;
        if (before || ein_wfdb_signal_path(NULL, path, header->signal[i].file, name, sizeof name) != EIN_OK)
            continue;
        good = look(name, &out[(*n)++]);
    }
    ein_error_clear();
    free(header);
    free(text);
    return good;
}

uint64_t ein_source_stamp_of(const ein_file_look *look, int n) {
    uint8_t digest[EIN_HASH_BYTES];
    uint64_t stamp = 0;
    ein_hash(look, (size_t)n * sizeof *look, digest);
    memcpy(&stamp, digest, sizeof stamp);
    return stamp ? stamp : 1;
}

uint64_t ein_source_stamp(const char *path) {
    ein_file_look files[EIN_MAX_LEADS + 1];
    char file[PATH_MAX];
    const size_t length = strlen(path);
    int n = 1;
    const bool member = ein_archive_of(path, file);
    if (!look(file, &files[0])) return 0;
    if (!member && length > 4 && strcasecmp(path + length - 4, ".hea") == 0 &&
        !look_at_signals(path, files, &n))
        return 0;
    return ein_source_stamp_of(files, n);
}
