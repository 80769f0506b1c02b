/* Status codes and error messages shared by every module.
 *
 * Every fallible function returns `ein_status`.  The message that goes with it
 * is kept per thread: `ein_error` sets it, `ein_error_context` puts a frame in
 * front of it, the caller who reports it reads it with `ein_error_message`.
 * A message names what failed, with which file (and line or byte) or value, the
 * likely cause and the next step; it has no trailing newline.
 *
 *     if (n_leads > EIN_MAX_LEADS)
 *         return ein_error(EIN_FORMAT, "%s:%d: %d leads; at most %d are read",
 *                          path, line, n_leads, EIN_MAX_LEADS);
 *
 * Nothing below jobs/ prints, exits or aborts on input.  A broken invariant of
 * our own code is a bug and ends the process through EIN_BUG_IF.
 */
#ifndef EIN_CORE_BASE_STATUS_H
#define EIN_CORE_BASE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    EIN_OK = 0,
    EIN_USAGE,    /* wrong command line or configuration: exit code 2 */
    EIN_NOMEM,    /* an allocation failed */
    EIN_IO,       /* the operating system refused: open, read, write, fsync, rename */
    EIN_FORMAT,   /* a file is not what its format says */
    EIN_CORRUPT,  /* a checksum, length or completeness mark is wrong */
    EIN_MISMATCH, /* two things that must agree do not: shapes, contracts, versions */
    EIN_RANGE,    /* a value lies outside what can be represented or computed */
    EIN_NOTFOUND, /* a named thing does not exist */
    EIN_EXISTS,   /* refusing to overwrite, or to run twice on one folder */
    EIN_COMM,     /* MPI failed or a peer was lost */
    EIN_NUMERIC,  /* non-finite or otherwise impossible numbers */
    EIN_STOPPED,  /* a stop was requested and obeyed; not a failure */
    EIN_OTHER,    /* a file is whole, but of a kind that is not read here */
    EIN_SYSTEM,   /* this machine or a file system is in trouble, which says nothing about the file read */
    EIN_STATUS_COUNT
} ein_status;

#if defined(__GNUC__)
#define EIN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define EIN_MUST_CHECK        __attribute__((warn_unused_result))
#else
#define EIN_PRINTF(fmt, args)
#define EIN_MUST_CHECK
#endif

/* Record a message for this thread and return `status`. Not collective. */
ein_status ein_error(ein_status status, const char *format, ...) EIN_PRINTF(2, 3);

/* Put "text: " in front of the current message, unless it begins so already
 * (whoever failed named the file), and return `status`; with EIN_OK it does
 * nothing.  Not collective. */
ein_status ein_error_context(ein_status status, const char *format, ...) EIN_PRINTF(2, 3);

/* The current thread's message; "" if there is none.  Valid until the next call of ein_error*. */
const char *ein_error_message(void);

/* Replace control characters by '?', so that a name out of a file cannot move a terminal's cursor or pretend to be a
 * line of ours: C0 and DEL, and C1 in UTF-8. Messages of ein_error* have gone through this; they keep '\n' and '\t',
 * which `lines` allows. */
void ein_make_printable(char *text, bool lines);

/* Forget the current thread's message. */
void ein_error_clear(void);

/* An error that is carried over other calls, or from the thread that met it to the one that returns it: messages are
 * kept per thread, and the next error would take this one's place. Zeroed: none. */
enum { EIN_ERROR_BYTES = 2048 };
typedef struct {
    ein_status status;
    int64_t at; /* of ein_error_keep_lowest */
    char message[EIN_ERROR_BYTES];
} ein_kept_error;

/* Keep `status` and the current message, unless there is no error or one is kept already. */
void ein_error_keep(ein_kept_error *kept, ein_status status);

/* The same from any thread of a team: that of the lowest `at` (a record, a replicate) counts, whoever was first. */
void ein_error_keep_lowest(ein_kept_error *kept, int64_t at, ein_status status);

/* Make the message that is kept the current one; returns its status, EIN_OK if there is none. */
ein_status ein_error_kept(const ein_kept_error *kept);

/* A short lower-case word for a status: "ok", "usage", "io", ... */
const char *ein_status_name(ein_status status);

/* The process exit code for a status: 0 done or stopped, 1 failed, 2 wrong use. */
int ein_status_exit_code(ein_status status);

/* Return early with the status of `call` unless it is EIN_OK. */
#define EIN_TRY(call)                                          \
    do {                                                       \
        ein_status ein_try_status_ = (call);                   \
        if (ein_try_status_ != EIN_OK) return ein_try_status_; \
    } while (0)

/* Jump to `label` with `status` set unless `call` is EIN_OK. */
#define EIN_TRY_GOTO(status, call, label)              \
    do {                                               \
        if (((status) = (call)) != EIN_OK) goto label; \
    } while (0)

/* Abort with file and line if an invariant of our own code is broken; never for input. */
#define EIN_BUG_IF(condition)                                   \
    do {                                                        \
        if (condition) ein_bug(__FILE__, __LINE__, #condition); \
    } while (0)
_Noreturn void ein_bug(const char *file, int line, const char *condition);

/* Checked narrowing for MPI counts, BLAS sizes and HDF5 ranks: aborts if `value` does not fit. */
int ein_int(int64_t value);

/* calloc with overflow check on count*size; the message names `what`. `out` is the address of a pointer to any type of
 * object, which is NULL on error; it is a plain void * because a void ** may not alias a pointer of another type.
 * Free with free(). For tests, EINTHOVEN_INJECT_NOMEM=WHAT in the environment makes those named WHAT fail. */
ein_status ein_calloc(void *out, int64_t count, int64_t size, const char *what);
#define EIN_NEW(pointer, count) ein_calloc(&(pointer), (int64_t)(count), (int64_t)sizeof *(pointer), #pointer)

/* Room for `need` items of `size` bytes in an array that grows by doubling. `array` is the address of its pointer, as
 * for ein_calloc, `room` for how many it has room. Items that were there stay, also on EIN_NOMEM, which names `what`;
 * fresh ones hold anything. */
ein_status ein_grow(void *array, int64_t *room, int64_t need, int64_t size, const char *what);
#define EIN_GROW(pointer, room, need) \
    ein_grow(&(pointer), &(room), (int64_t)(need), (int64_t)sizeof *(pointer), #pointer)

#endif
