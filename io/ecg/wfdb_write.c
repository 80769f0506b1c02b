#include "io/ecg/wfdb_write.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/real.h"
#include "io/base/durable.h"
#include "io/ecg/wfdb_header.h"

enum { PATH_BYTES = 4096, MISSING = -32768, LARGEST = 32767 };

/* --- samples ------------------------------------------------------------------------------------------- */

/* Nearest counts, ties to even as rint() has it: the sum with 1.5 2^52 has no room for a fraction. Then every
 * processor can do it on vectors. */
EIN_CLONES
static void to_counts(int16_t *restrict counts, const float *restrict mv, int n, double counts_per_mv) {
    const double no_fraction = 6755399441055744.0;
#pragma omp simd
    for (int i = 0; i < n; i++) {
        const double wanted = (double)mv[i] * counts_per_mv;
        const double kept = wanted > LARGEST ? LARGEST : wanted < -LARGEST ? -LARGEST : wanted;
        const double x = wanted == wanted ? kept : MISSING;
        counts[i] = (int16_t)(int32_t)((x + no_fraction) - no_fraction);
    }
}

/* Multiplexed little-endian counts (n_samples, n_leads), and the checksum of each lead. A tile at a time, which
 * stays in the nearest cache. */
static void encode(const ein_ecg *ecg, double counts_per_mv, uint8_t *bytes, uint16_t *checksum) {
    enum { TILE = 128 };
    const int leads = ecg->n_leads;
    int16_t counts[TILE];
    memset(checksum, 0, (size_t)leads * sizeof *checksum);
    for (int64_t begin = 0; begin < ecg->n_samples; begin += TILE) {
        const int n = (int)(ecg->n_samples - begin < TILE ? ecg->n_samples - begin : TILE);
        for (int l = 0; l < leads; l++) {
            uint8_t *out = bytes + 2 * (begin * leads + l);
            unsigned sum = 0;
            to_counts(counts, ecg->mv + l * ecg->n_samples + begin, n, counts_per_mv);
            for (int i = 0; i < n; i++, out += 2 * leads) {
                const uint16_t count = (uint16_t)counts[i];
                sum += count;
                out[0] = (uint8_t)count;
                out[1] = (uint8_t)(count >> 8);
            }
            checksum[l] = (uint16_t)(checksum[l] + sum);
        }
    }
}

static ein_status write_file(const char *path, const void *data, size_t bytes) {
    int fd;
    EIN_TRY(ein_file_create(path, &fd));
    const char *p = data;
    while (bytes > 0) {
        const ssize_t n = write(fd, p, bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) {
            const int error = n < 0 ? errno : ENOSPC;
            close(fd);
            unlink(path);
            return ein_error(EIN_IO, "%s: cannot write: %s", path, strerror(error));
        }
        p += n;
        bytes -= (size_t)n;
    }
    if (close(fd) == 0) return EIN_OK;
    const int error = errno; /* quotas and network file systems report here */
    unlink(path);
    return ein_error(EIN_IO, "%s: cannot write: %s", path, strerror(error));
}

/* --- header -------------------------------------------------------------------------------------------- */

/* "2150-05-05T14:50:55" as " 14:50:55 05/05/2150"; "" for anything else. */
static void time_and_date(const char *acquired, char *out, size_t room) {
    unsigned year, month, day, hour, minute, second;
    int used = 0;
    out[0] = '\0';
    if (sscanf(acquired, "%4u-%2u-%2uT%2u:%2u:%2u%n", &year, &month, &day, &hour, &minute, &second, &used) ==
            6 &&
        !acquired[used])
        snprintf(out, room, " %02u:%02u:%02u %02u/%02u/%04u", hour, minute, second, day, month, year);
}

static void print_comments(FILE *out, const ein_ecg *ecg, const ein_wfdb_write_options *options) {
    const ein_ecg_person *who = &ecg->person;
    if (who->patient_id[0]) fprintf(out, "# <subject_id>: %s\n", who->patient_id);
    if (!isnan(who->age_years)) fprintf(out, "# Age: %d\n", (int)floor(who->age_years));
    if (who->sex != EIN_SEX_UNKNOWN)
        fprintf(out, "# Sex: %s\n", who->sex == EIN_SEX_MALE ? "Male" : "Female");
    if (who->dx[0]) fprintf(out, "# Dx: %s\n", who->dx);
    for (int i = 0; i < options->n_comments; i++) fprintf(out, "# %s\n", options->comments[i]);
}

