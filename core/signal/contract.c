#include "core/signal/contract.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/quality.h"

/* What this version does and cannot be set, said in the text so that a later version which does it
 * differently yields another contract. */
static const char *const method_key[] = {"units", "fit", "filters", "resampling", "missing"};
static const char *const method_value[] = {
    "mV",
    "crop to the first samples, pad at the end as missing",
    "notch Q=f/2 then Hamming FIR of 0.3*fs taps, forward and backward, per lead, before resampling",
    "Kaiser sinc, pass 0.9, stop 1.0 of the lower Nyquist frequency, 80 dB, per lead",
    "mean",
};
enum { METHODS = sizeof method_key / sizeof method_key[0], VERSION = 1 };

typedef enum { FIELD_REAL, FIELD_COUNT } field_kind;
typedef struct {
    const char *key;
    field_kind kind;
    size_t offset;
    bool normalisation;
} field;

static const field fields[] = {
    {"fs_hz", FIELD_REAL, offsetof(ein_contract, fs_hz), false},
    {"n_samples", FIELD_COUNT, offsetof(ein_contract, n_samples), false},
    {"notch_hz", FIELD_REAL, offsetof(ein_contract, notch_hz), false},
    {"band_low_hz", FIELD_REAL, offsetof(ein_contract, band_low_hz), false},
    {"band_high_hz", FIELD_REAL, offsetof(ein_contract, band_high_hz), false},
    {"mean_mv", FIELD_REAL, offsetof(ein_contract, mean_mv), true},
    {"sd_mv", FIELD_REAL, offsetof(ein_contract, sd_mv), true},
};
enum { FIELDS = sizeof fields / sizeof fields[0] };

/* What is done about faults. Lines of their own, left out when nothing is, so that contracts without them keep their
 * text and their hash. */
static const struct {
    const char *key;
    size_t offset;
    uint32_t possible;
} policies[] = {
    {"repair", offsetof(ein_contract, repair_flags), EIN_QUALITY_REPAIRABLE},
    {"mask", offsetof(ein_contract, mask_flags), EIN_QUALITY_MASKABLE},
};
enum { POLICIES = sizeof policies / sizeof policies[0], FIXED_LINES = 2 + FIELDS + METHODS };

static uint32_t get_flags(const ein_contract *c, int policy) {
    uint32_t flags;
    memcpy(&flags, (const char *)c + policies[policy].offset, sizeof flags);
    return flags;
}

static double get_real(const ein_contract *c, const field *f) {
    double value;
    memcpy(&value, (const char *)c + f->offset, sizeof value);
    return value;
}

static int64_t get_count(const ein_contract *c, const field *f) {
    int64_t value;
    memcpy(&value, (const char *)c + f->offset, sizeof value);
    return value;
}

/* A value as canonical text: the fewest digits that read back to the same number, without an exponent where
 * %g can do without one, so that 500 is "500", 0.1 is "0.1" and nothing is lost; -0 is written as 0. */
static void format_real(double value, char *out, size_t bytes) {
    char plain[40];
    if (value == 0) value = 0;
    out[0] = '\0';
    for (int digits = 1; digits <= 17; ++digits) {
        snprintf(plain, sizeof plain, "%.*g", digits, value);
        if (strtod(plain, NULL) != value) continue;
        bool exponent = strchr(plain, 'e') != NULL;
        if (!out[0] || !exponent) snprintf(out, bytes, "%s", plain);
        if (!exponent) return;
    }
}

static void format_field(const ein_contract *c, const field *f, char *out, size_t bytes) {
    if (f->kind == FIELD_REAL)
        format_real(get_real(c, f), out, bytes);
    else
        snprintf(out, bytes, "%lld", (long long)get_count(c, f));
}

static void format_leads(const ein_contract *c, char *out, size_t bytes) {
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < c->n_leads && i < EIN_MAX_LEADS && used < bytes; ++i) {
        int n = snprintf(out + used, bytes - used, "%s%s", i ? "," : "", ein_lead_name(c->lead[i]));
        used += (size_t)n;
    }
}

