// SPDX-License-Identifier: Apache-2.0
// Images from the simulated camera through an agent: times after the last byte, memory.
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
import { table } from '../report.js';

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

export interface Camera {
  readonly what: string;
  readonly role: 'aos' | 'auxtel';
  readonly boards: readonly string[];
  readonly detectors: number;
  readonly exposureS: number;
  /** of the profile's section image */
  readonly image?: JsonLine;
  /** program and arguments that start the simulator, such as chrt */
  readonly simulatorBy?: readonly string[];
  /** the same of the agent */
  readonly agentBy?: readonly string[];
}

const corners = ['R00', 'R04', 'R40', 'R44'];
const oneBoard: Camera = {
  what: 'one wavefront source',
  role: 'aos',
  boards: ['R44'],
  detectors: 2,
  exposureS: 15,
};
export const fourBoards: Camera = {
  what: 'four wavefront sources',
  role: 'aos',
  boards: corners,
  detectors: 8,
  exposureS: 15,
};
const latiss: Camera = { what: 'LATISS', role: 'auxtel', boards: [], detectors: 1, exposureS: 2 };

const speed = 40;
const readoutS = 2.3;
const readyDeadlineMs = 180_000;
const imageDeadlineMs = 60_000;
const isReady = (event: JsonLine): boolean => event.event === 'ready';

interface Outcome {
  durableMs: number;
  quicklookMs: number;
  looked: number;
}

/** A camera, its agent, and what the agent says. */
export class Images {
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
    const { role, boards, image = {}, agentBy = [] } = this.#camera;
    const [address, calibrations] = ['127.0.0.1:0', join(this.#directory, 'calib')];
    const camera = await startCamera(this.#camera, calibrations);
    this.#children.push(camera.child);
    const profile = parse(readFileSync(`hw-profiles/sim-${role}.yaml`, 'utf8')) as Record<string, JsonLine>;
    const wire = { ...(profile.daq?.wire as JsonLine), control: camera.control, images: camera.images };
    const spool = join(this.#directory, 'spool');
    const data = `tcp://127.0.0.1:${await freeTcpPort()}`;
    const own = {
      ...profile,
      daq: { ...profile.daq, wire: { ...wire, port: await freeUdpPort() } },
      image: {
        ...profile.image,
        directory: spool,
        calibrations,
        ...(boards.length > 0 && { boards }),
        ...image,
      },
      health: { prometheus: address },
      publish: { data, control: 'tcp://127.0.0.1:0' },
    };
    const path = join(this.#directory, 'profile.yaml');
    writeFileSync(path, stringify(own));
    const agent = childBy(agentBy, 'agent', ['dist/agent/main.js', 'run', '--profile', path]);
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
    const { image } = (await this.#control.request('take', {
      exposureS: this.#camera.exposureS,
      grating,
    })) as { image: string };
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

export function childBy(by: readonly string[], name: string, args: readonly string[]): Child {
  const [command = process.execPath, ...rest] = [...by, process.execPath];
  return new Child({ name, command, args: [...rest, ...args] });
}

export interface RunningCamera {
  readonly child: Child;
  /** addresses */
  readonly control: string;
  readonly images: string;
}

/** `calibrations`: the folder that they go to. */
export async function startCamera(camera: Camera, calibrations: string): Promise<RunningCamera> {
  const { role, boards, simulatorBy = [] } = camera;
  const address = '127.0.0.1:0';
  const child = childBy(simulatorBy, 'sim-daq', [
    'dist/sim-hw/main.js',
    ...['--idle', '--control', address, '--image-port', address, '--image-calib', calibrations],
    ...['--images', role === 'aos' ? 'wavefront' : 'latiss', '--image-frames', '2'],
    // The sky of an exposure without its wait.
    ...['--speed', String(speed), '--readout-s', String(readoutS * speed)],
    ...(boards.length > 0 ? ['--image-boards', boards.join(',')] : []),
  ]);
  const daq = await child.event('ready', isReady, readyDeadlineMs);
  return { child, control: String(daq.control), images: String(daq.images) };
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
