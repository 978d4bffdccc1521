// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_socket.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "addons/daq/clock.h"
#include "addons/daq/driver.h"
#include "addons/daq/wire_format.h"

namespace summit::daq {
namespace {

// A kernel receive time further back than this is a stepped system clock, not a datagram that waited.
constexpr uint64_t kOldestNs = 10ull * 1000000000ull;
constexpr size_t kAncillaryBytes = 64;  // one timespec and one counter with their headers

bool Fail(int* code, int which, std::string* message, const std::string& text) {
  *code = which;
  *message = text;
  return false;
}

}  // namespace

struct WireSocket::Staging {
  alignas(64) std::array<std::array<uint8_t, kMaxDatagramBytes>, kBatch> bytes;
  alignas(16) std::array<std::array<uint8_t, kAncillaryBytes>, kBatch> ancillary;
  std::array<mmsghdr, kBatch> messages;
  std::array<iovec, kBatch> vectors;
  std::array<uint64_t, kBatch> times;
};

WireSocket::WireSocket() : staging_(std::make_unique<Staging>()) {
  std::memset(staging_.get(), 0, sizeof(Staging));
  for (unsigned i = 0; i < kBatch; ++i) {
    staging_->vectors[i] = {staging_->bytes[i].data(), kMaxDatagramBytes};
    staging_->messages[i].msg_hdr.msg_iov = &staging_->vectors[i];
    staging_->messages[i].msg_hdr.msg_iovlen = 1;
    staging_->messages[i].msg_hdr.msg_control = staging_->ancillary[i].data();
  }
}

WireSocket::~WireSocket() {
  if (fd_ >= 0) close(fd_);
}

std::unique_ptr<WireSocket> WireSocket::Open(const WireSocketSettings& settings, int* code, std::string* message) {
  std::unique_ptr<WireSocket> opened(new WireSocket());
  opened->fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (opened->fd_ < 0) {
    Fail(code, SUMMIT_ERR_RESOURCE, message, std::string("wire: no socket: ") + std::strerror(errno));
    return nullptr;
  }
  opened->SizeBuffer(settings.receive_buffer_bytes);
  if (!opened->Bind(settings, code, message) || !opened->Join(settings, code, message)) return nullptr;
  opened->Tune(settings);
  return opened;
}

bool WireSocket::Bind(const WireSocketSettings& settings, int* code, std::string* message) {
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_port = htons(settings.port);
  if (inet_pton(AF_INET, settings.address.c_str(), &own.sin_addr) != 1) {
    return Fail(code, SUMMIT_ERR_CONFIG, message, "wire: address: expected an IPv4 address, got \"" + settings.address + "\"");
  }
  if (bind(fd_, reinterpret_cast<const sockaddr*>(&own), sizeof(own)) != 0) {
    const std::string where = "wire: UDP port " + std::to_string(settings.port) + " on " + settings.address;
    if (errno == EADDRINUSE) {
      return Fail(code, SUMMIT_ERR_RESOURCE, message,
                  where + " is in use by another process: stop it (`ss -ulpn sport = :" + std::to_string(settings.port) +
                      "` names it) or choose another port");
    }
    return Fail(code, SUMMIT_ERR_RESOURCE, message, where + " cannot be taken: " + std::strerror(errno));
  }
  socklen_t length = sizeof(own);
  getsockname(fd_, reinterpret_cast<sockaddr*>(&own), &length);
  port_ = ntohs(own.sin_port);
  return true;
}

bool WireSocket::Join(const WireSocketSettings& settings, int* code, std::string* message) {
  if (settings.group.empty()) return true;
  ip_mreqn request{};
  if (inet_pton(AF_INET, settings.group.c_str(), &request.imr_multiaddr) != 1 ||
      !IN_MULTICAST(ntohl(request.imr_multiaddr.s_addr))) {
    return Fail(code, SUMMIT_ERR_CONFIG, message,
                "wire: group: expected a multicast address (224.0.0.0 to 239.255.255.255), got \"" + settings.group + "\"");
  }
  const bool by_address = inet_pton(AF_INET, settings.interface_name.c_str(), &request.imr_address) == 1;
  if (!settings.interface_name.empty() && !by_address) {
    request.imr_ifindex = static_cast<int>(if_nametoindex(settings.interface_name.c_str()));
    if (request.imr_ifindex == 0) {
      return Fail(code, SUMMIT_ERR_RESOURCE, message,
                  "wire: interface: there is no network interface \"" + settings.interface_name + "\" on this machine");
    }
  }
  const int only_joined = 0;
  setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_ALL, &only_joined, sizeof(only_joined));
  if (setsockopt(fd_, IPPROTO_IP, IP_ADD_MEMBERSHIP, &request, sizeof(request)) != 0) {
    return Fail(code, SUMMIT_ERR_RESOURCE, message,
                "wire: group " + settings.group + " cannot be joined: " + std::strerror(errno) +
                    "; name the interface of the DAQ network");
  }
  return true;
}

