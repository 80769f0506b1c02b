# Predicted efficiency on many ranks from runs measured on few: awk -f scaling.awk RUNS.jsonl
#
# Per update and rank:  T(R) = S/R c + exposed(R) + reduce(R) + a/R + share(R)
#   c        compute of one slot, measured           a      AdamW over all parameters, measured on one rank
#   S        slots of the batch                       P      parameters;  b  buckets, one per stage
#   wire(R)  = b (R-1) latency + 4 P (R-1)/R / bandwidth      reduce-scatter of gradients; share(R) the same for parameters
#   exposed  = max(0, wire - overlap), overlap = 0.6 c: the backward pass of the last slot, while buckets become complete
#   reduce   = 2 log2(R) latency + 16 P/4096 / bandwidth      one allreduce of losses and squares
# The network is an assumption, printed with the table: LATENCY and BANDWIDTH can be set with -v.
BEGIN {
    if (!LATENCY) LATENCY = 3e-6
    if (!BANDWIDTH) BANDWIDTH = 10e9
    parameters["tiny"] = 948488; parameters["small"] = 5681736; parameters["paper"] = 99341360
    buckets["tiny"] = 5; buckets["small"] = 10; buckets["paper"] = 22
    slots["tiny"] = 16; slots["small"] = 32; slots["paper"] = 64
}
function field(line, name,   m) {
    m = line
    if (!match(m, "\"" name "\": \"?[^\",}]*")) return ""
    m = substr(m, RSTART, RLENGTH)
    sub(/.*: "?/, "", m)
    return m
}
function wire(R, P, b) { return R < 2 ? 0 : b * (R - 1) * LATENCY + 4 * P * (R - 1) / R / BANDWIDTH }
function update(R, S, preset,   w, overlap, P) {
    P = parameters[preset]
    w = wire(R, P, buckets[preset])
    overlap = 0.6 * c[preset]
    return S / R * c[preset] + (w > overlap ? w - overlap : 0) + (R < 2 ? 0 : 2 * log(R) / log(2) * LATENCY + 16 * P / 4096 / BANDWIDTH) \
        + a[preset] / R + w
}
/"program": "einthoven"/ {
    preset = field($0, "preset"); ranks = field($0, "ranks"); threads = field($0, "threads")
    if (ranks == 1 && threads == 1) {
        c[preset] = field($0, "compute_s") / field($0, "slots")
        a[preset] = field($0, "adamw_s")
        one[preset] = field($0, "step_s") / field($0, "slots")
    }
    if (ranks == 2 && threads == 1 && one[preset])
        printf "%-6s measured on 2 ranks of this machine: efficiency %.3f\n", preset, one[preset] / (2 * field($0, "step_s") / field($0, "slots"))
}
END {
    printf "\nPredicted for a network of %.1f us and %.1f GB/s per rank, one thread a rank\n", LATENCY * 1e6, BANDWIDTH / 1e9
    printf "weak: one slot per rank, the batch grows; strong: the preset's batch, at most one rank per slot\n\n%6s", "ranks"
    n = split("tiny small paper", list, " ")
    for (i = 1; i <= n; i++) if (list[i] in c) printf "  %12s  %12s", list[i] " weak", "strong"
    printf "\n"
    for (R = 1; R <= 4096; R *= 2) {
        printf "%6d", R
        for (i = 1; i <= n; i++) {
            p = list[i]
            if (!(p in c)) continue
            printf "  %12.3f", update(1, 1, p) / update(R, R, p)
            if (R <= slots[p]) printf "  %12.3f", update(1, slots[p], p) / (R * update(R, slots[p], p)); else printf "  %12s", "-"
        }
        printf "\n"
    }
}
