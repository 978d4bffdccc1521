// SPDX-License-Identifier: Apache-2.0
// The goals of the measuring kernel, one line each: what was asked, what was measured, met or not.
import {
  accuracyOf,
  type PhaseCurve,
  phaseCurveOf,
  pooled,
  type Reliability,
  reliabilityOf,
  seriesOf,
} from './score.js';
import { type Answers, byClass, type Judged, type TruthGroup } from './stamps.js';

export interface GoalLine {
  readonly quantity: string;
  readonly goal: string;
  readonly measured: string;
  readonly met: boolean;
  /** the same quantity for each peer, where it has one */
  readonly peers: Readonly<Record<string, string>>;
}

export interface Measured {
  readonly groups: readonly TruthGroup[];
  readonly blind: Answers;
  /** with a prediction 1.5 px off at most */
  readonly tracking: Answers;
  readonly peers: Readonly<Record<string, Answers>>;
}

type Cells = ReadonlyMap<string, readonly Judged[]>;

const none: Cells = new Map();

function cellsOf({ groups }: Measured, name: string, answers: Answers): Cells {
  const group = groups.find((one) => one.name === name);
  return group === undefined || answers[name] === undefined ? none : byClass(group, answers);
}

/** What `text` says of each peer's cells. */
function ofPeers(m: Measured, name: string, text: (cells: Cells) => string): Record<string, string> {
  return Object.fromEntries(
    Object.entries(m.peers).map(([peer, answers]) => [peer, text(cellsOf(m, name, answers))]),
  );
}

function percent(share: number, digits = 1): string {
  return `${(100 * share).toFixed(digits)} %`;
}

function snrOf(cls: string): number {
  return Number(cls.replace('snr', ''));
}

const boundGoals: readonly (readonly [number, number, number])[] = [
  [7, 7, 1.2],
  [10, 20, 1.15],
  [30, 100, 1.08],
  [200, 1000, 1.05],
];

function boundLines(m: Measured): GoalLine[] {
  const lines: GoalLine[] = [];
  for (const [cls, cell] of cellsOf(m, 'acc_raw50', m.blind)) {
    const snr = snrOf(cls);
    const goal = boundGoals.find(([low, high]) => snr >= low && snr <= high)?.[2];
    if (goal === undefined) continue;
    const { rmsOverBound, relativeError, elsewhere } = accuracyOf(cell);
    lines.push({
      quantity: `rms/CRLB, SNR ${snr}`,
      goal: `<= ${goal.toFixed(2)}`,
      measured: `${rmsOverBound.toFixed(3)} +-${(rmsOverBound * relativeError).toFixed(3)}${elsewhere > 0 ? `, ${elsewhere} elsewhere` : ''}`,
      met: rmsOverBound <= goal,
      peers: ofPeers(m, 'acc_raw50', (cells) => ratioText(cells.get(cls) ?? [])),
    });
  }
  return lines;
}

/** In brackets the share answered, where it is not all. */
function ratioText(cell: readonly Judged[]): string {
  if (cell.length === 0) return '-';
  const { rmsOverBound, answered, stamps, elsewhere } = accuracyOf(cell);
  if (answered * stamps - elsewhere < 3) return '-';
  return `${rmsOverBound.toFixed(2)}${answered < 0.98 ? ` (${Math.round(100 * answered)})` : ''}`;
}

function seriesStamps(m: Measured): readonly Judged[] {
  return m.groups
    .filter((group) => group.name.startsWith('series_'))
    .flatMap((group) => [...pooled(byClass(group, m.blind).values())]);
}

function seriesLines(m: Measured): GoalLine[] {
  const all = seriesStamps(m);
  if (all.length === 0) return [];
  const ranges = [
    [10, 20, 1.1],
    [30, 1000, 1.05],
  ] as const;
  const lines = ranges.map(([low, high, goal]): GoalLine => {
    const cell = all.filter(({ truth }) => truth.star && truth.snr >= low && truth.snr <= high);
    const { rmsOverBound, relativeError } = accuracyOf(cell);
    return {
      quantity: `series, rms/CRLB, SNR ${low}-${high}`,
      goal: `<= ${goal.toFixed(2)}`,
      measured: `${rmsOverBound.toFixed(3)} +-${(rmsOverBound * relativeError).toFixed(3)}`,
      met: rmsOverBound <= goal,
      peers: {},
    };
  });
  const { stamps, lost, false: wrongly, wrong } = seriesOf(all, 15);
  lines.push({
    quantity: 'series: lost, false, > 1 px at SNR >= 15',
    goal: '0, 0, 0',
    measured: `${lost}, ${wrongly}, ${wrong} of ${stamps}`,
    met: lost + wrongly + wrong === 0,
    peers: {},
  });
  return lines;
}

