// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/hdu_bytes.h"

#include <fitsio.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstring>

#include "addons/fits/rice.h"

namespace summit::fits {
namespace {

constexpr size_t kBlock = 2880;
constexpr size_t kCard = 80;

// One card, filled from the left; what does not fit is left out.
class Card {
 public:
  void Put(std::string_view text) {
    for (const char c : text) Put(c);
  }
  void Put(char c) {
    if (at_ < kCard) text_[at_++] = c;
  }
  void GoTo(size_t at) { at_ = std::max(at_, at); }
  size_t room() const { return kCard - at_; }
  std::string text() const { return {text_.begin(), text_.end()}; }

 private:
  static std::array<char, kCard> Blank() {
    std::array<char, kCard> blank{};
    blank.fill(' ');
    return blank;
  }
  std::array<char, kCard> text_ = Blank();
  size_t at_ = 0;
};

// The shortest text that gives the number back; FITS wants a point and a large E.
void PutReal(double value, Card* card, size_t right) {
  std::array<char, 40> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc()) return;
  const std::string_view text(digits.data(), static_cast<size_t>(end - digits.data()));
  const size_t exponent = std::min(text.find('e'), text.size());
  const bool pointed = text.substr(0, exponent).find('.') != std::string_view::npos;
  const size_t length = text.size() + (pointed ? 0 : 2);
  if (length < right) card->GoTo(kCard - card->room() + right - length);
  card->Put(text.substr(0, exponent));
  if (!pointed) card->Put(".0");
  if (exponent == text.size()) return;
  card->Put('E');
  card->Put(text.substr(exponent + 1));
}

// In quotes, at least eight characters, cut so that the closing quote fits.
void PutText(std::string_view text, Card* card) {
  const size_t begin = card->room();
  card->Put('\'');
  for (const char c : text) {
    const size_t width = c == '\'' ? 2 : 1;
    if (card->room() < width + 1) break;
    for (size_t i = 0; i < width; i++) card->Put(c);
  }
  while (begin - card->room() < 9) card->Put(' ');
  card->Put('\'');
}

void PutRight(std::string_view text, Card* card, size_t right) {
  if (text.size() < right) card->GoTo(kCard - card->room() + right - text.size());
  card->Put(text);
}

void PutValue(const GuiderValue& value, Card* card, size_t right) {
  if (const auto* text = std::get_if<std::string>(&value)) PutText(*text, card);
  if (const auto* number = std::get_if<int64_t>(&value)) PutRight(std::to_string(*number), card, right);
  if (const auto* real = std::get_if<double>(&value); real != nullptr && std::isfinite(*real)) PutReal(*real, card, right);
  if (const auto* flag = std::get_if<bool>(&value)) PutRight(*flag ? "T" : "F", card, right);
}

// The standard's keywords must have a value where they are: a card without one is left out, as in guider files.
void AddCard(const GuiderCard& card, std::string* header) {
  if (!std::holds_alternative<std::monostate>(card.value)) header->append(CardText(card));
}

void Put32(uint32_t value, uint8_t* out) {
  for (int i = 0; i < 4; i++) out[i] = static_cast<uint8_t>(value >> (24 - 8 * i));
}

// The checksum of the FITS standard: a sum of 32-bit words with the carry added again. Zeros fill the last word.
uint32_t SumOf(std::span<const uint8_t> bytes, uint32_t sum) {
  uint64_t total = 0;
  size_t i = 0;
  for (; i + 4 <= bytes.size(); i += 4) {
    uint32_t word;
    std::memcpy(&word, bytes.data() + i, 4);
    total += std::endian::native == std::endian::little ? __builtin_bswap32(word) : word;
  }
  for (size_t left = 0; i + left < bytes.size(); left++) total += static_cast<uint64_t>(bytes[i + left]) << (24 - 8 * left);
  total += sum;
  while (total >> 32 != 0) total = (total & 0xFFFFFFFFu) + (total >> 32);
  return static_cast<uint32_t>(total);
}

void Pad(std::vector<uint8_t>* bytes, uint8_t with) { bytes->resize((bytes->size() + kBlock - 1) / kBlock * kBlock, with); }

}  // namespace

