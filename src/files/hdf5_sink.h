// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_HDF5_SINK_H
#define FILES_HDF5_SINK_H

#include <hdf5.h>
#include <stdbool.h>

// A file that HDF5 writes and that never fails in its eyes. The library's own driver leaves a file
// open for ever, and complains at the end of the process, when the disk is full while it closes;
// here the first failure is kept, later writes do nothing, and closing always succeeds.
typedef struct mb_h5_sink {
    int descriptor;
    int error; // errno of the first failed write; 0: none
    hid_t driver;
} mb_h5_sink;

// Registers the driver and sets it in a file access list. Between mb_h5_enter and mb_h5_leave.
bool mb_h5_sink_set(mb_h5_sink *sink, hid_t access);
// After the file is closed.
void mb_h5_sink_forget(mb_h5_sink *sink);

#endif
