// SPDX-License-Identifier: Apache-2.0
// A log line: one sentence and structured fields. cli/stderr-log.ts writes it, publish/ sends it.

export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/** SAL numbers its levels like Python. */
export const logLevelNumber: Readonly<Record<LogLevel, number>> = {
  debug: 10,
  info: 20,
  warning: 30,
  error: 40,
};

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Makes a Log of one function. */
export function logTo(write: (level: LogLevel, message: string, fields: LogFields) => void): Log {
  const at =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}) =>
      write(level, message, fields);
  return { debug: at('debug'), info: at('info'), warning: at('warning'), error: at('error') };
}

/** The level of a number: the highest that is not above it. */
export function logLevelOf(number: number): LogLevel {
  if (number >= 40) return 'error';
  if (number >= 30) return 'warning';
  return number >= 20 ? 'info' : 'debug';
}
