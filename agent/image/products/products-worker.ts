// SPDX-License-Identifier: Apache-2.0
// The thread of the products: one order at a time.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { writeProducts } from './files.js';
import type { ProductOrder } from './writer.js';

try {
  // Of this thread alone, as Linux has it.
  setPriority((workerData as { readonly nice: number }).nice);
} catch {
  // Best effort: a sandbox may refuse it.
}

parentPort?.on('message', (order: ProductOrder) => {
  parentPort?.postMessage(writeProducts(order));
});
