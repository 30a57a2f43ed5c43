# SPDX-FileCopyrightText: The minbias authors
# SPDX-License-Identifier: Apache-2.0
# Counts tests in CTest's JUnit file (the verdicts) and its log (what the programs said), in this order. A program that
# speaks TAP counts test by test; any other counts as one test. What a program planned but never reported (a crash) is
# failed, and a program that CTest calls failed has at least one failure.

function note_failure(text, n) {
    failures[++n_failures] = text
    failed += n
    program_failed += n
}

function end_group() {
    if (planned > reported) {
        note_failure(program ": " planned - reported " of its tests never ended", planned - reported)
    }
    planned = reported = 0
}

function end_program() {
    end_group()
    if (verdict[program] == "skipped") {
        skips[++n_skips] = program
        skipped++
    } else if (verdict[program] != "passed" && program_failed == 0) {
        note_failure(program ": ended as '" verdict[program] "'", 1)
    } else if (!spoke_tap && program_failed == 0) {
        passed++
    }
    program = ""
}

/<testcase name="/ {
    split($0, part, "\"")
    case_name = part[2]
    verdict[case_name] = $0 ~ /status="run"/ ? "passed" : $0 ~ /status="fail"/ ? "failed" : "not run"
}
/<skipped message="SKIP_RETURN_CODE/ { verdict[case_name] = "skipped" }
FILENAME ~ /\.xml$/ { next }

/^[0-9]+\/[0-9]+ Testing: / {
    program = $3
    program_failed = planned = reported = spoke_tap = 0
    next
}
program == "" { next }
/^1\.\.[0-9]+$/ {
    end_group()
    planned = substr($0, 4) + 0
    spoke_tap = 1
    next
}
/^ok [0-9]+ - / && spoke_tap {
    passed++
    reported++
}
/^not ok [0-9]+ # SKIP / && spoke_tap {
    reported++
    skipped++
    sub(/^not ok [0-9]+ # SKIP /, "")
    skips[++n_skips] = program ": " $0
}
/^not ok [0-9]+ - / && spoke_tap {
    reported++
    # Number 0 is a group's own set-up or take-down: nothing of the group counts any more.
    if ($3 == "0") {
        reported = planned
    }
    sub(/^not ok [0-9]+ - /, "")
    note_failure(program ": " $0, 1)
}
/^<end of output>$/ { end_program() }

END {
    if (program != "") {
        end_program()
    }
    for (i = 1; i <= n_skips; i++) {
        print "skipped: " skips[i]
    }
    for (i = 1; i <= n_failures; i++) {
        print "failed: " failures[i]
    }
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0
}
