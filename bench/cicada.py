# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The bench of the calorimeter-region networks: minbias and the peers on the same random events and weights, in turns.

    ./dev bench cicada [--quick] [--any-load] [--rounds N] [--peers NAME,NAME] [--whole] [--write-docs]

--whole adds an epoch of the benchmark's protocol, ours and the peers', and the whole study at a reduced size."""
import collections
import csv
import glob
import os
import shutil
import sys

import cicada_table
import measure
import runner
from runner import TREE, minbias, path, program

STUDY = os.path.join(TREE, "studies", "cicada-benchmark.yaml")
N_SCORES = 960000
WITH_LATENCY = ("keras", "keras-xla")  # by a process of its own
ONCE = ("hls4ml",)  # it compiles for half a minute

# Of the reduced run of the study: collisions simulated and read, those for the anomaly triggers, events of a signal, those of
# each sample for training, and epochs at most. Unless --quick, a training has as many events as in the full study.
Size = collections.namedtuple("Size", "events background aside signal train epochs")
SIZES = {True: Size(14000, 10000, 2000, 2000, 800, 4), False: Size(250000, 200000, 20000, 50000, 40000, 20)}


class Cicada(runner.Bench):
    NAME = "cicada"
    SECTION = "Results: calorimeter regions"
    PEERS = ["keras", "tflite-xnnpack", "torch", "onnxruntime", "torch-compiled", "keras-xla", "scikit-learn", "hls4ml"]

    def __init__(self, options):
        super().__init__(options)
        self.n_train = 16384 if options.quick else 64000
        self.epochs = 4 if options.quick else 21

    @classmethod
    def add_options(cls, parser):
        parser.add_argument("--whole", action="store_true",
                            help="also an epoch of the benchmark's protocol, and the whole study at a reduced size")

    def make_data(self):
        os.makedirs(path("cicada"), exist_ok=True)
        done = os.spawnl(os.P_WAIT, program("cicada"), "bench_cicada", "write", "2", self.events(), "2", "1", path("cicada"))
        if done != 0:
            raise runner.Failed("bench_cicada could not write its events")
        # Scores as a classifier's: sigmoids of two Gaussians.
        import numpy as np
        draw = np.random.default_rng(1)
        labels = draw.permutation(N_SCORES) % 2
        scores = 1 / (1 + np.exp(-draw.normal(size=N_SCORES) - 1.5 * labels))
        np.save(path("cicada", "roc_labels.npy"), labels.astype(np.float32))
        np.save(path("cicada", "roc_scores.npy"), scores.astype(np.float32))

    def events(self):
        return str(self.n_train // 4 * 5)  # a fifth of them validates

    def ours(self, command, threads, events, round_):
        self.run([program("cicada"), command, str(threads), str(events), str(self.epochs), self.seconds], round_)

    def round(self, round_):
        self.ours("train", 2, self.n_train, round_)
        self.ours("fits", 2, self.n_train, round_)
        self.ours("infer", 2, self.n_train, round_)
        self.ours("latency", 1, self.n_train, round_)
        if self.options.whole:
            self.ours("epoch", 2, self.events(), round_)
            self.ours("epochs", 2, self.events(), round_)
        for threads in ("1", "2"):
            self.run([program("roc"), path("cicada", "roc_scores.npy"), path("cicada", "roc_labels.npy"), threads,
                      self.seconds], round_)
        self.run([program("twin")], round_)
        epochs = str(self.epochs if self.options.whole else 0)
        for peer in self.options.peers:
            if peer in ONCE and round_ > 0:
                continue
            for process in [peer] + [f"{peer}:latency"] * (peer in WITH_LATENCY):
                self.peer(process, round_, path("cicada"), self.seconds, "2", str(self.n_train), epochs)

    def after(self):
        if self.options.whole:
            self.run_study()

    def size(self):
        return SIZES[self.options.quick]

    def run_study(self):
        size = self.size()
        data = path("calo-quick" if self.options.quick else "calo")
        settings = [f"data.dir={data}", f"data.background={{file: ZeroBias.h5, limit: {size.background}}}",
                    f"data.signals.SUEP={{file: SUEP.h5, title: SUEP, overlay: background, overlay_events: {size.signal // 2}}}",
                    f"data.synthetic.events={size.signal}", f"data.train_size={size.train}",
                    f"data.blend.each={size.train // 5}", f"train.epochs={size.epochs}", f"fits.cicada.events={size.aside}",
                    "fits.cicada.alternate.rounds=1"]
        if not os.path.exists(data):
            runner.tell(f"simulating {size.events:,} collisions and 5 x {size.signal:,} signal events")
            minbias("simulate", "calo", "-o", data, "--events", str(size.events), "--set", f"signal_events={size.signal}")
        shutil.rmtree(path("cicada-run"), ignore_errors=True)
        since = measure.busy()
        words = [word for setting in settings for word in ("--set", setting)]
        seconds, megabytes = minbias("run", STUDY, "-o", path("cicada-run"), "--threads", "2", *words)
        other = measure.other_cpu(since)
        histories = glob.glob(path("cicada-run", "fits", "m_*", "history.csv"))
        epochs = 0
        for name in histories:
            with open(name) as file:
                epochs += len(list(csv.reader(file))) - 1
        for metric, value, unit in (("whole_seconds", seconds, "s"), ("whole_memory", megabytes, "MB"),
                                    ("whole_trainings", len(histories), "trainings"), ("whole_epochs", epochs, "epochs")):
            self.keep({"who": "minbias", "metric": metric, "value": value, "unit": unit, "n": 1, "other_cpu": other}, 0)

    def render(self, machine):
        return cicada_table.render(self.figures, machine, self.rounds(), self.options.any_load, self.n_train, self.size())


if __name__ == "__main__":
    sys.exit(runner.main(Cicada))
