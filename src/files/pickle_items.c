// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/pickle_inside.h"

// Containers, and the last check of a whole tree.

static bool is_number(mb_pickle_kind kind) {
    return kind <= MB_PICKLE_FLOAT;
}

mb_status mb_pickle_make_items(pickle_machine *m, mb_pickle_kind kind,
    const mb_pickle_value *values, size_t n, mb_pickle_value *out) {
    if (++m->n_boxes > mb_context_limits(m->ctx)->objects) {
        return mb_pickle_fail(m, MB_ERR_LIMIT,
            "is beyond the limit of %llu objects; split the file",
            (unsigned long long)mb_context_limits(m->ctx)->objects);
    }
    pickle_items_box *box = mb_pickle_allocate(m, 1, sizeof *box);
    if (box == NULL) {
        return mb_context_status(m->ctx);
    }
    box->visit.offset = m->opcode_at;
    *out = (mb_pickle_value){.kind = kind, .as = {.items = &box->items}};
    return mb_pickle_add(m, *out, values, n);
}

// Python wants members of sets and keys that do not change.
static mb_status check_members(
    pickle_machine *m, mb_pickle_kind kind, const mb_pickle_value *values, size_t n) {
    if (kind == MB_PICKLE_DICT && n % 2 != 0) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "has a key without a value; the file is damaged, write it again");
    }
    const size_t step = kind == MB_PICKLE_DICT ? 2 : 1;
    for (size_t i = 0; i < n; i += step) {
        const mb_pickle_kind member = values[i].kind;
        if (member == MB_PICKLE_LIST || member == MB_PICKLE_DICT || member == MB_PICKLE_ARRAY) {
            return mb_pickle_fail(m, MB_ERR_FORMAT,
                "has a %s as a key or member of a set; write it as a tuple",
                mb_pickle_kind_name(member));
        }
    }
    return MB_OK;
}

mb_status mb_pickle_add(
    pickle_machine *m, mb_pickle_value container, const mb_pickle_value *values, size_t n) {
    pickle_items_box *box = (pickle_items_box *)container.as.items;
    mb_pickle_items *items = &box->items;
    if (n == 0) {
        return MB_OK;
    }
    MB_TRY(mb_pickle_unpack(m, items));
    if (container.kind == MB_PICKLE_DICT || container.kind == MB_PICKLE_SET) {
        MB_TRY(check_members(m, container.kind, values, n));
    }
    if (n > box->capacity - items->n) {
        // The first values come all at once where they are few, then the room doubles.
        const size_t wanted = mb_max_size(items->n + n, 2 * box->capacity);
        mb_pickle_value *grown = mb_pickle_allocate(m, wanted, sizeof *grown);
        if (grown == NULL) {
            return mb_context_status(m->ctx);
        }
        if (items->n > 0) {
            memcpy(grown, items->items, items->n * sizeof *grown);
        }
        items->items = grown;
        box->capacity = wanted;
    }
    memcpy(items->items + items->n, values, n * sizeof *values);
    items->n += n;
    for (size_t i = 0; i < n && !box->has_boxes; i++) {
        box->has_boxes = !is_number(values[i].kind);
    }
    return MB_OK;
}

static mb_status check_value(
    pickle_machine *m, const mb_pickle_value *value, uint32_t level, pickle_visit *sum);

static mb_status add_visit(
    pickle_machine *m, pickle_visit *sum, uint32_t level, const pickle_visit *part) {
    const mb_limits *limits = mb_context_limits(m->ctx);
    m->opcode_at = part->offset;
    if (part->depth > limits->depth || level + part->depth > limits->depth) {
        return mb_pickle_fail(
            m, MB_ERR_LIMIT, "is nested deeper than %u levels; make it flatter", limits->depth);
    }
    sum->depth = sum->depth > part->depth + 1 ? sum->depth : part->depth + 1;
    // Both stay below the limits, so the sums cannot overflow.
    sum->n_boxes += part->n_boxes;
    sum->n_bytes += part->n_bytes;
    if (sum->n_boxes > limits->objects || sum->n_bytes > limits->bytes) {
        return mb_pickle_fail(m, MB_ERR_LIMIT,
            "has more than %llu objects or %llu bytes when shared ones count each time; "
            "write a smaller file",
            (unsigned long long)limits->objects, (unsigned long long)limits->bytes);
    }
    return MB_OK;
}

static mb_status check_items(pickle_machine *m, const mb_pickle_items *items, bool has_boxes,
    pickle_visit *visit, uint32_t level) {
    m->opcode_at = visit->offset;
    if (visit->state == PICKLE_ENTERED) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "holds itself; only trees are read, write the data without the loop");
    }
    if (visit->state == PICKLE_CHECKED) {
        return MB_OK;
    }
    visit->state = PICKLE_ENTERED;
    visit->depth = 1;
    visit->n_boxes = 1;
    visit->n_bytes = sizeof(pickle_items_box) + items->n * sizeof *items->items;
    if (items->row_end != NULL) {
        visit->n_bytes += items->row_end[items->n - 1] * sizeof *items->integers;
    }
    // Before the walk goes down, so that its own depth is bounded too.
    const pickle_visit none = {.offset = visit->offset};
    MB_TRY(add_visit(m, visit, level, &none));
    for (size_t i = 0; i < items->n && has_boxes; i++) {
        MB_TRY(check_value(m, &items->items[i], level + 1, visit));
    }
    visit->state = PICKLE_CHECKED;
    return MB_OK;
}

static mb_status check_array(pickle_machine *m, pickle_array_box *box, uint32_t level) {
    m->opcode_at = box->visit.offset;
    if (!box->is_filled) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "makes an array that stays empty; the file is damaged");
    }
    MB_TRY(check_items(m, &box->array.items, box->array.has_objects, &box->visit, level));
    return MB_OK;
}

// Adds what a value takes to the sum of its container.
static mb_status check_value(
    pickle_machine *m, const mb_pickle_value *value, uint32_t level, pickle_visit *sum) {
    pickle_visit text = {.offset = m->opcode_at, .n_boxes = 1};
    switch ((int)value->kind) {
    case MB_PICKLE_TEXT:
    case MB_PICKLE_BYTES:
        MB_TRY(mb_pickle_own_text(m, value->as.text));
        text.n_bytes = sizeof *value->as.text + value->as.text->length;
        return add_visit(m, sum, level, &text);
    case MB_PICKLE_LIST:
    case MB_PICKLE_TUPLE:
    case MB_PICKLE_SET:
    case MB_PICKLE_DICT: {
        pickle_items_box *box = (pickle_items_box *)value->as.items;
        MB_TRY(check_items(m, &box->items, box->has_boxes, &box->visit, level));
        return add_visit(m, sum, level, &box->visit);
    }
    case MB_PICKLE_ARRAY: {
        pickle_array_box *box = (pickle_array_box *)value->as.array;
        MB_TRY(check_array(m, box, level));
        text = box->visit;
        text.n_bytes += mb_array_bytes(&box->array.numbers);
        return add_visit(m, sum, level, &text);
    }
    case PICKLE_TAG:
    case PICKLE_DTYPE:
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "holds a type or function where data is due; write the data alone");
    default:
        return MB_OK;
    }
}

mb_status mb_pickle_check(pickle_machine *m, mb_pickle_value root) {
    pickle_visit sum = {.offset = m->opcode_at};
    m->opcode_name = "value";
    return check_value(m, &root, 0, &sum);
}
