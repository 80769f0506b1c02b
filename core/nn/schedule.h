/* Learning rate per update: linear warm-up, then k-decay cosine (Zhang and Li 2020; timm's
 * CosineLRScheduler). */
#ifndef EIN_CORE_NN_SCHEDULE_H
#define EIN_CORE_NN_SCHEDULE_H

#include <stdint.h>

typedef struct {
    double lr;        /* peak */
    double warmup_lr; /* at update 0 of the warm-up */
    int64_t warmup;   /* updates of the warm-up */
    int64_t total;    /* updates of the whole run, T */
    double k;         /* exponent of t / T; 1: plain cosine */
} ein_schedule;

/* Rate of update t (from 0): warmup_lr + t (lr - warmup_lr) / warmup while t < warmup, then
 * lr / 2 (1 + cos(pi (t / T)^k)); 0 from T on. */
double ein_schedule_lr(const ein_schedule *schedule, int64_t t);

#endif
