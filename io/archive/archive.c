#include "io/archive/archive.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/archive/stream.h"
#include "io/base/map.h"

enum {
    MAX_MEMBERS = 4 << 20,
    START_MOST = 1 << 20,
    KEPT_BYTES = 256 << 20,
    KEPT_MEMBERS = 8192,
    MOST_OPEN = 4
};
static const char separator[] = "!/";

/* --- going through one ----------------------------------------------------------------------------------- */

/* What the visit and the list of members have in common: one path per member that is read, and its number. */
typedef struct {
    const char *path;
    ein_map *numbers;                   /* name in the archive -> number of the member, from 0, among all */
    const ein_archive_visitor *visitor; /* may be NULL */
    char name[2 * PATH_MAX];
} pass;

static ein_status tell_problem(const pass *p, const char *path, const char *reason) {
    return p->visitor ? p->visitor->problem(p->visitor->context, path, reason) : EIN_OK;
}

/* Damage is a property of the file, listed with its reason; trouble of this machine is none. */
static ein_status tell_damage(const pass *p, const char *path, ein_status status) {
    char reason[EIN_ERROR_BYTES];
    if (status != EIN_CORRUPT && status != EIN_IO) return status;
    snprintf(reason, sizeof reason, "%s", ein_error_message());
    const size_t n = strlen(path);
    const char *from = strncmp(reason, path, n) == 0 && reason[n] == ':' ? reason + n + 2 : reason;
    ein_error_clear();
    return tell_problem(p, path, from);
}

static ein_status tell_file(const pass *p, ein_archive_stream *stream, const ein_archive_member *m) {
    const ein_archive_visitor *v = p->visitor;
    int64_t wanted = v->wanted(v->context, p->name), n = 0;
    uint8_t *bytes = NULL;
    if (wanted > START_MOST) wanted = START_MOST;
    ein_status status = ein_archive_stream_read(stream, wanted < 1 ? 1 : wanted, &bytes, &n);
    if (status != EIN_OK) return tell_damage(p, p->name, status);
    const ein_content start = {p->name, bytes, (size_t)n};
    status = v->file(v->context, p->name, &start, m->size < 0 && n < wanted ? n : m->size);
    free(bytes);
    return status;
}

static ein_status take_member(pass *p, ein_archive_stream *stream, const ein_archive_member *m,
                              int64_t number) {
    snprintf(p->name, sizeof p->name, "%s%s%s", p->path, separator, m->name);
    if (m->reason) return m->folder ? EIN_OK : tell_problem(p, p->name, m->reason);
    if (m->folder) return EIN_OK;
    if (ein_map_get(p->numbers, m->name, -1) >= 0)
        return tell_problem(p, p->name, "a second member of that name; the first is read");
    EIN_TRY(ein_map_put(p->numbers, m->name, number));
    return p->visitor ? tell_file(p, stream, m) : EIN_OK;
}

static ein_status go_through(pass *p) {
    ein_archive_stream *stream = NULL;
    ein_archive_member m;
    bool end = false;
    ein_status status = ein_archive_stream_open(p->path, &stream);
    for (int64_t i = 0; status == EIN_OK && !end; i++) {
        status = ein_archive_stream_next(stream, &m, &end);
        if (status == EIN_OK && i == MAX_MEMBERS)
            status = ein_error(EIN_CORRUPT, "%s: more than %d members; the others are not read", p->path,
                               MAX_MEMBERS);
        if (status == EIN_OK && !end) status = take_member(p, stream, &m, i);
    }
    ein_archive_stream_close(stream);
    return status == EIN_OK ? EIN_OK : tell_damage(p, p->path, status);
}

ein_status ein_archive_visit(const char *path, const ein_archive_visitor *visitor) {
    pass p = {.path = path, .visitor = visitor};
    EIN_TRY(ein_map_new(&p.numbers));
    const ein_status status = go_through(&p);
    ein_map_destroy(p.numbers);
    return status;
}

/* --- reading members ------------------------------------------------------------------------------------- */

typedef struct {
    int64_t number, n;
    uint8_t *bytes;
} kept;

typedef struct one {
    struct one *next;
    char *path;
    int readers;          /* with the lock of the list held: how many are in it now */
    pthread_mutex_t lock; /* of what follows */
    bool listed;
    ein_map *numbers;
    ein_archive_stream *stream; /* NULL: not begun */
    int64_t at;                 /* the number of the member that comes next */
    kept kept[KEPT_MEMBERS];    /* a ring of what went by last */
    int64_t first, n_kept, kept_bytes;
} one;

