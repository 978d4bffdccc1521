// SPDX-License-Identifier: Apache-2.0
// scripts/demo --role aos|auxtel: one image after the other, from the simulated camera to files on the disk.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Unpackr } from 'msgpackr';
import { parse, stringify } from 'yaml';
import { Subscriber } from 'zeromq';
import type { Child, JsonLine } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { ImageScore, type SeenFrame, type TrueFrame } from './image-truth.js';
import type { DemoOptions } from './options.js';
import { quantiles } from './quantiles.js';
import { checkNewRepository, foundIn, makeRepository } from './repository.js';
import { Troupe } from './troupe.js';

/** The simulator paints calibrations first. */
const readyDeadlineMs = 60_000;
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
  { simArgs, repo }: DemoOptions,
  role: 'aos' | 'auxtel',
  directory: string,
  troupe: Troupe,
): Promise<Stage> {
  const address = '127.0.0.1:0';
  const simulator = troupe.launch('sim-daq', 'dist/sim-hw/main.js', [
    ...['--control', address, '--image-port', address],
    ...['--image-truth', directory, '--image-calib', join(directory, 'calib')],
    ...simArgs,
  ]);
  const daq = await simulator.event('ready', isReady, readyDeadlineMs);
  const profile = parse(readFileSync(`hw-profiles/sim-${role}.yaml`, 'utf8')) as {
    daq: { wire: JsonLine } & JsonLine;
    image: JsonLine;
  } & JsonLine;
  const port = await freeUdpPort();
  const wire = { ...profile.daq.wire, port, control: daq.control, images: daq.images };
  const calib = join(directory, 'calib');
  if (repo !== null) await makeRepository(repo, role, calib);
  const path = join(directory, 'profile.yaml');
  const own = {
    ...profile,
    daq: { ...profile.daq, wire },
    image: {
      ...profile.image,
      directory: join(directory, 'spool'),
      ...(repo === null && { calibrations: calib }),
    },
    ...(repo !== null && { butler: { repository: resolve(repo), calibrations: {} } }),
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

  kind(kind: string): readonly Told['body'][] {
    return this.told.filter((one) => one.kind === kind).map(({ body }) => body);
  }

  of(image: string): readonly Told[] {
    return this.told.filter(({ body }) => body.obsid === image);
  }

  /** Detectors of an image of which nothing more comes. */
  done(image: string): number {
    const last = this.of(image).filter(
      ({ kind, body }) =>
        kind === 'image.quicklook' || (kind === 'image.failed' && body.reason !== 'not_written'),
    );
    return new Set(last.map(({ body }) => body.sensor)).size;
  }

  async complete(image: string, detectors: number): Promise<void> {
    const end = Date.now() + imageDeadlineMs;
    while (this.done(image) < detectors) {
      if (Date.now() > end) throw new Error(`${image}: ${this.done(image)} of ${detectors} outcomes`);
      await Promise.race([new Promise<void>((resolve) => (this.#wake = resolve)), delay(1000)]);
    }
  }
}

/** MB, now and at the most. */
function memoryOf(pid: number): { readonly rssMb: number; readonly mostMb: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const mb = (name: string) =>
    Math.round(Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? Number.NaN) / 1024);
  return { rssMb: mb('VmRSS'), mostMb: mb('VmHWM') };
}

/** Every image at another place of the hexapod, spectra and stars in turn: a focus series of both. */
const focusMm = [0, -0.1, 0.1, -0.2, 0.2];

function requestOf(role: 'aos' | 'auxtel', number: number): Readonly<Record<string, unknown>> {
  if (role === 'aos') return {};
  const focusZMm = focusMm[Math.floor(number / 2) % focusMm.length] ?? 0;
  return { grating: number % 2 === 0 ? 'holo4_003' : 'empty_1', focusZMm };
}

function lineOf(outcomes: Outcomes, image: string): string {
  const texts = outcomes.of(image).map(({ kind, body }) => {
    if (kind === 'image.available')
      return `${body.sensor} on the disk ${Math.round(Number(body.durable_ms))} ms`;
    if (kind === 'image.failed' || body.outcome !== 'looked') return `${body.sensor} ${body.reason}`;
    const flags = (body.flags as string[]).join(' ');
    return `${body.sensor} looked at ${Math.round(Number(body.quicklook_ms))} ms${flags ? ` (${flags})` : ''}`;
  });
  return `${image}: after the last byte: ${texts.join(', ')}`;
}

/** Of each image the detector that comes last. */
function slowest(
  outcomes: Outcomes,
  images: readonly string[],
  kind: string,
  key: string,
): readonly number[] {
  return images.map((image) =>
    Math.max(...outcomes.of(image).map((one) => (one.kind === kind ? Number(one.body[key]) : 0))),
  );
}

function errorsOf(outcomes: Outcomes, directory: string): Readonly<Record<string, unknown>> {
  const path = join(directory, 'truth.json');
  if (!existsSync(path)) return {};
  const { frames } = JSON.parse(readFileSync(path, 'utf8')) as { frames: Record<string, TrueFrame> };
  const score = new ImageScore();
  for (const { obsid, sensor, product } of outcomes.kind('image.quicklook')) {
    const truth = frames[`${obsid}_${sensor}`];
    if (truth && product) score.add(truth, product as SeenFrame);
  }
  const fits = outcomes.kind('image.quicklook').flatMap(({ focus_fit }) => focus_fit ?? []);
  const best = fits.at(-1) as { best_z_mm: number; err: number; n: number } | undefined;
  // The simulator is in focus at 0.
  const focus = best && { errorUm: 1000 * best.best_z_mm, sigmaUm: 1000 * best.err, n: best.n };
  return { ...score.report, ...(focus && { focus }) };
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
    if (options.repo !== null) checkNewRepository(options.repo);
    const stage = await setStage(options, role, directory, troupe);
    socket.connect(stage.data);
    socket.subscribe('image.');
    listening = outcomes.listen(socket);
    control = new ControlClient(stage.control);
    process.stderr.write(`subscribe: ${stage.data}   commands: ${stage.control}\n`);
    const end = Date.now() + (options.seconds ?? Number.POSITIVE_INFINITY) * 1000;
    const images: string[] = [];
    while (!interrupted && Date.now() < end) {
      const request = { exposureS: options.exposureS, ...requestOf(role, images.length) };
      const { image } = (await control.request('take', request)) as { image: string };
      await outcomes.complete(image, role === 'aos' ? 8 : 1);
      images.push(image);
      process.stderr.write(`${lineOf(outcomes, image)}\n`);
    }
    const { images: counts } = (await control.request('stats', {}, 2000)) as {
      images: Record<string, number | bigint>;
    };
    const count = (key: string) => Number(counts[key] ?? 0);
    const conserved =
      count('created') === count('delivered') + count('failed') &&
      count('on_their_way') === 0 &&
      count('looks_on_their_way') === 0 &&
      count('looked') + count('left_out') === count('written') + count('unwritten');
    const memory = memoryOf(stage.agent.pid);
    await stage.agent.stop(2000);
    const files = outcomes.kind('image.available');
    const announced = files.map(({ uuid }) => String(uuid));
    const found = options.repo === null ? null : await foundIn(options.repo, announced);
    const looks = outcomes.kind('image.quicklook');
    const of = (bodies: readonly Told['body'][], key: string) => quantiles(bodies.map((b) => Number(b[key])));
    const line = {
      role,
      images: images.length,
      files: files.length,
      ...(options.repo !== null && {
        repository: { path: resolve(options.repo), announced: files.length, found },
      }),
      failed: count('failed'),
      looked: count('looked'),
      leftOut: count('left_out'),
      conserved,
      durableMs: of(files, 'durable_ms'),
      quicklookMs: of(looks, 'quicklook_ms'),
      slowestOfImageMs: {
        durable: quantiles(slowest(outcomes, images, 'image.available', 'durable_ms')),
        quicklook: quantiles(slowest(outcomes, images, 'image.quicklook', 'quicklook_ms')),
      },
      stagesMs: { begun: of(looks, 'begun_ms'), isr: of(looks, 'isr_ms'), looked: of(looks, 'looked_ms') },
      writeMs: of(files, 'write_ms'),
      memory,
      againstTruth: errorsOf(outcomes, directory),
    };
    process.stderr.write(`${conserved ? 'every image is accounted for' : 'NOT accounted for'}\n`);
    if (options.json) process.stdout.write(`${JSON.stringify(line)}\n`);
    else process.stderr.write(`${JSON.stringify(line, null, 1)}\n`);
    return conserved && (found === null || found === files.length) ? 0 : 1;
  } finally {
    control?.close();
    socket.close();
    await listening;
    troupe.close();
    rmSync(directory, { recursive: true, force: true });
  }
}
