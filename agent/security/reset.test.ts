// SPDX-License-Identifier: Apache-2.0
// A peer that sends more than the agent has time to read and then resets its connection ends nothing: whatever ZeroMQ asks
// of its connections from time to time meets one that failed while its messages wait.
import { setTimeout as wait } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import t from 'tap';
import { Context, XPublisher } from 'zeromq';
import { endpointOptions } from './socket-options.js';

/** Speaks ZMTP 3.0 by hand, so that it can reset: 3000 subscriptions, more than an endpoint takes unread. */
const peer = `
const { connect } = require('node:net');
const { workerData, parentPort } = require('node:worker_threads');
const socket = connect(workerData.port, '127.0.0.1');
const greeting = Buffer.alloc(64);
greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0x7f, 3, 0]);
greeting.write('NULL', 12);
const ready = Buffer.from('\\x05READY\\x0bSocket-Type\\0\\0\\0\\x03SUB', 'latin1');
socket.write(Buffer.concat([greeting, Buffer.from([4, ready.length]), ready]));
let seen = 0;
socket.on('data', (data) => {
  seen += data.length;
  if (seen <= 64) return;
  socket.removeAllListeners('data');
  for (let i = 0; i < 3000; i++) socket.write(Buffer.from('\\0\\x09\\x01' + String(i).padStart(8, '0'), 'latin1'));
  setTimeout(() => { socket.resetAndDestroy(); parentPort.close(); }, 300);
});
`;

t.test('a peer that floods and resets while nobody reads does not end the process', async (t) => {
  const options = endpointOptions('tcp://127.0.0.1:*', 'data', null);
  const socket = new XPublisher({ context: new Context({ ioThreads: 2 }), linger: 0, ...options });
  t.teardown(() => socket.close());
  const accepted = new Promise((resolve) => socket.events.on('accept', resolve));
  await socket.bind('tcp://127.0.0.1:*');
  const port = Number(socket.lastEndpoint?.split(':').at(-1));
  const worker = new Worker(peer, { eval: true, workerData: { port } });
  await new Promise((resolve) => worker.once('exit', resolve));
  await accepted;
  // Longer than any question that ZeroMQ was ever told to ask.
  await wait(6000);
  let subscriptions = 0;
  while (subscriptions < 1000) {
    const [frame] = await socket.receive();
    if (frame?.[0] === 1) subscriptions++;
  }
  t.pass('what had come is there to be read');
});
