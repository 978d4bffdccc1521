// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { CalibrationOrder, DaqRecord, LoadedCalibration } from '../model/daq.js';
import { EventType } from '../model/daq.js';
import { guideSensors } from '../model/location.js';
import type { AgentMessage } from '../model/messages.js';
import { LiveCalibrations } from './calibrations.js';

const sensors = guideSensors.slice(0, 2);
const roi = { rows: 50, cols: 50, segment: 7, startRow: 800, startCol: 56, integrationMs: 50 };

function setUp(directory = '/one') {
  const asked: string[] = [];
  const messages: AgentMessage[] = [];
  let told: () => void = () => undefined;
  const live = new LiveCalibrations({ directory, gains: [] }, sensors, {
    sink: {
      publish: (message) => {
        messages.push(message);
        told();
      },
    },
    calibrate: async (_, { directory }: CalibrationOrder): Promise<LoadedCalibration> => {
      asked.push(directory);
      return { missing: directory.startsWith('/none') ? ['bias'] : [], gain: 2, readNoise: 5 };
    },
    alarm: () => undefined,
  });
  const records = (eventType: number, more = {}) =>
    live.onRecords(sensors.map(({ location }) => ({ eventType, location, ...more }) as unknown as DaqRecord));
  return {
    live,
    asked,
    messages,
    start: () => records(EventType.start, { seriesMetadata: roi }),
    stamps: () => records(EventType.stamp, roi),
    stop: () => records(EventType.stop),
    /** all that is asked for is in force */
    applied: () => new Promise<void>((resolve) => (told = resolve)),
  };
}

t.test('another folder comes into force between two series', async (t) => {
  const { live, asked, messages, start, stamps, stop, applied } = setUp();
  let inForce = applied();
  start();
  await inForce;
  t.same(asked.splice(0), ['/one/R00_SG0', '/one/R00_SG1']);
  stamps();
  live.use('/two');
  stamps();
  t.same(asked, [], 'the series is finished with what it began with');
  inForce = applied();
  stop();
  await inForce;
  t.same(asked.splice(0), ['/two/R00_SG0', '/two/R00_SG1']);
  t.match(messages.at(-1), { event: 'calibrationsApplied', directory: '/two' });
  inForce = applied();
  live.use('/three');
  await inForce;
  t.same(asked.splice(0), ['/three/R00_SG0', '/three/R00_SG1'], 'at once, as no series runs');
  live.use('/three');
  start();
  stamps();
  t.same(asked, [], 'nothing is read again that is in force');
});

t.test('a series that began with none takes the first there are', async (t) => {
  const { live, asked, start, stamps, applied } = setUp('/none');
  let inForce = applied();
  start();
  await inForce;
  stamps();
  asked.splice(0);
  inForce = applied();
  live.use('/two');
  await inForce;
  t.same(asked.splice(0), ['/two/R00_SG0', '/two/R00_SG1']);
  live.use('/three');
  stamps();
  t.same(asked, [], 'and keeps these');
});
