// SPDX-License-Identifier: Apache-2.0
// The client in another language: scripts/clients/subscribe.py, with no code of ours but itself, reads a live agent.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { Child, type JsonLine } from '../../scripts/processes/child.js';
import { freeTcpPort } from '../../scripts/processes/ports.js';
import { guideSensors } from '../model/location.js';
import { deadlineMs, Rig } from './rig.js';

const client = 'scripts/clients/subscribe.py';
const names = guideSensors.map((sensor) => sensor.detectorName);
const stamps = 20;
const series = ['--stamps', String(stamps), '--exposures', '1', '--rate', '20', '--snr', '60', '--seed', '5'];

type Line = JsonLine & { readonly topic: string; readonly body: Readonly<Record<string, unknown>> };

/** A running subscribe.py and every line it printed. */
class Client {
  readonly lines: Line[] = [];
  readonly strange: string[] = [];
  readonly process: Child;

  constructor(t: Test, args: readonly string[]) {
    this.process = new Child({ name: client, command: client, args, onText: (text) => this.#onText(text) });
    t.teardown(() => this.process.stop(2000));
  }

  of(kind: string): Line[] {
    return this.lines.filter((line) => kindOf(line) === kind);
  }

  first(kind: string, wanted: (body: Line['body']) => boolean = () => true): Promise<JsonLine> {
    const isIt = (event: JsonLine) => kindOf(event) === kind && wanted((event as Line).body);
    return this.process.event(kind, isIt, deadlineMs);
  }

  #onText(text: string): void {
    try {
      this.lines.push(JSON.parse(text) as Line);
    } catch {
      this.strange.push(text);
    }
  }
}

function kindOf(line: JsonLine): string {
  return String(line.topic).split('/', 1)[0] ?? '';
}

/** The kinds that agent/README.md lists under "Data". */
function documentedKinds(): string[] {
  const readme = readFileSync('agent/README.md', 'utf8');
  return [...readme.matchAll(/^\| `([a-z.]+)` \| `\.\.\.\/[^|]*\/` \|/gm)].map((match) => match[1] ?? '');
}

function rms(values: readonly number[]): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}

/**
 * The agent is there before its DAQ, so that the clients listen before the first stamp. `end` resolves when both
 * clients have seen the end of the series and the alarm that went off with it.
 */
async function watchOneSeries(t: Test) {
  const rig = new Rig(t);
  const control = `127.0.0.1:${await freeTcpPort()}`;
  const device = join(rig.directory, 'dome');
  const serial = new Child({
    name: 'sim-serial',
    script: 'dist/sim-hw/serial/main.js',
    args: [`omega-hx85a=${device}`],
  });
  t.teardown(() => serial.stop(2000));
  await serial.event('ready', (event) => event.event === 'ready', deadlineMs);
  const agent = await rig.agent({ daqControl: control }, (profile) => ({
    ...profile,
    health: {
      ...(profile.health as JsonLine | undefined),
      sensors: [{ name: 'dome', device: 'omega-hx85a', path: device }],
    },
    guider: { ...(profile.guider as JsonLine), recording: { directory: join(rig.directory, 'files') } },
  }));
  const all = new Client(t, [agent.data]);
  const some = new Client(t, [agent.data, 'guider.offsets/', 'guider.result/LSSTCam/R4', 'heartbeat/']);
  await Promise.all([all.first('heartbeat'), some.first('heartbeat')]);
  // A command that changes nothing but what is told of it.
  await rig.control(agent.control).request('setLogLevel', { level: 20 });
  await all.first('state', (body) => body.event === 'logLevel');
  await all.first('alarm', (body) => body.name === 'link_down' && body.active === true);
  const simulator = await rig.simulator([...series, '--control', control]);
  await simulator.end();
  await all.first('health.sensor');
  await all.first('health.host');
  await all.first('metrics');
  await all.first('series.end');
  await all.first('guider.exposure');
  await all.first('image.available');
  await all.first('alarm', (body) => body.name === 'link_down' && body.active === false);
  const last = Math.max(...all.of('guider.offsets').map(({ body }) => body.stamp as number));
  await some.first('guider.offsets', (body) => body.stamp === last);
  return { all, some, truth: rig.truth() };
}

