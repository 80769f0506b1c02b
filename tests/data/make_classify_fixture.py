#!/usr/bin/env python3
"""Write classify_small.safetensors: fine-tuning steps of the reference for every kind of task and several ways to train.

Computed in float64 from float32 inputs and stored as float32.  Losses are PyTorch's own functions, attentive pooling is its
multi_head_attention_forward, adapters are merged into the weights before the plain model runs (autograd goes through the
merging), and AdamW is torch.optim.AdamW.  Encoder, fc_norm and x are shared; each case K has its own head:

  <tensor name>             encoder and fc_norm;  x (B, L, S)
  K.head.weight, K.head.bias; adapted also K.attn_pool.* and K.blocks.N.attn.{qkv,proj}.lora_{a,b}.weight
  K.target (B, targets), NaN where not known;  K.logits (B, outputs);  K.record_loss (B);  K.score (B, targets)
  K.grad.<tensor name>      of the mean of the record losses, for every tensor
  K.MODE.<tensor name>      after five steps of AdamW on the trained tensors of that mode
  K.MODE.loss_steps (6)     before each of the five steps and after the last

with K =
  binary      two logits, BCE with logits on the one-hot target with smoothing 0.001 as timm's BinaryCrossEntropy makes it
  multilabel  four labels, BCE with logits
  regression  two outputs, squared error of the z-scored target: means (60, 27), SDs (15, 4)
  several     all three kinds, weights 0.75, 2, 1.25, outputs in the order regression, binary, labels and targets in the order
              labels, binary, regression; some targets not known, one record without any; positive weights (1.5, 0.25, 3, 1)
              of the labels and 2.5 of the binary task
  adapted     multilabel with attentive pooling and adapters of rank 2
and MODE = full, top (the last 2 of 3 blocks, fc_norm, head) and, for adapted, lora (adapters, pooling, fc_norm, head) alone.
"""
import json
import pathlib
from dataclasses import asdict

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.numpy import save_file

import reference_vit as ref

SEED = 20250102
RECORDS = 4
SMOOTHING = 0.001
TOP = 2
RANK = 2
ADAMW = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
DECAY = 0.02
STEPS = 5
SHAPE = ref.Shape(leads=3, samples=40, patch=5, width=12, depth=3, heads=3, mlp=20)
LABELS, VALUES = 4, 2
MEAN, SD = torch.tensor([60.0, 27.0]), torch.tensor([15.0, 4.0])
POSITIVE = torch.tensor([1.5, 0.25, 3.0, 1.0])
BINARY_POSITIVE = 2.5


def binary(logits, target, positive=1.0):
    """(B, 2), (B, 1) -> (B)."""
    known = ~torch.isnan(target[:, 0])
    label = torch.nan_to_num(target[:, 0]).long()
    off = SMOOTHING / 2
    smooth = torch.full(logits.shape, off, dtype=logits.dtype).scatter_(1, label[:, None], 1 - SMOOTHING + off)
    each = F.binary_cross_entropy_with_logits(logits, smooth, reduction="none").mean(dim=1)
    return each * known * torch.where(label == 1, torch.tensor(positive), torch.tensor(1.0))


def multilabel(logits, target, positive=None):
    known = ~torch.isnan(target)
    each = F.binary_cross_entropy_with_logits(logits, torch.nan_to_num(target), pos_weight=positive, reduction="none")
    return (each * known).mean(dim=1)


def regression(logits, target):
    known = ~torch.isnan(target)
    each = F.mse_loss(logits, torch.nan_to_num((target - MEAN) / SD), reduction="none")
    return (each * known).mean(dim=1)


def several(logits, target):
    return (0.75 * binary(logits[:, 2:4], target[:, 4:5], BINARY_POSITIVE)
            + 2 * multilabel(logits[:, 4:], target[:, :4], POSITIVE)
            + 1.25 * regression(logits[:, :2], target[:, 5:]))


def scores(case, logits):
    if case == "binary":
        return F.softmax(logits, dim=1)[:, 1:]
    if case == "regression":
        return logits * SD + MEAN
    if case == "several":
        return torch.cat([torch.sigmoid(logits[:, 4:]), scores("binary", logits[:, 2:4]),
                          scores("regression", logits[:, :2])], dim=1)
    return torch.sigmoid(logits)


CASES = {"binary": (2, binary), "multilabel": (LABELS, multilabel), "regression": (VALUES, regression),
         "several": (2 + LABELS + VALUES, several), "adapted": (LABELS, multilabel)}


def make_target(case, rng):
    labels = rng.integers(0, 2, (RECORDS, LABELS)).astype(float)
    label = np.array([[1.0], [0.0], [1.0], [0.0]])
    values = (MEAN.numpy() + SD.numpy() * rng.standard_normal((RECORDS, VALUES))).astype(np.float32).astype(float)
    if case == "several":
        all_of_them = np.concatenate([labels, label, values], axis=1)
        for record, column in ((0, 1), (0, 5), (2, 4), (3, 0), (3, 6)):
            all_of_them[record, column] = np.nan
        all_of_them[1] = np.nan
        return all_of_them
    return {"binary": label, "regression": values}.get(case, labels)


def extra_shapes(case, s, classes):
    shapes = {"head.weight": (classes, s.width), "head.bias": (classes,)}
    if case != "adapted":
        return shapes
    shapes.update({"attn_pool.query": (1, 1, s.width),
                   "attn_pool.kv.weight": (2 * s.width, s.width), "attn_pool.kv.bias": (2 * s.width,),
                   "attn_pool.proj.weight": (s.width, s.width), "attn_pool.proj.bias": (s.width,)})
    for i in range(s.depth):
        for name, out in (("qkv", 3 * s.width), ("proj", s.width)):
            shapes[f"blocks.{i}.attn.{name}.lora_a.weight"] = (RANK, s.width)
            shapes[f"blocks.{i}.attn.{name}.lora_b.weight"] = (out, RANK)
    return shapes


