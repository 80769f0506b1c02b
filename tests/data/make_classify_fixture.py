#!/usr/bin/env python3
"""Write classify_small.safetensors: forward and backward pass of encoder, fc_norm and head for three kinds of task.

Computed in float64 from float32 inputs and stored as float32.  The encoder's parameters, fc_norm and x are shared;
each kind K has its own head:
  <tensor name>             encoder and fc_norm;  x (B, L, S)
  K.head.weight, K.head.bias, K.target, K.logits (B, classes), K.loss (1), K.grad.<tensor name> for every parameter
with K =
  binary      two logits, cross-entropy with smoothing 0.001, target (B) = class 0 or 1; K.score (B) = softmax[1]
  multilabel  four logits, binary cross-entropy on each, mean over records and labels, target (B, 4) = 0 or 1
  regression  one output, mean squared error, target (B, 1)
"""
import json
import pathlib
from dataclasses import asdict

import numpy as np
import torch
from safetensors.numpy import save_file

import reference_vit as ref

SEED = 20250102
RECORDS = 3
SMOOTHING = 0.001
CLASSES = {"binary": 2, "multilabel": 4, "regression": 1}


def make_target(kind, rng):
    if kind == "binary":
        return np.array([1, 0, 1])
    if kind == "multilabel":
        return np.array([[1, 0, 0, 1], [0, 0, 0, 0], [1, 1, 0, 1]], float)
    return rng.standard_normal((RECORDS, 1)).astype(np.float32).astype(float)


def loss_of(kind, scores, target):
    if kind == "binary":
        return ref.cross_entropy(scores, target, SMOOTHING)
    if kind == "multilabel":
        return ref.binary_cross_entropy(scores, torch.from_numpy(target))
    return ref.mean_squared_error(scores, torch.from_numpy(target))


def main():
    s = ref.Shape(**{**asdict(ref.SMALL), "dec_width": 0, "dec_depth": 0, "dec_heads": 0, "dec_mlp": 0})
    rng = np.random.Generator(np.random.PCG64(SEED))
    x32 = (rng.standard_normal((RECORDS, s.leads, s.samples)).cumsum(axis=2) * 0.3).astype(np.float32)
    x = torch.from_numpy(x32.astype(np.float64))
    shared = ref.random_parameters(ref.classify_shapes(s, 1), rng)
    del shared["head.weight"], shared["head.bias"]
    out = {name: v.numpy().astype(np.float32) for name, v in shared.items()}
    out["x"] = x32

    for kind, classes in CLASSES.items():
        head_shapes = {"head.weight": (classes, s.width), "head.bias": (classes,)}
        params = {**shared, **ref.random_parameters(head_shapes, rng)}
        params = {name: v.detach().clone().requires_grad_(True) for name, v in params.items()}
        target = make_target(kind, rng)
        scores = ref.logits(x, params, s)
        loss = loss_of(kind, scores, target)
        loss.backward()
        for name in head_shapes:
            out[f"{kind}.{name}"] = params[name].detach().numpy().astype(np.float32)
        out.update({f"{kind}.grad.{name}": v.grad.numpy().astype(np.float32) for name, v in params.items()})
        out[f"{kind}.target"] = target.astype(np.float32)
        out[f"{kind}.logits"] = scores.detach().numpy().astype(np.float32)
        out[f"{kind}.loss"] = np.array([loss.item()], np.float32)
        if kind == "binary":
            out["binary.score"] = torch.softmax(scores.detach(), dim=1)[:, 1].numpy().astype(np.float32)
        print(f"{kind}: loss {loss.item():.9f}")

    metadata = {"shape": json.dumps(asdict(s)), "smoothing": str(SMOOTHING), "seed": str(SEED),
                "torch": torch.__version__}
    path = pathlib.Path(__file__).with_name("classify_small.safetensors")
    save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, str(path), metadata)
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
