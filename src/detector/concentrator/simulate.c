// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/simulate.h"

#include "base/math.h"
#include "base/output.h"
#include "base/random.h"
#include "base/threads.h"
#include "detector/chip/chip.h"

#include <math.h>

// The recipe's numbers are fitted to summaries of fully simulated pileup; they are no physics.

#define FIELD(name) offsetof(mb_calq_simulate_record, name)

enum { HEADER_SHORT, HEADER_FULL, HEADER_NONE };
static const char *const header_names[] = {"short", "full", "none", NULL};
static const char *const ports_names[] = {"none", "low_density", "high_density", NULL};

const mb_option mb_calq_simulate_options[] = {
    {"events", MB_OPTION_SIZE, FIELD(events), "500000", 1, 0x1p32, NULL, NULL,
        "rows of each file: modules in a bunch crossing"},
    {"files", MB_OPTION_SIZE, FIELD(files), "1", 1, 1e6, NULL, NULL, "files"},
    {"elinks", MB_OPTION_SIZE, FIELD(elinks), "5", 1, 64, NULL, NULL,
        "links of the module: files are in nElinks_<n>"},
    {"name", MB_OPTION_TEXT, FIELD(name), "charges", 0, 0, NULL, NULL,
        "file name before .csv, and before the number where there are several"},
    {"header", MB_OPTION_CHOICE, FIELD(header), "short", 0, 0, header_names, NULL,
        "short: names of the charges; full: with entry, energies and module; none"},
    {"ports", MB_OPTION_CHOICE, FIELD(ports), "none", 0, 0, ports_names, NULL,
        "low_density, high_density: the modules also as ports/<name>.csv, the 28-bit words that "
        "'elinks emulate' takes; charges in 7 bits (4E3M), without their lowest 1 or 3 bits"},
    MB_OPTIONS_END,
};

enum {
    CELLS = MB_CALQ_CELLS,
    MODULES_AN_EVENT = 24,
    ROWS_A_TASK = 40 * MODULES_AN_EVENT,
    TASKS_A_BLOCK = 32
};

// The n cells with the smallest keys are hit; equal keys do not happen.
static void choose_cells(const double *key, size_t n, bool *is_hit) {
    for (size_t i = 0; i < CELLS; i++) {
        size_t n_below = 0;
        for (size_t k = 0; k < CELLS; k++) {
            n_below += key[k] < key[i] || (key[k] <= key[i] && k < i);
        }
        is_hit[i] = n_below < n;
    }
}

static void make_charges(mb_random *random, uint32_t *out) {
    const double n_drawn = floor(mb_exp(2.3978952727983707 + 1.1 * mb_random_normal(random)) + 0.5);
    const size_t n = n_drawn < 1 ? 1 : n_drawn > CELLS ? CELLS : (size_t)n_drawn;
    const size_t centre = (size_t)mb_random_below(random, CELLS);
    const double event = 0.55 * mb_random_normal(random);
    double distance[CELLS];
    double key[CELLS];
    bool is_hit[CELLS];
    for (size_t i = 0; i < CELLS; i++) {
        distance[i] = mb_hex48_distance(centre, i);
        key[i] = distance[i] + mb_random_exponential(random, 3.0);
    }
    choose_cells(key, n, is_hit);
    for (size_t i = 0; i < CELLS; i++) {
        out[i] = 0;
        if (is_hit[i]) {
            const double mean = 2.80 + event + 0.9 * mb_exp(-distance[i] / 2);
            const double charge = floor(mb_exp(mean + mb_random_normal(random)));
            out[i] = charge < 1                     ? 1
                     : charge > MB_CALQ_MOST_CHARGE ? (uint32_t)MB_CALQ_MOST_CHARGE
                                                    : (uint32_t)charge;
        }
    }
}

static mb_random stream_of(uint64_t seed, uint32_t file, uint32_t row) {
    return mb_random_stream(seed, MB_PURPOSE_SIMULATE, file, row);
}

void mb_calq_simulate_row(uint64_t seed, uint32_t file, uint32_t row, uint32_t *out) {
    mb_random random = stream_of(seed, file, row);
    make_charges(&random, out);
}

typedef struct module {
    uint32_t charge[CELLS];
    double energy; // GeV of the signal in it
    int u, v;
    const char *type;
} module;

