// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "detector/concentrator/concentrator.h"
#include "kernels/chip_codes.h"
#include "measure/baseline.h"
#include "study/module_run.h"

#include <math.h>

static bool is_named(const mb_texts *texts, const char *name) {
    for (size_t i = 0; i < texts->n; i++) {
        if (strcmp(texts->value[i], name) == 0 || strcmp(texts->value[i], "all") == 0) {
            return true;
        }
    }
    return false;
}

// The rows that no model was trained on: those for validation, or all where there are none.
static mb_status choose_rows(mb_module_evaluation *e) {
    const mb_round *round = &e->run->rounds[0];
    const size_t n_rows = e->run->dataset.n_rows;
    size_t n = 0;
    for (size_t i = 0; i < n_rows; i++) {
        n += round->split[i] == MB_SPLIT_VALIDATION;
    }
    const bool takes_all = n == 0 || round->fit->train.options.eval_only;
    n = takes_all ? n_rows : n;
    e->rows = mb_arena_allocate(&e->arena, e->run->ctx, mb_max_size(n, 1), sizeof *e->rows);
    if (e->rows == NULL) {
        return MB_ERR_MEMORY;
    }
    for (size_t i = 0; i < n_rows; i++) {
        if (takes_all || round->split[i] == MB_SPLIT_VALIDATION) {
            e->rows[e->n++] = (uint32_t)i;
        }
    }
    // The original takes max_val for a number of rows.
    const mb_node *most = mb_node_find(e->run->study->data, "max_val");
    if (mb_compat_has(&e->run->study->compat, "maxval_rows") && most != NULL &&
        most->kind == MB_NODE_INT && most->integer >= 0) {
        e->n = mb_min_size(e->n, (size_t)most->integer);
    }
    return MB_OK;
}

mb_status mb_module_gather_charges(mb_module_evaluation *e) {
    mb_context *ctx = e->run->ctx;
    const mb_column *charges = mb_dataset_find(&e->run->dataset, "charges");
    const mb_column *scale = mb_dataset_find(&e->run->dataset, "scale");
    if (charges == NULL || scale == NULL) {
        return mb_fail(ctx, MB_ERR_INTERNAL, "evaluate: the data has no charges");
    }
    const size_t n = mb_max_size(e->n, 1);
    e->charges = mb_arena_allocate(&e->arena, ctx, n * MB_HEX48_CELLS, sizeof *e->charges);
    e->scale = mb_arena_allocate(&e->arena, ctx, n, sizeof *e->scale);
    float *numbers = mb_arena_allocate(&e->arena, ctx, n, sizeof *numbers);
    if (e->charges == NULL || e->scale == NULL || numbers == NULL) {
        return MB_ERR_MEMORY;
    }
    MB_TRY(mb_column_gather(charges, ctx, e->rows, e->n, e->charges));
    MB_TRY(mb_column_gather(scale, ctx, e->rows, e->n, numbers));
    for (size_t i = 0; i < e->n; i++) {
        e->scale[i] = (double)numbers[i];
    }
    return MB_OK;
}

static mb_status score(mb_module_evaluation *e, const char *model, const char *algorithm,
    const float *restored, const mb_module_metric *metric) {
    mb_context *ctx = e->run->ctx;
    mb_module_score *s = &e->scores[e->n_scores];
    *s = (mb_module_score){.model = model, .algorithm = algorithm, .metric = metric};
    s->values = mb_arena_allocate(&e->arena, ctx, mb_max_size(e->n, 1), sizeof *s->values);
    s->shown = mb_arena_allocate(
        &e->arena, ctx, mb_max_size(e->n_shown * MB_HEX48_CELLS, 1), sizeof *s->shown);
    if (s->values == NULL || s->shown == NULL) {
        return MB_ERR_MEMORY;
    }
    const size_t n = e->n * MB_HEX48_CELLS;
    MB_TRY(mb_module_metric_of_rows(metric, &e->tables, ctx, "charges",
        mb_values_f32(e->charges, n), algorithm, mb_values_f32(restored, n), s->values));
    MB_TRY(mb_module_summarise(
        &s->summary, ctx, s->values, e->n, mb_compat_has(&e->run->study->compat, "sentinel_mean")));
    for (size_t i = 0; i < e->n_shown; i++) {
        memcpy(s->shown + i * MB_HEX48_CELLS, restored + e->shown[i] * (size_t)MB_HEX48_CELLS,
            MB_HEX48_CELLS * sizeof *restored);
    }
    s->error = s->summary.n > 0 ? s->summary.std / sqrt((double)s->summary.n) : (double)NAN;
    e->n_scores++;
    return MB_OK;
}

