// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef EXCHANGE_BUNDLE_FILE_H
#define EXCHANGE_BUNDLE_FILE_H

#include "base/bundle.h"

// Bundles as HDF5 files (checkpoint.h5): one dataset an array, one attribute a text, in the
// bundle's order, under a format number. Same bundle, same bytes.

// Writes a bundle; the file appears whole or not at all. Fails with IO, LIMIT, MEMORY.
mb_status mb_bundle_save(mb_context *ctx, const mb_bundle *bundle, const char *path) MB_MUST_CHECK;
// Initialises and reads a bundle; the caller clears *out, also after a failure. Fails with IO,
// FORMAT, LIMIT, and UNSUPPORTED for a file with a newer format number.
mb_status mb_bundle_load(mb_context *ctx, const char *path, mb_bundle *out) MB_MUST_CHECK;

#endif
