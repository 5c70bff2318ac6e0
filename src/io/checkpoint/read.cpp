// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/text.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/io/damaged_file_error.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "../hdf5/hdf5.hpp"
#include "checksum.hpp"
#include "format.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <span>

namespace kyrtos::io {

namespace {

using hdf5::Handle;
using Kind = CheckpointReader::Kind;

/// The names of `from` that are not among `known`.
std::vector<std::string> strangers(std::vector<std::string> const& from,
                                   std::vector<std::string> known) {
  std::sort(known.begin(), known.end());
  std::vector<std::string> found;
  std::copy_if(from.begin(), from.end(), std::back_inserter(found), [&](std::string const& name) {
    return !std::binary_search(known.begin(), known.end(), name);
  });
  return found;
}

std::string wanted(Kind kind) {
  return kind == Kind::checkpoint ? "a checkpoint (HDF5)" : "a file of vectors (HDF5)";
}

std::string path_in(std::string const& group, std::string const& name) {
  return group == "/" ? name : group + "/" + name;
}

/// A file as rank 0 reads it.
class Source {
 public:
  Source(std::string const& path, Kind kind)
      : path_(path), file_(hdf5::open_file(path, wanted(kind))) {
    check_format(kind);
    is_own_ = hdf5::read_text(file_, "writer").value_or("").starts_with(own_writer);
    if (kind == Kind::checkpoint) read_texts();
  }

  CheckpointText const& text() const { return text_; }
  Handle const& file() const { return file_; }

  bool has(std::string const& group) const {
    return hdf5::exists(file_, group) && hdf5::is_group(hdf5::open_object(file_, group));
  }

  /// That the group holds the layout's segments, all of them, no others, in their shapes.
  void check(std::string const& group, ParameterLayout const& layout) const;

  /// The values of a dataset, once their checksum is verified.
  template <class Scalar>
  void read(std::string const& name, std::span<Scalar> values) const {
    with_values(name, hdf5::open_object(file_, name), [&](auto const& stored) {
      std::transform(stored.begin(), stored.end(), values.begin(),
                     [](auto value) { return static_cast<Scalar>(value); });
    });
  }

  void verify(std::string const& name, hid_t dataset) const {
    with_values(name, dataset, [](auto const&) {});
  }

  [[noreturn]] void fail(std::string const& what) const { throw FileError(path_ + ": " + what); }

 private:
  [[noreturn]] void fail_damaged(std::string const& what) const {
    throw DamagedFileError(path_ + ": is damaged: " + what + "; use another copy or an older file");
  }

  void check_format(Kind kind) const;
  void read_texts();
  void check_shape(std::string const& group, Segment const& segment) const;

  /// Hands over the values in the type that they are stored in.
  template <class Use>
  void with_values(std::string const& name, hid_t dataset, Use const& use) const {
    Handle const type(H5Dget_type(dataset), H5Tclose);
    std::size_t const size = H5Tget_class(type) == H5T_FLOAT ? H5Tget_size(type) : 0;
    if (size == sizeof(float))
      use(verified<float>(name, dataset));
    else if (size == sizeof(double))
      use(verified<double>(name, dataset));
    else
      fail("'" + name + "' must hold float32 or float64");
  }

  template <class Stored>
  std::vector<Stored> verified(std::string const& name, hid_t dataset) const {
    auto values = hdf5::read_values<Stored>(dataset, name);
    auto const expected = hdf5::read_checksum(dataset, "checksum");
    if (!expected && is_own_) fail_damaged("'" + name + "' has no checksum");
    if (expected && *expected != checksum::sum(std::span<Stored const>(values)))
      fail_damaged("the values of '" + name + "' do not have their checksum");
    return values;
  }

