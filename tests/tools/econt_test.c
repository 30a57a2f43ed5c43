// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#include "tool.h"

#include "base/numbers.h"
#include "base/output.h"
#include "files/npy.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

// The concentrator's autoencoder as a user runs it: the original's command lines and the shipped
// study, at a size of seconds.

static void make_data(mb_tool_world *world) {
    mb_tool_expect(world, 0,
        "simulate concentrator -o data/V11/SampleSplitting_SignalAllocation --events 500 --force "
        "--set header=none");
}

static void assert_says(mb_tool_world *world, const char *name, const char *words) {
    char *text = mb_tool_read(world, name);
    if (strstr(text, words) == NULL) {
        fail_msg("%s does not say '%s' but: %.2000s", name, words, text);
    }
    mb_release(world->base.ctx, text);
}

static void test_econt__the_originals_training_line_runs_as_it_is(void **state) {
    mb_tool_world *world = *state;
    make_data(world);
    mb_tool_expect(world, 0,
        "econt train -i data/V11/SampleSplitting_SignalAllocation/nElinks_5/ -o ./comp_all/ "
        "--epoch 1 --AEonly 1 --nELinks 5 --noHeader --models 8x8_c8_S2_tele,8x8_c8_S2_ae_emdCNN");
    assert_non_null(strstr(world->last.out, "8x8_c8_S2_ae_emdCNN"));
    assert_says(world, "comp_all/study.yaml", "header: false");
    assert_says(world, "comp_all/study.yaml", "network: ae_huber");
    assert_says(world, "comp_all/summary.csv",
        "name,en_pams,tot_pams,en_flops,emd_ae,emd_ae_err\n8x8_c8_S2_tele,2144,4977,6544,");
    static const char *const files[] = {"8x8_c8_S2_tele.json", "encoder_8x8_c8_S2_tele.json",
        "decoder_8x8_c8_S2_tele.json", "verify_input_ae.csv", "verify_input_ae_abs.csv",
        "verify_input_calQ.csv", "verify_output.csv", "verify_decoded.csv",
        "verify_decoded_calQ.csv"};
    for (size_t i = 0; i < MB_COUNT_OF(files); i++) {
        char name[128];
        snprintf(name, sizeof name, "comp_all/8x8_c8_S2_tele/%s", files[i]);
        assert_int_equal(
            mb_tool_count_lines(world, name), strstr(files[i], ".json") != NULL ? 0 : 1);
    }
    // And of its graph script.
    mb_tool_expect(world, 0,
        "econt to-graph -o ./graphs/ -i comp_all/8x8_c8_S2_tele/decoder_8x8_c8_S2_tele.json "
        "--outputGraph decoder --outputLayer decoder_output/Sigmoid");
    mb_tool_expect(world, 0, "summary graphs/decoder_constantgraph.pb");
    assert_non_null(strstr(world->last.out, "2833"));
    assert_says(world, "graphs/decoder_constantgraph.pb.ascii", "decoder_output/Sigmoid");
    assert_says(
        world, "comp_all/8x8_c8_S2_tele/encoder_8x8_c8_S2_tele.pb.ascii", "encoded_vector/Relu");
    // The stored study is a study.
    mb_tool_expect(world, 0, "run comp_all/study.yaml -o again --set evaluate.figures=false");
    assert_says(world, "again/summary.csv", "8x8_c8_S2_tele,2144,4977,6544,");
    // The weights stay and are judged, all rows, beside the chip's algorithms.
    mb_tool_expect(world, 0,
        "econt train -i data/V11/SampleSplitting_SignalAllocation/nElinks_5/ -o ./comp_all/ "
        "--evalOnly --noHeader --skipPlot --nCSV -1 --AEonly 0 --models 8x8_c8_S2_tele");
    assert_int_equal(mb_tool_count_lines(world, "comp_all/8x8_c8_S2_tele/verify_output.csv"), 500);
    assert_says(world, "comp_all/scores.csv", ",best_choice,emd,");
    mb_tool_expect(world, 0, "econt flops comp_all/8x8_c8_S2_tele/encoder_8x8_c8_S2_tele.json");
    assert_non_null(strstr(world->last.out, "6544"));
}

