// SPDX-License-Identifier: Apache-2.0
// Hostile peers against a guiding agent: is it alive, are its results on time and whole, are commands answered.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { curveKeyPair } from 'zeromq';
import { Child, type JsonLine } from '../../processes/child.js';
import { ControlClient, type CurveKeys } from '../../processes/control-client.js';
import { freeUdpPort } from '../../processes/ports.js';
import { simGuiderProfile } from '../../processes/profile.js';

export interface SiegeOptions {
  readonly encrypted: boolean;
  /** default tcp; ipc endpoints know no encryption */
  readonly transport?: 'tcp' | 'ipc';
  /** connections of each fuzz phase */
  readonly connections: number;
  /** s of quiet before and after, and of each flood */
  readonly seconds: number;
  readonly seed: number;
  /** soft and hard limit of the agent's file descriptors; null: the system's */
  readonly fileDescriptors: number | null;
  readonly say: (line: string) => void;
}

export interface Phase {
  readonly name: string;
  readonly connections: number;
  readonly frames: number;
  readonly seconds: number;
  readonly results: number;
  /** us from a stamp's last packet to the subscriber */
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly commands: number;
  readonly answered: number;
  readonly slowestMs: number;
}

export interface SiegeReport {
  readonly phases: readonly Phase[];
  readonly alive: boolean;
  readonly state: string;
  readonly conserved: boolean;
  /** results that the subscriber did not get */
  readonly missing: number;
  readonly endpoints: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly keys: Readonly<Record<string, number>> | null;
  /** how many requests of each fate reached the agent, from friend and foe */
  readonly commands: Readonly<Record<string, number>>;
  readonly rssMb: number;
}

interface Span {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly fired: { readonly connections: number; readonly frames: number };
  readonly asked: { readonly commands: number; readonly answered: number; readonly slowestMs: number };
}

const patienceMs = 30_000;
const isReady = (line: JsonLine) => line.event === 'ready';
const isEnd = (line: JsonLine) => line.event === 'end';
const nowMs = () => Number(process.hrtime.bigint() / 1_000_000n);

export async function besiege(options: SiegeOptions, directory: string): Promise<SiegeReport> {
  const children: Child[] = [];
  const launch = (child: Child) => {
    children.push(child);
    return child;
  };
  const udpPort = await freeUdpPort();
  const { profile, keys } = write(options, udpPort, directory);
  const agent = launch(startAgent(profile, options.fileDescriptors));
  const clients: ControlClient[] = [];
  try {
    const ready = await agent.event('ready', isReady, patienceMs);
    const [data, command] = [ready.data as string, ready.control as string];
    const control = new ControlClient(command, keys ?? {});
    clients.push(control);
    const listener = launch(script('listener', [data, JSON.stringify(keys ?? {})]));
    await listener.event('ready', isReady, patienceMs);
    const to = `127.0.0.1:${udpPort}`;
    const sky = ['--rows', '50', '--cols', '50', '--rate', '9', '--stamps', '1000000', '--snr', '50'];
    launch(
      new Child({
        name: 'sim-daq',
        script: 'dist/sim-hw/main.js',
        args: ['--control', '127.0.0.1:0', '--to', to, '--seed', '7', ...sky],
      }),
    );
    const spans: Span[] = [];
    const attack = async (name: string, how: 'fuzz' | 'halfopen', address: string, count: number) => {
      options.say(name);
      const type = address === data ? 'SUB' : 'DEALER';
      const args = [how, address, type, String(count), String(options.seed + spans.length)];
      const attacker = launch(script('attacker', args));
      await attacker.event('ready', isReady, patienceMs);
      spans.push(
        await during(name, control, async () => {
          if (how === 'halfopen') {
            await pause(options.seconds);
            attacker.kill('SIGTERM');
          }
          const end = await attacker.event('end', isEnd, 3_600_000);
          return { connections: end.connections as number, frames: end.frames as number };
        }),
      );
    };
    const quiet = async (name: string) => {
      options.say(name);
      spans.push(
        await during(name, control, async () => {
          await pause(options.seconds);
          return { connections: 0, frames: 0 };
        }),
      );
    };
    await untilGuiding(control);
    await quiet('quiet before');
    if (options.fileDescriptors === null) {
      await attack('fuzz at data', 'fuzz', data, options.connections);
      await attack('fuzz at control', 'fuzz', command, options.connections);
      await attack('2000 half-open at data', 'halfopen', data, 2000);
      await attack('2000 half-open at control', 'halfopen', command, 2000);
    } else {
      await attack('1000 half-open at data, no descriptors left', 'halfopen', data, 1000);
      await attack('1000 half-open at control, no descriptors left', 'halfopen', command, 1000);
    }
    await quiet('quiet after');
    return await conclude(agent, control, listener, spans);
  } finally {
    for (const client of clients) client.close();
    for (const child of children.reverse()) await child.stop(5000);
  }
}

