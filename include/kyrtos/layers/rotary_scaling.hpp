// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace kyrtos::layers {

/// How frequencies of rotary positions are lowered, for contexts longer than the one that a model
/// was first trained with.
///
/// A frequency f (radians a token) becomes f·(k + (1 − k)/factor), where the share k that is kept
/// depends on the turns that a pair of features makes over the first context, n = f·context/2π, and
/// [·] means limited to [0, 1]:
///
/// | kind     | k                                                                        |
/// |----------|--------------------------------------------------------------------------|
/// | `none`   | 1                                                                        |
/// | `linear` | 0 (position interpolation, Chen et al. 2023, arXiv 2306.15595)           |
/// | `llama3` | [(n − slow)/(fast − slow)] (Llama 3.1, arXiv 2407.21783)                 |
/// | `yarn`   | [(b − i)/(b − a)] for the pair i (YaRN, Peng et al. 2023, arXiv 2309.00071) |
///
/// with a = ⌊i(fast)⌋ and b = ⌈i(slow)⌉, i(n) being the pair that makes n turns, both within the
/// head's features. YaRN also multiplies queries and keys by `amplitude`.
struct RotaryScaling {
  enum class Kind { none, linear, llama3, yarn };
  Kind kind = Kind::none;
  double factor = 1;     ///< At least 1.
  double context = 0;    ///< Of the first training, in tokens.
  double slow = 1;       ///< Turns below which frequencies are divided by `factor`.
  double fast = 0;       ///< Turns above which they stay as they are; 0: 4 (llama3) or 32 (yarn).
  double amplitude = 0;  ///< 0: 1, but for yarn 1 + ln(factor)/10.

  /// The same with every 0 but the context's replaced.
  RotaryScaling resolved() const;

  friend bool operator==(RotaryScaling const&, RotaryScaling const&) = default;
};

}  // namespace kyrtos::layers
