// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "scenes.h"

#include "base/math.h"
#include "kernels/graph.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// Every version of every kernel of message passing against plain C, bit for bit, and plain C
// against other ways to say the same.

enum { CHECKED_KERNELS = 17 };

// A kernel that is added needs a check below.
static_assert(sizeof(mb_graph_kernels) == CHECKED_KERNELS * sizeof(void (*)(void)),
    "the checker does not know every kernel");

// A random graph with isolated nodes, loops and repeated edges. From a shape: n nodes, run_length
// edges for each two of them, n_out columns.
typedef struct net {
    mb_graph graph;
    size_t width;
    int32_t *source, *destination;
    float *truth;
    uint32_t *words;
    mb_random random;
    char what[160];
} net;

static void open_net(net *it, const shape *s, const char *kernel, const char *version) {
    const size_t n_edges = s->n * s->run_length / 2;
    memset(it, 0, sizeof *it);
    it->width = s->n_out;
    it->random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 2, (uint32_t)s->n);
    it->source = calloc(n_edges + 1, sizeof *it->source);
    it->destination = calloc(n_edges + 1, sizeof *it->destination);
    it->truth = calloc(n_edges + 1, sizeof *it->truth);
    it->words = calloc(mb_graph_words(s->n, n_edges, true), sizeof *it->words);
    assert_true(it->source && it->destination && it->truth && it->words);
    for (size_t i = 0; i < n_edges; i++) {
        const bool stays = i > 0 && mb_random_below(&it->random, 3) > 0;
        it->source[i] = stays ? it->source[i - 1] : (int32_t)mb_random_below(&it->random, s->n);
        it->destination[i] = (int32_t)mb_random_below(&it->random, (s->n + 1) / 2);
        it->truth[i] = (float)mb_random_below(&it->random, 2);
    }
    mb_graph_build(s->n, n_edges, it->source, it->destination, true, it->words, &it->graph);
    snprintf(it->what, sizeof it->what, "%s of %s: %zu nodes, %zu edges, width %zu", kernel,
        version, s->n, n_edges, s->n_out);
}

static void close_net(net *it) {
    free(it->source);
    free(it->destination);
    free(it->truth);
    free(it->words);
}

static void check_nodes(const mb_kernels *k, const shape *s) {
    net it;
    open_net(&it, s, "are_nodes", k->name);
    const size_t n = it.graph.n_edges, n_nodes = it.graph.n_nodes;
    assert_true(k->graph->are_nodes(n, it.source, n_nodes));
    assert_true(k->graph->are_nodes(0, NULL, 0));
    const int32_t wrong[] = {-1, INT32_MIN, (int32_t)n_nodes, INT32_MAX};
    for (size_t i = 0; i < n; i++) {
        const int32_t kept = it.source[i];
        it.source[i] = wrong[i % MB_COUNT_OF(wrong)];
        assert_false(k->graph->are_nodes(n, it.source, n_nodes));
        it.source[i] = kept;
    }
    close_net(&it);
}

static void check_scores(const mb_kernels *k, const shape *s) {
    net it;
    open_net(&it, s, "scores", k->name);
    const size_t n = it.graph.n_nodes * it.width;
    guarded p = guard_random(&it.random, n), q = guard_random(&it.random, n);
    guarded w = guard_random(&it.random, it.width);
    guarded got = guard(it.graph.n_edges), wanted = guard(it.graph.n_edges);
    k->graph->scores(&it.graph, p.floats, q.floats, it.width, w.floats, 0.25F, got.floats);
    mb_graph_kernels_c.scores(
        &it.graph, p.floats, q.floats, it.width, w.floats, 0.25F, wanted.floats);
    guarded rows = guard(it.graph.n_edges * it.width), same = guard(rows.n);
    guarded from_rows = guard(it.graph.n_edges), again = guard_copy(&got);
    for (size_t first = 0; first < it.graph.n_edges; first += 7) {
        const size_t n_rows = mb_min_size(7, it.graph.n_edges - first);
        k->graph->hidden(
            &it.graph, first, n_rows, p.floats, q.floats, it.width, rows.floats + first * it.width);
    }
    mb_graph_kernels_c.hidden(
        &it.graph, 0, it.graph.n_edges, p.floats, q.floats, it.width, same.floats);
    k->graph->dots(it.graph.n_edges, rows.floats, it.width, w.floats, 0.25F, from_rows.floats);
    check(&got, &wanted, it.what);
    check(&rows, &same, "rows of hidden units");
    check(&from_rows, &again, "dots of hidden rows are scores");
    free(p.memory);
    free(q.memory);
    free(w.memory);
    close_net(&it);
}

