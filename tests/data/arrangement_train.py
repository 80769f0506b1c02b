#!/usr/bin/env python3
"""Train the network of core/signal/arrangement.c and write core/signal/arrangement_weights.c.

    build/gcc/tests/bench/bench_quality --beats DATA > beats.bin
    python3 tests/data/arrangement_train.py DATA beats.bin core/signal/arrangement_weights.c

DATA: the folder of real recordings (its labels.csv). Recordings of patients whose CRC-32 is below 70 modulo 100 train, but
for those of LUDB, which is a source never seen. Thresholds come from the training patients alone: networks of two thirds of
them score the last third, and of the recordings as they are 0.7 % exceed each threshold.

A network gives an arrangement a score; what is learned is that the score of a recording as it is should be higher than
those of all changes of it that are candidates (softmax over the candidates). Changes are made on the features, which is
exact: they are means of median beats, and beats are found from the same sum whatever is exchanged.
"""
import itertools
import sys
import zlib

import numpy as np
import pandas as pd
import torch

HIDDEN, SHARE, CENTRE = 24, 0.007, 30
BINS = [(-24, -20), (-20, -16), (-16, -12), (-12, -8)] + [(q, q + 2) for q in range(-5, 11, 2)] + \
       [(11, 15), (15, 19), (19, 23), (23, 28), (28, 34), (34, 42)]
torch.set_num_threads(1)


def load(data, beats):
    labels = pd.read_csv(f"{data}/labels.csv")
    raw = np.fromfile(beats, "f4").reshape(-1, 974)
    n, mv = raw[:, 0], raw[:, 14:].reshape(-1, 12, 80)
    bins = np.stack([mv[:, :, CENTRE + a:CENTRE + b].mean(2) for a, b in BINS], 2)
    part = np.array([zlib.crc32(str(s).encode()) % 100 for s in labels.subject])
    qrs = slice(CENTRE - 6, CENTRE + 9)
    third = mv[:, 1, qrs] - mv[:, 0, qrs]
    size = np.sqrt((mv[:, 0, qrs] ** 2 + mv[:, 1, qrs] ** 2 + third ** 2).mean(1) / 3) + 1e-3
    height = mv[:, 6:, qrs].max(2) - mv[:, 6:, qrs].min(2)
    usable = (n >= 3) & (size > 0.01) & (height.min(1) > 0.01)
    return labels, part, usable, bins, size, height


def limb_changes(first, second):
    third = second - first
    return [(first, second), (-first, third), (-third, -second), (second, first), (third, -first), (-second, -third)]


def chest_changes():
    same, plain = list(range(6)), [1.0] * 6
    out = [(same, plain)]
    for i, j in itertools.combinations(range(6), 2):
        order = same[:]
        order[i], order[j] = j, i
        out.append((order, plain))
    out.append((same[::-1], plain))
    for factor in (-1.0, 10.0, 0.1):
        for i in range(6):
            times = plain[:]
            times[i] = factor
            out.append((same, times))
    return torch.tensor([o for o, _ in out]), torch.tensor([t for _, t in out])


ORDER, TIMES = chest_changes()


