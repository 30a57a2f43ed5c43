// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "words.h"

#include "measure/track_score.h"

#include <math.h>

MB_TEST_WORLD(1, 0)

enum { MOST = 128, N_FIGURES = 10 };

static void assert_figure(double got, double wanted, const char *what) {
    if (!(isnan(got) && isnan(wanted)) && !(fabs(got - wanted) <= 1e-9)) {
        fail_msg("%s: %.17g, wanted %.17g", what, got, wanted);
    }
}

static void test_track_score__figures_are_those_of_the_definitions(void **state) {
    (void)state;
    words w;
    size_t n_cases = 0;
    words_open(&w, world.ctx, "tests/golden/track_scores.txt");
    while (next_word(&w) != NULL) {
        int64_t particle[MOST], track[MOST];
        float weight[MOST];
        mb_track_scorer *scorer;
        mb_track_score s;
        const size_t n = (size_t)next_number(&w);
        const size_t min_hits = (size_t)next_number(&w);
        assert_true(n <= MOST);
        for (size_t i = 0; i < n; i++) {
            particle[i] = (int64_t)next_number(&w);
            weight[i] = (float)next_number(&w);
            track[i] = (int64_t)next_number(&w);
        }
        assert_ok(world.ctx, mb_track_scorer_create(world.ctx, particle, weight, n, &scorer));
        // Twice: nothing of a scoring stays for the next.
        assert_ok(world.ctx, mb_track_scorer_run(scorer, world.ctx, track, min_hits, &s));
        assert_ok(world.ctx, mb_track_scorer_run(scorer, world.ctx, track, min_hits, &s));
        const double got[N_FIGURES] = {s.score, (double)s.n_found, (double)s.n_particles,
            (double)s.n_good, (double)s.n_tracks, (double)s.n_unassigned, s.hit_purity,
            s.hit_efficiency, s.adjusted_rand, s.v_measure};
        static const char *const names[N_FIGURES] = {"score", "found", "particles", "good",
            "tracks", "unassigned", "hit purity", "hit efficiency", "Rand", "V"};
        for (size_t i = 0; i < N_FIGURES; i++) {
            assert_figure(got[i], next_number(&w), names[i]);
        }
        mb_track_scorer_destroy(scorer);
        n_cases++;
    }
    assert_int_equal(n_cases, 7);
    words_close(&w);
}

static void test_track_score__ties_and_halves_do_not_count(void **state) {
    (void)state;
    // Track 0: two hits of particle 9, two of 4: the smaller has it, but only half of the hits.
    // Track 1: three of five hits of particle 7. Track 2: noise alone.
    const int64_t particle[] = {9, 9, 4, 4, 7, 7, 7, 7, 7, 0, 0};
    const int64_t track[] = {0, 0, 0, 0, 1, 1, 1, -1, -1, 2, 2};
    mb_track_scorer *scorer;
    mb_track_score s;
    size_t n;
    assert_ok(world.ctx, mb_track_scorer_create(world.ctx, particle, NULL, 11, &scorer));
    assert_ok(world.ctx, mb_track_scorer_run(scorer, world.ctx, track, 2, &s));
    assert_int_equal(s.n_tracks, 3);
    assert_int_equal(s.n_good, 1);
    assert_int_equal(s.n_particles, 3);
    assert_int_equal(s.n_found, 1);
    assert_figure(s.score, 3.0 / 9, "score");
    assert_figure(s.fake_rate, 2.0 / 3, "fake rate");
    const mb_track_particle *list = mb_track_scorer_particles(scorer, &n);
    assert_int_equal(n, 3);
    assert_true(list[1].id == 7 && list[1].is_found && list[1].first == 4 && !list[0].is_found);
    const int64_t bad[] = {0, 0, 0, 0, 1, 1, 1, -1, -1, 2, 11};
    assert_fails(world.ctx, mb_track_scorer_run(scorer, world.ctx, bad, 2, &s), MB_ERR_RANGE,
        "track of hit 10 is 11");
    mb_track_scorer_destroy(scorer);
    const float weight[] = {1, -1};
    assert_fails(world.ctx, mb_track_scorer_create(world.ctx, particle, weight, 2, &scorer),
        MB_ERR_RANGE, "weight of hit 1 is -1");
    assert_ok(world.ctx, mb_track_scorer_create(world.ctx, particle, NULL, 0, &scorer));
    assert_ok(world.ctx, mb_track_scorer_run(scorer, world.ctx, track, 2, &s));
    assert_true(isnan(s.score) && isnan(s.efficiency) && s.n_tracks == 0);
    mb_track_scorer_destroy(scorer);
}

static void test_track_score__edges_are_compared_as_they_are_stored(void **state) {
    (void)state;
    const int32_t pred[2][4] = {{0, 0, 2, 1}, {1, 1, 3, 0}};
    const int32_t truth[2][3] = {{0, 1, 3}, {1, 2, 3}};
    mb_edge_score s;
    assert_ok(world.ctx, mb_edge_score_make(world.ctx, &(mb_edge_list){pred[0], pred[1], 4},
                             &(mb_edge_list){truth[0], truth[1], 3}, &s));
    assert_int_equal(s.n_true_found, 1);
    assert_int_equal(s.n_pred_true, 2);
    assert_int_equal(s.n_pred, 4);
    assert_int_equal(s.n_true, 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_track_score__figures_are_those_of_the_definitions),
        cmocka_unit_test(test_track_score__ties_and_halves_do_not_count),
        cmocka_unit_test(test_track_score__edges_are_compared_as_they_are_stored),
    };
    return cmocka_run_group_tests(tests, open_world, close_world);
}
