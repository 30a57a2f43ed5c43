// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "geometry/telescope.h"
#include "training/losses/lanes.h"
#include "training/losses/module.h"

// The telescope metric as a loss: errors of cells, of sums of neighbouring cells and of the thirds
// of a module, each weighted by the larger of the two charges.

static const mb_option telescope_option_table[] = {
    MB_MODULE_ARRANGE_OPTION(mb_module_options), MB_OPTIONS_END};

static const mb_loss_spelling telescope_spellings[] = {
    {"telescopeMSE8x8", "arrange", "8x8"},
    {"telescopeMSE443", "arrange", "4x4x3"},
    {"telescopeMSE4x4x3", "arrange", "4x4x3"},
    {"telescopeMSE663", "arrange", "6x6x3"},
    {"telescopeMSE6x6x3", "arrange", "6x6x3"},
    {"telescope_mse_8x8", "arrange", "8x8"},
    {"telescope_mse_8x8_ae", "arrange", "8x8_ae"},
    {"telescope_mse_4x4x3", "arrange", "4x4x3"},
    {"telescope_mse_6x6x3", "arrange", "6x6x3"},
    {"telescope_mse_6x6x3_tp", "arrange", "6x6x3_tp"},
    {NULL, NULL, NULL},
};

typedef struct telescope {
    const mb_arrangement *arrangement;
    float weight[MB_TELESCOPE_GROUPS]; // of a group, its share of the mean in it
} telescope;

static const float cells_share = 4.0F / MB_HEX48_CELLS;
static const float thirds_share = 1.0F / MB_TELESCOPE_THIRDS;

static mb_status open_telescope(
    mb_context *ctx, const void *options, const mb_loss_site *site, void **state) {
    const mb_arrangement *arrangement = NULL;
    MB_TRY(mb_module_arrangement(ctx, "telescope_mse",
        ((const mb_module_options *)options)->arrange, site->n, &arrangement));
    telescope *made = mb_allocate_zeroed(ctx, 1, sizeof *made);
    if (made == NULL) {
        return MB_ERR_MEMORY;
    }
    made->arrangement = arrangement;
    for (size_t g = 0; g < MB_TELESCOPE_GROUPS; g++) {
        made->weight[g] = (float)(2.0 * mb_telescope_groups[g].weight / MB_TELESCOPE_GROUPS);
    }
    *state = made;
    return MB_OK;
}

static void close_state(mb_runtime *runtime, void *state) {
    mb_runtime_release(runtime, state);
}

static float add_cells(const float *t, const float *p, float *slopes) {
    float sum = 0.0F;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        sum += mb_module_weighted(t[i], p[i], &slopes[i]);
        slopes[i] *= cells_share;
    }
    return cells_share * sum;
}

static float sum_of_group(const mb_telescope_group *group, const float *cells) {
    return (cells[group->cell[0]] + cells[group->cell[1]]) +
           (cells[group->cell[2]] + cells[group->cell[3]]);
}

static float add_groups(const telescope *tele, const float *t, const float *p, float *slopes) {
    float sum = 0.0F;
    for (size_t g = 0; g < MB_TELESCOPE_GROUPS; g++) {
        const mb_telescope_group *group = &mb_telescope_groups[g];
        float slope;
        sum += tele->weight[g] *
               mb_module_weighted(sum_of_group(group, t), sum_of_group(group, p), &slope);
        slope *= tele->weight[g];
        for (size_t k = 0; k < MB_TELESCOPE_GROUP_CELLS; k++) {
            slopes[group->cell[k]] += slope;
        }
    }
    return sum;
}

static float add_thirds(const float *t, const float *p, float *slopes) {
    float sum = 0.0F;
    for (size_t third = 0; third < MB_TELESCOPE_THIRDS; third++) {
        const size_t first = third * MB_TELESCOPE_THIRD_CELLS;
        float whole_t = 0.0F;
        float whole_p = 0.0F;
        float slope;
        for (size_t i = first; i < first + MB_TELESCOPE_THIRD_CELLS; i++) {
            whole_t += t[i];
            whole_p += p[i];
        }
        sum += mb_module_weighted(whole_t, whole_p, &slope);
        for (size_t i = first; i < first + MB_TELESCOPE_THIRD_CELLS; i++) {
            slopes[i] += thirds_share * slope;
        }
    }
    return thirds_share * sum;
}

static float telescope_row(const void *state, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    const telescope *tele = state;
    float t[MB_HEX48_CELLS];
    float p[MB_HEX48_CELLS];
    float slopes[MB_HEX48_CELLS];
    (void)n;
    (void)channels;
    mb_arrangement_cells(tele->arrangement, target, t);
    mb_arrangement_cells(tele->arrangement, output, p);
    float loss = add_cells(t, p, slopes);
    loss += add_groups(tele, t, p, slopes);
    loss += add_thirds(t, p, slopes);
    if (gradient != NULL) {
        mb_module_spread(tele->arrangement, slopes, gradient);
    }
    return loss;
}

// The same on samples in lanes: cells (48) of a tile one behind the other, sums in the same order.
typedef struct tile {
    float t[MB_HEX48_CELLS][MB_SAMPLES], p[MB_HEX48_CELLS][MB_SAMPLES];
    float slope[MB_HEX48_CELLS][MB_SAMPLES];
} tile;

static void gather_tile(
    const telescope *tele, const float *target, const float *output, tile *cells) {
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        const size_t at = tele->arrangement->pixel[i] * (size_t)MB_SAMPLES;
        memcpy(cells->t[i], target + at, sizeof cells->t[i]);
        memcpy(cells->p[i], output + at, sizeof cells->p[i]);
    }
}

