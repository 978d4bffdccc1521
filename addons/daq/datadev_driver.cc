// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/datadev_driver.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "addons/daq/clock.h"
#include "addons/daq/datadev_assembler.h"
#include "addons/daq/driver_table.h"
#include "addons/daq/options.h"
#include "addons/daq/wakeup.h"

namespace summit::daq {
namespace {

constexpr uint64_t kReopenNs = 250000000;
constexpr uint64_t kLookNs = 500000000;  // between two looks at the card's own state

struct WatchedRegister {
  std::string name;
  uint64_t address = 0;
};

struct DatadevSettings {
  CardSettings card;
  uint64_t link_timeout_ns = 0;
  std::vector<WatchedRegister> registers;
};

DatadevSettings ReadSettings(Options* options, std::string* problems) {
  DatadevSettings settings;
  settings.card.path = options->Text("device", settings.card.path);
  settings.card.zero_copy = options->Flag("zeroCopy", true);
  settings.link_timeout_ns = static_cast<uint64_t>(options->Int("linkTimeoutMs", 750, 0, 3600000)) * 1000000;
  for (const int64_t one : options->Ints("destinations", 0, kCardDestinations - 1)) {
    const auto destination = static_cast<uint32_t>(one);
    std::vector<uint32_t>& all = settings.card.destinations;
    if (std::find(all.begin(), all.end(), destination) == all.end()) all.push_back(destination);
  }
  if (settings.card.destinations.empty()) settings.card.destinations = {0};
  for (const std::string& text : options->Array("registers")) {
    Options each(text, "datadev: registers");
    WatchedRegister watched;
    watched.name = each.Text("name", "");
    watched.address = static_cast<uint64_t>(each.Int("address", 0, 0, INT64_MAX));
    const bool plain = !watched.name.empty() && watched.name.size() <= 24 &&
                       watched.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    if (!plain) *problems += "datadev: registers: name: expected 1 to 24 of a-z, 0-9 and _, got \"" + watched.name + "\"; ";
    *problems += each.Problems();
    settings.registers.push_back(watched);
  }
  if (settings.registers.size() > 32) *problems += "datadev: registers: expected at most 32; ";
  *problems += options->Problems();
  return settings;
}

class DatadevLink {
 public:
  DatadevLink(const CardCalls& calls, const SummitHost& host, const DatadevSettings& settings)
      : calls_(calls), host_(host), settings_(settings),
        assembler_(host_, settings_.card.destinations, settings_.link_timeout_ns, MonotonicNs()), registers_(settings_.registers.size()) {}

  int OpenCard(std::string* message) {
    int code = SUMMIT_OK;
    card_ = Card::Open(calls_, settings_.card, &counters_, &code, message);
    if (card_ == nullptr) return code;
    if (!card_->warning().empty()) Log(30, card_->warning());
    Log(20, settings_.card.path + " is open: firmware " + card_->firmware() + ", " + (card_->zero_copy() ? "mapped buffers" : "copied buffers"));
    return SUMMIT_OK;
  }

  void Start() {}
  void Stop() {
    stopping_.store(true);
    wakeup_.Signal();
  }
  int Next(SummitFrame* frame, int timeout_ms);
  void Release(const SummitFrame& frame) { assembler_.Release(frame); }
  void Stats(SummitLinkStats* stats) const;

 private:
  void TakePiece();
  bool WaitForCard(uint64_t until);
  bool Reopen(uint64_t now);
  void LoseCard(const std::string& reason, uint64_t now);
  void Look(uint64_t now);
  void LookAtRegisters(uint64_t now);
  void Log(int level, const std::string& text) const { host_.log(host_.context, level, ("datadev: " + text).c_str()); }

