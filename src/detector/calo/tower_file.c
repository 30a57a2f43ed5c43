// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/tower_source.h"

#include "base/numbers.h"
#include "files/arrays.h"

#include <math.h>

const char *const mb_tower_names[MB_TOWER_COLUMNS] = {"iet", "ieta", "iphi", "iem", "ihad"};

enum { JET_PT, JET_ETA, JET_COLUMNS };
static const char *const jet_names[JET_COLUMNS] = {"pt", "eta"};
static const double least_jet_pt = 30, most_jet_eta = 2.4;

struct mb_calo_tower_file {
    mb_context *ctx;
    bool is_table;
    mb_tower_table table;
    mb_tower_hdf5 hdf5;
    bool has_jets;
    mb_event_table jets;
    mb_tower_list list;
};

bool mb_jet_is_accepted(double pt, double eta) {
    return pt > least_jet_pt && fabs(eta) < most_jet_eta;
}

static bool is_whole(double value, double least, double most) {
    return value >= least && value <= most && floor(value) == value;
}

// Which column is out of its range, or MB_TOWER_COLUMNS.
static size_t find_problem(
    const double value[MB_TOWER_COLUMNS], const bool has[MB_TOWER_COLUMNS], double range[2]) {
    static const double most_index = 127;
    const bool is_kept =
        value[MB_TOWER_ETA] != 0 && fabs(value[MB_TOWER_ETA]) <= MB_CALO_TOWER_MOST_IETA;
    for (size_t i = 0; i < MB_TOWER_COLUMNS; i++) {
        const bool is_index = i == MB_TOWER_ETA || i == MB_TOWER_PHI;
        range[0] = is_index ? -most_index : 0;
        range[1] = is_index ? most_index : MB_CALO_TOWER_MOST_ET;
        if (i == MB_TOWER_PHI && is_kept) {
            range[0] = 0;
            range[1] = MB_CALO_TOWER_ROWS;
        }
        if (has[i] && !is_whole(value[i], range[0], range[1])) {
            return i;
        }
    }
    return MB_TOWER_COLUMNS;
}

bool mb_tower_list_add(mb_tower_list *list, mb_context *ctx, const double value[MB_TOWER_COLUMNS],
    const bool has[MB_TOWER_COLUMNS], char *problem, size_t size, mb_status *status) {
    double range[2];
    const size_t bad = find_problem(value, has, range);
    if (bad < MB_TOWER_COLUMNS) {
        mb_format(problem, size,
            "%s %g is not a whole number %g..%g; convert it to counts or leave the tower out",
            mb_tower_names[bad], value[bad], range[0], range[1]);
        return false;
    }
    *status = mb_grow(ctx, &list->tower, &list->capacity, list->n + 1, sizeof *list->tower);
    if (*status == MB_OK) {
        const double ecal = has[MB_TOWER_EM]    ? value[MB_TOWER_EM]
                            : has[MB_TOWER_HAD] ? value[MB_TOWER_ET] - value[MB_TOWER_HAD]
                                                : 0;
        list->tower[list->n++] = (mb_calo_tower){.et = (int32_t)value[MB_TOWER_ET],
            .ecal = (int32_t)ecal,
            .ieta = (int32_t)value[MB_TOWER_ETA],
            .iphi = (int32_t)value[MB_TOWER_PHI]};
    }
    return true;
}

static mb_status open_file(mb_calo_tower_file *file, const char *path, bool needs_ecal) {
    const size_t n = strlen(path);
    file->is_table = !mb_arrays_is_path(path);
    if (!file->is_table && n > 4 && path[n - 4] == '.' && path[n - 3] == 'n') {
        return mb_fail(file->ctx, MB_ERR_ARG,
            "%s: towers are read from tables (.csv) and HDF5 (.h5); convert it", path);
    }
    MB_TRY(file->is_table ? mb_tower_table_open(&file->table, file->ctx, path)
                          : mb_tower_hdf5_open(&file->hdf5, file->ctx, path));
    const bool *has = file->is_table ? file->table.table.has : file->hdf5.towers.has;
    if (needs_ecal && !has[MB_TOWER_EM] && !has[MB_TOWER_HAD]) {
        return mb_fail(file->ctx, MB_ERR_FORMAT,
            "%s: neither iem nor ihad is there; veto bits need the electromagnetic part", path);
    }
    return MB_OK;
}

static mb_status open_jets(mb_calo_tower_file *file, const char *path) {
    file->has_jets = true;
    MB_TRY(mb_event_table_open(&file->jets, file->ctx, path, jet_names, JET_COLUMNS, JET_COLUMNS));
    return mb_event_table_next(&file->jets);
}

mb_status mb_calo_tower_file_open(mb_context *ctx, const char *path,
    const mb_calo_tower_settings *settings, mb_calo_tower_file **out) {
    *out = NULL;
    mb_calo_tower_file *file = mb_allocate_zeroed(ctx, 1, sizeof *file);
    if (file == NULL) {
        return MB_ERR_MEMORY;
    }
    file->ctx = ctx;
    mb_status status = open_file(file, path, settings != NULL && settings->needs_ecal);
    if (status == MB_OK && settings != NULL && settings->jets != NULL) {
        status = open_jets(file, settings->jets);
    }
    if (status != MB_OK) {
        mb_calo_tower_file_close(file);
        return status;
    }
    *out = file;
    return MB_OK;
}

size_t mb_calo_tower_file_events(const mb_calo_tower_file *file) {
    return file->is_table ? file->table.n_events : file->hdf5.towers.n_events;
}

bool mb_calo_tower_file_has_acceptance(const mb_calo_tower_file *file) {
    return file->has_jets || (!file->is_table && mb_tower_hdf5_has_acceptance(&file->hdf5));
}

// Jets of events that have no towers are passed over.
static mb_status accept_by_jets(mb_event_table *jets, int64_t number, bool *is_accepted) {
    *is_accepted = false;
    while (jets->has_row && jets->event <= number) {
        if (jets->event == number && !jets->is_blank) {
            *is_accepted =
                *is_accepted || mb_jet_is_accepted(jets->value[JET_PT], jets->value[JET_ETA]);
        }
        MB_TRY(mb_event_table_next(jets));
    }
    return MB_OK;
}

mb_status mb_calo_tower_file_next(mb_calo_tower_file *file, mb_calo_tower_event *event) {
    *event = (mb_calo_tower_event){.is_accepted = true};
    file->list.n = 0;
    if (file->is_table) {
        MB_TRY(mb_tower_table_next(&file->table, &file->list, &event->number));
    } else {
        MB_TRY(mb_tower_hdf5_next(&file->hdf5, &file->list, &event->number, &event->is_accepted));
    }
    if (file->has_jets) {
        MB_TRY(accept_by_jets(&file->jets, event->number, &event->is_accepted));
    }
    event->tower = file->list.tower;
    event->n = file->list.n;
    return MB_OK;
}

void mb_calo_tower_file_close(mb_calo_tower_file *file) {
    if (file == NULL) {
        return;
    }
    if (file->is_table) {
        mb_tower_table_close(&file->table);
    } else {
        mb_tower_hdf5_close(&file->hdf5);
    }
    if (file->has_jets) {
        mb_event_table_close(&file->jets);
    }
    mb_release(file->ctx, file->list.tower);
    mb_release(file->ctx, file);
}
