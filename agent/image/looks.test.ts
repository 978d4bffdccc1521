// SPDX-License-Identifier: Apache-2.0
import t from 'tap';
import type { ImageNews, IsrFileReport, LookOrder, LookReport } from '../model/image.js';
import { type ImageBoard, latissBoard, wavefrontBoards } from '../model/image-detectors.js';
import { logTo } from '../model/log.js';
import type { AgentMessage } from '../model/messages.js';
import { Looks } from './looks.js';
import type { ProductFiles, ProductOrder } from './products/writer.js';

const news: ImageNews = {
  kind: 'source',
  imageTag: 'd9018efa51e8a093',
  name: 'MC_O_20261102_000087',
  details: '',
  sourceDetails: '',
  simulated: true,
  location: 216,
  reason: '',
  token: 5n,
  bytes: 1,
  bytesExpected: 1,
  resumed: 0,
  triggerTaiNs: 1_762_000_000_000_000_000n,
  createdNs: 0n,
  firstNs: 0n,
  lastNs: 1_000_000_000n,
};

function look(id: number, report: Record<string, unknown>, problem = ''): LookReport {
  const times = { begunNs: 1_100_000_000n, isrNs: 1_250_000_000n, doneNs: 1_400_000_000n };
  const common = {
    detector: 'R44_SW0',
    kind: 'wavefront',
    isr: { applied: [], skipped: [], missing: [], nominal_gain: false },
    times_ms: {},
  };
  const text = JSON.stringify({ ...common, ...report });
  return { id, problem, report: text, preview: new Uint8Array(4), cols: 2, rows: 2, ...times };
}

function rig(isrFiles = false) {
  const orders: (LookOrder & { token: bigint })[] = [];
  const drawn: ProductOrder[] = [];
  const messages: AgentMessage[] = [];
  const alarms = new Map<string, string>();
  let onFiles: (files: ProductFiles) => void = () => undefined;
  const looks = new Looks(
    { directory: '/looks', isrFiles, calibrated: true },
    {
      link: {
        writeImage: () => undefined,
        releaseImage: () => undefined,
        lookAtImage: (token, order) => orders.push({ token, ...order }),
      },
      sink: { publish: (message) => messages.push(message) },
      log: logTo(() => undefined),
      alarm: (alarm, _severity, reason) =>
        reason === null ? alarms.delete(alarm) : alarms.set(alarm, reason),
      nowNs: () => 1_500_000_000n,
      startProductWriter: (call) => {
        onFiles = call;
        return { write: (order) => drawn.push(order), stop: async () => undefined };
      },
    },
  );
  looks.start();
  const order = (board: ImageBoard | undefined, half = 0) => {
    const detector = board?.detectors[half];
    if (!board || !detector) throw new Error('the tables have no such detector');
    const stem = `${news.name}_${detector.detectorName}`;
    looks.order(5n, { news, kind: board.kind, detector, stem, header: '{}' }, '');
  };
  /** The files of everything that was drawn are there. */
  const written = (problem = '') => {
    for (const { id, stem } of drawn.splice(0)) {
      const there = problem === '';
      onFiles({ id, json: there ? `${stem}.json` : '', picture: there ? `${stem}.png` : '', problem });
    }
  };
  return { looks, orders, drawn, messages, alarms, order, written };
}

const half = (focal: string, radius: number) => ({
  header: { OBSID: news.name, RAFTBAY: 'R44' },
  product: { focal, donuts: [], sensor: { radius, radius_err: 0.3 }, quality: { flags: ['NO_FLAT'] } },
});

