#include "jobs/score/inputs.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/base/trouble.h"
#include "io/base/utf8.h"
#include "io/corpus/corpus.h"
#include "mpi/comm.h"

ein_status ein_score_sources_add(ein_score_sources *s, const char *path, int64_t count) {
    EIN_TRY(ein_error_context(EIN_GROW(s->count, s->room, s->path.n + 1), "the list of inputs"));
    s->count[s->path.n] = count;
    return ein_texts_add(&s->path, path);
}

void ein_score_sources_free(ein_score_sources *s) {
    ein_texts_free(&s->path);
    free(s->count);
    *s = (ein_score_sources){0};
}

/* --- roots ----------------------------------------------------------------------------------------------- */

/* The real path of `name`; where it is not there itself, as "x/100" for "x/100.hea", the real folder and the name. */
static ein_status make_real(const char *name, char out[PATH_MAX]) {
    char folder[PATH_MAX], real[PATH_MAX];
    size_t n = strlen(name);
    if (n == 0 || n >= sizeof folder)
        return ein_error(EIN_IO, "'%.80s': the name is %s", name, n ? "too long" : "empty");
    if (realpath(name, out)) return EIN_OK;
    if (errno != ENOENT) return ein_error(ein_trouble_status(errno), "%s: %s", name, strerror(errno));
    memcpy(folder, name, n + 1);
    char *slash = strrchr(folder, '/');
    const char *last = slash ? name + (slash - folder) + 1 : name;
    if (slash) *(slash == folder ? slash + 1 : slash) = '\0';
    if (!realpath(slash ? folder : ".", real))
        return ein_error(EIN_NOTFOUND, "%s: %s", name, strerror(errno));
    if ((size_t)snprintf(out, PATH_MAX, "%s/%s", strcmp(real, "/") == 0 ? "" : real, last) >= PATH_MAX)
        return ein_error(EIN_IO, "%s: the name is too long", name);
    return EIN_OK;
}

/* Whether it, or a header of its name, is there. */
static bool is_there(const char *path) {
    static const char *const ends[] = {"", ".hea", ".HEA"};
    char name[PATH_MAX + 8];
    struct stat info;
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        snprintf(name, sizeof name, "%s%s", path, ends[i]);
        if (stat(name, &info) == 0 || errno != ENOENT) return true;
    }
    return false;
}

static ein_status add_operand(ein_score_inputs *in, const char *name) {
    char path[PATH_MAX];
    EIN_TRY(make_real(name, path));
    if (!is_there(path)) return ein_error(EIN_NOTFOUND, "%s: no such file or folder", name);
    return ein_texts_add(&in->roots, path);
}

static ein_status add_line(ein_score_inputs *in, const char *folder, const char *line) {
    char name[2 * PATH_MAX], path[PATH_MAX];
    snprintf(name, sizeof name, "%s%s%s", line[0] == '/' ? "" : folder,
             line[0] == '/' || !folder[0] ? "" : "/", line);
    const ein_status status = make_real(name, path);
    if (status == EIN_OK) return ein_texts_add(&in->roots, path);
    if (ein_trouble_is(status)) return status;
    return ein_texts_add(&in->roots, name); /* the walk says what is wrong with it */
}

static ein_status read_list(ein_score_inputs *in, const char *list) {
    const bool standard = strcmp(list, "-") == 0;
    FILE *f = standard ? stdin : fopen(list, "re");
    char *line = NULL, folder[PATH_MAX] = "", real[PATH_MAX];
    size_t room = 0;
    ssize_t n;
    if (!f) return ein_error(ein_trouble_status(errno), "%s: %s", list, strerror(errno));
    if (!standard && realpath(list, real))
        snprintf(folder, sizeof folder, "%.*s", (int)(strrchr(real, '/') - real), real);
    ein_status status = EIN_OK;
    while (status == EIN_OK && (n = getline(&line, &room, f)) >= 0) {
        while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) line[--n] = '\0';
        if (n > 0 && strlen(line) == (size_t)n) status = add_line(in, folder, line);
    }
    if (status == EIN_OK && ferror(f)) status = ein_error(EIN_SYSTEM, "%s: %s", list, strerror(errno));
    free(line);
    if (!standard) fclose(f);
    return status;
}

