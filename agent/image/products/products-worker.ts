// SPDX-License-Identifier: Apache-2.0
// The thread of the products: one order at a time.

import { parentPort } from 'node:worker_threads';
import { writeProducts } from './files.js';
import type { ProductOrder } from './writer.js';

parentPort?.on('message', (order: ProductOrder) => {
  parentPort?.postMessage(writeProducts(order));
});
