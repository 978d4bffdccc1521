// SPDX-License-Identifier: Apache-2.0
// Wires the rooms of one agent. What receives starts before what sends, and stops after it:
// publisher, control, guider, health, link.

import { Context, type Router } from 'zeromq';
import { type Profile, profileRoiSpec } from './config/profile.js';
import { CommandDesk } from './control/desk.js';
import { exposureVerb } from './control/exposure-verb.js';
import { ResultGate } from './control/gate.js';
import { configurationApplied, type Identity, identityEvents } from './control/identity.js';
import { imageHeaderVerb } from './control/image-header-verb.js';
import { InitGuiders } from './control/init-guiders.js';
import { Lifecycle } from './control/lifecycle.js';
import { pointingVerb } from './control/pointing-verb.js';
import { ControlServer } from './control/server.js';
import type { Role } from './control/states.js';
import { makeVerbs, type Verbs } from './control/verbs.js';
import { openableLink } from './daq/link-set.js';
import { FileRooms } from './file-rooms.js';
import { LiveCalibrations } from './guider/calibrations.js';
import { ExposureBook } from './guider/exposure/book.js';
import { Guider } from './guider/guider.js';
import { OnSky } from './guider/on-sky.js';
import type { StartHostThread } from './health/host/thread.js';
import type { ClockSource, HostClock } from './health/host-clock.js';
import { LinkWatch } from './health/link-watch.js';
import { HealthRoom, startingTime } from './health/room.js';
import { type LiveStream, StreamClock } from './health/stream-clock.js';
import type { VitalSigns } from './health/vital-signs.js';
import { Intake } from './intake.js';
import { Metrics } from './metrics/metrics.js';
import type { DaqLink, LinkSettings, OpenableLink } from './model/daq.js';
import type { ExposureTimes } from './model/exposure-times.js';
import { type Log, logLevelNumber } from './model/log.js';
import { LogGate } from './model/log-gate.js';
import type { SetAlarm } from './model/messages.js';
import { bindOrExplain } from './publish/bind.js';
import { Publisher } from './publish/publisher.js';
import { type Reporting, snapshotOf, statsOf } from './report.js';
import { type ConnectionControl, EndpointGuard } from './security/guard.js';
import { ioThreads } from './security/socket-options.js';

export interface AgentDeps {
  readonly log: Log;
  readonly version: string;
  readonly createLink: (settings: LinkSettings, log: Log) => DaqLink;
  /** CLOCK_TAI - CLOCK_REALTIME in s; null where it cannot be read */
  readonly kernelTaiSeconds: () => number | null;
  readonly startHostThread: StartHostThread;
  readonly clocks: ClockSource;
  /** of TCP connections of this process; absent: nobody is held or cut off */
  readonly connections?: ConnectionControl;
}

export interface Addresses {
  readonly data: string;
  readonly control: string;
  readonly query: string | null;
  /** URL for Prometheus; null: none */
  readonly prometheus: string | null;
}

export class Agent {
  readonly #profile: Profile;
  readonly #version: string;
  readonly #clock: HostClock;
  readonly #logs: LogGate;
  readonly #log: Log;
  readonly #lifecycle: Lifecycle;
  readonly #desk: CommandDesk;
  readonly #publisher: Publisher;
  readonly #guard: EndpointGuard;
  readonly #control: ControlServer;
  readonly #query: ControlServer | null;
  readonly #onSky: OnSky;
  readonly #exposures: ExposureBook;
  readonly #initGuiders: InitGuiders;
  readonly #guider: Guider;
  readonly #files: FileRooms;
  readonly #calibrations: LiveCalibrations | null;
  readonly #health: HealthRoom;
  readonly #metrics: Metrics;
  readonly #link: OpenableLink;
  readonly #intake: Intake;
  readonly #watch = new LinkWatch();
  readonly #exit = new AbortController();
  readonly #ended = new AbortController();
  readonly #started = process.hrtime.bigint();
  /** what is running, in the order of starting */
  readonly #running: (() => Promise<void> | void)[] = [];

