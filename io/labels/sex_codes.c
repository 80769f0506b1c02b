#include "io/labels/sex_codes.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "io/formats/values.h"

enum { ISO_MALE = 1, ISO_FEMALE = 2, ISO_NOT_APPLICABLE = 9, NONE = -2 };

/* Without blanks around it; `cell` and `out` may be the same. */
static void trim(const char *cell, char out[EIN_SEX_CODE_BYTES]) {
    cell += strspn(cell, " \t");
    size_t n = strlen(cell);
    while (n > 0 && (cell[n - 1] == ' ' || cell[n - 1] == '\t')) n--;
    if (n >= EIN_SEX_CODE_BYTES) n = EIN_SEX_CODE_BYTES - 1;
    memmove(out, cell, n);
    out[n] = '\0';
}

/* The sex that a word names, or NONE. */
static int sex_of_word(const char *word) {
    static const char *const male[] = {"male",
                                       "m",
                                       "man",
                                       "men",
                                       "boy",
                                       "mann",
                                       "maennlich",
                                       "h",
                                       "homme",
                                       "masculin",
                                       "uomo",
                                       "hombre",
                                       "varon",
                                       "masculino",
                                       "herr",
                                       "maschio",
                                       "m\xC3\xA4nnlich",
                                       "M\xC3\x84NNLICH",
                                       NULL};
    static const char *const female[] = {
        "female", "f",       "woman",   "women",    "girl",    "frau",           "weiblich", "w",
        "femme",  "feminin", "donna",   "mujer",    "dame",    "femenino",       "v",        "vrouw",
        "k",      "kvinna",  "kobieta", "feminino", "femmina", "f\xC3\xA9minin", NULL};
    static const char *const neither[] = {"u", "unknown", "unk",    "other",   "o",
                                          "x", "d",       "divers", "diverse", NULL};
    if (ein_value_is_unknown(word)) return EIN_SEX_UNKNOWN;
    for (int i = 0; male[i]; i++)
        if (strcasecmp(word, male[i]) == 0) return EIN_SEX_MALE;
    for (int i = 0; female[i]; i++)
        if (strcasecmp(word, female[i]) == 0) return EIN_SEX_FEMALE;
    for (int i = 0; neither[i]; i++)
        if (strcasecmp(word, neither[i]) == 0) return EIN_SEX_UNKNOWN;
    return NONE;
}

/* --- declared --------------------------------------------------------------------------------------- */

static bool same_code(const char *a, const char *b) {
    double x, y;
    if (ein_value_number(EIN_READ_POINT, a, &x) && ein_value_number(EIN_READ_POINT, b, &y)) return x == y;
    return strcasecmp(a, b) == 0;
}

static int sex_of_declared(const ein_sex_codes *codes, const char *code) {
    for (int i = 0; codes && i < codes->n; i++)
        if (same_code(codes->item[i].code, code)) return codes->item[i].sex;
    return NONE;
}

static ein_status declare_one(ein_sex_codes *codes, const char *item) {
    char word[EIN_SEX_CODE_BYTES], code[EIN_SEX_CODE_BYTES];
    const size_t n = strcspn(item, "=");
    if (item[n] != '=' || n == 0 || n >= sizeof word || strlen(item + n + 1) >= sizeof code)
        return ein_error(EIN_USAGE, "'%.60s': expected male=CODE, female=CODE or unknown=CODE", item);
    memcpy(word, item, n);
    word[n] = '\0';
    trim(word, word);
    trim(item + n + 1, code);
    const int sex = sex_of_word(word);
    if (sex == NONE || code[0] == '\0')
        return ein_error(EIN_USAGE, "'%.60s': expected male=CODE, female=CODE or unknown=CODE", item);
    const int before = sex_of_declared(codes, code);
    if (before != NONE && before != sex)
        return ein_error(EIN_USAGE, "code '%.40s' is declared for two sexes", code);
    if (codes->n == EIN_SEX_MAX_CODES)
        return ein_error(EIN_USAGE, "more than %d codes of sexes", EIN_SEX_MAX_CODES);
    codes->item[codes->n].sex = (ein_sex)sex;
    memcpy(codes->item[codes->n++].code, code, sizeof code);
    return EIN_OK;
}

