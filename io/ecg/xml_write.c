#include "io/ecg/xml_write.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "io/base/durable.h"
#include "io/formats/xml_text.h"

enum { PATH_BYTES = 4096, MISSING = -32768, LARGEST = 32767, SEAL_BYTES = 39 };
static const char seal_format[] = "<!-- CRC-32 of all above: %08lx -->\n";

/* --- text ------------------------------------------------------------------------------------------------ */

/* The next character of UTF-8, or -1: not UTF-8, or none that XML can hold. */
static long take_character(const char **at) {
    const unsigned char *p = (const unsigned char *)*at;
    int more = *p < 0x80 ? 0 : *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : 1;
    static const long least[] = {0x20, 0x80, 0x800, 0x10000};
    if (*p >= 0x80 && (*p < 0xc2 || *p > 0xf4)) return -1;
    long c = more == 0 ? *p : *p & (0x3f >> more);
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80) return -1;
        c = c << 6 | (p[i] & 0x3f);
    }
    *at += more + 1;
    bool held =
        c >= least[more] && c <= 0x10ffff && !(c >= 0xd800 && c < 0xe000) && c != 0xfffe && c != 0xffff;
    return held && !(c >= 0x7f && c < 0xa0) ? c : -1;
}

static bool is_text(const char *text) {
    while (*text)
        if (take_character(&text) < 0) return false;
    return true;
}

void ein_xml_put_text(FILE *out, const char *text) {
    while (*text) {
        long c = take_character(&text);
        EIN_BUG_IF(c < 0); /* ein_xml_write_check was before */
        if (c == '<' || c == '>' || c == '&' || c == '"' || c > '~')
            fprintf(out, "&#%ld;", c);
        else
            fprintf(out, "%c", (int)c);
    }
}

void ein_xml_put_element(FILE *out, const char *before, const char *name, const char *text) {
    fprintf(out, "%s<%s>", before, name);
    ein_xml_put_text(out, text);
    fprintf(out, "</%s>\n", name);
}

void ein_xml_put_start(FILE *out, const char *doctype, const ein_xml_write_options *options) {
    fputs("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n", out);
    if (doctype[0]) fprintf(out, "%s\n", doctype);
    for (int i = 0; i < options->n_comments; i++) fprintf(out, "<!-- %s -->\n", options->comments[i]);
}

bool ein_xml_take_time(const char *acquired, ein_xml_time *t) {
    int used = 0;
    return sscanf(acquired, "%4u-%2u-%2uT%2u:%2u:%2u%n", &t->year, &t->month, &t->day, &t->hour, &t->minute,
                  &t->second, &used) == 6 &&
           !acquired[used];
}

bool ein_xml_next_statement(const char **at, char *out, size_t room) {
    *at += strspn(*at, ",");
    size_t n = strcspn(*at, ",");
    snprintf(out, room, "%.*s", (int)n, *at);
    *at += n;
    return n > 0;
}

int16_t ein_xml_count(float mv, double uv_per_count) {
    if (isnan(mv)) return MISSING;
    const double x = rint((double)mv * 1000 / uv_per_count);
    return (int16_t)(x > LARGEST ? LARGEST : x < -LARGEST ? -LARGEST : x);
}

/* --- what can be written ---------------------------------------------------------------------------------- */

static bool is_name(const char *name) {
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_') return false;
    return name[0] && strlen(name) < EIN_ECG_TEXT_BYTES;
}

static bool is_comment(const char *text) {
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p > '~') return false;
    return text[0] && !strstr(text, "--") && text[strlen(text) - 1] != '-';
}

