// SPDX-License-Identifier: Apache-2.0
// Takes images of the simulated camera, one each PERIOD ms, and throws every byte of them away: what camera and network alone
// do to others on the same machine.
// usage: reader.js CONTROL IMAGES PERIOD EXPOSURE_S    until stdin or SIGTERM ends it; prints one JSON line per image
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';

const [control = '', images = '', period = '', exposureS = ''] = process.argv.slice(2);

function open(address: string): Socket {
  const [host = '', port = ''] = address.split(':');
  return connect(Number(port), host);
}

/** Resolves at the end of the stream. */
async function drain(image: unknown, location: unknown): Promise<number> {
  const socket = open(images);
  socket.write(`${JSON.stringify({ command: 'fetch', image, location, offset: 0 })}\n`);
  let bytes = 0;
  for await (const chunk of socket) bytes += (chunk as Buffer).length;
  return bytes;
}

const store = open(images);
store.write('{"command":"watch"}\n');
const daq = open(control);
daq.resume();
process.stdin.on('close', () => process.exit(0)).resume();

void (async () => {
  for (let id = 1; ; id++) {
    daq.write(`${JSON.stringify({ id, command: 'take', exposureS: Number(exposureS) })}\n`);
    await delay(Number(period));
  }
})();

for await (const line of createInterface({ input: store })) {
  const told = JSON.parse(line) as Record<string, unknown>;
  if (told.event !== 'created') continue;
  const sources = told.sources as readonly { readonly location: number }[];
  void Promise.all(sources.map(({ location }) => drain(told.image, location))).then((bytes) => {
    console.log(JSON.stringify({ event: 'read', image: told.name, bytes: bytes.reduce((a, b) => a + b, 0) }));
  });
}
