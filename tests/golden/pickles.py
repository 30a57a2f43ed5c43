# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the pickles that tests/files/pickle_test.c reads: python3 tests/golden/pickles.py

pickles_numpy1.zip or pickles_numpy2.zip, after the NumPy at hand: members NAME.PROTOCOL; and pickles.txt: a line "NAME tree"
each, the same for both. pickles.py --read FILE judges our own pickle (test_pickle_write --print FILE) with this Python and
NumPy; what stood the test under both is kept as pickle_ours.pkl.
"""
import collections
import os
import pickle
import sys
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
TYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def ramp(dtype, shape=(2, 3)):
    return (np.arange(int(np.prod(shape))) * 3 + 1).astype(dtype).reshape(shape)


def objects(members):
    a = np.empty(len(members), dtype=object)
    for i, m in enumerate(members):
        a[i] = m
    return a


def pairs(kind):
    d = kind(list) if kind is collections.defaultdict else kind()
    d["b"] = [1]
    d["a"] = []
    return d


shared = ["once", 7]
CASES = {
    "constants": [None, True, False],
    "integers": [0, 1, -1, 127, 128, 255, 256, 65535, 65536, -65536, 2**31 - 1, -(2**31), 2**31, 2**63 - 1, -(2**63)],
    "floats": [0.0, -0.0, 1.5, -2.25e-300, 0.1, float("inf"), float("-inf"), float("nan")],
    "texts": ["", "plain", "caf\u00e9", "\u03c6 \U0001f600", "a\\b\n'\"\0\r\x1a end", "x" * 300, "\u00ff" * 200],
    "bytes": [b"", b"abc", bytes(range(256)), b"z" * 300],
    "bytearrays": [bytearray(), bytearray(b"abc\x00\xff"), bytearray(range(256)) * 2],
    "tuples": [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((1,), [2])],
    "lists": [[], [1], [[1, 2], []], list(range(1203))],
    "sets": [set(), {3, 1, 2}, frozenset(), frozenset({5}), {(1, 2)}],
    "dicts": [{}, {"a": 1}, {1: "x", (2, 3): None, 2.5: {}}],
    "defaultdict": pairs(collections.defaultdict),
    "ordered": pairs(collections.OrderedDict),
    "shared": [shared, shared, (shared, "once")],
    "arrays": [ramp("<" + t) for t in TYPES] + [np.array([[True, False, True]])],
    "big_endian": [ramp(">" + t) for t in TYPES],
    "fortran": [np.asfortranarray(ramp("<f4", (2, 3, 4))), np.asfortranarray(ramp(">i8", (3, 2)))],
    "odd_arrays": [np.array(2.5), np.zeros((0, 3), "f4"), ramp("f8", (4, 6))[::2, ::3]],
    "scalars": [np.float32(0.1), np.float64(0.1), np.int32(-5), np.uint8(200), np.bool_(True), np.int64(-(2**62)), np.float16(0.5)],
    "objects": [objects([[1, 2], [], [0]]), objects([{1}, (2,), None]).reshape(3, 1)],
    "graph": [{"hits": {"xyz": ramp("f4", (3, 3)), "particle_id": np.array([1, 0, 2**63 + 1], "u8")},
               "graphs": {"pred": [[1, 2], {0}, frozenset()], "loss": [np.array([1, 2]), np.array([], int), np.array([0])],
                          "true": objects([[1], [0], []])}}],
    "history": {"loss": [0.5, 0.25], "lr": [np.float32(0.001), np.float32(0.0005)]},
}


def tell(v):
    if v is None or isinstance(v, (bool, np.bool_)):
        return str(v)
    if isinstance(v, (int, np.integer)):
        return str(int(v))
    if isinstance(v, (float, np.floating)):
        return "f" + float(v).hex().replace("0x0.0p+0", "0x0p+0") if v == v and abs(v) != float("inf") else "f" + str(float(v))
    if isinstance(v, str):
        return "t" + v.encode().hex()
    if isinstance(v, (bytes, bytearray)):
        return "b" + v.hex()
    if isinstance(v, dict):
        return "{" + ", ".join(tell(x) for pair in v.items() for x in pair) + "}"
    if isinstance(v, (set, frozenset)):
        return "<" + ", ".join(tell(x) for x in v) + ">"
    if isinstance(v, list):
        return "[" + ", ".join(map(tell, v)) + "]"
    if isinstance(v, tuple):
        return "(" + ", ".join(map(tell, v)) + ")"
    head = f"a{tell(v.shape)} "
    if v.dtype == object:
        return head + "object [" + ", ".join(map(tell, v.ravel().tolist() if v.ndim == 1 else list(v.ravel()))) + "]"
    dtype = np.dtype("f4") if v.dtype.itemsize == 2 and v.dtype.kind == "f" else v.dtype
    return head + f"{dtype.name} " + v.astype(dtype.newbyteorder("<")).tobytes().hex()


def hexfloat(text):
    """Python writes 0x1.8000000000000p+0 where C writes 0x1.8p+0."""
    import re

    def short(match):
        return match.group(1) + match.group(2).rstrip("0").rstrip(".") + match.group(3)

    return re.sub(r"(0x1)(\.[0-9a-f]+)(p)", short, text)


def main():
    version = np.__version__.split(".")[0]
    with zipfile.ZipFile(os.path.join(HERE, f"pickles_numpy{version}.zip"), "w", zipfile.ZIP_DEFLATED) as z:
        for name, value in CASES.items():
            for protocol in range(6):
                z.writestr(zipfile.ZipInfo(f"{name}.{protocol}"), pickle.dumps(value, protocol), zipfile.ZIP_DEFLATED)
    with open(os.path.join(HERE, "pickles.txt"), "w") as f:
        for name, value in CASES.items():
            f.write(f"{name} {hexfloat(tell(value))}\n")


def read(path):
    with open(path, "rb") as f:
        ours = pickle.load(f)
    assert list(ours) == ["integers", "others", "array", "objects"]
    assert ours["integers"] == [0, 255, 256, 65535, 65536, -1, -(2**31), 2**31 - 1, 2**40, -(2**63), 2**63 - 1]
    assert ours["others"] == (None, True, -0.1, b"\0\xff", "\u03c6", {7}, frozenset())
    assert ours["array"].dtype == np.dtype("<i2") and np.array_equal(ours["array"], np.arange(-3, 3).reshape(2, 3))
    assert ours["objects"].dtype == object and ours["objects"].tolist() == [[1], []]
    print(f"{path}: read by NumPy {np.__version__}")


if __name__ == "__main__":
    read(sys.argv[2]) if len(sys.argv) == 3 and sys.argv[1] == "--read" else main()
