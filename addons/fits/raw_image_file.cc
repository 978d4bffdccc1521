// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/raw_image_file.h"

#include <fitsio.h>

#include <array>
#include <charconv>
#include <cctype>
#include <cstdlib>
#include <limits>

#include "addons/fits/open_file.h"

namespace summit::fits {
namespace {

constexpr int kMostHdus = 64;
constexpr int kMostCards = 5000;

// DATASEC of every segment of these detectors, 1-based.
constexpr std::array<long, 4> kDataSection = {image::kDataFirstCol + 1, image::kDataFirstCol + image::kDataCols, 1, image::kDataRows};

HeaderValue ValueOf(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text.empty()) return std::monostate{};
  if (text == "T" || text == "F") return text == "T";
  int64_t whole = 0;
  const char* first = text.front() == '+' ? text.data() + 1 : text.data();
  const char* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(first, last, whole);
  if (error == std::errc() && end == last) return whole;
  std::string number(text);
  for (char& c : number) c = c == 'D' || c == 'd' ? 'E' : c;  // FITS allows both exponents
  char* stop = nullptr;
  const double value = std::strtod(number.c_str(), &stop);
  if (stop != nullptr && *stop == '\0') return value;
  return std::string(text);
}

// Of the present HDU. Long strings come as a whole.
RawHeader ReadHeader(fitsfile* file) {
  RawHeader header;
  int status = 0, count = 0;
  fits_get_hdrspace(file, &count, nullptr, &status);
  for (int i = 1; i <= count && i <= kMostCards && status == 0; ++i) {
    std::array<char, FLEN_KEYWORD> name{};
    std::array<char, FLEN_VALUE> value{};
    std::array<char, FLEN_COMMENT> comment{};
    fits_read_keyn(file, i, name.data(), value.data(), comment.data(), &status);
    const std::string_view key = name.data();
    if (status != 0 || key.empty() || key == "COMMENT" || key == "HISTORY" || key == "CONTINUE") {
      status = 0;
      continue;
    }
    if (value[0] != '\'') {
      header.cards.emplace_back(key, ValueOf(value.data()));
      continue;
    }
    char* text = nullptr;
    if (fits_read_key_longstr(file, name.data(), &text, nullptr, &status) == 0 && text != nullptr) header.cards.emplace_back(key, std::string(text));
    fits_free_memory(text, &status);
    status = 0;
  }
  fits_clear_errmsg();
  return header;
}

std::string Lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// Which amplifier the present HDU is; -1 for none of them.
int32_t AmpOf(fitsfile* file, const image::DetectorModel& model) {
  const std::string name = Lower(TextKey(file, "EXTNAME"));
  for (size_t i = 0; i < model.amps.size(); ++i) {
    if (name == Lower(model.amps[i].segment)) return static_cast<int32_t>(i);
  }
  return -1;
}

// "" when the present HDU holds a segment of the model's shape.
std::string ShapeProblem(fitsfile* file) {
  int status = 0, bits = 0, axes = 0;
  std::array<long, 2> sides{};
  fits_get_img_param(file, 2, &bits, &axes, sides.data(), &status);
  if (status != 0 || axes != 2 || sides[0] != image::kAmpCols || sides[1] != image::kAmpRows) {
    fits_clear_errmsg();
    return "expected an image of 576 x 2048 px (prescan, data and overscan), got " +
           (axes == 2 ? std::to_string(sides[0]) + " x " + std::to_string(sides[1]) : std::to_string(axes) + " axes");
  }
  std::array<char, FLEN_VALUE> text{};
  fits_read_key(file, TSTRING, "DATASEC", text.data(), nullptr, &status);
  fits_clear_errmsg();
  if (status != 0) return "";
  std::array<long, 4> section{};
  if (std::sscanf(text.data(), "[%ld:%ld,%ld:%ld]", &section[0], &section[1], &section[2], &section[3]) == 4 && section == kDataSection) return "";
  return "DATASEC: expected [4:512,1:2000] of an ITL CCD, got " + std::string(text.data());
}

// *doubted is set where plain pixels do not fit their checksums: archives have files whose pixels were changed after.
bool ReadSegment(FitsHandle* handle, int32_t* plane, bool* doubted, std::string* problem) {
  *problem = ShapeProblem(handle->file);
  if (!problem->empty()) return false;
  const char* which = "";
  int status = 0, any = 0;
  *doubted = !ChecksumsFit(handle, &which);
  if (*doubted && fits_is_compressed_image(handle->file, &status) != 0) {
    *problem = std::string("damaged: ") + which + " does not fit its contents";
    return false;
  }
  fits_read_img(handle->file, TINT, 1, image::kAmpPixels, nullptr, plane, &any, &status);
  if (status == 0) return true;
  *problem = "pixels cannot be read: " + FitsReason(status);
  return false;
}

bool ReadSegments(FitsHandle* handle, RawImage* image, std::string* problem) {
  const size_t amps = image->model->amps.size();
  std::array<bool, image::kMostAmps> seen{};
  for (int hdu = 2; hdu <= kMostHdus; ++hdu) {
    int status = 0, type = 0;
    if (fits_movabs_hdu(handle->file, hdu, &type, &status) != 0) {
      fits_clear_errmsg();
      if (status == END_OF_FILE) break;
      *problem = "HDU " + std::to_string(hdu) + " cannot be read: " + FitsReason(status);
      return false;
    }
    const int32_t amp = type == IMAGE_HDU ? AmpOf(handle->file, *image->model) : -1;
    if (amp < 0) continue;
    const auto index = static_cast<size_t>(amp);
    const std::string name = image->model->amps[index].segment;
    if (seen[index]) {
      *problem = name + ": expected once, found again in HDU " + std::to_string(hdu);
      return false;
    }
    seen[index] = true;
    bool doubted = false;
    if (!ReadSegment(handle, image->planes.data() + index * image::kAmpPixels, &doubted, problem)) {
      problem->insert(0, name + ": ");
      return false;
    }
    if (doubted) image->doubtful.push_back(name);
  }
  for (size_t i = 0; i < amps; ++i) {
    if (seen[i]) continue;
    *problem = std::string("expected ") + std::to_string(amps) + " segments, " + image->model->amps[i].segment + " is missing";
    return false;
  }
  return true;
}

}  // namespace

