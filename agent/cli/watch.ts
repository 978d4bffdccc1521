// SPDX-License-Identifier: Apache-2.0
// summit-agent watch

import type { Subscriber } from 'zeromq';
import { attend } from './attend.js';
import type { Command, Surroundings } from './command.js';
import { connectionOf, dataHelp, dataOptions, subscribe } from './connection.js';
import { toJson } from './message-json.js';
import { messages } from './messages.js';
import { WatchTable } from './watch-table.js';

export const watch: Command = {
  summary: 'shows what a running agent publishes, live',
  help: `usage: summit-agent watch [--json] [--topic PREFIX] [options]

Subscribes to a running agent and shows its sensors, offset, link and alarms in a table that is redrawn in
place (every two seconds when stdout is no terminal). Several may watch one agent. Ctrl-C ends it.

  --json              every message as one JSON line instead of the table; NaN becomes null
  --topic PREFIX      only topics that begin with PREFIX, such as guider.offsets/ (default: all)
${dataHelp}
example: summit-agent watch --json --topic guider.offsets/
`,
  options: { ...dataOptions, json: { type: 'boolean' }, topic: { type: 'string' } },
  async run(options, around) {
    const connection = connectionOf(options);
    const topic = typeof options.topic === 'string' ? options.topic : '';
    const json = options.json === true;
    // The table says itself that nobody is there.
    const attendance = json ? attend(connection, 0, around.stderr) : null;
    const socket = subscribe(connection, [topic], attendance?.watch);
    around.stop.addEventListener('abort', () => socket.close());
    if (around.stop.aborted) socket.close();
    else if (json) await writeLines(socket, around);
    else await draw(socket, connection.data, around);
    return attendance?.end() ?? 0;
  },
};

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
