#!/usr/bin/env python3
"""Print name, type, shape and SHA-256 of the bytes of every tensor of .safetensors files, read with the `safetensors`
Python package; with two files and --equal, compare them.

  check_safetensors.py FILE...          exit 1 if one cannot be read
  check_safetensors.py --equal A B      exit 1 unless names, types, shapes and bytes agree (metadata may differ)
"""
import argparse
import hashlib
import json
import sys

from safetensors import SafetensorError, safe_open


def tensors(path):
    """name -> (type, shape, SHA-256), in the order of the file's offsets, and the metadata."""
    found = {}
    with safe_open(path, framework="np") as f:
        for name in f.offset_keys():
            v = f.get_tensor(name)
            found[name] = (str(v.dtype), tuple(v.shape), hashlib.sha256(v.tobytes()).hexdigest())
        return found, f.metadata() or {}


def show(path):
    found, metadata = tensors(path)
    for name, (kind, shape, digest) in found.items():
        print(f"{name}\t{kind}\t{'x'.join(map(str, shape)) or 'scalar'}\t{digest}")
    print(f"# {path}: {len(found)} tensors; metadata {json.dumps(metadata)[:400]}")


def compare(a, b):
    left, right = tensors(a)[0], tensors(b)[0]
    differences = [f"{name}: only in {a if name in left else b}" for name in sorted(left.keys() ^ right.keys())]
    differences += [f"{name}: {left[name]} against {right[name]}" for name in sorted(left.keys() & right.keys())
                    if left[name] != right[name]]
    print("\n".join(differences) or f"equal: {len(left)} tensors")
    return int(bool(differences))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--equal", action="store_true")
    args = parser.parse_args()
    if args.equal and len(args.files) != 2:
        parser.error("--equal takes two files")
    try:
        if args.equal:
            return compare(*args.files)
        for path in args.files:
            show(path)
    except (OSError, SafetensorError) as error:
        print(f"{', '.join(args.files)}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
