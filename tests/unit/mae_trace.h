/* A run of the masked autoencoder over REAL, float or double, whose functions end in _f32 or _f64: NAME(x) appends it.
 * Included once for each, so that one program holds both builds; the prototypes are those of core/nn/mae.h and
 * core/nn/adamw.h. The trace: loss before each update and after the last; and of the first pass reconstruction, targets
 * and gradient; then the weights after the updates. */
typedef struct NAME(ein_mae) NAME(ein_mae);
ein_status NAME(ein_mae_new)(const ein_layout *, int, int, NAME(ein_mae) **);
void NAME(ein_mae_destroy)(NAME(ein_mae) *);
void NAME(ein_mae_whole)(NAME(ein_mae) *, bool);
void NAME(ein_mae_forward)(NAME(ein_mae) *, double *, const REAL *, const REAL *, const int32_t *);
void NAME(ein_mae_backward)(NAME(ein_mae) *, REAL *, const REAL *, double, ein_stage_done, void *);
const REAL *NAME(ein_mae_prediction)(const NAME(ein_mae) *);
const REAL *NAME(ein_mae_target)(const NAME(ein_mae) *);
void NAME(ein_adamw_range)(REAL *, REAL *, REAL *, const REAL *, const ein_layout *, int64_t, int64_t,
                           const ein_adamw *, int64_t);

static REAL *NAME(as_real)(const float *x, size_t n) {
    REAL *y = calloc(n + 1, sizeof *y);
    if (!y) exit(1);
    for (size_t i = 0; x && i < n; i++) y[i] = (REAL)x[i];
    return y;
}

static double *NAME(emit)(double *out, const REAL *x, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = (double)x[i];
    return out + n;
}

static double *NAME(emit_layout)(double *out, const REAL *arena, const ein_layout *l) {
    for (int i = 0; i < l->n_tensors; i++)
        out = NAME(emit)(out, arena + l->tensors[i].offset, (size_t)l->tensors[i].count);
    return out;
}

static void NAME(mae_trace)(const void *context, double *out) {
    const mae_case *c = context;
    const size_t P = (size_t)c->layout->arena;
    REAL *param = NAME(as_real)(c->start, P), *grad = NAME(as_real)(NULL, P), *m = NAME(as_real)(NULL, P);
    REAL *v = NAME(as_real)(NULL, P), *x = NAME(as_real)(c->x, INPUTS);
    NAME(ein_mae) * mae;
    double record_loss[B], *loss = out;
    if (NAME(ein_mae_new)(c->layout, B, K, &mae) != EIN_OK) exit(1);
    NAME(ein_mae_whole)(mae, true); /* the fixtures hold predictions of all patches */
    out += PARITY_STEPS + 1;
    for (int step = 0; step <= PARITY_STEPS; step++) {
        NAME(ein_mae_forward)(mae, record_loss, param, x, c->order);
        loss[step] = (record_loss[0] + record_loss[1] + record_loss[2]) / B;
        if (step == PARITY_STEPS) break;
        NAME(ein_mae_backward)(mae, grad, param, 1.0 / B, NULL, NULL);
        if (step == 0) {
            out = NAME(emit)(out, NAME(ein_mae_prediction)(mae), (size_t)B * N * V);
            out = NAME(emit)(out, NAME(ein_mae_target)(mae), (size_t)B * (N - K) * V);
            out = NAME(emit_layout)(out, grad, c->layout);
        }
        NAME(ein_adamw_range)(param, m, v, grad, c->layout, 0, c->layout->arena, &parity_adamw, step + 1);
        for (size_t i = 0; i < P; i++)
            param[i] = (REAL)noise_round((double)param[i]); /* as stored in float */
    }
    NAME(emit_layout)(out, param, c->layout);
    NAME(ein_mae_destroy)(mae);
    REAL *all[] = {param, grad, m, v, x};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}
