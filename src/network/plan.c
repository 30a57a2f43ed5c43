// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "network/plan_parts.h"

#include "network/layers/transpose.h"

typedef struct planner {
    mb_context *ctx;
    mb_plan *plan;
    const mb_model *model;
    bool *is_needed;    // per call: some output depends on it
    size_t *n_uses;     // per model value
    size_t *only_user;  // per model value: the last call that uses it
    size_t *value_of;   // per model value: the plan's value as produced, or SIZE_MAX
    size_t *written_of; // ... stored as written
    size_t *last_of;    // ... stored channels last
    bool *is_absorbed;  // per call: taken over by another step
    const mb_plan_settings *settings;
} planner;

static size_t *make_map(planner *p, size_t n, size_t value) {
    size_t *map = mb_arena_allocate(&p->plan->arena, p->ctx, mb_max_size(n, 1), sizeof *map);
    for (size_t i = 0; i < n && map != NULL; i++) {
        map[i] = value;
    }
    return map;
}

static mb_status open_planner(planner *p) {
    const mb_model *model = p->model;
    p->is_needed = mb_arena_allocate(
        &p->plan->arena, p->ctx, mb_max_size(model->n_calls, 1), sizeof *p->is_needed);
    p->is_absorbed = mb_arena_allocate(
        &p->plan->arena, p->ctx, mb_max_size(model->n_calls, 1), sizeof *p->is_absorbed);
    p->n_uses = make_map(p, model->n_values, 0);
    p->only_user = make_map(p, model->n_values, SIZE_MAX);
    p->value_of = make_map(p, model->n_values, SIZE_MAX);
    p->written_of = make_map(p, model->n_values, SIZE_MAX);
    p->last_of = make_map(p, model->n_values, SIZE_MAX);
    if (p->is_needed == NULL || p->is_absorbed == NULL || p->n_uses == NULL ||
        p->only_user == NULL || p->value_of == NULL || p->written_of == NULL ||
        p->last_of == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_outputs; i++) {
        p->is_needed[model->values[model->outputs[i]].producer] = true;
        p->n_uses[model->outputs[i]] += 2; // never absorbed
    }
    for (size_t i = model->n_calls; i-- > 0;) {
        const mb_call *call = &model->calls[i];
        for (size_t j = 0; j < call->n_inputs && p->is_needed[i]; j++) {
            p->is_needed[model->values[call->inputs[j]].producer] = true;
            p->n_uses[call->inputs[j]]++;
            p->only_user[call->inputs[j]] = i;
        }
    }
    return MB_OK;
}

static mb_status add_value(planner *p, const mb_value_type *type, size_t *value) {
    mb_plan *plan = p->plan;
    MB_TRY(mb_grow(
        p->ctx, &plan->values, &plan->value_capacity, plan->n_values + 1, sizeof *plan->values));
    plan->values[plan->n_values] = (mb_plan_value){.type = *type,
        .size = mb_value_size(type),
        .model_input = SIZE_MAX,
        .producer = SIZE_MAX,
        .output = SIZE_MAX};
    *value = plan->n_values++;
    return MB_OK;
}

// A step with its inputs (stored_as: the shape to tell it, NULL: as they are) and an output value
// of the given type; the caller plans it.
static mb_status add_step(planner *p, const mb_layer *layer, const size_t *inputs, size_t n_inputs,
    const mb_value_type *stored_as, const mb_value_type *out, mb_plan_step **step) {
    mb_plan *plan = p->plan;
    mb_arena *arena = &plan->arena;
    size_t output = 0;
    MB_TRY(add_value(p, out, &output));
    MB_TRY(mb_grow(
        p->ctx, &plan->steps, &plan->step_capacity, plan->n_steps + 1, sizeof *plan->steps));
    mb_plan_step *made = &plan->steps[plan->n_steps];
    memset(made, 0, sizeof *made);
    mb_value_type *types =
        mb_arena_allocate(arena, p->ctx, mb_max_size(n_inputs, 1), sizeof *types);
    bool *needs = mb_arena_allocate(arena, p->ctx, mb_max_size(n_inputs, 1), sizeof *needs);
    made->step.in_size =
        mb_arena_allocate(arena, p->ctx, mb_max_size(n_inputs, 1), sizeof *made->step.in_size);
    made->inputs = mb_arena_allocate(arena, p->ctx, mb_max_size(n_inputs, 1), sizeof *made->inputs);
    if (types == NULL || needs == NULL || made->step.in_size == NULL || made->inputs == NULL) {
        return MB_ERR_MEMORY;
    }
    bool has_gradient = false;
    for (size_t i = 0; i < n_inputs; i++) {
        const mb_plan_value *value = &plan->values[inputs[i]];
        types[i] = stored_as != NULL ? stored_as[i] : value->type;
        needs[i] = plan->is_training && value->needs_gradient;
        has_gradient = has_gradient || needs[i];
        made->step.in_size[i] = value->size;
        made->inputs[i] = inputs[i];
    }
    made->step.layer = layer;
    made->step.kernels = plan->kernels;
    made->step.options = layer != NULL ? layer->options : NULL;
    made->step.n_inputs = n_inputs;
    made->step.in = types;
    made->step.out = *out;
    made->step.out_size = mb_value_size(out);
    made->step.is_training = plan->is_training;
    made->step.is_frozen = plan->is_frozen;
    made->step.needs_input_gradient = needs;
    made->output = output;
    made->input_activity = SIZE_MAX;
    plan->values[output].producer = plan->n_steps;
    plan->values[output].needs_gradient =
        plan->is_training && (has_gradient || (layer != NULL && layer->n_weights > 0));
    *step = made;
    return MB_OK;
}

