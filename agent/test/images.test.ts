// SPDX-License-Identifier: Apache-2.0
// Full frames end to end: simulated DAQ -> image store -> planes -> raw files -> events, with what goes wrong on the way,
// and somebody else's software reading the files.
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { getPriority } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { parse } from 'yaml';
import type { JsonLine } from '../../scripts/processes/child.js';
import type { ControlClient } from '../../scripts/processes/control-client.js';
import { freeUdpPort } from '../../scripts/processes/ports.js';
import { threadsOf } from '../../scripts/processes/proc.js';
import { astropyPython, translatorPython } from '../../scripts/processes/python.js';
import { until } from '../../scripts/processes/until.js';
import { processed } from './processed.js';
import { type Agent, deadlineMs, type Envelope, type Listener, Rig, type Simulator } from './rig.js';

const quick = ['--idle', '--image-port', '127.0.0.1:0', '--readout-s', '0.2', '--image-frames', '1'];

interface Bench {
  readonly rig: Rig;
  readonly simulator: Simulator;
  readonly spool: string;
  readonly profile: JsonLine;
}

async function bench(t: Test, role: 'aos' | 'auxtel', args: readonly string[]): Promise<Bench> {
  const rig = new Rig(t);
  const simulator = await rig.simulator([...quick, ...args], 'at once');
  const spool = join(rig.directory, 'spool');
  const given = parse(readFileSync(`hw-profiles/sim-${role}.yaml`, 'utf8')) as {
    daq: { wire: JsonLine } & JsonLine;
    image: JsonLine;
  } & JsonLine;
  const port = await freeUdpPort();
  const wire = { ...given.daq.wire, port, control: simulator.control, images: simulator.images };
  const boards = role === 'aos' ? { boards: ['R44'] } : {};
  const profile = {
    ...given,
    daq: { ...given.daq, wire: { ...wire, imageTimeoutMs: 2000 } },
    image: { ...given.image, ...boards, directory: spool },
    publish: { data: 'tcp://127.0.0.1:0', control: 'tcp://127.0.0.1:0' },
  };
  return { rig, simulator, spool, profile };
}

/** Takes images one after the other; what became of each detector, by image. */
async function takes(
  rig: Rig,
  agent: Agent,
  listener: Listener,
  count: number,
  detectors: number,
  args: Record<string, unknown> = {},
): Promise<Map<string, Envelope[]>> {
  const control = rig.control(agent.control);
  const fates = new Map<string, Envelope[]>();
  for (let i = 0; i < count; i++) {
    const { image } = (await control.request('take', { exposureS: 0.1, ...args }, deadlineMs)) as {
      image: string;
    };
    const of = () =>
      listener.messages.filter(
        ({ kind, body }) => (kind === 'image.available' || kind === 'image.failed') && body.obsid === image,
      );
    await listener.first(`${detectors} outcomes of ${image}`, () => of().length >= detectors);
    fates.set(image, of());
  }
  return fates;
}

/** The quick-look of a detector's image. */
function lookAt(listener: Listener, { obsid, sensor }: Envelope['body']): Promise<Envelope> {
  const wanted = ({ kind, body }: Envelope) =>
    kind === 'image.quicklook' && body.obsid === obsid && body.sensor === sensor;
  return listener.first(`the look at ${obsid} ${sensor}`, wanted);
}

function assertFile(t: Test, { body }: Envelope): void {
  const path = String(body.path);
  t.equal(createHash('sha256').update(readFileSync(path)).digest('hex'), body.sha256, `${path} is whole`);
  t.ok(existsSync(String(body.sidecar)));
}

/** The board's stream of an image, as the store gives it. */
async function streamOf(store: string, image: string, location: number): Promise<Buffer> {
  const [host = '', port = ''] = store.split(':');
  const socket = connect(Number(port), host);
  socket.write(`${JSON.stringify({ command: 'fetch', image, location, offset: 0 })}\n`);
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  const all = Buffer.concat(chunks);
  return all.subarray(all.indexOf(10) + 1);
}

