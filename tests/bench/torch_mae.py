#!/usr/bin/env python3
"""The peer for speed: masked-autoencoder pretraining of the same model in PyTorch on the CPU.

One step is forward, backward and AdamW on one batch.  The script prints the loss of every step with nine digits, the
records per second (median step, warm-up excluded), the rate of a large float32 matrix product in the same processes
under the same threads, and what share of it the step reaches.

  torch_mae.py tiny --write-input tiny.safetensors       weights and a batch, for both programs
  torch_mae.py tiny --input tiny.safetensors --threads 2
  torch_mae.py tiny --input tiny.safetensors --ranks 2   two processes, DistributedDataParallel over gloo, one thread each
  torch_mae.py --check ../data/mae_small.safetensors     compares with the fixture; exit 1 on a difference
  torch_mae.py tiny --best                               tries the settings worth trying and reports each

The input file holds the tensors by name, x (B, L, S) as float32, scaled, and noise (B, N): the patches of lowest noise are
seen.  The batch and its mask are the same in every step.  Batches larger than the file's are refused; smaller ones
take the first records.

Done as a PyTorch user who cares for speed would: only the seen patches are embedded and only masked ones predicted (the
loss is the same), fused attention and optimiser where the version has them, gradients as views of DDP's buckets, freed
memory kept by malloc instead of returned to the kernel and faulted in again (--malloc system to compare), a batch cut into
pieces whose activations stay in the cache (--micro).  Debian's PyTorch calls whichever libblas.so.3 is found first, by default a
serial one, so its products use one thread; --blas DIR puts another first, such as openblas-openmp's folder.
"""
import argparse
import json
import math
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "17179869184", "MALLOC_TOP_PAD_": "67108864"}
MASK_RATIO = 0.6


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("preset", nargs="?", help="tiny, small, paper, or a YAML file")
    p.add_argument("--input", metavar="FILE", help="weights and batch; drawn from --seed without it")
    p.add_argument("--write-input", metavar="FILE", help="write weights and batch, and stop")
    p.add_argument("--check", metavar="FILE", help="compare loss and gradients with a fixture, and stop")
    p.add_argument("--batch", type=int, help="records per step over all ranks; the preset's")
    p.add_argument("--threads", type=int, default=1, help="threads per rank")
    p.add_argument("--ranks", type=int, default=1, help="processes")
    p.add_argument("--micro", type=int, default=0, help="records per pass within a rank, gradients added; 0: all at once")
    p.add_argument("--blas", metavar="DIR", help="folder of the libblas.so.3 to use")
    p.add_argument("--steps", type=int, default=8, help="measured steps")
    p.add_argument("--warmup-steps", type=int, default=2)
    p.add_argument("--lr", type=float, default=1e-3)
    p.add_argument("--weight-decay", type=float, default=2e-5)
    p.add_argument("--optimizer", choices=["auto", "fused", "foreach", "loop"], default="auto")
    p.add_argument("--compile", action="store_true", help="torch.compile, from version 2 on")
    p.add_argument("--malloc", choices=["keep", "system"], default="keep")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--best", action="store_true", help="try settings, each in processes of its own")
    p.add_argument("--json", action="store_true")
    args = p.parse_args()
    if not args.preset and not args.check:
        p.error("a preset is needed")
    return args


def relaunch(args):
    """Settings that must be in the environment before the first allocation, and one process per rank."""
    env = dict(os.environ, EIN_BENCH_CHILD="1", OMP_NUM_THREADS=str(args.threads), OPENBLAS_NUM_THREADS=str(args.threads),
               MASTER_ADDR="127.0.0.1", WORLD_SIZE=str(args.ranks))
    if args.blas:
        env["LD_LIBRARY_PATH"] = args.blas
    if args.malloc == "keep":
        env.update(KEEP_MEMORY)
    if args.ranks > 1:
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            env["MASTER_PORT"] = str(s.getsockname()[1])
    children = [subprocess.Popen([sys.executable, "-W", "ignore", *sys.argv], env=dict(env, RANK=str(rank)),
                                 stdout=None if rank == 0 else subprocess.DEVNULL) for rank in range(args.ranks)]
    return max(child.wait() for child in children)


