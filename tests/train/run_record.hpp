// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/run_record.hpp>

#include "support/file_size_limit.hpp"
#include "support/temporary_directory.hpp"

#include <hdf5.h>

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

// A run's record comes back to the last bit, survives kills, and follows a run that resumes.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;

inline train::StepReport some_step(Index step) {
  train::StepReport r;
  r.step = step;
  r.loss = 10.0 / 3 / static_cast<double>(step);
  if (step % 2 == 0) r.validation_loss = 0.1 + r.loss;
  r.gradient_norm = std::numeric_limits<double>::denorm_min() * static_cast<double>(step);
  r.learning_rate = 6e-4;
  r.active_depth = 6;
  if (step % 2 == 0) r.largest_logit = 1.0 / 7;
  r.clipped_heads = step;
  if (step % 3 != 0)
    r.sharpness = curvature::SharpnessReport{
        .lambda = -1e300,
        .residual = 0.01,
        .threshold_ratio = 1,
        .quality = step % 3 == 1 ? curvature::Quality::converged : curvature::Quality::lost,
        .stability = curvature::Stability::at_edge,
        .hvps = 5};
  if (step % 3 != 0) r.lambda_reference = 2.5;
  if (step % 2 == 0)
    r.check = train::CheckReport{.held_out = 1.0 / 3,
                                 .held_out_error = 1e-300,
                                 .precision_error = 0,
                                 .product_error = 1.0 / 7};
  if (step % 2 == 0) r.small_batch_ratio = 0.7;
  r.loss_z = -0.0;
  r.gradient_z = std::nextafter(1.0, 2.0);
  r.skipped = step % 2 == 1;
  r.tokens = (Index{1} << 52) + step;
  r.seconds = 1e-3;
  r.tokens_per_s = std::numeric_limits<double>::max();
  return r;
}

/// With NaNs equal, and zeros by their sign.
inline bool same(double a, double b) {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}
inline bool same(std::optional<double> a, std::optional<double> b) {
  return a.has_value() == b.has_value() && (!a || same(*a, *b));
}
inline bool same(curvature::SharpnessReport const& a, curvature::SharpnessReport const& b) {
  return same(a.lambda, b.lambda) && same(a.residual, b.residual) &&
         same(a.threshold_ratio, b.threshold_ratio) && a.quality == b.quality && a.hvps == b.hvps &&
         a.stability == b.stability;
}
inline bool same(train::CheckReport const& a, train::CheckReport const& b) {
  return same(a.held_out, b.held_out) && same(a.held_out_error, b.held_out_error) &&
         same(a.precision_error, b.precision_error) && same(a.product_error, b.product_error);
}
inline bool same(train::StepReport const& a, train::StepReport const& b) {
  return a.step == b.step && same(a.loss, b.loss) && same(a.validation_loss, b.validation_loss) &&
         same(a.gradient_norm, b.gradient_norm) && same(a.learning_rate, b.learning_rate) &&
         a.active_depth == b.active_depth && a.sharpness.has_value() == b.sharpness.has_value() &&
         (!a.sharpness || same(*a.sharpness, *b.sharpness)) &&
         a.check.has_value() == b.check.has_value() && (!a.check || same(*a.check, *b.check)) &&
         same(a.lambda_reference, b.lambda_reference) &&
         same(a.small_batch_ratio, b.small_batch_ratio) && same(a.loss_z, b.loss_z) &&
         same(a.gradient_z, b.gradient_z) && a.skipped == b.skipped &&
         same(a.largest_logit, b.largest_logit) && a.clipped_heads == b.clipped_heads &&
         a.tokens == b.tokens && same(a.seconds, b.seconds) && same(a.tokens_per_s, b.tokens_per_s);
}

/// Whether a run holds steps 1 to `last` as some_step() makes them.
inline bool holds(std::string const& path, Index last) {
  auto const run = train::read_run(path);
  bool all = static_cast<Index>(run.size()) == last;
  for (Index step = 1; all && step <= last; ++step)
    all = same(run[static_cast<std::size_t>(step - 1)], some_step(step));
  return all;
}

TEST_CASE("a step comes back from its line to the last bit", "[run_record]") {
  for (Index step = 1; step <= 6; ++step) {
    auto const line = to_json(some_step(step));
    CHECK(line.find('\n') == std::string::npos);
    CHECK(same(train::from_json(line), some_step(step)));
  }
}

