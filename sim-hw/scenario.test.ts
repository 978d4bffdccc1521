// SPDX-License-Identifier: Apache-2.0
// What the DAQ plays by itself, and what ends it early; on the real process.
import t from 'tap';
import { Bench, type Receiver } from './testing/bench.js';
import { eventType, reassemble } from './testing/datagram.js';

/** Types of the lifecycle messages for R00_SG0. */
function livesOf(receiver: Receiver): number[] {
  return reassemble(receiver.datagrams)
    .filter(({ header }) => header.location === 3 && header.eventType !== eventType.STAMP)
    .map(({ header }) => header.eventType);
}

const { STAMP, START, RESUME, PAUSE, STOP } = eventType;
const endless = ['--stamps', '1000000', '--rate', '50', '--start-delay-ms', '0'];

for (const command of ['stop', 'pause', 'initGuiders']) {
  t.test(`a client's ${command} ends a running scenario cleanly`, async (t) => {
    const bench = new Bench(t);
    const receiver = await bench.receiver();
    const simulator = await bench.simulator('--to', `127.0.0.1:${receiver.port}`, ...endless);
    const control = await bench.connect(simulator);
    await receiver.until('a stamp', (all) =>
      reassemble(all).some(({ header }) => header.eventType === STAMP) ? true : undefined,
    );
    t.match(
      await control.request('resume'),
      { reply: 'INVALID_TRANSITION' },
      'a refused one changes nothing',
    );
    const place = { segment: 7, startRow: 800, startCol: 56 };
    const roiSpec = { common: { rows: 20, cols: 20, integrationTimeMillis: 50 }, R00SG0: place };
    await control.must(command, { roiSpec });
    const { code } = await simulator.ended();
    await receiver.settled();
    t.equal(code, 0);
    t.same(simulator.sentences, [`sim-daq: the scenario ends: a client's command ${command} was granted`]);
    const second = command === 'initGuiders' ? [START] : [];
    t.same(livesOf(receiver), [START, RESUME, PAUSE, ...second, STOP]);
  });
}

t.test("with --linger the DAQ is the client's from its first command on", async (t) => {
  const bench = new Bench(t);
  const simulator = await bench.simulator('--linger', '--start-when-subscribed', ...endless);
  const control = await bench.connect(simulator);
  await control.must('sleep');
  await simulator.process.event('end', (event) => event.event === 'end', 10_000);
  t.match(await control.must('wake'), { state: 'IDLECLEARING', sequence: 0 });
});

t.test('a truth file that cannot be written ends the run with STOP and exit code 1', async (t) => {
  const bench = new Bench(t);
  const receiver = await bench.receiver();
  const to = ['--to', `127.0.0.1:${receiver.port}`, '--truth', '/dev/full'];
  const simulator = await bench.simulator(...to, '--stamps', '50', '--rate', '20', '--start-delay-ms', '0');
  const { code, end } = await simulator.ended();
  await receiver.settled();
  t.equal(code, 1);
  t.ok((end.stamps as number) < 400, 'it did not go on');
  t.match(simulator.sentences, [/^sim-daq: cannot write the truth file \/dev\/full: ENOSPC/]);
  t.equal(simulator.sentences.length, 1);
  t.same(livesOf(receiver), [START, RESUME, PAUSE, STOP]);
});
