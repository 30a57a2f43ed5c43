// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/module.h"

#include "geometry/telescope.h"
#include "measure/sinkhorn.h"

#include <math.h>

enum { CELLS = MB_MODULE_CELLS };

static double weighted_square(double a, double b) {
    return (a - b) * (a - b) * (a > b ? a : b);
}

double mb_weighted_mse(const double *truth, const double *prediction, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += weighted_square(truth[i], prediction[i]);
    }
    return n > 0 ? sum / (double)n : 0;
}

static double sum_of(const double *values, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum;
}

static double sum_of_group(const double *values, const uint8_t *cell) {
    return values[cell[0]] + values[cell[1]] + values[cell[2]] + values[cell[3]];
}

double mb_module_telescope(const double *truth, const double *prediction) {
    const double cells = mb_weighted_mse(truth, prediction, CELLS);
    double groups = 0;
    for (size_t i = 0; i < MB_TELESCOPE_GROUPS; i++) {
        const mb_telescope_group *group = &mb_telescope_groups[i];
        groups += group->weight * weighted_square(sum_of_group(truth, group->cell),
                                      sum_of_group(prediction, group->cell));
    }
    double thirds = 0;
    for (size_t i = 0; i < CELLS; i += MB_TELESCOPE_THIRD_CELLS) {
        thirds += weighted_square(sum_of(truth + i, MB_TELESCOPE_THIRD_CELLS),
            sum_of(prediction + i, MB_TELESCOPE_THIRD_CELLS));
    }
    return 4 * cells + 2 * groups / MB_TELESCOPE_GROUPS + thirds / MB_TELESCOPE_THIRDS;
}

mb_status mb_module_tables_init(mb_module_tables *out, mb_context *ctx) {
    MB_TRY(mb_emd_metric_find(&out->emd, ctx, "hex48"));
    for (size_t i = 0; i < CELLS; i++) {
        const mb_hex48_cell cell = mb_hex48_cell_at(i);
        out->x[i] = cell.x;
        out->y[i] = cell.y;
    }
    return MB_OK;
}

// Charges at unit sum and their moments.
typedef struct picture {
    double share[CELLS];
    double x, y; // centre
    double square;
} picture;

static void take_picture(const mb_module_tables *tables, const double *charges, picture *out) {
    const double sum = sum_of(charges, CELLS);
    out->x = out->y = out->square = 0;
    for (size_t i = 0; i < CELLS; i++) {
        out->share[i] = charges[i] / sum;
        out->x += out->share[i] * tables->x[i];
        out->y += out->share[i] * tables->y[i];
        out->square += out->share[i] * out->share[i];
    }
}

// Whether both sides have charge. Otherwise *out says which has none.
static bool have_charge(const double *input, const double *output, double *out) {
    if (!(sum_of(input, CELLS) > 0)) {
        *out = MB_EMD_EMPTY_INPUT;
        return false;
    }
    if (!(sum_of(output, CELLS) > 0)) {
        *out = MB_EMD_EMPTY_OUTPUT;
        return false;
    }
    return true;
}

// The same, and the pictures.
static bool take_pictures(const mb_module_tables *tables, const double *input, const double *output,
    picture *a, picture *b, double *out) {
    if (!have_charge(input, output, out)) {
        return false;
    }
    take_picture(tables, input, a);
    take_picture(tables, output, b);
    return true;
}

static mb_status emd(const mb_module_tables *tables, mb_context *ctx, const double *input,
    const double *output, double *out) {
    return mb_emd_of_pictures(&tables->emd, ctx, input, output, 0, NULL, out);
}

static mb_status mean_distance(const mb_module_tables *tables, mb_context *ctx, const double *input,
    const double *output, double *out) {
    (void)ctx;
    picture a;
    picture b;
    if (take_pictures(tables, input, output, &a, &b, out)) {
        *out = sqrt((a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y));
    }
    return MB_OK;
}

// Weights are squared, and lengths in the spread of the cells themselves: as published.
static double width_of(const mb_module_tables *tables, const picture *p) {
    const double unit = 3.6113;
    double sum = 0;
    for (size_t i = 0; i < CELLS; i++) {
        const double x = (tables->x[i] - p->x) / unit;
        const double y = (tables->y[i] - p->y) / unit;
        sum += p->share[i] * p->share[i] * (x * x + y * y);
    }
    return sqrt(sum);
}

static mb_status width_difference(const mb_module_tables *tables, mb_context *ctx,
    const double *input, const double *output, double *out) {
    (void)ctx;
    picture a;
    picture b;
    if (take_pictures(tables, input, output, &a, &b, out)) {
        *out = fabs(width_of(tables, &a) - width_of(tables, &b));
    }
    return MB_OK;
}

static mb_status correlation(const mb_module_tables *tables, mb_context *ctx, const double *input,
    const double *output, double *out) {
    (void)ctx;
    picture a;
    picture b;
    if (!take_pictures(tables, input, output, &a, &b, out)) {
        return MB_OK;
    }
    // Shares add up to 1, so their mean is known.
    double both = 0;
    double square_a = 0;
    double square_b = 0;
    for (size_t i = 0; i < CELLS; i++) {
        const double from_a = a.share[i] - 1.0 / CELLS;
        const double from_b = b.share[i] - 1.0 / CELLS;
        both += from_a * from_b;
        square_a += from_a * from_a;
        square_b += from_b * from_b;
    }
    // Flat pictures: what rounding leaves of nothing.
    const double nothing = 1e-28;
    *out = square_a > nothing && square_b > nothing ? both / sqrt(square_a * square_b) : 0;
    return MB_OK;
}

