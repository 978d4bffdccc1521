// SPDX-License-Identifier: Apache-2.0
// The control channel of the wire: keeps one TCP connection to the DAQ, subscribes on it, carries commands.
// Thread: its own; Request from any thread, Subscribe and Stop by the owner.
// Owns: the connection, its thread (joined in Stop) and the requests under way.
#ifndef SUMMIT_DAQ_WIRE_CONTROL_H_
#define SUMMIT_DAQ_WIRE_CONTROL_H_

#include <netinet/in.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "addons/daq/driver.h"
#include "addons/daq/wakeup.h"

namespace summit::daq {

struct WireControlSettings {
  std::string target{};              // "host:port"
  bool subscribe = false;            // ask the DAQ to send stamps to data_port, after each connect
  uint16_t data_port = 0;
  std::string data_address{};        // "" = where this connection comes from
  std::vector<int64_t> locations{};  // empty = all sensors
};

class WireControl {
 public:
  static constexpr size_t kMaxLine = 64 * 1024;

  // nullptr with a sentence in *message when the target cannot be understood. `host` must outlive the object.
  static std::unique_ptr<WireControl> Open(const WireControlSettings& settings, const SummitHost& host, std::string* message);
  ~WireControl();
  WireControl(const WireControl&) = delete;
  WireControl& operator=(const WireControl&) = delete;

  // From now on the connection subscribes.
  void Subscribe();
  void Stop();
  // One command. 0: `reply` is what the DAQ said. SUMMIT_ERR_IO or SUMMIT_ERR_TIMEOUT: it could not be asked or
  // did not answer, and `reply` says so in the DAQ's own form. SUMMIT_ERR_CONFIG: not a JSON object.
  int Request(const char* json, int deadline_ms, std::string* reply);

 private:
  // One command on its way. Guarded by mutex_, except `done`.
  struct Pending {
    uint64_t id = 0;
    std::string line;
    std::string reply;
    int code = SUMMIT_ERR_TIMEOUT;
    bool sent = false;
    Wakeup done;
  };

  explicit WireControl(const SummitHost& host) : host_(host) {}
  void Run();
  bool Connect();
  void Serve();
  bool SendWaiting();
  bool ReadReplies();
  void OnLine(const std::string& line);
  void Disconnect(const std::string& why);
  void FailAll(int code, const std::string& why);
  void QueueSubscription();
  std::string StoppedText() const;
  void Log(int level, const std::string& text) const { host_.log(host_.context, level, text.c_str()); }

  const SummitHost& host_;
  WireControlSettings settings_;
  sockaddr_in target_{};
  std::thread thread_;
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> subscribe_{false};
  std::mutex mutex_;
  std::vector<std::shared_ptr<Pending>> pending_;
  uint64_t next_id_ = 1;
  bool ended_ = false;  // nobody will answer any more

  // Of the thread alone.
  int fd_ = -1;
  bool told_ = false;  // the operator knows that the DAQ cannot be reached
  bool subscribed_ = false;          // asked, and not refused
  bool refused_ = false;             // the last answer was no
  uint64_t subscribe_again_ns_ = 0;  // after a refusal: not before
  uint64_t subscription_id_ = 0;
  std::string outgoing_;
  std::string incoming_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WIRE_CONTROL_H_
