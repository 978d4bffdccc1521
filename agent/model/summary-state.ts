// SPDX-License-Identifier: Apache-2.0
// The five summary states of a commandable component, as SAL names and numbers them.

export const summaryStateNumber = { DISABLED: 1, ENABLED: 2, FAULT: 3, OFFLINE: 4, STANDBY: 5 } as const;

export type SummaryState = keyof typeof summaryStateNumber;

/** States in which the DAQ link is open. */
export function hasLink(state: SummaryState): boolean {
  return state === 'DISABLED' || state === 'ENABLED';
}
