#include "jobs/options/seen_options.h"

#include <stdio.h>
#include <string.h>

#define SECRET                                                                                         \
    {                                                                                                  \
        "run.records_key", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",                              \
            "file of random bytes: training records are kept in models, and found there, only with it" \
    }

const ein_option ein_table_seen[] = {
    {"run.training_records", EIN_OPT_CHOICE, "hashed", EIN_UNBOUNDED, "hashed|none", "",
     "what the model keeps of its training records: hashes, by which evaluate finds them among test records (and, "
     "without run.records_key, everybody who has a recording can tell whether it is one); none: then nobody can check"},
    SECRET,
    {0},
};

const ein_option ein_table_seen_secret[] = {SECRET, {0}};

ein_status ein_seen_secret_from_config(const ein_config *config, ein_seen_secret *out) {
    return ein_error_context(ein_seen_secret_read(ein_config_string(config, "run.records_key"), out),
                             "run.records_key");
}

ein_status ein_seen_from_config(const ein_config *config, ein_corpus *corpus, const int64_t *index, int64_t n,
                                ein_seen *out) {
    ein_seen_secret secret;
    *out = (ein_seen){0};
    if (strcmp(ein_config_string(config, "run.training_records"), "none") == 0) {
        ein_seen_leave_out(out);
        return EIN_OK;
    }
    EIN_TRY(ein_seen_secret_from_config(config, &secret));
    return ein_seen_make(corpus, index, n, &secret, out);
}

ein_status ein_seen_decode_source(const char *from, const char *training_records, ein_seen *out) {
    *out = (ein_seen){0};
    if (from && !training_records) ein_seen_leave_out(out);
    if (!from || !training_records) return EIN_OK;
    return ein_error_context(ein_seen_decode(training_records, out), "%s", from);
}

void ein_seen_warn(const char *job, const char *model, const char *training_records,
                   const ein_seen_secret *secret) {
    char why[160];
    ein_seen_unknown(training_records, secret, why, sizeof why);
    if (why[0])
        fprintf(
            stderr,
            "einthoven %s: warning: %s: %s, so it cannot be checked whether test records are among them\n",
            job, model, why);
}

void ein_seen_warn_alike(const char *job, const char *model, const ein_seen_match *match) {
    char what[768];
    ein_seen_alike(match, what, sizeof what);
    if (what[0]) fprintf(stderr, "einthoven %s: warning: %s: %s\n", job, model, what);
}
