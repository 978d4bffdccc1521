// SPDX-License-Identifier: Apache-2.0
// The one place where the SDK's exceptions end.
// Thread: any.
// Owns: nothing.
#ifndef SUMMIT_PLUGINS_GDS_GUARD_H_
#define SUMMIT_PLUGINS_GDS_GUARD_H_

#include <exception>
#include <string>

namespace summit::gds {

// "" or what the SDK threw.
template <class Call>
std::string Guarded(Call call) {
  try {
    call();
    return "";
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) {
    return "an exception without a text";
  }
}

}  // namespace summit::gds

#endif  // SUMMIT_PLUGINS_GDS_GUARD_H_
