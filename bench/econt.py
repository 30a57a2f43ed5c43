# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The bench of the concentrator's autoencoder: minbias and the peers on the same modules, in turns.

    ./dev bench econt [--quick] [--any-load] [--rounds N] [--peers NAME,NAME] [--write-docs]

QKeras needs Keras 2: the peer qkeras runs in the Python that MB_QKERAS names, and is left out without one."""
import os
import sys

import econt_table
import runner
from runner import minbias, path, program

MODULES = 100000


class Econt(runner.Bench):
    NAME = "econt"
    SECTION = "Results: concentrator autoencoder"
    PEERS = ["torch", "keras", "qkeras", "tflite", "pot", "pot-core"]

    def __init__(self, options):
        super().__init__(options)
        self.epochs = 3 if options.quick else 10

    def make_data(self):
        if not os.path.exists(path("econt", "nElinks_5")):
            minbias("simulate", "concentrator", "-o", path("econt"), "--events", str(MODULES))
        words = ["write", "2", "2", "1", path("econt")]
        if os.spawnl(os.P_WAIT, program("econt"), "bench_econt", *words) != 0:
            raise runner.Failed("bench_econt could not write its arrays")

    def ours(self, command, threads, round_):
        self.run([program("econt"), command, str(threads), str(self.epochs), self.seconds, path("econt")], round_)

    def round(self, round_):
        for threads in (1, 2):
            self.ours("train", threads, round_)
            self.ours("train_quantized", threads, round_)
        for command in ("infer", "latency", "twin", "emd"):
            self.ours(command, 1, round_)
        for peer in self.options.peers:
            words = [path("econt"), self.seconds, "2"]
            if peer != "qkeras":
                self.peer(peer, round_, *words)
            elif os.environ.get("MB_QKERAS"):
                script = os.path.join(runner.TREE, "bench", "econt_peers.py")
                self.run([os.environ["MB_QKERAS"], script, peer, *words], round_, runner.peer_environment())

    def render(self, machine):
        return econt_table.render(self.figures, machine, self.rounds(), self.options.any_load)


if __name__ == "__main__":
    sys.exit(runner.main(Econt))
