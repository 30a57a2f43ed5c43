// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef FILES_HDF5_SOURCE_H
#define FILES_HDF5_SOURCE_H

#include "base/base.h"

#include <hdf5.h>

// A file that HDF5 reads through our hands: never beyond its end, and from memory without a copy.
// Where the library believes too much of what a file says, the same bytes are read without it.
typedef struct mb_h5_source {
    int descriptor;             // -1: in memory
    const unsigned char *bytes; // borrowed
    uint64_t length;
    size_t room; // of the caller's memory for numbers; SIZE_MAX: any
    hid_t driver;
} mb_h5_source;

// Reads whole or not at all.
bool mb_h5_source_read(const mb_h5_source *source, uint64_t offset, void *bytes, size_t length);
// The file starts as one that the checks understand.
bool mb_h5_source_is_known(const mb_h5_source *source);
// How many bytes the file says it has, 0 when it does not say.
uint64_t mb_h5_source_wanted(const mb_h5_source *source);
// Registers the driver and sets it in a file access list. Between mb_h5_enter and mb_h5_leave.
bool mb_h5_source_set(mb_h5_source *source, hid_t access);
// After the file is closed.
void mb_h5_source_forget(mb_h5_source *source);

#endif
