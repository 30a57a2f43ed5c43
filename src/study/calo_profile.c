// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "minbias/calo.h"

#include "base/output.h"
#include "draw/figures_compare.h"
#include "draw/figures_matrix.h"
#include "draw/figures_regions.h"
#include "draw/report.h"
#include "files/csv.h"
#include "study/answer.h"
#include "study/calo_statistics.h"
#include "study/score_files.h"

#include <math.h>

enum { MOST_FILES = 32, N = MB_CALO_N_REGIONS, ET_BINS = 100 };

// Numbers of one file as pictures want them.
typedef struct spectra {
    double mean[N];
    double et[ET_BINS], eta[MB_CALO_N_ETA], phi[MB_CALO_N_PHI];
} spectra;

typedef struct profile {
    mb_context *ctx;
    const char *directory;
    const char *const *files;
    size_t n;
    char *label[MOST_FILES];
    const char *title[MOST_FILES]; // borrowed from label, or constant
    mb_calo_statistics statistics[MOST_FILES];
    spectra spectra[MOST_FILES];
    double et_edge[ET_BINS + 1];
} profile;

static void fill_spectra(const mb_calo_statistics *s, spectra *out) {
    for (size_t r = 0; r < N; r++) {
        out->mean[r] = s->sum[r] / (double)mb_max_size(s->n_counts[r], 1);
        out->eta[r % MB_CALO_N_ETA] += s->sum[r];
        out->phi[r / MB_CALO_N_ETA] += s->sum[r];
    }
    for (size_t et = 0; et < MB_CALO_ET_VALUES; et++) {
        // Bins of 10.24 counts: whole numbers never lie on an edge but 0, 256, 512 and 768.
        out->et[et * ET_BINS / MB_CALO_ET_VALUES] += (double)s->with_et[et];
    }
}

static mb_status read_files(profile *p) {
    MB_TRY(mb_score_file_labels(p->ctx, p->files, p->n, p->label));
    for (size_t i = 0; i < p->n; i++) {
        p->title[i] = mb_sample_title(p->label[i], NULL);
        MB_TRY(mb_calo_statistics_read(&p->statistics[i], p->ctx, p->files[i]));
        if (p->statistics[i].n_bad > 0) {
            mb_notice(p->ctx, MB_NOTICE_WARNING, p->files[i],
                "%zu values are no whole numbers 0..1023; they are left out",
                p->statistics[i].n_bad);
        }
        fill_spectra(&p->statistics[i], &p->spectra[i]);
    }
    for (size_t i = 0; i <= ET_BINS; i++) {
        p->et_edge[i] = (double)i * MB_CALO_ET_VALUES / ET_BINS;
    }
    return MB_OK;
}

static mb_status draw_images(const profile *p, mb_gallery *gallery) {
    mb_region_image images[MOST_FILES];
    for (size_t i = 0; i < p->n; i++) {
        images[i] = (mb_region_image){p->title[i], mb_values_f64(p->spectra[i].mean, N)};
    }
    const mb_region_settings settings = {.name = "mean_images",
        .title = "Mean image",
        .caption = "Mean ET of each region over the accepted events, counts of 0.5 GeV; eta to the "
                   "right, phi up.",
        .color_label = "mean ET",
        .has_own_scales = true};
    return mb_draw_regions(gallery, p->ctx, &settings, images, p->n);
}

typedef enum spectrum { SPECTRUM_ET, SPECTRUM_ETA, SPECTRUM_PHI } spectrum;

static mb_values heights_of(const spectra *s, spectrum which) {
    return which == SPECTRUM_ET    ? mb_values_f64(s->et, ET_BINS)
           : which == SPECTRUM_ETA ? mb_values_f64(s->eta, MB_CALO_N_ETA)
                                   : mb_values_f64(s->phi, MB_CALO_N_PHI);
}

static mb_status draw_spectrum(
    const profile *p, mb_gallery *gallery, spectrum which, const mb_counted_settings *settings) {
    mb_counted_set sets[MOST_FILES];
    for (size_t i = 0; i < p->n; i++) {
        sets[i] = (mb_counted_set){p->title[i], heights_of(&p->spectra[i], which)};
    }
    return mb_draw_counted(gallery, p->ctx, settings, sets, p->n);
}

