// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "files/frozen_graph.h"

// Bytes of protocol buffers: a field is a key (number * 8 + kind), then a number, or a length and
// so many bytes. Parts are written into a buffer of their own to know their length.

enum { VARINT = 0, BYTES = 2, PRODUCER = 1205 };

static void put_varint(mb_buffer *out, uint64_t value) {
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (unsigned char)((value & 0x7fU) | (value > 0x7fU ? 0x80U : 0));
        value >>= 7;
        n++;
    } while (value > 0);
    mb_buffer_append(out, bytes, n);
}

static void put_number(mb_buffer *out, unsigned field, uint64_t value) {
    put_varint(out, field * 8 + VARINT);
    put_varint(out, value);
}

static void put_bytes(mb_buffer *out, unsigned field, const void *bytes, size_t length) {
    put_varint(out, field * 8 + BYTES);
    put_varint(out, length);
    mb_buffer_append(out, bytes, length);
}

static void put_text(mb_buffer *out, unsigned field, const char *text) {
    put_bytes(out, field, text, strlen(text));
}

// Appends the part as a field, and empties it.
static void put_part(mb_buffer *out, unsigned field, mb_buffer *part) {
    if (part->status != MB_OK && out->status == MB_OK) {
        out->status = part->status;
    }
    put_bytes(out, field, part->data, part->length);
    mb_buffer_clear(part);
}

static void put_shape(mb_buffer *out, unsigned field, const int64_t *sizes, size_t n) {
    mb_buffer shape;
    mb_buffer_init(&shape, out->ctx);
    for (size_t i = 0; i < n; i++) {
        mb_buffer dim;
        mb_buffer_init(&dim, out->ctx);
        put_number(&dim, 1, (uint64_t)sizes[i]);
        put_part(&shape, 2, &dim);
    }
    put_part(out, field, &shape);
}

// Numbers as a file stores them: int32 where they are such.
static void put_values(mb_buffer *out, const mb_frozen_tensor *tensor) {
    for (size_t i = 0; i < tensor->count; i++) {
        const int32_t integer = tensor->type == MB_FROZEN_INT32 ? (int32_t)tensor->values[i] : 0;
        const void *number =
            tensor->type == MB_FROZEN_INT32 ? (const void *)&integer : &tensor->values[i];
        mb_buffer_append(out, number, 4);
    }
}

static void sizes_of(const mb_frozen_tensor *tensor, int64_t *sizes) {
    for (unsigned i = 0; i < tensor->rank; i++) {
        sizes[i] = (int64_t)tensor->dim[i];
    }
}

static void put_tensor(mb_buffer *out, const mb_frozen_tensor *tensor) {
    int64_t sizes[MB_FROZEN_MOST_RANK];
    mb_buffer part;
    mb_buffer content;
    sizes_of(tensor, sizes);
    mb_buffer_init(&part, out->ctx);
    mb_buffer_init(&content, out->ctx);
    put_number(&part, 1, (uint64_t)tensor->type);
    put_shape(&part, 2, sizes, tensor->rank);
    put_values(&content, tensor);
    put_part(&part, 4, &content);
    put_part(out, 8, &part);
}

static void put_value(mb_buffer *out, const mb_frozen_attribute *a) {
    mb_buffer list;
    switch (a->kind) {
    case MB_FROZEN_TEXT:
        put_text(out, 2, a->text);
        break;
    case MB_FROZEN_INT:
        put_number(out, 3, (uint64_t)a->integer);
        break;
    case MB_FROZEN_BOOL:
        put_number(out, 5, (uint64_t)a->integer);
        break;
    case MB_FROZEN_TYPE:
        put_number(out, 6, (uint64_t)a->integer);
        break;
    case MB_FROZEN_SHAPE:
        put_shape(out, 7, a->ints, a->n_ints);
        break;
    case MB_FROZEN_INTS:
        mb_buffer_init(&list, out->ctx);
        for (size_t i = 0; i < a->n_ints; i++) {
            put_number(&list, 3, (uint64_t)a->ints[i]);
        }
        put_part(out, 1, &list);
        break;
    case MB_FROZEN_TENSOR:
        put_tensor(out, &a->tensor);
        break;
    case MB_FROZEN_OTHER:
        break;
    }
}

static void put_node(mb_buffer *out, const mb_frozen_node *node) {
    mb_buffer part;
    mb_buffer_init(&part, out->ctx);
    put_text(&part, 1, node->name);
    put_text(&part, 2, node->op);
    for (size_t i = 0; i < node->n_inputs; i++) {
        put_text(&part, 3, node->inputs[i]);
    }
    for (size_t i = 0; i < node->n_attributes; i++) {
        mb_buffer entry;
        mb_buffer value;
        mb_buffer_init(&entry, out->ctx);
        mb_buffer_init(&value, out->ctx);
        put_text(&entry, 1, node->attributes[i].key);
        put_value(&value, &node->attributes[i]);
        put_part(&entry, 2, &value);
        put_part(&part, 5, &entry);
    }
    put_part(out, 1, &part);
}

