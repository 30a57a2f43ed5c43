// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/tower_source.h"

#include "base/numbers.h"

enum { BLOCK_ITEMS = 1 << 18, JET_PT = 0, JET_ETA = 1, JET_COLUMNS = 2 };

static const char *const jet_names[JET_COLUMNS] = {"jet_pt", "jet_eta"};

static mb_status fail_list(const mb_tower_hdf5 *file, const char *name) {
    mb_names names = {.ctx = file->ctx};
    mb_buffer text;
    mb_buffer_init(&text, file->ctx);
    mb_status status = mb_h5_list(file->file, "/", &names);
    for (size_t i = 0; status == MB_OK && i < names.n; i++) {
        mb_buffer_format(&text, "%s%s", i > 0 ? ", " : "", names.name[i]);
    }
    if (status == MB_OK) {
        status = mb_fail(file->ctx, MB_ERR_FORMAT,
            "%s: no dataset %s (there is: %s); give towers as iet, ieta, iphi", file->path, name,
            text.length > 0 ? text.data : "nothing");
    }
    mb_buffer_clear(&text);
    mb_names_clear(&names);
    return status;
}

// Offsets rise from 0 to the number of items.
static mb_status check_offsets(
    const mb_tower_hdf5 *file, const char *name, const mb_array *offsets, size_t n_items) {
    const size_t n = mb_array_count(offsets);
    const int64_t *value = offsets->data;
    bool is_good = n > 0 && value[0] == 0 && (uint64_t)value[n - 1] == n_items;
    for (size_t i = 1; is_good && i < n; i++) {
        is_good = value[i] >= value[i - 1];
    }
    return is_good ? MB_OK
                   : mb_fail(file->ctx, MB_ERR_FORMAT,
                         "%s: %s: does not rise from 0 to %zu, the length of its columns; give the "
                         "first item of each event and the end",
                         file->path, name, n_items);
}

static mb_status read_offsets(
    mb_tower_hdf5 *file, mb_ragged *ragged, const char *name, size_t n_items) {
    if (!mb_h5_is_listed(file->file, name)) {
        return mb_fail(file->ctx, MB_ERR_FORMAT,
            "%s: %s has one axis but there is no %s; add it, or give one row an event", file->path,
            ragged->names[0], name + 1);
    }
    MB_TRY(mb_h5_read(file->file, name, &ragged->offsets));
    MB_TRY(mb_array_convert(&ragged->offsets, file->ctx, MB_I64));
    MB_TRY(check_offsets(file, name + 1, &ragged->offsets, n_items));
    ragged->n_events = mb_array_count(&ragged->offsets) - 1;
    return MB_OK;
}

// Finds the columns, which must all have the shape of the first.
static mb_status open_ragged(
    mb_tower_hdf5 *file, mb_ragged *ragged, const char *offsets, size_t n_required) {
    mb_h5_info first = {.rank = 0};
    for (size_t i = 0; i < ragged->n_names; i++) {
        char name[32];
        mb_format(name, sizeof name, "/%s", ragged->names[i]);
        ragged->has[i] = mb_h5_is_listed(file->file, name);
        if (!ragged->has[i]) {
            if (i < n_required) {
                return fail_list(file, ragged->names[i]);
            }
            continue;
        }
        mb_h5_info info;
        MB_TRY(mb_h5_get_info(file->file, name, &info));
        first = i == 0 ? info : first;
        const bool is_same = info.rank == first.rank && info.shape[0] == first.shape[0] &&
                             (info.rank < 2 || info.shape[1] == first.shape[1]);
        if (info.rank < 1 || info.rank > 2 || !is_same) {
            return mb_fail(file->ctx, MB_ERR_SHAPE,
                "%s: %s: wants one axis with %s or two, and the shape of %s", file->path,
                ragged->names[i], offsets + 1, ragged->names[0]);
        }
    }
    if (first.rank == 1) {
        return read_offsets(file, ragged, offsets, first.shape[0]);
    }
    ragged->width = first.shape[1];
    ragged->n_events = first.shape[0];
    return MB_OK;
}

// Numbers of one an event, where the file has them.
static mb_status read_optional(mb_tower_hdf5 *file, const char *name, mb_array *out) {
    if (!mb_h5_is_listed(file->file, name)) {
        return MB_OK;
    }
    MB_TRY(mb_h5_read(file->file, name, out));
    if (mb_array_count(out) == 0) {
        mb_array_clear(out);
        return MB_OK;
    }
    if (mb_array_count(out) != file->towers.n_events) {
        return mb_fail(file->ctx, MB_ERR_SHAPE,
            "%s: %s: has %zu entries for %zu events; give one each", file->path, name + 1,
            mb_array_count(out), file->towers.n_events);
    }
    return MB_OK;
}

static mb_status read_numbers(mb_tower_hdf5 *file) {
    MB_TRY(read_optional(file, "/event", &file->event));
    if (file->event.data == NULL || mb_array_convert(&file->event, file->ctx, MB_I64) == MB_OK) {
        return MB_OK;
    }
    return mb_fail_within(file->ctx, "%s: event", file->path);
}

static mb_status open_jets(mb_tower_hdf5 *file) {
    if (file->flag.data != NULL || !mb_h5_is_listed(file->file, "/jet_pt")) {
        return MB_OK;
    }
    MB_TRY(open_ragged(file, &file->jets, "/jet_offsets", JET_COLUMNS));
    if (file->jets.n_events != file->towers.n_events) {
        return mb_fail(file->ctx, MB_ERR_SHAPE,
            "%s: jets of %zu events but towers of %zu; give as many", file->path,
            file->jets.n_events, file->towers.n_events);
    }
    return MB_OK;
}

