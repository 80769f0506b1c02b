#!/usr/bin/env python3
"""The peer of `einthoven score`: the same model and contract in PyTorch or ONNX Runtime, wfdb and SciPy preparing.

  score_speed.py torch|onnx THREADS model.safetensors RECORDS scores.csv      one line of JSON

THREADS of the engine, which do not spin while they wait: the worker processes have the processors then. RECORDS: a path of a WFDB header per line. Two worker processes (torch's DataLoader) read with wfdb, resample with a Kaiser
filter of the contract's own bands, crop, pad and z-score; batches of 64 go through the model, and a row
of logits per record is written. The time is that from the list of paths to the closed table: importing, loading the model
and its export to ONNX, which take seconds, are left out. Not done here, but by `einthoven score` within its time:
SHA-256 of the files, quality flags, checks of amplitudes, distances from the training set, a table in three formats.
"""
import csv
import json
import os
import resource
import sys
import time
import warnings

warnings.filterwarnings("ignore")
os.environ["OMP_WAIT_POLICY"] = "passive"
import numpy as np  # noqa: E402
import scipy.signal  # noqa: E402
import torch  # noqa: E402
import wfdb  # noqa: E402

from score_model import load  # noqa: E402

engine, threads, model_file, list_file, out_file = sys.argv[1], int(sys.argv[2]), *sys.argv[3:]
BATCH, WORKERS = 64, 2


class Records(torch.utils.data.Dataset):
    """Recordings as the contract wants them: (leads, samples), z-scored."""

    def __init__(self, paths, contract):
        if any(float(contract[key]) != 0 for key in ("notch_hz", "band_low_hz", "band_high_hz")):
            sys.exit("only contracts without filters are compared")
        self.paths, self.leads = paths, contract["leads"].split(",")
        self.fs, self.samples = int(contract["fs_hz"]), int(contract["n_samples"])
        self.mean, self.sd = float(contract["mean_mv"]), float(contract["sd_mv"])
        self.filters = {}

    def __len__(self):
        return len(self.paths)

    def window(self, fs):
        """Low-pass at the higher of the two rates: pass 0.9, stop 1.0 of the lower Nyquist frequency, 80 dB."""
        if fs not in self.filters:
            up, down = (int(n) for n in np.array([self.fs, fs]) // np.gcd(self.fs, fs))
            taps, beta = scipy.signal.kaiserord(80, 0.1 / max(up, down))
            self.filters[fs] = up, down, scipy.signal.firwin(taps | 1, 0.95 / max(up, down), window=("kaiser", beta))
        return self.filters[fs]

    def __getitem__(self, i):
        record = wfdb.rdrecord(self.paths[i], channel_names=self.leads)
        x = record.p_signal[:, [record.sig_name.index(lead) for lead in self.leads]].T
        if record.fs != self.fs:
            up, down, window = self.window(int(record.fs))
            x = scipy.signal.resample_poly(x, up, down, axis=1, window=window, padtype="reflect")
        z = np.zeros((len(self.leads), self.samples), np.float32)
        n = min(self.samples, x.shape[1])
        z[:, :n] = np.nan_to_num((x[:, :n] - self.mean) / self.sd)
        return z


def run_of(model, shape):
    if engine == "torch":
        return lambda x: model(x).numpy()
    import io

    import onnxruntime

    file = io.BytesIO()
    sink = os.dup(1)
    os.dup2(2, 1)  # the exporter talks
    torch.onnx.export(model, (torch.zeros(2, *shape),), file, input_names=["x"], output_names=["y"], dynamo=False,
                      dynamic_axes={"x": {0: "n"}, "y": {0: "n"}})
    os.dup2(sink, 1)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(file.getvalue(), options, providers=["CPUExecutionProvider"])
    return lambda x: session.run(None, {"x": x.numpy()})[0]




def processor_s():
    """Of this process and of the workers that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


torch.set_num_threads(threads)
model, contract = load(model_file)
with open(list_file) as f:
    headers = f.read().split("\n")[:-1]
records = Records([header.removesuffix(".hea") for header in headers], contract)
with torch.inference_mode():
    run = run_of(model, (len(records.leads), records.samples))
    run(torch.zeros(BATCH, len(records.leads), records.samples))
    begin, begin_cpu = time.perf_counter(), processor_s()
    loader = torch.utils.data.DataLoader(records, batch_size=BATCH, num_workers=WORKERS)
    with open(out_file, "w", newline="") as f:
        table, row = csv.writer(f), 0
        for x in loader:
            for logits in run(x):
                table.writerow([headers[row], *(repr(float(logit)) for logit in logits)])
                row += 1
    seconds = time.perf_counter() - begin
print(json.dumps({"engine": engine, "threads": threads, "records": row, "records_per_s": round(row / seconds, 2),
                  "cpu_ms_per_record": round((processor_s() - begin_cpu) / row * 1000, 3)}))
