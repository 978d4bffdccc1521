// SPDX-License-Identifier: Apache-2.0
// A bench for the simulated DAQ: its real process, UDP receivers and control connections on ephemeral ports,
// in a temporary directory, all stopped when the test ends.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Test } from 'tap';
import { Child } from '../../scripts/processes/child.js';
import type { TruthLine } from '../truth.js';

/** Generous: deadlines only end a test that would hang. */
export const deadlineMs = 30_000;

/** Waits for what arrives elsewhere. */
class Arrivals {
  #wake: (() => void)[] = [];

  notify(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }

  /** The first value, now or later, that `find` gives; rejects at the deadline. */
  async wait<T>(what: string, find: () => T | undefined): Promise<T> {
    const end = Date.now() + deadlineMs;
    for (;;) {
      const found = find();
      if (found !== undefined) return found;
      const left = end - Date.now();
      if (left <= 0) throw new Error(`no ${what} within ${deadlineMs} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.#wake.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }
}

/** A UDP socket that keeps every datagram as it arrived. */
export class Receiver {
  readonly datagrams: Buffer[] = [];
  readonly #socket: UdpSocket;
  readonly #arrivals = new Arrivals();
  #marks = 0;

  constructor(socket: UdpSocket) {
    this.#socket = socket;
    const own = socket.address().port;
    socket.on('message', (datagram, from) => {
      if (from.port === own) this.#marks++;
      else this.datagrams.push(datagram);
      this.#arrivals.notify();
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  async until<T>(what: string, find: (datagrams: readonly Buffer[]) => T | undefined): Promise<T> {
    return this.#arrivals.wait(what, () => find(this.datagrams));
  }

  /** Everything that was sent here before this call has been read when it resolves. */
  async settled(): Promise<void> {
    // A datagram to ourselves queues up behind what is already there.
    const marks = this.#marks;
    this.#socket.send('mark', this.port, '127.0.0.1');
    await this.#arrivals.wait('own datagram', () => (this.#marks > marks ? true : undefined));
  }
}

export interface Reply {
  readonly id: number | null;
  readonly status: number;
  readonly reply: string;
  readonly message?: string;
  readonly state: string;
  readonly sequence: number;
  readonly session?: string;
  readonly subscribers?: number;
  readonly sensors?: Readonly<Record<string, { readonly location: number; readonly sent: number }>>;
}

/** One connection to the control channel. */
export class ControlConnection {
  readonly replies: Reply[] = [];
  readonly #socket: Socket;
  readonly #arrivals = new Arrivals();
  #taken = 0;
  #next = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    // A peer that closes while we still write resets the connection; `closed` is what tests look at.
    socket.on('error', () => undefined);
    socket.on('close', () => this.#arrivals.notify());
    const lines = createInterface({ input: socket });
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      this.replies.push(JSON.parse(line) as Reply);
      this.#arrivals.notify();
    });
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  /** The next reply that nobody has taken. */
  async reply(): Promise<Reply> {
    const reply = await this.#arrivals.wait('reply', () => this.replies[this.#taken]);
    this.#taken++;
    return reply;
  }

  async request(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    const id = ++this.#next;
    this.write(`${JSON.stringify({ id, command, ...args })}\n`);
    const reply = await this.reply();
    if (reply.id !== id) throw new Error(`expected the reply to request ${id}, got ${JSON.stringify(reply)}`);
    return reply;
  }

  /** A request that must be granted. */
  async must(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
    const reply = await this.request(command, args);
    if (reply.status !== 0) throw new Error(`${command}: ${JSON.stringify(reply)}`);
    return reply;
  }

  async closed(): Promise<void> {
    await this.#arrivals.wait('end of the connection', () => (this.#socket.closed ? true : undefined));
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** Everything one test starts. */
export class Bench {
  readonly directory: string;
  readonly #t: Test;

  constructor(t: Test) {
    this.#t = t;
    this.directory = mkdtempSync(join(tmpdir(), 'sim-daq-test-'));
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }));
  }

  async receiver(): Promise<Receiver> {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
    this.#t.teardown(() => socket.close());
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return new Receiver(socket);
  }

  /** The simulated DAQ, ready; it listens on a port of its own. */
  async simulator(...args: readonly string[]): Promise<Simulator> {
    const lines: string[] = [];
    const child = new Child({
      name: 'sim-daq',
      script: 'dist/sim-hw/main.js',
      args: ['--control', '127.0.0.1:0', '--truth', this.#truthFile, ...args],
      onText: (line) => lines.push(line),
    });
    this.#t.teardown(() => child.stop(2000));
    const ready = await child.event('ready', (event) => event.event === 'ready', deadlineMs);
    return new Simulator(child, String(ready.control), String(ready.session), lines);
  }

  /** Runs a scenario to its end; every datagram of it is in the receiver then. */
  async run(receiver: Receiver, ...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
    const to = ['--to', `127.0.0.1:${receiver.port}`, '--start-delay-ms', '0'];
    const { process } = await this.simulator(...to, ...args);
    const end = await process.event('end', (event) => event.event === 'end', deadlineMs);
    await receiver.settled();
    return end;
  }

  async connect(simulator: Simulator): Promise<ControlConnection> {
    const [host, port] = simulator.control.split(':');
    const socket = connect({ host: host ?? '', port: Number(port), noDelay: true });
    this.#t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    return new ControlConnection(socket);
  }

  /** Lines of the truth file so far. */
  truth(): TruthLine[] {
    const lines = readFileSync(this.#truthFile, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as TruthLine);
  }

  get #truthFile(): string {
    return join(this.directory, 'truth.jsonl');
  }
}

export class Simulator {
  constructor(
    readonly process: Child,
    /** host:port */
    readonly control: string,
    /** hexadecimal */
    readonly session: string,
    readonly lines: readonly string[],
  ) {}

  /** Everything it said to people; complete when it has ended. */
  get sentences(): string[] {
    return this.lines.filter((line) => !line.startsWith('{'));
  }

  /** Waits for its end: exit code and the event `end`. */
  async ended(): Promise<{ code: number; end: Readonly<Record<string, unknown>> }> {
    const end = await this.process.event('end', (event) => event.event === 'end', deadlineMs);
    return { code: await this.process.exited, end };
  }
}

/** A roiSpec of these sensors (`R00SG0`), each with the same place. */
export function roiSpec(
  rows: number,
  cols: number,
  ...keys: readonly string[]
): Readonly<Record<string, unknown>> {
  const place = { segment: 7, startRow: 800, startCol: 56 };
  const sensors = Object.fromEntries(keys.map((key) => [key, place]));
  return { common: { rows, cols, integrationTimeMillis: 50 }, ...sensors };
}
