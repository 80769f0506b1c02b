#include "jobs/report/contents.h"

#include <stddef.h>

const ein_content ein_contents[] = {
    {"summary", "Summary"},
    {"results", "Results"},
    {"differences", "Did pretraining help?"},
    {"data", "Data"},
    {"pretraining", "Pretraining"},
    {"cells", "Each task and cohort"},
    {"runs", "Runs"},
    {"limitations", "Limitations"},
    {"reproduce", "How to reproduce"},
    {"checklist", "TRIPOD+AI checklist"},
    {NULL, NULL},
};
