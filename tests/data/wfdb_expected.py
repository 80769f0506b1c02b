#!/usr/bin/env python3
"""Expectations for the WFDB reader, decoded independently by the wfdb package (pip install wfdb).

    wfdb_expected.py FOLDER_OF_REAL_DATA [--all] > wfdb_expected.csv

One row per recording: path, leads, samples per lead, rate, SHA-256 of the samples (float32 mV, lead by lead,
little-endian, every NaN as 0x7fc00000; first 32 hex digits) and their sum in mV. --all takes every recording
instead of a sample of the large cohort. The rules that are the reader's own (io/ecg/wfdb.h): signals in volts at the
highest rate; LUDB's integers are microvolts.
"""
import csv
import hashlib
import os
import re
import shutil
import sys
import tempfile

import numpy as np
import wfdb

PER_MV = {"mv": 1.0, "uv": 1e-3, "v": 1e3}


def digital(path):
    """The record as the wfdb package decodes it. It refuses some record names ("E00001.mat"); a copy of the header
    then gets the file's name."""
    try:
        return wfdb.rdrecord(path, physical=False, smooth_frames=False)
    except Exception:
        folder = tempfile.mkdtemp()
        try:
            with open(path + ".hea", encoding="latin-1") as f:
                text = f.read().encode("ascii", "replace").decode()
            text = re.sub(r"\A\S+", os.path.basename(path), text)
            with open(os.path.join(folder, os.path.basename(path) + ".hea"), "w") as f:
                f.write(text)
            for name in set(re.findall(r"^(\S+\.(?:dat|mat|xyz)) ", text, re.M)):
                os.symlink(os.path.abspath(os.path.join(os.path.dirname(path), name)), os.path.join(folder, name))
            return wfdb.rdrecord(os.path.join(folder, os.path.basename(path)), physical=False, smooth_frames=False)
        finally:
            shutil.rmtree(folder)


MISSING = {"80": -128, "212": -2048, "310": -512, "311": -512, "24": -8388608, "32": -(2**31)}


def units(path):
    """As spelled in the header: the wfdb package drops bytes that are not UTF-8, such as a degree sign."""
    with open(path + ".hea", encoding="latin-1") as f:
        lines = [line.split() for line in f if line.strip() and not line.lstrip().startswith("#")]
    gains = [line[2] if len(line) > 2 else "" for line in lines[1:]]
    return [g.split("/")[1].split("(")[0] if "/" in g else "mV" for g in gains]


def millivolts(record, spelled, microvolts):
    volts = [PER_MV.get(u.lower(), 0) for u in spelled]
    fastest = max(s for s, v in zip(record.samps_per_frame, volts) if v)
    leads = []
    for i, counts in enumerate(record.e_d_signal):
        if not volts[i] or record.samps_per_frame[i] != fastest:
            continue
        counts = np.asarray(counts, dtype=np.int64)
        gain, baseline = (1000.0, 0.0) if microvolts else (record.adc_gain[i], record.baseline[i])
        mv = (((counts - baseline) / gain) * volts[i] + 0.0).astype(np.float32)
        mv[counts == MISSING.get(record.fmt[i], -32768)] = np.nan
        leads.append(mv)
    return np.stack(leads), record.fs * fastest


def row(root, path, microvolts):
    full = os.path.join(root, path)
    mv, fs = millivolts(digital(full), units(full), microvolts)
    bits = mv.view(np.uint32).copy()
    bits[np.isnan(mv)] = 0x7FC00000
    digest = hashlib.sha256(bits.astype("<u4").tobytes()).hexdigest()[:32]
    return [path, mv.shape[0], mv.shape[1], "%.17g" % fs, digest, "%.6f" % np.nansum(mv.astype(np.float64))]


def main():
    root, everything = sys.argv[1], "--all" in sys.argv
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["path", "leads", "samples", "fs_hz", "sha256_32", "sum_mv"])
    with open(os.path.join(root, "labels.csv")) as f:
        records = list(csv.DictReader(f))
    for i, record in enumerate(records):
        if record["cohort"] == "ptbxl" and i % 16 != 0 and not everything:
            continue
        out.writerow(row(root, record["path"], record["cohort"] == "ludb"))
    folder = os.path.join(root, "formats", "wfdb")
    for name in sorted(os.listdir(folder)):
        if name.endswith(".hea"):
            path = "formats/wfdb/" + name[:-4]
            try:
                out.writerow(row(root, path, False))
            except FileNotFoundError:
                sys.stderr.write("%s: its signal file is not in the collection\n" % path)


if __name__ == "__main__":
    main()
