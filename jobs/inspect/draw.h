/* inspect --out PICTURE: a record of a corpus, or a recording, on ECG paper. */
#ifndef EIN_JOBS_INSPECT_DRAW_H
#define EIN_JOBS_INSPECT_DRAW_H

#include "jobs/cli/command.h"

/* Keys draw.*. Collective. */
ein_status ein_inspect_draw(ein_job *job);

#endif