void WireSocket::SizeBuffer(int request) {
  if (request > 0) {
    // FORCE goes beyond net.core.rmem_max but needs CAP_NET_ADMIN.
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &request, sizeof(request)) != 0) {
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &request, sizeof(request));
    }
  }
  int actual = 0;
  socklen_t length = sizeof(actual);
  getsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &actual, &length);
  buffer_requested_ = static_cast<uint64_t>(request);
  buffer_actual_ = static_cast<uint64_t>(actual);
  // The kernel doubles a request, for its own bookkeeping (socket(7)).
  if (buffer_actual_ < 2 * buffer_requested_) {
    warning_ = "receive buffer: asked for " + std::to_string(request) + " bytes, got " + std::to_string(actual / 2) +
               ": stamps will be lost in bursts; raise net.core.rmem_max (scripts/sysctl/60-summit-agent.conf)";
  }
}

void WireSocket::Tune(const WireSocketSettings& settings) {
  const int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof(on));
  setsockopt(fd_, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));
  if (settings.busy_poll_us <= 0) return;
  if (setsockopt(fd_, SOL_SOCKET, SO_BUSY_POLL, &settings.busy_poll_us, sizeof(settings.busy_poll_us)) != 0) {
    if (!warning_.empty()) warning_ += "; ";
    warning_ += std::string("busy polling refused: ") + std::strerror(errno);
  }
}

unsigned WireSocket::Receive() {
  Staging& staging = *staging_;
  for (mmsghdr& message : staging.messages) message.msg_hdr.msg_controllen = kAncillaryBytes;
  const int count = recvmmsg(fd_, staging.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  if (count <= 0) return 0;
  wakeups_.Add();
  const uint64_t realtime_ns = ClockNs(CLOCK_REALTIME);
  const uint64_t now_ns = MonotonicNs();
  for (unsigned i = 0; i < static_cast<unsigned>(count); ++i) ReadAncillary(i, now_ns, realtime_ns);
  return static_cast<unsigned>(count);
}

void WireSocket::ReadAncillary(unsigned i, uint64_t now_ns, uint64_t realtime_ns) {
  msghdr& header = staging_->messages[i].msg_hdr;
  staging_->times[i] = now_ns;
  for (cmsghdr* part = CMSG_FIRSTHDR(&header); part != nullptr; part = CMSG_NXTHDR(&header, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SO_TIMESTAMPNS) {
      timespec received{};
      std::memcpy(&received, CMSG_DATA(part), sizeof(received));
      const uint64_t waited = realtime_ns - ToNs(received);
      if (waited < kOldestNs && waited < now_ns) staging_->times[i] = now_ns - waited;
    } else if (part->cmsg_type == SO_RXQ_OVFL) {
      uint32_t overflow = 0;
      std::memcpy(&overflow, CMSG_DATA(part), sizeof(overflow));
      kernel_drops_.Add(overflow - last_overflow_);
      last_overflow_ = overflow;
    }
  }
}

std::span<const uint8_t> WireSocket::datagram(unsigned i) const {
  return {staging_->bytes[i].data(), staging_->messages[i].msg_len};
}

uint64_t WireSocket::received_ns(unsigned i) const { return staging_->times[i]; }

}  // namespace summit::daq
