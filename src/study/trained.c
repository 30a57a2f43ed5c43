// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/trained.h"

#include "base/output.h"
#include "exchange/bundle_file.h"
#include "study/run.h"

static mb_status tell_epochs(mb_context *ctx, const char *directory, const char *checkpoint) {
    mb_bundle bundle;
    size_t n_epochs = 0;
    mb_status status = mb_bundle_load(ctx, checkpoint, &bundle);
    if (status == MB_OK) {
        status = mb_fit_checkpoint_epochs(ctx, &bundle, &n_epochs);
    }
    if (status == MB_OK) {
        mb_notice(ctx, MB_NOTICE_WARNING, directory,
            "its training has not ended: these are its weights so far, after %zu epochs; train or "
            "run with --resume goes on",
            n_epochs);
    }
    mb_bundle_clear(&bundle);
    return status;
}

mb_status mb_trained_tell(mb_context *ctx, const char *directory) {
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const char *record = mb_run_file(ctx, &arena, directory, "training.json");
    const char *checkpoint = mb_run_file(ctx, &arena, directory, "checkpoint.h5");
    mb_status status = record == NULL || checkpoint == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && !mb_path_exists(record) && mb_path_exists(checkpoint)) {
        status = tell_epochs(ctx, directory, checkpoint);
    }
    mb_arena_clear(&arena);
    return status;
}

mb_status mb_trained_load(mb_context *ctx, const char *directory, mb_model **out) {
    char *path = mb_path_join(ctx, directory, "model.h5");
    mb_status status = path == NULL ? MB_ERR_MEMORY : MB_OK;
    *out = NULL;
    if (status == MB_OK && !mb_path_exists(path)) {
        status = mb_fail(ctx, MB_ERR_IO,
            "%s: its training was stopped before it stored any weights; train or run with --resume",
            directory);
    }
    if (status == MB_OK) {
        status = mb_trained_tell(ctx, directory);
    }
    if (status == MB_OK) {
        status = mb_model_load(ctx, path, out);
    }
    mb_release(ctx, path);
    return status;
}

mb_status mb_trained_check(mb_context *ctx, const char *directory) {
    char *record = mb_path_join(ctx, directory, "training.json");
    mb_status status = record == NULL ? MB_ERR_MEMORY : MB_OK;
    if (status == MB_OK && !mb_path_exists(record)) {
        status = mb_fail(ctx, MB_ERR_IO,
            "%s: its training has not ended; train or run with --resume first", directory);
    }
    mb_release(ctx, record);
    return status;
}
