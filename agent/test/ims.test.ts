// SPDX-License-Identifier: Apache-2.0
// Full frames over the plug-in for the camera DAQ's image store, built against its stand-in, which reads the simulated one.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { parse } from 'yaml';
import { DaqClient } from '../../scripts/campaign/daq-client.js';
import type { JsonLine } from '../../scripts/processes/child.js';
import { Rig } from './rig.js';

const library = join(process.cwd(), 'build/plugins/ims-test.so');

t.test(
  'images become files, one that is cut short is told, and a partition that is none is refused',
  async (t) => {
    execFileSync('scripts/build-plugin', ['ims', '--mock', '--output', library]);
    const rig = new Rig(t);
    const images = ['--images', 'wavefront', '--image-boards', 'R44', '--image-port', '127.0.0.1:0'];
    const quick = ['--readout-s', '0.1', '--image-frames', '1', '--image-fault', 'truncate:at=2'];
    const simulator = await rig.simulator(['--idle', ...images, ...quick], 'at once');
    process.env.MOCK_IMS_STORE = simulator.images;
    const given = parse(readFileSync('hw-profiles/sim-aos.yaml', 'utf8')) as { image: JsonLine } & JsonLine;
    const profile = (partition: string): JsonLine => ({
      ...given,
      daq: { driver: 'plugin', partition, plugin: { library, options: { sourceTimeoutMs: 5000 } }, slots: 8 },
      image: { ...given.image, boards: ['R44'], directory: join(rig.directory, 'spool'), quicklook: null },
      publish: { data: 'tcp://127.0.0.1:0', control: 'tcp://127.0.0.1:0' },
    });
    await t.rejects(rig.run(profile('nowhere')), {
      message: /partition nowhere: the DAQ library says: no partition/,
    });

    const agent = await rig.run(profile('camera'));
    const listener = rig.listener(agent.data);
    await listener.first('heartbeat', ({ kind }) => kind === 'heartbeat');
    const daq = new DaqClient(simulator.control);
    t.teardown(() => daq.close());
    const take = async (kind: string) => {
      const { image } = await daq.ask('take', { exposureS: 0.05, annotation: 'a note' });
      const fates = ['R44_SW0', 'R44_SW1'].map((sensor) =>
        listener.first(
          `${kind} of ${sensor}`,
          (m) => m.kind === kind && m.body.obsid === image && m.body.sensor === sensor,
        ),
      );
      return Promise.all(fates);
    };
    for (const { body } of await take('image.available'))
      t.ok(existsSync(String(body.path)), String(body.path));
    for (const { body } of await take('image.failed')) t.match(body, { reason: 'short' });
    for (const { body } of await take('image.available')) t.match(body, { recovered: false });
    const { images: books } = (await rig.control(agent.control).request('stats')) as {
      images: Record<string, unknown>;
    };
    t.match([books.created, books.delivered, books.failed].map(Number), [3, 2, 1]);
    agent.process.kill('SIGTERM');
    t.equal(await agent.process.exited, 0);
  },
);
