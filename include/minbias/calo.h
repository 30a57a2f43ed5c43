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

#ifdef __cplusplus
}
#endif

#endif
