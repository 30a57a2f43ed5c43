// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "drawing.h"

#include "draw/figures_tracks.h"

enum { N = 5 };

// Three hits of particle 8, one of 9, one of noise; the cluster has two and misses one.
static const float xyz[3 * N] = {32, 0, 1, 72, 1, 2, 116, 2, 3, 0, 32, 4, 0, -72, 5};
static const float learned[2 * N] = {0, 0, 0.1F, 0, 0.9F, 0, 2, 2, 3, 3};
static const int64_t particle[N] = {8, 8, 8, 9, 0};
static const int64_t cluster[N] = {0, 0, -1, 1, -1};
static const int32_t source[4] = {0, 1, 2, 3};
static const int32_t destination[4] = {1, 2, 2, 4};
static const float label[4] = {1, 1, 1, 0};

static mb_track_sample make_sample(const mb_track_points *spaces, size_t n_spaces) {
    return (mb_track_sample){.number = 17,
        .n = N,
        .particle = particle,
        .spaces = spaces,
        .n_spaces = n_spaces,
        .xyz = xyz,
        .edges = {source, destination, label, 4}};
}

static const mb_track_points spaces[2] = {
    {"learned", "learned 0", "learned 1", learned, 2, cluster},
    {"positions", "x", "y", xyz, 3, cluster}};

static void test_figures_tracks__hits_are_shown_by_particle_and_by_cluster(void **state) {
    drawing *f = *state;
    const mb_track_sample sample = make_sample(spaces, 2);
    assert_ok(f->world.ctx, mb_draw_track_hits(f->gallery, f->world.ctx, &sample));
    assert_holds(f, "hits.gp", "# caption: Hits of sample 17.", "'learned, by particle'",
        "'positions, by cluster'", "layout 2,2", "set xlabel 'learned 0'");
    // Particles are numbered as they are met; noise is apart.
    assert_holds(f, "hits.csv", "32,0,0", "0,32,1");
    assert_all_draw(f);
}

static void test_figures_tracks__edges_are_true_or_false_and_no_loops(void **state) {
    drawing *f = *state;
    mb_track_sample sample = make_sample(spaces, 1);
    assert_ok(f->world.ctx, mb_draw_track_edges(f->gallery, f->world.ctx, &sample));
    assert_holds(f, "graph_edges.gp", "'2 true edges'", "'1 false edges'", "with vectors nohead");
    assert_ok(f->world.ctx, mb_draw_track_space(f->gallery, f->world.ctx, &sample));
    assert_holds(f, "event_display.gp", "splot", "'particles'", "'clusters'");
    assert_all_draw(f);
}

static void test_figures_tracks__bins_without_particles_are_left_out(void **state) {
    drawing *f = *state;
    static const float pt[4] = {1, 1.5F, 1.2F, 9};
    static const bool is_found[4] = {true, false, true, true};
    const mb_track_found found[] = {{"learned", is_found}};
    const mb_track_efficiency settings = {.figure = "efficiency_pt",
        .x_label = "pt (GeV)",
        .what = "transverse momentum",
        .x = pt,
        .n = 4,
        .low = 0,
        .high = 10,
        .n_bins = 5,
        .spaces = found,
        .n_spaces = 1};
    assert_ok(f->world.ctx, mb_draw_track_efficiency(f->gallery, f->world.ctx, &settings));
    assert_holds(f, "efficiency_pt.gp", "the 4 reconstructable particles", "set xlabel 'pt (GeV)'");
    assert_holds(f, "efficiency_pt.csv", "1,0.666", "\n9,1,");
    assert_lacks(f, "efficiency_pt.csv", "\n3,");
    const double eps[] = {0.1, 0.2};
    const double score[] = {0.5, 0.75};
    const mb_track_scan scan = {"xyz", eps, score, 2, 0.2};
    assert_ok(f->world.ctx, mb_draw_track_scan(f->gallery, f->world.ctx, &scan, 1));
    assert_holds(f, "eps_choice.gp", "set xlabel 'eps (mm)'", "set logscale x");
    assert_all_draw(f);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            test_figures_tracks__hits_are_shown_by_particle_and_by_cluster, open_drawing,
            close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_tracks__edges_are_true_or_false_and_no_loops, open_drawing, close_drawing),
        cmocka_unit_test_setup_teardown(
            test_figures_tracks__bins_without_particles_are_left_out, open_drawing, close_drawing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
