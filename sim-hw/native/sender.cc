// SPDX-License-Identifier: Apache-2.0
#include "sim-hw/native/sender.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "sim-hw/native/crc32c.h"

namespace summit::sim {
namespace {

constexpr uint32_t kBatch = 64;
constexpr uint32_t kIpUdpBytes = 28;
constexpr int kSendBuffer = 8 << 20;

void Put16(uint8_t* p, uint32_t value) {
  const auto v = static_cast<uint16_t>(value);
  std::memcpy(p, &v, 2);
}
void Put32(uint8_t* p, uint32_t value) { std::memcpy(p, &value, 4); }

}  // namespace

Sender::Sender(uint32_t mtu, const std::string& interface_address, std::string* error)
    : fragment_bytes_((mtu - kIpUdpBytes - kHeaderBytes) & ~3u), headers_(kBatch * kHeaderBytes), scratch_(mtu), parts_(2 * kBatch) {
  fd_ = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) {
    *error = std::string("cannot open a UDP socket: ") + strerror(errno);
    return;
  }
  setsockopt(fd_, SOL_SOCKET, SO_SNDBUF, &kSendBuffer, sizeof kSendBuffer);
  if (interface_address.empty()) return;
  in_addr address{};
  if (inet_pton(AF_INET, interface_address.c_str(), &address) != 1 ||
      setsockopt(fd_, IPPROTO_IP, IP_MULTICAST_IF, &address, sizeof address) != 0) {
    *error = "interface: expected the IPv4 address of a local interface, got " + interface_address;
  }
}

Sender::~Sender() {
  if (fd_ >= 0) close(fd_);
}

int64_t Sender::Send(Destination* to, const uint8_t* header, const Payload& payload, const std::vector<int32_t>& order,
                     const std::vector<DatagramFault>& faults) {
  const uint32_t fragments = Fragments(payload.bytes);
  const uint32_t count = order.empty() ? fragments : static_cast<uint32_t>(order.size());
  const bool keep_crc = payload.fragment_crc != nullptr;
  if (keep_crc && payload.fragment_crc->size() != fragments) {
    payload.fragment_crc->clear();
    for (uint32_t f = 0; f < fragments; f++) {
      const uint32_t offset = f * fragment_bytes_, n = std::min(fragment_bytes_, payload.bytes - offset);
      payload.fragment_crc->push_back(n == 0 ? 0 : Crc32c(payload.data + offset, n));
    }
  }
  // The camera counts every datagram; what the network loses is a gap in the count.
  if (count < fragments) to->packet += fragments - count;
  if (!order.empty() && order[0] < 0) {
    to->packet++;
    return 0;
  }
  int64_t sent = 0;
  uint32_t in_batch = 0;
  for (uint32_t position = 0; position < count; position++) {
    const uint32_t fragment = order.empty() ? position : static_cast<uint32_t>(order[position]);
    const uint32_t offset = fragment * fragment_bytes_, n = std::min(fragment_bytes_, payload.bytes - offset);
    uint8_t* h = headers_.data() + in_batch * kHeaderBytes;
    std::memcpy(h, header, kHeaderBytes);
    Put32(h + 24, to->packet++);
    Put32(h + 28, payload.bytes);
    Put32(h + 32, offset);
    Put16(h + 36, n);
    Put32(h + 64, n == 0 ? 0 : keep_crc ? (*payload.fragment_crc)[fragment] : Crc32c(payload.data + offset, n));
    Put32(h + 68, Crc32c(h, kHeaderBytes - 4));
    iovec* part = parts_.data() + 2 * in_batch;
    part[0] = {h, kHeaderBytes};
    part[1] = {const_cast<uint8_t*>(payload.data) + offset, n};
    const auto fault = std::find_if(faults.begin(), faults.end(), [position](const DatagramFault& f) { return f.position == static_cast<int32_t>(position); });
    if (fault != faults.end()) {
      if (fault->edit == Edit::kTruncate) {
        const uint32_t left = fault->argument % (kHeaderBytes + n);
        part[0].iov_len = std::min(kHeaderBytes, left);
        part[1].iov_len = left - part[0].iov_len;
      } else {
        const uint32_t bit = fault->argument % ((kHeaderBytes + n) * 8), byte = bit / 8;
        const auto flip = static_cast<uint8_t>(1u << (bit % 8));
        if (byte < kHeaderBytes) {
          h[byte] = static_cast<uint8_t>(h[byte] ^ flip);
        } else {
          std::memcpy(scratch_.data(), payload.data + offset, n);
          scratch_[byte - kHeaderBytes] = static_cast<uint8_t>(scratch_[byte - kHeaderBytes] ^ flip);
          part[1].iov_base = scratch_.data();
        }
      }
    }
    in_batch++;
    // The scratch area holds one faulted payload: a faulted datagram ends its batch.
    if (in_batch == kBatch || position + 1 == count || fault != faults.end()) {
      const int64_t result = SendBatch(*to, in_batch);
      if (result < 0) {
        to->packet += count - position - 1;
        return result;
      }
      sent += result;
      in_batch = 0;
    }
  }
  return sent;
}

int64_t Sender::SendBatch(const Destination& to, uint32_t count) {
  mmsghdr messages[kBatch] = {};
  sockaddr_in address = to.address;
  for (uint32_t i = 0; i < count; i++) {
    messages[i].msg_hdr.msg_name = &address;
    messages[i].msg_hdr.msg_namelen = sizeof address;
    messages[i].msg_hdr.msg_iov = parts_.data() + 2 * i;
    messages[i].msg_hdr.msg_iovlen = 2;
  }
  uint32_t done = 0;
  while (done < count) {
    const int n = sendmmsg(fd_, messages + done, count - done, 0);
    if (n > 0) {
      done += static_cast<uint32_t>(n);
    } else if (errno == ENOBUFS || errno == EAGAIN) {
      pollfd writable{fd_, POLLOUT, 0};
      poll(&writable, 1, 10);
    } else if (errno == ECONNREFUSED) {
      done++;  // nobody listens there at the moment: the datagram is gone, as on a real network
    } else if (errno != EINTR) {
      return -errno;
    }
  }
  return count;
}

}  // namespace summit::sim
