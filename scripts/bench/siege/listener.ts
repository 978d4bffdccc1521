// SPDX-License-Identifier: Apache-2.0
// A subscriber that notes how old each result is. usage: listener.js ADDRESS KEYS-AS-JSON
// Until SIGTERM; then one JSON line: samples [received (CLOCK_MONOTONIC ms), us since the last packet], and messages
// that are missing in the numbering of topics.
import { Unpackr } from 'msgpackr';
import { Subscriber } from 'zeromq';

const [address, keys] = process.argv.slice(2);
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
const socket = new Subscriber({
  linger: 0,
  receiveHighWaterMark: 0,
  ...(JSON.parse(keys ?? '{}') as object),
});
socket.connect(address ?? '');
socket.subscribe('guider.result/');
const samples: [number, number][] = [];
const last = new Map<string, number>();
let missing = 0;

process.once('SIGTERM', () => socket.close());
process.stdout.write('{"event":"ready"}\n');
try {
  for await (const [topicFrame, frame] of socket) {
    const now = process.hrtime.bigint();
    if (!topicFrame || !frame) continue;
    const { seq, body } = unpackr.unpack(frame) as { seq: number; body: { t_last_ns: bigint } };
    samples.push([Number(now / 1_000_000n), Number(now - BigInt(body.t_last_ns)) / 1000]);
    const topic = String(topicFrame);
    const before = last.get(topic);
    if (before !== undefined) missing += Number(seq) - before - 1;
    last.set(topic, Number(seq));
  }
} catch (error) {
  if (!socket.closed) throw error;
}
process.stdout.write(`${JSON.stringify({ event: 'end', samples, missing })}\n`);
