// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "files/yaml.h"
#include "geometry/arrange.h"
#include "study/module_models.h"
#include "study/summary.h"

// Parameters and operations of the published table, by formula.
typedef struct cost_case {
    const char *name;
    uint64_t encoder_parameters, parameters, encoder_flops, decoder_flops;
} cost_case;

static const cost_case cases[] = {
    {"8x8_c8_S2_tele", 2144, 4977, 6544, 32448},
    {"8x8_c8_S2", 2144, 4977, 6544, 32448},
    {"8x8_c8_pool_tele", 2144, 4977, 14352, 87744},
    {"8x8_c8_S2_qK_RTL", 2144, 4977, 6544, 32448},
    {"8x8_c8_S2_qK", 2144, 4977, 6544, 32448},
    {"8x8_c8_S2_tele_qK", 2144, 4977, 6544, 32448},
    {"8x8_c8_S2_qK_6bit", 2144, 4977, 6544, 32448},
    {"8x8_c8_S2_tele_qK_6bit", 2144, 4977, 6544, 32448},
    {"8x8_c8_S2_fqK", 2144, 4977, 6544, 32448},
    {"8x8_c8_S2_tele_fqK_6bit", 2144, 4977, 6544, 32448},
    {"8x8_c8_S2_ae_emdCNN", 2144, 4977, 6544, 32448},
    {"run5-row21-big-econ", 9040, 44177, 42512, 940608},
    {"run3-row27-small-econ", 1312, 2682, 2592, 3856},
    {"Sep1_CNN_keras_norm", 2288, 5267, 11152, 29744},
    {"4x4x3_e12", 1772, 4239, 10124, 28720},
    {"4x4x3_e20", 2804, 6295, 12180, 30768},
    {"4x4x3_d16", 2560, 5811, 11680, 30272},
    {"4x4x3_k5", 2672, 7059, 23440, 74800},
    {"4x4x3_f12", 3424, 8323, 16720, 58416},
    {"4x4x3_f20", 5696, 15299, 27856, 143408},
    {"4x4x3_pool", 752, 2099, 8208, 26576},
    {"4x4x3_8-8", 2872, 6435, 29712, 48304},
    {"4x4x3_8-8-8", 3456, 7603, 48272, 66864},
    {"4x4x3_4-4-4", 1448, 3091, 14928, 19632},
    {"4x4x3_8-4-2", 1118, 2237, 19696, 19184},
    {"denseCNN_2", 6236, 13549, 22028, 96320},
};

// The model of a name for a dataset with the columns of images.
static mb_status build(mb_context *ctx, const char *name, mb_model **out) {
    static const char *const columns[] = {
        "image_8x8", "image_4x4x3", "image_6x6x3", "image_8x8_dup", "image_6x6x3_tp"};
    static const size_t shapes[][3] = {{8, 8, 1}, {4, 4, 3}, {3, 6, 6}, {8, 8, 1}, {6, 6, 3}};
    mb_dataset dataset;
    mb_dataset_init(&dataset, ctx);
    assert_ok(ctx, mb_dataset_set_rows(&dataset, ctx, 1));
    for (size_t i = 0; i < MB_COUNT_OF(columns); i++) {
        mb_column *column = NULL;
        assert_ok(ctx, mb_dataset_add_column(&dataset, ctx, columns[i], MB_ROLE_INPUT, &column));
        column->rank = 3;
        memcpy(column->shape, shapes[i], sizeof shapes[i]);
    }
    mb_study study = {.runtime = mb_context_runtime(ctx), .name = "test", .path = "test"};
    mb_document_init(&study.document, ctx, "test");
    mb_node *entry = NULL;
    mb_node *model = NULL;
    mb_status status = mb_module_model_read(ctx, &study.document, name, &entry);
    if (status == MB_OK) {
        study.document.root = entry;
        status = mb_module_model_expand(
            ctx, &study.document, mb_node_find(entry, "autoencoder"), &model);
    }
    if (status == MB_OK) {
        const mb_fit_spec fit = {.name = "", .model = model};
        bool has_weights = false;
        status = mb_study_build_model(ctx, &study, &fit, &dataset, out, &has_weights);
    }
    mb_document_clear(&study.document);
    mb_dataset_clear(&dataset);
    return status;
}

static void test_module_models__cost_what_the_published_table_says(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        const cost_case *c = &cases[i];
        mb_model *model = NULL;
        assert_ok(world.ctx, build(world.ctx, c->name, &model));
        const mb_costs encoder = mb_model_costs(model, "encoder");
        const mb_costs decoder = mb_model_costs(model, "decoder");
        const mb_costs all = mb_model_costs(model, NULL);
        if (encoder.parameters != c->encoder_parameters || all.parameters != c->parameters ||
            encoder.flops != c->encoder_flops || decoder.flops != c->decoder_flops) {
            fail_msg("%s: %u, %u parameters, %u, %u operations; wanted %u, %u, %u, %u", c->name,
                (unsigned)encoder.parameters, (unsigned)all.parameters, (unsigned)encoder.flops,
                (unsigned)decoder.flops, (unsigned)c->encoder_parameters, (unsigned)c->parameters,
                (unsigned)c->encoder_flops, (unsigned)c->decoder_flops);
        }
        mb_model_destroy(model);
    }
    mb_test_world_close(&world);
}

static void test_module_models__all_make_images_of_their_kind(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    size_t n = 0;
    for (; mb_module_model_name(n) != NULL; n++) {
        mb_model *model = NULL;
        assert_true(mb_module_model_is_known(mb_module_model_name(n)));
        assert_ok(world.ctx, build(world.ctx, mb_module_model_name(n), &model));
        const mb_value_type *in = &model->values[model->inputs[0]].type;
        const mb_value_type *out = &model->values[model->outputs[0]].type;
        assert_int_equal(in->rank, out->rank);
        assert_memory_equal(in->dim, out->dim, in->rank * sizeof *in->dim);
        assert_int_equal(model->n_groups, 2);
        assert_string_equal(model->groups[0].name, "encoder");
        assert_string_equal(model->groups[1].name, "decoder");
        mb_model_destroy(model);
    }
    assert_true(n >= 36);
    assert_false(mb_module_model_is_known("8x8_c9"));
    mb_test_world_close(&world);
}

static void check_refused(mb_context *ctx, const char *text, const char *words) {
    mb_document document;
    mb_node *model = NULL;
    assert_ok(ctx, mb_yaml_parse(ctx, "study.yaml", text, strlen(text), &document));
    assert_fails(
        ctx, mb_module_model_expand(ctx, &document, document.root, &model), MB_ERR_FORMAT, words);
    mb_document_clear(&document);
}

static void test_module_models__wrong_entries_are_named(void **state) {
    (void)state;
    mb_test_world world;
    mb_test_world_open(&world, 1, MB_CPU_ALL);
    check_refused(world.ctx, "{filters: [8, 4], strides: [1, 2, 1]}",
        "strides has 3 numbers for 2 convolutions");
    check_refused(world.ctx, "{filters: [8], quantize: {weight: [2, 2]}}", "more bits than");
    check_refused(world.ctx, "{arrange: 8x9}", "did you mean '8x8'");
    check_refused(world.ctx, "{filtres: [8]}", "did you mean 'filters'");
    check_refused(world.ctx, "{filters: [8], separable: true}", "arrange 4x4x3 or 6x6x3");
    mb_test_world_close(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_module_models__cost_what_the_published_table_says),
        cmocka_unit_test(test_module_models__all_make_images_of_their_kind),
        cmocka_unit_test(test_module_models__wrong_entries_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
