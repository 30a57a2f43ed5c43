# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""The barrel bench: minbias and the peers on the same events and weights, in turns, and one table of medians.

    ./dev bench barrel [--quick] [--any-load] [--rounds N] [--peers NAME,NAME] [--no-memory] [--write-docs]

A figure counts only when other processes had at most a fifth of the machine meanwhile (--any-load takes all, for trying
things out). Every figure goes to build/bench/barrel.jsonl, the table to build/bench/barrel.md and standard output."""
import argparse
import datetime
import json
import os
import platform
import shutil
import subprocess
import sys
import time

import barrel_table
import measure

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(TREE, "build", "bench")
BUILD = os.path.join(TREE, "build", "bench-release")
STUDY = os.path.join(TREE, "studies", "barrel-trigger.yaml")
PEERS = ["keras", "tflite-xnnpack", "torch-nhwc", "onnxruntime", "torch-compiled", "keras-xla", "torch-nchw"]
MOST_OTHERS = 0.2
TRIES = 3
MEMORY_FILES = 56  # of 1000 events: as many as the original trained on


def path(*parts):
    return os.path.join(FOLDER, *parts)


def tell(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def wait_quiet(limit):
    """Until nobody else works, at most limit seconds; whether that came."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        since = measure.busy()
        time.sleep(1.0)
        if measure.other_cpu(since) < MOST_OTHERS / 2:
            return True
    return False


def peer_environment():
    # With glibc's defaults the big buffers of a step go back to the kernel and come again page by page, at a third of
    # the speed: the peers are measured without that.
    return dict(os.environ, MALLOC_MMAP_THRESHOLD_="8589934592", MALLOC_TRIM_THRESHOLD_="17179869184")


class Bench:
    def __init__(self, options):
        self.options = options
        self.figures = []
        self.refused = 0
        self.failed = []
        self.log = open(path("barrel.jsonl"), "w")
        self.seconds = "0.5" if options.quick else "4"
        self.events = "512"

    def keep(self, line, round_):
        line["round"] = round_
        self.figures.append(line)
        self.log.write(json.dumps(line) + "\n")
        self.log.flush()

    def run(self, command, round_, environment=None):
        """Runs a program of JSON lines. What it measured while others worked is refused and measured again, TRIES times
        in all."""
        name = " ".join(os.path.basename(word) for word in command[:3])
        taken, refused = {}, {}
        for _ in range(1 if self.options.any_load else TRIES):
            if not self.options.any_load:
                wait_quiet(60)
            begin = time.monotonic()
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
            tell(f"{name}: {time.monotonic() - begin:.0f} s")
            if done.returncode != 0 or not lines:
                self.failed.append(name)
                tell(f"{name} failed: " + " | ".join(done.stderr.splitlines()[-3:]))
                break
            for line in lines:
                is_quiet = self.options.any_load or line.get("other_cpu", 0) <= MOST_OTHERS
                (taken if is_quiet else refused).setdefault(line["metric"], line)
            if refused.keys() <= taken.keys():
                break
        for line in taken.values():
            self.keep(line, round_)
        for line in refused.values():
            if line["metric"] not in taken:
                self.refused += 1
                tell(f"refused: {line['who']} {line['metric']}: others had {line['other_cpu']:.0%} of the machine")

    def ours(self, command, threads, round_, *more):
        epochs = "4" if self.options.quick else "21"
        self.run([os.path.join(BUILD, "bench", "bench_barrel"), command, STUDY, path("data"), path("run", "model.h5"),
                  str(threads), self.events, epochs, self.seconds, *more], round_)

    def round(self, round_, peers):
        self.ours("read", 1, round_)
        self.ours("read", 2, round_)
        self.ours("train", 2, round_)
        self.ours("infer", 2, round_, path("scores.npy"))
        self.ours("latency", 1, round_)
        script = os.path.join(TREE, "bench", "barrel_peers.py")
        for peer in peers:
            self.run([sys.executable, script, peer, path("barrel.h5"), path("run", "model.h5"), path("scores.npy"),
                      self.seconds, "2", self.events], round_, peer_environment())
        self.hits("vectorised", round_)

    def hits(self, way, round_, *more):
        self.run([sys.executable, os.path.join(TREE, "bench", "barrel_hits.py"), way, path("data", "clusters_1.csv"),
                  path("data", "particles_1.csv"), path("barrel.h5"), self.seconds, *more], round_)


