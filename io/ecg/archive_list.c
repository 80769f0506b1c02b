#include "io/ecg/archive_list.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/archive/archive.h"
#include "io/base/file_name.h"
#include "io/base/map.h"
#include "io/base/texts.h"
#include "io/ecg/kind.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/wfdb_segments.h"

typedef struct {
    ein_kind kind;
    bool named; /* a .hea or .xml, taken as it is called */
} item;

typedef struct {
    const ein_archive_listing *to;
    ein_texts paths;
    item *items; /* (paths.n) */
    int64_t room;
    ein_map *parts; /* in lower case: what headers name, headers of segments; 1 */
    ein_map *stems; /* headers without their extension */
} list;

/* --- what a header names ----------------------------------------------------------------------------------- */

static ein_status put_part(list *l, const char *header, const char *name, size_t n) {
    char path[3 * PATH_MAX];
    const int folder = (int)ein_file_name_folder(header),
              used = snprintf(path, sizeof path, "%.*s%.*s", folder, header, (int)n, name);
    if (used < 0 || used >= (int)sizeof path) return EIN_OK;
    ein_file_name_lower(path);
    return ein_map_put(l->parts, path, 1);
}

/* The first word of every line but comments and the record line; of a record of segments those are their headers. */
static ein_status note_header(list *l, const char *path, const char *text) {
    char stem[3 * PATH_MAX], header[EIN_WFDB_FILE_BYTES + 8];
    const bool segmented = ein_wfdb_is_segmented(text);
    bool record_line = true;
    snprintf(stem, sizeof stem, "%.*s", (int)(strlen(path) - 4), path);
    EIN_TRY(ein_map_put(l->stems, stem, 1));
    for (const char *line = text; *line; line += strspn(line, "\r\n")) {
        line += strspn(line, " \t");
        const size_t n = strcspn(line, " \t\r\n");
        if (*line != '#' && n > 0 && n < EIN_WFDB_FILE_BYTES) {
            snprintf(header, sizeof header, "%.*s%s", (int)n, line, segmented ? ".hea" : "");
            if (!record_line) EIN_TRY(put_part(l, path, header, strlen(header)));
            record_line = false;
        }
        line += strcspn(line, "\r\n");
    }
    return EIN_OK;
}

/* --- members ------------------------------------------------------------------------------------------------ */

static int64_t wanted(void *context, const char *path) {
    (void)context;
    return ein_file_name_ends(path, ".hea") ? EIN_WFDB_MAX_HEADER_BYTES : EIN_INPUT_START_BYTES;
}

static ein_status take_file(void *context, const char *path, const ein_content *start, int64_t size) {
    list *l = context;
    char root[EIN_XML_NAME_BYTES];
    const ein_format *format;
    const size_t n = start->n < EIN_INPUT_START_BYTES ? start->n : EIN_INPUT_START_BYTES;
    item fresh = {.named = ein_file_name_ends(path, ".hea") || ein_file_name_ends(path, ".xml")};
    ein_input input = {.path = path, .fd = -1, .bytes = (uint8_t *)start->bytes, .have = (int64_t)start->n};
    input.size = size < 0 ? input.have : size;
    input.room = input.size + 1; /* all that is looked at is there */
    if (!fresh.named) EIN_TRY(ein_kind_of_input(&input, &fresh.kind, &format));
    if (ein_file_name_ends(path, ".hea") && !ein_xml_sniff(start->bytes, n, root))
        EIN_TRY(note_header(l, path, (const char *)start->bytes));
    EIN_TRY(EIN_GROW(l->items, l->room, l->paths.n + 1));
    l->items[l->paths.n] = fresh;
    return ein_texts_add(&l->paths, path);
}

static ein_status take_problem(void *context, const char *path, const char *reason) {
    const list *l = context;
    return l->to->problem(l->to->context, path, reason);
}

static bool beside_header(const list *l, const char *path) {
    char stem[3 * PATH_MAX];
    snprintf(stem, sizeof stem, "%.*s", (int)ein_file_name_stem(path), path);
    return ein_map_get(l->stems, stem, 0) != 0;
}

static bool is_part(const list *l, const char *path) {
    char key[3 * PATH_MAX];
    snprintf(key, sizeof key, "%s", path);
    ein_file_name_lower(key);
    return ein_map_get(l->parts, key, 0) != 0;
}

static ein_status tell(const list *l, const char *path, const item *i) {
    const ein_archive_listing *to = l->to;
    if (i->named)
        return ein_file_name_ends(path, ".hea") && is_part(l, path) ? EIN_OK
                                                                    : to->recording(to->context, path);
    if (beside_header(l, path) && (!ein_kind_is_ecg_name(path) ||
                                   (ein_file_name_ends(path, ".ecg") && ein_kind_is_by_name_only(&i->kind))))
        return EIN_OK;
    if (i->kind.class != EIN_KIND_READ && is_part(l, path)) return EIN_OK;
    if (i->kind.class == EIN_KIND_OTHER) return to->passed(to->context, i->kind.name, path);
    if (i->kind.class == EIN_KIND_ARCHIVE)
        return to->problem(to->context, path,
                           "an archive within an archive; it is not looked into, unpack one");
    return to->recording(to->context, path);
}

ein_status ein_archive_list(const char *path, const ein_archive_listing *to) {
    list l = {.to = to};
    const ein_archive_visitor visitor = {wanted, take_file, take_problem, &l};
    ein_status status = ein_map_new(&l.parts);
    if (status == EIN_OK) status = ein_map_new(&l.stems);
    if (status == EIN_OK) status = ein_archive_visit(path, &visitor);
    for (int64_t i = 0; status == EIN_OK && i < l.paths.n; i++)
        status = tell(&l, ein_texts_get(&l.paths, i), &l.items[i]);
    ein_map_destroy(l.parts);
    ein_map_destroy(l.stems);
    ein_texts_free(&l.paths);
    free(l.items);
    return status;
}