  constructor(profile: Profile, deps: AgentDeps) {
    this.#profile = profile;
    this.#version = deps.version;
    const { kernelTaiSeconds, clocks, startHostThread } = deps;
    const time = startingTime(kernelTaiSeconds, profile.health.taiMinusUtcS, clocks);
    this.#clock = time.clock;
    // A recording is measured in its own time.
    const recorded = profile.links[0].driver === 'recording';
    const context = new Context({ blocky: false, ioThreads });
    const { agent, publish, guider } = profile;
    this.#logs = new LogGate({
      console: deps.log,
      subscribers: (level, message, fields) =>
        this.#publisher.publish({ kind: 'log', level, message, fields }),
      nowMs: () => performance.now(),
    });
    this.#log = this.#logs.log;
    this.#guard = new EndpointGuard(
      { security: profile.security, log: this.#log, connections: deps.connections },
      context,
    );
    this.#publisher = new Publisher(
      {
        endpoint: publish.data,
        highWaterMark: publish.highWaterMark,
        agent: agent.name,
        instrument: agent.instrument,
        simulated: profile.simulationMode !== 0,
        ipcMode: publish.ipcMode,
        watch: (socket) => this.#guard.watch('data', socket),
        socket: this.#guard.options('data', publish.data),
      },
      this.#clock,
      context,
    );
    this.#metrics = new Metrics(
      {
        endpoint: profile.health.prometheus,
        labels: { agent: agent.name, instrument: agent.instrument },
      },
      {
        sink: this.#publisher,
        monotonicNs: () => this.#clock.monotonicNs(),
        stats: () => this.stats(),
        host: () => this.#health.host?.last ?? null,
        alarms: () => this.#health.alarms.history,
      },
    );
    this.#link = openableLink(profile.links, (settings) => deps.createLink(settings, this.#log));
    const live: LiveStream = {
      clock: this.#clock,
      busySinceNs: () => this.#link.busySinceNs(),
      look: () => this.#link.look(),
      soon: (call) => setImmediate(call),
    };
    const stream = new StreamClock(this.#clock, recorded ? null : live);
    this.#exposures = new ExposureBook({
      next: new ResultGate(this.#metrics.doors, () => this.#lifecycle.state === 'ENABLED'),
      sensors: guider.sensors,
      pointing: () => this.#onSky.pointing,
      nowNs: () => process.hrtime.bigint(),
      later: (call) => setImmediate(call),
    });
    this.#onSky = new OnSky(this.#exposures, guider.pointing);
    this.#lifecycle = new Lifecycle({
      sink: this.#publisher,
      log: this.#log,
      openLink: () => this.#openLink(),
      closeLink: () => this.#closeLink(),
      configurationApplied: () => configurationApplied(this.#identity()),
      exit: () => this.#exit.abort('exitControl'),
    });
    this.#initGuiders = new InitGuiders({
      control: (command, deadlineMs) => this.#link.control(command, deadlineMs),
      sensors: guider.sensors.map((s) => s.detectorName),
      roiSpec: () => profileRoiSpec(profile),
      expect: (spec) => this.#guider.expectRoi(spec),
      log: this.#log,
    });
    this.#desk = new CommandDesk({
      verbs: this.#verbs(),
      state: () => this.#lifecycle.state,
      monotonicNs: () => this.#clock.monotonicNs(),
      taiNs: () => this.#clock.taiNs(),
      utcS: () => Date.now() / 1000,
      uptimeS: () => this.#uptimeS(),
      log: this.#log,
    });
    const server = (name: 'control' | 'query', role: Role, endpoint: string) => {
      const bind = (socket: Router, at: string, key: string) =>
        bindOrExplain(socket, at, key, publish.ipcMode);
      const strict = this.#guard.isEncrypted(endpoint);
      const socket = this.#guard.options(name, endpoint);
      const watch = (watched: Router) => this.#guard.watch(name, watched);
      const key = `publish.${name}`;
      const settings = { endpoint, key, role, strict, desk: this.#desk, bind, watch, socket };
      return new ControlServer(settings, this.#log, context);
    };
    this.#control = server('control', 'command', publish.control);
    this.#query = publish.query === null ? null : server('query', 'observe', publish.query);
    // The health room is made after those that it watches.
    const alarm: SetAlarm = (name, severity, reason, cleared) =>
      this.#health.alarms.set(name, severity, reason, cleared);
    this.#guider = new Guider(
      { ...guider, timeSuspect: () => this.#health.time.suspect },
      {
        clock: stream,
        stream,
        sink: this.#onSky,
        log: this.#log,
        counters: () => this.#link.counters().sensors,
        publishing: () => this.#lifecycle.state === 'ENABLED',
        exposureEnded: (end) => {
          this.#exposures.ended(end);
          if (this.#lifecycle.state === 'ENABLED') this.#initGuiders.exposureEnded();
          else this.#initGuiders.drop();
        },
        roiAlarm: (reason) =>
          alarm('roi_mismatch', 'serious', reason, 'the series is what initGuiders asked for'),
        predict: (location, place) => this.#link.predict(location, place),
        // A recording is played one record at a time.
        ...(recorded ? {} : { look: () => this.#link.look() }),
      },
    );
    this.#files = new FileRooms(profile, {
      link: this.#link,
      sink: this.#publisher,
      log: this.#log,
      clock: this.#clock,
      alarm,
      taiMinusUtcS: () => this.#health.time.offset.seconds,
      onCalibrations: (directory) => this.#calibrations?.use(directory),
    });
    this.#calibrations =
      guider.calibrations &&
      new LiveCalibrations(guider.calibrations, guider.sensors, {
        sink: this.#publisher,
        calibrate: (location, order, amplifiers) => this.#link.calibrate(location, order, amplifiers),
        alarm,
      });
    this.#health = new HealthRoom(
      {
        ...profile.health,
        linkOptions: profile.links[0].options,
        simulationMode: profile.simulationMode,
        version: deps.version,
      },
      {
        sink: this.#publisher,
        log: this.#log,
        time,
        startHostThread,
        counters: () => this.#link.counters(),
        linkOpen: () => this.#link.isOpen,
        subscriptions: () => this.#publisher.subscriptionCount,
        sendFailures: () => this.#publisher.sendFailures,
        summaryState: () => this.#lifecycle.state,
        uptimeS: () => this.#uptimeS(),
      },
    );
    this.#intake = new Intake({
      guider: this.#guider,
      calibrations: this.#calibrations,
      link: this.#link,
      beat: this.#health.beat,
      stream,
      recorded,
      onEnd: () => {
        this.#log.info('the source has delivered everything');
        this.#ended.abort('the source has delivered everything');
      },
    });
  }

  /** Starts everything; on failure stops what was started and rejects with the reason. */
  async start(): Promise<Addresses> {
    try {
      await this.#guard.start();
      this.#running.push(() => this.#guard.stop());
      const data = await this.#publisher.start();
      this.#running.push(() => this.#publisher.stop());
      this.#files.start();
      this.#running.push(() => this.#files.stop());
      const control = await this.#control.start();
      this.#running.push(() => this.#control.stop());
      const query = (await this.#query?.start()) ?? null;
      this.#running.push(() => this.#query?.stop());
      const prometheus = await this.#metrics.start();
      this.#running.push(() => this.#metrics.stop());
      this.#guard.arm({ data, control, query });
      this.#health.start();
      const tick = setInterval(() => this.#onSecond(), 1000);
      this.#running.push(() => {
        clearInterval(tick);
        return this.#health.stop();
      });
      this.#tellIdentity();
      this.#running.push(() => this.#files.finish());
      this.#running.push(() => this.#lifecycle.end());
      this.#running.push(() => this.#desk.stop());
      await this.#lifecycle.begin(this.#profile.agent.startState);
      return { data, control, query, prometheus };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Stops in reverse: the source first, then who listens to it. */
  async stop(): Promise<void> {
    for (let stop = this.#running.pop(); stop; stop = this.#running.pop()) await stop();
    this.#logs.flush(true);
  }

  /** Goes on from STANDBY, as `startState` does by itself. */
  async goTo(target: 'DISABLED' | 'ENABLED'): Promise<void> {
    await this.#lifecycle.begin(target);
  }

  get subscriptionCount(): number {
    return this.#publisher.subscriptionCount;
  }

  /** Aborted when a finite source has delivered everything. */
  get ended(): AbortSignal {
    return this.#ended.signal;
  }

  /** Aborted by the command exitControl: the process should stop the agent and end. */
  get exit(): AbortSignal {
    return this.#exit.signal;
  }

  /** For the service manager. */
  vitals(): ReturnType<VitalSigns['look']> {
    return this.#health.vitalSigns.look();
  }

  /** What became of every stamp, by every counter there is. */
  stats(): Record<string, unknown> {
    return statsOf(this.#reporting());
  }

  #reporting(): Reporting {
    return {
      profile: this.#profile,
      version: this.#version,
      clock: this.#clock,
      uptimeS: () => this.#uptimeS(),
      lifecycle: this.#lifecycle,
      desk: this.#desk,
      publisher: this.#publisher,
      guard: this.#guard,
      onSky: this.#onSky,
      guider: this.#guider,
      images: this.#files.images,
      butler: this.#files.butler,
      health: this.#health,
      link: this.#link,
    };
  }

  #verbs(): Verbs {
    const verbs = makeVerbs({
      snapshot: () => snapshotOf(this.#reporting()),
      stats: () => this.stats(),
      control: (command, deadlineMs) => this.#link.control(command, deadlineMs),
      setLogLevel: (level) => {
        this.#logs.level = level;
        this.#tellLogLevel();
      },
    });
    const role = { onExposureTimes: (times: ExposureTimes) => this.#guider.onExposureTimes(times) };
    return {
      ...verbs,
      initGuiders: this.#initGuiders.verb,
      stop: (args) => {
        this.#initGuiders.drop();
        return verbs.stop(args);
      },
      ...this.#lifecycle.verbs(),
      pointing: pointingVerb(this.#onSky),
      exposure: exposureVerb(role),
      imageHeader: imageHeaderVerb({
        // The room is made after the verbs.
        onHeader: this.#profile.image && ((header) => this.#files.images?.onHeader(header) ?? ''),
      }),
    };
  }

  #openLink(): void {
    this.#watch.reset();
    this.#files.beforeLink();
    this.#link.start(
      (records) => this.#intake.onRecords(records),
      (files) => this.#files.recordings.onFiles(files),
      this.#files.images ?? undefined,
    );
    this.#tellSettings();
    this.#calibrations?.begin(this.#profile.guider.roi);
  }

  async #closeLink(): Promise<void> {
    this.#files.images?.stop();
    await this.#link.stop();
    this.#guider.stop();
    this.#exposures.finish();
    this.#health.beat.onLinkClosed();
  }

  #onSecond(): void {
    this.#health.time.look();
    this.#guard.refresh();
    this.#logs.flush();
    if (!this.#link.isOpen) return;
    const trouble = this.#watch.look(this.#link.counters());
    if (trouble) this.#lifecycle.fault(trouble.fault, trouble.detail);
  }

  /** Says once who this is. */
  #tellIdentity(): void {
    const events = identityEvents(this.#identity());
    for (const event of events) this.#publisher.publish({ kind: 'state', ...event });
    this.#tellLogLevel();
  }

  #tellLogLevel(): void {
    const level = logLevelNumber[this.#logs.level];
    this.#publisher.publish({ kind: 'state', event: 'logLevel', level, subsystem: '' });
  }

  #identity(): Identity {
    const { agent, simulationMode, source } = this.#profile;
    const { driver, driverVersion } = this.#link.counters();
    const { role } = agent;
    return { version: this.#version, role, driver, driverVersion, simulationMode, source };
  }

  /** Says what became of best-effort settings. */
  #tellSettings(): void {
    const { outcomes, driver, driverVersion } = this.#link.counters();
    this.#log.info('the DAQ link is open', { driver, driver_version: driverVersion, ...outcomes });
    // A library's version, and what it is connected to, are known only now.
    const [versions] = identityEvents(this.#identity());
    if (versions && driver.includes('plugin')) this.#publisher.publish({ kind: 'state', ...versions });
  }

  #uptimeS(): number {
    return Number(process.hrtime.bigint() - this.#started) / 1e9;
  }
}
