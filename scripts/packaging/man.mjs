// SPDX-License-Identifier: Apache-2.0
// Prints summit-agent(1), made of what the commands say with --help. Needs the TypeScript built.
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/agent/main.js', import.meta.url));
const help = (...words) => execFileSync(process.execPath, [main, ...words, '--help'], { encoding: 'utf8' });

/** A backslash is an escape in troff, and so is a line that begins with a dot or a quote. */
const plain = (text) =>
  text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll(/^([.'])/gm, '\\&$1')
    .trimEnd();
const block = (text) => `.nf\n${plain(text)}\n.fi`;

const overview = help();
const commands = [...overview.matchAll(/^ {2}(\w+) +\S/gm)].map(([, name]) => name);
const parts = commands.map((name) => `.SS ${name}\n${block(help(name))}`);

process.stdout.write(`.TH SUMMIT\\-AGENT 1
.SH NAME
summit\\-agent \\- edge agent for the Rubin Observatory Summit
.SH SYNOPSIS
.B summit\\-agent
.I COMMAND
[OPTIONS]
.SH DESCRIPTION
${block(overview)}
.SH COMMANDS
${parts.join('\n')}
.SH FILES
.TP
.I /etc/summit\\-agent/NAME.yaml
hardware profiles; the service summit\\-agent@NAME runs one
.TP
.I /etc/summit\\-agent/keys
secret keys, readable by the agent alone
.TP
.I /var/lib/summit\\-agent
what the service may write
.TP
.I /opt/summit\\-agent/node/bin/node
used instead of the system's Node.js where it exists
.SH SEE ALSO
.BR systemctl (1),
.BR journalctl (1)
`);
