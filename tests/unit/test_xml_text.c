/* XML from strangers: encodings that are read, and attacks, damage and excess that are refused with a line and a
 * reason. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "io/base/base64.h"
#include "io/formats/xml_text.h"
#include "tests/report.h"

static char path[] = "/tmp/einthoven-xml.XXXXXX";

static void put(const void *bytes, size_t n) {
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) abort();
}

/* The text of the root's first child <a>, or what was said. */
static const char *read_bytes(const void *bytes, size_t n) {
    static char text[1024];
    ein_xml *xml;
    put(bytes, n);
    ein_error_clear();
    if (ein_xml_open(path, &xml) != EIN_OK) {
        const char *message = ein_error_message();
        snprintf(text, sizeof text, "%s",
                 strncmp(message, path, strlen(path)) == 0 ? message + strlen(path) : message);
        return text;
    }
    ein_xml_text(ein_xml_child(ein_xml_root(xml), "a"), text, sizeof text);
    ein_xml_close(xml);
    return text;
}

static void reads(const char *what, const void *bytes, size_t n, const char *wanted) {
    const char *got = read_bytes(bytes, n);
    if (!report(strcmp(got, wanted) == 0, "%s", what)) printf("# got \"%s\", not \"%s\"\n", got, wanted);
}
#define READS(what, literal, wanted) reads(what, literal, sizeof(literal) - 1, wanted)

static void refused(const char *what, const void *bytes, size_t n, const char *says) {
    const char *got = read_bytes(bytes, n);
    if (!report(strstr(got, says) != NULL, "refused: %s", what))
        printf("# got \"%s\", not \"%s\"\n", got, says);
}
#define REFUSED(what, literal, says) refused(what, literal, sizeof(literal) - 1, says)

static void check_encodings(void) {
    READS("UTF-8 without a declaration", "<r><a>M\xc3\xbcller</a></r>", "M\xc3\xbcller");
    READS("UTF-8 with a byte order mark", "\xef\xbb\xbf<?xml version='1.0'?><r><a>x</a></r>", "x");
    READS("ISO-8859-1", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><r><a>M\xfcller</a></r>",
          "M\xc3\xbcller");
    READS("the same as CardioSoft spells it",
          "<?xml version=\"1.0\" encoding=\"ISO8859-1\" ?><r><a>M\xfcller</a></r>", "M\xc3\xbcller");
    READS("windows-1252", "<?xml version=\"1.0\" encoding=\"Windows-1252\"?><r><a>\x80</a></r>",
          "\xe2\x82\xac");
    READS("UTF-16, little end first",
          "\xff\xfe<\0?\0x\0m\0l\0 \0v\0e\0r\0s\0i\0o\0n\0=\0'\0001\0.\0000\0'\0 "
          "\0e\0n\0c\0o\0d\0i\0n\0g\0=\0'\0u\0t\0f\0-"
          "\0001\0006\0'\0?\0>\0<\0r\0>\0<\0a\0>\0\xfc\0\x3d\xd8\x00\xde<\0/\0a\0>\0<\0/\0r\0>\0",
          "\xc3\xbc\xf0\x9f\x98\x80");
    READS("UTF-16, big end first", "\xfe\xff\0<\0r\0>\0<\0a\0>\x20\xac\0<\0/\0a\0>\0<\0/\0r\0>",
          "\xe2\x82\xac");
    READS("UTF-16 without a mark", "<\0r\0>\0<\0a\0>\0y\0<\0/\0a\0>\0<\0/\0r\0>\0", "y");
    READS("\"utf-16\" said over bytes", "<?xml version=\"1.0\" encoding=\"utf-16\"?><r><a>x</a></r>", "x");
    REFUSED("half a surrogate pair", "\xff\xfe<\0r\0>\0\x3d\xd8<\0/\0r\0>\0", "surrogate");
    REFUSED("an encoding that hides '<'", "<?xml version=\"1.0\" encoding=\"UTF-7\"?><r/>",
            ":1: encoding \"UTF-7\"");
    READS("UTF-8 that is none", "<r>\n<a>\xff</a></r>", "\xc3\xbf");
    REFUSED("zero bytes", "<r><a>x\0</a></r>", "is zero");
}

