// SPDX-License-Identifier: Apache-2.0
// Every check of the doctor, in the order in which they are told.

import { checkClock, checkTai } from './clock.js';
import { checkCpu, checkGovernor } from './cpu.js';
import type { Finding, Needs } from './finding.js';
import { checkFolders } from './folders.js';
import { checkHugePages, checkImageMemory, checkLimits } from './limits.js';
import type { Machine } from './machine.js';
import { checkBuffers, checkInterface } from './network.js';
import { checkPorts } from './ports.js';
import { checkDevices, checkNode } from './resources.js';

type Check = (machine: Machine, needs: Needs) => readonly Finding[];

export const checks: Readonly<Record<string, Check>> = {
  node: checkNode,
  clock: checkClock,
  tai: checkTai,
  buffers: checkBuffers,
  interface: checkInterface,
  limits: checkLimits,
  hugePages: checkHugePages,
  imageMemory: checkImageMemory,
  governor: checkGovernor,
  cpu: checkCpu,
  devices: checkDevices,
  folders: checkFolders,
  ports: checkPorts,
};

export function examine(machine: Machine, needs: Needs): Finding[] {
  return Object.values(checks).flatMap((check) => check(machine, needs));
}
