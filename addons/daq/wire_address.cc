// SPDX-License-Identifier: Apache-2.0
#include "addons/daq/wire_address.h"

#include <netdb.h>
#include <sys/socket.h>

#include <cstring>

namespace summit::daq {
namespace {

// 1..65535; 0 when the text is no port. getaddrinfo would wrap a larger number.
int PortOf(const std::string& text) {
  if (text.empty() || text.size() > 5 || text.find_first_not_of("0123456789") != std::string::npos) return 0;
  const int port = std::stoi(text);
  return port <= 65535 ? port : 0;
}

}  // namespace

bool ResolveAddress(const std::string& target, sockaddr_in* address) {
  const size_t colon = target.rfind(':');
  if (colon == std::string::npos || colon == 0 || PortOf(target.substr(colon + 1)) == 0) return false;
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(target.substr(0, colon).c_str(), target.substr(colon + 1).c_str(), &hints, &found) != 0) return false;
  std::memcpy(address, found->ai_addr, sizeof(*address));
  freeaddrinfo(found);
  return address->sin_port != 0;
}

}  // namespace summit::daq
