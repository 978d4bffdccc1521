// SPDX-License-Identifier: Apache-2.0
// A hardware profile as the agent uses it, and every default in one place.
// hw-profiles/schema.json says what a file may contain, load.ts reads and checks it.

import type { ButlerSettings } from '../model/butler.js';
import type { LinkSettings } from '../model/daq.js';
import type { ImageBoard } from '../model/image-detectors.js';
import type { GuideSensor } from '../model/location.js';
import type { Pointing } from '../model/pointing.js';
import { formatRoiSpec, type RoiSpec } from '../model/roi.js';
import type { HealthFile, HealthProfile } from './health.js';
import type { Security, SecurityFile } from './security.js';

export interface Profile {
  readonly agent: {
    readonly name: string;
    readonly instrument: string;
    readonly role: Role;
    readonly startState: StartState;
  };
  readonly source: ProfileSource;
  readonly simulationMode: 0 | 1;
  readonly partition: string;
  /** what several have in common, and what only one may have (full frames), is in the first */
  readonly links: readonly [LinkSettings, ...LinkSettings[]];
  readonly guider: {
    readonly sensors: readonly GuideSensor[];
    readonly deadlineMs: number | null;
    readonly scatterFloorMm: number;
    readonly roi: RoiSpec | null;
    /** until a `pointing` command says where the telescope is */
    readonly pointing: Pointing | null;
    /** null: nothing is calibrated */
    readonly calibrations: {
      readonly directory: string;
      /** `segment` null: of the whole sensor */
      readonly gains: readonly {
        readonly location: number;
        readonly segment: number | null;
        readonly gain: number;
        readonly readNoise: number;
      }[];
    } | null;
  };
  /** null: the role takes no full frames */
  readonly image: ImageProfile | null;
  /** null: files stay files */
  readonly butler: ButlerSettings | null;
  readonly health: HealthProfile;
  readonly publish: {
    readonly data: string;
    readonly control: string;
    /** questions only; null: none */
    readonly query: string | null;
    readonly highWaterMark: number;
    /** of the files of ipc endpoints */
    readonly ipcMode: number;
  };
  /** null: nothing is encrypted, and nothing leaves the machine */
  readonly security: Security | null;
}

export type Role = 'guider' | 'aos' | 'auxtel';

export type ImagePriority = 'normal' | 'nice' | 'idle';

export interface ImageProfile {
  /** of raw files */
  readonly directory: string;
  readonly boards: readonly ImageBoard[];
  readonly headerDeadlineMs: number;
  /** beside what else runs on the machine */
  readonly priority: ImagePriority;
  /** null: nobody looks at images */
  readonly quicklook: { readonly directory: string; readonly isrFiles: boolean } | null;
  /** what the DAQ does not know, for every image's header */
  readonly values: {
    readonly keywords: Keywords;
    readonly detectors: Readonly<Record<string, Keywords>>;
    readonly rebCond: Keywords;
    readonly configCond: Keywords;
  };
}

type Keywords = Readonly<Record<string, string | number | boolean | null>>;

/** Summary state that the agent goes to by itself. */
export type StartState = 'STANDBY' | 'DISABLED' | 'ENABLED';

/** Which text this profile was read from. */
export interface ProfileSource {
  /** file:// */
  readonly url: string;
  /** the first 12 digits of the text's sha256 */
  readonly version: string;
  readonly schemaVersion: string;
}

/** The keys of a profile file, after the schema accepted it. */
export interface ProfileFile {
  agent: { name: string; instrument?: string; role: Role; startState?: StartState };
  simulationMode?: 0 | 1;
  daq: DaqFile & { links?: LinkFile[] };
  guider?: {
    sensors: string[];
    deadlineMs?: number | null;
    scatterFloorMm?: number;
    roiSpec?: Record<string, unknown> | null;
    pointing?: Record<string, unknown> | null;
    perSensor?: Record<string, SensorConstants>;
    calibrations?: { directory: string } | null;
    recording?: { directory: string; queueStamps?: number } | null;
  };
  image?: {
    directory: string;
    boards?: string[];
    sets?: number;
    threads?: number;
    headerDeadlineMs?: number;
    priority?: ImagePriority;
    calibrations?: string | null;
    quicklook?: {
      directory?: string;
      threads?: number;
      isrFiles?: boolean;
      skip?: string[];
      interpolate?: boolean;
    } | null;
    keywords?: Record<string, string | number | boolean | null>;
    detectors?: Record<string, Record<string, string | number | boolean | null>>;
    rebCond?: Record<string, string | number | boolean | null>;
    configCond?: Record<string, string | number | boolean | null>;
  };
  butler?: {
    repository: string;
    create?: boolean;
    shared?: boolean;
    keepHours?: number | null;
    diskShare?: number | null;
    keepShare?: number | null;
    expireEveryS?: number;
    retryS?: number;
    handover?: { incoming?: string | null; outgoing?: string | null; everyS?: number } | null;
    calibrations?: { filter?: string | null; refreshS?: number; warnHours?: number } | null;
  };
  health?: HealthFile;
  publish?: {
    data?: string;
    control?: string;
    query?: string | null;
    highWaterMark?: number;
    ipcMode?: string;
  };
  security?: SecurityFile;
}

