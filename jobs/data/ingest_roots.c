#include "jobs/data/ingest_roots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "io/base/utf8.h"
#include "io/labels/layouts.h"

static void open_root(ein_ingest_root *r, const char *text) {
    struct stat about;
    r->text = text;
    r->bytes = strlen(text);
    while (r->bytes > 1 && text[r->bytes - 1] == '/') r->bytes--;
    if (!realpath(text, r->real)) r->real[0] = '\0';
    r->is_folder = stat(text, &about) == 0 && S_ISDIR(about.st_mode);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s", r->real);
    char *slash = strrchr(path, '/');
    if (slash && !r->is_folder) { /* a single file: its folder names the cohort */
        *slash = '\0';
        slash = strrchr(path, '/');
    }
    const char *name = slash ? slash + 1 : "";
    ein_utf8_make(name, strlen(name), r->name, sizeof r->name, NULL);
}

ein_status ein_ingest_roots_open(const char *const *texts, int n, ein_ingest_roots *out) {
    EIN_TRY(EIN_NEW(out->root, n));
    out->n = n;
    for (int i = 0; i < n; i++) open_root(&out->root[i], texts[i]);
    return EIN_OK;
}

void ein_ingest_roots_free(ein_ingest_roots *roots) {
    free(roots->root);
    *roots = (ein_ingest_roots){0};
}

const ein_ingest_root *ein_ingest_root_of(const ein_ingest_roots *roots, const char *path,
                                          const char **below) {
    const ein_ingest_root *best = NULL;
    const char *slash = strrchr(path, '/');
    *below = slash ? slash + 1 : path; /* of a file that is itself a root: its name */
    for (int i = 0; i < roots->n; i++) {
        const ein_ingest_root *r = &roots->root[i];
        if (strncmp(path, r->text, r->bytes) != 0 || (best && best->bytes >= r->bytes)) continue;
        bool inside = r->is_folder && (path[r->bytes] == '/' || r->text[r->bytes - 1] == '/');
        bool itself = !r->is_folder && (path[r->bytes] == '\0' || strcasecmp(path + r->bytes, ".hea") == 0);
        bool member = !r->is_folder && strncmp(path + r->bytes, "!/", 2) == 0; /* io/archive/archive.h */
        if (!inside && !itself && !member) continue;
        best = r;
        if (member) {
            const char *name = memrchr(path, '/', r->bytes);
            *below = name ? name + 1 : path;
        }
        if (inside) *below = path + r->bytes + strspn(path + r->bytes, "/");
    }
    return best;
}

const char *ein_ingest_source(const ein_ingest_roots *roots, const char *path, char *out, size_t room) {
    const char *below = NULL;
    const ein_ingest_root *r = ein_ingest_root_of(roots, path, &below);
    bool named = roots->n > 1 && r && r->is_folder;
    const int n = snprintf(out, room, "%s%s", named ? r->name : "", named ? "/" : "");
    if (n >= 0 && (size_t)n < room) ein_utf8_make(below, strlen(below), out + n, room - (size_t)n, NULL);
    ein_make_printable(out, false);
    return out;
}

ein_status ein_ingest_find_tables(const ein_ingest_roots *roots, ein_texts *tables) {
    for (int i = 0; i < roots->n; i++)
        for (const ein_layout *layout = ein_layouts; roots->root[i].is_folder && layout->data_set; layout++) {
            char path[PATH_MAX];
            struct stat about;
            const int n = snprintf(path, sizeof path, "%.*s/%s", (int)roots->root[i].bytes,
                                   roots->root[i].text, layout->file);
            if (n < 0 || (size_t)n >= sizeof path || stat(path, &about) != 0 || !S_ISREG(about.st_mode))
                continue;
            EIN_TRY(ein_texts_add(tables, path));
        }
    return EIN_OK;
}
