// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_control.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <nlohmann/json.hpp>

#include "addons/daq/clock.h"
#include "addons/daq/testing/test_host.h"

namespace summit::daq {
namespace {

using nlohmann::json;
using testing::TestHost;

// A DAQ's control port, played by hand in the test's thread.
class FakeDaq {
 public:
  explicit FakeDaq(uint16_t port = 0) : listening_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int on = 1;
    setsockopt(listening_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    own.sin_port = htons(port);
    EXPECT_EQ(bind(listening_, reinterpret_cast<sockaddr*>(&own), sizeof(own)), 0);
    EXPECT_EQ(listen(listening_, 4), 0);
    socklen_t length = sizeof(own);
    getsockname(listening_, reinterpret_cast<sockaddr*>(&own), &length);
    port_ = ntohs(own.sin_port);
  }
  ~FakeDaq() {
    Hangup();
    close(listening_);
  }
  uint16_t port() const { return port_; }
  std::string target() const { return "127.0.0.1:" + std::to_string(port_); }

  bool Accept() {
    if (!Ready(listening_)) return false;
    connection_ = accept(listening_, nullptr, nullptr);
    return connection_ >= 0;
  }
  // The next line; null when none comes within 5 s.
  json Read() {
    while (text_.find('\n') == std::string::npos) {
      std::array<char, 4096> chunk;
      if (!Ready(connection_)) return nullptr;
      const ssize_t got = recv(connection_, chunk.data(), chunk.size(), 0);
      if (got <= 0) return nullptr;
      text_.append(chunk.data(), static_cast<size_t>(got));
    }
    const size_t end = text_.find('\n');
    json line = json::parse(text_.substr(0, end), nullptr, false);
    text_.erase(0, end + 1);
    return line;
  }
  void Write(const std::string& text) { EXPECT_EQ(send(connection_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size())); }
  void Hangup() {
    if (connection_ >= 0) close(connection_);
    connection_ = -1;
    text_.clear();
  }

 private:
  static bool Ready(int fd) {
    pollfd waiting{fd, POLLIN, 0};
    return poll(&waiting, 1, 5000) > 0;
  }
  int listening_;
  int connection_ = -1;
  uint16_t port_ = 0;
  std::string text_;
};

// A request in a thread of its own, since it blocks.
class Asked {
 public:
  Asked(WireControl* control, std::string command, int deadline_ms)
      : thread_([this, control, text = std::move(command), deadline_ms] {
          code_ = control->Request(text.c_str(), deadline_ms, &reply_);
        }) {}
  int Code() {
    if (thread_.joinable()) thread_.join();
    return code_;
  }
  json Reply() { return Code(), json::parse(reply_, nullptr, false); }
  ~Asked() { Code(); }

