#include "io/base/wrap.h"

#include <string.h>

enum { COLUMNS = 110 };

void ein_print_wrapped(FILE *stream, int column, int indent, const char *text) {
    const char *separator = "";
    for (const char *word = text + strspn(text, " "); *word;) {
        int n = (int)strcspn(word, " ");
        if (separator[0] && column + 1 + n > COLUMNS) {
            fprintf(stream, "\n%*s", indent, "");
            column = indent;
            separator = "";
        }
        fprintf(stream, "%s%.*s", separator, n, word);
        column += (separator[0] != '\0') + n;
        separator = " ";
        word += n;
        word += strspn(word, " ");
    }
    fputc('\n', stream);
}
