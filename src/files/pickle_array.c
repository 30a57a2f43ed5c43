// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/npy_header.h"
#include "files/pickle_inside.h"

// NumPy's dtypes, arrays and scalars: what numpy.ndarray.__reduce__ and its like write.

static mb_status fail_damaged(pickle_machine *m, const char *what) {
    return mb_pickle_fail(m, MB_ERR_FORMAT, "has %s; the file is damaged, write it again", what);
}

static const struct {
    const char *text;
    mb_raw_type type;
} number_types[] = {
    {"f2", {MB_F32, 2, false}},
    {"f4", {MB_F32, 4, false}},
    {"f8", {MB_F64, 8, false}},
    {"i1", {MB_I8, 1, false}},
    {"i2", {MB_I16, 2, false}},
    {"i4", {MB_I32, 4, false}},
    {"i8", {MB_I64, 8, false}},
    {"u1", {MB_U8, 1, false}},
    {"u2", {MB_U16, 2, false}},
    {"u4", {MB_U32, 4, false}},
    {"u8", {MB_U64, 8, false}},
    {"b1", {MB_BOOL, 1, false}},
};

mb_status mb_pickle_make_dtype(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    if (arguments->n < 1 || arguments->n > 3 || arguments->items[0].kind != MB_PICKLE_TEXT) {
        return fail_damaged(m, "a dtype without a name");
    }
    const mb_pickle_text *text = arguments->items[0].as.text;
    pickle_dtype *dtype = mb_pickle_allocate(m, 1, sizeof *dtype);
    if (dtype == NULL) {
        return mb_context_status(m->ctx);
    }
    (void)mb_pickle_quote(dtype->text, sizeof dtype->text, text->bytes, text->length);
    dtype->has_objects = strcmp(dtype->text, "O8") == 0 || strcmp(dtype->text, "O") == 0;
    for (size_t i = 0; i < MB_COUNT_OF(number_types); i++) {
        if (strcmp(dtype->text, number_types[i].text) == 0) {
            dtype->type = number_types[i].type;
            dtype->is_known = true;
        }
    }
    *out = (mb_pickle_value){.kind = (mb_pickle_kind)PICKLE_DTYPE, .as = {.inside = dtype}};
    return MB_OK;
}

// Records are refused with the name of their first member.
static mb_status fail_record(pickle_machine *m, const mb_pickle_value *names) {
    char quoted[64] = "";
    if (names->kind == MB_PICKLE_TUPLE && names->as.items->n > 0 &&
        names->as.items->items[0].kind == MB_PICKLE_TEXT) {
        const mb_pickle_text *first = names->as.items->items[0].as.text;
        (void)mb_pickle_quote(quoted, sizeof quoted, first->bytes, first->length);
    }
    return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
        "has an array of records (key '%s' ...); write each key as an array of its own", quoted);
}

// (version, byte order, subarray, names, fields, size, alignment, flags)
static mb_status build_dtype(pickle_machine *m, const mb_pickle_value *state, pickle_dtype *dtype) {
    if (state->kind != MB_PICKLE_TUPLE || state->as.items->n < 5) {
        return fail_damaged(m, "a dtype whose state is not one");
    }
    const mb_pickle_value *parts = state->as.items->items;
    if (parts[3].kind != MB_PICKLE_NONE) {
        return fail_record(m, &parts[3]);
    }
    if (parts[2].kind != MB_PICKLE_NONE || parts[4].kind != MB_PICKLE_NONE) {
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "has an array of arrays as dtype '%s'; write a plain array", dtype->text);
    }
    if (mb_pickle_is_text(&parts[1], ">")) {
        dtype->type.is_swapped = true;
    } else if (mb_pickle_is_text(&parts[1], "<") || mb_pickle_is_text(&parts[1], "=") ||
               mb_pickle_is_text(&parts[1], "|")) {
        dtype->type.is_swapped = false;
    } else {
        return fail_damaged(m, "a dtype of unknown byte order");
    }
    return MB_OK;
}

static mb_status check_known(pickle_machine *m, const pickle_dtype *dtype) {
    if (!dtype->is_known) {
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "has dtype '%s'; write numbers of 1 to 8 bytes, bool or objects", dtype->text);
    }
    return MB_OK;
}

static mb_status make_empty(pickle_machine *m, pickle_array_box **box, mb_pickle_value *out) {
    if (++m->n_boxes > mb_context_limits(m->ctx)->objects) {
        return mb_pickle_fail(m, MB_ERR_LIMIT,
            "is beyond the limit of %llu objects; split the file",
            (unsigned long long)mb_context_limits(m->ctx)->objects);
    }
    *box = mb_pickle_allocate(m, 1, sizeof **box);
    if (*box == NULL) {
        return mb_context_status(m->ctx);
    }
    (*box)->visit.offset = m->opcode_at;
    (*box)->next = m->out->arrays;
    m->out->arrays = *box;
    *out = (mb_pickle_value){.kind = MB_PICKLE_ARRAY, .as = {.array = &(*box)->array}};
    return MB_OK;
}

