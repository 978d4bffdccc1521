// SPDX-License-Identifier: Apache-2.0
// The image part of the campaign: what can happen to a full frame on its way out of the image store, to an agent of role aos.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { Child } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeUdpPort } from '../processes/ports.js';
import { type Body, Subscription } from '../processes/subscription.js';
import { until } from '../processes/until.js';
import { DaqClient } from './daq-client.js';
import type { Outcome } from './injection.js';

type Section = Record<string, unknown>;

interface ImageKind {
  /** of the simulated DAQ's --image-fault */
  readonly fault: string;
  /** of both detectors; null: files, and nothing failed */
  readonly reason: string | null;
  readonly alarm: string | null;
  /** what else each file's message says */
  readonly also?: (body: Body) => string | null;
}

const kinds: readonly ImageKind[] = [
  { fault: 'truncate', reason: 'short', alarm: 'image_failed' },
  {
    fault: 'drop-link',
    reason: null,
    alarm: null,
    also: ({ resumed }) => (Number(resumed) > 0 ? null : 'the stream was not told as resumed'),
  },
  { fault: 'stall', reason: 'timed_out', alarm: 'image_failed' },
  { fault: 'wrong-bytes', reason: 'wrong_bytes', alarm: 'image_failed' },
  { fault: 'unknown-detector', reason: null, alarm: 'image_unknown_detector' },
  {
    fault: 'bare',
    reason: null,
    alarm: null,
    also: ({ exposure }) => (Number(exposure) > 0 ? null : 'it has no exposure'),
  },
];

export const imageKinds = kinds.map(({ fault }) => `image ${fault}`);

const readyMs = 20_000;
const fateMs = 15_000;
/** Without a byte; the campaign does not wait ten seconds for a source that stalls. */
const imageTimeoutMs = 500;
const detectors = ['R44_SW0', 'R44_SW1'];

interface Fate {
  readonly kind: string;
  readonly body: Body;
}

export interface ImageCampaignOptions {
  readonly repetitions: number;
  readonly seed: number;
  readonly only: string | null;
  readonly recoveryWithinMs: number;
  readonly onOutcome?: (outcome: Outcome) => void;
}

