/* An option of a configuration: what a subcommand's tables are made of (io/config/config.h). */
#ifndef EIN_IO_CONFIG_OPTION_H
#define EIN_IO_CONFIG_OPTION_H

typedef enum {
    EIN_OPT_BOOL,
    EIN_OPT_INT,
    EIN_OPT_REAL,
    EIN_OPT_STRING,
    EIN_OPT_CHOICE,
    EIN_OPT_LIST
} ein_option_type;

typedef struct {
    const char *key; /* "train.batch" */
    ein_option_type type;
    const char *initial; /* default as text; NULL: unset, the getter's `is_set` is false */
    double min, max;     /* inclusive, for INT and REAL; min > max means unbounded */
    const char *choices; /* "a|b|c" for CHOICE, and for the items of a LIST; else NULL */
    const char *unit;    /* "Hz", "records", "" */
    const char *help;    /* one line */
} ein_option;
#define EIN_UNBOUNDED 1.0, -1.0

#endif
