// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

// One kind of loop over the edges of nodes (graph.h): for both sides, for the common width, whose
// vectors are whole, and for any. TITLE(x), PARAMETERS, ARGUMENTS, BEGIN and ADD_EDGE are undefined
// behind it.

#define END(s)
#define DEFINE_COLUMNS(which, nodes, places, others)                                               \
    static void TITLE(which)(                                                                      \
        const mb_graph *graph, size_t width, size_t k, PARAMETERS, float *out) {                   \
        const bool is_whole = false;                                                               \
        VISIT_COLUMNS(nodes, places, others)                                                       \
    }                                                                                              \
    static void TITLE(which##_whole)(const mb_graph *graph, size_t k, PARAMETERS, float *out) {    \
        const size_t width = MB_DOT;                                                               \
        const bool is_whole = true;                                                                \
        VISIT_COLUMNS(nodes, places, others)                                                       \
    }
#define EDGE(i) (i)
DEFINE_COLUMNS(in, graph->in_order, graph->in_offset, graph->source)
#undef EDGE
#define EDGE(i) (graph->out_edge[i])
DEFINE_COLUMNS(out, graph->out_order, graph->out_offset, graph->out_destination)
#undef EDGE
#undef DEFINE_COLUMNS

static void TITLE(side)(
    const mb_graph *graph, mb_graph_side side, size_t width, PARAMETERS, float *out) {
    for (size_t k = 0; k < width; k += LANES) {
        if (width == MB_DOT && side == MB_GRAPH_IN) {
            TITLE(in_whole)(graph, k, ARGUMENTS, out);
        } else if (width == MB_DOT) {
            TITLE(out_whole)(graph, k, ARGUMENTS, out);
        } else if (side == MB_GRAPH_IN) {
            TITLE(in)(graph, width, k, ARGUMENTS, out);
        } else {
            TITLE(out)(graph, width, k, ARGUMENTS, out);
        }
    }
}

#undef TITLE
#undef PARAMETERS
#undef ARGUMENTS
#undef BEGIN
#undef ADD_EDGE
#undef END