TEST_CASE("the keys are the documented ones", "[run_record]") {
  auto step = some_step(2);
  std::set<std::string> keys;
  auto const object = nlohmann::json::parse(to_json(step));
  for (auto const& [key, value] : object.items()) keys.insert(key);
  CHECK(keys == std::set<std::string>{"step",
                                      "loss",
                                      "validation_loss",
                                      "gradient_norm",
                                      "learning_rate",
                                      "active_depth",
                                      "lambda",
                                      "residual",
                                      "threshold_ratio",
                                      "small_batch_ratio",
                                      "lambda_reference",
                                      "lambda_held_out",
                                      "lambda_held_out_error",
                                      "precision_error",
                                      "product_error",
                                      "hvps",
                                      "edge_of_stability",
                                      "quality",
                                      "loss_z",
                                      "gradient_z",
                                      "skipped",
                                      "largest_logit",
                                      "clipped_heads",
                                      "tokens",
                                      "seconds",
                                      "tokens_per_s"});
  CHECK(to_json(step).starts_with(R"({"step":2,"loss":1.6666666666666667,)"));
}

TEST_CASE("what is not finite is left out, and is not a number again", "[run_record]") {
  auto step = some_step(1);
  step.loss = std::numeric_limits<double>::quiet_NaN();
  step.loss_z = -std::numeric_limits<double>::infinity();
  step.sharpness->lambda = std::numeric_limits<double>::infinity();
  auto const object = nlohmann::json::parse(to_json(step));
  CHECK(!object.contains("loss"));
  CHECK(!object.contains("loss_z"));
  CHECK(!object.contains("lambda"));
  CHECK(!object.contains("validation_loss"));
  auto const back = train::from_json(to_json(step));
  CHECK(std::isnan(back.loss));
  CHECK(std::isnan(back.loss_z));
  CHECK(!back.sharpness->lambda);
}

