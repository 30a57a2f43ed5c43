// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/plan.h"

#include "base/math.h"
#include "base/random.h"
#include "detector/calo/twister.h"

// Draws of the project's own generator, or of NumPy's with the streams that the original uses: one
// for each permutation, and one that overlays and synthetic events share.
typedef struct planner {
    mb_context *ctx;
    const mb_calo_settings *settings;
    mb_calo_plan *plan;
    mb_calo_twister *shared;
    mb_random own;
} planner;

size_t mb_calo_background_wanted(const mb_calo_settings *settings) {
    size_t n = settings->background.limit + settings->set_aside;
    for (size_t i = 0; i < settings->n_signals; i++) {
        n += settings->signals[i].overlay_events;
    }
    return n;
}

const char *mb_calo_sample_name(const mb_calo_settings *settings, size_t sample) {
    if (sample == 0) {
        return settings->background.name;
    }
    if (sample <= settings->n_signals) {
        return settings->signals[sample - 1].name;
    }
    return sample == settings->n_signals + 1 && settings->n_synthetic > 0 ? "synthetic"
                                                                          : "synthetic_pileup";
}

static void start_draws(planner *p, mb_purpose purpose, size_t which) {
    if (p->shared == NULL) {
        p->own = mb_random_stream(p->settings->seed, purpose, (uint32_t)which, 0);
    }
}

static uint32_t draw_below(planner *p, size_t n) {
    return p->shared != NULL ? mb_calo_twister_up_to(p->shared, (uint32_t)(n - 1))
                             : (uint32_t)mb_random_below(&p->own, n);
}

static double draw_uniform(planner *p) {
    return p->shared != NULL ? mb_calo_twister_uniform(p->shared) : mb_random_uniform(&p->own);
}

// The background: its own events, then the blocks of the signals, then those set aside.
static mb_status cut_background(planner *p, size_t n_read) {
    const mb_calo_settings *settings = p->settings;
    mb_calo_plan *plan = p->plan;
    const size_t n_blocks = mb_calo_background_wanted(settings) - settings->background.limit;
    const size_t most = n_read > n_blocks ? n_read - n_blocks : 0;
    plan->n_own = mb_min_size(settings->background.limit, most);
    if (plan->n_own < settings->train_size + 1) {
        return mb_fail(p->ctx, MB_ERR_RANGE,
            "data.background: %s: %zu events, of which overlay and set-aside events take %zu, "
            "leave "
            "%zu for train_size %zu; %s",
            settings->background.name, n_read, n_blocks, plan->n_own, settings->train_size,
            plan->n_own > 1 ? "set data.train_size below what is left, or give more events"
                            : "give more events, or smaller overlay_events and set-aside events");
    }
    const size_t n_whole = mb_min_size(settings->background.limit, n_read);
    plan->n_missing = n_whole - plan->n_own;
    size_t row = plan->n_own;
    for (size_t i = 0; i < settings->n_signals; i++) {
        mb_calo_sample_plan *sample = &plan->sample[i + 1];
        sample->block = row;
        sample->n_block = settings->signals[i].overlay_events;
        row += sample->n_block;
    }
    plan->first_aside = row;
    plan->n_aside = settings->set_aside;
    plan->n_rows = row + settings->set_aside;
    plan->sample[0].n = plan->n_own;
    return MB_OK;
}

// The smallest sample says how large the training sets may be.
static mb_status check_sizes(planner *p) {
    const mb_calo_plan *plan = p->plan;
    size_t smallest = 0;
    for (size_t i = 1; i < plan->n_samples; i++) {
        smallest = plan->sample[i].n < plan->sample[smallest].n ? i : smallest;
    }
    const size_t n = plan->sample[smallest].n;
    if (n > p->settings->train_size) {
        return MB_OK;
    }
    const char *name = mb_calo_sample_name(p->settings, smallest);
    return n < 2 ? mb_fail(p->ctx, MB_ERR_RANGE,
                       "data: %s has %zu events; give at least 2, one to train and one to test",
                       name, n)
                 : mb_fail(p->ctx, MB_ERR_RANGE,
                       "data: %s has %zu events, too few for a train_size of %zu; set "
                       "data.train_size to at most %zu, or give more events",
                       name, n, p->settings->train_size, n - 1);
}

