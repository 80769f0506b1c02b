/* Lead names, recordings in memory, and the contract's text, parser and comparison. */
#include <stdlib.h>
#include <string.h>

#include "core/signal/contract.h"
#include "core/signal/quality.h"
#include "tests/report.h"

static ein_contract published(void) {
    ein_contract c;
    static const ein_lead leads[] = {EIN_LEAD_I,  EIN_LEAD_II, EIN_LEAD_V1, EIN_LEAD_V2,
                                     EIN_LEAD_V3, EIN_LEAD_V4, EIN_LEAD_V5, EIN_LEAD_V6};
    memset(&c, 0, sizeof c);
    c.n_leads = 8;
    memcpy(c.lead, leads, sizeof leads);
    c.fs_hz = 500;
    c.n_samples = 5000;
    c.mean_mv = -0.0012090115;
    c.sd_mv = 0.26843855;
    return c;
}

static void check_names(void) {
    static const struct {
        const char *name;
        ein_lead lead;
    } cases[] = {
        {"I", EIN_LEAD_I},
        {"i", EIN_LEAD_I},
        {"II", EIN_LEAD_II},
        {"iii", EIN_LEAD_III},
        {"aVR", EIN_LEAD_AVR},
        {"AVR", EIN_LEAD_AVR},
        {"avl", EIN_LEAD_AVL},
        {"AVF", EIN_LEAD_AVF},
        {"V1", EIN_LEAD_V1},
        {"v6 ", EIN_LEAD_V6},
        {" v4", EIN_LEAD_V4},
        {"Lead II", EIN_LEAD_II},
        {"lead_V3", EIN_LEAD_V3},
        {"ECG lead II", EIN_LEAD_II},
        {"MDC_ECG_LEAD_AVF", EIN_LEAD_AVF},
        {"MDC_ECG_LEAD_V2", EIN_LEAD_V2},
        {"ECG V5", EIN_LEAD_V5},
        {"vx", EIN_LEAD_X},
        {"vz", EIN_LEAD_Z},
        {"V4R", EIN_LEAD_V4R},
        {"v9", EIN_LEAD_V9},
        {"DI", EIN_LEAD_I},
        {"dii", EIN_LEAD_II},
        {"DIII", EIN_LEAD_III},
        {"D1", EIN_LEAD_I},
        {"D 3", EIN_LEAD_III},
        {"Lead 1", EIN_LEAD_I},
        {"ECG lead 2", EIN_LEAD_II},
        {"LEAD_3", EIN_LEAD_III},
        {"L1", EIN_LEAD_I},
        {"LII", EIN_LEAD_II},
        {"MLI", EIN_LEAD_I},
        {"MLII", EIN_LEAD_II},
        {"MLIII", EIN_LEAD_III},
        {"ML2", EIN_LEAD_II},
        {"Abl. III", EIN_LEAD_III},
        {"Ableitung V1", EIN_LEAD_V1},
        {"Derivacion I", EIN_LEAD_I},
        {"EKG aVL", EIN_LEAD_AVL},
        {"MDC_ECG_ELEC_POTL_V3", EIN_LEAD_V3},
        {"Lead II (Einthoven)", EIN_LEAD_II},
        {"1", EIN_LEAD_UNKNOWN},
        {"ECG 1", EIN_LEAD_UNKNOWN},
        {"ECG_2", EIN_LEAD_UNKNOWN},
        {"ch 3", EIN_LEAD_UNKNOWN},
        {"C4", EIN_LEAD_UNKNOWN},
        {"VR", EIN_LEAD_UNKNOWN},
        {"MCL1", EIN_LEAD_UNKNOWN},
        {"Lead 4", EIN_LEAD_UNKNOWN},
        {"-aVR", EIN_LEAD_UNKNOWN},
        {"V", EIN_LEAD_UNKNOWN},
        {"V10", EIN_LEAD_UNKNOWN},
        {"IV", EIN_LEAD_UNKNOWN},
        {"", EIN_LEAD_UNKNOWN},
        {"   ", EIN_LEAD_UNKNOWN},
        {"lead", EIN_LEAD_UNKNOWN},
        {"ABP", EIN_LEAD_UNKNOWN},
        {"a name that is much longer than any lead's", EIN_LEAD_UNKNOWN},
        {"\xff\xfe", EIN_LEAD_UNKNOWN},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i)
        report(ein_lead_parse(cases[i].name) == cases[i].lead, "\"%s\" is %s",
               i + 1 < sizeof cases / sizeof cases[0] ? cases[i].name : "(bytes)",
               ein_lead_name(cases[i].lead));
    int round = 0;
    for (int lead = 0; lead < EIN_LEAD_COUNT; ++lead)
        round += ein_lead_parse(ein_lead_name((ein_lead)lead)) == (ein_lead)lead;
    report(round == EIN_LEAD_COUNT && ein_lead_parse(NULL) == EIN_LEAD_UNKNOWN,
           "every standard name reads back");
}

