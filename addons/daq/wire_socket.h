// SPDX-License-Identifier: Apache-2.0
// The UDP socket of the wire: takes up to 64 datagrams per call, with the time the kernel received each.
// Thread: Open by the owner; Wait and Receive on the link thread; counters anywhere.
// Owns: the socket and the staging memory; datagrams are valid until the next Receive.
#ifndef SUMMIT_DAQ_WIRE_SOCKET_H_
#define SUMMIT_DAQ_WIRE_SOCKET_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "addons/daq/counter.h"

namespace summit::daq {

struct WireSocketSettings {
  std::string address = "0.0.0.0";
  uint16_t port = 5580;          // 0: the kernel chooses
  std::string group{};           // multicast group to join, "" = unicast
  std::string interface_name{};  // for the group: name or IPv4 address; "" = the kernel's choice
  int receive_buffer_bytes = 0;  // request; 0: leave the system's default
  int busy_poll_us = 0;          // SO_BUSY_POLL; 0: off
};

class WireSocket {
 public:
  static constexpr unsigned kBatch = 64;

  // nullptr with a SummitError in *code and a sentence in *message.
  static std::unique_ptr<WireSocket> Open(const WireSocketSettings& settings, int* code, std::string* message);
  ~WireSocket();
  WireSocket(const WireSocket&) = delete;
  WireSocket& operator=(const WireSocket&) = delete;

  int fd() const { return fd_; }
  uint16_t port() const { return port_; }

  // Takes what is there without waiting; the number of datagrams, 0 when there is none.
  unsigned Receive();
  std::span<const uint8_t> datagram(unsigned i) const;
  uint64_t received_ns(unsigned i) const;  // CLOCK_MONOTONIC

  // "" or a warning for the operator (buffer short of the request, busy polling refused).
  const std::string& warning() const { return warning_; }
  uint64_t buffer_requested() const { return buffer_requested_; }
  uint64_t buffer_actual() const { return buffer_actual_; }
  const Counter& kernel_drops() const { return kernel_drops_; }
  const Counter& wakeups() const { return wakeups_; }

 private:
  struct Staging;

  WireSocket();
  bool Bind(const WireSocketSettings& settings, int* code, std::string* message);
  bool Join(const WireSocketSettings& settings, int* code, std::string* message);
  void SizeBuffer(int request);
  void Tune(const WireSocketSettings& settings);
  void ReadAncillary(unsigned i, uint64_t now_ns, uint64_t realtime_ns);

  int fd_ = -1;
  uint16_t port_ = 0;
  std::unique_ptr<Staging> staging_;
  uint32_t last_overflow_ = 0;
  std::string warning_;
  uint64_t buffer_requested_ = 0;
  uint64_t buffer_actual_ = 0;
  Counter kernel_drops_;
  Counter wakeups_;
};

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WIRE_SOCKET_H_