static ein_status check_leads(const ein_contract *c) {
    if (c->n_leads < 1 || c->n_leads > EIN_LEAD_COUNT)
        return ein_error(EIN_USAGE, "contract: %d leads; 1 to %d are possible", c->n_leads, EIN_LEAD_COUNT);
    for (int i = 0; i < c->n_leads; ++i) {
        if ((int)c->lead[i] < 0 || c->lead[i] >= EIN_LEAD_COUNT)
            return ein_error(EIN_USAGE, "contract: lead %d of %d is not a known lead", i + 1, c->n_leads);
        for (int j = 0; j < i; ++j)
            if (c->lead[i] == c->lead[j])
                return ein_error(EIN_USAGE, "contract: lead %s stands twice", ein_lead_name(c->lead[i]));
    }
    return EIN_OK;
}

static ein_status check_policies(const ein_contract *c) {
    char text[512];
    for (int i = 0; i < POLICIES; ++i) {
        const uint32_t cannot = get_flags(c, i) & ~policies[i].possible;
        if (!cannot) continue;
        ein_quality_text(cannot, text, sizeof text);
        return ein_error(EIN_USAGE, "contract: %s: not possible for \"%s\"", policies[i].key, text);
    }
    if (!(c->repair_flags & c->mask_flags)) return EIN_OK;
    ein_quality_text(c->repair_flags & c->mask_flags, text, sizeof text);
    return ein_error(EIN_USAGE, "contract: \"%s\" is to be repaired and masked; one of them is possible",
                     text);
}

ein_status ein_contract_check(const ein_contract *c) {
    EIN_TRY(check_leads(c));
    EIN_TRY(check_policies(c));
    if (!(c->fs_hz >= EIN_CONTRACT_MIN_FS_HZ && c->fs_hz <= EIN_CONTRACT_MAX_FS_HZ))
        return ein_error(EIN_USAGE, "contract: fs_hz %g; %g to %g are possible", c->fs_hz,
                         EIN_CONTRACT_MIN_FS_HZ, EIN_CONTRACT_MAX_FS_HZ);
    if (c->n_samples < 1 || c->n_samples > EIN_ECG_MAX_SAMPLES)
        return ein_error(EIN_USAGE, "contract: n_samples %lld; 1 to %lld are possible",
                         (long long)c->n_samples, (long long)EIN_ECG_MAX_SAMPLES);
    if (!(c->notch_hz == 0 || c->notch_hz == 50 || c->notch_hz == 60))
        return ein_error(EIN_USAGE, "contract: notch_hz %g; 0 (off), 50 or 60 are possible", c->notch_hz);
    bool band_off = c->band_low_hz == 0 && c->band_high_hz == 0;
    bool band_on = c->band_low_hz > 0 && c->band_high_hz > c->band_low_hz && isfinite(c->band_high_hz);
    if (!band_off && !band_on)
        return ein_error(EIN_USAGE, "contract: band %g to %g Hz; 0 < low < high, or 0 and 0 for off",
                         c->band_low_hz, c->band_high_hz);
    if (!isfinite(c->mean_mv) || !(c->sd_mv > 0) || !isfinite(c->sd_mv))
        return ein_error(EIN_USAGE,
                         "contract: mean_mv %g, sd_mv %g; a finite mean and an SD above 0 are needed",
                         c->mean_mv, c->sd_mv);
    return EIN_OK;
}

/* Append to out (EIN_CONTRACT_TEXT_BYTES) at *used. */
static void append(char *out, size_t *used, const char *format, ...) EIN_PRINTF(3, 4);
static void append(char *out, size_t *used, const char *format, ...) {
    va_list args;
    va_start(args, format);
    int n = vsnprintf(out + *used, EIN_CONTRACT_TEXT_BYTES - *used, format, args);
    va_end(args);
    EIN_BUG_IF(n < 0 || (size_t)n >= EIN_CONTRACT_TEXT_BYTES - *used);
    *used += (size_t)n;
}

