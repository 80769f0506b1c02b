/* What stands in a document that was read: nodes, their text, numbers. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/formats/xml_inside.h"

enum { QUOTED_BYTES = 40 };

static const xmlNode *node_of(const ein_xml_node *node) {
    return (const xmlNode *)node;
}

static const ein_xml_node *outside(const xmlNode *node) {
    return (const ein_xml_node *)node;
}

const ein_xml_node *ein_xml_root(const ein_xml *xml) {
    return outside(xmlDocGetRootElement(xml->doc));
}

bool ein_xml_is(const ein_xml_node *node, const char *name) {
    const xmlNode *n = node_of(node);
    return n && n->type == XML_ELEMENT_NODE && strcmp((const char *)n->name, name) == 0;
}

static const ein_xml_node *first_from(const xmlNode *n, const char *name) {
    while (n && !ein_xml_is(outside(n), name)) n = n->next;
    return outside(n);
}

const ein_xml_node *ein_xml_child(const ein_xml_node *node, const char *name) {
    return node ? first_from(node_of(node)->children, name) : NULL;
}

const ein_xml_node *ein_xml_next(const ein_xml_node *node, const char *name) {
    return node ? first_from(node_of(node)->next, name) : NULL;
}

const ein_xml_node *ein_xml_find(const ein_xml_node *node, const char *path) {
    char name[EIN_XML_NAME_BYTES];
    while (node && *path) {
        size_t n = strcspn(path, "/");
        EIN_BUG_IF(n >= sizeof name);
        memcpy(name, path, n);
        name[n] = '\0';
        node = ein_xml_child(node, name);
        path += n + (path[n] == '/');
    }
    return node;
}

const ein_xml_node *ein_xml_parent(const ein_xml_node *node) {
    const xmlNode *up = node ? node_of(node)->parent : NULL;
    return up && up->type == XML_ELEMENT_NODE ? outside(up) : NULL;
}

ein_status ein_xml_error(const ein_xml *xml, const ein_xml_node *node, const char *format, ...) {
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!node) return ein_error(EIN_FORMAT, "%s: %s", xml->path, text);
    return ein_error(EIN_FORMAT, "%s:%ld: %s", xml->path, xmlGetLineNo(node_of(node)), text);
}

/* --- text ------------------------------------------------------------------------------------------------ */

static bool is_text(const xmlNode *n) {
    return (n->type == XML_TEXT_NODE || n->type == XML_CDATA_SECTION_NODE) && n->content;
}

bool ein_xml_is_empty(const ein_xml_node *node) {
    for (const xmlNode *n = node ? node_of(node)->children : NULL; n; n = n->next)
        if (is_text(n) && *ein_xml_skip_blanks((const char *)n->content)) return false;
    return true;
}

/* Appends in the form that ein_xml_text promises; `*used` is the length so far. */
static void add_text(const char *text, char *out, size_t room, size_t *used) {
    for (const char *p = text; *p;) {
        size_t n = 1;
        while (((unsigned char)p[n] & 0xc0) == 0x80) n++; /* a character of UTF-8 */
        bool control = ein_utf8_is_control(p, n);
        if (ein_xml_is_blank(*p)) {
            if (*used > 0 && out[*used - 1] != ' ' && *used + 1 < room) out[(*used)++] = ' ';
        } else {
            if (*used + n >= room) break;
            memcpy(out + *used, control ? "?" : p, control ? 1 : n);
            *used += control ? 1 : n;
        }
        p += n;
    }
}

static bool end_text(char *out, size_t used) {
    if (used > 0 && out[used - 1] == ' ') used--;
    out[used] = '\0';
    return used > 0;
}

bool ein_xml_text(const ein_xml_node *node, char *out, size_t room) {
    size_t used = 0;
    for (const xmlNode *n = node ? node_of(node)->children : NULL; n; n = n->next)
        if (is_text(n)) add_text((const char *)n->content, out, room, &used);
    return end_text(out, used);
}

bool ein_xml_attribute(const ein_xml_node *node, const char *name, char *out, size_t room) {
    size_t used = 0;
    const xmlAttr *a = node ? node_of(node)->properties : NULL;
    while (a && strcasecmp((const char *)a->name, name) != 0) a = a->next;
    for (const xmlNode *n = a ? a->children : NULL; n; n = n->next)
        if (is_text(n)) add_text((const char *)n->content, out, room, &used);
    return end_text(out, used);
}

ein_status ein_xml_content(const ein_xml_node *node, const char **text, size_t *bytes, char **owned) {
    const xmlNode *first = NULL;
    size_t total = 0;
    int parts = 0;
    *owned = NULL;
    for (const xmlNode *n = node ? node_of(node)->children : NULL; n; n = n->next) {
        if (!is_text(n)) continue;
        if (parts++ == 0) first = n;
        total += strlen((const char *)n->content);
    }
    *bytes = total;
    *text = first ? (const char *)first->content : "";
    if (parts < 2) return EIN_OK;
    EIN_TRY(ein_calloc((void **)owned, (int64_t)total + 1, 1, "text of an XML element"));
    char *at = *owned;
    for (const xmlNode *n = first; n; n = n->next)
        if (is_text(n)) at = stpcpy(at, (const char *)n->content);
    *text = *owned;
    return EIN_OK;
}

/* --- numbers --------------------------------------------------------------------------------------------- */

static const char *place_of(const ein_xml_node *parent) {
    return parent ? (const char *)node_of(parent)->name : "?";
}

static ein_status missing(const ein_xml *xml, const ein_xml_node *parent, const char *name) {
    return ein_xml_error(xml, parent, "<%s> has no <%s>", place_of(parent), name);
}

static ein_status no_number(const ein_xml *xml, const ein_xml_node *node, const char *name, const char *text,
                            const char *kind) {
    char quoted[QUOTED_BYTES];
    ein_xml_show_line(text, quoted, sizeof quoted);
    return ein_xml_error(xml, node, "<%s> is \"%s\", not %s", name, quoted, kind);
}

ein_status ein_xml_real(const ein_xml *xml, const ein_xml_node *parent, const char *name, double min,
                        double max, double *out) {
    char text[64], *end;
    const ein_xml_node *node = ein_xml_child(parent, name);
    if (!ein_xml_text(node, text, sizeof text)) return missing(xml, parent, name);
    double value = strtod(text, &end);
    if (*end || text[strspn(text, "0123456789.+-eE")]) return no_number(xml, node, name, text, "a number");
    if (!(value >= min && value <= max))
        return ein_xml_error(xml, node, "<%s> is %.10g, outside %g to %g", name, value, min, max);
    *out = value;
    return EIN_OK;
}

ein_status ein_xml_int(const ein_xml *xml, const ein_xml_node *parent, const char *name, int64_t min,
                       int64_t max, int64_t *out) {
    char text[64], *end;
    const ein_xml_node *node = ein_xml_child(parent, name);
    if (!ein_xml_text(node, text, sizeof text)) return missing(xml, parent, name);
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end || errno) return no_number(xml, node, name, text, "a whole number");
    if (value < min || value > max)
        return ein_xml_error(xml, node, "<%s> is %lld, outside %lld to %lld", name, value, (long long)min,
                             (long long)max);
    *out = value;
    return EIN_OK;
}

ein_status ein_xml_int_if_there(const ein_xml *xml, const ein_xml_node *parent, const char *name, int64_t min,
                                int64_t max, int64_t *out) {
    if (ein_xml_is_empty(ein_xml_child(parent, name))) return EIN_OK;
    return ein_xml_int(xml, parent, name, min, max, out);
}
