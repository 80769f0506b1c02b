/* The configuration: good and bad YAML, settings, layers, round trip, help. */
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/base/nearest.h"
#include "io/config/config.h"
#include "io/config/table.h"
#include "jobs/cli/embedded.h"
#include "tests/report.h"

static const ein_option model_table[] = {
    {"model.preset", EIN_OPT_CHOICE, "none", EIN_UNBOUNDED, "paper|small|tiny|none", "", "shape"},
    {"model.width", EIN_OPT_INT, "128", 1, 65536, NULL, "", "encoder width"},
    {"train.batch", EIN_OPT_INT, "256", 1, 1048576, NULL, "records", "records per step"},
    {"model.dropout", EIN_OPT_REAL, "0", 0, 1, NULL, "", "dropout"},
    {"model.big", EIN_OPT_INT, NULL, EIN_UNBOUNDED, NULL, "", "any integer"},
    {0}};
static const ein_option run_table[] = {
    {"run.name", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "name"},
    {"run.note", EIN_OPT_STRING, "", EIN_UNBOUNDED, NULL, "", "note"},
    {"run.dry_run", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "only tell"},
    {"contract.leads", EIN_OPT_LIST, "I,II,V1", EIN_UNBOUNDED, NULL, "", "leads"},
    {"contract.kinds", EIN_OPT_LIST, NULL, EIN_UNBOUNDED, "red|green", "", "kinds"},
    {"contract.fs_hz", EIN_OPT_REAL, NULL, 1, 1e6, NULL, "Hz", "sampling rate"},
    {"contract.offset", EIN_OPT_REAL, "0.5", EIN_UNBOUNDED, NULL, "", "offset"},
    {"deep.a.b.c", EIN_OPT_INT, "1", 0, HUGE_VAL, NULL, "s", "deep"},
    {0}};
static const ein_option *const tables[] = {model_table, run_table, NULL};

static ein_config *new_config(void) {
    ein_config *config = NULL;
    if (ein_config_new(tables, &config) != EIN_OK) exit(1);
    return config;
}

static ein_status load(ein_config *config, const char *text) {
    return ein_config_load_text(config, "c.yaml", text, strlen(text));
}

/* --- refused texts: every part of `says` must be in the message -------------------------------------- */

typedef struct {
    const char *name, *text, *says[3];
} bad;

