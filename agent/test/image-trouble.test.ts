// SPDX-License-Identifier: Apache-2.0
// What an image role does when folder, disk or calibrations are not as they should be, and after it was killed: one
// alarm with the reason, the next image is well, and no file without its message.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import type { JsonLine } from '../../scripts/processes/child.js';
import type { ControlClient } from '../../scripts/processes/control-client.js';
import { freeUdpPort } from '../../scripts/processes/ports.js';
import { mountOver } from '../model/testing/mount.js';
import { processed } from './processed.js';
import { type Agent, deadlineMs, type Envelope, type Listener, Rig } from './rig.js';

/** Takes an image of LATISS: what became of its file, and its look. */
async function take(control: ControlClient, listener: Listener): Promise<{ file: Envelope; look: Envelope }> {
  const { image } = (await control.request('take', { exposureS: 0.1 }, deadlineMs)) as { image: string };
  const of = (kinds: readonly string[]) =>
    listener.first(
      `${kinds.join(' or ')} of ${image}`,
      ({ kind, body }) => kinds.includes(kind) && body.obsid === image,
    );
  const file = await of(['image.available', 'image.failed']);
  return { file, look: await of(['image.quicklook']) };
}

const limitFiles = (agent: Agent, bytes: string): void => {
  execFileSync('prlimit', ['--pid', String(agent.process.pid), `--fsize=${bytes}:`]);
};

