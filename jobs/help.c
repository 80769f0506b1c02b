/* Help, from the same tables as the parser. */
#include <string.h>

#include "jobs/cmdline.h"

static const ein_option *option_of(const ein_command *command, const char *key) {
    for (int t = 0; command->tables[t]; t++)
        for (const ein_option *option = command->tables[t]; option->key; option++)
            if (strcmp(option->key, key) == 0) return option;
    ein_bug(__FILE__, __LINE__, key); /* a flag for a key that does not exist */
}

void ein_print_help(const ein_command *const *commands, FILE *stream) {
    fputs("Einthoven pretrains, adapts, evaluates and runs ECG foundation models on CPU clusters.\n\n"
          "Usage: einthoven SUBCOMMAND [CONFIG.yaml] [--set KEY=VALUE ...] [OPTION ...] [OPERAND ...]\n"
          "       mpirun -n RANKS einthoven SUBCOMMAND ...\n\n"
          "Subcommands:\n",
          stream);
    for (int i = 0; commands[i]; i++)
        fprintf(stream, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\nOptions:\n"
          "  --help     this text; after a subcommand: its options and configuration keys\n"
          "  --version  version, compiler, and the libraries that are linked\n\n"
          "Exit code: 0 done or stopped in order, 1 failed, 2 wrong use or bad configuration.\n",
          stream);
}

static void print_flags(const ein_command *command, FILE *stream) {
    enum { COLUMN = 22 };
    char text[80];
    fputs("\nOptions:\n", stream);
    for (const ein_flag *flag = command->flags; flag && flag->flag; flag++) {
        const ein_option *option = option_of(command, flag->key);
        snprintf(text, sizeof text, "%s%s%s", flag->flag, flag->argument ? " " : "",
                 flag->argument ? flag->argument : "");
        fprintf(stream, "  %-*s %s [%s]\n", COLUMN, text, option->help, flag->key);
    }
    fprintf(stream, "  %-*s %s\n", COLUMN, "--set KEY=VALUE",
            "set a key of the list below; lists as KEY=A,B");
    fprintf(stream, "  %-*s %s\n", COLUMN, "--help", "this text");
    fprintf(stream, "  %-*s %s\n", COLUMN, "--", "operands follow, whatever they look like");
}

void ein_print_command_help(const ein_command *command, FILE *stream) {
    const char *operands = command->operands ? command->operands : "";
    fprintf(stream,
            "einthoven %s: %s\n\nUsage: einthoven %s [CONFIG.yaml] [--set KEY=VALUE ...] [OPTION ...]%s%s\n",
            command->name, command->summary, command->name, operands[0] ? " " : "", operands);
    if (command->description && command->description[0]) {
        size_t n = strlen(command->description);
        fprintf(stream, "\n%s%s", command->description, command->description[n - 1] == '\n' ? "" : "\n");
    }
    print_flags(command, stream);
    if (!command->tables || !command->tables[0]) return;
    fputs("\nConfiguration keys with their defaults. Precedence: default < model.preset < CONFIG.yaml < "
          "--set and "
          "options.\n",
          stream);
    ein_config_help(command->tables, stream);
}
