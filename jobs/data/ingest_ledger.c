#include "jobs/data/ingest_ledger.h"

#include <limits.h>
#include <math.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "io/base/key_file.h"
#include "io/base/map.h"
#include "io/base/texts.h"
#include "io/base/utf8.h"
#include "io/corpus/same.h"
#include "jobs/data/ingest_counts.h"
#include "jobs/data/ingest_labels.h"
#include "jobs/data/ingest_roots.h"

#define SAME_AGE_YEARS 1.0F /* a birthday may lie between two tables */
enum { PATIENT_BYTES = 16, PATIENT_TEXT_BYTES = 33 };

typedef enum { PATIENT_PSEUDONYM, PATIENT_KEYED, PATIENT_KEPT } patient_mode;

/* Memory of the entries of one round. */
typedef struct {
    ein_corpus_entry *entry;
    float *label;
    const char **text;
    char (*patient)[PATIENT_TEXT_BYTES];
    char (*source)[PATH_MAX];
    char (*id)[PATH_MAX];
    int64_t *same; /* the earlier record that is the same recording, or -1 */
    int64_t room;
} round_memory;

/* An accepted record, as one of several that are the same recording. */
typedef struct {
    uint64_t patient_key;
    int64_t next; /* the record after it that is the same recording, or -1 */
    bool has_patient, changed;
} twin;

struct ein_ledger {
    ein_ingest_roots roots;
    ein_labels *labels;
    ein_texts tables; /* label tables that were found, not named */
    bool by_path;     /* ingest.record_id */
    const char *cohort, *site;
    patient_mode mode;
    uint8_t key[EIN_KEY_BYTES];
    ein_map *ids, *signals, *patients; /* -> index of the first record */
    ein_texts sources, record_ids;     /* of accepted records */
    const char **text_names;           /* (n_texts): of the label tables, then what files say */
    int n_texts;
    ein_same *same;
    twin *twins; /* (accepted) */
    int64_t twins_room;
    round_memory memory;
    ein_ingest_counts counts;
};

/* --- begin ----------------------------------------------------------------------------------------- */

static ein_status open_patients(ein_ledger *l, const ein_config *config) {
    const char *key_file = ein_config_string(config, "ingest.patient_key_file");
    bool keep = ein_config_bool(config, "ingest.keep_ids");
    if (keep && key_file)
        return ein_error(EIN_USAGE, "ingest.keep_ids and ingest.patient_key_file exclude each other");
    l->mode = keep ? PATIENT_KEPT : key_file ? PATIENT_KEYED : PATIENT_PSEUDONYM;
    return key_file ? ein_key_file_read(key_file, l->key) : EIN_OK;
}

static ein_status name_texts(ein_ledger *l) {
    int own = ein_labels_n_texts(l->labels);
    EIN_TRY(EIN_NEW(l->text_names, own + EIN_SAID_COUNT));
    for (l->n_texts = 0; l->n_texts < own; l->n_texts++)
        l->text_names[l->n_texts] = ein_labels_text_names(l->labels)[l->n_texts];
    for (int k = 0; k < EIN_SAID_COUNT; k++) {
        l->counts.said_kept[k] = true;
        for (int i = 0; i < own; i++)
            if (strcasecmp(l->text_names[i], ein_said_names[k]) == 0) l->counts.said_kept[k] = false;
        if (l->counts.said_kept[k]) l->text_names[l->n_texts++] = ein_said_names[k];
    }
    return EIN_OK;
}

static ein_status begin(ein_ledger *l, const ein_config *config, const char *const *roots, int n_roots) {
    EIN_TRY(ein_ingest_roots_open(roots, n_roots, &l->roots));
    l->cohort = ein_config_string(config, "ingest.cohort");
    l->site = ein_config_string(config, "ingest.site");
    l->by_path = strcmp(ein_config_string(config, "ingest.record_id"), "path") == 0;
    EIN_TRY(open_patients(l, config));
    EIN_TRY(ein_ingest_labels_open(config, &l->roots, &l->tables, &l->labels));
    EIN_TRY(name_texts(l));
    EIN_TRY(ein_tally_new(&l->counts.unknown_leads));
    EIN_TRY(ein_map_new(&l->ids));
    EIN_TRY(ein_map_new(&l->signals));
    EIN_TRY(ein_same_new(&l->same));
    return ein_map_new(&l->patients);
}

