#include "core/signal/lead_names.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const standard[EIN_LEAD_COUNT] = {
    [EIN_LEAD_I] = "I",     [EIN_LEAD_II] = "II",   [EIN_LEAD_III] = "III", [EIN_LEAD_AVR] = "aVR",
    [EIN_LEAD_AVL] = "aVL", [EIN_LEAD_AVF] = "aVF", [EIN_LEAD_V1] = "V1",   [EIN_LEAD_V2] = "V2",
    [EIN_LEAD_V3] = "V3",   [EIN_LEAD_V4] = "V4",   [EIN_LEAD_V5] = "V5",   [EIN_LEAD_V6] = "V6",
    [EIN_LEAD_V3R] = "V3R", [EIN_LEAD_V4R] = "V4R", [EIN_LEAD_V7] = "V7",   [EIN_LEAD_V8] = "V8",
    [EIN_LEAD_V9] = "V9",   [EIN_LEAD_X] = "X",     [EIN_LEAD_Y] = "Y",     [EIN_LEAD_Z] = "Z",
};

/* As they are compared; sources in the header. */
static const struct {
    const char *name;
    ein_lead lead;
} synonyms[] = {
    {"di", EIN_LEAD_I},
    {"dii", EIN_LEAD_II},
    {"diii", EIN_LEAD_III},
    {"d1", EIN_LEAD_I},
    {"d2", EIN_LEAD_II},
    {"d3", EIN_LEAD_III},
    {"l1", EIN_LEAD_I},
    {"l2", EIN_LEAD_II},
    {"l3", EIN_LEAD_III},
    {"li", EIN_LEAD_I},
    {"lii", EIN_LEAD_II},
    {"liii", EIN_LEAD_III},
    {"mli", EIN_LEAD_I},
    {"mlii", EIN_LEAD_II},
    {"mliii", EIN_LEAD_III},
    {"ml1", EIN_LEAD_I},
    {"ml2", EIN_LEAD_II},
    {"ml3", EIN_LEAD_III},
    {"i(einthoven)", EIN_LEAD_I},
    {"ii(einthoven)", EIN_LEAD_II},
    {"iii(einthoven)", EIN_LEAD_III},
    {"vx", EIN_LEAD_X},
    {"vy", EIN_LEAD_Y},
    {"vz", EIN_LEAD_Z},
};
static const struct {
    const char *name;
    ein_lead lead;
} numbers[] = {{"1", EIN_LEAD_I}, {"2", EIN_LEAD_II}, {"3", EIN_LEAD_III}}; /* behind "lead" only */

/* The name as one word in lower case; false if it cannot be a lead's. A leading minus stays: -aVR is another lead. */
static bool squeeze(const char *name, char *out, size_t room) {
    size_t n = 0;
    for (const char *p = name; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (isspace(c) || c == '_' || c == '.' || (c == '-' && n > 0)) continue;
        if (n + 1 >= room) return false;
        out[n++] = (char)tolower(c);
    }
    out[n] = '\0';
    return n > 0;
}

static bool skip(const char **word, const char *prefix) {
    size_t n = strlen(prefix);
    if (strncmp(*word, prefix, n) != 0 || !(*word)[n]) return false;
    *word += n;
    return true;
}

/* Past what only says that a lead's name follows; true if that was the word "lead" in some language. */
static bool skip_prefixes(const char **word) {
    static const char *const leads[] = {"lead",       "ableitung",   "abl",      "derivation",
                                        "derivacion", "derivazione", "derivacao"};
    bool is_lead = false;
    skip(word, "mdc");
    if (!skip(word, "ecg")) skip(word, "ekg");
    skip(word, "elecpotl");
    for (size_t i = 0; i < sizeof leads / sizeof leads[0] && !is_lead; i++) is_lead = skip(word, leads[i]);
    return is_lead;
}

ein_lead ein_lead_parse(const char *name) {
    char text[2 * EIN_LEAD_NAME_BYTES], known[8];
    if (!name || !squeeze(name, text, sizeof text)) return EIN_LEAD_UNKNOWN;
    const char *word = text;
    bool is_lead = skip_prefixes(&word);
    for (int i = 0; i < EIN_LEAD_COUNT; i++)
        if (squeeze(standard[i], known, sizeof known) && strcmp(word, known) == 0) return (ein_lead)i;
    for (size_t i = 0; i < sizeof synonyms / sizeof synonyms[0]; i++)
        if (strcmp(word, synonyms[i].name) == 0) return synonyms[i].lead;
    for (size_t i = 0; is_lead && i < sizeof numbers / sizeof numbers[0]; i++)
        if (strcmp(word, numbers[i].name) == 0) return numbers[i].lead;
    return EIN_LEAD_UNKNOWN;
}

const char *ein_lead_name(ein_lead lead) {
    if ((int)lead < 0 || lead >= EIN_LEAD_COUNT) return "unknown";
    return standard[lead];
}

/* --- a site's own ---------------------------------------------------------------------------------------- */

static int find_own(const ein_lead_names *names, const char *squeezed) {
    for (int i = 0; names && i < names->n; i++)
        if (strcmp(names->name[i], squeezed) == 0) return i;
    return -1;
}

