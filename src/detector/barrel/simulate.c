// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/barrel/simulate.h"

#include "base/math.h"
#include "base/numbers.h"
#include "base/output.h"
#include "base/random.h"
#include "base/threads.h"
#include "geometry/barrel.h"

#include <math.h>

// The rules and their numbers are the project's own, fitted to the multiplicities of a published
// sample; docs name them. Every event has its own random stream, so files do not depend on threads.

#define FIELD(name) offsetof(mb_barrel_simulate_record, name)

const mb_option mb_barrel_simulate_options[] = {
    {"files", MB_OPTION_SIZE, FIELD(files), "4", 1, 100000, NULL, NULL, "pairs of files"},
    {"events", MB_OPTION_SIZE, FIELD(events), "1000", 1, 1e7, NULL, NULL, "events in each pair"},
    {"pileup", MB_OPTION_REAL, FIELD(pile_up), "10", 0, 1000, NULL, NULL,
        "mean number of collisions in an event"},
    {"pt_min", MB_OPTION_REAL, FIELD(pt_min), "1.0", 0.1, 10, NULL, NULL, "least pt, GeV"},
    {"scattering", MB_OPTION_BOOL, FIELD(scattering), "false", 0, 0, NULL, NULL,
        "multiple scattering in the layers"},
    MB_OPTIONS_END,
};

enum {
    MAX_HITS = 128,         // of one particle
    LINE_SIZE = 320,        // bytes that a line of output has at most
    FLUSH_SIZE = 1 << 18,   // bytes gathered before a write, at least
    MAX_PER_VERTEX = 65535, // what a barcode can number
    MAX_VERTICES = 4095
};

static const double field_factor = 1000 / 0.6; // mm of radius per GeV in 2 T
static const double highest_pt = 20;
static const double mean_per_vertex = 4.33, shape = 0.43;

typedef struct track {
    uint64_t barcode;
    double vertex[3];
    double pt, eta, phi, slope, radius; // slope: dz/ds; radius: of the helix, mm
    int charge;
} track;

typedef struct toy_hit {
    int volid, layid;
    double r, x, y, z, local_x, local_y;
    double pitch_x, pitch_z;
} toy_hit;

typedef struct writer {
    mb_context *ctx;
    const mb_barrel_simulate_record *options;
    mb_random random;
    mb_buffer hits, particles; // of the files, until written
    uint64_t hitid;
    toy_hit found[MAX_HITS];
    size_t n_found;
} writer;

static char *put_text(char *out, const char *text) {
    const size_t length = strlen(text);
    memcpy(out, text, length);
    return out + length;
}

