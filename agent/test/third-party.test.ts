// SPDX-License-Identifier: Apache-2.0
// Signs and numbers end to end: every amplifier orientation sees the same sky motion as the simulator's own camera, and
// somebody else's software (astropy, numpy) finds the published offsets again in the files.
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { Child, type JsonLine } from '../../scripts/processes/child.js';
import { astropyPython } from '../../scripts/processes/python.js';
import { deadlineMs, type Envelope, type Listener, Rig, type TruthLine } from './rig.js';

const obsid = 'MC_O_20260714_000123';
const stamps = 40;
/** Bottom and top amplifiers, outer and inner ones, on CCDs of every quarter turn. */
const roiSpec = {
  common: { rows: 60, cols: 64, integrationTimeMillis: 20 },
  R00SG0: { segment: 7, startRow: 800, startCol: 56 },
  R00SG1: { segment: 10, startRow: 120, startCol: 300 },
  R04SG0: { segment: 3, startRow: 1900, startCol: 0 },
  R04SG1: { segment: 17, startRow: 0, startCol: 445 },
  R40SG0: { segment: 14, startRow: 1500, startCol: 200 },
  R40SG1: { segment: 0, startRow: 800, startCol: 56 },
  R44SG0: { segment: 12, startRow: 640, startCol: 100 },
  R44SG1: { segment: 5, startRow: 20, startCol: 20 },
};
const sky = ['--snr', '150', '--drift', '1.2', '--rotation', '3', '--jitter', '0.05', '--seeing-motion', '0'];
const quiet = ['--cosmic-rays', '0', '--hot-pixels', '0', '--rate', '20', '--seed', '31'];

interface Run {
  readonly listener: Listener;
  readonly truth: readonly TruthLine[];
  readonly files: readonly string[];
  /** what a client in Python printed of the offsets */
  readonly lines: readonly JsonLine[];
  readonly directory: string;
}

/** One recorded exposure under command, with an ROI of its own on every sensor. */
async function exposure(t: Test): Promise<Run> {
  const rig = new Rig(t);
  const directory = join(rig.directory, 'files');
  const simulator = await rig.simulator(['--idle', ...sky, ...quiet]);
  const agent = await rig.agent({ daqControl: simulator.control }, (profile) => ({
    ...profile,
    guider: { ...(profile.guider as JsonLine), recording: { directory } },
  }));
  const listener = rig.listener(agent.data);
  const client = new Child({
    name: 'subscribe.py',
    command: 'scripts/clients/subscribe.py',
    args: [agent.data, 'guider.offsets/', 'heartbeat/'],
  });
  t.teardown(() => client.stop(2000));
  const isOffset = ({ topic }: JsonLine) => String(topic).startsWith('guider.offsets/');
  await client.event('heartbeat', ({ topic }) => String(topic).startsWith('heartbeat/'), deadlineMs);
  const control = rig.control(agent.control);
  await control.request('initGuiders', { roiSpec });
  await control.request('resume', { comment: obsid });
  const isLast = (m: Envelope) => m.kind === 'guider.offsets' && Number(m.body.stamp) >= stamps;
  await listener.first(`${stamps} acquisitions`, isLast);
  await control.request('pause');
  await control.request('stop');
  const end = await listener.first('the end', (m) => m.kind === 'series.end');
  const count = Number(end.body.n_stamps);
  const isFile = (m: Envelope) => m.kind === 'image.available';
  await listener.first('8 files', (m) => isFile(m) && listener.of('image.available').length >= 8);
  await client.event('the last offset', (l) => isOffset(l) && lastStamp(l) >= count - 1, deadlineMs);
  const files = listener.of('image.available').map(({ body }) => String(body.path));
  return { listener, truth: rig.truth(), files, lines: client.events.filter(isOffset), directory };
}

const isSolved = ({ x, rotation }: JsonLine) => typeof x === 'number' && typeof rotation === 'number';

function lastStamp({ body }: JsonLine): number {
  return Number((body as JsonLine).stamp);
}

