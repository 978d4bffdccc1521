// SPDX-License-Identifier: Apache-2.0
// The simulated DAQ's control channel: one request at a time, connected again when the DAQ hung up.
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';

export type Reply = Readonly<Record<string, unknown>>;

export class DaqClient {
  readonly #host: string;
  readonly #port: number;
  #socket: Socket | null = null;
  #waiting: ((line: string | null) => void) | null = null;

  constructor(address: string) {
    const [host = '', port = ''] = address.split(':');
    this.#host = host;
    this.#port = Number(port);
  }

  /** Its answer; rejects when it refuses, or is not there within 10 s. */
  async ask(command: string, args: Reply = {}): Promise<Reply> {
    const end = Date.now() + 10_000;
    for (;;) {
      const line = await this.#attempt(JSON.stringify({ id: 1, command, ...args }));
      if (line !== null) {
        const reply = JSON.parse(line) as Reply;
        if (reply.status !== 0)
          throw new Error(`${command}: ${String(reply.reply)}: ${String(reply.message)}`);
        return reply;
      }
      if (Date.now() > end) throw new Error(`${command}: the DAQ is not there`);
      await sleep(20);
    }
  }

  close(): void {
    this.#socket?.destroy();
    this.#socket = null;
  }

  /** null: no connection, or it ended first. */
  async #attempt(request: string): Promise<string | null> {
    const answer = new Promise<string | null>((resolve) => {
      this.#waiting = resolve;
    });
    const socket = this.#socket ?? this.#connect();
    socket.write(`${request}\n`);
    return answer;
  }

  #connect(): Socket {
    const socket = connect(this.#port, this.#host);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.on('close', () => {
      if (this.#socket === socket) this.#socket = null;
      this.#tell(null);
    });
    const lines = createInterface({ input: socket });
    lines.on('error', () => undefined);
    lines.on('line', (line) => this.#tell(line));
    return socket;
  }

  #tell(line: string | null): void {
    const waiting = this.#waiting;
    this.#waiting = null;
    waiting?.(line);
  }
}
