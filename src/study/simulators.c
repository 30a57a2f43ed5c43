// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/simulate.h"

#include "base/output.h"
#include "files/yaml.h"
#include "study/answer.h"
#include "study/study.h"

const char *mb_simulator_name(size_t index) {
    for (size_t i = 0; mb_detector_list[i] != NULL; i++) {
        if (mb_detector_list[i]->simulate != NULL && index-- == 0) {
            return mb_detector_list[i]->name;
        }
    }
    return NULL;
}

const char *mb_simulator_help(size_t index) {
    const char *name = mb_simulator_name(index);
    return name != NULL ? mb_detector_find(name)->help : NULL;
}

static mb_status find_kind(mb_context *ctx, const char *kind, const mb_detector_ops **out) {
    const char *names[32];
    size_t n = 0;
    while (n < MB_COUNT_OF(names) && mb_simulator_name(n) != NULL) {
        names[n] = mb_simulator_name(n);
        n++;
    }
    for (size_t i = 0; i < n; i++) {
        if (strcmp(names[i], kind) == 0) {
            *out = mb_detector_find(kind);
            return MB_OK;
        }
    }
    char choice[MB_CHOICE_SIZE];
    return mb_fail(ctx, MB_ERR_ARG, "simulate: unknown kind '%.60s'; %s", kind,
        mb_name_choice(choice, sizeof choice, kind, names, n));
}

mb_status mb_simulator_options(mb_context *ctx, const char *kind, mb_answer **out) {
    *out = NULL;
    const mb_detector_ops *detector = NULL;
    mb_answer *answer = NULL;
    MB_TRY(find_kind(ctx, kind, &detector));
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_options_document(&answer->text, detector->simulate_options);
    mb_node *list = mb_answer_put_list(answer, NULL, "options");
    for (const mb_option *o = detector->simulate_options; o->name != NULL; o++) {
        mb_answer_add_text(answer, list, o->name);
    }
    return mb_answer_finish(answer, MB_OK, out);
}

// "events=1000" as a member of the options map.
static mb_status add_option(mb_context *ctx, mb_document *document, const char *text) {
    const char *equals = strchr(text, '=');
    if (equals == NULL || equals == text) {
        return mb_fail(ctx, MB_ERR_ARG, "simulate: '%.100s' has no '='; write key=value", text);
    }
    const char *key = mb_arena_text_of(&document->arena, ctx, text, (size_t)(equals - text));
    return key == NULL ? MB_ERR_MEMORY : mb_yaml_set(ctx, document, key, equals + 1);
}

// Files that are there already are somebody's.
static mb_status check_folder(mb_context *ctx, const char *directory, bool is_forced) {
    if (is_forced || !mb_path_is_directory(directory)) {
        return MB_OK;
    }
    mb_names names;
    MB_TRY(mb_names_of_directory(&names, ctx, directory));
    const size_t n = names.n;
    mb_names_clear(&names);
    return n == 0 ? MB_OK
                  : mb_fail(ctx, MB_ERR_IO,
                        "%s: holds files already; choose another folder or use --force", directory);
}

static mb_status tell_files(mb_answer *answer, mb_context *ctx, const char *directory) {
    mb_names names;
    MB_TRY(mb_names_of_directory(&names, ctx, directory));
    mb_node *list = mb_answer_put_list(answer, NULL, "files");
    for (size_t i = 0; i < names.n; i++) {
        mb_answer_add_text(answer, list, names.name[i]);
    }
    mb_answer_line(answer, "%s: %zu files", directory, names.n);
    mb_names_clear(&names);
    return MB_OK;
}

mb_status mb_simulate(mb_context *ctx, const char *kind, const char *const *options,
    size_t n_options, uint64_t seed, const char *directory, bool is_forced, mb_answer **out) {
    if (out != NULL) {
        *out = NULL;
    }
    const mb_detector_ops *detector = NULL;
    MB_TRY(find_kind(ctx, kind, &detector));
    MB_TRY(check_folder(ctx, directory, is_forced));
    mb_document document;
    mb_document_init(&document, ctx, kind);
    document.root = mb_node_make(&document, ctx, MB_NODE_MAP);
    mb_answer *answer = NULL;
    mb_status status = document.root == NULL ? MB_ERR_MEMORY : mb_answer_create(ctx, &answer);
    for (size_t i = 0; i < n_options && status == MB_OK; i++) {
        status = add_option(ctx, &document, options[i]);
    }
    if (status == MB_OK) {
        status = mb_detector_simulate(ctx, detector, &document, document.root, seed, directory);
    }
    if (status == MB_OK) {
        mb_answer_put_text(answer, NULL, "kind", kind);
        mb_answer_put_text(answer, NULL, "directory", directory);
        status = tell_files(answer, ctx, directory);
    }
    mb_document_clear(&document);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
