#include "jobs/cli/cmdline.h"

#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/base/nearest.h"
#include "jobs/cli/embedded.h"
#include "jobs/cli/manual.h"

enum { MAX_SUGGESTIONS = 256 };

static bool ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

static ein_status find_command(const ein_command *const *commands, const char *name,
                               const ein_command **out) {
    const char *names[MAX_SUGGESTIONS];
    int n = 0;
    for (int i = 0; commands[i] && n < MAX_SUGGESTIONS; i++) {
        names[n++] = commands[i]->name;
        if (strcmp(commands[i]->name, name) == 0) {
            *out = commands[i];
            return EIN_OK;
        }
    }
    const char *near = ein_nearest(name, names, n);
    if (near) return ein_error(EIN_USAGE, "no subcommand '%s'; did you mean %s?", name, near);
    return ein_error(EIN_USAGE, "no subcommand '%s' (einthoven --help lists them)", name);
}

/* `help TOPIC`: a subcommand or a page of the manual. */
static ein_status find_topic(const ein_command *const *commands, const char *topic, ein_cmdline *out) {
    const char *names[MAX_SUGGESTIONS];
    out->topic = topic;
    if (find_command(commands, topic, &out->command) == EIN_OK || ein_manual_page(topic).begin) return EIN_OK;
    int n = ein_manual_topics(names, MAX_SUGGESTIONS);
    for (int i = 0; commands[i] && n < MAX_SUGGESTIONS; i++) names[n++] = commands[i]->name;
    const char *near = ein_nearest(topic, names, n);
    if (near) return ein_error(EIN_USAGE, "no topic '%s'; did you mean %s?", topic, near);
    return ein_error(EIN_USAGE, "no topic '%s' (einthoven help lists them)", topic);
}

/* Whether `key` or its last part is spelled like the flag without its dashes ("dry-run": "run.dry_run"). */
static bool is_key_spelling(const char *key, const char *word, size_t n) {
    const char *dot = strrchr(key, '.');
    const char *spellings[2] = {key, dot ? dot + 1 : key};
    for (int s = 0; s < 2; s++) {
        if (strlen(spellings[s]) != n) continue;
        size_t i = 0;
        while (i < n && (spellings[s][i] == word[i] || (spellings[s][i] == '_' && word[i] == '-'))) i++;
        if (i == n) return true;
    }
    return false;
}

/* `flag` is the whole argument; its name is the first `n` bytes. */
static ein_status unknown_flag(const ein_command *command, const char *flag, size_t n) {
    const char *known[MAX_SUGGESTIONS] = {"--help", "--set"};
    int n_known = 2;
    for (const ein_flag *f = command->flags; f && f->flag && n_known < MAX_SUGGESTIONS; f++)
        known[n_known++] = f->flag;
    char name[64];
    snprintf(name, sizeof name, "%.*s", (int)(n < sizeof name ? n : sizeof name - 1), flag);
    size_t dashes = strspn(name, "-");
    for (int t = 0; command->tables && command->tables[t]; t++)
        for (const ein_option *option = command->tables[t]; option->key; option++)
            if (is_key_spelling(option->key, name + dashes, strlen(name) - dashes))
                return ein_error(EIN_USAGE, "no option %s; did you mean --set %s=...?", name, option->key);
    const char *near = ein_nearest(name, known, n_known);
    if (near) return ein_error(EIN_USAGE, "no option %s; did you mean %s?", name, near);
    return ein_error(EIN_USAGE, "no option %s (einthoven %s --help lists them)", name, command->name);
}

static void add_setting(ein_cmdline *line, const char *source, const char *key, const char *value) {
    line->settings[line->n_settings++] = (ein_setting){source, key, value};
}

/* The argument of a flag: after '=', or the next word. */
static ein_status flag_argument(int argc, char **argv, int *at, const char *metavariable, const char **out) {
    const char *equals = strchr(argv[*at], '=');
    if (equals) {
        *out = equals + 1;
        return EIN_OK;
    }
    if (*at + 1 >= argc || strncmp(argv[*at + 1], "--", 2) == 0)
        return ein_error(EIN_USAGE, "%s needs an argument: %s %s", argv[*at], argv[*at], metavariable);
    *out = argv[++*at];
    return EIN_OK;
}

