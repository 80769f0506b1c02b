#!/usr/bin/env python3
"""Write mae_small.safetensors: one masked-autoencoder step of the reference, and five AdamW steps.

Computed in float64 from float32 inputs and stored as float32:
  <tensor name>          the parameters
  grad.<tensor name>     the gradient of the loss for every parameter
  adamw5.<tensor name>   the parameters after five steps of AdamW on the same batch and mask
  x (B, L, S), noise (B, N), ids_keep (B, K), ids_mask (B, N - K), loss (1), loss_steps (6): the loss before each of
  the five steps and after the last; target and predictions (B, N, P L), latent (B, K + 1, C)
The metadata hold the shape and AdamW's constants.

Three patches are special, and all are masked: one varies by about 1e-3 so that the 1e-6 inside the root of the
z-score matters, one is constant (its target is 0), and one is constant in one lead only.
"""
import json
import pathlib
from dataclasses import asdict

import numpy as np
import torch
from safetensors.numpy import save_file

import reference_vit as ref

SEED = 20250101
RECORDS = 3
MASK_RATIO = 0.6
ADAMW = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}
DECAY = 0.02  # far above the recipe's 2e-5: five steps must show it
STEPS = 5


def signal(s, rng, masked):
    x = rng.standard_normal((RECORDS, s.leads, s.samples)).cumsum(axis=2) * 0.3
    x -= x.mean(axis=2, keepdims=True)

    def patch(record, n):
        at = masked[record, n] * s.patch
        return x[record, :, at:at + s.patch]

    patch(0, 0)[...] = 0.125 + 1e-3 * rng.standard_normal((s.leads, s.patch))
    patch(1, 1)[...] = 0.25
    patch(2, 2)[1, :] = -0.5
    return x.astype(np.float32)


def loss_and_gradients(x, params, s, seen, masked):
    for v in params.values():
        v.grad = None
    loss, predictions, latent = ref.mae(x, params, s, seen, masked)
    loss.backward()
    return loss.detach(), predictions.detach(), latent.detach()


def adamw(x, params, s, seen, masked):
    """Returns the loss before each step and after the last; params are updated in place."""
    groups = [{"params": [v for v in params.values() if v.ndim > 1], "weight_decay": DECAY},
              {"params": [v for v in params.values() if v.ndim == 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, **ADAMW)
    losses = []
    for _ in range(STEPS):
        losses.append(loss_and_gradients(x, params, s, seen, masked)[0].item())
        optimizer.step()
    losses.append(ref.mae(x, params, s, seen, masked)[0].item())
    return losses


def main():
    s = ref.SMALL
    rng = np.random.Generator(np.random.PCG64(SEED))
    keep = int(s.patches * (1 - MASK_RATIO))
    params = ref.random_parameters(ref.pretrain_shapes(s), rng)
    noise = rng.random((RECORDS, s.patches)).astype(np.float32)
    seen, masked = ref.ids_from_noise(noise, keep)
    x32 = signal(s, rng, masked)
    x = torch.from_numpy(x32.astype(np.float64))

    out = {name: v.numpy().astype(np.float32) for name, v in params.items()}
    for v in params.values():
        v.requires_grad_(True)
    loss, predictions, latent = loss_and_gradients(x, params, s, seen, masked)
    out.update({"grad." + name: v.grad.numpy().astype(np.float32) for name, v in params.items()})
    losses = adamw(x, params, s, seen, masked)
    out.update({"adamw5." + name: v.detach().numpy().astype(np.float32) for name, v in params.items()})
    out.update(x=x32, noise=noise, ids_keep=seen.astype(np.float32), ids_mask=masked.astype(np.float32),
               loss=np.array([loss], np.float32), loss_steps=np.array(losses, np.float32),
               predictions=predictions.numpy().astype(np.float32), latent=latent.numpy().astype(np.float32),
               target=ref.targets(x, s).numpy().astype(np.float32))

    metadata = {"shape": json.dumps(asdict(s)), "mask_ratio": str(MASK_RATIO), "optimizer": "AdamW",
                "lr": "1e-3", "beta1": "0.9", "beta2": "0.999", "eps": "1e-8", "weight_decay": str(DECAY),
                "steps": str(STEPS), "seed": str(SEED), "torch": torch.__version__}
    path = pathlib.Path(__file__).with_name("mae_small.safetensors")
    save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, str(path), metadata)
    print(f"{path.name}: {path.stat().st_size} bytes, {ref.count(ref.pretrain_shapes(s))} parameters, "
          f"loss {loss.item():.9f}, losses {' '.join(f'{v:.9f}' for v in losses)}")


if __name__ == "__main__":
    main()
