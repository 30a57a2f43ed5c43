// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef TESTS_FILES_PICKLE_TELL_H
#define TESTS_FILES_PICKLE_TELL_H

#include "base/buffer.h"
#include "files/pickle.h"

#include <inttypes.h>

// A tree as one line, in the form of tests/golden/pickles.py.
static inline void tell_pickle(mb_buffer *out, const mb_pickle_value *value);

static inline void tell_hex(mb_buffer *out, const void *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        mb_buffer_format(out, "%02x", ((const unsigned char *)bytes)[i]);
    }
}

static inline void tell_integers(mb_buffer *out, const int32_t *integers, size_t n) {
    for (size_t i = 0; i < n; i++) {
        mb_buffer_format(out, "%s%" PRId32, i > 0 ? ", " : "", integers[i]);
    }
}

static inline void tell_items(mb_buffer *out, char open, const mb_pickle_items *items, char close) {
    mb_buffer_format(out, "%c", open);
    if (items->integers != NULL && items->row_end == NULL) {
        tell_integers(out, items->integers, items->n);
    }
    for (size_t i = 0; i < items->n && items->row_end != NULL; i++) {
        const size_t first = i > 0 ? items->row_end[i - 1] : 0;
        mb_buffer_text(out, i > 0 ? ", [" : "[");
        tell_integers(out, items->integers + first, items->row_end[i] - first);
        mb_buffer_text(out, "]");
    }
    for (size_t i = 0; i < items->n && items->integers == NULL; i++) {
        mb_buffer_text(out, i > 0 ? ", " : "");
        tell_pickle(out, &items->items[i]);
    }
    mb_buffer_format(out, "%c", close);
}

static inline void tell_array(mb_buffer *out, const mb_pickle_array *array) {
    mb_buffer_text(out, "a(");
    for (unsigned i = 0; i < array->numbers.rank; i++) {
        mb_buffer_format(out, "%s%zu", i > 0 ? ", " : "", array->numbers.shape[i]);
    }
    if (array->has_objects) {
        mb_buffer_text(out, ") object ");
        tell_items(out, '[', &array->items, ']');
        return;
    }
    mb_buffer_format(out, ") %s ", mb_dtype_name(array->numbers.dtype));
    tell_hex(out, array->numbers.data, mb_array_bytes(&array->numbers));
}

static inline void tell_pickle(mb_buffer *out, const mb_pickle_value *value) {
    switch (value->kind) {
    case MB_PICKLE_NONE:
        mb_buffer_text(out, "None");
        return;
    case MB_PICKLE_BOOL:
        mb_buffer_text(out, value->as.truth ? "True" : "False");
        return;
    case MB_PICKLE_INT:
        mb_buffer_format(out, "%" PRId64, value->as.integer);
        return;
    case MB_PICKLE_FLOAT:

        mb_buffer_format(out, "f%a", value->as.real);
        return;
    case MB_PICKLE_TEXT:
    case MB_PICKLE_BYTES:
        mb_buffer_text(out, value->kind == MB_PICKLE_TEXT ? "t" : "b");
        tell_hex(out, value->as.text->bytes, value->as.text->length);
        assert_int_equal(value->as.text->bytes[value->as.text->length], '\0');
        return;
    case MB_PICKLE_LIST:
        tell_items(out, '[', value->as.items, ']');
        return;
    case MB_PICKLE_TUPLE:
        tell_items(out, '(', value->as.items, ')');
        return;
    case MB_PICKLE_SET:
        tell_items(out, '<', value->as.items, '>');
        return;
    case MB_PICKLE_DICT:
        tell_items(out, '{', value->as.items, '}');
        return;
    case MB_PICKLE_ARRAY:
        tell_array(out, value->as.array);
        return;
    }
    fail_msg("a value of kind %d", (int)value->kind);
}

#endif
