# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes dbscan.txt: labels of scikit-learn's DBSCAN (needs scikit-learn >= 1.3).

A case: "case NAME DTYPE N D EPS MIN_SAMPLES", N lines of D coordinates and the label.
"""
import sys

import numpy as np
from sklearn.cluster import DBSCAN

rng = np.random.default_rng(1)


def write(out, name, points, eps, min_samples):
    labels = DBSCAN(eps=eps, min_samples=min_samples).fit(points).labels_
    out.write(f"case {name} {points.dtype} {points.shape[0]} {points.shape[1]} {eps!r} {min_samples}\n")
    for point, label in zip(points, labels):
        out.write(" ".join([f"{float(x):.9g}" if points.dtype == np.float32 else repr(float(x)) for x in point]
                           + [str(label)]) + "\n")


def blobs(n, d, n_blobs, spread):
    centres = rng.uniform(-1, 1, (n_blobs, d))
    points = centres[rng.integers(0, n_blobs, n)] + spread * rng.normal(size=(n, d))
    points[: n // 5] = rng.uniform(-1.5, 1.5, (n // 5, d))
    return points[rng.permutation(n)]


with open(sys.argv[1] if len(sys.argv) > 1 else "dbscan.txt", "w") as out:
    write(out, "line", blobs(80, 1, 6, 0.01), 0.02, 4)
    write(out, "plane", blobs(200, 2, 9, 0.05).astype(np.float32), 0.1, 3)
    write(out, "plane_dense", blobs(200, 2, 4, 0.1), 0.11, 8)
    write(out, "space", blobs(150, 3, 8, 0.05).astype(np.float32), 0.12, 3)
    write(out, "four", blobs(120, 4, 6, 0.05), 0.15, 4)
    write(out, "five", blobs(120, 5, 6, 0.05).astype(np.float32), 0.2, 5)
    write(out, "eight", blobs(100, 8, 6, 0.05), 0.3, 3)
    # Whole numbers: many pairs lie at exactly eps, many points on one another.
    write(out, "lattice", rng.integers(0, 16, (150, 2)).astype(np.float64), 1.0, 4)
    write(out, "lattice_five", rng.integers(0, 40, (200, 2)).astype(np.float32), 5.0, 12)
    write(out, "lattice_space", rng.integers(0, 7, (120, 3)).astype(np.float64), 1.0, 4)
    write(out, "far", 1e6 + rng.integers(0, 30, (80, 2)) / 4.0, 0.5, 3)
    write(out, "all_core", blobs(60, 2, 5, 0.1), 0.1, 1)
    write(out, "all_noise", blobs(60, 2, 5, 0.1), 0.01, 5)
