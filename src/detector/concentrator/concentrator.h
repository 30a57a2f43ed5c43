// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CONCENTRATOR_CONCENTRATOR_H
#define DETECTOR_CONCENTRATOR_CONCENTRATOR_H

#include "detector/detector.h"
#include "geometry/arrange.h"

// The concentrator of a silicon module: 48 trigger-cell charges a bunch crossing, in counts of
// transverse charge, 35 to a MIPT. Cells are numbered as in geometry/hex48.h whatever the order of
// the file.
//
// Columns that load makes (n rows, in the order of the files):
// image        input, MB_F32, shape of data.arrange: masked, normalised
// target       target, the same; only where a label is wanted
// charges      extra, dense MB_F32 (48): counts after the selection
// scale        extra, dense MB_F32 (): the power of two at or below the sum of charges
// charge_sum   extra, dense MB_F32 (): the sum
// and with data.save_energy, where the files have them, SimEnergyTotal, EventSimEnergy and
// SimEnergyFraction: extra, dense MB_F32 ().
// event is the file's entry, or the row's number in its file where there is none.

enum { MB_CALQ_CELLS = MB_HEX48_CELLS, MB_CALQ_COUNTS_A_MIPT = 35 };
// The largest charge that the chip can hold: 22 bits.
#define MB_CALQ_MOST_CHARGE 4194303.0

typedef enum mb_calq_normalise {
    MB_CALQ_POWER2, // by the power of two at or below the sum
    MB_CALQ_MAX,    // by the largest charge
    MB_CALQ_SUM,
} mb_calq_normalise;

// Another image of the rows of a dataset that load made, at any arrangement, with the study's
// normalisation: several models of one run take different ones. with_duplicates: cells are shown in
// masked pixels, too. Must not be called while column pointers into the dataset are held.
mb_status mb_concentrator_image_add(mb_context *ctx, mb_dataset *dataset, const char *column,
    mb_column_role role, const mb_arrangement *arrangement, mb_calq_normalise normalise,
    bool with_duplicates) MB_MUST_CHECK;

#endif
