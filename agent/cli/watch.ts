// SPDX-License-Identifier: Apache-2.0
// summit-agent watch

import { Unpackr } from 'msgpackr';
import { Context, Subscriber } from 'zeromq';
import { defaults } from '../config/profile.js';
import { AgentError } from '../model/errors.js';
import type { Command, Surroundings } from './command.js';
import { toJson } from './message-json.js';
import { WatchTable } from './watch-table.js';

export const watch: Command = {
  summary: 'shows what a running agent publishes, live',
  help: `usage: summit-agent watch [--connect ADDRESS] [--json] [--topic PREFIX]

Subscribes to a running agent and shows its sensors, offset, link and alarms in a table that is redrawn in
place (every two seconds when stdout is no terminal). Several may watch one agent. Ctrl-C ends it.

  --connect ADDRESS   data endpoint of the agent (default ${defaults.data})
  --json              every message as one JSON line instead of the table; NaN becomes null
  --topic PREFIX      only topics that begin with PREFIX, such as guider.offsets/ (default: all)

example: summit-agent watch --json --topic guider.offsets/
`,
  options: { connect: { type: 'string' }, json: { type: 'boolean' }, topic: { type: 'string' } },
  async run(options, around) {
    const address = typeof options.connect === 'string' ? options.connect : defaults.data;
    const topic = typeof options.topic === 'string' ? options.topic : '';
    const socket = connect(address, topic);
    around.stop.addEventListener('abort', () => socket.close());
    if (around.stop.aborted) socket.close();
    else if (options.json === true) await writeLines(socket, around);
    else await draw(socket, address, around);
    return 0;
  },
};

function connect(address: string, topic: string): Subscriber {
  const socket = new Subscriber({ context: new Context({ blocky: false }), linger: 0 });
  try {
    socket.connect(address);
  } catch (error) {
    socket.close();
    const message = `--connect: expected an address such as tcp://127.0.0.1:5570, got ${address}`;
    throw new AgentError('usage', message, { cause: error });
  }
  socket.subscribe(topic);
  return socket;
}

interface Received {
  readonly topic: string;
  readonly kind: string;
  readonly envelope: Readonly<Record<string, unknown>>;
}

/** Decoded messages until the socket closes; what is not a message of ours is passed over. */
async function* messages(socket: Subscriber): AsyncGenerator<Received> {
  const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true });
  try {
    for await (const [topicFrame, frame] of socket) {
      if (!topicFrame || !frame) continue;
      const topic = topicFrame.toString('latin1');
      let value: unknown;
      try {
        value = unpackr.unpack(frame);
      } catch {
        continue;
      }
      if (typeof value !== 'object' || value === null || !('body' in value)) continue;
      const envelope = value as Readonly<Record<string, unknown>>;
      yield { topic, kind: topic.split('/', 1)[0] ?? '', envelope };
    }
  } catch (error) {
    if (!socket.closed) throw error;
  }
}

async function writeLines(socket: Subscriber, { stdout }: Surroundings): Promise<void> {
  // A reader that went away (head, less) ends the watch.
  stdout.once('error', () => socket.close());
  for await (const { topic, envelope } of messages(socket)) {
    stdout.write(`${toJson({ topic, ...envelope })}\n`);
  }
}

async function draw(socket: Subscriber, address: string, { stdout }: Surroundings): Promise<void> {
  const table = new WatchTable();
  const inPlace = stdout.isTTY === true;
  const show = () => {
    const text = table.render(address, performance.now());
    // Home, each line cleared to its end, then everything below.
    stdout.write(inPlace ? `\x1b[H${text.replaceAll('\n', '\x1b[K\n')}\x1b[K\n\x1b[J` : `${text}\n`);
  };
  if (inPlace) stdout.write('\x1b[2J');
  show();
  const timer = setInterval(show, inPlace ? 250 : 2000);
  try {
    for await (const { kind, envelope } of messages(socket)) table.take(kind, envelope, performance.now());
  } finally {
    clearInterval(timer);
  }
}
