// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <string>
#include <utility>

namespace kyrtos::program {

/// Bytes that come one by one, as valid UTF-8: a character is given out when its last byte is
/// there, and what is none becomes U+FFFD, one for each beginning that was broken off (Unicode,
/// table 3-7), so that no log or terminal chokes on what an untrained model says.
class Utf8 {
 public:
  /// What can be said now that this byte has come; nothing in the midst of a character.
  std::string add(unsigned char byte) {
    std::string text;
    if (missing_ > 0) {
      if (low_ <= byte && byte <= high_) {
        pending_ += static_cast<char>(byte);
        low_ = 0x80, high_ = 0xBF;
        return --missing_ == 0 ? take() : "";
      }
      text = end();
    }
    begin(byte);
    if (missing_ == 0) text += pending_.empty() ? replacement : take();
    return text;
  }

  /// What can be said where the bytes end.
  std::string end() {
    if (missing_ == 0) return "";
    missing_ = 0;
    pending_.clear();
    return replacement;
  }

 private:
  static constexpr char const* replacement = "\uFFFD";

  std::string take() { return std::exchange(pending_, {}); }

  /// The first byte says how many follow, and sometimes restricts the next: no code point has two
  /// forms, none is half of a pair of UTF-16, none is above U+10FFFF.
  void begin(unsigned char byte) {
    low_ = byte == 0xE0 ? 0xA0 : byte == 0xF0 ? 0x90 : 0x80;
    high_ = byte == 0xED ? 0x9F : byte == 0xF4 ? 0x8F : 0xBF;
    bool const is_first = byte < 0x80 || (byte >= 0xC2 && byte <= 0xF4);
    if (!is_first) return;
    missing_ = byte < 0x80 ? 0 : byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    pending_ = static_cast<char>(byte);
  }

  std::string pending_;
  std::size_t missing_ = 0;  // bytes of the character that has begun
  unsigned char low_ = 0, high_ = 0;
};

}  // namespace kyrtos::program
