// SPDX-License-Identifier: Apache-2.0
// Entry of the repository's thread.

import { parentPort, workerData } from 'node:worker_threads';
import { AgentError, sentenceOf } from '../model/errors.js';
import type { Answer, Request } from './repository-thread.js';
import { type RepositorySettings, RepositoryWork } from './repository-work.js';

const port = parentPort;
if (!port) throw new Error('the repository works in a thread of its own');
const say = (answer: Answer) => port.postMessage(answer);
let work: RepositoryWork | null = null;

function open(): RepositoryWork {
  work ??= new RepositoryWork(workerData as RepositorySettings);
  return work;
}

async function doIt(request: Request): Promise<unknown> {
  if (request.kind === 'ingest') return open().ingest(request.files);
  if (request.kind === 'product') return open().storeProduct(request.product);
  if (request.kind === 'handover') return open().handOver();
  if (request.kind === 'calibrations') return open().calibrations(request.request);
  if (request.kind === 'reconcile') return open().reconcile();
  if (request.kind === 'close') {
    work?.close();
    return null;
  }
  return open().expire(request.spared, (removed) => {
    say({ removed });
    // Requests that came in the meantime go first.
    return new Promise((resolve) => setImmediate(resolve));
  });
}

port.on('message', (request: Request) => {
  doIt(request).then(
    (result) => say({ id: request.id, result, waiting: work?.waiting ?? 0 }),
    (error: unknown) => {
      // What the file system says is no bug: the disk may be full, a folder gone.
      const said = error instanceof Error && 'syscall' in error;
      if (!(error instanceof AgentError) && !said) throw error;
      const refusal = error instanceof AgentError ? error : new AgentError('butler', sentenceOf(error));
      const { code, message, problems } = refusal;
      say({ id: request.id, refused: { code, message, problems } });
    },
  );
});
