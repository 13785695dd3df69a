import { type ObjectPath, parsePath, unescaped } from '../cim/object.js';

/** The part of WQL that clients of Hyper-V use. */
export type Query =
  | { readonly kind: 'select'; readonly className: string; readonly columns?: readonly string[]; readonly where: Condition }
  | { readonly kind: 'associators'; readonly of: ObjectPath; readonly assocClass?: string; readonly resultClass?: string }
  | { readonly kind: 'events'; readonly eventClass: string; readonly targetClasses: readonly string[] };

export type Condition =
  | { readonly kind: 'always' }
  | { readonly kind: 'and'; readonly all: readonly Condition[] }
  | { readonly kind: 'or'; readonly all: readonly Condition[] }
  | { readonly kind: 'not'; readonly of: Condition }
  | { readonly kind: 'compare'; readonly left: Term; readonly operator: string; readonly right: Term }
  | { readonly kind: 'isNull'; readonly of: Term };

export type Term = { readonly kind: 'property'; readonly name: string } | { readonly kind: 'constant'; readonly text: string };

export class QueryError extends Error {
  override readonly name = 'QueryError';
}

const always: Condition = { kind: 'always' };

/** @throws QueryError */
export function parseQuery(text: string): Query {
  const associators = /^\s*ASSOCIATORS\s+OF\s*\{(.*)\}\s*(?:WHERE\s+(.*))?$/is.exec(text);
  if (associators !== null) return parseAssociators(associators[1] ?? '', associators[2] ?? '');
  const select = /^\s*SELECT\s+(\*|\w+(?:\s*,\s*\w+)*)\s+FROM\s+([A-Za-z_]\w*)\s*(?:WITHIN\s+[\d.]+\s*)?(?:WHERE\s+(.*))?$/is.exec(text);
  if (select?.[2] === undefined) throw new QueryError(`neither "SELECT … FROM …" nor "ASSOCIATORS OF {…}": ${text}`);
  const [, chosen = '*', className, where] = select;
  if (/^__/.test(className)) return parseEvents(className, where ?? '');
  const columns = chosen === '*' ? {} : { columns: chosen.split(',').map((name) => name.trim()) };
  return { kind: 'select', className, ...columns, where: where === undefined ? always : new Conditions(where).parse() };
}

function parseAssociators(path: string, where: string): Query {
  const of = parsePath(path);
  if (of === undefined) throw new QueryError(`no path to an object: ${path}`);
  const part = (name: string) => new RegExp(`\\b${name}\\s*=\\s*(\\w+)`, 'i').exec(where)?.[1];
  const [assocClass, resultClass] = [part('AssocClass'), part('ResultClass')];
  return { kind: 'associators', of, ...(assocClass && { assocClass }), ...(resultClass && { resultClass }) };
}

/** Of what the events are about, only the classes are looked at; none is any. */
function parseEvents(eventClass: string, where: string): Query {
  const targetClasses = [...where.matchAll(/TargetInstance\s+ISA\s+['"](\w+)['"]/gi)].map(([, name = '']) => name);
  return { kind: 'events', eventClass, targetClasses };
}

const tokens = /\s*(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|(<>|!=|<=|>=|=|<|>|\(|\))|([\w.+-]+))/y;

interface Token {
  readonly kind: 'string' | 'sign' | 'word';
  readonly text: string;
}

/** Recursive descent: `OR` binds least, then `AND`, then `NOT`. */
class Conditions {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenise(text);
  }

  parse(): Condition {
    const found = this.#either();
    if (this.#at < this.#tokens.length) throw new QueryError(`"${this.#tokens[this.#at]?.text}" was not expected`);
    return found;
  }

  #either(): Condition {
    return this.#joined('or', () => this.#joined('and', () => this.#one()));
  }

  #joined(kind: 'and' | 'or', part: () => Condition): Condition {
    const all = [part()];
    while (this.#takes(kind)) all.push(part());
    return all.length === 1 ? (all[0] ?? always) : { kind, all };
  }

  #one(): Condition {
    if (this.#takes('not')) return { kind: 'not', of: this.#one() };
    if (!this.#takes('(')) return this.#comparison();
    const found = this.#either();
    if (!this.#takes(')')) throw new QueryError('a parenthesis is not closed');
    return found;
  }

  #comparison(): Condition {
    const left = this.#term();
    const operator = this.#next().text.toLowerCase();
    if (operator === 'is') {
      const isNot = this.#takes('not');
      if (!this.#takes('null')) throw new QueryError('NULL was expected');
      const isNull: Condition = { kind: 'isNull', of: left };
      return isNot ? { kind: 'not', of: isNull } : isNull;
    }
    if (!['=', '!=', '<>', '<', '>', '<=', '>=', 'like'].includes(operator)) throw new QueryError(`"${operator}" is no comparison`);
    return { kind: 'compare', left, operator, right: this.#term() };
  }

  #term(): Term {
    const { kind, text } = this.#next();
    if (kind === 'sign') throw new QueryError(`"${text}" is no value`);
    const isConstant = kind === 'string' || /^[+-]?\d/.test(text) || /^(true|false)$/i.test(text);
    return isConstant ? { kind: 'constant', text } : { kind: 'property', name: text };
  }

  #next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new QueryError('it ends too early');
    this.#at += 1;
    return token;
  }

  #takes(word: string): boolean {
    const token = this.#tokens[this.#at];
    if (token === undefined || token.kind === 'string' || token.text.toLowerCase() !== word) return false;
    this.#at += 1;
    return true;
  }
}

function tokenise(text: string): readonly Token[] {
  const found: Token[] = [];
  tokens.lastIndex = 0;
  for (let end = 0; text.slice(end).trim() !== ''; end = tokens.lastIndex) {
    const [, single, double, sign, word] = tokens.exec(text) ?? [];
    if (single === undefined && double === undefined && sign === undefined && word === undefined)
      throw new QueryError(`what is meant by "${text.slice(end, end + 20)}"?`);
    if (sign !== undefined) found.push({ kind: 'sign', text: sign });
    else if (word !== undefined) found.push({ kind: 'word', text: word });
    else found.push({ kind: 'string', text: unescaped(single ?? double ?? '') });
  }
  return found;
}