static void test_econt__distance_networks_train_on_what_a_run_restored(void **state) {
    mb_tool_world *world = *state;
    mb_tool_expect(world, 0,
        "econt train-emd -i comp_all/8x8_c8_S2_tele/ --epoch 1 --noHeader -aeEMD -o net --force");
    // Three trainings, as the original's; the answer is of the one that is kept.
    char *table = mb_tool_read(world, "net/emd_net/repeats.csv");
    const char *row = table;
    double best[3] = {INFINITY, 0, 0};
    for (size_t i = 0; i < 3; i++) {
        size_t repeat = 9;
        double own[3] = {0};
        row = strchr(row, '\n') + 1;
        assert_int_equal(
            sscanf(row, "emd_net-%zu,1,%lf,%lf,%lf", &repeat, &own[0], &own[1], &own[2]), 4);
        assert_int_equal(repeat, i);
        if (own[0] < best[0]) {
            memcpy(best, own, sizeof best);
        }
    }
    assert_string_equal(strchr(row, '\n'), "\n");
    mb_release(world->base.ctx, table);
    char told[64];
    snprintf(told, sizeof told, "relative error %.4f +- %.4f", best[1], best[2]);
    assert_non_null(strstr(world->last.out, told));
    assert_int_equal(mb_tool_count_lines(world, "net/emd_net/emd_net-2_history.csv"), 2);
    mb_tool_expect(world, 0, "summary net/emd_net/emd_net-2.h5");
    mb_tool_expect(world, 0,
        "econt train -i data/V11/SampleSplitting_SignalAllocation/nElinks_5/ -o ./by_net/ --epoch "
        "1 --noHeader --quickTrain --skipPlot --models 8x8_c8_S2 --loss "
        "emd:net/emd_net/model.h5");
    mb_tool_expect(world, 0,
        "econt train-emd -i comp_all/8x8_c8_S2_tele/ --epoch 1 --repeats 1 --rows 30 -aeEMD "
        "-o net --force");
    assert_says(world, "net/log.txt", "30 pairs of 500 modules, 18 of them to train on");
    mb_tool_expect(world, 2, "econt train-emd -i x --aeEMD --rows none");
    mb_tool_expect(world, 2, "econt train-emd -i comp_all/8x8_c8_S2_tele/ --aeEMD --pairEMD");
    assert_non_null(strstr(world->last.err, "exactly one of"));
    mb_tool_expect(world, 0,
        "econt train -i data/V11/SampleSplitting_SignalAllocation/nElinks_5/ -o ./one/ --epoch 0 "
        "--noHeader --skipPlot --models 8x8_c8_S2_tele");
    assert_int_equal(remove(mb_tool_path(world, "one/8x8_c8_S2_tele/scores.npz")), 0);
    mb_tool_expect(world, 1, "econt train-emd -i one/8x8_c8_S2_tele --aeEMD -o two --force");
    assert_non_null(strstr(world->last.err,
        "verify_input_calQ.csv: only one row; run econt train again with --nCSV -1, or keep "
        "scores.npz"));
}

