"""Reference of the one-dimensional vision transformer and its masked autoencoder, in PyTorch.

Written from the description of the method alone (Moody et al., NEJM AI 2025; tensor names of timm's ViT and of the MAE
code) and on purpose free of cleverness: one function per step, einsum for every product that has more than one reading,
every normalisation spelled out.  It exists to make the fixtures of this folder; speed is the business of tests/bench.

Letters: B records, L leads, S samples, P patch length, N patches, T = N + 1 tokens (slot 0 is CLS), C width, H heads.
Parameters are a dict from tensor name to tensor.
"""
import math
from dataclasses import dataclass

import numpy as np
import torch


@dataclass
class Shape:
    leads: int
    samples: int
    patch: int
    width: int
    depth: int
    heads: int
    mlp: int
    dec_width: int = 0
    dec_depth: int = 0
    dec_heads: int = 0
    dec_mlp: int = 0
    classes: int = 0

    @property
    def patches(self):
        return self.samples // self.patch

    @property
    def patch_values(self):
        return self.leads * self.patch


SMALL = Shape(leads=3, samples=60, patch=6, width=24, depth=2, heads=3, mlp=40,
              dec_width=20, dec_depth=2, dec_heads=2, dec_mlp=28)


def block_shapes(prefix, width, mlp):
    return {
        f"{prefix}.norm1.weight": (width,), f"{prefix}.norm1.bias": (width,),
        f"{prefix}.attn.qkv.weight": (3 * width, width), f"{prefix}.attn.qkv.bias": (3 * width,),
        f"{prefix}.attn.proj.weight": (width, width), f"{prefix}.attn.proj.bias": (width,),
        f"{prefix}.norm2.weight": (width,), f"{prefix}.norm2.bias": (width,),
        f"{prefix}.mlp.fc1.weight": (mlp, width), f"{prefix}.mlp.fc1.bias": (mlp,),
        f"{prefix}.mlp.fc2.weight": (width, mlp), f"{prefix}.mlp.fc2.bias": (width,),
    }


def encoder_shapes(s):
    """The encoder without its last normalisation."""
    shapes = {
        "cls_token": (1, 1, s.width),
        "pos_embed": (1, s.patches + 1, s.width),
        "patch_embed.proj.weight": (s.width, s.leads, s.patch),
        "patch_embed.proj.bias": (s.width,),
    }
    for i in range(s.depth):
        shapes.update(block_shapes(f"blocks.{i}", s.width, s.mlp))
    return shapes


def pretrain_shapes(s):
    shapes = encoder_shapes(s)
    shapes.update({"norm.weight": (s.width,), "norm.bias": (s.width,),
                   "decoder_embed.weight": (s.dec_width, s.width), "decoder_embed.bias": (s.dec_width,),
                   "mask_token": (1, 1, s.dec_width),
                   "decoder_pos_embed": (1, s.patches + 1, s.dec_width)})
    for i in range(s.dec_depth):
        shapes.update(block_shapes(f"decoder_blocks.{i}", s.dec_width, s.dec_mlp))
    shapes.update({"decoder_norm.weight": (s.dec_width,), "decoder_norm.bias": (s.dec_width,),
                   "decoder_pred.weight": (s.patch_values, s.dec_width), "decoder_pred.bias": (s.patch_values,)})
    return shapes


def classify_shapes(s, classes):
    shapes = encoder_shapes(s)
    shapes.update({"fc_norm.weight": (s.width,), "fc_norm.bias": (s.width,),
                   "head.weight": (classes, s.width), "head.bias": (classes,)})
    return shapes


def count(shapes):
    return sum(math.prod(shape) for shape in shapes.values())


def random_parameters(shapes, rng):
    """Values that leave no term at rest: biases, normalisation gains and tokens are far from 0 and 1, and the
    query/key weights large enough for attention to differ from uniform.  Rounded to float32, held as float64."""
    values = {}
    for name, shape in shapes.items():
        v = rng.standard_normal(shape)
        if ".norm" in name or name.startswith(("norm.", "fc_norm.", "decoder_norm.")):
            v = 1 + 0.3 * v if name.endswith("weight") else 0.2 * v
        elif name.endswith("bias"):
            v = 0.2 * v
        elif name in ("cls_token", "pos_embed", "mask_token", "decoder_pos_embed"):
            v = 0.5 * v
        else:
            fan_in = math.prod(shape[1:])
            v = (1.7 if "qkv" in name else 1.0) * v / math.sqrt(fan_in)
        values[name] = torch.from_numpy(v.astype(np.float32).astype(np.float64))
    return values


