// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/pickle_inside.h"

// Lists of whole numbers, and lists of such lists, read in one go: graphs are nearly all of a file
// of them, and their boxes would take longer than their numbers.

// What is being read; at is moved on success alone.
typedef struct packer {
    pickle_machine *m;
    const unsigned char *at, *end;
    size_t n;      // integers
    size_t n_rows; // of a table
} packer;

enum { MEMOIZE = 0x94, FRAME = 0x95, FRAME_BYTES = 9 };
static const uint64_t no_slot = UINT64_MAX, next_slot = UINT64_MAX - 1;

// A frame begins anywhere between values. Where it promises too much, the plain reader says so.
static const unsigned char *skip_frame(const unsigned char *at, const unsigned char *end) {
    if (end - at < FRAME_BYTES || *at != FRAME) {
        return at;
    }
    uint64_t length;
    memcpy(&length, at + 1, sizeof length);
    return length <= (uint64_t)(end - at - FRAME_BYTES) ? at + FRAME_BYTES : at;
}

// The integer at *at, which then moves behind it; false where there is none of at most 32 bits.
static inline bool take_integer(const unsigned char **at, const unsigned char *end, int32_t *out) {
    const unsigned char *p = *at;
    if (end - p >= 2 && p[0] == 'K') {
        *out = p[1];
        *at = p + 2;
        return true;
    }
    if (end - p >= 3 && p[0] == 'M') {
        *out = p[1] | p[2] << 8;
        *at = p + 3;
        return true;
    }
    if (end - p >= 5 && p[0] == 'J') {
        memcpy(out, p + 1, sizeof *out);
        *at = p + 5;
        return true;
    }
    return false;
}

// The slot that an opcode behind a new list puts it into; at moves behind it.
static uint64_t take_slot(packer *p) {
    const unsigned char *at = p->at;
    uint64_t slot = 0;
    if (p->end - at >= 1 && *at == MEMOIZE) {
        p->at = at + 1;
        return next_slot;
    }
    if (p->end - at >= 2 && *at == 'q') {
        p->at = at + 2;
        return at[1];
    }
    if (p->end - at >= 5 && *at == 'r') {
        memcpy(&slot, at + 1, 4);
        p->at = at + 5;
        return slot;
    }
    return no_slot;
}

// Room for as many integers as the bytes left can make.
static mb_status reserve(packer *p) {
    pickle_machine *m = p->m;
    const size_t most = p->n + (size_t)(p->end - p->at) / 2 + 1;
    if (most > m->packed_capacity) {
        // As if the whole file was integers: it grows once.
        const size_t wanted = mb_max_size(most, (size_t)(m->end - m->start) / 2 + 1);
        MB_TRY(mb_pickle_reserve(m, wanted * sizeof *m->packed));
        MB_TRY(mb_grow(m->ctx, &m->packed, &m->packed_capacity, wanted, sizeof *m->packed));
    }
    return MB_OK;
}

// Members of a list from at on, as batches between MARK and APPENDS or one before APPEND. False
// where something else is among them.
static bool take_members(packer *p) {
    int32_t *packed = p->m->packed;
    const unsigned char *at = skip_frame(p->at, p->end);
    if (at < p->end && *at != '(') {
        int32_t single;
        if (!take_integer(&at, p->end, &single)) {
            return true;
        }
        if (at == p->end || *at != 'a') {
            return false;
        }
        packed[p->n++] = single;
        p->at = at + 1;
        return true;
    }
    while (at < p->end && *at == '(') {
        at++;
        size_t n = p->n;
        for (;;) {
            while (take_integer(&at, p->end, &packed[n])) {
                n++;
            }
            const unsigned char *behind = skip_frame(at, p->end);
            if (behind == at) {
                break;
            }
            at = behind;
        }
        if (at == p->end || *at != 'e') {
            return false;
        }
        p->n = n;
        p->at = ++at;
        at = skip_frame(at, p->end);
    }
    return true;
}

static mb_status add_row(packer *p, uint64_t slot) {
    pickle_machine *m = p->m;
    if (p->n_rows == m->row_capacity) {
        MB_TRY(mb_pickle_reserve(m, (p->n_rows + 1) * 2 * sizeof *m->rows));
        MB_TRY(mb_grow(m->ctx, &m->rows, &m->row_capacity, p->n_rows + 1, sizeof *m->rows));
    }
    m->rows[p->n_rows++] = (pickle_row){.end = p->n, .slot = slot};
    return MB_OK;
}