def best(args):
    base = [sys.executable, "-W", "ignore", __file__, args.preset, "--json", "--steps", str(args.steps)]
    for name in ("input", "batch"):
        if getattr(args, name):
            base += [f"--{name}", str(getattr(args, name))]
    cores = len(os.sched_getaffinity(0))
    threaded = ["--threads", str(cores)] + (["--blas", args.blas] if args.blas else [])
    settings = [["--threads", "1"], ["--threads", "1", "--micro", "16"]]
    settings += [way + more for way in (threaded, ["--ranks", str(cores)])
                 for more in ([], ["--micro", "16"], ["--micro", "32"], ["--malloc", "system"])]
    reports = []
    for setting in settings:
        run = subprocess.run(base + setting, capture_output=True, text=True)
        if run.returncode != 0:
            print(f"{' '.join(setting)}: failed\n{run.stderr[-2000:]}", file=sys.stderr)
            continue
        reports.append(json.loads(run.stdout))
        print(line(reports[-1]), file=sys.stderr)
    if not reports:
        return 1
    top = max(reports, key=lambda r: r["records_per_s"])
    first = reports[0]["losses"]
    spread = max(abs(a / b - 1) for r in reports for a, b in zip(r["losses"], first))
    if not spread <= 1e-4:
        print(f"the settings' losses differ by {spread:.1e}: they did not do the same work", file=sys.stderr)
        return 1
    print(json.dumps({"best": top, "all": reports}) if args.json else "best: " + line(top))
    return 0


def line(r):
    return (f"{r['preset']} batch {r['batch']}: {r['ranks']} rank(s) x {r['threads']} thread(s), micro {r['micro']}, "
            f"malloc {r['malloc']}, torch {r['torch']}: {r['records_per_s']:.2f} records/s, {r['gflops']:.1f} GFLOP/s = "
            f"{r['share_of_sgemm']:.3f} of sgemm ({r['sgemm_gflops']:.1f} GFLOP/s)")


args = arguments()
if __name__ == "__main__" and not os.environ.get("EIN_BENCH_CHILD"):
    sys.exit(best(args) if args.best else relaunch(args))

import torch
import torch.nn.functional as F
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import nn

VERSION = tuple(int(v) for v in torch.__version__.split(".")[:2])


class Shape:
    def __init__(self, leads, samples, patch, width, depth, heads, mlp, dec_width, dec_depth, dec_heads, dec_mlp, **_):
        self.leads, self.samples, self.patch = leads, samples, patch
        self.width, self.depth, self.heads, self.mlp = width, depth, heads, mlp
        self.dec_width, self.dec_depth, self.dec_heads, self.dec_mlp = dec_width, dec_depth, dec_heads, dec_mlp
        self.patches, self.values = samples // patch, leads * patch
        self.keep = int(self.patches * (1 - MASK_RATIO))

    @staticmethod
    def from_preset(name):
        import yaml
        path = pathlib.Path(name)
        if not path.suffix:
            path = pathlib.Path(__file__).parents[2] / "jobs" / "presets" / f"{name}.yaml"
        y = yaml.safe_load(path.read_text())
        c, m = y["contract"], {k.replace("decoder_", "dec_"): v for k, v in y["model"].items()}
        return Shape(leads=len(c["leads"]), samples=c["samples"], **m), y["train"]["batch"]

    def gflop_per_record(self):
        """Multiply-adds of matrix products count 2; backward twice the forward, but no gradient of the input."""
        def blocks(tokens, width, mlp, depth):
            return depth * (2 * tokens * (4 * width * width + 2 * width * mlp) + 4 * tokens * tokens * width)
        embed = 2 * self.keep * self.values * self.width
        rest = (blocks(self.keep + 1, self.width, self.mlp, self.depth)
                + 2 * (self.keep + 1) * self.width * self.dec_width
                + blocks(self.patches + 1, self.dec_width, self.dec_mlp, self.dec_depth)
                + 2 * (self.patches - self.keep) * self.dec_width * self.values)
        return (2 * embed + 3 * rest) / 1e9


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x):
        records, tokens, width = x.shape
        q, k, v = self.qkv(x).view(records, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        if VERSION >= (2, 0):
            y = F.scaled_dot_product_attention(q, k, v)
        else:
            y = ((q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1)).softmax(dim=-1) @ v
        return self.proj(y.transpose(1, 2).reshape(records, tokens, width))


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
    def __init__(self, s):
        super().__init__()
        self.proj = nn.Conv1d(s.leads, s.width, s.patch, s.patch)

    def forward(self, patches):
        return F.linear(patches, self.proj.weight.flatten(1), self.proj.bias)


class MaskedAutoencoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.cls_token = nn.Parameter(torch.zeros(1, 1, s.width))
        self.pos_embed = nn.Parameter(torch.zeros(1, s.patches + 1, s.width))
        self.patch_embed = PatchEmbed(s)
        self.blocks = nn.ModuleList(Block(s.width, s.heads, s.mlp) for _ in range(s.depth))
        self.norm = nn.LayerNorm(s.width, eps=1e-6)
        self.decoder_embed = nn.Linear(s.width, s.dec_width)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, s.dec_width))
        self.decoder_pos_embed = nn.Parameter(torch.zeros(1, s.patches + 1, s.dec_width))
        self.decoder_blocks = nn.ModuleList(Block(s.dec_width, s.dec_heads, s.dec_mlp) for _ in range(s.dec_depth))
        self.decoder_norm = nn.LayerNorm(s.dec_width, eps=1e-6)
        self.decoder_pred = nn.Linear(s.dec_width, s.values)
        self.initialise()

    def initialise(self):
        for module in self.modules():
            if isinstance(module, (nn.Linear, nn.Conv1d)):
                nn.init.xavier_uniform_(module.weight.data.flatten(1))
                nn.init.zeros_(module.bias)
        for token in (self.cls_token, self.pos_embed, self.mask_token, self.decoder_pos_embed):
            nn.init.normal_(token, std=0.02)

    def forward(self, x, order):
        """x (B, L, S); order (B, N): patches by rising noise.  Returns the mean loss of the masked patches."""
        s, records = self.s, x.shape[0]
        patches = x.view(records, s.leads, s.patches, s.patch).transpose(1, 2)  # (B, N, L, P)
        seen, masked = order[:, :s.keep], order[:, s.keep:]
        row = torch.arange(records).unsqueeze(1)

        z = self.patch_embed(patches[row, seen].flatten(2)) + self.pos_embed[0, 1:][seen]
        z = torch.cat([(self.cls_token + self.pos_embed[:, :1]).expand(records, -1, -1), z], dim=1)
        for block in self.blocks:
            z = block(z)
        d = self.decoder_embed(self.norm(z))

        back = order.argsort(dim=1)
        d_all = torch.cat([d[:, 1:], self.mask_token.expand(records, s.patches - s.keep, -1)], dim=1)
        d_all = d_all.gather(1, back.unsqueeze(-1).expand(-1, -1, s.dec_width))
        d = torch.cat([d[:, :1], d_all], dim=1) + self.decoder_pos_embed
        for block in self.decoder_blocks:
            d = block(d)
        prediction = self.decoder_pred(self.decoder_norm(d[row, masked + 1]))

        target = patches[row, masked].transpose(2, 3).flatten(2)
        variance, mean = torch.var_mean(target, dim=-1, unbiased=True, keepdim=True)
        return F.mse_loss(prediction, (target - mean) * (variance + 1e-6).rsqrt())


