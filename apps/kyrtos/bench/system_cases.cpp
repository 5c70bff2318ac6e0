// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "system_cases.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/parallel/all_reduce.hpp>
#include <kyrtos/train/run.hpp>

#include "io/files/replacement.hpp"
#include "random.hpp"

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <span>

namespace kyrtos::bench {

namespace {

constexpr std::array groups{"parameters", "optimizer/m", "optimizer/v"};

/// 0, 1, 2, …: random numbers of this many would take longer than all that is measured.
Vector<float, Space> numbered_vector(Context<Space> const& context, std::string const& name,
                                     Index size) {
  auto const v = allocate<float>(context, "bench::" + name, size);
  linalg::detail::for_each(
      context, "kyrtos::bench::numbered_vector", size,
      KOKKOS_LAMBDA(Index i) { v(i) = static_cast<float>(i); });
  return v;
}

struct Checkpoint {
  Checkpoint(Context<Space> const& where, model::TransformerConfig const& config,
             std::string const& directory)
      : context(where),
        layout(model::Transformer<float, Space>(config).layout()),
        path(directory + "/checkpoint.h5"),
        plain(directory + "/plain") {
    train::RunConfig run;
    run.model = config;
    text.config = train::to_toml(run);
    for (char const* group : groups)
      vectors.push_back(numbered_vector(context, group, layout.size()));
  }

  void write() const {
    std::vector<io::NamedVector<float const, Space>> named;
    for (std::size_t i = 0; i < groups.size(); ++i) named.push_back({groups[i], vectors[i]});
    io::write_checkpoint<float, Space>(context, path, text, layout, named);
  }
  /// So that each write has the same to do, and finds the memory of an older file free again.
  void remove(std::string const& file) const {
    parallel::on_root<FileError>(context.communicator(), [&] { std::filesystem::remove(file); });
  }
  /// Each rank its share of the same bytes, synced.
  void write_plainly() const {
    auto const& ranks = context.communicator();
    parallel::on_root<FileError>(ranks, [&] { std::ofstream(plain, std::ios::trunc); });
    parallel::in_agreement<FileError>(ranks, [&] {
      Index const begin = layout.size() * ranks.rank() / ranks.size(),
                  end = layout.size() * (ranks.rank() + 1) / ranks.size();
      io::FileWriter const file(plain);
      for (std::size_t i = 0; i < vectors.size(); ++i) {
        auto const host = Kokkos::create_mirror_view_and_copy(
            Kokkos::HostSpace(), slice(vectors[i], begin, end - begin));
        auto const place = static_cast<Index>(i) * layout.size() + begin;
        file.write(static_cast<std::uint64_t>(place) * sizeof(float),
                   std::as_bytes(std::span(host.data(), host.size())));
      }
      file.synchronize();
    });
  }
  void read() const {
    io::CheckpointReader const reader(context.communicator(), path);
    for (std::size_t i = 0; i < groups.size(); ++i)
      reader.read<float, Space>(context, groups[i], layout, vectors[i]);
  }

  Context<Space> context;
  ParameterLayout layout;
  std::string path, plain;
  io::CheckpointText text;
  std::vector<Vector<float, Space>> vectors;
};

/// A run whose checkpoints are written behind its steps.
class Behind {
 public:
  Behind(Context<Space> const& context, model::TransformerConfig const& model, SequenceShape batch,
         std::string const& directory)
      : path_(directory + "/behind.h5"),
        trainer_(context, run_of(context.communicator(), model, batch, directory)),
        writer_(context.communicator()) {
    take(2);  // the first ones allocate
    start();
    for (steps_ = 0; steps_ == 0 || !writer_.is_done(); ++steps_) trainer_.step();
    writer_.finish();
  }

  Index steps() const { return steps_; }
  void take(Index steps) {
    for (Index i = 0; i < steps; ++i) trainer_.step();
  }
  void start() { trainer_.save(path_, writer_); }
  void finish() { writer_.finish(); }

  /// As a run does: it looks after each step whether the file is written.
  void take_while_writing() {
    start();
    for (Index i = 0; i < steps_; ++i) {
      trainer_.step();
      if (writer_.is_done()) writer_.finish();
    }
    writer_.finish();
  }

 private:
  static train::RunConfig run_of(Communicator const& ranks, model::TransformerConfig const& model,
                                 SequenceShape batch, std::string const& directory) {
    train::RunConfig run;
    run.model = model;
    run.training.batch = batch.batch * ranks.size();
    run.training.length = batch.length;
    run.training.steps = 1'000'000;
    run.schedule.total_steps = run.training.steps;
    run.data.train = {directory + "/tokens.bin"};
    parallel::on_root<FileError>(ranks, [&] {
      std::ofstream file(run.data.train.front(), std::ios::binary);
      for (int i = 0; i < 100'000; ++i) {
        auto const token = static_cast<std::uint16_t>(i % 1009 % 23);
        file.write(reinterpret_cast<char const*>(&token), sizeof token);
      }
    });
    return run;
  }

  std::string path_;
  train::Run<float, Space> trainer_;
  io::AsynchronousWriter<float, Space> writer_;
  Index steps_ = 0;
};

}  // namespace

CaseMaker checkpoint_case(model::TransformerConfig const& config, std::string const& directory) {
  auto const make = [=](Context<Space> const& context) {
    auto const p = std::make_shared<Checkpoint>(context, config, directory);
    double const bytes = sizeof(float) * groups.size() * static_cast<double>(p->layout.size());
    return Case{"checkpoint",
                "system",
                {{"bytes", bytes}},
                {{"write", [p] { p->write(); }, Work::transfer(bytes), [p] { p->remove(p->path); }},
                 {"plain_write", [p] { p->write_plainly(); }, Work::transfer(bytes),
                  [p] { p->remove(p->plain); }},
                 {"read", [p] { p->read(); }, Work::transfer(bytes)}}};
  };
  return {"checkpoint", make, {}, /*has_products=*/false};
}

CaseMaker asynchronous_case(model::TransformerConfig const& config, SequenceShape batch,
                            std::string const& directory) {
  auto const make = [=](Context<Space> const& context) {
    auto const p = std::make_shared<Behind>(context, config, batch, directory);
    return Case{"checkpoint_behind",
                "system",
                {{"steps", p->steps()}},
                {{"quiet_steps", [p] { p->take(p->steps()); }},
                 {"writing_steps", [p] { p->take_while_writing(); }},
                 {"start", [p] { p->start(); }, {}, {}, [p] { p->finish(); }}}};
  };
  return {"checkpoint_behind", make};
}

CaseMaker all_reduce_case(model::TransformerConfig const& config) {
  auto const make = [=](Context<Space> const& context) {
    Index const size = model::Transformer<float, Space>(config).layout().size();
    // Of zeros, which no number of sums makes overflow.
    auto const vector = allocate<float>(context, "bench::reduced", size);
    double const bytes = sizeof(float) * static_cast<double>(size);
    return Case{"all_reduce",
                "system",
                {{"bytes", bytes}},
                {{"sum", [=] { parallel::all_reduce_sum<float, Space>(context, vector); },
                  Work::transfer(bytes)}}};
  };
  return {"all_reduce", make, {}, /*has_products=*/false};
}

}  // namespace kyrtos::bench
