// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_ECAL_SOURCE_H
#define DETECTOR_ECAL_SOURCE_H

#include "detector/ecal/ecal.h"
#include "files/hdf5.h"

// One file of images: .h5 / .hdf5 or .npz with X (N, 32, 32, 2) and y (N), or NAME.npy that is X,
// with y in NAME_y.npy. Rows are read a block at a time; an .npz is held whole.

typedef struct mb_ecal_source {
    mb_context *ctx;
    const char *path;          // borrowed
    mb_h5_file *h5;            // NULL: of another kind
    mb_array whole;            // X of an .npz
    mb_array labels;           // y, empty when there is none
    size_t n_rows, block_rows; // rows of the file; rows that are read together with profit
} mb_ecal_source;

// Opens and looks at shapes. Fails with IO, FORMAT, SHAPE, naming what the file holds. The caller
// closes *out, also after a failure.
mb_status mb_ecal_source_open(mb_context *ctx, const char *path, mb_ecal_source *out) MB_MUST_CHECK;
void mb_ecal_source_close(mb_ecal_source *source);
// Images first .. first + n as MB_F32 or MB_F64 (n, 32, 32, 2); the caller clears *out.
mb_status mb_ecal_source_read(
    mb_ecal_source *source, size_t first, size_t n, mb_array *out) MB_MUST_CHECK;
// Rows up to the next good place to stop reading, at least one and at most last - first.
size_t mb_ecal_source_block(const mb_ecal_source *source, size_t first, size_t last);

#endif
