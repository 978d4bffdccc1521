// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_images.h"

#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <nlohmann/json.hpp>

#include "addons/daq/clock.h"
#include "addons/daq/wire_address.h"

namespace summit::daq {
namespace {

using nlohmann::json;

constexpr int kAgainMs = 250;
constexpr int kConnectMs = 1000;
constexpr size_t kPieceBytes = 1 << 20;
constexpr size_t kMostLine = 256 * 1024;
constexpr int kReceiveBuffer = 8 << 20;

uint64_t NumberIn(const json& object, const char* key, uint64_t otherwise) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number_unsigned() ? found->get<uint64_t>() : otherwise;
}

std::string TextIn(const json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

// 64 bits do not fit a JSON number: ids are hexadecimal, times decimal text.
uint64_t ParseNumber(const std::string& text, int base) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

std::string Dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

struct WireImages::ImageOnItsWay {
  const SummitHost* host = nullptr;
  uint64_t id = 0;
  std::string hex;

  // With the last fetch the image is complete.
  ~ImageOnItsWay() {
    SummitImageEvent event{};
    event.struct_size = sizeof(event);
    event.type = SUMMIT_IMAGE_COMPLETE;
    event.image = id;
    event.t_ns = MonotonicNs();
    host->image(host->context, &event);
  }
};

struct WireImages::Fetch {
  std::shared_ptr<ImageOnItsWay> image;
  uint8_t location = 0;
  uint64_t expected = 0;
  uint64_t got = 0;
  uint64_t last_ns = 0;  // of a byte, or of the beginning
  uint32_t connections = 0;
  bool reached = false;  // the DAQ answered since the last byte
  std::vector<uint8_t> piece = std::vector<uint8_t>(kPieceBytes);

  SummitImageEvent Event(uint16_t type) const {
    SummitImageEvent event{};
    event.struct_size = sizeof(event);
    event.type = type;
    event.location = location;
    event.image = image->id;
    event.bytes_expected = expected;
    event.t_ns = MonotonicNs();
    return event;
  }
};

std::unique_ptr<WireImages> WireImages::Open(const WireImageSettings& settings, const SummitHost& host, std::string* message) {
  std::unique_ptr<WireImages> images(new WireImages(host));
  images->settings_ = settings;
  if (!ResolveAddress(settings.target, &images->target_)) {
    *message = "wire: images: expected \"host:port\" with a host that resolves and a port 1..65535, got \"" + settings.target + "\"";
    return nullptr;
  }
  if (!images->stop_.good()) {
    *message = std::string("wire: images: no event descriptor: ") + std::strerror(errno);
    return nullptr;
  }
  return images;
}

WireImages::~WireImages() { Stop(); }

void WireImages::Start() {
  thread_ = std::thread([this] { Watch(); });
}

void WireImages::Stop() {
  stopping_.store(true);
  stop_.Signal();
  if (thread_.joinable()) thread_.join();
}

// True when the descriptor is ready; false at the end of the time or when we are to stop.
bool WireImages::WaitFor(int fd, short events, int timeout_ms) {
  std::array<pollfd, 2> waiting{{{fd, events, 0}, {stop_.fd(), POLLIN, 0}}};
  return poll(waiting.data(), waiting.size(), timeout_ms) > 0 && waiting[0].revents != 0 && !stopping_.load();
}

int WireImages::Connect(std::string* why) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  int error = fd < 0 ? errno : 0;
  if (fd >= 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof(kReceiveBuffer));
  if (error == 0 && connect(fd, reinterpret_cast<const sockaddr*>(&target_), sizeof(target_)) != 0) error = errno;
  if (error == EINPROGRESS) {
    error = ETIMEDOUT;
    if (WaitFor(fd, POLLOUT, kConnectMs)) {
      socklen_t length = sizeof(error);
      getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    }
  }
  if (error == 0) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    // A DAQ that vanishes without a word is noticed.
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    const int seconds = 5;
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof(seconds));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &seconds, sizeof(seconds));
    return fd;
  }
  *why = std::strerror(error);
  if (fd >= 0) close(fd);
  return -1;
}