TEST_CASE("lines may hold more, but not something else", "[run_record]") {
  CHECK(train::from_json(R"({"later": [1], "step": 3, "loss": 2})").loss == 2);
  auto const refusal = [](std::string const& line) {
    return failure<FileError>([&] { train::from_json(line); });
  };
  CHECK_THAT(refusal(R"({"step": 3, "lo)"), ContainsSubstring("is not a JSON object"));
  CHECK_THAT(refusal("3"), ContainsSubstring("is not a JSON object"));
  CHECK_THAT(refusal(R"({"loss": 3})"), ContainsSubstring("has no 'step'"));
  CHECK_THAT(refusal(R"({"step": 1.5})"), ContainsSubstring("'step' must be an integer"));
  CHECK_THAT(refusal(R"({"step": 1, "loss": "x"})"), ContainsSubstring("'loss' must be a number"));
  CHECK_THAT(refusal(R"({"step": 1, "skipped": 1})"), ContainsSubstring("must be true or false"));
  CHECK_THAT(refusal(R"({"step": 1, "quality": 1})"),
             ContainsSubstring("'quality' must be converged, following or lost"));
  CHECK_THAT(refusal(R"({"step": 1, "quality": "not\none"})"),
             ContainsSubstring("'quality' must be converged, following or lost"));
  for (auto const* const step : {"-1", "9007199254740992", "18446744073709551615"})
    CHECK_THAT(refusal(fmt::format(R"({{"step": {}}})", step)),
               ContainsSubstring("'step' must be an integer from 0 to 9007199254740991"));
  CHECK_THAT(refusal(R"({"step": 1, "hvps": 9007199254740992})"),
             ContainsSubstring("'hvps' must be an integer from 0 to 9007199254740991"));
}

TEST_CASE("a run comes back from either file", "[run_record]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  train::RunRecord record(ranks, directory / "new/run", "[model]\nwidth = 5", 0);
  CHECK(holds(record.hdf5_path(), 0));
  for (Index step = 1; step <= 7; ++step) record.append(some_step(step));
  ranks.barrier();
  CHECK(holds(record.jsonl_path(), 7));
  CHECK(holds(directory / "new/run", 7));
  CHECK(holds(record.hdf5_path(), 0));  // not yet
  ranks.barrier();
  record.save();
  CHECK(holds(record.hdf5_path(), 7));
  if (ranks.is_root()) std::filesystem::remove(record.jsonl_path());
  ranks.barrier();
  CHECK(holds(directory / "new/run", 7));
}

TEST_CASE("run.h5 has columns that any program reads", "[run_record]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  train::RunRecord record(ranks, directory.path(), "x = 1", 0);
  for (Index step = 1; step <= 3; ++step) record.append(some_step(step));
  record.save();
  hid_t const file = H5Fopen(record.hdf5_path().c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  double lambda[3] = {}, skipped[3] = {};
  auto const read = [&](char const* name, double* values) {
    hid_t const dataset = H5Dopen2(file, name, H5P_DEFAULT);
    CHECK(H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(dataset);
  };
  read("metrics/lambda", lambda);
  read("metrics/skipped", skipped);
  CHECK(lambda[0] == -1e300);
  CHECK(std::isnan(lambda[2]));  // step 3 measured none
  CHECK(skipped[0] == 1);
  CHECK(skipped[1] == 0);
  hid_t const quality = H5Dopen2(file, "metrics/quality", H5P_DEFAULT);
  hid_t const type = H5Dget_type(quality);
  char words[3][9] = {};
  CHECK(H5Tget_size(type) == 9);
  CHECK(H5Dread(quality, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, words) >= 0);
  CHECK(std::string(words[0], 9) == "converged");
  CHECK(std::string(words[1]) == "lost");
  CHECK(std::string(words[2]).empty());
  H5Tclose(type);
  H5Dclose(quality);
  H5Fclose(file);
}

/// Writes a record of one step, of which `write` changes a column, given as its dataset and type.
template <class Write>
void change_column(train::RunRecord& record, std::string const& name, Write const& write) {
  record.append(some_step(1));
  record.save();
  hid_t const file = H5Fopen(record.hdf5_path().c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
  hid_t const dataset = H5Dopen2(file, ("metrics/" + name).c_str(), H5P_DEFAULT);
  hid_t const type = H5Dget_type(dataset);
  CHECK(write(dataset, type) >= 0);
  H5Tclose(type);
  H5Dclose(dataset);
  H5Fclose(file);
}

TEST_CASE("a column with what can't be counted is named", "[run_record]") {
  Communicator const ranks(MPI_COMM_SELF);
  TemporaryDirectory const directory(ranks);
  auto const refusal = [&](std::string const& name, double value) {
    train::RunRecord record(ranks, directory.path(), "", 0);
    change_column(record, name, [&](hid_t column, hid_t) {
      return H5Dwrite(column, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, &value);
    });
    return failure<FileError>([&] { train::read_run(record.hdf5_path()); });
  };
  double const infinity = std::numeric_limits<double>::infinity();
  for (auto const value : {1e300, -1e300, infinity, 0.5, -1.0}) {
    CHECK_THAT(refusal("step", value), ContainsSubstring("run.h5: 'metrics/step' holds"));
    CHECK_THAT(refusal("hvps", value), ContainsSubstring("run.h5: 'metrics/hvps' holds"));
    CHECK_THAT(refusal("skipped", value), ContainsSubstring("must be true or false"));
    CHECK(refusal("loss", value).empty());
  }
  CHECK_THAT(refusal("hvps", 0x1p53),
             ContainsSubstring("holds 9007199254740992, which must be an int"));
  CHECK_THAT(refusal("step", std::nan("")), ContainsSubstring("'metrics/step' holds nan"));
  CHECK(refusal("hvps", std::nan("")).empty());  // what was not measured
}

TEST_CASE("a column with what is no word on quality is named", "[run_record]") {
  Communicator const ranks(MPI_COMM_SELF);
  TemporaryDirectory const directory(ranks);
  train::RunRecord record(ranks, directory.path(), "", 0);
  change_column(record, "quality", [](hid_t column, hid_t type) {
    std::string const no_text(H5Tget_size(type), '\x8c');  // nor UTF-8
    return H5Dwrite(column, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, no_text.data());
  });
  CHECK_THAT(failure<FileError>([&] { train::read_run(record.hdf5_path()); }),
             ContainsSubstring("run.h5: 'metrics/quality' must hold converged, following or lost"));
}

TEST_CASE("a run that resumes takes later steps again", "[run_record]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  {
    train::RunRecord record(ranks, directory.path(), "", 0);
    for (Index step = 1; step <= 5; ++step) record.append(some_step(step));
    record.save();
  }
  {
    train::RunRecord const record(ranks, directory.path(), "", 3);
    CHECK(holds(record.jsonl_path(), 3));
    CHECK(holds(record.hdf5_path(), 3));
  }
  train::RunRecord record(ranks, directory.path(), "", 9);  // more than there are
  for (Index step = 4; step <= 6; ++step) record.append(some_step(step));
  ranks.barrier();
  CHECK(holds(record.jsonl_path(), 6));
  CHECK(!std::filesystem::exists(record.jsonl_path() + ".partial"));
  ranks.barrier();
  train::RunRecord const anew(ranks, directory.path(), "", 0);
  CHECK(holds(directory.path(), 0));
}

TEST_CASE("a line that was cut off by a kill is dropped, others stay as they are", "[run_record]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const first = to_json(some_step(1)) + "\n", last = to_json(some_step(2));
  auto const foreign = R"({"note": "kept", "step": 2, "loss": 1e0})" + std::string("\n");
  for (std::size_t length = 0; length < last.size(); length += 7) {
    auto const path = directory.write("metrics.jsonl", first + last.substr(0, length));
    CHECK(holds(path, 1));
    train::RunRecord const record(ranks, directory.path(), "", 5);
    CHECK(directory.read("metrics.jsonl") == first);
  }
  CHECK(holds(directory.write("metrics.jsonl", first + last), 2));  // only its end is missing
  directory.write("metrics.jsonl", first + foreign);
  train::RunRecord const record(ranks, directory.path(), "", 5);
  CHECK(directory.read("metrics.jsonl") == first + foreign);
}

TEST_CASE("a line that is damaged within is named", "[run_record]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const line = to_json(some_step(1)) + "\n";
  auto const path = directory.write("metrics.jsonl", line + "{\"step\": 2, \"lo\n" + line);
  auto const expected = ContainsSubstring("metrics.jsonl:2: is not a JSON object; repair or");
  CHECK_THAT(failure<FileError>([&] { train::RunRecord(ranks, directory.path(), "", 5); }),
             expected);
  CHECK_THAT(failure<FileError>([&] { train::read_run(path); }), expected);
  CHECK(directory.read("metrics.jsonl").find("\"lo\n") != std::string::npos);  // untouched
  directory.write("metrics.jsonl", line + "{\"step\": 2, \"lo\n");
  CHECK_THAT(failure<FileError>([&] { train::read_run(path); }),
             expected);  // no kill leaves an end
}

TEST_CASE("steps that can't be written leave those before, and come with the next",
          "[run_record]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  train::RunRecord record(ranks, directory.path(), "", 0);
  record.append(some_step(1));
  ranks.barrier();
  auto const size = directory.read("metrics.jsonl").size();
  for (Index const step : {2, 3}) {
    FileSizeLimit const limit(size + (step == 2 ? 0 : 10));
    CHECK_THAT(failure<FileError>([&] { record.append(some_step(step)); }),
               ContainsSubstring("metrics.jsonl: can't be written"));
    CHECK(directory.read("metrics.jsonl").size() == size);
    ranks.barrier();
  }
  CHECK_THAT(failure<FileError>([&] {
               FileSizeLimit const limit(size);
               record.flush();
             }),
             ContainsSubstring("metrics.jsonl: can't be written"));
  record.append(some_step(4));
  ranks.barrier();
  CHECK(holds(directory.path(), 4));
}

TEST_CASE("records that can't be made or read", "[run_record]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  auto const file = directory.write("file", "");
  auto const words =
      failure<FileError>([&] { train::RunRecord(ranks, directory / "file/run", "", 0); });
  CHECK_THAT(words, ContainsSubstring("file/run: can't be made"));
  CHECK(ranks.broadcast(words) == words);
  CHECK_THAT(failure<FileError>([&] { train::read_run(directory / "absent"); }),
             ContainsSubstring("absent: can't be opened: No such file"));
  CHECK_THAT(failure<FileError>([&] { train::read_run(directory.path()); }),
             ContainsSubstring("metrics.jsonl: can't be opened"));
  directory.write("x.h5", "x");
  CHECK_THAT(failure<FileError>([&] { train::read_run(directory / "x.h5"); }),
             ContainsSubstring("x.h5: looks like plain text, but the record of a run"));
  // One line without an end may be a step that a kill cut off, or a whole file of something else.
  directory.write("metrics.jsonl", R"({"model_type": "gpt2"})");
  CHECK_THAT(failure<FileError>([&] { train::RunRecord(ranks, directory.path(), "", 5); }),
             ContainsSubstring("metrics.jsonl:1: has no 'step'; is it a run's metrics.jsonl?"));
  CHECK(directory.read("metrics.jsonl").size() == 22);  // untouched
}

}  // namespace kyrtos::testing
