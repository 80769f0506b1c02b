/* Noise on what is sent, after every rule has been applied to exact counts. */
#include <sodium.h>

#include "core/stats/noise.h"
#include "jobs/sites/build.h"

static uint64_t next_word(void *state) {
    uint64_t word;
    (void)state;
    randombytes_buf(&word, sizeof word);
    return word;
}

bool ein_site_is_noisy(const ein_site_build *b) {
    return b->noise.thousandths > 0;
}

void ein_site_add_noise(const ein_site_build *b, int64_t *count, int n) {
    const ein_noise_source source = {next_word, NULL};
    int64_t numerator, denominator;
    if (!ein_site_is_noisy(b)) return;
    ein_plan_noise_rate(&numerator, &denominator, b->plan, b->noise);
    for (int i = 0; i < n; i++) {
        count[i] += ein_noise_draw(numerator, denominator, &source);
        if (count[i] < 0) count[i] = 0;
    }
}
