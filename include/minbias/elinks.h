// SPDX-FileCopyrightText: The minbias authors
// SPDX-License-Identifier: Apache-2.0

#ifndef MINBIAS_ELINKS_H
#define MINBIAS_ELINKS_H

#include "minbias/answer.h"

#ifdef __cplusplus
extern "C" {
#endif

// Tools for the concentrator chip of a silicon module: 48 charges each crossing in, 1 .. 13 links
// of 32 bits out. Tables are CSV with a header, plain or gzip, read row by row; charges are columns
// CALQ_0 .. CALQ_47, whole numbers below 2^22.
//
// What exists is kept unless is_forced (IO); a file appears whole or not at all. Every function
// fails with IO, FORMAT, RANGE or LIMIT for its files ("FILE:LINE: ..."), with ARG for its other
// arguments. out may be NULL.

// How many links each module has. modules: a table with columns Layer, ModU, ModV, ECONT_eTX,
// HD_LD, ModType. allocation: "signal" (by layer), "pu" (the table's), or NULL: both. module:
// "LAYER,U,V", that one alone (a module that is not read out: RANGE), or NULL. output (may be
// NULL): a table Layer, ModU, ModV, HD_LD, ModType, and links_signal, links_pu.
MB_API mb_status mb_elinks_allocate(mb_context *ctx, const char *modules, const char *allocation,
    const char *module, const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;

typedef struct mb_elinks_split {
    const char *modules;    // as above
    const char *allocation; // as above
    const char *module;     // of all rows, where they have no layer, waferu, waferv; or NULL
    uint64_t job;           // entry += 10000 job
    bool is_negative;       // entry += 5000
    bool is_dropping;       // leaves out rows of modules without links, else these are errors
} mb_elinks_split;
// Training data by links: rows of charges into NAME_TrainingData_SignalAllocation/nElinks_N/
// NAME_LayerL_NLinks.csv below directory, and the same for PU; NAME is that of the file. Rows
// without charge are left out, layer, waferu, waferv, HD_LD and ModType added where they are not
// there.
MB_API mb_status mb_elinks_split_files(mb_context *ctx, const char *const *files, size_t n,
    const mb_elinks_split *settings, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

// Keeps rows with SimEnergyTotal > 0 of whole modules (ModType FI, FM, FO). input: a file, then
// output is one, too; or a folder, then all its files (.csv, .csv.gz, also below) go to the same
// places of the folder output.
MB_API mb_status mb_elinks_skim(mb_context *ctx, const char *input, const char *output,
    bool is_forced, mb_answer **out) MB_MUST_CHECK;

typedef struct mb_elinks_shuffle {
    uint64_t seed;
    uint64_t memory;        // bytes that rows may take at a time; the order does not depend on it
    uint64_t rows_per_file; // > 0
    const char *name;       // of the files: NAME_0.csv ...; NULL: "shuffled"
} mb_elinks_shuffle;
#define MB_ELINKS_SHUFFLE_INIT                                                                     \
    { 1, UINT64_C(256) << 20, 500000, NULL }
// Rows of all files (or of a folder's) in random order, a uniform permutation that the seed names,
// through temporary files in directory where memory does not hold them. Files must have the same
// columns; a first line of numbers is a row, as that of any other.
MB_API mb_status mb_elinks_shuffle_files(mb_context *ctx, const char *const *files, size_t n,
    const mb_elinks_shuffle *settings, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

// How frames are made.
typedef struct mb_elinks_format {
    const char *algorithm; // autoencoder, threshold, best_choice, stc4_9, stc4_7, stc16_9, ctc4_7,
                           // repeater, ports (words of the chip's inputs); emulate: also none
    uint64_t n_links;      // 1 .. 13
    bool is_high_density;  // charges leave out 3 bits, else 1
    uint64_t header_bits;  // of the autoencoder: 5 or 4
    const char *keep;      // 36 hexadecimal digits, output 15 first: the bits of outputs that are
                           // sent; NULL: the uppermost that the links carry
    const char *mapping;   // table TC_Number, ECON_TC_Number_PostMux, ECON_TC_Number_PreMux; NULL:
                           // cells stay in the order of the inputs
    const char *order;     // with mapping: "post", cells as the chip has them, or "ae", as charges
} mb_elinks_format;
#define MB_ELINKS_FORMAT_INIT                                                                      \
    { "autoencoder", 5, false, 5, NULL, NULL, "post" }

typedef struct mb_elinks_emulation {
    mb_elinks_format format;
    uint64_t calibration; // 0 .. 4095: charge = floor(value * calibration / 2048)
    double eta;           // of the module, -10 .. 10; not 0: calibration is round(2048 / cosh eta)
    uint64_t threshold;   // least charge that a threshold sum sends
    bool is_rest;         // module sums are of the cells that are not sent
    bool is_first;        // of equal cells of a group the first is named, else the last
    bool is_framed;       // input words have 32 bits, the uppermost 4 a header of 9 or 10
    const char *encoder;  // a model, or weight words (.txt); for the autoencoder
    const char *weights;  // format of the chip's weights: "1.5" or "2.4"
    bool is_saturating;   // weights beyond it are clipped and counted, else an error
    const char *commands; // fast commands; NULL: none
} mb_elinks_emulation;
#define MB_ELINKS_EMULATION_INIT                                                                   \
    { MB_ELINKS_FORMAT_INIT, 2048, 0, 47, false, false, false, NULL, "2.4", false, NULL }
// The chip, block by block. file: input words (ePortRxDataGroup_0 .. _11, 28 bits), or charges,
// which then enter behind the calibration. directory: ports.csv, mux.csv, calq.csv, algorithm.csv,
// formatter.csv, buffer.csv, links.csv; with algorithm "none" the first three. calq.csv keeps the
// other columns of file.
MB_API mb_status mb_elinks_emulate(mb_context *ctx, const char *file,
    const mb_elinks_emulation *settings, const char *directory, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

// Numbers to words of 16 bits, n_words, WORD_0 .. WORD_25, and back. Numbers are header, type, sum,
// n, address_0 .., code_0 .. as emulate writes them in algorithm.csv; of "ports" they are charges,
// and words ePortRxDataGroup_0 .. _11. Outputs of more bits than links carry are cut.
MB_API mb_status mb_elinks_pack(mb_context *ctx, const char *file, const mb_elinks_format *format,
    const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;
// with_charges: writes what the words say of charges, CALQ_0 .. CALQ_47, instead of codes; not for
// the autoencoder, whose outputs need the decoder. is_centred: the middle of a code's values, else
// the least.
MB_API mb_status mb_elinks_unpack(mb_context *ctx, const char *file, const mb_elinks_format *format,
    bool with_charges, bool is_centred, const char *output, bool is_forced,
    mb_answer **out) MB_MUST_CHECK;

// Writes the weights of an encoder as the chip's slow control has them: 2144 words of 6 bits, one a
// line, hexadecimal: convolution, its bias, dense layer, its bias, in the order of Keras. weights
// and is_saturating: as above.
MB_API mb_status mb_elinks_weights(mb_context *ctx, const char *model, const char *weights,
    bool is_saturating, const char *output, bool is_forced, mb_answer **out) MB_MUST_CHECK;

// Compares two folders that emulate wrote, block by block: ports, multiplexer, charges, algorithm,
// formatter, buffer, serialiser; the first difference by row and bit. When they differ *out is
// given, and the result is RANGE.
MB_API mb_status mb_elinks_verify(
    mb_context *ctx, const char *first, const char *second, mb_answer **out) MB_MUST_CHECK;

#ifdef __cplusplus
}
#endif

#endif
