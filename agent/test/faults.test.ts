// SPDX-License-Identifier: Apache-2.0
// Faults on the wire: every stamp is accounted for, and nothing wrong is published unflagged.
import t from 'tap';
import { assertConserved, Rig, sensorCounters } from './rig.js';

// 400 columns make a stamp of many datagrams, so that packet faults tear stamps.
const torn = [
  '--rows',
  '100',
  '--cols',
  '100',
  '--rate',
  '25',
  '--stamps',
  '60',
  '--exposures',
  '2',
  '--snr',
  '80',
];

/** Counter that must have moved under each fault. */
const faults: readonly { readonly args: readonly string[]; readonly moved: readonly string[] }[] = [
  { args: ['--fault', 'drop:p=0.05'], moved: ['lost'] },
  { args: ['--fault', 'drop:p=0.05,unit=packet'], moved: ['incomplete'] },
  { args: ['--fault', 'duplicate:p=0.05'], moved: ['duplicate'] },
  { args: ['--fault', 'reorder:p=0.05'], moved: ['reordered'] },
  { args: ['--fault', 'reorder:p=0.05,unit=packet'], moved: [] },
  { args: ['--fault', 'truncate:p=0.05'], moved: ['incomplete'] },
  { args: ['--fault', 'corrupt:p=0.05'], moved: ['incomplete'] },
  {
    args: ['drop', 'duplicate', 'reorder', 'truncate', 'corrupt'].flatMap((kind) => [
      '--fault',
      `${kind}:p=0.05`,
    ]),
    moved: ['lost', 'incomplete', 'duplicate'],
  },
];

for (const [seed, fault] of faults.entries()) {
  const specs = fault.args.filter((arg) => arg !== '--fault').join(' ');
  t.test(`accounts for every stamp under ${specs}`, async (t) => {
    const rig = new Rig(t);
    const simulator = await rig.simulator([...torn, ...fault.args, '--seed', String(seed + 1)]);
    const agent = await rig.agent({ daqControl: simulator.control });
    const listener = rig.listener(agent.data);
    const sent = await simulator.end();
    await listener.first('series.end', (message) => message.kind === 'series.end');
    const counters = await sensorCounters(rig.control(agent.control));
    assertConserved(t, sent, counters);
    for (const name of fault.moved) {
      const total = Object.values(counters).reduce((sum, sensor) => sum + (sensor[name] ?? 0), 0);
      t.ok(total > 0, `${name} counted ${total}`);
    }
    const truth = new Map(rig.truth().map((line) => [`${line.sensor}/${line.stamp}`, line]));
    let checked = 0;
    for (const { body } of listener.of('guider.result')) {
      if (body.flagged === true) continue;
      const line = truth.get(`${String(body.sensor)}/${String(body.stamp)}`);
      const error =
        line === undefined
          ? Number.NaN
          : Math.hypot((body.xroi as number) - line.x, (body.yroi as number) - line.y);
      if (!(error < 1))
        t.fail(`${String(body.sensor)} stamp ${String(body.stamp)}: ${error} px off and not flagged`);
      checked++;
    }
    t.ok(checked > 500, `${checked} unflagged results lie within 1 px of the truth`);
  });
}
