#!/usr/bin/env python3
"""The same fine-tuning in PyTorch: from the same initial weights, on the same records in the same order.

  torch_finetune.py CELL --initial FILE --tasks YAML [--source FILE]   train, and compare with CELL/metrics.csv
  torch_finetune.py --scores SCORES.csv --model FILE --corpus FILE     score, and compare with a table of `evaluate`

CELL is the run folder of one model (results/run/superclass/top-4-s1).  From it come metrics.csv and, from
config.resolved.yaml, corpus, split, batch and recipe; everything else is made here anew: input from the counts of the
corpus, targets from its columns and a task file, the split by folds, shards and permutations (written from core/records/order.h
and core/base/philox.h), the schedule, the model, the losses, AdamW, and AUROC or R2 of the validation records after each epoch.
--initial has the weights that training begins with, the head among them: best.safetensors of a run with train.lr=0 and
train.warmup_lr=0.  With --source its encoder is held against the pretrained model.

Exit 1 if a loss of the first --updates updates differs by more than --bound, relatively, or a score by more than
--score-bound.  --double computes in float64, which tells whose rounding a difference is.  Speed is told as records per
second of the median update, and per second of processor time over all updates but the first with the validations between
them, which other programs on the machine disturb less.

Needs torch, numpy, yaml, h5py and safetensors; for development only.
"""
import argparse
import csv
import json
import math
import pathlib
import re
import sys
import time

import h5py
import numpy as np
import torch
import torch.nn.functional as F
import yaml
from safetensors import safe_open
from torch import nn

MISSING = -32768
SHUFFLE = 3  # what a draw is for: the order of records
MASK = np.uint64(0xFFFFFFFF)


# --- order of records ------------------------------------------------------------------------------------------

def philox(seed, purpose, a, b):
    """First two words of Philox 4x32-10 at counters (a low, a high, b, purpose), for an array b."""
    word = lambda v: np.broadcast_to(np.asarray(v, np.uint64), b.shape).copy()
    c = [word(a & 0xFFFFFFFF), word(a >> 32), b.astype(np.uint64), word(purpose)]
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32
    for _ in range(10):
        p0, p1 = c[0] * np.uint64(0xD2511F53), c[2] * np.uint64(0xCD9E8D57)
        c = [(p1 >> np.uint64(32)) ^ c[1] ^ np.uint64(k0), p1 & MASK, (p0 >> np.uint64(32)) ^ c[3] ^ np.uint64(k1), p0 & MASK]
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c[0], c[1]


def permutation(seed, a, count):
    """Fisher and Yates from the last element down; the draw for element i stands at block i."""
    order = list(range(count))
    i = np.arange(count)
    high, low = philox(seed, SHUFFLE, a, i)
    j = ((high << np.uint64(32)) | low) % (i + 1).astype(np.uint64)
    for n in range(count - 1, 0, -1):
        m = int(j[n])
        order[n], order[m] = order[m], order[n]
    return order


