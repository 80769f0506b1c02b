/* Mutants of a corpus whose BLAKE2b checksums hold: a value or an attribute is changed through the HDF5 library, and
 * what covers it hashed anew. In a child, because the library may die of what earlier mutations left. */
#ifndef EIN_TESTS_HDF5_EDIT_H
#define EIN_TESTS_HDF5_EDIT_H

#include <stdint.h>
#include <string.h>

#include "io/corpus/head.h"
#include "tests/fuzz/fuzz_h5.h"
#include "tests/fuzz/hdf5_mutate.h"

enum { EDIT_TEXT = 1 << 20, EDIT_BYTES = 1 << 22 };

static void edit_put_text(hid_t object, const char *name, const char *text) {
    hid_t a = H5Aopen(object, name, H5P_DEFAULT), t = a < 0 ? -1 : H5Aget_type(a);
    const size_t room = t < 0 ? 0 : H5Tget_size(t);
    char *padded = calloc(room + 1, 1);
    if (padded && room >= strlen(text)) {
        memcpy(padded, text, strlen(text));
        H5Awrite(a, t, padded);
    }
    free(padded);
}

/* A value of a column, and the column's checksum. */
static void edit_column(hid_t file, uint32_t *state) {
    static const char *const names[] = {"scale",       "age",           "sex",         "quality",
                                        "patient_key", "checksum",      "patient",     "cohort",
                                        "site",        "record_id",     "acquired",    "labels/AF",
                                        "source_file", "source_sha256", "lead_quality"};
    char hash[EIN_HASH_TEXT_BYTES];
    hid_t d = H5Dopen2(file, names[h5_draw(state, sizeof names / sizeof *names)], H5P_DEFAULT);
    hid_t t = d < 0 ? -1 : H5Dget_type(d), s = d < 0 ? -1 : H5Dget_space(d);
    if (t < 0 || s < 0) return;
    const hssize_t n = H5Sget_simple_extent_npoints(s);
    const size_t bytes = n > 0 && n < EDIT_BYTES ? (size_t)n * H5Tget_size(t) : 0;
    uint8_t *values = bytes > 0 && bytes < EDIT_BYTES ? malloc(bytes) : NULL;
    if (!values || H5Dread(d, t, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) return;
    h5_change(values, 0, bytes, state);
    H5Dwrite(d, t, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    ein_hash_text(values, bytes, hash);
    edit_put_text(d, "blake2b", hash);
    H5Dclose(d);
}

static void edit_number(hid_t file, uint32_t *state) {
    static const char *const names[] = {"version",  "records",       "block_records",
                                        "rejected", "valid_samples", "complete"};
    static const int64_t values[] = {0, 1, 2, -1, 1000, INT32_MAX, INT64_MAX, INT64_MIN, 1999999999};
    hid_t a = H5Aopen(file, names[h5_draw(state, 6)], H5P_DEFAULT);
    if (a < 0) return;
    H5Awrite(a, H5T_STD_I64LE, &values[h5_draw(state, 9)]);
    H5Aclose(a);
}

static void edit_text(hid_t file, uint32_t *state) {
    static const char *const names[] = {"contract", "program", "config", "patient_ids", "format"};
    const char *name = names[h5_draw(state, 5)];
    char *text = NULL, hash[EIN_HASH_TEXT_BYTES];
    if (ein_h5_get_text(file, name, EDIT_TEXT, &text) != EIN_OK || !text[0]) return;
    h5_change((uint8_t *)text, 0, strlen(text), state);
    edit_put_text(file, name, text);
    ein_hash_text(text, strlen(text), hash);
    if (!strcmp(name, "contract")) edit_put_text(file, "contract_hash", hash);
}

/* The checksum of the attributes as they stand. */
static void edit_seal(hid_t file) {
    char *program, *config, *contract, *contract_hash, *patients, hash[EIN_HASH_TEXT_BYTES];
    ein_texts labels, texts;
    ein_corpus_head h = {.labels = &labels, .texts = &texts};
    if (ein_h5_get_text(file, "program", EDIT_TEXT, &program) ||
        ein_h5_get_text(file, "config", EDIT_TEXT, &config) ||
        ein_h5_get_text(file, "contract", EDIT_TEXT, &contract) ||
        ein_h5_get_text(file, "contract_hash", EDIT_TEXT, &contract_hash) ||
        ein_h5_get_text(file, "patient_ids", EDIT_TEXT, &patients) ||
        ein_h5_get_i64(file, "records", &h.records) ||
        ein_h5_get_i64(file, "block_records", &h.block_records) ||
        ein_h5_get_i64(file, "rejected", &h.rejected) ||
        ein_h5_get_i64(file, "valid_samples", &h.valid_samples) ||
        ein_h5_get_f64(file, "mean_mv", &h.mean_mv) || ein_h5_get_f64(file, "sd_mv", &h.sd_mv) ||
        ein_h5_members(file, "labels", &labels) || ein_h5_members(file, "text", &texts))
        return;
    h.program = program, h.config = config, h.contract = contract, h.contract_hash = contract_hash,
    h.patient_ids = patients;
    if (ein_corpus_head_hash(&h, hash) == EIN_OK) edit_put_text(file, "head_hash", hash);
}

static int edit_file(const char *path, unsigned seed) {
    uint32_t state = seed * 2654435761u + 7u;
    hid_t access = ein_h5_access_serial();
    H5Pset_file_locking(access, false, true);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, access);
    if (file < 0) return 1;
    if (state == 0) state = 1;
    const uint32_t kind = h5_draw(&state, 4);
    if (kind < 2) edit_column(file, &state);
    if (kind == 2) edit_number(file, &state);
    if (kind == 3) edit_text(file, &state);
    edit_seal(file);
    return H5Fflush(file, H5F_SCOPE_GLOBAL) < 0 || H5Fclose(file) < 0;
}

/* The new size; the input as it is if the library could not do it. */
static size_t hdf5_edit(uint8_t *data, size_t size, size_t max_size, unsigned seed) {
    int code = 0;
    const char *path = fuzz_file(data, size);
    if (!fuzz_survives(path)) return size;
    const pid_t child = fork();
    if (child == 0) _exit(edit_file(path, seed));
    if (child < 0 || waitpid(child, &code, 0) != child || code != 0) return size;
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) return size;
    const long bytes = ftell(f);
    rewind(f);
    if (bytes > 0 && (size_t)bytes <= max_size && fread(data, 1, (size_t)bytes, f) == (size_t)bytes)
        size = (size_t)bytes;
    fclose(f);
    return size;
}

#endif
