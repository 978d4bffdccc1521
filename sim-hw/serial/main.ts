#!/usr/bin/env node
import { once } from 'node:events';
// SPDX-License-Identifier: Apache-2.0
// sim-serial: argv, wiring, signals, exit code; nothing else.
import { closeSync, openSync, writeSync } from 'node:fs';
import { SimulatedDevice, type Truth } from './device.js';
import { parseSerialOptions, type SerialOptions, serialHelp } from './options.js';
import { players } from './players.js';

function say(event: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function stopSignal(): AbortSignal {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  // Hardware goes on whoever reads what it says.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  // Ends with the process that started it, also when that is killed: then standard input closes.
  if (process.env.SUMMIT_STOP_WITH_STDIN === '1') {
    for (const stream of [process.stdout, process.stderr]) stream.on('error', stop);
    process.stdin.once('end', stop).resume().unref();
  }
  return stopped.signal;
}

async function simulate(options: SerialOptions): Promise<void> {
  const stop = stopSignal();
  const file = options.truth === null ? null : openSync(options.truth, 'w');
  const truth: Truth = (entry) => {
    if (file !== null) writeSync(file, `${JSON.stringify(entry)}\n`);
  };
  const devices = options.devices.flatMap((device) => {
    const player = players[device.name];
    return player
      ? [{ ...device, simulated: new SimulatedDevice({ ...options, ...device }, player, truth) }]
      : [];
  });
  try {
    for (const { simulated } of devices) simulated.plug();
    say({ event: 'ready', pid: process.pid, devices: options.devices });
    await Promise.all(devices.map(({ simulated }) => simulated.run(stop)));
    say({
      event: 'end',
      devices: Object.fromEntries(devices.map(({ name, simulated }) => [name, simulated.report])),
    });
    if (options.linger && !stop.aborted) await once(stop, 'abort');
  } finally {
    for (const { simulated } of devices) simulated.unplug();
    if (file !== null) closeSync(file);
  }
}

try {
  const options = parseSerialOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(serialHelp);
  else await simulate(options);
} catch (error) {
  process.stderr.write(
    `sim-serial: ${error instanceof Error ? error.message : String(error)}\nsim-serial --help explains\n`,
  );
  process.exitCode = 2;
}
