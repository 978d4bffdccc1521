// SPDX-License-Identifier: Apache-2.0
// One datagram to the service manager: what sd_notify(3) does, without libsystemd.
// Thread: any; never waits. Owns: nothing.
#ifndef SUMMIT_BINDING_SERVICE_NOTIFY_H_
#define SUMMIT_BINDING_SERVICE_NOTIFY_H_

#include <napi.h>

#include <string_view>

namespace summit::binding {

// `address` as in NOTIFY_SOCKET: a path, or an abstract name that begins with '@'. Returns 0, or the errno.
int SendToServiceManager(std::string_view address, std::string_view text);

// notifyServiceManager(address: string, text: string): string -- '' when it was sent, else why not.
Napi::Value NotifyServiceManager(const Napi::CallbackInfo& info);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_SERVICE_NOTIFY_H_
