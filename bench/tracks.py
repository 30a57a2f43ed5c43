# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The bench of the track graphs: minbias and the peers on the same random graphs, points and files, in turns.

    ./dev bench tracks [--quick] [--any-load] [--rounds N] [--peers NAME,NAME] [--write-docs]"""
import os
import sys

import runner
import tracks_table
from runner import minbias, path, program

# Nodes and edges of a graph, and graphs.
SIZES = [(270, 2000, 80), (76, 1185, 160)]
NETWORKS = ("torch", "torch-split", "torch-compiled")
EVENT = (100000, 1000000)  # as one of TrackML
POINTS = (3000, 300000)
EVENTS = 8  # as CSV files


class Tracks(runner.Bench):
    NAME = "tracks"
    SECTION = "Results: track graphs"
    PEERS = [*NETWORKS, "scikit-learn", "pickle", "pandas"]

    def __init__(self, options):
        super().__init__(options)
        self.epochs = 10 if options.quick else 150

    def make_data(self):
        os.makedirs(path("tracks"), exist_ok=True)
        for nodes, edges, graphs in SIZES:
            folder = path("tracks", str(nodes))
            os.makedirs(folder, exist_ok=True)
            words = ["write", "2", str(nodes), str(edges), str(graphs), "2", "1", folder]
            if os.spawnl(os.P_WAIT, program("tracks"), "bench_tracks", *words) != 0:
                raise runner.Failed("bench_tracks could not write its graphs")
        import numpy as np
        for count in POINTS:  # clusters of some 9 hits, half a unit apart
            draw = np.random.default_rng(count)
            centres = draw.random((count // 9, 2)) * 0.5 * (count // 9) ** 0.5
            points = centres[draw.integers(0, len(centres), count)] + draw.normal(0, 0.03, (count, 2))
            np.save(path("tracks", f"points_{count}.npy"), points.astype(np.float32))
        for folder, words in (("data", ["--events", "100"]),
                              ("events", ["--events", str(EVENTS), "--set", "particles=500", "--set", "pickle=false", "--set",
                                          "csv=true"])):
            if not os.path.exists(path("tracks", folder)):
                minbias("simulate", "tracks", "-o", path("tracks", folder), *words)

    def ours(self, command, threads, size, round_, *words):
        sizes = [str(number) for number in size]
        self.run([program("tracks"), command, str(threads), *sizes, str(self.epochs), self.seconds, *words], round_)

    def round(self, round_):
        for size in SIZES:
            for threads in (1, 2):
                self.ours("train", threads, size, round_)
                self.ours("infer", threads, size, round_)
            self.ours("latency", 1, size, round_)
        for threads in (1, 2):
            self.ours("event", threads, (*EVENT, 1), round_)
        for count in POINTS:
            self.ours("cluster", 1, (1, 1, 1), round_, path("tracks", f"points_{count}.npy"))
        self.ours("pickle", 1, (1, 1, 1), round_, path("tracks", "data"))
        for threads in (1, 2):
            self.ours("csv", threads, (1, 1, EVENTS), round_, path("tracks", "events"))
        for peer in self.options.peers:
            for folder in [path("tracks", str(size[0])) for size in SIZES] if peer in NETWORKS else [path("tracks")]:
                self.peer(peer, round_, folder, self.seconds, "2")

    def render(self, machine):
        return tracks_table.render(self.figures, machine, self.rounds(), self.options.any_load, SIZES, EVENT, POINTS)


if __name__ == "__main__":
    sys.exit(runner.main(Tracks))