static void check_text(void) {
    READS("blanks are joined and trimmed", "<r><a>\n\t x \r\n  y\t</a></r>", "x y");
    READS("CDATA and comments within", "<r><a>x<!-- no --><![CDATA[<y>&]]>z</a></r>", "x<y>&z");
    READS("XML's own entities and characters by number", "<r><a>&lt;&amp;&gt;&quot;&apos;&#65;&#x42;</a></r>",
          "<&>\"'AB");
    READS("control characters of terminals",
          "<r><a>x\xc2\x9b"
          "2Jy\x7f</a></r>",
          "x?2Jy?");
    READS("text of children is not the node's own", "<r><a>x<b>y</b>z</a></r>", "xz");
    READS("a namespace and its prefix", "<q:r xmlns:q='urn:x'><q:a>x</q:a></q:r>", "x");
    READS("the first of several", "<r><b/><a>1</a><a>2</a></r>", "1");
    READS("a DTD that is not there is not asked for",
          "<?xml version='1.0'?><!DOCTYPE r SYSTEM 'file:///nonexistent.dtd'><r><a>x</a></r>", "x");
}

static void check_attacks(void) {
    REFUSED("billion laughs",
            "<?xml version='1.0'?>\n<!DOCTYPE r [\n<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>\n"
            "<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'>]>\n<r><a>&c;</a></r>",
            ":3: it declares an entity");
    REFUSED("an entity in an attribute", "<!DOCTYPE r [<!ENTITY a 'ha'>]><r x='&a;'/>", "declares an entity");
    REFUSED("a file as an entity", "<!DOCTYPE r [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><r><a>&a;</a></r>",
            "declares an entity");
    REFUSED("a parameter entity",
            "<!DOCTYPE r [<!ENTITY % a SYSTEM 'http://127.0.0.1/x'> %a;]><r><a>x</a></r>",
            "declares an entity");
    REFUSED("an unparsed entity", "<!DOCTYPE r [<!ENTITY a SYSTEM 'x' NDATA b>]><r/>", "declares an entity");
    REFUSED("an element rule", "<!DOCTYPE r [<!ELEMENT r ANY>]><r/>", "declares an element");
    REFUSED("an attribute rule", "<!DOCTYPE r [<!ATTLIST r x (a|b) 'a' y CDATA 'z'>]><r/>",
            "declares an attribute");
    REFUSED("a notation", "<!DOCTYPE r [<!NOTATION n SYSTEM 'x'>]><r/>", "declares a notation");
    REFUSED("an entity of a DTD that is not loaded", "<!DOCTYPE r SYSTEM 'x.dtd'><r><a>&laugh;</a></r>",
            "entity");
    REFUSED("an entity out of nowhere", "<r><a>&laugh;</a></r>", "laugh");
}

static void check_damage(void) {
    REFUSED("an empty file", "", "empty");
    REFUSED("a file that was cut", "<r>\n<a>x</a>\n<b>", ":3: not well-formed XML (Premature end");
    REFUSED("a tag that is not closed", "<r>\n<a>x</b></r>", ":2: not well-formed");
    REFUSED("two roots", "<r/><r/>", "not well-formed");
    REFUSED("no element", "<?xml version='1.0'?>", "not well-formed");
    REFUSED("text", "Dear colleague,", "not well-formed");
}

/* `n` times `piece` between `start` and `end`. */
static void repeated(const char *what, const char *start, const char *piece, int n, const char *end,
                     const char *says) {
    size_t length = strlen(piece), used = strlen(start);
    char *text = malloc(used + (size_t)n * length + strlen(end) + 1);
    if (!text) abort();
    strcpy(text, start);
    for (int i = 0; i < n; i++, used += length) memcpy(text + used, piece, length);
    strcpy(text + used, end);
    if (says)
        refused(what, text, strlen(text), says);
    else
        reads(what, text, strlen(text), "x");
    free(text);
}

