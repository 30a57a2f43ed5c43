// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/answer.h"

#include "base/output.h"

#include <math.h>

mb_status mb_answer_create(mb_context *ctx, mb_answer **out) {
    *out = NULL;
    mb_answer *answer = mb_allocate_zeroed(ctx, 1, sizeof *answer);
    if (answer == NULL) {
        return MB_ERR_MEMORY;
    }
    answer->runtime = mb_context_runtime(ctx);
    answer->ctx = ctx;
    mb_document_init(&answer->document, ctx, "answer");
    mb_buffer_init(&answer->text, ctx);
    mb_buffer_init(&answer->json, ctx);
    answer->document.root = mb_node_make(&answer->document, ctx, MB_NODE_MAP);
    if (answer->document.root == NULL) {
        mb_answer_destroy(answer);
        return MB_ERR_MEMORY;
    }
    *out = answer;
    return MB_OK;
}

void mb_answer_destroy(mb_answer *answer) {
    if (answer == NULL) {
        return;
    }
    mb_buffer_clear(&answer->text);
    mb_buffer_clear(&answer->json);
    mb_document_clear(&answer->document);
    mb_runtime_release(answer->runtime, answer);
}

const char *mb_answer_text(const mb_answer *answer) {
    return answer->text.length > 0 ? answer->text.data : "";
}

const char *mb_answer_json(const mb_answer *answer) {
    return answer->json.length > 0 ? answer->json.data : "{}";
}

static mb_node *put(mb_answer *answer, mb_node *map, const char *key, mb_node *value) {
    if (answer->status != MB_OK) {
        return NULL;
    }
    answer->status = value == NULL ? MB_ERR_MEMORY
                                   : mb_node_set(&answer->document, answer->ctx,
                                         map != NULL ? map : answer->document.root, key, value);
    return answer->status == MB_OK ? value : NULL;
}

static mb_node *add(mb_answer *answer, mb_node *list, mb_node *value) {
    if (answer->status != MB_OK || list == NULL) {
        return NULL;
    }
    if (value == NULL) {
        answer->status = MB_ERR_MEMORY;
        return NULL;
    }
    mb_node_append(list, value);
    return value;
}

static mb_node *make_real(mb_answer *answer, double value) {
    return isfinite(value) ? mb_node_make_real(&answer->document, answer->ctx, value)
                           : mb_node_make(&answer->document, answer->ctx, MB_NODE_NULL);
}

void mb_answer_put_text(mb_answer *answer, mb_node *map, const char *key, const char *value) {
    put(answer, map, key,
        value != NULL ? mb_node_make_text(&answer->document, answer->ctx, value)
                      : mb_node_make(&answer->document, answer->ctx, MB_NODE_NULL));
}

void mb_answer_put_int(mb_answer *answer, mb_node *map, const char *key, int64_t value) {
    put(answer, map, key, mb_node_make_int(&answer->document, answer->ctx, value));
}

void mb_answer_put_real(mb_answer *answer, mb_node *map, const char *key, double value) {
    put(answer, map, key, make_real(answer, value));
}

void mb_answer_put_bool(mb_answer *answer, mb_node *map, const char *key, bool value) {
    put(answer, map, key, mb_node_make_bool(&answer->document, answer->ctx, value));
}

void mb_answer_put_copy(mb_answer *answer, mb_node *map, const char *key, const mb_node *value) {
    put(answer, map, key, mb_node_copy(&answer->document, answer->ctx, value));
}

mb_node *mb_answer_put_map(mb_answer *answer, mb_node *map, const char *key) {
    return put(answer, map, key, mb_node_make(&answer->document, answer->ctx, MB_NODE_MAP));
}

mb_node *mb_answer_put_list(mb_answer *answer, mb_node *map, const char *key) {
    return put(answer, map, key, mb_node_make(&answer->document, answer->ctx, MB_NODE_LIST));
}

mb_node *mb_answer_add_map(mb_answer *answer, mb_node *list) {
    return add(answer, list, mb_node_make(&answer->document, answer->ctx, MB_NODE_MAP));
}

void mb_answer_add_int(mb_answer *answer, mb_node *list, int64_t value) {
    add(answer, list, mb_node_make_int(&answer->document, answer->ctx, value));
}

void mb_answer_add_real(mb_answer *answer, mb_node *list, double value) {
    add(answer, list, make_real(answer, value));
}

void mb_answer_add_text(mb_answer *answer, mb_node *list, const char *value) {
    add(answer, list, mb_node_make_text(&answer->document, answer->ctx, value));
}

void mb_answer_line(mb_answer *answer, const char *format, ...) {
    char line[1024];
    va_list list;
    va_start(list, format);
    mb_format_list(line, sizeof line, format, list);
    va_end(list);
    mb_buffer_text(&answer->text, line);
    mb_buffer_text(&answer->text, "\n");
}

mb_status mb_answer_finish(mb_answer *answer, mb_status status, mb_answer **out) {
    if (status == MB_OK) {
        mb_node_write_json(&answer->json, answer->document.root, -1);
        status = answer->status != MB_OK        ? answer->status
                 : answer->text.status != MB_OK ? answer->text.status
                                                : answer->json.status;
    }
    if (status != MB_OK || out == NULL) {
        mb_answer_destroy(answer);
        return status;
    }
    *out = answer;
    return MB_OK;
}

mb_status mb_answer_write(mb_answer *answer, mb_status status, const char *path) {
    mb_answer *done = NULL;
    MB_TRY(mb_answer_finish(answer, status, &done));
    const char *json = mb_answer_json(done);
    status = mb_write_file(done->ctx, path, json, strlen(json));
    mb_answer_destroy(done);
    return status;
}
