# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes tracks.zip: samples of tracks as Python and NumPy pickle them, and tracks.npz: what they mean.

python3 tests/golden/tracks.py. Members protocol0 ... protocol5 are the same samples, with every kind of neighbour collection and array.
"""
import io
import os
import pickle
import zipfile

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
rng = np.random.default_rng(3)


def rows(lists, kind):
    if kind == "lists":
        return lists
    if kind == "tuples":
        return tuple(tuple(r) for r in lists)
    if kind == "sets":
        return [set(r) if i % 2 else frozenset(r) for i, r in enumerate(lists)]
    if kind == "arrays":
        return [np.array(r, ["i8", "u1", ">i4", "i2"][i % 4]) if r else np.array([]) for i, r in enumerate(lists)]
    if kind == "scalars":
        return [[np.int64(k) for k in r] for r in lists]
    out = np.empty(len(lists), object)
    for i, r in enumerate(lists):
        out[i] = r
    return out


samples, features, particles, offsets = [], [], [], [0]
edges = {k: [[], [], [0]] for k in ("pred", "loss", "true")}
target = []
for number, kind in enumerate(["lists", "tuples", "sets", "arrays", "objects", "scalars", "lists"]):
    n = [7, 5, 6, 9, 4, 3, 0][number]
    xyz = rng.normal(size=(n, 3)) * 100
    emb = rng.normal(size=(n, 3)).astype("f4")
    pid = np.array([[4503668346847232, 4503737066323968, 0][i % 3] for i in range(n)])
    graphs = {}
    for name, share in (("pred", 0.4), ("true", 0.3)):
        graphs[name] = [[int(k) for k in np.flatnonzero(rng.random(n) < share)] for _ in range(n)]
    if kind == "lists" and n > 0:
        graphs["pred"][0] = [2, 1, 2]
    graphs["loss"] = [sorted(set(p) | set(t)) for p, t in zip(graphs["pred"], graphs["true"])]
    for name, lists in graphs.items():
        for i, r in enumerate(lists):
            edges[name][0] += [i] * len(r)
            edges[name][1] += r
        edges[name][2].append(len(edges[name][0]))
    target += [float(k in graphs["true"][i]) for i, r in enumerate(graphs["loss"]) for k in r]
    hits = {"xyz": [xyz, xyz.astype("f4"), xyz.astype(">f8"), np.asfortranarray(xyz), xyz, xyz, xyz][number],
            "emb": [emb, emb.astype("f8"), np.asfortranarray(emb), emb.astype(">f4"), emb, emb, emb][number],
            "particle_id": [pid, pid.astype("f8"), pid.astype(">i8"), pid.astype("u8"), pid, pid, pid][number],
            "weight": np.full(n, 0.5, "f4"), "other": "kept, and not looked at"}
    features.append(np.concatenate([xyz.astype("f4"), emb], 1))
    particles.append(pid.astype("i8"))
    offsets.append(offsets[-1] + n)
    samples.append({"hits": hits, "graphs": {k: rows(v, kind) for k, v in graphs.items()}})

with zipfile.ZipFile(os.path.join(HERE, "tracks.zip"), "w", zipfile.ZIP_DEFLATED) as out:
    for protocol in range(6):
        info = zipfile.ZipInfo("protocol%d" % protocol, (1980, 1, 1, 0, 0, 0))
        info.compress_type = zipfile.ZIP_DEFLATED
        out.writestr(info, pickle.dumps(samples, protocol=protocol))
arrays = {"node_offset": np.array(offsets), "features": np.concatenate(features), "particle": np.concatenate(particles),
          "target": np.array(target, "f4")}
for name, (source, destination, offset) in edges.items():
    arrays["edges_" + name] = np.array([source, destination], "i4")
    arrays["offset_" + name] = np.array(offset)
np.savez(os.path.join(HERE, "tracks.npz"), **arrays)