const HeaderValue* RawHeader::Find(std::string_view name) const {
  for (const auto& [key, value] : cards) {
    if (key == name) return &value;
  }
  return nullptr;
}

std::string RawHeader::Text(std::string_view name) const {
  const HeaderValue* value = Find(name);
  const auto* text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? std::string() : *text;
}

double RawHeader::Number(std::string_view name) const {
  const HeaderValue* value = Find(name);
  if (value == nullptr) return std::numeric_limits<double>::quiet_NaN();
  if (const auto* whole = std::get_if<int64_t>(value)) return static_cast<double>(*whole);
  const auto* number = std::get_if<double>(value);
  return number == nullptr ? std::numeric_limits<double>::quiet_NaN() : *number;
}

bool ReadRawImage(const std::string& path, RawImage* image, std::string* problem) {
  FitsHandle handle;
  if (!OpenFits(path, &handle, problem)) return false;
  const auto fail = [&] {
    problem->insert(0, path + ": ");
    return false;
  };
  image->header = ReadHeader(handle.file);
  const std::string raft = image->header.Text("RAFTBAY"), slot = image->header.Text("CCDSLOT");
  image->model = image::FindDetector(image->header.Text("INSTRUME"), raft, slot, problem);
  if (image->model == nullptr) return fail();
  image->detector = image::DetectorName(*image->model, raft, slot);
  image->planes.resize(image->model->amps.size() * image::kAmpPixels);
  image->doubtful.clear();
  if (!ReadSegments(&handle, image, problem)) return fail();
  image->out_of_range = 0;
  for (const int32_t pixel : image->planes) image->out_of_range += pixel < 0 || pixel > image::kAdcMost ? 1 : 0;
  return true;
}

}  // namespace summit::fits
