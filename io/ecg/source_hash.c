#include "io/ecg/source_hash.h"

#include <limits.h>
#include <math.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/hash.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/wfdb_segments.h"
#include "io/formats/xml_text.h"

static ein_status add_signals(ein_file_hash *hash, const ein_place *place, const char *path,
                              const ein_wfdb_header *header) {
    for (int i = 0; i < header->n_signals; i++) {
        char name[PATH_MAX];
        bool seen = false;
        for (int j = 0; j < i; j++)
            seen = seen || strcmp(header->signal[i].file, header->signal[j].file) == 0;
        if (seen) continue;
        EIN_TRY(ein_wfdb_signal_path(place, path, header->signal[i].file, name, sizeof name));
        ein_file_hash_file(hash, place, name);
    }
    return EIN_OK;
}

static ein_status add_record(ein_file_hash *hash, const ein_place *place, const char *path, const char *text,
                             size_t bytes) {
    ein_wfdb_header *header = NULL;
    ein_status status = EIN_NEW(header, 1);
    if (status == EIN_OK) status = ein_wfdb_header_parse(path, text, bytes, header);
    if (status == EIN_OK) status = add_signals(hash, place, path, header);
    free(header);
    return status;
}

static ein_status add_wfdb(ein_file_hash *hash, const ein_place *place, const char *path);

/* Each segment's header and signals, in the order of the header. */
static ein_status add_segments(ein_file_hash *hash, const ein_place *place, const char *path,
                               const char *text) {
    ein_wfdb_segments list;
    char header[PATH_MAX];
    EIN_TRY(ein_wfdb_segments_parse(path, text, &list));
    ein_status status = EIN_OK;
    for (int i = 0; status == EIN_OK && i < list.n_segments; i++) {
        const ein_wfdb_segment *s = &list.segment[i];
        if (!s->name[0] || s->frames == 0) continue;
        status = ein_wfdb_segment_path(path, s, header, sizeof header);
        if (status == EIN_OK) status = add_wfdb(hash, place, header);
    }
    ein_wfdb_segments_free(&list);
    return status;
}

/* A header of one segment. */
static ein_status add_wfdb(ein_file_hash *hash, const ein_place *place, const char *path) {
    ein_input input;
    ein_content file;
    ein_status status = ein_input_open(place, path, &input);
    if (status == EIN_OK) status = ein_input_whole(&input, EIN_WFDB_MAX_HEADER_BYTES, &file);
    if (status == EIN_OK) {
        ein_file_hash_whole(hash, file.bytes, file.n);
        status = add_record(hash, place, path, (const char *)file.bytes, file.n);
    }
    ein_input_close(&input);
    return status;
}

/* Whether it is a WFDB header, whose text is then `*file`; else its bytes are hashed as they are. */
static ein_status is_wfdb_header(ein_input *input, ein_content *file, bool *is) {
    char root[EIN_XML_NAME_BYTES];
    const uint8_t *start;
    size_t bytes, n = strlen(input->path);
    *is = false;
    if (n <= 4 || strcasecmp(input->path + n - 4, ".hea") != 0) return EIN_OK;
    EIN_TRY(ein_input_start(input, &start, &bytes));
    if (ein_xml_sniff(start, bytes, root)) return EIN_OK;
    *is = true;
    return ein_input_whole(input, EIN_WFDB_MAX_HEADER_BYTES, file);
}

static ein_status add_any(ein_file_hash *hash, const ein_place *place, ein_input *input) {
    ein_content file;
    bool is_wfdb;
    EIN_TRY(is_wfdb_header(input, &file, &is_wfdb));
    if (!is_wfdb) {
        ein_file_hash_rest(hash, input);
        return EIN_OK;
    }
    const char *text = (const char *)file.bytes;
    ein_file_hash_whole(hash, file.bytes, file.n);
    return ein_wfdb_is_segmented(text) ? add_segments(hash, place, input->path, text)
                                       : add_record(hash, place, input->path, text, file.n);
}

ein_status ein_source_hash_in(const ein_place *place, const char *path, char out[EIN_SHA256_TEXT_BYTES]) {
    ein_file_hash hash;
    ein_input input;
    ein_file_hash_begin(&hash);
    ein_status status = ein_input_open(place, path, &input);
    if (status == EIN_OK) status = add_any(&hash, place, &input);
    ein_input_close(&input);
    return status == EIN_OK ? ein_file_hash_end(&hash, out) : status;
}

ein_status ein_source_hash(const char *path, char out[EIN_SHA256_TEXT_BYTES]) {
    return ein_source_hash_in(NULL, path, out);
}

/* --- samples ----------------------------------------------------------------------------------------------- */

static void add_number(crypto_generichash_blake2b_state *state, int64_t value) {
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (uint8_t)((uint64_t)value >> (8 * i));
    crypto_generichash_blake2b_update(state, bytes, sizeof bytes);
}

static int32_t whole_uv(float mv) {
    const double uv = nearbyint((double)mv * 1000);
    if (!(fabs(uv) <= INT32_MAX)) return INT32_MIN;
    return (int32_t)uv;
}

static void add_lead(crypto_generichash_blake2b_state *state, const char *name, const float *mv, int64_t n) {
    enum { AT_ONCE = 4096 };
    uint8_t bytes[AT_ONCE * 4];
    crypto_generichash_blake2b_update(state, (const uint8_t *)name, strlen(name) + 1);
    for (int64_t done = 0; done < n; done += AT_ONCE) {
        const int64_t count = n - done < AT_ONCE ? n - done : AT_ONCE;
        for (int64_t i = 0; i < count; i++) {
            const uint32_t uv = (uint32_t)whole_uv(mv[done + i]);
            for (int b = 0; b < 4; b++) bytes[4 * i + b] = (uint8_t)(uv >> (8 * b));
        }
        crypto_generichash_blake2b_update(state, bytes, (size_t)count * 4);
    }
}

static bool is_derived(const ein_ecg *ecg, int lead) {
    return lead >= EIN_LEAD_III && lead <= EIN_LEAD_AVF && ein_ecg_find_lead(ecg, EIN_LEAD_I) >= 0 &&
           ein_ecg_find_lead(ecg, EIN_LEAD_II) >= 0;
}

uint64_t ein_signal_key(const ein_ecg *ecg) {
    crypto_generichash_blake2b_state state;
    uint8_t digest[EIN_HASH_BYTES];
    int known = 0;
    uint64_t key = 0;
    EIN_BUG_IF(sodium_init() < 0);
    crypto_generichash_blake2b_init(&state, NULL, 0, sizeof digest);
    add_number(&state, (int64_t)nearbyint(ecg->fs_hz * 1e6));
    add_number(&state, ecg->n_samples);
    for (int lead = 0; lead < EIN_LEAD_COUNT; lead++) {
        const int at = ein_ecg_find_lead(ecg, (ein_lead)lead);
        if (at < 0 || is_derived(ecg, lead)) continue;
        add_lead(&state, ein_lead_name((ein_lead)lead), ecg->mv + at * ecg->n_samples, ecg->n_samples);
        known++;
    }
    for (int l = 0; l < ecg->n_leads && known == 0; l++)
        add_lead(&state, ecg->lead_name[l], ecg->mv + l * ecg->n_samples, ecg->n_samples);
    crypto_generichash_blake2b_final(&state, digest, sizeof digest);
    for (int i = 7; i >= 0; i--) key = key << 8 | digest[i];
    return key ? key : 1;
}
