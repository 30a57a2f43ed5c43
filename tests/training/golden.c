// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "golden.h"

#include "files/yaml.h"

#include <stdio.h>

void golden_open(mb_context *ctx, const char *name, mb_document *out) {
    char path[256];
    snprintf(path, sizeof path, "tests/golden/%s", name);
    assert_ok(ctx, mb_yaml_read(ctx, mb_test_source(path), out));
}

mb_node *golden_member(mb_node *map, const char *key) {
    mb_node *member = mb_node_find(map, key);
    assert_non_null(member);
    return member;
}

void golden_floats(const mb_node *list, golden_list *out) {
    out->n = 0;
    for (const mb_node *node = list->first; node != NULL; node = node->next) {
        assert_true(out->n < MB_COUNT_OF(out->value));
        assert_true(node->kind == MB_NODE_INT || node->kind == MB_NODE_REAL);
        out->value[out->n++] = (float)node->real;
    }
}
