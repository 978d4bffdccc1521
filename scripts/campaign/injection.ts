// SPDX-License-Identifier: Apache-2.0
// One injection: a series of two exposures, the first one disturbed, and everything the agent has to show for it.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../processes/until.js';
import type { DaqClient } from './daq-client.js';
import type { Draw, Expected, Kind } from './kinds.js';
import { type Heard, type Numbers, type Observer, unbalanced } from './observer.js';

export interface Stage {
  readonly daq: DaqClient;
  readonly observer: Observer;
  readonly truthFile: string;
  readonly roiSpec: Readonly<Record<string, unknown>>;
  /** ms */
  readonly periodMs: number;
  /** until every sensor is good again, ms */
  readonly recoveryWithinMs: number;
}

export interface Outcome {
  readonly kind: string;
  readonly seed: number;
  /** '' where all is as it should be */
  readonly problems: readonly string[];
  /** from the next RESUME to a result of every sensor that may be used, ms */
  readonly recoveryMs: number;
}

interface TruthLine {
  readonly sensor: string;
  readonly sequence: number;
  readonly stamp: number;
  readonly x: number;
  readonly y: number;
}

const cleanStamps = 6;
/** for what must come: alarms of a silent link take 750 ms, of a machine that is busy longer */
const patienceMs = 5000;
/** px: of the pixel scale's 0.2", far above the error of a star of this brightness */
const onStarPx = 1;

export async function inject(stage: Stage, kind: Kind, draw: Draw, seed: number): Promise<Outcome> {
  const { daq, observer } = stage;
  observer.forget();
  const before = await observer.numbers();
  const from = readFileSync(stage.truthFile).length;
  const disturbance = kind.disturb(draw);
  const problems: string[] = [];
  const {
    restartMs = 0,
    silenceMs = 0,
    hangUp,
  } = disturbance as { restartMs?: number; silenceMs?: number; hangUp?: boolean };
  // What is done to the whole link comes while stamps flow.
  const midway = restartMs > 0 || silenceMs > 0 || hangUp === true;
  await daq.ask('disturb', midway ? { seed } : { seed, ...disturbance });
  await daq.ask('initGuiders', { roiSpec: stage.roiSpec });
  await daq.ask('resume', { comment: `MC_O_20261127_${String(seed).padStart(6, '0')}`, stamps: draw.stamps });
  if (midway) {
    await sleep(draw.at * stage.periodMs);
    await daq.ask('disturb', { seed, ...disturbance });
    await sleep(silenceMs);
    if (restartMs > 0) await restarted(stage, restartMs);
  }
  if (restartMs === 0) await exposureOver(stage, draw.stamps);

  const recoveryMs = await recover(stage, restartMs > 0, seed);
  if (!(recoveryMs <= stage.recoveryWithinMs))
    problems.push(`no good result of every sensor within ${stage.recoveryWithinMs} ms`);
  const numbers = await settled(stage, problems);
  problems.push(...(await unheard(stage, before, numbers)));
  await missing(stage, kind.expected, draw, before, numbers, problems);
  problems.push(...(await wrong(stage, from)));
  return { kind: kind.name, seed, problems, recoveryMs };
}

/** The stamps of this exposure have left, and PAUSE after them. */
async function exposureOver(stage: Stage, stamps: number): Promise<void> {
  await until(async () => {
    const reply = await stage.daq.ask('status');
    return Number(reply.inExposure ?? 0) >= stamps;
  }, patienceMs);
  // What was to leave late has left.
  await sleep(stage.periodMs);
  await stage.daq.ask('pause');
}

/** The agent has found the DAQ again. */
async function restarted(stage: Stage, downMs: number): Promise<void> {
  await sleep(downMs);
  await until(async () => Number((await stage.daq.ask('status')).subscribers) > 0, patienceMs);
  await stage.daq.ask('initGuiders', { roiSpec: stage.roiSpec });
}

/** Exposures with nothing wrong until every sensor gave a good result; STOP. How long the agent took to be itself again. */
async function recover(stage: Stage, again: boolean, seed: number): Promise<number> {
  const { daq, observer, roiSpec } = stage;
  const wanted = Object.keys(roiSpec).length - 1;
  // START and STOP of a series have their fates from its beginning; the rest heals now.
  if (again) await daq.ask('disturb', {});
  const mark = observer.heard.length;
  const began = performance.now();
  const good = () =>
    new Set(
      observer.heard
        .slice(mark)
        .filter(({ kind, body }) => kind === 'guider.result' && body.flagged === false)
        .map(({ body }) => body.sensor),
    ).size >= wanted;
  let tookMs = Number.NaN;
  do {
    const comment = `MC_O_20261128_${String(seed).padStart(6, '0')}`;
    await daq.ask('resume', { comment, stamps: cleanStamps });
    const over = exposureOver(stage, cleanStamps);
    if (await until(good, 20 * stage.periodMs)) tookMs = performance.now() - began;
    await over;
  } while (Number.isNaN(tookMs) && performance.now() - began < stage.recoveryWithinMs);
  await daq.ask('stop');
  return tookMs;
}