ein_status ein_sex_declare(ein_sex_codes *codes, const char *const *item, int n) {
    for (int i = 0; i < n; i++) EIN_TRY(declare_one(codes, item[i]));
    return EIN_OK;
}

/* --- a column --------------------------------------------------------------------------------------- */

void ein_sex_see(ein_sex_column *c, const char *cell, int64_t line) {
    char code[EIN_SEX_CODE_BYTES];
    double number;
    trim(cell, code);
    c->has_h = c->has_h || strcasecmp(code, "h") == 0;
    c->has_f = c->has_f || strcasecmp(code, "f") == 0;
    if (!ein_value_number(EIN_READ_POINT, code, &number)) return;
    if (number >= 0 && number <= 9 && number == floor(number)) {
        const int digit = (int)number;
        if (!c->has[digit]) c->line[digit] = line;
        c->has[digit] = true;
    } else if (c->other_line == 0) {
        c->other = number;
        c->other_line = line;
    }
}

static ein_status refuse(int64_t line, double code, const char *why, const char *path, const char *name) {
    return ein_error(EIN_FORMAT,
                     "%s:%lld: sex is %g in column %s: %s; say what the codes mean, for example --sex-codes "
                     "male=1,female=2 (or male=0,female=1)",
                     path, (long long)line, code, name, why);
}

ein_status ein_sex_decide(ein_sex_column *c, const ein_sex_codes *declared, bool zero_one, const char *path,
                          const char *name) {
    const char *unknown = "no code that is known";
    c->declared = declared;
    c->coding = EIN_SEX_BY_WORDS;
    if (declared && declared->n > 0) {
        c->coding = EIN_SEX_BY_CODES;
        return EIN_OK;
    }
    if (c->other_line > 0) return refuse(c->other_line, c->other, unknown, path, name);
    for (int digit = 3; digit <= 8; digit++)
        if (c->has[digit]) return refuse(c->line[digit], digit, unknown, path, name);
    if (c->has[ISO_FEMALE] || c->has[ISO_NOT_APPLICABLE]) {
        c->coding = EIN_SEX_BY_ISO_5218;
    } else if (c->has[0] || c->has[1]) {
        if (!zero_one)
            return refuse(c->has[1] ? c->line[1] : c->line[0], c->has[1] ? 1 : 0,
                          c->has[0] ? "with 0 and 1 some tables count women as 1, others men"
                                    : "alone it may stand for men or women",
                          path, name);
        c->coding = EIN_SEX_BY_ZERO_ONE;
    }
    return EIN_OK;
}

bool ein_sex_read(const ein_sex_column *c, const char *cell, int *sex) {
    char code[EIN_SEX_CODE_BYTES];
    double number;
    trim(cell, code);
    *sex = sex_of_declared(c->declared, code);
    if (*sex != NONE) return true;
    *sex = EIN_SEX_UNKNOWN;
    if (ein_value_number(EIN_READ_POINT, code, &number)) {
        if (c->coding == EIN_SEX_BY_ISO_5218) {
            if (number == ISO_MALE) *sex = EIN_SEX_MALE;
            if (number == ISO_FEMALE) *sex = EIN_SEX_FEMALE;
            return true;
        }
        if (c->coding == EIN_SEX_BY_ZERO_ONE) *sex = number == 0 ? EIN_SEX_MALE : EIN_SEX_FEMALE;
        return c->coding == EIN_SEX_BY_ZERO_ONE;
    }
    const int word = sex_of_word(code);
    if (word == NONE) return false;
    *sex = c->has_h && !c->has_f && strcasecmp(code, "m") == 0 ? EIN_SEX_FEMALE : word;
    return true;
}

const char *ein_sex_coding_text(const ein_sex_column *c) {
    switch (c->coding) {
    case EIN_SEX_BY_ISO_5218:
        return "1 male, 2 female (ISO 5218)";
    case EIN_SEX_BY_ZERO_ONE:
        return "0 male, 1 female (PTB-XL)";
    case EIN_SEX_BY_CODES:
        return "as declared";
    default:
        return "";
    }
}
