// SPDX-License-Identifier: Apache-2.0
// Checks profiles against hw-profiles/schema.json. The build compiles the schema (scripts/profile-validator.mjs), which
// takes longer than everything else an agent does before it is ready; a schema that has changed since is compiled here.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import type { ProfileFile } from './profile.js';

type Validate = ValidateFunction<ProfileFile>;

/** What the build leaves in dist/. */
interface Built {
  readonly schemaSha256: string;
  readonly validate: Validate;
}

const require = createRequire(import.meta.url);
let known: Validate | null = null;

/** Of the installation in `root`. */
export function profileValidator(root: string): Validate {
  known ??= validatorFrom(
    join(root, 'hw-profiles', 'schema.json'),
    join(root, 'dist', 'profile-validator.cjs'),
  );
  return known;
}

/** The built one where there is one of this very schema. */
export function validatorFrom(schemaFile: string, builtFile: string): Validate {
  const schema = readFileSync(schemaFile, 'utf8');
  if (existsSync(builtFile)) {
    const built: Built = require(builtFile);
    if (built.schemaSha256 === createHash('sha256').update(schema).digest('hex')) return built.validate;
  }
  const { Ajv }: typeof import('ajv') = require('ajv');
  return new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true }).compile<ProfileFile>(
    JSON.parse(schema),
  );
}
