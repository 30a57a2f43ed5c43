// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/emd_net.h"

#include "base/output.h"
#include "files/csv.h"
#include "files/yaml.h"
#include "geometry/arrange.h"
#include "measure/emd.h"
#include "draw/figures_econt.h"
#include "exchange/keras.h"
#include "study/round_training.h"

#include <math.h>

static const char *const pairs_names[] = {"real", "ae", "both", NULL};

#define FIELD(name) offsetof(mb_emd_net, name)

const mb_option mb_emd_net_table[] = {
    {"pairs", MB_OPTION_CHOICE, FIELD(pairs), "ae", 0, 0, pairs_names, NULL,
        "what is told apart: two modules, a module and its reconstruction, or both"},
    {"of", MB_OPTION_TEXT, FIELD(of), "", 0, 0, NULL, NULL, "model whose reconstructions are used"},
    {"conv", MB_OPTION_SIZES, FIELD(conv), "[32, 5, 3]", 1, 1024, NULL, NULL,
        "filters, kernel and number of convolutions"},
    {"dense", MB_OPTION_SIZES, FIELD(dense), "[256, 1]", 1, 65536, NULL, NULL,
        "neurons and number of dense layers"},
    {"loss", MB_OPTION_NODE, FIELD(loss), "huber", 0, 0, NULL, NULL, "huber, msle or mse"},
    {"optimizer", MB_OPTION_NODE, FIELD(optimizer), "adam", 0, 0, NULL, NULL, "as train.optimizer"},
    {"callbacks", MB_OPTION_NODE, FIELD(callbacks), "", 0, 0, NULL, NULL,
        "as train.callbacks; default: half the learning rate after 4 epochs without a better "
        "val_loss; []: none, as the original"},
    {"epochs", MB_OPTION_SIZE, FIELD(epochs), "64", 1, 1e6, NULL, NULL,
        "passes over the training pairs"},
    {"batch", MB_OPTION_SIZE, FIELD(batch), "32", 1, 1e6, NULL, NULL, "pairs between two updates"},
    {"repeats", MB_OPTION_SIZE, FIELD(repeats), "1", 1, 1000, NULL, NULL,
        "trainings with other random numbers; the best by validation loss is taken"},
    {"rows", MB_OPTION_SIZE, FIELD(rows), "0", 0, 1e9, NULL, NULL,
        "modules that pairs are made of; 0: 200 of real pairs, 20000 of reconstructions"},
    MB_OPTIONS_END};

mb_status mb_emd_nets_read(
    mb_context *ctx, mb_document *document, const mb_node *map, mb_emd_net **out, size_t *n) {
    *out = NULL;
    *n = 0;
    if (map == NULL) {
        return MB_OK;
    }
    if (map->kind != MB_NODE_MAP) {
        return mb_fail_at(
            ctx, document, map, "emd_nets: is not a map; write emd_nets: {NAME: {pairs: ae, ...}}");
    }
    *out = mb_arena_allocate(&document->arena, ctx, mb_max_size(map->n_children, 1), sizeof **out);
    if (*out == NULL) {
        return MB_ERR_MEMORY;
    }
    for (const mb_node *entry = map->first; entry != NULL; entry = entry->next) {
        mb_emd_net *net = &(*out)[(*n)++];
        MB_TRY(mb_options_parse(ctx, document, mb_emd_net_table, entry, "emd_nets", NULL, net));
        net->name = entry->key;
        net->of = net->of != NULL && net->of[0] != '\0' ? net->of : NULL;
        if (net->conv.n != 3 || net->dense.n != 2) {
            return mb_fail_at(ctx, document, entry,
                "emd_nets: conv is [filters, kernel, convolutions] and dense [neurons, layers]; "
                "write for instance conv: [32, 5, 3], dense: [256, 1]");
        }
        if (net->pairs != MB_EMD_PAIRS_REAL && net->of == NULL) {
            return mb_fail_at(ctx, document, entry,
                "emd_nets: %s: pairs: %s needs a model's reconstructions; add of: MODEL",
                entry->key, pairs_names[net->pairs]);
        }
    }
    return MB_OK;
}

