// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "study/summary.h"

#include "exchange/keras.h"
#include "minbias/inspect.h"
#include "network/layer.h"
#include "study/answer.h"
#include "study/summary_order.h"
#include "study/summary_quantizers.h"

// The table follows print_summary of Keras 2.15 to the character, with its line breaks.

typedef struct table {
    mb_buffer *out;
    const size_t *positions;
    size_t n_columns;
} table;

enum { MOST_COLUMNS = 4 };

// Where a cell's text is cut: at the column's end, or behind the end of a tuple or list entry.
static size_t cut(const char *text, size_t width) {
    static const char *const ends[] = {"),", "},", "],", "',"};
    size_t length = mb_min_size(strlen(text), width);
    size_t best = length;
    bool is_found = false;
    for (size_t i = 0; i < MB_COUNT_OF(ends); i++) {
        const char *at = strstr(text, ends[i]);
        if (at != NULL && (size_t)(at - text) + 2 <= length) {
            const size_t here = (size_t)(at - text) + 2;
            best = is_found ? mb_min_size(best, here) : here;
            is_found = true;
        }
    }
    return best;
}

static void put_blanks(mb_buffer *out, size_t n) {
    while (n-- > 0) {
        mb_buffer_append(out, " ", 1);
    }
}

static void put_row(const table *t, const char *const *cells) {
    const char *left[MOST_COLUMNS];
    for (size_t i = 0; i < t->n_columns; i++) {
        left[i] = cells[i];
    }
    for (;;) {
        bool is_any = false;
        for (size_t i = 0; i < t->n_columns; i++) {
            is_any = is_any || *left[i] != '\0';
        }
        if (!is_any) {
            return;
        }
        size_t used = 1;
        mb_buffer_text(t->out, " ");
        for (size_t i = 0; i < t->n_columns; i++) {
            const bool is_last = i + 1 == t->n_columns;
            const size_t start = i > 0 ? t->positions[i - 1] : 0;
            const size_t length = cut(left[i], t->positions[i] - start - (is_last ? 0 : 3));
            mb_buffer_append(t->out, left[i], length);
            left[i] += length;
            used += length + (is_last ? 0 : 2);
            put_blanks(t->out, is_last ? 0 : 2);
            if (used < t->positions[i]) {
                put_blanks(t->out, t->positions[i] - used);
                used = t->positions[i];
            }
        }
        mb_buffer_text(t->out, "\n");
    }
}

static void put_line(mb_buffer *out, char c, size_t n) {
    while (n-- > 0) {
        mb_buffer_append(out, &c, 1);
    }
    mb_buffer_text(out, "\n");
}

// "741.75 KB" as Keras writes it.
static void put_memory(mb_buffer *out, uint64_t bytes) {
    static const char *const units[] = {"Byte", "KB", "MB", "GB", "TB"};
    double size = (double)bytes;
    size_t unit = 0;
    while (size >= 1024 && unit + 1 < MB_COUNT_OF(units)) {
        size /= 1024;
        unit++;
    }
    mb_buffer_format(out, "%.2f %s", size, units[unit]);
}

static void put_shape(mb_buffer *out, const mb_value_type *type) {
    mb_buffer_text(out, "(None");
    for (unsigned i = 0; i < type->rank; i++) {
        mb_buffer_format(out, ", %zu", type->dim[i]);
    }
    mb_buffer_text(out, type->rank == 0 ? ",)" : ")");
}

static void put_output(
    mb_buffer *out, const mb_model *model, const mb_summary_order *order, size_t unit) {
    const mb_summary_node *first = NULL;
    bool is_same = true;
    for (size_t i = 0; i < order->n_nodes; i++) {
        const mb_summary_node *node = &order->nodes[i];
        if (node->unit != unit) {
            continue;
        }
        first = first != NULL ? first : node;
        const mb_value_type *a = &model->values[first->outputs[0]].type;
        const mb_value_type *b = &model->values[node->outputs[0]].type;
        is_same =
            is_same && a->rank == b->rank && memcmp(a->dim, b->dim, a->rank * sizeof *a->dim) == 0;
    }
    if (first == NULL || !is_same) {
        mb_buffer_text(out, "multiple");
        return;
    }
    const bool is_list = order->units[unit].is_input || first->n_outputs > 1;
    mb_buffer_text(out, is_list ? "[" : "");
    for (size_t i = 0; i < first->n_outputs; i++) {
        mb_buffer_text(out, i > 0 ? ", " : "");
        put_shape(out, &model->values[first->outputs[i]].type);
    }
    mb_buffer_text(out, is_list ? "]" : "");
}

