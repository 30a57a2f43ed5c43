// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_models.h"

#include "files/csv.h"

#include <math.h>
#include <stdio.h>

enum { N = CALO_REGIONS, EVENTS = 6, ROWS = 18, COLUMNS = 14 };

// A column of a table as doubles.
static void read_column(
    mb_tool_world *world, const char *name, const char *column, double *out, size_t n) {
    mb_csv table;
    mb_context *ctx = world->base.ctx;
    size_t at = 0;
    assert_ok(ctx, mb_csv_read(&table, ctx, mb_tool_path(world, name), true));
    assert_int_equal(table.n_rows, n);
    assert_ok(ctx, mb_csv_find_column(&table, column, &at));
    for (size_t i = 0; i < n; i++) {
        assert_ok(ctx, mb_csv_number(&table, i, at, &out[i]));
    }
    mb_csv_clear(&table);
}

static void assert_near(double got, double wanted, double relative, const char *what, size_t i) {
    if (!(fabs(got - wanted) <= relative * (1e-9 + fabs(wanted)))) {
        fail_msg("%s %zu: %.12g, expected %.12g", what, i, got, wanted);
    }
}

static double square_of(double x) {
    return x * x;
}

static void test_calo_model__reconstructs_single_events(void **state) {
    MB_TOOL_WORLD(world)
    uint16_t x[EVENTS * N];
    double column[3 * N];
    double mse[3];
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_autoencoder(world, "teacher.h5", false);
    mb_tool_expect(
        world, 0, "calo reconstruct teacher.h5 events.npy --events 0,5,2 -o single --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    const mb_node *last = mb_node_at(mb_node_find(answer.root, "events"), 1);
    assert_true(mb_tool_number(last, "event") == 5);
    read_column(world, "single/reconstruct.csv", "mse", mse, 3);
    assert_true(mb_tool_number(last, "mse") == mse[1]);
    mb_document_clear(&answer);
    read_column(world, "single/regions.csv", "reconstruction", column, 3 * N);
    for (size_t i = 0; i < 3 * N; i++) {
        const size_t event = (const size_t[]){0, 5, 2}[i / N];
        assert_true(column[i] == (double)x[event * N + i % N] / 2);
    }
    double sum = 0;
    for (size_t r = 0; r < N; r++) {
        sum += square_of((double)x[5 * N + r] / 2);
    }
    assert_near(mse[1], sum / N, 1e-12, "error", 1);
    assert_true(mb_path_exists(mb_tool_path(world, "single/plots/reconstruction_5.gp")));
    assert_true(mb_path_exists(mb_tool_path(world, "single/index.html")));
    // A number alone counts from the first event on.
    mb_tool_expect(world, 0, "calo reconstruct teacher.h5 events.npy --events 2 -o two");
    read_column(world, "two/reconstruct.csv", "event", column, 2);
    assert_true(column[0] == 0 && column[1] == 1);
}

static void test_calo_model__refuses_what_it_cannot_reconstruct(void **state) {
    MB_TOOL_WORLD(world)
    uint16_t x[EVENTS * N];
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_autoencoder(world, "teacher.h5", false);
    calo_save_score(world, "student.h5", 8);
    static const struct {
        int code;
        const char *arguments, *says;
    } cases[] = {
        {1, "reconstruct student.h5 events.npy -o bad", "needs an autoencoder"},
        {1, "equivariance student.h5 events.npy -o bad", "needs an autoencoder"},
        {1, "reconstruct teacher.h5 events.npy --events 6, -o bad", "no event 6"},
        {2, "reconstruct teacher.h5 events.npy --events x -o bad", "names no events"},
        {2, "reconstruct teacher.h5 events.npy --events 0 -o bad", "names no events"},
        {2, "reconstruct teacher.h5 events.npy --events 999 -o bad", "at most 100"},
        {2, "reconstruct teacher.h5 events.npy", "-o DIR is missing"},
        {2, "equivariance teacher.h5 events.npy --axis x -o bad", "write phi or eta"},
        {1, "phi-roll teacher.h5 absent.npy -o bad", "absent.npy"},
        {1, "phi-roll absent.h5 events.npy -o bad", "absent.h5"},
        {1, "saliency teacher.h5 events.npy --event 7 -o bad", "no event 7"},
        {1, "saliency small.h5 events.npy -o bad", "(4,) an event"},
        {1, "firmware-export teacher.h5 -o bad", "quantize"},
        {2, "firmware-export student.h5 --input 7 -o bad", "fixed-point format"},
        {2, "firmware-check events.npy -o bad", "--weights is missing"},
        {2, "firmware-check --weights . --types v1 --link 2 events.npy -o bad", "--reference"},
        {1, "firmware-check --weights absent --types v1 events.npy -o bad", "no such folder"},
        {1, "firmware-check --weights . --types v9 events.npy -o bad", "v9"},
        {1, "firmware-check --weights . --types v1.1.1 events.npy -o bad", "w2"},
        {2, "precision-tuner events.npy -o bad", "one of MODEL and FILE"},
        {2, "precision-tuner student.h5 events.npy --limit x -o bad", "positive number"},
        {2, "precision-tuner student.h5 events.npy --weights . -o bad", "not both"},
        {2, "precision-tuner events.npy --weights . -o bad", "--types is missing"},
    };
    calo_save_small(world, "small.h5");
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        mb_tool_expect(world, cases[i].code, "calo %s", cases[i].arguments);
        if (strstr(world->last.err, cases[i].says) == NULL) {
            fail_msg("%s: says %s", cases[i].arguments, world->last.err);
        }
    }
    assert_false(mb_path_exists(mb_tool_path(world, "bad")));
    // Nothing that is there is overwritten unasked.
    mb_tool_expect(world, 0, "calo phi-roll teacher.h5 events.npy -o roll");
    mb_tool_expect(world, 1, "calo phi-roll teacher.h5 events.npy -o roll");
    assert_non_null(strstr(world->last.err, "--force"));
    mb_tool_expect(world, 0, "calo phi-roll teacher.h5 events.npy -o roll --force");
    x[2 * N + 17] = 1024;
    calo_save_counts(world, "high.npy", EVENTS, x);
    mb_tool_expect(world, 1, "calo phi-roll teacher.h5 high.npy -o bad");
    assert_non_null(strstr(world->last.err, "event 2, region 17"));
}