static mb_status split_sample(planner *p, size_t i) {
    mb_calo_sample_plan *sample = &p->plan->sample[i];
    uint32_t *order = mb_arena_allocate(&p->plan->arena, p->ctx, sample->n, sizeof *order);
    if (order == NULL) {
        return MB_ERR_MEMORY;
    }
    if (p->settings->numpy_random) {
        mb_calo_twister *twister = mb_allocate(p->ctx, 1, sizeof *twister);
        if (twister == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_calo_twister_seed(twister, (uint32_t)p->settings->seed);
        mb_calo_twister_permute(twister, order, sample->n);
        mb_release(p->ctx, twister);
    } else {
        mb_random random = mb_random_stream(p->settings->seed, MB_PURPOSE_SPLIT, (uint32_t)i, 1);
        for (size_t k = 0; k < sample->n; k++) {
            order[k] = (uint32_t)k;
        }
        mb_random_shuffle(&random, order, sample->n);
    }
    sample->order = order;
    sample->n_test = sample->n - p->settings->train_size;
    return MB_OK;
}

// Training and test events draw from parts of the block, so that no background event is on both
// sides.
static mb_status draw_from_block(planner *p, mb_calo_sample_plan *sample, uint32_t *added) {
    const size_t n_train = sample->n - sample->n_test;
    if (sample->n_block < 2) {
        return mb_fail(p->ctx, MB_ERR_RANGE,
            "data.signals: overlay_events is %zu; write at least 2, for training and for test",
            sample->n_block);
    }
    const double share = (double)n_train / (double)sample->n;
    const size_t part = (size_t)((double)sample->n_block * share + 0.5);
    sample->block_train = mb_min_size(mb_max_size(part, 1), sample->n_block - 1);
    uint8_t *is_test = mb_allocate_zeroed(p->ctx, sample->n, 1);
    if (is_test == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t k = 0; k < sample->n_test; k++) {
        is_test[sample->order[k]] = 1;
    }
    for (size_t k = 0; k < sample->n; k++) {
        const size_t from = sample->block + (is_test[k] ? sample->block_train : 0);
        const size_t n = is_test[k] ? sample->n_block - sample->block_train : sample->block_train;
        added[k] = (uint32_t)from + draw_below(p, n);
    }
    mb_release(p->ctx, is_test);
    return MB_OK;
}

static mb_status draw_overlay(planner *p, size_t i) {
    mb_calo_sample_plan *sample = &p->plan->sample[i];
    if (p->settings->signals[i - 1].overlay == 0) {
        return MB_OK;
    }
    // The original draws one number for each background event and uses the first of them.
    const size_t n_draws =
        p->settings->overlay_leak ? mb_max_size(p->plan->n_own, sample->n) : sample->n;
    uint32_t *added = mb_arena_allocate(&p->plan->arena, p->ctx, n_draws, sizeof *added);
    if (added == NULL) {
        return MB_ERR_MEMORY;
    }
    sample->added = added;
    start_draws(p, MB_PURPOSE_OVERLAY, i);
    if (!p->settings->overlay_leak) {
        return draw_from_block(p, sample, added);
    }
    for (size_t k = 0; k < n_draws; k++) {
        added[k] = draw_below(p, p->plan->n_own);
    }
    return MB_OK;
}

static mb_status draw_synthetic(planner *p, size_t i) {
    const size_t n = p->plan->sample[i].n;
    mb_calo_deposit *deposit = mb_arena_allocate(&p->plan->arena, p->ctx, n, sizeof *deposit);
    if (deposit == NULL) {
        return MB_ERR_MEMORY;
    }
    const double *amplitude = p->settings->amplitude.value;
    start_draws(p, MB_PURPOSE_SYNTHETIC, 0);
    for (size_t k = 0; k < n; k++) {
        deposit[k].amplitude = amplitude[0] + (amplitude[1] - amplitude[0]) * draw_uniform(p);
    }
    for (size_t k = 0; k < n; k++) {
        deposit[k].eta = (uint8_t)draw_below(p, MB_CALO_N_ETA - 2);
    }
    for (size_t k = 0; k < n; k++) {
        deposit[k].phi = (uint8_t)draw_below(p, MB_CALO_N_PHI - 2);
    }
    p->plan->synthetic = deposit;
    return MB_OK;
}

// The synthetic test events again, on events of the test parts of all overlay blocks.
static mb_status draw_pileup(planner *p, size_t i) {
    mb_calo_plan *plan = p->plan;
    size_t n_events = 0;
    for (size_t s = 1; s <= p->settings->n_signals; s++) {
        n_events += plan->sample[s].n_block - plan->sample[s].block_train;
    }
    if (n_events == 0) {
        return MB_OK;
    }
    const size_t n = plan->sample[i].n_test;
    uint32_t *added = mb_arena_allocate(&plan->arena, p->ctx, n, sizeof *added);
    if (added == NULL) {
        return MB_ERR_MEMORY;
    }
    start_draws(p, MB_PURPOSE_OVERLAY, i);
    for (size_t k = 0; k < n; k++) {
        size_t at = draw_below(p, n_events), s = 1;
        while (at >= plan->sample[s].n_block - plan->sample[s].block_train) {
            at -= plan->sample[s].n_block - plan->sample[s].block_train;
            s++;
        }
        added[k] = (uint32_t)(plan->sample[s].block + plan->sample[s].block_train + at);
    }
    plan->pileup = added;
    plan->first_pileup = plan->n_rows;
    plan->n_pileup = n;
    plan->n_rows += n;
    return MB_OK;
}

static mb_status make_benchmark(planner *p, const size_t *n_events) {
    const mb_calo_settings *settings = p->settings;
    mb_calo_plan *plan = p->plan;
    plan->n_samples = 1 + settings->n_signals + (settings->n_synthetic > 0);
    MB_TRY(cut_background(p, n_events[0]));
    for (size_t i = 1; i < plan->n_samples; i++) {
        plan->sample[i].n = i <= settings->n_signals ? n_events[i] : settings->n_synthetic;
        plan->sample[i].first = plan->n_rows;
        plan->n_rows += plan->sample[i].n;
    }
    MB_TRY(check_sizes(p));
    for (size_t i = 0; i < plan->n_samples; i++) {
        MB_TRY(split_sample(p, i));
    }
    for (size_t i = 1; i <= settings->n_signals; i++) {
        MB_TRY(draw_overlay(p, i));
    }
    if (settings->n_synthetic > 0) {
        MB_TRY(draw_synthetic(p, plan->n_samples - 1));
        MB_TRY(draw_pileup(p, plan->n_samples - 1));
    }
    return MB_OK;
}

mb_status mb_calo_plan_make(
    mb_context *ctx, const mb_calo_settings *settings, const size_t *n_events, mb_calo_plan *out) {
    *out = (mb_calo_plan){.n_samples = 1};
    mb_arena_init(&out->arena, ctx);
    if (!settings->is_benchmark) {
        out->n_own = out->n_rows = out->sample[0].n = n_events[0];
        return MB_OK;
    }
    planner p = {.ctx = ctx, .settings = settings, .plan = out};
    if (settings->numpy_random) {
        p.shared = mb_allocate(ctx, 1, sizeof *p.shared);
        if (p.shared == NULL) {
            return MB_ERR_MEMORY;
        }
        mb_calo_twister_seed(p.shared, (uint32_t)settings->seed);
    }
    const mb_status status = make_benchmark(&p, n_events);
    mb_release(ctx, p.shared);
    return status;
}

void mb_calo_plan_clear(mb_calo_plan *plan) {
    mb_arena_clear(&plan->arena);
    *plan = (mb_calo_plan){0};
}

void mb_calo_deposit_image(const mb_calo_deposit *deposit, float *out) {
    memset(out, 0, MB_CALO_N_REGIONS * sizeof *out);
    for (int a = 0; a < 3; a++) {
        for (int b = 0; b < 3; b++) {
            const int square = (a - 1) * (a - 1) + (b - 1) * (b - 1);
            out[(deposit->phi + a) * MB_CALO_N_ETA + deposit->eta + b] =
                (float)(deposit->amplitude * mb_exp(-2.0 * square));
        }
    }
}

void mb_calo_add_event(const float *a, const float *b, bool is_clipped, float *out) {
    for (size_t i = 0; i < MB_CALO_N_REGIONS; i++) {
        const float sum = a[i] + b[i];
        out[i] = is_clipped && sum > MB_CALO_MAX_ET ? (float)MB_CALO_MAX_ET : sum;
    }
}
