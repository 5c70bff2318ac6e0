// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "fuzz.hpp"
#include "train/run_state.hpp"

#include <hdf5.h>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

// Checkpoints that are right HDF5 but hold anything, as from another program: the input is the
// config, the state, and lines that each say name and shape of a dataset or change an attribute.
// HDF5 itself is not what is looked at here: it is not made for hostile files.

namespace kyrtos::fuzz {

namespace {

using Space = Kokkos::DefaultHostExecutionSpace;

constexpr char config[] =
    "[model]\nvocabulary = 2\ncontext = 2\nwidth = 2\nheads = 1\nmlp_width = 2\ndepth = 1\n"
    "norm = \"rms_norm\"\nbias = false\npositions = \"none\"\n";
constexpr char state[] =
    R"({"step":1,"optimizer":"adamw","optimizer_steps":1,"losses":[1.0],"gradient_norms":[],)"
    R"("tracker":{"has_vectors":true,"warm":true,"updates":1,"rest":0.5,"last":{"lambda":1.0,)"
    R"("residual":null,"threshold_ratio":0.1,"quality":1,"stability":1,"hvps":1}},)"
    R"("critical_step_size":0.1,"growth":{"blocks":[{"step":0,"second_began":0}],)"
    R"("calm_steps":0},"best_validation_loss":null,"threshold_ratio":0.5,"cdat":[0.0,0.0]})";

/// Dataset by dataset, as the lines of an input say it.
std::string datasets() {
  std::string lines;
  auto const layout =
      model::Transformer<float, Space>(train::parse_config(config, "seed").model).layout();
  for (auto const& segment : layout.segments()) {
    lines += fmt::format("parameters/{} {}", segment.name, fmt::join(segment.shape, " "));
    lines += "\n";
  }
  return lines;
}

/// The input up to the next zero byte, which is taken from it.
std::string take(std::string_view& input) {
  auto const text = std::string(input.substr(0, input.find('\0')));
  input.remove_prefix(std::min(text.size() + 1, input.size()));
  return text;
}

void set_attribute(hid_t file, char const* name, hid_t type, void const* value) {
  hid_t const space = H5Screate(H5S_SCALAR);
  hid_t const attribute = H5Acreate2(file, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
  if (attribute >= 0) {
    H5Awrite(attribute, type, value);
    H5Aclose(attribute);
  }
  H5Sclose(space);
}

void set_text(hid_t file, char const* name, std::string const& text) {
  hid_t const type = H5Tcopy(H5T_C_S1);
  H5Tset_size(type, text.size() + 1);
  set_attribute(file, name, type, text.c_str());
  H5Tclose(type);
}

/// `name extent…`: a dataset, in chunks none of which is stored, so that it may be of any size. A
/// name that ends in '@' is a group that holds the file's root: a circle.
void add_dataset(hid_t file, std::string const& line) {
  std::vector<hsize_t> extents;
  auto end = std::min(line.find(' '), line.size());
  auto const name = line.substr(0, end);
  while (end < line.size() && extents.size() < 8) {
    extents.push_back(std::strtoull(line.c_str() + end, nullptr, 10));
    end = std::min(line.find(' ', end + 1), line.size());
  }
  if (name.ends_with('@')) {
    H5Lcreate_hard(file, "/", file, name.c_str(), H5P_DEFAULT, H5P_DEFAULT);
    return;
  }
  hid_t const links = H5Pcreate(H5P_LINK_CREATE), creation = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_create_intermediate_group(links, 1);
  std::vector<hsize_t> const chunk(extents.size(), 1);
  if (!extents.empty()) H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data());
  hid_t const space =
      extents.empty() ? H5Screate(H5S_SCALAR)
                      : H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
  hid_t const type = line.ends_with('i') ? H5T_STD_I16LE : H5T_IEEE_F32LE;
  hid_t const dataset = H5Dcreate2(file, name.c_str(), type, space, links, creation, H5P_DEFAULT);
  if (dataset >= 0) H5Dclose(dataset);
  if (space >= 0) H5Sclose(space);
  H5Pclose(creation);
  H5Pclose(links);
}

void write_hdf5(std::string const& path, std::string_view input) {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  hid_t const file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  set_text(file, "format", "kyrtos checkpoint");
  std::int64_t const version = 1;
  set_attribute(file, "version", H5T_NATIVE_INT64, &version);
  set_text(file, "config", take(input));
  set_text(file, "state", take(input));
  for (int i = 0; i < 40 && !input.empty(); ++i) {
    auto const line = std::string(input.substr(0, input.find('\n')));
    input.remove_prefix(std::min(line.size() + 1, input.size()));
    if (!line.empty()) add_dataset(file, line.substr(0, 300));
  }
  H5Fclose(file);
}

}  // namespace

std::vector<std::string> seeds() {
  std::string const zero(1, '\0');
  return {std::string(config) + zero + state + zero + datasets(),
          std::string(config) + zero + zero + datasets() + "optimizer/m/x 3\nloop@\n",
          std::string("model.preset = \"llama\"") + zero + "{}" + zero +
              "parameters/head.weight 9 9999999999\n",
          std::string(config) + zero + R"({"growth":{"blocks":[null,null],"calm_steps":1e300}})" +
              zero + "a 2i\n"};
}

}  // namespace kyrtos::fuzz

int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  using namespace kyrtos;
  fuzz::File const file("", ".h5");
  fuzz::write_hdf5(file.path(), fuzz::text_of(data, size));
  Communicator const ranks(MPI_COMM_SELF);
  fuzz::succeeds(file.path(), [&] { io::verify_checkpoint(ranks, file.path()); });
  fuzz::succeeds(file.path(), [&] {
    io::CheckpointReader const reader(ranks, file.path());
    auto const config = train::parse_config(reader.text().config, file.path());
    fuzz::succeeds(file.path(), [&] {
      train::active_blocks(config, reader.text().state, file.path());
      train::run_state_from_json(reader.text().state, file.path());
    });
    auto const layout = model::Transformer<float, fuzz::Space>(config.model).layout();
    reader.check("parameters", layout);
    Vector<float, fuzz::Space> const theta("fuzz::theta", static_cast<std::size_t>(layout.size()));
    reader.read<float, fuzz::Space>(Context<fuzz::Space>(MPI_COMM_SELF), "parameters", layout,
                                    theta);
  });
  return 0;
}
