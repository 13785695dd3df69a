import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import ts from 'typescript';

/** What one file takes from another, or from a package. */
export interface Import {
  /** A file of ours by its path from the top (`crds/types.ts`), else as written (`node:fs`, `saxes`). */
  readonly target: string;
  /** Only types: nothing is loaded. */
  readonly typeOnly: boolean;
}

/** One file of ours, as far as the house rules go. */
export interface Source {
  /** From the top, e.g. `controllers/plan.ts`. */
  readonly path: string;
  readonly imports: readonly Import[];
  readonly exportsDefault: boolean;
  /** Clocks, chance and I/O that need no import, e.g. `fetch`, `Date.now`. */
  readonly ambient: readonly string[];
  /** Looks whether something is of version v1 or v2, or takes what only one of them has. */
  readonly asksVersion: boolean;
}

const top = new URL('../../../', import.meta.url);
const folders = ['bench', 'cli', 'controllers', 'crds', 'demo', 'drivers', 'simulators', 'standalone', 'test'];

/** Every TypeScript file of the house; folders that are not there yet have none. */
export function readHouse(): readonly Source[] {
  const present = new Set(readdirSync(top));
  return folders.filter((folder) => present.has(folder)).flatMap((folder) => readFolder(folder));
}

function readFolder(folder: string): readonly Source[] {
  const names = readdirSync(new URL(`${folder}/`, top), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.ts'))
    .map((name) => `${folder}/${name}`)
    .sort()
    .map((path) => readSource(path, readFileSync(new URL(path, top), 'utf8')));
}

export function readSource(path: string, text: string): Source {
  const imports: Import[] = [];
  const ambient = new Set<string>();
  let exportsDefault = false;
  let asksVersion = false;
  const visit = (node: ts.Node): void => {
    const taken = importOf(node);
    if (taken !== undefined) imports.push({ ...taken, target: resolve(path, taken.target) });
    const used = ambientOf(node);
    if (used !== undefined) ambient.add(used);
    exportsDefault ||= isDefaultExport(node);
    asksVersion ||= isOfOneVersion(node);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest, false));
  return { path, imports, exportsDefault, ambient: [...ambient], asksVersion };
}

const isVersion = (name: string): boolean => name === 'v1' || name === 'v2';

function isOfOneVersion(node: ts.Node): boolean {
  if (ts.isPropertyAccessExpression(node)) return isVersion(node.name.text);
  return ts.isBinaryExpression(node) && [node.left, node.right].some((side) => ts.isStringLiteral(side) && isVersion(side.text));
}

function importOf(node: ts.Node): Import | undefined {
  if (ts.isImportDeclaration(node)) return fromText(node.moduleSpecifier, node.importClause?.isTypeOnly ?? false);
  if (ts.isExportDeclaration(node)) return fromText(node.moduleSpecifier, node.isTypeOnly);
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) return fromText(node.argument.literal, true);
  if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) return fromText(node.arguments[0], false);
  return undefined;
}

function fromText(specifier: ts.Node | undefined, typeOnly: boolean): Import | undefined {
  if (specifier === undefined) return undefined;
  if (!ts.isStringLiteralLike(specifier)) return { target: 'something that is reckoned', typeOnly };
  return { target: specifier.text, typeOnly };
}

function resolve(from: string, specifier: string): string {
  const isOurs = specifier.startsWith('#') || specifier.startsWith('.');
  if (!isOurs) return specifier;
  const path = specifier.startsWith('#') ? specifier.slice(1) : join(dirname(from), specifier);
  return path.replace(/\.js$/, '.ts');
}

function isDefaultExport(node: ts.Node): boolean {
  if (ts.isExportAssignment(node)) return true;
  if (ts.isExportSpecifier(node)) return node.name.text === 'default';
  return ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ?? false);
}

const ambientCalls = new Set(['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']);
const ambientMembers = new Set(['Date.now', 'Math.random', 'performance.now', 'AbortSignal.timeout', 'crypto.randomUUID']);
const ambientObjects = new Set(['process', 'console', 'globalThis']);

function ambientOf(node: ts.Node): string | undefined {
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && ambientCalls.has(node.expression.text)) return node.expression.text;
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression) && node.expression.text === 'Date' && !node.arguments?.length)
    return 'new Date()';
  if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return undefined;
  const member = `${node.expression.text}.${node.name.text}`;
  return ambientMembers.has(member) || ambientObjects.has(node.expression.text) ? member : undefined;
}
