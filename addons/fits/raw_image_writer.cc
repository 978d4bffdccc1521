// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/raw_image_writer.h"

#include <unistd.h>

#include <atomic>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "addons/fits/durable_file.h"
#include "addons/fits/hdu_bytes.h"

namespace summit::fits {
namespace {

std::vector<uint8_t> MakePrimary(const std::vector<GuiderCard>& cards) {
  std::vector<GuiderCard> head{
      {"SIMPLE", true, "conforms to FITS standard"},
      {"BITPIX", int64_t{8}, "bits per data value"},
      {"NAXIS", int64_t{0}, "number of axes"},
      {"EXTEND", true, "Extensions are permitted"},
  };
  head.insert(head.end(), cards.begin(), cards.end());
  return MakeHdu(head, {}, {});
}

// Without rows and columns: only its header says something.
std::vector<uint8_t> MakeTable(const char* name, const std::vector<GuiderCard>& cards) {
  const GuiderCard head[] = {
      {"XTENSION", std::string("BINTABLE"), "marks beginning of new HDU"},
      {"BITPIX", int64_t{8}, "bits per data value"},
      {"NAXIS", int64_t{2}, "number of axes"},
      {"NAXIS1", int64_t{0}, "size of the n'th axis"},
      {"NAXIS2", int64_t{0}, "size of the n'th axis"},
      {"PCOUNT", int64_t{0}, "Required value"},
      {"GCOUNT", int64_t{1}, "Required value"},
      {"TFIELDS", int64_t{0}, "Number of table fields"},
      {"EXTNAME", std::string(name), "Name of the extension"},
  };
  return MakeHdu(head, cards, {});
}

std::vector<GuiderCard> CompressedCards(const CameraImage& image, const CompressedRows& rows) {
  return {
      {"XTENSION", std::string("BINTABLE"), "binary table extension"},
      {"BITPIX", int64_t{8}, "array data type"},
      {"NAXIS", int64_t{2}, "number of array dimensions"},
      {"NAXIS1", int64_t{8}, "width of table in bytes"},
      {"NAXIS2", int64_t{image.rows}, "number of rows in table"},
      {"PCOUNT", static_cast<int64_t>(rows.heap_bytes), "number of group parameters"},
      {"GCOUNT", int64_t{1}, "number of groups"},
      {"TFIELDS", int64_t{1}, "number of fields in each row"},
      {"TTYPE1", std::string("COMPRESSED_DATA"), "label for field 1"},
      {"TFORM1", "1PB(" + std::to_string(rows.longest) + ")", "data format of field: variable length array"},
      {"ZIMAGE", true, "extension contains compressed image"},
      {"ZTENSION", std::string("IMAGE"), "marks beginning of new HDU"},
      {"ZBITPIX", int64_t{32}, "bits per data value"},
      {"ZNAXIS", int64_t{2}, "number of axis"},
      {"ZNAXIS1", int64_t{image.cols}, "size of the n'th axis"},
      {"ZNAXIS2", int64_t{image.rows}, "size of the n'th axis"},
      {"ZPCOUNT", int64_t{0}, "Required value"},
      {"ZGCOUNT", int64_t{1}, "Required value"},
      {"ZTILE1", int64_t{image.cols}, "size of tiles to be compressed"},
      {"ZTILE2", int64_t{1}, "size of tiles to be compressed"},
      {"ZCMPTYPE", std::string("RICE_1"), "compression algorithm"},
      {"ZNAME1", std::string("BLOCKSIZE"), "compression block size"},
      {"ZVAL1", int64_t{32}, "pixels per block"},
      {"ZNAME2", std::string("BYTEPIX"), "bytes per pixel (1, 2, 4, or 8)"},
      {"ZVAL2", int64_t{4}, "bytes per pixel (1, 2, 4, or 8)"},
  };
}

std::vector<uint8_t> MakeSegment(const CameraImage& image, int label, const int32_t* pixels) {
  const CompressedRows rows = CompressRows({pixels, size_t{image.rows} * image.cols}, image.cols);
  std::vector<GuiderCard> cards = SegmentCards(image.detector, label);
  // After INHERIT and CHANNEL.
  cards.insert(cards.begin() + 2, {"EXTNAME", SegmentName(label), ""});
  return MakeHdu(CompressedCards(image, rows), cards, rows.data);
}

bool ReadCards(const nlohmann::json& list, const char* what, std::vector<GuiderCard>* cards, std::string* problem) {
  for (const nlohmann::json& item : list) {
    if (!item.is_array() || item.size() < 2 || item.size() > 3 || !item[0].is_string() || (item.size() == 3 && !item[2].is_string())) {
      *problem = std::string(what) + ": expected [name, value, comment?], got " + item.dump().substr(0, 100);
      return false;
    }
    GuiderCard card{item[0].get<std::string>(), GuiderValue{}, item.size() == 3 ? item[2].get<std::string>() : ""};
    if (card.name.starts_with("HIERARCH.")) card.name.erase(0, 9);
    const nlohmann::json& value = item[1];
    if (value.is_string()) card.value = FittingText(value.get<std::string>());
    else if (value.is_boolean()) card.value = value.get<bool>();
    else if (value.is_number_integer()) card.value = value.get<int64_t>();
    else if (value.is_number()) card.value = value.get<double>();
    else if (!value.is_null()) {
      *problem = std::string(what) + ": " + card.name + ": expected text, a number, true, false or null";
      return false;
    }
    cards->push_back(std::move(card));
  }
  return true;
}

}  // namespace

uint64_t RawFile::bytes() const {
  uint64_t sum = 0;
  for (const auto& part : parts) sum += part.size();
  return sum;
}

bool ReadCameraHeader(std::string_view text, CameraHeader* header, std::string* problem) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) {
    *problem = "expected a JSON object with primary, reb_cond and config_cond";
    return false;
  }
  const std::pair<const char*, std::vector<GuiderCard>*> parts[] = {
      {"primary", &header->primary}, {"reb_cond", &header->reb_cond}, {"config_cond", &header->config_cond}};
  for (const auto& [name, cards] : parts) {
    const auto found = json.find(name);
    if (found == json.end()) continue;
    if (!found->is_array()) {
      *problem = std::string(name) + ": expected a list of cards";
      return false;
    }
    if (!ReadCards(*found, name, cards, problem)) return false;
  }
  return true;
}

