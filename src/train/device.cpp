// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/train/device.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "io/files/file_kind.hpp"
#include "key_declarations.hpp"

#include <algorithm>
#include <fmt/format.h>
#include <set>

namespace kyrtos::train {

namespace {

using config::Interval;
using config::Key;

/// A device without a format says 0, or nothing.
std::set<std::string> const optional_keys{"products.float64", "products.tf32", "products.bf16",
                                          "vector.float64", "products.adds_bias"};

std::vector<Key> keys_of(Device& d) {
  using config::not_negative;
  using config::positive;
  constexpr Interval share{.most = 1, .lower = Interval::End::open};
  config::Declarations keys;
  keys.text("name", d.name, "");
  keys.text("source", d.source, "");
  keys.choice("kind", d.kind, {{"cpu", Device::Kind::cpu}, {"gpu", Device::Kind::gpu}}, "");
  keys.in("products", KeyRole::run);
  keys.real("float32", d.float32, positive, "");
  keys.real("float64", d.float64, not_negative, "");
  keys.real("tf32", d.tf32, not_negative, "");
  keys.real("bf16", d.bf16, not_negative, "");
  keys.real("share", d.product_share, share, "");
  keys.flag("adds_bias", d.adds_bias, "");
  keys.in("vector", KeyRole::run);
  keys.real("float32", d.vector_float32, positive, "");
  keys.real("float64", d.vector_float64, not_negative, "");
  keys.real("share", d.vector_share, share, "");
  keys.in("memory", KeyRole::run);
  keys.real("bandwidth", d.memory_bandwidth, positive, "");
  keys.real("share", d.memory_share, share, "");
  keys.in("launch", KeyRole::run);
  keys.real("seconds", d.launch_seconds, not_negative, "");
  keys.in("link", KeyRole::run);
  keys.real("bandwidth", d.link_bandwidth, positive, "");
  keys.real("latency", d.link_latency, not_negative, "");
  return keys.keys;
}

/// Sets the keys of `table`, and notes them in `found`.
void read(toml::table const& table, std::string const& prefix, std::string const& file,
          std::vector<Key> const& keys, std::set<std::string>& found) {
  for (auto const& [name, value] : table) {
    auto const path = prefix + std::string(name.str());
    if (auto const* const section = value.as_table()) {
      read(*section, path + ".", file, keys, found);
      continue;
    }
    auto const place = fmt::format("{}:{}", file, value.source().begin.line);
    auto const key =
        std::find_if(keys.begin(), keys.end(), [&](Key const& k) { return k.path == path; });
    if (key == keys.end()) {
      std::vector<std::string> paths;
      for (auto const& known : keys) paths.push_back(known.path);
      throw ConfigError(fmt::format("{}: unknown key '{}' of a device{}", place, shown(path),
                                    did_you_mean(path, paths)));
    }
    if (!key->set(value))
      throw ConfigError(fmt::format("{}: {} must be {}", place, path, key->allowed));
    found.insert(path);
  }
}

}  // namespace

Device load_device(std::string const& path) {
  auto const table = config::parse_toml(io::read_text_file(path, "a device (TOML)"), path);
  Device device;
  auto const keys = keys_of(device);
  std::set<std::string> found;
  read(table, "", path, keys, found);
  for (auto const& key : keys)
    if (found.count(key.path) == 0 && optional_keys.count(key.path) == 0)
      throw ConfigError(fmt::format("{}: {} is missing; give it {}", path, key.path, key.allowed));
  return device;
}

layers::Machine machine_of(Device const& device, Precision precision) {
  return {.is_host = device.kind == Device::Kind::cpu,
          .factors = factor_format(precision),
          .adds_addends = device.adds_bias && precision != Precision::float64};
}

double product_rate(Device const& device, Precision precision) {
  double const rate = precision == Precision::float32   ? device.float32
                      : precision == Precision::float64 ? device.float64
                      : precision == Precision::tf32    ? device.tf32
                                                        : device.bf16;
  if (rate > 0) return rate;
  throw ConfigError(fmt::format(
      "{} has no products in {}: its file says nothing of products.{}; give the rate, or choose "
      "another training.precision or curvature.precision",
      device.name, name_of(precision), name_of(precision)));
}

}  // namespace kyrtos::train