static void check_ecg(void) {
    ein_ecg ecg;
    report(ein_ecg_alloc(&ecg, 0, 10) == EIN_RANGE &&
               ein_ecg_alloc(&ecg, EIN_MAX_LEADS + 1, 10) == EIN_RANGE &&
               ein_ecg_alloc(&ecg, 1, 0) == EIN_RANGE &&
               ein_ecg_alloc(&ecg, 1, EIN_ECG_MAX_SAMPLES + 1) == EIN_RANGE &&
               ein_ecg_alloc(&ecg, 1, -5) == EIN_RANGE && !ecg.mv,
           "impossible sizes of a recording are refused");
    bool good = ein_ecg_alloc(&ecg, 2, 7) == EIN_OK;
    ecg.lead[1] = EIN_LEAD_V5;
    good = good && ecg.mv[13] == 0 && isnan(ecg.person.age_years) && ecg.person.sex == EIN_SEX_UNKNOWN &&
           ein_ecg_find_lead(&ecg, EIN_LEAD_V5) == 1 && ein_ecg_find_lead(&ecg, EIN_LEAD_I) == -1 &&
           ein_ecg_find_lead(&ecg, EIN_LEAD_UNKNOWN) == -1;
    report(good, "a fresh recording is zero, of nobody, and finds its leads");
    ein_ecg_free(&ecg);
    ein_ecg_free(&ecg);
    ein_ecg_free(NULL);
    report(!ecg.mv && ecg.n_leads == 0, "freeing twice is fine");
}

static void check_text(void) {
    ein_contract c = published(), back;
    char text[EIN_CONTRACT_TEXT_BYTES], again[EIN_CONTRACT_TEXT_BYTES];
    static const char start[] =
        "einthoven_contract = 1\nleads = I,II,V1,V2,V3,V4,V5,V6\nfs_hz = 500\nn_samples = 5000\n"
        "notch_hz = 0\nband_low_hz = 0\nband_high_hz = 0\nmean_mv = -0.0012090115\n"
        "sd_mv = 0.26843855\nunits = mV\n";
    report(ein_contract_text(&c, text) == EIN_OK && strncmp(text, start, sizeof start - 1) == 0,
           "the published contract has its canonical text");
    c.fs_hz = 1.0 / 3 * 400;
    c.mean_mv = -0.0;
    c.notch_hz = 50;
    c.band_low_hz = 0.01;
    c.band_high_hz = 150;
    bool good = ein_contract_text(&c, text) == EIN_OK && ein_contract_parse(text, &back) == EIN_OK &&
                ein_contract_text(&back, again) == EIN_OK && strcmp(text, again) == 0 &&
                back.fs_hz == c.fs_hz && back.n_leads == 8 && back.lead[7] == EIN_LEAD_V6 &&
                back.band_low_hz == 0.01;
    report(good, "what is written reads back to the same numbers");
    report(strstr(text, "mean_mv = 0\n") != NULL, "minus zero is zero");
    c.n_leads = EIN_LEAD_COUNT;
    for (int i = 0; i < EIN_LEAD_COUNT; ++i) c.lead[i] = (ein_lead)i;
    report(ein_contract_text(&c, text) == EIN_OK && ein_contract_parse(text, &back) == EIN_OK &&
               back.n_leads == EIN_LEAD_COUNT,
           "a contract with every lead fits");
}

