// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_socket.h"

#include <gtest/gtest.h>
#include <net/if.h>
#include <poll.h>

#include <vector>

#include "addons/daq/clock.h"
#include "addons/daq/driver.h"
#include "addons/daq/testing/udp_sender.h"
#include "addons/daq/wire_format.h"

namespace summit::daq {
namespace {

using testing::UdpSender;

std::unique_ptr<WireSocket> Open(WireSocketSettings settings) {
  int code = SUMMIT_OK;
  std::string message;
  auto socket = WireSocket::Open(settings, &code, &message);
  EXPECT_NE(socket, nullptr) << message;
  return socket;
}

bool Readable(const WireSocket& socket) {
  pollfd waiting{socket.fd(), POLLIN, 0};
  return poll(&waiting, 1, 5000) > 0;
}

TEST(WireSocket, TakesManyDatagramsAtOnceWithTheirTimes) {
  const auto socket = Open({.address = "127.0.0.1", .port = 0});
  UdpSender sender(socket->port());
  const uint64_t before = MonotonicNs();
  for (uint8_t n = 0; n < 70; ++n) ASSERT_TRUE(sender.Send(std::vector<uint8_t>(n + 1u, n)));
  const uint64_t after = MonotonicNs();
  ASSERT_TRUE(Readable(*socket));
  ASSERT_EQ(socket->Receive(), 64u);
  for (unsigned i = 0; i < 64; ++i) {
    ASSERT_EQ(socket->datagram(i).size(), i + 1);
    EXPECT_EQ(socket->datagram(i)[0], i);
    // Received when it was sent, not when it was read; a millisecond for the two clocks' difference.
    EXPECT_GT(socket->received_ns(i) + 1000000, before);
    EXPECT_LT(socket->received_ns(i), after + 1000000);
  }
  EXPECT_EQ(socket->Receive(), 6u);
  EXPECT_EQ(socket->Receive(), 0u);
}

TEST(WireSocket, CutsOversizedDatagramsToWhatCannotBeTrusted) {
  const auto socket = Open({.address = "127.0.0.1", .port = 0});
  UdpSender sender(socket->port());
  ASSERT_TRUE(sender.Send(std::vector<uint8_t>(20000, 1)));
  ASSERT_TRUE(Readable(*socket));
  ASSERT_EQ(socket->Receive(), 1u);
  EXPECT_EQ(socket->datagram(0).size(), kMaxDatagramBytes);
}

TEST(WireSocket, CountsWhatTheKernelDropped) {
  const auto socket = Open({.address = "127.0.0.1", .port = 0, .receive_buffer_bytes = 4096});
  UdpSender sender(socket->port());
  for (int n = 0; n < 200; ++n) ASSERT_TRUE(sender.Send(std::vector<uint8_t>(1000, 1)));
  unsigned received = 0;
  while (const unsigned count = socket->Receive()) received += count;
  ASSERT_LT(received, 200u);
  ASSERT_TRUE(sender.Send(std::vector<uint8_t>(10, 1)));
  ASSERT_TRUE(Readable(*socket));
  EXPECT_EQ(socket->Receive(), 1u);
  EXPECT_EQ(socket->kernel_drops().Get(), 200u - received);
}

TEST(WireSocket, SaysWhenItsBufferIsShort) {
  const auto modest = Open({.address = "127.0.0.1", .port = 0, .receive_buffer_bytes = 65536});
  EXPECT_TRUE(modest->warning().empty()) << modest->warning();
  EXPECT_GE(modest->buffer_actual(), 2u * 65536u);
}

TEST(WireSocket, NamesTheBusyPortAndWhatToDo) {
  const auto first = Open({.address = "127.0.0.1", .port = 0});
  int code = SUMMIT_OK;
  std::string message;
  EXPECT_EQ(WireSocket::Open({.address = "127.0.0.1", .port = first->port()}, &code, &message), nullptr);
  EXPECT_EQ(code, SUMMIT_ERR_RESOURCE);
  EXPECT_NE(message.find(std::to_string(first->port())), std::string::npos) << message;
  EXPECT_NE(message.find("choose another port"), std::string::npos) << message;
}

TEST(WireSocket, RefusesWhatIsNoAddressGroupOrInterface) {
  int code = SUMMIT_OK;
  std::string message;
  EXPECT_EQ(WireSocket::Open({.address = "here", .port = 0}, &code, &message), nullptr);
  EXPECT_EQ(code, SUMMIT_ERR_CONFIG);
  EXPECT_EQ(WireSocket::Open({.port = 0, .group = "10.0.0.1"}, &code, &message), nullptr);
  EXPECT_EQ(code, SUMMIT_ERR_CONFIG);
  EXPECT_EQ(WireSocket::Open({.port = 0, .group = "239.1.2.3", .interface_name = "no-such-if"}, &code, &message), nullptr);
  EXPECT_EQ(code, SUMMIT_ERR_RESOURCE);
  EXPECT_NE(message.find("no-such-if"), std::string::npos) << message;
}

TEST(WireSocket, HearsAMulticastGroup) {
  const auto socket = Open({.port = 0, .group = "239.255.77.1", .interface_name = "lo"});
  UdpSender sender(socket->port(), "239.255.77.1");
  ip_mreqn outgoing{};
  outgoing.imr_ifindex = static_cast<int>(if_nametoindex("lo"));
  ASSERT_EQ(setsockopt(sender.fd(), IPPROTO_IP, IP_MULTICAST_IF, &outgoing, sizeof(outgoing)), 0);
  ASSERT_TRUE(sender.Send(std::vector<uint8_t>(100, 5)));
  ASSERT_TRUE(Readable(*socket));
  EXPECT_EQ(socket->Receive(), 1u);
  EXPECT_EQ(socket->datagram(0).size(), 100u);
}

}  // namespace
}  // namespace summit::daq
