// SPDX-License-Identifier: Apache-2.0
// A subscriber that stays while agents come and go: it waits for the first result of one that it has not heard yet.
import { Unpackr } from 'msgpackr';
import { Subscriber } from 'zeromq';

const unpackr = new Unpackr({ useRecords: false, int64AsType: 'bigint' });

export class Results {
  // An agent that is back is found within this many ms.
  readonly #socket = new Subscriber({ linger: 0, reconnectInterval: 10, reconnectMaxInterval: 10 });
  readonly #heard = new Set<string>();
  #wake: (() => void) | null = null;
  #boot = '';

  constructor(address: string) {
    this.#socket.connect(address);
    this.#socket.subscribe('guider.result/');
    void this.#run();
  }

  /** Resolves at the first result of an agent started after all that were heard of before. */
  async ofAnotherAgent(deadlineMs: number): Promise<void> {
    const deadline = performance.now() + deadlineMs;
    while (this.#boot === '' || this.#heard.has(this.#boot)) {
      const left = deadline - performance.now();
      if (left <= 0) throw new Error(`no result of another agent within ${deadlineMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
    this.#heard.add(this.#boot);
  }

  close(): void {
    this.#socket.close();
  }

  async #run(): Promise<void> {
    for await (const [, frame] of this.#socket) {
      if (frame === undefined) continue;
      const { boot } = unpackr.unpack(frame) as { boot: unknown };
      this.#boot = String(boot);
      this.#wake?.();
    }
  }
}
