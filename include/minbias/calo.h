// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_CALO_H
#define MINBIAS_CALO_H

#include "minbias/answer.h"

#ifdef __cplusplus
extern "C" {
#endif

// Tools for calorimeter regions: 18 x 14 transverse energies an event, whole numbers 0 .. 1023,
// counts of 0.5 GeV; axis 1 is phi, axis 2 is eta, the flat index is 14 * phi + eta.
//
// Region files are HDF5 (dataset CaloRegions or X, AcceptanceFlag), .npy of (n, 252), (n, 18, 14)
// or (n, 18, 14, 1), or text: 252 or 253 numbers a line, or one event as 18 lines of 14. Score and
// label files are .npy, .npz, .h5 (a member as FILE:NAME), or .csv (a column as FILE:NAME, else the
// column "score", or the only one).
//
// What exists is kept unless is_forced (IO); a file appears whole or not at all. Every function
// fails with IO, FORMAT, SHAPE, RANGE or LIMIT for its files, with ARG for its other arguments.

typedef struct mb_calo_towers {
    unsigned phi_offset;     // row of a tower: (iphi + phi_offset) mod 72; 1, before August 2022 2
    bool has_veto_bits;      // write EGBit and TauBit too; the files must have iem or ihad
    bool is_split;           // consecutive pieces of 60, 20 and 20 % into STEM_0.h5, _1 and _2
    const char *const *jets; // a table of generator jets (event, pt in GeV, eta) for each file
    size_t n_jets;           // 0, or as many as files
} mb_calo_towers;
#define MB_CALO_TOWERS_INIT                                                                        \
    { 1, false, false, NULL, 0 }

// Sums calorimeter towers to regions. Files: tables with a header (event, iet, ieta, iphi; iem or
// ihad; one row a tower, sorted by event), or HDF5 with those datasets, flat with `offsets` (events
// + 1) or (events, most towers) filled up with ieta 0. output: an .h5 with CaloRegions float32 (n,
// 18, 14), event int64 (n), and where the input has flags or jets AcceptanceFlag (pt > 30 GeV and
// |eta| < 2.4). Events of all files follow one another. Nothing is ever in memory whole.
MB_API mb_status mb_calo_towers_to_regions(mb_context *ctx, const char *const *files, size_t n,
    const mb_calo_towers *settings, const char *output, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

// Decodes test vectors of the 36 links. output: .csv (region table), .npy (uint16 (n, 252)) or .h5
// (CaloRegions uint16, EGBit and TauBit, LocalPhi and LocalEta). With has_fields a .csv gets one
// row for each field that is not 0: event, region, phi, eta, et, eg_veto, tau_veto, local_phi,
// local_eta; an event without any gets a row for its region 0.
MB_API mb_status mb_calo_link_decode(mb_context *ctx, const char *links, bool has_fields,
    const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;
// Decodes scores, six words an event, of one link of a framed file or of a plain list of words.
// output: .csv, .npy, .npz or .h5, float64 (n), name "score".
MB_API mb_status mb_calo_link_scores(mb_context *ctx, const char *words, size_t link,
    const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;
// The way back: test vectors of regions (any region file, or a .csv with has_fields from above; an
// .h5 gives its bits too).
MB_API mb_status mb_calo_link_encode(mb_context *ctx, const char *regions, const char *output,
    bool is_forced, mb_answer **out) MB_MUST_CHECK;

// Mean images, spectra of ET, eta and phi, zero fraction, sums and maxima of accepted events of
// each region file. directory: profile.csv, plots/ and index.html.
MB_API mb_status mb_calo_profile(mb_context *ctx, const char *const *files, size_t n,
    const char *directory, bool is_forced, mb_answer **out) MB_MUST_CHECK;

// Accepted and all events of each region file as a Markdown table. output (may be NULL): .md or
// .csv.
MB_API mb_status mb_calo_acceptance(mb_context *ctx, const char *const *files, size_t n,
    const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;

// Trigger rate against threshold of several scores, and the ratio of each to the first at 100
// common thresholds. input_rate: "28.61MHz". directory: rate_curve.csv, ratio.csv and plots/.
MB_API mb_status mb_calo_rate_curve(mb_context *ctx, const char *const *scores, size_t n,
    const char *input_rate, const char *directory, bool is_forced, mb_answer **out) MB_MUST_CHECK;

typedef struct mb_calo_folds {
    size_t n_folds;
    bool is_stratified; // folds are drawn from the seed, else they are consecutive events
    uint64_t seed;
} mb_calo_folds;
// ROC curves of folds of the events with their mean and spread, on common false positive rates:
// 0, then equal steps of the logarithm. directory: roc_folds.csv and plots/.
MB_API mb_status mb_calo_roc_folds(mb_context *ctx, const char *scores, const char *labels,
    const mb_calo_folds *settings, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

// What two triggers accept of the same events: rates of each, of both, and of one alone (pure). at:
// the rate of both, "3kHz", or one each, "3kHz,5kHz". labels (may be NULL: all events are
// background): 0 and 1. output (may be NULL): .csv.
MB_API mb_status mb_calo_overlap(mb_context *ctx, const char *first, const char *second,
    const char *labels, const char *input_rate, const char *at, const char *output, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

// Models of the regions. model: any file that mb_model_load reads, with one input of 252 numbers:
// (252), (18, 14) or (18, 14, 1). An autoencoder gives as many; its score is the mean over regions
// of (x - f(x))^2. Of other models the score is the last of one or two numbers. Regions must be
// whole numbers 0 .. 1023 (RANGE); acceptance flags are not looked at. Each function fills a folder
// with a page index.html, tables (.csv) and plots/. Models that are none of the kind: SHAPE.

// Single events and what an autoencoder makes of them. events: "5", the first five, or "0,5,7".
// directory: reconstruct.csv (event, mse), regions.csv.
MB_API mb_status mb_calo_reconstruct(mb_context *ctx, const char *model, const char *file,
    const char *events, const char *directory, bool is_forced, mb_answer **out) MB_MUST_CHECK;

// Whether an autoencoder f treats mirror images alike: for each event the mean square error of
// mirror(f(x)) against f(x), of f(mirror(x)) against f(x), and between the two. most_events: of the
// file, 0 all. is_eta: mirrored in eta, else in phi. directory: equivariance.csv.
MB_API mb_status mb_calo_equivariance(mb_context *ctx, const char *model, const char *file,
    size_t most_events, bool is_eta, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;
// Relative change of the score when events are turned in phi by 0 .. 18 regions: mean and half a
// standard deviation (divisor n) over the events whose score is above 0. directory: phi_roll.csv.
MB_API mb_status mb_calo_phi_roll(mb_context *ctx, const char *model, const char *file,
    size_t most_events, const char *directory, bool is_forced, mb_answer **out) MB_MUST_CHECK;

// The score of one event of the file, and the size of its gradient by each region, brought from
// least .. largest to 0 .. 1; quantisers pass gradients straight on. directory: saliency.csv.
MB_API mb_status mb_calo_saliency(mb_context *ctx, const char *model, const char *file,
    size_t event, const char *directory, bool is_forced, mb_answer **out) MB_MUST_CHECK;

// A network in integers: a quantised model, or weight lists and their types (a name such as
// "v1.1.1", or a types file). The members of the other kind are NULL.
typedef struct mb_calo_network {
    const char *model;
    const char *weights, *types;
} mb_calo_network;

typedef struct mb_calo_export {
    const char *input; // format of the regions, such as "<10,10>u"; NULL: that
    const char *check; // events to compare float and fixed point on; NULL: none
} mb_calo_export;
#define MB_CALO_EXPORT_INIT                                                                        \
    { NULL, NULL }
// Writes a quantised model as weight lists and types.yaml into directory, and reads them back: the
// scores must be the same bit for bit. With check: check.csv, layers.csv, the page. Fails with
// UNSUPPORTED, naming the layer, for a model without integers.
MB_API mb_status mb_calo_firmware_export(mb_context *ctx, const char *model,
    const mb_calo_export *settings, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

typedef struct mb_calo_check {
    // Scores to compare with: words of the score (see mb_calo_link_scores), or a score file by its
    // suffix. NULL: the 253rd number of each line of a region table, where there is one.
    const char *reference;
    size_t link; // that carries the words
} mb_calo_check;
#define MB_CALO_CHECK_INIT                                                                         \
    { NULL, 0 }
// Scores events with firmware, compares bit for bit, and reports the ranges of every layer and what
// left its format. directory: scores.csv, differing.csv, layers.csv. When events differ everything
// is written and *out is given, and the result is RANGE.
MB_API mb_status mb_calo_firmware_check(mb_context *ctx, const char *weights, const char *types,
    const char *file, const mb_calo_check *settings, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

typedef struct mb_calo_precision {
    double limit;       // of the largest error of a score
    size_t most_events; // of the file, 0: all
    bool is_joint;      // each place with those found before; else each alone
    const char *input;  // as above, for a model
} mb_calo_precision;
#define MB_CALO_PRECISION_INIT                                                                     \
    { 0.5, 10000, false, NULL }
// For each layer the fewest bits of accumulator and result with which the largest error of the
// scores stays below the limit, against the model in float, or against the types as given.
// directory: precision.csv, curves.csv.
MB_API mb_status mb_calo_precision_tuner(mb_context *ctx, const mb_calo_network *network,
    const char *file, const mb_calo_precision *settings, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
