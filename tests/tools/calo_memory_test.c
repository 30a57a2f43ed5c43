// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "calo_models.h"

#include "base/numbers.h"
#include "minbias/calo.h"

#include <stdlib.h>

// The calorimeter's model and firmware tools, each allocation failing in turn. Without gnuplot:
// drawing has tests of its own.

enum { EVENTS = 3 };

typedef struct scene {
    char model[4096], events[4096], lists[4096], output[4096];
} scene;

static mb_status reconstruct(void *user, mb_context *ctx) {
    const scene *s = user;
    mb_answer *answer = NULL;
    const mb_status status =
        mb_calo_reconstruct(ctx, s->model, s->events, "1,", s->output, true, &answer);
    mb_answer_destroy(answer);
    return status;
}

static mb_status mirror(void *user, mb_context *ctx) {
    const scene *s = user;
    mb_answer *answer = NULL;
    const mb_status status =
        mb_calo_equivariance(ctx, s->model, s->events, 0, false, s->output, true, &answer);
    mb_answer_destroy(answer);
    return status;
}

static mb_status turn(void *user, mb_context *ctx) {
    const scene *s = user;
    mb_answer *answer = NULL;
    const mb_status status =
        mb_calo_phi_roll(ctx, s->model, s->events, 0, s->output, true, &answer);
    mb_answer_destroy(answer);
    return status;
}

static mb_status differentiate(void *user, mb_context *ctx) {
    const scene *s = user;
    mb_answer *answer = NULL;
    const mb_status status =
        mb_calo_saliency(ctx, s->model, s->events, 1, s->output, true, &answer);
    mb_answer_destroy(answer);
    return status;
}

static mb_status export_lists(void *user, mb_context *ctx) {
    const scene *s = user;
    mb_calo_export settings = MB_CALO_EXPORT_INIT;
    mb_answer *answer = NULL;
    settings.check = s->events;
    const mb_status status =
        mb_calo_firmware_export(ctx, s->model, &settings, s->output, true, &answer);
    mb_answer_destroy(answer);
    return status;
}

static mb_status check_lists(void *user, mb_context *ctx) {
    const scene *s = user;
    char types[5000];
    const mb_calo_check settings = MB_CALO_CHECK_INIT;
    mb_answer *answer = NULL;
    mb_format(types, sizeof types, "%s/types.yaml", s->lists);
    const mb_status status = mb_calo_firmware_check(
        ctx, s->lists, types, s->events, &settings, s->output, true, &answer);
    mb_answer_destroy(answer);
    return status;
}

static mb_status tune(void *user, mb_context *ctx) {
    const scene *s = user;
    const mb_calo_network network = {.model = s->model};
    mb_calo_precision settings = MB_CALO_PRECISION_INIT;
    mb_answer *answer = NULL;
    // Above every score: the search is short.
    settings.limit = 1e6;
    const mb_status status =
        mb_calo_precision_tuner(ctx, &network, s->events, &settings, s->output, true, &answer);
    mb_answer_destroy(answer);
    return status;
}

static void name(mb_tool_world *world, char out[4096], const char *file) {
    mb_format(out, 4096, "%s", mb_tool_path(world, file));
}

static void test_calo_memory__any_lack_of_it_ends_cleanly(void **state) {
    MB_TOOL_WORLD(world)
    static const struct {
        mb_test_call call;
        const char *model;
    } calls[] = {{reconstruct, "teacher.h5"}, {mirror, "teacher.h5"}, {turn, "score.h5"},
        {differentiate, "score.h5"}, {export_lists, "score.h5"}, {check_lists, "score.h5"},
        {tune, "score.h5"}};
    static scene s;
    uint16_t x[EVENTS * CALO_REGIONS];
    calo_save_events(world, "events.npy", EVENTS, x);
    calo_save_autoencoder(world, "teacher.h5", false);
    calo_save_score(world, "score.h5", 8);
    mb_tool_expect(world, 0, "calo firmware-export score.h5 -o lists --force");
    char *path = mb_copy_text(world->base.ctx, getenv("PATH"));
    assert_int_equal(setenv("PATH", "", 1), 0);
    name(world, s.events, "events.npy");
    name(world, s.lists, "lists");
    name(world, s.output, "short");
    for (size_t i = 0; i < MB_COUNT_OF(calls); i++) {
        name(world, s.model, calls[i].model);
        assert_true(mb_test_each_lack_of_memory(calls[i].call, &s) > 50);
    }
    assert_int_equal(setenv("PATH", path, 1), 0);
    mb_release(world->base.ctx, path);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calo_memory__any_lack_of_it_ends_cleanly),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
