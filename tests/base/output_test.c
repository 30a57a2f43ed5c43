// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "testing.h"

#include "base/numbers.h"
#include "base/output.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct bench {
    mb_test_world world;
    char *folder;
} bench;

static mb_context *open_bench(bench *b) {
    mb_test_world_open(&b->world, 1, 0);
    b->folder = mb_test_directory();
    return b->world.ctx;
}

static void close_bench(bench *b) {
    mb_test_remove_directory(b->folder);
    mb_test_world_close(&b->world);
}

static void assert_file_is(mb_context *ctx, const char *path, const char *wanted) {
    char *text = NULL;
    size_t length = 0;
    assert_ok(ctx, mb_read_file(ctx, path, &text, &length));
    assert_int_equal(length, strlen(wanted));
    assert_string_equal(text, wanted);
    mb_release(ctx, text);
}

static void test_output__writes_replaces_and_reads_back(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    char *path = mb_path_join(ctx, b.folder, "a.txt");
    assert_ok(ctx, mb_write_file(ctx, path, "one", 3));
    assert_file_is(ctx, path, "one");
    mb_buffer buffer;
    mb_buffer_init(&buffer, ctx);
    mb_buffer_text(&buffer, "second");
    assert_ok(ctx, mb_write_buffer(&buffer, path));
    assert_null(buffer.data);
    assert_file_is(ctx, path, "second");
    assert_ok(ctx, mb_write_file(ctx, path, NULL, 0));
    assert_file_is(ctx, path, "");
    assert_int_equal(mb_test_count_entries(ctx, b.folder), 1);
    mb_release(ctx, path);
    close_bench(&b);
}

static void test_output__abandoned_pieces_leave_the_old_file(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    char *path = mb_path_join(ctx, b.folder, "a.txt");
    assert_ok(ctx, mb_write_file(ctx, path, "old", 3));
    mb_output output;
    assert_ok(ctx, mb_output_open(&output, ctx, path));
    assert_ok(ctx, mb_output_write(&output, "new", 3));
    assert_int_equal(mb_test_count_entries(ctx, b.folder), output.is_nameless ? 1 : 2);
    assert_file_is(ctx, path, "old");
    mb_output_abandon(&output);
    mb_output_abandon(&output);
    assert_int_equal(mb_test_count_entries(ctx, b.folder), 1);
    assert_file_is(ctx, path, "old");
    assert_ok(ctx, mb_output_open(&output, ctx, path));
    assert_ok(ctx, mb_output_write(&output, "ne", 2));
    assert_ok(ctx, mb_output_write(&output, "w", 1));
    assert_ok(ctx, mb_output_commit(&output));
    mb_output_abandon(&output);
    assert_file_is(ctx, path, "new");
    mb_release(ctx, path);
    close_bench(&b);
}

static void test_output__a_process_that_is_killed_leaves_nothing(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    char *path = mb_path_join(ctx, b.folder, "a.txt");
    mb_output output;
    assert_ok(ctx, mb_output_open(&output, ctx, path));
    const bool is_nameless = output.is_nameless;
    assert_int_equal(mb_test_count_entries(ctx, b.folder), is_nameless ? 0 : 1);
    assert_ok(ctx, mb_output_write(&output, "all of it", 9));
    // Its first temporary name is taken already.
    char *taken = mb_allocate(ctx, strlen(path) + 64, 1);
    assert_non_null(taken);
    mb_format(taken, strlen(path) + 64, "%s.part-%ld-0", path, (long)getpid());
    if (is_nameless) {
        assert_ok(ctx, mb_make_directory(ctx, taken));
    }
    assert_ok(ctx, mb_output_commit(&output));
    assert_file_is(ctx, path, "all of it");
    assert_int_equal(mb_test_count_entries(ctx, b.folder), is_nameless ? 2 : 1);
    mb_release(ctx, taken);
    mb_release(ctx, path);
    close_bench(&b);
    if (!is_nameless) {
        skip();
    }
}

static void test_output__full_disk_keeps_the_old_file_and_no_temporary(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    char *path = mb_path_join(ctx, b.folder, "a.txt");
    assert_ok(ctx, mb_write_file(ctx, path, "old", 3));
    char *big = calloc(1, 100000);
    assert_non_null(big);
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    mb_test_limit_files(4096);
    const mb_status status = mb_write_file(ctx, path, big, 100000);
    mb_test_limit_files(UINT64_MAX);
    signal(SIGXFSZ, handler);
    assert_fails(ctx, status, MB_ERR_IO, "free some space");
    assert_file_is(ctx, path, "old");
    assert_int_equal(mb_test_count_entries(ctx, b.folder), 1);
    free(big);
    mb_release(ctx, path);
    close_bench(&b);
}

