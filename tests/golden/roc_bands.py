# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes roc_bands.txt: ROC bands over folds by scikit-learn's recipe, and rate curves by NumPy (scikit-learn >= 1.3).

A band: "band NAME DTYPE N K P", N lines "score label fold", P lines "fpr mean std", "auc MEAN STD AUC_OF_MEAN".
A curve: "curve NAME N M", N scores, M lines "threshold rate" for an input rate of 28610 kHz.
"""
import sys

import numpy as np
from sklearn.metrics import auc, roc_curve
from sklearn.model_selection import StratifiedKFold

rng = np.random.default_rng(3)


def band(out, name, scores, labels, n_folds, grid, shuffle):
    folds = np.zeros(len(scores), int)
    cut = StratifiedKFold(n_splits=n_folds, shuffle=shuffle, random_state=5 if shuffle else None)
    rates, areas = [], []
    for i, (_, test) in enumerate(cut.split(scores, labels)):
        folds[test] = i
        fpr, tpr, _ = roc_curve(labels[test], scores[test])
        rate = np.interp(grid, fpr, tpr)
        if grid[0] == 0:
            rate[0] = 0.0
        rates.append(rate)
        areas.append(auc(fpr, tpr))
    mean = np.mean(rates, axis=0)
    mean[-1] = 1.0
    std = np.std(rates, axis=0)
    out.write(f"band {name} {scores.dtype} {len(scores)} {n_folds} {len(grid)}\n")
    for row in zip(scores, labels, folds):
        out.write(f"{float(row[0])!r} {row[1]} {row[2]}\n")
    for row in zip(grid, mean, std):
        out.write(" ".join(repr(float(v)) for v in row) + "\n")
    out.write(f"auc {float(np.mean(areas))!r} {float(np.std(areas))!r} {float(auc(grid, mean))!r}\n")


def curve(out, name, scores, thresholds):
    ordered = np.sort(scores)
    rate = (1 - np.arange(len(ordered)) / (len(ordered) - 1)) * 28610
    out.write(f"curve {name} {len(scores)} {len(thresholds)}\n")
    for score in scores:
        out.write(f"{float(score)!r}\n")
    for threshold in thresholds:
        out.write(f"{float(threshold)!r} {float(np.interp(threshold, ordered, rate))!r}\n")


with open(sys.argv[1] if len(sys.argv) > 1 else "roc_bands.txt", "w") as out:
    labels = rng.integers(0, 2, 213)
    scores = (rng.normal(size=213) + labels).astype(np.float32)
    band(out, "consecutive", scores, labels, 5, np.linspace(0, 1, 21), False)
    band(out, "random", scores, labels, 3, np.linspace(0, 1, 100), True)
    band(out, "quantised", np.round(3 * (rng.normal(size=213) + labels)) / 8, labels, 10, np.linspace(0, 1, 21), False)
    signal_first = np.repeat([1, 0], [23, 101])
    band(out, "rare", (rng.normal(size=124) + signal_first).astype(np.float32), signal_first, 4, np.logspace(-3, 0, 15), False)
    curve(out, "smooth", rng.exponential(2, 40), np.linspace(-1, 12, 27))
    steps = np.floor(rng.exponential(2, 60))
    curve(out, "ties", steps, np.concatenate([np.unique(steps), [0.5, 1.25, -3, 99]]))
