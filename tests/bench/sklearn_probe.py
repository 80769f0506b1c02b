#!/usr/bin/env python3
"""The last probe of a pretraining run again, with PyTorch's features and scikit-learn's models.

  sklearn_probe.py RUN --tasks YAML [--penalty P ...]

Features are the mean patch tokens of RUN/model.safetensors (the last probe is of these weights) for the records of the probe's
corpus, standardised on the train part; models are LogisticRegression(C = 1 / (n P)) and Ridge(alpha = n P) with P =
probe.penalty.  Exit 1 if a task's value differs from RUN/probe.csv by more than --bound.  With --penalty also the values
under other penalties.  Splits by folds only; for development.  Needs what torch_finetune.py needs, and scikit-learn.
"""
import argparse
import csv
import pathlib
import sys
import warnings

import h5py
import numpy as np
import torch
import yaml
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score

import torch_finetune as tf


def features(path, corpus, index):
    tensors, architecture, contract, _ = tf.read_model(path)
    model = tf.Classifier(architecture, 1)
    own = model.state_dict()
    model.load_state_dict({name: tensors[name].reshape(v.shape) if name in tensors else v for name, v in own.items()})
    model.fc_norm, model.head = torch.nn.Identity(), torch.nn.Identity()
    x = tf.read_input(corpus, index, tf.contract_value(contract, "mean_mv"), tf.contract_value(contract, "sd_mv"))
    with torch.no_grad():
        return torch.cat([model(part) for part in x.split(128)]).double().numpy()


def value_of(kind, f, y, train, valid, penalty):
    """Mean over targets that can be estimated, and how many."""
    values = []
    for column in y.T:
        known = ~np.isnan(column)
        t, v = train & known, valid & known
        if len(set(column[t])) < 2 or len(set(column[v])) < 2:
            continue
        if kind == "regression":
            mean, sd = column[t].mean(), column[t].std(ddof=1)
            model = Ridge(alpha=t.sum() * penalty).fit(f[t], (column[t] - mean) / sd)
            values.append(r2_score(column[v], mean + sd * model.predict(f[v])))
        else:
            model = LogisticRegression(C=1 / (t.sum() * penalty), tol=1e-10, max_iter=10000).fit(f[t], column[t])
            values.append(roc_auc_score(column[v], model.decision_function(f[v])))
    return np.mean(values), len(values)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("run")
    p.add_argument("--tasks", metavar="YAML", required=True)
    p.add_argument("--penalty", type=float, nargs="*", default=[])
    p.add_argument("--bound", type=float, default=1e-3)
    args = p.parse_args()
    run = pathlib.Path(args.run)
    config = yaml.safe_load((run / "config.resolved.yaml").read_text())
    with open(run / "probe.csv") as file:
        rows = list(csv.DictReader(file))
    corpus = h5py.File(config["probe"]["corpus"] or config["data"]["corpus"])
    part = tf.split_by_fold(corpus, config["split"])
    tasks = {t["name"]: t for t in yaml.safe_load(pathlib.Path(args.tasks).read_text())["tasks"]}
    last = [r for r in rows if r["step"] == rows[-1]["step"]]
    targets = {r["task"]: tf.read_targets(corpus, tasks[r["task"]])[0] for r in last}
    # Standardised on the train records of which any task knows something, as all tasks share the features.
    index = np.flatnonzero(np.isin(part, ("train", "valid")) & np.any([~np.isnan(y).all(axis=1) for y in targets.values()], axis=0))
    f, train, valid = features(run / "model.safetensors", corpus, index), part[index] == "train", part[index] == "valid"
    f = (f - f[train].mean(axis=0)) / f[train].std(axis=0)
    failed = False
    for row in last:
        kind, y = tasks[row["task"]]["kind"], targets[row["task"]][index]
        value, estimated = value_of(kind, f, y, train, valid, config["probe"]["penalty"])
        difference = abs(value - float(row["value"]))
        failed |= not difference <= args.bound or estimated != int(row["estimated"])
        print(f"{row['task']}: {row['measure']} {float(row['value']):.6f}, scikit-learn {value:.6f}, difference {difference:.1e}; "
              f"{estimated} of {row['targets']} targets, {train.sum()} and {valid.sum()} records")
        for penalty in args.penalty:
            print(f"  penalty {penalty:g}: {value_of(kind, f, y, train, valid, penalty)[0]:.4f}")
    return int(failed)


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.exit(main())
