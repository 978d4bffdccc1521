// SPDX-License-Identifier: Apache-2.0
// Images from the simulated camera through an agent: times after the last byte, memory; and what guiding on the same
// machine notices of them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Unpackr } from 'msgpackr';
import { parse, stringify } from 'yaml';
import { Subscriber } from 'zeromq';
import { type Quantiles, quantiles } from '../../demonstration/quantiles.js';
import { Child, type JsonLine } from '../../processes/child.js';
import { ControlClient } from '../../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../../processes/ports.js';
import { measureRun, type Run } from '../latency.js';
import { compilePlainC, agent as guider } from '../pipelines.js';
import { median, round, table } from '../report.js';

export interface LiveImages {
  readonly what: string;
  readonly images: number;
  readonly failed: number;
  /** of each image its last detector, ms after the last byte of its stream */
  readonly durableMs: Quantiles;
  readonly quicklookMs: Quantiles;
  /** resident at the most, with calibrations loaded */
  readonly memoryMb: number;
}

export interface Guiding {
  readonly alone: readonly Run[];
  readonly besideImages: readonly Run[];
  readonly images: number;
}

interface Camera {
  readonly what: string;
  readonly role: 'aos' | 'auxtel';
  readonly boards: readonly string[];
  readonly detectors: number;
}

const corners = ['R00', 'R04', 'R40', 'R44'];
const oneBoard: Camera = { what: 'one wavefront source', role: 'aos', boards: ['R44'], detectors: 2 };
const fourBoards: Camera = { what: 'four wavefront sources', role: 'aos', boards: corners, detectors: 8 };
const latiss: Camera = { what: 'LATISS', role: 'auxtel', boards: [], detectors: 1 };

const readyDeadlineMs = 90_000;
const imageDeadlineMs = 60_000;
const isReady = (event: JsonLine): boolean => event.event === 'ready';

interface Outcome {
  durableMs: number;
  quicklookMs: number;
  looked: number;
}

/** A camera, its agent, and what the agent says. */
class Images {
  readonly #camera: Camera;
  readonly #directory: string;
  readonly #socket = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  readonly #outcomes = new Map<string, Outcome>();
  readonly #children: Child[] = [];
  #listening: Promise<void> = Promise.resolve();
  #control: ControlClient | null = null;
  #wake: () => void = () => undefined;
  failed = 0;

  constructor(camera: Camera) {
    this.#camera = camera;
    this.#directory = mkdtempSync(join(tmpdir(), 'summit-bench-live-'));
  }

