#include "jobs/report/page.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/base/base64.h"
#include "io/base/durable.h"
#include "jobs/cli/embedded.h"
#include "jobs/report/contents.h"

static void fail(ein_page *page, ein_status status) {
    if (page->status == EIN_OK) page->status = status;
}

void ein_page_count(int64_t count, char out[EIN_COUNT_BYTES]) {
    char digits[EIN_COUNT_BYTES];
    const int n = snprintf(digits, sizeof digits, "%lld", (long long)count);
    size_t at = 0;
    for (int i = 0; i < n && at < EIN_COUNT_BYTES - 2; i++) {
        if (i > 0 && (n - i) % 3 == 0 && digits[i - 1] != '-') out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
}

void ein_page_section(ein_page *page, const char *id, const char *title) {
    if (strcmp(id, ein_contents[0].id) != 0) ein_markup_put(&page->body, "</section>\n");
    ein_markup_put(&page->body, "<section id=\"%s\" aria-labelledby=\"h-%s\">\n<h2 id=\"h-%s\">%s</h2>\n", id,
                   id, id, title);
}

void ein_page_paragraph(ein_page *page, const char *text) {
    ein_markup_put(&page->body, "<p>%s</p>\n", text);
}

/* A name of letters, digits, '-' and '.' for a file, in fresh memory: FOLDER/NAME.EXTENSION. */
static char *path_of(const ein_page *page, const char *name, const char *extension, const char **base) {
    char clean[161], *path = NULL;
    size_t n = 0;
    for (; n < sizeof clean - 1 && name[n]; n++)
        clean[n] = (char)(isalnum((unsigned char)name[n]) || (name[n] == '-' && n > 0) ? name[n] : '-');
    clean[n] = '\0';
    if (asprintf(&path, "%s/%s.%s", page->folder, clean, extension) < 0) return NULL;
    *base = path + strlen(page->folder) + 1;
    return path;
}

/* --- figures ----------------------------------------------------------------------------------------------- */

/* They come by the hundred, so they are not synced one by one. */
static ein_status write_file(const char *path, const ein_markup *text) {
    int fd;
    EIN_TRY(ein_file_remove(path));
    EIN_TRY(ein_file_create(path, &fd));
    size_t done = 0;
    while (done < text->bytes) {
        const ssize_t n = write(fd, text->text + done, text->bytes - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            const int why = errno;
            close(fd);
            return ein_error(EIN_IO, "%s: writing: %s", path, strerror(why));
        }
        done += (size_t)n;
    }
    return close(fd) == 0 ? EIN_OK : ein_error(EIN_IO, "%s: closing: %s", path, strerror(errno));
}

static ein_status write_picture(const char *path, const ein_picture *picture) {
    ein_markup svg = {0};
    ein_status status = ein_picture_svg(picture, false, 0, &svg);
    if (status == EIN_OK) status = write_file(path, &svg);
    ein_markup_free(&svg);
    return status;
}

void ein_page_figure(ein_page *page, const char *name, ein_picture *picture, const char *caption) {
    const char *base = "";
    char *path = picture && page->status == EIN_OK ? path_of(page, name, "svg", &base) : NULL;
    if (path) {
        ein_markup_put(&page->body, "<figure>\n");
        ein_status status = ein_picture_svg(picture, true, ++page->figures, &page->body);
        ein_markup_put(&page->body,
                       "<figcaption>%s <a class=\"file\" href=\"%s/%s\">SVG</a></figcaption></figure>\n",
                       caption, page->link, base);
        if (status == EIN_OK) status = write_picture(path, picture);
        if (status != EIN_OK) fail(page, status);
    } else if (picture && page->status == EIN_OK) {
        fail(page, ein_error(EIN_NOMEM, "no memory for a figure"));
    }
    free(path);
    ein_picture_free(picture);
}

/* --- tables ------------------------------------------------------------------------------------------------ */

/* An interval has three columns in a file. */
static ein_status begin_csv(ein_page *page, const ein_column *columns, int n) {
    static const char *const end[] = {"", " lower", " upper"};
    char *name[3 * EIN_PAGE_MAX_COLUMNS];
    int m = 0;
    ein_status status = EIN_OK;
    EIN_BUG_IF(n > EIN_PAGE_MAX_COLUMNS);
    for (int i = 0; i < n && status == EIN_OK; i++)
        for (int k = 0; k < (columns[i].kind == EIN_COLUMN_INTERVAL ? 3 : 1) && status == EIN_OK; k++)
            if (asprintf(&name[m], "%s%s", columns[i].title, end[k]) < 0)
                status = ein_error(EIN_NOMEM, "no memory for a table");
            else
                m++;
    if (status == EIN_OK) status = ein_csv_create(page->csv_path, (const char *const *)name, m, &page->csv);
    while (m > 0) free(name[--m]);
    return status;
}

void ein_table_begin(ein_page *page, const char *name, const char *caption, const ein_column *columns, int n,
                     bool tools) {
    const char *base = "";
    if (page->status != EIN_OK) return;
    page->csv_path = path_of(page, name, "csv", &base);
    if (!page->csv_path) {
        fail(page, ein_error(EIN_NOMEM, "no memory for a table"));
        return;
    }
    fail(page, begin_csv(page, columns, n));
    if (page->status != EIN_OK) return;
    ein_markup_put(&page->body, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"%s\">\n",
                   caption);
    ein_markup_put(&page->body, tools ? "<table class=\"tools\">\n" : "<table>\n");
    ein_markup_put(&page->body, "<caption>%s <a class=\"file\" href=\"%s/%s\">CSV</a></caption>\n<thead><tr>",
                   caption, page->link, base);
    for (int i = 0; i < n; i++) {
        ein_markup_put(&page->body, "<th scope=\"col\"");
        ein_markup_put(&page->body, columns[i].kind == EIN_COLUMN_TEXT ? ">%s</th>" : " class=\"n\">%s</th>",
                       columns[i].title);
    }
    ein_markup_put(&page->body, "</tr></thead>\n<tbody>\n<tr>");
}

void ein_table_text(ein_page *page, const char *text) {
    ein_table_link(page, text, -1);
}

void ein_table_link(ein_page *page, const char *text, int section) {
    if (page->status != EIN_OK) return;
    if (section >= 0)
        ein_markup_put(&page->body, "<td><a href=\"#cell-%d\">%s</a></td>", section, text);
    else
        ein_markup_put(&page->body, "<td>%s</td>", text);
    ein_csv_put(page->csv, text);
}

void ein_table_count(ein_page *page, int64_t count) {
    if (page->status != EIN_OK) return;
    if (count < 0) {
        ein_markup_put(&page->body, "<td class=\"n\">-</td>");
        ein_csv_put(page->csv, NULL);
        return;
    }
    ein_markup_put(&page->body, "<td class=\"n\" data-v=\"%lld\">", (long long)count);
    char text[EIN_COUNT_BYTES];
    ein_page_count(count, text);
    ein_markup_put(&page->body, "%s</td>", text);
    ein_csv_put_int(page->csv, count);
}

void ein_table_few(ein_page *page, int64_t minimum) {
    char text[48];
    if (page->status != EIN_OK) return;
    snprintf(text, sizeof text, "<%lld", (long long)minimum);
    ein_markup_put(&page->body, "<td class=\"n\" data-v=\"0\">%s</td>", text);
    ein_csv_put(page->csv, text);
}

/* An attribute with the fewest digits that read back as the same number. */
static void put_value(ein_page *page, const char *attribute, double value) {
    char text[40] = "";
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (!(strtod(text, NULL) < value) && !(strtod(text, NULL) > value)) break;
    }
    ein_markup_put(&page->body, " %s=\"%s\"", attribute, isfinite(value) ? text : "");
}

