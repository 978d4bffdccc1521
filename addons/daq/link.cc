// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/link.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "addons/daq/clock.h"
#include "addons/daq/drivers.h"

namespace summit::daq {
namespace {

constexpr int kTurnMs = 50;  // the heartbeat advances at least this often
constexpr size_t kLogLines = 256;
constexpr size_t kReplyBytes = 64 * 1024 + 1;

// Links whose driver did not come back: kept for as long as the process lives, since its thread may use them.
void KeepForever(std::shared_ptr<Link> link) {
  static std::mutex mutex;
  static auto* kept = new std::vector<std::shared_ptr<Link>>();
  const std::lock_guard<std::mutex> lock(mutex);
  kept->push_back(std::move(link));
}

}  // namespace

Link::Link(const LinkSettings& settings, std::function<void()> doorbell)
    : settings_(settings), doorbell_(std::move(doorbell)), ring_(settings.ring_records) {}

std::shared_ptr<Link> Link::Create(const LinkSettings& settings, std::function<void()> doorbell, int* code,
                                   std::string* message, std::vector<std::shared_ptr<FrameTap>> taps) {
  std::shared_ptr<Link> link(new Link(settings, std::move(doorbell)));
  link->taps_ = std::move(taps);
  link->driver_ = FindDriver(settings.driver);
  *code = SUMMIT_ERR_CONFIG;
  if (link->driver_ == nullptr) {
    *message = "link: driver: expected wire, datadev, replay, recording or plugin, got \"" + settings.driver + "\"";
    return nullptr;
  }
  FramePoolSettings pool = settings.pool;
  for (const std::shared_ptr<FrameTap>& tap : link->taps_) pool.slots += tap->most_slots();
  link->pool_ = FramePool::Create(pool, message);
  if (link->pool_ == nullptr || !link->stop_wakeup_.good() || !link->handled_wakeup_.good() || !link->finished_.good()) {
    *code = SUMMIT_ERR_RESOURCE;
    if (message->empty()) *message = "link: no event descriptors left";
    return nullptr;
  }
  link->leases_ = std::make_unique<Leases>(link->pool_.get(), settings.pool.slots / 2);
  link->outbox_ = std::make_unique<Outbox>(&link->ring_, link->leases_.get(), settings.sensors.size());
  link->worker_ = Worker::Create(settings.sensors, link->pool_.get(), link->leases_.get(), link->outbox_.get(), message);
  if (link->worker_ == nullptr) return nullptr;
  for (const std::shared_ptr<FrameTap>& tap : link->taps_) {
    tap->Attach(link->pool_);
    link->worker_->AddTap(tap.get());
  }

  if (!settings.images.sources.empty()) {
    link->images_ = ImageReceiver::Create(settings.images, [raw = link.get()] { raw->Ring(); }, message);
    if (link->images_ == nullptr) {
      *code = SUMMIT_ERR_RESOURCE;
      return nullptr;
    }
  }

  SummitHost& host = link->host_;
  host.struct_size = sizeof(SummitHost);
  host.abi_version = SUMMIT_ABI_VERSION;
  host.context = link.get();
  host.acquire = [](void* context, uint64_t bytes, void** memory) {
    return static_cast<Link*>(context)->pool_->Acquire(bytes, memory);
  };
  host.cancel = [](void* context, uint64_t token) { static_cast<Link*>(context)->pool_->Release(token); };
  host.commit = [](void* context, const SummitFrame* frame) { static_cast<Link*>(context)->TakeIn(*frame); };
  host.log = [](void* context, int level, const char* text) { static_cast<Link*>(context)->Log(level, text); };
  host.slot_bytes = link->pool_->slot_bytes();
  if (link->images_ != nullptr) {
    host.image = [](void* context, const SummitImageEvent* event) { return static_cast<Link*>(context)->images_->On(*event); };
  }
  *code = SUMMIT_OK;
  return link;
}

Link::~Link() { Stop(1000); }

int Link::Start(std::string* message) {
  const std::lock_guard<std::mutex> owner(owner_mutex_);
  if (life_ != Life::kCreated) {
    *message = "link: start: the link was started before";
    return SUMMIT_ERR_STATE;
  }
  std::array<char, 1024> text{};
  int code = driver_->open(settings_.options.c_str(), &host_, &handle_, text.data(), text.size());
  if (code != SUMMIT_OK) {
    handle_ = nullptr;
    *message = text.data();
    return code;
  }
  code = driver_->start(handle_);
  if (code != SUMMIT_OK) {
    driver_->close(handle_);
    handle_ = nullptr;
    *message = std::string("link: driver ") + driver_->name + " did not start (error " + std::to_string(code) + ")";
    return code;
  }
  life_ = Life::kRunning;
  thread_ = std::thread([self = shared_from_this()] { self->Run(); });
  return SUMMIT_OK;
}

void Link::Run() {
  ThreadOutcome outcome = SetUpThread("summit-link", settings_.thread);
  {
    const std::lock_guard<std::mutex> lock(text_mutex_);
    thread_outcome_ = std::move(outcome);
  }
  SummitFrame frame{};
  while (!stopping_.load(std::memory_order_acquire)) {
    heartbeat_.Add();
    const bool idle = !Turn(&frame);
    if (idle) stop_wakeup_.Wait(kTurnMs);
  }
  if ((driver_->caps & SUMMIT_CAP_FINITE) == 0 && !driver_failed_) TakeLast(&frame);
  finished_.Signal();
}

// What had arrived when the link was told to stop is not lost; a library that never pauses gets no more than half of the
// time to stop in.
void Link::TakeLast(SummitFrame* frame) {
  const uint64_t until = last_ns_.load(std::memory_order_acquire);
  while (MonotonicNs() < until) {
    *frame = SummitFrame{};
    frame->struct_size = sizeof(*frame);
    if (driver_->next(handle_, frame, 0) != 1) break;
    Handle(*frame);
  }
}

void Link::Handle(const SummitFrame& frame) {
  {
    const std::lock_guard<std::mutex> work(work_mutex_);
    worker_->OnFrame(frame);
    if (outbox_->TakeNews()) Ring();
  }
  if (driver_->release != nullptr) driver_->release(handle_, &frame);
}

// A push library's thread does the work itself: handing the frame to the link thread would cost a wake-up for each stamp.
void Link::TakeIn(const SummitFrame& frame) {
  const std::lock_guard<std::mutex> work(work_mutex_);
  if (frame.event_type == SUMMIT_EVENT_STAMP && set_up_ != std::this_thread::get_id()) {
    set_up_ = std::this_thread::get_id();
    if (settings_.thread.fifo_priority > 0 || settings_.thread.cpu >= 0) {
      ThreadOutcome outcome = SetUpThread(nullptr, settings_.thread);
      const std::lock_guard<std::mutex> lock(text_mutex_);
      thread_outcome_ = std::move(outcome);
    }
  }
  worker_->OnFrame(frame);
  if (outbox_->TakeNews()) Ring();
}

// False when the driver has nothing to wait for: the thread then waits by itself.
bool Link::Turn(SummitFrame* frame) {
  if (MustWaitForReader()) {
    handled_wakeup_.Wait(kTurnMs);
    handled_wakeup_.Clear();
    return true;
  }
  *frame = SummitFrame{};
  frame->struct_size = sizeof(*frame);
  const int got = driver_->next(handle_, frame, kTurnMs);
  if (got == 1) {
    Handle(*frame);
  } else {
    // A library's thread that does not come back from its work holds this one, and with it the heartbeat.
    const std::lock_guard<std::mutex> work(work_mutex_);
    outbox_->Flush();
    if (outbox_->TakeNews()) Ring();
  }
  if (got >= 0 || stopping_.load(std::memory_order_relaxed)) return true;
  if (got != SUMMIT_ERR_CLOSED && !driver_failed_) {
    driver_failed_ = true;
    driver_error_.store(got, std::memory_order_relaxed);
    Log(40, (std::string("link: driver ") + driver_->name + " fails with error " + std::to_string(got)).c_str());
  }
  return false;
}

// A file can wait: nothing of it is ever superseded. A recording waits after each frame, so that what the reader makes
// of it (a prediction) is there for the next one, whatever the speed.
bool Link::MustWaitForReader() const {
  if ((driver_->caps & SUMMIT_CAP_IN_STEP) != 0) return handled_.load(std::memory_order_acquire) < ring_.written();
  return (driver_->caps & SUMMIT_CAP_FINITE) != 0 && ring_.Free() < ring_.capacity() / 2;
}

bool Link::Stop(int deadline_ms) {
  const std::lock_guard<std::mutex> owner(owner_mutex_);
  if (life_ != Life::kRunning) return life_ != Life::kLeftBehind;
  last_ns_.store(MonotonicNs() + static_cast<uint64_t>(std::max(deadline_ms, 0)) * 500000, std::memory_order_release);
  stopping_.store(true);
  stop_wakeup_.Signal();
  handled_wakeup_.Signal();
  const int stopped = driver_->stop(handle_, deadline_ms);
  if (!finished_.Wait(deadline_ms) || stopped == SUMMIT_ERR_TIMEOUT) {
    // Neither joined nor closed: the thread, or one of the driver's, may still use all of this.
    life_ = Life::kLeftBehind;
    thread_.detach();
    if (std::shared_ptr<Link> self = weak_from_this().lock()) KeepForever(std::move(self));
    const std::lock_guard<std::mutex> lock(text_mutex_);
    stop_outcome_ = "the driver did not return within " + std::to_string(deadline_ms) + " ms; it is left behind";
    return false;
  }
  thread_.join();
  const std::unique_lock<std::shared_mutex> lock(driver_mutex_);
  last_stats_.struct_size = sizeof(last_stats_);
  driver_->stats(handle_, &last_stats_);
  driver_->close(handle_);
  handle_ = nullptr;
  life_ = Life::kStopped;
  if (images_ != nullptr) images_->End();
  const std::lock_guard<std::mutex> work(work_mutex_);
  outbox_->Flush();
  return true;
}

void Link::Ring() {
  if (!rung_.exchange(true)) doorbell_();
}

size_t Link::Drain(std::span<Record> into) {
  rung_.store(false);
  const size_t count = ring_.Pop(into);
  popped_ += count;
  // Asking for more, the reader is done with what it had.
  if (count == 0 && (driver_->caps & SUMMIT_CAP_FINITE) != 0) {
    handled_.store(popped_, std::memory_order_release);
    handled_wakeup_.Signal();
  }
  return count;
}

void Link::Log(int level, const char* text) {
  {
    const std::lock_guard<std::mutex> lock(text_mutex_);
    if (log_.size() >= kLogLines) return;
    log_.push_back({level, text});
  }
  Ring();
}

std::vector<LogLine> Link::TakeLog() {
  const std::lock_guard<std::mutex> lock(text_mutex_);
  return std::exchange(log_, {});
}

int Link::Control(const std::string& json, int deadline_ms, std::string* reply) {
  const std::shared_lock<std::shared_mutex> lock(driver_mutex_);
  if (handle_ == nullptr) return SUMMIT_ERR_STATE;
  if (driver_->control == nullptr) return SUMMIT_ERR_UNSUPPORTED;
  std::vector<char> out(kReplyBytes);
  const int code = driver_->control(handle_, json.c_str(), out.data(), out.size(), deadline_ms);
  *reply = out.data();
  return code;
}

LinkSnapshot Link::Snapshot() {
  LinkSnapshot snapshot;
  snapshot.driver = driver_->name;
  snapshot.driver_version = driver_->version;
  snapshot.heartbeat = heartbeat_.Get();
  snapshot.driver_error = driver_error_.load(std::memory_order_relaxed);
  {
    const std::shared_lock<std::shared_mutex> lock(driver_mutex_);
    snapshot.link = last_stats_;
    snapshot.link.struct_size = sizeof(snapshot.link);
    if (handle_ != nullptr) driver_->stats(handle_, &snapshot.link);
  }
  if (snapshot.link.version[0] != '\0') snapshot.driver_version.assign(snapshot.link.version, strnlen(snapshot.link.version, sizeof(snapshot.link.version)));
  snapshot.pool = {{"slots", pool_->slots()},
                   {"slot_bytes", pool_->slot_bytes()},
                   {"in_use", pool_->in_use()},
                   {"high_water", pool_->high_water()},
                   {"exhausted", pool_->exhausted()},
                   {"stale_releases", pool_->stale_releases()},
                   {"leases", leases_->out()},
                   {"leases_refused", leases_->refused()},
                   {"ring_capacity", ring_.capacity()},
                   {"ring_high_water", ring_.high_water()},
                   {"events_lost", outbox_->events_lost()},
                   {"unconfigured", worker_->unconfigured()}};
  snapshot.outcomes = {{"huge_pages", pool_->huge_pages_outcome()}, {"lock_memory", pool_->lock_memory_outcome()}};
  if (snapshot.link.rcvbuf_requested > 0) {
    const bool short_of = snapshot.link.rcvbuf_actual < 2 * snapshot.link.rcvbuf_requested;  // the kernel doubles it
    snapshot.outcomes["receive_buffer"] = short_of ? "short: net.core.rmem_max is too low" : "as asked";
  }
  const std::lock_guard<std::mutex> lock(text_mutex_);
  snapshot.outcomes["sched_fifo"] = thread_outcome_.sched_fifo;
  snapshot.outcomes["cpu"] = thread_outcome_.cpu;
  if (!stop_outcome_.empty()) snapshot.outcomes["stop"] = stop_outcome_;
  return snapshot;
}

}  // namespace summit::daq