/* The same with a number in each piece, so that every name is another. */
static void numbered(const char *what, const char *start, const char *piece, int n, const char *end,
                     const char *says) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *f = open_memstream(&text, &bytes);
    if (!f) abort();
    fputs(start, f);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    for (int i = 0; i < n; i++) fprintf(f, piece, i);
#pragma GCC diagnostic pop
    fputs(end, f);
    if (fclose(f) != 0) abort();
    refused(what, text, bytes, says);
    free(text);
}

static void check_excess(void) {
    repeated("62 levels within <r><a>", "<r><a>x</a><a>", "<d>", 62, "", "not well-formed");
    repeated("63 levels", "<r><a>x</a><a>", "<d>", 63, "", "nested more than 64 deep");
    repeated("a million levels", "", "<d>", 1000000, "", "nested more than 64 deep");
    repeated("240,000 elements", "<r><a>x</a>", "<b/>", 240000, "</r>", NULL);
    repeated("250,000 elements", "<r><a>x</a>", "<b/>", 250000, "</r>", "more than 250,000 elements");
    repeated("attributes", "<r><a>x</a>", "<b c='1' d='2' e='3' f='4'/>", 70000, "</r>",
             "250,000 elements or attributes");
    repeated("namespaces", "<r><a>x</a>", "<b xmlns:c='1' xmlns:d='2' xmlns:e='3' xmlns:f='4'/>", 70000,
             "</r>", "1,000 declarations of namespaces");
    repeated("1,000 namespaces", "<r><a>x</a>", "<b xmlns:c='1'/>", 1000, "</r>", NULL);
    repeated("comments", "<r><a>x</a>", "<!---->", 250001, "</r>", "more than 250,000 comments");
    repeated("1,000 instructions", "<r><a>x</a>", "<?b?>", 1000, "</r>", NULL);
    numbered("instructions", "<r><a>x</a>", "<?b%06d?>", 2000, "</r>",
             "more than 1,000 processing instructions");
    numbered("instructions before the root", "", "<?b%06d?>", 2000, "<r/>",
             "more than 1,000 processing instructions");
    numbered("instructions in the DTD", "<!DOCTYPE r [", "<?b%06d?>", 2000, "]><r/>",
             "more than 1,000 processing instructions");
    numbered("parameter entities", "<!DOCTYPE r [", "%%b%06d;", 2000, "]><r/>", "an entity");
    numbered("entities in an attribute", "<!DOCTYPE r SYSTEM 'x.dtd'><r a='", "&b%05d;", 5000, "'/>",
             "\"b00000\"");
    repeated("a tag of a megabyte", "<r", " x='>'", 200000, "/>", "a tag of more than 65536 bytes");
    repeated("a tag of a megabyte behind a quote in a comment of the DTD", "<!DOCTYPE r [<!-- ' -->]><r",
             " x='>'", 200000, "/>", "a tag of more than 65536 bytes");
    repeated("a comment of a megabyte", "<r><!--", " a < b >", 200000, "--><a>x</a></r>", NULL);
    repeated("CDATA of a megabyte", "<r><b><![CDATA[", "<a 1,2,", 200000, "]]></b><a>x</a></r>", NULL);
    repeated("240,000 pieces of CDATA", "<r><b>", "<![CDATA[]]>", 240000, "</b><a>x</a></r>", NULL);
    repeated("a million pieces of CDATA", "<r><b>", "<![CDATA[]]>", 1000000, "</b><a>x</a></r>",
             "CDATA sections");
    repeated("12 MB of one text", "<r><b>", "12345,", 2000000, "</b><a>x</a></r>", NULL);
    if (truncate(path, EIN_XML_MAX_BYTES + 1) != 0) abort();
    ein_xml *xml;
    report(ein_xml_open(path, &xml) == EIN_FORMAT && !xml, "refused: more than 64 MiB");
    report(ein_xml_open("/tmp", &xml) == EIN_IO && !xml, "a folder is an I/O error");
    report(ein_xml_open("/tmp/nonexistent.xml", &xml) == EIN_NOTFOUND && !xml, "a file that is not there");
}