void ein_table_real(ein_page *page, double value, int decimals) {
    if (page->status != EIN_OK) return;
    ein_markup_put(&page->body, "<td class=\"n\"");
    if (isfinite(value)) put_value(page, "data-v", value);
    ein_markup_put(&page->body, ">%.*f</td>", decimals, value);
    ein_csv_put_real(page->csv, value);
}

void ein_table_interval(ein_page *page, double value, double lower, double upper, bool sign) {
    char text[96];
    if (page->status != EIN_OK) return;
    ein_csv_put_real(page->csv, value);
    ein_csv_put_real(page->csv, lower);
    ein_csv_put_real(page->csv, upper);
    if (!isfinite(value)) {
        ein_markup_put(&page->body, "<td class=\"n\">-</td>");
        return;
    }
    snprintf(text, sizeof text, sign ? "%+.3f" : "%.3f", value);
    ein_markup_put(&page->body, "<td class=\"n\"");
    put_value(page, "data-v", value);
    put_value(page, "data-lower", lower);
    put_value(page, "data-upper", upper);
    ein_markup_put(&page->body, ">%s", text);
    snprintf(text, sizeof text, sign ? "(%+.3f to %+.3f)" : "(%.3f to %.3f)", lower, upper);
    if (isfinite(lower) && isfinite(upper))
        ein_markup_put(&page->body, " <span class=\"ci\">%s</span>", text);
    ein_markup_put(&page->body, "</td>");
}

