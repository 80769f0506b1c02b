#!/usr/bin/env python3
"""How far are the synthetic ECGs of `einthoven synth` from real ones? One command, one report.

Development only (nothing here runs in `make test`). Needs Python 3.11 or later and, in an environment of their own,
  pip install numpy scipy scikit-learn neurokit2 matplotlib
Use:
  tests/data/synth_realism.py --program ./einthoven --real DIR --work WORK --out results/synth_realism.md
DIR holds the development set of real ECGs (`labels.csv` with PTB-XL recordings, WFDB); WORK keeps what was computed
and may be deleted. --stages says which of classify, cnn and transfer are made again; what WORK holds is kept.

A synthetic cohort with the prevalences, ages and sexes of the real set is made, and both sets go through the same
measurements: NeuroKit2 finds beats and waves, everything else is measured between its marks, so that its errors hit
both alike. Intervals of AUROCs are from 1,000 bootstrap resamples of patients, percentile, unless the program's own.
"""

import argparse
import collections
import csv
import datetime
import hashlib
import json
import math
import multiprocessing
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import warnings

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ.setdefault("OMP_WAIT_POLICY", "passive")

import neurokit2 as nk
import numpy as np
import scipy
import scipy.signal
import scipy.stats
import sklearn
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
FS = 500
NAMES = ["I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6"]
EIGHT = [0, 1, 6, 7, 8, 9, 10, 11]  # I, II, V1 to V6: the others follow from I and II
LEADS = [NAMES[i] for i in EIGHT]
BANDS = [(0, 0.5), (0.5, 5), (5, 15), (15, 40), (40, 100), (100, 150)]
BEFORE, AFTER = 175, 325  # samples around R: 350 ms and 650 ms
SMOOTH = scipy.signal.butter(2, 40, "low", fs=FS, output="sos")
BAND = scipy.signal.butter(2, [0.67, 40], "band", fs=FS, output="sos")
FORMAT = 5  # of the stored features: raise it when a measurement changes
SEED = 20261126


# --- records ---------------------------------------------------------------------------------------------------


