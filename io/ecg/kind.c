#include "io/ecg/kind.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "io/base/file_name.h"
#include "io/base/own.h"
#include "io/ecg/dicom.h"
#include "io/formats/xml_text.h"

enum { OWN_MARK_BYTES = 1 << 16 };

static const char by_name_only[] = "a file with an ECG format's name, but not its content";
static const char ecg_extensions[] = "scp dcm dicom edf bdf ecg mwf mfer aecg hl7 ishne";

/* A file as far as it is looked at. */
typedef struct {
    const char *name, *extension; /* without folder; behind the last dot, "" if there is none */
    ein_input *file;
    int64_t size;
    const unsigned char *start;
    size_t bytes;
} look;

typedef struct {
    size_t at;
    const char *mark;
    size_t bytes;
    ein_kind kind;
} magic;

static const ein_kind kind_tables = {EIN_KIND_OTHER, "tables"}, kind_texts = {EIN_KIND_OTHER, "texts"},
                      kind_images = {EIN_KIND_OTHER, "images"},
                      kind_documents = {EIN_KIND_OTHER, "documents"},
                      kind_programs = {EIN_KIND_OTHER, "programs"}, kind_models = {EIN_KIND_OTHER, "models"},
                      kind_checksums = {EIN_KIND_OTHER, "checksums"},
                      kind_own = {EIN_KIND_OTHER, "files of einthoven"},
                      kind_annotations = {EIN_KIND_OTHER, "annotations"},
                      kind_zip = {EIN_KIND_ARCHIVE, "a ZIP archive"},
                      kind_gzip = {EIN_KIND_ARCHIVE, "a gzip file"},
                      kind_hdf5 = {EIN_KIND_HOLDER, "an HDF5 file"};

static const magic magics[] = {
    {16, "SCPECG", 6, {EIN_KIND_ECG, "a damaged SCP-ECG file"}},
    {0,
     "\xff"
     "BIOSEMI",
     8,
     {EIN_KIND_ECG, "a damaged BDF file"}},
    {0, "ISHNE", 5, {EIN_KIND_ECG, "an ISHNE file of another version"}},
    {0, "MSH|^~", 6, {EIN_KIND_ECG, "an HL7 version 2 message"}},
    {0, "MATLAB", 6, {EIN_KIND_HOLDER, "a MATLAB file"}},
    {0, "\x1e\0\0\0", 4, {EIN_KIND_HOLDER, "a signal file in MATLAB's level 4"}},
    {0, "fLaC", 4, {EIN_KIND_HOLDER, "a FLAC file"}},
    {0, "\x93NUMPY", 6, {EIN_KIND_HOLDER, "a NumPy file"}},
    {0, "PAR1", 4, {EIN_KIND_HOLDER, "a Parquet file"}},
    {0, "BZh", 3, {EIN_KIND_ARCHIVE, "a bzip2 file"}},
    {0, "7z\xbc\xaf", 4, {EIN_KIND_HOLDER, "a 7z archive"}},
    {0,
     "\xfd"
     "7zXZ",
     5,
     {EIN_KIND_ARCHIVE, "an xz file"}},
    {0, "\x28\xb5\x2f\xfd", 4, {EIN_KIND_ARCHIVE, "a zstd file"}},
    {0, "Rar!", 4, {EIN_KIND_HOLDER, "a RAR archive"}},
    {257, "ustar", 5, {EIN_KIND_ARCHIVE, "a tar archive"}},
    {0, "SQLite format 3", 15, {EIN_KIND_HOLDER, "an SQLite database"}},
    {0, "\x89PNG", 4, {EIN_KIND_OTHER, "images"}},
    {0, "\xff\xd8\xff", 3, {EIN_KIND_OTHER, "images"}},
    {0, "GIF8", 4, {EIN_KIND_OTHER, "images"}},
    {0, "II*\0", 4, {EIN_KIND_OTHER, "images"}},
    {0, "MM\0*", 4, {EIN_KIND_OTHER, "images"}},
    {8, "WEBP", 4, {EIN_KIND_OTHER, "images"}},
    {0, "%PDF", 4, {EIN_KIND_OTHER, "documents"}},
    {0, "\xd0\xcf\x11\xe0", 4, {EIN_KIND_OTHER, "documents"}},
    {0,
     "\x7f"
     "ELF",
     4,
     {EIN_KIND_OTHER, "programs"}},
};

