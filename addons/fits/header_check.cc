// SPDX-License-Identifier: Apache-2.0
// Sizes and checksums after the FITS standard 4.0, sections 3.3, 4.4.1 and appendix J.
#include "addons/fits/header_check.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string_view>

namespace summit::fits {
namespace {

constexpr size_t kBlock = 2880;
constexpr size_t kCard = 80;
constexpr uint64_t kMostBytes = uint64_t{1} << 40;  // above the size of any file here; keeps products from overflowing

struct Header {
  int64_t bits = 8;
  int64_t axes = 0;
  std::array<int64_t, 10> sides{};
  int64_t parameters = 0;
  int64_t groups = 1;
  std::optional<uint32_t> data_sum;
  bool checked = false;  // has CHECKSUM
  bool ended = false;
  uint32_t sum = 0;
};

// Ones' complement: the carry comes back in.
uint32_t Add(uint32_t sum, uint32_t word) {
  const uint64_t both = uint64_t{sum} + word;
  return static_cast<uint32_t>(both) + static_cast<uint32_t>(both >> 32);
}

// The whole number of a card, also when it stands in quotes as that of DATASUM does.
std::optional<int64_t> Number(std::string_view card) {
  std::string_view text = card.substr(10);
  text.remove_prefix(std::min(text.find_first_not_of(" '"), text.size()));
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end != text.data() ? std::optional<int64_t>(value) : std::nullopt;
}

void ReadCard(std::string_view card, Header* header) {
  const std::string_view name = card.substr(0, 8);
  if (name == "END     ") header->ended = true;
  if (name == "CHECKSUM") header->checked = true;
  const bool wanted = name.starts_with("BITPIX") || name.starts_with("NAXIS") || name == "PCOUNT  " || name == "GCOUNT  " ||
                      name == "DATASUM ";
  const std::optional<int64_t> value = wanted ? Number(card) : std::nullopt;
  if (!value) return;
  if (name == "BITPIX  ") header->bits = *value;
  if (name == "NAXIS   ") header->axes = *value;
  if (name == "PCOUNT  ") header->parameters = *value;
  if (name == "GCOUNT  ") header->groups = *value;
  if (name == "DATASUM ") header->data_sum = static_cast<uint32_t>(*value);
  if (name.starts_with("NAXIS") && name[5] >= '1' && name[5] <= '9' && name[6] == ' ') {
    header->sides[static_cast<size_t>(name[5] - '0')] = *value;
  }
}

void ReadBlock(const std::array<char, kBlock>& block, Header* header) {
  for (size_t at = 0; at < kBlock; at += 4) {
    uint32_t word = 0;
    for (size_t i = 0; i < 4; ++i) word = word << 8 | static_cast<uint8_t>(block[at + i]);
    header->sum = Add(header->sum, word);
  }
  for (size_t at = 0; at < kBlock && !header->ended; at += kCard) ReadCard(std::string_view(&block[at], kCard), header);
}

// Of the data with its fill; nothing when the header contradicts itself.
std::optional<uint64_t> DataBytes(const Header& header) {
  if (header.axes < 0 || header.axes > 9 || header.parameters < 0 || header.groups < 0) return std::nullopt;
  if (header.axes == 0) return 0;
  uint64_t elements = 1;
  for (size_t i = 1; i <= static_cast<size_t>(header.axes); ++i) {
    const int64_t side = header.sides[i];
    if (side < 0 || (side > 0 && elements > kMostBytes / static_cast<uint64_t>(side))) return std::nullopt;
    elements *= static_cast<uint64_t>(side);
  }
  const int64_t width = header.bits < 0 ? -(header.bits + 1) / 8 + 1 : header.bits / 8;
  elements += static_cast<uint64_t>(header.parameters);
  if (width < 1 || width > 8 || header.groups > 65536 || elements > kMostBytes) return std::nullopt;
  const uint64_t bytes = elements * static_cast<uint64_t>(width) * static_cast<uint64_t>(header.groups);
  return (bytes + kBlock - 1) / kBlock * kBlock;
}

bool Damaged(const Header& header) {
  if (!header.checked || !header.data_sum) return false;
  return Add(header.sum, *header.data_sum) != UINT32_MAX;
}

}  // namespace

bool CheckHeaders(std::FILE* file, uint64_t bytes, std::string* problem) {
  std::array<char, kBlock> block{};
  uint64_t at = 0;
  for (int hdu = 1; at < bytes; ++hdu) {
    const std::string where = "HDU " + std::to_string(hdu) + " at byte " + std::to_string(at);
    Header header;
    std::fseek(file, static_cast<long>(at), SEEK_SET);
    while (!header.ended) {
      if (std::fread(block.data(), 1, kBlock, file) != kBlock) {
        *problem = "truncated: the file ends at byte " + std::to_string(bytes) + " in the header of " + where;
        return false;
      }
      ReadBlock(block, &header);
      at += kBlock;
    }
    const std::optional<uint64_t> data = DataBytes(header);
    if (!data || Damaged(header)) {
      *problem = "damaged: the header of " + where + (data ? " does not fit its CHECKSUM" : " tells no size of its data");
      return false;
    }
    at += *data;
    if (at > bytes) {
      *problem = "truncated: " + where + " should end at byte " + std::to_string(at) + ", the file has " + std::to_string(bytes);
      return false;
    }
  }
  return true;
}

}  // namespace summit::fits
