// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "kernels/lanes.h"
#include "network/layers/message_parts.h"

// One graph on its way through the step, which its rows pass one graph at a time.
typedef struct passage {
    const mb_step *step;
    const mb_message *message;
    const mb_kernels *kernels;
    const mb_graph *graph;
    const float *in;
    float *source, *destination; // products of the nodes with the halves of the first layer
    float *sums, *weights;       // of nodes; of edges
    float *gradient;
    float *area; // scratch for blocks of rows, message->block_floats apart
    float *nodes, *edges;
} passage;

static float *align(float *place, size_t floats) {
    return place + mb_round_up(floats, 64 / sizeof(float));
}

static passage open_passage(const mb_step *step, const mb_rows *rows, size_t g) {
    const mb_message *message = step->data;
    const mb_graph *graph = rows->graphs->graph[g];
    const size_t first = mb_graph_first_node(rows->graphs, g);
    passage p = {.step = step,
        .message = message,
        .kernels = step->kernels,
        .graph = graph,
        .in = rows->in[0] + first * message->n_in,
        .gradient = rows->gradient,
        .area = rows->scratch};
    const size_t n = graph->n_nodes;
    p.nodes = align(p.area, step->scratch_bytes / sizeof(float));
    p.edges = align(p.nodes, n * step->scratch_node_bytes / sizeof(float));
    p.source = p.nodes;
    p.weights = p.edges;
    if (step->is_training) {
        p.source = (float *)rows->saved + first * step->saved_bytes / sizeof(float);
        p.weights = (float *)rows->saved_edges + mb_graph_first_edge(rows->graphs, g);
    }
    p.destination = p.source + n * message->width[0];
    p.sums = message->activation != NULL ? p.destination + n * message->width[0]
                                         : rows->out + first * message->n_in;
    return p;
}

// n rows x times a matrix, with its bias.
static mb_row_product product_of(
    const passage *p, size_t which, size_t n, const float *x, size_t n_out) {
    const mb_message_matrix *m = &p->message->matrices[which];
    const float *packed = p->step->packed;
    return (mb_row_product){.n = n,
        .n_in = m->n_in,
        .x = {x, NULL},
        .stride = m->stride,
        .w = packed + m->at,
        .bias = packed + m->at_bias,
        .width = m->width,
        .n_out = n_out};
}

static void multiply(
    const passage *p, size_t which, size_t n, const float *x, float *out, size_t n_out) {
    const mb_row_product product = product_of(p, which, n, x, n_out);
    p->kernels->graph->product(&product, out);
}

// out += n rows x times a matrix without bias.
static void multiply_and_add(const passage *p, size_t which, size_t n, const float *x, float *out) {
    mb_row_product product = product_of(p, which, n, x, p->message->n_in);
    product.is_added = true;
    p->kernels->graph->product(&product, out);
}

// gradient += n rows x, laid out as m's, times d (width numbers).
static void add_products(const passage *p, const mb_message_matrix *m, size_t n, const float *x,
    const float *d, size_t width, float *gradient) {
    for (size_t first = 0; first < n; first += MB_MESSAGE_BLOCK) {
        p->kernels->positions_gradient(mb_min_size(MB_MESSAGE_BLOCK, n - first), m->base,
            x + first * m->stride, &m->footprint, d + first * width, width, gradient);
    }
}

// Adds to the gradients of a matrix, of n rows x and d (width numbers) behind the product.
static void add_gradient(const passage *p, size_t which, size_t n, const float *x, const float *d) {
    const mb_message_matrix *m = &p->message->matrices[which];
    add_products(p, m, n, x, d, m->width, p->gradient + m->at_gradient);
    if (m->at_bias != p->message->at_zero) {
        p->kernels->sum_rows(n, d, m->width, p->gradient + m->at_gradient + m->n_in * m->width);
    }
}

static float *area_of(const passage *p, size_t index) {
    return p->area + index * p->message->block_floats;
}