ein_status ein_score_inputs_roots(const char *const *operands, int n_operands, const char *const *lists,
                                  int n_lists, ein_score_inputs *out) {
    ein_status status = EIN_OK;
    memset(out, 0, sizeof *out);
    for (int i = 0; i < n_operands && status == EIN_OK; i++)
        if (strcmp(operands[i], "-") != 0) status = add_operand(out, operands[i]);
    out->named = out->roots.n;
    for (int i = 0; i < n_operands && status == EIN_OK; i++)
        if (strcmp(operands[i], "-") == 0) status = read_list(out, "-");
    for (int i = 0; i < n_lists && status == EIN_OK; i++) status = read_list(out, lists[i]);
    if (status == EIN_OK && out->roots.n == 0)
        status = ein_error(EIN_USAGE,
                           "nothing to score is named: einthoven score FOLDER... --model FILE --out FOLDER");
    if (status != EIN_OK) ein_score_inputs_free(out);
    return status;
}

/* --- finding --------------------------------------------------------------------------------------------- */

static bool is_corpus_name(const char *path) {
    const char *dot = strrchr(path, '.');
    struct stat info;
    return dot && strcasecmp(dot, ".h5") == 0 && stat(path, &info) == 0 && S_ISREG(info.st_mode);
}

static int by_path(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Records of a corpus that was named. */
static ein_status add_corpus(ein_score_inputs *in, const char *path) {
    ein_corpus *corpus = NULL;
    EIN_TRY(ein_corpus_open_alone(path, &corpus));
    const int64_t n = ein_corpus_records(corpus);
    ein_corpus_close(corpus);
    in->inputs += n;
    return ein_score_sources_add(&in->sources, path, n);
}

/* Files of the walk and corpora, both ascending, become one list. */
static ein_status merge_sources(ein_score_inputs *in, const char *const *corpus, int n_corpora) {
    int c = 0;
    for (int64_t i = 0; i < in->found.count || c < n_corpora;) {
        const int order = c == n_corpora         ? -1
                          : i == in->found.count ? 1
                                                 : strcmp(in->found.path[i], corpus[c]);
        if (order < 0) {
            EIN_TRY(ein_score_sources_add(&in->sources, in->found.path[i++], 0));
            in->inputs++;
        } else {
            if (c == 0 || strcmp(corpus[c - 1], corpus[c]) != 0) EIN_TRY(add_corpus(in, corpus[c]));
            c++;
            i += order == 0; /* a corpus within a folder that was named is no recording */
        }
    }
    return EIN_OK;
}

/* What was named on the command line was there a moment ago: if it is not, a file system went away. */
static ein_status check_named(const ein_score_inputs *in) {
    for (int64_t i = 0; i < in->named; i++) {
        const char *path = ein_texts_get(&in->roots, i);
        if (!is_there(path)) return ein_error(EIN_SYSTEM, "%s: is gone while it was looked through", path);
    }
    return EIN_OK;
}

ein_status ein_score_inputs_find(ein_score_inputs *in, bool follow_links, const ein_store *store) {
    const char **root = NULL, **corpus = NULL;
    int n_roots = 0, n_corpora = 0;
    ein_links *links = NULL;
    ein_status status = EIN_NEW(root, in->roots.n);
    if (status == EIN_OK) status = EIN_NEW(corpus, in->roots.n);
    for (int64_t i = 0; status == EIN_OK && i < in->roots.n; i++) {
        const char *path = ein_texts_get(&in->roots, i);
        if (is_corpus_name(path))
            corpus[n_corpora++] = path;
        else
            root[n_roots++] = path;
    }
    if (status == EIN_OK) qsort(corpus, (size_t)n_corpora, sizeof *corpus, by_path);
    if (status == EIN_OK) status = ein_links_new(root, n_roots, follow_links, &links);
    if (status == EIN_OK)
        status = ein_reader_find_in(root, n_roots, &(ein_place){.links = links, .store = store}, &in->found);
    if (status == EIN_OK && in->found.count > 0) /* archives have an order of their own */
        qsort(in->found.path, (size_t)in->found.count, sizeof *in->found.path, by_path);
    if (status == EIN_OK) status = check_named(in);
    if (status == EIN_OK) status = merge_sources(in, corpus, n_corpora);
    ein_links_destroy(links);
    free(root);
    free(corpus);
    return status;
}

void ein_score_inputs_free(ein_score_inputs *in) {
    ein_score_sources_free(&in->sources);
    ein_texts_free(&in->roots);
    ein_reader_list_free(&in->found);
    *in = (ein_score_inputs){0};
}
