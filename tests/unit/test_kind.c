/* What kind of file something is, by content and by name. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io/ecg/kind.h"
#include "io/ecg/reader.h"
#include "tests/report.h"

static char folder[] = "/tmp/einthoven-kind.XXXXXX";

static const char *put(const char *name, const char *bytes, size_t n) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f) != 0) abort();
    return path;
}

/* `at` zeros, then the bytes. */
typedef struct {
    const char *name;
    size_t at;
    const char *bytes;
    size_t n;
    ein_kind_class class;
    const char *kind;
} example;
#define BYTES(text) text, sizeof(text) - 1

static const example examples[] = {
    {"a.xyz", 128, BYTES("DICM\2\0\0\0UL.1.2.840.10008.5.1.4.1.1.9.1.1"), EIN_KIND_READ, "a DICOM file"},
    {"b", 128, BYTES("DICM\2\0\0\0UL.1.2.840.10008.5.1.4.1.1.2.1"), EIN_KIND_OTHER,
     "DICOM files without a waveform"},
    {"c.dcm", 128, BYTES("DICM\2\0\0\0UL"), EIN_KIND_READ, "a DICOM file"},
    {"d", 0, BYTES("\x08\0\x16\0UI\x1c\0001.2.840.10008.5.1.4.1.1.9.1.2"), EIN_KIND_READ, "a DICOM file"},
    {"e.bin", 16, BYTES("SCPECG\0"), EIN_KIND_ECG, "a damaged SCP-ECG file"},
    {"f.scp", 0, BYTES("\1\2\3\0"), EIN_KIND_ECG, "a file with an ECG format's name, but not its content"},
    {"g.SCP", 0, BYTES(""), EIN_KIND_ECG, "a file with an ECG format's name, but not its content"},
    {"h.rec", 0,
     BYTES("\xff"
           "BIOSEMI"),
     EIN_KIND_ECG, "a damaged BDF file"},
    {"i", 0, BYTES("ISHNE1.0\0\0"), EIN_KIND_READ, "an ISHNE Holter file"},
    {"j", 0, BYTES("\x40\x20MFR "), EIN_KIND_READ, "an MFER file"},
    {"k.txt", 0, BYTES("<?xml version=\"1.0\"?><AnnotatedECG/>"), EIN_KIND_READ, "HL7 annotated ECG (aECG)"},
    {"l", 0, BYTES("<restingecgdata/>"), EIN_KIND_READ, "Philips Sierra XML"},
    {"m.export", 0, BYTES("<RestingECG/>"), EIN_KIND_READ, "MUSE XML"},
    {"n.hdf5", 0, BYTES("\x89HDF\r\n\x1a\n"), EIN_KIND_HOLDER, "an HDF5 file"},
    {"o.h5", 0, BYTES("\x89HDF\r\n\x1a\n...einthoven corpus..."), EIN_KIND_OTHER, "files of einthoven"},
    {"p.dat", 0, BYTES("\1\0\2\0\377\377"), EIN_KIND_HOLDER, "a signal file without its WFDB header"},
    {"q.MAT", 0, BYTES("\5\0\2\0\377\377"), EIN_KIND_HOLDER, "a signal file without its WFDB header"},
    {"r.mat", 0, BYTES("MATLAB 5.0 MAT-file"), EIN_KIND_HOLDER, "a MATLAB file"},
    {"s.npy", 0, BYTES("\x93NUMPY\1\0"), EIN_KIND_HOLDER, "a NumPy file"},
    {"t.zip", 0, BYTES("PK\3\4...."), EIN_KIND_ARCHIVE, "a ZIP archive"},
    {"u.xlsx", 0, BYTES("PK\3\4...."), EIN_KIND_OTHER, "documents"},
    {"v.csv.gz", 0, BYTES("\x1f\x8b\10"), EIN_KIND_OTHER, "tables"},
    {"w.tar", 257, BYTES("ustar\0"), EIN_KIND_ARCHIVE, "a tar archive"},
    {"x.png", 0, BYTES("\x89PNG\r\n"), EIN_KIND_OTHER, "images"},
    {"y.pdf", 0, BYTES("%PDF-1.4"), EIN_KIND_OTHER, "documents"},
    {"z.csv", 0, BYTES("id,age\n1,2\n"), EIN_KIND_OTHER, "tables"},
    {"README", 0, BYTES("Dear colleague,\n"), EIN_KIND_OTHER, "texts"},
    {"a.md5", 0, BYTES("d41d8cd98f00b204e9800998ecf8427e  a\n"), EIN_KIND_OTHER, "checksums"},
    {"SHA256SUMS.txt", 0, BYTES("d41d8cd98f00b204e9800998ecf8427e  a\n"), EIN_KIND_OTHER, "checksums"},
    {"b.py", 0, BYTES("import os\n"), EIN_KIND_OTHER, "programs"},
    {"c.atr", 0, BYTES("\22\160\3\374\0\0"), EIN_KIND_OTHER, "annotations"},
    {"d.bin", 0, BYTES("\1\0\2\0"), EIN_KIND_OTHER, "binary files of no kind that is known"},
    {"e.txt", 0, BYTES(""), EIN_KIND_OTHER, "empty files"},
    {"f.dat", 0, BYTES("0       1\n0       2\n"), EIN_KIND_OTHER, "texts"},
};

static void check_kinds(void) {
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char bytes[512] = {0};
        const example *e = &examples[i];
        ein_kind kind;
        memcpy(bytes + e->at, e->bytes, e->n);
        bool looked = ein_kind_of_file(put(e->name, bytes, e->at + e->n), &kind) == EIN_OK;
        report(looked && kind.class == e->class && strcmp(kind.name, e->kind) == 0, "%s: %s", e->name,
               kind.name);
    }
    char edf[512];
    ein_kind kind;
    memset(edf, ' ', sizeof edf);
    edf[0] = '0';
    report(ein_kind_of_file(put("g", edf, sizeof edf), &kind) == EIN_OK &&
               strcmp(kind.name, "an EDF file") == 0,
           "EDF of any name");
    report(ein_kind_of_file("/nowhere/x", &kind) == EIN_NOTFOUND, "a file that is not there is an error");
}

/* Reading says the kind, and that it is not read; and nothing of these is taken for damage. */
static void check_read(void) {
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        char path[256];
        ein_ecg ecg;
        const example *e = &examples[i];
        if (e->class != EIN_KIND_ECG && e->class != EIN_KIND_HOLDER) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->name);
        report(ein_reader_read(path, &ecg) == EIN_OTHER && strstr(ein_error_message(), e->kind) != NULL,
               "%s is refused: %s", e->name, ein_error_message());
    }
}

int main(void) {
    if (!mkdtemp(folder)) return 1;
    check_kinds();
    check_read();
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", folder);
    if (system(command) != 0) return 1;
    return report_end();
}
