#!/bin/sh
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# install_test.sh BUILD CONSUMER: installs into a temporary prefix, moves it, and builds and runs a user's program from
# there: with pkg-config and with find_package, in C and C++, shared and static.
set -eu
build=$1
consumer=$2
for tool in c++ pkg-config ninja; do
    command -v "$tool" >/dev/null || {
        echo "SKIPPED install: $tool absent"
        exit 77
    }
done
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
step() {
    echo "$1"
    shift
    "$@" >"$scratch/log" 2>&1 || {
        cat "$scratch/log"
        exit 1
    }
}
step "install" cmake --install "$build" --prefix "$scratch/first"
mv "$scratch/first" "$scratch/moved"
prefix=$scratch/moved

PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name minbias.pc)")
libraries=$(dirname "$PKG_CONFIG_PATH")
export PKG_CONFIG_PATH
version=$(pkg-config --modversion minbias)
# shellcheck disable=SC2046 # flags are words
{
    step "pkg-config, C, shared" cc -std=c17 "$consumer/consumer.c" -o "$scratch/c" $(pkg-config --cflags --libs minbias)
    step "pkg-config, C++, shared" c++ -std=c++17 "$consumer/consumer.cpp" -o "$scratch/cpp" $(pkg-config --cflags --libs minbias)
    step "pkg-config, C, static" cc -std=c17 "$consumer/consumer.c" -o "$scratch/c_static" $(pkg-config --cflags minbias) \
        "$libraries/libminbias.a" $(pkg-config --static --libs minbias | sed 's/-lminbias//')
}
step "run, shared" env LD_LIBRARY_PATH="$libraries" "$scratch/c"
step "run, shared, C++" env LD_LIBRARY_PATH="$libraries" "$scratch/cpp"
step "run, static" "$scratch/c_static"

step "find_package" cmake -G Ninja -S "$consumer" -B "$scratch/build" -DCMAKE_PREFIX_PATH="$prefix" -DWANTED_VERSION="$version"
step "build with find_package" ninja -C "$scratch/build"
for program in c_shared cpp_shared c_static cpp_static; do
    step "run $program" "$scratch/build/$program"
done

step "the program" "$prefix/bin/minbias" --version
step "the man page" test -s "$prefix/share/man/man1/minbias.1"
step "bash completion" bash -n "$prefix/share/bash-completion/completions/minbias"
step "zsh completion" grep -q '^#compdef minbias$' "$prefix/share/zsh/site-functions/_minbias"
step "the studies" test -s "$prefix/share/minbias/studies/barrel-trigger.yaml"
step "an installed study" "$prefix/bin/minbias" check "$prefix/share/minbias/studies/barrel-trigger.yaml" \
    --set simulate.files=1 --set simulate.events=20 --set "data.dir=$scratch/data"