static void test_output__refusals_name_the_path(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    char *path = mb_path_join(ctx, b.folder, "none/a.txt");
    char *text = NULL;
    size_t length = 0;
    assert_fails(ctx, mb_write_file(ctx, path, "x", 1), MB_ERR_IO, "none/a.txt: cannot be written");
    assert_fails(ctx, mb_write_file(ctx, b.folder, "x", 1), MB_ERR_IO, "is a folder");
    assert_fails(ctx, mb_read_file(ctx, path, &text, &length), MB_ERR_IO, "cannot be read");
    assert_null(text);
    assert_fails(ctx, mb_read_file(ctx, b.folder, &text, &length), MB_ERR_IO, "is a folder");
    mb_output output = {0};
    mb_output_abandon(&output);
    mb_release(ctx, path);
    close_bench(&b);
}

static void test_output__a_device_is_written_to_not_replaced(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    assert_ok(ctx, mb_write_file(ctx, "/dev/null", "x", 1));
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
    close_bench(&b);
}

static void test_output__reading_keeps_to_the_limit(void **state) {
    (void)state;
    mb_runtime_settings settings = MB_RUNTIME_SETTINGS_INIT;
    settings.limits.bytes = 1000;
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    assert_int_equal(mb_runtime_create(&settings, &runtime), MB_OK);
    assert_int_equal(mb_context_create(runtime, &ctx), MB_OK);
    char *text = NULL;
    size_t length = 0;
    bench b;
    mb_context *roomy = open_bench(&b);
    char *path = mb_path_join(roomy, b.folder, "a.bin");
    char bytes[1001] = {0};
    assert_ok(roomy, mb_write_file(roomy, path, bytes, 1001));
    assert_fails(ctx, mb_read_file(ctx, path, &text, &length), MB_ERR_LIMIT, "1000 bytes allowed");
    assert_fails(
        ctx, mb_read_file(ctx, "/dev/zero", &text, &length), MB_ERR_LIMIT, "1000 bytes allowed");
    assert_ok(roomy, mb_write_file(roomy, path, bytes, 1000));
    assert_ok(ctx, mb_read_file(ctx, path, &text, &length));
    assert_int_equal(length, 1000);
    mb_release(ctx, text);
    mb_release(roomy, path);
    close_bench(&b);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
}

static void test_output__paths_join_and_normalise(void **state) {
    (void)state;
    static const struct {
        const char *folder, *name, *wanted;
    } cases[] = {{"a", "b", "a/b"}, {"a/", "./b", "a/b"}, {"a//b/.", "c//d", "a/b/c/d"},
        {"a", "/b", "/b"}, {"", "b", "b"}, {NULL, "b", "b"}, {".", "b", "b"}, {".", ".", "."},
        {"/", "b", "/b"}, {"a", "../b", "a/../b"}, {"/", ".", "/"}, {"a", ".hidden", "a/.hidden"}};
    bench b;
    mb_context *ctx = open_bench(&b);
    for (size_t i = 0; i < MB_COUNT_OF(cases); i++) {
        char *path = mb_path_join(ctx, cases[i].folder, cases[i].name);
        assert_string_equal(path, cases[i].wanted);
        mb_release(ctx, path);
    }
    close_bench(&b);
}

static void test_output__directories_are_made_with_their_parents(void **state) {
    (void)state;
    bench b;
    mb_context *ctx = open_bench(&b);
    char *deep = mb_path_join(ctx, b.folder, "x/y/z");
    assert_false(mb_path_exists(deep));
    assert_ok(ctx, mb_make_directory(ctx, deep));
    assert_ok(ctx, mb_make_directory(ctx, deep));
    assert_true(mb_path_is_directory(deep));
    char *file = mb_path_join(ctx, b.folder, "f");
    assert_ok(ctx, mb_write_file(ctx, file, "", 0));
    char *below = mb_path_join(ctx, b.folder, "f/g");
    assert_fails(ctx, mb_make_directory(ctx, file), MB_ERR_IO, "folder cannot be made");
    assert_fails(ctx, mb_make_directory(ctx, below), MB_ERR_IO, "folder cannot be made");
    assert_true(mb_path_exists(file) && !mb_path_is_directory(file));
    mb_release(ctx, deep);
    mb_release(ctx, file);
    mb_release(ctx, below);
    close_bench(&b);
}