def read(path, names=None):
    with safe_open(path, framework="pt") as f:
        return {k: f.get_tensor(k) for k in (names or f.keys())}, f.metadata() or {}


def load_weights(model, tensors, path):
    own = model.state_dict()
    missing = [name for name in own if name not in tensors]
    if missing:
        sys.exit(f"{path}: {len(missing)} tensors of the model are missing, the first is {missing[0]}")
    model.load_state_dict({name: tensors[name].reshape(own[name].shape) for name in own})


def synthetic_batch(s, batch, generator):
    x = torch.randn(batch, s.leads, s.samples, generator=generator).cumsum(-1)
    return (x - x.mean(-1, keepdim=True)) / x.std(), torch.rand(batch, s.patches, generator=generator)


def write_input(args, s, batch):
    torch.manual_seed(args.seed)
    model = MaskedAutoencoder(s)
    x, noise = synthetic_batch(s, batch, torch.Generator().manual_seed(args.seed))
    out = {name: v.numpy() for name, v in model.state_dict().items()}
    out.update(x=x.contiguous().numpy(), noise=noise.numpy())
    save_file(out, args.write_input, {"preset": args.preset, "batch": str(batch), "seed": str(args.seed)})
    print(f"{args.write_input}: {sum(v.numel() for v in model.parameters())} parameters, batch {batch}")
    return 0


def make_optimizer(model, args):
    groups = [{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": args.weight_decay},
              {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0}]
    kind = args.optimizer
    if kind == "auto":
        kind = "fused" if VERSION >= (2, 4) else "foreach"
    flags = {"fused": {"fused": True}, "foreach": {"foreach": True}, "loop": {}}[kind]
    return torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.999), eps=1e-8, **flags), kind


def check(path):
    tensors, metadata = read(path)
    s = Shape(**json.loads(metadata["shape"]))
    failed = False
    for dtype, tolerance in ((torch.float64, 1e-6), (torch.float32, 1e-5)):
        model = MaskedAutoencoder(s)
        load_weights(model, tensors, path)
        model.to(dtype)
        order = torch.argsort(tensors["noise"], dim=1, stable=True)
        loss = model(tensors["x"].to(dtype), order)
        loss.backward()
        errors = {"loss": abs(loss.item() / tensors["loss"].item() - 1)}
        for name, p in model.named_parameters():
            expected = tensors["grad." + name].to(dtype)
            errors[name] = ((p.grad - expected).norm() / expected.norm()).item()
        worst = max(errors, key=errors.get)
        failed |= not errors[worst] <= tolerance
        print(f"{dtype}: loss {loss.item():.9f}, largest relative error {errors[worst]:.2e} ({worst}), "
              f"bound {tolerance:.0e}")
    return int(failed)


