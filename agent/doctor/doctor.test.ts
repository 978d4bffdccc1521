// SPDX-License-Identifier: Apache-2.0
// Machines made of files: a bare one, of which every missing tuning is named with its remedy, and a tuned one.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import t, { type Test } from 'tap';
import { leapTablePath } from '../model/tai.js';
import { cpuList } from './cpu.js';
import { tryDisk } from './disk-trial.js';
import { examine } from './examine.js';
import type { Finding, Needs } from './finding.js';
import type { Machine } from './machine.js';

const now = 1_800_000_000;
const ntp = (unix: number) => unix + 2_208_988_800;
const leapTable = (expires: number) => `#@ ${ntp(expires)}\n${ntp(1_483_228_800)} 37\n`;

const needs: Needs = {
  receiveBufferBytes: 32 * 1024 * 1024,
  schedFifo: 50,
  lockBytes: 40_960_000,
  hugeBytes: 40_960_000,
  cpus: [3],
  devices: ['/dev/ttyUSB0'],
  folders: [{ path: '/var/lib/summit-agent', key: null }],
  imageBytes: 0,
  imageHugePages: false,
  profile: '/etc/summit-agent/guider-1.yaml',
  ports: [
    { protocol: 'tcp', host: '127.0.0.1', port: 5570, key: 'publish.data' },
    { protocol: 'udp', host: '0.0.0.0', port: 5580, key: 'daq.wire.port' },
  ],
  interfaces: ['lsst-daq'],
};

const limits = (priority: string, locked: string) =>
  `Limit                     Soft Limit           Hard Limit           Units\n` +
  `Max locked memory         ${locked.padEnd(20)} ${locked.padEnd(20)} bytes\n` +
  `Max realtime priority     ${priority.padEnd(20)} ${priority.padEnd(20)}\n`;

const socketLine = (n: number, local: string, state: string, inode: number) =>
  `   ${n}: ${local} 00000000:0000 ${state} 00000000:00000000 00:00000000 00000000  1000        0 ${inode} 1 0\n`;

/** 5570 is 15C2, 5580 is 15CC. */
const head =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';

const bare = {
  '/proc/sys/net/core/rmem_max': '212992\n',
  '/proc/sys/net/core/netdev_max_backlog': '1000\n',
  '/proc/sys/vm/nr_hugepages': '0\n',
  '/proc/meminfo': 'MemTotal:       16000000 kB\nHugepagesize:       2048 kB\n',
  '/sys/kernel/mm/transparent_hugepage/enabled': 'always madvise [never]\n',
  '/proc/self/limits': limits('0', '8388608'),
  '/proc/net/tcp':
    head + socketLine(0, '0100007F:15C2', '0A', 4711) + socketLine(1, '0100007F:15CC', '01', 4712),
  '/proc/net/udp': head + socketLine(0, '0100007F:15CC', '07', 4713),
  '/proc/800/cmdline': 'nc\0-lu\0',
  '/proc/900/cmdline': '/usr/sbin/irqbalance\0--foreground\0',
  '/proc/interrupts':
    '      CPU0 CPU3\n 41:  1  2  PCI-MSI lsst-daq-TxRx-0\n 42:  1  2  PCI-MSI eth0\n 43: 1 2 PCI-MSI lsst-daq-TxRx-1\n',
  '/proc/irq/41/smp_affinity_list': '0-7\n',
  '/proc/irq/43/smp_affinity_list': '1\n',
  '/sys/devices/system/cpu/online': '0-7\n',
  '/sys/devices/system/cpu/isolated': '\n',
  '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'powersave\n',
  '/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor': 'powersave\n',
  '/sys/class/net/lsst-daq/operstate': 'down\n',
  '/sys/class/net/lsst-daq/mtu': '1500\n',
  '/sys/class/net/lsst-daq/speed': '1000\n',
  [leapTablePath]: leapTable(now - 86_400),
};

const tuned = {
  ...bare,
  '/proc/sys/net/core/rmem_max': '134217728\n',
  '/proc/sys/net/core/netdev_max_backlog': '5000\n',
  '/proc/sys/vm/nr_hugepages': '20\n',
  '/proc/net/tcp': head + socketLine(0, '0100007F:15CC', '0A', 4711),
  '/proc/net/udp': head,
  '/usr/lib/systemd/system/summit-agent@.service': '[Service]\nLimitRTPRIO=50\nLimitMEMLOCK=infinity\n',
  '/proc/700/cmdline': '/usr/sbin/chronyd\0-F\0',
  '/etc/default/irqbalance': 'IRQBALANCE_BANNED_CPULIST="2-3"\n',
  '/proc/irq/41/smp_affinity_list': '0\n',
  '/sys/devices/system/cpu/isolated': '2-3\n',
  '/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor': 'performance\n',
  '/sys/devices/system/cpu/cpu3/cpufreq/scaling_governor': 'performance\n',
  '/sys/class/net/lsst-daq/operstate': 'up\n',
  '/sys/class/net/lsst-daq/mtu': '9000\n',
  '/sys/class/net/lsst-daq/speed': '10000\n',
  '/dev/ttyUSB0': '',
  [leapTablePath]: leapTable(now + 86_400),
};

