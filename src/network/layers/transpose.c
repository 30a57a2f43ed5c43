// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/layers/transpose.h"

#include "network/lanes.h"

// A row as a matrix: out[j * n_rows + i] = in[i * n_columns + j].
static void transpose_row(const mb_step *step, size_t *n_rows, size_t *n_columns) {
    *n_rows = step->in[0].dim[0];
    *n_columns = step->in_size[0] / *n_rows;
}

static void transpose(const mb_rows *rows, size_t size, size_t n_rows, size_t n_columns) {
    for (size_t r = 0; r < rows->n; r++) {
        const float *in = rows->in[0] + r * size;
        float *out = rows->out + r * size;
        for (size_t j = 0; j < n_columns; j++) {
            for (size_t i = 0; i < n_rows; i++) {
                out[j * n_rows + i] = in[i * n_columns + j];
            }
        }
    }
}

static void transpose_back(const mb_rows *rows, size_t size, size_t n_rows, size_t n_columns) {
    for (size_t r = 0; r < rows->n && rows->d_in[0] != NULL; r++) {
        float *d_in = rows->d_in[0] + r * size;
        const float *d_out = rows->d_out + r * size;
        for (size_t i = 0; i < n_rows; i++) {
            for (size_t j = 0; j < n_columns; j++) {
                d_in[i * n_columns + j] += d_out[j * n_rows + i];
            }
        }
    }
}

static void forward_to_last(const mb_step *step, const mb_rows *rows) {
    size_t n_rows;
    size_t n_columns;
    transpose_row(step, &n_rows, &n_columns);
    transpose(rows, step->out_size, n_rows, n_columns);
}

static void backward_to_last(const mb_step *step, const mb_rows *rows) {
    size_t n_rows;
    size_t n_columns;
    transpose_row(step, &n_rows, &n_columns);
    transpose_back(rows, step->out_size, n_rows, n_columns);
}

static void forward_to_first(const mb_step *step, const mb_rows *rows) {
    const size_t n_columns = step->in[0].dim[step->in[0].rank - 1];
    transpose(rows, step->out_size, step->out_size / n_columns, n_columns);
}

static void backward_to_first(const mb_step *step, const mb_rows *rows) {
    const size_t n_columns = step->in[0].dim[step->in[0].rank - 1];
    transpose_back(rows, step->out_size, step->out_size / n_columns, n_columns);
}

static void lanes_to(const mb_rows *rows, size_t n_rows, size_t n_columns) {
    for (size_t k = 0; k < n_rows * n_columns; k++) {
        memcpy(rows->out + (k % n_columns * n_rows + k / n_columns) * MB_SAMPLES,
            rows->in[0] + k * MB_SAMPLES, MB_SAMPLES * sizeof(float));
    }
}

static void lanes_back(const mb_rows *rows, size_t n_rows, size_t n_columns) {
    for (size_t k = 0; k < n_rows * n_columns && rows->d_in[0] != NULL; k++) {
        const float *d_out = rows->d_out + (k % n_columns * n_rows + k / n_columns) * MB_SAMPLES;
        for (size_t s = 0; s < MB_SAMPLES; s++) {
            rows->d_in[0][k * MB_SAMPLES + s] += d_out[s];
        }
    }
}

static void lanes_to_last(const mb_step *step, const mb_rows *rows) {
    lanes_to(rows, step->in[0].dim[0], step->out_size / step->in[0].dim[0]);
}

static void lanes_to_last_back(const mb_step *step, const mb_rows *rows) {
    lanes_back(rows, step->in[0].dim[0], step->out_size / step->in[0].dim[0]);
}

static void lanes_to_first(const mb_step *step, const mb_rows *rows) {
    const size_t n_columns = step->in[0].dim[step->in[0].rank - 1];
    lanes_to(rows, step->out_size / n_columns, n_columns);
}

static void lanes_to_first_back(const mb_step *step, const mb_rows *rows) {
    const size_t n_columns = step->in[0].dim[step->in[0].rank - 1];
    lanes_back(rows, step->out_size / n_columns, n_columns);
}

void mb_transpose_plan(mb_plan_site *site, bool to_last) {
    site->step->forward = to_last ? forward_to_last : forward_to_first;
    site->step->backward = to_last ? backward_to_last : backward_to_first;
    site->step->lanes = (mb_step_lanes){.forward = to_last ? lanes_to_last : lanes_to_first,
        .backward = to_last ? lanes_to_last_back : lanes_to_first_back};
}
