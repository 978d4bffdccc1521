// SPDX-License-Identifier: Apache-2.0
// The image store of the wire (sim-hw/README.md, "Image store"): one connection hears of images, one for each source
// fetches its stream. A connection that is lost in mid-image is made again, and the stream goes on at its byte.
// Thread: Open, Start and Stop by the owner; threads of its own watch and fetch.
// Owns: its threads and sockets.
#ifndef SUMMIT_DAQ_WIRE_IMAGES_H_
#define SUMMIT_DAQ_WIRE_IMAGES_H_

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "addons/daq/driver.h"
#include "addons/daq/wakeup.h"

namespace summit::daq {

struct WireImageSettings {
  std::string target;       // "host:port"; "": no images
  int timeout_ms = 10000;   // without a byte of a source
};

class WireImages {
 public:
  // nullptr with a sentence in *message when the target cannot be understood. `host` must outlive the object.
  static std::unique_ptr<WireImages> Open(const WireImageSettings& settings, const SummitHost& host, std::string* message);
  ~WireImages();
  WireImages(const WireImages&) = delete;
  WireImages& operator=(const WireImages&) = delete;

  void Start();
  void Stop();

 private:
  struct Fetch;
  struct ImageOnItsWay;
  struct Fetcher {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> done;
  };

  explicit WireImages(const SummitHost& host) : host_(host) {}
  void Watch();
  void Serve(int fd);
  bool OnLine(const std::string& line);
  void OnCreated(const std::string& line);
  void Sweep();
  void RunFetch(Fetch* fetch);
  // SummitImageStatus, or -1: try again.
  int FetchOnce(int fd, Fetch* fetch);
  int Connect(std::string* why);
  bool WaitFor(int fd, short events, int timeout_ms);
  bool SendAll(int fd, const std::string& text);
  void Log(int level, const std::string& text) const { host_.log(host_.context, level, text.c_str()); }

  const SummitHost& host_;
  WireImageSettings settings_;
  sockaddr_in target_{};
  std::thread thread_;
  std::atomic<bool> stopping_{false};
  Wakeup stop_;  // never cleared: every thread sees it

  // Of the watching thread.
  std::list<Fetcher> fetchers_;
  std::string session_;
  uint64_t last_number_ = 0;
  bool told_ = false;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WIRE_IMAGES_H_