function answeredLines(m: Measured): GoalLine[] {
  const modes = [
    ['blind', m.blind, { 5: 0.45, 7: 0.9 }],
    ['tracking', m.tracking, { 5: 0.6, 7: 0.97 }],
  ] as const;
  return modes.flatMap(([mode, answers, low]) => {
    const cells = cellsOf(m, 'acc_raw50', answers);
    if (cells.size === 0) return [];
    const faint = ([5, 7] as const).map((snr) =>
      answeredLine(m, mode, `SNR ${snr}`, [`snr${snr}`], cells, low[snr]),
    );
    const bright = [...cells.keys()].filter((cls) => snrOf(cls) >= 10);
    return [...faint, answeredLine(m, mode, 'SNR >= 10', bright, cells, 1)];
  });
}

function answeredLine(
  m: Measured,
  mode: string,
  what: string,
  classes: readonly string[],
  cells: Cells,
  goal: number,
): GoalLine {
  const share = (of: Cells): number => accuracyOf(pooled(classes.map((cls) => of.get(cls) ?? []))).answered;
  const answered = share(cells);
  return {
    quantity: `answered ${mode}, ${what}`,
    goal: `>= ${percent(goal, 0)}`,
    measured: percent(answered),
    met: answered >= goal,
    peers:
      mode === 'blind' ? ofPeers(m, 'acc_raw50', (of) => (of.size > 0 ? percent(share(of), 0) : '-')) : {},
  };
}

function widthLines(m: Measured): GoalLine[] {
  const cells = cellsOf(m, 'acc_fwhm50', m.blind);
  if (cells.size === 0) return [];
  const at = (of: Cells, snr: number) =>
    pooled([...of].filter(([cls]) => cls.endsWith(`_snr${snr}`)).map(([, c]) => c));
  const sweep = (
    [
      [20, 1.15],
      [100, 1.1],
    ] as const
  ).map(([snr, goal]): GoalLine => {
    const { rmsOverBound } = accuracyOf(at(cells, snr));
    return {
      quantity: `width sweep 0.5-1.5", rms/CRLB, SNR ${snr}`,
      goal: `<= ${goal.toFixed(2)}`,
      measured: rmsOverBound.toFixed(3),
      met: rmsOverBound <= goal,
      peers: ofPeers(m, 'acc_fwhm50', (of) => ratioText(at(of, snr))),
    };
  });
  const biases = [...cells].map(([cls, cell]) => ({ cls, ...accuracyOf(cell) }));
  return [
    ...sweep,
    biasLine(
      'FWHM bias, worst width',
      0.03,
      biases.map(({ cls, fwhmBias }) => [cls, fwhmBias]),
    ),
    biasLine(
      'flux bias, worst width',
      0.02,
      biases.map(({ cls, fluxBias }) => [cls, fluxBias]),
    ),
  ];
}

function biasLine(quantity: string, goal: number, biases: readonly (readonly [string, number])[]): GoalLine {
  const [cls, bias] = biases.reduce((worst, one) => (Math.abs(one[1]) > Math.abs(worst[1]) ? one : worst));
  return {
    quantity,
    goal: `<= ${percent(goal, 0)}`,
    measured: `${bias > 0 ? '+' : ''}${percent(bias)} at ${cls}`,
    met: Math.abs(bias) <= goal,
    peers: {},
  };
}

function pullLines(m: Measured): GoalLine[] {
  return [...cellsOf(m, 'acc_raw50', m.blind)].map(([cls, cell]): GoalLine => {
    const snr = snrOf(cls);
    const { pull } = accuracyOf(cell);
    const [low, high] = snr >= 10 ? [0.9, 1.1] : [0, 1.25];
    return {
      quantity: `pull rms, SNR ${snr}`,
      goal: snr >= 10 ? '0.9-1.1' : '<= 1.25',
      measured: pull.toFixed(3),
      met: pull >= low && pull <= high,
      peers: {},
    };
  });
}

function phaseText({ rms: average, peak, phases }: PhaseCurve): string {
  if (phases.length === 0) return '-';
  return `${(1000 * average).toFixed(2)} / ${(1000 * peak).toFixed(2)}`;
}

function phaseLines(m: Measured): GoalLine[] {
  return [...cellsOf(m, 'acc_phase50', m.blind)].map(([cls, cell]): GoalLine => {
    const curve = phaseCurveOf(cell);
    return {
      quantity: `S-curve rms / peak mpx, FWHM ${Number(cls.replace('fwhm', ''))} px`,
      goal: '<= 1.0 / 2.5',
      measured: `${phaseText(curve)} (noise ${(1000 * curve.noise).toFixed(2)})`,
      met: curve.rms <= 0.001 && curve.peak <= 0.0025,
      peers: ofPeers(m, 'acc_phase50', (of) =>
        of.has(cls) ? phaseText(phaseCurveOf(of.get(cls) ?? [])) : '-',
      ),
    };
  });
}

