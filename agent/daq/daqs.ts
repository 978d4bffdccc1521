// SPDX-License-Identifier: Apache-2.0
// Which DAQs several links lead to, and what each is told: links with one control channel share one DAQ.

import type { DaqReply, LinkSettings } from '../model/daq.js';
import { roiKeyAt } from '../model/location.js';

type Command = Readonly<Record<string, unknown>>;

/** One that takes commands. */
export interface Daq {
  /** the link that brings it commands */
  readonly link: number;
  /** keys of its sensors in a roiSpec */
  readonly rois: ReadonlySet<string>;
}

/** What tells one DAQ from another; null: it takes no commands. */
function addressOf({ driver, options }: LinkSettings): string | null {
  if (driver === 'wire') return typeof options.control === 'string' ? options.control : null;
  return driver === 'plugin' ? JSON.stringify([options.path, options.partition]) : null;
}

export function daqsOf(links: readonly LinkSettings[]): readonly Daq[] {
  const found = new Map<string, { readonly link: number; readonly rois: Set<string> }>();
  links.forEach((settings, link) => {
    const address = addressOf(settings);
    if (address === null) return;
    const daq = found.get(address) ?? { link, rois: new Set() };
    for (const { location } of settings.sensors) daq.rois.add(roiKeyAt(location));
    found.set(address, daq);
  });
  return [...found.values()];
}

/** Of several DAQs each begins a series of its own sensors; one without any is left alone. */
export function commandsFor(
  daqs: readonly Daq[],
  command: Command,
): readonly { readonly daq: Daq; readonly command: Command }[] {
  const { roiSpec } = command;
  if (daqs.length < 2 || typeof roiSpec !== 'object' || roiSpec === null)
    return daqs.map((daq) => ({ daq, command }));
  return daqs.flatMap((daq) => {
    const own = Object.entries(roiSpec).filter(([key]) => key === 'common' || daq.rois.has(key));
    return own.length < 2 ? [] : [{ daq, command: { ...command, roiSpec: Object.fromEntries(own) } }];
  });
}

/** The first that is no success, else the first; all of them by link. */
export function combinedReply(
  replies: readonly { readonly name: string; readonly reply: DaqReply }[],
): DaqReply {
  const [first] = replies;
  const { reply } = replies.find((one) => one.reply.status !== 0) ??
    first ?? { reply: { status: 6, reply: 'UNKNOWN' } };
  return replies.length < 2
    ? reply
    : { ...reply, links: Object.fromEntries(replies.map((r) => [r.name, r.reply])) };
}
