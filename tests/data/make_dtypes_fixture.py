#!/usr/bin/env python3
"""Write dtypes.safetensors: one small tensor of each type that the reader meets, written by the safetensors package.

    python3 -m venv V && V/bin/pip install numpy safetensors && V/bin/python tests/data/make_dtypes_fixture.py

The 16-bit tensors hold every kind of value (normal, subnormal, zero, infinite, NaN, both signs); f16 holds all
exponents. The same numbers in float32 stand in f16.as_f32 and bf16.as_f32, as numpy converts them.
"""
import pathlib

import numpy as np
from safetensors import TensorSpec, serialize_file


alive = []  # TensorSpec holds an address only


def entry(dtype, array):
    array = np.ascontiguousarray(array).reshape(array.shape)
    alive.append(array)
    return TensorSpec(dtype=dtype, shape=list(array.shape), data_ptr=array.ctypes.data, data_len=array.nbytes)


def main():
    # Every exponent with fraction bits 0, 1, 0x155 and 0x3ff, both signs.
    bits = np.array([s << 15 | e << 10 | f for s in (0, 1) for e in range(32) for f in (0, 1, 0x155, 0x3FF)], dtype="<u2")
    half = bits.view("<f2")
    # Every 16th exponent of bfloat16 and the last three, fraction 0, 1, 0x2a, 0x7f.
    brain = np.array([s << 15 | e << 7 | f for s in (0, 1) for e in [*range(0, 254, 16), 253, 254, 255]
                      for f in (0, 1, 0x2A, 0x7F)], dtype="<u2")
    as_f32 = (brain.astype("<u4") << 16).view("<f4")
    double = np.array([[0.1, -1e-40, 3.4e38], [1 / 3, -0.0, np.inf]], dtype="<f8")
    tensors = {
        "f16": entry("float16", half.reshape(2, 32, 4)),
        "f16.as_f32": entry("float32", half.astype("<f4").reshape(2, 32, 4)),
        "bf16": entry("bfloat16", brain),
        "bf16.as_f32": entry("float32", as_f32),
        "f64": entry("float64", double),
        "f64.as_f32": entry("float32", double.astype("<f4")),
        "f64.too_large": entry("float64", np.array([1.0, 1e300], dtype="<f8")),
        "f32.scalar": entry("float32", np.array(-2.5, dtype="<f4")),
        "f32.empty": entry("float32", np.zeros((3, 0, 5), dtype="<f4")),
        "i64": entry("int64", np.array([7, -7], dtype="<i8")),
        "u8": entry("uint8", np.arange(3, dtype="u1")),
        "bool": entry("bool", np.array([True, False])),
    }
    path = pathlib.Path(__file__).with_name("dtypes.safetensors")
    serialize_file(tensors, path, {"made by": "safetensors", "Gr\u00fc\u00dfe": "UTF-8 \"and\" \\ escapes\n"})
    print(f"{path.name}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
