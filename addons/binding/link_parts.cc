// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/link_parts.h"

#include <utility>
#include <vector>

#include "addons/binding/image_objects.h"
#include "addons/binding/recorder_objects.h"

namespace summit::binding {

int LinkParts::Create(const std::string& json, const std::function<void()>& ring, LinkParts* parts, std::string* message) {
  daq::LinkSettings settings;
  recorder::RecorderSettings recording;
  recorder::StreamSettings streaming;
  recorder::ImageWriterSettings writing;
  looks::LookerSettings looking;
  if (!daq::ReadLinkSettings(json, &settings, message) || !ReadRecorderSettings(settings.recorder, &recording, message) ||
      !ReadStreamSettings(settings.stream, &streaming, message) || !ReadImageWriterSettings(settings.image_writer, &writing, message) ||
      !ReadLookerSettings(settings.image_looker, &looking, message)) {
    return SUMMIT_ERR_CONFIG;
  }
  std::vector<std::shared_ptr<daq::FrameTap>> taps;
  if (!recording.folder.empty()) {
    parts->recorder = recorder::GuiderRecorder::Create(recording, ring);
    taps.push_back(parts->recorder);
  }
  if (!writing.folder.empty()) parts->images = recorder::ImageWriter::Create(writing, ring);
  if (looking.workers > 0) parts->looker = looks::ImageLooker::Create(looking, ring);
  if (!streaming.path.empty()) {
    parts->stream = recorder::StreamRecorder::Create(streaming, message);
    if (parts->stream == nullptr) return SUMMIT_ERR_RESOURCE;
    taps.push_back(parts->stream);
  }
  int code = SUMMIT_OK;
  parts->link = daq::Link::Create(settings, ring, &code, message, std::move(taps));
  return code;
}

int LinkParts::Start(std::string* message) const {
  // Before the link: its first frames find the recorder at work.
  if (recorder != nullptr) recorder->Start();
  if (stream != nullptr) stream->Start();
  // What is wrong with the folder is told with the first image that cannot be written.
  if (images != nullptr) images->Start(message);
  if (looker != nullptr) looker->Start();
  return link->Start(message);
}

bool LinkParts::Stop(int link_ms, int others_ms) const {
  bool clean = link->Stop(link_ms);
  if (recorder != nullptr) clean = recorder->Stop(others_ms) && clean;
  if (stream != nullptr) clean = stream->Stop(others_ms) && clean;
  if (images != nullptr) clean = images->Stop(others_ms) && clean;
  if (looker != nullptr) clean = looker->Stop(others_ms) && clean;
  return clean;
}

}  // namespace summit::binding