static bool is_one_of(const char *word, const char *list) {
    size_t n = strlen(word);
    for (const char *p = list; n > 0 && (p = strcasestr(p, word)) != NULL; p += n)
        if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

static bool begins(const look *f, size_t at, const char *mark, size_t bytes) {
    return f->bytes >= at + bytes && memcmp(f->start + at, mark, bytes) == 0;
}

/* --- by content ------------------------------------------------------------------------------------------ */

static bool holds_own_mark(ein_input *file, int64_t from, int64_t bytes) {
    char buffer[OWN_MARK_BYTES];
    int64_t n;
    return ein_input_read(file, buffer, bytes, from, &n) == EIN_OK && n > 0 &&
           memmem(buffer, (size_t)n, EIN_OWN_CORPUS, strlen(EIN_OWN_CORPUS)) != NULL;
}

/* A corpus of ours says so in an attribute, which stands near the beginning or the end of the file. */
static ein_kind hdf5(const look *f) {
    int64_t bytes = f->size < OWN_MARK_BYTES ? f->size : OWN_MARK_BYTES;
    bool own = begins(f, 0, "\x89HDF", 4) &&
               (holds_own_mark(f->file, 0, bytes) || holds_own_mark(f->file, f->size - bytes, bytes));
    return own ? kind_own : kind_hdf5;
}

static ein_kind xml(const look *f) {
    if (strcasecmp(f->extension, "svg") == 0) return kind_images;
    return is_one_of(f->extension, "html htm xhtml") ? kind_documents
                                                     : (ein_kind){EIN_KIND_OTHER, "XML of other kinds"};
}

/* Archives are recognised by their content, but what they hold only by their name. */
static ein_kind archive(const look *f, ein_kind kind) {
    if (is_one_of(f->extension, "docx xlsx pptx odt ods odp epub")) return kind_documents;
    if (is_one_of(f->extension, "jar whl pt pth")) return kind_programs;
    return strcasestr(f->name, ".csv.") || strcasestr(f->name, ".tsv.") || strcasestr(f->name, ".json.")
               ? kind_tables
               : kind;
}

/* --- by name --------------------------------------------------------------------------------------------- */

static bool is_text(const look *f) {
    for (size_t i = 0; i < f->bytes; i++)
        if (f->start[i] < ' ' && (f->start[i] == '\0' || !strchr("\t\n\r\f\x1b", f->start[i]))) return false;
    return true;
}

static ein_kind text(const look *f) {
    if (is_one_of(f->extension, "csv tsv tab psv")) return kind_tables;
    if (is_one_of(f->extension, "md5 sha1 sha256 sha512 crc sfv") || strcasestr(f->name, "md5sum") ||
        strcasestr(f->name, "sha256sum"))
        return kind_checksums;
    if (is_one_of(f->extension, "py pyc m r rmd c h cpp sh ipynb js java jl")) return kind_programs;
    return kind_texts;
}

static ein_kind by_name(const look *f) {
    if (is_one_of(f->extension, ecg_extensions)) return (ein_kind){EIN_KIND_ECG, by_name_only};
    if (f->size == 0) return (ein_kind){EIN_KIND_OTHER, "empty files"};
    if (is_text(f)) return text(f);
    if (is_one_of(f->extension, "dat mat xyz"))
        return (ein_kind){EIN_KIND_HOLDER, "a signal file without its WFDB header"};
    if (is_one_of(f->extension, "atr qrs ari ann man ecg_ann wqrs gqrs xws")) return kind_annotations;
    if (is_one_of(f->extension, "safetensors onnx pkl joblib ckpt")) return kind_models;
    if (is_one_of(f->extension, "pyc so o exe dll")) return kind_programs;
    return (ein_kind){EIN_KIND_OTHER, "binary files of no kind that is known"};
}

/* --- the whole ------------------------------------------------------------------------------------------- */

static ein_kind kind_of(const look *f, const ein_format **format) {
    char root[EIN_XML_NAME_BYTES];
    *format = ein_format_find(f->start, f->bytes);
    if (*format) return (ein_kind){EIN_KIND_READ, (*format)->kind};
    if (ein_dicom_sniff(f->start, f->bytes))
        return (ein_kind){EIN_KIND_OTHER, "DICOM files without a waveform"};
    if (begins(f, 0, "\x89HDF", 4)) return hdf5(f);
    if (begins(f, 0, "PK\x03\x04", 4)) return archive(f, kind_zip);
    if (begins(f, 0, "\x1f\x8b", 2)) return archive(f, kind_gzip);
    for (size_t i = 0; i < sizeof magics / sizeof magics[0]; i++)
        if (begins(f, magics[i].at, magics[i].mark, magics[i].bytes)) return magics[i].kind;
    if (ein_xml_sniff(f->start, f->bytes, root)) return xml(f);
    return by_name(f);
}

static const char *extension_of(const char *path) {
    const char *dot = path + ein_file_name_stem(path);
    return *dot ? dot + 1 : "";
}

bool ein_kind_is_ecg_name(const char *path) {
    return is_one_of(extension_of(path), ecg_extensions);
}

bool ein_kind_is_by_name_only(const ein_kind *kind) {
    return kind->name == by_name_only;
}

ein_status ein_kind_of_file(const char *path, ein_kind *out) {
    const ein_format *format;
    ein_input file;
    *out = (ein_kind){EIN_KIND_OTHER, "files that cannot be opened"};
    ein_status status = ein_input_open(NULL, path, &file);
    if (status == EIN_OK) status = ein_kind_of_input(&file, out, &format);
    ein_input_close(&file);
    return status;
}

ein_status ein_kind_of_input(ein_input *file, ein_kind *out, const ein_format **format) {
    look f = {.name = file->path + ein_file_name_folder(file->path),
              .extension = extension_of(file->path),
              .file = file,
              .size = file->size};
    *out = (ein_kind){EIN_KIND_OTHER, "files that cannot be opened"};
    *format = NULL;
    EIN_TRY(ein_input_start(file, &f.start, &f.bytes));
    *out = kind_of(&f, format);
    return EIN_OK;
}
