import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import process, { argv, stderr } from 'node:process';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/**
 * Writes the index of src/core/tcp/README.md: which code does what a section asks for, and which
 * tests hold it to that. Code names its sections by `@rfc` tags, tests by the heads of their titles:
 *
 * ```
 *   @rfc 9293 3.10.7.4 First, 5961 3.2          in a docstring
 *   'RFC 9293 3.10.7.4 First: a segment ...'    as the title of a test
 *   'MUST-10: simultaneous open ...'            likewise: counts for the section of that label
 * ```
 *
 * Usage: npx tsx scripts/rfcIndex.ts [--check]
 */

// ---- what is known of the RFCs --------------------------------------------------------------

/** The RFCs that the index lists. */
const RFCS: Readonly<Record<string, string>> = {
  '9293': 'Transmission Control Protocol',
  '896': 'Congestion Control in IP/TCP Internetworks (Nagle)',
  '1122': 'Requirements for Internet Hosts, 4.2: TCP',
  '1191': 'Path MTU Discovery',
  '2018': 'Selective Acknowledgment Options',
  '2883': 'Duplicate SACK',
  '3042': 'Limited Transmit',
  '3168': 'Explicit Congestion Notification, 6.1: TCP',
  '3465': 'Appropriate Byte Counting',
  '4821': 'Packetization Layer Path MTU Discovery',
  '4987': 'SYN Flooding and Common Mitigations',
  '5461': 'Reaction to Soft Errors',
  '5482': 'User Timeout',
  '5681': 'Congestion Control',
  '5682': 'Forward RTO-Recovery',
  '5927': 'ICMP Attacks against TCP',
  '5961': 'Blind In-Window Attacks',
  '6056': 'Port Randomization',
  '6191': 'Reducing TIME-WAIT by Timestamps',
  '6298': 'Computing the Retransmission Timer',
  '6528': 'Sequence Number Attacks',
  '6582': 'NewReno',
  '6675': 'Loss Recovery Based on SACK',
  '6928': 'Increasing the Initial Window',
  '6937': 'Proportional Rate Reduction',
  '7323': 'Extensions for High Performance',
  '7413': 'Fast Open',
  '7661': 'Rate-Limited Traffic',
  '7765': 'RTO Restart',
  '8985': 'RACK-TLP',
  '9406': 'HyStart++',
  '9438': 'CUBIC',
};

/** Of these only this part is about TCP. */
const PARTS: Readonly<Record<string, string>> = { '1122': '4.2', '3168': '6.1' };

/** The sections of RFC 9293 where its requirements stand. */
const LABELS_OF_SECTIONS: Readonly<Record<string, string>> = {
  '3.1': 'MUST-1 MUST-2 MUST-3 MUST-4 MUST-5 MUST-6 MUST-7 MUST-68 MUST-69 REC-1',
  '3.2': 'MUST-64 MUST-65',
  '3.4': 'MUST-66',
  '3.4.1': 'MUST-8 MUST-9 SHLD-1',
  '3.5': 'MUST-10 MUST-11',
  '3.5.3': 'SHLD-2',
  '3.6': 'MUST-12',
  '3.6.1': 'MUST-13 SHLD-3 SHLD-4 MAY-1 MAY-2',
  '3.7.1': 'MUST-14 MUST-15 MUST-16 MUST-67 SHLD-5 MAY-3',
  '3.7.3': 'SHLD-6',
  '3.7.4': 'MUST-17 SHLD-7',
  '3.8.1': 'MUST-18 MAY-4',
  '3.8.2': 'MUST-19 SHLD-8 MAY-18',
  '3.8.3': 'MUST-20 MUST-21 MUST-22 MUST-23 SHLD-9 SHLD-10 SHLD-11',
  '3.8.4': 'MUST-24 MUST-25 MUST-26 MUST-27 MUST-28 MUST-29 SHLD-12 MAY-5 MAY-6',
  '3.8.5': 'MUST-30 MUST-31 MUST-32 MUST-33 MUST-62 SHLD-13',
  '3.8.6': 'MUST-34 MUST-35 SHLD-14 SHLD-15 SHLD-16 SHLD-17 MAY-7',
  '3.8.6.1': 'MUST-36 MUST-37 SHLD-29 SHLD-30 MAY-8',
  '3.8.6.2.1': 'MUST-38',
  '3.8.6.2.2': 'MUST-39',
  '3.8.6.3': 'MUST-40 SHLD-18 SHLD-19',
  '3.9.1.1': 'MUST-41 MUST-42 MUST-43 MUST-44 MUST-45 MUST-46',
  '3.9.1.2': 'MUST-60 MUST-61 SHLD-27 SHLD-28 MAY-15 MAY-16',
  '3.9.1.3': 'MAY-17',
  '3.9.1.7': 'MAY-14',
  '3.9.1.8': 'MUST-47 SHLD-20',
  '3.9.1.9': 'MUST-48 SHLD-21 SHLD-22 MAY-9',
  '3.9.2': 'MUST-49 MUST-50 SHLD-23 MAY-10 MAY-11',
  '3.9.2.1': 'MUST-51 MUST-52 MUST-53 SHLD-24',
  '3.9.2.2': 'MUST-54 MUST-55 MUST-56 SHLD-25 SHLD-26',
  '3.9.2.3': 'MUST-57 MUST-63',
  '3.10.7.4': 'MUST-58 MUST-59 SHLD-31 MAY-12 MAY-13',
};

