/* libFuzzer target: bodies of plans and of sites' results, signed by somebody with a key. The first byte chooses. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/sites/result.h"
#include "tests/fuzz/fuzz_text_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good, const char *what) {
    if (good) return;
    fprintf(stderr, "fuzz_site: %s: %s\n", what, ein_error_message());
    abort();
}

static const ein_site_key *own_key(void) {
    static ein_site_key key;
    static bool made;
    char path[128];
    if (made) return &key;
    snprintf(path, sizeof path, "%s/key", fuzz_folder());
    check(ein_site_key_make(path, &key) == EIN_OK, "a key");
    made = true;
    return &key;
}

static char *sign(const ein_signed_kind *kind, json_t *body) {
    char context[64], public_key[65], value[129], *text, *whole;
    uint8_t signature[EIN_SIGNATURE_BYTES];
    check(ein_signed_canonical(body, &text) == EIN_OK, "a text");
    snprintf(context, sizeof context, "%s %d", kind->format, kind->version);
    ein_sign(signature, context, text, strlen(text), own_key());
    free(text);
    ein_hex(own_key()->public_key, 32, public_key);
    ein_hex(signature, 64, value);
    json_t *root = json_pack("{s:O, s:{s:s, s:s, s:s}}", "body", body, "signature", "algorithm", "ed25519",
                             "public_key", public_key, "value", value);
    check(ein_signed_canonical(root, &text) == EIN_OK, "a text");
    json_decref(root);
    check(asprintf(&whole, "%s\n", text) > 0, "memory");
    free(text);
    return whole;
}

static void try_plan(const char *text) {
    ein_plan *plan;
    static FILE *nowhere;
    if (!nowhere) nowhere = fopen("/dev/null", "w");
    if (ein_plan_parse("fuzz", text, strlen(text), &plan) != EIN_OK) {
        check(ein_error_message()[0] != '\0', "a refusal has a message");
        return;
    }
    ein_plan_words(plan, nowhere);
    ein_plan_free(plan);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ein_signed file;
    if (size < 2) return 0;
    const ein_signed_kind *kind = data[0] % 2 ? &ein_signed_plan : &ein_signed_result;
    if (ein_signed_parse(kind, "fuzz", (const char *)data + 1, size - 1, &file) == EIN_OK)
        ein_signed_free(&file);
    json_t *body = json_loadb((const char *)data + 1, size - 1, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(body)) {
        char *text = sign(kind, body);
        if (kind == &ein_signed_plan)
            try_plan(text);
        else if (ein_signed_parse(kind, "fuzz", text, strlen(text), &file) == EIN_OK)
            ein_signed_free(&file);
        free(text);
    }
    json_decref(body);
    return 0;
}