static const bad bad_texts[] = {
    {"unknown key with a near one",
     "train:\n  bacth: 3\n",
     {"c.yaml:2: train.bacth", "did you mean train.batch?"}},
    {"unknown key in the wrong section", "model:\n  batch: 3\n", {"c.yaml:2: model.batch", "train.batch"}},
    {"unknown key without a near one", "zzzzzzzzzzzz: 1\n", {"c.yaml:1: zzzzzzzzzzzz", "--help"}},
    {"unknown section", "trian:\n  batch: 3\n", {"c.yaml:1: trian", "no such key"}},
    {"merge key", "model:\n  <<: {width: 3}\n", {"c.yaml:2: model.<<"}},
    {"duplicate key", "train:\n  batch: 3\n  batch: 4\n", {"c.yaml:3: train.batch", "given twice"}},
    {"duplicate key, once dotted",
     "train:\n  batch: 3\ntrain.batch: 4\n",
     {"c.yaml:3: train.batch", "given twice"}},
    {"duplicate key, equal values", "train: {batch: 3, batch: 3}\n", {"given twice"}},
    {"duplicate section",
     "run:\n  note: x\nmodel:\n  width: 1\nrun:\n  name: y\n",
     {"c.yaml:5: run", "twice"}},
    {"section as a value", "model: 5\n", {"c.yaml:1: model", "section"}},
    {"section as a list", "model: [5]\n", {"c.yaml:1: model", "section"}},
    {"key as a section", "train:\n  batch:\n    size: 3\n", {"c.yaml:2: train.batch", "single key"}},
    {"int: word", "train: {batch: many}\n", {"c.yaml:1: train.batch", "'many' is not an integer"}},
    {"int: exponent", "train: {batch: 1e3}\n", {"'1e3' is not an integer"}},
    {"int: point", "train: {batch: 3.0}\n", {"'3.0' is not an integer"}},
    {"int: hexadecimal", "train: {batch: 0x10}\n", {"not an integer"}},
    {"int: leading zero", "train: {batch: 010}\n", {"starts with 0"}},
    {"int: separator", "train: {batch: 1_000}\n", {"not an integer"}},
    {"int: with unit", "train: {batch: 3 records}\n", {"'3 records' is not an integer"}},
    {"int: sign only", "train: {batch: -}\n", {"c.yaml:1"}},
    {"int: quoted", "train: {batch: \"3\"}\n", {"train.batch", "in quotes"}},
    {"int: true", "train: {batch: true}\n", {"not an integer"}},
    {"int: list", "train: {batch: [3]}\n", {"a list is given; expected an integer"}},
    {"int: null", "train: {batch: }\n", {"no value given", "256"}},
    {"int: below range", "train: {batch: 0}\n", {"0 is out of range: 1 to 1048576 records"}},
    {"int: above range", "train: {batch: 1048577}\n", {"1048577 is out of range: 1 to 1048576 records"}},
    {"int: below an open range", "deep: {a: {b: {c: -1}}}\n", {"deep.a.b.c", "at least 0 s"}},
    {"int: over 64 bits", "model: {big: 9223372036854775808}\n", {"does not fit into 64 bits"}},
    {"int: under 64 bits", "model: {big: -9223372036854775809}\n", {"does not fit into 64 bits"}},
    {"int: 4000 digits", NULL, {"model.big"}},
    {"real: nan", "contract: {offset: .nan}\n", {"contract.offset", "not a number"}},
    {"real: NaN", "contract: {offset: NaN}\n", {"not a number"}},
    {"real: .inf", "contract: {offset: .inf}\n", {"not a number"}},
    {"real: infinity", "contract: {offset: infinity}\n", {"not a number"}},
    {"real: overflow", "contract: {offset: 1e999}\n", {"beyond what a double"}},
    {"real: underflow", "contract: {offset: 1e-999}\n", {"beyond what a double"}},
    {"real: hexadecimal", "contract: {offset: 0x1p3}\n", {"not a number"}},
    {"real: comma", "contract:\n  offset: 0,5\n", {"'0,5' is not a number"}},
    {"real: bare exponent", "contract: {offset: 1e}\n", {"not a number"}},
    {"real: point only", "contract: {offset: .}\n", {"not a number"}},
    {"real: out of range with unit", "contract: {fs_hz: 0.5}\n", {"0.5 is out of range: 1 to 1000000 Hz"}},
    {"bool: yes", "run: {dry_run: yes}\n", {"'yes' is neither true nor false"}},
    {"bool: True", "run: {dry_run: True}\n", {"neither true nor false"}},
    {"bool: 1", "run: {dry_run: 1}\n", {"neither true nor false"}},
    {"bool: quoted", "run: {dry_run: 'true'}\n", {"in quotes"}},
    {"choice: near",
     "model: {preset: papper}\n",
     {"model.preset", "none of paper|small", "did you mean paper?"}},
    {"choice: far", "model: {preset: gigantic}\n", {"'gigantic' is none of paper|small|tiny|none"}},
    {"choice: prefix", "model: {preset: pape}\n", {"none of"}},
    {"choice: with bar", "model: {preset: 'paper|small'}\n", {"none of"}},
    {"choice: empty", "model: {preset: ''}\n", {"none of"}},
    {"list: one word", "contract: {leads: I}\n", {"contract.leads", "single value", "[a, b]"}},
    {"list: nested list", "contract: {leads: [I, [II]]}\n", {"single values only"}},
    {"list: map inside", "contract: {leads: [I, {a: b}]}\n", {"single values only"}},
    {"list: empty item", "contract: {leads: [I, '']}\n", {"item 2 of the list is empty"}},
    {"list: null item", "contract: {leads: [I, null]}\n", {"item 2 of the list is empty"}},
    {"list: not a choice", "contract: {kinds: [red, blue]}\n", {"'blue' is none of red|green"}},
    {"list: a map", "contract: {leads: {a: b}}\n", {"contract.leads", "single key"}},
    {"string: list", "run: {name: [a]}\n", {"a list is given; expected a text"}},
    {"string: NUL", "run: {name: \"a\\0b\"}\n", {"c.yaml:1", "NUL"}},
    {"key: NUL", "\"run\\0\": {name: x}\n", {"NUL"}},
    {"key: a list", "[a, b]: 3\n", {"key is a single word"}},
    {"key: a map", "{a: b}: 3\n", {"key is a single word"}},
    {"root: list", "- a\n- b\n", {"c.yaml:1", "key: value"}},
    {"root: text", "hello\n", {"c.yaml:1", "key: value"}},
    {"directive", "%TAG !a! x\n---\nrun: {name: x}\n", {"c.yaml:1", "directive"}},
    {"directive behind a comment",
     "# %TAG\n%TAG !a! x\r%TAG !b! x\n---\nrun: {name: x}\n",
     {"c.yaml:2", "directive"}},
    {"anchor", "run: {name: &a x}\n", {"c.yaml:1", "anchors"}},
    {"anchor on a map", "run: &a\n  name: x\n", {"anchors"}},
    {"anchor on a list", "contract: {leads: &a [I]}\n", {"anchors"}},
    {"alias", "run:\n  name: *a\n", {"c.yaml:2", "aliases"}},
    {"tag", "run: {name: !!str x}\n", {"tags"}},
    {"tag on a map", "run: !mine {name: x}\n", {"tags"}},
    {"second document", "run: {name: x}\n---\nrun: {name: y}\n", {"second document"}},
    {"second document, first empty", "---\n---\nrun: {name: y}\n", {"second document"}},
    {"tab as indentation", "run:\n\tname: x\n", {"c.yaml:2", "not YAML"}},
    {"open bracket", "contract: {leads: [I\n", {"not YAML"}},
    {"open quote", "run: {name: \"x\n", {"not YAML"}},
    {"bad escape", "run: {name: \"\\q\"}\n", {"not YAML"}},
    {"surrogate escape", "run: {name: \"\\uD800\"}\n", {"not YAML"}},
    {"broken indentation", "run:\n    name: x\n  note: y\n", {"not YAML"}},
    {"control byte", "run: {name: \x01}\n", {"byte 12"}},
    {"broken UTF-8", "run: {name: \xff\xfe}\n", {"byte", "UTF-8"}},
    {"overlong UTF-8", "run: {name: \xc0\xaf}\n", {"UTF-8"}},
    {"Latin-1", "run: {name: Z\xfcrich}\n", {"UTF-8"}},
    {"nested maps", "deep: {a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}}\n", {"c.yaml:1"}},
    {"escape sequences in a key are not echoed", "\"\\e[31mred\": 1\n", {"c.yaml:1: ?[31mred"}},
};

