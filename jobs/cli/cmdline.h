/* Command line, help and configuration of a subcommand, all from the tables of its ein_command. */
#ifndef EIN_JOBS_CLI_CMDLINE_H
#define EIN_JOBS_CLI_CMDLINE_H

#include <stdbool.h>
#include <stdio.h>

#include "jobs/cli/command.h"

/* Every subcommand; ended by NULL. */
extern const ein_command *const ein_commands[];

/* One setting from the command line. `value` NULL: `key` is a whole "a.b=value" of --set. */
typedef struct {
    const char *source; /* "--set", or the flag that stands for a key */
    const char *key;
    const char *value;
} ein_setting;

typedef struct {
    const ein_command *command; /* NULL: none was named */
    bool help, version;
    const char *topic; /* of `help TOPIC`: a subcommand, which `command` is then, or a page; NULL: none */
    const char *config_path; /* NULL: none */
    ein_setting *settings;   /* in the order given */
    int n_settings;
    const char **operands;
    int n_operands;
} ein_cmdline;

/* Take the command line apart. EIN_USAGE for an unknown subcommand, topic or flag (with the nearest known one), a
 * flag without its argument, a wrong number of operands, a setting that its table refuses. `out` then still
 * tells the subcommand, if one was found. Texts point into argv and the tables. Not collective. */
ein_status ein_cmdline_parse(const ein_command *const *commands, int argc, char **argv, ein_cmdline *out);
void ein_cmdline_free(ein_cmdline *line);

/* Help of the program with the topics of the manual, or of one subcommand. Not collective. */
void ein_print_help(const ein_command *const *commands, FILE *stream);
void ein_print_command_help(const ein_command *command, FILE *stream);

/* `help TOPIC`: what the manual says of a subcommand, followed by its help; or a page. Not collective. */
void ein_print_topic(const ein_cmdline *line, FILE *stream);

/* Configure and run the subcommand of a command line. Collective; all ranks return the same status. */
ein_status ein_cmdline_run(ein_comm *comm, const ein_cmdline *line);

#endif
