#include "jobs/train/pretrain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/products.h"
#include "io/base/durable.h"
#include "jobs/options/model_options.h"
#include "jobs/options/seen_options.h"
#include "jobs/options/split_options.h"
#include "jobs/options/tables.h"
#include "jobs/train/identity.h"

static const ein_option *const tables[] = {ein_table_model, ein_table_contract, ein_table_pretrain,
                                           ein_table_split, ein_table_train,    ein_table_probe,
                                           ein_table_run,   ein_table_seen,     NULL};

static const ein_flag flags[] = {
    {"--corpus", "FILE", "data.corpus"},
    {"--run", "FOLDER", "run.folder"},
    {"--resume", "MODE", "run.resume"},
    {"--max-walltime", "MINUTES", "run.max_walltime_minutes"},
    {"--dry-run", NULL, "run.dry_run"},
    {"--training-records", "hashed|none", "run.training_records"},
    {"--records-key", "FILE", "run.records_key"},
    {0},
};

/* The configuration without what may change between lives of a run, and what the corpus is: the identity that a
 * checkpoint is compared by. */
static ein_status make_identity(ein_pretrain *p) {
    static const char *const changeable[] = {"threads:", "corpus:", "memory_mib:", "recipe:", NULL};
    char more[512], content[EIN_CONTENT_BYTES];
    ein_identity_content(p->data.corpus, p->data.part, NULL, 0, content);
    snprintf(more, sizeof more,
             "# corpus: contract %s, %" PRId64 " records, %" PRId64 " for training; %d slots\n%s",
             ein_corpus_contract_hash(p->data.corpus), ein_corpus_records(p->data.corpus), p->data.n_train,
             p->plan.engine.slots, content);
    return ein_identity_text(p->config_yaml, changeable, more, &p->identity);
}

static ein_status open_corpus(ein_pretrain *p) {
    const char *path = ein_config_string(p->job->config, "data.corpus");
    const int dry = ein_config_bool(p->job->config, "run.dry_run");
    if (!path && !dry)
        return ein_error(EIN_USAGE, "no corpus: give --corpus FILE (einthoven ingest makes one)");
    return path ? ein_corpus_open(p->job->comm, path, &p->data.corpus) : EIN_OK;
}

/* From here on the configuration holds what the run takes. */
static ein_status resolve_recipe(ein_pretrain *p) {
    const ein_config *c = p->job->config;
    ein_recipe_pretrain(&p->recipe, c, p->data.corpus ? p->data.n_train : -1);
    EIN_TRY(ein_recipe_resolve(&p->recipe, c, tables, false, false, &p->config));
    p->own = *p->job;
    p->own.config = p->config;
    p->job = &p->own;
    return EIN_OK;
}

static ein_status prepare(ein_pretrain *p) {
    EIN_TRY(open_corpus(p));
    p->plan.seed = (uint64_t)ein_config_int(p->job->config, "train.seed");
    ein_status status = p->data.corpus ? ein_pretrain_data_split(p) : EIN_OK;
    if (status == EIN_OK) status = resolve_recipe(p);
    EIN_TRY(ein_comm_agree(p->job->comm, status));
    EIN_TRY(ein_pretrain_plan_make(p));
    if (!p->data.corpus) return EIN_OK;
    EIN_TRY(ein_comm_agree(p->job->comm, ein_pretrain_plan_steps(p)));
    return ein_probe_open(p->job, p->plan.layout, &p->plan.contract, p->threads, &p->probe);
}

/* Open the run folder and write down what is about to run. */
static ein_status open_run(ein_pretrain *p) {
    const char *folder = ein_config_string(p->job->config, "run.folder");
    char path[4096];
    if (!folder) return ein_error(EIN_USAGE, "no run folder: give --run FOLDER");
    EIN_TRY(ein_run_open(p->job->comm, folder, &p->run));
    ein_status status = ein_config_to_yaml(p->job->config, &p->config_yaml);
    if (status == EIN_OK) status = ein_contract_text(&p->plan.contract, p->contract_text);
    if (status == EIN_OK) status = make_identity(p);
    if (status == EIN_OK && ein_comm_rank(p->job->comm) == 0) {
        snprintf(path, sizeof path, "%s/config.resolved.yaml", folder);
        status = ein_durable_write(path, p->config_yaml, strlen(p->config_yaml));
    }
    return ein_comm_agree(p->job->comm, status);
}

