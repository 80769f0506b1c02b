/* What of io/ecg/reader.h finds recordings: folders are walked, and what lies in them is told apart. */
#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/base/durable.h"
#include "io/base/file_name.h"
#include "io/base/map.h"
#include "io/base/trouble.h"
#include "io/ecg/archive_list.h"
#include "io/ecg/kind.h"
#include "io/ecg/reader.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/wfdb_segments.h"
#include "io/formats/xml_text.h"

/* "100.ecg" beside "100.hea" are annotations in some databases (MIT-BIH Polysomnographic). */
static const char wfdb_extension[] = ".hea", xml_extension[] = ".xml", annotator[] = ".ecg";

/* A file that is taken from a folder by its name. What it is shows when it is read. */
static bool is_candidate(const char *name) {
    return ein_file_name_ends(name, wfdb_extension) ||
           (strlen(name) > strlen(xml_extension) && ein_file_name_ends(name, xml_extension));
}

/* A growing list of strings, owned. */
typedef struct {
    char **item;
    int64_t count, room;
} strings;

typedef struct {
    strings paths, others;     /* others: files that no name makes a recording */
    ein_map *seen;             /* folders, by device and inode */
    ein_map *named, *segments, /* headers that another one names */
        *folders; /* files that stand in headers, in lower case; folders whose headers were looked at */
    ein_reader_passed passed[EIN_READER_MAX_PASSED];
    int n_passed;
    ein_reader_problem *problem;
    int64_t n_problems, room;
    const ein_links *links;
    bool open_archives;
    strings archives, listed; /* archives that were found; the recordings of one */
} walk;

static ein_status add_string(strings *list, const char *text) {
    EIN_TRY(EIN_GROW(list->item, list->room, list->count + 1));
    if ((list->item[list->count] = strdup(text)) == NULL) return ein_error(EIN_NOMEM, "no memory for a path");
    list->count++;
    return EIN_OK;
}

static void free_strings(strings *list) {
    for (int64_t i = 0; i < list->count; ++i) free(list->item[i]);
    free(list->item);
    memset(list, 0, sizeof *list);
}

static ein_status add_problem(walk *w, const char *path, const char *reason) {
    EIN_TRY(EIN_GROW(w->problem, w->room, w->n_problems + 1));
    ein_reader_problem *p = &w->problem[w->n_problems];
    p->path = strdup(path);
    p->reason = strdup(reason);
    if (p->path && p->reason) {
        w->n_problems++;
        return EIN_OK;
    }
    free(p->path);
    free(p->reason);
    return ein_error(EIN_NOMEM, "no memory for a message");
}