static void test_econt__a_study_trains_its_networks_first(void **state) {
    mb_tool_world *world = *state;
    static const char text[] =
        "study: nets\n"
        "data: {source: concentrator, files: "
        "data/V11/SampleSplitting_SignalAllocation/nElinks_5/}\n"
        "models: {last: {builtin: 8x8_c8_S2, train: {loss: \"emd:mine\"}}, first: {builtin: "
        "8x8_c8_S2_tele}}\n"
        "emd_nets: {mine: {pairs: both, of: first, conv: [4, 3, 1], dense: [8, 1], epochs: 2, "
        "repeats: 2, rows: 40}}\n"
        "train: {epochs: 1}\n"
        "evaluate: {figures: false}\n";
    mb_tool_write(world, "nets.yaml", text);
    mb_tool_expect(world, 0, "run nets.yaml -o nets");
    assert_says(world, "nets/emd_nets/mine/repeats.csv", "mine-1,");
    assert_says(world, "nets/summary.csv", "last,2144,4977");
    mb_tool_expect(world, 1, "run nets.yaml -o nets2 --set emd_nets.mine.of=last");
    assert_non_null(strstr(world->last.err, "take another model's reconstructions"));
    mb_tool_expect(world, 1, "run nets.yaml -o nets3 --set emd_nets.mine.of=frist");
    assert_non_null(strstr(world->last.err, "did you mean 'first'"));
}

static void test_econt__what_is_written_beside_a_name_leaves_its_loss(void **state) {
    mb_tool_world *world = *state;
    static const char *const models[] = {"model: {builtin: 8x8_c8_S2}",
        "models: {mine: {builtin: 8x8_c8_S2, train: {optimizer: {adam: {learning_rate: 0.002}}}}}"};
    for (size_t i = 0; i < MB_COUNT_OF(models); i++) {
        char text[512];
        mb_format(text, sizeof text,
            "study: loss\n%s\n"
            "data: {source: concentrator, files: "
            "data/V11/SampleSplitting_SignalAllocation/nElinks_5/}\n"
            "train: {epochs: 1}\nevaluate: {figures: false}\n",
            models[i]);
        mb_tool_write(world, "loss.yaml", text);
        mb_tool_expect(world, 0, "run loss.yaml -o loss --force");
        assert_says(world, "loss/study.yaml", "weighted_mse");
    }
    assert_says(world, "loss/study.yaml", "0.002");
}

static void test_econt__check_tries_losses_of_networks(void **state) {
    mb_tool_world *world = *state;
    static const char text[] = "study: check\n"
                               "data: {source: concentrator, files: "
                               "data/V11/SampleSplitting_SignalAllocation/nElinks_5/}\n"
                               "models: [8x8_c8_S2_ae_emdCNN]\n";
    mb_tool_write(world, "check.yaml", text);
    mb_tool_expect(world, 0, "check check.yaml");
    assert_non_null(strstr(world->last.out, "measured"));
    // One that the run trains first cannot be tried before.
    mb_tool_expect(
        world, 0, "check check.yaml --set emd_nets.mine.pairs=real --set train.loss=emd:mine");
    assert_non_null(strstr(world->last.out, "judged from the FLOPs"));
    mb_tool_expect(world, 1, "check check.yaml --set train.loss=emd:nothing.h5");
    assert_non_null(strstr(world->last.err, "nothing.h5"));
}

static void test_econt__a_model_that_restores_nothing_is_named(void **state) {
    mb_tool_world *world = *state;
    static const char text[] =
        "study: silent\n"
        "data: {source: concentrator, files: "
        "data/V11/SampleSplitting_SignalAllocation/nElinks_5/}\n"
        "models: [run3-row27-small-econ]\n"
        "train: {epochs: 30, batch: 50, callbacks: []}\nevaluate: {figures: false}\n";
    mb_tool_write(world, "silent.yaml", text);
    mb_tool_expect(world, 0, "run silent.yaml -o silent");
    assert_says(world, "silent/log.txt", "run3-row27-small-econ: restores nothing");
    assert_says(world, "silent/log.txt", "learning_rate: 0.001");
}

