#!/usr/bin/env python3
"""The peer for scoring: forward passes of the same classifier in PyTorch and in ONNX Runtime, weights drawn at random.

  torch_score.py tiny --threads 2      one line of JSON for each engine and batch size; the last one is the best

Encoder on all tokens, mean of the patch tokens, LayerNorm, head of 44 outputs, as core/nn/classify.h. PyTorch runs eager
and compiled, in inference mode; ONNX Runtime, where it and onnx are installed, with all graph optimisations on a model
that PyTorch exports.
"""
import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import warnings

OUTPUTS = 44
BATCHES = (1, 8, 32)


def arguments():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("preset", help="tiny, small, paper, or a YAML file")
    p.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    p.add_argument("--seconds", type=float, default=3, help="of measuring for each setting")
    p.add_argument("--no-compile", action="store_true")
    return p.parse_args()


args = arguments()
os.environ["EIN_BENCH_CHILD"] = "1"
sys.argv = [sys.argv[0], args.preset]  # torch_mae reads its own arguments when it is imported
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import torch  # noqa: E402
from torch import nn  # noqa: E402
from torch_mae import Block, PatchEmbed, Shape  # noqa: E402


class Classifier(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.s = s
        self.cls_token = nn.Parameter(torch.randn(1, 1, s.width) * 0.02)
        self.pos_embed = nn.Parameter(torch.randn(1, s.patches + 1, s.width) * 0.02)
        self.patch_embed = PatchEmbed(s)
        self.blocks = nn.ModuleList(Block(s.width, s.heads, s.mlp) for _ in range(s.depth))
        self.fc_norm, self.head = nn.LayerNorm(s.width, eps=1e-6), nn.Linear(s.width, OUTPUTS)

    def forward(self, x):
        s = self.s
        patches = x.view(-1, s.leads, s.patches, s.patch).transpose(1, 2).flatten(2)
        z = self.patch_embed(patches)
        z = torch.cat([self.cls_token.expand(z.shape[0], -1, -1), z], dim=1) + self.pos_embed
        for block in self.blocks:
            z = block(z)
        return self.head(self.fc_norm(z[:, 1:].mean(dim=1)))


def rate(run, batch):
    """Records per second of the median pass."""
    times, begin = [], time.perf_counter()
    run()
    while len(times) < 4 or time.perf_counter() - begin < args.seconds:
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return batch / statistics.median(times)


def torch_runs(model, s):
    ways = [("eager", model)] + ([] if args.no_compile else [("compiled", torch.compile(model))])
    for name, way in ways:
        for batch in BATCHES:
            x = torch.randn(batch, s.leads, s.samples)
            with torch.inference_mode():
                try:
                    yield f"PyTorch {torch.__version__} {name}", batch, rate(lambda: way(x), batch)
                except Exception as error:  # no compiler on this machine, say
                    print(f"{name}: {error}"[:300], file=sys.stderr)
                    break


def onnx_runs(model, s):
    try:
        import onnx  # noqa: F401
        import onnxruntime
    except ImportError as error:
        print(f"no ONNX Runtime: {error}", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.onnx")
        for batch in BATCHES:
            x = torch.randn(batch, s.leads, s.samples)
            torch.onnx.export(model, (x,), path, input_names=["x"], output_names=["logits"])
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = args.threads
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            values = x.numpy()
            yield (f"ONNX Runtime {onnxruntime.__version__}", batch,
                   rate(lambda: session.run(None, {"x": values}), batch))


def main():
    torch.set_num_threads(args.threads)
    s, _ = Shape.from_preset(args.preset)
    model = Classifier(s).eval()
    reports = []
    for runs in (torch_runs, onnx_runs):
        try:
            for program, batch, records in runs(model, s):
                reports.append({"program": program, "what": "forward", "preset": args.preset, "threads": args.threads,
                                "batch": batch, "records_per_s": round(records, 2)})
                print(json.dumps(reports[-1]), file=sys.stderr)
        except Exception as error:
            print(f"{runs.__name__}: {error}"[:300], file=sys.stderr)
    if not reports:
        return 1
    print(json.dumps(max(reports, key=lambda r: r["records_per_s"])))
    return 0


if __name__ == "__main__":
    warnings.filterwarnings("ignore")
    sys.exit(main())
