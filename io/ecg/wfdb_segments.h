/* WFDB records of several segments: a header that names headers of the same folder, one after the other in time.
 *
 *     record/segments signals fs samples [time date]
 *     name samples     a segment, NAME.hea
 *     ~ samples        a gap
 *
 *   fixed layout     Every segment has the same signals.
 *   variable layout  The first segment has 0 samples: it describes all signals and holds none.  Segments have some of
 *                    them; a lead is missing where its segment lacks it.
 *
 * A segment's header may be a link by the rule for signal files (io/ecg/wfdb.h).  Leads are told apart by their names
 * and stand in the order in which they come up.  Segments of another rate, of
 * another length than is stated here, or which have segments themselves are errors; all segments are read or none.
 * The person is who the header's comments say, else who the first segment says. Memory: twice the samples.
 */
#ifndef EIN_IO_ECG_WFDB_SEGMENTS_H
#define EIN_IO_ECG_WFDB_SEGMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/status.h"
#include "core/signal/ecg.h"
#include "io/ecg/wfdb_header.h"

enum { EIN_WFDB_MAX_SEGMENTS = 8192 };

typedef struct {
    char name[EIN_WFDB_FILE_BYTES]; /* "" for a gap */
    int64_t frames;
    int line;
} ein_wfdb_segment;

typedef struct {
    int64_t n_frames; /* 0: not stated */
    double fs_hz;
    ein_wfdb_segment *segment; /* owned */
    int n_segments;
    ein_ecg_person person; /* of the comments */
} ein_wfdb_segments;

/* Whether header text, followed by a NUL byte, is that of several segments: its record line has a '/' in its
 * first word. */
bool ein_wfdb_is_segmented(const char *text);

/* Parse it. EIN_FORMAT with file and line: names that lead out of the folder, counts that do not add up. Free with
 * ein_wfdb_segments_free, which NULL members are fine for. */
ein_status ein_wfdb_segments_parse(const char *path, const char *text, ein_wfdb_segments *out);
void ein_wfdb_segments_free(ein_wfdb_segments *segments);

/* The path of a segment's header, in the folder of `path`. EIN_IO if it is too long. */
ein_status ein_wfdb_segment_path(const char *path, const ein_wfdb_segment *segment, char *out, size_t room);

/* Join what `read` makes of each segment's header. */
ein_status ein_wfdb_segments_read(const char *path, const ein_wfdb_segments *segments, void *context,
                                  ein_status (*read)(const char *path, void *context, ein_ecg *ecg),
                                  ein_ecg *ecg);

#endif
