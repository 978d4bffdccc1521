// SPDX-License-Identifier: Apache-2.0
// The addon in worker threads and several times in one process: each has its own link, and the process ends by
// itself with exit code 0.
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import t, { type Test } from 'tap';
import { Child, type JsonLine } from '../../scripts/processes/child.js';
import { nativePath } from '../daq/native.js';
import { stampDatagram } from '../daq/testing/datagram.js';
import { deadlineMs, Rig } from './rig.js';

const location = 3;

const settings = {
  driver: 'wire',
  options: { address: '127.0.0.1', port: 0, receiveBufferBytes: 1 << 20 },
  slots: 8,
  slotBytes: 10_000,
  ringRecords: 256,
  linkTimeoutMs: 60_000,
  schedFifo: null,
  cpu: null,
  lockMemory: false,
  hugePages: false,
  sensors: [{ location, gain: 1, readNoise: 0, badSegments: [] }],
};

/**
 * A module with `openLink(stamps)`: opens a link on a free port, sends itself that many stamps and resolves to
 * `{link, port, seen}` when they have come back as records.
 */
const linkModule = `
import { createSocket } from 'node:dgram';
import { NativeDaqLink } from ${JSON.stringify(pathToFileURL(resolve('dist/agent/daq/link.js')).href)};

const datagrams = ${JSON.stringify([0, 1, 2, 3].map((n) => stampDatagram(location, n, n).toString('base64')))};

export function openLink(stamps) {
  return new Promise((resolve) => {
    let port = 0;
    let seen = 0;
    const link = new NativeDaqLink(${JSON.stringify(settings)}, ({ text }) => {
      port = Number(/stamps on UDP .*:(\\d+)/.exec(text)?.[1] ?? port);
    });
    link.start((records) => {
      seen += records.filter(({ eventType }) => eventType === 0).length;
      if (seen === stamps) resolve({ link, port, seen });
    });
    const socket = createSocket('udp4');
    let left = stamps;
    for (const text of datagrams.slice(0, stamps)) {
      socket.send(Buffer.from(text, 'base64'), port, '127.0.0.1', () => --left === 0 && socket.close());
    }
  });
}
`;

/** Runs a program beside the link module; resolves to its exit code and what it printed. */
async function runProgram(
  t: Test,
  files: Readonly<Record<string, string>>,
): Promise<{ code: number; said: JsonLine[]; text: string[] }> {
  const { directory } = new Rig(t);
  for (const [name, text] of Object.entries({ ...files, 'link.mjs': linkModule })) {
    writeFileSync(join(directory, name), text);
  }
  const text: string[] = [];
  const child = new Child({
    name: 'links',
    script: join(directory, 'main.mjs'),
    args: [],
    onText: (line) => text.push(line),
  });
  t.teardown(() => child.stop(2000));
  const late = setTimeout(() => child.kill('SIGKILL'), deadlineMs);
  const code = await child.exited;
  clearTimeout(late);
  return { code, said: [...child.events], text: text.filter((line) => !line.startsWith('{')) };
}

/** A worker that opens a link, tells its port, and stops it when it is told to. */
const worker = `
import { parentPort } from 'node:worker_threads';
import { openLink } from './link.mjs';
const { link, port, seen } = await openLink(4);
parentPort.postMessage({ port, seen, complete: Number(link.counters().sensors[0].complete) });
parentPort.once('message', async () => {
  await link.stop();
  parentPort.postMessage({ stopped: true });
  parentPort.close();
});
`;

const threads = `
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
const say = (line) => console.log(JSON.stringify(line));
const open = () => new Worker(new URL('./worker.mjs', import.meta.url));
`;

function assertCleanEnd(t: Test, { code, text }: { code: number; text: readonly string[] }): void {
  t.equal(code, 0, 'the process ends by itself with exit code 0');
  t.same(text, [], 'and says nothing else');
}

t.test('a worker thread opens, uses and stops a link of its own', async (t) => {
  const main = `${threads}
const worker = open();
const ended = once(worker, 'exit');
const [opened] = await once(worker, 'message');
worker.postMessage('stop');
const [closed] = await once(worker, 'message');
say({ ...opened, ...closed, exit: (await ended)[0] });
`;
  const program = await runProgram(t, { 'main.mjs': main, 'worker.mjs': worker });
  t.match(program.said, [{ seen: 4, complete: 4, stopped: true, exit: 0 }]);
  assertCleanEnd(t, program);
});

t.test('two workers and the main thread have links at once, and stop them one by one', async (t) => {
  const main = `${threads}
import { openLink } from './link.mjs';
const own = await openLink(4);
const workers = [open(), open()];
const opened = await Promise.all(workers.map((worker) => once(worker, 'message')));
const ports = [own.port, ...opened.map(([{ port }]) => port)];
say({ ports: new Set(ports).size, seen: [own.seen, ...opened.map(([{ seen }]) => seen)] });
for (const worker of workers) {
  const ended = once(worker, 'exit');
  worker.postMessage('stop');
  await once(worker, 'message');
  await ended;
}
say({ own: Number(own.link.counters().sensors[0].complete) });
await own.link.stop();
`;
  const program = await runProgram(t, { 'main.mjs': main, 'worker.mjs': worker });
  t.match(program.said, [{ ports: 3, seen: [4, 4, 4] }, { own: 4 }]);
  assertCleanEnd(t, program);
});

t.test('workers that are ended with open links take these with them', async (t) => {
  const main = `${threads}
for (let round = 0; round < 3; round++) {
  const workers = [open(), open()];
  const opened = await Promise.all(workers.map((worker) => once(worker, 'message')));
  await Promise.all(workers.map((worker) => worker.terminate()));
  say({ seen: opened.map(([{ seen }]) => seen) });
}
`;
  const program = await runProgram(t, { 'main.mjs': main, 'worker.mjs': worker });
  t.match(program.said, [{ seen: [4, 4] }, { seen: [4, 4] }, { seen: [4, 4] }]);
  assertCleanEnd(t, program);
});

t.test('a process that ends with open links in all threads ends cleanly', async (t) => {
  const main = `${threads}
import { openLink } from './link.mjs';
const { seen } = await openLink(4);
const [opened] = await once(open(), 'message');
say({ seen: [seen, opened.seen] });
process.exit();
`;
  const program = await runProgram(t, { 'main.mjs': main, 'worker.mjs': worker });
  t.match(program.said, [{ seen: [4, 4] }]);
  assertCleanEnd(t, program);
});

t.test('the addon loaded twice in one thread is two addons, each with a link', async (t) => {
  const main = `
import { createRequire } from 'node:module';
const require = createRequire(import.meta.url);
const path = ${JSON.stringify(nativePath())};
function load() {
  delete require.cache[path];
  return require(path);
}
const addons = [load(), load()];
const links = addons.map(({ NativeLink }) => new NativeLink(${JSON.stringify(JSON.stringify(settings))}, () => {}));
for (const link of links) link.start();
const ports = links.map((link) => link.takeLog().map(({ text }) => /stamps on UDP .*:(\\d+)/.exec(text)?.[1]).join(''));
const [first, second] = links;
const stopped = [await first.stop(), await second.stop()];
console.log(JSON.stringify({
  own: addons[0].NativeLink !== addons[1].NativeLink && ports[0] !== ports[1] && Number(ports[0]) > 0,
  stopped,
}));
`;
  const program = await runProgram(t, { 'main.mjs': main });
  t.match(program.said, [{ own: true, stopped: [true, true] }]);
  assertCleanEnd(t, program);
});