static mb_value_type rotate_type(const mb_value_type *type, bool to_last) {
    mb_value_type rotated = *type;
    for (unsigned i = 0; i < type->rank; i++) {
        rotated.dim[i] =
            type->dim[to_last ? (i + 1) % type->rank : (i + type->rank - 1) % type->rank];
    }
    return rotated;
}

static mb_status add_transposition(planner *p, size_t value, bool to_last, size_t *out) {
    const mb_value_type type = rotate_type(&p->plan->values[value].type, to_last);
    mb_plan_step *made = NULL;
    p->plan->values[value].needs_dense = true;
    MB_TRY(add_step(p, NULL, &value, 1, NULL, &type, &made));
    mb_plan_site site = {.arena = &p->plan->arena, .step = &made->step};
    mb_transpose_plan(&site, to_last);
    p->plan->values[made->output].is_last = to_last;
    *out = made->output;
    p->plan->n_steps++;
    return MB_OK;
}

// A model value stored as asked; a transposition is made once and shared.
static mb_status get_stored(planner *p, size_t model_value, bool wants_last, size_t *out) {
    const size_t produced = p->value_of[model_value];
    const mb_plan_value *value = &p->plan->values[produced];
    size_t *memo = wants_last ? &p->last_of[model_value] : &p->written_of[model_value];
    if (value->is_last == wants_last || value->type.rank < 2) {
        *memo = produced;
    }
    if (*memo == SIZE_MAX) {
        MB_TRY(add_transposition(p, produced, wants_last, memo));
    }
    *out = *memo;
    return MB_OK;
}

static bool wants_channels_last(const planner *p, const mb_call *call) {
    const mb_layer_ops *ops = call->layer->ops;
    if (ops->layout == MB_LAYOUT_CHANNELS) {
        return ops->is_channels_first(call->layer);
    }
    if (ops->layout == MB_LAYOUT_WRITTEN ||
        (ops->needs_written != NULL && ops->needs_written(call->layer))) {
        return false;
    }
    for (size_t i = 0; i < call->n_inputs; i++) {
        if (!p->plan->values[p->value_of[call->inputs[i]]].is_last) {
            return false;
        }
    }
    return true;
}

static mb_status plan_layer(planner *p, mb_plan_site *site) {
    if (site->layer->ops->plan(p->ctx, site) != MB_OK) {
        return mb_fail_within(p->ctx, "layer %s", site->layer->name);
    }
    return MB_OK;
}

// The step's output is that of the pool it took over.
static void set_pooled(
    mb_plan *plan, mb_plan_step *made, const mb_value_type *pooled, bool is_last) {
    made->step.out = is_last && pooled->rank > 1 ? rotate_type(pooled, true) : *pooled;
    made->step.out_size = mb_value_size(pooled);
    plan->values[made->output].type = made->step.out;
    plan->values[made->output].size = made->step.out_size;
}

// Offers a sparse column to the step as it is; one that takes it reads the indices in the written
// order itself. *made is NULL when it does not.
static mb_status plan_sparse(planner *p, const mb_call *call, mb_plan_site *site,
    const mb_value_type *out, bool is_last, mb_plan_step **made) {
    mb_plan *plan = p->plan;
    const size_t value = p->value_of[call->inputs[0]];
    const mb_value_type *column = &plan->values[value].type;
    const mb_value_type stored = is_last ? rotate_type(column, true) : *column;
    MB_TRY(add_step(p, call->layer, &value, 1, &stored, out, made));
    site->step = &(*made)->step;
    site->is_input_sparse = true;
    site->is_input_first = is_last;
    MB_TRY(plan_layer(p, site));
    site->is_input_sparse = site->is_input_first = false;
    if (!(*made)->step.takes_sparse) {
        plan->n_values--; // the attempt's output
        *made = NULL;
    }
    return MB_OK;
}

