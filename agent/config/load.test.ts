// SPDX-License-Identifier: Apache-2.0
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { stringify } from 'yaml';
import { AgentError } from '../model/errors.js';
import { loadProfile, packageRoot, parseProfile } from './load.js';

function base(): Record<string, unknown> {
  return {
    agent: { name: 'bench', role: 'guider' },
    daq: { driver: 'wire', wire: { port: 0, control: '127.0.0.1:5581' } },
    guider: { sensors: ['R44_SG1', 'R00_SG0'] },
    publish: { data: 'tcp://127.0.0.1:0', control: 'tcp://127.0.0.1:0' },
  };
}

function problemsOf(profile: unknown): readonly string[] {
  try {
    parseProfile(stringify(profile), '/nowhere/p.yaml');
  } catch (error) {
    if (error instanceof AgentError && error.code === 'profile') return error.problems;
    throw error;
  }
  return [];
}

t.test('the profiles that are shipped are good, apart from files that only a site has', async (t) => {
  const folder = join(packageRoot(), 'hw-profiles');
  const sim = loadProfile(join(folder, 'sim-guider.yaml'));
  t.equal(sim.guider.sensors.length, 8);
  t.equal(sim.links[0].driver, 'wire');
  t.equal(sim.guider.roi?.common.rows, 50);
  try {
    loadProfile(join(folder, 'replay-guider.yaml'));
    t.fail('its recordings cannot exist');
  } catch (error) {
    t.match(error, {
      code: 'profile',
      problems: [/^daq\.replay\.files\.0: expected an existing file/, /files\.1/],
    });
    t.equal((error as AgentError).problems.length, 2);
  }
});

t.test('defaults complete a short profile, sensors keep their order', async (t) => {
  const profile = parseProfile(stringify(base()), '/nowhere/p.yaml');
  t.same(
    profile.guider.sensors.map((s) => s.location),
    [220, 3],
  );
  t.match(profile, { simulationMode: 0, agent: { instrument: 'LSSTCam' }, partition: 'guider' });
  t.match(profile.links[0], { slots: 64, slotBytes: 640000, linkTimeoutMs: 750, schedFifo: null });
  t.match(profile.links[0].options, { address: '127.0.0.1', port: 0, subscribe: true, locations: [220, 3] });
  t.match(profile.links[0].sensors[0], { location: 220, gain: 1, readNoise: 0, badSegments: [] });
});

t.test('five mistakes give five messages, each with its path, what was expected and what came', async (t) => {
  const profile = base();
  profile.agent = { name: 'bench', role: 'guide' };
  profile.daq = { driver: 'wire', wire: { port: 70000 }, slots: 'many' };
  profile.guider = { sensors: ['R00_SG0', 'R99_SG0'] };
  profile.publish = { data: 'tcp://0.0.0.0:5570' };
  const problems = problemsOf(profile);
  t.equal(problems.length, 5, problems.join('\n'));
  t.match(problems, [
    /^agent\.role: expected "guider", "aos", "auxtel", got "guide"$/,
    /^daq\.wire\.port: expected at most 65535, got 70000$/,
    /^daq\.slots: expected integer, got "many"$/,
    /^guider\.sensors\.1: expected one of R00_SG0, .* got "R99_SG0"$/,
    /^publish\.data: expected a loopback address .* got "tcp:\/\/0\.0\.0\.0:5570"$/,
  ]);
});

t.test('an unknown key is refused with the nearest known one', async (t) => {
  const profile = base();
  profile.guider = { sensors: ['R00_SG0'], deadlinems: 20 };
  t.match(problemsOf(profile), [
    /^guider\.deadlinems: expected a known key, such as deadlineMs .* got "deadlinems"$/,
  ]);
});

t.test('a missing section says what belongs there', async (t) => {
  const profile = base();
  delete profile.guider;
  profile.daq = { driver: 'replay' };
  const problems = problemsOf(profile);
  t.match(problems, [
    /^guider: expected .* got nothing$/,
    /^daq\.replay: expected the options of driver replay/,
  ]);
});

