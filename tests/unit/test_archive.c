/* Recordings within archives: found, read as from a folder, in any order of members; hostile archives. */
#include <archive.h>
#include <archive_entry.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/archive/archive.h"
#include "io/ecg/reader.h"
#include "io/ecg/source_hash.h"
#include "tests/report.h"

static char folder[] = "/tmp/einthoven-archive.XXXXXX";

static const char *in_folder(const char *name) {
    static char path[4][256];
    static int turn;
    char *p = path[turn++ % 4];
    snprintf(p, sizeof path[0], "%s/%s", folder, name);
    return p;
}

/* --- making archives ---------------------------------------------------------------------------------------- */

typedef struct {
    const char *name, *link; /* link: a symbolic one */
    const void *bytes;
    size_t n;
    int type; /* 0: a file */
} member;

typedef int (*choose)(struct archive *);

static void make(const char *name, choose format, choose filter, const member *members, size_t n) {
    struct archive *a = archive_write_new();
    if (format(a) != ARCHIVE_OK || (filter && filter(a) < ARCHIVE_WARN) ||
        archive_write_open_filename(a, in_folder(name)) != ARCHIVE_OK)
        abort();
    for (size_t i = 0; i < n; i++) {
        struct archive_entry *e = archive_entry_new();
        archive_entry_set_pathname(e, members[i].name);
        archive_entry_set_filetype(e, members[i].link   ? AE_IFLNK
                                      : members[i].type ? (unsigned)members[i].type
                                                        : AE_IFREG);
        archive_entry_set_perm(e, 0644);
        archive_entry_set_size(e, (la_int64_t)members[i].n);
        if (members[i].link) archive_entry_set_symlink(e, members[i].link);
        if (archive_write_header(a, e) < ARCHIVE_WARN) abort();
        if (members[i].n > 0 &&
            archive_write_data(a, members[i].bytes, members[i].n) != (la_ssize_t)members[i].n)
            abort();
        archive_entry_free(e);
    }
    if (archive_write_close(a) != ARCHIVE_OK) abort();
    archive_write_free(a);
}