def layer_norm(x, p, prefix, eps=1e-6):
    mean = x.mean(dim=-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=-1, keepdim=True)  # biased: over C, not C - 1
    return (x - mean) / torch.sqrt(variance + eps) * p[prefix + ".weight"] + p[prefix + ".bias"]


def linear(x, p, prefix):
    return torch.einsum("...i,oi->...o", x, p[prefix + ".weight"]) + p[prefix + ".bias"]


def gelu(x):
    return 0.5 * x * (1 + torch.erf(x / math.sqrt(2.0)))


def attention(x, p, prefix, heads):
    """qkv rows: query of all heads, key of all heads, value of all heads; head h owns the columns [h d, (h + 1) d)."""
    width = x.shape[-1]
    dim = width // heads
    qkv = linear(x, p, prefix + ".qkv")
    q, k, v = qkv[..., :width], qkv[..., width:2 * width], qkv[..., 2 * width:]
    outputs = []
    for h in range(heads):
        own = slice(h * dim, (h + 1) * dim)
        logits = torch.einsum("bqd,bkd->bqk", q[..., own], k[..., own]) * dim ** -0.5
        weights = torch.exp(logits - logits.max(dim=-1, keepdim=True).values.detach())
        weights = weights / weights.sum(dim=-1, keepdim=True)
        outputs.append(torch.einsum("bqk,bkd->bqd", weights, v[..., own]))
    return linear(torch.cat(outputs, dim=-1), p, prefix + ".proj")


def block(x, p, prefix, heads):
    x = x + attention(layer_norm(x, p, prefix + ".norm1"), p, prefix + ".attn", heads)
    return x + linear(gelu(linear(layer_norm(x, p, prefix + ".norm2"), p, prefix + ".mlp.fc1")), p, prefix + ".mlp.fc2")


def embed(x, p, s):
    """(B, L, S) -> (B, N, C): token t = sum over c, p of w[:, c, p] x[c, P t + p], plus its position (slot t + 1)."""
    patches = x.reshape(x.shape[0], s.leads, s.patches, s.patch)
    tokens = torch.einsum("blnp,clp->bnc", patches, p["patch_embed.proj.weight"]) + p["patch_embed.proj.bias"]
    return tokens + p["pos_embed"][:, 1:]


def with_cls(tokens, p):
    cls = p["cls_token"] + p["pos_embed"][:, :1]
    return torch.cat([cls.expand(tokens.shape[0], 1, -1), tokens], dim=1)


def ids_from_noise(noise, keep):
    """Patches in rising order of their noise: the first `keep` are seen, the others masked."""
    order = np.argsort(noise, axis=1, kind="stable")
    return order[:, :keep], order[:, keep:]


def targets(x, s):
    """(B, L, S) -> (B, N, P L): time-major, lead-minor, z-scored with the unbiased variance, eps inside the root."""
    patches = x.reshape(x.shape[0], s.leads, s.patches, s.patch)
    values = torch.einsum("blnp->bnpl", patches).reshape(x.shape[0], s.patches, s.patch_values)
    mean = values.mean(dim=-1, keepdim=True)
    variance = ((values - mean) ** 2).sum(dim=-1, keepdim=True) / (s.patch_values - 1)
    return (values - mean) / torch.sqrt(variance + 1e-6)


def mae(x, p, s, seen, masked):
    """Masked autoencoder.  seen (B, K), masked (B, N - K): patch numbers.  Returns loss, predictions (B, N, P L) and
    latent (B, K + 1, C), the encoder's normalised output."""
    records = x.shape[0]
    row = torch.arange(records)[:, None]
    seen, masked = torch.as_tensor(seen), torch.as_tensor(masked)

    z = with_cls(embed(x, p, s)[row, seen], p)
    for i in range(s.depth):
        z = block(z, p, f"blocks.{i}", s.heads)
    latent = layer_norm(z, p, "norm")

    d = linear(latent, p, "decoder_embed")
    grid = p["mask_token"].expand(records, s.patches, -1).clone()
    grid = grid.index_put((row.expand_as(seen), seen), d[:, 1:])
    d = torch.cat([d[:, :1], grid], dim=1) + p["decoder_pos_embed"]
    for i in range(s.dec_depth):
        d = block(d, p, f"decoder_blocks.{i}", s.dec_heads)
    predictions = linear(layer_norm(d, p, "decoder_norm"), p, "decoder_pred")[:, 1:]

    per_patch = ((predictions - targets(x, s)) ** 2).mean(dim=-1)
    return per_patch[row, masked].mean(), predictions, latent
