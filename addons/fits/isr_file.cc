// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/isr_file.h"

#include <fitsio.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>

#include "addons/fits/durable_file.h"
#include "addons/fits/image_archive.h"

namespace summit::fits {
namespace {

// Cards that describe the raw file itself, not its exposure.
bool OfTheFile(std::string_view name) {
  constexpr std::array<std::string_view, 8> kNames = {"SIMPLE", "BITPIX", "EXTEND", "CHECKSUM", "DATASUM", "BUNIT", "DETSIZE", "END"};
  if (name.substr(0, 5) == "NAXIS") return true;
  for (const std::string_view one : kNames) {
    if (name == one) return true;
  }
  return false;
}

// Cards in a row; after the first failure nothing more is written and `status` keeps its reason.
struct Cards {
  fitsfile* file;
  int status = 0;

  static std::string Long(std::string_view name) { return name.size() > 8 ? "HIERARCH " + std::string(name) : std::string(name); }
  void Text(std::string_view name, const std::string& value) { fits_update_key_longstr(file, Long(name).c_str(), value.c_str(), nullptr, &status); }
  void Flag(std::string_view name, bool value) {
    int flag = value ? 1 : 0;
    fits_update_key(file, TLOGICAL, Long(name).c_str(), &flag, nullptr, &status);
  }
  void Real(std::string_view name, double value) { fits_update_key(file, TDOUBLE, Long(name).c_str(), &value, nullptr, &status); }
  void Whole(std::string_view name, int64_t value) {
    LONGLONG number = value;
    fits_update_key(file, TLONGLONG, Long(name).c_str(), &number, nullptr, &status);
  }
  void Any(std::string_view name, const HeaderValue& value) {
    if (const auto* text = std::get_if<std::string>(&value)) return Text(name, *text);
    if (const auto* flag = std::get_if<bool>(&value)) return Flag(name, *flag);
    if (const auto* whole = std::get_if<int64_t>(&value)) return Whole(name, *whole);
    if (const auto* real = std::get_if<double>(&value)) return Real(name, *real);
    fits_update_key_null(file, Long(name).c_str(), nullptr, &status);
  }
};

struct NamedStep {
  const char* name;
  image::IsrStep step;
};
constexpr std::array<NamedStep, 12> kSteps = {{
    {"SERIAL OVERSCAN", image::IsrStep::kSerialOverscan},
    {"SATURATION", image::IsrStep::kSaturation},
    {"GAIN", image::IsrStep::kGain},
    {"CROSSTALK", image::IsrStep::kCrosstalk},
    {"PARALLEL OVERSCAN", image::IsrStep::kParallelOverscan},
    {"LINEARIZER", image::IsrStep::kLinearity},
    {"BIAS", image::IsrStep::kBias},
    {"DARK", image::IsrStep::kDark},
    {"DEFECTS", image::IsrStep::kDefects},
    {"VARIANCE", image::IsrStep::kVariance},
    {"FLAT", image::IsrStep::kFlat},
    {"INTERPOLATION", image::IsrStep::kInterpolation},
}};
static_assert(kSteps.size() == image::kIsrSteps);
// Steps of ip_isr that are never done here.
constexpr std::array<const char*, 3> kNeverDone = {"DITHER", "CTI", "BF"};

// By bit. The first nine as afw numbers them; those that are never set are there so that the numbers mean the same to it.
constexpr std::array<NamedPlane, 10> kPlanes = {{
    {"BAD", "defect of the detector"},
    {"SAT", "full well or the end of the ADC"},
    {"INTRP", "value from its neighbours"},
    {"CR", "cosmic ray"},
    {"EDGE", "too near the edge to be looked at"},
    {"DETECTED", "part of a source"},
    {"DETECTED_NEGATIVE", "part of a negative source"},
    {"SUSPECT", "beyond the range that the linearizer knows"},
    {"NO_DATA", "no pixel of the detector"},
    {"CROSSTALK", "light of another amplifier was taken out"},
}};

std::string UnitOf(const image::IsrImage& image) { return image.applied[image::IsrStep::kGain] ? "electron" : "adu"; }

void WritePrimary(const RawHeader& header, const image::IsrImage& image, Cards* cards) {
  fits_create_img(cards->file, BYTE_IMG, 0, nullptr, &cards->status);
  for (const auto& [name, value] : header.cards) {
    if (!OfTheFile(name)) cards->Any(name, value);
  }
  StartArchive(cards->file, &cards->status);
  cards->Text("LSST ISR UNITS", UnitOf(image));
  for (const auto& [name, step] : kSteps) cards->Flag("LSST ISR " + std::string(name) + " APPLIED", image.applied[step]);
  for (const char* name : kNeverDone) cards->Flag("LSST ISR " + std::string(name) + " APPLIED", false);
  cards->Flag("LSST ISR NOMINAL GAIN", image.nominal_gain);
  for (size_t i = 0; i < image.model->amps.size(); ++i) {
    const std::string name = image.model->amps[i].name;
    cards->Real("LSST ISR GAIN " + name, static_cast<double>(image.amps[i].gain));
    cards->Real("LSST ISR READNOISE " + name, static_cast<double>(image.amps[i].read_noise));
    cards->Real("LSST ISR OVERSCAN " + name, static_cast<double>(image.amps[i].overscan));
  }
}

void WritePlane(const image::IsrImage& image, const char* name, int bits, int type, const void* pixels, Cards* cards) {
  std::array<long, 2> sides{image.model->cols, image.model->rows};
  fits_create_img(cards->file, bits, 2, sides.data(), &cards->status);
  cards->Text("EXTNAME", name);
  cards->Text("EXTTYPE", name);
  if (type == TINT) {
    for (size_t bit = 0; bit < kPlanes.size(); ++bit) cards->Whole(std::string("MP_") + kPlanes[bit].name, static_cast<int64_t>(bit));
  } else {
    cards->Text("BUNIT", UnitOf(image) + (std::strcmp(name, "VARIANCE") == 0 ? "^2" : ""));
  }
  // CFITSIO takes no pointer to const, and does not write through it.
  fits_write_img(cards->file, type, 1, image.model->pixels(), const_cast<void*>(pixels), &cards->status);
  fits_write_chksum(cards->file, &cards->status);
}

int Write(const std::string& path, const RawHeader& header, const image::IsrImage& image) {
  fitsfile* file = nullptr;
  int status = 0;
  if (fits_create_diskfile(&file, path.c_str(), &status) != 0) return status;
  Cards cards{file};
  WritePrimary(header, image, &cards);
  WritePlane(image, "IMAGE", FLOAT_IMG, TFLOAT, image.image.data(), &cards);
  std::array<long, 2> tile{image.model->cols, 1};
  fits_set_compression_type(file, RICE_1, &cards.status);
  fits_set_tile_dim(file, 2, tile.data(), &cards.status);
  WritePlane(image, "MASK", LONG_IMG, TINT, image.mask.data(), &cards);
  fits_set_compression_type(file, 0, &cards.status);
  WritePlane(image, "VARIANCE", FLOAT_IMG, TFLOAT, image.variance.data(), &cards);
  FinishArchive(file, {image.model->rows, image.model->cols, UnitOf(image), kPlanes}, &cards.status);
  int close_status = 0;
  fits_close_file(file, &close_status);
  return cards.status != 0 ? cards.status : close_status;
}

}  // namespace

bool WriteIsrFile(const std::string& path, const RawHeader& header, const image::IsrImage& image, std::string* problem) {
  const std::string temporary = TemporaryName(path);
  const auto fail = [&](const std::string& reason) {
    unlink(temporary.c_str());
    *problem = path + ": " + reason;
    return false;
  };
  errno = 0;
  const int status = Write(temporary, header, image);
  if (status != 0) {
    std::array<char, FLEN_STATUS> text{};
    fits_get_errstatus(status, text.data());
    fits_clear_errmsg();
    return fail(std::string("cannot be written: ") + text.data() + (errno != 0 ? std::string(": ") + std::strerror(errno) : ""));
  }
  if (!SyncFile(temporary) || !Rename(temporary, path, true) || !SyncFolder(FolderOf(path))) return fail(std::string("cannot be brought to the disk: ") + std::strerror(errno));
  return true;
}

}  // namespace summit::fits