  std::string path_;
  Handle file_;
  bool is_own_ = false;
  CheckpointText text_;
};

void Source::check_format(Kind kind) const {
  auto const format = hdf5::read_text(file_, "format");
  if (!format && kind == Kind::vectors) return;  // any file with the right groups will do
  if (!format)
    fail(fmt::format("is an HDF5 file without the attribute 'format'; that of a checkpoint is '{}'",
                     checkpoint_format));
  if (*format != checkpoint_format && (kind == Kind::checkpoint || *format != vectors_format))
    fail(fmt::format("is a file of format '{}'; give a '{}'", *format,
                     kind == Kind::checkpoint ? checkpoint_format : vectors_format));
  hdf5::require_version(file_, path_, format_version);
}

void Source::read_texts() {
  auto const config = hdf5::read_text(file_, "config"), state = hdf5::read_text(file_, "state");
  auto const expected = hdf5::read_checksum(file_, "text_checksum");
  if (!config)
    fail("has no attribute 'config'; it must be TOML whose [model] describes the tensors");
  text_ = {*config, state.value_or("")};
  if (!expected && is_own_) fail_damaged("its text has no checksum");
  if (expected && *expected != checksum_of(text_))
    fail_damaged("config and state do not have their checksum");
}

void Source::check(std::string const& group, ParameterLayout const& layout) const {
  if (!has(group))
    fail(fmt::format("has no group '{}'; it has: {}", group,
                     fmt::join(hdf5::names_in(hdf5::open_object(file_, "/")), ", ")));
  auto const present = hdf5::names_in(hdf5::open_object(file_, group));
  std::vector<std::string> known;
  for (auto const& segment : layout.segments()) known.push_back(segment.name);
  auto const missing = strangers(known, present), extra = strangers(present, known);
  if (!missing.empty())
    fail(fmt::format("'{}' lacks '{}', {} of {} segments of the model in all{}", group,
                     missing.front(), missing.size(), known.size(),
                     did_you_mean(missing.front(), extra)));
  if (!extra.empty())
    fail(fmt::format("'{}' holds '{}', which the model does not have{}", group, extra.front(),
                     did_you_mean(extra.front(), known)));
  for (auto const& segment : layout.segments()) check_shape(group, segment);
}

void Source::check_shape(std::string const& group, Segment const& segment) const {
  auto const name = path_in(group, segment.name);
  auto const object = hdf5::open_object(file_, name);
  if (H5Iget_type(object) != H5I_DATASET) fail("'" + name + "' must be a dataset");
  auto const shape = hdf5::shape_of(object);
  if (shape != segment.shape)
    fail(fmt::format("'{}' has the shape [{}], but the model needs [{}]", name,
                     fmt::join(shape, ", "), fmt::join(segment.shape, ", ")));
}

/// Every dataset below a group. Groups of a hostile file may contain themselves.
void verify_all(Source const& source, hid_t group, std::string const& prefix) {
  constexpr auto deepest = 32;
  if (std::count(prefix.begin(), prefix.end(), '/') > deepest)
    source.fail("its groups are nested more than 32 deep");
  for (auto const& name : hdf5::names_in(group)) {
    auto const object = hdf5::open_object(group, name);
    if (hdf5::is_group(object))
      verify_all(source, object, prefix + name + "/");
    else
      source.verify(prefix + name, object);
  }
}

/// Runs work() on rank 0; damage that it finds is damage on every rank.
template <class Work>
void on_root(Communicator const& ranks, Work const& work) {
  bool is_damage = false;
  try {
    parallel::on_root<FileError>(ranks, [&] {
      try {
        work();
      } catch (DamagedFileError const&) {
        is_damage = true;
        throw;
      }
    });
  } catch (FileError const& error) {
    if (ranks.any(is_damage)) throw DamagedFileError(error.what());
    throw;
  }
}

}  // namespace

/// Only rank 0 opens the file, and hands on what it reads: a file system has one reader to serve
/// however many ranks there are, all have the same bytes, and a fault is found once.
struct CheckpointReader::File {
  Communicator ranks;
  std::string path;
  CheckpointText text = {};
  std::optional<Source> source = {};  // on rank 0
};

CheckpointReader::CheckpointReader(Communicator const& communicator, std::string const& path,
                                   Kind kind)
    : file_(std::make_unique<File>(File{communicator, path})) {
  hdf5::QuietErrors const quiet;
  on_root(communicator, [&] {
    file_->source.emplace(path, kind);
    file_->text = file_->source->text();
  });
  file_->text.config = communicator.broadcast(file_->text.config);
  file_->text.state = communicator.broadcast(file_->text.state);
}

CheckpointReader::~CheckpointReader() = default;
CheckpointReader::CheckpointReader(CheckpointReader&&) noexcept = default;

CheckpointText const& CheckpointReader::text() const {
  return file_->text;
}

std::string const& CheckpointReader::path() const {
  return file_->path;
}

bool CheckpointReader::has(std::string const& group) const {
  hdf5::QuietErrors const quiet;
  bool found = false;
  on_root(file_->ranks, [&] { found = file_->source->has(group); });
  return file_->ranks.any(found);
}

void CheckpointReader::check(std::string const& group, ParameterLayout const& layout) const {
  hdf5::QuietErrors const quiet;
  on_root(file_->ranks, [&] { file_->source->check(group, layout); });
}

template <class Scalar, class Space>
void CheckpointReader::read(Context<Space> const& context, std::string const& group,
                            ParameterLayout const& layout,
                            DistributedView<Scalar, Space> values) const {
  auto const* partition = values.partition();
  Index const size = partition ? partition->local_size() : layout.size();
  if (static_cast<Index>(values.size()) != size)
    throw ShapeError("CheckpointReader::read: " + std::to_string(values.size()) +
                     " elements for a layout of " + std::to_string(size));
  hdf5::QuietErrors const quiet;
  auto const& ranks = file_->ranks;
  check(group, layout);
  context.fence("kyrtos::CheckpointReader::read");
  for (auto const& segment : layout.segments()) {
    Vector<Scalar, Kokkos::HostSpace> const host(
        Kokkos::view_alloc(Kokkos::WithoutInitializing, "kyrtos::checkpoint"),
        static_cast<std::size_t>(segment.size));
    std::span<Scalar> const received(host.data(), host.size());
    on_root(ranks, [&] { file_->source->read(path_in(group, segment.name), received); });
    ranks.broadcast(std::as_writable_bytes(received));
    ParameterLayout::Range const range{segment.offset, segment.size};
    for (auto const& s : values.slices(range))
      Kokkos::deep_copy(context.space(), slice(values.local(), s.local, s.size),
                        slice(host, s.offset - segment.offset, s.size));
    context.fence("kyrtos::CheckpointReader::read");
  }
}

void verify_checkpoint(Communicator const& communicator, std::string const& path) {
  hdf5::QuietErrors const quiet;
  on_root(communicator, [&] {
    Source const source(path, Kind::checkpoint);
    verify_all(source, hdf5::open_object(source.file(), "/"), "");
  });
}

// ---- Names -------------------------------------------------------------------------------------

namespace {

/// The number in `step-<number>.h5`.
std::optional<Index> step_of(std::string_view name) {
  constexpr std::string_view head = "step-", tail = ".h5";
  if (name.size() <= head.size() + tail.size() || !name.starts_with(head) || !name.ends_with(tail))
    return std::nullopt;
  auto const digits = name.substr(head.size(), name.size() - head.size() - tail.size());
  Index step = 0;
  auto const [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), step);
  bool const whole = error == std::errc() && end == digits.data() + digits.size() && step >= 0;
  return whole ? std::optional(step) : std::nullopt;
}

}  // namespace

std::vector<std::string> list_checkpoints(std::string const& directory) {
  std::vector<std::pair<Index, std::string>> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end;
       entry.increment(error))
    if (auto const step = step_of(entry->path().filename().string()))
      found.emplace_back(*step, entry->path().string());
  if (error && error != std::errc::no_such_file_or_directory)
    throw FileError(directory + ": can't be listed: " + error.message());
  std::sort(found.rbegin(), found.rend());
  std::vector<std::string> paths;
  for (auto& [step, path] : found) paths.push_back(std::move(path));
  return paths;
}

std::string checkpoint_path(std::string const& directory, Index step) {
  return fmt::format("{}/step-{:08}.h5", directory, step);
}

#define KYRTOS_READ(SCALAR, SPACE)                                                             \
  template void CheckpointReader::read(Context<SPACE> const&, std::string const&,              \
                                       ParameterLayout const&, DistributedView<SCALAR, SPACE>) \
      const;
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_READ)

}  // namespace kyrtos::io
