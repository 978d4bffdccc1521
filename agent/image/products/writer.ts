// SPDX-License-Identifier: Apache-2.0
// The files of a look, <stem>.json and <stem>.png: drawn and written on a thread of their own.

import { Worker } from 'node:worker_threads';

/** What the thread is given. */
export interface ProductOrder {
  readonly id: number;
  /** path of the files, without their ends; the folder is made when it is missing */
  readonly stem: string;
  /** of the native side, JSON */
  readonly report: string;
  /** goes into the JSON file beside the report's keys */
  readonly more: Readonly<Record<string, unknown>>;
  readonly preview: Uint8Array;
  readonly cols: number;
  readonly rows: number;
}

/** What it answers; '' where a file could not be written. */
export interface ProductFiles {
  readonly id: number;
  readonly json: string;
  readonly picture: string;
  /** why not, '' */
  readonly problem: string;
}

export interface ProductWriter {
  write(order: ProductOrder): void;
  /** Resolves when everything that was ordered is answered. */
  stop(): Promise<void>;
}

export type StartProductWriter = (onFiles: (files: ProductFiles) => void) => ProductWriter;

/** ms until a thread that the system refused is asked for again. */
const againMs = 5000;

/** `nice`: of its thread. */
export const productWriter =
  (nice: number): StartProductWriter =>
  (onFiles) => {
    let worker: Worker | null = null;
    const waiting = new Map<number, ProductOrder>();
    let empty: () => void = () => undefined;
    const answer = (files: ProductFiles): void => {
      waiting.delete(files.id);
      onFiles(files);
      if (waiting.size === 0) empty();
    };
    const start = (): void => {
      const started = new Worker(new URL('./products-worker.js', import.meta.url), {
        name: 'products',
        workerData: { nice },
      });
      started.on('message', answer);
      started.on('error', (error) => {
        // A bug there is a bug: it ends the process. Without descriptors there is no thread now.
        if (!('code' in error) || error.code !== 'ERR_WORKER_INIT_FAILED') throw error;
        worker = null;
        for (const { id } of [...waiting.values()])
          answer({ id, json: '', picture: '', problem: 'no thread to write it' });
        setTimeout(start, againMs).unref();
      });
      started.unref();
      worker = started;
    };
    start();
    return {
      write(order) {
        waiting.set(order.id, order);
        if (worker === null)
          answer({ id: order.id, json: '', picture: '', problem: 'no thread to write it' });
        else worker.postMessage(order);
      },
      async stop() {
        worker?.ref();
        if (waiting.size > 0) await new Promise<void>((resolve) => (empty = resolve));
        await worker?.terminate();
      },
    };
  };