function assertReadByOthers(t: Test, directory: string, files: readonly string[], stream: Buffer): void {
  for (const file of files) {
    const said = execFileSync('fitsverify', ['-q', file], { encoding: 'utf8' });
    t.match(said, /verification OK/, said);
  }
  const python = astropyPython();
  if (python.path === null) {
    t.comment(`without the third party: ${python.problem}`);
    return;
  }
  const raw = join(directory, 'stream.bin');
  writeFileSync(raw, stream);
  const args = ['scripts/clients/check_raw.py', '--stream', raw, ...files];
  const { problems, pixels } = JSON.parse(execFileSync(python.path, args, { encoding: 'utf8' })) as JsonLine;
  t.equal(pixels, true);
  t.same(Object.values(problems as Record<string, string[]>).flat(), []);
  assertTranslated(t, files);
}

/** By the observatory's own translators, where a checkout of them is named. */
function assertTranslated(t: Test, files: readonly string[]): void {
  const checkout = process.env.SUMMIT_OBS_LSST;
  if (checkout === undefined) {
    t.comment('not translated: SUMMIT_OBS_LSST names no checkout of obs_lsst');
    return;
  }
  const { path, problem } = translatorPython();
  if (path === null) {
    t.fail(problem);
    return;
  }
  const args = ['scripts/clients/check_translation.py', '--obs-lsst', checkout, ...files];
  const said = spawnSync(path, args, { encoding: 'utf8' });
  t.equal(said.status, 0, `${said.stdout}${said.stderr}`);
}

const count = (value: unknown): number => Number(value ?? 0);

/** The counters of images, when no look is under way any more. */
async function imageBooks(control: ControlClient): Promise<Record<string, unknown>> {
  let images: Record<string, unknown> = {};
  await until(async () => {
    ({ images } = (await control.request('stats', {}, deadlineMs)) as { images: Record<string, unknown> });
    const { looked, left_out, written, unwritten } = images;
    return count(looked) + count(left_out) === count(written) + count(unwritten);
  }, deadlineMs);
  return images;
}

function assertConserved(t: Test, images: Record<string, unknown>): void {
  t.equal(count(images.created), count(images.delivered) + count(images.failed));
  t.equal(count(images.on_their_way), 0);
  t.equal(count(images.lent), 0, 'no planes are kept');
  t.equal(count(images.looked) + count(images.left_out), count(images.written) + count(images.unwritten));
}

