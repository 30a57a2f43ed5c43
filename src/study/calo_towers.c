// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "base/arena.h"
#include "detector/calo/tower_file.h"
#include "files/hdf5.h"
#include "study/answer.h"
#include "study/study.h"

enum { MOST_PIECES = 3, BLOCK_EVENTS = 512, N = MB_CALO_N_REGIONS };

// One file of the result.
typedef struct piece {
    const char *path;
    size_t n_events, n_written, n_accepted;
    mb_h5_writer *writer;
    mb_h5_rows *regions, *event, *flag, *eg, *tau;
} piece;

// Rows on their way into a piece.
typedef struct block {
    float regions[BLOCK_EVENTS][N];
    uint8_t eg[BLOCK_EVENTS][N], tau[BLOCK_EVENTS][N];
    int64_t event[BLOCK_EVENTS];
    uint8_t flag[BLOCK_EVENTS];
    size_t n;
} block;

typedef struct conversion {
    mb_context *ctx;
    const mb_calo_towers *settings;
    const char *const *files;
    size_t n_files;
    mb_calo_tower_file **opened;
    bool has_flags;
    size_t n_events, n_towers;
    piece pieces[MOST_PIECES];
    size_t n_pieces, at; // the piece that is written
    mb_calo_tower_image image;
    block block;
} conversion;

static mb_status open_files(conversion *c) {
    c->has_flags = true;
    for (size_t i = 0; i < c->n_files; i++) {
        const mb_calo_tower_settings settings = {
            .jets = c->settings->n_jets > 0 ? c->settings->jets[i] : NULL,
            .needs_ecal = c->settings->has_veto_bits};
        MB_TRY(mb_calo_tower_file_open(c->ctx, c->files[i], &settings, &c->opened[i]));
        const size_t n = mb_calo_tower_file_events(c->opened[i]);
        c->n_events += n;
        const bool has_flags = mb_calo_tower_file_has_acceptance(c->opened[i]);
        if (i > 0 && has_flags != c->has_flags) {
            return mb_fail(c->ctx, MB_ERR_FORMAT,
                "%s: %s acceptance flags or jets, unlike %s; give them for all files or none",
                c->files[i], has_flags ? "has" : "has no", c->files[0]);
        }
        c->has_flags = has_flags;
    }
    if (c->n_events == 0) {
        return mb_fail(c->ctx, MB_ERR_FORMAT, "%s: no event; give files with towers", c->files[0]);
    }
    return MB_OK;
}