static void check_bad_text(const bad *b) {
    char digits[4096];
    const char *text = b->text;
    if (!text) { /* too long to write down */
        int n = snprintf(digits, sizeof digits, "model: {big: ");
        memset(digits + n, '9', 4000);
        snprintf(digits + n + 4000, 8, "}\n");
        text = digits;
    }
    ein_config *config = new_config();
    ein_error_clear();
    bool good = load(config, text) == EIN_USAGE;
    for (int i = 0; i < 3 && b->says[i]; i++) good = good && strstr(ein_error_message(), b->says[i]);
    for (const char *s = ein_error_message(); *s; s++) good = good && *s != '\033' && *s != '\n';
    if (!report(good, "refused: %s", b->name)) printf("#   message: %s\n", ein_error_message());
    ein_config_destroy(config);
}

/* UTF-16 and lengths need bytes that a C string cannot hold. */
static void check_bad_bytes(void) {
    static const char utf16[] = "\xff\xfer\0u\0n\0:\0 \0{\0}\0\n\0";
    ein_config *config = new_config();
    report(ein_config_load_text(config, "c.yaml", utf16, sizeof utf16 - 1) == EIN_USAGE, "refused: UTF-16");
    report(ein_config_load_text(config, "c.yaml", "run: \0x", 7) == EIN_USAGE,
           "refused: NUL byte in the text");
    size_t big = EIN_CONFIG_MAX_BYTES + 1;
    char *text = malloc(big);
    memset(text, '#', big);
    bool good = ein_config_load_text(config, "c.yaml", text, big) == EIN_USAGE;
    report(good && strstr(ein_error_message(), "1048576"), "refused: a byte over 1 MiB");
    report(ein_config_load_text(config, "c.yaml", text, big - 1) == EIN_OK, "1 MiB of comment is taken");
    memset(text, '[', big);
    report(ein_config_load_text(config, "c.yaml", text, big - 1) == EIN_USAGE, "refused: 1 MiB of [");
    memcpy(text, "zz: ", 4);
    good = ein_config_load_preset(config, "p", text, big - 1) == EIN_USAGE;
    report(good && strstr(ein_error_message(), "deeper than 8"),
           "refused: depth in a part that is passed over");
    memcpy(text, "l: [", 4);
    for (int i = 0; i < 2 * 65537; i += 2) memcpy(text + 4 + i, "1,", 2);
    good = ein_config_load_preset(config, "p", text, 4 + 2 * 65537) == EIN_USAGE;
    report(good && strstr(ein_error_message(), "p:1: a list of more than 65536 items"),
           "refused: a list that is too long");
    memset(text, '{', big);
    report(ein_config_load_text(config, "c.yaml", text, big - 1) == EIN_USAGE, "refused: 1 MiB of {");
    free(text);
    ein_config_destroy(config);
}