// Layers in their first use, and once more with the images exchanged.
static void put_branch(mb_buffer *text, const mb_emd_net *net, bool is_first) {
    const char *from = is_first ? "[first, second]" : "[second, first]";
    size_t n = 0;
    mb_buffer_format(
        text, "  - {concatenate: {}, from: %s, name: concat%s}\n", from, is_first ? "" : "_2");
    for (size_t i = 0; i < net->conv.value[2] + net->dense.value[1]; i++) {
        const bool is_conv = i < net->conv.value[2];
        if (i == net->conv.value[2]) {
            mb_buffer_text(text, "  - {flatten: {}}\n");
        }
        n++;
        if (!is_first) {
            mb_buffer_format(text,
                "  - {shared: %s_%zu}\n  - {shared: %s%zu}\n  - {activation: {activation: relu}}\n",
                is_conv ? "conv2d" : "dense", is_conv ? n : n - net->conv.value[2],
                is_conv ? "batchnorm_" : "batchnorm", n);
            continue;
        }
        if (is_conv) {
            mb_buffer_format(text,
                "  - {conv2d: {filters: %zu, kernel: %zu, padding: same, kernel_regularizer: {l2: "
                "0.0001}}, name: conv2d_%zu}\n",
                net->conv.value[0], net->conv.value[1], n);
        } else {
            mb_buffer_format(text,
                "  - {dense: {units: %zu, kernel_regularizer: {l2: 0.0001}}, name: dense_%zu}\n",
                net->dense.value[0], n - net->conv.value[2]);
        }
        mb_buffer_format(text,
            "  - {batch_normalization: {momentum: 0.99, epsilon: 0.001}, name: %s%zu}\n"
            "  - {activation: {activation: relu}}\n",
            is_conv ? "batchnorm_" : "batchnorm", n);
    }
    mb_buffer_text(text, is_first ? "  - {dense: {units: 1}, name: output}\n"
                                  : "  - {shared: output, name: output_2}\n");
}

static void put_model(mb_buffer *text, const mb_emd_net *net) {
    mb_buffer_text(text, "layers:\n  - {input: first}\n  - {input: second}\n");
    put_branch(text, net, true);
    put_branch(text, net, false);
    mb_buffer_text(text, "  - {average: {}, from: [output, output_2], name: average}\n");
}

static mb_status build(
    mb_context *ctx, const mb_emd_net *net, const mb_dataset *pairs, mb_model **out) {
    mb_study study = {.runtime = mb_context_runtime(ctx), .name = net->name, .path = net->name};
    mb_buffer text;
    bool has_weights = false;
    mb_buffer_init(&text, ctx);
    put_model(&text, net);
    mb_status status = text.status != MB_OK
                           ? text.status
                           : mb_yaml_parse(ctx, net->name, text.data, text.length, &study.document);
    if (status == MB_OK) {
        const mb_fit_spec fit = {.name = "", .model = study.document.root};
        status = mb_study_build_model(ctx, &study, &fit, pairs, out, &has_weights);
        mb_document_clear(&study.document);
    }
    mb_buffer_clear(&text);
    return status;
}

// The module's charges at unit sum as an image of 4 x 4 x 3.
static void put_image(const float *cells, float *image) {
    float unit[MB_HEX48_CELLS];
    double sum = 0;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        sum += cells[i] > 0 ? (double)cells[i] : 0;
    }
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        unit[i] = sum > 0 && cells[i] > 0 ? (float)((double)cells[i] / sum) : 0.0F;
    }
    mb_arrangement_image(mb_arrangement_find("4x4x3"), unit, image);
}

static mb_status add_column(mb_dataset *pairs, mb_context *ctx, const char *name,
    mb_column_role role, bool is_image, float **out) {
    static const size_t image[] = {4, 4, 3};
    mb_column *column = NULL;
    MB_TRY(mb_dataset_add_column(pairs, ctx, name, role, &column));
    size_t shape[MB_MAX_RANK] = {pairs->n_rows, 4, 4, 3};
    column->kind = MB_COLUMN_DENSE;
    column->dtype = MB_F32;
    column->rank = is_image ? 3 : 1;
    column->size = is_image ? MB_HEX48_CELLS : 1;
    column->shape[0] = 1;
    if (is_image) {
        memcpy(column->shape, image, sizeof image);
    } else {
        shape[1] = 1;
    }
    MB_TRY(mb_array_init(&column->dense, ctx, MB_F32, is_image ? 4 : 2, shape));
    *out = column->dense.data;
    return MB_OK;
}

// All pairs of rows first, then modules beside their reconstructions.
typedef struct pair_list {
    size_t n_real, n_rows_real, n_ae;
} pair_list;

static pair_list count_pairs(const mb_emd_net *net, size_t n) {
    pair_list list = {0};
    if (net->pairs != MB_EMD_PAIRS_AE) {
        list.n_rows_real = mb_min_size(n, net->rows > 0 ? net->rows : 200);
        list.n_real = list.n_rows_real * list.n_rows_real;
    }
    if (net->pairs != MB_EMD_PAIRS_REAL) {
        list.n_ae = mb_min_size(n, net->rows > 0 ? net->rows : 20000);
    }
    return list;
}

