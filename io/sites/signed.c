#include "io/sites/signed.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/base/utf8.h"
#include "io/formats/json_read.h"

/* Part of the binary (Makefile). */
extern const char ein_file_io_sites_plan_schema[], ein_file_io_sites_result_schema[];

const ein_signed_kind ein_signed_plan = {"einthoven plan", 1, ein_file_io_sites_plan_schema, 4 << 20};
const ein_signed_kind ein_signed_result = {"einthoven site result", 1, ein_file_io_sites_result_schema,
                                           16 << 20};

void ein_signed_free(ein_signed *file) {
    json_decref(file->body);
    *file = (ein_signed){0};
}

ein_status ein_signed_canonical(const json_t *value, char **out) {
    *out = json_dumps(value, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a JSON text");
}

ein_status ein_signed_check_body(const ein_signed_kind *kind, const char *name, const json_t *body) {
    json_error_t error;
    json_t *schema = json_loads(kind->schema, JSON_REJECT_DUPLICATES, &error);
    if (!schema) return ein_error(EIN_NOMEM, "the schema of a %s: %s", kind->format, error.text);
    const ein_status status = ein_json_check_schema(name, body, schema);
    json_decref(schema);
    return status;
}

static void context_of(const ein_signed_kind *kind, char out[64]) {
    snprintf(out, 64, "%s %d", kind->format, kind->version);
}

/* The whole file's text. */
static ein_status whole_text(json_t *body, const char *public_key, const char *value, char **out) {
    char *text;
    json_t *root = json_pack("{s:O, s:{s:s, s:s, s:s}}", "body", body, "signature", "algorithm", "ed25519",
                             "public_key", public_key, "value", value);
    if (!root) return ein_error(EIN_NOMEM, "no memory for a signed file");
    const ein_status status = ein_signed_canonical(root, &text);
    json_decref(root);
    EIN_TRY(status);
    const bool made = asprintf(out, "%s\n", text) >= 0;
    free(text);
    return made ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a signed file");
}

ein_status ein_signed_make(const ein_signed_kind *kind, const json_t *body, const ein_site_key *key,
                           char **out) {
    char context[64], *text, public_key[2 * EIN_PUBLIC_KEY_BYTES + 1], value[2 * EIN_SIGNATURE_BYTES + 1];
    uint8_t signature[EIN_SIGNATURE_BYTES];
    EIN_TRY(ein_signed_check_body(kind, kind->format, body));
    EIN_TRY(ein_signed_canonical(body, &text));
    context_of(kind, context);
    ein_sign(signature, context, text, strlen(text), key);
    free(text);
    ein_hex(key->public_key, sizeof key->public_key, public_key);
    ein_hex(signature, sizeof signature, value);
    return whole_text((json_t *)(uintptr_t)body, public_key, value, out);
}

/* --- reading ---------------------------------------------------------------------------------------------- */

static ein_status check_kind(const ein_signed_kind *kind, const char *name, const json_t *body) {
    char shown[64];
    const char *format = json_string_value(json_object_get(body, "format"));
    const json_t *version = json_object_get(body, "schema_version");
    if (!format || strcmp(format, kind->format) != 0)
        return ein_error(EIN_MISMATCH, "%s: \"%s\", where an \"%s\" is needed", name,
                         ein_utf8_show(format ? format : "a file without a format", shown, sizeof shown),
                         kind->format);
    if (json_is_integer(version) && json_integer_value(version) == kind->version) return EIN_OK;
    if (json_is_integer(version) && json_integer_value(version) > kind->version)
        return ein_error(EIN_MISMATCH, "%s: schema version %lld; this program knows %d: take a newer one",
                         name, (long long)json_integer_value(version), kind->version);
    return ein_error(
        EIN_MISMATCH,
        "%s: schema version %lld is older than %d, or none: an older schema may check less and is refused",
        name, (long long)json_integer_value(version), kind->version);
}

/* Hexadecimal digits can be written in two ways; one is ours. */
static bool is_hex_of(const char *text, const uint8_t *bytes, size_t n) {
    char hex[2 * EIN_SIGNATURE_BYTES + 1];
    ein_hex(bytes, n, hex);
    return strcmp(text, hex) == 0;
}

static ein_status check_signature(const ein_signed_kind *kind, const char *name, const json_t *root,
                                  ein_signed *out) {
    char context[64], *text;
    uint8_t signature[EIN_SIGNATURE_BYTES];
    const json_t *s = json_object_get(root, "signature");
    const char *algorithm = json_string_value(json_object_get(s, "algorithm")),
               *public_key = json_string_value(json_object_get(s, "public_key")),
               *value = json_string_value(json_object_get(s, "value"));
    size_t n = 0;
    if (!algorithm || !public_key || !value || strcmp(algorithm, "ed25519") != 0 ||
        json_object_size(s) != 3 || strlen(value) != 2 * EIN_SIGNATURE_BYTES ||
        sodium_hex2bin(signature, sizeof signature, value, strlen(value), NULL, &n, NULL) != 0 ||
        n != sizeof signature || ein_public_key_parse(public_key, out->public_key) != EIN_OK ||
        !is_hex_of(public_key, out->public_key, sizeof out->public_key) ||
        !is_hex_of(value, signature, sizeof signature))
        return ein_error(EIN_CORRUPT, "%s: has no signature of Ed25519", name);
    EIN_TRY(ein_signed_canonical(out->body, &text));
    context_of(kind, context);
    const bool good = ein_sign_verify(signature, context, text, strlen(text), out->public_key);
    free(text);
    if (good) return EIN_OK;
    return ein_error(EIN_CORRUPT,
                     "%s: the signature is not that of its content: it was altered after it was signed",
                     name);
}

static ein_status check_text(const char *name, const json_t *root, const char *text, size_t bytes) {
    char *canonical;
    EIN_TRY(ein_signed_canonical(root, &canonical));
    const size_t n = strlen(canonical);
    const bool same = bytes == n + 1 && memcmp(text, canonical, n) == 0 && text[n] == '\n';
    free(canonical);
    if (same) return EIN_OK;
    return ein_error(
        EIN_CORRUPT,
        "%s: the text is not as it was written, although it says the same (line ends or blanks changed, by "
        "mail or an editor?); ask for the file again, as an attachment",
        name);
}

ein_status ein_signed_parse(const ein_signed_kind *kind, const char *name, const char *text, size_t bytes,
                            ein_signed *out) {
    json_t *root;
    *out = (ein_signed){0};
    EIN_BUG_IF(sodium_init() < 0);
    EIN_TRY(ein_json_parse(name, text, bytes, kind->max_bytes, &root));
    json_t *body = json_object_get(root, "body");
    ein_status status =
        json_is_object(body) && json_object_size(root) == 2
            ? EIN_OK
            : ein_error(EIN_FORMAT, "%s: not a signed file: it has no body and signature", name);
    if (status == EIN_OK) {
        out->body = json_incref(body);
        status = check_kind(kind, name, body);
    }
    if (status == EIN_OK) status = check_signature(kind, name, root, out);
    if (status == EIN_OK) status = check_text(name, root, text, bytes);
    if (status == EIN_OK) status = ein_signed_check_body(kind, name, body);
    ein_hash_text(text, bytes, out->hash);
    json_decref(root);
    if (status != EIN_OK) ein_signed_free(out);
    return status;
}

ein_status ein_signed_read(const ein_signed_kind *kind, const char *path, ein_signed *out) {
    char *text;
    size_t bytes;
    *out = (ein_signed){0};
    EIN_TRY(ein_file_read(path, (int64_t)kind->max_bytes, &text, &bytes));
    const ein_status status = ein_signed_parse(kind, path, text, bytes, out);
    free(text);
    return status;
}

bool ein_signed_is(const ein_signed_kind *kind, const char *path) {
    char *text, mark[96];
    size_t bytes;
    if (ein_file_read(path, (int64_t)kind->max_bytes, &text, &bytes) != EIN_OK) {
        ein_error_clear();
        return false;
    }
    snprintf(mark, sizeof mark, "\"format\": \"%s\"", kind->format);
    const bool found = text[0] == '{' && strlen(text) == bytes && strstr(text, mark) != NULL;
    free(text);
    return found;
}
