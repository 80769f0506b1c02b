# Predicted efficiency on many ranks, from runs of bench_mae on one and two: awk -f scaling.awk RUNS.jsonl
#
# One update of a rank with n slots per thread (S slots over R ranks of t threads):
#
#   T(R) = n c + skew + exposed + add + reduce + own (q + a)/t + share
#
#   c        forward, backward and input of one slot; c1 measured alone, c2 with both cores busy: c2 counts beyond one core
#   skew     waiting for the slowest of R t threads: sd sqrt(n) m(R t); sd of one slot's time as measured, m(k) the expected
#            largest of k normal draws. Real clusters have heavier tails
#   own      parameters that the rank updates, whole blocks of 4096: ceil(blocks/R) of them
#   a, q, g  seconds per parameter: AdamW, norm, one addition of the tree; measured. add = g own (roots - 1)/t
#   wire     reduce-scatter: messages alpha + bytes/beta of the busiest rank. A rank sends every bucket's slices to their
#            owners once for each of its roots (subtrees of slots; one, if R is a power of two), and receives its own
#            slices from every root: at R >> blocks these are many small messages
#   exposed  max(last, wire - eta w): w the time from the first complete bucket to the end of the backward pass (measured as
#            a part of it), eta how much of it the network uses, last the last bucket's part, which nothing can hide
#   share    allgather of the parameters: the same messages and bytes backwards, nothing hides it
#   reduce   one allreduce of S + blocks + 9 doubles: 2 log2(R) alpha + 16 (S + blocks + 9)/beta
#
# alpha and beta are fitted per network to the time that the two-rank runs of `tiny` took to share parameters; other presets
# are then predicted, not fitted. eta is fitted to what the ranks of all presets waited for gradients beyond each other:
# `tiny` alone has too little on the wire to tell a network that overlaps from one that does not. Errors count relative to
# the measured value, but at least 0.5 % of the update.
function field(name,   m) {
    if (!match($0, "\"" name "\": \"?[^\",}]*")) return ""
    m = substr($0, RSTART, RLENGTH)
    sub(/.*: "?/, "", m)
    return m
}
function ceil(x) { return x == int(x) ? x : int(x) + 1 }
function max(x, y) { return x > y ? x : y }
function min(x, y) { return x < y ? x : y }

# Quantile of the standard normal, p > 0.5 (Abramowitz and Stegun 26.2.23), and the largest of k draws (Blom 1958).
function normal_quantile(p,   t) {
    t = sqrt(-2 * log(1 - p))
    return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t)
}
function largest_of(k) { return k < 2 ? 0 : normal_quantile((k - 0.375) / (k + 0.25)) }

# Complete subtrees that tile `count` slots from `first`.
function subtrees(first, count,   n, size) {
    for (n = 0; count > 0; n++) {
        for (size = 1; first % (2 * size) == 0 && 2 * size <= count;) size *= 2
        first += size
        count -= size
    }
    return n
}
# roots_all, roots_most of S slots on R ranks.
function count_roots(S, R,   r, base, extra, n) {
    if (S % R == 0 && power_of_two(R) && power_of_two(S)) { roots_all = R; roots_most = 1; return }
    roots_all = roots_most = 0
    base = int(S / R); extra = S % R
    for (r = 0; r < R; r++) {
        n = subtrees(base * r + min(r, extra), base + (r < extra))
        roots_all += n
        roots_most = max(roots_most, n)
    }
}
function power_of_two(x) { while (x > 1 && x % 2 == 0) x /= 2; return x == 1 }

# Messages and bytes of the busiest rank: sets m_scatter, b_scatter, m_gather, b_gather, m_last, b_last, own, blocks.
function traffic(layout, S, R,   n, size, i, k, owned, sent) {
    n = split(layout, size, ",")
    blocks = P = owned = sent = 0
    for (i = 1; i <= n; i++) {
        k = ceil(size[i] / 4096)
        blocks += k
        P += size[i]
        owned += min(1, k / R)  # slices of a rank, on average
        sent += min(R, k)       # owners of the bucket
    }
    own = min(P, ceil(blocks / R) * 4096)
    count_roots(S, R)
    if (R < 2) { m_scatter = b_scatter = m_gather = b_gather = m_last = b_last = 0; return }
    owned = ceil(owned)
    m_scatter = max(roots_most * sent * (R - 1) / R, owned * (roots_all - roots_most))
    b_scatter = 4 * max(roots_most * P * (R - 1) / R, own * (roots_all - roots_most))
    m_gather = max(owned * (R - 1), sent * (R - 1) / R)
    b_gather = 4 * max(own * (R - 1), P - own)
    k = ceil(size[n] / 4096)
    m_last = max(roots_most * min(R, k) * (R - 1) / R, roots_all - roots_most)
    b_last = 4 * max(roots_most * size[n] * (R - 1) / R, min(size[n], ceil(k / R) * 4096) * (roots_all - roots_most))
}
# An update's seconds; also sets t_share and t_exposed. window: seconds of the last slot in which buckets are on the wire.
function update(p, layout, S, R, t, alpha, beta, eta, window,   n, busy, wire) {
    traffic(layout, S, R)
    n = ceil(S / (R * t))
    busy = R * t > 1
    wire = m_scatter * alpha + b_scatter / beta
    t_exposed = max(m_last * alpha + b_last / beta, wire - eta * window)
    t_share = m_gather * alpha + b_gather / beta
    return n * (busy ? c2[p] : c1[p]) + sd[p] * sqrt(n) * largest_of(R * t) + t_exposed + g[p] * own * (roots_all - 1) / t \
        + (R < 2 ? 0 : 2 * ceil(log(R) / log(2) - 1e-9) * alpha + 16 * (S + blocks + 9) / beta) \
        + own * (busy ? a2[p] : a1[p]) / t + t_share
}

