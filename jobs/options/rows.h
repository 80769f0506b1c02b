/* Rows of option tables that several subcommands have: the key, its type, range and unit once; what a subcommand means
 * by it, in its own words. */
#ifndef EIN_JOBS_OPTIONS_ROWS_H
#define EIN_JOBS_OPTIONS_ROWS_H

#include "io/config/option.h"

#define EIN_ROW_CORPUS(help) \
    { "data.corpus", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", help }
#define EIN_ROW_MEMORY(help) \
    { "data.memory_mib", EIN_OPT_INT, "8192", 1, 1073741824, NULL, "MiB", help }
#define EIN_ROW_PRESET(help)                                                  \
    {                                                                         \
        "model.preset", EIN_OPT_CHOICE, NULL, EIN_UNBOUNDED,                  \
            "paper|small|tiny|paper-fast|small-fast|tiny-fast|none", "", help \
    }
#define EIN_ROW_DRY_RUN(help) \
    { "run.dry_run", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", help }
#define EIN_ROW_LOG_SECONDS \
    { "run.log_seconds", EIN_OPT_REAL, "30", 0.1, 86400, NULL, "s", "interval of progress lines" }
#define EIN_ROW_PEER_TIMEOUT(seconds)                                                                                \
    {                                                                                                                \
        "run.peer_timeout_s", EIN_OPT_REAL, seconds, 0, 1e6, NULL, "s",                                              \
            "a rank that makes no progress for so long ends with a message: a peer or the network is lost; 0: wait " \
            "for ever"                                                                                               \
    }

#endif
