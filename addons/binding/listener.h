// SPDX-License-Identifier: Apache-2.0
// Holds new connections off a listening TCP socket of this process that another library (ZeroMQ) owns, and cuts off those
// that are there.
// Thread: any. Owns: nothing; a file descriptor is used only while it is seen to belong to the port.
#pragma once

#include <napi.h>

namespace summit::binding {

// holdConnections(port, hold): with `hold` the kernel drops attempts to connect, and those who try repeat them; what is
// connected stays. Returns how many listening sockets took it (0: none listens on the port).
Napi::Value HoldConnections(const Napi::CallbackInfo& info);

// connectionsOf(port): [id, bytes received, id, bytes received, ...] of the connections of this process's port.
Napi::Value ConnectionsOf(const Napi::CallbackInfo& info);

// cutOff(port, id): shuts the connection down, both ways, as if the peer had closed it; its owner sees that and closes it.
// false: it is gone.
Napi::Value CutOff(const Napi::CallbackInfo& info);

}  // namespace summit::binding