static void test_econt__the_shipped_study_gives_the_same_bits_twice(void **state) {
    mb_tool_world *world = *state;
    static const char small[] = "--set simulate.events=1500 --set train.epochs=2 --set "
                                "data.files=nElinks_5/ --set evaluate.metrics=[emd,SSD]";
    mb_tool_expect(world, 0, "new econt-autoencoder -o econt.yaml --force");
    mb_tool_expect(world, 0, "run econt.yaml -o toy1 --threads 1 %s --set data.dir=toy", small);
    mb_tool_expect(world, 0,
        "run econt.yaml -o toy2 --threads 2 %s --set data.dir=toy --set evaluate.figures=false",
        small);
    char *first = mb_tool_read(world, "toy1/scores.csv");
    char *second = mb_tool_read(world, "toy2/scores.csv");
    assert_string_equal(first, second);
    assert_non_null(strstr(first, "8x8_c8_S2_tele_qK_6bit,ae,emd,"));
    mb_release(world->base.ctx, first);
    mb_release(world->base.ctx, second);
    assert_says(world, "toy1/bits.csv", "8x8_c8_S2_tele,9,");
    mb_tool_expect(world, 0, "report toy1");
    mb_tool_expect(world, 1, "report toy1 toy2");
    assert_non_null(strstr(world->last.err, "toy1: has no ROC curve to compare"));
    // The trained forward pass and the integers of the chip are one thing.
    assert_says(world, "toy1/log.txt", "4800 of 4800 outputs equal those of the integer twin");
    assert_says(world, "toy1/8x8_c8_S2_tele_qK_6bit/ranges.csv", "encod_qa,convert,,0,0,0,");
    // Weights of 6 bits are multiples of 1/16 within [-2, 2).
    char *weights = mb_tool_read(world, "toy1/8x8_c8_S2_tele_qK_6bit/encoded_vector_kernel.csv");
    for (char *p = weights; *p != '\0';) {
        char *end = NULL;
        const double value = strtod(p, &end);
        assert_true(value * 16 == (double)(long)(value * 16) && value >= -2 && value < 2);
        p = end + 1;
    }
    mb_release(world->base.ctx, weights);
}

// The judged rows are the file's first fifth.
static void test_econt__new_files_are_predicted_as_the_run_judged(void **state) {
    mb_tool_world *world = *state;
    mb_context *ctx = world->base.ctx;
    static const char *const names[] = {"charges", "encoded", "decoded"};
    mb_tool_expect(
        world, 0, "predict toy1/fits/8x8_c8_S2_tele_qK_6bit toy/nElinks_5/charges.csv -o new.npz");
    assert_non_null(strstr(world->last.out, "1500 modules, 16 outputs and 48 charges of each"));
    for (size_t i = 0; i < MB_COUNT_OF(names); i++) {
        mb_array judged, predicted;
        assert_ok(
            ctx, mb_npz_read(ctx, mb_tool_path(world, "toy1/8x8_c8_S2_tele_qK_6bit/scores.npz"),
                     names[i], &judged));
        assert_ok(ctx, mb_npz_read(ctx, mb_tool_path(world, "new.npz"), names[i], &predicted));
        assert_int_equal(judged.shape[0], 300);
        assert_int_equal(predicted.shape[0], 1500);
        assert_memory_equal(judged.data, predicted.data, mb_array_count(&judged) * sizeof(float));
        mb_array_clear(&judged);
        mb_array_clear(&predicted);
    }
    mb_tool_expect(
        world, 0, "predict toy1/fits/8x8_c8_S2_tele/ toy/nElinks_5/charges.csv -o new.csv");
    assert_int_equal(mb_tool_count_lines(world, "new.csv"), 1501);
    assert_says(world, "new.csv", "file,event,encoded_0,");
    assert_says(world, "new.csv", ",encoded_15,CALQ_0,");
    mb_tool_expect(world, 1,
        "predict toy1/fits/8x8_c8_S2_tele toy/nElinks_5/charges.csv -o x.csv --accept 1kHz");
    assert_non_null(strstr(world->last.err, "restores modules, it accepts no events"));
}