ein_status ein_ledger_new(const ein_config *config, const char *const *roots, int n_roots, ein_ledger **out) {
    ein_ledger *l = NULL;
    *out = NULL;
    EIN_BUG_IF(sodium_init() < 0);
    EIN_TRY(EIN_NEW(l, 1));
    ein_status status = begin(l, config, roots, n_roots);
    if (status != EIN_OK) {
        ein_ledger_destroy(l);
        return status;
    }
    *out = l;
    return EIN_OK;
}

static void memory_free(round_memory *m) {
    void *owned[] = {m->entry, m->label, m->text, m->patient, m->source, m->id, m->same};
    for (size_t i = 0; i < sizeof owned / sizeof owned[0]; i++) free(owned[i]);
    memset(m, 0, sizeof *m);
}

void ein_ledger_destroy(ein_ledger *l) {
    if (!l) return;
    ein_labels_destroy(l->labels);
    ein_tally_destroy(l->counts.unknown_leads);
    free(l->text_names);
    ein_map_destroy(l->ids);
    ein_map_destroy(l->signals);
    ein_map_destroy(l->patients);
    ein_same_destroy(l->same);
    free(l->twins);
    ein_texts_free(&l->sources);
    ein_texts_free(&l->record_ids);
    ein_texts_free(&l->tables);
    memory_free(&l->memory);
    sodium_memzero(l->key, sizeof l->key);
    ein_ingest_roots_free(&l->roots);
    free(l);
}

const char *ein_ledger_patient_ids(const ein_ledger *l) {
    return l->mode == PATIENT_KEPT ? "kept" : l->mode == PATIENT_KEYED ? "keyed" : "pseudonym";
}

const ein_labels *ein_ledger_labels(const ein_ledger *l) {
    return l->labels;
}

const char *const *ein_ledger_text_names(const ein_ledger *l, int *n) {
    *n = l->n_texts;
    return l->text_names;
}

int64_t ein_ledger_accepted(const ein_ledger *l) {
    return l->counts.accepted;
}

int64_t ein_ledger_unknown_patients(const ein_ledger *l) {
    return l->counts.patient.unknown;
}

int64_t ein_ledger_rejected(const ein_ledger *l) {
    return ein_ingest_rejected(&l->counts);
}

void ein_ledger_summary(const ein_ledger *l, FILE *stream) {
    ein_ingest_counts_print(&l->counts, l->labels, stream);
}

void ein_ledger_top_causes(const ein_ledger *l, char *out, size_t room) {
    ein_ingest_top_causes(&l->counts, out, room);
}

/* --- names ----------------------------------------------------------------------------------------- */

const char *ein_ledger_source(const ein_ledger *l, const char *path, char *out, size_t room) {
    return ein_ingest_source(&l->roots, path, out, room);
}

/* The ways a label table may call a recording. Tables are UTF-8, names of files need not be. */
static void match_labels(ein_ledger *l, const char *path, const char *record_id, bool peek,
                         ein_labels_match *match) {
    const char *below = NULL;
    const ein_ingest_root *r = ein_ingest_root_of(&l->roots, path, &below);
    char named[PATH_MAX] = "", absolute[PATH_MAX] = "", made[PATH_MAX];
    ein_utf8_make(below, strlen(below), made, sizeof made, NULL);
    if (r && r->is_folder && r->real[0]) {
        int n = snprintf(named, sizeof named, "%s/%s", r->name, made);
        if (n < 0 || (size_t)n >= sizeof named) named[0] = '\0';
        n = snprintf(absolute, sizeof absolute, "%s/%s", strcmp(r->real, "/") == 0 ? "" : r->real, below);
        if (n < 0 || (size_t)n >= sizeof absolute) absolute[0] = '\0';
    } else if (r) {
        snprintf(absolute, sizeof absolute, "%s", r->real);
    }
    /* Tables call a member of an archive by its path in it, with or without the one folder that holds all. */
    const char *inside = strstr(made, "!/"), *deeper = inside ? strchr(inside + 2, '/') : NULL;
    const char *const keys[] = {made, named[0] ? named : NULL, record_id, inside ? inside + 2 : NULL,
                                deeper ? deeper + 1 : NULL};
    ein_labels_find(l->labels, keys, 5, absolute[0] ? absolute : NULL, peek, match);
}

