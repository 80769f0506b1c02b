/* CSV tables: reading good, odd and hostile ones; writing and reading back. */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/durable.h"
#include "io/formats/csv.h"
#include "tests/report.h"

/* What a text should read as: rows of cells, each cell followed by '|', each row by '/'. */
typedef struct {
    const char *name, *text, *cells;
    int n_columns;
    int64_t n_problems;
} good_case;

static const good_case good_cases[] = {
    {"plain", "a,b\n1,2\n3,4\n", "a|b|/1|2|/3|4|/", 2, 0},
    {"no last line end", "a,b\n1,2", "a|b|/1|2|/", 2, 0},
    {"CRLF", "a,b\r\n1,2\r\n", "a|b|/1|2|/", 2, 0},
    {"CR alone", "a,b\r1,2\r", "a|b|/1|2|/", 2, 0},
    {"byte order mark",
     "\xEF\xBB\xBF"
     "a,b\n1,2\n",
     "a|b|/1|2|/", 2, 0},
    {"byte order mark, quoted name", "\xEF\xBB\xBF\"a\",b\n1,2\n", "a|b|/1|2|/", 2, 0},
    {"quotes", "a,b\n\"x\",\"y,z\"\n", "a|b|/x|y,z|/", 2, 0},
    {"doubled quotes", "a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", "a|b|/say \"hi\"|\"|/", 2, 0},
    {"line ends inside of quotes", "a,b\n\"1\n2\r\n3\",4\n5,6\n", "a|b|/1\n2\r\n3|4|/5|6|/", 2, 0},
    {"quote within a bare field", "a,b\n5\" tall,x\n", "a|b|/5\" tall|x|/", 2, 0},
    {"empty fields", "a,b,c\n,,\n\"\",x,\n", "a|b|c|/|||/|x||/", 3, 0},
    {"blank lines", "\n\na,b\n\n1,2\n\r\n\n3,4\n\n", "a|b|/1|2|/3|4|/", 2, 0},
    {"one column", "a\n1\n\"\"\n2\n", "a|/1|/|/2|/", 1, 0},
    {"header only", "a,b\n", "a|b|/", 2, 0},
    {"blanks are kept", "a, b\n 1 ,2 \n", "a| b|/ 1 |2 |/", 2, 0},
    {"semicolons", "a;b;c\n1,5;2;3\n", "a|b|c|/1,5|2|3|/", 3, 0},
    {"tabs", "a\tb\n1,5\t2\n", "a|b|/1,5|2|/", 2, 0},
    {"delimiters in a quoted name", "\"a;;;\",b\n1,2\n", "a;;;|b|/1|2|/", 2, 0},
    {"nameless index columns", ",,a\n0,1,2\n", "||a|/0|1|2|/", 3, 0},
    {"row too short", "a,b\n1\n3,4\n", "a|b|/3|4|/", 2, 1},
    {"row too long", "a,b\n1,2,3\n3,4\n", "a|b|/3|4|/", 2, 1},
    {"text behind a quote", "a,b\n\"1\"x,2\n3,4\n", "a|b|/3|4|/", 2, 1},
    {"text behind a quote in the last field", "a,b\n1,\"2\"x\n", "a|b|/", 2, 1},
    {"UTF-8 passes through", "a\nZ\xc3\xbcrich\n", "a|/Z\xc3\xbcrich|/", 1, 0},
    {"Latin-1 becomes UTF-8", "a\nK\xf6ln\n", "a|/K\xc3\xb6ln|/", 1, 0},
    {"bytes of no encoding are replaced", "a\nx\x81y\n", "a|/x\xef\xbf\xbdy|/", 1, 0},
    {"nor what lies beyond Unicode", "a\nx\xf7\xb1\x9d\xa3y\n",
     "a|/x\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdy|/", 1, 0},
    {"UTF-8 that is cut is no Latin-1", "a\nZ\xc3\xbcrich\xc3\n", "a|/Z\xc3\xbcrich\xef\xbf\xbd|/", 1, 0},
};

