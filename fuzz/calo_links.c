// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "fuzz.h"

#include "detector/calo/calo.h"
#include "detector/calo/links.h"

#include <stdlib.h>

// Fields that were read must be the same after they are written and read again.
static void check_round_trip(mb_context *ctx, const mb_calo_links *links) {
    mb_buffer text;
    mb_calo_links back;
    mb_buffer_init(&text, ctx);
    mb_calo_links_write(&text, links->bits, links->n_events);
    if (mb_calo_links_parse(&back, ctx, "back", text.data, text.length) != MB_OK ||
        back.n_events != links->n_events) {
        abort();
    }
    const size_t n = links->n_events * MB_CALO_N_REGIONS;
    if (n > 0 && memcmp(back.bits, links->bits, n * sizeof *links->bits) != 0) {
        abort();
    }
    mb_calo_links_clear(&back);
    mb_buffer_clear(&text);
}

static void read_scores(mb_context *ctx, const char *text, size_t size) {
    double *scores = NULL;
    size_t n = 0;
    if (mb_calo_scores_parse(ctx, "fuzz", text, size, 0, &scores, &n) != MB_OK) {
        if (mb_context_error_text(ctx)[0] == '\0' || scores != NULL) {
            abort();
        }
        mb_context_clear(ctx);
    }
    for (size_t i = 0; i < n; i++) {
        if (!(scores[i] >= 0 && scores[i] < 256)) {
            abort();
        }
    }
    mb_release(ctx, scores);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    mb_runtime *runtime = NULL;
    mb_context *ctx = NULL;
    if (mb_runtime_create(NULL, &runtime) == MB_OK && mb_context_create(runtime, &ctx) == MB_OK) {
        const char *text = (const char *)data;
        mb_calo_links links;
        read_scores(ctx, size > 0 ? text : "", size);
        if (mb_calo_links_parse(&links, ctx, "fuzz", text, size) == MB_OK) {
            check_round_trip(ctx, &links);
        } else if (mb_context_error_text(ctx)[0] == '\0') {
            abort();
        }
        mb_calo_links_clear(&links);
    }
    mb_context_destroy(ctx);
    mb_runtime_destroy(runtime);
    return 0;
}