static ein_status no_row_fits(const ein_ledger *l, const ein_reader_list *found, bool ambiguous) {
    ein_labels_report report;
    ein_labels_get_report(l->labels, &report);
    if (ambiguous)
        return ein_error(
            EIN_USAGE,
            "no row of the label tables can be used: those that fit share their key with another row that "
            "differs (first: '%s', lines %lld and %lld); keep one row of each key, or name a column that "
            "tells them apart (ingest.label_key)",
            report.first_ambiguous, (long long)report.ambiguous_line[0], (long long)report.ambiguous_line[1]);
    return ein_error(
        EIN_USAGE,
        "no row of the label tables fits any of the %lld recordings: the first key is '%s', the first "
        "recording %s; name the column that holds record ids or paths (ingest.label_key)",
        (long long)found->count, report.first_unused[0] ? report.first_unused : report.first_ambiguous,
        found->path[0]);
}

ein_status ein_ledger_check_labels(ein_ledger *l, const ein_reader_list *found, int64_t *joined) {
    bool ambiguous = false;
    *joined = -1;
    if (ein_labels_n_tables(l->labels) == 0) return EIN_OK;
    *joined = 0;
    for (int64_t i = 0; i < found->count; i++) {
        const char *slash = strrchr(found->path[i], '/');
        ein_labels_match match;
        match_labels(l, found->path[i], slash ? slash + 1 : found->path[i], true, &match);
        *joined += match.found;
        ambiguous = ambiguous || match.ambiguous;
    }
    if (*joined > 0 || found->count == 0) return EIN_OK;
    return no_row_fits(l, found, ambiguous);
}

/* --- one round ------------------------------------------------------------------------------------- */

static ein_status reserve(ein_ledger *l, int64_t n) {
    round_memory *m = &l->memory;
    if (n <= m->room) return EIN_OK;
    memory_free(m);
    EIN_TRY(EIN_NEW(m->entry, n));
    EIN_TRY(EIN_NEW(m->label, n * ein_labels_n_values(l->labels)));
    EIN_TRY(EIN_NEW(m->text, n * l->n_texts));
    EIN_TRY(EIN_NEW(m->patient, n));
    EIN_TRY(EIN_NEW(m->source, n));
    EIN_TRY(EIN_NEW(m->id, n));
    EIN_TRY(EIN_NEW(m->same, n));
    m->room = n;
    return EIN_OK;
}

static uint64_t first_eight(const uint8_t *digest) {
    uint64_t key;
    memcpy(&key, digest, sizeof key);
    return key;
}

/* BLAKE2b-128 of a word and a text; under the site's key if it has one. */
static void digest_of(const ein_ledger *l, bool keyed, const char *purpose, const char *text,
                      uint8_t out[PATIENT_BYTES]) {
    crypto_generichash_blake2b_state state;
    crypto_generichash_blake2b_init(&state, keyed ? l->key : NULL, keyed ? sizeof l->key : 0, PATIENT_BYTES);
    crypto_generichash_blake2b_update(&state, (const uint8_t *)purpose, strlen(purpose) + 1);
    crypto_generichash_blake2b_update(&state, (const uint8_t *)text, strlen(text));
    crypto_generichash_blake2b_final(&state, out, PATIENT_BYTES);
}

