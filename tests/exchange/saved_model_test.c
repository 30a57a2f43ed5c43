// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// SavedModel folders that Keras 2.15 wrote (tests/golden/saved_models.py): predictions equal its,
// and whatever is missing or damaged is said.

#include "base/output.h"
#include "exchange/keras.h"
#include "golden.h"
#include "testing.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct world {
    mb_test_world base;
    mb_zip *zip;
    char *directory;
} world;

static int open_world(void **state) {
    world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    mb_test_world_open(&w->base, 1, MB_CPU_ALL);
    w->directory = mb_test_directory();
    assert_ok(w->base.ctx,
        mb_zip_open(w->base.ctx, mb_test_source("tests/golden/saved_models.zip"), &w->zip));
    *state = w;
    return 0;
}

static int close_world(void **state) {
    world *w = *state;
    mb_zip_close(w->zip);
    mb_test_remove_directory(w->directory);
    mb_test_world_close(&w->base);
    free(w);
    return 0;
}

static const char *const folder_files[] = {"saved_model.pb", "keras_metadata.pb",
    "variables/variables.index", "variables/variables.data-00000-of-00001",
    "variables/variables.data-00000-of-00002", "variables/variables.data-00001-of-00002"};

// The folder's path, to be freed with mb_release. without: a file left out, or NULL.
static char *unpack(world *w, const char *name, const char *without) {
    mb_context *ctx = w->base.ctx;
    char *folder = mb_path_join(ctx, w->directory, name);
    char *variables = mb_path_join(ctx, folder, "variables");
    assert_ok(ctx, mb_make_directory(ctx, variables));
    for (size_t i = 0; i < MB_COUNT_OF(folder_files); i++) {
        char member[128];
        size_t length = 0;
        snprintf(member, sizeof member, "%s/%s", name, folder_files[i]);
        char *bytes = golden_member(ctx, w->zip, member, &length);
        char *path = mb_path_join(ctx, w->directory, member);
        if (bytes != NULL && (without == NULL || strcmp(without, folder_files[i]) != 0)) {
            assert_ok(ctx, mb_write_file(ctx, path, bytes, length));
        }
        mb_release(ctx, path);
        mb_release(ctx, bytes);
    }
    mb_release(ctx, variables);
    return folder;
}

static void assert_predicts(world *w, const char *name) {
    mb_context *ctx = w->base.ctx;
    char *folder = unpack(w, name, NULL);
    golden of;
    float *outputs[32] = {NULL};
    mb_model *model = NULL;
    golden_read(&of, ctx, w->zip, name);
    assert_true(mb_model_is_path(folder));
    assert_ok(ctx, mb_model_load(ctx, folder, &model));
    golden_predict(&of, model, outputs);
    for (size_t i = 0; i < of.n_outputs; i++) {
        mb_test_assert_close(outputs[i], of.outputs[i], of.output_counts[i], 2e-6, 2e-6, name);
    }
    float *again = mb_allocate_zeroed(ctx, mb_model_n_parameters(model), sizeof *again);
    assert_ok(ctx, mb_model_load_weights(ctx, model, folder, again));
    mb_test_assert_same_bits(
        again, model->parameters, mb_model_n_parameters(model), sizeof *again, name);
    mb_release(ctx, again);
    golden_clear_prediction(&of, outputs);
    golden_clear(&of);
    mb_model_destroy(model);
    mb_release(ctx, folder);
}

static void test_saved_model__predicts_as_keras_does(void **state) {
    static const char *const names[] = {"plain", "shared", "nested", "quantised", "folded"};
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        assert_predicts(*state, names[i]);
    }
}

static void test_saved_model__reads_all_shards(void **state) {
    assert_predicts(*state, "shards");
}

static void assert_refused(
    world *w, const char *name, const char *without, mb_status status, const char *part) {
    char *folder = unpack(w, name, without);
    mb_model *model = NULL;
    assert_fails(w->base.ctx, mb_model_load(w->base.ctx, folder, &model), status, part);
    assert_null(model);
    mb_release(w->base.ctx, folder);
}

static void test_saved_model__names_what_is_missing(void **state) {
    world *w = *state;
    assert_refused(w, "plain", "saved_model.pb", MB_ERR_FORMAT, "without a saved_model.pb");
}

static void test_saved_model__names_a_missing_shard(void **state) {
    assert_refused(*state, "shards", "variables/variables.data-00001-of-00002", MB_ERR_IO,
        "variables.data-00001-of-00002: is missing; tensor ");
}

static void test_saved_model__names_a_missing_index(void **state) {
    assert_refused(*state, "plain", "variables/variables.index", MB_ERR_IO, "variables.index");
}

static void test_saved_model__says_who_wrote_a_plain_export(void **state) {
    assert_refused(*state, "plain", "keras_metadata.pb", MB_ERR_UNSUPPORTED,
        "has no keras_metadata.pb, so its layers are not known (TensorFlow 2.15");
}

static void test_saved_model__names_layers_and_classes_that_are_not_offered(void **state) {
    assert_refused(*state, "recurrent", NULL, MB_ERR_UNSUPPORTED, "LSTM");
    assert_refused(*state, "own", NULL, MB_ERR_UNSUPPORTED, "a class of its own ('Own')");
}

// A folder's files in memory, each of exactly its size.
typedef struct parts {
    char *metadata, *index, *shard;
    mb_saved_model_bytes bytes;
} parts;

static char *read_part(world *w, const char *name, const char *file, size_t *length) {
    char member[128];
    snprintf(member, sizeof member, "%s/%s", name, file);
    char *bytes = golden_member(w->base.ctx, w->zip, member, length);
    assert_non_null(bytes);
    char *exact = malloc(*length);
    assert_non_null(exact);
    memcpy(exact, bytes, *length);
    mb_release(w->base.ctx, bytes);
    return exact;
}

