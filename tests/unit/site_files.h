/* What tests of site files share: a key, signing without any check, and mutations of JSON. */
#ifndef EIN_TESTS_SITE_FILES_H
#define EIN_TESTS_SITE_FILES_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/philox.h"
#include "io/sites/plan.h"

static inline ein_site_key site_test_key(const char *name) {
    ein_site_key key;
    char path[] = "/tmp/einthoven-key-XXXXXX", file[80], public_file[96];
    ck_assert(mkdtemp(path) != NULL);
    snprintf(file, sizeof file, "%s/%s", path, name);
    snprintf(public_file, sizeof public_file, "%s.pub", file);
    ck_assert_msg(ein_site_key_make(file, &key) == EIN_OK, "%s", ein_error_message());
    unlink(file);
    unlink(public_file);
    rmdir(path);
    return key;
}

/* Sign a body whatever it says, as somebody with a key and bad intentions would. */
static inline char *site_sign_anything(const ein_signed_kind *kind, json_t *body, const ein_site_key *key) {
    char context[64], public_key[65], value[129], *text, *whole;
    uint8_t signature[EIN_SIGNATURE_BYTES];
    ck_assert(ein_signed_canonical(body, &text) == EIN_OK);
    snprintf(context, sizeof context, "%s %d", kind->format, kind->version);
    ein_sign(signature, context, text, strlen(text), key);
    free(text);
    ein_hex(key->public_key, 32, public_key);
    ein_hex(signature, 64, value);
    json_t *root = json_pack("{s:O, s:{s:s, s:s, s:s}}", "body", body, "signature", "algorithm", "ed25519",
                             "public_key", public_key, "value", value);
    ck_assert(ein_signed_canonical(root, &text) == EIN_OK);
    json_decref(root);
    ck_assert(asprintf(&whole, "%s\n", text) > 0);
    free(text);
    return whole;
}

/* How often a text or a body is altered; a sanitizer makes each try some ten times as long. */
#ifdef __SANITIZE_ADDRESS__
enum { SITE_TRIES = 500 };
#else
enum { SITE_TRIES = 5000 };
#endif

static inline void site_tell_refused(const char *what, int refused) {
    printf("# %d of %d %s are refused with a reason\n", refused, SITE_TRIES, what);
    fflush(stdout);
}

/* A stream of draws for one test. */
typedef struct {
    uint64_t seed, at;
} site_draws;

static inline uint32_t site_draw(site_draws *d, uint32_t below) {
    d->at++;
    uint64_t x = (d->seed * 0x9E3779B97F4A7C15u) ^ (d->at * 0xBF58476D1CE4E5B9u);
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    return (uint32_t)((x ^ (x >> 31)) % below);
}

static inline json_t *site_odd_value(site_draws *d) {
    static const char *const texts[] = {"",
                                        "x",
                                        "2000-99-99",
                                        "0000-00-00",
                                        "\xc3\xa9",
                                        "a\nb",
                                        "../../etc/passwd",
                                        "-1",
                                        "99999999999999999999"};
    switch (site_draw(d, 10)) {
    case 0:
        return json_null();
    case 1:
        return json_integer(-1);
    case 2:
        return json_integer(INT64_MAX);
    case 3:
        return json_real(1e308);
    case 4:
        return json_real(-0.0);
    case 5:
        return json_array();
    case 6:
        return json_object();
    case 7:
        return json_boolean(site_draw(d, 2));
    case 8:
        return json_integer((int)site_draw(d, 3));
    default:
        return json_string(texts[site_draw(d, sizeof texts / sizeof *texts)]);
    }
}

/* Change one value somewhere: replace, remove, repeat or swap. */
static inline void site_mutate(json_t *at, site_draws *d) {
    if (json_is_object(at) && json_object_size(at) > 0) {
        uint32_t pick = site_draw(d, (uint32_t)json_object_size(at));
        const char *key;
        json_t *value = NULL;
        json_object_foreach(at, key, value) if (pick-- == 0) break;
        if ((json_is_object(value) || json_is_array(value)) && site_draw(d, 5) > 0) {
            site_mutate(value, d);
        } else if (site_draw(d, 4) == 0) {
            char copy[200];
            snprintf(copy, sizeof copy, "%s", key);
            json_object_del(at, copy);
        } else if (site_draw(d, 8) == 0) {
            json_object_set_new(at, "more", site_odd_value(d));
        } else {
            char copy[200];
            snprintf(copy, sizeof copy, "%s", key);
            json_object_set_new(at, copy, site_odd_value(d));
        }
    } else if (json_is_array(at) && json_array_size(at) > 0) {
        const size_t pick = site_draw(d, (uint32_t)json_array_size(at));
        json_t *value = json_array_get(at, pick);
        if ((json_is_object(value) || json_is_array(value)) && site_draw(d, 5) > 0) {
            site_mutate(value, d);
        } else {
            switch (site_draw(d, 4)) {
            case 0:
                json_array_remove(at, pick);
                break;
            case 1:
                json_array_append_new(at, json_deep_copy(value));
                break;
            case 2:
                json_array_insert_new(at, pick, site_odd_value(d));
                break;
            default:
                json_array_set_new(at, pick, site_odd_value(d));
            }
        }
    } else if (json_is_array(at)) {
        json_array_append_new(at, site_odd_value(d));
    }
}

/* Change bytes of a text of `bytes` bytes in place; the new length. */
static inline size_t site_mutate_text(char *text, size_t bytes, site_draws *d) {
    static const char odd[] = "{}[]\",:0129.eE-\\\n \x01\xff";
    const int n = 1 + (int)site_draw(d, 3);
    for (int i = 0; i < n && bytes > 1; i++) {
        const size_t at = site_draw(d, (uint32_t)bytes);
        switch (site_draw(d, 5)) {
        case 0:
            text[at] = (char)(text[at] ^ (1 << site_draw(d, 8)));
            break;
        case 1:
            text[at] = odd[site_draw(d, sizeof odd - 1)];
            break;
        case 2:
            bytes = at;
            break;
        case 3:
            memmove(text + at, text + at + 1, bytes - at - 1);
            bytes--;
            break;
        default: {
            const size_t to = site_draw(d, (uint32_t)bytes);
            const char kept = text[at];
            text[at] = text[to];
            text[to] = kept;
        }
        }
    }
    return bytes;
}

#endif
