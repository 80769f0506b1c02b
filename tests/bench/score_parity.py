#!/usr/bin/env python3
"""The logits of `einthoven score` against PyTorch, which loads the same model file and gets the same input.

  einthoven score corpus.h5 --model model.safetensors --out scored
  score_parity.py model.safetensors corpus.h5 scored/scores.csv       exit 1 unless all lie within --within

The input are the corpus's counts, times their scale, z-scored as the contract says. A value that is not there on either
side is a difference. Needs h5py beside what score_model.py needs.
"""
import argparse
import csv
import sys

import h5py
import numpy as np
import torch

from score_model import load, logit_columns

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("model")
parser.add_argument("corpus")
parser.add_argument("scores")
parser.add_argument("--within", type=float, default=1e-4)
args = parser.parse_args()

model, contract = load(args.model)
with open(args.scores, newline="") as f:
    rows = [row for row in csv.DictReader(f) if row["status"] == "ok"]
columns = logit_columns(rows[0].keys())
number = [int(row["source"].rsplit("#", 1)[1]) for row in rows]
worst, compared, missing, largest = 0.0, 0, 0, 0.0
with h5py.File(args.corpus, "r") as corpus, torch.inference_mode():
    for begin in range(0, len(rows), 32):
        part = slice(begin, begin + 32)
        records = number[part]
        mv = corpus["signal"][records].astype(np.float32) * corpus["scale"][records].astype(np.float32)[:, None, None]
        x = (mv - np.float32(contract["mean_mv"])) / np.float32(contract["sd_mv"])
        logits = model(torch.from_numpy(x)).numpy()
        for row, theirs in zip(rows[part], logits):
            for column, output in columns:
                difference = abs(float(row[column] or "nan") - float(theirs[output]))
                missing += not difference == difference
                compared += 1
                largest = max(largest, abs(float(theirs[output])))
                if difference > worst:
                    worst = difference
print(f"{args.model}: {len(rows)} records, {compared} logits up to {largest:.3g} compared with PyTorch {torch.__version__}, "
      f"{missing} missing; largest difference {worst:.3g}")
sys.exit(0 if compared > 0 and missing == 0 and worst <= args.within else 1)
