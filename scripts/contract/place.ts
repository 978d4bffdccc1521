// SPDX-License-Identifier: Apache-2.0
// Where the contract suite runs on the simulated DAQ: loopback, or a pair of virtual interfaces in two network namespaces.
import { execFileSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { DaqClient } from '../campaign/daq-client.js';
import { Child, type ChildOptions } from '../processes/child.js';
import type { CurveKeys } from '../processes/control-client.js';
import { freeUdpPort } from '../processes/ports.js';
import { simGuiderProfile } from '../processes/profile.js';

export interface Place {
  readonly name: string;
  /** what runs where, for who was not there */
  readonly about: string;
  readonly profile: string;
  /** null: the profile's */
  readonly roiSpec: Readonly<Record<string, unknown>> | null;
  readonly keys: CurveKeys | Record<string, never>;
  /** null: nobody can do anything wrong here */
  readonly faults: Faults | null;
  start(options: ChildOptions): Child;
  close(): Promise<void>;
}

/** Something is being done to the way between DAQ and agent. */
export interface Spoiled {
  /** with what */
  readonly how: string;
  heal(): Promise<void>;
}

/** What can be done to it. */
export interface Faults {
  /** a share of the datagrams, 0..1 */
  lose(share: number): Promise<Spoiled>;
  /** text: why it cannot be done here */
  limit(megabitsPerSecond: number): Promise<Spoiled | string>;
  pullCable(ms: number): Promise<void>;
}

export interface SimulatedOptions {
  /** Hz */
  readonly rate: number;
  readonly size: number;
  readonly folder: string;
}

const readyMs = 20_000;
type Section = Record<string, unknown>;

function writeProfile(folder: string, daqControl: string, udpPort: number, address: string): string {
  const data = `ipc://${join(folder, 'data')}`;
  const profile = simGuiderProfile({
    udpPort,
    daqControl,
    data,
    control: `ipc://${join(folder, 'control')}`,
  });
  const daq = profile.daq as Section;
  const path = join(folder, 'profile.yaml');
  const wire = { ...(daq.wire as Section), address };
  const health = { ...(profile.health as Section), taiMinusUtcS: 37 };
  writeFileSync(path, stringify({ ...profile, daq: { ...daq, wire }, health }));
  return path;
}

function simulatorArgs({ rate, size }: SimulatedOptions, host: string): string[] {
  const roi = ['--rows', String(size), '--cols', String(size), '--rate', String(rate)];
  return [
    '--idle',
    '--control',
    `${host}:0`,
    '--snr',
    '80',
    '--jitter-ms',
    '0.7',
    '--no-irregular-start',
    ...roi,
  ];
}

async function startSimulator(
  options: SimulatedOptions,
  host: string,
  prefix: readonly string[],
): Promise<{ simulator: Child; control: string }> {
  const program = [...prefix, process.execPath, 'dist/sim-hw/main.js', ...simulatorArgs(options, host)];
  const [command = '', ...args] = program;
  const simulator = new Child({ name: 'sim-daq', command, args });
  const ready = await simulator.event('ready', ({ event }) => event === 'ready', readyMs);
  return { simulator, control: String(ready.control) };
}

export async function loopback(options: SimulatedOptions): Promise<Place> {
  const { simulator, control } = await startSimulator(options, '127.0.0.1', []);
  const daq = new DaqClient(control);
  const heal = async () => {
    await daq.ask('disturb', {});
  };
  return {
    name: 'loopback',
    about: 'The simulated DAQ and the agent are two processes on one machine and talk over 127.0.0.1.',
    profile: writeProfile(options.folder, control, await freeUdpPort(), '127.0.0.1'),
    roiSpec: null,
    keys: {},
    faults: {
      async lose(share) {
        await daq.ask('disturb', { faults: [`drop:p=${share},unit=packet`] });
        return { how: 'left out by the simulated DAQ', heal };
      },
      limit: () => Promise.resolve('loopback has no rate: the pair of virtual interfaces shows it'),
      async pullCable(silenceMs) {
        await daq.ask('disturb', { silenceMs });
      },
    },
    start: (child) => new Child(child),
    async close() {
      daq.close();
      await simulator.stop(3000);
    },
  };
}

const daqAddress = '10.77.0.1';
const agentAddress = '10.77.0.2';

function run(command: string, ...args: string[]): void {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Of rigs that were killed before they could remove theirs. */
function removeOrphans(): void {
  const names = execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' }).matchAll(
    /^rig-(?:daq|agent)-(\d+)/gm,
  );
  for (const [name, pid] of names) if (!existsSync(`/proc/${pid}`)) run('ip', 'netns', 'del', name);
}

/** Needs root. The names carry this process' number, so that rigs do not meet. */
export async function virtualPair(options: SimulatedOptions): Promise<Place> {
  if (process.getuid?.() !== 0)
    throw new Error('the pair of virtual interfaces needs root: run as root, or with --only loopback');
  removeOrphans();
  const id = String(process.pid);
  const [daqSpace, agentSpace] = [`rig-daq-${id}`, `rig-agent-${id}`];
  const [daqEnd, agentEnd] = [`rd${id}`, `ra${id}`];
  const inAgent = (...args: string[]) => run('ip', 'netns', 'exec', agentSpace, ...args);
  const remove = () => {
    process.off('exit', remove);
    for (const space of [daqSpace, agentSpace]) {
      try {
        run('ip', 'netns', 'del', space);
      } catch {
        // It was not made.
      }
    }
  };
  process.once('exit', remove);
  try {
    run('ip', 'netns', 'add', daqSpace);
    run('ip', 'netns', 'add', agentSpace);
    run(
      'ip',
      'link',
      'add',
      daqEnd,
      'netns',
      daqSpace,
      'type',
      'veth',
      'peer',
      'name',
      agentEnd,
      'netns',
      agentSpace,
    );
    for (const [space, end, address] of [
      [daqSpace, daqEnd, daqAddress],
      [agentSpace, agentEnd, agentAddress],
    ] as const) {
      run('ip', '-n', space, 'address', 'add', `${address}/24`, 'dev', end);
      run('ip', '-n', space, 'link', 'set', end, 'mtu', '9000', 'up');
      run('ip', '-n', space, 'link', 'set', 'lo', 'up');
    }
    const { simulator, control } = await startSimulator(options, daqAddress, [
      'ip',
      'netns',
      'exec',
      daqSpace,
    ]);
    const disturb = (what: object) =>
      run(
        'ip',
        'netns',
        'exec',
        agentSpace,
        process.execPath,
        'dist/scripts/contract/ask.js',
        control,
        JSON.stringify(what),
      );
    const rule = [
      'INPUT',
      '-p',
      'udp',
      '-s',
      daqAddress,
      '-m',
      'statistic',
      '--mode',
      'random',
      '--probability',
    ];
    return {
      name: 'veth pair, MTU 9000',
      about: `The simulated DAQ (${daqAddress}) and the agent (${agentAddress}) are in two network namespaces of one machine, joined by a pair of virtual interfaces with jumbo frames, as two machines are by a fibre.`,
      profile: writeProfile(options.folder, control, 5580, agentAddress),
      roiSpec: null,
      keys: {},
      faults: {
        lose(share) {
          try {
            inAgent('iptables', '-A', ...rule, String(share), '-j', 'DROP');
            const heal = async () => inAgent('iptables', '-F', 'INPUT');
            return Promise.resolve({ how: 'dropped by iptables before the agent', heal });
          } catch (error) {
            const why = /ENOENT|No such file/.test(String(error))
              ? 'it is not installed'
              : 'this kernel refuses it';
            disturb({ faults: [`drop:p=${share},unit=packet`] });
            const how = `left out by the simulated DAQ (not by iptables: ${why})`;
            return Promise.resolve({ how, heal: async () => disturb({}) });
          }
        },
        limit(megabitsPerSecond) {
          const shaping = [
            'qdisc',
            'replace',
            'dev',
            daqEnd,
            'root',
            'tbf',
            'rate',
            `${megabitsPerSecond}mbit`,
          ];
          try {
            run('ip', 'netns', 'exec', daqSpace, 'tc', ...shaping, 'burst', '128kb', 'latency', '20ms');
          } catch {
            return Promise.resolve('tc cannot shape traffic with tbf on this machine');
          }
          const how = `${megabitsPerSecond} Mbit/s by tc (tbf) behind the DAQ`;
          const heal = async () =>
            run('ip', 'netns', 'exec', daqSpace, 'tc', 'qdisc', 'del', 'dev', daqEnd, 'root');
          return Promise.resolve({ how, heal });
        },
        async pullCable(ms) {
          run('ip', '-n', daqSpace, 'link', 'set', daqEnd, 'down');
          await new Promise((resolve) => setTimeout(resolve, ms));
          run('ip', '-n', daqSpace, 'link', 'set', daqEnd, 'up');
        },
      },
      start: ({ script, args, ...rest }) =>
        new Child({
          ...rest,
          command: 'ip',
          args: [
            'netns',
            'exec',
            agentSpace,
            process.execPath,
            ...(script === undefined ? [] : [script]),
            ...args,
          ],
        }),
      async close() {
        await simulator.stop(3000);
        remove();
      },
    };
  } catch (error) {
    remove();
    throw error;
  }
}
