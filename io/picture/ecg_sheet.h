/* An ECG on standard paper: 25 mm/s, 10 mm/mV, a grid of 1 and 5 mm, a calibration pulse of 1 mV and 0.2 s.
 *
 * The sheet is A4 across, so that a print at 100 % has the right measures. Samples are drawn as they are, none left
 * out; where a recording has none the trace ends and the paper is grey. Limb leads that a recording lacks are computed
 * from two others, and the sheet says so. What would lie beyond the grid is not drawn, and the sheet names the lead.
 */
#ifndef EIN_IO_PICTURE_ECG_SHEET_H
#define EIN_IO_PICTURE_ECG_SHEET_H

#include "core/signal/ecg.h"
#include "io/picture/picture.h"

typedef enum {
    EIN_SHEET_3X4, /* three rows of four leads of 2.5 s each, and a strip of one lead below */
    EIN_SHEET_6X2, /* six rows of two leads of 5 s each */
    EIN_SHEET_12X1,
    EIN_SHEET_RECORDED /* the leads of the recording, one below the other */
} ein_sheet_layout;

typedef struct {
    ein_sheet_layout layout;
    ein_lead rhythm;                    /* of the strip of 3x4 */
    double from_s;                      /* where the sheet begins; it shows 10 s, or what there is */
    const char *title, *note, *warning; /* lines above the paper; NULL: none */
    const float
        *predicted;     /* as ecg->mv, drawn over it, NaN elsewhere; what it covers is marked. NULL: none */
    const char *legend; /* what `predicted` or `share` is */
    /* An explanation: of each lead of the recording and each stretch of so many samples, -1 to 1, what speaks against
     * and for an answer, (n_leads, n_samples / stretch). Below 0.1 nothing is drawn. NULL: none. */
    const float *share;
    int64_t stretch;
} ein_sheet;

/* EIN_RANGE if there is nothing to draw at that time. */
ein_status ein_sheet_draw(const ein_ecg *ecg, const ein_sheet *sheet, ein_picture **out);

#endif
