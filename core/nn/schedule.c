#include "core/nn/schedule.h"

#include "core/base/elementary.h"

double ein_schedule_lr(const ein_schedule *s, int64_t t) {
    if (t < s->warmup) return s->warmup_lr + (double)t * (s->lr - s->warmup_lr) / (double)s->warmup;
    if (t >= s->total) return 0.0;
    const double pi = 3.14159265358979323846;
    return 0.5 * s->lr * (1.0 + ein_cos(pi * ein_power((double)t / (double)s->total, s->k)));
}
