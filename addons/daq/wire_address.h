// SPDX-License-Identifier: Apache-2.0
// "host:port" of the wire's TCP channels.
// Thread: any. Owns: nothing.
#ifndef SUMMIT_DAQ_WIRE_ADDRESS_H_
#define SUMMIT_DAQ_WIRE_ADDRESS_H_

#include <netinet/in.h>

#include <string>

namespace summit::daq {

// False when the host does not resolve or the port is not 1..65535. Blocks while a name server is asked.
bool ResolveAddress(const std::string& target, sockaddr_in* address);

}  // namespace summit::daq

#endif  // SUMMIT_DAQ_WIRE_ADDRESS_H_