// Rows times a matrix, of one array and of two, set and added.
static void check_product(const mb_kernels *k, const shape *s) {
    mb_random random = mb_random_stream(mb_test_seed(), MB_PURPOSE_TEST, 3, (uint32_t)s->n);
    const size_t width = mb_round_up(s->n_out, MB_LANES), n_in = s->run_length;
    for (size_t which = 0; which < 16; which++) {
        const bool has_second = which % 2 == 1, is_padded = which / 4 % 2 == 1;
        const size_t stride = n_in + (is_padded ? 3 : 0), n_out = is_padded ? width : s->n_out;
        guarded first = guard_random(&random, s->n * stride);
        guarded second = guard_random(&random, s->n * stride);
        guarded w = guard_random(&random, 2 * n_in * width), bias = guard_random(&random, width);
        guarded mean = guard_random(&random, width), factor = guard_random(&random, width);
        guarded got = guard_random(&random, s->n * n_out), wanted = guard_copy(&got);
        const mb_row_product product = {.n = s->n,
            .n_in = n_in,
            .x = {first.floats, has_second ? second.floats : NULL},
            .stride = stride,
            .w = w.floats,
            .bias = bias.floats,
            .width = width,
            .n_out = n_out,
            .is_rectified = which / 2 % 2 == 1,
            .is_added = which / 8 == 1,
            .mean = which % 3 == 1 ? mean.floats : NULL,
            .factor = factor.floats,
            .shift = bias.floats};
        k->graph->product(&product, got.floats);
        mb_graph_kernels_c.product(&product, wanted.floats);
        check(&got, &wanted, k->name);
        free(first.memory);
        free(second.memory);
        free(w.memory);
        free(bias.memory);
        free(mean.memory);
        free(factor.memory);
    }
}

static void check_products(const mb_kernels *k, const shape *s) {
    net it;
    open_net(&it, s, "products", k->name);
    const size_t n = it.graph.n_nodes * it.width;
    guarded a = guard_random(&it.random, n), b = guard_random(&it.random, n);
    guarded got = guard(it.graph.n_edges), wanted = guard(it.graph.n_edges);
    k->graph->products(&it.graph, a.floats, b.floats, it.width, got.floats);
    mb_graph_kernels_c.products(&it.graph, a.floats, b.floats, it.width, wanted.floats);
    check(&got, &wanted, it.what);
    free(a.memory);
    free(b.memory);
    close_net(&it);
}

