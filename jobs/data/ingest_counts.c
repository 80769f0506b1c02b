#include "jobs/data/ingest_counts.h"

#include <string.h>

#include "jobs/data/ingest_columns.h"

enum { UNKNOWN_LEADS_SHOWN = 10 };

const char *const ein_said_names[EIN_SAID_COUNT] = {"dx", "device", "unknown_leads"};

void ein_ingest_count_origin(ein_ingest_origin *o, bool in_table, bool in_file, bool differ,
                             const char *record_id) {
    o->table += in_table;
    o->file += !in_table && in_file;
    o->unknown += !in_table && !in_file;
    o->compared += in_table && in_file;
    if (!differ) return;
    if (o->differ++ == 0) snprintf(o->first, sizeof o->first, "%s", record_id);
}

void ein_ingest_count_flags(ein_ingest_counts *c, uint32_t quality) {
    for (int bit = 0; bit < EIN_QUALITY_BITS; bit++) c->flags[bit] += quality >> bit & 1;
}

void ein_ingest_count_cause(ein_ingest_counts *c, const char *source, const ein_ingest_result *r) {
    c->causes[r->cause]++;
    if (c->first[r->cause][0] == '\0')
        snprintf(c->first[r->cause], sizeof c->first[0], "%.100s: %.150s", source, r->reason);
}

void ein_ingest_count_text(ein_ingest_counts *c, const char *source, const ein_ingest_result *r) {
    if (r->text_converted + r->text_replaced == 0) return;
    if (c->not_utf8++ == 0) snprintf(c->first_not_utf8, sizeof c->first_not_utf8, "%.255s", source);
    c->text_converted += r->text_converted;
    c->text_replaced += r->text_replaced;
}

int64_t ein_ingest_rejected(const ein_ingest_counts *c) {
    int64_t n = 0;
    for (int i = EIN_CAUSE_NONE + 1; i < EIN_CAUSE_COUNT; i++) n += c->causes[i];
    return n;
}

/* --- summary --------------------------------------------------------------------------------------- */

static void print_labels(const ein_ingest_counts *c, const ein_labels *labels, FILE *stream) {
    if (ein_labels_n_tables(labels) == 0) return;
    fprintf(stream, "labels: %d number and %d text columns; %lld of %lld records have a row\n",
            ein_labels_n_values(labels), ein_labels_n_texts(labels), (long long)c->joined,
            (long long)c->accepted);
    ein_rows_print(labels, stream);
    ein_columns_print(labels, stream);
}

static void print_origin(const char *what, const ein_ingest_origin *o, FILE *stream) {
    if (o->table + o->file == 0) return;
    fprintf(stream, "%s: of %lld records from the tables, of %lld from the files, of %lld not known", what,
            (long long)o->table, (long long)o->file, (long long)o->unknown);
    if (o->differ)
        fprintf(stream, "; tables and files differ in %lld of %lld (first: %s), and the table's counts",
                (long long)o->differ, (long long)o->compared, o->first);
    fputc('\n', stream);
}

static void print_persons(const ein_ingest_counts *c, FILE *stream) {
    print_origin("patient", &c->patient, stream);
    print_origin("age", &c->age, stream);
    print_origin("sex", &c->sex, stream);
    if (c->sex.compared > 1 && 2 * c->sex.differ > c->sex.compared)
        fprintf(
            stream,
            "WARNING: the table's sexes are mostly those that the files deny: are its codes the other way "
            "round (--sex-codes)?\n");
    if (c->patient.unknown == 0) return;
    fprintf(
        stream,
        "WARNING: the patient of %lld of %lld records is not known. Each of them counts as a patient of its own: a\n"
        "         person with several of them may train and test a model. Name the column that says who it is:\n"
        "         --labels TABLE.csv --label-key COLUMN --patient-column COLUMN\n",
        (long long)c->patient.unknown, (long long)c->accepted);
}

static void print_names(const ein_ingest_counts *c, FILE *stream) {
    if (c->names_made)
        fprintf(stream,
                "%lld records have a folder or file name that is not UTF-8; the corpus has it as UTF-8\n",
                (long long)c->names_made);
}

