// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tools.h"

#include <stdlib.h>

// A number that may be negative. Returns false, and says so, when it is none.
static bool read_number(mb_session *session, const char *name, int64_t least, int64_t *out) {
    const char *text = option_text(session, name, NULL);
    if (text == NULL) {
        return true;
    }
    char *end = NULL;
    const long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || value < least) {
        usage_fail(session, "econt train: --%s '%s' is not a whole number of at least %lld", name,
            text, (long long)least);
        return false;
    }
    *out = value;
    return true;
}

static bool read_numbers(mb_session *session, mb_econt_train *train) {
    const struct {
        const char *name;
        int64_t least, *to;
    } numbers[] = {{"epochs", 0, &train->epochs}, {"epoch", 0, &train->epochs},
        {"AEonly", 0, &train->ae_only}, {"nELinks", 0, &train->elinks},
        {"nElinks", 0, &train->elinks}, {"nCSV", -1, &train->csv_events},
        {"maxVal", -1, &train->max_val}, {"nrowsPerFile", 1, &train->rows_per_file}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (!read_number(session, numbers[i].name, numbers[i].least, numbers[i].to)) {
            return false;
        }
    }
    return true;
}

static void read_flags(const mb_session *session, mb_econt_train *train) {
    const struct {
        const char *name;
        bool *to;
    } flags[] = {{"noHeader", &train->no_header}, {"quantize", &train->quantize},
        {"skipPlot", &train->skip_plot}, {"full", &train->full},
        {"quickTrain", &train->quick_train}, {"retrain", &train->retrain},
        {"evalOnly", &train->eval_only}, {"double", &train->double_rows},
        {"overrideInput", &train->override_input},
        {"rescaleInputToMax", &train->rescale_input_to_max},
        {"rescaleOutputToMax", &train->rescale_output_to_max},
        {"occReweight", &train->occ_reweight}, {"maskPartials", &train->mask_partials},
        {"maskEnergies", &train->mask_energies}, {"saveEnergy", &train->save_energy}};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        *flags[i].to = option_is_given(session, flags[i].name);
    }
}

static mb_status run(mb_session *session) {
    mb_econt_train train = MB_ECONT_TRAIN_INIT;
    train.input = option_text(session, "input", "nElinks_5/");
    train.models = option_text(session, "models", NULL);
    train.loss = option_text(session, "loss", NULL);
    train.compat = option_text(session, "compat", NULL);
    if (!read_numbers(session, &train)) {
        return MB_ERR_ARG;
    }
    if (train.ae_only > 1) {
        return usage_fail(
            session, "econt train: --AEonly %lld is neither 0 nor 1", (long long)train.ae_only);
    }
    read_flags(session, &train);
    const mb_run_settings settings =
        session_settings(session, option_text(session, "output", "CNN/PU/"));
    mb_answer *answer = NULL;
    const mb_status status =
        mb_econt_train_run(session->ctx, &train, &settings, session->seed, &answer);
    session_end_bar(session);
    if (status == MB_OK) {
        session_answer(session, answer);
    }
    return status;
}

static const option options[] = {
    {"input", 'i', OPTION_TEXT, "PATH", "CALQ table or folder of tables (default nElinks_5/)"},
    {"output", 'o', OPTION_TEXT, "DIR", "folder of the run (default CNN/PU/)"},
    {"epochs", 0, OPTION_TEXT, "N", "passes over the training rows (default 200)"},
    {"epoch", 0, OPTION_TEXT, "N", "the same"},
    {"AEonly", 0, OPTION_TEXT, "0|1",
        "1 (default): the autoencoders alone; 0: threshold, best_choice, stc16 and stc4, too"},
    {"nELinks", 0, OPTION_TEXT, "N", "links of the modules (default 5)"},
    {"nElinks", 0, OPTION_TEXT, "N", "the same"},
    {"noHeader", 0, OPTION_FLAG, NULL, "the first line of the tables is data"},
    {"loss", 0, OPTION_TEXT, "LOSS",
        "of all models: telescopeMSE8x8, weightedMSE, mse, emd:NAME, sinkhorn"},
    {"quantize", 0, OPTION_FLAG, NULL,
        "each model's quantised twin in its place; of all models those with quantisers"},
    {"skipPlot", 0, OPTION_FLAG, NULL, "no pictures"},
    {"full", 0, OPTION_FLAG, NULL, "all algorithms, and emd, dMean, dRMS, zero_frac, SSD"},
    {"quickTrain", 0, OPTION_FLAG, NULL, "the first 5000 training rows alone"},
    {"retrain", 0, OPTION_FLAG, NULL, "train also where DIR/NAME/NAME.hdf5 is there"},
    {"evalOnly", 0, OPTION_FLAG, NULL, "judge those weights on all rows, without training"},
    {"double", 0, OPTION_FLAG, NULL, "add up pairs of rows"},
    {"overrideInput", 0, OPTION_FLAG, NULL, "the path need not say nElinks_N"},
    {"nCSV", 0, OPTION_TEXT, "N", "rows of the verification tables (default 1); -1: all"},
    {"maxVal", 0, OPTION_TEXT, "N", "charges above become N counts; -1: none does"},
    {"rescaleInputToMax", 0, OPTION_FLAG, NULL, "divide images by their largest charge"},
    {"rescaleOutputToMax", 0, OPTION_FLAG, NULL, "scale outputs to the largest charge"},
    {"nrowsPerFile", 0, OPTION_TEXT, "N", "rows read of each file (default 500000)"},
    {"occReweight", 0, OPTION_FLAG, NULL, "weights of rows by rareness of occupancy and charge"},
    {"maskPartials", 0, OPTION_FLAG, NULL, "whole modules alone"},
    {"maskEnergies", 0, OPTION_FLAG, NULL, "rows with SimEnergyFraction above 0.05 alone"},
    {"saveEnergy", 0, OPTION_FLAG, NULL, "copy the energies to the verification tables"},
    {"models", 0, OPTION_TEXT, "A,B",
        "names that 'minbias econt models' lists; default: all of them"},
    {"compat", 0, OPTION_TEXT, "A,B",
        "quirks of the original to reproduce, or true: header_line, maxval_rows, rescale_input, "
        "stc_typo, image_order_baselines, quantize_noop, emdcnn_raw_sum, sentinel_mean"},
    {NULL, 0, OPTION_FLAG, NULL, NULL}};

static const operand operands[] = {{NULL, false, false, NULL}};

const mb_command econt_train = {.name = "econt train",
    .summary = "train and judge autoencoders: the original's train.py",
    .details = "The options become a study, which is stored in the run as study.yaml and can be "
               "run again with 'minbias run'. Weights of an earlier call in the same folder are "
               "judged again, unless --retrain.",
    .options = options,
    .operands = operands,
    .example = "minbias econt train -i nElinks_5/ -o run --epoch 1 --AEonly 1 --nELinks 5 "
               "--models 8x8_c8_S2_tele",
    .run = run};
