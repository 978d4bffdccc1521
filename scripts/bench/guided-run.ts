// SPDX-License-Identifier: Apache-2.0
// One run of the simulated DAQ through an agent with a subscriber: a scenario from its first to its last stamp.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { Child, type JsonLine } from '../processes/child.js';
import { ControlClient } from '../processes/control-client.js';
import { freeTcpPort, freeUdpPort } from '../processes/ports.js';
import { simGuiderProfile } from '../processes/profile.js';
import { type Body, Subscription } from '../processes/subscription.js';

const readyDeadlineMs = 20_000;
/** The agent has subscribed to the DAQ; its own subscriber gets this long. */
const startDelayMs = 1500;
const isReady = (event: JsonLine): boolean => event.event === 'ready';
const isEnd = (event: JsonLine): boolean => event.event === 'end';

export interface GuidedRun {
  readonly directory: string;
  readonly scenario: Readonly<Record<string, unknown>>;
  /** keys of the profile's sections */
  readonly guider?: JsonLine;
  readonly daq?: JsonLine;
  readonly topics: readonly string[];
  readonly onMessage: (kind: string, body: Body, receivedNs: bigint) => void;
  readonly deadlineMs: number;
  /** further arguments of the agent's Node */
  readonly nodeArgs?: readonly string[];
  readonly onFile?: (image: Body) => void;
  /** not over before this, which is looked at with each message */
  readonly alsoUntil?: () => boolean;
  /** as soon as it runs */
  readonly watch?: (agent: Child) => void;
}

export interface GuidedEnd {
  readonly stats: Body;
  /** stamps the DAQ says it sent, by sensor */
  readonly sent: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly truthFile: string;
}

/** Resolves when the last series of the scenario has ended at the agent. */
export async function guidedRun(run: GuidedRun): Promise<GuidedEnd> {
  const scenarioFile = join(run.directory, 'scenario.yaml');
  const truthFile = join(run.directory, 'truth.jsonl');
  writeFileSync(scenarioFile, stringify({ 'start-delay-ms': startDelayMs, ...run.scenario }));
  const simulator = new Child({
    name: 'sim-daq',
    script: 'dist/sim-hw/main.js',
    args: [
      '--control',
      '127.0.0.1:0',
      '--start-when-subscribed',
      '--truth',
      truthFile,
      '--scenario',
      scenarioFile,
    ],
  });
  let agent: Child | null = null;
  let subscription: Subscription | null = null;
  let control: ControlClient | null = null;
  let wake: () => void = () => undefined;
  const ended: Body[] = [];
  try {
    const daq = await simulator.event('ready', isReady, readyDeadlineMs);
    agent = await startAgent(run, daq.control as string);
    run.watch?.(agent);
    const ready = agent.events.find(isReady) ?? {};
    control = new ControlClient(ready.control as string);
    subscription = new Subscription(
      ready.data as string,
      [...run.topics, 'series.end/', 'heartbeat/'],
      (kind, body, now) => {
        if (kind === 'series.end') ended.push(body);
        if (kind === 'image.available') run.onFile?.(body);
        run.onMessage(kind, body, now);
        wake();
      },
    );
    const end = await simulator.event('end of the scenario', isEnd, run.deadlineMs);
    const lastSequence = lastLine(truthFile).sequence;
    const isOver = (): boolean =>
      ended.some(({ seqno }) => seqno === lastSequence) && (run.alsoUntil?.() ?? true);
    await until(isOver, (call) => {
      wake = call;
    });
    const stats = (await control.request('stats')) as Body;
    const sensors = end.sensors as Readonly<Record<string, { sent: number }>>;
    const sent = Object.fromEntries(Object.entries(sensors).map(([name, one]) => [name, one.sent]));
    return { stats, sent, seconds: end.seconds as number, truthFile };
  } finally {
    control?.close();
    await agent?.stop(5000);
    await subscription?.close();
    await simulator.stop(2000);
  }
}

async function startAgent(run: GuidedRun, daqControl: string): Promise<Child> {
  const profile = simGuiderProfile({
    udpPort: await freeUdpPort(),
    daqControl,
    data: `tcp://127.0.0.1:${await freeTcpPort()}`,
    control: 'tcp://127.0.0.1:0',
  });
  const path = join(run.directory, 'profile.yaml');
  const guider = { ...(profile.guider as JsonLine), ...run.guider };
  const daq = { ...(profile.daq as JsonLine), ...run.daq };
  writeFileSync(path, stringify({ ...profile, guider, daq }));
  const args = [...(run.nodeArgs ?? []), 'dist/agent/main.js', 'run', '--profile', path];
  const agent = new Child({ name: 'agent', command: process.execPath, args });
  await agent.event('ready', isReady, readyDeadlineMs);
  return agent;
}

/** Resolves when `done`, which is looked at whenever something arrives. */
async function until(done: () => boolean, onWake: (call: () => void) => void): Promise<void> {
  const deadline = Date.now() + readyDeadlineMs;
  while (!done()) {
    const left = deadline - Date.now();
    if (left <= 0) throw new Error('the last series did not end at the agent');
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, left);
      onWake(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }
}

function lastLine(truthFile: string): { readonly sequence: number } {
  const text = readFileSync(truthFile, 'utf8').trimEnd();
  return JSON.parse(text.slice(text.lastIndexOf('\n') + 1)) as { sequence: number };
}