static void put_connections(mb_buffer *out, const mb_summary_order *order, size_t unit) {
    bool is_first = true;
    mb_buffer_text(out, "[");
    for (size_t i = 0; i < order->n_nodes; i++) {
        const mb_summary_node *node = &order->nodes[i];
        for (size_t j = 0; node->unit == unit && j < node->n_inputs; j++) {
            const mb_summary_source source = mb_summary_source_of(order, node->inputs[j]);
            mb_buffer_format(out, "%s'%s[%zu][%zu]'", is_first ? "" : ", ",
                order->units[source.unit].name, source.call, source.tensor);
            is_first = false;
        }
    }
    mb_buffer_text(out, "]");
}

static void put_unit(const table *t, const mb_model *model, const mb_summary_order *order,
    size_t unit, mb_buffer cell[MOST_COLUMNS]) {
    for (size_t i = 0; i < MOST_COLUMNS; i++) {
        cell[i].length = 0;
    }
    mb_buffer_format(&cell[0], "%s (%s)", order->units[unit].name, order->units[unit].class_name);
    put_output(&cell[1], model, order, unit);
    mb_buffer_format(&cell[2], "%zu", order->units[unit].n_parameters);
    put_connections(&cell[3], order, unit);
    const char *texts[MOST_COLUMNS];
    for (size_t i = 0; i < MOST_COLUMNS; i++) {
        texts[i] = cell[i].data != NULL ? cell[i].data : "";
    }
    put_row(t, texts);
}

static void put_totals(mb_buffer *out, const mb_model *model, size_t width) {
    size_t trainable = 0;
    size_t frozen = 0;
    for (size_t i = 0; i < model->n_weights; i++) {
        const mb_weight *weight = model->weights[i];
        *(weight->is_trainable && weight->layer->is_trainable ? &trainable : &frozen) +=
            weight->count;
    }
    const struct {
        const char *name;
        size_t n;
    } lines[] = {
        {"Total", trainable + frozen}, {"Trainable", trainable}, {"Non-trainable", frozen}};
    for (size_t i = 0; i < MB_COUNT_OF(lines); i++) {
        mb_buffer_format(out, "%s params: %zu (", lines[i].name, lines[i].n);
        put_memory(out, 4 * (uint64_t)lines[i].n);
        mb_buffer_text(out, ")\n");
    }
    put_line(out, '_', width);
}

void mb_summary_table(mb_buffer *out, const mb_model *model) {
    static const size_t narrow[] = {29, 55, 65};
    static const size_t wide[] = {29, 58, 68, 98};
    static const char *const head[] = {"Layer (type)", "Output Shape", "Param #", "Connected to"};
    mb_summary_order order;
    mb_buffer cell[MOST_COLUMNS];
    if (mb_summary_order_make(&order, out->ctx, model) != MB_OK) {
        out->status = MB_ERR_MEMORY;
        return;
    }
    for (size_t i = 0; i < MOST_COLUMNS; i++) {
        mb_buffer_init(&cell[i], out->ctx);
    }
    const table t = {.out = out,
        .positions = order.is_sequential ? narrow : wide,
        .n_columns = order.is_sequential ? 3 : 4};
    const size_t width = t.positions[t.n_columns - 1];
    mb_buffer_format(out, "Model: \"%s\"\n", model->name);
    put_line(out, '_', width);
    put_row(&t, head);
    put_line(out, '=', width);
    for (size_t i = 0; i < order.n_units; i++) {
        const size_t unit = order.sorted[i];
        if (order.units[unit].is_input && strcmp(model->class_name, "Sequential") == 0) {
            continue;
        }
        put_unit(&t, model, &order, unit, cell);
        put_blanks(out, width);
        mb_buffer_text(out, "\n");
    }
    put_line(out, '=', width);
    put_totals(out, model, width);
    for (size_t i = 0; i < MOST_COLUMNS; i++) {
        mb_buffer_clear(&cell[i]);
    }
    mb_summary_order_clear(&order, out->ctx);
}

