// SPDX-License-Identifier: Apache-2.0
// The repository's SQLite file. Thread: one that may wait, never the event loop. Rollback journal and full synchronisation:
// readers on other machines see the file over NFS, where a write-ahead log does not work. SQLite's own way of waiting for
// a lock is unfair beside a busy writer, so a statement that finds it taken is tried again every millisecond.

import Database from 'better-sqlite3';
import { AgentError, sentenceOf } from '../model/errors.js';

export interface DatabaseSettings {
  readonly readOnly?: boolean;
  /** how long a lock of somebody else is waited for, ms */
  readonly busyMs?: number;
  /** for who writes again and again: the journal's file stays, emptied, so that no commit waits for its folder */
  readonly keepJournal?: boolean;
}

const defaultBusyMs = 10_000;
const pause = new Int32Array(new SharedArrayBuffer(4));

function codeOf(error: unknown): string {
  return error instanceof Database.SqliteError ? error.code : '';
}

function isBusy(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_BUSY') || codeOf(error) === 'SQLITE_LOCKED';
}

/** Something else is there under the same key, or something that was pointed to is not there. */
export function isConstraint(error: unknown): boolean {
  return codeOf(error).startsWith('SQLITE_CONSTRAINT');
}

/** A crash left a transaction unfinished: who may write puts it right by opening. */
export function needsRollback(error: unknown): boolean {
  const cause = error instanceof AgentError ? error.cause : error;
  return /^SQLITE_READONLY_(ROLLBACK|RECOVERY)/.test(codeOf(cause));
}

const sentences: readonly (readonly [RegExp, string])[] = [
  [/^SQLITE_FULL/, 'the disk is full'],
  [
    /^SQLITE_READONLY_(ROLLBACK|RECOVERY)/,
    'a crash left a transaction unfinished, which the next that opens it for writing rolls back',
  ],
  [/^SQLITE_(READONLY|PERM|CANTOPEN)/, 'the database cannot be written'],
  [/^SQLITE_IOERR/, 'the disk failed, or is full'],
  [/^SQLITE_(CORRUPT|NOTADB)/, 'the database is damaged'],
];

/** What SQLite says as a refusal with a sentence; anything else is a bug and stays what it is. */
function refusalOf(path: string, error: unknown): unknown {
  const code = codeOf(error);
  const known = sentences.find(([form]) => form.test(code));
  if (!known) return error;
  return new AgentError('butler', `${path}: ${known[1]} (${sentenceOf(error)})`, { cause: error });
}

export class RepositoryDatabase {
  readonly path: string;
  readonly #db: Database.Database;
  readonly #busyMs: number;
  readonly #keepJournal: boolean;
  readonly #begin: Database.Statement;
  readonly #commit: Database.Statement;
  readonly #rollback: Database.Statement;

  constructor(
    path: string,
    { readOnly = false, busyMs = defaultBusyMs, keepJournal = false }: DatabaseSettings = {},
  ) {
    this.path = path;
    this.#busyMs = busyMs;
    this.#keepJournal = keepJournal && !readOnly;
    try {
      this.#db = new Database(path, { readonly: readOnly, fileMustExist: true, timeout: 0 });
    } catch (error) {
      throw refusalOf(path, error);
    }
    try {
      this.#begin = this.#patiently(() => this.#db.prepare('BEGIN IMMEDIATE'));
      this.#commit = this.#db.prepare('COMMIT');
      this.#rollback = this.#db.prepare('ROLLBACK');
      this.#patiently(() => this.#db.pragma('foreign_keys = ON'));
      this.#patiently(() => this.#db.pragma('synchronous = FULL'));
      // What a statement undoes by itself needs no file, and an exposure of a whole camera fits the cache.
      this.#db.pragma('temp_store = MEMORY');
      this.#db.pragma('cache_size = -16000');
      if (this.#keepJournal) this.#patiently(() => this.#db.pragma('journal_mode = PERSIST'));
      this.#patiently(() => this.#db.pragma('schema_version'));
    } catch (error) {
      this.#db.close();
      throw refusalOf(path, error);
    }
  }

  prepare<P extends unknown[], R>(sql: string): Database.Statement<P, R> {
    return this.#patiently(() => this.#db.prepare<P, R>(sql));
  }

  exec(sql: string): void {
    this.#patiently(() => this.#db.exec(sql));
  }

  pragma(text: string): unknown {
    return this.read(() => this.#db.pragma(text));
  }

  /** A look that may meet somebody else's commit. */
  read<T>(look: () => T): T {
    try {
      return this.#db.inTransaction ? look() : this.#patiently(look);
    } catch (error) {
      throw refusalOf(this.path, error);
    }
  }

  /** Several looks at one state of the repository. */
  snapshot<T>(look: () => T): T {
    return this.read(() => this.#db.transaction(look).deferred());
  }

  /** All of it, or nothing. */
  write<T>(work: () => T): T {
    try {
      this.#patiently(() => this.#begin.run());
      const result = work();
      this.#patiently(() => this.#commit.run());
      return result;
    } catch (error) {
      if (this.#db.inTransaction) this.#rollback.run();
      throw refusalOf(this.path, error);
    }
  }

  close(): void {
    // Takes the file away, unless somebody else is at work.
    if (this.#keepJournal) this.#db.pragma('journal_mode = DELETE');
    this.#db.close();
  }

  #patiently<T>(attempt: () => T): T {
    const until = performance.now() + this.#busyMs;
    for (;;) {
      try {
        return attempt();
      } catch (error) {
        if (!isBusy(error)) throw error;
        if (performance.now() > until)
          throw new AgentError(
            'butler_busy',
            `${this.path}: somebody else has held its lock for ${this.#busyMs / 1000} s`,
            { cause: error },
          );
        Atomics.wait(pause, 0, 0, 1);
      }
    }
  }
}
