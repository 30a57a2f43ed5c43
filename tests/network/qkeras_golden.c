// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "qkeras_golden.h"

#include <stdlib.h>

static void read_hexes(char *text, qkeras_numbers *out) {
    out->n = 0;
    for (char *word = strtok(text, " \n"); word != NULL; word = strtok(NULL, " \n")) {
        const uint32_t bits = (uint32_t)strtoul(word, NULL, 16);
        assert_true(out->n < QKERAS_MOST_VALUES);
        memcpy(&out->value[out->n++], &bits, sizeof bits);
    }
}

bool qkeras_golden_next(FILE *file, qkeras_golden *g) {
    static char line[QKERAS_MOST_LINE];
    const struct {
        const char *key;
        qkeras_numbers *into;
    } arrays[] = {{"weights", &g->weights}, {"x", &g->x}, {"t", &g->t}, {"before", &g->before},
        {"losses", &g->losses}, {"trained", &g->trained}, {"after", &g->after}};
    while (fgets(line, sizeof line, file) != NULL) {
        char *rest = strchr(line, ' ');
        assert_non_null(rest);
        *rest++ = '\0';
        rest[strcspn(rest, "\n")] = '\0';
        if (strcmp(line, "model") == 0) {
            snprintf(g->name, sizeof g->name, "%.31s", rest);
        } else if (strcmp(line, "json") == 0) {
            memcpy(g->json, rest, strlen(rest) + 1);
        }
        for (size_t i = 0; i < MB_COUNT_OF(arrays); i++) {
            if (strcmp(line, arrays[i].key) == 0) {
                read_hexes(rest, arrays[i].into);
            }
        }
        if (strcmp(line, "after") == 0) {
            return true;
        }
    }
    return false;
}

FILE *qkeras_golden_open(void) {
    FILE *file = fopen(mb_test_source("tests/golden/quantized.txt"), "r");
    assert_non_null(file);
    return file;
}

void qkeras_golden_load(mb_context *ctx, const qkeras_golden *g, mb_model **model) {
    assert_ok(ctx, mb_model_load_config(ctx, g->name, g->json, strlen(g->json), model));
    if ((*model)->n_parameters != g->weights.n) {
        fail_msg("%s: %zu parameters, wanted %zu", g->name, (*model)->n_parameters, g->weights.n);
    }
    memcpy((*model)->parameters, g->weights.value, g->weights.n * sizeof(float));
}

size_t qkeras_golden_rows(const qkeras_golden *g, const mb_model *model) {
    return g->x.n / mb_value_size(&model->values[model->inputs[0]].type);
}

void qkeras_golden_predict(
    mb_context *ctx, const mb_model *model, const float *x, size_t n, float *out) {
    const mb_plan_settings settings = {.max_rows = n};
    mb_plan *plan = NULL;
    assert_ok(ctx, mb_plan_create(ctx, model, &settings, &plan));
    mb_plan_load(plan, model->parameters);
    void *scratch = aligned_alloc(64, mb_round_up(mb_plan_scratch_bytes(plan), 64));
    const mb_input input = {.dense = x};
    mb_plan_predict(plan, scratch, &input, n, &out);
    free(scratch);
    mb_plan_destroy(plan);
}