static ein_status header_text(const char *name, const ein_ecg *ecg, const ein_wfdb_write_options *options,
                              const uint8_t *samples, const uint16_t *checksum, char **text, size_t *bytes) {
    char when[64];
    FILE *out = open_memstream(text, bytes);
    if (!out) return ein_error(EIN_NOMEM, "%s: no memory for a header", name);
    time_and_date(ecg->person.acquired, when, sizeof when);
    fprintf(out, "%s %d %.12g %lld%s\n", name, ecg->n_leads, ecg->fs_hz, (long long)ecg->n_samples, when);
    for (int l = 0; l < ecg->n_leads; l++) {
        const int16_t initial = (int16_t)(samples[2 * l] | samples[2 * l + 1] << 8);
        fprintf(out, "%s.dat 16 %.12g(0)/mV 16 0 %d %d 0 %s\n", name, options->counts_per_mv, initial,
                (int16_t)checksum[l], ecg->lead_name[l]);
    }
    print_comments(out, ecg, options);
    const bool failed = ferror(out) != 0;
    if (fclose(out) == 0 && !failed) return EIN_OK;
    free(*text);
    *text = NULL;
    return ein_error(EIN_NOMEM, "%s: no memory for a header", name);
}

/* --- the whole ----------------------------------------------------------------------------------------- */