void ein_table_row(ein_page *page) {
    if (page->status != EIN_OK) return;
    ein_csv_end_row(page->csv);
    ein_markup_put(&page->body, "</tr>\n<tr>");
}

void ein_table_end(ein_page *page) {
    const bool keep = page->status == EIN_OK;
    if (keep) {
        page->body.bytes -= strlen("<tr>"); /* that the last row began */
        ein_markup_put(&page->body, "</tbody></table></div>\n");
    }
    if (page->csv) {
        const ein_status status = ein_csv_finish(page->csv, keep);
        if (status != EIN_OK) fail(page, status);
    }
    page->csv = NULL;
    free(page->csv_path);
    page->csv_path = NULL;
}

/* --- the file ---------------------------------------------------------------------------------------------- */

/* An element with a part of the binary, and its hash for the policy: nothing else runs or styles. */
static void put_hash(ein_markup *out, const ein_markup *text) {
    unsigned char hash[crypto_hash_sha256_BYTES];
    char base64[crypto_hash_sha256_BYTES * 2];
    crypto_hash_sha256(hash, (const unsigned char *)text->text, text->bytes);
    ein_base64_encode(hash, sizeof hash, base64);
    ein_markup_put(out, "'sha256-%s'", base64);
}

/* A part of the binary as it is: the one way for markup that is not a format. */
static void take_embedded(ein_markup *out, const char *path) {
    const ein_embedded *file = ein_embedded_find(path);
    EIN_BUG_IF(!file);
    char *copy = file ? strndup(file->begin, (size_t)(file->end - file->begin)) : NULL;
    if (copy) {
        const ein_markup text = {.text = copy, .bytes = strlen(copy)};
        ein_markup_join(out, &text);
    } else {
        out->failed = true;
    }
    free(copy);
}

static void put_head(ein_markup *out, const char *title, const char *program) {
    ein_markup style = {0}, script = {0};
    take_embedded(&style, "jobs/report/style.css");
    ein_picture_styles(&style);
    take_embedded(&script, "jobs/report/script.js");
    ein_markup_put(out,
                   "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
                   "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src ");
    put_hash(out, &style);
    ein_markup_put(out, "; script-src ");
    put_hash(out, &script);
    ein_markup_put(
        out,
        "; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"referrer\" content=\"no-referrer\">\n<meta name=\"generator\" content=\"%s\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n<title>%s</title>\n<style>",
        program, title);
    ein_markup_join(out, &style);
    ein_markup_put(out, "</style>\n<script>");
    ein_markup_join(out, &script);
    ein_markup_put(out, "</script>\n</head>\n<body>\n<a class=\"skip\" href=\"#%s\">Skip to the report</a>\n",
                   ein_contents[0].id);
    ein_markup_free(&style);
    ein_markup_free(&script);
}

static void put_navigation(ein_markup *out) {
    ein_markup_put(out, "<nav aria-label=\"Contents\"><ol>\n");
    for (int i = 0; ein_contents[i].id; i++)
        ein_markup_put(out, "<li><a href=\"#%s\">%s</a></li>\n", ein_contents[i].id, ein_contents[i].title);
    ein_markup_put(out, "</ol></nav>\n");
}

ein_status ein_page_write(ein_page *page, const char *path, const char *title, const char *program) {
    ein_markup out = {0};
    if (page->status != EIN_OK) return page->status;
    EIN_BUG_IF(sodium_init() < 0);
    put_head(&out, title, program);
    put_navigation(&out);
    ein_markup_put(&out, "<main>\n");
    ein_markup_join(&out, &page->body);
    ein_markup_put(&out, "</section>\n</main>\n<footer><p>Made by %s.</p></footer>\n</body>\n</html>\n",
                   program);
    ein_status status = ein_markup_done(&out, "the page");
    if (status == EIN_OK) status = ein_durable_write(path, out.text, out.bytes);
    ein_markup_free(&out);
    return status;
}

void ein_page_free(ein_page *page) {
    if (page->csv) ein_csv_finish(page->csv, false);
    free(page->csv_path);
    free(page->folder);
    ein_markup_free(&page->body);
    *page = (ein_page){0};
}
