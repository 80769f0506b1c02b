/* Names of files as texts. */
#include <string.h>

#include "io/base/file_name.h"
#include "tests/report.h"

static const struct {
    const char *path;
    size_t folder, stem;
} paths[] = {{"", 0, 0},          {"a", 0, 1},         {"a.dat", 0, 1},   {"x/a.dat", 2, 3},
             {"x.y/a", 4, 5},     {"x.y/a.b.c", 4, 7}, {"x/", 2, 2},      {"/a", 1, 2},
             {"x/.hidden", 2, 2}, {"x/a.", 2, 3},      {"x!/y/a.h", 5, 6}};

static const struct {
    const char *name, *end;
    bool ends;
} ends[] = {{"a.hea", ".hea", true},  {"a.HEA", ".hea", true},     {"a.hEa", ".HEA", true},
            {".hea", ".hea", true},   {"hea", ".hea", false},      {"", ".hea", false},
            {"a.hea", "", true},      {"a.heb", ".hea", false},    {"a.hea2", ".hea", false},
            {"a@HEA", ".hea", false}, {"a.h\xC3", ".h\xE3", false}};

int main(void) {
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        report(ein_file_name_folder(paths[i].path) == paths[i].folder &&
                   ein_file_name_stem(paths[i].path) == paths[i].stem,
               "folder and stem of '%s'", paths[i].path);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        report(ein_file_name_ends(ends[i].name, ends[i].end) == ends[i].ends, "'%s' and '%s'", ends[i].name,
               ends[i].end);
    char name[] = "x/AbZ@[`z{.\xC3\x84";
    ein_file_name_lower(name);
    report(strcmp(name, "x/abz@[`z{.\xC3\x84") == 0, "lower case of ASCII alone");
    return report_end();
}
