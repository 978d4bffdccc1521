// SPDX-License-Identifier: Apache-2.0
// The fault campaign: one simulated DAQ, one agent, and one injection after the other.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Random } from '../../sim-hw/random.js';
import { Child } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeUdpPort } from '../processes/ports.js';
import { simGuiderProfile } from '../processes/profile.js';
import { DaqClient } from './daq-client.js';
import { runImageCampaign } from './images.js';
import { inject, type Outcome, type Stage } from './injection.js';
import { type Draw, type Kind, kinds } from './kinds.js';
import { Observer } from './observer.js';

export interface CampaignOptions {
  /** injections of each kind */
  readonly repetitions: number;
  readonly seed: number;
  /** null: every kind */
  readonly only: string | null;
  /** ms; an agent on a machine that has nothing else to do takes tens of them */
  readonly recoveryWithinMs: number;
  readonly onOutcome?: (outcome: Outcome) => void;
}

export interface Campaign {
  readonly outcomes: readonly Outcome[];
  readonly seconds: number;
}

/** Hz: ten times the camera's 9. */
const rate = 90;
const stamps = 10;
const readyMs = 20_000;

type Section = Record<string, unknown>;

/** Stamps first, then full frames. */
export async function runCampaign(options: CampaignOptions): Promise<Campaign> {
  const began = performance.now();
  const ofStamps = kinds.some(({ name }) => options.only === null || name === options.only);
  const outcomes = ofStamps ? [...(await runStampCampaign(options))] : [];
  outcomes.push(...(await runImageCampaign(options)));
  return { outcomes, seconds: (performance.now() - began) / 1000 };
}

async function runStampCampaign(options: CampaignOptions): Promise<readonly Outcome[]> {
  const folder = mkdtempSync(join(tmpdir(), 'summit-campaign-'));
  const truthFile = join(folder, 'truth.jsonl');
  const simulator = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: [
      '--idle',
      '--control',
      '127.0.0.1:0',
      '--rate',
      String(rate),
      '--no-irregular-start',
      '--snr',
      '80',
      '--jitter-ms',
      '0',
      '--seed',
      String(options.seed),
      '--mtu',
      '2000',
      '--truth',
      truthFile,
    ],
  });
  const ready = await simulator.event('ready', ({ event }) => event === 'ready', readyMs);
  const ports = {
    udpPort: await freeUdpPort(),
    daqControl: String(ready.control),
    data: 'tcp://127.0.0.1:0',
    control: 'tcp://127.0.0.1:0',
  };
  const profile = simGuiderProfile(ports) as {
    guider: Section & { roiSpec: Section };
    health: Section;
  } & Section;
  const path = join(folder, 'profile.yaml');
  const guider = { ...profile.guider, deadlineMs: 60 };
  writeFileSync(path, stringify({ ...profile, guider, health: { ...profile.health, taiMinusUtcS: 37 } }));
  const agent = new Child({
    name: 'summit-agent',
    script: 'dist/agent/main.js',
    args: ['run', '--profile', path],
  });
  const daq = new DaqClient(String(ready.control));
  let observer: Observer | null = null;
  const outcomes: Outcome[] = [];
  try {
    const up = await agent.event('ready', ({ event }) => event === 'ready', readyMs);
    observer = new Observer(String(up.data), new ControlClient(String(up.control)));
    const { roiSpec } = guider;
    const stage: Stage = {
      daq,
      observer,
      truthFile,
      roiSpec,
      periodMs: 1000 / rate,
      recoveryWithinMs: options.recoveryWithinMs,
    };
    await listening(stage);
    const chosen = kinds.filter(({ name }) => options.only === null || name === options.only);
    for (let n = 0; n < options.repetitions; n++) {
      for (const kind of chosen) {
        const outcome = await inject(stage, kind, drawn(kind, options.seed + n, roiSpec), options.seed + n);
        outcomes.push(outcome);
        options.onOutcome?.(outcome);
      }
    }
  } finally {
    daq.close();
    await observer?.close();
    await agent.stop(5000);
    await simulator.stop(3000);
    rmSync(folder, { recursive: true, force: true });
  }
  return outcomes;
}

/** The subscriber hears the agent, and the agent is subscribed at the DAQ. */
async function listening({ daq, observer }: Stage): Promise<void> {
  const end = Date.now() + readyMs;
  for (;;) {
    const { subscribers } = await daq.ask('status');
    if (Number(subscribers) > 0 && observer.heard.some(({ kind }) => kind === 'heartbeat')) return;
    if (Date.now() > end) throw new Error('the agent did not subscribe, or is not heard');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function drawn({ name }: Kind, seed: number, roiSpec: Readonly<Record<string, unknown>>): Draw {
  const random = new Random(seed, `campaign ${name}`);
  const sensors = Object.keys(roiSpec)
    .filter((key) => key !== 'common')
    .map((key) => `${key.slice(0, 3)}_${key.slice(3)}`);
  const place = random.integer(sensors.length);
  return {
    sensor: sensors[place] ?? '',
    other: sensors[(place + 1) % sensors.length] ?? '',
    at: 2 + random.integer(4),
    stamps,
  };
}

/** Kind x outcome. */
export function campaignTable(outcomes: readonly Outcome[]): string {
  const names = [...new Set(outcomes.map(({ kind }) => kind))];
  const rows = names.map((name) => {
    const own = outcomes.filter(({ kind }) => kind === name);
    const good = own.filter(({ problems }) => problems.length === 0).length;
    const slowest = Math.max(...own.map(({ recoveryMs }) => recoveryMs));
    const first = own.find(({ problems }) => problems.length > 0);
    const what = first === undefined ? '' : `seed ${first.seed}: ${first.problems.join('; ')}`;
    return `${name.padEnd(28)} ${String(own.length).padStart(4)} ${String(good).padStart(4)} ${slowest.toFixed(0).padStart(6)}  ${what}`;
  });
  const good = outcomes.filter(({ problems }) => problems.length === 0).length;
  const head = `${'kind'.padEnd(28)} ${'runs'.padStart(4)} ${'good'.padStart(4)} ${'ms'.padStart(6)}  what was wrong`;
  return [
    head,
    ...rows,
    `${good} of ${outcomes.length} injections of ${names.length} kinds accounted for`,
  ].join('\n');
}
