/* The command line: subcommands, flags, settings, operands, suggestions, help from the same tables. */
#include "jobs/cli/cmdline.h"

#include <stdlib.h>
#include <string.h>

#include "tests/report.h"

static const ein_option table[] = {
    {"train.batch", EIN_OPT_INT, "16", 1, 1024, NULL, "records", "records per step"},
    {"run.dry_run", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "only tell what would be done"},
    {"ingest.labels", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "", "tables"},
    {"ingest.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "corpus to write"},
    {0}};
static const ein_option *const tables[] = {table, NULL};
static const ein_flag flags[] = {{"--dry-run", NULL, "run.dry_run"},
                                 {"--out", "FILE", "ingest.out"},
                                 {"--batch", "N", "train.batch"},
                                 {"--labels", "TABLE", "ingest.labels"},
                                 {0}};
static const ein_command fetch = {.name = "fetch",
                                  .summary = "fetch things",
                                  .operands = "FOLDER...",
                                  .description = "A paragraph on fetching.\n",
                                  .tables = tables,
                                  .flags = flags,
                                  .min_operands = 1,
                                  .max_operands = 2};
static const ein_command inspect = {
    .name = "inspect", .summary = "look", .tables = tables, .max_operands = -1};
static const ein_command none = {.name = "none", .summary = "no operands", .tables = tables};
static const ein_command *const commands[] = {&fetch, &inspect, &none, NULL};

enum { MAX_WORDS = 12 };

/* Words of `text` as argv, "einthoven" first; words are cut at blanks, in static memory. */
static int split(const char *text, char **argv) {
    static char copy[512];
    snprintf(copy, sizeof copy, "einthoven %s", text);
    int n = 0;
    for (char *word = strtok(copy, " "); word && n < MAX_WORDS; word = strtok(NULL, " ")) argv[n++] = word;
    return n;
}

static ein_status parse(const char *text, ein_cmdline *line) {
    char *argv[MAX_WORDS + 1];
    int argc = split(text, argv);
    ein_error_clear();
    return ein_cmdline_parse(commands, argc, argv, line);
}

static const struct {
    const char *text, *says[2];
} refused[] = {
    {"", {"subcommand is missing"}},
    {"fetsh x", {"no subcommand 'fetsh'", "did you mean fetch?"}},
    {"zzzz", {"no subcommand 'zzzz'", "--help"}},
    {"--dry-run fetch", {"'--dry-run' stands where a subcommand is expected"}},
    {"help fetsh", {"did you mean fetch?"}},
    {"fetch", {"an operand is missing", "FOLDER..."}},
    {"fetch a b c", {"operand 'c' is one too many"}},
    {"none a", {"operand 'a' is one too many", "takes none"}},
    {"fetch x --labels a --set ingest.labels=b", {"--set ingest.labels", "--labels a"}},
    {"fetch a --dryrun", {"no option --dryrun", "did you mean --dry-run?"}},
    {"fetch a --dry_run", {"no option --dry_run", "did you mean --set run.dry_run=...?"}},
    {"fetch a --ot=x", {"no option --ot;", "--out"}},
    {"fetch a --train.batch=3", {"did you mean --set train.batch=...?"}},
    {"fetch a -x", {"no option -x"}},
    {"fetch a -3", {"no option -3"}},
    {"fetch a --out", {"--out needs an argument: --out FILE"}},
    {"fetch a --out --dry-run", {"--out needs an argument"}},
    {"fetch a --set", {"--set needs an argument"}},
    {"fetch a --set train.batch", {"expected KEY=VALUE"}},
    {"fetch a --set train.bach=3", {"did you mean train.batch?"}},
    {"fetch a --set train.batch=0", {"1 to 1024 records"}},
    {"fetch a --set=train.batch=0", {"1 to 1024 records"}},
    {"fetch a --batch=many", {"--batch: train.batch", "not an integer"}},
    {"fetch a --dry-run=maybe", {"--dry-run: run.dry_run", "neither true nor false"}},
};

static void check_refused(void) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        ein_cmdline line;
        bool good = parse(refused[i].text, &line) == EIN_USAGE;
        for (int s = 0; s < 2 && refused[i].says[s]; s++)
            good = good && strstr(ein_error_message(), refused[i].says[s]);
        if (!report(good, "refused: einthoven %s", refused[i].text)) printf("#   %s\n", ein_error_message());
        ein_cmdline_free(&line);
    }
}

/* Operands joined by '|', then the configuration file, then settings as source:key:value. */
static void describe(const ein_cmdline *line, char *out, size_t room) {
    size_t at = 0;
    out[0] = '\0';
    for (int i = 0; i < line->n_operands; i++)
        at += (size_t)snprintf(out + at, room - at, "%s|", line->operands[i]);
    at += (size_t)snprintf(out + at, room - at, "%s|", line->config_path ? line->config_path : "");
    for (int i = 0; i < line->n_settings; i++)
        at += (size_t)snprintf(out + at, room - at, "%s:%s:%s ", line->settings[i].source,
                               line->settings[i].key, line->settings[i].value ? line->settings[i].value : "");
}

