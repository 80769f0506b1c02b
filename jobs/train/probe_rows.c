#include "jobs/train/probe_rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/trouble.h"
#include "io/formats/csv.h"
#include "jobs/train/probe_sums.h"

static const char *const columns[] = {"epoch", "step", "task", "measure", "value", "estimated", "targets"};
enum { N_COLUMNS = 7 };

static ein_status path_of(const ein_run *run, const char *name, char *out, size_t room) {
    if (snprintf(out, room, "%s/%s", ein_run_folder(run), name) >= (int)room)
        return ein_error(EIN_RANGE, "the name of the run folder is too long for %s", name);
    return EIN_OK;
}

ein_status ein_probe_rows_add(ein_probe_rows *p, const ein_probe_row *row) {
    EIN_TRY(EIN_GROW(p->row, p->room, p->n + 1));
    p->row[p->n++] = *row;
    return EIN_OK;
}

void ein_probe_rows_drop(ein_probe_rows *p, int64_t step) {
    int64_t kept = 0;
    for (int64_t i = 0; i < p->n; i++)
        if (p->row[i].step < step) p->row[kept++] = p->row[i];
    p->n = kept;
}

ein_status ein_probe_rows_write(const ein_probe_rows *p, const ein_run *run) {
    char path[4200], sums[4200];
    ein_csv_writer *csv;
    EIN_TRY(path_of(run, "probe.csv", path, sizeof path));
    EIN_TRY(path_of(run, "probe.sums", sums, sizeof sums));
    EIN_TRY(ein_csv_create(path, columns, N_COLUMNS, &csv));
    for (int64_t i = 0; i < p->n; i++) {
        const ein_probe_row *r = &p->row[i];
        ein_csv_put_int(csv, r->epoch);
        ein_csv_put_int(csv, r->step);
        ein_csv_put(csv, r->task);
        ein_csv_put(csv, r->measure);
        ein_csv_put_real(csv, r->value);
        ein_csv_put_int(csv, r->estimated);
        ein_csv_put_int(csv, r->targets);
        ein_csv_end_row(csv);
    }
    EIN_TRY(ein_csv_finish(csv, true));
    return ein_probe_sums_write(path, sums);
}

static ein_status cell_int(const ein_csv *csv, int64_t row, int column, int64_t *out) {
    const char *text = ein_csv_cell(csv, row, column);
    char *end;
    const long long value = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 0)
        return ein_error(EIN_FORMAT, "line %" PRId64 ": %s '%.40s' is no count", ein_csv_line(csv, row),
                         columns[column], text);
    *out = value;
    return EIN_OK;
}

static ein_status cell_text(const ein_csv *csv, int64_t row, int column, char *out, size_t room) {
    const char *text = ein_csv_cell(csv, row, column);
    if (strlen(text) >= room)
        return ein_error(EIN_FORMAT, "line %" PRId64 ": %s is too long", ein_csv_line(csv, row),
                         columns[column]);
    memcpy(out, text, strlen(text) + 1);
    return EIN_OK;
}

static ein_status parse_row(const ein_csv *csv, int64_t i, ein_probe_row *out) {
    EIN_TRY(cell_int(csv, i, 0, &out->epoch));
    EIN_TRY(cell_int(csv, i, 1, &out->step));
    EIN_TRY(cell_text(csv, i, 2, out->task, sizeof out->task));
    EIN_TRY(cell_text(csv, i, 3, out->measure, sizeof out->measure));
    const char *value = ein_csv_cell(csv, i, 4);
    char *end;
    out->value = *value ? strtod(value, &end) : NAN;
    if (*value && (*end || !isfinite(out->value)))
        return ein_error(EIN_FORMAT, "line %" PRId64 ": value '%.40s' is no number", ein_csv_line(csv, i),
                         value);
    EIN_TRY(cell_int(csv, i, 5, &out->estimated));
    return cell_int(csv, i, 6, &out->targets);
}

static ein_status parse_rows(ein_probe_rows *p, const ein_csv *csv) {
    if (ein_csv_problems(csv) > 0) return ein_error(EIN_FORMAT, "%s", ein_csv_problem(csv, 0));
    bool fits = ein_csv_columns(csv) == N_COLUMNS;
    for (int c = 0; fits && c < N_COLUMNS; c++) fits = strcmp(ein_csv_column_name(csv, c), columns[c]) == 0;
    if (!fits) return ein_error(EIN_FORMAT, "its columns are not those of a probe");
    for (int64_t i = 0; i < ein_csv_rows(csv); i++) {
        ein_probe_row row;
        EIN_TRY(parse_row(csv, i, &row));
        EIN_TRY(ein_probe_rows_add(p, &row));
    }
    return EIN_OK;
}

static ein_status read_table(ein_probe_rows *p, const char *path) {
    ein_csv *csv = NULL;
    const ein_status found = ein_run_check_file(path); /* a pipe would be waited for */
    if (found == EIN_NOTFOUND) return EIN_OK;
    EIN_TRY(found);
    ein_status status = ein_csv_open(path, &csv);
    if (status == EIN_OK) status = parse_rows(p, csv);
    ein_csv_close(csv);
    return status;
}

ein_status ein_probe_rows_read(ein_probe_rows *p, ein_run *run, int64_t step) {
    static const char *const damaged[] = {"probe.csv", "probe.sums", NULL};
    char path[4200], sums[4200];
    EIN_TRY(path_of(run, "probe.csv", path, sizeof path));
    EIN_TRY(path_of(run, "probe.sums", sums, sizeof sums));
    ein_status status = read_table(p, path);
    if (status == EIN_OK) status = ein_probe_sums_check(path, sums, step);
    if (status == EIN_OK || status == EIN_IO || ein_trouble_is(status)) return status;
    ein_run_warn(run, "%s IS BEGUN ANEW, it is not as it was written: %s", path, ein_error_message());
    p->n = 0;
    return ein_run_set_aside(run, damaged);
}
