#include "jobs/train/checkpoints.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"

enum { PATH_BYTES = 4096 };

static void checkpoint_path(char *out, const ein_run *run, int64_t step) {
    snprintf(out, PATH_BYTES, "%s/ckpt/step-%09lld.h5", ein_run_folder(run), (long long)step);
}

static int descending(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* Steps of the checkpoints in the folder, newest first (free()). Rank 0 only. */
static ein_status list_steps(const ein_run *run, int64_t **steps, int64_t *count) {
    char folder[PATH_BYTES];
    int64_t room = 16;
    *count = 0;
    EIN_TRY(EIN_NEW(*steps, room));
    snprintf(folder, sizeof folder, "%s/ckpt", ein_run_folder(run));
    DIR *dir = opendir(folder);
    if (!dir) {
        if (errno == ENOENT) return EIN_OK;
        free(*steps);
        *steps = NULL;
        return ein_error(EIN_IO, "%s: %s", folder, strerror(errno));
    }
    errno = 0;
    for (struct dirent *entry; (entry = readdir(dir)); errno = 0) {
        long long step;
        char name[64];
        if (sscanf(entry->d_name, "step-%lld.h5", &step) != 1 || step < 0) continue;
        snprintf(name, sizeof name, "step-%09lld.h5", step);
        if (strcmp(name, entry->d_name) != 0) continue; /* a copy under another name, a leftover */
        const ein_status grown = EIN_GROW(*steps, room, *count + 1);
        if (grown != EIN_OK) {
            closedir(dir);
            free(*steps);
            *steps = NULL;
            return grown;
        }
        (*steps)[(*count)++] = step;
    }
    const int error = errno;
    closedir(dir);
    if (error) {
        free(*steps);
        *steps = NULL;
        return ein_error(EIN_IO, "%s: reading the folder: %s", folder, strerror(error));
    }
    qsort(*steps, (size_t)*count, sizeof **steps, descending);
    return EIN_OK;
}

/* Rank 0's list on every rank. Collective. */
static ein_status share_steps(ein_comm *comm, const ein_run *run, int64_t **steps, int64_t *count) {
    void *data = NULL;
    int64_t bytes = 0;
    *steps = NULL;
    ein_status status = EIN_OK;
    if (ein_comm_rank(comm) == 0) {
        status = list_steps(run, steps, count);
        data = *steps;
        bytes = *count * (int64_t)sizeof **steps;
    }
    EIN_TRY(ein_comm_agree(comm, status));
    EIN_TRY(ein_comm_bcast_bytes(comm, &data, &bytes));
    *steps = data;
    *count = bytes / (int64_t)sizeof **steps;
    return EIN_OK;
}

#define CONTENT "# content: " /* ein_identity_content: the last line */

#define OWN_PRODUCTS "  products: own"

/* A key that came later, with the default that does what was done before there was one. `theirs` is where a checkpoint
 * that has the key would say it. */
static bool came_later(const char *ours, const char *theirs) {
    static const char *const lines[] = {"  sex_codes: []",      "  source_heads: 0", "  products: blas",
                                        "  positions: learned", "  repair: []",      "  mask: []"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const size_t n = strlen(lines[i]), key = strcspn(lines[i], ":") + 1;
        if (strncmp(ours, lines[i], n) == 0 && ours[n] == '\n') return strncmp(ours, theirs, key) != 0;
    }
    return false;
}

/* Whether the checkpoint tells what it was trained on; those of earlier versions do not. */
static bool tells_content(const char *theirs) {
    return strstr(theirs, "\n" CONTENT) != NULL;
}

/* First line in which two texts differ, as "ours" and "theirs". */
static ein_status compare_identity(const char *ours, const char *theirs) {
    const char *hint = tells_content(theirs)
                           ? ""
                           : " (an earlier version made it, whose defaults are those of train.recipe=study)";
    while (*ours && *theirs) {
        const size_t a = strcspn(ours, "\n"), b = strcspn(theirs, "\n");
        if (came_later(ours, theirs)) {
            ours += a + 1;
            continue;
        }
        if (a == strlen(OWN_PRODUCTS) && strncmp(ours, OWN_PRODUCTS, a) == 0 &&
            strncmp(theirs, "  products:", 11) != 0)
            return ein_error(
                EIN_MISMATCH,
                "the checkpoint was made by a version without matrix products of its own, and goes on "
                "with those of the BLAS alone: add --set train.products=blas, or use another run folder");
        const size_t indent_a = strspn(ours, " "), indent_b = strspn(theirs, " ");
        const bool same = a == b && strncmp(ours, theirs, a) == 0;
        if (!same && strncmp(ours, CONTENT, strlen(CONTENT)) == 0 &&
            strncmp(theirs, CONTENT, strlen(CONTENT)) == 0)
            return ein_error(
                EIN_MISMATCH,
                "what is trained on is not what the checkpoint was made with: then %.*s, now %.*s; use the "
                "same corpus, labels and split, or another run folder",
                (int)(b - strlen(CONTENT)), theirs + strlen(CONTENT), (int)(a - strlen(CONTENT)),
                ours + strlen(CONTENT));
        if (!same)
            return ein_error(
                EIN_MISMATCH,
                "the checkpoint was made with \"%.*s\", this run asks for \"%.*s\"; use the same "
                "configuration%s, or another run folder",
                (int)(b - indent_b), theirs + indent_b, (int)(a - indent_a), ours + indent_a, hint);
        ours += a + (ours[a] == '\n');
        theirs += b + (theirs[b] == '\n');
    }
    if (!*theirs && strncmp(ours, CONTENT, strlen(CONTENT)) == 0)
        return EIN_OK; /* made before it was noted */
    if (*ours || *theirs)
        return ein_error(EIN_MISMATCH, "the checkpoint's configuration has other keys than this run");
    return EIN_OK;
}

/* What was read and is not whole is damaged. What could not be read may be whole, and newer than all others. */
static bool is_damaged(const ein_checkpoint *c, ein_status status) {
    return !c->verified && (status == EIN_CORRUPT || status == EIN_FORMAT);
}

static ein_status unread(ein_status status) {
    return ein_error(
        status,
        "%s. It could not be used, which does not mean that it is damaged, so the run does not go on without "
        "it: put right what is in the way (permissions, the file system, a program that has it open), or "
        "start afresh with --resume=none, which keeps what there is",
        ein_error_message());
}

ein_status ein_checkpoints_load(ein_comm *comm, ein_run *run, ein_checkpoint *into, const char *identity,
                                int *found) {
    int64_t *steps, count;
    *found = 0;
    EIN_TRY(share_steps(comm, run, &steps, &count));
    ein_status status = EIN_OK;
    for (int64_t i = 0; i < count && !*found; i++) {
        char path[PATH_BYTES], *config = NULL;
        checkpoint_path(path, run, steps[i]);
        status = ein_checkpoint_read(comm, path, into, &config, NULL, NULL);
        if (status == EIN_OK) {
            status = identity ? compare_identity(identity, config) : EIN_OK;
            if (status == EIN_OK) *found = 1;
            if (status == EIN_OK && identity && !tells_content(config))
                ein_run_log(
                    run,
                    "%s is of an earlier version: it does not say which signals, split and labels it was "
                    "trained on, so that they are those of now is taken on trust, and the records of an "
                    "epoch that was begun may have been shared out otherwise",
                    path);
        }
        free(config);
        if (status == EIN_OK) continue;
        if (!is_damaged(into, status)) break;
        ein_run_warn(run, "checkpoint not used: %s", ein_error_message());
        status = EIN_OK;
    }
    free(steps);
    /* Whole, but of another run: the message says so. Lost peers and memory are not the file's fault. */
    return status == EIN_OK || status == EIN_MISMATCH || status == EIN_COMM || status == EIN_NOMEM
               ? status
               : unread(status);
}

/* Only what can be read, and is seen to be a checkpoint, whole or not, is removed. */
static void remove_checkpoint(ein_run *run, const char *path) {
    ein_checkpoint_info info;
    const ein_status status = ein_checkpoint_describe(path, false, &info);
    if (status == EIN_OK) ein_checkpoint_info_free(&info);
    if (status == EIN_OK || status == EIN_CORRUPT)
        unlink(path);
    else if (status != EIN_NOTFOUND)
        ein_run_warn(run, "old checkpoint kept: %s", ein_error_message());
    ein_error_clear();
}

/* Of the checkpoints up to update `now`, remove all but the newest `keep_last` and, with keep_every = m updates, the
 * first one in every m updates: going from the oldest on, a checkpoint stays if it lies in another m than the one
 * kept before, so the choice never moves. Later ones, which were damaged, are replaced when the run gets there. */
static void prune(ein_run *run, int64_t now, int keep_last, int64_t keep_every) {
    int64_t *steps, count, kept = -1, later = 0;
    if (list_steps(run, &steps, &count) != EIN_OK) {
        ein_error_clear();
        return;
    }
    while (later < count && steps[later] > now) later++;
    for (int64_t i = count - 1; i >= later + keep_last; i--) {
        char path[PATH_BYTES];
        if (keep_every > 0 && steps[i] / keep_every != kept) {
            kept = steps[i] / keep_every;
            continue;
        }
        checkpoint_path(path, run, steps[i]);
        remove_checkpoint(run, path);
    }
    free(steps);
}

ein_status ein_checkpoints_save(ein_comm *comm, ein_run *run, const ein_checkpoint *from, int keep_last,
                                int64_t keep_every) {
    char path[PATH_BYTES];
    checkpoint_path(path, run, from->state->step);
    ein_status status = EIN_OK;
    if (ein_comm_rank(comm) == 0) {
        char folder[PATH_BYTES];
        snprintf(folder, sizeof folder, "%s/ckpt", ein_run_folder(run));
        status = ein_make_folders(folder);
    }
    EIN_TRY(ein_comm_agree(comm, status));
    EIN_TRY(ein_checkpoint_write(comm, path, from));
    if (ein_comm_rank(comm) == 0) prune(run, from->state->step, keep_last, keep_every);
    return EIN_OK;
}