  async start(): Promise<void> {
    const { role, boards } = this.#camera;
    const [address, calibrations] = ['127.0.0.1:0', join(this.#directory, 'calib')];
    const simulator = new Child({
      name: 'sim-daq',
      script: 'dist/sim-hw/main.js',
      args: [
        ...['--idle', '--control', address, '--image-port', address, '--image-calib', calibrations],
        ...['--images', role === 'aos' ? 'wavefront' : 'latiss', '--image-frames', '2'],
        ...(boards.length > 0 ? ['--image-boards', boards.join(',')] : []),
      ],
    });
    this.#children.push(simulator);
    const daq = await simulator.event('ready', isReady, readyDeadlineMs);
    const profile = parse(readFileSync(`hw-profiles/sim-${role}.yaml`, 'utf8')) as Record<string, JsonLine>;
    const wire = { ...(profile.daq?.wire as JsonLine), control: daq.control, images: daq.images };
    const spool = join(this.#directory, 'spool');
    const data = `tcp://127.0.0.1:${await freeTcpPort()}`;
    const own = {
      ...profile,
      daq: { ...profile.daq, wire: { ...wire, port: await freeUdpPort() } },
      image: { ...profile.image, directory: spool, calibrations, ...(boards.length > 0 && { boards }) },
      health: { prometheus: address },
      publish: { data, control: 'tcp://127.0.0.1:0' },
    };
    const path = join(this.#directory, 'profile.yaml');
    writeFileSync(path, stringify(own));
    const agent = new Child({
      name: 'agent',
      script: 'dist/agent/main.js',
      args: ['run', '--profile', path],
    });
    this.#children.push(agent);
    const ready = await agent.event('ready', isReady, readyDeadlineMs);
    this.#control = new ControlClient(ready.control as string);
    this.#socket.connect(data);
    this.#socket.subscribe('image.');
    this.#listening = this.#listen();
  }

  async #listen(): Promise<void> {
    const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
    for await (const [topic, frame] of this.#socket) {
      if (topic === undefined || frame === undefined) continue;
      const { body } = unpackr.unpack(frame) as { body: JsonLine };
      const outcome = this.#of(body.obsid as string);
      const kind = topic.toString('latin1').split('/', 1)[0];
      if (kind === 'image.failed') this.failed++;
      if (kind === 'image.available')
        outcome.durableMs = Math.max(outcome.durableMs, Number(body.durable_ms));
      if (kind === 'image.quicklook') {
        outcome.quicklookMs = Math.max(outcome.quicklookMs, Number(body.quicklook_ms));
        outcome.looked++;
      }
      this.#wake();
    }
  }

  #of(image: string): Outcome {
    const known = this.#outcomes.get(image) ?? { durableMs: 0, quicklookMs: 0, looked: 0 };
    this.#outcomes.set(image, known);
    return known;
  }

  get images(): number {
    return this.#outcomes.size;
  }

  /** One image, until nothing more comes of it. */
  async take(): Promise<void> {
    if (this.#control === null) throw new Error('the agent is not started');
    const grating = this.images % 2 === 0 ? 'holo4_003' : 'empty_1';
    const { image } = (await this.#control.request('take', { exposureS: 0, grating })) as { image: string };
    const end = Date.now() + imageDeadlineMs;
    while (this.#of(image).looked < this.#camera.detectors) {
      if (Date.now() > end) throw new Error(`${image}: not looked at in time`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), delay(1000)]);
    }
  }

  report(): LiveImages {
    // The first one waits for calibrations.
    const all = [...this.#outcomes.values()].slice(1);
    const status = readFileSync(`/proc/${this.#children[1]?.pid}/status`, 'utf8');
    return {
      what: this.#camera.what,
      images: all.length,
      failed: this.failed,
      durableMs: quantiles(all.map(({ durableMs }) => durableMs)),
      quicklookMs: quantiles(all.map(({ quicklookMs }) => quicklookMs)),
      memoryMb: Math.round(Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? Number.NaN) / 1024),
    };
  }

  async end(): Promise<void> {
    this.#control?.close();
    for (const child of this.#children.reverse()) await child.stop(5000);
    this.#socket.close();
    await this.#listening;
    rmSync(this.#directory, { recursive: true, force: true });
  }
}

async function measureCamera(camera: Camera, seconds: number): Promise<LiveImages> {
  const images = new Images(camera);
  try {
    await images.start();
    const end = Date.now() + seconds * 1000;
    do await images.take();
    while (Date.now() < end);
    return images.report();
  } finally {
    await images.end();
  }
}

/** Guiding at 9 Hz x 8 in turn alone and with images of four sources one after the other. */
export async function measureGuiding(seconds: number, rounds: number): Promise<Guiding> {
  const directory = mkdtempSync(join(tmpdir(), 'summit-bench-guiding-'));
  const roi = ['--rows', '50', '--cols', '50', '--integration-ms', '50', '--rate', '9', '--snr', '50'];
  const one = {
    name: 'guiding',
    simArgs: [...roi, '--seed', '7', '--seconds', String(seconds)],
    rounds,
    skipSeconds: 2,
    deadlineMs: (seconds + 30) * 1000,
  };
  const images = new Images(fourBoards);
  const alone: Run[] = [];
  const besideImages: Run[] = [];
  try {
    compilePlainC(directory);
    await images.start();
    await images.take();
    for (let i = 0; i < rounds; i++) {
      alone.push(await measureRun(one, guider, directory));
      let guiding = true;
      const busy = (async () => {
        while (guiding) await images.take();
      })();
      besideImages.push(await measureRun(one, guider, directory));
      guiding = false;
      await busy;
    }
    const report = { alone, besideImages, images: images.images };
    printGuiding(report);
    return report;
  } finally {
    await images.end();
    rmSync(directory, { recursive: true, force: true });
  }
}

export async function measureLive(seconds: number): Promise<readonly LiveImages[]> {
  const all: LiveImages[] = [];
  for (const camera of [oneBoard, fourBoards, latiss]) {
    process.stderr.write(`images: ${camera.what}\n`);
    all.push(await measureCamera(camera, seconds));
  }
  const rows = all.map(({ what, images, failed, durableMs, quicklookMs, memoryMb }) => [
    `${what} (${images} images, ${failed} failed)`,
    `${durableMs.p50} (${durableMs.max})`,
    `${quicklookMs.p50} (${quicklookMs.max})`,
    `${memoryMb} MB`,
  ]);
  const header = ['ms after the last byte, median (most)', 'on the disk', 'looked at', 'memory'];
  console.log(`\n${table(header, rows)}`);
  return all;
}

function printGuiding({ alone, besideImages, images }: Guiding): void {
  const of = (runs: readonly Run[], key: 'p50' | 'p99' | 'p999' | 'max') =>
    String(round(median(runs.map((run) => run.result.totalUs[key]))));
  const rows = [
    { name: 'alone', runs: alone },
    { name: `beside images (${images})`, runs: besideImages },
  ].map(({ name, runs }) => {
    const missing = runs.reduce((sum, { sent, received }) => sum + sent - received, 0);
    return [name, of(runs, 'p50'), of(runs, 'p99'), of(runs, 'p999'), of(runs, 'max'), `${missing}`];
  });
  console.log(
    `\n${table(['guiding, stamp -> subscriber, us', 'p50', 'p99', 'p99.9', 'max', 'missing'], rows)}`,
  );
}
