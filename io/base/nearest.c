#include "io/base/nearest.h"

#include <ctype.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { MAX_WORD = 63 };

static int lesser(int a, int b) {
    return a < b ? a : b;
}

int ein_edit_distance(const char *a, const char *b) {
    size_t na = strlen(a), nb = strlen(b);
    if (na > MAX_WORD || nb > MAX_WORD) return INT_MAX;
    int row[3][MAX_WORD + 1]; /* the rows i - 2, i - 1 and i of the usual table */
    int *before = row[0], *last = row[1], *now = row[2];
    for (size_t j = 0; j <= nb; j++) last[j] = (int)j;
    for (size_t i = 1; i <= na; i++) {
        now[0] = (int)i;
        for (size_t j = 1; j <= nb; j++) {
            int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
            now[j] = lesser(lesser(last[j] + 1, now[j - 1] + 1), last[j - 1] + (ca != cb));
            if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
                tolower((unsigned char)a[i - 2]) == cb)
                now[j] = lesser(now[j], before[j - 2] + 1);
        }
        int *oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[nb];
}

const char *ein_nearest(const char *word, const char *const *candidates, int n_candidates) {
    const char *best = NULL;
    int best_distance = 2 + (int)(strlen(word) / 4);
    for (int i = 0; i < n_candidates; i++) {
        int distance = ein_edit_distance(word, candidates[i]);
        if (distance < best_distance) {
            best_distance = distance;
            best = candidates[i];
        }
    }
    return best;
}

bool ein_is_one_of(const char *word, const char *const *words) {
    for (int i = 0; words[i]; i++)
        if (strcasecmp(word, words[i]) == 0) return true;
    return false;
}
