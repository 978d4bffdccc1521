// SPDX-License-Identifier: Apache-2.0
// A hostile process. usage: attacker.js fuzz|halfopen ADDRESS DEALER|SUB COUNT SEED
//   fuzz      COUNT connections, 64 at a time, each sends one volley and goes
//   halfopen  COUNT connections that say nothing, opened again when they are cut off, until SIGTERM
// Prints one JSON line at the end.
import { connect, type Socket } from 'node:net';
import { Random } from '../../../sim-hw/random.js';
import { volley } from './weapons.js';

const [how, address = '', type, countText, seed] = process.argv.slice(2);
const path = /^ipc:\/\/(.*)/.exec(address)?.[1] ?? null;
const count = Number(countText);
const random = new Random(Number(seed), 'attacker');
const totals = { connections: 0, frames: 0, bytes: 0, refused: 0 };
let over = false;

function open(): Socket {
  const port = Number(address.slice(address.lastIndexOf(':') + 1));
  const socket = path === null ? connect({ port, host: '127.0.0.1' }) : connect({ path });
  totals.connections++;
  socket.on('error', () => {
    totals.refused++;
  });
  socket.resume();
  return socket;
}

/** A greeting and the beginning of an answer to ours. */
const answeredBytes = 70;
/** Frames are sent then also to a side that does not answer. */
const impatientMs = 300;

/** One connection: resolves when it is gone. */
function shoot(): Promise<void> {
  return new Promise((resolve) => {
    const { bytes, then, frames } = volley(random, type === 'SUB' ? 'SUB' : 'DEALER');
    const socket = open();
    socket.once('close', () => resolve());
    socket.setTimeout(5000, () => socket.destroy());
    const leave = () => {
      totals.frames += frames;
      totals.bytes += bytes.length + (then?.length ?? 0);
      if (random.integer(3) > 0) socket.end();
      else if (path === null) socket.resetAndDestroy();
      else socket.destroy();
    };
    // Cut in two, so that the other side sees unfinished frames too.
    const cut = random.integer(bytes.length + 1);
    socket.write(bytes.subarray(0, cut), () => {
      socket.write(bytes.subarray(cut), () => {
        if (then === null) leave();
        else whenAnswered(socket, () => socket.write(then, leave));
      });
    });
  });
}

function whenAnswered(socket: Socket, go: () => void): void {
  let gone = false;
  const once = () => {
    if (!gone && !socket.destroyed) go();
    gone = true;
    clearTimeout(timer);
  };
  const timer = setTimeout(once, impatientMs);
  if (socket.bytesRead >= answeredBytes) once();
  socket.on('data', () => {
    if (socket.bytesRead >= answeredBytes) once();
  });
  socket.once('close', once);
}

async function fuzz(): Promise<void> {
  let left = count;
  const worker = async () => {
    while (left > 0 && !over) {
      left--;
      await shoot();
    }
  };
  await Promise.all(Array.from({ length: 64 }, worker));
}

async function halfOpen(): Promise<void> {
  const sockets = new Set<Socket>();
  const hold = () => {
    if (over) return;
    const socket = open();
    sockets.add(socket);
    socket.once('close', () => {
      sockets.delete(socket);
      setImmediate(hold);
    });
  };
  for (let i = 0; i < count; i++) hold();
  while (!over) await new Promise((resolve) => setTimeout(resolve, 50));
  for (const socket of sockets) socket.destroy();
}

process.once('SIGTERM', () => {
  over = true;
});
process.stdout.write('{"event":"ready"}\n');
await (how === 'fuzz' ? fuzz() : halfOpen());
process.stdout.write(`${JSON.stringify({ event: 'end', ...totals })}\n`);
process.exit(0);
