// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "measure/roc.h"
#include "study/module_run.h"
#include "study/open.h"
#include "study/track_run.h"

// `evaluate:` of a study.

#define FIELD(name) offsetof(mb_evaluate_options, name)

const char *const mb_evaluate_split_names[] = {"train", "validation", "test", "auto", "all", NULL};

static const char *const restore_names[] = {"power2", "max", "sum", NULL};

static const char *const tie_names[] = {"first", "last", NULL};

static const char *const score_form_names[] = {"output", "logit", NULL};

const mb_option mb_evaluate_option_table[] = {
    {"roc", MB_OPTION_BOOL, FIELD(roc), "true", 0, 0, NULL, NULL,
        "ROC curve, areas and efficiencies, where the target is 0 or 1"},
    {"figures", MB_OPTION_BOOL, FIELD(figures), "true", 0, 0, NULL, "plots", "draw plots/"},
    {"threshold", MB_OPTION_REAL, FIELD(threshold), "0.5", 0, 0, NULL, NULL,
        "an event is accepted when its score is at least this: turn-on curves, default decision"},
    {"thresholds", MB_OPTION_REALS, FIELD(thresholds), "[0.5]", 0, 0, NULL, NULL,
        "give efficiency and background at these"},
    {"input_rate", MB_OPTION_TEXT, FIELD(input_rate), "28.61MHz", 0, 0, NULL, NULL,
        "rate of background events before the trigger"},
    {"at", MB_OPTION_TEXTS, FIELD(at), "", 0, 0, NULL, "rates",
        "rates to give efficiencies and store thresholds at, such as [1MHz, 100kHz]"},
    {"split", MB_OPTION_CHOICE, FIELD(split), "auto", 0, 0, mb_evaluate_split_names, NULL,
        "events the figures are made from; auto: test, or validation, or train"},
    {"on", MB_OPTION_TEXTS, FIELD(on), "", 0, 0, NULL, NULL,
        "samples of the data, by name: every fit and score is judged on the test events of each"},
    {"scores", MB_OPTION_NODE, FIELD(scores), "", 0, 0, NULL, NULL,
        "further scores to judge: {NAME: a model, or frobenius, mean, mean_square, max_square}"},
    {"score", MB_OPTION_CHOICE, FIELD(score), "output", 0, 0, score_form_names, NULL,
        "on: a model's score, its last output; logit: of two probabilities the logarithm of their "
        "ratio, which still orders events whose second is 1 in float"},
    {"predictions", MB_OPTION_BOOL, FIELD(predictions), "true", 0, 0, NULL, NULL,
        "write predictions.csv, a row an event (of graphs a row an edge)"},
    {"cluster", MB_OPTION_NODE, FIELD(cluster), "", 0, 0, NULL, NULL,
        "tracks: how hits are clustered, {eps, min_samples, of, per}"},
    {"tracks", MB_OPTION_NODE, FIELD(tracks), "", 0, 0, NULL, NULL,
        "tracks: how clusters are judged, {min_hits}"},
    {"algorithms", MB_OPTION_TEXTS, FIELD(algorithms), "[ae]", 0, 0, NULL, NULL,
        "modules: ae (the models), threshold, best_choice, stc16, stc4, share4, repeater, or all"},
    {"threshold_mipt", MB_OPTION_REAL, FIELD(threshold_mipt), "1.35", 0, 1e5, NULL, NULL,
        "modules: the algorithm threshold keeps cells above this charge in MIPT"},
    {"tie", MB_OPTION_CHOICE, FIELD(tie), "first", 0, 0, tie_names, NULL,
        "modules: of equal largest cells of a group the one that stc4 and stc16 give the sum to; "
        "the chip takes the last"},
    {"drop", MB_OPTION_SIZE, FIELD(drop), "0", 0, 15, NULL, NULL,
        "modules: low bits that the algorithm repeater leaves out; the chip: 1 of low density "
        "modules, 3 of high density ones"},
    {"metrics", MB_OPTION_TEXTS, FIELD(metrics), "[emd]", 0, 0, NULL, NULL,
        "modules: emd, dMean, dRMS, cross_corr, SSD, zero_frac, sinkhorn"},
    {"bits", MB_OPTION_SIZES, FIELD(bits), "", 1, 9, NULL, NULL,
        "modules: judge the models with encoder outputs cut to so many bits, too"},
    {"csv_events", MB_OPTION_INT, FIELD(csv_events), "1", -1, 1e9, NULL, NULL,
        "modules: rows of the verification CSVs; -1: all"},
    {"restore", MB_OPTION_CHOICE, FIELD(restore), "power2", 0, 0, restore_names, NULL,
        "modules: what of the input the decoder's output is scaled to"},
    {"scan_bits", MB_OPTION_BOOL, FIELD(scan_bits), "false", 0, 0, NULL, NULL,
        "modules: emd against the bits of each place of a quantised encoder, without training"},
    {"bit_errors", MB_OPTION_REALS, FIELD(bit_errors), "", 0, 1, NULL, NULL,
        "modules: judge quantised encoders with bits of their weights flipped so often, too"},
    MB_OPTIONS_END};

