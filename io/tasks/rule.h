/* Rules on numbers: "lvef < 35", "18 <= age < 65", "grade in [2, 3]" (grammar: io/tasks/tasks.h). Nothing is
 * collective. */
#ifndef EIN_IO_TASKS_RULE_H
#define EIN_IO_TASKS_RULE_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/status.h"

enum { EIN_TASKS_MAX_SET = 64 }; /* numbers of `in [...]`, rules of `where` */

/* A predicate on a number: low (<|<=) value (<|<=) high, or value in set. Unbounded sides are infinite. */
typedef struct {
    char *column; /* NULL in `positive` */
    float low, high;
    bool low_open, high_open; /* the bound itself does not fulfil it */
    int n_set;                /* > 0: membership instead */
    float *set;
} ein_rule;

/* Parse a rule of a column or, with `of_value`, one without ("< 35", "18 <= value < 65"). EIN_USAGE says what is wrong,
 * without file or line; `out` is empty then. */
ein_status ein_rule_parse(const char *text, bool of_value, ein_rule *out);
void ein_rule_free(ein_rule *rule); /* zeroes */

/* Whether a known number fulfils the rule. */
bool ein_rule_holds(const ein_rule *rule, float value);

/* Write the rule as ein_rule_parse reads it, as it stands between double quotes of YAML. */
void ein_rule_print(FILE *stream, const ein_rule *rule);

/* A finite decimal number within float32, blanks around it; false for anything else. */
bool ein_rule_number(const char *text, size_t bytes, double *out);

#endif