static uint64_t call_flops(const mb_model *model, const mb_call *call) {
    mb_value_type inputs[64];
    const mb_layer *layer = call->layer;
    if (layer->ops->flops == NULL || call->n_inputs > MB_COUNT_OF(inputs)) {
        return 0;
    }
    for (size_t i = 0; i < call->n_inputs; i++) {
        inputs[i] = model->values[call->inputs[i]].type;
    }
    return layer->ops->flops(layer, inputs, call->n_inputs, &model->values[call->output].type);
}

static bool is_first_call(const mb_model *model, size_t index) {
    for (size_t k = 0; k < index; k++) {
        if (model->calls[k].layer == model->calls[index].layer) {
            return false;
        }
    }
    return true;
}

mb_costs mb_call_costs(const mb_model *model, size_t call) {
    const mb_layer *layer = model->calls[call].layer;
    mb_costs costs = {.flops = call_flops(model, &model->calls[call])};
    for (size_t k = 0; k < layer->n_weights && is_first_call(model, call); k++) {
        costs.parameters += layer->weights[k].count;
    }
    return costs;
}

mb_costs mb_model_costs(const mb_model *model, const char *part) {
    mb_costs costs = {0, 0};
    const size_t length = part != NULL ? strlen(part) : 0;
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_layer *layer = model->calls[i].layer;
        if (part != NULL &&
            (strncmp(layer->name, part, length) != 0 || layer->name[length] != '/')) {
            continue;
        }
        const mb_costs own = mb_call_costs(model, i);
        costs.flops += own.flops;
        costs.parameters += own.parameters;
    }
    return costs;
}

uint64_t mb_summary_axis_flops(const mb_model *model, unsigned axis) {
    uint64_t total = 0;
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_call *call = &model->calls[i];
        total += model->values[call->output].type.axis == axis ? call_flops(model, call) : 0;
    }
    return total;
}

uint64_t mb_summary_flops(const mb_model *model) {
    return mb_summary_axis_flops(model, MB_AXIS_EVENTS);
}

void mb_summary_flops_lines(mb_buffer *out, const mb_model *model) {
    for (unsigned i = 0; i < model->n_axes; i++) {
        const unsigned long long flops = mb_summary_axis_flops(model, i);
        if (i == MB_AXIS_EVENTS && (flops > 0 || model->n_axes == 1)) {
            mb_buffer_format(out, "FLOPs of one event: %llu\n", flops);
        } else if (i != MB_AXIS_EVENTS) {
            mb_buffer_format(
                out, "FLOPs for each of an event's %s: %llu\n", model->axes[i].name, flops);
        }
    }
}

static void answer_layers(mb_answer *answer, const mb_model *model) {
    mb_node *list = mb_answer_put_list(answer, NULL, "layers");
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_call *call = &model->calls[i];
        mb_node *map = mb_answer_add_map(answer, list);
        if (map == NULL) {
            return;
        }
        mb_answer_put_text(answer, map, "name", call->layer->name);
        mb_answer_put_text(answer, map, "class", mb_keras_class_of(call->layer));
        mb_node *shape = mb_answer_put_list(answer, map, "output_shape");
        const mb_value_type *type = &model->values[call->output].type;
        for (unsigned j = 0; j < type->rank; j++) {
            mb_answer_add_int(answer, shape, (int64_t)type->dim[j]);
        }
        size_t n = 0;
        for (size_t j = 0; j < call->layer->n_weights; j++) {
            n += call->layer->weights[j].count;
        }
        mb_answer_put_int(answer, map, "parameters", (int64_t)n);
        mb_answer_put_int(answer, map, "flops", (int64_t)call_flops(model, call));
        mb_node *from = mb_answer_put_list(answer, map, "from");
        for (size_t j = 0; j < call->n_inputs; j++) {
            const mb_value *value = &model->values[call->inputs[j]];
            mb_answer_add_text(answer, from, model->calls[value->producer].layer->name);
        }
    }
}