t.test('a look is told when its files are there, the second half with what both say', async (t) => {
  const { looks, orders, drawn, messages, order, written } = rig();
  order(wavefrontBoards[3], 0);
  order(wavefrontBoards[3], 1);
  t.match(orders, [
    { token: 5n, firstPlane: 0, kind: 'wavefront', calibration: 'R44_SW0', isrPath: '' },
    { token: 5n, firstPlane: 8, kind: 'wavefront', calibration: 'R44_SW1', isrPath: '' },
  ]);
  looks.onLooks([look(1, half('extra', 67)), look(2, half('intra', 65))]);
  t.same(messages, []);
  t.equal(drawn[0]?.stem, '/looks/MC_O_20261102_000087_R44_SW0');
  t.match(drawn[1]?.more, { focus_fit: null, defocus: { raft: 'R44', radius_difference_px: 2 } });
  written();
  t.match(messages, [
    {
      kind: 'image.quicklook',
      sensor: 'R44_SW0',
      exposureId: 2026110200087,
      outcome: 'looked',
      flags: ['NO_FLAT'],
      defocus: null,
      json: '/looks/MC_O_20261102_000087_R44_SW0.json',
      begunMs: 100,
      isrMs: 250,
      lookedMs: 400,
      quicklookMs: 500,
    },
    { sensor: 'R44_SW1', product: { focal: 'intra' }, defocus: { defocus_mm: 0.0226 } },
  ]);
  t.match(looks.counts, { looked: 2, left_out: 0, looks_on_their_way: 0 });
});

t.test('the lists of a spectrum are beside the product, and focus is fitted over the series', async (t) => {
  const { looks, messages, order, written } = rig();
  const numbers = { y_px: [1], wavelength_nm: [500], flux: [9], variance: [4], background: [2] };
  for (const [i, z] of [-0.1, 0, 0.1].entries()) {
    order(latissBoard);
    const spectrum = { ...numbers, distance_px: [null], D_mm: 187, lines: [] };
    const focus = { z_mm: z, fwhm_px: Math.hypot(10, 60 * (z - 0.02)), fwhm_err_px: 0.02 };
    const header = { GRATING: 'holo4_003', FILTER: 'empty_1' };
    looks.onLooks([look(i + 1, { header, product: { spectrum, focus, quality: { flags: [] } } })]);
  }
  written();
  const [, , last] = messages;
  if (last?.kind !== 'image.quicklook') throw new Error('no quick-look');
  t.same(last.spectrum, { ...numbers, distance_px: [Number.NaN] });
  t.same(last.product?.spectrum, { D_mm: 187, lines: [] });
  t.match(last.focusFit, { n: 3 });
  t.ok(Math.abs(Number((last.focusFit as { best_z_mm: number }).best_z_mm) - 0.02) < 1e-6);
});

t.test('one that nobody looked at is told with its reason; the next one ends the alarm', async (t) => {
  const { looks, messages, alarms, order, written } = rig();
  order(latissBoard);
  order(latissBoard);
  looks.onLooks([look(1, {}, 'superseded')]);
  t.match(messages, [{ outcome: 'left_out', reason: 'superseded', product: null, json: '' }]);
  t.match(alarms.get('image_not_looked_at'), /R00_S00: a newer image came before its turn/);
  looks.onLooks([look(2, { header: {}, product: { quality: { flags: [] } } })]);
  written();
  t.same([...alarms.keys()], []);
  t.match(looks.counts, { looked: 1, left_out: 1, looks_on_their_way: 0 });
});

t.test('missing calibrations and files that cannot be written are one alarm each', async (t) => {
  const { looks, messages, alarms, order, written } = rig(true);
  const seen = (missing: string[]) => ({
    header: {},
    isr: { applied: [], skipped: ['flat'], missing, nominal_gain: false },
    product: { quality: { flags: [] } },
  });
  order(latissBoard);
  looks.onLooks([look(1, seen(['/calib/LATISS/flat.fits: not there', 'another']))]);
  written('/looks: no space left on device');
  t.same(
    [...alarms],
    [
      ['image_uncalibrated', 'R00_S00 is looked at without: /calib/LATISS/flat.fits: not there'],
      [
        'image_products_not_written',
        'a file of a quick-look is not written: /looks: no space left on device',
      ],
    ],
  );
  t.match(messages, [{ outcome: 'looked', json: '', picture: '' }], 'the numbers are told all the same');
  order(latissBoard);
  looks.onLooks([look(2, seen([]))]);
  written();
  const file: IsrFileReport = {
    id: 2,
    path: '/a.isr.fits',
    problem: '',
    bytes: 9,
    durableNs: 1_600_000_000n,
  };
  looks.onIsrFiles([file]);
  t.same([...alarms.keys()], []);
  t.match(messages.at(-1), {
    kind: 'image.available',
    datasetType: 'post_isr_image',
    path: '/a.isr.fits',
    durableMs: 600,
  });
});