static int by_name(const FTSENT **a, const FTSENT **b) {
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int by_path(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static ein_status visit_folder(walk *w, FTS *fts, FTSENT *entry) {
    char key[64];
    snprintf(key, sizeof key, "%ju %ju", (uintmax_t)entry->fts_statp->st_dev,
             (uintmax_t)entry->fts_statp->st_ino);
    if (ein_map_get(w->seen, key, 0) == 0) return ein_map_put(w->seen, key, 1);
    fts_set(fts, entry, FTS_SKIP);
    return EIN_OK;
}

/* A folder that nobody may enter is listed; one that this machine cannot enter now must not be left out in silence. */
static ein_status not_walked(walk *w, const char *path, int error) {
    if (!ein_trouble_is(ein_trouble_status(error))) return add_problem(w, path, strerror(error));
    return ein_error(
        EIN_SYSTEM,
        "%s: %s; what is below it cannot be listed now, so nothing was begun: try again when this "
        "machine and the file system are well",
        path, strerror(error));
}

static ein_status count_passed(walk *w, const char *kind, const char *path) {
    int i = 0;
    while (i < w->n_passed && strcmp(w->passed[i].kind, kind) != 0) ++i;
    EIN_BUG_IF(i == EIN_READER_MAX_PASSED);
    ein_reader_passed *p = &w->passed[i];
    if (i == w->n_passed) {
        *p = (ein_reader_passed){.kind = kind, .first = strdup(path)};
        if (!p->first) return ein_error(EIN_NOMEM, "no memory for a path");
        w->n_passed++;
    }
    p->count++;
    return EIN_OK;
}

/* A link is followed by the rule of io/base/links.h; a root that is a folder, always. One that leads out is a problem
 * if it looks like something to read: a folder, or a name of ours. */
static ein_status visit_link(walk *w, FTS *fts, FTSENT *entry) {
    struct stat info;
    char target[PATH_MAX];
    bool root = entry->fts_level == FTS_ROOTLEVEL, named = root || is_candidate(entry->fts_name);
    if (!realpath(entry->fts_path, target) || stat(target, &info) != 0) {
        if (!named) return EIN_OK;
        if (errno != ENOENT) return not_walked(w, entry->fts_path, errno);
        return add_problem(w, entry->fts_path, "broken symbolic link");
    }
    bool folder = S_ISDIR(info.st_mode);
    if ((root && folder) || ein_links_allow(w->links, target)) {
        fts_set(fts, entry, FTS_FOLLOW); /* it comes again, as what it leads to */
        return EIN_OK;
    }
    if (!folder && !named) return count_passed(w, "symbolic links that leave the folders", entry->fts_path);
    return add_problem(w, entry->fts_path,
                       "a symbolic link out of the folders that were named; --follow-links follows it");
}

/* A file that was named itself. */
static ein_status visit_root_file(walk *w, const char *path) {
    ein_kind kind = {EIN_KIND_OTHER, ""};
    const bool archive = w->open_archives && !is_candidate(path) && ein_kind_of_file(path, &kind) == EIN_OK &&
                         kind.class == EIN_KIND_ARCHIVE;
    return add_string(archive ? &w->archives : &w->paths, path);
}

static ein_status visit(walk *w, FTS *fts, FTSENT *entry) {
    bool named = entry->fts_level == FTS_ROOTLEVEL || is_candidate(entry->fts_name);
    switch (entry->fts_info) {
    case FTS_D:
        return visit_folder(w, fts, entry);
    case FTS_F:
        if (entry->fts_level == FTS_ROOTLEVEL) return visit_root_file(w, entry->fts_path);
        return named ? add_string(&w->paths, entry->fts_path) : add_string(&w->others, entry->fts_path);
    case FTS_SL:
    case FTS_SLNONE:
        return visit_link(w, fts, entry);
    case FTS_DNR:
    case FTS_ERR:
    case FTS_NS:
        return not_walked(w, entry->fts_path, entry->fts_errno);
    case FTS_DEFAULT:
        return named
                   ? add_problem(w, entry->fts_path, "a pipe, socket or device; only regular files are read")
                   : EIN_OK;
    default:
        return EIN_OK; /* folders on the way back, loops (walked already) */
    }
}

static ein_status walk_root(walk *w, char *root) {
    char *roots[] = {root, NULL};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!fts) return not_walked(w, root, errno);
    ein_status status = EIN_OK;
    FTSENT *entry;
    errno = 0;
    while (status == EIN_OK && (entry = fts_read(fts)) != NULL) {
        status = visit(w, fts, entry);
        errno = 0;
    }
    if (status == EIN_OK && errno != 0) status = not_walked(w, root, errno);
    fts_close(fts);
    return status;
}

/* The header that `path` (room bytes) stands for takes its place: "100" and "100.dat" mean "100.hea", if that
 * exists. Signal files come in when a shell expands a pattern; their header is then listed once. An XML file stands
 * for itself, whatever lies beside it. */
static void use_header(char *path, size_t room) {
    char header[PATH_MAX + sizeof wfdb_extension], root[EIN_XML_NAME_BYTES];
    struct stat info;
    if (ein_file_name_ends(path, wfdb_extension) || (stat(path, &info) == 0 && S_ISDIR(info.st_mode))) return;
    if (ein_xml_sniff_file(path, root)) return;
    const size_t ends[2] = {strlen(path), ein_file_name_stem(path)};
    for (int i = 0; i < 2; ++i) {
        if (ends[i] == 0 || ends[i] + sizeof wfdb_extension > room) continue;
        snprintf(header, sizeof header, "%.*s%s", (int)ends[i], path, wfdb_extension);
        if (stat(header, &info) != 0) snprintf(header, sizeof header, "%.*s%s", (int)ends[i], path, ".HEA");
        if (stat(header, &info) != 0 || !S_ISREG(info.st_mode)) continue;
        strcpy(path, header);
        return;
    }
}

static ein_status find_in(walk *w, const char *root) {
    char path[PATH_MAX];
    size_t n = strlen(root);
    if (n == 0) return add_problem(w, root, "the name is empty");
    if (n + sizeof wfdb_extension > sizeof path) return add_problem(w, root, "path too long");
    memcpy(path, root, n + 1);
    while (n > 1 && path[n - 1] == '/') path[--n] = '\0'; /* or the walk would give "root//file" */
    use_header(path, sizeof path);
    return walk_root(w, path);
}

static void drop_duplicates(strings *list) {
    int64_t kept = 0;
    for (int64_t i = 0; i < list->count; ++i) {
        if (kept > 0 && strcmp(list->item[kept - 1], list->item[i]) == 0)
            free(list->item[i]);
        else
            list->item[kept++] = list->item[i];
    }
    list->count = kept;
}

/* --- what else lies in the folders ----------------------------------------------------------------------- */

/* Index of the first path that does not come before `text`. */
static int64_t first_from(const strings *list, const char *text) {
    int64_t low = 0, high = list->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (strcmp(list->item[middle], text) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_listed(const strings *list, const char *path) {
    int64_t i = first_from(list, path);
    return i < list->count && strcmp(list->item[i], path) == 0;
}

/* "x/100.dat" beside "x/100.hea": a signal file or annotations. */
static bool has_header(const walk *w, const char *path) {
    static const char *const extensions[] = {".hea", ".HEA"};
    char header[PATH_MAX];
    const size_t n = ein_file_name_stem(path);
    for (size_t i = 0; i < sizeof extensions / sizeof extensions[0]; ++i) {
        if (n + 5 > sizeof header) return false;
        snprintf(header, sizeof header, "%.*s%s", (int)n, path, extensions[i]);
        if (is_listed(&w->paths, header)) return true;
    }
    return false;
}

/* The files of a header: the first word of every line but comments and the record line. */
static ein_status note_files(walk *w, const char *header, size_t folder_bytes) {
    char *text, path[PATH_MAX], *save = NULL;
    size_t bytes;
    if (ein_file_read(header, EIN_WFDB_MAX_HEADER_BYTES, &text, &bytes) != EIN_OK)
        return EIN_OK; /* said when it is read */
    ein_status status = EIN_OK;
    bool record_line = true;
    for (char *line = strtok_r(text, "\r\n", &save); line && status == EIN_OK;
         line = strtok_r(NULL, "\r\n", &save)) {
        line += strspn(line, " \t");
        size_t n = strcspn(line, " \t");
        if (*line == '#' || n == 0) continue;
        if (!record_line && folder_bytes + n < sizeof path) {
            snprintf(path, sizeof path, "%.*s%.*s", (int)folder_bytes, header, (int)n, line);
            ein_file_name_lower(path);
            status = ein_map_put(w->named, path, 1);
        }
        record_line = false;
    }
    free(text);
    return status;
}

/* Whether a file stands in one of the headers of its folder, which are read when the first such question comes. */
static ein_status is_named(walk *w, const char *path, bool *named) {
    char key[PATH_MAX];
    const size_t n = ein_file_name_folder(path);
    ein_status status = EIN_OK;
    snprintf(key, sizeof key, "%.*s", (int)n, path);
    if (ein_map_get(w->folders, key, 0) == 0) {
        for (int64_t i = first_from(&w->paths, key); i < w->paths.count && status == EIN_OK; ++i) {
            const char *header = w->paths.item[i];
            if (strncmp(header, key, n) != 0) break;
            if (!strchr(header + n, '/') && ein_file_name_ends(header, wfdb_extension))
                status = note_files(w, header, n);
        }
        if (status == EIN_OK) status = ein_map_put(w->folders, key, 1);
    }
    snprintf(key, sizeof key, "%s", path);
    ein_file_name_lower(key);
    *named = ein_map_get(w->named, key, 0) != 0;
    return status;
}

static ein_status look_at_other(walk *w, const char *path, strings *found) {
    ein_kind kind;
    bool named = false, beside_header = has_header(w, path);
    if (beside_header && !ein_kind_is_ecg_name(path)) return EIN_OK;
    if (ein_kind_of_file(path, &kind) != EIN_OK) return add_string(found, path); /* reading it will say why */
    if (beside_header && ein_file_name_ends(path, annotator) && ein_kind_is_by_name_only(&kind))
        return EIN_OK;
    if (kind.class != EIN_KIND_READ) EIN_TRY(is_named(w, path, &named));
    if (named) return EIN_OK;
    if (kind.class == EIN_KIND_ARCHIVE && w->open_archives) return add_string(&w->archives, path);
    return kind.class == EIN_KIND_OTHER ? count_passed(w, kind.name, path) : add_string(found, path);
}

/* --- headers of segments ---------------------------------------------------------------------------------- */

/* "x/100.hea" beside "x/100_1.hea" or "x/1_layout.hea" may name the others as its segments. Most folders have no such
 * pair, and their headers are not opened for this. */
static bool may_have_segments(const strings *paths, int64_t first, int64_t end) {
    static const char layout[] = "_layout.hea";
    for (int64_t i = first; i < end; ++i) {
        const char *path = paths->item[i];
        if (!ein_file_name_ends(path, wfdb_extension)) continue;
        if (ein_file_name_ends(path, layout)) return true;
        const size_t n = strlen(path) - strlen(wfdb_extension);
        if (i + 1 < end && strncmp(paths->item[i + 1], path, n) == 0 &&
            ein_file_name_ends(paths->item[i + 1], wfdb_extension))
            return true;
    }
    return false;
}

/* Note the segments that a header names, if it is of that kind. What is wrong with it is said when it is read. */
static ein_status note_segments(walk *w, const char *header) {
    char *text, path[PATH_MAX];
    size_t bytes;
    ein_wfdb_segments list;
    if (ein_file_read(header, EIN_WFDB_MAX_HEADER_BYTES, &text, &bytes) != EIN_OK) return EIN_OK;
    ein_status status = EIN_OK;
    if (ein_wfdb_is_segmented(text) && ein_wfdb_segments_parse(header, text, &list) == EIN_OK) {
        for (int i = 0; status == EIN_OK && i < list.n_segments; ++i)
            if (list.segment[i].name[0] &&
                ein_wfdb_segment_path(header, &list.segment[i], path, sizeof path) == EIN_OK)
                status = ein_map_put(w->segments, path, 1);
        ein_wfdb_segments_free(&list);
    }
    free(text);
    return status;
}

/* Segments are read with the record that names them, and not once more by themselves. Needs w->paths sorted. */
static ein_status drop_segments(walk *w) {
    ein_status status = ein_map_new(&w->segments);
    for (int64_t i = 0, end; status == EIN_OK && i < w->paths.count; i = end) {
        const size_t n = ein_file_name_folder(w->paths.item[i]);
        for (end = i + 1; end < w->paths.count; ++end)
            if (strncmp(w->paths.item[end], w->paths.item[i], n) != 0 || strchr(w->paths.item[end] + n, '/'))
                break;
        if (!may_have_segments(&w->paths, i, end)) continue;
        for (int64_t k = i; status == EIN_OK && k < end; ++k)
            if (ein_file_name_ends(w->paths.item[k], wfdb_extension))
                status = note_segments(w, w->paths.item[k]);
    }
    int64_t kept = 0;
    for (int64_t i = 0; i < w->paths.count; ++i) {
        if (status == EIN_OK && ein_map_get(w->segments, w->paths.item[i], 0) != 0)
            free(w->paths.item[i]);
        else
            w->paths.item[kept++] = w->paths.item[i];
    }
    w->paths.count = kept;
    return status;
}

/* --- archives ---------------------------------------------------------------------------------------------- */

static ein_status list_recording(void *context, const char *path) {
    return add_string(&((walk *)context)->listed, path);
}

static ein_status list_passed(void *context, const char *kind, const char *path) {
    return count_passed(context, kind, path);
}

static ein_status list_problem(void *context, const char *path, const char *reason) {
    return add_problem(context, path, reason);
}

/* A folder of that name would have recordings called as the archive's are. */
static ein_status list_archive(walk *w, const char *path) {
    const ein_archive_listing to = {list_recording, list_passed, list_problem, w};
    char folder[PATH_MAX + 2];
    struct stat info;
    snprintf(folder, sizeof folder, "%s!", path);
    if (stat(folder, &info) == 0)
        return add_problem(w, path, "an archive beside a file or folder of its name with '!'; rename one");
    return ein_archive_list(path, &to);
}

/* The recordings of each archive take its place among the paths, in the order of the archive. */
static ein_status expand_archives(walk *w) {
    strings all = {0};
    int64_t i = 0;
    ein_status status = EIN_OK;
    if (w->archives.count > 0)
        qsort(w->archives.item, (size_t)w->archives.count, sizeof *w->archives.item, by_path);
    drop_duplicates(&w->archives);
    for (int64_t a = 0; status == EIN_OK && a < w->archives.count; ++a) {
        for (; status == EIN_OK && i < w->paths.count && strcmp(w->paths.item[i], w->archives.item[a]) < 0;
             ++i)
            status = add_string(&all, w->paths.item[i]);
        if (status == EIN_OK) status = list_archive(w, w->archives.item[a]);
        for (int64_t k = 0; status == EIN_OK && k < w->listed.count; ++k)
            status = add_string(&all, w->listed.item[k]);
        free_strings(&w->listed);
    }
    if (w->archives.count == 0) return status;
    for (; status == EIN_OK && i < w->paths.count; ++i) status = add_string(&all, w->paths.item[i]);
    free_strings(&w->paths);
    w->paths = all;
    return status;
}

static int by_count(const void *a, const void *b) {
    const ein_reader_passed *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->kind, y->kind);
}

/* Needs w->paths sorted; sorts it anew. */
static ein_status look_at_others(walk *w) {
    strings found = {0};
    if (w->others.count == 0) return EIN_OK;
    qsort(w->others.item, (size_t)w->others.count, sizeof *w->others.item, by_path);
    drop_duplicates(&w->others);
    EIN_TRY(ein_map_new(&w->named));
    EIN_TRY(ein_map_new(&w->folders));
    ein_status status = EIN_OK;
    for (int64_t i = 0; i < w->others.count && status == EIN_OK; ++i)
        if (!is_listed(&w->paths, w->others.item[i])) status = look_at_other(w, w->others.item[i], &found);
    for (int64_t i = 0; i < found.count && status == EIN_OK; ++i)
        status = add_string(&w->paths, found.item[i]);
    free_strings(&found);
    if (w->paths.count > 0) qsort(w->paths.item, (size_t)w->paths.count, sizeof *w->paths.item, by_path);
    return status;
}

ein_status ein_reader_find_in(const char *const *roots, int n_roots, const ein_place *place,
                              ein_reader_list *out) {
    walk w = {.links = place->links, .open_archives = place->store != NULL};
    memset(out, 0, sizeof *out);
    ein_status status = ein_map_new(&w.seen);
    for (int i = 0; i < n_roots && status == EIN_OK; ++i) status = find_in(&w, roots[i]);
    ein_map_destroy(w.seen);
    if (w.paths.count > 0) qsort(w.paths.item, (size_t)w.paths.count, sizeof *w.paths.item, by_path);
    drop_duplicates(&w.paths);
    if (status == EIN_OK) status = look_at_others(&w);
    if (status == EIN_OK) status = drop_segments(&w);
    if (status == EIN_OK && w.open_archives) status = expand_archives(&w);
    qsort(w.passed, (size_t)w.n_passed, sizeof *w.passed, by_count);
    free_strings(&w.others);
    free_strings(&w.archives);
    ein_map_destroy(w.named);
    ein_map_destroy(w.folders);
    ein_map_destroy(w.segments);
    *out = (ein_reader_list){w.paths.item, w.paths.count, w.problem, w.n_problems, {{0}}, w.n_passed};
    memcpy(out->passed, w.passed, sizeof out->passed);
    if (status != EIN_OK) ein_reader_list_free(out);
    return status;
}

ein_status ein_reader_find(const char *const *roots, int n_roots, const ein_links *links,
                           ein_reader_list *out) {
    return ein_reader_find_in(roots, n_roots, &(ein_place){.links = links}, out);
}

void ein_reader_list_free(ein_reader_list *list) {
    if (!list) return;
    for (int64_t i = 0; i < list->count; ++i) free(list->path[i]);
    for (int64_t i = 0; i < list->n_problems; ++i) {
        free(list->problem[i].path);
        free(list->problem[i].reason);
    }
    for (int i = 0; i < list->n_passed; ++i) free(list->passed[i].first);
    free(list->path);
    free(list->problem);
    memset(list, 0, sizeof *list);
}