function machine(t: Test, files: Readonly<Record<string, string>>, own: Partial<Machine> = {}): Machine {
  const root = mkdtempSync(join(tmpdir(), 'summit-doctor-'));
  t.teardown(() => rmSync(root, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const space = () => ({ freeBytes: 100e9, totalBytes: 200e9 });
  const tryDisk = () => ({ problem: null, durableMs: 5 });
  return { root, nodeVersion: '24.1.0', kernelTaiSeconds: 37, nowUnixS: now, space, tryDisk, ...own };
}

const of = (findings: readonly Finding[], check: string) => findings.filter((f) => f.check === check);

t.test('a bare machine: every missing tuning is named, each with what to do', async (t) => {
  const own = {
    nodeVersion: '18.20.4',
    kernelTaiSeconds: 0,
    space: () => ({ freeBytes: 1e9, totalBytes: 200e9 }),
  };
  const node = machine(t, bare, own);
  mkdirSync(join(node.root, '/proc/800/fd'));
  symlinkSync('socket:[4713]', join(node.root, '/proc/800/fd/3'));
  const findings = examine(node, needs);
  t.same(
    findings.map(({ check }) => check),
    [
      'node',
      'clock',
      'tai_offset',
      'leap_table',
      'receive_buffer',
      'network_backlog',
      'interface',
      'jumbo_frames',
      'interface_speed',
      'realtime_priority',
      'locked_memory',
      'huge_pages',
      'cpu_governor',
      'cpu_isolation',
      'interrupts',
      'irqbalance',
      'device',
      'disk_space',
      'port',
      'port',
    ],
  );
  for (const { check, remedy } of findings) t.ok(remedy.length > 10, `${check}: ${remedy}`);
  t.match(of(findings, 'receive_buffer'), [
    { found: /at least 33554432, got 212992/, remedy: /60-summit-agent/ },
  ]);
  t.match(of(findings, 'interrupts'), [{ found: /got 41 on it/, remedy: /echo 0,1,2,4,5,6,7 >/ }]);
  t.match(of(findings, 'huge_pages'), [{ found: /at least 20/, remedy: /vm.nr_hugepages = 20/ }]);
  t.match(of(findings, 'locked_memory'), [{ found: /40960000 bytes of locked memory, got 8388608/ }]);
  t.match(of(findings, 'port'), [
    { found: /publish.data: expected tcp port 5570 to be free, another user's process has it/ },
    { found: /daq.wire.port: expected udp port 5580 to be free, process 800 \(nc -lu\) has it/ },
  ]);
});

t.test('nothing is missing on a tuned machine', async (t) => {
  t.same(examine(machine(t, tuned), needs), []);
});

t.test('what a profile does not ask for is not missing', async (t) => {
  const plain: Needs = {
    ...needs,
    schedFifo: null,
    lockBytes: null,
    hugeBytes: null,
    cpus: [],
    devices: [],
    ports: [],
    interfaces: [],
  };
  const checks = examine(machine(t, bare), plain).map(({ check }) => check);
  t.same(checks, ['clock', 'leap_table', 'receive_buffer', 'network_backlog', 'cpu_governor']);
});

/** A machine on which process 500, an agent of `profile`, has port 5570. */
function beside(t: Test, profile: string, visible = true) {
  const uid = process.getuid?.() ?? 0;
  const node = machine(t, {
    ...tuned,
    '/proc/net/tcp': head + socketLine(0, '0100007F:15C2', '0A', 4711).replace(' 1000 ', ` ${uid} `),
    '/proc/500/cmdline': `node\0/opt/summit-agent/dist/agent/main.js\0run\0--profile\0${profile}\0`,
  });
  mkdirSync(join(node.root, '/proc/500/fd'));
  symlinkSync('/etc/summit-agent', join(node.root, '/proc/500/cwd'));
  if (visible) symlinkSync('socket:[4711]', join(node.root, '/proc/500/fd/20'));
  return node;
}

t.test('the agent of this very profile is not in its own way; one of another profile is', async (t) => {
  const { profile } = needs;
  t.same(examine(beside(t, String(profile)), needs), []);
  t.same(examine(beside(t, 'guider-1.yaml'), needs), [], 'named from its working directory');
  t.same(examine(beside(t, String(profile), false), needs), [], "another user's, whose sockets are hidden");
  t.same(
    examine(beside(t, '/x.yaml'), { ...needs, profile: null }),
    [],
    'any agent, where no profile is named',
  );
  t.match(examine(beside(t, '/etc/summit-agent/guider-2.yaml'), needs), [
    { check: 'port', found: /process 500 \(the agent of \/etc\/summit-agent\/guider-2\.yaml\) has it/ },
  ]);
  t.match(examine(beside(t, '/etc/summit-agent/guider-2.yaml', false), needs), [
    { check: 'port', found: /another user's process has it/ },
  ]);
});

t.test('folders of files: writable to the disk, quick, and open in the service', async (t) => {
  const images = { ...needs, folders: [{ path: '/data/raw', key: 'image.directory' }] };
  const checksOf = (files: Readonly<Record<string, string>>, own: Partial<Machine> = {}) =>
    examine(machine(t, { ...tuned, '/data/x': '', ...files }, own), images);
  const edit = {
    '/etc/systemd/system/summit-agent@guider-1.service.d/override.conf': '[Service]\nReadWritePaths=/data\n',
  };
  t.same(checksOf(edit), []);
  t.match(checksOf({}), [
    {
      check: 'unit_read_only',
      found: /^\/data\/raw: .*summit-agent@guider-1/,
      remedy: /ReadWritePaths=\/data$/,
    },
  ]);
  const problem = 'a file there cannot be made: EACCES';
  t.match(checksOf(edit, { tryDisk: () => ({ problem, durableMs: 0 }) }), [
    {
      check: 'disk_write',
      found: /\/data\/raw \(image\.directory\): .*EACCES/,
      remedy: /chown summit-agent/,
    },
  ]);
  t.match(checksOf(edit, { tryDisk: () => ({ problem: null, durableMs: 2500 }) }), [
    { check: 'disk_slow', found: /within 1000 ms, it took 2500 ms/ },
  ]);
});

t.test('the trial of a disk leaves nothing, and says what cannot be done', async (t) => {
  const folder = t.testdir({ file: '' });
  t.match(tryDisk(join(folder, 'still', 'to be made')), { problem: null });
  t.same(readdirSync(folder), ['file']);
  t.match(tryDisk(join(folder, 'file')), { problem: /cannot be made: ENOTDIR/ });
});

t.test('images need memory, and huge pages that the kernel gives without asking', async (t) => {
  const images = { ...needs, imageBytes: 8 * 75_497_472, imageHugePages: true };
  const found = examine(machine(t, tuned), images);
  t.match(found, [
    { check: 'transparent_huge_pages', found: /604 MB of images, got never/, remedy: /madvise/ },
  ]);
  const unit = '/usr/lib/systemd/system/summit-agent@.service';
  const good = { ...tuned, '/sys/kernel/mm/transparent_hugepage/enabled': 'always [madvise] never\n' };
  t.same(examine(machine(t, good), images), []);
  t.same(examine(machine(t, tuned), { ...images, imageHugePages: false }), []);
  const tight = { ...good, [unit]: `${good[unit]}MemoryMax=1G\n`, '/proc/meminfo': 'MemTotal: 900000 kB\n' };
  t.match(examine(machine(t, tight), images), [
    { check: 'memory', found: /expected 1145 MB .* the machine has 922 MB/ },
    { check: 'memory', found: /MemoryMax of the service is 1074 MB/ },
  ]);
});

t.test('an interface and a CPU that are not there are said as such', async (t) => {
  const findings = examine(machine(t, tuned), { ...needs, interfaces: ['eth9'], cpus: [8, 8] });
  t.match(findings, [
    { check: 'interface', found: /eth9, there is none/ },
    { check: 'cpu', found: /one of the CPUs 0-7, got 8/ },
    { check: 'cpu_shared', found: /one link thread to a CPU, got several on CPU 8/ },
  ]);
});

t.test('a fibre card that is missing is looked for, not plugged in', async (t) => {
  const findings = examine(machine(t, tuned), { ...needs, devices: ['/dev/datadev_0'] });
  t.match(findings, [
    { check: 'device', found: /\/dev\/datadev_0, there is none/, remedy: /modprobe datadev/ },
  ]);
});

t.test('CPU lists of the kernel', async (t) => {
  t.same([...cpuList('0-2,8')], [0, 1, 2, 8]);
  t.same([...cpuList('')], []);
});