static char *put_integer(char *out, uint64_t value) {
    char digits[20];
    size_t n = 0;
    do {
        digits[n++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (n > 0) {
        *out++ = digits[--n];
    }
    return out;
}

static char *put_list(char *out, const double *values, size_t n) {
    *out++ = '[';
    for (size_t i = 0; i < n; i++) {
        *out++ = i > 0 ? ',' : ' ';
        out = mb_barrel_write_number(i > 0 && values[i] >= 0 ? put_text(out, " ") : out, values[i]);
    }
    *out++ = ']';
    return out;
}

// The strips or pixels that a cluster lights: one to three along local x.
static char *put_cells(char *out, mb_random *random, const toy_hit *hit) {
    const uint32_t draw = mb_random_u32(random);
    const size_t n_cells = draw % 100 < 12 ? 3 : draw % 100 < 55 ? 2 : 1;
    const double column = floor(hit->local_x / hit->pitch_x) + 512;
    const double row = floor(hit->local_y / hit->pitch_z) + 1024;
    *out++ = '[';
    for (size_t i = 0; i < n_cells; i++) {
        const double charge = 0.01 + 0.2 * mb_random_uniform(random);
        out = put_text(out, i > 0 ? ", [ " : "[ ");
        out = put_integer(out, (uint64_t)column + i);
        out = put_text(out, ", ");
        out = put_integer(out, (uint64_t)row);
        out = put_text(out, ", ");
        out = mb_barrel_write_number(out, charge);
        *out++ = ']';
    }
    *out++ = ']';
    return out;
}

static void put_hit(writer *w, const track *t, const toy_hit *hit) {
    const double local[2] = {hit->local_x, hit->local_y};
    const double global[3] = {hit->x, hit->y, hit->z};
    char line[LINE_SIZE];
    char *out = line;
    out = put_integer(out, ++w->hitid);
    out = put_text(out, ", ");
    out = put_integer(out, t->barcode);
    out = put_text(out, ", ");
    out = put_integer(out, (uint64_t)hit->volid);
    out = put_text(out, ", ");
    out = put_integer(out, (uint64_t)hit->layid);
    out = put_text(out, ", ");
    out = put_list(out, local, 2);
    out = put_text(out, ", [ 0, 0], ");
    out = put_list(out, global, 3);
    out = put_text(out, ", ");
    out = put_cells(out, &w->random, hit);
    out = put_text(out, ", [], []\n");
    mb_buffer_append(&w->hits, line, (size_t)(out - line));
}

static void put_particle(writer *w, const track *t) {
    const double theta = 2 * mb_atan(mb_exp(-t->eta));
    const double momentum[3] = {t->pt * mb_cosh(t->eta), theta, t->phi};
    char line[LINE_SIZE];
    char *out = line;
    out = put_integer(out, t->barcode);
    out = put_text(out, ", ");
    out = put_list(out, t->vertex, 3);
    out = put_text(out, ", ");
    out = put_list(out, momentum, 3);
    out = put_text(out, t->charge > 0 ? ", 1\n" : ", -1\n");
    mb_buffer_append(&w->particles, line, (size_t)(out - line));
}

static void add_hit(writer *w, const toy_hit *hit) {
    if (w->n_found < MAX_HITS) {
        w->found[w->n_found++] = *hit;
    }
}

static double wrap(double phi) {
    return phi - 2 * MB_PI * floor((phi + MB_PI) / (2 * MB_PI));
}

// The hit in one module, with its resolution.
static void add_module_hit(
    writer *w, const mb_barrel_layer *layer, double phi, double z, int i_phi, int i_z) {
    const double step = 2 * MB_PI / layer->n_phi;
    const double phi_module = step * i_phi;
    const double z_module = (i_z - (layer->n_z - 1) / 2.0) * (2 * layer->half_y - layer->overlap);
    const double across = wrap(phi - phi_module) * layer->radius;
    const double local_x = across + layer->sigma_x * mb_random_normal(&w->random);
    const int i_wrapped = (i_phi % layer->n_phi + layer->n_phi) % layer->n_phi;
    const double stagger = i_wrapped % 2 == 0 ? layer->stagger / 2 : -layer->stagger / 2;
    const double r = layer->radius + stagger + layer->tilt * local_x;
    const double phi_hit = phi_module + local_x / layer->radius;
    double local_y = z - z_module;
    if (layer->volid == 8) {
        local_y += 0.016 * mb_random_normal(&w->random);
    } else if (layer->volid == 13) {
        local_y = floor(local_y / layer->pitch_z + 0.5) * layer->pitch_z;
    } else {
        local_y = 0;
    }
    add_hit(w, &(toy_hit){layer->volid, layer->layid, r, r * mb_cos(phi_hit), r * mb_sin(phi_hit),
                   z_module + local_y, local_x, local_y, layer->pitch_x, layer->pitch_z});
}

// Every module whose face covers the point: neighbours overlap.
static void cross_layer(writer *w, const mb_barrel_layer *layer, double phi, double z) {
    const double step = 2 * MB_PI / layer->n_phi;
    const double reach = layer->half_x * mb_cos(layer->tilt);
    const double length = 2 * layer->half_y - layer->overlap;
    const int nearest_phi = (int)floor(phi / step + 0.5);
    const int nearest_z = (int)floor(z / length + (layer->n_z - 1) / 2.0 + 0.5);
    for (int i = nearest_phi - 1; i <= nearest_phi + 1; i++) {
        if (layer->radius * fabs(wrap(phi - step * i)) > reach) {
            continue;
        }
        for (int k = nearest_z - 1; k <= nearest_z + 1; k++) {
            const double z_module = (k - (layer->n_z - 1) / 2.0) * length;
            if (k >= 0 && k < layer->n_z && fabs(z - z_module) <= layer->half_y) {
                add_module_hit(w, layer, phi, z, i, k);
            }
        }
    }
}

// Where the helix crosses the cylinders, without and with scattering in those before.
static void cross_barrel(writer *w, const track *t) {
    double kick_phi = 0, kick_z = 0;   // angles gathered so far
    double lever_phi = 0, lever_z = 0; // and times the radii where they were
    for (int i = 0; i < MB_BARREL_N_LAYERS; i++) {
        const mb_barrel_layer *layer = &mb_barrel_layers[i];
        const double r = layer->radius;
        if (r >= 2 * t->radius) {
            break;
        }
        const double turn = mb_asin(r / (2 * t->radius));
        double phi = t->phi - t->charge * turn;
        double z = t->vertex[2] + 2 * t->radius * turn * t->slope;
        if (w->options->scattering) {
            phi += kick_phi - lever_phi / r;
            z += (kick_z * r - lever_z) * (1 + t->slope * t->slope);
            const double momentum = t->pt * mb_cosh(t->eta);
            const double width = 0.0136 / momentum * sqrt(0.02);
            const double angle_phi = width * mb_random_normal(&w->random);
            const double angle_z = width * mb_random_normal(&w->random);
            kick_phi += angle_phi;
            kick_z += angle_z;
            lever_phi += angle_phi * r;
            lever_z += angle_z * r;
        }
        cross_layer(w, layer, wrap(phi), z);
    }
}

static void cross_endcaps(writer *w, const track *t) {
    for (int i = 0; i < MB_BARREL_N_DISKS; i++) {
        const mb_barrel_disk *disk = &mb_barrel_disks[i];
        const double turn = (disk->z - t->vertex[2]) / (2 * t->radius * t->slope);
        if (!(turn > 0 && turn < MB_PI / 2)) {
            continue;
        }
        const double r = 2 * t->radius * mb_sin(turn);
        if (r < disk->r_min || r > disk->r_max) {
            continue;
        }
        const double phi = t->phi - t->charge * turn;
        add_hit(w, &(toy_hit){disk->volid, disk->layid, r, r * mb_cos(phi), r * mb_sin(phi),
                       disk->z, 0, r - (disk->r_min + disk->r_max) / 2, 0.08, 1.2});
    }
}

static void sort_by_radius(toy_hit *hits, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const toy_hit hit = hits[i];
        size_t k = i;
        for (; k > 0 && hits[k - 1].r > hit.r; k--) {
            hits[k] = hits[k - 1];
        }
        hits[k] = hit;
    }
}

// pt from its survival function ((pt + 1.2) / (pt_min + 1.2))^-4.7, cut at the highest.
static double draw_pt(writer *w) {
    const double scale = w->options->pt_min + 1.2;
    const double least = mb_pow((highest_pt + 1.2) / scale, -4.7);
    const double u = least + (1 - least) * mb_random_uniform_positive(&w->random);
    return scale * mb_pow(u, -1 / 4.7) - 1.2;
}

static void make_particle(writer *w, track *t) {
    t->pt = draw_pt(w);
    t->eta = 6 * mb_random_uniform(&w->random) - 3;
    t->phi = MB_PI * (2 * mb_random_uniform(&w->random) - 1);
    t->charge = mb_random_u32(&w->random) % 2 == 0 ? 1 : -1;
    t->slope = mb_sinh(t->eta);
    t->radius = field_factor * t->pt;
    w->n_found = 0;
    cross_barrel(w, t);
    cross_endcaps(w, t);
    sort_by_radius(w->found, w->n_found);
    for (size_t i = 0; i < w->n_found; i++) {
        put_hit(w, t, &w->found[i]);
    }
    put_particle(w, t);
}

// An event without a hit has no block in a file of hits: it is left out of both files.
static void make_event(writer *w) {
    const size_t hits_before = w->hits.length, particles_before = w->particles.length;
    mb_buffer_text(&w->hits, "\n");
    mb_buffer_text(&w->particles, "\n");
    w->hitid = 0;
    uint64_t n_vertices = mb_random_poisson(&w->random, w->options->pile_up);
    n_vertices = n_vertices < MAX_VERTICES ? n_vertices : MAX_VERTICES;
    for (uint64_t vertex = 1; vertex <= n_vertices; vertex++) {
        track t = {.barcode = vertex << 52};
        t.vertex[0] = 0.01 * mb_random_normal(&w->random);
        t.vertex[1] = 0.01 * mb_random_normal(&w->random);
        t.vertex[2] = 55 * mb_random_normal(&w->random);
        // A Poisson number whose mean is gamma distributed: negative binomial.
        const double mean = mb_random_gamma(&w->random, shape, mean_per_vertex / shape);
        uint64_t n = mb_random_poisson(&w->random, mean);
        n = n < MAX_PER_VERTEX ? n : MAX_PER_VERTEX;
        for (uint64_t primary = 1; primary <= n; primary++) {
            t.barcode = vertex << 52 | primary << 36;
            make_particle(w, &t);
        }
    }
    if (w->hitid == 0) {
        w->hits.length = hits_before;
        w->particles.length = particles_before;
        return;
    }
    mb_buffer_text(&w->hits, "\n");
    mb_buffer_text(&w->particles, "\n");
}

static mb_status flush(mb_output *file, mb_buffer *buffer, size_t least) {
    MB_TRY(buffer->status);
    if (buffer->length > least) {
        MB_TRY(mb_output_write(file, buffer->data, buffer->length));
        buffer->length = 0;
    }
    return MB_OK;
}

typedef struct simulation {
    const mb_barrel_simulate_record *options;
    uint64_t seed;
    const char *directory;
} simulation;

static mb_status write_events(
    writer *w, const simulation *s, size_t file, mb_output *hits, mb_output *particles) {
    for (size_t event = 0; event < s->options->events; event++) {
        w->random =
            mb_random_stream(s->seed, MB_PURPOSE_SIMULATE, (uint32_t)file + 1, (uint32_t)event);
        make_event(w);
        MB_TRY(flush(hits, &w->hits, FLUSH_SIZE));
        MB_TRY(flush(particles, &w->particles, FLUSH_SIZE));
    }
    MB_TRY(flush(hits, &w->hits, 0));
    MB_TRY(flush(particles, &w->particles, 0));
    MB_TRY(mb_output_commit(hits));
    return mb_output_commit(particles);
}

static mb_status open_file(
    mb_context *ctx, const simulation *s, const char *kind, size_t file, mb_output *out) {
    char name[40];
    mb_format(name, sizeof name, "%s_%zu.csv", kind, file + 1);
    char *path = mb_path_join(ctx, s->directory, name);
    const mb_status status = path != NULL ? mb_output_open(out, ctx, path) : MB_ERR_MEMORY;
    mb_release(ctx, path);
    return status;
}

static mb_status write_task(void *user, mb_context *ctx, size_t task, unsigned worker) {
    (void)worker;
    const simulation *s = user;
    mb_output hits = {0}, particles = {0};
    writer *w = mb_allocate_zeroed(ctx, 1, sizeof *w);
    if (w == NULL) {
        return MB_ERR_MEMORY;
    }
    w->ctx = ctx;
    w->options = s->options;
    mb_buffer_init(&w->hits, ctx);
    mb_buffer_init(&w->particles, ctx);
    mb_status status = open_file(ctx, s, "clusters", task, &hits);
    if (status == MB_OK) {
        status = open_file(ctx, s, "particles", task, &particles);
    }
    if (status == MB_OK) {
        status = write_events(w, s, task, &hits, &particles);
    }
    mb_output_abandon(&hits);
    mb_output_abandon(&particles);
    mb_buffer_clear(&w->hits);
    mb_buffer_clear(&w->particles);
    mb_release(ctx, w);
    return status;
}

mb_status mb_barrel_simulate(
    mb_context *ctx, const void *options, uint64_t seed, const char *directory) {
    simulation s = {options, seed, directory};
    MB_TRY(mb_make_directory(ctx, directory));
    return mb_parallel(ctx, s.options->files, write_task, &s);
}