static mb_status draw_spectra(const profile *p, mb_gallery *gallery) {
    double eta[MB_CALO_N_ETA + 1];
    double phi[MB_CALO_N_PHI + 1];
    for (size_t i = 0; i < MB_COUNT_OF(eta); i++) {
        eta[i] = MB_CALO_FIRST_IETA + (double)i;
    }
    for (size_t i = 0; i < MB_COUNT_OF(phi); i++) {
        phi[i] = (double)i;
    }
    MB_TRY(draw_spectrum(p, gallery, SPECTRUM_ET,
        &(mb_counted_settings){.name = "et_spectrum",
            .title = "Region ET",
            .x_label = "ET [counts of 0.5 GeV]",
            .y_label = "Share of regions / count",
            .caption = "All regions of the accepted events by ET, unit area.",
            .edges = mb_values_f64(p->et_edge, ET_BINS + 1),
            .is_log = true,
            .is_density = true}));
    MB_TRY(draw_spectrum(p, gallery, SPECTRUM_ETA,
        &(mb_counted_settings){.name = "eta_spectrum",
            .title = "ET by eta",
            .x_label = "ieta of the region",
            .y_label = "Share of ET",
            .caption = "Regions by eta, weighted with ET, unit area.",
            .edges = mb_values_f64(eta, MB_COUNT_OF(eta)),
            .is_density = true}));
    return draw_spectrum(p, gallery, SPECTRUM_PHI,
        &(mb_counted_settings){.name = "phi_spectrum",
            .title = "ET by phi",
            .x_label = "iphi of the region",
            .y_label = "Share of ET",
            .caption = "Regions by phi, weighted with ET, unit area.",
            .edges = mb_values_f64(phi, MB_COUNT_OF(phi)),
            .is_density = true});
}

enum { N_FIGURES = 10 };
static const char *const figure_names[N_FIGURES] = {"events", "accepted", "mean_et",
    "zero_fraction", "sum_5", "sum_50", "sum_95", "most_5", "most_50", "most_95"};
static const char *const figure_titles[N_FIGURES] = {"events", "accepted", "mean ET",
    "share of zeros", "sum 5 %", "sum 50 %", "sum 95 %", "largest 5 %", "largest 50 %",
    "largest 95 %"};

static void list_figures(const mb_calo_statistics *s, double figure[N_FIGURES]) {
    figure[0] = (double)s->n_events;
    figure[1] = (double)s->n_accepted;
    figure[2] = mb_calo_mean_et(s);
    figure[3] = mb_calo_zero_fraction(s);
    for (size_t i = 0; i < MB_CALO_SHARES; i++) {
        figure[4 + i] = s->event_sum[i];
        figure[4 + MB_CALO_SHARES + i] = s->event_most[i];
    }
}

static mb_status write_table(const profile *p, const char *path) {
    mb_buffer text;
    mb_buffer_init(&text, p->ctx);
    mb_buffer_text(&text, "sample,file");
    for (size_t k = 0; k < N_FIGURES; k++) {
        mb_csv_put_text(&text, false, figure_names[k]);
    }
    mb_buffer_text(&text, ",bad_values\n");
    for (size_t i = 0; i < p->n; i++) {
        double figure[N_FIGURES];
        list_figures(&p->statistics[i], figure);
        mb_csv_put_text(&text, true, p->label[i]);
        mb_csv_put_text(&text, false, p->files[i]);
        for (size_t k = 0; k < N_FIGURES; k++) {
            if (isfinite(figure[k])) {
                mb_csv_put_double(&text, false, figure[k]);
            } else {
                mb_buffer_text(&text, ",");
            }
        }
        mb_csv_put_int64(&text, false, (int64_t)p->statistics[i].n_bad);
        mb_csv_end_row(&text);
    }
    return mb_write_buffer(&text, path);
}

static mb_status write_page(const profile *p, const mb_gallery *gallery, const char *path) {
    mb_arena arena;
    mb_arena_init(&arena, p->ctx);
    const char *head[1 + N_FIGURES] = {"sample"};
    const char *cells[MOST_FILES * (1 + N_FIGURES)];
    memcpy(head + 1, figure_titles, sizeof figure_titles);
    for (size_t i = 0; i < p->n; i++) {
        const char **row = cells + i * (1 + N_FIGURES);
        double figure[N_FIGURES];
        list_figures(&p->statistics[i], figure);
        row[0] = p->title[i];
        for (size_t k = 0; k < N_FIGURES; k++) {
            row[1 + k] = isfinite(figure[k])
                             ? mb_arena_format(&arena, p->ctx, k < 2 ? "%.0f" : "%.4g", figure[k])
                             : "";
        }
    }
    mb_report *report = mb_report_create(p->ctx, "Calorimeter samples", p->directory);
    mb_report_table(report,
        "Accepted events; ET in counts of 0.5 GeV; what 5, 50 and 95 % of the events have at most "
        "as sum over all regions and in their largest one.",
        head, 1 + N_FIGURES, cells, p->n);
    mb_report_gallery(report, gallery);
    mb_report_footer(report, "minbias %s", mb_version());
    const mb_status status = report != NULL ? mb_report_write(report, p->ctx, path) : MB_ERR_MEMORY;
    mb_report_destroy(report);
    mb_arena_clear(&arena);
    return status;
}