// _reconstruct(ndarray, (0,), b'b'): BUILD says what it holds.
mb_status mb_pickle_make_array(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    pickle_array_box *box = NULL;
    if (arguments->n != 3 || (int)arguments->items[0].kind != PICKLE_TAG ||
        strcmp(((const pickle_name *)arguments->items[0].as.inside)->name, "ndarray") != 0) {
        return fail_damaged(m, "an array that is not numpy.ndarray");
    }
    return make_empty(m, &box, out);
}

static mb_status read_shape(
    pickle_machine *m, const mb_pickle_value *shape, mb_npy_header *header) {
    if (shape->kind != MB_PICKLE_TUPLE || shape->as.items->n > MB_MAX_RANK) {
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "has an array whose shape is not a tuple of at most %d lengths; reshape it",
            MB_MAX_RANK);
    }
    header->rank = (unsigned)shape->as.items->n;
    for (unsigned i = 0; i < header->rank; i++) {
        const mb_pickle_value *length = &shape->as.items->items[i];
        if (length->kind != MB_PICKLE_INT || length->as.integer < 0) {
            return fail_damaged(m, "an array with a length that is none");
        }
        header->shape[i] = (size_t)length->as.integer;
    }
    if (!mb_raw_count(&header->type, header->rank, header->shape, &header->count)) {
        return fail_damaged(m, "an array larger than any memory");
    }
    return MB_OK;
}

static mb_status fill_numbers(pickle_machine *m, pickle_array_box *box, const mb_npy_header *header,
    const mb_pickle_value *data) {
    const size_t bytes = header->count * header->type.size;
    if ((data->kind != MB_PICKLE_BYTES && data->kind != MB_PICKLE_TEXT) ||
        data->as.text->length != bytes) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "has an array of %zu elements, %zu bytes, but its data is a %s of %zu; the file is "
            "damaged, write it again",
            header->count, bytes, mb_pickle_kind_name(data->kind),
            data->kind == MB_PICKLE_BYTES || data->kind == MB_PICKLE_TEXT ? data->as.text->length
                                                                          : 0);
    }
    mb_array *numbers = &box->array.numbers;
    MB_TRY(mb_pickle_reserve(m, (uint64_t)header->count * mb_dtype_size(header->type.dtype)));
    MB_TRY(mb_array_init(numbers, m->ctx, header->type.dtype, header->rank, header->shape));
    m->array_bytes += mb_array_bytes(numbers);
    if (bytes > 0) {
        memcpy(
            mb_raw_place(&header->type, numbers->data, header->count), data->as.text->bytes, bytes);
    }
    return mb_npy_finish(m->ctx, header, numbers);
}

// The members come in C order whatever the order in memory was.
static mb_status fill_objects(pickle_machine *m, pickle_array_box *box, const mb_npy_header *header,
    const mb_pickle_value *data) {
    if (data->kind != MB_PICKLE_LIST || data->as.items->n != header->count) {
        return fail_damaged(m, "an array whose list of objects does not fit its shape");
    }
    box->array.has_objects = true;
    box->array.numbers.rank = header->rank;
    memcpy(box->array.numbers.shape, header->shape, sizeof header->shape);
    // A list may grow after it was given; an array may not.
    mb_pickle_value copy;
    MB_TRY(mb_pickle_unpack(m, data->as.items));
    MB_TRY(
        mb_pickle_make_items(m, MB_PICKLE_LIST, data->as.items->items, data->as.items->n, &copy));
    box->array.items = *copy.as.items;
    return MB_OK;
}

static mb_status fill(pickle_machine *m, pickle_array_box *box, const mb_pickle_value *shape,
    const pickle_dtype *dtype, bool is_fortran, const mb_pickle_value *data) {
    mb_npy_header header = {.type = dtype->type, .is_fortran = is_fortran};
    if (box->is_filled) {
        return fail_damaged(m, "an array that is filled twice");
    }
    if (dtype->has_objects) {
        header.type = (mb_raw_type){MB_I64, 8, false};
        MB_TRY(read_shape(m, shape, &header));
        MB_TRY(fill_objects(m, box, &header, data));
    } else {
        MB_TRY(check_known(m, dtype));
        MB_TRY(read_shape(m, shape, &header));
        MB_TRY(fill_numbers(m, box, &header, data));
    }
    box->is_filled = true;
    return MB_OK;
}

