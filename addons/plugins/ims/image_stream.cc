// SPDX-License-Identifier: Apache-2.0
#include "addons/plugins/ims/image_stream.h"

#include <algorithm>
#include <daq/Location.hh>
#include <daq/LocationSet.hh>
#include <ims/ImageMetadata.hh>
#include <ims/Source.hh>
#include <vector>

#include "addons/plugins/library.h"

namespace summit::ims {
namespace {

using std::chrono::milliseconds;

constexpr unsigned kWaitUs = 200000;  // for the next image
constexpr milliseconds kLookEvery{20};
constexpr size_t kPiece = 1 << 20;
// One REB frame of one CCD: what a wavefront board and LATISS give.
constexpr uint64_t kStreamBytes = uint64_t{576} * 2048 * 36;

}  // namespace

struct ImageStream::OnItsWay {
  OnItsWay(const SummitHost& host, IMS::Image& from) : id(from.id()), number(from.id().value()), host_(host) {}
  ~OnItsWay() {
    SummitImageEvent event{};
    event.struct_size = sizeof(event);
    event.type = SUMMIT_IMAGE_COMPLETE;
    event.image = number;
    event.t_ns = plugins::MonotonicNs();
    host_.image(host_.context, &event);
  }
  OnItsWay(const OnItsWay&) = delete;
  OnItsWay& operator=(const OnItsWay&) = delete;

  const IMS::Id id;
  const uint64_t number;

 private:
  const SummitHost& host_;
};

std::string ImageStream::Open() {
  return plugins::Guarded([this] {
    store_ = std::make_unique<IMS::Store>(settings_.partition.c_str());
    stream_ = std::make_unique<IMS::Stream>(*store_, kWaitUs);
  });
}

void ImageStream::Start() {
  Began();
  std::thread([this] {
    Watch();
    Ended();
  }).detach();
}

void ImageStream::Began() {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++running_;
}

void ImageStream::Ended() {
  const std::lock_guard<std::mutex> lock(mutex_);
  --running_;
  changed_.notify_all();
}

bool ImageStream::Stop(milliseconds deadline) {
  stopping_.store(true);
  std::unique_lock<std::mutex> lock(mutex_);
  return changed_.wait_for(lock, deadline, [this] { return running_ == 0; });
}

// The library waits for a while and comes back without an image: that is no error.
void ImageStream::Watch() {
  std::string last;
  while (!stopping_.load()) {
    const std::string problem = plugins::Guarded([this] {
      IMS::Image image(*store_, *stream_, kWaitUs);
      if (!(!image)) Announce(image);
    });
    if (!problem.empty() && problem != last) Log(40, "the DAQ library says: " + problem);
    last = problem;
    if (!problem.empty()) std::this_thread::sleep_for(milliseconds(100));
  }
}

void ImageStream::Announce(IMS::Image& image) {
  const IMS::ImageMetadata& metadata = image.metadata();
  const std::string name = metadata.name();
  const std::string text = DetailsText(metadata.folder(), metadata.annotation(), settings_.partition);
  SummitImageEvent event{};
  event.struct_size = sizeof(event);
  event.type = SUMMIT_IMAGE_CREATED;
  event.image = image.id().value();
  event.t_src_tai_ns = static_cast<uint64_t>(metadata.timestamp());
  event.t_ns = plugins::MonotonicNs();
  event.name = name.c_str();
  event.json = text.c_str();
  images_.fetch_add(1, std::memory_order_relaxed);
  if (!Tell(event)) return;
  const auto way = std::make_shared<OnItsWay>(host_, image);
  const DAQ::LocationSet elements = metadata.elements();
  for (unsigned element = 0; element < DAQ::LocationSet::SIZE; ++element) {
    if (!elements.has(static_cast<uint8_t>(element))) continue;
    Began();
    std::thread([this, own = std::shared_ptr<OnItsWay>(way), element]() mutable {
      Fetch(own, static_cast<uint8_t>(element));
      own.reset();
      Ended();
    }).detach();
  }
}

void ImageStream::Fetch(const std::shared_ptr<OnItsWay>& image, uint8_t element) {
  SummitImageEvent event{};
  event.struct_size = sizeof(event);
  event.image = image->number;
  int status = SUMMIT_IMAGE_REFUSED;
  const std::string problem = plugins::Guarded([&] { status = Read(*image, element, &event); });
  if (!problem.empty()) Log(40, "the DAQ library says: " + problem);
  if (event.type == 0) return;  // it did not begin
  event.type = SUMMIT_IMAGE_SOURCE_END;
  event.t_ns = plugins::MonotonicNs();
  event.status = status;
  event.data = nullptr;
  event.json = nullptr;
  event.bytes = 0;
  Tell(event);
}

// The store has a source's size when all of it is written; until then it is 0.
int ImageStream::Read(const OnItsWay& image, uint8_t element, SummitImageEvent* event) {
  const DAQ::Location location(element);
  event->location = static_cast<uint8_t>(location.bay() * 9 + location.board() * 3);
  event->bytes_expected = kStreamBytes;
  SummitImageEvent begin = *event;
  begin.type = SUMMIT_IMAGE_SOURCE;
  begin.t_ns = plugins::MonotonicNs();
  if (!Tell(begin)) return SUMMIT_IMAGE_OK;
  event->type = SUMMIT_IMAGE_DATA;
  const auto until = std::chrono::steady_clock::now() + milliseconds(settings_.source_timeout_ms);
  std::vector<char> piece(kPiece);
  for (;;) {
    if (stopping_.load()) return SUMMIT_IMAGE_STOPPED;
    IMS::Source source(image.id, location, *store_);
    const uint64_t size = !source ? 0 : source.size();
    if (size == 0) {
      if (std::chrono::steady_clock::now() > until) return SUMMIT_IMAGE_TIMED_OUT;
      std::this_thread::sleep_for(kLookEvery);
      continue;
    }
    for (uint64_t at = 0; at < size; at += event->bytes) {
      if (stopping_.load()) return SUMMIT_IMAGE_STOPPED;
      const size_t bytes = std::min<uint64_t>(piece.size(), size - at);
      if (source.read(piece.data(), static_cast<unsigned>(bytes), at) != 0) return SUMMIT_IMAGE_LINK_LOST;
      event->offset = at;
      event->bytes = bytes;
      event->data = piece.data();
      event->t_ns = plugins::MonotonicNs();
      bytes_.fetch_add(bytes, std::memory_order_relaxed);
      // Not wanted any more: the host knows why.
      if (!Tell(*event)) return SUMMIT_IMAGE_OK;
    }
    return SUMMIT_IMAGE_OK;
  }
}

}  // namespace summit::ims
