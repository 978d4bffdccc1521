// SPDX-License-Identifier: Apache-2.0
// The image store's TCP channel (sim-hw/README.md, "Image store"): tells of images, and streams their sources at the
// pace of the readout.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { listenAt } from '../listen.js';
import type { Endpoint } from '../options.js';
import type { ImageFaultKind } from './faults.js';

const pieceBytes = 1 << 20;
const paceMs = 10;
/** Images whose bytes are kept: the newest ones. */
const keptImages = 2;
const keptEvents = 100;

export interface StoredSource {
  readonly location: number;
  readonly stream: Buffer;
  readonly fault: ImageFaultKind | null;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface StoredImage {
  readonly number: number;
  /** 64 bits, hexadecimal */
  readonly tag: string;
  readonly name: string;
  readonly taiNs: bigint;
  readonly details: Readonly<Record<string, unknown>>;
  readonly sources: readonly StoredSource[];
  readonly readoutMs: number;
  /** performance.now() */
  readonly createdMs: number;
}

export class ImageStore {
  readonly #server: Server;
  readonly #session: string;
  readonly #watchers = new Set<Socket>();
  readonly #sockets = new Set<Socket>();
  #images: StoredImage[] = [];
  #events: { readonly number: number; readonly line: string }[] = [];
  /** sources whose link was dropped already */
  readonly #dropped = new Set<StoredSource>();

  constructor(session: string) {
    this.#session = session;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  /** Resolves to the address it listens on; rejects with a sentence when the port is taken. */
  async start(at: Endpoint): Promise<string> {
    const { host, port } = await listenAt(this.#server, at, 'image store', '--image-port');
    return `${host}:${port}`;
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }

  get watchers(): number {
    return this.#watchers.size;
  }

  /** Created: from now on its sources flow. */
  add(image: StoredImage): void {
    this.#images = [...this.#images.slice(1 - keptImages), image];
    const line = `${JSON.stringify({
      event: 'created',
      number: image.number,
      image: image.tag,
      name: image.name,
      time_tai_ns: String(image.taiNs),
      simulated: true,
      details: image.details,
      sources: image.sources.map((source) => ({
        location: source.location,
        bytes: source.stream.length + (source.fault === 'wrong-bytes' ? 36_000 : 0),
        ...source.details,
      })),
    })}\n`;
    this.#events = [...this.#events.slice(1 - keptEvents), { number: image.number, line }];
    for (const socket of this.#watchers) socket.write(line);
  }

  complete(image: StoredImage): void {
    const sources = image.sources.map(({ location, stream }) => ({ location, bytes: stream.length }));
    const line = `${JSON.stringify({ event: 'complete', image: image.tag, sources })}\n`;
    for (const socket of this.#watchers) socket.write(line);
  }

  #accept(socket: Socket): void {
    let rest = '';
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.setEncoding('utf8');
    socket.on('error', () => socket.destroy());
    socket.on('close', () => {
      this.#sockets.delete(socket);
      this.#watchers.delete(socket);
    });
    socket.on('data', (text: string) => {
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) this.#answer(socket, line);
      if (rest.length > 64 * 1024) socket.destroy();
    });
  }

  #answer(socket: Socket, line: string): void {
    const request = parse(line);
    const refuse = (reply: string, message: string) =>
      socket.end(`${JSON.stringify({ status: reply === 'ENDED' ? 5 : 1, reply, message })}\n`);
    if (request.command === 'watch') {
      this.#watch(socket, request);
      return;
    }
    if (request.command !== 'fetch') {
      refuse('INVALID_COMMAND', 'expected watch or fetch');
      return;
    }
    const image = this.#images.find(({ tag }) => tag === request.image);
    const source = image?.sources.find(({ location }) => location === request.location);
    const offset = Number(request.offset ?? 0);
    if (!image || !source || !(offset >= 0)) {
      refuse('INVALID_PARAMETER', 'no such image, source or offset');
      return;
    }
    const end = lastByte(source);
    if (source.fault === 'truncate' && offset >= end) {
      refuse('ENDED', `the source ended at ${end} bytes`);
      return;
    }
    socket.write(`${JSON.stringify({ status: 0, reply: 'SUCCESS', bytes: source.stream.length, offset })}\n`);
    void this.#stream(socket, image, source, offset);
  }

  #watch(socket: Socket, request: Readonly<Record<string, unknown>>): void {
    const last = this.#events.at(-1)?.number ?? 0;
    socket.write(`${JSON.stringify({ status: 0, reply: 'SUCCESS', session: this.#session, last })}\n`);
    // A client that comes back hears what it missed, while there are bytes of it.
    const missed = request.session === this.#session ? Number(request.after) : last;
    const kept = new Set(this.#images.map(({ number }) => number));
    for (const event of this.#events)
      if (event.number > missed && kept.has(event.number)) socket.write(event.line);
    this.#watchers.add(socket);
  }

  async #stream(socket: Socket, image: StoredImage, source: StoredSource, offset: number): Promise<void> {
    const { stream, fault } = source;
    const end = lastByte(source);
    let at = offset;
    while (at < end && !socket.destroyed) {
      const share = image.readoutMs > 0 ? (performance.now() - image.createdMs) / image.readoutMs : 1;
      const there = Math.min(end, Math.floor(stream.length * Math.min(share, 1)));
      if (there <= at) {
        await new Promise((resolve) => setTimeout(resolve, paceMs));
        continue;
      }
      const next = Math.min(there, at + pieceBytes);
      if (fault === 'drop-link' && !this.#dropped.has(source) && next > stream.length / 2) {
        this.#dropped.add(source);
        socket.destroy();
        return;
      }
      const room = socket.write(stream.subarray(at, next));
      at = next;
      if (!room) await Promise.race([once(socket, 'drain'), once(socket, 'close')]).catch(() => undefined);
    }
    if (fault !== 'stall' && !socket.destroyed) socket.end();
  }
}

/** Where the stream ends: 60 % of it where it is truncated, 40 % where it stalls. */
function lastByte({ stream, fault }: StoredSource): number {
  const share = fault === 'truncate' ? 0.6 : fault === 'stall' ? 0.4 : 1;
  return Math.floor(stream.length * share);
}

function parse(line: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
