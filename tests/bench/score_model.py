"""What the scripts about scoring share: a model of `einthoven finetune` in PyTorch, and the columns that it fills.

Needs torch, numpy, safetensors and yaml; for development only.
"""
import json
import os
import sys

import torch
from safetensors import safe_open
from torch import nn

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["EIN_BENCH_CHILD"] = "1"
arguments, sys.argv = sys.argv, [sys.argv[0], "tiny"]  # torch_mae reads arguments of its own when it is imported
from torch_mae import Block, PatchEmbed  # noqa: E402

sys.argv = arguments


class Classifier(nn.Module):
    """Encoder on all tokens, mean of the patch tokens, LayerNorm, head: core/nn/classify.h with mean pooling."""

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
        return self.head(self.fc_norm(z[:, 1:].mean(dim=1)))


def load(path):
    """The model, and its contract as a dictionary of texts."""
    with safe_open(path, framework="pt") as f:
        meta, tensors = f.metadata(), {name: f.get_tensor(name) for name in f.keys()}
    shape = json.loads(meta["einthoven.architecture"])
    if "pool" in shape or "lora" in shape:
        sys.exit(f"{path}: only models with mean pooling and without adapters are compared")
    model = Classifier(**shape)
    own = model.state_dict()
    model.load_state_dict({name: tensors[name].reshape(own[name].shape) for name in own})
    contract = dict(line.split(" = ", 1) for line in meta["einthoven.contract"].splitlines())
    return model.eval(), contract


def logit_columns(names):
    """(column of a table of scores, output of the model); regressions have a value instead of a logit."""
    outputs = [name for name in names if name.startswith(("logit:", "value:"))]
    return [(name, i) for i, name in enumerate(outputs) if name.startswith("logit:")]


