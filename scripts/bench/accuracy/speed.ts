// SPDX-License-Identifier: Apache-2.0
// The goals of speed: the kernel's thread CPU time (build/Release/kernel_bench) beside that of the peers.
import type { DecodeRate } from '../decode.js';
import type { KernelMode } from '../kernel.js';
import type { GoalLine } from './goals.js';

type Times = Readonly<Record<string, Readonly<Record<string, number>> | undefined>>;

const modeGoals: Readonly<Record<string, number>> = {
  '50x50 blind': 20,
  '50x50 tracking': 20,
  '400x400 tracking': 25,
  '400x400 acquisition': 100,
};

/** Peer time over ours, for the same work: a blind search of the whole stamp. */
const ratioGoals = [
  ['50x50', '50x50 blind', 'sep XWIN', 10],
  ['50x50', '50x50 blind', 'sep XWIN, small buffer', 10],
  ['400x400', '400x400 acquisition', 'sep XWIN', 16],
  ['400x400', '400x400 acquisition', 'sep XWIN, small buffer', 16],
  ['50x50', '50x50 blind', 'DAO', 100],
] as const;

export function speedLines(modes: readonly KernelMode[], times: Times): GoalLine[] {
  return [...modes.flatMap((mode) => modeLines(mode, times)), ...ratioLines(modes, times)];
}

function modeLines({ name, us, firstMomentUs }: KernelMode, times: Times): GoalLine[] {
  const goal = modeGoals[name];
  if (goal === undefined) return [];
  const size = name.split(' ')[0] ?? '';
  const blind = !name.endsWith('tracking');
  const peers = Object.entries((blind ? times[size] : undefined) ?? {}).map(([peer, time]) => [
    peer,
    time.toFixed(0),
  ]);
  const tail = us.p999 / us.p50;
  return [
    {
      quantity: `time ${name}, us`,
      goal: `<= ${goal}`,
      measured: us.p50.toFixed(1),
      met: us.p50 <= goal,
      peers: Object.fromEntries(peers),
    },
    {
      quantity: `time ${name}, p99.9 / median`,
      goal: '<= 2',
      measured: `${tail.toFixed(2)} (first moment ${(firstMomentUs.p999 / firstMomentUs.p50).toFixed(2)})`,
      met: tail <= 2,
      peers: {},
    },
  ];
}

function ratioLines(modes: readonly KernelMode[], times: Times): GoalLine[] {
  return ratioGoals.flatMap(([size, name, peer, goal]) => {
    const ours = modes.find((mode) => mode.name === name)?.us.p50;
    const theirs = times[size]?.[peer];
    if (ours === undefined || theirs === undefined) return [];
    const ratio = theirs / ours;
    return [
      {
        quantity: `${peer} from Python / ours, ${name}`,
        goal: `>= ${goal}`,
        measured: ratio.toFixed(1),
        met: ratio >= goal,
        peers: {},
      },
    ];
  });
}

export function decodeLines(rates: readonly DecodeRate[]): GoalLine[] {
  return rates.map(({ name, gigabytesPerSecond }) => ({
    quantity: `raw 18-bit decode ${name}, GB/s of raw input`,
    goal: '>= 2',
    measured: gigabytesPerSecond.toFixed(1),
    met: gigabytesPerSecond >= 2,
    peers: {},
  }));
}
