// SPDX-License-Identifier: Apache-2.0
// Compiles hw-profiles/schema.json into dist/profile-validator.cjs, or the file that it is given
// (agent/config/validator.ts says why).
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import standalone from 'ajv/dist/standalone/index.js';

const text = readFileSync(new URL('../hw-profiles/schema.json', import.meta.url), 'utf8');
const ajv = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, code: { source: true } });
const code = standalone.default(ajv, ajv.compile(JSON.parse(text)));
const hash = createHash('sha256').update(text).digest('hex');
writeFileSync(
  process.argv[2] ?? new URL('../dist/profile-validator.cjs', import.meta.url),
  `${code}\nmodule.exports = { schemaSha256: '${hash}', validate: module.exports };\n`,
);
