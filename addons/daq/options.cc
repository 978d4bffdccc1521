// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/options.h"

#include <nlohmann/json.hpp>
#include <set>

namespace summit::daq {

using nlohmann::json;

struct Options::State {
  std::string where;
  json object;
  std::set<std::string> asked;
  std::string problems;

  // nullptr when the key is absent or null.
  const json* Find(const char* key) {
    asked.insert(key);
    const auto found = object.find(key);
    if (found == object.end() || found->is_null()) return nullptr;
    return &*found;
  }
};

Options::Options(std::string_view text, std::string_view where) : state_(std::make_unique<State>()) {
  state_->where = where;
  json parsed = json::parse(text.begin(), text.end(), nullptr, false);
  if (parsed.is_object()) {
    state_->object = std::move(parsed);
    return;
  }
  state_->object = json::object();
  state_->problems = state_->where + ": expected a JSON object";
}

Options::~Options() = default;

void Options::Complain(const char* key, const std::string& text) {
  if (!state_->problems.empty()) state_->problems += "; ";
  state_->problems += state_->where + ": " + key + ": " + text;
}

int64_t Options::Int(const char* key, int64_t otherwise, int64_t least, int64_t most) {
  const json* value = state_->Find(key);
  if (value == nullptr) return otherwise;
  const bool fits = value->is_number_integer() &&
                    (!value->is_number_unsigned() || value->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX));
  if (fits && value->get<int64_t>() >= least && value->get<int64_t>() <= most) return value->get<int64_t>();
  Complain(key, "expected a whole number " + std::to_string(least) + ".." + std::to_string(most) + ", got " + value->dump());
  return otherwise;
}

double Options::Real(const char* key, double otherwise, double least, double most) {
  const json* value = state_->Find(key);
  if (value == nullptr) return otherwise;
  if (value->is_number()) {
    const double number = value->get<double>();
    if (number >= least && number <= most) return number;
  }
  Complain(key, "expected a number " + json(least).dump() + ".." + json(most).dump() + ", got " + value->dump());
  return otherwise;
}

bool Options::Flag(const char* key, bool otherwise) {
  const json* value = state_->Find(key);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  Complain(key, "expected true or false, got " + value->dump());
  return otherwise;
}

std::string Options::Text(const char* key, std::string_view otherwise) {
  const json* value = state_->Find(key);
  if (value == nullptr) return std::string(otherwise);
  if (value->is_string()) return value->get<std::string>();
  Complain(key, "expected text, got " + value->dump());
  return std::string(otherwise);
}

std::vector<int64_t> Options::Ints(const char* key, int64_t least, int64_t most) {
  std::vector<int64_t> numbers;
  const json* value = state_->Find(key);
  if (value == nullptr) return numbers;
  bool good = value->is_array();
  if (good) {
    for (const json& element : *value) {
      good = good && element.is_number_integer() && element.get<int64_t>() >= least && element.get<int64_t>() <= most;
      if (good) numbers.push_back(element.get<int64_t>());
    }
  }
  if (good) return numbers;
  Complain(key, "expected an array of whole numbers " + std::to_string(least) + ".." + std::to_string(most));
  return {};
}

std::string Options::Json(const char* key) {
  const json* value = state_->Find(key);
  return value == nullptr ? "null" : value->dump();
}

std::vector<std::string> Options::Array(const char* key) {
  std::vector<std::string> elements;
  const json* value = state_->Find(key);
  if (value == nullptr) return elements;
  if (!value->is_array()) {
    Complain(key, "expected an array, got " + value->dump());
    return elements;
  }
  for (const json& element : *value) elements.push_back(element.dump());
  return elements;
}

bool Options::Has(const char* key) const {
  const auto found = state_->object.find(key);
  return found != state_->object.end() && !found->is_null();
}

std::string Options::Problems(bool strict) {
  if (strict) {
    for (const auto& [key, value] : state_->object.items()) {
      if (!state_->asked.contains(key)) Complain(key.c_str(), "not a key known here");
    }
  }
  return state_->problems;
}

std::string Options::Rest() const {
  json rest = state_->object;
  for (const std::string& key : state_->asked) rest.erase(key);
  return rest.dump();
}

}  // namespace summit::daq