ein_status ein_lead_names_add(ein_lead_names *names, const char *item) {
    char left[64], squeezed[EIN_LEAD_NAME_BYTES];
    const char *equals = strrchr(item, '=');
    size_t n = equals ? (size_t)(equals - item) : 0;
    if (n == 0 || n >= sizeof left)
        return ein_error(EIN_USAGE, "'%.60s' is not of the form NAME=LEAD, such as DI=I", item);
    memcpy(left, item, n);
    left[n] = '\0';
    if (!squeeze(left, squeezed, sizeof squeezed))
        return ein_error(EIN_USAGE, "'%.60s': a lead's name has 1 to %d characters", item,
                         EIN_LEAD_NAME_BYTES - 1);
    ein_lead lead = ein_lead_parse(equals + 1);
    if (lead == EIN_LEAD_UNKNOWN && strcasecmp(equals + 1, "none") != 0)
        return ein_error(EIN_USAGE,
                         "'%.60s': no lead is called '%.20s'; I, II, aVR, V1 and so on are, or none", item,
                         equals + 1);
    int there = find_own(names, squeezed);
    if (there >= 0 && names->lead[there] != lead)
        return ein_error(EIN_USAGE, "'%.60s': this name was said to be %s before", item,
                         names->lead[there] == EIN_LEAD_UNKNOWN ? "none" : ein_lead_name(names->lead[there]));
    if (there >= 0) return EIN_OK;
    if (names->n == EIN_LEAD_NAMES_MAX)
        return ein_error(EIN_USAGE, "more than %d names of leads", EIN_LEAD_NAMES_MAX);
    memcpy(names->name[names->n], squeezed, sizeof squeezed);
    names->lead[names->n++] = lead;
    return EIN_OK;
}

/* --- a recording's --------------------------------------------------------------------------------------- */

/* Index of the lead that has exactly this name, or -1. */
static int find_name(const ein_ecg *ecg, const char *name) {
    char squeezed[EIN_LEAD_NAME_BYTES];
    for (int i = 0; i < ecg->n_leads; i++)
        if (squeeze(ecg->lead_name[i], squeezed, sizeof squeezed) && strcmp(squeezed, name) == 0) return i;
    return -1;
}

/* Whether II = I + III, within a twentieth of II's spread, over the first minute at most. */
static bool obeys_law(const ein_ecg *ecg, int one, int two, int three) {
    const float *a = ecg->mv + one * ecg->n_samples, *b = ecg->mv + two * ecg->n_samples,
                *c = ecg->mv + three * ecg->n_samples;
    int64_t valid = 0,
            n = 60 * ecg->fs_hz < (double)ecg->n_samples ? (int64_t)(60 * ecg->fs_hz) : ecg->n_samples;
    double error = 0, sum = 0, squares = 0, tolerance = 0.05, least_mv = 0.01;
    for (int64_t t = 0; t < n; t++) {
        double off = (double)b[t] - a[t] - c[t];
        if (!isfinite(off)) continue;
        valid++;
        error += off * off;
        sum += b[t];
        squares += (double)b[t] * b[t];
    }
    if ((double)valid < ecg->fs_hz) return false;
    double variance = (squares - sum * sum / (double)valid) / (double)valid;
    return variance >= least_mv * least_mv && error / (double)valid <= tolerance * tolerance * variance;
}

static void name_numbers(ein_ecg *ecg, const ein_lead_names *names) {
    int one = ein_ecg_find_lead(ecg, EIN_LEAD_I), two = find_name(ecg, "2"), three = find_name(ecg, "3");
    if (one < 0) one = find_name(ecg, "1");
    if (one < 0 || two < 0 || three < 0 || ecg->lead[two] >= 0 || ecg->lead[three] >= 0) return;
    if (ein_ecg_find_lead(ecg, EIN_LEAD_II) >= 0 || ein_ecg_find_lead(ecg, EIN_LEAD_III) >= 0) return;
    if (find_own(names, "2") >= 0 || find_own(names, "3") >= 0) return;
    if (!obeys_law(ecg, one, two, three)) return;
    ecg->lead[one] = EIN_LEAD_I;
    ecg->lead[two] = EIN_LEAD_II;
    ecg->lead[three] = EIN_LEAD_III;
}

void ein_ecg_name_leads(ein_ecg *ecg, const ein_lead_names *names) {
    char squeezed[EIN_LEAD_NAME_BYTES];
    for (int i = 0; i < ecg->n_leads; i++) {
        int own = squeeze(ecg->lead_name[i], squeezed, sizeof squeezed) ? find_own(names, squeezed) : -1;
        if (own >= 0) ecg->lead[i] = names->lead[own];
        ecg->lead_notes[i] &= ~(uint32_t)EIN_NOTE_LEAD_TWICE;
    }
    name_numbers(ecg, names);
    ecg->notes &= ~(uint32_t)EIN_NOTE_LEAD_TWICE;
    for (int i = 0; i < ecg->n_leads; i++)
        for (int k = 0; k < i; k++)
            if (ecg->lead[i] >= 0 && ecg->lead[i] == ecg->lead[k]) {
                ecg->lead_notes[i] |= EIN_NOTE_LEAD_TWICE;
                ecg->lead_notes[k] |= EIN_NOTE_LEAD_TWICE;
                ecg->notes |= EIN_NOTE_LEAD_TWICE;
            }
}

void ein_ecg_unknown_leads(const ein_ecg *ecg, char *out, size_t room) {
    size_t used = 0;
    out[0] = '\0';
    for (int i = 0; i < ecg->n_leads; i++) {
        bool before = false;
        for (int k = 0; k < i; k++) before = before || strcmp(ecg->lead_name[k], ecg->lead_name[i]) == 0;
        size_t n = strlen(ecg->lead_name[i]);
        if (ecg->lead[i] != EIN_LEAD_UNKNOWN || before || n == 0 || used + n + 3 > room) continue;
        used += (size_t)snprintf(out + used, room - used, "%s%s", used ? ", " : "", ecg->lead_name[i]);
        for (char *p = out + used - n; *p; p++)
            if (*p == ',') *p = ';';
    }
}
