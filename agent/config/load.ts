// SPDX-License-Identifier: Apache-2.0
// Reads a profile file: YAML, schema, then what a schema cannot say. Everything wrong is told in one error.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseDocument } from 'yaml';
import { AgentError, refuseAll, sentenceOf } from '../model/errors.js';
import { isSegment } from '../model/geometry.js';
import { guideSensorNamed, guideSensors } from '../model/location.js';
import { type Pointing, parsePointing, profileNames } from '../model/pointing.js';
import { parseRoiSpec, type RoiSpec } from '../model/roi.js';
import { problemsOf } from '../model/schema-problems.js';
import { show } from '../model/show.js';
import { gainsOf } from './amplifiers.js';
import { butlerCalibrations, butlerProfile, checkButler } from './butler.js';
import { checkEndpoints } from './endpoints.js';
import { checkHealth, completeHealth } from './health.js';
import { checkImage, imageLinkSettings, imageProfile } from './image.js';
import { ipcPlaceProblems } from './ipc.js';
import { checkLinks, daqControlsOf, linkSettings, recorderSettings, smallestSlot } from './links.js';
import { defaults, instrumentOf, type Profile, type ProfileFile } from './profile.js';
import { checkSecurity, securityOf } from './security.js';
import { unfilled } from './unfilled.js';
import { profileValidator } from './validator.js';

/** The folder that holds package.json: two above in the sources, three above when built. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const above = dirname(folder);
    if (above === folder) throw new AgentError('profile', 'the installation is incomplete: no package.json');
    folder = above;
  }
  return folder;
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const message = `profile ${path}: expected a readable YAML file, got ${sentenceOf(error)}`;
    throw new AgentError('profile', message, { cause: error });
  }
}

/** Loads a profile; refuses with one AgentError (`profile`) that lists every problem. */
export function loadProfile(path: string): Profile {
  return parseProfile(readText(path), path);
}

/**
 * As loadProfile, for an agent that is to run here: refuses also where it could not listen. `beforeStart`: what the service
 * manager makes at start may be missing.
 */
export function loadProfileToRun(path: string, { beforeStart = false } = {}): Profile {
  const profile = loadProfile(path);
  const { data, control, query } = profile.publish;
  const own = { 'publish.data': data, 'publish.control': control, 'publish.query': query };
  const problems = ipcPlaceProblems(own, { beforeStart });
  if (problems.length > 0) throw refuseAll('profile', `profile ${path}`, problems);
  return profile;
}

/** As loadProfile, from text; relative paths count from the folder of `path`. */
export function parseProfile(text: string, path: string): Profile {
  const document = parseDocument(text, { prettyErrors: true });
  const heading = `profile ${path}`;
  if (document.errors.length > 0) {
    const problems = document.errors.map((e) => `expected YAML, got ${e.message.split('\n')[0]}`);
    throw refuseAll('profile', heading, problems);
  }
  const value = plainValue(document, heading);
  const left = unfilled(value);
  if (left.length > 0) throw refuseAll('profile', heading, left);
  const validate = profileValidator(packageRoot());
  if (!validate(value)) {
    // What a schema cannot say is told too, as far as the parts are well formed.
    const problems = problemsOf(validate.errors ?? [], 'profile');
    const told = new Set(problems.map((p) => p.slice(0, p.indexOf(':'))));
    const meant = meaningProblems(value, dirname(path)).filter((p) => !told.has(p.slice(0, p.indexOf(':'))));
    throw refuseAll('profile', heading, [...problems, ...meant]);
  }
  const problems = meaningProblems(value, dirname(path));
  if (problems.length > 0) throw refuseAll('profile', heading, problems);
  return complete(value, path, text);
}

/** The document without YAML's anchors and aliases; refuses those that point nowhere, or at themselves. */
function plainValue(document: ReturnType<typeof parseDocument>, heading: string): unknown {
  try {
    const value: unknown = document.toJS();
    JSON.stringify(value);
    return value;
  } catch (error) {
    throw refuseAll('profile', heading, [
      `expected plain YAML values, got ${sentenceOf(error).split('\n')[0]}`,
    ]);
  }
}

/** Checks that need more than one key or the machine. Parts of the wrong type are left to the schema. */
function meaningProblems(value: unknown, folder: string): string[] {
  const out: string[] = [];
  const root = section(value);
  const daq = section(root.daq);
  const guider = section(root.guider);
  checkImage(section(root.agent), root.guider, root.image, daq.driver, out);
  checkButler(root.butler, guider, section(root.image), out);
  const names = checkSensors(guider, out);
  checkLinks({ daq, guider, role: section(root.agent).role }, folder, out);
  checkRoi(guider.roiSpec, names, daq, out);
  checkPointing(guider.pointing, out);
  const publish = section(root.publish);
  checkHealth(root.health, out);
  const own = {
    'publish.data': publish.data ?? defaults.data,
    'publish.control': publish.control ?? defaults.control,
    'publish.query': publish.query ?? null,
  };
  const secured = section(root.security).serverKey !== undefined;
  checkEndpoints({ own, daqControls: daqControlsOf(daq), secured }, out);
  checkSecurity(section(root.security), folder, out);
  return out;
}

type Section = Readonly<Record<string, unknown>>;

function section(value: unknown): Section {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Section) : {};
}

