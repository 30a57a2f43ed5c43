// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_models.h"

#include "files/json.h"
#include "files/npy.h"
#include "network/model.h"

#include <math.h>
#include <stdio.h>

void calo_save_counts(mb_tool_world *world, const char *name, size_t n, const uint16_t *x) {
    const size_t shape[] = {n, CALO_REGIONS};
    mb_context *ctx = world->base.ctx;
    mb_array array;
    assert_ok(ctx, mb_array_init(&array, ctx, MB_U16, 2, shape));
    memcpy(array.data, x, mb_array_bytes(&array));
    assert_ok(ctx, mb_npy_write(ctx, mb_tool_path(world, name), &array));
    mb_array_clear(&array);
}

void calo_save_events(mb_tool_world *world, const char *name, size_t n, uint16_t *x) {
    for (size_t i = 0; i < n; i++) {
        for (size_t r = 0; r < CALO_REGIONS; r++) {
            const size_t mixed = (i * 7919 + r * 104729 + r * r * 31) % 97;
            x[i * CALO_REGIONS + r] = (uint16_t)(mixed < 60 ? 0 : (mixed - 59) % (3 + 4 * i));
        }
    }
    calo_save_counts(world, name, n, x);
}

// A chain of layers, kind and options alternating up to NULL.
static mb_model *make(mb_tool_world *world, size_t size, const char *const *chain) {
    mb_context *ctx = world->base.ctx;
    const mb_value_type type = {.rank = 1, .dim = {size}};
    mb_model *model = NULL;
    size_t value = 0;
    assert_ok(ctx, mb_model_begin(ctx, "made", &model));
    assert_ok(ctx, mb_model_add_input(ctx, model, "regions", &type, &value));
    for (size_t i = 0; chain[2 * i] != NULL; i++) {
        char name[32];
        mb_layer *layer = NULL;
        mb_document options;
        snprintf(name, sizeof name, "layer%zu", i);
        assert_ok(ctx,
            mb_json_parse(ctx, "options", chain[2 * i + 1], strlen(chain[2 * i + 1]), &options));
        assert_ok(ctx,
            mb_model_add_layer(ctx, model, chain[2 * i], name, &options, options.root, &layer));
        mb_document_clear(&options);
        assert_ok(ctx, mb_model_call(ctx, model, layer, &value, 1, &value));
    }
    assert_ok(ctx, mb_model_finish(ctx, model, NULL, 0, &value, 1));
    return model;
}

static void save(mb_tool_world *world, const char *name, mb_model *model) {
    assert_ok(world->base.ctx, mb_model_save(world->base.ctx, model, mb_tool_path(world, name)));
    mb_model_destroy(model);
}

double calo_weight(bool is_uneven, size_t region) {
    return is_uneven ? (double)(region + 1) / 512 : 0.5;
}

void calo_save_autoencoder(mb_tool_world *world, const char *name, bool is_uneven) {
    const char *const chain[] = {"dense", "{\"units\": 252, \"use_bias\": false}", NULL};
    mb_model *model = make(world, CALO_REGIONS, chain);
    for (size_t r = 0; r < CALO_REGIONS; r++) {
        model->parameters[r * CALO_REGIONS + r] = (float)calo_weight(is_uneven, r);
    }
    save(world, name, model);
}

double calo_score_weight(size_t region) {
    return (double)(region * 37 % 15) / 64 - 0.0625;
}

double calo_score_of(const uint16_t *x, int bits) {
    double sum = 0;
    for (size_t r = 0; r < CALO_REGIONS; r++) {
        sum += (double)x[r] * calo_score_weight(r);
    }
    return fmax(0, fmin(rint(sum * 256) / 256, ldexp(1, bits) - 1.0 / 256));
}

void calo_save_score(mb_tool_world *world, const char *name, int bits) {
    char activation[64];
    snprintf(activation, sizeof activation, "{\"activation\": \"quantized_relu(%d,%d)\"}", bits + 8,
        bits);
    const char *const chain[] = {"dense",
        "{\"units\": 1, \"use_bias\": false, \"kernel_quantizer\": "
        "\"quantized_bits(7,0,1,alpha=1)\"}",
        "activation", activation, NULL};
    mb_model *model = make(world, CALO_REGIONS, chain);
    for (size_t r = 0; r < CALO_REGIONS; r++) {
        model->parameters[r] = (float)calo_score_weight(r);
    }
    save(world, name, model);
}

void calo_save_small(mb_tool_world *world, const char *name) {
    const char *const chain[] = {"dense", "{\"units\": 1}", NULL};
    save(world, name, make(world, 4, chain));
}
