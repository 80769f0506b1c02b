#!/usr/bin/env python3
"""Write schedule_expected.csv: the learning rate before each update, from the formula.

  t < W:  warmup_lr + t (lr - warmup_lr) / W          W = warm-up epochs x updates per epoch
  t >= W: lr / 2 (1 + cos(pi (t / T)^k))              T = epochs x updates per epoch, warm-up included
The cosine does not start anew after the warm-up: at t = W it is already (W / T)^k along, which k = 7 makes tiny.
t counts updates done, so the first update uses warmup_lr.  t >= T gives 0.

Given a folder with timm's scheduler modules (`--timm DIR`, DIR/timm/scheduler/cosine_lr.py), every row is also
compared with timm's CosineLRScheduler(k_decay=7, t_in_epochs=False, warmup_prefix=False).
"""
import argparse
import csv
import importlib
import math
import pathlib
import sys
import types

CASES = [  # name, lr, warm-up lr, warm-up epochs, epochs, updates per epoch, k
    ("paper", 1e-3, 1e-5, 5, 300, 2031, 7.0),
    ("tiny", 1e-3, 1e-5, 5, 60, 7, 7.0),
    ("finetune", 5e-5, 1e-5, 5, 100, 9, 1.0),
    ("no-warmup", 5e-4, 1e-5, 0, 10, 13, 7.0),
]


def rate(t, lr, warmup_lr, warmup, total, k):
    if t < warmup:
        return warmup_lr + t * (lr - warmup_lr) / warmup
    if t >= total:
        return 0.0
    return 0.5 * lr * (1 + math.cos(math.pi * (t / total) ** k))


def moments(warmup, total):
    near = {0, 1, 2, warmup - 1, warmup, warmup + 1, total - 2, total - 1, total, total + 1}
    spread = {round(total * i / 24) for i in range(25)}
    return sorted(t for t in near | spread if t >= 0)


def timm_scheduler(folder, lr, warmup_lr, warmup, total, k):
    import torch
    for name in ("timm", "timm.scheduler"):  # bypasses timm's own __init__, which wants torchvision
        module = types.ModuleType(name)
        module.__path__ = [str(pathlib.Path(folder, *name.split(".")))]
        sys.modules.setdefault(name, module)
    cosine = importlib.import_module("timm.scheduler.cosine_lr").CosineLRScheduler
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr)
    scheduler = cosine(optimizer, t_initial=total, lr_min=0.0, warmup_t=warmup, warmup_lr_init=warmup_lr,
                       warmup_prefix=False, t_in_epochs=False, k_decay=k)

    def at(t):
        if t > 0:
            scheduler.step_update(t)
        return optimizer.param_groups[0]["lr"]
    return at


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--timm", metavar="DIR")
    args = parser.parse_args()
    path = pathlib.Path(__file__).with_name("schedule_expected.csv")
    worst = 0.0
    with open(path, "w", newline="") as f:
        out = csv.writer(f, lineterminator="\n")
        out.writerow(["case", "lr", "warmup_lr", "warmup_updates", "total_updates", "k_decay", "update", "expected_lr"])
        for name, lr, warmup_lr, warmup_epochs, epochs, updates, k in CASES:
            warmup, total = warmup_epochs * updates, epochs * updates
            theirs = timm_scheduler(args.timm, lr, warmup_lr, warmup, total, k) if args.timm else None
            for t in moments(warmup, total):
                value = rate(t, lr, warmup_lr, warmup, total, k)
                out.writerow([name, lr, warmup_lr, warmup, total, k, t, repr(value)])
                if theirs:
                    difference = abs(theirs(t) - value)
                    worst = max(worst, difference)
                    if not difference <= 1e-15:
                        print(f"{name}: update {t}: {value!r} here, {theirs(t)!r} in timm")
    print(f"{path.name} written" + (f"; largest difference from timm {worst:.3g}" if args.timm else ""))


if __name__ == "__main__":
    main()
