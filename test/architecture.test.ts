import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import ts from 'typescript';

/**
 * The rules of who may know whom, and of what core must not know at all. Each broken one is reported
 * as `file:line: rule`.
 */

// ---- the rules ------------------------------------------------------------------------------

/** Which folders of src a folder may import from, besides itself. */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  'core/base': [],
  'core/wire': ['core/base'],
  'core/ip': ['core/wire', 'core/base'],
  'core/tcp': ['core/wire', 'core/base'],
  'core/stack': ['core/ip', 'core/tcp', 'core/wire', 'core/base'],
  'core/sim': ['core/stack', 'core/ip', 'core/tcp', 'core/wire', 'core/base'],
  'core/capture': ['core/wire', 'core/base'],
  'core/trace': ['core/wire', 'core/base'],
  // what a person is told about captures, and what a stack would have done in them
  'core/dissect': ['core/trace', 'core/capture', 'core/wire', 'core/base'],
  'core/replay': [
    'core/sim',
    'core/stack',
    'core/ip',
    'core/tcp',
    'core/dissect',
    'core/trace',
    'core/capture',
    'core/wire',
    'core/base',
  ],
  // scripts are run against a stack, and captures become scripts
  'core/packetdrill': [
    'core/replay',
    'core/stack',
    'core/tcp',
    'core/capture',
    'core/dissect',
    'core/wire',
    'core/base',
  ],
  core: ['core/*'],
  apps: ['core'],
  node: ['core', 'core/*', 'apps'],
  lab: ['core', 'core/*', 'node', 'apps'],
  cli: ['core', 'core/*', 'node', 'apps', 'lab', '.'],
  '.': ['core', 'node', 'apps'],
};

/** What every file of core/tcp may import of core/tcp outside of its own folder. */
const TCP_COMMON = ['tcb', 'states', 'config', 'counters', 'limits'];
/** ... but these folders get numbers: they know neither connections nor segments. */
const NUMBERS_ONLY = ['congestion'];
/** Those who join everything. */
const KNOW_ALL = ['connection', 'tcp', 'passiveOpens'];

interface Edge {
  readonly from: string;
  readonly to: string;
  readonly why: string;
}

/** Imports from one part of core/tcp to another that exist on purpose. A part ends in a slash. */
const TCP_EDGES: readonly Edge[] = [
  { from: 'tcb', to: 'congestion/congestionControl', why: 'its type, and that of its samples' },
  { from: 'send/situation', to: 'congestion/congestionControl', why: 'what it fills in' },
  { from: 'tcb', to: 'shared', why: 'what all TCBs have in common' },
  { from: 'tcb', to: 'send/fastOpenState', why: 'the TCB consists of it' },
  { from: 'shared', to: 'fastOpenCache', why: 'what the stack knows of servers' },
  { from: 'send/fastOpenClient', to: 'fastOpenCache', why: 'the type of what it finds there' },
  { from: 'tcb', to: 'send/retransmitQueue', why: 'the TCB consists of it' },
  { from: 'tcb', to: 'send/recovery', why: 'the TCB consists of its records' },
  { from: 'tcb', to: 'send/rttEstimator', why: 'the TCB consists of it' },
  { from: 'tcb', to: 'send/sendBuffer', why: 'the TCB consists of it' },
  { from: 'tcb', to: 'send/cwndUsage', why: 'the TCB consists of it' },
  { from: 'tcb', to: 'send/delivery', why: 'the TCB consists of its records' },
  { from: 'tcb', to: 'receive/windowState', why: 'the TCB consists of its records' },
  { from: 'tcb', to: 'send/pace', why: 'the TCB consists of its record' },
  { from: 'tcb', to: 'send/ecnState', why: 'the TCB consists of its record' },
  { from: 'tcb', to: 'send/mtuSearch', why: 'the TCB consists of its record' },
  { from: 'input/', to: 'segmentSize', why: 'the options of the peer bound a segment' },
  { from: 'send/', to: 'segmentSize', why: 'how much a segment carries' },
  { from: 'tcb', to: 'send/writeQueue', why: 'the TCB consists of it' },
  { from: 'tcb', to: 'receive/receiveBuffer', why: 'the TCB consists of it' },
  { from: 'tcb', to: 'receive/sackBlocks', why: 'the TCB consists of it' },
  { from: 'info', to: 'congestion/congestionControl', why: 'what is believed of the path' },
  { from: 'info', to: 'send/inFlight', why: 'segments that the peer has' },
  { from: 'info', to: 'send/deliveryRate', why: 'how fast the peer gets segments' },
  { from: 'invariants', to: 'send/retransmitQueue', why: 'the marks that it recounts' },
  { from: 'info', to: 'receive/windowSpace', why: 'the segment size that the peer may use' },
  { from: 'input/', to: 'send/', why: 'ACKs change what is in flight' },
  { from: 'input/', to: 'receive/', why: 'text is put in its place' },
  { from: 'input/handshake', to: 'timers', why: 'a repeated SYN leaves traces in the timeouts' },
  { from: 'send/output', to: 'receive/ackPolicy', why: 'what is read may be worth an ACK' },
  { from: 'send/newText', to: 'receive/ackPolicy', why: 'text that is sent may answer text' },
  { from: 'send/output', to: 'receive/bufferTuning', why: 'the user has read' },
  { from: 'send/segmentWriter', to: 'receive/ackPolicy', why: 'each segment settles an owed ACK' },
  { from: 'send/segmentWriter', to: 'receive/window', why: 'each segment carries the window' },
  { from: 'timers', to: 'orphans', why: 'a connection that its user has left waits less' },
  { from: 'send/persist', to: 'orphans', why: 'a connection that its user has left waits less' },
  { from: 'timers', to: 'send/', why: 'what an expired timer means' },
  { from: 'timers', to: 'receive/ackPolicy', why: 'what an expired timer means' },
  { from: 'demux', to: 'connection', why: 'the type of what it finds' },
  { from: 'demux', to: 'listen/listener', why: 'the type of what it finds' },
];