def merged(p):
    """alpha = 2 RANK, so the factor alpha / RANK is 2 whatever the rank."""
    plain = {name: v for name, v in p.items() if ".lora_" not in name}
    for name in p:
        if name.endswith(".lora_a.weight"):
            base = name[:-len(".lora_a.weight")]
            plain[base + ".weight"] = p[base + ".weight"] + 2 * p[base + ".lora_b.weight"] @ p[name]
    return plain


def attend(tokens, p, s):
    """(B, N, C) -> (B, C): the query is not projected, keys and values are."""
    query = p["attn_pool.query"].expand(1, tokens.shape[0], s.width)
    weight = torch.cat([torch.eye(s.width, dtype=tokens.dtype), p["attn_pool.kv.weight"]])
    bias = torch.cat([torch.zeros(s.width, dtype=tokens.dtype), p["attn_pool.kv.bias"]])
    tokens = tokens.transpose(0, 1)
    out, _ = F.multi_head_attention_forward(query, tokens, tokens, s.width, s.heads, weight, bias, None, None, False, 0.0,
                                            p["attn_pool.proj.weight"], p["attn_pool.proj.bias"], training=False)
    return out[0]


def forward(x, p, s):
    p = merged(p)
    z = ref.with_cls(ref.embed(x, p, s), p)
    for i in range(s.depth):
        z = ref.block(z, p, f"blocks.{i}", s.heads)
    tokens = z[:, 1:]
    pooled = attend(tokens, p, s) if "attn_pool.query" in p else tokens.mean(dim=1)
    return ref.linear(ref.layer_norm(pooled, p, "fc_norm"), p, "head")


def trained(name, mode, s):
    last = name.startswith(("fc_norm.", "head.", "attn_pool."))
    if mode == "top":
        return last or any(name.startswith(f"blocks.{i}.") for i in range(s.depth - TOP, s.depth))
    return mode == "full" or last or ".lora_" in name


def adamw(x, start, s, mode, loss_of):
    """Parameters after the steps, and the loss before each and after the last."""
    p = {name: v.detach().clone() for name, v in start.items()}
    chosen = {name: v.requires_grad_(True) for name, v in p.items() if trained(name, mode, s)}
    optimizer = torch.optim.AdamW([{"params": [v for v in chosen.values() if v.ndim > 1], "weight_decay": DECAY},
                                   {"params": [v for v in chosen.values() if v.ndim == 1], "weight_decay": 0.0}], **ADAMW)
    losses = []
    for _ in range(STEPS):
        optimizer.zero_grad()
        loss = loss_of(forward(x, p, s)).mean()
        losses.append(loss.item())
        loss.backward()
        optimizer.step()
    losses.append(loss_of(forward(x, p, s)).mean().item())
    return {name: v.detach() for name, v in chosen.items()}, losses


def add_case(out, case, x, shared, s, rng):
    classes, loss_function = CASES[case]
    own = ref.random_parameters(extra_shapes(case, s, classes), rng)
    for name in own:
        if name.endswith(".lora_b.weight"):
            own[name] *= 0.125  # adapters change a model, they do not drown it: attention would become too sharp for float32
    target = make_target(case, rng)
    params = {**shared, **own}

    def loss_of(logits):
        return loss_function(logits, torch.from_numpy(target))

    def put(name, value):
        out[f"{case}.{name}"] = value.detach().numpy().astype(np.float32)

    leaves = {name: v.detach().clone().requires_grad_(True) for name, v in params.items()}
    logits = forward(x, leaves, s)
    record_loss = loss_of(logits)
    record_loss.mean().backward()
    for name, v in own.items():
        put(name, v)
    for name, v in leaves.items():
        put("grad." + name, v.grad)
    out[f"{case}.target"] = target.astype(np.float32)
    put("logits", logits)
    put("record_loss", record_loss)
    put("score", scores(case, logits))
    for mode in ("lora",) if case == "adapted" else ("full", "top"):
        after, losses = adamw(x, params, s, mode, loss_of)
        for name, v in after.items():
            put(f"{mode}.{name}", v)
        out[f"{case}.{mode}.loss_steps"] = np.array(losses, np.float32)
        print(f"{case}, {mode}: loss {' '.join(f'{v:.9f}' for v in losses)}")


def main():
    s = SHAPE
    rng = np.random.Generator(np.random.PCG64(SEED))
    x32 = (rng.standard_normal((RECORDS, s.leads, s.samples)).cumsum(axis=2) * 0.3).astype(np.float32)
    x = torch.from_numpy(x32.astype(np.float64))
    shared = ref.random_parameters(ref.classify_shapes(s, 1), rng)
    del shared["head.weight"], shared["head.bias"]
    out = {name: v.numpy().astype(np.float32) for name, v in shared.items()}
    out["x"] = x32
    torch.set_default_dtype(torch.float64)
    for case in CASES:
        add_case(out, case, x, shared, s, rng)

    metadata = {"shape": json.dumps(asdict(s)), "smoothing": str(SMOOTHING), "rank": str(RANK), "top": str(TOP),
                "optimizer": "AdamW", "lr": "1e-3", "beta1": "0.9", "beta2": "0.999", "eps": "1e-8",
                "weight_decay": str(DECAY), "steps": str(STEPS), "seed": str(SEED), "torch": torch.__version__}
    path = pathlib.Path(__file__).with_name("classify_small.safetensors")
    save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, str(path), metadata)
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
