/* Subcommands of the one program `einthoven`.
 *
 * Each jobs/X.c defines one `const ein_command ein_command_X`; jobs/einthoven.c lists them, parses
 * the command line from their tables, starts MPI, and calls run().  Exit code: 0 done, 1 failed,
 * 2 wrong use or bad configuration.
 *
 *     einthoven SUBCOMMAND [config.yaml] [--set key.path=value ...] [options] [operands ...]
 *
 * The first operand that ends in .yaml or .yml is the configuration file; the rest are operands.
 */
#ifndef EIN_JOBS_CLI_COMMAND_H
#define EIN_JOBS_CLI_COMMAND_H

#include <stdbool.h>

#include "core/base/status.h"
#include "io/config/config.h"
#include "mpi/comm.h"

/* A command-line flag that is shorthand for "--set KEY=value" ("true" when it takes no argument):
 * {"--dry-run", NULL, "run.dry_run"} or {"--out", "FILE", "ingest.out"}.  Its help is the help of
 * the key. */
typedef struct {
    const char *flag;
    const char *argument; /* metavariable; NULL: takes none */
    const char *key;
} ein_flag;

/* What a subcommand gets: the resolved configuration, the operands, the communicator. */
typedef struct {
    const ein_config *config;
    ein_comm *comm;
    int n_operands;
    const char *const *operands;
} ein_job;

typedef struct {
    const char *name;        /* "pretrain" */
    const char *summary;     /* one line */
    const char *operands;    /* usage of operands, "FOLDER..." or "" */
    const char *description; /* a paragraph or more for --help: what goes in, what comes out, examples */
    const ein_option *const *tables; /* NULL-terminated */
    const ein_flag *flags;           /* ended by flag NULL; may be NULL */
    int min_operands, max_operands;  /* max -1: any number */
    bool yaml_is_operand;            /* a .yaml file is an operand like others, not the configuration */
    const char *preset_without; /* prefix of keys that this job does not take from presets ("train."); NULL */
    /* Collective. All ranks return the same status; rank 0 prints the message of an error. */
    ein_status (*run)(ein_job *job);
} ein_command;

extern const ein_command ein_command_synth, ein_command_ingest, ein_command_pretrain, ein_command_finetune,
    ein_command_evaluate, ein_command_pool, ein_command_convert, ein_command_inspect, ein_command_study,
    ein_command_keys, ein_command_plan, ein_command_release, ein_command_audit, ein_command_score,
    ein_command_embed;
extern const ein_command ein_command_report, ein_command_explain;

/* Version, compiler and flags, MPI, HDF5 and BLAS versions, one per line (also `--version`). */
const char *ein_version(void); /* "0.1.0" */
void ein_print_versions(FILE *stream);

#endif
