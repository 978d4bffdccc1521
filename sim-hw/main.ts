#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// sim-daq: argv, wiring, signals, exit code; nothing else.
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { ControlServer } from './control-server.js';
import { Daq } from './daq.js';
import { parseDisturbance } from './disturbance.js';
import { simHelp } from './help.js';
import { ImageRoom } from './images/room.js';
import { parseSimOptions, type SimOptions } from './options.js';
import { Scenario } from './scenario.js';
import { Stream } from './stream.js';
import { TruthFile } from './truth.js';

function say(event: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

function tell(sentence: string): void {
  process.stderr.write(`sim-daq: ${sentence}\n`);
}

/** Ends with the process that started it, also when that is killed: then standard input closes. */
function stopWithStdin(stop: () => void): void {
  // And nobody reads what is said.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', stop);
  process.stdin.once('end', stop).resume().unref();
}

/** Resolves to the exit code. */
async function simulate(options: SimOptions): Promise<number> {
  const stopped = new AbortController();
  const stop = (): void => stopped.abort();
  // Hardware goes on whoever reads what it says.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  if (process.env.SUMMIT_STOP_WITH_STDIN === '1') stopWithStdin(stop);
  let exitCode = 0;
  const daq = new Daq(options, tell);
  const truth = new TruthFile(options.truth, (sentence) => {
    tell(sentence);
    exitCode = 1;
    stop();
  });
  const stream = new Stream(daq, options, truth);
  const scenario = options.idle ? null : new Scenario(daq, options, stopped.signal);
  let subscribed: () => void = () => undefined;
  const firstSubscriber = new Promise<void>((resolve) => {
    subscribed = resolve;
  });
  const control = new ControlServer(daq, {
    subscribed: () => {
      subscribed();
      scenario?.subscribed();
    },
    commanded: (name) => scenario?.takenOver(name, tell),
    disturb: (args) => {
      const disturbance = parseDisturbance(args);
      if (typeof disturbance === 'string') return disturbance;
      daq.disturb(disturbance);
      stream.disturb(disturbance);
      // Its answer leaves first.
      if (disturbance.hangUp) setImmediate(() => control.hangUp());
      if (disturbance.restartMs > 0) setImmediate(() => void restart(disturbance.restartMs));
      return null;
    },
    take: (args) => images?.take(args) ?? null,
  });
  const restart = async (downMs: number): Promise<void> => {
    daq.crash();
    control.close();
    await delay(downMs);
    await control.open();
    daq.resumeStatus();
  };
  const images = options.images === null ? null : new ImageRoom(options.images, daq, say);
  const store = await images?.start();
  const address = await control.start(options.control);
  daq.start({
    // Commands may run a series too, with or without a number of stamps; the scenario's exposures have one.
    running: () => stream.begin(daq.stampsAsked ?? scenario?.stamps ?? 0, () => scenario?.exposureDone()),
    leaving: () => stream.end(),
  });
  const about = { session: daq.session.toString(16), pid: process.pid };
  say({ event: 'ready', control: address, ...(store === undefined ? {} : { images: store }), ...about });
  try {
    const aborted = stopped.signal.aborted ? Promise.resolve() : once(stopped.signal, 'abort');
    if (scenario !== null)
      await scenario.run(options.startWhenSubscribed ? firstSubscriber : Promise.resolve(), control);
    if (scenario === null || options.linger) {
      if (scenario !== null) reportEnd(daq, stream);
      await aborted;
    }
    if (daq.state === 'PAUSED' || daq.state === 'RUNNING') daq.command('stop', {});
    if (scenario === null || !options.linger) reportEnd(daq, stream);
  } finally {
    daq.stop();
    images?.stop();
    control.stop();
    truth.close();
  }
  return exitCode;
}

function reportEnd(daq: Daq, stream: Stream): void {
  const sensors = daq.sentBySensor();
  const stamps = Object.values(sensors).reduce((sum, sensor) => sum + sensor.sent, 0);
  say({
    event: 'end',
    seconds: Math.round(stream.seconds * 1000) / 1000,
    stamps,
    bytes: daq.bytes,
    datagrams: daq.destinations.datagrams,
    faults: Object.fromEntries(stream.faultCounts),
    sendErrors: Object.fromEntries(daq.destinations.errors),
    sensors,
  });
}

try {
  const options = parseSimOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(simHelp);
  else process.exitCode = await simulate(options);
} catch (error) {
  tell(`${error instanceof Error ? error.message : String(error)}\nsim-daq --help explains`);
  process.exitCode = 2;
}