/** Section of each label: `9293 3.5` for MUST-10. */
export const SECTION_OF_LABEL: ReadonlyMap<string, string> = new Map(
  Object.entries(LABELS_OF_SECTIONS).flatMap(([section, labels]) =>
    labels.split(' ').map((label): [string, string] => [label, `9293 ${section}`]),
  ),
);

/** The paragraphs of 3.10.7.3 and 3.10.7.4. */
const STEPS = ['First', 'Second', 'Third', 'Fourth', 'Fifth', 'Sixth', 'Seventh', 'Eighth'];

// ---- references ------------------------------------------------------------------------------

/** What a tag or a title names. A section is written `9293 3.10.7.4 First`. */
export interface References {
  readonly sections: readonly string[];
  readonly labels: readonly string[];
  /** Everything was understood: no word of prose stood among them. */
  readonly whole: boolean;
}

/** Reads `9293 3.4, 3.10.7.4 First`, `RFC 6298 5.4-5.6`, `MUST-8 and MUST-9`, up to the first other word. */
export function parseReferences(text: string): References {
  const sections: string[] = [];
  const labels: string[] = [];
  const words = text
    .replace(/\([^)]*\)/g, ' ')
    .replace(/\b(figures?|equation|case|step) \d+(, \d+)*/g, ' ')
    .replace(/\bRFC /g, ' ')
    .replace(/\b(\d[\d.]*)\.(\d+)-\1\.(\d+)/g, (_, parent, from, to) => range(parent, from, to))
    .split(/[\s,]+|\band\b/)
    .filter((word) => word !== '');
  let rfc = '';
  for (const word of words) {
    const last = sections.at(-1) ?? '';
    if (/^(MUST|SHLD|MAY|REC)-\d+$/.test(word)) labels.push(word);
    else if (/^\d{3,4}$/.test(word)) {
      rfc = word;
      sections.push(rfc);
    } else if (/^([A-Z]|\d{1,2})(\.\d+)*$/.test(word) && rfc !== '') {
      if (last === rfc) sections.pop();
      sections.push(`${rfc} ${word}`);
    } else if (STEPS.includes(word) && last !== '') {
      sections[sections.length - 1] = `${last} ${word}`;
    } else return { sections, labels, whole: false };
  }
  return { sections, labels, whole: true };
}

function range(parent: string, from: string, to: string): string {
  const names: string[] = [];
  for (let i = Number(from); i <= Number(to); i++) names.push(`${parent}.${i}`);
  return names.join(' ');
}

/** `['9293', '3', '10', '7', '4', 'First']` */
function pathOf(section: string): string[] {
  return section.split(/[ .]/);
}

/** Is one of the two the other, or a part of it? */
export function areRelated(a: string, b: string): boolean {
  const [shorter, longer] = [pathOf(a), pathOf(b)].sort((x, y) => x.length - y.length);
  return shorter?.every((part, i) => part === longer?.[i]) ?? false;
}