 private:
  int code_ = 99;
  std::string reply_;
  std::thread thread_;
};

std::unique_ptr<WireControl> Open(const WireControlSettings& settings, const TestHost& host) {
  std::string message;
  auto control = WireControl::Open(settings, host.host(), &message);
  EXPECT_NE(control, nullptr) << message;
  return control;
}

TEST(WireControl, CarriesACommandAndItsAnswer) {
  FakeDaq daq;
  TestHost host;
  const auto control = Open({.target = daq.target()}, host);
  ASSERT_TRUE(daq.Accept());
  Asked asked(control.get(), R"({"command":"resume","comment":"MC_O_1"})", 5000);
  const json request = daq.Read();
  EXPECT_EQ(request["command"], "resume");
  EXPECT_EQ(request["comment"], "MC_O_1");
  // In pieces, and after a line that answers nothing.
  daq.Write("{\"hello\":1}\n{\"id\":" + request["id"].dump() + ",\"status\":2,");
  daq.Write("\"reply\":\"INVALID_TRANSITION\"}\n");
  EXPECT_EQ(asked.Code(), SUMMIT_OK);
  EXPECT_EQ(asked.Reply(), (json{{"status", 2}, {"reply", "INVALID_TRANSITION"}}));
}

TEST(WireControl, SubscribesAfterEachConnect) {
  FakeDaq daq;
  TestHost host;
  const auto control = Open({.target = daq.target(), .subscribe = true, .data_port = 4711, .locations = {3, 4}}, host);
  control->Subscribe();
  for (int turn = 0; turn < 2; ++turn) {
    ASSERT_TRUE(daq.Accept());
    const json request = daq.Read();
    EXPECT_EQ(request["command"], "subscribe");
    EXPECT_EQ(request["port"], 4711);
    EXPECT_EQ(request["locations"], (json{3, 4}));
    daq.Hangup();
  }
}

TEST(WireControl, SaysThatNobodyListens) {
  uint16_t port = 0;
  {
    const FakeDaq gone;
    port = gone.port();
  }
  TestHost host;
  const auto control = Open({.target = "127.0.0.1:" + std::to_string(port)}, host);
  Asked asked(control.get(), R"({"command":"status"})", 5000);
  EXPECT_EQ(asked.Code(), SUMMIT_ERR_IO);
  EXPECT_EQ(asked.Reply()["status"], -1);
  EXPECT_EQ(asked.Reply()["reply"], "COMMAND_TIMEOUT");
  EXPECT_NE(asked.Reply()["message"].get<std::string>().find(std::to_string(port)), std::string::npos);
}

TEST(WireControl, AsksAgainAfterARefusedSubscription) {
  FakeDaq daq;
  TestHost host;
  const auto control = Open({.target = daq.target(), .subscribe = true, .data_port = 4711}, host);
  control->Subscribe();
  ASSERT_TRUE(daq.Accept());
  for (int turn = 0; turn < 2; ++turn) {
    const json asked = daq.Read();
    ASSERT_EQ(asked["command"], "subscribe") << "turn " << turn;
    daq.Write("{\"id\":" + asked["id"].dump() + R"(,"status":-2,"reply":"NOSPACE"})" + "\n");
  }
}

TEST(WireControl, GivesUpAtTheDeadline) {
  FakeDaq daq;
  TestHost host;
  const auto control = Open({.target = daq.target()}, host);
  ASSERT_TRUE(daq.Accept());
  Asked asked(control.get(), R"({"command":"status"})", 30);
  EXPECT_EQ(asked.Code(), SUMMIT_ERR_TIMEOUT);
  EXPECT_EQ(asked.Reply()["reply"], "COMMAND_TIMEOUT");
}

TEST(WireControl, TellsWhoIsWaitingWhenTheDaqHangsUp) {
  FakeDaq daq;
  TestHost host;
  const auto control = Open({.target = daq.target()}, host);
  ASSERT_TRUE(daq.Accept());
  Asked asked(control.get(), R"({"command":"status"})", 5000);
  EXPECT_EQ(daq.Read()["command"], "status");
  daq.Hangup();
  EXPECT_EQ(asked.Code(), SUMMIT_ERR_IO);
}

TEST(WireControl, RefusesWhatIsNoCommand) {
  FakeDaq daq;
  TestHost host;
  const auto control = Open({.target = daq.target()}, host);
  std::string reply;
  EXPECT_EQ(control->Request("[1]", 100, &reply), SUMMIT_ERR_CONFIG);
  EXPECT_EQ(control->Request("{", 100, &reply), SUMMIT_ERR_CONFIG);
  const std::string huge = R"({"command":")" + std::string(70000, 'x') + "\"}";
  EXPECT_EQ(control->Request(huge.c_str(), 100, &reply), SUMMIT_ERR_CONFIG);
  std::string message;
  EXPECT_EQ(WireControl::Open({.target = "nowhere"}, host.host(), &message), nullptr);
  EXPECT_NE(message.find("host:port"), std::string::npos);
  EXPECT_EQ(WireControl::Open({.target = "127.0.0.1:88637"}, host.host(), &message), nullptr);
}

TEST(WireControl, StopsWhileARequestWaits) {
  FakeDaq daq;
  TestHost host;
  const auto control = Open({.target = daq.target()}, host);
  ASSERT_TRUE(daq.Accept());
  Asked asked(control.get(), R"({"command":"status"})", 20000);
  EXPECT_EQ(daq.Read()["command"], "status");
  const uint64_t before = MonotonicNs();
  control->Stop();
  EXPECT_EQ(asked.Code(), SUMMIT_ERR_IO);
  EXPECT_LT(MonotonicNs() - before, 5000000000u);
  std::string reply;
  EXPECT_EQ(control->Request(R"({"command":"status"})", 20000, &reply), SUMMIT_ERR_IO);
}

}  // namespace
}  // namespace summit::daq
