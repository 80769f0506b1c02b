/* What the targets of readers of single files share: the input is the content of a file.
 *
 * Checked beyond the sanitizers: an error leaves nothing behind and has a message, a success is consistent with itself,
 * reading twice gives the same, and the file's kind shows in its first bytes. */
#ifndef EIN_TESTS_FUZZ_FILE_H
#define EIN_TESTS_FUZZ_FILE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/signal/ecg.h"
#include "io/ecg/formats.h"
#include "io/formats/xml_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void give_up(const char *what) {
    fprintf(stderr, "fuzz: %s: %s\n", what, ein_error_message());
    abort();
}

static bool is_line(const char *text, size_t room) {
    size_t n = strnlen(text, room);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) return false;
    return n < room;
}

static void check(const ein_ecg *ecg, bool names_differ) {
    const ein_ecg_person *p = &ecg->person;
    if (ecg->n_leads < 1 || ecg->n_leads > EIN_MAX_LEADS || ecg->n_samples < 1 || !(ecg->fs_hz >= 1))
        give_up("sizes");
    if (!(ecg->gain_per_mv >= 0)) give_up("gain");
    for (int64_t i = 0; i < ecg->n_leads * ecg->n_samples; i++)
        if (isinf(ecg->mv[i])) give_up("an infinite sample");
    for (int i = 0; i < ecg->n_leads; i++) {
        if ((ecg->lead_notes[i] | ecg->notes) != ecg->notes)
            give_up("notes of a lead that the recording lacks");
        if (!ecg->lead_name[i][0] || !is_line(ecg->lead_name[i], sizeof ecg->lead_name[i]))
            give_up("a lead's name");
        for (int j = 0; names_differ && j < i; j++)
            if (strcmp(ecg->lead_name[i], ecg->lead_name[j]) == 0) give_up("two leads of one name");
    }
    if (!is_line(p->patient_id, sizeof p->patient_id) || !is_line(p->dx, sizeof p->dx) ||
        !is_line(p->device, sizeof p->device) || !is_line(p->acquired, sizeof p->acquired))
        give_up("a text");
    if (!isnan(p->age_years) && !(p->age_years >= 0 && p->age_years <= 125)) give_up("an age");
}

/* `root`: the first element of XML; NULL: not XML, and leads may have one name. */
static void fuzz_one(const uint8_t *data, size_t size, const char *root,
                     ein_status (*read_it)(const ein_content *file, ein_ecg *ecg)) {
    char found[EIN_XML_NAME_BYTES];
    ein_ecg ecg, again;
    uint8_t *bytes = malloc(size + 1); /* of its own, so that reading behind it shows */
    if (!bytes) give_up("memory");
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    const ein_content file = {"x.xml", bytes, size};
    memset(&ecg, 0xff, sizeof ecg);
    if (read_it(&file, &ecg) != EIN_OK) {
        if (ecg.mv || ecg.n_leads != 0 || !ein_error_message()[0])
            give_up("an error that leaves something behind");
        free(bytes);
        return;
    }
    check(&ecg, root != NULL);
    bool early = size < EIN_XML_SNIFF_BYTES;
    if (root && (!ein_xml_sniff(data, size, found) || (early && strcmp(found, root) != 0)))
        give_up("the first bytes do not show it");
    const ein_format *format = ein_format_find(data, early ? size : EIN_XML_SNIFF_BYTES);
    /* A file may be of two formats at once, as DICOM leaves the first 128 bytes to anyone: the first row has it. */
    if (!root && !format) give_up("the table does not show it");
    if (read_it(&file, &again) != EIN_OK || again.n_leads != ecg.n_leads ||
        again.n_samples != ecg.n_samples ||
        memcmp(again.mv, ecg.mv, (size_t)(ecg.n_leads * ecg.n_samples) * sizeof *ecg.mv) != 0)
        give_up("a second reading differs");
    ein_ecg_free(&ecg);
    ein_ecg_free(&again);
    free(bytes);
}

#endif
