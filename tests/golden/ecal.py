#!/usr/bin/env python3
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes ecal.npz: images and what the ECAL's transforms make of them, worked out with whole arrays in
NumPy as the formulas read, without a thought for sparsity. tests/detector/ecal_golden_test.c compares.

    python3 ecal.py [ecal.npz]
"""
import math
import os
import sys

import numpy as np

SIDE = 32
DEFAULT = dict(cumulative=True, remove_empty=True, low_e=0.005, min_t=-0.1, max_t=0.1, t_step=0.0099, crop=32,
               compat=())
ALL = ("last_frame", "early_hits", "edges", "scaler", "nan")
CASES = {
    "default": {},
    "original": dict(compat=ALL),
    "single": dict(cumulative=False),
    "single_original": dict(cumulative=False, compat=ALL),
    "last_frame": dict(compat=("last_frame",)),
    "single_last_frame": dict(cumulative=False, compat=("last_frame",)),
    "early_hits": dict(compat=("early_hits",)),
    "single_early_hits": dict(cumulative=False, compat=("early_hits",)),
    "edges": dict(min_t=-12 * 0.049, max_t=12 * 0.049, t_step=0.049, compat=("edges",)),
    "rounded": dict(min_t=-12 * 0.049, max_t=12 * 0.049, t_step=0.049),
    "all_pixels": dict(remove_empty=False),
    "all_pixels_nan": dict(remove_empty=False, compat=("nan",)),
    "all_pixels_original": dict(remove_empty=False, compat=ALL),
    "single_nan": dict(remove_empty=False, cumulative=False, compat=ALL),
    "exact": dict(min_t=-0.125, max_t=0.125, t_step=0.0625),
    "single_exact": dict(cumulative=False, min_t=-0.125, max_t=0.125, t_step=0.0625),
    "single_exact_original": dict(cumulative=False, min_t=-0.125, max_t=0.125, t_step=0.0625, compat=ALL),
    "crop_12": dict(crop=12),
    "crop_13": dict(crop=13, compat=ALL),
    "high": dict(low_e=0.05, min_t=-0.0102, max_t=0.02, t_step=0.004),
}


def images():
    """Six images: about 20 hits each, with times and energies on all borders."""
    rng = np.random.default_rng(5)
    x = np.zeros((6, SIDE, SIDE, 2), np.float32)
    for i in range(6):
        where = rng.choice(SIDE * SIDE, 20, replace=False)
        energy = rng.exponential(0.03, 20)
        time = rng.normal(0, 0.05, 20)
        x[i, where // SIDE, where % SIDE, 0] = energy
        x[i, where // SIDE, where % SIDE, 1] = time
    special = [(0.2, -3), (0.2, 0.099), (0.2, 0.1), (0.2, -0.1), (0.3, 0.0989999), (0.005, 0), (0.00500001, 0),
               (-0.2, 0), (0, 0.05), (0.4, 101), (0.4, -99.9), (0.06, 0.02), (0.06, -0.02), (0.05, 0), (0.4, np.nan),
               (0.2, -0.125), (0.2, 0.0625), (0.2, 0.125)]
    for k, (energy, time) in enumerate(special):
        x[0, 16, 6 + k] = energy, time
    # Exactly on edges, as far as float32 can be.
    edges = -0.1 + np.arange(21) * ((-0.1 + 0.0099) + 0.1)
    for k, edge in enumerate(edges):
        x[1, 15, 5 + k] = 0.1 + 0.01 * k, edge
    # Equal times, and an image without hits.
    x[2, 10:14, 10:14] = 0.07, 0.01
    x[3] = 0
    return x


def crop(x, c):
    lo = (SIDE - c) // 2
    return x[:, lo:SIDE - lo, lo:SIDE - lo]


def clean(x, low_e, abstime):
    x = x.copy()
    keep = (x[..., 0] > np.float32(low_e)) & (np.abs(x[..., 1].astype(np.float64)) < abstime)
    x[~keep] = np.nan
    return x


def axis(o):
    ratio = (o["max_t"] - o["min_t"]) / o["t_step"]
    n = math.ceil(ratio)
    if "edges" not in o["compat"] and abs(ratio - round(ratio)) <= 1e-9:
        n = round(ratio)
    d = (o["min_t"] + o["t_step"]) - o["min_t"]
    edge = [o["min_t"] + i * d for i in range(n)]
    if "last_frame" not in o["compat"]:
        edge.append(o["max_t"])
    return n, np.array(edge)


def in_range(x, o):
    if o["remove_empty"]:
        x = clean(x, o["low_e"], 100)
    if "early_hits" not in o["compat"]:
        x = x.copy()
        time = x[..., 1].astype(np.float64)
        x[~((time >= o["min_t"]) & (time <= o["max_t"]))] = np.nan
    return x


def taken(time, edge, k, o, cumulative):
    upper = time <= edge[k + 1]
    lower = time > edge[k]
    if k == 0 and "early_hits" not in o["compat"]:
        lower |= time == o["min_t"]
    return upper if cumulative else lower & upper


def frames(x, o):
    n, edge = axis(o)
    x = in_range(crop(x, o["crop"]), o)
    time = x[..., 1].astype(np.float64)
    out = np.zeros((len(x), n) + x.shape[1:3], np.float32)
    for k in range(len(edge) - 1):
        out[:, k] = np.where(taken(time, edge, k, o, o["cumulative"]), x[..., 0], np.float32(np.nan))
    if o["remove_empty"] or "nan" not in o["compat"]:
        out[np.isnan(out)] = 0
    return out, edge


def vectorised(x, o):
    edge = axis(o)[1]
    x = in_range(crop(x, o["crop"]), o)
    time = x[..., 1].astype(np.float64)
    out = np.stack([np.where(taken(time, edge, k, o, False)[..., None], x, 0) for k in range(len(edge) - 1)], 1)
    return np.nan_to_num(out, nan=0)


def hit_list(x):
    lists = []
    for image in x:
        row, column = np.nonzero(~np.isnan(image[..., 0]))
        hits = np.stack([image[row, column, 0], image[row, column, 1], row, column], 1).astype(np.float32)
        lists.append(hits[np.argsort(hits[:, 1], kind="stable")])
    longest = max(len(hits) for hits in lists)
    out = np.full((len(x), longest, 4), np.nan, np.float32)
    for i, hits in enumerate(lists):
        out[i, :len(hits)] = hits
    return out


def sequence(x, o, fitted_on):
    hits = hit_list(clean(crop(x, o["crop"]), 0.05, 0.02))
    least = np.nanmin(hits[fitted_on], (0, 1))
    most = np.nanmax(hits[fitted_on], (0, 1))
    width = np.where(most > least, most - least, 1)
    scaled = np.where(most > least, (hits - least) / width, np.where(np.isnan(hits), hits, 0))
    return np.where(np.isnan(scaled), 69, scaled).astype(np.float32), np.stack([least, most])


def unique_times(x, o):
    x = in_range(crop(x, o["crop"]), o)
    out = np.full((len(x), 1024), np.nan, np.float32)
    for i, image in enumerate(x):
        times = np.unique(image[..., 1][~np.isnan(image[..., 1])])
        out[i, :len(times)] = times
    return out


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "ecal.npz")
    x = images()
    out = {"X": x, "y": np.array([0, 0, 0, 1, 1, 1], np.float32)}
    for name, changes in CASES.items():
        o = {**DEFAULT, **changes}
        out[name + "_frames"], out[name + "_edges"] = frames(x, o)
        if o["remove_empty"]:
            out[name + "_vectorised"] = vectorised(x, o)
    o = dict(DEFAULT)
    out["hits"] = hit_list(in_range(x, o))
    out["unique_times"] = unique_times(x, o)
    train = [1, 2, 4, 5]
    out["sequence"], out["sequence_scale"] = sequence(x, o, train)
    out["sequence_all"], out["sequence_all_scale"] = sequence(x, o, slice(None))
    np.savez_compressed(path, **out)


if __name__ == "__main__":
    main()
