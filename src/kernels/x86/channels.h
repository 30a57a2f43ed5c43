// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// Batch normalisation for one instruction set: LANES channels at a time. Included behind
// parts_ISA.h by a file that defines NAME(x).

static inline void NAME(store_doubles)(size_t n, VECD low, VECD high, double *sum) {
    double all[LANES];
    STORED(all, low);
    STORED(all + LANES / 2, high);
    for (size_t l = 0; l < LANES && l < n; l++) {
        sum[l] = all[l];
    }
}

// Sums so far, 0 beyond the channels.
static inline void NAME(load_doubles)(size_t n, const double *sum, VECD *low, VECD *high) {
    double all[LANES] = {0};
    for (size_t l = 0; l < LANES && l < n; l++) {
        all[l] = sum[l];
    }
    *low = LOADD(all);
    *high = LOADD(all + LANES / 2);
}

static void NAME(statistics)(const mb_channels *rows, double *sum, double *sum_of_squares) {
    const size_t width = rows->channels;
    for (size_t c = 0; c < width; c += LANES) {
        const PART part = PART_OF(width - c);
        VECD low, high, low_squares, high_squares;
        NAME(load_doubles)(width - c, sum + c, &low, &high);
        NAME(load_doubles)(width - c, sum_of_squares + c, &low_squares, &high_squares);
        for (size_t i = c; i < rows->n * width; i += width) {
            const VEC x = LOAD_PART(part, rows->in + i);
            const VECD x_low = LOWD(x), x_high = HIGHD(x);
            low = ADDD(low, x_low);
            high = ADDD(high, x_high);
            low_squares = FMAD(x_low, x_low, low_squares);
            high_squares = FMAD(x_high, x_high, high_squares);
        }
        NAME(store_doubles)(width - c, low, high, sum + c);
        NAME(store_doubles)(width - c, low_squares, high_squares, sum_of_squares + c);
    }
}

static void NAME(normalize)(const mb_channels *rows, const float *beta, float *out) {
    const size_t width = rows->channels;
    for (size_t c = 0; c < width; c += LANES) {
        const PART part = PART_OF(width - c);
        const VEC mean = LOAD_PART(part, rows->mean + c);
        const VEC shift = LOAD_PART(part, beta + c);
        const VEC factor =
            MUL(LOAD_PART(part, rows->inverse + c), LOAD_PART(part, rows->gamma + c));
        const bool is_whole = c + LANES <= width; // parts take longer
        for (size_t i = c; i < rows->n * width && is_whole; i += width) {
            STORE(out + i, ADD(MUL(SUB(LOAD(rows->in + i), mean), factor), shift));
        }
        for (size_t i = c; i < rows->n * width && !is_whole; i += width) {
            const VEC x = SUB(LOAD_PART(part, rows->in + i), mean);
            STORE_PART(part, out + i, ADD(MUL(x, factor), shift));
        }
    }
}

static void NAME(d_statistics)(
    const mb_channels *rows, const float *d, double *sum, double *projection) {
    const size_t width = rows->channels;
    for (size_t c = 0; c < width; c += LANES) {
        const PART part = PART_OF(width - c);
        const VEC mean = LOAD_PART(part, rows->mean + c);
        const VEC inverse = LOAD_PART(part, rows->inverse + c);
        VECD low, high, low_projection, high_projection;
        NAME(load_doubles)(width - c, sum + c, &low, &high);
        NAME(load_doubles)(width - c, projection + c, &low_projection, &high_projection);
        for (size_t i = c; i < rows->n * width; i += width) {
            const VEC x = MUL(SUB(LOAD_PART(part, rows->in + i), mean), inverse);
            const VEC v = LOAD_PART(part, d + i);
            const VECD v_low = LOWD(v), v_high = HIGHD(v);
            low = ADDD(low, v_low);
            high = ADDD(high, v_high);
            low_projection = FMAD(v_low, LOWD(x), low_projection);
            high_projection = FMAD(v_high, HIGHD(x), high_projection);
        }
        NAME(store_doubles)(width - c, low, high, sum + c);
        NAME(store_doubles)(width - c, low_projection, high_projection, projection + c);
    }
}

static void NAME(back)(const mb_channels *rows, const float *d, const float *d_mean,
    const float *d_projection, float *d_in) {
    const size_t width = rows->channels;
    for (size_t c = 0; c < width; c += LANES) {
        const PART part = PART_OF(width - c);
        const VEC mean = LOAD_PART(part, rows->mean + c);
        const VEC inverse = LOAD_PART(part, rows->inverse + c);
        const VEC factor = MUL(inverse, LOAD_PART(part, rows->gamma + c));
        const VEC centre = LOAD_PART(part, d_mean + c);
        const VEC slope = LOAD_PART(part, d_projection + c);
        for (size_t i = c; i < rows->n * width; i += width) {
            const VEC x = MUL(SUB(LOAD_PART(part, rows->in + i), mean), inverse);
            const VEC rest = SUB(SUB(LOAD_PART(part, d + i), centre), MUL(x, slope));
            STORE_PART(part, d_in + i, ADD(LOAD_PART(part, d_in + i), MUL(rest, factor)));
        }
    }
}
