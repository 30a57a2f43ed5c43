# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Multiply-adds of the barrel network that exact sparsity leaves, counted from the events and not from a clock.

A step that follows sparsity works on the pooling windows that a hit can reach: those with an output whose 3 x 3
surroundings hold a hit, or an active value of the layer before. All other steps count in full."""
import re

import h5py
import numpy as np

POOLS = [[(2, 2), (2, 2), (4, 4), (4, 4)]] * 2 + [[(2, 2), (2, 2), (4, 2), (4, 2)]]


def reached(active, pool):
    """(events, phi, z): windows with an output that looks at an active place."""
    wide = np.pad(active, ((0, 0), (1, 1), (1, 1)))
    near = np.zeros_like(active)
    for i in range(3):
        for j in range(3):
            near |= wide[:, i:i + active.shape[1], j:j + active.shape[2]]
    height, width = active.shape[1] // pool[0], active.shape[2] // pool[1]
    near = near[:, :height * pool[0], :width * pool[1]]
    return near.reshape(-1, height, pool[0], width, pool[1]).any((2, 4))


def count(prepared, plan, n):
    """(dense, left): multiply-adds of one event; plan is the text of `bench_barrel plan`."""
    steps = {match[1]: (int(match[2]), match[3] is not None) for match in
             re.finditer(r"^(\S+) +\(.*?\) +(\d+) multiply-adds(, only where a hit reaches)?$", plan, re.M)}
    dense = sum(work for work, _ in steps.values())
    left = sum(work for work, follows in steps.values() if not follows)
    with h5py.File(prepared) as file:
        for volume, pools in enumerate(POOLS):
            active = (file[f"inputs/volume{volume}"][:n] != 0).any(1)
            for i, pool in enumerate(pools):
                active = reached(active, pool)
                work, follows = steps[f"conv{volume}_{i}"]
                left += work * active.mean() if follows else 0
    return dense, left