// Hidden rows of a block of edges, layer by layer, each in its area; returns the last one's.
static float *find_hidden(const passage *p, size_t first, size_t n) {
    const mb_message *message = p->message;
    float *rows = area_of(p, MB_MESSAGE_MOST_AREAS);
    p->kernels->graph->hidden(
        p->graph, first, n, p->source, p->destination, message->width[0], rows);
    for (size_t l = 1; l < message->n_hidden; l++) {
        float *next = area_of(p, MB_MESSAGE_MOST_AREAS + l);
        mb_row_product product = product_of(p, MB_MESSAGE_HIDDEN + l, n, rows, message->width[l]);
        product.is_rectified = true;
        p->kernels->graph->product(&product, next);
        rows = next;
    }
    return rows;
}

static void find_weights(const passage *p) {
    const mb_message *message = p->message;
    const mb_graph_kernels *kernels = p->kernels->graph;
    const float *w = p->step->packed + message->at_weights;
    const float shift = p->step->packed[message->at_shift];
    if (message->n_hidden == 1) {
        kernels->scores(
            p->graph, p->source, p->destination, message->width[0], w, shift, p->weights);
    }
    for (size_t e = 0; e < p->graph->n_edges && message->n_hidden > 1; e += MB_MESSAGE_BLOCK) {
        const size_t n = mb_min_size(MB_MESSAGE_BLOCK, p->graph->n_edges - e);
        kernels->dots(
            n, find_hidden(p, e, n), mb_message_last_width(message), w, shift, p->weights + e);
    }
    if (message->is_softmax) {
        kernels->softmax(p->graph, p->weights);
    } else {
        kernels->sigmoid(p->graph->n_edges, p->weights);
    }
}

static bool is_relu(const mb_message *message) {
    return strcmp(message->activation->name, "relu") == 0;
}

static void update(const passage *p, float *out) {
    const mb_message *message = p->message;
    const size_t n = p->graph->n_nodes, width = message->matrices[MB_MESSAGE_UPDATE].width;
    mb_row_product product = product_of(p, MB_MESSAGE_UPDATE, n, p->in, message->n_out);
    product.x[1] = p->sums;
    product.n_in = message->n_in;
    product.is_rectified = is_relu(message);
    if (message->is_normalized) {
        product.mean =
            p->step->packed + message->at_normalization + MB_NORMALIZATION_PACKED * message->n_out;
        product.factor = product.mean + width;
        product.shift = product.factor + width;
    }
    p->kernels->graph->product(&product, out);
    if (!is_relu(message)) {
        const mb_activation_ops *activation = message->activation;
        activation->forward(
            activation->default_parameters, out, n * message->n_out, message->n_out);
    }
}

void mb_message_forward(const mb_step *step, const mb_rows *rows) {
    const mb_message *message = step->data;
    for (size_t g = 0; g < rows->graphs->n; g++) {
        passage p = open_passage(step, rows, g);
        const size_t n = p.graph->n_nodes;
        if (message->stride != message->n_in) {
            float *wide = p.sums + n * message->stride;
            p.kernels->graph->widen(n, p.in, message->n_in, wide, message->stride);
            p.in = wide;
        }
        multiply(&p, MB_MESSAGE_SOURCE, n, p.in, p.source, message->width[0]);
        multiply(&p, MB_MESSAGE_DESTINATION, n, p.in, p.destination, message->width[0]);
        find_weights(&p);
        p.kernels->graph->sums(
            p.graph, MB_GRAPH_IN, true, p.weights, p.in, message->stride, p.sums);
        if (message->activation != NULL) {
            update(&p, rows->out + mb_graph_first_node(rows->graphs, g) * message->n_out);
        }
    }
}

