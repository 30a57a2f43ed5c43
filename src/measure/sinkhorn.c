// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/sinkhorn.h"

#include "base/math.h"

#include <math.h>

enum { MOST_ROUNDS = 1000, ROUNDS_A_CHECK = 10 };

static const double table_unit = 1.20840075; // of geometry/hex48.h in the published table
static const double regularisation = 0.5;
static const double precise_enough = 1e-9;

typedef struct problem {
    size_t n, m; // cells with charge of a and of b
    uint8_t row[MB_HEX48_CELLS], column[MB_HEX48_CELLS];
    double a[MB_HEX48_CELLS], b[MB_HEX48_CELLS]; // unit sum
    double cost[MB_HEX48_CELLS][MB_HEX48_CELLS];
    double kernel[MB_HEX48_CELLS][MB_HEX48_CELLS]; // at the end the transport
} problem;

// Returns the picture's sum.
static double take_picture(const double *picture, uint8_t *cell, double *share, size_t *n) {
    double sum = 0;
    *n = 0;
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        sum += picture[i];
    }
    for (size_t i = 0; i < MB_HEX48_CELLS; i++) {
        if (picture[i] > 0) {
            cell[*n] = (uint8_t)i;
            share[(*n)++] = picture[i] / sum;
        }
    }
    return sum;
}

static void fill_kernel(problem *p) {
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->m; j++) {
            p->cost[i][j] = mb_hex48_distance(p->row[i], p->column[j]) * table_unit;
            p->kernel[i][j] = mb_exp(-p->cost[i][j] / regularisation);
        }
    }
}

static double column_sum(const problem *p, const double *u, size_t j) {
    double sum = 0;
    for (size_t i = 0; i < p->n; i++) {
        sum += p->kernel[i][j] * u[i];
    }
    return sum;
}

static double column_error(const problem *p, const double *u, const double *v) {
    double squares = 0;
    for (size_t j = 0; j < p->m; j++) {
        const double error = v[j] * column_sum(p, u, j) - p->b[j];
        squares += error * error;
    }
    return sqrt(squares);
}

static void iterate(const problem *p, double *u, double *v) {
    for (size_t i = 0; i < p->n; i++) {
        u[i] = 1.0 / MB_HEX48_CELLS;
    }
    for (size_t round = 0; round < MOST_ROUNDS; round++) {
        for (size_t j = 0; j < p->m; j++) {
            v[j] = p->b[j] / column_sum(p, u, j);
        }
        for (size_t i = 0; i < p->n; i++) {
            double sum = 0;
            for (size_t j = 0; j < p->m; j++) {
                sum += p->kernel[i][j] * v[j];
            }
            u[i] = p->a[i] / sum;
        }
        if (round % ROUNDS_A_CHECK == 0 && column_error(p, u, v) <= precise_enough) {
            return;
        }
    }
}

// Solves s y = t for a symmetric s whose null vector is (1, ..., 1) by Cholesky's method without
// the last unknown, which is 0. Where charge cannot pass between two sets of cells the pivot is
// rounding: such an unknown is free, and 0, too.
static void solve(size_t n, double (*s)[MB_HEX48_CELLS], double *t) {
    if (n == 0) {
        return;
    }
    t[n - 1] = 0;
    for (size_t k = 0; k + 1 < n; k++) {
        const double whole = s[k][k];
        for (size_t j = 0; j < k; j++) {
            s[k][k] -= s[k][j] * s[k][j];
        }
        const bool is_free = !(s[k][k] > 1e-13 * whole);
        s[k][k] = is_free ? 0 : sqrt(s[k][k]);
        for (size_t i = k + 1; i + 1 < n; i++) {
            for (size_t j = 0; j < k; j++) {
                s[i][k] -= s[i][j] * s[k][j];
            }
            s[i][k] = is_free ? 0 : s[i][k] / s[k][k];
        }
    }
    for (size_t k = 0; k + 1 < n; k++) {
        for (size_t j = 0; j < k; j++) {
            t[k] -= s[k][j] * t[j];
        }
        t[k] = s[k][k] > 0 ? t[k] / s[k][k] : 0;
    }
    for (size_t k = n - 1; k-- > 0;) {
        for (size_t i = k + 1; i + 1 < n; i++) {
            t[k] -= s[i][k] * t[i];
        }
        t[k] = s[k][k] > 0 ? t[k] / s[k][k] : 0;
    }
}

// A change of b changes log u and log v such that all sums hold: with the transport P, A = diag(a),
// B = diag(b) the adjoint system is A x + P y = r, P' x + B y = c, with r and c the sums of cost
// over rows and columns, and the derivative by b is y.
static void differentiate(const problem *p, double sum_b, double *gradient) {
    double matrix[MB_HEX48_CELLS][MB_HEX48_CELLS];
    double y[MB_HEX48_CELLS];
    double r[MB_HEX48_CELLS] = {0};
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->m; j++) {
            r[i] += p->kernel[i][j] * p->cost[i][j];
        }
    }
    for (size_t j = 0; j < p->m; j++) {
        y[j] = 0;
        for (size_t i = 0; i < p->n; i++) {
            y[j] += p->kernel[i][j] * (p->cost[i][j] - r[i] / p->a[i]);
        }
        for (size_t k = 0; k <= j; k++) {
            matrix[j][k] = j == k ? p->b[j] : 0;
            for (size_t i = 0; i < p->n; i++) {
                matrix[j][k] -= p->kernel[i][j] * p->kernel[i][k] / p->a[i];
            }
        }
    }
    solve(p->m, matrix, y);
    double mean = 0;
    for (size_t j = 0; j < p->m; j++) {
        mean += y[j] * p->b[j];
    }
    for (size_t j = 0; j < p->m; j++) {
        gradient[p->column[j]] = (y[j] - mean) / sum_b;
    }
}

double mb_sinkhorn_of_pictures(
    const double a[MB_HEX48_CELLS], const double b[MB_HEX48_CELLS], double *gradient) {
    problem p;
    double u[MB_HEX48_CELLS];
    double v[MB_HEX48_CELLS];
    if (gradient != NULL) {
        memset(gradient, 0, MB_HEX48_CELLS * sizeof *gradient);
    }
    (void)take_picture(a, p.row, p.a, &p.n);
    const double sum_b = take_picture(b, p.column, p.b, &p.m);
    if (p.n == 0 || p.m == 0) {
        return 0;
    }
    fill_kernel(&p);
    iterate(&p, u, v);
    double cost = 0;
    for (size_t i = 0; i < p.n; i++) {
        for (size_t j = 0; j < p.m; j++) {
            p.kernel[i][j] *= u[i] * v[j];
            cost += p.kernel[i][j] * p.cost[i][j];
        }
    }
    if (gradient != NULL) {
        differentiate(&p, sum_b, gradient);
    }
    return cost;
}