/* What the corpus says instead of the patient's id. */
static ein_status hide_patient(ein_ledger *l, const char *id, const char *record_id, ein_corpus_entry *e,
                               char text[PATIENT_TEXT_BYTES]) {
    uint8_t digest[PATIENT_BYTES];
    if (id[0] == '\0') {
        digest_of(l, false, "record", record_id, digest);
        e->patient = "";
        e->patient_key = first_eight(digest);
        return EIN_OK;
    }
    if (l->mode == PATIENT_PSEUDONYM) {
        int64_t first = ein_map_get(l->patients, id, -1);
        if (first < 0) EIN_TRY(ein_map_put(l->patients, id, l->counts.accepted));
        digest_of(l, false, "first record", first < 0 ? record_id : ein_texts_get(&l->record_ids, first),
                  digest);
    } else {
        digest_of(l, l->mode == PATIENT_KEYED, "patient", id, digest);
    }
    ein_hex(digest, sizeof digest, text);
    e->patient = l->mode == PATIENT_KEPT ? id : text;
    e->patient_key = first_eight(digest);
    return EIN_OK;
}

static const char *choose(const char *first, const char *second, const char *third) {
    if (first && first[0]) return first;
    return second && second[0] ? second : third;
}

/* What the file says, behind the texts of the label tables. */
static void add_said(ein_ledger *l, const ein_ingest_result *r, const char **text) {
    const char *const said[EIN_SAID_COUNT] = {r->dx, r->device, r->unknown_leads};
    int at = ein_labels_n_texts(l->labels);
    for (int k = 0; k < EIN_SAID_COUNT; k++) {
        if (!l->counts.said_kept[k]) continue;
        text[at++] = said[k];
        l->counts.said[k] += said[k][0] != '\0';
    }
}

static void take_age_and_sex(ein_ledger *l, const ein_labels_match *match, const ein_ingest_result *r,
                             ein_corpus_entry *e) {
    const float age = ein_labels_age(l->labels, match);
    const int sex = ein_labels_sex(l->labels, match);
    e->age = isnan(age) ? r->age : age;
    e->sex = (int8_t)(sex < 0 ? r->sex : sex);
    ein_ingest_count_origin(&l->counts.age, !isnan(age), !isnan(r->age), fabsf(age - r->age) > SAME_AGE_YEARS,
                            e->record_id);
    ein_ingest_count_origin(&l->counts.sex, sex >= 0, r->sex >= 0, sex >= 0 && r->sex >= 0 && sex != r->sex,
                            e->record_id);
}

static ein_status describe(ein_ledger *l, const char *path, int64_t slot, const char *source,
                           const char *record_id, ein_ingest_result *r) {
    round_memory *m = &l->memory;
    ein_corpus_entry *e = &m->entry[slot];
    ein_labels_match match;
    const char *below = NULL;
    const ein_ingest_root *home = ein_ingest_root_of(&l->roots, path, &below);
    int n_values = ein_labels_n_values(l->labels);
    float *label = m->label + slot * n_values;
    const char **text = m->text + slot * l->n_texts;
    match_labels(l, path, r->record_id, false, &match);
    l->counts.joined += match.found;
    ein_labels_values(l->labels, &match, label);
    ein_labels_texts(l->labels, &match, text);
    add_said(l, r, text);
    *e = (ein_corpus_entry){
        .record_id = record_id,
        .cohort = choose(ein_labels_cohort(l->labels, &match), l->cohort, home ? home->name : ""),
        .site = choose(ein_labels_site(l->labels, &match), l->site, ""),
        .acquired = r->acquired,
        .source_file = source,
        .source_sha256 = r->source_sha256,
        .signal_key = r->signal_key,
        .sketch = &r->sketch,
        .quality = r->quality,
        .lead_quality = r->lead_quality,
        .label = label,
        .text = text};
    take_age_and_sex(l, &match, r, e);
    const char *patient = ein_labels_patient(l->labels, &match);
    ein_ingest_count_origin(&l->counts.patient, patient[0] != '\0', r->patient_id[0] != '\0', false,
                            record_id);
    return hide_patient(l, choose(patient, r->patient_id, ""), record_id, e, m->patient[slot]);
}

