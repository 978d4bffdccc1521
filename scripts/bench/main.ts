// SPDX-License-Identifier: Apache-2.0
// npm run bench: measures, prints tables, writes one JSON file. Not a test: nothing passes or fails here.
import { parseArgs } from 'node:util';
import { measureAccuracy } from './accuracy/accuracy.js';
import { measureButler } from './butler/butler.js';
import { measureDrivers } from './drivers.js';
import { measureHost } from './host.js';
import { measureCrashes } from './image/crashes.js';
import { measureFrames } from './image/frames.js';
import { printGoals } from './image/goals.js';
import { measureGuiding } from './image/guiding.js';
import { measureImage } from './image/image.js';
import { measureLive } from './image/live.js';
import { measureKernel } from './kernel.js';
import { type LatencyCase, measureLatency } from './latency.js';
import { measureLinks } from './links.js';
import { describeMachine } from './machine.js';
import { measureOffsets } from './offsets/offsets.js';
import { measureRecording } from './recording.js';
import { writeReport } from './report.js';
import { measureSaturation } from './saturation.js';
import { measureSiege } from './siege.js';
import { measureSoak } from './soak/soak.js';
import { printVisits, runVisits } from './visits/visits.js';

const help = `npm run bench [-- WHAT...] [-- options]

WHAT is any of (default: all)
  accuracy     positions against truth and the Cramer-Rao bound, artefacts, a real sky, time, decoding; the table of
               goals, beside sep, photutils and a first moment
  butler       Butler repository: ingest of 1, 8 and 205 detectors beside warm lsst.daf.butler, lookups among 80,000
               datasets and of calibrations by time, expiry with the delay of the event loop, ingest beside a busy Python
               writer, what kill -9 leaves of ingest, expiry, hand-over and calibs sync (SUMMIT_BENCH_DIR: on which disk)
  crashes      an image role that is killed at random moments of a run of images: files missing, untold, half done
  drivers      trigger -> published by driver: wire, with busy polling, with SCHED_FIFO, and the gds plug-in over its stand-in
  host         delays of the event loop while the machine is read: not at all, on its thread, on the main thread
  image        full frames: unpacking the raw stream, making a raw file, beside astropy; instrument signature removal and
               looking, beside numpy and astropy on the same frames; images through an agent: times after the last byte
               and memory; guiding beside them by image.priority, and beside the camera alone; the table of goals
  kernel       microseconds per stamp by size, beside a plain C first moment
  latency      simulated DAQ -> agent -> subscriber at 9 Hz x 8, 50x50 and 400x400, beside plain C
  links        one and two links at rising rates, sensors on both or split: received, published, losses, latency, and which
               thread or core is the limit, the simulated DAQ's and the subscriber's share beside
  offsets      dx, dy, rotation of 8 guiders against truth and theory, pulls; one wrong star and one dead sensor; the
               deadline when a sensor is silent
  recording    the same at 400x400 with guider files written and without: latency, losses, PAUSE -> on the disk
  saturation   as fast as one link goes without loss, 400x400 int32, beside plain C
  siege        hostile peers against a guiding agent: latency before, during and after, commands answered
  soak         a day of stamps faster than real time: memory after collection, file descriptors, losses
  visits       30 s exposures in a row, recorded: losses, files, memory, file descriptors

  --seconds N  length of one run (default 20)
  --rounds N   alternating runs per case (default 5)
  --out FILE   JSON report (default build/bench.json)

  of offsets:
  --exposures N, --exposure-stamps N, --speed N     default 160 exposures of 12 stamps, 4 times faster than 9 Hz
  --snr N      of the stars (default 50)

  of crashes:
  --images N   default 50; a kill for every second one

  of visits:
  --visits N, --visit-seconds S, --visit-speed N    default 30 of 30 s, 10 times faster

  of soak:
  --soak N     stamps in all (default 600000; a day of eight sensors at 9 Hz is 6220800)
  --soak-rate N    Hz of each sensor (default 200)

  of butler:
  --kills N    rounds of kill -9 (default 20)

  of siege:
  --connections N  fuzzed connections in all, over TCP, with CURVE and on ipc (default 100000)

  of accuracy:
  --cell N     stamps per accuracy cell (default 300)
  --class N    stamps per nuisance class (default 200)
  --seed N     of the stamps (default 1)
  --stamps DIR keeps the stamps in DIR, or uses those that are there (sim-stamps --help)
  --plot FILE  rms/CRLB against SNR (default build/bench-accuracy.svg); residuals on the real sky beside it
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h' },
    seconds: { type: 'string', default: '20' },
    rounds: { type: 'string', default: '5' },
    out: { type: 'string', default: 'build/bench.json' },
    cell: { type: 'string', default: '300' },
    class: { type: 'string', default: '200' },
    seed: { type: 'string', default: '1' },
    stamps: { type: 'string' },
    soak: { type: 'string', default: '600000' },
    'soak-rate': { type: 'string', default: '200' },
    kills: { type: 'string', default: '20' },
    connections: { type: 'string', default: '100000' },
    exposures: { type: 'string', default: '160' },
    'exposure-stamps': { type: 'string', default: '12' },
    speed: { type: 'string', default: '4' },
    images: { type: 'string', default: '50' },
    visits: { type: 'string', default: '30' },
    'visit-seconds': { type: 'string', default: '30' },
    'visit-speed': { type: 'string', default: '10' },
    snr: { type: 'string', default: '50' },
    plot: { type: 'string', default: 'build/bench-accuracy.svg' },
  },
});

const parts = [
  ...[
    'accuracy',
    'butler',
    'crashes',
    'drivers',
    'host',
    'image',
    'kernel',
    'latency',
    'links',
    'offsets',
    'recording',
    'saturation',
    'siege',
    'soak',
    'visits',
  ],
];
const unknown = positionals.find((part) => !parts.includes(part));
if (values.help) {
  process.stdout.write(help);
} else if (unknown !== undefined) {
  process.stderr.write(`npm run bench: expected one of ${parts.join(', ')}, got "${unknown}"\n`);
  process.exitCode = 2;
} else {
  await run(positionals.length > 0 ? positionals : parts, Number(values.seconds), Number(values.rounds));
}

function latencyCase(size: number, seconds: number, rounds: number): LatencyCase {
  const roi = ['--rows', String(size), '--cols', String(size), '--integration-ms', '50'];
  return {
    name: `${size}x${size} int32, 9 Hz x 8`,
    simArgs: [...roi, '--rate', '9', '--seconds', String(seconds), '--seed', '7', '--snr', '50'],
    rounds,
    skipSeconds: 2,
    deadlineMs: (seconds + 30) * 1000,
  };
}

async function measureImages(seconds: number, rounds: number): Promise<unknown> {
  const doors = measureImage();
  const frames = await measureFrames(rounds);
  const live = await measureLive(seconds);
  const guiding = await measureGuiding(seconds, Math.min(rounds, 3));
  printGoals({ doors, frames, live, guiding });
  return { doors, frames, live, guiding };
}

async function run(what: readonly string[], seconds: number, rounds: number): Promise<void> {
  const machine = await describeMachine();
  console.log(
    `${machine.cpu}, ${machine.cores} cores, ${machine.os}, kernel ${machine.kernel}, Node ${machine.node}`,
  );
  const report: Record<string, unknown> = { when: new Date().toISOString(), machine };
  if (what.includes('accuracy')) {
    report.accuracy = measureAccuracy({
      seed: Number(values.seed),
      cell: Number(values.cell),
      class: Number(values.class),
      stamps: values.stamps ?? null,
      plot: values.plot,
    });
  }
  if (what.includes('butler')) report.butler = await measureButler(rounds, Number(values.kills));
  if (what.includes('crashes')) report.crashes = await measureCrashes(Number(values.images));
  if (what.includes('drivers')) report.drivers = await measureDrivers(seconds, rounds);
  if (what.includes('host')) report.host = await measureHost(seconds);
  if (what.includes('image')) report.image = await measureImages(seconds, rounds);
  if (what.includes('kernel')) report.kernel = measureKernel();
  if (what.includes('latency')) {
    report.latency = await measureLatency([
      latencyCase(50, seconds, rounds),
      latencyCase(400, seconds, rounds),
    ]);
  }
  if (what.includes('links')) report.links = await measureLinks(Math.min(seconds, 10));
  if (what.includes('offsets')) {
    report.offsets = await measureOffsets({
      exposures: Number(values.exposures),
      stamps: Number(values['exposure-stamps']),
      speed: Number(values.speed),
      snr: Number(values.snr),
      seed: Number(values.seed),
    });
  }
  if (what.includes('recording')) report.recording = await measureRecording(seconds, rounds);
  if (what.includes('saturation')) report.saturation = await measureSaturation(Math.min(seconds, 10));
  if (what.includes('siege')) {
    const connections = Number(values.connections);
    report.siege = await measureSiege(connections, Math.min(seconds, 20), Number(values.seed));
  }
  if (what.includes('soak')) {
    report.soak = await measureSoak(Number(values.soak), Number(values['soak-rate']));
  }
  if (what.includes('visits')) {
    const visits = await runVisits({
      visits: Number(values.visits),
      seconds: Number(values['visit-seconds']),
      speed: Number(values['visit-speed']),
      seed: Number(values.seed),
    });
    printVisits(visits);
    report.visits = visits;
  }
  writeReport(values.out, report);
  console.log(`\nwritten to ${values.out}`);
}