function isListed(section: string): boolean {
  const [rfc = ''] = section.split(' ');
  const part = PARTS[rfc];
  return rfc in RFCS && (part === undefined || areRelated(section, `${rfc} ${part}`));
}

/** By number, where both have one; steps in their order; RFC 9293 before all others. */
export function compareSections(a: string, b: string): number {
  const [x, y] = [pathOf(a), pathOf(b)];
  const rank = (part: string | undefined): number => {
    if (part === undefined) return -1;
    if (part === '9293') return 0;
    const step = STEPS.indexOf(part);
    return step >= 0 ? step : Number.isNaN(Number(part)) ? part.charCodeAt(0) + 1000 : Number(part);
  };
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const order = rank(x[i]) - rank(y[i]);
    if (order !== 0) return order;
  }
  return 0;
}

// ---- reading code and tests ------------------------------------------------------------------

/** A piece of code with an `@rfc` tag. */
export interface Code {
  /** Name of a function, class, method, constant or type; the file's name for the file's own tag. */
  readonly name: string;
  /** From the root of the repository on. */
  readonly file: string;
  readonly references: References;
}

/** The tags of a file: those of its head, its declarations, and the methods of its classes. */
export function readCode(file: string, text: string): Code[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found: Code[] = [];
  const note = (name: string, comment: string): void => {
    for (const [, tag = ''] of comment.matchAll(/@rfc ([^\n:]*)/g)) {
      found.push({ name, file, references: parseReferences(tag.replace('*/', '')) });
    }
  };
  const read = (node: ts.Node, prefix: string): void => {
    const docs = (ts.getLeadingCommentRanges(text, node.getFullStart()) ?? [])
      .map(({ pos, end }) => text.slice(pos, end))
      .filter((comment) => comment.startsWith('/**'));
    const name = nameOf(node);
    if (name !== null) note(prefix + name, docs.pop() ?? '');
    for (const doc of docs) note(posix.basename(file), doc);
    if (!ts.isClassDeclaration(node)) return;
    for (const member of node.members) {
      if (ts.isMethodDeclaration(member) || ts.isAccessor(member)) read(member, `${name}.`);
    }
  };
  for (const statement of tree.statements) read(statement, '');
  return found;
}

function nameOf(node: ts.Node): string | null {
  if (ts.isVariableStatement(node) && isAmbient(node)) return null;
  if (ts.isVariableStatement(node))
    return node.declarationList.declarations[0]?.name.getText() ?? null;
  const isNamed =
    ts.isFunctionDeclaration(node) ||
    ts.isClassDeclaration(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node) ||
    ts.isMethodDeclaration(node) ||
    ts.isAccessor(node);
  return isNamed ? (node.name?.getText() ?? null) : null;
}

/** `declare const brand`: its docstring is that of the file. */
function isAmbient(node: ts.VariableStatement): boolean {
  return node.modifiers?.some(({ kind }) => kind === ts.SyntaxKind.DeclareKeyword) ?? false;
}

/** A test whose title begins with the rule that it checks. */
export interface Title {
  /** The title as it is. */
  readonly title: string;
  readonly file: string;
  readonly references: References;
}

/**
 * The titles of a file that name a rule: of calls of `test`, or of `check` where a suite wraps it.
 * Tests that are skipped, or known to fail, count for nothing.
 */
