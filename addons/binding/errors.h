// SPDX-License-Identifier: Apache-2.0
// Turns a SummitError into a JavaScript Error with the agent's stable `code`.
// Thread: the thread of the environment. Owns: nothing.
#ifndef SUMMIT_BINDING_ERRORS_H_
#define SUMMIT_BINDING_ERRORS_H_

#include <napi.h>

#include <string>

namespace summit::binding {

// "daq_config", "daq_resource", ... (AgentErrorCode of agent/model/errors.ts).
const char* ErrorCodeOf(int summit_error);

void Throw(Napi::Env env, int summit_error, const std::string& message);

}  // namespace summit::binding

#endif  // SUMMIT_BINDING_ERRORS_H_
