// SPDX-License-Identifier: Apache-2.0
// What is said of stamps leaves only in ENABLED; everything else always does.

import { type AgentMessage, GuiderStatus, type MessageSink } from '../model/messages.js';

/** Results are for those who act on them; what the DAQ does is told in every state that hears it. */
function isOfStamps(message: AgentMessage): boolean {
  switch (message.kind) {
    case 'guider.result':
    case 'guider.offsets':
    case 'guider.summary':
    case 'guider.acquisition':
      return true;
    case 'guider.state':
      return message.status === GuiderStatus.stamp;
    default:
      return false;
  }
}

export class ResultGate implements MessageSink {
  readonly #sink: MessageSink;
  readonly #isOpen: () => boolean;

  constructor(sink: MessageSink, isOpen: () => boolean) {
    this.#sink = sink;
    this.#isOpen = isOpen;
  }

  publish(message: AgentMessage): void {
    if (this.#isOpen() || !isOfStamps(message)) this.#sink.publish(message);
  }
}