export function readTitles(file: string, text: string): Title[] {
  const tree = ts.createSourceFile(file, text, ts.ScriptTarget.ES2022, true);
  const found: Title[] = [];
  const visit = (node: ts.Node): void => {
    if (
      ts.isCallExpression(node) &&
      /^(test(\.serial)?|check)$/.test(node.expression.getText(tree))
    ) {
      found.push(...namedTitle(file, titleOf(node.arguments[0])));
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

/** What a script of packetdrill shows: its first line says so. */
function readRule(file: string, text: string): Title[] {
  return namedTitle(file, /^\/\/ (.*)\.$/m.exec(text)?.[1] ?? '');
}

/** The title, if its head names a rule. */
function namedTitle(file: string, title: string): Title[] {
  const references = parseReferences(title.slice(0, Math.max(0, title.indexOf(':'))));
  const names = references.sections.length + references.labels.length;
  return references.whole && names > 0 ? [{ title, file, references }] : [];
}

/** What a template puts in is shown as `…`. */
function titleOf(node: ts.Expression | undefined): string {
  if (node === undefined) return '';
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return '';
  return node.head.text + node.templateSpans.map((span) => `…${span.literal.text}`).join('');
}

// ---- the index -------------------------------------------------------------------------------

const FOLDER = 'src/core/tcp';
const BEGIN = '<!-- generated by scripts/rfcIndex.ts from here on -->';
/** The heading under which the README says which requirements do not apply. */
const EXEMPTIONS = '## Requirements that do not apply';

/** Everything that is known of code and tests. */
export interface Index {
  readonly code: readonly Code[];
  readonly titles: readonly Title[];
}

/** All sections that a title speaks of, those of its labels included. */
function sectionsOf({ references }: Title): string[] {
  const ofLabels = references.labels.map((label) => SECTION_OF_LABEL.get(label) ?? '');
  return [...references.sections, ...ofLabels];
}

/** Sections that code of core/tcp names and no test does, nor a part, nor what they are part of. */
export function untested({ code, titles }: Index): string[] {
  const tested = titles.flatMap(sectionsOf);
  const ours = code.filter(({ file }) => file.startsWith(`${FOLDER}/`));
  const named = new Set(ours.flatMap((c) => c.references.sections).filter(isListed));
  return [...named]
    .filter((section) => !tested.some((other) => areRelated(section, other)))
    .sort(compareSections);
}

/** Labels in tags and titles that RFC 9293 does not have. */
export function unknownLabels({ code, titles }: Index): string[] {
  return [...code, ...titles]
    .flatMap(({ references }) => references.labels)
    .filter((label) => !SECTION_OF_LABEL.has(label));
}

const LABEL = /(?:MUST|SHLD|MAY|REC)-\d+/g;

/** The labels of lines like `- MUST-51, MUST-52: why it does not apply` in the part written by hand. */
export function exempted(readme: string): string[] {
  const [byHand = ''] = readme.split(BEGIN);
  const [, list = ''] = byHand.split(EXEMPTIONS);
  const heads = list.split('\n## ')[0]?.matchAll(/^- ([^:\n]*): \S/gm) ?? [];
  return [...heads].flatMap(([, head = '']) => head.match(LABEL) ?? []);
}

/** Labels that have neither a test nor a line that exempts them, and those that have both. */
export function unmet({ titles }: Index, readme: string): { missing: string[]; both: string[] } {
  const exempt = new Set(exempted(readme));
  const tested = new Set(titles.flatMap(({ references }) => references.labels));
  const labels = [...SECTION_OF_LABEL.keys()].sort(compareLabels);
  return {
    missing: labels.filter((label) => !tested.has(label) && !exempt.has(label)),
    both: labels.filter((label) => tested.has(label) && exempt.has(label)),
  };
}

function link(name: string, file: string): string {
  return `[${name}](${posix.relative(FOLDER, file)})`;
}

function escaped(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('<', '&lt;').replaceAll('*', '\\*');
}

function codeCell(code: readonly Code[]): string {
  return [...new Set(code.map(({ name, file }) => link(`\`${name}\``, file)))].join(', ');
}

/** @param head what of the title need not be said again */
function testCell(titles: readonly Title[], head: string): string {
  const lines = titles.map(({ title, file }) => {
    const text = title.startsWith(`${head}: `) ? title.slice(head.length + 2) : title;
    return `${escaped(text)} ${link(posix.basename(file).split('.')[0] ?? '', file)}`;
  });
  return [...new Set(lines)].join('<br>');
}

function table(head: readonly string[], rows: readonly string[][]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
  return lines.join('\n');
}

function sectionRow(
  section: string,
  sections: readonly string[],
  { code, titles }: Index,
): string[] {
  const own = titles.filter((title) => sectionsOf(title).includes(section));
  return [
    shortName(section),
    codeCell(code.filter((c) => c.references.sections.includes(section))),
    own.length > 0 ? testCell(own, `RFC ${section}`) : seeAlso(section, sections, titles),
  ];
}

function shortName(section: string): string {
  return section.split(' ').slice(1).join(' ') || 'all';
}

/** The sections whose tests are the nearest to one that has none of its own. */
function seeAlso(section: string, sections: readonly string[], titles: readonly Title[]): string {
  const tested = new Set(titles.flatMap(sectionsOf));
  const near = sections.filter((other) => areRelated(other, section) && tested.has(other));
  return near.length > 0 ? `see ${near.map(shortName).join(', ')}` : 'none';
}

/** The generated part of the README. */
export function render(index: Index): string {
  const { code, titles } = index;
  const named = [...code.flatMap((c) => c.references.sections), ...titles.flatMap(sectionsOf)];
  const sections = [...new Set(named)].filter(isListed).sort(compareSections);
  const parts = [...new Set(sections.map((s) => s.split(' ')[0] ?? ''))].map((rfc) => {
    const rows = sections.filter((s) => s.split(' ')[0] === rfc);
    return `### RFC ${rfc}: ${RFCS[rfc]}\n\n${table(
      ['§', 'code', 'tests'],
      rows.map((section) => sectionRow(section, rows, index)),
    )}`;
  });
  const isTested = (label: string): boolean =>
    titles.some((title) => title.references.labels.includes(label));
  const labels = [...SECTION_OF_LABEL].sort(([a], [b]) => compareLabels(a, b));
  const rows = labels
    .filter(([label]) => isTested(label))
    .map(([label, section]) => [
      label,
      section.replace('9293 ', ''),
      testCell(
        titles.filter((title) => title.references.labels.includes(label)),
        label,
      ),
    ]);
  const silent = labels.filter(([label]) => !isTested(label)).map(([label]) => label);
  return [
    '## Index: section, code, tests',
    'A test stands under each section that its title names, and under those of its labels.',
    ...parts,
    '## Index: requirements of RFC 9293',
    table(['label', '§', 'tests'], rows),
    `In no title: ${silent.join(', ')}. See "${EXEMPTIONS.slice(3)}" above.`,
  ].join('\n\n');
}

function compareLabels(a: string, b: string): number {
  const kinds = ['MUST', 'SHLD', 'MAY', 'REC'];
  const [x = '', m] = a.split('-');
  const [y = '', n] = b.split('-');
  return kinds.indexOf(x) - kinds.indexOf(y) || Number(m) - Number(n);
}

// ---- the file --------------------------------------------------------------------------------

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const README = join(ROOT, FOLDER, 'README.md');

function filesOf(folder: string, extension = '.ts'): { file: string; text: string }[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(extension))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({
      file: path.slice(ROOT.length).replaceAll('\\', '/'),
      text: readFileSync(path, 'utf8'),
    }));
}

/** Reads the whole tree. */
export function readIndex(): Index {
  return {
    code: filesOf('src/core').flatMap(({ file, text }) => readCode(file, text)),
    titles: [
      ...filesOf('test').flatMap(({ file, text }) => readTitles(file, text)),
      ...filesOf('test/packetdrill', '.pkt').flatMap(({ file, text }) => readRule(file, text)),
    ],
  };
}

/** The README: what stands above the marker is written by hand, and stays. */
export function withIndex(readme: string, index: Index): string {
  const [tour = ''] = readme.split(BEGIN);
  return `${tour.trimEnd()}\n\n${BEGIN}\n\n${render(index)}\n`;
}

/** The README as it is, and as it should be. */
export function readReadme(index: Index): { actual: string; expected: string } {
  const actual = readFileSync(README, 'utf8');
  return { actual, expected: withIndex(actual, index) };
}

if (argv[1] === fileURLToPath(import.meta.url)) {
  const { actual, expected } = readReadme(readIndex());
  if (actual !== expected && argv.includes('--check')) {
    stderr.write('src/core/tcp/README.md is stale: npx tsx scripts/rfcIndex.ts\n');
    process.exitCode = 1;
  } else {
    writeFileSync(README, expected);
  }
}
