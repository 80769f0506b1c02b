#!/usr/bin/python3
"""Compare core/stats with R and scikit-learn on 1,000 random data sets and 1,000 random meta-analyses.

Development only (nothing here runs in `make test`). Needs, on Debian 12:
  apt-get install --no-install-recommends r-base-core r-cran-proc r-cran-rms r-cran-metafor python3-sklearn
Use:  make stats-agreement        (builds the driver, writes results/stats_agreement.md)
  or  tests/data/stats_agreement.py DRIVER WORK_DIR OUTPUT.md [SETS]

The sets have ties (scores rounded to few levels, or all equal), tiny classes (0 to 3 records), extreme prevalence
(0.5 % to 99 %), perfect and inverted models, probabilities of exactly 0 and 1, identical models, and patients with
one to five records. Every number that either side gives is compared; where one side gives none, it is counted.
"""
import datetime
import math
import subprocess
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics

warnings.filterwarnings("ignore")
SEED = 20260229


def make_set(rng, number):
    n = int(rng.choice([8, 12, 20, 40, 80, 150, 300, 600]))
    kind = rng.integers(8)
    prevalence = [0.5, 0.5, 0.1, 0.9, 0.02, 0.98, 0.005, 0.3][kind]
    y = (rng.random(n) < prevalence).astype(int)
    if number % 5 == 0:  # a tiny class of 0 to 3 records
        y[:] = rng.integers(2)
        few = rng.choice(n, rng.integers(4), replace=False)
        y[few] = 1 - y[few]
    d = rng.choice([-1.0, 0.0, 0.5, 1.0, 2.0, 8.0])
    shared = rng.standard_normal(n)
    a = d * (y - 0.5) + 0.7 * shared + 0.7 * rng.standard_normal(n)
    b = 0.6 * d * (y - 0.5) + 0.7 * shared + 0.7 * rng.standard_normal(n)
    a, b = (1 / (1 + np.exp(-1.3 * s + 0.3)) for s in (a, b))
    ties = rng.integers(8)
    if ties < 4:
        levels = [3, 10, 50, 2][ties]
        a, b = (np.clip(np.round(s * levels), 0.25, levels - 0.25) / levels for s in (a, b))
    if ties == 4 and number % 3 == 0:
        a = np.full(n, 0.3)
    if ties == 5 and number % 3 == 0:
        b = a.copy()
    if ties == 6 and number % 4 == 0:  # saturated probabilities
        a[rng.integers(n)] = 1.0
        a[rng.integers(n)] = 0.0
    a, b = np.round(a, 12), np.round(b, 12)
    size = int(rng.choice([1, 1, 2, 5]))
    cluster = rng.permutation(np.arange(n) // size)
    return y, a, b, cluster


def make_meta(rng):
    k = int(rng.choice([2, 3, 4, 6, 10, 20]))
    v = np.exp(rng.normal(-2.5, rng.choice([0.2, 1.0, 2.0]), k))
    y = rng.normal(0.5, math.sqrt(rng.choice([0.0, 0.02, 0.2, 1.0])), k) + rng.standard_normal(k) * np.sqrt(v)
    return np.round(y, 9), np.maximum(np.round(v, 9), 1e-6)


def bins_of(p, kind, count):
    if kind == "width":
        edges = np.arange(count + 1) / count
        return np.clip(np.searchsorted(edges, p, side="left") - 1, 0, count - 1)
    # Equal probabilities together, in the bin of their middle rank (from 0): first + last is twice that.
    ordered = np.sort(p)
    first, last = np.searchsorted(ordered, p, side="left"), np.searchsorted(ordered, p, side="right") - 1
    return (first + last) * count // (2 * len(p))


def sklearn_part(y, a, b):
    out = {}
    both = 0 < y.sum() < len(y)
    if both:
        out["auc_a"], out["auc_b"] = metrics.roc_auc_score(y, a), metrics.roc_auc_score(y, b)
        precision, recall, _ = metrics.precision_recall_curve(y, a)
        out["average_precision"] = metrics.average_precision_score(y, a)
        out["pr_trapezoid"] = metrics.auc(recall, precision)
        fpr, tpr, threshold = metrics.roc_curve(y, a, drop_intermediate=False)
        out["youden_threshold"] = best(tpr - fpr, threshold)
        out["closest_threshold"] = best(-((1 - tpr) ** 2 + fpr**2), threshold)
    call = (a >= 0.5).astype(int)
    tn, fp, fn, tp = metrics.confusion_matrix(y, call, labels=[0, 1]).ravel()
    if tp + fn:
        out["sensitivity"] = metrics.recall_score(y, call)
    if tn + fp:
        out["specificity"] = metrics.recall_score(y, call, pos_label=0)
    if tp + fp:
        out["ppv"] = metrics.precision_score(y, call)
    if tn + fn:
        out["npv"] = metrics.precision_score(y, call, pos_label=0)
    if tp + fp + fn:
        out["f1"] = metrics.f1_score(y, call)
    if (tp + fp) and (tn + fn) and (tp + fn) and (tn + fp):
        out["mcc"] = metrics.matthews_corrcoef(y, call)
    out["net_benefit"] = tp / len(y) - fp / len(y)
    out["brier"] = metrics.brier_score_loss(y, a, pos_label=1)
    out["log_loss"] = metrics.log_loss(y, a, labels=[0, 1], eps=2.0**-52)
    for kind in ("width", "mass"):
        for count in (10, 15):
            w = bins_of(a, kind, count)
            out[f"ece_{kind}{count}"] = sum(abs((a - y)[w == i].sum()) for i in range(count)) / len(y)
    out["mae"] = metrics.mean_absolute_error(a, b)
    out["rmse"] = math.sqrt(metrics.mean_squared_error(a, b))
    if np.ptp(a) > 0:
        out["r2"] = metrics.r2_score(a, b)
    out["bias"] = float(np.mean(b - a))
    return out


def best(quality, threshold):
    """The highest threshold among those whose quality is the best to rounding; the first point calls nobody."""
    quality, threshold = quality[1:], threshold[1:]
    return threshold[np.flatnonzero(quality >= quality.max() - 1e-13)[0]]


def read(path):
    table = {}
    for line in open(path):
        number, name, value = line.split()
        table[number, name] = value if value.startswith("none:") else float(value)
    return table


# Relative, but to no less than 0.001 (0.1 of a percentage), since many of these pass through 0.
def difference(name, ours, theirs):
    return abs(ours - theirs) / max(abs(theirs), 0.1 if name.endswith(".i2") else 1e-3)


# Where a package answers and we do not, and why that is right.
REASONS = {
    "boundary": "AUROC 0 or 1: the package prints a variance of 0 and an interval 1-1 or 0-0",
    "identical": "models that rank or decide alike: the package prints p = 1 or NaN",
    "zero_variance": "constant scores or values: variance 0, or 0/0",
    "separated": "no finite logistic fit: the package stops at a large slope",
    "saturated": "probabilities of 0 or 1: the package drops those records",
    "few_in_class": "one record in a class",
    "few_clusters": "one patient in a class",
    "few_records": "too few records or studies",
    "one_class": "one class only",
    "empty_interval": "the Q-profile interval is empty",
    "zero_denominator": "no record in the denominator",
}


def compare(name, ours, theirs, row):
    if isinstance(ours, str):
        if theirs is None or not math.isfinite(theirs):
            row["neither"] += 1
        else:
            row["refused"][ours[5:]] = row["refused"].get(ours[5:], 0) + 1
    elif theirs is None or not math.isfinite(theirs):
        row["only_ours"] += 1
    else:
        row["both"] += 1
        row["worst"] = max(row["worst"], difference(name, ours, theirs))
        if difference(name, ours, theirs) > 1e-6:
            row["off"].append((ours, theirs))


def likelihood(y, v, x, tau2, restricted):
    """Log-likelihood of the random-effects model and z of its last coefficient."""
    w = 1 / (v + tau2)
    information = x.T @ (w[:, None] * x)
    beta = np.linalg.solve(information, x.T @ (w * y))
    value = -0.5 * (np.log(v + tau2).sum() + (w * (y - x @ beta) ** 2).sum())
    if restricted:
        value -= 0.5 * np.linalg.slogdet(information)[1]
    return value, beta[-1] / math.sqrt(np.linalg.inv(information)[-1, -1])


def local_maxima(ours, theirs, studies):
    """(set, prefix) where metafor ended at a local maximum: its likelihood is less than that at our tau^2, or for
    Egger's test, which prints no tau^2, the best of a fine grid has our z."""
    found = set()
    for number, (y, v) in studies.items():
        one = np.ones((len(y), 1))
        for method in ("ML", "REML"):
            a, b = ours.get((number, method + ".tau2")), theirs.get((number, method + ".tau2"))
            if isinstance(a, float) and b is not None and difference("tau2", a, b) > 1e-6:
                if likelihood(y, v, one, a, method == "REML")[0] > likelihood(y, v, one, b, method == "REML")[0] + 1e-9:
                    found.add((number, method))
        a, b = ours.get((number, "egger.stat")), theirs.get((number, "egger.stat"))
        if isinstance(a, float) and b is not None and difference("z", a, b) > 1e-6:
            x = np.c_[one, np.sqrt(v)]
            top = max((likelihood(y, v, x, t, True)[0], t) for t in np.r_[0, np.logspace(-9, 2, 5001)])[1]
            z = max(likelihood(y, v, x, t, True) for t in top * np.linspace(0.99, 1.01, 5001))[1]
            if abs(z - a) < 1e-4 < abs(z - b):
                found.add((number, "egger"))
    return found


def tabulate(ours, theirs, source, rows, elsewhere=frozenset()):
    names = {n for _, n in theirs}
    for (number, name), value in sorted(ours.items()):
        if name not in names:
            continue
        row = rows.setdefault((name, source), {"both": 0, "neither": 0, "only_ours": 0, "refused": {}, "worst": 0.0, "off": [], "local": 0})
        if (number, name.split(".")[0]) in elsewhere:
            row["local"] += 1
        else:
            compare(name, value, theirs.get((number, name)), row)


def report(path, rows, versions, sets, command):
    with open(path, "w") as f:
        f.write("# Agreement of core/stats with R and scikit-learn\n\n")
        f.write(f"{sets} random data sets (8 to 600 records) and {sets} random meta-analyses (2 to 20 studies), seed {SEED}; "
                "made by `tests/data/stats_agreement.py`, which says what is in them.\n\n")
        f.write(f"- {versions}; numpy {np.__version__}, scikit-learn {sklearn.__version__}\n")
        f.write(f"- {datetime.date.today().isoformat()}, `{command}`\n")
        f.write("- *largest difference*: |ours - theirs| / max(|theirs|, 0.001) (0.1 for i2, a percentage), over the sets where both give a number; "
                "*theirs only*: sets where we say \"not estimable\" and the package prints a number, by our reason; "
                "*ours only*: the package gives none (stopped, NaN, or did not converge); *neither*: both give none; "
                "*local*: sets left out of the difference because metafor's iteration ended at a local maximum of the "
                "likelihood, checked by evaluating it (ours is higher)\n"
                "- \"R\" for `clustered_*` is Obuchowski's definition over all pairs, written out in `stats_agreement.R`; for "
                "`ece_*`, thresholds and `net_benefit` the other side is numpy code in the script; `cal_*.se`: glm reports those of the "
                "iteration before its last\n\n")
        f.write("| statistic | against | both | largest difference | ours only | neither | local | theirs only |\n|---|---|---|---|---|---|---|---|\n")
        for (name, source), r in sorted(rows.items()):
            refused = ", ".join(f"{k} {v}" for k, v in sorted(r["refused"].items())) or "0"
            f.write(f"| {name} | {source} | {r['both']} | {r['worst']:.1e} | {r['only_ours']} | {r['neither']} | {r['local']} | {refused} |\n")
        seen = sorted({k for r in rows.values() for k in r["refused"]})
        f.write("\n## Why we give no number where the package does\n\n")
        for k in seen:
            f.write(f"- {k}: {REASONS.get(k, '')}\n")


def main():
    driver, work, output = sys.argv[1:4]
    sets = int(sys.argv[4]) if len(sys.argv) > 4 else 1000
    rng = np.random.default_rng(SEED)
    source, scores, studies = f"{work}/stats_sets.txt", {}, {}
    with open(source, "w") as f:
        for i in range(sets):
            y, a, b, cluster = make_set(rng, i)
            f.write(f"set {i} {len(y)}\n")
            f.writelines(f"{r[0]} {r[1]!r} {r[2]!r} {r[3]}\n" for r in zip(y, map(float, a), map(float, b), cluster))
            scores.update({(str(i), k): float(v) for k, v in sklearn_part(y, a, b).items()})
        for i in range(sets):
            y, v = make_meta(rng)
            f.write(f"meta {sets + i} {len(y)}\n")
            f.writelines(f"{r[0]!r} {r[1]!r}\n" for r in zip(map(float, y), map(float, v)))
            studies[str(sets + i)] = (y, v)
    with open(source) as f, open(f"{work}/stats_ours.txt", "w") as g:
        subprocess.run([driver], stdin=f, stdout=g, check=True)
    script = __file__.rsplit(".", 1)[0] + ".R"
    versions = subprocess.run(["Rscript", script, source, f"{work}/stats_r.txt"], check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
    ours, theirs, rows = read(f"{work}/stats_ours.txt"), read(f"{work}/stats_r.txt"), {}
    tabulate(ours, theirs, "R", rows, local_maxima(ours, theirs, studies))
    tabulate(ours, scores, "scikit-learn", rows)
    report(output, rows, versions, sets, "make stats-agreement")
    for (name, other), r in sorted(rows.items()):
        if r["off"]:
            print(f"{name} against {other}: {len(r['off'])} of {r['both']} differ by more than 1e-6, e.g. {r['off'][:3]}")
    print(f"{len(rows)} statistics compared; the table is in {output}")


if __name__ == "__main__":
    main()
