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

/// One of the matrices that a linear layer of ours consists of, one below the other.
struct Part {
  std::string name;
  Index rows = 0;  ///< 0: all.
};

/// What a layer of ours, without its block and without `.weight`, consists of.
using Names = std::map<std::string, std::vector<Part>>;

Names names_of(model::TransformerConfig const& c, Family family) {
  if (family == Family::gpt2)
    return {{"embedding.token", {{"wte"}}},
            {"embedding.position", {{"wpe"}}},
            {"norm1", {{"ln_1"}}},
            {"attention.qkv", {{"attn.c_attn"}}},
            {"attention.output", {{"attn.c_proj"}}},
            {"norm2", {{"ln_2"}}},
            {"mlp.up", {{"mlp.c_fc"}}},
            {"mlp.down", {{"mlp.c_proj"}}},
            {"final_norm", {{"ln_f"}}},
            {"head", {{"lm_head"}}}};
  Index const queries = c.heads * c.head_size, keys = c.kv_heads * c.head_size;
  return {{"embedding.token", {{"embed_tokens"}}},
          {"norm1", {{"input_layernorm"}}},
          {"attention.qkv",
           {{"self_attn.q_proj", queries}, {"self_attn.k_proj", keys}, {"self_attn.v_proj", keys}}},
          {"attention.output", {{"self_attn.o_proj"}}},
          {"norm2", {{"post_attention_layernorm"}}},
          {"mlp.up", {{"mlp.gate_proj", c.mlp_width}, {"mlp.up_proj", c.mlp_width}}},
          {"mlp.down", {{"mlp.down_proj"}}},
          {"final_norm", {{"norm"}}},
          {"head", {{"lm_head"}}}};
}

std::string prefix_of(Family family) {
  return family == Family::gpt2 ? "transformer." : "model.";
}

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

/// Appends what the segment consists of.
void append(Segment const& segment, Family family, Names const& names,
            std::vector<Tensor>& tensors) {
  SegmentName const ours(segment.name);
  auto const block =
      ours.block.empty() ? "" : (family == Family::gpt2 ? "h." : "layers.") + ours.block + ".";
  auto const prefix = ours.layer == "head" ? "" : prefix_of(family);
  bool const is_linear = !ours.block.empty() && segment.shape.size() == 2;
  Index const columns = segment.shape.size() == 2 ? segment.shape[1] : 1;
  Index offset = segment.offset;
  for (auto const& part : names.at(ours.layer)) {
    Tensor tensor{prefix + block + part.name + "." + ours.kind, segment.shape, offset,
                  family == Family::gpt2 && is_linear};
    if (part.rows > 0) tensor.shape[0] = part.rows;
    offset += tensor.shape[0] * columns;
    if (tensor.transposed) std::swap(tensor.shape[0], tensor.shape[1]);
    tensors.push_back(std::move(tensor));
  }
}

}  // namespace

std::vector<Tensor> tensors_of(model::TransformerConfig const& config,
                               ParameterLayout const& layout) {
  auto const c = config.resolved();
  auto const family = family_of(c);
  auto const names = names_of(c, family);
  std::vector<Tensor> tensors;
  for (auto const& segment : layout.segments()) append(segment, family, names, tensors);
  return tensors;
}

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
                                     std::string const& prefix) {
  std::map<std::string, Found> all;
  for (auto const& file : files)
    for (auto const& tensor : file.tensors()) {
      bool const is_whole = tensor.name.starts_with(prefix) || tensor.name.starts_with("lm_head.");
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

/// out = the transpose of a matrix with so many columns.
template <class Scalar>
void transpose(std::span<Scalar const> matrix, Index columns, std::span<Scalar> out) {
  auto const n = static_cast<std::size_t>(columns), rows = matrix.size() / n;
  for (std::size_t i = 0; i < rows; ++i)
    for (std::size_t j = 0; j < n; ++j) out[j * rows + i] = matrix[i * n + j];
}

/// What follows from the configuration: masks, and tables of rotary positions.
bool is_derived(std::string const& name) {
  return name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
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
  auto all = collect(files, prefix_of(family_of(config.resolved())));
  // Only then is it known that the model is no larger than the files.
  auto const matched = take(tensors_of(config, layout), files, all);
  std::vector<Scalar> theta(static_cast<std::size_t>(layout.size()));
  auto const at = [&](Index offset, Index size) {
    return std::span(theta).subspan(static_cast<std::size_t>(offset),
                                    static_cast<std::size_t>(size));
  };
  for (auto const& [tensor, found] : matched) {
    auto const target = at(tensor.offset, count_elements(tensor.shape));
    if (tensor.transposed)
      transpose<Scalar>(values_of<Scalar>(found), tensor.shape[1], target);
    else
      found.file->template read<Scalar>(*found.tensor, target);
  }
  auto const& embedding = layout.find("embedding.token.weight");
  for (auto const& [name, found] : all) {
    if (config.tied && name == "lm_head.weight")
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
        if (tensor.transposed)
          transpose<Scalar>(source, tensor.shape[0], values);
        else
          std::copy(source.begin(), source.end(), values.begin());
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
