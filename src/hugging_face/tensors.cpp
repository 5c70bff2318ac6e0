// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/core/version.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>

#include "family.hpp"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace kyrtos::hugging_face {

// ---- Names -------------------------------------------------------------------------------------

namespace {

/// `blocks.3.mlp.up.weight` is {"3", "mlp.up", "weight"}; outside of blocks the first is empty.
struct SegmentName {
  std::string block, layer, kind;

  explicit SegmentName(std::string name) {
    constexpr std::string_view blocks = "blocks.";
    if (name.starts_with(blocks)) {
      auto const dot = name.find('.', blocks.size());
      block = name.substr(blocks.size(), dot - blocks.size());
      name.erase(0, dot + 1);
    }
    auto const dot = name.rfind('.');
    layer = name.substr(0, dot);
    kind = name.substr(dot + 1);
  }
};

/// Rows of the matrices that a layer of ours consists of.
std::vector<Index> rows_of(Config const& c, std::string const& layer, Index rows,
                           std::size_t parts) {
  if (parts == 1) return {rows};
  if (layer != "attention.qkv") return std::vector<Index>(parts, rows / static_cast<Index>(parts));
  Index const queries = c.heads * c.head_size, keys = c.kv_heads * c.head_size;
  return {queries, keys, keys};
}

/// Appends what the segment consists of.
void append(Segment const& segment, Config const& config, Family const& family,
            std::vector<Tensor>& tensors) {
  using Matrices = Family::Matrices;
  SegmentName const ours(segment.name);
  auto const block = ours.block.empty() ? "" : family.blocks + ours.block + ".";
  auto const prefix = ours.layer == "head" ? "" : family.prefix;
  bool const is_matrix = !ours.block.empty() && segment.shape.size() == 2;
  Index const columns = segment.shape.size() == 2 ? segment.shape[1] : 1;
  Index offset = segment.offset;
  auto const& names = family.names(ours.layer);
  auto const rows = rows_of(config, ours.layer, segment.shape[0], names.size());
  for (std::size_t i = 0; i < names.size(); ++i) {
    Tensor tensor{prefix + block + names[i] + "." + ours.kind, segment.shape, offset};
    tensor.shape[0] = rows[i];
    offset += rows[i] * columns;
    if (family.matrices == Matrices::transposed && is_matrix) {
      tensor.order = Tensor::Order::transposed;
      std::swap(tensor.shape[0], tensor.shape[1]);
    }
    if (family.matrices == Matrices::by_head && ours.layer == "attention.qkv") {
      tensor.order = Tensor::Order::by_head;
      tensor.heads = config.heads;
    }
    tensors.push_back(std::move(tensor));
  }
}

}  // namespace

std::vector<Tensor> tensors_of(model::TransformerConfig const& config,
                               ParameterLayout const& layout) {
  auto const c = config.resolved();
  auto const& family = family_of(c);
  std::vector<Tensor> tensors;
  for (auto const& segment : layout.segments()) append(segment, c, family, tensors);
  return tensors;
}

// ---- Order of elements -------------------------------------------------------------------------

namespace {

/// visit(there, here, count): runs of elements, from places in the file's tensor to places in ours.
template <class Visit>
void for_each_run(Tensor const& tensor, Visit const& visit) {
  Index const rows = tensor.shape[0], columns = tensor.shape.size() > 1 ? tensor.shape[1] : 1;
  switch (tensor.order) {
    case Tensor::Order::same:
      return visit(0, 0, rows * columns);
    case Tensor::Order::transposed:
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < columns; ++j) visit(i * columns + j, j * rows + i, 1);
      return;
    case Tensor::Order::by_head: {
      constexpr Index kinds = 3;  // queries, keys, values
      Index const size = rows / (kinds * tensor.heads) * columns;
      for (Index head = 0; head < tensor.heads; ++head)
        for (Index kind = 0; kind < kinds; ++kind)
          visit((kinds * head + kind) * size, (kind * tensor.heads + head) * size, size);
    }
  }
}

template <class Scalar>
void to_ours(Tensor const& tensor, std::span<Scalar const> theirs, std::span<Scalar> ours) {
  for_each_run(tensor, [&](Index there, Index here, Index count) {
    std::copy_n(theirs.begin() + there, count, ours.begin() + here);
  });
}

template <class Scalar>
void to_theirs(Tensor const& tensor, std::span<Scalar const> ours, std::span<Scalar> theirs) {
  for_each_run(tensor, [&](Index there, Index here, Index count) {
    std::copy_n(ours.begin() + here, count, theirs.begin() + there);
  });
}

}  // namespace

// ---- Reading -----------------------------------------------------------------------------------

