// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// A program of a user: loads a model that is not there and says why it cannot.

#include <minbias/array.h>
#include <minbias/model.h>
#include <minbias/predictor.h>
#include <minbias/status.h>
#include <minbias/study.h>

#include <stdio.h>

int main(void) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    mb_model *model = NULL;
    if (mb_runtime_create(NULL, &runtime) != MB_OK || mb_context_create(runtime, &ctx) != MB_OK) {
        return 1;
    }
    const mb_status status = mb_model_load(ctx, "absent.h5", &model);
    printf("%s %s: %s\n", mb_version(), mb_status_name(status), mb_context_error_text(ctx));
    mb_model_destroy(model);
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return status == MB_ERR_IO ? 0 : 1;
}