// (version, shape, dtype, is Fortran, data)
static mb_status build_array(
    pickle_machine *m, const mb_pickle_value *state, pickle_array_box *box) {
    if (state->kind != MB_PICKLE_TUPLE || state->as.items->n != 5) {
        return fail_damaged(m, "an array whose state is not one");
    }
    const mb_pickle_value *parts = state->as.items->items;
    double is_fortran = 0;
    if ((int)parts[2].kind != PICKLE_DTYPE || !mb_pickle_number(&parts[3], &is_fortran)) {
        return fail_damaged(m, "an array without a dtype or order");
    }
    return fill(m, box, &parts[1], parts[2].as.inside, is_fortran != 0, &parts[4]);
}

mb_status mb_pickle_run_build(pickle_machine *m) {
    mb_pickle_value state, object;
    MB_TRY(mb_pickle_pop(m, &state));
    MB_TRY(mb_pickle_pop(m, &object));
    if (object.kind == MB_PICKLE_ARRAY) {
        MB_TRY(build_array(m, &state, (pickle_array_box *)object.as.array));
    } else if ((int)object.kind == PICKLE_DTYPE) {
        // The box is the arena's, and const only for the tags that share the pointer.
        MB_TRY(build_dtype(m, &state, (pickle_dtype *)(uintptr_t)object.as.inside));
    } else {
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "sets up a %s, which is not done; only NumPy's arrays and dtypes are",
            mb_pickle_kind_name(object.kind));
    }
    return mb_pickle_push(m, object);
}

// scalar(dtype, bytes)
mb_status mb_pickle_make_scalar(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    if (arguments->n != 2 || (int)arguments->items[0].kind != PICKLE_DTYPE ||
        (arguments->items[1].kind != MB_PICKLE_BYTES &&
            arguments->items[1].kind != MB_PICKLE_TEXT)) {
        return fail_damaged(m, "a NumPy scalar without dtype or bytes");
    }
    const pickle_dtype *dtype = arguments->items[0].as.inside;
    const mb_pickle_text *data = arguments->items[1].as.text;
    MB_TRY(check_known(m, dtype));
    if (data->length != dtype->type.size) {
        return fail_damaged(m, "a NumPy scalar of another size than its dtype");
    }
    uint64_t bits = 0;
    mb_array number = {.dtype = dtype->type.dtype, .data = &bits};
    memcpy(mb_raw_place(&dtype->type, &bits, 1), data->bytes, data->length);
    mb_raw_finish(&dtype->type, &bits, 1);
    switch (dtype->type.dtype) {
    case MB_F32:
    case MB_F64:
        *out = (mb_pickle_value){.kind = MB_PICKLE_FLOAT, .as = {.real = mb_array_get(&number, 0)}};
        return MB_OK;
    case MB_BOOL:
        *out = (mb_pickle_value){.kind = MB_PICKLE_BOOL, .as = {.truth = bits != 0}};
        return MB_OK;
    case MB_I64:
    case MB_U64:
        if (dtype->type.dtype == MB_U64 && bits > INT64_MAX) {
            return mb_pickle_fail(m, MB_ERR_RANGE,
                "has a NumPy scalar beyond 2^63; write a smaller number, or a float");
        }
        *out = (mb_pickle_value){.kind = MB_PICKLE_INT};
        memcpy(&out->as.integer, &bits, sizeof bits);
        return MB_OK;
    default:
        *out = (mb_pickle_value){
            .kind = MB_PICKLE_INT, .as = {.integer = (int64_t)mb_array_get(&number, 0)}};
        return MB_OK;
    }
}

// _frombuffer(bytes, dtype, shape, order)
mb_status mb_pickle_make_from_buffer(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    const mb_pickle_value *parts = arguments->items;
    // A fifth argument permutes axes; NumPy gives None where nothing is permuted.
    if (arguments->n < 4 || arguments->n > 5 || (int)parts[1].kind != PICKLE_DTYPE ||
        (arguments->n == 5 && parts[4].kind != MB_PICKLE_NONE)) {
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "has an array in an order that is not read; write numpy.ascontiguousarray of it");
    }
    const bool is_fortran = mb_pickle_is_text(&parts[3], "F");
    if (!is_fortran && !mb_pickle_is_text(&parts[3], "C")) {
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "has an array of another order than C or F; write numpy.ascontiguousarray of it");
    }
    pickle_array_box *box = NULL;
    const pickle_dtype *dtype = parts[1].as.inside;
    if (dtype->has_objects) {
        return fail_damaged(m, "objects in a buffer");
    }
    MB_TRY(make_empty(m, &box, out));
    return fill(m, box, &parts[2], dtype, is_fortran, &parts[0]);
}