static mb_status score_all(
    mb_module_evaluation *e, const char *model, const char *algorithm, const float *restored) {
    for (size_t i = 0; mb_module_metrics[i] != NULL; i++) {
        if (is_named(&e->run->study->evaluate.metrics, mb_module_metrics[i]->name)) {
            MB_TRY(score(e, model, algorithm, restored, mb_module_metrics[i]));
        }
    }
    return MB_OK;
}

static mb_baseline_options baseline_options(const mb_study *study) {
    const mb_node *links = mb_node_find(study->data, "elinks");
    mb_baseline_options options = mb_baseline_defaults(
        links != NULL && links->kind == MB_NODE_INT ? (size_t)links->integer : 5);
    options.threshold = study->evaluate.threshold_mipt * MB_CALQ_COUNTS_A_MIPT;
    options.is_last = study->evaluate.tie == 1;
    options.drop = (unsigned)study->evaluate.drop;
    options.has_typo = mb_compat_has(&study->compat, "stc_typo");
    options.is_image_order = mb_compat_has(&study->compat, "image_order_baselines");
    return options;
}

static mb_status judge_baselines(mb_module_evaluation *e) {
    mb_context *ctx = e->run->ctx;
    const mb_baseline_options options = baseline_options(e->run->study);
    float *restored = mb_allocate(ctx, mb_max_size(e->n * MB_HEX48_CELLS, 1), sizeof *restored);
    mb_status status = restored == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t i = 0; mb_baselines[i] != NULL && status == MB_OK; i++) {
        if (!is_named(&e->run->study->evaluate.algorithms, mb_baselines[i]->name)) {
            continue;
        }
        status = mb_baseline_apply_rows(mb_baselines[i], &options, ctx, e->charges, e->n, restored);
        if (status == MB_OK) {
            status = score_all(e, "", mb_baselines[i]->name, restored);
        }
    }
    mb_release(ctx, restored);
    return status;
}

// A link's numbers end below 2: what an encoder without quantisers has above that is lost on any.
static void tell_clipped(const mb_module_evaluation *e, const mb_module_result *result) {
    const size_t n = e->n * result->n_codes;
    size_t n_above = 0;
    for (size_t i = 0; i < n; i++) {
        n_above += result->codes[i] >= 2.0F;
    }
    if (n_above > 0) {
        mb_journal_line(&e->run->journal,
            "%s: %.1f %% of the outputs are 2 or more, which links do not carry: they are clipped "
            "where outputs are cut to bits",
            result->name, 100.0 * (double)n_above / (double)n);
    }
}

// The encoder's outputs as a link of few bits carries them.
static mb_status judge_bits(mb_module_evaluation *e, const mb_module_result *result) {
    const mb_sizes *bits = &e->run->study->evaluate.bits;
    mb_context *ctx = e->run->ctx;
    if (bits->n == 0 || result->n_codes == 0) {
        return MB_OK;
    }
    tell_clipped(e, result);
    const size_t n = e->n * result->n_codes;
    float *codes = mb_allocate(ctx, mb_max_size(n, 1), sizeof *codes);
    float *cells = mb_allocate(ctx, mb_max_size(e->n * MB_HEX48_CELLS, 1), sizeof *cells);
    double *values = mb_allocate(ctx, mb_max_size(e->n, 1), sizeof *values);
    mb_status status = codes == NULL || cells == NULL || values == NULL ? MB_ERR_MEMORY : MB_OK;
    for (size_t b = 0; b < bits->n && status == MB_OK; b++) {
        mb_module_bits *out = &e->bits[e->n_bits];
        *out = (mb_module_bits){.model = result->name, .bits = (unsigned)bits->value[b]};
        for (size_t i = 0; i < n; i++) {
            codes[i] = mb_output_cut_value(result->codes[i], out->bits);
        }
        status = mb_module_decode(e, result, codes, cells);
        for (size_t i = 0; i < e->n * MB_HEX48_CELLS; i++) {
            cells[i] = cells[i] > 0 ? cells[i] : 0;
        }
        if (status == MB_OK) {
            status = mb_emd_of_rows(&e->tables.emd, ctx, "charges",
                mb_values_f32(e->charges, e->n * MB_HEX48_CELLS), result->name,
                mb_values_f32(cells, e->n * MB_HEX48_CELLS), 0, values);
        }
        if (status == MB_OK) {
            status = mb_module_summarise(&out->summary, ctx, values, e->n, false);
            e->n_bits++;
        }
    }
    mb_release(ctx, codes);
    mb_release(ctx, cells);
    mb_release(ctx, values);
    return status;
}

