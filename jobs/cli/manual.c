#include "jobs/cli/manual.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "jobs/cli/embedded.h"

enum { TOPIC_BYTES = 128, MAX_TOPICS = 64 };

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static bool is_page(const ein_embedded *file) {
    return ends_with(file->path, ".md");
}

/* The topic of a page: see the header. */
static void topic_of(const char *path, char out[TOPIC_BYTES]) {
    if (strcmp(path, "README.md") == 0) path = "einthoven.md";
    if (strncmp(path, "jobs/", 5) == 0 && strcmp(path, "jobs/README.md") != 0) path += 5;
    const char *end = ends_with(path, "/README.md") ? "/README.md" : ".md";
    size_t n = strlen(path) - strlen(end);
    if (n >= TOPIC_BYTES) n = TOPIC_BYTES - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = (char)(path[i] >= 'A' && path[i] <= 'Z' ? path[i] - 'A' + 'a' : path[i]);
    out[n] = '\0';
}

/* The line that begins at `at`, without its end. */
static const char *line_end(const char *at, const char *end) {
    const char *found = memchr(at, '\n', (size_t)(end - at));
    return found ? found : end;
}

static bool starts(const char *at, const char *end, const char *text) {
    const size_t n = strlen(text);
    return (size_t)(end - at) >= n && memcmp(at, text, n) == 0;
}

/* Whether a line is the heading of the section of a subcommand. */
static bool is_heading_of(const char *at, const char *end, const char *subcommand) {
    static const char before[] = "## einthoven ";
    if (!starts(at, end, before)) return false;
    at += sizeof before - 1;
    const size_t n = strlen(subcommand);
    return starts(at, end, subcommand) && (at + n == end || at[n] == ':' || at[n] == ' ');
}

static ein_manual_text section_in(const ein_embedded *page, const char *subcommand) {
    ein_manual_text found = {0};
    for (const char *at = page->begin; at < page->end;) {
        const char *end = line_end(at, page->end);
        if (found.begin && starts(at, end, "## ")) break;
        if (is_heading_of(at, end, subcommand)) found.begin = at;
        at = end < page->end ? end + 1 : end;
        if (found.begin) found.end = at;
    }
    return found;
}

ein_manual_text ein_manual_section(const char *subcommand) {
    for (const ein_embedded *file = ein_embedded_files; file->path; file++) {
        if (!is_page(file)) continue;
        const ein_manual_text found = section_in(file, subcommand);
        if (found.begin) return found;
    }
    return (ein_manual_text){0};
}

ein_manual_text ein_manual_page(const char *topic) {
    char name[TOPIC_BYTES];
    const ein_embedded *by_part = NULL;
    for (const ein_embedded *file = ein_embedded_files; file->path; file++) {
        if (!is_page(file)) continue;
        topic_of(file->path, name);
        if (strcasecmp(topic, name) == 0 || strcasecmp(topic, file->path) == 0)
            return (ein_manual_text){file->begin, file->end};
        const char *part = strrchr(name, '/');
        if (!by_part && part && strcasecmp(topic, part + 1) == 0) by_part = file;
        /* "jobs/data", as the folder is called */
        const size_t n = strlen(topic);
        if (!by_part && strncasecmp(topic, file->path, n) == 0 && strcmp(file->path + n, "/README.md") == 0)
            by_part = file;
    }
    if (!by_part) return (ein_manual_text){0};
    return (ein_manual_text){by_part->begin, by_part->end};
}

int ein_manual_topics(const char **out, int room) {
    static char names[MAX_TOPICS][TOPIC_BYTES];
    int n = 0;
    for (const ein_embedded *file = ein_embedded_files; file->path && n < room && n < MAX_TOPICS; file++) {
        if (!is_page(file)) continue;
        topic_of(file->path, names[n]);
        out[n] = names[n];
        n++;
    }
    return n;
}

void ein_manual_list(FILE *stream) {
    char name[TOPIC_BYTES];
    for (const ein_embedded *file = ein_embedded_files; file->path; file++) {
        if (!is_page(file)) continue;
        topic_of(file->path, name);
        const char *end = line_end(file->begin, file->end);
        const char *what = memchr(file->begin, ':', (size_t)(end - file->begin));
        what = what ? what + 1 : file->begin;
        while (what < end && (*what == ' ' || *what == '#')) what++;
        fprintf(stream, "  %-22s %.*s\n", name, (int)(end - what), what);
    }
}
