// SPDX-License-Identifier: Apache-2.0
// A repository that is open. Thread: one that may wait.

import { resolve } from 'node:path';
import { type DatabaseSettings, needsRollback, RepositoryDatabase } from './database.js';
import { checkAttributes, checkConfiguration } from './layout.js';
import { Registry } from './registry.js';

export class Repository {
  readonly root: string;
  readonly db: RepositoryDatabase;
  readonly registry: Registry;
  readonly universe: number;

  /** Refuses (`butler`) what is no repository, or one of a kind that is not known, before a byte is written. */
  constructor(root: string, settings: DatabaseSettings = {}) {
    this.root = resolve(root);
    const path = checkConfiguration(this.root);
    this.universe = this.#universeOf(path, settings);
    this.db = new RepositoryDatabase(path, settings);
    this.registry = new Registry(this.db);
  }

  close(): void {
    this.db.close();
  }

  /** Reads who made it with a connection that cannot write, unless what a crash left has to be rolled back first. */
  #universeOf(path: string, settings: DatabaseSettings): number {
    try {
      return this.#check(path, { ...settings, readOnly: true });
    } catch (error) {
      if (settings.readOnly || !needsRollback(error)) throw error;
      return this.#check(path, settings);
    }
  }

  #check(path: string, settings: DatabaseSettings): number {
    const db = new RepositoryDatabase(path, settings);
    try {
      const rows = db.read(() => {
        const there = db
          .prepare<[], unknown>("SELECT 1 FROM sqlite_master WHERE name = 'butler_attributes'")
          .get();
        if (there === undefined) return [];
        return db
          .prepare<[], { name: string; value: string }>('SELECT name, value FROM butler_attributes')
          .all();
      });
      return checkAttributes(this.root, new Map(rows.map(({ name, value }) => [name, value])));
    } finally {
      db.close();
    }
  }
}