// In rising order of their first module, so that the first part of the pairs has modules that the
// rest has not as its first.
static void fill_charges(
    const pair_list *list, const mb_emd_net_data *data, float *first, float *second) {
    const size_t size = MB_HEX48_CELLS * sizeof(float);
    const size_t n = list->n_real + list->n_ae;
    for (size_t i = 0; i < n; i++) {
        const bool is_real = i < list->n_real;
        const size_t row = is_real ? i / list->n_rows_real : i - list->n_real;
        const size_t other = is_real ? i % list->n_rows_real : row;
        memcpy(first + i * MB_HEX48_CELLS, data->charges + row * MB_HEX48_CELLS, size);
        memcpy(second + i * MB_HEX48_CELLS,
            (is_real ? data->charges : data->restored) + other * MB_HEX48_CELLS, size);
    }
}

// Distances, then images; the memory of charges is the images'.
static mb_status fill_pairs(
    mb_context *ctx, const mb_emd_net *net, const mb_emd_net_data *data, mb_dataset *pairs) {
    const pair_list list = count_pairs(net, data->n);
    const size_t n = list.n_real + list.n_ae;
    float *first = NULL;
    float *second = NULL;
    float *target = NULL;
    mb_emd_metric metric;
    MB_TRY(mb_emd_metric_find(&metric, ctx, "hex48"));
    MB_TRY(mb_dataset_set_rows(pairs, ctx, n));
    MB_TRY(add_column(pairs, ctx, "first", MB_ROLE_INPUT, true, &first));
    MB_TRY(add_column(pairs, ctx, "second", MB_ROLE_INPUT, true, &second));
    MB_TRY(add_column(pairs, ctx, "target", MB_ROLE_TARGET, false, &target));
    double *distance = mb_allocate(ctx, mb_max_size(n, 1), sizeof *distance);
    if (distance == NULL) {
        return MB_ERR_MEMORY;
    }
    fill_charges(&list, data, first, second);
    const mb_status status =
        mb_emd_of_rows(&metric, ctx, "first", mb_values_f32(first, n * MB_HEX48_CELLS), "second",
            mb_values_f32(second, n * MB_HEX48_CELLS), 0, distance);
    for (size_t i = 0; i < n && status == MB_OK; i++) {
        float image[MB_HEX48_CELLS];
        target[i] = distance[i] > 0 ? (float)distance[i] : 0.0F;
        put_image(first + i * MB_HEX48_CELLS, image);
        memcpy(first + i * MB_HEX48_CELLS, image, sizeof image);
        put_image(second + i * MB_HEX48_CELLS, image);
        memcpy(second + i * MB_HEX48_CELLS, image, sizeof image);
    }
    mb_release(ctx, distance);
    return status;
}

static mb_status read_train(
    mb_context *ctx, mb_document *document, const mb_emd_net *net, mb_train *out) {
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    mb_buffer_format(&text,
        "{batch: %zu, epochs: %zu, callbacks: [{reduce_lr_on_plateau: {factor: 0.5, patience: "
        "4}}]}",
        net->batch, net->epochs);
    mb_status status = text.status != MB_OK
                           ? text.status
                           : mb_yaml_parse(ctx, net->name, text.data, text.length, document);
    mb_buffer_clear(&text);
    const struct {
        const char *name;
        const mb_node *node;
    } keys[] = {{"loss", net->loss}, {"optimizer", net->optimizer}, {"callbacks", net->callbacks}};
    for (size_t i = 0; i < MB_COUNT_OF(keys) && status == MB_OK; i++) {
        if (keys[i].node == NULL) {
            continue;
        }
        mb_node *copy = mb_node_copy(document, ctx, keys[i].node);
        status = copy == NULL ? MB_ERR_MEMORY
                              : mb_node_set(document, ctx, document->root, keys[i].name, copy);
    }
    return status == MB_OK ? mb_train_read(ctx, document, document->root, out) : status;
}

// What a trained network is worth on the pairs for validation.
typedef struct worth {
    double val_loss, mean, std; // of (told - true) / true, where the distance is not 0
    size_t best_epoch;
} worth;

static void judge(const float *told, const float *truth, size_t n, worth *out) {
    double sum = 0;
    double squares = 0;
    size_t count = 0;
    for (size_t i = 0; i < n; i++) {
        if (truth[i] > 0) {
            const double error = ((double)told[i] - (double)truth[i]) / (double)truth[i];
            sum += error;
            squares += error * error;
            count++;
        }
    }
    out->mean = count > 0 ? sum / (double)count : (double)NAN;
    out->std = count > 0 ? sqrt(squares / (double)count - out->mean * out->mean > 0
                                    ? squares / (double)count - out->mean * out->mean
                                    : 0)
                         : (double)NAN;
}

