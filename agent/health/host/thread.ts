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

export const startHostThread: StartHostThread = (settings, onReading) => {
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    name: 'host',
    workerData: { interface: settings.interface, disks: settings.disks },
  });
  worker.on('message', onReading);
  // A bug there is a bug: it ends the process.
  worker.on('error', (error) => {
    throw error;
  });
  worker.unref();
  return {
    async stop() {
      worker.removeAllListeners('message');
      await worker.terminate();
    },
  };
};
