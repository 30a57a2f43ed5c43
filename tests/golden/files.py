# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes the files that tests/files reads, with NumPy and h5py: python3 tests/golden/files.py

Values follow a rule (see `values`) that the tests know, so no second copy of them is kept.
"""

import io
import os
import zipfile

import h5py
import numpy as np

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "files")
TYPES = ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"]


def values(shape, dtype):
    """Element i is (37 i mod 101), less 50 for signed types, plus 1/4 for floats; i mod 3 == 0 for bool."""
    i = np.arange(int(np.prod(shape)))
    if dtype == "b1":
        return (i % 3 == 0).reshape(shape)
    a = (37 * i) % 101
    if dtype[-2] != "u":
        a = a - 50
    if dtype[-2] == "f":
        a = a + 0.25
    return a.astype(dtype).reshape(shape)


def path(name):
    return os.path.join(HERE, name)


def write_npy():
    for t in TYPES:
        for order, name in (("<", "le"), (">", "be")):
            np.save(path(f"{t}_{name}.npy"), values((3, 4), order + t))
    np.save(path("b1.npy"), values((3, 4), "b1"))
    np.save(path("scalar.npy"), np.float32(-49.75))
    np.save(path("empty.npy"), np.zeros((0, 5), "f4"))
    np.save(path("fortran.npy"), np.asfortranarray(values((2, 3, 4), "<i4")))
    np.save(path("text.npy"), np.array(["a", "b"]))
    for version in ((2, 0), (3, 0)):
        with open(path(f"version{version[0]}.npy"), "wb") as f:
            np.lib.format.write_array(f, values((5,), "<f8"), version=version)
    np.savez(path("stored.npz"), a=values((3, 4), "<f4"), b=values((7,), "<u2"))
    np.savez_compressed(path("deflated.npz"), a=values((3, 4), "<f4"), b=np.zeros((400, 100), "f4"))


def write_zip():
    def member(name, names):
        with zipfile.ZipFile(path(name), "w", zipfile.ZIP_DEFLATED) as z:
            for n in names:
                z.writestr(zipfile.ZipInfo(n), b"content of a member")

    member("slip_up.zip", ["fine.txt", "../out.txt"])
    member("slip_root.zip", ["/etc/out.txt"])
    member("slip_inside.zip", ["a/../../out.txt"])
    member("slip_back.zip", ["a\\out.txt"])
    with zipfile.ZipFile(path("packed.zip"), "w", zipfile.ZIP_BZIP2) as z:
        z.writestr(zipfile.ZipInfo("a.txt"), b"content", zipfile.ZIP_BZIP2)
    with zipfile.ZipFile(path("bomb.zip"), "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr(zipfile.ZipInfo("zeros.npy"), bytes(8 << 20), zipfile.ZIP_DEFLATED)


def write_types(f):
    for t in TYPES:
        for order, name in (("<", "le"), (">", "be")):
            f.create_dataset(f"types/{t}_{name}", data=values((3, 4), order + t))
    f.create_dataset("types/b1", data=values((3, 4), "b1"))
    f.create_dataset("types/scalar", data=np.float32(-49.75))
    f.create_dataset("types/empty", data=np.zeros((0, 5), "f4"))


def write_chunks(f):
    a = values((7, 5, 6), "<f4")
    f.create_dataset("chunks/plain", data=a, chunks=(2, 3, 4))
    f.create_dataset("chunks/gzip", data=a, chunks=(3, 5, 6), compression="gzip")
    f.create_dataset("chunks/all", data=a, chunks=(2, 2, 6), compression="gzip", shuffle=True, fletcher32=True)
    f.create_dataset("chunks/swapped", data=values((7, 5, 6), ">i2"), chunks=(1, 5, 6), shuffle=True)
    f.create_dataset("chunks/odd", data=values((7, 5, 3), "<i1"), chunks=(1, 5, 3), fletcher32=True)
    d = f.create_dataset("chunks/holes", (6, 4), "<f4", chunks=(2, 4), fillvalue=2.5, compression="gzip")
    d[2:4] = values((2, 4), "<f4")
    f.create_dataset("chunks/never", (6, 4), "<f4", chunks=(2, 4))
    f.create_dataset("chunks/late", (6, 4), "<f4")
    compact = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    compact.set_layout(h5py.h5d.COMPACT)
    d = h5py.h5d.create(f["chunks"].id, b"compact", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((3, 4)), compact)
    d.write(h5py.h5s.ALL, h5py.h5s.ALL, values((3, 4), "<f4"))


def write_attributes(f):
    g = f.create_group("attributes")
    g.attrs["variable"] = "a text, \u00fcml\u00e4ut"
    g.attrs["bytes"] = b"bytes"
    g.attrs["fixed"] = np.bytes_("fixed")
    g.attrs["blank"] = ""
    g.attrs["list"] = np.array([b"one", b"three"])
    g.attrs["variable_list"] = ["one", "three", ""]
    g.attrs["none"] = np.array([])
    g.attrs["int"] = np.int32(-7)
    g.attrs["float"] = np.float64(0.125)
    g.attrs["vector"] = values((4,), ">i2")
    g.attrs["long"] = "x" * 70000
    # Few enough to lie in the head of the object in every format.
    g = f.create_group("few")
    g.attrs["fixed"] = np.bytes_("fixed")
    g.attrs["list"] = np.array([b"one", b"three"])
    g.attrs["none"] = np.array([])
    g.attrs["split0"] = np.array([b"one", b"two"])
    g.attrs["split1"] = np.array([b"three"])
    g.attrs["variable"] = "a text"
    g.attrs["variable_list"] = ["one", "three", ""]
    g.attrs["long"] = "x" * 70000


def write_h5():
    with h5py.File(path("good.h5"), "w", libver=("earliest", "v110")) as f:
        write_types(f)
        write_chunks(f)
        write_attributes(f)
    with h5py.File(path("latest.h5"), "w", libver=("v110", "v110")) as f:
        write_types(f)
        write_chunks(f)
        write_attributes(f)
    with h5py.File(path("user_block.h5"), "w", userblock_size=512, libver=("earliest", "v110")) as f:
        f.create_dataset("plain", data=values((3, 4), "<f4"))
        f.create_dataset("packed", data=values((3, 4), "<f4"), chunks=(1, 4), compression="gzip")
        f.attrs["text"] = "a text"
    with h5py.File(path("hostile.h5"), "w", libver=("earliest", "v110")) as f:
        f.create_dataset("fine", data=values((3,), "<f4"))
        f["soft"] = h5py.SoftLink("/fine")
        f["outside"] = h5py.ExternalLink("good.h5", "/types/f4_le")
        f.create_group("linked")["up"] = h5py.ExternalLink("good.h5", "/")
        f.create_dataset("external", (4,), "<f4", external=[("good.h5", 0, 16)])
        layout = h5py.VirtualLayout((12,), "<f4")
        layout[:] = h5py.VirtualSource("good.h5", "types/f4_le", (12,))
        f.create_virtual_dataset("virtual", layout)
        f.create_dataset("lzf", data=np.zeros((100,), "f4"), compression="lzf")
        f.create_dataset("scaled", data=values((16,), "<i4"), chunks=(16,), scaleoffset=0)
        f.create_dataset("huge", (1 << 40,), "<f4", chunks=(1 << 10,))
        f.create_dataset("larger", (1 << 32, 1 << 31), "<f4", chunks=(64, 64))
        f.create_dataset("late", (1 << 34,), "<f8")
        f.create_dataset("text", data=np.array([b"a", b"b"]))
        f.create_dataset("record", data=np.zeros(3, [("a", "f4"), ("b", "i4")]))
        f.create_dataset("axes", data=np.zeros((1,) * 9, "f4"))
        g = f.create_group("cycle")
        g["again"] = g
        g = f.create_group("deep")
        for _ in range(80):
            g = g.create_group("d")
        d = f.create_dataset("bomb", (4, 256), "<f4", chunks=(1, 256), compression="gzip")
        import zlib

        d.id.write_direct_chunk((0, 0), zlib.compress(bytes(1 << 22), 9))
        d.id.write_direct_chunk((1, 0), zlib.compress(bytes(512), 9))
        d.id.write_direct_chunk((2, 0), b"no deflate at all")
        d.id.write_direct_chunk((3, 0), zlib.compress(bytes(1024), 9))
        d = f.create_dataset("summed", (1, 4), "<f4", chunks=(1, 4), fletcher32=True)
        d.id.write_direct_chunk((0, 0), bytes(16) + b"\1\2\3\4")
        f.attrs["number"] = 3


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    write_npy()
    write_zip()
    write_h5()
