// SPDX-License-Identifier: Apache-2.0
// The camera tells when its shutter moves: stamps that integrated meanwhile say so.
import t from 'tap';
import { deadlineMs, type Envelope, Rig } from './rig.js';

const obsid = 'MC_O_20260714_000123';

t.test('stamps that integrated while the blades moved carry shutter_motion', async (t) => {
  const rig = new Rig(t);
  const simulator = await rig.simulator(['--idle', '--rate', '20', '--stamps', '40', '--snr', '60']);
  const agent = await rig.agent({ daqControl: simulator.control });
  const listener = rig.listener(agent.data);
  const control = rig.control(agent.control);
  await listener.first('a heartbeat', (m) => m.kind === 'heartbeat');
  await control.request('initGuiders');
  const isSeries = (m: Envelope): boolean => m.kind === 'guider.series';
  const told = await listener.first('the series', isSeries);
  const { roi_common_integration: integrationMs } = told.body;
  const beat = listener.of('heartbeat').at(-1) as Envelope & { readonly tai_ns: bigint };
  const age = Number(process.hrtime.bigint() - beat.receivedNs) / 1e9;
  const open = Number(beat.tai_ns) / 1e9 + age + 0.8;
  const [exposureS, shutterS] = [0.7, 0.12];
  const times = { obsid, start_tai: open, exposure_s: exposureS, shutter_s: shutterS };
  await control.request('exposure', times);
  await control.request('resume', { comment: obsid });
  const isLast = (m: Envelope): boolean => m.kind === 'guider.offsets' && Number(m.body.stamp) === 39;
  await listener.first('the last acquisition', isLast, deadlineMs);
  let [moving, still] = [0, 0];
  for (const { body } of listener.of('guider.result').filter((m) => m.body.obsid === obsid)) {
    const end = Number(body.timestamp);
    const begin = end - Number(integrationMs) / 1000;
    const during = (from: number): boolean => begin < from + shutterS && end > from;
    const moved = during(open) || during(open + exposureS);
    if (moved) moving++;
    else still++;
    if ((body.flags as string[]).includes('shutter_motion') !== moved) {
      t.fail(`${body.sensor} stamp ${body.stamp}: ${body.flags}, blades ${moved ? 'move' : 'rest'}`);
    }
  }
  t.ok(moving >= 8 * 4 && still > 8 * 20, `${moving} stamps with moving blades, ${still} without`);
});
