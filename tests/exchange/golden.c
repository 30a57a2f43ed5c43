// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "golden.h"

#include "network/plan.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

mb_zip *golden_open(mb_context *ctx, int keras) {
    char path[64];
    mb_zip *zip = NULL;
    snprintf(path, sizeof path, "tests/golden/keras/keras%d.zip", keras);
    assert_ok(ctx, mb_zip_open(ctx, mb_test_source(path), &zip));
    return zip;
}

char *golden_member(mb_context *ctx, mb_zip *zip, const char *name, size_t *length) {
    const size_t member = mb_zip_find(zip, name);
    char *bytes = NULL;
    if (member != SIZE_MAX) {
        assert_ok(ctx, mb_zip_read(zip, member, &bytes, length));
    }
    return bytes;
}

static float *read_numbers(mb_context *ctx, char **at, size_t n) {
    float *numbers = mb_allocate(ctx, n, sizeof *numbers);
    assert_non_null(numbers);
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)strtoul(*at, at, 16);
        memcpy(&numbers[i], &bits, sizeof bits);
    }
    return numbers;
}

void golden_read(golden *out, mb_context *ctx, mb_zip *zip, const char *model) {
    char name[96];
    size_t length = 0;
    memset(out, 0, sizeof *out);
    out->ctx = ctx;
    out->n_rows = 3;
    snprintf(name, sizeof name, "%s.txt", model);
    char *text = golden_member(ctx, zip, name, &length);
    assert_non_null(text);
    char *at = text;
    while (at < text + length && *at != '\0') {
        const bool is_input = strncmp(at, "input ", 6) == 0;
        const size_t n = strtoul(at + (is_input ? 6 : 7), &at, 10);
        float *numbers = read_numbers(ctx, &at, n);
        if (is_input) {
            out->input_counts[out->n_inputs] = n;
            out->inputs[out->n_inputs++] = numbers;
        } else {
            out->output_counts[out->n_outputs] = n;
            out->outputs[out->n_outputs++] = numbers;
        }
        at += *at == '\n' ? 1 : 0;
    }
    mb_release(ctx, text);
    assert_true(out->n_inputs > 0 && out->n_outputs > 0);
}

void golden_clear(golden *of) {
    for (size_t i = 0; i < of->n_inputs; i++) {
        mb_release(of->ctx, of->inputs[i]);
    }
    for (size_t i = 0; i < of->n_outputs; i++) {
        mb_release(of->ctx, of->outputs[i]);
    }
}

void golden_predict(const golden *of, const mb_model *model, float **outputs) {
    mb_plan *plan = NULL;
    mb_input inputs[8] = {{0}};
    const mb_plan_settings settings = {.max_rows = of->n_rows};
    assert_int_equal(mb_model_n_inputs(model), of->n_inputs);
    assert_int_equal(mb_model_n_outputs(model), of->n_outputs);
    for (size_t i = 0; i < of->n_inputs; i++) {
        const mb_value_type *type = &model->values[model->inputs[i]].type;
        assert_int_equal(mb_value_size(type) * of->n_rows, of->input_counts[i]);
        inputs[i].dense = of->inputs[i];
    }
    for (size_t i = 0; i < of->n_outputs; i++) {
        const mb_value_type *type = &model->values[model->outputs[i]].type;
        assert_int_equal(mb_value_size(type) * of->n_rows, of->output_counts[i]);
        outputs[i] = mb_allocate_zeroed(of->ctx, of->output_counts[i], sizeof(float));
        assert_non_null(outputs[i]);
    }
    assert_ok(of->ctx, mb_plan_create(of->ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = mb_allocate(of->ctx, mb_plan_scratch_bytes(plan), 1);
    assert_non_null(scratch);
    mb_plan_predict(plan, scratch, inputs, of->n_rows, outputs);
    mb_release(of->ctx, scratch);
    mb_plan_destroy(plan);
}

void golden_clear_prediction(const golden *of, float **outputs) {
    for (size_t i = 0; i < of->n_outputs; i++) {
        mb_release(of->ctx, outputs[i]);
    }
}

static void write_numbers(FILE *file, const char *kind, const float *numbers, size_t n) {
    fprintf(file, "%s %zu\n", kind, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = 0;
        memcpy(&bits, &numbers[i], sizeof bits);
        fprintf(file, "%08x%s", bits, i + 1 < n ? " " : "\n");
    }
}

void golden_write(const golden *of, const char *path) {
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    for (size_t i = 0; i < of->n_inputs; i++) {
        write_numbers(file, "input", of->inputs[i], of->input_counts[i]);
    }
    for (size_t i = 0; i < of->n_outputs; i++) {
        write_numbers(file, "output", of->outputs[i], of->output_counts[i]);
    }
    assert_int_equal(fclose(file), 0);
}
