// SPDX-License-Identifier: Apache-2.0
// Cuts messages into datagrams (sim-hw/README.md, wire format v1) and sends them with sendmmsg.
// Thread: one at a time per Sender. Owns: one UDP socket; the packet counter of each destination.
#ifndef SUMMIT_SIM_SENDER_H_
#define SUMMIT_SIM_SENDER_H_

#include <netinet/in.h>

#include <cstdint>
#include <string>
#include <vector>

namespace summit::sim {

inline constexpr uint32_t kHeaderBytes = 72;

struct Destination {
  sockaddr_in address{};
  uint32_t packet = 0;  // datagrams sent there
};

// Pixels or other payload with the checksums of its fragments, which stay valid while it does not change.
struct Payload {
  const uint8_t* data = nullptr;
  uint32_t bytes = 0;
  std::vector<uint32_t>* fragment_crc = nullptr;  // made on first use when empty; nullptr: made for each send
};

enum class Edit : int32_t { kTruncate = 1, kCorrupt = 2 };

// A fault for the datagram at place `position` of the sending order.
struct DatagramFault {
  int32_t position;
  Edit edit;
  uint32_t argument;  // a random number; modulo the datagram's size, truncate: bytes kept; corrupt: which bit to flip
};

class Sender {
 public:
  // On failure `error` says why and the sender does nothing.
  Sender(uint32_t mtu, const std::string& interface_address, std::string* error);
  ~Sender();
  Sender(const Sender&) = delete;
  Sender& operator=(const Sender&) = delete;

  uint32_t FragmentBytes() const { return fragment_bytes_; }
  uint32_t Fragments(uint32_t payload_bytes) const { return payload_bytes == 0 ? 1 : (payload_bytes + fragment_bytes_ - 1) / fragment_bytes_; }

  // Sends one message. `header` is a template: fragment, packet and checksum fields are filled here. `order`
  // lists fragments in sending order (empty: all, in order; -1 alone: none). What is not sent takes its packet number
  // all the same. Returns datagrams sent, or -errno.
  int64_t Send(Destination* to, const uint8_t* header, const Payload& payload, const std::vector<int32_t>& order,
               const std::vector<DatagramFault>& faults);

 private:
  int64_t SendBatch(const Destination& to, uint32_t count);

  int fd_ = -1;
  uint32_t fragment_bytes_;
  std::vector<uint8_t> headers_;  // one per datagram of a batch
  std::vector<uint8_t> scratch_;  // one faulted datagram's payload
  std::vector<iovec> parts_;
};

}  // namespace summit::sim

#endif  // SUMMIT_SIM_SENDER_H_