static const struct {
    const char *text, *means;
} accepted[] = {
    {"fetch a", "a||"},
    {"fetch a b", "a|b||"},
    {"fetch c.yaml a", "a|c.yaml|"},
    {"fetch a c.yml", "a|c.yml|"},
    {"fetch c.yaml d.yaml", "d.yaml|c.yaml|"},
    {"fetch a --dry-run", "a||--dry-run:run.dry_run:true "},
    {"fetch --dry-run=false a", "a||--dry-run:run.dry_run:false "},
    {"fetch --out o.h5 a", "a||--out:ingest.out:o.h5 "},
    {"fetch --out=o.h5 a", "a||--out:ingest.out:o.h5 "},
    {"fetch --out=--odd a", "a||--out:ingest.out:--odd "},
    {"fetch --out= a", "a||--out:ingest.out: "},
    {"fetch --out x.yaml a", "a||--out:ingest.out:x.yaml "},
    {"fetch a --set train.batch=3 --set=run.dry_run=true",
     "a||--set:train.batch=3: --set:run.dry_run=true: "},
    {"fetch --batch 3 a --batch 4", "a||--batch:train.batch:3 --batch:train.batch:4 "},
    {"fetch -- --out", "--out||"},
    {"fetch -- c.yaml", "c.yaml||"},
    {"fetch a -- --", "a|--||"},
    {"fetch -", "-||"},
    {"inspect", "|"},
    {"inspect a b c d e", "a|b|c|d|e||"},
    {"none c.yaml", "c.yaml|"},
};

static void check_accepted(void) {
    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++) {
        ein_cmdline line;
        char means[512] = "";
        bool good = parse(accepted[i].text, &line) == EIN_OK && line.command && !line.help && !line.version;
        if (good) describe(&line, means, sizeof means);
        if (!report(good && strcmp(means, accepted[i].means) == 0, "taken: einthoven %s", accepted[i].text))
            printf("#   %s %s\n", means, ein_error_message());
        ein_cmdline_free(&line);
    }
}

static void check_help_requests(void) {
    static const struct {
        const char *text;
        bool help, version;
        const ein_command *command;
    } cases[] = {{"--help", true, false, NULL},
                 {"-h", true, false, NULL},
                 {"help", true, false, NULL},
                 {"--version", false, true, NULL},
                 {"version", false, true, NULL},
                 {"help mpi", true, false, NULL},
                 {"help MPI", true, false, NULL},
                 {"help fetch", true, false, &fetch},
                 {"fetch --help", true, false, &fetch},
                 {"fetch a -h", true, false, &fetch},
                 {"fetch --nonsense --help", true, false, &fetch},
                 {"fetch --out --help", true, false, &fetch}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ein_cmdline line;
        bool good = parse(cases[i].text, &line) == EIN_OK && line.help == cases[i].help &&
                    line.version == cases[i].version && line.command == cases[i].command;
        report(good, "help: einthoven %s", cases[i].text);
        ein_cmdline_free(&line);
    }
    ein_cmdline line;
    report(parse("fetch -- --help", &line) == EIN_OK && !line.help && line.n_operands == 1,
           "behind -- even --help is an operand");
    ein_cmdline_free(&line);
}

static void check_help_text(void) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    ein_print_help(commands, stream);
    ein_print_command_help(&fetch, stream);
    fclose(stream);
    static const char *const parts[] = {"fetch      fetch things",
                                        "inspect    look",
                                        "Usage: einthoven fetch [CONFIG.yaml]",
                                        "FOLDER...",
                                        "A paragraph on fetching.",
                                        "--dry-run               only tell what would be done [run.dry_run]",
                                        "--out FILE              corpus to write [ingest.out]",
                                        "--set KEY=VALUE",
                                        "train.batch = 16",
                                        "1 to 1024 records"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        report(strstr(text, parts[i]) != NULL, "help says: %s", parts[i]);
    free(text);
}

/* The program's own commands: names are unique, flags point to keys, help can be printed. */
static void check_own_commands(void) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    for (int i = 0; ein_commands[i]; i++) {
        const ein_command *c = ein_commands[i];
        bool good = c->name && c->summary && c->description && c->tables && c->run;
        for (int j = 0; j < i; j++) good = good && strcmp(c->name, ein_commands[j]->name) != 0;
        ein_config *config = NULL;
        good = good && ein_config_new(c->tables, &config) == EIN_OK;
        for (const ein_flag *f = c->flags; good && f && f->flag; f++)
            good = strncmp(f->flag, "--", 2) == 0 && ein_config_has_key(config, f->key);
        if (report(good, "einthoven %s: a whole command whose flags are keys", c->name))
            ein_print_command_help(c, stream);
        ein_config_destroy(config);
    }
    fclose(stream);
    free(text);
}

int main(void) {
    check_refused();
    check_accepted();
    check_help_requests();
    check_help_text();
    check_own_commands();
    return report_end();
}
