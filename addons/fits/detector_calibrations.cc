// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/detector_calibrations.h"

#include <fitsio.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <utility>

#include "addons/fits/calibration_mask.h"
#include "addons/fits/calibration_table.h"
#include "addons/fits/open_file.h"
#include "addons/image/parallel.h"

namespace summit::fits {
namespace {

using image::Calibrations;
using image::DetectorModel;

constexpr long kMostDefects = 1000000;
// From this version on the matrix is between electrons (ip_isr, crosstalk.py).
constexpr double kElectronVersion = 1.1;

struct Map {
  std::vector<float> pixels{};
  bool adu = false;
  double dark_seconds = 1.0;  // DARKTIME
  std::vector<image::MaskRun> mask{};
};

double NumberKey(fitsfile* file, const char* name, double otherwise) {
  int status = 0;
  double value = 0.0;
  fits_read_key(file, TDOUBLE, name, &value, nullptr, &status);
  fits_clear_errmsg();
  return status == 0 ? value : otherwise;
}

bool FlagKey(fitsfile* file, const char* name, bool otherwise) {
  int status = 0, value = 0;
  fits_read_key(file, TLOGICAL, name, &value, nullptr, &status);
  fits_clear_errmsg();
  return status == 0 ? value != 0 : otherwise;
}

bool IsAdu(const std::string& unit) { return unit.rfind("adu", 0) == 0 || unit.rfind("ADU", 0) == 0; }

// What the present HDU's checksums vouch for.
bool Whole(const std::string& path, FitsHandle* handle, std::string* problem) {
  const char* which = "";
  if (ChecksumsFit(handle, &which)) return true;
  *problem = path + ": damaged: " + which + " does not fit its contents";
  return false;
}

// Masters of another detector with the same sides fit in every other way. LATISS has one detector only.
bool OfThisDetector(const std::string& path, fitsfile* file, std::string* problem) {
  const std::string wanted = std::filesystem::path(path).parent_path().filename().string();
  const auto is_name = [](const std::string& text) { return text.size() == 7 && text[0] == 'R' && text[3] == '_' && text[4] == 'S'; };
  for (const char* key : {"DETECTOR_NAME", "DET_NAME"}) {
    const std::string told = TextKey(file, key);
    if (told.empty() || told == wanted || !is_name(told) || !is_name(wanted)) continue;
    *problem = path + ": " + key + ": expected " + wanted + ", got " + told;
    return false;
  }
  return true;
}

bool ReadMap(const std::string& path, const DetectorModel& model, Map* map, std::string* problem) {
  FitsHandle handle;
  if (!OpenFits(path, &handle, problem)) return false;
  if (!OfThisDetector(path, handle.file, problem)) return false;
  map->dark_seconds = NumberKey(handle.file, "DARKTIME", 1.0);
  map->adu = IsAdu(TextKey(handle.file, "LSST ISR UNITS"));
  if (!FindImage(handle.file, model.cols, model.rows)) {
    *problem = path + ": expected an image of " + std::to_string(model.cols) + " x " + std::to_string(model.rows) + " px, found none in any HDU";
    return false;
  }
  if (!OfThisDetector(path, handle.file, problem) || !Whole(path, &handle, problem)) return false;
  map->adu = map->adu || IsAdu(TextKey(handle.file, "BUNIT"));
  map->pixels.resize(static_cast<size_t>(model.pixels()));
  int status = 0, any = 0;
  float none = std::nanf("");
  fits_read_img(handle.file, TFLOAT, 1, model.pixels(), &none, map->pixels.data(), &any, &status);
  if (status != 0) {
    *problem = path + ": pixels cannot be read: " + FitsReason(status);
    return false;
  }
  if (ReadCalibrationMask(&handle, model, &map->mask, problem)) return true;
  problem->insert(0, path + ": ");
  return false;
}

// Opens a table with these columns.
bool OpenTable(const std::string& path, const std::vector<const char*>& names, FitsHandle* handle, std::vector<int>* columns, long* rows, std::string* problem) {
  if (!OpenFits(path, handle, problem)) return false;
  if (FindTable(handle->file, names, columns, rows)) return OfThisDetector(path, handle->file, problem) && Whole(path, handle, problem);
  std::string list;
  for (const char* name : names) list += (list.empty() ? "" : ", ") + std::string(name);
  *problem = path + ": expected a table with columns " + list;
  return false;
}

bool Failed(const std::string& path, int status, std::string* problem) {
  if (status == 0) return false;
  *problem = path + ": table cannot be read: " + FitsReason(status);
  return true;
}

int32_t AmpNamed(const DetectorModel& model, const std::string& name) {
  for (size_t i = 0; i < model.amps.size(); ++i) {
    if (name == model.amps[i].name) return static_cast<int32_t>(i);
  }
  return -1;
}

bool ReadPtc(const std::string& path, const DetectorModel& model, Calibrations* out, std::string* problem) {
  FitsHandle handle;
  std::vector<int> columns;
  long rows = 0;
  if (!OpenTable(path, {"AMPLIFIER_NAME", "GAIN", "NOISE", "PTC_TURNOFF"}, &handle, &columns, &rows, problem)) return false;
  int status = 0;
  std::array<bool, image::kMostAmps> seen{};
  for (long row = 1; row <= rows && status == 0; ++row) {
    const int32_t amp = AmpNamed(model, TextOf(handle.file, columns[0], row, &status));
    if (amp < 0) continue;
    const auto good = [](double value) { return std::isfinite(value) && value > 0.0 ? value : 0.0; };
    image::AmpCalibration& to = out->amps[static_cast<size_t>(amp)];
    to.gain = good(CellOf(handle.file, columns[1], row, 1, &status));
    to.read_noise = good(CellOf(handle.file, columns[2], row, 1, &status));
    to.turnoff = good(CellOf(handle.file, columns[3], row, 1, &status));
    seen[static_cast<size_t>(amp)] = true;
  }
  if (Failed(path, status, problem)) return false;
  out->has_ptc = std::any_of(seen.begin(), seen.end(), [](bool found) { return found; });
  if (!out->has_ptc) *problem = path + ": expected rows of the amplifiers " + model.amps.front().name + " to " + model.amps.back().name + ", found none";
  return out->has_ptc;
}

bool ReadDefectBoxes(const std::string& path, Calibrations* out, std::string* problem) {
  FitsHandle handle;
  std::vector<int> columns;
  long rows = 0;
  if (!OpenTable(path, {"X", "Y", "SHAPE", "R"}, &handle, &columns, &rows, problem)) return false;
  if (rows > kMostDefects) {
    *problem = path + ": expected at most 1000000 defects, got " + std::to_string(rows);
    return false;
  }
  int status = 0;
  for (long row = 1; row <= rows && status == 0; ++row) {
    // FITS counts pixels from 1; a box has its centre and its sides.
    const double x = CellOf(handle.file, columns[0], row, 1, &status) - 1.0, y = CellOf(handle.file, columns[1], row, 1, &status) - 1.0;
    const bool box = TextOf(handle.file, columns[2], row, &status).rfind("BOX", 0) == 0;
    const double width = box ? CellOf(handle.file, columns[3], row, 1, &status) : 1.0, height = box ? CellOf(handle.file, columns[3], row, 2, &status) : 1.0;
    if (status != 0 || !(std::fabs(x) < 1e5) || !(std::fabs(y) < 1e5) || !(width < 1e5) || !(height < 1e5)) continue;
    const auto edge = [](double at) { return static_cast<int32_t>(std::lround(at)); };
    out->defects.push_back({edge(x - 0.5 * (width - 1.0)), edge(x + 0.5 * (width - 1.0)), edge(y - 0.5 * (height - 1.0)), edge(y + 0.5 * (height - 1.0))});
  }
  if (Failed(path, status, problem)) return false;
  out->has_defects = true;
  return true;
}

// A named column's numbers of the first row; empty where there is no such column.
std::vector<double> NumbersOf(fitsfile* file, const char* name, int* status) {
  std::string text = name;
  int column = 0, missing = 0;
  fits_get_colnum(file, CASEINSEN, text.data(), &column, &missing);
  fits_clear_errmsg();
  return missing == 0 ? ListOf(file, column, 1, status) : std::vector<double>();
}

// What was measured and not found to be there counts as nothing, and its square with it (ip_isr, crosstalk.py).
std::vector<bool> MeasuredOf(fitsfile* file, const std::vector<double>& c, int* status) {
  char name[] = "CT_VALID";
  int column = 0, missing = 0;
  fits_get_colnum(file, CASEINSEN, name, &column, &missing);
  fits_clear_errmsg();
  std::vector<bool> measured = missing == 0 ? FlagsOf(file, column, 1, status) : std::vector<bool>(c.size(), true);
  for (size_t i = 0; i < measured.size() && i < c.size(); ++i) measured[i] = measured[i] && std::isfinite(c[i]) && std::fabs(c[i]) > 0.0;
  return measured;
}

bool ReadCrosstalk(const std::string& path, const DetectorModel& model, Calibrations* out, std::string* problem) {
  FitsHandle handle;
  std::vector<int> columns;
  long rows = 0;
  if (!OpenTable(path, {"CT_COEFFS"}, &handle, &columns, &rows, problem)) return false;
  if (!FlagKey(handle.file, "HAS_CROSSTALK", true)) {
    *problem = path + ": HAS_CROSSTALK: expected T, got F: its coefficients were not measured";
    return false;
  }
  int status = 0;
  const std::vector<double> c = ListOf(handle.file, columns[0], 1, &status);
  const std::vector<bool> measured = MeasuredOf(handle.file, c, &status);
  const std::vector<double> q = NumbersOf(handle.file, "CT_COEFFS_SQR", &status);
  const size_t n = model.amps.size();
  if (Failed(path, status, problem)) return false;
  for (const auto& [name, count] : {std::pair("CT_COEFFS", c.size()), std::pair("CT_VALID", measured.size()), std::pair("CT_COEFFS_SQR", q.empty() ? n * n : q.size())}) {
    if (count == n * n) continue;
    *problem = path + ": " + name + ": expected " + std::to_string(n) + " x " + std::to_string(n) + " coefficients, got " + std::to_string(count);
    return false;
  }
  const std::string unit = TextKey(handle.file, "CROSSTALK_RATIOS_UNITS");
  out->crosstalk_in_adu = IsAdu(unit) || (unit.empty() && NumberKey(handle.file, "CROSSTALK_VERSION", 0.0) < kElectronVersion);
  out->crosstalk.assign(n * n, 0.0f);
  // LATISS is corrected without squares, the camera with them (obs_lsst, config/{latiss,lsstCam}/isrLSST.py).
  const bool squares = &model != &image::Latiss() && std::any_of(q.begin(), q.end(), [](double value) { return std::fabs(value) > 0.0; });
  if (squares) out->crosstalk_square.assign(n * n, 0.0f);
  for (size_t i = 0; i < n * n; ++i) {
    if (!measured[i]) continue;
    out->crosstalk[i] = static_cast<float>(c[i]);
    if (squares && std::isfinite(q[i])) out->crosstalk_square[i] = static_cast<float>(q[i]);
  }
  return true;
}

bool SetLinearity(const std::string& type, const std::vector<double>& c, image::AmpCalibration* amp, std::string* problem) {
  image::Linearity* linearity = &amp->linearity;
  const double gain = amp->gain;
  if (type == "Spline") {
    const auto half = static_cast<std::ptrdiff_t>(c.size() / 2);
    if (c.size() % 2 == 0) return MakeSpline({c.begin(), c.begin() + half}, {c.begin() + half, c.end()}, gain, linearity, problem);
    *problem = "Spline: expected nodes and as many values, got " + std::to_string(c.size()) + " numbers";
    return false;
  }
  if (type == "DoubleSpline") return MakeDoubleSpline(c, gain, linearity, &amp->linearity_after, problem);
  if (type == "Polynomial") return MakePolynomial(c, gain, linearity, problem);
  if (type == "Squared") return MakePolynomial({c.empty() ? 0.0 : c.front()}, gain, linearity, problem);
  if (type == "Proportional" || type == "None") return true;
  *problem = "TYPE: expected Spline, DoubleSpline, Polynomial, Squared, Proportional or None, got " + type;
  return false;
}

// After the gains: they turn adu to electron.
bool ReadLinearizer(const std::string& path, const DetectorModel& model, Calibrations* out, std::string* problem) {
  FitsHandle handle;
  std::vector<int> columns;
  long rows = 0;
  if (!OpenTable(path, {"AMPLIFIER_NAME", "TYPE", "COEFFS"}, &handle, &columns, &rows, problem)) return false;
  int status = 0;
  std::array<image::AmpCalibration, image::kMostAmps> read = out->amps;
  std::array<bool, image::kMostAmps> seen{};
  for (long row = 1; row <= rows && status == 0; ++row) {
    const std::string name = TextOf(handle.file, columns[0], row, &status);
    const int32_t amp = AmpNamed(model, name);
    if (amp < 0) continue;
    const auto at = static_cast<size_t>(amp);
    const std::string type = TextOf(handle.file, columns[1], row, &status);
    const std::vector<double> c = ListOf(handle.file, columns[2], row, &status);
    seen[at] = true;
    if (status != 0 || !(out->amps[at].gain > 0.0) || SetLinearity(type, c, &read[at], problem)) continue;
    problem->insert(0, path + ": " + name + ": ");
    return false;
  }
  if (Failed(path, status, problem)) return false;
  for (size_t i = 0; i < model.amps.size(); ++i) {
    if (seen[i] && out->amps[i].gain > 0.0) continue;
    *problem = path + ": " + model.amps[i].name + (seen[i] ? ": its gain is not known, without it the linearizer cannot be scaled" : ": expected a row of it, found none");
    return false;
  }
  out->amps = read;
  out->has_linearizer = true;
  return true;
}

// The first one; -1: all are known.
int32_t AmpWithoutGain(const DetectorModel& model, const Calibrations& calibrations) {
  for (size_t i = 0; i < model.amps.size(); ++i) {
    if (!(calibrations.amps[i].gain > 0.0)) return static_cast<int32_t>(i);
  }
  return -1;
}

void ToElectron(const DetectorModel& model, const Calibrations& calibrations, Map* map) {
  for (size_t i = 0; map->adu && i < model.amps.size(); ++i) {
    const auto gain = static_cast<float>(calibrations.amps[i].gain);
    for (int32_t row = 0; row < image::kDataRows; row++) {
      float* at = map->pixels.data() + static_cast<size_t>(model.amps[i].y0 + row) * static_cast<size_t>(model.cols) + static_cast<size_t>(model.amps[i].x0);
      for (int32_t col = 0; col < image::kDataCols; col++) at[col] *= gain;
    }
  }
}

}  // namespace

std::unique_ptr<image::Calibrations> ReadDetectorCalibrations(const std::string& directory, const DetectorModel& model, int32_t threads, std::vector<std::string>* missing) {
  auto out = std::make_unique<Calibrations>();
  const auto path = [&directory](const char* name) { return directory + "/" + name; };
  std::string problem;
  const auto told = [&](bool good) {
    if (!good) missing->push_back(problem);
  };
  told(ReadPtc(path("ptc.fits"), model, out.get(), &problem));
  told(ReadLinearizer(path("linearizer.fits"), model, out.get(), &problem));
  told(ReadCrosstalk(path("crosstalk.fits"), model, out.get(), &problem));
  told(ReadDefectBoxes(path("defects.fits"), out.get(), &problem));
  constexpr std::array<const char*, 3> kMaps = {"bias.fits", "dark.fits", "flat.fits"};
  std::array<Map, 3> maps;
  std::array<std::string, 3> why;
  std::array<bool, 3> good{};
  image::ForEachPart(threads, 3, [&](int32_t i) {
    const auto at = static_cast<size_t>(i);
    good[at] = ReadMap(path(kMaps[at]), model, &maps[at], &why[at]);
    if (const int32_t amp = AmpWithoutGain(model, *out); good[at] && i < 2 && maps[at].adu && amp >= 0) {
      good[at] = false;
      why[at] = path(kMaps[at]) + ": it is in adu, and without the gain of " + model.amps[static_cast<size_t>(amp)].name + " in ptc.fits it cannot be turned to electron";
    }
    if (good[at] && i == 1 && !(maps[at].dark_seconds > 0.0)) {
      good[at] = false;
      why[at] = path(kMaps[at]) + ": DARKTIME: expected above 0, got " + std::to_string(maps[at].dark_seconds);
    }
  });
  for (size_t i = 0; i < 3; ++i) {
    if (!good[i]) missing->push_back(why[i]);
  }
  if (good[0]) {
    ToElectron(model, *out, &maps[0]);
    out->bias_mask = std::move(maps[0].mask);
    SetBias(std::move(maps[0].pixels), model, out.get());
  }
  if (good[1]) {
    ToElectron(model, *out, &maps[1]);
    for (float& value : maps[1].pixels) value /= static_cast<float>(maps[1].dark_seconds);
    out->dark_mask = std::move(maps[1].mask);
    SetDark(std::move(maps[1].pixels), model, out.get());
  }
  if (good[2]) {
    out->flat_mask = std::move(maps[2].mask);
    SetFlat(std::move(maps[2].pixels), model, out.get());
  }
  return out;
}

}  // namespace summit::fits