ein_status ein_contract_text(const ein_contract *contract, char *out) {
    out[0] = '\0';
    EIN_TRY(ein_contract_check(contract));
    char value[512];
    size_t used = 0;
    append(out, &used, "einthoven_contract = %d\n", VERSION);
    format_leads(contract, value, sizeof value);
    append(out, &used, "leads = %s\n", value);
    for (int i = 0; i < FIELDS; ++i) {
        format_field(contract, &fields[i], value, sizeof value);
        append(out, &used, "%s = %s\n", fields[i].key, value);
    }
    for (int i = 0; i < METHODS; ++i) append(out, &used, "%s = %s\n", method_key[i], method_value[i]);
    for (int i = 0; i < POLICIES; ++i) {
        ein_quality_text(get_flags(contract, i), value, sizeof value);
        if (value[0]) append(out, &used, "%s = %s\n", policies[i].key, value);
    }
    return EIN_OK;
}

/* --- parsing ------------------------------------------------------------------------------------------- */

static ein_status parse_leads(const char *text, ein_contract *out) {
    const char *p = text;
    for (;;) {
        size_t n = strcspn(p, ",");
        char name[16];
        if (n == 0 || n >= sizeof name)
            return ein_error(EIN_FORMAT, "contract: leads: cannot read \"%.64s\"", text);
        memcpy(name, p, n);
        name[n] = '\0';
        ein_lead lead = ein_lead_parse(name);
        if (lead == EIN_LEAD_UNKNOWN)
            return ein_error(EIN_FORMAT, "contract: leads: \"%s\" is not a known lead", name);
        if (out->n_leads == EIN_MAX_LEADS)
            return ein_error(EIN_FORMAT, "contract: more than %d leads", EIN_MAX_LEADS);
        out->lead[out->n_leads++] = lead;
        if (!p[n]) return EIN_OK;
        p += n + 1;
    }
}

static ein_status parse_field(const field *f, const char *text, ein_contract *out) {
    char *end;
    errno = 0;
    if (f->kind == FIELD_REAL) {
        double value = strtod(text, &end);
        if (end == text || *end || !isfinite(value))
            return ein_error(EIN_FORMAT, "contract: %s: \"%.64s\" is not a finite number", f->key, text);
        memcpy((char *)out + f->offset, &value, sizeof value);
    } else {
        long long number = strtoll(text, &end, 10);
        int64_t value = number;
        if (end == text || *end || errno)
            return ein_error(EIN_FORMAT, "contract: %s: \"%.64s\" is not an integer", f->key, text);
        memcpy((char *)out + f->offset, &value, sizeof value);
    }
    return EIN_OK;
}

static ein_status parse_policy(int policy, const char *text, ein_contract *out) {
    uint32_t flags = 0;
    const char *p = text;
    for (;;) {
        char name[32];
        size_t n = strcspn(p, ",");
        snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name), p);
        const uint32_t flag = ein_quality_flag(name);
        if (!flag)
            return ein_error(EIN_FORMAT, "contract: %s: \"%s\" is no flag", policies[policy].key, name);
        flags |= flag;
        if (!p[n]) break;
        p += n + 1;
    }
    memcpy((char *)out + policies[policy].offset, &flags, sizeof flags);
    return EIN_OK;
}