static void print_cells(const ein_csv *csv, char *out, size_t room) {
    size_t at = 0;
    out[0] = '\0';
    for (int64_t r = -1; r < ein_csv_rows(csv); r++) {
        for (int c = 0; c < ein_csv_columns(csv); c++)
            at += (size_t)snprintf(out + at, room - at, "%s|",
                                   r < 0 ? ein_csv_column_name(csv, c) : ein_csv_cell(csv, r, c));
        at += (size_t)snprintf(out + at, room - at, "/");
    }
}

static void check_good(const good_case *g) {
    char cells[1024] = "";
    ein_csv *csv = NULL;
    bool good = ein_csv_parse("t.csv", g->text, strlen(g->text), &csv) == EIN_OK;
    if (good) print_cells(csv, cells, sizeof cells);
    good = good && strcmp(cells, g->cells) == 0 && ein_csv_columns(csv) == g->n_columns &&
           ein_csv_problems(csv) == g->n_problems;
    if (!report(good, "reads: %s", g->name)) printf("#   %s %s\n", cells, ein_error_message());
    ein_csv_close(csv);
}

static const struct {
    const char *name, *text, *says;
} bad_cases[] = {
    {"empty", "", "empty table"},
    {"blank lines only", "\n\r\n\n", "empty table"},
    {"byte order mark only", "\xEF\xBB\xBF", "empty table"},
    {"open quote in a row", "a,b\n1,2\n3,\"4\n5,6\n", "t.csv:3"},
    {"open quote at the end", "a,b\n1,\"", "t.csv:2"},
    {"open quote in the header", "a,\"b\n1,2\n", "t.csv:1"},
    {"doubled quote at the end", "a,b\n1,\"2\"\"", "t.csv:2"},
    {"a name twice", "a,b,a\n1,2,3\n", "'a'"},
    {"text behind a quote in the header", "\"a\"x,b\n1,2\n", "t.csv:1"},
};

static void check_bad(void) {
    ein_csv *csv = NULL;
    for (size_t i = 0; i < sizeof bad_cases / sizeof *bad_cases; i++) {
        bool good = ein_csv_parse("t.csv", bad_cases[i].text, strlen(bad_cases[i].text), &csv) == EIN_FORMAT;
        good = good && !csv && strstr(ein_error_message(), bad_cases[i].says);
        if (!report(good, "refused: %s", bad_cases[i].name)) printf("#   %s\n", ein_error_message());
        ein_csv_close(csv);
    }
    report(ein_csv_parse("t.csv", "a\0b\n", 4, &csv) == EIN_FORMAT && strstr(ein_error_message(), "byte 1"),
           "refused: NUL");
    report(ein_csv_open("/nonexistent/t.csv", &csv) == EIN_NOTFOUND, "a missing file is not found");
    report(ein_csv_open("/tmp", &csv) == EIN_IO, "a folder is not a table");
}

static char *repeat(const char *start, const char *part, size_t times, const char *end) {
    size_t n = strlen(start), m = strlen(part), k = strlen(end);
    char *text = malloc(n + m * times + k + 1);
    memcpy(text, start, n);
    for (size_t i = 0; i < times; i++) memcpy(text + n + i * m, part, m);
    memcpy(text + n + times * m, end, k + 1);
    return text;
}

static ein_status parse_repeated(const char *start, const char *part, size_t times, const char *end,
                                 ein_csv **csv) {
    char *text = repeat(start, part, times, end);
    ein_status status = ein_csv_parse("t.csv", text, strlen(text), csv);
    free(text);
    return status;
}

