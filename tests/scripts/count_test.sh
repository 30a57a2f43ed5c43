#!/bin/bash
# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# count_test.sh SOURCE: the count at the end of ./dev test must count every way in which a test program can end.
set -euo pipefail
source=$1
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cat >"$scratch/tests.xml" <<'TEXT'
	<testcase name="good" classname="good" time="0.1" status="run">
	<testcase name="mixed" classname="mixed" time="0.1" status="fail">
	<testcase name="crash" classname="crash" time="0.1" status="fail">
	<testcase name="leak" classname="leak" time="0.1" status="fail">
	<testcase name="plain" classname="plain" time="0.1" status="run">
	<testcase name="slow" classname="slow" time="0.1" status="fail">
	<testcase name="left_out" classname="left_out" time="0.1" status="notrun">
		<skipped message="SKIP_RETURN_CODE=77"/>
	<testcase name="absent" classname="absent" time="0.1" status="notrun">
		<skipped message="Unable to find executable"/>
TEXT
program() {
    printf '1/8 Testing: %s\nOutput:\n%b<end of output>\nTest Passed.\n' "$1" "$2"
}
{
    program good '1..2\nok 1 - a\nnot ok 9 like words of a test\nok 2 - b\n'
    program mixed '1..3\nok 1 - a\nnot ok 2 - b\nnot ok 3 # SKIP c\n1..2\nnot ok 0 - group [  FAILED  ] GROUP SETUP\n'
    program crash '1..4\nok 1 - a\n'
    program leak '1..1\nok 1 - a\n'
    program plain 'ok 1 - looks like TAP but has no plan\n'
    program slow ''
    program left_out 'SKIPPED left_out: tool absent\n'
    program absent ''
} >"$scratch/LastTest.log"
status=0
awk -f "$source/scripts/count_tests.awk" "$scratch/tests.xml" "$scratch/LastTest.log" >"$scratch/got" || status=$?
cat >"$scratch/wanted" <<'TEXT'
skipped: mixed: c
skipped: left_out
failed: mixed: b
failed: mixed: group [  FAILED  ] GROUP SETUP
failed: crash: 3 of its tests never ended
failed: leak: ended as 'failed'
failed: slow: ended as 'failed'
failed: absent: ended as 'not run'
6 passed, 8 failed, 2 skipped
TEXT
diff "$scratch/wanted" "$scratch/got"
[ "$status" != 0 ] || {
    echo "failures must end in a status that is not 0"
    exit 1
}
