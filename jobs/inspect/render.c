/* JSON objects of inspect: putting values in, printing them as text. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "jobs/inspect/inspect.h"

void ein_put_text(json_t *object, const char *key, const char *text) {
    if (!text) return;
    json_object_set_new(object, key, ein_json_text(text));
}

void ein_put_int(json_t *object, const char *key, int64_t value) {
    json_object_set_new(object, key, json_integer(value));
}

void ein_put_real(json_t *object, const char *key, double value) {
    json_object_set_new(object, key, isfinite(value) ? json_real(value) : json_null());
}

void ein_put_bool(json_t *object, const char *key, bool value) {
    json_object_set_new(object, key, json_boolean(value));
}

void ein_put_shape(json_t *object, const ein_vit_shape *s, ein_vit_parts parts) {
    json_t *shape = json_object();
    ein_layout *layout;
    ein_put_text(object, "parts", ein_vit_parts_name(parts));
    ein_put_int(shape, "leads", s->leads);
    ein_put_int(shape, "samples", s->samples);
    ein_put_int(shape, "patch", s->patch);
    ein_put_int(shape, "width", s->width);
    ein_put_int(shape, "depth", s->depth);
    ein_put_int(shape, "heads", s->heads);
    ein_put_int(shape, "mlp", s->mlp);
    if (parts == EIN_PART_PRETRAIN) {
        ein_put_int(shape, "decoder_width", s->dec_width);
        ein_put_int(shape, "decoder_depth", s->dec_depth);
        ein_put_int(shape, "decoder_heads", s->dec_heads);
        ein_put_int(shape, "decoder_mlp", s->dec_mlp);
    }
    if (s->positions != EIN_POSITIONS_LEARNED)
        ein_put_text(shape, "positions", ein_vit_positions_name((ein_vit_positions)s->positions));
    if (parts == EIN_PART_CLASSIFY) {
        ein_put_int(shape, "classes", s->classes);
        ein_put_text(shape, "pool", ein_vit_pool_name((ein_vit_pool)s->pool));
        if (s->lora > 0) ein_put_int(shape, "lora", s->lora);
    }
    json_object_set_new(object, "shape", shape);
    if (ein_layout_new(s, parts, &layout) != EIN_OK) return;
    ein_put_int(object, "parameters", layout->parameters);
    ein_layout_destroy(layout);
}

/* --- text ------------------------------------------------------------------------------------------------ */

static void print_line(const char *text, size_t length, FILE *stream) {
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        /* C1 control characters reach terminals as UTF-8 too: 0xc2 0x80 to 0xc2 0x9f. */
        bool c1 = c == 0xc2 && i + 1 < length && (unsigned char)text[i + 1] < 0xa0;
        if (c < 0x20 || c == 0x7f || c1)
            fprintf(stream, "\\x%02x", c);
        else
            fputc(c, stream);
    }
}

static int count_lines(const char *text) {
    int n = 0;
    for (const char *c = text; *c; c++) n += *c == '\n' || !c[1];
    return n;
}

static void print_block(const char *text, int indent, FILE *stream) {
    while (*text) {
        size_t length = strcspn(text, "\n");
        fprintf(stream, "\n%*s", indent, "");
        print_line(text, length, stream);
        text += length + (text[length] == '\n');
    }
}

/* A text of one line, with or without its line feed, stands beside its key. */
static void print_text(const char *text, int indent, bool texts, FILE *stream) {
    int lines = count_lines(text);
    if (lines <= 1)
        print_line(text, strcspn(text, "\n"), stream);
    else if (texts)
        print_block(text, indent + 2, stream);
    else
        fprintf(stream, "(%d lines; --texts prints them)", lines);
}

static void print_value(const json_t *value, int indent, bool texts, FILE *stream);

static void print_members(const json_t *object, int indent, bool texts, FILE *stream) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        fprintf(stream, "\n%*s", indent, "");
        print_line(key, strlen(key), stream);
        fputs(": ", stream);
        print_value(value, indent, texts, stream);
    }
}

/* An object whose members are all simple goes on one line. */
static bool is_flat(const json_t *object) {
    const char *key;
    json_t *value;
    json_object_foreach(
        (json_t *)(uintptr_t)object, key,
        value) if (json_is_object(value) || json_is_array(value) ||
                   (json_is_string(value) && strchr(json_string_value(value), '\n'))) return false;
    return json_object_size(object) <= 12;
}

static void print_flat(const json_t *object, FILE *stream) {
    const char *key, *before = "";
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        fputs(before, stream);
        print_line(key, strlen(key), stream);
        fputc(' ', stream);
        print_value(value, 0, false, stream);
        before = ", ";
    }
}

static void print_value(const json_t *value, int indent, bool texts, FILE *stream) {
    size_t i;
    json_t *item;
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        if (is_flat(value))
            print_flat(value, stream);
        else
            print_members(value, indent + 2, texts, stream);
        break;
    case JSON_ARRAY:
        if (json_array_size(value) == 0) fputs("none", stream);
        json_array_foreach(value, i, item) {
            fprintf(stream, "\n%*s", indent + 2, "");
            print_value(item, indent + 2, texts, stream);
        }
        break;
    case JSON_STRING:
        print_text(json_string_value(value), indent, texts, stream);
        break;
    case JSON_INTEGER:
        fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        break;
    case JSON_REAL:
        fprintf(stream, "%.9g", json_real_value(value));
        break;
    case JSON_NULL:
        fputs("-", stream);
        break;
    default:
        fputs(json_is_true(value) ? "yes" : "no", stream);
    }
}

void ein_render(const json_t *object, bool texts, FILE *stream) {
    const char *path = json_string_value(json_object_get(object, "path"));
    if (path) print_line(path, strlen(path), stream);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (!strcmp(key, "path")) continue;
        fprintf(stream, "\n  %s: ", key);
        print_value(value, 2, texts, stream);
    }
    fputc('\n', stream);
}