t.test('a short Python client reads every kind of message and finds the stars', async (t) => {
  const { all, some, truth } = await watchOneSeries(t);

  t.same(all.strange, [], 'every line is one JSON object, and stderr is empty');
  // A guider has no images that fail or are looked at, and this one no repository that removes any.
  const others = ['image.failed', 'image.quicklook', 'image.removed'];
  const kinds = documentedKinds().filter((kind) => !others.includes(kind));
  t.ok(kinds.length >= 10, `documented kinds: ${kinds.join(', ')}`);
  for (const kind of kinds) {
    const [line] = all.of(kind);
    t.match(
      line,
      { schema: `${kind}/1`, agent: 'sim-guider', sim: true, boot: /^[0-9a-f]{16}$/, pixel_bytes: [] },
      kind,
    );
    t.ok(Object.keys(line?.body ?? {}).length > 0, `${kind}: has a body`);
  }
  t.same(
    [...new Set(all.lines.map(kindOf))].filter((kind) => !kinds.includes(kind)),
    [],
    'and none that is not documented',
  );

  for (const topic of new Set(all.lines.map((line) => line.topic))) {
    const seqs = all.lines.filter((line) => line.topic === topic).map((line) => Number(line.seq));
    const first = seqs[0] ?? 0;
    t.same(
      seqs,
      seqs.map((_, i) => first + i),
      `${topic}: ${seqs.length} messages without a gap`,
    );
  }

  for (const name of names) {
    const seen = all.of('guider.result').filter(({ body }) => body.sensor === name);
    t.same(
      seen.map(({ body }) => body.stamp),
      Array.from({ length: stamps }, (_, i) => i),
      `${name}: every stamp came, in order`,
    );
  }
  const errors = all
    .of('guider.result')
    .filter(({ body }) => body.flagged === false)
    .flatMap(({ body }) => {
      const line = truth.find((one) => one.sensor === body.sensor && one.stamp === body.stamp);
      if (line === undefined) return [Number.POSITIVE_INFINITY];
      return [(body.xroi as number) - line.x, (body.yroi as number) - line.y];
    });
  t.ok(errors.length > 1.8 * stamps * names.length, `${errors.length / 2} good positions`);
  t.ok(rms(errors) < 0.08, `rms against truth is that of stars of SNR 60: ${rms(errors).toFixed(4)} px`);
  for (const { body } of all.of('guider.summary')) {
    if (body.good_stamps === 0) t.equal(body.delta_x, null, 'no number is null, as JSON has no NaN');
  }

  const topics = new Set(some.lines.map((line) => line.topic));
  t.same(
    [...topics].sort(),
    [
      'guider.offsets/LSSTCam/all/',
      ...names.filter((name) => name.startsWith('R4')).map((name) => `guider.result/LSSTCam/${name}/`),
      'heartbeat/LSSTCam/sim-guider/',
    ].sort(),
    'a client that asks for some topics gets these',
  );
  t.equal(some.of('guider.offsets').length, all.of('guider.offsets').length);

  all.process.kill('SIGINT');
  t.equal(await all.process.exited, 0, 'Ctrl-C ends the client with exit code 0');
  t.same(all.strange, [], 'and without a traceback');
});

t.test('the client explains itself, and an address that is none', async (t) => {
  const help = new Client(t, ['--help']);
  t.equal(await help.process.exited, 0);
  t.match(help.strange.join('\n'), /usage: subscribe\.py \[ADDRESS \[TOPIC\.\.\.\]\]/);
  const wrong = new Client(t, ['nonsense']);
  t.equal(await wrong.process.exited, 1);
  t.match(wrong.strange.join('\n'), /^subscribe\.py: expected an address such as .*, got nonsense: .*$/);
});