# --- reading -------------------------------------------------------------------------------------------------------------
/"program": "einthoven"/ && /"buckets"/ {
    p = field("preset"); ranks = field("ranks"); threads = field("threads"); slots = field("slots"); net = field("network")
    if (threads != 1 || ranks > 2) next
    match($0, /"buckets": \[[0-9, ]*\]/)
    layout = substr($0, RSTART + 12, RLENGTH - 13)
    compute = field("input_s") + field("forward_s") + field("backward_s")
    traffic(layout, slots, ranks)
    if (ranks == 1) {
        if (slots < slots_one[p]) next  # the longer run of one rank
        slots_one[p] = slots
        c1[p] = compute / slots
        a1[p] = (field("adamw_s") + field("norm_s")) / P
        window_part[p] = field("window_s") / (field("backward_s") / slots)
        layout_of[p] = layout
        batch_slots[p] = slots
        next
    }
    if (net == "shared memory" && !(p in c2)) {
        c2[p] = compute / (slots / 2)
        a2[p] = (field("adamw_s") + field("norm_s")) / own
        g[p] = field("add_s") / own
        sd[p] = field("compute_sd_s") / sqrt(slots / 2)
        backward[p] = field("backward_s") / (slots / 2)
    }
    i = ++runs
    if (!(net in seen)) { networks[++n_networks] = net; seen[net] = 1 }
    r_preset[i] = p; r_net[i] = net; r_layout[i] = layout; r_slots[i] = slots; r_step[i] = field("mean_s")
    r_share[i] = field("share_s")
    r_skew[i] = field("compute_max_s") - field("compute_s")
    r_wait[i] = max(0, field("wait_s") - r_skew[i])
    r_window[i] = max(0, field("window_s") - field("wait_s"))
    r_fit[i] = p == "tiny"
    r_buckets[i] = split(layout, ignored, ",")
}

# --- fitting -------------------------------------------------------------------------------------------------------------
function relative_square(predicted, measured, i) { return ((predicted - measured) / max(measured, 0.005 * r_step[i])) ^ 2 }
function fit(net,   i, alpha, beta, eta, error, best) {
    best = -1
    for (alpha = 1e-7; alpha < 2e-2; alpha *= 1.15)
        for (beta = 1e6; beta < 1e11; beta *= 1.02) {
            error = 0
            for (i = 1; i <= runs; i++) {
                if (r_net[i] != net || !r_fit[i]) continue
                if (!(i in g_m)) { traffic(r_layout[i], r_slots[i], 2); g_m[i] = m_gather; g_b[i] = b_gather }
                error += relative_square(g_m[i] * alpha + g_b[i] / beta, r_share[i], i)
                if (best >= 0 && error >= best) break
            }
            if (best < 0 || error < best) { best = error; fit_alpha[net] = alpha; fit_beta[net] = beta }
        }
    best = -1
    for (eta = 1; eta >= -1e-9; eta -= 0.02) {
        error = 0
        for (i = 1; i <= runs; i++) {
            if (r_net[i] != net) continue
            traffic(r_layout[i], r_slots[i], 2)
            alpha = fit_alpha[net]; beta = fit_beta[net]
            error += relative_square(max(m_last * alpha + b_last / beta, m_scatter * alpha + b_scatter / beta - eta * r_window[i]), r_wait[i], i)
        }
        if (best < 0 || error < best) { best = error; fit_eta[net] = eta }
    }
}
function print_fits(   i, k, net, T) {
    printf "\nFitted networks (two ranks)\n\n| network | alpha, us per message | beta, MB/s per rank | eta |\n|---|---|---|---|\n"
    for (k = 1; k <= n_networks; k++) {
        net = networks[k]
        fit(net)
        printf "| %s | %.3g | %.4g | %.2f |\n", net, fit_alpha[net] * 1e6, fit_beta[net] / 1e6, fit_eta[net]
    }
    printf "\nTwo ranks, measured and predicted, in milliseconds\n\n"
    printf "| preset | network | buckets | in the fit | update | predicted | waiting | predicted | sharing | predicted |\n"
    printf "|---|---|---|---|---|---|---|---|---|---|\n"
    for (i = 1; i <= runs; i++) {
        net = r_net[i]
        T = update(r_preset[i], r_layout[i], r_slots[i], 2, 1, fit_alpha[net], fit_beta[net], fit_eta[net], r_window[i])
        printf "| %s | %s | %d | %s | %.1f | %.1f | %.2f | %.2f | %.2f | %.2f |\n", r_preset[i], net, r_buckets[i], \
            r_fit[i] ? "yes" : "no", r_step[i] * 1e3, T * 1e3, r_wait[i] * 1e3, t_exposed * 1e3, r_share[i] * 1e3, t_share * 1e3
    }
}

