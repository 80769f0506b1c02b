/* How models are named on the command line: FILE, or ARM=FILE; models of one arm are its seeds. */
#ifndef EIN_JOBS_OPTIONS_MODEL_ARMS_H
#define EIN_JOBS_OPTIONS_MODEL_ARMS_H

#include "core/base/status.h"

enum { EIN_ARM_NAME_BYTES = 64 };

/* Take "ARM=FILE" apart: the arm, "model" if none is named, and the path within `spec`. An equals sign behind a slash
 * is part of a path. EIN_USAGE, naming `key`, for a name of an arm that is no short printable text. */
ein_status ein_model_arm_parse(const char *key, const char *spec, char arm[EIN_ARM_NAME_BYTES],
                               const char **path);

#endif
