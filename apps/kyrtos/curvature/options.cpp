// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "options.hpp"

#include "../common/number_option.hpp"

#include <CLI/CLI.hpp>
#include <map>

namespace kyrtos::program {

namespace {

using Matrix = train::CurvatureConfig::Matrix;
using Preconditioner = train::CurvatureConfig::Preconditioner;

template <class Enum>
using Words = std::map<std::string, Enum>;

Words<Matrix> const matrices{{"hessian", Matrix::hessian},
                             {"gauss_newton", Matrix::gauss_newton},
                             {"preconditioned", Matrix::preconditioned}};
Words<Preconditioner> const preconditioners{{"bias_corrected", Preconditioner::bias_corrected},
                                            {"plain", Preconditioner::plain}};
Words<bool> const residuals{{"float64", true}, {"products", false}};
Words<EigenMethod> const methods{{"lanczos", EigenMethod::lanczos}, {"power", EigenMethod::power}};

template <class Enum>
std::string word_for(Words<Enum> const& words, Enum value) {
  for (auto const& [word, meaning] : words)
    if (meaning == value) return word;
  return {};
}

/// An option that is one of some words. `value` may be a std::optional.
template <class Enum, class Value>
void add_choice(CLI::App& command, std::string const& name, Words<Enum> const& words, Value& value,
                std::string const& help, std::string const& standard) {
  std::string list;
  for (auto const& [word, meaning] : words) list += (list.empty() ? "" : "|") + word;
  auto const check = [&words, list](std::string const& word) {
    return words.count(word) > 0 ? std::string() : "must be one of " + list;
  };
  command
      .add_option_function<std::string>(
          name, [&words, &value](std::string const& word) { value = words.at(word); }, help)
      ->check(CLI::Validator(check, ""))
      ->type_name(list)
      ->default_str(standard);
}

void add_matrix(CLI::App& command, CurvatureOptions& o) {
  command
      .add_option("checkpoint", o.checkpoints,
                  "Checkpoint, directory of a run, or configuration with training.start; with "
                  "--series files, directories, of which all checkpoints count, and patterns")
      ->required()
      ->type_name("PATH");
  command.add_flag("--series", o.series,
                   "One table of the checkpoints by training step, and one file");
  add_choice(command, "--matrix", matrices, o.matrix, "Whose eigenvalues", "hessian");
  add_choice(command, "--preconditioner", preconditioners, o.preconditioner,
             "Adam's P in P^(-1/2) H P^(-1/2), the preconditioned Hessian", "the run's");
  command
      .add_option("--match", o.match,
                  "Only parameters whose segments match, for instance 'blocks.*.attention.*'; may "
                  "be given again")
      ->allow_extra_args(false)
      ->take_all()
      ->type_name("PATTERN");
}

void add_batches(CLI::App& command, CurvatureOptions& o) {
  command.add_option("--data", o.data, "Files or patterns instead of the run's training data")
      ->type_name("FILE");
  add_number(command, "--batches", o.batches, 1,
             "The matrix is the mean over so many batches; more than one are also looked at alone")
      ->capture_default_str();
  add_number(command, "--sequences", o.sequences, 1,
             "A batch, over all ranks; random windows of the data, also where the run took them in "
             "order (data.order) [the run's probe]");
  add_number(command, "--micro-batch", o.micro_batch, 0,
             "Sequences a rank works on at once, for less memory [the run's]");
  add_number(command, "--length", o.length, 1, "Tokens a sequence [the run's]");
  add_number(command, "--seed", o.seed, 0,
             "Of batches and random vectors; the run's makes batch 0 its probe [the run's]");
  add_choice(command, "--precision", train::precisions(), o.precision,
             "Of all vectors; bf16 and tf32: of the factors in matrix products", "the run's");
  add_recompute(command, o.recompute);
}

void add_eigenvalues(CLI::App& command, CurvatureOptions& o) {
  add_choice(command, "--method", methods, o.method,
             "lanczos keeps a vector for each HVP; power keeps two, for the largest eigenvalue",
             "lanczos");
  add_number(command, "--top", o.top, 0, "How many of the largest eigenvalues")
      ->capture_default_str();
  add_number(command, "--smallest", o.smallest, 0, "How many of the smallest")
      ->capture_default_str();
  command.add_option("--tolerance", o.tolerance, "On the relative residuals |Au - λu|/|λ|")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  add_choice(command, "--residuals", residuals, o.float64_residuals,
             "Eigenvalues and residuals by a product in float64, which bounds their error, or by "
             "the --precision's own products, whose rounding the residuals leave out: less memory",
             "float64");
  add_number(command, "--max-hvps", o.max_hvps, 1, "Most products with the matrix")
      ->capture_default_str();
  command.add_flag("--per-block", o.per_block,
                   "Also the extreme eigenvalues of each block's own submatrix");
  command.add_flag("--per-kind", o.per_kind,
                   "The same of each kind of matrix, such as mlp.up, over all blocks");
  command.add_flag("--gauss-newton", o.gauss_newton,
                   "Beside the Hessian's also the largest eigenvalues of the Gauss-Newton matrix");
}

void add_estimates(CLI::App& command, CurvatureOptions& o) {
  command.add_flag("--trace", o.trace, "Also the trace, by Hutch++");
  add_number(command, "--trace-hvps", o.trace_hvps, 6, "Products for the trace")
      ->capture_default_str();
  command.add_flag("--spectrum", o.spectrum,
                   "Also the density of all eigenvalues, by stochastic Lanczos quadrature");
  add_number(command, "--spectrum-probes", o.spectrum_probes, 1, "Random vectors")
      ->capture_default_str();
  add_number(command, "--spectrum-steps", o.spectrum_steps, 1, "Products a random vector")
      ->capture_default_str();
}

void add_output(CLI::App& command, CurvatureOptions& o) {
  command
      .add_option("--out", o.out,
                  "HDF5 file for all results, replaced where it exists [a new "
                  "curvature-<checkpoint>.h5 in the run's directory]")
      ->type_name("FILE");
  auto* const json = command.add_flag("--json", o.json, "Print one JSON object, no table");
  command.add_flag("--plot", o.plot, "Draw the spectrum, or the series, afterwards")
      ->excludes(json);
}

/// What makes a series or a single measurement, and what does not go with it.
void complete_series(CurvatureOptions const& o) {
  if (o.plot && !o.series && !o.spectrum)
    throw CLI::ValidationError("--plot", "needs --spectrum or --series");
  if (o.series && (o.spectrum || o.per_block || o.per_kind))
    throw CLI::ValidationError("--series",
                               "has a row for each checkpoint: measure --spectrum, --per-block "
                               "and --per-kind of one at a time");
  if (o.series && o.top < 1)
    throw CLI::ValidationError("--series",
                               "is of the largest eigenvalue: --top must be at least 1");
  if (o.series) return;
  if (o.checkpoints.size() > 1)
    throw CLI::ValidationError("checkpoint", "several make a series: give --series too");
  auto const fault = CLI::ExistingPath(o.checkpoints.front());
  if (!fault.empty()) throw CLI::ValidationError("checkpoint", fault);
}

}  // namespace

void add_recompute(CLI::App& command, bool& value) {
  command.add_flag("--recompute", value,
                   "Keep only the residual stream of the pass, and compute the rest again on the "
                   "way back: less memory, a third more time");
}

void add_options(CLI::App& command, CurvatureOptions& options) {
  add_matrix(command, options);
  add_batches(command, options);
  add_eigenvalues(command, options);
  add_estimates(command, options);
  add_output(command, options);
}

void complete(CLI::App const& command, CurvatureOptions& o) {
  o.counts_are_given = command.count("--top") + command.count("--smallest") > 0;
  complete_series(o);
  if (o.gauss_newton && o.matrix != Matrix::hessian)
    throw CLI::ValidationError("--gauss-newton", "stands beside --matrix hessian alone");
  if (o.method == EigenMethod::lanczos) {
    if (o.max_hvps <= o.top + o.smallest)
      throw CLI::ValidationError(
          "--max-hvps",
          "Lanczos spends one product on the residual of each eigenvalue: more than "
          "--top and --smallest together are needed, or --method power");
    return;
  }
  if (command.count("--top") == 0) o.top = 1;
  if (command.count("--smallest") == 0) o.smallest = 0;
  if (o.top > 1 || o.smallest > 1)
    throw CLI::ValidationError("--method power",
                               "finds one eigenvalue at an end; use --method lanczos for more");
}

std::string name_of(Matrix matrix) {
  return word_for(matrices, matrix);
}

std::string name_of(Preconditioner preconditioner) {
  return word_for(preconditioners, preconditioner);
}

std::string name_of(EigenMethod method) {
  return word_for(methods, method);
}

}  // namespace kyrtos::program
