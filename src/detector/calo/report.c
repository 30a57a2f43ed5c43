// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/calo/load.h"

static void put_shape(mb_buffer *report, const char *name, size_t n) {
    mb_buffer_format(report, "%s shape: (%zu, %d, %d)\n", name, n, MB_CALO_N_PHI, MB_CALO_N_ETA);
}

static void put_left_out(const mb_calo_settings *settings, const mb_calo_samples *samples,
    const mb_calo_account *account, mb_buffer *report) {
    for (size_t i = 0; i < samples->n; i++) {
        const mb_calo_sample_files *sample = &samples->sample[i];
        const mb_calo_tally *tally = &account->tally[i];
        if (sample->n_accepted < sample->n_events) {
            mb_buffer_format(report, "Left out: %zu of %zu events of %s have no acceptance flag\n",
                sample->n_events - sample->n_accepted, sample->n_events, sample->name);
        }
        if (tally->n_bad_values > 0) {
            const bool is_dropped = settings->on_bad == MB_CALO_ON_BAD_DROP;
            mb_buffer_format(report,
                "%s: %zu values in %zu events of %s were no whole numbers 0 .. %d\n",
                is_dropped ? "Dropped" : "Clipped", tally->n_bad_values, tally->n_bad_events,
                sample->name, MB_CALO_MAX_ET);
        }
    }
}

static void put_overlay(
    const mb_calo_settings *settings, const mb_calo_plan *plan, mb_buffer *report) {
    for (size_t i = 1; i <= settings->n_signals; i++) {
        const mb_calo_sample_plan *sample = &plan->sample[i];
        if (sample->added == NULL) {
            continue;
        }
        const char *name = mb_calo_sample_name(settings, i);
        if (sample->n_block == 0) {
            mb_buffer_format(report,
                "Overlay: every event of %s has one of the %zu %s events added (compat: "
                "overlay_leak)\n",
                name, plan->n_own, settings->background.name);
        } else {
            mb_buffer_format(report,
                "Overlay: %zu %s events, %zu for the training and %zu for the test events of %s\n",
                sample->n_block, settings->background.name, sample->block_train,
                sample->n_block - sample->block_train, name);
        }
    }
    if (plan->n_pileup > 0) {
        mb_buffer_format(report, "Synthetic test events with pileup: %zu\n", plan->n_pileup);
    }
}

static void put_benchmark(
    const mb_calo_settings *settings, const mb_calo_plan *plan, mb_buffer *report) {
    mb_buffer_format(report, "%-20s %10s %10s %10s\n", "Sample", "events", "training", "test");
    for (size_t i = 0; i < plan->n_samples; i++) {
        const mb_calo_sample_plan *sample = &plan->sample[i];
        mb_buffer_format(report, "%-20s %10zu %10zu %10zu\n", mb_calo_sample_name(settings, i),
            sample->n, sample->n - sample->n_test, sample->n_test);
    }
    if (settings->blend_each > 0) {
        mb_buffer_format(report, "Blend: the first %zu training events of %zu signals\n",
            settings->blend_each, settings->n_signals);
    }
    put_overlay(settings, plan, report);
    if (plan->n_aside > 0) {
        mb_buffer_format(
            report, "Set aside: %zu %s events\n", plan->n_aside, settings->background.name);
    }
    if (plan->n_missing > 0) {
        mb_buffer_format(report,
            "The files end early: the last %zu of the benchmark's own %s events went to overlay "
            "and "
            "set-aside events\n",
            plan->n_missing, settings->background.name);
    }
}

void mb_calo_report(const mb_calo_settings *settings, const mb_calo_samples *samples,
    const mb_calo_plan *plan, const mb_calo_account *account, mb_buffer *report) {
    for (size_t i = 0; i < samples->n; i++) {
        put_shape(report, samples->sample[i].name,
            i == 0 && settings->is_benchmark ? plan->n_own : account->n_read[i]);
    }
    put_left_out(settings, samples, account, report);
    if (settings->phi_offset != 1) {
        mb_buffer_format(report, "Regions were made with phi offset %zu: (iphi + %zu) mod 72\n",
            settings->phi_offset, settings->phi_offset);
    }
    if (settings->is_benchmark) {
        put_benchmark(settings, plan, report);
    }
}