/* Texts are longer and freer than those of descriptions, where each is one clean line of 4096 bytes. */
static void check_long_text(void) {
    char text[6000];
    const int n = snprintf(text, sizeof text, "run: {note: \"a\\n%05000d\"}\n", 0);
    ein_config *config = new_config();
    const bool good = ein_config_load_text(config, "c.yaml", text, (size_t)n) == EIN_OK;
    const char *note = good ? ein_config_string(config, "run.note") : "";
    report(strncmp(note, "a\n0", 3) == 0 && strlen(note) == 5002, "a long text with a line end is taken");
    ein_config_destroy(config);
}

/* --- refused settings ----------------------------------------------------------------------------------- */

static const bad bad_settings[] = {
    {"no equals sign", "train.batch", {"--set train.batch: expected KEY=VALUE"}},
    {"no key", "=3", {"expected KEY=VALUE"}},
    {"unknown key", "train.bach=3", {"--set: train.bach", "did you mean train.batch?"}},
    {"empty integer", "train.batch=", {"--set: train.batch", "not an integer"}},
    {"blank before a number", "train.batch= 3", {"not an integer"}},
    {"null where there is a default", "train.batch=null", {"not an integer"}},
    {"out of range", "train.batch=0", {"out of range: 1 to 1048576 records"}},
    {"empty item", "contract.leads=I,,II", {"item 2 of the list is empty"}},
    {"open bracket", "contract.leads=[I,II", {"contract.leads"}},
    {"text behind the bracket", "contract.leads=[I] x", {"contract.leads"}},
    {"nested bracket", "contract.leads=[[I]]", {"single values"}},
    {"broken UTF-8", "run.name=\xff", {"run.name", "UTF-8"}},
    {"UTF-8 surrogate", "run.name=\xed\xa0\x80", {"UTF-8"}},
    {"section", "model=3", {"--set: model", "no such key"}},
    {"bool", "run.dry_run=maybe", {"neither true nor false"}},
};

static void check_bad_setting(const bad *b) {
    ein_config *config = new_config();
    bool good = ein_config_set(config, b->text) == EIN_USAGE;
    for (int i = 0; i < 3 && b->says[i]; i++) good = good && strstr(ein_error_message(), b->says[i]);
    if (!report(good, "--set refused: %s", b->name)) printf("#   message: %s\n", ein_error_message());
    ein_config_destroy(config);
}