static void check_bounds(void) {
    ein_csv *csv = NULL;
    report(parse_repeated("", ",", 4095, "\n", &csv) == EIN_OK && ein_csv_columns(csv) == 4096,
           "4096 columns");
    ein_csv_close(csv);
    report(parse_repeated("", ",", 4096, "\n", &csv) == EIN_FORMAT &&
               strstr(ein_error_message(), "4097 columns"),
           "refused: 4097 columns");
    report(parse_repeated("a\n", "x", (16 << 20) + 9, "\n", &csv) == EIN_FORMAT &&
               strstr(ein_error_message(), "t.csv:2"),
           "refused: a bare row over 16 MiB");
    report(parse_repeated("a\n\"", "x", (16 << 20) + 9, "\"\n", &csv) == EIN_FORMAT &&
               strstr(ein_error_message(), "16 MiB"),
           "refused: a quoted row over 16 MiB");
    report(parse_repeated("a,b\n", "1\n", 1500, "", &csv) == EIN_OK && ein_csv_problems(csv) == 1500 &&
               ein_csv_problem(csv, 999) && !ein_csv_problem(csv, 1000) && !ein_csv_problem(csv, -1),
           "1500 bad rows are counted, 1000 told");
    report(strcmp(ein_csv_problem(csv, 2), "t.csv:4: 1 fields; the header has 2") == 0,
           "a problem names its line");
    ein_csv_close(csv);
    report(parse_repeated("a,b\n", "1,\"2\n\"\n", 5000, "", &csv) == EIN_OK && ein_csv_rows(csv) == 5000,
           "5000 rows");
    report(ein_csv_line(csv, 0) == 2 && ein_csv_line(csv, 4999) == 2 + 2 * 4999,
           "a row knows its line, behind fields of several lines");
    ein_csv_close(csv);
}

static void check_access(void) {
    ein_csv *csv = NULL;
    const char *text = "id,age,Id\n7,61,8\n";
    report(ein_csv_parse("t.csv", text, strlen(text), &csv) == EIN_OK && ein_csv_column(csv, "age") == 1 &&
               ein_csv_column(csv, "Id") == 2 && ein_csv_column(csv, "sex") == -1,
           "columns are found by exact name");
    ein_csv_close(csv);
    ein_csv_close(NULL);
}

static const char *const odd[] = {"",          "plain",    "a,b",      "say \"hi\"", "\"",
                                  "line\nend", "cr\rhere", "crlf\r\n", " lead",      "trail ",
                                  "\ttab",     "a;b",      "'a'",      "\"\"",       "Z\xc3\xbcrich"};
enum { N_ODD = sizeof odd / sizeof *odd };

static void check_round_trip(const char *folder, int n_columns) {
    static const char *const names[] = {"first", "a,\"b\"", "third"};
    char path[256];
    snprintf(path, sizeof path, "%s/%d.csv", folder, n_columns);
    ein_csv_writer *writer = NULL;
    bool good = ein_csv_create(path, names, n_columns, &writer) == EIN_OK;
    for (int i = 0; good && i < N_ODD; i++) {
        for (int c = 0; c < n_columns; c++) ein_csv_put(writer, odd[(i + c) % N_ODD]);
        ein_csv_end_row(writer);
    }
    good = good && access(path, F_OK) != 0;
    report(good, "a table of %d columns does not show before it is finished", n_columns);
    ein_csv *csv = NULL;
    good = ein_csv_finish(writer, true) == EIN_OK && ein_csv_open(path, &csv) == EIN_OK &&
           ein_csv_problems(csv) == 0 && ein_csv_rows(csv) == N_ODD;
    for (int i = 0; good && i < N_ODD; i++)
        for (int c = 0; c < n_columns; c++)
            good = good && strcmp(ein_csv_cell(csv, i, c), odd[(i + c) % N_ODD]) == 0;
    report(good && ein_csv_column(csv, names[n_columns - 1]) == n_columns - 1, "round trip of %d columns",
           n_columns);
    ein_csv_close(csv);
}