export async function runImageCampaign(options: ImageCampaignOptions): Promise<readonly Outcome[]> {
  const chosen = kinds.filter(({ fault }) => options.only === null || options.only === `image ${fault}`);
  if (chosen.length === 0) return [];
  const folder = mkdtempSync(join(tmpdir(), 'summit-campaign-'));
  const plan = Array.from({ length: options.repetitions }, () => chosen).flat();
  // Image n + 1 of the DAQ is the one that is hit, n + 2 the one after it.
  const faults = plan.flatMap(({ fault }, n) => ['--image-fault', `${fault}:at=${2 * n + 1}`]);
  const simulator = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: [
      ...['--idle', '--control', '127.0.0.1:0', '--images', 'wavefront', '--image-boards', 'R44'],
      ...['--image-port', '127.0.0.1:0', '--readout-s', '0.05', '--image-frames', '1'],
      ...['--seed', String(options.seed), ...faults],
    ],
  });
  const ready = await simulator.event('ready', ({ event }) => event === 'ready', readyMs);
  const profile = parse(readFileSync('hw-profiles/sim-aos.yaml', 'utf8')) as { daq: Section; image: Section };
  const wire = {
    address: '127.0.0.1',
    port: await freeUdpPort(),
    control: ready.control,
    images: ready.images,
  };
  const path = join(folder, 'profile.yaml');
  const image = { ...profile.image, boards: ['R44'], directory: join(folder, 'spool'), quicklook: null };
  writeFileSync(
    path,
    stringify({
      ...profile,
      daq: { ...profile.daq, hugePages: false, wire: { ...wire, imageTimeoutMs } },
      image,
      health: { prometheus: '127.0.0.1:0' },
      publish: { data: 'tcp://127.0.0.1:0', control: 'tcp://127.0.0.1:0' },
    }),
  );
  const agent = new Child({
    name: 'summit-agent',
    script: 'dist/agent/main.js',
    args: ['run', '--profile', path],
  });
  const daq = new DaqClient(String(ready.control));
  let subscription: Subscription | null = null;
  let control: ControlClient | null = null;
  const heard: Fate[] = [];
  const outcomes: Outcome[] = [];
  try {
    const up = await agent.event('ready', ({ event }) => event === 'ready', readyMs);
    control = new ControlClient(String(up.control));
    subscription = new Subscription(String(up.data), ['image.', 'alarm/', 'heartbeat/'], (kind, body) =>
      heard.push({ kind, body }),
    );
    await comes('a heartbeat', () => heard.some(({ kind }) => kind === 'heartbeat'));
    for (const [n, kind] of plan.entries()) {
      const seed = options.seed + Math.floor(n / chosen.length);
      const problems: string[] = [];
      const hit = await take(daq, heard);
      problems.push(...wrong(kind, hit, heard));
      const began = performance.now();
      const next = await take(daq, heard);
      const recoveryMs = performance.now() - began;
      if (next.some((fate) => fate.kind !== 'image.available'))
        problems.push('the next image is not written');
      if (recoveryMs > options.recoveryWithinMs)
        problems.push(`the next image took ${recoveryMs.toFixed(0)} ms`);
      problems.push(...(await unbalanced(control)));
      const outcome = { kind: `image ${kind.fault}`, seed, problems, recoveryMs };
      outcomes.push(outcome);
      options.onOutcome?.(outcome);
      heard.length = 0;
    }
  } finally {
    daq.close();
    control?.close();
    await subscription?.close();
    await agent.stop(5000);
    await simulator.stop(3000);
    rmSync(folder, { recursive: true, force: true });
  }
  return outcomes;
}

/** Takes an image; what became of its detectors. */
async function take(daq: DaqClient, heard: readonly Fate[]): Promise<readonly Fate[]> {
  const { image } = await daq.ask('take', { exposureS: 0.05 });
  const fates = () =>
    heard.filter(
      ({ kind, body }) =>
        (kind === 'image.available' || kind === 'image.failed') &&
        body.obsid === image &&
        detectors.includes(String(body.sensor)),
    );
  await comes(`the fate of ${String(image)}`, () => fates().length >= detectors.length);
  return fates();
}

function wrong({ reason, alarm, also }: ImageKind, fates: readonly Fate[], heard: readonly Fate[]): string[] {
  const wanted = reason === null ? 'image.available' : 'image.failed';
  const out = fates.flatMap(({ kind, body }) => {
    const what = `${String(body.sensor)}: ${kind}`;
    if (kind !== wanted) return [`${what} ${String(body.reason ?? '')}, not ${wanted}`];
    if (reason !== null && body.reason !== reason)
      return [`${what} for ${String(body.reason)}, not ${reason}`];
    const more = also?.(body) ?? null;
    return more === null ? [] : [`${what}: ${more}`];
  });
  const raised = heard.some(
    ({ kind, body }) => kind === 'alarm' && body.name === alarm && body.active === true,
  );
  if (alarm !== null && !raised) out.push(`alarm ${alarm} was not raised`);
  return out;
}

/** Laws of the image books that do not hold. */
async function unbalanced(control: ControlClient): Promise<string[]> {
  const { images } = (await control.request('stats')) as { images: Record<string, unknown> };
  const of = (key: string) => Number(images[key] ?? 0);
  return of('created') === of('delivered') + of('failed')
    ? []
    : [`created ${of('created')} is accounted for as ${of('delivered')} + ${of('failed')}`];
}

async function comes(what: string, done: () => boolean): Promise<void> {
  if (!(await until(done, fateMs))) throw new Error(`${what} did not come within ${fateMs} ms`);
}
