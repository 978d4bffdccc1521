// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/calibration_file.h"

#include <fitsio.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "addons/fits/calibration_table.h"
#include "addons/fits/open_file.h"

namespace summit::fits {
namespace {

constexpr int32_t kAmpCols = 509, kAmpRows = 2000, kCcdCols = 8 * kAmpCols, kCcdRows = 2 * kAmpRows;
constexpr long kMostDefects = 1000000;

// Where the ROI's pixel (0, 0) lies on the CCD, and which way rows go; columns go to lower x on every amplifier.
struct Corner {
  int32_t x, y, step;
};

Corner CornerOf(const CalibrationRoi& roi) {
  const bool top = roi.segment >= 10;
  return {roi.segment % 10 * kAmpCols + kAmpCols - 1 - roi.start_col, top ? kCcdRows - 1 - roi.start_row : roi.start_row, top ? -1 : 1};
}

struct Rectangle {
  int32_t x0, x1, y0, y1;
};

Rectangle OnCcd(const CalibrationRoi& roi) {
  const Corner corner = CornerOf(roi);
  const int32_t last = corner.y + corner.step * (roi.rows - 1);
  return {corner.x - roi.cols + 1, corner.x, std::min(corner.y, last), std::max(corner.y, last)};
}

bool Fail(const std::string& path, const std::string& why, std::string* problem) {
  *problem = path + ": " + why;
  return false;
}

}  // namespace

std::string RoiProblem(const CalibrationRoi& roi) {
  const bool label = roi.segment >= 0 && (roi.segment <= 7 || (roi.segment >= 10 && roi.segment <= 17));
  if (!label) return "segment: expected 0-7 or 10-17, got " + std::to_string(roi.segment);
  if (roi.rows < 1 || roi.cols < 1 || roi.start_row < 0 || roi.start_col < 0) return "ROI: expected sides above 0 and a start of 0 or above";
  const Rectangle r = OnCcd(roi);
  if (r.x0 >= 0 && r.x1 < kCcdCols && r.y0 >= 0 && r.y1 < kCcdRows) return "";
  return "ROI: expected to lie on the CCD of 4072 x 4000 px, got x " + std::to_string(r.x0) + ".." + std::to_string(r.x1) + ", y " + std::to_string(r.y0) + ".." + std::to_string(r.y1);
}

bool ReadCalibrationImage(const std::string& path, const CalibrationRoi& roi, CalibrationImage* image, std::string* problem) {
  const std::string wrong = RoiProblem(roi);
  if (!wrong.empty()) return Fail(path, wrong, problem);
  FitsHandle handle;
  if (!OpenFits(path, &handle, problem)) return false;
  if (!FindImage(handle.file, kCcdCols, kCcdRows)) return Fail(path, "expected an image of 4072 x 4000 px, found none in any HDU", problem);
  const char* which = "";
  if (!ChecksumsFit(&handle, &which)) return Fail(path, std::string("damaged: ") + which + " does not fit its contents", problem);
  int status = 0, any = 0;
  const std::string unit = TextKey(handle.file, "BUNIT");
  image->adu = unit.starts_with('a') || unit.starts_with('A');
  const Rectangle r = OnCcd(roi);
  std::array<long, 2> first{r.x0 + 1, r.y0 + 1}, last{r.x1 + 1, r.y1 + 1}, step{1, 1};
  std::vector<float> read(static_cast<size_t>(roi.rows) * static_cast<size_t>(roi.cols));
  float none = std::numeric_limits<float>::quiet_NaN();
  fits_read_subset(handle.file, TFLOAT, first.data(), last.data(), step.data(), &none, read.data(), &any, &status);
  if (status != 0) return Fail(path, "pixels cannot be read: " + FitsReason(status), problem);
  image->pixels.resize(read.size());
  const bool top = CornerOf(roi).step < 0;
  for (int32_t row = 0; row < roi.rows; row++) {
    const float* from = read.data() + static_cast<size_t>(top ? roi.rows - 1 - row : row) * static_cast<size_t>(roi.cols);
    std::reverse_copy(from, from + roi.cols, image->pixels.begin() + static_cast<long>(row) * roi.cols);
  }
  return true;
}

bool ReadDefects(const std::string& path, const CalibrationRoi& roi, std::vector<uint8_t>* defects, std::string* problem) {
  const std::string wrong = RoiProblem(roi);
  if (!wrong.empty()) return Fail(path, wrong, problem);
  FitsHandle handle;
  if (!OpenFits(path, &handle, problem)) return false;
  std::vector<int> columns;
  long count = 0;
  if (!FindTable(handle.file, {"X", "Y", "SHAPE", "R"}, &columns, &count)) return Fail(path, "expected a table with columns X, Y, SHAPE, R", problem);
  if (count > kMostDefects) return Fail(path, "expected at most 1000000 defects, got " + std::to_string(count), problem);
  defects->assign(static_cast<size_t>(roi.rows) * static_cast<size_t>(roi.cols), 0);
  const Corner corner = CornerOf(roi);
  int status = 0;
  for (long i = 1; i <= count && status == 0; i++) {
    // FITS counts pixels from 1; a box has its centre and its sides.
    const double x = CellOf(handle.file, columns[0], i, 1, &status) - 1.0, y = CellOf(handle.file, columns[1], i, 1, &status) - 1.0;
    const bool box = TextOf(handle.file, columns[2], i, &status).rfind("BOX", 0) == 0;
    const double width = box ? CellOf(handle.file, columns[3], i, 1, &status) : 1.0, height = box ? CellOf(handle.file, columns[3], i, 2, &status) : 1.0;
    if (status != 0 || !(std::fabs(x) < 1e5) || !(std::fabs(y) < 1e5) || !(width < 1e5) || !(height < 1e5)) continue;
    const auto low = [](double centre, double side) { return static_cast<int32_t>(std::lround(centre - 0.5 * (side - 1.0))); };
    const auto high = [](double centre, double side) { return static_cast<int32_t>(std::lround(centre + 0.5 * (side - 1.0))); };
    const Rectangle r = OnCcd(roi);
    for (int32_t yy = std::max(r.y0, low(y, height)); yy <= std::min(r.y1, high(y, height)); yy++) {
      for (int32_t xx = std::max(r.x0, low(x, width)); xx <= std::min(r.x1, high(x, width)); xx++) {
        (*defects)[static_cast<size_t>((yy - corner.y) * corner.step) * static_cast<size_t>(roi.cols) + static_cast<size_t>(corner.x - xx)] = 1;
      }
    }
  }
  return status == 0 || Fail(path, "defects cannot be read: " + FitsReason(status), problem);
}

bool ReadAmplifier(const std::string& path, int32_t segment, AmplifierConstants* constants, std::string* problem) {
  FitsHandle handle;
  if (!OpenFits(path, &handle, problem)) return false;
  std::vector<int> columns;
  long count = 0;
  if (!FindTable(handle.file, {"AMPLIFIER_NAME", "GAIN", "NOISE"}, &columns, &count)) return Fail(path, "expected a table with columns AMPLIFIER_NAME, GAIN, NOISE", problem);
  const std::string name = std::string("C") + (segment < 10 ? "0" : "") + std::to_string(segment);
  int status = 0;
  for (long i = 1; i <= count && status == 0; i++) {
    if (TextOf(handle.file, columns[0], i, &status) != name) continue;
    constants->gain = CellOf(handle.file, columns[1], i, 1, &status);
    constants->read_noise = CellOf(handle.file, columns[2], i, 1, &status);
    if (status != 0) break;
    if (!(constants->gain > 0.0) || !std::isfinite(constants->gain)) return Fail(path, "gain of " + name + ": expected above 0, got " + std::to_string(constants->gain), problem);
    if (!(constants->read_noise >= 0.0) || !std::isfinite(constants->read_noise)) return Fail(path, "noise of " + name + ": expected 0 or above, got " + std::to_string(constants->read_noise), problem);
    return true;
  }
  if (status != 0) return Fail(path, "table cannot be read: " + FitsReason(status), problem);
  return Fail(path, "no amplifier " + name, problem);
}

}  // namespace summit::fits