static void open_parts(world *w, const char *name, parts *out) {
    out->metadata = read_part(w, name, folder_files[1], &out->bytes.metadata_length);
    out->index = read_part(w, name, folder_files[2], &out->bytes.index_length);
    out->shard = read_part(w, name, folder_files[3], &out->bytes.shard_length);
    out->bytes.metadata = out->metadata;
    out->bytes.index = out->index;
    out->bytes.shard = out->shard;
}

static void close_parts(parts *p) {
    free(p->metadata);
    free(p->index);
    free(p->shard);
}

static mb_status try_load(mb_context *ctx, const mb_saved_model_bytes *bytes) {
    mb_model *model = NULL;
    const mb_status status = mb_model_load_saved_bytes(ctx, "folder", bytes, &model);
    assert_true((status == MB_OK) == (model != NULL));
    assert_true(status == MB_OK || mb_context_error_text(ctx)[0] != '\0');
    mb_context_clear(ctx);
    mb_model_destroy(model);
    return status;
}

// Each cut file is copied to a place of its own size, where a sanitizer sees one byte too many.
static void assert_no_prefix_loads(
    world *w, const mb_saved_model_bytes *whole, const void *bytes, size_t length, size_t part) {
    for (size_t cut = 0; cut < length; cut++) {
        char *copy = malloc(cut + 1);
        assert_non_null(copy);
        memcpy(copy, bytes, cut);
        copy[cut] = '\x7F';
        mb_saved_model_bytes broken = *whole;
        if (part == 0) {
            broken.metadata = copy;
            broken.metadata_length = cut;
        } else if (part == 1) {
            broken.index = copy;
            broken.index_length = cut;
        } else {
            broken.shard = copy;
            broken.shard_length = cut;
        }
        if (try_load(w->base.ctx, &broken) == MB_OK) {
            // A message that is cut between fields is whole again; only the root object is needed.
            assert_int_equal(part, 0);
        }
        free(copy);
    }
}

static void test_saved_model__survives_being_cut_at_every_byte(void **state) {
    world *w = *state;
    parts p;
    open_parts(w, "plain", &p);
    assert_int_equal(try_load(w->base.ctx, &p.bytes), MB_OK);
    assert_no_prefix_loads(w, &p.bytes, p.metadata, p.bytes.metadata_length, 0);
    assert_no_prefix_loads(w, &p.bytes, p.index, p.bytes.index_length, 1);
    assert_no_prefix_loads(w, &p.bytes, p.shard, p.bytes.shard_length, 2);
    close_parts(&p);
}

static void test_saved_model__sees_every_changed_byte_of_table_and_tensors(void **state) {
    world *w = *state;
    parts p;
    open_parts(w, "plain", &p);
    // All but the handle of a block that is not used, and the padding at the table's end.
    for (size_t i = 0; i < p.bytes.index_length - 48; i++) {
        p.index[i] ^= 1;
        const mb_status status = try_load(w->base.ctx, &p.bytes);
        p.index[i] ^= 1;
        // The block of statistics is not read.
        assert_true(status != MB_OK || i + 48 + 40 >= p.bytes.index_length);
    }
    size_t n_unseen = 0;
    for (size_t i = 0; i < p.bytes.shard_length; i++) {
        p.shard[i] ^= 1;
        n_unseen += try_load(w->base.ctx, &p.bytes) == MB_OK ? 1 : 0;
        p.shard[i] ^= 1;
    }
    assert_int_equal(n_unseen, 0);
    close_parts(&p);
}

static void test_saved_model__names_a_tensor_whose_shape_does_not_fit(void **state) {
    world *w = *state;
    parts p;
    open_parts(w, "plain", &p);
    const char units[] = "\"units\": 2";
    size_t n = 0;
    for (size_t i = 0; i + sizeof units < p.bytes.metadata_length; i++) {
        if (memcmp(p.metadata + i, units, sizeof units - 1) == 0) {
            p.metadata[i + sizeof units - 2] = '3';
            n++;
        }
    }
    assert_true(n > 0);
    mb_model *model = NULL;
    assert_fails(w->base.ctx, mb_model_load_saved_bytes(w->base.ctx, "folder", &p.bytes, &model),
        MB_ERR_SHAPE,
        "folder: layer dense: its kernel has shape (60, 2) in the file "
        "(layer_with_weights-3/kernel/.ATTRIBUTES/VARIABLE_VALUE) and (60, 3) in the model");
    close_parts(&p);
}

static mb_status load_parts(void *user, mb_context *ctx) {
    const parts *p = user;
    mb_model *model = NULL;
    const mb_status status = mb_model_load_saved_bytes(ctx, "folder", &p->bytes, &model);
    mb_model_destroy(model);
    return status;
}

static void test_saved_model__fails_cleanly_without_memory(void **state) {
    parts p;
    open_parts(*state, "shared", &p);
    assert_true(mb_test_each_lack_of_memory(load_parts, &p) > 50);
    close_parts(&p);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_world, close_world)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(test_saved_model__predicts_as_keras_does),
        TEST(test_saved_model__reads_all_shards),
        TEST(test_saved_model__names_what_is_missing),
        TEST(test_saved_model__names_a_missing_shard),
        TEST(test_saved_model__names_a_missing_index),
        TEST(test_saved_model__says_who_wrote_a_plain_export),
        TEST(test_saved_model__names_layers_and_classes_that_are_not_offered),
        TEST(test_saved_model__survives_being_cut_at_every_byte),
        TEST(test_saved_model__sees_every_changed_byte_of_table_and_tensors),
        TEST(test_saved_model__names_a_tensor_whose_shape_does_not_fit),
        TEST(test_saved_model__fails_cleanly_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
