import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js';
import { withAuthorizer } from './authorizer.js';
import { functions, resetSteps } from './functions.js';

export interface Expression {
  /** @throws Error with the reason when it cannot be evaluated */
  evaluate(values: Readonly<Record<string, unknown>>): unknown;
}

/** What an expression may speak of. */
const environmentOf = (...variables: readonly string[]): Environment =>
  variables.reduce((environment, name) => environment.registerVariable(name, 'dyn'), functions.clone());

const ofSchemas = environmentOf('self', 'oldSelf');

/** @throws Error with the reason when it is no expression */
export function compile(text: string, environment = ofSchemas): Expression {
  const result = environment.parse(counted(text, environment.parse(text)));
  const { valid, error } = result.check();
  if (!valid) throw error ?? new Error('it does not check');
  return {
    evaluate: (values) => {
      resetSteps();
      return result(values);
    },
  };
}

const ofPolicies = withAuthorizer(environmentOf('object', 'oldObject', 'request', 'namespaceObject', 'variables'));

/** An expression of an admission policy. @throws Error with the reason when it is none */
export const compilePolicy = (text: string): Expression => compile(text, ofPolicies);

interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The same, with what each macro does for an item counted, and patterns matched by RE2. */
function counted(text: string, { ast }: ParseResult): string {
  const edits = editsOf(ast, text).toSorted((one, other) => other.start - one.start || other.end - one.end);
  return edits.reduce((edited, { start, end, text: by }) => edited.slice(0, start) + by + edited.slice(end), text);
}

const wrapped = ({ start, end }: ASTNode): readonly Edit[] => [
  { start, end: start, text: 'counted__(' },
  { start: end, end, text: ')' },
];

const macros: ReadonlySet<string> = new Set(['all', 'exists', 'exists_one', 'existsOne', 'map', 'filter', 'transformList', 'transformMap']);

function editsOf(node: ASTNode, text: string): readonly Edit[] {
  const beneath = childrenOf(node).flatMap((child) => editsOf(child, text));
  if (node.op !== 'rcall') return beneath;
  const [name, receiver, args] = node.args;
  if (name === 'matches') {
    const at = text.indexOf('matches', receiver.end);
    return [...beneath, { start: at, end: at + 'matches'.length, text: 'matches__' }];
  }
  const last = args.at(-1);
  if (!macros.has(name) || args.length < 2 || last === undefined) return beneath;
  // What it goes through as well: a quantifier goes on after an error, and only beneath it all ends at once.
  return [...beneath, ...[last, receiver].flatMap(wrapped)];
}

/** Whatever stands beneath, however its operator keeps it. */
function childrenOf({ args }: ASTNode): readonly ASTNode[] {
  const found = (value: unknown): readonly ASTNode[] => {
    if (Array.isArray(value)) return value.flatMap(found);
    return typeof value === 'object' && value !== null && 'op' in value ? [value as ASTNode] : [];
  };
  return found(args);
}