/* One argument that starts with a dash. */
static ein_status parse_flag(int argc, char **argv, int *at, ein_cmdline *line) {
    const char *text = argv[*at], *value = NULL;
    size_t n = strcspn(text, "=");
    if (strcmp(text, "--help") == 0 || strcmp(text, "-h") == 0) {
        line->help = true;
        return EIN_OK;
    }
    if (n == 5 && strncmp(text, "--set", 5) == 0) {
        EIN_TRY(flag_argument(argc, argv, at, "KEY=VALUE", &value));
        add_setting(line, "--set", value, NULL);
        return EIN_OK;
    }
    for (const ein_flag *flag = line->command->flags; flag && flag->flag; flag++) {
        if (strlen(flag->flag) != n || strncmp(flag->flag, text, n) != 0) continue;
        if (flag->argument)
            EIN_TRY(flag_argument(argc, argv, at, flag->argument, &value));
        else
            value = text[n] == '=' ? text + n + 1 : "true";
        add_setting(line, flag->flag, flag->key, value);
        return EIN_OK;
    }
    return unknown_flag(line->command, text, n);
}

static bool is_list(const ein_command *command, const char *key) {
    for (int t = 0; command->tables && command->tables[t]; t++)
        for (const ein_option *option = command->tables[t]; option->key; option++)
            if (strcmp(option->key, key) == 0) return option->type == EIN_OPT_LIST;
    return false;
}

/* `--set KEY=...` behind an option that names the same list would drop what the option gave. */
static ein_status check_replaced(const ein_cmdline *line, int at) {
    const char *assignment = line->settings[at].key;
    const size_t n = strcspn(assignment, "=");
    for (int i = 0; i < at; i++) {
        const ein_setting *s = &line->settings[i];
        if (s->value && is_list(line->command, s->key) && strlen(s->key) == n &&
            strncmp(s->key, assignment, n) == 0)
            return ein_error(EIN_USAGE,
                             "--set %s: %s %s stands before it and would be lost; give one of them", s->key,
                             s->source, s->value);
    }
    return EIN_OK;
}

/* An option that names a list adds to it each time; --set is an assignment. */
static ein_status apply_settings(const ein_cmdline *line, ein_config *config) {
    for (int i = 0; i < line->n_settings; i++) {
        const ein_setting *s = &line->settings[i];
        if (!s->value) EIN_TRY(check_replaced(line, i));
        EIN_TRY(s->value ? ein_config_add_key(config, s->source, s->key, s->value)
                         : ein_config_set(config, s->key));
    }
    return EIN_OK;
}

/* Settings are checked before MPI starts, so that a slip costs no time in a queue. */
static ein_status check_settings(const ein_cmdline *line) {
    ein_config *config = NULL;
    EIN_TRY(ein_config_new(line->command->tables, &config));
    ein_status status = apply_settings(line, config);
    ein_config_destroy(config);
    return status;
}

static ein_status check_operands(const ein_cmdline *line) {
    const ein_command *command = line->command;
    int n = line->n_operands;
    const char *usage = command->operands ? command->operands : "";
    if (n < command->min_operands)
        return ein_error(EIN_USAGE, "an operand is missing: einthoven %s %s", command->name, usage);
    if (command->max_operands < 0 || n <= command->max_operands) return EIN_OK;
    return ein_error(EIN_USAGE, "operand '%s' is one too many: einthoven %s takes %s",
                     line->operands[command->max_operands], command->name, usage[0] ? usage : "none");
}

static ein_status parse_arguments(int argc, char **argv, ein_cmdline *line) {
    bool options = true;
    for (int i = 2; i < argc; i++) {
        if (options && strcmp(argv[i], "--") == 0) {
            options = false;
        } else if (options && argv[i][0] == '-' && argv[i][1] != '\0') {
            EIN_TRY(parse_flag(argc, argv, &i, line));
        } else if (options && !line->config_path && !line->command->yaml_is_operand &&
                   (ends_with(argv[i], ".yaml") || ends_with(argv[i], ".yml"))) {
            line->config_path = argv[i];
        } else {
            line->operands[line->n_operands++] = argv[i];
        }
    }
    return EIN_OK;
}

