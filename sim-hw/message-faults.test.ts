// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import { guideSensorNamed } from '../agent/model/location.js';
import type { RoiSpec } from '../agent/model/roi.js';
import { parseDisturbance } from './disturbance.js';
import { Faults, parseFault } from './faults.js';
import { messageFaultKinds, spoil } from './message-faults.js';
import { makeHeader, setGeometry } from './wire.js';

const sensor = guideSensorNamed('R00_SG0');
if (sensor === undefined) throw new Error('R00_SG0 is a guide sensor');
const roi = { sensor, segment: 7, startRow: 800, startCol: 56 };
const spec: RoiSpec = { common: { rows: 50, cols: 50, integrationMs: 50 }, locations: [roi] };

function header(): Uint8Array {
  const fields = {
    eventType: 0,
    eventStatus: 0,
    location: 3,
    state: 'RUNNING',
    sequence: 4,
    stamp: 5,
  } as const;
  const bytes = makeHeader({
    ...fields,
    taiNs: 1_800_000_000_000_000_000n,
    session: 7n,
    oneBased: false,
    splitRoi: false,
  });
  setGeometry(bytes, spec, roi, 'int32');
  return bytes;
}

t.test('each kind changes the header, the pixels, or sends one message more', async (t) => {
  for (const kind of messageFaultKinds) {
    const bytes = header();
    const { payload, extra } = spoil(kind, bytes, 10_000, spec);
    const changed = Buffer.compare(bytes, header()) !== 0;
    t.equal([changed, payload !== null, extra.length > 0].filter(Boolean).length, 1, kind);
    for (const one of extra) t.equal(one.length, 72);
  }
});

t.test('times go back, and never below what a header holds', async (t) => {
  const bytes = header();
  spoil('time-utc', bytes, 10_000, spec);
  t.equal(new DataView(bytes.buffer).getBigUint64(16, true), 1_799_999_963_000_000_000n);
});

t.test('a fault of the message hits the stamp it is given for, and takes no packets', async (t) => {
  const faults = new Faults([parseFault('geometry:at=3,sensor=R00_SG0')], 1);
  t.same(faults.fate('R00_SG0', 2, 4).message, []);
  t.match(faults.fate('R00_SG0', 3, 4), { message: ['geometry'], copies: 1, faults: ['geometry'] });
  t.same(faults.fate('R44_SG1', 3, 4).message, []);
  t.throws(() => parseFault('geometry:at=3,unit=packet'), /got "unit=packet"/);
});

t.test('what a client may ask for is checked as a scenario file is', async (t) => {
  t.match(parseDisturbance({ faults: ['drop:at=5'], silenceMs: 100 }), { silenceMs: 100, restartMs: 0 });
  t.match(parseDisturbance({ faults: ['melt:at=5'] }), /expected one of drop, .*torn before the colon/);
  t.match(parseDisturbance({ faults: 'drop' }), /expected a list/);
  t.match(parseDisturbance({ restartMs: -1 }), /restartMs: expected a whole number/);
  t.match(parseDisturbance({ happenings: [{ what: 'dead', sensors: 'R99' }] }), /expected a guide sensor/);
});
