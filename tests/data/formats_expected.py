#!/usr/bin/env python3
"""Expectations for the readers of vendor formats, decoded by independent programs.

    formats_expected.py FOLDER_OF_REAL_DATA > formats_expected.csv

Columns as those of wfdb_expected.csv (SHA-256 of float32 mV, lead by lead), with reader and version behind them. Counts come
from the independent reader, mV are counts times the stated unit in float64. What is ours: calibration pulses of Philips
files are cut off (io/ecg/counts.h). Made with sierraecg 0.4.0, ecgdatakit 2.0.3, pydicom 3.0.2:

    python3 -m venv VENV && VENV/bin/pip install sierraecg ecgdatakit pydicom
"""
import csv
import hashlib
import importlib.metadata
import os
import sys

import numpy as np


def sierra(path):
    """ecgdatakit restores III to aVF in 32 bits as the format's description says; sierraecg in 16."""
    import sierraecg
    counts = np.array([lead.samples for lead in sierraecg.read_file(path).leads]).astype(np.int64)
    same = (counts == counts[0]).all(axis=0)
    end = counts.shape[1]
    while same[end - 1]:
        end -= 1
    return counts[:, :end] * (5 / 1000), 500, "sierraecg"


def kit(path):
    from ecgdatakit import FileParser
    leads = FileParser().parse(path).leads
    mv = [np.rint(lead.samples * 1000 / lead.resolution) * (lead.resolution / 1000) for lead in leads]
    return np.array(mv), leads[0].sampling_rate, "ecgdatakit"


def dicom(path):
    import pydicom
    group = pydicom.dcmread(path).WaveformSequence[0]
    raw = np.frombuffer(group.WaveformData, "<i2").reshape(-1, group.NumberOfWaveformChannels).T
    uv = [float(c.ChannelSensitivity) * float(c.ChannelSensitivityCorrectionFactor)
          for c in group.ChannelDefinitionSequence]
    return raw.astype(float) * (np.array(uv)[:, None] / 1000), float(group.SamplingFrequency), "pydicom"


def edf(path):
    """pyedflib refuses the file for a unit that is not ASCII."""
    from ecgdatakit import FileParser
    lead = [lead for lead in FileParser().parse(path).leads if lead.label == "ECG"][0]
    zero, per = -lead.offset / lead.resolution, lead.resolution
    counts = np.rint(lead.samples * 1000 / per + zero)
    return np.array([(counts - zero) * (per * 1e-3)]), lead.sampling_rate, "ecgdatakit"


FILES = [("formats/sierra/sierra-1_03.xml", sierra), ("formats/sierra/sierra-1_04_01.xml", sierra),
         ("formats/aecg/example.xml", kit), ("formats/aecg/minimum.xml", kit),
         ("formats/dicom/waveform_ecg.dcm", dicom), ("formats/wfdb/test_generator_2.edf", edf)]


def main():
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(["path", "leads", "samples", "fs_hz", "sha256_32", "sum_mv", "reader", "version"])
    for name, read in FILES:
        mv, fs, reader = read(os.path.join(sys.argv[1], name))
        mv = mv.astype("<f4")
        out.writerow([name, *mv.shape, "%.17g" % fs, hashlib.sha256(mv.tobytes()).hexdigest()[:32],
                      "%.6f" % np.sum(mv.astype(np.float64)), reader, importlib.metadata.version(reader)])


if __name__ == "__main__":
    main()
