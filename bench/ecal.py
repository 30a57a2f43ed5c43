# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The bench of the shower films: minbias and the peers on the same toy films and weights, in turns.

    ./dev bench ecal [--quick] [--any-load] [--rounds N] [--peers NAME,NAME] [--write-docs]"""
import os
import re
import subprocess
import sys

import ecal_table
import runner
from runner import TREE, minbias, path, program

STUDY = os.path.join(TREE, "studies", "ecal-shower.yaml")
IMAGES = 1000  # of each class, simulated
EVENTS = {"train": "300", "infer": "1000", "latency": "1000", "trial": "200", "frames": "1000", "write": "200", "plan": "200"}


class Ecal(runner.Bench):
    NAME = "ecal"
    SECTION = "Results: shower films"
    PEERS = ["keras", "torch-ndhwc", "torch-ncdhw", "torch-compiled", "onnxruntime", "numpy"]

    def command(self, name, threads, *more):
        epochs = "3" if self.options.quick else "9"
        return [program("ecal"), name, STUDY, path("ecal-data"), str(threads), EVENTS[name], epochs, self.seconds, *more]

    def make_data(self):
        os.makedirs(path("ecal"), exist_ok=True)
        if not os.path.exists(path("ecal-data")):
            minbias("simulate", "ecal", "-o", path("ecal-data"), "--events", str(IMAGES))
        if subprocess.run(self.command("write", 2, path("ecal"))).returncode != 0:
            raise runner.Failed("bench_ecal could not write its films")

    def before(self):
        plan = subprocess.run(self.command("plan", 2), stdout=subprocess.PIPE, text=True, check=True).stdout
        done, full = (float(n) for n in re.search(r"an image: (\d+) of (\d+)", plan).groups())
        memory = float(re.search(r"training at batch 100: (\d+)", plan).group(1))
        for metric, value, unit in (("work_done", done, "multiply-adds"), ("work_full", full, "multiply-adds"),
                                    ("memory_b100", memory, "bytes")):
            self.keep({"who": "minbias", "metric": metric, "value": value, "unit": unit, "n": 1}, 0)

    def round(self, round_):
        for name, threads in (("train", 2), ("train", 1), ("infer", 2), ("latency", 1), ("latency", 2), ("trial", 2), ("frames", 1),
                              ("frames", 2)):
            self.run(self.command(name, threads), round_)
        for peer in self.options.peers:
            for process in [peer] + [f"{peer}:latency"] * (peer == "keras"):
                trial = "20" if round_ == 0 and not self.options.quick else "0"
                self.peer(process, round_, path("ecal"), path("ecal-data"), self.seconds, "2", trial)

    def render(self, machine):
        return ecal_table.render(self.figures, machine, self.rounds(), self.options.any_load)


if __name__ == "__main__":
    sys.exit(runner.main(Ecal))