static void tell(mb_answer *answer, const profile *p) {
    mb_answer_put_text(answer, NULL, "directory", p->directory);
    mb_node *list = mb_answer_put_list(answer, NULL, "samples");
    for (size_t i = 0; i < p->n; i++) {
        const mb_calo_statistics *s = &p->statistics[i];
        double figure[N_FIGURES];
        list_figures(s, figure);
        mb_node *map = mb_answer_add_map(answer, list);
        mb_answer_put_text(answer, map, "sample", p->label[i]);
        mb_answer_put_text(answer, map, "file", p->files[i]);
        for (size_t k = 0; k < N_FIGURES; k++) {
            mb_answer_put_real(answer, map, figure_names[k], figure[k]);
        }
        mb_answer_put_int(answer, map, "bad_values", (int64_t)s->n_bad);
        mb_answer_line(answer,
            "%s: %zu events, %zu accepted; mean ET %.4f, zeros %.4f; sum %.5g / %.5g / %.5g, "
            "largest %.4g / %.4g / %.4g (5/50/95 %%)",
            p->label[i], s->n_events, s->n_accepted, figure[2], figure[3], figure[4], figure[5],
            figure[6], figure[7], figure[8], figure[9]);
    }
    mb_answer_line(answer, "%s: index.html, profile.csv, plots/", p->directory);
}

static mb_status make_pages(const profile *p, mb_gallery *gallery) {
    MB_TRY(draw_images(p, gallery));
    MB_TRY(draw_spectra(p, gallery));
    MB_TRY(mb_gallery_draw(gallery, p->ctx));
    char *page = mb_path_join(p->ctx, p->directory, "index.html");
    const mb_status status = page != NULL ? write_page(p, gallery, page) : MB_ERR_MEMORY;
    mb_release(p->ctx, page);
    return status;
}

static mb_status run(profile *p, const char *path, mb_answer *answer) {
    MB_TRY(read_files(p));
    char *folder = mb_path_join(p->ctx, p->directory, "plots");
    mb_gallery *gallery = NULL;
    mb_status status =
        folder != NULL ? mb_gallery_open(p->ctx, folder, NULL, &gallery) : MB_ERR_MEMORY;
    if (status == MB_OK) {
        status = make_pages(p, gallery);
    }
    mb_gallery_destroy(gallery);
    mb_release(p->ctx, folder);
    // Written last: its presence says that the folder is complete.
    if (status == MB_OK) {
        status = write_table(p, path);
    }
    if (status == MB_OK) {
        tell(answer, p);
    }
    return status;
}

mb_status mb_calo_profile(mb_context *ctx, const char *const *files, size_t n,
    const char *directory, bool is_forced, mb_answer **out) {
    *out = NULL;
    if (n == 0 || n > MOST_FILES) {
        return mb_fail(
            ctx, MB_ERR_ARG, "profile: %zu files of regions; give 1 to %d", n, MOST_FILES);
    }
    char *path = NULL;
    MB_TRY(mb_result_path(ctx, directory, "profile.csv", is_forced, &path));
    mb_answer *answer = NULL;
    mb_status status = mb_answer_create(ctx, &answer);
    profile *p = status == MB_OK ? mb_allocate_zeroed(ctx, 1, sizeof *p) : NULL;
    if (p != NULL) {
        p->ctx = ctx;
        p->directory = directory;
        p->files = files;
        p->n = n;
        status = run(p, path, answer);
        for (size_t i = 0; i < n; i++) {
            mb_release(ctx, p->label[i]);
        }
    } else if (status == MB_OK) {
        status = MB_ERR_MEMORY;
    }
    mb_release(ctx, p);
    mb_release(ctx, path);
    return answer == NULL ? status : mb_answer_finish(answer, status, out);
}
