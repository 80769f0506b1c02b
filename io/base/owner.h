/* Owners: the process that a file names as the one who has something, and whether it still lives.
 *
 * "key: value" lines (host, pid, begun, job, restart, start). A process is told from a later one of the same number by
 * when it began. Nothing here is collective.
 */
#ifndef EIN_IO_BASE_OWNER_H
#define EIN_IO_BASE_OWNER_H

enum { EIN_OWNER_TEXT_BYTES = 4096 };

typedef struct {
    char host[256]; /* empty: nobody */
    char job[64];   /* of Slurm, or "none" */
    char start[64]; /* UTC */
    long pid, restart;
    unsigned long long
        begun; /* start of the process in ticks since boot, so that a pid used again is told; 0: not said */
} ein_owner;

typedef enum {
    EIN_OWNER_NOBODY,
    EIN_OWNER_DEAD, /* of this host and gone, or an earlier life of this Slurm job */
    EIN_OWNER_ALIVE,
    EIN_OWNER_ELSEWHERE /* of another host: cannot be told from here */
} ein_owner_state;

/* This process. */
ein_owner ein_owner_self(void);

/* The lines of an owner; returns their length. And what a file says, "" and 0 where it says nothing. */
int ein_owner_text(const ein_owner *who, char text[EIN_OWNER_TEXT_BYTES]);
ein_owner ein_owner_read(int fd);

/* Whether the owner that a file names lives, as far as that can be told without a lock. */
ein_owner_state ein_owner_judge(const ein_owner *who);

#endif
