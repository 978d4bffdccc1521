// SPDX-License-Identifier: Apache-2.0
// A child process that speaks in lines: JSON lines are events to wait for, with a deadline.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';

export type JsonLine = Readonly<Record<string, unknown>>;

export interface ChildOptions {
  readonly name: string;
  /** a script for the running Node, or a program */
  readonly script?: string;
  readonly command?: string;
  readonly args: readonly string[];
  /** beside our own */
  readonly environment?: Readonly<Record<string, string>>;
  /** every line that is not JSON, and every line of stderr */
  readonly onText?: (line: string) => void;
}

export class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #name: string;
  readonly #events: JsonLine[] = [];
  readonly #tail: string[] = [];
  readonly #exited: Promise<number>;
  #exitCode: number | null = null;
  #wake: (() => void)[] = [];

  constructor(options: ChildOptions) {
    this.#name = options.name;
    const command = options.command ?? process.execPath;
    const args = options.script === undefined ? options.args : [options.script, ...options.args];
    this.#process = spawn(command, [...args], {
      // We never write to it: it closes when we end, even by SIGKILL, and summit-agent and sim-daq stop then.
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.environment, SUMMIT_STOP_WITH_STDIN: '1' },
      // A terminal's Ctrl-C must reach only us: we stop the children in order.
      detached: true,
    });
    for (const stream of [this.#process.stdout, this.#process.stderr]) {
      createInterface({ input: stream }).on('line', (line) => this.#onLine(line, options.onText));
    }
    this.#exited = once(this.#process, 'close').then(([code]: unknown[]) => {
      this.#exitCode = typeof code === 'number' ? code : -1;
      this.#notify();
      return this.#exitCode;
    });
  }

  /** Every JSON line so far (the last thousand). */
  get events(): readonly JsonLine[] {
    return this.#events;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get running(): boolean {
    return this.#exitCode === null;
  }

  /** The first event, past or to come, that `wanted` accepts; rejects at the deadline or when the child ends. */
  async event(what: string, wanted: (event: JsonLine) => boolean, deadlineMs: number): Promise<JsonLine> {
    const deadline = Date.now() + deadlineMs;
    for (;;) {
      const found = this.#events.find(wanted);
      if (found !== undefined) return found;
      const left = deadline - Date.now();
      if (this.#exitCode !== null) throw this.#failure(`ended with code ${this.#exitCode} before "${what}"`);
      if (left <= 0) throw this.#failure(`did not say "${what}" within ${deadlineMs} ms`);
      await this.#changed(left);
    }
  }

  kill(signal: NodeJS.Signals): void {
    if (this.running) this.#process.kill(signal);
  }

  /** SIGTERM, then SIGKILL at the deadline. Resolves to the exit code (-1: killed). */
  async stop(deadlineMs: number): Promise<number> {
    this.kill('SIGTERM');
    const timer = setTimeout(() => this.kill('SIGKILL'), deadlineMs);
    const code = await this.#exited;
    clearTimeout(timer);
    return code;
  }

  get exited(): Promise<number> {
    return this.#exited;
  }

  #onLine(line: string, onText: ((line: string) => void) | undefined): void {
    this.#tail.push(line);
    if (this.#tail.length > 20) this.#tail.shift();
    const event = parseObject(line);
    if (event !== null) {
      this.#events.push(event);
      if (this.#events.length > 1000) this.#events.shift();
      this.#notify();
    }
    onText?.(line);
  }

  #notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }

  async #changed(timeoutMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#wake.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  #failure(what: string): Error {
    return new Error(
      `${this.#name} ${what}. Its last lines:\n${this.#tail.map((line) => `  ${line}`).join('\n')}`,
    );
  }
}

function parseObject(line: string): JsonLine | null {
  if (!line.startsWith('{')) return null;
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as JsonLine) : null;
  } catch {
    return null;
  }
}
