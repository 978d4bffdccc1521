// SPDX-License-Identifier: Apache-2.0
#include "addons/plugins/ims/json_text.h"

#include <nlohmann/json.hpp>

namespace summit::ims {

std::string ReadSettings(const char* text, Settings* settings) {
  const nlohmann::json options = nlohmann::json::parse(text, nullptr, false);
  if (!options.is_object()) return "ims: expected a JSON object";
  for (const auto& [key, value] : options.items()) {
    if (key == "partition" && value.is_string()) settings->partition = value.get<std::string>();
    else if (key == "sourceTimeoutMs" && value.is_number_unsigned() && value.get<unsigned>() <= 3600000) settings->source_timeout_ms = value.get<int>();
    else if (key != "locations") return "ims: " + key + ": expected partition (text) or sourceTimeoutMs (0..3600000)";
  }
  return settings->partition.empty() ? "ims: partition: expected the name of a DAQ partition, such as camera or lat" : "";
}

std::string DetailsText(const std::string& folder, const std::string& annotation, const std::string& partition) {
  const nlohmann::json told{{"folder", folder}, {"annotation", annotation}, {"partition", partition}};
  return told.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace summit::ims
