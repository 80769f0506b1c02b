/* A file of recordings while it is read, wherever its bytes come from: a folder, or what somebody holds in memory, such
 * as a member of an archive.
 *
 * Readers of recordings get bytes from here and nowhere else. Where files are is a place: names are looked up in it,
 * and what cannot be opened through it is not opened. A file is opened once; its first bytes say what it is, and what
 * follows is read behind them.
 */
#ifndef EIN_IO_BASE_INPUT_H
#define EIN_IO_BASE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "io/base/links.h"

/* A whole file in memory; a NUL follows its bytes. */
typedef struct {
    const char *path; /* how it is called, in messages and for the record's name */
    const uint8_t *bytes;
    size_t n;
} ein_content;

/* Bytes of files that are in no folder. Any number of threads may call. */
typedef struct {
    /* Whether `path` is one of this store's; all that follows is asked only of those. */
    bool (*holds)(void *store, const char *path);
    /* Whether there is a file of that name. */
    bool (*has)(void *store, const char *path);
    /* Its bytes, followed by a NUL, to be freed by the caller. EIN_NOTFOUND, EIN_CORRUPT, EIN_IO, EIN_NOMEM. */
    ein_status (*take)(void *store, const char *path, uint8_t **bytes, int64_t *n);
    void *store;
} ein_store;

/* Where files are looked for; all may be NULL. */
typedef struct {
    const ein_links
        *links; /* to where signal files may be links (io/base/links.h); NULL: only inside their folder */
    const ein_store *store; /* files that are not in folders */
} ein_place;

/* What a file looks like from outside: another size or time says that it changed. */
typedef struct {
    int64_t size, seconds, nanoseconds;
} ein_file_look;

typedef struct {
    const char *path; /* borrowed */
    int fd;           /* -1: all of it is in `bytes` */
    int64_t size;
    ein_file_look look; /* when it was opened; zero where all of it is in `bytes` */
    uint8_t *bytes;     /* (have) of the beginning, owned */
    int64_t have, room;
} ein_input;

enum { EIN_INPUT_START_BYTES = 4096 };

/* Open `path` (kept by reference) of a place; NULL: folders. EIN_NOTFOUND, EIN_IO (also for what is no regular file),
 * EIN_SYSTEM. What was opened is to be closed; so may be what failed, and a zeroed one with fd -1. Not collective. */
ein_status ein_input_open(const ein_place *place, const char *path, ein_input *out);

/* The same of a file that another one named: a symbolic link is followed only if it ends inside the folder of `path`,
 * or where the place's links allow, else EIN_FORMAT, which it also is if it is no regular file. */
ein_status ein_input_open_named(const ein_place *place, const char *path, ein_input *out);
void ein_input_close(ein_input *input);

/* Whether there is a file of that name, or this machine cannot tell now, which opening it will say. */
bool ein_input_is_there(const ein_place *place, const char *path);

/* The first bytes, EIN_INPUT_START_BYTES or all; more may come with them where the file is small. */
ein_status ein_input_start(ein_input *input, const uint8_t **bytes, size_t *n);

/* All of it, in memory; EIN_FORMAT if it has more than `limit` bytes. Valid until it is closed. */
ein_status ein_input_whole(ein_input *input, int64_t limit, ein_content *out);

/* Bytes [at, at + n) into `out`; fewer, and `*got` says how many, where the file ends. `got` NULL: all, else EIN_IO. */
ein_status ein_input_read(ein_input *input, void *out, int64_t n, int64_t at, int64_t *got);

#endif
