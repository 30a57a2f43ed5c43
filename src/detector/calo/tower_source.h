// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef DETECTOR_CALO_TOWER_SOURCE_H
#define DETECTOR_CALO_TOWER_SOURCE_H

#include "detector/calo/event_table.h"
#include "detector/calo/tower_file.h"
#include "files/hdf5.h"

// The two kinds of files behind tower_file.h.

typedef enum mb_tower_column {
    MB_TOWER_ET,
    MB_TOWER_ETA,
    MB_TOWER_PHI,
    MB_TOWER_EM,
    MB_TOWER_HAD,
    MB_TOWER_COLUMNS,
    MB_TOWER_REQUIRED = MB_TOWER_EM
} mb_tower_column;
extern const char *const mb_tower_names[MB_TOWER_COLUMNS];

typedef struct mb_tower_list {
    mb_calo_tower *tower;
    size_t n, capacity;
} mb_tower_list;
// Adds a tower from the numbers of its columns. False when they are none: problem then says which
// and why. *status tells of lack of memory.
bool mb_tower_list_add(mb_tower_list *list, mb_context *ctx, const double value[MB_TOWER_COLUMNS],
    const bool has[MB_TOWER_COLUMNS], char *problem, size_t size, mb_status *status);

bool mb_jet_is_accepted(double pt, double eta);

typedef struct mb_tower_table {
    mb_event_table table;
    size_t n_events;
} mb_tower_table;
mb_status mb_tower_table_open(
    mb_tower_table *file, mb_context *ctx, const char *path) MB_MUST_CHECK;
mb_status mb_tower_table_next(
    mb_tower_table *file, mb_tower_list *list, int64_t *number) MB_MUST_CHECK;
void mb_tower_table_close(mb_tower_table *file);

// Columns of items that belong to events, of which a block is in memory.
typedef struct mb_ragged {
    const char *const *names;
    size_t n_names;
    bool has[MB_TOWER_COLUMNS];
    mb_array offsets; // (events + 1); empty: rows of width items
    size_t width, n_events;
    mb_array column[MB_TOWER_COLUMNS];
    size_t first_item, n_items; // of the block
} mb_ragged;

typedef struct mb_tower_hdf5 {
    mb_context *ctx;
    const char *path;
    mb_h5_file *file;
    mb_ragged towers, jets;
    mb_array event, flag; // empty: not in the file
    size_t next;
} mb_tower_hdf5;
mb_status mb_tower_hdf5_open(mb_tower_hdf5 *file, mb_context *ctx, const char *path) MB_MUST_CHECK;
mb_status mb_tower_hdf5_next(
    mb_tower_hdf5 *file, mb_tower_list *list, int64_t *number, bool *is_accepted) MB_MUST_CHECK;
bool mb_tower_hdf5_has_acceptance(const mb_tower_hdf5 *file);
void mb_tower_hdf5_close(mb_tower_hdf5 *file);

#endif
