// SPDX-License-Identifier: Apache-2.0
// Every kind of fault that comes over the wire, and what an agent has to show for it.

/** What one injection draws. */
export interface Draw {
  /** the sensor that is hit, and another one */
  readonly sensor: string;
  readonly other: string;
  /** the stamp that is hit, of the first exposure */
  readonly at: number;
  /** stamps of the first exposure */
  readonly stamps: number;
}

export interface Expected {
  /** counters of the sensor that is hit: all of them move */
  readonly sensor?: readonly string[];
  /** counters of the link: all of them move */
  readonly link?: readonly string[];
  /** one of its results carries one of these */
  readonly flags?: readonly string[];
  /** one of these is told */
  readonly events?: readonly string[];
  /** this alarm is raised */
  readonly alarm?: string;
}

export interface Kind {
  readonly name: string;
  readonly expected: Expected;
  /** arguments of the simulated DAQ's `disturb` */
  disturb(draw: Draw): Readonly<Record<string, unknown>>;
}

function fault(name: string, expected: Expected, text: (draw: Draw) => string = () => `${name}:`): Kind {
  return {
    name,
    expected,
    disturb: (draw) => {
      const base = text(draw);
      const more = base.endsWith(':') ? '' : ',';
      return { faults: [`${base}${more}at=${draw.at},sensor=${draw.sensor}`] };
    },
  };
}

const packets = (kind: string) => () => `${kind}:unit=packet`;

/** `of` one sensor, or of all. */
function event(what: string, fate: string, of: 'one' | 'all', expected: Expected): Kind {
  return {
    name: `${what} ${fate}${of === 'one' ? '' : ' for all'}`,
    expected,
    disturb: ({ sensor }) => ({
      events: [{ event: what, fate, ...(of === 'one' ? { sensors: sensor } : {}), ...ofFirst(what) }],
    }),
  };
}

/** RESUME and PAUSE of the first exposure; START and STOP come once. */
function ofFirst(what: string): object {
  return what === 'START' || what === 'STOP' ? {} : { exposure: 1 };
}

function happening(what: string, expected: Expected, keys: (draw: Draw) => object = () => ({})): Kind {
  return {
    name: what,
    expected,
    disturb: (draw) => ({
      happenings: [{ what, sensors: draw.sensor, exposure: 1, from: draw.at, ...keys(draw) }],
    }),
  };
}

const bad: Expected = { sensor: ['bad', 'err_size', 'lost'] };
const refused: Expected = { sensor: ['refused'], flags: ['fault'] };
const told = (alarm: string): Expected => ({ alarm });
const timeless: Expected = { flags: ['time_suspect'] };