  const CardCalls calls_;
  const SummitHost host_;
  const DatadevSettings settings_;
  CardCounters counters_;
  DmaAssembler assembler_;
  std::unique_ptr<Card> card_;
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};
  size_t batch_ = 0;  // records read
  size_t taken_ = 0;  // of them, given to the assembler
  uint64_t read_ns_ = 0;
  uint64_t next_look_ns_ = 0;
  uint64_t next_open_ns_ = 0;
  std::string last_refusal_;  // told once, not at every attempt
  bool starving_ = false;
  Counter starved_;
  Counter reopened_;
  Counter readings_;
  std::vector<Counter> registers_;
};

void DatadevLink::TakePiece() {
  const size_t i = taken_++;
  const CardRecord& record = card_->record(i);
  const std::span<const uint8_t> bytes = card_->bytes(i);
  const bool lost = record.ret < 0 || bytes.data() == nullptr;
  assembler_.OnPiece({.destination = record.dest, .flags = record.flags, .error = record.error, .lost = lost, .bytes = bytes}, read_ns_);
  card_->Done(i);
}

void DatadevLink::LoseCard(const std::string& reason, uint64_t now) {
  card_.reset();
  batch_ = taken_ = 0;
  next_open_ns_ = now + kReopenNs;
  Log(40, settings_.card.path + " is gone: " + reason + "; it is tried again every 250 ms");
  assembler_.OnDown(settings_.card.path + " is gone: " + reason, now);
}

bool DatadevLink::Reopen(uint64_t now) {
  next_open_ns_ = now + kReopenNs;
  std::string message;
  if (OpenCard(&message) == SUMMIT_OK) {
    reopened_.Add();
    last_refusal_.clear();
    return true;
  }
  if (message != last_refusal_) Log(30, message);
  last_refusal_ = message;
  return false;
}

// True when there may be something to read.
bool DatadevLink::WaitForCard(uint64_t until) {
  const uint64_t now = MonotonicNs(), deadline = std::min({until, assembler_.NextDeadline(), next_look_ns_});
  const int wait_ms = deadline <= now ? 0 : static_cast<int>((deadline - now + 999999) / 1000000);
  std::array<pollfd, 2> waiting{{{card_->fd(), POLLIN, 0}, {wakeup_.fd(), POLLIN, 0}}};
  const int ready = calls_.poll(calls_.context, waiting.data(), waiting.size(), wait_ms);
  if ((waiting[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
    LoseCard("the kernel driver ended it", MonotonicNs());
    return false;
  }
  return ready > 0 && (waiting[0].revents & POLLIN) != 0;
}

// Once it is told to stop it waits no more, and delivers what had arrived.
int DatadevLink::Next(SummitFrame* frame, int timeout_ms) {
  const uint64_t until = MonotonicNs() + static_cast<uint64_t>(std::max(timeout_ms, 0)) * 1000000;
  while (true) {
    if (assembler_.Pop(frame)) return 1;
    const bool stopping = stopping_.load(std::memory_order_relaxed);
    const uint64_t now = MonotonicNs();
    if (card_ == nullptr) {
      if (stopping) return SUMMIT_ERR_CLOSED;
      if (now >= next_open_ns_ && Reopen(now)) continue;
      assembler_.OnIdle(now);
      if (assembler_.Pop(frame)) return 1;
      if (now >= until) return 0;
      const uint64_t wait = std::min(until, next_open_ns_);
      wakeup_.Wait(wait > now ? static_cast<int>((wait - now + 999999) / 1000000) : 0);
      continue;
    }
    if (taken_ < batch_) {
      TakePiece();
      continue;
    }
    if (now >= next_look_ns_) {
      next_look_ns_ = now + kLookNs;
      Look(now);
      continue;
    }
    read_ns_ = now;
    const int got = card_->Read();
    if (got < 0) {
      LoseCard(std::strerror(errno), now);
      continue;
    }
    batch_ = static_cast<size_t>(got);
    taken_ = 0;
    if (got > 0) {
      readings_.Add();
      continue;
    }
    card_->Flush();
    if (stopping) return SUMMIT_ERR_CLOSED;
    if (WaitForCard(until)) continue;
    assembler_.OnIdle(MonotonicNs());
    if (assembler_.Pop(frame)) return 1;
    if (MonotonicNs() >= until) return 0;
  }
}

// What the card throws away for want of buffers it does not count: that it had none is all there is to see.
void DatadevLink::Look(uint64_t now) {
  card_->ReadBuffers();
  const CardBuffers& buffers = counters_.buffers;
  const bool starving = buffers.rx.Get() > 0 && buffers.in_hardware.Get() == 0;
  if (starving && !starving_) {
    starved_.Add();
    Log(30, "the card has no free buffer (" + std::to_string(buffers.in_user.Get()) + " of " + std::to_string(buffers.rx.Get()) +
                " are here, " + std::to_string(buffers.in_queue.Get()) + " wait to be read): it loses what arrives now; give the kernel module more (cfgRxCount)");
  }
  starving_ = starving;
  LookAtRegisters(now);
}

void DatadevLink::LookAtRegisters(uint64_t now) {
  for (size_t i = 0; i < settings_.registers.size(); ++i) {
    uint32_t value = 0;
    if (!card_->ReadRegister(settings_.registers[i].address, &value)) continue;
    registers_[i].Set(value);
    if (settings_.registers[i].name == "link_status" && value == 0) assembler_.OnDown("the card's link_status is 0: no light on the fibre", now);
  }
}

void DatadevLink::Stats(SummitLinkStats* stats) const {
  const DmaCounters& dma = assembler_.counters();
  SummitLinkStats all{};
  all.struct_size = sizeof(all);
  all.link_up = static_cast<uint32_t>(dma.link_up.Get());
  all.packets = dma.pieces.Get();
  all.bytes = dma.bytes.Get();
  all.bad_magic = dma.bad_magic.Get();
  all.bad_version = dma.bad_version.Get();
  all.bad_header = dma.bad_header.Get();
  all.bad_payload = dma.bad_payload.Get();
  all.unknown_event = dma.unknown_event.Get();
  all.unknown_sensor = dma.unknown_sensor.Get();
  all.link_downs = dma.link_downs.Get();
  all.link_ups = dma.link_ups.Get();
  all.source_restarts = dma.source_restarts.Get();
  all.wakeups = readings_.Get();
  const auto name = [&all](const std::string& text, const Counter& counter) {
    if (all.named_counts == SUMMIT_NAMED_COUNTS) return;
    SummitNamedCount& named = all.named[all.named_counts++];
    std::snprintf(named.name, sizeof(named.name), "%s", text.c_str());
    named.value = counter.Get();
  };
  name("dma_frames", dma.frames);
  name("dma_continued", dma.continued);
  name("dma_broken", dma.broken);
  name("dma_error_fifo", dma.error_fifo);
  name("dma_error_len", dma.error_length);
  name("dma_error_max", dma.error_max);
  name("dma_error_bus", dma.error_bus);
  name("dma_timed_out", dma.timed_out);
  name("dma_unclaimed", dma.unclaimed);
  name("dma_bad_index", counters_.bad_index);
  name("dma_returned", counters_.returned);
  name("dma_return_refused", counters_.return_refused);
  name("dma_starved", starved_);
  name("dma_reopened", reopened_);
  name("dma_rx_buffers_now", counters_.buffers.rx);
  name("dma_rx_in_user_now", counters_.buffers.in_user);
  name("dma_rx_in_hardware_now", counters_.buffers.in_hardware);
  name("dma_rx_in_queue_now", counters_.buffers.in_queue);
  name("dma_rx_missing_now", counters_.buffers.missing);
  for (size_t i = 0; i < registers_.size(); ++i) name("register_" + settings_.registers[i].name, registers_[i]);
  const uint32_t room = std::min<uint32_t>(stats->struct_size, sizeof(all));
  std::memcpy(stats, &all, room);
  stats->struct_size = room;
}

int Open(const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  return OpenDatadev(SystemCardCalls(), json, host, handle, message, message_bytes);
}

constexpr SummitDriver DatadevTable() {
  SummitDriver table = DriverTable<DatadevLink>("datadev", 0, Open);
  table.release = [](void* handle, const SummitFrame* frame) { HandleOf<DatadevLink>(handle)->Release(*frame); };
  return table;
}

constexpr SummitDriver kDatadev = DatadevTable();

}  // namespace

int OpenDatadev(const CardCalls& calls, const char* json, const SummitHost* host, void** handle, char* message, uint64_t message_bytes) {
  Options options(json, "datadev");
  std::string text;
  const DatadevSettings settings = ReadSettings(&options, &text);
  if (!text.empty()) return Refuse(SUMMIT_ERR_CONFIG, text, message, message_bytes);
  auto link = std::make_unique<DatadevLink>(calls, *host, settings);
  const int code = link->OpenCard(&text);
  if (code != SUMMIT_OK) return Refuse(code, text, message, message_bytes);
  *handle = link.release();
  return SUMMIT_OK;
}

const SummitDriver* DatadevDriver() { return &kDatadev; }

}  // namespace summit::daq
