// SPDX-License-Identifier: Apache-2.0
// Sends datagrams to a port of this machine.
// Thread: one at a time.
// Owns: its socket.
#ifndef SUMMIT_DAQ_TESTING_UDP_SENDER_H_
#define SUMMIT_DAQ_TESTING_UDP_SENDER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <span>

namespace summit::daq::testing {

class UdpSender {
 public:
  explicit UdpSender(uint16_t port, const char* address = "127.0.0.1") : fd_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    target_.sin_family = AF_INET;
    target_.sin_port = htons(port);
    inet_pton(AF_INET, address, &target_.sin_addr);
  }
  ~UdpSender() { close(fd_); }
  UdpSender(const UdpSender&) = delete;
  UdpSender& operator=(const UdpSender&) = delete;

  int fd() const { return fd_; }
  bool Send(std::span<const uint8_t> bytes) {
    return sendto(fd_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&target_), sizeof(target_)) ==
           static_cast<ssize_t>(bytes.size());
  }

 private:
  int fd_;
  sockaddr_in target_{};
};

}  // namespace summit::daq::testing

#endif  // SUMMIT_DAQ_TESTING_UDP_SENDER_H_
