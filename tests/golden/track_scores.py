# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Writes track_scores.txt: scikit-learn's adjusted Rand index and V-measure, and the other figures from their definitions in plain
Python (needs scikit-learn >= 1.3).

A case: "case N MIN_HITS", N lines "particle weight track", a line of the figures.
"""
import os
import sys

import numpy as np
from sklearn.metrics import adjusted_rand_score, v_measure_score

rng = np.random.default_rng(5)
HERE = os.path.dirname(os.path.abspath(__file__))


def figures(particle, weight, track, min_hits):
    n_of = {p: int((particle == p).sum()) for p in set(particle.tolist())}
    score, found, good, purity, share = 0.0, set(), 0, [], []
    tracks = sorted(set(track.tolist()) - {-1})
    for t in tracks:
        inside = particle[track == t].tolist()
        best = min(set(inside), key=lambda p: (-inside.count(p), p))
        k = inside.count(best)
        if best != 0 and 2 * k > len(inside) and 2 * k > n_of[best]:
            good += 1
            found.add(best)
            score += weight[(track == t) & (particle == best)].sum()
            purity.append(k / len(inside))
            share.append(k / n_of[best])
    counted = [p for p in n_of if p != 0 and n_of[p] >= min_hits]
    real = particle != 0
    mean = lambda x: sum(x) / len(x) if x else float("nan")
    return [score / weight.sum(), len([p for p in counted if p in found]), len(counted), good, len(tracks), int((track < 0).sum()),
            mean(purity), mean(share), adjusted_rand_score(particle[real], track[real]), v_measure_score(particle[real], track[real])]


with open(sys.argv[1] if len(sys.argv) > 1 else os.path.join(HERE, "track_scores.txt"), "w") as out:
    for n, n_particles, wrong in ((1, 1, 0.0), (12, 3, 0.0), (40, 5, 0.2), (76, 9, 0.1), (76, 9, 0.5), (120, 40, 0.3), (60, 1, 0.4)):
        particle = rng.integers(1, n_particles + 1, n) * 4503599627370496
        track = particle // 4503599627370496 - 1
        move = rng.random(n) < wrong
        track[move] = rng.integers(-1, n_particles, move.sum())
        particle[(rng.random(n) < 0.1) & (np.arange(n) > 3)] = 0
        weight = rng.random(n).astype("f4") * (particle != 0)
        out.write(f"case {n} 3\n")
        for p, w, t in zip(particle, weight, track):
            out.write(f"{p} {w:.9g} {t}\n")
        out.write(" ".join(repr(float(x)) for x in figures(particle, weight.astype("f8"), track, 3)) + "\n")
