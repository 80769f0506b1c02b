#!/usr/bin/env python3
"""Resident memory of `einthoven score` over a long archive, and the share of time in which the models were busy.

  score_memory.py einthoven model.safetensors RECORDS N WORK

Makes N inputs in WORK/archive: symbolic links to the WFDB records below RECORDS, as many times as it takes, a thousand to a
folder. Scores them into WORK/scored (csv alone) and prints the resident memory at every tenth of the blocks, then what the
program says at its end.
"""
import os
import pathlib
import subprocess
import sys
import time

program, model, records, wanted, work = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4]), pathlib.Path(sys.argv[5])
headers = sorted(path.resolve() for path in records.rglob("*.hea"))
for i in range(wanted):
    folder = work / "archive" / f"{i // len(headers):05d}-{i % len(headers) // 1000:02d}"
    header = headers[i % len(headers)]
    folder.mkdir(parents=True, exist_ok=True)
    for file in (header, header.with_suffix(".dat")):
        if not (folder / file.name).is_symlink():
            (folder / file.name).symlink_to(file)

block = 256
job = subprocess.Popen([program, "score", work / "archive", "--model", model, "--out", work / "scored", "--formats", "csv",
                        "--follow-links", "--set", f"score.block={block}", "--set", "run.log_seconds=1e4"],
                       stdout=subprocess.PIPE, text=True)
blocks = -(-wanted // block)
told = 0
while job.poll() is None:
    done = sum(1 for _ in os.scandir(work / "scored" / "blocks")) if (work / "scored" / "blocks").is_dir() else 0
    if done * 10 // blocks > told:
        told = done * 10 // blocks
        with open(f"/proc/{job.pid}/status") as f:
            kib = next((int(line.split()[1]) for line in f if line.startswith("VmRSS:")), 0)
        print(f"{min(done * block, wanted):9d} inputs  {kib / 1024:7.1f} MiB", flush=True)
    time.sleep(0.5)
print(job.stdout.read())
sys.exit(job.returncode)