function checkSensors(guider: Section, out: string[]): Set<string> {
  const seen = new Set<string>();
  const known = guideSensors.map((s) => s.detectorName);
  const { sensors } = guider;
  if (Array.isArray(sensors)) {
    sensors.forEach((name, i) => {
      if (typeof name !== 'string') return;
      const key = `guider.sensors.${i}`;
      if (!known.includes(name)) out.push(`${key}: expected one of ${known.join(', ')}, got ${show(name)}`);
      else if (seen.has(name)) out.push(`${key}: expected each sensor once, got ${show(name)} again`);
      seen.add(name);
    });
  }
  for (const [name, constants] of Object.entries(section(guider.perSensor))) {
    const key = `guider.perSensor.${name}`;
    if (!seen.has(name)) out.push(`${key}: expected a sensor of guider.sensors, got ${show(name)}`);
    const { badSegments, segments } = section(constants);
    checkSegments(section(segments), `${key}.segments`, out);
    if (!Array.isArray(badSegments)) continue;
    badSegments.forEach((label, i) => {
      if (typeof label === 'number' && label >= 0 && label <= 17 && !isSegment(label)) {
        out.push(`${key}.badSegments.${i}: expected an amplifier label 0..7 or 10..17, got ${label}`);
      }
    });
  }
  return seen;
}

function checkSegments(segments: Section, key: string, out: string[]): void {
  for (const label of Object.keys(segments)) {
    if (/^1?[0-7]$/.test(label)) continue;
    out.push(`${key}.${label}: expected an amplifier label 0..7 or 10..17, got ${show(label)}`);
  }
}

function checkRoi(value: unknown, names: ReadonlySet<string>, daq: Section, out: string[]): void {
  if (value === undefined || value === null) return;
  let roi: RoiSpec;
  try {
    roi = parseRoiSpec(value);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    out.push(...error.problems.map((p) => `guider.roiSpec.${p}`));
    return;
  }
  for (const { sensor } of roi.locations) {
    if (!names.has(sensor.detectorName)) {
      out.push(
        `guider.roiSpec.${sensor.raftBay}${sensor.ccdSlot}: expected a sensor of guider.sensors, got ${show(sensor.detectorName)}`,
      );
    }
  }
  const bytes = roi.common.rows * roi.common.cols * 4;
  const slot = smallestSlot(daq);
  if (slot.bytes < bytes)
    out.push(`${slot.key}: expected at least ${bytes} for the ROI of guider.roiSpec, got ${slot.bytes}`);
}

function checkPointing(value: unknown, out: string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return;
  try {
    pointingOf(section(value));
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    out.push(
      ...error.problems.map((p) =>
        p.startsWith('expected') ? `guider.pointing: ${p}` : `guider.pointing.${p}`,
      ),
    );
  }
}

function pointingOf(value: Section | null | undefined): Pointing | null {
  return value ? parsePointing(value, profileNames, 'guider.pointing') : null;
}

function complete(file: ProfileFile, path: string, text: string): Profile {
  const folder = dirname(path);
  const guider = file.guider ?? { sensors: [] };
  const sensors = guider.sensors.map((name) => guideSensorNamed(name)).filter((s) => s !== undefined);
  const roiSpec = guider.roiSpec ?? null;
  const directory = guiderCalibrations(file, folder);
  const butlerFolder = butlerCalibrations(file, folder);
  return {
    agent: {
      name: file.agent.name,
      instrument: instrumentOf(file),
      role: file.agent.role,
      startState: file.agent.startState ?? defaults.startState,
    },
    source: {
      url: pathToFileURL(path).href,
      version: createHash('sha256').update(text).digest('hex').slice(0, 12),
      schemaVersion: 'v1',
    },
    simulationMode: file.simulationMode ?? defaults.simulationMode,
    partition: file.daq.partition ?? defaults.partition,
    links: linkSettings({ file, folder, sensors, calibrated: directory !== null, butlerFolder }),
    guider: {
      sensors,
      deadlineMs: guider.deadlineMs ?? null,
      scatterFloorMm: guider.scatterFloorMm ?? defaults.scatterFloorMm,
      roi: roiSpec === null ? null : parseRoiSpec(roiSpec),
      pointing: pointingOf(guider.pointing),
      calibrations: directory
        ? {
            directory,
            gains: sensors.flatMap((s) => gainsOf(s.location, guider.perSensor?.[s.detectorName])),
          }
        : null,
    },
    image: imageProfile(file, folder),
    butler: butlerProfile(file, folder, spoolsOf(file, folder)),
    health: completeHealth(file.health, folder, spoolOf(file, folder)),
    publish: {
      data: file.publish?.data ?? defaults.data,
      control: file.publish?.control ?? defaults.control,
      query: file.publish?.query ?? null,
      highWaterMark: file.publish?.highWaterMark ?? defaults.highWaterMark,
      ipcMode: Number.parseInt(file.publish?.ipcMode ?? defaults.ipcMode, 8),
    },
    security: file.security ? securityOf(file.security, folder) : null,
  };
}

/** null: nothing is calibrated. */
function guiderCalibrations(file: ProfileFile, folder: string): string | null {
  const { calibrations } = file.guider ?? {};
  return calibrations ? resolve(folder, calibrations.directory) : butlerCalibrations(file, folder);
}

/** The folder that the agent fills. */
function spoolOf(file: ProfileFile, folder: string): string | null {
  const images = imageLinkSettings(file, folder).imageWriter?.folder;
  return images ?? recorderSettings(file, folder)?.folder ?? null;
}

/** Folders that files are written to. */
function spoolsOf(file: ProfileFile, folder: string): string[] {
  const folders = [
    imageLinkSettings(file, folder).imageWriter?.folder,
    recorderSettings(file, folder)?.folder,
  ];
  return folders.filter((one) => one !== undefined);
}
