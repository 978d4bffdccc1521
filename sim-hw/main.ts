#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// sim-daq: argv, wiring, signals, exit code; nothing else.
import { once } from 'node:events';
import { ControlServer } from './control-server.js';
import { Daq } from './daq.js';
import { parseSimOptions, type SimOptions, simHelp } from './options.js';
import { Scenario } from './scenario.js';
import { Stream } from './stream.js';
import { TruthFile } from './truth.js';

function say(event: Readonly<Record<string, unknown>>): void {
  process.stdout.write(`${JSON.stringify(event)}\n`);
}

async function simulate(options: SimOptions): Promise<void> {
  const stopped = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stopped.abort());
  const daq = new Daq(options);
  const truth = new TruthFile(options.truth);
  const stream = new Stream(daq, options, truth);
  const scenario = new Scenario(daq, options, stopped.signal);
  let subscribed: () => void = () => undefined;
  const firstSubscriber = new Promise<void>((resolve) => {
    subscribed = resolve;
  });
  const control = new ControlServer(daq, subscribed);
  // Commands may run a series too, without a number of stamps; the scenario's exposures have one.
  const planned = options.idle ? 0 : options.stamps;
  const address = await control.start(options.control);
  daq.start({
    running: () => stream.begin(planned, () => scenario.exposureDone()),
    leaving: () => stream.end(),
  });
  say({ event: 'ready', control: address, session: daq.session.toString(16), pid: process.pid });
  try {
    const aborted = stopped.signal.aborted ? Promise.resolve() : once(stopped.signal, 'abort');
    if (!options.idle) {
      if (options.startWhenSubscribed) await Promise.race([firstSubscriber, aborted]);
      await scenario.run();
    }
    if (options.idle || options.linger) {
      if (!options.idle) reportEnd(daq, stream);
      await aborted;
      if (daq.state === 'PAUSED' || daq.state === 'RUNNING') daq.command('stop', {});
    }
    if (options.idle || !options.linger) reportEnd(daq, stream);
  } finally {
    daq.stop();
    control.stop();
    truth.close();
  }
}

function reportEnd(daq: Daq, stream: Stream): void {
  const sensors = daq.sentBySensor();
  const stamps = Object.values(sensors).reduce((sum, sensor) => sum + sensor.sent, 0);
  say({
    event: 'end',
    seconds: Math.round(stream.seconds * 1000) / 1000,
    stamps,
    bytes: daq.bytes,
    datagrams: daq.datagrams,
    faults: Object.fromEntries(stream.faultCounts),
    sensors,
  });
}

try {
  const options = parseSimOptions(process.argv.slice(2));
  if (options === null) process.stdout.write(simHelp);
  else await simulate(options);
} catch (error) {
  process.stderr.write(
    `sim-daq: ${error instanceof Error ? error.message : String(error)}\nsim-daq --help explains\n`,
  );
  process.exitCode = 2;
}
