"""What the scripts about scoring share: a model of `einthoven finetune` in PyTorch, and the columns that it fills.

Needs torch, numpy, safetensors and yaml; for development only.
"""
import json
import os
import sys

import torch
import yaml
from safetensors import safe_open
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["EIN_BENCH_CHILD"] = "1"
arguments, sys.argv = sys.argv, [sys.argv[0], "tiny"]  # torch_mae reads arguments of its own when it is imported
from torch_mae import Block, PatchEmbed  # noqa: E402

sys.argv = arguments


class Classifier(nn.Module):
    """Encoder on all tokens, mean of the patch tokens, LayerNorm, head: core/nn/classify.h with mean pooling.

    Gives a column per logit or value, as tables of scores have them."""

    def __init__(self, leads, samples, patch, width, depth, heads, mlp, classes, **_):
        super().__init__()
        self.leads, self.samples, self.patch, self.patches, self.width = leads, samples, patch, samples // patch, width
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, self.patches + 1, width))
        self.patch_embed = PatchEmbed(self)
        self.blocks = nn.ModuleList(Block(width, heads, mlp) for _ in range(depth))
        self.fc_norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, classes)

    def forward(self, x):
        z = self.patch_embed(x.view(-1, self.leads, self.patches, self.patch).transpose(1, 2).flatten(2))
        z = torch.cat([self.cls_token.expand(z.shape[0], -1, -1), z], dim=1) + self.pos_embed
        for block in self.blocks:
            z = block(z)
        y = self.head(self.fc_norm(z[:, 1:].mean(dim=1)))
        return torch.stack([y[:, i] if j is None else y[:, i] - y[:, j] for i, j in self.columns], dim=1)


def columns_of(tasks, classes):
    """(output, output that is taken off) of each column of scores, from the tasks of a model."""
    columns, at = [], 0
    for task in tasks:
        if task["kind"] == "binary":
            columns.append((at + 1, at))
            at += 2
        elif task["kind"] in ("multilabel", "regression"):
            n = len(task["columns"])
            columns += [(i, None) for i in range(at, at + n)]
            at += n
        else:
            sys.exit(f"{task['kind']}: only binary, multilabel and regression are compared")
    if at != classes:
        sys.exit(f"the tasks have {at} outputs, the head {classes}")
    return columns


def load(path):
    """The model, and its contract as a dictionary of texts."""
    with safe_open(path, framework="pt") as f:
        meta, tensors = f.metadata(), {name: f.get_tensor(name) for name in f.keys()}
    shape = json.loads(meta["einthoven.architecture"])
    if "pool" in shape or "lora" in shape:
        sys.exit(f"{path}: only models with mean pooling and without adapters are compared")
    model = Classifier(**shape)
    own = model.state_dict()
    model.columns = columns_of(yaml.safe_load(json.loads(meta["einthoven.tasks"])["tasks"])["tasks"], shape["classes"])
    model.load_state_dict({name: tensors[name].reshape(own[name].shape) for name in own})
    contract = dict(line.split(" = ", 1) for line in meta["einthoven.contract"].splitlines())
    return model.eval(), contract


def logit_columns(names):
    """(column of a table of scores, number of the model's column); regressions have a value instead of a logit."""
    outputs = [name for name in names if name.startswith(("logit:", "value:"))]
    return [(name, i) for i, name in enumerate(outputs) if name.startswith("logit:")]