// A signal leaves energy in some modules, in proportion to their charge.
static void make_module(mb_random *random, module *m) {
    static const struct {
        const char *name;
        double below; // of a uniform number
    } types[] = {{"FO", 0.45}, {"FM", 0.75}, {"FI", 0.90}, {"aO", 0.95}, {"bI", 1.0}};
    uint32_t sum = 0;
    make_charges(random, m->charge);
    for (size_t i = 0; i < CELLS; i++) {
        sum += m->charge[i];
    }
    const bool is_hit = mb_random_uniform(random) < 0.7;
    const double spread = mb_exp(0.4 * mb_random_normal(random));
    m->energy = is_hit ? 0.05 * spread * sum / MB_CALQ_COUNTS_A_MIPT : 0;
    m->u = (int)mb_random_below(random, 13) - 6;
    m->v = (int)mb_random_below(random, 13) - 6;
    const double which = mb_random_uniform(random);
    size_t t = 0;
    while (which >= types[t].below) {
        t++;
    }
    m->type = types[t].name;
}

typedef struct simulation {
    const mb_calq_simulate_record *options;
    uint64_t seed;
    uint32_t file;
    bool makes_ports;
    size_t first, n; // rows of the block
    mb_buffer text[TASKS_A_BLOCK];
} simulation;

static void put_number(char *text, size_t *n, uint32_t value) {
    char digits[10];
    size_t n_digits = 0;
    do {
        digits[n_digits++] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    while (n_digits > 0) {
        text[(*n)++] = digits[--n_digits];
    }
}

static void put_charges(mb_buffer *out, const uint32_t *charge) {
    char text[CELLS * 11];
    size_t n = 0;
    for (size_t i = 0; i < CELLS; i++) {
        if (i > 0) {
            text[n++] = ',';
        }
        put_number(text, &n, charge[i]);
    }
    mb_buffer_append(out, text, n);
}

static void put_event(const simulation *s, size_t first, size_t last, mb_buffer *out) {
    module modules[MODULES_AN_EVENT];
    double whole = 0;
    for (size_t row = first; row < last; row++) {
        mb_random random = stream_of(s->seed, s->file, (uint32_t)row);
        make_module(&random, &modules[row - first]);
        whole += modules[row - first].energy;
    }
    for (size_t row = first; row < last; row++) {
        const module *m = &modules[row - first];
        mb_buffer_format(out, "%zu,", row / MODULES_AN_EVENT);
        put_charges(out, m->charge);
        mb_buffer_format(out, ",%.6g,%.6g,%.6g,1,9,%d,%d,LD,%s\n", m->energy, whole,
            whole > 0 ? m->energy / whole : 0, m->u, m->v, m->type);
    }
}

// Cells in the order of the ports' inputs, as where no table of cells is given.
static void put_words(const uint32_t *charge, int density, mb_buffer *out) {
    uint8_t codes[CELLS];
    uint32_t words[MB_CHIP_PORTS];
    for (size_t i = 0; i < CELLS; i++) {
        codes[i] = (uint8_t)mb_float_encode(mb_float_4e3m(density == 2 ? 3 : 1), charge[i]);
    }
    mb_chip_ports_pack(codes, words);
    for (size_t i = 0; i < MB_CHIP_PORTS; i++) {
        mb_buffer_format(out, i > 0 ? ",%u" : "%u", (unsigned)words[i]);
    }
    mb_buffer_text(out, "\n");
}

static mb_status make_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    simulation *s = user;
    const size_t end = s->first + mb_min_size((task + 1) * ROWS_A_TASK, s->n);
    mb_buffer *out = &s->text[task];
    // A buffer belongs to the context it was made with, and this one is the worker's.
    mb_buffer_init(out, ctx);
    const bool has_events = s->options->header == HEADER_FULL && !s->makes_ports;
    const size_t step = has_events ? MODULES_AN_EVENT : 1;
    for (size_t row = s->first + task * ROWS_A_TASK; row < end; row += step) {
        if (step > 1) {
            put_event(s, row, mb_min_size(row + step, end), out);
            continue;
        }
        uint32_t charge[CELLS];
        mb_calq_simulate_row(s->seed, s->file, (uint32_t)row, charge);
        if (s->makes_ports) {
            put_words(charge, s->options->ports, out);
            continue;
        }
        put_charges(out, charge);
        mb_buffer_text(out, "\n");
    }
    return out->status;
}