static void check_long_key(void) {
    char assignment[1024];
    memset(assignment, 'k', sizeof assignment);
    memcpy(assignment + 1000, "=1", 3);
    ein_config *config = new_config();
    report(ein_config_set(config, assignment) == EIN_USAGE, "--set refused: a key of 1000 bytes");
    memcpy(assignment + 1000, ": ", 3);
    report(load(config, assignment) == EIN_USAGE, "refused: a key of 1000 bytes");
    ein_config_destroy(config);
}

/* --- accepted ------------------------------------------------------------------------------------------- */

static void check_defaults(void) {
    ein_config *c = new_config();
    report(ein_config_int(c, "train.batch") == 256 && !ein_config_is_given(c, "train.batch"),
           "default integer");
    report(!ein_config_is_set(c, "model.big") && !ein_config_is_set(c, "run.name"), "no default: unset");
    report(ein_config_string(c, "run.name") == NULL, "unset text is NULL");
    report(strcmp(ein_config_string(c, "run.note"), "") == 0, "default empty text is set");
    report(ein_config_list_count(c, "contract.leads") == 3 &&
               strcmp(ein_config_list_item(c, "contract.leads", 2), "V1") == 0,
           "default list");
    report(ein_config_real(c, "contract.offset") == 0.5, "default real");
    report(ein_config_has_key(c, "model.width") && !ein_config_has_key(c, "model"), "known keys");
    ein_config_destroy(c);
}

static void check_accepted(void) {
    ein_config *c = new_config();
    bool loaded = load(c, "\xEF\xBB\xBF# comment\n"
                          "train:\n  batch: +17 # trailing\n"
                          "model: {big: -9223372036854775808, dropout: 1e-1}\n"
                          "contract:\n  leads:\n  - aVR\n  - 'x, y'\n  - \"1\"\n  fs_hz: 500\n  kinds: []\n"
                          "run:\n  name: |\n    two\n    lines\n  note: true\n  dry_run: true\n"
                          "deep.a:\n  b.c: 7\n") == EIN_OK;
    if (!report(loaded, "every form that is accepted")) printf("#   message: %s\n", ein_error_message());
    report(ein_config_int(c, "train.batch") == 17 && ein_config_is_given(c, "train.batch"),
           "integer with sign");
    report(ein_config_int(c, "model.big") == INT64_MIN, "smallest integer");
    report(ein_config_real(c, "model.dropout") == 0.1 && ein_config_real(c, "contract.fs_hz") == 500,
           "reals");
    report(ein_config_list_count(c, "contract.leads") == 3 &&
               strcmp(ein_config_list_item(c, "contract.leads", 1), "x, y") == 0,
           "block list with a comma in an item");
    report(ein_config_is_set(c, "contract.kinds") && ein_config_list_count(c, "contract.kinds") == 0,
           "empty list");
    report(strcmp(ein_config_string(c, "run.name"), "two\nlines\n") == 0, "block text");
    report(strcmp(ein_config_string(c, "run.note"), "true") == 0, "a text may look like a bool");
    report(ein_config_int(c, "deep.a.b.c") == 7, "dotted and nested keys mix");
    ein_config_destroy(c);
}

static void check_empty(void) {
    static const char *const texts[] = {"",         "\n",       "# nothing\n", "---\n",
                                        "--- {}\n", "model:\n", "~\n",         "run: ~\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        ein_config *c = new_config();
        report(load(c, texts[i]) == EIN_OK && !ein_config_is_given(c, "train.batch"), "empty text %zu", i);
        ein_config_destroy(c);
    }
}

