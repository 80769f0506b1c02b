#include "io/ecg/xml_numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/ecg/counts.h"

enum { MAX_DIGITS = 9, QUOTED_BYTES = 24 };
static const char blanks[] = " \t\r\n";

static bool is_missing(const char *p, size_t n) {
    return (n == 3 && strncasecmp(p, "nan", 3) == 0) || (n == 1 && *p == '-');
}

static bool take_number(const char *p, size_t n, int32_t *out) {
    const bool negative = *p == '-';
    int32_t value = 0;
    if (*p == '-' || *p == '+') p++, n--;
    if (n == 0 || n > MAX_DIGITS) return false;
    for (; n > 0; p++, n--) {
        if (*p < '0' || *p > '9') return false;
        value = value * 10 + (*p - '0');
    }
    *out = negative ? -value : value;
    return true;
}

static ein_status parse(const ein_xml *xml, const ein_xml_node *node, const char *what, const char *text,
                        int32_t *count, int64_t *n) {
    for (const char *p = text + strspn(text, blanks); *p; p += strspn(p, blanks)) {
        const size_t bytes = strcspn(p, blanks);
        if (is_missing(p, bytes))
            count[*n] = EIN_COUNT_MISSING;
        else if (!take_number(p, bytes, &count[*n]))
            return ein_xml_error(xml, node, "%s: value %lld is \"%.*s\", not a whole number; damaged", what,
                                 (long long)*n + 1, (int)(bytes < QUOTED_BYTES ? bytes : QUOTED_BYTES), p);
        ++*n;
        p += bytes;
    }
    return EIN_OK;
}

ein_status ein_xml_numbers(const ein_xml *xml, const ein_xml_node *node, const char *what, int32_t **count,
                           int64_t *n) {
    const char *text;
    char *owned;
    size_t bytes;
    *count = NULL;
    *n = 0;
    EIN_TRY(ein_xml_content(node, &text, &bytes, &owned));
    ein_status status = ein_calloc((void *)count, (int64_t)bytes / 2 + 1, sizeof **count, "values of a lead");
    if (status == EIN_OK) status = parse(xml, node, what, text, *count, n);
    free(owned);
    return status;
}
