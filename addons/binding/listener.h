// SPDX-License-Identifier: Apache-2.0
// Holds new connections off a listening TCP socket of this process that another library (ZeroMQ) owns.
// Thread: any. Owns: nothing; a file descriptor is used only while it is seen to be listening on the port.
#pragma once

#include <napi.h>

namespace summit::binding {

// holdConnections(port, hold): with `hold` the kernel drops attempts to connect, and those who try repeat them; what is
// connected stays. Returns how many listening sockets took it (0: none listens on the port).
Napi::Value HoldConnections(const Napi::CallbackInfo& info);

}  // namespace summit::binding
