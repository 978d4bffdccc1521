// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/image_receiver.h"

#include <algorithm>
#include <utility>

#include "addons/pixels/raw_decode.h"

namespace summit::daq {
namespace {

// Images that are on their way at a time; more means that the DAQ never completes any.
constexpr size_t kMostImages = 64;

std::string TextOf(const char* text) { return text != nullptr ? text : ""; }

const char* ReasonOf(int status) {
  switch (status) {
    case SUMMIT_IMAGE_TIMED_OUT: return "timed_out";
    case SUMMIT_IMAGE_LINK_LOST: return "link_lost";
    case SUMMIT_IMAGE_REFUSED: return "refused";
    case SUMMIT_IMAGE_STOPPED: return "stopped";
    default: return "timed_out";
  }
}

}  // namespace

std::unique_ptr<ImageReceiver> ImageReceiver::Create(const ImageSettings& settings, std::function<void()> ring, std::string* message) {
  std::unique_ptr<ImageReceiver> receiver(new ImageReceiver(settings, std::move(ring)));
  receiver->pool_ = ImagePool::Create(settings.sets, settings.huge_pages, message);
  return receiver->pool_ != nullptr ? std::move(receiver) : nullptr;
}

const ImageSourceSetup* ImageReceiver::Setup(uint8_t location) const {
  const auto found = std::find_if(settings_.sources.begin(), settings_.sources.end(), [&](const ImageSourceSetup& setup) { return setup.location == location; });
  return found != settings_.sources.end() ? &*found : nullptr;
}

ImageNews ImageReceiver::About(ImageNewsKind kind, uint64_t id, const Image& image, uint8_t location, const Source* source) const {
  ImageNews news;
  news.kind = kind;
  news.image = id;
  news.name = image.name;
  news.json = image.json;
  news.simulated = image.simulated;
  news.t_src_tai_ns = image.t_src_tai_ns;
  news.t_created_ns = image.t_created_ns;
  news.location = location;
  if (source == nullptr) return news;
  news.source_json = source->json;
  news.bytes = source->unpacker != nullptr ? source->unpacker->bytes() + source->surplus : 0;
  news.bytes_expected = source->expected;
  news.t_first_ns = source->t_first_ns;
  news.t_last_ns = source->t_last_ns;
  return news;
}

void ImageReceiver::Fail(uint64_t id, const Image& image, uint8_t location, Source* source, const char* reason) {
  ImageNews news = About(ImageNewsKind::kFailed, id, image, location, source);
  news.reason = reason;
  news_.push_back(std::move(news));
  failed_[reason]++;
  // A thread of the driver may be at its bytes: planes and unpacker go with the source.
  if (source != nullptr) source->ended = true;
}

int ImageReceiver::On(const SummitImageEvent& event) {
  int wanted = 0;
  switch (event.type) {
    // Most events by far, and the only ones that ring nobody.
    case SUMMIT_IMAGE_DATA: return Data(event);
    case SUMMIT_IMAGE_CREATED: wanted = Create(event); break;
    case SUMMIT_IMAGE_SOURCE: wanted = Begin(event); break;
    case SUMMIT_IMAGE_SOURCE_END: wanted = EndSource(event); break;
    case SUMMIT_IMAGE_COMPLETE: wanted = Complete(event.image); break;
    default: return 0;
  }
  ring_();
  return wanted;
}

void ImageReceiver::Tell(const SummitImageEvent& event, Image* image) {
  image->name = TextOf(event.name);
  image->json = TextOf(event.json);
  image->simulated = event.simulated != 0;
  image->t_src_tai_ns = event.t_src_tai_ns;
  image->t_created_ns = event.t_ns;
}

int ImageReceiver::Create(const SummitImageEvent& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (const bool known = images_.contains(event.image); known || images_.size() >= kMostImages) {
    Image refused;
    Tell(event, &refused);
    for (const ImageSourceSetup& setup : settings_.sources) {
      created_++;
      Fail(event.image, refused, setup.location, nullptr, known ? "duplicate" : "too_many");
    }
    return 0;
  }
  Image& image = images_[event.image];
  Tell(event, &image);
  news_.push_back(About(ImageNewsKind::kCreated, event.image, image, 0, nullptr));
  return 1;
}

int ImageReceiver::Begin(const SummitImageEvent& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = images_.find(event.image);
  if (found == images_.end()) return 0;
  Image& image = found->second;
  created_++;
  if (image.sources.contains(event.location)) {
    Fail(event.image, image, event.location, nullptr, "duplicate");
    return 0;
  }
  auto source = std::make_shared<Source>();
  source->json = TextOf(event.json);
  source->expected = event.bytes_expected;
  image.sources[event.location] = source;
  const ImageSourceSetup* setup = Setup(event.location);
  const char* problem = nullptr;
  if (setup == nullptr) problem = "unknown_detector";
  else if (event.bytes_expected != image::kStreamBytes) problem = "wrong_bytes";
  else if (source->planes = pool_->Acquire(); source->planes == nullptr) problem = "no_room";
  if (problem != nullptr) {
    Fail(event.image, image, event.location, source.get(), problem);
    source->planes.reset();
    return 0;
  }
  source->unpacker = std::make_unique<image::Unpacker>(setup->channels, pixels::kRawCodeInverted, source->planes.get());
  return 1;
}

int ImageReceiver::Data(const SummitImageEvent& event) {
  std::shared_ptr<Source> source;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto image = images_.find(event.image);
    if (image == images_.end()) return 0;
    const auto found = image->second.sources.find(event.location);
    if (found == image->second.sources.end() || found->second->ended) return 0;
    source = found->second;
    bytes_ += event.bytes;
  }
  // Without the lock: nobody else touches a source until its thread ends it.
  if (source->t_first_ns == 0) source->t_first_ns = event.t_ns;
  source->t_last_ns = event.t_ns;
  const uint64_t have = source->unpacker->bytes();
  if (event.offset > have) source->gap = true;
  if (source->gap) return 0;
  const uint64_t known = have - event.offset;  // sent again after the link was lost
  if (known >= event.bytes) return 1;
  const size_t fresh = static_cast<size_t>(event.bytes - known);
  source->surplus += fresh - source->unpacker->Feed({static_cast<const uint8_t*>(event.data) + known, fresh});
  return 1;
}

