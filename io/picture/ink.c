#include "io/picture/ink.h"

/* Colours of the series keep 4.5 : 1 against the page in light and dark and are told apart by the colour-blind. */
/* clang-format off */
const ein_look ein_looks[EIN_INKS] = {
    [EIN_INK_SHEET]       = {"sheet", EIN_LOOK_AREA, 0xffffff, 0xffffff, 0, 0, 1, false, false},
    [EIN_INK_PAPER]       = {"paper", EIN_LOOK_AREA, 0xfffdfb, 0xfffdfb, 0, 0, 1, false, false},
    [EIN_INK_GRID_1MM]    = {"grid1", EIN_LOOK_LINE, 0xf6d9d5, 0xf6d9d5, 0.1, 0, 1, false, false},
    [EIN_INK_GRID_5MM]    = {"grid5", EIN_LOOK_LINE, 0xe6a9a2, 0xe6a9a2, 0.2, 0, 1, false, false},
    [EIN_INK_GAP]         = {"gap", EIN_LOOK_AREA, 0x5f6b7a, 0x5f6b7a, 0, 0, 0.22, false, false},
    [EIN_INK_HIDDEN]      = {"hidden", EIN_LOOK_AREA, 0x2f6fb5, 0x2f6fb5, 0, 0, 0.14, false, false},
    [EIN_INK_FOR    ] = {"for-a", EIN_LOOK_AREA, 0xe07b00, 0xe07b00, 0, 0, 0.14, false, false},
    [EIN_INK_FOR + 1] = {"for-b", EIN_LOOK_AREA, 0xe07b00, 0xe07b00, 0, 0, 0.28, false, false},
    [EIN_INK_FOR + 2] = {"for-c", EIN_LOOK_AREA, 0xe07b00, 0xe07b00, 0, 0, 0.45, false, false},
    [EIN_INK_FOR + 3] = {"for-d", EIN_LOOK_AREA, 0xe07b00, 0xe07b00, 0, 0, 0.65, false, false},
    [EIN_INK_AGAINST    ] = {"against-a", EIN_LOOK_AREA, 0x1f5fbf, 0x1f5fbf, 0, 0, 0.14, false, false},
    [EIN_INK_AGAINST + 1] = {"against-b", EIN_LOOK_AREA, 0x1f5fbf, 0x1f5fbf, 0, 0, 0.28, false, false},
    [EIN_INK_AGAINST + 2] = {"against-c", EIN_LOOK_AREA, 0x1f5fbf, 0x1f5fbf, 0, 0, 0.45, false, false},
    [EIN_INK_AGAINST + 3] = {"against-d", EIN_LOOK_AREA, 0x1f5fbf, 0x1f5fbf, 0, 0, 0.65, false, false},
    [EIN_INK_TRACE]       = {"trace", EIN_LOOK_LINE, 0x101418, 0x101418, 0.25, 0, 1, false, false},
    [EIN_INK_PREDICTED]   = {"predicted", EIN_LOOK_LINE, 0x0b57b0, 0x0b57b0, 0.3, 0, 1, false, false},
    [EIN_INK_PAPER_TEXT]  = {"ptext", EIN_LOOK_TEXT, 0x101418, 0x101418, 0, 0, 1, false, false},
    [EIN_INK_PAPER_TITLE] = {"ptitle", EIN_LOOK_TEXT, 0x101418, 0x101418, 0, 0, 1, true, false},
    [EIN_INK_PAPER_NOTE]  = {"pnote", EIN_LOOK_TEXT, 0x4a5260, 0x4a5260, 0, 0, 1, false, false},
    [EIN_INK_AXIS]        = {"axis", EIN_LOOK_LINE, 0x6b7280, 0x9aa3b0, 1, 0, 1, false, true},
    [EIN_INK_TICKS]       = {"ticks", EIN_LOOK_LINE, 0xe3e6ea, 0x343b45, 1, 0, 1, false, true},
    [EIN_INK_REFERENCE]   = {"reference", EIN_LOOK_LINE, 0x6b7280, 0x9aa3b0, 1.2, 4, 1, false, false},
    [EIN_INK_TEXT]        = {"text", EIN_LOOK_TEXT, 0x1c2430, 0xe6e9ee, 0, 0, 1, false, false},
    [EIN_INK_STRONG]      = {"strong", EIN_LOOK_TEXT, 0x1c2430, 0xe6e9ee, 0, 0, 1, true, false},
    [EIN_INK_NOTE]        = {"note", EIN_LOOK_TEXT, 0x545d6a, 0xaab3bf, 0, 0, 1, false, false},
    [EIN_INK_SERIES]      = {"line-a", EIN_LOOK_LINE, 0x0b57b0, 0x7db7ff, 2, 0, 1, false, false},
    [EIN_INK_SERIES + 1]  = {"line-b", EIN_LOOK_LINE, 0xb0410a, 0xffa564, 2, 0, 1, false, false},
    [EIN_INK_SERIES + 2]  = {"line-c", EIN_LOOK_LINE, 0x0b6e5a, 0x5fd3b5, 2, 0, 1, false, false},
    [EIN_INK_SERIES + 3]  = {"line-d", EIN_LOOK_LINE, 0x7a3d9a, 0xd3a4f0, 2, 0, 1, false, false},
    [EIN_INK_BAND]        = {"band-a", EIN_LOOK_AREA, 0x0b57b0, 0x7db7ff, 0, 0, 0.16, false, false},
    [EIN_INK_BAND + 1]    = {"band-b", EIN_LOOK_AREA, 0xb0410a, 0xffa564, 0, 0, 0.16, false, false},
    [EIN_INK_BAND + 2]    = {"band-c", EIN_LOOK_AREA, 0x0b6e5a, 0x5fd3b5, 0, 0, 0.16, false, false},
    [EIN_INK_BAND + 3]    = {"band-d", EIN_LOOK_AREA, 0x7a3d9a, 0xd3a4f0, 0, 0, 0.16, false, false},
    [EIN_INK_DOT]         = {"dot-a", EIN_LOOK_AREA, 0x0b57b0, 0x7db7ff, 0, 0, 1, false, false},
    [EIN_INK_DOT + 1]     = {"dot-b", EIN_LOOK_AREA, 0xb0410a, 0xffa564, 0, 0, 1, false, false},
    [EIN_INK_DOT + 2]     = {"dot-c", EIN_LOOK_AREA, 0x0b6e5a, 0x5fd3b5, 0, 0, 1, false, false},
    [EIN_INK_DOT + 3]     = {"dot-d", EIN_LOOK_AREA, 0x7a3d9a, 0xd3a4f0, 0, 0, 1, false, false},
};
/* clang-format on */

ein_ink ein_ink_of_series(ein_ink first, int series) {
    return (ein_ink)((int)first + series % EIN_PICTURE_SERIES);
}