static void announce(ein_pretrain *p) {
    ein_run_log(p->run, "recipe %s", p->recipe.reason);
    ein_run_log(
        p->run,
        "pretrain: %" PRId64 " parameters; %" PRId64 " training records, %" PRId64 " held out; %" PRId64
        " updates of %" PRId64 " records in %d slots; %d ranks, %d threads on rank 0; %s",
        p->plan.layout->parameters, p->data.n_train, p->data.n_valid, p->plan.total_steps, p->plan.batch,
        p->plan.engine.slots, ein_comm_size(p->job->comm), p->threads, ein_products_text());
}

/* What the split keeps away from training, if one was asked for. */
static void announce_split(ein_pretrain *p) {
    const char *by = ein_config_string(p->job->config, "split.by");
    int64_t test = 0;
    if (!by) return;
    for (int64_t i = 0; i < ein_corpus_records(p->data.corpus); i++)
        test += p->data.part[i] == EIN_SPLIT_TEST;
    ein_run_log(p->run,
                "split by %s: %" PRId64 " records of the test part and %" PRId64
                " of no part are not touched",
                by, test, ein_corpus_records(p->data.corpus) - p->data.n_train - p->data.n_valid - test);
}

/* Records without a patient make every split leak; said before hours are spent. Collective. */
static ein_status announce_patients(ein_pretrain *p) {
    char warning[400] = "";
    const bool first = ein_comm_rank(p->job->comm) == 0;
    EIN_TRY(ein_comm_share(p->job->comm, first && p->data.corpus
                                             ? ein_patients_warning(p->data.corpus, warning, sizeof warning)
                                             : EIN_OK));
    if (warning[0] && p->run) ein_run_log(p->run, "%s", warning);
    if (warning[0] && !p->run) puts(warning);
    return EIN_OK;
}

static void release(ein_pretrain *p) {
    ein_probe_close(p->probe);
    ein_pretrain_workers_free(p);
    ein_pretrain_data_free(&p->data);
    ein_layout_destroy(p->plan.layout);
    free(p->param);
    free(p->config_yaml);
    free(p->identity);
    ein_run_close(p->run);
    ein_config_destroy(p->config);
}

static ein_status run(ein_job *job) {
    ein_pretrain p = {.job = job};
    snprintf(p.program, sizeof p.program, "einthoven %s", ein_version());
    ein_products_from_config(job->config);
    ein_status status = prepare(&p);
    if (status == EIN_OK && ein_config_bool(job->config, "run.dry_run")) {
        status = ein_pretrain_plan_print(&p);
        const bool by = ein_config_is_set(job->config, "split.by");
        if (status == EIN_OK && p.data.corpus && by && ein_comm_rank(job->comm) == 0)
            status = ein_split_print(stdout, job->config, p.data.corpus, p.data.part);
        if (status == EIN_OK && !by) status = announce_patients(&p);
        if (status == EIN_OK && p.probe && ein_comm_rank(job->comm) == 0) ein_probe_print(p.probe, stdout);
        status = ein_comm_share(job->comm, status);
    } else if (status == EIN_OK) {
        status = open_run(&p);
        if (status == EIN_OK) announce(&p);
        if (status == EIN_OK) announce_split(&p);
        if (status == EIN_OK) status = announce_patients(&p);
        if (status == EIN_OK) status = ein_pretrain_data_note(&p);
        if (status == EIN_OK) status = ein_pretrain_train(&p);
    }
    release(&p);
    return status;
}

const ein_command ein_command_pretrain = {
    .name = "pretrain",
    .summary = "learn from unlabelled ECGs with a masked autoencoder",
    .operands = "",
    .description =
        "Reads a corpus, holds out a fraction of its patients (or splits it by split.*, which leaves the test\n"
        "part alone), and trains a vision transformer to fill in hidden patches (Moody et al., NEJM AI 2025).\n"
        "Run it under mpirun or srun on as many ranks as there are slots: the "
        "weights do\n"
        "not depend on the number of ranks or threads. The same command starts a run and, after a stop or a "
        "kill,\n"
        "continues it from the newest valid checkpoint.\n\n"
        "With probe.* a linear model on the encoder's features of a labelled corpus tells every so many epochs how\n"
        "far they have come (RUN/probe.csv).\n\n"
        "The run folder holds config.resolved.yaml, log.txt, metrics.csv, STATE, ckpt/ and at the end "
        "model.safetensors.\n"
        "To stop after the current update with a checkpoint: send SIGTERM, SIGINT or SIGUSR1, or touch "
        "FOLDER/STOP.\n"
        "To ask for a checkpoint: touch FOLDER/CHECKPOINT.\n\n"
        "  einthoven pretrain --set model.preset=paper --dry-run\n"
        "  mpirun -n 2 einthoven pretrain --set model.preset=tiny --corpus corpus.h5 --run results/first",
    .tables = tables,
    .flags = flags,
    .run = run,
};