# --- predictions ---------------------------------------------------------------------------------------------------------
# predict(NAME, THREADS, ALPHA, BETA per rank, ETA, LIMIT): one table, to LIMIT ranks.
function predict(name, t, alpha, beta, eta, limit,   i, n, list, R, p, T, one, slots) {
    printf "\n%s: alpha %.3g us, beta %.4g MB/s per rank, eta %.2f, %d thread%s per rank\n\n| ranks | cores |", name, alpha * 1e6, \
        beta / 1e6, eta, t, (t > 1 ? "s" : "")
    n = split("tiny small paper", list, " ")
    for (i = 1; i <= n; i++) if (list[i] in c2) printf " %s weak | computing | strong |", list[i]
    printf "\n|---|---|"
    for (i = 1; i <= n; i++) if (list[i] in c2) printf "---|---|---|"
    printf "\n"
    for (R = 1; R <= limit; R *= 2) {
        printf "| %d | %d |", R, R * t
        for (i = 1; i <= n; i++) {
            p = list[i]
            if (!(p in c2)) continue
            window[p] = window_part[p] * backward[p]
            one = update(p, layout_of[p], 1, 1, 1, alpha, beta, eta, window[p])
            T = update(p, layout_of[p], R * t, R, t, alpha, beta, eta, window[p])
            printf " %.3f | %.3f |", one / T, c1[p] / T
            slots = default_slots[p]
            if (R * t > slots) { printf " - |"; continue }
            one = update(p, layout_of[p], slots, 1, 1, alpha, beta, eta, window[p])
            printf " %.3f |", one / (R * t * update(p, layout_of[p], slots, R, t, alpha, beta, eta, window[p]))
        }
        printf "\n"
    }
}
END {
    if (!runs) { print "scaling.awk: no runs of two ranks to fit to" > "/dev/stderr"; exit 1 }
    default_slots["tiny"] = 16; default_slots["small"] = 32; default_slots["paper"] = 64
    print_fits()
    printf "\nMeasured per preset\n\n| preset | slot alone, ms | both cores busy | its spread | AdamW and norm, ns per parameter, alone | busy | window, part of backward |\n"
    printf "|---|---|---|---|---|---|---|\n"
    n = split("tiny small paper", list, " ")
    for (i = 1; i <= n; i++) {
        p = list[i]
        if (p in c2)
            printf "| %s | %.2f | %+.1f %% | %.2f %% | %.2f | %.2f | %.2f |\n", p, c1[p] * 1e3, 100 * (c2[p] / c1[p] - 1), \
                100 * sd[p] / c2[p], a1[p] * 1e9, a2[p] * 1e9, window_part[p]
    }
    net = "shared memory"
    if (net in fit_beta) predict("Shared memory as fitted, one node", 1, fit_alpha[net], fit_beta[net], fit_eta[net], 64)
    tcp = ("1 Gbit/s" in fit_eta) ? fit_eta["1 Gbit/s"] : 0.5
    rdma = (net in fit_eta) ? fit_eta[net] : 0.5
    predict("10 GbE (assumed: 25 us, 1.1 GB/s a node shared by 4 ranks; eta as fitted at 1 Gbit/s)", 1, 25e-6, 1.1e9 / 4, tcp, 4096)
    predict("100 Gb/s HPC network, a rank on every core (assumed: 2 us, 11 GB/s a node shared by 64 ranks; eta as in shared memory)", 1, \
        2e-6, 11e9 / 64, rdma, 4096)
    predict("100 Gb/s HPC network, a rank of 16 threads per NUMA domain (assumed: 2 us, 11 GB/s a node shared by 4 ranks; eta as in shared memory)", 16, \
        2e-6, 11e9 / 4, rdma, 4096)
}