t.test('ports that collide, sensors that repeat and an ROI that does not fit are told', async (t) => {
  const profile = base();
  profile.publish = { data: 'tcp://127.0.0.1:5581', control: 'tcp://127.0.0.1:5581' };
  profile.daq = { driver: 'wire', wire: { group: '10.0.0.1', control: '127.0.0.1:5581' }, slotBytes: 4096 };
  profile.guider = {
    sensors: ['R00_SG0', 'R00_SG0'],
    roiSpec: {
      common: { rows: 50, cols: 50, integrationTimeMillis: 50 },
      R44SG0: { segment: 3, startRow: 0, startCol: 0 },
    },
    perSensor: { R40_SG0: { gain: 1.2 }, R00_SG0: { badSegments: [8] } },
  };
  const problems = problemsOf(profile);
  for (const expected of [
    /^daq\.wire\.group: expected a multicast address/,
    /^guider\.sensors\.1: expected each sensor once/,
    /^guider\.perSensor\.R40_SG0: expected a sensor of guider\.sensors/,
    /^guider\.perSensor\.R00_SG0\.badSegments\.0: expected an amplifier label/,
    /^guider\.roiSpec\.R44SG0: expected a sensor of guider\.sensors/,
    /^daq\.slotBytes: expected at least 10000/,
    /^publish\.control: expected another address than publish\.data/,
    /^publish\.data: expected another port than the DAQ's control channel/,
  ]) {
    t.ok(
      problems.some((p) => expected.test(p)),
      String(expected),
    );
  }
});

t.test('gain and read noise of an amplifier go before those of its sensor', async (t) => {
  const profile = base();
  const R00_SG0 = { gain: 1.4, readNoise: 8, segments: { 7: { gain: 1.2 }, 12: { readNoise: 6 } } };
  const R00_SG1 = { segments: { 0: { gain: 1.3 }, 1: { readNoise: 5 } } };
  profile.guider = {
    sensors: ['R00_SG0', 'R00_SG1'],
    perSensor: { R00_SG0, R00_SG1 },
    calibrations: { directory: 'masters' },
  };
  const { links, guider } = parseProfile(stringify(profile), '/etc/summit/bench.yaml');
  t.match(links[0].sensors, [
    {
      ...{ gain: 1.4, readNoise: 8, calibrated: true },
      amplifiers: [
        { segment: 7, gain: 1.2, readNoise: 8 },
        { segment: 12, gain: 1.4, readNoise: 6 },
      ],
    },
    { gain: 1, readNoise: 0 },
  ]);
  t.equal(guider.calibrations?.directory, '/etc/summit/masters');
  t.same(
    guider.calibrations?.gains.map(({ location, segment, gain }) => [location, segment, gain]),
    [
      [links[0].sensors[0]?.location, 7, 1.2],
      [links[0].sensors[0]?.location, 12, 1.4],
      [links[0].sensors[0]?.location, null, 1.4],
      [links[0].sensors[1]?.location, 0, 1.3],
    ],
    'what the profile gives itself; the rest is left to the calibrations',
  );
});

t.test('an amplifier without sense is refused with its path', async (t) => {
  const profile = base();
  const segments = { 3: { gain: 0 }, 14: { gain: -1.4, readNoise: -1 }, 8: { gain: 1 } };
  profile.guider = { sensors: ['R00_SG0'], perSensor: { R00_SG0: { gain: -1, segments } } };
  t.match([...problemsOf(profile)].sort(), [
    /^guider\.perSensor\.R00_SG0\.gain: expected more than 0, got -1$/,
    /^guider\.perSensor\.R00_SG0\.segments\.14\.gain: expected more than 0, got -1.4$/,
    /^guider\.perSensor\.R00_SG0\.segments\.14\.readNoise: expected at least 0, got -1$/,
    /^guider\.perSensor\.R00_SG0\.segments\.3\.gain: expected more than 0, got 0$/,
    /^guider\.perSensor\.R00_SG0\.segments\.8: expected an amplifier label 0\.\.7 or 10\.\.17, got "8"$/,
  ]);
});

t.test('mistakes of a roiSpec carry their path', async (t) => {
  const profile = base();
  profile.guider = {
    sensors: ['R00_SG0'],
    roiSpec: { common: { rows: 5, cols: 50, integrationTimeMillis: 50 } },
  };
  t.match(problemsOf(profile), [
    /^guider\.roiSpec\.common\.rows: expected an integer 10\.\.400, got 5$/,
    /roiSpec/,
  ]);
});