/* Names of leads that mean nothing to us, of recordings accepted or not. */
static ein_status count_leads(ein_ledger *l, const char *source, const ein_ingest_result *r) {
    char names[sizeof r->unknown_leads], *rest = NULL;
    memcpy(names, r->unknown_leads, sizeof names);
    for (char *p = names; *p; p = rest) {
        rest = strstr(p, ", ");
        if (rest) *rest = '\0';
        rest = rest ? rest + 2 : p + strlen(p);
        EIN_TRY(ein_tally_add(l->counts.unknown_leads, p, source));
    }
    return EIN_OK;
}

static bool is_xml_name(const char *name) {
    size_t n = strlen(name);
    return n > 4 && strcasecmp(name + n - 4, ".xml") == 0;
}

/* A text of fixed room as UTF-8. */
static void make_utf8(char *text, size_t room) {
    char made[EIN_ECG_TEXT_BYTES];
    EIN_BUG_IF(room > sizeof made);
    if (ein_utf8_is(text, strlen(text))) return;
    ein_utf8_make(text, strlen(text), made, room, NULL);
    memcpy(text, made, room);
}

/* The earlier record that is the same recording, or -1. */
static int64_t find_same(const ein_ledger *l, const ein_ingest_result *r) {
    const int64_t equal = ein_map_get(l->signals, r->signal_hash, -1);
    return equal >= 0 ? equal : ein_same_find(l->same, r->signal_key, &r->sketch);
}

/* Room for one more, and its place. */
static ein_status add_twin(ein_ledger *l, const ein_corpus_entry *e) {
    EIN_TRY(EIN_GROW(l->twins, l->twins_room, l->counts.accepted + 1));
    l->twins[l->counts.accepted] =
        (twin){.patient_key = e->patient_key, .has_patient = e->patient[0] != '\0', .next = -1};
    return EIN_OK;
}

/* One recording is of one patient: who has none takes that of the other, whichever came first. */
static void join_twins(ein_ledger *l, int64_t first, ein_corpus_entry *e) {
    const int64_t now = l->counts.accepted;
    twin *a = &l->twins[first], *b = &l->twins[now];
    const char *other = ein_texts_get(&l->record_ids, first);
    if (l->counts.copies++ == 0)
        snprintf(l->counts.first_copy, sizeof l->counts.first_copy, "%.150s is %.150s", e->record_id, other);
    b->next = a->next;
    a->next = now;
    if (!b->has_patient) {
        e->patient_key = b->patient_key = a->patient_key;
        b->has_patient = a->has_patient;
    } else if (!a->has_patient) {
        for (int64_t i = first; i >= 0; i = l->twins[i].next) {
            l->twins[i].changed = l->twins[i].changed || i != now;
            l->twins[i].patient_key = b->patient_key;
            l->twins[i].has_patient = true;
        }
    } else if (a->patient_key != b->patient_key && l->counts.two_patients++ == 0) {
        snprintf(l->counts.first_two_patients, sizeof l->counts.first_two_patients, "%.150s and %.150s",
                 other, e->record_id);
    }
}

/* A record id that tables and terminals take for nothing but a name: without control characters, and without a first
 * character that makes a spreadsheet compute. Says whether it changed. */
static bool make_name(char *id) {
    char before[PATH_MAX];
    snprintf(before, sizeof before, "%s", id);
    ein_make_printable(id, false);
    bool number = id[0] && strspn(id + 1, "0123456789.") == strlen(id + 1); /* -12 is one */
    if (id[0] && strchr("=+-@", id[0]) && !number) id[0] = '_';
    return strcmp(before, id) != 0;
}

