// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CHIP_TABLES_H
#define DETECTOR_CHIP_TABLES_H

#include "detector/chip/chip.h"

// Which input of the multiplexer each cell behind it takes, and which charge (0 .. 47) of the
// module that is.
typedef struct mb_chip_mux {
    uint8_t input[MB_CHIP_CELLS], charge[MB_CHIP_CELLS];
} mb_chip_mux;

// Straight through.
void mb_chip_mux_init(mb_chip_mux *mux);
// From a table with columns TC_Number (the charge's), ECON_TC_Number_PostMux (the chip's cell) and
// ECON_TC_Number_PreMux (the input), 48 rows. is_ae: cells in the order of charges, else in the
// chip's. Fails with IO, FORMAT, RANGE (a number that is missing or doubled).
mb_status mb_chip_mux_read(
    mb_context *ctx, const char *path, bool is_ae, mb_chip_mux *out) MB_MUST_CHECK;

// A module of the detector.
typedef struct mb_chip_module {
    int layer, u, v;
    unsigned pu_links; // as the table allots them; 0: not read out
    bool is_high_density;
    char type[8]; // "FI", "FM", "FO" are whole modules
} mb_chip_module;

typedef struct mb_chip_modules {
    mb_context *ctx;
    mb_chip_module *module; // by layer, u, v
    size_t n, capacity;
} mb_chip_modules;

// From a table with columns Layer, ModU, ModV, ECONT_eTX, HD_LD, ModType. The caller clears *out,
// also after a failure. Fails with IO, FORMAT, RANGE (a module twice).
mb_status mb_chip_modules_read(
    mb_context *ctx, const char *path, mb_chip_modules *out) MB_MUST_CHECK;
void mb_chip_modules_clear(mb_chip_modules *modules);
// NULL: there is none.
const mb_chip_module *mb_chip_module_find(const mb_chip_modules *modules, int layer, int u, int v);

// Links by layer alone: 4 in layers 7 and 11, 5 in 9, 3 in 13, 2 in other layers that are read out
// (odd ones up to 29, all from 30 to 50), 0 in the rest.
unsigned mb_chip_signal_links(int layer);
// Of a module in either allotment.
unsigned mb_chip_module_links(const mb_chip_module *module, bool is_signal);

#endif
