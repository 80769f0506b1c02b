/* A run of the classifier over REAL, float or double, whose functions end in _f32 or _f64: NAME(x) appends it. Included
 * once for each, so that one program holds both builds; the prototypes are those of the headers in core/. The trace:
 * logits, record losses, scores and gradient of the first pass; with steps also the mean loss before each update and
 * after the last, and the weights then. */
typedef struct NAME(ein_classify) NAME(ein_classify);
ein_status NAME(ein_classify_new)(const ein_layout *, const ein_layout *, int, bool, NAME(ein_classify) **);
void NAME(ein_classify_destroy)(NAME(ein_classify) *);
void NAME(ein_classify_prefix)(NAME(ein_classify) *, REAL *, const REAL *, const REAL *);
void NAME(ein_classify_forward)(NAME(ein_classify) *, REAL *, const REAL *, const REAL *, const REAL *);
void NAME(ein_classify_backward)(NAME(ein_classify) *, REAL *, const REAL *, const REAL *, const REAL *,
                                 ein_stage_done, void *);
void NAME(head_loss)(double *, REAL *, const REAL *, const float *, const ein_head_task *, int, int, int, int,
                     double);
void NAME(head_score)(double *, const REAL *, const ein_head_task *, int, int, int, int);
void NAME(ein_adamw_range)(REAL *, REAL *, REAL *, const REAL *, const ein_layout *, int64_t, int64_t,
                           const ein_adamw *, int64_t);

/* n values of x, or zeros. */
static REAL *NAME(as_real)(const float *x, int64_t n) {
    REAL *y = calloc((size_t)n + 1, sizeof *y);
    if (!y) exit(1);
    for (int64_t i = 0; x && i < n; i++) y[i] = (REAL)x[i];
    return y;
}

static double *NAME(emit)(double *out, const REAL *x, int64_t n) {
    for (int64_t i = 0; i < n; i++) out[i] = (double)x[i];
    return out + n;
}

static double *NAME(emit_layout)(double *out, const REAL *arena, const ein_layout *l) {
    for (int i = 0; i < l->n_tensors; i++)
        out = NAME(emit)(out, arena + l->tensors[i].offset, l->tensors[i].count);
    return out;
}

/* The records' prefixes, one record at a time. */
static REAL *NAME(prefixes)(const run *r, NAME(ein_classify) * cl, const REAL *frozen) {
    const int64_t values = ein_classify_prefix_values(r->full, r->trained);
    const int inputs = base_shape.leads * base_shape.samples;
    REAL *x = NAME(as_real)(r->x, B * inputs), *prefix = NAME(as_real)(NULL, B * values);
    for (int b = 0; b < B; b++) NAME(ein_classify_prefix)(cl, prefix + b * values, frozen, x + b * inputs);
    free(x);
    return prefix;
}

static void NAME(classify_run)(const run *r, double *out, int steps) {
    const kind *k = r->k;
    const int64_t P = r->trained->arena;
    NAME(ein_classify) * cl;
    if (NAME(ein_classify_new)(r->full, r->trained, B, true, &cl) != EIN_OK) exit(1);
    REAL *frozen = NAME(as_real)(r->frozen, r->full->arena), *param = NAME(as_real)(r->start, P);
    REAL *grad = NAME(as_real)(NULL, P), *m = NAME(as_real)(NULL, P), *v = NAME(as_real)(NULL, P);
    REAL *prefix = NAME(prefixes)(r, cl, frozen), logits[B * MOST_OUTPUTS], d_logits[B * MOST_OUTPUTS];
    double record_loss[B], *loss = NULL;
    for (int step = 0; step <= steps; step++) {
        NAME(ein_classify_forward)(cl, logits, frozen, param, prefix);
        NAME(head_loss)
        (record_loss, d_logits, logits, r->targets, k->tasks, k->n_tasks, B, k->n_targets, k->outputs,
         1.0 / B);
        if (step == 0) {
            out = NAME(emit)(out, logits, B * k->outputs);
            memcpy(out, record_loss, sizeof record_loss);
            NAME(head_score)(out + B, logits, k->tasks, k->n_tasks, B, k->n_targets, k->outputs);
            out += B + B * k->n_targets;
        }
        if (loss) loss[step] = (record_loss[0] + record_loss[1] + record_loss[2] + record_loss[3]) / B;
        if (step > 0 && step == steps) break;
        NAME(ein_classify_backward)(cl, grad, d_logits, frozen, param, NULL, NULL);
        if (step == 0) {
            out = NAME(emit_layout)(out, grad, r->trained);
            if (steps == 0) break;
            loss = out;
            out += steps + 1;
            loss[0] = (record_loss[0] + record_loss[1] + record_loss[2] + record_loss[3]) / B;
        }
        NAME(ein_adamw_range)(param, m, v, grad, r->trained, 0, P, &parity_adamw, step + 1);
        for (int64_t i = 0; i < P; i++)
            param[i] = (REAL)noise_round((double)param[i]); /* as stored in float */
    }
    if (steps) NAME(emit_layout)(out, param, r->trained);
    NAME(ein_classify_destroy)(cl);
    REAL *all[] = {frozen, param, grad, m, v, prefix};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

static void NAME(classify_trace)(const void *context, double *out) {
    NAME(classify_run)(context, out, 0);
}

static void NAME(classify_steps)(const void *context, double *out) {
    NAME(classify_run)(context, out, PARITY_STEPS);
}
