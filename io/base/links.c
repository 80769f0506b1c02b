#include "io/base/links.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ein_links {
    bool follow;
    int n_roots;
    char **root; /* (n_roots) real paths of folders */
};

bool ein_path_within(const char *target, const char *folder) {
    size_t n = strlen(folder);
    if (n > 0 && folder[n - 1] == '/') --n;
    return strncmp(target, folder, n) == 0 && (target[n] == '/' || target[n] == '\0');
}

/* The real folder that a root stands for: itself, or where the file stands that it names. */
static char *folder_of(const char *root) {
    char path[PATH_MAX];
    struct stat info;
    if (stat(root, &info) == 0 && S_ISDIR(info.st_mode)) return realpath(root, NULL);
    if (strlen(root) >= sizeof path) return NULL;
    strcpy(path, root);
    char *slash = strrchr(path, '/');
    if (slash) slash[slash == path ? 1 : 0] = '\0';
    return realpath(slash ? path : ".", NULL);
}

ein_status ein_links_new(const char *const *roots, int n_roots, bool follow, ein_links **out) {
    ein_links *links = NULL;
    *out = NULL;
    EIN_TRY(EIN_NEW(links, 1));
    links->follow = follow;
    ein_status status = EIN_NEW(links->root, n_roots);
    if (status != EIN_OK) {
        ein_links_destroy(links);
        return status;
    }
    /* Lists name file after file of a folder: it is kept once. */
    for (int i = 0; i < n_roots; i++) {
        char *folder = folder_of(roots[i]);
        const char *last = links->n_roots > 0 ? links->root[links->n_roots - 1] : NULL;
        if (folder && (!last || strcmp(folder, last) != 0))
            links->root[links->n_roots++] = folder;
        else
            free(folder);
    }
    *out = links;
    return EIN_OK;
}

void ein_links_destroy(ein_links *links) {
    if (!links) return;
    for (int i = 0; i < links->n_roots; i++) free(links->root[i]);
    free(links->root);
    free(links);
}

bool ein_links_allow(const ein_links *links, const char *target) {
    if (!links) return false;
    if (links->follow) return true;
    for (int i = 0; i < links->n_roots; i++)
        if (ein_path_within(target, links->root[i])) return true;
    return false;
}
