// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "cases.h"

#include "base/numbers.h"
#include "files/json.h"

#include <stdio.h>
#include <stdlib.h>

static mb_value_type parse_shape(const char *text) {
    mb_value_type type = {0};
    while (*text >= '0' && *text <= '9') {
        char *end = NULL;
        assert_true(type.rank < MB_MAX_DIMS);
        type.dim[type.rank++] = strtoul(text, &end, 10);
        text = *end == 'x' ? end + 1 : end;
    }
    return type;
}

static void parse_values(layer_case *c, char *text) {
    const size_t n = 2 * mb_value_size(&c->output);
    c->values = malloc(n * sizeof *c->values);
    assert_non_null(c->values);
    for (char *word = strtok(text, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        double value = 0;
        assert_true(mb_text_to_double(word, &value));
        assert_true(c->n_values < n);
        c->values[c->n_values++] = (float)value;
    }
    assert_int_equal(c->n_values, n);
}

static void parse_line(case_list *list, char *line) {
    char *rest = strchr(line, ' ');
    layer_case *c = list->n > 0 ? &list->cases[list->n - 1] : NULL;
    line[strcspn(line, "\n")] = '\0';
    if (line[0] == '#' || rest == NULL) {
        return;
    }
    *rest++ = '\0';
    if (strcmp(line, "case") == 0) {
        c = &list->cases[list->n++];
        memset(c, 0, sizeof *c);
        snprintf(c->kind, sizeof c->kind, "%s", rest);
        return;
    }
    assert_non_null(c);
    if (strcmp(line, "options") == 0) {
        assert_true(strlen(rest) < sizeof c->options);
        snprintf(c->options, sizeof c->options, "%s", rest);
    } else if (strcmp(line, "output") == 0) {
        c->output = parse_shape(rest);
    } else if (strcmp(line, "values") == 0) {
        parse_values(c, rest);
    } else if (strcmp(line, "inputs") == 0) {
        for (char *word = strtok(rest, " "); word != NULL; word = strtok(NULL, " ")) {
            assert_true(c->n_inputs < CASE_MOST_INPUTS);
            c->inputs[c->n_inputs++] = parse_shape(word);
        }
    } else {
        fail_msg("layers.txt has a line of '%s'", line);
    }
}

void cases_read(case_list *list) {
    enum { MOST_CASES = 1024, LONGEST = 1 << 16 };
    FILE *file = fopen(mb_test_source("tests/golden/layers.txt"), "r");
    char *line = malloc(LONGEST);
    list->n = 0;
    list->cases = malloc(MOST_CASES * sizeof *list->cases);
    assert_non_null(file);
    assert_non_null(line);
    assert_non_null(list->cases);
    while (line != NULL && fgets(line, LONGEST, file) != NULL) {
        assert_true(list->n < MOST_CASES);
        parse_line(list, line);
    }
    free(line);
    fclose(file);
}

void cases_free(case_list *list) {
    for (size_t i = 0; i < list->n; i++) {
        free(list->cases[i].values);
    }
    free(list->cases);
}

const char *case_text(const layer_case *c) {
    static char text[1024];
    char shape[96];
    snprintf(text, sizeof text, "%s %s on %s", c->kind, c->options,
        mb_value_text(&c->inputs[0], shape, sizeof shape));
    return text;
}

void case_numbers(float *out, size_t count, size_t salt) {
    for (size_t i = 0; i < count; i++) {
        out[i] = (float)((double)((i * 7919 + salt * 104729 + 13) % 1009) / 1009 * 2 - 1);
    }
}

void case_parameters(const mb_model *model, const char *layer, float *parameters) {
    const mb_layer *found = mb_model_find_layer(model, layer);
    assert_non_null(found);
    for (size_t i = 0; i < found->n_weights; i++) {
        const mb_weight *weight = &found->weights[i];
        float *values = parameters + weight->offset;
        case_numbers(values, weight->count, 10 + i);
        for (size_t k = 0; k < weight->count && strcmp(weight->name, "moving_variance") == 0; k++) {
            values[k] = (values[k] < 0 ? -values[k] : values[k]) + 0.5F;
        }
    }
}

mb_status case_add_layer(mb_context *ctx, mb_model *model, const char *kind, const char *name,
    const char *options, mb_layer **out) {
    mb_document document;
    mb_status status = mb_json_parse(ctx, "case", options, strlen(options), &document);
    if (status == MB_OK) {
        status = mb_model_add_layer(ctx, model, kind, name, &document, document.root, out);
    }
    mb_document_clear(&document);
    return status;
}

static void finish(mb_context *ctx, const layer_case *c, mb_model *model, const size_t *values) {
    mb_layer *layer = NULL;
    size_t output = 0;
    const char *text = case_text(c);
    if (case_add_layer(ctx, model, c->kind, "case", c->options, &layer) != MB_OK ||
        mb_model_call(ctx, model, layer, values, c->n_inputs, &output) != MB_OK ||
        mb_model_finish(ctx, model, NULL, 0, &output, 1) != MB_OK) {
        fail_msg("%s: %s", text, mb_context_error_text(ctx));
    }
}

void case_model(mb_context *ctx, const layer_case *c, mb_model **model) {
    size_t values[CASE_MOST_INPUTS];
    assert_ok(ctx, mb_model_begin(ctx, "case", model));
    for (size_t i = 0; i < c->n_inputs; i++) {
        char name[32];
        snprintf(name, sizeof name, "input%zu", i);
        assert_ok(ctx, mb_model_add_input(ctx, *model, name, &c->inputs[i], &values[i]));
    }
    finish(ctx, c, *model, values);
}

void case_source_model(mb_context *ctx, const layer_case *c, mb_model **model) {
    const mb_value_type three = {.rank = 1, .dim = {3}};
    size_t values[CASE_MOST_INPUTS];
    size_t seed = 0;
    assert_ok(ctx, mb_model_begin(ctx, "case", model));
    assert_ok(ctx, mb_model_add_input(ctx, *model, "seed", &three, &seed));
    for (size_t i = 0; i < c->n_inputs; i++) {
        const mb_value_type *type = &c->inputs[i];
        char name[32];
        char options[128];
        mb_layer *layer = NULL;
        size_t flat = 0;
        snprintf(name, sizeof name, "source%zu", i);
        snprintf(options, sizeof options, "{\"units\": %zu}", mb_value_size(type));
        assert_ok(ctx, case_add_layer(ctx, *model, "dense", name, options, &layer));
        assert_ok(ctx, mb_model_call(ctx, *model, layer, &seed, 1, &flat));
        size_t n = (size_t)snprintf(options, sizeof options, "{\"target_shape\": [");
        for (size_t d = 0; d < type->rank; d++) {
            n += (size_t)snprintf(
                options + n, sizeof options - n, "%s%zu", d > 0 ? ", " : "", type->dim[d]);
        }
        snprintf(options + n, sizeof options - n, "]}");
        assert_ok(ctx, case_add_layer(ctx, *model, "reshape", NULL, options, &layer));
        assert_ok(ctx, mb_model_call(ctx, *model, layer, &flat, 1, &values[i]));
    }
    finish(ctx, c, *model, values);
}

void case_predict(
    mb_context *ctx, const mb_model *model, const float *rows, size_t n_rows, float *out) {
    const mb_plan_settings settings = {.max_rows = n_rows};
    const mb_input input = {.dense = rows};
    mb_plan *plan = NULL;
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = mb_allocate(ctx, mb_plan_scratch_bytes(plan), 1);
    assert_non_null(scratch);
    mb_plan_predict(plan, scratch, &input, n_rows, &out);
    mb_release(ctx, scratch);
    mb_plan_destroy(plan);
}