def epoch_order(count, run, window, seed, epoch, shard):
    name = lambda which: shard | epoch << 20 | which << 40
    runs = permutation(seed, name(0), -(-count // run))
    order = [i for r in runs for i in range(r * run, min((r + 1) * run, count))]
    result = []
    for first in range(0, count, window):
        part = order[first:first + window]
        result += [part[i] for i in permutation(seed, name(1 + first // window), len(part))]
    return result


def share(total, rank, size):
    """First and count of a contiguous run; larger ones first."""
    count = total // size + (rank < total % size)
    return rank * (total // size) + min(rank, total % size), count


def batches(n, slots, per_slot, run, window, seed, epochs):
    """Places of the training records of each update, epoch by epoch."""
    shards = [share(n, s, slots) for s in range(slots)]
    steps = -(-max(count for _, count in shards) // per_slot)
    for epoch in range(epochs):
        order = [[first + i for i in epoch_order(count, run, window, seed, epoch, s)] for s, (first, count) in enumerate(shards)]
        for step in range(steps):
            yield epoch, step == steps - 1, [i for o in order for i in o[step * per_slot:(step + 1) * per_slot]]


# --- records and targets -----------------------------------------------------------------------------------------

def contract_value(text, key):
    return float(re.search(rf"^{key} = (\S+)$", text, re.M).group(1))


def read_input(corpus, index, mean, sd):
    counts = corpus["signal"][:][index]
    mv = counts.astype(np.float32) * corpus["scale"][:][index][:, None, None]
    x = (mv - np.float32(mean)) / np.float32(sd)
    return torch.from_numpy(np.where(counts == MISSING, np.float32(0), x))


def statements_of(cell):
    return set(filter(None, cell.decode().split("|")))


def read_targets(corpus, task):
    """(N, targets), NaN where not known; names of the targets."""
    if "text" in task:
        column = next(c for c in task["text"] if c in corpus["text"])
        cells = [statements_of(v) for v in corpus["text"][column][:]]
        groups = task["statements"]
        groups = groups if isinstance(groups, dict) else {s: [s] for s in groups}
        y = np.array([[float(bool(c & set(g))) for g in groups.values()] if c else [math.nan] * len(groups) for c in cells])
        names = list(groups)
    else:
        names = task["columns"]
        y = np.stack([corpus[c if c in ("age", "sex") else "labels/" + c][:] for c in names], axis=1).astype(np.float64)
        if "valid" in task:
            y[(y < task["valid"][0]) | (y > task["valid"][1])] = math.nan
    if task.get("include") == "positive":
        y[~(y == 1).any(axis=1)] = math.nan
    return y, names


def split_by_fold(corpus, split):
    if split["by"] != "fold":
        sys.exit("only split.by=fold is known here")
    folds = corpus["labels"][split["column"]][:]
    part = np.where(np.isnan(folds), "none", "train").astype("U5")
    part[np.isin(folds, [float(f) for f in split["valid"]])] = "valid"
    part[np.isin(folds, [float(f) for f in split["test"]])] = "test"
    return part


# --- model -------------------------------------------------------------------------------------------------------

class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        records, tokens, width = x.shape
        q, k, v = self.qkv(x).view(records, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        weights = ((q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1)
        return self.proj((weights @ v).transpose(1, 2).reshape(records, tokens, width))


class Mlp(nn.Module):
    def __init__(self, width, mlp):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(width, mlp), nn.Linear(mlp, width)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, width, heads, mlp):
        super().__init__()
        self.norm1, self.attn = nn.LayerNorm(width, eps=1e-6), Attention(width, heads)
        self.norm2, self.mlp = nn.LayerNorm(width, eps=1e-6), Mlp(width, mlp)

    def forward(self, x):
        x = x + self.attn(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class PatchEmbed(nn.Module):
    def __init__(self, leads, patch, width):
        super().__init__()
        self.proj = nn.Conv1d(leads, width, patch, patch)

    def forward(self, x):
        """(B, L, S) -> (B, N, C); the convolution written as the product that it is."""
        w = self.proj.weight
        patches = x.view(len(x), w.shape[1], -1, w.shape[2]).transpose(1, 2).flatten(2)
        return F.linear(patches, w.flatten(1), self.proj.bias)


class Classifier(nn.Module):
    """The encoder without its final norm, the mean of the patch tokens, fc_norm, head."""

    def __init__(self, a, outputs):
        super().__init__()
        width, patches = a["width"], a["samples"] // a["patch"]
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, patches + 1, width))
        self.patch_embed = PatchEmbed(a["leads"], a["patch"], width)
        self.blocks = nn.ModuleList(Block(width, a["heads"], a["mlp"]) for _ in range(a["depth"]))
        self.fc_norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, outputs)

    def forward(self, x):
        z = self.patch_embed(x)
        z = torch.cat([self.cls_token.expand(len(z), -1, -1), z], dim=1) + self.pos_embed
        for block in self.blocks:
            z = block(z)
        return self.head(self.fc_norm(z[:, 1:].mean(dim=1)))

    def choose(self, arm):
        """Which parameters are trained: the arm is top-K, full, linear or scratch."""
        depth, top = len(self.blocks), re.fullmatch(r"top-(\d+)", arm)
        last = ("fc_norm.", "head.")
        if top:
            last += tuple(f"blocks.{i}." for i in range(depth - int(top.group(1)), depth))
        elif arm not in ("full", "scratch", "linear"):
            sys.exit(f"{arm}: only top-K, full, linear and scratch are known here")
        for name, p in self.named_parameters():
            p.requires_grad_(arm in ("full", "scratch") or name.startswith(last))


def read_model(path):
    with safe_open(path, framework="pt") as f:
        metadata = f.metadata()
        tensors = {name: f.get_tensor(name) for name in f.keys()}
    return tensors, json.loads(metadata["einthoven.architecture"]), metadata["einthoven.contract"], metadata.get("einthoven.tasks")


def load(model, tensors):
    own = model.state_dict()
    if set(own) != set(tensors):
        sys.exit(f"tensors differ: {sorted(set(own) ^ set(tensors))[:4]}")
    model.load_state_dict({name: tensors[name].reshape(own[name].shape) for name in own})


# --- losses, scores, schedule ------------------------------------------------------------------------------------

def record_loss(kind, logits, y, mean, sd, smoothing):
    """(B): the mean over outputs; a target that is not known adds nothing."""
    known, y = ~torch.isnan(y), torch.nan_to_num(y)
    if kind == "binary":
        on = torch.cat([1 - y, y], dim=1) * (1 - smoothing) + smoothing / 2
        return F.binary_cross_entropy_with_logits(logits, on, reduction="none").mean(dim=1) * known[:, 0]
    if kind == "multilabel":
        return (F.binary_cross_entropy_with_logits(logits, y, reduction="none") * known).mean(dim=1)
    return (F.mse_loss(logits, (y - mean) / sd, reduction="none") * known).mean(dim=1)


def scores_of(kind, logits, mean, sd):
    if kind == "binary":
        return logits.softmax(dim=1)[:, 1:]
    return logits.sigmoid() if kind == "multilabel" else logits * sd + mean


def rate(t, lr, warmup_lr, warmup, total, k):
    if t < warmup:
        return warmup_lr + t * (lr - warmup_lr) / warmup
    return lr / 2 * (1 + math.cos(math.pi * (t / total) ** k))


def auroc(score, label):
    """Share of pairs of a positive and a negative in which the positive is higher; a tie counts one half."""
    p, n = score[label == 1], np.sort(score[label == 0])
    below, upto = np.searchsorted(n, p, "left"), np.searchsorted(n, p, "right")
    return ((below + upto) / 2).sum() / (len(p) * len(n)) if len(p) and len(n) else math.nan


def judge(kind, score, y):
    values = []
    for j in range(y.shape[1]):
        known = ~np.isnan(y[:, j])
        s, l = score[known, j], y[known, j]
        values.append(auroc(s, l) if kind != "regression" else 1 - ((l - s) ** 2).sum() / ((l - l.mean()) ** 2).sum())
    return np.nanmean(values)


# --- the two jobs ----------------------------------------------------------------------------------------------

def find_task(path, name):
    return next(t for t in yaml.safe_load(pathlib.Path(path).read_text())["tasks"] if t["name"] == name)


def read_metrics(path):
    """loss and lr by update, validation values by update."""
    with open(path) as f:
        rows = list(csv.DictReader(f))
    value = next(k for k in rows[0] if k.startswith("validation_"))
    losses = {int(r["step"]): (float(r["loss"]), float(r["lr"])) for r in rows if r["loss"]}
    return losses, {int(r["step"]): float(r[value]) for r in rows if r[value]}, value


def compare_source(initial, path):
    source = read_model(path)[0]
    shared = [name for name in initial if name in source]
    if not shared or not all(torch.equal(initial[n].flatten(), source[n].flatten()) for n in shared):
        sys.exit("the initial weights are not those of the source")
    own = sorted(set(initial) - set(shared))
    if any(not name.startswith(("fc_norm.", "head.")) for name in own):
        sys.exit(f"not of the source: {own}")


def validate(model, kind, x, y, fit):
    model.eval()
    with torch.no_grad():
        score = torch.cat([scores_of(kind, model(part), *fit) for part in x.split(128)])
    model.train()
    return judge(kind, score.double().numpy(), y)


def train(args):
    cell = pathlib.Path(args.cell)
    task_name, arm, seed = re.fullmatch(r"(.+)/(.+)-s(\d+)", "/".join(cell.parts[-2:])).groups()
    config = yaml.safe_load((cell / "config.resolved.yaml").read_text())
    recipe, seed = config["train"], int(seed)
    task = find_task(args.tasks, task_name)
    kind = task["kind"]
    dtype = torch.float64 if args.double else torch.float32
    ours, ours_value, value_name = read_metrics(cell / "metrics.csv")

    corpus = h5py.File(args.corpus or config["data"]["corpus"])
    initial, architecture, contract, _ = read_model(args.initial)
    if args.source:
        compare_source(initial, args.source)
    y, _ = read_targets(corpus, task)
    part = split_by_fold(corpus, config["split"])
    known = ~np.isnan(y).all(axis=1)
    train_index, valid_index = np.flatnonzero(known & (part == "train")), np.flatnonzero(known & (part == "valid"))
    norm = contract_value(contract, "mean_mv"), contract_value(contract, "sd_mv")
    x, x_valid = (read_input(corpus, i, *norm).to(dtype) for i in (train_index, valid_index))
    fit = (torch.zeros(1), torch.ones(1))
    if kind == "regression":
        fit = tuple(torch.tensor(v, dtype=dtype) for v in (np.nanmean(y[train_index], axis=0), np.nanstd(y[train_index], axis=0, ddof=1)))
    target = torch.from_numpy(y[train_index]).to(dtype)

    model = Classifier(architecture, initial["head.bias"].numel())
    load(model, initial)
    model.to(dtype)
    model.choose(arm)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW([{"params": [p for p in trained if p.ndim > 1], "weight_decay": recipe["weight_decay"]},
                                   {"params": [p for p in trained if p.ndim <= 1], "weight_decay": 0.0}],
                                  betas=(recipe["beta1"], recipe["beta2"]), eps=float(recipe["eps"]), foreach=True)

    slots, n = recipe["slots"], len(train_index)
    if slots == 0:
        sys.exit("train.slots must be given: 0 is resolved by the program")
    per_slot = min(recipe["batch"] // slots, -(-n // slots))
    steps = -(-(-(-n // slots)) // per_slot)
    schedule = dict(lr=float(recipe["lr"]), warmup_lr=float(recipe["warmup_lr"]), warmup=round(recipe["warmup_epochs"] * steps),
                    total=recipe["epochs"] * steps, k=recipe["k_decay"])
    loss_error, rate_error, value_error, values, times = [], 0.0, [], [], []
    update = records_done = 0
    for epoch, last, places in batches(n, slots, per_slot, recipe["shuffle_run"], recipe["shuffle_window"], seed, recipe["epochs"]):
        if update >= min(args.updates, len(ours)):
            break
        places = torch.tensor(places)
        began = time.perf_counter()
        lr = rate(update, **schedule)
        for group in optimizer.param_groups:
            group["lr"] = lr
        optimizer.zero_grad(set_to_none=True)
        loss = 0.0
        for some in places.split(args.micro or len(places)):
            share_of = record_loss(kind, model(x[some]), target[some], *fit, task.get("smoothing", 0.001)).sum() / len(places)
            share_of.backward()
            loss += share_of.item()
        optimizer.step()
        times.append((time.perf_counter() - began) / len(places))
        update += 1
        records_done += len(places)
        if update == 1:
            cpu_began, records_done = time.process_time(), 0
        loss_error.append(abs(loss / ours[update][0] - 1))
        rate_error = max(rate_error, abs(lr - ours[update][1]) / max(lr, 1e-30))
        if args.verbose:
            print(f"{update} {len(places)} {loss:.9f} {ours[update][0]:.9f} {loss_error[-1]:.2e}")
        if last:
            value = validate(model, kind, x_valid, y[valid_index], fit)
            values.append((value, ours_value[update]))
            value_error.append(abs(value - ours_value[update]))
    cpu_s = time.process_time() - cpu_began
    report = {"task": task_name, "kind": kind, "arm": arm, "records": n, "batch": slots * per_slot, "updates": update,
              "dtype": str(dtype)[6:], "threads": torch.get_num_threads(), "first_loss": ours[1][0], "last_loss": ours[update][0],
              "largest_loss_error": max(loss_error), "at_update": 1 + int(np.argmax(loss_error)),
              "mean_loss_error": float(np.mean(loss_error)), "largest_rate_error": rate_error, "value": value_name,
              "last_value_torch": values[-1][0] if values else None, "last_value": values[-1][1] if values else None,
              "largest_value_difference": max(value_error, default=None), "trained_on": records_done, "records_per_s": 1 / float(np.median(times[1:])), "records_per_cpu_s": records_done / cpu_s}
    show(report, args.json)
    return int(not report["largest_loss_error"] <= args.bound or not rate_error <= 1e-6)


def score(args):
    tensors, architecture, contract, tasks = read_model(args.model)
    tasks = json.loads(tasks)
    task = yaml.safe_load(tasks["tasks"])["tasks"][0]
    corpus = h5py.File(args.corpus)
    with open(args.scores) as f:
        rows = list(csv.DictReader(f))
    columns = [k for k in rows[0] if k.startswith("score")]
    place = {v.decode(): i for i, v in enumerate(corpus["record_id"][:])}
    expected = np.array([[float(r[c]) for c in columns] for r in rows])
    x = read_input(corpus, np.array([place[r["record"]] for r in rows]), contract_value(contract, "mean_mv"), contract_value(contract, "sd_mv"))
    model = Classifier(architecture, tensors["head.bias"].numel())
    load(model, tensors)
    dtype = torch.float64 if args.double else torch.float32
    model.to(dtype).eval()
    fit = [torch.tensor([t[k] for t in tasks["targets"]], dtype=dtype) for k in ("mean", "sd")]
    with torch.no_grad():
        got = torch.cat([scores_of(task["kind"], model(part.to(dtype)), *fit) for part in x.split(128)]).double().numpy()
    difference = np.abs(got - expected)
    report = {"task": task["name"], "kind": task["kind"], "records": len(rows), "scores": int(got.size), "dtype": str(dtype)[6:],
              "largest_difference": float(difference.max()),
              "largest_relative_difference": float((difference / np.abs(expected)).max())}
    show(report, args.json)
    return int(not report["largest_relative_difference"] <= args.score_bound)


def show(report, as_json):
    print(json.dumps(report) if as_json else "\n".join(f"{k:26} {v}" for k, v in report.items()), flush=True)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("cell", nargs="?", help="run folder of one model")
    p.add_argument("--initial", metavar="FILE", help="weights to begin with")
    p.add_argument("--source", metavar="FILE", help="pretrained model that they must agree with")
    p.add_argument("--tasks", metavar="YAML", help="file that describes the task")
    p.add_argument("--corpus", metavar="FILE", help="default: that of the run")
    p.add_argument("--scores", metavar="CSV", help="scores.csv of evaluate with one model")
    p.add_argument("--model", metavar="FILE", help="that model")
    p.add_argument("--updates", type=int, default=200, help="updates to compare")
    p.add_argument("--bound", type=float, default=1e-3, help="largest relative difference of a loss")
    p.add_argument("--score-bound", type=float, default=1e-4, help="largest relative difference of a score")
    p.add_argument("--micro", type=int, default=0, help="records per pass, gradients added; 0: the batch at once")
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--double", action="store_true", help="compute in float64")
    p.add_argument("--verbose", action="store_true", help="print the loss of each update")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    if args.scores:
        return score(args)
    if not (args.cell and args.initial and args.tasks):
        p.error("CELL, --initial and --tasks are needed")
    return train(args)


if __name__ == "__main__":
    sys.exit(main())