int ImageReceiver::EndSource(const SummitImageEvent& event) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = images_.find(event.image);
  if (found == images_.end()) return 0;
  Image& image = found->second;
  const auto entry = image.sources.find(event.location);
  if (entry == image.sources.end() || entry->second->ended) return 0;
  Source* source = entry->second.get();
  resumed_ += event.resumed;
  const char* problem = nullptr;
  if (source->surplus > 0 || source->gap) problem = "wrong_bytes";
  else if (!source->unpacker->complete()) problem = event.status == SUMMIT_IMAGE_OK ? "short" : ReasonOf(event.status);
  if (problem != nullptr) {
    Fail(event.image, image, event.location, source, problem);
    source->planes.reset();
    return 0;
  }
  ImageNews news = About(ImageNewsKind::kSource, event.image, image, event.location, source);
  news.resumed = event.resumed;
  news.token = next_token_++;
  lent_[news.token] = std::move(source->planes);
  news_.push_back(std::move(news));
  source->ended = true;
  delivered_++;
  return 0;
}

int ImageReceiver::Complete(uint64_t id) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = images_.find(id);
  if (found == images_.end()) return 0;
  Image& image = found->second;
  for (const ImageSourceSetup& setup : settings_.sources) {
    if (image.sources.contains(setup.location)) continue;
    created_++;
    Fail(id, image, setup.location, nullptr, "missing");
  }
  for (const auto& [location, source] : image.sources) {
    if (!source->ended) Fail(id, image, location, source.get(), "timed_out");
  }
  news_.push_back(About(ImageNewsKind::kComplete, id, image, 0, nullptr));
  images_.erase(found);
  return 0;
}

void ImageReceiver::End() {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto& [id, image] : images_) {
    for (const auto& [location, source] : image.sources) {
      if (!source->ended) Fail(id, image, location, source.get(), "stopped");
    }
  }
  images_.clear();
}

std::vector<ImageNews> ImageReceiver::TakeNews() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::exchange(news_, {});
}

std::shared_ptr<const int32_t[]> ImageReceiver::Planes(uint64_t token) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = lent_.find(token);
  return found != lent_.end() ? found->second : nullptr;
}

bool ImageReceiver::Release(uint64_t token) {
  std::shared_ptr<int32_t[]> planes;  // let go of after the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = lent_.find(token);
  if (found == lent_.end()) return false;
  planes = std::move(found->second);
  lent_.erase(found);
  return true;
}

std::map<std::string, uint64_t> ImageReceiver::Counters() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  uint64_t failed = 0;
  std::map<std::string, uint64_t> all;
  for (const auto& [reason, count] : failed_) {
    all["failed_" + reason] = count;
    failed += count;
  }
  all["created"] = created_;
  all["delivered"] = delivered_;
  all["failed"] = failed;
  all["resumed"] = resumed_;
  all["bytes"] = bytes_;
  all["lent"] = lent_.size();
  all["sets"] = pool_->sets();
  all["sets_in_use"] = pool_->in_use();
  all["sets_high_water"] = pool_->high_water();
  return all;
}

}  // namespace summit::daq
