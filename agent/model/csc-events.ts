// SPDX-License-Identifier: Apache-2.0
// What a commandable component tells of itself, with SAL's names and fields.

import type { SummaryState } from './summary-state.js';

export type CscEvent =
  | { readonly event: 'summaryState'; readonly summaryState: SummaryState }
  | {
      readonly event: 'errorCode';
      /** 0: none; control/faults.ts */
      readonly errorCode: number;
      readonly errorReport: string;
      readonly traceback: string;
    }
  | {
      readonly event: 'configurationApplied';
      readonly configurations: string;
      readonly version: string;
      readonly url: string;
      readonly schemaVersion: string;
      readonly otherInfo: string;
    }
  | {
      readonly event: 'configurationsAvailable';
      readonly overrides: string;
      readonly version: string;
      readonly url: string;
      readonly schemaVersion: string;
    }
  | {
      readonly event: 'softwareVersions';
      readonly salVersion: string;
      readonly xmlVersion: string;
      readonly cscVersion: string;
      readonly subsystemVersions: string;
    }
  | { readonly event: 'simulationMode'; readonly mode: number }
  | {
      /** not SAL's; arrays are in the profile's sensor order, -1 or NaN where a sensor has no ROI yet */
      readonly event: 'calibrationsApplied';
      readonly directory: string;
      readonly sensors: readonly string[];
      readonly complete: readonly boolean[];
      readonly segment: readonly number[];
      readonly startRow: readonly number[];
      readonly startCol: readonly number[];
      readonly nRows: readonly number[];
      readonly nCols: readonly number[];
      /** ms */
      readonly integration: readonly number[];
      /** electron/ADU and electron, of the amplifier */
      readonly gain: readonly number[];
      readonly readNoise: readonly number[];
      /** a sentence for each file that is missing or cannot be used */
      readonly missing: readonly string[];
    }
  | { readonly event: 'logLevel'; readonly level: number; readonly subsystem: string };

export type CscEventMessage = CscEvent & { readonly kind: 'state' };