t.test('a wavefront board: files, faults on the wire, a spool that is away', async (t) => {
  const faults = [
    'truncate:at=2',
    'drop-link:at=4',
    'unknown-detector:at=5',
    'wrong-bytes:at=6',
    'stall:at=7',
  ];
  const { rig, simulator, spool, profile } = await bench(t, 'aos', [
    '--images',
    'wavefront',
    '--image-boards',
    'R44',
    ...faults.flatMap((fault) => ['--image-fault', fault]),
  ]);
  const agent = await rig.run(profile);
  const listener = rig.listener(agent.data);
  const control = rig.control(agent.control);
  await listener.first('heartbeat', ({ kind }) => kind === 'heartbeat');

  const [first] = [...(await takes(rig, agent, listener, 1, 2, { exposureS: 1 })).values()];
  t.same(
    first?.map(({ kind }) => kind),
    ['image.available', 'image.available'],
  );
  const sw1 = first?.find(({ body }) => body.sensor === 'R44_SW1')?.body;
  t.match(sw1, { dataset_type: 'raw', detector: 204, resumed: 0 });
  t.match(sw1?.image_in_oods, {
    camera: 'LSSTCam',
    raft: 'R44',
    sensor: 'SW1',
    obsid: sw1?.obsid,
    statusCode: 0,
  });
  t.equal(Number(sw1?.exposure), Number(sw1?.day_obs) * 100_000 + Number(sw1?.seq_num));
  for (const file of first ?? []) assertFile(t, file);
  const looks = (await Promise.all((first ?? []).map(({ body }) => lookAt(listener, body)))).map(
    (m) => m.body,
  );
  t.same(looks.map(({ product }) => String((product as JsonLine).focal)).sort(), ['extra', 'intra']);
  const both = looks.flatMap(({ defocus }) => defocus ?? []);
  t.match(both, [{ raft: 'R44', obsid: sw1?.obsid }], 'the second half tells what both say');
  t.ok(
    looks.every(({ flags }) => (flags as string[]).includes('NOMINAL_GAIN')),
    'without calibrations, and flagged',
  );
  const files = first?.map(({ body }) => String(body.path)) ?? [];
  const archived = processed(files, join(rig.directory, 'processed'), ['--no-isr-files']);
  for (const [i, look] of looks.entries()) {
    const { focal, donuts, sensor } = look.product as JsonLine;
    t.match(archived[i], { focal, donuts, sensor }, 'the file says what the pixels in memory said');
  }
  t.ok(archived.some(({ donuts }) => (donuts as unknown[]).length > 3));
  const stream = await streamOf(simulator.images, String(sw1?.image_tag), 216);
  t.equal(stream.length, 42_467_328);
  assertReadByOthers(t, rig.directory, files, stream);

  const fates = [...(await takes(rig, agent, listener, 7, 2)).values()].map((messages) =>
    messages.map(({ kind, body }) => (kind === 'image.available' ? kind : String(body.reason))),
  );
  t.same(fates[0], ['short', 'short'], 'a truncated stream is never a whole image');
  t.same(fates[1], ['image.available', 'image.available'], 'the next one works');
  t.same(fates[2], ['image.available', 'image.available'], 'a lost link goes on');
  const resumed = listener.of('image.available').filter(({ body }) => Number(body.resumed) > 0);
  t.equal(resumed.length, 2, 'and says so');
  t.same([...new Set(fates[3])].sort(), ['image.available', 'unknown_detector']);
  t.same(fates[4], ['wrong_bytes', 'wrong_bytes']);
  t.same(fates[5], ['timed_out', 'timed_out']);
  t.same(fates[6], ['image.available', 'image.available']);
  const alarms = listener.of('alarm').map(({ body }) => `${body.name} ${body.active}`);
  t.ok(alarms.includes('image_failed true') && alarms.includes('image_failed false'), alarms.join(', '));
  t.ok(alarms.includes('image_unknown_detector true') && alarms.includes('image_unknown_detector false'));

  // A folder that is merely gone is made anew.
  renameSync(spool, `${spool}-away`);
  writeFileSync(spool, 'in its place');
  const [lost] = [...(await takes(rig, agent, listener, 1, 2)).values()];
  t.same(
    lost?.map(({ body }) => body.reason),
    ['not_written', 'not_written'],
  );
  await listener.first('alarm', ({ kind, body }) => kind === 'alarm' && body.name === 'image_not_written');
  rmSync(spool);
  renameSync(`${spool}-away`, spool);
  const [again] = [...(await takes(rig, agent, listener, 1, 2)).values()];
  for (const file of again ?? []) assertFile(t, file);

  const books = await imageBooks(control);
  assertConserved(t, books);
  t.equal(count(books.failed_short), 1);
  t.equal(count(books.failed_timed_out), 1);
  t.equal(count(books.unwritten), 2);
  const sent = listener.of('image.available').map(({ body }) => String(body.path));
  const there = readdirSync(spool).filter((name) => name.endsWith('.fits'));
  t.equal(there.length, sent.length, 'every file is told of');
  await t.rejects(control.request('take', { exposureS: -1 }, deadlineMs), /exposureS: expected a number/);
});

