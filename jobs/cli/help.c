/* Help, from the same tables as the parser. */
#include <string.h>

#include "io/base/wrap.h"
#include "jobs/cli/cmdline.h"
#include "jobs/cli/manual.h"

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
          "  --help     this text (also: help); after a subcommand: its options and configuration keys\n"
          "  --version  version, compiler, and the libraries that are linked (also: version)\n\n"
          "Exit code: 0 done or stopped in order, 1 failed, 2 wrong use or bad configuration.\n\n"
          "Manual: einthoven help TOPIC, a subcommand or one of\n",
          stream);
    ein_manual_list(stream);
}

enum { COLUMN = 26 };

/* A flag with its argument, and its help from COLUMN on. */
static void print_flag(FILE *stream, const char *flag, const char *argument, const char *help) {
    int n = fprintf(stream, "  %s%s%s", flag, argument[0] ? " " : "", argument);
    if (n < COLUMN)
        fprintf(stream, "%*s", COLUMN - n, "");
    else
        fprintf(stream, "\n%*s", COLUMN, "");
    ein_print_wrapped(stream, COLUMN, COLUMN, help);
}

static void print_flags(const ein_command *command, FILE *stream) {
    fputs("\nOptions:\n", stream);
    for (const ein_flag *flag = command->flags; flag && flag->flag; flag++) {
        char text[1024];
        snprintf(text, sizeof text, "%s [%s]", option_of(command, flag->key)->help, flag->key);
        print_flag(stream, flag->flag, flag->argument ? flag->argument : "", text);
    }
    print_flag(stream, "--set", "KEY=VALUE", "set a key of the list below; lists as KEY=A,B");
    print_flag(stream, "--help", "", "this text");
    print_flag(stream, "--", "", "operands follow, whatever they look like");
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
    fputs(
        "\nConfiguration keys with their defaults; those without '=' have none.\n"
        "Precedence: default < preset < CONFIG.yaml < --set and options. An option for a list (A,B,...) may be "
        "repeated.\n",
        stream);
    ein_config_help(command->tables, stream);
}

void ein_print_topic(const ein_cmdline *line, FILE *stream) {
    ein_manual_text text = {0};
    if (line->command) text = ein_manual_section(line->command->name);
    if (!text.begin) text = ein_manual_page(line->topic);
    if (text.begin) fwrite(text.begin, 1, (size_t)(text.end - text.begin), stream);
    if (!line->command) return;
    if (text.begin) fputs("\n", stream);
    ein_print_command_help(line->command, stream);
}
