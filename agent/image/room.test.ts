// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { ImageFileReport, ImageNews, ImageOrder } from '../model/image.js';
import { latissBoard, wavefrontBoards } from '../model/image-detectors.js';
import { logTo } from '../model/log.js';
import type { AgentMessage } from '../model/messages.js';
import { noValues } from './header.js';
import { ImageRoom } from './room.js';

const name = 'MC_O_20261102_000087';
const news: ImageNews = {
  kind: 'created',
  imageTag: 'd9018efa51e8a093',
  name,
  details: '{"folder":"raw","keywords":{"GROUPID":"g1"}}',
  sourceDetails: '{"firmware":"113a400b"}',
  simulated: true,
  location: 216,
  reason: '',
  token: 0n,
  bytes: 42_467_328,
  bytesExpected: 42_467_328,
  resumed: 0,
  triggerTaiNs: 1_762_000_000_000_000_000n,
  createdNs: 1_000_000n,
  firstNs: 2_000_000n,
  lastNs: 2_301_000_000n,
};
const source = (token: bigint, more: Partial<ImageNews> = {}): ImageNews => ({
  ...news,
  kind: 'source',
  token,
  ...more,
});
const report = (id: number, problem = ''): ImageFileReport => ({
  id,
  path: problem === '' ? `/spool/${id}.fits` : '',
  sidecar: '',
  sha256: 'ab',
  problem,
  bytes: 100,
  begunNs: 2_302_000_000n,
  madeNs: 2_402_000_000n,
  durableNs: problem === '' ? 2_501_000_000n : 0n,
});

function rig(headerDeadlineMs = 0, boards = wavefrontBoards, directory = '/nowhere') {
  const orders: (ImageOrder & { token: bigint })[] = [];
  const released: bigint[] = [];
  const messages: AgentMessage[] = [];
  const alarms = new Map<string, string>();
  const room = new ImageRoom(
    {
      boards,
      values: { ...noValues, keywords: { TSTAND: 'bench' } },
      headerDeadlineMs,
      directory,
    },
    {
      link: {
        writeImage: (token, order) => orders.push({ token, ...order }),
        lookAtImage: () => undefined,
        releaseImage: (token) => released.push(token),
      },
      sink: { publish: (message) => messages.push(message) },
      log: logTo(() => undefined),
      taiNs: () => 1_762_000_003_000_000_000n,
      alarm: (alarm, _severity, reason) =>
        reason === null ? alarms.delete(alarm) : alarms.set(alarm, reason),
      looks: null,
      calibrationsOf: () => null,
      makeFolder: () => undefined,
    },
  );
  const cards = (order: ImageOrder | undefined) => {
    const { primary } = JSON.parse(order?.header ?? '{}') as { primary: [string, unknown][] };
    return new Map(primary.map(([key, value]) => [key, value]));
  };
  return { room, orders, released, messages, alarms, cards };
}

t.test(
  'both halves of a board are written, told when they are on the disk, and given back once',
  async (t) => {
    const { room, orders, released, messages, cards } = rig();
    room.onNews([news, source(7n)]);
    t.match(orders, [
      { token: 7n, firstPlane: 0, detector: 'wavefront', name: `${name}_R44_SW0.fits` },
      { token: 7n, firstPlane: 8, detector: 'wavefront', name: `${name}_R44_SW1.fits` },
    ]);
    t.same(released, [7n]);
    t.equal(cards(orders[1]).get('CCDSLOT'), 'SW1');
    t.equal(cards(orders[1]).get('FIRMWARE'), '113a400b');
    t.equal(cards(orders[1]).get('TSTAND'), 'bench');
    t.same(messages, [], 'nothing is told before there is a file');
    room.onImageFiles([report(2), report(1)]);
    t.match(messages, [
      {
        kind: 'image.available',
        datasetType: 'raw',
        sensor: 'R44_SW1',
        detector: 204,
        exposureId: 2026110200087,
        dayObs: 20261102,
        seqNum: 87,
        group: 'g1',
        path: '/spool/2.fits',
        readoutMs: 2300,
        writeMs: 100,
        durableMs: 200,
      },
      { kind: 'image.available', sensor: 'R44_SW0', detector: 203 },
    ]);
    t.match(room.counts, { written: 2, unwritten: 0, failed: 0, on_their_way: 0 });
  },
);