t.test('an addresses needs a port that exists, and ipc is welcome', async (t) => {
  const profile = base();
  profile.publish = { data: '127.0.0.1:5570', control: 'ipc:///tmp/control' };
  t.match(problemsOf(profile), [/^publish\.data: expected tcp:\/\/ADDRESS:PORT or ipc/]);
});

t.test('replay files and plug-ins are found from the folder of the profile', async (t) => {
  const folder = t.testdir({ 'a.fits': '', 'b.so': '' });
  const path = join(folder, 'p.yaml');
  writeFileSync(
    path,
    stringify({ ...base(), daq: { driver: 'replay', replay: { files: ['a.fits'], speed: 'max' } } }),
  );
  t.match(loadProfile(path).links[0].options, { files: [join(folder, 'a.fits')], speed: 'max', loop: false });
  writeFileSync(
    path,
    stringify({ ...base(), daq: { driver: 'plugin', plugin: { library: 'b.so', options: { a: 1 } } } }),
  );
  t.match(loadProfile(path).links[0].options, { path: join(folder, 'b.so'), partition: 'guider', a: 1 });
  const wrong = { ...base(), daq: { driver: 'replay', replay: { files: ['c.fits'], speed: 'slow' } } };
  t.match(problemsOf(wrong), [/^daq\.replay\.speed: expected .* got "slow"$/, /files\.0/]);
});

t.test('a fibre card: its own keys, and what it cannot be', async (t) => {
  const card = (datadev: unknown) => ({ ...base(), daq: { driver: 'datadev', datadev } });
  const profile = parseProfile(stringify(card({ destinations: [0, 256] })), '/nowhere/p.yaml');
  t.same(profile.links[0].options, {
    ...{ device: '/dev/datadev_0', destinations: [0, 256], zeroCopy: true, registers: [] },
    linkTimeoutMs: 750,
  });
  t.match(problemsOf(card({ device: 'datadev_0', destinations: [4096], registers: [{ name: 'Link' }] })), [
    /^daq\.datadev\.device: /,
    /^daq\.datadev\.destinations\.0: expected at most 4095, got 4096$/,
    /^daq\.datadev\.registers\.0\.address: /,
    /^daq\.datadev\.registers\.0\.name: /,
  ]);
});

t.test('several links: each over the common keys, its sensors, and what two cannot share', async (t) => {
  const wire = { control: '127.0.0.1:5581', busyPollUs: 50 };
  const links = (...list: unknown[]) => ({
    ...base(),
    daq: { driver: 'wire', slots: 32, wire, links: list },
  });
  const a = { name: 'a', wire: { port: 5580 }, sensors: ['R00_SG0'], cpu: 1 };
  const good = parseProfile(stringify(links(a, { name: 'b', wire: { port: 5590 } })), '/nowhere/p.yaml');
  t.match(good.links, [
    { name: 'a', driver: 'wire', slots: 32, cpu: 1, sensors: [{ location: 3 }] },
    { name: 'b', cpu: null, sensors: [{ location: 220 }, { location: 3 }] },
  ]);
  t.match(good.links[1]?.options, { port: 5590, control: '127.0.0.1:5581', busyPollUs: 50, subscribe: true });
  t.equal(good.links[0].sensors.length, 1);
  t.equal(parseProfile(stringify(links({ name: 'a' })), '/nowhere/p.yaml').links[0].name, '', 'the only one');
  t.match(problemsOf(links(a, { ...a, driver: 'datadev' })), [
    /^daq\.links\.1\.name: expected another name than daq\.links\.0\.name, got "a" for both$/,
    /^daq\.links: expected a link for each of guider\.sensors, got none for "R44_SG1"$/,
  ]);
  t.match(problemsOf(links({ name: 'a' }, { name: 'b', sensors: ['R40_SG0'] })), [
    /^daq\.links\.1\.wire\.port: expected another address and port than daq\.links\.0\.wire\.port/,
    /^daq\.links\.1\.sensors\.0: expected a sensor of guider\.sensors, got "R40_SG0"$/,
  ]);
  t.match(problemsOf(links({ sensor: 'R00_SG0' })), [/^daq\.links\.0\.name: /, /sensor/]);
  t.match(problemsOf({ ...base(), daq: { links: [{ name: 'a' }] } }), [
    /^daq\.links\.0\.driver: expected "wire"/,
  ]);
});

