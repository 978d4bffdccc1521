// SPDX-License-Identifier: Apache-2.0
// Books the DAQ's images: sorts each source's stream into planes while it arrives, counts its bytes, and hands over
// whole sources only. Every source of every image ends in exactly one place:
//     created = delivered + failed (by reason)          when nothing is on its way
// Thread: On from any, one at a time per source; everything else from any.
// Owns: the pool of planes, what is on its way, and news until they are taken. Planes of a delivered source are lent by
//   a token until Release.
#ifndef SUMMIT_DAQ_IMAGE_RECEIVER_H_
#define SUMMIT_DAQ_IMAGE_RECEIVER_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "addons/daq/driver.h"
#include "addons/daq/image_pool.h"
#include "addons/image/unpack18.h"

namespace summit::daq {

struct ImageSourceSetup {
  uint8_t location = 0;  // of the board's first sensor
  image::ChannelMap channels = image::kWavefrontChannels;
};

struct ImageSettings {
  std::vector<ImageSourceSetup> sources;  // empty: no images are taken
  uint32_t sets = 2;
  bool huge_pages = true;
};

enum class ImageNewsKind : uint8_t { kCreated, kSource, kFailed, kComplete };

struct ImageNews {
  ImageNewsKind kind = ImageNewsKind::kCreated;
  uint64_t image = 0;
  std::string name;
  std::string json;         // what the DAQ told of the image; "" where it told nothing
  std::string source_json;  // and of the source
  bool simulated = false;
  uint8_t location = 0;
  std::string reason;  // kFailed: unknown_detector, no_room, wrong_bytes, short, timed_out, link_lost, refused, missing, duplicate, too_many, stopped
  uint64_t token = 0;  // kSource
  uint64_t bytes = 0;
  uint64_t bytes_expected = 0;
  uint32_t resumed = 0;
  uint64_t t_src_tai_ns = 0;
  uint64_t t_created_ns = 0;
  uint64_t t_first_ns = 0;
  uint64_t t_last_ns = 0;
};

class ImageReceiver {
 public:
  // nullptr with a sentence in *message. `ring` is called when there are news, on the thread of On.
  static std::unique_ptr<ImageReceiver> Create(const ImageSettings& settings, std::function<void()> ring, std::string* message);
  ImageReceiver(const ImageReceiver&) = delete;
  ImageReceiver& operator=(const ImageReceiver&) = delete;

  // As SummitHost::image.
  int On(const SummitImageEvent& event);
  // The driver is closed: what is on its way fails.
  void End();

  std::vector<ImageNews> TakeNews();
  // nullptr: not lent.
  std::shared_ptr<const int32_t[]> Planes(uint64_t token) const;
  bool Release(uint64_t token);

  // created, delivered, resumed, bytes, sets..., and failed_REASON for each reason that occurred.
  std::map<std::string, uint64_t> Counters() const;

 private:
  struct Source {
    std::shared_ptr<int32_t[]> planes;
    std::unique_ptr<image::Unpacker> unpacker;
    std::string json;
    uint64_t expected = 0;
    uint64_t surplus = 0;
    uint64_t t_first_ns = 0;
    uint64_t t_last_ns = 0;
    bool gap = false;
    bool ended = false;  // delivered or failed
  };
  struct Image {
    std::string name, json;
    bool simulated = false;
    uint64_t t_src_tai_ns = 0;
    uint64_t t_created_ns = 0;
    std::map<uint8_t, std::shared_ptr<Source>> sources;
  };

  ImageReceiver(const ImageSettings& settings, std::function<void()> ring) : settings_(settings), ring_(std::move(ring)) {}
  const ImageSourceSetup* Setup(uint8_t location) const;
  static void Tell(const SummitImageEvent& event, Image* image);
  int Create(const SummitImageEvent& event);
  int Begin(const SummitImageEvent& event);
  int Data(const SummitImageEvent& event);
  int EndSource(const SummitImageEvent& event);
  int Complete(uint64_t id);
  void Fail(uint64_t id, const Image& image, uint8_t location, Source* source, const char* reason);
  ImageNews About(ImageNewsKind kind, uint64_t id, const Image& image, uint8_t location, const Source* source) const;

  const ImageSettings settings_;
  const std::function<void()> ring_;
  std::shared_ptr<ImagePool> pool_;
  mutable std::mutex mutex_;
  std::map<uint64_t, Image> images_;
  std::vector<ImageNews> news_;
  std::map<uint64_t, std::shared_ptr<int32_t[]>> lent_;
  uint64_t next_token_ = 1;
  uint64_t created_ = 0;
  uint64_t delivered_ = 0;
  uint64_t resumed_ = 0;
  uint64_t bytes_ = 0;
  std::map<std::string, uint64_t> failed_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_IMAGE_RECEIVER_H_