static mb_status plan_dense(planner *p, const mb_call *call, mb_plan_site *site,
    const mb_value_type *out, bool is_last, mb_plan_step **made) {
    mb_plan *plan = p->plan;
    size_t inputs[MB_PLAN_MOST_INPUTS];
    for (size_t i = 0; i < call->n_inputs; i++) {
        MB_TRY(get_stored(p, call->inputs[i], is_last, &inputs[i]));
        plan->values[inputs[i]].needs_dense = true;
    }
    MB_TRY(add_step(p, call->layer, inputs, call->n_inputs, NULL, out, made));
    site->step = &(*made)->step;
    const size_t producer = plan->values[inputs[0]].producer;
    if (call->n_inputs == 1 && producer != SIZE_MAX && plan->steps[producer].step.gives_activity) {
        site->active_source = &plan->steps[producer].step;
        (*made)->input_activity = producer;
    }
    return plan_layer(p, site);
}

// The quantiser that a layer ends in, as a step of its own: its gradient needs what comes before.
static mb_status add_quantizer(planner *p, const mb_call *call) {
    mb_plan *plan = p->plan;
    const size_t value = p->value_of[call->output];
    const mb_value_type type = plan->values[value].type;
    const bool is_last = plan->values[value].is_last;
    mb_plan_step *made = NULL;
    plan->values[value].needs_dense = true;
    MB_TRY(add_step(p, call->layer, &value, 1, NULL, &type, &made));
    mb_plan_site site = {.arena = &plan->arena, .layer = call->layer, .step = &made->step};
    mb_layer_plan_quantizer(&site);
    plan->values[made->output].is_last = is_last;
    p->value_of[call->output] = made->output;
    plan->n_steps++;
    return MB_OK;
}

static mb_status plan_call(planner *p, size_t index) {
    const mb_call *call = &p->model->calls[index];
    mb_plan *plan = p->plan;
    const bool is_last = wants_channels_last(p, call);
    mb_plan_followers behind;
    mb_plan_find_followers(p->model, call, p->n_uses, p->only_user, plan, &behind);
    const mb_value_type *written = &p->model->values[call->output].type;
    const mb_value_type out = is_last && written->rank > 1 ? rotate_type(written, true) : *written;
    mb_plan_step *made = NULL;
    mb_plan_site site = {.arena = &plan->arena,
        .layer = call->layer,
        .activation = behind.call[MB_FOLLOWS_ACTIVATION] != SIZE_MAX ? &behind.found : NULL,
        .dropout = mb_plan_follower(p->model, &behind, MB_FOLLOWS_DROPOUT),
        .normalization = mb_plan_follower(p->model, &behind, MB_FOLLOWS_NORMALIZATION),
        .pool = mb_plan_follower(p->model, &behind, MB_FOLLOWS_POOL)};
    if (call->n_inputs == 1 && plan->values[p->value_of[call->inputs[0]]].is_sparse) {
        MB_TRY(plan_sparse(p, call, &site, &out, is_last, &made));
    }
    if (made == NULL) {
        MB_TRY(plan_dense(p, call, &site, &out, is_last, &made));
    }
    size_t model_value = call->output;
    const bool is_taken[MB_FOLLOWERS] = {
        site.activation_taken, site.dropout_taken, site.normalization_taken, site.pool_taken};
    for (size_t i = 0; i < MB_FOLLOWERS; i++) {
        if (is_taken[i]) {
            p->is_absorbed[behind.call[i]] = true;
            model_value = p->model->calls[behind.call[i]].output;
        }
    }
    if (site.pool_taken) {
        set_pooled(plan, made, &p->model->values[model_value].type, is_last);
    }
    plan->values[made->output].is_last = is_last && made->step.out.rank > 1;
    p->value_of[model_value] = made->output;
    plan->n_steps++;
    return call->layer->quantizer.ops != NULL && !site.quantizer_taken ? add_quantizer(p, call)
                                                                       : MB_OK;
}

