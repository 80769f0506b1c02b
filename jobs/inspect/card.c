#include "jobs/inspect/card.h"

#include <stdlib.h>
#include <string.h>

#include "io/picture/markup.h"

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

/* Markdown gives HTML and some signs a meaning; in a text of a file they have none. */
static void put(const char *text, FILE *stream) {
    ein_markup m = {0};
    ein_markup_text(&m, text);
    for (const char *c = m.text; c && *c; c++) {
        if (strchr("\\`*_[]|~#!", *c)) fputc('\\', stream);
        fputc(*c == '\n' ? ' ' : *c, stream);
    }
    ein_markup_free(&m);
}

static void put_line(const char *name, const char *text, FILE *stream) {
    fprintf(stream, "- **%s**: ", name);
    if (*text)
        put(text, stream);
    else
        fputs("not stated", stream);
    fputc('\n', stream);
}

static void put_number(const json_t *object, const char *key, FILE *stream) {
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value))
        fprintf(stream, " | %" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        fprintf(stream, " | %.4g", json_real_value(value));
    else
        fputs(" | -", stream);
}

static void put_targets(const json_t *targets, FILE *stream) {
    static const char *const key[] = {"validation_positive", "validation_negative", "validation_auroc",
                                      "threshold_youden"};
    size_t i;
    json_t *target;
    if (json_array_size(targets) == 0) {
        fputs("Features of an encoder, no predictions.\n", stream);
        return;
    }
    fputs(
        "| target | kind | validation positive | negative | AUROC there | threshold (Youden, chosen there) |\n"
        "|---|---|---|---|---|---|\n",
        stream);
    json_array_foreach(targets, i, target) {
        fputs("| ", stream);
        put(text_of(target, "target"), stream);
        fputs(" | ", stream);
        put(text_of(target, "kind"), stream);
        for (size_t k = 0; k < sizeof key / sizeof *key; k++) put_number(target, key[k], stream);
        fputs(" |\n", stream);
    }
    fputs(
        "\nFigures of validation records chose the model and are optimistic; `einthoven evaluate` gives those to be "
        "quoted.\n",
        stream);
}

/* A text of lines, each a line of code. */
static void put_lines(const char *text, FILE *stream) {
    while (*text) {
        const size_t n = strcspn(text, "\n");
        char line[256];
        snprintf(line, sizeof line, "%.*s", (int)(n < sizeof line ? n : sizeof line - 1), text);
        fputs("- ", stream);
        put(line, stream);
        fputc('\n', stream);
        text += n + (text[n] == '\n');
    }
}

/* The training summary, a JSON object as text, member by member. */
static void put_training(const char *text, FILE *stream) {
    const char *key;
    json_t *value, *summary = json_loads(text, 0, NULL);
    if (!json_is_object(summary)) put_line("Summary", text, stream);
    json_object_foreach(summary, key, value) {
        char *shown =
            json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        fputs("- ", stream);
        put(key, stream);
        fputs(": ", stream);
        put(json_is_string(value) ? json_string_value(value) : shown ? shown : "", stream);
        fputc('\n', stream);
        free(shown);
    }
    json_decref(summary);
}

static void put_missing(FILE *stream) {
    static const char *const item[] = {"Intended use, users and patients",
                                       "Uses to be avoided",
                                       "Who is in the training data, where and when they were recorded",
                                       "Evaluation on patients of others, by group",
                                       "Known risks and biases",
                                       "Contact, funding, ethical approval"};
    fputs("\n## What only the authors can say\n\n", stream);
    for (size_t i = 0; i < sizeof item / sizeof *item; i++) fprintf(stream, "- **%s**: MISSING\n", item[i]);
}

ein_status ein_inspect_card(const json_t *look, FILE *stream) {
    const json_t *shape = json_object_get(look, "shape");
    const char *path = text_of(look, "path"), *slash = strrchr(path, '/');
    if (strcmp(text_of(look, "kind"), "model") != 0)
        return ein_error(EIN_USAGE, "--card: %s is no model of ours", path);
    fputs("# Model card: ", stream);
    put(slash ? slash + 1 : path, stream);
    fputs("\n\n", stream);
    put_line("Made by", text_of(look, "program"), stream);
    put_line("Content hash (BLAKE2b-256)", text_of(look, "content_blake2b"), stream);
    put_line("Licence", text_of(look, "licence"), stream);
    fprintf(stream, "- **Architecture**: vision transformer on one-dimensional patches, %s",
            text_of(look, "parts"));
    fprintf(stream,
            ", %" JSON_INTEGER_FORMAT " parameters, width %" JSON_INTEGER_FORMAT
            ", depth %" JSON_INTEGER_FORMAT "\n",
            json_integer_value(json_object_get(look, "parameters")),
            json_integer_value(json_object_get(shape, "width")),
            json_integer_value(json_object_get(shape, "depth")));
    fputs("\n## What it predicts\n\n", stream);
    put_targets(json_object_get(look, "targets"), stream);
    fputs("\n## What it reads\n\n", stream);
    put_lines(text_of(look, "contract"), stream);
    fputs("\n## How it was trained\n\n", stream);
    put_training(text_of(look, "training"), stream);
    put_missing(stream);
    return EIN_OK;
}
