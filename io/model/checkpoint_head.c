#include "io/model/checkpoint_head.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/hdf5/locks.h"
#include "io/model/shape.h"

#define SEAL      "head-blake2b-256: "
#define TREE_TEXT "EINTHOVEN CHECKPOINT TREE 1\n"

enum { HEAD = EIN_CHECKPOINT_HEAD_BYTES, MAX_TENSORS = 1 << 16 };

/* --- the 512 bytes ---------------------------------------------------------------------------------- */

void ein_checkpoint_head_render(const ein_checkpoint_head *head, char out[HEAD]) {
    char tree[EIN_HASH_TEXT_BYTES], seal[EIN_HASH_TEXT_BYTES], text[2 * HEAD];
    ein_vit_shape shape = head->shape;
    int *field[EIN_SHAPE_ALL_FIELDS];
    ein_shape_fields(&shape, field);
    ein_hex(head->tree, EIN_HASH_BYTES, tree);
    int at = snprintf(text, sizeof text,
                      EIN_CHECKPOINT_FIRST_LINE
                      "HDF5 follows at byte %d.\nversion: %d\nprogram: %s\nbytes: %" PRId64 "\nstep: %" PRId64
                      "\nparts: %s\nshape:",
                      HEAD, EIN_CHECKPOINT_VERSION, head->program, head->bytes, head->step,
                      ein_vit_parts_name(head->parts));
    const int fields = ein_shape_fields_told(&shape);
    for (int i = 0; i < fields; i++) at += snprintf(text + at, sizeof text - (size_t)at, " %d", *field[i]);
    if (head->tensors) at += snprintf(text + at, sizeof text - (size_t)at, "\ntensors: %d", head->tensors);
    at += snprintf(text + at, sizeof text - (size_t)at, "\ntree-blake2b-256: %s\ncomplete: yes\n", tree);
    ein_hash_text(text, (size_t)at, seal);
    at += snprintf(text + at, sizeof text - (size_t)at, SEAL "%s\n", seal);
    EIN_BUG_IF(at > HEAD);
    memset(out, '\n', HEAD);
    memcpy(out, text, (size_t)at);
}

/* The value of the line "KEY: VALUE" at `*at`, in place; NULL if another line stands there. */
static char *take(char **at, const char *key) {
    size_t length = strlen(key);
    char *line = *at, *end = strchr(line, '\n');
    if (!end || strncmp(line, key, length) || strncmp(line + length, ": ", 2)) return NULL;
    *end = '\0';
    *at = end + 1;
    return line + length + 2;
}

static bool parse_shape(const char *text, ein_vit_shape *shape) {
    int *field[EIN_SHAPE_ALL_FIELDS];
    ein_shape_fields(shape, field);
    for (int i = 0; i < EIN_SHAPE_ALL_FIELDS && (i < EIN_SHAPE_FIELDS || *text); i++) {
        char *end;
        long value = strtol(text, &end, 10);
        if (end == text || value < 0 || value > INT32_MAX) return false;
        *field[i] = (int)value;
        text = end;
    }
    return *text == '\0';
}

static bool parse_tree(const char *text, uint8_t *tree) {
    for (int i = 0; i < EIN_HASH_BYTES; i++) {
        unsigned byte;
        if (sscanf(text + 2 * i, "%2x", &byte) != 1) return false;
        tree[i] = (uint8_t)byte;
    }
    return true;
}

/* `text` is the head with a final NUL, cut into lines on the way. Lenient: what is kept of the fields is compared
 * with the bytes again by the caller. */
static bool parse_fields(char *text, ein_checkpoint_head *head, const char **version) {
    char *at = text + strlen(EIN_CHECKPOINT_FIRST_LINE), *value;
    at = strchr(at, '\n'); /* the line for people */
    if (!at++ || !(*version = take(&at, "version")) || !(value = take(&at, "program"))) return false;
    snprintf(head->program, sizeof head->program, "%s", value);
    if (!(value = take(&at, "bytes"))) return false;
    head->bytes = strtoll(value, NULL, 10);
    if (!(value = take(&at, "step"))) return false;
    head->step = strtoll(value, NULL, 10);
    if (!(value = take(&at, "parts")) || ein_vit_parts_parse(value, &head->parts) != EIN_OK) return false;
    if (!(value = take(&at, "shape")) || !parse_shape(value, &head->shape)) return false;
    if ((value = take(&at, "tensors"))) head->tensors = (int)strtol(value, NULL, 10);
    value = take(&at, "tree-blake2b-256");
    return value && strlen(value) == 2 * EIN_HASH_BYTES && parse_tree(value, head->tree);
}

static bool seal_holds(const char *text) {
    char seal[EIN_HASH_TEXT_BYTES];
    const char *line = strstr(text, "\n" SEAL);
    if (!line) return false;
    line++;
    ein_hash_text(text, (size_t)(line - text), seal);
    return !strncmp(line + strlen(SEAL), seal, EIN_HASH_TEXT_BYTES - 1);
}

static bool all_zero(const char *bytes, int count) {
    for (int i = 0; i < count; i++)
        if (bytes[i]) return false;
    return true;
}