static void check_settings(void) {
    ein_config *c = new_config();
    report(ein_config_set(c, "contract.leads=[I, \"a,b\" ]") == EIN_OK &&
               strcmp(ein_config_list_item(c, "contract.leads", 1), "a,b") == 0,
           "--set list in brackets");
    report(ein_config_set(c, "contract.leads= I , II") == EIN_OK &&
               ein_config_list_count(c, "contract.leads") == 2 &&
               strcmp(ein_config_list_item(c, "contract.leads", 1), "II") == 0,
           "--set list with commas, later wins");
    report(ein_config_add_key(c, "--leads", "contract.leads", "V1,V2") == EIN_OK &&
               ein_config_list_count(c, "contract.leads") == 4 &&
               strcmp(ein_config_list_item(c, "contract.leads", 0), "I") == 0 &&
               strcmp(ein_config_list_item(c, "contract.leads", 3), "V2") == 0,
           "an option that is repeated makes the list longer");
    report(ein_config_add_key(c, "--kinds", "contract.kinds", "red") == EIN_OK &&
               ein_config_add_key(c, "--kinds", "contract.kinds", "blue") == EIN_USAGE &&
               ein_config_add_key(c, "--name", "run.name", "a") == EIN_OK &&
               ein_config_add_key(c, "--name", "run.name", "b") == EIN_OK &&
               strcmp(ein_config_string(c, "run.name"), "b") == 0,
           "each part is checked; what is no list is replaced");
    ein_config *fresh = new_config();
    report(ein_config_add_key(fresh, "--leads", "contract.leads", "V1") == EIN_OK &&
               ein_config_list_count(fresh, "contract.leads") == 1,
           "the first replaces the default");
    ein_config_destroy(fresh);
    report(ein_config_set(c, "contract.leads=") == EIN_OK && ein_config_list_count(c, "contract.leads") == 0,
           "--set empty list");
    report(ein_config_set(c, "run.name=a=b=c") == EIN_OK &&
               strcmp(ein_config_string(c, "run.name"), "a=b=c") == 0,
           "--set text with equals signs");
    report(ein_config_set(c, "run.name=null") == EIN_OK &&
               strcmp(ein_config_string(c, "run.name"), "null") == 0,
           "--set text 'null' is a text");
    report(ein_config_set(c, "model.big=3") == EIN_OK && ein_config_set(c, "model.big=null") == EIN_OK &&
               !ein_config_is_set(c, "model.big"),
           "--set null unsets a number without default");
    report(ein_config_set_key(c, "--batch", "train.batch", "x") == EIN_USAGE &&
               strstr(ein_error_message(), "--batch: train.batch"),
           "a flag is named in its message");
    ein_config_destroy(c);
}

