// SPDX-License-Identifier: Apache-2.0
// What an agent says of itself when it is asked: every counter (`stats`), and where it stands (`snapshot`).

import type { ButlerRoom } from './butler/room.js';
import type { Profile } from './config/profile.js';
import type { CommandDesk } from './control/desk.js';
import type { Lifecycle } from './control/lifecycle.js';
import { pointingToWire } from './control/pointing-verb.js';
import type { Guider } from './guider/guider.js';
import type { OnSky } from './guider/on-sky.js';
import type { HostClock } from './health/host-clock.js';
import type { HealthRoom } from './health/room.js';
import type { ImageRoom } from './image/room.js';
import type { DaqLink, LinkCounters } from './model/daq.js';
import { toWire } from './model/names.js';
import type { Publisher } from './publish/publisher.js';
import type { EndpointGuard } from './security/guard.js';
import { stampStats } from './stats.js';

export interface Reporting {
  readonly profile: Profile;
  readonly version: string;
  readonly clock: HostClock;
  readonly uptimeS: () => number;
  readonly lifecycle: Lifecycle;
  readonly desk: CommandDesk;
  readonly publisher: Publisher;
  readonly guard: EndpointGuard;
  readonly onSky: OnSky;
  readonly guider: Guider;
  readonly images: ImageRoom | null;
  readonly butler: ButlerRoom | null;
  readonly health: HealthRoom;
  readonly link: Pick<DaqLink, 'counters'>;
}

/** What became of every stamp, by every counter there is. */
export function statsOf(of: Reporting): Record<string, unknown> {
  const { profile, link, guider, images, publisher, guard } = of;
  return {
    summary_state: of.lifecycle.state,
    uptime_s: of.uptimeS(),
    ...stampStats(link.counters(), guider.accounts(), profile.guider.sensors),
    ...(images && { images: { ...link.counters().images, ...images.counts } }),
    ...(of.butler && { butler: of.butler.counts }),
    commands: of.desk.counts(),
    serial: of.health.sensors.counters(),
    connections: { ...guard.counts(), garbage: publisher.garbage },
    subscriptions: publisher.subscriptions(),
    send_failures: publisher.sendFailures,
    seqs: publisher.seqs(),
  };
}

/** For who comes late. */
export function snapshotOf(of: Reporting): Record<string, unknown> {
  const { agent, simulationMode } = of.profile;
  const { series, ...guider } = of.guider.status();
  return {
    agent: agent.name,
    instrument: agent.instrument,
    role: agent.role,
    version: of.version,
    boot: of.publisher.boot,
    tai_ns: of.clock.taiNs(),
    summary_state: of.lifecycle.state,
    simulation_mode: simulationMode,
    tai: toWire(of.health.time.offset),
    ...linksUp(of.link.counters()),
    guider: { series: series ? toWire(series) : null, ...toWire(guider) },
    ...pointingToWire(of.onSky.pointing),
    alarms: of.health.alarms.active.map(({ name, severity, message }) => ({ name, severity, message })),
    last: of.publisher.last(),
  };
}

/** Each of several links. */
function linksUp({ links }: LinkCounters): Record<string, unknown> {
  if (!links) return {};
  return { links: Object.fromEntries(links.map((l) => [l.name, { up: l.linkUp, in_step: l.inStep }])) };
}