struct ein_archives {
    ein_store store;
    pthread_mutex_t lock; /* of the list */
    one *list;            /* what was asked for last comes first */
};

size_t ein_archive_part(const char *path) {
    char name[PATH_MAX];
    struct stat info;
    for (const char *p = path; (p = strstr(p, separator)) != NULL; p++) {
        const size_t n = (size_t)(p - path);
        if (n == 0 || n >= sizeof name) return 0;
        memcpy(name, path, n);
        name[n] = '\0';
        if (stat(name, &info) == 0 && S_ISREG(info.st_mode)) return n;
    }
    return 0;
}

bool ein_archive_of(const char *path, char out[PATH_MAX]) {
    size_t n = ein_archive_part(path);
    const char *mark = n > 0 ? NULL : strstr(path, separator);
    if (mark && access(path, F_OK) != 0) n = (size_t)(mark - path);
    snprintf(out, PATH_MAX, "%.*s", (int)(n ? n : strlen(path)), path);
    return n > 0;
}

static void drop_oldest(one *o) {
    kept *k = &o->kept[o->first];
    o->kept_bytes -= k->n;
    free(k->bytes);
    *k = (kept){0};
    o->first = (o->first + 1) % KEPT_MEMBERS;
    o->n_kept--;
}

static void destroy_one(one *o) {
    while (o->n_kept > 0) drop_oldest(o);
    ein_archive_stream_close(o->stream);
    ein_map_destroy(o->numbers);
    pthread_mutex_destroy(&o->lock);
    free(o->path);
    free(o);
}

/* Those beyond the first few that nobody reads: a folder of a million compressed files is read in little memory. */
static void close_others(ein_archives *a) {
    int open = 0;
    for (one **at = &a->list; *at;) {
        one *o = *at;
        if (++open <= MOST_OPEN || o->readers > 0) {
            at = &o->next;
        } else {
            *at = o->next;
            destroy_one(o);
        }
    }
}