// Rows up to APPENDS, behind a MARK.
static mb_status take_rows(packer *p, bool *is_table) {
    *is_table = false;
    for (;;) {
        p->at = skip_frame(p->at, p->end);
        if (p->at == p->end || *p->at != ']') {
            break;
        }
        p->at++;
        const uint64_t slot = take_slot(p);
        if (!take_members(p)) {
            return MB_OK;
        }
        MB_TRY(add_row(p, slot));
    }
    *is_table = p->at < p->end && *p->at == 'e';
    p->at += *is_table;
    return MB_OK;
}

static mb_status take_table(packer *p, bool *is_table) {
    const unsigned char *at = skip_frame(p->at, p->end);
    *is_table = at < p->end && *at == '(';
    if (*is_table) {
        const unsigned char *inside = skip_frame(at + 1, p->end);
        // A list of one row comes as APPEND, which is not worth a case.
        *is_table = inside < p->end && *inside == ']';
    }
    while (*is_table && at < p->end && *at == '(') {
        p->at = at + 1;
        MB_TRY(take_rows(p, is_table));
        at = skip_frame(p->at, p->end);
    }
    *is_table = *is_table && p->n_rows > 0;
    return MB_OK;
}

static mb_status keep_integers(packer *p, mb_pickle_items *items) {
    pickle_machine *m = p->m;
    int32_t *integers = mb_pickle_allocate(m, mb_max_size(p->n, 1), sizeof *integers);
    if (integers == NULL) {
        return mb_context_status(m->ctx);
    }
    memcpy(integers, m->packed, p->n * sizeof *integers);
    items->integers = integers;
    items->n = p->n;
    return MB_OK;
}

static mb_status keep_table(packer *p, mb_pickle_items *items) {
    pickle_machine *m = p->m;
    size_t *row_end = mb_pickle_allocate(m, p->n_rows, sizeof *row_end);
    if (row_end == NULL) {
        return mb_context_status(m->ctx);
    }
    MB_TRY(keep_integers(p, items));
    for (size_t i = 0; i < p->n_rows; i++) {
        row_end[i] = m->rows[i].end;
    }
    items->row_end = row_end;
    items->n = p->n_rows;
    for (size_t i = 0; i < p->n_rows; i++) {
        const uint64_t slot = m->rows[i].slot;
        if (slot != no_slot) {
            MB_TRY(mb_pickle_put_row(m, slot == next_slot ? m->n_memoized : slot));
        }
    }
    return MB_OK;
}

mb_status mb_pickle_run_integers(pickle_machine *m, mb_pickle_value list) {
    packer p = {.m = m, .at = m->at, .end = m->end};
    MB_TRY(reserve(&p));
    const uint64_t slot = take_slot(&p);
    const packer behind_slot = p;
    bool is_table = false;
    if (m->has_packed_tables) {
        MB_TRY(take_table(&p, &is_table));
    }
    if (!is_table) {
        p = behind_slot;
        if (!take_members(&p) || p.n == 0) {
            return MB_OK;
        }
    }
    if (slot != no_slot) {
        m->at++;
        MB_TRY(mb_pickle_opcodes[m->at[-1]].run(m));
    }
    m->at = p.at;
    return is_table ? keep_table(&p, list.as.items) : keep_integers(&p, list.as.items);
}

static mb_status unpack_row(
    pickle_machine *m, const int32_t *integers, size_t n, mb_pickle_value *out) {
    MB_TRY(mb_pickle_make_items(m, MB_PICKLE_LIST, NULL, 0, out));
    out->as.items->integers = n > 0 ? integers : NULL;
    out->as.items->n = n;
    return MB_OK;
}

mb_status mb_pickle_unpack(pickle_machine *m, mb_pickle_items *items) {
    if (items->integers == NULL) {
        return MB_OK;
    }
    pickle_items_box *box = (pickle_items_box *)items;
    mb_pickle_value *values = mb_pickle_allocate(m, items->n, sizeof *values);
    if (values == NULL) {
        return mb_context_status(m->ctx);
    }
    size_t first = 0;
    for (size_t i = 0; i < items->n; i++) {
        if (items->row_end != NULL) {
            const size_t end = items->row_end[i];
            MB_TRY(unpack_row(m, items->integers + first, end - first, &values[i]));
            first = end;
        } else {
            values[i] =
                (mb_pickle_value){.kind = MB_PICKLE_INT, .as = {.integer = items->integers[i]}};
        }
    }
    box->has_boxes = box->has_boxes || items->row_end != NULL;
    items->items = values;
    items->integers = NULL;
    items->row_end = NULL;
    box->capacity = items->n;
    return MB_OK;
}