/* What is done about faults is part of the contract, and contracts that do nothing keep their text. */
static void check_policies(void) {
    ein_contract c = published(), plain = published(), back;
    char text[EIN_CONTRACT_TEXT_BYTES], again[EIN_CONTRACT_TEXT_BYTES], difference[512];
    report(ein_contract_text(&c, text) == EIN_OK && !strstr(text, "repair") && !strstr(text, "mask"),
           "nothing repaired or masked: not a word of it");
    c.repair_flags = EIN_QUALITY_REVERSAL | EIN_QUALITY_LA_LL;
    c.mask_flags = EIN_QUALITY_NOISE;
    report(ein_contract_text(&c, text) == EIN_OK &&
               strstr(text, "\nrepair = reversal,reversal LA/LL\nmask = noise\n"),
           "what is repaired and masked ends the text");
    report(ein_contract_parse(text, &back) == EIN_OK && back.repair_flags == c.repair_flags &&
               back.mask_flags == c.mask_flags && ein_contract_text(&back, again) == EIN_OK &&
               strcmp(text, again) == 0,
           "and reads back");
    report(ein_contract_compare(&plain, &c, 1, difference, sizeof difference) == 2 &&
               strstr(difference, "mask: nothing against noise"),
           "two contracts that differ in it: %s", difference);
    c.repair_flags = EIN_QUALITY_NOISE;
    c.mask_flags = 0;
    report(ein_contract_text(&c, text) == EIN_USAGE && strstr(ein_error_message(), "noise"), "refused: %s",
           ein_error_message());
    c.repair_flags = c.mask_flags = EIN_QUALITY_LEAD_SIGN;
    report(ein_contract_text(&c, text) == EIN_USAGE && strstr(ein_error_message(), "lead sign"),
           "refused: %s", ein_error_message());
}

static void check_impossible(void) {
    static const struct {
        const char *what;
        int field;
        double value;
    } cases[] = {
        {"no leads", 0, 0},
        {"too many leads", 0, 65},
        {"a lead twice", 1, EIN_LEAD_V6},
        {"an unknown lead", 1, -1},
        {"a rate of 0", 2, 0},
        {"a rate that is NaN", 2, NAN},
        {"a rate of 1e9", 2, 1e9},
        {"no samples", 3, 0},
        {"negative samples", 3, -1},
        {"too many samples", 3, 1e9},
        {"a notch at 55 Hz", 4, 55},
        {"a band without a low edge", 6, 40},
        {"a band upside down", 5, 200},
        {"a mean of NaN", 7, NAN},
        {"an SD of 0", 8, 0},
        {"an SD of NaN", 8, NAN},
        {"an SD of infinity", 8, INFINITY},
    };
    char text[EIN_CONTRACT_TEXT_BYTES];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        ein_contract c = published();
        double v = cases[i].value;
        if (cases[i].field == 0) c.n_leads = (int)v;
        if (cases[i].field == 1) c.lead[0] = (ein_lead)(int)v;
        if (cases[i].field == 2) c.fs_hz = v;
        if (cases[i].field == 3) c.n_samples = (int64_t)v;
        if (cases[i].field == 4) c.notch_hz = v;
        if (cases[i].field == 5) c.band_low_hz = v, c.band_high_hz = 150;
        if (cases[i].field == 6) c.band_high_hz = v;
        if (cases[i].field == 7) c.mean_mv = v;
        if (cases[i].field == 8) c.sd_mv = v;
        report(ein_contract_text(&c, text) == EIN_USAGE && text[0] == '\0', "refused: %s", cases[i].what);
    }
}