/* default < preset < file < --set, in whatever order they are applied */
static void check_layers(void) {
    const char *preset = "train: {batch: 2}\nmodel: {width: 2, dropout: 0.2}\nstranger: {x: [1, {y: 2}]}\n";
    for (int order = 0; order < 6; order++) {
        static const int orders[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
        ein_config *c = new_config();
        bool good = true;
        for (int i = 0; i < 3; i++) {
            int what = orders[order][i];
            ein_status status = what == 0   ? ein_config_load_preset(c, "p", preset, strlen(preset))
                                : what == 1 ? load(c, "train: {batch: 3}\nmodel: {width: 3}\n")
                                            : ein_config_set(c, "train.batch=4");
            good = good && status == EIN_OK;
        }
        good = good && ein_config_int(c, "train.batch") == 4 && ein_config_int(c, "model.width") == 3 &&
               ein_config_real(c, "model.dropout") == 0.2;
        good = good && ein_config_is_given(c, "train.batch") && ein_config_is_given(c, "model.width") &&
               !ein_config_is_given(c, "model.dropout");
        report(good, "precedence, order %d", order);
        ein_config_destroy(c);
    }
}

/* --- round trip ------------------------------------------------------------------------------------------ */

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_values(const ein_config *a, const ein_config *b) {
    for (int i = 0; i < a->n_entries; i++) {
        const ein_config_value *x = &a->entries[i].value, *y = &b->entries[i].value;
        bool same = x->has == y->has && x->boolean == y->boolean && x->integer == y->integer &&
                    x->real == y->real && same_text(x->text, y->text) && x->n_items == y->n_items;
        for (int k = 0; same && k < x->n_items; k++) same = same_text(x->items[k], y->items[k]);
        if (!same) {
            printf("#   differs: %s\n", a->entries[i].option->key);
            return false;
        }
    }
    return true;
}

static void check_round_trip(const char *name, ein_config *from) {
    char *yaml = NULL;
    ein_config *back = new_config();
    bool good =
        ein_config_to_yaml(from, &yaml) == EIN_OK && load(back, yaml) == EIN_OK && same_values(from, back);
    if (!report(good, "round trip: %s", name)) printf("#   %s\n", ein_error_message());
    free(yaml);
    ein_config_destroy(back);
}

static void check_round_trips(void) {
    static const char *const texts[] = {"plain",
                                        "",
                                        " ",
                                        "null",
                                        "~",
                                        "true",
                                        "no",
                                        "0x10",
                                        "1e3",
                                        "- a",
                                        "a: b",
                                        "a #b",
                                        "#",
                                        "'",
                                        "\"",
                                        "\\",
                                        "a\nb",
                                        "\n",
                                        "a\n",
                                        "\ta",
                                        "a\r\nb",
                                        "[a]",
                                        "{a}",
                                        "&a",
                                        "*a",
                                        "!a",
                                        "|",
                                        ">",
                                        "%",
                                        "@",
                                        "`",
                                        "?",
                                        ":",
                                        "Z\xc3\xbcrich",
                                        "\xe2\x80\xa8",
                                        "\xc2\x85",
                                        "\xef\xbb\xbf",
                                        "\xef\xbf\xbf",
                                        "\xf0\x9f\xab\x80",
                                        "\x01\x1f\x7f",
                                        "--- x",
                                        "...",
                                        "a, b",
                                        "=",
                                        "<<",
                                        "012",
                                        ".inf",
                                        "2020-01-01",
                                        "/a/b.c",
                                        "x\xc2\xa0y",
                                        "trailing "};
    ein_config *c = new_config();
    check_round_trip("defaults", c);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        char name[64];
        snprintf(name, sizeof name, "text %zu", i);
        ein_config_set_key(c, "test", "run.name", texts[i]);
        ein_config_set_key(c, "test", "run.note", texts[i]);
        check_round_trip(name, c);
    }
    bool good =
        load(c,
             "model: {big: -9223372036854775808, dropout: 0.1}\n"
             "contract: {leads: [\"a,b\", \"[\", null_, \"yes\", \"1\"], kinds: [], fs_hz: 333.3333333333333,"
             " offset: -1.7976931348623157e308}\nrun: {dry_run: true}\n") == EIN_OK;
    report(good, "values for the round trip load");
    check_round_trip("numbers and lists", c);
    load(c, "contract: {offset: 2.2250738585072014e-308}\n");
    check_round_trip("smallest normal number", c);
    ein_config_destroy(c);
}

static void check_yaml_form(void) {
    ein_config *c = new_config();
    char *yaml = NULL;
    ein_config_set(c, "run.name=a b");
    bool made = ein_config_to_yaml(c, &yaml) == EIN_OK;
    const char *expected = "model:\n  preset: none\n  width: 128\n  dropout: 0\n  big: null\n"
                           "train:\n  batch: 256\n"
                           "run:\n  name: \"a b\"\n  note: \"\"\n  dry_run: false\n"
                           "contract:\n  leads: [I, II, V1]\n  kinds: null\n  fs_hz: null\n  offset: 0.5\n"
                           "deep:\n  a:\n    b:\n      c: 1\n";
    if (!report(made && strcmp(yaml, expected) == 0, "resolved YAML: table order, sections gathered"))
        printf("#   got:\n%s", yaml ? yaml : "nothing\n");
    free(yaml);
    ein_config_destroy(c);
}

/* However long a text is, its key stays on one line, so that grep finds it whole. */
static void check_long_line(void) {
    char text[2048], *yaml = NULL;
    for (size_t i = 0; i < sizeof text - 1; i++) text[i] = i % 8 == 7 ? ' ' : 'w';
    text[sizeof text - 1] = '\0';
    ein_config *c = new_config();
    ein_config_set_key(c, "test", "run.note", text);
    bool good = ein_config_to_yaml(c, &yaml) == EIN_OK && strstr(yaml, text);
    report(good, "a long text stays on one line");
    check_round_trip("a long text", c);
    free(yaml);
    ein_config_destroy(c);
}

/* --- presets, help, bugs ----------------------------------------------------------------------------------- */

