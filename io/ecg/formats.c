#include "io/ecg/formats.h"

#include <stdio.h>
#include <string.h>

#include "io/ecg/aecg.h"
#include "io/ecg/cardiosoft.h"
#include "io/ecg/dicom.h"
#include "io/ecg/edf.h"
#include "io/ecg/eli.h"
#include "io/ecg/ishne.h"
#include "io/ecg/mfer.h"
#include "io/ecg/muse.h"
#include "io/ecg/scp.h"
#include "io/ecg/sierra.h"

static const ein_format formats[] = {
    {"GE MUSE XML", "MUSE XML", "RestingECG", NULL, EIN_XML_MAX_BYTES, ein_muse_read},
    {"CardioSoft XML", "CardioSoft XML", "CardiologyXML", NULL, EIN_XML_MAX_BYTES, ein_cardiosoft_read},
    {"HL7 aECG", "HL7 annotated ECG (aECG)", "AnnotatedECG", NULL, EIN_XML_MAX_BYTES, ein_aecg_read},
    {"Philips Sierra XML", "Philips Sierra XML", "restingecgdata", NULL, EIN_XML_MAX_BYTES, ein_sierra_read},
    {"Mortara ELI XML", "Mortara ELI XML", "ECG", NULL, EIN_XML_MAX_BYTES, ein_eli_read},
    {"DICOM waveforms", "a DICOM file", NULL, ein_dicom_is, EIN_DICOM_MAX_BYTES, ein_dicom_read},
    {"EDF and BDF", "an EDF file", NULL, ein_edf_is, EIN_EDF_MAX_BYTES, ein_edf_read},
    {"SCP-ECG", "an SCP-ECG file", NULL, ein_scp_is, EIN_SCP_MAX_BYTES, ein_scp_read},
    {"ISHNE", "an ISHNE Holter file", NULL, ein_ishne_is, EIN_ISHNE_MAX_BYTES, ein_ishne_read},
    {"MFER", "an MFER file", NULL, ein_mfer_is, EIN_MFER_MAX_BYTES, ein_mfer_read},
};
enum { FORMATS = sizeof formats / sizeof formats[0] };

static bool is_word_of(const char *word, const char *words) {
    size_t n = strlen(word);
    for (const char *p = words; n > 0 && (p = strstr(p, word)) != NULL; p += n)
        if ((p == words || p[-1] == ' ') && (p[n] == ' ' || !p[n])) return true;
    return false;
}

const ein_format *ein_format_find(const void *start, size_t bytes) {
    char root[EIN_XML_NAME_BYTES];
    const bool is_xml = ein_xml_sniff(start, bytes, root);
    for (int i = 0; i < FORMATS; i++) {
        const ein_format *f = &formats[i];
        if (f->roots ? is_xml && is_word_of(root, f->roots) : !is_xml && f->is(start, bytes)) return f;
    }
    return NULL;
}

const char *ein_format_list(void) {
    static _Thread_local char list[1024];
    size_t used = (size_t)snprintf(list, sizeof list, "WFDB headers (.hea)");
    for (int i = 0; i < FORMATS && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i + 1 < FORMATS ? ", " : " and ",
                                 formats[i].name);
    return list;
}