static void put_header(const simulation *s, mb_buffer *text) {
    if (s->makes_ports) {
        for (size_t i = 0; i < MB_CHIP_PORTS; i++) {
            mb_buffer_format(text, "%sePortRxDataGroup_%zu", i > 0 ? "," : "", i);
        }
        mb_buffer_text(text, "\n");
        return;
    }
    const bool is_full = s->options->header == HEADER_FULL;
    mb_buffer_text(text, is_full ? "entry," : "");
    for (size_t i = 0; i < CELLS; i++) {
        mb_buffer_format(text, "%sCALQ_%zu", i > 0 ? "," : "", i);
    }
    mb_buffer_text(text, is_full ? ",SimEnergyTotal,EventSimEnergy,SimEnergyFraction,subdet,layer,"
                                   "waferu,waferv,HD_LD,ModType\n"
                                 : "\n");
}

static mb_status write_header(const simulation *s, mb_context *ctx, mb_output *output) {
    mb_buffer text;
    mb_buffer_init(&text, ctx);
    if (s->makes_ports || s->options->header != HEADER_NONE) {
        put_header(s, &text);
    }
    mb_status status = text.status;
    if (status == MB_OK && text.length > 0) {
        status = mb_output_write(output, text.data, text.length);
    }
    mb_buffer_clear(&text);
    return status;
}

static mb_status write_block(simulation *s, mb_context *ctx, mb_output *output) {
    const size_t n_tasks = (s->n + ROWS_A_TASK - 1) / ROWS_A_TASK;
    memset(s->text, 0, sizeof s->text);
    mb_status status = mb_parallel(ctx, n_tasks, make_task, s);
    for (size_t i = 0; i < n_tasks; i++) {
        if (status == MB_OK) {
            status = mb_output_write(output, s->text[i].data, s->text[i].length);
        }
        if (s->text[i].ctx != NULL) {
            s->text[i].ctx = ctx;
            mb_buffer_clear(&s->text[i]);
        }
    }
    return status;
}

static mb_status write_file(simulation *s, mb_context *ctx, const char *path) {
    mb_output output = {0};
    const size_t most = (size_t)ROWS_A_TASK * TASKS_A_BLOCK;
    MB_TRY(mb_output_open(&output, ctx, path));
    mb_status status = write_header(s, ctx, &output);
    for (s->first = 0; s->first < s->options->events && status == MB_OK; s->first += s->n) {
        s->n = mb_min_size(most, s->options->events - s->first);
        status = write_block(s, ctx, &output);
    }
    if (status == MB_OK) {
        status = mb_output_commit(&output);
    }
    mb_output_abandon(&output);
    return status;
}

static mb_status write_files(simulation *s, mb_context *ctx, mb_arena *arena, const char *folder) {
    const mb_calq_simulate_record *o = s->options;
    if (folder == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_make_directory(ctx, folder));
    for (s->file = 0; s->file < o->files; s->file++) {
        const char *path =
            o->files > 1 ? mb_arena_format(arena, ctx, "%s/%s_%u.csv", folder, o->name, s->file)
                         : mb_arena_format(arena, ctx, "%s/%s.csv", folder, o->name);
        if (path == NULL) {
            return MB_ERR_MEMORY;
        }
        MB_TRY(write_file(s, ctx, path));
    }
    return MB_OK;
}

// Words lie in a folder of their own: one of charges is read whole.
static mb_status run(simulation *s, mb_context *ctx, mb_arena *arena, const char *directory) {
    MB_TRY(write_files(s, ctx, arena,
        mb_arena_format(arena, ctx, "%s/nElinks_%zu", directory, s->options->elinks)));
    s->makes_ports = true;
    return s->options->ports == 0
               ? MB_OK
               : write_files(s, ctx, arena, mb_arena_format(arena, ctx, "%s/ports", directory));
}

mb_status mb_calq_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) {
    const mb_calq_simulate_record *o = options;
    if (o->name[0] == '\0' || strchr(o->name, '/') != NULL) {
        return mb_fail(
            ctx, MB_ERR_ARG, "simulate.name: '%s' is no file name; write one without '/'", o->name);
    }
    simulation *s = mb_allocate_zeroed(ctx, 1, sizeof *s);
    if (s == NULL) {
        return MB_ERR_MEMORY;
    }
    s->options = o;
    s->seed = seed;
    mb_arena arena;
    mb_arena_init(&arena, ctx);
    const mb_status status = run(s, ctx, &arena, directory);
    mb_arena_clear(&arena);
    mb_release(ctx, s);
    return status;
}
