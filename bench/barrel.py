# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The barrel bench: minbias and the peers on the same events and weights, in turns, and one table of medians.

    ./dev bench barrel [--quick] [--any-load] [--rounds N] [--peers NAME,NAME] [--no-memory] [--write-docs]"""
import json
import os
import shutil
import subprocess
import sys

import barrel_table
import measure
import runner
from runner import TREE, minbias, path, program, tell

STUDY = os.path.join(TREE, "studies", "barrel-trigger.yaml")
EVENTS = "512"
MEMORY_FILES = 56  # of 1000 events: as many as the original trained on


class Barrel(runner.Bench):
    NAME = "barrel"
    SECTION = "Results: barrel"
    PEERS = ["keras", "tflite-xnnpack", "torch-nhwc", "onnxruntime", "torch-compiled", "keras-xla", "torch-nchw"]

    @classmethod
    def add_options(cls, parser):
        parser.add_argument("--no-memory", action="store_true", help="leave out the training on 56 files (5 GB of disk)")

    def make_data(self):
        if not os.path.exists(path("data")):
            tell("simulating 4 x 1000 events")
            minbias("simulate", "barrel", "-o", path("data"), "--files", "4", "--events", "1000")
        data = f"data.dir={path('data')}"
        shutil.rmtree(path("run"), ignore_errors=True)
        minbias("train", STUDY, "-o", path("run"), "--set", data, "--set", "train.epochs=2", "--threads", "2")
        minbias("prepare", STUDY, "-o", path("barrel.h5"), "--set", data, "--force")

    def before(self):
        self.count_text()
        self.count_work()

    def ours(self, command, threads, round_, *more):
        epochs = "4" if self.options.quick else "21"
        self.run([program("barrel"), command, STUDY, path("data"), path("run", "model.h5"), str(threads), EVENTS, epochs,
                  self.seconds, *more], round_)

    def round(self, round_):
        self.ours("read", 1, round_)
        self.ours("read", 2, round_)
        self.ours("train", 2, round_)
        self.ours("infer", 2, round_, path("scores.npy"))
        self.ours("latency", 1, round_)
        for peer in self.options.peers:
            self.peer(peer, round_, path("barrel.h5"), path("run", "model.h5"), path("scores.npy"), self.seconds, "2", EVENTS)
        self.hits("vectorised", round_)

    def after(self):
        self.hits("original", 0, "30" if self.options.quick else "200")
        if not self.options.quick and not self.options.no_memory:
            self.measure_memory()

    def render(self, machine):
        return barrel_table.render(self.figures, machine, self.rounds(), self.options.any_load)

    def hits(self, way, round_, *more):
        self.run([sys.executable, os.path.join(TREE, "bench", "barrel_hits.py"), way, path("data", "clusters_1.csv"),
                  path("data", "particles_1.csv"), path("barrel.h5"), self.seconds, *more], round_)

    def measure_memory(self):
        if not os.path.exists(path("data-large")):
            tell(f"simulating {MEMORY_FILES} x 1000 events")
            minbias("simulate", "barrel", "-o", path("data-large"), "--files", str(MEMORY_FILES), "--events", "1000")
        shutil.rmtree(path("run-large"), ignore_errors=True)
        since = measure.busy()
        seconds, megabytes = minbias("train", STUDY, "-o", path("run-large"), "--set", f"data.dir={path('data-large')}",
                                     "--set", "train.epochs=1", "--threads", "2")
        other = measure.other_cpu(since)
        with open(path("run-large", "history.csv")) as file:
            last = dict(zip(*[line.strip().split(",") for line in file][-2:]))
        with open(path("run-large", "training.json")) as file:
            record = json.load(file)
        for metric, value, unit in (("memory_train", megabytes, "MB"), ("memory_train_seconds", seconds, "s"),
                                    ("memory_events", record["n_train"] + record["n_validation"], "events"),
                                    ("memory_epoch_seconds", float(last["seconds"]), "s")):
            self.keep({"who": "minbias", "metric": metric, "value": value, "unit": unit, "n": 1, "other_cpu": other}, 0)

    def count_text(self):
        names = [entry.path for entry in os.scandir(path("data")) if entry.name.endswith(".csv")]
        import h5py
        with h5py.File(path("barrel.h5")) as file:
            n_events = len(file["target"])
        self.keep({"who": "minbias", "metric": "text_size", "value": sum(os.path.getsize(name) for name in names),
                   "unit": "bytes", "n_events": n_events}, 0)

    def count_work(self):
        import barrel_work
        plan = subprocess.run([program("barrel"), "plan", STUDY, path("data"), path("run", "model.h5"), "2", EVENTS, "2", "1"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        dense, left = barrel_work.count(path("barrel.h5"), plan, 1000)
        self.keep({"who": "minbias", "metric": "work_dense", "value": dense, "unit": "multiply-adds"}, 0)
        self.keep({"who": "minbias", "metric": "work_left", "value": left, "unit": "multiply-adds"}, 0)


if __name__ == "__main__":
    sys.exit(runner.main(Barrel))
