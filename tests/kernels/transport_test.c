// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/random.h"
#include "kernels/transport.h"

#include <math.h>

enum { MOST = 32, STRIDE = 40 };

typedef struct problem {
    size_t n, m;
    double supply[MB_TRANSPORT_NODES], demand[MB_TRANSPORT_NODES],
        cost[MB_TRANSPORT_NODES * STRIDE];
} problem;

// Kinds of problems: real numbers, whole ones with many equal costs, unit assignments, equal costs.
enum { N_KINDS = 4 };

static void make_problem(problem *p, size_t n, size_t m, int kind, uint32_t stream) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 0, stream);
    p->n = n;
    p->m = kind == 2 ? n : m;
    double total = 0;
    for (size_t i = 0; i < p->n; i++) {
        p->supply[i] = kind == 0   ? mb_random_exponential(&random, 1)
                       : kind == 2 ? 1
                                   : (double)(p->m * (1 + mb_random_below(&random, 3)));
        total += p->supply[i];
    }
    for (size_t j = 0; j < p->m; j++) {
        p->demand[j] = total / (double)p->m;
    }
    for (size_t k = 0; k < MB_COUNT_OF(p->cost); k++) {
        p->cost[k] = kind == 0   ? mb_random_uniform(&random)
                     : kind == 3 ? 2
                                 : (double)mb_random_below(&random, 4);
    }
}

// A feasible flow and feasible duals with the same total: both are optimal, whatever made them.
static void check_optimal(const mb_transport *work, const problem *p) {
    double left[MB_TRANSPORT_NODES];
    double total = 0, dual = 0;
    for (size_t i = 0; i < p->n; i++) {
        left[i] = p->supply[i];
        total += p->supply[i];
        dual += p->supply[i] * work->potential[i];
    }
    for (size_t j = 0; j < p->m; j++) {
        left[p->n + j] = p->demand[j];
        dual += p->demand[j] * work->potential[p->n + j];
    }
    size_t n_roots = 0;
    for (size_t k = 0; k < work->n_nodes; k++) {
        const size_t up = work->parent[k];
        n_roots += up == k;
        if (up != k) {
            assert_true((k < p->n) != (up < p->n));
            assert_true(work->flow[k] >= 0);
            left[k] -= work->flow[k];
            left[up] -= work->flow[k];
        }
    }
    assert_int_equal(n_roots, 1);
    for (size_t k = 0; k < work->n_nodes; k++) {
        assert_true(fabs(left[k]) < 1e-13 * total);
    }
    for (size_t i = 0; i < p->n; i++) {
        for (size_t j = 0; j < p->m; j++) {
            assert_true(
                work->potential[i] + work->potential[p->n + j] <= p->cost[i * STRIDE + j] + 1e-12);
        }
    }
    const double cost = mb_transport_cost(work, p->cost, STRIDE);
    assert_true(fabs(cost - dual) < 1e-12 * total);
}

static void test_transport__flow_and_duals_prove_each_other(void **state) {
    (void)state;
    mb_transport work;
    problem p;
    for (uint32_t trial = 0; trial < 4000; trial++) {
        mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 1, trial);
        const size_t n = 1 + (size_t)mb_random_below(&random, MOST);
        const size_t m = 1 + (size_t)mb_random_below(&random, MOST);
        make_problem(&p, n, m, (int)(trial % N_KINDS), trial);
        assert_true(mb_transport_solve(&work, p.n, p.m, p.supply, p.demand, p.cost, STRIDE));
        check_optimal(&work, &p);
    }
}

static void test_transport__takes_one_against_many(void **state) {
    (void)state;
    static const size_t sizes[][2] = {{1, 1}, {1, 40}, {40, 1}, {1, 2}, {24, 40}};
    mb_transport work;
    problem p;
    for (size_t k = 0; k < MB_COUNT_OF(sizes); k++) {
        make_problem(&p, sizes[k][0], sizes[k][1], 0, (uint32_t)k);
        assert_true(mb_transport_solve(&work, p.n, p.m, p.supply, p.demand, p.cost, STRIDE));
        check_optimal(&work, &p);
    }
}

// Least cost over all assignments of whole units, by trying each.
static double try_all(const problem *p, size_t row, unsigned taken) {
    if (row == p->n) {
        return 0;
    }
    double least = INFINITY;
    for (size_t j = 0; j < p->m; j++) {
        if ((taken >> j & 1U) == 0) {
            const double cost = p->cost[row * STRIDE + j] + try_all(p, row + 1, taken | 1U << j);
            least = cost < least ? cost : least;
        }
    }
    return least;
}

static void test_transport__finds_the_best_of_all_assignments(void **state) {
    (void)state;
    mb_transport work;
    problem p;
    for (uint32_t trial = 0; trial < 200; trial++) {
        make_problem(&p, 1 + trial % 6, 0, 2, trial);
        assert_true(mb_transport_solve(&work, p.n, p.m, p.supply, p.demand, p.cost, STRIDE));
        assert_true(mb_transport_cost(&work, p.cost, STRIDE) == try_all(&p, 0, 0));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transport__flow_and_duals_prove_each_other),
        cmocka_unit_test(test_transport__takes_one_against_many),
        cmocka_unit_test(test_transport__finds_the_best_of_all_assignments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