static void check_presets(void) {
    int n = 0;
    for (const ein_embedded *file = ein_embedded_files; file->path; file++) {
        if (strncmp(file->path, "jobs/presets/", 13) != 0) continue;
        ein_config *c = new_config();
        bool good =
            ein_config_load_preset(c, file->path, file->begin, (size_t)(file->end - file->begin)) == EIN_OK;
        report(good && ein_config_is_set(c, "contract.fs_hz"), "embedded %s loads", file->path);
        ein_config_destroy(c);
        n++;
    }
    report(n >= 3, "at least three presets are embedded");
    report(ein_embedded_find("jobs/presets/tiny.yaml") && !ein_embedded_find("jobs/presets/huge.yaml"),
           "embedded files are found by name");
}

static void check_help(void) {
    char *text = NULL;
    size_t bytes = 0;
    FILE *stream = open_memstream(&text, &bytes);
    ein_config_help(tables, stream);
    fclose(stream);
    static const char *const parts[] = {
        "train.batch = 256", "1 to 1048576 records", "paper|small|tiny|none", "[I,II,V1]",
        "run.note = \"\"",   "contract.fs_hz",       "list of red|green",     "1 to 1000000 Hz",
        "true or false",     "integer, at least 0 s"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        report(strstr(text, parts[i]) != NULL, "help says: %s", parts[i]);
    free(text);
}

/* Whether `misuse` ends the process by abort(). */
static bool aborts(void (*misuse)(ein_config *)) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        misuse(new_config());
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void get_unknown(ein_config *c) {
    ein_config_int(c, "no.such");
}
static void get_wrong_type(ein_config *c) {
    ein_config_int(c, "run.dry_run");
}
static void get_unset(ein_config *c) {
    ein_config_int(c, "model.big");
}
static void get_item(ein_config *c) {
    ein_config_list_item(c, "contract.leads", 3);
}
static void make_bad_default(ein_config *c) {
    static const ein_option table[] = {{"a", EIN_OPT_INT, "0", 1, 2, NULL, "", ""}, {0}};
    static const ein_option *const list[] = {table, NULL};
    (void)!ein_config_new(list, &c);
}
static void make_key_and_section(ein_config *c) {
    static const ein_option table[] = {{"a", EIN_OPT_INT, "1", EIN_UNBOUNDED, NULL, "", ""},
                                       {"a.b", EIN_OPT_INT, "1", EIN_UNBOUNDED, NULL, "", ""},
                                       {0}};
    static const ein_option *const list[] = {table, NULL};
    (void)!ein_config_new(list, &c);
}

static void check_misuse(void) {
    report(aborts(get_unknown), "bug: unknown key");
    report(aborts(get_wrong_type), "bug: wrong type");
    report(aborts(get_unset), "bug: value of an unset number");
    report(aborts(get_item), "bug: item beyond the list");
    report(aborts(make_bad_default), "bug: a default out of range");
    report(aborts(make_key_and_section), "bug: a key that is also a section");
}

static void check_distance(void) {
    report(ein_edit_distance("kitten", "sitting") == 3, "distance: kitten, sitting");
    report(ein_edit_distance("bacth", "batch") == 1, "distance: swapped neighbours count one");
    report(ein_edit_distance("", "abc") == 3 && ein_edit_distance("abc", "") == 3, "distance to nothing");
    report(ein_edit_distance("ABC", "abc") == 0, "distance without case");
    static const char *const words[] = {"ingest", "inspect", "pretrain"};
    report(strcmp(ein_nearest("inspct", words, 3), "inspect") == 0, "nearest word");
    report(ein_nearest("zebra", words, 3) == NULL, "no near word");
}

int main(void) {
    for (size_t i = 0; i < sizeof bad_texts / sizeof *bad_texts; i++) check_bad_text(&bad_texts[i]);
    for (size_t i = 0; i < sizeof bad_settings / sizeof *bad_settings; i++)
        check_bad_setting(&bad_settings[i]);
    check_bad_bytes();
    check_long_text();
    check_long_key();
    check_defaults();
    check_accepted();
    check_empty();
    check_settings();
    check_layers();
    check_round_trips();
    check_yaml_form();
    check_long_line();
    check_presets();
    check_help();
    check_misuse();
    check_distance();
    return report_end();
}