ein_status ein_cmdline_parse(const ein_command *const *commands, int argc, char **argv, ein_cmdline *out) {
    *out = (ein_cmdline){0};
    if (argc < 2) return ein_error(EIN_USAGE, "a subcommand is missing (einthoven --help lists them)");
    const char *first = argv[1];
    out->version = strcmp(first, "--version") == 0 || strcmp(first, "version") == 0;
    out->help = strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0 || strcmp(first, "help") == 0;
    if (out->version || (out->help && argc == 2)) return EIN_OK;
    if (out->help) return find_topic(commands, argv[2], out);
    if (first[0] == '-')
        return ein_error(EIN_USAGE, "'%s' stands where a subcommand is expected: einthoven SUBCOMMAND %s",
                         first, first);
    EIN_TRY(find_command(commands, first, &out->command));
    EIN_TRY(EIN_NEW(out->settings, argc));
    EIN_TRY(EIN_NEW(out->operands, argc));
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) out->help = true;
    if (out->help) return EIN_OK; /* whatever else is wrong with the line, help is what was asked for */
    EIN_TRY(parse_arguments(argc, argv, out));
    EIN_TRY(check_settings(out));
    return check_operands(out);
}

void ein_cmdline_free(ein_cmdline *line) {
    free(line->settings);
    free(line->operands);
    *line = (ein_cmdline){0};
}

/* --- configuration ------------------------------------------------------------------------------- */

enum { CONFIG_MAX_BYTES = 1 << 20 };

/* The text of the configuration file in fresh memory on every rank; NULL when there is none. */
static ein_status share_file(ein_comm *comm, const char *path, char **text, int64_t *bytes) {
    *text = NULL;
    *bytes = 0;
    if (!path) return EIN_OK;
    ein_status status = EIN_OK;
    if (ein_comm_rank(comm) == 0) {
        size_t size = 0;
        status = ein_file_read(path, CONFIG_MAX_BYTES, text, &size);
        *bytes = (int64_t)size;
        if (status != EIN_OK && status != EIN_NOMEM)
            status = ein_error(EIN_USAGE, "configuration file %s", ein_error_message());
    }
    EIN_TRY(ein_comm_share(comm, status));
    return ein_comm_bcast_bytes(comm, (void **)text, bytes);
}

static ein_status load_preset(ein_config *config) {
    char path[128];
    if (!ein_config_has_key(config, "model.preset")) return EIN_OK;
    const char *name = ein_config_string(config, "model.preset");
    if (!name || strcmp(name, "none") == 0) return EIN_OK;
    snprintf(path, sizeof path, "jobs/presets/%s.yaml", name);
    const ein_embedded *file = ein_embedded_find(path);
    if (!file) return ein_error(EIN_USAGE, "model.preset: this program has no preset '%s'", name);
    return ein_config_load_preset(config, path, file->begin, (size_t)(file->end - file->begin));
}

/* File and settings come first because they may name the preset; layers keep it below them all the same. */
static ein_status fill(ein_config *config, const ein_cmdline *line, const char *text, int64_t bytes) {
    if (text) EIN_TRY(ein_config_load_text(config, line->config_path, text, (size_t)bytes));
    EIN_TRY(apply_settings(line, config));
    return load_preset(config);
}

/* The configuration of a command line: defaults, then the preset that `model.preset` names (if the tables
 * have that key), then the file, then the settings. Rank 0 reads the file for all. Collective; all ranks
 * return the same status. EIN_USAGE also for a file that cannot be read. */
static ein_status configure(ein_comm *comm, const ein_cmdline *line, ein_config **out) {
    *out = NULL;
    char *text = NULL;
    int64_t bytes = 0;
    EIN_TRY(share_file(comm, line->config_path, &text, &bytes));
    ein_config *config = NULL;
    ein_status status = ein_config_new(line->command->tables, &config);
    if (status == EIN_OK) ein_config_preset_without(config, line->command->preset_without);
    if (status == EIN_OK) status = fill(config, line, text, bytes);
    free(text);
    status = ein_comm_agree(comm, status);
    if (status != EIN_OK) {
        ein_config_destroy(config);
        return status;
    }
    *out = config;
    return EIN_OK;
}

ein_status ein_cmdline_run(ein_comm *comm, const ein_cmdline *line) {
    ein_config *config = NULL;
    EIN_TRY(configure(comm, line, &config));
    ein_job job = {.config = config,
                   .comm = comm,
                   .n_operands = line->n_operands,
                   .operands = (const char *const *)line->operands};
    const ein_status status = line->command->run(&job);
    ein_config_destroy(config);
    return status;
}
