// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/pickle_inside.h"

// The closed list of names a file may mention, and what calling them means.

static mb_status fail_arguments(pickle_machine *m, const char *what) {
    return mb_pickle_fail(m, MB_ERR_FORMAT,
        "calls %s with arguments it does not take; the file is damaged, write it again", what);
}

// The members of a list, tuple or set, or of nothing.
static mb_status make_container(pickle_machine *m, const mb_pickle_items *arguments,
    mb_pickle_kind kind, mb_pickle_value *out) {
    if (arguments->n == 0) {
        return mb_pickle_make_items(m, kind, NULL, 0, out);
    }
    const mb_pickle_value *given = &arguments->items[0];
    if (arguments->n != 1 || (given->kind != MB_PICKLE_LIST && given->kind != MB_PICKLE_TUPLE &&
                                 given->kind != MB_PICKLE_SET)) {
        return fail_arguments(m, mb_pickle_kind_name(kind));
    }
    MB_TRY(mb_pickle_unpack(m, given->as.items));
    return mb_pickle_make_items(m, kind, given->as.items->items, given->as.items->n, out);
}

static mb_status make_set(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    return make_container(m, arguments, MB_PICKLE_SET, out);
}

static mb_status make_list(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    return make_container(m, arguments, MB_PICKLE_LIST, out);
}

static mb_status make_tuple(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    return make_container(m, arguments, MB_PICKLE_TUPLE, out);
}

static bool is_latin1(const mb_pickle_value *value) {
    return mb_pickle_is_text(value, "latin1") || mb_pickle_is_text(value, "latin-1");
}

// codecs.encode(text, "latin1") and bytearray(text, "latin-1").
static mb_status encode(pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    if (arguments->n != 2 || arguments->items[0].kind != MB_PICKLE_TEXT ||
        !is_latin1(&arguments->items[1])) {
        return fail_arguments(m, "an encoder");
    }
    return mb_pickle_encode_latin1(m, arguments->items[0].as.text, out);
}

static mb_status make_bytes(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    if (arguments->n == 2) {
        return encode(m, arguments, out);
    }
    if (arguments->n == 1 && arguments->items[0].kind == MB_PICKLE_BYTES) {
        *out = arguments->items[0];
        return MB_OK;
    }
    if (arguments->n != 0) {
        return fail_arguments(m, "bytes");
    }
    char *bytes = NULL;
    mb_pickle_text *text = mb_pickle_make_text(m, 0, &bytes);
    if (text == NULL) {
        return mb_context_status(m->ctx);
    }
    *out = (mb_pickle_value){.kind = MB_PICKLE_BYTES, .as = {.text = text}};
    return MB_OK;
}

static mb_status make_pairs(pickle_machine *m, const mb_pickle_value *given, mb_pickle_value *out) {
    MB_TRY(mb_pickle_make_items(m, MB_PICKLE_DICT, NULL, 0, out));
    if (given == NULL) {
        return MB_OK;
    }
    if (given->kind != MB_PICKLE_LIST) {
        return fail_arguments(m, "a dict");
    }
    MB_TRY(mb_pickle_unpack(m, given->as.items));
    for (size_t i = 0; i < given->as.items->n; i++) {
        const mb_pickle_value *pair = &given->as.items->items[i];
        if ((pair->kind != MB_PICKLE_LIST && pair->kind != MB_PICKLE_TUPLE) ||
            pair->as.items->n != 2) {
            return fail_arguments(m, "a dict");
        }
        MB_TRY(mb_pickle_unpack(m, pair->as.items));
        MB_TRY(mb_pickle_add(m, *out, pair->as.items->items, 2));
    }
    return MB_OK;
}

static mb_status make_ordered(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    if (arguments->n > 1) {
        return fail_arguments(m, "OrderedDict");
    }
    return make_pairs(m, arguments->n == 1 ? &arguments->items[0] : NULL, out);
}

// The factory of values that are missing means nothing once the data is read.
static mb_status make_default(
    pickle_machine *m, const mb_pickle_items *arguments, mb_pickle_value *out) {
    const int factory = arguments->n == 0 ? MB_PICKLE_NONE : (int)arguments->items[0].kind;
    if (arguments->n > 2 || (factory != PICKLE_TAG && factory != MB_PICKLE_NONE)) {
        return fail_arguments(m, "defaultdict");
    }
    return make_pairs(m, arguments->n == 2 ? &arguments->items[1] : NULL, out);
}