static void test_output__directories_that_were_made_can_go_again(void **state) {
    (void)state;
    bench b;
    size_t n_made = 9;
    mb_context *ctx = open_bench(&b);
    char *kept = mb_path_join(ctx, b.folder, "kept");
    char *made = mb_path_join(ctx, b.folder, "kept/x/y");
    assert_ok(ctx, mb_make_directories(ctx, kept, &n_made));
    assert_int_equal(n_made, 1);
    assert_ok(ctx, mb_make_directories(ctx, made, &n_made));
    assert_int_equal(n_made, 2);
    mb_unmake_directories(made, n_made);
    assert_true(mb_path_is_directory(kept) && !mb_path_exists(made));
    char *file = mb_path_join(ctx, b.folder, "kept/x/f");
    assert_ok(ctx, mb_make_directories(ctx, made, &n_made));
    assert_ok(ctx, mb_write_file(ctx, file, "", 0));
    mb_unmake_directories(made, n_made);
    assert_true(mb_path_exists(file) && !mb_path_exists(made));
    mb_release(ctx, kept);
    mb_release(ctx, made);
    mb_release(ctx, file);
    close_bench(&b);
}

static void assert_matches(
    mb_context *ctx, const char *folder, const char *pattern, const char *wanted) {
    mb_names names;
    assert_ok(ctx, mb_names_of_pattern(&names, ctx, folder, pattern));
    char got[256] = "";
    for (size_t i = 0; i < names.n; i++) {
        const char *last = strrchr(names.name[i], '/');
        assert_non_null(last);
        strncat(got, last + 1, 40);
        strncat(got, " ", 2);
    }
    if (strcmp(got, wanted) != 0) {
        fail_msg("pattern %s gave '%s', wanted '%s'", pattern, got, wanted);
    }
    mb_names_clear(&names);
}

static void test_output__patterns_match_in_byte_order(void **state) {
    (void)state;
    static const char *const files[] = {
        "c_10.csv", "c_9.csv", "C_1.csv", "c_1.txt", ".c_2.csv", "[x].csv", "c_1.csv"};
    bench b;
    mb_context *ctx = open_bench(&b);
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        char *path = mb_path_join(ctx, b.folder, files[i]);
        assert_ok(ctx, mb_write_file(ctx, path, "", 0));
        mb_release(ctx, path);
    }
    assert_matches(ctx, b.folder, "c_*.csv", "c_1.csv c_10.csv c_9.csv ");
    assert_matches(ctx, b.folder, "*.csv", "C_1.csv [x].csv c_1.csv c_10.csv c_9.csv ");
    assert_matches(ctx, b.folder, "?_1.*", "C_1.csv c_1.csv c_1.txt ");
    assert_matches(ctx, b.folder, "[a-z]_[!1]*", "c_9.csv ");
    assert_matches(ctx, b.folder, "*_1*[0]*c*v", "c_10.csv ");
    assert_matches(ctx, b.folder, ".*.csv", ".c_2.csv ");
    assert_matches(ctx, b.folder, "[x].csv", "[x].csv ");
    assert_matches(ctx, b.folder, "[x*", "[x].csv ");
    assert_matches(ctx, b.folder, "c_9.csv", "c_9.csv ");
    assert_matches(ctx, b.folder, "absent.csv", "");
    assert_matches(ctx, b.folder, "absent/*.csv", "");
    close_bench(&b);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_output__writes_replaces_and_reads_back),
        cmocka_unit_test(test_output__abandoned_pieces_leave_the_old_file),
        cmocka_unit_test(test_output__a_process_that_is_killed_leaves_nothing),
        cmocka_unit_test(test_output__full_disk_keeps_the_old_file_and_no_temporary),
        cmocka_unit_test(test_output__refusals_name_the_path),
        cmocka_unit_test(test_output__a_device_is_written_to_not_replaced),
        cmocka_unit_test(test_output__reading_keeps_to_the_limit),
        cmocka_unit_test(test_output__paths_join_and_normalise),
        cmocka_unit_test(test_output__directories_are_made_with_their_parents),
        cmocka_unit_test(test_output__directories_that_were_made_can_go_again),
        cmocka_unit_test(test_output__patterns_match_in_byte_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