t.test('LATISS in trouble', async (t) => {
  const rig = new Rig(t);
  const calib = join(rig.directory, 'calib');
  const simulator = await rig.simulator(
    [
      ...['--idle', '--image-port', '127.0.0.1:0', '--images', 'latiss', '--readout-s', '0.1'],
      ...['--image-frames', '1', '--image-truth', rig.directory, '--image-calib', calib],
    ],
    'at once',
  );
  const spool = join(rig.directory, 'spool');
  const real = join(rig.directory, 'disk');
  // Where nobody may write, not even root.
  symlinkSync('/proc/sys/kernel', spool);
  const given = parse(readFileSync('hw-profiles/sim-auxtel.yaml', 'utf8')) as Record<string, JsonLine>;
  const wire = { ...(given.daq?.wire as JsonLine), control: simulator.control, images: simulator.images };
  const quicklook = { directory: join(rig.directory, 'looks'), isrFiles: true };
  const run = async () =>
    rig.run({
      ...given,
      daq: { ...given.daq, wire: { ...wire, port: await freeUdpPort() } },
      image: { ...given.image, directory: spool, calibrations: calib, quicklook },
      publish: { data: 'tcp://127.0.0.1:0', control: 'tcp://127.0.0.1:0' },
    });
  const agent = await run();
  const listener = rig.listener(agent.data);
  const control = rig.control(agent.control);
  await listener.first('heartbeat', ({ kind }) => kind === 'heartbeat');
  const alarms = () => listener.of('alarm').map(({ body }) => `${body.name} ${body.active}`);

  const denied = await take(control, listener);
  t.match(denied.file, { kind: 'image.failed', body: { reason: 'not_written' } });
  t.match(denied.look.body, { outcome: 'looked', flags: [] }, 'what the pixels say does not need a disk');
  t.same(alarms(), ['image_not_written true']);
  const { frames } = JSON.parse(readFileSync(join(rig.directory, 'truth.json'), 'utf8')) as {
    frames: Record<string, { target: { x: number; y: number } }>;
  };
  const truth = Object.values(frames)[0]?.target ?? { x: Number.NaN, y: Number.NaN };
  const seen = (denied.look.body.product as { target: { x: number; y: number } }).target;
  t.ok(Math.hypot(seen.x - truth.x, seen.y - truth.y) < 0.02, `${seen.x}, ${seen.y}`);
  const [json, picture] = [String(denied.look.body.json), String(denied.look.body.picture)];
  t.match(JSON.parse(readFileSync(json, 'utf8')), { target: seen, detector: 'LATISS' });
  t.equal(readFileSync(picture).toString('latin1', 1, 4), 'PNG');
  const cleaned = await listener.first('the ISR file', ({ body }) => body.dataset_type === 'post_isr_image');
  t.ok(existsSync(String(cleaned.body.path)));

  rmSync(spool);
  mkdirSync(real);
  symlinkSync(real, spool);
  t.equal((await take(control, listener)).file.kind, 'image.available');
  t.same(alarms().slice(1), ['image_not_written false']);

  limitFiles(agent, '2000000');
  const full = await take(control, listener);
  t.match(full.file.body, { reason: 'not_written', message: /File too large/ });
  t.equal(full.look.body.outcome, 'looked');
  limitFiles(agent, 'unlimited');
  t.equal((await take(control, listener)).file.kind, 'image.available');
  t.same(
    readdirSync(real).filter((name) => name.endsWith('.part')),
    [],
  );

  const archived = await take(control, listener);
  const out = join(rig.directory, 'processed');
  const again = processed([String(archived.file.body.path)], out, ['--calib', calib, '--no-isr-files']);
  const { target, zeroth, focus } = archived.look.body.product as Record<string, unknown>;
  t.match(
    again[0],
    { target, zeroth, focus, quality: { flags: [] } },
    'the file says what the pixels in memory said',
  );

  const disk = mountOver(t, real, 'size=4000000');
  if (disk) {
    const before = alarms().length;
    const none = await take(control, listener);
    t.match(none.file.body, { reason: 'not_written', message: /No space left on device|disk is full/i });
    t.equal(none.look.body.outcome, 'looked');
    t.same(
      readdirSync(real).filter((name) => name.endsWith('.fits')),
      [],
    );
    disk.again('size=400000000');
    t.equal((await take(control, listener)).file.kind, 'image.available', 'there is room again');
    const readOnly = mountOver(t, real, 'ro');
    t.match((await take(control, listener)).file.body, {
      reason: 'not_written',
      message: /Read-only file system/,
    });
    readOnly?.away();
    t.equal((await take(control, listener)).file.kind, 'image.available', 'it can be written to again');
    t.same(alarms().slice(before), [
      ...['image_not_written true', 'image_not_written false'],
      ...['image_not_written true', 'image_not_written false'],
    ]);
    disk.away();
  }

  const flat = join(calib, 'LATISS', 'flat.fits');
  const whole = readFileSync(flat);
  writeFileSync(flat, 'SIMPLE  = not a FITS file');
  const damaged = await take(control, listener);
  t.match(damaged.look.body, { outcome: 'looked', flags: ['NO_FLAT'] });
  t.match(listener.of('alarm').at(-1)?.body, {
    name: 'image_uncalibrated',
    active: true,
    message: /R00_S00 is looked at without: .*flat\.fits/,
  });
  writeFileSync(flat, whole);
  t.match((await take(control, listener)).look.body, { outcome: 'looked', flags: [] }, 'read again');
  t.match(listener.of('alarm').at(-1)?.body, { name: 'image_uncalibrated', active: false });

  // A kill between file and message, as far as the journal knows.
  process.kill(agent.process.pid, 'SIGKILL');
  await agent.process.exited;
  writeFileSync(join(real, '.summit-agent.announced'), '');
  writeFileSync(join(real, '.AT_O_20261102_000001_R00_S00.fits.1-1.part'), 'half');
  const files = readdirSync(real).filter((name) => name.endsWith('.fits'));
  const next = await run();
  const client = rig.control(next.control);
  const heard = rig.listener(next.data);
  await heard.first('heartbeat', ({ kind }) => kind === 'heartbeat');
  const well = await take(client, heard);
  t.match(well.file, { kind: 'image.available', body: { recovered: false } });
  const { images } = (await client.request('stats', {}, deadlineMs)) as { images: Record<string, unknown> };
  t.equal(Number(images.recovered), files.length, 'each file that nobody was told of is told');
  t.ok(existsSync(join(real, 'incomplete', 'AT_O_20261102_000001_R00_S00.fits.1-1.part')));
});
