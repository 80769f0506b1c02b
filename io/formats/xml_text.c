#include "io/formats/xml_text.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <iconv.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/base/trouble.h"

enum { ENCODING_BYTES = 40, QUOTED_BYTES = 40 };

struct ein_xml {
    char *path;
    xmlDocPtr doc;
    ein_utf8_repair repair;
};

static const xmlNode *node_of(const ein_xml_node *node) {
    return (const xmlNode *)node;
}

static const ein_xml_node *outside(const xmlNode *node) {
    return (const ein_xml_node *)node;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* --- what a file is, from its first bytes ---------------------------------------------------------------- */

typedef enum { CODE_BYTES, CODE_UTF16_LE, CODE_UTF16_BE } code_units;

/* XML begins with '<' or blanks, so that UTF-16 without a mark shows by its zero bytes. */
static code_units units_of(const uint8_t *b, size_t n, size_t *mark) {
    *mark = 0;
    if (n >= 3 && b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf) *mark = 3;
    if (n >= 2 && ((b[0] == 0xff && b[1] == 0xfe) || (b[0] == 0xfe && b[1] == 0xff))) *mark = 2;
    if (*mark == 2) return b[0] == 0xff ? CODE_UTF16_LE : CODE_UTF16_BE;
    if (n >= 2 && b[0] && !b[1]) return CODE_UTF16_LE;
    if (n >= 2 && !b[0] && b[1]) return CODE_UTF16_BE;
    return CODE_BYTES;
}

/* The beginning as ASCII; other characters become '?'. */
static size_t to_ascii(const uint8_t *b, size_t n, char *out, size_t room) {
    size_t mark, used = 0;
    code_units units = units_of(b, n, &mark);
    size_t step = units == CODE_BYTES ? 1 : 2;
    for (size_t i = mark; i + step <= n && used + 1 < room; i += step) {
        unsigned c = step == 1                ? b[i]
                     : units == CODE_UTF16_LE ? b[i] | (unsigned)b[i + 1] << 8
                                              : b[i + 1] | (unsigned)b[i] << 8;
        out[used++] = c < 128 ? (char)c : '?';
    }
    out[used] = '\0';
    return used;
}

static const char *skip_blanks(const char *p) {
    while (is_blank(*p)) p++;
    return p;
}

/* As strstr, but looking no further than to the mark: sanitizers measure all that follows at every call of strstr. */
static const char *behind(const char *p, const char *mark) {
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
            p = behind(p + 4, "-->");
            continue;
        }
        if (!quote && strncmp(p, "<?", 2) == 0) {
            p = behind(p + 2, "?>");
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

/* Behind one declaration, instruction or comment; NULL if it does not end here. */
static const char *skip_markup(const char *p) {
    if (strncmp(p, "<!--", 4) == 0) return behind(p + 4, "-->");
    return p[1] == '?' ? behind(p + 2, "?>") : skip_doctype(p);
}

static void copy_name(const char *p, char *root) {
    size_t n = 0;
    for (; *p && !is_blank(*p) && *p != '>' && *p != '/'; p++) {
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
    const char *p = skip_blanks(text);
    if (p[0] != '<' || !(isalpha((unsigned char)p[1]) || p[1] == '_' || p[1] == '?' || p[1] == '!'))
        return false;
    while (p && *p == '<' && (p[1] == '?' || p[1] == '!')) {
        p = skip_markup(p);
        if (p) p = skip_blanks(p);
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

/* --- encodings ------------------------------------------------------------------------------------------- */

/* UTF-16 becomes UTF-8 here, so that everything behind sees '<' as one byte. */
static ein_status from_utf16(const char *path, const char *utf16, size_t n, bool little, char **out,
                             size_t *bytes) {
    const size_t room = n / 2 * 3;
    char *text, *in = (char *)(uintptr_t)utf16;
    iconv_t cd = iconv_open("UTF-8", little ? "UTF-16LE" : "UTF-16BE");
    if (cd == (iconv_t)-1)
        return ein_error(EIN_SYSTEM, "%s: the C library converts no UTF-16: %s", path, strerror(errno));
    ein_status status = ein_calloc(&text, (int64_t)room + 1, 1, "text of an XML file");
    if (status == EIN_OK) {
        char *at = text;
        size_t left = n - n % 2, more = room;
        if (iconv(cd, &in, &left, &at, &more) == (size_t)-1)
            status = ein_error(EIN_FORMAT, "%s: byte %zu: half of a surrogate pair; not whole UTF-16", path,
                               (size_t)(in - utf16));
        *out = text;
        *bytes = room - more;
    }
    iconv_close(cd);
    if (status != EIN_OK) free(text);
    return status;
}

/* The encoding of the XML declaration, "" if it states none. */
static void declared_encoding(const char *text, size_t bytes, char *out) {
    char start[512];
    size_t n = bytes < sizeof start - 1 ? bytes : sizeof start - 1;
    memcpy(start, text, n);
    start[n] = '\0';
    out[0] = '\0';
    char *end = strstr(start, "?>");
    if (strncmp(start, "<?xml", 5) != 0 || !end) return;
    *end = '\0';
    const char *p = strstr(start, "encoding");
    if (!p) return;
    p = skip_blanks(p + strlen("encoding"));
    if (*p != '=') return;
    p = skip_blanks(p + 1);
    size_t length = *p ? strcspn(p + 1, "\"'") : 0;
    snprintf(out, ENCODING_BYTES, "%.*s", (int)(length < ENCODING_BYTES ? length : 0), *p ? p + 1 : "");
}

/* The name under which libxml2 knows a declared encoding; NULL if it is none that we read. "UTF-16" over bytes is
 * what some programs write over UTF-8. */
static const char *known_encoding(const char *declared, char *canonical) {
    char squeezed[ENCODING_BYTES];
    size_t n = 0;
    for (const char *p = declared; *p; p++)
        if (*p != '-' && *p != '_' && *p != ' ') squeezed[n++] = (char)toupper((unsigned char)*p);
    squeezed[n] = '\0';
    if (n == 0 || !strcmp(squeezed, "UTF8") || !strcmp(squeezed, "UTF16") || !strcmp(squeezed, "USASCII") ||
        !strcmp(squeezed, "ASCII"))
        return "UTF-8";
    if (!strcmp(squeezed, "LATIN1") || !strcmp(squeezed, "ISO88591")) return "ISO-8859-1";
    bool iso = strncmp(squeezed, "ISO8859", 7) == 0, windows = strncmp(squeezed, "WINDOWS125", 10) == 0;
    const char *number = iso ? squeezed + 7 : windows ? squeezed + 10 : "";
    size_t digits = strspn(number, "0123456789");
    if (digits == 0 || number[digits] || digits > (iso ? 2u : 1u)) return NULL;
    snprintf(canonical, ENCODING_BYTES, iso ? "ISO-8859-%.2s" : "windows-125%.2s", number);
    return canonical;
}

/* --- before parsing -------------------------------------------------------------------------------------- */

/* Behind a tag; NULL if it is too long. Attributes are quoted, and may hold '>'. */
static const char *skip_tag(const char *start) {
    char quote = '\0';
    const char *p = start;
    for (; *p && (quote || *p != '>'); p++) {
        if (*p == quote)
            quote = '\0';
        else if (!quote && (*p == '"' || *p == '\''))
            quote = *p;
        if (p - start > EIN_XML_MAX_TAG_BYTES) return NULL;
    }
    return p;
}

/* Attributes of one tag are compared with each other by the parser, which is slow for very many of them. */
static ein_status check_tags(const char *path, const char *text) {
    const char *p = text;
    while (p && (p = strchr(p, '<')) != NULL) {
        if (strncmp(p, "<![CDATA[", 9) == 0) {
            p = behind(p + 9, "]]>");
        } else if (p[1] == '!' || p[1] == '?') {
            p = skip_markup(p);
        } else {
            const char *end = skip_tag(p);
            if (!end)
                return ein_error(EIN_FORMAT,
                                 "%s: byte %zu: a tag of more than %d bytes; no ECG file has that", path,
                                 (size_t)(p - text), EIN_XML_MAX_TAG_BYTES);
            p = end;
        }
    }
    return EIN_OK;
}

/* --- parsing --------------------------------------------------------------------------------------------- */

/* Everything that the parser hands over is counted: each costs it memory or time that does not follow from the bytes
 * alone. Names of instructions, prefixes and entities go into a dictionary that never shrinks; prefixes are looked for
 * along all declarations above. */
typedef struct {
    int elements, attributes, namespaces, instructions, others;
    const char *refused;      /* NULL: nothing */
    char named[QUOTED_BYTES]; /* the entity that was referred to, or "" */
} guard;

/* The first line, for a message of ours. */
static void copy_message(const char *message, char *out, size_t room) {
    char line[512];
    snprintf(line, sizeof line, "%.*s", message ? (int)strcspn(message, "\n") : 0, message ? message : "");
    ein_utf8_show(line, out, room);
}

static void refuse(void *context, const char *what) {
    xmlParserCtxtPtr parser = context;
    guard *g = parser->_private;
    if (!g->refused) g->refused = what;
    xmlStopParser(parser);
}

static void on_element(void *context, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                       int n_namespaces, const xmlChar **namespaces, int n_attributes, int n_default,
                       const xmlChar **attributes) {
    xmlParserCtxtPtr parser = context;
    guard *g = parser->_private;
    if (parser->nodeNr >= EIN_XML_MAX_DEPTH) {
        refuse(context, "elements are nested more than 64 deep");
        return;
    }
    g->attributes += n_attributes + n_namespaces;
    g->namespaces += n_namespaces;
    if (g->namespaces > EIN_XML_MAX_NAMESPACES) {
        refuse(context, "more than 1,000 declarations of namespaces");
        return;
    }
    if (++g->elements > EIN_XML_MAX_ELEMENTS || g->attributes > EIN_XML_MAX_ELEMENTS) {
        refuse(context, "more than 250,000 elements or attributes");
        return;
    }
    xmlSAX2StartElementNs(context, name, prefix, uri, n_namespaces, namespaces, n_attributes, n_default,
                          attributes);
}

static void on_entity(void *context, const xmlChar *name, int type, const xmlChar *public_id,
                      const xmlChar *system_id, xmlChar *content) {
    (void)name, (void)type, (void)public_id, (void)system_id, (void)content;
    refuse(context, "it declares an entity; entities are never expanded, and no ECG file needs them");
}

static void on_unparsed(void *context, const xmlChar *name, const xmlChar *public_id,
                        const xmlChar *system_id, const xmlChar *notation) {
    (void)name, (void)public_id, (void)system_id, (void)notation;
    refuse(context, "it declares an entity; entities are never expanded, and no ECG file needs them");
}

static void on_notation(void *context, const xmlChar *name, const xmlChar *public_id,
                        const xmlChar *system_id) {
    (void)name, (void)public_id, (void)system_id;
    refuse(context, "it declares a notation; declarations within the file are not read");
}

static void on_element_rule(void *context, const xmlChar *name, int type, xmlElementContentPtr content) {
    (void)name, (void)type, (void)content;
    refuse(context, "it declares an element; declarations within the file are not read");
}

static void on_attribute_rule(void *context, const xmlChar *element, const xmlChar *name, int type,
                              int is_default, const xmlChar *value, xmlEnumerationPtr choices) {
    (void)element, (void)name, (void)type, (void)is_default, (void)value;
    xmlFreeEnumeration(choices);
    refuse(context, "it declares an attribute; declarations within the file are not read");
}

static void on_reference(void *context, const xmlChar *name) {
    guard *g = ((xmlParserCtxtPtr)context)->_private;
    if (!g->refused) copy_message((const char *)name, g->named, sizeof g->named);
    refuse(context, "it refers to an entity that is not one of XML's own five");
}

static void count_other(void *context) {
    guard *g = ((xmlParserCtxtPtr)context)->_private;
    if (++g->others > EIN_XML_MAX_ELEMENTS) refuse(context, "more than 250,000 comments and CDATA sections");
}

static void on_comment(void *context, const xmlChar *text) {
    (void)text;
    count_other(context);
}

static void on_instruction(void *context, const xmlChar *name, const xmlChar *text) {
    guard *g = ((xmlParserCtxtPtr)context)->_private;
    (void)name, (void)text;
    if (++g->instructions > EIN_XML_MAX_INSTRUCTIONS)
        refuse(context, "more than 1,000 processing instructions");
}

/* Joins its neighbours instead of a node of its own. */
static void on_cdata(void *context, const xmlChar *text, int bytes) {
    count_other(context);
    if (!((xmlParserCtxtPtr)context)->disableSAX) xmlSAX2Characters(context, text, bytes);
}

/* Asked for before anything is known of a reference, in attributes too. */
static xmlEntityPtr on_entity_wanted(void *context, const xmlChar *name) {
    on_reference(context, name);
    return NULL;
}

static xmlParserCtxtPtr new_parser(guard *g) {
    xmlParserCtxtPtr parser = xmlNewParserCtxt();
    if (!parser) return NULL;
    xmlSAXHandlerPtr sax = parser->sax;
    parser->_private = g;
    sax->startElementNs = on_element;
    sax->entityDecl = on_entity;
    sax->unparsedEntityDecl = on_unparsed;
    sax->notationDecl = on_notation;
    sax->elementDecl = on_element_rule;
    sax->attributeDecl = on_attribute_rule;
    sax->reference = on_reference;
    sax->externalSubset = NULL;
    sax->getEntity = on_entity_wanted;
    sax->getParameterEntity = on_entity_wanted;
    sax->comment = on_comment;
    sax->processingInstruction = on_instruction;
    sax->cdataBlock = on_cdata;
    return parser;
}

static ein_status why_not(const char *path, xmlParserCtxtPtr parser, const guard *g) {
    char message[160];
    int line = parser->input ? parser->input->line : 0;
    if (g->refused)
        return ein_error(EIN_FORMAT, "%s:%d: %s%s%s%s; the file is refused", path, line, g->refused,
                         g->named[0] ? ", \"" : "", g->named, g->named[0] ? "\"" : "");
    xmlErrorPtr error = xmlCtxtGetLastError(parser);
    if (error && error->code == XML_ERR_NO_MEMORY)
        return ein_error(EIN_NOMEM, "%s: no memory to parse it", path);
    copy_message(error ? error->message : NULL, message, sizeof message);
    return ein_error(EIN_FORMAT, "%s:%d: not well-formed XML (%s); damaged, or not completely copied", path,
                     error ? error->line : line, message[0] ? message : "no element");
}

static ein_status parse(const char *path, const char *text, size_t bytes, const char *encoding,
                        xmlDocPtr *out) {
    static const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_COMPACT |
                               XML_PARSE_BIG_LINES | XML_PARSE_HUGE; /* the limits are ours */
    guard g = {0};
    xmlParserCtxtPtr parser = new_parser(&g);
    if (!parser) return ein_error(EIN_NOMEM, "%s: no memory to parse it", path);
    *out = xmlCtxtReadMemory(parser, text, (int)bytes, NULL, encoding, options);
    ein_status status = EIN_OK;
    if (!*out || g.refused || !xmlDocGetRootElement(*out)) {
        status = why_not(path, parser, &g);
        xmlFreeDoc(*out);
        *out = NULL;
    }
    xmlFreeParserCtxt(parser);
    return status;
}

static bool is_ascii(const char *text, size_t bytes) {
    unsigned char all = 0;
    for (size_t i = 0; i < bytes; i++) all |= (unsigned char)text[i];
    return all < 0x80;
}

/* Text that is said to be UTF-8 and is not. */
static ein_status parse_repaired(const char *path, const char *text, size_t bytes, ein_xml *xml) {
    char *made = NULL;
    EIN_TRY(ein_calloc((void **)&made, 3 * (int64_t)bytes + 1, 1, "text of an XML file"));
    size_t n = ein_utf8_make(text, bytes, made, 3 * bytes + 1, &xml->repair);
    ein_status status = parse(path, made, n, "UTF-8", &xml->doc);
    free(made);
    return status;
}

static ein_status parse_text(const char *path, const char *text, size_t bytes, bool from_16, ein_xml *xml) {
    char declared[ENCODING_BYTES], canonical[ENCODING_BYTES];
    declared_encoding(text, bytes, declared);
    const char *encoding = from_16 ? "UTF-8" : known_encoding(declared, canonical);
    if (!encoding) {
        char quoted[ENCODING_BYTES];
        copy_message(declared, quoted, sizeof quoted);
        return ein_error(EIN_FORMAT, "%s:1: encoding \"%s\" is not read; convert the file to UTF-8", path,
                         quoted);
    }
    const char *zero = memchr(text, '\0', bytes);
    if (zero)
        return ein_error(EIN_FORMAT, "%s: byte %zu is zero, which XML cannot hold; damaged", path,
                         (size_t)(zero - text));
    EIN_TRY(check_tags(path, text));
    if (is_ascii(text, bytes)) encoding = "UTF-8"; /* nothing to convert */
    if (strcmp(encoding, "UTF-8") == 0 && !ein_utf8_is(text, bytes))
        return parse_repaired(path, text, bytes, xml);
    return parse(path, text, bytes, encoding, &xml->doc);
}

static ein_status decode_and_parse(const char *path, const char *file, size_t bytes, ein_xml *xml) {
    size_t mark;
    code_units units = units_of((const uint8_t *)file, bytes, &mark);
    if (units == CODE_BYTES) return parse_text(path, file + mark, bytes - mark, false, xml);
    char *text = NULL;
    size_t n = 0;
    EIN_TRY(from_utf16(path, file + mark, bytes - mark, units == CODE_UTF16_LE, &text, &n));
    ein_status status = parse_text(path, text, n, true, xml);
    free(text);
    return status;
}

const char *ein_xml_library(void) {
    return LIBXML_DOTTED_VERSION;
}

static pthread_once_t started = PTHREAD_ONCE_INIT;

ein_status ein_xml_parse(const ein_content *file, ein_xml **out) {
    ein_xml *xml = NULL;
    *out = NULL;
    pthread_once(&started, xmlInitParser);
    ein_status status = EIN_NEW(xml, 1);
    if (status == EIN_OK && (xml->path = strdup(file->path)) == NULL)
        status = ein_error(EIN_NOMEM, "no memory for a path");
    if (status == EIN_OK && file->n == 0) status = ein_error(EIN_FORMAT, "%s: empty file", file->path);
    if (status == EIN_OK) status = decode_and_parse(file->path, (const char *)file->bytes, file->n, xml);
    if (status == EIN_OK)
        *out = xml;
    else
        ein_xml_close(xml);
    return status;
}

ein_status ein_xml_open(const char *path, ein_xml **out) {
    ein_input input;
    ein_content file;
    *out = NULL;
    ein_status status = ein_input_open(NULL, path, &input);
    if (status == EIN_OK) status = ein_input_whole(&input, EIN_XML_MAX_BYTES, &file);
    if (status == EIN_OK) status = ein_xml_parse(&file, out);
    ein_input_close(&input);
    return status;
}

ein_utf8_repair ein_xml_repair(const ein_xml *xml) {
    return xml->repair;
}

void ein_xml_close(ein_xml *xml) {
    if (!xml) return;
    xmlFreeDoc(xml->doc);
    free(xml->path);
    free(xml);
}

/* --- nodes ----------------------------------------------------------------------------------------------- */

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
        if (is_text(n) && *skip_blanks((const char *)n->content)) return false;
    return true;
}

/* Appends in the form that ein_xml_text promises; `*used` is the length so far. */
static void add_text(const char *text, char *out, size_t room, size_t *used) {
    for (const char *p = text; *p;) {
        size_t n = 1;
        while (((unsigned char)p[n] & 0xc0) == 0x80) n++; /* a character of UTF-8 */
        bool control = ein_utf8_is_control(p, n);
        if (is_blank(*p)) {
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
    copy_message(text, quoted, sizeof quoted);
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
