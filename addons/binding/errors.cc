// SPDX-License-Identifier: Apache-2.0
#include "addons/binding/errors.h"

#include "addons/daq/driver.h"

namespace summit::binding {

const char* ErrorCodeOf(int summit_error) {
  switch (summit_error) {
    case SUMMIT_ERR_CONFIG: return "daq_config";
    case SUMMIT_ERR_RESOURCE: return "daq_resource";
    case SUMMIT_ERR_UNSUPPORTED: return "daq_unsupported";
    case SUMMIT_ERR_STATE:
    case SUMMIT_ERR_CLOSED: return "daq_state";
    default: return "daq_unreachable";
  }
}

void Throw(Napi::Env env, int summit_error, const std::string& message) {
  Napi::Error error = Napi::Error::New(env, message);
  error.Set("code", Napi::String::New(env, ErrorCodeOf(summit_error)));
  error.ThrowAsJavaScriptException();
}

}  // namespace summit::binding
