// SPDX-License-Identifier: Apache-2.0
// The stand-in for the DAQ SDK's image store over the simulated one. Environment: MOCK_IMS_STORE=HOST:PORT, its image store.
// Partition "nowhere" is unknown.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <ims/Records.hh>
#include <list>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <thread>

namespace IMS {

using nlohmann::json;

struct Entry {
  uint64_t id = 0;
  ImageMetadata metadata;
};

namespace {

int Connect() {
  const char* address = std::getenv("MOCK_IMS_STORE");
  const std::string text = address != nullptr ? address : "127.0.0.1:5582";
  const size_t colon = text.rfind(':');
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10)));
  inet_pton(AF_INET, text.substr(0, colon).c_str(), &to.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof(to)) == 0) return fd;
  close(fd);
  return -1;
}

void Send(int fd, const json& command) {
  const std::string line = command.dump() + "\n";
  [[maybe_unused]] const ssize_t sent = send(fd, line.data(), line.size(), MSG_NOSIGNAL);
}

std::string ReceiveAll(int fd) {
  std::string all;
  std::string piece(1 << 20, '\0');
  for (ssize_t got = recv(fd, piece.data(), piece.size(), 0); got > 0; got = recv(fd, piece.data(), piece.size(), 0)) all.append(piece, 0, static_cast<size_t>(got));
  return all;
}

}  // namespace

// What the store has; filled by threads that listen to the simulated one.
struct Shelf {
  Shelf() : watch(Connect()) {
    if (watch < 0) throw std::runtime_error("no image store answers");
    Send(watch, {{"command", "watch"}});
    threads.emplace_back([this] { Listen(); });
  }
  ~Shelf() {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      closing = true;
      shutdown(watch, SHUT_RDWR);
      for (const int fd : fetching) shutdown(fd, SHUT_RDWR);
    }
    threads.front().join();
    threads.pop_front();
    for (std::thread& thread : threads) thread.join();
    close(watch);
  }

  void Listen() {
    std::string incoming, piece(16384, '\0');
    for (ssize_t got = recv(watch, piece.data(), piece.size(), 0); got > 0; got = recv(watch, piece.data(), piece.size(), 0)) {
      incoming.append(piece, 0, static_cast<size_t>(got));
      for (size_t end = incoming.find('\n'); end != std::string::npos; end = incoming.find('\n')) {
        OnLine(incoming.substr(0, end));
        incoming.erase(0, end + 1);
      }
    }
  }

  void OnLine(const std::string& line) {
    const json told = json::parse(line, nullptr, false);
    if (!told.is_object() || told.value("event", "") != "created") return;
    auto entry = std::make_shared<Entry>();
    const std::string tag = told.value("image", "");
    entry->id = std::strtoull(tag.c_str(), nullptr, 16);
    const json details = told.value("details", json::object());
    entry->metadata.name_ = told.value("name", "");
    entry->metadata.folder_ = details.value("folder", "");
    entry->metadata.annotation_ = details.value("annotation", "");
    entry->metadata.timestamp_ = std::strtoull(told.value("time_tai_ns", "0").c_str(), nullptr, 10);
    const std::lock_guard<std::mutex> lock(mutex);
    if (closing) return;
    for (const json& source : told.value("sources", json::array())) {
      const int location = source.value("location", 0);
      const auto element = static_cast<uint8_t>(location / 9 * 4 + location % 9 / 3);
      entry->metadata.elements_.insert(element);
      threads.emplace_back([this, tag, location, key = std::pair(entry->id, element)] { FetchStream(tag, location, key); });
    }
    created.push_back(entry);
    changed.notify_all();
  }

  void FetchStream(const std::string& tag, int location, const std::pair<uint64_t, uint8_t>& key) {
    const int fd = Connect();
    if (fd < 0) return;
    {
      const std::lock_guard<std::mutex> lock(mutex);
      if (closing) shutdown(fd, SHUT_RDWR);
      fetching.push_back(fd);
    }
    Send(fd, {{"command", "fetch"}, {"image", tag}, {"location", location}, {"offset", 0}});
    std::string all = ReceiveAll(fd);
    all.erase(0, all.find('\n') + 1);
    const std::lock_guard<std::mutex> lock(mutex);
    fetching.remove(fd);
    close(fd);
    written[key] = std::make_shared<const std::string>(std::move(all));
    while (written.size() > 8) written.erase(written.begin());
  }

  const int watch;
  std::mutex mutex;
  std::condition_variable changed;
  bool closing = false;
  std::deque<std::shared_ptr<const Entry>> created;
  std::map<std::pair<uint64_t, uint8_t>, std::shared_ptr<const std::string>> written;
  std::list<int> fetching;
  std::list<std::thread> threads;
};

Store::Store(const char* partition) {
  if (std::strcmp(partition, "nowhere") == 0) throw std::runtime_error("no partition of this name");
  shelf_ = std::make_unique<Shelf>();
}
Store::~Store() = default;

Image::Image(Store& store, Stream&, unsigned microseconds) {
  Shelf& shelf = store.shelf();
  std::unique_lock<std::mutex> lock(shelf.mutex);
  if (!shelf.changed.wait_for(lock, std::chrono::microseconds(microseconds), [&] { return !shelf.created.empty(); })) return;
  entry_ = shelf.created.front();
  shelf.created.pop_front();
}
Id Image::id() const { return Id(entry_->id); }
const ImageMetadata& Image::metadata() const { return entry_->metadata; }

Source::Source(const Id& id, const DAQ::Location& location, Store& store) {
  Shelf& shelf = store.shelf();
  const std::lock_guard<std::mutex> lock(shelf.mutex);
  const auto found = shelf.written.find({id.value(), location.index()});
  if (found != shelf.written.end()) bytes_ = found->second;
}

int Source::read(char* into, unsigned length, uint64_t offset) {
  if (offset + length > size()) return 1;
  std::memcpy(into, bytes_->data() + offset, length);
  return 0;
}

}  // namespace IMS