export interface DaqFile {
  driver?: 'wire' | 'datadev' | 'replay' | 'plugin';
  partition?: string;
  wire?: Partial<WireOptions>;
  datadev?: Partial<DatadevOptions>;
  replay?: { files: string[]; speed?: number | 'max'; loop?: boolean; obsid?: string };
  plugin?: { library: string; options?: Record<string, unknown> };
  slots?: number;
  slotBytes?: number;
  ringRecords?: number;
  linkTimeoutMs?: number;
  schedFifo?: number | null;
  cpu?: number | null;
  lockMemory?: boolean;
  hugePages?: boolean;
}

/** One of several links; what it does not say is as in `daq`. */
export interface LinkFile extends DaqFile {
  name: string;
  sensors?: string[];
}

export interface AmplifierConstants {
  gain?: number;
  readNoise?: number;
}

export interface SensorConstants extends AmplifierConstants {
  badSegments?: number[];
  /** by amplifier label */
  segments?: Record<string, AmplifierConstants>;
}

export interface WireOptions {
  address: string;
  port: number;
  group: string | null;
  interface: string | null;
  receiveBufferBytes: number;
  busyPollUs: number;
  control: string | null;
  subscribe: boolean;
  /** host:port of the image store; null: none */
  images?: string | null;
  imageTimeoutMs?: number;
}

/** A SLAC PGP/DMA fibre card (addons/daq/datadev_driver.h). */
export interface DatadevOptions {
  device: string;
  destinations: readonly number[];
  zeroCopy: boolean;
  registers: readonly { name: string; address: number }[];
}

export const defaults = {
  instrument: { guider: 'LSSTCam', aos: 'LSSTCam', auxtel: 'LATISS' },
  startState: 'ENABLED',
  simulationMode: 0,
  partition: 'guider',
  wire: {
    address: '127.0.0.1',
    port: 5580,
    group: null,
    interface: null,
    receiveBufferBytes: 32 * 1024 * 1024,
    busyPollUs: 0,
    control: '127.0.0.1:5581',
  },
  datadev: { device: '/dev/datadev_0', destinations: [0], zeroCopy: true, registers: [] },
  replay: { speed: 1, loop: false },
  slots: 64,
  slotBytes: 400 * 400 * 4,
  ringRecords: 1024,
  linkTimeoutMs: 750,
  scatterFloorMm: 0.0002,
  recording: { queueStamps: 128 },
  butler: {
    ...{ create: true, shared: false, expireEveryS: 600, retryS: 10 },
    ...{ handoverS: 1, refreshS: 60, warnHours: 24 },
  },
  imageThreads: 2,
  headerDeadlineMs: 0,
  imagePriority: 'normal',
  quicklook: { directory: 'quicklook', threads: 2, isrFiles: false },
  gain: 1,
  readNoise: 0,
  data: 'tcp://127.0.0.1:5570',
  control: 'tcp://127.0.0.1:5571',
  highWaterMark: 1000,
  ipcMode: '0600',
} as const;

/** The ROI of a profile in the observatory's form, for `initGuiders`. */
export function profileRoiSpec(profile: Profile): Record<string, Record<string, number>> | null {
  return profile.guider.roi === null ? null : formatRoiSpec(profile.guider.roi);
}

export function instrumentOf({ agent }: Pick<ProfileFile, 'agent'>): string {
  return agent.instrument ?? defaults.instrument[agent.role];
}