/* Replace the first `from` in the published text by `to` and parse. */
static ein_status parse_edited(const char *from, const char *to) {
    ein_contract c = published(), out;
    char text[EIN_CONTRACT_TEXT_BYTES], edited[2 * EIN_CONTRACT_TEXT_BYTES];
    if (ein_contract_text(&c, text) != EIN_OK) return EIN_OK;
    char *at = strstr(text, from);
    if (!at) return EIN_OK;
    snprintf(edited, sizeof edited, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return ein_contract_parse(edited, &out);
}

static void check_parser(void) {
    static const struct {
        const char *from, *to;
        ein_status status;
    } cases[] = {
        {"einthoven_contract = 1\n", "", EIN_FORMAT},
        {"contract = 1", "contract = 2", EIN_MISMATCH},
        {"fs_hz = 500", "fs_hz = 500.0", EIN_FORMAT},
        {"fs_hz = 500", "fs_hz = 5e2", EIN_FORMAT},
        {"fs_hz = 500", "fs_hz = 0x1f4", EIN_FORMAT},
        {"fs_hz = 500", "fs_hz = nan", EIN_FORMAT},
        {"fs_hz = 500", "fs_hz = inf", EIN_FORMAT},
        {"fs_hz = 500", "fs_hz = -500", EIN_FORMAT},
        {"fs_hz = 500", "fs_hz =", EIN_FORMAT},
        {"fs_hz = 500", "fs_hz = ", EIN_FORMAT},
        {"fs_hz = 500", "fs_hz = 500 ", EIN_FORMAT},
        {"fs_hz = 500\n", "", EIN_FORMAT},
        {"fs_hz = 500\n", "fs_hz = 500\nfs_hz = 500\n", EIN_FORMAT},
        {"fs_hz = 500", "fs = 500", EIN_FORMAT},
        {"n_samples = 5000", "n_samples = 5000.5", EIN_FORMAT},
        {"n_samples = 5000", "n_samples = 99999999999999999999", EIN_FORMAT},
        {"n_samples = 5000", "n_samples = 0", EIN_FORMAT},
        {"leads = I,", "leads = i,", EIN_FORMAT},
        {"leads = I,", "leads = ,I,", EIN_FORMAT},
        {"leads = I,", "leads = II,", EIN_FORMAT},
        {"V5,V6", "V5,V6,", EIN_FORMAT},
        {"V5,V6", "V5,W6", EIN_FORMAT},
        {"units = mV", "units = uV", EIN_MISMATCH},
        {"resampling = ", "resampling = better ", EIN_MISMATCH},
        {"missing = mean\n", "missing = mean", EIN_FORMAT},
        {"missing = mean\n", "missing = mean\nmore = 1\n", EIN_FORMAT},
        {"missing = mean\n", "", EIN_FORMAT},
        {"missing = mean\n", "missing = mean\nmask = noise,noise\n", EIN_FORMAT},
        {"missing = mean\n", "missing = mean\nmask = noise\nrepair = reversal\n", EIN_FORMAT},
        {"missing = mean\n", "missing = mean\nmask = nothing\n", EIN_FORMAT},
        {"missing = mean\n", "missing = mean\nrepair = \n", EIN_FORMAT},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        char shown[64];
        snprintf(shown, sizeof shown, "%s", cases[i].to);
        for (char *p = shown; *p; ++p)
            if (*p == '\n') *p = '|';
        ein_status status = parse_edited(cases[i].from, cases[i].to);
        report(status == cases[i].status, "case %zu, \"%s\": %s", i + 1, shown, ein_status_name(status));
    }
    report(parse_edited("missing = mean\n", "missing = mean\n") == EIN_OK, "unedited text parses");
    ein_contract out;
    char longer[EIN_CONTRACT_TEXT_BYTES + 100];
    memset(longer, 'a', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    report(ein_contract_parse(longer, &out) == EIN_FORMAT && ein_contract_parse("", &out) == EIN_FORMAT,
           "endless and empty texts are refused");
}

static void check_compare(void) {
    ein_contract a = published(), b = published();
    char text[256], tiny[12];
    report(ein_contract_compare(&a, &b, 0, text, sizeof text) == 0 && text[0] == '\0',
           "equal contracts do not differ");
    b.fs_hz = 100;
    b.mean_mv = 0;
    report(ein_contract_compare(&a, &b, 0, text, sizeof text) == 2 &&
               strcmp(text, "fs_hz: 500 against 100; mean_mv: -0.0012090115 against 0") == 0,
           "differences are named: %s", text);
    report(ein_contract_compare(&a, &b, 1, text, sizeof text) == 1 &&
               strcmp(text, "fs_hz: 500 against 100") == 0,
           "normalisation can be left out");
    b = published();
    b.n_leads = 2;
    report(ein_contract_compare(&a, &b, 0, text, sizeof text) == 1 &&
               strcmp(text, "leads: I,II,V1,V2,V3,V4,V5,V6 against I,II") == 0,
           "leads are named: %s", text);
    report(ein_contract_compare(&a, &b, 0, tiny, sizeof tiny) == 1 && strlen(tiny) == sizeof tiny - 1 &&
               ein_contract_compare(&a, &b, 0, NULL, 0) == 1,
           "a short buffer is not overrun, none is needed");
}

int main(void) {
    check_names();
    check_ecg();
    check_text();
    check_policies();
    check_impossible();
    check_parser();
    check_compare();
    return report_end();
}
