/* embed: the vectors that an encoder makes of a corpus's records. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/outputs.h"
#include "io/model/embeddings.h"
#include "jobs/cli/command.h"
#include "jobs/options/embedding.h"
#include "jobs/options/encoder.h"
#include "jobs/options/rows.h"
#include "jobs/options/split_options.h"
#include "jobs/options/tables.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

static const ein_option table[] = {
    EIN_ROW_CORPUS("corpus whose records are embedded (made by ingest)"),
    {"embed.model", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "model (.safetensors), pretrained or adapted, of ours or of others"},
    {"embed.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "file to write: NAME.h5, or NAME.npy with NAME.npy.json beside it"},
    {"embed.embedding", EIN_OPT_CHOICE, "mean", EIN_UNBOUNDED, "mean|cls|attentive", "",
     "mean of the patch tokens, the CLS token, or what the learned query of an attentive model makes of them"},
    {"embed.part", EIN_OPT_CHOICE, "all", EIN_UNBOUNDED, "all|train|valid|test", "",
     "records of which part of the split (split.*); all: every record"},
    {"embed.source_heads", EIN_OPT_INT, "0", 0, 65536, NULL, "",
     "attention heads of a model whose file does not say; 0: 8, as published"},
    {"embed.overwrite", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "replace an earlier file"},
    {"embed.threads", EIN_OPT_INT, "0", 0, 4096, NULL, "threads",
     "of one rank; 0: the processors it may use"},
    {0},
};

typedef struct {
    ein_job *job;
    const char *out;
    char *beside; /* of .npy */
    ein_encoder encoder;
    ein_corpus *corpus;
    int64_t n, *record;
    int threads;
    ein_embedding kind;
    ein_embeddings made; /* all but the values; rank 0, as what follows */
    ein_embeddings_writer *writer;
    ein_outputs *files;
} embedding_job;

static bool is_root(const embedding_job *e) {
    return ein_comm_rank(e->job->comm) == 0;
}

/* --- what is given --------------------------------------------------------------------------------------- */

static ein_status open_model(embedding_job *e) {
    const ein_config *c = e->job->config;
    const char *path = ein_config_string(c, "embed.model");
    EIN_TRY(ein_encoder_open(path, (int)ein_config_int(c, "embed.source_heads"), &e->encoder));
    EIN_TRY(ein_embedding_parse(ein_config_string(c, "embed.embedding"), &e->kind));
    return ein_embedding_check(e->kind, path, e->encoder.layout);
}

/* The contract of a file of others is what the corpus's is. */
static ein_status check_contract(embedding_job *e) {
    char difference[1024];
    const char *path = ein_config_string(e->job->config, "embed.model");
    const ein_contract *corpus = ein_corpus_contract(e->corpus);
    if (!e->encoder.has_contract) {
        e->encoder.contract = *corpus;
        if (is_root(e))
            fprintf(
                stderr,
                "einthoven embed: warning: %s: it does not say its preprocessing; taken as the corpus's\n",
                path);
        return EIN_OK;
    }
    if (ein_contract_compare(&e->encoder.contract, corpus, 1, difference, sizeof difference) == 0)
        return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "%s was made under another contract than %s: %s; ingest again under the model's contract", path,
        ein_corpus_path(e->corpus), difference);
}

static ein_status choose_records(embedding_job *e) {
    static const char *const names[] = {"train", "valid", "test"};
    static const ein_split_part parts[] = {EIN_SPLIT_TRAIN, EIN_SPLIT_VALID, EIN_SPLIT_TEST};
    const char *wanted = ein_config_string(e->job->config, "embed.part");
    const int64_t N = ein_corpus_records(e->corpus);
    uint8_t *part = NULL;
    EIN_TRY(EIN_NEW(e->record, N + 1));
    if (strcmp(wanted, "all") == 0) {
        for (e->n = 0; e->n < N; e->n++) e->record[e->n] = e->n;
    } else {
        EIN_TRY(ein_split_from_config(e->job->config, e->corpus, &part));
        for (int i = 0; i < 3; i++)
            if (strcmp(wanted, names[i]) == 0) e->n = ein_split_list(part, N, parts[i], e->record);
        free(part);
    }
    if (e->n > 0) return EIN_OK;
    return ein_error(EIN_USAGE, "embed.part %s: no record of %s is in it", wanted,
                     ein_corpus_path(e->corpus));
}

static ein_status check_given(embedding_job *e) {
    const ein_config *c = e->job->config;
    e->out = ein_config_string(c, "embed.out");
    if (!ein_config_string(c, "embed.model"))
        return ein_error(EIN_USAGE, "no model: give --model FILE.safetensors");
    if (!ein_config_string(c, "data.corpus"))
        return ein_error(EIN_USAGE, "no corpus: give --corpus FILE (einthoven ingest makes one)");
    if (!e->out) return ein_error(EIN_USAGE, "no file to write: give --out NAME.h5 or NAME.npy");
    return EIN_OK;
}

static ein_status open_all(embedding_job *e) {
    const ein_config *c = e->job->config;
    EIN_TRY(check_given(e));
    EIN_TRY(ein_comm_agree(e->job->comm, open_model(e)));
    EIN_TRY(ein_corpus_open(e->job->comm, ein_config_string(c, "data.corpus"), &e->corpus));
    ein_status status = check_contract(e);
    if (status == EIN_OK) status = choose_records(e);
    EIN_TRY(ein_comm_agree(e->job->comm, status));
    return ein_threads_choose(e->job->comm, (int)ein_config_int(c, "embed.threads"), &e->threads);
}