static void check_sniff(void) {
    static const struct {
        const char *bytes;
        size_t n;
        bool xml;
        const char *root;
    } cases[] = {
#define CASE(literal, xml, root) {literal, sizeof(literal) - 1, xml, root}
        CASE("<r>", true, "r"),
        CASE("<r/>", true, "r"),
        CASE("  \n<?xml version='1.0'?><!-- <x> -->\n<!DOCTYPE r SYSTEM \"r.dtd\">\n<RestingECG a='b'>", true,
             "RestingECG"),
        CASE("<!DOCTYPE r [<!ENTITY a '>'>]><r>", true, "r"),
        CASE("<!DOCTYPE r SYSTEM 'a>b<c' [<!-- it's [ a > -->]><r>", true, "r"),
        CASE("<ns:AnnotatedECG xmlns:ns='urn:hl7-org:v3'>", true, "AnnotatedECG"),
        CASE("\xff\xfe<\0r\0>\0", true, "r"),
        CASE("\xef\xbb\xbf<r>", true, "r"),
        CASE("<?xml version='1.0'?><!-- without end", true, ""),
        CASE("<RestingE", true, ""),
        /* where a parser stops before the first element, which must be told all the same */
        CASE("<?xml version='1.0' encoding='UTF-16'?><r>", true, "r"),
        CASE("<?xml version='1.0' encoding='x-none'?><r>", true, "r"),
        CASE("<?xml version='1.0' encoding='UTF-8'?><!-- Z\xfcrich -- --><r a='\xfc'>", true, "r"),
        CASE("<r a='cut off", true, "r"),
        CASE("100 2 360", false, ""),
        CASE("< 5", false, ""),
        CASE("", false, ""),
        CASE("\0\0", false, ""),
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char root[EIN_XML_NAME_BYTES] = "?";
        bool xml = ein_xml_sniff(cases[i].bytes, cases[i].n, root);
        report(xml == cases[i].xml && strcmp(root, cases[i].root) == 0, "first bytes %zu: %s", i, root);
    }
}

static void check_numbers(void) {
    static const char text[] =
        "<r>\n<a>4.88</a><b> 12 </b><c>4,88</c><d>0x10</d><e>nan</e><f>1e999</f><g/><h>12a</h>"
        "<i>99999999999999999999</i><j>-3</j></r>";
    static const struct {
        const char *name;
        bool real, whole;
        double value;
    } cases[] = {{"a", true, false, 4.88}, {"b", true, true, 12},  {"c", false, false, 0},
                 {"d", false, false, 0},   {"e", false, false, 0}, {"f", false, false, 0},
                 {"g", false, false, 0},   {"h", false, false, 0}, {"i", false, false, 0},
                 {"j", false, false, 0},   {"k", false, false, 0}};
    ein_xml *xml;
    put(text, strlen(text));
    if (ein_xml_open(path, &xml) != EIN_OK) abort();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        double real = -1;
        int64_t whole = -1;
        bool is_real = ein_xml_real(xml, ein_xml_root(xml), cases[i].name, 0, 1000, &real) == EIN_OK;
        bool is_whole = ein_xml_int(xml, ein_xml_root(xml), cases[i].name, 0, 1000, &whole) == EIN_OK;
        report(is_real == cases[i].real && is_whole == cases[i].whole &&
                   (!is_real || real == cases[i].value) && (!is_whole || (double)whole == cases[i].value),
               "number in <%s>", cases[i].name);
    }
    int64_t kept = 7;
    report(ein_xml_int_if_there(xml, ein_xml_root(xml), "g", 0, 9, &kept) == EIN_OK && kept == 7 &&
               ein_xml_int_if_there(xml, ein_xml_root(xml), "k", 0, 9, &kept) == EIN_OK && kept == 7 &&
               ein_xml_int_if_there(xml, ein_xml_root(xml), "h", 0, 9, &kept) == EIN_FORMAT,
           "a number that may be missing may not be wrong");
    report(strncmp(ein_error_message(), path, strlen(path)) == 0 &&
               strstr(ein_error_message(), ":2: <h> is \"12a\""),
           "the message has the file, the line and what stands there");
    ein_xml_close(xml);
    READS("pieces of text", "<r><a>x<![CDATA[<]]><!-- --><![CDATA[y]]>z</a></r>", "x<yz");
    const char *content;
    char *owned;
    size_t bytes;
    if (ein_xml_open(path, &xml) != EIN_OK ||
        ein_xml_content(ein_xml_child(ein_xml_root(xml), "a"), &content, &bytes, &owned) != EIN_OK)
        abort();
    report(bytes == 4 && strcmp(content, "x<yz") == 0 && !owned, "are one node, whatever separated them");
    ein_xml_close(xml);
    char small[5];
    READS("a text that is cut", "<r><a>\xc3\xbc\xc3\xbc\xc3\xbc</a></r>", "\xc3\xbc\xc3\xbc\xc3\xbc");
    if (ein_xml_open(path, &xml) != EIN_OK) abort();
    ein_xml_text(ein_xml_child(ein_xml_root(xml), "a"), small, sizeof small);
    report(strcmp(small, "\xc3\xbc\xc3\xbc") == 0, "is cut between characters");
    ein_xml_close(xml);
}

