// SPDX-License-Identifier: Apache-2.0
#include "addons/fits/tai_text.h"

#include <chrono>
#include <cstdio>

namespace summit::fits {
namespace {

constexpr uint64_t kSecond = 1000000000;
constexpr uint64_t kDay = 86400 * kSecond;
constexpr double kMjdOf1970 = 40587.0;

// Reads exactly `digits` digits at `at`; -1 when they are not there.
int Number(std::string_view text, size_t at, size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// ".5" is 500000000; nothing when the text is no fraction.
std::optional<uint64_t> Fraction(std::string_view text) {
  if (text.empty()) return 0;
  if (text.front() != '.' || text.size() < 2 || text.size() > 10) return std::nullopt;
  const int value = Number(text, 1, text.size() - 1);
  if (value < 0) return std::nullopt;
  uint64_t ns = static_cast<uint64_t>(value);
  for (size_t digits = text.size() - 1; digits < 9; ++digits) ns *= 10;
  return ns;
}

}  // namespace

std::optional<uint64_t> ParseTai(std::string_view text) {
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') {
    return std::nullopt;
  }
  const int year = Number(text, 0, 4);
  const int month = Number(text, 5, 2);
  const int day = Number(text, 8, 2);
  const int hour = Number(text, 11, 2);
  const int minute = Number(text, 14, 2);
  const int second = Number(text, 17, 2);
  const std::optional<uint64_t> fraction = Fraction(text.substr(19));
  const bool clock = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
  if (year < 1970 || year > 2199 || month < 1 || day < 1 || !clock || !fraction) return std::nullopt;
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(date).time_since_epoch().count();
  const auto seconds = static_cast<uint64_t>((hour * 60 + minute) * 60 + second);
  return static_cast<uint64_t>(days) * kDay + seconds * kSecond + *fraction;
}

std::string FormatTai(uint64_t tai_ns) {
  const auto days = static_cast<int>(tai_ns / kDay);
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(days))};
  const uint64_t second = tai_ns % kDay / kSecond;
  const uint64_t fraction = tai_ns % kSecond;
  const bool whole_ms = fraction % 1000000 == 0;
  char text[64];
  std::snprintf(text, sizeof(text), "%04d-%02u-%02uT%02u:%02u:%02u.%0*u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<unsigned>(second / 3600), static_cast<unsigned>(second / 60 % 60),
                static_cast<unsigned>(second % 60), whole_ms ? 3 : 9,
                static_cast<unsigned>(whole_ms ? fraction / 1000000 : fraction));
  return text;
}

double TaiMjd(uint64_t tai_ns) {
  return kMjdOf1970 + static_cast<double>(tai_ns / kDay) + static_cast<double>(tai_ns % kDay) / static_cast<double>(kDay);
}

}  // namespace summit::fits