class Net(torch.nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.first, self.last = torch.nn.Linear(inputs, HIDDEN), torch.nn.Linear(HIDDEN, 1, bias=False)
        self.drop = torch.nn.Dropout(0.25)

    def forward(self, x):
        return self.last(self.drop(torch.relu(self.first(x))))[..., 0]


class Features:
    def __init__(self, bins, size, height, train):
        self.limb = torch.tensor(bins[:, :2] / size[:, None, None], dtype=torch.float32)
        self.chest = torch.tensor(bins[:, 6:].copy(), dtype=torch.float32)
        self.height = torch.tensor(height, dtype=torch.float32)
        self.limb_sd = torch.sqrt((self.limb[train] ** 2).mean((0, 1)))
        around = (self.chest / self.middle(self.height)[:, None, None]).clamp(-4, 4)
        self.chest_sd = torch.sqrt((around[train].clamp(-3, 3) ** 2).mean((0, 1)))

    @staticmethod
    def middle(height):
        return height.sort(-1).values[..., 2] + 1e-3

    def noisy(self, i, g):
        limb, chest, height = self.limb[i], self.chest[i], self.height[i]
        if g is not None:
            limb = limb + 0.08 * torch.randn(limb.shape, generator=g) * self.limb_sd
            chest = chest + 0.05 * torch.randn(chest.shape, generator=g) * self.chest_sd * \
                self.middle(height)[:, None, None]
        return limb, chest, height

    def limb_inputs(self, i, g=None):
        limb, chest, height = self.noisy(i, g)
        around = (chest / self.middle(height)[:, None, None]).clamp(-4, 4) / self.chest_sd
        return torch.stack([torch.cat([a / self.limb_sd, b / self.limb_sd, around.flatten(1)], 1)
                            for a, b in limb_changes(limb[:, 0], limb[:, 1])], 1)

    def chest_inputs(self, i, g=None):
        limb, chest, height = self.noisy(i, g)
        h = height[:, ORDER] * TIMES.abs()
        middle = self.middle(h)
        x = chest[:, ORDER] * TIMES[None, :, :, None] / middle[:, :, None, None] / self.chest_sd
        h = h / middle[:, :, None]
        around = (limb / self.limb_sd).flatten(1)[:, None].expand(-1, len(ORDER), -1)
        return torch.cat([(2 * x / (1 + x.abs())).flatten(2), 4 * (h / (1 + h)) - 2, around], 2)


def fit(inputs, train, batch, steps, seed):
    torch.manual_seed(seed)
    g = torch.Generator().manual_seed(seed)
    net = Net(inputs(train[:2]).shape[2])
    opt = torch.optim.AdamW(net.parameters(), lr=0.01, weight_decay=0.3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(opt, 0.01, total_steps=steps)
    for _ in range(steps):
        loss = -torch.log_softmax(net(inputs(train[torch.randint(len(train), (batch,), generator=g)], g)), 1)[:, 0]
        opt.zero_grad()
        loss.mean().backward()
        opt.step()
        schedule.step()
    return net.eval()


def scores(net, inputs, i):
    with torch.no_grad():
        return torch.cat([net(inputs(j)) for j in i.split(256)])


def threshold(g, group, least):
    """What SHARE of the recordings as they are exceed, but at least `least`: best of the group over 'as named', if it is best of all."""
    first = g[:, 1:].argmax(1) + 1
    of_group = (first[:, None] == torch.tensor(group)).any(1)
    lead = torch.where(of_group, g[:, group].max(1).values - g[:, 0], torch.tensor(-1.0))
    return max(float(np.quantile(lead.numpy(), 1 - SHARE)), least)


GROUPS = {"limb": {"LA/RA": [1], "RA/LL": [2], "LA/LL": [3], "rotated": [4, 5]},
          "chest": {"order": list(range(1, 17)), "sign": list(range(17, 23)), "scale": list(range(23, 35))}}


def quantised(net):
    """Whole numbers up to 127; a row's unit goes into the last layer, as relu(a x) = a relu(x) for a > 0."""
    w, b, v = net.first.weight.data, net.first.bias.data, net.last.weight.data[0]
    unit = w.abs().max(1).values / 127
    q = torch.round(w / unit[:, None])
    net.first.weight.data = q * unit[:, None]
    return q.int().tolist(), (b / unit).tolist(), (v * unit).tolist()


def rows(values, text, width=112):
    lines, line = [], "   "
    for v in values:
        word = " " + text(v) + ","
        if len(line) + len(word) > width:
            lines.append(line)
            line = "   "
        line += word
    return "\n".join(lines + [line])


def write(path, f, limb, chest, limits):
    number = lambda v: np.format_float_scientific(np.float32(v), trim="0", unique=True) + "f"
    with open(path, "w", encoding="ascii") as out:
        put = lambda s: out.write(s + "\n")
        put("/* Made by tests/data/arrangement_train.py from real recordings; see there and arrangement.h. */")
        put('#include "core/signal/arrangement_weights.h"\n')
        put("/* clang-format off */")
        for name, values in (("limb_unit", f.limb_sd), ("chest_unit", f.chest_sd)):
            put(f"const float ein_arrangement_{name}[EIN_ARRANGEMENT_BINS] = {{")
            put(rows((1 / values).tolist(), number) + "\n};")
        for name, (q, b, v) in (("limb", limb), ("chest", chest)):
            put(f"const int8_t ein_arrangement_{name}_first[EIN_ARRANGEMENT_"
                f"{name.upper()}_INPUTS * EIN_ARRANGEMENT_HIDDEN] = {{")
            put(rows([w for column in zip(*q) for w in column], str) + "\n};")
            put(f"const float ein_arrangement_{name}_bias[EIN_ARRANGEMENT_HIDDEN] = {{")
            put(rows(b, number) + "\n};")
            put(f"const float ein_arrangement_{name}_last[EIN_ARRANGEMENT_HIDDEN] = {{")
            put(rows(v, number) + "\n};")
        put("/* clang-format on */\n")
        for name, value in limits.items():
            put(f"const float ein_arrangement_least_{name} = {number(round(value, 2))};")


def main():
    data, beats, path = sys.argv[1:4]
    labels, part, usable, bins, size, height = load(data, beats)
    train = np.where(usable & (part < 70) & (labels.cohort != "ludb").values)[0]
    held = np.where(usable & (part >= 70) & (labels.cohort == "ptbxl").values)[0]
    f = Features(bins, size, height, train)
    out, limits = {}, {}
    for kind, inputs, batch, steps in (("limb", f.limb_inputs, 512, 1500), ("chest", f.chest_inputs, 192, 1000)):
        t, h = torch.tensor(train), torch.tensor(held)
        net = fit(inputs, t, batch, steps, 1)
        before = scores(net, inputs, h)
        out[kind] = quantised(net)
        after = scores(net, inputs, h)
        print(kind, "largest change by whole weights", float((before - after).abs().max()),
              "held-out 'as named' first:", float((after.argmax(1) == 0).float().mean()), flush=True)
        write(path, f, out["limb"], out.get("chest", out["limb"]), {"none": 0})
        third, as_is = part[train] % 3, []
        for k in range(3):
            other = fit(inputs, t[third != k], batch, steps, 2 + k)
            as_is.append(scores(other, inputs, t[third == k]))
        for name, group in GROUPS[kind].items():
            limits[name.replace("/", "_").lower()] = threshold(torch.cat(as_is), group, 2.0 if name == "rotated" else 0.5)
        print(limits, flush=True)
    write(path, f, out["limb"], out["chest"], limits)


if __name__ == "__main__":
    main()