std::string CardText(const GuiderCard& card) {
  Card out;
  const bool fixed = card.name.size() <= 8;
  if (fixed) {
    out.Put(card.name);
    out.GoTo(8);
    out.Put("= ");
  } else {
    out.Put("HIERARCH ");
    for (const char c : card.name) out.Put(c == '.' ? ' ' : c);
    out.Put(" = ");
  }
  // Right of twenty places in fixed format.
  PutValue(card.value, &out, fixed ? 20 : 0);
  if (card.comment.empty()) return out.text();
  if (fixed) out.GoTo(30);
  if (out.room() > 4) {
    out.Put(" / ");
    out.Put(card.comment);
  }
  return out.text();
}

std::vector<uint8_t> MakeHdu(std::span<const GuiderCard> head, std::span<const GuiderCard> tail, std::span<const uint8_t> data) {
  const uint32_t data_sum = SumOf(data, 0);
  std::string header;
  for (const GuiderCard& card : head) AddCard(card, &header);
  const size_t checksum_at = header.size();
  GuiderCard checksum{"CHECKSUM", std::string(16, '0'), "checksum for the current HDU"};
  header += CardText(checksum);
  for (const GuiderCard& card : tail) AddCard(card, &header);
  header += CardText({"DATASUM", std::to_string(data_sum), "checksum of the data records"});
  std::string end = "END";
  end.resize(kCard, ' ');
  header += end;
  std::vector<uint8_t> hdu(header.begin(), header.end());
  Pad(&hdu, ' ');
  char ascii[FLEN_VALUE] = "";
  fits_encode_chksum(SumOf(hdu, data_sum), 1, ascii);
  checksum.value = std::string(ascii);
  const std::string text = CardText(checksum);
  std::copy(text.begin(), text.end(), hdu.begin() + static_cast<std::ptrdiff_t>(checksum_at));
  hdu.reserve(hdu.size() + data.size() + kBlock);
  hdu.insert(hdu.end(), data.begin(), data.end());
  Pad(&hdu, 0);
  return hdu;
}

CompressedRows CompressRows(std::span<const int32_t> pixels, uint32_t cols) {
  const size_t count = pixels.size() / cols;
  CompressedRows rows;
  // As the pixels of real frames need, and a half more; it grows where they are worse.
  rows.data.resize(count * (8 + cols * 3 / 2) + RiceMost(cols));
  size_t end = count * 8;
  for (size_t i = 0; i < count; i++) {
    if (rows.data.size() < end + RiceMost(cols)) rows.data.resize(rows.data.size() + count * cols + RiceMost(cols));
    const size_t bytes = RiceEncode(pixels.subspan(i * cols, cols), rows.data.data() + end);
    Put32(static_cast<uint32_t>(bytes), rows.data.data() + 8 * i);
    Put32(static_cast<uint32_t>(end - count * 8), rows.data.data() + 8 * i + 4);
    end += bytes;
    rows.longest = std::max(rows.longest, static_cast<uint64_t>(bytes));
  }
  rows.heap_bytes = end - count * 8;
  rows.data.resize(end);
  return rows;
}

std::string TextInHeader(std::span<const uint8_t> header, std::string_view name) {
  for (size_t at = 0; at + kCard <= header.size(); at += kCard) {
    const std::string_view card(reinterpret_cast<const char*>(header.data()) + at, kCard);
    if (!card.starts_with(name) || card[8] != '=') continue;
    const size_t open = card.find('\''), close = card.find('\'', open + 1);
    if (open == std::string_view::npos || close == std::string_view::npos) return "";
    std::string text(card.substr(open + 1, close - open - 1));
    text.erase(0, text.find_first_not_of(' '));
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }
  return "";
}

}  // namespace summit::fits
