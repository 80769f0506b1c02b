#include "jobs/evaluate/evaluate_folder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/outputs.h"
#include "jobs/cli/command.h"

static const char *const names[] = {"scores.csv",   "scores.h5",   "metrics.csv",
                                    "metrics.json", "metrics.txt", "MADE-BY"};

enum { FILES = sizeof names / sizeof names[0], MADE_BY = FILES - 1 };

struct ein_evaluate_folder {
    char *folder, *path[FILES];
    ein_outputs *files;
    bool is_new; /* the folder */
};

static ein_status join(const char *folder, const char *name, char **out) {
    if (asprintf(out, "%s/%s", folder, name) >= 0) return EIN_OK;
    *out = NULL;
    return ein_error(EIN_NOMEM, "no memory for the name of a file");
}

static ein_status begin(ein_evaluate_folder *f, const char *folder, bool replace) {
    char *lock = NULL;
    EIN_TRY(join(folder, "", &f->folder));
    for (int i = 0; i < FILES; i++) EIN_TRY(join(folder, names[i], &f->path[i]));
    f->is_new = access(folder, F_OK) != 0;
    EIN_TRY(ein_make_folders(folder));
    EIN_TRY(join(folder, "evaluate.lock", &lock));
    const ein_status status =
        ein_outputs_begin((const char *const *)f->path, FILES, lock, replace, &f->files);
    free(lock);
    return status;
}

ein_status ein_evaluate_folder_begin(const char *folder, bool replace, ein_evaluate_folder **out) {
    ein_evaluate_folder *f;
    *out = NULL;
    EIN_TRY(EIN_NEW(f, 1));
    const ein_status status = begin(f, folder, replace);
    if (status == EIN_OK)
        *out = f;
    else
        ein_evaluate_folder_end(f);
    return status;
}

ein_status ein_evaluate_folder_publish(ein_evaluate_folder *f, const char *run) {
    char head[256];
    snprintf(head, sizeof head, "# einthoven evaluate %s\n# run %s\n", ein_version(), run);
    EIN_TRY(ein_outputs_write_sums(f->files, f->path[MADE_BY], head));
    return ein_outputs_publish(f->files);
}

void ein_evaluate_folder_end(ein_evaluate_folder *f) {
    if (!f) return;
    ein_outputs_end(f->files);
    if (f->is_new && f->folder) rmdir(f->folder); /* fails where something is in it, as it should */
    free(f->folder);
    for (int i = 0; i < FILES; i++) free(f->path[i]);
    free(f);
}