// Some learning rates of the dictionary, which are the original's, drive all rectifiers to zero.
static void tell_silence(const mb_module_evaluation *e, const char *name, size_t n_before) {
    const mb_emd_summary *summary = &e->scores[n_before].summary;
    if (e->n_scores > n_before && summary->n == 0 && summary->n_empty_output > 0) {
        mb_journal_line(&e->run->journal,
            "%s: restores nothing, all of its outputs are 0; train with a smaller learning rate: "
            "models: {NAME: {builtin: %s, train: {optimizer: {adam: {learning_rate: 0.001}}}}}",
            name, name);
    }
}

static mb_status judge_round(mb_module_evaluation *e, const mb_round *round) {
    mb_module_result *result = &e->results[e->n_results++];
    const double start = mb_seconds_now();
    const size_t n_before = e->n_scores;
    MB_TRY(mb_module_judge_model(e, round, result));
    MB_TRY(score_all(e, result->name, "ae", result->charges));
    tell_silence(e, result->name, n_before);
    MB_TRY(judge_bits(e, result));
    MB_TRY(mb_module_write_model(e, result));
    MB_TRY(mb_module_look_at_integers(e, result));
    mb_journal_line(&e->run->journal, "%s: judged %zu modules in %.2f s", result->name, e->n,
        mb_seconds_now() - start);
    return MB_OK;
}

mb_status mb_module_open(mb_module_evaluation *e, mb_run *run) {
    *e = (mb_module_evaluation){.run = run};
    mb_arena_init(&e->arena, run->ctx);
    MB_TRY(choose_rows(e));
    MB_TRY(mb_module_choose_shown(e));
    MB_TRY(mb_module_gather_charges(e));
    MB_TRY(mb_module_tables_init(&e->tables, run->ctx));
    size_t n_baselines = 0;
    size_t n_metrics = 0;
    while (mb_baselines[n_baselines] != NULL) {
        n_baselines++;
    }
    while (mb_module_metrics[n_metrics] != NULL) {
        n_metrics++;
    }
    const size_t n = run->n_rounds;
    e->results = mb_arena_allocate(&e->arena, run->ctx, mb_max_size(n, 1), sizeof *e->results);
    e->scores =
        mb_arena_allocate(&e->arena, run->ctx, (n + n_baselines) * n_metrics, sizeof *e->scores);
    e->bits = mb_arena_allocate(
        &e->arena, run->ctx, n * run->study->evaluate.bits.n + 1, sizeof *e->bits);
    return e->results == NULL || e->scores == NULL || e->bits == NULL ? MB_ERR_MEMORY : MB_OK;
}

const mb_module_score *mb_module_find_score(const mb_module_evaluation *e, const char *model,
    const char *algorithm, const mb_module_metric *metric) {
    for (size_t i = 0; i < e->n_scores; i++) {
        const mb_module_score *s = &e->scores[i];
        if (s->metric == metric && strcmp(s->algorithm, algorithm) == 0 &&
            (s->model[0] == '\0' || strcmp(s->model, model) == 0)) {
            return s;
        }
    }
    return NULL;
}

mb_status mb_module_evaluate(mb_run *run) {
    mb_module_evaluation e;
    if (run->n_rounds == 0) {
        return MB_OK;
    }
    mb_status status = mb_module_open(&e, run);
    if (status == MB_OK) {
        status = judge_baselines(&e);
    }
    const bool judges_models = is_named(&run->study->evaluate.algorithms, "ae");
    for (size_t i = 0; i < run->n_rounds && status == MB_OK && judges_models; i++) {
        status = judge_round(&e, &run->rounds[i]);
    }
    if (status == MB_OK) {
        status = mb_module_write_summary(&e);
    }
    if (status == MB_OK && run->study->evaluate.figures) {
        status = mb_module_draw(&e);
    }
    mb_arena_clear(&e.arena);
    return status;
}
