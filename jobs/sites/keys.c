/* keys: make an Ed25519 key of a coordinator or a site, or show the fingerprint of one. */
#include <stdio.h>
#include <string.h>

#include "io/sites/keys.h"
#include "jobs/cli/command.h"

static const ein_option table_keys[] = {
    {"keys.show", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "",
     "show the fingerprint of a key that is there, secret or public; makes nothing"},
    {0},
};

static const ein_option *const tables[] = {table_keys, NULL};
static const ein_flag flags[] = {{"--show", NULL, "keys.show"}, {0}};

static ein_status keys(const char *path, bool show) {
    ein_site_key key;
    char print[EIN_FINGERPRINT_BYTES];
    if (show) {
        EIN_TRY(ein_public_key_read(path, key.public_key));
    } else {
        EIN_TRY(ein_site_key_make(path, &key));
        ein_fingerprint(key.public_key, print);
        ein_site_key_wipe(&key);
        printf("%s: the secret key; it stays here, readable by you alone\n%s.pub: the public key, to send\n",
               path, path);
        printf("fingerprint: %s\n", print);
        return EIN_OK;
    }
    ein_fingerprint(key.public_key, print);
    printf("fingerprint: %s\n", print);
    return EIN_OK;
}

static ein_status run(ein_job *job) {
    return ein_comm_share(job->comm, ein_comm_rank(job->comm) == 0
                                         ? keys(job->operands[0], ein_config_bool(job->config, "keys.show"))
                                         : EIN_OK);
}

const ein_command ein_command_keys = {
    .name = "keys",
    .summary = "make the key by which a coordinator or a site signs, or show its fingerprint",
    .operands = "FILE",
    .description =
        "Writes FILE (secret, mode 0600) and FILE.pub. Public keys are sent; their owners read each other the\n"
        "fingerprints over another channel, by telephone. A key is never replaced.\n\n"
        "    einthoven keys north.key\n"
        "    einthoven keys --show north.key.pub",
    .tables = tables,
    .flags = flags,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
