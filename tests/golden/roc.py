# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes roc.txt: ROC curves, AUC and interpolated efficiencies of scikit-learn (needs scikit-learn >= 1.3).

A case: "case NAME DTYPE N V", N lines "score label", V lines "threshold fpr tpr" (the first threshold is inf),
"auc X", then three lines "at TARGET_KHZ EFFICIENCY" for an input rate of 1000 kHz.
"""
import sys

import numpy as np
from sklearn.metrics import auc, roc_curve, roc_auc_score

rng = np.random.default_rng(1)


def write(out, name, scores, labels):
    fpr, tpr, threshold = roc_curve(labels, scores, drop_intermediate=False)
    assert abs(auc(fpr, tpr) - roc_auc_score(labels, scores)) < 1e-14
    out.write(f"case {name} {scores.dtype} {len(scores)} {len(fpr)}\n")
    for score, label in zip(scores, labels):
        out.write(f"{float(score)!r} {label}\n")
    for row in zip(threshold, fpr, tpr):
        out.write(" ".join(repr(float(v)) for v in row) + "\n")
    out.write(f"auc {float(roc_auc_score(labels, scores))!r}\n")
    # The highest true rate of a vertical part, as np.interp takes the last of equal abscissae.
    for target in (100.0, 30.0, 333.0):
        out.write(f"at {target!r} {float(np.interp(target / 1000.0, fpr, tpr))!r}\n")


with open(sys.argv[1] if len(sys.argv) > 1 else "roc.txt", "w") as out:
    labels = rng.integers(0, 2, 200)
    write(out, "smooth", (rng.normal(size=200) + labels).astype(np.float32), labels)
    write(out, "double", rng.normal(size=200) + labels, labels)
    write(out, "ties", np.round(2 * (rng.normal(size=200) + labels)).astype(np.float32) / 4, labels)
    write(out, "constant", np.full(50, 0.5, np.float32), labels[:50])
    # Differences that float32 does not see.
    base = np.repeat(np.float32(0.7), 40).astype(np.float64) + np.arange(40) * 1e-12
    write(out, "close_double", base, labels[:40])
    write(out, "close_single", base.astype(np.float32), labels[:40])
    write(out, "signed_zero", np.array([0.0, -0.0, 1.0, -1.0, -0.0, 0.0], np.float32), np.array([0, 1, 1, 0, 0, 1]))
    write(out, "rare", np.concatenate([rng.uniform(size=195), rng.uniform(0.8, 1, 5)]).astype(np.float32),
          np.repeat([0, 1], [195, 5]))
    # What a trigger's digital scores look like: few levels, many events each.
    labels = rng.integers(0, 2, 250)
    write(out, "quantised", (np.clip(np.round(64 * rng.uniform(0, 2, 250) + 48 * labels), 0, 255) / 256).astype(np.float32), labels)
    write(out, "quantised_double", np.clip(np.round(3 * rng.normal(size=250) + labels), -4, 4) / 8, labels)
    # One event of a class, and of both.
    write(out, "one_signal", rng.normal(size=30).astype(np.float32), np.repeat([0, 1, 0], [12, 1, 17]))
    write(out, "one_background", rng.normal(size=30).astype(np.float32), np.repeat([1, 0, 1], [12, 1, 17]))
    write(out, "one_of_each", np.array([0.25, 0.75]), np.array([1, 0]))
    write(out, "tied_pair", np.array([0.5, 0.5]), np.array([1, 0]))
    # 100 of 1000 kHz is exactly one of ten background events, with several signal events at that height.
    write(out, "exact_hits", np.array([0.9, 0.55, 0.7, 0.6, 0.95, 0.75, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.04, 0.03, 0.85], np.float32),
          np.array([1, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]))
