/* What a file is, from its first bytes, as far as XML goes; by hand, because these files are not whole, nor well-
 * formed, nor in the encoding that they declare, and a parser stops at the first of these. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "io/base/trouble.h"
#include "io/formats/xml_inside.h"

ein_xml_code_units ein_xml_units(const uint8_t *b, size_t n, size_t *mark) {
    *mark = 0;
    if (n >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf) *mark = 3;
    if (n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) *mark = 2;
    if (*mark == 2) return b[0] == 0xff ? EIN_XML_UTF16_LE : EIN_XML_UTF16_BE;
    if (n >= 2 && b[0] && !b[1]) return EIN_XML_UTF16_LE;
    if (n >= 2 && !b[0] && b[1]) return EIN_XML_UTF16_BE;
    return EIN_XML_BYTES;
}

/* The beginning as ASCII; other characters become '?'. */
static size_t to_ascii(const uint8_t *b, size_t n, char *out, size_t room) {
    size_t mark, used = 0;
    ein_xml_code_units units = ein_xml_units(b, n, &mark);
    size_t step = units == EIN_XML_BYTES ? 1 : 2;
    for (size_t i = mark; i + step <= n && used + 1 < room; i += step) {
        unsigned c = step == 1                   ? b[i]
                     : units == EIN_XML_UTF16_LE ? b[i] | (unsigned)b[i + 1] << 8
                                                 : b[i + 1] | (unsigned)b[i] << 8;
        out[used++] = c < 128 ? (char)c : '?';
    }
    out[used] = '\0';
    return used;
}

bool ein_xml_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *ein_xml_skip_blanks(const char *p) {
    while (ein_xml_is_blank(*p)) p++;
    return p;
}

/* As strstr, but looking no further than to the mark: sanitizers measure all that follows at every call of strstr. */
const char *ein_xml_behind(const char *p, const char *mark) {
    size_t n = strlen(mark);
    while ((p = strchr(p, mark[0])) != NULL && strncmp(p, mark, n) != 0) p++;
    return p ? p + n : NULL;
}

/* Behind a DOCTYPE, which may hold quoted names and, in brackets, comments and declarations; NULL if it does not end.
 * */
static const char *skip_doctype(const char *p) {
    bool within = false;
    char quote = '\0';
    while (p && *p) {
        if (!quote && strncmp(p, "<!--", 4) == 0) {
            p = ein_xml_behind(p + 4, "-->");
            continue;
        }
        if (!quote && strncmp(p, "<?", 2) == 0) {
            p = ein_xml_behind(p + 2, "?>");
            continue;
        }
        if (quote) {
            if (*p == quote) quote = '\0';
        } else if (*p == '"' || *p == '\'') {
            quote = *p;
        } else if (*p == '[' || *p == ']') {
            within = *p == '[';
        } else if (*p == '>' && !within) {
            return p + 1;
        }
        p++;
    }
    return NULL;
}

const char *ein_xml_skip_markup(const char *p) {
    if (strncmp(p, "<!--", 4) == 0) return ein_xml_behind(p + 4, "-->");
    return p[1] == '?' ? ein_xml_behind(p + 2, "?>") : skip_doctype(p);
}

static void copy_name(const char *p, char *root) {
    size_t n = 0;
    for (; *p && !ein_xml_is_blank(*p) && *p != '>' && *p != '/'; p++) {
        if (*p == ':')
            n = 0;
        else if (n + 1 < EIN_XML_NAME_BYTES)
            root[n++] = *p > ' ' && *p <= '~' ? *p : '?';
    }
    root[*p ? n : 0] = '\0'; /* a name that is cut off is not known */
}

bool ein_xml_sniff(const void *start, size_t bytes, char *root) {
    char text[EIN_XML_SNIFF_BYTES + 1];
    root[0] = '\0';
    if (to_ascii(start, bytes, text, sizeof text) == 0) return false;
    const char *p = ein_xml_skip_blanks(text);
    if (p[0] != '<' || !(isalpha((unsigned char)p[1]) || p[1] == '_' || p[1] == '?' || p[1] == '!'))
        return false;
    while (p && *p == '<' && (p[1] == '?' || p[1] == '!')) {
        p = ein_xml_skip_markup(p);
        if (p) p = ein_xml_skip_blanks(p);
    }
    if (p && *p == '<') copy_name(p + 1, root);
    return true;
}

bool ein_xml_sniff_file(const char *path, char *root) {
    uint8_t start[EIN_XML_SNIFF_BYTES];
    root[0] = '\0';
    const int fd = ein_trouble_open(path, 0);
    if (fd < 0) return false;
    const ssize_t n = read(fd, start, sizeof start);
    const int error = n < 0 ? errno : 0;
    close(fd);
    errno = error;
    return n > 0 && ein_xml_sniff(start, (size_t)n, root);
}