t.test(
  'a header document that comes in time is in the file, one that does not is not waited for',
  async (t) => {
    const { room, orders, cards } = rig(40, [latissBoard]);
    const document = { obsid: name, detectors: {}, rebCond: { ODP: 27 }, configCond: {} };
    room.onNews([source(1n, { location: 0 })]);
    t.equal(orders.length, 0, 'it waits');
    t.equal(room.counts.waiting_for_header, 1);
    t.equal(room.onHeader({ ...document, keywords: { RA: 12.5, TSTAND: 'sky' } }), 'in time');
    t.equal(cards(orders[0]).get('RA'), 12.5);
    t.equal(cards(orders[0]).get('TSTAND'), 'sky');
    t.match(JSON.parse(orders[0]?.header ?? ''), { reb_cond: [['ODP', 27]] });
    t.equal(room.onHeader({ ...document, obsid: 'other', keywords: { RA: 1 } }), 'early');
    room.onNews([source(2n, { location: 0, name: 'other' })]);
    t.equal(cards(orders[1]).get('RA'), 1, 'one that is there already costs no time');
    room.onNews([source(3n, { location: 0, name: 'third' })]);
    await new Promise((resolve) => setTimeout(resolve, 60));
    t.equal(orders.length, 3);
    t.equal(cards(orders[2]).get('RA'), null);
    t.equal(
      room.onHeader({ ...document, obsid: 'third', keywords: { RA: 2 } }),
      'late',
      'and the sender hears so',
    );
    room.onNews([source(4n, { location: 0, name: 'fourth' })]);
    room.stop();
    t.equal(orders.length, 4, 'what waits when the link closes is written without');
  },
);

t.test('each trouble is one alarm and a message, and ends with the next good image', async (t) => {
  const { room, messages, alarms, released, orders } = rig();
  room.onNews([
    { ...news, kind: 'failed', reason: 'short', bytes: 100 },
    { ...news, kind: 'failed', reason: 'unknown_detector', location: 117, imageTag: 'x' },
    { ...news, kind: 'complete', imageTag: 'x' },
  ]);
  t.same([...alarms.keys()], ['image_failed', 'image_unknown_detector']);
  t.match(alarms.get('image_failed'), `${name} R44: short (100 of 42467328 bytes)`);
  t.match(messages, [
    { kind: 'image.failed', sensor: 'R44_SW0', reason: 'short', bytes: 100 },
    { kind: 'image.failed', sensor: 'R44_SW1', reason: 'short' },
    { kind: 'image.failed', sensor: 'location_117', detector: -1, reason: 'unknown_detector' },
  ]);
  room.onNews([source(1n), { ...news, kind: 'complete' }]);
  t.same([...alarms.keys()], []);
  room.onImageFiles([report(1, '/spool: no space left on device'), report(2)]);
  t.same([...alarms.keys()], [], 'the second half was written again');
  room.onNews([source(2n)]);
  room.onImageFiles([report(3), report(4, '/spool: read-only')]);
  t.match(alarms.get('image_not_written'), `${name} R44_SW1 is not written: /spool: read-only`);
  t.match(messages.at(-1), { kind: 'image.failed', sensor: 'R44_SW1', reason: 'not_written' });
  t.match(room.counts, { written: 2, unwritten: 2, failed: 2, on_their_way: 0 });
  t.equal(orders.length, 4);
  t.same(released, [1n, 2n]);
});

t.test('an image with a name and details that say nothing is written all the same', async (t) => {
  const { room, orders, cards } = rig(0, [latissBoard]);
  room.onNews([source(1n, { location: 0, name: 'a/b', details: '{', sourceDetails: '[1]' })]);
  t.match(orders, [{ name: 'a_b_R00_S00.fits' }]);
  t.equal(cards(orders[0]).get('OBSID'), 'a/b');
});

t.test('a source that no board of the profile has is given back', async (t) => {
  const { room, released, orders } = rig();
  room.onNews([source(9n, { location: 99 })]);
  t.same(released, [9n]);
  t.same(orders, []);
});

t.test('what an earlier run left untold is told once, also when the link opens again at once', async (t) => {
  const left = 'MC_O_20261102_000086_R44_SW0';
  const directory = t.testdir({ [`${left}.fits`]: 'pixels', [`${left}.json`]: '{}' });
  const { room, messages } = rig(0, wavefrontBoards, directory);
  room.start();
  await room.end();
  room.start();
  await room.end();
  t.match(messages, [{ kind: 'image.available', sensor: 'R44_SW0', recovered: true, seqNum: 86 }]);
  t.equal(room.counts.recovered, 1);
  room.told(`${directory}/${left}.fits`);
  room.close();
  const next = rig(0, wavefrontBoards, directory);
  next.room.start();
  await next.room.end();
  t.same(next.messages, [], 'the next run knows that it was told');
});