void mb_frozen_graph_write(mb_buffer *out, const mb_frozen_graph *graph) {
    mb_buffer versions;
    for (size_t i = 0; i < graph->n; i++) {
        put_node(out, &graph->nodes[i]);
    }
    mb_buffer_init(&versions, out->ctx);
    put_number(&versions, 1, PRODUCER);
    put_part(out, 4, &versions);
}

static void quote(mb_buffer *out, const void *bytes, size_t length) {
    const unsigned char *p = bytes;
    mb_buffer_text(out, "\"");
    for (size_t i = 0; i < length; i++) {
        if (p[i] < 0x20 || p[i] >= 0x7f || p[i] == '"' || p[i] == '\\') {
            mb_buffer_format(out, "\\%03o", p[i]);
        } else {
            mb_buffer_append(out, &p[i], 1);
        }
    }
    mb_buffer_text(out, "\"\n");
}

static const char *type_name(int64_t type) {
    return type == MB_FROZEN_FLOAT ? "DT_FLOAT" : "DT_INT32";
}

static void text_shape(mb_buffer *out, const char *indent, const int64_t *sizes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        mb_buffer_format(
            out, "%sdim {\n%s  size: %lld\n%s}\n", indent, indent, (long long)sizes[i], indent);
    }
}

static void text_tensor(mb_buffer *out, const mb_frozen_tensor *tensor) {
    int64_t sizes[MB_FROZEN_MOST_RANK];
    mb_buffer content;
    sizes_of(tensor, sizes);
    mb_buffer_init(&content, out->ctx);
    put_values(&content, tensor);
    mb_buffer_format(out, "      tensor {\n        dtype: %s\n        tensor_shape {\n",
        type_name(tensor->type));
    text_shape(out, "          ", sizes, tensor->rank);
    mb_buffer_text(out, "        }\n        tensor_content: ");
    quote(out, content.data, content.length);
    mb_buffer_text(out, "      }\n");
    if (content.status != MB_OK && out->status == MB_OK) {
        out->status = content.status;
    }
    mb_buffer_clear(&content);
}

static void text_value(mb_buffer *out, const mb_frozen_attribute *a) {
    switch (a->kind) {
    case MB_FROZEN_TEXT:
        mb_buffer_text(out, "      s: ");
        quote(out, a->text, strlen(a->text));
        break;
    case MB_FROZEN_INT:
        mb_buffer_format(out, "      i: %lld\n", (long long)a->integer);
        break;
    case MB_FROZEN_BOOL:
        mb_buffer_format(out, "      b: %s\n", a->integer != 0 ? "true" : "false");
        break;
    case MB_FROZEN_TYPE:
        mb_buffer_format(out, "      type: %s\n", type_name(a->integer));
        break;
    case MB_FROZEN_SHAPE:
        mb_buffer_text(out, "      shape {\n");
        text_shape(out, "        ", a->ints, a->n_ints);
        mb_buffer_text(out, "      }\n");
        break;
    case MB_FROZEN_INTS:
        mb_buffer_text(out, "      list {\n");
        for (size_t i = 0; i < a->n_ints; i++) {
            mb_buffer_format(out, "        i: %lld\n", (long long)a->ints[i]);
        }
        mb_buffer_text(out, "      }\n");
        break;
    case MB_FROZEN_TENSOR:
        text_tensor(out, &a->tensor);
        break;
    case MB_FROZEN_OTHER:
        break;
    }
}

void mb_frozen_graph_write_text(mb_buffer *out, const mb_frozen_graph *graph) {
    for (size_t i = 0; i < graph->n; i++) {
        const mb_frozen_node *node = &graph->nodes[i];
        mb_buffer_text(out, "node {\n  name: ");
        quote(out, node->name, strlen(node->name));
        mb_buffer_text(out, "  op: ");
        quote(out, node->op, strlen(node->op));
        for (size_t k = 0; k < node->n_inputs; k++) {
            mb_buffer_text(out, "  input: ");
            quote(out, node->inputs[k], strlen(node->inputs[k]));
        }
        for (size_t k = 0; k < node->n_attributes; k++) {
            mb_buffer_text(out, "  attr {\n    key: ");
            quote(out, node->attributes[k].key, strlen(node->attributes[k].key));
            mb_buffer_text(out, "    value {\n");
            text_value(out, &node->attributes[k]);
            mb_buffer_text(out, "    }\n  }\n");
        }
        mb_buffer_text(out, "}\n");
    }
    mb_buffer_format(out, "versions {\n  producer: %d\n}\n", PRODUCER);
}
