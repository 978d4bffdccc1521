// SPDX-License-Identifier: Apache-2.0
// The two texts of this plug-in that are JSON: its options, and what the store tells of an image.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_PLUGINS_IMS_JSON_TEXT_H_
#define SUMMIT_PLUGINS_IMS_JSON_TEXT_H_

#include <string>

namespace summit::ims {

struct Settings {
  std::string partition;
  int source_timeout_ms = 60000;  // as AuxTel's
};

// '' or what is wrong.
std::string ReadSettings(const char* text, Settings* settings);
std::string DetailsText(const std::string& folder, const std::string& annotation, const std::string& partition);

}  // namespace summit::ims

#endif  // SUMMIT_PLUGINS_IMS_JSON_TEXT_H_