static mb_status squares(const mb_module_tables *tables, mb_context *ctx, const double *input,
    const double *output, double *out) {
    (void)ctx;
    picture a;
    picture b;
    if (!take_pictures(tables, input, output, &a, &b, out)) {
        return MB_OK;
    }
    double sum = 0;
    for (size_t i = 0; i < CELLS; i++) {
        sum += (a.share[i] - b.share[i]) * (a.share[i] - b.share[i]);
    }
    *out = sum / sqrt(a.square * b.square);
    return MB_OK;
}

static mb_status is_zero(const mb_module_tables *tables, mb_context *ctx, const double *input,
    const double *output, double *out) {
    (void)tables;
    (void)ctx;
    if (have_charge(input, output, out)) {
        *out = 0;
    } else if (*out == MB_EMD_EMPTY_OUTPUT) {
        *out = 1;
    }
    return MB_OK;
}

static mb_status sinkhorn(const mb_module_tables *tables, mb_context *ctx, const double *input,
    const double *output, double *out) {
    (void)tables;
    (void)ctx;
    if (have_charge(input, output, out)) {
        *out = mb_sinkhorn_of_pictures(input, output, NULL);
    }
    return MB_OK;
}

static const mb_module_metric metric_emd = {
    "emd", "earth mover's distance at unit sums, exact; neighbours are 2 apart", "EMD", emd};
static const mb_module_metric metric_mean = {"dMean",
    "distance of the centres of charge; neighbours are 2 apart", "distance of centres",
    mean_distance};
static const mb_module_metric metric_rms = {"dRMS",
    "difference of the widths, weights squared, in the spread of the module's cells",
    "difference of widths", width_difference};
static const mb_module_metric metric_correlation = {
    "cross_corr", "Pearson's correlation of the cells", "correlation", correlation};
static const mb_module_metric metric_squares = {"SSD",
    "sum of squared differences over the root of the product of the sums of squares",
    "normalised squared difference", squares};
static const mb_module_metric metric_zero = {
    "zero_frac", "1 where nothing is left of the input, else 0", "nothing left", is_zero};
static const mb_module_metric metric_sinkhorn = {"sinkhorn",
    "earth mover's distance softened by entropy; neighbours are 2.4168 apart", "Sinkhorn distance",
    sinkhorn};

const mb_module_metric *const mb_module_metrics[] = {&metric_emd, &metric_mean, &metric_rms,
    &metric_correlation, &metric_squares, &metric_zero, &metric_sinkhorn, NULL};

// Sums of 48 charges and their squares stay finite.
static const double most_charge = 0x1p1000;

typedef struct row_measure {
    const mb_module_metric *metric;
    const mb_module_tables *tables;
} row_measure;

static mb_status measure_pair(
    const void *user, mb_context *ctx, const double *a, const double *b, double *out) {
    const row_measure *m = user;
    return m->metric->of(m->tables, ctx, a, b, out);
}

mb_status mb_module_metric_of_rows(const mb_module_metric *metric, const mb_module_tables *tables,
    mb_context *ctx, const char *name_a, mb_values a, const char *name_b, mb_values b,
    double *out) {
    const row_measure measure = {metric, tables};
    const mb_row_pairs pairs = {
        {name_a, name_b}, {a, b}, CELLS, most_charge, measure_pair, &measure};
    return mb_row_pairs_measure(&pairs, ctx, out);
}

mb_status mb_module_summarise(
    mb_emd_summary *out, mb_context *ctx, const double *values, size_t n, bool with_empty) {
    *out = (mb_emd_summary){.n = 0};
    double *sorted = mb_allocate(ctx, n, sizeof *sorted);
    if (sorted == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n; i++) {
        const bool is_empty_input = values[i] == MB_EMD_EMPTY_INPUT;
        const bool is_empty_output = values[i] == MB_EMD_EMPTY_OUTPUT;
        out->n_empty_input += is_empty_input;
        out->n_empty_output += is_empty_output;
        if (with_empty || !(is_empty_input || is_empty_output)) {
            sorted[out->n++] = values[i];
        }
    }
    mb_emd_summary_fill(out, sorted);
    mb_release(ctx, sorted);
    return MB_OK;
}

static double power2_below(double sum) {
    int exponent;
    (void)frexp(sum, &exponent);
    return ldexp(1, exponent - 1);
}

static double largest_of(const double *values) {
    double largest = 0;
    for (size_t i = 0; i < CELLS; i++) {
        largest = values[i] > largest ? values[i] : largest;
    }
    return largest;
}

double mb_module_restore_factor(
    mb_module_restore rule, const double *charges, const double *output) {
    const double whole = rule == MB_RESTORE_MAX ? largest_of(charges) : sum_of(charges, CELLS);
    const double left = rule == MB_RESTORE_MAX ? largest_of(output) : sum_of(output, CELLS);
    if (!(left > 0)) {
        return 0;
    }
    if (rule != MB_RESTORE_POWER2) {
        return whole / left;
    }
    return (whole > 0 ? power2_below(whole) : 1) / power2_below(left);
}
