// SPDX-License-Identifier: Apache-2.0
// Faults of stamps on their way, drawn per stamp from a seed: which datagrams leave, in which order, and what is done to
// them; and what the DAQ itself does wrong to the stamp (message-faults.ts).
import { type MessageFault, messageFaultKinds } from './message-faults.js';
import { Random } from './random.js';

export const faultKinds = ['drop', 'duplicate', 'reorder', 'late', 'truncate', 'corrupt'] as const;
export type FaultKind = (typeof faultKinds)[number] | MessageFault;

function isMessageFault(kind: FaultKind): kind is MessageFault {
  return (messageFaultKinds as readonly string[]).includes(kind);
}

export interface FaultSpec {
  readonly kind: FaultKind;
  /** whole stamps, or single datagrams of a stamp */
  readonly unit: 'stamp' | 'packet';
  /** probability per stamp (unit stamp) or per stamp that one of its datagrams is hit (unit packet) */
  readonly probability: number;
  /** hits exactly this stamp of the series; null: by probability */
  readonly at: number | null;
  /** detector name; null: all sensors */
  readonly sensor: string | null;
}

/** What happens to one stamp on its way. */
export interface StampFate {
  /** names of the faults, for the truth file and the counts */
  readonly faults: readonly string[];
  /** copies that leave; 0 = dropped whole */
  readonly copies: number;
  /** leaves after the next stamp of its sensor */
  readonly heldBack: boolean;
  /** leaves when most of the period to the next one is over */
  readonly late: boolean;
  /** what the DAQ does wrong to it */
  readonly message: readonly MessageFault[];
  /** fragments in sending order; empty = all in order */
  readonly order: Int32Array;
  /** [position, 1 truncate | 2 corrupt, argument]... */
  readonly edits: Int32Array;
}

const noNumbers = new Int32Array(0);
const untouched: StampFate = {
  faults: [],
  copies: 1,
  heldBack: false,
  late: false,
  message: [],
  order: noNumbers,
  edits: noNumbers,
};

/** Reads `KIND:p=0.05[,at=17][,sensor=R00_SG0][,unit=packet]`; throws with what was expected. */
export function parseFault(text: string): FaultSpec {
  const [kindText = '', rest = ''] = text.split(':', 2);
  const kinds = [...faultKinds, ...messageFaultKinds];
  const kind = kinds.find((one) => one === kindText);
  if (kind === undefined)
    throw new Error(`expected one of ${kinds.join(', ')} before the colon, got "${kindText}"`);
  const onPackets = kind === 'truncate' || kind === 'corrupt';
  const stampsOnly = kind === 'late' || isMessageFault(kind);
  let unit: FaultSpec['unit'] = onPackets ? 'packet' : 'stamp';
  let probability: number | null = null;
  let at: number | null = null;
  let sensor: string | null = null;
  for (const setting of rest.split(',').filter((one) => one !== '')) {
    const [key = '', value = ''] = setting.split('=', 2);
    if (key === 'p' && Number(value) >= 0 && Number(value) <= 1 && value !== '') probability = Number(value);
    else if (key === 'at' && /^\d+$/.test(value)) at = Number(value);
    else if (key === 'sensor' && /^R\d\d_S[GW]\d$/.test(value)) sensor = value;
    else if (key === 'unit' && ((value === 'packet' && !stampsOnly) || (value === 'stamp' && !onPackets)))
      unit = value;
    else
      throw new Error(
        `expected p=0..1, at=STAMP, sensor=R00_SG0 or unit=packet|stamp after "${kind}:", got "${setting}"`,
      );
  }
  if (probability === null && at === null)
    throw new Error(`expected p=0..1 or at=STAMP after "${kind}:", got neither`);
  return { kind, unit, probability: probability ?? 0, at, sensor };
}

export class Faults {
  readonly #specs: readonly FaultSpec[];
  readonly #random: Random;

  constructor(specs: readonly FaultSpec[], seed: number) {
    this.#specs = specs;
    this.#random = new Random(seed, 'faults');
  }

  /** Draws the fate of one stamp of `fragments` datagrams. */
  fate(sensor: string, stamp: number, fragments: number): StampFate {
    if (this.#specs.length === 0) return untouched;
    const faults: string[] = [];
    let copies = 1;
    let heldBack = false;
    let late = false;
    const message: MessageFault[] = [];
    let order = Array.from({ length: fragments }, (_, i) => i);
    const edits: { fragment: number; edit: number; argument: number }[] = [];
    for (const spec of this.#specs) {
      if (!this.#hits(spec, sensor, stamp)) continue;
      faults.push(spec.unit === 'packet' ? `${spec.kind}_packet` : spec.kind);
      const fragment = this.#random.integer(fragments);
      if (isMessageFault(spec.kind)) message.push(spec.kind);
      else if (spec.unit === 'stamp') {
        if (spec.kind === 'drop') copies = 0;
        else if (spec.kind === 'late') late = true;
        else if (spec.kind === 'duplicate') copies = 2;
        else heldBack = true;
      } else if (spec.kind === 'drop') order = order.filter((one) => one !== fragment);
      else if (spec.kind === 'duplicate') order.push(fragment);
      else if (spec.kind === 'reorder') order = this.#shuffled(order);
      else
        edits.push({
          fragment,
          edit: spec.kind === 'truncate' ? 1 : 2,
          argument: this.#random.integer(2 ** 30),
        });
    }
    if (faults.length === 0) return untouched;
    if (order.length === 0) copies = 0;
    const placed = edits.flatMap(({ fragment, edit, argument }) => {
      const position = order.indexOf(fragment);
      return position < 0 ? [] : [position, edit, argument];
    });
    return {
      ...{ faults, copies, heldBack, late, message },
      order: Int32Array.from(order),
      edits: Int32Array.from(placed),
    };
  }

  #hits(spec: FaultSpec, sensor: string, stamp: number): boolean {
    if (spec.sensor !== null && spec.sensor !== sensor) return false;
    if (spec.at !== null) return stamp === spec.at;
    return this.#random.uniform() < spec.probability;
  }

  #shuffled(order: readonly number[]): number[] {
    const shuffled = [...order];
    for (let i = shuffled.length - 1; i > 0; i--) {
      const j = this.#random.integer(i + 1);
      [shuffled[i], shuffled[j]] = [shuffled[j] ?? 0, shuffled[i] ?? 0];
    }
    return shuffled;
  }
}