static mb_status plan_message(planner *p, size_t index, const mb_plan_message *message) {
    const mb_call *call = &p->model->calls[index];
    mb_plan *plan = p->plan;
    mb_plan_step *made = NULL;
    size_t nodes = 0;
    MB_TRY(get_stored(p, call->inputs[0], false, &nodes));
    plan->values[nodes].needs_dense = true;
    MB_TRY(
        add_step(p, call->layer, &nodes, 1, NULL, &p->model->values[message->output].type, &made));
    plan->values[made->output].needs_gradient = plan->is_training;
    mb_plan_site site = {.arena = &plan->arena, .layer = call->layer, .step = &made->step};
    if (mb_message_plan(p->ctx, &site, &message->layers) != MB_OK) {
        return mb_fail_within(p->ctx, "layer %s", call->layer->name);
    }
    for (size_t i = 0; i < message->n_calls; i++) {
        p->is_absorbed[message->calls[i]] = true;
    }
    p->value_of[message->output] = made->output;
    plan->n_steps++;
    return MB_OK;
}

static mb_status plan_inputs(planner *p) {
    mb_plan *plan = p->plan;
    const mb_model *model = p->model;
    plan->input_values = make_map(p, model->n_inputs, SIZE_MAX);
    plan->output_values = make_map(p, model->n_outputs, SIZE_MAX);
    if (plan->input_values == NULL || plan->output_values == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < model->n_inputs; i++) {
        size_t value = 0;
        MB_TRY(add_value(p, &model->values[model->inputs[i]].type, &value));
        plan->values[value].model_input = i;
        plan->values[value].is_sparse =
            p->settings->sparse_inputs != NULL && p->settings->sparse_inputs[i];
        plan->values[value].needs_gradient = plan->is_frozen && !plan->values[value].is_sparse;
        plan->input_values[i] = value;
        p->value_of[model->inputs[i]] = value;
    }
    return MB_OK;
}

static mb_status plan_outputs(planner *p) {
    mb_plan *plan = p->plan;
    if (p->model->n_outputs > MB_PLAN_MOST_OUTPUTS) {
        return mb_fail(p->ctx, MB_ERR_LIMIT, "model %s: has %zu outputs; at most %d are offered",
            p->model->name, p->model->n_outputs, MB_PLAN_MOST_OUTPUTS);
    }
    for (size_t i = 0; i < p->model->n_outputs; i++) {
        size_t value = 0;
        MB_TRY(get_stored(p, p->model->outputs[i], false, &value));
        if (plan->values[value].output != SIZE_MAX) {
            return mb_fail(p->ctx, MB_ERR_UNSUPPORTED,
                "model %s: outputs %zu and %zu are the same value; leave one out", p->model->name,
                plan->values[value].output, i);
        }
        plan->values[value].output = i;
        plan->values[value].needs_dense = true;
        plan->output_values[i] = value;
    }
    return MB_OK;
}

static mb_status make_packed(mb_context *ctx, mb_plan *plan) {
    plan->packed = mb_allocate_zeroed(ctx, plan->packed_floats, sizeof *plan->packed);
    if (plan->packed == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < plan->n_steps; i++) {
        mb_plan_step *s = &plan->steps[i];
        s->step.packed = plan->packed + s->at_packed;
        s->step.batch = s->step.packed + s->step.packed_floats;
    }
    return MB_OK;
}

static mb_status make_quantized(mb_context *ctx, mb_plan *plan) {
    bool is_any = false;
    for (size_t i = 0; i < plan->model->n_weights; i++) {
        const mb_weight *weight = plan->model->weights[i];
        is_any = is_any || (weight->quantizer.ops != NULL && !weight->is_folded);
    }
    if (!is_any) {
        return MB_OK;
    }
    plan->quantized = mb_allocate_zeroed(ctx, plan->model->n_parameters, sizeof *plan->quantized);
    return plan->quantized != NULL ? MB_OK : MB_ERR_MEMORY;
}

static mb_status make_plan(planner *p) {
    if (p->model->n_axes > 1 && p->settings->axis_rows == NULL) {
        return mb_fail(p->ctx, MB_ERR_UNSUPPORTED,
            "model %s: works with %s, of which events have any number; this is offered by train, "
            "evaluate and predict alone",
            p->model->name, p->model->axes[1].name);
    }
    MB_TRY(open_planner(p));
    MB_TRY(plan_inputs(p));
    for (size_t i = 0; i < p->model->n_calls; i++) {
        mb_plan_message message;
        if (p->model->calls[i].n_inputs == 0 || !p->is_needed[i] || p->is_absorbed[i]) {
            continue;
        }
        MB_TRY(mb_plan_find_message(
                   p->model, i, p->n_uses, p->only_user, p->plan->is_training, &message)
                   ? plan_message(p, i, &message)
                   : plan_call(p, i));
    }
    MB_TRY(plan_outputs(p));
    mb_plan_choose_lanes(p->plan);
    mb_plan_lay_out_values(p->plan);
    mb_plan_skip_backgrounds(p->plan);
    MB_TRY(make_quantized(p->ctx, p->plan));
    return make_packed(p->ctx, p->plan);
}