static void test_calo_model__compares_mirror_images(void **state) {
    MB_TOOL_WORLD(world)
    uint16_t x[EVENTS * N];
    double column[EVENTS];
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_autoencoder(world, "even.h5", false);
    calo_save_autoencoder(world, "uneven.h5", true);
    mb_tool_expect(world, 0, "calo equivariance even.h5 events.npy -o even --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "mse_between") == 0);
    assert_true(mb_tool_number(answer.root, "mse_mirrored_output") ==
                mb_tool_number(answer.root, "mse_output_of_mirrored"));
    assert_true(mb_tool_number(answer.root, "mse_mirrored_output") > 0);
    mb_document_clear(&answer);
    for (size_t is_eta = 0; is_eta < 2; is_eta++) {
        mb_tool_expect(world, 0,
            "calo equivariance uneven.h5 events.npy --events 4 -o %s --axis %s",
            is_eta ? "eta" : "phi", is_eta ? "eta" : "phi");
        for (size_t k = 0; k < 3; k++) {
            read_column(world, is_eta ? "eta/equivariance.csv" : "phi/equivariance.csv",
                (const char *const[]){
                    "mse_mirrored_output", "mse_output_of_mirrored", "mse_between"}[k],
                column, 4);
            for (size_t i = 0; i < 4; i++) {
                double sum = 0;
                for (size_t r = 0; r < N; r++) {
                    const size_t m = is_eta ? r / COLUMNS * COLUMNS + COLUMNS - 1 - r % COLUMNS
                                            : (ROWS - 1 - r / COLUMNS) * COLUMNS + r % COLUMNS;
                    const double output = (double)x[i * N + r] * calo_weight(true, r);
                    const double mirrored = (double)x[i * N + m] * calo_weight(true, m);
                    const double of_mirrored = (double)x[i * N + m] * calo_weight(true, r);
                    sum += square_of(k == 0   ? mirrored - output
                                     : k == 1 ? of_mirrored - output
                                              : mirrored - of_mirrored);
                }
                assert_near(column[i], sum / N, 1e-6, "error of event", i);
            }
        }
    }
}

static void test_calo_model__turns_events_in_phi(void **state) {
    MB_TOOL_WORLD(world)
    enum { ROLLS = 19 };
    uint16_t x[EVENTS * N];
    double mean[ROLLS];
    double half[ROLLS];
    calo_save_events(world, "events.npy", EVENTS, x);
    memset(x, 0, N * sizeof *x);
    calo_save_counts(world, "events.npy", EVENTS, x);
    calo_save_autoencoder(world, "uneven.h5", true);
    mb_tool_expect(world, 0, "calo phi-roll uneven.h5 events.npy -o turned");
    // The empty event has no relative change.
    assert_non_null(strstr(world->last.out, "5 with a mean square error above 0"));
    read_column(world, "turned/phi_roll.csv", "mean", mean, ROLLS);
    read_column(world, "turned/phi_roll.csv", "half_std", half, ROLLS);
    assert_true(mean[0] == 0 && half[0] == 0 && mean[18] == 0 && half[18] == 0);
    for (size_t roll = 0; roll < ROLLS; roll++) {
        double change[EVENTS] = {0};
        double sum = 0;
        double squares = 0;
        for (size_t i = 1; i < EVENTS; i++) {
            double before = 0;
            double after = 0;
            for (size_t r = 0; r < N; r++) {
                const double rest = 1 - calo_weight(true, r);
                const double rest_there = 1 - calo_weight(true, (r + roll * COLUMNS) % N);
                before += square_of((double)x[i * N + r] * rest);
                after += square_of((double)x[i * N + r] * rest_there);
            }
            change[i] = after / before - 1;
            sum += change[i] / (EVENTS - 1);
        }
        for (size_t i = 1; i < EVENTS; i++) {
            squares += square_of(change[i] - sum) / (EVENTS - 1);
        }
        assert_true(fabs(mean[roll] - sum) < 1e-6);
        assert_true(fabs(half[roll] - sqrt(squares) / 2) < 1e-6);
    }
    mb_tool_expect(world, 0, "calo phi-roll uneven.h5 events.npy --events 2 -o two");
    assert_non_null(strstr(world->last.out, "2 events (1 with"));
    mb_tool_expect(world, 1, "calo phi-roll uneven.h5 events.npy --events 1 -o one");
    assert_non_null(strstr(world->last.err, "no relative change"));
}

static void test_calo_model__shows_what_moves_the_score(void **state) {
    MB_TOOL_WORLD(world)
    uint16_t x[EVENTS * N];
    double gradient[N];
    double saliency[N];
    double least = INFINITY;
    double most = 0;
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_autoencoder(world, "uneven.h5", true);
    mb_tool_expect(world, 0, "calo saliency uneven.h5 events.npy --event 4 -o error");
    read_column(world, "error/saliency.csv", "gradient", gradient, N);
    for (size_t r = 0; r < N; r++) {
        // Of the mean over regions of ((1 - w) x)^2.
        const double rest = 1 - calo_weight(true, r);
        assert_near(gradient[r], 2 * (double)x[4 * N + r] * rest * rest / N, 1e-5, "gradient", r);
    }
    calo_save_score(world, "score.h5", 8);
    mb_tool_expect(world, 0, "calo saliency score.h5 events.npy --event 4 -o score --json");
    mb_document answer = mb_tool_json(world, world->last.out);
    assert_true(mb_tool_number(answer.root, "score") == calo_score_of(x + 4 * N, 8));
    assert_true(mb_tool_number(answer.root, "score") > 0);
    mb_document_clear(&answer);
    read_column(world, "score/saliency.csv", "gradient", gradient, N);
    read_column(world, "score/saliency.csv", "saliency", saliency, N);
    for (size_t r = 0; r < N; r++) {
        assert_true(gradient[r] == calo_score_weight(r));
        least = fmin(least, fabs(gradient[r]));
        most = fmax(most, fabs(gradient[r]));
    }
    for (size_t r = 0; r < N; r++) {
        const double wanted = (fabs(gradient[r]) - least) / (most - least);
        assert_true(fabs(saliency[r] - wanted) < 1e-6);
    }
    // One image as text, which the score's lower end clips.
    mb_buffer text;
    mb_buffer_init(&text, world->base.ctx);
    for (size_t r = 0; r < N; r++) {
        mb_buffer_format(&text, "0%s", r % COLUMNS == COLUMNS - 1 ? "\n" : ",");
    }
    assert_ok(world->base.ctx, mb_write_buffer(&text, mb_tool_path(world, "empty.csv")));
    mb_tool_expect(world, 0, "calo saliency score.h5 empty.csv -o none");
    assert_non_null(strstr(world->last.err, "clipped"));
    read_column(world, "none/saliency.csv", "saliency", saliency, N);
    assert_true(saliency[0] == 0 && saliency[N - 1] == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calo_model__reconstructs_single_events),
        cmocka_unit_test(test_calo_model__refuses_what_it_cannot_reconstruct),
        cmocka_unit_test(test_calo_model__compares_mirror_images),
        cmocka_unit_test(test_calo_model__turns_events_in_phi),
        cmocka_unit_test(test_calo_model__shows_what_moves_the_score),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
