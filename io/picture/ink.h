/* Inks: what lines, areas and texts of pictures look like, in one table. */
#ifndef EIN_IO_PICTURE_INK_H
#define EIN_IO_PICTURE_INK_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    /* ECG paper */
    EIN_INK_SHEET,    /* area: all of the sheet */
    EIN_INK_PAPER,    /* area */
    EIN_INK_GRID_1MM, /* lines */
    EIN_INK_GRID_5MM, /* lines */
    EIN_INK_GAP,      /* area: no signal */
    EIN_INK_HIDDEN,   /* area: hidden from the model */
    EIN_INK_FOR,      /* area: what speaks for an answer, a little; three more follow, the last one most */
    EIN_INK_AGAINST = EIN_INK_FOR + 4,
    EIN_INK_TRACE = EIN_INK_AGAINST + 4, /* line */
    EIN_INK_PREDICTED,                   /* line */
    EIN_INK_PAPER_TEXT,                  /* text */
    EIN_INK_PAPER_TITLE,                 /* text, bold */
    EIN_INK_PAPER_NOTE,                  /* text, lighter */
    /* charts */
    EIN_INK_AXIS,      /* line */
    EIN_INK_TICKS,     /* thin lines behind the data */
    EIN_INK_REFERENCE, /* dashed line: chance, no difference, ideal */
    EIN_INK_TEXT,
    EIN_INK_STRONG, /* text, bold */
    EIN_INK_NOTE,   /* text, lighter */
    EIN_INK_SERIES, /* line of series 0; the others follow */
    EIN_INK_BAND = EIN_INK_SERIES + 4,
    EIN_INK_DOT = EIN_INK_BAND + 4,
    EIN_INKS = EIN_INK_DOT + 4
} ein_ink;
enum { EIN_PICTURE_SERIES = 4 }; /* inks for so many series; more begin again */

ein_ink ein_ink_of_series(ein_ink first, int series);

typedef enum { EIN_UNIT_MM, EIN_UNIT_PX } ein_picture_unit;
typedef enum { EIN_ANCHOR_START, EIN_ANCHOR_MIDDLE, EIN_ANCHOR_END } ein_anchor;

/* What an ink looks like. Colours are 0xRRGGBB; `opacity` is of an area. */
typedef struct {
    const char *name; /* class in SVG, and "--ein-NAME" */
    enum { EIN_LOOK_LINE, EIN_LOOK_AREA, EIN_LOOK_TEXT } kind;
    uint32_t light, dark; /* the same for paper */
    double width;         /* of a line, in units of the picture */
    double dash;          /* 0: none */
    double opacity;
    bool bold, crisp;
} ein_look;
extern const ein_look ein_looks[EIN_INKS];

#endif
