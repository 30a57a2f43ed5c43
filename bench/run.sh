#!/bin/bash
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# run.sh [STUDY] [OPTION...]: our speed beside the peers', all in one run on this machine. Called by ./dev bench.
# The peers live in a private environment, $MB_BENCH_DIR or build/bench-venv (some 6 GB, made at the first call).
set -euo pipefail
cd "$(dirname "$0")/.."

study=barrel
case ${1:-} in
'' | -*) ;;
*)
    study=$1
    shift
    ;;
esac
case $study in
barrel-trigger) study=barrel ;;
cicada-benchmark | cicada-train) study=cicada ;;
ecal-shower) study=ecal ;;
econt-autoencoder) study=econt ;;
esac
if [ ! -f "bench/$study.py" ] || [ ! -f "bench/${study}_peers.py" ]; then
    echo "bench: no bench of '$study'; there are: $(basename -s _peers.py bench/*_peers.py | tr '\n' ' ')" >&2
    exit 2
fi

mkdir -p build
cmake -G Ninja -S . -B build/bench-release -DCMAKE_BUILD_TYPE=Release -DMB_BENCH=ON >build/bench-release.log 2>&1 || {
    cat build/bench-release.log >&2
    exit 1
}
ninja -C build/bench-release --quiet minbias bench_barrel bench_cicada bench_ecal bench_econt bench_kernels bench_machine bench_roc bench_tracks bench_twin

environment=${MB_BENCH_DIR:-build/bench-venv}
if ! cmp -s bench/requirements.txt "$environment/requirements.txt"; then
    echo "bench: installing the peers into $environment (some gigabytes)" >&2
    [ -x "$environment/bin/python" ] || python3 -m venv "$environment"
    "$environment/bin/pip" install -q --disable-pip-version-check -r bench/requirements.txt
    cp bench/requirements.txt "$environment/requirements.txt"
fi
exec "$environment/bin/python" "bench/$study.py" "$@"
