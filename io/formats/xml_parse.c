/* From bytes to a document: encodings, what is refused, parsing by libxml2. */
#include <ctype.h>
#include <errno.h>
#include <iconv.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/formats/xml_inside.h"

enum { ENCODING_BYTES = 40, QUOTED_BYTES = 40 };

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
    p = ein_xml_skip_blanks(p + strlen("encoding"));
    if (*p != '=') return;
    p = ein_xml_skip_blanks(p + 1);
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
            p = ein_xml_behind(p + 9, "]]>");
        } else if (p[1] == '!' || p[1] == '?') {
            p = ein_xml_skip_markup(p);
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
void ein_xml_show_line(const char *message, char *out, size_t room) {
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
    if (!g->refused) ein_xml_show_line((const char *)name, g->named, sizeof g->named);
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
    ein_xml_show_line(error ? error->message : NULL, message, sizeof message);
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
        ein_xml_show_line(declared, quoted, sizeof quoted);
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
    ein_xml_code_units units = ein_xml_units((const uint8_t *)file, bytes, &mark);
    if (units == EIN_XML_BYTES) return parse_text(path, file + mark, bytes - mark, false, xml);
    char *text = NULL;
    size_t n = 0;
    EIN_TRY(from_utf16(path, file + mark, bytes - mark, units == EIN_XML_UTF16_LE, &text, &n));
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
