// SPDX-License-Identifier: Apache-2.0
// Images end to end into a repository: told of when their rows are committed, found there by this agent's command and by
// the observatory's software; a start after a crash takes what had no rows; what is too old goes, and is told.
import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { parse } from 'yaml';
import type { JsonLine } from '../../scripts/processes/child.js';
import { freeUdpPort } from '../../scripts/processes/ports.js';
import { butlerPython } from '../../scripts/processes/python.js';
import { deadlineMs, type Envelope, type Listener, Rig } from './rig.js';

const command = (...args: readonly string[]): JsonLine =>
  JSON.parse(execFileSync('node', ['dist/agent/main.js', 'butler', ...args, '--json'], { encoding: 'utf8' }));

async function imagesOf(listener: Listener, obsid: string): Promise<Envelope[]> {
  const of = () =>
    listener.messages.filter(({ kind, body }) => /^image\./.test(kind) && body.obsid === obsid);
  await listener.first(`both halves of ${obsid}`, () => of().length >= 2);
  return of();
}

t.test('a wavefront board into a repository', async (t) => {
  const rig = new Rig(t);
  const calib = join(rig.directory, 'calib');
  const images = ['--images', 'wavefront', '--image-boards', 'R44', '--image-frames', '1'];
  const simulator = await rig.simulator(
    ['--idle', '--image-port', '127.0.0.1:0', '--readout-s', '0.2', '--image-calib', calib, ...images],
    'at once',
  );
  const spool = join(rig.directory, 'spool');
  const repository = join(rig.directory, 'repo');
  const given = parse(readFileSync('hw-profiles/sim-aos.yaml', 'utf8')) as {
    daq: { wire: JsonLine } & JsonLine;
    image: JsonLine;
  } & JsonLine;
  const port = await freeUdpPort();
  const wire = { ...given.daq.wire, port, control: simulator.control, images: simulator.images };
  const profileOf = async (butler: JsonLine) => ({
    ...given,
    daq: { ...given.daq, wire },
    image: { ...given.image, boards: ['R44'], directory: spool },
    butler: { repository, ...butler },
    publish: { data: 'tcp://127.0.0.1:0', control: 'tcp://127.0.0.1:0' },
  });

  const agent = await rig.run(await profileOf({ calibrations: { filter: 'i_39' } }));
  const listener = rig.listener(agent.data);
  await listener.first('heartbeat', ({ kind }) => kind === 'heartbeat');
  const taken = await rig.control(agent.control).request('take', { exposureS: 0.1 }, deadlineMs);
  const { image } = taken as { image: string };
  const told = await imagesOf(listener, image);
  t.same(
    told.map(({ kind }) => kind),
    ['image.available', 'image.available'],
  );
  for (const { body } of told) {
    t.match(body, { run: 'LSSTCam/raw/all', image_in_oods: { statusCode: 0, description: 'ingested' } });
    t.same(body.data_id, { instrument: 'LSSTCam', detector: body.detector, exposure: body.exposure });
    t.equal(statSync(new URL(String(body.uri))).ino, statSync(String(body.path)).ino, 'one file, two names');
  }
  const uuids = told.map(({ body }) => String(body.uuid)).sort();
  const gone = told.map(({ body }) => body);
  const listed = command('ls', repository, '--type', 'raw') as { datasets: { uuid: string }[] };
  t.same(listed.datasets.map(({ uuid }) => uuid).sort(), uuids);

  const looks: { uuid: string; detector: string }[] = [];
  await t.test(
    'the role takes calibrations from there, the next image those of a synchronisation',
    async (t) => {
      const missingOf = async (obsid: unknown) => {
        const of = ({ kind, body }: Envelope) => kind === 'image.quicklook' && body.obsid === obsid;
        const { body } = await listener.first(`the look at ${obsid}`, of);
        t.match(body, { run: 'LSSTCam/quickLook', data_id: { exposure: body.exposure } });
        looks.push({ uuid: String(body.uuid), detector: String(body.sensor) });
        return (body.isr as { missing: string[] }).missing;
      };
      const told = ({ kind, body }: Envelope) => kind === 'alarm' && body.name === 'calibrations_missing';
      const alarm = await listener.first('the alarm', (one) => told(one) && one.body.active === true);
      t.match(alarm.body.message, /bias of R44_SW0: the repository has none, and 13 more/);
      t.equal((await missingOf(image)).length, 7);
      const args = ['dist/agent/main.js', 'calibs', 'sync', calib, '--repo', repository, '--filter', 'i_39'];
      const synced = JSON.parse(execFileSync('node', [...args, '--json'], { encoding: 'utf8' })) as JsonLine;
      t.equal((synced.added as unknown[]).length, 14);
      const next = (await rig.control(agent.control).request('take', { exposureS: 0.1 }, deadlineMs)) as {
        image: string;
      };
      const later = (await imagesOf(listener, next.image)).map(({ body }) => body);
      gone.push(...later.filter(({ uuid }) => uuid !== undefined));
      uuids.push(...later.flatMap(({ uuid }) => (typeof uuid === 'string' ? [uuid] : [])));
      uuids.sort();
      t.same(await missingOf(next.image), []);
      await listener.first('the end of the alarm', (one) => told(one) && one.body.active === false);
    },
  );

  const python = butlerPython();
  if (python.path === null) t.comment(`without the third party: ${python.problem}`);
  else {
    const run = promisify(execFile);
    const { stdout } = await run(python.path, ['agent/test/daf_butler_client.py', 'look', repository]);
    const read = await run(python.path, ['agent/test/daf_butler_client.py', 'quicklooks', repository]);
    const theirs = JSON.parse(read.stdout) as typeof looks;
    for (const look of looks)
      t.same(
        theirs.find(({ uuid }) => uuid === look.uuid),
        look,
        'a look is read without the Science Pipelines',
      );
    const seen = JSON.parse(stdout) as { datasets: { uuid: string; stored: boolean }[] };
    t.same(
      seen.datasets
        .map(({ uuid, stored }) => ({ uuid, stored }))
        .sort((a, b) => a.uuid.localeCompare(b.uuid)),
      uuids.map((uuid) => ({ uuid, stored: true })),
    );
  }
  await agent.process.stop(deadlineMs);

  // As a crash between file and rows would leave it, and the removal that follows.
  command('prune', repository, '--older-than', '0');
  const again = await rig.run(await profileOf({ keepHours: 0.000_001, expireEveryS: 1 }));
  const removals = rig.listener(again.data);
  const removed = new Set<string>();
  await removals.first('removals', ({ kind, body }) => {
    if (kind === 'image.removed') for (const uuid of body.uuids as string[]) removed.add(uuid);
    return removed.size >= uuids.length;
  });
  t.same([...removed].sort(), uuids);
  for (const { uri, path } of gone) {
    t.notOk(existsSync(new URL(String(uri))));
    t.notOk(existsSync(String(path)), 'the spool keeps no second link');
  }
  await again.process.stop(deadlineMs);
  t.match(command('check', repository), { good: true, datasets: 14 });
  rmSync(repository, { recursive: true });
});