mb_status mb_tower_hdf5_open(mb_tower_hdf5 *file, mb_context *ctx, const char *path) {
    *file = (mb_tower_hdf5){.ctx = ctx,
        .path = path,
        .towers = {.names = mb_tower_names, .n_names = MB_TOWER_COLUMNS},
        .jets = {.names = jet_names, .n_names = JET_COLUMNS}};
    MB_TRY(mb_h5_open(ctx, path, &file->file));
    MB_TRY(open_ragged(file, &file->towers, "/offsets", MB_TOWER_REQUIRED));
    MB_TRY(read_numbers(file));
    MB_TRY(read_optional(file, "/AcceptanceFlag", &file->flag));
    MB_TRY(open_jets(file));
    return mb_context_status(ctx);
}

static size_t item_of(const mb_ragged *ragged, size_t event) {
    return ragged->offsets.data != NULL ? (size_t)((const int64_t *)ragged->offsets.data)[event]
                                        : event * ragged->width;
}

// Reads the block of events that starts at event: as many whole ones as fit, at least one.
static mb_status load_block(mb_tower_hdf5 *file, mb_ragged *ragged, size_t event) {
    size_t end = event + 1;
    const size_t first = item_of(ragged, event);
    while (end < ragged->n_events && item_of(ragged, end + 1) - first <= BLOCK_ITEMS) {
        end++;
    }
    const size_t n_items = item_of(ragged, end) - first;
    const bool is_flat = ragged->offsets.data != NULL;
    ragged->n_items = 0;
    for (size_t i = 0; i < ragged->n_names; i++) {
        mb_array_clear(&ragged->column[i]);
        if (ragged->has[i]) {
            char name[32];
            mb_format(name, sizeof name, "/%s", ragged->names[i]);
            MB_TRY(mb_h5_read_rows(file->file, name, is_flat ? first : event,
                is_flat ? n_items : end - event, &ragged->column[i]));
        }
    }
    ragged->first_item = first;
    ragged->n_items = n_items;
    return MB_OK;
}

// Items of an event within the block, which is loaded where needed.
static mb_status find_items(
    mb_tower_hdf5 *file, mb_ragged *ragged, size_t event, size_t *begin, size_t *n) {
    const size_t first = item_of(ragged, event);
    *n = item_of(ragged, event + 1) - first;
    if (*n > 0 &&
        (first < ragged->first_item || first + *n > ragged->first_item + ragged->n_items)) {
        MB_TRY(load_block(file, ragged, event));
    }
    *begin = first - ragged->first_item;
    return MB_OK;
}

static mb_status find_acceptance(mb_tower_hdf5 *file, size_t event, bool *is_accepted) {
    *is_accepted = true;
    if (file->flag.data != NULL) {
        *is_accepted = mb_array_get(&file->flag, event) != 0;
    } else if (file->jets.has[JET_PT]) {
        size_t begin = 0;
        size_t n = 0;
        *is_accepted = false;
        MB_TRY(find_items(file, &file->jets, event, &begin, &n));
        for (size_t i = begin; i < begin + n && !*is_accepted; i++) {
            *is_accepted = mb_jet_is_accepted(mb_array_get(&file->jets.column[JET_PT], i),
                mb_array_get(&file->jets.column[JET_ETA], i));
        }
    }
    return MB_OK;
}

mb_status mb_tower_hdf5_next(
    mb_tower_hdf5 *file, mb_tower_list *list, int64_t *number, bool *is_accepted) {
    const size_t event = file->next;
    mb_ragged *towers = &file->towers;
    size_t begin = 0;
    size_t n = 0;
    MB_TRY(find_items(file, towers, event, &begin, &n));
    for (size_t i = begin; i < begin + n; i++) {
        double value[MB_TOWER_COLUMNS] = {0};
        for (size_t c = 0; c < MB_TOWER_COLUMNS; c++) {
            value[c] = towers->has[c] ? mb_array_get(&towers->column[c], i) : 0;
        }
        char problem[160];
        mb_status status = MB_OK;
        if (!mb_tower_list_add(
                list, file->ctx, value, towers->has, problem, sizeof problem, &status)) {
            return mb_fail(file->ctx, MB_ERR_RANGE, "%s: event %zu, tower %zu: %s", file->path,
                event, i - begin, problem);
        }
        MB_TRY(status);
    }
    const int64_t *numbers = file->event.data;
    *number = numbers != NULL ? numbers[event] : (int64_t)event;
    file->next++;
    return find_acceptance(file, event, is_accepted);
}

bool mb_tower_hdf5_has_acceptance(const mb_tower_hdf5 *file) {
    return file->flag.data != NULL || file->jets.has[JET_PT];
}

static void clear_ragged(mb_ragged *ragged) {
    mb_array_clear(&ragged->offsets);
    for (size_t i = 0; i < ragged->n_names; i++) {
        mb_array_clear(&ragged->column[i]);
    }
}

void mb_tower_hdf5_close(mb_tower_hdf5 *file) {
    clear_ragged(&file->towers);
    clear_ragged(&file->jets);
    mb_array_clear(&file->event);
    mb_array_clear(&file->flag);
    mb_h5_close(file->file);
}
