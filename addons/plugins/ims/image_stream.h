// SPDX-License-Identifier: Apache-2.0
// Hears of images in the DAQ's image store (IMS) and fetches the streams of their boards.
// Thread: Open, Start and Stop by the owner. A thread of its own waits for images, one for each source on its way reads it.
// Owns: its connection to the store, its threads.
#ifndef SUMMIT_PLUGINS_IMS_IMAGE_STREAM_H_
#define SUMMIT_PLUGINS_IMS_IMAGE_STREAM_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <ims/Image.hh>
#include <ims/Store.hh>
#include <ims/Stream.hh>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "addons/daq/driver.h"
#include "addons/plugins/ims/json_text.h"

namespace summit::ims {

class ImageStream {
 public:
  ImageStream(const SummitHost& host, Settings settings) : host_(host), settings_(std::move(settings)) {}
  ImageStream(const ImageStream&) = delete;
  ImageStream& operator=(const ImageStream&) = delete;

  // '' or what the library threw.
  std::string Open();
  void Start();
  // False: the library did not come back in time.
  bool Stop(std::chrono::milliseconds deadline);

  uint64_t images() const { return images_.load(std::memory_order_relaxed); }
  uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  struct OnItsWay;
  void Watch();
  void Announce(IMS::Image& image);
  void Fetch(const std::shared_ptr<OnItsWay>& image, uint8_t element);
  // SummitImageStatus
  int Read(const OnItsWay& image, uint8_t element, SummitImageEvent* event);
  bool Tell(const SummitImageEvent& event) const { return host_.image(host_.context, &event) != 0; }
  void Log(int level, const std::string& text) const { host_.log(host_.context, level, ("ims: " + text).c_str()); }
  void Began();
  void Ended();

  const SummitHost host_;
  const Settings settings_;
  std::unique_ptr<IMS::Store> store_;
  std::unique_ptr<IMS::Stream> stream_;
  std::atomic<bool> stopping_{false};
  std::atomic<uint64_t> images_{0};
  std::atomic<uint64_t> bytes_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
  int running_ = 0;  // threads
};

}  // namespace summit::ims

#endif  // SUMMIT_PLUGINS_IMS_IMAGE_STREAM_H_