static void test_econt__bits_of_a_run_are_scanned_without_training(void **state) {
    mb_tool_world *world = *state;
    mb_tool_expect(world, 0, "scan toy1 -o bits");
    assert_non_null(strstr(world->last.out, "8x8_c8_S2_tele_qK_6bit: the fewest bits"));
    assert_says(world, "bits/curves.csv",
        "model,layer,place,bits,emd\n8x8_c8_S2_tele_qK_6bit,input_qa,result,1,");
    assert_says(world, "bits/bits.csv", "8x8_c8_S2_tele_qK_6bit,encod_qa,result,\"<9,1>u ");
    assert_says(world, "bits/index.html", "One place of the encoder at a time");
    // With all bits the model is what it was.
    char *table = mb_tool_read(world, "bits/curves.csv");
    double whole[2] = {0};
    assert_int_equal(
        sscanf(strstr(table, "input_qa,result,11,"), "input_qa,result,11,%lf", &whole[0]), 1);
    assert_int_equal(
        sscanf(strstr(table, "encod_qa,result,9,"), "encod_qa,result,9,%lf", &whole[1]), 1);
    assert_true(whole[0] == whole[1]);
    mb_release(world->base.ctx, table);
    mb_tool_expect(world, 2, "scan one -o bits2");
    assert_non_null(strstr(world->last.err, "none of its models is quantised"));
    mb_tool_expect(world, 2, "scan toy1/fits/8x8_c8_S2_tele -o bits2");
    assert_non_null(strstr(world->last.err, "name the folder of the run"));
    mb_tool_expect(world, 2, "scan toy1 -o bits2 --trial 1");
}

static void test_econt__flipped_bits_of_weights_are_judged(void **state) {
    mb_tool_world *world = *state;
    mb_tool_expect(world, 0,
        "run econt.yaml -o faults --set models=[8x8_c8_S2_tele_fqK] --set simulate.events=1500 "
        "--set train.epochs=1 --set data.dir=toy --set evaluate.figures=false --set "
        "evaluate.algorithms=[ae] --set evaluate.bit_errors=[0,0.5]");
    char *table = mb_tool_read(world, "faults/8x8_c8_S2_tele_fqK/bit_errors.csv");
    double clean[2] = {0}, flipped = 0;
    assert_int_equal(
        sscanf(table, "probability,repeat,emd\n0,0,%lf\n0,1,%lf", &clean[0], &clean[1]), 2);
    assert_true(clean[0] == clean[1]);
    const char *line = strstr(table, "\n0.5,0,");
    assert_non_null(line);
    assert_int_equal(sscanf(line, "\n0.5,0,%lf", &flipped), 1);
    assert_true(flipped != clean[0]);
    mb_release(world->base.ctx, table);
}

static void test_econt__quantised_twins_are_taken_but_by_the_original(void **state) {
    mb_tool_world *world = *state;
    static const char line[] =
        "econt train -i data/V11/SampleSplitting_SignalAllocation/nElinks_5/ --epoch 0 --noHeader "
        "--skipPlot --quantize --models 8x8_c8_S2_tele";
    mb_tool_expect(world, 0, "%s -o twin", line);
    assert_says(world, "twin/summary.csv", "8x8_c8_S2_tele_qK,2144");
    mb_tool_expect(world, 0, "%s -o noop --compat quantize_noop", line);
    assert_says(world, "noop/summary.csv", "8x8_c8_S2_tele,2144");
    assert_says(world, "noop/study.yaml", "quantize_noop");
    // A model that has none does not stay a float one unnoticed.
    mb_tool_expect(world, 2, "econt train -i x --quantize --models denseCNN_2");
    assert_non_null(strstr(world->last.err, "'denseCNN_2' has no quantised twin"));
}

static void test_econt__all_models_quantised_are_those_with_quantisers(void **state) {
    mb_tool_world *world = *state;
    // The first of all models is a float one.
    mb_tool_expect(world, 1,
        "econt train -i data/V11/SampleSplitting_SignalAllocation/nElinks_5/ --evalOnly "
        "--noHeader --quantize -o quantised");
    assert_non_null(strstr(world->last.err, "8x8_c8_S2_qK_RTL.hdf5: there are no weights"));
}

