#include "io/base/file_name.h"

#include <string.h>

static char lower(char c) {
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool ein_file_name_ends(const char *name, const char *end) {
    const size_t n = strlen(name), m = strlen(end);
    if (n < m) return false;
    for (size_t i = 0; i < m; i++)
        if (lower(name[n - m + i]) != lower(end[i])) return false;
    return true;
}

void ein_file_name_lower(char *name) {
    for (; *name; name++) *name = lower(*name);
}

size_t ein_file_name_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) + 1 : 0;
}

size_t ein_file_name_stem(const char *path) {
    const char *name = path + ein_file_name_folder(path), *dot = strrchr(name, '.');
    return dot ? (size_t)(dot - path) : strlen(path);
}