ein_status ein_checkpoint_head_parse(const char *path, const char in[HEAD], ein_checkpoint_head *head) {
    char text[HEAD + 1], again[HEAD];
    const char *version = NULL;
    memcpy(text, in, HEAD);
    text[HEAD] = '\0';
    memset(head, 0, sizeof *head);
    if (all_zero(in, HEAD))
        return ein_error(EIN_CORRUPT,
                         "%s: an unfinished checkpoint: its head was never written; use an older one", path);
    if (memcmp(in, EIN_CHECKPOINT_FIRST_LINE, strlen(EIN_CHECKPOINT_FIRST_LINE)) != 0)
        return ein_error(EIN_FORMAT, "%s: not a checkpoint: it does not begin with \"EINTHOVEN CHECKPOINT\"",
                         path);
    if (!seal_holds(text))
        return ein_error(EIN_CORRUPT, "%s: the checkpoint's head (bytes 0 to %d) does not match its checksum",
                         path, HEAD - 1);
    bool good = parse_fields(text, head, &version);
    if (version && strtol(version, NULL, 10) != EIN_CHECKPOINT_VERSION)
        return ein_error(EIN_MISMATCH, "%s: a checkpoint of version %.16s; this program reads version %d",
                         path, version, EIN_CHECKPOINT_VERSION);
    if (good) ein_checkpoint_head_render(head, again);
    if (!good || memcmp(in, again, HEAD))
        return ein_error(EIN_CORRUPT,
                         "%s: the checkpoint's head (bytes 0 to %d) is not as this program writes it", path,
                         HEAD - 1);
    if (head->tensors < 0 || head->tensors > MAX_TENSORS)
        return ein_error(EIN_CORRUPT, "%s: the checkpoint's head states %d tensors", path, head->tensors);
    if (head->bytes < HEAD || head->bytes > EIN_CHECKPOINT_MAX_BYTES || head->step < 0)
        return ein_error(EIN_CORRUPT, "%s: the checkpoint's head states %lld bytes and step %lld", path,
                         (long long)head->bytes, (long long)head->step);
    return ein_error_context(ein_vit_shape_check(&head->shape), "%s: head", path);
}

/* --- reading ---------------------------------------------------------------------------------------- */

static ein_status read_at(const char *path, int fd, int64_t offset, void *out, int64_t bytes) {
    for (char *to = out; bytes > 0;) {
        ssize_t n = pread(fd, to, (size_t)bytes, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0)
            return ein_error(EIN_IO, "%s: reading at byte %lld: %s", path, (long long)offset,
                             strerror(errno));
        if (n == 0)
            return ein_error(EIN_CORRUPT, "%s: ends at byte %lld, before its time: the file was cut short",
                             path, (long long)offset);
        to += n;
        offset += n;
        bytes -= n;
    }
    return EIN_OK;
}

static ein_status check_file(const char *path, int fd, ein_checkpoint_head *head) {
    struct stat about;
    char bytes[HEAD];
    if (fstat(fd, &about) != 0) return ein_error(EIN_IO, "%s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode)) return ein_error(EIN_IO, "%s: not a regular file", path);
    /* HDF5 locks what it writes. Bytes that change under a reader would be taken for damage. */
    if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return ein_error(EIN_IO, EIN_H5_IN_USE, path);
    if (about.st_size < HEAD)
        return ein_error(EIN_CORRUPT, "%s: %lld bytes; a checkpoint's head alone has %d", path,
                         (long long)about.st_size, HEAD);
    EIN_TRY(read_at(path, fd, 0, bytes, HEAD));
    EIN_TRY(ein_checkpoint_head_parse(path, bytes, head));
    if (about.st_size == head->bytes) return EIN_OK;
    return ein_error(EIN_CORRUPT, "%s: %lld bytes long, its head says %lld: %s", path,
                     (long long)about.st_size, (long long)head->bytes,
                     about.st_size < head->bytes ? "cut short" : "something was appended");
}

ein_status ein_checkpoint_head_read(const char *path, ein_checkpoint_head *head, int *fd) {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0)
        return ein_error(errno == ENOENT ? EIN_NOTFOUND : EIN_IO, "%s: cannot open: %s", path,
                         strerror(errno));
    ein_status status = check_file(path, *fd, head);
    if (status == EIN_OK) return EIN_OK;
    close(*fd);
    *fd = -1;
    return status;
}

/* --- the hash tree ---------------------------------------------------------------------------------- */

int64_t ein_checkpoint_blocks(int64_t bytes) {
    return (bytes - HEAD + EIN_CHECKPOINT_BLOCK_BYTES - 1) / EIN_CHECKPOINT_BLOCK_BYTES;
}

ein_status ein_checkpoint_hash_blocks(const char *path, int fd, int64_t bytes, int64_t first, int64_t count,
                                      uint8_t *digests) {
    char *block;
    EIN_TRY(EIN_NEW(block, EIN_CHECKPOINT_BLOCK_BYTES));
    ein_status status = EIN_OK;
    for (int64_t i = 0; i < count && status == EIN_OK; i++) {
        int64_t at = HEAD + (first + i) * EIN_CHECKPOINT_BLOCK_BYTES;
        int64_t n = bytes - at < EIN_CHECKPOINT_BLOCK_BYTES ? bytes - at : EIN_CHECKPOINT_BLOCK_BYTES;
        status = read_at(path, fd, at, block, n);
        if (status == EIN_OK) ein_hash(block, (size_t)n, digests + i * EIN_HASH_BYTES);
    }
    free(block);
    return status;
}

void ein_checkpoint_hash_root(const uint8_t *digests, int64_t bytes, uint8_t root[EIN_HASH_BYTES]) {
    uint8_t length[8];
    for (int i = 0; i < 8; i++) length[i] = (uint8_t)((uint64_t)(bytes - HEAD) >> 8 * i);
    const ein_bytes parts[3] = {{TREE_TEXT, strlen(TREE_TEXT)},
                                {length, sizeof length},
                                {digests, (size_t)(ein_checkpoint_blocks(bytes) * EIN_HASH_BYTES)}};
    ein_hash_parts(parts, 3, root);
}