static ein_status new_one(const char *path, size_t n, one **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    (*out)->path = strndup(path, n);
    if (!(*out)->path) {
        free(*out);
        return ein_error(EIN_NOMEM, "no memory");
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    return EIN_OK;
}

/* The one of that path, made if there is none, to be left by leave_one(); the member's name in `*name`. */
static ein_status enter_one(ein_archives *a, const char *path, one **out, const char **name) {
    const size_t n = ein_archive_part(path);
    one **at = &a->list, *found = NULL;
    *name = path + n + sizeof separator - 1;
    if (n == 0) return ein_error(EIN_NOTFOUND, "%s: No such file or directory", path);
    ein_status status = EIN_OK;
    pthread_mutex_lock(&a->lock);
    while (*at && !(strncmp((*at)->path, path, n) == 0 && (*at)->path[n] == '\0')) at = &(*at)->next;
    if (*at) {
        found = *at;
        *at = found->next;
    } else {
        status = new_one(path, n, &found);
    }
    if (status == EIN_OK) {
        found->next = a->list;
        a->list = *out = found;
        found->readers++;
        close_others(a);
    }
    pthread_mutex_unlock(&a->lock);
    return status;
}

static void leave_one(ein_archives *a, one *o) {
    pthread_mutex_lock(&a->lock);
    o->readers--;
    pthread_mutex_unlock(&a->lock);
}

static ein_status list_members(one *o) {
    if (o->listed) return EIN_OK;
    ein_map_destroy(o->numbers);
    o->numbers = NULL;
    EIN_TRY(ein_map_new(&o->numbers));
    pass p = {.path = o->path, .numbers = o->numbers};
    EIN_TRY(go_through(&p));
    o->listed = true;
    return EIN_OK;
}

static void keep(one *o, int64_t number, uint8_t *bytes, int64_t n) {
    while (o->n_kept == KEPT_MEMBERS || (o->n_kept > 0 && o->kept_bytes + n > KEPT_BYTES)) drop_oldest(o);
    o->kept[(o->first + o->n_kept++) % KEPT_MEMBERS] = (kept){number, n, bytes};
    o->kept_bytes += n;
}

static const kept *find_kept(const one *o, int64_t number) {
    for (int64_t i = o->n_kept - 1; i >= 0; i--) {
        const kept *k = &o->kept[(o->first + i) % KEPT_MEMBERS];
        if (k->number == number) return k;
    }
    return NULL;
}

static ein_status begin_again(one *o) {
    ein_archive_stream_close(o->stream);
    o->stream = NULL;
    o->at = 0;
    return ein_archive_stream_open(o->path, &o->stream);
}

/* Go forward to the member; `keeping` the files that lie shortly before it. */
static ein_status go_to(one *o, int64_t number, bool keeping) {
    ein_archive_member m;
    bool end = false;
    if (!o->stream || o->at > number) EIN_TRY(begin_again(o));
    while (o->at <= number) {
        uint8_t *bytes = NULL;
        int64_t n = 0;
        EIN_TRY(ein_archive_stream_next(o->stream, &m, &end));
        if (end) return ein_error(EIN_CORRUPT, "%s: became shorter while it was read", o->path);
        const int64_t here = o->at++;
        if (m.reason || m.folder || find_kept(o, here)) continue;
        if (here < number && (!keeping || number - here >= KEPT_MEMBERS)) continue;
        const ein_status status = ein_archive_stream_read(o->stream, 0, &bytes, &n);
        if (status != EIN_OK) return status;
        keep(o, here, bytes, n);
    }
    return EIN_OK;
}

/* Damage of what lies before it is not the member's: it is then gone to without a look at those. */
static ein_status advance(one *o, int64_t number) {
    const ein_status status = go_to(o, number, true);
    if (status != EIN_CORRUPT) return status;
    EIN_TRY(begin_again(o));
    return go_to(o, number, false);
}

static ein_status copy_of(const kept *k, uint8_t **bytes, int64_t *n) {
    *bytes = malloc((size_t)k->n + 1);
    if (!*bytes) return ein_error(EIN_NOMEM, "no memory for %lld bytes", (long long)k->n);
    memcpy(*bytes, k->bytes, (size_t)k->n + 1);
    *n = k->n;
    return EIN_OK;
}

static ein_status take_locked(one *o, const char *path, const char *name, uint8_t **bytes, int64_t *n) {
    EIN_TRY(list_members(o));
    const int64_t number = ein_map_get(o->numbers, name, -1);
    if (number < 0) return ein_error(EIN_NOTFOUND, "%s: No such file or directory", path);
    if (!find_kept(o, number)) {
        const ein_status status = advance(o, number);
        if (status != EIN_OK) { /* what comes after an error is not known */
            ein_archive_stream_close(o->stream);
            o->stream = NULL;
            return status;
        }
    }
    const kept *k = find_kept(o, number);
    return k ? copy_of(k, bytes, n) : ein_error(EIN_CORRUPT, "%s: is no file now", path);
}

static ein_status take(void *store, const char *path, uint8_t **bytes, int64_t *n) {
    one *o;
    const char *name;
    EIN_TRY(enter_one(store, path, &o, &name));
    pthread_mutex_lock(&o->lock);
    const ein_status status = take_locked(o, path, name, bytes, n);
    pthread_mutex_unlock(&o->lock);
    leave_one(store, o);
    return status;
}

static bool has(void *store, const char *path) {
    one *o;
    const char *name;
    bool there = false;
    if (enter_one(store, path, &o, &name) == EIN_OK) {
        pthread_mutex_lock(&o->lock);
        there = list_members(o) != EIN_OK || ein_map_get(o->numbers, name, -1) >= 0;
        pthread_mutex_unlock(&o->lock);
        leave_one(store, o);
    }
    ein_error_clear();
    return there;
}

static bool holds(void *store, const char *path) {
    (void)store;
    return ein_archive_part(path) > 0;
}

ein_status ein_archives_new(ein_archives **out) {
    EIN_TRY(EIN_NEW(*out, 1));
    (*out)->store = (ein_store){holds, has, take, *out};
    pthread_mutex_init(&(*out)->lock, NULL);
    return EIN_OK;
}

void ein_archives_destroy(ein_archives *a) {
    while (a && a->list) {
        one *o = a->list;
        a->list = o->next;
        destroy_one(o);
    }
    if (a) pthread_mutex_destroy(&a->lock);
    free(a);
}

const ein_store *ein_archives_store(ein_archives *a) {
    return &a->store;
}
