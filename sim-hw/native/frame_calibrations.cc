// SPDX-License-Identifier: Apache-2.0
// The master calibrations of a simulated CCD, in the form the pipelines keep them: images float32, GZIP_2 without loss, a
// row to a tile; tables with the pipelines' column names.
#include <fitsio.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "sim-hw/native/frame.h"

namespace summit::sim {
namespace {

struct File {
  File(const std::string& path, const char* type, const std::string& detector) : path_(path), type_(type), detector_(detector) {
    std::remove(path.c_str());
    fits_create_diskfile(&file, path.c_str(), &status);
    fits_create_img(file, BYTE_IMG, 0, nullptr, &status);
  }
  // The image's own header has nothing of it, the table's all.
  void Describe(const char* units) {
    fits_write_key_str(file, "OBSTYPE", type_, nullptr, &status);
    fits_write_key_str(file, units != nullptr ? "DETNAME" : "DETECTOR_NAME", detector_.c_str(), nullptr, &status);
    fits_write_key_str(file, "VALIDITYBEGIN", "2026-01-01T00:00:00", nullptr, &status);
    fits_write_key_str(file, "VALIDITYEND", "2028-01-01T00:00:00", nullptr, &status);
    if (units != nullptr) fits_write_key_str(file, "HIERARCH LSST ISR UNITS", units, nullptr, &status);
  }
  std::string Close() {
    if (file == nullptr) return path_ + ": cannot be created";
    int closing = 0;
    fits_close_file(file, &closing);
    if (status == 0 && closing == 0) return "";
    char text[FLEN_STATUS] = "";
    fits_get_errstatus(status != 0 ? status : closing, text);
    return path_ + ": " + text;
  }

  fitsfile* file = nullptr;
  int status = 0;

