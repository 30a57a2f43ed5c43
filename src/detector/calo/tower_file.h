// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_TOWER_FILE_H
#define DETECTOR_CALO_TOWER_FILE_H

#include "detector/calo/towers.h"

// Files of towers, read event by event, never whole.
//
// A table (text, plain or gzip): a header, then one row a tower with the columns event, iet, ieta,
// iphi and, for the electromagnetic part, iem or ihad; rows are sorted by event, and an event
// without towers is a row whose other fields are empty.
//
// HDF5: the datasets iet, ieta, iphi and iem or ihad, either flat behind one another with `offsets`
// (events + 1: event k has the towers offsets[k] .. offsets[k + 1]), or (events, most towers) and
// filled up with ieta 0. May also hold `event` (events), and for the acceptance either
// `AcceptanceFlag` (events) or generator jets: jet_pt (GeV) and jet_eta, likewise flat with
// `jet_offsets` or filled up with zeros.
//
// An event is accepted when a generator jet has pt > 30 GeV and |eta| < 2.4.

typedef struct mb_calo_tower_settings {
    const char *jets; // table of generator jets with the columns event, pt, eta; NULL: none
    bool needs_ecal;  // fail where the file says nothing of the electromagnetic part
} mb_calo_tower_settings;

typedef struct mb_calo_tower_event {
    int64_t number; // as in the file, or counted from 0
    bool is_accepted;
    const mb_calo_tower *tower; // borrowed until the next event
    size_t n;
} mb_calo_tower_event;

typedef struct mb_calo_tower_file mb_calo_tower_file;

// Opens a file and counts its events. settings may be NULL. The caller closes *out; on failure it
// is NULL. Fails with IO, FORMAT, SHAPE, LIMIT.
mb_status mb_calo_tower_file_open(mb_context *ctx, const char *path,
    const mb_calo_tower_settings *settings, mb_calo_tower_file **out) MB_MUST_CHECK;
size_t mb_calo_tower_file_events(const mb_calo_tower_file *file);
bool mb_calo_tower_file_has_acceptance(const mb_calo_tower_file *file);
// The next event; there must be one. Fails with RANGE (a tower that cannot be) and as open.
mb_status mb_calo_tower_file_next(
    mb_calo_tower_file *file, mb_calo_tower_event *event) MB_MUST_CHECK;
void mb_calo_tower_file_close(mb_calo_tower_file *file);

#endif