/** Every law holds, at rest: the last of them is settled by the DAQ's next STATUS where PAUSE and STOP did not come. */
async function settled(stage: Stage, problems: string[]): Promise<Numbers> {
  let numbers = await stage.observer.numbers();
  let open: string[] = [];
  await until(async () => {
    numbers = await stage.observer.numbers();
    const reply = await stage.daq.ask('status');
    const sensors = reply.sensors as Record<string, { sent: number }>;
    open = unbalanced(
      numbers,
      Object.fromEntries(Object.entries(sensors).map(([name, { sent }]) => [name, sent])),
    );
    return open.length === 0;
  }, 2000);
  problems.push(...open);
  return numbers;
}

/** Every stamp that is accounted for was told; when all of it has come, nothing of this injection is on its way. */
async function unheard({ observer }: Stage, before: Numbers, after: Numbers): Promise<string[]> {
  const told = ({ sensors }: Numbers, name: string) =>
    ['published', 'rejected', 'incomplete', 'dropped'].reduce(
      (sum, key) => sum + (sensors[name]?.[key] ?? 0),
      0,
    );
  const open = () =>
    Object.keys(after.sensors).flatMap((name) => {
      const wanted = told(after, name) - told(before, name);
      const heard = observer.heard.filter(
        ({ kind, body }) => kind === 'guider.result' && body.sensor === name,
      ).length;
      return heard === wanted ? [] : [`${name}: ${heard} results were heard of ${wanted} that were told`];
    });
  await until(() => open().length === 0, patienceMs);
  return open();
}

async function missing(
  stage: Stage,
  expected: Expected,
  draw: Draw,
  before: Numbers,
  after: Numbers,
  problems: string[],
): Promise<void> {
  const moved = (
    name: string,
    was: Readonly<Record<string, number>> = {},
    is: Readonly<Record<string, number>> = {},
  ) => (is[name] ?? 0) > (was[name] ?? 0);
  for (const name of expected.sensor ?? [])
    if (!moved(name, before.sensors[draw.sensor], after.sensors[draw.sensor]))
      problems.push(`${draw.sensor}: ${name} did not move`);
  for (const name of expected.link ?? [])
    if (!moved(name, before.link, after.link)) problems.push(`link: ${name} did not move`);
  const { heard } = stage.observer;
  const of = (kind: string) => heard.filter((one) => one.kind === kind).map(({ body }) => body);
  const { flags = [], events = [], alarm } = expected;
  const flagged = () =>
    of('guider.result').some(
      ({ sensor, flags: own }) =>
        sensor === draw.sensor && (own as string[]).some((flag) => flags.includes(flag)),
    );
  if (flags.length > 0 && !flagged())
    problems.push(`${draw.sensor}: no result carries ${flags.join(' or ')}`);
  if (
    events.length > 0 &&
    !(await until(() => of('guider.event').some(({ name }) => events.includes(String(name))), patienceMs))
  )
    problems.push(`nobody told ${events.join(' or ')}`);
  if (
    alarm !== undefined &&
    !(await until(() => of('alarm').some(({ name, active }) => name === alarm && active), patienceMs))
  )
    problems.push(`the alarm ${alarm} was not raised`);
}

/** The simulator's truth from a place in its file, by sensor, sequence and stamp. */
function readTruth(path: string, from: number): Map<string, TruthLine> {
  const text = readFileSync(path).subarray(from).toString('utf8');
  // The last line may be on its way.
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  return new Map(
    lines
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as TruthLine)
      .map((line) => [`${line.sensor}/${line.sequence}/${line.stamp}`, line]),
  );
}

/** Results that may be used, and do not lie on their star. */
async function wrong({ truthFile, observer }: Stage, from: number): Promise<string[]> {
  const nameOf = ({ sensor, seqno, daq_stamp }: Heard['body']) =>
    `${String(sensor)}/${String(seqno)}/${String(daq_stamp)}`;
  let truth = new Map<string, TruthLine>();
  // The simulator writes its truth behind the stamps.
  await until(async () => {
    truth = readTruth(truthFile, from);
    return observer.heard.every(
      ({ kind, body }) => kind !== 'guider.result' || body.flagged === true || truth.has(nameOf(body)),
    );
  }, patienceMs);
  return observer.heard.flatMap(({ kind, body }) => {
    if (kind !== 'guider.result' || body.flagged === true) return [];
    const line = truth.get(nameOf(body));
    const off =
      line === undefined ? Number.NaN : Math.hypot(Number(body.xroi) - line.x, Number(body.yroi) - line.y);
    return off < onStarPx
      ? []
      : [`${String(body.sensor)} stamp ${String(body.daq_stamp)}: ${off} px off its star and not flagged`];
  });
}