static void check_sigmoid(const mb_kernels *k, const shape *s) {
    net it;
    open_net(&it, s, "sigmoid and softmax", k->name);
    const size_t n = it.graph.n_edges;
    guarded got = guard_random(&it.random, n);
    for (size_t i = 0; i < n; i++) {
        got.floats[i] *= i % 5 == 0 ? 100 : 3;
    }
    guarded wanted = guard_copy(&got), soft = guard_copy(&got), wanted_soft = guard_copy(&got);
    guarded d = guard_random(&it.random, n);
    guarded wanted_d = guard_copy(&d), d_soft = guard_copy(&d), wanted_d_soft = guard_copy(&d);
    k->graph->sigmoid(n, got.floats);
    mb_graph_kernels_c.sigmoid(n, wanted.floats);
    const float sum = k->graph->sigmoid_back(n, got.floats, d.floats);
    const float wanted_sum = mb_graph_kernels_c.sigmoid_back(n, got.floats, wanted_d.floats);
    mb_test_assert_same_bits(&sum, &wanted_sum, 1, sizeof sum, "sum of sigmoid_back");
    k->graph->softmax(&it.graph, soft.floats);
    mb_graph_kernels_c.softmax(&it.graph, wanted_soft.floats);
    const float soft_sum = k->graph->softmax_back(&it.graph, soft.floats, d_soft.floats);
    const float wanted_soft_sum =
        mb_graph_kernels_c.softmax_back(&it.graph, soft.floats, wanted_d_soft.floats);
    mb_test_assert_same_bits(
        &soft_sum, &wanted_soft_sum, 1, sizeof soft_sum, "sum of softmax_back");
    check(&got, &wanted, it.what);
    check(&d, &wanted_d, it.what);
    check(&soft, &wanted_soft, it.what);
    check(&d_soft, &wanted_d_soft, it.what);
    close_net(&it);
}

static void check_sides(const mb_kernels *k, const shape *s) {
    net it;
    open_net(&it, s, "sums and gates", k->name);
    const size_t n = it.graph.n_nodes * it.width;
    guarded own = guard_random(&it.random, n), other = guard_random(&it.random, n);
    guarded d = guard_random(&it.random, it.graph.n_edges);
    guarded d_rows = guard_random(&it.random, it.graph.n_edges * it.width);
    const mb_edge_rows rows = {own.floats, other.floats};
    for (mb_graph_side side = MB_GRAPH_IN; side <= MB_GRAPH_OUT; side++) {
        guarded got, wanted;
        for (size_t is_new = 0; is_new < 2; is_new++) {
            got = guard_random(&it.random, n);
            wanted = guard_copy(&got);
            k->graph->sums(
                &it.graph, side, is_new == 1, d.floats, other.floats, it.width, got.floats);
            mb_graph_kernels_c.sums(
                &it.graph, side, is_new == 1, d.floats, other.floats, it.width, wanted.floats);
            check(&got, &wanted, it.what);
        }
        got = guard_random(&it.random, n);
        wanted = guard(n);
        k->graph->gates(&it.graph, side, &rows, it.width, d.floats, got.floats);
        mb_graph_kernels_c.gates(&it.graph, side, &rows, it.width, d.floats, wanted.floats);
        check(&got, &wanted, it.what);
        got = guard_random(&it.random, n);
        wanted = guard(n);
        k->graph->row_gates(&it.graph, side, &rows, it.width, d_rows.floats, got.floats);
        mb_graph_kernels_c.row_gates(
            &it.graph, side, &rows, it.width, d_rows.floats, wanted.floats);
        check(&got, &wanted, it.what);
    }
    guarded got = guard_random(&it.random, n), wanted = guard_copy(&got);
    guarded gate = guard_random(&it.random, n), wanted_gate = guard(n);
    k->graph->leave(&it.graph, &rows, it.width, d.floats, gate.floats, d.floats, own.floats,
        it.width, got.floats);
    mb_graph_kernels_c.leave(&it.graph, &rows, it.width, d.floats, wanted_gate.floats, d.floats,
        own.floats, it.width, wanted.floats);
    check(&got, &wanted, it.what);
    check(&gate, &wanted_gate, it.what);
    free(own.memory);
    free(other.memory);
    free(d.memory);
    free(d_rows.memory);
    close_net(&it);
}

