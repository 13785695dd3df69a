import type { Condition, Term } from './parse.js';

/** One property of the object in question; `__SERVER` and `__PATH` as well. Undefined is null. */
export type Look = (name: string) => string | undefined;

/** Null compares with nothing, and texts in whatever case. */
export function holds(condition: Condition, look: Look): boolean {
  if (condition.kind === 'always') return true;
  if (condition.kind === 'and') return condition.all.every((each) => holds(each, look));
  if (condition.kind === 'or') return condition.all.some((each) => holds(each, look));
  if (condition.kind === 'not') return !holds(condition.of, look);
  if (condition.kind === 'isNull') return valueOfTerm(condition.of, look) === undefined;
  const [left, right] = [valueOfTerm(condition.left, look), valueOfTerm(condition.right, look)];
  return left !== undefined && right !== undefined && compares(left, condition.operator, right);
}

function valueOfTerm(term: Term, look: Look): string | undefined {
  return term.kind === 'constant' ? term.text : look(term.name);
}

function compares(left: string, operator: string, right: string): boolean {
  if (operator === 'like') return pattern(right).test(left);
  const order = orderOf(left, right);
  if (operator === '=') return order === 0;
  if (operator === '!=' || operator === '<>') return order !== 0;
  if (operator === '<') return order < 0;
  if (operator === '>') return order > 0;
  return operator === '<=' ? order <= 0 : order >= 0;
}

const number = /^[+-]?\d+$/;

function orderOf(left: string, right: string): number {
  const [one, other] = number.test(left) && number.test(right) ? [BigInt(left), BigInt(right)] : [left.toLowerCase(), right.toLowerCase()];
  return one < other ? -1 : one > other ? 1 : 0;
}

const escaped = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');

/** `%` is anything, `_` any one character, `[a-z]` one of these, and `[^a-z]` any other; what is not closed means itself. */
function pattern(like: string): RegExp {
  const source = like.replace(/\[(\^?)([^\]]+)\]|%|_|./gsu, (part, not: string | undefined, among: string | undefined) => {
    if (among !== undefined) return `[${not ?? ''}${ranges(among)}]`;
    if (part === '%') return '.*';
    return part === '_' ? '.' : escaped(part);
  });
  return new RegExp(`^${source}$`, 'is');
}

/** A range the wrong way round has nothing in it. */
const ranges = (among: string): string =>
  among.replace(/(.)-(.)|./gsu, (part, from: string | undefined, to: string | undefined) => {
    if (from === undefined || to === undefined) return escaped(part);
    return from <= to ? `${escaped(from)}-${escaped(to)}` : '';
  });
