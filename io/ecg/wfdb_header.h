/* Parsing the text of a WFDB header (.hea): record line, signal lines, comments.
 *
 * Source: header(5) of the WFDB Applications Guide.
 *     record[/segments] signals [fs[/counter[(base)]] [samples [time [date]]]]
 *     file format[xSPF][:skew][+offset] [gain[(baseline)][/units] [bits [zero [initial [checksum [block
 *         [description]]]]]]]
 * Comments and blank lines may stand anywhere. Defaults: fs 250 Hz, gain 200 per unit (also for a gain of 0),
 * baseline = zero, units mV, samples not known. "gain/units(baseline)" is understood too.
 *
 * Stricter than WFDB where leniency would shift samples: a line that does not parse, fewer or more signal
 * lines than the record line announces, control bytes, and a number out of bounds are errors with file and
 * line. Multi-segment records are refused here; see
 * io/ecg/wfdb_segments.h.
 */
#ifndef EIN_IO_ECG_WFDB_HEADER_H
#define EIN_IO_ECG_WFDB_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/base/input.h"
#include "io/base/utf8.h"

enum {
    EIN_WFDB_MAX_HEADER_BYTES = 1 << 20,
    EIN_WFDB_MAX_FRAME = 65536, /* samples of all signals of one file in one frame */
    EIN_WFDB_FILE_BYTES = 256
};

typedef struct {
    char file[EIN_WFDB_FILE_BYTES];
    int format;
    int per_frame;      /* SPF: samples per frame */
    int64_t skew;       /* frames by which the signal lags in the file */
    int64_t offset;     /* bytes before the first sample ("preamble") */
    double gain;        /* counts per unit, never 0 */
    bool gain_stated;   /* false: the default stands in for a missing or zero gain */
    double baseline;    /* count of 0 units */
    char units[16];     /* as spelled */
    double mv_per_unit; /* 0: not a voltage */
    int64_t initial;    /* value before the first difference (format 8) */
    bool has_checksum;
    uint16_t checksum;    /* modulo 65536 */
    char description[64]; /* cut; UTF-8 without control characters */
    int line;             /* in the file, from 1 */
} ein_wfdb_signal;

typedef struct {
    char record[EIN_ECG_TEXT_BYTES];
    int n_signals;
    double fs_hz;     /* frames per second */
    int64_t n_frames; /* 0: not stated */
    ein_wfdb_signal signal[EIN_MAX_LEADS];
    ein_ecg_person person;       /* record_id is left empty; UTF-8 */
    ein_utf8_repair text_repair; /* of comments and descriptions that were not UTF-8 */
} ein_wfdb_header;

/* Parse `bytes` of header text, which must be followed by a NUL byte. `path` stands in messages. */
ein_status ein_wfdb_header_parse(const char *path, const char *text, size_t bytes, ein_wfdb_header *out);

/* Take what one comment says of the person ("#" and what precedes it removed; UTF-8): "Age: 63", "<age>: 28 <sex>: M",
 * "Sex: Male", "Dx: 426177001,427084000", "<subject_id>: 10000032", "Manufacturer: ...", "Model: ...", "Device: ...",
 * "69 M ..." (MIT-BIH). The first statement of a thing stands; manufacturer, model and device are joined. Ages as in
 * io/formats/values.h: also "063Y", "6M", "6 months", "90+" and 300, which are 90; what is no age is not known,
 * nor is "63 M", which may be months or the sex. */
void ein_wfdb_comment(const char *text, ein_ecg_person *person);

/* The path of a signal file that stands in the header `header_path`: in the same folder, and, if no file has just that
 * name, the one whose name differs in capitals (files that went through systems which do not tell "1.DAT" from
 * "1.dat"): name and extension each all small or all in capitals, or the name as that of the header. With two of
 * these, none. EIN_IO if the path is too long. */
ein_status ein_wfdb_signal_path(const ein_place *place, const char *header_path, const char *file, char *out,
                                size_t room);

/* Open it, as ein_input_open_named does, by a path that is put into `path` and kept by reference. */
ein_status ein_wfdb_open_signal(const ein_place *place, const char *header_path, const char *file, char *path,
                                size_t room, ein_input *out);

/* mV in one `units`, in any usual spelling ("mV", "MV", "uV", "microvolts", "V"); 0 if it is no voltage. */
double ein_wfdb_mv_per_unit(const char *units);

#endif