mb_status mb_plan_create(
    mb_context *ctx, const mb_model *model, const mb_plan_settings *settings, mb_plan **out) {
    *out = NULL;
    mb_plan *plan = mb_allocate_zeroed(ctx, 1, sizeof *plan);
    if (plan == NULL) {
        return MB_ERR_MEMORY;
    }
    mb_arena_init(&plan->arena, ctx);
    plan->runtime = mb_context_runtime(ctx);
    plan->model = model;
    plan->kernels = mb_kernels_for(mb_runtime_cpu(plan->runtime));
    plan->is_training = settings->is_training;
    plan->is_frozen = settings->is_training && settings->is_frozen;
    plan->is_one_chunk = settings->is_one_chunk;
    plan->max_rows = settings->max_rows;
    for (size_t i = 1; i < model->n_axes && settings->axis_rows != NULL; i++) {
        plan->axes[i].capacity = settings->axis_rows[i];
        plan->axes[i].event_rows =
            settings->event_rows != NULL ? settings->event_rows[i] : settings->axis_rows[i];
    }
    planner p = {.ctx = ctx, .plan = plan, .model = model, .settings = settings};
    const mb_status status = make_plan(&p);
    if (status != MB_OK) {
        mb_plan_destroy(plan);
        return status;
    }
    *out = plan;
    return MB_OK;
}

void mb_plan_destroy(mb_plan *plan) {
    if (plan == NULL) {
        return;
    }
    mb_runtime *runtime = plan->runtime;
    mb_runtime_release(runtime, plan->values);
    mb_runtime_release(runtime, plan->steps);
    mb_runtime_release(runtime, plan->packed);
    mb_runtime_release(runtime, plan->quantized);
    mb_runtime_release(runtime, plan->training);
    mb_runtime_release(runtime, plan->sums);
    mb_arena_clear(&plan->arena);
    mb_runtime_release(runtime, plan);
}

// Weights with a quantiser as their layers compute with them. Gradients go straight to the floats.
static const float *quantize(mb_plan *plan, const float *parameters) {
    if (plan->quantized == NULL) {
        return parameters;
    }
    memcpy(plan->quantized, parameters, plan->model->n_parameters * sizeof *parameters);
    for (size_t i = 0; i < plan->model->n_weights; i++) {
        const mb_weight *weight = plan->model->weights[i];
        const mb_quantizer_shape shape = mb_quantizer_shape_of(weight->rank, weight->dim);
        if (weight->quantizer.ops != NULL && !weight->is_folded) {
            mb_quantizer_apply(&weight->quantizer, &shape, parameters + weight->offset,
                plan->quantized + weight->offset);
        }
    }
    return plan->quantized;
}

void mb_plan_refresh_empty(mb_plan *plan, size_t source) {
    const mb_step *from = &plan->steps[source].step;
    for (size_t i = source + 1; i < plan->n_steps; i++) {
        mb_plan_step *s = &plan->steps[i];
        if (s->step.refresh_empty == NULL || s->input_activity != source) {
            continue;
        }
        s->step.refresh_empty(&s->step, from->packed + from->empty_out_at, s->step.packed);
        if (s->step.gives_activity) {
            mb_plan_refresh_empty(plan, i);
        }
    }
}

void mb_plan_load(mb_plan *plan, const float *parameters) {
    const float *values = quantize(plan, parameters);
    for (size_t i = 0; i < plan->n_steps; i++) {
        mb_plan_step *s = &plan->steps[i];
        if (s->step.refresh != NULL) {
            s->step.refresh(&s->step, values, s->step.packed);
        }
    }
    // Of a step that looks at the batch it is known when that has been done.
    for (size_t i = 0; i < plan->n_steps; i++) {
        mb_plan_step *s = &plan->steps[i];
        if (s->step.refresh_empty != NULL && s->input_activity == SIZE_MAX) {
            s->step.refresh_empty(&s->step, NULL, s->step.packed);
            mb_plan_refresh_empty(plan, i);
        }
    }
}