static void test_econt__paths_may_have_quotes(void **state) {
    mb_tool_world *world = *state;
    mb_tool_expect(world, 1, "econt train-emd -i 'no\"such' -o quoted --pairEMD");
    assert_non_null(strstr(world->last.err, "no charge file 'no\"such'"));
}

static void test_econt__frozen_graphs_are_models_to_look_at(void **state) {
    mb_tool_world *world = *state;
    mb_tool_expect(world, 0, "inspect comp_all/8x8_c8_S2_tele/encoder_8x8_c8_S2_tele.pb");
    assert_non_null(strstr(world->last.out, "Total params: 2144"));
}

static void test_econt__wrong_names_are_answered_with_known_ones(void **state) {
    mb_tool_world *world = *state;
    mb_tool_expect(world, 2, "econt train -i x --AEonly 2 --models 8x8_c8_S2");
    FILE *file = fopen(mb_tool_path(world, "minus.csv"), "w");
    assert_non_null(file);
    for (size_t i = 0; i < 48; i++) {
        fputs(i == 0 ? "-1" : i < 47 ? ",1" : ",1\n", file);
    }
    assert_int_equal(fclose(file), 0);
    mb_tool_expect(world, 1, "econt telescope minus.csv minus.csv");
    assert_non_null(strstr(world->last.err, "minus.csv:1: column 1 is -1"));
    mb_tool_expect(world, 2, "econt train -i x --models 8x8_c8_S2_teel");
    assert_non_null(strstr(world->last.err, "did you mean '8x8_c8_S2_tele'"));
    assert_non_null(strstr(world->last.err, "denseCNN_2"));
    mb_tool_expect(world, 1,
        "econt train -i data/V11/SampleSplitting_SignalAllocation/nElinks_5/ -o x --noHeader "
        "--models 8x8_c8_S2 --loss telescopMSE8x8");
    assert_non_null(strstr(world->last.err, "unknown name 'telescopMSE8x8'"));
    mb_tool_expect(world, 1, "run econt.yaml -o x --set evaluate.algorithms=[treshold]");
    assert_non_null(strstr(world->last.err, "did you mean 'threshold'"));
    mb_tool_expect(world, 1, "run econt.yaml -o x --set models=[8x8_c8_S3_tele]");
    assert_non_null(strstr(world->last.err, "did you mean '8x8_c8_S2_tele'"));
    mb_tool_expect(world, 1,
        "econt train -i data/V11/SampleSplitting_SignalAllocation/nElinks_5/ -o none --evalOnly "
        "--noHeader --models 8x8_c8_S2");
    assert_non_null(strstr(world->last.err, "there are no weights to judge"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_econt__the_originals_training_line_runs_as_it_is),
        cmocka_unit_test(test_econt__distance_networks_train_on_what_a_run_restored),
        cmocka_unit_test(test_econt__a_study_trains_its_networks_first),
        cmocka_unit_test(test_econt__what_is_written_beside_a_name_leaves_its_loss),
        cmocka_unit_test(test_econt__check_tries_losses_of_networks),
        cmocka_unit_test(test_econt__a_model_that_restores_nothing_is_named),
        cmocka_unit_test(test_econt__the_shipped_study_gives_the_same_bits_twice),
        cmocka_unit_test(test_econt__new_files_are_predicted_as_the_run_judged),
        cmocka_unit_test(test_econt__bits_of_a_run_are_scanned_without_training),
        cmocka_unit_test(test_econt__flipped_bits_of_weights_are_judged),
        cmocka_unit_test(test_econt__quantised_twins_are_taken_but_by_the_original),
        cmocka_unit_test(test_econt__all_models_quantised_are_those_with_quantisers),
        cmocka_unit_test(test_econt__paths_may_have_quotes),
        cmocka_unit_test(test_econt__frozen_graphs_are_models_to_look_at),
        cmocka_unit_test(test_econt__wrong_names_are_answered_with_known_ones),
    };
    return cmocka_run_group_tests(tests, mb_tool_open, mb_tool_close);
}
