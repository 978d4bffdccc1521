// SPDX-License-Identifier: Apache-2.0
// The profile's DAQ links: one that the keys of `daq` describe, or several, each with what it has of its own.

import { statSync } from 'node:fs';
import { isIPv4 } from 'node:net';
import { resolve } from 'node:path';
import type { LinkSettings, RecorderSettings } from '../model/daq.js';
import type { GuideSensor } from '../model/location.js';
import { show } from '../model/show.js';
import { amplifiersOf } from './amplifiers.js';
import { imageLinkSettings } from './image.js';
import { type DaqFile, defaults, type ProfileFile, type WireOptions } from './profile.js';

type Section = Readonly<Record<string, unknown>>;

const sections = ['wire', 'datadev', 'plugin'] as const;

function section(value: unknown): Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Section) : {};
}

/** What a link is in full: its own keys over those of `daq`, also within the keys of a driver. */
function merged(daq: Section, own: Section): Section {
  const { links: _, ...common } = daq;
  const out: Record<string, unknown> = { ...common, ...own };
  for (const name of sections)
    if (daq[name] !== undefined && own[name] !== undefined)
      out[name] = { ...section(daq[name]), ...section(own[name]) };
  return out;
}

/** The links of a profile that need not be valid, with the place of each. */
function linksIn(daq: Section): readonly { readonly key: string; readonly link: Section }[] {
  if (!Array.isArray(daq.links)) return [{ key: 'daq', link: daq }];
  return daq.links.map((own, i) => ({ key: `daq.links.${i}`, link: merged(daq, section(own)) }));
}

/** The smallest slot, bytes, with the key that says so. */
export function smallestSlot(daq: Section): { readonly key: string; readonly bytes: number } {
  const slots = linksIn(daq).map(({ key, link: { slotBytes } }) => ({
    key: `${key}.slotBytes`,
    bytes: typeof slotBytes === 'number' ? slotBytes : defaults.slotBytes,
  }));
  return slots.reduce((least, one) => (one.bytes < least.bytes ? one : least));
}

/** host:port of every control channel. */
export function daqControlsOf(daq: Section): readonly unknown[] {
  return linksIn(daq).flatMap(({ link }) =>
    link.driver === 'wire' ? [section(link.wire).control ?? null] : [],
  );
}

export function checkLinks(
  { daq, guider, role }: { daq: Section; guider: Section; role: unknown },
  folder: string,
  out: string[],
): void {
  const links = linksIn(daq);
  for (const { key, link } of links) checkDriver(link, key, folder, out);
  if (!Array.isArray(daq.links)) return;
  if (role !== 'guider' && links.length > 1) {
    out.push(`daq.links: expected one link, got ${links.length}: full frames come over a single one`);
  }
  checkApart(links, out);
  if (Array.isArray(guider.sensors)) checkShares(links, guider.sensors, out);
}

/** What two links cannot both have. */
function checkApart(links: ReturnType<typeof linksIn>, out: string[]): void {
  const taken = new Map<string, string>();
  const claim = (what: string, key: string, value: unknown) => {
    const other = taken.get(`${what} ${String(value)}`);
    if (other !== undefined)
      out.push(`${key}: expected another ${what} than ${other}, got ${show(value)} for both`);
    taken.set(`${what} ${String(value)}`, key);
  };
  for (const { key, link } of links) {
    claim('name', `${key}.name`, link.name);
    const { port = defaults.wire.port, address = defaults.wire.address } = section(link.wire);
    if (link.driver === 'wire' && port !== 0)
      claim('address and port', `${key}.wire.port`, `${address}:${port}`);
    if (link.driver === 'datadev')
      claim('device', `${key}.datadev.device`, section(link.datadev).device ?? defaults.datadev.device);
    if (link.driver === 'replay') out.push(`${key}.driver: expected wire, datadev or plugin, got "replay"`);
  }
}

/** Every sensor comes over some link, and none over a link that the role does not know. */
function checkShares(links: ReturnType<typeof linksIn>, wanted: readonly unknown[], out: string[]): void {
  const covered = new Set<unknown>();
  for (const { key, link } of links) {
    const own = Array.isArray(link.sensors) ? link.sensors : wanted;
    own.forEach((name, i) => {
      covered.add(name);
      if (!wanted.includes(name))
        out.push(`${key}.sensors.${i}: expected a sensor of guider.sensors, got ${show(name)}`);
      if (own.indexOf(name) < i)
        out.push(`${key}.sensors.${i}: expected each sensor once, got ${show(name)} again`);
    });
  }
  for (const name of wanted)
    if (!covered.has(name))
      out.push(`daq.links: expected a link for each of guider.sensors, got none for ${show(name)}`);
}