def read_table(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def read_record(path):
    """WFDB format 16, 12 leads: mV, samples x leads in standard order; also the raw integers."""
    lines = open(path + ".hea", encoding="latin-1").read().splitlines()
    fields = lines[0].split()
    leads, samples = int(fields[1]), int(fields[3])
    if int(float(fields[2])) != FS or leads != 12:
        raise ValueError(f"{path}: {leads} leads at {fields[2]} Hz; expected 12 at {FS}")
    raw = np.fromfile(path + ".dat", "<i2").reshape(samples, leads)
    gain, names = np.empty(leads), []
    for i, line in enumerate(lines[1 : 1 + leads]):
        part = line.split()
        gain[i] = float(re.match(r"[\d.]+", part[2]).group())
        names.append(part[-1].upper())
    order = [names.index(n.upper()) for n in NAMES]
    x = raw[:, order] / gain[order]
    missing = raw[:, order] == -32768
    x[missing] = 0
    return x, raw[:, order], missing


def real_rows(folder):
    """The PTB-XL recordings of the development set."""
    rows = [r for r in read_table(os.path.join(folder, "labels.csv")) if r["cohort"] == "ptbxl"]
    for r in rows:
        r["file"] = os.path.join(folder, r["path"])
    return rows


def synthetic_rows(folder):
    rows = read_table(os.path.join(folder, "labels.csv"))
    for r in rows:
        r["file"] = os.path.join(folder, r["path"])
    return rows


def codes(row):
    return set(row.get("scp_statements", "").split("|"))


# Shares of the real set from which the synthetic cohort takes its prevalences: statements of PTB-XL per condition.
STATEMENTS = {
    "af": {"AFIB"}, "afl": {"AFLT"}, "svt": {"SVTAC", "PSVT"}, "pace": {"PACE"}, "sb": {"SBRAD"}, "st": {"STACH"},
    "avb3": {"3AVB"}, "mobitz1": {"2AVB"}, "avb2": {"2AVB"}, "iavb": {"1AVB"},
    "mi_inferior": {"IMI", "ILMI", "IPLMI", "IPMI"}, "mi_anterior": {"AMI", "ASMI", "ALMI"},
    "mi_lateral": {"LMI", "ALMI", "ILMI", "IPLMI"}, "mi_posterior": {"PMI", "IPMI", "IPLMI"},
    "lvh": {"LVH"}, "rvh": {"RVH"}, "lbbb": {"CLBBB"}, "rbbb": {"CRBBB"}, "irbbb": {"IRBBB"}, "lafb": {"LAFB"},
    "lpfb": {"LPFB"}, "injury": {"INJAS", "INJAL", "INJIN", "INJLA", "INJIL", "STE_"},
    "isc_anterior": {"ISCAN", "ISCAS"}, "isc_inferior": {"ISCIN", "ISCIL"}, "isc_lateral": {"ISCLA", "ISCAL"},
    "long_qt": {"LNGQT"}, "low_voltage": {"LVOLT"}, "ndt": {"NDT"}, "nst": {"NST_"}, "bigeminy": {"BIGU"},
    "pvc": {"PVC"}, "pac": {"PAC"},
}  # fmt: skip


def cohort_settings(program, rows):
    """Keys of the synthetic cohort that copy the real one: prevalences, ages, sexes, recordings per patient."""
    text = subprocess.run([program, "synth", "--help"], capture_output=True, text=True, check=True).stdout
    keys = set(re.findall(r"^  ([a-z_0-9.]+) =", text, re.M))
    known = {}
    for condition, statements in STATEMENTS.items():
        share = np.mean([bool(codes(r) & statements) for r in rows])
        known["prevalence." + condition] = (
            share / 2 if statements == {"2AVB"} else share
        )  # two kinds have one statement
    ages = [min(float(r["age"]), 90) for r in rows if r["age"]]
    known["cohort.age_mean"], known["cohort.age_sd"] = np.mean(ages), np.std(ages)
    known["cohort.male"] = np.mean([r["sex"] == "M" for r in rows])
    known["cohort.ecgs_per_patient"] = len(rows) / len({r["subject"] for r in rows})
    untouched = sorted(k for k in keys if k.startswith("prevalence.") and k not in known)
    return {k: f"{v:.4f}" for k, v in known.items() if k in keys}, untouched


def make_cohort(program, folder, settings, records, seed):
    command = [program, "synth", "--out", folder, "--set", f"synth.records={records}", "--set", f"synth.seed={seed}"]
    command += ["--set", "synth.threads=1"]
    for key, value in settings.items():
        command += ["--set", f"{key}={value}"]
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return command


# --- measurements ----------------------------------------------------------------------------------------------


def find_beats(clean):
    """R peaks by NeuroKit2's detector in II, V5, I and the length of the eight-lead vector: those of the first of them
    whose number is the lower median of the four, as each of them now and then takes T waves for beats."""
    signals = [
        clean[:, LEADS.index("II")],
        clean[:, LEADS.index("V5")],
        clean[:, LEADS.index("I")],
        np.sqrt((clean**2).sum(1)),
    ]
    found = []
    for signal in signals:
        try:
            found.append(np.asarray(nk.ecg_peaks(signal, FS, method="neurokit")[1]["ECG_R_Peaks"], int))
        except Exception:
            found.append(np.empty(0, int))
    usual = sorted(len(f) for f in found)[1]
    return next(f for f in found if len(f) == usual)


def median_of(at, peaks):
    at = np.asarray(at, float)
    return np.nanmedian(at - peaks) * 1000 / FS if len(at) == len(peaks) and np.isfinite(at).any() else math.nan


def marks_of(signal, peaks):
    """Median places, in ms from R, of NeuroKit2's marks (wavelet method) in lead II. Its marks of P and T are good;
    those of the QRS complex are 85 ms too wide in the median, and kept only to say so."""
    try:
        _, waves = nk.ecg_delineate(signal, peaks, FS, method="dwt")
    except Exception:
        return {}
    names = {"p_on": "P_Onsets", "p": "P_Peaks", "p_off": "P_Offsets", "nk_on": "R_Onsets", "nk_off": "R_Offsets"}
    names |= {"t_on": "T_Onsets", "t": "T_Peaks", "t_off": "T_Offsets"}
    found = {name: median_of(waves.get("ECG_" + key, []), peaks) for name, key in names.items()}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def qrs_marks(x, peaks):
    """Onset and end of QRS, in ms from R: where the speed of the eight-lead median beat (below 40 Hz) rises above and
    falls below a twentieth of its peak for 12 ms. It knows nothing of how synthetic beats are made."""
    _, beats = cut(x[:, EIGHT], peaks, BEFORE, AFTER)
    beat = scipy.signal.sosfiltfilt(SMOOTH, np.median(beats, 0), axis=0)
    speed = np.sqrt((np.gradient(beat, axis=0) ** 2).sum(1))
    rest = np.median(np.sort(speed)[: len(speed) // 4])
    near = speed[BEFORE - 50 : BEFORE + 50]
    slow = speed < rest + 0.05 * (near.max() - rest)
    first = last = BEFORE - 50 + int(np.argmax(near))
    while first > BEFORE - 90 and not slow[first - 6 : first].all():
        first -= 1
    while last < BEFORE + 110 and not slow[last : last + 6].all():
        last += 1
    return {"r_on": (first - BEFORE) * 1000 / FS, "r_off": (last - BEFORE) * 1000 / FS}


def interval(m, first, last, low, high):
    value = m.get(last, math.nan) - m.get(first, math.nan)
    return value if low <= value <= high else math.nan


def cut(x, peaks, before, after):
    kept = peaks[(peaks >= before) & (peaks + after < len(x))]
    return kept, np.stack([x[p - before : p + after] for p in kept]) if len(kept) else np.empty((0, 0, 0))


def beat_features(f, x, peaks, marks):
    """The median beat of all leads, and what is measured on it. Levels count from the end of the PR segment."""
    kept, beats = cut(x, peaks, BEFORE, AFTER)
    if len(kept) < 3:
        return
    at = lambda ms: int(np.clip(BEFORE + round(ms * FS / 1000), 0, BEFORE + AFTER - 1))
    on, off = at(marks["r_on"]), at(marks["r_off"])
    beats = beats - beats[:, on - 10 : on - 1].mean(1, keepdims=True)
    rr = np.diff(peaks)
    usual = np.median(beats, 0)
    core = slice(on, min(off + 100, BEFORE + AFTER))
    flat = beats[:, core][:, :, EIGHT].reshape(len(kept), -1)
    alike = np.array([np.corrcoef(b, usual[core][:, EIGHT].ravel())[0, 1] for b in flat])
    f["odd_beats"] = np.mean(alike < 0.8)
    early = np.zeros(len(kept), bool)
    if len(rr):
        where = np.searchsorted(peaks, kept)
        early[where > 0] = rr[where[where > 0] - 1] < 0.88 * np.median(rr)
    f["n_pvc"] = int(np.sum((alike < 0.8) & early))
    f["n_early"] = int(np.sum((alike >= 0.8) & early))
    good = beats[alike >= 0.8]
    if len(good) < 3:
        return
    median = np.median(good, 0)
    residual = (good - median)[:, on - 25 : at(400)]
    residual = residual - residual.mean(1, keepdims=True)
    f["beat_residual_uv"] = 1000 * np.median(np.sqrt((residual[:, :, EIGHT] ** 2).mean((0, 1))))
    f["beat_residual_relative"] = f["beat_residual_uv"] / (
        1000 * np.sqrt((median[on - 25 : at(400)][:, EIGHT] ** 2).mean())
    )
    span = good[:, on:off, 10].max(1) - good[:, on:off, 10].min(1)
    f["qrs_v5_beat_cv"] = span.std() / span.mean() if span.mean() > 0 else math.nan
    p_window = slice(at(max(-320, marks.get("p_on", -200) - 10)), max(on - 4, 20))
    pw = good[:, p_window, 1]
    if pw.shape[1] >= 10 and np.median(pw.std(1)) > 0:
        f["p_coherence"] = np.mean([np.corrcoef(b, median[p_window, 1])[0, 1] for b in pw])
    wave_features(f, median, at, on, off, marks)


def extreme(v):
    return v[np.argmax(np.abs(v))] if len(v) else math.nan


def wave_features(f, median, at, on, off, marks):
    p0, p1 = at(marks.get("p_on", math.nan)) if "p_on" in marks else None, (
        at(marks.get("p_off", -60)) if "p_off" in marks else None
    )
    t0, t1 = off + 20, at(min(marks.get("t_off", 420) + 20, 640))
    for lead, i in zip(LEADS, EIGHT):
        qrs = median[on:off, i]
        f["r_" + lead], f["s_" + lead] = max(qrs.max(), 0), max(-qrs.min(), 0)
        f["qrs_" + lead] = qrs.max() - qrs.min()
        f["st_" + lead] = median[off + 20 : off + 31, i].mean()
        if t1 - t0 > 20:
            f["t_" + lead] = extreme(median[t0:t1, i])
        if p0 is not None and p1 is not None and p1 - p0 > 10 and p0 > 4:
            base = np.linspace(
                median[p0 - 4 : p0, i].mean(), median[min(p1, on - 4) : on, i].mean() if on - 4 > p0 else 0, p1 - p0
            )
            f["p_" + lead] = extreme(median[p0:p1, i] - base)
        slope = np.abs(np.diff(median[on:off, i]))
        f["slope_" + lead] = slope.max() * FS / 1000 if len(slope) else math.nan
        turns = np.diff(np.sign(np.diff(scipy.signal.savgol_filter(qrs, 5, 2)))) if len(qrs) > 7 else np.zeros(1)
        f["turns_" + lead] = np.sum(turns != 0)
    # Late R in V1: the highest point later than 50 ms after the onset of QRS, where a usual V1 has its S.
    f["rprime_V1"] = max(median[on + 25 : max(off, on + 30), 6].max(), 0)
    f["q_II"] = max(-median[on : on + 15, 1].min(), 0)
    f["q_aVF"] = max(-median[on : on + 15, 5].min(), 0)
    area_i, area_f = median[on:off, 0].sum(), median[on:off, 5].sum() * 2 / math.sqrt(3)
    f["axis_deg"] = math.degrees(math.atan2(area_f, area_i))
    f["t_axis_deg"] = math.degrees(math.atan2(median[t0:t1, 5].sum() * 2 / math.sqrt(3), median[t0:t1, 0].sum()))
    for lead, i in (("II", 1), ("V5", 10)):
        t = median[t0:t1, i]
        if len(t) > 40:
            k = int(np.argmax(np.abs(t)))
            half = np.abs(t) >= abs(t[k]) / 2
            left, right = k - np.argmax(half), len(t) - 1 - np.argmax(half[::-1]) - k
            f["t_symmetry_" + lead] = math.log((left + 1) / (right + 1))
            f["t_width_" + lead] = (left + right + 1) * 1000 / FS
    x = median[:, EIGHT] - median[:, EIGHT].mean(0)
    s = np.linalg.svd(x[on:t1], compute_uv=False) ** 2
    f["beyond_3_components"] = s[3:].sum() / s.sum() if s.sum() > 0 else math.nan
    f["sokolow_mv"] = f["s_V1"] + max(f["r_V5"], f["r_V6"])


def longest_run(same):
    """Share of samples within runs of at least 40 ms of equal values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], same.astype(np.int8), [0]])))
    lengths = edges[1::2] - edges[::2]
    return lengths[lengths >= 20].sum() / len(same)


def signal_features(f, x, raw, missing):
    hz, power = scipy.signal.welch(x[:, EIGHT], FS, nperseg=2500, axis=0, detrend="constant")
    for low, high in BANDS:
        band = power[(hz >= low) & (hz < high)].sum(0) * (hz[1] - hz[0]) * 1e6 + 1e-6
        f[f"band_{low:g}_{high:g}_db"] = 10 * np.log10(band).mean()
    hum = power[np.abs(hz - 50) < 0.5].mean(0) / (
        power[(np.abs(hz - 50) > 1.5) & (np.abs(hz - 50) < 6)].mean(0) + 1e-15
    )
    f["hum_db"] = 10 * np.log10(hum + 1e-9).mean()
    f["slope_40_150_db"] = (
        10 * np.log10(power[(hz > 130) & (hz < 150)].mean(0) + 1e-12).mean()
        - 10 * np.log10(power[(hz > 55) & (hz < 75)].mean(0) + 1e-12).mean()
    )
    fast = scipy.signal.sosfiltfilt(scipy.signal.butter(4, 40, "high", fs=FS, output="sos"), x[:, EIGHT], axis=0)
    f["noise_uv"] = np.median(1482.6 * np.median(np.abs(fast), 0))
    f["noise_lead_ratio"] = 1482.6 * np.median(np.abs(fast), 0).max() / max(f["noise_uv"], 0.1)
    slow = scipy.signal.sosfiltfilt(scipy.signal.butter(2, 0.5, "low", fs=FS, output="sos"), x[:, EIGHT], axis=0)
    f["wander_uv"] = 1000 * slow.std(0).mean()
    f["wander_limb_uv"], f["wander_chest_uv"] = 1000 * slow[:, :2].std(0).mean(), 1000 * slow[:, 2:].std(0).mean()
    f["offset_uv"] = 1000 * np.abs(np.median(x[:, EIGHT], 0)).mean()
    f["start_uv"] = 1000 * np.abs(x[:5, EIGHT].mean(0) - np.median(x[:, EIGHT], 0)).mean()
    f["largest_mv"] = np.abs(x).max()
    f["flat_share"] = np.mean([longest_run(np.diff(raw[:, i]) == 0) for i in EIGHT])
    f["equal_neighbours"] = np.mean(np.diff(raw[:, EIGHT], axis=0) == 0)
    f["zero_leads"] = np.sum(np.all(raw == 0, 0))
    f["missing_share"] = missing.mean()
    f["fives"] = np.mean(raw[:, EIGHT] % 5 == 0)
    i, ii = x[:, 0], x[:, 1]
    for name, k, value in (
        ("III", 2, ii - i),
        ("aVR", 3, -(i + ii) / 2),
        ("aVL", 4, i - ii / 2),
        ("aVF", 5, ii - i / 2),
    ):
        f["relation_" + name + "_uv"] = 1000 * np.abs(x[:, k] - value).max()
    for a, b in (
        ("I", "II"),
        ("II", "V5"),
        ("V1", "V2"),
        ("V1", "V6"),
        ("V2", "V3"),
        ("V3", "V4"),
        ("V5", "V6"),
        ("I", "V6"),
    ):
        u, v = without_wander(x, NAMES.index(a)), without_wander(x, NAMES.index(b))
        f[f"corr_{a}_{b}"] = np.corrcoef(u, v)[0, 1] if u.std() > 0 and v.std() > 0 else math.nan


def without_wander(x, lead):
    return scipy.signal.sosfiltfilt(BAND, x[:, lead])


def rhythm_features(f, peaks):
    rr = np.diff(peaks) * 1000 / FS
    if len(rr) < 3:
        return
    f["rate_bpm"] = 60000 / rr.mean()
    f["n_beats"] = len(peaks)
    f["sdnn_ms"], d = rr.std(ddof=1), np.diff(rr)
    f["rmssd_ms"] = math.sqrt((d**2).mean())
    f["rr_irregularity"] = f["rmssd_ms"] / rr.mean()
    f["rr_spread"] = np.median(np.abs(d)) / rr.mean()


def measure(row):
    """Every measurement of one record, as a dictionary; what cannot be measured is absent."""
    f = {}
    x, raw, missing = read_record(row)
    signal_features(f, x, raw, missing)
    clean = np.stack([nk.ecg_clean(x[:, i], FS) for i in EIGHT], 1)
    peaks = find_beats(clean)
    rhythm_features(f, peaks)
    if len(peaks) < 4:
        return f
    kept, _ = cut(x, peaks, BEFORE, AFTER)
    if len(kept) < 3:
        return f
    marks = marks_of(clean[:, 1], peaks) | qrs_marks(x, peaks)
    f["pr_ms"] = interval(marks, "p_on", "r_on", 60, 400)
    f["qrs_ms"] = interval(marks, "r_on", "r_off", 40, 240)
    f["qt_ms"] = interval(marks, "r_on", "t_off", 200, 650)
    f["nk_qrs_ms"] = interval(marks, "nk_on", "nk_off", 40, 300)
    f["p_ms"] = interval(marks, "p_on", "p_off", 20, 220)
    f["tpe_ms"] = interval(marks, "t", "t_off", 10, 200)
    if "rate_bpm" in f:
        f["qtc_ms"] = f["qt_ms"] * (f["rate_bpm"] / 60) ** (1 / 3)
    beat_features(f, x, peaks, marks)
    return f


def measured(path):
    try:
        return measure(path)
    except Exception as e:
        return {"error": f"{type(e).__name__}: {e}"}


def features_of(rows, jobs, store, identity):
    """Measurements of all rows, from `store` if they were made of the same data with the same code."""
    if os.path.exists(store):
        kept = json.load(open(store))
        if kept["identity"] == identity and len(kept["features"]) == len(rows):
            return kept["features"]
    with multiprocessing.Pool(jobs) as pool:
        features = pool.map(measured, [r["file"] for r in rows], chunksize=16)
    with open(store, "w") as f:
        json.dump({"identity": identity, "features": features}, f, default=float)
    return features


def column(features, name):
    out = np.array([f.get(name, math.nan) for f in features], float)
    out[~np.isfinite(out)] = math.nan
    return out


# --- distances -------------------------------------------------------------------------------------------------

GROUPS = {
    "recorder": r"fives|equal_neighbours|flat_share|zero_leads|missing_share|relation_.*",
    "noise": r"noise_.*|wander.*|hum_db|slope_40_150_db|offset_uv|start_uv|largest_mv",
    "spectrum": r"band_.*",
    "rhythm": r"rate_bpm|sdnn_ms|rmssd_ms|rr_.*|n_pvc|n_early|odd_beats",
    "intervals": r"pr_ms|qrs_ms|qt_ms|qtc_ms|p_ms|tpe_ms|t_width_.*|t_symmetry_.*",
    "P": r"p_(I|II|V\d)",
    "QRS": r"(r|s|qrs|slope|turns)_(I|II|V\d)|q_.*|rprime_V1|sokolow_mv",
    "ST and T": r"(st|t)_(I|II|V\d)",
    "axes": r"axis_deg|t_axis_deg",
    "beat to beat": r"beat_residual.*|qrs_v5_beat_cv|p_coherence",
    "leads": r"corr_.*|beyond_3_components",
}


def group_of(name):
    return next((g for g, pattern in GROUPS.items() if re.fullmatch(pattern, name)), None)


def compare(a, b):
    """Of real values a and synthetic values b: medians with 5 and 95 %, KS distance, Wasserstein distance in units of
    the real SD; both sides are cut at the real 0.5 and 99.5 % first, so that no artefact decides the SD."""
    a, b = a[np.isfinite(a)], b[np.isfinite(b)]
    if len(a) < 30 or len(b) < 30:
        return None
    low, high = np.percentile(a, [0.5, 99.5])
    sd = np.clip(a, low, high).std()
    return {
        "n": (len(a), len(b)),
        "real": np.percentile(a, [50, 5, 95]),
        "synthetic": np.percentile(b, [50, 5, 95]),
        "ks": scipy.stats.ks_2samp(a, b).statistic,
        "w": (
            scipy.stats.wasserstein_distance(np.clip(a, low, high), np.clip(b, low, high)) / sd if sd > 0 else math.nan
        ),
    }


LABELS = ["AF", "AFL", "SB", "ST", "IAVB", "RBBB", "IRBBB", "LBBB", "LAFB", "LVH", "PVC", "PAC", "MI", "PACE"]


def flags(rows, label):
    return np.array([r.get(label, "") == "1" for r in rows])


def everybody(rows):
    return np.ones(len(rows), bool)


def sinus(rows):
    """No label of a rhythm in which RR or P are another thing."""
    other = {"AFIB", "AFLT", "PACE", "2AVB", "3AVB", "SVTAC", "PSVT", "BIGU", "TRIGU", "SVARR"}
    bad = flags(rows, "AF") | flags(rows, "AFL") | flags(rows, "PACE") | flags(rows, "PVC") | flags(rows, "PAC")
    return ~bad & ~np.array([bool(codes(r) & other) for r in rows])


def normal(rows):
    """Labelled normal: by statement where the table has statements, else no finding at all."""
    some = np.any([flags(rows, c) for c in LABELS + ["IMI", "AMI", "LMI"]], axis=0)
    if "superclass" in rows[0]:
        return ~some & np.array([r["superclass"] == "NORM" for r in rows])
    if any(codes(r) - {""} for r in rows):
        return ~some & np.array(["NORM" in codes(r) for r in rows])
    return ~some


def distance_rows(real, synthetic, chosen, names):
    out = []
    for name in names:
        restricted = (
            name in ("sdnn_ms", "rmssd_ms", "rr_irregularity", "pr_ms", "p_ms", "p_coherence") or group_of(name) == "P"
        )
        values = []
        for data in (real, synthetic):
            keep = chosen(data["rows"]) & (sinus(data["rows"]) if restricted else True)
            values.append(column(data["features"], name)[keep])
        found = compare(*values)
        if found:
            out.append((name, found))
    return out


def show(v):
    if not math.isfinite(v):
        return "-"
    return f"{v:.0f}" if abs(v) >= 100 else f"{v:.1f}" if abs(v) >= 10 else f"{v:.2f}" if abs(v) >= 1 else f"{v:.3f}"


def distance_table(found):
    lines = [
        "| measurement | real: median (5 % to 95 %) | synthetic: median (5 % to 95 %) | KS | Wasserstein / SD |",
        "|---|---|---|---|---|",
    ]
    for name, d in found:
        both = [f"{show(q[0])} ({show(q[1])} to {show(q[2])})" for q in (d["real"], d["synthetic"])]
        lines.append(f"| {name} | {both[0]} | {both[1]} | {d['ks']:.2f} | {d['w']:.2f} |")
    return lines


def floor_of(real, names):
    """What two random halves of the real patients give: median and 95 % of KS and Wasserstein over all measurements."""
    patients = np.array([r["subject"] for r in real["rows"]])
    half = np.array([hashlib.md5(("half" + p).encode()).digest()[0] < 128 for p in patients])
    found = [compare(column(real["features"], n)[half], column(real["features"], n)[~half]) for n in names]
    ks, w = np.array([(f["ks"], f["w"]) for f in found if f and math.isfinite(f["w"])]).T
    return {"ks": np.percentile(ks, [50, 95]), "w": np.percentile(w, [50, 95])}


# --- agreement -------------------------------------------------------------------------------------------------


def auroc(y, s):
    n1 = int(y.sum())
    n0 = len(y) - n1
    if not n1 or not n0:
        return math.nan
    return (scipy.stats.rankdata(s)[y].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)


def auroc_with_interval(y, s, patients, resamples=1000):
    """AUROC with its 95 % interval from resampled patients."""
    keep = np.isfinite(s)
    y, s, patients = y[keep].astype(bool), s[keep], np.asarray(patients)[keep]
    if y.sum() < 5 or (~y).sum() < 5:
        return None
    _, group = np.unique(patients, return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(group.max() + 2))
    rng = np.random.default_rng(SEED)
    values = []
    for _ in range(resamples):
        drawn = rng.integers(group.max() + 1, size=group.max() + 1)
        rows = np.concatenate([order[starts[g] : starts[g + 1]] for g in drawn])
        values.append(auroc(y[rows], s[rows]))
    values = np.array(values)[np.isfinite(values)]
    low, high = np.percentile(values, [2.5, 97.5])
    return {"value": auroc(y, s), "low": low, "high": high, "positives": int(y.sum()), "n": len(y)}


def show_auroc(a):
    return f"{a['value']:.3f} ({a['low']:.3f} to {a['high']:.3f}), {a['positives']} of {a['n']}" if a else "too few"


# label, statements that mean it in real and synthetic tables, measurement, sign, what it is
READERS = [
    ("AF", {"AFIB"}, "rr_irregularity", 1, "RMSSD / mean RR"),
    ("AF", {"AFIB"}, "p_coherence", -1, "likeness of the PR windows (low)"),
    ("SB", {"SBRAD"}, "rate_bpm", -1, "rate (low)"),
    ("ST", {"STACH"}, "rate_bpm", 1, "rate"),
    ("IAVB", {"1AVB"}, "pr_ms", 1, "PR"),
    ("RBBB", {"CRBBB"}, "qrs_ms", 1, "QRS duration"),
    ("RBBB", {"CRBBB"}, "rprime_V1", 1, "late R in V1"),
    ("IRBBB", {"IRBBB"}, "rprime_V1", 1, "late R in V1"),
    ("LBBB", {"CLBBB"}, "qrs_ms", 1, "QRS duration"),
    ("LAFB", {"LAFB"}, "axis_deg", -1, "frontal axis (left)"),
    ("LVH", {"LVH"}, "sokolow_mv", 1, "S V1 + R V5 or V6"),
    ("IMI", {"IMI", "ILMI", "IPLMI", "IPMI"}, "q_aVF", 1, "Q in aVF"),
    ("AMI", {"AMI", "ASMI", "ALMI"}, "r_V3", -1, "R in V3 (low)"),
    ("PVC", {"PVC"}, "n_pvc", 1, "early odd beats"),
    ("PAC", {"PAC"}, "n_early", 1, "early usual beats"),
    ("LNGQT", {"LNGQT"}, "qtc_ms", 1, "QTc (Fridericia)"),
    ("LVOLT", {"LVOLT"}, "qrs_II", -1, "QRS in II (low)"),
    ("RVH", {"RVH"}, "axis_deg", 1, "frontal axis (right)"),
    ("PACE", {"PACE"}, "qrs_ms", 1, "QRS duration"),
]


def has(rows, label, statements):
    return np.array([bool(codes(r) & statements) or r.get(label, "") == "1" for r in rows])


def reader_table(real, synthetic):
    lines = ["| label | measurement | synthetic: AUROC | real: AUROC |", "|---|---|---|---|"]
    for label, statements, name, sign, text in READERS:
        cells = []
        for data in (synthetic, real):
            y = has(data["rows"], label, statements)
            patients = [r["subject"] for r in data["rows"]]
            cells.append(show_auroc(auroc_with_interval(y, sign * column(data["features"], name), patients)))
        if cells[0] != "too few" or cells[1] != "too few":
            lines.append(f"| {label} | {text} | {cells[0]} | {cells[1]} |")
    return lines


def limits_table(real, synthetic):
    lines = [
        "| label | of the labelled | synthetic | real | of the others | synthetic | real |",
        "|---|---|---|---|---|---|---|",
    ]
    for label, statements, name, test, text in (
        ("SB", {"SBRAD"}, "rate_bpm", lambda v: v < 60, "rate < 60"),
        ("ST", {"STACH"}, "rate_bpm", lambda v: v > 100, "rate > 100"),
        ("IAVB", {"1AVB"}, "pr_ms", lambda v: v > 200, "PR > 200 ms"),
        ("LBBB", {"CLBBB"}, "qrs_ms", lambda v: v >= 120, "QRS >= 120 ms"),
        ("RBBB", {"CRBBB"}, "qrs_ms", lambda v: v >= 120, "QRS >= 120 ms"),
        ("PVC", {"PVC"}, "n_pvc", lambda v: v > 0, "an early odd beat"),
    ):
        cells = {}
        for data in (synthetic, real):
            y, v = has(data["rows"], label, statements), column(data["features"], name)
            known = np.isfinite(v)
            for which in (True, False):
                k = known & (y == which)
                cells[data["name"], which] = f"{100 * np.mean(test(v[k])):.1f} %" if k.sum() >= 5 else "too few"
        lines.append(
            f"| {label} | {text} | {cells['synthetic', True]} | {cells['real', True]} | {text} | "
            f"{cells['synthetic', False]} | {cells['real', False]} |"
        )
    return lines


def truth_table(synthetic):
    rows, features = synthetic["rows"], synthetic["features"]
    number = lambda key: np.array([float(r[key]) if r.get(key) not in ("", None) else math.nan for r in rows])
    calm = sinus(rows)
    cases = [
        ("heart rate, /min", "heart_rate_bpm", "rate_bpm", np.ones(len(rows), bool), "all"),
        ("heart rate, /min", "heart_rate_bpm", "rate_bpm", calm, "sinus rhythm without premature beats"),
        ("beats within the record", "n_beats", "n_beats", np.ones(len(rows), bool), "all"),
        ("PR, ms", "pr_ms", "pr_ms", calm, "sinus rhythm without premature beats"),
        ("QRS, ms (speed of the median beat)", "qrs_ms", "qrs_ms", np.ones(len(rows), bool), "all"),
        ("QRS, ms (NeuroKit2's own marks)", "qrs_ms", "nk_qrs_ms", np.ones(len(rows), bool), "all"),
        ("QT, ms", "qt_ms", "qt_ms", np.ones(len(rows), bool), "all"),
        ("QT, ms", "qt_ms", "qt_ms", normal(rows), "no finding"),
        ("PVCs", "n_pvc", "n_pvc", np.ones(len(rows), bool), "all"),
        ("PVCs", "n_pvc", "n_pvc", number("n_pvc") > 0, "with at least one"),
    ]
    lines = [
        "| synthetic records: true against measured | in | n | bias | SD of the error | limits of agreement "
        "| median error | 1.48 MAD | r |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for text, truth, name, keep, where in cases:
        t, m = number(truth), column(features, name)
        keep = keep & np.isfinite(t) & np.isfinite(m)
        if keep.sum() < 10:
            continue
        d, middle = (m - t)[keep], np.median((m - t)[keep])
        r = np.corrcoef(t[keep], m[keep])[0, 1] if t[keep].std() > 0 and m[keep].std() > 0 else math.nan
        lines.append(
            f"| {text} | {where} | {keep.sum()} | {d.mean():.2f} | {d.std():.2f} | {d.mean() - 1.96 * d.std():.1f} to "
            f"{d.mean() + 1.96 * d.std():.1f} | {middle:.2f} | {1.4826 * np.median(np.abs(d - middle)):.2f} | {r:.3f} |"
        )
    return lines


# --- real or synthetic? ----------------------------------------------------------------------------------------


def classify(x, y, patients, kind):
    if kind == "boosting":
        model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.08, random_state=1)
    else:
        middle = np.nanmedian(x, 0)
        x = np.where(np.isfinite(x), x, np.where(np.isfinite(middle), middle, 0))
        low, high = np.percentile(x, [0.5, 99.5], axis=0)
        x = np.clip(x, low, high)
        model = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
    p = cross_val_predict(model, x, y, groups=patients, cv=GroupKFold(5), method="predict_proba")[:, 1]
    return auroc_with_interval(y == 1, p, patients)


def real_or_synthetic(real, synthetic, names, keep=everybody):
    x, y, patients = [], [], []
    for data, is_real in ((real, 1), (synthetic, 0)):
        chosen = np.flatnonzero(keep(data["rows"]))
        x.append(np.stack([column(data["features"], n)[chosen] for n in names], 1))
        y += [is_real] * len(chosen)
        patients += [data["name"] + data["rows"][i]["subject"] for i in chosen]
    return np.concatenate(x), np.array(y), np.array(patients)


def classify_all(real, synthetic, names):
    out = {}
    x, y, patients = real_or_synthetic(real, synthetic, names)
    groups = np.array([group_of(n) for n in names])
    out["logistic, all"] = classify(x, y, patients, "logistic")
    out["boosting, all"] = classify(x, y, patients, "boosting")
    out["logistic, without recorder"] = classify(x[:, groups != "recorder"], y, patients, "logistic")
    out["boosting, without recorder"] = classify(x[:, groups != "recorder"], y, patients, "boosting")
    xn, yn, pn = real_or_synthetic(real, synthetic, names, normal)
    out["boosting, normal records, without recorder"] = classify(xn[:, groups != "recorder"], yn, pn, "boosting")
    for g in GROUPS:
        if (groups == g).any():
            out["boosting, only " + g] = classify(x[:, groups == g], y, patients, "boosting")
    physiology = np.isin(groups, ["rhythm", "intervals", "P", "QRS", "ST and T", "axes", "beat to beat", "leads"])
    out["boosting, heart and leads (no recorder, noise, spectrum)"] = classify(
        x[:, physiology], y, patients, "boosting"
    )
    half = np.array([hashlib.md5(("half" + p).encode()).digest()[0] < 128 for p in patients])
    r = y == 1
    out["control: half of the real patients against the other, boosting"] = classify(
        x[r], half[r].astype(int), patients[r], "boosting"
    )
    single = []
    for i, n in enumerate(names):
        k = np.isfinite(x[:, i])
        a = auroc(y[k] == 1, x[k, i])
        single.append((n, a, float(np.isfinite(x[y == 1, i]).mean()), float(np.isfinite(x[y == 0, i]).mean())))
    single.sort(key=lambda s: -abs((s[1] if math.isfinite(s[1]) else 0.5) - 0.5))
    return out, single


# --- our own model ---------------------------------------------------------------------------------------------


def run(args, words):
    """einthoven WORDS, in a shell's spelling; what it prints goes to WORK/log.txt."""
    log = os.path.join(args.work, "log.txt")
    with open(log, "a", encoding="utf-8") as f:
        f.write(f"$ einthoven {words}\n")
        f.flush()
        done = subprocess.run([args.program] + shlex.split(words), stdout=f, stderr=subprocess.STDOUT)
    if done.returncode:
        tail = "".join(open(log, encoding="utf-8").readlines()[-8:])
        sys.exit(f"failed: einthoven {words}\n{tail}")


def arms_of(path):
    """Macro AUROCs per arm and paired differences, as `evaluate` wrote them."""
    everything = json.load(open(path, encoding="utf-8"))
    found = everything["arms"][0]
    return {
        "records": everything["records"],
        "arms": {a["arm"]: (a["macro"], a["sd_over_seeds"], a["seeds"]) for a in found["arms"]},
        "pairs": [(p["first"], p["second"], p["difference"], p["p"], p["p_adjusted"]) for p in found["pairs"]],
        "targets": {a["arm"]: a["targets"] for a in found["arms"]},
    }


def write_table(path, rows):
    with open(path, "w", newline="", encoding="utf-8") as f:
        writer = csv.DictWriter(f, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def contract_of(program, corpus):
    text = subprocess.run([program, "inspect", "--json", corpus], capture_output=True, text=True, check=True).stdout
    return json.loads(text)


def joint_model(args, real, synthetic):
    """`tiny` from scratch on the joint corpus with the label `real`: AUROC on test patients, three seeds."""
    folder = os.path.join(args.work, "joint")
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    rows = []
    for data in (real, synthetic):
        for r in data["rows"]:
            rows.append({"id": os.path.basename(r["file"]), "subject": data["name"] + r["subject"]})
            rows[-1]["real"] = int(data is real)
    write_table(f"{folder}/labels.csv", rows)
    with open(f"{folder}/real.yaml", "w", encoding="utf-8") as f:
        f.write("tasks:\n  - name: real\n    kind: binary\n    group: ecg\n    rule: real == 1\n")
    run(
        args,
        f"ingest --set model.preset=tiny --set ingest.threads={args.jobs} --labels {folder}/labels.csv --label-key id "
        f"--patient-column subject --out {folder}/joint.h5 {args.real}/ptbxl {synthetic['folder']}/records",
    )
    run(
        args,
        f"finetune --corpus {folder}/joint.h5 --tasks {folder}/real.yaml --from scratch --seeds 3 --run {folder}/runs "
        f"--set train.batch=64 --set train.epochs={args.joint_epochs} --set finetune.patience=5 "
        f"--set train.threads={args.jobs} --set run.log_seconds=1000",
    )
    models = ",".join(f"scratch={folder}/runs/real/scratch-s{seed}/model.safetensors" for seed in (1, 2, 3))
    run(args, f"evaluate --model {models} --corpus {folder}/joint.h5 --part test --out {folder}/test --overwrite")
    return arms_of(f"{folder}/test/metrics.json")


SPLIT = "--set split.by=fold --set split.column=split_fold --set split.valid=7 --set split.test=8,9"


def transfer_corpora(args, settings, folder):
    """Corpora for `transfer`: real.h5 with the folds of results/finetune_ptbxl.md, and synthetic.h5 with the real
    set's mean and SD, so that both have one contract."""
    rows = [r for r in read_table(os.path.join(args.real, "labels.csv")) if r["cohort"] == "ptbxl"]
    for r in rows:
        r["split_fold"] = int(hashlib.md5(r["subject"].encode()).hexdigest(), 16) % 10
        r["id"] = os.path.basename(r["path"])
    write_table(f"{folder}/labels.csv", rows)
    make_cohort(args.program, f"{folder}/cohort", settings, args.pretrain_records, 77)
    ingest = f"ingest --overwrite --set model.preset=tiny --set ingest.threads={args.jobs}"
    run(
        args,
        f"{ingest} --labels {folder}/labels.csv --label-key id --patient-column subject --age-column age "
        f"--sex-column sex --text-columns superclass,scp_statements --out {folder}/real.h5 {args.real}/ptbxl",
    )
    constants = contract_of(args.program, f"{folder}/real.h5")["statistics"]
    run(
        args,
        f"{ingest} --set contract.mean_mv={constants['mean_mv']!r} --set contract.sd_mv={constants['sd_mv']!r} "
        f"--out {folder}/synthetic.h5 {folder}/cohort/records",
    )
    shutil.rmtree(f"{folder}/cohort")


def transfer(args, settings):
    """Linear probes, on real labels, of a frozen model that was pretrained on synthetic records alone."""
    folder = os.path.join(args.work, "transfer")
    identity = json.dumps([args.commit, settings, args.pretrain_records, args.pretrain_epochs], sort_keys=True)
    marker = f"{folder}/identity.json"
    if not (args.commit and os.path.exists(marker) and open(marker).read() == identity):  # else a stopped run goes on
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        with open(marker, "w", encoding="utf-8") as f:
            f.write(identity)
    if not os.path.exists(f"{folder}/synthetic.h5"):
        transfer_corpora(args, settings, folder)
    run(
        args,
        f"pretrain --set model.preset=tiny --corpus {folder}/synthetic.h5 --run {folder}/ssl --set train.batch=64 "
        f"--set train.epochs={args.pretrain_epochs} --set train.threads={args.jobs} --set run.log_seconds=120",
    )
    arms = []
    sources = [
        ("synthetic", f"{folder}/ssl/model.safetensors"),
        ("random-frozen", "random-frozen"),
        ("real", args.real_model),
    ]
    for arm, source in sources:
        if not source:
            continue
        run(
            args,
            f"finetune --corpus {folder}/real.h5 --tasks ptbxl/superclass --from {source} --mode linear --seeds 5 "
            f"--run {folder}/{arm} --set train.batch=64 --set train.lr=1e-2 --set train.threads={args.jobs} "
            f"--set run.log_seconds=1000 {SPLIT}",
        )
        cells = sorted(c for c in os.listdir(f"{folder}/{arm}/superclass") if "-s" in c)
        arms += [f"{arm}={folder}/{arm}/superclass/{cell}/model.safetensors" for cell in cells]
    run(args, f"evaluate --model {','.join(arms)} --corpus {folder}/real.h5 --part test --out {folder}/test --overwrite {SPLIT}")
    lines = open(f"{folder}/ssl/log.txt", encoding="utf-8").read().splitlines()
    found = arms_of(f"{folder}/test/metrics.json")
    found["log"] = [x for x in lines if re.search(r"updates in .* records/s|^\S+ epoch \d+ of \d+: validation", x)][-2:]
    return found


# --- report ----------------------------------------------------------------------------------------------------


def figure(real, synthetic, path):
    """Distributions of nine measurements, real and synthetic, as one small SVG."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"font.size": 7, "svg.hashsalt": "einthoven", "svg.fonttype": "none"})
    import matplotlib.pyplot as plt

    names = "rate_bpm pr_ms qrs_ms qtc_ms axis_deg p_II r_V5 t_II rmssd_ms wander_uv noise_uv beat_residual_uv".split()
    fig, axes = plt.subplots(3, 4, figsize=(7.5, 4.6))
    for ax, name in zip(axes.flat, names):
        a, b = (column(d["features"], name) for d in (real, synthetic))
        a, b = a[np.isfinite(a)], b[np.isfinite(b)]
        low, high = np.percentile(np.concatenate([a, b]), [1, 99])
        edges = np.linspace(low, high, 31)
        for v, label in ((a, "real"), (b, "synthetic")):
            ax.stairs(np.histogram(v, edges)[0] / len(v), edges, label=label)
        ax.set_title(name, fontsize=7)
        ax.set_yticks([])
    axes.flat[0].legend(fontsize=6, frameon=False)
    fig.tight_layout()
    fig.savefig(path, metadata={"Date": None, "Creator": None})
    plt.close(fig)


TABLES = {
    "Rhythm and intervals": "rate_bpm sdnn_ms rmssd_ms rr_irregularity pr_ms qrs_ms qt_ms qtc_ms p_ms tpe_ms "
    "t_width_II t_width_V5 t_symmetry_II t_symmetry_V5 axis_deg t_axis_deg",
    "Amplitudes, mV": " ".join(f"{w}_{lead}" for w in ("p", "r", "s", "st", "t") for lead in LEADS)
    + " q_II q_aVF rprime_V1 sokolow_mv",
    "Steepness (mV/ms) and turning points of the QRS": " ".join(
        f"{w}_{lead}" for w in ("slope", "turns") for lead in LEADS
    ),
    "Spectrum (mean of 8 leads, dB over 1 uV^2), noise, wander": " ".join(f"band_{a:g}_{b:g}_db" for a, b in BANDS)
    + " hum_db slope_40_150_db noise_uv noise_lead_ratio wander_uv wander_limb_uv wander_chest_uv offset_uv start_uv "
    "largest_mv",
    "Beat to beat": "beat_residual_uv beat_residual_relative qrs_v5_beat_cv p_coherence odd_beats",
    "Leads": "corr_I_II corr_II_V5 corr_V1_V2 corr_V1_V6 corr_V2_V3 corr_V3_V4 corr_V5_V6 corr_I_V6 "
    "beyond_3_components relation_III_uv relation_aVR_uv relation_aVL_uv relation_aVF_uv",
    "Recorder": "fives equal_neighbours flat_share zero_leads missing_share",
}


def macro_line(name, m, sd, seeds):
    spread = "-" if sd is None else f"{sd:.4f}"
    return f"| {name} | {seeds} | {m['value']:.3f} ({m['lower']:.3f} to {m['upper']:.3f}) | {spread} |"


def transfer_lines(found):
    lines = [
        "| frozen encoder | seeds | macro AUROC on real labels (95 % interval) | SD over seeds |",
        "|---|---|---|---|",
    ]
    lines += [macro_line(a, *v) for a, v in found["arms"].items()]
    lines += ["", "| pair | difference (95 % interval) | p | Holm |", "|---|---|---|---|"]
    for a, b, d, p, adjusted in found["pairs"]:
        lines.append(
            f"| {a} - {b} | {d['value']:.3f} ({d['lower']:.3f} to {d['upper']:.3f}) | {p:.2g} | {adjusted:.2g} |"
        )
    arms = list(found["targets"])
    lines += ["", "| target | " + " | ".join(arms) + " |", "|---" * (len(arms) + 1) + "|"]
    for t in found["targets"][arms[0]]:
        cells = [found["targets"][a][t] for a in arms]
        lines.append(
            f"| {t} | "
            + " | ".join(
                f"{c['value']:.3f} ({c['lower']:.3f} to {c['upper']:.3f})" if c["value"] is not None else "too few"
                for c in cells
            )
            + " |"
        )
    return lines


def distributions(real, synthetic):
    lines = []
    for title, chosen in (("all records", everybody), ("records labelled normal", normal)):
        n = [int(chosen(d["rows"]).sum()) for d in (real, synthetic)]
        lines += ["", f"## Distributions: {title} ({n[0]} real, {n[1]} synthetic)"]
        for heading, names in TABLES.items():
            if chosen is everybody or heading not in ("Leads", "Recorder"):
                lines += ["", f"### {heading}", ""]
                lines += distance_table(distance_rows(real, synthetic, chosen, names.split()))
    return lines


def measurement_names(real, synthetic):
    known = set()
    for data in (real, synthetic):
        for f in data["features"]:
            known |= set(f)
    return sorted(n for n in known if group_of(n))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--program", default="./einthoven")
    parser.add_argument("--real", required=True)
    parser.add_argument("--work", required=True)
    parser.add_argument("--out", required=True)
    parser.add_argument("--records", type=int, default=2037)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument(
        "--real-model", default="", help="model pretrained on the real training folds, as a further arm"
    )
    parser.add_argument("--pretrain-records", type=int, default=4000)
    parser.add_argument("--pretrain-epochs", type=int, default=40)
    parser.add_argument("--joint-epochs", type=int, default=12)
    parser.add_argument("--stages", default="classify,cnn,transfer")
    parser.add_argument("--commit", default="", help="of the program, for the report")
    args = parser.parse_args()
    stages = set(args.stages.split(","))
    os.makedirs(args.work, exist_ok=True)
    args.program = os.path.abspath(args.program)
    real = {"name": "real", "rows": real_rows(args.real), "folder": args.real}
    settings, untouched = cohort_settings(args.program, real["rows"])
    folder = os.path.join(args.work, "cohort")
    command = make_cohort(args.program, folder, settings, args.records, args.seed)
    synthetic = {"name": "synthetic", "rows": synthetic_rows(folder), "folder": folder}
    for data in (real, synthetic):
        identity = hashlib.sha256()
        for r in data["rows"]:
            identity.update(r["file"].encode() + open(r["file"] + ".dat", "rb").read())
        data["features"] = features_of(
            data["rows"],
            args.jobs,
            os.path.join(args.work, f"features_{data['name']}.json"),
            f"{FORMAT} {identity.hexdigest()}",
        )
        failed = [f["error"] for f in data["features"] if "error" in f]
        data["failed"] = len(failed)
        if failed:
            print(
                f"{data['name']}: {len(failed)} records could not be measured:",
                collections.Counter(failed).most_common(3),
            )
    names = measurement_names(real, synthetic)
    store = os.path.join(args.work, "results.json")
    results = json.load(open(store)) if os.path.exists(store) else {}

    def stage(name, make):
        if name in stages:
            results[name] = {"commit": args.commit, "found": make()}
            json.dump(results, open(store, "w"), default=float)

    stage("classify", lambda: classify_all(real, synthetic, names))
    stage("cnn", lambda: joint_model(args, real, synthetic))
    stage("transfer", lambda: transfer(args, settings))
    write_report(args, real, synthetic, names, results, command, untouched)


MARKS = ("<!-- by hand, kept when the report is made again -->", "<!-- end -->")


def by_hand(path):
    """What people wrote between the marks of the last report."""
    if os.path.exists(path):
        found = re.search(
            re.escape(MARKS[0]) + r"(.*?)" + re.escape(MARKS[1]), open(path, encoding="utf-8").read(), re.S
        )
        if found:
            return found.group(1).strip("\n")
    return "(nothing yet)"


def setting_of(args, command, arms, untouched, real, synthetic):
    version = subprocess.run(
        [args.program, "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    cpu = next(
        (l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")), platform.machine()
    )
    words = " ".join(command[1:]).replace(os.path.abspath(args.work), "WORK").replace(args.work, "WORK")
    n = [len({r["subject"] for r in d["rows"]}) for d in (real, synthetic)]
    return [
        "    tests/data/synth_realism.py --program ./einthoven --real DIR --work WORK --out results/synth_realism.md"
        + (" --real-model ssl/model.safetensors" if "real" in arms else ""),
        "",
        f"- program: {version[0]}, commit {args.commit or 'not told'}; {version[1].split(None, 1)[1]}",
        f"- real: {len(real['rows'])} recordings of {n[0]} patients of PTB-XL 1.0.3 (500 Hz, 10 s); "
        f"{real['failed']} could not be measured",
        f"- synthetic: {len(synthetic['rows'])} recordings of {n[1]} synthetic patients; "
        f"{synthetic['failed']} could not be measured; made by",
        "",
        f"      einthoven {words}",
        "",
        "  that is, with the prevalences (by PTB-XL's statements), ages, share of men and recordings per patient of "
        "the real set; " + ("at their defaults: " + ", ".join(untouched) if untouched else "no prevalence at its default"),
        f"- NeuroKit2 {nk.__version__}, numpy {np.__version__}, scipy {scipy.__version__}, "
        f"scikit-learn {sklearn.__version__}, Python {platform.python_version()}",
        f"- machine: {os.cpu_count()} cores, {cpu}; {datetime.date.today().isoformat()}",
    ]


def write_report(args, real, synthetic, names, results, command, untouched):
    picture = os.path.join(os.path.dirname(os.path.abspath(args.out)), "synth_realism.svg")
    figure(real, synthetic, picture)
    noise = floor_of(real, names)
    lines = [
        "# How far the synthetic ECGs are from real ones",
        "",
        MARKS[0],
        by_hand(args.out),
        MARKS[1],
        "",
        "## How this was made",
        "",
    ]
    arms = results["transfer"]["found"]["arms"] if "transfer" in results else {}
    lines += setting_of(args, command, arms, untouched, real, synthetic)
    lines += ["", f"![Distributions of twelve measurements, real and synthetic]({os.path.basename(picture)})", ""]
    lines += ["## Labels and truth of synthetic records against independent measurements", ""]
    lines += truth_table(synthetic)
    lines += [
        "",
        "One measurement as reader of one label, on synthetic and on real records (AUROC, 95 % interval over patients, "
        "positives):",
        "",
    ]
    lines += reader_table(real, synthetic)
    lines += ["", "The same, by the limits of the definitions:", ""] + limits_table(real, synthetic)
    if "classify" in results:
        found, single = results["classify"]["found"]
        lines += [
            "",
            "## Can a classifier tell real from synthetic?",
            "",
            'Five folds by patient, on measurements; 0.5 would be "cannot", 1 is "always".',
            "",
            "| classifier | AUROC (95 % interval over patients) |",
            "|---|---|",
        ]
        lines += [f"| {k} | {v['value']:.3f} ({v['low']:.3f} to {v['high']:.3f}) |" for k, v in found.items() if v]
        lines += [
            "",
            'Single measurements that give it away (AUROC of "real"; below 0.5: larger in synthetic records):',
            "",
            "| measurement | kind | AUROC |",
            "|---|---|---|",
        ]
        lines += [f"| {n} | {group_of(n)} | {a:.3f} |" for n, a, _, _ in single[:25]]
    if "cnn" in results:
        lines += [
            "",
            '`tiny` (825,000 parameters, 8 leads at 100 Hz) from scratch on the joint corpus, label "real", 20 % of '
            "the patients held out:",
            "",
            "| arm | seeds | AUROC (95 % interval) | SD over seeds |",
            "|---|---|---|---|",
        ]
        found = results["cnn"]["found"]
        lines += [macro_line(f"scratch, {found['records']} test records", *v) for v in found["arms"].values()]
    if "transfer" in results:
        found = results["transfer"]["found"]
        lines += [
            "",
            "## Transfer: pretrained on synthetic records alone, probed on real labels",
            "",
            f"`tiny`, {args.pretrain_records} synthetic records, {args.pretrain_epochs} epochs of batch 64; then a "
            "linear probe of the frozen encoder on PTB-XL's five superclasses, "
            "records, folds and recipe of `finetune_ptbxl.md` (test part 401 records of 358 patients, 5 seeds, "
            "2,000 patient bootstrap resamples of all arms together). "
            f"Generator of commit {results['transfer']['commit'] or 'not told'}.",
            "",
        ]
        lines += transfer_lines(found) + [""] + ["    " + l for l in found["log"]]
    lines += [
        "",
        "## Reading the distances",
        "",
        "KS is the largest distance between the two distribution functions; the Wasserstein distance is in units "
        "of the real SD, after cutting both sides at the real 0.5 and 99.5 %. "
        f"Two random halves of the real patients give KS {noise['ks'][0]:.2f} (95 % of the measurements below "
        f"{noise['ks'][1]:.2f}) and Wasserstein {noise['w'][0]:.2f} ({noise['w'][1]:.2f}). "
        "RR variability, PR and P waves: of records without AF, flutter, pacing, premature beats and blocks "
        "in their labels. Beats, P and T are found by NeuroKit2 in the same way on both sides; "
        "QRS limits are where the speed of the median beat leaves and reaches rest; amplitudes are those of the median beat against "
        "the end of the PR segment, ST 40 to 60 ms after the end of QRS.",
    ]
    lines += distributions(real, synthetic)
    open(args.out, "w", encoding="utf-8").write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