def product_gflops(size=2048, repeats=5):
    a, b = torch.randn(size, size), torch.randn(size, size)
    c = a @ b
    rates = []
    for _ in range(repeats):
        begin = time.perf_counter()
        torch.mm(a, b, out=c)
        rates.append(2 * size ** 3 / (time.perf_counter() - begin) / 1e9)
    return statistics.median(rates)


def sgemm_gflops(threads):
    """What this process's share of the cores can do: one product on all its threads, or one product on each, whichever is
    faster (a serial BLAS uses one thread whatever it is told)."""
    together = product_gflops()
    if threads == 1:
        return together
    torch.set_num_threads(1)
    with ThreadPoolExecutor(threads) as pool:
        apart = sum(pool.map(lambda _: product_gflops(), range(threads)))
    torch.set_num_threads(threads)
    return max(together, apart)


def train_step(model, optimizer, x, order, micro):
    """Returns the mean loss over x; gradients of the pieces are added, and exchanged with the last one."""
    optimizer.zero_grad(set_to_none=not hasattr(model, "no_sync"))
    total = torch.zeros(())
    for first in range(0, len(x), micro):
        piece = slice(first, min(first + micro, len(x)))
        last = piece.stop == len(x)
        with nullcontext() if last or not hasattr(model, "no_sync") else model.no_sync():
            loss = model(x[piece], order[piece]) * ((piece.stop - piece.start) / len(x))
            loss.backward()
        total += loss.detach()
    optimizer.step()
    return total


def main():
    if args.check:
        return check(args.check)
    s, batch = Shape.from_preset(args.preset)
    batch = args.batch or batch
    if args.write_input:
        return write_input(args, s, batch)
    rank, size = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    if batch % size:
        sys.exit(f"a batch of {batch} does not divide over {size} ranks")
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    model = MaskedAutoencoder(s)
    if args.input:
        tensors, _ = read(args.input)
        load_weights(model, tensors, args.input)
        x, noise = tensors["x"], tensors["noise"]
        if len(x) < batch:
            sys.exit(f"{args.input} holds {len(x)} records, the batch is {batch}")
        del tensors
    else:
        x, noise = synthetic_batch(s, batch, torch.Generator().manual_seed(args.seed))
    share = batch // size
    x = x[rank * share:(rank + 1) * share].contiguous()
    order = torch.argsort(noise[rank * share:(rank + 1) * share], dim=1, stable=True)

    step_model = model
    if size > 1:
        torch.distributed.init_process_group("gloo")
        step_model = nn.parallel.DistributedDataParallel(model, gradient_as_bucket_view=True)
    if args.compile:
        step_model = torch.compile(step_model)
    optimizer, kind = make_optimizer(model, args)

    losses, times = [], []
    for _ in range(args.warmup_steps + args.steps):
        if size > 1:
            torch.distributed.barrier()
        begin = time.perf_counter()
        losses.append(train_step(step_model, optimizer, x, order, args.micro or share))
        times.append(time.perf_counter() - begin)
    losses = torch.stack(losses).double()
    rate = torch.tensor(sgemm_gflops(args.threads), dtype=torch.float64)
    if size > 1:
        torch.distributed.all_reduce(losses)
        losses /= size
        torch.distributed.all_reduce(rate)
    if rank != 0:
        return 0

    step_s = statistics.median(times[args.warmup_steps:])
    gflops = batch / step_s * s.gflop_per_record()
    report = {"preset": args.preset, "batch": batch, "ranks": size, "threads": args.threads, "micro": args.micro,
              "malloc": args.malloc, "optimizer": kind, "compile": args.compile, "torch": torch.__version__,
              "parameters": sum(p.numel() for p in model.parameters()), "losses": [round(v, 9) for v in losses.tolist()],
              "step_s": step_s, "records_per_s": batch / step_s, "gflop_per_record": s.gflop_per_record(),
              "gflops": gflops, "sgemm_gflops": rate.item(), "share_of_sgemm": gflops / rate.item()}
    if args.json:
        print(json.dumps(report))
    else:
        for i, value in enumerate(losses.tolist()):
            print(f"step {i}: loss {value:.9f}")
        print(line(report))
    return 0


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.exit(main())
