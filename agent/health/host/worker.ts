// SPDX-License-Identifier: Apache-2.0
// The host's thread: posts a reading each second.

import { parentPort, workerData } from 'node:worker_threads';
import type { HostSettings } from '../../model/health.js';
import { HostSampler } from './sampler.js';

const periodMs = 1000;
const sampler = new HostSampler(workerData as HostSettings);

async function look(): Promise<void> {
  const began = performance.now();
  parentPort?.postMessage(await sampler.sample());
  setTimeout(() => void look(), Math.max(0, periodMs - (performance.now() - began)));
}

void look();