// "x.h5" becomes "x_1.h5".
static mb_status plan_pieces(conversion *c, mb_arena *arena, const char *output, bool is_forced) {
    const int stem = (int)(strlen(output) - strlen(".h5"));
    c->n_pieces = c->settings->is_split ? MOST_PIECES : 1;
    for (size_t i = 0; i < c->n_pieces; i++) {
        c->pieces[i].path = c->settings->is_split
                                ? mb_arena_format(arena, c->ctx, "%.*s_%zu.h5", stem, output, i)
                                : output;
        if (c->pieces[i].path == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(mb_check_absent(c->ctx, c->pieces[i].path, is_forced));
    }
    return MB_OK;
}

static void share_events(conversion *c) {
    if (c->n_pieces == 1) {
        c->pieces[0].n_events = c->n_events;
        return;
    }
    // Whole numbers: 0.6 and 0.2 have no exact double.
    c->pieces[0].n_events = c->n_events / 5 * 3 + c->n_events % 5 * 3 / 5;
    c->pieces[1].n_events = c->n_events / 5;
    c->pieces[2].n_events = c->n_events - c->pieces[0].n_events - c->pieces[1].n_events;
}

static mb_status open_piece(conversion *c, piece *p) {
    MB_TRY(mb_h5_create(c->ctx, p->path, MB_H5_ON_DISK, &p->writer));
    const size_t shape[] = {p->n_events, MB_CALO_N_PHI, MB_CALO_N_ETA};
    MB_TRY(mb_h5_create_rows(p->writer, "/CaloRegions", MB_F32, 3, shape, 0, &p->regions));
    MB_TRY(mb_h5_create_rows(p->writer, "/event", MB_I64, 1, shape, 0, &p->event));
    if (c->has_flags) {
        MB_TRY(mb_h5_create_rows(p->writer, "/AcceptanceFlag", MB_BOOL, 1, shape, 0, &p->flag));
    }
    if (c->settings->has_veto_bits) {
        MB_TRY(mb_h5_create_rows(p->writer, "/EGBit", MB_BOOL, 3, shape, 0, &p->eg));
        MB_TRY(mb_h5_create_rows(p->writer, "/TauBit", MB_BOOL, 3, shape, 0, &p->tau));
    }
    return MB_OK;
}

static mb_status write_block(conversion *c) {
    piece *p = &c->pieces[c->at];
    const block *b = &c->block;
    if (b->n == 0) {
        return MB_OK;
    }
    MB_TRY(mb_h5_write_rows(p->regions, b->regions, b->n));
    MB_TRY(mb_h5_write_rows(p->event, b->event, b->n));
    if (p->flag != NULL) {
        MB_TRY(mb_h5_write_rows(p->flag, b->flag, b->n));
    }
    if (p->eg != NULL) {
        MB_TRY(mb_h5_write_rows(p->eg, b->eg, b->n));
        MB_TRY(mb_h5_write_rows(p->tau, b->tau, b->n));
    }
    p->n_written += b->n;
    c->block.n = 0;
    return MB_OK;
}

static mb_status convert_event(conversion *c, mb_calo_tower_file *file) {
    mb_calo_tower_event event;
    MB_TRY(mb_calo_tower_file_next(file, &event));
    while (c->pieces[c->at].n_written + c->block.n == c->pieces[c->at].n_events) {
        MB_TRY(write_block(c));
        c->at++;
    }
    block *b = &c->block;
    const size_t i = b->n++;
    mb_calo_towers_place(&c->image, event.tower, event.n, c->settings->phi_offset);
    mb_calo_towers_sum(&c->image, b->regions[i]);
    if (c->settings->has_veto_bits) {
        mb_calo_towers_bits(&c->image, b->regions[i], b->eg[i], b->tau[i]);
    }
    b->event[i] = event.number;
    b->flag[i] = event.is_accepted;
    c->pieces[c->at].n_accepted += event.is_accepted;
    c->n_towers += event.n;
    return b->n == BLOCK_EVENTS ? write_block(c) : MB_OK;
}

static mb_status convert(conversion *c) {
    share_events(c);
    for (size_t i = 0; i < c->n_pieces; i++) {
        MB_TRY(open_piece(c, &c->pieces[i]));
    }
    for (size_t i = 0; i < c->n_files; i++) {
        const size_t n = mb_calo_tower_file_events(c->opened[i]);
        for (size_t k = 0; k < n; k++) {
            MB_TRY(convert_event(c, c->opened[i]));
        }
    }
    MB_TRY(write_block(c));
    // Only when all are written does any of them appear.
    for (size_t i = 0; i < c->n_pieces; i++) {
        mb_h5_writer *writer = c->pieces[i].writer;
        c->pieces[i].writer = NULL;
        MB_TRY(mb_h5_commit(writer));
    }
    return MB_OK;
}

static void tell(mb_answer *answer, const conversion *c) {
    mb_answer_put_int(answer, NULL, "events", (int64_t)c->n_events);
    mb_answer_put_int(answer, NULL, "towers", (int64_t)c->n_towers);
    mb_answer_line(answer, "%zu events with %zu towers", c->n_events, c->n_towers);
    mb_node *list = mb_answer_put_list(answer, NULL, "files");
    for (size_t i = 0; i < c->n_pieces; i++) {
        const piece *p = &c->pieces[i];
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, map, "file", p->path);
        mb_answer_put_int(answer, map, "events", (int64_t)p->n_events);
        if (c->has_flags) {
            mb_answer_put_int(answer, map, "accepted", (int64_t)p->n_accepted);
            mb_answer_line(
                answer, "%s: %zu events, %zu accepted", p->path, p->n_events, p->n_accepted);
        } else {
            mb_answer_line(answer, "%s: %zu events", p->path, p->n_events);
        }
    }
}

static mb_status check(
    mb_context *ctx, size_t n, const mb_calo_towers *settings, const char *output) {
    const size_t length = strlen(output);
    if (length < 4 || strcmp(output + length - 3, ".h5") != 0) {
        return mb_fail(ctx, MB_ERR_ARG, "%s: region files are HDF5; name it FILE.h5", output);
    }
    if (settings->n_jets != 0 && settings->n_jets != n) {
        return mb_fail(ctx, MB_ERR_ARG,
            "jets: %zu tables for %zu files of towers; give one for each, in their order",
            settings->n_jets, n);
    }
    if (settings->phi_offset >= MB_CALO_TOWER_ROWS) {
        return mb_fail(ctx, MB_ERR_ARG,
            "phi offset %u: there are 72 rows; write 1, or 2 for old files", settings->phi_offset);
    }
    return MB_OK;
}

static void close_all(conversion *c) {
    for (size_t i = 0; i < c->n_files && c->opened != NULL; i++) {
        mb_calo_tower_file_close(c->opened[i]);
    }
    for (size_t i = 0; i < c->n_pieces; i++) {
        mb_h5_abandon(c->pieces[i].writer);
    }
    mb_release(c->ctx, (void *)c->opened);
}

mb_status mb_calo_towers_to_regions(mb_context *ctx, const char *const *files, size_t n,
    const mb_calo_towers *settings, const char *output, bool is_forced, mb_answer **out) {
    *out = NULL;
    MB_TRY(check(ctx, n, settings, output));
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    conversion *c = mb_allocate_zeroed(ctx, 1, sizeof *c);
    mb_status status = c != NULL ? MB_OK : MB_ERR_MEMORY;
    if (status == MB_OK) {
        c->ctx = ctx;
        c->settings = settings;
        c->files = files;
        c->n_files = n;
        c->opened = mb_allocate_zeroed(ctx, n, sizeof *c->opened);
        status = c->opened != NULL ? plan_pieces(c, &arena, output, is_forced) : MB_ERR_MEMORY;
    }
    if (status == MB_OK) {
        status = open_files(c);
    }
    if (status == MB_OK) {
        status = convert(c);
    }
    if (status == MB_OK) {
        tell(answer, c);
    }
    if (c != NULL) {
        close_all(c);
    }
    mb_release(ctx, c);
    mb_arena_clear(&arena);
    return mb_answer_finish(answer, status, out);
}