bool WireImages::SendAll(int fd, const std::string& text) {
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t now = send(fd, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (now > 0) sent += static_cast<size_t>(now);
    else if (errno == EAGAIN && WaitFor(fd, POLLOUT, kConnectMs)) continue;
    else if (errno != EINTR) return false;
  }
  return true;
}

void WireImages::Watch() {
  pthread_setname_np(pthread_self(), "summit-images");
  while (!stopping_.load()) {
    std::string why;
    const int fd = Connect(&why);
    if (fd >= 0) {
      Log(20, "wire: images: connected to the DAQ's image store at " + settings_.target);
      told_ = false;
      Serve(fd);
      close(fd);
      why = "the DAQ closed the connection";
    }
    if (stopping_.load()) break;
    if (!told_) Log(30, "wire: images: no connection to the image store at " + settings_.target + ": " + why + "; trying again every " + std::to_string(kAgainMs) + " ms");
    told_ = true;
    stop_.Wait(kAgainMs);
  }
  for (Fetcher& fetcher : fetchers_) fetcher.thread.join();
  fetchers_.clear();
}

void WireImages::Serve(int fd) {
  json command{{"command", "watch"}};
  // What was created while nobody listened is told again.
  if (!session_.empty()) command.update({{"session", session_}, {"after", last_number_}});
  if (!SendAll(fd, Dump(command) + "\n")) return;
  std::string incoming;
  std::array<char, 16384> chunk;
  while (!stopping_.load()) {
    if (!WaitFor(fd, POLLIN, 1000)) {
      Sweep();
      continue;
    }
    const ssize_t got = recv(fd, chunk.data(), chunk.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return;
    incoming.append(chunk.data(), static_cast<size_t>(got));
    size_t begin = 0;
    for (size_t end = incoming.find('\n'); end != std::string::npos; end = incoming.find('\n', begin)) {
      if (!OnLine(incoming.substr(begin, end - begin))) return;
      begin = end + 1;
    }
    incoming.erase(0, begin);
    if (incoming.size() > kMostLine) return;
  }
}

bool WireImages::OnLine(const std::string& line) {
  const json object = json::parse(line, nullptr, false);
  if (!object.is_object()) {
    Log(30, "wire: images: the DAQ sent a line that is no JSON object: " + line.substr(0, 120));
    return false;
  }
  Sweep();
  if (TextIn(object, "event") == "created") OnCreated(line);
  else if (const std::string session = TextIn(object, "session"); !session.empty()) {
    // Numbers of another run of the DAQ mean nothing here.
    if (session != session_) last_number_ = NumberIn(object, "last", 0);
    session_ = session;
  }
  return true;
}

void WireImages::Sweep() {
  for (auto at = fetchers_.begin(); at != fetchers_.end();) {
    if (!at->done->load()) {
      ++at;
      continue;
    }
    at->thread.join();
    at = fetchers_.erase(at);
  }
}

void WireImages::OnCreated(const std::string& line) {
  const json object = json::parse(line, nullptr, false);
  last_number_ = std::max(last_number_, NumberIn(object, "number", 0));
  const std::string hex = TextIn(object, "image"), name = TextIn(object, "name");
  const auto details = object.find("details");
  const std::string json_text = details != object.end() ? Dump(*details) : "{}";
  SummitImageEvent event{};
  event.struct_size = sizeof(event);
  event.type = SUMMIT_IMAGE_CREATED;
  event.image = ParseNumber(hex, 16);
  event.simulated = object.contains("simulated") && object["simulated"] == true ? 1 : 0;
  event.t_src_tai_ns = ParseNumber(TextIn(object, "time_tai_ns"), 10);
  event.t_ns = MonotonicNs();
  event.name = name.c_str();
  event.json = json_text.c_str();
  if (host_.image(host_.context, &event) == 0) return;
  auto image = std::make_shared<ImageOnItsWay>();
  image->host = &host_;
  image->id = event.image;
  image->hex = hex;
  const auto sources = object.find("sources");
  if (sources == object.end() || !sources->is_array()) return;
  for (const json& source : *sources) {
    const uint64_t location = source.is_object() ? NumberIn(source, "location", 256) : 256;
    if (location > 255) continue;
    auto fetch = std::make_unique<Fetch>();
    fetch->image = image;
    fetch->location = static_cast<uint8_t>(location);
    fetch->expected = NumberIn(source, "bytes", 0);
    SummitImageEvent begin = fetch->Event(SUMMIT_IMAGE_SOURCE);
    const std::string source_json = Dump(source);
    begin.json = source_json.c_str();
    if (host_.image(host_.context, &begin) == 0) continue;
    auto done = std::make_shared<std::atomic<bool>>(false);
    std::thread thread([this, done, raw = fetch.release()] {
      RunFetch(raw);
      delete raw;
      done->store(true);
    });
    fetchers_.push_back({std::move(thread), std::move(done)});
  }
}

void WireImages::RunFetch(Fetch* fetch) {
  pthread_setname_np(pthread_self(), "summit-fetch");
  fetch->last_ns = MonotonicNs();
  int status = -1;
  std::string why;
  while (status < 0) {
    if (stopping_.load()) {
      status = SUMMIT_IMAGE_STOPPED;
    } else if (MonotonicNs() - fetch->last_ns > static_cast<uint64_t>(settings_.timeout_ms) * 1000000) {
      status = fetch->reached ? SUMMIT_IMAGE_TIMED_OUT : SUMMIT_IMAGE_LINK_LOST;
    } else if (const int fd = Connect(&why); fd >= 0) {
      fetch->connections++;
      if (fetch->connections > 1) Log(30, "wire: images: the stream of location " + std::to_string(fetch->location) + " goes on at byte " + std::to_string(fetch->got));
      status = FetchOnce(fd, fetch);
      close(fd);
      if (status < 0) stop_.Wait(kAgainMs / 5);
    } else {
      fetch->reached = false;
      stop_.Wait(kAgainMs);
    }
  }
  SummitImageEvent event = fetch->Event(SUMMIT_IMAGE_SOURCE_END);
  event.status = status;
  event.resumed = fetch->connections > 0 ? fetch->connections - 1 : 0;
  host_.image(host_.context, &event);
}

int WireImages::FetchOnce(int fd, Fetch* fetch) {
  const json command{{"command", "fetch"}, {"image", fetch->image->hex}, {"location", fetch->location}, {"offset", fetch->got}};
  if (!SendAll(fd, Dump(command) + "\n")) return -1;
  std::string head;
  bool answered = false;
  while (!stopping_.load()) {
    if (!WaitFor(fd, POLLIN, settings_.timeout_ms)) return stopping_.load() ? static_cast<int>(SUMMIT_IMAGE_STOPPED) : -1;
    const ssize_t got = recv(fd, fetch->piece.data(), fetch->piece.size(), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return fetch->got >= fetch->expected && got == 0 ? static_cast<int>(SUMMIT_IMAGE_OK) : -1;
    const uint8_t* bytes = fetch->piece.data();
    size_t count = static_cast<size_t>(got);
    if (!answered) {
      const auto* newline = static_cast<const uint8_t*>(std::memchr(bytes, '\n', count));
      const size_t line = newline != nullptr ? static_cast<size_t>(newline - bytes) : count;
      head.append(reinterpret_cast<const char*>(bytes), line);
      if (head.size() > kMostLine) return SUMMIT_IMAGE_REFUSED;
      if (newline == nullptr) continue;
      const json reply = json::parse(head, nullptr, false);
      // The DAQ gave all it has, or never had it: asking again does not help.
      if (!reply.is_object() || NumberIn(reply, "status", 1) != 0) return TextIn(reply.is_object() ? reply : json::object(), "reply") == "ENDED" ? SUMMIT_IMAGE_OK : SUMMIT_IMAGE_REFUSED;
      answered = fetch->reached = true;
      bytes += line + 1;
      count -= line + 1;
    }
    if (count == 0) continue;
    SummitImageEvent event = fetch->Event(SUMMIT_IMAGE_DATA);
    event.offset = fetch->got;
    event.bytes = count;
    event.data = bytes;
    fetch->got += count;
    fetch->last_ns = event.t_ns;
    // Not wanted any more: the host knows why.
    if (host_.image(host_.context, &event) == 0) return SUMMIT_IMAGE_OK;
  }
  return SUMMIT_IMAGE_STOPPED;
}

}  // namespace summit::daq