/** Displacement of the sky at a place (mm) between two stamps, from the simulator's truth, mm. */
function truthOf(truth: readonly TruthLine[], sensor: unknown) {
  const lines = new Map(truth.filter((l) => l.sensor === sensor).map((l) => [l.stamp, l]));
  return (from: number, to: number, x: number, y: number) => {
    const [a, b] = [lines.get(from), lines.get(to)];
    if (!a || !b) return null;
    const turn = (b.rotation_arcsec - a.rotation_arcsec) / 206_264.8;
    return { x: b.dx_mm - a.dx_mm - turn * y, y: b.dy_mm - a.dy_mm + turn * x };
  };
}

function assertOneSky(t: Test, { listener, truth }: Run): void {
  let compared = 0;
  let most = 0;
  const differences = new Map<string, number[]>();
  for (const { body } of listener.of('guider.acquisition')) {
    const names = String(body.sensor).split(':');
    const column = (name: string, i: number) => Number((body[name] as number[] | undefined)?.[i]);
    names.forEach((name, i) => {
      const [x, y] = [column('centroid_x', i), column('centroid_y', i)];
      const moved = truthOf(truth, name)(column('reference_stamp', i), Number(body.stamp), x, y);
      if (!moved || !Number.isFinite(column('centroid_dx', i))) return;
      compared++;
      most = Math.max(most, Math.hypot(moved.x, moved.y));
      const off = Math.hypot(column('centroid_dx', i) - moved.x, column('centroid_dy', i) - moved.y);
      differences.set(name, [...(differences.get(name) ?? []), off]);
    });
  }
  t.ok(compared > 7 * stamps, `${compared} displacements`);
  t.ok(most > 0.05, `the sky moved by ${(most * 100).toFixed(1)} px`);
  for (const [name, own] of differences) {
    const typical = own.sort((a, b) => a - b)[own.length >> 1] ?? Number.NaN;
    t.ok(typical < 0.0006, `${name}: typically ${(typical * 100).toFixed(4)} px from the sky's own motion`);
  }
}

const run = promisify(execFile);

async function check(python: string, args: readonly string[]): Promise<{ code: number; said: JsonLine }> {
  try {
    const { stdout } = await run(python, ['scripts/clients/check_offsets.py', ...args]);
    return { code: 0, said: JSON.parse(stdout) as JsonLine };
  } catch (error) {
    const { code, stdout = '' } = error as { code?: number; stdout?: string };
    return { code: code ?? -1, said: JSON.parse(stdout || '{}') as JsonLine };
  }
}

t.test(
  'eight sensors with different amplifiers see one sky, and astropy finds the same offsets',
  async (t) => {
    const exposed = await exposure(t);
    assertOneSky(t, exposed);

    const python = astropyPython();
    if (python.path === null) {
      t.comment(`without the third party: ${python.problem}`);
      return;
    }
    const offsets = join(exposed.directory, 'offsets.jsonl');
    writeFileSync(offsets, exposed.lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const { code, said } = await check(python.path, ['--offsets', offsets, ...exposed.files]);
    t.comment(JSON.stringify(said));
    t.match(said, { obsid, sensors: 8, agree: true });
    t.equal(code, 0);
    // A machine that is busy elsewhere closes some acquisitions with too few sensors for an offset.
    const told = exposed.lines.filter(({ body }) => isSolved(body as JsonLine)).length;
    t.ok(told > stamps / 2, `${told} offsets with a rotation`);
    t.ok(Number(said.offsets) > told - 4, `${said.offsets} of ${told} offsets compared`);
    t.ok(Math.max(Number(said.worst_x_px), Number(said.worst_y_px)) <= 0.02);

    const shifted = exposed.lines.map((line) => {
      const body = line.body as { x: number | null };
      return { ...line, body: { ...body, x: body.x === null ? null : body.x + 0.0005 } };
    });
    writeFileSync(offsets, shifted.map((line) => `${JSON.stringify(line)}\n`).join(''));
    const wrong = await check(python.path, ['--offsets', offsets, ...exposed.files]);
    t.equal(wrong.code, 1, 'offsets that are 0.05 px off are found out');
    t.match(wrong.said, { agree: false });
  },
);