bool MakeRawFile(const CameraHeader& header, const CameraImage& image, unsigned threads, RawFile* file, std::string* problem) {
  const std::vector<int> labels = SegmentLabels(image.detector);
  const size_t count = size_t{image.rows} * image.cols;
  if (count == 0 || image.planes.size() != count * labels.size()) {
    *problem = "expected " + std::to_string(labels.size()) + " segments of " + std::to_string(image.rows) + " rows x " + std::to_string(image.cols) +
               " columns, got " + std::to_string(image.planes.size()) + " pixels";
    return false;
  }
  const size_t parts = labels.size() + 3;
  file->parts.assign(parts, {});
  std::atomic<size_t> next{0};
  // Segments first: they take the time.
  const auto work = [&] {
    for (size_t i = next.fetch_add(1); i < parts; i = next.fetch_add(1)) {
      const size_t part = (i + 1) % parts;
      std::vector<uint8_t>* out = &file->parts[part];
      if (part == 0) *out = MakePrimary(header.primary);
      else if (part <= labels.size()) *out = MakeSegment(image, labels[part - 1], image.planes.data() + (part - 1) * count);
      else *out = part == labels.size() + 1 ? MakeTable("REB_COND", header.reb_cond) : MakeTable("CONFIG_COND", header.config_cond);
    }
  };
  std::vector<std::thread> others;
  for (unsigned i = 1; i < threads && i < parts; i++) others.emplace_back(work);
  work();
  for (std::thread& other : others) other.join();
  std::vector<GuiderCard> cards = header.primary;
  for (const char* name : {"CHECKSUM", "DATASUM"}) cards.push_back({name, TextInHeader(file->parts[0], name), ""});
  file->sidecar = SidecarJson(cards);
  return true;
}

std::string SidecarName(const std::string& path) { return path.substr(0, path.rfind('.')) + ".json"; }

bool PublishRawFile(const std::string& path, const RawFile& file, std::string* problem) {
  if (access(path.c_str(), F_OK) == 0) {
    *problem = path + ": is there already; a raw image is never replaced";
    return false;
  }
  const std::string sidecar = SidecarName(path);
  if (!WriteDurably(sidecar, file.sidecar, problem)) return false;
  std::vector<std::string_view> parts;
  for (const auto& part : file.parts) parts.emplace_back(reinterpret_cast<const char*>(part.data()), part.size());
  if (WriteDurably(path, parts, false, problem)) return true;
  unlink(sidecar.c_str());
  return false;
}

}  // namespace summit::fits
