// SPDX-License-Identifier: Apache-2.0
// A link with what works beside it: who records, who writes images, who looks at them.
// Thread: Create and Start the JavaScript thread's, Stop any.
// Owns: shares each part with whoever stops it on another thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "addons/daq/link.h"
#include "addons/looks/image_looker.h"
#include "addons/recorder/guider_recorder.h"
#include "addons/recorder/image_writer.h"
#include "addons/recorder/stream_recorder.h"

namespace summit::binding {

struct LinkParts {
  std::shared_ptr<daq::Link> link{};
  std::shared_ptr<recorder::GuiderRecorder> recorder{};  // nullptr: nothing is recorded
  std::shared_ptr<recorder::StreamRecorder> stream{};    // the same for the whole stream
  std::shared_ptr<recorder::ImageWriter> images{};       // and for raw images
  std::shared_ptr<looks::ImageLooker> looker{};          // and nobody looks

  // From settings (JSON text); a SummitError with a sentence in *message when one of them cannot be made. `ring`: there
  // is something to take.
  static int Create(const std::string& json, const std::function<void()>& ring, LinkParts* parts, std::string* message);
  int Start(std::string* message) const;
  // The link first: what it still delivers is taken. False: one of them did not end within its time.
  bool Stop(int link_ms, int others_ms) const;
};

}  // namespace summit::binding
