// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/calo_folder.h"

#include "base/output.h"
#include "study/score_files.h"

mb_status mb_calo_folder_open(mb_calo_folder *out, mb_context *ctx, const char *directory,
    const char *main, const char *title, const char *subtitle, bool is_forced) {
    *out = (mb_calo_folder){.ctx = ctx, .directory = directory};
    mb_buffer_init(&out->main, ctx);
    MB_TRY(mb_result_path(ctx, directory, main, is_forced, &out->main_path));
    MB_TRY(mb_answer_create(ctx, &out->answer));
    out->report = mb_report_create(ctx, title, subtitle);
    return out->report != NULL ? MB_OK : MB_ERR_MEMORY;
}

mb_status mb_calo_folder_make(mb_calo_folder *folder) {
    char *plots = mb_path_join(folder->ctx, folder->directory, "plots");
    const mb_status status =
        plots != NULL ? mb_gallery_open(folder->ctx, plots, NULL, &folder->gallery) : MB_ERR_MEMORY;
    mb_release(folder->ctx, plots);
    return status;
}

mb_status mb_calo_folder_write(mb_calo_folder *folder, const char *name, mb_buffer *text) {
    char *path = mb_path_join(folder->ctx, folder->directory, name);
    const mb_status status = path != NULL ? mb_write_buffer(text, path) : MB_ERR_MEMORY;
    mb_buffer_clear(text);
    mb_release(folder->ctx, path);
    return status;
}

static mb_status write_all(mb_calo_folder *folder) {
    char *page = mb_path_join(folder->ctx, folder->directory, "index.html");
    mb_status status = page != NULL ? mb_gallery_draw(folder->gallery, folder->ctx) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        mb_report_gallery(folder->report, folder->gallery);
        mb_report_footer(folder->report, "minbias %s", mb_version());
        status = mb_report_write(folder->report, folder->ctx, page);
    }
    if (status == MB_OK) {
        status = mb_write_buffer(&folder->main, folder->main_path);
    }
    mb_release(folder->ctx, page);
    return status;
}

static void tell(const mb_calo_folder *folder, const char *others) {
    const char *slash = strrchr(folder->main_path, '/');
    mb_answer_put_text(folder->answer, NULL, "directory", folder->directory);
    mb_answer_line(folder->answer, "%s: index.html, %s, %s%splots/", folder->directory,
        slash != NULL ? slash + 1 : folder->main_path, others != NULL ? others : "",
        others != NULL ? ", " : "");
}

mb_status mb_calo_folder_finish(
    mb_calo_folder *folder, mb_status status, const char *others, mb_answer **out) {
    const bool is_made = folder->gallery != NULL;
    if (status == MB_OK && is_made) {
        status = write_all(folder);
    }
    if (status == MB_OK && is_made) {
        tell(folder, others);
    }
    mb_gallery_destroy(folder->gallery);
    mb_report_destroy(folder->report);
    mb_buffer_clear(&folder->main);
    mb_release(folder->ctx, folder->main_path);
    mb_answer *answer = folder->answer;
    *folder = (mb_calo_folder){0};
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