function checkDriver(daq: Section, key: string, folder: string, out: string[]): void {
  const { driver } = daq;
  if (driver === undefined)
    out.push(`${key}.driver: expected "wire", "datadev", "replay", "plugin", got nothing`);
  for (const other of ['replay', 'plugin'] as const) {
    if (driver === other && daq[other] === undefined) {
      out.push(`${key}.${other}: expected the options of driver ${other}, got nothing`);
    }
  }
  const { files } = section(daq.replay);
  if (driver === 'replay' && Array.isArray(files)) {
    files.forEach((file, i) => {
      if (typeof file === 'string' && !isPlainFile(resolve(folder, file))) {
        out.push(`${key}.replay.files.${i}: expected an existing file, got ${show(file)}`);
      }
    });
  }
  const { library } = section(daq.plugin);
  if (driver === 'plugin' && typeof library === 'string' && !isPlainFile(resolve(folder, library))) {
    out.push(`${key}.plugin.library: expected an existing shared library, got ${show(library)}`);
  }
  const { address, group, control } = driver === 'wire' ? section(daq.wire) : {};
  if (typeof address === 'string' && !isIPv4(address)) {
    out.push(`${key}.wire.address: expected a local IPv4 address such as 0.0.0.0, got ${show(address)}`);
  }
  if (typeof control === 'string' && !isHostPort(control)) {
    out.push(`${key}.wire.control: expected HOST:PORT with a port 1..65535, got ${show(control)}`);
  }
  if (typeof group === 'string' && !(isIPv4(group) && /^(22[4-9]|23\d)\./.test(group))) {
    out.push(
      `${key}.wire.group: expected a multicast address 224.0.0.0..239.255.255.255, got ${show(group)}`,
    );
  }
}

function isPlainFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
}

function isHostPort(text: string): boolean {
  const match = /^[^:\s]+:(\d{1,5})$/.exec(text);
  const port = Number(match?.[1]);
  return port >= 1 && port <= 65_535;
}

export interface LinkNeeds {
  readonly file: ProfileFile;
  /** of the profile */
  readonly folder: string;
  readonly sensors: readonly GuideSensor[];
  /** results without calibrations say so */
  readonly calibrated: boolean;
  /** of a repository; null: none */
  readonly butlerFolder: string | null;
}

export function linkSettings(needs: LinkNeeds): readonly [LinkSettings, ...LinkSettings[]] {
  const { file, sensors } = needs;
  const [first, ...more] = file.daq.links ?? [];
  const one = (own: NonNullable<typeof first>) => {
    const has = own.sensors;
    const link = merged(file.daq as Section, own as unknown as Section) as DaqFile;
    const share = has ? sensors.filter(({ detectorName }) => has.includes(detectorName)) : sensors;
    return settingsOf(link, more.length > 0 ? own.name : '', share, needs, more.length > 0);
  };
  return first ? [one(first), ...more.map(one)] : [settingsOf(file.daq, '', sensors, needs, false)];
}

function settingsOf(
  daq: DaqFile,
  name: string,
  sensors: readonly GuideSensor[],
  { file, folder, calibrated, butlerFolder }: LinkNeeds,
  several: boolean,
): LinkSettings {
  const recorder = recorderSettings(file, folder);
  return {
    name,
    driver: daq.driver ?? 'wire',
    options: driverOptions(daq, folder, sensors),
    slots: daq.slots ?? defaults.slots,
    slotBytes: daq.slotBytes ?? defaults.slotBytes,
    ringRecords: daq.ringRecords ?? defaults.ringRecords,
    linkTimeoutMs: daq.linkTimeoutMs ?? defaults.linkTimeoutMs,
    schedFifo: daq.schedFifo ?? null,
    cpu: daq.cpu ?? null,
    lockMemory: daq.lockMemory ?? false,
    hugePages: daq.hugePages ?? false,
    recorder: recorder && { ...recorder, shared: several },
    stream: null,
    ...imageLinkSettings({ ...file, daq }, folder, butlerFolder),
    sensors: sensors.map(({ location, detectorName }) => {
      const own = file.guider?.perSensor?.[detectorName];
      return {
        location,
        gain: own?.gain ?? defaults.gain,
        readNoise: own?.readNoise ?? defaults.readNoise,
        badSegments: own?.badSegments ?? [],
        amplifiers: amplifiersOf(own),
        calibrated,
      };
    }),
  };
}

export function recorderSettings({ daq, guider }: ProfileFile, folder: string): RecorderSettings | null {
  const recording = guider?.recording;
  if (!recording) return null;
  return {
    folder: resolve(folder, recording.directory),
    queueStamps: recording.queueStamps ?? defaults.recording.queueStamps,
    partition: daq.partition ?? defaults.partition,
    shared: false,
  };
}

function driverOptions(
  daq: DaqFile,
  folder: string,
  sensors: readonly GuideSensor[],
): Record<string, unknown> {
  const partition = daq.partition ?? defaults.partition;
  const linkTimeoutMs = daq.linkTimeoutMs ?? defaults.linkTimeoutMs;
  const locations = sensors.map((s) => s.location);
  switch (daq.driver) {
    case 'datadev':
      return { ...defaults.datadev, ...daq.datadev, linkTimeoutMs };
    case 'replay': {
      const files = (daq.replay?.files ?? []).map((name) => resolve(folder, name));
      return { ...defaults.replay, ...daq.replay, files };
    }
    case 'plugin': {
      const path = resolve(folder, daq.plugin?.library ?? '');
      return { partition, locations, ...daq.plugin?.options, path };
    }
    default: {
      const wire = { ...defaults.wire, ...daq.wire };
      const options: WireOptions = { ...wire, subscribe: daq.wire?.subscribe ?? wire.control !== null };
      return { ...options, locations, linkTimeoutMs };
    }
  }
}