static const pickle_name names[] = {
    {"numpy.core.multiarray", "_reconstruct", mb_pickle_make_array},
    {"numpy._core.multiarray", "_reconstruct", mb_pickle_make_array},
    {"numpy", "ndarray", NULL},
    {"numpy", "dtype", mb_pickle_make_dtype},
    {"numpy.core.multiarray", "scalar", mb_pickle_make_scalar},
    {"numpy._core.multiarray", "scalar", mb_pickle_make_scalar},
    {"numpy.core.numeric", "_frombuffer", mb_pickle_make_from_buffer},
    {"numpy._core.numeric", "_frombuffer", mb_pickle_make_from_buffer},
    {"_codecs", "encode", encode},
    {"__builtin__", "set", make_set},
    {"builtins", "set", make_set},
    {"__builtin__", "frozenset", make_set},
    {"builtins", "frozenset", make_set},
    {"__builtin__", "list", make_list},
    {"builtins", "list", make_list},
    {"__builtin__", "tuple", make_tuple},
    {"builtins", "tuple", make_tuple},
    {"__builtin__", "bytearray", make_bytes},
    {"builtins", "bytearray", make_bytes},
    {"__builtin__", "bytes", make_bytes},
    {"builtins", "bytes", make_bytes},
    {"collections", "defaultdict", make_default},
    {"collections", "OrderedDict", make_ordered},
};

static bool is_same(const char *known, const char *text, size_t length) {
    return strlen(known) == length && memcmp(known, text, length) == 0;
}

static mb_status push_name(
    pickle_machine *m, const char *module, size_t module_length, const char *name, size_t length) {
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        if (is_same(names[i].module, module, module_length) &&
            is_same(names[i].name, name, length)) {
            return mb_pickle_push(m,
                (mb_pickle_value){.kind = (mb_pickle_kind)PICKLE_TAG, .as = {.inside = &names[i]}});
        }
    }
    char quoted_module[80], quoted_name[80];
    return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
        "asks for '%s.%s', which is not data and is never run; write the file with dictionaries, "
        "lists and NumPy arrays alone",
        mb_pickle_quote(quoted_module, sizeof quoted_module, module, module_length),
        mb_pickle_quote(quoted_name, sizeof quoted_name, name, length));
}

mb_status mb_pickle_run_global(pickle_machine *m) {
    const char *module = NULL, *name = NULL;
    size_t module_length = 0, length = 0;
    MB_TRY(mb_pickle_take_line(m, &module, &module_length));
    MB_TRY(mb_pickle_take_line(m, &name, &length));
    return push_name(m, module, module_length, name, length);
}

mb_status mb_pickle_run_stack_global(pickle_machine *m) {
    mb_pickle_value name, module;
    MB_TRY(mb_pickle_pop(m, &name));
    MB_TRY(mb_pickle_pop(m, &module));
    if (name.kind != MB_PICKLE_TEXT || module.kind != MB_PICKLE_TEXT) {
        return mb_pickle_fail(
            m, MB_ERR_FORMAT, "finds no names on the stack; the file is damaged, write it again");
    }
    return push_name(m, module.as.text->bytes, module.as.text->length, name.as.text->bytes,
        name.as.text->length);
}

static mb_status call(pickle_machine *m, bool is_new) {
    mb_pickle_value arguments, callee, made;
    MB_TRY(mb_pickle_pop(m, &arguments));
    MB_TRY(mb_pickle_pop(m, &callee));
    if (arguments.kind != MB_PICKLE_TUPLE || (int)callee.kind != PICKLE_TAG) {
        return mb_pickle_fail(m, MB_ERR_FORMAT,
            "finds no name and tuple on the stack; the file is damaged, write it again");
    }
    const pickle_name *name = callee.as.inside;
    // cls.__new__(cls, ...) of a container takes no members, unlike the call.
    if (name->make == NULL || (is_new && arguments.as.items->n != 0)) {
        return mb_pickle_fail(m, MB_ERR_UNSUPPORTED,
            "'%s.%s' is not called; write the file again with pickle.dump", name->module,
            name->name);
    }
    MB_TRY(name->make(m, arguments.as.items, &made));
    return mb_pickle_push(m, made);
}

mb_status mb_pickle_run_reduce(pickle_machine *m) {
    return call(m, false);
}

mb_status mb_pickle_run_newobj(pickle_machine *m) {
    return call(m, true);
}
