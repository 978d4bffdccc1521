// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { DaqReply } from '../model/daq.js';
import { AgentError } from '../model/errors.js';
import { logTo } from '../model/log.js';
import type { RoiSpec } from '../model/roi.js';
import { InitGuiders } from './init-guiders.js';

const spec = (startRow: number) => ({
  common: { rows: 50, cols: 50, integrationTimeMillis: 50 },
  R00SG0: { segment: 3, startRow, startCol: 56 },
});

function bench(answer: (command: unknown) => Promise<DaqReply>) {
  const sent: unknown[] = [];
  const expected: RoiSpec[] = [];
  const warnings: string[] = [];
  const initGuiders = new InitGuiders({
    control: async (command) => {
      sent.push(command.roiSpec);
      return answer(command);
    },
    sensors: ['R00_SG0'],
    roiSpec: () => null,
    expect: (one) => {
      expected.push(one);
      return () => expected.pop();
    },
    log: logTo((_level, message) => warnings.push(message)),
  });
  return { initGuiders, sent, expected, warnings };
}

const success = async (): Promise<DaqReply> => ({ status: 0, reply: 'SUCCESS' });

t.test('a list is one series for each exposure', async (t) => {
  const { initGuiders, sent } = bench(success);
  const roiSpec = JSON.stringify([spec(100), spec(200), spec(300)]);
  t.match(await initGuiders.verb({ roiSpec }), { forwarded: true, series_pending: 2 });
  initGuiders.exposureEnded();
  initGuiders.exposureEnded();
  initGuiders.exposureEnded();
  t.same(sent, [spec(100), spec(200), spec(300)]);
});

t.test('a new command drops what is left of a list', async (t) => {
  const { initGuiders, sent } = bench(success);
  await initGuiders.verb({ roiSpec: [spec(100), spec(200)] });
  await initGuiders.verb({ roiSpec: spec(400) });
  initGuiders.exposureEnded();
  t.same(sent, [spec(100), spec(400)]);
});

t.test('a list that is dropped goes no further', async (t) => {
  const { initGuiders, sent } = bench(success);
  await initGuiders.verb({ roiSpec: [spec(100), spec(200)] });
  initGuiders.drop();
  initGuiders.exposureEnded();
  t.same(sent, [spec(100)]);
});

t.test('everything wrong in all series is one error, and nothing is sent', async (t) => {
  const { initGuiders, sent, expected } = bench(success);
  const wide = { ...spec(1990), common: { rows: 401, cols: 50, integrationTimeMillis: 4 } };
  const strange = { ...spec(100), R44SG1: { segment: 8, startRow: -1, startCol: 500 } };
  await t.rejects(initGuiders.verb({ roiSpec: [spec(100), wide, strange] }), {
    code: 'roi',
    problems: [
      /^\[1\]\.common\.rows: expected an integer 10\.\.400, got 401/,
      /^\[1\]\.common\.integrationTimeMillis/,
      /^\[2\]\.R44SG1\.segment/,
      /^\[2\]\.R44SG1\.startRow/,
      /^\[2\]\.R44SG1\.startCol/,
    ],
  });
  await t.rejects(initGuiders.verb({ roiSpec: { ...spec(100), R44SG0: spec(1).R00SG0 } }), {
    code: 'roi',
    message: /sensors of the profile \(R00_SG0\), got R44_SG0/,
  });
  await t.rejects(initGuiders.verb({ roiSpec: [] }), { code: 'roi', message: /at least one series/ });
  t.same([sent, expected], [[], []]);
});

t.test('a DAQ that takes no commands is only compared with it', async (t) => {
  const { initGuiders, expected } = bench(async () => {
    throw new AgentError('daq_unsupported', 'no control channel');
  });
  t.match(await initGuiders.verb({ roiSpec: spec(100) }), { forwarded: false, series_pending: 0 });
  t.match(expected, [{ common: { rows: 50 }, locations: [{ startRow: 100 }] }]);
});

t.test('a DAQ that refuses leaves nothing expected; a list ends there with a warning', async (t) => {
  let refuse = true;
  const { initGuiders, expected, warnings } = bench(async () =>
    refuse ? { status: 2, reply: 'INVALID_TRANSITION' } : { status: 0, reply: 'SUCCESS' },
  );
  await t.rejects(initGuiders.verb({ roiSpec: spec(100) }), { code: 'daq_state' });
  t.same(expected, []);
  refuse = false;
  await initGuiders.verb({ roiSpec: [spec(100), spec(200), spec(300)] });
  refuse = true;
  initGuiders.exposureEnded();
  await new Promise((resolve) => setImmediate(resolve));
  t.match(warnings, [/list is dropped/]);
  initGuiders.exposureEnded();
  t.equal(expected.length, 1, 'what was begun is still what is expected');
});