/* What files say of their recordings, and leads that may have been lost by their names. */
static void print_said(const ein_ingest_counts *c, FILE *stream) {
    for (int k = 0; k < EIN_SAID_COUNT; k++) {
        if (!c->said_kept[k])
            fprintf(stream, "text/%s: the label tables' column; what the files say is not kept\n",
                    ein_said_names[k]);
        else if (c->said[k] > 0)
            fprintf(stream, "text/%s: %lld of %lld records\n", ein_said_names[k], (long long)c->said[k],
                    (long long)c->accepted);
    }
    if (c->not_utf8 > 0)
        fprintf(stream,
                "text that is not UTF-8 in %lld files (first: %s): %lld characters converted from Latin-1 or "
                "Windows-1252, %lld replaced\n",
                (long long)c->not_utf8, c->first_not_utf8, (long long)c->text_converted,
                (long long)c->text_replaced);
    if (ein_tally_names(c->unknown_leads) == 0) return;
    fprintf(stream,
            "names of leads that are not known, in recordings accepted or rejected (--lead-names NAME=LEAD "
            "says what they mean):\n");
    ein_tally_print(c->unknown_leads, UNKNOWN_LEADS_SHOWN, stream);
}

static void print_copies(const ein_ingest_counts *c, FILE *stream) {
    if (c->copies)
        fprintf(
            stream,
            "%lld records are the same recording as an earlier one, under another name, in another format or at "
            "another rate (first: %s); see same_as\n",
            (long long)c->copies, c->first_copy);
    if (c->two_patients)
        fprintf(stream, "  WARNING: in %lld of them the two are said to be of two patients (first: %s)\n",
                (long long)c->two_patients, c->first_two_patients);
}

void ein_ingest_counts_print(const ein_ingest_counts *c, const ein_labels *labels, FILE *stream) {
    fprintf(stream, "accepted: %lld records\n", (long long)c->accepted);
    fprintf(stream, "rejected: %lld\n", (long long)ein_ingest_rejected(c));
    for (int i = EIN_CAUSE_NONE + 1; i < EIN_CAUSE_COUNT; i++)
        if (c->causes[i]) fprintf(stream, "  %lld %s\n", (long long)c->causes[i], ein_ingest_cause_text(i));
    bool flagged = false;
    for (int bit = 0; bit < EIN_QUALITY_BITS; bit++) flagged = flagged || c->flags[bit];
    if (flagged) fprintf(stream, "flagged, a record once per kind:\n");
    for (int bit = 0; bit < EIN_QUALITY_BITS; bit++)
        if (c->flags[bit]) fprintf(stream, "  %lld %s\n", (long long)c->flags[bit], ein_quality_name(bit));
    print_names(c, stream);
    print_copies(c, stream);
    if (c->renamed)
        fprintf(stream,
                "renamed: %lld records, whose ids held control characters or began with one of = + - @\n",
                (long long)c->renamed);
    print_labels(c, labels, stream);
    print_said(c, stream);
    print_persons(c, stream);
}

void ein_ingest_top_causes(const ein_ingest_counts *c, char *out, size_t room) {
    bool told[EIN_CAUSE_COUNT] = {false};
    out[0] = '\0';
    for (int rank = 0; rank < 3; rank++) {
        int top = EIN_CAUSE_NONE;
        for (int i = EIN_CAUSE_NONE + 1; i < EIN_CAUSE_COUNT; i++)
            if (!told[i] && c->causes[i] > 0 && (top == EIN_CAUSE_NONE || c->causes[i] > c->causes[top]))
                top = i;
        if (top == EIN_CAUSE_NONE) return;
        told[top] = true;
        size_t used = strlen(out);
        snprintf(out + used, room - used, "%s%lld %s%s%s%s", used ? "; " : "", (long long)c->causes[top],
                 ein_ingest_cause_text(top), c->first[top][0] ? " (first: " : "", c->first[top],
                 c->first[top][0] ? ")" : "");
    }
}