/* --- what comes out -------------------------------------------------------------------------------------- */

/* Claim the files before there is anything to lose. Rank 0. */
static ein_status begin(embedding_job *e) {
    if (ein_embeddings_is_npy(e->out)) EIN_TRY(ein_embeddings_beside(e->out, &e->beside));
    const char *const paths[] = {e->out, e->beside};
    EIN_TRY(ein_embeddings_check(e->out));
    return ein_outputs_begin(paths, 2, NULL, ein_config_bool(e->job->config, "embed.overwrite"), &e->files);
}

/* What stands beside the values, and the file that they go to as they come. Rank 0. */
static ein_status describe(embedding_job *e) {
    char program[64];
    ein_embeddings *m = &e->made;
    size_t longest = 0;
    snprintf(m->embedding, sizeof m->embedding, "%s", ein_embedding_name(e->kind));
    snprintf(m->model_hash, sizeof m->model_hash, "%s", e->encoder.hash);
    EIN_TRY(ein_contract_text(&e->encoder.contract, m->contract_text));
    if (e->encoder.info.training_records) {
        m->training_records = strdup(e->encoder.info.training_records);
        if (!m->training_records) return ein_error(EIN_NOMEM, "no memory for the list of training records");
    }
    for (int64_t i = 0; i < e->n; i++) {
        const size_t length = strlen(ein_corpus_record_id(e->corpus, e->record[i]));
        if (length > longest) longest = length;
    }
    m->n = e->n;
    m->width = e->encoder.layout->shape.width;
    m->id_stride = (int64_t)longest + 1;
    EIN_TRY(ein_calloc((void **)&m->record_id, m->n, m->id_stride, "record ids"));
    for (int64_t i = 0; i < e->n; i++)
        strcpy(m->record_id + i * m->id_stride, ein_corpus_record_id(e->corpus, e->record[i]));
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    return ein_embeddings_begin(e->out, m, program, &e->writer);
}

static ein_status put(void *self, const float *value, int64_t n) {
    return ein_embeddings_put(self, value, n);
}

static ein_status embed(embedding_job *e) {
    const ein_embedder embedder = {.layout = e->encoder.layout,
                                   .param = e->encoder.param,
                                   .mean_mv = e->encoder.contract.mean_mv,
                                   .sd_mv = e->encoder.contract.sd_mv,
                                   .kind = e->kind};
    ein_progress *progress = is_root(e) ? ein_progress_new(NULL, "embeddings", "records", e->n, 30) : NULL;
    const ein_embedding_sink to = {put, e->writer};
    const ein_status status = ein_embed_records(is_root(e) ? &to : NULL, e->job->comm, &embedder, e->corpus,
                                                e->record, e->n, e->threads, progress);
    ein_progress_finish(progress);
    return status;
}

/* Whole, or not at all if `mine` is set. Rank 0. */
static ein_status finish(embedding_job *e, ein_status mine) {
    ein_embeddings_writer *writer = e->writer;
    e->writer = NULL;
    return writer ? ein_embeddings_finish(writer, mine) : mine;
}

static ein_status write_all(embedding_job *e) {
    EIN_TRY(finish(e, EIN_OK));
    EIN_TRY(ein_outputs_publish(e->files));
    printf("%s: %s embeddings of %" PRId64 " records, %d values each\n", e->out, e->made.embedding, e->n,
           e->made.width);
    return EIN_OK;
}

static ein_status work(embedding_job *e) {
    EIN_TRY(open_all(e));
    ein_status status = EIN_OK;
    if (is_root(e)) status = begin(e);
    if (is_root(e) && status == EIN_OK) status = describe(e);
    EIN_TRY(ein_comm_agree(e->job->comm, status));
    EIN_TRY(embed(e));
    return ein_comm_share(e->job->comm, is_root(e) ? write_all(e) : EIN_OK);
}

static ein_status run(ein_job *job) {
    embedding_job e = {.job = job};
    EIN_TRY(ein_watch_peers(job->comm, job->config));
    const ein_status status = finish(&e, work(&e)); /* what it has not finished is given up */
    ein_outputs_end(e.files);
    ein_embeddings_free(&e.made);
    ein_encoder_free(&e.encoder);
    ein_corpus_close(e.corpus);
    free(e.record);
    free(e.beside);
    ein_watchdog_stop();
    return status;
}

static const ein_option *const tables[] = {table, ein_table_split, ein_table_peer, NULL};

static const ein_flag flags[] = {{"--model", "FILE", "embed.model"},
                                 {"--corpus", "FILE", "data.corpus"},
                                 {"--out", "FILE", "embed.out"},
                                 {"--embedding", "KIND", "embed.embedding"},
                                 {"--part", "PART", "embed.part"},
                                 {"--overwrite", NULL, "embed.overwrite"},
                                 {0}};

const ein_command ein_command_embed = {
    .name = "embed",
    .summary = "the vectors that a model's encoder makes of a corpus's records, as HDF5 or for NumPy",
    .operands = "",
    .description =
        "A foundation model as a source of features: any model, pretrained or adapted, turns each record of a\n"
        "corpus into one vector. Tokens are taken as they leave the last block. The file holds record ids, the\n"
        "contract of the records and the model's hash; evaluate --features reads it back for a linear probe. A\n"
        "record's vector has the same bits in any batch, on any number of ranks and threads.\n\n"
        "    einthoven embed --model results/pretrained/model.safetensors --corpus corpus.h5 --out features.h5\n"
        "    einthoven embed --model model.safetensors --corpus corpus.h5 --embedding cls --out features.npy",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