/* One "key = value"; which field it must be follows from the line number, because the order is fixed. */
static ein_status parse_line(int line, const char *key, const char *value, ein_contract *out) {
    const char *expected = line == 0                     ? "einthoven_contract"
                           : line == 1                   ? "leads"
                           : line < 2 + FIELDS           ? fields[line - 2].key
                           : line < 2 + FIELDS + METHODS ? method_key[line - 2 - FIELDS]
                                                         : NULL;
    for (int i = 0; i < POLICIES && line >= FIXED_LINES; ++i)
        if (strcmp(key, policies[i].key) == 0) return parse_policy(i, value, out);
    if (!expected || strcmp(key, expected) != 0)
        return ein_error(EIN_FORMAT, "contract: line %d: found \"%.64s\", expected %s", line + 1, key,
                         expected ? expected : "the end of the text");
    if (line == 0) {
        if (strcmp(value, "1") != 0)
            return ein_error(EIN_MISMATCH, "contract: version \"%.16s\"; this program reads version %d",
                             value, VERSION);
        return EIN_OK;
    }
    if (line == 1) return parse_leads(value, out);
    if (line < 2 + FIELDS) return parse_field(&fields[line - 2], value, out);
    const char *ours = method_value[line - 2 - FIELDS];
    if (strcmp(value, ours) != 0)
        return ein_error(EIN_MISMATCH, "contract: %s is \"%.128s\"; this program does \"%s\"", key, value,
                         ours);
    return EIN_OK;
}

ein_status ein_contract_parse(const char *text, ein_contract *out) {
    memset(out, 0, sizeof *out);
    size_t bytes = strnlen(text, EIN_CONTRACT_TEXT_BYTES);
    if (bytes >= EIN_CONTRACT_TEXT_BYTES)
        return ein_error(EIN_FORMAT, "contract: longer than %d bytes", EIN_CONTRACT_TEXT_BYTES - 1);
    char copy[EIN_CONTRACT_TEXT_BYTES], again[EIN_CONTRACT_TEXT_BYTES];
    memcpy(copy, text, bytes + 1);
    int line = 0;
    for (char *p = copy; *p; ++line) {
        char *end = strchr(p, '\n');
        char *equals = strstr(p, " = ");
        if (!end || !equals || equals > end)
            return ein_error(EIN_FORMAT, "contract: line %d is not \"key = value\"", line + 1);
        *end = *equals = '\0';
        EIN_TRY(parse_line(line, p, equals + 3, out));
        p = end + 1;
    }
    if (line < FIXED_LINES)
        return ein_error(EIN_FORMAT, "contract: ends after %d of %d lines", line, FIXED_LINES);
    ein_status status = ein_contract_text(out, again);
    if (status != EIN_OK) return ein_error_context(EIN_FORMAT, "contract text");
    /* The text is the identity, so one contract may have one text only. */
    if (strcmp(text, again) != 0) return ein_error(EIN_FORMAT, "contract: the text is not in canonical form");
    return EIN_OK;
}

/* --- comparison ---------------------------------------------------------------------------------------- */

static void add_difference(char *out, int out_bytes, int count, const char *key, const char *a,
                           const char *b) {
    if (!out || out_bytes < 1) return;
    size_t used = strlen(out);
    snprintf(out + used, (size_t)out_bytes - used, "%s%s: %s against %s", count ? "; " : "", key, a, b);
}

int ein_contract_compare(const ein_contract *a, const ein_contract *b, int ignore_normalisation, char *out,
                         int out_bytes) {
    char left[512], right[512];
    int count = 0;
    if (out && out_bytes > 0) out[0] = '\0';
    format_leads(a, left, sizeof left);
    format_leads(b, right, sizeof right);
    if (strcmp(left, right) != 0) add_difference(out, out_bytes, count++, "leads", left, right);
    for (int i = 0; i < FIELDS; ++i) {
        if (ignore_normalisation && fields[i].normalisation) continue;
        format_field(a, &fields[i], left, sizeof left);
        format_field(b, &fields[i], right, sizeof right);
        if (strcmp(left, right) != 0) add_difference(out, out_bytes, count++, fields[i].key, left, right);
    }
    for (int i = 0; i < POLICIES; ++i) {
        if (get_flags(a, i) == get_flags(b, i)) continue;
        ein_quality_text(get_flags(a, i), left, sizeof left);
        ein_quality_text(get_flags(b, i), right, sizeof right);
        add_difference(out, out_bytes, count++, policies[i].key, left[0] ? left : "nothing",
                       right[0] ? right : "nothing");
    }
    return count;
}
