#include "jobs/options/domain.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/stats/common.h"
#include "core/stats/covariance.h"
#include "io/base/base64.h"
#include "jobs/options/embedding.h"

enum { VERSION = 1, MOST_WIDTH = 1 << 14, LAST = EIN_DOMAIN_QUANTILES - 1 };

void ein_domain_free(ein_domain *d) {
    if (!d) return;
    free(d->mean);
    free(d->whitener);
    memset(d, 0, sizeof *d);
}

static ein_status domain_new(ein_domain *d, int C) {
    memset(d, 0, sizeof *d);
    d->width = C;
    EIN_TRY(EIN_NEW(d->mean, C));
    return EIN_NEW(d->whitener, ein_triangle(C));
}

/* --- use ------------------------------------------------------------------------------------------------- */

double ein_domain_distance(const ein_domain *d, const float *feature) {
    return ein_whitened_distance(d->mean, d->whitener, feature, d->width);
}

double ein_domain_percentile(const ein_domain *d, double distance) {
    const double *q = d->quantile;
    int low = 0, high = LAST;
    if (isnan(distance)) return NAN;
    if (distance <= q[0]) return 0;
    if (distance >= q[LAST]) return 100;
    while (high - low > 1) {
        const int middle = (low + high) / 2;
        if (q[middle] <= distance)
            low = middle;
        else
            high = middle;
    }
    return (low + (distance - q[low]) / (q[high] - q[low])) * 100 / LAST;
}

/* --- fit ------------------------------------------------------------------------------------------------- */

static ein_status fit_whitener(ein_domain *d, const float *train, int64_t n, int threads) {
    double *mean = NULL, *whitener = NULL;
    const int64_t values = ein_triangle(d->width);
    ein_status status = EIN_NEW(mean, d->width);
    if (status == EIN_OK) status = EIN_NEW(whitener, values);
    if (status == EIN_OK)
        status = ein_whitener_fit(mean, whitener, &d->shrinkage, train, n, d->width, threads);
    for (int c = 0; status == EIN_OK && c < d->width; c++) d->mean[c] = (float)mean[c];
    for (int64_t v = 0; status == EIN_OK && v < values; v++) d->whitener[v] = (float)whitener[v];
    free(mean);
    free(whitener);
    return status;
}

static int compare(const void *left, const void *right) {
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static ein_status fit_quantiles(ein_domain *d, const float *held_out, int64_t m, int threads) {
    double *distance;
    EIN_TRY(EIN_NEW(distance, m));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < m; i++) distance[i] = ein_domain_distance(d, held_out + i * d->width);
    ein_status status = ein_stats_check_finite(distance, m, "distance");
    if (status == EIN_OK) qsort(distance, (size_t)m, sizeof *distance, compare);
    for (int q = 0; status == EIN_OK && q <= LAST; q++)
        d->quantile[q] = ein_stats_quantile(distance, m, (double)q / LAST);
    free(distance);
    return status;
}

ein_status ein_domain_fit(ein_domain *d, const float *train, int64_t n, const float *held_out, int64_t m,
                          int C, int threads) {
    memset(d, 0, sizeof *d);
    if (n < EIN_DOMAIN_LEAST || m < EIN_DOMAIN_LEAST)
        return ein_error(EIN_RANGE, "%lld training and %lld validation records; %d of each are needed",
                         (long long)n, (long long)m, EIN_DOMAIN_LEAST);
    ein_status status = domain_new(d, C);
    d->records = n;
    d->held_out = m;
    if (status == EIN_OK) status = fit_whitener(d, train, n, threads);
    if (status == EIN_OK) status = fit_quantiles(d, held_out, m, threads);
    if (status != EIN_OK) ein_domain_free(d);
    return status;
}

/* --- JSON ------------------------------------------------------------------------------------------------ */

static void put_floats(uint8_t *bytes, const float *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t word;
        memcpy(&word, &x[i], sizeof word);
        for (int b = 0; b < 4; b++) bytes[4 * i + b] = (uint8_t)(word >> 8 * b);
    }
}

static void get_floats(float *x, const uint8_t *bytes, int64_t n) {
    for (int64_t i = 0; i < n; i++) {
        uint32_t word = 0;
        for (int b = 0; b < 4; b++) word |= (uint32_t)bytes[4 * i + b] << 8 * b;
        memcpy(&x[i], &word, sizeof word);
    }
}

/* A JSON text of n floats; NULL without memory. */
static json_t *floats_json(const float *x, int64_t n) {
    const size_t bytes = (size_t)n * 4;
    uint8_t *raw = malloc(bytes);
    char *text = malloc((bytes + 2) / 3 * 4 + 1);
    json_t *out = NULL;
    if (raw && text) {
        put_floats(raw, x, n);
        ein_base64_encode(raw, bytes, text);
        out = json_string(text);
    }
    free(raw);
    free(text);
    return out;
}

