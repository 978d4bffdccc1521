// SPDX-License-Identifier: Apache-2.0
// An agent that is killed (SIGKILL) at random moments of a run of images, and started again: no file that was announced
// may be missing or cut off, and none may be left that nobody was told of.
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Unpackr } from 'msgpackr';
import { parse, stringify } from 'yaml';
import { Subscriber } from 'zeromq';
import { Random } from '../../../sim-hw/random.js';
import { Child, type JsonLine } from '../../processes/child.js';
import { ControlClient } from '../../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../../processes/ports.js';

export interface CrashReport {
  readonly images: number;
  readonly kills: number;
  /** raw files on the disk at the end */
  readonly files: number;
  /** messages that a subscriber heard */
  readonly announced: number;
  /** announced files that were not there, or not whole, when the message came or at the end */
  readonly missing: readonly string[];
  /** files that nobody was told of */
  readonly untold: readonly string[];
  /** temporary files, and sidecars without a file */
  readonly leftovers: readonly string[];
}

const deadlineMs = 30_000;
/** of the time from created to looked at that the first image takes: kills come at any point of it, and after it */
const span = 1.2;

interface Told {
  readonly path: string;
  readonly sha256: string;
}

function whole({ path, sha256 }: Told): boolean {
  return existsSync(path) && createHash('sha256').update(readFileSync(path)).digest('hex') === sha256;
}

class Crashing {
  readonly #directory: string;
  readonly #daq: JsonLine;
  readonly #data: string;
  readonly heard: Told[] = [];
  readonly missing = new Set<string>();
  readonly #socket = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  readonly #listening: Promise<void>;
  #onLook: () => void = () => undefined;
  #agent: Child | null = null;
  #control: ControlClient | null = null;

  constructor(directory: string, daq: JsonLine, data: string) {
    this.#directory = directory;
    this.#daq = daq;
    this.#data = data;
    this.#socket.connect(data);
    for (const kind of ['image.available/', 'image.quicklook/']) this.#socket.subscribe(kind);
    this.#listening = this.#listen();
  }

  get spool(): string {
    return join(this.#directory, 'spool');
  }

  async #listen(): Promise<void> {
    const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
    for await (const [topic, frame] of this.#socket) {
      if (topic === undefined || frame === undefined) continue;
      if (topic.toString('latin1').startsWith('image.quicklook/')) {
        this.#onLook();
        continue;
      }
      const { body } = unpackr.unpack(frame) as { body: Told };
      this.heard.push(body);
      if (!whole(body)) this.missing.add(body.path);
    }
  }

  async start(): Promise<void> {
    const profile = parse(readFileSync('hw-profiles/sim-auxtel.yaml', 'utf8')) as Record<string, JsonLine>;
    const wire = { ...(profile.daq?.wire as JsonLine), control: this.#daq.control, images: this.#daq.images };
    const path = join(this.#directory, 'profile.yaml');
    const own = {
      ...profile,
      daq: { ...profile.daq, wire: { ...wire, port: await freeUdpPort() } },
      image: { ...profile.image, directory: this.spool },
      health: { prometheus: '127.0.0.1:0' },
      publish: { data: this.#data, control: 'tcp://127.0.0.1:0' },
    };
    writeFileSync(path, stringify(own));
    const args = ['run', '--profile', path];
    this.#agent = new Child({ name: 'summit-agent', script: 'dist/agent/main.js', args });
    const ready = await this.#agent.event('ready', (event) => event.event === 'ready', deadlineMs);
    this.#control = new ControlClient(ready.control as string);
  }

  async #ask(verb: string, args: JsonLine = {}): Promise<unknown> {
    if (this.#control === null) throw new Error(`${verb}: the agent is not started`);
    return this.#control.request(verb, args, deadlineMs);
  }

  /** Resolves when the next image is looked at. */
  async looked(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the first image is not looked at')), deadlineMs);
      this.#onLook = () => {
        clearTimeout(late);
        resolve();
      };
    });
  }

  async take(): Promise<number> {
    const { number } = (await this.#ask('take', { exposureS: 0.1 })) as { number: number };
    return number;
  }

  /** Until nothing is on its way. */
  async settle(): Promise<void> {
    for (let last = -1; ; ) {
      const { images } = (await this.#ask('stats')) as {
        images: Record<string, number | bigint>;
      };
      const busy = ['on_their_way', 'looks_on_their_way', 'sets_in_use'].some(
        (key) => Number(images[key]) > 0,
      );
      const done = Number(images.written) + Number(images.unwritten) + Number(images.recovered);
      if (!busy && done === last) return;
      last = busy ? -1 : done;
      await delay(700);
    }
  }

  async kill(): Promise<void> {
    this.#control?.close();
    this.#agent?.kill('SIGKILL');
    await this.#agent?.exited;
    this.#agent = null;
  }

  async end(): Promise<void> {
    this.#control?.close();
    await this.#agent?.stop(5000);
    this.#socket.close();
    await this.#listening;
  }
}

/** One kill for two images, on average. */
export async function runCrashes(images: number, seed: number): Promise<CrashReport> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-crashes-'));
  const random = new Random(seed, 'crashes');
  const address = '127.0.0.1:0';
  const simulator = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: [
      ...['--idle', '--control', address, '--image-port', address, '--images', 'latiss'],
      ...['--readout-s', '0.1', '--image-frames', '1'],
    ],
  });
  let crashing: Crashing | null = null;
  let kills = 0;
  try {
    const daq = await simulator.event('ready', (event) => event.event === 'ready', deadlineMs);
    crashing = new Crashing(directory, daq, `tcp://127.0.0.1:${await freeTcpPort()}`);
    await crashing.start();
    let longestMs = 0;
    for (let i = 0; i < images; i++) {
      const number = await crashing.take();
      const looked = i === 0 ? crashing.looked() : null;
      await simulator.event(
        `image ${number}`,
        (event) => event.event === 'image' && event.number === number,
        deadlineMs,
      );
      if (looked) {
        const created = performance.now();
        await looked;
        longestMs = span * (performance.now() - created);
      }
      const killed = i % 2 === 1;
      await delay(killed ? longestMs * random.uniform() : 0);
      if (!killed) continue;
      kills++;
      await crashing.kill();
      await crashing.start();
    }
    await crashing.settle();
    const { heard, missing, spool } = crashing;
    await crashing.end();
    crashing = null;
    for (const told of heard) if (!whole(told)) missing.add(told.path);
    const names = readdirSync(spool);
    const files = names.filter((name) => name.endsWith('.fits'));
    const journal = new Set(readFileSync(join(spool, '.summit-agent.announced'), 'utf8').split('\n'));
    const known = (name: string) => journal.has(name) || heard.some(({ path }) => path.endsWith(name));
    const leftovers = names.filter(
      (name) =>
        name.endsWith('.part') || (name.endsWith('.json') && !names.includes(name.replace('.json', '.fits'))),
    );
    return {
      images,
      kills,
      files: files.length,
      announced: heard.length,
      missing: [...missing],
      untold: files.filter((name) => !known(name)),
      leftovers,
    };
  } finally {
    await crashing?.end();
    await simulator.stop(2000);
    rmSync(directory, { recursive: true, force: true });
  }
}

export async function measureCrashes(images: number): Promise<CrashReport> {
  const report = await runCrashes(images, 1);
  const { kills, files, announced, missing, untold, leftovers } = report;
  console.log(
    `\ncrashes: ${images} images, ${kills} kills: ${files} files, ${announced} messages heard, ${missing.length} announced files missing, ${untold.length} files untold, ${leftovers.length} left half done`,
  );
  return report;
}
