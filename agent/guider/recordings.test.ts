// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { FileReport } from '../model/daq.js';
import { logTo } from '../model/log.js';
import type { AgentMessage } from '../model/messages.js';
import { Recordings } from './recordings.js';

const report: FileReport = {
  location: 3,
  obsid: 'MC_O_20260714_000123',
  obsidTold: true,
  seriesId: 'guider-1',
  sequence: 7,
  series: 7n,
  closedBy: 'pause',
  path: '/d/MC_O_20260714_000123_R00_SG0_guider.fits',
  sidecar: '/d/MC_O_20260714_000123_R00_SG0_guider.json',
  sha256: 'ab',
  bytes: 57_600,
  problem: '',
  stamps: 4,
  complete: 4,
  leftOut: 0,
  failed: 0,
  closedNs: 1_000_000_000n,
  durableNs: 1_012_000_000n,
};

const lost: Partial<FileReport> = { path: '', stamps: 0, failed: 4, durableNs: 0n };

function bench() {
  const messages: AgentMessage[] = [];
  const alarms: [string, string | null][] = [];
  const recordings = new Recordings({
    sink: { publish: (m) => messages.push(m) },
    log: logTo(() => {}),
    alarm: (name, _severity, reason) => alarms.push([name, reason]),
  });
  const give = (...changes: Partial<FileReport>[]) =>
    recordings.onFiles(changes.map((c) => ({ ...report, ...c })));
  return { messages, alarms, give };
}

t.test('a durable file is announced with its exposure and its counts', async (t) => {
  const { messages, alarms, give } = bench();
  give({}, { location: 220, obsid: 'series-7', obsidTold: false });
  t.match(messages, [
    { kind: 'image.available', sensor: 'R00_SG0', detector: 189, exposureId: 2026071400123, durableMs: 12 },
    { kind: 'image.available', sensor: 'R44_SG1', detector: 202, exposureId: null, obsid: 'series-7' },
  ]);
  t.same(alarms, []);
});

t.test('a file that is not on the disk is never announced', async (t) => {
  const { messages, alarms, give } = bench();
  give({ ...lost, closedBy: 'failure', failed: 0, problem: 'no space' }, { ...lost, problem: 'no space' });
  give({ problem: 'cannot be read back' });
  t.same(messages, []);
  t.ok(alarms.every(([name, reason]) => name === 'recording_failed' && reason !== null));
});

t.test('the alarm goes off when every sensor that failed has a file again', async (t) => {
  const { alarms, give } = bench();
  give({ ...lost, problem: 'no space' }, { ...lost, location: 4, problem: 'no space' });
  alarms.length = 0;
  give({}, { location: 220 });
  t.same(alarms, []);
  give({ location: 4 });
  t.same(alarms, [['recording_failed', null]]);
});

t.test('a sensor that has no ROI any more does not keep an alarm on', async (t) => {
  const { alarms, give } = bench();
  give({ ...lost, location: 4, problem: 'no space' }, { location: 220, stamps: 1, leftOut: 3 });
  alarms.length = 0;
  give({ series: 8n, sequence: 8 });
  t.same(alarms, [], 'its file may be the next');
  give({ series: 9n, sequence: 9 });
  t.same(alarms, [
    ['recording_failed', null],
    ['recording_incomplete', null],
  ]);
});

t.test('stamps without room are told, and that it is over', async (t) => {
  const { alarms, give } = bench();
  give({ stamps: 1, leftOut: 3 });
  t.match(alarms, [['recording_incomplete', /3 of 4 stamps of MC_O_20260714_000123 R00_SG0/]]);
  give({});
  t.same(alarms.at(-1), ['recording_incomplete', null]);
});
