/* The items of TRIPOD+AI (Collins et al., BMJ 2024;385:e078378; CC BY 4.0), in our words, and where each is answered.
 */
#include <stddef.h>

#include "jobs/report/report.h"

typedef struct {
    const char *id, *topic;
    const char *section; /* that answers it; NULL: this report does not */
    const char *missing; /* what the authors must add */
} checklist_item;

static const checklist_item items[] = {
    {"1", "Title: prediction model, population, outcome", "summary", NULL},
    {"2", "Abstract by TRIPOD+AI for Abstracts", NULL, "an abstract"},
    {"3a", "Healthcare context and rationale", NULL, "the clinical question"},
    {"3b", "Target population and intended purpose and users", NULL, "who shall use it, for whom"},
    {"3c", "Known health inequalities between groups", NULL, "what is known of them"},
    {"4", "Objectives: development, validation, or both", "summary", NULL},
    {"5a", "Sources of data, and why they represent the population", "data", NULL},
    {"5b", "Dates of the collected data", NULL, "begin and end of recruitment"},
    {"6a", "Setting: centres, their number and place", "data", NULL},
    {"6b", "Eligibility criteria", NULL, "how patients were chosen"},
    {"6c", "Treatments received", NULL, "treatments, where they matter"},
    {"7", "Preparation of data, the same for all groups", "reproduce", NULL},
    {"8a", "Outcome: definition, time horizon, how and why", "results", NULL},
    {"8b", "Assessors of the outcome: qualification, demographics", NULL, "who made the labels"},
    {"8c", "Blinding of the assessment of the outcome", NULL, "whether labels were made blind to the ECG"},
    {"9a", "Choice of predictors", "summary", NULL},
    {"9b", "Definition and measurement of predictors", "data", NULL},
    {"9c", "Assessors of predictors", NULL, "nobody, if only the ECG is read: to be said"},
    {"10", "Sample size, and how it was arrived at", NULL, "why so many; how many there are stands in Data"},
    {"11", "Missing data and how they were handled", "data", NULL},
    {"12a", "Use of data for development and evaluation, partitions", "data", NULL},
    {"12b", "Handling of predictors in the analysis", "reproduce", NULL},
    {"12c", "Type of model, building steps, hyperparameters, validation", "reproduce", NULL},
    {"12d", "Heterogeneity between clusters", "results", NULL},
    {"12e", "Measures of performance and plots", "cells", NULL},
    {"12f", "Updating of the model", NULL, "whether it was updated after evaluation"},
    {"12g", "Calculation of predictions", "reproduce", NULL},
    {"13", "Class imbalance: methods and recalibration", "cells", NULL},
    {"14", "Approaches to fairness and their rationale", NULL,
     "the groups and why; figures stand under Subgroups, if evaluated"},
    {"15", "Output of the model, thresholds", "cells", NULL},
    {"16", "Differences between development and evaluation data", "data", NULL},
    {"17", "Ethical approval and consent", NULL, "the committee and its decision"},
    {"18a", "Funding", NULL, "funding"},
    {"18b", "Conflicts of interest", NULL, "conflicts of interest"},
    {"18c", "Protocol", "reproduce", NULL},
    {"18d", "Registration", NULL, "a register and number"},
    {"18e", "Availability of data", NULL, "where the data can be had"},
    {"18f", "Availability of code", "reproduce", NULL},
    {"19", "Involvement of patients and the public", NULL, "who was involved, or that nobody was"},
    {"20a", "Flow of participants", "data", NULL},
    {"20b", "Characteristics of participants", "data", NULL},
    {"20c", "Comparison of development and evaluation data", "data", NULL},
    {"21", "Numbers of participants and events in each analysis", "data", NULL},
    {"22", "Full model, so that others can predict and evaluate", "runs", NULL},
    {"23a", "Performance with confidence intervals, also of groups", "results", NULL},
    {"23b", "Heterogeneity of performance between clusters", "results", NULL},
    {"24", "Results of updating", NULL, "nothing, if it was not updated: to be said"},
    {"25", "Interpretation, with fairness and earlier studies", NULL, "the discussion"},
    {"26", "Limitations", "limitations", NULL},
    {"27a", "Handling of poor or missing input in use", "data", NULL},
    {"27b", "Interaction and expertise required of users", NULL, "what users must do and know"},
    {"27c", "Next steps of research", NULL, "what should follow"},
};

void ein_report_checklist(ein_report *r) {
    ein_markup *m = &r->page.body;
    int answered = 0;
    const int n = (int)(sizeof items / sizeof *items);
    for (int i = 0; i < n; i++) answered += items[i].section != NULL;
    ein_page_section(&r->page, "checklist", "TRIPOD+AI checklist");
    ein_markup_put(
        m,
        "<p>%d of %d items are answered, at least in part, by this report; the others need words of its "
        "authors. Topics are "
        "shortened from TRIPOD+AI (Collins et al., BMJ 2024;385:e078378, CC BY 4.0).</p>\n"
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"TRIPOD+AI checklist\">\n"
        "<table><caption>TRIPOD+AI, item by item</caption>\n<thead><tr><th scope=\"col\">Item</th><th scope=\"col\">"
        "Topic</th><th scope=\"col\">Where</th></tr></thead>\n<tbody>\n",
        answered, n);
    for (int i = 0; i < n; i++) {
        ein_markup_put(m, "<tr><td>%s</td><td>%s</td><td>", items[i].id, items[i].topic);
        if (items[i].section)
            ein_markup_put(m, "<a href=\"#%s\">%s</a>", items[i].section, items[i].section);
        else
            ein_markup_put(m, "<span class=\"missing\">missing</span>: %s", items[i].missing);
        ein_markup_put(m, "</td></tr>\n");
    }
    ein_markup_put(m, "</tbody></table></div>\n");
}
