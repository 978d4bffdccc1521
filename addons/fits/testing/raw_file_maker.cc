// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/testing/raw_file_maker.h"

#include <fitsio.h>

#include <array>
#include <cstddef>
#include <vector>

namespace summit::fits::testing {

int WriteRawFile(const std::string& path, const image::DetectorModel& model, const RawFileForm& form, const PixelMaker& pixel) {
  fitsfile* file = nullptr;
  int status = 0;
  const auto text = [&](const char* name, std::string value) { fits_update_key(file, TSTRING, name, value.data(), nullptr, &status); };
  fits_create_file(&file, ("!" + path).c_str(), &status);
  fits_create_img(file, BYTE_IMG, 0, nullptr, &status);
  text("INSTRUME", form.instrument);
  text("RAFTBAY", form.raft);
  text("CCDSLOT", form.slot);
  text("OBSID", "MC_O_20261102_000087");
  double dark_time = 30.93;
  fits_update_key(file, TDOUBLE, "DARKTIME", &dark_time, nullptr, &status);
  fits_update_key_null(file, "ROTPA", nullptr, &status);
  long long sequence = 87;
  fits_update_key(file, TLONGLONG, "SEQNUM", &sequence, nullptr, &status);
  if (form.compressed) {
    std::array<long, 2> tile{form.cols, 1};
    fits_set_compression_type(file, RICE_1, &status);
    fits_set_tile_dim(file, 2, tile.data(), &status);
  }
  std::vector<int32_t> plane(static_cast<size_t>(form.cols) * image::kAmpRows);
  for (size_t i = 0; i < model.amps.size(); i++) {
    if (static_cast<int>(i) == form.leave_out) continue;
    std::array<long, 2> sides{form.cols, image::kAmpRows};
    fits_create_img(file, LONG_IMG, 2, sides.data(), &status);
    text("EXTNAME", model.amps[i].segment);
    if (!form.data_section.empty()) text("DATASEC", form.data_section);
    if (!form.det_section.empty()) text("DETSEC", form.det_section);
    for (int32_t row = 0; row < image::kAmpRows; row++) {
      for (int32_t col = 0; col < form.cols; col++) plane[static_cast<size_t>(row) * static_cast<size_t>(form.cols) + static_cast<size_t>(col)] = pixel(static_cast<int32_t>(i), row, col);
    }
    fits_write_img(file, TINT, 1, static_cast<LONGLONG>(plane.size()), plane.data(), &status);
    fits_write_chksum(file, &status);
  }
  fits_close_file(file, &status);
  return status;
}

}  // namespace summit::fits::testing