 private:
  std::string path_;
  const char* type_;
  std::string detector_;
};

template <typename At>
std::string WriteImage(const Detector& detector, const std::string& folder, const char* type, const char* unit, At at) {
  File out(folder + "/" + type + ".fits", type, detector.name());
  double one = 1.0;
  out.Describe("electron");
  fits_write_key(out.file, TDOUBLE, "DARKTIME", &one, nullptr, &out.status);
  std::array<long, 2> sides{detector.cols(), detector.rows()}, tile{detector.cols(), 1};
  fits_set_compression_type(out.file, GZIP_2, &out.status);
  fits_set_tile_dim(out.file, 2, tile.data(), &out.status);
  fits_set_quantize_level(out.file, 0.0f, &out.status);
  fits_create_img(out.file, FLOAT_IMG, 2, sides.data(), &out.status);
  fits_write_key_str(out.file, "EXTNAME", "IMAGE", nullptr, &out.status);
  fits_write_key_str(out.file, "EXTTYPE", "IMAGE", nullptr, &out.status);
  fits_write_key_str(out.file, "BUNIT", unit, nullptr, &out.status);
  std::vector<float> row(static_cast<size_t>(detector.cols()));
  for (int32_t y = 0; y < detector.rows() && out.status == 0; y++) {
    for (int32_t x = 0; x < detector.cols(); x++) row[static_cast<size_t>(x)] = at(x, y);
    fits_write_img(out.file, TFLOAT, static_cast<LONGLONG>(y) * detector.cols() + 1, detector.cols(), row.data(), &out.status);
  }
  return out.Close();
}

struct Column {
  const char* name;
  const char* form;
};

template <size_t N>
void Table(File* out, const Column (&columns)[N], int64_t rows) {
  std::array<char*, N> names{}, forms{};
  for (size_t i = 0; i < N; i++) {
    names[i] = const_cast<char*>(columns[i].name);
    forms[i] = const_cast<char*>(columns[i].form);
  }
  fits_create_tbl(out->file, BINARY_TBL, rows, static_cast<int>(N), names.data(), forms.data(), nullptr, nullptr, &out->status);
  out->Describe(nullptr);
}

void Put(File* out, int column, int64_t row, double value) { fits_write_col(out->file, TDOUBLE, column, row, 1, 1, &value, &out->status); }
void Put(File* out, int column, int64_t row, const std::string& text) {
  char* value = const_cast<char*>(text.c_str());
  fits_write_col(out->file, TSTRING, column, row, 1, 1, &value, &out->status);
}
void Put(File* out, int column, int64_t row, std::vector<double> values) {
  fits_write_col(out->file, TDOUBLE, column, row, 1, static_cast<LONGLONG>(values.size()), values.data(), &out->status);
}

std::string WriteDefects(const Detector& detector, const std::string& folder) {
  File out(folder + "/defects.fits", "defects", detector.name());
  Table(&out, {{"X", "D"}, {"Y", "D"}, {"SHAPE", "5A"}, {"R", "2D"}, {"ROTANG", "D"}, {"COMPONENT", "K"}}, static_cast<int64_t>(detector.defects().size()));
  int64_t row = 0;
  for (const Defect& defect : detector.defects()) {
    row++;
    // 1-based centres.
    Put(&out, 1, row, defect.x + 1 + (defect.dx - 1) / 2.0);
    Put(&out, 2, row, defect.y + 1 + (defect.dy - 1) / 2.0);
    Put(&out, 3, row, std::string(defect.dx == 1 && defect.dy == 1 ? "POINT" : "BOX"));
    Put(&out, 4, row, std::vector<double>{static_cast<double>(defect.dx), static_cast<double>(defect.dy)});
    Put(&out, 5, row, 0.0);
    Put(&out, 6, row, static_cast<double>(row - 1));
  }
  return out.Close();
}

std::string WriteCrosstalk(const Detector& detector, const std::string& folder) {
  const size_t n = detector.amps().size();
  File out(folder + "/crosstalk.fits", "CROSSTALK", detector.name());
  const std::string square = std::to_string(n * n) + "D", valid = std::to_string(n * n) + "L", gains = std::to_string(n) + "D";
  Table(&out, {{"CT_COEFFS", square.c_str()}, {"CT_VALID", valid.c_str()}, {"CT_COEFFS_SQR", square.c_str()}, {"CT_FIT_GAINS", gains.c_str()}}, 1);
  Put(&out, 1, 1, detector.crosstalk());
  std::vector<char> all(n * n, 1);
  fits_write_col(out.file, TLOGICAL, 2, 1, 1, static_cast<LONGLONG>(all.size()), all.data(), &out.status);
  Put(&out, 3, 1, std::vector<double>(n * n, 0.0));
  std::vector<double> fitted;
  for (const Amp& amp : detector.amps()) fitted.push_back(amp.gain);
  Put(&out, 4, 1, fitted);
  long count = static_cast<long>(n);
  double version = 1.1;
  fits_write_key_log(out.file, "HAS_CROSSTALK", 1, nullptr, &out.status);
  fits_write_key(out.file, TLONG, "NAMP", &count, nullptr, &out.status);
  fits_write_key(out.file, TDOUBLE, "CROSSTALK_VERSION", &version, nullptr, &out.status);
  fits_write_key_str(out.file, "CROSSTALK_RATIOS_UNITS", "electron", nullptr, &out.status);
  return out.Close();
}

std::string WritePtc(const Detector& detector, const std::string& folder) {
  File out(folder + "/ptc.fits", "PTC", detector.name());
  Table(&out, {{"AMPLIFIER_NAME", "3A"}, {"GAIN", "D"}, {"NOISE", "D"}, {"PTC_TURNOFF", "D"}}, static_cast<int64_t>(detector.amps().size()));
  int64_t row = 0;
  for (const Amp& amp : detector.amps()) {
    row++;
    Put(&out, 1, row, amp.name);
    Put(&out, 2, row, amp.gain);
    Put(&out, 3, row, amp.noise);
    Put(&out, 4, row, amp.turnoff);
  }
  return out.Close();
}

// Of a parabola with equal steps an Akima spline is the parabola itself.
std::string WriteLinearizer(const Detector& detector, const std::string& folder) {
  File out(folder + "/linearizer.fits", "LINEARIZER", detector.name());
  Table(&out, {{"AMPLIFIER_NAME", "3A"}, {"TYPE", "6A"}, {"COEFFS", "22D"}, {"BBOX_X0", "K"}, {"BBOX_Y0", "K"}, {"BBOX_DX", "K"}, {"BBOX_DY", "K"}},
        static_cast<int64_t>(detector.amps().size()));
  int64_t row = 0;
  for (const Amp& amp : detector.amps()) {
    row++;
    std::vector<double> values;
    for (int i = 0; i < kNodes; i++) values.push_back(kNodesEnd * i / (kNodes - 1));
    for (int i = 0; i < kNodes; i++) values.push_back(Detector::Surplus(amp, values[static_cast<size_t>(i)]));
    Put(&out, 1, row, amp.name);
    Put(&out, 2, row, std::string("Spline"));
    Put(&out, 3, row, values);
    Put(&out, 4, row, static_cast<double>(amp.x0));
    Put(&out, 5, row, static_cast<double>(amp.top ? detector.rows() - kAmpRows : 0));
    Put(&out, 6, row, static_cast<double>(kAmpCols));
    Put(&out, 7, row, static_cast<double>(kAmpRows));
  }
  fits_write_key_log(out.file, "HAS_LINEARITY", 1, nullptr, &out.status);
  return out.Close();
}

}  // namespace

std::string WriteCalibrations(const Detector& detector, const std::string& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return folder + ": cannot be made: " + error.message();
  std::string problem = WriteImage(detector, folder, "bias", "electron", [&](int32_t x, int32_t y) { return detector.BiasAt(x, y); });
  if (problem.empty()) problem = WriteImage(detector, folder, "dark", "electron/s", [&](int32_t x, int32_t y) { return detector.DarkAt(x, y); });
  if (problem.empty()) problem = WriteImage(detector, folder, "flat", "", [&](int32_t x, int32_t y) { return detector.FlatAt(x, y); });
  if (problem.empty()) problem = WriteDefects(detector, folder);
  if (problem.empty()) problem = WriteCrosstalk(detector, folder);
  if (problem.empty()) problem = WritePtc(detector, folder);
  return problem.empty() ? WriteLinearizer(detector, folder) : problem;
}

}  // namespace summit::sim
