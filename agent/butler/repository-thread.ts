// SPDX-License-Identifier: Apache-2.0
// The repository as the event loop sees it: requests to a thread, answers later.

import { Worker } from 'node:worker_threads';
import type { CalibrationRequest, CalibrationView, ProductFile, RemovedFiles } from '../model/butler.js';
import { AgentError, type AgentErrorCode } from '../model/errors.js';
import type { StoredDataset } from '../model/image-messages.js';
import type { Expired, Ingested, Reconciled, RepositorySettings } from './repository-work.js';

export type Request = { readonly id: number } & (
  | { readonly kind: 'ingest'; readonly files: readonly string[] }
  | { readonly kind: 'calibrations'; readonly request: CalibrationRequest }
  | { readonly kind: 'expire'; readonly spared: readonly string[] }
  | { readonly kind: 'product'; readonly product: ProductFile }
  | { readonly kind: 'reconcile' }
  | { readonly kind: 'handover' }
  | { readonly kind: 'close' }
);

export type Answer =
  | { readonly removed: RemovedFiles }
  | { readonly id: number; readonly result: unknown; readonly waiting: number }
  | {
      readonly id: number;
      readonly refused: {
        readonly code: AgentErrorCode;
        readonly message: string;
        readonly problems: readonly string[];
      };
    };

interface Open {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

export class RepositoryThread {
  readonly #worker: Worker;
  readonly #open = new Map<number, Open>();
  readonly #onRemoved: (removed: RemovedFiles) => void;
  /** guider files whose exposure is not there */
  waiting = 0;
  #nextId = 1;

  constructor(settings: RepositorySettings, onRemoved: (removed: RemovedFiles) => void) {
    this.#onRemoved = onRemoved;
    this.#worker = new Worker(new URL('./repository-worker.js', import.meta.url), {
      name: 'repository',
      workerData: settings,
    });
    this.#worker.on('message', (answer: Answer) => this.#onAnswer(answer));
    this.#worker.on('error', (error) => {
      // A bug there is a bug: it ends the process.
      throw error;
    });
    this.#worker.unref();
  }

  ingest(files: readonly string[]): Promise<Ingested> {
    return this.#ask({ id: this.#nextId++, kind: 'ingest', files }) as Promise<Ingested>;
  }

  calibrations(request: CalibrationRequest): Promise<CalibrationView> {
    return this.#ask({ id: this.#nextId++, kind: 'calibrations', request }) as Promise<CalibrationView>;
  }

  handOver(): Promise<Ingested> {
    return this.#ask({ id: this.#nextId++, kind: 'handover' }) as Promise<Ingested>;
  }

  storeProduct(product: ProductFile): Promise<StoredDataset> {
    return this.#ask({ id: this.#nextId++, kind: 'product', product }) as Promise<StoredDataset>;
  }

  reconcile(): Promise<Reconciled> {
    return this.#ask({ id: this.#nextId++, kind: 'reconcile' }) as Promise<Reconciled>;
  }

  /** `spared` are files that somebody still reads. */
  expire(spared: readonly string[] = []): Promise<Expired> {
    return this.#ask({ id: this.#nextId++, kind: 'expire', spared }) as Promise<Expired>;
  }

  /** After what was asked before is done. */
  async stop(): Promise<void> {
    await this.#ask({ id: this.#nextId++, kind: 'close' });
    await this.#worker.terminate();
  }

  #ask(request: Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // While somebody waits for an answer the process has something to wait for.
      if (this.#open.size === 0) this.#worker.ref();
      this.#open.set(request.id, { resolve, reject });
      this.#worker.postMessage(request);
    });
  }

  #onAnswer(answer: Answer): void {
    if ('removed' in answer) {
      this.#onRemoved(answer.removed);
      return;
    }
    const open = this.#open.get(answer.id);
    this.#open.delete(answer.id);
    if (this.#open.size === 0) this.#worker.unref();
    if ('refused' in answer) {
      const { code, message, problems } = answer.refused;
      open?.reject(new AgentError(code, message, { problems }));
      return;
    }
    this.waiting = answer.waiting;
    open?.resolve(answer.result);
  }
}