static void add_cells_of_tile(tile *cells, float *loss) {
    float sum[MB_SAMPLES] = {0};
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            float slope;
            sum[s] += mb_module_weighted(cells->t[i][s], cells->p[i][s], &slope);
            cells->slope[i][s] = slope * cells_share;
        }
    }
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        loss[s] = cells_share * sum[s];
    }
}

static void add_groups_of_tile(const telescope *tele, tile *cells, float *loss) {
    float sum[MB_SAMPLES] = {0};
    for (size_t g = 0; g < MB_TELESCOPE_GROUPS; g++) {
        const uint8_t *cell = mb_telescope_groups[g].cell;
        const float weight = tele->weight[g];
        float slope[MB_SAMPLES];
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            const float t = (cells->t[cell[0]][s] + cells->t[cell[1]][s]) +
                            (cells->t[cell[2]][s] + cells->t[cell[3]][s]);
            const float p = (cells->p[cell[0]][s] + cells->p[cell[1]][s]) +
                            (cells->p[cell[2]][s] + cells->p[cell[3]][s]);
            sum[s] += weight * mb_module_weighted(t, p, &slope[s]);
            slope[s] *= weight;
        }
        for (size_t k = 0; k < MB_TELESCOPE_GROUP_CELLS; k++) {
            for (size_t s = 0; s < MB_SAMPLES; s++) {
                cells->slope[cell[k]][s] += slope[s];
            }
        }
    }
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        loss[s] += sum[s];
    }
}

static void add_thirds_of_tile(tile *cells, float *loss) {
    float sum[MB_SAMPLES] = {0};
    for (size_t third = 0; third < MB_TELESCOPE_THIRDS; third++) {
        const size_t first = third * MB_TELESCOPE_THIRD_CELLS;
        float t[MB_SAMPLES] = {0};
        float p[MB_SAMPLES] = {0};
        float slope[MB_SAMPLES];
        for (size_t i = first; i < first + MB_TELESCOPE_THIRD_CELLS; i++) {
            for (size_t s = 0; s < MB_SAMPLES; s++) {
                t[s] += cells->t[i][s];
                p[s] += cells->p[i][s];
            }
        }
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            sum[s] += mb_module_weighted(t[s], p[s], &slope[s]);
        }
        for (size_t i = first; i < first + MB_TELESCOPE_THIRD_CELLS; i++) {
            for (size_t s = 0; s < MB_SAMPLES; s++) {
                cells->slope[i][s] += thirds_share * slope[s];
            }
        }
    }
    for (size_t s = 0; s < MB_SAMPLES; s++) {
        loss[s] += thirds_share * sum[s];
    }
}

static void telescope_lanes(const void *state, const mb_lane_kernels *kernels, const float *target,
    const float *output, size_t n, size_t channels, float *loss, float *gradient) {
    const telescope *tele = state;
    tile cells;
    (void)kernels;
    (void)channels;
    gather_tile(tele, target, output, &cells);
    add_cells_of_tile(&cells, loss);
    add_groups_of_tile(tele, &cells, loss);
    add_thirds_of_tile(&cells, loss);
    if (gradient == NULL) {
        return;
    }
    memset(gradient, 0, n * MB_SAMPLES * sizeof *gradient);
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        memcpy(gradient + tele->arrangement->pixel[i] * (size_t)MB_SAMPLES, cells.slope[i],
            sizeof cells.slope[i]);
    }
}

static const mb_option weighted_option_table[] = {MB_OPTIONS_END};

static float weighted_row(const void *options, const float *target, const float *output, size_t n,
    size_t channels, float *gradient) {
    (void)options;
    (void)channels;
    const float count = (float)n;
    float sum = 0.0F;
    for (size_t i = 0; i < n; i++) {
        float slope;
        sum += mb_module_weighted(target[i], output[i], &slope);
        if (gradient != NULL) {
            gradient[i] = slope / count;
        }
    }
    return sum / count;
}

static void weighted_lanes(const void *options, const mb_lane_kernels *kernels, const float *target,
    const float *output, size_t n, size_t channels, float *loss, float *gradient) {
    (void)options;
    (void)kernels;
    (void)channels;
    memset(loss, 0, MB_SAMPLES * sizeof *loss);
    for (size_t i = 0; i < n * MB_SAMPLES; i += MB_SAMPLES) {
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            float slope;
            loss[s] += mb_module_weighted(target[i + s], output[i + s], &slope);
            if (gradient != NULL) {
                gradient[i + s] = slope;
            }
        }
    }
    mb_loss_divide_lanes((float)n, n, loss, gradient);
}

const mb_loss_ops mb_loss_telescope_mse = {
    .name = "telescope_mse",
    .class_name = "TelescopeMSE",
    .alias = "telescopeMSE",
    .help = "errors of a module's cells, of sums of neighbours and of thirds, by charge",
    .options = telescope_option_table,
    .options_size = sizeof(mb_module_options),
    .target = MB_TARGET_SAME,
    .spellings = telescope_spellings,
    .open = open_telescope,
    .close = close_state,
    .row = telescope_row,
    .lanes = telescope_lanes,
};

const mb_loss_ops mb_loss_weighted_mse = {
    .name = "weighted_mse",
    .class_name = "WeightedMSE",
    .alias = "weightedMSE",
    .help = "mean of (target - output)^2 * max(target, output)",
    .options = weighted_option_table,
    .options_size = 0,
    .target = MB_TARGET_SAME,
    .row = weighted_row,
    .lanes = weighted_lanes,
};
