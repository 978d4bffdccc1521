// SPDX-License-Identifier: Apache-2.0
// Starts the host's thread.

import { Worker } from 'node:worker_threads';
import type { HostReading, HostSettings } from '../../model/health.js';

export interface HostThread {
  stop(): Promise<void>;
}

export type StartHostThread = (
  settings: Pick<HostSettings, 'interface' | 'disks'>,
  onReading: (reading: HostReading) => void,
) => HostThread;

/** ms until a thread that the system refused is asked for again. */
const againMs = 5000;

/** Its readings are some MB; without a limit what it no longer needs would be kept up to some hundreds. */
const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4 };

export const startHostThread: StartHostThread = (settings, onReading) => {
  let worker: Worker | null = null;
  let again: NodeJS.Timeout | null = null;
  const start = (): void => {
    const started = new Worker(new URL('./worker.js', import.meta.url), {
      name: 'host',
      workerData: { interface: settings.interface, disks: settings.disks },
      resourceLimits,
    });
    started.on('message', onReading);
    started.on('error', (error) => {
      // A bug there is a bug: it ends the process. Without descriptors there is no thread now (`host_stale`).
      if (!('code' in error) || error.code !== 'ERR_WORKER_INIT_FAILED') throw error;
      worker = null;
      again = setTimeout(start, againMs).unref();
    });
    started.unref();
    worker = started;
  };
  start();
  return {
    async stop() {
      if (again) clearTimeout(again);
      worker?.removeAllListeners('message');
      await worker?.terminate();
    },
  };
};
