#include "jobs/checkpoints.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/durable.h"

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
    for (struct dirent *entry; (entry = readdir(dir));) {
        long long step;
        int end = 0;
        if (sscanf(entry->d_name, "step-%lld.h5%n", &step, &end) != 1 || end == 0 || entry->d_name[end])
            continue;
        if (*count == room) {
            int64_t *more = realloc(*steps, (size_t)(2 * room) * sizeof *more);
            if (!more) {
                closedir(dir);
                return ein_error(EIN_NOMEM, "no memory for the list of checkpoints");
            }
            *steps = more;
            room *= 2;
        }
        (*steps)[(*count)++] = step;
    }
    closedir(dir);
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

/* First line in which two texts differ, as "ours" and "theirs". */
static ein_status compare_identity(const char *ours, const char *theirs) {
    while (*ours && *theirs) {
        const size_t a = strcspn(ours, "\n"), b = strcspn(theirs, "\n");
        const size_t indent_a = strspn(ours, " "), indent_b = strspn(theirs, " ");
        if (a != b || strncmp(ours, theirs, a) != 0)
            return ein_error(
                EIN_MISMATCH,
                "the checkpoint was made with \"%.*s\", this run asks for \"%.*s\"; use the same "
                "configuration, or another run folder",
                (int)(b - indent_b), theirs + indent_b, (int)(a - indent_a), ours + indent_a);
        ours += a + (ours[a] == '\n');
        theirs += b + (theirs[b] == '\n');
    }
    if (*ours || *theirs)
        return ein_error(EIN_MISMATCH, "the checkpoint's configuration has other keys than this run");
    return EIN_OK;
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
        }
        free(config);
        if (status == EIN_MISMATCH) break; /* whole, but of another run: nothing to fall back to */
        if (status != EIN_OK) {
            ein_run_warn(run, "checkpoint not used: %s", ein_error_message());
            status = EIN_OK;
        }
    }
    free(steps);
    return status;
}

/* Remove all but the newest `keep_last` and, with keep_every = m updates, the first one in every m updates: going from the
 * oldest on, a checkpoint stays if it lies in another m than the one kept before, so the choice never moves. */
static void prune(const ein_run *run, int keep_last, int64_t keep_every) {
    int64_t *steps, count, kept = -1;
    if (list_steps(run, &steps, &count) != EIN_OK) return;
    for (int64_t i = count - 1; i >= keep_last; i--) {
        char path[PATH_BYTES];
        if (keep_every > 0 && steps[i] / keep_every != kept) {
            kept = steps[i] / keep_every;
            continue;
        }
        checkpoint_path(path, run, steps[i]);
        unlink(path);
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
    if (ein_comm_rank(comm) == 0) prune(run, keep_last, keep_every);
    return EIN_OK;
}
