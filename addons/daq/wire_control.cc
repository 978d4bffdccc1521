// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_control.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "addons/daq/clock.h"
#include "addons/daq/wire_address.h"

namespace summit::daq {
namespace {

using nlohmann::json;

constexpr int kBackoffMs = 250;
constexpr int kSubscribeAgainMs = 1000;
constexpr int kConnectMs = 1000;
constexpr int kReplyCommandTimeout = -1;  // the DAQ's own code

std::string Unreachable(const std::string& why) {
  return json{{"status", kReplyCommandTimeout}, {"reply", "COMMAND_TIMEOUT"}, {"message", why}}.dump();
}

}  // namespace

std::unique_ptr<WireControl> WireControl::Open(const WireControlSettings& settings, const SummitHost& host,
                                               std::string* message) {
  std::unique_ptr<WireControl> control(new WireControl(host));
  control->settings_ = settings;
  // Resolved once, here: a name server that does not answer must not hold the thread.
  if (!ResolveAddress(settings.target, &control->target_)) {
    *message = "wire: control: expected \"host:port\" with a host that resolves and a port 1..65535, got \"" + settings.target + "\"";
    return nullptr;
  }
  if (!control->wakeup_.good()) {
    *message = std::string("wire: control: no event descriptor: ") + std::strerror(errno);
    return nullptr;
  }
  control->thread_ = std::thread([raw = control.get()] { raw->Run(); });
  return control;
}

WireControl::~WireControl() { Stop(); }

void WireControl::Subscribe() {
  subscribe_.store(true);
  wakeup_.Signal();
}

void WireControl::Stop() {
  stopping_.store(true);
  wakeup_.Signal();
  if (thread_.joinable()) thread_.join();
}

int WireControl::Request(const char* text, int deadline_ms, std::string* reply) {
  json command = json::parse(text, nullptr, false);
  if (!command.is_object()) {
    *reply = R"({"status":5,"reply":"INVALID","message":"a command is one JSON object"})";
    return SUMMIT_ERR_CONFIG;
  }
  auto pending = std::make_shared<Pending>();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    pending->id = next_id_++;
    command["id"] = pending->id;
    pending->line = command.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
    if (pending->line.size() > kMaxLine) {
      *reply = R"({"status":5,"reply":"INVALID","message":"a command is at most 64 KiB"})";
      return SUMMIT_ERR_CONFIG;
    }
    if (ended_) {
      *reply = Unreachable(StoppedText());
      return SUMMIT_ERR_IO;
    }
    pending_.push_back(pending);
  }
  wakeup_.Signal();
  pending->done.Wait(std::max(deadline_ms, 0));
  const std::lock_guard<std::mutex> lock(mutex_);
  std::erase(pending_, pending);
  *reply = pending->reply.empty()
               ? Unreachable("no answer from the DAQ at " + settings_.target + " within " + std::to_string(deadline_ms) + " ms")
               : pending->reply;
  return pending->code;
}

std::string WireControl::StoppedText() const { return "the link to the DAQ at " + settings_.target + " is stopped"; }

void WireControl::Run() {
  pthread_setname_np(pthread_self(), "summit-control");
  while (!stopping_.load()) {
    if (Connect()) {
      Serve();
    } else {
      wakeup_.Wait(kBackoffMs);
      wakeup_.Clear();
    }
  }
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    ended_ = true;
  }
  FailAll(SUMMIT_ERR_IO, StoppedText());
}

bool WireControl::Connect() {
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int error = fd_ < 0 ? errno : 0;
  if (error == 0 && connect(fd_, reinterpret_cast<const sockaddr*>(&target_), sizeof(target_)) != 0) error = errno;
  if (error == EINPROGRESS) {
    std::array<pollfd, 2> waiting{{{fd_, POLLOUT, 0}, {wakeup_.fd(), POLLIN, 0}}};
    const uint64_t until = MonotonicNs() + uint64_t{kConnectMs} * 1000000;
    error = ETIMEDOUT;
    while (MonotonicNs() < until) {
      wakeup_.Clear();  // before the check: a signal that comes after it ends the poll
      if (stopping_.load()) break;
      if (poll(waiting.data(), waiting.size(), kConnectMs) <= 0 || waiting[0].revents == 0) continue;
      socklen_t length = sizeof(error);
      getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
      break;
    }
  }
  if (error != 0) {
    Disconnect(std::strerror(error));
    return false;
  }
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  Log(20, "wire: control connected to the DAQ at " + settings_.target);
  told_ = false;
  return true;
}