t.test('YAML aliases that lead nowhere, everywhere or back are refusals', async (t) => {
  const bomb = [
    'a: &a [x,x]',
    ...'bcdefghi'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefghi'[i]},`.repeat(9)}x]`),
  ];
  for (const text of ['agent: *nope', 'a: &x [*x]\nagent: *x', bomb.join('\n')]) {
    t.throws(
      () => parseProfile(text, '/p.yaml'),
      { code: 'profile', message: /expected/ },
      text.slice(0, 20),
    );
  }
});

t.test('addresses that no machine can have are told', async (t) => {
  const wire = { address: '999.0.0.1', group: '224.999.1.1', control: '127.0.0.1:88637' };
  const bad = { ...base(), daq: { driver: 'wire', wire }, publish: { data: 'tcp://127.999.0.1:5570' } };
  t.match(problemsOf(bad), [
    /^daq\.wire\.address: expected a local IPv4 address .* got "999\.0\.0\.1"$/,
    /^daq\.wire\.control: expected HOST:PORT .* got "127\.0\.0\.1:88637"$/,
    /^daq\.wire\.group: /,
    /^publish\.data: expected a loopback address/,
  ]);
});

t.test('text that is not YAML and a file that is not there are refusals too', async (t) => {
  t.throws(() => parseProfile('a: [1', '/p.yaml'), { code: 'profile', message: /expected YAML/ });
  t.throws(() => parseProfile('', '/p.yaml'), { code: 'profile', message: /expected object, got null/ });
  t.throws(() => loadProfile('/nowhere/p.yaml'), {
    code: 'profile',
    message: /expected a readable YAML file/,
  });
});

t.test('health: defaults, own thresholds, and what cannot be', async (t) => {
  const complete = (health: unknown) =>
    parseProfile(stringify({ ...base(), health }), '/nowhere/p.yaml').health;
  t.match(complete({}), {
    prometheus: { host: '127.0.0.1', port: 9570 },
    host: {
      interface: null,
      disks: ['/'],
      thresholds: { cpuLoad: { raise: 95, clear: 85, holdS: 30 }, daqSpeed: null },
    },
    sensors: [],
  });
  const sensor = { name: 'wind', device: 'gill-windsonic', path: '/dev/ttyUSB0' };
  const own = { thresholds: { cpuLoad: { raise: 99 }, fds: null, daqSpeed: { raise: 9999, clear: 10_000 } } };
  t.match(complete({ host: own, prometheus: null, sensors: [sensor] }), {
    prometheus: null,
    host: {
      thresholds: { cpuLoad: { raise: 99, clear: 85 }, fds: null, daqSpeed: { raise: 9999, holdS: 0 } },
    },
    sensors: [{ ...sensor, baudRate: null, silentAfterMs: null, delayMs: 0, maxOffsetMs: 500 }],
  });
  t.equal(complete({ host: null }).host, null);
  const wrong = {
    prometheus: '0.0.0.0:9570',
    host: { thresholds: { cpuLoad: { raise: 50 }, diskFree: { clear: 1 }, daqSpeed: { raise: 1 } } },
    sensors: [sensor, { ...sensor, device: 'thermometer' }],
  };
  t.match(problemsOf({ ...base(), health: wrong }), [
    /^health\.sensors\.1\.device: expected "sel-temperature", .* got "thermometer"$/,
    /^health\.prometheus: expected a loopback address/,
    /^health\.host\.thresholds\.cpuLoad\.clear: expected at most raise \(50\), got 85$/,
    /^health\.host\.thresholds\.diskFree\.clear: expected at least raise \(5\), got 1$/,
    /^health\.host\.thresholds\.daqSpeed: expected raise and clear/,
    /^health\.sensors\.1\.name: expected another/,
    /^health\.sensors\.1\.path: expected another/,
  ]);
});