typedef struct net_work {
    mb_run *run;
    const mb_emd_net *net;
    mb_dataset pairs;
    uint32_t *rows;
    size_t n, n_train;
    float *told, *best_told; // of the validation pairs
    const char *directory;
    mb_arena arena;
    mb_train train;
    double best;
    mb_buffer table;
} net_work;

static const float *truth_of(const net_work *w) {
    return (const float *)mb_dataset_find(&w->pairs, "target")->dense.data + w->n_train;
}

static mb_status keep_best(net_work *w, const mb_model *model, const float *parameters) {
    mb_context *ctx = w->run->ctx;
    const char *folder = mb_run_file(ctx, &w->arena, w->directory, w->net->name);
    const char *path = folder != NULL ? mb_run_file(ctx, &w->arena, folder, "model.h5") : NULL;
    const char *pairs = folder != NULL ? mb_run_file(ctx, &w->arena, folder, "pairs.csv") : NULL;
    mb_buffer text;
    if (path == NULL || pairs == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_make_directory(ctx, folder));
    MB_TRY(mb_model_save_parameters(ctx, model, parameters, path));
    mb_buffer_init(&text, ctx);
    mb_buffer_text(&text, "true,told\n");
    for (size_t i = 0; i < w->n - w->n_train; i++) {
        mb_csv_put_float(&text, true, truth_of(w)[i]);
        mb_csv_put_float(&text, false, w->told[i]);
        mb_csv_end_row(&text);
    }
    return mb_write_buffer(&text, pairs);
}

// NAME-<repeat>.h5 and NAME-<repeat>_history.csv: each repeat is a training to look at.
static mb_status keep_repeat(
    net_work *w, size_t repeat, const mb_model *model, const mb_fit_result *result) {
    mb_context *ctx = w->run->ctx;
    const char *stem = mb_arena_format(
        &w->arena, ctx, "%s/%s/%s-%zu", w->directory, w->net->name, w->net->name, repeat);
    const char *file = stem != NULL ? mb_arena_format(&w->arena, ctx, "%s.h5", stem) : NULL;
    const char *table =
        stem != NULL ? mb_arena_format(&w->arena, ctx, "%s_history.csv", stem) : NULL;
    const char *folder = mb_run_file(ctx, &w->arena, w->directory, w->net->name);
    mb_buffer text;
    if (file == NULL || table == NULL || folder == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_make_directory(ctx, folder));
    MB_TRY(mb_model_save_parameters(ctx, model, result->best, file));
    mb_buffer_init(&text, ctx);
    mb_training_put_history(&text, result);
    return mb_write_buffer(&text, table);
}

static mb_status finish_repeat(
    net_work *w, size_t repeat, const mb_model *model, const mb_fit_result *result) {
    mb_context *ctx = w->run->ctx;
    worth value = {.best_epoch = result->best_epoch + 1};
    const size_t n = w->n - w->n_train;
    MB_TRY(
        mb_predict_dataset(ctx, model, result->best, &w->pairs, w->rows + w->n_train, n, &w->told));
    judge(w->told, truth_of(w), n, &value);
    for (size_t k = 0; k < result->n_columns; k++) {
        if (strcmp(result->columns[k], "val_loss") == 0) {
            value.val_loss = result->history[result->best_epoch * result->n_columns + k];
        }
    }
    mb_buffer_format(&w->table, "%s-%zu", w->net->name, repeat);
    mb_csv_put_int64(&w->table, false, (int64_t)value.best_epoch);
    mb_csv_put_double(&w->table, false, value.val_loss);
    mb_csv_put_double(&w->table, false, value.mean);
    mb_csv_put_double(&w->table, false, value.std);
    mb_csv_end_row(&w->table);
    mb_journal_line(&w->run->journal,
        "%s-%zu: val_loss %.6g after epoch %zu, relative error %.4f +- %.4f in %.1f s",
        w->net->name, repeat, value.val_loss, value.best_epoch, value.mean, value.std,
        result->seconds);
    MB_TRY(keep_repeat(w, repeat, model, result));
    if (repeat > 0 && !(value.val_loss < w->best)) {
        return MB_OK;
    }
    w->best = value.val_loss;
    memcpy(w->best_told, w->told, n * sizeof *w->told);
    return keep_best(w, model, result->best);
}

