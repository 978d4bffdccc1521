// SPDX-License-Identifier: Apache-2.0
// The control channel: JSON lines over TCP, one reply for each request, in order (sim-hw/README.md).
import { createServer, isIPv4, type Server, type Socket } from 'node:net';
import { type Daq, type Outcome, ReplyCode } from './daq.js';
import type { Destination } from './destinations.js';
import { listenAt } from './listen.js';
import type { Endpoint } from './options.js';

const longestLine = 64 * 1024;
/** Bytes of replies that a client has not taken: above the first we read no more of its requests until it has. */
const pauseAbove = 1 << 20;
const destroyAbove = 16 << 20;

/** Told what clients do. */
export interface ControlListener {
  subscribed(): void;
  /** a state command was granted */
  commanded(name: string): void;
  /** does something wrong from now on; a sentence says what cannot be done */
  disturb(args: Readonly<Record<string, unknown>>): string | null;
  /** asks the camera for an image; null: it has none to give */
  take(args: Readonly<Record<string, unknown>>): (Outcome & Readonly<Record<string, unknown>>) | null;
}

type Request = Readonly<Record<string, unknown>> & { readonly command: string };

export class ControlServer {
  readonly #daq: Daq;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #listener: ControlListener;
  #address: Endpoint | null = null;

  constructor(daq: Daq, listener: ControlListener) {
    this.#daq = daq;
    this.#listener = listener;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Resolves to the address it listens on; rejects with a sentence when the port is taken. */
  async start(at: Endpoint): Promise<string> {
    this.#address = await listenAt(this.#server, at, 'control channel', '--control');
    return `${this.#address.host}:${this.#address.port}`;
  }

  stop(): void {
    this.close();
  }

  /** Ends every connection. */
  hangUp(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Ends every connection and takes no new one, until `open`. */
  close(): void {
    this.hangUp();
    this.#server.close();
  }

  /** Listens again where it did. */
  async open(): Promise<void> {
    if (this.#address !== null) await this.start(this.#address);
  }

  #accept(socket: Socket): void {
    const mine = new Map<string, Destination>();
    let rest = '';
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) {
        if (Buffer.byteLength(line) > longestLine) socket.destroy();
        if (socket.destroyed) return;
        if (line.trim() !== '') this.#answer(socket, line, mine);
        if (socket.writableLength > destroyAbove) socket.destroy();
      }
      if (socket.writableLength > pauseAbove) socket.pause();
      if (Buffer.byteLength(rest) > longestLine) socket.destroy();
    });
    socket.on('drain', () => socket.resume());
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const destination of mine.values()) this.#daq.unsubscribe(destination);
    });
  }

  #answer(socket: Socket, line: string, mine: Map<string, Destination>): void {
    const request = parseRequest(line);
    const id = request?.id ?? null;
    let outcome: Outcome;
    let extra: Readonly<Record<string, unknown>> = {};
    if (request === null)
      outcome = { reply: 'INVALID', message: 'expected one JSON object per line with "id" and "command"' };
    else if (request.command === 'subscribe') outcome = this.#subscribe(socket, request, mine);
    else if (request.command === 'status') {
      outcome = { reply: 'SUCCESS' };
      extra = {
        session: this.#daq.session.toString(16),
        sensors: this.#daq.sentBySensor(),
        subscribers: this.#daq.destinations.subscribers,
        roiSpec: this.#daq.configured,
        inExposure: this.#daq.inExposure,
      };
    } else if (request.command === 'disturb') {
      const problem = this.#listener.disturb(request);
      outcome = problem === null ? { reply: 'SUCCESS' } : { reply: 'INVALID_PARAMETER', message: problem };
    } else if (request.command === 'take') {
      outcome = this.#listener.take(request) ?? {
        reply: 'INVALID_COMMAND',
        message: 'this DAQ gives no images: start sim-daq with --images',
      };
    } else {
      outcome = this.#daq.command(request.command, request);
      if (outcome.reply === 'SUCCESS') this.#listener.commanded(request.command);
    }
    const state = { state: this.#daq.state, sequence: this.#daq.sequence };
    socket.write(
      `${JSON.stringify({ id, status: ReplyCode[outcome.reply], ...outcome, ...state, ...extra })}\n`,
    );
  }

  #subscribe(socket: Socket, request: Request, mine: Map<string, Destination>): Outcome {
    const { port, address, locations } = request;
    if (typeof port !== 'number' || !Number.isInteger(port) || port < 1 || port > 65_535) {
      return { reply: 'INVALID_PARAMETER', message: `port: expected 1..65535, got ${JSON.stringify(port)}` };
    }
    if (address !== undefined && !(typeof address === 'string' && isIPv4(address))) {
      return {
        reply: 'INVALID_PARAMETER',
        message: `address: expected IPv4, got ${JSON.stringify(address)}`,
      };
    }
    if (
      locations !== undefined &&
      !(Array.isArray(locations) && locations.every((one) => Number.isInteger(one)))
    ) {
      return { reply: 'INVALID_PARAMETER', message: 'locations: expected an array of packed locations' };
    }
    const host = address ?? (socket.remoteAddress ?? '127.0.0.1').replace(/^::ffff:/, '');
    const wanted = Array.isArray(locations) ? new Set(locations as number[]) : null;
    const earlier = mine.get(`${host}:${port}`);
    const added =
      earlier === undefined
        ? this.#daq.subscribe(host, port, wanted)
        : this.#daq.resubscribe(earlier, wanted);
    if ('reply' in added) return added;
    mine.set(added.name, added);
    this.#listener.subscribed();
    return { reply: 'SUCCESS' };
  }
}

/** null: not a JSON object with a command. */
function parseRequest(line: string): Request | null {
  try {
    const value = JSON.parse(line) as Partial<Request> | null;
    return typeof value?.command === 'string' ? (value as Request) : null;
  } catch {
    return null;
  }
}