static void put(const char *name, const void *bytes, size_t n) {
    FILE *f = fopen(in_folder(name), "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) abort();
}

static size_t get(const char *name, char *bytes, size_t room) {
    FILE *f = fopen(in_folder(name), "rb");
    if (!f) abort();
    const size_t n = fread(bytes, 1, room, f);
    fclose(f);
    return n;
}

static int plain(struct archive *a) {
    (void)a;
    return ARCHIVE_OK;
}

/* --- looking ------------------------------------------------------------------------------------------------ */

/* "a b | problem: reason" of what is found below one root, without the folder. */
static const char *listed(const char *name) {
    static char text[8192];
    const char *roots[] = {in_folder(name)};
    ein_archives *archives = NULL;
    ein_reader_list list;
    size_t used = 0, n = strlen(folder) + 1;
    if (ein_archives_new(&archives) != EIN_OK) abort();
    const ein_place place = {.store = ein_archives_store(archives)};
    if (ein_reader_find_in(roots, 1, &place, &list) != EIN_OK) return ein_error_message();
    text[0] = '\0';
    for (int64_t i = 0; i < list.count; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", list.path[i] + n);
    for (int64_t i = 0; i < list.n_problems; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, " | %s: %s", list.problem[i].path + n,
                                 list.problem[i].reason);
    ein_reader_list_free(&list);
    ein_archives_destroy(archives);
    return text;
}

static void expect(const char *what, const char *got, const char *wanted) {
    report(strcmp(got, wanted) == 0, "%s: %s", what, got);
}

static const char header[] = "1 2 500 100\n1.dat 16 200 16 0 0 0 0 I\n1.dat 16 200 16 0 0 0 0 II\n";
static char samples[400];

/* Whether a member reads as the same bytes in a folder do, hash and all. */
static bool same_as_file(ein_archives *archives, const char *path, const char *file) {
    ein_ecg a, b;
    ein_reader_source source_a, source_b;
    char hash[EIN_SHA256_TEXT_BYTES];
    const ein_reader_options options = {.place = {.store = ein_archives_store(archives)}};
    if (ein_reader_read_source(in_folder(file), NULL, &a, &source_a) != EIN_OK) abort();
    bool same = ein_reader_read_source(in_folder(path), &options, &b, &source_b) == EIN_OK;
    if (same) {
        same = a.n_leads == b.n_leads && a.n_samples == b.n_samples &&
               memcmp(a.mv, b.mv, (size_t)(a.n_leads * a.n_samples) * sizeof *a.mv) == 0 &&
               strcmp(source_a.sha256, source_b.sha256) == 0 &&
               strcmp(a.person.record_id, b.person.record_id) == 0 &&
               ein_source_hash_in(&options.place, in_folder(path), hash) == EIN_OK &&
               strcmp(hash, source_a.sha256) == 0;
        ein_ecg_free(&b);
    }
    ein_ecg_free(&a);
    return same;
}

static void check_kinds(void) {
    static const struct {
        const char *name;
        choose format, filter;
    } kinds[] = {{"a.zip", archive_write_set_format_zip, plain},
                 {"b.tar", archive_write_set_format_pax_restricted, plain},
                 {"c", archive_write_set_format_gnutar, archive_write_add_filter_gzip},
                 {"d.xz", archive_write_set_format_ustar, archive_write_add_filter_xz},
                 {"e.tar.zst", archive_write_set_format_pax, archive_write_add_filter_zstd}};
    const member parts[] = {
        {"x/1.dat", NULL, samples, sizeof samples, 0},     {"./x/readme.txt", NULL, "text", 4, 0},
        {"./x/1.hea", NULL, header, sizeof header - 1, 0}, {"x", NULL, NULL, 0, AE_IFDIR},
        {"0/1.hea", NULL, header, sizeof header - 1, 0},   {"0/1.dat", NULL, samples, sizeof samples, 0}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        char wanted[256], path[64];
        ein_archives *archives = NULL;
        make(kinds[i].name, kinds[i].format, kinds[i].filter, parts, sizeof parts / sizeof parts[0]);
        snprintf(wanted, sizeof wanted, "%s!/x/1.hea %s!/0/1.hea", kinds[i].name, kinds[i].name);
        expect("recordings in the order of the archive, told by content", listed(kinds[i].name), wanted);
        if (ein_archives_new(&archives) != EIN_OK) abort();
        for (int k = 0; k < 3; k++) { /* also backwards, and again */
            snprintf(path, sizeof path, "%s!/%s/1.hea", kinds[i].name, k == 1 ? "x" : "0");
            report(same_as_file(archives, path, "1.hea"), "%s reads as from a folder: %s", path,
                   ein_error_message());
            ein_error_clear();
        }
        ein_archives_destroy(archives);
    }
}

static void check_hostile(void) {
    static char zeros[100000];
    const member parts[] = {{"../1.hea", NULL, header, sizeof header - 1, 0},
                            {"/etc/1.hea", NULL, header, sizeof header - 1, 0},
                            {"a/../../1.hea", NULL, header, sizeof header - 1, 0},
                            {"l.hea", "/etc/passwd", NULL, 0, 0},
                            {"p.hea", NULL, NULL, 0, AE_IFIFO},
                            {"2.hea", NULL, "2 1 500 100\n/etc/passwd 16\n", 27, 0},
                            {"1.hea", NULL, header, sizeof header - 1, 0},
                            {"1.hea", NULL, "other", 5, 0},
                            {"1.dat", NULL, samples, sizeof samples, 0}};
    make("h.tar", archive_write_set_format_pax_restricted, plain, parts, sizeof parts / sizeof parts[0]);
    expect("what leads out is named, and nothing else", listed("h.tar"),
           "h.tar!/2.hea h.tar!/1.hea"
           " | h.tar!/../1.hea: an absolute path, one with '..' or a backslash; never followed"
           " | h.tar!//etc/1.hea: an absolute path, one with '..' or a backslash; never followed"
           " | h.tar!/a/../../1.hea: an absolute path, one with '..' or a backslash; never followed"
           " | h.tar!/l.hea: a link within an archive; never followed"
           " | h.tar!/p.hea: a device, pipe or socket within an archive"
           " | h.tar!/1.hea: a second member of that name; the first is read");
    char bytes[20000];
    const size_t n = get("h.tar", bytes, sizeof bytes);
    const member nested[] = {{"h.tar", NULL, bytes, n, 0}, {"1.hea", NULL, header, sizeof header - 1, 0}};
    make("n.zip", archive_write_set_format_zip, plain, nested, 2);
    expect("an archive within an archive", listed("n.zip"),
           "n.zip!/1.hea | n.zip!/h.tar: an archive within an archive; it is not looked into, unpack one");
    make("t.tar", archive_write_set_format_ustar, archive_write_add_filter_gzip,
         (member[]){{"1.hea", NULL, header, sizeof header - 1, 0}, {"1.dat", NULL, zeros, sizeof zeros, 0}},
         2);
    make("twice", archive_write_set_format_raw, archive_write_add_filter_gzip,
         (member[]){{"x", NULL, bytes, get("t.tar", bytes, sizeof bytes), 0}}, 1);
    report(strstr(listed("twice"), "twice: compressed more than once") != NULL, "layers: %s",
           listed("twice"));
    put("cut.tgz", bytes, get("t.tar", bytes, sizeof bytes) - 40);
    report(strstr(listed("cut.tgz"), "cut.tgz: damaged or not readable") != NULL, "cut: %s",
           listed("cut.tgz"));
}

/* One bit of a member's data: its checksum tells, and its neighbours are read. */
static void check_damage(void) {
    const member parts[] = {{"0/1.hea", NULL, header, sizeof header - 1, 0},
                            {"0/1.dat", NULL, samples, sizeof samples, 0},
                            {"1/1.hea", NULL, header, sizeof header - 1, 0},
                            {"1/1.dat", NULL, samples, sizeof samples, 0}};
    char bytes[8192];
    ein_archives *archives = NULL;
    ein_ecg ecg;
    make("d.zip", archive_write_set_format_zip, archive_write_zip_set_compression_store, parts, 4);
    size_t n = get("d.zip", bytes, sizeof bytes);
    char *data = memmem(bytes, n, samples, sizeof samples);
    if (!data) abort();
    data[10] ^= 1;
    put("d.zip", bytes, n);
    if (ein_archives_new(&archives) != EIN_OK) abort();
    const ein_reader_options options = {.place = {.store = ein_archives_store(archives)}};
    report(ein_reader_read_with(in_folder("d.zip!/0/1.hea"), &options, &ecg) == EIN_CORRUPT &&
               strstr(ein_error_message(), "CRC"),
           "a flipped bit: %s", ein_error_message());
    report(same_as_file(archives, "d.zip!/1/1.hea", "1.hea"), "its neighbour is read");
    report(ein_reader_read_with(in_folder("d.zip!/2/1.hea"), &options, &ecg) == EIN_NOTFOUND,
           "what is not there: %s", ein_error_message());
    ein_archives_destroy(archives);
}

/* A member ten thousand times as large as its archive. */
static void check_ratio(void) {
    const size_t n = (size_t)66 << 20;
    char *same = malloc(n);
    if (!same) abort();
    memset(same, 'x', n);
    make("bomb.zst", archive_write_set_format_raw, archive_write_add_filter_zstd,
         (member[]){{"x", NULL, same, n, 0}}, 1);
    free(same);
    ein_archives *archives = NULL;
    ein_input input;
    if (ein_archives_new(&archives) != EIN_OK) abort();
    const ein_place place = {.store = ein_archives_store(archives)};
    report(ein_input_open(&place, in_folder("bomb.zst!/bomb"), &input) == EIN_CORRUPT &&
               strstr(ein_error_message(), "much more than its archive could"),
           "66 MiB of a few KiB: %s", ein_error_message());
    ein_input_close(&input);
    ein_archives_destroy(archives);
}

static int encrypt(struct archive *a) {
    return archive_write_set_options(a, "zip:encryption=zipcrypt") == ARCHIVE_OK &&
                   archive_write_set_passphrase(a, "secret") == ARCHIVE_OK
               ? ARCHIVE_OK
               : ARCHIVE_FATAL;
}

static void check_encrypted(void) {
    make("s.zip", archive_write_set_format_zip, encrypt,
         (member[]){{"1.hea", NULL, header, sizeof header - 1, 0}}, 1);
    expect("encrypted", listed("s.zip"), " | s.zip!/1.hea: encrypted; decrypt it first");
}

int main(void) {
    if (!mkdtemp(folder)) abort();
    for (size_t i = 0; i < sizeof samples; i++) samples[i] = (char)(i * 7 % 97);
    put("1.hea", header, sizeof header - 1);
    put("1.dat", samples, sizeof samples);
    check_kinds();
    check_hostile();
    check_damage();
    check_ratio();
    check_encrypted();
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    if (system(command) != 0) return 1;
    return report_end();
}
