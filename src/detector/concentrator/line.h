// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_LINE_H
#define DETECTOR_CONCENTRATOR_LINE_H

#include "detector/concentrator/settings.h"
#include "files/lines.h"

// One line of a charge file: a row is a module in a bunch crossing.

enum { MB_CALQ_MOST_COLUMNS = 1024 };

// Beside the charges, whose roles are 0 .. 47.
enum {
    MB_CALQ_ENTRY = MB_CALQ_CELLS,
    MB_CALQ_ENERGY_TOTAL,
    MB_CALQ_ENERGY_EVENT,
    MB_CALQ_ENERGY_FRACTION,
    MB_CALQ_MODULE_TYPE,
    MB_CALQ_N_ROLES,
    MB_CALQ_OTHER = 255
};
enum { MB_CALQ_ENERGIES = 3 };
extern const char *const mb_calq_energy_names[MB_CALQ_ENERGIES];

typedef struct mb_calq_layout {
    size_t n_columns;
    uint8_t role[MB_CALQ_MOST_COLUMNS];
    bool has[MB_CALQ_N_ROLES];
    bool has_header;
} mb_calq_layout;

typedef struct mb_calq_row {
    double charge[MB_CALQ_CELLS];
    int64_t entry;
    double energy[MB_CALQ_ENERGIES]; // NaN where absent
    bool is_whole;                   // ModType FI, FM or FO
} mb_calq_row;

// What is wrong with a line.
typedef struct mb_calq_problem {
    size_t column;       // from 1; 0: the line as a whole
    bool is_charge_only; // the fields are numbers: forcing the charges mends it
    char text[160];      // "what; what to do"
} mb_calq_problem;

// The charges' columns from a first line; header: MB_CALQ_HEADER_. Fails with FORMAT and
// "FILE:LINE: ...". The line is not changed.
mb_status mb_calq_layout_read(mb_calq_layout *out, const mb_lines *lines, const char *text,
    size_t length, int header) MB_MUST_CHECK;
// A line of numbers, closed by a zero byte. false: *problem tells why. With is_forced a problem of
// charges alone is mended, and *n_forced tells how many charges were.
bool mb_calq_row_read(const mb_calq_layout *layout, const char *text, size_t length, bool is_forced,
    mb_calq_row *out, size_t *n_forced, mb_calq_problem *problem);
// Records a problem with the place of the line that was read last. Returns FORMAT.
mb_status mb_calq_fail(
    const mb_calq_layout *layout, const mb_lines *lines, const mb_calq_problem *problem);

#endif