ein_status ein_xml_write_check(const char *name, const ein_ecg *ecg, const ein_xml_write_options *options) {
    if (!is_name(name)) return ein_error(EIN_RANGE, "\"%s\" cannot be the name of a recording", name);
    if (!ecg->mv || ecg->n_leads < 1 || ecg->n_leads > EIN_MAX_LEADS || ecg->n_samples < 1 ||
        !(ecg->fs_hz >= 1 && ecg->fs_hz <= 1e6))
        return ein_error(EIN_RANGE, "%s: no samples to write, or a rate of %g Hz", name, ecg->fs_hz);
    if (!(options->uv_per_count >= 1e-3 && options->uv_per_count <= 1e5))
        return ein_error(EIN_RANGE, "%s: a unit of %g uV", name, options->uv_per_count);
    for (int l = 0; l < ecg->n_leads; l++)
        if (!ecg->lead_name[l][0] || !is_text(ecg->lead_name[l]))
            return ein_error(EIN_RANGE, "%s: lead %d has no name that XML can hold", name, l);
    if (!is_text(ecg->person.patient_id) || !is_text(ecg->person.dx) || !is_text(ecg->person.device) ||
        (options->last_name && !is_text(options->last_name)))
        return ein_error(EIN_RANGE, "%s: a text about the person is not UTF-8 or holds control characters",
                         name);
    for (int i = 0; i < options->n_comments; i++)
        if (!is_comment(options->comments[i]))
            return ein_error(EIN_RANGE, "%s: comment %d cannot stand in XML", name, i);
    return EIN_OK;
}

/* --- files ----------------------------------------------------------------------------------------------- */

static ein_status join(char *out, const char *folder, const char *name, const char *ending) {
    const int n = snprintf(out, PATH_BYTES, "%s/%s%s", folder, name, ending);
    if (n > 0 && n < PATH_BYTES) return EIN_OK;
    return ein_error(EIN_RANGE, "%.100s...: the path is longer than %d bytes", folder, PATH_BYTES);
}

static ein_status write_bytes(int fd, const char *path, const char *data, size_t bytes) {
    while (bytes > 0) {
        const ssize_t n = write(fd, data, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return ein_error(EIN_IO, "%s: cannot write: %s", path, strerror(n < 0 ? errno : ENOSPC));
        data += n;
        bytes -= (size_t)n;
    }
    return EIN_OK;
}

static ein_status write_renamed(const char *partial, const char *path, const char *text, size_t bytes) {
    char seal[SEAL_BYTES + 1];
    snprintf(seal, sizeof seal, seal_format, crc32_z(0, (const uint8_t *)text, bytes));
    int fd;
    EIN_TRY(ein_durable_check(path));
    EIN_TRY(ein_file_create(partial, &fd));
    ein_status status = write_bytes(fd, path, text, bytes);
    if (status == EIN_OK) status = write_bytes(fd, path, seal, strlen(seal));
    /* Quotas and network file systems report when the file is closed. */
    if (close(fd) != 0 && status == EIN_OK)
        status = ein_error(EIN_IO, "%s: cannot write: %s", path, strerror(errno));
    if (status == EIN_OK && rename(partial, path) != 0)
        status = ein_error(EIN_IO, "%s: cannot rename to it: %s", path, strerror(errno));
    if (status != EIN_OK) unlink(partial);
    return status;
}

ein_status ein_xml_write_file(const char *folder, const char *name, FILE *out, char **text, size_t *bytes) {
    char partial[PATH_BYTES], path[PATH_BYTES];
    const bool failed = ferror(out) != 0;
    ein_status status = EIN_OK;
    if (fclose(out) != 0 || failed)
        status = ein_error(EIN_NOMEM, "%s: no memory for the text of a file", name);
    if (status == EIN_OK) status = join(partial, folder, name, ".xml.partial");
    if (status == EIN_OK) status = join(path, folder, name, ".xml");
    if (status == EIN_OK) status = write_renamed(partial, path, *text, *bytes);
    free(*text);
    *text = NULL;
    return status;
}

bool ein_xml_is_whole(const char *folder, const char *name) {
    char path[PATH_BYTES], seal[SEAL_BYTES + 1], *text = NULL;
    size_t bytes = 0;
    bool whole = false;
    if (join(path, folder, name, ".xml") == EIN_OK &&
        ein_file_read(path, EIN_XML_MAX_BYTES, &text, &bytes) == EIN_OK && bytes > SEAL_BYTES) {
        const size_t above = bytes - SEAL_BYTES;
        snprintf(seal, sizeof seal, seal_format, crc32_z(0, (const uint8_t *)text, above));
        whole = memcmp(text + above, seal, SEAL_BYTES) == 0;
    }
    free(text);
    ein_error_clear();
    return whole;
}