// The gradient before update's activation, of n rows, padded to width.
static void differentiate(
    const passage *p, size_t n, const float *out, const float *d_out, float *d, float *d_bias) {
    const mb_message *message = p->message;
    const size_t width = message->matrices[MB_MESSAGE_UPDATE].width;
    if (is_relu(message) && n * message->n_out % MB_SAMPLES == 0 && width == message->n_out) {
        p->kernels->lanes->rectify_back(n * width / MB_SAMPLES, out, d_out, d);
        p->kernels->sum_rows(n, d, width, d_bias);
        return;
    }
    mb_layer_differentiate(p->kernels, message->activation, message->activation->default_parameters,
        out, d_out, n, message->n_out, width, d, d_bias);
}

// The gradient of the sums, and what update adds to that of the nodes (d_in, may be NULL).
static void update_back(
    const passage *p, const float *out, const float *d_out, float *d_sums, float *d_in) {
    const mb_message *message = p->message;
    const mb_message_matrix *m = &message->matrices[MB_MESSAGE_UPDATE];
    const mb_message_matrix *rows = &message->matrices[MB_MESSAGE_SOURCE];
    float *gradient = p->gradient + m->at_gradient;
    float *d = area_of(p, 2);
    for (size_t first = 0; first < p->graph->n_nodes; first += MB_MESSAGE_BLOCK) {
        const size_t n = mb_min_size(MB_MESSAGE_BLOCK, p->graph->n_nodes - first);
        const size_t nodes = first * message->n_in;
        differentiate(p, n, out + first * message->n_out, d_out + first * message->n_out, d,
            gradient + m->n_in * m->width);
        add_products(p, rows, n, p->in + nodes, d, m->width, gradient);
        add_products(p, rows, n, p->sums + nodes, d, m->width, gradient + message->n_in * m->width);
        multiply(p, MB_MESSAGE_SUM_BACK, n, d, d_sums + nodes, message->n_in);
        if (d_in != NULL) {
            multiply_and_add(p, MB_MESSAGE_OWN_BACK, n, d, d_in + nodes);
        }
    }
}

// The gradient of the numbers behind the last layer, in place of that of the weights. Returns its
// sum.
static float weights_back(const passage *p, float *d) {
    return p->message->is_softmax
               ? p->kernels->graph->softmax_back(p->graph, p->weights, d)
               : p->kernels->graph->sigmoid_back(p->graph->n_edges, p->weights, d);
}

// One hidden layer: from d of edges to the gradients of the nodes' products, and to what the sums
// add to that of the nodes (d_in, may be NULL).
static void hidden_back(const passage *p, const float *d, const float *d_sums, float *d_source,
    float *d_destination, float *d_in) {
    const mb_message *message = p->message;
    const mb_graph_kernels *kernels = p->kernels->graph;
    const size_t width = message->width[0];
    const size_t n = p->graph->n_nodes;
    const float *w = p->step->packed + message->at_weights;
    float *sum = area_of(p, 0);
    const mb_edge_rows arriving = {p->destination, p->source};
    const mb_edge_rows leaving = {p->source, p->destination};
    kernels->gates(p->graph, MB_GRAPH_IN, &arriving, width, d, d_destination);
    if (d_in != NULL) {
        kernels->leave(
            p->graph, &leaving, width, d, d_source, p->weights, d_sums, message->n_in, d_in);
    } else {
        kernels->gates(p->graph, MB_GRAPH_OUT, &leaving, width, d, d_source);
    }
    memset(sum, 0, width * sizeof *sum);
    kernels->weigh(n, p->destination, width, w, d_destination, sum);
    kernels->weigh(n, p->source, width, w, d_source, sum);
    for (size_t k = 0; k < width; k++) {
        p->gradient[message->at_last_gradient + k * MB_LANES] += sum[k];
    }
}

// The last layer's gradient from a block of edges; d_rows gets that of the rows before it.
static void last_back(
    const passage *p, size_t n, const float *rows, const float *d, float *d_rows) {
    const mb_message *message = p->message;
    const size_t width = mb_message_last_width(message);
    const float *w = p->step->packed + message->at_weights;
    float *gradient = p->gradient + message->at_last_gradient;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < width; k++) {
            const float value = rows[i * width + k];
            gradient[k * MB_LANES] += value * d[i];
            d_rows[i * width + k] = value > 0 ? w[k] * d[i] : 0;
        }
    }
}