export const kinds: readonly Kind[] = [
  // the network
  fault('drop', { sensor: ['lost'], flags: ['missing_prev'] }),
  fault('duplicate', { sensor: ['duplicate'] }),
  fault('reorder', { sensor: ['reordered'], flags: ['reordered'] }),
  fault('late', {}),
  fault('packet lost', { sensor: ['incomplete', 'err_xfer'], flags: ['incomplete'] }, packets('drop')),
  fault('packet twice', { link: ['duplicate_packets'] }, packets('duplicate')),
  fault('packets in disorder', {}, packets('reorder')),
  fault('truncate', {}),
  fault('corrupt', {}),
  {
    name: 'first stamp lost',
    expected: { sensor: ['lost', 'err_miss_beg'] },
    disturb: ({ sensor }) => ({ faults: [`drop:at=0,sensor=${sensor}`] }),
  },
  {
    name: 'last stamp lost',
    expected: { sensor: ['lost', 'err_miss_end'] },
    disturb: ({ sensor, stamps }) => ({ faults: [`drop:at=${stamps - 1},sensor=${sensor}`] }),
  },
  {
    name: 'burst of losses',
    expected: { sensor: ['lost'], flags: ['missing_prev'] },
    disturb: ({ sensor, at }) => ({ faults: [0, 1, 2].map((n) => `drop:at=${at + n},sensor=${sensor}`) }),
  },
  {
    name: 'stamp of all sensors lost',
    expected: { sensor: ['lost'] },
    disturb: ({ at }) => ({ faults: [`drop:at=${at}`] }),
  },
  {
    name: 'storm of everything',
    expected: { sensor: [] },
    disturb: () => ({
      faults: ['drop', 'duplicate', 'reorder', 'truncate', 'corrupt'].map((kind) => `${kind}:p=0.1`),
    }),
  },
  { name: 'link flap', expected: { sensor: [] }, disturb: () => ({ silenceMs: 60 }) },
  { name: 'cable pulled', expected: { alarm: 'link_down' }, disturb: () => ({ silenceMs: 900 }) },
  // the messages
  fault('geometry', bad),
  fault('window', bad),
  fault('short', bad),
  fault('long', bad),
  fault('pixel-type', { sensor: ['bad', 'lost'] }),
  fault('old-series', { sensor: ['lost'], link: ['late_packets'] }),
  fault('unknown-sensor', { sensor: ['lost'], link: ['unknown_sensor'] }),
  fault('wire-version', { sensor: ['lost'], link: ['bad_version'] }),
  fault('wire-magic', { sensor: ['lost'], link: ['bad_magic'] }),
  fault('garbage', { link: ['bad_magic'] }),
  fault('unknown-event', { link: ['unknown_event'] }),
  fault('link-event', { link: ['unknown_event'] }),
  fault('reset', {}),
  fault('time-backward', timeless),
  fault('time-utc', timeless),
  fault('time-zero', timeless),
  fault('bdi-error', told('daq_bdi_error')),
  fault('max-subscribers', told('daq_max_subscribers')),
  fault('unknown-status', told('daq_event_status')),
  fault('daq-error', told('daq_error')),
  // the pixels
  fault('blank', refused),
  fault('flat', refused),
  fault('bright', refused),
  fault('range', refused),
  fault('torn', refused),
  happening('frozen', { flags: ['frozen', 'off_track'] }),
  happening('clouds', { flags: ['no_star', 'low_snr'] }, () => ({ transparency: 0, stamps: 3 })),
  happening('cosmic-ray', {}, () => ({ stamps: 1 })),
  happening('satellite', {}, () => ({ stamps: 1 })),
  happening('wrong-star', {}, () => ({ 'offset-px': [9, 7] })),
  // the life of a series
  event('START', 'lost', 'one', { events: ['start_missing'] }),
  event('START', 'lost', 'all', { events: ['start_missing'] }),
  event('START', 'twice', 'one', {}),
  event('START', 'bdi-error', 'one', told('daq_bdi_error')),
  event('RESUME', 'lost', 'one', {}),
  event('RESUME', 'lost', 'all', { events: ['resume_missing', 'resume_late'] }),
  event('RESUME', 'twice', 'one', {}),
  event('RESUME', 'bdi-error', 'one', told('daq_bdi_error')),
  event('PAUSE', 'lost', 'one', {}),
  event('PAUSE', 'lost', 'all', { events: ['pause_missing'] }),
  event('PAUSE', 'twice', 'one', {}),
  event('PAUSE', 'bdi-error', 'one', told('daq_bdi_error')),
  event('STOP', 'lost', 'one', {}),
  event('STOP', 'lost', 'all', {}),
  event('STOP', 'twice', 'one', {}),
  event('STOP', 'bdi-error', 'one', told('daq_bdi_error')),
  happening('dead', { sensor: ['lost'], events: ['sensor_silent'] }),
  {
    name: 'late-start',
    expected: { sensor: ['lost'] },
    disturb: ({ sensor, at }) => ({
      happenings: [{ what: 'late-start', sensors: sensor, stamps: at, start: 'late' }],
    }),
  },
  {
    name: 'split-roi',
    expected: { flags: ['split_roi'], events: ['split_roi'] },
    disturb: ({ sensor }) => ({ happenings: [{ what: 'split-roi', sensors: sensor }] }),
  },
  // the DAQ
  { name: 'control channel lost', expected: { sensor: [] }, disturb: () => ({ hangUp: true }) },
  { name: 'DAQ restart', expected: { link: ['source_restarts'] }, disturb: () => ({ restartMs: 300 }) },
];