static void check_weigh(const mb_kernels *k, const shape *s) {
    net it;
    open_net(&it, s, "weigh", k->name);
    const size_t n = it.graph.n_nodes * it.width;
    guarded rows = guard_random(&it.random, n), w = guard_random(&it.random, it.width);
    guarded got = guard_random(&it.random, n), wanted = guard_copy(&got);
    guarded sum = guard_random(&it.random, it.width), wanted_sum = guard_copy(&sum);
    k->graph->weigh(it.graph.n_nodes, rows.floats, it.width, w.floats, got.floats, sum.floats);
    const size_t width = it.width + 5;
    guarded wide = guard(it.graph.n_nodes * width), wanted_wide = guard(wide.n);
    k->graph->widen(it.graph.n_nodes, rows.floats, it.width, wide.floats, width);
    mb_graph_kernels_c.widen(it.graph.n_nodes, rows.floats, it.width, wanted_wide.floats, width);
    check(&wide, &wanted_wide, "widened rows");
    mb_graph_kernels_c.weigh(
        it.graph.n_nodes, rows.floats, it.width, w.floats, wanted.floats, wanted_sum.floats);
    check(&got, &wanted, it.what);
    check(&sum, &wanted_sum, it.what);
    free(rows.memory);
    free(w.memory);
    close_net(&it);
}

static void check_pairs(const mb_kernels *k, const shape *s) {
    net it;
    open_net(&it, s, "pairs", k->name);
    for (size_t width = 1; width <= 3; width++) {
        const size_t n = it.graph.n_nodes * width;
        guarded rows = guard_random(&it.random, n);
        guarded got = guard_random(&it.random, n), wanted = guard_copy(&got);
        guarded scratch = guard(MB_DOT * (width + 2));
        const mb_pair_loss loss = {
            it.graph.n_edges, it.source, it.destination, it.truth, 1.0F, 0.125F};
        size_t right = 0, wanted_right = 0, right_alone = 0;
        const double sum =
            k->graph->pairs(&loss, rows.floats, width, got.floats, scratch.floats, &right);
        const double wanted_sum = mb_graph_kernels_c.pairs(
            &loss, rows.floats, width, wanted.floats, scratch.floats, &wanted_right);
        const double alone =
            k->graph->pairs(&loss, rows.floats, width, NULL, scratch.floats, &right_alone);
        mb_test_assert_same_bits(&sum, &wanted_sum, 1, sizeof sum, it.what);
        assert_true(alone == sum && right == wanted_right && right_alone == right);
        check(&got, &wanted, it.what);
        free(scratch.memory);
        free(rows.memory);
    }
    close_net(&it);
}

static void test_graph__versions_agree_on_scores(void **state) {
    (void)state;
    check_all(check_scores);
}

static void test_graph__versions_agree_on_products(void **state) {
    (void)state;
    check_all(check_product);
    check_all(check_nodes);
    check_all(check_products);
}

static void test_graph__versions_agree_on_sigmoid_and_softmax(void **state) {
    (void)state;
    check_all(check_sigmoid);
}

static void test_graph__versions_agree_on_sums_and_gates(void **state) {
    (void)state;
    check_all(check_sides);
    check_all(check_weigh);
}

static void test_graph__versions_agree_on_pairs(void **state) {
    (void)state;
    check_all(check_pairs);
}

