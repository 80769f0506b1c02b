/* Typed configuration from YAML, command line and presets.
 *
 * A subcommand declares tables of options (ein_option); help, parser, range checks, defaults,
 * `--set`, and config.resolved.yaml all come from the same tables.  Keys are paths ("model.width").
 * Order of precedence: default < preset < YAML file < --set (later --set wins), whatever the order of calls.
 *
 * The text is untrusted.  Accepted: UTF-8 of at most 1 MiB (a byte order mark is passed over), one document,
 * a map of maps of single values and lists of single values, at most 8 levels; "a.b: 1" equals "a: {b: 1}".
 * Refused: anchors, aliases, tags, NUL bytes, a key or section given twice.
 * Values: BOOL true or false; INT decimal digits in 64 bits, no exponent, no leading zero; REAL a finite decimal
 * number, neither inf nor nan nor beyond a double, whatever its range; STRING any scalar as written;
 * CHOICE one of its words; LIST of non-empty texts, each one of `choices` if there are any. A quoted scalar is a
 * text. null (or nothing) unsets a key without default and is refused elsewhere.
 *
 * Nothing here is collective.  Errors: EIN_USAGE, EIN_NOMEM.
 */
#ifndef EIN_IO_CONFIG_CONFIG_H
#define EIN_IO_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/base/status.h"
#include "io/config/option.h"

typedef struct ein_config ein_config;

/* `tables` is a NULL-terminated array of tables, each ended by an option with key NULL.
 * The tables must outlive the configuration. */
ein_status ein_config_new(const ein_option *const *tables, ein_config **out);
void ein_config_destroy(ein_config *config);

/* Read YAML text. `name` stands in messages in place of a file. Unknown or duplicate key, wrong
 * type, out of range: EIN_USAGE with name:line, key, and the nearest known key. After an error the
 * configuration may hold a part of the text: report and destroy it. */
ein_status ein_config_load_text(ein_config *config, const char *name, const char *text, size_t bytes);

/* The same for a preset: it lies between defaults and files, and keys that no table has are passed over,
 * because one preset serves subcommands that need different parts of it. */
ein_status ein_config_load_preset(ein_config *config, const char *name, const char *text, size_t bytes);

/* Pass over the keys of presets that begin with `prefix` ("train."), for a job whose own defaults fit better. Kept by
 * reference. */
void ein_config_preset_without(ein_config *config, const char *prefix);

/* Apply one "a.b=value", or key and value apart; `source` ("--out") stands in messages. Lists as "I,II" or
 * "[I, II]"; an empty value is the empty text or list; "null" unsets a key that has no default. */
ein_status ein_config_set_key(ein_config *config, const char *source, const char *key, const char *value);
ein_status ein_config_set(ein_config *config, const char *assignment);

/* ein_config_set_key for an option that may be repeated on a command line: a list that was set before becomes longer.
 * */
ein_status ein_config_add_key(ein_config *config, const char *source, const char *key, const char *value);

/* Getters; an unknown key, another type, or the value of an unset BOOL, INT or REAL is a bug of ours and
 * aborts. Strings and items belong to the configuration. */
bool ein_config_has_key(const ein_config *config, const char *key); /* known to the tables; never aborts */
bool ein_config_is_set(const ein_config *config, const char *key);  /* has a value at all */
bool ein_config_is_given(const ein_config *config,
                         const char *key); /* set by file or --set, not by default */
bool ein_config_bool(const ein_config *config, const char *key);
int64_t ein_config_int(const ein_config *config, const char *key);
double ein_config_real(const ein_config *config, const char *key);
const char *ein_config_string(const ein_config *config,
                              const char *key); /* STRING and CHOICE; NULL if unset */
int ein_config_list_count(const ein_config *config, const char *key);
const char *ein_config_list_item(const ein_config *config, const char *key, int index);

/* The whole configuration as YAML, every key with its value (null where unset), in table order with each
 * section gathered (free()). Loading it gives the same values. */
ein_status ein_config_to_yaml(const ein_config *config, char **out);

/* Help text of the tables, to a stream. */
void ein_config_help(const ein_option *const *tables, FILE *stream);

#endif