// A layer with quantisers: one that QKeras does not have before the others. NULL: none.
static const mb_layer *find_quantized(const mb_model *model) {
    const mb_layer *found = NULL;
    for (size_t i = 0; i < model->n_calls; i++) {
        const mb_layer *layer = model->calls[i].layer;
        if (!mb_keras_is_quantized(layer)) {
            continue;
        }
        if (!mb_keras_is_qkeras_class(mb_keras_class_of(layer))) {
            return layer;
        }
        found = found != NULL ? found : layer;
    }
    return found;
}

static mb_status answer_openers(mb_context *ctx, mb_answer *answer, const mb_model *model) {
    mb_document document;
    mb_keras_own own;
    mb_document_init(&document, ctx, model->name);
    const mb_status status = mb_keras_find_own(ctx, &document, model, &own);
    const mb_layer *quantized = find_quantized(model);
    if (status == MB_OK && own.layer == NULL && quantized != NULL) {
        mb_answer_line(answer,
            mb_keras_is_qkeras_class(mb_keras_class_of(quantized))
                ? "Opens in: QKeras (Keras 2; layer %s has quantisers)"
                : "Opens in: minbias alone (layer %s has quantisers, and QKeras has no such layer)",
            quantized->name);
    } else if (status == MB_OK && own.layer == NULL) {
        mb_answer_line(answer, "Opens in: Keras 2 and 3 (every layer is Keras's)");
    } else if (status == MB_OK && own.option != NULL) {
        mb_answer_line(answer, "Opens in: minbias alone (Keras has no option %s, layer %s)",
            own.option, own.layer->name);
    } else if (status == MB_OK) {
        mb_answer_line(answer,
            "Opens in: minbias alone (layer %s is no layer of Keras's; there its class must be "
            "registered as minbias>%s)",
            own.layer->name, own.layer->ops->class_name);
    }
    mb_answer_put_bool(answer, NULL, "opens_in_keras", own.layer == NULL && quantized == NULL);
    mb_document_clear(&document);
    return status;
}

mb_status mb_summary_answer(mb_context *ctx, mb_answer *answer, const mb_model *model) {
    mb_summary_table(&answer->text, model);
    const uint64_t flops = mb_summary_flops(model);
    char count[40];
    char bytes[40];
    if (model->n_axes == 1) {
        mb_answer_line(answer, "FLOPs of one event: %s (a multiplication and an addition are two)",
            mb_format_count(count, sizeof count, flops));
    }
    for (unsigned i = 1; i < model->n_axes; i++) {
        mb_answer_line(answer, "FLOPs for each of an event's %s: %s", model->axes[i].name,
            mb_format_count(count, sizeof count, mb_summary_axis_flops(model, i)));
    }
    mb_answer_line(answer, "Bytes of the weights: %s (float32)",
        mb_format_count(bytes, sizeof bytes, 4 * (uint64_t)model->n_parameters));
    mb_status status = mb_summary_quantizers(ctx, answer, model);
    if (status == MB_OK) {
        status = answer_openers(ctx, answer, model);
    }
    char hash[65];
    mb_model_hash(model, model->parameters, hash);
    mb_answer_line(answer, "Weights SHA-256: %s", hash);
    mb_answer_put_text(answer, NULL, "name", model->name);
    mb_answer_put_int(answer, NULL, "parameters", (int64_t)model->n_parameters);
    size_t trainable = 0;
    for (size_t i = 0; i < model->n_weights; i++) {
        trainable += model->weights[i]->is_trainable && model->weights[i]->layer->is_trainable
                         ? model->weights[i]->count
                         : 0;
    }
    mb_answer_put_int(answer, NULL, "trainable_parameters", (int64_t)trainable);
    mb_answer_put_int(answer, NULL, "flops", (int64_t)flops);
    mb_answer_put_int(answer, NULL, "bytes", 4 * (int64_t)model->n_parameters);
    mb_answer_put_text(answer, NULL, "weights_sha256", hash);
    answer_layers(answer, model);
    return status;
}

mb_status mb_model_summary(mb_context *ctx, const mb_model *model, mb_answer **out) {
    *out = NULL;
    mb_answer *answer = NULL;
    MB_TRY(mb_answer_create(ctx, &answer));
    return mb_answer_finish(answer, mb_summary_answer(ctx, answer, model), out);
}