// Keys that only modules of the concentrator have are refused where they differ from what a stored
// study has for all.
static mb_status refuse_module_keys(
    mb_context *ctx, const mb_study *study, const mb_node *evaluate) {
    const mb_evaluate_options *options = &study->evaluate;
    const struct {
        const char *key;
        bool is_usual;
    } keys[] = {
        {"algorithms",
            options->algorithms.n == 1 && strcmp(options->algorithms.value[0], "ae") == 0},
        {"metrics", options->metrics.n == 1 && strcmp(options->metrics.value[0], "emd") == 0},
        {"threshold_mipt", options->threshold_mipt == 1.35},
        {"tie", options->tie == 0},
        {"drop", options->drop == 0},
        {"bits", options->bits.n == 0},
        {"csv_events", options->csv_events == 1},
        {"restore", options->restore == 0},
        {"scan_bits", !options->scan_bits},
        {"bit_errors", options->bit_errors.n == 0},
    };
    for (size_t i = 0; i < MB_COUNT_OF(keys); i++) {
        const mb_node *at = mb_node_find(evaluate, keys[i].key);
        if (at != NULL && !keys[i].is_usual) {
            return mb_fail_at(ctx, &study->document, at,
                "evaluate: %s is for modules of the concentrator; remove it", keys[i].key);
        }
    }
    return MB_OK;
}

mb_status mb_study_read_evaluate(mb_context *ctx, mb_study *study, const mb_node *evaluate) {
    mb_document *document = &study->document;
    MB_TRY(mb_options_parse(
        ctx, document, mb_evaluate_option_table, evaluate, "evaluate", NULL, &study->evaluate));
    double khz = 0;
    for (size_t i = 0; i <= study->evaluate.at.n; i++) {
        const char *text = i == 0 ? study->evaluate.input_rate : study->evaluate.at.value[i - 1];
        if (mb_rate_parse(ctx, text, &khz) != MB_OK) {
            return mb_fail_within(ctx, "%s: evaluate", document->name);
        }
    }
    if (study->evaluate.on.n == 0 && study->evaluate.scores != NULL) {
        return mb_fail_at(ctx, document, study->evaluate.scores,
            "evaluate: scores are judged on the samples of on:; name some there");
    }
    if (study->evaluate.on.n == 0 && study->evaluate.score != MB_SCORE_OUTPUT) {
        return mb_fail_at(ctx, document, mb_node_find(evaluate, "score"),
            "evaluate: score says how models are judged on the samples of on:; name some there");
    }
    MB_TRY(mb_track_read_evaluate(ctx, study));
    if (mb_module_is_study(study)) {
        MB_TRY(mb_module_check_evaluate(ctx, study));
    } else {
        MB_TRY(refuse_module_keys(ctx, study, evaluate));
    }
    mb_node *all =
        mb_options_to_node(ctx, document, mb_evaluate_option_table, &study->evaluate, true);
    return all == NULL ? MB_ERR_MEMORY
                       : mb_node_set(document, ctx, document->root, "evaluate", all);
}
