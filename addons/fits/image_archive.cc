// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/image_archive.h"

#include <array>
#include <string_view>
#include <vector>

namespace summit::fits {
namespace {

constexpr std::string_view kSchemas = "https://images.lsst.io/schemas/";
constexpr std::array<const char*, 4> kPlaces = {"INDXADDR", "INDXSIZE", "JSONADDR", "JSONSIZE"};

std::string SchemaOf(std::string_view kind) { return std::string(kSchemas) + std::string(kind) + "-1.0.0"; }

std::string Versioned(const std::string& content, std::string_view kind) {
  return R"({"schema_version":"1.0.0","min_read_version":1,)" + content + R"(,"schema_url":")" + SchemaOf(kind) + R"("})";
}

std::string ArrayOf(std::string_view hdu, std::string_view type, const ArchivedImage& image) {
  return R"({"source":"fits:)" + std::string(hdu) + R"(","shape":[)" + std::to_string(image.rows) + "," + std::to_string(image.cols) + R"(],"datatype":")" + std::string(type) +
         R"(","byteorder":"big"})";
}

std::string PlaneOf(std::string_view hdu, const std::string& unit, const ArchivedImage& image) {
  const std::string data = R"({"value":)" + ArrayOf(hdu, "float32", image) + R"(,"unit":")" + unit + R"("})";
  return Versioned(R"("data":)" + data + R"(,"yx0":[0,0])", "image");
}

std::string MaskOf(const ArchivedImage& image) {
  std::string planes;
  for (const NamedPlane& plane : image.planes) {
    planes += planes.empty() ? "" : ",";
    planes += std::string(R"({"name":")") + plane.name + R"(","description":")" + plane.description + R"("})";
  }
  return Versioned(R"("data":[)" + ArrayOf("MASK", "int32", image) + R"(],"yx0":[0,0],"planes":[)" + planes + R"(],"dtype":"uint8")", "mask");
}

std::string TreeOf(const ArchivedImage& image) {
  return Versioned(R"("image":)" + PlaneOf("IMAGE", image.unit, image) + R"(,"mask":)" + MaskOf(image) + R"(,"variance":)" + PlaneOf("VARIANCE", image.unit + "**2", image), "masked_image");
}

// An HDU and where it lies.
struct Place {
  const char* name;
  const char* extension;
  bool compressed;
  LONGLONG header = 0;
  LONGLONG data = 0;
  LONGLONG end = 0;
};

void Find(fitsfile* file, int number, Place* place, int* status) {
  fits_movabs_hdu(file, number, nullptr, status);
  fits_get_hduaddrll(file, &place->header, &place->data, &place->end, status);
}

// CFITSIO takes pointers to char that it does not write through.
char* Free(const char* text) { return const_cast<char*>(text); }

void WriteTree(fitsfile* file, std::string tree, int* status) {
  const auto size = static_cast<LONGLONG>(tree.size());
  const std::string form = "1PB(" + std::to_string(size) + ")";
  std::array<char*, 1> names{Free("JSON")};
  std::array<char*, 1> forms{Free(form.c_str())};
  fits_create_tbl(file, BINARY_TBL, 1, 1, names.data(), forms.data(), nullptr, "JSON", status);
  fits_write_col(file, TBYTE, 1, 1, 1, size, tree.data(), status);
  fits_write_chksum(file, status);
}

void WriteIndex(fitsfile* file, std::span<const Place> places, int* status) {
  std::array<char*, 7> names{Free("EXTNAME"), Free("EXTVER"), Free("XTENSION"), Free("ZIMAGE"), Free("HDRADDR"), Free("DATADDR"), Free("DATSIZE")};
  std::array<char*, 7> forms{Free("8A"), Free("1J"), Free("8A"), Free("1L"), Free("1K"), Free("1K"), Free("1K")};
  const auto rows = static_cast<LONGLONG>(places.size());
  fits_create_tbl(file, BINARY_TBL, rows, 7, names.data(), forms.data(), nullptr, "INDEX", status);
  LONGLONG row = 0;
  for (const Place& place : places) {
    ++row;
    std::array<char*, 1> name{Free(place.name)};
    std::array<char*, 1> extension{Free(place.extension)};
    int version = 1;
    char compressed = place.compressed ? 1 : 0;
    LONGLONG header = place.header;
    LONGLONG data = place.data;
    LONGLONG size = place.end - place.data;
    fits_write_col(file, TSTRING, 1, row, 1, 1, name.data(), status);
    fits_write_col(file, TINT, 2, row, 1, 1, &version, status);
    fits_write_col(file, TSTRING, 3, row, 1, 1, extension.data(), status);
    fits_write_col(file, TLOGICAL, 4, row, 1, 1, &compressed, status);
    fits_write_col(file, TLONGLONG, 5, row, 1, 1, &header, status);
    fits_write_col(file, TLONGLONG, 6, row, 1, 1, &data, status);
    fits_write_col(file, TLONGLONG, 7, row, 1, 1, &size, status);
  }
  fits_write_chksum(file, status);
}

}  // namespace

void StartArchive(fitsfile* file, int* status) {
  int version = 1;
  fits_update_key(file, TINT, "FMTVER", &version, "container of lsst.images", status);
  LONGLONG nowhere = 0;
  for (const char* name : kPlaces) fits_update_key(file, TLONGLONG, name, &nowhere, nullptr, status);
  std::string schema = SchemaOf("masked_image");
  fits_update_key(file, TSTRING, "DATAMODL", schema.data(), nullptr, status);
}

void FinishArchive(fitsfile* file, const ArchivedImage& image, int* status) {
  WriteTree(file, TreeOf(image), status);
  std::array<Place, 6> places{{{"", "IMAGE", false}, {"IMAGE", "IMAGE", false}, {"MASK", "BINTABLE", true}, {"VARIANCE", "IMAGE", false}, {"JSON", "BINTABLE", false}, {"INDEX", "BINTABLE", false}}};
  for (size_t i = 0; i < 5; ++i) Find(file, static_cast<int>(i) + 1, &places[i], status);
  fits_movabs_hdu(file, 5, nullptr, status);
  WriteIndex(file, std::span(places).first(5), status);
  Find(file, 1, &places[0], status);
  Find(file, 6, &places[5], status);
  fits_movabs_hdu(file, 1, nullptr, status);
  const std::array<LONGLONG, 4> told{places[5].header, places[5].end - places[5].header, places[4].header, places[4].end - places[4].header};
  for (size_t i = 0; i < told.size(); ++i) {
    LONGLONG value = told[i];
    fits_update_key(file, TLONGLONG, kPlaces[i], &value, nullptr, status);
  }
  fits_write_chksum(file, status);
}

}  // namespace summit::fits
