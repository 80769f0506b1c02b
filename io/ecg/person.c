#include "io/ecg/person.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/file_name.h"
#include "io/base/utf8.h"

enum { MAX_TEXT_BYTES = 1024, FILTERS_BYTES = 96 };

void ein_person_record_id(const char *path, const char *extensions, ein_ecg_person *person) {
    snprintf(person->record_id, sizeof person->record_id, "%s", path + ein_file_name_folder(path));
    char *dot = strrchr(person->record_id, '.');
    const size_t n = dot ? strlen(dot + 1) : 0;
    if (n == 0 || dot == person->record_id) return;
    for (const char *e = extensions; *e; e += strspn(e, " ")) {
        const size_t m = strcspn(e, " ");
        if (m == n && strncasecmp(e, dot + 1, n) == 0) {
            *dot = '\0';
            return;
        }
        e += m;
    }
}

bool ein_person_text(const void *bytes, size_t n, char *out, size_t room) {
    char made[3 * MAX_TEXT_BYTES + 1];
    n = strnlen(bytes, n < MAX_TEXT_BYTES ? n : MAX_TEXT_BYTES);
    ein_utf8_make(bytes, n, made, sizeof made, NULL);
    ein_make_printable(made, false);
    const char *start = made + strspn(made, " ");
    size_t used = 0;
    while (start[used]) {
        const size_t c = ein_utf8_character(start + used, strlen(start + used));
        if (c == 0 || used + c >= room) break;
        used += c;
    }
    memmove(out, start, used);
    while (used > 0 && out[used - 1] == ' ') used--;
    out[used] = '\0';
    return used > 0;
}

void ein_person_add_device(const char *text, ein_ecg_person *person) {
    const size_t used = strlen(person->device);
    if (!text[0] || used + 2 >= sizeof person->device) return;
    if (used > 0) person->device[used] = ' ';
    char *to = person->device + used + (used > 0);
    ein_person_text(text, strlen(text), to, sizeof person->device - (size_t)(to - person->device));
    if (!*to) person->device[used] = '\0';
}

void ein_person_add_filters(double high_pass_hz, double low_pass_hz, double notch_hz,
                            ein_ecg_person *person) {
    char text[FILTERS_BYTES], high[24] = "", low[24] = "", notch[40] = "";
    if (high_pass_hz > 0) snprintf(high, sizeof high, "%g", high_pass_hz);
    if (low_pass_hz > 0) snprintf(low, sizeof low, "%g", low_pass_hz);
    const bool band = high[0] || low[0];
    if (notch_hz > 0) snprintf(notch, sizeof notch, "%snotch %g Hz", band ? ", " : "", notch_hz);
    if (!band && !notch[0]) return;
    snprintf(text, sizeof text, "; %s%s%s%s%s", high, band ? "-" : "", low, band ? " Hz" : "", notch);
    const size_t used = strlen(person->device);
    if (used + strlen(text) >= sizeof person->device) return;
    memcpy(person->device + used, used ? text : text + 2, strlen(used ? text : text + 2) + 1);
}
