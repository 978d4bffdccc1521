// SPDX-License-Identifier: Apache-2.0
// summit-agent tail

import { AgentError } from '../model/errors.js';
import { messageKinds } from '../model/message-kinds.js';
import { nearest } from '../model/nearest.js';
import { attend } from './attend.js';
import type { Command } from './command.js';
import { connectionOf, dataHelp, dataOptions, subscribe } from './connection.js';
import { toJson } from './message-json.js';
import { messages, type Received } from './messages.js';
import { listOf, numberOf, words } from './options.js';

export const tail: Command = {
  summary: 'prints what an agent publishes, message by message, decoded and filtered',
  help: `usage: summit-agent tail [TOPIC...] [options]

Prints one line a message until Ctrl-C: time of day (TAI), topic, then key=value of its fields. TOPIC is the beginning of a
topic, as in agent/README.md; several may be given, none is all of them.

  --fields A,B        only these fields of the body
  --where KEY=VALUE   only messages whose field has this value; may be given again (all must hold)
  --json              every message as one JSON line; NaN becomes null
  --count N           ends after N messages
  --for S             ends after S seconds
  --timeout S         gives up, with exit code 1, when no agent answers for S seconds (default: tries on, and says so)
${dataHelp}
examples: summit-agent tail guider.offsets/ --fields stamp,x,y,rotation
          summit-agent tail alarm/ log/ state/
          summit-agent tail guider.result/LSSTCam/R44_SG0/ --where flagged=true --json
`,
  options: {
    ...dataOptions,
    fields: { type: 'string' },
    where: { type: 'string', multiple: true },
    json: { type: 'boolean' },
    count: { type: 'string' },
    for: { type: 'string' },
    timeout: { type: 'string' },
    [words]: { type: 'string' },
  },
  async run(options, { stdout, stderr, stop }) {
    const topics = listOf(options, words);
    const fields = typeof options.fields === 'string' ? options.fields.split(',') : null;
    const wanted = listOf(options, 'where').map(conditionOf);
    const most = numberOf(options, 'count', 1, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY);
    const seconds = numberOf(options, 'for', 0.1, 1e9, 0);
    const timeoutS = numberOf(options, 'timeout', 0.1, 1e9, 0);
    for (const topic of topics) tellUnheardOf(topic, stderr);
    const connection = connectionOf(options);
    const attendance = attend(connection, timeoutS, stderr);
    const socket = subscribe(connection, topics, attendance.watch);
    const close = () => socket.close();
    stop.addEventListener('abort', close);
    // A reader that went away (head, less) ends it.
    stdout.once('error', close);
    const timer = seconds > 0 ? setTimeout(close, seconds * 1000) : null;
    if (stop.aborted) close();
    let shown = 0;
    for await (const message of messages(socket)) {
      const body = message.envelope.body as Body;
      if (shown === 0 && fields) tellUnknown(fields, body, stderr);
      if (!wanted.every(({ key, value }) => plain(body[key]) === value)) continue;
      stdout.write(`${options.json === true ? jsonLine(message, fields) : textLine(message, fields)}\n`);
      shown++;
      if (shown >= most) break;
    }
    close();
    if (timer) clearTimeout(timer);
    return attendance.end();
  },
};

/** An agent of another version may have it: said, not refused. */
function tellUnheardOf(topic: string, stderr: NodeJS.WritableStream): void {
  if (messageKinds.some((kind) => `${kind}/`.startsWith(topic) || topic.startsWith(`${kind}/`))) return;
  const [kind = ''] = topic.split('/');
  const near = nearest(kind, messageKinds);
  const meant = near === null ? `topics begin with ${messageKinds.join(', ')}` : `did you mean ${near}/?`;
  stderr.write(`tail: no topic of this version begins with ${topic}: ${meant}\n`);
}

type Body = Readonly<Record<string, unknown>>;

function conditionOf(text: string): { readonly key: string; readonly value: string } {
  const at = text.indexOf('=');
  if (at > 0) return { key: text.slice(0, at), value: text.slice(at + 1) };
  throw new AgentError('usage', `--where: expected KEY=VALUE such as sensor=R00_SG0, got ${text}`);
}

function pick(body: Body, fields: readonly string[] | null): Body {
  return fields ? Object.fromEntries(fields.map((key) => [key, body[key]])) : body;
}

function jsonLine({ topic, envelope }: Received, fields: readonly string[] | null): string {
  return toJson({ topic, ...envelope, body: pick(envelope.body as Body, fields) });
}

function textLine({ topic, envelope }: Received, fields: readonly string[] | null): string {
  const entries = Object.entries(pick(envelope.body as Body, fields));
  const parts = entries.map(([key, value]) => `${key}=${plain(value)}`);
  return `${timeOf(envelope.tai_ns)} ${topic} ${parts.join(' ')}`;
}

/** TAI ns as the time of day in TAI: the offset to UTC is the agent's to know. */
function timeOf(taiNs: unknown): string {
  const ms = typeof taiNs === 'bigint' ? Number(taiNs / 1_000_000n) : Number.NaN;
  return Number.isFinite(ms) ? `${new Date(ms).toISOString().slice(11, 23)}` : '-';
}

function plain(value: unknown): string {
  if (typeof value === 'number') return String(Math.abs(value) < 1e6 ? Number(value.toPrecision(7)) : value);
  if (typeof value === 'string')
    return /^[^\s"=]*$/.test(value) && value !== '' ? value : JSON.stringify(value);
  if (typeof value === 'object' && value !== null) return toJson(value);
  return String(value);
}

function tellUnknown(fields: readonly string[], body: Body, stderr: NodeJS.WritableStream): void {
  for (const field of fields) {
    if (field in body) continue;
    const near = nearest(field, Object.keys(body));
    stderr.write(
      `--fields: ${field} is not in this message${near === null ? '' : `, did you mean ${near}?`}\n`,
    );
  }
}
