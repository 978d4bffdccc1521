// SPDX-License-Identifier: Apache-2.0
// Paints a stamp from fuzzer bytes: a short program of strokes reaches deeper into the measuring chain than raw pixels.
// Thread: plain data. Owns: its pixels.
//
// Bytes: rows, cols (10..137 each), pixel type, read noise, noise seed, then strokes until the bytes end. A stroke is
// one byte of kind (modulo 8) and its arguments; kinds are in Stroke below.
#ifndef SUMMIT_PIXELS_FUZZ_PAINTER_H_
#define SUMMIT_PIXELS_FUZZ_PAINTER_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "addons/pixels/image_view.h"

namespace summit::pixels {

// Reads zeros when the bytes have ended.
class FuzzBytes {
 public:
  FuzzBytes(const uint8_t* data, size_t size) : data_(data), size_(size) {}
  bool left() const { return at_ < size_; }
  uint8_t Byte() { return at_ < size_ ? data_[at_++] : 0; }
  uint16_t Word() {
    const uint16_t low = Byte();
    return static_cast<uint16_t>(low | Byte() << 8);
  }
  float Share() { return static_cast<float>(Word()) / 65535.0f; }

 private:
  const uint8_t* data_;
  size_t size_;
  size_t at_ = 0;
};

class PaintedStamp {
 public:
  explicit PaintedStamp(FuzzBytes* bytes) {
    rows_ = 10 + bytes->Byte() % 128;
    cols_ = 10 + bytes->Byte() % 128;
    type_ = static_cast<PixelType>(1 + bytes->Byte() % 4);
    const float noise = static_cast<float>(bytes->Byte() % 32);
    uint32_t seed = bytes->Byte();
    values_.resize(static_cast<size_t>(rows_) * static_cast<size_t>(cols_));
    for (float& value : values_) {
      float sum = -2.0f;
      for (int i = 0; i < 4; i++) {
        seed = seed * 1664525u + 1013904223u;
        sum += static_cast<float>(seed >> 8) / 16777216.0f;
      }
      value = 13000.0f + noise * 1.7f * sum;
    }
    for (int strokes = 0; bytes->left() && strokes < 64; strokes++) Stroke(bytes);
    Digitize();
  }

  ImageView view() const { return {raw_.data(), type_, rows_, cols_, cols_}; }
  int32_t rows() const { return rows_; }
  int32_t cols() const { return cols_; }

 private:
  float& At(int32_t r, int32_t c) { return values_[static_cast<size_t>(r) * static_cast<size_t>(cols_) + static_cast<size_t>(c)]; }

  void Stroke(FuzzBytes* bytes) {
    const uint8_t kind = bytes->Byte() % 8;
    const float x = bytes->Share() * static_cast<float>(cols_ + 8) - 4.0f, y = bytes->Share() * static_cast<float>(rows_ + 8) - 4.0f;
    const auto row = static_cast<int32_t>(bytes->Byte()) % rows_, col = static_cast<int32_t>(bytes->Byte()) % cols_;
    const float height = std::pow(10.0f, 6.0f * bytes->Share()) - 1.0f;
    switch (kind) {
      case 0:
      case 1: Star(x, y, 0.3f + 8.0f * bytes->Share(), height); break;
      case 2: At(row, col) += height; break;
      case 3: Line(0, rows_, [&](int32_t r) -> float& { return At(r, col); }, height); break;
      case 4: Line(0, cols_, [&](int32_t c) -> float& { return At(row, c); }, height); break;
      case 5: Fill(row, 1 + bytes->Byte() % 32, height); break;
      case 6: Ramp(height / static_cast<float>(rows_)); break;
      default: At(row, col) = bytes->Byte() % 2 == 0 ? std::numeric_limits<float>::quiet_NaN() : -height; break;
    }
  }

  void Star(float x, float y, float width, float height) {
    for (int32_t r = 0; r < rows_; r++) {
      for (int32_t c = 0; c < cols_; c++) {
        const float dx = (static_cast<float>(c) - x) / width, dy = (static_cast<float>(r) - y) / width;
        const float t = 1.0f + dx * dx + dy * dy;
        At(r, c) += height / (t * t * t);
      }
    }
  }

  template <typename Pixel>
  void Line(int32_t from, int32_t to, Pixel pixel, float height) {
    for (int32_t i = from; i < to; i++) pixel(i) += height;
  }

  void Fill(int32_t row, int32_t count, float value) {
    for (int32_t r = row; r < rows_ && r < row + count; r++) {
      for (int32_t c = 0; c < cols_; c++) At(r, c) = value;
    }
  }

  void Ramp(float slope) {
    for (int32_t r = 0; r < rows_; r++) {
      for (int32_t c = 0; c < cols_; c++) At(r, c) += slope * static_cast<float>(r);
    }
  }

  // Whole-number types take whatever their words can hold, also outside the ADC's range.
  void Digitize() {
    const size_t n = values_.size();
    raw_.assign(type_ == PixelType::kRaw18x16 ? n * 36 : n * 4, 0);
    for (size_t i = 0; i < n; i++) {
      const float value = values_[i];
      const float whole = std::isfinite(value) ? std::fmax(-2e9f, std::fmin(2e9f, std::floor(value + 0.5f))) : 0.0f;
      if (type_ == PixelType::kF32) std::memcpy(&raw_[4 * i], &value, 4);
      const auto word = static_cast<int32_t>(whole);
      if (type_ == PixelType::kI32) std::memcpy(&raw_[4 * i], &word, 4);
      const auto half = static_cast<uint16_t>(word & 0xFFFF);
      if (type_ == PixelType::kU16) std::memcpy(&raw_[2 * i], &half, 2);
      if (type_ != PixelType::kRaw18x16) continue;
      // The first of the 16 segments carries the picture.
      const uint32_t code = (static_cast<uint32_t>(word) ^ 0x20000u) & 0x3FFFFu;
      std::memcpy(&raw_[36 * i], &code, 4);
    }
  }

  int32_t rows_ = 0;
  int32_t cols_ = 0;
  PixelType type_ = PixelType::kNone;
  std::vector<float> values_;
  std::vector<uint8_t> raw_;
};

}  // namespace summit::pixels

#endif  // SUMMIT_PIXELS_FUZZ_PAINTER_H_
