// SPDX-License-Identifier: Apache-2.0
// scripts/demo --role aos|auxtel: one image after the other, from the simulated camera to files on the disk.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Unpackr } from 'msgpackr';
import { parse, stringify } from 'yaml';
import { Subscriber } from 'zeromq';
import type { Child, JsonLine } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import type { DemoOptions } from './options.js';
import { Troupe } from './troupe.js';

const readyDeadlineMs = 20_000;
/** Painting four boards on a busy machine takes its time. */
const imageDeadlineMs = 60_000;
const isReady = (event: JsonLine): boolean => event.event === 'ready';

interface Stage {
  readonly simulator: Child;
  readonly agent: Child;
  readonly data: string;
  readonly control: string;
}

interface Told {
  readonly kind: string;
  readonly body: Readonly<Record<string, unknown>>;
}

async function setStage(
  { simArgs }: DemoOptions,
  role: 'aos' | 'auxtel',
  directory: string,
  troupe: Troupe,
): Promise<Stage> {
  const address = '127.0.0.1:0';
  const simulator = troupe.launch('sim-daq', 'dist/sim-hw/main.js', [
    ...['--control', address, '--image-port', address],
    ...simArgs,
  ]);
  const daq = await simulator.event('ready', isReady, readyDeadlineMs);
  const profile = parse(readFileSync(`hw-profiles/sim-${role}.yaml`, 'utf8')) as {
    daq: { wire: JsonLine } & JsonLine;
    image: JsonLine;
  } & JsonLine;
  const port = await freeUdpPort();
  const wire = { ...profile.daq.wire, port, control: daq.control, images: daq.images };
  const path = join(directory, 'profile.yaml');
  const own = {
    ...profile,
    daq: { ...profile.daq, wire },
    image: { ...profile.image, directory: join(directory, 'spool') },
    health: { prometheus: address },
    publish: {
      data: `tcp://127.0.0.1:${await freeTcpPort(5570)}`,
      control: `tcp://127.0.0.1:${await freeTcpPort(5571)}`,
    },
  };
  writeFileSync(path, stringify(own));
  const agent = troupe.launch('summit-agent', 'dist/agent/main.js', ['run', '--profile', path]);
  const ready = await agent.event('ready', isReady, readyDeadlineMs);
  return { simulator, agent, data: ready.data as string, control: ready.control as string };
}

/** Hears what becomes of each image. */
class Outcomes {
  readonly told: Told[] = [];
  #wake: () => void = () => undefined;

  async listen(socket: Subscriber): Promise<void> {
    const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
    for await (const [topic, frame] of socket) {
      if (topic === undefined || frame === undefined) continue;
      const { body } = unpackr.unpack(frame) as Told;
      this.told.push({ kind: topic.toString('latin1').split('/', 1)[0] ?? '', body });
      this.#wake();
    }
  }

  of(image: string): readonly Told[] {
    return this.told.filter(({ body }) => body.obsid === image);
  }

  /** Resolves when so many detectors of an image have their outcome. */
  async complete(image: string, detectors: number): Promise<void> {
    const end = Date.now() + imageDeadlineMs;
    while (this.of(image).length < detectors) {
      if (Date.now() > end) throw new Error(`${image}: ${this.of(image).length} of ${detectors} outcomes`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), delay(1000)]);
    }
  }
}

function quantiles(values: readonly number[]): Record<string, number> {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (q: number) => Math.round((sorted[Math.round(q * (sorted.length - 1))] ?? Number.NaN) * 10) / 10;
  return { n: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}

export async function demonstrateImages(options: DemoOptions, role: 'aos' | 'auxtel'): Promise<number> {
  let interrupted = false;
  const interrupt = () => {
    interrupted = true;
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const directory = mkdtempSync(join(tmpdir(), 'summit-demo-'));
  const troupe = new Troupe();
  const socket = new Subscriber({ linger: 0, receiveHighWaterMark: 0 });
  const outcomes = new Outcomes();
  let listening: Promise<void> = Promise.resolve();
  let control: ControlClient | null = null;
  try {
    const stage = await setStage(options, role, directory, troupe);
    socket.connect(stage.data);
    socket.subscribe('image.');
    listening = outcomes.listen(socket);
    control = new ControlClient(stage.control);
    process.stderr.write(`subscribe: ${stage.data}   commands: ${stage.control}\n`);
    const end = Date.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000;
    const detectors = role === 'aos' ? 8 : 1;
    const images: string[] = [];
    while (!interrupted && Date.now() < end) {
      const grating = images.length % 2 === 0 ? 'holo4_003' : 'empty_1';
      const { image } = (await control.request('take', { exposureS: options.exposureS, grating })) as {
        image: string;
      };
      await outcomes.complete(image, detectors);
      images.push(image);
      const own = outcomes
        .of(image)
        .map(({ kind, body }) =>
          kind === 'image.available'
            ? `${body.sensor} ${Math.round(Number(body.durable_ms))} ms`
            : `${body.sensor} ${body.reason}`,
        );
      process.stderr.write(`${image}: last byte to disk: ${own.join(', ')}\n`);
    }
    const { images: counts } = (await control.request('stats', {}, 2000)) as {
      images: Record<string, number | bigint>;
    };
    const count = (key: string) => Number(counts[key] ?? 0);
    const conserved =
      count('created') === count('delivered') + count('failed') && count('on_their_way') === 0;
    const files = outcomes.told.filter(({ kind }) => kind === 'image.available');
    const durable = files.map(({ body }) => Number(body.durable_ms));
    // The board that is on the disk last, after the last byte of its own.
    const slowest = images.map((image) =>
      Math.max(...outcomes.of(image).map(({ body }) => Number(body.durable_ms ?? 0))),
    );
    await stage.agent.stop(2000);
    const line = {
      role,
      images: images.length,
      files: files.length,
      failed: count('failed'),
      conserved,
      durableMs: quantiles(durable),
      slowestOfImageMs: quantiles(slowest),
      writeMs: quantiles(files.map(({ body }) => Number(body.write_ms))),
    };
    process.stderr.write(`${conserved ? 'every image is accounted for' : 'NOT accounted for'}\n`);
    process.stdout.write(options.json ? `${JSON.stringify(line)}\n` : '');
    return conserved ? 0 : 1;
  } finally {
    control?.close();
    socket.close();
    await listening;
    troupe.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
