/* explain: which leads and times a model's answers come from, and how far to trust that. */
#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/nn/head.h"
#include "core/nn/init.h"
#include "io/base/outputs.h"
#include "io/corpus/store.h"
#include "io/picture/picture.h"
#include "io/run/run.h"
#include "jobs/cli/command.h"
#include "jobs/explain/output.h"
#include "jobs/options/rows.h"
#include "jobs/options/split_options.h"
#include "jobs/options/tables.h"
#include "mpi/gather.h"
#include "mpi/threads.h"
#include "mpi/watchdog.h"

static const ein_option table[] = {
    EIN_ROW_CORPUS("corpus whose records are explained (made by ingest)"),
    {"explain.model", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "adapted model (.safetensors)"},
    {"explain.target", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "which of the model's targets; needed where it has several"},
    {"explain.methods", EIN_OPT_LIST, "occlusion,gradient,integrated,rollout", EIN_UNBOUNDED,
     "occlusion|gradient|integrated|rollout", "", "how"},
    {"explain.steps", EIN_OPT_INT, "64", 1, 100000, NULL, "", "of integrated gradients"},
    {"explain.part", EIN_OPT_CHOICE, "all", EIN_UNBOUNDED, "all|train|valid|test", "",
     "records of which part of the split (split.*); all: every record"},
    {"explain.records", EIN_OPT_INT, "16", 0, 1e9, NULL, "records",
     "how many, the first ones; 0: all of the part"},
    {"explain.record", EIN_OPT_LIST, "", EIN_UNBOUNDED, NULL, "", "these records, by id, in place of a part"},
    {"explain.checks", EIN_OPT_BOOL, "true", EIN_UNBOUNDED, NULL, "",
     "compare with random weights, and deletion and insertion with random orders"},
    {"explain.planted", EIN_OPT_INT, "0", 0, 100000, NULL, "records",
     "look for waves planted in so many synthetic records with a small model trained for it (some seconds); 0: do not"},
    {"explain.seed", EIN_OPT_INT, "1", 0, 9e15, NULL, "",
     "of random weights, random orders and planted waves"},
    {"explain.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "", "table to write (.csv); unset: none"},
    {"explain.draw", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "picture of the first record with its explanation (.svg, .png, .pdf); unset: none"},
    {"explain.draw_method", EIN_OPT_CHOICE, "integrated", EIN_UNBOUNDED,
     "occlusion|gradient|integrated|rollout", "", "which explanation is drawn"},
    {"explain.paper", EIN_OPT_CHOICE, "recorded", EIN_UNBOUNDED, "3x4|6x2|12x1|recorded", "",
     "leads of the picture; those that the model does not see have no explanation"},
    {"explain.overwrite", EIN_OPT_BOOL, "false", EIN_UNBOUNDED, NULL, "", "replace earlier files"},
    {"explain.threads", EIN_OPT_INT, "0", 0, 4096, NULL, "threads",
     "of one rank; 0: the processors it may use"},
    {0},
};

typedef struct {
    ein_job *job;
    const char *path, *out, *draw;
    ein_explain_method drawn;
    ein_encoder encoder;
    ein_model_tasks *meaning;
    int target;
    char label[192];
    float *other;
    ein_packed *packed, *other_packed;
    ein_explain_model model;
    ein_corpus *corpus;
    int64_t n, *record;
    double *values; /* (n, ein_explain_row_values) */
    int threads;
    ein_explain_room *room; /* (threads) */
    ein_outputs *files;     /* rank 0 */
} explanation;

static bool is_root(const explanation *e) {
    return ein_comm_rank(e->job->comm) == 0;
}

/* --- what is given --------------------------------------------------------------------------------------- */

static ein_status check_given(explanation *e) {
    const ein_config *c = e->job->config;
    e->path = ein_config_string(c, "explain.model");
    e->out = ein_config_string(c, "explain.out");
    e->draw = ein_config_string(c, "explain.draw");
    if (!e->path) return ein_error(EIN_USAGE, "no model: give --model FILE.safetensors (finetune makes one)");
    if (!ein_config_string(c, "data.corpus"))
        return ein_error(EIN_USAGE, "no corpus: give --corpus FILE (einthoven ingest makes one)");
    if (e->draw) EIN_TRY(ein_picture_check_name(e->draw));
    const size_t length = e->out ? strlen(e->out) : 0;
    if (e->out && (length < 5 || strcmp(e->out + length - 4, ".csv") != 0))
        return ein_error(EIN_USAGE, "explain.out: %s is no name of a table; let it end in .csv", e->out);
    return EIN_OK;
}

static ein_status choose_methods(explanation *e) {
    const ein_config *c = e->job->config;
    const char *drawn = ein_config_string(c, "explain.draw_method");
    for (int k = 0; k < EIN_EXPLAIN_METHODS; k++) {
        const char *name = ein_explain_method_name((ein_explain_method)k);
        for (int i = 0; i < ein_config_list_count(c, "explain.methods"); i++)
            if (strcmp(ein_config_list_item(c, "explain.methods", i), name) == 0) e->model.wanted[k] = true;
        if (strcmp(drawn, name) == 0) e->drawn = (ein_explain_method)k;
    }
    e->model.checks = ein_config_bool(c, "explain.checks");
    e->model.steps = (int)ein_config_int(c, "explain.steps");
    e->model.seed = (uint64_t)ein_config_int(c, "explain.seed");
    if (ein_config_list_count(c, "explain.methods") == 0)
        return ein_error(EIN_USAGE, "explain.methods: none is given");
    if (e->draw && !e->model.wanted[e->drawn])
        return ein_error(EIN_USAGE, "explain.draw_method: %s is not among explain.methods", drawn);
    return EIN_OK;
}

/* The target that is named, or the only one. */
static ein_status choose_target(explanation *e) {
    const char *wanted = ein_config_string(e->job->config, "explain.target");
    char names[1024] = "", label[192];
    for (int j = 0; j < e->meaning->n_targets; j++) {
        ein_model_tasks_label(e->meaning, j, label, sizeof label);
        const size_t n = strlen(names);
        snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", label);
        if (wanted ? strcmp(wanted, label) != 0 && strcmp(wanted, e->meaning->name[j]) != 0
                   : e->meaning->n_targets > 1)
            continue;
        e->target = j;
        memcpy(e->label, label, sizeof label);
        return EIN_OK;
    }
    if (wanted)
        return ein_error(EIN_USAGE, "explain.target: %s has no target %s; it has %s", e->path, wanted, names);
    return ein_error(EIN_USAGE, "%s has several targets; name one with --target: %s", e->path, names);
}

static ein_status open_model(explanation *e) {
    ein_explain_model *m = &e->model;
    const int most = (int)(sizeof m->direction / sizeof *m->direction);
    EIN_TRY(ein_encoder_open(e->path, 0, &e->encoder));
    if (!e->encoder.info.tasks || !e->encoder.has_contract)
        return ein_error(EIN_MISMATCH, "%s does not say what its outputs mean; finetune makes models that do",
                         e->path);
    EIN_TRY(ein_model_tasks_parse(e->path, e->encoder.info.tasks, &e->meaning));
    m->layout = e->encoder.layout;
    m->param = e->encoder.param;
    const int outputs = m->layout->shape.classes;
    if (e->meaning->n_outputs != outputs || outputs > most)
        return ein_error(EIN_FORMAT, "%s: its tasks have %d outputs, its head %d; at most %d are explained",
                         e->path, e->meaning->n_outputs, outputs, most);
    EIN_TRY(choose_target(e));
    ein_head_direction(m->direction, &m->offset, e->meaning->head, e->meaning->n_tasks, e->target, outputs);
    if (!m->checks) return EIN_OK;
    EIN_TRY(EIN_NEW(e->other, m->layout->arena));
    ein_vit_init(e->other, m->layout, EIN_SCHEME_SCRATCH, m->seed);
    m->other = e->other;
    return EIN_OK;
}

static ein_status check_contract(const explanation *e) {
    char difference[1024];
    if (ein_contract_compare(&e->encoder.contract, ein_corpus_contract(e->corpus), 1, difference,
                             sizeof difference) == 0)
        return EIN_OK;
    return ein_error(
        EIN_MISMATCH,
        "%s was made under another contract than %s: %s; ingest again under the model's contract", e->path,
        ein_corpus_path(e->corpus), difference);
}

static ein_status find_records(explanation *e) {
    const ein_config *c = e->job->config;
    const int64_t N = ein_corpus_records(e->corpus);
    e->n = ein_config_list_count(c, "explain.record");
    EIN_TRY(EIN_NEW(e->record, e->n + 1));
    for (int64_t i = 0; i < e->n; i++) {
        const char *id = ein_config_list_item(c, "explain.record", (int)i);
        int64_t r = 0;
        while (r < N && strcmp(ein_corpus_record_id(e->corpus, r), id) != 0) r++;
        if (r == N) return ein_error(EIN_NOTFOUND, "%s has no record %s", ein_corpus_path(e->corpus), id);
        e->record[i] = r;
    }
    return EIN_OK;
}

static ein_status choose_records(explanation *e) {
    static const char *const names[] = {"train", "valid", "test"};
    static const ein_split_part parts[] = {EIN_SPLIT_TRAIN, EIN_SPLIT_VALID, EIN_SPLIT_TEST};
    const ein_config *c = e->job->config;
    const char *wanted = ein_config_string(c, "explain.part");
    const int64_t N = ein_corpus_records(e->corpus), most = ein_config_int(c, "explain.records");
    uint8_t *part = NULL;
    if (ein_config_list_count(c, "explain.record") > 0) return find_records(e);
    EIN_TRY(EIN_NEW(e->record, N + 1));
    if (strcmp(wanted, "all") == 0) {
        for (e->n = 0; e->n < N; e->n++) e->record[e->n] = e->n;
    } else {
        EIN_TRY(ein_split_from_config(c, e->corpus, &part));
        for (int i = 0; i < 3; i++)
            if (strcmp(wanted, names[i]) == 0) e->n = ein_split_list(part, N, parts[i], e->record);
        free(part);
    }
    if (most > 0 && e->n > most) e->n = most;
    if (e->n > 0) return EIN_OK;
    return ein_error(EIN_USAGE, "explain.part %s: no record of %s is in it", wanted,
                     ein_corpus_path(e->corpus));
}

static ein_status open_all(explanation *e) {
    ein_status status = check_given(e);
    if (status == EIN_OK) status = choose_methods(e);
    if (status == EIN_OK) status = open_model(e);
    EIN_TRY(ein_comm_agree(e->job->comm, status));
    EIN_TRY(ein_corpus_open(e->job->comm, ein_config_string(e->job->config, "data.corpus"), &e->corpus));
    status = check_contract(e);
    if (status == EIN_OK) status = choose_records(e);
    EIN_TRY(ein_comm_agree(e->job->comm, status));
    return ein_threads_choose(e->job->comm, (int)ein_config_int(e->job->config, "explain.threads"),
                              &e->threads);
}

/* --- work ------------------------------------------------------------------------------------------------ */

static ein_status room_new(void *self, int thread) {
    explanation *e = self;
    return ein_explain_room_new(&e->room[thread], &e->model);
}

static ein_status prepare(explanation *e) {
    ein_explain_model *m = &e->model;
    EIN_TRY(ein_packed_make(m->layout, true, m->param, e->threads, &e->packed));
    if (m->other) EIN_TRY(ein_packed_make(m->layout, true, m->other, e->threads, &e->other_packed));
    m->packed = e->packed;
    m->other_packed = e->other_packed;
    EIN_TRY(EIN_NEW(e->values, e->n * ein_explain_row_values(&m->layout->shape)));
    EIN_TRY(EIN_NEW(e->room, e->threads));
    return ein_error_context(ein_threads_each(e->threads, room_new, e), "the activations of %d threads",
                             e->threads);
}

/* Records [first, first + count) of the list. */
static ein_status explain_share(explanation *e, int64_t first, int64_t count, ein_progress *progress) {
    const ein_vit_shape *s = &e->model.layout->shape;
    const int64_t width = ein_explain_row_values(s);
    ein_status status = EIN_OK;
    ein_store *store;
    if (count == 0) return EIN_OK;
    EIN_TRY(ein_store_new(e->corpus, e->record + first, count, &store));
    ein_store_normalise(store, e->encoder.contract.mean_mv, e->encoder.contract.sd_mv);
    for (int64_t block = 0; block < count && status == EIN_OK; block += e->threads) {
        const int64_t end = block + e->threads < count ? block + e->threads : count;
        ein_watchdog_beat("explaining records");
#pragma omp parallel for num_threads(e->threads) schedule(static)
        for (int64_t i = block; i < end; i++) {
            float *x = NULL;
            ein_status mine = EIN_NEW(x, (int64_t)s->leads * s->samples);
            if (mine == EIN_OK) ein_store_input(store, i, x);
            if (mine == EIN_OK)
                mine = ein_explain_record(e->values + (first + i) * width, &e->room[omp_get_thread_num()],
                                          &e->model, x, e->record[first + i]);
            free(x);
            if (mine != EIN_OK)
#pragma omp critical
                status = mine;
        }
        ein_progress_update(progress, end * ein_comm_size(e->job->comm), "");
    }
    ein_store_destroy(store);
    return status;
}

static ein_status explain_all(explanation *e) {
    int64_t first, count;
    ein_share(e->n, ein_comm_rank(e->job->comm), ein_comm_size(e->job->comm), &first, &count);
    ein_status status = prepare(e);
    ein_progress *progress = is_root(e) ? ein_progress_new(NULL, "explanations", "records", e->n, 30) : NULL;
    ein_progress_update(progress, 0, "");
    if (status == EIN_OK) status = explain_share(e, first, count, progress);
    ein_progress_finish(progress);
    EIN_TRY(ein_comm_agree(e->job->comm, status));
    return ein_gather_everywhere(e->job->comm, e->values, NULL, e->n,
                                 ein_explain_row_values(&e->model.layout->shape) * (int64_t)sizeof *e->values,
                                 "gathering explanations");
}

/* --- what comes out -------------------------------------------------------------------------------------- */

static ein_status begin(explanation *e) {
    const char *const paths[] = {e->out, e->draw};
    if (!e->out && !e->draw) return EIN_OK;
    return ein_outputs_begin(paths, 2, NULL, ein_config_bool(e->job->config, "explain.overwrite"), &e->files);
}

static ein_status tell(explanation *e) {
    const ein_config *c = e->job->config;
    const int planted = (int)ein_config_int(c, "explain.planted");
    const ein_explained told = {.model = &e->model,
                                .model_path = e->path,
                                .target = e->label,
                                .corpus = e->corpus,
                                .kind = e->meaning->head[e->meaning->task_of[e->target]].kind,
                                .n = e->n,
                                .record = e->record,
                                .values = e->values};
    EIN_TRY(ein_explain_print(&told));
    if (planted > 0) {
        ein_explain_planted p;
        EIN_TRY(ein_explain_plant(&p, planted, e->model.steps, e->model.seed));
        ein_explain_print_planted(&p);
    }
    if (e->out) EIN_TRY(ein_explain_write(&told, e->out));
    if (e->draw) EIN_TRY(ein_explain_draw(&told, e->drawn, ein_config_string(c, "explain.paper"), e->draw));
    if (e->files) EIN_TRY(ein_outputs_publish(e->files));
    if (e->out || e->draw) putchar('\n');
    if (e->out) printf("%s: a row per record, method, lead and time\n", e->out);
    if (e->draw) printf("%s: record %s\n", e->draw, ein_corpus_record_id(e->corpus, e->record[0]));
    return EIN_OK;
}

static ein_status work(explanation *e) {
    EIN_TRY(open_all(e));
    EIN_TRY(ein_comm_share(e->job->comm, is_root(e) ? begin(e) : EIN_OK));
    EIN_TRY(explain_all(e));
    return ein_comm_share(e->job->comm, is_root(e) ? tell(e) : EIN_OK);
}

static ein_status run(ein_job *job) {
    explanation e = {.job = job};
    EIN_TRY(ein_watch_peers(job->comm, job->config));
    const ein_status status = work(&e);
    ein_outputs_end(e.files);
    for (int t = 0; e.room && t < e.threads; t++) ein_explain_room_free(&e.room[t]);
    free(e.room);
    ein_packed_destroy(e.packed);
    ein_packed_destroy(e.other_packed);
    ein_model_tasks_destroy(e.meaning);
    ein_encoder_free(&e.encoder);
    ein_corpus_close(e.corpus);
    free(e.other);
    free(e.record);
    free(e.values);
    ein_watchdog_stop();
    return status;
}

static const ein_option *const tables[] = {table, ein_table_split, ein_table_peer, NULL};

static const ein_flag flags[] = {{"--model", "FILE", "explain.model"},
                                 {"--corpus", "FILE", "data.corpus"},
                                 {"--target", "NAME", "explain.target"},
                                 {"--methods", "LIST", "explain.methods"},
                                 {"--part", "PART", "explain.part"},
                                 {"--records", "N", "explain.records"},
                                 {"--record", "ID", "explain.record"},
                                 {"--planted", "N", "explain.planted"},
                                 {"--out", "FILE", "explain.out"},
                                 {"--draw", "PICTURE", "explain.draw"},
                                 {"--paper", "LAYOUT", "explain.paper"},
                                 {"--overwrite", NULL, "explain.overwrite"},
                                 {0}};

const ein_command ein_command_explain = {
    .name = "explain",
    .summary = "which leads and times a model's answers come from, drawn on the ECG, with checks",
    .operands = "",
    .description =
        "For records of a corpus and one target of an adapted model: what each lead's stretch of a patch adds to the\n"
        "logit, by occlusion, gradient x input, integrated gradients and attention rollout. With the explanations\n"
        "come checks of how far they can be trusted.\n\n"
        "    einthoven explain --model model.safetensors --corpus corpus.h5 --out explained.csv --draw ecg.svg\n"
        "    einthoven explain --model model.safetensors --corpus corpus.h5 --record syn0000003 --draw ecg.png\n"
        "    einthoven explain --model model.safetensors --corpus corpus.h5 --planted 100",
    .tables = tables,
    .flags = flags,
    .min_operands = 0,
    .max_operands = 0,
    .run = run,
};