static void test_graph__edges_are_sorted_by_destination_in_stored_order(void **state) {
    (void)state;
    const shape s = {.n = 40, .run_length = 33, .n_out = 1};
    net it;
    open_net(&it, &s, "build", "plain C");
    const mb_graph *g = &it.graph;
    assert_int_equal(g->in_offset[g->n_nodes], g->n_edges);
    assert_int_equal(g->out_offset[g->n_nodes], g->n_edges);
    for (size_t e = 0; e < g->n_edges; e++) {
        assert_int_equal(g->source[e], it.source[g->stored[e]]);
        assert_int_equal(g->destination[e], it.destination[g->stored[e]]);
        assert_true(g->in_offset[g->destination[e]] <= e);
        assert_true(e < g->in_offset[g->destination[e] + 1]);
        assert_true(
            e == 0 || g->destination[e - 1] < g->destination[e] ||
            (g->destination[e - 1] == g->destination[e] && g->stored[e - 1] < g->stored[e]));
    }
    size_t seen = 0;
    for (size_t i = 0; i < g->n_nodes; i++) {
        for (size_t j = g->out_offset[i]; j < g->out_offset[i + 1]; j++) {
            assert_int_equal(g->source[g->out_edge[j]], i);
            assert_int_equal(g->destination[g->out_edge[j]], g->out_destination[j]);
            assert_true(j == g->out_offset[i] || g->out_edge[j - 1] < g->out_edge[j]);
        }
        seen += g->in_order[i] + g->out_order[i];
        const uint32_t *in = g->in_offset + g->in_order[i];
        const uint32_t *before = g->in_offset + g->in_order[i - (i > 0)];
        assert_true(before[1] - before[0] >= in[1] - in[0]);
    }
    assert_int_equal(seen, g->n_nodes * (g->n_nodes - 1));
    close_net(&it);
}

static void test_graph__sigmoid_is_within_two_ulp(void **state) {
    (void)state;
    for (float x = -87; x < 100; x += 0.0137F) {
        float y = x;
        mb_graph_kernels_c.sigmoid(1, &y);
        const double wanted = 1 / (1 + mb_exp(-(double)x));
        assert_true(fabs((double)y - wanted) <= 2 * 0x1p-24 * 2 * wanted);
    }
    float ends[] = {-INFINITY, INFINITY, NAN, -1e30F};
    mb_graph_kernels_c.sigmoid(4, ends);
    assert_true(ends[0] >= 0 && ends[0] < 1e-37F && ends[1] == 1 && isnan(ends[2]));
    assert_true(ends[3] >= 0 && ends[3] < 1e-37F);
}

static void test_graph__pairs_give_the_hinge_embedding_loss_and_its_gradient(void **state) {
    (void)state;
    const int32_t source[] = {0, 0, 1, 2}, destination[] = {1, 2, 2, 2};
    const float truth[] = {1, 0, 0, 1};
    float rows[] = {0, 0, 0.3F, 0.4F, 2, 0.1F}, d[6] = {0}, scratch[MB_DOT * 4];
    const mb_pair_loss loss = {4, source, destination, truth, 1.0F, 0.25F};
    size_t right = 0;
    const double sum = mb_graph_kernels_c.pairs(&loss, rows, 2, d, scratch, &right);
    // Distances 0.5, 2.0025, 1.726 and 1.4e-6 (a loop, by the 1e-6 that is added).
    assert_true(fabs(sum - 0.5) < 1e-5);
    assert_int_equal(right, 4);
    for (size_t i = 0; i < 4; i++) {
        const float kept = rows[i], h = 1e-3F;
        size_t unused = 0;
        rows[i] = kept + h;
        const double up = mb_graph_kernels_c.pairs(&loss, rows, 2, NULL, scratch, &unused);
        rows[i] = kept - h;
        const double down = mb_graph_kernels_c.pairs(&loss, rows, 2, NULL, scratch, &unused);
        rows[i] = kept;
        assert_true(fabs((up - down) / (2 * (double)h) * 0.25 - (double)d[i]) < 1e-4);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph__versions_agree_on_scores),
        cmocka_unit_test(test_graph__versions_agree_on_products),
        cmocka_unit_test(test_graph__versions_agree_on_sigmoid_and_softmax),
        cmocka_unit_test(test_graph__versions_agree_on_sums_and_gates),
        cmocka_unit_test(test_graph__versions_agree_on_pairs),
        cmocka_unit_test(test_graph__edges_are_sorted_by_destination_in_stored_order),
        cmocka_unit_test(test_graph__sigmoid_is_within_two_ulp),
        cmocka_unit_test(test_graph__pairs_give_the_hinge_embedding_loss_and_its_gradient),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