namespace {

using io::SafetensorsFile;
using io::StoredTensor;

/// A tensor, and the file that holds it.
struct Found {
  SafetensorsFile const* file;
  StoredTensor const* tensor;
};

[[noreturn]] void fail(Found const& found, std::string const& fault) {
  throw FileError(
      fmt::format("{}: tensor '{}' {}", found.file->path(), shown(found.tensor->name), fault));
}

/// Everything that the files hold, by its name with the prefix.
std::map<std::string, Found> collect(std::vector<SafetensorsFile> const& files,
                                     Family const& family) {
  auto const& prefix = family.prefix;
  auto const head = family.names("head").front() + ".";
  std::map<std::string, Found> all;
  for (auto const& file : files)
    for (auto const& tensor : file.tensors()) {
      bool const is_whole = tensor.name.starts_with(prefix) || tensor.name.starts_with(head);
      Found const found{&file, &tensor};
      auto const [place, is_new] = all.emplace((is_whole ? "" : prefix) + tensor.name, found);
      if (!is_new)
        fail(found, fmt::format("is also '{}' of {}", shown(place->second.tensor->name),
                                place->second.file->path()));
    }
  return all;
}

template <class Scalar>
std::vector<Scalar> values_of(Found const& found) {
  std::vector<Scalar> values(static_cast<std::size_t>(found.tensor->size()));
  found.file->read<Scalar>(*found.tensor, values);
  return values;
}

/// What follows from the configuration: masks, and tables of rotary positions.
bool is_derived(std::string const& name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
         name.ends_with(".attention.bias") || name.ends_with(".attention.masked_bias") ||
         name.ends_with(".rotary_emb.inv_freq");
}

/// A head beside the embedding that it is tied to must be the same.
template <class Scalar>
void check_tied_head(Found const& head, std::span<Scalar const> embedding) {
  bool const has_size = head.tensor->size() == static_cast<Index>(embedding.size());
  if (!has_size ||
      std::memcmp(values_of<Scalar>(head).data(), embedding.data(), embedding.size_bytes()) != 0)
    fail(head, "differs from the token embedding, though 'tie_word_embeddings' says that it is it");
}

/// The tensors of the model with what the files hold of them, which is taken out of `all`.
std::vector<std::pair<Tensor, Found>> take(std::vector<Tensor> const& tensors,
                                           std::vector<SafetensorsFile> const& files,
                                           std::map<std::string, Found>& all) {
  std::vector<std::pair<Tensor, Found>> matched;
  for (auto const& tensor : tensors) {
    auto const place = all.find(tensor.name);
    if (place == all.end())
      throw FileError(fmt::format("{}: has no tensor '{}', which the model needs{}",
                                  files.front().path(), tensor.name,
                                  files.size() > 1 ? "; nor have the other files" : ""));
    auto const found = place->second;
    if (found.tensor->shape != tensor.shape)
      fail(found, fmt::format("has the shape [{}], but the model needs [{}]",
                              shown(fmt::format("{}", fmt::join(found.tensor->shape, ", "))),
                              fmt::join(tensor.shape, ", ")));
    matched.emplace_back(tensor, found);
    all.erase(place);
  }
  return matched;
}

}  // namespace

template <class Scalar>
std::vector<Scalar> read(std::vector<SafetensorsFile> const& files,
                         model::TransformerConfig const& config, ParameterLayout const& layout) {
  require<ConfigError>(!files.empty(), "hugging_face::read: needs a file");
  auto const& family = family_of(config.resolved());
  auto all = collect(files, family);
  // Only then is it known that the model is no larger than the files.
  auto const matched = take(tensors_of(config, layout), files, all);
  std::vector<Scalar> theta(static_cast<std::size_t>(layout.size()));
  auto const at = [&](Index offset, Index size) {
    return std::span(theta).subspan(static_cast<std::size_t>(offset),
                                    static_cast<std::size_t>(size));
  };
  for (auto const& [tensor, found] : matched) {
    auto const target = at(tensor.offset, count_elements(tensor.shape));
    if (tensor.order == Tensor::Order::same)
      found.file->template read<Scalar>(*found.tensor, target);
    else
      to_ours<Scalar>(tensor, values_of<Scalar>(found), target);
  }
  auto const& embedding = layout.find("embedding.token.weight");
  auto const head = family.names("head").front() + ".weight";
  for (auto const& [name, found] : all) {
    if (config.tied && name == head)
      check_tied_head<Scalar>(found, at(embedding.offset, embedding.size));
    else if (!is_derived(name))
      fail(found, "is none that the model has");
  }
  return theta;
}

// ---- Writing -----------------------------------------------------------------------------------

namespace {

template <class Scalar>
io::NumberType shortest_type(std::span<Scalar const> theta) {
  for (auto const type :
       {io::NumberType::bfloat16, io::NumberType::float16, io::NumberType::float32})
    if (io::holds_exactly(type, theta)) return type;
  return io::NumberType::float64;
}

}  // namespace

template <class Scalar>
io::NumberType write(std::string const& path, model::TransformerConfig const& config,
                     ParameterLayout const& layout, std::span<Scalar const> theta,
                     std::optional<io::NumberType> type) {
  require(static_cast<Index>(theta.size()) == layout.size(),
          "hugging_face::write: parameters of another size than their layout");
  std::map<std::string, Tensor> by_name;
  std::vector<io::NewTensor> wanted;
  for (auto const& tensor : tensors_of(config, layout)) {
    by_name[tensor.name] = tensor;
    wanted.push_back({tensor.name, tensor.shape});
  }
  auto const chosen = type ? *type : shortest_type(theta);
  io::write_safetensors<Scalar>(
      path, wanted, chosen, {{"format", "pt"}, {"writer", std::string("kyrtos ") + version()}},
      [&](std::string const& name, std::span<Scalar> values) {
        auto const& tensor = by_name.at(name);
        auto const source = theta.subspan(static_cast<std::size_t>(tensor.offset), values.size());
        to_theirs<Scalar>(tensor, source, values);
      });
  return chosen;
}

#define KYRTOS_INSTANTIATE_HUGGING_FACE(SCALAR)                                               \
  template std::vector<SCALAR> read(std::vector<SafetensorsFile> const&,                      \
                                    model::TransformerConfig const&, ParameterLayout const&); \
  template io::NumberType write(std::string const&, model::TransformerConfig const&,          \
                                ParameterLayout const&, std::span<SCALAR const>,              \
                                std::optional<io::NumberType>);
KYRTOS_INSTANTIATE_HUGGING_FACE(float)
KYRTOS_INSTANTIATE_HUGGING_FACE(double)

}  // namespace kyrtos::hugging_face
