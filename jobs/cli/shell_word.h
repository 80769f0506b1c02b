/* A text as one word that a shell takes, safe to show on a terminal. */
#ifndef EIN_JOBS_CLI_SHELL_WORD_H
#define EIN_JOBS_CLI_SHELL_WORD_H

#include <stdio.h>

/* As it is where a shell takes it so; else in single quotes; with control characters or what is no UTF-8 in it as
 * bash's $'...', in which such bytes stand as \xHH. */
void ein_print_shell_word(FILE *stream, const char *text);

#endif
