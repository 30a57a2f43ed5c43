// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "world.h"

#include <stdio.h>

static void keep_notice(void *user, mb_notice_level level, const char *where, const char *text) {
    noting_world *world = user;
    const size_t n = strlen(world->notices);
    snprintf(world->notices + n, sizeof world->notices - n, "%s %s: %s\n",
        level == MB_NOTICE_WARNING ? "warning" : "note", where, text);
}

void noting_world_open(noting_world *world, unsigned n_threads) {
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    world->notices[0] = '\0';
    settings.n_threads = n_threads;
    settings.notice = keep_notice;
    settings.notice_user = world;
    assert_int_equal(mb_runtime_create(&settings, &world->runtime), MB_OK);
    assert_int_equal(mb_context_create(world->runtime, &world->ctx), MB_OK);
    world->directory = mb_test_directory();
}

void noting_world_close(noting_world *world) {
    mb_context_destroy(world->ctx);
    mb_runtime_destroy(world->runtime);
    mb_test_remove_directory(world->directory);
}

const char *noting_world_path(const noting_world *world, const char *name) {
    static char path[4096];
    snprintf(path, sizeof path, "%s/%s", world->directory, name);
    return path;
}

void noting_world_assert_notice(noting_world *world, const char *part) {
    if (strstr(world->notices, part) == NULL) {
        fail_msg("no notice with \"%s\" in \"%s\"", part, world->notices);
    }
    world->notices[0] = '\0';
}