/** Packages, and where alone they may be imported. */
const PACKAGES: Readonly<Record<string, { readonly where: string; readonly how: ImportKind[] }>> = {
  'ip-packet': { where: 'src/core/wire/ipv4.ts', how: ['static', 'type'] },
  koffi: { where: 'src/node/devices/', how: ['dynamic', 'type'] },
  commander: { where: 'src/cli/', how: ['static', 'type'] },
};

/** Names of hosts, which core does without. */
const HOST_NAMES = new Set([
  'Date',
  'performance',
  'setTimeout',
  'setInterval',
  'setImmediate',
  'queueMicrotask',
  'Buffer',
  'process',
  'console',
  'TextEncoder',
  'TextDecoder',
]);

const MAX_LINES = 600;

// ---- reading sources ------------------------------------------------------------------------

type ImportKind = 'static' | 'type' | 'dynamic';

interface Import {
  readonly specifier: string;
  readonly kind: ImportKind;
  readonly line: number;
}

interface Source {
  /** From the root of the repository on: `src/core/base/seq.ts`. */
  readonly path: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

function sourceOf(path: string, text: string): Source {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2022, true);
  const imports: Import[] = [];
  const note = (at: ts.Node, specifier: ts.Node | undefined, kind: ImportKind): void => {
    if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return;
    imports.push({ specifier: specifier.text, kind, line: lineOf(tree, at) });
  };
  walk(tree, (node) => {
    if (ts.isImportDeclaration(node)) {
      const isType = node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword;
      note(node, node.moduleSpecifier, isType ? 'type' : 'static');
    } else if (ts.isExportDeclaration(node)) {
      note(node, node.moduleSpecifier, node.isTypeOnly ? 'type' : 'static');
    } else if (ts.isImportTypeNode(node)) {
      note(node, ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, 'type');
    } else if (ts.isCallExpression(node)) {
      const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword;
      if (isImport) note(node, node.arguments[0], 'dynamic');
    }
  });
  return { path, text, tree, imports };
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

function lineOf(tree: ts.SourceFile, node: ts.Node): number {
  return tree.getLineAndCharacterOfPosition(node.getStart(tree)).line + 1;
}

/** Path of what is imported; null: a package. */
function target(source: Source, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  return posix.join(posix.dirname(source.path), specifier);
}

/** `core/base` for src/core/base/seq.ts, `core` for src/core/index.ts, `.` for src/index.ts. */
function folderOf(path: string): string {
  const parts = path.split('/').slice(1, -1);
  return parts.slice(0, parts[0] === 'core' ? 2 : 1).join('/') || '.';
}

/** `input/text` for src/core/tcp/input/text.ts. */
function tcpPart(path: string): string {
  return path.replace(/^src\/core\/tcp\//, '').replace(/\.ts$/, '');
}

function isCore(path: string): boolean {
  return path.startsWith('src/core/');
}

// ---- the checks: each gives a list of `file:line: rule` ---------------------------------------

function at(source: Source, line: number, rule: string): string {
  return `${source.path}:${line}: ${rule}`;
}

function wrongFolders(source: Source): string[] {
  const from = folderOf(source.path);
  const allowed = FOLDERS[from];
  if (allowed === undefined) return [at(source, 1, `no rule says what src/${from} may import`)];
  const broken: string[] = [];
  for (const { specifier, kind, line } of source.imports) {
    const path = target(source, specifier);
    if (path === null) continue;
    const to = folderOf(path);
    const may = to === from || allowed.includes(to) || allowed.includes(to.replace(/\/.*/, '/*'));
    if (!may) broken.push(at(source, line, `src/${from} must not import from src/${to}`));
    else if (from === 'apps' && to === 'core' && kind !== 'type') {
      broken.push(at(source, line, 'src/apps imports types alone from src/core'));
    }
  }
  return broken;
}

function matches(part: string, pattern: string): boolean {
  return pattern.endsWith('/') ? part.startsWith(pattern) : part === pattern;
}

/** @param used gets the edges that are there */
function wrongTcpEdges(source: Source, used: Set<Edge>): string[] {
  if (folderOf(source.path) !== 'core/tcp') return [];
  const from = tcpPart(source.path);
  if (KNOW_ALL.includes(from)) return [];
  const broken: string[] = [];
  for (const { specifier, line } of source.imports) {
    const path = target(source, specifier);
    if (path === null || !path.startsWith('src/core/tcp/')) continue;
    const to = tcpPart(path);
    if (isCommon(from, to)) continue;
    const edge = TCP_EDGES.find((e) => matches(from, e.from) && matches(to, e.to));
    if (edge === undefined) broken.push(at(source, line, `tcp/${from} must not import tcp/${to}`));
    else used.add(edge);
  }
  return broken;
}

/** Needs it no row of the table: is it in the same folder, or for everybody? */
function isCommon(from: string, to: string): boolean {
  const folder = from.split('/')[0] ?? '';
  if (from.includes('/') && to.startsWith(`${folder}/`)) return true;
  return TCP_COMMON.includes(to) && !(NUMBERS_ONLY.includes(folder) && to === 'tcb');
}

function segmentsAmongNumbers(source: Source): string[] {
  if (!NUMBERS_ONLY.some((folder) => source.path.startsWith(`src/core/tcp/${folder}/`))) return [];
  return source.imports
    .filter(({ specifier }) => folderOf(target(source, specifier) ?? '') === 'core/wire')
    .map(({ specifier, line }) =>
      at(source, line, `it gets numbers: it must not import ${specifier}`),
    );
}

function wrongPackages(source: Source): string[] {
  const broken: string[] = [];
  for (const { specifier, kind, line } of source.imports) {
    if (specifier.startsWith('.')) continue;
    const rule = PACKAGES[specifier];
    if (rule === undefined) {
      if (isCore(source.path)) broken.push(at(source, line, `core must not import ${specifier}`));
      else if (!specifier.startsWith('node:')) {
        broken.push(at(source, line, `no rule says who may import ${specifier}`));
      }
    } else if (!source.path.startsWith(rule.where)) {
      broken.push(at(source, line, `${specifier} may be imported in ${rule.where} alone`));
    } else if (!rule.how.includes(kind)) {
      broken.push(at(source, line, `${specifier}: a ${kind} import, not ${rule.how.join(' or ')}`));
    }
  }
  return broken;
}

/** Is it the name of a property, a member or a parameter, and not that of a global? */
function isOwnName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.name === node;
  if (ts.isQualifiedName(parent)) return parent.right === node;
  return (
    (ts.isPropertyAssignment(parent) ||
      ts.isMethodDeclaration(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isGetAccessorDeclaration(parent)) &&
    parent.name === node
  );
}

function hostNames(source: Source): string[] {
  if (!isCore(source.path)) return [];
  const broken: string[] = [];
  walk(source.tree, (node) => {
    if (ts.isIdentifier(node) && HOST_NAMES.has(node.text) && !isOwnName(node)) {
      broken.push(at(source, lineOf(source.tree, node), `core must not use ${node.text}`));
    }
    const isRandom =
      ts.isPropertyAccessExpression(node) &&
      ts.isIdentifier(node.expression) &&
      `${node.expression.text}.${node.name.text}` === 'Math.random';
    if (isRandom) {
      broken.push(at(source, lineOf(source.tree, node), 'core must not use Math.random'));
    }
  });
  return broken;
}

/** Is it in transition(), or what the constructor of the TCB begins with? */
function mayAssignState(node: ts.Node): boolean {
  for (let n: ts.Node = node; n.parent !== undefined; n = n.parent) {
    if (ts.isFunctionDeclaration(n)) return n.name?.text === 'transition';
    if (ts.isConstructorDeclaration(n)) return n.parent.name?.text === 'Tcb';
  }
  return false;
}

function isAssignment(node: ts.Node): node is ts.BinaryExpression {
  if (!ts.isBinaryExpression(node)) return false;
  const { kind } = node.operatorToken;
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function assignedStates(source: Source): string[] {
  if (!source.path.startsWith('src/core/tcp/')) return [];
  const broken: string[] = [];
  walk(source.tree, (node) => {
    if (!isAssignment(node) || !ts.isPropertyAccessExpression(node.left)) return;
    if (node.left.name.text !== 'state' || mayAssignState(node)) return;
    broken.push(at(source, lineOf(source.tree, node), 'transition() alone assigns a state'));
  });
  return broken;
}

function wrongForms(source: Source): string[] {
  const broken: string[] = [];
  const note = (node: ts.Node, rule: string): void => {
    broken.push(at(source, lineOf(source.tree, node), rule));
  };
  walk(source.tree, (node) => {
    if (ts.isEnumDeclaration(node)) note(node, 'no enum: a union of literals');
    else if (ts.isModuleDeclaration(node) && ts.isIdentifier(node.name)) note(node, 'no namespace');
    else if (ts.isExportSpecifier(node) && node.name.text === 'default') {
      note(node, 'no default export');
    } else if (ts.isExportAssignment(node) || node.kind === ts.SyntaxKind.DefaultKeyword) {
      note(node, 'no default export');
    }
  });
  const lines = source.text.split('\n').length - 1;
  if (lines > MAX_LINES) broken.push(at(source, lines, `more than ${MAX_LINES} lines`));
  if (
    isCore(source.path) &&
    source.path.endsWith('/index.ts') &&
    folderOf(source.path) !== 'core'
  ) {
    broken.push(at(source, 1, 'no barrels inside core: they hide cycles'));
  }
  return broken;
}

/** Cycles of imports, each once. Those of types alone are none when the program runs. */
function cycles(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((s) => [s.path, s]));
  const done = new Set<string>();
  const way: string[] = [];
  const broken: string[] = [];
  const visit = (source: Source): void => {
    if (done.has(source.path)) return;
    way.push(source.path);
    for (const { specifier, kind, line } of source.imports) {
      const path = target(source, specifier) ?? '';
      const next = byPath.get(path);
      if (next === undefined || kind === 'type') continue;
      if (!way.includes(path)) visit(next);
      else {
        const cycle = [...way.slice(way.indexOf(path)), path].join(' -> ');
        broken.push(at(source, line, `a cycle of imports: ${cycle}`));
      }
    }
    way.pop();
    done.add(source.path);
  };
  for (const source of sources) visit(source);
  return broken;
}

// ---- the tree --------------------------------------------------------------------------------

const ROOT = fileURLToPath(new URL('..', import.meta.url));

function readTree(): Source[] {
  const found = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => join(entry.parentPath, entry.name));
  return found
    .map((file) => sourceOf(relative(ROOT, file).replaceAll('\\', '/'), readFileSync(file, 'utf8')))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

const TREE = readTree();
const CORE = TREE.filter((s) => isCore(s.path));

test('architecture: folders import only what lies below them', (t) => {
  t.deepEqual(TREE.flatMap(wrongFolders), []);
});

test('architecture: parts of core/tcp import one another only where the table says why', (t) => {
  const used = new Set<Edge>();
  t.deepEqual(
    TREE.flatMap((s) => wrongTcpEdges(s, used)),
    [],
  );
  t.deepEqual(TREE.flatMap(segmentsAmongNumbers), []);
  const unused = TCP_EDGES.filter((e) => !used.has(e)).map((e) => `${e.from} -> ${e.to}`);
  t.deepEqual(unused, [], 'no import needs these rows of TCP_EDGES any more');
});

test('architecture: packages are imported in their one place', (t) => {
  t.deepEqual(TREE.flatMap(wrongPackages), []);
});

test('architecture: core knows no clock, no timers, no chance, and no host', (t) => {
  t.deepEqual(TREE.flatMap(hostNames), []);
});

test('architecture: only transition() assigns the state of a connection', (t) => {
  t.deepEqual(TREE.flatMap(assignedStates), []);
});

test('architecture: no enums, namespaces, default exports or barrels; files of 600 lines at most', (t) => {
  t.deepEqual(TREE.flatMap(wrongForms), []);
});

test('architecture: core has no cycle of imports', (t) => {
  t.deepEqual(cycles(CORE), []);
});

// ---- the checks find what they look for --------------------------------------------------------

test('checker: every kind of import is seen, on its line', (t) => {
  const { imports } = sourceOf(
    'src/x.ts',
    `import a from './a.ts';
import type { B } from './b.ts';
import {
  type C,
} from './c.ts';
export { d } from './d.ts';
export type { E } from './e.ts';
const f = await import('f');
type G = typeof import('g')['default'];
// import h from './h.ts';
const i = "import i from './i.ts'";
import './j.ts';
`,
  );
  t.deepEqual(
    imports.map((i) => `${i.line} ${i.kind} ${i.specifier}`),
    [
      '1 static ./a.ts',
      '2 type ./b.ts',
      '3 static ./c.ts',
      '6 static ./d.ts',
      '7 type ./e.ts',
      '8 dynamic f',
      '9 type g',
      '12 static ./j.ts',
    ],
  );
});

test('checker: wrong arrows between folders', (t) => {
  const of = (path: string, text: string): string[] => wrongFolders(sourceOf(path, text));
  t.deepEqual(of('src/core/tcp/tcb.ts', `\nimport type { Ip } from '../ip/ip.ts';`), [
    'src/core/tcp/tcb.ts:2: src/core/tcp must not import from src/core/ip',
  ]);
  t.deepEqual(of('src/core/base/seq.ts', `import '../wire/tcp.ts';`).length, 1);
  t.deepEqual(of('src/core/trace/line.ts', `import '../capture/pcap.ts';`).length, 1);
  t.deepEqual(of('src/core/stack/stack.ts', `import '../../node/hostClock.ts';`).length, 1);
  t.deepEqual(of('src/core/tcp/tcb.ts', `import '../index.ts';`).length, 1);
  t.deepEqual(of('src/apps/site.ts', `import type { Tcb } from '../core/tcp/tcb.ts';`).length, 1);
  t.deepEqual(of('src/apps/site.ts', `import { MS } from '../core/index.ts';`).length, 1);
  t.deepEqual(of('src/apps/site.ts', `import type { Tcb } from '../core/index.ts';`), []);
  t.deepEqual(of('src/new/x.ts', ''), ['src/new/x.ts:1: no rule says what src/new may import']);
  t.deepEqual(of('src/node/net/socket.ts', `import '../../core/tcp/connection.ts';`), []);
  t.deepEqual(of('src/index.ts', `export * from './core/index.ts';`), []);
});

test('checker: wrong arrows within core/tcp', (t) => {
  const of = (part: string, specifier: string): string[] =>
    wrongTcpEdges(sourceOf(`src/core/tcp/${part}.ts`, `import '${specifier}';`), new Set());
  t.deepEqual(of('send/sender', '../input/ackField.ts'), [
    'src/core/tcp/send/sender.ts:1: tcp/send/sender must not import tcp/input/ackField',
  ]);
  t.is(of('receive/receiver', '../send/sender.ts').length, 1);
  t.is(of('congestion/newReno', '../tcb.ts').length, 1);
  t.is(of('timers', './connection.ts').length, 1);
  t.is(of('listen/listener', '../connection.ts').length, 1);
  t.deepEqual(of('connection', './input/text.ts'), []);
  t.deepEqual(of('input/text', './fin.ts'), []);
  t.deepEqual(of('input/text', '../receive/receiver.ts'), []);
  t.deepEqual(of('send/output', '../receive/ackPolicy.ts'), []);
  const reno = sourceOf('src/core/tcp/congestion/x.ts', `import type {} from '../../wire/tcp.ts';`);
  t.deepEqual(segmentsAmongNumbers(reno), [
    'src/core/tcp/congestion/x.ts:1: it gets numbers: it must not import ../../wire/tcp.ts',
  ]);
});

test('checker: packages out of place, or imported in another way', (t) => {
  const of = (path: string, text: string): string[] => wrongPackages(sourceOf(path, text));
  t.is(of('src/core/base/seq.ts', `import { x } from 'node:fs';`).length, 1);
  t.is(of('src/core/wire/tcp.ts', `import { x } from 'ip-packet';`).length, 1);
  t.deepEqual(of('src/core/wire/ipv4.ts', `import { x } from 'ip-packet';`), []);
  t.deepEqual(of('src/node/devices/a.ts', `import k from 'koffi';`), [
    'src/node/devices/a.ts:1: koffi: a static import, not dynamic or type',
  ]);
  t.deepEqual(of('src/node/devices/a.ts', `const k = await import('koffi');`), []);
  t.is(of('src/cli/main.ts', `const k = await import('koffi');`).length, 1);
  t.is(of('src/node/x.ts', `import 'left-pad';`).length, 1);
});

test('checker: names of hosts, but not in comments, strings and members', (t) => {
  const of = (text: string): string[] => hostNames(sourceOf('src/core/base/x.ts', text));
  for (const name of HOST_NAMES) t.is(of(`const x = ${name};`).length, 1, name);
  t.deepEqual(of('\nconst x = Math.random();'), [
    'src/core/base/x.ts:2: core must not use Math.random',
  ]);
  t.deepEqual(
    of('const x = Math.floor(2); // Date.now()\nconst y = `Buffer`; const z = "process";'),
    [],
  );
  t.deepEqual(of('interface X { process(): void } x.process(); const y = { console: 1 };'), []);
  t.is(of('const y = { console };').length, 1);
  t.deepEqual(hostNames(sourceOf('src/node/x.ts', 'Date.now()')), []);
});

test('checker: states that are assigned elsewhere than in transition()', (t) => {
  const of = (text: string): string[] => assignedStates(sourceOf('src/core/tcp/x.ts', text));
  t.deepEqual(of(`function f(tcb) {\n  tcb.state = 'CLOSED';\n}`), [
    'src/core/tcp/x.ts:2: transition() alone assigns a state',
  ]);
  t.is(of(`class Tcp { constructor() { this.state = 'CLOSED'; } }`).length, 1);
  t.is(of(`const close = () => { c.tcb.state ??= 'CLOSED'; };`).length, 1);
  t.deepEqual(of(`function transition(tcb, to) { tcb.state = to; }`), []);
  t.deepEqual(of(`class Tcb { constructor() { this.state = 'CLOSED'; } }`), []);
  t.deepEqual(of(`if (tcb.state === 'CLOSED') f({ state: 1 });`), []);
});

test('checker: forms that are not wanted', (t) => {
  const of = (path: string, text: string): string[] => wrongForms(sourceOf(path, text));
  const path = 'src/core/base/x.ts';
  t.deepEqual(of(path, '\nenum X { A }'), [`${path}:2: no enum: a union of literals`]);
  t.is(of(path, 'namespace X {}').length, 1);
  t.is(of(path, 'export default 1;').length, 1);
  t.is(of(path, 'export default function f() {}').length, 1);
  t.is(of(path, 'const x = 1; export { x as default };').length, 1);
  t.is(of('src/core/tcp/index.ts', '').length, 1);
  t.is(of(path, '\n'.repeat(601)).length, 1);
  t.deepEqual(of(path, '\n'.repeat(600)), []);
  t.deepEqual(of('src/core/index.ts', `export { x } from './base/x.ts';`), []);
  t.deepEqual(of(path, 'switch (x) { default: y(); }'), []);
});

test('checker: cycles', (t) => {
  const a = sourceOf('src/core/base/a.ts', `import './b.ts';`);
  const b = sourceOf('src/core/base/b.ts', `import './c.ts';`);
  const c = sourceOf('src/core/base/c.ts', `\nimport './a.ts';`);
  const d = sourceOf('src/core/base/c.ts', `import type { A } from './a.ts';`);
  t.deepEqual(cycles([a, b, d]), []);
  t.deepEqual(cycles([a, b, c]), [
    'src/core/base/c.ts:2: a cycle of imports: ' +
      'src/core/base/a.ts -> src/core/base/b.ts -> src/core/base/c.ts -> src/core/base/a.ts',
  ]);
});
