// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

static mb_status run(mb_session *session) {
    const char *input = option_text(session, "input", NULL);
    const char *output = option_text(session, "outputLayer", NULL);
    const char *name = option_text(session, "outputGraph", NULL);
    if (input == NULL || output == NULL || name == NULL) {
        return usage_fail(session,
            "econt to-graph: -i MODEL, --outputLayer NODE and --outputGraph NAME are all needed");
    }
    mb_answer *answer = NULL;
    const mb_status status = mb_econt_to_graph(session->ctx, input,
        option_text(session, "output", "."), output, name, session->is_forced, &answer);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {{"input", 'i', OPTION_NEEDED_TEXT, "MODEL",
                                     "a Keras file: .json with weights beside it, .h5, .keras"},
    {"output", 'o', OPTION_TEXT, "DIR", "folder of the graphs (default: the present one)"},
    {"outputLayer", 0, OPTION_NEEDED_TEXT, "NODE",
        "the result's node: encoded_vector/Relu or decoder_output/Sigmoid"},
    {"outputGraph", 0, OPTION_NEEDED_TEXT, "NAME",
        "DIR/NAME_constantgraph.pb and .pb.ascii are written"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{NULL, false, false, NULL}};

const mb_command econt_to_graph = {.name = "econt to-graph",
    .summary = "a model as a frozen graph of TensorFlow: converttoTF.py",
    .details = "Writes the graph as protobuf and as text, the weights as constants in it.",
    .options = options,
    .operands = operands,
    .example = "minbias econt to-graph -o graphs -i decoder.json --outputGraph decoder "
               "--outputLayer decoder_output/Sigmoid",
    .run = run};
