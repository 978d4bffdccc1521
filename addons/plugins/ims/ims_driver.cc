// SPDX-License-Identifier: Apache-2.0
// The LSST camera DAQ's image store (IMS) behind the driver ABI: full frames, no stamps.
//
// Options: {"partition": "camera", "sourceTimeoutMs": 60000}; "locations" of guide sensors are accepted and mean nothing here.
#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>

#include "addons/plugins/ims/image_stream.h"
#include "addons/plugins/ims/json_text.h"
#include "addons/plugins/library.h"

#ifndef SUMMIT_IMS_SDK
#define SUMMIT_IMS_SDK "unknown"
#endif

namespace summit::ims {
namespace {

ImageStream* Of(void* handle) { return static_cast<ImageStream*>(handle); }

int Open(const char* text, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  Settings settings;
  std::string problem = ReadSettings(text, &settings);
  if (!problem.empty()) return plugins::Refuse(SUMMIT_ERR_CONFIG, problem, message, message_bytes);
  const bool knows_images = host->struct_size >= sizeof(SummitHost) && host->image != nullptr;
  if (!knows_images) return plugins::Refuse(SUMMIT_ERR_CONFIG, "ims: the agent's role takes no full frames: expected aos or auxtel", message, message_bytes);
  const std::string partition = settings.partition;
  auto stream = std::make_unique<ImageStream>(*host, std::move(settings));
  problem = stream->Open();
  if (!problem.empty()) return plugins::Refuse(SUMMIT_ERR_RESOURCE, "ims: partition " + partition + ": the DAQ library says: " + problem, message, message_bytes);
  *handle = stream.release();
  return SUMMIT_OK;
}

int Stats(void* handle, SummitLinkStats* stats) {
  SummitLinkStats all{};
  all.struct_size = sizeof(all);
  all.link_up = 1;  // the store does not tell
  all.packets = Of(handle)->images();
  all.bytes = Of(handle)->bytes();
  std::snprintf(all.version, sizeof(all.version), "ims 1, SDK %s", SUMMIT_IMS_SDK);
  plugins::Give(all, stats);
  return SUMMIT_OK;
}

}  // namespace
}  // namespace summit::ims

extern "C" __attribute__((visibility("default"))) const SummitDriver* summit_driver(void) {
  using namespace summit::ims;
  static const SummitDriver table{
      .struct_size = sizeof(SummitDriver),
      .abi_version = SUMMIT_ABI_VERSION,
      .name = "ims",
      .version = "1 (SDK " SUMMIT_IMS_SDK ")",
      .caps = SUMMIT_CAP_PUSH,
      .open = Open,
      .start = [](void* handle) { return Of(handle)->Start(), static_cast<int>(SUMMIT_OK); },
      .stop = [](void* handle, int deadline_ms) { return static_cast<int>(Of(handle)->Stop(std::chrono::milliseconds(deadline_ms)) ? SUMMIT_OK : SUMMIT_ERR_TIMEOUT); },
      .next = nullptr,
      .release = nullptr,
      .control = nullptr,
      .stats = Stats,
      .close = [](void* handle) { delete Of(handle); },
  };
  return &table;
}
