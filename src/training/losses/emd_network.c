// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "base/runtime.h"
#include "network/plan.h"
#include "training/losses/module.h"

#include <math.h>
#include <stdatomic.h>

// A trained network that tells the earth mover's distance of two images as a loss for another. Its
// weights are frozen, its gradient by the second image goes on. Calls come from several threads:
// each takes a seat with a plan of its own, of a runtime of one thread.

typedef struct network_options {
    int arrange;
    const char *network;
    bool unit_sum;
} network_options;

static const mb_option option_table[] = {
    {"network", MB_OPTION_TEXT, offsetof(network_options, network), NULL, 0, 0, NULL, NULL,
        "trained network of two images: one of emd_nets, a shipped one, or a file"},
    MB_MODULE_ARRANGE_OPTION(network_options),
    {"unit_sum", MB_OPTION_BOOL, offsetof(network_options, unit_sum), "true", 0, 0, NULL, NULL,
        "bring both images to unit sum first, as the network was trained"},
    MB_OPTIONS_END};

typedef struct seat {
    atomic_flag is_taken;
    mb_context *ctx;
    mb_plan *plan;
    float image[2][MB_LOSS_ROWS * MB_HEX48_CELLS];
    float slope[2][MB_LOSS_ROWS * MB_HEX48_CELLS];
    float sum[MB_LOSS_ROWS]; // of the second images, by which they were divided
    float *unused;           // gradient by the network's weights
} seat;

typedef struct network_loss {
    mb_runtime *runtime; // of one thread
    const mb_arrangement *from, *to;
    bool is_unit_sum;
    size_t n_seats;
    seat *seats;
    float *parameters;
} network_loss;

static mb_status check_network(mb_context *ctx, const char *name, const mb_model *network) {
    if (network == NULL) {
        return mb_fail(ctx, MB_ERR_ARG,
            "train.loss: emd_network needs its network '%s'; train through a study", name);
    }
    const bool is_pair = network->n_inputs == 2 && network->n_outputs == 1 &&
                         mb_value_size(&network->values[network->outputs[0]].type) == 1;
    for (size_t i = 0; is_pair && i < 2; i++) {
        const mb_value_type *type = &network->values[network->inputs[i]].type;
        if (type->rank != 3 || type->dim[0] != 4 || type->dim[1] != 4 || type->dim[2] != 3) {
            return mb_fail(ctx, MB_ERR_SHAPE,
                "train.loss: the network '%s' does not take images of 4 x 4 x 3; name a network "
                "of emd_nets",
                name);
        }
    }
    return is_pair ? MB_OK
                   : mb_fail(ctx, MB_ERR_SHAPE,
                         "train.loss: the network '%s' does not make one number of two images; "
                         "name a network of emd_nets",
                         name);
}

static mb_status open_seat(mb_context *ctx, network_loss *loss, const mb_model *network, seat *s) {
    const mb_plan_settings settings = {
        .is_training = true, .is_frozen = true, .is_one_chunk = true, .max_rows = MB_LOSS_ROWS};
    atomic_flag_clear(&s->is_taken);
    if (mb_context_create(loss->runtime, &s->ctx) != MB_OK) {
        return mb_fail(ctx, MB_ERR_MEMORY, "train.loss: no memory for the network");
    }
    s->unused = mb_allocate(ctx, mb_max_size(network->n_parameters, 1), sizeof *s->unused);
    if (s->unused == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_status status = mb_plan_create(s->ctx, network, &settings, &s->plan);
    if (status == MB_OK) {
        status = mb_plan_reserve(s->ctx, s->plan);
    }
    if (status != MB_OK) {
        return mb_fail_from(ctx, s->ctx);
    }
    mb_plan_load(s->plan, loss->parameters);
    return MB_OK;
}

static mb_status open_seats(mb_context *ctx, network_loss *loss, const mb_model *network) {
    const mb_runtime_settings settings = {.allocator = ctx->runtime->allocator,
        .limits = ctx->runtime->limits,
        .n_threads = 1,
        .cpu_mask = mb_runtime_cpu(ctx->runtime)};
    if (mb_runtime_create(&settings, &loss->runtime) != MB_OK) {
        return mb_fail(ctx, MB_ERR_MEMORY, "train.loss: no memory for the network");
    }
    loss->n_seats = mb_runtime_threads(ctx->runtime);
    loss->seats = mb_allocate_zeroed(ctx, loss->n_seats, sizeof *loss->seats);
    loss->parameters =
        mb_allocate(ctx, mb_max_size(network->n_parameters, 1), sizeof *loss->parameters);
    if (loss->seats == NULL || loss->parameters == NULL) {
        return MB_ERR_MEMORY;
    }
    memcpy(loss->parameters, network->parameters, network->n_parameters * sizeof(float));
    for (size_t i = 0; i < loss->n_seats; i++) {
        MB_TRY(open_seat(ctx, loss, network, &loss->seats[i]));
    }
    return MB_OK;
}

static mb_status open_network(
    mb_context *ctx, const void *options, const mb_loss_site *site, void **state) {
    const network_options *chosen = options;
    network_loss *loss = mb_allocate_zeroed(ctx, 1, sizeof *loss);
    if (loss == NULL) {
        return MB_ERR_MEMORY;
    }
    *state = loss;
    loss->is_unit_sum = chosen->unit_sum;
    MB_TRY(mb_module_arrangement(ctx, "emd_network", chosen->arrange, site->n, &loss->from));
    MB_TRY(mb_arrangement_get(ctx, "4x4x3", &loss->to));
    MB_TRY(check_network(ctx, chosen->network, site->network));
    return open_seats(ctx, loss, site->network);
}

static void close_network(mb_runtime *runtime, void *state) {
    network_loss *loss = state;
    for (size_t i = 0; loss->seats != NULL && i < loss->n_seats; i++) {
        mb_plan_destroy(loss->seats[i].plan);
        mb_context_destroy(loss->seats[i].ctx);
        mb_runtime_release(runtime, loss->seats[i].unused);
    }
    mb_runtime_release(runtime, loss->seats);
    mb_runtime_release(runtime, loss->parameters);
    mb_runtime_destroy(loss->runtime);
    mb_runtime_release(runtime, loss);
}

// There are as many seats as threads: one is free, or will be soon.
static seat *take_seat(network_loss *loss) {
    for (size_t i = 0;; i = (i + 1) % loss->n_seats) {
        if (!atomic_flag_test_and_set_explicit(&loss->seats[i].is_taken, memory_order_acquire)) {
            return &loss->seats[i];
        }
    }
}

static float fill_image(const network_loss *loss, const float *pixels, float *image) {
    float cells[MB_HEX48_CELLS];
    float sum = 0.0F;
    mb_arrangement_cells(loss->from, pixels, cells);
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        sum += cells[i];
    }
    const float divisor = loss->is_unit_sum && sum > 0.0F ? sum : 1.0F;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        cells[i] /= divisor;
    }
    mb_arrangement_image(loss->to, cells, image);
    return divisor;
}