static bool is_name(const char *name) {
    for (const char *p = name; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_') return false;
    return name[0] && strlen(name) < EIN_ECG_TEXT_BYTES;
}

static bool is_text(const char *text) {
    for (const char *p = text; *p; p++)
        if (*p < ' ' || *p > '~') return false;
    return true;
}

static ein_status check(const char *name, const ein_ecg *ecg, const ein_wfdb_write_options *options) {
    if (!is_name(name)) return ein_error(EIN_RANGE, "\"%s\" cannot be the name of a WFDB record", name);
    if (!ecg->mv || ecg->n_leads < 1 || ecg->n_leads > EIN_MAX_LEADS || ecg->n_samples < 1 ||
        !(ecg->fs_hz > 0))
        return ein_error(EIN_RANGE, "%s: no samples to write", name);
    if (!(options->counts_per_mv > 0 && options->counts_per_mv < 1e9))
        return ein_error(EIN_RANGE, "%s: a gain of %g counts per mV", name, options->counts_per_mv);
    for (int l = 0; l < ecg->n_leads; l++)
        if (!is_text(ecg->lead_name[l]))
            return ein_error(EIN_RANGE, "%s: unprintable name of lead %d", name, l);
    if (!is_text(ecg->person.patient_id) || !is_text(ecg->person.dx))
        return ein_error(EIN_RANGE, "%s: unprintable patient id or diagnosis", name);
    for (int i = 0; i < options->n_comments; i++)
        if (!is_text(options->comments[i]))
            return ein_error(EIN_RANGE, "%s: comment %d is not one line", name, i);
    return EIN_OK;
}

static ein_status join(char *out, const char *folder, const char *name, const char *ending) {
    const int n = snprintf(out, PATH_BYTES, "%s/%s%s", folder, name, ending);
    if (n > 0 && n < PATH_BYTES) return EIN_OK;
    return ein_error(EIN_RANGE, "%.100s...: the path is longer than %d bytes", folder, PATH_BYTES);
}

/* The header under a name of its own first: a header that is seen is whole and has its samples. */
static ein_status write_header(const char *folder, const char *name, const char *text, size_t bytes) {
    char partial[PATH_BYTES], path[PATH_BYTES];
    EIN_TRY(join(partial, folder, name, ".hea.partial"));
    EIN_TRY(join(path, folder, name, ".hea"));
    EIN_TRY(write_file(partial, text, bytes));
    if (rename(partial, path) == 0) return EIN_OK;
    const int error = errno;
    unlink(partial);
    return ein_error(EIN_IO, "%s: cannot rename to it: %s", path, strerror(error));
}

ein_status ein_wfdb_write(const char *folder, const char *name, const ein_ecg *ecg,
                          const ein_wfdb_write_options *options) {
    char data_path[PATH_BYTES], header_path[PATH_BYTES], *text = NULL;
    uint8_t *samples = NULL;
    uint16_t checksum[EIN_MAX_LEADS];
    size_t text_bytes = 0;
    ein_status status = EIN_OK;
    EIN_TRY(check(name, ecg, options));
    EIN_TRY(join(data_path, folder, name, ".dat"));
    EIN_TRY(join(header_path, folder, name, ".hea"));
    const int64_t bytes = 2 * (int64_t)ecg->n_leads * ecg->n_samples;
    EIN_TRY(ein_calloc((void **)&samples, bytes, 1, "samples of a WFDB file"));
    encode(ecg, options->counts_per_mv, samples, checksum);
    EIN_TRY_GOTO(status, header_text(name, ecg, options, samples, checksum, &text, &text_bytes), out);
    /* An older header must not stand over new samples. */
    EIN_TRY_GOTO(status, ein_file_remove(header_path), out);
    EIN_TRY_GOTO(status, write_file(data_path, samples, (size_t)bytes), out);
    status = write_header(folder, name, text, text_bytes);
    if (status != EIN_OK) unlink(data_path);
out:
    free(samples);
    free(text);
    return status;
}

/* --- afterwards ---------------------------------------------------------------------------------------- */

static bool same_checksums(const ein_wfdb_header *header, const uint8_t *samples) {
    for (int l = 0; l < header->n_signals; l++) {
        unsigned sum = 0;
        for (int64_t t = 0; t < header->n_frames; t++) {
            const uint8_t *p = samples + 2 * (t * header->n_signals + l);
            sum += (unsigned)p[0] | (unsigned)p[1] << 8;
        }
        if (!header->signal[l].has_checksum || header->signal[l].checksum != (uint16_t)sum) return false;
    }
    return true;
}

/* A header that a power failure cut short ends inside a line, or before its comments. */
static bool ends_in_comment(const char *text, size_t bytes) {
    if (bytes < 2 || text[bytes - 1] != '\n') return false;
    size_t at = bytes - 1;
    while (at > 0 && text[at - 1] != '\n') at--;
    return text[at] == '#';
}

bool ein_wfdb_is_whole(const char *folder, const char *name, int n_leads, int64_t n_samples) {
    char path[PATH_BYTES], *text = NULL, *samples = NULL;
    size_t bytes = 0;
    const int64_t expected = 2 * (int64_t)n_leads * n_samples;
    ein_wfdb_header *header = NULL;
    bool whole = false;
    if (join(path, folder, name, ".hea") != EIN_OK) goto out;
    if (ein_file_read(path, EIN_WFDB_MAX_HEADER_BYTES, &text, &bytes) != EIN_OK) goto out;
    if (!ends_in_comment(text, bytes) || EIN_NEW(header, 1) != EIN_OK) goto out;
    if (ein_wfdb_header_parse(path, text, bytes, header) != EIN_OK) goto out;
    if (header->n_signals != n_leads || header->n_frames != n_samples) goto out;
    for (int l = 0; l < n_leads; l++)
        if (header->signal[l].format != 16 || header->signal[l].per_frame != 1) goto out;
    if (join(path, folder, name, ".dat") != EIN_OK) goto out;
    if (ein_file_read(path, expected, &samples, &bytes) != EIN_OK || (int64_t)bytes != expected) goto out;
    whole = same_checksums(header, (const uint8_t *)samples);
out:
    ein_error_clear();
    free(text);
    free(samples);
    free(header);
    return whole;
}

ein_status ein_wfdb_sync(const char *folder) {
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return ein_error(EIN_IO, "%s: cannot open: %s", folder, strerror(errno));
    const int failed = syncfs(fd) != 0 ? errno : 0;
    close(fd);
    return failed ? ein_error(EIN_IO, "%s: cannot write to disk: %s", folder, strerror(failed)) : EIN_OK;
}