def minbias(*words):
    """(seconds, peak MB) of one call of the program."""
    begin = time.monotonic()
    with open(path("minbias.log"), "ab") as log:
        child = subprocess.Popen([os.path.join(BUILD, "minbias"), *words], stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit(f"bench: minbias {words[0]} failed; see {os.path.relpath(path('minbias.log'))}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


def make_data():
    if not os.path.exists(path("data")):
        tell("simulating 4 x 1000 events")
        minbias("simulate", "barrel", "-o", path("data"), "--files", "4", "--events", "1000")
    data = f"data.dir={path('data')}"
    shutil.rmtree(path("run"), ignore_errors=True)
    minbias("train", STUDY, "-o", path("run"), "--set", data, "--set", "train.epochs=2", "--threads", "2")
    minbias("prepare", STUDY, "-o", path("barrel.h5"), "--set", data, "--force")


def measure_memory(bench):
    if not os.path.exists(path("data-large")):
        tell(f"simulating {MEMORY_FILES} x 1000 events")
        minbias("simulate", "barrel", "-o", path("data-large"), "--files", str(MEMORY_FILES), "--events", "1000")
    shutil.rmtree(path("run-large"), ignore_errors=True)
    since = measure.busy()
    seconds, megabytes = minbias("train", STUDY, "-o", path("run-large"), "--set", f"data.dir={path('data-large')}",
                                 "--set", "train.epochs=1", "--threads", "2")
    other = measure.other_cpu(since)
    for metric, value, unit in (("memory_train", megabytes, "MB"), ("memory_train_seconds", seconds, "s")):
        bench.keep({"who": "minbias", "metric": metric, "value": value, "unit": unit, "n": 1, "other_cpu": other}, 0)
    with open(path("run-large", "history.csv")) as file:
        last = dict(zip(*[line.strip().split(",") for line in file][-2:]))
    with open(path("run-large", "training.json")) as file:
        record = json.load(file)
    bench.keep({"who": "minbias", "metric": "memory_events", "value": record["n_train"] + record["n_validation"],
                "unit": "events", "n": 1, "other_cpu": other}, 0)
    bench.keep({"who": "minbias", "metric": "memory_epoch_seconds", "value": float(last["seconds"]), "unit": "s", "n": 1,
                "other_cpu": other}, 0)


def count_text(bench):
    names = [entry.path for entry in os.scandir(path("data")) if entry.name.endswith(".csv")]
    import h5py
    with h5py.File(path("barrel.h5")) as file:
        n_events = len(file["target"])
    bench.keep({"who": "minbias", "metric": "text_size", "value": sum(os.path.getsize(name) for name in names),
                "unit": "bytes", "n_events": n_events}, 0)


def count_work(bench):
    import barrel_work
    plan = subprocess.run([os.path.join(BUILD, "bench", "bench_barrel"), "plan", STUDY, path("data"),
                           path("run", "model.h5"), "2", bench.events, "2", "1"],
                          stdout=subprocess.PIPE, text=True, check=True).stdout
    dense, left = barrel_work.count(path("barrel.h5"), plan, 1000)
    bench.keep({"who": "minbias", "metric": "work_dense", "value": dense, "unit": "multiply-adds"}, 0)
    bench.keep({"who": "minbias", "metric": "work_left", "value": left, "unit": "multiply-adds"}, 0)


def describe_machine():
    model, flags = "unknown processor", ""
    with open("/proc/cpuinfo") as file:
        for line in file:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
            if line.startswith("flags"):
                flags = line
    sets = [name for name, flag in (("AVX2", " avx2 "), ("FMA", " fma "), ("AVX-512", " avx512f ")) if flag in flags]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    compiler = subprocess.run(["cc", "--version"], stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
    return (f"{datetime.date.today()}: {model}, {os.cpu_count()} logical processors, {', '.join(sets)}, {memory:.0f} GB; "
            f"{platform.system()} {platform.release().split('-')[0]}; {compiler}")


def write_docs(text):
    """The last section of the page is the latest run."""
    page = os.path.join(TREE, "docs", "benchmarks.md")
    with open(page) as file:
        before, mark, _ = file.read().partition("## Results\n")
    with open(page, "w") as file:
        file.write(before + mark + "\n" + text)


def main():
    parser = argparse.ArgumentParser(prog="./dev bench barrel")
    parser.add_argument("--quick", action="store_true", help="one short round, no memory: noisy")
    parser.add_argument("--any-load", action="store_true", help="take figures from a busy machine too")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--peers", default=",".join(PEERS), help="of " + ",".join(PEERS) + "; may be empty")
    parser.add_argument("--no-memory", action="store_true", help="leave out the training on 56 files (5 GB of disk)")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/benchmarks.md")
    options = parser.parse_args()
    peers = [peer for peer in options.peers.split(",") if peer]
    unknown = [peer for peer in peers if peer not in PEERS]
    if unknown:
        parser.error(f"no peer '{unknown[0]}'; there are: {', '.join(PEERS)}")
    rounds = options.rounds or (1 if options.quick else 3)
    if not options.any_load and not wait_quiet(300):
        raise SystemExit("bench: others use this machine; wait for a quiet hour, or try things out with --any-load")
    os.makedirs(FOLDER, exist_ok=True)
    make_data()
    bench = Bench(options)
    count_text(bench)
    count_work(bench)
    for round_ in range(rounds):
        bench.run([os.path.join(BUILD, "bench", "bench_machine"), "2"], round_)
        bench.round(round_, peers)
    bench.hits("original", 0, "30" if options.quick else "200")
    if not options.quick and not options.no_memory:
        measure_memory(bench)
    text = barrel_table.render(bench.figures, describe_machine(), rounds, options.any_load)
    if bench.refused:
        text += f"\n{bench.refused} figures were refused because the machine was busy.\n"
    if bench.failed:
        text += f"\nDid not run: {', '.join(sorted(set(bench.failed)))}.\n"
    with open(path("barrel.md"), "w") as file:
        file.write(text)
    print(text, end="")
    if options.write_docs:
        write_docs(text)
    bench.log.close()
    return 1 if bench.failed else 0


if __name__ == "__main__":
    sys.exit(main())
