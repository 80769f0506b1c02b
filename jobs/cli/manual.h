/* The manual: pages that are part of the binary, printed by `einthoven help TOPIC`.
 *
 * A page is a README.md of a folder, or another .md beside one. Its topic is its path without "jobs/", without
 * "/README.md" and without ".md": "data", "io/ecg", "slurm", "slurm/other-schedulers", "architecture"; the page of the
 * whole project is "einthoven". The last part alone, or the whole path, names it too. The first line of a page,
 * "# FOLDER: what it is", is what a list of topics shows.
 *
 * What a page says of a subcommand stands under a heading "## einthoven SUBCOMMAND", up to the next heading of that
 * level.
 */
#ifndef EIN_JOBS_CLI_MANUAL_H
#define EIN_JOBS_CLI_MANUAL_H

#include <stdio.h>

/* A piece of a page; begin NULL: there is none. Not owned. */
typedef struct {
    const char *begin, *end;
} ein_manual_text;

/* The section of a subcommand. */
ein_manual_text ein_manual_section(const char *subcommand);

/* The page of a topic, upper and lower case being the same. */
ein_manual_text ein_manual_page(const char *topic);

/* The topics, as many as fit, for suggestions; the texts are valid until the program ends. Returns how many. */
int ein_manual_topics(const char **out, int room);

/* One line per page: topic, and what it is. */
void ein_manual_list(FILE *stream);

#endif