ein_status ein_domain_to_json(const ein_domain *d, char **out) {
    json_t *quantiles = json_array();
    int bad = !quantiles;
    *out = NULL;
    for (int q = 0; q <= LAST && !bad; q++)
        bad = json_array_append_new(quantiles, json_real(d->quantile[q])) != 0;
    json_t *root = json_pack("{s:i, s:s, s:i, s:I, s:I, s:f, s:o, s:o, s:o}", "version", VERSION, "embedding",
                             ein_embedding_name(EIN_EMBED_MEAN), "width", d->width, "records",
                             (json_int_t)d->records, "held_out", (json_int_t)d->held_out, "shrinkage",
                             d->shrinkage, "quantiles", quantiles, "mean", floats_json(d->mean, d->width),
                             "whitener", floats_json(d->whitener, ein_triangle(d->width)));
    if (root && !bad) *out = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(root);
    return *out ? EIN_OK : ein_error(EIN_NOMEM, "no memory for the description of the model's domain");
}

static ein_status parse_floats(const json_t *value, const char *key, float *x, int64_t n) {
    const char *text = json_string_value(value);
    const size_t length = json_string_length(value), bytes = (size_t)n * 4;
    uint8_t *raw;
    size_t at;
    if (!text || length != (bytes + 2) / 3 * 4)
        return ein_error(EIN_FORMAT, "%s is no base64 of %lld floats", key, (long long)n);
    EIN_TRY(EIN_NEW(raw, length + 4));
    const bool good = ein_base64_decode(text, length, raw, &at) == (int64_t)bytes;
    if (good) get_floats(x, raw, n);
    free(raw);
    for (int64_t i = 0; good && i < n; i++)
        if (!isfinite(x[i]))
            return ein_error(EIN_FORMAT, "value %lld of %s is not finite", (long long)i, key);
    return good ? EIN_OK : ein_error(EIN_FORMAT, "%s is no base64 of %lld floats", key, (long long)n);
}

static ein_status parse_quantiles(const json_t *list, ein_domain *d) {
    if (json_array_size(list) != EIN_DOMAIN_QUANTILES)
        return ein_error(EIN_FORMAT, "%zu quantiles; %d were expected", json_array_size(list),
                         EIN_DOMAIN_QUANTILES);
    for (int q = 0; q <= LAST; q++) {
        const json_t *value = json_array_get(list, (size_t)q);
        d->quantile[q] = json_is_number(value) ? json_number_value(value) : NAN;
        if (!(d->quantile[q] >= (q ? d->quantile[q - 1] : 0) && isfinite(d->quantile[q])))
            return ein_error(EIN_FORMAT, "quantile %d is no distance, or below the one before", q);
    }
    return EIN_OK;
}

static ein_status parse(const json_t *root, ein_domain *d) {
    const json_t *width = json_object_get(root, "width"), *version = json_object_get(root, "version");
    const char *embedding = json_string_value(json_object_get(root, "embedding"));
    if (!json_is_integer(version)) return ein_error(EIN_FORMAT, "no version");
    if (json_integer_value(version) != VERSION)
        return ein_error(EIN_MISMATCH, "version %lld, this program reads %d",
                         (long long)json_integer_value(version), VERSION);
    if (!embedding || strcmp(embedding, ein_embedding_name(EIN_EMBED_MEAN)) != 0)
        return ein_error(EIN_MISMATCH, "of embedding '%.20s', this program reads mean",
                         embedding ? embedding : "");
    if (!json_is_integer(width) || json_integer_value(width) < 1 || json_integer_value(width) > MOST_WIDTH)
        return ein_error(EIN_FORMAT, "width is not 1 to %d", MOST_WIDTH);
    const int C = (int)json_integer_value(width);
    /* Before memory is taken for what is not there. */
    if (json_string_length(json_object_get(root, "whitener")) < (size_t)ein_triangle(C))
        return ein_error(EIN_FORMAT, "whitener is shorter than a width of %d says", C);
    EIN_TRY(domain_new(d, C));
    d->records = json_integer_value(json_object_get(root, "records"));
    d->held_out = json_integer_value(json_object_get(root, "held_out"));
    d->shrinkage = json_number_value(json_object_get(root, "shrinkage"));
    EIN_TRY(parse_quantiles(json_object_get(root, "quantiles"), d));
    EIN_TRY(parse_floats(json_object_get(root, "mean"), "mean", d->mean, C));
    return parse_floats(json_object_get(root, "whitener"), "whitener", d->whitener, ein_triangle(C));
}

ein_status ein_domain_parse(const char *path, const char *text, ein_domain *d) {
    json_error_t error;
    memset(d, 0, sizeof *d);
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    if (!root) return ein_error(EIN_FORMAT, "%s: einthoven.domain is no JSON: %s", path, error.text);
    const ein_status status = ein_error_context(parse(root, d), "%s: einthoven.domain", path);
    json_decref(root);
    if (status != EIN_OK) ein_domain_free(d);
    return status;
}