static void check_base64(void) {
    static const struct {
        const char *text, *bytes;
        int64_t n;
        size_t at;
    } cases[] = {{"", "", 0, 0},
                 {"TWFu", "Man", 3, 4},
                 {"TWE=", "Ma", 2, 4},
                 {"TQ==", "M", 1, 4},
                 {" T\nW\tF\ru ", "Man", 3, 8},
                 {"T Q = =\n", "M", 1, 8},
                 {"+/+/", "\xfb\xff\xbf", 3, 4},
                 {"TWF", NULL, -1, 3},
                 {"T", NULL, -1, 1},
                 {"TWE", NULL, -1, 3},
                 {"TQ=", NULL, -1, 3},
                 {"TQ===", NULL, -1, 4},
                 {"TQ==TWFu", NULL, -1, 4},
                 {"TWF-", NULL, -1, 3},
                 {"TW\xc3\xbc"
                  "=",
                  NULL, -1, 2},
                 {"=", NULL, -1, 0},
                 {"TWFu====", NULL, -1, 4},
                 {"TR==", NULL, -1, 2}, /* bits that belong to no byte */
                 {"TWF=", NULL, -1, 3}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t out[16];
        size_t n = strlen(cases[i].text), at = 99;
        int64_t bytes = ein_base64_decode(cases[i].text, n, out, &at);
        bool same = bytes == cases[i].n &&
                    (bytes < 0 ? at == cases[i].at : memcmp(out, cases[i].bytes, (size_t)bytes) == 0);
        if (!report(same, "base64 \"%zu\"", i)) printf("# %lld bytes, at %zu\n", (long long)bytes, at);
    }
    bool round = true;
    for (size_t n = 0; n < 100; n++) {
        uint8_t in[100], out[103];
        char text[140];
        size_t at;
        for (size_t i = 0; i < n; i++) in[i] = (uint8_t)(i * 37 + n * 101 + (i * i >> 3));
        ein_base64_encode(in, n, text);
        round = round && strlen(text) == (n + 2) / 3 * 4 &&
                ein_base64_decode(text, strlen(text), out, &at) == (int64_t)n && memcmp(in, out, n) == 0;
    }
    report(round, "base64 there and back, 0 to 99 bytes");
    report(crc32_z(0, (const uint8_t *)"123456789", 9) == 0xcbf43926 &&
               crc32_z(0, (const uint8_t *)"", 0) == 0,
           "CRC-32 of its check value");
}

int main(void) {
    int fd = mkstemp(path);
    if (fd < 0) abort();
    close(fd);
    check_encodings();
    check_text();
    check_attacks();
    check_damage();
    check_excess();
    check_sniff();
    check_numbers();
    check_base64();
    unlink(path);
    return report_end();
}
