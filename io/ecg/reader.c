#include "io/ecg/reader.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "io/base/file_name.h"
#include "io/ecg/formats.h"
#include "io/ecg/kind.h"
#include "io/ecg/source_stamp.h"
#include "io/ecg/wfdb.h"
#include "io/ecg/wfdb_header.h"
#include "io/ecg/wfdb_segments.h"
#include "io/formats/xml_text.h"

static const char wfdb_extension[] = ".hea";

enum { NUL_WITHIN = 256 }; /* text has none among its first bytes */

/* XML of no format that is read. */
static ein_status not_read(const char *path, const ein_kind *kind, bool is_xml, const char *root) {
    if (kind->class == EIN_KIND_ARCHIVE)
        return ein_error(EIN_OTHER, "%s: %s, which is not a recording, nor looked into here", path,
                         kind->name);
    if (kind->class == EIN_KIND_ECG || kind->class == EIN_KIND_HOLDER)
        return ein_error(EIN_OTHER, "%s: %s, which is not read; %s are read", path, kind->name,
                         ein_format_list());
    if (is_xml)
        return ein_error(EIN_OTHER, "%s: XML of another kind (its first element is %s%s%s); %s are read",
                         path, root[0] ? "<" : "", root[0] ? root : "not among its first 4096 bytes",
                         root[0] ? ">" : "", ein_format_list());
    return ein_error(EIN_OTHER, "%s: binary data, not a WFDB header; if it is a signal file, give its .hea",
                     path);
}

/* A file that is no WFDB header by its name: its content decides. */
static ein_status read_by_content(const ein_place *place, ein_input *file, ein_content *content,
                                  ein_ecg *ecg) {
    char root[EIN_XML_NAME_BYTES];
    const ein_format *format;
    const uint8_t *start;
    size_t bytes;
    ein_kind kind;
    EIN_TRY(ein_kind_of_input(file, &kind, &format));
    if (format) {
        EIN_TRY(ein_input_whole(file, format->max_bytes, content));
        return format->read(content, ecg);
    }
    EIN_TRY(ein_input_start(file, &start, &bytes));
    const bool is_xml = ein_xml_sniff(start, bytes, root);
    const bool binary = memchr(start, '\0', bytes < NUL_WITHIN ? bytes : NUL_WITHIN) != NULL;
    if (is_xml || binary || kind.class != EIN_KIND_OTHER) return not_read(file->path, &kind, is_xml, root);
    EIN_TRY(ein_input_whole(file, EIN_WFDB_MAX_HEADER_BYTES, content));
    return ein_wfdb_read_text(content, place, NULL, ecg);
}

static void hash_content(const ein_input *file, const ein_content *content, ein_reader_source *source) {
    ein_file_hash hash;
    ein_file_hash_begin(&hash);
    if (file->fd >= 0) source->stamp = ein_source_stamp_of(&file->look, 1);
    ein_file_hash_whole(&hash, content->bytes, content->n);
    ein_error_keep(&source->error, ein_file_hash_end(&hash, source->sha256));
}

static ein_status read_file(const ein_place *place, ein_input *file, ein_ecg *ecg,
                            ein_reader_source *source) {
    char root[EIN_XML_NAME_BYTES];
    const uint8_t *start;
    size_t bytes;
    ein_content content;
    ein_file_hash hash;
    EIN_TRY(ein_input_start(file, &start, &bytes));
    if (!ein_file_name_ends(file->path, wfdb_extension) || ein_xml_sniff(start, bytes, root)) {
        EIN_TRY(read_by_content(place, file, &content, ecg));
        if (source) hash_content(file, &content, source);
        return EIN_OK;
    }
    EIN_TRY(ein_input_whole(file, EIN_WFDB_MAX_HEADER_BYTES, &content));
    if (source) ein_file_hash_begin(&hash);
    if (source) ein_file_hash_look(&hash, file);
    EIN_TRY(ein_wfdb_read_text(&content, place, source ? &hash : NULL, ecg));
    if (!source) return EIN_OK;
    ein_error_keep(&source->error, ein_file_hash_end(&hash, source->sha256));
    const int n = hash.n_looks > 0 && ein_wfdb_is_segmented((const char *)content.bytes) ? 1 : hash.n_looks;
    if (n > 0 && source->error.status == EIN_OK) source->stamp = ein_source_stamp_of(hash.look, n);
    return EIN_OK;
}

/* "x/100" is "x/100.hea" where that is a file. */
static ein_status open_any(const ein_place *place, const char *path, char *header, size_t room,
                           ein_input *file) {
    const int n = snprintf(header, room, "%s%s", path, wfdb_extension);
    *file = (ein_input){.fd = -1};
    if (n < 0 || (size_t)n >= room) return ein_error(EIN_IO, "%.64s...: path too long", path);
    const bool named = ein_file_name_ends(path, wfdb_extension) || !ein_input_is_there(place, header);
    if (named || ein_input_open(place, header, file) != EIN_OK) {
        ein_input_close(file);
        return ein_input_open(place, path, file);
    }
    return EIN_OK;
}

static ein_status read_any(const ein_place *place, const char *path, ein_ecg *ecg,
                           ein_reader_source *source) {
    char header[PATH_MAX];
    ein_input file;
    memset(ecg, 0, sizeof *ecg);
    ein_status status = open_any(place, path, header, sizeof header, &file);
    if (status == EIN_OK) status = read_file(place, &file, ecg, source);
    ein_input_close(&file);
    return status;
}

ein_status ein_reader_read_source(const char *path, const ein_reader_options *options, ein_ecg *ecg,
                                  ein_reader_source *source) {
    if (source) *source = (ein_reader_source){.sha256 = ""};
    EIN_TRY(read_any(options ? &options->place : NULL, path, ecg, source));
    ein_ecg_name_leads(ecg, options ? &options->lead_names : NULL);
    return EIN_OK;
}

ein_status ein_reader_read_with(const char *path, const ein_reader_options *options, ein_ecg *ecg) {
    return ein_reader_read_source(path, options, ecg, NULL);
}

ein_status ein_reader_read(const char *path, ein_ecg *ecg) {
    return ein_reader_read_with(path, NULL, ecg);
}
