# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# What the commands of ./dev need from Debian 12, and how it gets there. Sourced by ./dev.

# group | package | what shows that it is there (c: a command, p: a pkg-config module, f: a file) | why
dependencies() {
    cat <<'TABLE'
run|gcc|c:cc|compiles the library
run|libc6-dev|f:/usr/include/stdlib.h|headers of the C library
run|cmake|c:cmake|configures the build
run|ninja-build|c:ninja|runs the build
run|pkg-config|c:pkg-config|finds libraries
run|libhdf5-dev|p:hdf5|HDF5 files
run|libyaml-dev|p:yaml-0.1|study files
run|libjansson-dev|p:jansson|JSON
run|libzip-dev|p:libzip|.npz and .keras archives
run|zlib1g-dev|p:zlib|gzip files
run|libprotobuf-c-dev|p:libprotobuf-c|TensorFlow's model folders
run|protobuf-c-compiler|c:protoc-c|makes the readers of protocol buffers
run|gnuplot-nox|c:gnuplot|draws the pictures of a report
test|libcmocka-dev|p:cmocka|the tests' frame
test|g++|c:c++|headers and installation are tested from C++
check|binutils|c:nm|reads symbols
check|clang-format-14|c:clang-format-14|the one source format
check|clang-14|c:clang-14|second compiler
check|clang|c:clang|second compiler, by its usual name
check|libclang-rt-14-dev|f:/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.asan-x86_64.a|sanitizers of clang
fuzz|clang|c:clang|libFuzzer
fuzz|libclang-rt-14-dev|f:/usr/lib/llvm-14/lib/clang/14.0.6/lib/linux/libclang_rt.asan-x86_64.a|libFuzzer's run time
bench|python3-venv|f:/usr/lib/python3.11/ensurepip/__init__.py|a private environment for the peers
bench|g++|c:g++|what PyTorch compiles its kernels with
bench|python3-dev|f:/usr/include/python3.11/Python.h|headers that PyTorch compiles against
TABLE
}

is_present() {
    case $1 in
    c:*) command -v "${1#c:}" >/dev/null 2>&1 ;;
    p:*) command -v pkg-config >/dev/null 2>&1 && pkg-config --exists "${1#p:}" ;;
    f:*) [ -e "${1#f:}" ] ;;
    esac
}

# need GROUP...: leaves with everything of these groups in place, or ends with one line that says what to do.
need() {
    missing=
    reasons=
    for group in "$@"; do
        while IFS='|' read -r owner package sign why; do
            [ "$owner" = "$group" ] || continue
            is_present "$sign" && continue
            case " $missing " in *" $package "*) continue ;; esac
            missing="${missing:+$missing }$package"
            reasons="$reasons  $package: $why
"
        done <<TABLE
$(dependencies)
TABLE
    done
    [ -n "$missing" ] || return 0
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo "
    install="${as_root}apt-get install -y --no-install-recommends $missing"
    [ "$may_install" = yes ] || die "packages are missing; run: $install"
    command -v apt-get >/dev/null 2>&1 || die "these Debian 12 packages or their like are missing: $missing; install them"
    [ -z "$as_root" ] || command -v sudo >/dev/null 2>&1 || die "neither root nor sudo; as root run: ${install#sudo }"
    printf 'dev: installing what is missing:\n%s' "$reasons" >&2
    log=$(mktemp)
    # shellcheck disable=SC2086 # the list of packages is words
    if ${as_root}apt-get update -q >"$log" 2>&1 &&
        ${as_root}env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing >>"$log" 2>&1; then
        rm -f "$log"
    else
        cat "$log" >&2
        rm -f "$log"
        die "apt-get failed; its words are above; the command was: $install"
    fi
}