// The loss of a row is the network's output itself.
static void take_outputs(void *user, size_t first_row, size_t n_rows, const float *const *outputs,
    float *const *d_outputs) {
    float *losses = user;
    for (size_t i = 0; i < n_rows; i++) {
        losses[first_row + i] = outputs[0][i];
        d_outputs[0][i] = 1.0F;
    }
}

// By shares of a sum: (slope - mean slope over the shares) / sum.
static void spread_slopes(const network_loss *loss, const seat *s, size_t row, float *gradient) {
    const float *slope = s->slope[1] + row * MB_HEX48_CELLS;
    const float *image = s->image[1] + row * MB_HEX48_CELLS;
    float cells[MB_HEX48_CELLS];
    float mean = 0.0F;
    for (size_t i = 0; i < MB_HEX48_CELLS && loss->is_unit_sum; i++) {
        mean += slope[i] * image[i];
    }
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        cells[loss->to->cell[i]] = (slope[i] - mean) / s->sum[row];
    }
    mb_module_spread(loss->from, cells, gradient);
}

static void network_rows(void *state, size_t n_rows, const float *const *targets,
    const float *outputs, float *losses, float *gradients) {
    network_loss *loss = state;
    seat *s = take_seat(loss);
    for (size_t i = 0; i < n_rows; i++) {
        (void)fill_image(loss, targets[i], s->image[0] + i * MB_HEX48_CELLS);
        s->sum[i] =
            fill_image(loss, outputs + i * loss->from->n_pixels, s->image[1] + i * MB_HEX48_CELLS);
    }
    const mb_input inputs[2] = {{.dense = s->image[0]}, {.dense = s->image[1]}};
    float *const slopes[2] = {s->slope[0], s->slope[1]};
    const mb_train_batch batch = {.inputs = inputs,
        .n_rows = n_rows,
        .parameters = loss->parameters,
        .input_gradients = slopes};
    const mb_status status =
        mb_plan_gradient(s->ctx, s->plan, &batch, take_outputs, losses, s->unused);
    for (size_t i = 0; i < n_rows; i++) {
        losses[i] = status == MB_OK ? losses[i] : NAN;
        if (gradients != NULL) {
            spread_slopes(loss, s, i, gradients + i * loss->from->n_pixels);
        }
    }
    atomic_flag_clear_explicit(&s->is_taken, memory_order_release);
}

static const char *name_of_network(const void *options) {
    return ((const network_options *)options)->network;
}

const mb_loss_ops mb_loss_emd_network = {
    .name = "emd_network",
    .class_name = "EmdNetwork",
    .alias = NULL,
    .help = "what a trained network takes the earth mover's distance for; short form emd:NAME",
    .options = option_table,
    .options_size = sizeof(network_options),
    .target = MB_TARGET_SAME,
    .prefix = "emd:",
    .prefix_option = "network",
    .open = open_network,
    .close = close_network,
    .rows = network_rows,
    .network = name_of_network,
};