static void on_progress(void *user, const mb_fit_progress *progress) {
    net_work *w = user;
    mb_training_show(&w->run->journal, w->net->name, 0, progress);
}

// True against told distances of the best network's validation pairs.
static mb_status draw(net_work *w) {
    mb_context *ctx = w->run->ctx;
    const size_t n = w->n - w->n_train;
    const char *folder = mb_arena_format(&w->arena, ctx, "%s/%s/plots", w->directory, w->net->name);
    mb_gallery *gallery = NULL;
    MB_TRY(folder == NULL ? MB_ERR_MEMORY : mb_gallery_open(ctx, folder, NULL, &gallery));
    mb_status status = mb_draw_emd_surrogate(gallery, ctx, "emd", w->net->name,
        mb_values_f32(truth_of(w), n), mb_values_f32(w->best_told, n));
    status = status == MB_OK ? mb_gallery_draw(gallery, ctx) : status;
    mb_gallery_destroy(gallery);
    return status;
}

static mb_status train_repeat(net_work *w, size_t repeat, uint64_t seed) {
    mb_context *ctx = w->run->ctx;
    mb_model *model = NULL;
    mb_fit_result result = {0};
    MB_TRY(build(ctx, w->net, &w->pairs, &model));
    const mb_fit_request request = {.model = model,
        .parameters = model->parameters,
        .dataset = &w->pairs,
        .train_rows = w->rows,
        .validation_rows = w->rows + w->n_train,
        .n_train = w->n_train,
        .n_validation = w->n - w->n_train,
        .train = &w->train,
        .seed = seed + repeat,
        .best_by = "val_loss",
        .cancel = &w->run->journal.cancel,
        .hooks = {.user = w, .progress = on_progress}};
    mb_status status = mb_model_initialize(ctx, model, seed + repeat, model->parameters);
    if (status == MB_OK) {
        status = mb_fit(ctx, &request, &result);
    }
    if (status == MB_OK) {
        status = finish_repeat(w, repeat, model, &result);
    }
    mb_fit_result_clear(&result);
    mb_model_destroy(model);
    return status;
}

static mb_status prepare(net_work *w, const mb_emd_net_data *data) {
    mb_context *ctx = w->run->ctx;
    MB_TRY(fill_pairs(ctx, w->net, data, &w->pairs));
    w->n = w->pairs.n_rows;
    w->n_train = w->n * 6 / 10;
    if (w->n_train == 0 || w->n_train == w->n) {
        return mb_fail(ctx, MB_ERR_RANGE,
            "emd_nets: %s: %zu pairs are too few to train and judge a network; give more rows",
            w->net->name, w->n);
    }
    w->rows = mb_arena_allocate(&w->arena, ctx, w->n, sizeof *w->rows);
    w->told = mb_arena_allocate(&w->arena, ctx, w->n, sizeof *w->told);
    w->best_told = mb_arena_allocate(&w->arena, ctx, w->n, sizeof *w->best_told);
    if (w->rows == NULL || w->told == NULL || w->best_told == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < w->n; i++) {
        w->rows[i] = (uint32_t)i;
    }
    mb_journal_line(&w->run->journal, "%s: %zu pairs of %zu modules, %zu of them to train on",
        w->net->name, w->n, data->n, w->n_train);
    return MB_OK;
}

mb_status mb_emd_net_train(mb_run *run, const mb_emd_net *net, const mb_emd_net_data *data,
    uint64_t seed, const char *directory, bool draws) {
    mb_context *ctx = run->ctx;
    net_work w = {.run = run, .net = net, .directory = directory};
    mb_document document;
    mb_arena_init(&w.arena, ctx);
    mb_dataset_init(&w.pairs, ctx);
    mb_document_init(&document, ctx, net->name);
    mb_buffer_init(&w.table, ctx);
    mb_buffer_text(&w.table, "name,best_epoch,val_loss,relative_mean,relative_std\n");
    mb_status status = prepare(&w, data);
    if (status == MB_OK) {
        mb_document_clear(&document);
        status = read_train(ctx, &document, net, &w.train);
    }
    for (size_t i = 0; i < net->repeats && status == MB_OK; i++) {
        status = train_repeat(&w, i, seed);
    }
    if (status == MB_OK && draws) {
        status = draw(&w);
    }
    const char *path = mb_arena_format(&w.arena, ctx, "%s/%s/repeats.csv", directory, net->name);
    if (status == MB_OK && path != NULL) {
        status = mb_write_buffer(&w.table, path);
    } else {
        mb_buffer_clear(&w.table);
    }
    mb_document_clear(&document);
    mb_dataset_clear(&w.pairs);
    mb_arena_clear(&w.arena);
    return status;
}
