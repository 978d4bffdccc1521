// SPDX-License-Identifier: Apache-2.0
// The verb `pointing`: tells the agent where the telescope points, or asks what it takes it to be.

import { AgentError } from '../model/errors.js';
import { toWire } from '../model/names.js';
import { commandNames, type Pointing, parsePointing } from '../model/pointing.js';
import type { Verb } from './verbs.js';

export interface PointingHolder {
  pointing: Pointing | null;
}

/** No args: asks; `clear: true`: not known any more; else a whole pointing. Answers with what is in force. */
export function pointingVerb(holder: PointingHolder): Verb {
  return async (args) => {
    const keys = Object.keys(args);
    if (args.clear !== undefined) {
      if (args.clear !== true || keys.length > 1) {
        throw new AgentError('command', 'pointing: expected args.clear alone and true');
      }
      holder.pointing = null;
    } else if (keys.length > 0) {
      holder.pointing = parsePointing(args, commandNames);
    }
    return pointingToWire(holder.pointing);
  };
}

export function pointingToWire(pointing: Pointing | null): { readonly pointing: object | null } {
  return { pointing: pointing && toWire(pointing) };
}