function bigLines(m: Measured): GoalLine[] {
  const cells = cellsOf(m, 'acc_raw400', m.blind);
  const right = (of: Cells, classes: readonly string[]): number => {
    const cell = pooled(classes.map((cls) => of.get(cls) ?? []));
    const { answered, elsewhere, stamps } = accuracyOf(cell);
    return answered - elsewhere / stamps;
  };
  const bright = [...cells.keys()].filter((cls) => snrOf(cls) >= 15);
  const wanted = [
    ['SNR >= 15', bright, 1],
    ['SNR 10', ['snr10'], 0.9],
  ] as const;
  const found =
    cells.size === 0
      ? []
      : wanted.map(([what, classes, goal]): GoalLine => {
          const share = right(cells, classes);
          return {
            quantity: `400x400 blind, star found, ${what}`,
            goal: `>= ${percent(goal, 0)}`,
            measured: percent(share),
            met: share >= goal,
            peers: ofPeers(m, 'acc_raw400', (of) => (of.size > 0 ? percent(right(of, classes), 0) : '-')),
          };
        });
  const nuisance = cellsOf(m, 'nuisance400', m.blind);
  const field = nuisance.get('field');
  if (field === undefined) return found;
  const correct = (cell: readonly Judged[]): number => {
    const { noAnswer, wrongUnflagged, stamps } = reliabilityOf(cell);
    return 1 - (noAnswer + wrongUnflagged) / stamps;
  };
  return [
    ...found,
    {
      quantity: '400x400 field, right star',
      goal: '>= 98 %',
      measured: percent(correct(field)),
      met: correct(field) >= 0.98,
      peers: ofPeers(m, 'nuisance400', (of) =>
        of.has('field') ? percent(correct(of.get('field') ?? []), 0) : '-',
      ),
    },
    ...['empty', 'empty_artefact'].map((cls) => wrongLine(m, 'nuisance400', cls, 0)),
  ];
}

/** Most wrong and unflagged of each class; classes not named: none. */
const mayBeWrong: Readonly<Record<string, number>> = {
  close_double: 0.03,
  leaving: 0.01,
  empty: 0.002,
  empty_artefact: 0.01,
};
/** A wrong answer to these is noise, not an artefact; they have no goal. */
const withoutGoal = ['faint'];

function wrongText({ wrongUnflagged, stamps }: Reliability): string {
  return `${wrongUnflagged} of ${stamps}`;
}

function wrongLine(m: Measured, group: string, cls: string, limit: number): GoalLine {
  const score = reliabilityOf(cellsOf(m, group, m.blind).get(cls) ?? []);
  return {
    quantity: `wrong unflagged, ${group === 'nuisance400' ? '400x400 ' : ''}${cls}`,
    goal: limit === 0 ? '0' : `<= ${percent(limit)}`,
    measured: wrongText(score),
    met: score.wrongUnflagged <= limit * score.stamps,
    peers: ofPeers(m, group, (of) => (of.has(cls) ? wrongText(reliabilityOf(of.get(cls) ?? [])) : '-')),
  };
}

function wrongLines(m: Measured): GoalLine[] {
  const classes = [...cellsOf(m, 'nuisance50', m.blind).keys()].filter((cls) => !withoutGoal.includes(cls));
  const lines = classes.map((cls) => wrongLine(m, 'nuisance50', cls, mayBeWrong[cls] ?? 0));
  const empty = cellsOf(m, 'nuisance50', m.tracking).get('empty');
  if (empty === undefined) return lines;
  const score = reliabilityOf(empty);
  return [
    ...lines,
    {
      quantity: 'wrong unflagged, empty, tracking',
      goal: '<= 0.1 %',
      measured: wrongText(score),
      met: score.wrongUnflagged <= 0.001 * score.stamps,
      peers: {},
    },
  ];
}

/** Most left without an answer where one is due; gradient from an SNR of 15 on. */
const mayBeMissing: Readonly<Record<string, number>> = { cosmic_ray: 0.03, trailed: 0.03, gradient: 0.03 };

function missingLines(m: Measured): GoalLine[] {
  return [...cellsOf(m, 'nuisance50', m.blind)].flatMap(([cls, all]) => {
    const pick = (cell: readonly Judged[]) =>
      cls === 'gradient' ? cell.filter(({ truth }) => truth.snrEff >= 15) : cell;
    const { due, missing } = reliabilityOf(pick(all));
    if (due === 0) return [];
    const limit = mayBeMissing[cls] ?? 0.01;
    const text = (cell: readonly Judged[]): string => {
      const score = reliabilityOf(pick(cell));
      return `${score.missing} of ${score.due}`;
    };
    return [
      {
        quantity: `no answer where due, ${cls}`,
        goal: `<= ${percent(limit, 0)}`,
        measured: text(all),
        met: missing <= limit * due,
        peers: ofPeers(m, 'nuisance50', (of) => (of.has(cls) ? text(of.get(cls) ?? []) : '-')),
      },
    ];
  });
}

export function goalLines(m: Measured): readonly GoalLine[] {
  return [
    ...boundLines(m),
    ...seriesLines(m),
    ...answeredLines(m),
    ...pullLines(m),
    ...phaseLines(m),
    ...widthLines(m),
    ...wrongLines(m),
    ...missingLines(m),
    ...bigLines(m),
  ];
}
