# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""What the benches share: programs that print JSON lines, run in turns on a quiet machine, and a page of tables.

A figure counts only when other processes had at most a fifth of the machine meanwhile (--any-load takes all, for trying
things out). Every figure of a bench goes to build/bench/NAME.jsonl, its tables to build/bench/NAME.md and standard output."""
import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time

import measure

TREE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FOLDER = os.path.join(TREE, "build", "bench")
BUILD = os.path.join(TREE, "build", "bench-release")
MOST_OTHERS = 0.2
TRIES = 3


def path(*parts):
    return os.path.join(FOLDER, *parts)


def program(name):
    return os.path.join(BUILD, "bench", f"bench_{name}")


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


class Failed(Exception):
    """A program that a bench needs failed."""


class Bench:
    """A bench of one study. Derived ones have NAME, PEERS, SECTION (of docs/benchmarks.md), make_data, round(number) and
    render(machine); they may have add_options, before and after the rounds."""

    def __init__(self, options):
        self.options = options
        self.figures = []
        self.refused = 0
        self.failed = []
        self.log = open(path(f"{self.NAME}.jsonl"), "w")
        self.seconds = "0.5" if options.quick else "4"

    @classmethod
    def add_options(cls, parser):
        pass

    def before(self):
        pass

    def after(self):
        pass

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

    def peer(self, peer, round_, *words):
        script = os.path.join(TREE, "bench", f"{self.NAME}_peers.py")
        self.run([sys.executable, script, peer, *words], round_, peer_environment())

    def rounds(self):
        return self.options.rounds or (1 if self.options.quick else 3)


def minbias(*words):
    """(seconds, peak MB) of one call of the program."""
    begin = time.monotonic()
    with open(path("minbias.log"), "ab") as log:
        child = subprocess.Popen([os.path.join(BUILD, "minbias"), *words], stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise Failed(f"minbias {words[0]}; see {os.path.relpath(path('minbias.log'))}")
    return time.monotonic() - begin, usage.ru_maxrss / 1024


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


def write_docs(section, text):
    """Puts text in place of a section of docs/benchmarks.md, which ends where the next of its rank begins."""
    page = os.path.join(TREE, "docs", "benchmarks.md")
    with open(page) as file:
        before, mark, rest = file.read().partition(f"## {section}\n")
    if not mark:
        raise SystemExit(f"bench: {os.path.relpath(page)} has no section '## {section}'; add that line")
    _, next_mark, after = rest.partition("\n## ")
    with open(page, "w") as file:
        file.write(before + mark + "\n" + text + next_mark + after)


def read_options(kind):
    parser = argparse.ArgumentParser(prog=f"./dev bench {kind.NAME}")
    parser.add_argument("--quick", action="store_true", help="one short round, nothing large: noisy")
    parser.add_argument("--any-load", action="store_true", help="take figures from a busy machine too")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--peers", default=",".join(kind.PEERS), help="of " + ",".join(kind.PEERS) + "; may be empty")
    parser.add_argument("--write-docs", action="store_true", help="put the tables into docs/benchmarks.md")
    kind.add_options(parser)
    options = parser.parse_args()
    options.peers = [peer for peer in options.peers.split(",") if peer]
    unknown = [peer for peer in options.peers if peer not in kind.PEERS]
    if unknown:
        parser.error(f"no peer '{unknown[0]}'; there are: {', '.join(kind.PEERS)}")
    return options


def main(kind):
    options = read_options(kind)
    if not options.any_load and not wait_quiet(300):
        raise SystemExit("bench: others use this machine; wait for a quiet hour, or try things out with --any-load")
    os.makedirs(FOLDER, exist_ok=True)
    bench = kind(options)
    try:
        bench.make_data()
        bench.before()
    except Failed as error:
        raise SystemExit(f"bench: failed: {error}") from None
    for round_ in range(bench.rounds()):
        bench.run([program("machine"), "2"], round_)
        bench.round(round_)
    try:
        bench.after()
    except Failed as error:  # hours of figures are not lost for it
        bench.failed.append(str(error))
        tell(str(error))
    text = bench.render(describe_machine())
    if bench.refused:
        text += f"\n{bench.refused} figures were refused because the machine was busy.\n"
    if bench.failed:
        text += f"\nDid not run: {', '.join(sorted(set(bench.failed)))}.\n"
    with open(path(f"{kind.NAME}.md"), "w") as file:
        file.write(text)
    print(text, end="")
    if options.write_docs:
        write_docs(kind.SECTION, text)
    bench.log.close()
    return 1 if bench.failed else 0
