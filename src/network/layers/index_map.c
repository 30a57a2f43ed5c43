// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/index_map.h"

#include "network/lanes.h"

static void forward(const mb_step *step, const mb_rows *rows) {
    const uint32_t *map = step->data;
    for (size_t r = 0; r < rows->n; r++) {
        const float *in = rows->in[0] + r * step->in_size[0];
        float *out = rows->out + r * step->out_size;
        for (size_t i = 0; i < step->out_size; i++) {
            out[i] = map[i] == MB_INDEX_MAP_ZERO ? 0 : in[map[i]];
        }
    }
}

static void backward(const mb_step *step, const mb_rows *rows) {
    const uint32_t *map = step->data;
    for (size_t r = 0; r < rows->n && rows->d_in[0] != NULL; r++) {
        float *d_in = rows->d_in[0] + r * step->in_size[0];
        const float *d_out = rows->d_out + r * step->out_size;
        for (size_t i = 0; i < step->out_size; i++) {
            if (map[i] != MB_INDEX_MAP_ZERO) {
                d_in[map[i]] += d_out[i];
            }
        }
    }
}

static void forward_lanes(const mb_step *step, const mb_rows *rows) {
    const uint32_t *map = step->data;
    for (size_t i = 0; i < step->out_size; i++) {
        float *out = rows->out + i * MB_SAMPLES;
        if (map[i] == MB_INDEX_MAP_ZERO) {
            memset(out, 0, MB_SAMPLES * sizeof *out);
        } else {
            memcpy(out, rows->in[0] + map[i] * MB_SAMPLES, MB_SAMPLES * sizeof *out);
        }
    }
}

static void backward_lanes(const mb_step *step, const mb_rows *rows) {
    const uint32_t *map = step->data;
    for (size_t i = 0; i < step->out_size && rows->d_in[0] != NULL; i++) {
        const float *d_out = rows->d_out + i * MB_SAMPLES;
        for (size_t s = 0; s < MB_SAMPLES && map[i] != MB_INDEX_MAP_ZERO; s++) {
            rows->d_in[0][map[i] * MB_SAMPLES + s] += d_out[s];
        }
    }
}

mb_status mb_index_map_plan(mb_context *ctx, mb_plan_site *site, uint32_t **map) {
    *map = mb_arena_allocate(site->arena, ctx, site->step->out_size, sizeof **map);
    if (*map == NULL) {
        return MB_ERR_MEMORY;
    }
    site->step->data = *map;
    site->step->forward = forward;
    site->step->backward = backward;
    site->step->lanes = (mb_step_lanes){.forward = forward_lanes, .backward = backward_lanes};
    return MB_OK;
}

void mb_index_map_split(const mb_value_type *type, size_t element, size_t at[MB_MAX_DIMS]) {
    memset(at, 0, MB_MAX_DIMS * sizeof *at);
    for (size_t d = type->rank; d-- > 0;) {
        at[d] = element % type->dim[d];
        element /= type->dim[d];
    }
}

size_t mb_index_map_join(const mb_value_type *type, const size_t at[MB_MAX_DIMS]) {
    size_t element = 0;
    for (size_t d = 0; d < type->rank; d++) {
        element = element * type->dim[d] + at[d];
    }
    return element;
}