t.test('LATISS: a header document, a killed agent, the next one', async (t) => {
  const { rig, simulator, spool, profile } = await bench(t, 'auxtel', ['--images', 'latiss']);
  const agent = await rig.run(profile);
  const listener = rig.listener(agent.data);
  await listener.first('heartbeat', ({ kind }) => kind === 'heartbeat');
  const [one] = [...(await takes(rig, agent, listener, 1, 1, { grating: 'holo4_003' })).values()];
  const body = one?.[0]?.body ?? {};
  t.match(body, {
    sensor: 'R00_S00',
    detector: 0,
    image_in_oods: { camera: 'LATISS', raft: 'RXX', sensor: 'S00' },
  });
  const stream = await streamOf(simulator.images, String(body.image_tag), 0);
  assertReadByOthers(t, rig.directory, [String(body.path)], stream);
  const sidecar = JSON.parse(readFileSync(String(body.sidecar), 'utf8')) as JsonLine;
  t.match(sidecar, { GRATING: 'holo4_003', LSST_NUM: 'ITL-3800C-068', RA: null, INSTRUME: 'LATISS' });

  // In the middle of whatever it does with the second image.
  const control = rig.control(agent.control);
  await control.request('take', { exposureS: 0.1 }, deadlineMs);
  await simulator.process.event(
    'image',
    (event) => event.event === 'image' && event.number === 2,
    deadlineMs,
  );
  process.kill(agent.process.pid, 'SIGKILL');
  await agent.process.exited;
  for (const told of listener.of('image.available')) assertFile(t, told);

  const publish = { ...(profile.publish as JsonLine), data: 'tcp://127.0.0.1:0' };
  const image = { ...(profile.image as JsonLine), headerDeadlineMs: 20_000 };
  const next = await rig.run({ ...profile, publish, image });
  const heard = rig.listener(next.data);
  await heard.first('heartbeat', ({ kind }) => kind === 'heartbeat');
  const half = readdirSync(spool).filter((name) => name.startsWith('.') && name.endsWith('.part'));
  t.same(half, [], 'what was half done is set aside');
  const sidecars = readdirSync(spool).filter((name) => name.endsWith('.json'));
  t.ok(sidecars.every((name) => existsSync(join(spool, name.replace('.json', '.fits')))));

  const client = rig.control(next.control);
  const { image: name } = (await client.request('take', { exposureS: 0.1 }, deadlineMs)) as { image: string };
  const keywords = { RA: 272.1, OBJECT: 'HD165763', 'HIERARCH.SIMULATE.ATDOME': 0 };
  const answer = await client.request('imageHeader', { obsid: name, keywords }, deadlineMs);
  t.match(answer, { obsid: name, taken: 'early' });
  const told = await heard.first('the image', ({ kind }) => kind === 'image.available');
  assertFile(t, told);
  const header = JSON.parse(readFileSync(String(told.body.sidecar), 'utf8')) as JsonLine;
  t.match(header, { RA: 272.1, OBJECT: 'HD165763', 'HIERARCH.SIMULATE.ATDOME': 0 });
});

t.test(
  'files and looks give way to everything else where the profile says so, the link does not',
  async (t) => {
    const { rig, profile } = await bench(t, 'auxtel', ['--images', 'latiss']);
    const images = profile.image as JsonLine;
    const agent = await rig.run({ ...profile, image: { ...images, priority: 'idle' } });
    const named = (name: string) => threadsOf(agent.process.pid).filter((thread) => thread.name === name);
    // A thread says its name, and how far it gives way, when it first runs.
    const lookers = () => [...named('summit-look'), ...named('summit-image')].map(({ policy }) => policy);
    await until(() => lookers().filter((policy) => policy === 5).length === 3, deadlineMs);
    t.same(lookers(), [5, 5, 5]);
    const ours = getPriority();
    await until(() => named('summit-link').length > 0, deadlineMs);
    t.match(named('summit-link'), [{ nice: ours, policy: 0 }]);
    const drawing = () =>
      threadsOf(agent.process.pid).filter(({ nice, policy }) => nice === 19 && policy === 0);
    t.ok(await until(() => drawing().length === 1, deadlineMs), 'who draws gives way');
    const session = `/proc/${agent.process.pid}/autogroup`;
    if (existsSync(session))
      t.match(readFileSync(session, 'utf8'), /^$| nice 19$/m, 'and so does the service');
  },
);