// Several hidden layers, in blocks of edges: d_edges gets the gradient of the first one's rows.
static void deep_back(const passage *p, const float *d, float *d_edges) {
    const mb_message *message = p->message;
    for (size_t e = 0; e < p->graph->n_edges; e += MB_MESSAGE_BLOCK) {
        const size_t n = mb_min_size(MB_MESSAGE_BLOCK, p->graph->n_edges - e);
        float *d_rows = area_of(p, 1), *d_before = area_of(p, 2);
        last_back(p, n, find_hidden(p, e, n), d + e, d_rows);
        for (size_t l = message->n_hidden - 1; l > 0; l--) {
            const float *before = area_of(p, MB_MESSAGE_MOST_AREAS + l - 1);
            const size_t width = message->width[l - 1];
            float *to = l == 1 ? d_edges + e * width : d_before;
            add_gradient(p, MB_MESSAGE_HIDDEN + l, n, before, d_rows);
            multiply(p, MB_MESSAGE_HIDDEN_BACK + l, n, d_rows, to, width);
            for (size_t i = 0; i < n * width && l > 1; i++) {
                to[i] = before[i] > 0 ? to[i] : 0;
            }
            d_before = d_rows;
            d_rows = to;
        }
    }
}

static void deep_hidden_back(const passage *p, const float *d, const float *d_sums, float *d_source,
    float *d_destination, float *d_in) {
    const mb_edge_rows arriving = {p->destination, p->source};
    const mb_edge_rows leaving = {p->source, p->destination};
    const mb_graph_kernels *kernels = p->kernels->graph;
    const size_t width = p->message->width[0];
    float *d_edges = p->edges + p->graph->n_edges;
    deep_back(p, d, d_edges);
    kernels->row_gates(p->graph, MB_GRAPH_IN, &arriving, width, d_edges, d_destination);
    kernels->row_gates(p->graph, MB_GRAPH_OUT, &leaving, width, d_edges, d_source);
    if (d_in != NULL) {
        kernels->sums(p->graph, MB_GRAPH_OUT, false, p->weights, d_sums, p->message->n_in, d_in);
    }
}

void mb_message_backward(const mb_step *step, const mb_rows *rows) {
    const mb_message *message = step->data;
    const size_t width = message->width[0];
    for (size_t g = 0; g < rows->graphs->n; g++) {
        const passage p = open_passage(step, rows, g);
        const size_t n = p.graph->n_nodes;
        const size_t first = mb_graph_first_node(rows->graphs, g);
        const size_t place = first * message->n_out;
        float *d_in = rows->d_in[0] != NULL ? rows->d_in[0] + first * message->n_in : NULL;
        float *d_source = p.nodes, *d_destination = d_source + n * width;
        const float *d_sums = rows->d_out + place;
        if (message->activation != NULL) {
            float *made = d_destination + n * width;
            update_back(&p, rows->out + place, rows->d_out + place, made, d_in);
            d_sums = made;
        }
        p.kernels->graph->products(p.graph, d_sums, p.in, message->n_in, p.edges);
        p.gradient[message->at_last_gradient + mb_message_last_width(message) * MB_LANES] +=
            weights_back(&p, p.edges);
        if (message->n_hidden == 1) {
            hidden_back(&p, p.edges, d_sums, d_source, d_destination, d_in);
        } else {
            deep_hidden_back(&p, p.edges, d_sums, d_source, d_destination, d_in);
        }
        add_gradient(&p, MB_MESSAGE_SOURCE, n, p.in, d_source);
        add_gradient(&p, MB_MESSAGE_DESTINATION, n, p.in, d_destination);
        if (d_in != NULL) {
            multiply_and_add(&p, MB_MESSAGE_SOURCE_BACK, n, d_source, d_in);
            multiply_and_add(&p, MB_MESSAGE_DESTINATION_BACK, n, d_destination, d_in);
        }
    }
}
