// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_images.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace summit::daq {
namespace {

using nlohmann::json;

constexpr uint64_t kBytes = 300000;
constexpr auto kDeadline = std::chrono::seconds(20);

// A small image store: answers `watch` with one image of one source, and each `fetch` as the test says.
class Store {
 public:
  // `fetch` gets the connection, the number of the attempt from 1, and the offset that is asked for.
  explicit Store(std::function<void(int fd, int attempt, uint64_t offset)> fetch) : fetch_(std::move(fetch)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof(address);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~Store() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
    if (watcher_ >= 0) close(watcher_);
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }
  static void Say(int fd, const json& line) { Send(fd, line.dump() + "\n"); }
  static void Send(int fd, const std::string& text) {
    for (size_t at = 0; at < text.size();) {
      const ssize_t sent = send(fd, text.data() + at, text.size() - at, MSG_NOSIGNAL);
      if (sent <= 0) return;
      at += static_cast<size_t>(sent);
    }
  }
  static std::string Bytes(uint64_t from, uint64_t to) {
    std::string bytes;
    for (uint64_t i = from; i < to; i++) bytes.push_back(static_cast<char>(i * 7 % 251));
    return bytes;
  }

 private:
  void Run() {
    for (int fd = accept(listener_, nullptr, nullptr); fd >= 0; fd = accept(listener_, nullptr, nullptr)) {
      std::string line;
      for (char c = 0; recv(fd, &c, 1, 0) == 1 && c != '\n';) line.push_back(c);
      const json command = json::parse(line, nullptr, false);
      if (command["command"] == "watch") {
        watcher_ = fd;
        Say(fd, {{"status", 0}, {"session", "abc"}, {"last", 0}});
        Say(fd, {{"event", "created"}, {"number", 1}, {"image", "d9018efa51e8a093"}, {"name", "MC_O_20251121_000156"}, {"time_tai_ns", "1763781992398000000"},
                 {"details", {{"folder", "raw"}}}, {"sources", json::array({{{"location", 72}, {"bytes", kBytes}, {"firmware", "113a400b"}}})}});
      } else {
        fetch_(fd, ++attempts_, command["offset"].get<uint64_t>());
        close(fd);
      }
    }
  }

  const std::function<void(int, int, uint64_t)> fetch_;
  int listener_ = -1;
  int watcher_ = -1;
  int attempts_ = 0;
  uint16_t port_ = 0;
  std::thread thread_;
};

// Keeps what the driver tells.
class Host {
 public:
  Host() {
    host.struct_size = sizeof(host);
    host.context = this;
    host.log = [](void*, int, const char*) {};
    host.image = [](void* context, const SummitImageEvent* event) { return static_cast<Host*>(context)->On(*event); };
  }
  int On(const SummitImageEvent& event) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (event.type == SUMMIT_IMAGE_CREATED) told.push_back(std::string("created ") + event.name + " " + event.json + " " + std::to_string(event.t_src_tai_ns));
    if (event.type == SUMMIT_IMAGE_SOURCE) told.push_back("source " + std::to_string(event.location) + " " + std::to_string(event.bytes_expected));
    if (event.type == SUMMIT_IMAGE_DATA) {
      EXPECT_EQ(event.offset, stream.size());
      stream.append(static_cast<const char*>(event.data), event.bytes);
    }
    if (event.type == SUMMIT_IMAGE_SOURCE_END) {
      status = event.status;
      resumed = event.resumed;
      told.push_back("end");
    }
    if (event.type == SUMMIT_IMAGE_COMPLETE) told.push_back("complete");
    changed_.notify_all();
    return 1;
  }
  bool Complete() {
    std::unique_lock<std::mutex> lock(mutex_);
    return changed_.wait_for(lock, kDeadline, [this] { return !told.empty() && told.back() == "complete"; });
  }

  SummitHost host{};
  std::vector<std::string> told;
  std::string stream;
  int status = -1;
  uint32_t resumed = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

struct Outcome {
  std::vector<std::string> told;
  std::string stream;
  int status;
  uint32_t resumed;
};

Outcome Fetched(std::function<void(int, int, uint64_t)> fetch, int timeout_ms = 10000) {
  Store store(std::move(fetch));
  Host host;
  std::string message;
  const auto images = WireImages::Open({store.target(), timeout_ms}, host.host, &message);
  EXPECT_NE(images, nullptr) << message;
  images->Start();
  EXPECT_TRUE(host.Complete());
  images->Stop();
  return {host.told, host.stream, host.status, host.resumed};
}

const json kGood{{"status", 0}, {"reply", "SUCCESS"}, {"bytes", kBytes}};

TEST(WireImages, AnImageOfTheStoreIsToldAndItsStreamFetched) {
  const Outcome outcome = Fetched([](int fd, int, uint64_t offset) {
    Store::Say(fd, kGood);
    Store::Send(fd, Store::Bytes(offset, kBytes));
  });
  EXPECT_EQ(outcome.told, (std::vector<std::string>{R"(created MC_O_20251121_000156 {"folder":"raw"} 1763781992398000000)", "source 72 300000", "end", "complete"}));
  EXPECT_EQ(outcome.stream, Store::Bytes(0, kBytes));
  EXPECT_EQ(outcome.status, SUMMIT_IMAGE_OK);
  EXPECT_EQ(outcome.resumed, 0u);
}

TEST(WireImages, ALostLinkGoesOnAtItsByte) {
  const Outcome outcome = Fetched([](int fd, int attempt, uint64_t offset) {
    if (attempt == 2) return;  // not even an answer
    Store::Say(fd, kGood);
    Store::Send(fd, Store::Bytes(offset, attempt < 4 ? offset + 70001 : kBytes));
  });
  EXPECT_EQ(outcome.stream, Store::Bytes(0, kBytes));
  EXPECT_EQ(outcome.status, SUMMIT_IMAGE_OK);
  EXPECT_EQ(outcome.resumed, 3u);
}

TEST(WireImages, AStreamThatTheDaqEndedEarlyIsNotAskedForAgain) {
  int attempts = 0;
  const Outcome outcome = Fetched([&](int fd, int attempt, uint64_t offset) {
    attempts = attempt;
    if (offset >= 1000) return Store::Say(fd, {{"status", 5}, {"reply", "ENDED"}, {"bytes", 1000}});
    Store::Say(fd, kGood);
    Store::Send(fd, Store::Bytes(0, 1000));
  });
  EXPECT_EQ(outcome.stream.size(), 1000u);
  EXPECT_EQ(outcome.status, SUMMIT_IMAGE_OK);
  EXPECT_EQ(attempts, 2);
}

TEST(WireImages, ARefusedOrSilentStreamEndsWithItsReason) {
  EXPECT_EQ(Fetched([](int fd, int, uint64_t) { Store::Say(fd, {{"status", 1}, {"reply", "INVALID_PARAMETER"}}); }).status, SUMMIT_IMAGE_REFUSED);
  // It answers, and no bytes come, however often it is asked.
  EXPECT_EQ(Fetched([](int fd, int, uint64_t) { Store::Say(fd, kGood); }, 300).status, SUMMIT_IMAGE_TIMED_OUT);
}

TEST(WireImages, RefusesATargetThatIsNone) {
  Host host;
  std::string message;
  EXPECT_EQ(WireImages::Open({"nowhere", 1000}, host.host, &message), nullptr);
  EXPECT_EQ(message, "wire: images: expected \"host:port\" with a host that resolves and a port 1..65535, got \"nowhere\"");
}

}  // namespace
}  // namespace summit::daq