/* An accepted recording: refuse its id if it was used, note its signal, make its entry. */
static ein_status admit(ein_ledger *l, const char *path, int64_t slot, ein_ingest_result *r) {
    const char *source = ein_ledger_source(l, path, l->memory.source[slot], sizeof l->memory.source[slot]);
    make_utf8(r->record_id, sizeof r->record_id);
    make_utf8(r->patient_id, sizeof r->patient_id);
    char *record_id = l->memory.id[slot];
    snprintf(record_id, sizeof l->memory.id[slot], "%s", r->record_id);
    if (l->by_path || record_id[0] == '\0') {
        ein_labels_normalise(source, record_id, (int)sizeof l->memory.id[slot]);
        if (record_id[0] == '\0' || is_xml_name(source)) /* x.hea and x.xml may lie side by side */
            snprintf(record_id, sizeof l->memory.id[slot], "%s", source);
    }
    bool renamed = make_name(record_id);
    int64_t first = ein_map_get(l->ids, record_id, -1);
    if (first >= 0) {
        r->cause = EIN_CAUSE_DUPLICATE;
        snprintf(r->reason, sizeof r->reason,
                 "record id '%.120s' was used before by %.150s (ingest.record_id: path tells them apart)",
                 record_id, ein_texts_get(&l->sources, first));
        return EIN_OK;
    }
    const int64_t same = l->memory.same[slot] = find_same(l, r);
    if (same >= 0) r->quality |= EIN_QUALITY_DUPLICATE;
    EIN_TRY(describe(l, path, slot, source, record_id, r));
    EIN_TRY(add_twin(l, &l->memory.entry[slot]));
    if (same >= 0) {
        join_twins(l, same, &l->memory.entry[slot]);
    } else {
        EIN_TRY(ein_map_put(l->signals, r->signal_hash, l->counts.accepted));
        EIN_TRY(ein_same_add(l->same, r->signal_key, &r->sketch, l->counts.accepted));
    }
    EIN_TRY(ein_map_put(l->ids, record_id, l->counts.accepted));
    EIN_TRY(ein_texts_add(&l->sources, source));
    EIN_TRY(ein_texts_add(&l->record_ids, record_id));
    ein_ingest_count_flags(&l->counts, r->quality);
    l->counts.names_made += !ein_utf8_is(path, strlen(path));
    l->counts.renamed += renamed;
    l->counts.accepted++;
    return EIN_OK;
}

ein_status ein_ledger_take(ein_ledger *l, int64_t n, const char *const *paths, ein_ingest_result *results,
                           const ein_corpus_entry **entries, int64_t *n_entries) {
    *n_entries = 0;
    EIN_TRY(reserve(l, n));
    for (int64_t i = 0; i < n; i++) {
        ein_ingest_result *r = &results[i];
        char source[PATH_MAX];
        ein_ledger_source(l, paths[i], source, sizeof source);
        EIN_TRY(count_leads(l, source, r));
        ein_ingest_count_text(&l->counts, source, r);
        if (r->cause == EIN_CAUSE_NONE) EIN_TRY(admit(l, paths[i], *n_entries, r));
        if (r->cause == EIN_CAUSE_NONE)
            (*n_entries)++;
        else
            ein_ingest_count_cause(&l->counts, source, r);
    }
    /* Only now, because the list of ids may move in memory as it grows. */
    for (int64_t i = 0; i < *n_entries; i++)
        if (l->memory.same[i] >= 0)
            l->memory.entry[i].same_as = ein_texts_get(&l->record_ids, l->memory.same[i]);
    *entries = l->memory.entry;
    return EIN_OK;
}

void ein_ledger_correct(const ein_ledger *l, ein_corpus_writer *writer) {
    for (int64_t i = 0; i < l->counts.accepted; i++)
        if (l->twins[i].changed) ein_corpus_set_patient_key(writer, i, l->twins[i].patient_key);
}

void ein_ledger_count_folder(ein_ledger *l) {
    l->counts.causes[EIN_CAUSE_FOLDER]++;
}
