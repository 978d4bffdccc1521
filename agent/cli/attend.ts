// SPDX-License-Identifier: Apache-2.0
// A subscribing command tells its terminal whether an agent is there, and may give up.

import type { Subscriber } from 'zeromq';
import type { Surroundings } from './command.js';
import type { Connection } from './connection.js';
import { Presence } from './presence.js';

export interface Attendance {
  /** before the socket connects */
  readonly watch: (socket: Subscriber) => void;
  /** when the socket is closed; the exit code */
  readonly end: () => number;
}

/** `timeoutS` 0: never gives up. */
export function attend(
  { data: address, keys }: Connection,
  timeoutS: number,
  stderr: Surroundings['stderr'],
): Attendance {
  let presence: Presence | null = null;
  let gaveUp = false;
  return {
    watch: (socket) => {
      const call = () => {
        gaveUp = true;
        socket.close();
      };
      presence = new Presence(socket, {
        address,
        encrypted: 'curveServerKey' in keys,
        say: (line) => stderr.write(`${line}\n`),
        giveUp: timeoutS > 0 ? { afterS: timeoutS, call } : null,
      });
    },
    end: () => {
      presence?.stop();
      return gaveUp ? 1 : 0;
    },
  };
}
