/* Signed JSON files: a body, and who signed it.
 *
 *     {"body": {"format": "einthoven plan", "schema_version": 1, ...},
 *      "signature": {"algorithm": "ed25519", "public_key": "...", "value": "..."}}
 *
 * There is one way to write such a file: keys sorted, one blank of indent, numbers with 17 digits, a line end at the
 * end. Another text is refused, so that whoever alters a byte alters the file; the file's hash (b2sum -l 256) names
 * it. The signature is over the body as text behind "FORMAT VERSION" (io/sites/keys.h). Structure is judged by the
 * published schema. Nothing here is collective.
 */
#ifndef EIN_IO_SITES_SIGNED_H
#define EIN_IO_SITES_SIGNED_H

#include <jansson.h>

#include "io/base/hash.h"
#include "io/sites/keys.h"

typedef struct {
    const char *format; /* "einthoven plan" */
    int version;
    const char *schema; /* JSON Schema of the body, as published */
    size_t max_bytes;
} ein_signed_kind;

extern const ein_signed_kind ein_signed_plan, ein_signed_result;

typedef struct {
    json_t *body;
    uint8_t public_key[EIN_PUBLIC_KEY_BYTES];
    char hash[EIN_HASH_TEXT_BYTES]; /* BLAKE2b-256 of the file */
} ein_signed;
void ein_signed_free(ein_signed *file);

/* The one text of a JSON value (free()). */
ein_status ein_signed_canonical(const json_t *value, char **out);

/* Check the body against the schema, sign it, and give the file's text (free()). */
ein_status ein_signed_make(const ein_signed_kind *kind, const json_t *body, const ein_site_key *key,
                           char **text);

/* Take a file apart. EIN_FORMAT: not such a file, or one that the schema refuses; EIN_MISMATCH: another kind or
 * version; EIN_CORRUPT: altered, or not signed by the key that it names. Whether that key is to be trusted is the
 * caller's. */
ein_status ein_signed_parse(const ein_signed_kind *kind, const char *name, const char *text, size_t bytes,
                            ein_signed *out);
ein_status ein_signed_read(const ein_signed_kind *kind, const char *path, ein_signed *out);

/* Whether the file is of this kind, by its first bytes; false if it cannot be read. */
bool ein_signed_is(const ein_signed_kind *kind, const char *path);

/* EIN_FORMAT unless the body is what the schema says. */
ein_status ein_signed_check_body(const ein_signed_kind *kind, const char *name, const json_t *body);

#endif