void WireControl::Disconnect(const std::string& why) {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  outgoing_.clear();
  incoming_.clear();
  subscribed_ = false;
  refused_ = false;
  if (stopping_.load()) return;
  const std::string text = "no connection to the DAQ at " + settings_.target + ": " + why;
  if (!told_) Log(30, "wire: control: " + text + "; trying again every " + std::to_string(kBackoffMs) + " ms");
  told_ = true;
  FailAll(SUMMIT_ERR_IO, text);
}

void WireControl::FailAll(int code, const std::string& why) {
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::shared_ptr<Pending>& pending : pending_) {
    if (!pending->reply.empty()) continue;
    pending->code = code;
    pending->reply = Unreachable(why);
    pending->done.Signal();
  }
}

void WireControl::Serve() {
  while (!stopping_.load()) {
    if (!SendWaiting()) return Disconnect(std::strerror(errno));
    const short wanted = static_cast<short>(outgoing_.empty() ? POLLIN : POLLIN | POLLOUT);
    std::array<pollfd, 2> waiting{{{fd_, wanted, 0}, {wakeup_.fd(), POLLIN, 0}}};
    poll(waiting.data(), waiting.size(), refused_ ? kSubscribeAgainMs : -1);
    if (waiting[1].revents != 0) wakeup_.Clear();
    if (waiting[0].revents == 0) continue;
    if (!ReadReplies()) return Disconnect("the DAQ closed the connection");
  }
}

void WireControl::QueueSubscription() {
  if (subscribed_ || !settings_.subscribe || !subscribe_.load()) return;
  // Refused: another subscriber may leave.
  if (refused_ && MonotonicNs() < subscribe_again_ns_) return;
  subscribed_ = true;
  json command{{"command", "subscribe"}, {"port", settings_.data_port}};
  if (!settings_.data_address.empty()) command["address"] = settings_.data_address;
  if (!settings_.locations.empty()) command["locations"] = settings_.locations;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    subscription_id_ = next_id_++;
  }
  command["id"] = subscription_id_;
  outgoing_ += command.dump() + "\n";
}

bool WireControl::SendWaiting() {
  QueueSubscription();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (const std::shared_ptr<Pending>& pending : pending_) {
      if (pending->sent) continue;
      pending->sent = true;
      outgoing_ += pending->line;
    }
  }
  while (!outgoing_.empty()) {
    const ssize_t sent = send(fd_, outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    outgoing_.erase(0, static_cast<size_t>(sent));
  }
  return true;
}

bool WireControl::ReadReplies() {
  std::array<char, 16384> chunk;
  for (;;) {
    const ssize_t got = recv(fd_, chunk.data(), chunk.size(), 0);
    if (got == 0) return false;
    if (got < 0) {
      if (errno == EINTR) continue;
      return errno == EAGAIN;
    }
    incoming_.append(chunk.data(), static_cast<size_t>(got));
    size_t begin = 0;
    for (size_t end = incoming_.find('\n'); end != std::string::npos; end = incoming_.find('\n', begin)) {
      OnLine(incoming_.substr(begin, end - begin));
      begin = end + 1;
    }
    incoming_.erase(0, begin);
    if (incoming_.size() > kMaxLine) return false;
  }
}

void WireControl::OnLine(const std::string& line) {
  json reply = json::parse(line, nullptr, false);
  const auto found = reply.is_object() ? reply.find("id") : reply.end();
  if (!reply.is_object() || found == reply.end() || !found->is_number_unsigned()) {
    return Log(30, "wire: control: the DAQ sent a line that answers nothing: " + line.substr(0, 120));
  }
  const uint64_t id = found->get<uint64_t>();
  if (id == subscription_id_) {
    const auto status = reply.find("status");
    const bool good = status != reply.end() && status->is_number_integer() && status->get<int64_t>() == 0;
    if (good) {
      Log(20, "wire: subscribed at the DAQ, stamps to port " + std::to_string(settings_.data_port));
    } else if (!refused_) {
      Log(40, "wire: the DAQ refused the subscription, trying again every " + std::to_string(kSubscribeAgainMs) + " ms: " + line.substr(0, 200));
    }
    refused_ = !good;
    subscribed_ = good;
    subscribe_again_ns_ = MonotonicNs() + uint64_t{kSubscribeAgainMs} * 1000000;
    return;
  }
  reply.erase("id");
  const std::lock_guard<std::mutex> lock(mutex_);
  for (const std::shared_ptr<Pending>& pending : pending_) {
    if (pending->id != id || !pending->reply.empty()) continue;
    pending->code = SUMMIT_OK;
    pending->reply = reply.dump(-1, ' ', false, json::error_handler_t::replace);
    pending->done.Signal();
  }
}

}  // namespace summit::daq
