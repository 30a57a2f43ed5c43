#!/bin/bash
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# checks_test.sh SOURCE: every check of the source tree must find what it is there for, and pass a clean tree. Each check
# runs on a small tree made here, with one fault planted.
set -euo pipefail
source=$1
command -v git >/dev/null || {
    echo "SKIPPED checks: git absent"
    exit 77
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export MB_TREE=$scratch
spdx='// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0
'
failures=0

clean_tree() {
    rm -rf "${scratch:?}"/*
    git init -q "$scratch"
    mkdir -p "$scratch"/{include/minbias,src/base,src/files,src/network,tools/minbias}
    printf '%s#ifndef MINBIAS_A_H\n#define MINBIAS_A_H\n#include <stddef.h>\nsize_t mb_a(void);\n#endif\n' "$spdx" >"$scratch/include/minbias/a.h"
    printf '%s#include "minbias/a.h"\n' "$spdx" >"$scratch/src/base/a.c"
}

# expect CHECK PATTERN: the check must fail and print a line that matches; without a pattern it must pass in silence.
expect() {
    local words verdict=0
    words=$("$source/scripts/check_$1" 2>&1) || verdict=$?
    if [ -z "${2:-}" ]; then
        [ "$verdict" = 0 ] && [ -z "$words" ] && return 0
    elif [ "$verdict" != 0 ] && grep -qE -e "$2" <<<"$words"; then
        return 0
    fi
    echo "check_$1: wanted '${2:-silence}', status $verdict, got:"
    echo "$words"
    failures=$((failures + 1))
}

# plant PATH TEXT: a file with a fault, below the two SPDX lines.
plant() {
    clean_tree
    printf '%s%b' "$spdx" "$2" >"$scratch/$1"
}

clean_tree
for check in rooms sizes words headers; do
    expect $check
done

plant src/base/b.c '#include "network/model.h"\n'
expect rooms 'src/base/b.c:3: the room base must not use network'
plant src/network/b.c '#include "files/csv.h"\n'
expect rooms 'src/network/b.c:3: the room network must not use files'
plant src/files/b.c '#include "base/base.h"\n#include <hdf5.h>\n'
expect rooms
plant src/network/b.c '#include <hdf5.h>\n'
expect rooms 'src/network/b.c:3: <hdf5.h> belongs to the room files'
plant tools/minbias/b.c '#include "base/base.h"\n'
expect rooms 'tools/minbias/b.c:3: tools uses include/minbias/ only'
plant include/minbias/b.h '#include "base/base.h"\n'
expect rooms 'include/minbias/b.h:3: a public header includes "base/base.h"'
plant src/base/b.c '#include "neighbour.h"\n'
expect rooms 'src/base/b.c:3: "neighbour.h" names no room'

plant src/base/b.c "$(printf 'int x;\\n%.0s' $(seq 599))"
expect sizes 'src/base/b.c:601: file of 601 lines'
plant src/base/b.c "static int long_one(int a,\n    int b) {\n$(printf '    a++;\\n%.0s' $(seq 58))}\n"
expect sizes 'src/base/b.c:3: function long_one of 61 lines'
plant src/base/b.c "static int long_one(int a) {\n$(printf '    a++;\\n%.0s' $(seq 58))}\n"
expect sizes

plant src/base/b.c '// TO''DO later\n'
expect words 'src/base/b.c:3: left-over'
plant src/base/b.c '#if'' 0\n#endif\n'
expect words 'src/base/b.c:3: code switched off'
plant src/base/b.c 'const char *mb_p = "/ho''me/me/x";\n'
expect words 'src/base/b.c:3: path of one machine'
plant src/base/b.c 'void mb_p(void) {\n    printf("x");\n}\n'
expect words 'src/base/b.c:4: printing'
clean_tree
echo 'int x;' >"$scratch/src/base/b.c"
expect words 'src/base/b.c:1: the two SPDX lines'

if command -v c++ >/dev/null && command -v pkg-config >/dev/null; then
    plant include/minbias/b.h '#ifndef B_H\n#define B_H\nsize_t mb_b(void);\n#endif\n'
    expect headers 'include/minbias/b.h:1: does not compile alone .*c17'
    plant include/minbias/b.h '#ifndef B_H\n#define B_H\nint mb_b(int class);\n#endif\n'
    expect headers 'include/minbias/b.h:1: does not compile alone .*c\+\+17'
    plant src/base/b.h '#ifndef B_H\n#define B_H\nsize_t mb_b(void);\n#endif\n'
    expect headers 'src/base/b.h:1: does not compile alone'
fi

[ "$failures" = 0 ] || exit 1
echo "every check found its fault"