function script(name: string, args: readonly string[]): Child {
  return new Child({ name, script: `dist/scripts/bench/siege/${name}.js`, args });
}

function startAgent(profile: string, fileDescriptors: number | null): Child {
  const run = ['dist/agent/main.js', 'run', '--profile', profile];
  if (fileDescriptors === null) return new Child({ name: 'agent', script: run[0] ?? '', args: run.slice(1) });
  const limit = `--nofile=${fileDescriptors}:${fileDescriptors}`;
  return new Child({ name: 'agent', command: 'prlimit', args: [limit, process.execPath, ...run] });
}

function write(options: SiegeOptions, udpPort: number, directory: string) {
  const at = (name: string) =>
    options.transport === 'ipc' ? `ipc://${join(directory, name)}` : 'tcp://127.0.0.1:0';
  const profile = simGuiderProfile({ udpPort, daqControl: null, data: at('data'), control: at('control') });
  const path = join(directory, `siege-${options.encrypted ? 'curve' : 'plain'}.yaml`);
  if (!options.encrypted) {
    writeFileSync(path, stringify(profile));
    return { profile: path, keys: null };
  }
  const [server, own] = [curveKeyPair(), curveKeyPair()];
  const serverKey = join(directory, 'server.key');
  const clients = join(directory, 'clients');
  const pair = { name: 'agent', role: 'server', ...server };
  writeFileSync(serverKey, JSON.stringify(pair), { mode: 0o600 });
  writeFileSync(clients, `command ${own.publicKey} bench\n`, { mode: 0o644 });
  writeFileSync(path, stringify({ ...profile, security: { serverKey, clients } }));
  const keys: CurveKeys = {
    curveServerKey: server.publicKey,
    curvePublicKey: own.publicKey,
    curveSecretKey: own.secretKey,
  };
  return { profile: path, keys };
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}

interface Stats {
  readonly conserved: boolean;
  readonly summary_state: string;
  readonly sensors: Readonly<Record<string, { readonly published: bigint | number }>>;
  readonly commands: SiegeReport['commands'];
  readonly connections: {
    readonly endpoints: SiegeReport['endpoints'];
    readonly keys: SiegeReport['keys'];
  };
}

async function untilGuiding(control: ControlClient): Promise<void> {
  const deadline = Date.now() + patienceMs;
  for (;;) {
    const { sensors } = (await control.request('stats', {}, patienceMs)) as Stats;
    if (Object.values(sensors).every(({ published }) => Number(published) > 10)) return;
    if (Date.now() > deadline) throw new Error('the agent does not guide');
    await pause(0.2);
  }
}

/** Does `work` and asks the agent four times a second meanwhile. */
async function during(
  name: string,
  control: ControlClient,
  work: () => Promise<Span['fired']>,
): Promise<Span> {
  const asked = { commands: 0, answered: 0, slowestMs: 0 };
  let over = false;
  const asking = (async () => {
    while (!over) {
      const since = nowMs();
      asked.commands++;
      await control.request('stats', {}, 5000).then(
        () => {
          asked.answered++;
        },
        () => undefined,
      );
      asked.slowestMs = Math.max(asked.slowestMs, nowMs() - since);
      await pause(0.25);
    }
  })();
  const fromMs = nowMs();
  const fired = await work();
  const toMs = nowMs();
  over = true;
  await asking;
  return { name, fromMs, toMs, fired, asked };
}

async function conclude(
  agent: Child,
  control: ControlClient,
  listener: Child,
  spans: readonly Span[],
): Promise<SiegeReport> {
  const stats = (await control.request('stats', {}, patienceMs)) as Stats;
  listener.kill('SIGTERM');
  const { samples, missing } = (await listener.event('end', isEnd, patienceMs)) as unknown as {
    samples: readonly (readonly [number, number])[];
    missing: number;
  };
  const phases = spans.map(({ name, fromMs, toMs, fired, asked }): Phase => {
    const ages = samples
      .filter(([at]) => at >= fromMs && at < toMs)
      .map(([, us]) => us)
      .sort((a, b) => a - b);
    const at = (q: number) => ages[Math.min(ages.length - 1, Math.floor(q * ages.length))] ?? Number.NaN;
    return {
      name,
      ...fired,
      seconds: (toMs - fromMs) / 1000,
      results: ages.length,
      p50: at(0.5),
      p99: at(0.99),
      p999: at(0.999),
      max: ages.at(-1) ?? Number.NaN,
      ...asked,
    };
  });
  return {
    phases,
    alive: agent.running,
    state: stats.summary_state,
    conserved: stats.conserved,
    missing,
    endpoints: stats.connections.endpoints,
    keys: stats.connections.keys,
    commands: stats.commands,
    rssMb: rssMb(agent),
  };
}

function rssMb(agent: Child): number {
  const status = readFileSync(`/proc/${agent.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}
