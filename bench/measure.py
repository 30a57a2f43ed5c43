# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
"""Timing for the peers: medians as JSON lines, and how busy the machine was with other things meanwhile."""
import gc
import json
import os
import sys
import time

WHO = "?"


def emit(metric, value, unit, **more):
    line = {"who": WHO, "metric": metric, "value": float(f"{value:.6g}"), "unit": unit}
    line.update({key: round(v, 6) if isinstance(v, float) else v for key, v in more.items()})
    print(json.dumps(line), flush=True)


def exact(metric, value):
    """All digits: equality is judged from them."""
    print(json.dumps({"who": WHO, "metric": metric, "value": float(value), "unit": ""}), flush=True)


def note(text):
    print(f"{WHO}: {text}", file=sys.stderr, flush=True)


def busy():
    """(seconds the whole machine worked, seconds this process and its children did, now)"""
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    own = os.times()
    worked = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
    return worked, own.user + own.system + own.children_user + own.children_system, time.perf_counter()


def other_cpu(since):
    """Share of the machine, 0 to 1, that other processes used since then."""
    now = busy()
    others = (now[0] - since[0]) - (now[1] - since[1])
    return max(0.0, others / max(1e-3, now[2] - since[2]) / os.cpu_count())


def repeat(work, budget, least=3, most=200, warm=1):
    """Sorted seconds of repeated calls, and the share of the machine that others had."""
    for _ in range(warm):
        work()
    gc.collect()
    seconds, since, end = [], busy(), time.perf_counter() + budget
    while len(seconds) < least or (time.perf_counter() < end and len(seconds) < most):
        begin = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - begin)
    return sorted(seconds), other_cpu(since)


def rate(metric, work, count, unit, budget, **limits):
    seconds, other = repeat(work, budget, **limits)
    emit(metric, count / seconds[len(seconds) // 2], unit, best=count / seconds[0], n=len(seconds), other_cpu=other)


def duration(metric, work, budget, **limits):
    seconds, other = repeat(work, budget, **limits)
    emit(metric, seconds[len(seconds) // 2], "s", best=seconds[0], n=len(seconds), other_cpu=other)


def latency(metric, work, budget, warm=50):
    gc.collect()
    gc.disable()
    seconds, other = repeat(work, budget, least=100, most=200000, warm=warm)
    gc.enable()
    n = len(seconds)
    for name, i in (("p50", n // 2), ("p99", int(n * 0.99)), ("p99.9", int(n * 0.999)), ("max", n - 1)):
        emit(f"{metric}_{name}", seconds[i] * 1e6, "us", best=seconds[0] * 1e6, n=n, other_cpu=other)


def attempt(what, work):
    """A peer that cannot do one thing is noted and does the others."""
    try:
        work()
    except Exception as error:  # noqa: BLE001 any failure of a peer is only a line
        note(f"{what} failed: {type(error).__name__}: {str(error)[:300]}")
