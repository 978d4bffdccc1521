// SPDX-License-Identifier: Apache-2.0
// Reads the TAP of a `tap run`: prints each test file with its result, skips with their reason, and failures
// whole. With --counts prints only `PASSED FAILED`, counting named tests (the innermost level that has a plan).
import { readFileSync } from 'node:fs';

const lines = readFileSync(process.argv[2], 'utf8').split('\n');
const countsOnly = process.argv.includes('--counts');
let passed = 0;
let failed = 0;
let failedInFile = 0;
let diagnostics = false;

/** The reason of a skip; the seconds of a test. */
function remark(directive, value) {
  if (directive === 'SKIP') return ` (${value})`;
  const ms = directive === 'time' ? Number.parseFloat(value.slice(1)) : 0;
  return ms >= 1000 ? `, ${Math.round(ms / 1000)} s` : '';
}

/** A test file by its source. */
function sourceOf(name) {
  return name.replace(/^build\/tests\/(.*)\.js$/, '$1.ts');
}

for (const line of lines) {
  const match = /^( *)(not ok|ok) \d+(?: - (.*?))?(?: # (SKIP|TODO|time)\b ?(.*?))?(?: \{)?$/.exec(line);
  if (match === null) {
    if (diagnostics && !countsOnly) console.log(line);
    if (/^\s*\.\.\.$/.test(line)) diagnostics = false;
    continue;
  }
  const [, indent, verdict, name, directive, reason] = match;
  const depth = indent.length / 4;
  diagnostics = verdict === 'not ok';
  if (!countsOnly && (depth === 0 || verdict === 'not ok' || directive === 'SKIP')) {
    console.log(
      `${indent}${verdict === 'ok' ? (directive === 'SKIP' ? 'skip' : 'ok  ') : 'FAIL'} ${sourceOf(name ?? '')}${remark(directive, reason)}`,
    );
  }
  // Depth 0 is the file, depth 1 the named tests in it.
  if (depth === 1 && directive !== 'SKIP') {
    if (verdict === 'ok') passed++;
    else failedInFile++;
  }
  // A file fails without a failed test when it cannot be loaded, or dies between its tests.
  if (depth === 0) {
    failed += verdict === 'ok' ? 0 : Math.max(1, failedInFile);
    failedInFile = 0;
  }
}
if (countsOnly) console.log(passed, failed);
