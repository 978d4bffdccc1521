// SPDX-License-Identifier: Apache-2.0
// SQL of the registry's tables, as SQLAlchemy makes it for lsst.daf.butler: names of constraints and indexes follow rules,
// so the tables are kept in a short notation (schema-tables.ts).

const types: Readonly<Record<string, string>> = {
  serial: 'INTEGER',
  int: 'BIGINT',
  small: 'SMALLINT',
  real: 'FLOAT',
  bool: 'BOOLEAN',
  text: 'TEXT',
  name: 'VARCHAR(32)',
  word: 'VARCHAR(16)',
  uuid: 'CHAR(32)',
};
/** Short texts have a CHECK on their length: SQLite does not. */
const lengths: Readonly<Record<string, number>> = { name: 32, word: 16 };

interface Column {
  readonly name: string;
  readonly type: string;
  readonly required: boolean;
  readonly value: string;
}

interface Reference {
  readonly table: string;
  readonly theirs: readonly string[];
  readonly own: readonly string[];
  readonly cascade: boolean;
}

interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly key: readonly string[];
  readonly unique: readonly (readonly string[])[];
  readonly indexes: readonly (readonly string[])[];
  readonly references: Reference[];
}

function wordsOf(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

function columnOf(text: string): Column {
  const [name = '', type = '', value = ''] = wordsOf(text);
  return { name, type: type.replace('!', ''), required: type.endsWith('!'), value };
}

function tableOf(line: string): Table {
  const at = line.indexOf(':');
  const [columns = '', ...clauses] = line.slice(at + 1).split(';');
  const named = (clause: string) =>
    clauses.map(wordsOf).flatMap(([kind, ...names]) => (kind === clause ? [names] : []));
  return {
    name: line.slice(0, at),
    columns: columns.split(',').map(columnOf),
    key: named('key')[0] ?? [],
    unique: named('unique'),
    indexes: named('index'),
    references: [],
  };
}

function referenceOf(line: string): Reference {
  const all = wordsOf(line.trim().slice(2));
  const cascade = all.at(-1) === 'cascade';
  const [table = '', ...names] = cascade ? all.slice(0, -1) : all;
  const by = names.indexOf('by');
  const theirs = by < 0 ? names : names.slice(0, by);
  return { table, theirs, own: by < 0 ? names : names.slice(by + 1), cascade };
}

function read(notation: string): Table[] {
  const tables: Table[] = [];
  for (const line of notation.split('\n')) {
    if (line.trim() === '') continue;
    if (line.startsWith(' ')) tables.at(-1)?.references.push(referenceOf(line));
    else tables.push(tableOf(line));
  }
  return tables;
}

/** `group` is a word of SQL. */
function quoted(name: string): string {
  return name === 'group' ? '"group"' : name;
}

function list(names: readonly string[]): string {
  return names.map(quoted).join(', ');
}

function createTable({ name, columns, key, unique, references }: Table): string {
  const lines = columns.map(({ name: column, type, required, value }) =>
    [quoted(column), types[type], value && `DEFAULT ${value}`, required && 'NOT NULL']
      .filter(Boolean)
      .join(' '),
  );
  lines.push(`PRIMARY KEY (${list(key)})`);
  for (const { name: column, type } of columns) {
    const most = lengths[type];
    if (most !== undefined)
      lines.push(
        `CONSTRAINT ${name}_len_${column} CHECK (length("${column}")<=${most} AND length("${column}")>=1)`,
      );
  }
  for (const names of unique) lines.push(`CONSTRAINT ${name}_unq_${names.join('_')} UNIQUE (${list(names)})`);
  for (const { table, theirs, own, cascade } of references) {
    const constraint = ['fkey', name, table, ...theirs, ...own].join('_');
    const target = `${quoted(table)} (${list(theirs)})${cascade ? ' ON DELETE CASCADE' : ''}`;
    lines.push(`CONSTRAINT ${constraint} FOREIGN KEY(${list(own)}) REFERENCES ${target}`);
  }
  return `CREATE TABLE ${quoted(name)} (\n\t${lines.join(', \n\t')}\n)`;
}

function createIndexes({ name, key, references, indexes }: Table): string[] {
  const index = (kind: string, names: readonly string[]) =>
    `CREATE INDEX ${name}_${kind}_${names.join('_')} ON ${quoted(name)} (${list(names)})`;
  const foreign = references.filter(({ own }) => own.join() !== key.join());
  return [...foreign.map(({ own }) => index('fkidx', own)), ...indexes.map((names) => index('idx', names))];
}

/** Statements that make the tables of `notation` and their indexes, in a possible order. */
export function statementsOf(notation: string): string[] {
  return read(notation).flatMap((table) => [createTable(table), ...createIndexes(table)]);
}

/** What a dimension adds to a table of datasets: column and foreign keys. */
const dimensions: Readonly<Record<string, { readonly column: string; readonly references: string }>> = {
  instrument: {
    column: 'instrument name!',
    references:
      '  -> instrument name by instrument\n  -> collection_summary_instrument collection_id instrument\n',
  },
  detector: {
    column: 'detector int!',
    references: '  -> detector instrument id by instrument detector\n',
  },
  exposure: {
    column: 'exposure int!',
    references: '  -> exposure instrument id by instrument exposure\n',
  },
  physical_filter: {
    column: 'physical_filter name!',
    references: '  -> physical_filter instrument name by instrument physical_filter\n',
  },
};

export function isKnownDimension(name: string): boolean {
  return Object.hasOwn(dimensions, name);
}

function datasetReferences(names: readonly string[]): string {
  return [
    '  -> dataset_type id by dataset_type_id\n  -> dataset id by dataset_id cascade\n',
    '  -> collection collection_id cascade\n',
    '  -> collection_summary_dataset_type collection_id dataset_type_id\n',
    ...names.map((name) => dimensions[name]?.references ?? ''),
  ].join('');
}

const datasetColumns = 'dataset_type_id int!, dataset_id uuid!, collection_id int!';

/** Where datasets of these dimensions are found by data ID. */
export function tagsTable(table: string, names: readonly string[]): string[] {
  const columns = names.map((name) => dimensions[name]?.column).join(', ');
  const notation = `${table}: ${datasetColumns}, ${columns}; key dataset_id collection_id; unique dataset_type_id collection_id ${names.join(' ')}`;
  return statementsOf(`${notation}\n${datasetReferences(names)}`);
}

/** The same for calibrations, which have a validity range. */
export function calibsTable(table: string, names: readonly string[]): string[] {
  const columns = names.map((name) => dimensions[name]?.column).join(', ');
  const span = 'timespan_begin int! 0, timespan_end int! 4102444800000000000';
  const notation = `${table}: id serial!, ${datasetColumns}, ${columns}, ${span}; key id; index dataset_type_id collection_id ${names.join(' ')} timespan_begin timespan_end`;
  return statementsOf(`${notation}\n${datasetReferences(names)}`);
}
