/* The subcommands of this build, in the order of --help.
 *
 * To add a subcommand: define `const ein_command ein_command_X` in jobs/X.c, declare it in jobs/cli/command.h,
 * and add a line `&ein_command_X,` here. Parser, help and main() need nothing else.
 */
#include "jobs/cli/cmdline.h"

/* clang-format off */
const ein_command *const ein_commands[] = {
    &ein_command_synth,
    &ein_command_ingest,
    &ein_command_pretrain,
    &ein_command_finetune,
    &ein_command_evaluate,
    &ein_command_score,
    &ein_command_embed,
    &ein_command_explain,
    &ein_command_pool,
    &ein_command_keys,
    &ein_command_plan,
    &ein_command_release,
    &ein_command_audit,
    &ein_command_study,
    &ein_command_report,
    &ein_command_convert,
    &ein_command_inspect,
    NULL,
};
/* clang-format on */