static void check_numbers(const char *folder) {
    static const char *const names[] = {"x", "n"};
    static const double values[] = {0.1, 1.0 / 3, -1e300, 5e-324, 1e15, NAN};
    char path[256];
    snprintf(path, sizeof path, "%s/numbers.csv", folder);
    ein_csv_writer *writer = NULL;
    ein_csv *csv = NULL;
    bool good = ein_csv_create(path, names, 2, &writer) == EIN_OK;
    for (int i = 0; good && i < 6; i++) {
        ein_csv_put_real(writer, values[i]);
        ein_csv_put_int(writer, i == 0 ? INT64_MIN : i);
        ein_csv_end_row(writer);
    }
    good = good && ein_csv_finish(writer, true) == EIN_OK && ein_csv_open(path, &csv) == EIN_OK;
    for (int i = 0; good && i < 5; i++) good = strtod(ein_csv_cell(csv, i, 0), NULL) == values[i];
    report(good && strcmp(ein_csv_cell(csv, 0, 0), "0.1") == 0, "reals read back to the same bits");
    report(good && strcmp(ein_csv_cell(csv, 5, 0), "") == 0, "NaN is an empty field");
    report(good && strcmp(ein_csv_cell(csv, 0, 1), "-9223372036854775808") == 0, "smallest integer");
    ein_csv_close(csv);
    good = ein_csv_create(path, names, 2, &writer) == EIN_OK && ein_csv_finish(writer, false) == EIN_OK &&
           ein_csv_open(path, &csv) == EIN_OK && ein_csv_rows(csv) == 6;
    report(good, "a discarded table leaves the old one");
    ein_csv_close(csv);
    report(ein_csv_finish(NULL, true) == EIN_OK, "finishing nothing is fine");
}

/* A half of a surrogate pair costs one character, not all that follow. */
static void check_wide(void) {
    static const char little[] = "\xff\xfe"
                                 "a\0,\0b\0\n\0"
                                 "\0\xd8"
                                 "x\0,\0"
                                 "1\0\n\0"
                                 "y\0,\0"
                                 "2\0\n\0",
                      big[] = "\xfe\xff"
                              "\0a\0,\0b\0\n"
                              "\xd8\0"
                              "\0x\0,\0"
                              "1\0\n"
                              "\0y\0,\0"
                              "2\0\n",
                      cut[] = "\xff\xfe"
                              "a\0,\0b\0\n\0"
                              "x\0,\0"
                              "1\0\n\0"
                              "y\0,\0"
                              "2\0\n\0"
                              "z";
    const struct {
        const char *name, *text;
        size_t bytes;
        int64_t replaced;
    } cases[] = {{"little end first", little, sizeof little - 1, 2},
                 {"big end first", big, sizeof big - 1, 2},
                 {"half a character at the end", cut, sizeof cut - 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ein_csv *csv = NULL;
        const bool good = ein_csv_parse("t.csv", cases[i].text, cases[i].bytes, &csv) == EIN_OK;
        report(good && ein_csv_columns(csv) == 2 && ein_csv_rows(csv) == 2 &&
                   strcmp(ein_csv_cell(csv, 0, 0), i < 2 ? "\xef\xbf\xbdx" : "x") == 0 &&
                   strcmp(ein_csv_cell(csv, 1, 0), "y") == 0 && ein_csv_replaced(csv) == cases[i].replaced,
               "UTF-16, %s: %s", cases[i].name, good ? "read" : ein_error_message());
        ein_csv_close(csv);
    }
}

int main(void) {
    for (size_t i = 0; i < sizeof good_cases / sizeof *good_cases; i++) check_good(&good_cases[i]);
    check_wide();
    check_bad();
    check_bounds();
    check_access();
    char folder[] = "/tmp/einthoven-csv.XXXXXX";
    if (!mkdtemp(folder)) return 1;
    check_round_trip(folder, 1);
    check_round_trip(folder, 2);
    check_round_trip(folder, 3);
    check_numbers(folder);
    char command[300];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    report(system(command) == 0, "clean up");
    return report_end();
}
