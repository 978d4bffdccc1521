// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/calibration_mask.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace summit::fits {
namespace {

// What a pixel of a master may be besides good, by LSST's names, and the bit it has here. What was detected in a master
// says nothing of a frame.
constexpr std::array<std::pair<const char*, int32_t>, 7> kPlanes = {{{"MP_BAD", 0}, {"MP_SAT", 1}, {"MP_INTRP", 2}, {"MP_CR", 3}, {"MP_EDGE", 4}, {"MP_SUSPECT", 7}, {"MP_NO_DATA", 8}}};
// A mask with more says nothing that could be used.
constexpr size_t kMostRuns = 4000000;
constexpr int32_t kRowsAtATime = 50;

struct Translation {
  int32_t from, to;
};

std::vector<Translation> TranslationsOf(fitsfile* file) {
  std::vector<Translation> all;
  for (const auto& [name, bit] : kPlanes) {
    int status = 0;
    long number = -1;
    fits_read_key(file, TLONG, name, &number, nullptr, &status);
    if (status == 0 && number >= 0 && number < 31) all.push_back({int32_t{1} << number, int32_t{1} << bit});
  }
  fits_clear_errmsg();
  return all;
}

}  // namespace

bool ReadCalibrationMask(FitsHandle* handle, const image::DetectorModel& model, std::vector<image::MaskRun>* runs, std::string* problem) {
  if (!FindImage(handle->file, model.cols, model.rows, "MASK")) return true;
  const char* which = "";
  if (!ChecksumsFit(handle, &which)) {
    *problem = std::string("MASK is damaged: ") + which + " does not fit its contents";
    return false;
  }
  const std::vector<Translation> translations = TranslationsOf(handle->file);
  int32_t known = 0;
  for (const Translation& one : translations) known |= one.from;
  if (known == 0) return true;
  const auto translated = [&](int32_t bits) {
    int32_t out = 0;
    for (const Translation& one : translations) out |= (bits & one.from) != 0 ? one.to : 0;
    return out;
  };
  std::vector<int32_t> rows(static_cast<size_t>(kRowsAtATime) * static_cast<size_t>(model.cols));
  for (int32_t first = 0; first < model.rows; first += kRowsAtATime) {
    const int32_t count = std::min(kRowsAtATime, model.rows - first);
    int status = 0, any = 0;
    fits_read_img(handle->file, TINT, static_cast<LONGLONG>(first) * model.cols + 1, static_cast<LONGLONG>(count) * model.cols, nullptr, rows.data(), &any, &status);
    if (status != 0) {
      *problem = "MASK cannot be read: " + FitsReason(status);
      return false;
    }
    for (int32_t y = 0; y < count; y++) {
      const int32_t* row = rows.data() + static_cast<size_t>(y) * static_cast<size_t>(model.cols);
      for (int32_t x = 0; x < model.cols; x++) {
        const int32_t bits = row[x] & known, begin = x;
        if (bits == 0) continue;
        while (x + 1 < model.cols && (row[x + 1] & known) == bits) x++;
        runs->push_back({first + y, begin, x, translated(bits)});
      }
    }
    if (runs->size() > kMostRuns) {
      *problem = "MASK: expected at most " + std::to_string(kMostRuns) + " runs of marked pixels, got more";
      return false;
    }
  }
  return true;
}

}  // namespace summit::fits
