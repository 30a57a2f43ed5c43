// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_FIELD_FILES_H
#define DETECTOR_CALO_FIELD_FILES_H

#include "detector/calo/links.h"

// Regions with their veto bits and local positions, as 16-bit fields, in files. bits: (n_events,
// 252).

// CaloRegions uint16, EGBit and TauBit bool, LocalPhi and LocalEta uint8, all (n, 18, 14).
mb_status mb_calo_fields_write_hdf5(
    mb_context *ctx, const char *path, const uint16_t *bits, size_t n_events) MB_MUST_CHECK;
// A row for each field that is not 0, and one for region 0 of an event without any; the header is
// event,region,phi,eta,et,eg_veto,tau_veto,local_phi,local_eta.
mb_status mb_calo_fields_write_csv(
    mb_context *ctx, const char *path, const uint16_t *bits, size_t n_events) MB_MUST_CHECK;
// Reads either back, or any other regions (region_stream.h) without bits; events count whether they
// are accepted or not. The caller clears *out, also after a failure. Fails with RANGE where a
// number does not fit into its field.
mb_status mb_calo_fields_read(mb_calo_links *out, mb_context *ctx, const char *path) MB_MUST_CHECK;

#endif
