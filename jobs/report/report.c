/* einthoven report: a study or an evaluation as one page that can be read anywhere. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/base/durable.h"
#include "io/base/outputs.h"
#include "jobs/cli/command.h"
#include "jobs/report/report.h"

static const ein_option options[] = {
    {"report.out", EIN_OPT_STRING, NULL, EIN_UNBOUNDED, NULL, "",
     "the page; unset: report.html in the folder. Tables and figures go into a folder of the same name beside it"},
    {"report.records", EIN_OPT_INT, "-1", -1, EIN_REPORT_SHEETS, NULL, "records",
     "ECGs drawn into the page with their reconstruction, without id; -1: 2 if all cohorts are synthetic, else none"},
    {0},
};
static const ein_option *const tables[] = {options, NULL};
static const ein_flag flags[] = {
    {"--out", "PAGE.html", "report.out"}, {"--records", "N", "report.records"}, {0}};

/* What a folder of tables and figures holds first; nothing is touched in one that does not. */
#define MARK "Tables and figures of a page of einthoven report; made anew with the page.\n"

static bool is_ours(const char *folder) {
    char *text = ein_report_file(folder, "README.txt");
    const bool ours = text && strcmp(text, MARK) == 0;
    free(text);
    return ours;
}

/* Remove what an earlier report left, so that no figure is older than the page. */
static ein_status empty_folder(const char *folder, bool ours) {
    DIR *dir = opendir(folder);
    ein_status status = EIN_OK;
    if (!dir) return ein_error(EIN_IO, "%s: %s", folder, strerror(errno));
    for (const struct dirent *e; status == EIN_OK && (e = readdir(dir)) != NULL;) {
        const char *dot = strrchr(e->d_name, '.');
        char *path;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (!ours)
            status = ein_error(
                EIN_EXISTS,
                "%s holds other files (%s), and tables and figures would go there: give the page another "
                "name with --out",
                folder, e->d_name);
        else if (dot && (strcmp(dot, ".svg") == 0 || strcmp(dot, ".csv") == 0)) {
            if (asprintf(&path, "%s/%s", folder, e->d_name) < 0) {
                status = ein_error(EIN_NOMEM, "no memory for a name");
                break;
            }
            status = ein_file_remove(path);
            free(path);
        }
    }
    closedir(dir);
    return status;
}

static ein_status claim_folder(const char *folder) {
    char *path;
    EIN_TRY(ein_make_folders(folder));
    EIN_TRY(empty_folder(folder, is_ours(folder)));
    if (asprintf(&path, "%s/README.txt", folder) < 0) return ein_error(EIN_NOMEM, "no memory for a name");
    const ein_status status = ein_durable_write(path, MARK, strlen(MARK));
    free(path);
    return status;
}

/* The page's path, and the folder of its tables and figures: the path without .html. */
static ein_status name_files(ein_report *r, const char *out, char **path) {
    if ((out ? asprintf(path, "%s", out) : asprintf(path, "%s/report.html", r->folder)) < 0) {
        *path = NULL;
        return ein_error(EIN_NOMEM, "no memory for a name");
    }
    const size_t n = strlen(*path);
    if (n < 6 || strcmp(*path + n - 5, ".html") != 0 || (*path)[n - 6] == '/')
        return ein_error(EIN_USAGE, "%s: the name of a page ends in .html", *path);
    r->page.folder = strndup(*path, n - 5);
    if (!r->page.folder) return ein_error(EIN_NOMEM, "no memory for a name");
    const char *slash = strrchr(r->page.folder, '/');
    r->page.link = slash ? slash + 1 : r->page.folder;
    return claim_folder(r->page.folder);
}

static void write_sections(ein_report *r) {
    ein_report_summary(r);
    ein_report_results(r);
    ein_report_differences(r);
    ein_report_data(r);
    ein_report_pretraining(r);
    ein_report_cells(r);
    ein_report_runs(r);
    ein_report_limitations(r);
    ein_report_reproduce(r);
    ein_report_checklist(r);
}

static ein_status write_report(ein_report *r, const char *out) {
    char *path = NULL, program[64];
    const char *title = r->study && r->study->title ? r->study->title : "Evaluation";
    ein_outputs *files = NULL;
    snprintf(program, sizeof program, "einthoven %s", ein_version());
    ein_status status = name_files(r, out, &path);
    const char *const one = path;
    if (status == EIN_OK) status = ein_outputs_begin(&one, 1, NULL, true, &files);
    if (status == EIN_OK) {
        write_sections(r);
        status = ein_page_write(&r->page, path, title, program);
        if (status == EIN_OK) status = ein_outputs_publish(files);
        ein_outputs_end(files);
    }
    if (status == EIN_OK) printf("%s\n", path);
    free(path);
    return status;
}

static void free_report(ein_report *r) {
    ein_page_free(&r->page);
    for (int e = 0; e < r->n_evaluations; e++) {
        free(r->evaluation[e].folder);
        free(r->evaluation[e].damaged);
        json_decref(r->evaluation[e].metrics);
    }
    for (int c = 0; c < r->n_corpora; c++) {
        free(r->corpus[c].why);
        json_decref(r->corpus[c].labels);
        json_decref(r->corpus[c].reasons);
        json_decref(r->corpus[c].flags);
    }
    for (int i = 0; i < r->n_sheets; i++) ein_picture_free(r->sheet[i]);
    free(r->evaluation);
    free(r->row);
    free(r->corpus);
    ein_csv_close(r->table);
    ein_study_plan_free(r->plan);
    ein_study_free(r->study);
}

/* An ECG is a person's: drawn unasked only where nobody exists. */
static int records_to_draw(const ein_report *r, int asked) {
    bool synthetic = r->study != NULL;
    for (int c = 0; r->study && c < r->study->n_cohorts; c++)
        synthetic = synthetic && r->study->cohort[c].synthetic;
    return asked >= 0 ? asked : synthetic ? 2 : 0;
}

static ein_status run(ein_job *job) {
    ein_report r = {.comm = job->comm};
    char *folder = strdup(job->operands[0]);
    EIN_TRY(ein_comm_agree(job->comm, folder ? EIN_OK : ein_error(EIN_NOMEM, "no memory for a name")));
    for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--) folder[n - 1] = '\0';
    r.folder = folder;
    ein_status status = ein_report_gather(&r);
    r.records = records_to_draw(&r, (int)ein_config_int(job->config, "report.records"));
    if (status == EIN_OK) status = ein_report_count_corpora(&r);
    if (status == EIN_OK)
        status =
            ein_comm_share(job->comm, ein_comm_rank(job->comm) == 0
                                          ? write_report(&r, ein_config_string(job->config, "report.out"))
                                          : EIN_OK);
    free_report(&r);
    free(folder);
    return status;
}

const ein_command ein_command_report = {
    .name = "report",
    .summary = "a study or an evaluation -> one page to read, print and send",
    .operands = "FOLDER",
    .description =
        "FOLDER is that of a study or of one evaluation. The page needs no network and allows none: results\n"
        "with intervals, differences between arms, who was studied, curves of every task and cohort, runs,\n"
        "limitations, commands, TRIPOD+AI. Every table is also a CSV file and every figure an SVG file, in a\n"
        "folder beside the page. Counts of people below the evaluation's minimum are not shown.\n\n"
        "    einthoven report results/demo --out report.html",
    .tables = tables,
    .flags = flags,
    .min_operands = 1,
    .max_operands = 1,
    .run = run,
};
