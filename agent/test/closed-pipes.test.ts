// SPDX-License-Identifier: Apache-2.0
// Commands whose output or log nobody reads any more (head, less, a terminal that was closed): no stack trace, nothing
// half done.
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { freeTcpPort, freeUdpPort } from '../../scripts/processes/ports.js';
import { simGuiderProfile } from '../../scripts/processes/profile.js';
import { deadlineMs, Rig } from './rig.js';

function start(...args: string[]): ChildProcessWithoutNullStreams {
  return startScript('dist/agent/main.js', ...args);
}

function startScript(...args: string[]): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, args, { timeout: deadlineMs });
}

/** Exit code and everything that came on one stream. */
async function endOf(child: ChildProcessWithoutNullStreams, stream: 'stdout' | 'stderr') {
  let text = '';
  child[stream].on('data', (part: Buffer) => {
    text += part.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
}

t.test('watch ends without a word when its reader goes', async (t) => {
  const child = start('watch', '--connect', `tcp://127.0.0.1:${await freeTcpPort()}`);
  child.stdout.once('data', () => child.stdout.destroy());
  t.same(await endOf(child, 'stderr'), { code: 0, text: '' });
});

t.test('roi does what it was asked to, read or not', async (t) => {
  const file = join(new Rig(t).directory, 'roi.json');
  const one = { segment: 3, startRow: 800, startCol: 56 };
  writeFileSync(
    file,
    JSON.stringify({ common: { rows: 50, cols: 50, integrationTimeMillis: 50 }, R00SG0: one }),
  );
  const control = `tcp://127.0.0.1:${await freeTcpPort()}`;
  const child = start('roi', file, '--control', control, '--timeout', '0.3');
  child.stdout.destroy();
  const { code, text } = await endOf(child, 'stderr');
  t.equal(code, 1);
  t.match(text, /^\{.*no agent answered.*\}\n$/);
});

t.test('a recording goes on when nobody reads its log', async (t) => {
  const rig = new Rig(t);
  const control = 'tcp://127.0.0.1:0';
  const udpPort = await freeUdpPort();
  const profile = rig.profile(simGuiderProfile({ udpPort, daqControl: null, data: control, control }));
  const out = join(rig.directory, 'night.smtrec');
  const child = start('record', '--profile', profile, '--out', out, '--seconds', '0.5');
  child.stderr.destroy();
  const { code, text } = await endOf(child, 'stdout');
  t.equal(code, 0);
  t.match(text, /"event":"recorded"/);
});

t.test('a simulated DAQ sends to the end, whoever reads what it says', async (t) => {
  const truth = join(new Rig(t).directory, 'truth.jsonl');
  const child = startScript(
    ...['dist/sim-hw/main.js', '--control', '127.0.0.1:0', '--to', `127.0.0.1:${await freeUdpPort()}`],
    ...['--stamps', '3', '--rate', '50', '--truth', truth],
  );
  child.stdout.once('data', () => child.stdout.destroy());
  t.same(await endOf(child, 'stderr'), { code: 0, text: '' });
  t.equal(readFileSync(truth, 'utf8').trim().split('\n').length, 24);
});
