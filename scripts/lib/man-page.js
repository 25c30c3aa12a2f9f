/** The man page, in the man macros of groff and mandoc, from the definitions of the command line. */
import { textAfter } from './program.js';

const COMMON = ['--dir', '--manifest', '--help', '--version'];

const ENVIRONMENT = [
  ['PCAM_DIR', 'The data set folder, in place of ./pcam; --dir comes before it.'],
  ['PCAM_MANIFEST', 'A manifest in place of the built-in one; --manifest comes before it.'],
  [
    'HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY',
    'Proxies, and hosts that are asked directly, as curl reads them.',
  ],
  [
    'SSL_CERT_FILE, NODE_EXTRA_CA_CERTS',
    'Files of certificates (PEM) to trust: in place of all others, and in addition to them.',
  ],
  [
    'ZENODO_TOKEN',
    'A personal access token of Zenodo, which raises its limits; sent over https to Zenodo sources alone.',
  ],
  [
    'GDRIVE_COOKIES',
    'A cookies.txt (Netscape format) with a session at Google, for files whose quota is used up; each cookie is sent over https to hosts of its own domain alone.',
  ],
  ['NO_COLOR', 'No colours, whatever its value.'],
];

/** @param program the commander program with every command loaded */
export function manPage(program) {
  const [examples, codes] = textAfter(program).split(/Exit codes:\s*/);
  return `${[
    '.TH PCAM 1 "" "pcam" "User Commands"',
    '.SH NAME',
    'pcam \\- get, verify, explore and export the PatchCamelyon data set',
    '.SH SYNOPSIS',
    '.B pcam',
    '.I command',
    '.RI [ options ]',
    '.SH DESCRIPTION',
    plain(program.description()),
    '.PP',
    plain(
      'Lists take commas or repeats; val and validation mean valid, x and y mean images and labels. Data goes to standard output, messages and progress to standard error. --json prints one document on standard output and nothing else there.',
    ),
    '.SH OPTIONS',
    ...program
      .createHelp()
      .visibleOptions(program)
      .flatMap((option) => entry(option.flags, option.description)),
    '.SH COMMANDS',
    ...program.commands.flatMap(section),
    '.SH ENVIRONMENT',
    ...ENVIRONMENT.flatMap(([name, meaning]) => entry(name, meaning)),
    '.SH "EXIT STATUS"',
    ...codes
      .split(/,\s+(?=\d)/)
      .flatMap((code) => entry(...splitCode(code.replace(/\s+/g, ' ').replace(/\.$/, '')))),
    '.SH EXAMPLES',
    ...literal(examples.replace(/^Examples:\n/, '')),
    '.SH "SEE ALSO"',
    'https://github.com/basveeling/pcam, arXiv:1806.03962',
  ].join('\n')}\n`;
}

function section(command) {
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  const own = command
    .createHelp()
    .visibleOptions(command)
    .filter(({ long }) => !COMMON.includes(long));
  const more = textAfter(command);
  return [
    `.SS "${plain(['pcam', command.name(), ...args].join(' '))}"`,
    plain(command.description()),
    ...own.flatMap((option) => entry(option.flags, `${option.description}${defaultOf(option)}`)),
    ...(more ? ['.PP', ...literal(more)] : []),
  ];
}

function entry(term, meaning) {
  return ['.TP', `.B ${plain(term)}`, plain(meaning)];
}

function defaultOf({ defaultValue, negate }) {
  return defaultValue === undefined || negate ? '' : ` (default: ${defaultValue})`;
}

/** `130 / 143 stopped …`: the code, and what it means. */
function splitCode(text) {
  const [, code, meaning] = /^(\d+(?: \/ \d+)*)\s+(.*)$/.exec(text);
  return [code, meaning];
}

function literal(text) {
  return ['.nf', ...text.trimEnd().split('\n').map(plain), '.fi'];
}

/** Text as it is: no line is a request, no character an escape. */
function plain(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('"', '\\(dq')
    .replaceAll("'", '\\(aq')
    .replace(/^\./, '\\&.');
}
